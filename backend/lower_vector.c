/* Element-wise ops, reductions and copies: strided loops cut into tiles that
 * fit the global buffer. */
#include "backend/group.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPERANDS (1 + VEC_MAX_SRC) /* 0 is the destination */

/* One loop of the operation with the byte stride of every operand. */
struct vdim {
	int64_t size;
	int64_t stride[MAX_OPERANDS];
	bool reduced;
};

struct vop {
	struct lower *lw;
	enum tile_kind kind; /* TILE_MAP or TILE_RED */
	enum vec_func func;
	double param[2];
	bool copy;           /* plain copy: DMA alone may do it */
	int nops;            /* operands, destination included */
	struct place pl[MAX_OPERANDS];
	bool stream[MAX_OPERANDS]; /* lives in DRAM */
	struct tile_buffer *hoisted[MAX_OPERANDS];
	int rank;
	struct vdim dim[2 * GRID_RANK];
	int64_t tile[2 * GRID_RANK];
};

/* ---- iteration space ---- */

static void
add_dim(struct vop *o, int64_t size, bool reduced)
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
		add_dim(o, 1, true);
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

/* Global buffer that tiles of that size take: two versions of each staged
 * operand, and those of partial tiles inside outer loops beside them. */
static int64_t
need_bytes(const struct vop *o, const int64_t *tile)
{
	int64_t sum = 0, align = o->lw->target->sram_align, outer = 1;
	for (int k = 0; k < o->nops; k++)
		if (o->stream[k])
			sum += ceil_div(operand_bytes(o, k, tile), align) *
			    align;
	int64_t total = sum;
	for (int i = 0; i < o->rank; i++) {
		int64_t rest = o->dim[i].size % tile[i];
		if (rest > 0 && outer > 1)
			total += sum * rest / tile[i] + align * o->nops;
		outer *= ceil_div(o->dim[i].size, tile[i]);
	}
	return outer == 1 ? total : 2 * total;
}

static bool
choose_tile(struct vop *o)
{
	bool any = false;
	for (int i = 0; i < o->rank; i++)
		o->tile[i] = o->dim[i].size;
	for (int k = 0; k < o->nops; k++)
		any = any || o->stream[k];
	if (!any)
		return true;
	/* At least four tiles of large tensors, so that loads, work and
	 * stores overlap. */
	int64_t limit = o->lw->gbuf_free - o->lw->gbuf_free / 16;
	int64_t part = need_bytes(o, o->tile) / 2;
	if (part < 32768)
		part = 32768;
	if (limit > part)
		limit = part;
	for (int i = 0; i < o->rank; i++) {
		if (need_bytes(o, o->tile) <= limit)
			return true;
		if (o->dim[i].reduced)
			break;
		int64_t size = o->dim[i].size;
		for (int64_t parts = 2; parts <= size &&
		     need_bytes(o, o->tile) > limit;
		     parts += 1 + parts / 16)
			o->tile[i] = ceil_div(size, parts);
		if (need_bytes(o, o->tile) > limit)
			o->tile[i] = 1;
	}
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

static void
transfer(const struct vop *o, bool load, int k, const int64_t *size,
    const struct tile_aff *dram, const struct tile_aff *chip,
    const int64_t *chip_stride, enum dtype chip_dtype)
{
	struct stage_dim d[2 * GRID_RANK];
	int n = 0;
	memset(d, 0, sizeof d);
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
	static const char *const names[] = {"out", "in0", "in1", "in2"};
	compact(o, k, b->size, s->stride);
	struct tile_buffer *buf = o->hoisted[k];
	if (buf == NULL) {
		buf = stage_buffer(o->lw, names[k], SPACE_GBUF,
		    operand_bytes(o, k, b->size), 2);
		s->base = taff(buf, 0);
		if (k > 0) {
			struct tile_aff dram = operand_base(o, k, b);
			transfer(o, true, k, b->size, &dram, &s->base,
			    s->stride, o->pl[k].dtype);
		}
	}
	s->base = taff(buf, 0);
}

static void
emit_vec(struct vop *o, const struct box *b, const struct slot *s)
{
	struct tile_vec *t = NEW(o->lw->p->arena, struct tile_vec);
	assert(o->rank <= VEC_MAX_RANK);
	t->v.func = o->func;
	t->v.rank = o->rank;
	for (int i = 0; i < o->rank; i++) {
		t->v.size[i] = b->size[i];
		t->v.nred += o->dim[i].reduced;
	}
	if (o->rank == 0) { /* a scalar */
		t->v.rank = 1;
		t->v.size[0] = 1;
	}
	for (int k = 0; k < o->nops; k++) {
		struct vec_operand *v = k == 0 ? &t->v.dst : &t->v.src[k - 1];
		v->space = s[k].base.buffer->space;
		v->dtype = o->pl[k].dtype;
		memcpy(v->stride, s[k].stride,
		    (size_t)o->rank * sizeof *v->stride);
		if (k == 0)
			t->dst = s[k].base;
		else
			t->src[k - 1] = s[k].base;
	}
	memcpy(t->v.param, o->param, sizeof t->v.param);
	tile_emit(o->lw->p, o->kind, Q_VE)->vec = t;
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

static void
emit_tile(void *ctx, const struct box *b)
{
	struct vop *o = ctx;
	struct slot s[MAX_OPERANDS] = {0};
	bool dma = o->copy && dma_converts(&o->pl[1], &o->pl[0]);
	if (dma && o->stream[0] && o->stream[1]) {
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
	if (o->stream[0]) {
		struct tile_aff dram = operand_base(o, 0, b);
		transfer(o, false, 0, b->size, &dram, &s[0].base, s[0].stride,
		    o->pl[0].dtype);
	}
}

/* Operands that are the same for every tile are loaded once. */
static void
hoist(struct vop *o)
{
	for (int k = 1; k < o->nops; k++) {
		bool fixed = o->stream[k], tiled = false;
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
	if (!o->copy || o->stream[0] == o->stream[1] ||
	    !dma_converts(&o->pl[1], &o->pl[0]))
		return false;
	int dram = o->stream[0] ? 0 : 1, chip = 1 - dram;
	struct stage_dim d[2 * GRID_RANK];
	memset(d, 0, sizeof d);
	for (int i = 0; i < o->rank; i++) {
		d[i].size = o->dim[i].size;
		d[i].dram = o->dim[i].stride[dram];
		d[i].chip = o->dim[i].stride[chip];
	}
	struct tile_aff da = operand_base(o, dram, NULL);
	struct tile_aff ca = operand_base(o, chip, NULL);
	stage_copy(o->lw, o->stream[1], d, o->rank, &da, o->pl[dram].dtype,
	    &ca, o->pl[chip].dtype, 0, o->pl[dram].buf->traffic);
	return true;
}

static bool
run(struct vop *o)
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
static void
bind_broadcast(struct vop *o, int k, const struct place *pl, int rank)
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

static void
map_space(struct vop *o, const struct place *y)
{
	for (int i = 0; i < y->rank; i++)
		add_dim(o, y->dim[i], false);
	bind_broadcast(o, 0, y, y->rank);
}

/* ---- entry points ---- */

struct func_row {
	enum op op;
	enum vec_func func;
	enum attr_id p, q;
};

static const struct func_row func_rows[] = {
    {OP_identity, VF_copy, 0, 0},
    {OP_cast, VF_copy, 0, 0},
    {OP_neg, VF_neg, 0, 0},
    {OP_abs, VF_abs, 0, 0},
    {OP_sign, VF_sign, 0, 0},
    {OP_floor, VF_floor, 0, 0},
    {OP_ceil, VF_ceil, 0, 0},
    {OP_round, VF_round, 0, 0},
    {OP_reciprocal, VF_reciprocal, 0, 0},
    {OP_sqrt, VF_sqrt, 0, 0},
    {OP_rsqrt, VF_rsqrt, 0, 0},
    {OP_exp, VF_exp, 0, 0},
    {OP_log, VF_log, 0, 0},
    {OP_sin, VF_sin, 0, 0},
    {OP_cos, VF_cos, 0, 0},
    {OP_erf, VF_erf, 0, 0},
    {OP_tanh, VF_tanh, 0, 0},
    {OP_sigmoid, VF_sigmoid, 0, 0},
    {OP_relu, VF_relu, 0, 0},
    {OP_leaky_relu, VF_leaky_relu, ATTR_alpha, 0},
    {OP_clip, VF_clip, ATTR_min, ATTR_max},
    {OP_hard_sigmoid, VF_hard_sigmoid, ATTR_alpha, ATTR_beta},
    {OP_hard_swish, VF_hard_swish, 0, 0},
    {OP_not, VF_not, 0, 0},
    {OP_add, VF_add, 0, 0},
    {OP_sub, VF_sub, 0, 0},
    {OP_mul, VF_mul, 0, 0},
    {OP_div, VF_div, 0, 0},
    {OP_pow, VF_pow, 0, 0},
    {OP_min, VF_min, 0, 0},
    {OP_max, VF_max, 0, 0},
    {OP_mod, VF_mod, 0, 0},
    {OP_prelu, VF_prelu, 0, 0},
    {OP_equal, VF_equal, 0, 0},
    {OP_less, VF_less, 0, 0},
    {OP_less_equal, VF_less_equal, 0, 0},
    {OP_and, VF_and, 0, 0},
    {OP_or, VF_or, 0, 0},
    {OP_xor, VF_xor, 0, 0},
    {OP_select, VF_select, 0, 0},
    {OP_fma, VF_fma, 0, 0},
};

static const struct func_row *
find_func(enum op op)
{
	for (size_t i = 0; i < sizeof func_rows / sizeof *func_rows; i++)
		if (func_rows[i].op == op)
			return &func_rows[i];
	return NULL;
}

/* ---- masks and random numbers ---- */

/* A constant vector along one dimension, as a place. */
static struct place
constant(struct lower *lw, enum dtype t, int rank, const int64_t *dim,
    const void *data)
{
	struct place pl = place_dense(t, rank, dim);
	pl.buf = tile_buffer(lw->p, "table", SPACE_DRAM, place_bytes(&pl), 1,
	    NULL);
	pl.buf->role = ROLE_CONST;
	pl.buf->traffic = TRAFFIC_OTHER;
	pl.buf->dtype = t;
	pl.buf->data = data;
	return pl;
}

/* pl with dimension axis, or its elements from `at` on, split in (count, 8);
 * packed: into (count, 1 repeated). */
static void
split_axis(struct vop *o, int k, const struct place *pl, int axis, int64_t at,
    bool packed)
{
	o->pl[k] = *pl;
	o->pl[k].offset += (packed ? at / 8 : at) * pl->stride[axis];
	for (int i = 0, d = 0; i < pl->rank; i++, d++) {
		int64_t step = pl->stride[i];
		if (i != axis) {
			o->dim[d].stride[k] = step;
			continue;
		}
		o->dim[d++].stride[k] = packed ? step : 8 * step;
		o->dim[d].stride[k] = packed ? 0 : step;
	}
}

/* Channels [at, at + count * each) of a mask op; each is 8 or what is left. */
static bool
mask_part(struct lower *lw, const struct node *n, int64_t at, int64_t count,
    int64_t each)
{
	static const uint8_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
	bool select = n->op == OP_mask_select;
	const struct place *y = place_of(lw, n->in[select ? 1 : 0]);
	int axis = (int)node_int(n, ATTR_axis);
	struct vop o = {0};
	o.lw = lw;
	o.kind = select ? TILE_MAP : TILE_RED;
	o.func = select ? VF_bitsel : VF_rbits;
	for (int i = 0; i < y->rank; i++) {
		add_dim(&o, i == axis ? count : y->dim[i], false);
		if (i == axis)
			add_dim(&o, each, !select);
	}
	if (!select) {
		o.nops = 2;
		split_axis(&o, 0, place_of(lw, n->out[0]), axis, at, true);
		split_axis(&o, 1, y, axis, at, false);
		/* the reduced dimension goes last */
		for (int i = axis + 1; i + 1 < o.rank; i++) {
			struct vdim t = o.dim[i];
			o.dim[i] = o.dim[i + 1];
			o.dim[i + 1] = t;
		}
		return run(&o);
	}
	o.nops = 4;
	split_axis(&o, 0, place_of(lw, n->out[0]), axis, at, false);
	split_axis(&o, 1, place_of(lw, n->in[0]), axis, at, true);
	split_axis(&o, 2, y, axis, at, false);
	o.pl[3] = constant(lw, DT_U8, 1, &(int64_t){8}, bit);
	o.dim[axis + 1].stride[3] = 1;
	return run(&o);
}

static bool
lower_mask(struct lower *lw, const struct node *n)
{
	const struct tensor_type *t = &n->in[n->nin - 1]->type;
	int64_t dim = t->dim[node_int(n, ATTR_axis)];
	return (dim < 8 || mask_part(lw, n, 0, dim / 8, 8)) &&
	    (dim % 8 == 0 || mask_part(lw, n, dim / 8 * 8, 1, dim % 8));
}

/* Row-major numbers of the elements over dimensions [from, to), as one of
 * two summands. */
static struct place
numbers(struct lower *lw, const struct tensor_type *t, int from, int to)
{
	int64_t count = 1, step = 1;
	for (int i = from; i < to; i++)
		count *= t->dim[i];
	for (int i = to; i < t->rank; i++)
		step *= t->dim[i];
	int64_t *v = NEW_ARRAY(lw->p->arena, int64_t, (size_t)count + 1);
	for (int64_t i = 0; i < count; i++)
		v[i] = i * step;
	struct place pl = constant(lw, DT_I64, to - from, t->dim + from, v);
	/* over all dimensions of t */
	struct place all = pl;
	all.rank = t->rank;
	for (int i = 0; i < t->rank; i++) {
		bool in = i >= from && i < to;
		all.dim[i] = in ? t->dim[i] : 1;
		all.stride[i] = in ? pl.stride[i - from] : 8;
	}
	return all;
}

/* The words' numbers are sums of two small tables, so that any tile of any
 * layout finds its own. */
static bool
lower_random(struct lower *lw, const struct node *n)
{
	const struct tensor_type *t = &n->out[0]->type;
	const struct place *y = place_of(lw, n->out[0]);
	int cut = 0;
	int64_t outer = 1, total = type_elems(t);
	while (cut < t->rank && outer * outer < total)
		outer *= t->dim[cut++];
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_philox;
	o.param[0] = (double)node_int(n, ATTR_seed);
	o.param[1] = (double)node_int(n, ATTR_stream);
	o.nops = 4;
	map_space(&o, y);
	struct place a = numbers(lw, t, 0, cut);
	if (lw->region != NULL && lw->sched->split[n->out[0]->id])
		a = group_slice(lw, &a);
	struct place b = numbers(lw, t, cut, t->rank);
	bind_broadcast(&o, 1, place_of(lw, n->in[0]), y->rank);
	bind_broadcast(&o, 2, &a, y->rank);
	bind_broadcast(&o, 3, &b, y->rank);
	return run(&o);
}

bool
lower_map(struct lower *lw, const struct node *n)
{
	if (n->op == OP_mask_pack || n->op == OP_mask_select)
		return lower_mask(lw, n);
	if (n->op == OP_random_bits)
		return lower_random(lw, n);
	const struct func_row *f = find_func(n->op);
	struct vop o = {0};
	if (f == NULL)
		return lower_refuse(lw, n);
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = f->func;
	o.copy = f->func == VF_copy;
	if (f->p != ATTR_NONE)
		o.param[0] = node_float(n, f->p);
	if (f->q != ATTR_NONE)
		o.param[1] = node_float(n, f->q);
	o.nops = 1 + n->nin;
	const struct place *y = place_of(lw, n->out[0]);
	map_space(&o, y);
	for (int i = 0; i < n->nin; i++)
		bind_broadcast(&o, 1 + i, place_of(lw, n->in[i]), y->rank);
	return run(&o);
}

void
lower_copy(struct lower *lw, const struct place *src, const struct place *dst)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_copy;
	o.copy = true;
	o.nops = 2;
	map_space(&o, dst);
	bind_broadcast(&o, 1, src, dst->rank);
	run(&o);
}

void
lower_add(struct lower *lw, const struct place *src, const struct place *dst)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_add;
	o.nops = 3;
	map_space(&o, dst);
	bind_broadcast(&o, 1, dst, dst->rank);
	bind_broadcast(&o, 2, src, dst->rank);
	run(&o);
}

void
lower_fill(struct lower *lw, const struct place *dst, double v)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_fill;
	o.param[0] = dst->dtype == DT_BOOL ? v != 0 : v;
	o.nops = 1;
	map_space(&o, dst);
	run(&o);
}

void
lower_sum(struct lower *lw, const struct place *src, const struct place *dst,
    const bool *red)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_RED;
	o.func = VF_rsum;
	o.nops = 2;
	o.pl[0] = *dst;
	o.pl[1] = *src;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < src->rank; i++) {
			if (red[i] != (pass == 1))
				continue;
			add_dim(&o, src->dim[i], red[i]);
			struct vdim *d = &o.dim[o.rank - 1];
			d->stride[1] = src->stride[i];
			if (!red[i])
				d->stride[0] = dst->stride[i];
		}
	}
	run(&o);
}

static enum vec_func
reduce_func(enum op op)
{
	switch ((int)op) {
	case OP_reduce_sum: return VF_rsum;
	case OP_reduce_max: return VF_rmax;
	case OP_reduce_min: return VF_rmin;
	case OP_reduce_prod: return VF_rprod;
	case OP_argmax: return VF_rargmax;
	case OP_argmin: return VF_rargmin;
	default: ice("lower", "'%s' is no reduction", op_info(op)->name);
	}
}

bool
lower_reduce(struct lower *lw, const struct node *n)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_RED;
	o.func = reduce_func(n->op);
	o.nops = 2;
	bool red[MAX_RANK] = {false}, arg = o.func == VF_rargmax ||
	    o.func == VF_rargmin;
	const struct place *x = place_of(lw, n->in[0]);
	const struct place *y = place_of(lw, n->out[0]);
	if (arg) {
		red[node_int(n, ATTR_axis)] = true;
		o.param[0] = (double)node_int(n, ATTR_select_last);
	} else {
		size_t len;
		const int64_t *axes = node_ints(n, ATTR_axes, &len);
		for (size_t i = 0; i < len; i++)
			red[axes[i]] = true;
		for (int i = 0; i < x->rank && len == 0; i++)
			red[i] = true;
	}
	bool keep = node_int(n, ATTR_keepdims) != 0;
	o.pl[0] = *y;
	o.pl[1] = *x;
	for (int pass = 0; pass < 2; pass++) {
		int j = 0; /* dimension of y */
		for (int i = 0; i < x->rank; i++) {
			if (red[i] == (pass == 1)) {
				add_dim(&o, x->dim[i], red[i]);
				struct vdim *d = &o.dim[o.rank - 1];
				d->stride[1] = x->stride[i];
				if (!red[i])
					d->stride[0] = y->stride[j];
			}
			j += keep || !red[i];
		}
	}
	return run(&o);
}
