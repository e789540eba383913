/* Training steps that the groups of a chip share: the batch is divided, what
 * sums over it is gathered, parameters are updated by parts. */
#include <stdio.h>
#include <string.h>

#include "ir/text.h"
#include "passes/train.h"
#include "tests/lib/stepped.h"

#define CONVS                                                              \
	"wave.graph 1\ngraph \"g\" {\n"                                    \
	"input %x \"x\" : f32[12,6,8,8]\n"                                 \
	"const %w \"w\" : f32[12,6,3,3] = zero\n"                          \
	"const %b \"b\" : f32[12] = zero\n"                                \
	"const %s \"s\" : f32[12] = zero\n"                                \
	"const %h \"h\" : f32[12] = zero\n"                                \
	"const %m \"m\" : f32[12] = zero\n"                                \
	"const %u \"u\" : f32[12] = zero\n"                                \
	"const %v \"v\" : f32[5,12,1,1] = zero\n"                          \
	"%c = conv %x, %w, %b {pads_begin = [1,1], pads_end = [1,1]}\n"

static const char *const nets[] = {
    /* a bias, two convolutions, one of 5 channels */
    CONVS "%d = sigmoid %c\n%y = conv %d, %v\noutput %y \"y\"\n}\n",
    /* statistics of the whole batch */
    CONVS "%d = batch_norm %c, %s, %h, %m, %u\n"
    "%e = sigmoid %d\n%y = conv %e, %v\noutput %y \"y\"\n}\n",
    /* statistics of a sample; a product */
    "wave.graph 1\ngraph \"g\" {\n"
    "input %x \"x\" : f32[12,6,4,4]\n"
    "const %s \"s\" : f32[6] = zero\n"
    "const %h \"h\" : f32[6] = zero\n"
    "const %p \"p\" : f32[96,24] = zero\n"
    "const %q \"q\" : f32[7,24] = zero\n"
    "const %b \"b\" : f32[7] = zero\n"
    "%n = group_norm %x, %s, %h {channel_starts = [0,3], "
    "channel_ends = [3,6]}\n"
    "%t = tanh %n\n%f = reshape %t {shape = [12,96]}\n"
    "%g = matmul %f, %p\n%k = sigmoid %g\n"
    "%y = gemm %k, %q, %b {trans_b = 1}\noutput %y \"y\"\n}\n",
};
#define NETS (sizeof nets / sizeof *nets)

struct draft {
	size_t net;
	struct train_options o;
	enum dtype stored;
};

static const struct draft *draft; /* of the test at hand */

static struct graph *
step_of(struct unit *u, uint64_t seed)
{
	const char *text = nets[draft->net];
	struct graph *g = graph_parse(u->arena, &u->diag, "g", text,
	    strlen(text));
	struct parameter_options p = {.stored = draft->stored};

	if (g == NULL)
		fail_msg("%s", u->last);
	assert_true(train_parameters(g, &u->diag, &p));
	for (size_t i = 0; i < g->states.len; i++) {
		struct value *v = g->states.data[i];
		float *data = stepped_random(u, &v->type, &seed);

		for (int64_t k = 0; k < type_elems(&v->type); k++)
			data[k] = strcmp(v->name, "u") == 0 ? 1 :
			    data[k] / 8;
		v->data = data;
	}
	if (!train_step(g, &u->diag, &draft->o))
		fail_msg("%s", u->last);
	return g;
}

static struct eval_tensor *
inputs_of(struct unit *u, const struct graph *g, uint64_t seed)
{
	struct eval_tensor *in = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->inputs.len + 1);

	for (size_t i = 0; i < g->inputs.len; i++) {
		in[i].type = g->inputs.data[i]->type;
		in[i].data = stepped_random(u, &in[i].type, &seed);
	}
	return in;
}

/* One step on `groups` groups agrees with the evaluator, and serialized with
 * itself. */
static void
agrees(struct unit *u, const struct compile_how *how, int groups,
    struct stepped *s)
{
	struct graph *g = step_of(u, 3);
	struct eval_tensor *in = inputs_of(u, g, 11);
	struct stepped_set want, got, again;
	struct compiled m;

	if (!compiled_make(u->arena, &u->diag, g, how, &m))
		fail_msg("net %zu, %s: %s", draft->net,
		    compile_name(u->arena, how), u->last);
	assert_int_equal(m.groups, groups);
	if (!stepped_evaluate(u, g, in, &want) ||
	    !stepped_run(u, &m, m.code, in, &got, NULL) ||
	    !stepped_within(u, "groups", &want, &got, s) ||
	    !stepped_run(u, &m, compiled_code(u->arena, &u->diag, &m, true),
	    in, &again, NULL) ||
	    !stepped_same(u, "serialized", &got, &again))
		fail_msg("net %zu, %s: %s", draft->net,
		    compile_name(u->arena, how), u->last);
	s->runs++;
}

static struct train_options
sgd(void)
{
	struct train_options o;

	train_options_init(&o);
	o.loss = LOSS_MSE;
	o.momentum = 0.9;
	o.weight_decay = 0.01;
	return o;
}

static void
sweep(struct unit *u, const struct train_options *o, struct stepped *s)
{
	static const struct {
		const char *target, *set;
		int groups;
	} machines[] = {{"wavecore", "", 2}, {"tiny", "groups=3", 3},
	    {"tiny", "groups=4", 4}, {"wavecore", "gbuf_bytes=65536", 2}};

	for (size_t net = 0; net < NETS; net++)
		for (size_t i = 0; i < 4; i++) {
			struct draft d = {.net = net, .o = *o};
			struct compile_how how = {.shard = true,
			    .target = machines[i].target,
			    .level = (int)(i + net) % 3};

			draft = &d;
			snprintf(how.set[0], sizeof how.set[0], "%s",
			    machines[i].set);
			agrees(u, &how, machines[i].groups, s);
		}
}

static void
with_sgd(void **state)
{
	struct train_options o = sgd();
	struct stepped s = {0};

	sweep(*state, &o, &s);
	print_message("%ld runs, %ld elements, %ld open\n", s.runs,
	    s.elements, s.open);
	assert_true(s.open * 5 <= s.elements);
}

/* Flags over all gradients, scalars of the optimizer, f16. */
static void
with_adam(void **state)
{
	struct train_options o = sgd();
	struct stepped s = {0};

	o.optimizer = OPTIMIZER_ADAM;
	o.loss_scale = 8;
	sweep(*state, &o, &s);
}

/* Sums of steps, a counter, gradients as outputs. */
static void
accumulated(void **state)
{
	struct train_options o = sgd();
	struct stepped s = {0};

	o.accumulate = 2;
	o.keep_gradients = true;
	o.nesterov = true;
	sweep(*state, &o, &s);
	assert_true(s.open * 5 <= s.elements);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(with_sgd),
		UNIT_TEST(with_adam),
		UNIT_TEST(accumulated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
