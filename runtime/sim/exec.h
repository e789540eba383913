/* The functional half of the simulator: what one instruction does to values.
 * Time is sim.c's. All functions trap (return false with *why set to a static
 * or arena string) instead of reading or writing outside a memory. */
#ifndef WAVE_RUNTIME_SIM_EXEC_H
#define WAVE_RUNTIME_SIM_EXEC_H

#include "backend/isa/isa.h"

/* One byte-addressed memory. data is NULL in timing-only runs. */
struct pool;

struct mem {
	uint8_t *data;
	uint64_t size;
};

/* Local buffers hold f32 values already converted from their dtype (exact):
 * a bank of lbuf_v is k x n row-major, of lbuf_h m x k row-major, of obuf
 * m x n row-major, each with its current extents. The banks grow on demand
 * up to the target's capacity. */
struct bank {
	float *data;
	size_t cap;           /* floats */
	int64_t rows, cols;   /* extents of what it holds */
	enum dtype dtype;     /* of the loaded operand */
};

struct exec_array { /* local state of one array */
	struct bank *lbuf_v, *lbuf_h; /* lbuf_banks each */
	struct bank *obuf;            /* obuf_banks */
	struct bank pe;               /* stationary tile in the PEs, k x n */
};

/* State of one group as the kernels see it. */
struct exec_group {
	struct mem *dram; /* shared by all groups */
	struct mem gbuf, wbuf;
	struct exec_array array;
	int64_t group; /* index, for aff_eval */
	const struct isa_tables *tables;
	const struct wave_target *target;
	struct pool *pool; /* host threads; NULL: the caller's alone */
};

/* Each takes the loop indices of the issuing queue. */
bool exec_dma(struct exec_group *g, const struct dma *d, const int64_t *idx,
    bool load, const char **why);
bool exec_ldlbuf(struct exec_group *g, const struct view *v,
    const int64_t *idx, struct bank *dst, int64_t outer, int64_t k,
    bool stationary, const char **why); /* stationary: stored k x outer */
bool exec_shift(struct exec_group *g, const struct bank *src, int64_t k,
    int64_t n, const char **why);
bool exec_gemm(struct exec_group *g, const struct bank *h, struct bank *obuf,
    int64_t m, int64_t k, int64_t n, bool first, const char **why);
bool exec_drain(struct exec_group *g, const struct view *v,
    const struct epi *e, const int64_t *idx, const struct bank *obuf,
    int64_t m, int64_t n, const char **why);
bool exec_ldobuf(struct exec_group *g, const struct view *v,
    const int64_t *idx, struct bank *obuf, int64_t m, int64_t n,
    const char **why);
bool exec_vec(struct exec_group *g, enum opcode op, const struct vec *v,
    const int64_t *idx, const char **why);

/* Vector functions on f32, defined to the bit in ISA.md. */
float vecmath_f32(enum vec_func f, float x, float y, float z,
    const double *param);
/* Word `word` of Philox 4x32-10 at that step, with key param. */
uint32_t vecmath_philox(uint64_t step, uint64_t word, const double *param);
double vecmath_f64(enum vec_func f, double x, double y, double z,
    const double *param);

float epi_act(enum epi_act act, float v, float alpha, float beta);

#endif
