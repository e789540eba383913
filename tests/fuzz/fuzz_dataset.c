/* Any bytes as a data set: one error, or samples and labels that hold. The
 * first byte chooses format and file, the next two where a pair of files is
 * divided. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/dataset.h"

struct pair {
	const char *x, *y;
};

static const struct pair pairs[] = {
	{ "train-images-idx3-ubyte", "train-labels-idx1-ubyte" },
	{ "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte" },
	{ "data_batch_1.bin", NULL },
	{ "train_x.npy", "train_y.npy" },
};

static void
put(struct arena *a, const char *dir, const char *name, const uint8_t *data,
    size_t size)
{
	FILE *f = fopen(arena_printf(a, "%s/%s", dir, name), "wb");

	if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		abort();
}

static void
check(const struct dataset *s)
{
	int64_t n = s->count * dataset_elems(s);
	size_t bytes = (size_t)n * dtype_size(s->dtype);
	unsigned sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += ((const uint8_t *)s->data)[i];
	for (int64_t i = 0; i < s->count && s->classes > 0; i++)
		if (s->labels[i] < 0 || s->labels[i] >= s->classes)
			abort();
	if (s->count < 1 || sum > 255 * bytes)
		abort();
}

void
fuzz_one(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/fuzz_dataset.XXXXXX";
	struct arena *a = arena_new();
	struct diag d = { 0 };
	struct dataset *s;
	const struct pair *p;
	size_t cut;

	if (size < 3 || mkdtemp(dir) == NULL) {
		arena_free(a);
		return;
	}
	p = &pairs[data[0] % 4];
	cut = (size_t)(data[1] | data[2] << 8);
	data += 3;
	size -= 3;
	cut = p->y == NULL || cut > size ? size : cut;
	put(a, dir, p->x, data, cut);
	if (p->y != NULL)
		put(a, dir, p->y, data + cut, size - cut);
	s = dataset_open(a, &d, dir, DATASET_TRAIN);
	if ((s == NULL) != (d.errors == 1) || d.errors > 1)
		abort();
	if (s != NULL)
		check(s);
	unlink(arena_printf(a, "%s/%s", dir, p->x));
	if (p->y != NULL)
		unlink(arena_printf(a, "%s/%s", dir, p->y));
	rmdir(dir);
	arena_free(a);
}
