/* Functions of one number: the map ops with one operand and the activations
 * of epilogues, with their error propagation. */
#include "ir/eval_kernel.h"

#include <math.h>

static double
hard_clamp(double z)
{
	/* written so that NaN stays NaN */
	return z < 0 ? 0 : z > 1 ? 1 : z;
}

static double
softplus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double
sigmoid(double x)
{
	double e;

	if (x >= 0)
		return 1 / (1 + exp(-x));
	e = exp(x);
	return e / (1 + e);
}

/* Hendrycks and Gimpel 2016; the tanh form has the constants of torch. */
static double
gelu(double x, bool tanh_form)
{
	const double c = 0.79788456080286535588; /* sqrt(2 / pi) */

	if (x == -HUGE_VAL)
		return 0;
	if (tanh_form)
		return 0.5 * x * (1 + tanh(c * (x + 0.044715 * x * x * x)));
	return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static double
mish(double x)
{
	return x == -HUGE_VAL ? 0 : x * tanh(softplus(x));
}

static double
celu(double x, double alpha)
{
	double neg = alpha * expm1(x / alpha);

	if (isnan(x))
		return x;
	return (x > 0 ? x : 0) + (neg < 0 ? neg : 0);
}

double
map1_value(const struct map1 *f, double x)
{
	switch (f->op) {
	case OP_neg: return -x;
	case OP_abs: return fabs(x);
	case OP_sign: return x > 0 ? 1 : x < 0 ? -1 : x;
	case OP_floor: return floor(x);
	case OP_ceil: return ceil(x);
	case OP_round: return nearbyint(x); /* default mode: ties to even */
	case OP_reciprocal: return 1 / x;
	case OP_sqrt: return sqrt(x);
	case OP_rsqrt: return 1 / sqrt(x);
	case OP_exp: return exp(x);
	case OP_log: return log(x);
	case OP_sin: return sin(x);
	case OP_cos: return cos(x);
	case OP_erf: return erf(x);
	case OP_tanh: return tanh(x);
	case OP_sigmoid: return sigmoid(x);
	case OP_relu: return x < 0 ? 0 : x;
	case OP_leaky_relu: return x < 0 ? f->a * x : x;
	case OP_clip: x = x < f->a ? f->a : x; return x > f->b ? f->b : x;
	case OP_hard_sigmoid: return hard_clamp(f->a * x + f->b);
	case OP_hard_swish: return x * hard_clamp(x / 6 + 0.5);
	case OP_not: return x == 0;
	case OP_elu: return x < 0 ? f->a * expm1(x) : x;
	case OP_selu: return f->b * (x > 0 ? x : f->a * expm1(x));
	case OP_celu: return celu(x, f->a);
	case OP_thresholded_relu: return x > f->a ? x : isnan(x) ? x : 0;
	case OP_softplus: return softplus(x);
	case OP_softsign: return isinf(x) ? copysign(1, x) : x / (1 + fabs(x));
	case OP_gelu: return gelu(x, f->variant);
	case OP_mish: return mish(x);
	default: return x;
	}
}

double
map1_spread(const struct map1 *f, struct num x, double v)
{
	double up, down;

	if (x.e == 0)
		return 0;
	up = fabs(map1_value(f, x.v + x.e) - v);
	down = fabs(map1_value(f, x.v - x.e) - v);
	if (isnan(up) || isnan(down))
		return HUGE_VAL;
	return up > down ? up : down;
}

/* Operand errors through f: the spread where f is monotone, else a Lipschitz
 * constant. */
static double
propagate(const struct map1 *f, struct num x, double v)
{
	double lo = x.v - x.e, hi = x.v + x.e, a = fabs(f->a);

	if (x.e == 0)
		return 0;
	switch (f->op) {
	case OP_neg:
	case OP_abs: return x.e;
	case OP_reciprocal:
		if (lo <= 0 && hi >= 0)
			return HUGE_VAL;
		break;
	case OP_log:
	case OP_rsqrt:
		if (lo <= 0)
			return HUGE_VAL;
		break;
	case OP_sin:
	case OP_cos: return x.e < 2 ? x.e : 2;
	case OP_not: return lo <= 0 && hi >= 0 ? HUGE_VAL : 0;
	case OP_leaky_relu:
	case OP_elu:
		if (f->a < 0)
			return x.e * (a > 1 ? a : 1);
		break;
	case OP_selu:
		if (f->a < 0)
			return x.e * fabs(f->b) * (a > 1 ? a : 1);
		break;
	case OP_thresholded_relu: /* jumps by |alpha| at alpha */
		return x.e + (lo <= f->a && hi >= f->a ? a : 0);
	/* the largest slopes, by calculus: 3/2, 1.1290, 1.0885 */
	case OP_hard_swish: return 1.5 * x.e;
	case OP_gelu: return 1.13 * x.e;
	case OP_mish: return 1.1 * x.e;
	default: break;
	}
	return map1_spread(f, x, v);
}

/* What the device itself may add before the final rounding: 4 ulp for a
 * transcendental function, each step counted where an op is legalized into
 * several. Subnormal results of exp and its kin may be flushed. */
static double
device_error(const struct ev *ev, const struct map1 *f, struct num x, double v)
{
	double mag = fabs(x.v) + x.e;

	switch (f->op) {
	case OP_exp:
	case OP_sigmoid: return ev_slack(ev, 8, v) + 0x1p-126;
	case OP_reciprocal:
	case OP_sqrt:
	case OP_rsqrt:
	case OP_log:
	case OP_sin:
	case OP_cos:
	case OP_tanh: return ev_slack(ev, 8, v);
	case OP_erf: /* its f64 sequence is 12 ulp off */
		return ev_slack(ev, ev->u < 0x1p-30 ? 32 : 8, v);
	case OP_elu:
	case OP_celu: return x.v - x.e < 0 ? ev_slack(ev, 16, f->a) : 0;
	case OP_selu: return ev_slack(ev, 16, f->b * (fabs(f->a) + mag));
	case OP_softplus: return ev_slack(ev, 16, 1 + fabs(v));
	case OP_softsign: return ev_slack(ev, 16, v);
	case OP_gelu: return ev_slack(ev, ev->u < 0x1p-30 ? 48 : 24, mag);
	case OP_mish: return ev_slack(ev, 32, mag);
	case OP_hard_swish: return x.v + x.e < -4 ? 0 : ev_slack(ev, 6, mag);
	default: return 0;
	}
}

/* z = alpha x + beta carries two roundings into the clamp. */
static struct num
hard_sigmoid(const struct ev *ev, const struct map1 *f, struct num x)
{
	const struct map1 clamp = {OP_clip, 0, 1, false};
	double a = fabs(f->a);
	struct num z = {f->a * x.v + f->b, a * x.e}, y;

	z.e += ev_slack(ev, 2, a * (fabs(x.v) + x.e) + fabs(f->b));
	y.v = hard_clamp(z.v);
	y.e = map1_spread(&clamp, z, y.v);
	return y;
}

struct num
map1_apply(const struct ev *ev, const struct map1 *f, struct num x)
{
	struct num y = {map1_value(f, x.v), 0};

	if (!ev->bounds)
		return y;
	if (isinf(x.e)) { /* the device's x may even be NaN */
		y.e = x.e;
		return y;
	}
	if (f->op == OP_hard_sigmoid)
		return hard_sigmoid(ev, f, x);
	y.e = propagate(f, x, y.v);
	if (isfinite(y.v))
		y.e += device_error(ev, f, x, y.v);
	return y;
}

struct map1
map1_of_act(const struct node *n)
{
	double a = node_float(n, ATTR_act_alpha);
	double b = node_float(n, ATTR_act_beta);
	static const enum op op[ACT_COUNT] = {
	    [ACT_NONE] = OP_identity,
	    [ACT_RELU] = OP_relu,
	    [ACT_LEAKY_RELU] = OP_leaky_relu,
	    [ACT_CLIP] = OP_clip,
	    [ACT_SIGMOID] = OP_sigmoid,
	    [ACT_TANH] = OP_tanh,
	    [ACT_HARD_SIGMOID] = OP_hard_sigmoid,
	    [ACT_HARD_SWISH] = OP_hard_swish,
	};
	int64_t act = node_int(n, ATTR_act);

	return (struct map1){
	    act >= 0 && act < ACT_COUNT ? op[act] : OP_identity, a, b, false};
}

static struct map1
map1_of_node(const struct node *n)
{
	struct map1 f = {n->op, 0, 0, false};

	for (int i = 0; i < n->nattrs; i++) {
		const struct attr *a = &n->attrs[i];

		if (a->id == ATTR_alpha || a->id == ATTR_min)
			f.a = a->f;
		else if (a->id == ATTR_beta || a->id == ATTR_max)
			f.b = a->f;
		else if (a->id == ATTR_approximate)
			f.variant = a->i != 0;
	}
	return f;
}

/* Ops that pick or change the sign: the device rounds nothing. */
static bool
is_exact(const struct map1 *f, double x)
{
	switch (f->op) {
	case OP_neg:
	case OP_abs:
	case OP_sign:
	case OP_floor:
	case OP_ceil:
	case OP_round:
	case OP_relu:
	case OP_clip:
	case OP_thresholded_relu: return true;
	case OP_leaky_relu:
	case OP_elu:
	case OP_celu: return x > 0;
	default: return false;
	}
}

static void
map1_floats(struct ev *ev, const struct map1 *f)
{
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);

	for (int64_t i = 0; i < ev->len; i++) {
		struct num in = {x[i], e != NULL ? e[i] : 0};
		struct num y = map1_apply(ev, f, in);

		if (is_exact(f, in.v - in.e))
			ev_put_exact(ev, i, y);
		else
			ev_put(ev, i, y);
	}
}

bool
eval_map1(struct ev *ev)
{
	struct map1 f = map1_of_node(ev->n);
	enum dtype t = ev->in[0].type.dtype;
	const double *e = ev_errors(ev, 0);

	if (dtype_is_float(t)) {
		map1_floats(ev, &f);
		return true;
	}
	if (op_info(ev->n->op)->flags & OPF_FLOAT)
		return ev_fail(ev, "defined on floats only");
	for (int64_t i = 0; i < ev->len; i++) {
		uint64_t x = int_load(ev->in[0].data, t, i);

		ev_put_int(ev, i, int_map1(&f, t, x), e != NULL && e[i] != 0);
	}
	return true;
}
