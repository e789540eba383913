/* wrap: snprintf strtod strtof */
#include "support/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unit.h"

/* A locale with a decimal comma, of which a machine may have none: numbers
 * are printed with a comma, and reading stops at a point. */
static bool comma;

int __wrap_snprintf(char *buf, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
double __real_strtod(const char *s, char **end);
double __wrap_strtod(const char *s, char **end);
float __real_strtof(const char *s, char **end);
float __wrap_strtof(const char *s, char **end);

int
__wrap_snprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	char *point;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	point = buf != NULL && n != 0 ? strchr(buf, '.') : NULL;
	if (comma && point != NULL)
		*point = ',';
	return r;
}

double
__wrap_strtod(const char *s, char **end)
{
	return comma && strchr(s, '.') != NULL ? -1 : __real_strtod(s, end);
}

float
__wrap_strtof(const char *s, char **end)
{
	return comma && strchr(s, '.') != NULL ? -1 : __real_strtof(s, end);
}

static const struct {
	double value;
	const char *text;
} doubles[] = {
	{0.0,                    "0"                     },
	{-0.0,                   "-0"                    },
	{1.0,                    "1"                     },
	{-1.0,                   "-1"                    },
	{0.1,                    "0.1"                   },
	{0.3,                    "0.3"                   },
	{0.1 + 0.2,              "0.30000000000000004"   },
	{1.0 / 3,                "0.3333333333333333"    },
	{100.0,                  "100"                   },
	{123456.789,             "123456.789"            },
	{1e15,                   "1000000000000000"      },
	{1e16,                   "1e16"                  },
	{1e22,                   "1e22"                  },
	{1e23,                   "1e23"                  },
	{1.5e300,                "1.5e300"               },
	{0.0001,                 "0.0001"                },
	{0.00001,                "0.00001"               },
	{0.000001,               "1e-6"                  },
	{1.25e-7,                "1.25e-7"               },
	{5e-324,                 "5e-324"                },
	{2.2250738585072014e-308, "2.2250738585072014e-308"},
	{1.7976931348623157e308, "1.7976931348623157e308"},
	{9007199254740992.0,     "9007199254740992"      },
	{9007199254740993.0,     "9007199254740992"      },
	/* 2^-44: 16 digits do, yet not the nearest 16 of 5.6843418860808015 */
	{0x1p-44,                "5.684341886080802e-14" },
	{9.5367431640625e-07,    "9.5367431640625e-7"    },
};

static void
double_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
		struct strbuf s = {0};

		strbuf_add_double(&s, doubles[i].value);
		assert_string_equal(s.data, doubles[i].text);
		strbuf_free(&s);
	}
}

static void
special_text(void **state)
{
	struct strbuf s = {0};

	(void)state;
	strbuf_add_double(&s, (double)INFINITY);
	strbuf_add(&s, " ");
	strbuf_add_double(&s, -(double)INFINITY);
	strbuf_add(&s, " ");
	strbuf_add_double(&s, (double)NAN);
	strbuf_add(&s, " ");
	strbuf_add_float(&s, -NAN);
	strbuf_add(&s, " ");
	strbuf_add_float(&s, -INFINITY);
	assert_string_equal(s.data, "inf -inf nan nan -inf");
	strbuf_free(&s);
}

static int
digits(const char *text)
{
	int n = 0, zeros = 0;

	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text < '0' || *text > '9' || (n == 0 && *text == '0'))
			continue;
		n++;
		zeros = *text == '0' ? zeros + 1 : 0;
	}
	return n - zeros;
}

/* Is there a decimal of n digits strictly between lo and hi? Exact enough in
 * 64-bit significands where the powers of ten are exact. */
static bool
fits(long double lo, long double hi, int n)
{
	long double scale = 1, unit = 1;

	while (lo * scale < powl(10, n - 1))
		scale *= 10;
	while (lo >= powl(10, n) * unit)
		unit *= 10;
	return (floorl(lo * scale / unit) + 1) * unit < hi * scale;
}

static void
check_double(double v)
{
	struct strbuf s = {0};
	double back;

	strbuf_add_double(&s, v);
	assert_true(parse_double(s.data, &back));
	if (memcmp(&back, &v, sizeof v) != 0)
		fail_msg("%a gave %s, which reads %a", v, s.data, back);
	assert_true(digits(s.data) <= 17);
	strbuf_free(&s);
}

static void
double_round_trip(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t bits = unit_random(&seed);
		double v;

		if (i % 4 == 0) /* powers of two, and their neighbours */
			bits = (bits & 0xfff0000000000000u) +
			    (uint64_t)(i % 3) - 1;
		if (i % 4 == 1) /* subnormals */
			bits &= 0x800fffffffffffffu >> (i % 48);
		memcpy(&v, &bits, sizeof v);
		if (isfinite(v))
			check_double(v);
	}
}

static long double
middle(double a, double b)
{
	return ((long double)a + (long double)b) / 2;
}

/* No shorter decimal exists, for all powers of two and random values with an
 * exponent at which long double arithmetic is exact enough. */
static void
double_is_shortest(void **state)
{
	uint64_t seed = 9;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct strbuf s = {0};
		double v = ldexp(1, i % 30), below, above;

		if (i >= 30)
			v = ldexp((double)(unit_random(&seed) >> 11), -53 +
			    i % 30);
		if (v < 0.5)
			continue;
		strbuf_add_double(&s, v);
		below = nextafter(v, 0);
		above = nextafter(v, (double)INFINITY);
		if (digits(s.data) > 1)
			assert_false(fits(middle(below, v), middle(v, above),
			    digits(s.data) - 1));
		strbuf_free(&s);
	}
}

static void
float_round_trip(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint32_t bits = (uint32_t)(unit_random(&seed) >> 32);
		struct strbuf s = {0};
		double wide;
		float v, back;

		if (i % 4 == 0)
			bits &= 0xff800000u;
		memcpy(&v, &bits, sizeof v);
		if (!isfinite(v))
			continue;
		strbuf_add_float(&s, v);
		assert_true(digits(s.data) <= 9);
		back = strtof(s.data, NULL);
		assert_memory_equal(&back, &v, sizeof v);
		assert_true(parse_double(s.data, &wide));
		back = (float)wide;
		assert_memory_equal(&back, &v, sizeof v);
		strbuf_free(&s);
	}
}

static void
float_text(void **state)
{
	struct strbuf s = {0};

	(void)state;
	strbuf_add_float(&s, 0.1f);
	strbuf_add(&s, " ");
	strbuf_add_float(&s, 16777216.0f);
	strbuf_add(&s, " ");
	strbuf_add_float(&s, 1e-45f);
	strbuf_add(&s, " ");
	strbuf_add_float(&s, 3.4028235e38f);
	assert_string_equal(s.data, "0.1 16777216 1e-45 3.4028235e38");
	strbuf_free(&s);
}

static void
decimal_comma(void **state)
{
	struct strbuf s = {0};
	double v;

	(void)state;
	comma = true;
	/* the comma is there at all */
	strbuf_addf(&s, "%d", 0);
	s.len = 0;
	{
		char text[32];

		snprintf(text, sizeof text, "%.2f", 1.5);
		assert_string_equal(text, "1,50");
	}
	strbuf_add_double(&s, 123.456);
	strbuf_add(&s, " ");
	strbuf_add_float(&s, 0.1f);
	assert_string_equal(s.data, "123.456 0.1");
	assert_true(parse_double("123.456", &v));
	assert_true(v == 123.456);
	assert_true(parse_double("0.000456e+3", &v));
	assert_true(v == 0.456);
	assert_false(parse_double("123,456", &v));
	comma = false;
	strbuf_free(&s);
}

static void
parses_doubles(void **state)
{
	static const struct {
		const char *text;
		double value;
	} good[] = {
		{"0", 0},
		{"1", 1},
		{"+1.", 1},
		{".5", 0.5},
		{"-00012.50", -12.5},
		{"1e3", 1000},
		{"1E+3", 1000},
		{"1e-3", 0.001},
		{"0e999999999999999999999", 0},
		{"0.000e-999999999999999999", 0},
		{"4.9e-324", 5e-324},
		{"1.7976931348623158e308", 1.7976931348623157e308},
		{"9007199254740993", 9007199254740992.0},
		{"100000000000000000000000000000000000000000e-41", 1},
		{"0.00000000000000000000000000000000000000001e41", 1},
	};
	static const char *const bad[] = {"", "-", "+", ".", "e5", "1e", "1e+",
	    "1 ", " 1", "1x", "0x10", "1..2", "1.2.3", "--1", "+-1", "1e5.0",
	    "1e400", "-1e400", "1e99999999999999999999", "1e-400",
	    "1e-99999999999999999999", "infinity", "INF", "nan(1)", "1,5",
	    "1_0", "1.5f"};
	double v;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		v = 77;
		assert_true(parse_double(good[i].text, &v));
		assert_true(v == good[i].value);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		v = 77;
		if (parse_double(bad[i], &v) || v != 77)
			fail_msg("\"%s\" was taken for %g", bad[i], v);
	}
	assert_true(parse_double("-0", &v) && v == 0 && signbit(v));
	assert_true(parse_double("inf", &v) && isinf(v) && v > 0);
	assert_true(parse_double("-inf", &v) && isinf(v) && v < 0);
	assert_true(parse_double("+inf", &v) && isinf(v) && v > 0);
	assert_true(parse_double("nan", &v) && isnan(v));
	assert_true(parse_double("-nan", &v) && isnan(v));
}

static void
parses_integers(void **state)
{
	static const char *const bad[] = {"", "-", "+", " 1", "1 ", "0x1", "1K",
	    "9223372036854775808", "-9223372036854775809",
	    "99999999999999999999999999", "--1", "1.0", "1e3"};
	int64_t v;

	(void)state;
	assert_true(parse_int64("0", &v) && v == 0);
	assert_true(parse_int64("-0", &v) && v == 0);
	assert_true(parse_int64("+12", &v) && v == 12);
	assert_true(parse_int64("007", &v) && v == 7);
	assert_true(parse_int64("9223372036854775807", &v) && v == INT64_MAX);
	assert_true(parse_int64("-9223372036854775808", &v) && v == INT64_MIN);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		v = 77;
		if (parse_int64(bad[i], &v) || v != 77)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void
parses_sizes(void **state)
{
	static const char *const bad[] = {"", "K", "-1", "+1", "1k", "1KB",
	    "1 K", "1Ki", "1KiBx", "1.5M", "1T", "9223372036854775808",
	    "9007199254740992K", "8589934592G"};
	int64_t v;

	(void)state;
	assert_true(parse_size("0", &v) && v == 0);
	assert_true(parse_size("123", &v) && v == 123);
	assert_true(parse_size("2K", &v) && v == 2048);
	assert_true(parse_size("2KiB", &v) && v == 2048);
	assert_true(parse_size("3M", &v) && v == 3 << 20);
	assert_true(parse_size("3MiB", &v) && v == 3 << 20);
	assert_true(parse_size("150GiB", &v) && v == (int64_t)150 << 30);
	assert_true(parse_size("8589934591G", &v));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		v = 77;
		if (parse_size(bad[i], &v) || v != 77)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(double_text),
		cmocka_unit_test(special_text),
		cmocka_unit_test(double_round_trip),
		cmocka_unit_test(double_is_shortest),
		cmocka_unit_test(float_round_trip),
		cmocka_unit_test(float_text),
		cmocka_unit_test(decimal_comma),
		cmocka_unit_test(parses_doubles),
		cmocka_unit_test(parses_integers),
		cmocka_unit_test(parses_sizes),
	};

	return cmocka_run_group_tests_name("support/number", tests, NULL,
	    NULL);
}
