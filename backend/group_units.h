/* Units of a group's loop: what the passes that order it move at once. */
#ifndef WAVE_BACKEND_GROUP_UNITS_H
#define WAVE_BACKEND_GROUP_UNITS_H

#include "backend/group.h"
#include "backend/place.h"

/* A contraction, or vector nodes between two of them of which one reads what
 * another makes. */
struct unit {
	uint32_t first, last; /* positions, linked by `next` */
	bool array;           /* a contraction */
	bool chain;           /* with pools: see group_strips.c */
	VEC(uint32_t) then;   /* units that depend on it */
};

struct units {
	struct lower *lw;
	struct region *r;
	uint32_t n;        /* positions of the loop */
	uint32_t *pos;     /* by node id: position + 1; 0: not in it */
	uint32_t *unit_of; /* by position */
	uint32_t *next;    /* by position: the next of its unit; n: none */
	struct unit *unit; /* in the order of the loop */
	uint32_t count;
};

/* Finds the units of r's loop and what they depend on. */
void units_find(struct units *u, struct lower *lw, struct region *r);
const struct node *units_node(const struct units *u, uint32_t at);
/* Calls fn for each root on chip (r->local) that the node at position at reads
 * or writes, once for each time. */
void units_touched(const struct units *u, uint32_t at,
    void (*fn)(void *ctx, const struct info *root), void *ctx);

#endif
