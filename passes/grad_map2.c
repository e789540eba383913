/* Gradients of element-wise ops of two and three operands. ad_give sums over
 * what an operand was broadcast along. */
#include "passes/grad.h"

bool
grad_add(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, dy);
	ad_give(a, n, 1, dy);
	return true;
}

bool
grad_sub(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, dy);
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, ad_un(a, OP_neg, dy));
	return true;
}

/* Contribution dy * f to operand i. */
static void
give_times(struct ad *a, struct node *n, int i, struct value *dy,
    struct value *f)
{
	if (ad_wants(a, n, i))
		ad_give(a, n, i, ad_bin(a, OP_mul, dy, f));
}

bool
grad_mul(struct ad *a, struct node *n, struct value *dy)
{
	give_times(a, n, 0, dy, n->in[1]);
	give_times(a, n, 1, dy, n->in[0]);
	return true;
}

bool
grad_fma(struct ad *a, struct node *n, struct value *dy)
{
	grad_mul(a, n, dy);
	ad_give(a, n, 2, dy);
	return true;
}

bool
grad_div(struct ad *a, struct node *n, struct value *dy)
{
	struct value *q = ad_bin(a, OP_div, dy, n->in[1]);

	ad_give(a, n, 0, q);
	if (ad_wants(a, n, 1))
		give_times(a, n, 1, ad_un(a, OP_neg, q), n->out[0]);
	return true;
}

/* x - y floor(x / y) */
bool
grad_mod(struct ad *a, struct node *n, struct value *dy)
{
	struct value *k;

	ad_give(a, n, 0, dy);
	if (!ad_wants(a, n, 1))
		return true;
	k = ad_un(a, OP_floor, ad_bin(a, OP_div, n->in[0], n->in[1]));
	give_times(a, n, 1, ad_un(a, OP_neg, dy), k);
	return true;
}

/* y x^(y-1), and 0 where y is 0; x^y log x, and 0 where x <= 0. */
bool
grad_pow(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0], *y = n->in[1], *zero = ad_k(a, 0), *f;
	enum dtype w = a->l.w;
	double p;

	y = mk_cast(a->g, y, w, NULL);
	if (ad_wants(a, n, 0) && const_splat(n->in[1], &p)) {
		f = ad_k(a, p);
		if (p == 2)
			f = ad_bin(a, OP_mul, f, x);
		else if (p != 0)
			f = ad_bin(a, OP_mul, f,
			    ad_bin(a, OP_pow, x, ad_k(a, p - 1)));
		give_times(a, n, 0, dy, f);
	} else if (ad_wants(a, n, 0)) {
		struct value *none =
		    build_binary(a->g, OP_equal, y, zero, DT_NONE, NULL);

		f = ad_bin(a, OP_pow, x, ad_bin(a, OP_sub, y, ad_k(a, 1)));
		f = ad_bin(a, OP_mul, y, f);
		give_times(a, n, 0, dy, ad_select(a, none, zero, f));
	}
	if (!ad_wants(a, n, 1))
		return true;
	f = ad_bin(a, OP_mul, n->out[0], ad_un(a, OP_log, x));
	f = ad_select(a, ad_less(a, zero, x), f, zero);
	give_times(a, n, 1, dy, f);
	return true;
}

/* All to the operand that is taken, halves where both are equal. */
bool
grad_extreme2(struct ad *a, struct node *n, struct value *dy)
{
	struct value *half = ad_bin(a, OP_mul, dy, ad_k(a, 0.5));
	struct value *zero = ad_k(a, 0), *v[2] = {n->in[0], n->in[1]};
	struct value *same =
	    build_binary(a->g, OP_equal, v[0], v[1], DT_NONE, NULL);

	for (int i = 0; i < 2; i++) {
		struct value *wins = n->op == OP_max
		    ? ad_less(a, v[1 - i], v[i])
		    : ad_less(a, v[i], v[1 - i]);

		wins = ad_select(a, wins, dy, zero);
		ad_give(a, n, i, ad_select(a, same, half, wins));
	}
	return true;
}

/* The slope at 0, as leaky_relu. */
bool
grad_prelu(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0], *zero = ad_k(a, 0);
	struct value *above = ad_less(a, zero, x);

	if (ad_wants(a, n, 0))
		ad_give(a, n, 0, ad_select(a, above, dy,
		    ad_bin(a, OP_mul, dy, n->in[1])));
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, ad_select(a, above, zero,
		    ad_bin(a, OP_mul, dy, x)));
	return true;
}

bool
grad_select(struct ad *a, struct node *n, struct value *dy)
{
	struct value *zero = ad_k(a, 0);

	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, ad_select(a, n->in[0], dy, zero));
	if (ad_wants(a, n, 2))
		ad_give(a, n, 2, ad_select(a, n->in[0], zero, dy));
	return true;
}

bool
grad_mask_select(struct ad *a, struct node *n, struct value *dy)
{
	struct value *in[2] = {n->in[0], dy};

	ad_give(a, n, 1,
	    ad_op(a, OP_mask_select, in, 2, node_attr(n, ATTR_axis), 1));
	return true;
}

/* The same elements fall out: the generator is asked again. */
bool
grad_dropout(struct ad *a, struct node *n, struct value *dy)
{
	struct value *in[2] = {dy, n->in[1]};

	ad_give(a, n, 0, ad_op(a, OP_dropout, in, 2, n->attrs, n->nattrs));
	return true;
}
