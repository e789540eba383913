#include <math.h>
#include <string.h>

#include "support/dtype.h"
#include "tests/lib/unit.h"

static const enum dtype ints[] = {DT_I8, DT_U8, DT_I16, DT_U16, DT_I32, DT_U32,
    DT_I64, DT_U64};
#define INTS (sizeof ints / sizeof *ints)

static bool
is_signed(enum dtype t)
{
	return dtype_name(t)[0] == 'i';
}

/* Bounds of an integer type, as long double (exact there). */
static long double
low(enum dtype t)
{
	return is_signed(t) ? -ldexpl(1, (int)dtype_size(t) * 8 - 1) : 0;
}

static long double
high(enum dtype t)
{
	return ldexpl(1, (int)dtype_size(t) * 8 - is_signed(t)) - 1;
}

static const double numbers[] = {0, -0.0, 0.5, 0.99, 1, 1.5, -0.5, -0.99, -1,
    -1.5, 2, 100, 126.9, 127, 127.5, 128, -127.5, -128, -128.5, -129, 254.9,
    255, 255.5, 256, 32767, 32768, -32768, -32769, 65535, 65536, 2147483647,
    2147483648.0, -2147483648.0, -2147483649.0, 4294967295.0, 4294967296.0,
    9007199254740993.0, 9223372036854774784.0, 9223372036854775808.0,
    -9223372036854775808.0, -9223372036854777856.0, 18446744073709549568.0,
    18446744073709551616.0, 1e30, -1e30, 1e300, -1e300, 5e-324};
#define NUMBERS (sizeof numbers / sizeof *numbers)

/* Toward zero and cut to the range, at an odd address, neighbours intact. */
static void
doubles_to_integers(void **state)
{
	(void)state;
	for (size_t k = 0; k < INTS; k++) {
		enum dtype t = ints[k];
		size_t size = dtype_size(t);
		unsigned char mem[1 + 3 * 8];

		for (size_t i = 0; i < NUMBERS; i++) {
			long double want = truncl((long double)numbers[i]);

			if (want < low(t))
				want = low(t);
			if (want > high(t))
				want = high(t);
			memset(mem, 0xa5, sizeof mem);
			dtype_set(mem + 1, t, 1, numbers[i]);
			for (size_t b = 0; b < sizeof mem; b++) {
				if (b < 1 + size || b >= 1 + 2 * size)
					assert_int_equal(mem[b], 0xa5);
			}
			assert_true(dtype_get(mem + 1, t, 1) == (double)want);
			if (want <= INT64_MAX)
				assert_true((long double)dtype_get_i64(
				    mem + 1, t, 1) == want);
		}
		dtype_set(mem, t, 0, (double)INFINITY);
		assert_true(dtype_get(mem, t, 0) == (double)high(t));
		dtype_set(mem, t, 0, -(double)INFINITY);
		assert_true(dtype_get(mem, t, 0) == (double)low(t));
		dtype_set(mem, t, 0, (double)NAN);
		assert_true(dtype_get(mem, t, 0) == 0);
	}
}

static void
integers_to_integers(void **state)
{
	static const int64_t v[] = {0, 1, -1, 127, 128, -128, -129, 255, 256,
	    65535, 65536, INT32_MAX, (int64_t)INT32_MAX + 1, INT32_MIN,
	    (int64_t)INT32_MIN - 1, UINT32_MAX, (int64_t)UINT32_MAX + 1,
	    9007199254740993, -9007199254740993, INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t k = 0; k < INTS; k++) {
		for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
			long double want = v[i];
			uint64_t mem;

			if (want < low(ints[k]))
				want = low(ints[k]);
			if (want > high(ints[k]))
				want = high(ints[k]);
			dtype_set_i64(&mem, ints[k], 0, v[i]);
			assert_true((long double)dtype_get_i64(&mem, ints[k],
			    0) == want);
		}
	}
}

static void
large_unsigned(void **state)
{
	uint64_t v = UINT64_MAX;

	(void)state;
	assert_true(dtype_get_i64(&v, DT_U64, 0) == INT64_MAX);
	assert_true(dtype_get(&v, DT_U64, 0) == 0x1p64);
}

static void
floats(void **state)
{
	unsigned char mem[16];

	(void)state;
	for (size_t i = 0; i < NUMBERS; i++) {
		double v = numbers[i];

		dtype_set(mem + 1, DT_F64, 0, v);
		assert_true(dtype_get(mem + 1, DT_F64, 0) == v);
		dtype_set(mem + 1, DT_F32, 1, v);
		assert_true(dtype_get(mem + 1, DT_F32, 1) ==
		    (double)(float)v);
		dtype_set(mem + 1, DT_F16, 2, v);
		assert_true(dtype_get(mem + 1, DT_F16, 2) ==
		    (double)f16_to_f32(f64_to_f16(v)));
		dtype_set(mem + 1, DT_BF16, 2, v);
		assert_true(dtype_get(mem + 1, DT_BF16, 2) ==
		    (double)bf16_to_f32(f64_to_bf16(v)));
	}
	dtype_set(mem, DT_F16, 0, (double)NAN);
	assert_true(isnan(dtype_get(mem, DT_F16, 0)));
	assert_int_equal(dtype_get_i64(mem, DT_F16, 0), 0);
	dtype_set(mem, DT_F32, 0, -1e30);
	assert_true(dtype_get_i64(mem, DT_F32, 0) == INT64_MIN);
	dtype_set(mem, DT_F32, 0, -1.75);
	assert_int_equal(dtype_get_i64(mem, DT_F32, 0), -1);
}

/* Distance of integer v to the element of t with pattern p, as the exact
 * value it is: long double holds 64 bits, bf16 and f32 differ in few. */
static void
integers_round_once(void **state)
{
	uint64_t seed = 13;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		int64_t v = (int64_t)unit_random(&seed) >> (i % 60);
		uint16_t p, down, up;
		long double mid;
		float f;

		if (i % 2 == 0) {
			/* on, right below or right above a bf16 halfway */
			unsigned shift = (unsigned)(i / 2 % 54);

			v = (int64_t)(256 + unit_random(&seed) % 255) << shift;
			v |= (int64_t)1 << shift;
			v += i / 2 % 3 - 1;
		}
		dtype_set_i64(&f, DT_F32, 0, v);
		assert_true(f == (float)v);
		dtype_set_i64(&p, DT_BF16, 0, v);
		if (v <= 0)
			continue;
		/* the neighbours of the truncation to bf16 */
		f = (float)v;
		while ((long double)f > (long double)v)
			f = nextafterf(f, 0);
		memcpy(&down, (char *)&f + 2, 2);
		up = (uint16_t)(down + 1);
		mid = ((long double)bf16_to_f32(down) +
		    (long double)bf16_to_f32(up)) / 2;
		if ((long double)v == mid)
			assert_int_equal(p, down % 2 == 0 ? down : up);
		else
			assert_int_equal(p, (long double)v < mid ? down : up);
	}
}

static void
booleans(void **state)
{
	unsigned char b[2] = {9, 9};

	(void)state;
	dtype_set(b, DT_BOOL, 0, 0.25);
	assert_int_equal(b[0], 1);
	dtype_set(b, DT_BOOL, 0, -0.0);
	assert_int_equal(b[0], 0);
	dtype_set_i64(b, DT_BOOL, 0, INT64_MIN);
	assert_int_equal(b[0], 1);
	assert_int_equal(b[1], 9);
	assert_true(dtype_get(b, DT_BOOL, 1) == 1);
	assert_int_equal(dtype_get_i64(b, DT_BOOL, 1), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_to_integers),
		cmocka_unit_test(integers_to_integers),
		cmocka_unit_test(large_unsigned),
		cmocka_unit_test(floats),
		cmocka_unit_test(integers_round_once),
		cmocka_unit_test(booleans),
	};

	return cmocka_run_group_tests_name("support/element", tests, NULL,
	    NULL);
}
