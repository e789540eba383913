/* Tile loops over a box of up to GRID_RANK dimensions. */
#include "backend/lower.h"

struct walk {
	struct lower *lw;
	int rank;
	const int64_t *extent, *tile;
	const char *const *names;
	void (*body)(void *ctx, const struct box *b);
	void *ctx;
	struct box box;
};

static void
walk_dim(struct walk *w, int d)
{
	if (d == w->rank) {
		w->body(w->ctx, &w->box);
		return;
	}
	int64_t tile = w->tile[d], full = w->extent[d] / tile;
	int64_t rest = w->extent[d] % tile;
	struct tile_aff *origin = &w->box.origin[d];
	if (full > 0) {
		*origin = taff_num(0);
		w->box.size[d] = tile;
		if (full > 1) {
			struct tile_loop *l = tile_loop_open(w->lw->p,
			    w->names[d], full);
			taff_add(origin, l, tile);
			walk_dim(w, d + 1);
			tile_loop_close(w->lw->p);
		} else {
			walk_dim(w, d + 1);
		}
	}
	if (rest > 0) {
		*origin = taff_num(full * tile);
		w->box.size[d] = rest;
		walk_dim(w, d + 1);
	}
}

void
grid_emit(struct lower *lw, int rank, const int64_t *extent,
    const int64_t *tile, const char *const *names,
    void (*body)(void *ctx, const struct box *b), void *ctx)
{
	struct walk w = {0};
	w.lw = lw;
	w.rank = rank;
	w.extent = extent;
	w.tile = tile;
	w.names = names;
	w.body = body;
	w.ctx = ctx;
	walk_dim(&w, 0);
}
