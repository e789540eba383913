/* Numbering of a tile program: nodes in preorder, leaves (instructions) in the
 * order of the sequential meaning. Shared by planning, synchronisation and
 * code generation. */
#ifndef WAVE_BACKEND_TILE_ORDER_H
#define WAVE_BACKEND_TILE_ORDER_H

#include "backend/tile.h"

struct tile_span {
	uint32_t first, end; /* leaves of the node: first..end-1 */
	unsigned queues;     /* bit set of the queues with leaves in it */
};

struct tile_order {
	uint32_t nnodes, nleaves;
	struct tile_node **node; /* by tile_node.order */
	struct tile_span *span;  /* by tile_node.order */
	struct tile_node **leaf; /* by leaf number */
};

/* Numbers the nodes of p (tile_node.order) and fills the tables in a. */
void tile_order(struct arena *a, struct tile_program *p,
    struct tile_order *out);

/* The node after n in preorder, or NULL. */
struct tile_node *tile_next(const struct tile_node *n);

/* Iterations of l in one run of the entry, all enclosing loops counted; 1 for
 * NULL, the top level. */
int64_t tile_iterations(const struct tile_loop *l);

/* First child of the body of l, of p's top level where l is NULL. */
struct tile_node *tile_body(const struct tile_program *p,
    const struct tile_loop *l);

/* The child of the body of l (NULL: top level) that n lies in, or NULL. */
struct tile_node *tile_child(const struct tile_loop *l,
    struct tile_node *n);

/* Whether a is b or encloses b; NULL, the top level, encloses everything. */
bool tile_encloses(const struct tile_loop *a, const struct tile_loop *b);

#endif
