/* Values that the backward pass computes again instead of loading them: what a
 * ReLU makes of a group norm, whose input and statistics are there anyway, and
 * that input, where the schedule finds its convolution cheaper than loads. */
#include "passes/grad.h"

struct value *
ad_norm_input(struct ad *a, const struct node *norm)
{
	struct value *x = norm->in[0], *in[4] = {NULL};
	const struct node *conv = x->kind == VALUE_NODE ? x->def : NULL;

	if (!x->rebuild || conv == NULL || conv->op != OP_conv)
		return x;
	in[0] = ad_operand(a, conv, 0);
	for (int i = 1; i < conv->nin; i++)
		in[i] = conv->in[i];
	return build_op(a->g, OP_conv, in, conv->nin, conv->attrs,
	    conv->nattrs, x->type.dtype, NULL);
}

/* As legalize_group.c computes it forward. */
static struct value *
apply_norm(struct ad *a, const struct node *norm)
{
	struct value *x = ad_norm_input(a, norm), *mean, *k, *shift;
	struct lg l = {.c = &a->c, .g = a->g, .x = x, .w = a->l.w,
	    .t = norm->out[0]->type.dtype};
	int64_t dim[MAX_RANK];

	for (int i = 0; i < x->type.rank; i++)
		dim[i] = i < 2 ? x->type.dim[i] : 1;
	mean = mk_reshape(a->g, norm->out[1], x->type.rank, dim, NULL);
	k = mk_reshape(a->g, norm->out[2], x->type.rank, dim, NULL);
	k = lg_bin(&l, OP_mul, k, lg_per_channel(&l, norm->in[1]));
	shift = lg_bin(&l, OP_sub, lg_per_channel(&l, norm->in[2]),
	    lg_bin(&l, OP_mul, mean, k));
	return lg_fma_out(&l, x, k, shift);
}

struct value *
ad_operand(struct ad *a, const struct node *n, int i)
{
	struct value *v = n->in[i];
	struct node *relu = v->kind == VALUE_NODE ? v->def : NULL;
	struct node *norm;

	if (!v->rebuild || relu == NULL || relu->op != OP_relu ||
	    relu->in[0]->kind != VALUE_NODE)
		return v;
	norm = relu->in[0]->def;
	if (norm->op != OP_group_norm_train)
		return v;
	return build_unary(a->g, OP_relu, apply_norm(a, norm),
	    v->type.dtype, NULL);
}
