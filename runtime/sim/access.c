/* DMA transfers and vector operands as boxes. */
#include "runtime/sim/access.h"

#include <string.h>

#include "support/str.h"

/* Cuts dimension i of a transfer to its bounds: coordinates start + j for
 * skip <= j < skip + size. */
struct dma_cut {
	int64_t start, skip, size;
};

static struct dma_cut
cut_dim(const struct isa_tables *t, const struct dma_dim *x,
    const int64_t *idx, int64_t group)
{
	struct dma_cut c = { 0, 0, x->size };

	if (x->start == 0)
		return c;
	c.start = aff_eval(&t->aff[x->start], idx, group);
	int64_t from = c.start < 0 ? 0 : c.start;
	int64_t left = from < x->bound ? x->bound - from : 0;

	c.skip = c.start <= -x->size ? x->size : from - c.start;
	c.skip = c.start >= 0 ? 0 : c.skip;
	c.size = x->size - c.skip;
	c.size = c.size < left ? c.size : left;
	return c;
}

static bool
dma_dims(const struct isa_tables *t, const struct dma *d, const int64_t *idx,
    int64_t group, bool load, struct access_dma *out)
{
	for (int i = 0; i < d->rank; i++) {
		const struct dma_dim *x = &d->dim[i];
		struct dma_cut c;
		int64_t coord, move;
		bool list = i == d->index_dim;

		c = cut_dim(t, x, idx, group);
		out->dram.size[i] = list && x->bound > 0 ? x->bound : c.size;
		out->dram.stride[i] = x->dram;
		out->chip.size[i] = load ? x->size : c.size;
		out->chip.stride[i] = x->chip;
		if (!mul_int64(out->elements, c.size, &out->elements) ||
		    !mul_int64(out->filled, out->chip.size[i],
			&out->filled) ||
		    !add_int64(c.start, c.skip, &coord) ||
		    !mul_int64(coord, x->dram, &move) ||
		    !add_int64(out->dram.base, move, &out->dram.base))
			return false;
		if (load)
			continue;
		if (!mul_int64(c.skip, x->chip, &move) ||
		    !add_int64(out->chip.base, move, &out->chip.base))
			return false;
	}
	return true;
}

bool
access_dma(const struct isa_tables *t, const struct dma *d,
    const int64_t *idx, int64_t group, bool load, struct access_dma *out,
    const char **why)
{
	int64_t elem = (int64_t)dtype_size(d->dram_dtype);

	memset(out, 0, sizeof *out);
	out->elements = out->filled = 1;
	out->dram.base = aff_eval(&t->aff[d->dram_base], idx, group);
	out->chip.base = aff_eval(&t->aff[d->chip_base], idx, group);
	out->dram.elem = elem;
	out->chip.elem = (int64_t)dtype_size(d->chip_dtype);
	out->dram.rank = out->chip.rank = d->rank;
	if (!dma_dims(t, d, idx, group, load, out) ||
	    !mul_int64(out->elements, elem, &out->dram_bytes)) {
		*why = "the size of the transfer overflows";
		return false;
	}
	if (d->index_dim >= 0) {
		int64_t count = d->dim[d->index_dim].size;

		out->index = (struct box){ .elem = 4, .rank = 1,
			.size = { count }, .stride = { 4 },
			.base = aff_eval(&t->aff[d->index_base], idx,
			    group) };
		out->dram_bytes += 4 * count;
	}
	return true;
}

/* ---- vector ---- */

/* Window operations: destination dimensions are n d h w c; the source is
 * addressed by (n, d, h, w, c) input coordinates. */
enum window { WINDOW_BOX, WINDOW_EMPTY, WINDOW_OVERFLOW };

/* Stored positions that one tap meets: first, first + step, .. */
struct progress {
	int64_t first, step, count;
};

static struct progress
window_axis(const struct vec_axis *x, int64_t tap, int64_t size)
{
	int64_t up = x->up > 1 ? x->up : 1, each = 1;
	int64_t first = tap * x->dil - x->pad;
	int64_t step = x->stride > 0 ? x->stride : 1;
	int64_t lo = first < 0 ? (-first + step - 1) / step : 0;
	int64_t end, hi; /* the last position; the end of what meets */

	if (!mul_int64(x->extent - 1, up, &end))
		end = INT64_MAX / 2;
	hi = first <= end ? (end - first) / step + 1 : 0;
	hi = hi < size ? hi : size;
	while (lo < hi && (first + lo * step) % up != 0)
		lo++;
	while (each < up && each * step % up != 0)
		each++;
	if (lo >= hi)
		return (struct progress){0};
	return (struct progress){(first + lo * step) / up, each * step / up,
	    (hi - lo - 1) / each + 1};
}

static enum window
window_box(const struct vec *v, int src, const int64_t *tap, int64_t base,
    struct box *b)
{
	const struct vec_operand *s = &v->src[src];

	*b = (struct box){ .base = base, .rank = 5,
		.elem = (int64_t)dtype_size(s->dtype) };
	for (int d = 0; d < 5; d++) {
		b->size[d] = v->size[d];
		b->stride[d] = s->stride[d];
		if (d == 0 || d == 4)
			continue;
		const struct vec_axis *x = &v->axis[d - 1];
		struct progress p = window_axis(x, tap[d - 1], v->size[d]);
		int64_t move;

		if (p.count <= 0)
			return WINDOW_EMPTY;
		b->size[d] = p.count;
		if (!mul_int64(s->stride[d], p.step, &b->stride[d]) ||
		    !mul_int64(p.first, s->stride[d], &move) ||
		    !add_int64(b->base, move, &b->base))
			return WINDOW_OVERFLOW;
	}
	return WINDOW_BOX;
}

static bool
window_boxes(const struct vec *v, int src, int64_t base, box_fn *fn,
    void *user)
{
	int64_t taps = v->size[5] * v->size[6] * v->size[7];
	bool whole = true;

	for (int64_t t = 0; t < taps; t++) {
		const int64_t tap[3] = { t / (v->size[6] * v->size[7]),
			t / v->size[7] % v->size[6], t % v->size[7] };
		struct box b;
		enum window w = window_box(v, src, tap, base, &b);

		if (w == WINDOW_BOX)
			fn(user, &b);
		whole = whole && w != WINDOW_OVERFLOW;
	}
	return whole;
}

/* Dimensions of the operand's box: the destination of a reduction has none of
 * the reduced ones, that of a window none of the taps. */
static int
operand_rank(enum opcode op, const struct vec *v, int src)
{
	if (op == INSN_VWIN)
		return 5;
	return op == INSN_VRED && src < 0 ? v->rank - v->nred : v->rank;
}

bool
access_vec_boxes(enum opcode op, const struct vec *v, int src, int64_t base,
    box_fn *fn, void *user)
{
	const struct vec_operand *o = src < 0 ? &v->dst : &v->src[src];
	struct box b = { .base = base, .rank = operand_rank(op, v, src),
		.elem = (int64_t)dtype_size(o->dtype) };

	if (o->space == SPACE_NONE)
		return true;
	if (op == INSN_VWIN && src >= 0)
		return window_boxes(v, src, base, fn, user);
	for (int d = 0; d < b.rank; d++) {
		b.size[d] = v->size[d];
		b.stride[d] = o->stride[d];
	}
	fn(user, &b);
	return true;
}

int64_t
access_vec_bytes(enum opcode op, const struct vec *v, int src)
{
	const struct vec_operand *o = src < 0 ? &v->dst : &v->src[src];
	int64_t bytes = (int64_t)dtype_size(o->dtype);

	if (o->space == SPACE_NONE)
		return 0;
	for (int d = 0; d < operand_rank(op, v, src); d++) {
		bool axis = op == INSN_VWIN && src >= 0 && d > 0 && d < 4;

		if (axis && !mul_int64(bytes, v->axis[d - 1].extent, &bytes))
			return -1;
		if (!axis && o->stride[d] != 0 &&
		    !mul_int64(bytes, v->size[d], &bytes))
			return -1;
	}
	return bytes;
}

struct vec_bounds {
	struct range range;
	bool ok, any;
};

static void
bounds_box(void *user, const struct box *b)
{
	struct vec_bounds *s = user;
	struct range r;

	if (!box_bounds(b, &r)) {
		s->ok = false;
		return;
	}
	if (!s->any || r.lo < s->range.lo)
		s->range.lo = r.lo;
	if (!s->any || r.hi > s->range.hi)
		s->range.hi = r.hi;
	s->any = true;
}

bool
access_vec_bounds(enum opcode op, const struct vec *v, int src,
    struct range *out)
{
	struct vec_bounds s = { { 0, 0 }, true, false };

	bool whole = access_vec_boxes(op, v, src, 0, bounds_box, &s);

	*out = s.range;
	return whole && s.ok;
}
