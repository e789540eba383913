/* canonicalize: element-wise ops and batch norms behind a reshape of a
 * contraction's result move before it, where they can be fused. */
#include "passes/canonicalize.h"

/* The reshape in front of n, of what a contraction or batch norm gives. */
static struct node *
reshape_before(const struct node *n)
{
	struct node *k = def_of(n->in[0], OP_reshape);
	const struct value *y;

	if (k == NULL || !single_use(n->in[0]))
		return NULL;
	y = k->in[0];
	if (y->kind != VALUE_NODE || (!has_epilogue(y->def) &&
	    y->def->op != OP_gemm && y->def->op != OP_batch_norm))
		return NULL;
	return k;
}

/* The constant v, which broadcasts to type r, shaped to broadcast in the same
 * way to y, when r is y with extents of 1 put in or taken out. */
static struct value *
adapt_const(struct graph *g, struct value *v, const struct tensor_type *r,
    const struct tensor_type *y)
{
	int64_t dim[MAX_RANK];
	int lead = r->rank - v->type.rank, i = 0;

	for (int k = 0; k < y->rank; k++) {
		dim[k] = 1;
		if (y->dim[k] == 1)
			continue;
		while (i < r->rank && r->dim[i] == 1)
			i++;
		if (i == r->rank || r->dim[i] != y->dim[k])
			return NULL;
		if (i >= lead)
			dim[k] = v->type.dim[i - lead];
		i++;
	}
	for (; i < r->rank; i++)
		if (r->dim[i] != 1)
			return NULL;
	return const_reshape(g, v, y->rank, dim);
}

struct value *
canon_sink(struct pass_ctx *c, struct node *n)
{
	struct node *k = reshape_before(n);
	const struct tensor_type *r = &n->out[0]->type;
	struct value *in[5], *y;

	if (k == NULL || !shape_equal(r, &n->in[0]->type))
		return NULL;
	y = k->in[0];
	for (int i = 1; i < n->nin; i++)
		in[i] = n->in[i];
	in[0] = y;
	if (n->op == OP_batch_norm) {
		if (y->type.rank < 2 || y->type.dim[0] != r->dim[0] ||
		    y->type.dim[1] != r->dim[1])
			return NULL;
	} else if (n->nin == 2 && in[1]->kind == VALUE_CONST) {
		in[1] = adapt_const(c->g, in[1], r, &y->type);
		if (in[1] == NULL)
			return NULL;
	} else if (n->nin != 1) {
		return NULL;
	}
	y = build_op(c->g, n->op, in, n->nin, n->attrs, n->nattrs,
	    n->op == OP_cast || !dtype_is_float(r->dtype) ? DT_NONE
	    : r->dtype, n);
	return mk_reshape(c->g, y, r->rank, r->dim, n);
}
