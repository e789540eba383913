#include "tests/lib/tile_interp.h"

#include <math.h>
#include <string.h>

#include "tests/lib/tile_elems.h"

#define BANK 4096 /* floats of a bank: m x n, m x k or n x k */

struct tile_interp {
	struct arena *a;
	const struct tile_program *p;
	uint8_t **data;  /* by buffer: all versions */
	float pe[BANK];  /* n x k */
};

struct tile_interp *
tile_interp_new(struct arena *a, const struct tile_program *p)
{
	struct tile_interp *t = NEW(a, struct tile_interp);

	t->a = a;
	t->p = p;
	t->data = NEW_ARRAY(a, uint8_t *, p->buffers.len);
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		bool bank = b->space != SPACE_DRAM &&
		    b->space != SPACE_GBUF && b->space != SPACE_WBUF;
		size_t size = bank ? BANK * sizeof(float) : (size_t)b->bytes;
		t->data[i] = arena_calloc(a, (size_t)b->depth, size);
		if (b->data != NULL)
			memcpy(t->data[i], b->data, size);
	}
	return t;
}

uint8_t *
tile_interp_data(struct tile_interp *t, const struct tile_buffer *b)
{
	return t->data[b->id];
}

static float
get(struct tile_interp *t, const struct place *at)
{
	float v;

	memcpy(&v, t->data[at->buffer->id] +
	    at->version * at->buffer->bytes + at->offset, sizeof v);
	return v;
}

static void
set(struct tile_interp *t, const struct place *at, float v)
{
	memcpy(t->data[at->buffer->id] + at->version * at->buffer->bytes +
	    at->offset, &v, sizeof v);
}

static float *
bank(struct tile_interp *t, const struct tile_buffer *b, const int64_t *idx)
{
	return (float *)(void *)t->data[b->id] + tile_version(b, idx) * BANK;
}

static void
dma(struct tile_interp *t, const struct tile_insn *in, const int64_t *idx)
{
	const struct tile_dma *m = in->dma;
	int64_t coord[DMA_MAX_RANK] = { 0 }, size[DMA_MAX_RANK];

	for (int i = 0; i < m->d.rank; i++)
		size[i] = m->d.dim[i].size;
	do {
		struct place chip = tile_aff_place(&m->chip, idx);
		struct place dram = tile_dma_place(m, idx, coord);
		for (int i = 0; i < m->d.rank; i++)
			chip.offset += coord[i] * m->d.dim[i].chip;
		if (in->kind == TILE_STORE && dram.buffer != NULL)
			set(t, &dram, get(t, &chip));
		else if (in->kind == TILE_LOAD)
			set(t, &chip, dram.buffer != NULL ? get(t, &dram) :
			    (float)m->d.fill);
	} while (next_coord(coord, size, m->d.rank));
}

static float
map(const struct vec *v, const float *x)
{
	switch (v->func) {
	case VF_copy: return x[0];
	case VF_neg: return -x[0];
	case VF_abs: return fabsf(x[0]);
	case VF_relu: return x[0] > 0 ? x[0] : 0;
	case VF_max: return x[0] > x[1] ? x[0] : x[1];
	case VF_min: return x[0] < x[1] ? x[0] : x[1];
	case VF_add: return x[0] + x[1];
	case VF_mul: return x[0] * x[1];
	case VF_fill: return (float)v->param[0];
	case VF_select: return x[0] != 0 ? x[1] : x[2];
	default: ice("tile_interp", "function %u", v->func);
	}
}

static void
map_all(struct tile_interp *t, const struct tile_insn *in, const int64_t *idx)
{
	const struct tile_vec *m = in->vec;
	int64_t coord[VEC_MAX_RANK] = { 0 };

	do {
		struct place at;
		float x[VEC_MAX_SRC] = { 0 };
		for (int s = 0; s < VEC_MAX_SRC; s++) {
			if (m->src[s].buffer == NULL)
				continue;
			at = tile_aff_place(&m->src[s], idx);
			for (int i = 0; i < m->v.rank; i++)
				at.offset += coord[i] *
				    m->v.src[s].stride[i];
			x[s] = get(t, &at);
		}
		at = tile_aff_place(&m->dst, idx);
		for (int i = 0; i < m->v.rank; i++)
			at.offset += coord[i] * m->v.dst.stride[i];
		set(t, &at, map(&m->v, x));
	} while (next_coord(coord, m->v.size, m->v.rank));
}

/* Maximum or minimum over the trailing dimensions; for a window over taps. */
static void
reduce(struct tile_interp *t, const struct tile_insn *in, const int64_t *idx)
{
	const struct tile_vec *m = in->vec;
	int outer = in->kind == TILE_WIN ? 5 : m->v.rank - m->v.nred;
	int64_t o[VEC_MAX_RANK] = { 0 };
	bool least = m->v.func == VF_rmin;

	do {
		struct place at = tile_aff_place(&m->dst, idx);
		float best = least ? INFINITY : -INFINITY;
		for (int i = 0; i < outer; i++)
			at.offset += o[i] * m->v.dst.stride[i];
		memset(o + outer, 0,
		    (size_t)(m->v.rank - outer) * sizeof *o);
		do {
			struct place src = tile_aff_place(&m->src[0], idx);
			float v;
			for (int i = 0; i < m->v.rank; i++)
				src.offset += o[i] * m->v.src[0].stride[i];
			if (in->kind == TILE_WIN)
				src = tile_window_place(m, 0, idx, o);
			if (src.buffer == NULL)
				continue;
			v = get(t, &src);
			best = (least ? v < best : v > best) ? v : best;
		} while (next_coord(o + outer, m->v.size + outer,
		    m->v.rank - outer));
		set(t, &at, best);
	} while (next_coord(o, m->v.size, outer));
}

static void
load_bank(struct tile_interp *t, const struct tile_insn *in,
    const int64_t *idx, float *out, int64_t outer, int64_t inner)
{
	for (int64_t i = 0; i < outer; i++) {
		for (int64_t j = 0; j < inner; j++) {
			int64_t p, q, c;
			struct place at;
			tile_view_index(in->mx.view, idx, i, j, &p, &q);
			at = tile_view_place(in->mx.view, idx, p, q, &c);
			out[i * inner + j] = at.buffer == NULL ? 0 :
			    get(t, &at);
		}
	}
}

static float
finish(struct tile_interp *t, const struct tile_insn *in, const int64_t *idx,
    int64_t p, int64_t q, int64_t c, float v)
{
	const struct tile_epi *e = in->mx.epi;
	struct place at;

	if (e == NULL)
		return v;
	if (e->scale.buffer != NULL) {
		at = tile_aff_place(&e->scale, idx);
		at.offset += c * 4;
		v *= get(t, &at);
	}
	if (e->bias.buffer != NULL) {
		at = tile_aff_place(&e->bias, idx);
		at.offset += c * 4;
		v += get(t, &at);
	}
	if (e->residual.buffer != NULL) {
		at = tile_residual_place(in, idx, p, q);
		v += get(t, &at);
	}
	if (e->e.act == EPI_CLIP) {
		v = v < e->e.alpha ? e->e.alpha : v;
		v = v > e->e.beta ? e->e.beta : v;
	} else if (e->e.act == EPI_RELU) {
		v = v > 0 ? v : 0;
	}
	return v;
}

static void
drain(struct tile_interp *t, const struct tile_insn *in, const int64_t *idx)
{
	const float *sum = bank(t, in->mx.obuf, idx);

	for (int64_t i = 0; i < in->mx.m; i++) {
		for (int64_t j = 0; j < in->mx.n; j++) {
			int64_t p, q, c = 0;
			struct place at;
			tile_view_index(in->mx.view, idx, i, j, &p, &q);
			at = tile_view_place(in->mx.view, idx, p, q, &c);
			if (at.buffer != NULL)
				set(t, &at, finish(t, in, idx, p, q, c,
				    sum[i * in->mx.n + j]));
		}
	}
}

static void
multiply(struct tile_interp *t, const struct tile_insn *in,
    const int64_t *idx)
{
	const float *a = bank(t, in->mx.lbuf_h, idx);
	float *c = bank(t, in->mx.obuf, idx);
	bool first = in->mx.first == TFIRST_ALWAYS ||
	    (in->mx.first == TFIRST_LOOP &&
		idx[in->mx.first_loop->depth] == 0);

	for (int64_t i = 0; i < in->mx.m; i++) {
		for (int64_t j = 0; j < in->mx.n; j++) {
			float sum = first ? 0 : c[i * in->mx.n + j];
			for (int64_t k = 0; k < in->mx.k; k++)
				sum = fmaf(a[i * in->mx.k + k],
				    t->pe[j * in->mx.k + k], sum);
			c[i * in->mx.n + j] = sum;
		}
	}
}

static void
step(void *user, struct tile_node *n, const int64_t *idx)
{
	struct tile_interp *t = user;
	const struct tile_insn *in = n->insn;

	switch (in->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		dma(t, in, idx);
		break;
	case TILE_MAP:
		map_all(t, in, idx);
		break;
	case TILE_RED:
	case TILE_WIN:
		reduce(t, in, idx);
		break;
	case TILE_LDV:
		load_bank(t, in, idx, bank(t, in->mx.lbuf_v, idx), in->mx.n,
		    in->mx.k);
		break;
	case TILE_LDH:
		load_bank(t, in, idx, bank(t, in->mx.lbuf_h, idx), in->mx.m,
		    in->mx.k);
		break;
	case TILE_SHIFT:
		memcpy(t->pe, bank(t, in->mx.lbuf_v, idx), sizeof t->pe);
		break;
	case TILE_EXEC:
		multiply(t, in, idx);
		break;
	case TILE_DRAIN:
		drain(t, in, idx);
		break;
	case TILE_LDOBUF:
		load_bank(t, in, idx, bank(t, in->mx.obuf, idx), in->mx.m,
		    in->mx.n);
		break;
	case TILE_BARRIER:
	case TILE_KIND_COUNT:
		break;
	}
}

void
tile_interp_run(struct tile_interp *t)
{
	tile_steps(t->p, step, t);
}
