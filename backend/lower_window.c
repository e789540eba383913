/* Pools and channel windows on the vector unit. */
#include "backend/slab.h"

#include <math.h>
#include <string.h>

#define WIN_RANK 5 /* n, d, h, w, c */

struct win {
	struct lower *lw;
	enum vec_func func;
	struct place x, y;
	struct place index;  /* VF_wunpool: beside x */
	struct window w;
	int64_t y_addr[WIN_RANK];
	bool in_stream, index_stream, out_stream;
	double fill;
	int64_t extent[WIN_RANK], tile[WIN_RANK];
};

/* As in lower_vector.c: partial tiles inside outer loops have buffers of their
 * own. */
static int64_t
need_bytes(const struct win *o)
{
	int64_t sum = 0, outer = 1;
	struct window w = o->w;
	w.c = o->tile[4];
	if (o->in_stream)
		sum += slab_bytes(&w, o->tile, o->x.dtype) + 64;
	if (o->index_stream)
		sum += slab_bytes(&w, o->tile, o->index.dtype) + 64;
	if (o->out_stream) {
		int64_t n = (int64_t)dtype_size(o->y.dtype);
		for (int i = 0; i < WIN_RANK; i++)
			n *= o->tile[i];
		sum += n + 64;
	}
	int64_t total = sum;
	for (int i = 0; i < WIN_RANK; i++) {
		if (o->extent[i] % o->tile[i] > 0 && outer > 1)
			total += sum; /* halos do not shrink */
		outer *= ceil_div(o->extent[i], o->tile[i]);
	}
	return outer == 1 ? total : 2 * total;
}

static void
window_addresses(struct window *w, const struct place *x)
{
	int spatial = x->rank - 2;
	w->n_addr = x->stride[0];
	w->c_addr = x->stride[1];
	for (int i = 0; i < spatial; i++)
		w->axis_addr[3 - spatial + i] = x->stride[2 + i];
}

/* tile as a multiple of up, or the whole extent: cuts fall on stored
 * elements. */
static int64_t
on_stored(int64_t tile, int64_t extent, int64_t up)
{
	tile = ceil_div(tile, up) * up;
	return tile < extent ? tile : extent;
}

/* Whether tiles may have parts of the image: its border is seen only in what
 * is staged. */
static bool
cuts_image(const struct win *o)
{
	return o->in_stream && (o->func != VF_wunpool || o->index_stream);
}

/* Cuts n, then d, h, w, then c. */
static bool
choose_tile(struct win *o)
{
	memcpy(o->tile, o->extent, sizeof o->tile);
	if (!o->in_stream && !o->index_stream && !o->out_stream)
		return true;
	int64_t limit = o->lw->gbuf_free - o->lw->gbuf_free / 16;
	int64_t part = need_bytes(o) / 2;
	if (part < 32768)
		part = 32768;
	if (limit > part)
		limit = part;
	for (int i = 0; i < WIN_RANK && need_bytes(o) > limit; i++) {
		bool spatial = i >= 1 && i <= 3;
		if (spatial && !cuts_image(o))
			continue;
		int64_t size = o->extent[i], up = spatial ? o->w.up[i - 1] : 1;
		for (int64_t parts = 2; parts <= size &&
		     need_bytes(o) > limit; parts += 1 + parts / 16)
			o->tile[i] = on_stored(ceil_div(size, parts), size,
			    up);
		if (need_bytes(o) > limit)
			o->tile[i] = on_stored(1, size, up);
	}
	if (need_bytes(o) <= o->lw->gbuf_free)
		return true;
	lower_no_room(o->lw, need_bytes(o));
	return false;
}

/* The part of x (or of the index) that a tile reads. */
static void
source(struct win *o, const struct place *x, const struct box *b,
    struct slab *s)
{
	struct window w = o->w;
	w.c = b->size[4];
	if (x != &o->x) /* the same window of another image */
		window_addresses(&w, x);
	if (x == &o->x ? o->in_stream : o->index_stream) {
		slab_make(o->lw, x, NULL, &w, b, o->fill, "in", s);
		return;
	}
	memset(s, 0, sizeof *s);
	s->base = place_base(x);
	taff_add_scaled(&s->base, &b->origin[0], w.n_addr);
	taff_add_scaled(&s->base, &b->origin[4], w.c_addr);
	s->n_addr = w.n_addr;
	s->c_addr = w.c_addr;
	memcpy(s->axis_addr, w.axis_addr, sizeof s->axis_addr);
	memcpy(s->stride, w.stride, sizeof s->stride);
	memcpy(s->pad, w.pad, sizeof s->pad);
	memcpy(s->extent, w.extent, sizeof s->extent);
}

static void
set_source(struct tile_vec *t, int i, const struct slab *s, enum dtype dtype)
{
	t->src[i] = s->base;
	t->v.src[i].space = s->base.buffer->space;
	t->v.src[i].dtype = dtype;
	t->v.src[i].stride[0] = s->n_addr;
	t->v.src[i].stride[4] = s->c_addr;
	for (int a = 0; a < 3; a++)
		t->v.src[i].stride[1 + a] = s->axis_addr[a];
}

/* Strides of the staged result, compact in n, d, h, w, c order. */
static void
compact(const struct win *o, const struct box *b, int64_t *stride)
{
	int64_t step = (int64_t)dtype_size(o->y.dtype);
	for (int i = WIN_RANK - 1; i >= 0; i--) {
		stride[i] = step;
		step *= b->size[i];
	}
}

static void
emit_tile(void *ctx, const struct box *b)
{
	struct win *o = ctx;
	struct tile_vec *t = NEW(o->lw->p->arena, struct tile_vec);
	struct tile_aff dram = place_base(&o->y);
	for (int i = 0; i < WIN_RANK; i++)
		taff_add_scaled(&dram, &b->origin[i], o->y_addr[i]);
	struct slab s;
	source(o, &o->x, b, &s);
	t->v.func = o->func;
	t->v.rank = 8;
	t->dst = dram;
	memcpy(t->v.dst.stride, o->y_addr, sizeof o->y_addr);
	if (o->out_stream) {
		int64_t stride[WIN_RANK];
		compact(o, b, stride);
		memcpy(t->v.dst.stride, stride, sizeof stride);
		t->dst = taff(stage_buffer(o->lw, "out", SPACE_GBUF,
		    stride[0] * b->size[0], 2), 0);
	}
	t->v.dst.space = t->dst.buffer->space;
	t->v.dst.dtype = o->y.dtype;
	set_source(t, 0, &s, o->x.dtype);
	if (o->func == VF_wunpool) {
		struct slab k;
		source(o, &o->index, b, &k);
		set_source(t, 1, &k, o->index.dtype);
	}
	for (int i = 0; i < WIN_RANK; i++)
		t->v.size[i] = b->size[i];
	for (int a = 0; a < 3; a++) {
		t->v.size[5 + a] = o->w.kernel[a];
		t->v.axis[a].stride = s.stride[a];
		t->v.axis[a].dil = o->w.dil[a];
		t->v.axis[a].pad = s.pad[a];
		t->v.axis[a].extent = s.extent[a];
		t->v.axis[a].up = o->w.up[a] > 1 ? o->w.up[a] : 0;
	}
	tile_emit(o->lw->p, TILE_WIN, Q_VE)->vec = t;
	if (!o->out_stream)
		return;
	struct stage_dim d[WIN_RANK];
	memset(d, 0, sizeof d);
	for (int i = 0; i < WIN_RANK; i++) {
		d[i].size = b->size[i];
		d[i].dram = o->y_addr[i];
		d[i].chip = t->v.dst.stride[i];
	}
	stage_copy(o->lw, false, d, WIN_RANK, &dram, o->y.dtype, &t->dst,
	    o->y.dtype, 0, o->y.buf->traffic);
}

static double
lowest(enum dtype t)
{
	switch (t) {
	case DT_I8: return -128;
	case DT_I16: return -32768;
	case DT_I32: return INT32_MIN;
	case DT_I64: return -9223372036854775808.0;
	case DT_U8:
	case DT_U16:
	case DT_U32:
	case DT_U64:
	case DT_BOOL: return 0;
	default: return -HUGE_VAL;
	}
}

/* Copies to memory whichever of a gradient and its index is on chip. */
static void
spill(struct win *o)
{
	struct place *in = o->in_stream ? &o->index : &o->x;
	struct place t = place_dense(in->dtype, in->rank, in->dim);
	int64_t step = (int64_t)dtype_size(t.dtype);
	for (int i = 0; i < t.rank; i++) { /* channels last */
		int a = i == 0 ? 1 : i == t.rank - 1 ? 0 : t.rank - i;
		t.stride[a] = step;
		step *= t.dim[a];
	}
	t.buf = tile_buffer(o->lw->p, "spill", SPACE_DRAM, step, 1, NULL);
	t.buf->traffic = in->buf->traffic;
	t.buf->per_group = o->lw->p->groups > 1;
	lower_copy(o->lw, in, &t);
	*in = t;
	o->in_stream = o->index_stream = true;
	if (in == &o->x)
		window_addresses(&o->w, &o->x);
}

/* A gradient on chip and its index in memory, or the other way round, need
 * tiles of whole images: false where not even one of one channel fits. */
static bool
whole_images_fit(struct win *o)
{
	memcpy(o->tile, o->extent, sizeof o->tile);
	o->tile[0] = o->tile[4] = 1;
	return need_bytes(o) <= o->lw->gbuf_free;
}

static bool
run(struct win *o)
{
	static const char *const names[] = {"n", "d", "y", "x", "c"};
	bool unpool = o->func == VF_wunpool;
	o->in_stream = !place_on_chip(&o->x);
	o->index_stream = unpool && !place_on_chip(&o->index);
	o->out_stream = !place_on_chip(&o->y);
	o->fill = o->func == VF_wmax || o->func == VF_warg ?
	    lowest(o->x.dtype) : 0;
	o->extent[0] = o->w.n;
	for (int a = 0; a < 3; a++)
		o->extent[1 + a] = o->w.out[a];
	o->extent[4] = o->w.c;
	if (unpool && o->in_stream != o->index_stream && !whole_images_fit(o))
		spill(o);
	if (!choose_tile(o))
		return false;
	grid_emit(o->lw, WIN_RANK, o->extent, o->tile, names, emit_tile, o);
	return true;
}

/* The window runs over the channels: they take the place of axis w, the last
 * spatial dimension that of the channels, the others axes d and h. */
static bool
channel_sum(struct win *o, const struct node *n)
{
	int64_t size = node_int(n, ATTR_size);
	int spatial = o->x.rank - 2;
	o->w = (struct window){.n = o->x.dim[0], .c = 1,
	    .out = {1, 1, o->x.dim[1]}, .kernel = {1, 1, size},
	    .stride = {1, 1, 1}, .dil = {1, 1, 1},
	    .pad = {0, 0, (size - 1) / 2}, .up = {1, 1, 1},
	    .extent = {1, 1, o->x.dim[1]}, .n_addr = o->x.stride[0],
	    .axis_addr = {0, 0, o->x.stride[1]},
	    .c_addr = (int64_t)dtype_size(o->x.dtype)};
	o->y_addr[0] = o->y.stride[0];
	o->y_addr[3] = o->y.stride[1];
	for (int i = 0; i < spatial; i++) {
		int64_t step = o->x.stride[2 + i], dim = o->x.dim[2 + i];
		int a = 2 - (spatial - 1) + i; /* axis of all but the last */
		if (i == spatial - 1) {
			o->w.c = dim;
			o->w.c_addr = step;
			o->y_addr[4] = o->y.stride[2 + i];
			continue;
		}
		o->w.out[a] = o->w.extent[a] = dim;
		o->w.axis_addr[a] = step;
		o->y_addr[1 + a] = o->y.stride[2 + i];
	}
	return run(o);
}

/* The window of a pool as its input sees the gradient: the taps run
 * backwards over dy with zeros between its elements. */
static void
turn_window(struct window *w)
{
	for (int a = 0; a < 3; a++) {
		w->pad[a] = w->dil[a] * (w->kernel[a] - 1) - w->pad[a];
		w->up[a] = w->stride[a];
		w->stride[a] = 1;
	}
}

static enum vec_func
window_func(enum op op)
{
	switch ((int)op) {
	case OP_max_pool: return VF_wmax;
	case OP_max_pool_index: return VF_warg;
	case OP_max_pool_grad: return VF_wunpool;
	case OP_sum_pool:
	case OP_sum_pool_grad:
	case OP_channel_sum: return VF_wsum;
	default: return VF_COUNT;
	}
}

bool
lower_window(struct lower *lw, const struct node *n)
{
	struct win o;
	memset(&o, 0, sizeof o);
	o.lw = lw;
	o.x = *place_of(lw, n->in[0]);
	o.y = *place_of(lw, n->out[0]);
	o.func = window_func(n->op);
	if (o.func == VF_COUNT)
		return lower_refuse(lw, n);
	if (n->op == OP_channel_sum)
		return channel_sum(&o, n);
	if (n->op == OP_max_pool_grad)
		o.index = *place_of(lw, n->in[1]);
	size_t len;
	window_from_node(n, &o.x, &n->out[0]->type,
	    node_ints(n, ATTR_kernel, &len), &o.w);
	if (n->op == OP_max_pool_grad || n->op == OP_sum_pool_grad)
		turn_window(&o.w);
	int spatial = o.x.rank - 2;
	o.y_addr[0] = o.y.stride[0];
	for (int i = 0; i < spatial; i++)
		o.y_addr[4 - spatial + i] = o.y.stride[2 + i];
	o.y_addr[4] = o.y.stride[1];
	if (type_elems(&n->in[0]->type) == 0) {
		lower_fill(lw, &o.y, 0);
		return true;
	}
	return run(&o);
}
