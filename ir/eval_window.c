/* Pools, and the channel window of local response normalisation. */
#include "ir/eval_kernel.h"

#include <math.h>

/* One window of one plane: values, errors and the taps inside. */
struct view {
	const double *x, *e; /* plane; e NULL where exact */
	const int64_t *off;
	int64_t taps;
};

/* Maximum over the taps inside; NaN wins. A window without any gives the
 * lowest value. The device's maximum is at most that of the upper ends of the
 * ranges, and falls by no more than that is above. */
static struct num
window_max(const struct view *p)
{
	double v = -HUGE_VAL, hi = v, x;

	for (int64_t t = 0; t < p->taps; t++) {
		if (p->off[t] < 0)
			continue;
		x = p->x[p->off[t]];
		if (isnan(x))
			return (struct num){x, p->e == NULL ? 0 : HUGE_VAL};
		v = fmax(v, x);
		hi = fmax(hi, p->e != NULL ? x + p->e[p->off[t]] : x);
	}
	return (struct num){v, hi == v ? 0 : hi - v};
}

/* Sum over the taps inside, before the division of a mean. */
static struct num
window_sum(const struct ev *ev, const struct view *p, int64_t *inside)
{
	struct num y = {0, 0};
	double mag = 0;

	*inside = 0;
	for (int64_t t = 0; t < p->taps; t++) {
		int64_t i = p->off[t];

		if (i < 0)
			continue;
		y.v += p->x[i];
		mag += fabs(p->x[i]);
		if (p->e != NULL)
			y.e += p->e[i];
		++*inside;
	}
	if (!ev->bounds)
		return y;
	if (mag + y.e >= ev_limit(ev) && isfinite(y.v))
		y.e = HUGE_VAL;
	y.e += ev_slack(ev, 2 * ((double)p->taps + 4), mag + y.e);
	return y;
}

static void
put_pool(struct ev *ev, int64_t i, const struct view *p, bool pads_count)
{
	int64_t inside;
	struct num y;

	if (ev->n->op == OP_max_pool) {
		ev_put_exact(ev, i, window_max(p));
		return;
	}
	y = window_sum(ev, p, &inside);
	if (ev->n->op == OP_avg_pool) {
		double n = (double)(pads_count ? p->taps : inside);

		if (n > 0) {
			y.v /= n;
			y.e /= n;
		}
	}
	ev_put(ev, i, y);
}

/* max_pool of integers, through doubles where they are exact. */
static void
put_int_max(
    struct ev *ev, int64_t i, const int64_t *off, int64_t taps, int64_t base)
{
	enum dtype t = ev->in[0].type.dtype;
	uint64_t best = int_lowest(t);
	const double *e = ev_errors(ev, 0);
	bool unsure = false;

	for (int64_t k = 0; k < taps; k++) {
		if (off[k] < 0)
			continue;
		best = int_map2(OP_max, t, best,
		    int_load(ev->in[0].data, t, base + off[k]));
		unsure = unsure || (e != NULL && e[base + off[k]] != 0);
	}
	ev_put_int(ev, i, best, unsure);
}

static bool
pool(struct ev *ev, bool pads_count)
{
	const struct tensor_type *t = &ev->in[0].type;
	bool floats = dtype_is_float(t->dtype);
	int64_t kernel[MAX_RANK], planes, *off;
	const double *x = NULL, *e = ev_errors(ev, 0);
	struct window w;

	for (int d = 0; d < MAX_RANK; d++)
		kernel[d] = ev_list(ev, ATTR_kernel, d, 1);
	if (!window_init(&w, ev, kernel, false))
		return false;
	if (!floats && ev->n->op != OP_max_pool)
		return ev_fail(ev, "defined on floats only");
	if (floats)
		x = ev_doubles(ev, 0);
	planes = t->dim[0] * t->dim[1];
	off = NEW_ARRAY(ev->tmp, int64_t, (size_t)w.taps + 1);
	for (int64_t pos = 0; pos < w.positions; pos++) {
		window_offsets(&w, pos, off);
		for (int64_t c = 0; c < planes; c++) {
			int64_t base = c * w.pixels, i = c * w.positions + pos;
			struct view v = {x, e, off, w.taps};

			if (floats) {
				v.x += base;
				v.e = e != NULL ? e + base : NULL;
				put_pool(ev, i, &v, pads_count);
			} else {
				put_int_max(ev, i, off, w.taps, base);
			}
		}
	}
	return true;
}

bool
eval_max_pool(struct ev *ev)
{
	return pool(ev, false);
}

bool
eval_sum_pool(struct ev *ev)
{
	return pool(ev, false);
}

bool
eval_avg_pool(struct ev *ev)
{
	return pool(ev, node_int(ev->n, ATTR_count_include_pad) != 0);
}

/* ONNX LRN: channels c - floor((size - 1) / 2) .. c + ceil((size - 1) / 2).
 * s[i] = sum of x there (of x^2 where squared). */
static bool
sum_channels(struct ev *ev, bool squared, struct num *s)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t size = node_int(ev->n, ATTR_size), below = (size - 1) / 2;
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	int64_t pixels, channels;

	if (t->rank < 2 || size < 1)
		return ev_fail(
		    ev, "size %lld of rank %d", (long long)size, t->rank);
	channels = t->dim[1];
	pixels = span_elems(t, 2, t->rank);
	for (int64_t i = 0; i < ev->len; i++) {
		int64_t c = i / pixels % channels, from = c - below;
		int64_t to = c + (size - 1 - below);
		double mag = 0;

		from = from < 0 ? 0 : from;
		to = to >= channels ? channels - 1 : to;
		s[i] = (struct num){0, 0};
		for (int64_t k = from; k <= to; k++) {
			int64_t j = i + (k - c) * pixels;
			double err = e != NULL ? e[j] : 0, v = x[j];

			if (squared) {
				err = err != 0 ? err * (2 * fabs(v) + err) : 0;
				v *= v;
			}
			s[i].v += v;
			s[i].e += err;
			mag += fabs(v) + err;
		}
		if (mag >= ev_limit(ev) && isfinite(s[i].v))
			s[i].e = HUGE_VAL;
		s[i].e += ev_slack(ev, 2 * ((double)(to - from) + 5), mag);
	}
	return true;
}

bool
eval_channel_sum(struct ev *ev)
{
	struct num *s =
	    NEW_ARRAY(ev->tmp, struct num, (size_t)(ev->len > 0 ? ev->len : 1));

	if (!sum_channels(ev, false, s))
		return false;
	for (int64_t i = 0; i < ev->len; i++)
		ev_put(ev, i, s[i]);
	return true;
}

/* x * base^-beta with base = bias + alpha / size * sum of squares. */
static struct num
lrn_value(const struct ev *ev, struct num x, struct num s)
{
	double scale =
	    node_float(ev->n, ATTR_alpha) / (double)node_int(ev->n, ATTR_size);
	double bias = node_float(ev->n, ATTR_bias);
	double beta = node_float(ev->n, ATTR_beta);
	struct num b = {bias + scale * s.v, fabs(scale) * s.e}, f, y;

	b.e += ev_slack(ev, 6, fabs(bias) + fabs(scale) * (s.v + s.e));
	f.v = pow(b.v, -beta);
	f.e = fmax(fabs(pow(b.v - b.e, -beta) - f.v),
	    fabs(pow(b.v + b.e, -beta) - f.v));
	/* also as exp(-beta log base): the exponent's error is absolute */
	f.e += ev_slack(ev, 16 + 10 * fabs(beta * log(b.v)), f.v);
	if (!(b.v - b.e > 0) || isinf(s.e))
		f.e = HUGE_VAL;
	y.v = x.v * f.v;
	y.e = fabs(x.v) * f.e + x.e * fabs(f.v) + x.e * f.e;
	y.e += ev_slack(ev, 4, y.v);
	return y;
}

bool
eval_lrn(struct ev *ev)
{
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	struct num *s =
	    NEW_ARRAY(ev->tmp, struct num, (size_t)(ev->len > 0 ? ev->len : 1));

	if (!sum_channels(ev, true, s))
		return false;
	for (int64_t i = 0; i < ev->len; i++) {
		struct num v = {x[i], e != NULL ? e[i] : 0};

		ev_put(ev, i, lrn_value(ev, v, s[i]));
	}
	return true;
}
