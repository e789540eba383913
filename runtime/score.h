/* How well a model's outputs agree with what was wanted. */
#ifndef WAVE_RUNTIME_SCORE_H
#define WAVE_RUNTIME_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "support/npy.h"

/* Sums over samples; {0} to begin, with probabilities set as is fit. */
struct score {
	bool probabilities; /* outputs are; else logits or their logarithms */
	double loss;     /* cross-entropy, or squared errors */
	int64_t right;   /* answers that are the label */
	int64_t answers; /* labels, or elements of targets, judged */
	bool classes;    /* right has a meaning */
};

/* Adds the first `samples` of a batch: output floats [N, C, ...] against labels
 * i64 [N, ...], one for each column along C, or targets of the output's shape.
 * The answer is the first greatest of the C scores; NaN is never the greatest.
 * The shapes must fit (score_fits). */
void score_add(struct score *s, const struct npy *output,
    const struct npy *wanted, int64_t samples);

/* Whether wanted (labels: integers) can judge output. */
bool score_fits(const struct npy *output, const struct npy *wanted);

/* Index of the greatest of n scores that lie `stride` elements apart from
 * element `first` on. */
int64_t score_answer(const struct npy *output, int64_t first, int64_t n,
    int64_t stride);

/* Mean loss; share of right answers. NaN where nothing was judged. */
double score_loss(const struct score *s);
double score_accuracy(const struct score *s);

#endif
