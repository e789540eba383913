/* Host threads for the kernels: a parallel loop over [0, n). */
#ifndef WAVE_RUNTIME_SIM_POOL_H
#define WAVE_RUNTIME_SIM_POOL_H

#include <stdint.h>

struct pool;

/* threads - 1 helper threads, waiting. NULL for one thread or when threads
 * cannot be had: everything then runs on the caller. */
struct pool *pool_new(int threads);
void pool_free(struct pool *p);

/* Calls fn on disjoint ranges that cover [0, n), boundaries at multiples of
 * unit, and returns when all are done. The split never changes a result: each
 * element is computed by one call alone. */
void pool_run(struct pool *p, int64_t n, int64_t unit,
    void (*fn)(void *ctx, int64_t from, int64_t to), void *ctx);

#endif
