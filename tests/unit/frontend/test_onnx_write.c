/* The ONNX writer: what it writes and the importer reads again computes the
 * same. */
#include "frontend/onnx_write.h"

#include <stdio.h>
#include <string.h>

#include "frontend/net.h"
#include "frontend/onnx.h"
#include "ir/eval.h"
#include "support/file.h"
#include "tests/lib/graphs.h"
#include "tests/lib/randgraph.h"
#include "tests/lib/stepped.h"

static struct graph *
there_and_back(struct unit *u, const struct graph *g)
{
	struct onnx_options opt = {0};
	uint8_t *bytes, *again;
	size_t size, n;

	if (!onnx_write(u->arena, &u->diag, g, NULL, &bytes, &size))
		return NULL;
	assert_true(onnx_write(u->arena, &u->diag, g, NULL, &again, &n));
	assert_int_equal(n, size);
	assert_memory_equal(bytes, again, size);
	return onnx_import(u->arena, &u->diag, "back.onnx", (char *)bytes,
	    size, &opt);
}

static void
evaluate(struct unit *u, const struct graph *g, const struct eval_tensor *in,
    struct eval_tensor *out)
{
	struct eval_options o = {.bounds = true, .round = true};

	if (!eval_graph(u->arena, &u->diag, g, &o, in, out, NULL))
		fail_msg("%s", u->last);
}

/* Both graphs give the same, each within its own bound. */
static void
compare(struct unit *u, const char *what, const struct graph *g,
    const struct graph *h, const struct eval_tensor *in)
{
	struct eval_tensor *x = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->outputs.len + 1);
	struct eval_tensor *y = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->outputs.len + 1);

	assert_int_equal(g->inputs.len, h->inputs.len);
	assert_int_equal(g->outputs.len, h->outputs.len);
	evaluate(u, g, in, x);
	evaluate(u, h, in, y);
	for (size_t i = 0; i < g->outputs.len; i++) {
		enum dtype t = x[i].type.dtype;

		assert_string_equal(g->output_names.data[i],
		    h->output_names.data[i]);
		if (!type_equal(&x[i].type, &y[i].type))
			fail_msg("%s: output %zu has another type", what, i);
		for (int64_t e = 0; e < type_elems(&x[i].type); e++) {
			double a = dtype_get(x[i].data, t, (size_t)e);
			double b = dtype_get(y[i].data, t, (size_t)e);

			if (!eval_within(a, b, x[i].bound[e] +
			    y[i].bound[e]))
				fail_msg("%s: output %zu[%lld] is %.9g, not "
				    "%.9g", what, i, (long long)e, b, a);
		}
	}
}

static struct eval_tensor *
inputs(struct unit *u, const struct graph *g, uint64_t seed)
{
	struct eval_tensor *in = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->inputs.len + 1);

	for (size_t i = 0; i < g->inputs.len; i++) {
		in[i].type = g->inputs.data[i]->type;
		in[i].data = stepped_random(u, &in[i].type, &seed);
	}
	return in;
}

static bool
of_training(enum op op)
{
	return op >= OP_conv_wgrad && op != OP_dropout;
}

static void
every_op(void **state)
{
	struct unit *u = *state;
	int written = 0;

	for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
		struct lab l;
		struct graph *g, *h;

		lab_open(&l);
		g = lab_sample(&l, op);
		if (g == NULL)
			fail_msg("no sample of %s", op_info(op)->name);
		h = there_and_back(u, g);
		if (of_training(op)) {
			assert_null(h);
			unit_expect_error(u, "cannot be written as ONNX");
		} else if (h == NULL) {
			fail_msg("%s: %s", op_info(op)->name, u->last);
		} else if (op != OP_dropout) {
			compare(u, op_info(op)->name, g, h,
			    inputs(u, g, (uint64_t)op));
			written++;
		}
		lab_close(&l);
	}
	assert_int_equal(written, OP_conv_wgrad - OP_NONE - 1);
}

/* Several random nodes of each op, which read each other. */
static void
random_graphs(void **state)
{
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};
	struct unit *u = *state;

	for (uint64_t i = 0; i < 200; i++) {
		struct random_graph r = {0};
		uint64_t seed = 3 * i + 1;
		struct graph *h;

		random_start(&r, u, &seed, types[i % 3]);
		for (int k = 0; k < 8; k++) {
			enum op op = (enum op)random_between(&r, OP_NONE + 1,
			    OP_conv_wgrad - 1);

			random_node(&r, op);
		}
		random_finish(&r);
		h = there_and_back(u, r.g);
		if (h == NULL)
			fail_msg("graph %d: %s", (int)i, u->last);
		compare(u, arena_printf(u->arena, "graph %d", (int)i), r.g, h,
		    inputs(u, r.g, i));
	}
}

static int64_t
parameters(const struct graph *g)
{
	int64_t n = 0;

	for (size_t i = 0; i < g->states.len; i++)
		n += type_elems(&g->states.data[i]->type);
	return n;
}

static void
networks(void **state)
{
	static const char *const nets[] = {"lenet5", "resnet20", "fm-a"};
	struct unit *u = *state;

	for (size_t i = 0; i < 3; i++) {
		struct net_options o = {.batch = 1, .seed = i};
		char *path = arena_printf(u->arena, "examples/%s.net",
		    nets[i]), *text;
		struct graph *g, *h;
		size_t n;

		assert_true(file_read(u->arena, &u->diag, path, 0, &text, &n));
		g = net_parse(u->arena, &u->diag, path, text, n, &o, NULL);
		if (g == NULL)
			fail_msg("%s", u->last);
		assert_true(parameters(g) > 10000);
		h = there_and_back(u, g);
		if (h == NULL)
			fail_msg("%s: %s", nets[i], u->last);
		compare(u, nets[i], g, h, inputs(u, g, i));
	}
}

static const void *
sevens(void *user, const struct value *v)
{
	float *data = user;

	assert_string_equal(v->name, "w");
	data[0] = 7;
	return data;
}

static void
takes_present_values_of_states(void **state)
{
	struct unit *u = *state;
	struct lab l;
	float value[2] = {0, 5};
	struct onnx_write_options o = {sevens, value};
	struct onnx_options in = {0};
	struct graph *g, *h;
	uint8_t *bytes;
	size_t size;

	lab_open(&l);
	g = lab_graph(&l, "input %x \"x\" : f32[2]\n"
	    "state %w \"w\" : f32[2] = [1,2]\n"
	    "%y = add %x, %w\noutput %y \"y\"\n");
	if (g == NULL)
		fail_msg("%s", lab_log(&l));
	assert_true(onnx_write(u->arena, &u->diag, g, &o, &bytes, &size));
	h = onnx_import(u->arena, &u->diag, "w.onnx", (char *)bytes, size,
	    &in);
	assert_non_null(h);
	assert_non_null(graph_find(h, "w"));
	assert_true(((const float *)graph_find(h, "w")->data)[0] == 7);
	graph_assign(g, g->states.data[0], g->outputs.data[0]);
	assert_false(onnx_write(u->arena, &u->diag, g, &o, &bytes, &size));
	unit_expect_error(u, "assigns states (as 'w')");
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(every_op),
		UNIT_TEST(random_graphs),
		UNIT_TEST(networks),
		UNIT_TEST(takes_present_values_of_states),
	};

	return cmocka_run_group_tests_name("frontend/onnx_write", tests, NULL,
	    NULL);
}
