/* Emits the tile IR of a planned contraction: tile loops, weight chunks, OBUF
 * blocks, k tiles. */
#include "backend/contract.h"

#include <assert.h>
#include <string.h>

struct emit {
	const struct contraction *c;
	const struct contract_plan *p;
	struct lower *lw;
	struct tile_buffer *wbuf;  /* W_WHOLE: all weights */
	int64_t first;             /* sample of this part */
	struct tile_aff bias;      /* base of the staged bias */
	enum space bias_space;
	/* the current tile */
	const struct box *box;
	int64_t size[4];           /* tile extents n, d, h, w */
	struct tile_aff x_shift, w_shift, y_shift, res_shift; /* batch */
	struct slab x;
	struct tile_aff y_base, res_base;
	int64_t y_addr[4], y_c, res_addr[4], res_c;
	/* the current weight chunk */
	struct tile_aff pack;      /* first group */
	int64_t packed;            /* groups in it */
	struct tile_aff col;       /* first output channel within the pack */
	int64_t cols;
	struct tile_aff w_base;
	int64_t w_tap[3], w_c, w_n;
	bool w_linear;             /* rows k are evenly spaced: one digit */
	struct phase ph;           /* the current one of the tile */
	struct tile_aff x_row;     /* where it starts in the view of x */
	/* the current block */
	struct tile_aff row0, col0; /* within tile and chunk */
	int64_t row_n, col_n;
	struct tile_buffer *obuf;
};

typedef void span_fn(struct emit *e, const struct tile_aff *at, int64_t size);

/* Calls fn for each step of [0, total): a loop over the full ones, then the
 * rest. */
static void
span(struct emit *e, const char *name, int64_t total, int64_t step,
    span_fn *fn)
{
	int64_t full = total / step, rest = total % step;
	struct tile_aff at = taff_num(0);
	if (full > 1) {
		struct tile_loop *l = tile_loop_open(e->lw->p, name, full);
		taff_add(&at, l, step);
		fn(e, &at, step);
		tile_loop_close(e->lw->p);
	} else if (full == 1) {
		fn(e, &at, step);
	}
	if (rest > 0) {
		at = taff_num(full * step);
		fn(e, &at, rest);
	}
}

/* ---- views ---- */

static struct tile_view *
x_view(struct emit *e, const struct tile_aff *k0)
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
w_view(struct emit *e, const struct tile_aff *k0)
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
y_view(struct emit *e)
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
epilogue(struct emit *e)
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
matrix_insn(struct emit *e, enum tile_kind kind)
{
	return tile_emit(e->lw->p, kind, Q_MX);
}

static struct tile_buffer *
bank(struct emit *e, enum space space)
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
wave(struct emit *e, const struct tile_aff *xk, const struct tile_aff *wk,
    int64_t k, enum tile_first first, struct tile_loop *first_loop)
{
	bool ps = e->p->pixels_stationary;
	struct tile_buffer *v = bank(e, SPACE_LBUF_V);
	struct tile_buffer *h = bank(e, SPACE_LBUF_H);
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
full_tiles(struct emit *e, struct stretch *s, int64_t count)
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
partial_tile(struct emit *e, struct stretch *s, int64_t rows)
{
	if (rows == 0)
		return;
	wave(e, &s->x, &s->w, rows, s->fresh ? TFIRST_ALWAYS : TFIRST_NEVER,
	    NULL);
	pass(s, rows);
}

/* k tiles of rows [k_at, k_at + total); the weights' rows start at w_at of what
 * is staged. */
static void
k_tiles(struct emit *e, const struct tile_aff *k_at,
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

/* ---- weights ---- */

/* Loads rows [k0, k0 + rows) of the current columns; the staged chunk is rows
 * x cols, dense. rows == 0: all of a pack, every tap. */
static void
load_weights(struct emit *e, const struct tile_aff *k0, int64_t rows)
{
	const struct contraction *c = e->c;
	const struct window *w = &c->win;
	int64_t size = (int64_t)dtype_size(c->w.dtype);
	int64_t depth = e->p->wmode == W_WHOLE ? 1 : 2;
	int64_t all = rows > 0 ? rows : c->k;
	struct tile_buffer *b = stage_buffer(e->lw, "w", e->p->wspace,
	    all * e->cols * size, (int)depth);
	struct tile_aff dram = place_base(&c->w);
	taff_add_scaled(&dram, &e->w_shift, 1);
	taff_add_scaled(&dram, &e->pack, c->w_group);
	taff_add_scaled(&dram, &e->col, c->w_n);
	struct stage_dim d[5];
	memset(d, 0, sizeof d);
	int n = 0;
	int64_t step = e->cols * size;
	if (rows > 0) {
		taff_add_scaled(&dram, k0, c->w_c);
		d[n++] = (struct stage_dim){.size = rows, .dram = c->w_c,
		    .chip = step};
	} else {
		int64_t chip[4];
		int64_t ext[4] = {w->kernel[0], w->kernel[1], w->kernel[2],
		    c->cig};
		for (int i = 3; i >= 0; i--) {
			chip[i] = step;
			step *= ext[i];
		}
		for (int i = 0; i < 4; i++)
			d[n++] = (struct stage_dim){.size = ext[i],
			    .dram = i < 3 ? c->w_tap[i] : c->w_c,
			    .chip = chip[i]};
		for (int a = 0; a < 3; a++)
			e->w_tap[a] = chip[a];
	}
	d[n++] = (struct stage_dim){.size = e->cols, .dram = c->w_n,
	    .chip = size};
	e->w_base = taff(b, 0);
	e->w_c = e->cols * size;
	e->w_n = size;
	e->w_linear = rows > 0;
	stage_copy(e->lw, true, d, n, &dram, c->w.dtype, &e->w_base,
	    c->w.dtype, 0, c->w.buf->traffic);
}

/* Runs backwards over the taps where the operator asks for it. */
static void
apply_flip(struct emit *e)
{
	for (int a = 0; a < 3; a++) {
		if (!e->c->flip[a] || e->w_linear)
			continue;
		e->w_base.offset += (e->c->win.kernel[a] - 1) * e->w_tap[a];
		e->w_tap[a] = -e->w_tap[a];
	}
}

/* The chunk within weights that are on chip as a whole. */
static void
use_weights(struct emit *e)
{
	const struct contraction *c = e->c;
	if (e->p->wmode == W_RESIDENT) {
		e->w_base = place_base(&c->w);
		taff_add_scaled(&e->w_base, &e->w_shift, 1);
		memcpy(e->w_tap, c->w_tap, sizeof e->w_tap);
		e->w_c = c->w_c;
		e->w_n = c->w_n;
	} else { /* staged by load_whole: k x all columns */
		int64_t size = (int64_t)dtype_size(c->w.dtype);
		int64_t step = c->groups * c->cog * size;
		e->w_base = taff(e->wbuf, 0);
		e->w_n = size;
		e->w_c = step;
		step *= c->cig;
		for (int a = 2; a >= 0; a--) {
			e->w_tap[a] = step;
			step *= c->win.kernel[a];
		}
	}
	e->w_linear = false;
	taff_add_scaled(&e->w_base, &e->pack, e->p->wmode == W_RESIDENT ?
	    c->w_group : c->cog * e->w_n);
	taff_add_scaled(&e->w_base, &e->col, e->w_n);
}

static void
load_whole(struct emit *e)
{
	if (e->p->wmode != W_WHOLE)
		return;
	e->pack = e->col = taff_num(0);
	e->cols = e->c->groups * e->c->cog;
	e->w_shift = taff_num(0);
	struct tile_aff zero = taff_num(0);
	load_weights(e, &zero, 0);
	e->wbuf = e->w_base.buffer;
}

/* ---- blocks ---- */

/* Rows c of a tap, whose first row is k = tap_k. */
static void
stream_chunk(struct emit *e, const struct tile_aff *tap_k,
    const struct tile_aff *c, int64_t rows, bool fresh)
{
	struct tile_aff zero = taff_num(0), at = *tap_k;
	taff_add_scaled(&at, c, 1);
	load_weights(e, c, rows);
	/* the staged chunk starts at this block's columns */
	struct tile_aff col0 = e->col0;
	e->col0 = taff_num(0);
	k_tiles(e, &at, &zero, rows, fresh);
	e->col0 = col0;
}

/* The rows of one tap; fresh: the first chunk starts the sums, the others
 * loop. */
static void
stream_tap(struct emit *e, const struct tile_aff *tap_k, int64_t rows,
    bool fresh)
{
	int64_t step = e->p->kchunk, done = 0;
	struct tile_aff at = taff_num(0);
	if (fresh) {
		done = step < rows ? step : rows;
		stream_chunk(e, tap_k, &at, done, true);
	}
	int64_t full = (rows - done) / step, rest = (rows - done) % step;
	at = taff_num(done);
	if (full > 1) {
		struct tile_loop *l = tile_loop_open(e->lw->p, "kc", full);
		taff_add(&at, l, step);
		stream_chunk(e, tap_k, &at, step, false);
		tile_loop_close(e->lw->p);
	} else if (full == 1) {
		stream_chunk(e, tap_k, &at, step, false);
	}
	if (rest > 0) {
		at = taff_num(done + full * step);
		stream_chunk(e, tap_k, &at, rest, false);
	}
}

/* W_STREAM: the first tap starts the sums, the others loop. */
static void
streamed_k(struct emit *e)
{
	int64_t taps, first, step;
	struct tile_aff col = e->col, shift = e->w_shift, k = taff_num(0);
	int64_t cols = e->cols;
	contract_tap_runs(e->c, &taps, &first, &step);
	int64_t rows = e->c->k / taps;
	taff_add_scaled(&e->col, &e->col0, 1);
	struct tile_aff col0 = e->col0;
	e->col0 = taff_num(0);
	e->cols = e->col_n;
	e->w_shift.offset += first;
	stream_tap(e, &k, rows, true);
	if (taps > 1) {
		e->w_shift.offset += step;
		k.offset = rows;
		struct tile_loop *l = NULL;
		if (taps > 2) {
			l = tile_loop_open(e->lw->p, "tap", taps - 1);
			taff_add(&e->w_shift, l, step);
			taff_add(&k, l, rows);
		}
		stream_tap(e, &k, rows, false);
		if (l != NULL)
			tile_loop_close(e->lw->p);
	}
	e->w_shift = shift;
	e->col = col;
	e->col0 = col0;
	e->cols = cols;
}

static void
drain(struct emit *e)
{
	struct tile_insn *in = matrix_insn(e, TILE_DRAIN);
	bool ps = e->p->pixels_stationary;
	in->mx.view = y_view(e);
	in->mx.epi = epilogue(e);
	in->mx.obuf = e->obuf;
	in->mx.m = ps ? e->col_n : e->row_n;
	in->mx.n = ps ? e->row_n : e->col_n;
}

/* The zeros of a phase without taps are those of others. */
static void
drain_repeats(struct emit *e)
{
	const struct phase first = e->ph;
	while (phase_next(&e->c->win, e->x.pad, e->size, &e->ph))
		if (phase_same_zeros(&first, &e->ph))
			drain(e);
	e->ph = first;
}

static void
block(struct emit *e, const struct tile_aff *at, int64_t size)
{
	struct tile_aff zero = taff_num(0);
	e->col0 = *at;
	e->col_n = size;
	e->obuf = bank(e, SPACE_OBUF);
	if (e->p->wmode == W_STREAM)
		streamed_k(e);
	else
		k_tiles(e, &zero, &zero, e->ph.taps > 0 ? e->packed *
		    e->c->cig * e->ph.taps : 1, true);
	drain(e);
	if (e->ph.taps == 0)
		drain_repeats(e);
}

static void
row_block(struct emit *e, const struct tile_aff *at, int64_t size)
{
	e->row0 = *at;
	e->row_n = size;
	span(e, "co", e->cols, e->p->colblk, block);
}

/* The row of the view of x that is the phase's first one of this tile: a slab
 * starts there, an image on chip has the whole output as rows. */
static struct tile_aff
phase_row(const struct emit *e)
{
	struct tile_aff row = e->x.outer0;
	int64_t rows = 1;
	if (!e->c->split || !place_on_chip(&e->c->x))
		return row;
	row = taff_num(0);
	for (int a = 2; a >= 0; a--) {
		const struct tile_aff *origin = &e->box->origin[1 + a];
		row.offset += origin->offset / e->ph.by[a] * rows;
		for (int i = 0; i < origin->nterms; i++)
			taff_add(&row, origin->term[i].loop,
			    origin->term[i].stride / e->ph.by[a] * rows);
		rows *= phase_extent(&e->ph, a, e->x.out[a]);
	}
	taff_add_scaled(&row, &e->box->origin[0], rows);
	return row;
}

static void
chunk(struct emit *e, const struct tile_aff *at, int64_t size)
{
	e->col = *at;
	e->cols = size;
	if (e->p->wmode == W_CHUNK) {
		struct tile_aff zero = taff_num(0);
		load_weights(e, &zero, 0);
	} else if (e->p->wmode != W_STREAM) {
		use_weights(e);
	}
	if (e->p->wmode != W_STREAM)
		apply_flip(e);
	const struct window *w = &e->c->win;
	phase_first(w, e->x.pad, e->size, e->c->split, &e->ph);
	do {
		if (phase_repeats(w, e->x.pad, e->size, &e->ph))
			continue;
		e->x_row = phase_row(e);
		span(e, "m", e->ph.rows, e->p->rowblk, row_block);
	} while (phase_next(w, e->x.pad, e->size, &e->ph));
}

static void
pack(struct emit *e, const struct tile_aff *at, int64_t size)
{
	e->pack = *at;
	e->packed = size;
	int64_t columns = size * e->c->cog;
	int64_t step = e->p->chunk < columns ? e->p->chunk : columns;
	span(e, "cw", columns, step, chunk);
}

/* ---- tiles ---- */

static void
local_result(struct emit *e)
{
	const struct contraction *c = e->c;
	int64_t size = (int64_t)dtype_size(c->y.dtype);
	if (place_on_chip(&c->y)) {
		e->y_base = place_base(&c->y);
		taff_add_scaled(&e->y_base, &e->y_shift, 1);
		for (int i = 0; i < 4; i++)
			taff_add_scaled(&e->y_base, &e->box->origin[i],
			    c->y_addr[i]);
		memcpy(e->y_addr, c->y_addr, sizeof e->y_addr);
		e->y_c = c->y_c;
		return;
	}
	int64_t step = c->groups * c->cog * size;
	e->y_c = size;
	for (int i = 3; i >= 0; i--) {
		e->y_addr[i] = step;
		step *= e->size[i];
	}
	e->y_base = taff(stage_buffer(e->lw, "out", SPACE_GBUF, step,
	    e->lw->depth), 0);
}

/* Moves the tile of an image between DRAM and the chip. */
static void
move_tile(struct emit *e, bool load, const struct place *pl,
    const int64_t *addr, int64_t c_addr, const struct tile_aff *shift,
    const struct tile_aff *chip, const int64_t *chip_addr, int64_t chip_c)
{
	struct tile_aff dram = place_base(pl);
	struct stage_dim d[5];
	memset(d, 0, sizeof d);
	taff_add_scaled(&dram, shift, 1);
	for (int i = 0; i < 4; i++) {
		taff_add_scaled(&dram, &e->box->origin[i], addr[i]);
		d[i] = (struct stage_dim){.size = e->size[i],
		    .dram = addr[i], .chip = chip_addr[i]};
	}
	d[4] = (struct stage_dim){.size = e->c->groups * e->c->cog,
	    .dram = c_addr, .chip = chip_c};
	stage_copy(e->lw, load, d, 5, &dram, pl->dtype, chip, pl->dtype, 0,
	    pl->buf->traffic);
}

static void
local_residual(struct emit *e)
{
	const struct contraction *c = e->c;
	if (!c->has_res)
		return;
	if (place_on_chip(&c->res)) {
		e->res_base = place_base(&c->res);
		taff_add_scaled(&e->res_base, &e->res_shift, 1);
		for (int i = 0; i < 4; i++)
			taff_add_scaled(&e->res_base, &e->box->origin[i],
			    c->res_addr[i]);
		memcpy(e->res_addr, c->res_addr, sizeof e->res_addr);
		e->res_c = c->res_c;
		return;
	}
	int64_t size = (int64_t)dtype_size(c->res.dtype);
	int64_t step = c->groups * c->cog * size;
	e->res_c = size;
	for (int i = 3; i >= 0; i--) {
		e->res_addr[i] = step;
		step *= e->size[i];
	}
	e->res_base = taff(stage_buffer(e->lw, "res", SPACE_GBUF, step,
	    e->lw->depth), 0);
	move_tile(e, true, &c->res, c->res_addr, c->res_c, &e->res_shift,
	    &e->res_base, e->res_addr, e->res_c);
}

static void
batch_shifts(struct emit *e, const struct box *b)
{
	const struct contraction *c = e->c;
	e->x_shift = e->w_shift = e->y_shift = e->res_shift = taff_num(0);
	for (int i = 0; i < c->nbatch; i++) {
		taff_add_scaled(&e->x_shift, &b->origin[4 + i],
		    c->x_batch[i]);
		taff_add_scaled(&e->w_shift, &b->origin[4 + i],
		    c->w_batch[i]);
		taff_add_scaled(&e->y_shift, &b->origin[4 + i],
		    c->y_batch[i]);
		taff_add_scaled(&e->res_shift, &b->origin[4 + i],
		    c->res_batch[i]);
	}
}

/* The grid runs over the batch first: its box has the batch in front. */
static void
emit_tile(void *ctx, const struct box *grid)
{
	struct emit *e = ctx;
	const struct contraction *c = e->c;
	struct box b;
	memset(&b, 0, sizeof b);
	for (int i = 0; i < 4; i++) {
		b.origin[i] = grid->origin[c->nbatch + i];
		b.size[i] = e->size[i] = grid->size[c->nbatch + i];
	}
	b.origin[0].offset += e->first;
	for (int i = 0; i < c->nbatch; i++)
		b.origin[4 + i] = grid->origin[i];
	batch_shifts(e, &b);
	for (int i = 4; i < GRID_RANK; i++)
		b.origin[i] = taff_num(0);
	e->box = &b;
	struct window w = c->win;
	w.c = c->groups * c->cig;
	slab_make(e->lw, &c->x, &e->x_shift, &w, &b, 0, "in", &e->x);
	local_residual(e);
	local_result(e);
	span(e, "g", c->groups, e->p->pack, pack);
	if (!place_on_chip(&c->y))
		move_tile(e, false, &c->y, c->y_addr, c->y_c, &e->y_shift,
		    &e->y_base, e->y_addr, e->y_c);
}

/* The bias as a vector on chip. */
static void
stage_bias(struct emit *e)
{
	const struct contraction *c = e->c;
	if (!c->has_bias)
		return;
	int64_t size = (int64_t)dtype_size(c->bias.dtype);
	int64_t step = c->bias.rank > 0 ?
	    c->bias.stride[c->bias.rank - 1] : size;
	if (place_on_chip(&c->bias) && step == size) {
		e->bias = place_base(&c->bias);
		return;
	}
	struct place to = place_dense(c->bias.dtype, c->bias.rank,
	    c->bias.dim);
	to.buf = stage_buffer(e->lw, "bias", SPACE_GBUF, place_bytes(&to), 1);
	lower_copy(e->lw, &c->bias, &to);
	e->bias = taff(to.buf, 0);
}

/* Samples [first, first + count). */
static void
emit_samples(struct emit *e, int64_t first, int64_t count)
{
	static const char *const names[] = {"n", "d", "y", "x"};
	const struct contraction *c = e->c;
	int64_t extent[GRID_RANK], tile[GRID_RANK];
	const char *name[GRID_RANK];
	for (int i = 0; i < c->nbatch; i++) {
		extent[i] = c->batch[i];
		tile[i] = 1;
		name[i] = "b";
	}
	for (int i = 0; i < 4; i++) {
		extent[c->nbatch + i] = i == 0 ? count : c->win.out[i - 1];
		tile[c->nbatch + i] = e->p->tile[i];
		name[c->nbatch + i] = names[i];
	}
	assert(c->nbatch + 4 <= GRID_RANK);
	e->first = first;
	c->lw->depth = e->p->depth;
	grid_emit(c->lw, c->nbatch + 4, extent, tile, name, emit_tile, e);
	c->lw->depth = 2;
}

void
contract_emit(const struct contraction *c, const struct contract_plan *p,
    const struct contract_plan *second)
{
	struct emit *e = NEW(c->lw->arena, struct emit);
	int64_t n = c->win.n, first = second != NULL ? GROUP_HALF(n) : n;
	e->c = c;
	e->p = p;
	e->lw = c->lw;
	e->pack = e->col = taff_num(0);
	stage_bias(e);
	load_whole(e);
	emit_samples(e, 0, first);
	if (second == NULL)
		return;
	e->p = second;
	emit_samples(e, first, n - first);
}
