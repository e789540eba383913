/* Plain C loops: the definition that the vector builds reproduce. */
#include "runtime/sim/loops.h"

#include <math.h>
#include <string.h>

#include "support/dtype.h"

static void
copy_f32(float *dst, const uint8_t *src, int64_t n)
{
	memcpy(dst, src, (size_t)n * sizeof *dst);
}

static void
store_f32(uint8_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		uint32_t b;

		memcpy(&b, &src[i], sizeof b);
		if ((b & 0x7fffffffu) > 0x7f800000u)
			b = 0x7fc00000u;
		memcpy(dst + 4 * i, &b, sizeof b);
	}
}

static uint16_t
half_at(const uint8_t *p, int64_t i)
{
	uint16_t h;

	memcpy(&h, p + 2 * i, sizeof h);
	return h;
}

static void
from_f16(float *dst, const uint8_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		dst[i] = f16_to_f32(half_at(src, i));
}

static void
from_bf16(float *dst, const uint8_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		dst[i] = bf16_to_f32(half_at(src, i));
}

static void
to_f16(uint8_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		uint16_t h = f32_to_f16(src[i]);

		memcpy(dst + 2 * i, &h, sizeof h);
	}
}

static void
to_bf16(uint8_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		uint16_t h = f32_to_bf16(src[i]);

		memcpy(dst + 2 * i, &h, sizeof h);
	}
}

#define HAVE_RUNS
#include "runtime/sim/map_loops.h"

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
		canonical(n, row);
	}
}

static void
transpose(float *dst, int64_t dst_row, const uint8_t *src, int64_t src_row,
    int64_t rows, int64_t cols)
{
	for (int64_t c = 0; c < cols; c++)
		for (int64_t r = 0; r < rows; r++)
			memcpy(&dst[c * dst_row + r],
			    src + r * src_row + c * 4, sizeof *dst);
}

const struct sim_loops sim_loops_portable = {"portable", gemm, load_rows,
    store_rows, transpose, epilogue, map_f32, reduce, accumulate,
    first_max, add_where};

const struct sim_loops *
sim_loops_best(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512dq"))
		return &sim_loops_avx512;
	/* every processor with AVX2 has F16C */
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &sim_loops_avx2;
#endif
	return &sim_loops_portable;
}
