/* Box copies between DRAM and the chip. */
#include "backend/lower.h"

#include <assert.h>
#include <string.h>

struct tile_aff
place_base(const struct place *pl)
{
	struct tile_aff a = taff(pl->buf, pl->offset);
	a.gstride = pl->gstep;
	for (int i = 0; i < PLACE_LOOPS; i++)
		if (pl->loop[i] != NULL)
			taff_add(&a, pl->loop[i], pl->step[i]);
	return a;
}

void
place_advance(struct place *pl, struct tile_loop *l, int64_t step)
{
	for (int i = 0; i < PLACE_LOOPS; i++) {
		if (pl->loop[i] != NULL)
			continue;
		pl->loop[i] = l;
		pl->step[i] = step;
		return;
	}
	ice("lower", "a place over more than %d loops", PLACE_LOOPS);
}

void
taff_add_scaled(struct tile_aff *a, const struct tile_aff *b, int64_t mul)
{
	a->offset += b->offset * mul;
	for (int i = 0; i < b->nterms; i++)
		taff_add(a, b->term[i].loop, b->term[i].stride * mul);
}

struct tile_buffer *
stage_buffer(struct lower *lw, const char *what, enum space space,
    int64_t bytes, int depth)
{
	const char *op = lw->p->ops.data[lw->p->cur_op].name;
	struct tile_loop *scope = CUR_LOOP(lw);
	/* versions of it would live through all iterations of a region */
	if (scope == NULL || scope == lw->region_loop)
		depth = 1;
	return tile_buffer(lw->p, arena_printf(lw->arena, "%s.%s", op, what),
	    space, bytes, depth, scope);
}

/* Drops unit dimensions and joins neighbours that are one run on both sides;
 * returns the new rank. */
static int
merge_dims(struct stage_dim *d, int rank)
{
	int n = 0;
	for (int i = 0; i < rank; i++) {
		if (d[i].size == 1 && !d[i].clip)
			continue;
		if (n > 0 && !d[i].clip && !d[n - 1].clip &&
		    d[n - 1].dram == d[i].dram * d[i].size &&
		    d[n - 1].chip == d[i].chip * d[i].size) {
			d[n - 1].size *= d[i].size;
			d[n - 1].dram = d[i].dram;
			d[n - 1].chip = d[i].chip;
			continue;
		}
		d[n++] = d[i];
	}
	return n;
}

static void
emit_dma(struct lower *lw, bool load, const struct stage_dim *dims, int rank,
    const struct tile_aff *dram, enum dtype dram_dtype,
    const struct tile_aff *chip, enum dtype chip_dtype, double fill,
    enum traffic traffic)
{
	struct tile_dma *t = NEW(lw->p->arena, struct tile_dma);
	t->d.space = chip->buffer->space;
	t->d.dram_dtype = dram_dtype;
	t->d.chip_dtype = chip_dtype;
	t->d.rank = rank;
	for (int i = 0; i < rank; i++) {
		t->d.dim[i].size = dims[i].size;
		t->d.dim[i].dram = dims[i].dram;
		t->d.dim[i].chip = dims[i].chip;
		t->start[i] = taff_num(0);
		if (dims[i].clip) {
			t->d.dim[i].bound = dims[i].bound;
			t->start[i] = dims[i].start;
		}
	}
	if (rank == 0) {
		t->d.rank = 1;
		t->d.dim[0].size = 1;
		t->d.dim[0].dram = (int64_t)dtype_size(dram_dtype);
		t->d.dim[0].chip = (int64_t)dtype_size(chip_dtype);
	}
	t->d.fill = fill;
	t->d.traffic = traffic;
	t->d.index_dim = -1;
	t->dram = *dram;
	t->chip = *chip;
	struct tile_insn *in = tile_emit(lw->p,
	    load ? TILE_LOAD : TILE_STORE, load ? Q_LD : Q_ST);
	in->dma = t;
}

/* Loops around a DMA whose rank is beyond the machine's. */
static void
emit_wide(struct lower *lw, bool load, const struct stage_dim *dims, int rank,
    const struct tile_aff *dram, enum dtype dram_dtype,
    const struct tile_aff *chip, enum dtype chip_dtype, double fill,
    enum traffic traffic)
{
	if (rank <= DMA_MAX_RANK) {
		emit_dma(lw, load, dims, rank, dram, dram_dtype, chip,
		    chip_dtype, fill, traffic);
		return;
	}
	int pick = 0;
	while (pick < rank && dims[pick].clip)
		pick++;
	if (pick == rank)
		ice("stage", "seven clipped dimensions");
	struct stage_dim rest[2 * GRID_RANK + 1];
	int n = 0;
	for (int i = 0; i < rank; i++)
		if (i != pick)
			rest[n++] = dims[i];
	struct tile_aff da = *dram, ca = *chip;
	struct tile_loop *l = tile_loop_open(lw->p, "dma", dims[pick].size);
	taff_add(&da, l, dims[pick].dram);
	taff_add(&ca, l, dims[pick].chip);
	emit_wide(lw, load, rest, n, &da, dram_dtype, &ca, chip_dtype, fill,
	    traffic);
	tile_loop_close(lw->p);
}

void
stage_copy(struct lower *lw, bool load, const struct stage_dim *dims,
    int rank, const struct tile_aff *dram, enum dtype dram_dtype,
    const struct tile_aff *chip, enum dtype chip_dtype, double fill,
    enum traffic traffic)
{
	struct stage_dim d[2 * GRID_RANK + 1];
	assert(rank <= 2 * GRID_RANK + 1);
	/* a place may see its elements in another dtype than memory has */
	if (dram->buffer->dtype != DT_NONE)
		dram_dtype = dram->buffer->dtype;
	memcpy(d, dims, (size_t)rank * sizeof *d);
	rank = merge_dims(d, rank);
	emit_wide(lw, load, d, rank, dram, dram_dtype, chip, chip_dtype, fill,
	    traffic);
}
