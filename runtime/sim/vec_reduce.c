/* VRED: 16 accumulators, then a tree; argmax and argmin in order. */
#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/vec_op.h"

#define COLUMNS 128 /* results side by side */
#define SHORT_RUN 256 /* elements: reducing each alone costs as much again */

/* ---- scalar accumulators: f64, integers ---- */

struct wide_acc {
	double f[RED_LANES];
	uint64_t i[RED_LANES];
};

static void
wide_start(const struct vec_op *op, struct wide_acc *a)
{
	uint64_t least = op->o[1].t == DT_U64 ? 0 : (uint64_t)1 << 63;

	for (int j = 0; j < RED_LANES; j++) {
		switch ((int)op->func) {
		case VF_rprod: a->f[j] = 1; a->i[j] = 1; break;
		case VF_rmax:
			a->f[j] = -(double)INFINITY;
			a->i[j] = least;
			break;
		case VF_rmin:
			a->f[j] = (double)INFINITY;
			a->i[j] = ~least;
			break;
		default: a->f[j] = 0; a->i[j] = 0; break;
		}
	}
}

static double
wide_float(const struct vec_op *op, double a, double b)
{
	switch ((int)op->func) {
	case VF_rprod: return a * b;
	case VF_rmax: return a != a || a > b ? a : b;
	case VF_rmin: return a != a || a < b ? a : b;
	default: return a + b;
	}
}

static uint64_t
wide_int(const struct vec_op *op, uint64_t a, uint64_t b)
{
	enum dtype t = op->o[1].t;

	switch ((int)op->func) {
	case VF_rprod: return a * b;
	case VF_rmax: return vec_int_less(t, b, a) ? a : b;
	case VF_rmin: return vec_int_less(t, a, b) ? a : b;
	default: return a + b;
	}
}

/* ---- the reduced dimensions, element by element ---- */

/* Steps through the reduced dimensions but the last; false at the end. */
static bool
next_run(const struct vec_op *op, int64_t *i, int64_t *at)
{
	const int64_t *stride = op->o[1].stride;

	for (int d = op->rank - 2; d >= op->rank - op->nred; d--) {
		*at += stride[d];
		if (++i[d] < op->size[d])
			return true;
		*at -= stride[d] * op->size[d];
		i[d] = 0;
	}
	return false;
}

/* The last reduced dimension: a run of elements. */
static int64_t
run_length(const struct vec_op *op, int64_t *step)
{
	int d = op->rank - 1;

	*step = op->nred > 0 ? op->o[1].stride[d] : 0;
	return op->nred > 0 ? op->size[d] : 1;
}

static void
reduce_wide(const struct vec_op *op, int64_t src, uint8_t *dst)
{
	int64_t i[VEC_MAX_RANK] = {0}, step, e = 0;
	int64_t n = run_length(op, &step);
	const struct vec_side *s = &op->o[1];
	struct wide_acc a;

	wide_start(op, &a);
	do {
		const uint8_t *p = s->m->data + src;

		for (int64_t k = 0; k < n; k++, e++) {
			int j = (int)(e % RED_LANES);

			if (op->compute == VEC_INT)
				a.i[j] = wide_int(op, a.i[j],
				    vec_get_int(p + k * step, s->t));
			else
				a.f[j] = wide_float(op, a.f[j],
				    vec_get_f64(p + k * step, s->t));
		}
	} while (next_run(op, i, &src));
	for (int w = RED_LANES / 2; w > 0; w /= 2) {
		for (int j = 0; j < w; j++) {
			a.f[j] = wide_float(op, a.f[j], a.f[j + w]);
			a.i[j] = wide_int(op, a.i[j], a.i[j + w]);
		}
	}
	if (op->compute == VEC_INT)
		vec_put_int(dst, op->o[0].t, a.i[0]);
	else
		vec_put_f64(dst, op->o[0].t, a.f[0]);
}

/* Does v beat the best so far? NaN beats all; of equals the first wins, or the
 * last when the parameter is not 0. */
static bool
beats_float(const struct vec_op *op, double v, double best)
{
	bool last = op->v->param[0] != 0;

	if (v != v || best != best)
		return v != v && (last || best == best);
	if (v == best)
		return last;
	return op->func == VF_rargmax ? v > best : v < best;
}

static bool
beats_int(const struct vec_op *op, uint64_t v, uint64_t best)
{
	enum dtype t = op->o[1].t;

	if (v == best)
		return op->v->param[0] != 0;
	return vec_int_less(t, v, best) != (op->func == VF_rargmax);
}

static void
reduce_arg(const struct vec_op *op, int64_t src, uint8_t *dst)
{
	int64_t i[VEC_MAX_RANK] = {0}, step, e = 0, at = 0;
	int64_t n = run_length(op, &step);
	const struct vec_side *s = &op->o[1];
	uint64_t best_int = 0;
	double best = 0;

	do {
		const uint8_t *p = s->m->data + src;

		for (int64_t k = 0; k < n; k++, e++, p += step) {
			if (op->compute == VEC_INT) {
				uint64_t v = vec_get_int(p, s->t);

				if (e == 0 || beats_int(op, v, best_int)) {
					best_int = v;
					at = e;
				}
				continue;
			}
			double v = vec_get_f64(p, s->t);

			if (e == 0 || beats_float(op, v, best)) {
				best = v;
				at = e;
			}
		}
	} while (next_run(op, i, &src));
	if (dtype_is_float(op->o[0].t))
		vec_put_f64(dst, op->o[0].t, (double)at);
	else
		vec_put_int(dst, op->o[0].t, (uint64_t)at);
}

static void
put_whole(const struct vec_op *op, uint8_t *dst, uint64_t v)
{
	if (op->o[0].t == DT_U8)
		*dst = (uint8_t)v;
	else if (dtype_is_float(op->o[0].t))
		vec_put_f64(dst, op->o[0].t, (double)v);
	else
		vec_put_int(dst, op->o[0].t, v);
}

/* A bit for each of the first 64 elements. */
static void
reduce_bits(const struct vec_op *op, int64_t src, uint8_t *dst)
{
	int64_t i[VEC_MAX_RANK] = {0}, step, e = 0;
	int64_t n = run_length(op, &step);
	const struct vec_side *s = &op->o[1];
	uint64_t bits = 0;

	do {
		const uint8_t *p = s->m->data + src;

		for (int64_t k = 0; k < n && e < 64; k++, e++, p += step) {
			bool set = op->compute == VEC_INT ?
			    vec_int_less(s->t, 0, vec_get_int(p, s->t)) :
			    vec_get_f64(p, s->t) > 0;

			bits |= (uint64_t)set << e;
		}
	} while (next_run(op, i, &src));
	put_whole(op, dst, bits);
}

/* The same for n neighbours, each of one run. */
static void
bits_of_rows(const struct vec_op *op, int64_t src, uint8_t *dst, int64_t n)
{
	int dim = op->rank - 2;
	const struct vec_side *s = &op->o[1];
	int64_t cols = op->size[dim + 1];
	float x[VEC_CHUNK];

	vec_get_rows(op, x, s->m->data + src, s->stride[dim],
	    s->stride[dim + 1], s->t, n, cols);
	for (int64_t r = 0; r < n; r++) {
		uint64_t bits = 0;

		for (int64_t c = 0; c < cols; c++)
			bits |= (uint64_t)(x[r * cols + c] > 0) << c;
		put_whole(op, dst + r * op->o[0].stride[dim], bits);
	}
}

/* ---- f32 ---- */

static float
identity(const struct vec_op *op)
{
	switch ((int)op->func) {
	case VF_rprod: return 1;
	case VF_rmax: return -INFINITY;
	case VF_rmin: return INFINITY;
	default: return 0;
	}
}

/* The tree over lanes that are n values each. */
static void
fold_lanes(const struct vec_op *op, float *acc, int64_t n)
{
	for (int w = RED_LANES / 2; w > 0; w /= 2)
		op->loops->accumulate(op->func, w * n, acc, acc + w * n);
}

/* n elements as f32: where they lie, or in buffer. */
static const float *
floats(const struct vec_op *op, const uint8_t *p, int64_t step, int64_t n,
    float *buffer)
{
	if (op->o[1].t == DT_F32 && step == 4 &&
	    (uintptr_t)p % sizeof(float) == 0)
		return (const float *)(const void *)p;
	vec_get_f32(op, buffer, p, step, op->o[1].t, n);
	return buffer;
}

/* Whole rows of lanes are reduced as they come; of runs that are none, the
 * rest is gathered until it is a row. */
static void
reduce_f32(const struct vec_op *op, int64_t src, uint8_t *dst)
{
	int64_t i[VEC_MAX_RANK] = {0}, step, have = 0;
	int64_t n = run_length(op, &step);
	const struct vec_side *s = &op->o[1];
	float acc[RED_LANES], rest[RED_LANES], buffer[VEC_CHUNK];

	for (int j = 0; j < RED_LANES; j++)
		acc[j] = identity(op);
	do {
		const uint8_t *p = s->m->data + src;

		for (int64_t k = 0, more; k < n; k += more) {
			more = (n - k < VEC_CHUNK ? n - k : VEC_CHUNK) /
			    RED_LANES * RED_LANES;
			if (have == 0 && more > 0) {
				op->loops->reduce(op->func, more, acc,
				    floats(op, p + k * step, step, more,
				    buffer));
				continue;
			}
			more = n - k < RED_LANES - have ? n - k :
			    RED_LANES - have;
			vec_get_f32(op, rest + have, p + k * step, step, s->t,
			    more);
			have += more;
			if (have < RED_LANES)
				continue;
			op->loops->reduce(op->func, have, acc, rest);
			have = 0;
		}
	} while (next_run(op, i, &src));
	op->loops->reduce(op->func, have, acc, rest);
	fold_lanes(op, acc, 1);
	vec_put_f32(op, dst, 0, op->o[0].t, acc, 1);
}

/* n results whose sources lie side by side: a lane holds one accumulator of
 * each. Without gaps between the rows, several lanes are one run. */
static void
reduce_columns(const struct vec_op *op, int64_t src, uint8_t *dst, int64_t n)
{
	int64_t i[VEC_MAX_RANK] = {0}, step, lane = 0, rows;
	int64_t len = run_length(op, &step);
	const struct vec_side *s = &op->o[1];
	float acc[RED_LANES * COLUMNS], buffer[RED_LANES * COLUMNS];

	for (int64_t j = 0; j < RED_LANES * n; j++)
		acc[j] = identity(op);
	do {
		for (int64_t k = 0; k < len; k += rows) {
			rows = RED_LANES - lane;
			if (step != n * s->size)
				rows = 1;
			if (rows > len - k)
				rows = len - k;
			op->loops->accumulate(op->func, rows * n,
			    acc + lane * n, floats(op, s->m->data + src +
			    k * step, s->size, rows * n, buffer));
			lane = (lane + rows) % RED_LANES;
		}
	} while (next_run(op, i, &src));
	fold_lanes(op, acc, n);
	vec_put_f32(op, dst, op->o[0].stride[op->rank - op->nred - 1],
	    op->o[0].t, acc, n);
}

/* The same for n results whose sources are short runs, one after the other:
 * turned, they lie side by side. */
static void
reduce_turned(const struct vec_op *op, int64_t src, uint8_t *dst, int64_t n)
{
	int last = op->rank - 2;
	const struct vec_side *s = &op->o[1];
	const uint8_t *p = s->m->data + src;
	int64_t len = op->size[last + 1], cols;
	float acc[RED_LANES * COLUMNS], buffer[RED_LANES * COLUMNS];

	for (int64_t j = 0; j < RED_LANES * n; j++)
		acc[j] = identity(op);
	for (int64_t k = 0; k < len; k += cols) {
		cols = len - k < RED_LANES ? len - k : RED_LANES;
		op->loops->transpose(buffer, n, p + k * s->size,
		    s->stride[last], n, cols);
		op->loops->accumulate(op->func, cols * n, acc, buffer);
	}
	fold_lanes(op, acc, n);
	vec_put_f32(op, dst, op->o[0].stride[last], op->o[0].t, acc, n);
}

/* ---- the outer dimensions ---- */

static bool
is_arg(const struct vec_op *op)
{
	return op->func == VF_rargmax || op->func == VF_rargmin ||
	    op->func == VF_rbits;
}

/* Is it worth to take the last outer dimension by columns? */
static bool
by_columns(const struct vec_op *op)
{
	int last = op->rank - op->nred - 1;

	return op->compute == VEC_F32 && !is_arg(op) && last >= 0 &&
	    op->nred > 0 && op->apart && op->size[last] >= 4 &&
	    op->o[1].stride[last] == op->o[1].size &&
	    op->o[1].stride[op->rank - 1] != op->o[1].size;
}

/* Is it worth to turn the last outer dimension's runs into columns? */
static bool
by_turning(const struct vec_op *op)
{
	int last = op->rank - 2;

	return op->compute == VEC_F32 && !is_arg(op) && op->nred == 1 &&
	    last >= 0 && op->apart && op->size[last] >= 4 &&
	    op->size[last + 1] <= SHORT_RUN && op->o[1].t == DT_F32 &&
	    op->o[1].stride[last + 1] == op->o[1].size;
}

/* How many results of the last outer dimension are computed together. */
static int64_t
together(const struct vec_op *op)
{
	if (by_columns(op) || by_turning(op))
		return COLUMNS;
	if (op->func == VF_rbits && op->compute == VEC_F32 && op->apart &&
	    op->nred == 1 && op->size[op->rank - 1] <= 64)
		return VEC_CHUNK / 64;
	return 1;
}

static void
reduce_one(const struct vec_op *op, int64_t src, uint8_t *dst)
{
	if (op->func == VF_rbits)
		reduce_bits(op, src, dst);
	else if (is_arg(op))
		reduce_arg(op, src, dst);
	else if (op->compute == VEC_F32)
		reduce_f32(op, src, dst);
	else
		reduce_wide(op, src, dst);
}

static void
reduce_box(const struct vec_op *op, int dim, int64_t dst, int64_t src,
    int64_t from, int64_t to)
{
	int outer = op->rank - op->nred;
	uint8_t *p = op->o[0].m->data + dst;
	int64_t dstep, sstep, n, most;

	if (dim == outer) {
		reduce_one(op, src, p);
		return;
	}
	dstep = op->o[0].stride[dim];
	sstep = op->o[1].stride[dim];
	most = dim == outer - 1 ? together(op) : 1;
	for (int64_t i = from; i < to; i += n) {
		n = to - i < most ? to - i : most;
		if (most == 1)
			reduce_box(op, dim + 1, dst + i * dstep,
			    src + i * sstep, 0, op->size[dim + 1]);
		else if (op->func == VF_rbits)
			bits_of_rows(op, src + i * sstep, p + i * dstep, n);
		else if (by_columns(op))
			reduce_columns(op, src + i * sstep, p + i * dstep, n);
		else
			reduce_turned(op, src + i * sstep, p + i * dstep, n);
	}
}

static void
reduce_rows(void *ctx, int64_t from, int64_t to)
{
	const struct vec_op *op = ctx;

	reduce_box(op, 0, op->o[0].base, op->o[1].base, from, to);
}

bool
vec_reduce(struct exec_group *g, struct vec_op *op)
{
	struct mem_range r;
	int64_t total = 1;
	int outer = op->rank - op->nred;

	/* what the destination's strides say of reduced dimensions is void */
	for (int d = outer; d < op->rank; d++)
		op->o[0].stride[d] = 0;
	if (!vec_inside(op, 0, outer, &r) ||
	    !vec_inside(op, 1, op->rank, &r))
		return false;
	for (int d = outer; d < op->rank; d++)
		op->o[0].stride[d] = op->o[1].stride[d]; /* joins as it does */
	vec_simplify(op);
	outer = op->rank - op->nred;
	for (int d = 0; d < op->rank; d++)
		total *= op->size[d];
	op->apart = vec_apart(op, outer, false);
	if (outer == 0)
		reduce_box(op, 0, op->o[0].base, op->o[1].base, 0, 0);
	else if (op->apart && total >= VEC_SHARED)
		pool_run(g->pool, op->size[0], outer == 1 ? 16 : 1,
		    reduce_rows, op);
	else
		reduce_rows(op, 0, op->size[0]);
	return true;
}
