/* Placed items by the time they are alive, so that first fit looks at those
 * alone that an item could meet. */
#ifndef WAVE_BACKEND_TILE_NEAR_H
#define WAVE_BACKEND_TILE_NEAR_H

#include "backend/tile_plan.h"

struct tile_near;

/* Whether two buffers keep apart: both are alive at a time or, ahead, the queue
 * that writes the later one could do that, from its early start on, while
 * another queue still uses the earlier one. */
bool tile_near_together(const struct tile_life *a, const struct tile_life *b,
    bool ahead);

/* An empty index for items with the lifetimes of these n. */
struct tile_near *tile_near_new(struct arena *a, const struct tile_item *items,
    size_t n);

/* Adds one of them at its address. */
void tile_near_add(struct tile_near *t, struct tile_item *x);

/* Moves one that was added. */
void tile_near_move(struct tile_near *t, struct tile_item *x, int64_t address);

/* Lowest address for x beside the others that were added; ahead: extended
 * lifetimes count. */
int64_t tile_near_lowest(struct tile_near *t, const struct tile_item *x,
    bool ahead);

/* Whether x is where it meets no other that was added, extended lifetimes
 * included. */
bool tile_near_apart(const struct tile_near *t, const struct tile_item *x);

#endif
