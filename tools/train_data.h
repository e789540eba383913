/* A data set as the training loop takes it: batches by seed, epoch and
 * index. */
#ifndef WAVE_TOOLS_TRAIN_DATA_H
#define WAVE_TOOLS_TRAIN_DATA_H

#include "runtime/batch.h"
#include "runtime/train.h"
#include "support/str.h"

struct train_data {
	struct trainer_data source;
	const struct dataset *train, *test;
	struct batcher *train_batches, *test_batches;
};

/* Opens both parts of "DIR" or "FORMAT:DIR". */
bool train_data_open(struct train_data *t, struct arena *a, struct diag *d,
    const char *spec);

/* Whether samples, labels or targets, and classes are those of an opened
 * trainer. One error that says both otherwise. */
bool train_data_fits(const struct train_data *t, struct diag *d,
    const struct trainer *with);

/* Divides the data into batches; sets source. augment is the text of
 * --augment, or NULL. */
bool train_data_divide(struct train_data *t, struct arena *a, struct diag *d,
    int64_t batch, uint64_t seed, const char *augment);

/* The name of a class, or its number in buf (32 bytes). */
const char *train_data_class(const struct train_data *t, int64_t c,
    char *buf);

#endif
