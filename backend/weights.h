/* Constant weights in the order in which the machine reads them. */
#ifndef WAVE_BACKEND_WEIGHTS_H
#define WAVE_BACKEND_WEIGHTS_H

#include "ir/graph.h"

/* How rows k = (kd, kh, kw, ci) of all output channels lie in a constant;
 * strides in elements. flip: taps run backwards along an axis. */
struct weight_order {
	const struct value *v;
	int64_t tap[3], stride_tap[3];
	int64_t ci, stride_ci; /* of one group */
	int64_t groups, stride_group;
	int64_t co, stride_co; /* of one group */
	bool flip[3];
};

/* Reordered constants of one compilation: lowering may be repeated, and ops
 * and graphs may share weights. Empty when all zero. */
struct weight_cache {
	struct arena *arena; /* that has them */
	VEC(struct weight_entry *) entries;
};

/* The elements as a dense matrix of rows (tap, ci) and columns (group, co). */
const void *weights_reorder(struct weight_cache *cache,
    const struct weight_order *o);

#endif
