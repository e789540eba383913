/* CIFAR-10's binary batches (https://www.cs.toronto.edu/~kriz/cifar.html):
 * records of a label byte and 3 x 32 x 32 bytes. */
#include "runtime/dataset_file.h"

#include <string.h>
#include <sys/stat.h>

#define PIXELS (3 * 32 * 32)
#define RECORD (1 + PIXELS)
#define MAX_RECORDS ((int64_t)1 << 24)

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

bool
dataset_is_cifar10(struct arena *a, const char *dir)
{
	return dataset_find(a, dir, train_files, NTRAIN) != NULL ||
	    dataset_find(a, dir, test_file, 1) != NULL;
}

struct batches {
	struct arena *a;
	struct diag *d;
	int64_t count, cap;
	uint8_t *pixels;
	int32_t *labels;
};

static void
grow(struct batches *b)
{
	int64_t cap = b->cap == 0 ? 1024 : 2 * b->cap;
	uint8_t *pixels = arena_alloc(b->a, (size_t)cap * PIXELS);
	int32_t *labels = NEW_ARRAY(b->a, int32_t, (size_t)cap);

	if (b->count > 0) {
		memcpy(pixels, b->pixels, (size_t)b->count * PIXELS);
		memcpy(labels, b->labels, (size_t)b->count * sizeof *labels);
	}
	b->pixels = pixels;
	b->labels = labels;
	b->cap = cap;
}

/* Records up to the end of the file, as many as its size says. */
static bool
read_records(struct batches *b, struct dataset_file *f, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		uint8_t label;

		if (b->count == b->cap)
			grow(b);
		if (!dataset_file_read(f, &label, 1) ||
		    !dataset_file_read(f, b->pixels + b->count * PIXELS,
			PIXELS))
			return false;
		if (label > 9)
			return dataset_file_error(f, "sample %lld: label %d "
			    "is no class from 0 to 9", (long long)i, label);
		b->labels[b->count++] = label;
	}
	return dataset_file_end(f);
}

static bool
read_batch(struct batches *b, const char *path)
{
	struct dataset_file f;
	struct stat st;
	bool ok = dataset_file_open(&f, b->d, path);

	if (ok && stat(path, &st) == 0 && st.st_size % RECORD != 0)
		ok = dataset_file_error(&f, "is %lld bytes long, no multiple "
		    "of a record's %d: truncated, or no CIFAR-10 batch",
		    (long long)st.st_size, RECORD);
	else if (ok && st.st_size / RECORD > MAX_RECORDS)
		ok = dataset_file_error(&f, "is too large");
	ok = ok && read_records(b, &f, st.st_size / RECORD);
	dataset_file_close(&f);
	return ok;
}

bool
dataset_cifar10(struct arena *a, struct diag *d, const char *dir,
    enum dataset_part part, struct dataset *s)
{
	struct batches b = { .a = a, .d = d };
	const char *const *names = part == DATASET_TRAIN ? train_files :
							   test_file;
	size_t n = part == DATASET_TRAIN ? NTRAIN : 1;
	struct loc loc = { .file = dir };

	for (size_t i = 0; i < n; i++) {
		const char *path = dataset_find(a, dir, names + i, 1);

		if (path == NULL)
			continue;
		s->source = path;
		if (!read_batch(&b, path))
			return false;
	}
	if (s->source == NULL) {
		diag_error(d, &loc, "has no file %s", names[0]);
		return false;
	}
	s->count = b.count;
	s->dtype = DT_U8;
	s->rank = 3;
	s->dim[0] = 3;
	s->dim[1] = s->dim[2] = 32;
	s->data = b.pixels;
	s->labels = b.labels;
	s->classes = 10;
	s->class_names = classes;
	s->mean = mean;
	s->deviation = deviation;
	return true;
}
