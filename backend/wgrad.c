/* Weight gradients: both operands are read transposed, so that the long
 * dimension is k of the array. Sums of several tiles meet in the global
 * buffer as f32: LdOBUF continues their chain. */
#include "backend/wgrad.h"

#include <string.h>

#include "backend/contract.h"
#include "backend/group.h"

struct wgrad_block {
	struct tile_aff move0, still0;
	int64_t move_n, still_n;
	struct tile_buffer *obuf;
};

struct emit {
	const struct wgrad *w;
	const struct wgrad_plan *p;
	struct lower *lw;
	int64_t col, cols;   /* output channels of this chunk */
	struct place part;   /* its sums: co, ci, taps as dw has them */
	/* the current tile */
	struct slab x, dy;
	int64_t pixels;
	/* the current group of the chunk and block */
	struct tile_aff group;
	struct wgrad_block b;
};

typedef void span_fn(struct emit *e, const struct tile_aff *at, int64_t size);

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

/* An image with pixels as k; columns (tap, channel) of the current group. */
static struct tile_view *
operand_view(struct emit *e, bool x, const struct tile_aff *at,
    const struct tile_aff *pixel)
{
	const struct wgrad *w = e->w;
	const struct slab *s = x ? &e->x : &e->dy;
	const struct window *win = x ? &w->xw : &w->yw;
	struct tile_view *t = NEW(e->lw->p->arena, struct tile_view);
	t->v.space = s->base.buffer->space;
	t->v.dtype = x ? w->x.dtype : w->dy.dtype;
	t->v.flags = VIEW_TRANSPOSED;
	t->v.n = s->n;
	t->v.n_addr = s->n_addr;
	t->v.c = x ? w->cig : w->groups > 1 ? w->cog : e->cols;
	t->v.c_addr = s->c_addr;
	for (int a = 0; a < 3; a++)
		t->v.axis[a] = (struct view_axis){.out = s->out[a],
		    .kernel = win->kernel[a], .stride = s->stride[a],
		    .dil = win->dil[a], .pad = s->pad[a], .up = 1,
		    .extent = s->extent[a], .addr = s->axis_addr[a]};
	t->base = s->base;
	taff_add_scaled(&t->base, &e->group,
	    (x ? w->cig : w->cog) * s->c_addr);
	t->outer0 = *at;
	t->k0 = s->outer0;
	taff_add_scaled(&t->k0, pixel, 1);
	return t;
}

/* The sums: rows (tap, ci), columns co. */
static struct tile_view *
sums_view(struct emit *e)
{
	const struct wgrad *w = e->w;
	const struct place *s = &e->part;
	int spatial = s->rank - 2;
	struct tile_view *t = NEW(e->lw->p->arena, struct tile_view);
	int64_t size[4], addr[4];
	for (int a = 0; a < 3; a++) {
		int i = a - (3 - spatial);
		size[a] = i < 0 ? 1 : s->dim[2 + i];
		addr[a] = i < 0 ? 0 : s->stride[2 + i];
	}
	size[3] = w->cig;
	addr[3] = s->stride[1];
	t->v.space = s->buf->space;
	t->v.dtype = s->dtype;
	t->v.n = size[0];
	t->v.n_addr = addr[0];
	for (int a = 0; a < 3; a++)
		t->v.axis[a] = (struct view_axis){.out = size[1 + a],
		    .kernel = 1, .stride = 1, .dil = 1, .up = 1,
		    .extent = size[1 + a], .addr = addr[1 + a]};
	t->v.c = w->groups > 1 ? w->cog : e->cols;
	t->v.c_addr = s->stride[0];
	t->base = place_base(s);
	taff_add_scaled(&t->base, &e->group, w->cog * s->stride[0]);
	t->outer0 = e->b.move0;
	t->k0 = e->b.still0;
	if (e->p->swap)
		t->v.flags = VIEW_TRANSPOSED;
	return t;
}

/* ---- waves ---- */

static struct tile_buffer *
bank(struct emit *e, enum space space)
{
	const struct wave_target *t = e->lw->target;
	struct tile_loop *scope = e->lw->p->cur;
	int64_t banks = space == SPACE_OBUF ? t->obuf_banks : t->lbuf_banks;
	int64_t size = (int64_t)dtype_size(e->w->x.dtype);
	if ((int64_t)dtype_size(e->w->dy.dtype) > size)
		size = (int64_t)dtype_size(e->w->dy.dtype);
	int64_t bytes = space == SPACE_LBUF_V ? t->rows * e->b.still_n * size :
	    space == SPACE_LBUF_H ? t->rows * e->b.move_n * size :
	    e->b.move_n * e->b.still_n * 4;
	return tile_buffer(e->lw->p, space == SPACE_LBUF_V ? "v" :
	    space == SPACE_LBUF_H ? "h" : "o", space, bytes,
	    scope != NULL ? (int)banks : 1, scope);
}

static struct tile_insn *
insn(struct emit *e, enum tile_kind kind, int64_t k)
{
	struct tile_insn *in = tile_emit(e->lw->p, kind, Q_MX);
	in->mx.m = e->b.move_n;
	in->mx.n = e->b.still_n;
	in->mx.k = k;
	return in;
}

static void
wave(struct emit *e, const struct tile_aff *pixel, int64_t k,
    enum tile_first first, struct tile_loop *loop)
{
	struct tile_buffer *v = bank(e, SPACE_LBUF_V);
	struct tile_buffer *h = bank(e, SPACE_LBUF_H);
	struct tile_insn *in = insn(e, TILE_LDV, k);
	in->mx.view = operand_view(e, e->p->swap, &e->b.still0, pixel);
	in->mx.lbuf_v = v;
	in = insn(e, TILE_LDH, k);
	in->mx.view = operand_view(e, !e->p->swap, &e->b.move0, pixel);
	in->mx.lbuf_h = h;
	in = insn(e, TILE_SHIFT, k);
	in->mx.lbuf_v = v;
	in = insn(e, TILE_EXEC, k);
	in->mx.lbuf_h = h;
	in->mx.obuf = e->b.obuf;
	in->mx.first = first;
	in->mx.first_loop = loop;
}

static void
full_tiles(struct emit *e, const struct tile_aff *from, int64_t count,
    bool fresh)
{
	int64_t step = e->lw->target->rows;
	if (count > 1) {
		struct tile_aff at = *from;
		struct tile_loop *l = tile_loop_open(e->lw->p, "k", count);
		taff_add(&at, l, step);
		wave(e, &at, step, fresh ? TFIRST_LOOP : TFIRST_NEVER,
		    fresh ? l : NULL);
		tile_loop_close(e->lw->p);
	} else if (count == 1) {
		wave(e, from, step, fresh ? TFIRST_ALWAYS : TFIRST_NEVER,
		    NULL);
	}
}

static void
partial_tile(struct emit *e, int64_t from, int64_t pixels, bool fresh)
{
	struct tile_aff at = taff_num(from);
	if (pixels > 0)
		wave(e, &at, pixels, fresh ? TFIRST_ALWAYS : TFIRST_NEVER,
		    NULL);
}

static void
all_pixels(struct emit *e, bool fresh)
{
	int64_t step = e->lw->target->rows;
	int64_t full = e->pixels / step, rest = e->pixels % step;
	bool leads = rest > 0 && e->lw->partial_k == PARTIAL_FIRST;
	struct tile_aff at = taff_num(leads ? rest : 0);
	if (leads)
		partial_tile(e, 0, rest, fresh);
	full_tiles(e, &at, full, fresh && !leads);
	if (!leads)
		partial_tile(e, full * step, rest, fresh && full == 0);
}

/* Takes a bank for the block and loads what its sums are so far. */
static void
load_sums(struct emit *e, struct wgrad_block *b)
{
	struct tile_insn *in;

	e->b = *b;
	e->b.obuf = b->obuf = bank(e, SPACE_OBUF);
	in = insn(e, TILE_LDOBUF, 0);
	in->mx.view = sums_view(e);
	in->mx.obuf = b->obuf;
}

static void
sum_block(struct emit *e, const struct wgrad_block *b, bool fresh)
{
	struct tile_insn *in;

	e->b = *b;
	if (fresh)
		e->b.obuf = bank(e, SPACE_OBUF);
	all_pixels(e, fresh);
	in = insn(e, TILE_DRAIN, 0);
	in->mx.view = sums_view(e);
	in->mx.obuf = e->b.obuf;
}

/* The drain unit works in program order: so that it need not wait for the
 * waves of a block before it loads the sums of the next, that load comes
 * first. */
static void
sum_blocks(struct emit *e, struct wgrad_block *b, int64_t n)
{
	bool fresh = !wgrad_continues(e->w, e->p);

	if (!fresh)
		load_sums(e, &b[0]);
	for (int64_t i = 0; i < n; i++) {
		if (!fresh && i + 1 < n)
			load_sums(e, &b[i + 1]);
		sum_block(e, &b[i], fresh);
	}
}

static int64_t
moving_step(const struct emit *e)
{
	return wgrad_moving_step(e->w, e->p->swap, e->cols);
}

/* All blocks of a strip of the moving and one of the stationary side. */
static void
still_strip(struct emit *e, const struct tile_aff *at, int64_t size)
{
	struct wgrad_block b[WGRAD_AHEAD], strip = e->b;
	int64_t step = moving_step(e), cols = e->lw->target->cols, n = 0;

	for (int64_t i = 0; i < strip.move_n; i += step) {
		for (int64_t k = 0; k < size; k += cols) {
			b[n].move0 = strip.move0;
			b[n].move0.offset += i;
			b[n].move_n = min64(step, strip.move_n - i);
			b[n].still0 = *at;
			b[n].still0.offset += k;
			b[n++].still_n = min64(cols, size - k);
		}
	}
	sum_blocks(e, b, n);
	e->b = strip;
}

static void
move_strip(struct emit *e, const struct tile_aff *at, int64_t size)
{
	const struct wgrad *w = e->w;
	int64_t cols = w->groups > 1 ? w->cog : e->cols;

	e->b.move0 = *at;
	e->b.move_n = size;
	span(e, "s", e->p->swap ? w->rows : cols,
	    e->lw->target->cols * e->p->still_ahead, still_strip);
}

static void
group(struct emit *e, const struct tile_aff *at, int64_t size)
{
	const struct wgrad *w = e->w;
	int64_t cols = w->groups > 1 ? w->cog : e->cols;

	(void)size; /* 1 */
	e->group = *at;
	span(e, "m", e->p->swap ? cols : w->rows,
	    moving_step(e) * e->p->move_ahead, move_strip);
}

/* ---- tiles ---- */

/* The part of an operand that a tile reads, channels [c, c + n). */
static void
operand(struct emit *e, bool x, const struct box *b, int64_t c, int64_t n,
    struct slab *s)
{
	struct place pl = x ? e->w->x : e->w->dy;
	struct window win = x ? e->w->xw : e->w->yw;
	pl.offset += c * win.c_addr;
	win.c = n;
	slab_make(e->lw, &pl, NULL, &win, b, 0, x ? "x" : "dy", s);
}

static void
emit_tile(void *ctx, const struct box *grid)
{
	struct emit *e = ctx;
	const struct wgrad *w = e->w;
	struct box b = *grid;
	bool some = w->groups > 1;
	e->pixels = 1;
	for (int i = 0; i < 4; i++)
		e->pixels *= b.size[i];
	for (int i = 4; i < GRID_RANK; i++)
		b.origin[i] = taff_num(0);
	if (!wgrad_keeps_x(w, e->p) || e->col == 0)
		operand(e, true, &b, some ? e->col / w->cog * w->cig : 0,
		    some ? e->cols / w->cog * w->cig : w->cig, &e->x);
	operand(e, false, &b, e->col, e->cols, &e->dy);
	span(e, "g", some ? e->cols / w->cog : 1, 1, group);
}

/* The sums of a chunk where they accumulate, and where they belong. */
static void
make_part(struct emit *e, struct place *to)
{
	const struct wgrad *w = e->w;
	enum dtype t = wgrad_part_dtype(w, e->p);
	*to = w->dw;
	to->dim[0] = e->cols;
	to->offset += e->col * w->dw.stride[0];
	e->part = *to;
	if (place_on_chip(to) && t == to->dtype)
		return;
	int64_t step = (int64_t)dtype_size(t);
	e->part = place_dense(t, to->rank, to->dim);
	for (int i = 0; i < to->rank; i++) { /* co, ci, then the taps */
		int a = i < 2 ? i : to->rank + 1 - i;
		e->part.stride[a] = step;
		step *= to->dim[a];
	}
	e->part.buf = stage_buffer(e->lw, "sums", SPACE_GBUF, step, 1);
}

static void
emit_chunk(struct emit *e)
{
	static const char *const names[] = {"n", "d", "y", "x"};
	const struct window *yw = &e->w->yw;
	int64_t extent[4] = {yw->n, yw->out[0], yw->out[1], yw->out[2]};
	struct place to;
	make_part(e, &to);
	if (wgrad_continues(e->w, e->p))
		carry_load(e->lw, &to, &e->part);
	grid_emit(e->lw, 4, extent, e->p->tile, names, emit_tile, e);
	if (e->part.buf != to.buf)
		lower_copy(e->lw, &e->part, &to);
}

static void
describe(struct wgrad *w, struct lower *lw, const struct node *n)
{
	const struct tensor_type *t = &n->in[1]->type;
	size_t len;
	w->lw = lw;
	w->node = n;
	w->x = *place_of(lw, n->in[0]);
	w->dy = *place_of(lw, n->in[1]);
	w->dw = *place_of(lw, n->out[0]);
	window_from_node(n, &w->x, t, node_ints(n, ATTR_kernel, &len),
	    &w->xw);
	w->groups = node_int(n, ATTR_groups);
	w->cig = w->x.dim[1] / w->groups;
	w->cog = w->dy.dim[1] / w->groups;
	w->taps = w->xw.kernel[0] * w->xw.kernel[1] * w->xw.kernel[2];
	w->rows = w->taps * w->cig;
	w->yw = (struct window){.n = w->dy.dim[0], .c = w->dy.dim[1],
	    .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dil = {1, 1, 1},
	    .up = {1, 1, 1}, .n_addr = w->dy.stride[0],
	    .c_addr = w->dy.stride[1]};
	for (int a = 0; a < 3; a++) {
		int i = a - (5 - w->dy.rank);
		w->yw.out[a] = w->yw.extent[a] = i < 0 ? 1 : t->dim[2 + i];
		w->yw.axis_addr[a] = i < 0 ? 0 : w->dy.stride[2 + i];
	}
}

/* a (n, ci) and b (n, co) are images of one pixel; dw[co, ci] is (ci, co). */
static void
describe_product(struct wgrad *w, struct lower *lw, const struct node *n)
{
	static const struct window one = {.out = {1, 1, 1},
	    .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dil = {1, 1, 1},
	    .up = {1, 1, 1}, .extent = {1, 1, 1}};
	w->lw = lw;
	w->node = n;
	w->x = *place_of(lw, n->in[0]);
	w->dy = *place_of(lw, n->in[1]);
	w->dw = *place_of(lw, n->out[0]);
	int64_t t = w->dw.dim[0], s = w->dw.stride[0];
	w->dw.dim[0] = w->dw.dim[1];
	w->dw.stride[0] = w->dw.stride[1];
	w->dw.dim[1] = t;
	w->dw.stride[1] = s;
	w->groups = w->taps = 1;
	w->rows = w->cig = w->x.dim[1];
	w->cog = w->dy.dim[1];
	w->xw = w->yw = one;
	w->xw.n = w->yw.n = w->x.dim[0];
	w->xw.c = w->x.dim[1];
	w->xw.n_addr = w->x.stride[0];
	w->xw.c_addr = w->x.stride[1];
	w->yw.c = w->dy.dim[1];
	w->yw.n_addr = w->dy.stride[0];
	w->yw.c_addr = w->dy.stride[1];
}

/* What a group's iterations load of x for all chunks but the first. */
static double
again_bytes(const struct wgrad *w, const struct wgrad_plan *p)
{
	int64_t chunks = ceil_div(w->groups * w->cog, p->chunk);
	int64_t times = w->lw->region_loop != NULL ? w->lw->region->full : 1;
	if (place_on_chip(&w->x) || wgrad_keeps_x(w, p) || w->groups > 1)
		return 0;
	return (double)(chunks - 1) * (double)place_bytes(&w->x) *
	    (double)times;
}

bool
lower_wgrad(struct lower *lw, const struct node *n)
{
	struct wgrad w;
	struct wgrad_plan p;
	memset(&w, 0, sizeof w);
	if (n->op == OP_matmul)
		describe_product(&w, lw, n);
	else
		describe(&w, lw, n);
	if (type_elems(&n->in[1]->type) == 0 ||
	    type_elems(&n->in[0]->type) == 0) {
		lower_fill(lw, &w.dw, 0);
		return true;
	}
	if (!wgrad_plan(&w, &p))
		return false;
	diag_remark(lw->diag, &n->loc, "lower: %s stationary, %lld tiles of "
	    "%lldx%lldx%lldx%lld, %lld channels at a time, %lld DRAM bytes",
	    p.swap ? "activations" : "gradients", (long long)p.tiles,
	    (long long)p.tile[0], (long long)p.tile[1],
	    (long long)p.tile[2], (long long)p.tile[3],
	    (long long)p.chunk, (long long)p.traffic);
	if (lw->region != NULL && !lw->region->sweep)
		lw->p->moves.left += again_bytes(&w, &p);
	struct emit *e = NEW(lw->arena, struct emit);
	e->w = &w;
	e->p = &p;
	e->lw = lw;
	for (e->col = 0; e->col < w.groups * w.cog; e->col += e->cols) {
		e->cols = p.chunk < w.groups * w.cog - e->col ? p.chunk :
		    w.groups * w.cog - e->col;
		emit_chunk(e);
	}
	return true;
}
