/* Gradients of data movement: the adjoint moves. */
#include "passes/grad.h"

bool
grad_reshape(struct ad *a, struct node *n, struct value *dy)
{
	const struct tensor_type *t = &n->in[0]->type;

	ad_give(a, n, 0, mk_reshape(a->g, dy, t->rank, t->dim, NULL));
	return true;
}

bool
grad_transpose(struct ad *a, struct node *n, struct value *dy)
{
	int64_t back[MAX_RANK] = {0};

	for (int i = 0; i < dy->type.rank; i++)
		back[ints_at(n, ATTR_perm, (size_t)i, i)] = i;
	ad_give(a, n, 0, mk_transpose(a->g, dy, back, NULL));
	return true;
}

bool
grad_slice(struct ad *a, struct node *n, struct value *dy)
{
	const struct tensor_type *t = &n->in[0]->type;
	struct attr at[3] = {*node_attr(n, ATTR_starts),
	    *node_attr(n, ATTR_steps),
	    attr_make_ints(ATTR_shape, t->dim, (size_t)t->rank)};

	ad_give(a, n, 0, ad_op(a, OP_slice_grad, &dy, 1, at, 3));
	return true;
}

bool
grad_slice_grad(struct ad *a, struct node *n, struct value *dy)
{
	size_t rank;

	ad_give(a, n, 0, mk_slice(a->g, dy, node_ints(n, ATTR_starts, &rank),
	    node_ints(n, ATTR_steps, &rank), n->in[0]->type.dim, NULL));
	return true;
}

/* The box of dy from starts with the extents of operand i. */
static void
give_box(struct ad *a, struct node *n, int i, struct value *dy,
    const int64_t *starts)
{
	int64_t steps[MAX_RANK];

	for (int k = 0; k < dy->type.rank; k++)
		steps[k] = 1;
	if (ad_wants(a, n, i))
		ad_give(a, n, i, mk_slice(a->g, dy, starts, steps,
		    n->in[i]->type.dim, NULL));
}

bool
grad_concat(struct ad *a, struct node *n, struct value *dy)
{
	int64_t axis = node_int(n, ATTR_axis), starts[MAX_RANK] = {0};

	for (int i = 0; i < n->nin; i++) {
		give_box(a, n, i, dy, starts);
		starts[axis] += n->in[i]->type.dim[axis];
	}
	return true;
}

/* prepare() left only pads that add constants. */
bool
grad_pad(struct ad *a, struct node *n, struct value *dy)
{
	int64_t starts[MAX_RANK];

	for (int i = 0; i < dy->type.rank; i++)
		starts[i] = ints_at(n, ATTR_pads_begin, (size_t)i, 0);
	give_box(a, n, 0, dy, starts);
	return true;
}

bool
grad_expand(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, dy);
	return true;
}

bool
grad_gather(struct ad *a, struct node *n, struct value *dy)
{
	int64_t axis = node_int(n, ATTR_axis);
	int64_t size = n->in[0]->type.dim[axis];
	struct attr at[2] = {attr_make_int(ATTR_axis, axis),
	    attr_make_int(ATTR_size, size)};
	struct value *idx = n->in[1], *in[2];
	size_t count = (size_t)type_elems(&idx->type);
	double *v;

	if (idx->kind != VALUE_CONST) {
		diag_error(a->d, &n->loc, "%s has no gradient: its indices "
		    "are not constant", node_label(&a->c, n));
		return false;
	}
	v = NEW_ARRAY(a->c.scratch, double, count + 1);
	for (size_t i = 0; i < count; i++) {
		int64_t k = const_i64(idx, i);

		v[i] = (double)(k < 0 ? k + size : k);
	}
	in[0] = dy;
	in[1] = const_from(a->g, NULL, &idx->type, v);
	ad_give(a, n, 0, ad_op(a, OP_scatter_add, in, 2, at, 2));
	return true;
}
