/* Values of vector instructions: maps, reductions, windows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/pool.h"

#define CHUNK 512
#define LANES 16 /* accumulators of a reduction */

enum compute { COMPUTE_F32, COMPUTE_F64, COMPUTE_INT };

struct op {
	const struct vec *v;
	enum compute compute;
	bool u64; /* integers compare as unsigned */
	const struct mem *m[1 + VEC_MAX_SRC]; /* 0: destination */
	const struct vec_operand *o[1 + VEC_MAX_SRC];
	int64_t base[1 + VEC_MAX_SRC];
	int nops;
	bool bad;
};

/* ---- operands ---- */

static bool
is_int(enum dtype t)
{
	return dtype_is_int(t) || t == DT_BOOL;
}

static enum compute
compute_type(const struct vec *v)
{
	bool all_int = is_int(v->dst.dtype), f64 = v->dst.dtype == DT_F64;
	for (int i = 0; i < VEC_MAX_SRC; i++) {
		if (v->src[i].space == SPACE_NONE)
			continue;
		all_int = all_int && is_int(v->src[i].dtype);
		f64 = f64 || v->src[i].dtype == DT_F64;
	}
	if ((v->func == VF_rargmax || v->func == VF_rargmin))
		return is_int(v->src[0].dtype) ? COMPUTE_INT :
		    v->src[0].dtype == DT_F64 ? COMPUTE_F64 : COMPUTE_F32;
	return all_int ? COMPUTE_INT : f64 ? COMPUTE_F64 : COMPUTE_F32;
}

static bool
inside(const struct mem *m, int64_t addr, int64_t n, int64_t step,
    int64_t size)
{
	int64_t last = addr + (n - 1) * step;
	int64_t lo = addr < last ? addr : last;
	int64_t hi = (addr < last ? last : addr) + size;
	return lo >= 0 && hi <= (int64_t)m->size;
}

static bool
setup(struct exec_group *g, const struct vec *v, const int64_t *idx,
    struct op *op, const char **why)
{
	op->v = v;
	op->compute = compute_type(v);
	for (int i = 0; i <= VEC_MAX_SRC; i++) {
		const struct vec_operand *o = i == 0 ? &v->dst :
		    &v->src[i - 1];
		if (o->space == SPACE_NONE)
			break;
		op->o[i] = o;
		op->m[i] = o->space == SPACE_WBUF ? &g->wbuf : &g->gbuf;
		op->base[i] = aff_eval(&g->tables->aff[o->base], idx,
		    g->group);
		op->nops = i + 1;
		if (i > 0 && o->dtype == DT_U64)
			op->u64 = true;
	}
	if (op->nops == 0)
		*why = "vector instruction without a destination";
	return op->nops > 0;
}

static void
get_f32(float *dst, const uint8_t *src, int64_t step, enum dtype t, int64_t n)
{
	const struct sim_loops *l = sim_loops_best();
	if (t == DT_F32 && step == 4) {
		memcpy(dst, src, (size_t)n * 4);
	} else if (t == DT_F16 && step == 2) {
		l->from_f16(dst, (const uint16_t *)(const void *)src, n);
	} else if (t == DT_BF16 && step == 2) {
		l->from_bf16(dst, (const uint16_t *)(const void *)src, n);
	} else if (step == 0 && n > 0) {
		float v = (float)dtype_get(src, t, 0);
		for (int64_t i = 0; i < n; i++)
			dst[i] = v;
	} else if (t == DT_I64) {
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)dtype_get_i64(src + i * step, t, 0);
	} else if (t == DT_U64) {
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)(uint64_t)dtype_get_i64(src +
			    i * step, t, 0);
	} else {
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)dtype_get(src + i * step, t, 0);
	}
}

static void
put_f32(uint8_t *dst, int64_t step, enum dtype t, const float *src, int64_t n)
{
	const struct sim_loops *l = sim_loops_best();
	if (t == DT_F32 && step == 4)
		memcpy(dst, src, (size_t)n * 4);
	else if (t == DT_F16 && step == 2)
		l->to_f16((uint16_t *)(void *)dst, src, n);
	else if (t == DT_BF16 && step == 2)
		l->to_bf16((uint16_t *)(void *)dst, src, n);
	else
		for (int64_t i = 0; i < n; i++)
			dtype_set(dst + i * step, t, 0, (double)src[i]);
}

/* ---- element-wise ---- */

/* One run of the innermost dimension. */
static void
map_run(struct op *op, const int64_t *addr, const int64_t *step, int64_t n)
{
	const struct vec *v = op->v;
	float f[VEC_MAX_SRC][CHUNK], out[CHUNK];
	uint8_t *dst = op->m[0]->data + addr[0];
	if (op->compute == COMPUTE_F32) {
		for (int k = 1; k < op->nops; k++)
			get_f32(f[k - 1], op->m[k]->data + addr[k], step[k],
			    op->o[k]->dtype, n);
		sim_loops_best()->map((enum vec_func)v->func, n, out, f[0],
		    f[op->nops > 2 ? 1 : 0], f[op->nops > 3 ? 2 : 0],
		    v->param);
		put_f32(dst, step[0], op->o[0]->dtype, out, n);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		double d[VEC_MAX_SRC] = {0};
		int64_t s[VEC_MAX_SRC] = {0};
		for (int k = 1; k < op->nops; k++) {
			const uint8_t *p = op->m[k]->data + addr[k] +
			    i * step[k];
			if (op->compute == COMPUTE_INT)
				s[k - 1] = dtype_get_i64(p, op->o[k]->dtype,
				    0);
			else
				d[k - 1] = dtype_get(p, op->o[k]->dtype, 0);
		}
		if (op->compute == COMPUTE_INT)
			vecint_store(dst + i * step[0], op->o[0]->dtype,
			    vecint_map((enum vec_func)v->func, op->u64, s,
			    v->param));
		else
			dtype_set(dst + i * step[0], op->o[0]->dtype, 0,
			    vecmath_f64((enum vec_func)v->func, d[0], d[1],
			    d[2], v->param));
	}
}

static void
map_box(struct op *op, int dim, const int64_t *at, int64_t from, int64_t to)
{
	const struct vec *v = op->v;
	int64_t addr[1 + VEC_MAX_SRC], step[1 + VEC_MAX_SRC];
	for (int k = 0; k < op->nops; k++)
		step[k] = op->o[k]->stride[dim];
	if (dim < v->rank - 1) {
		for (int64_t i = from; i < to && !op->bad; i++) {
			for (int k = 0; k < op->nops; k++)
				addr[k] = at[k] + i * step[k];
			map_box(op, dim + 1, addr, 0, v->size[dim + 1]);
		}
		return;
	}
	for (int64_t i = from; i < to; i += CHUNK) {
		int64_t n = to - i < CHUNK ? to - i : CHUNK;
		for (int k = 0; k < op->nops; k++) {
			addr[k] = at[k] + i * step[k];
			if (!inside(op->m[k], addr[k], n, step[k],
			    (int64_t)dtype_size(op->o[k]->dtype))) {
				op->bad = true;
				return;
			}
		}
		map_run(op, addr, step, n);
	}
}

static void
map_rows(void *ctx, int64_t from, int64_t to)
{
	struct op part = *(struct op *)ctx;
	map_box(&part, 0, part.base, from, to);
	if (part.bad)
		((struct op *)ctx)->bad = true;
}

/* ---- reductions ---- */

struct acc {
	double f[LANES];   /* holds f32 values exactly where compute is f32 */
	int64_t i[LANES];
	int64_t at[LANES]; /* argmax, argmin */
};

static double
round_to(const struct op *op, double v)
{
	return op->compute == COMPUTE_F32 ? (double)(float)v : v;
}

static double
combine_float(const struct op *op, double a, double b)
{
	switch ((int)op->v->func) {
	case VF_rsum: return round_to(op, a + b);
	case VF_rprod: return round_to(op, a * b);
	case VF_rmax: return a != a || a > b ? a : b;
	default: return a != a || a < b ? a : b;
	}
}

static void
acc_start(const struct op *op, struct acc *a)
{
	for (int j = 0; j < LANES; j++) {
		a->at[j] = -1;
		switch ((int)op->v->func) {
		case VF_rsum:
			a->f[j] = 0;
			a->i[j] = 0;
			break;
		case VF_rprod:
			a->f[j] = 1;
			a->i[j] = 1;
			break;
		case VF_rmax:
			a->f[j] = -INFINITY;
			a->i[j] = op->u64 ? 0 : INT64_MIN;
			break;
		default:
			a->f[j] = INFINITY;
			a->i[j] = op->u64 ? -1 : INT64_MAX;
			break;
		}
	}
}

/* Element e of the reduced range. */
static void
acc_add(const struct op *op, struct acc *a, int64_t e, const uint8_t *p)
{
	int j = (int)(e % LANES);
	if (op->compute == COMPUTE_INT)
		a->i[j] = vecint_combine((enum vec_func)op->v->func, op->u64,
		    a->i[j], dtype_get_i64(p, op->o[1]->dtype, 0));
	else
		a->f[j] = combine_float(op, a->f[j],
		    round_to(op, dtype_get(p, op->o[1]->dtype, 0)));
}

/* argmax and argmin compare in order; one lane is enough. */
static void
arg_add(const struct op *op, struct acc *a, int64_t e, const uint8_t *p)
{
	bool max = op->v->func == VF_rargmax, last = op->v->param[0] != 0;
	bool better;
	if (op->compute == COMPUTE_INT) {
		int64_t v = dtype_get_i64(p, op->o[1]->dtype, 0);
		better = a->at[0] < 0 || (max ?
		    vecint_less(op->u64, a->i[0], v) :
		    vecint_less(op->u64, v, a->i[0])) ||
		    (last && v == a->i[0]);
		if (better)
			a->i[0] = v;
	} else {
		double v = dtype_get(p, op->o[1]->dtype, 0);
		better = a->at[0] < 0 || (max ? v > a->f[0] : v < a->f[0]) ||
		    (last && v == a->f[0]);
		if (better)
			a->f[0] = v;
	}
	if (better)
		a->at[0] = e;
}

static void
acc_finish(const struct op *op, struct acc *a, uint8_t *dst)
{
	enum dtype t = op->o[0]->dtype;
	if (op->v->func == VF_rargmax || op->v->func == VF_rargmin) {
		dtype_set_i64(dst, t, 0, a->at[0] < 0 ? 0 : a->at[0]);
		return;
	}
	for (int w = LANES / 2; w > 0; w /= 2) {
		for (int j = 0; j < w; j++) {
			a->f[j] = combine_float(op, a->f[j], a->f[j + w]);
			a->i[j] = vecint_combine((enum vec_func)op->v->func,
			    op->u64, a->i[j], a->i[j + w]);
		}
	}
	if (op->compute == COMPUTE_INT)
		vecint_store(dst, t, a->i[0]);
	else
		dtype_set(dst, t, 0, a->f[0]);
}

static void
reduce_inner(struct op *op, int dim, int64_t at, int64_t *e, struct acc *a)
{
	const struct vec *v = op->v;
	int64_t step = op->o[1]->stride[dim];
	bool arg = v->func == VF_rargmax || v->func == VF_rargmin;
	for (int64_t i = 0; i < v->size[dim] && !op->bad; i++) {
		int64_t addr = at + i * step;
		if (dim < v->rank - 1) {
			reduce_inner(op, dim + 1, addr, e, a);
			continue;
		}
		if (!inside(op->m[1], addr, 1, 0,
		    (int64_t)dtype_size(op->o[1]->dtype))) {
			op->bad = true;
			return;
		}
		if (arg)
			arg_add(op, a, (*e)++, op->m[1]->data + addr);
		else
			acc_add(op, a, (*e)++, op->m[1]->data + addr);
	}
}

static void
reduce_box(struct op *op, int dim, int64_t dst, int64_t src, int64_t from,
    int64_t to)
{
	const struct vec *v = op->v;
	if (dim == v->rank - v->nred) {
		struct acc a;
		int64_t e = 0;
		if (!inside(op->m[0], dst, 1, 0,
		    (int64_t)dtype_size(op->o[0]->dtype))) {
			op->bad = true;
			return;
		}
		acc_start(op, &a);
		if (v->nred > 0)
			reduce_inner(op, dim, src, &e, &a);
		else
			acc_add(op, &a, 0, op->m[1]->data + src);
		if (!op->bad)
			acc_finish(op, &a, op->m[0]->data + dst);
		return;
	}
	for (int64_t i = from; i < to && !op->bad; i++)
		reduce_box(op, dim + 1, dst + i * op->o[0]->stride[dim],
		    src + i * op->o[1]->stride[dim], 0,
		    dim + 1 < v->rank ? v->size[dim + 1] : 0);
}

static void
reduce_rows(void *ctx, int64_t from, int64_t to)
{
	struct op part = *(struct op *)ctx;
	reduce_box(&part, 0, part.base[0], part.base[1], from, to);
	if (part.bad)
		((struct op *)ctx)->bad = true;
}

/* ---- windows: dimensions n, d, h, w, c, kd, kh, kw ---- */

struct pixel {
	int64_t o[3], src; /* output position, address of the image */
};

/* Channels c0 .. c0+n of one output pixel. */
static void
window_f32(struct op *op, const struct pixel *px, int64_t c0, int64_t n,
    float *acc)
{
	const struct vec *v = op->v;
	float tmp[CHUNK];
	bool max = v->func == VF_wmax;
	int64_t cs = op->o[1]->stride[4], k[3];
	for (int64_t i = 0; i < n; i++)
		acc[i] = max ? -INFINITY : 0;
	for (k[0] = 0; k[0] < v->size[5]; k[0]++)
	for (k[1] = 0; k[1] < v->size[6]; k[1]++)
	for (k[2] = 0; k[2] < v->size[7]; k[2]++) {
		int64_t addr = px->src + c0 * cs;
		bool in = true;
		for (int a = 0; a < 3; a++) {
			int64_t pos = px->o[a] * v->axis[a].stride +
			    k[a] * v->axis[a].dil - v->axis[a].pad;
			in = in && pos >= 0 && pos < v->axis[a].extent;
			addr += pos * op->o[1]->stride[1 + a];
		}
		if (!in)
			continue;
		if (!inside(op->m[1], addr, n, cs,
		    (int64_t)dtype_size(op->o[1]->dtype))) {
			op->bad = true;
			return;
		}
		get_f32(tmp, op->m[1]->data + addr, cs, op->o[1]->dtype, n);
		if (max) {
			for (int64_t i = 0; i < n; i++)
				acc[i] = acc[i] != acc[i] || acc[i] > tmp[i] ?
				    acc[i] : tmp[i];
		} else {
			for (int64_t i = 0; i < n; i++)
				acc[i] += tmp[i];
		}
	}
}

/* One channel in integers or doubles. */
static void
window_wide(struct op *op, const struct pixel *px, int64_t c, uint8_t *dst)
{
	const struct vec *v = op->v;
	bool max = v->func == VF_wmax;
	bool ints = op->compute == COMPUTE_INT;
	int64_t si = max && !op->u64 ? INT64_MIN : 0, k[3];
	double sf = max ? -INFINITY : 0;
	for (k[0] = 0; k[0] < v->size[5]; k[0]++)
	for (k[1] = 0; k[1] < v->size[6]; k[1]++)
	for (k[2] = 0; k[2] < v->size[7]; k[2]++) {
		int64_t addr = px->src + c * op->o[1]->stride[4];
		bool in = true;
		for (int a = 0; a < 3; a++) {
			int64_t pos = px->o[a] * v->axis[a].stride +
			    k[a] * v->axis[a].dil - v->axis[a].pad;
			in = in && pos >= 0 && pos < v->axis[a].extent;
			addr += pos * op->o[1]->stride[1 + a];
		}
		enum dtype t = op->o[1]->dtype;
		if (!in)
			continue;
		if (!inside(op->m[1], addr, 1, 0, (int64_t)dtype_size(t))) {
			op->bad = true;
			return;
		}
		int64_t xi = ints ? dtype_get_i64(op->m[1]->data + addr, t,
		    0) : 0;
		double xf = ints ? 0 : dtype_get(op->m[1]->data + addr, t, 0);
		si = vecint_combine(max ? VF_rmax : VF_rsum, op->u64, si, xi);
		sf = max ? (sf != sf || sf > xf ? sf : xf) : sf + xf;
	}
	if (ints)
		vecint_store(dst, op->o[0]->dtype, si);
	else
		dtype_set(dst, op->o[0]->dtype, 0, sf);
}

static void
window_pixel(struct op *op, const struct pixel *px, int64_t dst)
{
	const struct vec *v = op->v;
	float acc[CHUNK];
	int64_t step = op->o[0]->stride[4];
	if (!inside(op->m[0], dst, v->size[4], step,
	    (int64_t)dtype_size(op->o[0]->dtype))) {
		op->bad = true;
		return;
	}
	for (int64_t c = 0; c < v->size[4]; c += CHUNK) {
		int64_t n = v->size[4] - c < CHUNK ? v->size[4] - c : CHUNK;
		uint8_t *to = op->m[0]->data + dst + c * step;
		if (op->compute != COMPUTE_F32) {
			for (int64_t i = 0; i < n; i++)
				window_wide(op, px, c + i, to + i * step);
			continue;
		}
		window_f32(op, px, c, n, acc);
		if (op->bad)
			return;
		put_f32(to, step, op->o[0]->dtype, acc, n);
	}
}

static void
window_rows(void *ctx, int64_t from, int64_t to)
{
	struct op part = *(struct op *)ctx;
	const struct vec *v = part.v;
	const struct vec_operand *d = part.o[0];
	for (int64_t r = from; r < to && !part.bad; r++) {
		/* r counts (n, d, h) */
		struct pixel px;
		int64_t n = r / (v->size[1] * v->size[2]);
		px.o[0] = r / v->size[2] % v->size[1];
		px.o[1] = r % v->size[2];
		px.src = part.base[1] + n * part.o[1]->stride[0];
		int64_t dst = part.base[0] + n * d->stride[0] +
		    px.o[0] * d->stride[1] + px.o[1] * d->stride[2];
		for (px.o[2] = 0; px.o[2] < v->size[3] && !part.bad;
		     px.o[2]++)
			window_pixel(&part, &px, dst + px.o[2] * d->stride[3]);
	}
	if (part.bad)
		((struct op *)ctx)->bad = true;
}

bool
exec_vec(struct exec_group *g, enum opcode code, const struct vec *v,
    const int64_t *idx, const char **why)
{
	struct op op = {0};
	int64_t total = 1;
	if (!setup(g, v, idx, &op, why))
		return false;
	for (int i = 0; i < v->rank; i++)
		total *= v->size[i];
	struct pool *p = total >= 32768 ? g->pool : NULL;
	if (code == INSN_VMAP)
		pool_run(p, v->size[0], 1, map_rows, &op);
	else if (code == INSN_VRED && v->rank == v->nred)
		reduce_box(&op, 0, op.base[0], op.base[1], 0, 0);
	else if (code == INSN_VRED)
		pool_run(p, v->size[0], 1, reduce_rows, &op);
	else
		pool_run(p, v->size[0] * v->size[1] * v->size[2], 1,
		    window_rows, &op);
	if (op.bad)
		*why = "vector operand outside the memory";
	return !op.bad;
}
