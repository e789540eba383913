/* Conversions of the element type, and plain copies. */
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

static void
copy_all(struct ev *ev)
{
	const double *e = ev_errors(ev, 0);
	size_t n = (size_t)ev->len;

	if (n == 0)
		return;
	memcpy(ev->out->data, ev->in[0].data,
	    n * dtype_size(ev->in[0].type.dtype));
	if (e != NULL)
		memcpy(ev->out->bound, e, n * sizeof *e);
}

static void
float_to_float(struct ev *ev)
{
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);

	for (int64_t i = 0; i < ev->len; i++) {
		struct num y = {x[i], e != NULL ? e[i] : 0};

		ev_put_exact(ev, i, y);
	}
}

/* Truncates toward zero; sure only where the whole range of the operand
 * truncates alike. To bool: anything but zero, NaN included, is true. */
static void
float_to_int(struct ev *ev)
{
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	enum dtype t = ev->out->type.dtype;

	for (int64_t i = 0; i < ev->len; i++) {
		double err = e != NULL ? e[i] : 0;
		bool unsure =
		    err != 0 && trunc(x[i] - err) != trunc(x[i] + err);

		if (t == DT_BOOL)
			unsure = err != 0 && fabs(x[i]) <= err;
		dtype_set(ev->out->data, t, (size_t)i, x[i]);
		if (ev->bounds)
			ev->out->bound[i] = unsure || isinf(err) ? HUGE_VAL : 0;
	}
}

/* v >= 2^63 as a double. For narrower types what the 53 bits do not hold
 * stays visible in the last of them, so that rounding again comes out as
 * rounding once. */
static double
huge_double(uint64_t v, enum dtype to)
{
	uint64_t top = v >> 11;

	if (to == DT_F64)
		return (double)v;
	if ((v & 0x7ff) != 0)
		top |= 1;
	return (double)top * 0x1p11;
}

static void
int_to_float(struct ev *ev)
{
	enum dtype from = ev->in[0].type.dtype, to = ev->out->type.dtype;
	const double *e = ev_errors(ev, 0);

	for (int64_t i = 0; i < ev->len; i++) {
		uint64_t v = int_load(ev->in[0].data, from, i);

		if (from == DT_U64 && v >> 63 != 0) {
			dtype_set(
			    ev->out->data, to, (size_t)i, huge_double(v, to));
		} else {
			dtype_set_i64(ev->out->data, to, (size_t)i, (int64_t)v);
		}
		if (ev->bounds)
			ev->out->bound[i] = e != NULL ? e[i] : 0;
	}
}

static void
int_to_int(struct ev *ev)
{
	enum dtype from = ev->in[0].type.dtype;
	const double *e = ev_errors(ev, 0);

	for (int64_t i = 0; i < ev->len; i++)
		ev_put_int(ev, i, int_load(ev->in[0].data, from, i),
		    e != NULL && e[i] != 0);
}

/* Floats to floats round once; floats to integers truncate and saturate, NaN
 * gives 0; integers to integers keep the low bits. */
static void
convert(struct ev *ev)
{
	enum dtype from = ev->in[0].type.dtype, to = ev->out->type.dtype;

	if (from == to && (to == ev->dtype || !dtype_is_float(to)))
		copy_all(ev);
	else if (dtype_is_float(from) && dtype_is_float(to))
		float_to_float(ev);
	else if (dtype_is_float(from))
		float_to_int(ev);
	else if (dtype_is_float(to))
		int_to_float(ev);
	else
		int_to_int(ev);
}

bool
eval_identity(struct ev *ev)
{
	convert(ev);
	return true;
}

bool
eval_cast(struct ev *ev)
{
	convert(ev);
	return true;
}

/* reshape: the same elements in the same order. */
bool
eval_copy(struct ev *ev)
{
	if (type_elems(&ev->in[0].type) != ev->len)
		return ev_fail(ev, "element counts differ");
	convert(ev);
	return true;
}
