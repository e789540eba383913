/* legalize: activations. Formulas as in the ONNX operator specification;
 * exponentials take non-positive arguments only, so none overflows. */
#include <math.h>

#include "passes/legalize.h"

/* max(x, 0) */
static struct value *
positive(const struct lg *l)
{
	return lg_un(l, OP_relu, l->x);
}

/* e^x - 1 for x < 0, else 0: of k min(x, 0) */
static struct value *
expm1_negative(const struct lg *l, double divisor)
{
	struct value *v;

	v = mk_clip(l->g, l->x, -HUGE_VAL, 0, l->w, l->n);
	if (divisor != 1)
		v = lg_bin(l, OP_div, v, lg_k(l, divisor));
	v = lg_un(l, OP_exp, v);
	return lg_bin(l, OP_add, v, lg_k(l, -1));
}

struct value *
legalize_elu(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	double alpha = node_float(n, ATTR_alpha);

	return lg_fma_out(&l, expm1_negative(&l, 1), lg_k(&l, alpha),
	    positive(&l));
}

struct value *
legalize_selu(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *v;

	v = lg_fma(&l, expm1_negative(&l, 1),
	    lg_k(&l, node_float(n, ATTR_alpha)), positive(&l));
	return lg_bin_out(&l, OP_mul, v, lg_k(&l, node_float(n, ATTR_beta)));
}

struct value *
legalize_celu(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	double alpha = node_float(n, ATTR_alpha);

	return lg_fma_out(&l, expm1_negative(&l, alpha), lg_k(&l, alpha),
	    positive(&l));
}

struct value *
legalize_thresholded_relu(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *in[3];

	in[0] = build_binary(c->g, OP_less,
	    lg_k(&l, node_float(n, ATTR_alpha)), l.x, DT_NONE, n);
	in[1] = l.x;
	in[2] = build_scalar(c->g, l.x->type.dtype, 0);
	return build_op(c->g, OP_select, in, 3, NULL, 0, l.t, n);
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
static struct value *
softplus(const struct lg *l, enum dtype t)
{
	struct value *v = lg_un(l, OP_abs, l->x);

	v = lg_un(l, OP_exp, lg_un(l, OP_neg, v));
	v = lg_un(l, OP_log, lg_bin(l, OP_add, v, lg_k(l, 1)));
	return build_binary(l->g, OP_add, positive(l), v, t, l->n);
}

struct value *
legalize_softplus(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);

	return softplus(&l, l.t);
}

struct value *
legalize_mish(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *v = lg_un(&l, OP_tanh, softplus(&l, l.w));

	return lg_bin_out(&l, OP_mul, l.x, v);
}

struct value *
legalize_softsign(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *v = lg_bin(&l, OP_add, lg_un(&l, OP_abs, l.x),
	    lg_k(&l, 1));

	return lg_bin_out(&l, OP_div, l.x, v);
}

/* sqrt(2/pi) (x + 0.044715 x^3) as x (a x^2 + b) */
static struct value *
gelu_argument(const struct lg *l)
{
	const double b = 0.79788456080286535588, a = 0.044715 * b;
	struct value *v = lg_bin(l, OP_mul, l->x, l->x);

	return lg_bin(l, OP_mul, lg_fma(l, v, lg_k(l, a), lg_k(l, b)), l->x);
}

/* x (h(x) / 2 + 1 / 2) with h = erf(x / sqrt 2) or its tanh form
 * (Hendrycks and Gimpel, Gaussian error linear units). */
struct value *
legalize_gelu(struct pass_ctx *c, struct node *n)
{
	const double rsqrt2 = 0.70710678118654752440;
	struct lg l = lg_start(c, n);
	struct value *v;

	if (node_int(n, ATTR_approximate) != 0)
		v = lg_un(&l, OP_tanh, gelu_argument(&l));
	else
		v = lg_un(&l, OP_erf, lg_bin(&l, OP_mul, l.x,
		    lg_k(&l, rsqrt2)));
	v = lg_fma(&l, v, lg_k(&l, 0.5), lg_k(&l, 0.5));
	return lg_bin_out(&l, OP_mul, l.x, v);
}
