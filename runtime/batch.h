/* Mini-batches of a data set: order, normalisation, augmentation. */
#ifndef WAVE_RUNTIME_BATCH_H
#define WAVE_RUNTIME_BATCH_H

#include "runtime/dataset.h"
#include "runtime/normalise.h"

struct batch_options {
	int64_t batch;    /* samples */
	uint64_t seed;
	bool shuffle;     /* another order in each epoch */
	bool drop_last;   /* leave out the batch that is not full */
	int crop;         /* zeros put around an image before a window of that
	                     size is cut out at random; 0: none */
	bool flip;        /* left and right exchanged for half of the images */
	bool plain;       /* bytes as 0..1, not as the format has it */
	bool measure;     /* normalise by what the samples themselves measure */
	struct normalise by; /* normalise by this instead */
};

struct batcher;

/* Takes "crop=N,flip,plain,measure,mean=A+B+C,deviation=A+B+C" into o; ""
 * changes nothing. NULL, or what is wrong. */
const char *batch_augment(struct batch_options *o, struct arena *a,
    const char *text);

/* NULL after an error: no full batch, a crop of what is no image, numbers
 * that do not fit the channels. */
struct batcher *batcher_open(struct arena *a, struct diag *d,
    const struct dataset *s, const struct batch_options *o);

/* Batches for evaluation: all samples of s in their order, normalised as
 * those of train. */
struct batcher *batcher_open_test(struct arena *a, struct diag *d,
    const struct dataset *s, const struct batcher *train);

/* Batches of an epoch. */
int64_t batcher_count(const struct batcher *b);

/* What samples are normalised by; no channels: not at all. */
struct normalise batcher_normalise(const struct batcher *b);

/* Fills x with batch number index of the epoch, f32, batch samples in the
 * order of the data set's dimensions, and labels (i64) or targets (f32),
 * whichever the set has. *valid samples are from the set; those behind them
 * repeat the last one. What comes out depends on the options, epoch and index
 * only. Not for two threads at a time: it keeps the order of the last epoch. */
void batch_fill(struct batcher *b, int64_t epoch, int64_t index, float *x,
    int64_t *labels, float *targets, int64_t *valid);

#endif
