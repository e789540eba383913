/* Weights that are states lie row-major in memory, as they were made: every
 * contraction reads them by strided copies, whole, by columns or streamed, and
 * agrees with the reference evaluator. */
#include "tests/lib/unit.h"

#include <stdio.h>
#include <string.h>

#include "frontend/net.h"
#include "tests/lib/compiled.h"

static struct graph *
network(struct unit *u, const char *layer)
{
	const char *text = arena_printf(u->arena, "network n {\n"
	    "input x : f32[2, 20, 9, 9]\noutput y = %s%s }\n",
	    strncmp(layer, "add(", 4) == 0 ? "" : "x -> ", layer);
	struct graph *g = net_parse(u->arena, &u->diag, "t.net", text,
	    strlen(text), NULL, NULL);

	if (g == NULL)
		fail_msg("%s: %s", layer, u->last);
	return g;
}

static struct eval_tensor
random_input(struct unit *u, const struct graph *g)
{
	struct eval_tensor t = {.type = g->inputs.data[0]->type};
	int64_t n = type_elems(&t.type);
	float *v = NEW_ARRAY(u->arena, float, (size_t)n);
	uint64_t rng = 5;

	for (int64_t i = 0; i < n; i++)
		v[i] = (float)((double)(unit_random(&rng) >> 40) / 8388608.0 -
		    1);
	t.data = v;
	return t;
}

static void
agrees(struct unit *u, const char *layer, const struct compile_how *how)
{
	struct graph *g = network(u, layer), *ref = network(u, layer);
	struct eval_tensor in = random_input(u, ref), want, got;
	struct eval_options eval = {.round = true};
	struct run_how run = {.check = true};
	struct compiled m;
	double *bound;

	if (!compiled_make(u->arena, &u->diag, g, how, &m))
		fail_msg("%s: %s", layer, u->last);
	struct wave_program *code = compiled_code(u->arena, &u->diag, &m,
	    false);
	if (code == NULL || !compiled_run(u->arena, &u->diag, &m, code, &in,
	    &run, &got, NULL) || !eval_graph(u->arena, &u->diag, ref, &eval,
	    &in, &want, &bound))
		fail_msg("%s: %s", layer, u->last);
	for (int64_t i = 0; i < type_elems(&want.type); i++)
		if (!eval_within(dtype_get(want.data, DT_F32, (size_t)i),
		    dtype_get(got.data, DT_F32, (size_t)i), bound[i]))
			fail_msg("%s, %s: element %lld", layer,
			    compile_name(u->arena, how), (long long)i);
}

static void
every_staging_agrees(void **state)
{
	static const char *const layers[] = {"conv(12, 3, pad=1)",
	    "conv(9, [3, 2], stride=2, dilation=2)", "conv(70, 3, pad=1)",
	    "conv(70, [1, 3])", "conv(70, [2, 1], pad=1)", "conv(8, 1)",
	    "conv(20, 3, groups=5)", "depthwise(3, pad=1)",
	    "conv_transpose(6, 3, stride=2, pad=1, output_pad=1)",
	    "conv_transpose(6, [1, 3])", "conv_transpose(6, 2)",
	    "reshape([2, 20, 81]) -> conv(30, 5, pad=2)",
	    "reshape([2, 5, 4, 9, 9]) -> conv(70, 3, pad=1)",
	    "flatten -> linear(33)", "reshape([2, 20, 81]) -> linear(15)"};
	static const char *const wbuf[] = {"", "wbuf_bytes=2048",
	    "wbuf_bytes=4096", "wbuf_bytes=8192"};

	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		for (size_t k = 0; k < 8; k++) {
			struct compile_how how = {.target = "tiny",
			    .level = 2};

			snprintf(how.set[0], sizeof how.set[0], "%s",
			    wbuf[k / 2]);
			if (k % 2 == 1)
				strcpy(how.set[1], "gbuf_bytes=16384");
			agrees(*state, layers[i], &how);
		}
}

/* A tap's rows in several chunks: more channels than a chunk holds. */
static void
streams_taps_in_chunks(void **state)
{
	struct compile_how how = {.target = "tiny", .level = 2,
	    .set = {"wbuf_bytes=1536", "gbuf_bytes=16384"}};

	agrees(*state, "conv(10, 3, pad=1)", &how);
	agrees(*state, "conv_transpose(5, [2, 3], stride=2)", &how);
}

static void
count_panels(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	int *count = user;

	(void)level;
	(void)loc;
	*count += strstr(text, "by columns, outermost") != NULL;
}

/* Columns in turn, each for all tiles: with a residual, phases, either operand
 * stationary, a narrower last panel. */
static void
panels_agree(void **state)
{
	static const char *const layers[] = {"conv(70, 3, pad=1)",
	    "conv_transpose(70, 3, stride=2, pad=1)",
	    "add(x -> conv(70, 1), x -> conv(70, 3, pad=1)) -> relu"};
	struct unit u = *(struct unit *)*state;

	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
		int panels = 0;

		u.diag = (struct diag){.fn = count_panels, .user = &panels};
		for (int k = 0; k < 24; k++) {
			struct compile_how how = {.target = "tiny",
			    .level = 2};

			snprintf(how.set[0], sizeof how.set[0],
			    "wbuf_bytes=%d", 16384 << k % 2);
			snprintf(how.set[1], sizeof how.set[1],
			    "gbuf_bytes=%d", 16384 + 4096 * (k / 2));
			agrees(&u, layers[i], &how);
		}
		assert_true(panels > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_staging_agrees),
		UNIT_TEST(streams_taps_in_chunks),
		UNIT_TEST(panels_agree),
	};

	return cmocka_run_group_tests_name("backend/state_weights", tests,
	    NULL, NULL);
}
