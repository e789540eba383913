#include "tests/lib/tile_elems.h"

#include <string.h>

#include "support/dtype.h"

int64_t
tile_aff_value(const struct tile_aff *a, const int64_t *idx)
{
	int64_t v = a->offset;

	for (int i = 0; i < a->nterms; i++)
		v += idx[a->term[i].loop->depth] * a->term[i].stride;
	return v;
}

int64_t
tile_version(const struct tile_buffer *b, const int64_t *idx)
{
	int64_t n = 0, weight = 1;

	for (const struct tile_loop *l = b->scope; l != NULL; l = l->parent) {
		n += idx[l->depth] * weight;
		weight *= l->count;
	}
	return n % b->depth;
}

struct place
tile_aff_place(const struct tile_aff *a, const int64_t *idx)
{
	struct place p = { a->buffer, 0, tile_aff_value(a, idx) };

	p.version = tile_version(a->buffer, idx);
	return p;
}

void
tile_view_index(const struct tile_view *t, const int64_t *idx, int64_t i,
    int64_t j, int64_t *p, int64_t *q)
{
	i += tile_aff_value(&t->outer0, idx);
	j += tile_aff_value(&t->k0, idx);
	*p = t->v.flags & VIEW_TRANSPOSED ? j : i;
	*q = t->v.flags & VIEW_TRANSPOSED ? i : j;
}

struct place
tile_view_place(const struct tile_view *t, const int64_t *idx, int64_t p,
    int64_t q, int64_t *channel)
{
	const struct view *v = &t->v;
	struct place at = tile_aff_place(&t->base, idx), none = { 0 };
	int64_t row = p, c = q % v->c;

	q /= v->c;
	for (int a = 2; a >= 0; a--) {
		const struct view_axis *x = &v->axis[a];
		int64_t pos = p % x->out * x->stride +
		    q % x->kernel * x->dil - x->pad;
		p /= x->out;
		q /= x->kernel;
		if (pos < 0 || pos % x->up != 0 || pos / x->up >= x->extent)
			return none;
		at.offset += pos / x->up * x->addr;
	}
	*channel = c;
	if (v->kcg > 0) {
		if (row / v->ncg != c / v->kcg)
			return none;
		c %= v->kcg;
	}
	at.offset += p * v->n_addr + c * v->c_addr;
	return at;
}

struct place
tile_residual_place(const struct tile_insn *in, const int64_t *idx, int64_t p,
    int64_t q)
{
	const struct tile_epi *t = in->mx.epi;
	const struct view *v = &in->mx.view->v;
	struct place at = tile_aff_place(&t->residual, idx);

	at.offset += q % v->c * t->e.res_c;
	for (int a = 2; a >= 0; a--) {
		at.offset += p % v->axis[a].out * t->e.res_axis[a];
		p /= v->axis[a].out;
	}
	at.offset += p * t->e.res_n;
	return at;
}

struct place
tile_dma_place(const struct tile_dma *m, const int64_t *idx,
    const int64_t *coord)
{
	struct place at = tile_aff_place(&m->dram, idx), none = { 0 };

	for (int i = 0; i < m->d.rank; i++) {
		int64_t c = coord[i];
		if (m->d.dim[i].bound > 0) {
			c += tile_aff_value(&m->start[i], idx);
			if (c < 0 || c >= m->d.dim[i].bound)
				return none;
		}
		at.offset += c * m->d.dim[i].dram;
	}
	return at;
}

struct place
tile_window_place(const struct tile_vec *t, int src, const int64_t *idx,
    const int64_t *o)
{
	const struct vec *v = &t->v;
	struct place at = tile_aff_place(&t->src[src], idx), none = { 0 };

	at.offset += o[0] * v->src[src].stride[0] +
	    o[4] * v->src[src].stride[4];
	for (int a = 0; a < 3; a++) {
		int64_t pos = o[1 + a] * v->axis[a].stride +
		    o[5 + a] * v->axis[a].dil - v->axis[a].pad;
		int64_t up = v->axis[a].up > 1 ? v->axis[a].up : 1;
		if (pos < 0 || pos % up != 0 ||
		    pos / up >= v->axis[a].extent)
			return none;
		pos /= up;
		at.offset += pos * v->src[src].stride[1 + a];
	}
	return at;
}

bool
next_coord(int64_t *coord, const int64_t *size, int rank)
{
	for (int i = rank - 1; i >= 0; i--) {
		if (++coord[i] < size[i])
			return true;
		coord[i] = 0;
	}
	return false;
}

static void
dma_elems(const struct tile_insn *in, const int64_t *idx, elem_fn *fn,
    void *user)
{
	const struct tile_dma *m = in->dma;
	int64_t coord[DMA_MAX_RANK] = { 0 }, size[DMA_MAX_RANK];
	bool load = in->kind == TILE_LOAD;

	for (int i = 0; i < m->d.rank; i++)
		size[i] = m->d.dim[i].size;
	do {
		struct place at = tile_aff_place(&m->chip, idx), dram;
		for (int i = 0; i < m->d.rank; i++)
			at.offset += coord[i] * m->d.dim[i].chip;
		dram = tile_dma_place(m, idx, coord);
		/* A store skips what it would not write. */
		if (load || dram.buffer != NULL)
			fn(user, at, (int64_t)dtype_size(m->d.chip_dtype),
			    load);
		if (dram.buffer != NULL)
			fn(user, dram,
			    (int64_t)dtype_size(m->d.dram_dtype), !load);
	} while (next_coord(coord, size, m->d.rank));
}

static void
vec_elems(const struct tile_insn *in, const int64_t *idx, elem_fn *fn,
    void *user)
{
	const struct tile_vec *t = in->vec;
	const struct vec *v = &t->v;
	int64_t coord[VEC_MAX_RANK] = { 0 };
	int outer = in->kind == TILE_RED ? v->rank - v->nred :
	    in->kind == TILE_WIN         ? 5 :
					   v->rank;

	do {
		struct place at;
		for (int s = 0; s < VEC_MAX_SRC; s++) {
			if (t->src[s].buffer == NULL)
				continue;
			if (in->kind == TILE_WIN) {
				at = tile_window_place(t, s, idx, coord);
			} else {
				at = tile_aff_place(&t->src[s], idx);
				for (int i = 0; i < v->rank; i++)
					at.offset += coord[i] *
					    v->src[s].stride[i];
			}
			if (at.buffer != NULL)
				fn(user, at,
				    (int64_t)dtype_size(v->src[s].dtype),
				    false);
		}
		at = tile_aff_place(&t->dst, idx);
		for (int i = 0; i < outer; i++)
			at.offset += coord[i] * v->dst.stride[i];
		fn(user, at, (int64_t)dtype_size(v->dst.dtype), true);
	} while (next_coord(coord, v->size, v->rank));
}

static void
bank_elem(struct tile_buffer *b, const int64_t *idx, bool write, elem_fn *fn,
    void *user)
{
	struct place at = { b, tile_version(b, idx), 0 };

	fn(user, at, 1, write);
}

static void
epi_elems(const struct tile_insn *in, const int64_t *idx, int64_t p,
    int64_t q, int64_t c, elem_fn *fn, void *user)
{
	const struct tile_epi *t = in->mx.epi;
	struct place at;

	if (t->scale.buffer != NULL) {
		at = tile_aff_place(&t->scale, idx);
		at.offset += c * (int64_t)dtype_size(t->e.scale.dtype);
		fn(user, at, (int64_t)dtype_size(t->e.scale.dtype), false);
	}
	if (t->bias.buffer != NULL) {
		at = tile_aff_place(&t->bias, idx);
		at.offset += c * (int64_t)dtype_size(t->e.bias.dtype);
		fn(user, at, (int64_t)dtype_size(t->e.bias.dtype), false);
	}
	if (t->residual.buffer != NULL)
		fn(user, tile_residual_place(in, idx, p, q),
		    (int64_t)dtype_size(t->e.res_dtype), false);
}

static void
view_elems(const struct tile_insn *in, const int64_t *idx, elem_fn *fn,
    void *user)
{
	const struct tile_view *t = in->mx.view;
	bool drain = in->kind == TILE_DRAIN;
	int64_t outer = in->kind == TILE_LDV ? in->mx.n : in->mx.m;
	int64_t inner = drain || in->kind == TILE_LDOBUF ? in->mx.n :
							   in->mx.k;

	for (int64_t i = 0; i < outer; i++) {
		for (int64_t j = 0; j < inner; j++) {
			int64_t p, q, c = 0;
			struct place at;
			tile_view_index(t, idx, i, j, &p, &q);
			at = tile_view_place(t, idx, p, q, &c);
			if (at.buffer == NULL)
				continue;
			fn(user, at, (int64_t)dtype_size(t->v.dtype), drain);
			if (drain && in->mx.epi != NULL)
				epi_elems(in, idx, p, q, c, fn, user);
		}
	}
}

void
tile_elems(const struct tile_insn *in, const int64_t *idx, elem_fn *fn,
    void *user)
{
	const struct place pe = { NULL, 0, 0 };

	switch (in->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		dma_elems(in, idx, fn, user);
		break;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		vec_elems(in, idx, fn, user);
		break;
	case TILE_LDV:
		view_elems(in, idx, fn, user);
		bank_elem(in->mx.lbuf_v, idx, true, fn, user);
		break;
	case TILE_LDH:
		view_elems(in, idx, fn, user);
		bank_elem(in->mx.lbuf_h, idx, true, fn, user);
		break;
	case TILE_SHIFT:
		bank_elem(in->mx.lbuf_v, idx, false, fn, user);
		fn(user, pe, 1, true);
		break;
	case TILE_EXEC:
		fn(user, pe, 1, false);
		bank_elem(in->mx.lbuf_h, idx, false, fn, user);
		bank_elem(in->mx.obuf, idx, true, fn, user);
		break;
	case TILE_DRAIN:
		bank_elem(in->mx.obuf, idx, false, fn, user);
		view_elems(in, idx, fn, user);
		break;
	case TILE_LDOBUF:
		view_elems(in, idx, fn, user);
		bank_elem(in->mx.obuf, idx, true, fn, user);
		break;
	case TILE_BARRIER:
	case TILE_KIND_COUNT:
		break;
	}
}

static void
steps(struct tile_node *n, int64_t *idx, step_fn *fn, void *user)
{
	for (; n != NULL; n = n->next) {
		if (n->kind == TILE_NODE_INSN) {
			fn(user, n, idx);
			continue;
		}
		for (int64_t i = 0; i < n->loop->count; i++) {
			idx[n->loop->depth] = i;
			steps(n->loop->first, idx, fn, user);
		}
		idx[n->loop->depth] = 0;
	}
}

void
tile_steps(const struct tile_program *p, step_fn *fn, void *user)
{
	int64_t idx[ISA_MAX_LOOPS + 1] = { 0 };

	steps(p->first, idx, fn, user);
}
