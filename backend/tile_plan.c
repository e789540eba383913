#include "backend/tile_plan.h"

#include <stdlib.h>
#include <string.h>

#include "support/str.h"

/* Tries of first fit with what had no place put first: of all that may run
 * beside each other, and of parts that never do. */
#define TRIES 16
#define TRIES_PART 128
#define AHEAD_PART 4 /* of TRIES with queues that run ahead */
#define NAMED 8 /* buffers that the overflow diagnostic lists */

struct plan {
	struct tile_program *p;
	struct diag *d;
	struct arena *a;
	struct tile_order order;
	struct tile_life *life;
};

static int64_t
align_up(int64_t n, int64_t align)
{
	return align > 1 ? ceil_div(n, align) * align : n;
}

static const char *
buffer_name(const struct tile_buffer *b)
{
	return b->name != NULL && b->name[0] != '\0' ? b->name : "unnamed";
}

static int
by_bytes(const void *pa, const void *pb)
{
	const struct tile_item *const *a = pa, *const *b = pb;

	if ((*a)->size != (*b)->size)
		return (*a)->size > (*b)->size ? -1 : 1;
	return (*a)->buffer->id < (*b)->buffer->id ? -1 : 1;
}

/* Leaf at which the items alive need most, and how much. */
static uint32_t
tightest(struct plan *s, const struct tile_item *items, size_t n,
    int64_t *need)
{
	int64_t *delta = NEW_ARRAY(s->a, int64_t, s->order.nleaves + 2);
	int64_t sum = 0;
	uint32_t best = 0;

	for (size_t i = 0; i < n; i++) {
		delta[items[i].life.first] += items[i].size;
		delta[items[i].life.last + 1] -= items[i].size;
	}
	*need = 0;
	for (uint32_t i = 0; i < s->order.nleaves; i++) {
		sum += delta[i];
		if (sum > *need) {
			*need = sum;
			best = i;
		}
	}
	return best;
}

/* The op where the first item that found no place meets most others. */
static void
note_full(struct plan *s, const struct tile_item *items, size_t n,
    int64_t limit)
{
	const struct tile_item *x = items;
	struct tile_item *near = NEW_ARRAY(s->a, struct tile_item, n + 1);
	size_t count = 0;
	int64_t need;
	uint32_t at;

	while (x < items + n - 1 && x->address + x->size <= limit)
		x++;
	for (size_t i = 0; i < n; i++) {
		struct tile_item y = items[i];

		if (y.life.first > x->life.last || y.life.last < x->life.first)
			continue;
		if (y.life.first < x->life.first)
			y.life.first = x->life.first;
		if (y.life.last > x->life.last)
			y.life.last = x->life.last;
		near[count++] = y;
	}
	at = tightest(s, near, count, &need);
	if (at < s->order.nleaves)
		s->p->full_op = s->order.leaf[at]->op;
}

/* One error: the space, what it takes and has, who is alive. */
static void
report_full(struct plan *s, const char *what, const struct tile_item *items,
    size_t n, int64_t limit)
{
	const struct tile_item **live = NEW_ARRAY(s->a,
	    const struct tile_item *, n + 1);
	struct loc loc;
	struct strbuf names = { 0 };
	size_t nlive = 0;
	int64_t need;
	uint32_t at = tightest(s, items, n, &need), op;

	memset(&loc, 0, sizeof loc);
	for (size_t i = 0; i < n; i++) {
		if (items[i].life.first <= at && at <= items[i].life.last)
			live[nlive++] = &items[i];
	}
	qsort(live, nlive, sizeof(*live), by_bytes);
	for (size_t i = 0; i < nlive && i < NAMED; i++)
		strbuf_addf(&names, "%s%s (%lld)", i > 0 ? ", " : "",
		    buffer_name(live[i]->buffer),
		    (long long)live[i]->size);
	if (nlive > NAMED)
		strbuf_addf(&names, " and %zu more", nlive - NAMED);
	op = at < s->order.nleaves ? s->order.leaf[at]->op : UINT32_MAX;
	loc.node = op < s->p->ops.len ? s->p->ops.data[op].name : NULL;
	if (need > limit)
		diag_error(s->d, &loc,
		    "%s is too small: %lld bytes needed, %lld there; "
		    "alive: %s", what, (long long)need, (long long)limit,
		    names.data != NULL ? names.data : "nothing");
	else
		diag_error(s->d, &loc,
		    "%s of %lld bytes is too fragmented for %lld bytes; "
		    "alive: %s", what, (long long)limit, (long long)need,
		    names.data != NULL ? names.data : "nothing");
	strbuf_free(&names);
}

/* First fit in several orders, then with what found no place before all
 * others, so many times. */
static int64_t
fit(struct plan *s, struct tile_item *items, size_t n, int64_t limit,
    bool early, int64_t tries)
{
	int64_t used = -1;

	for (int k = 0; k < TILE_FIT_ORDERS && used < 0; k++) {
		for (size_t i = 0; i < n; i++)
			items[i].rank = 0;
		used = tile_first_fit(s->a, items, n, limit, early,
		    (enum tile_fit_order)k);
	}
	for (int64_t k = 0; k < tries && used < 0; k++)
		used = tile_first_fit(s->a, items, n, limit, early,
		    TILE_FIT_SIZE);
	return used;
}

/* Loads that run ahead save time: they are given up last. */
static int64_t
fit_early(struct plan *s, struct tile_item *items, size_t n, int64_t limit,
    int64_t tries)
{
	int64_t used = fit(s, items, n, limit, true,
	    min64(tries, TRIES) / AHEAD_PART);

	if (used >= 0)
		return used;
	used = fit(s, items, n, limit, false, tries);
	if (used < 0)
		return used;
	tile_fit_earlier(s->a, items, n, limit);
	for (size_t i = 0; i < n; i++)
		if (items[i].address + items[i].size > used)
			used = items[i].address + items[i].size;
	return used;
}

/* Those that live through most of the program, one above the other at the
 * bottom; how many of the items, which are moved to the front. */
static size_t
place_base(struct tile_item *items, size_t n, int64_t *top)
{
	uint32_t end = 0;
	size_t base = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].life.last > end)
			end = items[i].life.last;
	*top = 0;
	for (size_t i = 0; i < n; i++) {
		struct tile_item x = items[i];

		if (x.life.last - x.life.first <= end - end / 4)
			continue;
		x.address = *top;
		*top += x.size;
		items[i] = items[base];
		items[base++] = x;
	}
	return base;
}

static int
by_early(const void *pa, const void *pb)
{
	const struct tile_item *a = pa, *b = pb;

	if (a->life.early != b->life.early)
		return a->life.early < b->life.early ? -1 : 1;
	return a->buffer->id < b->buffer->id ? -1 : 1;
}

static int
by_start(const void *pa, const void *pb)
{
	const struct tile_item *a = pa, *b = pb;

	if (a->life.first != b->life.first)
		return a->life.first < b->life.first ? -1 : 1;
	return a->buffer->id < b->buffer->id ? -1 : 1;
}

/* When x is there, at the latest or, ahead, from its early start on. */
static uint32_t
from(const struct tile_item *x, bool ahead)
{
	return ahead ? x->life.early : x->life.first;
}

/* Places items, those that are never alive together with others, such as the
 * regions of layer groups, by themselves; -1 when one of them does not fit. */
static int64_t
fit_parts(struct plan *s, struct tile_item *items, size_t n, int64_t limit,
    bool ahead)
{
	int64_t base, used, top;
	size_t first = place_base(items, n, &base), end;

	if (limit > 0 && base >= limit)
		return -1;
	used = base;
	qsort(items + first, n - first, sizeof *items,
	    ahead ? by_early : by_start);
	for (; first < n; first = end) {
		uint32_t last = items[first].life.last;

		for (end = first + 1; end < n &&
		    from(&items[end], ahead) <= last; end++)
			if (items[end].life.last > last)
				last = items[end].life.last;
		top = fit_early(s, items + first, end - first,
		    limit > 0 ? limit - base : 0, ahead ? TRIES : TRIES_PART);
		if (top < 0)
			return -1;
		for (size_t i = first; i < end; i++)
			items[i].address += base;
		if (base + top > used)
			used = base + top;
	}
	return used;
}

/* Places items; false after a diagnostic. */
static bool
place(struct plan *s, const char *what, struct tile_item *items, size_t n,
    int64_t limit, int64_t *used)
{
	*used = fit_parts(s, items, n, limit, true);
	if (*used < 0)
		*used = fit_parts(s, items, n, limit, false);
	if (*used < 0)
		*used = fit_early(s, items, n, limit, 0);
	if (*used >= 0)
		return true;
	note_full(s, items, n, limit);
	report_full(s, what, items, n, limit);
	return false;
}

/* Buffers of one space on chip. */
static bool
plan_chip(struct plan *s, enum space space, int64_t limit, int64_t *used)
{
	struct tile_program *p = s->p;
	struct tile_item *items = NEW_ARRAY(s->a, struct tile_item,
	    p->buffers.len + 1);
	int64_t align = p->target->sram_align;
	size_t n = 0;

	for (size_t i = 0; i < p->buffers.len; i++) {
		struct tile_buffer *b = p->buffers.data[i];
		if (b->space != space)
			continue;
		b->address = 0;
		b->pitch = align_up(b->bytes, align);
		if (!s->life[b->id].used)
			continue;
		items[n].buffer = b;
		items[n].size = b->pitch * b->depth;
		items[n++].life = s->life[b->id];
	}
	if (!place(s, space_name(space), items, n, limit, used))
		return false;
	for (size_t i = 0; i < n; i++)
		items[i].buffer->address = items[i].address;
	return true;
}

/* What the watched loops use of the planned global buffer. */
static void
measure_watches(struct plan *s)
{
	struct tile_program *p = s->p;

	for (size_t i = 0; i < p->watches.len; i++) {
		struct tile_watch *w = &p->watches.data[i];
		const struct tile_span *t =
		    &s->order.span[w->loop->node->order];

		w->gbuf_used = 0;
		for (size_t k = 0; k < p->buffers.len; k++) {
			const struct tile_buffer *b = p->buffers.data[k];
			const struct tile_life *l = &s->life[b->id];
			int64_t top = b->address + b->pitch * b->depth;

			if (b->space == SPACE_GBUF && l->used &&
			    l->first < t->end && l->last >= t->first &&
			    top > w->gbuf_used)
				w->gbuf_used = top;
		}
	}
}

/* ---- DRAM ---- */

/* Temporaries of one kind: each group's (stride apart), or common ones. */
static bool
plan_temps(struct plan *s, bool per_group, int64_t limit)
{
	struct tile_program *p = s->p;
	struct tile_item *items = NEW_ARRAY(s->a, struct tile_item,
	    p->buffers.len + 1);
	int64_t groups = per_group ? p->groups : 1, used, room;
	size_t n = 0;

	for (size_t i = 0; i < p->buffers.len; i++) {
		struct tile_buffer *b = p->buffers.data[i];
		if (b->space != SPACE_DRAM || b->role != ROLE_TEMP ||
		    b->per_group != per_group)
			continue;
		b->pitch = align_up(b->bytes, TILE_DRAM_ALIGN);
		items[n].buffer = b;
		items[n].size = b->pitch * b->depth;
		items[n].life = s->life[b->id];
		/* Groups run unsynchronised: what they share is never
		 * reused. */
		if (!per_group && p->groups > 1) {
			items[n].life.first = items[n].life.early = 0;
			memset(items[n].life.reach, 0,
			    sizeof items[n].life.reach);
			items[n].life.last = s->order.nleaves;
			items[n].life.used = true;
		}
		n += items[n].life.used;
	}
	room = limit > 0 ? (limit - p->dram_used) / groups : 0;
	room = room / TILE_DRAM_ALIGN * TILE_DRAM_ALIGN;
	if (n > 0 && limit > 0 && room <= 0) {
		report_full(s, "dram", items, n, room);
		return false;
	}
	if (!place(s, "dram", items, n, room, &used))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct tile_buffer *b = items[i].buffer;
		b->address = p->dram_used + items[i].address;
		if (per_group)
			b->group_stride = used;
	}
	p->dram_used += used * groups;
	return true;
}

/* Whether a and a later b can be alive together: both take a turn for each
 * iteration of one loop, and so many turns lie between them. */
static bool
banks_apart(const struct tile_item *a, const struct tile_item *b,
    size_t turns, int64_t banks)
{
	return b->life.first > a->life.last ||
	    (a->buffer->scope == b->buffer->scope && (int64_t)turns < banks);
}

static void
report_banks(struct plan *s, const struct tile_item *a,
    const struct tile_item *b)
{
	diag_error(s->d, NULL,
	    "tile: %%b%u '%s' and %%b%u '%s' are in %s at the same time",
	    a->buffer->id, buffer_name(a->buffer), b->buffer->id,
	    buffer_name(b->buffer), space_name(a->buffer->space));
}

/* Buffers of a local memory take its banks in turn, in the order of their
 * first uses. */
static bool
plan_banks(struct plan *s, enum space space, int64_t banks)
{
	struct tile_program *p = s->p;
	struct tile_item *items = NEW_ARRAY(s->a, struct tile_item,
	    p->buffers.len + 1);
	uint32_t *end = NEW_ARRAY(s->a, uint32_t, p->buffers.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < p->buffers.len; i++) {
		struct tile_buffer *b = p->buffers.data[i];
		if (b->space != space)
			continue;
		b->address = 0;
		b->pitch = 1;
		items[n].buffer = b;
		items[n].life = s->life[b->id];
		n += items[n].life.used;
	}
	qsort(items, n, sizeof *items, by_start);
	for (size_t i = 0; i < n; i++) { /* end: of all up to i */
		const struct tile_item *x = &items[i];
		end[i] = i > 0 && end[i - 1] > x->life.last ? end[i - 1] :
							      x->life.last;
		for (size_t k = i; k > 0 && end[k - 1] >= x->life.first; k--) {
			if (!banks_apart(&items[k - 1], x, i - k + 1, banks)) {
				report_banks(s, &items[k - 1], x);
				return false;
			}
		}
	}
	return true;
}

static void
start(struct plan *s, struct tile_program *p, struct diag *d)
{
	memset(s, 0, sizeof *s);
	s->p = p;
	s->d = d;
	s->a = arena_new();
	tile_order(s->a, p, &s->order);
	s->life = tile_lifetimes(s->a, p, &s->order);
}

/* The temporaries, behind what programs share. */
static bool
plan_dram_temps(struct plan *s)
{
	int64_t limit = s->p->target->dram_bytes;

	return plan_temps(s, false, limit) && plan_temps(s, true, limit);
}

bool
tile_plan(struct tile_program *p, struct diag *d)
{
	struct plan s;
	bool ok;

	start(&s, p, d);
	p->full_op = UINT32_MAX;
	ok = plan_banks(&s, SPACE_LBUF_V, p->target->lbuf_banks) &&
	    plan_banks(&s, SPACE_LBUF_H, p->target->lbuf_banks) &&
	    plan_banks(&s, SPACE_OBUF, p->target->obuf_banks);
	ok = plan_chip(&s, SPACE_GBUF, p->target->gbuf_bytes,
	    &p->gbuf_used) && ok;
	if (!plan_chip(&s, SPACE_WBUF, p->target->wbuf_bytes, &p->wbuf_used)) {
		p->full_op = UINT32_MAX;
		ok = false;
	}
	if (ok)
		measure_watches(&s);
	ok = tile_plan_fixed(s.a, &p, 1, d) && plan_dram_temps(&s) && ok;
	arena_free(s.a);
	return ok;
}

bool
tile_plan_shared(struct tile_program *const *p, size_t n, struct diag *d)
{
	struct arena *a = arena_new();
	bool ok = tile_plan_fixed(a, p, n, d);

	for (size_t i = 0; i < n && ok; i++) {
		struct plan s;

		start(&s, p[i], d);
		ok = plan_dram_temps(&s);
		arena_free(s.a);
	}
	arena_free(a);
	return ok;
}
