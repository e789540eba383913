/* Rules of single instructions. */
#include <string.h>

#include "backend/tile_order.h"
#include "backend/tile_verify.h"
#include "support/dtype.h"

#define ON_CHIP (1u << SPACE_GBUF | 1u << SPACE_WBUF)

static bool
is_unit_float(enum dtype t)
{
	return t == DT_F32 || t == DT_F16 || t == DT_BF16;
}

static bool
is_type(enum dtype t)
{
	return t > DT_NONE && t < DT_COUNT;
}

static bool
positive(struct tile_verifier *v, const char *what, int64_t n, int64_t limit)
{
	if (n >= 1 && n <= limit)
		return true;
	tile_broken(v, "%s is %lld, not 1 to %lld", what, (long long)n,
	    (long long)limit);
	return false;
}

/* Strides and coordinates stay where sums of a few cannot overflow. */
static bool
modest(struct tile_verifier *v, int64_t n)
{
	if (n >= -16 * TILE_MAX_BYTES && n <= 16 * TILE_MAX_BYTES)
		return true;
	tile_broken(v, "a stride or coordinate is out of range");
	return false;
}

static bool
check_terms(struct tile_verifier *v, const char *what,
    const struct tile_aff *a)
{
	if (a->nterms < 0 || a->nterms > ISA_MAX_LOOPS) {
		tile_broken(v, "%s has %d terms", what, a->nterms);
		return false;
	}
	for (int i = 0; i < a->nterms; i++) {
		const struct tile_loop *l = a->term[i].loop;
		if (l == NULL || !tile_encloses(l, v->node->parent)) {
			tile_broken(v, "%s counts with a loop that is not "
			    "around it", what);
			return false;
		}
	}
	return true;
}

static bool
check_scope(struct tile_verifier *v, const char *what,
    const struct tile_buffer *b, unsigned spaces)
{
	if (b->id >= v->p->buffers.len || v->p->buffers.data[b->id] != b) {
		tile_broken(v, "%s is no buffer of the program", what);
		return false;
	}
	if ((spaces >> b->space & 1) == 0) {
		tile_broken(v, "%s is in %s", what, space_name(b->space));
		return false;
	}
	if (!tile_encloses(b->scope, v->node->parent)) {
		tile_broken(v, "%s is used outside the scope of %%b%u", what,
		    b->id);
		return false;
	}
	return true;
}

/* An address in one of the spaces. */
static bool
check_address(struct tile_verifier *v, const char *what,
    const struct tile_aff *a, unsigned spaces)
{
	if (a->buffer == NULL) {
		tile_broken(v, "%s has no buffer", what);
		return false;
	}
	return check_scope(v, what, a->buffer, spaces) &&
	    check_terms(v, what, a);
}

static bool
check_number(struct tile_verifier *v, const char *what,
    const struct tile_aff *a)
{
	if (a->buffer != NULL) {
		tile_broken(v, "%s is an address", what);
		return false;
	}
	return check_terms(v, what, a);
}

/* ---- DMA ---- */

static bool
check_dim(struct tile_verifier *v, const struct tile_dma *m, int i)
{
	const struct dma_dim *x = &m->d.dim[i];
	int64_t lo, hi;

	if (!positive(v, "size of a dimension", x->size, TILE_MAX_BYTES) ||
	    !modest(v, x->dram) || !modest(v, x->chip) ||
	    !modest(v, sat_mul(x->size, x->dram)))
		return false;
	if (x->bound < 0 || x->bound > TILE_MAX_BYTES) {
		tile_broken(v, "bound of a dimension out of range");
		return false;
	}
	if (i == m->d.index_dim && x->bound == 0) {
		tile_broken(v, "the indexed dimension has no bound");
		return false;
	}
	if (x->bound == 0)
		return true;
	if (!check_number(v, "start", &m->start[i]))
		return false;
	tile_aff_range(&m->start[i], &lo, &hi);
	return modest(v, lo) && modest(v, hi) &&
	    modest(v, sat_mul(lo, x->dram)) &&
	    modest(v, sat_mul(hi, x->dram));
}

static bool
check_dma(struct tile_verifier *v)
{
	const struct tile_insn *in = v->node->insn;
	const struct tile_dma *m = in->dma;
	const struct dma *d = &m->d;
	bool load = in->kind == TILE_LOAD;

	if (!check_address(v, "dram", &m->dram, 1u << SPACE_DRAM) ||
	    !check_address(v, "chip", &m->chip,
		load ? ON_CHIP : 1u << SPACE_GBUF))
		return false;
	if (!load && (m->dram.buffer->role == ROLE_CONST ||
			 m->dram.buffer->role == ROLE_INPUT)) {
		tile_broken(v, "stores to a tensor that is only read");
		return false;
	}
	if (!is_type(d->dram_dtype) || !is_type(d->chip_dtype) ||
	    (d->dram_dtype != d->chip_dtype &&
		(!dtype_is_float(d->dram_dtype) ||
		    !dtype_is_float(d->chip_dtype)))) {
		tile_broken(v, "no conversion between its element types");
		return false;
	}
	if ((unsigned)d->traffic >= TRAFFIC_COUNT) {
		tile_broken(v, "unknown traffic class");
		return false;
	}
	if (!positive(v, "rank", d->rank, DMA_MAX_RANK))
		return false;
	if (d->index_dim < -1 || d->index_dim >= d->rank) {
		tile_broken(v, "index_dim is not a dimension");
		return false;
	}
	for (int i = 0; i < d->rank; i++) {
		if (!check_dim(v, m, i))
			return false;
	}
	return d->index_dim < 0 ||
	    check_address(v, "index", &m->index, 1u << SPACE_DRAM);
}

/* ---- vector ---- */

static bool
check_operands(struct tile_verifier *v)
{
	const struct tile_vec *t = v->node->insn->vec;
	int n = vec_func_sources((enum vec_func)t->v.func);

	if (!check_address(v, "dst", &t->dst, 1u << SPACE_GBUF))
		return false;
	for (int i = 0; i < VEC_MAX_SRC; i++) {
		if (i >= n && t->src[i].buffer != NULL) {
			tile_broken(v, "more sources than %s reads",
			    vec_func_name((enum vec_func)t->v.func));
			return false;
		}
		if (i < n &&
		    !check_address(v, "a source", &t->src[i], ON_CHIP))
			return false;
		if (i < n && !is_type(t->v.src[i].dtype)) {
			tile_broken(v, "a source has no type");
			return false;
		}
	}
	if (!is_type(t->v.dst.dtype)) {
		tile_broken(v, "dst has no type");
		return false;
	}
	return true;
}

static bool
check_vec(struct tile_verifier *v)
{
	static const enum vec_kind kinds[] = { [TILE_MAP] = VEC_MAP,
		[TILE_RED] = VEC_RED, [TILE_WIN] = VEC_WIN };
	const struct tile_insn *in = v->node->insn;
	const struct vec *x = &in->vec->v;
	int64_t elements = 1;

	if (x->func >= VF_COUNT ||
	    vec_func_kind((enum vec_func)x->func) != kinds[in->kind]) {
		tile_broken(v, "its function is of another kind");
		return false;
	}
	if (!positive(v, "rank", x->rank, VEC_MAX_RANK))
		return false;
	if (x->chain < 0 || x->chain >= 2 * VEC_CHAIN_DST ||
	    ((x->chain & VEC_CHAIN_DST) != 0 && in->kind != TILE_MAP) ||
	    (x->chain != 0 && in->kind == TILE_WIN)) {
		tile_broken(v, "its operands cannot be chained");
		return false;
	}
	if ((in->kind == TILE_RED) != (x->nred > 0) || x->nred < 0 ||
	    x->nred > x->rank ||
	    (in->kind == TILE_WIN && x->rank != VEC_MAX_RANK)) {
		tile_broken(v, "rank %d with %d reduced dimensions", x->rank,
		    x->nred);
		return false;
	}
	for (int i = 0; i < x->rank; i++) {
		if (!positive(v, "size of a dimension", x->size[i],
			TILE_MAX_BYTES) || !modest(v, x->dst.stride[i]) ||
		    !modest(v, x->src[0].stride[i]) ||
		    !modest(v, x->src[1].stride[i]) ||
		    !modest(v, x->src[2].stride[i]))
			return false;
		elements = sat_mul(elements, x->size[i]);
	}
	for (int i = 0; in->kind == TILE_WIN && i < 3; i++) {
		const struct vec_axis *a = &x->axis[i];
		if (!modest(v, a->stride) || !modest(v, a->dil) ||
		    !modest(v, a->pad) || !modest(v, a->up) || a->up < 0 ||
		    !positive(v, "extent", a->extent, TILE_MAX_BYTES))
			return false;
	}
	if (elements > TILE_MAX_BYTES) {
		tile_broken(v, "too many elements");
		return false;
	}
	return check_operands(v);
}

/* ---- matrix ---- */

static bool
check_part(struct tile_verifier *v, const char *what,
    const struct tile_aff *a, int64_t n, int64_t limit)
{
	int64_t lo, hi;

	if (!check_number(v, what, a))
		return false;
	tile_aff_range(a, &lo, &hi);
	if (lo >= 0 && sat_add(hi, n) <= limit)
		return true;
	tile_broken(v, "%s reaches %lld to %lld of %lld", what, (long long)lo,
	    (long long)sat_add(hi, n), (long long)limit);
	return false;
}

static bool
check_axes(struct tile_verifier *v, const struct view *x, int64_t *rows,
    int64_t *cols)
{
	*rows = x->n;
	*cols = x->c;
	for (int i = 0; i < 3; i++) {
		const struct view_axis *a = &x->axis[i];
		if (!positive(v, "out of an axis", a->out, TILE_MAX_BYTES) ||
		    !positive(v, "kernel of an axis", a->kernel,
			TILE_MAX_BYTES) ||
		    !positive(v, "up of an axis", a->up, TILE_MAX_BYTES) ||
		    !positive(v, "extent of an axis", a->extent,
			TILE_MAX_BYTES) ||
		    !modest(v, a->stride) || !modest(v, a->dil) ||
		    !modest(v, a->pad) || !modest(v, a->addr))
			return false;
		*rows = sat_mul(*rows, a->out);
		*cols = sat_mul(*cols, a->kernel);
	}
	if (*rows <= TILE_MAX_BYTES && *cols <= TILE_MAX_BYTES)
		return true;
	tile_broken(v, "the view is too large");
	return false;
}

static bool
check_view(struct tile_verifier *v, unsigned spaces)
{
	const struct tile_insn *in = v->node->insn;
	const struct tile_view *t = in->mx.view;
	const struct view *x = &t->v; /* the builder gives every one */
	bool block = in->kind == TILE_DRAIN || in->kind == TILE_LDOBUF;
	int64_t outer = in->kind == TILE_LDV ? in->mx.n : in->mx.m;
	int64_t inner = block ? in->mx.n : in->mx.k, rows, cols;
	bool swap = (x->flags & VIEW_TRANSPOSED) != 0;

	if (!check_address(v, "base", &t->base, spaces))
		return false;
	if (!is_unit_float(x->dtype) || x->flags > VIEW_TRANSPOSED) {
		tile_broken(v, "wrong element type or flags of the view");
		return false;
	}
	if (!positive(v, "n of the view", x->n, TILE_MAX_BYTES) ||
	    !positive(v, "c of the view", x->c, TILE_MAX_BYTES) ||
	    !modest(v, x->n_addr) || !modest(v, x->c_addr) ||
	    !check_axes(v, x, &rows, &cols))
		return false;
	if (x->kcg < 0 || x->ncg < 0 || (x->kcg > 0) != (x->ncg > 0)) {
		tile_broken(v, "kcg and ncg must be both positive or both 0");
		return false;
	}
	return check_part(v, "outer0", &t->outer0, outer,
		   swap ? cols : rows) &&
	    check_part(v, "k0", &t->k0, inner, swap ? rows : cols);
}

static bool
check_epi(struct tile_verifier *v)
{
	const struct tile_epi *t = v->node->insn->mx.epi;

	if (t == NULL)
		return true;
	if ((unsigned)t->e.act >= EPI_ACT_COUNT) {
		tile_broken(v, "unknown activation");
		return false;
	}
	if ((t->e.round != DT_NONE && !is_unit_float(t->e.round)) ||
	    (t->scale.buffer != NULL && !is_unit_float(t->e.scale.dtype)) ||
	    (t->bias.buffer != NULL && !is_unit_float(t->e.bias.dtype)) ||
	    (t->residual.buffer != NULL && !is_unit_float(t->e.res_dtype))) {
		tile_broken(v, "wrong element type in the epilogue");
		return false;
	}
	if (!modest(v, t->e.res_n) || !modest(v, t->e.res_c) ||
	    !modest(v, t->e.res_axis[0]) || !modest(v, t->e.res_axis[1]) ||
	    !modest(v, t->e.res_axis[2]))
		return false;
	return (t->scale.buffer == NULL ||
		   check_address(v, "scale", &t->scale, ON_CHIP)) &&
	    (t->bias.buffer == NULL ||
		check_address(v, "bias", &t->bias, ON_CHIP)) &&
	    (t->residual.buffer == NULL ||
		check_address(v, "residual", &t->residual, ON_CHIP));
}

static bool
check_bank(struct tile_verifier *v, const char *what,
    const struct tile_buffer *b, enum space space)
{
	if (b == NULL) {
		tile_broken(v, "%s is missing", what);
		return false;
	}
	return check_scope(v, what, b, 1u << space);
}

/* A tile or block fits its bank. */
static bool
check_capacity(struct tile_verifier *v, const char *what, int64_t elements,
    enum dtype t, int64_t bytes, int64_t banks)
{
	int64_t need = elements * (int64_t)dtype_size(t);

	if (bytes == 0 || need <= bytes / (banks > 0 ? banks : 1))
		return true;
	tile_broken(v, "%lld bytes exceed a bank of %s", (long long)need,
	    what);
	return false;
}

static bool
check_sizes(struct tile_verifier *v, bool m, bool k, bool n)
{
	const struct tile_insn *in = v->node->insn;
	const struct wave_target *t = v->p->target;
	int64_t block = t->block_m > 0 ? t->block_m : (1 << 24) - 1;

	return (!m || positive(v, "m", in->mx.m, block)) &&
	    (!k || positive(v, "k", in->mx.k, t->rows)) &&
	    (!n || positive(v, "n", in->mx.n, t->cols));
}

static bool
check_exec(struct tile_verifier *v)
{
	const struct tile_insn *in = v->node->insn;

	if (!check_bank(v, "lbuf_h", in->mx.lbuf_h, SPACE_LBUF_H) ||
	    !check_bank(v, "obuf", in->mx.obuf, SPACE_OBUF) ||
	    !check_sizes(v, true, true, true))
		return false;
	if (in->mx.first > TFIRST_LOOP ||
	    (in->mx.first == TFIRST_LOOP &&
		(in->mx.first_loop == NULL ||
		    !tile_encloses(in->mx.first_loop, v->node->parent)))) {
		tile_broken(v, "first names a loop that is not around it");
		return false;
	}
	return true;
}

static bool
check_block(struct tile_verifier *v)
{
	const struct tile_insn *in = v->node->insn;
	const struct wave_target *t = v->p->target;
	bool drain = in->kind == TILE_DRAIN;

	return check_bank(v, "obuf", in->mx.obuf, SPACE_OBUF) &&
	    check_sizes(v, true, false, true) &&
	    check_capacity(v, "obuf", in->mx.m * in->mx.n, DT_F32,
		t->obuf_bytes, t->obuf_banks) &&
	    check_view(v, drain ? 1u << SPACE_GBUF : ON_CHIP) &&
	    (!drain || check_epi(v));
}

static bool
check_matrix(struct tile_verifier *v)
{
	const struct tile_insn *in = v->node->insn;
	const struct wave_target *t = v->p->target;

	if (in->mx.mode < 0 || in->mx.mode > 3 ||
	    (in->mx.mode != 0 && !t->flexsa)) {
		tile_broken(v, "array mode %d", in->mx.mode);
		return false;
	}
	switch (in->kind) {
	case TILE_LDV:
		return check_bank(v, "lbuf_v", in->mx.lbuf_v, SPACE_LBUF_V) &&
		    check_sizes(v, false, true, true) &&
		    check_view(v, ON_CHIP) &&
		    check_capacity(v, "lbuf_v", in->mx.k * in->mx.n,
			in->mx.view->v.dtype, t->lbuf_v_bytes,
			t->lbuf_banks);
	case TILE_LDH:
		return check_bank(v, "lbuf_h", in->mx.lbuf_h, SPACE_LBUF_H) &&
		    check_sizes(v, true, true, false) &&
		    check_view(v, ON_CHIP) &&
		    check_capacity(v, "lbuf_h", in->mx.k * in->mx.m,
			in->mx.view->v.dtype, t->lbuf_h_bytes,
			t->lbuf_banks);
	case TILE_SHIFT:
		return check_bank(v, "lbuf_v", in->mx.lbuf_v, SPACE_LBUF_V) &&
		    check_sizes(v, false, true, true);
	case TILE_EXEC:
		return check_exec(v);
	default:
		return check_block(v);
	}
}

/* ---- all ---- */

static void
check_bounds(struct tile_verifier *v)
{
	struct tile_access acc[TILE_MAX_ACCESS];
	int n = tile_accesses(v->node->insn, v->p->groups, acc);

	for (int i = 0; i < n; i++) {
		const struct tile_buffer *b = acc[i].buffer;
		int64_t hi = acc[i].hi;
		/* Slices of a temporary are the planner's business. */
		if (b->space == SPACE_DRAM &&
		    (!b->per_group || b->role != ROLE_TEMP))
			hi = sat_add(hi,
			    sat_mul(b->group_stride, v->p->groups - 1));
		if (acc[i].lo < 0 || hi > b->bytes)
			tile_broken(v, "%s bytes %lld to %lld of %%b%u, "
			    "which has %lld", acc[i].write ? "writes" :
			    "reads", (long long)acc[i].lo, (long long)hi,
			    b->id, (long long)b->bytes);
	}
}

void
tile_check_insn(struct tile_verifier *v)
{
	const struct tile_insn *in = v->node->insn;
	static const unsigned matrix = 1u << Q_MX | 1u << Q_ML;
	static const unsigned queues[TILE_KIND_COUNT] = { 1u << Q_LD,
		1u << Q_ST, matrix, matrix, matrix, matrix, matrix, matrix,
		1u << Q_VE, 1u << Q_VE, 1u << Q_VE, 1u << Q_CO };
	bool good;

	if ((unsigned)in->kind >= TILE_KIND_COUNT ||
	    (unsigned)in->queue >= Q_COUNT ||
	    (queues[in->kind] >> in->queue & 1) == 0) {
		tile_broken(v, "the queue does not run this");
		return;
	}
	switch (in->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		good = check_dma(v);
		break;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		good = check_vec(v);
		break;
	case TILE_BARRIER:
		return;
	default:
		good = check_matrix(v);
		break;
	}
	if (good)
		check_bounds(v);
}
