#include "backend/slab.h"

#include <string.h>

static int64_t
ceil_to(int64_t v, int64_t to)
{
	int64_t q = v / to;
	if (v > 0 && v % to != 0)
		q++;
	return q * to;
}

/* One axis of a slab: how many stored elements, from where, at which step. */
struct cut {
	bool whole;     /* the axis is not cut */
	bool decimate;  /* only the elements that a strided 1-wide window
	                   touches are loaded */
	int64_t size;   /* stored elements in the slab */
	int64_t lead;   /* stored position of element 0 for out 0, negated */
	int64_t shift;  /* positions the slab starts before the window */
};

static struct cut
cut_axis(const struct window *w, int a, int64_t tile)
{
	struct cut c = {0};
	c.decimate = w->kernel[a] == 1 && w->stride[a] > 1 && w->pad[a] == 0 &&
	    w->up[a] == 1 && (w->out[a] - 1) * w->stride[a] < w->extent[a];
	c.whole = tile == w->out[a] && !c.decimate;
	if (c.whole) {
		c.size = w->extent[a];
		return c;
	}
	if (c.decimate) {
		c.size = tile;
		return c;
	}
	int64_t lead = ceil_to(w->pad[a], w->up[a]);
	c.lead = lead / w->up[a];
	c.shift = lead - w->pad[a];
	c.size = ((tile - 1) * w->stride[a] + (w->kernel[a] - 1) * w->dil[a] +
	    c.shift) / w->up[a] + 1;
	return c;
}

int64_t
slab_bytes(const struct window *w, const int64_t *tile, enum dtype dtype)
{
	int64_t n = tile[0] * w->c * (int64_t)dtype_size(dtype);
	for (int a = 0; a < 3; a++)
		n *= cut_axis(w, a, tile[1 + a]).size;
	return n;
}

/* An image on chip: the view keeps global coordinates, the tile starts at a
 * row of it. */
static void
in_place(const struct place *x, const struct window *w, const struct box *b,
    struct slab *s)
{
	s->base = place_base(x);
	s->outer0 = taff_num(0);
	int64_t rows = 1;
	for (int a = 2; a >= 0; a--) {
		taff_add_scaled(&s->outer0, &b->origin[1 + a], rows);
		rows *= w->out[a];
	}
	taff_add_scaled(&s->outer0, &b->origin[0], rows);
	memcpy(s->out, w->out, sizeof s->out);
	memcpy(s->stride, w->stride, sizeof s->stride);
	memcpy(s->pad, w->pad, sizeof s->pad);
	memcpy(s->extent, w->extent, sizeof s->extent);
	memcpy(s->axis_addr, w->axis_addr, sizeof s->axis_addr);
	s->n = w->n;
	s->n_addr = w->n_addr;
	s->c_addr = w->c_addr;
}

/* Fills in the stage dimension and the slab's geometry along axis a. */
static void
load_axis(const struct window *w, int a, const struct box *b, bool uncut,
    struct tile_aff *dram, struct stage_dim *d, struct slab *s)
{
	const struct tile_aff *origin = &b->origin[1 + a];
	int64_t tile = b->size[1 + a];
	struct cut c = cut_axis(w, a, uncut ? w->out[a] : tile);
	d->size = c.size;
	d->dram = w->axis_addr[a];
	s->out[a] = tile;
	s->stride[a] = w->stride[a];
	s->pad[a] = w->pad[a];
	s->extent[a] = c.size;
	if (c.whole)
		return;
	if (c.decimate) {
		d->dram = w->axis_addr[a] * w->stride[a];
		taff_add_scaled(dram, origin, d->dram);
		s->stride[a] = 1;
		return;
	}
	/* Start of the slab in stored elements: origin * stride / up - lead */
	struct tile_aff start = taff_num(-c.lead);
	start.offset += origin->offset * w->stride[a] / w->up[a];
	int64_t last = origin->offset;
	for (int i = 0; i < origin->nterms; i++) {
		taff_add(&start, origin->term[i].loop,
		    origin->term[i].stride * w->stride[a] / w->up[a]);
		last += origin->term[i].stride *
		    (origin->term[i].loop->count - 1);
	}
	int64_t hi = last * w->stride[a] / w->up[a] - c.lead + c.size;
	s->pad[a] = -c.shift;
	if (start.offset >= 0 && hi <= w->extent[a]) {
		taff_add_scaled(dram, &start, w->axis_addr[a]);
		return;
	}
	d->clip = true;
	d->start = start;
	d->bound = w->extent[a];
}

void
slab_make(struct lower *lw, const struct place *x,
    const struct tile_aff *shift, const struct window *w,
    const struct box *b, double fill, const char *what, struct slab *s)
{
	memset(s, 0, sizeof *s);
	if (place_on_chip(x)) {
		in_place(x, w, b, s);
		if (shift != NULL)
			taff_add_scaled(&s->base, shift, 1);
		return;
	}
	struct stage_dim d[5];
	memset(d, 0, sizeof d);
	struct tile_aff dram = place_base(x);
	taff_add_scaled(&dram, &b->origin[0], w->n_addr);
	taff_add_scaled(&dram, &b->origin[4], w->c_addr);
	if (shift != NULL)
		taff_add_scaled(&dram, shift, 1);
	d[0].size = b->size[0];
	d[0].dram = w->n_addr;
	for (int a = 0; a < 3; a++)
		load_axis(w, a, b, b->size[1 + a] == w->out[a], &dram,
		    &d[1 + a], s);
	d[4].size = w->c;
	d[4].dram = w->c_addr;
	int64_t step = (int64_t)dtype_size(x->dtype);
	for (int i = 4; i >= 0; i--) {
		d[i].chip = step;
		step *= d[i].size;
	}
	struct tile_buffer *buf = stage_buffer(lw, what, SPACE_GBUF, step,
	    lw->depth);
	s->base = taff(buf, 0);
	s->outer0 = taff_num(0);
	s->n = b->size[0];
	s->n_addr = d[0].chip;
	for (int a = 0; a < 3; a++)
		s->axis_addr[a] = d[1 + a].chip;
	s->c_addr = d[4].chip;
	stage_copy(lw, true, d, 5, &dram, x->dtype, &s->base, x->dtype, fill,
	    x->buf->traffic);
}

static int64_t
int_or(const int64_t *v, size_t len, int i, int64_t dflt)
{
	return (size_t)i < len ? v[i] : dflt;
}

void
window_from_node(const struct node *n, const struct place *x,
    const struct tensor_type *y, const int64_t *kernel, struct window *w)
{
	int spatial = x->rank - 2;
	size_t ns, nd, np;
	const int64_t *st = node_ints(n, ATTR_strides, &ns);
	const int64_t *dl = node_ints(n, ATTR_dilations, &nd);
	const int64_t *pb = node_ints(n, ATTR_pads_begin, &np);
	memset(w, 0, sizeof *w);
	w->n = x->dim[0];
	w->c = x->dim[1];
	w->n_addr = x->stride[0];
	w->c_addr = x->stride[1];
	for (int a = 0; a < 3; a++) {
		int i = a - (3 - spatial); /* spatial axis of the tensor */
		w->out[a] = i < 0 ? 1 : y->dim[2 + i];
		w->extent[a] = i < 0 ? 1 : x->dim[2 + i];
		w->axis_addr[a] = i < 0 ? 0 : x->stride[2 + i];
		w->kernel[a] = i < 0 ? 1 : kernel[i];
		w->stride[a] = i < 0 ? 1 : int_or(st, ns, i, 1);
		w->dil[a] = i < 0 ? 1 : int_or(dl, nd, i, 1);
		w->pad[a] = i < 0 ? 0 : int_or(pb, np, i, 0);
		w->up[a] = 1;
	}
}
