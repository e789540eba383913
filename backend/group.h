/* Layer groups: nodes that run in a loop over sub-batches. See GROUPS.md. */
#ifndef WAVE_BACKEND_GROUP_H
#define WAVE_BACKEND_GROUP_H

#include "backend/lower.h"

#define LARGE_PART 64   /* of the global buffer: worth a loop */
#define SMALL_PART 1024 /* of the global buffer: worth no DRAM */
/* Versions of what is on chip in a sweep: loads run ahead. */
#define SWEEP_DEPTH 2

/* What a node has to do with the batch. */
enum batch_part {
	PART_WHOLE, /* nothing: its operands are the same for all samples */
	PART_SPLIT, /* its results have the batch as (part of) dimension 0 */
	PART_SUM,   /* its result is a sum over the batch */
};

#define CHAIN 4 /* nodes, at most */
#define STRIPS 2 /* of a value, on chip at a time */

/* Nodes that follow each other and are lowered by strips of channels: see
 * group_strips.c. */
struct chain {
	const struct node *node[CHAIN];
	int n;
	int64_t channels, strip;
};

/* A run of nodes of one group and phase. */
struct region {
	uint32_t group; /* index into graph.groups */
	const char *phase;
	bool sweep; /* of one layer, not of a group: see group_sweep.c */
	/* Positions in the schedule: before the loop [first, loop), in it
	 * [loop, after), after it [after, end). */
	uint32_t first, loop, after, end;
	int64_t sub, full, rest; /* samples, iterations, samples of the last */
	int64_t wanted;          /* the sub-batch asked for */
	bool free;               /* it may be larger */
	bool overlap;            /* array and vector unit have much to do
	                            beside each other */
	int64_t wish;            /* bytes for a sample's values in a sweep,
	                            once counted */
	struct tile_moves moves; /* in all iterations */
	int64_t *live;           /* local bytes while [loop + i] runs */
	int64_t peak;            /* most of them, and what was there */
	int64_t room;
	/* By value id: a root that is on chip within an iteration, or, if it is
	 * a sum, from one to the next. */
	bool *local;
	/* By value id: the last position of the loop that finds it there, 0:
	 * all do. */
	uint32_t *until;
	/* By value id: the root whose buffer the value is computed into, which
	 * it alone still reads; NULL: it has its own. */
	const struct value **takes;
	VEC(struct chain) chain;
	uint32_t *chain_of; /* by node id: the chain it is in, + 1; 0: none */
	int64_t *strip;     /* by value id: its channels on chip, 0: all */
};

/* The order in which nodes are lowered, and the regions in it. */
struct schedule {
	const struct node **node;
	uint32_t n;
	struct region **region; /* by position; NULL: in none */
	int64_t batch;          /* samples; 0: not known */
	bool train;             /* sums over the batch are chains */
	bool *split;            /* by value id: dimension 0 holds the batch */
	enum batch_part *part;  /* by node id */
};

/* Where partial sums over the batch start. */
enum carry {
	CARRY_NEW,   /* from 0: the first iteration, or the only one */
	CARRY_LOOP,  /* from 0 in the first iteration of the loop */
	CARRY_ADD,   /* from those of the iterations before */
};

/* ---- group_find.c ---- */
/* Finds the regions and the schedule of lw->g: in each region first what does
 * not depend on the sub-batch, then the loop, then what follows from sums.
 * False after a diagnostic. */
bool group_find(struct lower *lw);
/* The region in whose loop position at lies, or NULL. */
struct region *group_loop_at(const struct lower *lw, int64_t at);
/* Tells lw->res the positions of the nodes in r's loop. */
void group_number(struct lower *lw, const struct region *r);

/* ---- group_defer.c ---- */
/* Moves weight gradients of one operand in r's loop to the last of them. */
void group_defer(struct lower *lw, struct region *r);

/* ---- group_wide.c ---- */
/* Puts weight gradients in r's loop before the data gradients beside which
 * their sums would not fit, by the samples that r wants. */
void group_wide(struct lower *lw, struct region *r);

/* ---- group_delay.c ---- */
/* Moves weight gradients in r's loop behind a convolution that follows; false
 * when there is none. */
bool group_delay(struct lower *lw, struct region *r);

/* ---- group_order.c ---- */
/* Orders r's loop (of r->sub samples) so that values on chip (r->local) need no
 * more than room bytes a sample, or, where that cannot be, least, and array and
 * vector unit wait least for each other; false when it is as it was. */
bool group_order(struct lower *lw, struct region *r, int64_t room);

/* ---- group_pools.c ---- */
/* Moves pools in r's loop before the contraction that precedes them; false when
 * there is none. */
bool group_pools(struct lower *lw, struct region *r);

/* ---- group_sink.c ---- */
/* Moves nodes of r's loop to the one that reads their result, where that takes
 * less room than it has them keep. */
void group_sink(struct lower *lw, struct region *r);

/* ---- group_strips.c ---- */
/* Finds the chains of r's loop and moves their nodes together. */
void group_strips(struct lower *lw, struct region *r);
/* The chain that n is in; NULL: none. */
const struct chain *group_chain(const struct region *r, const struct node *n);
/* What one strip takes of `bytes` of the root v; all, where it has none. */
int64_t group_strip_bytes(const struct region *r, const struct value *v,
    int64_t bytes);
/* Bytes of v, of so many samples, that r counts on: of a value that passes by
 * strips STRIPS of them. v is a root. */
int64_t group_bytes(const struct lower *lw, const struct region *r,
    const struct value *v, int64_t samples);
/* The part of v's place pl that the strip being lowered touches. */
struct place *group_strip_place(struct lower *lw, const struct value *v,
    struct place *pl);

/* ---- group_sweep.c ---- */
/* The node behind the sweep that first starts, NULL where none does (or it ends
 * the graph). */
const struct node *group_sweep(const struct lower *lw,
    const struct node *first);
/* Whether both are of one layer's forward or backward pass, outside of groups:
 * nodes with one description in their locations. */
bool group_same_layer(const struct node *a, const struct node *b);

/* ---- group_sub.c ---- */
/* Decides what stays on chip in r's iterations, how many samples they take and
 * in which order; cap: bytes of the global buffer. */
void group_fit(struct lower *lw, struct region *r, int64_t cap);

/* ---- group_halves.c ---- */
/* The end of the run of vector nodes from position at on in r's loop that is
 * lowered half a sub-batch at a time, and what values take meanwhile; `at`
 * where none is. */
uint32_t group_halves(struct lower *lw, const struct region *r, uint32_t at,
    int64_t *live);

/* ---- group_place.c ---- */
/* The place of v in the iteration being lowered. */
struct place *group_place(struct lower *lw, const struct value *v);
/* Makes the buffer of a sum that is on chip during the region. */
void group_sum_buffer(struct lower *lw, const struct value *v);
/* The part of pl, whose first dimension holds the batch, of this iteration. */
struct place group_slice(const struct lower *lw, const struct place *pl);

/* ---- group_lower.c ---- */
bool group_lower(struct lower *lw, struct region *r,
    bool (*node)(struct lower *lw, uint32_t at));

/* ---- group_sum.c ---- */
/* Whether a sum of vectors is too large for the chip: it is added to in
 * DRAM. */
bool group_sum_is_big(struct lower *lw, const struct node *n);
/* Whether sums over the batch continue earlier ones. */
bool carry_on(const struct lower *lw);
/* Loads the partial sums of acc into part (f32, on chip, same shape), or
 * zeros where there are none yet. */
void carry_load(struct lower *lw, const struct place *acc,
    const struct place *part);
/* reduce_sum over the batch: a tree for each sample, a chain over them. */
bool lower_batch_sum(struct lower *lw, const struct node *n);

#endif
