/* Strided boxes of bytes: the common form of every memory access. */
#ifndef WAVE_RUNTIME_SIM_BOX_H
#define WAVE_RUNTIME_SIM_BOX_H

#include <stdbool.h>
#include <stdint.h>

#define BOX_RANK 8

/* elem bytes at base + sum_d j_d * stride[d] for every 0 <= j_d < size[d]. */
struct box {
	int64_t base, elem;
	int rank;
	int64_t size[BOX_RANK], stride[BOX_RANK];
};

/* A half-open range of bytes; empty when hi <= lo. */
struct range {
	int64_t lo, hi;
};

bool box_empty(const struct box *b);

/* Smallest range that holds the box; false when an address overflows. */
bool box_bounds(const struct box *b, struct range *out);

/* How often box_runs would call fn at most. */
double box_run_count(const struct box *b);

/* Calls fn for the contiguous runs that cover exactly the bytes of the box,
 * joined where dimensions follow each other in memory. A byte may be reported
 * twice when strides overlap. The box must have passed box_bounds. */
typedef void run_fn(void *user, int64_t lo, int64_t len);
void box_runs(const struct box *b, run_fn *fn, void *user);

#endif
