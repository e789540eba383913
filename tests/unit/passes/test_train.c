/* Training steps on the evaluator against PyTorch's gradients and losses, in
 * files of tests/models/make_train_vectors.py. */
#include "passes/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "ir/eval.h"
#include "ir/text.h"
#include "tests/lib/unit.h"

#define FOLDER "tests/unit/passes/data/"
#define LIMIT ((size_t)4 << 20)
#define STEPS 10

static const char *const nets[] = {"lenet5", "groupnorm_resnet",
    "inception", "inverted_residual", "dense_block", "squeeze_excite",
    "batchnorm"};

static struct graph *
read_net(struct unit *u, const char *name)
{
	char *path = arena_printf(u->arena, FOLDER "train_%s.wgr.gz", name);
	char *text = arena_alloc(u->arena, LIMIT);
	gzFile f = gzopen(path, "rb");
	struct graph *g;
	int n;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	n = gzread(f, text, (unsigned)LIMIT);
	gzclose(f);
	assert_true(n > 0);
	g = graph_parse(u->arena, &u->diag, path, text, (size_t)n);
	if (g == NULL)
		fail_msg("%s", u->last);
	return g;
}

static struct eval_tensor
data_of(const struct graph *g, const char *name)
{
	const struct value *v = graph_find(g, name);
	struct eval_tensor t;

	if (v == NULL || v->data == NULL)
		fail_msg("no data '%s'", name);
	t = (struct eval_tensor){.type = v->type};
	memcpy(&t.data, &v->data, sizeof t.data);
	return t;
}

static double
get(const struct eval_tensor *t, size_t i)
{
	return dtype_get(t->data, t->type.dtype, i);
}

/* A training run on the evaluator. */
struct run {
	struct unit *u;
	struct graph *g;
	struct eval_tensor *in, *out, *states, *assigned;
};

static struct run
start(struct unit *u, struct graph *g, float lr)
{
	struct run r = {.u = u, .g = g};
	float *rate = NEW(u->arena, float);

	*rate = lr;
	r.in = NEW_ARRAY(u->arena, struct eval_tensor, g->inputs.len + 1);
	r.out = NEW_ARRAY(u->arena, struct eval_tensor, g->outputs.len + 1);
	r.states = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->states.len + 1);
	r.assigned = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->assigns.len + 1);
	for (size_t i = 0; i < g->inputs.len; i++) {
		struct value *v = g->inputs.data[i];

		if (strcmp(v->name, "lr") == 0) {
			r.in[i].type = v->type;
			r.in[i].data = rate;
		} else {
			r.in[i] = data_of(g, arena_printf(u->arena, "in.%s",
			    v->name));
		}
	}
	return r;
}

static struct eval_tensor *
output(struct run *r, const char *name)
{
	for (size_t i = 0; i < r->g->outputs.len; i++)
		if (strcmp(r->g->output_names.data[i], name) == 0)
			return &r->out[i];
	fail_msg("no output '%s'", name);
	return NULL;
}

/* One step; the states move on. The loss. */
static double
step(struct run *r)
{
	struct eval_options opt = {.round = true, .states = r->states,
	    .assigned = r->assigned};

	if (!eval_graph(r->u->arena, &r->u->diag, r->g, &opt, r->in, r->out,
	        NULL))
		fail_msg("%s", r->u->last);
	for (size_t i = 0; i < r->g->assigns.len; i++)
		for (size_t k = 0; k < r->g->states.len; k++)
			if (r->g->states.data[k] ==
			    r->g->assigns.data[i].state)
				r->states[k] = r->assigned[i];
	return get(output(r, "loss"), 0);
}

static double
distance(const struct eval_tensor *got, const struct eval_tensor *want)
{
	double d = 0, s = 0;

	assert_true(type_equal(&got->type, &want->type));
	for (int64_t i = 0; i < type_elems(&got->type); i++) {
		double x = get(got, (size_t)i), y = get(want, (size_t)i);

		d += (x - y) * (x - y);
		s += y * y;
	}
	/* what is zero in exact arithmetic is compared absolutely */
	return sqrt(d) / (sqrt(s) > 1e-5 ? sqrt(s) : 1);
}

static struct train_options
options_for(const struct graph *g)
{
	struct eval_tensor s = data_of(g, "want.smoothing");
	struct train_options o;

	train_options_init(&o);
	o.smoothing = get(&s, 0);
	return o;
}

static void
make_step(struct unit *u, struct graph *g, const struct train_options *o)
{
	if (!train_step(g, &u->diag, o) ||
	    !graph_verify(g, &u->diag, "train_step"))
		fail_msg("%s: %s", g->name, u->last);
}

/* The gradients of one step; compiled: after the passes. */
static double
check_gradients(struct unit *u, const char *name, bool compiled)
{
	struct graph *g = read_net(u, name);
	struct train_options o = options_for(g);
	struct eval_tensor loss = data_of(g, "want.loss");
	struct pass_options passes;
	double worst = 0, got;
	struct run r;

	o.keep_gradients = true;
	make_step(u, g, &o);
	r = start(u, g, 0.0F);
	pass_options_init(&passes);
	if (compiled && !passes_run(g, &u->diag, &passes))
		fail_msg("%s: %s", name, u->last);
	graph_foreach_node(g, n)
		assert_true(!compiled || op_info(n->op)->lowering !=
		    LOWER_COMPOSITE);
	got = step(&r);
	assert_true(fabs(got - get(&loss, 0)) <= 1e-5 * fabs(got));
	for (size_t i = 0; i < g->states.len; i++) {
		const char *p = g->states.data[i]->name;
		struct eval_tensor want;
		double d;

		if (!g->states.data[i]->trainable)
			continue;
		want = data_of(g, arena_printf(u->arena, "want.grad.%s", p));
		d = distance(output(&r, arena_printf(u->arena, "grad.%s",
		    p)), &want);
		worst = d > worst ? d : worst;
		if (!(d <= 1e-4))
			fail_msg("%s: gradient of %s is off by %g", name, p,
			    d);
	}
	return worst;
}

static void
gradients(void **state)
{
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
		double plain = check_gradients(u, nets[i], false);
		double legal = check_gradients(u, nets[i], true);

		print_message("%-18s %.1e, after the passes %.1e\n", nets[i],
		    plain, legal);
	}
}

static double
follow(struct unit *u, const char *net, const char *want, float lr,
    const struct train_options *o, bool compiled)
{
	struct graph *g = read_net(u, net);
	struct train_options opt = *o;
	struct pass_options passes;
	struct eval_tensor losses;
	double worst = 0;
	struct run r;

	opt.smoothing = options_for(g).smoothing;
	make_step(u, g, &opt);
	losses = data_of(g, want);
	r = start(u, g, lr);
	pass_options_init(&passes);
	if (compiled && !passes_run(g, &u->diag, &passes))
		fail_msg("%s: %s", net, u->last);
	for (size_t i = 0; i < STEPS; i++) {
		double d = fabs(step(&r) / get(&losses, i) - 1);

		worst = d > worst ? d : worst;
		if (!(d <= 1e-4))
			fail_msg("%s: loss %zu of %s is off by %g", net, i,
			    want, d);
	}
	return worst;
}

/* Ten steps with each optimizer, as set in the script. */
static void
losses(void **state)
{
	struct unit *u = *state;
	struct train_options sgd, nesterov, adam;

	train_options_init(&sgd);
	sgd.momentum = 0.9;
	sgd.weight_decay = 0.01;
	train_options_init(&nesterov);
	nesterov.momentum = 0.9;
	nesterov.nesterov = true;
	train_options_init(&adam);
	adam.optimizer = OPTIMIZER_ADAM;
	adam.weight_decay = 0.02;
	for (size_t i = 0; i < 2 * sizeof nets / sizeof nets[0]; i++) {
		const char *net = nets[i / 2];
		bool c = i % 2 != 0;

		print_message("%-18s%s sgd %.1e, nesterov %.1e, adam %.1e\n",
		    net, c ? ", compiled:" : "",
		    follow(u, net, "want.sgd", 0.05F, &sgd, c),
		    follow(u, net, "want.nesterov", 0.02F, &nesterov, c),
		    follow(u, net, "want.adam", 0.003F, &adam, c));
	}
}

/* In 16 bits with f32 masters and a loss scale: near the f32 losses. */
static void
mixed_precision(void **state)
{
	static const enum dtype dtypes[] = {DT_F16, DT_BF16};
	struct unit *u = *state;

	for (size_t k = 0; k < 4; k++) {
		enum dtype narrowed = dtypes[k % 2];
		struct graph *g = read_net(u,
		    k < 2 ? "groupnorm_resnet" : "batchnorm");
		struct pass_options passes;
		struct eval_tensor losses = data_of(g, "want.sgd");
		struct train_options o;
		double worst = 0;
		int narrow = 0;
		struct run r;

		train_options_init(&o);
		o.momentum = 0.9;
		o.weight_decay = 0.01;
		o.loss_scale = 64;
		make_step(u, g, &o);
		pass_options_init(&passes);
		passes.precision = narrowed;
		r = start(u, g, 0.05F);
		if (!passes_run(g, &u->diag, &passes))
			fail_msg("%s", u->last);
		graph_foreach_node(g, n) {
			enum dtype t = n->out[0]->type.dtype;

			narrow += t == narrowed;
			if (strcmp(n->phase, "update") == 0)
				assert_true(t == DT_F32 || t == DT_BOOL);
			if (n->op == OP_conv_wgrad)
				assert_true(t == DT_F32 &&
				    n->in[0]->type.dtype == narrowed);
		}
		assert_true(narrow > 10);
		for (size_t i = 0; i < g->states.len; i++)
			assert_int_equal(g->states.data[i]->type.dtype,
			    DT_F32);
		for (size_t i = 0; i < STEPS; i++) {
			double d = fabs(step(&r) / get(&losses, i) - 1);

			worst = d > worst ? d : worst;
		}
		print_message("%s in %s: losses within %.1e\n", g->name,
		    dtype_name(narrowed), worst);
		assert_true(worst < (narrowed == DT_F16 ? 5e-3 : 3e-2));
	}
}

static struct graph *
small_graph(struct unit *u, const char *body)
{
	char *text = arena_printf(u->arena,
	    "wave.graph 1\ngraph \"g\" {\n%s}\n", body);
	struct graph *g = graph_parse(u->arena, &u->diag, "g", text,
	    strlen(text));

	if (g == NULL)
		fail_msg("%s", u->last);
	return g;
}

#define LINEAR                                                             \
	"input %x \"x\" : f32[1,2]\n"                                      \
	"const %a \"in.x\" : f32[1,2] = [1,2]\n"                           \
	"const %t \"in.target\" : f32[1,1] = [1]\n"                        \
	"state %w \"w\" trainable : f32[2,1] = [1,3]\n"                    \
	"state %f \"f\" : f32[2,1] = [5,5]\n"                              \
	"%p = matmul %x, %w\n%q = matmul %x, %f\n%y = add %p, %q\n"        \
	"output %y \"y\"\n"

/* Only what the loss depends on through trainable states is computed. */
static void
nothing_for_frozen(void **state)
{
	struct unit *u = *state;
	struct graph *g = small_graph(u, LINEAR);
	struct train_options o;
	int products = 0;
	struct run r;

	train_options_init(&o);
	o.loss = LOSS_MSE;
	o.keep_gradients = true;
	make_step(u, g, &o);
	graph_foreach_node(g, n)
		products += n->op == OP_matmul;
	assert_int_equal(products, 3); /* dw alone is new */
	assert_int_equal(g->assigns.len, 1);
	r = start(u, g, 0.5F);
	/* y = 7 + 15, d = 21, dw = 2 d x */
	assert_true(step(&r) == 441);
	assert_true(get(output(&r, "grad.w"), 0) == 42);
	assert_true(get(output(&r, "grad.w"), 1) == 84);
	assert_true(get(&r.states[0], 0) == 1 - 21);
}

/* Two micro-steps make one update with the mean gradient. */
static void
accumulation(void **state)
{
	struct unit *u = *state;
	struct graph *g = small_graph(u, LINEAR);
	struct train_options o;
	struct run r;

	train_options_init(&o);
	o.loss = LOSS_MSE;
	o.accumulate = 2;
	o.momentum = 0.5;
	make_step(u, g, &o);
	r = start(u, g, 0.5F);
	step(&r);
	assert_true(get(&r.states[0], 0) == 1 && get(&r.states[0], 1) == 3);
	step(&r);
	assert_true(get(&r.states[0], 0) == 1 - 21);
	assert_true(get(&r.states[0], 1) == 3 - 42);
	step(&r);
	assert_true(get(&r.states[0], 0) == 1 - 21);
}

/* A gradient that overflows changes no parameter and no momentum. */
static void
skipped_update(void **state)
{
	struct unit *u = *state;
	struct graph *g = small_graph(u, LINEAR);
	struct train_options o;
	struct run r;

	train_options_init(&o);
	o.loss = LOSS_MSE;
	o.momentum = 0.5;
	o.loss_scale = 1024;
	make_step(u, g, &o);
	r = start(u, g, 0.5F);
	step(&r);
	assert_true(get(&r.states[0], 0) == -20);

	g = small_graph(u, LINEAR);
	o.loss_scale = 0x1p125;
	make_step(u, g, &o);
	r = start(u, g, 0.5F);
	assert_true(step(&r) == 441);
	assert_true(get(&r.states[0], 0) == 1 && get(&r.states[0], 1) == 3);
	assert_true(get(&r.states[2], 0) == 0);
}

/* The same text twice gives the same graph, and the same bits. */
static void
deterministic(void **state)
{
	struct unit *u = *state;
	struct strbuf a = {0}, b = {0};
	struct train_options o;

	train_options_init(&o);
	o.optimizer = OPTIMIZER_ADAM;
	for (int i = 0; i < 2; i++) {
		struct graph *g = read_net(u, "inception");

		make_step(u, g, &o);
		graph_print(i == 0 ? &a : &b, g, false);
	}
	assert_string_equal(a.data, b.data);
	strbuf_free(&a);
	strbuf_free(&b);
}

static void
bad_options(void **state)
{
	static const char *const body = "input %x \"x\" : f32[2,3]\n"
	    "output %x \"y\"\n";
	struct unit *u = *state;
	struct train_options o;

	train_options_init(&o);
	assert_false(train_step(small_graph(u, body), &u->diag, &o));
	unit_expect_error(u, "nothing to train");
	o.output = 1;
	assert_false(train_step(small_graph(u, body), &u->diag, &o));
	unit_expect_error(u, "no output 1");
	o.output = 0;
	o.momentum = 1;
	assert_false(train_step(small_graph(u, body), &u->diag, &o));
	unit_expect_error(u, "momentum");
	o.momentum = 0;
	assert_false(train_step(small_graph(u, "input %x \"lr\" : f32[2,3]\n"
	    "output %x \"y\"\n"), &u->diag, &o));
	unit_expect_error(u, "'lr'");
	assert_false(train_step(small_graph(u, "input %x : f32[3,2]\n"
	    "state %w \"w\" trainable : f32[2,2] = zero\n"
	    "input %k : i64[3]\n%m = matmul %x, %w\n"
	    "%y = gather %m, %k\noutput %y \"y\"\n"), &u->diag, &o));
	unit_expect_error(u, "indices are not constant");
}

static bool
not_bias(void *user, const char *name)
{
	(void)user;
	return strcmp(name, "bias") != 0;
}

/* Constants become states; running statistics follow the batch. */
static void
parameters(void **state)
{
	struct unit *u = *state;
	struct graph *g = small_graph(u, "input %x \"x\" : f32[2,1,2]\n"
	    "const %d \"in.x\" : f32[2,1,2] = [1,2,3,6]\n"
	    "const %w \"weight\" : f32[1,1,1] = [2]\n"
	    "const %b \"bias\" : f32[1] = [1]\n"
	    "const %s \"scale\" : f32[1] = [1]\n"
	    "const %m \"mean\" : f32[1] = [10]\n"
	    "const %v \"var\" : f32[1] = [20]\n"
	    "%c = conv %x, %w\n"
	    "%y = batch_norm %c, %s, %b, %m, %v {momentum = 0.5}\n"
	    "output %y \"y\"\n");
	struct parameter_options p = {.unbiased = true, .learns = not_bias};
	struct value *bias;
	struct train_options o;
	struct run r;

	assert_true(train_parameters(g, &u->diag, &p));
	assert_int_equal(g->states.len, 5);
	bias = graph_find(g, "bias");
	assert_true(bias->kind == VALUE_STATE && !bias->trainable);
	assert_true(graph_find(g, "weight")->trainable);
	assert_false(graph_find(g, "mean")->trainable);
	assert_int_equal(g->first->op, OP_conv);
	assert_int_equal(g->first->next->op, OP_batch_norm_train);
	assert_int_equal(g->assigns.len, 2);
	train_options_init(&o);
	o.loss = LOSS_MSE;
	/* the batch: 2 4 6 12, mean 6, variance 14 or, unbiased, 56/3 */
	graph_const(g, "in.target", &g->outputs.data[0]->type,
	    arena_alloc(u->arena, 16));
	make_step(u, g, &o);
	r = start(u, g, 0.1F);
	step(&r);
	for (size_t i = 0; i < g->states.len; i++) {
		const char *name = g->states.data[i]->name;

		if (strcmp(name, "mean") == 0)
			assert_true(get(&r.states[i], 0) == 8);
		if (strcmp(name, "var") == 0)
			assert_true(fabs(get(&r.states[i], 0) -
			    (10 + 28.0 / 3)) < 1e-5);
		if (strcmp(name, "bias") == 0)
			assert_null(r.states[i].data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(gradients),
	    UNIT_TEST(losses),
	    UNIT_TEST(mixed_precision),
	    UNIT_TEST(nothing_for_frozen),
	    UNIT_TEST(accumulation),
	    UNIT_TEST(skipped_update),
	    UNIT_TEST(deterministic),
	    UNIT_TEST(bad_options),
	    UNIT_TEST(parameters),
	};

	return cmocka_run_group_tests_name("passes/train", tests, NULL, NULL);
}
