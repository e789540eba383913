/* StLBUF: an OBUF block through its epilogue to memory. */
#include <stdlib.h>
#include <string.h>

#include "runtime/sim/bank.h"
#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/pool.h"
#include "runtime/sim/view.h"

#define CHUNK 256 /* channels at a time */
#define BLOCK 2048 /* values at a time, so that three such arrays stay near */
#define SHARED_BLOCK 32768 /* below this, threads cost more than they save */

float
epi_act(enum epi_act act, float v, float alpha, float beta)
{
	const double param[2] = {(double)alpha, (double)beta};

	switch (act) {
	case EPI_NONE:
	case EPI_ACT_COUNT: break;
	case EPI_RELU: return vecmath_f32(VF_relu, v, 0, 0, param);
	case EPI_LEAKY_RELU: return vecmath_f32(VF_leaky_relu, v, 0, 0, param);
	case EPI_CLIP: return vecmath_f32(VF_clip, v, 0, 0, param);
	case EPI_SIGMOID: return vecmath_f32(VF_sigmoid, v, 0, 0, param);
	case EPI_TANH: return vecmath_f32(VF_tanh, v, 0, 0, param);
	case EPI_HARD_SIGMOID:
		return vecmath_f32(VF_hard_sigmoid, v, 0, 0, param);
	case EPI_HARD_SWISH: return vecmath_f32(VF_hard_swish, v, 0, 0, param);
	}
	return v;
}

struct drain {
	const struct exec_group *eg;
	const struct sim_loops *loops;
	const struct view *v;
	const struct epi *e; /* NULL: none */
	const struct bank *obuf;
	const struct mem *m, *res;
	struct view_part part; /* rows p are pixels, columns q channels */
	int64_t base, res_base, scale_base, bias_base;
	int inner;
	bool turned;
	atomic_bool bad;
};

/* One chunk of channels: what its epilogue needs. */
struct chunk {
	int64_t q, n; /* first column of the tile, columns */
	float scale[CHUNK], bias[CHUNK];
	struct epi_block block;
};

/* n channels of a scale or bias; NULL when absent. */
static const float *
channel_values(struct drain *d, const struct epi_vector *e, int64_t base,
    const struct chunk *k, float *to)
{
	int64_t size = view_elem(e->dtype), addr;
	const struct mem *m;

	if (e->space == SPACE_NONE)
		return NULL;
	m = bank_memory(d->eg, e->space);
	addr = wrap_step(base, d->part.q + k->q, size);
	if (mem_holds(m, addr, k->n, size, size))
		d->loops->load(e->dtype, to, 0, m->data + addr, 0, 1, k->n);
	else
		atomic_store(&d->bad, true);
	return to;
}

/* The residual of a block, dense. */
static const float *
residual(struct drain *d, const struct chunk *k, const struct view_row *r,
    int64_t rows, float *to)
{
	const struct epi *e = d->e;
	int64_t step = d->inner >= 0 && d->inner < 3 ? e->res_axis[d->inner] :
	    e->res_n;
	int64_t addr = wrap_step(d->res_base, r->n, e->res_n);
	struct view_block b = {e->res_dtype, rows, k->n, step, e->res_c, k->n,
	    1};

	for (int a = 0; a < 3; a++)
		addr = wrap_step(addr, r->o[a], e->res_axis[a]);
	addr = wrap_step(addr, d->part.q + k->q, e->res_c);
	if (mem_holds2(d->res, addr, rows, step, k->n, e->res_c,
	    view_elem(e->res_dtype)))
		view_load(d->loops, &b, to, d->res->data + addr);
	else
		atomic_store(&d->bad, true);
	return to;
}

/* Writes rows of a segment, values src with rows src_row apart. */
static void
put_block(struct drain *d, const struct chunk *k, const struct view_row *r,
    int64_t rows, const float *src, int64_t src_row)
{
	static const struct view_run first_tap = {{0}, 0, 0, 0};
	const struct view *v = d->v;
	struct view_place at;
	int64_t addr;

	if (!view_place(v, d->inner, r, &first_tap, rows, &at) ||
	    at.lo != 0 || at.hi != rows) {
		atomic_store(&d->bad, true);
		return;
	}
	addr = wrap_step(wrap_add(d->base, at.offset), d->part.q + k->q,
	    v->c_addr);
	struct view_block b = {v->dtype, rows, k->n, at.step, v->c_addr,
	    src_row, 1};

	if (mem_holds2(d->m, addr, rows, at.step, k->n, v->c_addr,
	    view_elem(v->dtype)))
		view_store(d->loops, &b, d->m->data + addr, src);
	else
		atomic_store(&d->bad, true);
}

/* Rows i.. of the tile, in one segment, at most BLOCK values. */
static void
drain_block(struct drain *d, struct chunk *k, const struct view_row *r,
    int64_t i, int64_t rows)
{
	int64_t np = d->part.np, nq = d->part.nq;
	float turned[BLOCK], more[BLOCK], v[BLOCK];

	k->block.rows = rows;
	k->block.sums = d->obuf->data + i * nq + k->q;
	k->block.sum_row = nq;
	if (d->turned) {
		d->loops->transpose(turned, k->n, (const uint8_t *)
		    (d->obuf->data + k->q * np + i), np * 4, k->n, rows);
		k->block.sums = turned;
		k->block.sum_row = k->n;
	}
	if (d->e == NULL) {
		put_block(d, k, r, rows, k->block.sums, k->block.sum_row);
		return;
	}
	k->block.residual = d->res == NULL ? NULL :
	    residual(d, k, r, rows, more);
	if (atomic_load(&d->bad))
		return;
	d->loops->epilogue(&k->block, v);
	put_block(d, k, r, rows, v, k->n);
}

static void
drain_chunk(struct drain *d, struct chunk *k, int64_t from, int64_t to)
{
	struct view_row r = view_row_at(d->v, d->part.p + from);
	int64_t most = BLOCK / k->n, rows;

	k->block = (struct epi_block){.cols = k->n};
	if (d->e != NULL) {
		k->block.scale = channel_values(d, &d->e->scale,
		    d->scale_base, k, k->scale);
		k->block.bias = channel_values(d, &d->e->bias, d->bias_base,
		    k, k->bias);
		k->block.round = d->e->round;
		k->block.act = d->e->act;
		k->block.alpha = d->e->alpha;
		k->block.beta = d->e->beta;
	}
	for (int64_t i = from; i < to && !atomic_load(&d->bad); i += rows) {
		rows = view_segment(d->v, d->inner, &r,
		    to - i < most ? to - i : most);
		drain_block(d, k, &r, i, rows);
		view_advance(d->v, d->inner, &r, rows);
	}
}

static void
drain_rows(void *ctx, int64_t from, int64_t to)
{
	struct drain *d = ctx;
	struct chunk k;

	for (k.q = 0; k.q < d->part.nq; k.q += k.n) {
		k.n = d->part.nq - k.q < CHUNK ? d->part.nq - k.q : CHUNK;
		drain_chunk(d, &k, from, to);
	}
}

/* May threads share the rows: does each element go to a place of its own, from
 * which no other takes its residual? */
static bool
rows_apart(const struct drain *d)
{
	const struct view *v = d->v;
	int64_t size[5] = {v->n, 0, 0, 0, v->c};
	int64_t to[5] = {v->n_addr, 0, 0, 0, v->c_addr}, from[5] = {0};
	int64_t elem = view_elem(v->dtype);
	struct mem_range w, r;

	for (int a = 0; a < 3; a++) {
		size[1 + a] = v->axis[a].out;
		to[1 + a] = wrap_mul(v->axis[a].stride, v->axis[a].addr);
	}
	if (!mem_apart(5, size, to, elem) ||
	    !mem_box(5, size, to, elem, &w))
		return false;
	if (d->res != d->m)
		return true;
	from[0] = d->e->res_n;
	from[4] = d->e->res_c;
	memcpy(from + 1, d->e->res_axis, sizeof d->e->res_axis);
	elem = view_elem(d->e->res_dtype);
	if (!mem_box(5, size, from, elem, &r))
		return false;
	/* the view's base is where position 0 lies, not the first row */
	if (d->res_base == d->base && memcmp(from, to, sizeof to) == 0 &&
	    v->axis[0].pad == 0 && v->axis[1].pad == 0 &&
	    v->axis[2].pad == 0 && elem == view_elem(v->dtype))
		return true;
	for (int a = 0; a < 3; a++)
		if (v->axis[a].pad != 0)
			return false;
	return !mem_meet(d->base, &w, d->res_base, &r);
}

static const char *
set_epilogue(struct drain *d, const int64_t *idx)
{
	const struct aff *aff = d->eg->tables->aff;
	const struct epi_vector *s = &d->e->scale, *b = &d->e->bias;
	int64_t group = d->eg->group;

	if ((s->space != SPACE_NONE && (!bank_dtype(s->dtype) ||
	    bank_memory(d->eg, s->space) == NULL)) ||
	    (b->space != SPACE_NONE && (!bank_dtype(b->dtype) ||
	    bank_memory(d->eg, b->space) == NULL)))
		return "scale or bias of a space or dtype that no drain reads";
	d->scale_base = aff_eval(&aff[s->base], idx, group);
	d->bias_base = aff_eval(&aff[b->base], idx, group);
	if (d->e->res_space == SPACE_NONE)
		return NULL;
	d->res = bank_memory(d->eg, d->e->res_space);
	if (d->res == NULL || !bank_dtype(d->e->res_dtype))
		return "residual of a space or dtype that no drain reads";
	d->res_base = aff_eval(&aff[d->e->res_base], idx, group);
	return NULL;
}

static const char *
set_drain(struct drain *d, const int64_t *idx, int64_t m, int64_t n)
{
	const struct aff *aff = d->eg->tables->aff;
	const struct view *v = d->v;
	int64_t group = d->eg->group;

	if (d->obuf->rows != m || d->obuf->cols != n)
		return "drain of other extents than the OBUF holds";
	d->m = bank_memory(d->eg, v->space);
	if (d->m == NULL || !bank_dtype(v->dtype))
		return "drain to a space or dtype that it cannot write";
	for (int a = 0; a < 3; a++)
		if (v->axis[a].kernel != 1)
			return "a drain's view has one tap";
	d->base = aff_eval(&aff[v->base], idx, group);
	if (!view_part(v, aff_eval(&aff[v->outer0], idx, group), m,
	    aff_eval(&aff[v->k0], idx, group), n, &d->part))
		return outside_view;
	d->turned = (v->flags & VIEW_TRANSPOSED) != 0;
	d->inner = view_inner(v);
	return d->e != NULL ? set_epilogue(d, idx) : NULL;
}

bool
exec_drain(struct exec_group *eg, const struct view *v, const struct epi *e,
    const int64_t *idx, const struct bank *obuf, int64_t m, int64_t n,
    const char **why)
{
	struct drain d = {.eg = eg, .v = v, .e = e, .obuf = obuf};
	const char *cause = set_drain(&d, idx, m, n);

	if (cause != NULL) {
		*why = cause;
		return false;
	}
	d.loops = sim_loops_best();
	if (eg->pool == NULL || m * n < SHARED_BLOCK || !rows_apart(&d))
		drain_rows(&d, 0, d.part.np);
	else
		pool_run(eg->pool, d.part.np, 16, drain_rows, &d);
	if (atomic_load(&d.bad))
		*why = outside_memory;
	return !atomic_load(&d.bad);
}
