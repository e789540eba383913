/* Values of DMA instructions: strided boxes between DRAM and the chip. */
#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/pool.h"

struct copy {
	const struct dma *d;
	bool load;
	const struct mem *dram, *chip;
	int64_t start[DMA_MAX_RANK]; /* coordinate of element 0 */
	const int32_t *index;        /* of dimension d->index_dim */
	int64_t index_n;
	int64_t dsize, csize;        /* element bytes */
	uint8_t fill[8];
	int64_t dram_base, chip_base;
	bool bad;
};

static bool
inside(const struct mem *m, int64_t addr, int64_t n, int64_t step,
    int64_t size)
{
	int64_t last = addr + (n - 1) * step;
	int64_t lo = addr < last ? addr : last;
	int64_t hi = (addr < last ? last : addr) + size;
	return lo >= 0 && hi <= (int64_t)m->size;
}

static void
convert(uint8_t *dst, int64_t dstep, enum dtype dt, const uint8_t *src,
    int64_t sstep, enum dtype st, int64_t n)
{
	const struct sim_loops *l = sim_loops_best();
	if (dt == DT_F16 && st == DT_F32 && dstep == 2 && sstep == 4) {
		l->to_f16((uint16_t *)(void *)dst,
		    (const float *)(const void *)src, n);
		return;
	}
	if (dt == DT_F32 && st == DT_F16 && dstep == 4 && sstep == 2) {
		l->from_f16((float *)(void *)dst,
		    (const uint16_t *)(const void *)src, n);
		return;
	}
	for (int64_t i = 0; i < n; i++)
		dtype_set(dst + i * dstep, dt, 0,
		    dtype_get(src + i * sstep, st, 0));
}

static void
copy_strided(uint8_t *dst, int64_t dstep, const uint8_t *src, int64_t sstep,
    int64_t size, int64_t n)
{
	if (dstep == size && sstep == size) {
		memcpy(dst, src, (size_t)(n * size));
		return;
	}
	switch (size) {
	case 1:
		for (int64_t i = 0; i < n; i++)
			dst[i * dstep] = src[i * sstep];
		break;
	case 2:
		for (int64_t i = 0; i < n; i++)
			memcpy(dst + i * dstep, src + i * sstep, 2);
		break;
	case 4:
		for (int64_t i = 0; i < n; i++)
			memcpy(dst + i * dstep, src + i * sstep, 4);
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			memcpy(dst + i * dstep, src + i * sstep,
			    (size_t)size);
		break;
	}
}

/* n elements of the innermost dimension, all inside the bounds. */
static void
run_inner(struct copy *c, int64_t dram, int64_t chip, int64_t n)
{
	const struct dma_dim *dim = &c->d->dim[c->d->rank - 1];
	if (!inside(c->dram, dram, n, dim->dram, c->dsize) ||
	    !inside(c->chip, chip, n, dim->chip, c->csize)) {
		c->bad = true;
		return;
	}
	uint8_t *d = c->dram->data + dram, *p = c->chip->data + chip;
	enum dtype dt = c->d->dram_dtype, ct = c->d->chip_dtype;
	if (dt == ct) {
		if (c->load)
			copy_strided(p, dim->chip, d, dim->dram, c->dsize, n);
		else
			copy_strided(d, dim->dram, p, dim->chip, c->dsize, n);
	} else if (c->load) {
		convert(p, dim->chip, ct, d, dim->dram, dt, n);
	} else {
		convert(d, dim->dram, dt, p, dim->chip, ct, n);
	}
}

/* Fills the box of dimensions dim.. of the chip side. */
static void
fill_box(struct copy *c, int dim, int64_t chip, int64_t n)
{
	if (!c->load)
		return; /* a store skips what is outside */
	const struct dma_dim *d = &c->d->dim[dim];
	if (dim == c->d->rank - 1) {
		if (!inside(c->chip, chip, n, d->chip, c->csize)) {
			c->bad = true;
			return;
		}
		for (int64_t i = 0; i < n; i++)
			memcpy(c->chip->data + chip + i * d->chip, c->fill,
			    (size_t)c->csize);
		return;
	}
	for (int64_t i = 0; i < n; i++)
		fill_box(c, dim + 1, chip + i * d->chip,
		    c->d->dim[dim + 1].size);
}

static void
box(struct copy *c, int dim, int64_t dram, int64_t chip)
{
	const struct dma_dim *d = &c->d->dim[dim];
	bool inner = dim == c->d->rank - 1;
	int64_t from = 0, to = d->size;
	if (d->start != 0 || d->bound > 0) {
		int64_t s = c->start[dim];
		from = s < 0 ? -s : 0;
		to = d->bound - s < d->size ? d->bound - s : d->size;
		if (from > d->size)
			from = d->size;
		if (to < from)
			to = from;
		fill_box(c, dim, chip, from);
		fill_box(c, dim, chip + to * d->chip, d->size - to);
		dram += s * d->dram;
	}
	if (c->index != NULL && dim == c->d->index_dim) {
		for (int64_t i = from; i < to && !c->bad; i++) {
			int64_t at = dram + c->index[i] * d->dram;
			if (inner)
				run_inner(c, at, chip + i * d->chip, 1);
			else
				box(c, dim + 1, at, chip + i * d->chip);
		}
		return;
	}
	if (inner) {
		if (to > from)
			run_inner(c, dram + from * d->dram,
			    chip + from * d->chip, to - from);
		return;
	}
	for (int64_t i = from; i < to && !c->bad; i++)
		box(c, dim + 1, dram + i * d->dram, chip + i * d->chip);
}

/* Host threads share the outermost dimension of large plain copies. */
static void
box_rows(void *ctx, int64_t from, int64_t to)
{
	struct copy part = *(struct copy *)ctx;
	const struct dma_dim *d = &part.d->dim[0];
	for (int64_t i = from; i < to && !part.bad; i++)
		box(&part, 1, part.dram_base + i * d->dram,
		    part.chip_base + i * d->chip);
	if (part.bad)
		((struct copy *)ctx)->bad = true;
}

static bool
setup_index(struct exec_group *g, struct copy *c, const int64_t *idx,
    const char **why)
{
	const struct dma *d = c->d;
	if (d->index_dim < 0)
		return true;
	int64_t at = aff_eval(&g->tables->aff[d->index_base], idx, g->group);
	int64_t n = d->dim[d->index_dim].size;
	if (at % 4 != 0 || !inside(g->dram, at, n, 4, 4)) {
		*why = "index list outside DRAM";
		return false;
	}
	c->index = (const int32_t *)(const void *)(g->dram->data + at);
	return true;
}

bool
exec_dma(struct exec_group *g, const struct dma *d, const int64_t *idx,
    bool load, const char **why)
{
	struct copy c = {0};
	int64_t total = 1;
	c.d = d;
	c.load = load;
	c.dram = g->dram;
	c.chip = d->space == SPACE_WBUF ? &g->wbuf : &g->gbuf;
	c.dsize = (int64_t)dtype_size(d->dram_dtype);
	c.csize = (int64_t)dtype_size(d->chip_dtype);
	dtype_set(c.fill, d->chip_dtype, 0, d->fill);
	c.dram_base = aff_eval(&g->tables->aff[d->dram_base], idx, g->group);
	c.chip_base = aff_eval(&g->tables->aff[d->chip_base], idx, g->group);
	for (int i = 0; i < d->rank; i++) {
		c.start[i] = d->dim[i].start != 0 ?
		    aff_eval(&g->tables->aff[d->dim[i].start], idx,
			g->group) : 0;
		total *= d->dim[i].size;
	}
	if (!setup_index(g, &c, idx, why))
		return false;
	if (d->rank > 1 && total > 65536 && d->dim[0].start == 0 &&
	    d->dim[0].bound == 0 && d->index_dim != 0)
		pool_run(g->pool, d->dim[0].size, 1, box_rows, &c);
	else
		box(&c, 0, c.dram_base, c.chip_base);
	if (c.bad)
		*why = "DMA address outside the memory";
	return !c.bad;
}
