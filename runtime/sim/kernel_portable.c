/* Plain C loops: the definition that the vector builds reproduce. */
#include "runtime/sim/loops.h"
#include "runtime/sim/map_loops.h"

#include <math.h>
#include <string.h>

#include "support/dtype.h"

static void
gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
    const float *b, int64_t ldb, float *c, int64_t ldc, bool first)
{
	for (int64_t i = 0; i < m; i++) {
		float *row = c + i * ldc;
		if (first)
			memset(row, 0, (size_t)n * sizeof *row);
		for (int64_t p = 0; p < k; p++) {
			float x = a[i * lda + p];
			const float *y = b + p * ldb;
			for (int64_t j = 0; j < n; j++)
				row[j] = fmaf(x, y[j], row[j]);
		}
	}
}

static void
from_f16(float *dst, const uint16_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		dst[i] = f16_to_f32(src[i]);
}

static void
from_bf16(float *dst, const uint16_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		dst[i] = bf16_to_f32(src[i]);
}

static void
to_f16(uint16_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		dst[i] = f32_to_f16(src[i]);
}

static void
to_bf16(uint16_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		dst[i] = f32_to_bf16(src[i]);
}

const struct sim_loops sim_loops_portable = {"portable", gemm, from_f16,
    from_bf16, to_f16, to_bf16, map_f32};

const struct sim_loops *
sim_loops_best(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512dq"))
		return &sim_loops_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &sim_loops_avx2;
#endif
	return &sim_loops_portable;
}
