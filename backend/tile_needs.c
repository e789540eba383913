/* What must be ordered within one body. */
#include "backend/tile_sync.h"

#include <stdlib.h>
#include <string.h>

/* Questions asked per access before answers become the safe "at once". */
#define MAX_QUESTIONS 512

uint32_t
tile_sync_child(const struct sync_body *body, uint32_t leaf)
{
	uint32_t lo = 0, hi = body->nchildren;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (body->child[mid].span.first <= leaf)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static void
add_need(struct sync_pass *s, struct sync_body *body, enum queue from,
    uint32_t x, const struct sync_access *y, int64_t distance)
{
	struct sync_need n = { from, y->queue, x, y->first,
		tile_sync_child(body, x), y->child, distance };

	VEC_PUSH(s->a, &body->need, n);
}

/* ---- the same buffer ---- */

static int
by_buffer(const void *pa, const void *pb)
{
	const struct sync_access *a = *(struct sync_access *const *)pa;
	const struct sync_access *b = *(struct sync_access *const *)pb;

	if (a->box.buffer->id != b->box.buffer->id)
		return a->box.buffer->id < b->box.buffer->id ? -1 : 1;
	if (a->child != b->child)
		return a->child < b->child ? -1 : 1;
	if (a->last != b->last)
		return a->last < b->last ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (int)a->box.write - (int)b->box.write;
}

/* The latest conflicting access per queue before one access. */
struct latest {
	int64_t distance[Q_COUNT]; /* -1: none yet */
	uint32_t x[Q_COUNT];
	int questions;
};

static void
ask(const struct sync_body *body, const struct sync_access *x,
    const struct sync_access *y, struct latest *l)
{
	int64_t start = x->child < y->child ? 0 : 1, d = start;

	if (x->child == y->child || x->queue == y->queue ||
	    !(x->box.write || y->box.write))
		return;
	if (l->distance[x->queue] >= 0 &&
	    (l->distance[x->queue] < start ||
		(l->distance[x->queue] == start &&
		    l->x[x->queue] >= x->last)))
		return;
	if (l->questions++ < MAX_QUESTIONS)
		d = tile_distance(body->loop, &x->box, &y->box, start);
	if (d < 0 || d >= body->iterations)
		return;
	if (l->distance[x->queue] < 0 || d < l->distance[x->queue] ||
	    (d == l->distance[x->queue] && x->last > l->x[x->queue])) {
		l->distance[x->queue] = d;
		l->x[x->queue] = x->last;
	}
}

/* All pairs among n accesses of one buffer, sorted by child. */
static void
pairs(struct sync_pass *s, struct sync_body *body,
    struct sync_access *const *acc, size_t n)
{
	unsigned queues = 0;
	bool writes = false;

	for (size_t i = 0; i < n; i++) {
		queues |= 1u << acc[i]->queue;
		writes = writes || acc[i]->box.write;
	}
	if ((queues & (queues - 1)) == 0 || !writes)
		return;
	for (size_t i = 0; i < n; i++) {
		struct latest l;
		memset(&l, 0, sizeof l);
		for (int q = 0; q < Q_COUNT; q++)
			l.distance[q] = -1;
		for (size_t j = i; j-- > 0;)
			ask(body, acc[j], acc[i], &l);
		if (body->iterations > 1) {
			for (size_t j = n; j-- > 0;)
				ask(body, acc[j], acc[i], &l);
		}
		for (int q = 0; q < Q_COUNT; q++) {
			if (l.distance[q] >= 0)
				add_need(s, body, (enum queue)q, l.x[q],
				    acc[i], l.distance[q]);
		}
	}
}

static void
same_buffer(struct sync_pass *s, struct sync_body *body)
{
	size_t n = 0, from = 0;
	struct sync_access **acc = NEW_ARRAY(s->a, struct sync_access *,
	    body->access.len + 1);

	for (size_t i = 0; i < body->access.len; i++) {
		if (!body->access.data[i]->foreign)
			acc[n++] = body->access.data[i];
	}
	qsort(acc, n, sizeof *acc, by_buffer);
	for (size_t i = 1; i <= n; i++) {
		if (i < n && acc[i]->box.buffer == acc[from]->box.buffer)
			continue;
		pairs(s, body, &acc[from], i - from);
		from = i;
	}
}

/* ---- different buffers at the same addresses ---- */

/* The last reads and writes by queue, as iteration << 32 | leaf plus 1. */
struct marks {
	int64_t write[Q_COUNT], read[Q_COUNT];
};

struct segment {
	int64_t lo, hi;
	const struct tile_buffer *owner; /* buffer that used it last */
	struct marks own, others;        /* of the owner, of those before */
};

struct segments {
	VEC(struct segment *) seg; /* sorted, disjoint */
};

static void
take_later(struct marks *a, const struct marks *b)
{
	for (int q = 0; q < Q_COUNT; q++) {
		if (b->write[q] > a->write[q])
			a->write[q] = b->write[q];
		if (b->read[q] > a->read[q])
			a->read[q] = b->read[q];
	}
}

/* First segment that ends above `at`. */
static size_t
find(const struct segments *t, int64_t at)
{
	size_t lo = 0, hi = t->seg.len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (t->seg.data[mid]->hi <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
insert(struct sync_pass *s, struct segments *t, size_t i,
    const struct segment *value)
{
	struct segment *seg = arena_memdup(s->a, value, sizeof *value);

	VEC_PUSH(s->a, &t->seg, seg);
	memmove(&t->seg.data[i + 1], &t->seg.data[i],
	    (t->seg.len - 1 - i) * sizeof *t->seg.data);
	t->seg.data[i] = seg;
}

/* Makes segment borders at lo and hi and fills gaps between them. Returns the
 * index of the segment that starts at lo. */
static size_t
carve(struct sync_pass *s, struct segments *t, int64_t lo, int64_t hi)
{
	size_t first = find(t, lo), i = first;
	int64_t at = lo;

	if (first < t->seg.len && t->seg.data[first]->lo < lo) {
		struct segment left = *t->seg.data[first];
		left.hi = lo;
		t->seg.data[first]->lo = lo;
		insert(s, t, first, &left);
		first++;
		i = first;
	}
	while (at < hi) {
		struct segment gap;
		memset(&gap, 0, sizeof gap);
		if (i < t->seg.len && t->seg.data[i]->lo <= at) {
			if (t->seg.data[i]->hi > hi) {
				struct segment left = *t->seg.data[i];
				left.hi = hi;
				t->seg.data[i]->lo = hi;
				insert(s, t, i, &left);
			}
			at = t->seg.data[i++]->hi;
			continue;
		}
		gap.lo = at;
		gap.hi = i < t->seg.len && t->seg.data[i]->lo < hi ?
		    t->seg.data[i]->lo :
		    hi;
		insert(s, t, i, &gap);
	}
	return first;
}

static void
addresses(const struct sync_access *x, int64_t *lo, int64_t *hi)
{
	const struct tile_buffer *b = x->box.buffer;

	*lo = b->address + x->box.lo;
	*hi = b->address + x->box.hi + (b->depth - 1) * b->pitch;
}

static void
meet(struct sync_pass *s, struct sync_body *body, struct segments *t,
    const struct sync_access *y, int64_t iteration)
{
	struct marks m;
	int64_t lo, hi;

	memset(&m, 0, sizeof m);
	addresses(y, &lo, &hi);
	for (size_t i = find(t, lo);
	     i < t->seg.len && t->seg.data[i]->lo < hi; i++) {
		const struct segment *g = t->seg.data[i];
		take_later(&m, &g->others);
		if (g->owner != y->box.buffer)
			take_later(&m, &g->own);
	}
	for (int q = 0; q < Q_COUNT; q++) {
		int64_t at = m.write[q];
		if (y->box.write && m.read[q] > at)
			at = m.read[q];
		if (at == 0 || q == (int)y->queue)
			continue;
		at--;
		if (tile_sync_child(body, (uint32_t)at) != y->child)
			add_need(s, body, (enum queue)q, (uint32_t)at, y,
			    iteration - (at >> 32));
	}
}

static void
occupy(struct sync_pass *s, struct segments *t, const struct sync_access *x,
    int64_t iteration)
{
	int64_t lo, hi, at = (iteration << 32 | x->last) + 1;

	addresses(x, &lo, &hi);
	for (size_t i = carve(s, t, lo, hi);
	     i < t->seg.len && t->seg.data[i]->lo < hi; i++) {
		struct segment *g = t->seg.data[i];
		int64_t *m;
		if (g->owner != x->box.buffer) {
			take_later(&g->others, &g->own);
			memset(&g->own, 0, sizeof g->own);
			g->owner = x->box.buffer;
		}
		m = x->box.write ? g->own.write : g->own.read;
		if (m[x->queue] < at)
			m[x->queue] = at;
	}
}

/* Walks the body; the second time round a loop finds what one iteration leaves
 * to the next. */
static void
same_addresses(struct sync_pass *s, struct sync_body *body)
{
	struct segments space[SPACE_COUNT];
	int64_t walks = body->iterations > 1 ? 2 : 1;
	size_t n = body->access.len, end;

	memset(space, 0, sizeof space);
	for (int64_t walk = 0; walk < walks; walk++) {
		for (size_t i = 0; i < n; i = end) {
			struct sync_access **x = body->access.data;
			for (end = i; end < n && x[end]->child == x[i]->child;
			     end++) {
				if (walk == walks - 1 &&
				    s->shared[x[end]->box.buffer->id])
					meet(s, body,
					    &space[x[end]->box.buffer->space],
					    x[end], walk);
			}
			for (size_t k = i; k < end; k++) {
				if (s->shared[x[k]->box.buffer->id])
					occupy(s,
					    &space[x[k]->box.buffer->space],
					    x[k], walk);
			}
		}
	}
}

/* ---- all at once ---- */

/* Every instruction after the one before it. */
static void
in_sequence(struct sync_pass *s, struct sync_body *body)
{
	struct sync_access y;

	memset(&y, 0, sizeof y);
	for (uint32_t i = 0; i < body->nchildren; i++) {
		bool wrap = i == 0;
		uint32_t before = wrap ? body->nchildren - 1 : i - 1;
		uint32_t x = body->child[before].span.end - 1;
		enum queue from = s->order.leaf[x]->insn->queue;
		if ((wrap && body->iterations == 1) || before == i)
			continue;
		y.first = body->child[i].span.first;
		y.child = i;
		y.queue = s->order.leaf[y.first]->insn->queue;
		if (from != y.queue)
			add_need(s, body, from, x, &y, wrap ? 1 : 0);
	}
}

void
tile_sync_needs(struct sync_pass *s, struct sync_body *body)
{
	if (s->serialize) {
		in_sequence(s, body);
		return;
	}
	same_buffer(s, body);
	same_addresses(s, body);
}

struct bound {
	int64_t lo, hi;
	const struct tile_buffer *buffer;
};

static int
by_address(const void *pa, const void *pb)
{
	const struct bound *a = pa, *b = pb;

	if (a->buffer->space != b->buffer->space)
		return a->buffer->space < b->buffer->space ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->buffer->id < b->buffer->id ? -1 : 1;
}

void
tile_sync_shared(struct sync_pass *s)
{
	struct tile_program *p = s->p;
	struct bound *b = NEW_ARRAY(s->a, struct bound, p->buffers.len + 1);
	size_t n = p->buffers.len, widest = 0;

	s->shared = NEW_ARRAY(s->a, bool, n + 2);
	for (size_t i = 0; i < n; i++) {
		b[i].buffer = p->buffers.data[i];
		b[i].lo = b[i].buffer->address;
		b[i].hi = b[i].lo + b[i].buffer->pitch * b[i].buffer->depth;
	}
	qsort(b, n, sizeof *b, by_address);
	for (size_t i = 1; i < n; i++) {
		if (b[i].buffer->space != b[widest].buffer->space) {
			widest = i;
			continue;
		}
		if (b[i].lo < b[widest].hi)
			s->shared[b[i].buffer->id] =
			    s->shared[b[widest].buffer->id] = true;
		if (b[i].hi > b[widest].hi)
			widest = i;
	}
}
