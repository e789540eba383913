/* The vector unit's functions, defined to the bit: sequences of IEEE double
 * operations, fma included, rounded once to the result's type. ISA.md (section
 * Functions) states the same sequences. No libm but fma, rint, sqrt, floor,
 * ceil and fabs, which IEEE 754 defines exactly. */
#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"

static const double ln2_hi = 0x1.62e42fefa3800p-1;
static const double ln2_lo = 0x1.ef35793c76730p-45;
static const double log2e = 0x1.71547652b82fep+0;

static double
bits_double(uint64_t u)
{
	double d;
	memcpy(&d, &u, sizeof d);
	return d;
}

static uint64_t
double_bits(double d)
{
	uint64_t u;
	memcpy(&u, &d, sizeof u);
	return u;
}

/* 2^n for -1022 <= n <= 1023. */
static double
pow2(int n)
{
	return bits_double((uint64_t)(n + 1023) << 52);
}

/* x * 2^n in two exact-or-once-rounded steps. */
static double
scale2(double x, int n)
{
	int half = n / 2;
	return x * pow2(half) * pow2(n - half);
}

/* e^r - 1 for |r| <= ln2 / 2: Taylor series to r^14. */
static double
expm1_poly(double r)
{
	static const double inv[] = {1.0 / 87178291200.0, 1.0 / 6227020800.0,
	    1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
	    1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0,
	    1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0};
	double p = inv[0];
	for (int i = 1; i < 14; i++)
		p = fma(p, r, inv[i]);
	return p * r;
}

static double
exp_d(double x)
{
	if (x != x)
		return x;
	if (x > 709.79)
		return INFINITY;
	if (x < -745.2)
		return 0;
	double n = rint(x * log2e);
	double r = fma(-n, ln2_lo, fma(-n, ln2_hi, x));
	return scale2(1 + expm1_poly(r), (int)n);
}

static double
log_d(double x)
{
	if (x != x || x < 0)
		return NAN;
	if (x == 0)
		return -INFINITY;
	if (x > 0x1.fffffffffffffp+1023)
		return x;
	int e = 0;
	if (x < 0x1p-1022) {
		x *= 0x1p54;
		e = -54;
	}
	uint64_t u = double_bits(x);
	e += (int)(u >> 52) - 1023;
	double m = bits_double((u & 0xfffffffffffffu) | 0x3ff0000000000000u);
	if (m > 0x1.6a09e667f3bcdp+0) {
		m *= 0.5;
		e++;
	}
	/* log m = 2 atanh f, f = (m - 1) / (m + 1) */
	double f = (m - 1) / (m + 1), s = f * f, p = 1.0 / 23;
	for (int k = 21; k >= 1; k -= 2)
		p = fma(p, s, 1.0 / k);
	return fma(e, ln2_hi, fma(e, ln2_lo, 2 * f * p));
}

/* Quadrant and remainder of x by pi / 2, three constants of 33 bits. */
static double
reduce_pi2(double x, int *quadrant)
{
	double n = rint(x * 0x1.45f306dc9c883p-1);
	double r = fma(-n, 0x1.921fb54400000p+0, x);
	r = fma(-n, 0x1.0b4611a600000p-34, r);
	r = fma(-n, 0x1.3198a2e037073p-69, r);
	*quadrant = (int)(n - 4 * floor(n / 4));
	return r;
}

static double
sin_poly(double r)
{
	double s = r * r, p = 1.0 / 355687428096000.0;
	p = fma(p, s, -1.0 / 1307674368000.0);
	p = fma(p, s, 1.0 / 6227020800.0);
	p = fma(p, s, -1.0 / 39916800.0);
	p = fma(p, s, 1.0 / 362880.0);
	p = fma(p, s, -1.0 / 5040.0);
	p = fma(p, s, 1.0 / 120.0);
	p = fma(p, s, -1.0 / 6.0);
	return fma(p * s, r, r);
}

static double
cos_poly(double r)
{
	double s = r * r, p = 1.0 / 20922789888000.0;
	p = fma(p, s, -1.0 / 87178291200.0);
	p = fma(p, s, 1.0 / 479001600.0);
	p = fma(p, s, -1.0 / 3628800.0);
	p = fma(p, s, 1.0 / 40320.0);
	p = fma(p, s, -1.0 / 720.0);
	p = fma(p, s, 1.0 / 24.0);
	p = fma(p, s, -0.5);
	return fma(p, s, 1);
}

/* sin(x + shift * pi / 2); beyond 2^30 the result is 0 or NaN for infinities:
 * reductions of such angles are not provided. */
static double
sin_d(double x, int shift)
{
	if (x != x || fabs(x) == (double)INFINITY)
		return NAN;
	if (fabs(x) > 0x1p30)
		return 0;
	int q;
	double r = reduce_pi2(x, &q);
	q = (q + shift) & 3;
	double v = q & 1 ? cos_poly(r) : sin_poly(r);
	return q & 2 ? -v : v;
}

/* erfc(x) e^(x^2) (x + 2) as a Chebyshev series in t = (x - 2) / (x + 2),
 * fitted at the 25 Chebyshev nodes with 60-digit arithmetic. */
static double
erfcx_scaled(double t)
{
	static const double c[] = {1.15406747723293934e+00,
	    -7.10873842540996836e-01, 1.30190317657572857e-01,
	    -7.34228479167298685e-03, -2.22568948670571944e-03,
	    3.21516598308201962e-04, 6.55606314833557890e-05,
	    -1.08848832910450963e-05, -3.03093310994686023e-06,
	    2.85952162740231407e-07, 1.64692177945343175e-07,
	    2.59256904066416951e-09, -8.30944493558302829e-09,
	    -1.26941086034133377e-09, 2.86416424813214064e-10,
	    1.23209340857895393e-10, 4.12160562946505445e-12,
	    -7.14292394937740066e-12, -1.71709000409426060e-12,
	    1.21622356731352714e-13, 1.47474295103413750e-13,
	    2.79797577585049229e-14, -7.08314823353536481e-15,
	    -2.85659302271815395e-16, -2.47099888156582571e-15};
	double b1 = 0, b2 = 0;
	for (int i = 24; i >= 1; i--) {
		double b0 = fma(2 * t, b1, c[i] - b2);
		b2 = b1;
		b1 = b0;
	}
	return fma(t, b1, c[0] - b2);
}

static double
erf_d(double x)
{
	if (x != x)
		return x;
	double a = fabs(x), v;
	if (a > 6) {
		v = 1;
	} else if (a < 0.5) { /* Taylor series */
		double s = x * x, p = 0, f = 1;
		static const double fact[] = {1, 1, 2, 6, 24, 120, 720, 5040,
		    40320, 362880, 3628800, 39916800, 479001600};
		for (int n = 12; n >= 0; n--) {
			f = (n & 1 ? -1.0 : 1.0) / (fact[n] * (2 * n + 1));
			p = fma(p, s, f);
		}
		return 0x1.20dd750429b6dp+0 * x * p;
	} else {
		v = 1 - exp_d(-a * a) * erfcx_scaled((a - 2) / (a + 2)) /
		    (a + 2);
	}
	return x < 0 ? -v : v;
}

static double
tanh_d(double x)
{
	if (x != x)
		return x;
	if (fabs(x) > 20)
		return x < 0 ? -1 : 1;
	double t = fabs(x), e;
	if (t < 0.17)
		e = expm1_poly(2 * t);
	else
		e = exp_d(2 * t) - 1;
	t = e / (e + 2);
	return x < 0 ? -t : t;
}

static double
pow_d(double x, double y)
{
	if (y == 0 || x == 1)
		return 1;
	if (x != x || y != y)
		return NAN;
	bool whole = y == rint(y), odd = whole && fabs(y) < 0x1p53 &&
	    2 * floor(y / 2) != y;
	if (x == 0) {
		double v = y < 0 ? INFINITY : 0;
		return odd && double_bits(x) >> 63 ? -v : v;
	}
	if (fabs(y) == (double)INFINITY) {
		double a = fabs(x);
		return a == 1 ? 1 : (a > 1) == (y > 0) ? INFINITY : 0;
	}
	if (x < 0 && !whole)
		return NAN;
	if (y == 2)
		return x * x;
	if (y == 0.5 && x >= 0)
		return sqrt(x);
	double v = exp_d(y * log_d(fabs(x)));
	return x < 0 && odd ? -v : v;
}

static double
clamp(double v, double lo, double hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static double
mod_d(double x, double y)
{
	if (y == 0 || x != x || y != y || fabs(x) == (double)INFINITY)
		return NAN;
	double r = fmod(x, y);
	return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static double
transcendental(enum vec_func f, double x, double y)
{
	switch ((int)f) {
	case VF_rsqrt: return 1 / sqrt(x);
	case VF_exp: return exp_d(x);
	case VF_log: return log_d(x);
	case VF_sin: return sin_d(x, 0);
	case VF_cos: return sin_d(x, 1);
	case VF_erf: return erf_d(x);
	case VF_tanh: return tanh_d(x);
	case VF_sigmoid: return 1 / (1 + exp_d(-x));
	case VF_pow: return pow_d(x, y);
	case VF_mod: return mod_d(x, y);
	default: return NAN;
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

/* What f32 and f64 share: every case is exact or rounds once in its type. */
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
	case VF_clip: x = x < (T)param[0] ? (T)param[0] : x;                \
		return x > (T)param[1] ? (T)param[1] : x;                   \
	case VF_hard_sigmoid:                                               \
		return (T)clamp(FMA((T)param[0], x, (T)param[1]), 0, 1);    \
	case VF_hard_swish:                                                 \
		return x * (T)clamp(FMA(x, (T)1 / 6, (T)0.5), 0, 1);        \
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
