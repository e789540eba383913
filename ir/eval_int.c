/* Integers of any dtype held in 64 bits: exact, wrapping at the dtype's
 * width, division by zero gives 0. */
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

bool
dtype_is_signed(enum dtype t)
{
	return t == DT_I8 || t == DT_I16 || t == DT_I32 || t == DT_I64;
}

uint64_t
int_load(const void *data, enum dtype t, int64_t i)
{
	uint64_t v;

	if (t != DT_U64)
		return (uint64_t)dtype_get_i64(data, t, (size_t)i);
	memcpy(&v, (const char *)data + i * 8, sizeof v);
	return v;
}

/* v cut to the width of t, then extended again by its sign. */
static uint64_t
wrap(enum dtype t, uint64_t v)
{
	unsigned bits = (unsigned)(8 * dtype_size(t));
	uint64_t sign;

	if (t == DT_BOOL)
		return v != 0;
	if (bits == 64 || bits == 0)
		return v;
	v &= ((uint64_t)1 << bits) - 1;
	if (!dtype_is_signed(t))
		return v;
	sign = (uint64_t)1 << (bits - 1);
	return (v ^ sign) - sign;
}

void
int_store(void *data, enum dtype t, int64_t i, uint64_t v)
{
	if (t == DT_U64)
		memcpy((char *)data + i * 8, &v, sizeof v);
	else
		dtype_set_i64(data, t, (size_t)i, (int64_t)wrap(t, v));
}

uint64_t
int_lowest(enum dtype t)
{
	if (!dtype_is_signed(t))
		return 0;
	return 0 - ((uint64_t)1 << (8 * dtype_size(t) - 1));
}

uint64_t
int_highest(enum dtype t)
{
	if (t == DT_BOOL)
		return 1;
	if (t == DT_U64)
		return UINT64_MAX;
	return ((uint64_t)1 << (8 * dtype_size(t) - dtype_is_signed(t))) - 1;
}

bool
int_less(enum dtype t, uint64_t a, uint64_t b)
{
	return t == DT_U64 ? a < b : (int64_t)a < (int64_t)b;
}

bool
int_negative(enum dtype t, uint64_t v)
{
	return t != DT_U64 && (int64_t)v < 0;
}

/* v towards zero, cut to the range of t; NaN gives 0. */
static uint64_t
from_double(enum dtype t, double v)
{
	uint64_t r;

	if (t == DT_U64) {
		dtype_set(&r, t, 0, v);
		return r;
	}
	dtype_set(&r, DT_I64, 0, v);
	if (int_less(t, r, int_lowest(t)))
		return int_lowest(t);
	return int_less(t, int_highest(t), r) ? int_highest(t) : r;
}

uint64_t
int_map1(const struct map1 *f, enum dtype t, uint64_t x)
{
	uint64_t lo, hi;

	switch (f->op) {
	case OP_neg: return 0 - x;
	case OP_abs: return int_negative(t, x) ? 0 - x : x;
	case OP_sign: return x == 0 ? 0 : int_negative(t, x) ? UINT64_MAX : 1;
	case OP_relu: return int_negative(t, x) ? 0 : x;
	case OP_not: return x == 0;
	case OP_clip:
		lo = from_double(t, ceil(f->a));
		hi = from_double(t, floor(f->b));
		x = int_less(t, x, lo) ? lo : x;
		return int_less(t, hi, x) ? hi : x;
	default: return x;
	}
}

static uint64_t
divide(enum dtype t, uint64_t a, uint64_t b)
{
	uint64_t q;

	if (b == 0)
		return 0;
	if (!dtype_is_signed(t))
		return a / b;
	q = (int_negative(t, a) ? 0 - a : a) / (int_negative(t, b) ? 0 - b : b);
	return int_negative(t, a) != int_negative(t, b) ? 0 - q : q;
}

static uint64_t
modulo(enum dtype t, uint64_t a, uint64_t b)
{
	uint64_t r;

	if (b == 0)
		return 0;
	r = a - divide(t, a, b) * b;
	if (r != 0 && int_negative(t, r) != int_negative(t, b))
		r += b;
	return r;
}

uint64_t
int_power(uint64_t a, uint64_t b, bool inverse)
{
	uint64_t r = 1;

	if (inverse) { /* 1 / a^b, towards zero */
		if (a == 1 || (a == UINT64_MAX && (b & 1) == 0))
			return 1;
		return a == UINT64_MAX ? a : 0;
	}
	for (; b != 0; b >>= 1) {
		if ((b & 1) != 0)
			r *= a;
		a *= a;
	}
	return r;
}

uint64_t
int_map2(enum op op, enum dtype t, uint64_t a, uint64_t b)
{
	switch (op) {
	case OP_add: return a + b;
	case OP_sub: return a - b;
	case OP_mul: return a * b;
	case OP_div: return divide(t, a, b);
	case OP_mod: return modulo(t, a, b);
	case OP_min: return int_less(t, b, a) ? b : a;
	case OP_max: return int_less(t, a, b) ? b : a;
	case OP_equal: return a == b;
	case OP_less: return int_less(t, a, b);
	case OP_less_equal: return !int_less(t, b, a);
	case OP_and: return a != 0 && b != 0;
	case OP_or: return a != 0 || b != 0;
	case OP_xor: return (a != 0) != (b != 0);
	default: return 0;
	}
}
