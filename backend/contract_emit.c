/* Emits the tile IR of a planned contraction: tile loops, weight chunks, OBUF
 * blocks, k tiles. */
#include "backend/contract_emit.h"

#include <assert.h>
#include <string.h>

typedef void span_fn(struct contract_emit *e, const struct tile_aff *at,
    int64_t size);

/* Calls fn for each step of [0, total): a loop over the full ones, then the
 * rest. */
static void
span(struct contract_emit *e, const char *name, int64_t total, int64_t step,
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

/* ---- blocks ---- */

/* Rows c of a tap, whose first row is k = tap_k. */
static void
stream_chunk(struct contract_emit *e, const struct tile_aff *tap_k,
    const struct tile_aff *c, int64_t rows, bool fresh)
{
	struct tile_aff zero = taff_num(0), at = *tap_k;
	taff_add_scaled(&at, c, 1);
	contract_load_weights(e, c, rows);
	/* the staged chunk starts at this block's columns */
	struct tile_aff col0 = e->col0;
	e->col0 = taff_num(0);
	contract_k_tiles(e, &at, &zero, rows, fresh);
	e->col0 = col0;
}

/* The rows of one tap; fresh: the first chunk starts the sums, the others
 * loop. */
static void
stream_tap(struct contract_emit *e, const struct tile_aff *tap_k, int64_t rows,
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
streamed_k(struct contract_emit *e)
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

/* The zeros of a phase without taps are those of others. */
static void
drain_repeats(struct contract_emit *e)
{
	const struct phase first = e->ph;
	while (phase_next(&e->c->win, e->x.pad, e->size, &e->ph))
		if (phase_same_zeros(&first, &e->ph))
			contract_drain(e);
	e->ph = first;
}

static void
block(struct contract_emit *e, const struct tile_aff *at, int64_t size)
{
	struct tile_aff zero = taff_num(0);
	e->col0 = *at;
	e->col_n = size;
	e->obuf = contract_bank(e, SPACE_OBUF);
	if (e->p->wmode == W_STREAM)
		streamed_k(e);
	else
		contract_k_tiles(e, &zero, &zero, e->ph.taps > 0 ? e->packed *
		    e->c->cig * e->ph.taps : 1, true);
	contract_drain(e);
	if (e->ph.taps == 0)
		drain_repeats(e);
}

static void
row_block(struct contract_emit *e, const struct tile_aff *at, int64_t size)
{
	e->row0 = *at;
	e->row_n = size;
	span(e, "co", e->cols, e->p->colblk, block);
}

/* The row of the view of x that is the phase's first one of this tile: a slab
 * starts there, an image on chip has the whole output as rows. */
static struct tile_aff
phase_row(const struct contract_emit *e)
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

/* The current columns of the tile. */
static void
chunk_blocks(struct contract_emit *e)
{
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
chunk(struct contract_emit *e, const struct tile_aff *at, int64_t size)
{
	contract_chunk_weights(e, at, size);
	chunk_blocks(e);
}

static void
pack(struct contract_emit *e, const struct tile_aff *at, int64_t size)
{
	e->pack = *at;
	e->packed = size;
	int64_t columns = size * e->c->cog;
	int64_t step = e->p->chunk < columns ? e->p->chunk : columns;
	span(e, "cw", columns, step, chunk);
}

/* ---- tiles ---- */

/* Channels of the staged result and residual, and the first: of a panel alone,
 * or all. */
static int64_t
staged_columns(const struct contract_emit *e, struct tile_aff *first)
{
	bool panel = e->p->wmode == W_PANEL;

	*first = panel ? e->col : taff_num(0);
	return panel ? e->cols : e->c->groups * e->c->cog;
}

/* So that channels count from the first of the staged ones. */
static void
from_column(struct contract_emit *e, struct tile_aff *base, int64_t size)
{
	struct tile_aff first;

	staged_columns(e, &first);
	taff_add_scaled(base, &first, -size);
}

static void
local_result(struct contract_emit *e)
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
	struct tile_aff first;
	int64_t step = staged_columns(e, &first) * size;
	e->y_c = size;
	for (int i = 3; i >= 0; i--) {
		e->y_addr[i] = step;
		step *= e->size[i];
	}
	e->y_base = taff(stage_buffer(e->lw, "out", SPACE_GBUF, step,
	    e->lw->depth), 0);
	from_column(e, &e->y_base, size);
}

/* Moves the tile of an image between DRAM and the chip. */
static void
move_tile(struct contract_emit *e, bool load, const struct place *pl,
    const int64_t *addr, int64_t c_addr, const struct tile_aff *shift,
    const struct tile_aff *chip, const int64_t *chip_addr, int64_t chip_c)
{
	struct tile_aff dram = place_base(pl), at = *chip, first;
	int64_t columns = staged_columns(e, &first);
	struct stage_dim d[5];
	memset(d, 0, sizeof d);
	taff_add_scaled(&at, &first, chip_c);
	taff_add_scaled(&dram, &first, c_addr);
	taff_add_scaled(&dram, shift, 1);
	for (int i = 0; i < 4; i++) {
		taff_add_scaled(&dram, &e->box->origin[i], addr[i]);
		d[i] = (struct stage_dim){.size = e->size[i],
		    .dram = addr[i], .chip = chip_addr[i]};
	}
	d[4] = (struct stage_dim){.size = columns, .dram = c_addr,
	    .chip = chip_c};
	stage_copy(e->lw, load, d, 5, &dram, pl->dtype, &at, pl->dtype, 0,
	    pl->buf->traffic);
}

static void
local_residual(struct contract_emit *e)
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
	struct tile_aff first;
	int64_t step = staged_columns(e, &first) * size;
	e->res_c = size;
	for (int i = 3; i >= 0; i--) {
		e->res_addr[i] = step;
		step *= e->size[i];
	}
	e->res_base = taff(stage_buffer(e->lw, "res", SPACE_GBUF, step,
	    e->lw->depth), 0);
	from_column(e, &e->res_base, size);
	move_tile(e, true, &c->res, c->res_addr, c->res_c, &e->res_shift,
	    &e->res_base, e->res_addr, e->res_c);
}

static void
batch_shifts(struct contract_emit *e, const struct box *b)
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
	struct contract_emit *e = ctx;
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
	if (e->p->wmode == W_PANEL)
		chunk_blocks(e);
	else
		span(e, "g", c->groups, e->p->pack, pack);
	if (!place_on_chip(&c->y))
		move_tile(e, false, &c->y, c->y_addr, c->y_c, &e->y_shift,
		    &e->y_base, e->y_addr, e->y_c);
}

/* The bias as a vector on chip. */
static void
stage_bias(struct contract_emit *e)
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

static void
emit_grid(struct contract_emit *e)
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
		extent[c->nbatch + i] = i == 0 ? e->count : c->win.out[i - 1];
		tile[c->nbatch + i] = e->p->tile[i];
		name[c->nbatch + i] = names[i];
	}
	assert(c->nbatch + 4 <= GRID_RANK);
	c->lw->depth = e->p->depth;
	grid_emit(c->lw, c->nbatch + 4, extent, tile, name, emit_tile, e);
	c->lw->depth = 2;
}

/* All tiles for some columns. */
static void
panel(struct contract_emit *e, const struct tile_aff *at, int64_t size)
{
	contract_chunk_weights(e, at, size);
	emit_grid(e);
}

/* Samples [first, first + count). */
static void
emit_samples(struct contract_emit *e, int64_t first, int64_t count)
{
	e->first = first;
	e->count = count;
	e->packed = 1;
	e->pack = e->w_shift = taff_num(0);
	if (e->p->wmode == W_PANEL)
		span(e, "cw", e->c->cog, e->p->chunk, panel);
	else
		emit_grid(e);
}

void
contract_emit(const struct contraction *c, const struct contract_plan *p,
    const struct contract_plan *second)
{
	struct contract_emit *e = NEW(c->lw->arena, struct contract_emit);
	int64_t n = c->win.n, first = second != NULL ? GROUP_HALF(n) : n;
	e->c = c;
	e->p = p;
	e->lw = c->lw;
	e->pack = e->col = taff_num(0);
	stage_bias(e);
	contract_load_whole(e);
	emit_samples(e, 0, first);
	if (second == NULL)
		return;
	e->p = second;
	emit_samples(e, first, n - first);
}
