/* The inner loops of the simulator, built three times: kernel_portable.c,
 * kernel_avx2.c and kernel_avx512.c. Every rounding is explicit (fma where it
 * is meant, no contraction), every order of additions is stated and every NaN
 * that is computed is the canonical one (f32 0x7fc00000, f16 0x7e00, bf16
 * 0x7fc0), so all builds give the same bits. isa_math.md is the definition. */
#ifndef WAVE_RUNTIME_SIM_LOOPS_H
#define WAVE_RUNTIME_SIM_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/isa/isa.h"

#define RED_LANES 16 /* accumulators of a reduction */

/* The epilogue of a drain on a block of rows x cols sums. */
struct epi_block {
	int64_t rows, cols;
	const float *sums; /* rows sum_row apart */
	int64_t sum_row;
	const float *scale, *bias; /* cols values, or NULL */
	const float *residual;     /* rows x cols, dense, or NULL */
	enum dtype round;          /* f16, bf16: after bias and residual */
	enum epi_act act;
	float alpha, beta;
};

/* What one build of the loops offers. Addresses in simulated memory (uint8_t)
 * need no alignment; float arrays are aligned as floats. Arrays do not
 * overlap. */
struct sim_loops {
	const char *name; /* "portable" "avx2" "avx512" */

	/* c[i][j] = chain of fma(a[i][k], b[k][j], c[i][j]), ascending k;
	 * row-major with leading dimensions; first starts from +0. */
	void (*gemm)(int64_t m, int64_t n, int64_t k, const float *a,
	    int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc,
	    bool first);

	/* rows x cols elements of t (f32, f16, bf16) to f32 and back; the
	 * columns lie side by side. src_row and dst_row: bytes in simulated
	 * memory, floats otherwise. Loading keeps the payload of a NaN as
	 * dtype.h does, storing makes it canonical. */
	void (*load)(enum dtype t, float *dst, int64_t dst_row,
	    const uint8_t *src, int64_t src_row, int64_t rows, int64_t cols);
	void (*store)(enum dtype t, uint8_t *dst, int64_t dst_row,
	    const float *src, int64_t src_row, int64_t rows, int64_t cols);
	/* dst[c * dst_row + r] = src[r][c], f32 */
	void (*transpose)(float *dst, int64_t dst_row, const uint8_t *src,
	    int64_t src_row, int64_t rows, int64_t cols);

	/* act(round(round(sums * scale + bias) + residual)), each operation
	 * rounded to f32, round to its type; dense */
	void (*epilogue)(const struct epi_block *e, float *dst);

	/* dst[i] = f(x[i], y[i], z[i]); absent sources hold anything. */
	void (*map)(enum vec_func f, int64_t n, float *dst, const float *x,
	    const float *y, const float *z, const double *param);
	/* acc[i % 16] = f(acc[i % 16], x[i]) for reduction f, i ascending */
	void (*reduce)(enum vec_func f, int64_t n, float *acc,
	    const float *x);
	/* acc[i] = f(acc[i], x[i]) for reduction or window f */
	void (*accumulate)(enum vec_func f, int64_t n, float *acc,
	    const float *x);
	/* best[i] = x[i] and arg[i] = tap where arg[i] < 0 (nothing yet), or
	 * x[i] is greater or the first NaN */
	void (*first_max)(int64_t n, float *best, float *arg, const float *x,
	    float tap);
	/* acc[i] += x[i] where y[i] == tap */
	void (*add_where)(int64_t n, float *acc, const float *x,
	    const float *y, float tap);
};

extern const struct sim_loops sim_loops_portable;
#if defined(__x86_64__)
extern const struct sim_loops sim_loops_avx2, sim_loops_avx512;
#endif

/* The best build that this host runs. */
const struct sim_loops *sim_loops_best(void);

#endif
