/* Walking the matrix that a view describes in pieces whose addresses have
 * constant steps. Formulas: DESIGN.md, Views. */
#ifndef WAVE_RUNTIME_SIM_VIEW_H
#define WAVE_RUNTIME_SIM_VIEW_H

#include <stdatomic.h>

#include "runtime/sim/mem.h"

/* A row p of a view, split into its digits. */
struct view_row {
	int64_t n, o[3];
};

struct view_row view_row_at(const struct view *v, int64_t p);

/* Columns that share a tap, or taps of the last axis that follow each other in
 * memory as their channels do. */
struct view_run {
	int64_t tap[3]; /* of the first column */
	int64_t last;   /* tap of the last axis in the last column */
	int64_t c, len; /* first channel, columns */
};

/* The longest run from column q on, at most limit columns. */
struct view_run view_run_at(const struct view *v, int64_t q, int64_t limit,
    bool join);

/* True when runs may go from one tap of the last axis to the next. */
bool view_joins(const struct view *v);

#define VIEW_DIGIT_N 3
#define VIEW_NO_DIGIT (-1)

/* The digit of a row along which neighbours lie a constant step apart: an axis,
 * VIEW_DIGIT_N, or VIEW_NO_DIGIT when each row must be placed by itself. */
int view_inner(const struct view *v);

/* Rows from r on, at most limit, that differ in the inner digit only. */
int64_t view_segment(const struct view *v, int inner,
    const struct view_row *r, int64_t limit);

void view_advance(const struct view *v, int inner, struct view_row *r,
    int64_t rows);

/* Where a segment of rows lies for a run's first column, without the view's
 * base and the channel. */
struct view_place {
	int64_t offset; /* of row 0, even if that row is not stored */
	int64_t step;   /* from row to row */
	int64_t lo, hi; /* rows lo..hi-1 are stored, the others are 0 */
};

/* False when none is; for a run of several taps also when that must be asked
 * tap by tap. */
bool view_place(const struct view *v, int inner, const struct view_row *r,
    const struct view_run *run, int64_t rows, struct view_place *out);

/* Rows of a segment for which not all taps of a run lie inside. */
struct view_edge {
	int64_t offset; /* of position 0 of the last axis, without the base */
	int64_t pos;    /* of the first tap for row 0, which may be outside */
	int64_t step;   /* from row to row */
	bool outside;   /* nothing is stored, by the other axes */
};

/* False when the rows must be asked tap by tap; rows is small. */
bool view_edge(const struct view *v, int inner, const struct view_row *r,
    const struct view_run *run, int64_t rows, struct view_edge *out);

/* Columns from..to-1 of the run are stored when its first tap is at pos. */
void view_clip(const struct view *v, const struct view_run *run, int64_t pos,
    int64_t *from, int64_t *to);

/* Rows and columns that a tile (outer x k) covers. */
struct view_part {
	int64_t p, np, q, nq;
};

/* False when the tile leaves the view. */
bool view_part(const struct view *v, int64_t outer0, int64_t outer,
    int64_t k0, int64_t k, struct view_part *out);

/* ---- elements ---- */

struct sim_loops;

/* Bytes of an element of the matrix unit. */
static inline int64_t
view_elem(enum dtype t)
{
	return t == DT_F32 ? 4 : 2;
}

/* A matrix of elements in simulated memory and its place in an f32 array,
 * steps in bytes there and in floats here. */
struct view_block {
	enum dtype dtype;
	int64_t rows, cols;
	int64_t row_step, col_step;
	int64_t dst_row, dst_col; /* one of them is 1 */
};

/* Loads the block at src; all of it lies inside the memory. */
void view_load(const struct sim_loops *l, const struct view_block *b,
    float *dst, const uint8_t *src);

/* The way back, with one rounding; dst_row and dst_col are the steps of src,
 * dst_col is 1. */
void view_store(const struct sim_loops *l, const struct view_block *b,
    uint8_t *dst, const float *src);

#endif
