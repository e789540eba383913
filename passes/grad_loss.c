/* Gradients of softmax and of the losses. */
#include "passes/grad.h"

static struct value *
sum_along(struct ad *a, struct value *v, int64_t axis)
{
	return lg_reduce(&a->l, OP_reduce_sum, v, &axis, 1, true, a->l.w);
}

/* y (dy - sum dy y) */
bool
grad_softmax(struct ad *a, struct node *n, struct value *dy)
{
	struct value *y = n->out[0], *s;

	s = sum_along(a, ad_bin(a, OP_mul, dy, y), node_int(n, ATTR_axis));
	ad_give(a, n, 0, ad_bin(a, OP_mul, y, ad_bin(a, OP_sub, dy, s)));
	return true;
}

/* dy - e^y sum dy */
bool
grad_log_softmax(struct ad *a, struct node *n, struct value *dy)
{
	struct value *s = sum_along(a, dy, node_int(n, ATTR_axis));

	s = ad_bin(a, OP_mul, ad_un(a, OP_exp, n->out[0]), s);
	ad_give(a, n, 0, ad_bin(a, OP_sub, dy, s));
	return true;
}

/* (softmax - target) dy / rows, for labels that are classes. */
bool
grad_softmax_cross_entropy(struct ad *a, struct node *n, struct value *dy)
{
	double rows = (double)type_elems(&n->in[1]->type);
	double smoothing = node_float(n, ATTR_smoothing), share;
	struct attr axis = attr_make_int(ATTR_axis, 1);
	int64_t classes = n->in[0]->type.dim[1];
	struct value *p, *hot;

	share = smoothing / (double)classes;
	p = build_op(a->g, OP_softmax, &n->in[0], 1, &axis, 1, a->l.w, NULL);
	hot = lg_one_hot(&a->l, n->in[1], classes);
	hot = ad_select(a, hot, ad_k(a, 1 - smoothing + share),
	    ad_k(a, share));
	dy = ad_bin(a, OP_mul, dy, ad_k(a, 1 / rows));
	ad_give(a, n, 0, ad_bin(a, OP_mul, ad_bin(a, OP_sub, p, hot), dy));
	return true;
}
