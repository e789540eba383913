/* wrap: calloc */
#include "support/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"
#include "tests/lib/unit.h"

#define BIG ((size_t)90000)

/* Which of the callocs of BIG bytes or more fails; 0: none. */
static int fail_at;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	if (n * size >= BIG && fail_at > 0 && --fail_at == 0)
		return NULL;
	return __real_calloc(n, size);
}

static void
round_trip_all(void **state)
{
	static const int64_t shapes[][4] = {{0}, {5}, {0}, {2, 3}, {1, 2, 3},
	    {2, 0, 3}, {2, 3, 4, 5}};
	static const int ranks[] = {0, 1, 1, 2, 3, 3, 4};
	struct unit *u = *state;
	char *path = unit_path(u, "a.npy");
	uint64_t seed = 17;

	for (unsigned t = DT_NONE + 1; t < DT_COUNT; t++) {
		for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
			struct npy n = {.dtype = (enum dtype)t,
			    .rank = ranks[k]}, m;
			unsigned char data[8 * 120];

			n.bytes = dtype_size(n.dtype);
			for (int i = 0; i < n.rank; i++) {
				n.dim[i] = shapes[k][i];
				n.bytes *= (size_t)n.dim[i];
			}
			for (size_t i = 0; i < n.bytes; i++)
				data[i] = (unsigned char)(unit_random(&seed) >>
				    40 & (t == DT_BOOL ? 1 : 0xff));
			n.data = data;
			assert_true(npy_write(&u->diag, path, &n));
			assert_true(npy_read(u->arena, &u->diag, path, &m));
			assert_int_equal(m.dtype, n.dtype);
			assert_int_equal(m.rank, n.rank);
			for (int i = 0; i < n.rank; i++)
				assert_int_equal(m.dim[i], n.dim[i]);
			assert_int_equal(m.bytes, n.bytes);
			assert_memory_equal(m.data, data, n.bytes);
		}
	}
	assert_int_equal(u->diag.errors, 0);
	unlink(path);
}

static void
highest_rank(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "r.npy");
	struct npy n = {.dtype = DT_U8, .rank = NPY_MAX_RANK, .bytes = 4}, m;

	for (int i = 0; i < n.rank; i++)
		n.dim[i] = i % 8 == 3 ? 2 : 1;
	n.data = arena_memdup(u->arena, "wave", 4);
	assert_true(npy_write(&u->diag, path, &n));
	assert_true(npy_read(u->arena, &u->diag, path, &m));
	assert_int_equal(m.rank, NPY_MAX_RANK);
	assert_memory_equal(m.data, "wave", 4);
	unlink(path);
}

/* The exact bytes NumPy 1.x writes for np.save of np.arange(3, dtype='<i2'):
 * by the format's description, 64-byte alignment and a final newline. */
static void
exact_bytes(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "e.npy"), want[134], *data;
	static const char head[] =
	    "{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }";
	struct npy n = {.dtype = DT_I16, .rank = 1, .dim = {3}, .bytes = 6};
	size_t size;

	memset(want, ' ', sizeof want);
	memcpy(want, "\x93NUMPY\x01\x00\x76\x00", 10);
	memcpy(want + 10, head, sizeof head - 1);
	memcpy(want + 127, "\n\0\0\1\0\2\0", 7);
	n.data = arena_memdup(u->arena, "\0\0\1\0\2\0", 6);
	assert_true(npy_write(&u->diag, path, &n));
	assert_true(file_read(u->arena, &u->diag, path, 0, &data, &size));
	assert_int_equal(size, sizeof want);
	assert_memory_equal(data, want, sizeof want);
	unlink(path);
}

/* Builds a file of that version with the header text and size data bytes that
 * count up from 0, and reads it. */
static bool
read_made(struct unit *u, int version, const char *header, size_t size,
    struct npy *n)
{
	char *path = unit_path(u, "made.npy");
	size_t len = strlen(header), at = version == 1 ? 10 : 12;
	char *file = arena_alloc(u->arena, at + len + size);
	bool ok;

	memcpy(file, "\x93NUMPY", 6);
	file[6] = (char)version;
	file[8] = (char)(len & 0xff);
	file[9] = (char)(len >> 8);
	memcpy(file + at, header, len);
	for (size_t i = 0; i < size; i++)
		file[at + len + i] = (char)i;
	assert_true(file_write(&u->diag, path, file, at + len + size));
	ok = npy_read(u->arena, &u->diag, path, n);
	unlink(path);
	return ok;
}

static void
accepted_headers(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
		enum dtype dtype;
		int rank;
	} good[] = {
		{"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
		 8, DT_F32, 1},
		{"{\"shape\":(2,3),\"descr\":\"|u1\",\"fortran_order\":False}",
		 6, DT_U8, 2},
		{" {'descr': '|V2', 'fortran_order': False, 'shape': ()}\n",
		 2, DT_BF16, 0},
		{"{'descr': '<V2', 'fortran_order': True, 'shape': (3,),}",
		 6, DT_BF16, 1},
		{"{'descr': '|b1', 'fortran_order': False, 'shape': (3L, 1L)}",
		 3, DT_BOOL, 2},
		{"{'descr': '|i1', 'fortran_order': False, 'shape': (3, 1,)}",
		 3, DT_I8, 2},
		{"{'descr': '<u8', 'fortran_order': False, 'shape': (0, "
		 "9223372036854775807, 9223372036854775807)}", 0, DT_U64, 3},
	};
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		for (int version = 1; version <= 3; version++) {
			struct npy n;

			if (!read_made(u, version, good[i].text,
			    good[i].bytes, &n))
				fail_msg("%s", u->last);
			assert_int_equal(n.dtype, good[i].dtype);
			assert_int_equal(n.rank, good[i].rank);
			assert_int_equal(n.bytes, good[i].bytes);
			assert_int_equal((uintptr_t)n.data % 16, 0);
			for (size_t k = 0; k < n.bytes; k++)
				assert_int_equal(((char *)n.data)[k], k);
		}
	}
}

static void
fortran_order(void **state)
{
	struct unit *u = *state;
	struct npy n;

	/* element (i, j, k) of shape (2, 3, 4) lies at i + 2 j + 6 k */
	assert_true(read_made(u, 1,
	    "{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3, 4), }",
	    48, &n));
	for (unsigned i = 0; i < 24; i++) {
		unsigned from = i / 12 + i / 4 % 3 * 2 + i % 4 * 6;
		unsigned char *p = (unsigned char *)n.data + 2 * i;

		assert_int_equal(p[0], 2 * from);
		assert_int_equal(p[1], 2 * from + 1);
	}
	assert_true(read_made(u, 1,
	    "{'descr': '<u2', 'fortran_order': True, 'shape': (2, 0, 4), }",
	    0, &n));
	assert_int_equal(n.bytes, 0);
}

#define D "'descr': '<f4', "
#define F "'fortran_order': False, "
#define S "'shape': (2,), "

static void
rejected_headers(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} bad[] = {
		{"", "expected '{'"},
		{"[" D F S "}", "expected '{'"},
		{"{" D F S, "expected a key"},
		{"{" D F "'shape': (2,)", "expected ',' or '}'"},
		{"{" D F S "} x", "expected nothing after '}'"},
		{"{" D F S "'extra': 1}", "unexpected key 'extra'"},
		{"{" D D F S "}", "unexpected key 'descr'"},
		{"{" D F S S "}", "unexpected key 'shape'"},
		{"{" F S "}", "no 'descr'"},
		{"{" D S "}", "no 'fortran_order'"},
		{"{" D F "}", "no 'shape'"},
		{"{}", "no 'descr'"},
		{"{'descr' '<f4'}", "expected ':'"},
		{"{'descr': 1}", "expected an element type"},
		{"{'descr': '<f4}", "expected an element type"},
		{"{'descr: '<f4', }", "expected ':'"},
		{"{'descr': '<f\\x34', }", "expected an element type"},
		{"{'a key that is longer than any known one': 1}",
		 "expected a key"},
		{"{'descr': '|O', " F S "}", "Python objects ('|O')"},
		{"{'descr': 'O', " F S "}", "Python objects ('O')"},
		{"{'descr': [('a', '<f4')], " F S "}", "structured arrays"},
		{"{'descr': '>f4', " F S "}", "big-endian data ('>f4')"},
		{"{'descr': '|f4', " F S "}", "element type '|f4'"},
		{"{'descr': 'f4', " F S "}", "element type 'f4'"},
		{"{'descr': '<c8', " F S "}", "element type '<c8'"},
		{"{'descr': '<U5', " F S "}", "element type '<U5'"},
		{"{'descr': '<f16', " F S "}", "element type '<f16'"},
		{"{'descr': '|V4', " F S "}", "element type '|V4'"},
		{"{'descr': '', " F S "}", "element type ''"},
		{"{'descr': '<M8[ns]', " F S "}", "element type '<M8[ns]'"},
		{"{" D "'fortran_order': 0, " S "}", "expected True or False"},
		{"{" D F "'shape': 2}", "expected a shape"},
		{"{" D F "'shape': (2)}", "of one dimension"},
		{"{" D F "'shape': (2 3)}", "expected ',' or ')'"},
		{"{" D F "'shape': (,)}", "expected a dimension"},
		{"{" D F "'shape': (2,,)}", "expected a dimension"},
		{"{" D F "'shape': (2", "expected ',' or ')'"},
		{"{" D F "'shape': (x,)}", "expected a dimension"},
		{"{" D F "'shape': (-2,)}", "negative dimension"},
		{"{" D F "'shape': (-9223372036854775808,)}",
		 "negative dimension"},
		{"{" D F "'shape': (9223372036854775808,)}",
		 "dimension too large"},
		{"{" D F "'shape': (99999999999999999999999999999,)}",
		 "dimension too large"},
		{"{" D F "'shape': (4294967296, 4294967296)}",
		 "shape too large"},
		{"{" D F "'shape': (9223372036854775807,)}",
		 "shape too large"},
		{"{" D F "'shape': (2305843009213693951,)}",
		 "truncated: the shape needs 9223372036854775804 bytes"},
		{"{" D F "'shape': (3,)}",
		 "truncated: the shape needs 12 bytes of data, the file has 8"},
		{"{" D F "'shape': (1,)}",
		 "4 bytes too many: the shape needs 4 bytes"},
		{"{" D F "'shape': (0,)}", "8 bytes too many"},
		{"{" D F "'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2)}",
		 "more than 16 dimensions"},
	};
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct npy n = {.bytes = 77};

		if (read_made(u, 1, bad[i].text, 8, &n))
			fail_msg("taken: %s", bad[i].text);
		unit_expect_error(u, bad[i].error);
		assert_non_null(strstr(u->last, "made.npy: error: "));
		assert_int_equal(n.bytes, 77);
	}
}

/* Cuts and flips of a good file: never a crash, one error for every cut. */
static void
damaged_files(void **state)
{
	static const char good[] = "\x93NUMPY\1\0\x36\0"
	    "{'descr': '<i4', 'fortran_order': True, 'shape': (1,3)}"
	    "abcdabcdabcd";
	struct unit *u = *state;
	char *path = unit_path(u, "cut.npy"), file[sizeof good - 1];
	const size_t size = sizeof file;
	uint64_t seed = 19;
	struct npy n;

	memcpy(file, good, size);
	file[8] = 55;
	assert_true(file_write(&u->diag, path, file, size));
	assert_true(npy_read(u->arena, &u->diag, path, &n));
	for (size_t i = 0; i < size; i++) {
		assert_true(file_write(&u->diag, path, file, i));
		assert_false(npy_read(u->arena, &u->diag, path, &n));
		unit_expect_error(u, "truncated");
	}
	for (int i = 0; i < 3000; i++) {
		char flipped[sizeof file];
		size_t bit = (size_t)(unit_random(&seed) % (size * 8));

		memcpy(flipped, file, size);
		flipped[bit / 8] ^= (char)(1 << bit % 8);
		assert_true(file_write(&u->diag, path, flipped, size));
		if (!npy_read(u->arena, &u->diag, path, &n))
			unit_expect_error(u, "cut.npy: error: ");
	}
	unlink(path);
}

static void
bad_preambles(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *error;
	} bad[] = {
		{"", 0, "truncated"},
		{"\x93NUMPX\1\0\0\0\0\0", 12, "not a .npy file"},
		{"PK\3\4\1\0\0\0\0\0\0\0", 12, "not a .npy file"},
		{"\x93NUMPY\0\0\0\0\0\0", 12, "unsupported .npy version 0.0"},
		{"\x93NUMPY\4\0\0\0\0\0", 12, "unsupported .npy version 4.0"},
		{"\x93NUMPY\1\1\0\0\0\0", 12, "unsupported .npy version 1.1"},
		{"\x93NUMPY\2\0\0\0\0", 11, "truncated"},
		{"\x93NUMPY\2\0\xff\xff\xff\xff", 12, "length is 4294967295"},
		{"\x93NUMPY\1\0\xff\xff\0\0", 12, "header of 65535 bytes"},
	};
	struct unit *u = *state;
	char *path = unit_path(u, "pre.npy");
	struct npy n;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_true(file_write(&u->diag, path, bad[i].bytes,
		    bad[i].size));
		assert_false(npy_read(u->arena, &u->diag, path, &n));
		unit_expect_error(u, bad[i].error);
	}
	unlink(path);
	assert_false(npy_read(u->arena, &u->diag, path, &n));
	unit_expect_error(u, "cannot open");
}

/* Each of the large allocations fails once: an error, not an abort. */
static void
no_memory(void **state)
{
	static const char head[] =
	    "{'descr': '|u1', 'fortran_order': True, 'shape': (300, 400)}";
	struct unit *u = *state;
	char *path = unit_path(u, "mem.npy");
	const size_t len = sizeof head - 1, size = 10 + len + 120000;
	char *file = arena_alloc(u->arena, size);
	struct npy n;
	int failures = 0;

	memcpy(file, "\x93NUMPY\1\0", 8);
	file[8] = (char)len;
	memcpy(file + 10, head, len);
	assert_true(file_write(&u->diag, path, file, size));
	for (;; failures++) {
		bool ok;

		fail_at = failures + 1;
		ok = npy_read(u->arena, &u->diag, path, &n);
		fail_at = 0;
		if (ok)
			break;
		unit_expect_error(u, failures == 0
		    ? "cannot read: Cannot allocate memory"
		    : "not enough memory for 120000 bytes");
	}
	assert_int_equal(failures, 2); /* the file, the turned data */
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(round_trip_all),
		UNIT_TEST(highest_rank),
		UNIT_TEST(exact_bytes),
		UNIT_TEST(accepted_headers),
		UNIT_TEST(fortran_order),
		UNIT_TEST(rejected_headers),
		UNIT_TEST(damaged_files),
		UNIT_TEST(bad_preambles),
		UNIT_TEST(no_memory),
	};

	return cmocka_run_group_tests_name("support/npy", tests, NULL, NULL);
}
