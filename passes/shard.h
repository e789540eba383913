/* Data parallelism over the batch: the graph that one of several equal groups
 * runs on its share of the first dimension. */
#ifndef WAVE_PASSES_SHARD_H
#define WAVE_PASSES_SHARD_H

#include "ir/graph.h"

/* A copy of g in arena a whose inputs hold 1/parts of their first dimension.
 * Each group's results are then the group's share of g's results, along
 * dimension 0, to the bit. NULL when g is not parallel in its batch; *why then
 * says which node or value prevents it. Constants are shared with g. g must
 * not assign states. */
struct graph *graph_shard(struct arena *a, const struct graph *g, int parts,
    const char **why);

#endif
