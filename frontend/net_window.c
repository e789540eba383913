#include "frontend/net_window.h"

#include <string.h>

int
spatial_axes(struct call *c, const struct value *x)
{
	char buf[TYPE_STR_MAX];
	int n = x->type.rank - 2;

	if (n >= 1 && n <= MAX_SPATIAL)
		return n;
	call_error(c, "x must be [N, C, ...] with 1 to 3 spatial axes, not "
	    "%s", type_str(&x->type, buf, sizeof buf));
	return 0;
}

/* "same": as many positions as strides fit, the odd one behind (ONNX
 * SAME_UPPER). */
static void
same_padding(const struct value *x, struct window *w)
{
	for (int i = 0; i < w->n; i++) {
		int64_t in = x->type.dim[i + 2], s = w->stride[i];
		int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
		int64_t all = ((in + s - 1) / s - 1) * s + reach - in;

		all = all > 0 ? all : 0;
		w->before[i] = all / 2;
		w->after[i] = all - all / 2;
	}
}

/* One integer, one for each axis, or those before and then those after. */
static bool
read_pad(struct call *c, const struct value *x, struct window *w)
{
	struct val v = call_arg(c, "pad");
	int64_t both[2 * MAX_SPATIAL];
	int n = w->n;

	if (v.kind == VAL_STRING && strcmp(v.s, "same") == 0) {
		same_padding(x, w);
		return true;
	}
	bool twice = v.kind == VAL_LIST && v.l->n == 2 * (size_t)n;
	for (size_t i = 0; v.kind == VAL_LIST && i < v.l->n; i++)
		if (v.l->v[i].kind != VAL_INT)
			v.kind = VAL_NONE;
	if (v.kind != VAL_INT && v.kind != VAL_LIST) {
		call_error(c, "'pad' must be \"same\", an integer or a list "
		    "of integers");
		return false;
	}
	if (!call_ints(c, "pad", twice ? 2 * n : n, 0, MAX_DIM, both))
		return false;
	for (int i = 0; i < n; i++) {
		w->before[i] = both[i];
		w->after[i] = both[twice ? n + i : i];
	}
	return true;
}

bool
net_window_read(struct call *c, struct window *w, bool dilation)
{
	const struct value *x = call_tensor(c, "x");

	w->n = spatial_axes(c, x);
	if (w->n == 0 ||
	    !call_ints(c, "kernel", w->n, 1, MAX_DIM, w->kernel))
		return false;
	for (int i = 0; i < w->n; i++) {
		w->dilation[i] = 1;
		w->stride[i] = w->kernel[i];
	}
	if (call_arg(c, "stride").kind != VAL_NONE &&
	    !call_ints(c, "stride", w->n, 1, MAX_DIM, w->stride))
		return false;
	if (dilation && !call_ints(c, "dilation", w->n, 1, MAX_DIM,
	    w->dilation))
		return false;
	return read_pad(c, x, w);
}
