/* Tiles of matrix views as boxes. A range of rows is cut by mixed radix into
 * at most seven boxes, a range of columns into its kernel taps. */
#include "runtime/sim/access.h"

#include "support/str.h"

#define MAX_TAPS 4096 /* beyond: bounds are not precomputed */

bool
access_view_extents(const struct view *v, int64_t *p, int64_t *q)
{
	*p = v->n;
	*q = v->c;
	for (int a = 0; a < 3; a++)
		if (!mul_int64(*p, v->axis[a].out, p) ||
		    !mul_int64(*q, v->axis[a].kernel, q))
			return false;
	return *p >= 0 && *q >= 0;
}

bool
access_tile_fits(const struct access_tile *a, const char **why)
{
	bool t = (a->view->flags & VIEW_TRANSPOSED) != 0;
	int64_t p, q;

	if (!access_view_extents(a->view, &p, &q)) {
		*why = "the extents of the view overflow";
		return false;
	}
	int64_t outer = t ? q : p, k = t ? p : q;

	if (a->outer0 < 0 || a->k0 < 0 || a->outer0 > outer ||
	    a->k0 > k || a->outer > outer - a->outer0 ||
	    a->k > k - a->k0) {
		*why = "the tile leaves its view";
		return false;
	}
	return true;
}

/* The output coordinates first, first + step, ... (count of them) within
 * [o0, o1) that tap kt of axis x maps to a stored coordinate, which starts at
 * coord and advances by jump. */
struct axis_span {
	int64_t count, first, step, coord, jump;
};

static int64_t
gcd64(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static struct axis_span
axis_span(const struct view_axis *x, int64_t kt, int64_t o0, int64_t o1)
{
	struct axis_span s = { 0, o0, 1, 0, 0 };
	int64_t up = x->up > 0 ? x->up : 1;
	int64_t shift = kt * x->dil - x->pad; /* pos = o * stride + shift */
	int64_t limit = (x->extent - 1) * up; /* largest stored pos */

	if (x->stride == 0) {
		if (shift < 0 || shift > limit || shift % up != 0)
			return s;
		s.count = o1 - o0;
		s.coord = shift / up;
		return s;
	}
	/* 0 <= o * stride + shift <= limit */
	int64_t lo = -floor_div(shift, x->stride);
	int64_t hi = floor_div(limit - shift, x->stride) + 1;

	lo = lo > o0 ? lo : o0;
	hi = hi < o1 ? hi : o1;
	s.step = up / gcd64(up, x->stride % up);
	for (int64_t i = 0; i < s.step && lo < hi; i++, lo++)
		if ((lo * x->stride + shift) % up == 0)
			break;
	if (lo >= hi || (lo * x->stride + shift) % up != 0)
		return s;
	s.first = lo;
	s.count = (hi - lo + s.step - 1) / s.step;
	s.coord = (lo * x->stride + shift) / up;
	s.jump = s.step * x->stride / up;
	return s;
}

struct emitter {
	const struct access_tile *tile;
	box_fn *fn;
	void *user;
	int64_t tap[3];    /* current tap per axis */
	int64_t c0, c1;    /* current channels, as addressed */
	bool overflow;     /* of an address: the box was left out */
	int64_t o0[4], o1[4]; /* current ranges of digits n, d, h, w */
};

/* *base += n * step; notes an overflow. */
static void
advance(struct emitter *e, int64_t *base, int64_t n, int64_t step)
{
	int64_t move;

	if (!mul_int64(n, step, &move) || !add_int64(*base, move, base))
		e->overflow = true;
}

static void
emit_box(struct emitter *e)
{
	const struct view *v = e->tile->view;
	struct box b = { .base = e->tile->base,
		.elem = (int64_t)dtype_size(v->dtype),
		.rank = 5 };
	bool before = e->overflow;

	e->overflow = false;
	advance(e, &b.base, e->o0[0], v->n_addr);
	advance(e, &b.base, e->c0, v->c_addr);
	b.size[0] = e->o1[0] - e->o0[0];
	b.stride[0] = v->n_addr;
	b.size[4] = e->c1 - e->c0;
	b.stride[4] = v->c_addr;
	for (int a = 0; a < 3; a++) {
		struct axis_span s = axis_span(&v->axis[a], e->tap[a],
		    e->o0[a + 1], e->o1[a + 1]);

		if (s.count <= 0)
			break;
		advance(e, &b.base, s.coord, v->axis[a].addr);
		b.size[a + 1] = s.count;
		advance(e, &b.stride[a + 1], s.jump, v->axis[a].addr);
	}
	if (!e->overflow && !box_empty(&b))
		e->fn(e->user, &b);
	e->overflow = before || (e->overflow && !box_empty(&b));
}

/* Digits from level on run over [p0, p1) of the block that the digits before
 * fix; block is the number of rows of one step of this digit. */
static void
emit_rows(struct emitter *e, int level, int64_t p0, int64_t p1)
{
	const struct view *v = e->tile->view;
	int64_t block = 1;

	for (int a = level; a < 3; a++)
		block *= v->axis[a].out;
	if (p0 >= p1)
		return;
	if (level == 3) {
		e->o0[3] = p0;
		e->o1[3] = p1;
		emit_box(e);
		return;
	}
	int64_t first = p0 / block, last = (p1 - 1) / block;

	if (first == last && (p0 % block != 0 || p1 % block != 0)) {
		e->o0[level] = first;
		e->o1[level] = first + 1;
		emit_rows(e, level + 1, p0 - first * block,
		    p1 - first * block);
		return;
	}
	if (p0 % block != 0) {
		emit_rows(e, level, p0, (first + 1) * block);
		first++;
	}
	if (p1 % block != 0) {
		emit_rows(e, level, last * block, p1);
		last--;
	}
	if (first > last)
		return;
	e->o0[level] = first;
	e->o1[level] = last + 1;
	for (int a = level; a < 3; a++) {
		e->o0[a + 1] = 0;
		e->o1[a + 1] = v->axis[a].out;
	}
	emit_box(e);
}

/* Columns [q0, q1) times rows [p0, p1), whose channels are moved by -shift
 * and cut to [clo, chi). */
static void
emit_taps(struct emitter *e, int64_t p0, int64_t p1, int64_t q0, int64_t q1,
    const struct range *channels)
{
	const struct view *v = e->tile->view;
	int64_t kh = v->axis[1].kernel, kw = v->axis[2].kernel;

	if (v->c <= 0 || q0 >= q1)
		return;
	for (int64_t t = q0 / v->c; t <= (q1 - 1) / v->c; t++) {
		int64_t c0 = q0 - t * v->c, c1 = q1 - t * v->c;

		c0 = c0 > channels->lo ? c0 : channels->lo;
		c1 = c1 < channels->hi ? c1 : channels->hi;
		if (c0 >= c1)
			continue;
		int64_t move = v->kcg > 0 ? channels->lo : 0;

		e->c0 = c0 - move;
		e->c1 = c1 - move;
		e->tap[0] = t / (kh * kw);
		e->tap[1] = t / kw % kh;
		e->tap[2] = t % kw;
		emit_rows(e, 0, p0, p1);
	}
}

bool
access_tile_boxes(const struct access_tile *a, box_fn *fn, void *user)
{
	const struct view *v = a->view;
	struct emitter e = { .tile = a, .fn = fn, .user = user };
	bool t = (v->flags & VIEW_TRANSPOSED) != 0;
	int64_t p0 = t ? a->k0 : a->outer0, q0 = t ? a->outer0 : a->k0;
	int64_t p1 = p0 + (t ? a->k : a->outer);
	int64_t q1 = q0 + (t ? a->outer : a->k);
	struct range all = { 0, v->c };

	if (p0 >= p1 || q0 >= q1)
		return true;
	if (v->kcg <= 0 || v->ncg <= 0) {
		emit_taps(&e, p0, p1, q0, q1, &all);
		return !e.overflow;
	}
	for (int64_t g = p0 / v->ncg; g <= (p1 - 1) / v->ncg; g++) {
		int64_t r0 = g * v->ncg, r1 = r0 + v->ncg;
		struct range c = { g * v->kcg, (g + 1) * v->kcg };

		c.hi = c.hi < v->c ? c.hi : v->c;
		emit_taps(&e, r0 > p0 ? r0 : p0, r1 < p1 ? r1 : p1, q0, q1,
		    &c);
	}
	return !e.overflow;
}

struct bounds_state {
	struct range range;
	bool ok, any;
};

static void
bounds_box(void *user, const struct box *b)
{
	struct bounds_state *s = user;
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
access_tile_bounds(const struct access_tile *a, struct range *out)
{
	struct bounds_state s = { { 0, 0 }, true, false };

	bool whole = access_tile_boxes(a, bounds_box, &s);

	*out = s.range;
	return whole && s.ok;
}

/* Adds the addresses of coordinates [lo, hi] times stride to the range. */
static bool
widen(struct range *r, int64_t lo, int64_t hi, int64_t stride)
{
	int64_t a, b;

	if (!mul_int64(lo, stride, &a) || !mul_int64(hi, stride, &b))
		return false;
	return add_int64(r->lo, a < b ? a : b, &r->lo) &&
	    add_int64(r->hi, a < b ? b : a, &r->hi);
}

bool
access_view_bounds(const struct view *v, struct range *out)
{
	struct range r = { 0, (int64_t)dtype_size(v->dtype) };
	int64_t c = v->kcg > 0 && v->kcg < v->c ? v->kcg : v->c;

	out->lo = out->hi = 0;
	if (v->n <= 0 || c <= 0)
		return true;
	if (!widen(&r, 0, v->n - 1, v->n_addr) ||
	    !widen(&r, 0, c - 1, v->c_addr))
		return false;
	for (int a = 0; a < 3; a++) {
		const struct view_axis *x = &v->axis[a];
		int64_t lo = INT64_MAX, hi = -1;

		if (x->kernel > MAX_TAPS || x->up > MAX_TAPS)
			return false;
		for (int64_t k = 0; k < x->kernel; k++) {
			struct axis_span s = axis_span(x, k, 0, x->out);

			if (s.count <= 0)
				continue;
			int64_t end = s.coord + (s.count - 1) * s.jump;

			lo = s.coord < lo ? s.coord : lo;
			hi = end > hi ? end : hi;
		}
		if (hi < 0)
			return true;
		if (!widen(&r, lo, hi, x->addr))
			return false;
	}
	*out = r;
	return true;
}

struct view
access_residual_view(const struct view *v, const struct epi *e)
{
	struct view r = *v;

	r.space = e->res_space;
	r.dtype = e->res_dtype;
	r.base = e->res_base;
	r.n_addr = e->res_n;
	r.c_addr = e->res_c;
	for (int a = 0; a < 3; a++) {
		struct view_axis *x = &r.axis[a];

		x->stride = 1;
		x->dil = x->pad = 0;
		x->up = 1;
		x->extent = x->out;
		x->addr = e->res_axis[a];
	}
	return r;
}

struct view
access_channel_view(const struct view *v, const struct epi_vector *c)
{
	struct epi e = { .res_space = c->space,
		.res_dtype = c->dtype,
		.res_base = c->base,
		.res_c = (int64_t)dtype_size(c->dtype) };

	return access_residual_view(v, &e);
}
