/* Pieces of the memory planner that tests look at. */
#ifndef WAVE_BACKEND_TILE_PLAN_H
#define WAVE_BACKEND_TILE_PLAN_H

#include "backend/tile_order.h"

#define TILE_DRAM_ALIGN 64

/* Gives constants and bound tensors of n programs of one target their DRAM
 * addresses: equal constants, and tensors bound under one name, share them.
 * dram_used of each becomes the end of that part. False after a diagnostic. */
bool tile_plan_fixed(struct arena *a, struct tile_program *const *p, size_t n,
    struct diag *d);

#define TILE_REACHES 3

/* When a buffer is alive, in leaf numbers. */
struct tile_life {
	bool used;
	uint32_t first, last; /* both included */
	uint32_t early;       /* first, or earlier where queues run ahead: */
	uint32_t reach[TILE_REACHES]; /* the first of these for which there
	                                 is room; ascending */
	unsigned queues;      /* bit set of those that touch it */
	unsigned ahead_of;    /* bit set of those it should not wait for */
};

/* Lifetimes of all buffers by id, by the rules of TILE.md; of LBUF and OBUF
 * buffers that of one version. */
struct tile_life *tile_lifetimes(struct arena *a,
    const struct tile_program *p, const struct tile_order *o);

/* One thing to place; the caller fills all but address. */
struct tile_item {
	struct tile_buffer *buffer;
	int64_t size; /* whole ring, a multiple of the alignment */
	struct tile_life life;
	bool spans; /* lives for long: set by tile_first_fit */
	int rank;   /* those of a higher one come first, whatever the order */
	int64_t address;
};

/* In which order first fit takes the items. */
enum tile_fit_order {
	TILE_FIT_SIZE,   /* decreasing size, then start */
	TILE_FIT_LENGTH, /* decreasing lifetime, then size */
	TILE_FIT_START,  /* start, then size */
	TILE_FIT_SPAN,   /* those that live for long, then by size */
	TILE_FIT_ORDERS
};

/* First fit into [0, limit), 0: no limit. Returns the space used, or -1 when
 * it does not fit: then the first without a place has the highest rank. ahead:
 * keep the extended lifetimes apart wherever that fits too. Sorts the items. */
int64_t tile_first_fit(struct arena *a, struct tile_item *items, size_t n,
    int64_t limit, bool ahead, enum tile_fit_order order);

/* Moves placed items, one after the other, to where their extended lifetimes
 * meet no others', as far as [0, limit) has such places; 0: no limit. */
void tile_fit_earlier(struct arena *a, struct tile_item *items, size_t n,
    int64_t limit);

#endif
