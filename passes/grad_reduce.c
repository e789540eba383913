/* Gradients of reductions. */
#include "passes/grad.h"

/* v, a reduction of operand 0, with the reduced axes kept as 1. */
static struct value *
kept(struct ad *a, const struct node *n, struct value *v)
{
	const struct tensor_type *t = &n->in[0]->type;
	int64_t axes[MAX_RANK], dim[MAX_RANK];
	int naxes = reduce_axes(n, axes);

	for (int i = 0; i < t->rank; i++)
		dim[i] = t->dim[i];
	for (int i = 0; i < naxes; i++)
		dim[axes[i]] = 1;
	return mk_reshape(a->g, v, t->rank, dim, NULL);
}

bool
grad_reduce_sum(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, kept(a, n, dy));
	return true;
}

/* The sum of v over n's axes, kept as 1. */
static struct value *
sum_like(struct ad *a, const struct node *n, struct value *v)
{
	int64_t axes[MAX_RANK];
	int naxes = reduce_axes(n, axes);

	return lg_reduce(&a->l, OP_reduce_sum, v, axes, naxes, true, a->l.w);
}

/* 1 where x == y, else 0. */
static struct value *
equal(struct ad *a, struct value *x, struct value *y)
{
	struct value *c = build_binary(a->g, OP_equal, x, y, DT_NONE, NULL);

	return ad_select(a, c, ad_k(a, 1), ad_k(a, 0));
}

/* Elements that tie for the extreme share it evenly. */
bool
grad_reduce_extreme(struct ad *a, struct node *n, struct value *dy)
{
	struct value *mark = equal(a, n->in[0], kept(a, n, n->out[0]));
	struct value *share = ad_bin(a, OP_div, kept(a, n, dy),
	    sum_like(a, n, mark));

	ad_give(a, n, 0, ad_bin(a, OP_mul, mark, share));
	return true;
}

/* The product of the other elements, right also where some are 0: with zeros
 * replaced by 1, p is the product of the rest; an element's others hold a
 * zero unless it is the only one. */
bool
grad_reduce_prod(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0], *zero = ad_k(a, 0), *is0, *rest, *p, *c;
	int64_t axes[MAX_RANK];
	int naxes = reduce_axes(n, axes);

	is0 = equal(a, x, zero);
	c = build_binary(a->g, OP_equal, x, zero, DT_NONE, NULL);
	rest = ad_select(a, c, ad_k(a, 1), x);
	p = lg_reduce(&a->l, OP_reduce_prod, rest, axes, naxes, true,
	    a->l.w);
	c = ad_bin(a, OP_sub, sum_like(a, n, is0), is0);
	c = build_binary(a->g, OP_equal, c, zero, DT_NONE, NULL);
	p = ad_select(a, c, ad_bin(a, OP_div, p, rest), zero);
	ad_give(a, n, 0, ad_bin(a, OP_mul, p, kept(a, n, dy)));
	return true;
}

/* x / y, and 0 where all elements are 0. */
bool
grad_reduce_l2(struct ad *a, struct node *n, struct value *dy)
{
	struct value *y = kept(a, n, n->out[0]), *zero = ad_k(a, 0), *c, *k;

	c = build_binary(a->g, OP_equal, y, zero, DT_NONE, NULL);
	k = ad_bin(a, OP_div, kept(a, n, dy), y);
	k = ad_select(a, c, zero, k);
	ad_give(a, n, 0, ad_bin(a, OP_mul, n->in[0], k));
	return true;
}

bool
grad_reduce_log_sum_exp(struct ad *a, struct node *n, struct value *dy)
{
	struct value *e = ad_bin(a, OP_sub, n->in[0], kept(a, n, n->out[0]));

	e = ad_un(a, OP_exp, e);
	ad_give(a, n, 0, ad_bin(a, OP_mul, e, kept(a, n, dy)));
	return true;
}
