/* Blocked transposition for both x86 builds. */
#ifndef WAVE_RUNTIME_SIM_TRANSPOSE_AVX2_H
#define WAVE_RUNTIME_SIM_TRANSPOSE_AVX2_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>

static inline __m256
row_of_8(const uint8_t *src)
{
	return _mm256_castsi256_ps(
	    _mm256_loadu_si256((const __m256i *)(const void *)src));
}

/* 8 x 8: pairs of rows interleaved, then pairs of pairs, then halves. */
static inline void
transpose_8x8(float *dst, int64_t dst_row, const uint8_t *src,
    int64_t src_row)
{
	__m256 t[8], u[8];

	for (int i = 0; i < 8; i += 2) {
		__m256 a = row_of_8(src + i * src_row);
		__m256 b = row_of_8(src + (i + 1) * src_row);

		t[i] = _mm256_unpacklo_ps(a, b);
		t[i + 1] = _mm256_unpackhi_ps(a, b);
	}
	for (int i = 0; i < 8; i += 4) {
		u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
		u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
		u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
		u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
	}
	for (int i = 0; i < 4; i++) {
		_mm256_storeu_ps(dst + i * dst_row,
		    _mm256_permute2f128_ps(u[i], u[i + 4], 0x20));
		_mm256_storeu_ps(dst + (i + 4) * dst_row,
		    _mm256_permute2f128_ps(u[i], u[i + 4], 0x31));
	}
}

static inline void
transpose_4x4(float *dst, int64_t dst_row, const uint8_t *src,
    int64_t src_row)
{
	__m128 r[4];

	for (int i = 0; i < 4; i++)
		r[i] = _mm_castsi128_ps(_mm_loadu_si128(
		    (const __m128i *)(const void *)(src + i * src_row)));
	_MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
	for (int i = 0; i < 4; i++)
		_mm_storeu_ps(dst + i * dst_row, r[i]);
}

static inline void
transpose_rest(float *dst, int64_t dst_row, const uint8_t *src,
    int64_t src_row, int64_t rows, int64_t cols)
{
	for (int64_t c = 0; c < cols; c++)
		for (int64_t r = 0; r < rows; r++)
			memcpy(&dst[c * dst_row + r],
			    src + r * src_row + c * 4, sizeof *dst);
}

static inline void
transpose(float *dst, int64_t dst_row, const uint8_t *src, int64_t src_row,
    int64_t rows, int64_t cols)
{
	int64_t c = 0;

	for (; c + 4 <= cols; dst += 4 * dst_row, src += 16, c += 4) {
		bool wide = c + 8 <= cols;
		int64_t r = 0;

		for (; wide && r + 8 <= rows; r += 8)
			transpose_8x8(dst + r, dst_row, src + r * src_row,
			    src_row);
		for (int64_t w = 0; w <= (wide ? 4 : 0); w += 4) {
			int64_t i = r;
			float *d = dst + w * dst_row;
			const uint8_t *s = src + 4 * w;

			for (; i + 4 <= rows; i += 4)
				transpose_4x4(d + i, dst_row, s + i * src_row,
				    src_row);
			transpose_rest(d + i, dst_row, s + i * src_row,
			    src_row, rows - i, 4);
		}
		if (wide) {
			dst += 4 * dst_row;
			src += 16;
			c += 4;
		}
	}
	transpose_rest(dst, dst_row, src, src_row, rows, cols - c);
}

#endif
#endif
