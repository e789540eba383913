#include "tests/lib/gradcheck.h"

#include <math.h>
#include <string.h>

#include "ir/eval.h"
#include "ir/text.h"
#include "passes/pass.h"
#include "passes/train.h"
#include "tests/lib/agree.h"

#define STEP 1e-5
#define LIMIT 2e-6
#define MOST 40 /* elements of a leaf that are tried */
#define MAX_LEAVES 8

struct check {
	struct unit *u;
	const struct grad_case *k;
	struct graph *g;
	struct value *leaf[MAX_LEAVES];
	size_t leaves;
	struct eval_tensor *in, *states;
	struct eval_tensor *out;
};

static double
uniform(uint64_t *seed, double lo, double hi)
{
	return lo + (hi - lo) * (double)(unit_random(seed) >> 11) * 0x1p-53;
}

/* Output 0 times random weights, summed. */
static void
add_loss(struct graph *g)
{
	struct value *y = g->outputs.data[0], *w;
	struct tensor_type t = y->type;
	size_t n = (size_t)type_elems(&t);
	float *v = NEW_ARRAY(g->arena, float, n + 1);
	struct attr keep = attr_make_int(ATTR_keepdims, 0);
	uint64_t seed = 77;

	for (size_t i = 0; i < n; i++)
		v[i] = (float)uniform(&seed, -1, 1);
	t.dtype = DT_F32;
	w = graph_const(g, NULL, &t, v);
	y = build_binary(g, OP_mul, y, w, DT_F32, NULL);
	if (t.rank > 0)
		y = build_op(g, OP_reduce_sum, &y, 1, &keep, 1, DT_F32, NULL);
	graph_output(g, y, "loss");
}

static void
find_leaves(struct check *c)
{
	struct graph *g = c->g;

	c->leaves = 0;
	for (size_t i = 0; i < g->inputs.len; i++)
		if (dtype_is_float(g->inputs.data[i]->type.dtype))
			c->leaf[c->leaves++] = g->inputs.data[i];
	for (size_t i = 0; i < g->states.len; i++)
		if (g->states.data[i]->trainable)
			c->leaf[c->leaves++] = g->states.data[i];
}

/* The case's graph with loss and gradients as outputs 1, 2, ... */
static struct graph *
build(struct check *c)
{
	struct value *grads[MAX_LEAVES] = {NULL};
	struct graph *g = c->g = graph_from(c->u, c->k->body);

	add_loss(g);
	find_leaves(c);
	if (!autodiff(g, &c->u->diag, 1, 1, c->leaf, c->leaves, grads))
		fail_msg("%s: %s", c->k->name, c->u->last);
	for (size_t i = 0; i < c->leaves; i++) {
		struct value *v = grads[i];

		if (v == NULL)
			fail_msg("%s: leaf %zu has no gradient", c->k->name,
			    i);
		if (v->kind != VALUE_NODE)
			v = build_unary(g, OP_identity, v, DT_NONE, NULL);
		assert_true(type_equal(&v->type, &c->leaf[i]->type));
		graph_output(g, v, arena_printf(g->arena, "grad.%zu", i));
	}
	if (!graph_verify(g, &c->u->diag, "autodiff"))
		fail_msg("%s: %s", c->k->name, c->u->last);
	return g;
}

/* Integers from the graph's own type are small and not negative. */
static struct eval_tensor
random_leaf(struct unit *u, const struct value *v, uint64_t *seed, double lo,
    double hi)
{
	struct eval_tensor t = {.type = v->type};
	size_t n = (size_t)type_elems(&v->type);

	if (dtype_is_float(t.type.dtype))
		t.type.dtype = DT_F64;
	t.data = arena_alloc(u->arena, (n + 1) * 8);
	for (size_t i = 0; i < n; i++) {
		double x = uniform(seed, lo, hi);

		dtype_set(t.data, t.type.dtype, i,
		    dtype_is_float(t.type.dtype) ? x : floor(fabs(x)));
	}
	return t;
}

static void
fill(struct check *c)
{
	double lo = c->k->lo, hi = c->k->hi;
	struct graph *g = c->g;
	uint64_t seed = 4711;

	if (lo == 0 && hi == 0) {
		lo = -2;
		hi = 2;
	}
	c->in = NEW_ARRAY(c->u->arena, struct eval_tensor, g->inputs.len + 1);
	c->states = NEW_ARRAY(c->u->arena, struct eval_tensor,
	    g->states.len + 1);
	for (size_t i = 0; i < g->inputs.len; i++)
		c->in[i] = random_leaf(c->u, g->inputs.data[i], &seed, lo,
		    hi);
	for (size_t i = 0; i < g->states.len; i++)
		c->states[i] = random_leaf(c->u, g->states.data[i], &seed,
		    lo, hi);
}

static void
run(struct check *c, const struct graph *g, struct eval_tensor *out)
{
	struct eval_options opt = {.states = c->states};

	if (!eval_graph(c->u->arena, &c->u->diag, g, &opt, c->in, out, NULL))
		fail_msg("%s: %s", c->k->name, c->u->last);
}

static double
loss(struct check *c, const struct graph *g)
{
	struct eval_tensor out[MAX_LEAVES + 2];
	double v;

	run(c, g, out);
	memcpy(&v, out[1].data, sizeof v);
	return v;
}

static double *
leaf_data(struct check *c, size_t leaf)
{
	struct graph *g = c->g;

	for (size_t i = 0; i < g->inputs.len; i++)
		if (g->inputs.data[i] == c->leaf[leaf])
			return c->in[i].data;
	for (size_t i = 0; i < g->states.len; i++)
		if (g->states.data[i] == c->leaf[leaf])
			return c->states[i].data;
	fail_msg("no such leaf");
	return NULL;
}

/* plain: the graph without gradients, for the differences. */
static void
check_leaf(struct check *c, const struct graph *plain, size_t leaf,
    const double *got, struct grad_stats *s)
{
	size_t n = (size_t)type_elems(&c->leaf[leaf]->type);
	size_t by = n / MOST + 1;
	double *x = leaf_data(c, leaf), want[MOST + 1], scale = 1;
	size_t count = 0;

	for (size_t i = 0; i < n; i += by) {
		double keep = x[i], up;

		x[i] = keep + STEP;
		up = loss(c, plain);
		x[i] = keep - STEP;
		want[count] = (up - loss(c, plain)) / (2 * STEP);
		x[i] = keep;
		scale = fmax(scale, fabs(want[count++]));
	}
	for (size_t i = 0; i < count; i++) {
		double e = fabs(got[i * by] - want[i]) / scale;

		s->elements++;
		s->worst = fmax(s->worst, e);
		if (!(e <= LIMIT))
			fail_msg("%s: leaf %zu, element %zu: %.12g, by "
			    "differences %.12g\n%s", c->k->name, leaf,
			    i * by, got[i * by], want[i],
			    graph_body(c->u, c->g));
	}
}

/* The passes give the same gradients and leave no composite op. */
static void
check_passes(struct check *c, const struct eval_tensor *want, int level)
{
	struct graph *g = build(c);
	struct eval_tensor out[MAX_LEAVES + 2];
	struct pass_options opt;

	pass_options_init(&opt);
	opt.level = level;
	if (!passes_run(g, &c->u->diag, &opt))
		fail_msg("%s: %s", c->k->name, c->u->last);
	graph_foreach_node(g, n)
		assert_int_not_equal(op_info(n->op)->lowering,
		    LOWER_COMPOSITE);
	run(c, g, out);
	for (size_t k = 1; k <= c->leaves + 1; k++) {
		const double *a = want[k].data, *b = out[k].data;
		double scale = 1;

		for (int64_t i = 0; i < type_elems(&want[k].type); i++)
			scale = fmax(scale, fabs(a[i]));
		for (int64_t i = 0; i < type_elems(&want[k].type); i++)
			if (!(fabs(a[i] - b[i]) <= LIMIT * scale))
				fail_msg("%s: output %zu after the passes: "
				    "%.12g, not %.12g\n%s", c->k->name, k,
				    b[i], a[i], graph_body(c->u, g));
	}
}

void
grad_check(struct unit *u, const struct grad_case *k, struct grad_stats *s)
{
	struct check c = {.u = u, .k = k};
	struct arena *keep = u->arena;
	struct eval_tensor out[MAX_LEAVES + 2];
	struct graph *plain;

	u->arena = arena_new();
	plain = graph_from(u, k->body);
	add_loss(plain);
	build(&c);
	fill(&c);
	run(&c, c.g, out);
	for (size_t i = 0; i < c.leaves; i++)
		check_leaf(&c, plain, i, out[i + 2].data, s);
	check_passes(&c, out, 0);
	check_passes(&c, out, 2);
	arena_free(u->arena);
	u->arena = keep;
}
