/* Lifetimes of buffers and first-fit placement. */
#include "backend/tile_plan.h"

#include <stdlib.h>
#include <string.h>

#include "backend/tile_access.h"
#include "backend/tile_near.h"

#define ARRAY_QUEUES (1u << Q_MX | 1u << Q_ML)

/* Siblings before each node, by order: the one before it, and the latest in
 * which the array works. */
struct before {
	struct tile_node **any, **array;
};

static struct before
siblings_before(struct arena *a, const struct tile_order *o)
{
	struct before b = {
		NEW_ARRAY(a, struct tile_node *, o->nnodes + 1),
		NEW_ARRAY(a, struct tile_node *, o->nnodes + 1)};

	for (uint32_t i = 0; i < o->nnodes; i++) {
		struct tile_node *n = o->node[i];

		if (n->next == NULL)
			continue;
		b.any[n->next->order] = n;
		b.array[n->next->order] =
		    (o->span[i].queues & ARRAY_QUEUES) != 0 ? n : b.array[i];
	}
	return b;
}

/* What `sibling` has for n; where it has nothing, for the loop around it, and
 * so on; NULL: for none of them. */
static struct tile_node *
node_before(struct tile_node *const *sibling, const struct tile_node *n)
{
	while (sibling[n->order] == NULL) {
		if (n->parent == NULL)
			return NULL;
		n = n->parent->node;
	}
	return sibling[n->order];
}

/* From when on the child c of a buffer's scope, whose leaf writes it first,
 * should have it: see "Memory planning" in TILE.md. */
struct ahead {
	const struct tile_order *o;
	struct before before;
	bool overlap;
	int64_t small; /* bytes that no schedule is to wait for */
};

#define QUICK_PART 256 /* of the global buffer: not waited for */
#define REACH 400 /* leaves that queues run ahead, at most */

/* So many nodes of the array before; the farthest that has room. With overlap
 * loads are seldom waited for, and those of later layers, ahead of all others
 * in line, hold up the ones that are. */
static const int nodes_ahead[2][TILE_REACHES] = {{6, 3, 1}, {2, 1, 1}};

/* Whether array and vector unit are to run beside each other in c. */
static bool
overlaps(const struct ahead *h, const struct tile_node *c)
{
	for (const struct tile_loop *l = c->parent; l != NULL; l = l->parent)
		if (l->overlap)
			return true;
	return h->overlap;
}

static void
set_reach(const struct ahead *h, struct tile_node *c, int64_t bytes,
    const struct tile_insn *leaf, uint32_t *reach)
{
	const struct tile_span *span = h->o->span;
	uint32_t first = span[c->order].first, at = first;
	bool load = leaf->kind == TILE_LOAD;
	bool array = (1u << leaf->queue & ARRAY_QUEUES) != 0;
	bool overlap = overlaps(h, c) || (!array && bytes <= h->small);
	struct tile_node *n = load ? node_before(h->before.any, c) : NULL;
	int k = TILE_REACHES - 1;

	if (n != NULL)
		at = span[n->order].first;
	n = c;
	for (int i = 1; k >= 0; i++) {
		n = n != NULL && (load || (overlap && i == 1)) ?
		    node_before(h->before.array, n) :
		    NULL;
		if (n != NULL)
			at = array ? span[n->order].end : span[n->order].first;
		if (first > REACH && at < first - REACH)
			at = first - REACH;
		while (k >= 0 && nodes_ahead[h->overlap][k] == i)
			reach[k--] = at;
	}
}

static void
touch(struct tile_life *l, const struct tile_span *s)
{
	if (!l->used || s->first < l->first)
		l->first = s->first;
	if (!l->used || s->end - 1 > l->last)
		l->last = s->end - 1;
	l->used = true;
}

/* Banks take turns by number and have no addresses to keep apart. */
static bool
is_bank(const struct tile_buffer *b)
{
	return b->space == SPACE_LBUF_V || b->space == SPACE_LBUF_H ||
	    b->space == SPACE_OBUF;
}

/* The first access to a buffer, in child c of its scope. */
static void
start_life(const struct ahead *h, struct tile_node *c,
    const struct tile_access *x, const struct tile_insn *leaf,
    struct tile_life *l)
{
	l->ahead_of = ~(1u << leaf->queue);
	for (int i = 0; i < TILE_REACHES; i++)
		l->reach[i] = l->first;
	if (x->write)
		set_reach(h, c, x->buffer->bytes, leaf, l->reach);
	l->early = l->reach[0];
}

struct tile_life *
tile_lifetimes(struct arena *a, const struct tile_program *p,
    const struct tile_order *o)
{
	struct tile_life *life = NEW_ARRAY(a, struct tile_life,
	    p->buffers.len + 1);
	struct ahead h = {o, siblings_before(a, o), p->overlap,
	    p->target->gbuf_bytes / QUICK_PART};
	struct tile_access acc[TILE_MAX_ACCESS];

	for (uint32_t i = 0; i < o->nleaves; i++) {
		struct tile_node *leaf = o->leaf[i];
		int n = tile_accesses(leaf->insn, p->groups, acc);
		for (int k = 0; k < n; k++) {
			const struct tile_buffer *b = acc[k].buffer;
			struct tile_life *l = &life[b->id];
			struct tile_node *c = b->depth > 1 &&
				b->scope != NULL && !is_bank(b) ?
			    b->scope->node :
			    tile_child(b->scope, leaf);
			bool first = !l->used;
			if (c == NULL)
				ice("tile", "buffer '%s' outside its scope",
				    b->name);
			touch(l, &o->span[c->order]);
			l->queues |= 1u << leaf->insn->queue;
			if (first)
				start_life(&h, c, &acc[k], leaf->insn, l);
		}
	}
	return life;
}

static int
by_size(const void *pa, const void *pb)
{
	const struct tile_item *a = pa, *b = pb;

	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	if (a->life.first != b->life.first)
		return a->life.first < b->life.first ? -1 : 1;
	return a->buffer->id < b->buffer->id ? -1 : 1;
}

/* Long-lived ones first, then by size. */
static int
by_length(const void *pa, const void *pb)
{
	const struct tile_item *a = pa, *b = pb;
	uint32_t x = a->life.last - a->life.first;
	uint32_t y = b->life.last - b->life.first;

	if (a->rank == b->rank && x != y)
		return x > y ? -1 : 1;
	return by_size(pa, pb);
}

/* Those that live for long, such as sums over a loop, leave no holes. */
static int
by_span(const void *pa, const void *pb)
{
	const struct tile_item *a = pa, *b = pb;

	if (a->rank == b->rank && a->spans != b->spans)
		return a->spans ? -1 : 1;
	return by_size(pa, pb);
}

#define SPAN 24 /* of all positions */

static void
mark_spans(struct tile_item *items, size_t n)
{
	uint32_t end = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].life.last > end)
			end = items[i].life.last;
	for (size_t i = 0; i < n; i++)
		items[i].spans = items[i].life.last - items[i].life.first >
		    end / SPAN;
}

/* As they come. */
static int
by_start(const void *pa, const void *pb)
{
	const struct tile_item *a = pa, *b = pb;

	if (a->rank == b->rank && a->life.first != b->life.first)
		return a->life.first < b->life.first ? -1 : 1;
	return by_size(pa, pb);
}

/* The lowest place for x, with room before it as far as it reaches. */
static int64_t
place(struct tile_near *placed, struct tile_item *x, int64_t limit, bool ahead)
{
	for (int i = 0; ahead && i < TILE_REACHES; i++) {
		int64_t at;

		if (i > 0 && x->life.reach[i] == x->life.early)
			continue;
		x->life.early = x->life.reach[i];
		at = tile_near_lowest(placed, x, true);
		if (limit == 0 || at + x->size <= limit)
			return at;
	}
	return tile_near_lowest(placed, x, false);
}

int64_t
tile_first_fit(struct arena *a, struct tile_item *items, size_t n,
    int64_t limit, bool ahead, enum tile_fit_order order)
{
	static int (*const orders[])(const void *a, const void *b) = {
		[TILE_FIT_SIZE] = by_size, [TILE_FIT_LENGTH] = by_length,
		[TILE_FIT_START] = by_start, [TILE_FIT_SPAN] = by_span };
	struct tile_near *placed = tile_near_new(a, items, n);
	int64_t used = 0;

	mark_spans(items, n);
	qsort(items, n, sizeof *items, orders[order]);
	for (size_t i = 0; i < n; i++) {
		struct tile_item *x = &items[i];
		x->address = place(placed, x, limit, ahead);
		if (limit > 0 && x->address + x->size > limit) {
			x->rank = items[0].rank + 1;
			return -1;
		}
		tile_near_add(placed, x);
		if (x->address + x->size > used)
			used = x->address + x->size;
	}
	return used;
}

void
tile_fit_earlier(struct arena *a, struct tile_item *items, size_t n,
    int64_t limit)
{
	struct tile_near *placed = tile_near_new(a, items, n);

	for (size_t i = 0; i < n; i++)
		tile_near_add(placed, &items[i]);
	for (size_t i = 0; i < n; i++) {
		struct tile_item *x = &items[i];
		int64_t at;

		if (x->life.early == x->life.first ||
		    tile_near_apart(placed, x))
			continue;
		at = tile_near_lowest(placed, x, true);
		if (limit == 0 || at + x->size <= limit)
			tile_near_move(placed, x, at);
	}
}
