/* Weights of a contraction on chip. */
#include "backend/contract_emit.h"

#include <string.h>

void
contract_load_weights(struct contract_emit *e, const struct tile_aff *k0,
    int64_t rows)
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
apply_flip(struct contract_emit *e)
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
use_weights(struct contract_emit *e)
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

void
contract_chunk_weights(struct contract_emit *e, const struct tile_aff *at,
    int64_t size)
{
	e->col = *at;
	e->cols = size;
	if (e->p->wmode == W_CHUNK || e->p->wmode == W_PANEL) {
		struct tile_aff zero = taff_num(0);
		contract_load_weights(e, &zero, 0);
	} else if (e->p->wmode != W_STREAM) {
		use_weights(e);
	}
	if (e->p->wmode != W_STREAM)
		apply_flip(e);
}

void
contract_load_whole(struct contract_emit *e)
{
	if (e->p->wmode != W_WHOLE)
		return;
	e->pack = e->col = taff_num(0);
	e->cols = e->c->groups * e->c->cog;
	e->w_shift = taff_num(0);
	struct tile_aff zero = taff_num(0);
	contract_load_weights(e, &zero, 0);
	e->wbuf = e->w_base.buffer;
}
