/* A vector instruction being executed: its operands resolved, and elements in
 * the three types that the unit computes in. isa_math.md defines both. */
#ifndef WAVE_RUNTIME_SIM_VEC_OP_H
#define WAVE_RUNTIME_SIM_VEC_OP_H

#include <stdatomic.h>

#include "runtime/sim/loops.h"
#include "runtime/sim/mem.h"
#include "runtime/sim/pool.h"

#define VEC_CHUNK 1024 /* elements of a run handled at a time */
#define VEC_SHARED 32768 /* below, threads cost more than they save */

enum vec_compute { VEC_F32, VEC_F64, VEC_INT };

struct vec_side {
	const struct mem *m;
	enum dtype t;
	int64_t size; /* of an element */
	int64_t base;
	int64_t stride[VEC_MAX_RANK];
};

struct vec_op {
	const struct vec *v;
	enum vec_func func;
	enum vec_compute compute;
	enum dtype order; /* of integers: u64 when a source is, else x's type */
	const struct sim_loops *loops;
	int nops;               /* 1 + sources */
	struct vec_side o[1 + VEC_MAX_SRC]; /* 0: destination */
	/* Dimensions after joining: outer ones, then nred reduced ones. */
	int rank, nred;
	int64_t size[VEC_MAX_RANK];
	bool apart; /* threads may share the outer dimensions */
	atomic_bool bad;
};

/* Dimensions of VWIN: those of the result, then taps. */
enum { WIN_N, WIN_D, WIN_H, WIN_W, WIN_C, WIN_KD, WIN_KH, WIN_KW };

/* Each runs one kind of instruction; false when an operand lies outside. */
bool vec_map(struct exec_group *g, struct vec_op *op);
bool vec_reduce(struct exec_group *g, struct vec_op *op);
bool vec_window(struct exec_group *g, struct vec_op *op);

/* Does vec_slide_rows take the instruction? Result and image must be apart. */
bool vec_slides(const struct vec_op *op);
/* Rows from..to-1 of the result, which count (n, d, h); ctx is the vec_op. */
void vec_slide_rows(void *ctx, int64_t from, int64_t to);

/* Drops dimensions of one element and joins neighbours that every operand
 * walks in one go; outer and reduced dimensions stay apart. */
void vec_simplify(struct vec_op *op);

/* Does operand i lie inside its memory over the first rank dimensions? Gives
 * its range. */
bool vec_inside(const struct vec_op *op, int i, int rank,
    struct mem_range *out);

/* Do threads see different bytes when they share the outer dimensions? The
 * destination's elements must be apart, and a source must coincide with it
 * element by element (same) or not meet it at all. */
bool vec_apart(const struct vec_op *op, int outer, bool same);

/* ---- elements ---- */

/* Runs of n elements, step bytes apart, as f32. */
void vec_get_f32(const struct vec_op *op, float *dst, const uint8_t *src,
    int64_t step, enum dtype t, int64_t n);
void vec_put_f32(const struct vec_op *op, uint8_t *dst, int64_t step,
    enum dtype t, const float *src, int64_t n);

/* rows x cols elements, in f32 without gaps. */
void vec_get_rows(const struct vec_op *op, float *dst, const uint8_t *src,
    int64_t row_step, int64_t col_step, enum dtype t, int64_t rows,
    int64_t cols);
void vec_put_rows(const struct vec_op *op, uint8_t *dst, int64_t row_step,
    int64_t col_step, enum dtype t, const float *src, int64_t rows,
    int64_t cols);

/* Rows and columns with steps in bytes; as one row where the columns' step
 * leads from row to row. */
struct vec_rows {
	int64_t rows, cols, row_step, col_step;
};

static inline struct vec_rows
vec_join(int64_t rows, int64_t cols, int64_t row_step, int64_t col_step)
{
	if (cols == 1)
		return (struct vec_rows){1, rows, 0, row_step};
	if (rows == 1 || row_step == wrap_mul(cols, col_step))
		return (struct vec_rows){1, rows * cols, 0, col_step};
	return (struct vec_rows){rows, cols, row_step, col_step};
}

double vec_get_f64(const uint8_t *p, enum dtype t);
void vec_put_f64(uint8_t *p, enum dtype t, double v);

/* Integers are 64 bits wide; what a type cannot hold is cut off. */
uint64_t vec_get_int(const uint8_t *p, enum dtype t);
void vec_put_int(uint8_t *p, enum dtype t, uint64_t v);

/* Comparison of integers in order t. */
static inline bool
vec_int_less(enum dtype t, uint64_t a, uint64_t b)
{
	return t == DT_U64 ? a < b : (int64_t)a < (int64_t)b;
}

/* VMAP func on integers of order t, to is the type of the result. */
uint64_t vec_int_map(enum vec_func f, enum dtype t, enum dtype to,
    const uint64_t *x, const double *param);

#endif
