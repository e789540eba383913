/* Lifetimes are divided into slots of equal length. A slot has the items that
 * are alive in it, by address; those that live through many slots have a list
 * of their own. Most items live for a short time: first fit walks few lists
 * side by side, and no further than to the first gap. */
#include "backend/tile_near.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_A_SLOT 128 /* about */
#define FEW 4            /* slots that an item is listed in */

struct near_list {
	VEC(struct tile_item *) item; /* by address */
};

struct tile_near {
	struct arena *a;
	uint32_t width; /* leaves of a slot */
	uint32_t nslots;
	struct near_list *slot; /* one more at the end: of the long-lived */
	struct near_list all;   /* of beside_many */
};

static uint32_t
slot_of(const struct tile_near *t, uint32_t leaf)
{
	return leaf / t->width;
}

static bool
is_long(const struct tile_near *t, const struct tile_item *x)
{
	return slot_of(t, x->life.last) - slot_of(t, x->life.early) >= FEW;
}

/* The lists that have x: from, and up to the one before the end. */
static void
lists_of(const struct tile_near *t, const struct tile_item *x, uint32_t *from,
    uint32_t *end)
{
	*from = is_long(t, x) ? t->nslots : slot_of(t, x->life.early);
	*end = is_long(t, x) ? t->nslots + 1 : slot_of(t, x->life.last) + 1;
}

struct tile_near *
tile_near_new(struct arena *a, const struct tile_item *items, size_t n)
{
	struct tile_near *t = NEW(a, struct tile_near);
	uint32_t end = 1;

	for (size_t i = 0; i < n; i++)
		if (items[i].life.last >= end)
			end = items[i].life.last + 1;
	t->a = a;
	t->width = (uint32_t)(end / (n / ITEMS_A_SLOT + 1)) + 1;
	t->nslots = (end - 1) / t->width + 1;
	t->slot = NEW_ARRAY(a, struct near_list, (size_t)t->nslots + 1);
	return t;
}

static void
insert(struct tile_near *t, struct near_list *l, struct tile_item *x)
{
	size_t i = l->item.len;

	VEC_PUSH(t->a, &l->item, x);
	for (; i > 0 && l->item.data[i - 1]->address > x->address; i--)
		l->item.data[i] = l->item.data[i - 1];
	l->item.data[i] = x;
}

static void
take_out(struct near_list *l, const struct tile_item *x)
{
	size_t i = 0;

	while (l->item.data[i] != x)
		i++;
	l->item.len--;
	memmove(&l->item.data[i], &l->item.data[i + 1],
	    (l->item.len - i) * sizeof(*l->item.data));
}

void
tile_near_add(struct tile_near *t, struct tile_item *x)
{
	uint32_t i, end;

	for (lists_of(t, x, &i, &end); i < end; i++)
		insert(t, &t->slot[i], x);
}

void
tile_near_move(struct tile_near *t, struct tile_item *x, int64_t address)
{
	uint32_t i, end;

	for (lists_of(t, x, &i, &end); i < end; i++)
		take_out(&t->slot[i], x);
	x->address = address;
	tile_near_add(t, x);
}

bool
tile_near_together(const struct tile_life *a, const struct tile_life *b,
    bool ahead)
{
	const struct tile_life *x = a->first <= b->first ? a : b;
	const struct tile_life *y = x == a ? b : a;
	bool waits = (x->queues & y->ahead_of) != 0;

	return (ahead && waits ? y->early : y->first) <= x->last;
}

/* The next of the items in the heads of n lists, by address; NULL: none. */
static const struct tile_item *
next(struct tile_item **const *list, const size_t *len, size_t *at, size_t n)
{
	const struct tile_item *best = NULL;
	size_t from = 0;

	for (size_t k = 0; k < n; k++) {
		if (at[k] < len[k] && (best == NULL ||
		    list[k][at[k]]->address < best->address)) {
			best = list[k][at[k]];
			from = k;
		}
	}
	if (best != NULL)
		at[from]++;
	return best;
}

/* First fit beside what n lists hold. */
static int64_t
beside(struct tile_item **const *list, const size_t *len, size_t *at, size_t n,
    const struct tile_item *x, bool ahead)
{
	const struct tile_item *y;
	int64_t to = 0;

	while ((y = next(list, len, at, n)) != NULL) {
		if (y == x || y->address + y->size <= to ||
		    !tile_near_together(&x->life, &y->life, ahead))
			continue;
		if (y->address >= to + x->size)
			break;
		to = y->address + y->size;
	}
	return to;
}

static int
by_address(const void *pa, const void *pb)
{
	const struct tile_item *a = *(struct tile_item *const *)pa;
	const struct tile_item *b = *(struct tile_item *const *)pb;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (a > b) - (a < b);
}

/* The same for one that lives through many slots: their items in one list. */
static int64_t
beside_many(struct tile_near *t, const struct tile_item *x, bool ahead)
{
	uint32_t from = slot_of(t, x->life.early);
	uint32_t end = slot_of(t, x->life.last) + 1;
	size_t at = 0;

	t->all.item.len = 0;

	for (uint32_t s = from; s <= end; s++) {
		const struct near_list *l =
		    &t->slot[s < end ? s : t->nslots];
		for (size_t i = 0; i < l->item.len; i++) {
			struct tile_item *y = l->item.data[i];
			uint32_t first = slot_of(t, y->life.early);
			/* once, in the first slot of those that have it */
			if (s == end || s == from || first == s)
				VEC_PUSH(t->a, &t->all.item, y);
		}
	}
	if (t->all.item.len == 0)
		return 0;
	qsort(t->all.item.data, t->all.item.len, sizeof(*t->all.item.data),
	    by_address);
	return beside(&t->all.item.data, &t->all.item.len, &at, 1, x, ahead);
}

int64_t
tile_near_lowest(struct tile_near *t, const struct tile_item *x, bool ahead)
{
	struct tile_item **list[FEW + 1];
	size_t len[FEW + 1], at[FEW + 1] = {0}, n = 0;

	if (is_long(t, x))
		return beside_many(t, x, ahead);
	for (uint32_t s = slot_of(t, x->life.early);
	     s <= slot_of(t, x->life.last); s++) {
		list[n] = t->slot[s].item.data;
		len[n++] = t->slot[s].item.len;
	}
	list[n] = t->slot[t->nslots].item.data;
	len[n++] = t->slot[t->nslots].item.len;
	return beside(list, len, at, n, x, ahead);
}

/* Whether an item of l is in x's way. */
static bool
hinders(const struct near_list *l, const struct tile_item *x)
{
	for (size_t i = 0; i < l->item.len; i++) {
		const struct tile_item *y = l->item.data[i];

		if (y->address >= x->address + x->size)
			break;
		if (y != x && y->address + y->size > x->address &&
		    tile_near_together(&x->life, &y->life, true))
			return true;
	}
	return false;
}

bool
tile_near_apart(const struct tile_near *t, const struct tile_item *x)
{
	for (uint32_t s = slot_of(t, x->life.early);
	     s <= slot_of(t, x->life.last); s++)
		if (hinders(&t->slot[s], x))
			return false;
	return !hinders(&t->slot[t->nslots], x);
}
