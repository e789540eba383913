/* Vector instructions: set-up, and element-wise maps. */
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/vec_op.h"

#define SHORT_RUN 256 /* elements: calls for each would cost as much */

static bool
is_int(enum dtype t)
{
	return dtype_is_int(t) || t == DT_BOOL;
}

/* f64 when any operand is, integer when all are, else f32. What argmax and
 * the like yield says nothing about what they compare, nor does an index. */
static enum vec_compute
compute_type(const struct vec_op *op)
{
	bool arg = op->func == VF_rargmax || op->func == VF_rargmin ||
	    op->func == VF_rbits || op->func == VF_warg;
	int end = op->func == VF_wunpool ? 2 : op->nops;
	bool whole = true;

	for (int i = arg ? 1 : 0; i < end; i++) {
		if (op->o[i].t == DT_F64)
			return VEC_F64;
		whole = whole && is_int(op->o[i].t);
	}
	return whole ? VEC_INT : VEC_F32;
}

static const char *
set_up(struct exec_group *g, const struct vec *v, const int64_t *idx,
    struct vec_op *op)
{
	op->v = v;
	op->func = (enum vec_func)v->func;
	op->loops = sim_loops_best();
	op->nops = 1 + vec_func_sources(op->func);
	op->rank = v->rank;
	op->nred = v->nred;
	memcpy(op->size, v->size, sizeof op->size);
	for (int i = 0; i < op->nops; i++) {
		const struct vec_operand *o = i == 0 ? &v->dst :
		    &v->src[i - 1];
		struct vec_side *s = &op->o[i];

		if (o->space != SPACE_GBUF && (i == 0 ||
		    o->space != SPACE_WBUF))
			return "vector operand of a space that the unit does "
			    "not reach";
		s->m = o->space == SPACE_WBUF ? &g->wbuf : &g->gbuf;
		s->t = o->dtype;
		s->size = (int64_t)dtype_size(o->dtype);
		s->base = aff_eval(&g->tables->aff[o->base], idx, g->group);
		memcpy(s->stride, o->stride, sizeof s->stride);
	}
	op->compute = compute_type(op);
	op->order = op->o[op->nops > 1 ? 1 : 0].t;
	for (int i = 1; i < op->nops; i++)
		if (op->o[i].t == DT_U64)
			op->order = DT_U64;
	return NULL;
}

bool
exec_vec(struct exec_group *g, enum opcode code, const struct vec *v,
    const int64_t *idx, const char **why)
{
	struct vec_op op = {0};
	const char *cause = set_up(g, v, idx, &op);
	bool ok;

	if (cause != NULL) {
		*why = cause;
		return false;
	}
	ok = code == INSN_VMAP ? vec_map(g, &op) : code == INSN_VRED ?
	    vec_reduce(g, &op) : vec_window(g, &op);
	if (!ok)
		*why = "vector operand outside the memory";
	return ok;
}

/* ---- element-wise ---- */

static bool
is_aligned(const uint8_t *p)
{
	return (uintptr_t)p % sizeof(float) == 0;
}

/* rows x cols elements; of each operand where the first lies, and steps. */
struct piece {
	int64_t rows, cols;
	uint8_t *p[1 + VEC_MAX_SRC];
	int64_t row_step[1 + VEC_MAX_SRC], col_step[1 + VEC_MAX_SRC];
};

/* Does operand i lie in memory as the loops take it? */
static bool
in_place(const struct vec_op *op, int i, const struct piece *e)
{
	struct vec_rows v = vec_join(e->rows, e->cols, e->row_step[i],
	    e->col_step[i]);

	return op->o[i].t == DT_F32 && v.rows == 1 && v.col_step == 4 &&
	    is_aligned(e->p[i]);
}

/* Operand i as f32: where it lies, when it lies there so, else in buffer. */
static const float *
floats(const struct vec_op *op, int i, const struct piece *e, float *buffer)
{
	if (in_place(op, i, e))
		return (const float *)(const void *)e->p[i];
	vec_get_rows(op, buffer, e->p[i], e->row_step[i], e->col_step[i],
	    op->o[i].t, e->rows, e->cols);
	return buffer;
}

/* At most VEC_CHUNK elements. */
static void
map_f32(const struct vec_op *op, const struct piece *e)
{
	float buffer[VEC_MAX_SRC][VEC_CHUNK], out[VEC_CHUNK];
	const float *x[VEC_MAX_SRC];
	int64_t n = e->rows * e->cols;
	bool direct = in_place(op, 0, e) && op->apart;

	for (int i = 1; i < op->nops; i++) {
		x[i - 1] = floats(op, i, e, buffer[i - 1]);
		direct = direct && e->p[i] != e->p[0];
	}
	for (int i = op->nops; i <= VEC_MAX_SRC; i++) /* absent */
		x[i - 1] = i > 1 ? x[0] : buffer[0];
	if (direct) {
		op->loops->map(op->func, n, (float *)(void *)e->p[0], x[0],
		    x[1], x[2], op->v->param);
		return;
	}
	op->loops->map(op->func, n, out, x[0], x[1], x[2], op->v->param);
	vec_put_rows(op, e->p[0], e->row_step[0], e->col_step[0], op->o[0].t,
	    out, e->rows, e->cols);
}

static void
map_f64(const struct vec_op *op, uint8_t *const *p, const int64_t *step,
    int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		double x[VEC_MAX_SRC] = {0};

		for (int k = 1; k < op->nops; k++)
			x[k - 1] = vec_get_f64(p[k] + i * step[k],
			    op->o[k].t);
		vec_put_f64(p[0] + i * step[0], op->o[0].t,
		    vecmath_f64(op->func, x[0], x[1], x[2], op->v->param));
	}
}

static void
map_int(const struct vec_op *op, uint8_t *const *p, const int64_t *step,
    int64_t n)
{
	enum dtype t = op->o[0].t;

	if (op->func == VF_copy && t == op->o[1].t && t != DT_BOOL &&
	    step[0] == op->o[0].size && step[1] == step[0]) {
		memmove(p[0], p[1], (size_t)(n * step[0]));
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		uint64_t x[VEC_MAX_SRC] = {0};

		for (int k = 1; k < op->nops; k++)
			x[k - 1] = vec_get_int(p[k] + i * step[k],
			    op->o[k].t);
		vec_put_int(p[0] + i * step[0], op->o[0].t,
		    vec_int_map(op->func, op->order, t, x,
			op->v->param));
	}
}

/* Elements from..to-1 of the last dimension. */
static void
map_run(const struct vec_op *op, const int64_t *at, int64_t from, int64_t to)
{
	struct piece e = {.rows = 1};
	int64_t n;

	for (int k = 0; k < op->nops; k++)
		e.col_step[k] = op->o[k].stride[op->rank - 1];
	for (int64_t i = from; i < to; i += n) {
		n = to - i < VEC_CHUNK ? to - i : VEC_CHUNK;
		e.cols = n;
		for (int k = 0; k < op->nops; k++)
			e.p[k] = op->o[k].m->data + at[k] + i * e.col_step[k];
		if (op->compute == VEC_F32)
			map_f32(op, &e);
		else if (op->compute == VEC_F64)
			map_f64(op, e.p, e.col_step, n);
		else
			map_int(op, e.p, e.col_step, n);
	}
}

/* Are runs so short that several should go together? */
static bool
short_runs(const struct vec_op *op)
{
	return op->compute == VEC_F32 && op->apart &&
	    op->size[op->rank - 1] <= SHORT_RUN;
}

/* Elements from..to-1 of the last dimension but one. */
static void
map_runs(const struct vec_op *op, const int64_t *at, int64_t from, int64_t to)
{
	int dim = op->rank - 2;
	struct piece e = {.cols = op->size[dim + 1]};
	int64_t most = VEC_CHUNK / e.cols;

	for (int k = 0; k < op->nops; k++) {
		e.row_step[k] = op->o[k].stride[dim];
		e.col_step[k] = op->o[k].stride[dim + 1];
	}
	for (int64_t i = from; i < to; i += e.rows) {
		e.rows = to - i < most ? to - i : most;
		for (int k = 0; k < op->nops; k++)
			e.p[k] = op->o[k].m->data + at[k] + i * e.row_step[k];
		map_f32(op, &e);
	}
}

static void
map_box(const struct vec_op *op, int dim, const int64_t *at, int64_t from,
    int64_t to)
{
	int64_t inner[1 + VEC_MAX_SRC];

	if (dim == op->rank - 1) {
		map_run(op, at, from, to);
		return;
	}
	if (dim == op->rank - 2 && short_runs(op)) {
		map_runs(op, at, from, to);
		return;
	}
	for (int64_t i = from; i < to; i++) {
		for (int k = 0; k < op->nops; k++)
			inner[k] = at[k] + i * op->o[k].stride[dim];
		map_box(op, dim + 1, inner, 0, op->size[dim + 1]);
	}
}

static void
map_rows(void *ctx, int64_t from, int64_t to)
{
	const struct vec_op *op = ctx;
	int64_t at[1 + VEC_MAX_SRC];

	for (int k = 0; k < op->nops; k++)
		at[k] = op->o[k].base;
	map_box(op, 0, at, from, to);
}

bool
vec_map(struct exec_group *g, struct vec_op *op)
{
	struct mem_range r;
	int64_t total = 1;

	vec_simplify(op);
	if (op->rank == 0) { /* a single element */
		op->rank = 1;
		op->size[0] = 1;
	}
	for (int i = 0; i < op->nops; i++)
		if (!vec_inside(op, i, op->rank, &r))
			return false;
	for (int d = 0; d < op->rank; d++)
		total *= op->size[d];
	op->apart = vec_apart(op, op->rank, true);
	if (op->apart && total >= VEC_SHARED)
		pool_run(g->pool, op->size[0], op->rank > 1 ? 1 : VEC_CHUNK,
		    map_rows, op);
	else
		map_rows(op, 0, op->size[0]);
	return true;
}
