/* Strided loops of vector ops, cut into tiles that fit the global buffer. */
#include "backend/vec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES 65536 /* at least */
#define STEP_MOST 1048576

/* ---- iteration space ---- */

void
vop_dim(struct vop *o, int64_t size, bool reduced)
{
	assert(o->rank < 2 * GRID_RANK);
	struct vdim *d = &o->dim[o->rank++];
	memset(d, 0, sizeof *d);
	d->size = size;
	d->reduced = reduced;
}

static int64_t
magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

/* Kept dimensions in the destination's physical order, outermost first; the
 * reduced ones stay behind them in their own order. */
static void
sort_dims(struct vop *o)
{
	for (int i = 1; i < o->rank; i++) {
		for (int j = i; j > 0; j--) {
			struct vdim *a = &o->dim[j - 1], *b = &o->dim[j];
			if (a->reduced || b->reduced ||
			    magnitude(a->stride[0]) >= magnitude(b->stride[0]))
				break;
			struct vdim t = *a;
			*a = *b;
			*b = t;
		}
	}
}

static bool
joins(const struct vop *o, const struct vdim *a, const struct vdim *b)
{
	if (a->reduced != b->reduced)
		return false;
	for (int k = 0; k < o->nops; k++)
		if (!(k == 0 && a->reduced) &&
		    a->stride[k] != b->stride[k] * b->size)
			return false;
	return true;
}

static void
coalesce(struct vop *o)
{
	int n = 0;
	for (int i = 0; i < o->rank; i++) {
		struct vdim *d = &o->dim[i];
		if (d->size == 1)
			continue;
		if (n > 0 && joins(o, &o->dim[n - 1], d)) {
			int64_t size = o->dim[n - 1].size * d->size;
			o->dim[n - 1] = *d;
			o->dim[n - 1].size = size;
			continue;
		}
		o->dim[n++] = *d;
	}
	o->rank = n;
	/* a reduction over nothing but extents of 1 is still one */
	if (o->kind == TILE_RED && (n == 0 || !o->dim[n - 1].reduced))
		vop_dim(o, 1, true);
}

/* ---- tile choice ---- */

static int64_t
operand_bytes(const struct vop *o, int k, const int64_t *tile)
{
	int64_t n = (int64_t)dtype_size(o->pl[k].dtype);
	for (int i = 0; i < o->rank; i++)
		if (o->dim[i].stride[k] != 0 && !(k == 0 && o->dim[i].reduced))
			n *= tile[i];
	return n;
}

/* What step j leaves for later ones. */
static int64_t
step_bytes(const struct vop *o, int j, const int64_t *tile)
{
	int64_t n = (int64_t)dtype_size(o->step[j].dtype);
	for (int i = 0; i < o->rank; i++)
		n *= tile[i];
	return n;
}

/* Global buffer that tiles of that size take: two versions of each staged
 * operand, those of partial tiles inside outer loops beside them, and the
 * results of steps. */
static int64_t
need_bytes(const struct vop *o, const int64_t *tile)
{
	int64_t sum = 0, align = o->lw->target->sram_align, outer = 1;
	for (int k = 0; k < o->nops; k++)
		if (o->stream[k])
			sum += ceil_div(operand_bytes(o, k, tile), align) *
			    align;
	int64_t total = sum, steps = 0;
	for (int j = 0; j < o->nsteps; j++)
		if (o->step[j].to == 0)
			steps += ceil_div(step_bytes(o, j, tile), align) *
			    align;
	for (int i = 0; i < o->rank; i++) {
		int64_t rest = o->dim[i].size % tile[i];
		if (rest > 0 && outer > 1)
			total += sum * rest / tile[i] + align * o->nops;
		outer *= ceil_div(o->dim[i].size, tile[i]);
	}
	return (outer == 1 ? total : 2 * total) + steps;
}

/* Tiles of steps whose operands are all on chip need not be large. */
int64_t
vop_step_limit(const struct lower *lw)
{
	int64_t part = lw->target->gbuf_bytes / 16;
	return part > 0 && part < STEP_BYTES ? part : STEP_BYTES;
}

/* Half of what is free: holes between values make up the rest. */
static int64_t
step_room(const struct lower *lw)
{
	int64_t room = lw->gbuf_free / 2;
	if (room > STEP_MOST)
		room = STEP_MOST;
	return room > vop_step_limit(lw) ? room : vop_step_limit(lw);
}

/* Whether tiles of one element along dimension i take much less. What has no
 * stride there, such as a row that all rows are added to, would be loaded for
 * each of them. */
static bool
worth_cutting(const struct vop *o, int i)
{
	int64_t tile[2 * GRID_RANK], whole = need_bytes(o, o->tile);

	memcpy(tile, o->tile, sizeof tile);
	tile[i] = 1;
	return need_bytes(o, tile) <= whole - whole / 8;
}

/* Cuts dimension after dimension, outermost first, until a tile takes no more
 * than limit; worth: only those that make it much smaller. */
static void
cut_dims(struct vop *o, int64_t limit, bool worth)
{
	for (int i = 0; i < o->rank && need_bytes(o, o->tile) > limit; i++) {
		int64_t size = o->dim[i].size;

		if (o->dim[i].reduced)
			break;
		if (worth && !worth_cutting(o, i))
			continue;
		for (int64_t parts = 2; parts <= size &&
		     need_bytes(o, o->tile) > limit;
		     parts += 1 + parts / 16)
			o->tile[i] = ceil_div(size, parts);
		if (need_bytes(o, o->tile) > limit)
			o->tile[i] = 1;
	}
}

static bool
choose_tile(struct vop *o)
{
	int64_t streamed = 0;
	for (int i = 0; i < o->rank; i++)
		o->tile[i] = o->dim[i].size;
	for (int k = 0; k < o->nops; k++)
		if (o->stream[k])
			streamed += operand_bytes(o, k, o->tile);
	if (streamed == 0 && o->nsteps == 0)
		return true;
	/* At least four tiles of large tensors, so that loads, work and
	 * stores overlap. */
	int64_t limit = o->lw->gbuf_free - o->lw->gbuf_free / 16;
	int64_t part = need_bytes(o, o->tile) / 2;
	if (part < 32768)
		part = 32768;
	if (o->nsteps > 0 && streamed <= vop_step_limit(o->lw))
		part = step_room(o->lw);
	if (limit > part)
		limit = part;
	cut_dims(o, limit, true);
	if (need_bytes(o, o->tile) > o->lw->gbuf_free)
		cut_dims(o, limit, false);
	if (need_bytes(o, o->tile) <= o->lw->gbuf_free)
		return true;
	lower_no_room(o->lw, need_bytes(o, o->tile));
	return false;
}

/* ---- emission ---- */

struct slot { /* an operand of one tile on chip */
	struct tile_aff base;
	int64_t stride[2 * GRID_RANK];
};

/* Compact strides of operand k in a tile of the given size. */
static void
compact(const struct vop *o, int k, const int64_t *size, int64_t *stride)
{
	int64_t step = (int64_t)dtype_size(o->pl[k].dtype);
	for (int i = o->rank - 1; i >= 0; i--) {
		stride[i] = 0;
		if (o->dim[i].stride[k] == 0 || (k == 0 && o->dim[i].reduced))
			continue;
		stride[i] = step;
		step *= size[i];
	}
}

static struct tile_aff
operand_base(const struct vop *o, int k, const struct box *b)
{
	struct tile_aff a = place_base(&o->pl[k]);
	if (b != NULL)
		for (int i = 0; i < o->rank; i++)
			taff_add_scaled(&a, &b->origin[i],
			    o->dim[i].stride[k]);
	return a;
}

/* A dimension of one element that lies outside for all groups but the first:
 * their stores write nothing. */
static struct stage_dim
first_group(void)
{
	struct stage_dim d = {.size = 1, .clip = true, .bound = 1,
	    .start = taff_num(0)};
	d.start.gstride = 1;
	return d;
}

static void
transfer(const struct vop *o, bool load, int k, const int64_t *size,
    const struct tile_aff *dram, const struct tile_aff *chip,
    const int64_t *chip_stride, enum dtype chip_dtype)
{
	struct stage_dim d[2 * GRID_RANK + 1];
	int n = 0;
	memset(d, 0, sizeof d);
	if (!load && o->pl[k].first_group)
		d[n++] = first_group();
	for (int i = 0; i < o->rank; i++) {
		if (chip_stride[i] == 0)
			continue;
		d[n].size = size[i];
		d[n].dram = o->dim[i].stride[k];
		d[n++].chip = chip_stride[i];
	}
	stage_copy(o->lw, load, d, n, dram, o->pl[k].dtype, chip, chip_dtype,
	    0, o->pl[k].buf->traffic);
}

static void
load_operand(struct vop *o, int k, const struct box *b, struct slot *s)
{
	static const char *const names[MAX_OPERANDS] = {"out", "in0", "in1",
	    "in2", "in3", "in4", "in5", "in6", "in7", "in8", "in9", "in10"};
	compact(o, k, b->size, s->stride);
	struct tile_buffer *buf = o->hoisted[k];
	if (buf == NULL) {
		buf = stage_buffer(o->lw, names[k], SPACE_GBUF,
		    operand_bytes(o, k, b->size), 2);
		s->base = taff(buf, 0);
		if (k > 0 && !o->made[k]) {
			struct tile_aff dram = operand_base(o, k, b);
			transfer(o, true, k, b->size, &dram, &s->base,
			    s->stride, o->pl[k].dtype);
		}
	}
	s->base = taff(buf, 0);
}

/* The result of step j, of the elements of a tile. */
static void
step_slot(struct vop *o, int j, const struct box *b, struct slot *s)
{
	int64_t step = (int64_t)dtype_size(o->step[j].dtype);
	s->base = taff(stage_buffer(o->lw, "step", SPACE_GBUF,
	    step_bytes(o, j, b->size), 1), 0);
	for (int i = o->rank - 1; i >= 0; i--) {
		s->stride[i] = step;
		step *= b->size[i];
	}
}

static void
set_operand(struct vop *o, struct vec_operand *v, const struct slot *s,
    enum dtype dtype)
{
	v->space = s->base.buffer->space;
	v->dtype = dtype;
	memcpy(v->stride, s->stride, (size_t)o->rank * sizeof *v->stride);
}

/* One instruction on the tile; kind is TILE_MAP but for a last step that
 * reduces. */
static void
emit_step(struct vop *o, const struct box *b, enum tile_kind kind,
    const struct vstep *f, const struct slot *s, const struct slot *mid,
    const struct slot *dst, bool chain)
{
	struct tile_vec *t = NEW(o->lw->p->arena, struct tile_vec);
	assert(o->rank <= VEC_MAX_RANK);
	t->v.func = f->func;
	t->v.rank = o->rank;
	for (int i = 0; i < o->rank; i++) {
		t->v.size[i] = b->size[i];
		t->v.nred += kind == TILE_RED && o->dim[i].reduced;
	}
	if (o->rank == 0) { /* a scalar */
		t->v.rank = 1;
		t->v.size[0] = 1;
	}
	t->dst = dst->base;
	set_operand(o, &t->v.dst, dst, f->dtype);
	for (int i = 0; i < f->nsrc; i++) {
		int k = f->src[i];
		const struct slot *from = k < 0 ? &mid[-1 - k] : &s[k];
		t->src[i] = from->base;
		set_operand(o, &t->v.src[i], from, k < 0 ?
		    o->step[-1 - k].dtype : o->pl[k].dtype);
		t->v.chain |= k < 0 ? 1 << i : 0;
	}
	t->v.chain |= chain ? VEC_CHAIN_DST : 0;
	memcpy(t->v.param, f->param, sizeof t->v.param);
	tile_emit(o->lw->p, kind, Q_VE)->vec = t;
}

static void
emit_vec(struct vop *o, const struct box *b, const struct slot *s)
{
	struct slot mid[MAX_STEPS];
	struct vstep last = {.func = o->func, .nsrc = o->nlast,
	    .dtype = o->pl[0].dtype};
	memcpy(last.param, o->param, sizeof last.param);
	memcpy(last.src, o->last, sizeof last.src);
	if (o->nlast == 0) {
		last.nsrc = o->nops - 1;
		for (int i = 0; i < last.nsrc; i++)
			last.src[i] = 1 + i;
	}
	for (int j = 0; j < o->nsteps; j++) {
		const struct vstep *f = &o->step[j];
		if (f->to == 0)
			step_slot(o, j, b, &mid[j]);
		emit_step(o, b, TILE_MAP, f, s, mid, f->to > 0 ? &s[f->to] :
		    &mid[j], f->to == 0);
	}
	emit_step(o, b, o->kind, &last, s, mid, &s[0], false);
}

/* DRAM to DRAM through a slab: the load leaves the elements in the order and
 * dtype of the destination's store. */
static void
copy_tile(struct vop *o, const struct box *b)
{
	struct slot s;
	load_operand(o, 0, b, &s);
	struct tile_aff src = operand_base(o, 1, b);
	struct tile_aff dst = operand_base(o, 0, b);
	transfer(o, true, 1, b->size, &src, &s.base, s.stride,
	    o->pl[0].dtype);
	transfer(o, false, 0, b->size, &dst, &s.base, s.stride,
	    o->pl[0].dtype);
}

/* One DMA rounds once: not from an input seen in one dtype to another. */
static bool
dma_converts(const struct place *from, const struct place *to)
{
	enum dtype stored = from->buf->dtype;
	if (from->dtype == to->dtype)
		return true;
	return dtype_is_float(from->dtype) && dtype_is_float(to->dtype) &&
	    (stored == DT_NONE || stored == from->dtype);
}

/* A load that repeats elements would read each as often. */
static bool
load_repeats(const struct vop *o)
{
	for (int i = 0; i < o->rank; i++)
		if (o->dim[i].size > 1 && o->dim[i].stride[1] == 0)
			return o->stream[1];
	return false;
}

/* Whether DMA alone does what o does. */
static bool
is_dma(const struct vop *o)
{
	return o->copy && dma_converts(&o->pl[1], &o->pl[0]) &&
	    !load_repeats(o);
}

static void
emit_tile(void *ctx, const struct box *b)
{
	struct vop *o = ctx;
	struct slot s[MAX_OPERANDS] = {0};
	if (is_dma(o) && o->stream[0] && o->stream[1]) {
		copy_tile(o, b);
		return;
	}
	for (int k = o->nops - 1; k >= 0; k--) {
		if (o->stream[k]) {
			load_operand(o, k, b, &s[k]);
			continue;
		}
		s[k].base = operand_base(o, k, b);
		for (int i = 0; i < o->rank; i++)
			s[k].stride[i] = k == 0 && o->dim[i].reduced ? 0 :
			    o->dim[i].stride[k];
	}
	emit_vec(o, b, s);
	for (int k = 0; k < o->nops; k++) {
		struct tile_aff dram;
		if (!o->stream[k] || (k > 0 && !o->made[k]))
			continue;
		dram = operand_base(o, k, b);
		transfer(o, false, k, b->size, &dram, &s[k].base, s[k].stride,
		    o->pl[k].dtype);
	}
}

/* Operands that are the same for every tile are loaded once. */
static void
hoist(struct vop *o)
{
	for (int k = 1; k < o->nops; k++) {
		bool fixed = o->stream[k] && !o->made[k], tiled = false;
		for (int i = 0; i < o->rank; i++) {
			if (o->tile[i] == o->dim[i].size)
				continue;
			tiled = true;
			if (o->dim[i].stride[k] != 0)
				fixed = false;
		}
		if (!fixed || !tiled)
			continue;
		struct slot s;
		compact(o, k, o->tile, s.stride);
		o->hoisted[k] = stage_buffer(o->lw, "const", SPACE_GBUF,
		    operand_bytes(o, k, o->tile), 1);
		s.base = taff(o->hoisted[k], 0);
		struct tile_aff dram = operand_base(o, k, NULL);
		transfer(o, true, k, o->tile, &dram, &s.base, s.stride,
		    o->pl[k].dtype);
	}
}

/* A copy with one end in DRAM is one DMA. */
static bool
direct_copy(struct vop *o)
{
	if (!is_dma(o) || o->stream[0] == o->stream[1])
		return false;
	int dram = o->stream[0] ? 0 : 1, chip = 1 - dram;
	struct stage_dim d[2 * GRID_RANK + 1];
	int n = 0;
	memset(d, 0, sizeof d);
	if (o->stream[0] && o->pl[0].first_group)
		d[n++] = first_group();
	for (int i = 0; i < o->rank; i++, n++) {
		d[n].size = o->dim[i].size;
		d[n].dram = o->dim[i].stride[dram];
		d[n].chip = o->dim[i].stride[chip];
	}
	struct tile_aff da = operand_base(o, dram, NULL);
	struct tile_aff ca = operand_base(o, chip, NULL);
	stage_copy(o->lw, o->stream[1], d, n, &da, o->pl[dram].dtype,
	    &ca, o->pl[chip].dtype, 0, o->pl[dram].buf->traffic);
	return true;
}

bool
vop_run(struct vop *o)
{
	static const char *const names[2 * GRID_RANK] = {"t0", "t1", "t2",
	    "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12",
	    "t13", "t14", "t15"};
	for (int k = 0; k < o->nops; k++)
		o->stream[k] = !place_on_chip(&o->pl[k]);
	sort_dims(o);
	coalesce(o);
	if (direct_copy(o))
		return true;
	if (!choose_tile(o))
		return false;
	hoist(o);
	int64_t extent[2 * GRID_RANK];
	for (int i = 0; i < o->rank; i++)
		extent[i] = o->dim[i].size;
	grid_emit(o->lw, o->rank, extent, o->tile, names, emit_tile, o);
	return true;
}

/* Strides of an operand in the loops of a result of rank `rank`. */
void
vop_broadcast(struct vop *o, int k, const struct place *pl, int rank)
{
	o->pl[k] = *pl;
	for (int i = 0; i < rank; i++) {
		int j = i - (rank - pl->rank);
		if (j >= 0 && pl->dim[j] == o->dim[i].size)
			o->dim[i].stride[k] = pl->stride[j];
		if (j >= 0 && pl->dim[j] == 1 && o->dim[i].size > 1)
			o->dim[i].stride[k] = 0;
	}
}

void
vop_map_space(struct vop *o, const struct place *y)
{
	for (int i = 0; i < y->rank; i++)
		vop_dim(o, y->dim[i], false);
	vop_broadcast(o, 0, y, y->rank);
}
