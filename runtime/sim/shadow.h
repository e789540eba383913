/* A value per byte of a memory, kept as runs of equal values. */
#ifndef WAVE_RUNTIME_SIM_SHADOW_H
#define WAVE_RUNTIME_SIM_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shadow_seg {
	uint32_t start, value; /* from start to the next segment */
};

struct shadow_page { /* uniform when seg is NULL */
	struct shadow_seg *seg;
	uint32_t len, cap;
	uint32_t uniform;
};

struct shadow {
	struct shadow_page *page;
	size_t npages;
};

/* All bytes start with value 0. */
void shadow_init(struct shadow *s, uint64_t size);
void shadow_free(struct shadow *s);

/* Replaces the value of each byte of [lo, lo + len) by fn's answer. fn is
 * called once per run of equal values, with the run. */
typedef uint32_t shadow_fn(void *user, uint32_t value, int64_t lo,
    int64_t hi);
void shadow_map(struct shadow *s, int64_t lo, int64_t len, shadow_fn *fn,
    void *user);

/* The same for all bytes, without ranges (lo and hi are 0). */
void shadow_map_all(struct shadow *s, shadow_fn *fn, void *user);

#endif
