#include "runtime/sim/vec_op.h"

#include <math.h>
#include <string.h>

/* ---- dimensions ---- */

static bool
joins(const struct vec_op *op, int outer, int inner)
{
	for (int i = 0; i < op->nops; i++)
		if (op->o[i].stride[outer] != wrap_mul(op->size[inner],
		    op->o[i].stride[inner]))
			return false;
	return true;
}

/* Simplifies dimensions from..to-1 into those from at on; returns the end. */
static int
simplify_range(struct vec_op *op, int from, int to, int at)
{
	int first = at;

	for (int d = from; d < to; d++) {
		bool join = at > first && joins(op, at - 1, d);
		int put = join ? at - 1 : at;
		int64_t times = join ? op->size[put] : 1;

		if (op->size[d] == 1)
			continue;
		op->size[put] = wrap_mul(op->size[d], times);
		for (int i = 0; i < op->nops; i++)
			op->o[i].stride[put] = op->o[i].stride[d];
		at = put + 1;
	}
	return at;
}

void
vec_simplify(struct vec_op *op)
{
	int outer = op->rank - op->nred;
	int end = simplify_range(op, 0, outer, 0);
	int all = simplify_range(op, outer, op->rank, end);

	op->rank = all;
	op->nred = all - end;
}

bool
vec_inside(const struct vec_op *op, int i, int rank, struct mem_range *out)
{
	const struct vec_side *s = &op->o[i];

	return mem_box(rank, op->size, s->stride, s->size, out) &&
	    mem_holds_range(s->m, s->base, out);
}

bool
vec_apart(const struct vec_op *op, int outer, bool same)
{
	const struct vec_side *d = &op->o[0];
	struct mem_range w, r;

	if (!mem_apart(outer, op->size, d->stride, d->size) ||
	    !mem_box(outer, op->size, d->stride, d->size, &w))
		return false;
	for (int i = 1; i < op->nops; i++) {
		const struct vec_side *s = &op->o[i];

		if (s->m != d->m)
			continue;
		if (same && s->base == d->base && s->size == d->size &&
		    memcmp(s->stride, d->stride,
		    (size_t)outer * sizeof *s->stride) == 0)
			continue;
		if (!mem_box(op->rank, op->size, s->stride, s->size, &r) ||
		    mem_meet(d->base, &w, s->base, &r))
			return false;
	}
	return true;
}

/* ---- elements ---- */

static bool
is_short(enum dtype t) /* that the loops convert */
{
	return t == DT_F32 || t == DT_F16 || t == DT_BF16;
}

/* Integers that programs mix with floats. */
#define EACH(TYPE)                                       \
	for (int64_t i = 0; i < n; i++) {                \
		TYPE x;                                  \
							 \
		memcpy(&x, src + i * step, sizeof x);    \
		dst[i] = (float)x;                       \
	}                                                \
	break

static void
get_ints(float *dst, const uint8_t *src, int64_t step, enum dtype t,
    int64_t n)
{
	switch (t) {
	case DT_BOOL:
		for (int64_t i = 0; i < n; i++)
			dst[i] = src[i * step] != 0;
		break;
	case DT_U8: EACH(uint8_t);
	case DT_I32: EACH(int32_t);
	case DT_I64: EACH(int64_t);
	case DT_U64: EACH(uint64_t);
	default:
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)dtype_get(src + i * step, t, 0);
	}
}
#undef EACH

void
vec_get_f32(const struct vec_op *op, float *dst, const uint8_t *src,
    int64_t step, enum dtype t, int64_t n)
{
	if (step == 0 && n > 1) {
		vec_get_f32(op, dst, src, 0, t, 1);
		for (int64_t i = 1; i < n; i++)
			dst[i] = dst[0];
	} else if (is_short(t) && step == (int64_t)dtype_size(t)) {
		op->loops->load(t, dst, 0, src, 0, 1, n);
	} else if (is_short(t)) {
		op->loops->load(t, dst, 1, src, step, n, 1);
	} else {
		get_ints(dst, src, step, t, n);
	}
}

void
vec_put_f32(const struct vec_op *op, uint8_t *dst, int64_t step,
    enum dtype t, const float *src, int64_t n)
{
	if (is_short(t) && step == (int64_t)dtype_size(t)) {
		op->loops->store(t, dst, 0, src, 0, 1, n);
	} else if (is_short(t)) {
		op->loops->store(t, dst, step, src, 1, n, 1);
	} else if (t == DT_BOOL) {
		for (int64_t i = 0; i < n; i++)
			dst[i * step] = src[i] != 0;
	} else {
		for (int64_t i = 0; i < n; i++)
			dtype_set(dst + i * step, t, 0, (double)src[i]);
	}
}

/* The first row again, or the first column. */
static void
spread_rows(float *dst, int64_t rows, int64_t cols)
{
	for (int64_t r = 1; r < rows; r++)
		memcpy(dst + r * cols, dst, (size_t)cols * sizeof *dst);
}

static void
spread_cols(float *dst, const float *column, int64_t rows, int64_t cols)
{
	for (int64_t r = 0; r < rows; r++, dst += cols)
		for (int64_t c = 0; c < cols; c++)
			dst[c] = column[r];
}

void
vec_get_rows(const struct vec_op *op, float *dst, const uint8_t *src,
    int64_t row_step, int64_t col_step, enum dtype t, int64_t rows,
    int64_t cols)
{
	struct vec_rows v = vec_join(rows, cols, row_step, col_step);
	float column[VEC_CHUNK];

	if (v.rows == 1) {
		vec_get_f32(op, dst, src, v.col_step, t, v.cols);
	} else if (row_step == 0) {
		vec_get_f32(op, dst, src, col_step, t, cols);
		spread_rows(dst, rows, cols);
	} else if (col_step == 0 && rows <= VEC_CHUNK) {
		vec_get_f32(op, column, src, row_step, t, rows);
		spread_cols(dst, column, rows, cols);
	} else if (is_short(t) && col_step == (int64_t)dtype_size(t)) {
		op->loops->load(t, dst, cols, src, row_step, rows, cols);
	} else {
		for (int64_t r = 0; r < rows; r++)
			vec_get_f32(op, dst + r * cols, src + r * row_step,
			    col_step, t, cols);
	}
}

void
vec_put_rows(const struct vec_op *op, uint8_t *dst, int64_t row_step,
    int64_t col_step, enum dtype t, const float *src, int64_t rows,
    int64_t cols)
{
	struct vec_rows v = vec_join(rows, cols, row_step, col_step);

	if (v.rows > 1 && is_short(t) &&
	    col_step == (int64_t)dtype_size(t)) {
		op->loops->store(t, dst, row_step, src, cols, rows, cols);
		return;
	}
	for (int64_t r = 0; r < v.rows; r++)
		vec_put_f32(op, dst + r * v.row_step, v.col_step, t,
		    src + r * v.cols, v.cols);
}

double
vec_get_f64(const uint8_t *p, enum dtype t)
{
	return dtype_get(p, t, 0);
}

void
vec_put_f64(uint8_t *p, enum dtype t, double v)
{
	dtype_set(p, t, 0, isnan(v) ? (double)NAN : v);
}

uint64_t
vec_get_int(const uint8_t *p, enum dtype t)
{
	uint64_t u;

	if (t != DT_U64)
		return (uint64_t)dtype_get_i64(p, t, 0);
	memcpy(&u, p, sizeof u);
	return u;
}

void
vec_put_int(uint8_t *p, enum dtype t, uint64_t v)
{
	if (t == DT_BOOL)
		*p = v != 0;
	else
		memcpy(p, &v, dtype_size(t)); /* the low bytes come first */
}

/* ---- integer functions ---- */

static uint64_t
divide(enum dtype t, uint64_t x, uint64_t y)
{
	if (y == 0)
		return 0;
	if (t == DT_U64)
		return x / y;
	if (y == UINT64_MAX) /* -1: the quotient may not fit */
		return 0 - x;
	return (uint64_t)((int64_t)x / (int64_t)y);
}

static uint64_t
modulo(enum dtype t, uint64_t x, uint64_t y)
{
	uint64_t r;

	if (y == 0)
		return 0;
	r = x - divide(t, x, y) * y;
	if (t != DT_U64 && r != 0 && ((int64_t)r < 0) != ((int64_t)y < 0))
		r += y;
	return r;
}

static uint64_t
power(enum dtype t, uint64_t x, uint64_t y)
{
	uint64_t r = 1;

	if (t != DT_U64 && (int64_t)y < 0) {
		if (x == 1 || (x == UINT64_MAX && (y & 1) == 0))
			return 1;
		return x == UINT64_MAX ? x : 0;
	}
	for (; y > 0; y >>= 1, x *= x)
		if (y & 1)
			r *= x;
	return r;
}

/* v toward zero, cut to the range of t. */
static uint64_t
whole(enum dtype t, double v)
{
	uint8_t b[8] = {0};

	dtype_set(b, t, 0, v);
	return vec_get_int(b, t);
}

static uint64_t
clip(enum dtype t, uint64_t x, const double *param)
{
	uint64_t lo = whole(t, ceil(param[0])), hi = whole(t, floor(param[1]));

	x = vec_int_less(t, x, lo) ? lo : x;
	return vec_int_less(t, hi, x) ? hi : x;
}

static double
real(enum dtype t, uint64_t v)
{
	return t == DT_U64 ? (double)v : (double)(int64_t)v;
}

uint64_t
vec_int_map(enum vec_func f, enum dtype t, enum dtype to, const uint64_t *a,
    const double *param)
{
	uint64_t x = a[0], y = a[1], z = a[2];
	bool minus = vec_int_less(t, x, 0);

	switch ((int)f) {
	case VF_copy:
	case VF_floor:
	case VF_ceil:
	case VF_round: return x;
	case VF_fill: return whole(to, param[0]);
	case VF_neg: return 0 - x;
	case VF_abs: return minus ? 0 - x : x;
	case VF_sign: return minus ? UINT64_MAX : x != 0;
	case VF_relu: return minus ? 0 : x;
	case VF_clip: return clip(t, x, param);
	case VF_not: return x == 0;
	case VF_add: return x + y;
	case VF_sub: return x - y;
	case VF_mul: return x * y;
	case VF_div: return divide(t, x, y);
	case VF_pow: return power(t, x, y);
	case VF_min: return vec_int_less(t, y, x) ? y : x;
	case VF_max: return vec_int_less(t, x, y) ? y : x;
	case VF_mod: return modulo(t, x, y);
	case VF_equal: return x == y;
	case VF_less: return vec_int_less(t, x, y);
	case VF_less_equal: return !vec_int_less(t, y, x);
	case VF_and: return x != 0 && y != 0;
	case VF_or: return x != 0 || y != 0;
	case VF_xor: return (x != 0) != (y != 0);
	case VF_select: return x != 0 ? y : z;
	case VF_bitsel: return (x & z) != 0 ? y : 0;
	case VF_philox: return vecmath_philox(x, y + z, param);
	case VF_field: return x >> (int)param[0] & (uint64_t)param[1];
	case VF_fma: return x * y + z;
	default:
		return whole(to, vecmath_f64(f, real(t, x), real(t, y),
		    real(t, z), param));
	}
}
