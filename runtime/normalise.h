/* Mean and deviation of the channels of a data set. */
#ifndef WAVE_RUNTIME_NORMALISE_H
#define WAVE_RUNTIME_NORMALISE_H

#include "runtime/dataset.h"

/* What samples are normalised by: (v - mean) / deviation. Bytes count as
 * b / 255. */
struct normalise {
	int64_t channels; /* 0: none */
	const double *mean, *deviation;
};

/* Channels of a sample: the first axis of three, else one. */
int64_t normalise_channels(const struct dataset *s);

/* Over all samples of s; the deviation is that of the population, and 1 for
 * a channel that is constant. */
struct normalise normalise_measure(struct arena *a, const struct dataset *s);

/* Reads "A+B+C", finite numbers, at most 64. NULL when malformed. */
double *normalise_parse(struct arena *a, const char *text, int64_t *n);

#endif
