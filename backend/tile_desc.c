#include "backend/tile_code.h"

#include <string.h>

#include "support/str.h"

static void
pool_start(struct desc_pool *p, struct arena *a, size_t size)
{
	memset(p, 0, sizeof *p);
	p->a = a;
	p->size = size;
	p->cap = 64;
	p->data = arena_calloc(a, p->cap, size);
	p->count = 1;
	p->nslots = 256;
	p->slot = NEW_ARRAY(a, uint32_t, p->nslots);
}

static uint32_t
slot_of(const struct desc_pool *p, const void *record)
{
	uint64_t h = hash_bytes(WAVE_HASH_SEED, record, p->size);
	uint32_t i = (uint32_t)(h ^ h >> 32) & (p->nslots - 1);

	while (p->slot[i] != 0 &&
	    memcmp(p->data + (p->slot[i] - 1) * p->size, record, p->size) !=
		0)
		i = (i + 1) & (p->nslots - 1);
	return i;
}

static void
pool_grow(struct desc_pool *p)
{
	uint8_t *data = arena_calloc(p->a, (size_t)p->cap * 2, p->size);

	memcpy(data, p->data, p->count * p->size);
	p->data = data;
	p->cap *= 2;
	if (p->cap * 2 <= p->nslots)
		return;
	p->nslots *= 4;
	p->slot = NEW_ARRAY(p->a, uint32_t, p->nslots);
	for (uint32_t i = 1; i < p->count; i++)
		p->slot[slot_of(p, p->data + i * p->size)] = i + 1;
}

/* Index of the record, added when new. */
static uint32_t
pool_add(struct tile_desc *t, struct desc_pool *p, const void *record)
{
	uint32_t i = slot_of(p, record);

	if (p->slot[i] != 0)
		return p->slot[i] - 1;
	if (p->count == ISA_MAX_DESC) {
		t->full = true;
		return 0;
	}
	if (p->count == p->cap) {
		pool_grow(p);
		i = slot_of(p, record);
	}
	memcpy(p->data + p->count * p->size, record, p->size);
	p->slot[i] = p->count + 1;
	return p->count++;
}

void
tile_desc_start(struct tile_desc *t, struct arena *a)
{
	t->banks = NULL;
	t->full = false;
	pool_start(&t->aff, a, sizeof(struct aff));
	pool_start(&t->view, a, sizeof(struct view));
	pool_start(&t->epi, a, sizeof(struct epi));
	pool_start(&t->dma, a, sizeof(struct dma));
	pool_start(&t->vec, a, sizeof(struct vec));
}

/* The version of b that the iteration of its scope uses, times step. */
static void
add_ring(struct aff *out, const struct tile_buffer *b, int64_t step)
{
	int64_t weight = 1;

	if (b->depth <= 1 || b->scope == NULL)
		return;
	out->rcount = b->depth;
	out->rstep = step;
	for (const struct tile_loop *l = b->scope; l != NULL; l = l->parent) {
		out->rcoef[l->depth] = weight;
		weight = weight * (l->count % b->depth) % b->depth;
	}
}

uint32_t
tile_desc_aff(struct tile_desc *t, const struct tile_aff *a, bool always)
{
	const struct tile_buffer *b = a->buffer;
	static const struct aff zero;
	struct aff out;

	memset(&out, 0, sizeof out);
	out.base = a->offset;
	out.gstride = a->gstride;
	for (int i = 0; i < a->nterms; i++)
		out.stride[a->term[i].loop->depth] += a->term[i].stride;
	if (b != NULL) {
		out.base += b->address;
		if (b->space == SPACE_DRAM)
			out.gstride += b->group_stride;
		add_ring(&out, b, b->pitch);
	}
	if (!always && memcmp(&out, &zero, sizeof out) == 0)
		return 0;
	return pool_add(t, &t->aff, &out);
}

uint32_t
tile_desc_bank(struct tile_desc *t, struct tile_buffer *b)
{
	struct aff out;

	memset(&out, 0, sizeof out);
	tile_bank_ring(t->banks, b, &out);
	return out.rcount == 0 ? 0 : pool_add(t, &t->aff, &out);
}

/* The structures below are built member by member over zeroed memory, so that
 * padding takes no part in the comparison. */

uint32_t
tile_desc_view(struct tile_desc *t, const struct tile_view *v)
{
	struct view out;

	memset(&out, 0, sizeof out);
	out.space = v->base.buffer->space;
	out.dtype = v->v.dtype;
	out.flags = v->v.flags;
	out.base = tile_desc_aff(t, &v->base, false);
	out.outer0 = tile_desc_aff(t, &v->outer0, false);
	out.k0 = tile_desc_aff(t, &v->k0, false);
	out.n = v->v.n;
	out.c = v->v.c;
	out.n_addr = v->v.n_addr;
	out.c_addr = v->v.c_addr;
	memcpy(out.axis, v->v.axis, sizeof out.axis);
	out.kcg = v->v.kcg;
	out.ncg = v->v.ncg;
	return pool_add(t, &t->view, &out);
}

static void
epi_vector(struct tile_desc *t, const struct tile_aff *a,
    const struct epi_vector *v, struct epi_vector *out)
{
	if (a->buffer == NULL)
		return;
	out->space = a->buffer->space;
	out->dtype = v->dtype;
	out->base = tile_desc_aff(t, a, false);
}

uint32_t
tile_desc_epi(struct tile_desc *t, const struct tile_epi *e)
{
	struct epi out;
	static const struct epi zero;

	memset(&out, 0, sizeof out);
	epi_vector(t, &e->scale, &e->e.scale, &out.scale);
	epi_vector(t, &e->bias, &e->e.bias, &out.bias);
	if (e->residual.buffer != NULL) {
		out.res_space = e->residual.buffer->space;
		out.res_dtype = e->e.res_dtype;
		out.res_base = tile_desc_aff(t, &e->residual, false);
		out.res_n = e->e.res_n;
		memcpy(out.res_axis, e->e.res_axis, sizeof out.res_axis);
		out.res_c = e->e.res_c;
	}
	out.round = e->e.round;
	out.act = e->e.act;
	out.alpha = e->e.alpha;
	out.beta = e->e.beta;
	if (memcmp(&out, &zero, sizeof out) == 0)
		return 0;
	return pool_add(t, &t->epi, &out);
}

uint32_t
tile_desc_dma(struct tile_desc *t, const struct tile_dma *m)
{
	struct dma out;

	memset(&out, 0, sizeof out);
	out.space = m->chip.buffer->space;
	out.dram_dtype = m->d.dram_dtype;
	out.chip_dtype = m->d.chip_dtype;
	out.dram_base = tile_desc_aff(t, &m->dram, false);
	out.chip_base = tile_desc_aff(t, &m->chip, false);
	out.rank = m->d.rank;
	for (int i = 0; i < m->d.rank; i++) {
		const struct dma_dim *from = &m->d.dim[i];
		out.dim[i].size = from->size;
		out.dim[i].dram = from->dram;
		out.dim[i].chip = from->chip;
		out.dim[i].bound = from->bound;
		if (from->bound > 0)
			out.dim[i].start = tile_desc_aff(t, &m->start[i],
			    true);
	}
	out.fill = m->d.fill;
	out.traffic = m->d.traffic;
	out.index_dim = m->d.index_dim;
	if (m->d.index_dim >= 0)
		out.index_base = tile_desc_aff(t, &m->index, false);
	return pool_add(t, &t->dma, &out);
}

static void
vec_operand(struct tile_desc *t, const struct tile_aff *a,
    const struct vec_operand *v, int rank, struct vec_operand *out)
{
	if (a->buffer == NULL)
		return;
	out->space = a->buffer->space;
	out->dtype = v->dtype;
	out->base = tile_desc_aff(t, a, false);
	for (int i = 0; i < rank; i++)
		out->stride[i] = v->stride[i];
}

uint32_t
tile_desc_vec(struct tile_desc *t, const struct tile_vec *v)
{
	struct vec out;

	memset(&out, 0, sizeof out);
	out.func = v->v.func;
	out.rank = v->v.rank;
	out.nred = v->v.nred;
	out.chain = v->v.chain;
	for (int i = 0; i < v->v.rank; i++)
		out.size[i] = v->v.size[i];
	vec_operand(t, &v->dst, &v->v.dst, v->v.rank, &out.dst);
	for (int i = 0; i < VEC_MAX_SRC; i++)
		vec_operand(t, &v->src[i], &v->v.src[i], v->v.rank,
		    &out.src[i]);
	memcpy(out.axis, v->v.axis, sizeof out.axis);
	memcpy(out.param, v->v.param, sizeof out.param);
	return pool_add(t, &t->vec, &out);
}
