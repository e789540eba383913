/* Values of the matrix instructions: views, waves, drains. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/pool.h"

static const char *const out_of_range = "address outside the memory";

/* ---- index decomposition ---- */

/* A run of k indices that share their tap: consecutive channels. */
struct run {
	int64_t tap[3]; /* kd, ky, kx */
	int64_t c, len;
	int64_t at;     /* first column of the tile */
};

/* One row p of a view, split into its digits. */
struct row {
	int64_t n, o[3];
};

static struct row
row_at(const struct view *v, int64_t p)
{
	struct row r;
	for (int a = 2; a >= 0; a--) {
		r.o[a] = p % v->axis[a].out;
		p /= v->axis[a].out;
	}
	r.n = p;
	return r;
}

static void
row_next(const struct view *v, struct row *r)
{
	for (int a = 2; a >= 0; a--) {
		if (++r->o[a] < v->axis[a].out)
			return;
		r->o[a] = 0;
	}
	r->n++;
}

static struct run
run_at(const struct view *v, int64_t q, int64_t limit)
{
	struct run r;
	r.c = q % v->c;
	r.len = v->c - r.c;
	if (r.len > limit)
		r.len = limit;
	q /= v->c;
	for (int a = 2; a >= 0; a--) {
		r.tap[a] = q % v->axis[a].kernel;
		q /= v->axis[a].kernel;
	}
	r.at = 0;
	return r;
}

/* Byte offset of (row, run) without n and c, or false for an inserted zero or
 * border. */
static inline bool
spatial(const struct view *v, const struct row *r, const int64_t *tap,
    int64_t *offset)
{
	int64_t sum = 0;
	for (int a = 0; a < 3; a++) {
		const struct view_axis *x = &v->axis[a];
		int64_t pos = r->o[a] * x->stride + tap[a] * x->dil - x->pad;
		if (pos < 0)
			return false;
		if (x->up != 1) {
			if (pos % x->up != 0)
				return false;
			pos /= x->up;
		}
		if (pos >= x->extent)
			return false;
		sum += pos * x->addr;
	}
	*offset = sum;
	return true;
}

/* ---- element access ---- */

static struct mem *
memory_of(struct exec_group *g, enum space s)
{
	return s == SPACE_GBUF ? &g->gbuf : s == SPACE_WBUF ? &g->wbuf :
	    s == SPACE_DRAM ? g->dram : NULL;
}

/* True when all n elements at addr, step bytes apart, lie inside m. */
static bool
inside(const struct mem *m, int64_t addr, int64_t n, int64_t step,
    int64_t size)
{
	int64_t last = addr + (n - 1) * step;
	int64_t lo = addr < last ? addr : last;
	int64_t hi = (addr < last ? last : addr) + size;
	return lo >= 0 && hi <= (int64_t)m->size;
}

/* n elements of dtype, step bytes apart, as f32; dst stride in floats. */
static void
fetch(float *dst, int64_t dst_step, const uint8_t *src, int64_t step,
    enum dtype t, int64_t n)
{
	const struct sim_loops *l = sim_loops_best();
	int64_t size = (int64_t)dtype_size(t);
	if (dst_step == 1 && step == size) {
		if (t == DT_F32)
			memcpy(dst, src, (size_t)n * 4);
		else if (t == DT_F16)
			l->from_f16(dst, (const uint16_t *)(const void *)src,
			    n);
		else
			l->from_bf16(dst, (const uint16_t *)(const void *)src,
			    n);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		const uint8_t *p = src + i * step;
		if (t == DT_F32) {
			memcpy(&dst[i * dst_step], p, 4);
			continue;
		}
		uint16_t h;
		memcpy(&h, p, 2);
		dst[i * dst_step] = t == DT_F16 ? f16_to_f32(h) :
		    bf16_to_f32(h);
	}
}

static bool
matrix_dtype(enum dtype t)
{
	return t == DT_F32 || t == DT_F16 || t == DT_BF16;
}

/* ---- loads ---- */

static bool
reserve(struct bank *b, int64_t rows, int64_t cols, const char **why)
{
	size_t need = (size_t)rows * (size_t)cols;
	if (need > b->cap) {
		float *p = realloc(b->data, need * sizeof *p);
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

/* One tile in the making: rows p (p0 .. p0+np) x columns q, stored with the
 * given float strides. */
struct gather {
	const struct view *v;
	const struct mem *m;
	int64_t base, p0, np, q0, nq;
	float *dst;
	int64_t p_step, q_step;
	bool bad;
};

/* Elements of one row and run where the groups share a wave. */
static bool
diagonal_run(struct gather *g, int64_t addr, int64_t p, const struct run *r,
    float *dst)
{
	int64_t group = p / g->v->ncg, size = (int64_t)dtype_size(g->v->dtype);
	for (int64_t i = 0; i < r->len; i++) {
		int64_t c = r->c + i;
		float *d = dst + i * g->q_step;
		*d = 0;
		if (c / g->v->kcg != group)
			continue;
		int64_t at = addr + c % g->v->kcg * g->v->c_addr;
		if (!inside(g->m, at, 1, 0, size))
			return false;
		fetch(d, 1, g->m->data + at, 0, g->v->dtype, 1);
	}
	return true;
}

static void
gather_rows(void *ctx, int64_t from, int64_t to)
{
	struct gather *g = ctx;
	const struct view *v = g->v;
	int64_t size = (int64_t)dtype_size(v->dtype);
	for (int64_t q = 0; q < g->nq;) {
		struct run r = run_at(v, g->q0 + q, g->nq - q);
		struct row row = row_at(v, g->p0 + from);
		for (int64_t i = from; i < to; i++, row_next(v, &row)) {
			float *dst = g->dst + i * g->p_step + q * g->q_step;
			int64_t off;
			if (!spatial(v, &row, r.tap, &off)) {
				for (int64_t j = 0; j < r.len; j++)
					dst[j * g->q_step] = 0;
				continue;
			}
			int64_t addr = g->base + off + row.n * v->n_addr;
			if (v->kcg > 0) {
				if (!diagonal_run(g, addr, g->p0 + i, &r,
				    dst))
					g->bad = true;
				continue;
			}
			addr += r.c * v->c_addr;
			if (!inside(g->m, addr, r.len, v->c_addr, size)) {
				g->bad = true;
				return;
			}
			fetch(dst, g->q_step, g->m->data + addr, v->c_addr,
			    v->dtype, r.len);
		}
		q += r.len;
	}
}

/* Weights: rows are the digit n alone and lie side by side, so one run along n
 * per column is the fast way. */
static bool
gather_columns(struct gather *g)
{
	const struct view *v = g->v;
	int64_t size = (int64_t)dtype_size(v->dtype);
	struct row zero = {0};
	for (int64_t q = 0; q < g->nq;) {
		struct run r = run_at(v, g->q0 + q, g->nq - q);
		int64_t off;
		bool live = spatial(v, &zero, r.tap, &off);
		for (int64_t j = 0; j < r.len; j++) {
			float *dst = g->dst + (q + j) * g->q_step;
			if (!live) {
				for (int64_t i = 0; i < g->np; i++)
					dst[i * g->p_step] = 0;
				continue;
			}
			int64_t addr = g->base + off + g->p0 * v->n_addr +
			    (r.c + j) * v->c_addr;
			if (!inside(g->m, addr, g->np, v->n_addr, size))
				return false;
			fetch(dst, g->p_step, g->m->data + addr, v->n_addr,
			    v->dtype, g->np);
		}
		q += r.len;
	}
	return true;
}

static bool
only_n(const struct view *v)
{
	return v->axis[0].out == 1 && v->axis[1].out == 1 &&
	    v->axis[2].out == 1;
}

static bool
gather(struct exec_group *eg, struct gather *g, const char **why)
{
	int64_t size = (int64_t)dtype_size(g->v->dtype);
	bool ok = true;
	if (g->v->kcg == 0 && only_n(g->v) && g->v->n_addr == size &&
	    g->v->c_addr != size) {
		ok = gather_columns(g);
	} else {
		if (g->v->kcg > 0 || g->np * g->nq < 16384)
			gather_rows(g, 0, g->np);
		else
			pool_run(eg->pool, g->np, 16, gather_rows, g);
		ok = !g->bad;
	}
	if (!ok)
		*why = out_of_range;
	return ok;
}

/* Rows and columns of the view that the tile (outer x k) covers. */
static bool
set_extent(struct gather *g, const struct view *v, int64_t outer0,
    int64_t outer, int64_t k0, int64_t k, const char **why)
{
	bool t = (v->flags & VIEW_TRANSPOSED) != 0;
	g->v = v;
	g->p0 = t ? k0 : outer0;
	g->np = t ? k : outer;
	g->q0 = t ? outer0 : k0;
	g->nq = t ? outer : k;
	int64_t rows = v->n, cols = v->c;
	for (int a = 0; a < 3; a++) {
		rows *= v->axis[a].out;
		cols *= v->axis[a].kernel;
	}
	if (g->p0 < 0 || g->q0 < 0 || g->p0 + g->np > rows ||
	    g->q0 + g->nq > cols) {
		*why = "tile outside its view";
		return false;
	}
	return true;
}

bool
exec_ldlbuf(struct exec_group *eg, const struct view *v, const int64_t *idx,
    struct bank *dst, int64_t outer, int64_t k, bool stationary,
    const char **why)
{
	const struct isa_tables *t = eg->tables;
	struct gather g = {0};
	g.m = memory_of(eg, v->space);
	if (g.m == NULL || !matrix_dtype(v->dtype)) {
		*why = "view of a space or dtype that the array cannot load";
		return false;
	}
	g.base = aff_eval(&t->aff[v->base], idx, eg->group);
	if (!set_extent(&g, v, aff_eval(&t->aff[v->outer0], idx, eg->group),
	    outer, aff_eval(&t->aff[v->k0], idx, eg->group), k, why))
		return false;
	if (!reserve(dst, stationary ? k : outer, stationary ? outer : k, why))
		return false;
	dst->dtype = v->dtype;
	int64_t outer_step = stationary ? 1 : k, k_step = stationary ? outer : 1;
	bool tr = (v->flags & VIEW_TRANSPOSED) != 0;
	g.dst = dst->data;
	g.p_step = tr ? k_step : outer_step;
	g.q_step = tr ? outer_step : k_step;
	return gather(eg, &g, why);
}

bool
exec_shift(struct exec_group *g, const struct bank *src, int64_t k, int64_t n,
    const char **why)
{
	if (src->rows != k || src->cols != n) {
		*why = "ShiftV of a tile with other extents than loaded";
		return false;
	}
	struct bank *pe = &g->array.pe;
	if (!reserve(pe, k, n, why))
		return false;
	pe->dtype = src->dtype;
	memcpy(pe->data, src->data, (size_t)(k * n) * sizeof(float));
	return true;
}

/* ---- waves ---- */

struct wave {
	const struct bank *h, *pe;
	float *c;
	int64_t k, n;
	bool first;
};

static void
wave_rows(void *ctx, int64_t from, int64_t to)
{
	struct wave *w = ctx;
	sim_loops_best()->gemm(to - from, w->n, w->k, w->h->data + from * w->k,
	    w->k, w->pe->data, w->n, w->c + from * w->n, w->n, w->first);
}

bool
exec_gemm(struct exec_group *g, const struct bank *h, struct bank *obuf,
    int64_t m, int64_t k, int64_t n, bool first, const char **why)
{
	const struct bank *pe = &g->array.pe;
	if (h->rows != m || h->cols != k || pe->rows != k || pe->cols != n) {
		*why = "ExecGEMM with other extents than its tiles";
		return false;
	}
	if (!first && (obuf->rows != m || obuf->cols != n)) {
		*why = "ExecGEMM adds to sums of other extents";
		return false;
	}
	if (first && !reserve(obuf, m, n, why))
		return false;
	struct wave w = {h, pe, obuf->data, k, n, first};
	if (m * k * n < 1 << 17)
		wave_rows(&w, 0, m);
	else
		pool_run(g->pool, m, 24, wave_rows, &w);
	return true;
}

/* ---- drains ---- */

float
epi_act(enum epi_act act, float v, float alpha, float beta)
{
	float y;
	switch (act) {
	case EPI_NONE:
	case EPI_ACT_COUNT:
		break;
	case EPI_RELU:
		return v > 0 ? v : v != v ? v : 0;
	case EPI_LEAKY_RELU:
		return v >= 0 ? v : alpha * v;
	case EPI_CLIP:
		y = v < alpha ? alpha : v;
		return y > beta ? beta : y;
	case EPI_SIGMOID:
		return vecmath_f32(VF_sigmoid, v, 0, 0, NULL);
	case EPI_TANH:
		return vecmath_f32(VF_tanh, v, 0, 0, NULL);
	case EPI_HARD_SIGMOID:
		y = fmaf(alpha, v, beta);
		return y < 0 ? 0 : y > 1 ? 1 : y;
	case EPI_HARD_SWISH:
		y = fmaf(v, 1.0f / 6, 0.5f);
		y = y < 0 ? 0 : y > 1 ? 1 : y;
		return v * y;
	}
	return v;
}

/* A drain in progress: pixels p0.. x channels c0.. */
struct drain {
	struct exec_group *eg;
	const struct view *v;
	const struct epi *e;
	const struct bank *obuf;
	const struct mem *m, *res;
	float *scale, *bias; /* nq channels from q0, or NULL */
	int64_t base, res_base, p0, np, q0, nq;
	bool transposed, bad;
};

static void
store(uint8_t *dst, int64_t step, enum dtype t, const float *src, int64_t n)
{
	const struct sim_loops *l = sim_loops_best();
	if (step == (int64_t)dtype_size(t)) {
		if (t == DT_F32)
			memcpy(dst, src, (size_t)n * 4);
		else if (t == DT_F16)
			l->to_f16((uint16_t *)(void *)dst, src, n);
		else
			l->to_bf16((uint16_t *)(void *)dst, src, n);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		uint16_t h;
		if (t == DT_F32) {
			memcpy(dst + i * step, &src[i], 4);
			continue;
		}
		h = t == DT_F16 ? f32_to_f16(src[i]) : f32_to_bf16(src[i]);
		memcpy(dst + i * step, &h, 2);
	}
}

/* Adds the residual of one pixel to nq values. */
static bool
add_residual(const struct drain *d, const struct row *r, float *v)
{
	const struct epi *e = d->e;
	int64_t addr = d->res_base + r->n * e->res_n + d->q0 * e->res_c;
	float tmp[256];
	for (int a = 0; a < 3; a++)
		addr += r->o[a] * e->res_axis[a];
	if (!inside(d->res, addr, d->nq, e->res_c,
	    (int64_t)dtype_size(e->res_dtype)))
		return false;
	for (int64_t j = 0; j < d->nq; j += 256) {
		int64_t n = d->nq - j < 256 ? d->nq - j : 256;
		fetch(tmp, 1, d->res->data + addr + j * e->res_c, e->res_c,
		    e->res_dtype, n);
		for (int64_t i = 0; i < n; i++)
			v[j + i] += tmp[i];
	}
	return true;
}

static bool
drain_pixel(const struct drain *d, const struct row *r, float *v)
{
	const struct epi *e = d->e;
	if (d->scale != NULL)
		for (int64_t j = 0; j < d->nq; j++)
			v[j] *= d->scale[j];
	if (d->bias != NULL)
		for (int64_t j = 0; j < d->nq; j++)
			v[j] += d->bias[j];
	if (d->res != NULL && !add_residual(d, r, v))
		return false;
	if (e != NULL && e->act == EPI_RELU) {
		for (int64_t j = 0; j < d->nq; j++)
			v[j] = v[j] > 0 ? v[j] : v[j] != v[j] ? v[j] : 0;
	} else if (e != NULL && e->act != EPI_NONE) {
		for (int64_t j = 0; j < d->nq; j++)
			v[j] = epi_act(e->act, v[j], e->alpha, e->beta);
	}
	int64_t off, tap[3] = {0}, size = (int64_t)dtype_size(d->v->dtype);
	if (!spatial(d->v, r, tap, &off))
		return false;
	int64_t addr = d->base + off + r->n * d->v->n_addr +
	    d->q0 * d->v->c_addr;
	if (!inside(d->m, addr, d->nq, d->v->c_addr, size))
		return false;
	store(d->m->data + addr, d->v->c_addr, d->v->dtype, v, d->nq);
	return true;
}

static void
drain_rows(void *ctx, int64_t from, int64_t to)
{
	struct drain *d = ctx;
	struct row r = row_at(d->v, d->p0 + from);
	float *v = malloc((size_t)d->nq * sizeof *v);
	if (v == NULL) {
		d->bad = true;
		return;
	}
	for (int64_t i = from; i < to; i++, row_next(d->v, &r)) {
		const float *s = d->obuf->data;
		if (d->transposed)
			for (int64_t j = 0; j < d->nq; j++)
				v[j] = s[j * d->np + i];
		else
			memcpy(v, s + i * d->nq, (size_t)d->nq * sizeof *v);
		if (!drain_pixel(d, &r, v)) {
			d->bad = true;
			break;
		}
	}
	free(v);
}

/* The scale or bias of channels q0.., as f32; *ok false when out of range. */
static float *
epi_values(struct drain *d, const struct epi_vector *e, const int64_t *idx,
    bool *ok)
{
	if (e->space == SPACE_NONE)
		return NULL;
	const struct mem *m = memory_of(d->eg, e->space);
	int64_t size = (int64_t)dtype_size(e->dtype);
	int64_t addr = aff_eval(&d->eg->tables->aff[e->base], idx,
	    d->eg->group) + d->q0 * size;
	float *v = malloc((size_t)d->nq * sizeof *v);
	if (v == NULL || m == NULL || !matrix_dtype(e->dtype) ||
	    !inside(m, addr, d->nq, size, size)) {
		*ok = false;
		return v;
	}
	fetch(v, 1, m->data + addr, size, e->dtype, d->nq);
	return v;
}

static bool
drain_setup(struct drain *d, const struct view *v, const int64_t *idx,
    int64_t m, int64_t n, const char **why)
{
	const struct isa_tables *t = d->eg->tables;
	struct gather g = {0};
	if (!set_extent(&g, v, aff_eval(&t->aff[v->outer0], idx, d->eg->group),
	    m, aff_eval(&t->aff[v->k0], idx, d->eg->group), n, why))
		return false;
	for (int a = 0; a < 3; a++) {
		if (v->axis[a].kernel != 1) {
			*why = "a drain's view has one tap";
			return false;
		}
	}
	d->v = v;
	d->p0 = g.p0;
	d->np = g.np;
	d->q0 = g.q0;
	d->nq = g.nq;
	d->transposed = (v->flags & VIEW_TRANSPOSED) != 0;
	d->base = aff_eval(&t->aff[v->base], idx, d->eg->group);
	d->m = memory_of(d->eg, v->space);
	if (d->m == NULL || !matrix_dtype(v->dtype)) {
		*why = "drain to a space or dtype that it cannot write";
		return false;
	}
	return true;
}

bool
exec_drain(struct exec_group *eg, const struct view *v, const struct epi *e,
    const int64_t *idx, const struct bank *obuf, int64_t m, int64_t n,
    const char **why)
{
	struct drain d = {0};
	bool ok = true;
	if (obuf->rows != m || obuf->cols != n) {
		*why = "drain of other extents than the OBUF holds";
		return false;
	}
	d.eg = eg;
	d.obuf = obuf;
	if (!drain_setup(&d, v, idx, m, n, why))
		return false;
	if (e != NULL) {
		d.e = e;
		d.scale = epi_values(&d, &e->scale, idx, &ok);
		d.bias = epi_values(&d, &e->bias, idx, &ok);
		if (e->res_space != SPACE_NONE) {
			d.res = memory_of(eg, e->res_space);
			d.res_base = aff_eval(&eg->tables->aff[e->res_base],
			    idx, eg->group);
			ok = ok && d.res != NULL && matrix_dtype(e->res_dtype);
		}
	}
	if (ok) {
		if (d.np * d.nq < 8192)
			drain_rows(&d, 0, d.np);
		else
			pool_run(eg->pool, d.np, 16, drain_rows, &d);
	}
	free(d.scale);
	free(d.bias);
	if (!ok || d.bad)
		*why = out_of_range;
	return ok && !d.bad;
}

bool
exec_ldobuf(struct exec_group *eg, const struct view *v, const int64_t *idx,
    struct bank *obuf, int64_t m, int64_t n, const char **why)
{
	struct drain d = {0};
	d.eg = eg;
	if (!drain_setup(&d, v, idx, m, n, why))
		return false;
	if (v->dtype != DT_F32) {
		*why = "LdOBUF reads f32 sums";
		return false;
	}
	struct gather g = {.v = v, .m = d.m, .base = d.base, .p0 = d.p0,
	    .np = d.np, .q0 = d.q0, .nq = d.nq};
	if (!reserve(obuf, m, n, why))
		return false;
	g.dst = obuf->data;
	g.p_step = d.transposed ? 1 : n;
	g.q_step = d.transposed ? n : 1;
	gather_rows(&g, 0, g.np);
	if (g.bad)
		*why = out_of_range;
	return !g.bad;
}
