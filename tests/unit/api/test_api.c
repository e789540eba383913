/* The public headers alone take a network from text to results. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wave/compiler.h>
#include <wave/isa.h>
#include <wave/runtime.h>

static const char model[] =
    "wave.graph 1\n"
    "graph \"mlp\" {\n"
    "  input %0 \"x\" : f32[2,3]\n"
    "  const %1 : f32[3,2] = [1,2,3,4,5,6]\n"
    "  %2 = matmul %0, %1 : f32[2,2]\n"
    "  %3 = relu %2 : f32[2,2]\n"
    "  output %3 \"y\"\n"
    "}\n";

static void
keep(void *user, enum wave_level level, const char *text)
{
	char *log = user;
	(void)level;
	snprintf(log, 256, "%s", text);
}

static const struct wave_program *
compile(struct wave_context *c, const char *text)
{
	struct wave_graph *g = wave_parse_graph(c, "mlp.wgr", text,
	    strlen(text));
	struct wave_target *t = wave_load_target(c, "tiny");
	if (g == NULL || t == NULL || !wave_set_target(c, t, "groups=1") ||
	    !wave_run_passes(c, g, 2, DT_NONE))
		return NULL;
	return wave_compile(c, g, t);
}

static void
test_run(void **state)
{
	char log[256] = "";
	(void)state;
	struct wave_context *c = wave_context_new(keep, log);
	const struct wave_program *p = compile(c, model);
	assert_non_null(p);
	struct wave_sim_options o = {.check = true};
	struct device *d = wave_open_simulator(c, p, &o);
	assert_non_null(d);
	const float x[6] = {1, 0, -1, 0.5f, 2, 1};
	float y[4] = {9, 9, 9, 9};
	assert_true(wave_write_tensor(c, d, p, "x", x, sizeof x));
	assert_true(wave_run(c, d, "main"));
	assert_true(wave_read_tensor(c, d, p, "y", y, sizeof y));
	/* x w = (1-5, 2-6; 0.5+6+5, 1+8+6) */
	const float want[4] = {0, 0, 11.5f, 15};
	assert_memory_equal(y, want, sizeof y);
	assert_non_null(strstr(wave_statistics(c, d), "\"cycles\""));
	assert_false(wave_write_tensor(c, d, p, "x", x, 4));
	assert_string_equal(log, "wave: error: tensor 'x' has 24 bytes, "
	    "not 4");
	assert_false(wave_write_tensor(c, d, p, "z", x, 4));
	assert_int_equal(wave_context_errors(c), 2);
	wave_close(d);
	wave_context_free(c);
}

static void
test_assembly(void **state)
{
	(void)state;
	struct wave_context *c = wave_context_new(NULL, NULL);
	const struct wave_program *p = compile(c, model);
	assert_non_null(p);
	const char *text = wave_disassemble(c, p);
	const struct wave_program *q = wave_assemble(c, "mlp.ws", text,
	    strlen(text));
	assert_non_null(q);
	assert_string_equal(wave_disassemble(c, q), text);
	char line[128];
	assert_true(wave_disassemble_one(p->code[2].data, line, sizeof line));
	const uint8_t junk[16] = {0xff};
	assert_false(wave_disassemble_one(junk, line, sizeof line));
	wave_context_free(c);
}

static void
test_refusal(void **state)
{
	char log[256] = "";
	(void)state;
	struct wave_context *c = wave_context_new(keep, log);
	assert_null(compile(c, "wave.graph 1\ngraph \"x\" {\n  foo\n}\n"));
	assert_non_null(strstr(log, "mlp.wgr:3:"));
	assert_true(wave_context_errors(c) > 0);
	assert_null(wave_import_onnx(c, "m.onnx", "junk", 4, 0));
	assert_null(wave_load(c, "m.wo", "junk", 4));
	wave_context_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_run),
	    cmocka_unit_test(test_assembly), cmocka_unit_test(test_refusal)};
	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
