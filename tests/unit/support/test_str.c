#include "support/str.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/unit.h"

static void
grows(void **state)
{
	struct strbuf s = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		strbuf_add(&s, "ab");
		strbuf_addn(&s, "cdX", 1);
		strbuf_addf(&s, "%d", i % 10);
	}
	assert_int_equal(s.len, 80000);
	assert_int_equal(strlen(s.data), 80000);
	for (int i = 0; i < 20000; i++) {
		assert_memory_equal(s.data + 4 * i, "abc", 3);
		assert_int_equal(s.data[4 * i + 3], '0' + i % 10);
	}
	strbuf_free(&s);
	assert_null(s.data);
	strbuf_add(&s, "");
	assert_string_equal(s.data, "");
	strbuf_addf(&s, "%5000d", 1);
	assert_int_equal(s.len, 5000);
	strbuf_free(&s);
}

static void
quoted(void **state)
{
	struct strbuf s = {0};

	(void)state;
	strbuf_add_quoted(&s, "a\"b\\c\nd\te\x01\x7f\r\xc3\xa9");
	assert_string_equal(s.data,
	    "\"a\\\"b\\\\c\\nd\\te\\x01\\x7f\\x0d\xc3\xa9\"");
	strbuf_free(&s);
	strbuf_add_quoted(&s, "");
	assert_string_equal(s.data, "\"\"");
	strbuf_free(&s);
}

static void
add_too_much(void *arg)
{
	/* must not touch the text before it knows that there is room */
	strbuf_addn(arg, "x", PTRDIFF_MAX - 1);
}

static void
length_overflow(void **state)
{
	struct strbuf s = {0};

	(void)state;
	strbuf_add(&s, "abc");
	assert_true(unit_runs_out(add_too_much, &s));
	assert_string_equal(s.data, "abc");
	strbuf_free(&s);
}

static void
checked_products(void **state)
{
	static const int64_t edge[] = {INT64_MIN, INT64_MIN + 1, -3037000500,
	    -3037000499, -2, -1, 0, 1, 2, 3037000499, 3037000500,
	    INT64_MAX / 2, INT64_MAX - 1, INT64_MAX};
	const size_t n = sizeof edge / sizeof *edge;
	uint64_t seed = 3;

	(void)state;
	for (size_t k = 0; k < 200000; k++) {
		int64_t a, b, got = 77;
		long double exact;
		bool ok;

		if (k < n * n) {
			a = edge[k / n];
			b = edge[k % n];
		} else {
			a = (int64_t)unit_random(&seed) >> (k % 64);
			b = (int64_t)unit_random(&seed) >> (k / 64 % 64);
		}
		/* 64 bits of significand decide about the range exactly
		 * enough: only products are rounded, and 2^63 is exact */
		exact = (long double)a * (long double)b;
		ok = mul_int64(a, b, &got);
		if (exact > -0x1p62L && exact < 0x1p62L) {
			assert_true(ok);
			assert_true((long double)got == exact);
		} else {
			int64_t want;

			assert_int_equal(ok, !__builtin_mul_overflow(a, b,
			    &want));
			assert_true(got == (ok ? want : 77));
		}
	}
}

static void
checked_sums(void **state)
{
	static const int64_t edge[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1,
	    INT64_MAX - 1, INT64_MAX};
	const size_t n = sizeof edge / sizeof *edge;

	(void)state;
	for (size_t k = 0; k < n * n; k++) {
		int64_t a = edge[k / n], b = edge[k % n], got = 77, want;
		bool ok = add_int64(a, b, &got);

		assert_int_equal(ok, !__builtin_add_overflow(a, b, &want));
		assert_true(got == (ok ? want : 77));
	}
}

static void
quotients(void **state)
{
	(void)state;
	assert_int_equal(ceil_div(0, 8), 0);
	assert_int_equal(ceil_div(1, 8), 1);
	assert_int_equal(ceil_div(8, 8), 1);
	assert_int_equal(ceil_div(9, 8), 2);
}

/* Vectors of the FNV authors' page (isthe.com/chongo/tech/comp/fnv). */
static void
hashes(void **state)
{
	(void)state;
	assert_true(hash_bytes(WAVE_HASH_SEED, "", 0) == 0xcbf29ce484222325u);
	assert_true(hash_bytes(WAVE_HASH_SEED, "a", 1) == 0xaf63dc4c8601ec8cu);
	assert_true(
	    hash_bytes(WAVE_HASH_SEED, "foobar", 6) == 0x85944171f73967e8u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(quoted),
		cmocka_unit_test(length_overflow),
		cmocka_unit_test(checked_products),
		cmocka_unit_test(checked_sums),
		cmocka_unit_test(quotients),
		cmocka_unit_test(hashes),
	};

	return cmocka_run_group_tests_name("support/str", tests, NULL, NULL);
}
