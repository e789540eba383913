/* Data sets of labelled images: formats and what they give; see DATA.md. */
#ifndef WAVE_RUNTIME_DATASET_H
#define WAVE_RUNTIME_DATASET_H

#include "support/arena.h"
#include "support/diag.h"
#include "support/dtype.h"

enum dataset_part { DATASET_TRAIN, DATASET_TEST };

#define DATASET_MAX_RANK 4

struct dataset {
	const char *format; /* "mnist" "cifar10" "npy" "shapes" */
	const char *source; /* for messages: a file of it */
	int64_t count;      /* samples */
	int rank;           /* of a sample: 3 for images, as C, H, W */
	int64_t dim[DATASET_MAX_RANK];
	enum dtype dtype;   /* of elements: DT_U8 or DT_F32 */
	const void *data;   /* sample after sample, row-major */
	/* What each sample is: a class, or targets when classes is 0. */
	int64_t classes;
	const int32_t *labels;
	int target_rank;
	int64_t target_dim[DATASET_MAX_RANK];
	const float *targets;
	const char *const *class_names; /* by class; NULL: unknown */
	/* What images of the format are usually normalised by, on the scale
	 * of 0 to 1; one for each channel. NULL: not at all. */
	const double *mean, *deviation;
};

/* Opens one part of "DIR" or "FORMAT:DIR"; without a format, that of the files
 * found in DIR. "shapes" needs no folder. NULL after one error that names the
 * file and what is wrong with it. */
struct dataset *dataset_open(struct arena *a, struct diag *d,
    const char *spec, enum dataset_part part);

/* Elements of one sample, of one target (1 for a class). */
int64_t dataset_elems(const struct dataset *s);
int64_t dataset_targets(const struct dataset *s);

#endif
