/* Reductions over axes, argmax and argmin. */
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

/* For each dimension of the operand the stride in the result, 0 where it is
 * reduced; no axes means all. Returns how many elements make one, -1 after a
 * diagnostic. */
static int64_t
plan(struct ev *ev, const int64_t *axes, size_t naxes, struct walk *w)
{
	const struct tensor_type *t = &ev->in[0].type;
	bool reduced[MAX_RANK] = {false};
	int64_t count = 1, stride = 1;

	for (size_t k = 0; k < naxes; k++) {
		if (axes[k] < 0 || axes[k] >= t->rank) {
			ev_fail(ev, "axis %lld", (long long)axes[k]);
			return -1;
		}
		reduced[axes[k]] = true;
	}
	*w = (struct walk){.rank = t->rank, .nin = 1};
	for (int d = t->rank; d-- > 0;) {
		w->dim[d] = t->dim[d];
		if (reduced[d] || naxes == 0) {
			count *= t->dim[d];
		} else {
			w->stride[0][d] = stride;
			stride *= t->dim[d];
		}
	}
	if (stride != ev->len) {
		ev_fail(ev, "axes do not lead to the result's shape");
		return -1;
	}
	return count;
}

/* Per result element: the value so far, what operand errors may change it
 * by, the sum of magnitudes that roundings scale with. For max (min) e is the
 * extreme of the upper (lower) ends of the operands' ranges: the result rises
 * to that at most and falls by less. For prod e and mag are the products of
 * magnitudes above and below 1. */
struct partial {
	double v, e, mag;
};

static struct partial
start(enum op op)
{
	switch (op) {
	case OP_reduce_max: return (struct partial){-HUGE_VAL, -HUGE_VAL, 0};
	case OP_reduce_min: return (struct partial){HUGE_VAL, HUGE_VAL, 0};
	case OP_reduce_prod: return (struct partial){1, 1, 1};
	default: return (struct partial){0, 0, 0};
	}
}

/* The extreme of a and b; NaN wins. */
static double
extreme(enum op op, double a, double b)
{
	if (isnan(a) || isnan(b))
		return (double)NAN;
	return op == OP_reduce_max ? fmax(a, b) : fmin(a, b);
}

static double
extreme_error(struct partial p)
{
	/* equal also where both are infinite */
	return p.e == p.v ? 0 : fabs(p.e - p.v);
}

static void
accumulate(enum op op, struct partial *p, struct num x)
{
	double g = x.v, e = x.e, a = fabs(x.v);

	switch (op) {
	case OP_reduce_max:
	case OP_reduce_min:
		p->v = extreme(op, p->v, x.v);
		e = op == OP_reduce_max ? e : -e;
		p->e = extreme(op, p->e, x.v + e);
		return;
	case OP_reduce_prod:
		p->v *= x.v;
		if (a + e > 1)
			p->e *= a + e;
		else
			p->mag *= a + e;
		return;
	case OP_reduce_l1: g = a; break;
	case OP_reduce_l2:
	case OP_reduce_sum_square:
		g = a * a;
		e *= 2 * a + e;
		break;
	default: break;
	}
	p->v += g;
	if (e != 0)
		p->e += e;
	p->mag += fabs(g) + e;
}

/* Error of sum, mean and the norms: n terms in any order. */
static struct num
finish_sum(const struct ev *ev, struct partial p, double n)
{
	struct num s = {p.v, p.e + ev_slack(ev, 2 * (n + 4), p.mag)}, y;
	struct map1 f = {OP_identity, 0, 0, false};

	if (p.mag >= ev_limit(ev) && isfinite(p.v))
		s.e = HUGE_VAL;
	switch (ev->n->op) {
	case OP_reduce_mean: return (struct num){s.v / n, s.e / n};
	case OP_reduce_l2: /* the device's sum is not negative */
		y.v = sqrt(s.v);
		y.e =
		    fmax(sqrt(s.v + s.e) - y.v, y.v - sqrt(fmax(s.v - s.e, 0)));
		y.e += ev_slack(ev, 8, y.v + y.e);
		return isinf(s.e) ? (struct num){y.v, s.e} : y;
	case OP_reduce_log_sum: f.op = OP_log; return map1_apply(ev, &f, s);
	default: return s;
	}
}

static struct num
finish_prod(const struct ev *ev, struct partial p, double n)
{
	double top = p.e * p.mag;
	struct num y = {p.v, top - fabs(p.v) + ev_slack(ev, 2 * n, top)};

	/* a tree in another order may leave the range in between */
	if (p.e >= ev_limit(ev) || p.mag < 0x1p-120)
		y.e = HUGE_VAL;
	return y;
}

static void
reduce_floats(struct ev *ev, struct walk *w, int64_t count)
{
	int64_t n = type_elems(&ev->in[0].type);
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	enum op op = ev->n->op;
	struct partial *p = NEW_ARRAY(
	    ev->tmp, struct partial, (size_t)(ev->len > 0 ? ev->len : 1));

	for (int64_t i = 0; i < ev->len; i++)
		p[i] = start(op);
	for (int64_t i = 0; i < n; i++, walk_next(w)) {
		struct num v = {x[i], e != NULL ? e[i] : 0};

		accumulate(op, &p[w->off[0]], v);
	}
	for (int64_t i = 0; i < ev->len; i++) {
		if (op == OP_reduce_max || op == OP_reduce_min)
			ev_put_exact(
			    ev, i, (struct num){p[i].v, extreme_error(p[i])});
		else if (op == OP_reduce_prod)
			ev_put(ev, i, finish_prod(ev, p[i], (double)count));
		else
			ev_put(ev, i, finish_sum(ev, p[i], (double)count));
	}
}

/* log(sum(exp(x))) around the maximum; the largest operand error moves it by
 * no more than itself. */
static void
log_sum_exp(struct ev *ev, struct walk *w, int64_t count)
{
	int64_t n = type_elems(&ev->in[0].type);
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	double *top = new_doubles(ev, ev->len), *err = new_doubles(ev, ev->len);
	double *sum = new_doubles(ev, ev->len), *way = new_doubles(ev, ev->len);
	struct walk v = *w;

	for (int64_t i = 0; i < ev->len; i++)
		top[i] = -HUGE_VAL;
	for (int64_t i = 0; i < n; i++, walk_next(&v)) {
		int64_t k = v.off[0];

		top[k] = isnan(x[i]) || x[i] > top[k] ? x[i] : top[k];
		if (e != NULL)
			err[k] = fmax(err[k], e[i]);
	}
	for (int64_t i = 0; i < n; i++, walk_next(w)) {
		double *s = &sum[w->off[0]], t = x[i] - top[w->off[0]];

		t = isnan(t) && isinf(x[i]) ? 0 : t; /* inf - inf */
		*s += exp(t);
		if (isfinite(t))
			way[w->off[0]] += fabs(t) * exp(t);
	}
	for (int64_t i = 0; i < ev->len; i++) {
		struct num y = {top[i] + log(sum[i]), err[i]};
		double k = 2 * ((double)count + 16) + 2 * way[i];

		if (isinf(top[i]) && top[i] < 0)
			y.v = top[i];
		if (isfinite(y.v))
			y.e += ev_slack(ev, k, 1) + ev_slack(ev, 8, y.v) +
			       ev_slack(ev, 8, log(sum[i]));
		ev_put(ev, i, y);
	}
}

static uint64_t
int_step(enum op op, enum dtype t, uint64_t acc, uint64_t x)
{
	switch (op) {
	case OP_reduce_max: return int_map2(OP_max, t, acc, x);
	case OP_reduce_min: return int_map2(OP_min, t, acc, x);
	case OP_reduce_prod: return acc * x;
	default: return acc + x;
	}
}

static void
reduce_ints(struct ev *ev, struct walk *w)
{
	enum dtype t = ev->in[0].type.dtype;
	enum op op = ev->n->op;
	int64_t n = type_elems(&ev->in[0].type);
	const double *e = ev_errors(ev, 0);
	size_t room = (size_t)(ev->len > 0 ? ev->len : 1);
	uint64_t *acc = NEW_ARRAY(ev->tmp, uint64_t, room);
	bool *unsure = NEW_ARRAY(ev->tmp, bool, room);

	for (int64_t i = 0; i < ev->len; i++)
		acc[i] = op == OP_reduce_max   ? int_lowest(t)
			 : op == OP_reduce_min ? int_highest(t)
					       : op == OP_reduce_prod;
	for (int64_t i = 0; i < n; i++, walk_next(w)) {
		int64_t k = w->off[0];

		acc[k] =
		    int_step(op, t, acc[k], int_load(ev->in[0].data, t, i));
		unsure[k] = unsure[k] || (e != NULL && e[i] != 0);
	}
	for (int64_t i = 0; i < ev->len; i++)
		ev_put_int(ev, i, acc[i], unsure[i]);
}

bool
eval_reduce(struct ev *ev)
{
	size_t naxes;
	const int64_t *axes = node_ints(ev->n, ATTR_axes, &naxes);
	struct walk w;
	int64_t count = plan(ev, axes, naxes, &w);

	if (count < 0)
		return false;
	if (!dtype_is_float(ev->in[0].type.dtype)) {
		if (op_info(ev->n->op)->flags & OPF_FLOAT)
			return ev_fail(ev, "defined on floats only");
		reduce_ints(ev, &w);
	} else if (ev->n->op == OP_reduce_log_sum_exp) {
		log_sum_exp(ev, &w, count);
	} else {
		reduce_floats(ev, &w, count);
	}
	return true;
}

/* Running winner of argmax or argmin for one result element. */
struct winner {
	struct num x;
	uint64_t bits;
	int64_t at;
	bool unsure;
};

/* Is x[i] better than the winner? NaN beats everything, the first one. */
static bool
beats(const struct ev *ev, const struct winner *w, double v, uint64_t bits,
    bool ties)
{
	enum dtype t = ev->in[0].type.dtype;
	bool max = ev->n->op == OP_argmax;

	if (!dtype_is_float(t)) {
		if (bits == w->bits)
			return ties;
		return int_less(t, bits, w->bits) != max;
	}
	if (isnan(v) || isnan(w->x.v))
		return isnan(v) && (ties || !isnan(w->x.v));
	if (v == w->x.v)
		return ties;
	return (v < w->x.v) != max;
}

static struct winner
find(const struct ev *ev, int64_t base, int64_t n, int64_t stride, bool ties)
{
	const void *data = ev->in[0].data;
	enum dtype t = ev->in[0].type.dtype;
	const double *e = ev_errors(ev, 0);
	struct winner w = {.at = -1};

	for (int64_t k = 0; k < n; k++) {
		int64_t i = base + k * stride;
		double v = dtype_get(data, t, (size_t)i);
		uint64_t bits = dtype_is_float(t) ? 0 : int_load(data, t, i);

		if (w.at < 0 || beats(ev, &w, v, bits, ties)) {
			w.at = k;
			w.bits = bits;
			w.x.v = v;
			w.x.e = e != NULL ? e[i] : 0;
		}
	}
	/* sure when no other range touches the winner's, exact ties aside */
	for (int64_t k = 0; k < n && e != NULL; k++) {
		int64_t i = base + k * stride;
		double sum = e[i] + w.x.e;
		double gap = fabs(dtype_get(data, t, (size_t)i) - w.x.v);

		if (k != w.at && sum != 0 && !(gap > sum))
			w.unsure = true;
	}
	return w;
}

bool
eval_argreduce(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t axis = node_int(ev->n, ATTR_axis), stride[MAX_RANK], outer, n;
	bool ties = node_int(ev->n, ATTR_select_last) != 0;

	if (axis < 0 || axis >= t->rank)
		return ev_fail(ev, "axis %lld", (long long)axis);
	strides_of(t, stride);
	outer = span_elems(t, 0, (int)axis);
	n = t->dim[axis];
	if (ev->len != outer * stride[axis])
		return ev_fail(ev, "axis does not lead to the result's shape");
	if (n == 0 && ev->len > 0)
		return ev_fail(ev, "no elements along the axis");
	for (int64_t i = 0; i < ev->len; i++) {
		int64_t o = i / stride[axis], k = i % stride[axis];
		struct winner w =
		    find(ev, o * n * stride[axis] + k, n, stride[axis], ties);

		ev_put_int(ev, i, (uint64_t)w.at, w.unsure);
	}
	return true;
}
