/* Weights of contractions: where their output channels lie, and their
 * rounding to 16 bits. */
#ifndef WAVE_PASSES_WEIGHTS_H
#define WAVE_PASSES_WEIGHTS_H

#include "passes/rewrite.h"

/* Element i of the weights of a contraction, or of the scale of a batch norm,
 * belongs to output channel
 *   (span > 0 ? i / span : 0) * per + i / inner % per
 */
struct weight_map {
	int64_t inner; /* elements from one channel to the next */
	int64_t per;   /* channels in a row */
	int64_t span;  /* elements of one group, 0: no groups */
};
struct weight_map weight_map(const struct node *n);

/* The channel of element i. */
int64_t weight_channel(const struct weight_map *k, int64_t i);

/* The constant weights of the contraction n (operand 1, f32) in 16-bit dtype
 * t. To nearest; but where the other operand is never negative the error of
 * one weight is carried to the next of its channel, so that their sum stays
 * right: then the errors of the products do not add up. */
struct value *weights_narrow(struct graph *g, const struct node *n,
    enum dtype t);

#endif
