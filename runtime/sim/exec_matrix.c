/* Values of the matrix instructions: loads, shifts, waves. Drains are in
 * exec_drain.c. */
#include <stdlib.h>
#include <string.h>

#include "runtime/sim/bank.h"
#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/pool.h"
#include "runtime/sim/view.h"

/* Below these sizes the threads cost more than they save. */
#define SHARED_TILE 32768
#define SHARED_WAVE (1 << 18)

bool
bank_reserve(struct bank *b, int64_t rows, int64_t cols, const char **why)
{
	size_t need = (size_t)rows * (size_t)cols;

	if (need > b->cap) {
		float *p = need < SIZE_MAX / sizeof *p / 2 ?
		    realloc(b->data, need * sizeof *p) : NULL;

		if (p == NULL) {
			*why = "out of memory for a local buffer";
			return false;
		}
		b->data = p;
		b->cap = need;
	}
	b->rows = rows;
	b->cols = cols;
	return true;
}

const struct mem *
bank_memory(const struct exec_group *g, enum space s)
{
	return s == SPACE_GBUF ? &g->gbuf : s == SPACE_WBUF ? &g->wbuf : NULL;
}

/* ---- loads ---- */

/* One tile in the making. */
struct gather {
	const struct view *v;
	const struct mem *m;
	const struct sim_loops *loops;
	struct view_part part;
	int64_t base;
	int inner;
	bool join;
	float *dst;
	int64_t p_step, q_step; /* floats; one of them is 1 */
	atomic_bool bad;
};

static void
clear(const struct gather *g, float *dst, int64_t rows, int64_t cols)
{
	if (g->q_step != 1) {
		for (int64_t c = 0; c < cols; c++, dst += g->q_step) {
			if (rows > 1)
				memset(dst, 0, (size_t)rows * sizeof *dst);
			else
				*dst = 0;
		}
		return;
	}
	for (int64_t r = 0; r < rows; r++, dst += g->p_step) {
		if (cols > 8)
			memset(dst, 0, (size_t)cols * sizeof *dst);
		else
			for (int64_t c = 0; c < cols; c++)
				dst[c] = 0;
	}
}

/* rows x cols elements from addr on, each of which is stored. */
static void
copy_block(struct gather *g, int64_t addr, int64_t row_step, int64_t rows,
    int64_t cols, float *dst)
{
	const struct view *v = g->v;
	struct view_block b = {v->dtype, rows, cols, row_step, v->c_addr,
	    g->p_step, g->q_step};

	if (mem_holds2(g->m, addr, rows, row_step, cols, v->c_addr,
	    view_elem(v->dtype)))
		view_load(g->loops, &b, dst, g->m->data + addr);
	else
		atomic_store(&g->bad, true);
}

/* The columns of a run that lie in the diagonal block of row p. */
static void
diagonal_block(struct gather *g, int64_t p, const struct view_run *run,
    int64_t addr, int64_t row_step, int64_t rows, float *dst)
{
	int64_t kcg = g->v->kcg, group = p / g->v->ncg;
	int64_t from, to;

	clear(g, dst, rows, run->len);
	if (group < run->c / kcg || group > (run->c + run->len - 1) / kcg)
		return;
	from = group * kcg > run->c ? group * kcg : run->c;
	to = run->c + run->len;
	if (to - group * kcg > kcg)
		to = (group + 1) * kcg;
	copy_block(g, wrap_step(addr, from - group * kcg, g->v->c_addr),
	    row_step, rows, to - from, dst + (from - run->c) * g->q_step);
}

static void segment(struct gather *g, const struct view_run *run, int64_t i,
    struct view_row row, int64_t rows, float *dst);

/* Rows for which not all taps of a run are alike: tap by tap. */
static void
segment_taps(struct gather *g, const struct view_run *run, int64_t i,
    const struct view_row *row, int64_t rows, float *dst)
{
	struct view_run one = *run;
	int64_t left = run->len;

	for (; left > 0; left -= one.len, one.tap[2]++, one.c = 0) {
		one.last = one.tap[2];
		one.len = g->v->c - one.c < left ? g->v->c - one.c : left;
		segment(g, &one, i, *row, rows, dst);
		dst += one.len * g->q_step;
	}
}

/* Rows for which not all taps of a run are inside. */
static void
segment_edge(struct gather *g, const struct view_run *run, int64_t i,
    const struct view_row *row, int64_t rows, float *dst)
{
	const struct view *v = g->v;
	struct view_edge e;

	if (rows > run->last - run->tap[2] || /* fewer taps than rows */
	    !view_edge(v, g->inner, row, run, rows, &e)) {
		segment_taps(g, run, i, row, rows, dst);
		return;
	}
	if (e.outside) {
		clear(g, dst, rows, run->len);
		return;
	}
	for (int64_t r = 0; r < rows; r++, dst += g->p_step) {
		int64_t pos = e.pos + r * e.step, from, to, addr;

		view_clip(v, run, pos, &from, &to);
		addr = wrap_step(wrap_add(g->base, e.offset), pos,
		    v->axis[2].addr);
		clear(g, dst, 1, from);
		if (from < to)
			copy_block(g, wrap_step(addr, run->c + from,
			    v->c_addr), 0, 1, to - from,
			    dst + from * g->q_step);
		clear(g, dst + to * g->q_step, 1, run->len - to);
	}
}

/* Rows i.. of the tile, all in one segment, times the columns of a run. */
static void
segment(struct gather *g, const struct view_run *run, int64_t i,
    struct view_row row, int64_t rows, float *dst)
{
	bool several = run->last != run->tap[2];
	struct view_place at = {0};
	int64_t addr;

	if (!view_place(g->v, g->inner, &row, run, rows, &at)) {
		if (several)
			segment_edge(g, run, i, &row, rows, dst);
		else
			clear(g, dst, rows, run->len);
		return;
	}
	if (at.lo > 0 && several)
		segment_edge(g, run, i, &row, at.lo, dst);
	else if (at.lo > 0)
		clear(g, dst, at.lo, run->len);
	addr = wrap_step(wrap_add(g->base, at.offset), at.lo, at.step);
	if (g->v->kcg > 0)
		diagonal_block(g, g->part.p + i + at.lo, run, addr, at.step,
		    at.hi - at.lo, dst + at.lo * g->p_step);
	else
		copy_block(g, wrap_step(addr, run->c, g->v->c_addr), at.step,
		    at.hi - at.lo, run->len, dst + at.lo * g->p_step);
	if (at.hi == rows)
		return;
	dst += at.hi * g->p_step;
	if (several) {
		view_advance(g->v, g->inner, &row, at.hi);
		segment_edge(g, run, i + at.hi, &row, rows - at.hi, dst);
	} else {
		clear(g, dst, rows - at.hi, run->len);
	}
}

static void
gather_rows(void *ctx, int64_t from, int64_t to)
{
	struct gather *g = ctx;
	const struct view *v = g->v;
	const struct view_row first = view_row_at(v, g->part.p + from);
	int64_t n;

	for (int64_t q = 0; q < g->part.nq; q += n) {
		struct view_run run = view_run_at(v, g->part.q + q,
		    g->part.nq - q, g->join);
		struct view_row row = first;
		int64_t rows;

		n = run.len;
		for (int64_t i = from; i < to; i += rows) {
			rows = view_segment(v, g->inner, &row, to - i);
			segment(g, &run, i, row, rows,
			    g->dst + i * g->p_step + q * g->q_step);
			view_advance(v, g->inner, &row, rows);
		}
	}
}

static bool
gather(struct exec_group *eg, struct gather *g, const char **why)
{
	g->loops = sim_loops_best();
	g->inner = view_inner(g->v);
	g->join = view_joins(g->v);
	if (g->part.np * g->part.nq < SHARED_TILE)
		gather_rows(g, 0, g->part.np);
	else
		pool_run(eg->pool, g->part.np, 16, gather_rows, g);
	if (atomic_load(&g->bad))
		*why = outside_memory;
	return !atomic_load(&g->bad);
}

bool
exec_ldlbuf(struct exec_group *eg, const struct view *v, const int64_t *idx,
    struct bank *dst, int64_t outer, int64_t k, bool stationary,
    const char **why)
{
	const struct aff *aff = eg->tables->aff;
	bool turned = (v->flags & VIEW_TRANSPOSED) != 0;
	struct gather g;

	g.v = v;
	g.m = bank_memory(eg, v->space);
	atomic_init(&g.bad, false);
	if (g.m == NULL || !bank_dtype(v->dtype)) {
		*why = "view of a space or dtype that the array cannot load";
		return false;
	}
	g.base = aff_eval(&aff[v->base], idx, eg->group);
	if (!view_part(v, aff_eval(&aff[v->outer0], idx, eg->group), outer,
	    aff_eval(&aff[v->k0], idx, eg->group), k, &g.part)) {
		*why = outside_view;
		return false;
	}
	if (!bank_reserve(dst, stationary ? k : outer, stationary ? outer : k,
	    why))
		return false;
	dst->dtype = v->dtype;
	g.dst = dst->data;
	g.p_step = g.q_step = 1;
	if (stationary == turned)
		g.p_step = dst->cols; /* rows of the view are rows here */
	else
		g.q_step = dst->cols;
	return gather(eg, &g, why);
}

bool
exec_ldobuf(struct exec_group *eg, const struct view *v, const int64_t *idx,
    struct bank *obuf, int64_t m, int64_t n, const char **why)
{
	if (!exec_ldlbuf(eg, v, idx, obuf, m, n, false, why))
		return false;
	obuf->dtype = DT_F32; /* whatever they were stored in */
	return true;
}

bool
exec_shift(struct exec_group *g, const struct bank *src, int64_t k, int64_t n,
    const char **why)
{
	struct bank *pe = &g->array.pe;

	if (src->rows != k || src->cols != n) {
		*why = "ShiftV of a tile with other extents than loaded";
		return false;
	}
	if (!bank_reserve(pe, k, n, why))
		return false;
	pe->dtype = src->dtype;
	memcpy(pe->data, src->data, (size_t)(k * n) * sizeof(float));
	return true;
}

/* ---- waves ---- */

struct wave {
	const struct sim_loops *loops;
	const float *h, *pe;
	float *c;
	int64_t k, n;
	bool first;
};

static void
wave_rows(void *ctx, int64_t from, int64_t to)
{
	const struct wave *w = ctx;

	w->loops->gemm(to - from, w->n, w->k, w->h + from * w->k, w->k, w->pe,
	    w->n, w->c + from * w->n, w->n, w->first);
}

bool
exec_gemm(struct exec_group *g, const struct bank *h, struct bank *obuf,
    int64_t m, int64_t k, int64_t n, bool first, const char **why)
{
	const struct bank *pe = &g->array.pe;
	struct wave w;

	if (h->rows != m || h->cols != k || pe->rows != k || pe->cols != n) {
		*why = "ExecGEMM with other extents than its tiles";
		return false;
	}
	if (!first && (obuf->rows != m || obuf->cols != n)) {
		*why = "ExecGEMM adds to sums of other extents";
		return false;
	}
	if (first && !bank_reserve(obuf, m, n, why))
		return false;
	obuf->dtype = DT_F32;
	w = (struct wave){sim_loops_best(), h->data, pe->data, obuf->data, k,
	    n, first};
	if (m * k * n < SHARED_WAVE)
		wave_rows(&w, 0, m);
	else
		pool_run(g->pool, m, 24, wave_rows, &w);
	return true;
}
