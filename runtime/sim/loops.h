/* The inner loops of the simulator. Included by kernel_portable.c,
 * kernel_avx2.c and kernel_avx512.c, which differ in compiler flags only: every
 * rounding is explicit (fmaf, no contraction), so all give the same bits. */
#ifndef WAVE_RUNTIME_SIM_LOOPS_H
#define WAVE_RUNTIME_SIM_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/isa/isa.h"

/* What one build of the loops offers. */
struct sim_loops {
	const char *name; /* "portable" "avx2" "avx512" */
	/* c[i][j] = chain of fma(a[i][k], b[k][j], c[i][j]), ascending k;
	 * row-major with leading dimensions; first starts from +0. */
	void (*gemm)(int64_t m, int64_t n, int64_t k, const float *a,
	    int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc,
	    bool first);
	/* Runs of n elements, contiguous. */
	void (*from_f16)(float *dst, const uint16_t *src, int64_t n);
	void (*from_bf16)(float *dst, const uint16_t *src, int64_t n);
	void (*to_f16)(uint16_t *dst, const float *src, int64_t n);
	void (*to_bf16)(uint16_t *dst, const float *src, int64_t n);
	/* dst[i] = f(x[i], y[i], z[i]); absent sources hold anything. */
	void (*map)(enum vec_func f, int64_t n, float *restrict dst,
	    const float *x, const float *y,
	    const float *z, const double *param);
};

extern const struct sim_loops sim_loops_portable;
#if defined(__x86_64__)
extern const struct sim_loops sim_loops_avx2, sim_loops_avx512;
#endif

/* The best build that this host runs. */
const struct sim_loops *sim_loops_best(void);

#endif
