/* Loops over ranges, divided among the processors. */
#ifndef WAVE_SUPPORT_PARALLEL_H
#define WAVE_SUPPORT_PARALLEL_H

#include <stdint.h>

/* Elements [from, to) of what ctx describes. */
typedef void parallel_fn(void *ctx, int64_t from, int64_t to);

/* Calls fn for ranges that together are [0, n), each a multiple of `unit` long
 * but the last, and no shorter than `least`, so that a thread is worth it. The
 * calls may run at the same time and have to give the same whatever the ranges.
 * Returns when all are done; where no thread can be had, they run here. */
void parallel_ranges(int64_t n, int64_t unit, int64_t least, parallel_fn *fn,
    void *ctx);

#endif
