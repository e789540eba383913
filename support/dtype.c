#include "support/dtype.h"

#include <math.h>
#include <string.h>

static const struct {
	const char *name;
	size_t size;
	int significand; /* bits behind the leading one, floats only */
	bool is_int;
} info[] = {
	[DT_NONE] = {"none", 0, 0,  false},
	[DT_F32]  = {"f32",  4, 23, false},
	[DT_F16]  = {"f16",  2, 10, false},
	[DT_BF16] = {"bf16", 2, 7,  false},
	[DT_F64]  = {"f64",  8, 52, false},
	[DT_I8]   = {"i8",   1, 0,  true },
	[DT_U8]   = {"u8",   1, 0,  true },
	[DT_I16]  = {"i16",  2, 0,  true },
	[DT_U16]  = {"u16",  2, 0,  true },
	[DT_I32]  = {"i32",  4, 0,  true },
	[DT_U32]  = {"u32",  4, 0,  true },
	[DT_I64]  = {"i64",  8, 0,  true },
	[DT_U64]  = {"u64",  8, 0,  true },
	[DT_BOOL] = {"bool", 1, 0,  false},
};
_Static_assert(sizeof info / sizeof *info == DT_COUNT, "one row per dtype");

/* Types also come out of files, so any number must be safe here. */
static enum dtype
known(enum dtype t)
{
	return (unsigned)t < DT_COUNT ? t : DT_NONE;
}

size_t
dtype_size(enum dtype t)
{
	return info[known(t)].size;
}

const char *
dtype_name(enum dtype t)
{
	return info[known(t)].name;
}

enum dtype
dtype_parse(const char *name)
{
	for (unsigned t = DT_NONE + 1; t < DT_COUNT; t++) {
		if (strcmp(name, info[t].name) == 0)
			return (enum dtype)t;
	}
	return DT_NONE;
}

bool
dtype_is_float(enum dtype t)
{
	return info[known(t)].significand != 0;
}

bool
dtype_is_int(enum dtype t)
{
	return info[known(t)].is_int;
}

double
dtype_eps(enum dtype t)
{
	if (!dtype_is_float(t))
		return 0;
	return ldexp(1, -info[t].significand);
}

/* An IEEE 754 binary interchange format: significand bits behind the leading
 * one, and the exponent's bias (also its largest value). */
struct format {
	int bits, bias;
};
static const struct format f64 = {52, 1023}, f32 = {23, 127},
			   f16 = {10, 15}, bf16 = {7, 127};

/* The 16-bit pattern nearest to the number with biased exponent exp and
 * significand field sig in format from; ties to even. */
static inline uint16_t
narrow(bool negative, int exp, uint64_t sig, struct format from,
    struct format to)
{
	uint16_t sign = negative ? 0x8000 : 0;
	uint16_t inf = (uint16_t)((2 * to.bias + 1) << to.bits);
	int drop = from.bits - to.bits;
	uint64_t q, rest, half;

	if (exp == 2 * from.bias + 1) {
		if (sig != 0) /* NaN: the one quiet NaN, no sign */
			return (uint16_t)(inf | 1 << (to.bits - 1));
		return sign | inf;
	}
	if (exp == 0)
		exp = 1; /* zero and subnormals have no leading one */
	else
		sig |= (uint64_t)1 << from.bits;
	exp += to.bias - from.bias;
	if (exp < 1) { /* subnormal there: the point moves left */
		drop += 1 - exp;
		exp = 1;
	}
	if (drop > from.bits + 2)
		return sign; /* below half of the smallest */
	q = sig >> drop;
	rest = sig & (((uint64_t)1 << drop) - 1);
	half = (uint64_t)1 << (drop - 1);
	if (rest > half || (rest == half && (q & 1) != 0))
		q++;
	/* A leading one in q counts the exponent up by one, and so does a
	 * carry out of the rounding. */
	if (exp > 2 * to.bias + 1)
		return sign | inf;
	q += (uint64_t)(exp - 1) << to.bits;
	return sign | (q < inf ? (uint16_t)q : inf);
}

uint16_t
f32_to_f16(float v)
{
	uint32_t b, least = 0x38800000, beyond = 0x477ff000;

	memcpy(&b, &v, sizeof b);
	/* Normal in both formats, 2^-14 up to what rounds to infinity: the
	 * exponent moves, and a carry of the rounding goes into it. */
	if ((b & 0x7fffffff) - least < beyond - least) {
		uint32_t q = (b & 0x7fffffff) - ((127 - 15) << 23);

		q += 0xfff + (q >> 13 & 1);
		return (uint16_t)((b >> 16 & 0x8000) | q >> 13);
	}
	return narrow(b >> 31, (int)(b >> 23 & 0xff), b & 0x7fffff, f32, f16);
}

uint16_t
f32_to_bf16(float v)
{
	uint32_t b;

	memcpy(&b, &v, sizeof b);
	if ((b & 0x7f800000) != 0x7f800000) /* bf16 is the upper half */
		return (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16);
	return narrow(b >> 31, (int)(b >> 23 & 0xff), b & 0x7fffff, f32, bf16);
}

static inline uint16_t
narrow_f64(double v, struct format to)
{
	uint64_t b;

	memcpy(&b, &v, sizeof b);
	return narrow(b >> 63, (int)(b >> 52 & 0x7ff),
	    b & (((uint64_t)1 << 52) - 1), f64, to);
}

uint16_t
f64_to_f16(double v)
{
	uint64_t b, mag;

	memcpy(&b, &v, sizeof b);
	mag = b & UINT64_MAX >> 1;
	/* the common case: 2^-14 <= |v| < 2^15, normal also when rounded up */
	if (mag >= (uint64_t)(1023 - 14) << 52 &&
	    mag < (uint64_t)(1023 + 15) << 52) {
		mag += ((uint64_t)1 << 41) - 1 + (mag >> 42 & 1);
		return (uint16_t)(b >> 63 << 15 |
		    ((mag >> 42) - ((1023 - 15) << 10)));
	}
	return narrow_f64(v, f16);
}

uint16_t
f64_to_bf16(double v)
{
	return narrow_f64(v, bf16);
}

float
f16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h >> 15) << 31, exp = h >> 10 & 0x1f;
	uint32_t sig = h & 0x3ff, b;
	float v;

	if (exp == 0x1f) {
		/* NaN: payload kept and made quiet, as F16C does */
		b = 0x7f800000u | sig << 13 | (sig != 0 ? 0x400000u : 0);
	} else if (exp != 0) {
		b = (exp + 127 - 15) << 23 | sig << 13;
	} else {
		v = (float)sig * 0x1p-24f; /* exact */
		memcpy(&b, &v, sizeof b);
	}
	b |= sign;
	memcpy(&v, &b, sizeof v);
	return v;
}

float
bf16_to_f32(uint16_t h)
{
	uint32_t b = (uint32_t)h << 16;
	float v;

	memcpy(&v, &b, sizeof v);
	return v;
}
