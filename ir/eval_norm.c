/* Normalisations and softmax. The bounds hold for any order of the steps
 * that computes the variance from deviations from the mean (two passes), and
 * for scale and shift folded into one multiplication and addition. */
#include "ir/eval_kernel.h"

#include <math.h>

static double
larger(double a, double b)
{
	return a > b ? a : b;
}

static struct num
element(const double *v, const double *e, int64_t i)
{
	return (struct num){v[i], e != NULL ? e[i] : 0};
}

/* 1 / sqrt(var + epsilon). */
static struct num
inverse_deviation(const struct ev *ev, struct num var)
{
	double eps = node_float(ev->n, ATTR_epsilon);
	struct num y = {1 / sqrt(var.v + eps), 0};
	double lo, hi;

	if (!ev->bounds)
		return y;
	var.e += ev_slack(ev, 2, fabs(var.v) + var.e + fabs(eps));
	lo = var.v - var.e + eps;
	hi = var.v + var.e + eps;
	if (!(lo > 0) || isinf(hi)) {
		y.e = HUGE_VAL;
		return y;
	}
	y.e = larger(1 / sqrt(lo) - y.v, y.v - 1 / sqrt(hi));
	y.e += ev_slack(ev, 16, y.v + y.e);
	return y;
}

/* (x - mean) * r * scale + bias. */
static struct num
affine(const struct ev *ev, struct num x, struct num mean, struct num r,
    struct num scale, struct num bias)
{
	double d = x.v - mean.v, ed = x.e + mean.e;
	double k = r.v * scale.v, ek, mag;
	struct num y = {d * k + bias.v, 0};

	if (!ev->bounds)
		return y;
	ek = fabs(r.v) * scale.e + r.e * fabs(scale.v) + r.e * scale.e;
	y.e = fabs(d) * ek + ed * fabs(k) + ed * ek + bias.e;
	mag = (fabs(x.v) + fabs(mean.v) + ed) * (fabs(k) + ek) + fabs(bias.v) +
	      bias.e;
	y.e += ev_slack(ev, 8, mag);
	return y;
}

bool
eval_batch_norm(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t channels = t->dim[1], inner = span_elems(t, 2, t->rank);
	const double *v[5], *e[5];
	struct num *r = NEW_ARRAY(
	    ev->tmp, struct num, (size_t)(channels > 0 ? channels : 1));

	for (int k = 0; k < 5; k++) {
		v[k] = ev_doubles(ev, k);
		e[k] = ev_errors(ev, k);
	}
	for (int64_t c = 0; c < channels; c++)
		r[c] = inverse_deviation(ev, element(v[4], e[4], c));
	for (int64_t i = 0; i < ev->len; i++) {
		int64_t c = i / inner % channels;

		ev_put(ev, i,
		    affine(ev, element(v[0], e[0], i), element(v[3], e[3], c),
			r[c], element(v[1], e[1], c), element(v[2], e[2], c)));
	}
	return true;
}

/* Mean and 1 / sqrt(variance + epsilon) of the n elements from at. */
static void
statistics(const struct ev *ev, const double *x, const double *e, int64_t n,
    struct num *mean, struct num *r)
{
	double count = (double)n, sum = 0, err = 0, mag = 0;
	struct num var = {0, 0};

	for (int64_t i = 0; i < n; i++) {
		sum += x[i];
		mag += fabs(x[i]);
		err += e != NULL ? e[i] : 0;
	}
	mean->v = sum / count;
	mean->e = (err + ev_slack(ev, 2 * (count + 4), mag + err)) / count;
	err = mag = 0;
	for (int64_t i = 0; i < n; i++) {
		double d = x[i] - mean->v, own, ed;

		own = (e != NULL ? e[i] : 0) + ev_slack(ev, 2, d);
		ed = own + mean->e;
		var.v += d * d;
		/* of the first order the mean's error adds nothing, as the
		 * deviations sum to 0 */
		err += 2 * fabs(d) * own + ed * ed;
		mag += (fabs(d) + ed) * (fabs(d) + ed);
	}
	var.v /= count;
	var.e = (err + ev_slack(ev, 2 * (count + 4), mag)) / count;
	if (!(mag < ev_limit(ev)))
		var.e = HUGE_VAL;
	*r = inverse_deviation(ev, var);
}

/* Channels [lo, hi) of every sample share mean and variance; stats, where not
 * NULL, are these of the group, as parts of results 1 and 2 of
 * group_norm_train. */
static void
norm_channels(struct ev *ev, struct ev *stats, const double *const v[3],
    const double *const e[3], int64_t lo, int64_t hi, size_t group)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t inner = span_elems(t, 2, t->rank), n = (hi - lo) * inner;

	for (int64_t s = 0; s < t->dim[0]; s++) {
		int64_t at = (s * t->dim[1] + lo) * inner;
		struct num mean, r;

		statistics(ev, v[0] + at, e[0] != NULL ? e[0] + at : NULL, n,
		    &mean, &r);
		for (int64_t i = 0; i < n; i++) {
			int64_t c = lo + i / inner;

			ev_put(ev, at + i,
			    affine(ev, element(v[0], e[0], at + i), mean, r,
				element(v[1], e[1], c),
				element(v[2], e[2], c)));
		}
		if (stats != NULL) {
			int64_t k = s * stats[0].n->out[1]->type.dim[1] +
			    (int64_t)group;

			ev_put(&stats[0], k, mean);
			ev_put(&stats[1], k, r);
		}
	}
}

static bool
channel_norm(struct ev *ev, struct ev *stats, const int64_t *starts,
    const int64_t *ends, size_t groups)
{
	int64_t channels = ev->in[0].type.dim[1];
	const double *v[3], *e[3];

	for (int k = 0; k < 3; k++) {
		v[k] = ev_doubles(ev, k);
		e[k] = ev_errors(ev, k);
	}
	for (size_t g = 0; g < groups; g++) {
		if (starts[g] < 0 || starts[g] > ends[g] || ends[g] > channels)
			return ev_fail(ev, "channel range %zu", g);
		if (ev->len > 0)
			norm_channels(ev, stats, v, e, starts[g], ends[g], g);
	}
	return true;
}

bool
eval_instance_norm(struct ev *ev)
{
	int64_t channels = ev->in[0].type.dim[1];
	int64_t *lo = NEW_ARRAY(ev->tmp, int64_t, (size_t)channels + 1);

	for (int64_t c = 0; c <= channels; c++)
		lo[c] = c;
	return channel_norm(ev, NULL, lo, lo + 1, (size_t)channels);
}

static bool
group_norm(struct ev *ev, struct ev *stats)
{
	size_t n, m;
	const int64_t *lo = node_ints(ev->n, ATTR_channel_starts, &n);
	const int64_t *hi = node_ints(ev->n, ATTR_channel_ends, &m);

	if (n != m)
		return ev_fail(ev, "%zu channel_starts, %zu ends", n, m);
	return channel_norm(ev, stats, lo, hi, n);
}

bool
eval_group_norm(struct ev *ev)
{
	return group_norm(ev, NULL);
}

bool
eval_group_norm_train(struct ev *ev)
{
	struct ev stats[2] = {ev_result(ev, 1), ev_result(ev, 2)};

	return group_norm(ev, stats);
}

bool
eval_layer_norm(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t axis = node_int(ev->n, ATTR_axis), outer, inner;
	bool has_bias = ev_has(ev, 2);
	const double *x, *e = ev_errors(ev, 0), *v[2] = {NULL, NULL};
	const double *err[2] = {NULL, NULL};
	struct tensor_type tail = {.rank = 0};

	if (axis < 0 || axis >= t->rank)
		return ev_fail(ev, "axis %lld", (long long)axis);
	outer = span_elems(t, 0, (int)axis);
	for (int d = (int)axis; d < t->rank; d++)
		tail.dim[tail.rank++] = t->dim[d];
	inner = span_elems(t, (int)axis, t->rank);
	x = ev_doubles(ev, 0);
	for (int k = 0; k < 1 + has_bias; k++) {
		v[k] = ev_doubles(ev, k + 1);
		err[k] = ev_errors(ev, k + 1);
	}
	for (int64_t o = 0; o < outer && inner > 0; o++) {
		int64_t at = o * inner;
		struct num mean, r;
		struct walk w;

		statistics(
		    ev, x + at, e != NULL ? e + at : NULL, inner, &mean, &r);
		walk_init(&w, &tail, ev->in + 1, 1 + has_bias);
		for (int64_t i = 0; i < inner; i++, walk_next(&w)) {
			struct num bias = {0, 0};

			if (has_bias)
				bias = element(v[1], err[1], w.off[1]);
			ev_put(ev, at + i,
			    affine(ev, element(x, e, at + i), mean, r,
				element(v[0], err[0], w.off[0]), bias));
		}
	}
	return true;
}

/* One row of softmax or log_softmax: n elements, stride apart. With t = x -
 * max, a softmax is p = exp(t) / sum of exp(t). */
struct row {
	const double *x, *e; /* e NULL where exact */
	int64_t n, stride;
	double max, sum;  /* sum of exp(t) */
	double low, high; /* that sum at the ends of all ranges */
	double way;       /* sum of |t| exp(t) */
};

static double
row_error(const struct row *r, int64_t i)
{
	return r->e != NULL ? r->e[i * r->stride] : 0;
}

static void
row_sums(struct row *r)
{
	r->max = -HUGE_VAL;
	r->sum = r->low = r->high = r->way = 0;
	for (int64_t i = 0; i < r->n; i++) {
		double x = r->x[i * r->stride];

		r->max = isnan(x) || x > r->max ? x : r->max;
	}
	for (int64_t i = 0; i < r->n; i++) {
		double t = r->x[i * r->stride] - r->max, e = row_error(r, i);

		r->sum += exp(t);
		r->low += exp(t - e);
		r->high += exp(t + e);
		if (isfinite(t))
			r->way += fabs(t) * exp(t);
	}
}

/* The softmax of element i lies between its values with this element at one
 * end of its range and all others at the other end. The device's own part:
 * each exponential is off by 8 eps relative plus the rounding of t. */
static struct num
softmax_value(const struct ev *ev, const struct row *r, int64_t i)
{
	double t = r->x[i * r->stride] - r->max, e = row_error(r, i);
	double up = exp(t + e), down = exp(t - e), hi, lo, k;
	struct num y = {exp(t) / r->sum, 0};

	if (!ev->bounds)
		return y;
	hi = up / (up + larger(r->low - down, 0));
	lo = down / (down + larger(r->high - up, 0));
	y.e = e == 0 && r->low == r->sum ? 0 : larger(hi - y.v, y.v - lo);
	if (!isfinite(y.v) || isnan(y.e) || isinf(e) || isinf(r->high)) {
		y.e = HUGE_VAL;
		return y;
	}
	k = 2 * fabs(isfinite(t) ? t : 0) + 2 * r->way / r->sum;
	k += 2 * ((double)r->n + 4) + 32;
	y.e += ev_slack(ev, k, y.v + y.e) + 0x1p-126;
	return y;
}

/* t - log(sum of exp(t)): one element moves it by at most its own error and
 * that of the logarithm. */
static struct num
log_softmax_value(const struct ev *ev, const struct row *r, int64_t i)
{
	double t = r->x[i * r->stride] - r->max, l = log(r->sum);
	double e = row_error(r, i);
	struct num y = {t - l, 0};

	if (!ev->bounds)
		return y;
	if (isinf(e) || !isfinite(r->high) || !isfinite(l)) {
		y.e = HUGE_VAL;
		return y;
	}
	if (!isfinite(y.v))
		return y;
	y.e = e + larger(log(r->high) - l, l - log(r->low));
	y.e += ev_slack(ev, 2 * ((double)r->n + 20), 1);
	y.e += ev_slack(ev, 2, r->way / r->sum) + ev_slack(ev, 8, l);
	y.e += ev_slack(ev, 2, fabs(t) + fabs(y.v));
	return y;
}

bool
eval_softmax(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t axis = node_int(ev->n, ATTR_axis), stride[MAX_RANK], n;
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	bool logarithm = ev->n->op == OP_log_softmax;

	if (axis < 0 || axis >= t->rank)
		return ev_fail(ev, "axis %lld", (long long)axis);
	strides_of(t, stride);
	n = t->dim[axis];
	for (int64_t i = 0; i < ev->len; i++) {
		struct row r = {.n = n, .stride = stride[axis]};

		if (i / r.stride % n != 0)
			continue; /* not the first of its row */
		r.x = x + i;
		r.e = e != NULL ? e + i : NULL;
		row_sums(&r);
		for (int64_t k = 0; k < n; k++)
			ev_put(ev, i + k * r.stride,
			    logarithm ? log_softmax_value(ev, &r, k)
				      : softmax_value(ev, &r, k));
	}
	return true;
}
