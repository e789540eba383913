/* CIFAR-10's binary batches (https://www.cs.toronto.edu/~kriz/cifar.html):
 * records of a label byte and 3 x 32 x 32 bytes. */
#include "runtime/dataset_file.h"

#include <unistd.h>

#define PIXELS (3 * 32 * 32)
#define RECORD (1 + PIXELS)
#define NCLASSES 10
#define MAX_RECORDS ((int64_t)1 << 24) /* 52 GB */

/* Of the training images: Krizhevsky's set as commonly normalised. */
static const double mean[] = { 0.4914, 0.4822, 0.4465 };
static const double deviation[] = { 0.2470, 0.2435, 0.2616 };

static const char *const classes[] = { "airplane", "automobile", "bird",
	"cat", "deer", "dog", "frog", "horse", "ship", "truck" };

static const char *const train_files[] = { "data_batch_1.bin",
	"data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
	"data_batch_5.bin" };
static const char *const test_file[] = { "test_batch.bin" };

#define NTRAIN (sizeof train_files / sizeof *train_files)

/* The path of a batch, NULL when it does not exist. */
static const char *
find_batch(struct arena *a, const char *dir, const char *name)
{
	const char *path = arena_printf(a, "%s/%s", dir, name);

	return access(path, F_OK) == 0 ? path : NULL;
}

bool
dataset_is_cifar10(struct arena *a, const char *dir)
{
	for (size_t i = 0; i < NTRAIN; i++)
		if (find_batch(a, dir, train_files[i]) != NULL)
			return true;
	return find_batch(a, dir, test_file[0]) != NULL;
}

struct batches {
	struct dataset_file f[NTRAIN];
	int64_t records[NTRAIN];
	size_t n;      /* files */
	int64_t count; /* records of all */
	uint8_t *pixels;
	int32_t *labels;
};

static bool
open_batch(struct batches *b, struct diag *d, const char *path)
{
	struct dataset_file *f = &b->f[b->n];

	if (!dataset_file_open(f, d, path))
		return false;
	b->n++;
	if (f->gzip)
		return dataset_file_error(f, "is compressed; CIFAR-10 batches "
		    "are read as they lie in their archive");
	if (f->size % RECORD != 0)
		return dataset_file_error(f, "is %lld bytes long, no multiple "
		    "of a record's %d: truncated, or no CIFAR-10 batch",
		    (long long)f->size, RECORD);
	b->records[b->n - 1] = f->size / RECORD;
	b->count += b->records[b->n - 1];
	return b->count <= MAX_RECORDS ||
	    dataset_file_error(f, "is too large");
}

/* The records of a file, to number `first` of all. */
static bool
read_records(struct batches *b, struct dataset_file *f, int64_t first,
    int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		uint8_t label;

		if (!dataset_file_read(f, &label, 1) ||
		    !dataset_file_read(f, b->pixels + (first + i) * PIXELS,
			PIXELS))
			return false;
		if (label >= NCLASSES)
			return dataset_file_error(f, "sample %lld: label %d "
			    "is no class from 0 to %d", (long long)i, label,
			    NCLASSES - 1);
		b->labels[first + i] = label;
	}
	return dataset_file_end(f);
}

static bool
read_batches(struct batches *b, struct arena *a, struct diag *d,
    const char *dir, enum dataset_part part)
{
	const char *const *names = part == DATASET_TRAIN ? train_files :
							   test_file;
	size_t n = part == DATASET_TRAIN ? NTRAIN : 1;
	int64_t first = 0;

	for (size_t i = 0; i < n; i++) {
		const char *path = find_batch(a, dir, names[i]);

		if (path != NULL && !open_batch(b, d, path))
			return false;
	}
	if (b->n == 0) {
		struct loc loc = {.file = dir};

		diag_error(d, &loc, "has no file %s", names[0]);
		return false;
	}
	b->pixels = dataset_file_alloc(&b->f[0], a, b->count * PIXELS);
	if (b->pixels == NULL)
		return false;
	b->labels = NEW_ARRAY(a, int32_t, (size_t)b->count + 1);
	for (size_t i = 0; i < b->n; i++) {
		if (!read_records(b, &b->f[i], first, b->records[i]))
			return false;
		first += b->records[i];
	}
	return true;
}

bool
dataset_cifar10(struct arena *a, struct diag *d, const char *dir,
    enum dataset_part part, struct dataset *s)
{
	struct batches b = {.n = 0};
	bool ok = read_batches(&b, a, d, dir, part);

	for (size_t i = 0; i < b.n; i++)
		dataset_file_close(&b.f[i]);
	if (!ok)
		return false;
	s->source = b.f[0].path;
	s->count = b.count;
	s->dtype = DT_U8;
	s->rank = 3;
	s->dim[0] = 3;
	s->dim[1] = s->dim[2] = 32;
	s->data = b.pixels;
	s->labels = b.labels;
	s->classes = NCLASSES;
	s->class_names = classes;
	s->mean = mean;
	s->deviation = deviation;
	return true;
}
