/* VWIN: dimensions n, d, h, w, c of the result, then taps kd, kh, kw. */
#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/vec_op.h"

enum { DIM_N, DIM_D, DIM_H, DIM_W, DIM_C, DIM_KD, DIM_KH, DIM_KW };

/* One pixel of the result. */
struct pixel {
	int64_t o[3]; /* position */
	int64_t src[2]; /* addresses of its image */
	int64_t k[3];   /* current tap */
	int64_t at[2];  /* addresses under the tap, channel 0 */
};

/* Moves on to the next tap inside the image; false after the last. Starts
 * with k[2] = -1. */
static bool
next_tap(const struct vec_op *op, struct pixel *p)
{
	const struct vec_axis *x = op->v->axis;

	for (;;) {
		bool in = true;

		for (int a = 2;; a--) {
			if (++p->k[a] < op->size[DIM_KD + a])
				break;
			if (a == 0)
				return false;
			p->k[a] = 0;
		}
		memcpy(p->at, p->src, sizeof p->at);
		for (int a = 0; a < 3 && in; a++) {
			int64_t up = x[a].up > 1 ? x[a].up : 1;
			int64_t pos = wrap_sub(wrap_step(wrap_mul(p->o[a],
			    x[a].stride), p->k[a], x[a].dil), x[a].pad);

			in = pos >= 0 && pos % up == 0 &&
			    pos / up < x[a].extent;
			for (int i = 0; i + 1 < op->nops; i++)
				p->at[i] = wrap_step(p->at[i], pos / up,
				    op->o[1 + i].stride[DIM_D + a]);
		}
		if (in)
			return true;
	}
}

static void
start(struct pixel *p)
{
	p->k[0] = p->k[1] = 0;
	p->k[2] = -1;
}

/* Number of the current tap. */
static int64_t
tap_number(const struct vec_op *op, const struct pixel *p)
{
	return (p->k[0] * op->size[DIM_KH] + p->k[1]) * op->size[DIM_KW] +
	    p->k[2];
}

/* Address of channel c of source i under the tap; -1 and bad outside. */
static int64_t
under(struct vec_op *op, const struct pixel *p, int i, int64_t c, int64_t n)
{
	const struct vec_side *s = &op->o[1 + i];
	int64_t addr = wrap_step(p->at[i], c, s->stride[DIM_C]);

	if (mem_holds(s->m, addr, n, s->stride[DIM_C], s->size))
		return addr;
	atomic_store(&op->bad, true);
	return -1;
}

static void
put_number(const struct vec_op *op, uint8_t *dst, int64_t v)
{
	if (dtype_is_float(op->o[0].t))
		vec_put_f64(dst, op->o[0].t, (double)v);
	else
		vec_put_int(dst, op->o[0].t, (uint64_t)v);
}

/* The first maximum of one channel. */
static void
window_arg(struct vec_op *op, struct pixel *p, int64_t c, uint8_t *dst)
{
	const struct vec_side *s = &op->o[1];
	int64_t best = -1;
	uint64_t i = 0;
	double f = 0;

	for (start(p); next_tap(op, p);) {
		int64_t addr = under(op, p, 0, c, 1);
		bool more;

		if (addr < 0)
			return;
		if (op->compute == VEC_INT) {
			uint64_t x = vec_get_int(s->m->data + addr, s->t);

			more = vec_int_less(s->t, i, x);
			i = best < 0 || more ? x : i;
		} else {
			double x = vec_get_f64(s->m->data + addr, s->t);

			more = x > f || (x != x && f == f);
			f = best < 0 || more ? x : f;
		}
		if (best < 0 || more)
			best = tap_number(op, p);
	}
	put_number(op, dst, best < 0 ? 0 : best);
}

/* One channel of a pool's gradient. */
static void
window_unpool(struct vec_op *op, struct pixel *p, int64_t c, uint8_t *dst)
{
	const struct vec_side *s = &op->o[1], *k = &op->o[2];
	int64_t last = op->size[DIM_KD] * op->size[DIM_KH] *
	    op->size[DIM_KW] - 1;
	uint64_t i = 0;
	double f = 0;

	for (start(p); next_tap(op, p);) {
		int64_t x = under(op, p, 0, c, 1), y = under(op, p, 1, c, 1);

		if (x < 0 || y < 0)
			return;
		if (vec_get_f64(k->m->data + y, k->t) !=
		    (double)(last - tap_number(op, p)))
			continue;
		if (op->compute == VEC_INT)
			i += vec_get_int(s->m->data + x, s->t);
		else if (op->compute == VEC_F64)
			f += vec_get_f64(s->m->data + x, s->t);
		else
			f = (double)((float)f +
			    (float)vec_get_f64(s->m->data + x, s->t));
	}
	if (op->compute == VEC_INT)
		vec_put_int(dst, op->o[0].t, i);
	else
		vec_put_f64(dst, op->o[0].t, f);
}

/* n channels from c on, at most VEC_CHUNK. */
static void
window_f32(struct vec_op *op, struct pixel *p, int64_t c, int64_t n,
    uint8_t *dst)
{
	const struct vec_side *s = &op->o[1];
	float acc[VEC_CHUNK], row[VEC_CHUNK];

	for (int64_t i = 0; i < n; i++)
		acc[i] = op->func == VF_wmax ? -INFINITY : 0;
	for (start(p); next_tap(op, p);) {
		int64_t addr = under(op, p, 0, c, n);

		if (addr < 0)
			return;
		vec_get_f32(op, row, s->m->data + addr, s->stride[DIM_C],
		    s->t, n);
		op->loops->accumulate(op->func, n, acc, row);
	}
	vec_put_f32(op, dst, op->o[0].stride[DIM_C], op->o[0].t, acc, n);
}

/* One channel in integers or f64. */
static void
window_wide(struct vec_op *op, struct pixel *p, int64_t c, uint8_t *dst)
{
	const struct vec_side *s = &op->o[1];
	bool max = op->func == VF_wmax;
	uint64_t i = max && s->t != DT_U64 ? (uint64_t)1 << 63 : 0;
	double f = max ? -(double)INFINITY : 0;

	for (start(p); next_tap(op, p);) {
		int64_t addr = under(op, p, 0, c, 1);
		const uint8_t *e;

		if (addr < 0)
			return;
		e = s->m->data + addr;
		if (op->compute == VEC_INT) {
			uint64_t x = vec_get_int(e, s->t);

			i = !max ? i + x : vec_int_less(s->t, x, i) ? i : x;
		} else {
			double x = vec_get_f64(e, s->t);

			f = !max ? f + x : f != f || f > x ? f : x;
		}
	}
	if (op->compute == VEC_INT)
		vec_put_int(dst, op->o[0].t, i);
	else
		vec_put_f64(dst, op->o[0].t, f);
}

static void
window_pixel(struct vec_op *op, struct pixel *p, uint8_t *dst)
{
	int64_t step = op->o[0].stride[DIM_C], n;

	for (int64_t c = 0; c < op->size[DIM_C]; c += n) {
		n = op->size[DIM_C] - c;
		if (op->func == VF_warg || op->func == VF_wunpool ||
		    op->compute != VEC_F32)
			n = 1;
		if (op->func == VF_warg) {
			window_arg(op, p, c, dst + c * step);
			continue;
		}
		if (op->func == VF_wunpool) {
			window_unpool(op, p, c, dst + c * step);
			continue;
		}
		if (op->compute != VEC_F32) {
			window_wide(op, p, c, dst + c * step);
			continue;
		}
		if (n > VEC_CHUNK)
			n = VEC_CHUNK;
		window_f32(op, p, c, n, dst + c * step);
	}
}

/* Rows count (n, d, h). */
static void
window_rows(void *ctx, int64_t from, int64_t to)
{
	struct vec_op *op = ctx;
	const int64_t *size = op->size, *step = op->o[0].stride;
	struct pixel p;

	for (int64_t r = from; r < to; r++) {
		int64_t n = r / (size[DIM_D] * size[DIM_H]);
		int64_t dst = op->o[0].base + n * step[DIM_N];

		p.o[0] = r / size[DIM_H] % size[DIM_D];
		p.o[1] = r % size[DIM_H];
		for (int i = 0; i + 1 < op->nops; i++)
			p.src[i] = wrap_step(op->o[1 + i].base, n,
			    op->o[1 + i].stride[DIM_N]);
		dst += p.o[0] * step[DIM_D] + p.o[1] * step[DIM_H];
		for (p.o[2] = 0; p.o[2] < size[DIM_W]; p.o[2]++) {
			if (atomic_load(&op->bad))
				return;
			window_pixel(op, &p, op->o[0].m->data + dst +
			    p.o[2] * step[DIM_W]);
		}
	}
}

/* Do result and image stay clear of each other, and the results too? */
static bool
apart(const struct vec_op *op)
{
	const struct vec_side *d = &op->o[0];
	int64_t image[5] = {op->size[DIM_N], 0, 0, 0, op->size[DIM_C]};
	struct mem_range w, r;

	for (int a = 0; a < 3; a++)
		image[DIM_D + a] = op->v->axis[a].extent;
	if (!mem_apart(5, op->size, d->stride, d->size) ||
	    !mem_box(5, op->size, d->stride, d->size, &w))
		return false;
	for (int i = 1; i < op->nops; i++) {
		const struct vec_side *s = &op->o[i];

		if (s->m == d->m && (!mem_box(5, image, s->stride, s->size,
		    &r) || mem_meet(d->base, &w, s->base, &r)))
			return false;
	}
	return true;
}

bool
vec_window(struct exec_group *g, struct vec_op *op)
{
	int64_t rows = op->size[DIM_N] * op->size[DIM_D] * op->size[DIM_H];
	int64_t work = rows * op->size[DIM_W] * op->size[DIM_C];
	struct mem_range r;

	if (!vec_inside(op, 0, 5, &r))
		return false;
	for (int a = 0; a < 3; a++)
		work *= op->size[DIM_KD + a];
	if (work >= VEC_SHARED && g->pool != NULL && apart(op))
		pool_run(g->pool, rows, 1, window_rows, op);
	else
		window_rows(op, 0, rows);
	return !atomic_load(&op->bad);
}
