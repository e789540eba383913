/* MNIST's IDX files (http://yann.lecun.com/exdb/mnist): a magic number with
 * type and rank, extents as 32-bit big-endian numbers, bytes. */
#include "runtime/dataset_file.h"

#include "support/str.h"

#define MAX_SIDE 65535

static const double mean[] = { 0.1307 }, deviation[] = { 0.3081 };

static const char *const images[2][2] = {
	{ "train-images-idx3-ubyte", "train-images.idx3-ubyte" },
	{ "t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte" },
};
static const char *const labels[2][2] = {
	{ "train-labels-idx1-ubyte", "train-labels.idx1-ubyte" },
	{ "t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte" },
};

bool
dataset_is_mnist(struct arena *a, const char *dir)
{
	return dataset_find(a, dir, images[DATASET_TRAIN], 2) != NULL ||
	    dataset_find(a, dir, images[DATASET_TEST], 2) != NULL;
}

static uint32_t
big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* The header of unsigned bytes with `rank` extents. */
static bool
read_header(struct dataset_file *f, int rank, int64_t *dim)
{
	uint8_t head[16];

	if (!dataset_file_read(f, head, 4 + 4 * rank))
		return false;
	if (head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] != rank)
		return dataset_file_error(f, "starts with %02x %02x %02x "
		    "%02x, not with 00 00 08 %02x as IDX %s do", head[0],
		    head[1], head[2], head[3], (unsigned)rank,
		    rank == 3 ? "images" : "labels");
	for (int i = 0; i < rank; i++)
		dim[i] = big_endian(head + 4 + 4 * i);
	return true;
}

/* The bytes behind the header. */
static uint8_t *
read_body(struct arena *a, struct dataset_file *f, int rank,
    const int64_t *dim)
{
	int64_t size = 1;
	uint8_t *data;

	for (int i = 0; i < rank; i++)
		if (!mul_int64(size, dim[i], &size))
			size = INT64_MAX;
	if (size > f->most) {
		dataset_file_error(f, "truncated: its header announces %lld "
		    "bytes, more than it can hold", (long long)size);
		return NULL;
	}
	data = dataset_file_alloc(f, a, size);
	return data != NULL && dataset_file_read(f, data, size) &&
	    dataset_file_end(f) ? data : NULL;
}

static uint8_t *
read_idx(struct arena *a, struct diag *d, const char *path, int rank,
    int64_t *dim)
{
	struct dataset_file f;
	uint8_t *data = NULL;

	if (dataset_file_open(&f, d, path) && read_header(&f, rank, dim)) {
		if (rank == 3 && (dim[1] < 1 || dim[2] < 1 ||
		    dim[1] > MAX_SIDE || dim[2] > MAX_SIDE))
			dataset_file_error(&f, "images of %lld x %lld pixels",
			    (long long)dim[1], (long long)dim[2]);
		else
			data = read_body(a, &f, rank, dim);
	}
	dataset_file_close(&f);
	return data;
}

static bool
take_labels(struct arena *a, struct diag *d, const char *path,
    struct dataset *s)
{
	struct loc loc = { .file = path };
	int64_t n;
	int32_t *out;
	const uint8_t *data = read_idx(a, d, path, 1, &n);

	if (data == NULL)
		return false;
	if (n != s->count) {
		diag_error(d, &loc, "has %lld labels for the %lld images of "
		    "%s", (long long)n, (long long)s->count, s->source);
		return false;
	}
	out = NEW_ARRAY(a, int32_t, (size_t)n + 1);
	for (int64_t i = 0; i < n; i++) {
		out[i] = data[i];
		if (data[i] < s->classes)
			continue;
		diag_error(d, &loc, "sample %lld: label %d is no class from 0 "
		    "to %lld", (long long)i, data[i],
		    (long long)s->classes - 1);
		return false;
	}
	s->labels = out;
	return true;
}

bool
dataset_mnist(struct arena *a, struct diag *d, const char *dir,
    enum dataset_part part, struct dataset *s)
{
	const char *x = dataset_find(a, dir, images[part], 2);
	const char *y = dataset_find(a, dir, labels[part], 2);
	struct loc loc = { .file = dir };
	int64_t dim[3];

	if (x == NULL || y == NULL) {
		diag_error(d, &loc, "has no file %s[.gz]", x == NULL ?
		    images[part][0] : labels[part][0]);
		return false;
	}
	s->data = read_idx(a, d, x, 3, dim);
	if (s->data == NULL)
		return false;
	s->source = x;
	s->dtype = DT_U8;
	s->count = dim[0];
	s->rank = 3;
	s->dim[0] = 1;
	s->dim[1] = dim[1];
	s->dim[2] = dim[2];
	s->classes = 10;
	s->mean = mean;
	s->deviation = deviation;
	return take_labels(a, d, y, s);
}
