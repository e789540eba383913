/* Reverse mode: nodes in reverse schedule order, the contributions to a
 * gradient added in that order. See passes/AUTODIFF.md. */
#include "passes/grad.h"
#include "passes/train.h"

#include <math.h>

static grad_fn *const rules[OP_COUNT] = {
#define OP(name, lower, imin, imax, omin, omax, flags, rule, kernel, grad, \
    attrs, sum)                                                            \
	[OP_##name] = grad_##grad,
#include "ir/ops.def"
};

bool
grad_zero(struct ad *a, struct node *n, struct value *dy)
{
	(void)a;
	(void)n;
	(void)dy;
	return true;
}

bool
grad_none(struct ad *a, struct node *n, struct value *dy)
{
	(void)dy;
	diag_error(a->d, &n->loc, "%s has no gradient", node_label(&a->c, n));
	return false;
}

bool
grad_parts(struct ad *a, struct node *n, struct value *dy)
{
	(void)dy;
	ice("autodiff", "%s was not legalized", node_label(&a->c, n));
}

bool
ad_wants(const struct ad *a, const struct node *n, int i)
{
	const struct value *v = node_in(n, i);

	return v != NULL && a->needs[v->id];
}

struct value *
ad_k(struct ad *a, double v)
{
	return lg_k(&a->l, v);
}

struct value *
ad_bin(struct ad *a, enum op op, struct value *x, struct value *y)
{
	return lg_bin(&a->l, op, x, y);
}

struct value *
ad_un(struct ad *a, enum op op, struct value *x)
{
	return lg_un(&a->l, op, x);
}

struct value *
ad_less(struct ad *a, struct value *x, struct value *y)
{
	return build_binary(a->g, OP_less, x, y, DT_NONE, NULL);
}

struct value *
ad_select(struct ad *a, struct value *c, struct value *x, struct value *y)
{
	struct value *in[3] = {c, x, y};

	return build_op(a->g, OP_select, in, 3, NULL, 0, a->l.w, NULL);
}

struct value *
ad_op(struct ad *a, enum op op, struct value **in, int nin,
    const struct attr *attrs, int nattrs)
{
	return build_op(a->g, op, in, nin, attrs, nattrs, DT_NONE, NULL);
}

struct value *
ad_kept(struct ad *a, enum op op, struct value *src, const struct attr *at,
    int nat)
{
	struct node *from = src->kind == VALUE_NODE ? src->def : NULL;
	struct value *v;

	if (from == NULL || src->id >= a->count)
		return ad_op(a, op, &src, 1, at, nat);
	v = build_op(a->g, op, &src, 1, at, nat, DT_NONE, from->next);
	v->def->loc = from->loc;
	v->def->phase = from->phase;
	v->def->group = from->group;
	return v;
}

struct value *
ad_masked(struct ad *a, struct value *src, struct value *y)
{
	const struct tensor_type t = y->type;
	int64_t one = 1;
	struct attr axis = attr_make_int(ATTR_axis, t.rank > 1);
	struct value *in[2];

	if (t.rank == 0) {
		src = mk_reshape(a->g, src, 1, &one, NULL);
		y = mk_reshape(a->g, y, 1, &one, NULL);
	}
	in[0] = ad_kept(a, OP_mask_pack, src, &axis, 1);
	in[1] = y;
	y = ad_op(a, OP_mask_select, in, 2, &axis, 1);
	return mk_reshape(a->g, y, t.rank, t.dim, NULL);
}

struct value *
ad_channels(struct ad *a, struct value *v, int rank)
{
	int64_t dim[MAX_RANK];

	for (int i = 0; i < rank - 1; i++)
		dim[i] = i == 0 ? type_elems(&v->type) : 1;
	return mk_reshape(a->g, v, rank - 1, dim, NULL);
}

struct value *
ad_sum_to_axis(struct ad *a, struct value *v, int axis)
{
	int64_t axes[MAX_RANK], extent = v->type.dim[axis];
	int naxes = 0;

	for (int i = 0; i < v->type.rank; i++)
		if (i != axis && v->type.dim[i] != 1)
			axes[naxes++] = i;
	if (naxes > 0)
		v = lg_reduce(&a->l, OP_reduce_sum, v, axes, naxes, true,
		    a->l.w);
	return mk_reshape(a->g, v, 1, &extent, NULL);
}

/* v in shape t: summed over the axes along which t was broadcast. */
static struct value *
unbroadcast(struct ad *a, struct value *v, const struct tensor_type *t)
{
	int64_t axes[MAX_RANK];
	int naxes = 0, lead = v->type.rank - t->rank;
	struct tensor_type both;

	if (shape_equal(&v->type, t))
		return v;
	if (type_broadcast(&v->type, t, &both) && shape_equal(&both, t))
		return mk_expand(a->g, v, t->rank, t->dim, NULL);
	for (int i = 0; i < v->type.rank; i++)
		if (i < lead ||
		    (t->dim[i - lead] == 1 && v->type.dim[i] != 1))
			axes[naxes++] = i;
	v = lg_reduce(&a->l, OP_reduce_sum, v, axes, naxes, true, a->l.w);
	return mk_reshape(a->g, v, t->rank, t->dim, NULL);
}

/* A gradient goes the way of its value. */
static void
keep_as(const struct value *to, struct value *v)
{
	if ((to->keep == KEEP_DRAM || to->keep == KEEP_FIRST) &&
	    v->kind == VALUE_NODE)
		v->keep = to->keep;
}

static void
add_to(struct ad *a, const struct value *to, struct value *v)
{
	struct value *sum = a->grad[to->id];
	enum dtype t = to->type.dtype;

	v = unbroadcast(a, v, &to->type);
	if (sum != NULL) {
		keep_as(to, v);
		/* parts of branches on their own wait for each other */
		if (to->keep == KEEP_FIRST && sum->kind == VALUE_NODE)
			sum->keep = KEEP_DRAM;
		if (to->keep == KEEP_FIRST && v->kind == VALUE_NODE)
			v->keep = KEEP_AUTO;
		v = build_binary(a->g, OP_add, sum, v, t, NULL);
	}
	v = mk_cast(a->g, v, t, NULL);
	keep_as(to, v);
	a->grad[to->id] = v;
}

void
ad_give(struct ad *a, const struct node *n, int i, struct value *v)
{
	if (ad_wants(a, n, i))
		add_to(a, n->in[i], v);
}

/* Values made since the marking do not count: the next round sees them. */
static bool
node_needs(const struct ad *a, const struct node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->id < a->count &&
		    a->needs[n->in[i]->id])
			return rules[n->op] != grad_zero;
	return false;
}

/* Marks what depends on the leaves. */
static void
mark_needs(struct ad *a, struct value *const *wrt, size_t n)
{
	a->count = a->g->nvalues;
	a->needs = NEW_ARRAY(a->c.scratch, bool, a->count + 1);
	for (size_t i = 0; i < n; i++)
		a->needs[wrt[i]->id] = dtype_is_float(wrt[i]->type.dtype);
	graph_foreach_node(a->g, m) {
		bool need = node_needs(a, m);

		for (int i = 0; i < m->nout; i++)
			if (m->out[i] != NULL && need)
				a->needs[m->out[i]->id] =
				    dtype_is_float(m->out[i]->type.dtype);
	}
}

/* by node id: the loss depends on it. */
static bool *
mark_used(struct ad *a, const struct value *loss)
{
	bool *used = NEW_ARRAY(a->c.scratch, bool, a->g->nnodes + 1);

	if (loss->kind == VALUE_NODE)
		used[loss->def->id] = true;
	for (struct node *n = a->g->last; n != NULL; n = n->prev)
		for (int i = 0; used[n->id] && i < n->nin; i++)
			if (n->in[i] != NULL && n->in[i]->kind == VALUE_NODE)
				used[n->in[i]->def->id] = true;
	return used;
}

/* The activation of a contraction becomes a node of its own. */
static void
split_act(struct ad *a, struct node *n)
{
	static const enum op ops[ACT_COUNT] = {
	    [ACT_RELU] = OP_relu, [ACT_LEAKY_RELU] = OP_leaky_relu,
	    [ACT_CLIP] = OP_clip, [ACT_SIGMOID] = OP_sigmoid,
	    [ACT_TANH] = OP_tanh, [ACT_HARD_SIGMOID] = OP_hard_sigmoid,
	    [ACT_HARD_SWISH] = OP_hard_swish};
	enum act act = (enum act)node_int(n, ATTR_act);
	double alpha = node_float(n, ATTR_act_alpha);
	double beta = node_float(n, ATTR_act_beta);
	struct attr at[2] = {attr_make_float(ATTR_alpha, alpha),
	    attr_make_float(ATTR_beta, beta)};
	int count = act == ACT_LEAKY_RELU ? 1 : 0;
	struct value *y = n->out[0], *v;

	if (act == ACT_CLIP) {
		at[0] = attr_make_float(ATTR_min, alpha);
		at[1] = attr_make_float(ATTR_max, beta);
	}
	if (act == ACT_CLIP || act == ACT_HARD_SIGMOID)
		count = 2;
	node_set_int(a->g, n, ATTR_act, ACT_NONE);
	node_set_float(a->g, n, ATTR_act_alpha, 0);
	node_set_float(a->g, n, ATTR_act_beta, 0);
	v = build_op(a->g, ops[act], &y, 1, at, count, y->type.dtype,
	    n->next);
	v->def->loc = n->loc;
	v->def->phase = n->phase;
	v->def->group = n->group;
	value_replace(a->g, y, v);
	node_set_in(a->g, v->def, 0, y);
	value_take_name(a->g, v, y);
}

/* A constant pad that crops nothing has an adjoint of its own. */
static bool
plain_pad(const struct node *n)
{
	for (size_t i = 0; i < (size_t)n->in[0]->type.rank; i++)
		if (ints_at(n, ATTR_pads_begin, i, 0) < 0 ||
		    ints_at(n, ATTR_pads_end, i, 0) < 0)
			return false;
	return node_int(n, ATTR_mode) == 0;
}

static bool
has_parts(const struct node *n)
{
	if (n->op == OP_pad)
		return !plain_pad(n);
	return rules[n->op] == grad_parts;
}

static bool
has_act(const struct node *n)
{
	return has_epilogue(n) && node_int(n, ATTR_act) != ACT_NONE;
}

/* Brings the nodes between leaves and loss to ops with rules. */
static bool
prepare(struct ad *a, size_t loss, struct value *const *wrt, size_t n)
{
	bool again = true;

	while (again) {
		bool *used;
		uint32_t nodes = a->g->nnodes;

		again = false;
		mark_needs(a, wrt, n);
		used = mark_used(a, a->g->outputs.data[loss]);
		graph_foreach_node_safe(a->g, m, next) {
			if (m->id >= nodes || !used[m->id] ||
			    !node_needs(a, m))
				continue;
			if (has_act(m)) {
				split_act(a, m);
				again = true;
			} else if (has_parts(m)) {
				if (!legalize_node(&a->c, m))
					return false;
				again = true;
			}
		}
	}
	return true;
}

/* New nodes behind mark come from n. */
static void
label_new(struct node *mark, const struct node *n)
{
	for (struct node *m = mark->next; m != NULL; m = m->next) {
		m->loc = n->loc;
		m->phase = "backward";
		m->group = n->group;
	}
}

static bool
visit(struct ad *a, struct node *n)
{
	struct node *mark = a->g->last;
	struct value *dy;

	if (n->out[0]->id >= a->count) /* what the backward pass keeps */
		return true;
	dy = a->grad[n->out[0]->id];
	for (int i = 1; i < n->nout; i++)
		if (n->out[i] != NULL && a->grad[n->out[i]->id] != NULL) {
			diag_error(a->d, &n->loc,
			    "result %d of %s has no gradient", i,
			    node_label(&a->c, n));
			return false;
		}
	if (dy == NULL || !node_needs(a, n))
		return true;
	a->l = (struct lg){.c = &a->c, .g = a->g, .x = n->in[0],
	    .w = work_dtype(n)};
	a->l.t = a->l.w;
	if (!rules[n->op](a, n, dy))
		return false;
	label_new(mark, n);
	return true;
}

static bool
reverse(struct ad *a, const struct value *loss, double seed)
{
	struct node *last = a->g->last, *prev;

	a->grad = NEW_ARRAY(a->c.scratch, struct value *, a->count + 1);
	a->grad[loss->id] = build_scalar(a->g, loss->type.dtype, seed);
	for (struct node *n = last; n != NULL; n = prev) {
		prev = n->prev;
		if (!visit(a, n))
			return false;
	}
	return true;
}

static bool
check_loss(struct diag *d, const struct value *loss)
{
	char buf[TYPE_STR_MAX];

	if (loss->type.rank == 0 && dtype_is_float(loss->type.dtype))
		return true;
	diag_error(d, &loss->loc, "the loss is %s, not a float scalar",
	    type_str(&loss->type, buf, sizeof buf));
	return false;
}

bool
autodiff(struct graph *g, struct diag *d, size_t loss, double seed,
    struct value *const *wrt, size_t n, struct value **grads)
{
	struct pass_options opt;
	struct pass_info info = {.name = "autodiff"};
	struct ad a = {.g = g, .d = d};
	bool ok;

	if (!check_loss(d, g->outputs.data[loss]))
		return false;
	pass_options_init(&opt);
	a.c = (struct pass_ctx){.g = g, .d = d, .opt = &opt, .pass = &info,
	    .scratch = arena_new()};
	ok = prepare(&a, loss, wrt, n);
	if (ok) {
		mark_needs(&a, wrt, n);
		ok = reverse(&a, g->outputs.data[loss], seed);
	}
	for (size_t i = 0; i < n && ok; i++)
		grads[i] = a.grad[wrt[i]->id];
	arena_free(a.c.scratch);
	return ok;
}
