#include "runtime/dataset.h"

#include <string.h>
#include <sys/stat.h>

#include "runtime/dataset_file.h"
#include "runtime/shapes.h"

struct format {
	const char *name;
	bool (*is)(struct arena *a, const char *dir);
	bool (*open)(struct arena *a, struct diag *d, const char *dir,
	    enum dataset_part part, struct dataset *s);
};

static const struct format formats[] = {
	{ "mnist", dataset_is_mnist, dataset_mnist },
	{ "cifar10", dataset_is_cifar10, dataset_cifar10 },
	{ "npy", dataset_is_npy, dataset_npy },
};

#define NFORMATS (sizeof formats / sizeof *formats)

int64_t
dataset_elems(const struct dataset *s)
{
	int64_t n = 1;

	for (int i = 0; i < s->rank; i++)
		n *= s->dim[i];
	return n;
}

int64_t
dataset_targets(const struct dataset *s)
{
	int64_t n = 1;

	for (int i = 0; i < s->target_rank; i++)
		n *= s->target_dim[i];
	return n;
}

/* The format that spec names or whose files its folder holds; *dir is the
 * folder. NULL after an error. */
static const struct format *
find_format(struct arena *a, struct diag *d, const char *spec,
    const char **dir)
{
	const char *colon = strchr(spec, ':');
	struct loc loc = { .file = spec };
	struct stat st;

	for (size_t i = 0; i < NFORMATS && colon != NULL; i++) {
		size_t n = strlen(formats[i].name);

		if ((size_t)(colon - spec) == n &&
		    strncmp(spec, formats[i].name, n) == 0) {
			*dir = colon + 1;
			return &formats[i];
		}
	}
	*dir = spec;
	if (stat(spec, &st) != 0) {
		diag_error(d, &loc, "there is no such folder of data; write "
		    "DIR or FORMAT:DIR with the format mnist, cifar10 or "
		    "npy, or shapes for the built-in set");
		return NULL;
	}
	for (size_t i = 0; i < NFORMATS; i++)
		if (formats[i].is(a, spec))
			return &formats[i];
	diag_error(d, &loc, "holds no data set that is known: MNIST "
	    "(train-images-idx3-ubyte[.gz] ...), CIFAR-10 (data_batch_1.bin "
	    "...) or NumPy (train_x.npy, train_y.npy, test_x.npy, "
	    "test_y.npy)");
	return NULL;
}

struct dataset *
dataset_open(struct arena *a, struct diag *d, const char *spec,
    enum dataset_part part)
{
	struct dataset *s = NEW(a, struct dataset);
	const struct format *f;
	const char *dir;

	if (strcmp(spec, "shapes") == 0)
		return dataset_shapes(a, part, s) ? s : NULL;
	f = find_format(a, d, spec, &dir);
	if (f == NULL)
		return NULL;
	s->format = f->name;
	if (!f->open(a, d, dir, part, s))
		return NULL;
	if (s->count == 0) {
		struct loc loc = { .file = s->source };

		diag_error(d, &loc, "holds no samples");
		return NULL;
	}
	return s;
}
