#include "support/dtype.h"

#include <math.h>
#include <string.h>

#include "tests/lib/unit.h"

/* The 16-bit formats, described anew: the tests rest on ldexp and on
 * comparing distances, not on bits shifted about. */
struct half {
	const char *name;
	int bits, bias; /* significand bits, exponent bias */
	uint16_t (*from_f32)(float);
	uint16_t (*from_f64)(double);
	float (*to_f32)(uint16_t);
};
static const struct half halves[] = {
	{"f16",  10, 15,  f32_to_f16,  f64_to_f16,  f16_to_f32 },
	{"bf16", 7,  127, f32_to_bf16, f64_to_bf16, bf16_to_f32},
};

/* The value of pattern p without sign; the pattern of infinity gives the next
 * power of two, as if the range had no end. */
static double
value_of(const struct half *h, unsigned p)
{
	int exp = (int)(p >> h->bits);
	unsigned sig = p & ((1u << h->bits) - 1);

	if (exp == 0)
		return ldexp(sig, 1 - h->bias - h->bits);
	return ldexp(sig + (1u << h->bits), exp - h->bias - h->bits);
}

static unsigned
infinity_of(const struct half *h)
{
	return (2u * (unsigned)h->bias + 1) << h->bits;
}

/* Nearest pattern to |v|, ties to even, by bisection and distances. */
static unsigned
nearest(const struct half *h, double v)
{
	unsigned lo = 0, hi = infinity_of(h), mid;
	double middle;

	v = fabs(v);
	if (v >= value_of(h, hi))
		return hi;
	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (value_of(h, mid) <= v)
			lo = mid;
		else
			hi = mid;
	}
	middle = (value_of(h, lo) + value_of(h, hi)) / 2; /* exact */
	if (v != middle)
		return v < middle ? lo : hi;
	return lo % 2 == 0 ? lo : hi;
}

static void
check_f64(const struct half *h, double v)
{
	unsigned want = nearest(h, v) | (signbit(v) ? 0x8000u : 0);
	unsigned got = h->from_f64(v);

	if (got != want)
		fail_msg("f64 %a to %s: %#x, not %#x", v, h->name, got, want);
}

static void
check_f32(const struct half *h, float v)
{
	unsigned want = nearest(h, (double)v) | (signbit(v) ? 0x8000u : 0);
	unsigned got = h->from_f32(v);

	if (got != want)
		fail_msg("f32 %a to %s: %#x, not %#x", (double)v, h->name, got,
		    want);
}

/* All 65,536 patterns: the value, and there and back again. */
static void
exhaustive_round_trip(void **state)
{
	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct half *h = &halves[k];

		for (unsigned p = 0; p < 0x10000; p++) {
			uint16_t pattern = (uint16_t)p;
			unsigned abs = p & 0x7fff, inf = infinity_of(h);
			float f = h->to_f32(pattern);

			assert_int_equal(signbit(f) != 0, p >= 0x8000);
			if (abs > inf) { /* NaN: quiet, without sign */
				uint16_t quiet = (uint16_t)(inf |
				    1u << (h->bits - 1));

				assert_true(isnan(f));
				assert_int_equal(h->from_f32(f), quiet);
				assert_int_equal(h->from_f64((double)f),
				    quiet);
				continue;
			}
			if (abs == inf)
				assert_true(isinf(f));
			else
				assert_true(fabs((double)f) ==
				    value_of(h, abs));
			assert_int_equal(h->from_f32(f), pattern);
			assert_int_equal(h->from_f64((double)f), pattern);
		}
	}
}

/* Between each two neighbours: the middle, and the floats and doubles right
 * below and above it, which a double rounding gets wrong. */
static void
all_halfway_cases(void **state)
{
	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct half *h = &halves[k];

		for (unsigned p = 0; p < infinity_of(h); p++) {
			double m = (value_of(h, p) + value_of(h, p + 1)) / 2;
			float f = (float)m;

			for (int sign = 0; sign < 2; sign++) {
				check_f64(h, m);
				check_f64(h, nextafter(m, 0));
				check_f64(h, nextafter(m, (double)INFINITY));
				check_f64(h, nextafter(m, -(double)INFINITY));
				assert_true((double)f == m);
				check_f32(h, f);
				check_f32(h, nextafterf(f, 0));
				check_f32(h, nextafterf(f, INFINITY));
				check_f32(h, nextafterf(f, -INFINITY));
				m = -m;
				f = -f;
			}
		}
	}
}

static void
random_values(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		const struct half *h = &halves[i % 2];
		uint64_t bits = unit_random(&seed);
		uint32_t low = (uint32_t)bits;
		double d;
		float f;

		memcpy(&f, &low, sizeof f);
		if (!isnan(f))
			check_f32(h, f);
		/* exponents around the range of the format */
		d = ldexp(1 + (double)(bits >> 12) * 0x1p-52,
		    (int)(bits % (4u * (unsigned)h->bias)) - 2 * h->bias);
		check_f64(h, (bits >> 11 & 1) != 0 ? -d : d);
		memcpy(&d, &bits, sizeof d);
		if (!isnan(d))
			check_f64(h, d);
	}
}

static void
special_values(void **state)
{
	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct half *h = &halves[k];
		unsigned inf = infinity_of(h);

		assert_int_equal(h->from_f32(0.0f), 0);
		assert_int_equal(h->from_f32(-0.0f), 0x8000);
		assert_int_equal(h->from_f64(-0.0), 0x8000);
		assert_int_equal(h->from_f32(INFINITY), inf);
		assert_int_equal(h->from_f32(-INFINITY), inf | 0x8000);
		assert_int_equal(h->from_f64(1e300), inf);
		assert_int_equal(h->from_f64(-1e300), inf | 0x8000);
		assert_int_equal(h->from_f64(1e-300), 0);
		assert_int_equal(h->from_f64(-5e-324), 0x8000);
	}
	assert_int_equal(f32_to_f16(NAN), 0x7e00);
	assert_int_equal(f32_to_f16(-NAN), 0x7e00);
	assert_int_equal(f32_to_bf16(NAN), 0x7fc0);
	assert_int_equal(f64_to_bf16(-(double)NAN), 0x7fc0);
	assert_int_equal(f32_to_f16(65504.0f), 0x7bff);
	assert_int_equal(f32_to_f16(65519.0f), 0x7bff);
	assert_int_equal(f32_to_f16(65520.0f), 0x7c00);
}

static void
table(void **state)
{
	static const struct {
		enum dtype t;
		const char *name;
		size_t size;
		double eps;
		bool is_float, is_int;
	} rows[] = {
		{DT_F32,  "f32",  4, 0x1p-23, true,  false},
		{DT_F16,  "f16",  2, 0x1p-10, true,  false},
		{DT_BF16, "bf16", 2, 0x1p-7,  true,  false},
		{DT_F64,  "f64",  8, 0x1p-52, true,  false},
		{DT_I8,   "i8",   1, 0,       false, true },
		{DT_U8,   "u8",   1, 0,       false, true },
		{DT_I16,  "i16",  2, 0,       false, true },
		{DT_U16,  "u16",  2, 0,       false, true },
		{DT_I32,  "i32",  4, 0,       false, true },
		{DT_U32,  "u32",  4, 0,       false, true },
		{DT_I64,  "i64",  8, 0,       false, true },
		{DT_U64,  "u64",  8, 0,       false, true },
		{DT_BOOL, "bool", 1, 0,       false, false},
	};

	(void)state;
	assert_int_equal(sizeof rows / sizeof *rows, DT_COUNT - 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum dtype t = rows[i].t;

		assert_string_equal(dtype_name(t), rows[i].name);
		assert_int_equal(dtype_parse(rows[i].name), t);
		assert_int_equal(dtype_size(t), rows[i].size);
		assert_true(dtype_eps(t) == rows[i].eps);
		assert_int_equal(dtype_is_float(t), rows[i].is_float);
		assert_int_equal(dtype_is_int(t), rows[i].is_int);
	}
	assert_int_equal(dtype_parse("none"), DT_NONE);
	assert_int_equal(dtype_parse("F32"), DT_NONE);
	assert_int_equal(dtype_parse(""), DT_NONE);
	/* out of an untrusted file */
	assert_int_equal(dtype_size((enum dtype)DT_COUNT), 0);
	assert_int_equal(dtype_size((enum dtype)0xffffff), 0);
	assert_true(dtype_eps((enum dtype)99) == 0);
	assert_false(dtype_is_float((enum dtype)99));
	assert_string_equal(dtype_name((enum dtype)99), "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exhaustive_round_trip),
		cmocka_unit_test(all_halfway_cases),
		cmocka_unit_test(random_values),
		cmocka_unit_test(special_values),
		cmocka_unit_test(table),
	};

	return cmocka_run_group_tests_name("support/dtype", tests, NULL,
	    NULL);
}
