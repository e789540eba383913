/* AVX2 and FMA loops: 6 x 16 register tiles. */
#if defined(__x86_64__)
#include "runtime/sim/loops.h"
#include "runtime/sim/map_loops.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "support/dtype.h"

#define TILE(ROWS)                                                          \
	static void tile_##ROWS(int64_t k, const float *a, int64_t lda,     \
	    const float *b, int64_t ldb, float *c, int64_t ldc, bool first) \
	{                                                                   \
		__m256 s0[ROWS], s1[ROWS];                                  \
		_Pragma("GCC unroll 16")                                    \
		for (int i = 0; i < ROWS; i++) {                            \
			s0[i] = first ? _mm256_setzero_ps() :               \
			    _mm256_loadu_ps(c + i * ldc);                   \
			s1[i] = first ? _mm256_setzero_ps() :               \
			    _mm256_loadu_ps(c + i * ldc + 8);               \
		}                                                           \
		for (int64_t p = 0; p < k; p++) {                           \
			__m256 b0 = _mm256_loadu_ps(b + p * ldb);           \
			__m256 b1 = _mm256_loadu_ps(b + p * ldb + 8);       \
			_Pragma("GCC unroll 16")                            \
			for (int i = 0; i < ROWS; i++) {                    \
				__m256 x = _mm256_set1_ps(a[i * lda + p]);  \
				s0[i] = _mm256_fmadd_ps(x, b0, s0[i]);      \
				s1[i] = _mm256_fmadd_ps(x, b1, s1[i]);      \
			}                                                   \
		}                                                           \
		_Pragma("GCC unroll 16")                                    \
		for (int i = 0; i < ROWS; i++) {                            \
			_mm256_storeu_ps(c + i * ldc, s0[i]);               \
			_mm256_storeu_ps(c + i * ldc + 8, s1[i]);           \
		}                                                           \
	}

TILE(6)
TILE(2)
TILE(1)

/* The last n % 16 columns. */
static void
narrow(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
    const float *b, int64_t ldb, float *c, int64_t ldc, bool first)
{
	for (int64_t i = 0; i < m; i++) {
		float sum[16];
		for (int64_t j = 0; j < n; j++)
			sum[j] = first ? 0 : c[i * ldc + j];
		for (int64_t p = 0; p < k; p++)
			for (int64_t j = 0; j < n; j++)
				sum[j] = fmaf(a[i * lda + p], b[p * ldb + j],
				    sum[j]);
		memcpy(c + i * ldc, sum, (size_t)n * sizeof *sum);
	}
}

static void
gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
    const float *b, int64_t ldb, float *c, int64_t ldc, bool first)
{
	int64_t j = 0;
	for (; j + 16 <= n; j += 16) {
		int64_t i = 0;
		for (; i + 6 <= m; i += 6)
			tile_6(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first);
		for (; i + 2 <= m; i += 2)
			tile_2(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first);
		for (; i < m; i++)
			tile_1(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first);
	}
	if (j < n)
		narrow(m, n - j, k, a, lda, b + j, ldb, c + j, ldc, first);
}

static void
from_f16(float *dst, const uint16_t *src, int64_t n)
{
	int64_t i = 0;
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(dst + i, _mm256_cvtph_ps(
		    _mm_loadu_si128((const __m128i *)(const void *)(src + i))));
	for (; i < n; i++)
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
	int64_t i = 0;
	for (; i + 8 <= n; i += 8) {
		__m256 v = _mm256_loadu_ps(src + i);
		if (_mm256_movemask_ps(_mm256_cmp_ps(v, v, _CMP_UNORD_Q))) {
			for (int64_t j = i; j < i + 8; j++)
				dst[j] = f32_to_f16(src[j]);
			continue;
		}
		_mm_storeu_si128((__m128i *)(void *)(dst + i),
		    _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT |
		    _MM_FROUND_NO_EXC));
	}
	for (; i < n; i++)
		dst[i] = f32_to_f16(src[i]);
}

static void
to_bf16(uint16_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		dst[i] = f32_to_bf16(src[i]);
}

const struct sim_loops sim_loops_avx2 = {"avx2", gemm, from_f16, from_bf16,
    to_f16, to_bf16, map_f32};
#else
typedef int wave_no_avx2;
#endif
