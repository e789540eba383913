/* Data parallelism over the batch: the graph that each of several equal groups
 * of a chip runs. See AUTODIFF.md, "Groups of the chip". */
#ifndef WAVE_PASSES_SHARD_H
#define WAVE_PASSES_SHARD_H

#include "ir/graph.h"

/* A copy of g, which must be legalized, in arena a. Inputs hold 1/parts of
 * their first dimension, but for scalars. What g computes of each sample, a
 * group computes of its samples, to the bit; sums over the batch, which only
 * training steps may have, are those of all groups, added in the order of the
 * groups. value.common tells what is the same in all groups; other values are
 * shares along dimension 0, those that an assignment takes for only a part of
 * its state included. NULL when g is not parallel in its batch; *why then says
 * which node or value prevents it. Constants are shared with g. */
struct graph *graph_shard(struct arena *a, const struct graph *g, int parts,
    const char **why);

#endif
