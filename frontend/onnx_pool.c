#include "frontend/onnx_window.h"

/* With ceil_mode the last window may run over the padded end. over[] gets
 * how far; windows that would start behind the data and its leading padding
 * do not exist. */
static void
ceil_overhang(const struct window *w, int64_t *over)
{
	for (int i = 0; i < w->n; i++) {
		int64_t s = w->stride[i];
		int64_t room = w->in[i] + w->begin[i] + w->end[i] -
		    window_span(w, i);
		over[i] = 0;
		if (room < 0 || room % s == 0)
			continue;
		int64_t start = (room / s + 1) * s;
		if (start < w->in[i] + w->begin[i])
			over[i] = start - room;
	}
}

static bool
pool_args(struct opx *c, struct window *w, int64_t *over)
{
	bool ceil_mode = false;

	if (!window_read(c, c->in[0], NULL, w))
		return false;
	if (c->opset >= 10)
		ceil_mode = attr_i(c, "ceil_mode", 0) != 0;
	window_auto_pad(w);
	for (int i = 0; i < w->n; i++)
		over[i] = 0;
	if (ceil_mode && w->auto_pad == PAD_NOTSET)
		ceil_overhang(w, over);
	return true;
}

static int
pool_attrs(struct opx *c, const struct window *w, struct attr *a)
{
	a[0] = window_attr(c, ATTR_kernel, w->kernel, w->n);
	a[1] = window_attr(c, ATTR_strides, w->stride, w->n);
	a[2] = window_attr(c, ATTR_dilations, w->dilation, w->n);
	a[3] = window_attr(c, ATTR_pads_begin, w->begin, w->n);
	a[4] = window_attr(c, ATTR_pads_end, w->end, w->n);
	return 5;
}

bool
onnx_op_max_pool(struct opx *c)
{
	struct window w;
	struct attr a[5];
	int64_t over[ONNX_SPATIAL];

	if (op_wants(c, 1))
		return op_error(c, "its second result (indices) is used, "
		    "which is not supported");
	attr_ignore(c, "storage_order"); /* of the indices */
	if (!pool_args(c, &w, over))
		return false;
	for (int i = 0; i < w.n; i++)
		w.end[i] += over[i];
	int n = pool_attrs(c, &w, a);
	return op_result(c, 0, OP_max_pool, c->in, 1, a, n);
}

/* Padding that counts as data becomes data. */
static struct value *
explicit_pad(struct opx *c, struct window *w)
{
	int64_t begin[ONNX_SPATIAL + 2] = {0}, end[ONNX_SPATIAL + 2] = {0};

	for (int i = 0; i < w->n; i++) {
		begin[i + 2] = w->begin[i];
		end[i + 2] = w->end[i];
		w->begin[i] = w->end[i] = 0;
	}
	struct attr a[] = {
		window_attr(c, ATTR_pads_begin, begin, w->n + 2),
		window_attr(c, ATTR_pads_end, end, w->n + 2),
	};
	return op_emit(c, OP_pad, c->in, 1, a, 2);
}

bool
onnx_op_average_pool(struct opx *c)
{
	struct window w;
	struct attr a[6];
	int64_t over[ONNX_SPATIAL];
	struct value *x = c->in[0];
	bool hangs = false;

	if (!pool_args(c, &w, over))
		return false;
	bool count = c->opset >= 7 && attr_i(c, "count_include_pad", 0) != 0;
	for (int i = 0; i < w.n; i++)
		hangs = hangs || over[i] > 0;
	/* The overhang of ceil_mode never counts, the padding may. */
	if (count && hangs) {
		x = explicit_pad(c, &w);
		count = false;
	}
	if (x == NULL)
		return false;
	for (int i = 0; i < w.n; i++)
		w.end[i] += over[i];
	int n = pool_attrs(c, &w, a);
	a[n++] = attr_make_int(ATTR_count_include_pad, count);
	return op_result(c, 0, OP_avg_pool, &x, 1, a, n);
}

bool
onnx_op_global_pool(struct opx *c)
{
	int64_t axes[MAX_RANK];
	int rank = c->in[0]->type.rank;

	if (rank < 3)
		return op_error(c, "input 0 has rank %d: at least one "
		    "spatial axis is needed", rank);
	for (int i = 2; i < rank; i++)
		axes[i - 2] = i;
	struct attr a[] = {
		window_attr(c, ATTR_axes, axes, rank - 2),
		attr_make_int(ATTR_keepdims, 1),
	};
	return op_result(c, 0, c->row->op, c->in, 1, a, 2);
}
