/* Single elements of typed arrays; the data need not be aligned. */
#include "support/dtype.h"

#include <math.h>
#include <string.h>

/* bounds of the integer types */
static const struct {
	int64_t lo;
	uint64_t hi;
} range[DT_COUNT] = {
	[DT_I8]  = {INT8_MIN,  INT8_MAX  },
	[DT_U8]  = {0,         UINT8_MAX },
	[DT_I16] = {INT16_MIN, INT16_MAX },
	[DT_U16] = {0,         UINT16_MAX},
	[DT_I32] = {INT32_MIN, INT32_MAX },
	[DT_U32] = {0,         UINT32_MAX},
	[DT_I64] = {INT64_MIN, INT64_MAX },
	[DT_U64] = {0,         UINT64_MAX},
};

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are held in the little-endian order of files and the device"
#endif

/* The size bytes of element i as an integer, zero-extended. */
static inline uint64_t
load(const void *data, size_t size, size_t i)
{
	uint64_t v = 0;

	memcpy(&v, (const char *)data + i * size, size);
	return v;
}

static inline void
store(void *data, size_t size, size_t i, uint64_t v)
{
	memcpy((char *)data + i * size, &v, size);
}

static double
load_f64(const void *data, size_t i)
{
	double v;

	memcpy(&v, (const char *)data + i * sizeof v, sizeof v);
	return v;
}

static float
load_f32(const void *data, size_t i)
{
	float v;

	memcpy(&v, (const char *)data + i * sizeof v, sizeof v);
	return v;
}

/* Sign-extends the low 8 * size bits. */
static int64_t
extend(uint64_t v, size_t size)
{
	uint64_t sign = (uint64_t)1 << (8 * size - 1);
	uint64_t r = (v ^ sign) - sign;
	int64_t out;

	memcpy(&out, &r, sizeof out);
	return out;
}

double
dtype_get(const void *data, enum dtype t, size_t i)
{
	switch (t) {
	case DT_F32: return (double)load_f32(data, i);
	case DT_F64: return load_f64(data, i);
	case DT_F16: return (double)f16_to_f32((uint16_t)load(data, 2, i));
	case DT_BF16: return (double)bf16_to_f32((uint16_t)load(data, 2, i));
	case DT_BOOL: return load(data, 1, i) != 0 ? 1 : 0;
	case DT_I8: return (double)extend(load(data, 1, i), 1);
	case DT_I16: return (double)extend(load(data, 2, i), 2);
	case DT_I32: return (double)extend(load(data, 4, i), 4);
	case DT_I64: return (double)extend(load(data, 8, i), 8);
	case DT_U8: return (double)load(data, 1, i);
	case DT_U16: return (double)load(data, 2, i);
	case DT_U32: return (double)load(data, 4, i);
	case DT_U64: return (double)load(data, 8, i);
	case DT_NONE: break;
	}
	return 0;
}

/* Toward zero, cut to the range of t; NaN gives 0. The bit pattern. */
static uint64_t
double_to_int(enum dtype t, double v)
{
	if (isnan(v))
		return 0;
	if (v < 0) {
		/* -2^63 is exact; the other lower bounds are too */
		if (v <= (double)range[t].lo)
			return (uint64_t)range[t].lo;
		return (uint64_t)(int64_t)v;
	}
	/* hi rounds up to a power of two where it has over 53 bits */
	if (v >= (double)range[t].hi)
		return range[t].hi;
	return (uint64_t)v;
}

void
dtype_set(void *data, enum dtype t, size_t i, double v)
{
	float f;

	switch (t) {
	case DT_F32:
		f = (float)v;
		memcpy((char *)data + i * sizeof f, &f, sizeof f);
		break;
	case DT_F64:
		memcpy((char *)data + i * sizeof v, &v, sizeof v);
		break;
	case DT_F16: store(data, 2, i, f64_to_f16(v)); break;
	case DT_BF16: store(data, 2, i, f64_to_bf16(v)); break;
	case DT_BOOL: store(data, 1, i, v != 0); break;
	case DT_I8:
	case DT_I16:
	case DT_I32:
	case DT_I64:
	case DT_U8:
	case DT_U16:
	case DT_U32:
	case DT_U64:
		store(data, dtype_size(t), i, double_to_int(t, v));
		break;
	case DT_NONE: break;
	}
}

int64_t
dtype_get_i64(const void *data, enum dtype t, size_t i)
{
	size_t size = dtype_size(t);
	uint64_t u;

	switch (t) {
	case DT_F32:
	case DT_F64:
	case DT_F16:
	case DT_BF16:
		return extend(double_to_int(DT_I64, dtype_get(data, t, i)), 8);
	case DT_BOOL: return load(data, 1, i) != 0;
	case DT_I8:
	case DT_I16:
	case DT_I32:
	case DT_I64: return extend(load(data, size, i), size);
	case DT_U8:
	case DT_U16:
	case DT_U32:
	case DT_U64:
		u = load(data, size, i);
		return u > INT64_MAX ? INT64_MAX : (int64_t)u;
	case DT_NONE: break;
	}
	return 0;
}

/* v as a double for a type of at most 51 significand bits: what a double
 * does not hold is folded into its last bit (rounding to odd), so that the
 * second rounding comes out as a single one would. */
static double
odd_double(int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	uint64_t low = (uint64_t)1 << 11;

	if (u >> 53 != 0 && (u & (low - 1)) != 0)
		u = (u & ~(low - 1)) | low;
	return v < 0 ? -(double)u : (double)u;
}

void
dtype_set_i64(void *data, enum dtype t, size_t i, int64_t v)
{
	switch (t) {
	case DT_F16:
	case DT_BF16:
	case DT_F32: dtype_set(data, t, i, odd_double(v)); break;
	case DT_F64: dtype_set(data, t, i, (double)v); break;
	case DT_BOOL: store(data, 1, i, v != 0); break;
	case DT_I8:
	case DT_I16:
	case DT_I32:
	case DT_I64:
	case DT_U8:
	case DT_U16:
	case DT_U32:
	case DT_U64:
		if (v < range[t].lo)
			v = range[t].lo;
		else if (v > 0 && (uint64_t)v > range[t].hi)
			v = (int64_t)range[t].hi;
		store(data, dtype_size(t), i, (uint64_t)v);
		break;
	case DT_NONE: break;
	}
}
