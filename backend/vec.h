/* Vector ops as loops with a stride for every operand: a tree of element-wise
 * steps over one iteration space, whose root may reduce it. */
#ifndef WAVE_BACKEND_VEC_H
#define WAVE_BACKEND_VEC_H

#include "backend/lower.h"

#define MAX_OPERANDS 12 /* 0 is the destination */
#define MAX_STEPS 10

/* One loop of the operation with the byte stride of every operand. */
struct vdim {
	int64_t size;
	int64_t stride[MAX_OPERANDS];
	bool reduced;
};

/* One instruction on a tile: of operands (numbers from 1) and results of
 * earlier steps (-1 - step). The last step writes operand 0, the others another
 * operand or a tile of their own. */
struct vstep {
	enum vec_func func;
	double param[2];
	int nsrc, src[VEC_MAX_SRC];
	enum dtype dtype; /* of its result */
	int to; /* the operand that it writes; 0: a tile of its own */
};

struct vop {
	struct lower *lw;
	enum tile_kind kind; /* TILE_MAP or TILE_RED */
	enum vec_func func;
	double param[2];
	bool copy;           /* plain copy: DMA alone may do it */
	int nops;            /* operands, destination included */
	struct place pl[MAX_OPERANDS];
	bool stream[MAX_OPERANDS]; /* lives in DRAM */
	bool made[MAX_OPERANDS];   /* a step writes it */
	struct tile_buffer *hoisted[MAX_OPERANDS];
	int nsteps;          /* before the last, which is func of the others */
	struct vstep step[MAX_STEPS];
	int last[VEC_MAX_SRC], nlast; /* sources of the last; nlast 0: all
	                                 operands in turn */
	const struct value *seen[MAX_OPERANDS], *step_of[MAX_STEPS];
	int rank;
	struct vdim dim[2 * GRID_RANK];
	int64_t tile[2 * GRID_RANK];
};

void vop_dim(struct vop *o, int64_t size, bool reduced);
/* The dimensions of y, which operand 0 is. */
void vop_map_space(struct vop *o, const struct place *y);
/* Operand k, in the loops of a result of rank `rank`. */
void vop_broadcast(struct vop *o, int k, const struct place *pl, int rank);
/* Bytes that the results of steps may take where nothing streams. */
int64_t vop_step_limit(const struct lower *lw);
/* Makes operand or step of v, which is read by a result of shape y, whose
 * dimension i is loop at[i] (NULL: loop i): its number as in struct vstep, 0
 * when there are too many. */
int vop_source(struct vop *o, const struct value *v,
    const struct tensor_type *y, const int *at);
/* The vector function of an element-wise op that has no more to it. */
bool vop_func(const struct node *n, enum vec_func *f, double *param);
/* Whether the result of the node at a position, a state in DRAM, is computed
 * together with the node behind it, which alone reads it: tile by tile, so that
 * it is stored but not loaded again. */
bool vop_beside(struct lower *lw, uint32_t at);
/* Whether v, a new state, is better off chip because of that: what both nodes
 * read, as a weight that decays, is then loaded once. */
bool vop_wants_beside(const struct lower *lw, const struct value *v);
/* Cuts and emits it; false after a diagnostic. */
bool vop_run(struct vop *o);

#endif
