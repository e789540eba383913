/* Gradients of functions of one number. y = f(x) is read instead of x where
 * it tells as much: the contraction before it then keeps only y. */
#include "passes/grad.h"

#include <math.h>

static void
give_times(struct ad *a, struct node *n, struct value *dy, struct value *f)
{
	ad_give(a, n, 0, ad_bin(a, OP_mul, dy, f));
}

bool
grad_identity(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, dy);
	return true;
}

bool
grad_cast(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, dy);
	return true;
}

bool
grad_neg(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, ad_un(a, OP_neg, dy));
	return true;
}

/* 0 at 0. */
bool
grad_abs(struct ad *a, struct node *n, struct value *dy)
{
	give_times(a, n, dy, ad_un(a, OP_sign, n->in[0]));
	return true;
}

bool
grad_reciprocal(struct ad *a, struct node *n, struct value *dy)
{
	struct value *y = n->out[0];

	give_times(a, n, ad_un(a, OP_neg, dy), ad_bin(a, OP_mul, y, y));
	return true;
}

bool
grad_sqrt(struct ad *a, struct node *n, struct value *dy)
{
	dy = ad_bin(a, OP_mul, dy, ad_k(a, 0.5));
	ad_give(a, n, 0, ad_bin(a, OP_div, dy, n->out[0]));
	return true;
}

bool
grad_rsqrt(struct ad *a, struct node *n, struct value *dy)
{
	struct value *y = n->out[0];

	dy = ad_bin(a, OP_mul, dy, ad_k(a, -0.5));
	dy = ad_bin(a, OP_mul, dy, y);
	give_times(a, n, dy, ad_bin(a, OP_mul, y, y));
	return true;
}

bool
grad_exp(struct ad *a, struct node *n, struct value *dy)
{
	give_times(a, n, dy, n->out[0]);
	return true;
}

bool
grad_log(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, ad_bin(a, OP_div, dy, n->in[0]));
	return true;
}

bool
grad_sin(struct ad *a, struct node *n, struct value *dy)
{
	give_times(a, n, dy, ad_un(a, OP_cos, n->in[0]));
	return true;
}

bool
grad_cos(struct ad *a, struct node *n, struct value *dy)
{
	give_times(a, n, ad_un(a, OP_neg, dy),
	    ad_un(a, OP_sin, n->in[0]));
	return true;
}

bool
grad_erf(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0], *v = ad_bin(a, OP_mul, x, x);

	v = ad_un(a, OP_exp, ad_un(a, OP_neg, v));
	v = ad_bin(a, OP_mul, v, ad_k(a, 1.1283791670955126)); /* 2/sqrt pi */
	give_times(a, n, dy, v);
	return true;
}

bool
grad_tanh(struct ad *a, struct node *n, struct value *dy)
{
	struct value *y = n->out[0], *v = ad_bin(a, OP_mul, y, y);

	give_times(a, n, dy, ad_bin(a, OP_sub, ad_k(a, 1), v));
	return true;
}

bool
grad_sigmoid(struct ad *a, struct node *n, struct value *dy)
{
	struct value *y = n->out[0], *v;

	v = ad_bin(a, OP_mul, y, ad_bin(a, OP_sub, ad_k(a, 1), y));
	give_times(a, n, dy, v);
	return true;
}

/* 0 at 0. */
bool
grad_relu(struct ad *a, struct node *n, struct value *dy)
{
	ad_give(a, n, 0, ad_masked(a, n->out[0], dy));
	return true;
}

/* The slope at 0, as PyTorch has it. */
bool
grad_leaky_relu(struct ad *a, struct node *n, struct value *dy)
{
	struct value *low = ad_bin(a, OP_mul, dy,
	    ad_k(a, node_float(n, ATTR_alpha)));
	struct value *above = ad_less(a, ad_k(a, 0), n->in[0]);

	ad_give(a, n, 0, ad_select(a, above, dy, low));
	return true;
}

/* Positive where y lies strictly between the limits; NULL: everywhere. */
static struct value *
between(struct ad *a, struct value *y, double lo, double hi)
{
	struct value *low = y, *high;

	if (isinf(lo) && isinf(hi))
		return NULL;
	if (lo != 0)
		low = ad_bin(a, OP_sub, y, ad_k(a, lo));
	if (isinf(hi))
		return low;
	high = ad_bin(a, OP_sub, ad_k(a, hi), y);
	return isinf(lo) ? high : ad_bin(a, OP_min, low, high);
}

/* 0 at the limits, as relu. */
bool
grad_clip(struct ad *a, struct node *n, struct value *dy)
{
	struct value *in = between(a, n->out[0], node_float(n, ATTR_min),
	    node_float(n, ATTR_max));

	ad_give(a, n, 0, in == NULL ? dy : ad_masked(a, in, dy));
	return true;
}

bool
grad_hard_sigmoid(struct ad *a, struct node *n, struct value *dy)
{
	dy = ad_bin(a, OP_mul, dy, ad_k(a, node_float(n, ATTR_alpha)));
	dy = ad_masked(a, between(a, n->out[0], 0, 1), dy);
	ad_give(a, n, 0, dy);
	return true;
}

/* 0 below -3, 1 above 3, x/3 + 1/2 between. */
bool
grad_hard_swish(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0];
	struct value *f = lg_fma(&a->l, x, ad_k(a, 1.0 / 3), ad_k(a, 0.5));

	f = ad_select(a, ad_less(a, ad_k(a, -3), x), f, ad_k(a, 0));
	f = ad_select(a, ad_less(a, x, ad_k(a, 3)), f, ad_k(a, 1));
	give_times(a, n, dy, f);
	return true;
}

/* elu, selu, celu: up where x > 0, else down * e^(rate * min(x, 0)). */
bool
grad_elu(struct ad *a, struct node *n, struct value *dy)
{
	double alpha = node_float(n, ATTR_alpha), up = 1, down = alpha;
	double rate = 1;
	struct value *x = n->in[0], *f;

	if (n->op == OP_selu) {
		up = node_float(n, ATTR_beta);
		down *= up;
	}
	if (n->op == OP_celu) {
		down = 1;
		rate = 1 / alpha;
	}
	f = mk_clip(a->g, x, -HUGE_VAL, 0, a->l.w, NULL);
	f = ad_un(a, OP_exp, ad_bin(a, OP_mul, f, ad_k(a, rate)));
	f = ad_bin(a, OP_mul, f, ad_k(a, down));
	f = ad_select(a, ad_less(a, ad_k(a, 0), x), ad_k(a, up), f);
	give_times(a, n, dy, f);
	return true;
}

bool
grad_softplus(struct ad *a, struct node *n, struct value *dy)
{
	give_times(a, n, dy, ad_un(a, OP_sigmoid, n->in[0]));
	return true;
}

/* With t = tanh(softplus x): t + x sigmoid(x) (1 - t^2). */
bool
grad_mish(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0], *t, *s;

	t = ad_un(a, OP_tanh, ad_un(a, OP_softplus, x));
	s = ad_bin(a, OP_mul, x, ad_un(a, OP_sigmoid, x));
	s = ad_bin(a, OP_mul, s,
	    ad_bin(a, OP_sub, ad_k(a, 1), ad_bin(a, OP_mul, t, t)));
	give_times(a, n, dy, ad_bin(a, OP_add, t, s));
	return true;
}
