/* Chooses the schedule of a contraction by estimated time. */
#include "backend/contract.h"

#include <string.h>

#include "support/str.h"

/* Cycles between two tiles that nothing hides, however many are staged. */
#define TILE_OVERHEAD 64
#define SHARED 0.25 /* of the DRAM time: what else waits for DRAM */
#define AS_FAST 1.005 /* times that do not differ enough to decide */

/* ---- groups that share a wave ---- */

static struct contract_work
work(const struct contraction *c, bool pixels_stationary, int64_t pack,
    int64_t rows)
{
	return (struct contract_work){.target = c->lw->target,
	    .pixels_stationary = pixels_stationary, .m = rows,
	    .n = pack * c->cog, .k = pack * c->k,
	    .partial_k = c->lw->partial_k, .dtype = c->x.dtype,
	    .drain = (int64_t)dtype_size(c->y.dtype) + (c->has_res ?
		(int64_t)dtype_size(c->res.dtype) : 0)};
}

static int64_t
pack_time(const struct contraction *c, int64_t pack, int64_t rows)
{
	struct contract_work w = work(c, false, pack, rows);
	return ceil_div(c->groups, pack) * contract_time(&w);
}

static int64_t
choose_pack(const struct contraction *c)
{
	if (c->groups == 1 || !c->packable)
		return 1;
	int64_t rows = c->win.n * c->win.out[0] * c->win.out[1] *
	    c->win.out[2];
	int64_t best = 1, best_time = pack_time(c, 1, rows);
	int64_t limit = c->lw->target->cols / c->cog;
	for (int64_t g = 2; g <= c->groups && g <= limit; g++) {
		int64_t time = pack_time(c, g, rows);
		if (time < best_time) {
			best = g;
			best_time = time;
		}
	}
	return best;
}

/* ---- one candidate ---- */

struct trial {
	const struct contraction *c;
	struct contract_plan plan;
	int64_t tiles;      /* number of tiles, batches included */
	int64_t rows;       /* pixels of a full tile */
	int64_t in, out, res; /* staged bytes of one tile, 0 when on chip */
	int64_t rest; /* the same of a partial tile inside an outer loop, whose
	                 buffers live beside those of the full ones */
	int64_t traffic;    /* of activations, whole op */
};

static int64_t
staged_out(const struct trial *t, const struct place *pl)
{
	if (place_on_chip(pl))
		return 0;
	return t->rows * t->c->groups * t->c->cog *
	    (int64_t)dtype_size(pl->dtype);
}

/* What a staged tile of pl moves in DRAM, where elements may be wider. */
static int64_t
memory_bytes(const struct place *pl, int64_t staged)
{
	int64_t stored = pl->buf->dtype == DT_NONE ? 0 :
	    (int64_t)dtype_size(pl->buf->dtype);
	return stored == 0 ? staged : staged * stored /
	    (int64_t)dtype_size(pl->dtype);
}

static void
measure(struct trial *t)
{
	const struct contraction *c = t->c;
	const int64_t *tile = t->plan.tile;
	int64_t ext[4] = {c->win.n, c->win.out[0], c->win.out[1],
	    c->win.out[2]};
	struct window w = c->win;
	w.c = c->groups * c->cig;
	t->tiles = 1;
	t->rows = 1;
	for (int i = 0; i < 4; i++) {
		t->tiles *= ceil_div(ext[i], tile[i]);
		t->rows *= tile[i];
	}
	for (int i = 0; i < c->nbatch; i++)
		t->tiles *= c->batch[i];
	t->in = place_on_chip(&c->x) ? 0 :
	    slab_bytes(&w, tile, c->x.dtype);
	t->out = staged_out(t, &c->y);
	t->res = c->has_res ? staged_out(t, &c->res) : 0;
	t->traffic = t->tiles * (memory_bytes(&c->x, t->in) + t->out + t->res);
	t->rest = 0;
	int64_t outer = 1;
	for (int i = 0; i < c->nbatch; i++)
		outer *= c->batch[i];
	for (int i = 0; i < 4; i++) {
		if (outer > 1 && ext[i] % tile[i] > 0)
			t->rest = (t->in + t->out + t->res) *
			    (ext[i] % tile[i]) / tile[i] + 4096;
		outer *= ceil_div(ext[i], tile[i]);
	}
}

/* Adds the cycles and time of so many tiles of one size. */
static void
add_tiles(struct trial *t, const int64_t *size, int64_t times)
{
	const struct contraction *c = t->c;
	int64_t pack = t->plan.pack;
	struct phase ph;
	phase_first(&c->win, c->win.pad, size, c->split, &ph);
	do {
		if (phase_repeats(&c->win, c->win.pad, size, &ph))
			continue;
		struct contract_work w = work(c, t->plan.pixels_stationary,
		    pack, ph.rows);
		w.k = ph.taps > 0 ? pack * c->cig * ph.taps : 1;
		t->plan.cycles += times * contract_steady(&w);
		t->plan.time += times * contract_time(&w);
		t->plan.operands += times * contract_operands(&w);
	} while (phase_next(&c->win, c->win.pad, size, &ph));
}

/* Sets the plan's cycles, time and operands: along each dimension there are
 * full tiles and maybe a partial one. */
static void
matrix_work(struct trial *t)
{
	const struct contraction *c = t->c;
	const int64_t *tile = t->plan.tile;
	int64_t ext[4] = {c->win.n, c->win.out[0], c->win.out[1],
	    c->win.out[2]};
	int64_t outer = ceil_div(c->groups, t->plan.pack);
	for (int i = 0; i < c->nbatch; i++)
		outer *= c->batch[i];
	t->plan.cycles = t->plan.time = t->plan.operands = 0;
	for (unsigned partial = 0; partial < 1u << 4; partial++) {
		int64_t size[4], times = outer;
		for (int i = 0; i < 4; i++) {
			bool rest = (partial >> i & 1) != 0;
			size[i] = rest ? ext[i] % tile[i] : tile[i];
			times *= rest ? size[i] > 0 : ext[i] / tile[i];
		}
		if (times > 0)
			add_tiles(t, size, times);
	}
}

static int64_t
aligned(const struct trial *t, int64_t v)
{
	int64_t a = t->c->lw->target->sram_align;
	return a > 1 ? ceil_div(v, a) * a : v;
}

bool
contract_tap_runs(const struct contraction *c, int64_t *taps, int64_t *first,
    int64_t *step)
{
	int64_t expected = 0;
	bool flip = false;
	*taps = 1;
	*first = *step = 0;
	if (c->canonical || c->k == c->cig)
		return true;
	for (int a = 2; a >= 0; a--) {
		int64_t n = c->win.kernel[a];
		if (n == 1)
			continue;
		if (*taps == 1) {
			expected = *step = c->w_tap[a];
			flip = c->flip[a];
		}
		if (c->w_tap[a] != expected || c->flip[a] != flip)
			return false;
		expected *= n;
		*taps *= n;
	}
	if (flip) {
		*first = (*taps - 1) * *step;
		*step = -*step;
	}
	return true;
}

/* Whether chunks of so many columns fit; the last, narrower one has a ring of
 * its own. */
static bool
fits_twice(const struct trial *t, int64_t chunk, int64_t cap)
{
	int64_t column = t->c->k * (int64_t)dtype_size(t->c->w.dtype);
	int64_t columns = t->plan.pack * t->c->cog;

	return 2 * (column * (chunk + columns % chunk) + 128) <= cap;
}

/* As many whole blocks of columns as fit, at least one. */
static int64_t
panel_columns(const struct trial *t, int64_t cap)
{
	int64_t unit = t->plan.pixels_stationary ? t->plan.colblk :
						   t->c->lw->target->cols;
	int64_t n = unit;

	while (n + unit <= t->c->cog && fits_twice(t, n + unit, cap))
		n += unit;
	return min64(n, t->c->cog);
}

/* Sets wmode's sizes; false when the mode does not fit. *gbuf gets what it
 * takes of the global buffer, *traffic its DRAM bytes. */
static bool
stage_weights(struct trial *t, enum weight_mode mode, enum space space,
    int64_t *gbuf, int64_t *traffic)
{
	const struct contraction *c = t->c;
	const struct wave_target *tg = c->lw->target;
	int64_t size = (int64_t)dtype_size(c->w.dtype);
	int64_t cap = c->lw->wbuf_free;
	int64_t columns = t->plan.pack * c->cog;
	struct contract_plan *p = &t->plan;
	p->wmode = mode;
	p->wspace = space;
	p->chunk = columns;
	p->kchunk = 0;
	*gbuf = 0;
	*traffic = 0;
	switch (mode) {
	case W_RESIDENT:
		return place_on_chip(&c->w);
	case W_WHOLE:
		if (c->nbatch > 0 || (c->groups > 1 && !c->packable))
			return false;
		*traffic = c->w_bytes;
		if (space == SPACE_GBUF)
			*gbuf = aligned(t, c->w_bytes);
		return space == SPACE_GBUF || c->w_bytes + 64 <= cap;
	case W_CHUNK: {
		int64_t column = c->k * size;
		int64_t unit = p->pixels_stationary ? p->colblk : tg->cols;
		*traffic = t->tiles * c->w_bytes;
		if (c->groups > 1)
			return 2 * (column * columns + 64) <= cap;
		p->chunk = min64(unit, columns);
		return fits_twice(t, p->chunk, cap);
	}
	case W_PANEL:
		if (c->groups > 1 || c->nbatch > 0 || t->tiles == 1)
			return false;
		p->chunk = panel_columns(t, cap);
		*traffic = c->w_bytes + (ceil_div(columns, p->chunk) - 1) *
		    t->tiles * memory_bytes(&c->x, t->in);
		return p->chunk < columns && fits_twice(t, p->chunk, cap);
	case W_STREAM: {
		int64_t taps, first, step;
		if (!contract_tap_runs(c, &taps, &first, &step))
			return false;
		if (p->pixels_stationary || p->pack > 1 || c->split)
			return false;
		int64_t cols = min64(tg->cols, columns);
		/* two versions for the first, the repeated and the last chunk
		 * and, with taps, for the repeated and last of the others */
		p->kchunk = (cap / (taps > 1 ? 10 : 6) - 64) /
		    (cols * size) / tg->rows * tg->rows;
		*traffic = c->w_bytes * t->tiles *
		    ceil_div(t->rows, p->rowblk);
		return p->kchunk > 0;
	}
	}
	return false;
}

static void
set_blocks(struct trial *t)
{
	const struct contraction *c = t->c;
	const struct wave_target *tg = c->lw->target;
	int64_t moving = moving_limit(tg, c->x.dtype);
	int64_t columns = t->plan.pack * c->cog;
	struct phase ph; /* the first is the largest */
	phase_first(&c->win, c->win.pad, t->plan.tile, c->split, &ph);
	if (t->plan.pixels_stationary) {
		t->plan.rowblk = tg->cols;
		t->plan.colblk = contract_even(columns, moving);
	} else {
		t->plan.rowblk = contract_even(ph.rows, moving);
		t->plan.colblk = tg->cols;
	}
}

static int64_t
bias_bytes(const struct contraction *c)
{
	return c->has_bias ? 64 + c->groups * c->cog *
	    (int64_t)dtype_size(c->bias.dtype) : 0;
}

/* With two versions of a tile, a load waits for the last use of the tile before
 * the last, and its latency is seen where it is as long as the work. */
static double
tile_gap(const struct trial *t, double mem, double mat)
{
	const struct wave_target *tg = t->c->lw->target;
	double wait = (double)(tg->dram_latency + tg->dma_startup +
	    tg->rows + tg->cols), spare = (mat - mem) / (double)t->tiles;
	if (t->plan.depth > 2 || spare >= wait)
		return TILE_OVERHEAD;
	return TILE_OVERHEAD + (spare > 0 ? wait - spare : wait);
}

/* Estimated cycles: the slower of array and DRAM, plus what the first load and
 * the last store leave uncovered. */
static double
estimate(const struct trial *t, int64_t wtraffic)
{
	const struct lower *lw = t->c->lw;
	double bw = lw->bw > 0 ? lw->bw : 1e12;
	double mem = (double)(t->traffic + wtraffic) / bw;
	double mat = (double)t->plan.time;
	double edge = (double)(t->in + t->out + t->res) / bw;
	if (t->plan.wmode == W_WHOLE && lw->target->wbuf_bytes > 0 &&
	    t->c->w_bytes > lw->target->wbuf_bytes / 2)
		edge += (double)t->c->w_bytes / bw; /* nothing prefetches it */
	if (t->plan.wmode == W_STREAM)
		edge += 1; /* only when nothing else fits as well */
	return (mem > mat ? mem : mat) + edge +
	    (double)t->tiles * tile_gap(t, mem, mat) + mem * SHARED;
}

struct wchoice {
	enum weight_mode mode;
	enum space space;
};

static void
try_weights(struct trial *t, struct contract_plan *best)
{
	static const struct wchoice choices[] = {
	    {W_RESIDENT, SPACE_GBUF}, {W_WHOLE, SPACE_WBUF},
	    {W_WHOLE, SPACE_GBUF}, {W_CHUNK, SPACE_WBUF},
	    {W_PANEL, SPACE_WBUF},
	    {W_STREAM, SPACE_WBUF}};
	const struct contraction *c = t->c;
	int64_t need = t->plan.depth * (aligned(t, t->in) +
	    aligned(t, t->out) + aligned(t, t->res) + t->rest) +
	    bias_bytes(c);
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		int64_t gbuf, wtraffic;
		if (place_on_chip(&c->w) != (choices[i].mode == W_RESIDENT))
			continue;
		if (!stage_weights(t, choices[i].mode, choices[i].space,
		    &gbuf, &wtraffic))
			continue;
		if (need + gbuf > c->lw->gbuf_free)
			continue;
		t->plan.traffic = t->traffic + wtraffic;
		t->plan.cost = estimate(t, wtraffic);
		if (best->cost == 0 || t->plan.cost < best->cost)
			*best = t->plan;
	}
}

/* best[0] and best[1]: with either operand stationary. */
static void
try_tile(const struct contraction *c, const int64_t *tile, int64_t pack,
    struct contract_plan *best)
{
	for (int ps = 0; ps < 2; ps++) {
		if (ps == 1 && (pack > 1 ||
		    c->lw->target->weight_stationary == 1))
			continue;
		struct trial t;
		memset(&t, 0, sizeof t);
		t.c = c;
		memcpy(t.plan.tile, tile, sizeof t.plan.tile);
		t.plan.pack = pack;
		t.plan.pixels_stationary = ps == 1;
		measure(&t);
		set_blocks(&t);
		matrix_work(&t);
		t.plan.depth = t.tiles > 1 ? 2 : 1;
		try_weights(&t, &best[ps]);
		t.plan.depth = 3;
		if (t.tiles > 2)
			try_weights(&t, &best[ps]);
	}
}

/* The smallest cut of tile dimension i: where zeros are inserted, cuts fall on
 * stored elements. */
static int64_t
unit_of(const struct contraction *c, int i)
{
	int64_t ext = i == 0 ? c->win.n : c->win.out[i - 1];
	int64_t unit = i > 0 ? c->win.up[i - 1] : 1;
	return unit < ext ? unit : ext;
}

/* Cuts images, then rows of one image, then pixels of one row. */
static void
try_level(const struct contraction *c, int level, int64_t pack,
    struct contract_plan *best)
{
	int64_t ext[4] = {c->win.n, c->win.out[0], c->win.out[1],
	    c->win.out[2]};
	int64_t tile[4], unit = unit_of(c, level);
	for (int i = 0; i < 4; i++)
		tile[i] = i < level ? unit_of(c, i) : ext[i];
	int64_t last = 0;
	for (int64_t parts = 1; parts <= ext[level];
	     parts += parts < 16 ? 1 : parts / 8) {
		int64_t size = ceil_div(ceil_div(ext[level], parts), unit) *
		    unit;
		if (size == last)
			continue;
		last = size;
		tile[level] = size < ext[level] ? size : ext[level];
		try_tile(c, tile, pack, best);
	}
	tile[level] = unit < ext[level] ? unit : ext[level];
	try_tile(c, tile, pack, best);
}

/* An operand on chip is read where it is, as runs of consecutive pixels: the
 * dimensions before the cut one must be single elements. */
static bool
level_allowed(const struct contraction *c, int level)
{
	for (int i = 0; i < level; i++)
		if (place_on_chip(&c->x) && unit_of(c, i) > 1)
			return false;
	return true;
}

/* Whether plan p is the better one: where both take about the same time, that
 * which loads less into the local buffers, for its energy. */
static bool
is_better(const struct contract_plan *p, const struct contract_plan *q)
{
	if (p->cost == 0 || q->cost == 0)
		return p->cost > 0;
	if (p->cost > q->cost * AS_FAST || q->cost > p->cost * AS_FAST)
		return p->cost < q->cost;
	return p->operands < q->operands;
}

bool
contract_plan(const struct contraction *c, struct contract_plan *p)
{
	int64_t pack = choose_pack(c);
	struct contract_plan best[2];

	memset(best, 0, sizeof best);
	for (int level = 0; level < 4; level++)
		if (level_allowed(c, level))
			try_level(c, level, pack, best);
	*p = best[is_better(&best[1], &best[0])];
	return p->cost > 0;
}

void
contract_no_room(const struct contraction *c)
{
	diag_error(c->lw->diag, &c->node->loc,
	    "'%s' does not fit: %lld bytes of the global buffer are free and "
	    "WBUF has %lld; give the target more with -mgbuf_bytes= or "
	    "-mwbuf_bytes=", op_info(c->node->op)->name,
	    (long long)c->lw->gbuf_free,
	    (long long)c->lw->target->wbuf_bytes);
}
