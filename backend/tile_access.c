#include "backend/tile_access.h"

#include <string.h>

#include "support/dtype.h"
#include "support/str.h"

int64_t
sat_mul(int64_t a, int64_t b)
{
	int64_t r;

	if (mul_int64(a, b, &r))
		return r;
	return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

int64_t
sat_add(int64_t a, int64_t b)
{
	int64_t r;

	if (add_int64(a, b, &r))
		return r;
	return a < 0 ? INT64_MIN : INT64_MAX;
}

void
tile_aff_range(const struct tile_aff *a, int64_t *lo, int64_t *hi)
{
	*lo = *hi = a->offset;
	for (int i = 0; i < a->nterms; i++) {
		int64_t last = sat_mul(a->term[i].stride,
		    a->term[i].loop->count - 1);
		if (last < 0)
			*lo = sat_add(*lo, last);
		else
			*hi = sat_add(*hi, last);
	}
}

/* Adds scale times every loop term of a. */
static void
add_loops(struct tile_access *x, const struct tile_aff *a, int64_t scale)
{
	for (int i = 0; i < a->nterms; i++) {
		int depth = a->term[i].loop->depth;
		if (depth < ISA_MAX_LOOPS)
			x->loop[depth] = sat_add(x->loop[depth],
			    sat_mul(scale, a->term[i].stride));
	}
}

/* Takes values between lo and hi, times scale, into the bounds. */
static void
add_reach(struct tile_access *x, int64_t scale, int64_t lo, int64_t hi)
{
	int64_t a = sat_mul(scale, lo), b = sat_mul(scale, hi);

	x->lo = sat_add(x->lo, a < b ? a : b);
	x->hi = sat_add(x->hi, a < b ? b : a);
}

static void
insert_dim(struct tile_access *x, int64_t stride, int64_t count)
{
	int i = x->ndims;

	if (i == TILE_MAX_DIMS)
		ice("tile", "a box of more than %d dimensions", i);
	while (i > 0 && x->dim[i - 1].stride > stride) {
		x->dim[i] = x->dim[i - 1];
		i--;
	}
	x->dim[i].stride = stride;
	x->dim[i].count = count;
	x->ndims++;
}

/* Moves dense dimensions into len, joins those that continue each other. */
static void
canonical(struct tile_access *x)
{
	int n = 0;

	for (int i = 0; i < x->ndims; i++) {
		struct tile_dim d = x->dim[i];
		if (n == 0 && d.stride <= x->len) {
			x->len = sat_add(x->len,
			    sat_mul(d.stride, d.count - 1));
		} else if (n > 0 &&
		    d.stride == sat_mul(x->dim[n - 1].stride,
			x->dim[n - 1].count)) {
			x->dim[n - 1].count =
			    sat_mul(x->dim[n - 1].count, d.count);
		} else {
			x->dim[n++] = d;
		}
	}
	x->ndims = n;
}

void
tile_access_dim(struct tile_access *x, int64_t stride, int64_t count)
{
	if (stride == 0 || count <= 1)
		return;
	if (stride < 0) {
		x->offset = sat_add(x->offset, sat_mul(stride, count - 1));
		stride = stride == INT64_MIN ? INT64_MAX : -stride;
	}
	insert_dim(x, stride, count);
	canonical(x);
}

/* Elements lo..hi along a dimension. */
static void
add_span(struct tile_access *x, int64_t stride, int64_t lo, int64_t hi)
{
	add_reach(x, stride, lo, hi);
	x->offset = sat_add(x->offset, sat_mul(stride, lo));
	tile_access_dim(x, stride, sat_add(hi, 1 - lo));
}

/* n elements along a dimension, the first at the value of a. */
static void
add_line(struct tile_access *x, int64_t stride, const struct tile_aff *a,
    int64_t n)
{
	int64_t lo, hi;

	tile_aff_range(a, &lo, &hi);
	add_reach(x, stride, lo, sat_add(hi, n - 1));
	x->offset = sat_add(x->offset, sat_mul(stride, a->offset));
	add_loops(x, a, stride);
	tile_access_dim(x, stride, n);
}

static void
begin(struct tile_access *x, const struct tile_aff *base, bool write,
    enum dtype dtype)
{
	memset(x, 0, sizeof *x);
	x->buffer = base->buffer;
	x->write = write;
	x->len = (int64_t)dtype_size(dtype);
	tile_aff_range(base, &x->lo, &x->hi);
	x->hi = sat_add(x->hi, x->len);
	x->offset = base->offset;
	x->gstride = base->gstride;
	add_loops(x, base, 1);
}

static void
bank(struct tile_access *x, struct tile_buffer *b, bool write)
{
	memset(x, 0, sizeof *x);
	x->buffer = b;
	x->write = write;
	x->len = x->hi = 1;
}

/* ---- DMA ---- */

/* The DRAM side; false when every coordinate lies outside the bounds. */
static bool
dma_dram(struct tile_access *x, const struct tile_dma *m, bool write)
{
	const struct dma *d = &m->d;

	begin(x, &m->dram, write, d->dram_dtype);
	for (int i = 0; i < d->rank && i < DMA_MAX_RANK; i++) {
		const struct dma_dim *e = &d->dim[i];
		int64_t lo, hi;
		if (i == d->index_dim) {
			add_span(x, e->dram, 0, e->bound - 1);
			continue;
		}
		if (e->bound <= 0) {
			add_span(x, e->dram, 0, e->size - 1);
			continue;
		}
		tile_aff_range(&m->start[i], &lo, &hi);
		hi = sat_add(hi, e->size - 1);
		lo = lo < 0 ? 0 : lo;
		hi = hi >= e->bound ? e->bound - 1 : hi;
		if (lo > hi)
			return false;
		if (m->start[i].nterms == 0) {
			add_span(x, e->dram, lo, hi);
			continue;
		}
		/* The box is left unclipped, the bounds are not. */
		add_reach(x, e->dram, lo, hi);
		x->offset = sat_add(x->offset,
		    sat_mul(e->dram, m->start[i].offset));
		add_loops(x, &m->start[i], e->dram);
		tile_access_dim(x, e->dram, e->size);
	}
	return true;
}

/* The chip side: a load fills all of it, a store reads only what it writes. */
static void
dma_chip(struct tile_access *x, const struct tile_dma *m, bool load)
{
	const struct dma *d = &m->d;

	begin(x, &m->chip, load, d->chip_dtype);
	for (int i = 0; i < d->rank && i < DMA_MAX_RANK; i++) {
		const struct dma_dim *e = &d->dim[i];
		int64_t lo = 0, hi = e->size - 1, start = m->start[i].offset;
		if (!load && i != d->index_dim && e->bound > 0 &&
		    m->start[i].nterms == 0) {
			if (start < 0)
				lo = -start;
			if (start > e->bound - e->size)
				hi = e->bound - 1 - start;
		}
		add_span(x, e->chip, lo, hi);
	}
}

static int
dma_accesses(const struct tile_insn *in, struct tile_access *out)
{
	const struct tile_dma *m = in->dma;
	const struct dma *d = &m->d;
	bool load = in->kind == TILE_LOAD;
	int n = 0;

	if (dma_dram(&out[n], m, !load))
		n++;
	else if (!load)
		return 0; /* it stores nothing */
	dma_chip(&out[n++], m, load);
	if (d->index_dim >= 0 && d->index_dim < DMA_MAX_RANK) {
		begin(&out[n], &m->index, false, DT_I32);
		add_span(&out[n], 4, 0, d->dim[d->index_dim].size - 1);
		n++;
	}
	return n;
}

/* ---- vector ---- */

/* The input of a window function: n, d, h, w, c with a halo. */
static bool
window_input(struct tile_access *x, const struct vec *v,
    const struct vec_operand *o)
{
	add_span(x, o->stride[0], 0, v->size[0] - 1);
	for (int a = 0; a < 3; a++) {
		const struct vec_axis *e = &v->axis[a];
		int64_t last = sat_add(
		    sat_mul(v->size[1 + a] - 1, e->stride),
		    sat_mul(v->size[5 + a] - 1, e->dil));
		int64_t up = e->up > 1 ? e->up : 1;
		int64_t lo = e->pad > 0 ? 0 : ceil_div(-e->pad, up);
		int64_t hi = sat_add(last, -e->pad);
		if (hi < 0)
			return false;
		hi /= up;
		if (hi >= e->extent)
			hi = e->extent - 1;
		if (lo > hi)
			return false;
		add_span(x, o->stride[1 + a], lo, hi);
	}
	add_span(x, o->stride[4], 0, v->size[4] - 1);
	return true;
}

static int
vec_accesses(const struct tile_insn *in, struct tile_access *out)
{
	const struct tile_vec *t = in->vec;
	const struct vec *v = &t->v;
	int rank = v->rank < VEC_MAX_RANK ? v->rank : VEC_MAX_RANK, n = 0;
	int outer = in->kind == TILE_RED ? rank - v->nred :
	    in->kind == TILE_WIN         ? 5 :
					   rank;

	for (int s = 0; s < VEC_MAX_SRC; s++) {
		if (t->src[s].buffer == NULL)
			continue;
		begin(&out[n], &t->src[s], false, v->src[s].dtype);
		if (in->kind == TILE_WIN) {
			n += window_input(&out[n], v, &v->src[s]);
			continue;
		}
		for (int i = 0; i < rank; i++)
			add_span(&out[n], v->src[s].stride[i], 0,
			    v->size[i] - 1);
		n++;
	}
	if (t->dst.buffer == NULL)
		return n;
	begin(&out[n], &t->dst, true, v->dst.dtype);
	for (int i = 0; i < outer; i++)
		add_span(&out[n], v->dst.stride[i], 0, v->size[i] - 1);
	return n + 1;
}

/* ---- matrix ---- */

/* Part of the rows or columns of a view: n of them from the value of *at. */
struct part {
	const struct tile_aff *at;
	int64_t n;
};

/* The digits that the part takes, most significant first, as ranges. */
static void
digit_ranges(const struct part *p, const int64_t *radix, int ndigits,
    int64_t *lo, int64_t *hi)
{
	int64_t a, b;

	tile_aff_range(p->at, &a, &b);
	b = sat_add(b, p->n - 1);
	if (a < 0)
		a = 0;
	for (int i = ndigits - 1; i >= 0; i--) {
		int64_t r = radix[i] > 0 ? radix[i] : 1;
		lo[i] = a % r;
		hi[i] = b % r;
		if (a / r != b / r) {
			lo[i] = 0;
			hi[i] = r - 1;
		}
		a /= r;
		b /= r;
	}
}

/* Whether rows advance by one constant step: *step, given the step of each
 * digit n, d, h, w. */
static bool
rows_linear(const struct view *v, const int64_t *digit, int64_t *step)
{
	const int64_t radix[4] = { v->n, v->axis[0].out, v->axis[1].out,
		v->axis[2].out };
	int64_t next = 0;
	bool any = false;

	*step = 0;
	for (int i = 3; i >= 0; i--) {
		if (radix[i] <= 1)
			continue;
		if (!any)
			*step = next = digit[i];
		else if (digit[i] != next)
			return false;
		any = true;
		next = sat_mul(next, radix[i]);
	}
	return true;
}

/* Rows of an operand addressed by the digits of the view, without its taps. */
static void
add_rows(struct tile_access *x, const struct view *v, const int64_t *digit,
    const struct part *p)
{
	const int64_t radix[4] = { v->n, v->axis[0].out, v->axis[1].out,
		v->axis[2].out };
	int64_t step, lo[4], hi[4];

	if (rows_linear(v, digit, &step)) {
		add_line(x, step, p->at, p->n);
		return;
	}
	digit_ranges(p, radix, 4, lo, hi);
	for (int i = 0; i < 4; i++)
		add_span(x, digit[i], lo[i], hi[i]);
}

/* Stored positions of one axis for output digits o and taps k. False when
 * all are padding. */
static bool
add_axis(struct tile_access *x, const struct view_axis *e, const int64_t *o,
    const int64_t *k)
{
	int64_t ol = sat_mul(o[0], e->stride), oh = sat_mul(o[1], e->stride);
	int64_t kl = sat_mul(k[0], e->dil), kh = sat_mul(k[1], e->dil);
	int64_t lo = sat_add(ol < oh ? ol : oh, kl < kh ? kl : kh);
	int64_t hi = sat_add(ol < oh ? oh : ol, kl < kh ? kh : kl);
	int64_t up = e->up > 0 ? e->up : 1;

	lo = sat_add(lo, -e->pad);
	hi = sat_add(hi, -e->pad);
	if (lo >= 0 && hi < e->extent && up == 1 && k[0] == k[1]) {
		int64_t first = sat_add(ol, sat_add(kl, -e->pad));
		add_reach(x, e->addr, lo, hi);
		x->offset = sat_add(x->offset, sat_mul(e->addr, first));
		tile_access_dim(x, sat_mul(e->addr, e->stride),
		    o[1] - o[0] + 1);
		return true;
	}
	lo = lo < 0 ? 0 : lo / up + (lo % up != 0);
	hi = hi < 0 ? -1 : hi / up;
	if (hi >= e->extent)
		hi = e->extent - 1;
	if (lo > hi)
		return false;
	add_span(x, e->addr, lo, hi);
	return true;
}

/* A view whose rows step over memory without padding or taps: all positions
 * are stored ones, so digits have constant steps. */
static bool
plain(const struct view *v, int64_t *digit, int64_t *constant)
{
	digit[0] = v->n_addr;
	*constant = 0;
	for (int a = 0; a < 3; a++) {
		const struct view_axis *e = &v->axis[a];
		int64_t last = sat_add(sat_mul(e->out - 1, e->stride),
		    -e->pad);
		if (e->kernel != 1 || e->up != 1 || e->pad > 0 ||
		    e->stride < 0 || last >= e->extent)
			return false;
		digit[1 + a] = sat_mul(e->stride, e->addr);
		*constant = sat_add(*constant, sat_mul(-e->pad, e->addr));
	}
	return true;
}

static void
add_channels(struct tile_access *x, const struct view *v, int64_t step,
    const struct part *q, bool blocks)
{
	const int64_t radix[4] = { v->axis[0].kernel, v->axis[1].kernel,
		v->axis[2].kernel, v->c };
	int64_t lo[4], hi[4];

	if (blocks && v->kcg > 0) {
		add_span(x, step, 0, (v->kcg < v->c ? v->kcg : v->c) - 1);
		return;
	}
	if (sat_mul(sat_mul(radix[0], radix[1]), radix[2]) == 1) {
		add_line(x, step, q->at, q->n);
		return;
	}
	digit_ranges(q, radix, 4, lo, hi);
	add_span(x, step, lo[3], hi[3]);
}

/* The memory side of a matrix instruction. False when all is padding. */
static bool
view_access(struct tile_access *x, const struct tile_view *t, bool write,
    const struct part *p, const struct part *q)
{
	const struct view *v = &t->v;
	const int64_t rows[4] = { v->n, v->axis[0].out, v->axis[1].out,
		v->axis[2].out };
	const int64_t cols[4] = { v->axis[0].kernel, v->axis[1].kernel,
		v->axis[2].kernel, v->c };
	int64_t digit[4], constant, olo[4], ohi[4], klo[4], khi[4];

	begin(x, &t->base, write, v->dtype);
	if (plain(v, digit, &constant)) {
		add_span(x, 1, constant, constant);
		add_rows(x, v, digit, p);
	} else {
		digit_ranges(p, rows, 4, olo, ohi);
		digit_ranges(q, cols, 4, klo, khi);
		add_span(x, v->n_addr, olo[0], ohi[0]);
		for (int a = 0; a < 3; a++) {
			const int64_t o[2] = { olo[1 + a], ohi[1 + a] };
			const int64_t k[2] = { klo[a], khi[a] };
			if (!add_axis(x, &v->axis[a], o, k))
				return false;
		}
	}
	add_channels(x, v, v->c_addr, q, true);
	return true;
}

static int
epi_accesses(const struct tile_insn *in, const struct part *p,
    const struct part *q, struct tile_access *out)
{
	const struct tile_epi *t = in->mx.epi;
	const struct view *v = &in->mx.view->v;
	const struct epi *e = &t->e;
	const int64_t digit[4] = { e->res_n, e->res_axis[0], e->res_axis[1],
		e->res_axis[2] };
	int n = 0;

	if (t->scale.buffer != NULL) {
		begin(&out[n], &t->scale, false, e->scale.dtype);
		add_channels(&out[n], v,
		    (int64_t)dtype_size(e->scale.dtype), q, false);
		n++;
	}
	if (t->bias.buffer != NULL) {
		begin(&out[n], &t->bias, false, e->bias.dtype);
		add_channels(&out[n], v, (int64_t)dtype_size(e->bias.dtype),
		    q, false);
		n++;
	}
	if (t->residual.buffer != NULL) {
		begin(&out[n], &t->residual, false, e->res_dtype);
		add_rows(&out[n], v, digit, p);
		add_channels(&out[n], v, e->res_c, q, false);
		n++;
	}
	return n;
}

static int
view_accesses(const struct tile_insn *in, struct tile_access *out)
{
	const struct tile_view *t = in->mx.view;
	bool drain = in->kind == TILE_DRAIN, swap;
	bool block = drain || in->kind == TILE_LDOBUF;
	struct part outer, inner, p, q;
	int n = 0;

	outer.at = &t->outer0;
	outer.n = in->kind == TILE_LDV ? in->mx.n : in->mx.m;
	inner.at = &t->k0;
	inner.n = block ? in->mx.n : in->mx.k;
	swap = (t->v.flags & VIEW_TRANSPOSED) != 0;
	p = swap ? inner : outer;
	q = swap ? outer : inner;
	n += view_access(&out[n], t, drain, &p, &q);
	if (drain && in->mx.epi != NULL)
		n += epi_accesses(in, &p, &q, &out[n]);
	return n;
}

static int
own_accesses(const struct tile_insn *in, struct tile_access *out)
{
	int n = 0;

	switch (in->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		return dma_accesses(in, out);
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		return vec_accesses(in, out);
	case TILE_LDV:
		n = view_accesses(in, out);
		bank(&out[n++], in->mx.lbuf_v, true);
		break;
	case TILE_LDH:
		n = view_accesses(in, out);
		bank(&out[n++], in->mx.lbuf_h, true);
		break;
	case TILE_SHIFT:
		bank(&out[n++], in->mx.lbuf_v, false);
		break;
	case TILE_EXEC:
		bank(&out[n++], in->mx.lbuf_h, false);
		bank(&out[n++], in->mx.obuf, true);
		break;
	case TILE_DRAIN:
		n = view_accesses(in, out);
		bank(&out[n++], in->mx.obuf, false);
		break;
	case TILE_LDOBUF:
		n = view_accesses(in, out);
		bank(&out[n++], in->mx.obuf, true);
		break;
	case TILE_BARRIER:
	case TILE_KIND_COUNT:
		break;
	}
	return n;
}

int
tile_accesses(const struct tile_insn *in, int groups, struct tile_access *out)
{
	int n = own_accesses(in, out);

	for (int i = 0; i < n; i++) {
		if (out[i].gstride == 0)
			continue;
		add_reach(&out[i], out[i].gstride, 0, groups - 1);
		tile_access_dim(&out[i], out[i].gstride, groups);
	}
	return n;
}
