/* Integer arithmetic of the vector unit: 64 bits, wrapping. */
#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"

bool
vecint_less(bool u64, int64_t x, int64_t y)
{
	return u64 ? (uint64_t)x < (uint64_t)y : x < y;
}

static int64_t
divide(bool u64, int64_t x, int64_t y)
{
	if (y == 0)
		return 0;
	if (u64)
		return (int64_t)((uint64_t)x / (uint64_t)y);
	if (y == -1)
		return (int64_t)(0 - (uint64_t)x);
	return x / y;
}

static int64_t
modulo(bool u64, int64_t x, int64_t y)
{
	if (y == 0)
		return 0;
	if (u64)
		return (int64_t)((uint64_t)x % (uint64_t)y);
	if (y == -1)
		return 0;
	int64_t r = x % y;
	return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static int64_t
power(bool u64, int64_t x, int64_t y)
{
	uint64_t r = 1, b = (uint64_t)x, e = (uint64_t)y;
	if (!u64 && y < 0)
		return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
	for (; e > 0; e >>= 1, b *= b)
		if (e & 1)
			r *= b;
	return (int64_t)r;
}

/* v cut to 64 bits. */
static int64_t
from_double(bool u64, double v)
{
	int64_t r;
	dtype_set(&r, u64 ? DT_U64 : DT_I64, 0, v);
	return r;
}

/* The limits are the least and the largest integer within them. */
static int64_t
clip(bool u64, int64_t x, const double *p)
{
	int64_t lo = from_double(u64, ceil(p[0]));
	int64_t hi = from_double(u64, floor(p[1]));
	x = vecint_less(u64, x, lo) ? lo : x;
	return vecint_less(u64, hi, x) ? hi : x;
}

int64_t
vecint_map(enum vec_func f, bool u64, const int64_t *s, const double *p)
{
	int64_t x = s[0], y = s[1], z = s[2];
	uint64_t ux = (uint64_t)x, uy = (uint64_t)y;
	bool minus = !u64 && x < 0;
	switch ((int)f) {
	case VF_copy:
	case VF_floor:
	case VF_ceil:
	case VF_round: return x;
	case VF_fill: return from_double(u64, p[0]);
	case VF_neg: return (int64_t)(0 - ux);
	case VF_abs: return minus ? (int64_t)(0 - ux) : x;
	case VF_sign: return minus ? -1 : x != 0;
	case VF_relu: return minus ? 0 : x;
	case VF_clip: return clip(u64, x, p);
	case VF_not: return x == 0;
	case VF_add: return (int64_t)(ux + uy);
	case VF_sub: return (int64_t)(ux - uy);
	case VF_mul: return (int64_t)(ux * uy);
	case VF_div: return divide(u64, x, y);
	case VF_pow: return power(u64, x, y);
	case VF_min: return vecint_less(u64, x, y) ? x : y;
	case VF_max: return vecint_less(u64, y, x) ? x : y;
	case VF_mod: return modulo(u64, x, y);
	case VF_equal: return x == y;
	case VF_less: return vecint_less(u64, x, y);
	case VF_less_equal: return !vecint_less(u64, y, x);
	case VF_and: return x != 0 && y != 0;
	case VF_or: return x != 0 || y != 0;
	case VF_xor: return (x != 0) != (y != 0);
	case VF_select: return x != 0 ? y : z;
	case VF_fma: return (int64_t)(ux * uy + (uint64_t)z);
	case VF_prelu: return minus ? (int64_t)(ux * uy) : x;
	default:
		return from_double(u64, vecmath_f64(f, (double)x, (double)y,
		    (double)z, p));
	}
}

int64_t
vecint_combine(enum vec_func f, bool u64, int64_t a, int64_t b)
{
	switch ((int)f) {
	case VF_rsum: return (int64_t)((uint64_t)a + (uint64_t)b);
	case VF_rprod: return (int64_t)((uint64_t)a * (uint64_t)b);
	case VF_rmax: return vecint_less(u64, b, a) ? a : b;
	default: return vecint_less(u64, a, b) ? a : b;
	}
}

/* Little-endian hosts only, like every access to device memory here. */
void
vecint_store(uint8_t *dst, enum dtype t, int64_t v)
{
	if (t == DT_BOOL)
		v = v != 0;
	memcpy(dst, &v, dtype_size(t));
}
