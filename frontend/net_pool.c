/* Pools and reductions. */
#include "frontend/net_window.h"

static int
pool_attrs(const struct window *w, struct attr *a)
{
	size_t n = (size_t)w->n;

	a[0] = attr_make_ints(ATTR_kernel, w->kernel, n);
	a[1] = attr_make_ints(ATTR_strides, w->stride, n);
	a[2] = attr_make_ints(ATTR_dilations, w->dilation, n);
	a[3] = attr_make_ints(ATTR_pads_begin, w->before, n);
	a[4] = attr_make_ints(ATTR_pads_end, w->after, n);
	return 5;
}

/* Padding below the window's extent keeps each window on the data. */
static bool
padding_fits(struct call *c, const struct window *w)
{
	for (int i = 0; i < w->n; i++) {
		int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;

		if (w->before[i] < reach && w->after[i] < reach)
			continue;
		call_error(c, "padding %lld is not smaller than the window "
		    "%lld", (long long)(w->before[i] >= reach ?
		    w->before[i] : w->after[i]), (long long)reach);
		return false;
	}
	return true;
}

/* One more window where the last one hangs over but starts on the data or
 * the padding before it, as PyTorch's ceil_mode. */
static void
round_up(const struct value *x, struct window *w)
{
	for (int i = 0; i < w->n; i++) {
		int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
		int64_t in = x->type.dim[i + 2], s = w->stride[i];
		int64_t room = in + w->before[i] + w->after[i] - reach;
		int64_t count = room < 0 ? 0 : (room + s - 1) / s + 1;

		if (count > 1 && (count - 1) * s >= in + w->before[i])
			count--;
		if (count > 0 && (count - 1) * s > room)
			w->after[i] += (count - 1) * s - room;
	}
}

struct val
builtin_max_pool(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct window w;
	struct attr a[5];

	if (!net_window_read(c, &w, true) || !padding_fits(c, &w))
		return val_error();
	if (call_bool(c, "ceil"))
		round_up(x, &w);
	return layer_result(layer_node(c, OP_max_pool, &x, 1, a,
	    pool_attrs(&w, a)));
}

struct val
builtin_avg_pool(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct window w;
	struct attr a[6];

	if (!net_window_read(c, &w, false) || !padding_fits(c, &w))
		return val_error();
	int n = pool_attrs(&w, a);
	a[n++] = attr_make_int(ATTR_count_include_pad,
	    call_bool(c, "include_pad"));
	return layer_result(layer_node(c, OP_avg_pool, &x, 1, a, n));
}

static struct val
reduced(struct call *c, struct value *x, const int64_t *axes, size_t n)
{
	struct attr a[] = {attr_make_ints(ATTR_axes, axes, n),
	    attr_make_int(ATTR_keepdims, call_bool(c, "keepdims"))};

	return layer_result(layer_node(c, c->builtin->op, &x, 1, a, 2));
}

struct val
builtin_global_pool(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	int64_t axes[] = {2, 3, 4};
	int n = spatial_axes(c, x);

	return n > 0 ? reduced(c, x, axes, (size_t)n) : val_error();
}

/* The axes come in any order; the attribute wants them sorted. */
struct val
builtin_reduce(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct val l = call_arg(c, "axes");
	int n = l.kind == VAL_LIST ? (int)l.l->n : 1, rank = x->type.rank;
	int64_t given[MAX_RANK], axes[MAX_RANK];
	size_t count = 0;

	if (n < 1 || n > rank)
		return call_error(c, "'axes' names %d of %d axes", n, rank);
	if (!call_ints(c, "axes", n, -rank, rank - 1, given))
		return val_error();
	for (int axis = 0; axis < rank; axis++) {
		int seen = 0;

		for (int i = 0; i < n; i++)
			seen += (given[i] < 0 ? given[i] + rank : given[i])
			    == axis;
		if (seen > 1)
			return call_error(c, "axis %d is named twice", axis);
		if (seen == 1)
			axes[count++] = axis;
	}
	return reduced(c, x, axes, count);
}
