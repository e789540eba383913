#include "frontend/onnx_window.h"

static bool
conv_args(struct opx *c, struct window *w, int64_t *group)
{
	const struct value *x = c->in[0], *k = c->in[1];

	if (k->type.rank != x->type.rank)
		return op_error(c, "weights have rank %d where the data has "
		    "rank %d", k->type.rank, x->type.rank);
	if (!window_read(c, x, k->type.dim + 2, w))
		return false;
	*group = attr_i(c, "group", 1);
	if (*group < 1 || *group > MAX_DIM)
		return op_error(c, "group is %lld", (long long)*group);
	return true;
}

static int
conv_attrs(struct opx *c, const struct window *w, int64_t group,
    struct attr *a)
{
	a[0] = window_attr(c, ATTR_strides, w->stride, w->n);
	a[1] = window_attr(c, ATTR_dilations, w->dilation, w->n);
	a[2] = window_attr(c, ATTR_pads_begin, w->begin, w->n);
	a[3] = window_attr(c, ATTR_pads_end, w->end, w->n);
	a[4] = attr_make_int(ATTR_groups, group);
	return 5;
}

bool
onnx_op_conv(struct opx *c)
{
	struct window w;
	struct attr a[5];
	int64_t group;

	if (!conv_args(c, &w, &group))
		return false;
	window_auto_pad(&w);
	int n = conv_attrs(c, &w, group, a);
	return op_result(c, 0, OP_conv, c->in, c->in[2] != NULL ? 3 : 2, a,
	    n);
}

/* Extents asked for by output_shape or auto_pad; false: none. */
static bool
wanted_extents(struct opx *c, const struct window *w, int64_t *want)
{
	struct ints v;

	if (attr_is(c, "output_shape", &v) && v.n >= (size_t)w->n) {
		/* Some exporters also give batch and channels. */
		for (int i = 0; i < w->n; i++)
			want[i] = v.v[v.n - (size_t)w->n + (size_t)i];
		return true;
	}
	if (w->auto_pad != PAD_SAME_UPPER && w->auto_pad != PAD_SAME_LOWER)
		return false;
	for (int i = 0; i < w->n; i++)
		want[i] = w->in[i] * w->stride[i];
	return true;
}

/* Splits the padding that makes the result want[] long; what is missing is
 * added at the end. Formulas: ONNX, ConvTranspose. */
static bool
fit_extents(struct opx *c, struct window *w, const int64_t *want,
    int64_t *extra)
{
	for (int i = 0; i < w->n; i++) {
		if (want[i] < 1 || want[i] > MAX_DIM)
			return op_error(c, "output_shape holds %lld",
			    (long long)want[i]);
		int64_t total = w->stride[i] * (w->in[i] - 1) + extra[i] +
		    window_span(w, i) - want[i];
		if (total < 0) {
			extra[i] -= total;
			total = 0;
		}
		int64_t less = total / 2;
		bool upper = w->auto_pad == PAD_SAME_UPPER;
		w->begin[i] = upper ? less : total - less;
		w->end[i] = upper ? total - less : less;
	}
	return true;
}

bool
onnx_op_conv_transpose(struct opx *c)
{
	struct window w;
	struct attr a[6];
	int64_t group, extra[ONNX_SPATIAL], want[ONNX_SPATIAL];

	if (!conv_args(c, &w, &group) ||
	    !window_list(c, "output_padding", w.n, 0, 0, extra))
		return false;
	if (wanted_extents(c, &w, want) && !fit_extents(c, &w, want, extra))
		return false;
	int n = conv_attrs(c, &w, group, a);
	a[n++] = window_attr(c, ATTR_output_pads, extra, w.n);
	return op_result(c, 0, OP_conv_transpose, c->in,
	    c->in[2] != NULL ? 3 : 2, a, n);
}
