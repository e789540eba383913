/* Training interrupted and continued: all states of a model and the position
 * in the training, in one file. TRAINING.md describes the format. */
#ifndef WAVE_RUNTIME_CHECKPOINT_H
#define WAVE_RUNTIME_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wave/object.h>

#include "support/arena.h"
#include "support/diag.h"

#define CHECKPOINT_VERSION 1

/* A state, dense and row-major in its dtype. */
struct checkpoint_tensor {
	const char *name;
	enum dtype dtype;
	int rank;
	int64_t dim[WAVE_MAX_RANK];
	size_t bytes;
	const void *data;
};

struct checkpoint {
	int64_t step;    /* done since the beginning */
	int64_t epoch;   /* complete ones */
	int64_t index;   /* batches done of the epoch that runs */
	int64_t batches; /* of an epoch */
	uint64_t seed;
	double loss_sum; /* over the epoch that runs */
	int64_t right, answers; /* of training, likewise */
	const char *options; /* what the numbers depend on, for people */
	const struct checkpoint_tensor *tensor;
	size_t ntensors;
};

/* A hash of the names, dtypes and shapes in their order. */
uint64_t checkpoint_fingerprint(const struct checkpoint_tensor *t, size_t n);

/* Writes path in one step: a file of that name is intact until the new one is
 * complete on the disk, and stays when this fails. The same contents give the
 * same bytes. */
bool checkpoint_write(struct diag *d, const char *path,
    const struct checkpoint *c);

/* Reads and verifies all of path. On any defect (no checkpoint, another
 * version, truncated, damaged) reports one error and returns false. */
bool checkpoint_read(struct arena *a, struct diag *d, const char *path,
    struct checkpoint *c);

/* Whether c, read from path, holds the n tensors of a model, whose data are
 * not looked at. If not, one error names the first that differs. */
bool checkpoint_matches(struct diag *d, const char *path,
    const struct checkpoint *c, const struct checkpoint_tensor *t, size_t n);

#endif
