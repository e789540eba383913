/* Chooses the schedule of a weight gradient by estimated time. */
#include "backend/wgrad.h"

#include <string.h>

#include "backend/contract.h"
#include "backend/group.h"

#define SHARED 2.0 /* times its DRAM time: what else waits for DRAM */
#define WAITS_LONG 0.05 /* of the array's work */
#define TILE_OVERHEAD 64 /* cycles between two tiles that nothing hides */

struct trial {
	const struct wgrad *w;
	struct wgrad_plan p;
	int64_t in;   /* staged bytes of one tile */
	int64_t x_in; /* of these x's */
	int64_t rest; /* those of smaller last tiles, whose buffers lie beside
	                 the others: two versions within an outer loop */
};

bool
wgrad_continues(const struct wgrad *w, const struct wgrad_plan *p)
{
	return p->tiles > 1 || carry_on(w->lw);
}

bool
wgrad_keeps_x(const struct wgrad *w, const struct wgrad_plan *p)
{
	return p->tiles == 1 && w->groups == 1;
}

enum dtype
wgrad_part_dtype(const struct wgrad *w, const struct wgrad_plan *p)
{
	return p->tiles > 1 ? DT_F32 : w->dw.dtype;
}

int64_t
wgrad_part_bytes(const struct wgrad *w, const struct wgrad_plan *p)
{
	enum dtype t = wgrad_part_dtype(w, p);
	if (place_on_chip(&w->dw) && t == w->dw.dtype)
		return 0;
	return w->rows * p->chunk * (int64_t)dtype_size(t);
}

static void
measure(struct trial *t)
{
	const struct wgrad *w = t->w;
	int64_t ext[4] = {w->yw.n, w->yw.out[0], w->yw.out[1], w->yw.out[2]};
	struct window xw = w->xw, yw = w->yw;
	yw.c = t->p.chunk;
	if (w->groups > 1)
		xw.c = t->p.chunk / w->cog * w->cig;
	t->p.tiles = 1;
	int64_t partial = 0;
	for (int i = 0; i < 4; i++) {
		if (ext[i] % t->p.tile[i] > 0)
			partial += t->p.tiles > 1 ? 2 : 1;
		t->p.tiles *= ceil_div(ext[i], t->p.tile[i]);
	}
	t->x_in = place_on_chip(&w->x) ? 0 :
	    slab_bytes(&xw, t->p.tile, w->x.dtype) + 64;
	t->in = t->x_in;
	if (!place_on_chip(&w->dy))
		t->in += slab_bytes(&yw, t->p.tile, w->dy.dtype) + 64;
	t->rest = partial * t->in;
}

int64_t
wgrad_moving_step(const struct wgrad *w, bool swap, int64_t chunk)
{
	int64_t moving = swap ? (w->groups > 1 ? w->cog : chunk) : w->rows;
	int64_t limit = moving_limit(w->lw->target,
	    swap ? w->dy.dtype : w->x.dtype);

	return limit < moving ? ceil_div(moving, ceil_div(moving, limit)) :
				moving;
}

/* Where sums are continued, the drain unit loads those of a block only after
 * it has drained the block before, in program order: of each block the way
 * through the array, the drain and the load are seen. */
static int64_t
turnaround(const struct wgrad *w, int64_t moving, int64_t still,
    int64_t drain)
{
	const struct wave_target *tg = w->lw->target;
	enum dtype dt = w->x.dtype;
	int64_t limit = moving_limit(tg, dt);
	int64_t blocks = ceil_div(moving, limit) * ceil_div(still, tg->cols);
	int64_t bytes = moving * still * drain;
	return blocks * (tg->rows + tg->cols) +
	    (tg->drain_bw > 0 ? bytes / tg->drain_bw : 0);
}

/* Blocks are emitted together, each one's sums loaded before the one before
 * it is drained, where the array would wait for more than WAITS_LONG of its
 * time. The estimate leaves that aside: the schedule that waits least without
 * it is the best with it, too. */
static void
choose_ahead(struct trial *t, int64_t moving, int64_t still, int64_t work,
    int64_t turn)
{
	const struct wave_target *tg = t->w->lw->target;
	int64_t step = wgrad_moving_step(t->w, t->p.swap, t->p.chunk);
	int64_t m = ceil_div(moving, step), s = ceil_div(still, tg->cols);

	t->p.move_ahead = t->p.still_ahead = 1;
	if (tg->obuf_banks < 2 || (double)turn <= WAITS_LONG * (double)work)
		return;
	t->p.still_ahead = min64(s, WGRAD_AHEAD);
	t->p.move_ahead = min64(m, WGRAD_AHEAD / t->p.still_ahead);
}

static void
estimate(struct trial *t)
{
	const struct wgrad *w = t->w;
	const struct wave_target *tg = w->lw->target;
	int64_t chunks = ceil_div(w->groups * w->cog, t->p.chunk);
	int64_t cols = w->groups > 1 ? w->cog : t->p.chunk;
	int64_t k = w->yw.n * w->yw.out[0] * w->yw.out[1] * w->yw.out[2];
	int64_t each = k / t->p.tiles + 1;
	int64_t blocks = w->groups > 1 ? w->groups : chunks;
	int64_t moving = t->p.swap ? cols : w->rows;
	int64_t still = t->p.swap ? w->rows : cols;
	double bw = w->lw->bw > 0 ? w->lw->bw : 1e12;
	/* the sums of a tile are loaded and drained */
	struct contract_work work = {.target = tg, .m = moving, .n = still,
	    .k = each, .partial_k = w->lw->partial_k, .dtype = w->x.dtype,
	    .drain = (wgrad_continues(w, &t->p) ? 2 : 1) *
	    (int64_t)dtype_size(wgrad_part_dtype(w, &t->p))};
	int64_t array = contract_time(&work), turn = wgrad_continues(w, &t->p) ?
	    turnaround(w, moving, still, work.drain) : 0;
	double mat = (double)(blocks * t->p.tiles) *
	    (double)(array + turn);
	choose_ahead(t, moving, still, array, turn);
	t->p.traffic = chunks * t->p.tiles * t->in -
	    (wgrad_keeps_x(w, &t->p) ? (chunks - 1) * t->x_in : 0) +
	    (place_on_chip(&w->dw) ? 0 : place_bytes(&w->dw)) *
	    (carry_on(w->lw) ? 2 : 1);
	double mem = (double)t->p.traffic / bw;
	double edge = (double)t->in / bw;
	t->p.cost = (mat > mem ? mat : mem) + edge + mem * SHARED +
	    (double)(chunks * t->p.tiles * TILE_OVERHEAD);
}

static void
try_tile(struct trial *t, struct wgrad_plan *best)
{
	const struct lower *lw = t->w->lw;
	measure(t);
	int64_t need = t->in * (t->p.tiles > 1 ? 2 : 1) + t->rest;
	need += wgrad_part_bytes(t->w, &t->p) + 64;
	if (need > lw->gbuf_free)
		return;
	for (int swap = 0; swap < 2; swap++) {
		t->p.swap = swap == 1;
		estimate(t);
		if (best->cost == 0 || t->p.cost < best->cost)
			*best = t->p;
	}
}

/* Tiles are runs of consecutive pixels: images, then rows of one image, then
 * pixels of one row. */
static void
try_tiles(const struct wgrad *w, int64_t chunk, struct wgrad_plan *best)
{
	int64_t ext[4] = {w->yw.n, w->yw.out[0], w->yw.out[1], w->yw.out[2]};
	struct trial t = {.w = w};
	t.p.chunk = chunk;
	for (int level = 0; level < 4; level++) {
		int64_t last = 0;
		for (int i = 0; i < 4; i++)
			t.p.tile[i] = i < level ? 1 : ext[i];
		for (int64_t parts = 1; parts <= ext[level];
		     parts += parts < 16 ? 1 : parts / 8) {
			t.p.tile[level] = ceil_div(ext[level], parts);
			if (t.p.tile[level] == last)
				continue;
			last = t.p.tile[level];
			try_tile(&t, best);
		}
		t.p.tile[level] = 1;
		try_tile(&t, best);
	}
}

bool
wgrad_plan(const struct wgrad *w, struct wgrad_plan *p)
{
	/* chunks are made of whole groups, or of whole column blocks */
	int64_t unit = w->groups > 1 ? w->cog : 1;
	int64_t units = w->groups > 1 ? w->groups : w->cog;
	memset(p, 0, sizeof *p);
	for (int64_t parts = 1; parts <= units;
	     parts += parts < 16 ? 1 : parts / 4)
		try_tiles(w, ceil_div(units, parts) * unit, p);
	if (p->cost == 0)
		try_tiles(w, unit, p);
	if (p->cost > 0)
		return true;
	diag_error(w->lw->diag, &w->node->loc,
	    "'%s' does not fit: %lld bytes of the global buffer are "
	    "free; give the target more with -mgbuf_bytes=",
	    op_info(w->node->op)->name, (long long)w->lw->gbuf_free);
	return false;
}
