/* VWIN in f32, by rows of the result: a tap at a time for all pixels over
 * which it lies inside the image. Each sum still takes its taps in ascending
 * order. */
#include <math.h>

#include "runtime/sim/vec_op.h"

#define MOST ((int64_t)1 << 28) /* of a field of an axis: nothing overflows */
#define MOST_TAPS ((int64_t)1 << 24) /* whose numbers f32 holds */

/* Pixels w, w + step, ... of a row, and channels c.. of them. */
struct piece {
	int64_t w, step, pixels;
	int64_t c, channels;
	float *acc, *arg; /* pixels x channels */
};

/* Pixels lo..hi-1 of a piece, over positions at, at + step, ... */
struct span {
	int64_t lo, hi, at, step;
};

static int64_t
inserted(const struct vec_axis *x)
{
	return x->up > 1 ? x->up : 1;
}

bool
vec_slides(const struct vec_op *op)
{
	int64_t taps = 1;

	for (int a = 0; a < 3; a++) {
		const struct vec_axis *x = &op->v->axis[a];
		int64_t k = op->size[WIN_KD + a];

		if (x->stride < 0 || x->stride > MOST || x->dil < -MOST ||
		    x->dil > MOST || x->pad < -MOST || x->pad > MOST ||
		    x->extent < 0 || x->extent > MOST || x->up > MOST ||
		    op->size[WIN_D + a] > MOST || k < 1 || k > MOST_TAPS)
			return false;
		taps *= k;
		if (taps > MOST_TAPS)
			return false;
	}
	if (op->func == VF_wunpool && (!dtype_is_float(op->o[1].t) ||
	    op->o[2].t == DT_F64))
		return false;
	return op->compute == VEC_F32;
}

/* Neighbours this far apart are alike in which taps fall on zeros inserted:
 * up / gcd(stride, up). */
static int64_t
period(const struct vec_axis *x)
{
	int64_t a = inserted(x), b = x->stride;

	while (b != 0) {
		int64_t r = a % b;

		a = b;
		b = r;
	}
	return inserted(x) / a;
}

/* Where tap k of an axis lies in the image at position o; -1: not inside. */
static int64_t
position(const struct vec_axis *x, int64_t o, int64_t k)
{
	int64_t pos = o * x->stride + k * x->dil - x->pad, up = inserted(x);

	if (pos < 0 || pos % up != 0 || pos / up >= x->extent)
		return -1;
	return pos / up;
}

/* The pixels over which tap k of the last axis lies inside. */
static struct span
inside(const struct vec_op *op, const struct piece *p, int64_t k)
{
	const struct vec_axis *x = &op->v->axis[2];
	int64_t up = inserted(x), step = p->step * x->stride / up;
	int64_t pos = p->w * x->stride + k * x->dil - x->pad;
	struct span s = {0, p->pixels, 0, step};

	if (pos % up != 0)
		return (struct span){0};
	pos /= up;
	if (step == 0)
		s.hi = pos >= 0 && pos < x->extent ? s.hi : 0;
	else if (pos + (s.hi - 1) * step >= x->extent)
		s.hi = pos < x->extent ? (x->extent - pos + step - 1) / step :
		    0;
	if (step > 0 && pos < 0)
		s.lo = (step - 1 - pos) / step;
	s.at = pos + s.lo * step;
	return s;
}

/* Source i at addr, rows x cols elements; NULL when it lies outside. */
static const float *
block(struct vec_op *op, int i, int64_t addr, int64_t row_step, int64_t rows,
    int64_t cols, float *buffer)
{
	const struct vec_side *s = &op->o[i];
	int64_t step = s->stride[WIN_C];

	if (!mem_holds2(s->m, addr, rows, row_step, cols, step, s->size)) {
		atomic_store(&op->bad, true);
		return NULL;
	}
	vec_get_rows(op, buffer, s->m->data + addr, row_step, step, s->t, rows,
	    cols);
	return buffer;
}

/* One tap for a span; at: addresses of the image's rows under it. */
static bool
tap(struct vec_op *op, const struct piece *p, const struct span *s,
    const int64_t *at, int64_t number)
{
	int64_t taps = op->size[WIN_KD] * op->size[WIN_KH] * op->size[WIN_KW];
	int64_t rows = s->hi - s->lo, first = s->lo * p->channels;
	int64_t n = rows * p->channels;
	float buffer[2][VEC_CHUNK];
	const float *x[2];

	for (int i = 0; i + 1 < op->nops; i++) {
		const int64_t *stride = op->o[1 + i].stride;

		x[i] = block(op, 1 + i, wrap_step(wrap_step(at[i], s->at,
		    stride[WIN_W]), p->c, stride[WIN_C]), wrap_mul(s->step,
		    stride[WIN_W]), rows, p->channels, buffer[i]);
		if (x[i] == NULL)
			return false;
	}
	if (op->func == VF_warg)
		op->loops->first_max(n, p->acc + first, p->arg + first, x[0],
		    (float)number);
	else if (op->func == VF_wunpool)
		op->loops->add_where(n, p->acc + first, x[0], x[1],
		    (float)(taps - 1 - number));
	else
		op->loops->accumulate(op->func, n, p->acc + first, x[0]);
	return true;
}

/* Steps from the image n to its row under taps k of depth and height at
 * position o; false outside. */
static bool
find_row(const struct vec_op *op, const int64_t *o, const int64_t *k,
    int64_t *at)
{
	for (int i = 0; i + 1 < op->nops; i++)
		at[i] = wrap_step(op->o[1 + i].base, o[WIN_N],
		    op->o[1 + i].stride[WIN_N]);
	for (int a = 0; a < 2; a++) {
		int64_t pos = position(&op->v->axis[a], o[WIN_D + a], k[a]);

		if (pos < 0)
			return false;
		for (int i = 0; i + 1 < op->nops; i++)
			at[i] = wrap_step(at[i], pos,
			    op->o[1 + i].stride[WIN_D + a]);
	}
	return true;
}

static bool
all_taps(struct vec_op *op, const int64_t *o, const struct piece *p)
{
	const int64_t *size = op->size + WIN_KD;
	int64_t k[2], at[2] = {0};

	for (k[0] = 0; k[0] < size[0]; k[0]++) {
		for (k[1] = 0; k[1] < size[1]; k[1]++) {
			int64_t number = (k[0] * size[1] + k[1]) * size[2];

			if (!find_row(op, o, k, at))
				continue;
			for (int64_t kw = 0; kw < size[2]; kw++) {
				struct span s = inside(op, p, kw);

				if (s.lo < s.hi &&
				    !tap(op, p, &s, at, number + kw))
					return false;
			}
		}
	}
	return true;
}

/* ---- results ---- */

/* Numbers of taps as whole numbers; they are cut off, not clamped. */
static void
put_taps(uint8_t *dst, int64_t step, enum dtype t, const float *src,
    int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		uint32_t v = (uint32_t)src[i];

		if (t == DT_U8)
			dst[i * step] = (uint8_t)v;
		else
			vec_put_int(dst + i * step, t, v);
	}
}

static void
put(const struct vec_op *op, uint8_t *dst, const struct piece *p)
{
	const struct vec_side *d = &op->o[0];
	int64_t row_step = wrap_mul(p->step, d->stride[WIN_W]);
	struct vec_rows v = vec_join(p->pixels, p->channels, row_step,
	    d->stride[WIN_C]);

	if (op->func != VF_warg || dtype_is_float(d->t)) {
		vec_put_rows(op, dst, row_step, d->stride[WIN_C], d->t,
		    op->func == VF_warg ? p->arg : p->acc, p->pixels,
		    p->channels);
		return;
	}
	for (int64_t r = 0; r < v.rows; r++)
		put_taps(dst + r * v.row_step, v.col_step, d->t,
		    p->arg + r * v.cols, v.cols);
}

static void
start(const struct vec_op *op, const struct piece *p)
{
	int64_t n = p->pixels * p->channels;

	for (int64_t i = 0; i < n; i++)
		p->acc[i] = op->func == VF_wmax ? -INFINITY : 0;
	for (int64_t i = 0; i < n && op->func == VF_warg; i++)
		p->arg[i] = -1;
}

/* Windows without a tap inside have number 0. */
static void
finish(const struct vec_op *op, const struct piece *p)
{
	int64_t n = p->pixels * p->channels;

	for (int64_t i = 0; i < n && op->func == VF_warg; i++)
		p->arg[i] = p->arg[i] < 0 ? 0 : p->arg[i];
}

/* All pixels w, w + step, ... of a row, dst bytes from the memory's start. */
static bool
slide(struct vec_op *op, const int64_t *o, int64_t dst, int64_t w,
    int64_t step)
{
	const int64_t *size = op->size, *to = op->o[0].stride;
	int64_t channels = size[WIN_C] < VEC_CHUNK ? size[WIN_C] : VEC_CHUNK;
	int64_t pixels = VEC_CHUNK / channels;
	float acc[VEC_CHUNK], arg[VEC_CHUNK];
	struct piece p = {w, step, 0, 0, 0, acc, arg};

	for (; p.w < size[WIN_W]; p.w += pixels * step) {
		p.pixels = (size[WIN_W] - p.w + step - 1) / step;
		if (p.pixels > pixels)
			p.pixels = pixels;
		for (p.c = 0; p.c < size[WIN_C]; p.c += channels) {
			p.channels = size[WIN_C] - p.c < channels ?
			    size[WIN_C] - p.c : channels;
			start(op, &p);
			if (!all_taps(op, o, &p))
				return false;
			finish(op, &p);
			put(op, op->o[0].m->data + dst + p.w * to[WIN_W] +
			    p.c * to[WIN_C], &p);
		}
	}
	return true;
}

void
vec_slide_rows(void *ctx, int64_t from, int64_t to)
{
	struct vec_op *op = ctx;
	const int64_t *size = op->size, *step = op->o[0].stride;
	int64_t steps = period(&op->v->axis[2]);

	for (int64_t r = from; r < to && size[WIN_C] > 0; r++) {
		int64_t o[3] = {r / (size[WIN_D] * size[WIN_H]),
		    r / size[WIN_H] % size[WIN_D], r % size[WIN_H]};
		int64_t dst = op->o[0].base;

		for (int a = 0; a < 3; a++)
			dst += o[a] * step[a];
		for (int64_t w = 0; w < steps && w < size[WIN_W]; w++)
			if (!slide(op, o, dst, w, steps))
				return;
	}
}
