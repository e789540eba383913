/* NumPy .npy files: C order, little-endian, versions 1 to 3. */
#ifndef WAVE_SUPPORT_NPY_H
#define WAVE_SUPPORT_NPY_H

#include "support/arena.h"
#include "support/diag.h"
#include "support/dtype.h"

#define NPY_MAX_RANK 16

struct npy {
	enum dtype dtype; /* bfloat16 travels as '<V2' or '|V2' */
	int rank;
	int64_t dim[NPY_MAX_RANK];
	size_t bytes;
	void *data; /* C order; a Fortran-order file is turned on reading */
};

/* Reads path into the arena. On any defect reports one error naming the path
 * and the defect and returns false. */
bool npy_read(struct arena *a, struct diag *d, const char *path,
    struct npy *out);

/* The same for the size bytes of a file in memory, which out may point into:
 * they must stay. name stands for the path in errors. */
bool npy_parse(struct arena *a, struct diag *d, const char *name, char *file,
    size_t size, struct npy *out);

/* Writes path atomically (temporary file, rename). */
bool npy_write(struct diag *d, const char *path, const struct npy *n);

#endif
