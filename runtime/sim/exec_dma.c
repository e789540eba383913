/* Values of DMA instructions: strided boxes between DRAM and the chip. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/mem.h"
#include "runtime/sim/pool.h"

#define RUN 1024 /* elements converted at a time */
#define SHARED_BOX 65536 /* elements; below, threads cost more than they save */

/* One side of the transfer. */
struct side {
	const struct mem *m;
	enum dtype dtype;
	int64_t size; /* of an element */
	int64_t base;
	int64_t stride[DMA_MAX_RANK];
};

struct copy {
	bool load;
	const struct sim_loops *loops;
	int rank;
	int64_t size[DMA_MAX_RANK];
	int64_t lo[DMA_MAX_RANK], hi[DMA_MAX_RANK]; /* elements transferred */
	struct side dram, chip;
	uint8_t fill[8]; /* one element of the chip */
	int list_dim;    /* -1: none */
	const uint8_t *list; /* i32 coordinates of its elements */
	int64_t list_start, list_bound; /* bound 0: none */
	atomic_bool bad;
};

/* A matrix of elements. */
struct block {
	int64_t rows, cols;
	int64_t dst_row, dst_col, src_row, src_col; /* bytes */
};

/* ---- blocks ---- */

/* Float types, rounding once; a NaN loses its payload on the way. */
static void
convert_one(uint8_t *dst, enum dtype to, const uint8_t *src, enum dtype from)
{
	double v = dtype_get(src, from, 0);

	dtype_set(dst, to, 0, isnan(v) ? (double)NAN : v);
}

/* n elements by way of f32, which holds every f16 and bf16. */
static void
convert_run(const struct copy *c, uint8_t *dst, enum dtype to, int64_t dstep,
    const uint8_t *src, enum dtype from, int64_t sstep, int64_t n)
{
	float v[RUN];

	if (sstep == (int64_t)dtype_size(from))
		c->loops->load(from, v, 0, src, 0, 1, n);
	else
		c->loops->load(from, v, 1, src, sstep, n, 1);
	if (dstep == (int64_t)dtype_size(to))
		c->loops->store(to, dst, 0, v, 0, 1, n);
	else
		c->loops->store(to, dst, dstep, v, 1, n, 1);
}

/* Runs along rows where that is longer and source or destination go on. */
static const struct block *
longer(struct block *b, int64_t dst_size, int64_t src_size)
{
	if (b->rows > b->cols && (b->dst_row == dst_size ||
	    b->src_row == src_size))
		*b = (struct block){b->cols, b->rows, b->dst_col, b->dst_row,
		    b->src_col, b->src_row};
	return b;
}

static void
convert_block(const struct copy *c, const struct block *b, uint8_t *dst,
    enum dtype to, const uint8_t *src, enum dtype from)
{
	bool wide = to == DT_F64 || from == DT_F64;

	for (int64_t r = 0; r < b->rows; r++) {
		for (int64_t i = 0, n; i < b->cols; i += n) {
			uint8_t *d = dst + r * b->dst_row + i * b->dst_col;
			const uint8_t *s = src + r * b->src_row +
			    i * b->src_col;

			n = wide ? 1 : b->cols - i < RUN ? b->cols - i : RUN;
			if (wide)
				convert_one(d, to, s, from);
			else
				convert_run(c, d, to, b->dst_col, s, from,
				    b->src_col, n);
		}
	}
}

#define EACH(SIZE)                                                \
	for (int64_t r = 0; r < b->rows; r++)                     \
		for (int64_t i = 0; i < b->cols; i++)             \
			memcpy(dst + r * b->dst_row +             \
			    i * b->dst_col, src + r * b->src_row + \
			    i * b->src_col, SIZE);                \
	break

static void
copy_block(const struct copy *c, const struct block *b, uint8_t *dst,
    const uint8_t *src, int64_t size)
{
	if (b->dst_col == size && b->src_col == size) {
		for (int64_t r = 0; r < b->rows; r++)
			memcpy(dst + r * b->dst_row, src + r * b->src_row,
			    (size_t)(b->cols * size));
		return;
	}
	if (size == 4 && b->src_col == 4 && b->dst_row == 4 &&
	    b->dst_col % 4 == 0 && (uintptr_t)dst % 4 == 0) {
		c->loops->transpose((float *)(void *)dst, b->dst_col / 4, src,
		    b->src_row, b->rows, b->cols);
		return;
	}
	if (size == 4 && b->src_row == 4 && b->dst_col == 4 &&
	    b->dst_row % 4 == 0 && (uintptr_t)dst % 4 == 0) {
		c->loops->transpose((float *)(void *)dst, b->dst_row / 4, src,
		    b->src_col, b->cols, b->rows);
		return;
	}
	switch (size) {
	case 1: EACH(1);
	case 2: EACH(2);
	case 4: EACH(4);
	default: EACH(8);
	}
}
#undef EACH

/* rows x cols elements of dimensions row and col (row -1: a single row). */
static void
transfer(struct copy *c, int row, int col, int64_t dram, int64_t chip,
    int64_t rows, int64_t cols)
{
	const struct side *d = &c->dram, *p = &c->chip;
	int64_t drow = row < 0 ? 0 : d->stride[row], dcol = d->stride[col];
	int64_t prow = row < 0 ? 0 : p->stride[row], pcol = p->stride[col];
	struct block b = {rows, cols, prow, pcol, drow, dcol};
	uint8_t *dst;
	const uint8_t *src;

	if (!mem_holds2(d->m, dram, rows, drow, cols, dcol, d->size) ||
	    !mem_holds2(p->m, chip, rows, prow, cols, pcol, p->size)) {
		atomic_store(&c->bad, true);
		return;
	}
	dst = p->m->data + chip;
	src = d->m->data + dram;
	if (!c->load) {
		b = (struct block){rows, cols, drow, dcol, prow, pcol};
		dst = d->m->data + dram;
		src = p->m->data + chip;
	}
	if (d->dtype == p->dtype)
		copy_block(c, &b, dst, src, d->size);
	else
		convert_block(c, c->load ? longer(&b, p->size, d->size) :
		    longer(&b, d->size, p->size), dst,
		    c->load ? p->dtype : d->dtype, src,
		    c->load ? d->dtype : p->dtype);
}

/* n elements of dimension dim, with all below them, get the fill value. */
static void
fill(struct copy *c, int dim, int64_t chip, int64_t n)
{
	int64_t step = c->chip.stride[dim];

	if (!c->load || n <= 0)
		return; /* a store skips what is outside */
	if (dim < c->rank - 1) {
		for (int64_t i = 0; i < n && !atomic_load(&c->bad); i++)
			fill(c, dim + 1, wrap_step(chip, i, step),
			    c->size[dim + 1]);
		return;
	}
	if (!mem_holds(c->chip.m, chip, n, step, c->chip.size)) {
		atomic_store(&c->bad, true);
		return;
	}
	for (int64_t i = 0; i < n; i++)
		memcpy(c->chip.m->data + chip + i * step, c->fill,
		    (size_t)c->chip.size);
}

/* ---- the box ---- */

static void box(struct copy *c, int dim, int64_t dram, int64_t chip,
    int64_t lo, int64_t hi);

/* Dimension dim and all below, element lo to hi of it, filling around. */
static void
box_whole(struct copy *c, int dim, int64_t dram, int64_t chip)
{
	if (dim == c->list_dim) {
		box(c, dim, dram, chip, 0, c->size[dim]);
		return;
	}
	fill(c, dim, chip, c->lo[dim]);
	box(c, dim, dram, chip, c->lo[dim], c->hi[dim]);
	fill(c, dim, wrap_step(chip, c->hi[dim], c->chip.stride[dim]),
	    c->size[dim] - c->hi[dim]);
}

static void
box_list(struct copy *c, int dim, int64_t dram, int64_t chip, int64_t lo,
    int64_t hi)
{
	for (int64_t i = lo; i < hi && !atomic_load(&c->bad); i++) {
		int64_t to = wrap_step(chip, i, c->chip.stride[dim]), pos;
		int32_t entry;

		memcpy(&entry, c->list + 4 * i, sizeof entry);
		pos = wrap_add(c->list_start, entry);
		if (c->list_bound > 0 && (pos < 0 || pos >= c->list_bound)) {
			fill(c, dim, to, 1);
			continue;
		}
		int64_t from = wrap_step(dram, pos, c->dram.stride[dim]);

		if (dim == c->rank - 1)
			transfer(c, -1, dim, from, to, 1, 1);
		else
			box_whole(c, dim + 1, from, to);
	}
}

/* Elements lo..hi-1 of dimension dim, all inside its bounds. */
static void
box(struct copy *c, int dim, int64_t dram, int64_t chip, int64_t lo,
    int64_t hi)
{
	int64_t dstep = c->dram.stride[dim], pstep = c->chip.stride[dim];
	int last = c->rank - 1;

	if (lo >= hi)
		return;
	if (dim == c->list_dim) {
		box_list(c, dim, dram, chip, lo, hi);
		return;
	}
	dram = wrap_step(dram, lo, dstep);
	chip = wrap_step(chip, lo, pstep);
	if (dim == last) {
		transfer(c, -1, dim, dram, chip, 1, hi - lo);
		return;
	}
	if (dim == last - 1 && c->list_dim != last && c->lo[last] == 0 &&
	    c->hi[last] == c->size[last]) {
		transfer(c, dim, last, dram, chip, hi - lo, c->size[last]);
		return;
	}
	for (int64_t i = 0; i < hi - lo && !atomic_load(&c->bad); i++)
		box_whole(c, dim + 1, wrap_step(dram, i, dstep),
		    wrap_step(chip, i, pstep));
}

static void
box_rows(void *ctx, int64_t from, int64_t to)
{
	struct copy *c = ctx;

	box(c, 0, c->dram.base, c->chip.base, from, to);
}

/* ---- set-up ---- */

/* Elements of a started dimension whose coordinate start + i lies in
 * [0, bound). */
static void
clip(int64_t size, int64_t start, int64_t bound, int64_t *lo, int64_t *hi)
{
	int64_t end;

	*lo = start >= 0 ? 0 : start < -size ? size : -start;
	if (__builtin_sub_overflow(bound, start, &end) || end > size)
		end = size;
	*hi = end < *lo ? *lo : end;
}

static const char *
set_list(struct exec_group *g, struct copy *c, const struct dma *d,
    const int64_t *idx, const struct aff *aff)
{
	int64_t at = aff_eval(&aff[d->index_base], idx, g->group);

	if (!mem_holds(g->dram, at, d->dim[d->index_dim].size, 4, 4))
		return "index list outside DRAM";
	c->list = g->dram->data + at;
	return NULL;
}

/* True when the dimension moves all its elements in order. */
static bool
plain(const struct copy *c, int dim)
{
	return dim != c->list_dim && c->lo[dim] == 0 &&
	    c->hi[dim] == c->size[dim];
}

/* Joins neighbouring dimensions that are one on both sides, and drops those
 * of one element. */
static void
simplify(struct copy *c)
{
	int n = 0;

	for (int i = 0; i < c->rank; i++) {
		if (plain(c, i) && c->size[i] == 1 && (n > 0 ||
		    i + 1 < c->rank))
			continue;
		bool join = n > 0 && plain(c, i) && plain(c, n - 1) &&
		    c->dram.stride[n - 1] == wrap_mul(c->size[i],
		    c->dram.stride[i]) &&
		    c->chip.stride[n - 1] == wrap_mul(c->size[i],
		    c->chip.stride[i]);
		int to = join ? n - 1 : n++;
		int64_t times = join ? c->size[to] : 1;

		c->size[to] = wrap_mul(c->size[i], times);
		c->lo[to] = c->lo[i];
		c->hi[to] = join ? c->size[to] : c->hi[i];
		c->dram.stride[to] = c->dram.stride[i];
		c->chip.stride[to] = c->chip.stride[i];
		if (i == c->list_dim)
			c->list_dim = to;
	}
	c->rank = n;
}

static const char *
set_copy(struct exec_group *g, struct copy *c, const struct dma *d,
    const int64_t *idx)
{
	const struct aff *aff = g->tables->aff;

	c->loops = sim_loops_best();
	c->rank = d->rank;
	c->dram = (struct side){.m = g->dram, .dtype = d->dram_dtype};
	c->chip = (struct side){.dtype = d->chip_dtype,
	    .m = d->space == SPACE_WBUF ? &g->wbuf : &g->gbuf};
	c->dram.size = (int64_t)dtype_size(d->dram_dtype);
	c->chip.size = (int64_t)dtype_size(d->chip_dtype);
	c->dram.base = aff_eval(&aff[d->dram_base], idx, g->group);
	c->chip.base = aff_eval(&aff[d->chip_base], idx, g->group);
	dtype_set(c->fill, d->chip_dtype, 0,
	    isnan(d->fill) ? (double)NAN : d->fill);
	c->list_dim = d->index_dim;
	for (int i = 0; i < d->rank; i++) {
		const struct dma_dim *x = &d->dim[i];
		int64_t start = x->start != 0 ?
		    aff_eval(&aff[x->start], idx, g->group) : 0;

		c->size[i] = c->hi[i] = x->size;
		c->dram.stride[i] = x->dram;
		c->chip.stride[i] = x->chip;
		if (i == d->index_dim) {
			c->list_start = start;
			c->list_bound = x->start != 0 ? x->bound : 0;
		} else if (x->start != 0) {
			clip(x->size, start, x->bound, &c->lo[i], &c->hi[i]);
			c->dram.base = wrap_step(c->dram.base, start, x->dram);
		}
	}
	return d->index_dim >= 0 ? set_list(g, c, d, idx, aff) : NULL;
}

/* Threads share the first dimension when nothing is written twice. */
static bool
shareable(const struct copy *c)
{
	const struct side *to = c->load ? &c->chip : &c->dram;
	int64_t total = 1;

	for (int i = 0; i < c->rank; i++)
		if (__builtin_mul_overflow(total, c->size[i], &total))
			return false;
	return total >= SHARED_BOX && plain(c, 0) &&
	    (c->load || c->list_dim < 0) &&
	    mem_apart(c->rank, c->size, to->stride, to->size);
}

bool
exec_dma(struct exec_group *g, const struct dma *d, const int64_t *idx,
    bool load, const char **why)
{
	struct copy c = {.load = load};
	const char *cause = set_copy(g, &c, d, idx);

	if (cause != NULL) {
		*why = cause;
		return false;
	}
	simplify(&c);
	if (g->pool != NULL && shareable(&c))
		pool_run(g->pool, c.size[0], c.rank > 1 ? 1 : 4096, box_rows,
		    &c);
	else
		box_whole(&c, 0, c.dram.base, c.chip.base);
	if (atomic_load(&c.bad))
		*why = "DMA address outside the memory";
	return !atomic_load(&c.bad);
}
