/* wrap: write fsync crc32_z */
/* Checkpoints: the same again, and nothing else is taken for one. */
#include "runtime/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <zlib.h>

#include "support/file.h"
#include "tests/lib/unit.h"

static ssize_t room = -1; /* bytes that still fit on the disk; -1: all */
static bool fsync_fails;
static bool no_checksums; /* they are all 0 */

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
uLong __real_crc32_z(uLong seed, const Bytef *p, z_size_t n);
uLong __wrap_crc32_z(uLong seed, const Bytef *p, z_size_t n);

uLong
__wrap_crc32_z(uLong seed, const Bytef *p, z_size_t n)
{
	return no_checksums ? 0 : __real_crc32_z(seed, p, n);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (fd <= STDERR_FILENO || room < 0)
		return __real_write(fd, p, n);
	if (room == 0) {
		errno = ENOSPC;
		return -1;
	}
	n = n < (size_t)room ? n : (size_t)room;
	room -= (ssize_t)n;
	return __real_write(fd, p, n);
}

int
__wrap_fsync(int fd)
{
	if (!fsync_fails)
		return __real_fsync(fd);
	errno = EIO;
	return -1;
}

static const float weight[6] = {1, -2, 3, 0.5f, 0, 1e-30f};
static const int64_t count = 12345678901;
static const uint8_t mask[3] = {1, 0, 1};

static const struct checkpoint_tensor tensors[] = {
	{.name = "fc.weight", .dtype = DT_F32, .rank = 2, .dim = {2, 3},
	    .bytes = sizeof weight, .data = weight},
	{.name = "steps", .dtype = DT_I64, .bytes = sizeof count,
	    .data = &count},
	{.name = "none", .dtype = DT_F16, .rank = 1, .dim = {0}},
	{.name = "", .dtype = DT_BOOL, .rank = 1, .dim = {3},
	    .bytes = sizeof mask, .data = mask},
};
#define TENSORS (sizeof tensors / sizeof *tensors)

static struct checkpoint
example(void)
{
	return (struct checkpoint){.step = 77, .epoch = 3, .index = 5,
	    .batches = 24, .seed = UINT64_MAX, .loss_sum = 0.1,
	    .right = 8, .answers = 9, .options = "batch 8",
	    .tensor = tensors, .ntensors = TENSORS};
}

static void
expect_example(const struct checkpoint *c)
{
	assert_int_equal(c->step, 77);
	assert_int_equal(c->epoch, 3);
	assert_int_equal(c->index, 5);
	assert_int_equal(c->batches, 24);
	assert_true(c->seed == UINT64_MAX);
	assert_true(c->loss_sum == 0.1);
	assert_int_equal(c->right, 8);
	assert_int_equal(c->answers, 9);
	assert_string_equal(c->options, "batch 8");
	assert_int_equal(c->ntensors, TENSORS);
	for (size_t i = 0; i < TENSORS; i++) {
		const struct checkpoint_tensor *t = &c->tensor[i];

		assert_string_equal(t->name, tensors[i].name);
		assert_int_equal(t->dtype, tensors[i].dtype);
		assert_int_equal(t->rank, tensors[i].rank);
		assert_memory_equal(t->dim, tensors[i].dim, sizeof t->dim);
		assert_int_equal(t->bytes, tensors[i].bytes);
		if (t->bytes > 0)
			assert_memory_equal(t->data, tensors[i].data,
			    t->bytes);
	}
}

static char *
written(struct unit *u, char *path, size_t *size)
{
	struct checkpoint c = example();
	char *data;

	assert_true(checkpoint_write(&u->diag, path, &c));
	assert_true(file_read(u->arena, &u->diag, path, 0, &data, size));
	return data;
}

static void
round_trip(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "ckpt"), *one, *two;
	struct checkpoint c;
	size_t n, m;

	one = written(u, path, &n);
	assert_true(checkpoint_read(u->arena, &u->diag, path, &c));
	expect_example(&c);
	assert_true(checkpoint_write(&u->diag, path, &c));
	assert_true(file_read(u->arena, &u->diag, path, 0, &two, &m));
	assert_int_equal(n, m);
	assert_memory_equal(one, two, n);
	assert_int_equal(u->diag.errors, 0);
	unlink(path);
}

/* The file with n bytes must be refused with a message that has part in it. */
static void
refused(struct unit *u, const char *data, size_t n, const char *part)
{
	char *path = unit_path(u, "bad");
	struct arena *a = arena_new();
	struct checkpoint c;
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);
	assert_false(checkpoint_read(a, &u->diag, path, &c));
	unit_expect_error(u, part);
	assert_non_null(strstr(u->last, path));
	unlink(path);
	arena_free(a);
}

static void
any_damage_is_seen(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "ckpt"), *data;
	size_t n;

	data = written(u, path, &n);
	for (size_t i = 0; i < n; i++) {
		refused(u, data, i, i < 8 ? "no checkpoint" : "checkpoint");
		data[i] = (char)(data[i] ^ (1 << i % 8));
		refused(u, data, n, "checkpoint");
		data[i] = (char)(data[i] ^ (1 << i % 8));
	}
	refused(u, data, n - 1, "the checkpoint is truncated");
	data[n] = 0;
	refused(u, data, n + 1, "the checkpoint is damaged");
	data[8] = 2;
	refused(u, data, n, "a checkpoint of version 2");
	data[8] = 1;
	data[176] ^= 1; /* in the data of the first tensor */
	refused(u, data, n, "tensor 'fc.weight'");
	unlink(path);
}

/* Numbers that no writer gives, under right checksums. */
static void
impossible_numbers(void **state)
{
	static const size_t at[] = {12, 32, 40, 48, 56, 80, 88};
	struct unit *u = *state;
	char *path = unit_path(u, "ckpt"), *data;
	uint32_t sum;
	size_t n;

	data = written(u, path, &n);
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		char *bad = arena_memdup(u->arena, data, n);

		memset(bad + at[i], 0xff, at[i] == 12 ? 4 : 8);
		sum = (uint32_t)crc32(0, (Bytef *)bad, 100);
		sum = (uint32_t)crc32(sum, (Bytef *)bad + 104, 7);
		memcpy(bad + 100, &sum, 4);
		sum = (uint32_t)crc32(0, (Bytef *)bad, (uInt)n - 8);
		memcpy(bad + n - 8, &sum, 4);
		refused(u, bad, n, at[i] == 12 ? "so many tensors" :
		    "position is impossible");
	}
	unlink(path);
}

/* Files that were made to be read wrongly: no checksum tells. What reads is a
 * checkpoint of sizes that hold together. */
static void
mutants(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "ckpt"), *data;
	uint64_t seed = 5;
	long accepted = 0;
	size_t n;

	no_checksums = true;
	data = written(u, path, &n);
	for (int i = 0; i < 20000; i++) {
		struct arena *a = arena_new();
		char *bad = arena_memdup(a, data, n);
		size_t size = n;
		struct checkpoint c;
		FILE *f;

		for (int k = i % 3; k >= 0; k--)
			bad[unit_random(&seed) % n] = (char)(i % 2 != 0 ?
			    unit_random(&seed) >> 50 : 0xffu << i % 8);
		if (i % 50 == 0)
			size = unit_random(&seed) % n;
		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(bad, 1, size, f), size);
		fclose(f);
		if (checkpoint_read(a, &u->diag, path, &c)) {
			accepted++;
			for (size_t t = 0; t < c.ntensors; t++)
				crc32(0, c.tensor[t].data,
				    (uInt)c.tensor[t].bytes);
		} else {
			unit_expect_error(u, "checkpoint");
		}
		arena_free(a);
	}
	no_checksums = false;
	assert_true(accepted > 100);
	unlink(path);
}

static void
other_models(void **state)
{
	struct unit *u = *state;
	struct checkpoint_tensor t[TENSORS + 1];
	struct checkpoint c = example();

	memcpy(t, tensors, sizeof tensors);
	assert_true(checkpoint_matches(&u->diag, "f", &c, t, TENSORS));
	t[0].dim[1] = 4;
	assert_false(checkpoint_matches(&u->diag, "f", &c, t, TENSORS));
	unit_expect_error(u, "tensor 'fc.weight' is f32[2,3], the model has "
	    "f32[2,4]");
	assert_true(checkpoint_fingerprint(t, TENSORS) !=
	    checkpoint_fingerprint(tensors, TENSORS));
	t[0] = tensors[0];
	t[1].dtype = DT_I32;
	assert_false(checkpoint_matches(&u->diag, "f", &c, t, TENSORS));
	unit_expect_error(u, "tensor 'steps' is i64[], the model has i32[]");
	t[1] = tensors[1];
	t[2].name = "some";
	assert_false(checkpoint_matches(&u->diag, "f", &c, t, TENSORS));
	unit_expect_error(u, "tensor 2 is 'none', the model has 'some'");
	t[2] = tensors[2];
	assert_false(checkpoint_matches(&u->diag, "f", &c, t, TENSORS - 1));
	unit_expect_error(u, "the model has no tensor ''");
	t[TENSORS] = tensors[0];
	t[TENSORS].name = "more";
	assert_false(checkpoint_matches(&u->diag, "f", &c, t, TENSORS + 1));
	unit_expect_error(u, "it lacks tensor 'more'");
}

static int
files_like(struct unit *u, const char *path)
{
	char *cmd = arena_printf(u->arena, "exit $(ls -d '%s'* | wc -l)",
	    path);

	return system(cmd) >> 8;
}

/* Wherever the disk runs full, the file before it is intact and alone. */
static void
disk_full(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "full"), *data;
	struct checkpoint c;
	size_t n;

	data = written(u, path, &n);
	for (size_t i = 0; i <= n; i += 13) {
		struct checkpoint other = example();

		other.step++;
		room = (ssize_t)i;
		fsync_fails = i + 13 > n;
		if (fsync_fails)
			room = -1;
		assert_false(checkpoint_write(&u->diag, path, &other));
		room = -1;
		unit_expect_error(u, fsync_fails ? "cannot write: Input/output"
		    : "cannot write: No space left on device");
		fsync_fails = false;
		assert_true(checkpoint_read(u->arena, &u->diag, path, &c));
		expect_example(&c);
		assert_int_equal(files_like(u, path), 1);
	}
	assert_int_equal(data[0], 'W');
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(round_trip),
		UNIT_TEST(any_damage_is_seen),
		UNIT_TEST(impossible_numbers),
		UNIT_TEST(mutants),
		UNIT_TEST(other_models),
		UNIT_TEST(disk_full),
	};

	return cmocka_run_group_tests_name("runtime/checkpoint", tests, NULL,
	    NULL);
}
