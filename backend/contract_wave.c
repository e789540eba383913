/* Views and waves of a contraction, and the drain of its blocks. */
#include "backend/contract_emit.h"

#include <string.h>

static struct tile_view *
x_view(struct contract_emit *e, const struct tile_aff *k0)
{
	struct tile_view *t = NEW(e->lw->p->arena, struct tile_view);
	t->v.space = e->x.base.buffer->space;
	t->v.dtype = e->c->x.dtype;
	t->v.n = e->x.n;
	t->v.n_addr = e->x.n_addr;
	t->v.c = e->packed * e->c->cig;
	t->v.c_addr = e->x.c_addr;
	for (int a = 0; a < 3; a++) {
		int64_t out = phase_extent(&e->ph, a, e->x.out[a]);
		t->v.axis[a] = (struct view_axis){.out = out,
		    .kernel = e->ph.kernel[a], .stride = e->x.stride[a],
		    .dil = e->ph.dil[a], .pad = e->ph.pad[a],
		    .up = e->ph.up[a], .extent = e->x.extent[a],
		    .addr = e->x.axis_addr[a]};
		if (e->ph.kernel[a] == 0) { /* all outside */
			t->v.axis[a].kernel = t->v.axis[a].dil = 1;
			t->v.axis[a].pad = out;
		}
	}
	t->base = e->x.base;
	taff_add_scaled(&t->base, &e->pack, e->c->cig * e->x.c_addr);
	t->outer0 = e->x_row;
	taff_add_scaled(&t->outer0, &e->row0, 1);
	t->k0 = *k0;
	return t;
}

/* Weights as a matrix of output channels x k. */
static struct tile_view *
w_view(struct contract_emit *e, const struct tile_aff *k0)
{
	struct tile_view *t = NEW(e->lw->p->arena, struct tile_view);
	t->v.space = e->w_base.buffer->space;
	t->v.dtype = e->c->w.dtype;
	t->v.n = e->cols;
	t->v.n_addr = e->w_n;
	t->v.c_addr = e->w_c;
	t->v.c = e->w_linear ? e->c->k : e->packed * e->c->cig;
	t->base = e->w_base;
	for (int a = 0; a < 3; a++) {
		int64_t taps = e->w_linear ? 1 : e->ph.kernel[a];
		int64_t some = taps > 0 ? taps : 1;
		t->v.axis[a] = (struct view_axis){.out = 1, .kernel = some,
		    .stride = 1, .dil = 1, .pad = some - taps, .up = 1,
		    .extent = some, .addr = e->w_tap[a] * e->ph.step[a]};
		if (taps > 0 && !e->w_linear)
			t->base.offset += e->w_tap[a] * e->ph.first[a];
	}
	if (e->packed > 1) {
		t->v.kcg = e->c->cig;
		t->v.ncg = e->c->cog;
	}
	t->outer0 = e->col0;
	t->k0 = *k0;
	return t;
}

/* Bytes from the first output of a tile to the phase's first. */
static int64_t
phase_offset(const struct phase *p, const int64_t *addr)
{
	int64_t bytes = 0;
	for (int a = 0; a < 3; a++)
		bytes += p->at[a] * addr[1 + a];
	return bytes;
}

/* The drain's destination: rows are pixels of the tile, channels those of the
 * chunk. */
static struct tile_view *
y_view(struct contract_emit *e)
{
	struct tile_view *t = NEW(e->lw->p->arena, struct tile_view);
	t->v.space = e->y_base.buffer->space;
	t->v.dtype = e->c->y.dtype;
	t->v.n = e->size[0];
	t->v.n_addr = e->y_addr[0];
	t->v.c = e->cols;
	t->v.c_addr = e->y_c;
	for (int a = 0; a < 3; a++)
		t->v.axis[a] = (struct view_axis){.out = e->ph.out[a],
		    .kernel = 1, .stride = 1, .dil = 1, .up = 1,
		    .extent = e->ph.out[a],
		    .addr = e->y_addr[1 + a] * e->ph.by[a]};
	t->base = e->y_base;
	t->base.offset += phase_offset(&e->ph, e->y_addr);
	taff_add_scaled(&t->base, &e->pack, e->c->cog * e->y_c);
	taff_add_scaled(&t->base, &e->col, e->y_c);
	if (e->p->pixels_stationary) {
		t->v.flags = VIEW_TRANSPOSED;
		t->outer0 = e->col0;
		t->k0 = e->row0;
	} else {
		t->outer0 = e->row0;
		t->k0 = e->col0;
	}
	return t;
}

static struct tile_epi *
epilogue(struct contract_emit *e)
{
	const struct contraction *c = e->c;
	if (!c->has_bias && !c->has_res && c->act == ACT_NONE)
		return NULL;
	struct tile_epi *t = NEW(e->lw->p->arena, struct tile_epi);
	if (c->has_bias) {
		int64_t size = (int64_t)dtype_size(c->bias.dtype);
		t->e.bias.space = e->bias.buffer->space;
		t->e.bias.dtype = c->bias.dtype;
		t->bias = e->bias;
		taff_add_scaled(&t->bias, &e->pack, c->cog * size);
		taff_add_scaled(&t->bias, &e->col, size);
	}
	if (c->has_res) {
		t->e.res_space = e->res_base.buffer->space;
		t->e.res_dtype = c->res.dtype;
		t->e.res_n = e->res_addr[0];
		for (int a = 0; a < 3; a++)
			t->e.res_axis[a] = e->res_addr[1 + a] * e->ph.by[a];
		t->e.res_c = e->res_c;
		t->residual = e->res_base;
		t->residual.offset += phase_offset(&e->ph, e->res_addr);
		taff_add_scaled(&t->residual, &e->pack, c->cog * e->res_c);
		taff_add_scaled(&t->residual, &e->col, e->res_c);
	}
	t->e.round = c->round;
	t->e.act = (enum epi_act)c->act;
	t->e.alpha = (float)c->alpha;
	t->e.beta = (float)c->beta;
	return t;
}

/* ---- waves ---- */

static struct tile_insn *
matrix_insn(struct contract_emit *e, enum tile_kind kind)
{
	return tile_emit(e->lw->p, kind, Q_MX);
}

struct tile_buffer *
contract_bank(struct contract_emit *e, enum space space)
{
	const struct wave_target *t = e->lw->target;
	static const char *const names[SPACE_COUNT] = {
	    [SPACE_LBUF_V] = "v", [SPACE_LBUF_H] = "h", [SPACE_OBUF] = "o"};
	/* without a loop there is one version: bank 0 */
	int64_t banks = CUR_LOOP(e->lw) == NULL ? 1 :
	    space == SPACE_OBUF ? t->obuf_banks : t->lbuf_banks;
	int64_t moving = e->p->pixels_stationary ? e->col_n : e->row_n;
	int64_t still = e->p->pixels_stationary ? e->row_n : e->col_n;
	int64_t size = (int64_t)dtype_size(e->c->x.dtype);
	int64_t bytes = space == SPACE_LBUF_V ? t->rows * still * size :
	    space == SPACE_LBUF_H ? t->rows * moving * size :
	    moving * still * 4;
	struct tile_loop *scope = CUR_LOOP(e->lw);
	return tile_buffer(e->lw->p, names[space], space, bytes,
	    scope != NULL ? (int)banks : 1, scope);
}

static void
wave(struct contract_emit *e, const struct tile_aff *xk,
    const struct tile_aff *wk, int64_t k, enum tile_first first,
    struct tile_loop *first_loop)
{
	bool ps = e->p->pixels_stationary;
	struct tile_buffer *v = contract_bank(e, SPACE_LBUF_V);
	struct tile_buffer *h = contract_bank(e, SPACE_LBUF_H);
	int64_t moving = ps ? e->col_n : e->row_n;
	int64_t still = ps ? e->row_n : e->col_n;
	struct tile_insn *in = matrix_insn(e, TILE_LDV);
	in->mx.view = ps ? x_view(e, xk) : w_view(e, wk);
	in->mx.lbuf_v = v;
	in->mx.k = k;
	in->mx.n = still;
	in = matrix_insn(e, TILE_LDH);
	in->mx.view = ps ? w_view(e, wk) : x_view(e, xk);
	in->mx.lbuf_h = h;
	in->mx.m = moving;
	in->mx.k = k;
	in = matrix_insn(e, TILE_SHIFT);
	in->mx.lbuf_v = v;
	in->mx.k = k;
	in->mx.n = still;
	in = matrix_insn(e, TILE_EXEC);
	in->mx.lbuf_h = h;
	in->mx.obuf = e->obuf;
	in->mx.m = moving;
	in->mx.k = k;
	in->mx.n = still;
	in->mx.first = first;
	in->mx.first_loop = first_loop;
}

/* A stretch of k: rows from x of the image, w of the staged weights. fresh: the
 * sums start here. */
struct stretch {
	struct tile_aff x, w;
	bool fresh;
};

static void
pass(struct stretch *s, int64_t rows)
{
	s->x.offset += rows;
	s->w.offset += rows;
	s->fresh = false;
}

static void
full_tiles(struct contract_emit *e, struct stretch *s, int64_t count)
{
	int64_t step = e->lw->target->rows;
	if (count > 1) {
		struct tile_aff x = s->x, w = s->w;
		struct tile_loop *l = tile_loop_open(e->lw->p, "k", count);
		taff_add(&x, l, step);
		taff_add(&w, l, step);
		wave(e, &x, &w, step, s->fresh ? TFIRST_LOOP : TFIRST_NEVER,
		    s->fresh ? l : NULL);
		tile_loop_close(e->lw->p);
	} else if (count == 1) {
		wave(e, &s->x, &s->w, step, s->fresh ? TFIRST_ALWAYS :
		    TFIRST_NEVER, NULL);
	}
	if (count > 0)
		pass(s, count * step);
}

static void
partial_tile(struct contract_emit *e, struct stretch *s, int64_t rows)
{
	if (rows == 0)
		return;
	wave(e, &s->x, &s->w, rows, s->fresh ? TFIRST_ALWAYS : TFIRST_NEVER,
	    NULL);
	pass(s, rows);
}

void
contract_k_tiles(struct contract_emit *e, const struct tile_aff *k_at,
    const struct tile_aff *w_at, int64_t total, bool fresh)
{
	int64_t full = total / e->lw->target->rows;
	int64_t rest = total % e->lw->target->rows;
	struct stretch s = {*k_at, *w_at, fresh};
	if (e->lw->partial_k == PARTIAL_FIRST)
		partial_tile(e, &s, rest);
	full_tiles(e, &s, full);
	if (e->lw->partial_k == PARTIAL_LAST)
		partial_tile(e, &s, rest);
}

/* ---- the drain ---- */

void
contract_drain(struct contract_emit *e)
{
	struct tile_insn *in = matrix_insn(e, TILE_DRAIN);
	bool ps = e->p->pixels_stationary;
	in->mx.view = y_view(e);
	in->mx.epi = epilogue(e);
	in->mx.obuf = e->obuf;
	in->mx.m = ps ? e->col_n : e->row_n;
	in->mx.n = ps ? e->row_n : e->col_n;
}
