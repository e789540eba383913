/* set-precision: values of the graph get the dtype of -mprecision.
 *
 * fp16, bf16: intermediate values and the weights of contractions narrow;
 * inputs, states and outputs keep the model's dtype, with a conversion at the
 * border. Biases, operands of element-wise ops and parameters of norms stay
 * f32: mixed operands are free (IR.md) and lose nothing. So does the tail,
 * what follows the last contractions: logits and probabilities are small, and
 * would lose most.
 * The backward pass keeps in f32 what it sums up and what it computes from
 * sums: they are small, or not kept. States that are no weights of
 * contractions, as scales of norms, are read as they are.
 * A training step keeps f32 masters: the update reads and computes in f32,
 * gradients of parameters are a tail of their own, and so is the loss.
 * Otherwise the model's dtypes stay, only contractions leave f64. */
#include <math.h>
#include <string.h>

#include "passes/rewrite.h"
#include "passes/weights.h"

struct narrow {
	struct pass_ctx *c;
	enum dtype t;
	struct value **done; /* converted constants, by id */
	uint32_t ndone;
	bool *tail; /* by node id: behind a contraction, before none */
	bool *sums; /* by node id: of the backward pass, f32 */
	bool nearest; /* every weight rounds to nearest */
};

static bool
is_contraction(const struct node *n)
{
	return op_info(n->op)->lowering == LOWER_MATRIX || n->op == OP_gemm;
}

static bool
in_phase(const struct node *n, const char *phase)
{
	return strcmp(n->phase, phase) == 0;
}

/* Whether a reader of n is a contraction or, as marked, leads to one. What the
 * backward pass reads of the forward pass does not count. */
static bool
leads(const struct node *n, const bool *mark)
{
	bool forward = in_phase(n, "forward");

	for (int i = 0; i < n->nout; i++) {
		const struct value *v = n->out[i];

		for (size_t k = 0; v != NULL && k < v->uses.len; k++) {
			const struct node *u = v->uses.data[k].node;

			if (forward && !in_phase(u, "forward"))
				continue;
			if (is_contraction(u) || mark[u->id])
				return true;
		}
	}
	return false;
}

static bool
follows(const struct node *n, const bool *mark)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->kind == VALUE_NODE &&
		    mark[n->in[i]->def->id])
			return true;
	return is_contraction(n);
}

static void
find_tail(struct narrow *x)
{
	struct graph *g = x->c->g;
	struct arena *a = x->c->scratch;
	bool *lead = NEW_ARRAY(a, bool, g->nnodes + 1);
	bool *behind = NEW_ARRAY(a, bool, g->nnodes + 1);

	x->tail = NEW_ARRAY(a, bool, g->nnodes + 1);
	for (struct node *n = g->last; n != NULL; n = n->prev)
		lead[n->id] = leads(n, lead);
	graph_foreach_node(g, n) {
		behind[n->id] = follows(n, behind);
		x->tail[n->id] = behind[n->id] && !lead[n->id];
	}
}

/* What a value is computed from: images, sums of the backward pass or
 * statistics and parameters, parameters alone. */
enum origin { FROM_IMAGES, FROM_SUMS, FROM_PARAMETERS };

static enum origin
value_origin(const struct value *v, const enum origin *of)
{
	switch (v->kind) {
	case VALUE_CONST:
	case VALUE_STATE: return FROM_PARAMETERS;
	case VALUE_NODE: return v->def_index > 0 ? FROM_SUMS : of[v->def->id];
	case VALUE_INPUT: break;
	}
	return FROM_IMAGES;
}

static enum origin
node_origin(const struct node *n, const enum origin *of)
{
	enum lowering l = op_info(n->op)->lowering;
	enum origin all = FROM_PARAMETERS;

	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && value_origin(n->in[i], of) < all)
			all = value_origin(n->in[i], of);
	if (l == LOWER_REDUCE && in_phase(n, "backward"))
		return all == FROM_PARAMETERS ? all : FROM_SUMS;
	return l == LOWER_MAP || l == LOWER_MOVE ? all : FROM_IMAGES;
}

static bool
feeds_contraction(const struct node *n)
{
	const struct value *v = n->out[0];

	for (size_t i = 0; i < v->uses.len; i++)
		if (is_contraction(v->uses.data[i].node))
			return true;
	return false;
}

/* Whether only sums of the backward pass, or what they alone take, read n. */
static bool
only_summed(const struct node *n, const bool *summed)
{
	const struct value *v = n->out[0];

	for (size_t i = 0; i < v->uses.len; i++) {
		const struct node *u = v->uses.data[i].node;
		enum lowering l = op_info(u->op)->lowering;

		if (!in_phase(u, "backward") || (l != LOWER_REDUCE &&
		    !(l == LOWER_MAP && summed[u->id])))
			return false;
	}
	return v->uses.len > 0 && v->nends == 0;
}

static void
find_sums(struct narrow *x)
{
	struct graph *g = x->c->g;
	struct arena *a = x->c->scratch;
	enum origin *of = NEW_ARRAY(a, enum origin, g->nnodes + 1);

	x->sums = NEW_ARRAY(a, bool, g->nnodes + 1);
	for (struct node *n = g->last; n != NULL; n = n->prev)
		x->sums[n->id] = in_phase(n, "backward") &&
		    op_info(n->op)->lowering == LOWER_MAP &&
		    only_summed(n, x->sums);
	graph_foreach_node(g, n) {
		of[n->id] = node_origin(n, of);
		x->sums[n->id] = x->sums[n->id] ||
		    (of[n->id] == FROM_SUMS && in_phase(n, "backward") &&
			!feeds_contraction(n));
	}
}

static bool
other_float(enum dtype a, enum dtype t)
{
	return dtype_is_float(a) && a != t;
}

/* Operand i of n must have the narrow dtype when it is a constant. */
static bool
must_narrow(const struct node *n, int i)
{
	switch (op_info(n->op)->lowering) {
	case LOWER_MATRIX: return i < 2;
	case LOWER_MAP:
	case LOWER_MOVE: /* see narrow_move */
	case LOWER_FOLD: return false;
	case LOWER_REDUCE:
	case LOWER_WINDOW: return true;
	case LOWER_COMPOSITE: return i == 0 || (n->op == OP_gemm && i == 1);
	}
	return false;
}

/* Whether operand i of n may be f32 beside narrow ones: parameters of norms
 * and of element-wise ops, also those that a gradient brings into another shape
 * first. */
static bool
reads_wide(const struct node *n, int i)
{
	enum lowering l = op_info(n->op)->lowering;
	const struct value *v = n->out[0];

	if (l != LOWER_MOVE)
		return (l == LOWER_MAP || l == LOWER_COMPOSITE) &&
		    !must_narrow(n, i);
	if (n->op != OP_reshape || v->nends > 0)
		return false;
	for (size_t k = 0; k < v->uses.len; k++)
		if (!reads_wide(v->uses.data[k].node, v->uses.data[k].index))
			return false;
	return true;
}

/* A cast of the leaf v at the start, for all readers but casts and the
 * update. */
static void
narrow_leaf(struct narrow *x, struct value *v)
{
	struct graph *g = x->c->g;
	struct value *k = NULL;
	size_t keep = 0;

	if (!other_float(v->type.dtype, x->t))
		return;
	while (v->uses.len > keep) {
		struct use u = v->uses.data[keep];

		if (u.node->op == OP_cast || in_phase(u.node, "update") ||
		    (v->kind == VALUE_STATE && reads_wide(u.node, u.index))) {
			keep++;
			continue;
		}
		if (k == NULL) {
			k = mk_cast(g, v, x->t, g->first);
			k->def->loc = v->loc;
			continue; /* the cast is a use now, at the end */
		}
		node_set_in(g, u.node, u.index, k);
		x->c->changed = true;
	}
}

/* v, finite, became infinite in w. */
static bool
overflows(const struct value *v, const struct value *w)
{
	size_t n = (size_t)type_elems(&v->type);
	const uint16_t *h = w->data;
	uint16_t inf = w->type.dtype == DT_F16 ? 0x7c00 : 0x7f80;

	for (size_t i = 0; i < n; i++)
		if ((h[i] & 0x7fff) == inf &&
		    !isinf(dtype_get(v->data, v->type.dtype, i)))
			return true;
	return false;
}

/* The constant operand i of n in the narrow dtype. Weights depend on their
 * contraction; other constants, and shared weights, are converted once for
 * all readers. */
static struct value *
narrow_const(struct narrow *x, const struct node *n, int i)
{
	struct value *v = n->in[i], *w;
	bool weights = !x->nearest && is_contraction(n) && i == 1 &&
	    v->uses.len == 1;

	w = v->id < x->ndone ? x->done[v->id] : NULL;
	if (w != NULL)
		return w;
	w = weights ? weights_narrow(x->c->g, n, x->t)
	    : const_cast_to(x->c->g, v, x->t);
	w->loc = v->loc;
	if (overflows(v, w))
		diag_warning(x->c->d, &n->loc, "%s: a constant operand of %s "
		    "does not fit %s and becomes infinite",
		    x->c->pass->name, node_label(x->c, n),
		    dtype_name(x->t));
	if (v->id < x->ndone && !weights)
		x->done[v->id] = w;
	return w;
}

static void
narrow_operands(struct narrow *x, struct node *n)
{
	for (int i = 0; i < n->nin; i++) {
		struct value *v = n->in[i], *old = v;

		if (v == NULL || v->kind != VALUE_CONST ||
		    !other_float(v->type.dtype, x->t))
			continue;
		if (must_narrow(n, i))
			v = narrow_const(x, n, i);
		else if (v->type.dtype == DT_F64)
			v = const_cast_to(x->c->g, v, DT_F32);
		else
			continue;
		node_set_in(x->c->g, n, i, v);
		if (old->name != NULL && old->uses.len == 0)
			value_take_name(x->c->g, v, old);
		x->c->changed = true;
	}
}

/* The result has the operands' dtype. */
static bool
moves_data(const struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;

	return l == LOWER_MOVE || (l == LOWER_COMPOSITE &&
	    !op_overrides(n->op, DT_F32, DT_F16));
}

/* Data movement keeps dtypes: all operands f32 where one in the tail or a state
 * that is read wide is, else all narrow. */
static void
narrow_move(struct narrow *x, struct node *n)
{
	enum dtype t = x->t;
	struct graph *g = x->c->g;

	for (int i = 0; i < n->nin; i++)
		if ((n->in[i]->kind == VALUE_NODE ||
			n->in[i]->kind == VALUE_STATE) &&
		    n->in[i]->type.dtype == DT_F32)
			t = DT_F32;
	for (int i = 0; i < n->nin; i++) {
		struct value *v = n->in[i];

		if (!other_float(v->type.dtype, t))
			continue;
		if (v->kind != VALUE_CONST)
			v = mk_cast(g, v, t, n);
		else if (t == x->t)
			v = narrow_const(x, n, i);
		else
			v = const_cast_to(g, v, t);
		node_set_in(g, n, i, v);
		x->c->changed = true;
	}
	if (other_float(n->out[0]->type.dtype, t)) {
		n->out[0]->type.dtype = t;
		x->c->changed = true;
	}
}

/* Result v of n keeps its dtype: f32 in the tail, or nobody but the outside
 * reads it; and the node can give any float. */
static bool
keeps_dtype(const struct narrow *x, const struct node *n,
    const struct value *v)
{
	bool outside = v->nends > 0 && v->uses.len == 0;
	bool tail = v->type.dtype == DT_F32 &&
	    (x->tail[n->id] || x->sums[n->id]);

	return (outside || tail) &&
	    (n->op == OP_cast || (n->out[0] == v && dtype_overridable(n)));
}

static void
narrow_results(struct narrow *x, struct node *n)
{
	/* results behind the first are statistics: f32 by rule */
	for (int i = 0; i < n->nout && i < 1; i++) {
		struct value *v = n->out[i];

		if (v == NULL || !other_float(v->type.dtype, x->t) ||
		    keeps_dtype(x, n, v))
			continue;
		if (n->op == OP_cast)
			node_set_int(x->c->g, n, ATTR_to, (int64_t)x->t);
		v->type.dtype = x->t;
		x->c->changed = true;
	}
}

/* The value v as dtype t, converted at the end of the graph. */
static struct value *
widen(struct narrow *x, struct value *v, enum dtype t)
{
	struct value *w;

	if (v->type.dtype == t || !dtype_is_float(t))
		return v;
	w = mk_cast(x->c->g, v, t, NULL);
	w->def->loc = v->kind == VALUE_NODE ? v->def->loc : v->loc;
	w->def->phase = v->kind == VALUE_NODE ? v->def->phase : "forward";
	x->c->changed = true;
	return w;
}

static void
widen_ends(struct narrow *x, const enum dtype *outputs)
{
	struct graph *g = x->c->g;

	for (size_t i = 0; i < g->outputs.len; i++) {
		struct value *v = g->outputs.data[i];
		struct value *w = widen(x, v, outputs[i]);

		if (w == v)
			continue;
		graph_set_output(g, i, w);
		for (size_t j = i + 1; j < g->outputs.len; j++)
			if (g->outputs.data[j] == v)
				graph_set_output(g, j, w);
		value_take_name(g, w, v);
	}
	for (size_t i = 0; i < g->assigns.len; i++) {
		const struct assign *a = &g->assigns.data[i];

		graph_set_assign(g, i,
		    widen(x, a->to, a->state->type.dtype));
	}
}

static void
narrow(struct pass_ctx *c, enum dtype t)
{
	struct graph *g = c->g;
	struct narrow x = {.c = c, .t = t, .ndone = g->nvalues,
	    .nearest = c->args != NULL};
	enum dtype *outputs = NEW_ARRAY(c->scratch, enum dtype,
	    g->outputs.len);

	x.done = NEW_ARRAY(c->scratch, struct value *, x.ndone);
	for (size_t i = 0; i < g->outputs.len; i++)
		outputs[i] = g->outputs.data[i]->type.dtype;
	for (size_t i = 0; i < g->inputs.len; i++)
		narrow_leaf(&x, g->inputs.data[i]);
	for (size_t i = 0; i < g->states.len; i++)
		narrow_leaf(&x, g->states.data[i]);
	find_tail(&x);
	find_sums(&x);
	graph_foreach_node(g, n) {
		if (in_phase(n, "update"))
			continue;
		if (moves_data(n)) {
			narrow_move(&x, n);
			continue;
		}
		narrow_operands(&x, n);
		narrow_results(&x, n);
	}
	widen_ends(&x, outputs);
}

/* f32 for the f64 operands and result of a contraction. */
static void
leave_f64(struct pass_ctx *c, struct node *n)
{
	struct value *r = n->out[0], *k;
	bool any = false;

	for (int i = 0; i < n->nin; i++) {
		struct value *v = n->in[i];

		if (v == NULL || v->type.dtype != DT_F64)
			continue;
		any = true;
		node_set_in(c->g, n, i, v->kind == VALUE_CONST
		    ? const_cast_to(c->g, v, DT_F32)
		    : mk_cast(c->g, v, DT_F32, n));
	}
	if (!any && r->type.dtype != DT_F64)
		return;
	c->changed = true;
	pass_remark(c, &n->loc, "%s computes in f32: the matrix unit has no "
	    "f64", node_label(c, n));
	if (r->type.dtype != DT_F64)
		return;
	r->type.dtype = DT_F32;
	k = mk_cast(c->g, r, DT_F64, n->next);
	k->def->loc = n->loc;
	k->def->phase = n->phase;
	k->def->group = n->group;
	value_replace(c->g, r, k);
	node_set_in(c->g, k->def, 0, r);
}

bool
pass_set_precision(struct pass_ctx *c)
{
	enum dtype t = c->opt->precision;

	if (c->args != NULL && strcmp(c->args, "nearest") != 0) {
		diag_error(c->d, NULL, "-fset-precision=%s: the only choice "
		    "is nearest", c->args);
		return false;
	}
	if (t == DT_F16 || t == DT_BF16)
		narrow(c, t);
	graph_foreach_node_safe(c->g, n, next)
		if (is_contraction(n))
			leave_f64(c, n);
	return true;
}
