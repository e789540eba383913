/* resize: per axis, each result coordinate reads a few operand coordinates
 * with weights (ONNX operator specification, Resize-13). The axes are
 * independent, so they are done one after the other, in double. */
#include "ir/eval_kernel.h"

#include <math.h>

enum { NEAREST, LINEAR, CUBIC };
enum { HALF_PIXEL, ASYMMETRIC, ALIGN_CORNERS, PYTORCH_HALF_PIXEL };
enum { ROUND_PREFER_FLOOR, ROUND_PREFER_CEIL, FLOOR, CEIL };

#define MAX_TAPS 4

struct tap {
	int64_t at;
	double weight;
};

/* One axis: in -> out coordinates. length is the result's extent before it
 * is cut to an integer (in * scale). */
struct axis {
	int64_t in, out;
	double scale, length;
};

static struct axis
axis_of(const struct ev *ev, int d)
{
	const struct attr *s = node_attr(ev->n, ATTR_scales);
	struct axis a = {ev->in[0].type.dim[d], ev->out->type.dim[d], 0, 0};

	if ((size_t)d < s->n) {
		a.scale = s->floats[d];
		a.length = a.scale * (double)a.in;
	} else {
		a.scale = (double)a.out / (double)a.in;
		a.length = (double)a.out;
	}
	return a;
}

/* The place on the operand's axis of result coordinate o. */
static double
place(const struct axis *a, int64_t coord, int64_t o)
{
	double x = (double)o;

	switch (coord) {
	case ASYMMETRIC: return x / a->scale;
	case ALIGN_CORNERS:
		if (a->out == 1)
			return 0;
		return x * (double)(a->in - 1) / (a->length - 1);
	case PYTORCH_HALF_PIXEL:
		return a->out > 1 ? (x + 0.5) / a->scale - 0.5 : 0;
	default: return (x + 0.5) / a->scale - 0.5;
	}
}

static int64_t
clamp_index(double x, int64_t n)
{
	if (!(x > 0))
		return 0;
	return x < (double)(n - 1) ? (int64_t)x : n - 1;
}

static int64_t
nearest(double x, int64_t rounding, int64_t n)
{
	switch (rounding) {
	case ROUND_PREFER_CEIL: x = floor(x + 0.5); break;
	case FLOOR: x = floor(x); break;
	case CEIL: x = ceil(x); break;
	default: x = ceil(x - 0.5); break;
	}
	return clamp_index(x, n);
}

/* Keys' cubic convolution kernel at distance t with coefficient a. */
static double
cubic(double t, double a)
{
	t = fabs(t);
	if (t <= 1)
		return ((a + 2) * t - (a + 3)) * t * t + 1;
	if (t < 2)
		return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
	return 0;
}

/* Taps of result coordinate o; outside, the border element repeats. */
static int
make_taps(
    const struct ev *ev, const struct axis *a, int64_t o, struct tap *taps)
{
	int64_t mode = node_int(ev->n, ATTR_mode);
	double x = place(a, node_int(ev->n, ATTR_coord), o), low = floor(x);
	double c = node_float(ev->n, ATTR_cubic_coeff);
	int n = mode == CUBIC ? 4 : 2;

	if (mode == NEAREST || (a->in == a->out && a->scale == 1)) {
		taps[0].weight = 1;
		taps[0].at =
		    mode != NEAREST
			? o
			: nearest(x, node_int(ev->n, ATTR_rounding), a->in);
		return 1;
	}
	for (int k = 0; k < n; k++) {
		double at = low + k - (n == 4 ? 1 : 0);

		taps[k].at = clamp_index(at, a->in);
		taps[k].weight = n == 4 ? cubic(x - at, c) : 1 - fabs(x - at);
	}
	return n;
}

/* The tensor between two axes: values, errors, magnitudes (bounds only). */
struct stage {
	double *v, *e, *mag;
};

static struct stage
new_stage(struct ev *ev, int64_t n)
{
	struct stage s = {new_doubles(ev, n), NULL, NULL};

	if (ev->bounds) {
		s.e = new_doubles(ev, n);
		s.mag = new_doubles(ev, n);
	}
	return s;
}

/* out[k] += weight * in[k] for n elements. */
static void
add_scaled(double *out, const double *in, double weight, int64_t n)
{
	for (int64_t k = 0; k < n; k++)
		out[k] += weight * in[k];
}

/* One axis of a tensor seen as outer x in x inner. */
static struct stage
resize_axis(struct ev *ev, const struct stage *x, const struct axis *a,
    int64_t outer, int64_t inner)
{
	struct stage y = new_stage(ev, outer * a->out * inner);

	for (int64_t o = 0; o < a->out; o++) {
		struct tap taps[MAX_TAPS];
		int n = make_taps(ev, a, o, taps);

		for (int64_t i = 0; i < outer * n; i++) {
			struct tap t = taps[i % n];
			int64_t from = (i / n * a->in + t.at) * inner;
			int64_t to = (i / n * a->out + o) * inner;

			add_scaled(y.v + to, x->v + from, t.weight, inner);
			if (!ev->bounds)
				continue;
			add_scaled(
			    y.e + to, x->e + from, fabs(t.weight), inner);
			add_scaled(
			    y.mag + to, x->mag + from, fabs(t.weight), inner);
		}
	}
	return y;
}

static struct stage
first_stage(struct ev *ev)
{
	int64_t n = type_elems(&ev->in[0].type);
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	struct stage s = new_stage(ev, n);

	for (int64_t i = 0; i < n; i++) {
		s.v[i] = x[i];
		if (!ev->bounds)
			continue;
		s.e[i] = e != NULL ? e[i] : 0;
		s.mag[i] = fabs(x[i]) + s.e[i];
	}
	return s;
}

static void
interpolate(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type, *u = &ev->out->type;
	int64_t taps = node_int(ev->n, ATTR_mode) == CUBIC ? 4 : 2;
	struct stage s = first_stage(ev);
	double k = 8;

	for (int d = 0; d < t->rank; d++) {
		struct axis a = axis_of(ev, d);

		if (a.in == a.out && a.scale == 1)
			continue;
		s = resize_axis(ev, &s, &a, span_elems(u, 0, d),
		    span_elems(t, d + 1, t->rank));
		/* weights as f32 and a sum of products per axis */
		k = k * (double)taps;
	}
	for (int64_t i = 0; i < ev->len; i++) {
		struct num y = {s.v[i], 0};

		if (ev->bounds)
			y.e = s.e[i] + ev_slack(ev, 2 * k, s.mag[i]);
		ev_put(ev, i, y);
	}
}

/* nearest moves elements of any dtype: per axis a table of coordinates. */
static void
pick_nearest(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type, *u = &ev->out->type;
	enum dtype from = t->dtype, to = u->dtype;
	const double *e = ev_errors(ev, 0);
	int64_t *table[MAX_RANK], stride[MAX_RANK];

	strides_of(t, stride);
	for (int d = 0; d < t->rank; d++) {
		struct axis a = axis_of(ev, d);
		struct tap taps[MAX_TAPS];

		table[d] = NEW_ARRAY(ev->tmp, int64_t, (size_t)a.out + 1);
		for (int64_t o = 0; o < a.out; o++) {
			make_taps(ev, &a, o, taps);
			table[d][o] = taps[0].at * stride[d];
		}
	}
	for (int64_t i = 0; i < ev->len; i++) {
		int64_t rest = i, k = 0;

		for (int d = t->rank; d-- > 0; rest /= u->dim[d])
			k += table[d][rest % u->dim[d]];
		if (dtype_is_float(from))
			dtype_set(ev->out->data, to, (size_t)i,
			    dtype_get(ev->in[0].data, from, (size_t)k));
		else
			int_store(ev->out->data, to, i,
			    int_load(ev->in[0].data, from, k));
		if (ev->bounds)
			ev->out->bound[i] = e != NULL ? e[k] : 0;
	}
}

bool
eval_resize(struct ev *ev)
{
	if (ev->len == 0)
		return true;
	if (node_int(ev->n, ATTR_mode) == NEAREST)
		pick_nearest(ev);
	else if (dtype_is_float(ev->in[0].type.dtype))
		interpolate(ev);
	else
		return ev_fail(ev, "interpolation needs floats");
	return true;
}
