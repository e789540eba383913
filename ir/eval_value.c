/* Reading operands and storing results of the reference evaluator. */
#include "ir/eval_kernel.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of a float format: bits behind the leading one, exponent of the smallest
 * subnormal, exponent of the largest number. */
static const struct {
	int bits, least, most;
} format[DT_COUNT] = {
    [DT_F32] = {23, -149,  127 },
    [DT_F16] = {10, -24,   15  },
    [DT_BF16] = {7,  -133,  127 },
    [DT_F64] = {52, -1074, 1023},
};

static double
ulp(enum dtype t, double v)
{
	int e;

	frexp(v, &e);
	e = e - 1 - format[t].bits;
	return ldexp(1, e > format[t].least ? e : format[t].least);
}

/* Magnitudes from here on round to infinity. */
static double
overflow(enum dtype t)
{
	if (t == DT_F64)
		return HUGE_VAL;
	return ldexp(2 - ldexp(1, -format[t].bits - 1), format[t].most);
}

void
load_doubles(
    const void *data, enum dtype t, int64_t off, int64_t n, double *dst)
{
	const char *p = (const char *)data + (size_t)off * dtype_size(t);
	float f;

	if (n == 0)
		return;
	if (t == DT_F64) {
		memcpy(dst, p, (size_t)n * sizeof *dst);
	} else if (t == DT_F32) {
		for (int64_t i = 0; i < n; i++) {
			memcpy(&f, p + 4 * i, sizeof f);
			dst[i] = (double)f;
		}
	} else {
		for (int64_t i = 0; i < n; i++)
			dst[i] = dtype_get(p, t, (size_t)i);
	}
}

double *
new_doubles(struct ev *ev, int64_t n)
{
	return NEW_ARRAY(ev->tmp, double, (size_t)(n > 0 ? n : 1));
}

const double *
ev_doubles(struct ev *ev, int i)
{
	const struct eval_tensor *t = &ev->in[i];
	int64_t n = type_elems(&t->type);
	double *v = new_doubles(ev, n);

	load_doubles(t->data, t->type.dtype, 0, n, v);
	return v;
}

int64_t *
ev_ints(struct ev *ev, int i)
{
	const struct eval_tensor *t = &ev->in[i];
	int64_t n = type_elems(&t->type);
	int64_t *v = NEW_ARRAY(ev->tmp, int64_t, (size_t)(n > 0 ? n : 1));

	for (int64_t k = 0; k < n; k++)
		v[k] = (int64_t)int_load(t->data, t->type.dtype, k);
	return v;
}

const double *
ev_errors(const struct ev *ev, int i)
{
	return ev->bounds ? ev->in[i].bound : NULL;
}

bool
ev_has(const struct ev *ev, int i)
{
	return i < ev->n->nin && ev->n->in[i] != NULL;
}

double
ev_limit(const struct ev *ev)
{
	return overflow(ev->u < 0x1p-30 ? DT_F64 : DT_F32);
}

double
ev_slack(const struct ev *ev, double k, double v)
{
	if (!isfinite(v))
		return 0;
	return k * (ev->u * fabs(v) + (ev->u < 0x1p-30 ? 0x1p-1074 : 0x1p-149));
}

/* The bound after storing y, rounded to the device's dtype by both sides. */
static double
stored_bound(const struct ev *ev, struct num y, bool exact)
{
	double e = y.e, mag, limit;

	if (isnan(e) || e < 0)
		return HUGE_VAL;
	if (!isfinite(y.v))
		return e == 0 ? 0 : HUGE_VAL;
	if (exact && e == 0 && ev->out->type.dtype == ev->dtype)
		return 0;
	if (!exact && ev->u < dtype_eps(ev->dtype) / 2)
		e += ev->u * (fabs(y.v) + e); /* rounded twice */
	mag = fabs(y.v) + e;
	limit = overflow(ev->dtype);
	if (mag >= limit) {
		/* both infinite, unless this side does not round */
		bool sure = fabs(y.v) - e >= limit;
		return sure && ev->out->type.dtype == ev->dtype ? 0 : HUGE_VAL;
	}
	e *= 1 + 0x1p-40; /* what double loses in the analysis itself */
	return exact && ev->fits ? e : e + ulp(ev->dtype, mag);
}

struct num
ev_rounded(const struct ev *ev, struct num y)
{
	double mag = fabs(y.v) + y.e;

	if (ev->bounds && isfinite(y.v))
		y.e = mag < overflow(ev->dtype) ?
		    y.e + ulp(ev->dtype, mag) : HUGE_VAL;
	return y;
}

static void
put(struct ev *ev, int64_t i, struct num y, bool exact)
{
	enum dtype t = ev->out->type.dtype;

	dtype_set(ev->out->data, t, (size_t)i, y.v);
	if (!ev->bounds)
		return;
	if (dtype_is_float(t))
		ev->out->bound[i] = stored_bound(ev, y, exact);
	else
		ev->out->bound[i] = y.e == 0 ? 0 : HUGE_VAL;
}

void
ev_put(struct ev *ev, int64_t i, struct num y)
{
	put(ev, i, y, false);
}

struct ev
ev_result(const struct ev *ev, int i)
{
	struct ev r = *ev;

	r.out = &ev->out[i];
	r.len = type_elems(&r.out->type);
	r.dtype = ev->n->out[i]->type.dtype;
	return r;
}

void
ev_put_exact(struct ev *ev, int64_t i, struct num y)
{
	put(ev, i, y, true);
}

void
ev_put_int(struct ev *ev, int64_t i, uint64_t v, bool unsure)
{
	int_store(ev->out->data, ev->out->type.dtype, i, v);
	if (ev->bounds)
		ev->out->bound[i] = unsure ? HUGE_VAL : 0;
}

int64_t
ev_list(const struct ev *ev, enum attr_id id, int k, int64_t dflt)
{
	size_t n;
	const int64_t *v = node_ints(ev->n, id, &n);

	return (size_t)k < n ? v[k] : dflt;
}

bool
ev_fail(struct ev *ev, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	diag_error(ev->d, &ev->n->loc, "cannot evaluate '%s': %s",
	    op_info(ev->n->op)->name, text);
	return false;
}

int64_t
strides_of(const struct tensor_type *t, int64_t stride[MAX_RANK])
{
	int64_t n = 1;

	for (int d = t->rank; d-- > 0;) {
		stride[d] = n;
		n *= t->dim[d];
	}
	return n;
}

int64_t
span_elems(const struct tensor_type *t, int from, int to)
{
	int64_t n = 1;

	for (int d = from; d < to; d++)
		n *= t->dim[d];
	return n;
}
