/* The loops that compilers vectorise well, included by each build of loops.h
 * and compiled with its flags. A build that defines HAVE_RUNS has before it
 * copy_f32, store_f32, from_f16, from_bf16, to_f16 and to_bf16 for runs of n
 * elements; it gets epilogue, load_rows and store_rows. */
#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/vecmath.h"

#define CANONICAL_NAN 0x7fc00000u

/* One NaN for all: which operand's payload survives, and the sign of a new
 * NaN, differ between hosts. */
static inline void
canonical(int64_t n, float *v)
{
	uint32_t b;

	for (int64_t i = 0; i < n; i++) {
		memcpy(&b, &v[i], sizeof b);
		b = (b & 0x7fffffffu) > 0x7f800000u ? CANONICAL_NAN : b;
		memcpy(&v[i], &b, sizeof b);
	}
}

static inline float
keep_nan(float x, float v)
{
	return x != x ? x : v;
}

static inline float
clamp01(float v)
{
	v = v < 0 ? 0 : v;
	return v > 1 ? 1 : v;
}

static inline bool
bits_meet(float x, float z)
{
	int64_t a = x >= 0 && x < 0x1p63f ? (int64_t)x : 0;
	int64_t b = z >= 0 && z < 0x1p63f ? (int64_t)z : 0;

	return (a & b) != 0;
}

#define EACH(EXPR)                      \
	for (int64_t i = 0; i < n; i++) \
		dst[i] = (EXPR);        \
	break

static inline void
map_f32(enum vec_func f, int64_t n, float *restrict dst,
    const float *restrict x, const float *restrict y,
    const float *restrict z, const double *param)
{
	const float p = (float)param[0], q = (float)param[1];

	switch ((int)f) {
	case VF_copy: memcpy(dst, x, (size_t)n * sizeof *dst); break;
	case VF_fill: EACH(p);
	case VF_neg: EACH(-x[i]);
	case VF_abs: EACH(fabsf(x[i]));
	case VF_floor: EACH(floorf(x[i]));
	case VF_ceil: EACH(ceilf(x[i]));
	case VF_round: EACH(rintf(x[i]));
	case VF_reciprocal: EACH(1 / x[i]);
	case VF_sqrt: EACH(sqrtf(x[i]));
	case VF_rsqrt: EACH((float)(1 / sqrt((double)x[i])));
	case VF_relu: EACH(x[i] > 0 ? x[i] : keep_nan(x[i], 0));
	case VF_leaky_relu: EACH(x[i] >= 0 ? x[i] : p * x[i]);
	case VF_clip:
		for (int64_t i = 0; i < n; i++) {
			float v = x[i] < p ? p : x[i];

			dst[i] = v > q ? q : v;
		}
		break;
	case VF_hard_sigmoid: EACH(clamp01(fmaf(p, x[i], q)));
	case VF_hard_swish:
		EACH(x[i] * clamp01(fmaf(x[i], 1.0f / 6, 0.5f)));
	case VF_add: EACH(x[i] + y[i]);
	case VF_sub: EACH(x[i] - y[i]);
	case VF_mul: EACH(x[i] * y[i]);
	case VF_div: EACH(x[i] / y[i]);
	case VF_min: EACH(x[i] < y[i] ? x[i] : keep_nan(x[i], y[i]));
	case VF_max: EACH(x[i] > y[i] ? x[i] : keep_nan(x[i], y[i]));
	case VF_prelu: EACH(x[i] >= 0 ? x[i] : y[i] * x[i]);
	case VF_equal: EACH(x[i] == y[i] ? 1 : 0);
	case VF_less: EACH(x[i] < y[i] ? 1 : 0);
	case VF_less_equal: EACH(x[i] <= y[i] ? 1 : 0);
	case VF_select: EACH(x[i] != 0 ? y[i] : z[i]);
	case VF_bitsel: EACH(bits_meet(x[i], z[i]) ? y[i] : 0);
	case VF_exp: EACH((float)vm_exp((double)x[i]));
	case VF_tanh: EACH((float)vm_tanh((double)x[i]));
	case VF_sigmoid: EACH((float)vm_sigmoid((double)x[i]));
	case VF_erf: EACH((float)vm_erf((double)x[i]));
	case VF_fma: EACH(fmaf(x[i], y[i], z[i]));
	default: EACH(vecmath_f32(f, x[i], y[i], z[i], param));
	}
	canonical(n, dst);
}
#undef EACH

static inline float
larger(float a, float b)
{
	return a > b ? a : keep_nan(a, b);
}

static inline float
smaller(float a, float b)
{
	return a < b ? a : keep_nan(a, b);
}

#define EACH(EXPR)                      \
	for (int64_t i = 0; i < n; i++) \
		acc[i] = (EXPR);        \
	break

static inline void
accumulate(enum vec_func f, int64_t n, float *restrict acc,
    const float *restrict x)
{
	switch ((int)f) {
	case VF_rsum:
	case VF_wsum: EACH(acc[i] + x[i]);
	case VF_rprod: EACH(acc[i] * x[i]);
	case VF_rmax:
	case VF_wmax: EACH(larger(acc[i], x[i]));
	default: EACH(smaller(acc[i], x[i]));
	}
}
#undef EACH

/* Bits, not conditions: both loops go without branches. */
static inline void
first_max(int64_t n, float *restrict best, float *restrict arg,
    const float *restrict x, float tap)
{
	for (int64_t i = 0; i < n; i++) {
		bool more = (arg[i] < 0) | (x[i] > best[i]) |
		    ((x[i] != x[i]) & (best[i] == best[i]));

		best[i] = more ? x[i] : best[i];
		arg[i] = more ? tap : arg[i];
	}
}

static inline void
add_where(int64_t n, float *restrict acc, const float *restrict x,
    const float *restrict y, float tap)
{
	for (int64_t i = 0; i < n; i++) {
		float sum = acc[i] + x[i];

		acc[i] = y[i] == tap ? sum : acc[i];
	}
}

/* Whole rows of 16 in registers, then the rest. */
#define ROWS(EXPR)                                       \
	for (; i + RED_LANES <= n; i += RED_LANES)       \
		for (int j = 0; j < RED_LANES; j++) {    \
			float a = s[j], b = x[i + j];    \
			s[j] = (EXPR);                   \
		}                                        \
	break

static inline void
reduce(enum vec_func f, int64_t n, float *acc, const float *restrict x)
{
	float s[RED_LANES];
	int64_t i = 0;

	memcpy(s, acc, sizeof s);
	switch ((int)f) {
	case VF_rsum: ROWS(a + b);
	case VF_rprod: ROWS(a * b);
	case VF_rmax: ROWS(larger(a, b));
	default: ROWS(smaller(a, b));
	}
	memcpy(acc, s, sizeof s);
	accumulate(f, n - i, acc, x + i);
}
#undef ROWS

static inline void
activate(const struct epi_block *e, int64_t n, float *v)
{
	const float alpha = e->alpha, beta = e->beta;

	switch (e->act) {
	case EPI_NONE:
	case EPI_ACT_COUNT: break;
	case EPI_RELU:
		for (int64_t i = 0; i < n; i++)
			v[i] = v[i] > 0 ? v[i] : keep_nan(v[i], 0);
		break;
	case EPI_LEAKY_RELU:
		for (int64_t i = 0; i < n; i++)
			v[i] = v[i] >= 0 ? v[i] : alpha * v[i];
		break;
	case EPI_CLIP:
		for (int64_t i = 0; i < n; i++) {
			float y = v[i] < alpha ? alpha : v[i];

			v[i] = y > beta ? beta : y;
		}
		break;
	case EPI_HARD_SIGMOID:
		for (int64_t i = 0; i < n; i++)
			v[i] = clamp01(fmaf(alpha, v[i], beta));
		break;
	case EPI_HARD_SWISH:
		for (int64_t i = 0; i < n; i++)
			v[i] *= clamp01(fmaf(v[i], 1.0f / 6, 0.5f));
		break;
	case EPI_SIGMOID:
		for (int64_t i = 0; i < n; i++)
			v[i] = (float)vm_sigmoid((double)v[i]);
		break;
	case EPI_TANH:
		for (int64_t i = 0; i < n; i++)
			v[i] = (float)vm_tanh((double)v[i]);
		break;
	}
}

#define ROUND_RUN 256 /* values rounded at a time */

/* One row before its activation. A build may bring its own (HAVE_STEPS). */
#ifndef HAVE_STEPS
#define EACH(EXPR)                      \
	for (int64_t i = 0; i < n; i++) \
		dst[i] = (EXPR);        \
	break

static inline void
epi_steps(int64_t n, float *restrict dst, const float *restrict v,
    const float *restrict scale, const float *restrict bias,
    const float *restrict res)
{
	switch ((scale != NULL) | (bias != NULL) << 1 | (res != NULL) << 2) {
	case 0: EACH(v[i]);
	case 1: EACH(v[i] * scale[i]);
	case 2: EACH(v[i] + bias[i]);
	case 3: EACH(v[i] * scale[i] + bias[i]);
	case 4: EACH(v[i] + res[i]);
	case 5: EACH(v[i] * scale[i] + res[i]);
	case 6: EACH(v[i] + bias[i] + res[i]);
	default: EACH(v[i] * scale[i] + bias[i] + res[i]);
	}
}
#undef EACH
#endif

#ifdef HAVE_RUNS
/* v rounded to t, f16 or bf16 */
static inline void
round_run(enum dtype t, int64_t n, float *v)
{
	uint8_t narrow[2 * ROUND_RUN];

	for (int64_t i = 0, m; i < n; i += m, v += m) {
		m = n - i < ROUND_RUN ? n - i : ROUND_RUN;
		if (t == DT_F16) {
			to_f16(narrow, v, m);
			from_f16(v, narrow, m);
		} else {
			to_bf16(narrow, v, m);
			from_bf16(v, narrow, m);
		}
	}
}

/* One row of an epilogue that rounds, before its activation. */
static inline void
epi_rounded(const struct epi_block *e, int64_t r, float *dst)
{
	int64_t cols = e->cols;

	epi_steps(cols, dst, e->sums + r * e->sum_row, e->scale, e->bias,
	    NULL);
	round_run(e->round, cols, dst);
	if (e->residual == NULL)
		return;
	for (int64_t i = 0; i < cols; i++)
		dst[i] += e->residual[r * cols + i];
	round_run(e->round, cols, dst);
}

static inline void
epilogue(const struct epi_block *e, float *dst)
{
	bool rounds = e->round == DT_F16 || e->round == DT_BF16;
	int64_t cols = e->cols;

	for (int64_t r = 0; r < e->rows && rounds; r++)
		epi_rounded(e, r, dst + r * cols);
	for (int64_t r = 0; r < e->rows && !rounds; r++)
		epi_steps(cols, dst + r * cols, e->sums + r * e->sum_row,
		    e->scale, e->bias, e->residual == NULL ? NULL :
		    e->residual + r * cols);
	activate(e, e->rows * cols, dst);
}

static inline void
load_rows(enum dtype t, float *dst, int64_t dst_row, const uint8_t *src,
    int64_t src_row, int64_t rows, int64_t cols)
{
	for (int64_t r = 0; r < rows; r++) {
		float *to = dst + r * dst_row;
		const uint8_t *from = src + r * src_row;

		if (t == DT_F32)
			copy_f32(to, from, cols);
		else if (t == DT_F16)
			from_f16(to, from, cols);
		else
			from_bf16(to, from, cols);
	}
}

static inline void
store_rows(enum dtype t, uint8_t *dst, int64_t dst_row, const float *src,
    int64_t src_row, int64_t rows, int64_t cols)
{
	for (int64_t r = 0; r < rows; r++) {
		uint8_t *to = dst + r * dst_row;
		const float *from = src + r * src_row;

		if (t == DT_F32)
			store_f32(to, from, cols);
		else if (t == DT_F16)
			to_f16(to, from, cols);
		else
			to_bf16(to, from, cols);
	}
}
#endif
