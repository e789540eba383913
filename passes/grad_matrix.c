/* Gradients of contractions. prepare() in autodiff.c has taken activations
 * out of the epilogue; bias and residual are here. */
#include "passes/grad.h"

/* Copies attributes of n. */
static void
copy_attrs(const struct node *n, const enum attr_id *ids, int count,
    struct attr *to)
{
	for (int i = 0; i < count; i++)
		to[i] = *node_attr(n, ids[i]);
}

static const enum attr_id window_ids[] = {ATTR_strides, ATTR_dilations,
    ATTR_pads_begin, ATTR_pads_end, ATTR_groups};

/* Comes first: its sum follows what makes dy, and may be made with it. */
static void
give_bias(struct ad *a, const struct node *n, struct value *dy, int axis)
{
	if (ad_wants(a, n, 2))
		ad_give(a, n, 2, ad_sum_to_axis(a, dy, axis));
}

static struct value *
weight_grad(struct ad *a, const struct node *n, struct value *x,
    struct value *dy)
{
	const struct tensor_type *w = &n->in[1]->type;
	struct value *in[2] = {x, dy};
	struct attr at[6];

	copy_attrs(n, window_ids, 5, at);
	at[5] = attr_make_ints(ATTR_kernel, w->dim + 2,
	    (size_t)w->rank - 2);
	return ad_op(a, OP_conv_wgrad, in, 2, at, 6);
}

/* Rows of x that the last window does not reach. */
static void
output_pads(const struct node *n, int64_t *pads)
{
	const struct tensor_type *x = &n->in[0]->type;
	const struct tensor_type *w = &n->in[1]->type;
	const struct tensor_type *y = &n->out[0]->type;

	for (int i = 0; i + 2 < x->rank; i++) {
		size_t k = (size_t)i;
		int64_t reach = (w->dim[i + 2] - 1) *
		    ints_at(n, ATTR_dilations, k, 1) + 1;
		int64_t full = (y->dim[i + 2] - 1) *
		    ints_at(n, ATTR_strides, k, 1) + reach;

		pads[i] = x->dim[i + 2] + ints_at(n, ATTR_pads_begin, k, 0) +
		    ints_at(n, ATTR_pads_end, k, 0) - full;
	}
}

bool
grad_conv(struct ad *a, struct node *n, struct value *dy)
{
	struct value *in[2] = {dy, n->in[1]};
	int64_t pads[MAX_RANK];
	struct attr at[6];

	give_bias(a, n, dy, 1);
	if (ad_wants(a, n, 0)) {
		output_pads(n, pads);
		copy_attrs(n, window_ids, 5, at);
		at[5] = attr_make_ints(ATTR_output_pads, pads,
		    (size_t)dy->type.rank - 2);
		ad_give(a, n, 0, ad_op(a, OP_conv_transpose, in, 2, at, 6));
	}
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, weight_grad(a, n, ad_operand(a, n, 0), dy));
	ad_give(a, n, 3, dy);
	return true;
}

/* v less what lies beyond the shape t: output padding may make room for one
 * more window where the dilation exceeds the stride. */
static struct value *
crop(struct ad *a, struct value *v, const struct tensor_type *t)
{
	int64_t starts[MAX_RANK] = {0}, steps[MAX_RANK];

	if (shape_equal(&v->type, t))
		return v;
	for (int i = 0; i < t->rank; i++)
		steps[i] = 1;
	return mk_slice(a->g, v, starts, steps, t->dim, NULL);
}

bool
grad_conv_transpose(struct ad *a, struct node *n, struct value *dy)
{
	struct value *in[2] = {dy, n->in[1]}, *v;
	struct attr at[5];

	give_bias(a, n, dy, 1);
	if (ad_wants(a, n, 0)) {
		copy_attrs(n, window_ids, 5, at);
		v = ad_op(a, OP_conv, in, 2, at, 5);
		ad_give(a, n, 0, crop(a, v, &n->in[0]->type));
	}
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, weight_grad(a, n, dy, n->in[0]));
	ad_give(a, n, 3, dy);
	return true;
}

static struct value *
product(struct ad *a, struct value *x, bool tx, struct value *y, bool ty)
{
	struct value *in[2] = {x, y};
	struct attr at[2] = {attr_make_int(ATTR_trans_a, tx),
	    attr_make_int(ATTR_trans_b, ty)};

	return ad_op(a, OP_matmul, in, 2, at, 2);
}

/* All axes but the last as one. */
static struct value *
flat(struct ad *a, struct value *v)
{
	int64_t dim[2] = {1, v->type.dim[v->type.rank - 1]};

	for (int i = 0; i + 1 < v->type.rank; i++)
		dim[0] *= v->type.dim[i];
	return mk_reshape(a->g, v, 2, dim, NULL);
}

/* The batch of a weight without one joins the contracted axis. */
static struct value *
right_grad(struct ad *a, const struct node *n, struct value *dy)
{
	bool ta = node_int(n, ATTR_trans_a), tb = node_int(n, ATTR_trans_b);
	struct value *x = n->in[0];

	if (n->in[1]->type.rank == 2 && !ta) {
		x = flat(a, x);
		dy = flat(a, dy);
	}
	return tb ? product(a, dy, true, x, ta) : product(a, x, !ta, dy,
	    false);
}

bool
grad_matmul(struct ad *a, struct node *n, struct value *dy)
{
	bool ta = node_int(n, ATTR_trans_a), tb = node_int(n, ATTR_trans_b);
	struct value *b = n->in[1];

	give_bias(a, n, dy, dy->type.rank - 1);
	if (ad_wants(a, n, 0))
		ad_give(a, n, 0, ta ? product(a, b, tb, dy, true)
		                    : product(a, dy, false, b, !tb));
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, right_grad(a, n, dy));
	ad_give(a, n, 3, dy);
	return true;
}
