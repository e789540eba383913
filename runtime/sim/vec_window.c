/* VWIN, element by element in the order of the definition: what vec_slide.c
 * does not take, and the choice between them. */
#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/vec_op.h"

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
			if (++p->k[a] < op->size[WIN_KD + a])
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
				    op->o[1 + i].stride[WIN_D + a]);
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
	return (p->k[0] * op->size[WIN_KH] + p->k[1]) * op->size[WIN_KW] +
	    p->k[2];
}

/* Address of channel c of source i under the tap; -1 and bad outside. */
static int64_t
under(struct vec_op *op, const struct pixel *p, int i, int64_t c, int64_t n)
{
	const struct vec_side *s = &op->o[1 + i];
	int64_t addr = wrap_step(p->at[i], c, s->stride[WIN_C]);

	if (mem_holds(s->m, addr, n, s->stride[WIN_C], s->size))
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
	int64_t last = op->size[WIN_KD] * op->size[WIN_KH] *
	    op->size[WIN_KW] - 1;
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

static double
wider(const struct vec_op *op, double f, double x)
{
	if (op->func == VF_wmax)
		return f != f || f > x ? f : x;
	return op->compute == VEC_F32 ? (double)((float)f + (float)x) : f + x;
}

/* One channel of a sum or maximum. */
static void
window_one(struct vec_op *op, struct pixel *p, int64_t c, uint8_t *dst)
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
		} else if (op->compute == VEC_F64) {
			f = wider(op, f, vec_get_f64(e, s->t));
		} else {
			float x;

			vec_get_f32(op, &x, e, 0, s->t, 1);
			f = wider(op, f, (double)x);
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
	int64_t step = op->o[0].stride[WIN_C];

	for (int64_t c = 0; c < op->size[WIN_C]; c++) {
		if (op->func == VF_warg)
			window_arg(op, p, c, dst + c * step);
		else if (op->func == VF_wunpool)
			window_unpool(op, p, c, dst + c * step);
		else
			window_one(op, p, c, dst + c * step);
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
		int64_t n = r / (size[WIN_D] * size[WIN_H]);
		int64_t dst = op->o[0].base + n * step[WIN_N];

		p.o[0] = r / size[WIN_H] % size[WIN_D];
		p.o[1] = r % size[WIN_H];
		for (int i = 0; i + 1 < op->nops; i++)
			p.src[i] = wrap_step(op->o[1 + i].base, n,
			    op->o[1 + i].stride[WIN_N]);
		dst += p.o[0] * step[WIN_D] + p.o[1] * step[WIN_H];
		for (p.o[2] = 0; p.o[2] < size[WIN_W]; p.o[2]++) {
			if (atomic_load(&op->bad))
				return;
			window_pixel(op, &p, op->o[0].m->data + dst +
			    p.o[2] * step[WIN_W]);
		}
	}
}

/* Do result and image stay clear of each other, and the results too? */
static bool
apart(const struct vec_op *op)
{
	const struct vec_side *d = &op->o[0];
	int64_t image[5] = {op->size[WIN_N], 0, 0, 0, op->size[WIN_C]};
	struct mem_range w, r;

	for (int a = 0; a < 3; a++)
		image[WIN_D + a] = op->v->axis[a].extent;
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
	int64_t rows = op->size[WIN_N] * op->size[WIN_D] * op->size[WIN_H];
	int64_t work = rows * op->size[WIN_W] * op->size[WIN_C];
	void (*run)(void *ctx, int64_t from, int64_t to);
	struct mem_range r;
	bool free;

	if (!vec_inside(op, 0, 5, &r))
		return false;
	for (int a = 0; a < 3; a++)
		work *= op->size[WIN_KD + a];
	free = apart(op);
	run = free && vec_slides(op) ? vec_slide_rows : window_rows;
	if (free && work >= VEC_SHARED)
		pool_run(g->pool, rows, 1, run, op);
	else
		run(op, 0, rows);
	return !atomic_load(&op->bad);
}
