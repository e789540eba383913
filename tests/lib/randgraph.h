/* Random graphs of small tensors, from every row of the op table. */
#ifndef WAVE_TESTS_LIB_RANDGRAPH_H
#define WAVE_TESTS_LIB_RANDGRAPH_H

#include "ir/graph.h"
#include "tests/lib/unit.h"

struct random_graph {
	struct unit *unit;
	uint64_t *seed;
	enum dtype dtype; /* of inputs and constants: a float */
	struct graph *g;
	VEC(struct value *) pool; /* values of that dtype to read from */
	int64_t max_elems;        /* of one tensor */
};

/* A new graph with a few inputs in the pool. */
void random_start(struct random_graph *r, struct unit *u, uint64_t *seed,
    enum dtype t);

/* Adds one node of that op with random operands and attributes, with what it
 * needs before it; NULL where the dice gave nothing valid. */
struct node *random_node(struct random_graph *r, enum op op);

/* Ends the graph: outputs are the values that nobody reads. */
void random_finish(struct random_graph *r);

/* A number from lo to hi. */
int64_t random_between(struct random_graph *r, int64_t lo, int64_t hi);

#endif
