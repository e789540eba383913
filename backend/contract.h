/* A contraction on the systolic array: what conv, conv_transpose and matmul
 * have in common. y[p, co] = act(sum_k x[p, k] w[k, co] + bias + residual),
 * p a pixel, k = (kd, kh, kw, c) ascending. */
#ifndef WAVE_BACKEND_CONTRACT_H
#define WAVE_BACKEND_CONTRACT_H

#include "backend/phase.h"
#include "backend/slab.h"

#define MAX_BATCH 3

enum weight_mode {
	W_RESIDENT, /* operand is on chip already */
	W_WHOLE,    /* loaded once into `wspace` */
	W_CHUNK,    /* columns in turn, two versions in WBUF */
	W_PANEL,    /* columns in turn, each for all tiles */
	W_STREAM,   /* rows in turn within an output block, two versions */
};

struct contraction {
	struct lower *lw;
	const struct node *node;
	struct place x, w, y, bias, res;
	bool has_bias, has_res;
	struct window win;        /* of x; c counts one group */
	bool split;               /* into phases where win.up > 1 */
	int64_t groups, cig, cog; /* channels of a group: in, out */
	int64_t k;                /* taps * cig */
	/* w in memory: byte strides per tap, input and output channel; flip:
	 * taps run backwards. canonical: rows k are evenly spaced; packable:
	 * so are the columns of all groups. */
	int64_t w_tap[3], w_c, w_n, w_group; /* and per group */
	bool flip[3], canonical, packable;
	int64_t w_bytes;
	/* y and residual, byte strides of n, d, h, w and channel. */
	int64_t y_addr[4], y_c, res_addr[4], res_c;
	/* Batched product: outer loops. */
	int nbatch;
	int64_t batch[MAX_BATCH], x_batch[MAX_BATCH], w_batch[MAX_BATCH],
	    y_batch[MAX_BATCH], res_batch[MAX_BATCH];
	enum dtype round; /* of bias and residual; DT_NONE: f32 only */
	enum act act;
	double alpha, beta;
};

/* The schedule of one contraction. */
struct contract_plan {
	bool pixels_stationary; /* activations in the PEs, weights move */
	enum weight_mode wmode;
	enum space wspace;
	int64_t tile[4];  /* n, d, h, w */
	int64_t pack;     /* groups that share a wave */
	int64_t chunk;    /* output channels of a weight chunk */
	int64_t kchunk;   /* rows of a weight chunk, W_STREAM; within a tap
	                     where weights are not canonical */
	int64_t rowblk, colblk; /* pixels and channels of an OBUF block */
	int depth;        /* versions of staged tiles */
	int64_t cycles;   /* steady matrix cycles, for reports */
	int64_t time;     /* of the matrix unit */
	int64_t operands; /* bytes that waves load */
	int64_t traffic;  /* DRAM bytes */
	double cost;
};

/* Chooses tiles, stationary operand and weight staging by estimated time.
 * False when nothing fits; contract_no_room reports that. */
bool contract_plan(const struct contraction *c, struct contract_plan *p);
void contract_no_room(const struct contraction *c);

/* Whether weights are read as `taps` runs of rows that lie *step bytes apart
 * from byte *first on: canonical ones as one run. */
bool contract_tap_runs(const struct contraction *c, int64_t *taps,
    int64_t *first, int64_t *step);

/* Emits the tile IR. second (may be NULL): p is for the first GROUP_HALF of the
 * samples, second for the others, which come after them, not in a loop; both
 * have the weights in one way. */
void contract_emit(const struct contraction *c, const struct contract_plan *p,
    const struct contract_plan *second);

/* m pixels x n channels x k products on the array. */
struct contract_work {
	const struct wave_target *target;
	bool pixels_stationary;
	int64_t m, n, k;
	enum partial_k partial_k;
	enum dtype dtype; /* of the operands */
	int64_t drain;    /* bytes of result and residual, each output */
};

/* The sum of ExecGEMM occupancies; the time with loads, chained sums and
 * drains, once everything is under way; and the bytes of operands that all
 * waves load. */
int64_t contract_steady(const struct contract_work *w);
int64_t contract_time(const struct contract_work *w);
int64_t contract_operands(const struct contract_work *w);

/* Parts as even as possible, none above limit. */
int64_t contract_even(int64_t total, int64_t limit);

/* Extent of the moving and of the stationary side of an OBUF block. */
int64_t moving_limit(const struct wave_target *t, enum dtype dtype);

#endif
