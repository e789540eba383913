/* Shape rules of convolutions and pooling. Extents as in the ONNX operator
 * specification of Conv, ConvTranspose and MaxPool, with explicit pads. */
#include "ir/infer.h"

#define MAX_SPATIAL 3

/* Attributes that windows share, one element per spatial axis. */
struct window {
	int n;
	int64_t stride[MAX_SPATIAL], dilation[MAX_SPATIAL];
	int64_t begin[MAX_SPATIAL], end[MAX_SPATIAL];
};

static bool
get_window(struct infer *x, int rank, struct window *w)
{
	w->n = rank - 2;
	if (w->n < 1 || w->n > MAX_SPATIAL)
		return infer_fail(x, "an image has rank %d, needs 3 to 5",
		    rank);
	if (!infer_list(x, ATTR_strides, w->n, 1, w->stride) ||
	    !infer_list(x, ATTR_dilations, w->n, 1, w->dilation) ||
	    !infer_list(x, ATTR_pads_begin, w->n, 0, w->begin) ||
	    !infer_list(x, ATTR_pads_end, w->n, 0, w->end))
		return false;
	for (int i = 0; i < w->n; i++)
		if (w->begin[i] < 0 || w->end[i] < 0)
			return infer_fail(x, "padding of spatial axis %d is "
			    "negative", i);
	return true;
}

/* Window extent along axis i. With extents below 2^31 each of the products
 * here and in the callers stays below 2^62, their sums in 64 bits. */
static int64_t
reach(const struct window *w, int i, int64_t kernel)
{
	return (kernel - 1) * w->dilation[i] + 1;
}

/* Number of window positions along each axis. */
static bool
slide(struct infer *x, const struct window *w, const struct tensor_type *in,
    const int64_t *kernel, struct tensor_type *out)
{
	for (int i = 0; i < w->n; i++) {
		int64_t size = in->dim[i + 2] + w->begin[i] + w->end[i];
		int64_t room = size - reach(w, i, kernel[i]);

		if (kernel[i] < 1 || in->dim[i + 2] < 1 || room < 0)
			return infer_fail(x, "a window of %lld does not fit "
			    "into the padded extent %lld of spatial axis %d",
			    (long long)reach(w, i, kernel[i]),
			    (long long)size, i);
		out->dim[i + 2] = room / w->stride[i] + 1;
	}
	return true;
}

/* Groups divide both channel counts; w holds per_group channels of x. */
static bool
check_channels(struct infer *x, int64_t ci, int64_t co, int64_t per_group)
{
	int64_t groups = infer_int(x, ATTR_groups);

	if (ci < 1 || co < 1)
		return infer_fail(x, "there are no channels");
	if (ci % groups != 0 || co % groups != 0)
		return infer_fail(x, "%lld groups do not divide the %lld "
		    "input and %lld output channels", (long long)groups,
		    (long long)ci, (long long)co);
	if (per_group != ci / groups)
		return infer_fail(x, "the weight has %lld input channels per "
		    "group, operand 0 gives %lld", (long long)per_group,
		    (long long)(ci / groups));
	return true;
}

/* Bias and residual, once result 0 has its shape. */
static bool
epilogue(struct infer *x, int64_t channels)
{
	return infer_vector(x, 2, "bias", channels) && infer_residual(x, 3);
}

static bool
check_weight(struct infer *x)
{
	const struct tensor_type *a = infer_in(x, 0), *w = infer_in(x, 1);

	if (a->rank != w->rank)
		return infer_fail(x, "operand 0 has rank %d, the weight %d",
		    a->rank, w->rank);
	return true;
}

bool
infer_conv(struct infer *x)
{
	const struct tensor_type *a = infer_in(x, 0), *k = infer_in(x, 1);
	struct tensor_type out = *a;
	struct window w;

	if (!get_window(x, a->rank, &w) || !check_weight(x) ||
	    !check_channels(x, a->dim[1], k->dim[0], k->dim[1]) ||
	    !slide(x, &w, a, k->dim + 2, &out))
		return false;
	out.dim[1] = k->dim[0];
	return infer_result(x, &out, infer_widest(x)) &&
	    epilogue(x, out.dim[1]);
}

bool
infer_conv_transpose(struct infer *x)
{
	const struct tensor_type *a = infer_in(x, 0), *k = infer_in(x, 1);
	int64_t groups = infer_int(x, ATTR_groups), extra[MAX_SPATIAL];
	struct tensor_type out = *a;
	struct window w;

	if (!get_window(x, a->rank, &w) || !check_weight(x) ||
	    !infer_list(x, ATTR_output_pads, w.n, 0, extra))
		return false;
	if (k->dim[0] != a->dim[1])
		return infer_fail(x, "the weight has %lld input channels, "
		    "operand 0 has %lld", (long long)k->dim[0],
		    (long long)a->dim[1]);
	/* below 2^62: both factors are below 2^31 */
	out.dim[1] = k->dim[1] * groups;
	if (!check_channels(x, a->dim[1], out.dim[1], k->dim[0] / groups))
		return false;
	for (int i = 0; i < w.n; i++) {
		int64_t full = (a->dim[i + 2] - 1) * w.stride[i] +
		    reach(&w, i, k->dim[i + 2]) + extra[i];

		if (extra[i] >= w.stride[i] && extra[i] >= w.dilation[i])
			return infer_fail(x, "output padding %lld is not "
			    "below stride or dilation of spatial axis %d",
			    (long long)extra[i], i);
		out.dim[i + 2] = full - w.begin[i] - w.end[i];
		if (k->dim[i + 2] < 1 || a->dim[i + 2] < 1 ||
		    out.dim[i + 2] < 1)
			return infer_fail(x, "spatial axis %d of the result "
			    "would have %lld elements", i,
			    (long long)out.dim[i + 2]);
	}
	return infer_result(x, &out, infer_widest(x)) &&
	    epilogue(x, out.dim[1]);
}

bool
infer_pool(struct infer *x)
{
	const struct tensor_type *a = infer_in(x, 0);
	struct tensor_type out = *a;
	int64_t kernel[MAX_SPATIAL];
	struct window w;

	if (a->dtype == DT_BOOL)
		return infer_fail(x, "operand 0 is bool");
	if (!get_window(x, a->rank, &w) ||
	    !infer_list(x, ATTR_kernel, w.n, INFER_REQUIRED, kernel) ||
	    !slide(x, &w, a, kernel, &out))
		return false;
	for (int i = 0; i < w.n; i++)
		if (w.begin[i] >= reach(&w, i, kernel[i]) ||
		    w.end[i] >= reach(&w, i, kernel[i]))
			return infer_fail(x, "a window would lie wholly in "
			    "the padding of spatial axis %d", i);
	return infer_result(x, &out, a->dtype);
}

bool
infer_slides(struct infer *x, const struct tensor_type *in,
    const int64_t *kernel, const struct tensor_type *out, bool some)
{
	struct tensor_type most = *in;
	struct window w;

	if (in->rank != out->rank)
		return infer_fail(x, "an image of rank %d meets one of rank "
		    "%d", in->rank, out->rank);
	if (!get_window(x, in->rank, &w) || !slide(x, &w, in, kernel, &most))
		return false;
	for (int i = 2; i < in->rank; i++)
		if (out->dim[i] > most.dim[i] || out->dim[i] < 1 ||
		    (out->dim[i] < most.dim[i] && !some))
			return infer_fail(x, "%lld positions of spatial axis "
			    "%d, the window has %lld",
			    (long long)out->dim[i], i - 2,
			    (long long)most.dim[i]);
	return true;
}
