/* Functions of two and three numbers, with NumPy broadcasting. */
#include "ir/eval_kernel.h"

#include <math.h>

static double
modulo(double x, double y)
{
	double r = fmod(x, y);

	if (r != 0 && (r < 0) != (y < 0))
		r += y;
	return r;
}

static double
value(enum op op, double x, double y)
{
	switch (op) {
	case OP_add: return x + y;
	case OP_sub: return x - y;
	case OP_mul: return x * y;
	case OP_div: return x / y;
	case OP_pow: return pow(x, y);
	case OP_min: return isnan(x) || x < y ? x : y;
	case OP_max: return isnan(x) || x > y ? x : y;
	case OP_mod: return modulo(x, y);
	case OP_prelu: return x < 0 ? x * y : x;
	case OP_equal: return x == y;
	case OP_less: return x < y;
	case OP_less_equal: return x <= y;
	case OP_and: return x != 0 && y != 0;
	case OP_or: return x != 0 || y != 0;
	case OP_xor: return (x != 0) != (y != 0);
	default: return (double)NAN;
	}
}

static double
larger(double a, double b)
{
	return a > b ? a : b;
}

static double
product_error(struct num x, struct num y)
{
	return fabs(x.v) * y.e + x.e * fabs(y.v) + x.e * y.e;
}

static double
quotient_error(struct num x, struct num y, double q)
{
	double low = fabs(y.v) - y.e;

	return low > 0 ? (x.e + fabs(q) * y.e) / low : HUGE_VAL;
}

/* Extremes of x^y over the rectangle are at its corners where x > 0, and for
 * an exact integer y > 0 at them or at zero. */
static double
power_error(struct num x, struct num y, double v)
{
	bool whole = y.e == 0 && y.v == floor(y.v);
	double lo = x.v - x.e, hi = x.v + x.e, e = 0;

	if (lo <= 0 && !(whole && (y.v >= 0 || hi < 0)))
		return HUGE_VAL;
	for (int corner = 0; corner < 4; corner++) {
		double p = pow(
		    corner & 1 ? lo : hi, corner & 2 ? y.v - y.e : y.v + y.e);

		if (isnan(p))
			return HUGE_VAL;
		e = larger(e, fabs(p - v));
	}
	return lo <= 0 && hi >= 0 && y.v > 0 ? larger(e, fabs(v)) : e;
}

static double
modulo_error(struct num x, struct num y)
{
	double q = x.v / y.v, lo, hi;

	if (fabs(y.v) <= y.e)
		return HUGE_VAL;
	lo = q - quotient_error(x, y, q);
	hi = q + quotient_error(x, y, q);
	if (floor(lo) != floor(hi))
		return HUGE_VAL;
	return x.e + (fabs(q) + 1) * y.e;
}

/* min and max: where the operands' ranges are apart, the winner's error. */
static double
pick_error(struct num x, struct num y, bool x_wins)
{
	if (fabs(x.v - y.v) > x.e + y.e)
		return x_wins ? x.e : y.e;
	return larger(x.e, y.e);
}

static double
truth_error(enum op op, struct num x, struct num y)
{
	if (op == OP_and || op == OP_or || op == OP_xor)
		return HUGE_VAL;
	return fabs(x.v - y.v) > x.e + y.e ? 0 : HUGE_VAL;
}

/* Operand errors (not both 0) through op; v is its value. */
static double
propagate(enum op op, struct num x, struct num y, double v)
{
	switch (op) {
	case OP_add:
	case OP_sub: return x.e + y.e;
	case OP_mul: return product_error(x, y);
	case OP_div: return quotient_error(x, y, v);
	case OP_pow: return power_error(x, y, v);
	case OP_min:
	case OP_max: return pick_error(x, y, v == x.v);
	case OP_mod: return modulo_error(x, y);
	case OP_prelu:
		if (x.v - x.e >= 0)
			return x.e;
		/* the sides of the kink differ by at most the steeper one */
		return larger(
		    product_error(x, y), x.e * larger(1, fabs(y.v) + y.e));
	default: return truth_error(op, x, y);
	}
}

/* Division and powers may be short sequences on the device: 4 ulp. In f64 the
 * power is e^(y log x) with both in f64 only: the product's error counts. */
static double
device_error(const struct ev *ev, enum op op, struct num x, struct num y,
    double v)
{
	double k = 8;

	if (op == OP_pow && ev->u < 0x1p-30 && x.v > 0)
		k += 8 * (fabs(y.v) + y.e) * fabs(log(x.v));
	if (op == OP_pow)
		return ev_slack(ev, k, v) + 0x1p-126;
	if (op == OP_div)
		return ev_slack(ev, 8, v);
	if (op == OP_mod)
		return ev_slack(ev, 4, fabs(x.v) + fabs(v));
	return 0;
}

static bool
is_exact(enum op op, struct num x)
{
	return op == OP_min || op == OP_max ||
	       (op == OP_prelu && x.v - x.e >= 0);
}

static void
map2_floats(struct ev *ev)
{
	enum op op = ev->n->op;
	const double *x = ev_doubles(ev, 0), *y = ev_doubles(ev, 1);
	const double *ex = ev_errors(ev, 0), *ey = ev_errors(ev, 1);
	struct walk w;

	walk_init(&w, &ev->out->type, ev->in, 2);
	for (int64_t i = 0; i < ev->len; i++, walk_next(&w)) {
		struct num a = {x[w.off[0]], ex != NULL ? ex[w.off[0]] : 0};
		struct num b = {y[w.off[1]], ey != NULL ? ey[w.off[1]] : 0};
		struct num r = {value(op, a.v, b.v), 0};

		if (a.e != 0 || b.e != 0)
			r.e = propagate(op, a, b, r.v);
		if (ev->bounds && isfinite(r.v))
			r.e += device_error(ev, op, a, b, r.v);
		if (is_exact(op, a))
			ev_put_exact(ev, i, r);
		else
			ev_put(ev, i, r);
	}
}

static uint64_t
integer_power(const struct ev *ev, int64_t i, int64_t j)
{
	enum dtype t = ev->in[1].type.dtype, tx = ev->in[0].type.dtype;
	uint64_t a = int_load(ev->in[0].data, tx, i), b, r = 0;
	double p;

	if (!dtype_is_float(t)) {
		b = int_load(ev->in[1].data, t, j);
		return int_power(a, b, int_negative(t, b));
	}
	p = pow(dtype_get(ev->in[0].data, tx, (size_t)i),
	    dtype_get(ev->in[1].data, t, (size_t)j));
	dtype_set(&r, tx, 0, p);
	return int_load(&r, tx, 0);
}

static void
map2_ints(struct ev *ev)
{
	enum op op = ev->n->op;
	enum dtype t = ev->in[0].type.dtype;
	const double *ex = ev_errors(ev, 0), *ey = ev_errors(ev, 1);
	struct walk w;

	walk_init(&w, &ev->out->type, ev->in, 2);
	for (int64_t i = 0; i < ev->len; i++, walk_next(&w)) {
		int64_t j = w.off[0], k = w.off[1];
		bool unsure =
		    (ex != NULL && ex[j] != 0) || (ey != NULL && ey[k] != 0);
		uint64_t v;

		if (op == OP_pow)
			v = integer_power(ev, j, k);
		else
			v = int_map2(op, t, int_load(ev->in[0].data, t, j),
			    int_load(ev->in[1].data, t, k));
		ev_put_int(ev, i, v, unsure);
	}
}

bool
eval_map2(struct ev *ev)
{
	enum dtype x = ev->in[0].type.dtype, y = ev->in[1].type.dtype;

	if (dtype_is_float(x)) {
		map2_floats(ev);
		return true;
	}
	if (ev->n->op != OP_pow && x != y)
		return ev_fail(
		    ev, "operands %s and %s", dtype_name(x), dtype_name(y));
	map2_ints(ev);
	return true;
}

static void
select_floats(struct ev *ev)
{
	const double *x = ev_doubles(ev, 1), *y = ev_doubles(ev, 2);
	const double *ec = ev_errors(ev, 0), *ex = ev_errors(ev, 1);
	const double *ey = ev_errors(ev, 2);
	struct walk w;

	walk_init(&w, &ev->out->type, ev->in, 3);
	for (int64_t i = 0; i < ev->len; i++, walk_next(&w)) {
		struct num a = {x[w.off[1]], ex != NULL ? ex[w.off[1]] : 0};
		struct num b = {y[w.off[2]], ey != NULL ? ey[w.off[2]] : 0};
		bool c = dtype_get(ev->in[0].data, ev->in[0].type.dtype,
			     (size_t)w.off[0]) != 0;
		struct num r = c ? a : b;

		if (ec != NULL && ec[w.off[0]] != 0) /* either may come */
			r.e = fabs(a.v - b.v) + larger(a.e, b.e);
		ev_put_exact(ev, i, r);
	}
}

bool
eval_select(struct ev *ev)
{
	enum dtype t = ev->in[1].type.dtype, u = ev->in[2].type.dtype;
	struct walk w;

	if (dtype_is_float(t) && dtype_is_float(u)) {
		select_floats(ev);
		return true;
	}
	if (t != u)
		return ev_fail(
		    ev, "operands %s and %s", dtype_name(t), dtype_name(u));
	walk_init(&w, &ev->out->type, ev->in, 3);
	for (int64_t i = 0; i < ev->len; i++, walk_next(&w)) {
		bool c = dtype_get(ev->in[0].data, ev->in[0].type.dtype,
			     (size_t)w.off[0]) != 0;
		int k = c ? 1 : 2;
		const double *ec = ev_errors(ev, 0), *ek = ev_errors(ev, k);

		ev_put_int(ev, i, int_load(ev->in[k].data, t, w.off[k]),
		    (ec != NULL && ec[w.off[0]] != 0) ||
			(ek != NULL && ek[w.off[k]] != 0));
	}
	return true;
}

bool
eval_fma(struct ev *ev)
{
	const double *v[3], *e[3];
	struct walk w;

	for (int k = 0; k < 3; k++) {
		v[k] = ev_doubles(ev, k);
		e[k] = ev_errors(ev, k);
	}
	walk_init(&w, &ev->out->type, ev->in, 3);
	for (int64_t i = 0; i < ev->len; i++, walk_next(&w)) {
		struct num p[3], r;

		for (int k = 0; k < 3; k++) {
			p[k].v = v[k][w.off[k]];
			p[k].e = e[k] != NULL ? e[k][w.off[k]] : 0;
		}
		r.v = fma(p[0].v, p[1].v, p[2].v);
		r.e = product_error(p[0], p[1]) + p[2].e;
		if (p[0].e == 0 && p[1].e == 0)
			r.e = p[2].e; /* also where an operand is infinite */
		ev_put(ev, i, r);
	}
	return true;
}
