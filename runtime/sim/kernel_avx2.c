/* AVX2, FMA and F16C loops: register tiles of 6 x 16. */
#if defined(__x86_64__)
#include "runtime/sim/loops.h"

#include <immintrin.h>
#include <string.h>

#include "runtime/sim/transpose_avx2.h"
#include "support/dtype.h"

#define PANEL 16 /* columns of b side by side */
#define DEPTH 256 /* rows of b in a panel */

static inline __m256
canonical_ps(__m256 v)
{
	return _mm256_blendv_ps(v,
	    _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)),
	    _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

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
			_mm256_storeu_ps(c + i * ldc,                       \
			    canonical_ps(s0[i]));                           \
			_mm256_storeu_ps(c + i * ldc + 8,                   \
			    canonical_ps(s1[i]));                           \
		}                                                           \
	}

TILE(6)
TILE(2)
TILE(1)

static void
columns(int64_t m, int64_t k, const float *a, int64_t lda, const float *b,
    int64_t ldb, float *c, int64_t ldc, bool first)
{
	int64_t i = 0;

	for (; i + 6 <= m; i += 6)
		tile_6(k, a + i * lda, lda, b, ldb, c + i * ldc, ldc, first);
	for (; i + 2 <= m; i += 2)
		tile_2(k, a + i * lda, lda, b, ldb, c + i * ldc, ldc, first);
	for (; i < m; i++)
		tile_1(k, a + i * lda, lda, b, ldb, c + i * ldc, ldc, first);
}

/* The last n < 16 columns, from a padded panel by way of padded sums. */
static void
narrow(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
    const float *panel, float *c, int64_t ldc, bool first)
{
	float s[6 * PANEL] = {0};
	size_t bytes = (size_t)n * sizeof *c;

	for (int64_t i = 0; i < m; i += 6) {
		int64_t rows = m - i < 6 ? m - i : 6;

		for (int64_t r = 0; r < rows && !first; r++)
			memcpy(s + r * PANEL, c + (i + r) * ldc, bytes);
		columns(rows, k, a + i * lda, lda, panel, PANEL, s, PANEL,
		    first);
		for (int64_t r = 0; r < rows; r++)
			memcpy(c + (i + r) * ldc, s + r * PANEL, bytes);
	}
}

/* A panel without gaps, filled up with zeros. */
static void
pack(float *panel, int64_t k, int64_t n, const float *b, int64_t ldb)
{
	for (int64_t p = 0; p < k; p++, b += ldb, panel += PANEL) {
		if (n >= PANEL) {
			memcpy(panel, b, PANEL * sizeof *b);
			continue;
		}
		memcpy(panel, b, (size_t)n * sizeof *b);
		memset(panel + n, 0, (size_t)(PANEL - n) * sizeof *b);
	}
}

static void
gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
    const float *b, int64_t ldb, float *c, int64_t ldc, bool first)
{
	float panel[DEPTH * PANEL];

	for (int64_t p = 0; p < k; p += DEPTH, first = false) {
		int64_t depth = k - p < DEPTH ? k - p : DEPTH;

		for (int64_t j = 0; j < n; j += PANEL) {
			int64_t wide = n - j, step = ldb;
			const float *from = b + p * ldb + j;

			if (wide < PANEL || (m >= 24 && ldb > PANEL)) {
				pack(panel, depth, wide, from, ldb);
				from = panel;
				step = PANEL;
			}
			if (wide < PANEL)
				narrow(m, wide, depth, a + p, lda, from,
				    c + j, ldc, first);
			else
				columns(m, depth, a + p, lda, from, step,
				    c + j, ldc, first);
		}
	}
}

static void
copy_f32(float *dst, const uint8_t *src, int64_t n)
{
	memcpy(dst, src, (size_t)n * sizeof *dst);
}

static void
store_f32(uint8_t *dst, const float *src, int64_t n)
{
	int64_t i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_si256((__m256i *)(void *)(dst + 4 * i),
		    _mm256_castps_si256(
		    canonical_ps(_mm256_loadu_ps(src + i))));
	for (; i < n; i++) {
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

static inline __m128i
halves_at(const uint8_t *p, int64_t i)
{
	return _mm_loadu_si128((const __m128i *)(const void *)(p + 2 * i));
}

static void
from_f16(float *dst, const uint8_t *src, int64_t n)
{
	int64_t i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(dst + i, _mm256_cvtph_ps(halves_at(src, i)));
	for (; i < n; i++)
		dst[i] = f16_to_f32(half_at(src, i));
}

static void
from_bf16(float *dst, const uint8_t *src, int64_t n)
{
	int64_t i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(dst + i, _mm256_castsi256_ps(
		    _mm256_slli_epi32(
		    _mm256_cvtepu16_epi32(halves_at(src, i)), 16)));
	for (; i < n; i++)
		dst[i] = bf16_to_f32(half_at(src, i));
}

/* The low halves of eight words. */
static inline void
put_halves(uint8_t *dst, __m256i w)
{
	w = _mm256_permute4x64_epi64(_mm256_packus_epi32(w, w), 0x08);
	_mm_storeu_si128((__m128i *)(void *)dst, _mm256_castsi256_si128(w));
}

static void
to_f16(uint8_t *dst, const float *src, int64_t n)
{
	int64_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m256 v = _mm256_loadu_ps(src + i);
		__m256i nan = _mm256_castps_si256(
		    _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
		__m256i h = _mm256_cvtepu16_epi32(_mm256_cvtps_ph(v,
		    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));

		put_halves(dst + 2 * i, _mm256_blendv_epi8(h,
		    _mm256_set1_epi32(0x7e00), nan));
	}
	for (; i < n; i++) {
		uint16_t h = f32_to_f16(src[i]);

		memcpy(dst + 2 * i, &h, sizeof h);
	}
}

/* Adding half of the last place, less one where that place is even, carries
 * into it exactly when rounding goes up. */
static void
to_bf16(uint8_t *dst, const float *src, int64_t n)
{
	int64_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m256 v = _mm256_loadu_ps(src + i);
		__m256i nan = _mm256_castps_si256(
		    _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
		__m256i w = _mm256_castps_si256(v);
		__m256i odd = _mm256_and_si256(_mm256_srli_epi32(w, 16),
		    _mm256_set1_epi32(1));

		w = _mm256_add_epi32(w, _mm256_add_epi32(odd,
		    _mm256_set1_epi32(0x7fff)));
		put_halves(dst + 2 * i, _mm256_blendv_epi8(
		    _mm256_srli_epi32(w, 16), _mm256_set1_epi32(0x7fc0),
		    nan));
	}
	for (; i < n; i++) {
		uint16_t h = f32_to_bf16(src[i]);

		memcpy(dst + 2 * i, &h, sizeof h);
	}
}

#define HAVE_RUNS
#include "runtime/sim/map_loops.h"

const struct sim_loops sim_loops_avx2 = {"avx2", gemm, load_rows, store_rows,
    transpose, epilogue, map_f32, reduce, accumulate,
    first_max, add_where};
#else
typedef int wave_no_avx2;
#endif
