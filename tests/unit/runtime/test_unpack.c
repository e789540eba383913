/* Files that are plain or gzip, byte by byte and as a whole. */
#include "runtime/unpack.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "tests/lib/unit.h"

#define SIZE 200000

struct made {
	uint8_t *data; /* SIZE bytes */
	uint8_t *file; /* the same as one gzip member */
	size_t size;
};

static struct made
make(struct unit *u)
{
	struct made m = {.data = arena_alloc(u->arena, SIZE)};
	z_stream z = {0};
	uint64_t seed = 5;

	for (size_t i = 0; i < SIZE; i++)
		m.data[i] = (uint8_t)(unit_random(&seed) >> 60);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9,
	    Z_DEFAULT_STRATEGY), Z_OK);
	m.file = arena_alloc(u->arena, 3 * SIZE);
	z.next_in = m.data;
	z.avail_in = SIZE;
	z.next_out = m.file;
	z.avail_out = SIZE;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	m.size = SIZE - z.avail_out;
	deflateEnd(&z);
	return m;
}

static struct unpacker *
opened(const void *bytes, size_t n, bool want_gzip)
{
	FILE *f = tmpfile();
	struct unpacker *u;
	bool gzip;

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	rewind(f);
	u = unpack_open(f, &gzip);
	assert_non_null(u);
	assert_int_equal(gzip, want_gzip);
	return u;
}

/* Reads all, at most 2 SIZE bytes, `step` at a time. */
static int64_t
read_all(struct unpacker *u, uint8_t *out, int64_t step, const char **why)
{
	int64_t at = 0, n;

	do {
		n = unpack_read(u, out + at, step, why);
		at += n;
	} while (n == step && at + step <= 2 * SIZE);
	unpack_close(u);
	return at;
}

static void
reads_plain_and_gzip(void **state)
{
	struct unit *u = *state;
	static const int64_t steps[] = {1, 7, 65536, 65537, 2 * SIZE};
	uint8_t *out = arena_alloc(u->arena, 2 * SIZE);
	struct made m = make(u);
	const char *why;

	assert_true(m.size > 65536); /* more than is read ahead at once */
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		assert_int_equal(read_all(opened(m.data, SIZE, false), out,
		    steps[i], &why), SIZE);
		assert_null(why);
		assert_memory_equal(out, m.data, SIZE);
		memset(out, 0, SIZE);
		assert_int_equal(read_all(opened(m.file, m.size, true), out,
		    steps[i], &why), SIZE);
		assert_null(why);
		assert_memory_equal(out, m.data, SIZE);
	}
	assert_int_equal(read_all(opened("", 0, false), out, 9, &why), 0);
	assert_null(why);
	assert_int_equal(read_all(opened("\x1f", 1, false), out, 9, &why), 1);
	assert_null(why);
}

/* As gzip's manual has it: what is concatenated unpacks concatenated. */
static void
joins_members(void **state)
{
	struct unit *u = *state;
	uint8_t *out = arena_alloc(u->arena, 2 * SIZE);
	struct made m = make(u);
	const char *why;

	memcpy(m.file + m.size, m.file, m.size);
	assert_int_equal(read_all(opened(m.file, 2 * m.size, true), out, 1000,
	    &why), 2 * SIZE);
	assert_memory_equal(out, m.data, SIZE);
	assert_memory_equal(out + SIZE, m.data, SIZE);
}

static void
refuses_what_is_damaged(void **state)
{
	struct unit *u = *state;
	uint8_t *out = arena_alloc(u->arena, 2 * SIZE);
	struct made m = make(u);
	const char *why;

	for (size_t cut = 2; cut < m.size; cut += cut < 30 ||
	    cut + 12 > m.size ? 1 : 4001) {
		assert_true(read_all(opened(m.file, cut, true), out, 4096,
		    &why) <= SIZE);
		assert_non_null(why);
		assert_non_null(strstr(why, "no end"));
	}
	m.file[m.size] = 0;
	assert_int_equal(read_all(opened(m.file, m.size + 1, true), out, 4096,
	    &why), SIZE);
	assert_string_equal(why, "bytes follow the end of its gzip data");
	m.file[m.size - 8] ^= 1; /* the checksum */
	read_all(opened(m.file, m.size, true), out, 4096, &why);
	assert_string_equal(why, "incorrect data check");
	m.file[m.size - 8] ^= 1;
	m.file[2] = 7; /* the method */
	assert_int_equal(read_all(opened(m.file, m.size, true), out, 4096,
	    &why), 0);
	assert_string_equal(why, "unknown compression method");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(reads_plain_and_gzip),
		UNIT_TEST(joins_members),
		UNIT_TEST(refuses_what_is_damaged),
	};

	return cmocka_run_group_tests_name("runtime/unpack", tests, NULL,
	    NULL);
}
