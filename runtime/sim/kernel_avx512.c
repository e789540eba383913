/* AVX-512 loops: register tiles of 12 x 32. */
#if defined(__x86_64__)
#include "runtime/sim/loops.h"

#include <immintrin.h>

#include "runtime/sim/transpose_avx2.h"

#define PANEL 32 /* columns of b side by side */
#define DEPTH 256 /* rows of b in a panel */

static inline __mmask16
mask_of(int64_t n)
{
	unsigned ones = n >= 16 ? 0xffff : n <= 0 ? 0 : (1u << n) - 1;

	return (__mmask16)ones;
}

static inline __m512
canonical_ps(__m512 v)
{
	return _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q),
	    _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)));
}

/* ROWS x (16 * COLS) outputs, the last 16 columns masked, through all of k. A
 * macro body is what keeps the sums in registers for every size. */
#define TILE(ROWS, COLS)                                                     \
	static void tile_##ROWS##_##COLS(int64_t k, const float *a,          \
	    int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, \
	    bool first, __mmask16 last)                                      \
	{                                                                    \
		__m512 s[ROWS][COLS], y[COLS];                               \
		const __mmask16 m[2] = {COLS == 1 ? last : 0xffff, last};    \
		_Pragma("GCC unroll 16")                                     \
		for (int i = 0; i < ROWS; i++)                               \
			_Pragma("GCC unroll 2")                              \
			for (int j = 0; j < COLS; j++)                       \
				s[i][j] = first ? _mm512_setzero_ps() :      \
				    _mm512_maskz_loadu_ps(m[j],              \
				    c + i * ldc + 16 * j);                   \
		for (int64_t p = 0; p < k; p++) {                            \
			_Pragma("GCC unroll 2")                              \
			for (int j = 0; j < COLS; j++)                       \
				y[j] = _mm512_maskz_loadu_ps(m[j],           \
				    b + p * ldb + 16 * j);                   \
			_Pragma("GCC unroll 16")                             \
			for (int i = 0; i < ROWS; i++) {                     \
				__m512 x = _mm512_set1_ps(a[i * lda + p]);   \
				_Pragma("GCC unroll 2")                      \
				for (int j = 0; j < COLS; j++)               \
					s[i][j] = _mm512_fmadd_ps(x, y[j],   \
					    s[i][j]);                        \
			}                                                    \
		}                                                            \
		_Pragma("GCC unroll 16")                                     \
		for (int i = 0; i < ROWS; i++)                               \
			_Pragma("GCC unroll 2")                              \
			for (int j = 0; j < COLS; j++)                       \
				_mm512_mask_storeu_ps(c + i * ldc + 16 * j,  \
				    m[j], canonical_ps(s[i][j]));            \
	}

TILE(12, 2)
TILE(8, 2)
TILE(4, 2)
TILE(2, 2)
TILE(1, 2)
TILE(12, 1)
TILE(8, 1)
TILE(4, 1)
TILE(2, 1)
TILE(1, 1)

/* All rows of one panel of columns, COLS x 16 wide. */
#define STEP(ROWS, COLS)                                                    \
	for (; i + ROWS <= m; i += ROWS)                                    \
	tile_##ROWS##_##COLS(k, a + i * lda, lda, b, ldb, c + i * ldc, ldc, \
	    first, last)
#define COLUMNS(COLS)                                                      \
	static void columns_##COLS(int64_t m, int64_t k, const float *a,   \
	    int64_t lda, const float *b, int64_t ldb, float *c,            \
	    int64_t ldc, bool first, __mmask16 last)                       \
	{                                                                  \
		int64_t i = 0;                                             \
		STEP(12, COLS);                                            \
		STEP(8, COLS);                                             \
		STEP(4, COLS);                                             \
		STEP(2, COLS);                                             \
		STEP(1, COLS);                                             \
	}

COLUMNS(1)
COLUMNS(2)

/* A panel without gaps: rows of b that lie 2^n bytes apart would compete for
 * few cache sets. */
static void
pack(float *panel, int64_t k, int64_t n, const float *b, int64_t ldb)
{
	__mmask16 m0 = mask_of(n), m1 = mask_of(n - 16);

	for (int64_t p = 0; p < k; p++, b += ldb, panel += PANEL) {
		_mm512_store_ps(panel, _mm512_maskz_loadu_ps(m0, b));
		_mm512_store_ps(panel + 16,
		    _mm512_maskz_loadu_ps(m1, b + 16));
	}
}

static void
gemm(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
    const float *b, int64_t ldb, float *c, int64_t ldc, bool first)
{
	_Alignas(64) float panel[DEPTH * PANEL];

	for (int64_t p = 0; p < k; p += DEPTH, first = false) {
		int64_t depth = k - p < DEPTH ? k - p : DEPTH;

		for (int64_t j = 0; j < n; j += PANEL) {
			int64_t wide = n - j, step = ldb;
			const float *from = b + p * ldb + j;

			if (m >= 24 && ldb > PANEL) {
				pack(panel, depth, wide, from, ldb);
				from = panel;
				step = PANEL;
			}
			if (wide <= 16)
				columns_1(m, depth, a + p, lda, from, step,
				    c + j, ldc, first, mask_of(wide));
			else
				columns_2(m, depth, a + p, lda, from, step,
				    c + j, ldc, first, mask_of(wide - 16));
		}
	}
}

static void
copy_f32(float *dst, const uint8_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);

		_mm512_mask_storeu_ps(dst + i, m,
		    _mm512_maskz_loadu_ps(m, src + 4 * i));
	}
}

static void
store_f32(uint8_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);

		_mm512_mask_storeu_ps(dst + 4 * i, m,
		    canonical_ps(_mm512_maskz_loadu_ps(m, src + i)));
	}
}

static void
from_f16(float *dst, const uint8_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m256i h = _mm256_maskz_loadu_epi16(m, src + 2 * i);

		_mm512_mask_storeu_ps(dst + i, m, _mm512_cvtph_ps(h));
	}
}

static void
from_bf16(float *dst, const uint8_t *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m512i w = _mm512_cvtepu16_epi32(
		    _mm256_maskz_loadu_epi16(m, src + 2 * i));

		_mm512_mask_storeu_ps(dst + i, m,
		    _mm512_castsi512_ps(_mm512_slli_epi32(w, 16)));
	}
}

static void
to_f16(uint8_t *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m512 v = _mm512_maskz_loadu_ps(m, src + i);
		__mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
		__m256i h = _mm512_cvtps_ph(v,
		    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);

		h = _mm256_mask_set1_epi16(h, nan, 0x7e00);
		_mm256_mask_storeu_epi16(dst + 2 * i, m, h);
	}
}

/* Adding half of the last place, less one where that place is even, carries
 * into it exactly when rounding goes up. */
static void
to_bf16(uint8_t *dst, const float *src, int64_t n)
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
		_mm256_mask_storeu_epi16(dst + 2 * i, m, h);
	}
}

static void
epi_steps(int64_t n, float *dst, const float *v, const float *scale,
    const float *bias, const float *res)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 m = mask_of(n - i);
		__m512 x = _mm512_maskz_loadu_ps(m, v + i);

		if (scale != NULL)
			x = _mm512_mul_ps(x,
			    _mm512_maskz_loadu_ps(m, scale + i));
		if (bias != NULL)
			x = _mm512_add_ps(x,
			    _mm512_maskz_loadu_ps(m, bias + i));
		if (res != NULL)
			x = _mm512_add_ps(x,
			    _mm512_maskz_loadu_ps(m, res + i));
		_mm512_mask_storeu_ps(dst + i, m, x);
	}
}

#define HAVE_RUNS
#define HAVE_STEPS
#include "runtime/sim/map_loops.h"

const struct sim_loops sim_loops_avx512 = {"avx512", gemm, load_rows,
    store_rows, transpose, epilogue, map_f32, reduce, accumulate,
    first_max, add_where};
#else
typedef int wave_no_avx512;
#endif
