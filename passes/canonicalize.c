/* canonicalize: one form for each computation, and no no-ops. Sweeps until
 * nothing changes; each rule makes the graph smaller or moves it along a
 * fixed order of forms, so it ends. */
#include "passes/canonicalize.h"

#include "passes/epilogue.h"

#define MAX_SWEEPS 64

/* A widening of an operand that the op does itself: IR.md, mixed floats. */
static void
drop_widening(struct pass_ctx *c, struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;

	if ((l != LOWER_MAP && l != LOWER_REDUCE) || !dtype_overridable(n))
		return;
	for (int i = 0; i < n->nin; i++) {
		struct node *k = def_of(n->in[i], OP_cast);

		if (k == NULL || n->in[i]->type.dtype == DT_F64 ||
		    !dtype_is_float(k->in[0]->type.dtype) ||
		    dtype_eps(k->in[0]->type.dtype) <
		    dtype_eps(n->in[i]->type.dtype) ||
		    n->in[i]->type.dtype != DT_F32)
			continue;
		node_set_in(c->g, n, i, k->in[0]);
		c->changed = true;
	}
}

static bool
broadcast_all(const struct node *n, int at, const struct value *v,
    struct tensor_type *out)
{
	*out = at == 0 ? v->type : n->in[0]->type;
	for (int i = 1; i < n->nin; i++) {
		const struct value *x = i == at ? v : n->in[i];
		struct tensor_type t = *out;

		if (!type_broadcast(&t, &x->type, out))
			return false;
	}
	return true;
}

/* Broadcasting ops read the operand of an expand directly. */
static void
drop_expands(struct pass_ctx *c, struct node *n)
{
	struct tensor_type t;

	if (op_info(n->op)->lowering != LOWER_MAP || n->nin < 2)
		return;
	for (int i = 0; i < n->nin; i++) {
		struct node *e = def_of(n->in[i], OP_expand);

		if (e == NULL || !broadcast_all(n, i, e->in[0], &t) ||
		    !shape_equal(&t, &n->out[0]->type))
			continue;
		if (n->op == OP_prelu && i == 0)
			continue; /* the shape comes from it alone */
		node_set_in(c->g, n, i, e->in[0]);
		c->changed = true;
	}
}

/* n adds a constant to the channels of a contraction: its bias. */
static bool
is_bias(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];

	return n->op == OP_add && x->kind == VALUE_NODE &&
	    has_epilogue(x->def) &&
	    node_in(x->def, 3) == NULL && epilogue_bias(c, x->def, n, true);
}

/* A constant moves to operand 1. */
static void
constant_right(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0], *y = n->nin > 1 ? n->in[1] : NULL;

	if ((op_info(n->op)->flags & OPF_COMMUTES) == 0 || y == NULL ||
	    x->kind != VALUE_CONST || y->kind == VALUE_CONST)
		return;
	node_set_in(c->g, n, 0, y);
	node_set_in(c->g, n, 1, x);
	c->changed = true;
}

static struct value *
rewrite_map(struct pass_ctx *c, struct node *n)
{
	struct value *v;

	if (n->op == OP_cast)
		return canon_cast(c, n);
	if (n->op == OP_mask_pack || n->op == OP_mask_select ||
	    n->op == OP_random_bits)
		return NULL; /* not element by element, no broadcasting */
	drop_expands(c, n);
	drop_widening(c, n);
	constant_right(c, n);
	if (is_bias(c, n))
		return NULL; /* n is gone */
	v = n->nin == 1 ? canon_unary(c, n) : canon_binary(c, n);
	return v != NULL ? v : canon_sink(c, n);
}

static struct value *
rewrite(struct pass_ctx *c, struct node *n)
{
	switch (op_info(n->op)->lowering) {
	case LOWER_MAP: return rewrite_map(c, n);
	case LOWER_MOVE:
		if (n->op == OP_concat)
			return canon_concat(c, n);
		if (n->op == OP_gather)
			return canon_gather(c, n);
		return canon_move(c, n);
	case LOWER_REDUCE:
		drop_widening(c, n);
		return canon_reduce(c, n);
	case LOWER_MATRIX: return canon_matrix(c, n);
	case LOWER_WINDOW: return canon_window(c, n);
	case LOWER_COMPOSITE:
		if (n->op == OP_avg_pool)
			return canon_window(c, n);
		if (n->op == OP_reduce_mean)
			return canon_reduce(c, n);
		if (n->op == OP_batch_norm)
			return canon_sink(c, n);
		return NULL;
	case LOWER_FOLD: return NULL;
	}
	return NULL;
}

bool
pass_canonicalize(struct pass_ctx *c)
{
	bool any = false;

	for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
		c->changed = false;
		graph_foreach_node_safe(c->g, n, next) {
			struct value *v;

			if (remove_if_dead(c, n))
				continue;
			v = rewrite(c, n);
			if (v != NULL)
				replace_node(c, n, v);
		}
		if (!c->changed)
			break;
		any = true;
	}
	c->changed = any;
	return true;
}
