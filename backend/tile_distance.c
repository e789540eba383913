#include "backend/tile_sync.h"

/* Work per question; beyond it the answer is the least that is possible. */
#define MAX_TRIES 200
#define MAX_SLICES 400

/* Iteration vectors (d_j) of the loops from the scope to the body, d_j = how
 * much later y is in loop j. Adjacent iterations of loop j are weight[j]
 * iterations of the body and move y by step[j] bytes against x. */
struct search {
	const struct tile_access *x, *y;
	int first, last;          /* depths */
	int64_t count[ISA_MAX_LOOPS], step[ISA_MAX_LOOPS];
	int64_t weight[ISA_MAX_LOOPS];
	int64_t reach[ISA_MAX_LOOPS + 1]; /* largest |move| of deeper loops */
	int64_t lo, hi; /* moves that make the hulls overlap */
	int64_t start;
	int tries;
};

static int64_t
box_span(const struct tile_access *x)
{
	int64_t n = x->len;

	for (int i = 0; i < x->ndims; i++)
		n += x->dim[i].stride * (x->dim[i].count - 1);
	return n;
}

/* Bytes from the first to the last of the box when addresses are taken modulo
 * p, dimensions that are multiples of p fold onto themselves. */
static int64_t
folded_span(const struct tile_access *x, int64_t p)
{
	int64_t n = x->len;

	for (int i = 0; i < x->ndims; i++) {
		if (x->dim[i].stride % p != 0)
			n += x->dim[i].stride * (x->dim[i].count - 1);
	}
	return n;
}

/* Whether the boxes, y moved by `move`, are apart modulo p: rows or channels
 * of the same tensor that interleave without touching. */
static bool
apart(const struct tile_access *x, const struct tile_access *y, int64_t move,
    int64_t p)
{
	int64_t wx = folded_span(x, p), wy = folded_span(y, p), r;

	if (wx >= p || wy >= p)
		return false;
	r = (y->offset + move - x->offset) % p;
	if (r < 0)
		r += p;
	return r >= wx && r + wy <= p;
}

/* A box without its outermost dimensions: the first n are left. */
struct rest {
	const struct tile_access *x;
	int n;
	int64_t at, span;
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* Exact intersection of two boxes by taking them apart, outermost dimensions
 * first; true when *left runs out. */
static bool
cross(struct rest x, struct rest y, int *left)
{
	struct tile_dim d;
	int64_t c, last;

	if (x.at >= y.at + y.span || y.at >= x.at + x.span)
		return false;
	if ((x.n == 0 && y.n == 0) || (*left)-- <= 0)
		return true;
	if (x.n == 0 || (y.n > 0 && y.x->dim[y.n - 1].stride >
			     x.x->dim[x.n - 1].stride)) {
		struct rest swap = x;
		x = y;
		y = swap;
	}
	d = x.x->dim[--x.n];
	x.span -= d.stride * (d.count - 1);
	/* Only slices that reach into y's hull. */
	c = floor_div(y.at - x.at - x.span, d.stride) + 1;
	last = floor_div(y.at + y.span - 1 - x.at, d.stride);
	if (c < 0)
		c = 0;
	if (last > d.count - 1)
		last = d.count - 1;
	for (x.at += c * d.stride; c <= last; c++, x.at += d.stride) {
		if (cross(x, y, left))
			return true;
	}
	return false;
}

static bool
overlap(const struct search *s, int64_t move)
{
	struct rest x = { s->x, s->x->ndims, s->x->offset, box_span(s->x) };
	struct rest y = { s->y, s->y->ndims, s->y->offset + move,
		box_span(s->y) };
	int left = MAX_SLICES;

	if (move < s->lo || move > s->hi)
		return false;
	for (int i = 0; i < s->x->ndims; i++) {
		if (apart(s->x, s->y, move, s->x->dim[i].stride))
			return false;
	}
	for (int i = 0; i < s->y->ndims; i++) {
		if (apart(s->x, s->y, move, s->y->dim[i].stride))
			return false;
	}
	return cross(x, y, &left);
}

/* Values d of loop j for which deeper loops can still make the hulls meet. */
static void
feasible(const struct search *s, int j, int64_t move, int64_t *from,
    int64_t *to)
{
	int64_t step = s->step[j];
	int64_t lo = s->lo - move - s->reach[j + 1];
	int64_t hi = s->hi - move + s->reach[j + 1];
	int64_t a, b;

	if (step == 0) {
		if (lo > 0 || hi < 0)
			*to = *from - 1;
		return;
	}
	if (step > 0) {
		a = -floor_div(-lo, step);
		b = floor_div(hi, step);
	} else {
		a = -floor_div(hi, -step);
		b = floor_div(-lo, -step);
	}
	if (a > *from)
		*from = a;
	if (b < *to)
		*to = b;
}

/* Least distance with loops before j settled: `sum` iterations, `move` bytes;
 * INT64_MAX for none. */
static int64_t
least(struct search *s, int j, int64_t sum, int64_t move)
{
	int64_t best = INT64_MAX, w, from, to;
	int blind = 0;

	if (j > s->last)
		return sum >= s->start && overlap(s, move) ? sum : best;
	w = s->weight[j];
	from = -floor_div(-(s->start - sum - (w - 1)), w);
	if (from < 1 - s->count[j])
		from = 1 - s->count[j];
	to = s->count[j] - 1;
	feasible(s, j, move, &from, &to);
	for (int64_t d = from; d <= to; d++) {
		int64_t floor = sum + d * w - (w - 1), r;
		if (floor >= best)
			break;
		if (s->step[j] == 0 && blind++ > 1)
			break; /* further ones touch the same bytes */
		if (s->tries++ >= MAX_TRIES)
			return floor > s->start ? floor : s->start;
		r = least(s, j + 1, sum + d * w, move + d * s->step[j]);
		if (r < best)
			best = r;
	}
	return best;
}

/* Gives up the exact relation of loop j: both boxes take all its values. */
static void
spread(struct tile_access *x, int depth, int64_t count)
{
	int64_t step = x->loop[depth];

	x->loop[depth] = 0;
	tile_access_dim(x, step, count);
}

static void
prepare(struct search *s)
{
	int64_t w = 1, reach = 0;

	for (int j = s->last; j >= s->first; j--) {
		int64_t step = s->step[j] < 0 ? -s->step[j] : s->step[j];
		s->weight[j] = w;
		w *= s->count[j];
		s->reach[j + 1] = reach;
		reach += step * (s->count[j] - 1);
	}
	s->lo = s->x->offset - (s->y->offset + box_span(s->y)) + 1;
	s->hi = s->x->offset + box_span(s->x) - s->y->offset - 1;
}

/* All differences within one version of the buffer. */
static int64_t
within(struct search *s, int64_t start)
{
	s->start = start;
	s->tries = 0;
	return least(s, s->first, 0, 0);
}

int64_t
tile_distance(const struct tile_loop *body, const struct tile_access *x,
    const struct tile_access *y, int64_t start)
{
	const struct tile_buffer *b = x->buffer;
	int scope = b->scope != NULL ? b->scope->depth : -1;
	struct tile_access cx = *x, cy = *y;
	struct search s = { .x = &cx, .y = &cy, .first = scope + 1,
		.last = body != NULL ? body->depth : -1 };
	int64_t best, around = INT64_MAX, turn = 1;

	for (const struct tile_loop *l = body; l != NULL; l = l->parent) {
		int j = l->depth;
		s.count[j] = l->count;
		if (j > scope)
			turn *= l->count;
		if (cx.loop[j] != cy.loop[j] || (j <= scope && cx.loop[j])) {
			spread(&cx, j, l->count);
			spread(&cy, j, l->count);
		}
		s.step[j] = cy.loop[j];
	}
	prepare(&s);
	best = within(&s, start);
	/* The same version again, depth iterations of the scope later. */
	if (b->scope != NULL && tile_iterations(b->scope) > b->depth) {
		around = within(&s, 1 - turn);
		if (around != INT64_MAX)
			around += b->depth * turn;
	}
	if (around < best)
		best = around;
	if (best == INT64_MAX || best >= tile_iterations(body))
		return -1;
	return best;
}
