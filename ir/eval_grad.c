/* Gradients of windows and of data movement: conv_wgrad, pools, slice_grad,
 * scatter_add; and one-bit masks. */
#include "ir/eval_kernel.h"

#include <math.h>

/* Sums of products, of their magnitudes and of their upper ends. */
struct wgrad {
	struct window w;
	int64_t groups, ci, co; /* channels per group */
	const double *x, *dy, *ex, *edy;
};

enum part { VALUE, MAGNITUDE, UPPER };

static double
pick(const double *v, const double *e, int64_t i, enum part part)
{
	if (part == VALUE)
		return v[i];
	return fabs(v[i]) + (part == UPPER && e != NULL ? e[i] : 0);
}

/* patch[c * taps + t] of the group whose planes begin at x. */
static void
read_patch(const struct wgrad *k, int64_t base, const int64_t *off,
    enum part part, double *patch)
{
	for (int64_t c = 0; c < k->ci; c++) {
		for (int64_t t = 0; t < k->w.taps; t++, patch++) {
			int64_t i = base + c * k->w.pixels + off[t];

			*patch = off[t] < 0 ? 0 : pick(k->x, k->ex, i, part);
		}
	}
}

/* Adds the products of one image and group to dw. */
static void
wgrad_image(struct ev *ev, const struct wgrad *k, int64_t n, int64_t g,
    enum part part, double *dw)
{
	int64_t row = k->ci * k->w.taps, places = k->w.positions;
	int64_t *off = NEW_ARRAY(ev->tmp, int64_t, (size_t)k->w.taps + 1);
	double *patch = new_doubles(ev, row);
	int64_t at = n * k->groups + g;

	for (int64_t p = 0; p < places; p++) {
		window_offsets(&k->w, p, off);
		read_patch(k, at * k->ci * k->w.pixels, off, part, patch);
		for (int64_t c = 0; c < k->co; c++) {
			double d = pick(k->dy, k->edy,
			    (at * k->co + c) * places + p, part);
			double *to = dw + (g * k->co + c) * row;

			for (int64_t i = 0; i < row; i++)
				to[i] += d * patch[i];
		}
	}
}

static double *
wgrad_sums(struct ev *ev, const struct wgrad *k, enum part part)
{
	double *dw = new_doubles(ev, ev->len);

	for (int64_t n = 0; n < ev->in[0].type.dim[0]; n++)
		for (int64_t g = 0; g < k->groups; g++)
			wgrad_image(ev, k, n, g, part, dw);
	return dw;
}

bool
eval_conv_wgrad(struct ev *ev)
{
	struct wgrad k = {.groups = node_int(ev->n, ATTR_groups)};
	double *v, *mag = NULL, *up = NULL, terms;

	if (!window_between(&k.w, ev, &ev->in[0].type, &ev->in[1].type,
		ev->out->type.dim + 2, false))
		return false;
	k.ci = ev->in[0].type.dim[1] / k.groups;
	k.co = ev->in[1].type.dim[1] / k.groups;
	k.x = ev_doubles(ev, 0);
	k.dy = ev_doubles(ev, 1);
	k.ex = ev_errors(ev, 0);
	k.edy = ev_errors(ev, 1);
	v = wgrad_sums(ev, &k, VALUE);
	if (ev->bounds) {
		mag = wgrad_sums(ev, &k, MAGNITUDE);
		up = wgrad_sums(ev, &k, UPPER);
	}
	terms = (double)ev->in[0].type.dim[0] * (double)k.w.positions;
	for (int64_t i = 0; i < ev->len; i++) {
		struct num y = {v[i], 0};

		if (ev->bounds) {
			y.e = up[i] - mag[i];
			y.e += ev_slack(ev, 2 * (terms + 4), up[i]);
			if (!(up[i] < ev_limit(ev)))
				y.e = HUGE_VAL;
		}
		ev_put(ev, i, y);
	}
	return true;
}

static void
pool_kernel(const struct ev *ev, int64_t kernel[MAX_RANK])
{
	for (int d = 0; d < MAX_RANK; d++)
		kernel[d] = ev_list(ev, ATTR_kernel, d, 1);
}

/* First maximum among the taps inside; the first NaN wins. unsure: another
 * tap may be the device's. */
static int64_t
first_max(const double *x, const double *e, const int64_t *off, int64_t taps,
    bool *unsure)
{
	int64_t best = -1;

	*unsure = false;
	for (int64_t t = 0; t < taps; t++) {
		if (off[t] < 0)
			continue;
		if (best < 0 || x[off[t]] > x[off[best]] ||
		    (isnan(x[off[t]]) && !isnan(x[off[best]])))
			best = t;
	}
	for (int64_t t = 0; t < taps && e != NULL && best >= 0; t++) {
		if (off[t] >= 0 && t != best &&
		    !(x[off[t]] + e[off[t]] < x[off[best]] - e[off[best]]) &&
		    (e[off[t]] > 0 || e[off[best]] > 0))
			*unsure = true;
	}
	return best < 0 ? 0 : best;
}

bool
eval_max_pool_index(struct ev *ev)
{
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	int64_t kernel[MAX_RANK], planes, *off;
	struct window w;

	pool_kernel(ev, kernel);
	if (!window_init(&w, ev, kernel, false))
		return false;
	planes = ev->out->type.dim[0] * ev->out->type.dim[1];
	off = NEW_ARRAY(ev->tmp, int64_t, (size_t)w.taps + 1);
	for (int64_t p = 0; p < w.positions; p++) {
		window_offsets(&w, p, off);
		for (int64_t c = 0; c < planes; c++) {
			int64_t base = c * w.pixels;
			bool unsure;
			int64_t t = first_max(x + base,
			    e != NULL ? e + base : NULL, off, w.taps, &unsure);

			ev_put_int(
			    ev, c * w.positions + p, (uint64_t)t, unsure);
		}
	}
	return true;
}

/* Sums per result element, with their magnitudes and operand errors. */
struct scatter {
	double *v, *mag, *err;
	double terms; /* at most, per element */
};

static struct scatter
scatter_new(struct ev *ev, double terms)
{
	return (struct scatter){new_doubles(ev, ev->len),
	    new_doubles(ev, ev->len), new_doubles(ev, ev->len), terms};
}

static void
scatter_put(struct scatter *s, int64_t i, double v, double e)
{
	s->v[i] += v;
	s->mag[i] += fabs(v) + e;
	s->err[i] += e;
}

static bool
scatter_end(struct ev *ev, const struct scatter *s)
{
	for (int64_t i = 0; i < ev->len; i++) {
		struct num y = {s->v[i], s->err[i]};

		if (ev->bounds) {
			y.e += ev_slack(ev, 2 * (s->terms + 4), s->mag[i]);
			if (!(s->mag[i] < ev_limit(ev)))
				y.e = HUGE_VAL;
		}
		ev_put(ev, i, y);
	}
	return true;
}

/* Both pools: dy goes to all taps, or to the one that index names. */
static bool
pool_grad(struct ev *ev, const int64_t *index, const double *unsure)
{
	const double *dy = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	int64_t kernel[MAX_RANK], planes, *off;
	struct scatter s;
	struct window w;

	pool_kernel(ev, kernel);
	if (!window_between(
		&w, ev, &ev->out->type, &ev->in[0].type, kernel, false))
		return false;
	planes = ev->out->type.dim[0] * ev->out->type.dim[1];
	off = NEW_ARRAY(ev->tmp, int64_t, (size_t)w.taps + 1);
	s = scatter_new(ev, (double)w.taps);
	for (int64_t p = 0; p < w.positions; p++) {
		window_offsets(&w, p, off);
		for (int64_t k = 0; k < planes * w.taps; k++) {
			int64_t c = k / w.taps, t = k % w.taps;
			int64_t i = c * w.positions + p;
			bool open = unsure != NULL && unsure[i] != 0;

			if (off[t] < 0 ||
			    (!open && index != NULL && index[i] != t))
				continue;
			scatter_put(&s, c * w.pixels + off[t],
			    index == NULL || index[i] == t ? dy[i] : 0,
			    open ? HUGE_VAL : e != NULL ? e[i] : 0);
		}
	}
	return scatter_end(ev, &s);
}

bool
eval_max_pool_grad(struct ev *ev)
{
	return pool_grad(ev, ev_ints(ev, 1), ev_errors(ev, 1));
}

bool
eval_sum_pool_grad(struct ev *ev)
{
	return pool_grad(ev, NULL, NULL);
}

bool
eval_slice_grad(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t from[MAX_RANK], to[MAX_RANK], n = strides_of(t, from);
	bool floats = dtype_is_float(t->dtype);
	const double *e = ev_errors(ev, 0);

	strides_of(&ev->out->type, to);
	for (int64_t i = 0; i < ev->len; i++) {
		if (floats)
			ev_put_exact(ev, i, (struct num){0, 0});
		else
			ev_put_int(ev, i, 0, false);
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t at = 0, rest = i;
		double v;

		for (int d = 0; d < t->rank; d++) {
			int64_t k = rest / from[d];

			rest %= from[d];
			at += to[d] * (ev_list(ev, ATTR_starts, d, 0) +
					  k * ev_list(ev, ATTR_steps, d, 1));
		}
		if (!floats) {
			ev_put_int(ev, at,
			    int_load(ev->in[0].data, t->dtype, i),
			    e != NULL && e[i] != 0);
			continue;
		}
		load_doubles(ev->in[0].data, t->dtype, i, 1, &v);
		ev_put_exact(
		    ev, at, (struct num){v, e != NULL ? e[i] : 0});
	}
	return true;
}

bool
eval_scatter_add(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int axis = (int)node_int(ev->n, ATTR_axis);
	int64_t dim = node_int(ev->n, ATTR_size), inner, n;
	const int64_t *index = ev_ints(ev, 1);
	const double *dy = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	const double *doubt = ev_errors(ev, 1);
	struct scatter s = scatter_new(ev, 1);
	int64_t len = type_elems(t);
	bool open = false;

	n = type_elems(&ev->in[1].type);
	inner = span_elems(&ev->out->type, axis + 1, ev->out->type.rank);
	s.terms = (double)n;
	for (int64_t i = 0; i < n; i++) {
		open = open || (doubt != NULL && doubt[i] != 0);
		if (index[i] < -dim || index[i] >= dim)
			return ev_fail(ev,
			    "index %lld is outside the extent %lld",
			    (long long)index[i], (long long)dim);
	}
	for (int64_t i = 0; i < len; i++) {
		int64_t o = i / inner / n, k = index[i / inner % n];

		k = k < 0 ? k + dim : k;
		scatter_put(&s, (o * dim + k) * inner + i % inner, dy[i],
		    e != NULL ? e[i] : 0);
	}
	for (int64_t i = 0; i < ev->len && open; i++)
		s.err[i] = HUGE_VAL;
	return scatter_end(ev, &s);
}

/* Element i of t lies at `outer`, `at` along the axis, `inner`. */
struct spot {
	int64_t outer, at, inner;
};

static struct spot
spot_of(const struct tensor_type *t, int axis, int64_t i)
{
	int64_t inner = span_elems(t, axis + 1, t->rank);

	return (struct spot){i / inner / t->dim[axis],
	    i / inner % t->dim[axis], i % inner};
}

static int64_t
spot_index(const struct tensor_type *t, int axis, struct spot s)
{
	int64_t inner = span_elems(t, axis + 1, t->rank);

	return (s.outer * t->dim[axis] + s.at) * inner + s.inner;
}

bool
eval_mask_pack(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	int axis = (int)node_int(ev->n, ATTR_axis);

	for (int64_t i = 0; i < ev->len; i++) {
		struct spot s = spot_of(&ev->out->type, axis, i);
		bool unsure = false;
		uint64_t byte = 0;

		s.at *= 8;
		for (int b = 0; b < 8 && s.at < t->dim[axis]; b++, s.at++) {
			int64_t k = spot_index(t, axis, s);

			byte |= (uint64_t)(x[k] > 0) << b;
			unsure = unsure || (e != NULL && e[k] > 0 &&
			    !(fabs(x[k]) > e[k]));
		}
		ev_put_int(ev, i, byte, unsure);
	}
	return true;
}

bool
eval_mask_select(struct ev *ev)
{
	const struct tensor_type *m = &ev->in[0].type;
	const int64_t *mask = ev_ints(ev, 0);
	const double *doubt = ev_errors(ev, 0);
	const double *y = ev_doubles(ev, 1), *e = ev_errors(ev, 1);
	int axis = (int)node_int(ev->n, ATTR_axis);

	for (int64_t i = 0; i < ev->len; i++) {
		struct spot s = spot_of(&ev->out->type, axis, i);
		int bit = (int)(s.at % 8);
		struct num v = {0, 0};
		int64_t k;

		s.at /= 8;
		k = spot_index(m, axis, s);
		if (mask[k] >> bit & 1)
			v = (struct num){y[i], e != NULL ? e[i] : 0};
		if (doubt != NULL && doubt[k] != 0)
			v.e = HUGE_VAL;
		ev_put_exact(ev, i, v);
	}
	return true;
}
