/* Contractions, pools and normalisations as ONNX. */
#include "frontend/onnx_out.h"

#include <string.h>

/* An attribute with an entry for each of n axes. */
static void
list(struct out *o, const char *name, enum attr_id id, int n, int64_t dflt)
{
	int64_t v[MAX_RANK];
	size_t len;
	const int64_t *given = node_ints(o->n, id, &len);

	for (int i = 0; i < n; i++)
		v[i] = (size_t)i < len ? given[i] : dflt;
	out_ints(o, name, v, (size_t)n);
}

static void
pads(struct out *o, int n)
{
	int64_t v[2 * MAX_RANK];
	size_t nb, ne;
	const int64_t *b = node_ints(o->n, ATTR_pads_begin, &nb);
	const int64_t *e = node_ints(o->n, ATTR_pads_end, &ne);

	for (int i = 0; i < n; i++) {
		v[i] = (size_t)i < nb ? b[i] : 0;
		v[n + i] = (size_t)i < ne ? e[i] : 0;
	}
	out_ints(o, "pads", v, 2 * (size_t)n);
}

static void
geometry(struct out *o, int n)
{
	list(o, "strides", ATTR_strides, n, 1);
	list(o, "dilations", ATTR_dilations, n, 1);
	pads(o, n);
}

/* Bias, residual and activation behind a contraction; bias only where it is
 * not an operand of it already. */
static const char *
epilogue(struct out *o, const char *y, bool bias)
{
	if (bias && out_raw(o, 2)[0] != '\0')
		y = out_2(o, "Add", y, out_in(o, 2));
	if (out_raw(o, 3)[0] != '\0')
		y = out_2(o, "Add", y, out_in(o, 3));
	return out_act(o, y);
}

static const char *
conv(struct out *o)
{
	bool back = o->n->op == OP_conv_transpose;
	const char *in[3] = {out_in(o, 0), out_in(o, 1), out_in(o, 2)};
	int spatial = o->n->in[0]->type.rank - 2;
	const char *y = out_node(o, back ? "ConvTranspose" : "Conv", in,
	    in[2][0] != '\0' ? 3 : 2);

	out_ints(o, "kernel_shape", o->n->in[1]->type.dim + 2,
	    (size_t)spatial);
	geometry(o, spatial);
	out_int(o, "group", node_int(o->n, ATTR_groups));
	if (back)
		list(o, "output_padding", ATTR_output_pads, spatial, 0);
	return epilogue(o, y, false);
}

/* The last two dimensions of operand i exchanged where the flag says so. */
static const char *
turned(struct out *o, int i, enum attr_id flag)
{
	int64_t perm[MAX_RANK];
	int rank = o->n->in[i]->type.rank;
	const char *x = out_in(o, i);

	if (node_int(o->n, flag) == 0 || rank < 2)
		return x;
	for (int k = 0; k < rank; k++)
		perm[k] = k < rank - 2 ? k : 2 * rank - 3 - k;
	x = out_1(o, "Transpose", x);
	out_ints(o, "perm", perm, (size_t)rank);
	return x;
}

static const char *
gemm(struct out *o, bool scaled)
{
	const char *in[3] = {out_in(o, 0), out_in(o, 1), out_in(o, 2)};
	const char *y = out_node(o, "Gemm", in, in[2][0] != '\0' ? 3 : 2);

	out_int(o, "transA", node_int(o->n, ATTR_trans_a));
	out_int(o, "transB", node_int(o->n, ATTR_trans_b));
	if (!scaled)
		return y;
	out_float(o, "alpha", node_float(o->n, ATTR_alpha));
	out_float(o, "beta", node_float(o->n, ATTR_beta));
	return y;
}

const char *
out_contraction(struct out *o)
{
	const struct node *n = o->n;
	const char *a;

	if (n->op == OP_conv || n->op == OP_conv_transpose)
		return conv(o);
	if (n->op == OP_gemm)
		return gemm(o, true);
	if (n->op != OP_matmul)
		return out_refuse(o, "it has no word for this op");
	if (n->in[0]->type.rank == 2 && n->in[1]->type.rank == 2)
		return epilogue(o, gemm(o, false), false);
	a = turned(o, 0, ATTR_trans_a);
	return epilogue(o, out_2(o, "MatMul", a, turned(o, 1, ATTR_trans_b)),
	    true);
}

/* ---- windows ---- */

static bool
is_dilated(const struct node *n)
{
	size_t len;
	const int64_t *v = node_ints(n, ATTR_dilations, &len);

	for (size_t i = 0; i < len; i++)
		if (v[i] != 1)
			return true;
	return false;
}

static const char *
pool(struct out *o, const char *op, bool dilations)
{
	int spatial = o->n->in[0]->type.rank - 2;
	const char *y = out_1(o, op, out_in(o, 0));

	list(o, "kernel_shape", ATTR_kernel, spatial, 1);
	list(o, "strides", ATTR_strides, spatial, 1);
	if (dilations)
		list(o, "dilations", ATTR_dilations, spatial, 1);
	pads(o, spatial);
	return y;
}

/* A sum over the windows of x, which has that many channels, is a depth-wise
 * convolution with ones. */
static const char *
window_sums(struct out *o, const char *x, int64_t channels)
{
	int spatial = o->n->in[0]->type.rank - 2;
	int64_t dim[MAX_RANK] = {channels, 1}, taps = 1;
	size_t len;
	const int64_t *k = node_ints(o->n, ATTR_kernel, &len);
	const char *w, *y;

	for (int i = 0; i < spatial; i++)
		taps *= dim[2 + i] = k[i];
	w = out_filled(o, 1, channels * taps);
	w = out_reshape(o, w, dim, spatial + 2);
	y = out_2(o, "Conv", x, w);
	out_ints(o, "kernel_shape", dim + 2, (size_t)spatial);
	geometry(o, spatial);
	out_int(o, "group", channels);
	return y;
}

static const char *
sum_pool(struct out *o)
{
	return window_sums(o, out_in(o, 0), o->n->in[0]->type.dim[1]);
}

/* How many taps of each window lie in the picture. */
static const char *
window_counts(struct out *o)
{
	const struct tensor_type *t = &o->n->in[0]->type;
	int64_t dim[MAX_RANK] = {1, 1}, pixels = 1;

	for (int i = 2; i < t->rank; i++)
		pixels *= dim[i] = t->dim[i];
	return window_sums(o, out_reshape(o, out_filled(o, 1, pixels), dim,
	    t->rank), 1);
}

/* Opset 17 has no dilation here. */
static const char *
avg_pool(struct out *o)
{
	const char *y;
	size_t len;
	const int64_t *k = node_ints(o->n, ATTR_kernel, &len);
	double taps = 1;

	if (!is_dilated(o->n)) {
		y = pool(o, "AveragePool", false);
		out_int(o, "count_include_pad",
		    node_int(o->n, ATTR_count_include_pad));
		return y;
	}
	if (node_int(o->n, ATTR_count_include_pad) == 0) {
		y = window_counts(o);
		return out_2(o, "Div", sum_pool(o), y);
	}
	for (size_t i = 0; i < len; i++)
		taps *= (double)k[i];
	return out_2(o, "Div", sum_pool(o), out_scalar(o, taps));
}

/* Over channels: a pool along one axis of [N, 1, C, pixels]. */
static const char *
channel_sum(struct out *o)
{
	const struct tensor_type *t = &o->n->in[0]->type;
	int64_t size = node_int(o->n, ATTR_size), before = (size - 1) / 2;
	int64_t dim[4] = {t->dim[0], 1, t->dim[1], 1}, w[4] = {1, 1, size, 1};
	int64_t pad[4] = {before, 0, size - 1 - before, 0}, kernel[2];
	const char *x, *k;

	for (int i = 2; i < t->rank; i++)
		dim[3] *= t->dim[i];
	kernel[0] = size;
	kernel[1] = 1;
	k = out_reshape(o, out_filled(o, 1, size), w, 4);
	x = out_reshape(o, out_in(o, 0), dim, 4);
	x = out_2(o, "Conv", x, k);
	out_ints(o, "kernel_shape", kernel, 2);
	out_ints(o, "pads", pad, 4);
	return out_reshape(o, x, t->dim, t->rank);
}

const char *
out_window(struct out *o)
{
	const char *y;

	switch (o->n->op) {
	case OP_max_pool: return pool(o, "MaxPool", true);
	case OP_avg_pool: return avg_pool(o);
	case OP_sum_pool: return sum_pool(o);
	case OP_channel_sum: return channel_sum(o);
	case OP_lrn:
		y = out_1(o, "LRN", out_in(o, 0));
		out_int(o, "size", node_int(o->n, ATTR_size));
		out_float(o, "alpha", node_float(o->n, ATTR_alpha));
		out_float(o, "beta", node_float(o->n, ATTR_beta));
		out_float(o, "bias", node_float(o->n, ATTR_bias));
		return y;
	default: return out_refuse(o, "it has no word for this op");
	}
}

/* ---- normalisations ---- */

static const char *
normalise(struct out *o, const char *x, int64_t channels)
{
	const char *in[3] = {x, out_filled(o, 1, channels),
	    out_filled(o, 0, channels)};

	x = out_node(o, "InstanceNormalization", in, 3);
	out_float(o, "epsilon", node_float(o->n, ATTR_epsilon));
	return x;
}

/* Operand i, one for each channel, with 1s behind. */
static const char *
per_channel(struct out *o, int i)
{
	const struct tensor_type *t = &o->n->in[0]->type;
	int64_t dim[MAX_RANK] = {t->dim[1]};

	for (int k = 1; k < t->rank - 1; k++)
		dim[k] = 1;
	return out_reshape(o, out_in(o, i), dim, t->rank - 1);
}

/* Each range of channels as one channel of an instance norm. */
static const char *
ragged(struct out *o, const int64_t *lo, const int64_t *hi, size_t n)
{
	const struct tensor_type *t = &o->n->in[0]->type;
	const char **part = NEW_ARRAY(o->arena, const char *, n + 1), *y;
	int64_t axis = 1, dim[3] = {t->dim[0], 1, -1}, back[MAX_RANK];

	for (size_t g = 0; g < n; g++) {
		const char *in[4] = {out_in(o, 0), out_const_ints(o, &lo[g],
		    1), out_const_ints(o, &hi[g], 1),
		    out_const_ints(o, &axis, 1)};

		memcpy(back, t->dim, sizeof back);
		back[1] = hi[g] - lo[g];
		y = out_reshape(o, out_node(o, "Slice", in, 4), dim, 3);
		part[g] = out_reshape(o, normalise(o, y, 1), back, t->rank);
	}
	y = out_node(o, "Concat", part, (int)n);
	out_int(o, "axis", 1);
	return y;
}

static const char *
group_norm(struct out *o)
{
	const struct tensor_type *t = &o->n->in[0]->type;
	size_t n;
	const int64_t *lo = node_ints(o->n, ATTR_channel_starts, &n);
	const int64_t *hi = node_ints(o->n, ATTR_channel_ends, &n);
	int64_t dim[3] = {t->dim[0], (int64_t)n, -1};
	bool even = true;
	const char *y;

	if (type_elems(t) == 0)
		return out_1(o, "Identity", out_in(o, 0));
	for (size_t g = 0; g < n; g++)
		even = even && hi[g] - lo[g] == hi[0] - lo[0];
	if (even) {
		y = out_reshape(o, out_in(o, 0), dim, 3);
		y = normalise(o, y, (int64_t)n);
		y = out_reshape(o, y, t->dim, t->rank);
	} else {
		y = ragged(o, lo, hi, n);
	}
	y = out_2(o, "Mul", y, per_channel(o, 1));
	return out_2(o, "Add", y, per_channel(o, 2));
}

const char *
out_norm(struct out *o)
{
	static const char *const ops[OP_COUNT] = {
	    [OP_batch_norm] = "BatchNormalization",
	    [OP_instance_norm] = "InstanceNormalization",
	    [OP_layer_norm] = "LayerNormalization",
	    [OP_softmax] = "Softmax", [OP_log_softmax] = "LogSoftmax"};
	const struct node *n = o->n;
	const char *in[5], *y;

	if (n->op == OP_group_norm)
		return group_norm(o);
	for (int i = 0; i < n->nin; i++)
		in[i] = out_in(o, i);
	y = out_node(o, ops[n->op], in, n->nin);
	if (n->op == OP_softmax || n->op == OP_log_softmax ||
	    n->op == OP_layer_norm)
		out_int(o, "axis", node_int(n, ATTR_axis));
	if (n->op != OP_softmax && n->op != OP_log_softmax)
		out_float(o, "epsilon", node_float(n, ATTR_epsilon));
	if (n->op == OP_batch_norm)
		out_float(o, "momentum", node_float(n, ATTR_momentum));
	return y;
}
