/* Data sets: what is read, and what is refused. */
#include "runtime/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "runtime/shapes.h"
#include "support/npy.h"
#include "tests/lib/unit.h"

#define CIFAR "shared/assets/data/cifar10/cifar10_exact_train4000.bin"
#define SHAPES_CRC 0x1006460fu

static char *
folder(struct unit *u, const char *name)
{
	const char *path = unit_path(u, name);

	mkdir(path, 0777);
	return arena_strdup(u->arena, path);
}

static void
put(struct unit *u, const char *dir, const char *name, const void *data,
    size_t size)
{
	FILE *f = fopen(arena_printf(u->arena, "%s/%s", dir, name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static void
put_gzip(struct unit *u, const char *dir, const char *name,
    const void *data, size_t size)
{
	gzFile f = gzopen(arena_printf(u->arena, "%s/%s", dir, name), "wb");

	assert_non_null(f);
	assert_int_equal(gzwrite(f, data, (unsigned)size), size);
	gzclose(f);
}

/* Two images of 2 x 3 pixels, labels 7 and 0. */
static const uint8_t images[] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0,
	0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255 };
static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 7, 0 };

static void
check_mnist(struct unit *u, const char *spec)
{
	struct dataset *s = dataset_open(u->arena, &u->diag, spec,
	    DATASET_TRAIN);

	if (s == NULL)
		fail_msg("%s", u->last);
	assert_int_equal(s->count, 2);
	assert_int_equal(s->rank, 3);
	assert_int_equal(s->dim[0], 1);
	assert_int_equal(s->dim[1], 2);
	assert_int_equal(s->dim[2], 3);
	assert_int_equal(s->labels[0], 7);
	assert_int_equal(s->labels[1], 0);
	assert_int_equal(((const uint8_t *)s->data)[11], 255);
	assert_int_equal(s->classes, 10);
}

static void
reads_mnist_plain_and_gzip(void **state)
{
	struct unit *u = *state;
	char *plain = folder(u, "plain"), *gz = folder(u, "gz");

	put(u, plain, "train-images-idx3-ubyte", images, sizeof images);
	put(u, plain, "train-labels-idx1-ubyte", labels, sizeof labels);
	put_gzip(u, gz, "train-images-idx3-ubyte.gz", images, sizeof images);
	put_gzip(u, gz, "train-labels-idx1-ubyte.gz", labels, sizeof labels);
	check_mnist(u, plain);
	check_mnist(u, gz);
	check_mnist(u, arena_printf(u->arena, "mnist:%s", gz));
	assert_null(dataset_open(u->arena, &u->diag, plain, DATASET_TEST));
	unit_expect_error(u, "has no file t10k-images-idx3-ubyte");
}

struct damage {
	bool label;        /* of the labels' file, else the images' */
	size_t at, size;   /* byte `at` becomes value, `size` bytes stay */
	uint8_t value;
	const char *want;
};

static const struct damage damages[] = {
	{ false, 0, 3, 0, "truncated: " },
	{ false, 0, 27, 0, "truncated: " },
	{ false, 2, 28, 9, "starts with 00 00 09 03, not with 00 00 08 03" },
	{ false, 3, 28, 1, "not with 00 00 08 03 as IDX images do" },
	{ false, 7, 28, 1, "bytes follow the 22 that its header announces" },
	{ false, 4, 28, 255, "truncated: its header announces" },
	{ false, 8, 28, 255, "images of 4278190082 x 3 pixels" },
	{ false, 15, 28, 0, "images of 2 x 0 pixels" },
	{ true, 0, 9, 0, "truncated: " },
	{ true, 7, 9, 1, "has 1 labels for the 2 images of" },
	{ true, 8, 10, 10, "sample 0: label 10 is no class from 0 to 9" },
	{ true, 9, 10, 255, "sample 1: label 255 is no class from 0 to 9" },
	{ true, 3, 10, 3, "as IDX labels do" },
};

static void
refuses_damaged_idx_files(void **state)
{
	struct unit *u = *state;
	char *dir = folder(u, "bad");

	for (size_t i = 0; i < 2 * sizeof damages / sizeof *damages; i++) {
		const struct damage *b = &damages[i / 2];
		const char *x = "train-images-idx3-ubyte";
		const char *y = "train-labels-idx1-ubyte";
		uint8_t one[sizeof images], two[sizeof labels];

		memcpy(one, images, sizeof one);
		memcpy(two, labels, sizeof two);
		(b->label ? two : one)[b->at] = b->value;
		(i % 2 == 0 ? put : put_gzip)(u, dir, x, one,
		    b->label ? sizeof one : b->size);
		(i % 2 == 0 ? put : put_gzip)(u, dir, y, two,
		    b->label ? b->size : sizeof two);
		if (dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN) !=
		    NULL)
			fail_msg("damage %zu was not seen", i);
		if (i % 2 == 1 && strstr(b->want, "header announces") != NULL &&
		    b->at == 4)
			unit_expect_error(u, "truncated: ");
		else
			unit_expect_error(u, b->want);
	}
}

static void
refuses_truncated_gzip(void **state)
{
	struct unit *u = *state;
	char *dir = folder(u, "cut"), bytes[4096];
	const char *name = "train-images-idx3-ubyte.gz";
	size_t n;
	FILE *f;

	put_gzip(u, dir, "train-labels-idx1-ubyte.gz", labels,
	    sizeof labels);
	put_gzip(u, dir, name, images, sizeof images);
	f = fopen(arena_printf(u->arena, "%s/%s", dir, name), "rb");
	n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	for (size_t cut = 11; cut < n; cut += 3) {
		put(u, dir, name, bytes, cut);
		assert_null(dataset_open(u->arena, &u->diag, dir,
		    DATASET_TRAIN));
		unit_expect_error(u, "train-images-idx3-ubyte.gz");
	}
}

/* What stands for a file and is none; what is announced and cannot be. */
static void
refuses_odd_files(void **state)
{
	struct unit *u = *state;
	char *dir = folder(u, "odd");
	const char *name = "train-images-idx3-ubyte", *path;
	uint8_t huge[16 + 4096] = {0, 0, 8, 3, 0, 0x40, 0, 0, 0, 0, 0xff, 0xff,
	    0, 0, 0xff, 0xff};

	path = arena_printf(u->arena, "%s/%s", dir, name);
	put(u, dir, "train-labels-idx1-ubyte", labels, sizeof labels);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "is a folder");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "is no regular file");
	assert_int_equal(unlink(path), 0);
	/* 2^22 images of 65535 x 65535: 2^54 bytes */
	put(u, dir, name, huge, sizeof huge);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "more than it can hold");
	put_gzip(u, dir, name, huge, sizeof huge);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "more than it can hold");
}

static void
reads_cifar(void **state)
{
	struct unit *u = *state;
	char *dir = folder(u, "cifar");
	uint8_t *r = arena_calloc(u->arena, 3, 3073);
	struct dataset *s;

	r[0] = 3;
	r[3073] = 9;
	r[1] = 11;
	r[2 * 3073 - 1] = 12;
	put(u, dir, "data_batch_1.bin", r, 2 * 3073);
	put(u, dir, "data_batch_3.bin", r + 3073, 3073);
	s = dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN);
	if (s == NULL)
		fail_msg("%s", u->last);
	assert_int_equal(s->count, 3);
	assert_int_equal(s->labels[0], 3);
	assert_int_equal(s->labels[2], 9);
	assert_int_equal(((const uint8_t *)s->data)[0], 11);
	assert_int_equal(((const uint8_t *)s->data)[3 * 3072 - 1], 12);
	assert_string_equal(s->class_names[3], "cat");
	put(u, dir, "data_batch_1.bin", r, 3072);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "no multiple of a record's 3073");
	r[3073] = 10;
	put(u, dir, "data_batch_1.bin", r, 2 * 3073);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "sample 1: label 10 is no class from 0 to 9");
	put_gzip(u, dir, "data_batch_1.bin", r, 3073);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "is compressed");
	put(u, dir, "test_batch.bin", r, 0);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TEST));
	unit_expect_error(u, "holds no samples");
}

static void
write_npy(struct unit *u, const char *dir, const char *name, enum dtype t,
    int rank, const int64_t *dim, void *data)
{
	struct npy n = { .dtype = t, .rank = rank, .data = data,
		.bytes = dtype_size(t) };

	for (int i = 0; i < rank; i++) {
		n.dim[i] = dim[i];
		n.bytes *= (size_t)dim[i];
	}
	assert_true(npy_write(&u->diag, arena_printf(u->arena, "%s/%s", dir,
	    name), &n));
}

static void
reads_npy_pairs(void **state)
{
	struct unit *u = *state;
	char *dir = folder(u, "npy");
	float x[2 * 3] = { 1, 2, 3, 4, 5, 6 }, y[2 * 2] = { 0, 1, 2, 3 };
	double z[2 * 2] = {0, 1, 2, 0.1};
	int64_t l[3] = { 4, -1, 0 }, dx[2] = { 2, 3 }, dy[2] = { 2, 2 };
	struct dataset *s;

	write_npy(u, dir, "train_x.npy", DT_F32, 2, dx, x);
	write_npy(u, dir, "train_y.npy", DT_F32, 2, dy, y);
	s = dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN);
	if (s == NULL)
		fail_msg("%s", u->last);
	assert_int_equal(s->classes, 0);
	assert_int_equal(dataset_elems(s), 3);
	assert_int_equal(dataset_targets(s), 2);
	assert_true(s->targets[3] == 3.0f);
	write_npy(u, dir, "train_y.npy", DT_F64, 2, dy, z);
	s = dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN);
	assert_non_null(s);
	assert_true(s->targets[3] == 0.1f);
	write_npy(u, dir, "train_y.npy", DT_I64, 1, dx, l);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "sample 1: label -1 is no class");
	l[1] = 2;
	write_npy(u, dir, "train_y.npy", DT_I64, 1, dx, l);
	s = dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN);
	assert_non_null(s);
	assert_int_equal(s->classes, 5);
}

static void
refuses_bad_npy_pairs(void **state)
{
	struct unit *u = *state;
	char *dir = folder(u, "npybad");
	float x[2 * 3] = {1, 2, 3, 4, 5, 6};
	double z[2 * 2] = {0, 1, 2, 0.1};
	int64_t l[3] = {4, 2, 0}, dx[2] = {2, 3}, dy[2] = {2, 2};

	write_npy(u, dir, "train_y.npy", DT_F64, 2, dy, z);
	x[4] = INFINITY;
	write_npy(u, dir, "train_x.npy", DT_F32, 2, dx, x);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "train_x.npy: error: sample 1: holds an infinity");
	x[4] = 5;
	write_npy(u, dir, "train_x.npy", DT_F32, 2, dx, x);
	z[0] = NAN;
	write_npy(u, dir, "train_y.npy", DT_F64, 2, dy, z);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "train_y.npy: error: sample 0: holds NaN");
	dy[1] = 0;
	write_npy(u, dir, "train_y.npy", DT_F64, 2, dy, z);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "targets are empty");
	dx[0] = 3;
	write_npy(u, dir, "train_y.npy", DT_I64, 1, dx, l);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "has 3 labels or targets for the 2 samples");
	write_npy(u, dir, "train_x.npy", DT_I64, 1, dx, l);
	assert_null(dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN));
	unit_expect_error(u, "samples are u8 or f32");
}

static void
refuses_what_is_no_data(void **state)
{
	struct unit *u = *state;

	assert_null(dataset_open(u->arena, &u->diag, "no/such/folder",
	    DATASET_TRAIN));
	unit_expect_error(u, "there is no such folder of data");
	assert_null(dataset_open(u->arena, &u->diag, "mnist:no/such",
	    DATASET_TRAIN));
	unit_expect_error(u, "has no file train-images-idx3-ubyte[.gz]");
	assert_null(dataset_open(u->arena, &u->diag, folder(u, "empty"),
	    DATASET_TRAIN));
	unit_expect_error(u, "holds no data set that is known");
}

/* The bytes are fixed: a drawn set must be the same everywhere. */
static void
shapes_are_fixed(void **state)
{
	struct unit *u = *state;
	struct dataset *s = dataset_open(u->arena, &u->diag, "shapes",
	    DATASET_TRAIN), *t = dataset_open(u->arena, &u->diag, "shapes",
	    DATASET_TEST);
	int64_t seen[SHAPES_CLASSES] = { 0 };
	uLong crc;

	assert_non_null(s);
	assert_non_null(t);
	assert_int_equal(s->count, SHAPES_TRAIN);
	assert_int_equal(t->count, SHAPES_TEST);
	for (int64_t i = 0; i < s->count; i++)
		seen[s->labels[i]]++;
	for (int c = 0; c < SHAPES_CLASSES; c++)
		assert_in_range(seen[c], 300, 500);
	crc = crc32(0, s->data, (uInt)(s->count * dataset_elems(s)));
	assert_int_equal(crc, SHAPES_CRC);
	assert_memory_not_equal(s->data, t->data, 400);
}

/* The published files: 60,000 and 10,000 digits whose mean is 0.1307. */
static void
real_mnist(void **state)
{
	struct unit *u = *state;
	const char *dir = "../shared/assets/data/mnist";
	struct stat st;
	struct dataset *s;
	double sum = 0, squares = 0;

	if (stat(dir, &st) != 0)
		skip();
	s = dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN);
	if (s == NULL)
		fail_msg("%s", u->last);
	assert_int_equal(s->count, 60000);
	assert_int_equal(s->dim[2], 28);
	for (int64_t i = 0; i < s->count * 784; i++) {
		double v = ((const uint8_t *)s->data)[i] / 255.0;

		sum += v;
		squares += v * v;
	}
	sum /= (double)s->count * 784;
	squares = squares / ((double)s->count * 784) - sum * sum;
	assert_true(sum > 0.13065 && sum < 0.13075);
	assert_true(squares > 0.30805 * 0.30805 && squares < 0.30815 * 0.30815);
	assert_int_equal(s->labels[0], 5);
	s = dataset_open(u->arena, &u->diag, dir, DATASET_TEST);
	assert_non_null(s);
	assert_int_equal(s->count, 10000);
	assert_int_equal(s->labels[0], 7);
}

/* The first 4,000 exact images, in a folder as CIFAR-10 has it: the published
 * set starts with a frog, two trucks, a deer and an automobile. */
static void
real_cifar(void **state)
{
	struct unit *u = *state;
	static const int32_t first[] = {6, 9, 9, 4, 1};
	char *dir = folder(u, "real"), here[4096];
	struct dataset *s;

	if (access("../" CIFAR, F_OK) != 0)
		skip();
	assert_non_null(getcwd(here, sizeof here));
	assert_int_equal(symlink(arena_printf(u->arena, "%s/../%s", here,
	    CIFAR), arena_printf(u->arena, "%s/data_batch_1.bin", dir)), 0);
	s = dataset_open(u->arena, &u->diag, dir, DATASET_TRAIN);
	if (s == NULL)
		fail_msg("%s", u->last);
	assert_int_equal(s->count, 4000);
	assert_memory_equal(s->labels, first, sizeof first);
	assert_int_equal(((const uint8_t *)s->data)[0], 59);
	assert_int_equal(((const uint8_t *)s->data)[3071], 72);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(reads_mnist_plain_and_gzip),
		UNIT_TEST(refuses_damaged_idx_files),
		UNIT_TEST(refuses_truncated_gzip),
		UNIT_TEST(refuses_odd_files),
		UNIT_TEST(reads_cifar),
		UNIT_TEST(reads_npy_pairs),
		UNIT_TEST(refuses_bad_npy_pairs),
		UNIT_TEST(refuses_what_is_no_data),
		UNIT_TEST(shapes_are_fixed),
		UNIT_TEST(real_mnist),
		UNIT_TEST(real_cifar),
	};

	return cmocka_run_group_tests_name("runtime/dataset", tests, NULL,
	    NULL);
}
