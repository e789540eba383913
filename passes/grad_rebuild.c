/* Values that the backward pass computes again instead of loading them: what a
 * ReLU makes of a group norm, whose input and statistics are there anyway, and,
 * where the schedule finds that cheaper than loads, that input by its
 * convolution and means over windows. */
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

	mean = lg_group_spread(&l, norm, norm->out[1]);
	k = lg_group_spread(&l, norm, norm->out[2]);
	k = lg_bin(&l, OP_mul, k, lg_per_channel(&l, norm->in[1]));
	shift = lg_bin(&l, OP_sub, lg_per_channel(&l, norm->in[2]),
	    lg_bin(&l, OP_mul, mean, k));
	return lg_fma_out(&l, x, k, shift);
}

/* A mean over windows, as legalize_pool.c computes it forward. */
static struct value *
pool_again(struct ad *a, const struct node *scale)
{
	const struct node *pool = scale->in[0]->def;
	struct value *in[2] = {ad_operand(a, pool, 0), scale->in[1]};

	in[0] = build_op(a->g, OP_sum_pool, in, 1, pool->attrs, pool->nattrs,
	    pool->out[0]->type.dtype, NULL);
	return build_op(a->g, OP_mul, in, 2, NULL, 0,
	    scale->out[0]->type.dtype, NULL);
}

struct value *
ad_operand(struct ad *a, const struct node *n, int i)
{
	struct value *v = n->in[i];
	struct node *op = v->kind == VALUE_NODE ? v->def : NULL, *from;

	if (!v->rebuild || op == NULL || op->nin == 0 ||
	    op->in[0]->kind != VALUE_NODE)
		return v;
	from = op->in[0]->def;
	if (op->op == OP_mul && from->op == OP_sum_pool)
		return pool_again(a, op);
	if (op->op != OP_relu || from->op != OP_group_norm_train)
		return v;
	return build_unary(a->g, OP_relu, apply_norm(a, from),
	    v->type.dtype, NULL);
}
