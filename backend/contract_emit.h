/* Pieces of contract_emit.c: what is being emitted, its waves and weights. */
#ifndef WAVE_BACKEND_CONTRACT_EMIT_H
#define WAVE_BACKEND_CONTRACT_EMIT_H

#include "backend/contract.h"

struct contract_emit {
	const struct contraction *c;
	const struct contract_plan *p;
	struct lower *lw;
	struct tile_buffer *wbuf;  /* W_WHOLE: all weights */
	int64_t first, count;      /* samples of this part */
	struct tile_aff bias;      /* base of the staged bias */
	enum space bias_space;
	/* the current tile */
	const struct box *box;
	int64_t size[4];           /* tile extents n, d, h, w */
	struct tile_aff x_shift, w_shift, y_shift, res_shift; /* batch */
	struct slab x;
	struct tile_aff y_base, res_base;
	int64_t y_addr[4], y_c, res_addr[4], res_c;
	/* the current weight chunk */
	struct tile_aff pack;      /* first group */
	int64_t packed;            /* groups in it */
	struct tile_aff col;       /* first output channel within the pack */
	int64_t cols;
	struct tile_aff w_base;
	int64_t w_tap[3], w_c, w_n;
	bool w_linear;             /* rows k are evenly spaced: one digit */
	struct phase ph;           /* the current one of the tile */
	struct tile_aff x_row;     /* where it starts in the view of x */
	/* the current block */
	struct tile_aff row0, col0; /* within tile and chunk */
	int64_t row_n, col_n;
	struct tile_buffer *obuf;
};

/* ---- contract_wave.c ---- */
/* The bank of a local memory for the current block, in the current loop. */
struct tile_buffer *contract_bank(struct contract_emit *e, enum space space);
/* k tiles of rows [k_at, k_at + total); the weights' rows start at w_at of what
 * is staged. fresh: sums start there. */
void contract_k_tiles(struct contract_emit *e, const struct tile_aff *k_at,
    const struct tile_aff *w_at, int64_t total, bool fresh);
/* Brings the current block to where the result is, through the epilogue. */
void contract_drain(struct contract_emit *e);

/* ---- contract_weights.c ---- */
/* Loads rows [k0, k0 + rows) of the current columns; the staged chunk is rows
 * x cols, dense. rows == 0: all of a pack, every tap. */
void contract_load_weights(struct contract_emit *e, const struct tile_aff *k0,
    int64_t rows);
/* Makes the weights of columns [at, at + size) the current ones. */
void contract_chunk_weights(struct contract_emit *e,
    const struct tile_aff *at, int64_t size);
/* All weights at once, where the plan has them whole. */
void contract_load_whole(struct contract_emit *e);

#endif
