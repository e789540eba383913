/* Parameters stored in 16 bits (-fstate=paper): what a step moves, and that it
 * computes what the evaluator does. */
#include <string.h>

#include "ir/text.h"
#include "passes/train.h"
#include "tests/lib/stepped.h"

#define WEIGHTS (16 * 8 * 3 * 3 + 4 * 16)

static const char text[] =
    "wave.graph 1\ngraph \"g\" {\n"
    "input %x \"x\" : f32[4,8,8,8]\n"
    "state %w \"w\" trainable : f32[16,8,3,3] = zero\n"
    "state %v \"v\" trainable : f32[4,16,1,1] = zero\n"
    "%a = conv %x, %w {pads_begin = [1,1], pads_end = [1,1]}\n"
    "%b = sigmoid %a\n"
    "%y = conv %b, %v\n"
    "output %y \"y\"\n}\n";

struct draft {
	enum dtype stored;
	enum train_optimizer optimizer;
	double scale;
};

static const struct draft *draft; /* of the test at hand */

/* Initial weights, so small that no f16 comes near its limit. */
static const void *
small(struct unit *u, const struct tensor_type *t, uint64_t *seed)
{
	float *data = stepped_random(u, t, seed);

	for (int64_t i = 0; i < type_elems(t); i++)
		data[i] /= 32;
	return data;
}

static struct graph *
step_of(struct unit *u, uint64_t seed)
{
	struct graph *g = graph_parse(u->arena, &u->diag, "g", text,
	    sizeof text - 1);
	struct parameter_options p = {.stored = draft->stored};
	struct train_options o;

	if (g == NULL)
		fail_msg("%s", u->last);
	for (size_t i = 0; i < g->states.len; i++)
		g->states.data[i]->data = small(u,
		    &g->states.data[i]->type, &seed);
	train_options_init(&o);
	o.loss = LOSS_MSE;
	o.momentum = 0.9;
	o.weight_decay = 0.01;
	o.optimizer = draft->optimizer;
	o.loss_scale = draft->scale;
	assert_true(train_parameters(g, &u->diag, &p));
	if (!train_step(g, &u->diag, &o))
		fail_msg("%s", u->last);
	graph_foreach_node(g, n)
		if (n->op == OP_conv_wgrad)
			n->out[0]->keep = KEEP_DRAM;
	return g;
}

static struct sim_counters
moved(struct unit *u, enum dtype stored, struct graph **of)
{
	struct draft d = {stored, OPTIMIZER_SGD, 1};
	struct compile_how how = {.target = "wavecore", .level = 2,
	    .precision = DT_BF16};
	struct eval_tensor *in;
	struct stepped_set got;
	struct sim_stats s;
	struct compiled m;
	uint64_t seed = 3;

	in = NEW_ARRAY(u->arena, struct eval_tensor, 3);

	draft = &d;
	if (!compiled_make(u->arena, &u->diag, step_of(u, 5), &how, &m))
		fail_msg("%s", u->last);
	*of = m.graph;
	assert_int_equal(m.graph->inputs.len, 3);
	for (size_t i = 0; i < 3; i++) {
		in[i].type = m.graph->inputs.data[i]->type;
		in[i].data = stepped_random(u, &in[i].type, &seed);
	}
	if (!stepped_run(u, &m, m.code, in, &got, &s))
		fail_msg("%s", u->last);
	return s.total;
}

/* Each weight once out and once in. */
static void
check_class(const struct sim_counters *c, enum traffic t, int64_t bytes)
{
	assert_int_equal(c->dram_write[t], bytes * WEIGHTS);
	assert_int_equal(c->dram_read[t], bytes * WEIGHTS);
}

static void
two_bytes(void **state)
{
	struct unit *u = *state;
	struct graph *g;
	struct sim_counters paper = moved(u, DT_BF16, &g), mixed;

	for (size_t i = 0; i < g->states.len; i++)
		assert_int_equal(g->states.data[i]->type.dtype, DT_BF16);
	mixed = moved(u, DT_NONE, &g);
	check_class(&paper, TRAFFIC_WEIGHT_GRADIENT, 2);
	check_class(&paper, TRAFFIC_OPTIMIZER, 2);
	check_class(&mixed, TRAFFIC_WEIGHT_GRADIENT, 4);
	check_class(&mixed, TRAFFIC_OPTIMIZER, 4);
	/* forward, data gradient of the second and update read weights */
	assert_int_equal(paper.dram_write[TRAFFIC_WEIGHT], 2 * WEIGHTS);
	assert_int_equal(mixed.dram_write[TRAFFIC_WEIGHT], 4 * WEIGHTS);
	assert_true(paper.dram_read[TRAFFIC_WEIGHT] <
	    2 * (3 * WEIGHTS + 100));
	assert_true(mixed.dram_read[TRAFFIC_WEIGHT] > 6 * WEIGHTS);
	assert_int_equal(paper.dram_read[TRAFFIC_ACTIVATION],
	    mixed.dram_read[TRAFFIC_ACTIVATION]);
}

static void
agrees(void **state)
{
	static const struct draft drafts[] = {
	    {DT_BF16, OPTIMIZER_SGD, 1}, {DT_F16, OPTIMIZER_SGD, 64},
	    {DT_BF16, OPTIMIZER_ADAM, 1}, {DT_F16, OPTIMIZER_ADAM, 0.5}};
	struct unit *u = *state;
	struct stepped s = {0}, adam = {0}; /* divides by what may be 0 */

	for (size_t i = 0; i < 12; i++) {
		struct compile_how how = {.level = (int)(i % 3),
		    .target = i % 2 ? "tiny" : "wavecore"};

		draft = &drafts[i % 4];
		how.precision = draft->stored;
		if (!stepped_agrees(u, step_of, i + 1, &how,
		    draft->optimizer == OPTIMIZER_ADAM ? &adam : &s))
			fail_msg("%zu, %s: %s", i,
			    compile_name(u->arena, &how), u->last);
	}
	print_message("%ld runs, %ld elements, %ld open\n", s.runs,
	    s.elements, s.open);
	assert_true(s.open * 5 <= s.elements);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(two_bytes),
		UNIT_TEST(agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
