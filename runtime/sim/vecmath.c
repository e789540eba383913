/* The vector unit's functions on single values, defined to the bit: sequences
 * of IEEE f64 operations, fma included, rounded once to the result's type.
 * isa_math.md states the same sequences. No libm but fma, rint, sqrt, floor,
 * ceil, fabs, copysign and fmod, which IEEE 754 defines exactly. */
#include "runtime/sim/vecmath.h"

#include <stdbool.h>

#include "runtime/sim/exec.h"

#define F64_NAN ((double)NAN)
#define F64_INF ((double)INFINITY)

/* A number as the sum of two f64. */
struct pair {
	double hi, lo;
};

/* a + b without error. */
static struct pair
two_sum(double a, double b)
{
	double s = a + b, t = s - a;

	return (struct pair){s, (a - (s - t)) + (b - t)};
}

/* a * b without error. */
static struct pair
two_product(double a, double b)
{
	double p = a * b;

	return (struct pair){p, fma(a, b, -p)};
}

/* ---- logarithm and power ---- */

/* (atanh(f) / f - 1 - s / 3) / s^2 of s = f^2. */
static double
atanh_poly(double s)
{
	double p = 0x1.e02e6fff27908p-5;

	p = fma(p, s, 0x1.df7cc8e5fa539p-5);
	p = fma(p, s, 0x1.1118c7e4b0917p-4);
	p = fma(p, s, 0x1.3b1395d2190c1p-4);
	p = fma(p, s, 0x1.745d177a96056p-4);
	p = fma(p, s, 0x1.c71c71c6eaa10p-4);
	p = fma(p, s, 0x1.2492492492521p-3);
	return fma(p, s, 0x1.999999999999ap-3);
}

/* log m = 2 atanh((m - 1) / (m + 1)), sqrt(1/2) <= m <= sqrt(2), to about 64
 * bits. */
static struct pair
log_near_1(double m)
{
	struct pair den = two_sum(m, 1), s, g, p, v;
	double f = (m - 1) / den.hi;
	double f_lo = (fma(-f, den.hi, m - 1) - f * den.lo) / den.hi;

	/* g = s / 3 + s^2 P(s) with s = f^2, 1/3 in two parts */
	s = two_product(f, f);
	s.lo += 2 * f * f_lo;
	g = two_product(s.hi, 0x1.5555555555555p-2);
	g.lo += s.hi * 0x1.5555555555555p-56 + s.lo * 0x1.5555555555555p-2;
	v = two_sum(g.hi, s.hi * s.hi * atanh_poly(s.hi));
	g = (struct pair){v.hi, v.lo + g.lo};
	/* 2 f + 2 f g */
	p = two_product(2 * f, g.hi);
	p.lo += 2 * f * g.lo + 2 * f_lo * g.hi;
	v = two_sum(2 * f, p.hi);
	v.lo += 2 * f_lo + p.lo;
	return v;
}

/* Of a positive finite number. */
static struct pair
log_pair(double x)
{
	double e = 0, m;
	struct pair v, w;
	uint64_t u;

	if (x < 0x1p-1022) {
		x *= 0x1p54;
		e = -54;
	}
	u = vm_bits(x);
	e += (double)((int)(u >> 52) - 1023);
	m = vm_from_bits((u & 0xfffffffffffff) | 0x3ff0000000000000);
	if (m > 0x1.6a09e667f3bcdp+0) {
		m *= 0.5;
		e += 1;
	}
	v = log_near_1(m);
	w = two_sum(e * VM_LN2_HI, v.hi); /* the product is exact */
	return two_sum(w.hi, w.lo + fma(e, VM_LN2_LO, v.lo));
}

static double
log_d(double x)
{
	struct pair v;

	if (x != x || x < 0)
		return F64_NAN;
	if (x == 0)
		return -F64_INF;
	if (x == F64_INF)
		return x;
	v = log_pair(x);
	return v.hi + v.lo;
}

/* e^(x.hi + x.lo) */
static double
exp_pair(struct pair x)
{
	double h = vm_clamp(x.hi, -746, 710), n = rint(h * VM_LOG2E);
	double lo = h == x.hi ? x.lo : 0;
	struct pair r = two_sum(fma(-n, VM_LN2_HI, h), -n * VM_LN2_LO), v;
	double more;

	r = two_sum(r.hi, r.lo + lo);
	v = two_sum(1, r.hi);
	more = fma(r.hi * r.hi, vm_exp_poly(r.hi), r.lo);
	return vm_scale(v.hi + (v.lo + more), n);
}

static bool
is_whole(double v)
{
	return v == rint(v);
}

static bool
is_odd(double v)
{
	return is_whole(v) && !is_whole(v * 0.5);
}

/* |x|^y where |x| or y is 0 or infinite. */
static double
pow_extreme(double x, double y)
{
	x = fabs(x);
	if (x == 1)
		return 1;
	return (x > 1) == (y > 0) ? F64_INF : 0;
}

static double
pow_d(double x, double y)
{
	bool minus = vm_bits(x) >> 63 != 0 && is_odd(y);
	struct pair l, p;
	double v;

	if (y == 0 || x == 1)
		return 1;
	if (x != x || y != y)
		return F64_NAN;
	if (x == 0 || fabs(x) == F64_INF || fabs(y) == F64_INF) {
		v = pow_extreme(x, y);
	} else if (x < 0 && !is_whole(y)) {
		return F64_NAN;
	} else {
		l = log_pair(fabs(x));
		p = two_product(y, l.hi);
		p.lo = fma(y, l.lo, p.lo);
		v = exp_pair(p);
	}
	return minus ? -v : v;
}

/* ---- sine and cosine ---- */

/* 2 / pi after the point, 32 bits a word: enough for the largest f64. */
static const uint32_t two_over_pi[] = {0xa2f9836e, 0x4e441529, 0xfc2757d1,
    0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561, 0xb7246e3a,
    0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5,
    0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b,
    0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf,
    0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7,
    0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20,
    0x9af4361d, 0xa9e39161, 0x5ee61b08};

#define WORDS 7 /* of 2 / pi in a product */

/* 64 bits of a number of WORDS + 2 words, least first, from bit at on. */
static uint64_t
bits_at(const uint32_t *w, unsigned at)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 3; i++) {
		unsigned k = at / 32 + i, shift = 32 * i;
		uint64_t word = k < WORDS + 2 ? w[k] : 0;

		if (shift >= at % 32)
			v |= shift - at % 32 < 64 ?
			    word << (shift - at % 32) : 0;
		else
			v |= word >> (at % 32 - shift);
	}
	return v;
}

/* m * 2^e of an integer m < 2^53 times 2 / pi, e >= -32: words of 2 / pi
 * whose product is a multiple of 4 are left out. Gives the product's words,
 * least first; returns how many of its bits lie behind the point. */
static unsigned
times_two_over_pi(uint64_t m, int e, uint32_t *product)
{
	unsigned skip = e >= 34 ? (unsigned)(e - 2) / 32 : 0;
	uint64_t half[2] = {m & UINT32_MAX, m >> 32};

	memset(product, 0, (WORDS + 2) * sizeof *product);
	for (unsigned h = 0; h < 2; h++) {
		uint64_t carry = 0;

		for (unsigned i = 0; i < WORDS; i++) {
			carry += half[h] * two_over_pi[skip + WORDS - 1 - i] +
			    product[i + h];
			product[i + h] = (uint32_t)carry;
			carry >>= 32;
		}
		product[WORDS + h] = (uint32_t)carry;
	}
	return (unsigned)((int)(32 * (skip + WORDS)) - e);
}

/* hi:lo / 2^128 as a pair, hi < 2^63. */
static struct pair
fraction(uint64_t hi, uint64_t lo)
{
	double scale = 1;
	struct pair v;

	if (hi == 0) {
		hi = lo;
		lo = 0;
		scale = 0x1p-64;
	}
	for (; hi != 0 && hi >> 62 == 0; scale *= 0.5) {
		hi = hi << 1 | lo >> 63;
		lo <<= 1;
	}
	v = two_sum((double)(hi & ~(uint64_t)0x7ff) * 0x1p-64,
	    (double)(hi & 0x7ff) * 0x1p-64 + (double)lo * 0x1p-128);
	return (struct pair){v.hi * scale, v.lo * scale};
}

/* x = (4 j + q) pi / 2 + r for |x| >= 2^20, after Payne and Hanek 1983: the
 * product with 2 / pi in integers. */
static struct pair
reduce_large(double x, unsigned *q)
{
	uint32_t w[WORDS + 2];
	uint64_t u = vm_bits(x), hi, lo;
	unsigned point = times_two_over_pi((u & 0xfffffffffffff) |
	    0x10000000000000, (int)(u >> 52 & 0x7ff) - 1075, w);
	struct pair f, r;
	bool minus;

	hi = bits_at(w, point - 64);
	lo = bits_at(w, point - 128);
	*q = (unsigned)bits_at(w, point) & 3;
	minus = hi >> 63 != 0;
	if (minus) { /* more than half: down from the next quadrant */
		*q += 1;
		hi = ~hi + (lo == 0);
		lo = 0 - lo;
	}
	f = fraction(hi, lo);
	r = two_product(f.hi, 0x1.921fb54442d18p+0);
	r.lo += f.hi * 0x1.1a62633145c07p-54 + f.lo * 0x1.921fb54442d18p+0;
	if (minus != (x < 0))
		r = (struct pair){-r.hi, -r.lo};
	if (x < 0)
		*q = 0 - *q;
	return r;
}

/* The same for |x| < 2^20: n pi / 2 in three parts, of which two are exact. */
static struct pair
reduce_small(double x, unsigned *q)
{
	double n = rint(x * 0x1.45f306dc9c883p-1);
	double a = fma(-n, 0x1.921fb54400000p+0, x);
	struct pair r = two_sum(a, -n * 0x1.0b4611a600000p-34);

	*q = (unsigned)(int)n;
	r = two_sum(r.hi, fma(-n, 0x1.3198a2e037073p-69, r.lo));
	return r;
}

/* sin of r, |r| <= pi / 4. */
static double
sin_near_0(struct pair r)
{
	double s = r.hi * r.hi, p = -0x1.ab179a62d26edp-41;

	p = fma(p, s, 0x1.61217ea9b7ed1p-33);
	p = fma(p, s, -0x1.ae64541249fb1p-26);
	p = fma(p, s, 0x1.71de3a54604eap-19);
	p = fma(p, s, -0x1.a01a01a019936p-13);
	p = fma(p, s, 0x1.1111111111110p-7);
	p = fma(p, s, -0x1.5555555555555p-3);
	return r.hi + fma(r.hi * s, p, r.lo * fma(s, -0.5, 1));
}

static double
cos_near_0(struct pair r)
{
	double s = r.hi * r.hi, p = 0x1.ab7827bbeebe6p-45, one;

	p = fma(p, s, -0x1.9394b9b5db2a4p-37);
	p = fma(p, s, 0x1.1eed8deb60c70p-29);
	p = fma(p, s, -0x1.27e4fb7712b6bp-22);
	p = fma(p, s, 0x1.a01a01a019d09p-16);
	p = fma(p, s, -0x1.6c16c16c16c16p-10);
	p = fma(p, s, 0x1.5555555555555p-5);
	one = fma(s, -0.5, 1);
	return one + (fma(s, -0.5, 1 - one) + fma(s * s, p, -r.hi * r.lo));
}

/* sin(x + shift * pi / 2) */
static double
sin_d(double x, unsigned shift)
{
	unsigned q = 0;
	struct pair r = {x, 0};
	double v;

	if (x != x || fabs(x) == F64_INF)
		return F64_NAN;
	if (fabs(x) < 0x1p-30) /* within half a unit of the last place */
		return shift == 0 ? x : 1;
	if (fabs(x) >= 0x1p20)
		r = reduce_large(x, &q);
	else if (fabs(x) > 0.78)
		r = reduce_small(x, &q);
	q += shift;
	v = q & 1 ? cos_near_0(r) : sin_near_0(r);
	return q & 2 ? -v : v;
}

/* ---- all functions ---- */

static double
mod_d(double x, double y)
{
	double r;

	if (y == 0 || x != x || y != y || fabs(x) == F64_INF)
		return F64_NAN;
	r = fmod(x, y);
	return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static double
transcendental(enum vec_func f, double x, double y)
{
	switch ((int)f) {
	case VF_rsqrt: return 1 / sqrt(x);
	case VF_exp: return vm_exp(x);
	case VF_log: return log_d(x);
	case VF_sin: return sin_d(x, 0);
	case VF_cos: return sin_d(x, 1);
	case VF_erf: return vm_erf(x);
	case VF_tanh: return vm_tanh(x);
	case VF_sigmoid: return vm_sigmoid(x);
	case VF_pow: return pow_d(x, y);
	case VF_mod: return mod_d(x, y);
	default: return F64_NAN;
	}
}

/* x and z as integers. */
static bool
bits_meet(double x, double z)
{
	uint64_t a = x >= 0 && x < 0x1p63 ? (uint64_t)x : 0;
	uint64_t b = z >= 0 && z < 0x1p63 ? (uint64_t)z : 0;

	return (a & b) != 0;
}

static uint32_t
key(double v)
{
	return v >= 0 && v < 0x1p32 ? (uint32_t)v : 0;
}

uint32_t
vecmath_philox(uint64_t step, uint64_t word, const double *param)
{
	uint64_t block = word / 4;
	uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32),
	    (uint32_t)step, (uint32_t)(step >> 32)};
	uint32_t k0 = key(param[0]), k1 = key(param[1]);

	for (int round = 0; round < 10; round++) {
		uint64_t a = UINT64_C(0xD2511F53) * c[0];
		uint64_t b = UINT64_C(0xCD9E8D57) * c[2];
		uint32_t c1 = c[1], c3 = c[3];

		c[0] = (uint32_t)(b >> 32) ^ c1 ^ k0;
		c[1] = (uint32_t)b;
		c[2] = (uint32_t)(a >> 32) ^ c3 ^ k1;
		c[3] = (uint32_t)a;
		k0 += UINT32_C(0x9E3779B9);
		k1 += UINT32_C(0xBB67AE85);
	}
	return c[word % 4];
}

/* What f32 and f64 share: every case is exact or rounds in its type. */
#define COMMON_CASES(T, FMA, RINT, FLOOR, CEIL, SQRT, FABS)                 \
	case VF_copy: return x;                                             \
	case VF_fill: return (T)param[0];                                   \
	case VF_neg: return -x;                                             \
	case VF_abs: return FABS(x);                                        \
	case VF_sign: return x > 0 ? 1 : x < 0 ? -1 : x;                    \
	case VF_floor: return FLOOR(x);                                     \
	case VF_ceil: return CEIL(x);                                       \
	case VF_round: return RINT(x);                                      \
	case VF_reciprocal: return 1 / x;                                   \
	case VF_sqrt: return SQRT(x);                                       \
	case VF_relu: return x > 0 ? x : x != x ? x : 0;                    \
	case VF_leaky_relu: return x >= 0 ? x : (T)param[0] * x;            \
	case VF_clip:                                                       \
		x = x < (T)param[0] ? (T)param[0] : x;                      \
		return x > (T)param[1] ? (T)param[1] : x;                   \
	case VF_hard_sigmoid:                                               \
		y = FMA((T)param[0], x, (T)param[1]);                       \
		y = y < 0 ? 0 : y;                                          \
		return y > 1 ? 1 : y;                                       \
	case VF_hard_swish:                                                 \
		y = FMA(x, (T)1 / 6, (T)0.5);                               \
		y = y < 0 ? 0 : y;                                          \
		return x * (y > 1 ? 1 : y);                                 \
	case VF_not: return x == 0;                                         \
	case VF_add: return x + y;                                          \
	case VF_sub: return x - y;                                          \
	case VF_mul: return x * y;                                          \
	case VF_div: return x / y;                                          \
	case VF_min: return x != x || x < y ? x : y;                        \
	case VF_max: return x != x || x > y ? x : y;                        \
	case VF_prelu: return x >= 0 ? x : y * x;                           \
	case VF_equal: return x == y;                                       \
	case VF_less: return x < y;                                         \
	case VF_less_equal: return x <= y;                                  \
	case VF_and: return x != 0 && y != 0;                               \
	case VF_or: return x != 0 || y != 0;                                \
	case VF_xor: return (x != 0) != (y != 0);                           \
	case VF_select: return x != 0 ? y : z;                              \
	case VF_bitsel: return bits_meet(x, z) ? y : 0;                     \
	case VF_fma: return FMA(x, y, z);

float
vecmath_f32(enum vec_func f, float x, float y, float z, const double *param)
{
	switch ((int)f) {
	COMMON_CASES(float, fmaf, rintf, floorf, ceilf, sqrtf, fabsf)
	default:
		return (float)transcendental(f, (double)x, (double)y);
	}
}

double
vecmath_f64(enum vec_func f, double x, double y, double z,
    const double *param)
{
	switch ((int)f) {
	COMMON_CASES(double, fma, rint, floor, ceil, sqrt, fabs)
	default:
		return transcendental(f, x, y);
	}
}
