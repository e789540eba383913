/* AVX-512 loops: 12 x 32 register tiles. */
#if defined(__x86_64__)
#include "runtime/sim/loops.h"
#include "runtime/sim/map_loops.h"

#include <immintrin.h>

/* ROWS x 32 outputs (the second half masked) through all of k. A macro body is
 * what keeps the accumulators in registers for every ROWS. */
#define TILE(ROWS)                                                          \
	static void tile_##ROWS(int64_t k, const float *a, int64_t lda,     \
	    const float *b, int64_t ldb, float *c, int64_t ldc, bool first, \
	    __mmask16 m0, __mmask16 m1)                                     \
	{                                                                   \
		__m512 s0[ROWS], s1[ROWS];                                  \
		_Pragma("GCC unroll 16")                                    \
		for (int i = 0; i < ROWS; i++) {                            \
			s0[i] = first ? _mm512_setzero_ps() :               \
			    _mm512_maskz_loadu_ps(m0, c + i * ldc);         \
			s1[i] = first ? _mm512_setzero_ps() :               \
			    _mm512_maskz_loadu_ps(m1, c + i * ldc + 16);    \
		}                                                           \
		for (int64_t p = 0; p < k; p++) {                           \
			__m512 b0 = _mm512_maskz_loadu_ps(m0, b + p * ldb); \
			__m512 b1 = _mm512_maskz_loadu_ps(m1,               \
			    b + p * ldb + 16);                              \
			_Pragma("GCC unroll 16")                            \
			for (int i = 0; i < ROWS; i++) {                    \
				__m512 x = _mm512_set1_ps(a[i * lda + p]);  \
				s0[i] = _mm512_fmadd_ps(x, b0, s0[i]);      \
				s1[i] = _mm512_fmadd_ps(x, b1, s1[i]);      \
			}                                                   \
		}                                                           \
		_Pragma("GCC unroll 16")                                    \
		for (int i = 0; i < ROWS; i++) {                            \
			_mm512_mask_storeu_ps(c + i * ldc, m0, s0[i]);      \
			_mm512_mask_storeu_ps(c + i * ldc + 16, m1, s1[i]); \
		}                                                           \
	}

TILE(12)
TILE(8)
TILE(4)
TILE(2)
TILE(1)

static __mmask16
mask_of(int64_t n)
{
	return n >= 16 ? (__mmask16)0xffff : n <= 0 ? (__mmask16)0 :
	    (__mmask16)((1u << n) - 1);
}

static void
gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
    const float *b, int64_t ldb, float *c, int64_t ldc, bool first)
{
	for (int64_t j = 0; j < n; j += 32) {
		__mmask16 m0 = mask_of(n - j), m1 = mask_of(n - j - 16);
		int64_t i = 0;
		for (; i + 12 <= m; i += 12)
			tile_12(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first, m0, m1);
		for (; i + 8 <= m; i += 8)
			tile_8(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first, m0, m1);
		for (; i + 4 <= m; i += 4)
			tile_4(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first, m0, m1);
		for (; i + 2 <= m; i += 2)
			tile_2(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first, m0, m1);
		for (; i < m; i++)
			tile_1(k, a + i * lda, lda, b + j, ldb,
			    c + i * ldc + j, ldc, first, m0, m1);
	}
}

static void
from_f16(float *dst, const uint16_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m256i h = _mm256_maskz_loadu_epi16(m, src + i);
		_mm512_mask_storeu_ps(dst + i, m, _mm512_cvtph_ps(h));
	}
}

static void
from_bf16(float *dst, const uint16_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m512i w = _mm512_cvtepu16_epi32(
		    _mm256_maskz_loadu_epi16(m, src + i));
		_mm512_mask_storeu_ps(dst + i, m,
		    _mm512_castsi512_ps(_mm512_slli_epi32(w, 16)));
	}
}

/* NaN becomes the one quiet NaN of DESIGN.md. */
static void
to_f16(uint16_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m512 v = _mm512_maskz_loadu_ps(m, src + i);
		__mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
		__m256i h = _mm512_cvtps_ph(v,
		    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
		h = _mm256_mask_set1_epi16(h, nan, 0x7e00);
		_mm256_mask_storeu_epi16(dst + i, m, h);
	}
}

static void
to_bf16(uint16_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m512 v = _mm512_maskz_loadu_ps(m, src + i);
		__mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
		__m512i w = _mm512_castps_si512(v);
		__m512i odd = _mm512_and_si512(_mm512_srli_epi32(w, 16),
		    _mm512_set1_epi32(1));
		w = _mm512_add_epi32(w, _mm512_add_epi32(odd,
		    _mm512_set1_epi32(0x7fff)));
		__m256i h = _mm512_cvtepi32_epi16(_mm512_srli_epi32(w, 16));
		h = _mm256_mask_set1_epi16(h, nan, 0x7fc0);
		_mm256_mask_storeu_epi16(dst + i, m, h);
	}
}

const struct sim_loops sim_loops_avx512 = {"avx512", gemm, from_f16,
    from_bf16, to_f16, to_bf16, map_f32};
#else
typedef int wave_no_avx512;
#endif
