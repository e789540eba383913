/* Which needs get a wait: the others follow from the program order of the
 * queues and from waits that are there anyway. */
#include "backend/tile_sync.h"

#include <stdlib.h>
#include <string.h>

/* Needs times waits up to which idle waits are searched for afterwards. */
#define MAX_CHECKS 4000000

struct event {
	uint32_t child;
	sync_time enter, done;
};

struct reducer {
	struct sync_pass *s;
	struct sync_body *body;
	size_t nevents[Q_COUNT];
	struct event *event[Q_COUNT];
};

static sync_time
floor_div(sync_time a, sync_time b)
{
	return a / b - (a % b != 0 && a < 0);
}

/* t seen from an iteration that is `by` base units away. */
static sync_time
shift(sync_time t, sync_time by)
{
	return t == SYNC_NEVER ? t : t + by;
}

static void
events(struct reducer *r)
{
	const struct sync_body *b = r->body;

	for (int q = 0; q < Q_COUNT; q++) {
		r->event[q] = NEW_ARRAY(r->s->a, struct event,
		    b->nchildren + 1);
		for (uint32_t i = 0; i < b->nchildren; i++) {
			struct event *e = &r->event[q][r->nevents[q]];
			if ((b->child[i].span.queues & 1u << q) == 0)
				continue;
			e->child = i;
			e->enter = 2 * (sync_time)b->child[i].span.first;
			e->done = 2 * (sync_time)b->child[i].last[q] + 1;
			r->nevents[q]++;
		}
	}
}

/* Index of the last event of q entered at position pos, or -1. */
static long
event_at(const struct reducer *r, int q, sync_time pos)
{
	size_t lo = 0, hi = r->nevents[q];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (r->event[q][mid].enter <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (long)lo - 1;
}

static void
learn(struct sync_clock *c, const struct sync_clock *add, sync_time by)
{
	for (int q = 0; q < Q_COUNT; q++) {
		sync_time t = shift(add->at[q], by);
		if (t > c->at[q])
			c->at[q] = t;
	}
}

/* Adds to c what queue q's progress up to `now` implies beyond `old`. Events
 * that end at or before `stop` cannot matter. */
static void
expand(const struct reducer *r, struct sync_clock *c, int q, sync_time now,
    sync_time old, sync_time stop)
{
	sync_time base = r->s->base, it = floor_div(now, base);
	long i = event_at(r, q, now - it * base);

	for (;;) {
		const struct event *e;
		const struct sync_child *child;
		if (i < 0) {
			it--;
			i = (long)r->nevents[q] - 1;
		}
		if (i < 0)
			return;
		e = &r->event[q][i--];
		if (it * base + e->done <= (old > stop ? old : stop))
			return;
		child = &r->body->child[e->child];
		learn(c, &child->edge[q], it * base);
		if (now >= it * base + e->done)
			learn(c, &child->exit[q], it * base);
	}
}

static void
nothing(struct sync_clock *c)
{
	for (int q = 0; q < Q_COUNT; q++)
		c->at[q] = SYNC_NEVER;
}

/* Closes c under everything that progress implies, down to `stop`, or until
 * queue `aim` is known to have reached `target`. */
static void
close_clock(const struct reducer *r, struct sync_clock *c, sync_time stop,
    int aim, sync_time target)
{
	struct sync_clock old;
	bool more = true;

	nothing(&old);
	while (more) {
		more = false;
		for (int q = 0; q < Q_COUNT; q++) {
			sync_time now = c->at[q], before = old.at[q];
			if (now <= before || now <= stop)
				continue;
			old.at[q] = now;
			expand(r, c, q, now, before, stop);
			more = true;
			if (aim >= 0 && c->at[aim] >= target)
				return;
		}
	}
}

static bool
implied(const struct reducer *r, const struct sync_need *n)
{
	const struct sync_child *b = &r->body->child[n->b];
	sync_time target = 2 * (sync_time)n->x + 1 -
	    n->distance * r->s->base;
	struct sync_clock c;

	if (b->edge[n->to].at[n->from] >= target)
		return true;
	nothing(&c);
	if (b->node->kind == TILE_NODE_LOOP)
		c = r->s->entry[n->y];
	c.at[n->to] = 2 * (sync_time)b->span.first;
	if (c.at[n->from] >= target)
		return true;
	close_clock(r, &c, target, (int)n->from, target);
	return c.at[n->from] >= target;
}

static int
by_urgency(const void *pa, const void *pb)
{
	const struct sync_need *a = pa, *b = pb;

	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	if (a->y != b->y)
		return a->y < b->y ? -1 : 1;
	if (a->x != b->x)
		return a->x > b->x ? -1 : 1;
	return 0;
}

static sync_time
signal_time(const struct reducer *r, enum queue from, uint32_t child,
    int64_t distance)
{
	return 2 * (sync_time)r->body->child[child].last[from] + 1 -
	    distance * r->s->base;
}

static bool
all_implied(const struct reducer *r)
{
	for (size_t i = 0; i < r->body->need.len; i++) {
		if (!implied(r, &r->body->need.data[i]))
			return false;
	}
	return true;
}

/* Takes away waits that later choices made idle. */
static void
drop_idle(struct reducer *r, size_t nwaits)
{
	struct sync_body *b = r->body;

	if (nwaits * b->need.len > MAX_CHECKS)
		return;
	for (uint32_t i = 0; i < b->nchildren; i++) {
		for (int to = 0; to < Q_COUNT; to++) {
			for (int from = 0; from < Q_COUNT; from++) {
				sync_time *t = &b->child[i].edge[to].at[from];
				sync_time keep = *t;
				if (keep == SYNC_NEVER)
					continue;
				*t = SYNC_NEVER;
				if (!all_implied(r))
					*t = keep;
			}
		}
	}
}

static void
start_reducer(struct reducer *r, struct sync_pass *s, struct sync_body *body)
{
	memset(r, 0, sizeof *r);
	r->s = s;
	r->body = body;
	events(r);
}

void
tile_sync_reduce(struct sync_pass *s, struct sync_body *body)
{
	struct reducer r;
	size_t nwaits = 0;

	start_reducer(&r, s, body);
	if (body->need.len == 0)
		return;
	qsort(body->need.data, body->need.len, sizeof *body->need.data,
	    by_urgency);
	for (size_t i = 0; i < body->need.len; i++) {
		const struct sync_need *n = &body->need.data[i];
		sync_time *t = &body->child[n->b].edge[n->to].at[n->from];
		if (implied(&r, n))
			continue;
		*t = signal_time(&r, n->from, n->a, n->distance);
		nwaits++;
	}
	drop_idle(&r, nwaits);
}

/* ---- from a body to the body around it ---- */

/* t, known in local iteration `local` of the loop, as a time of the parent. */
static sync_time
outward(const struct sync_pass *s, const struct sync_body *body, sync_time t,
    int64_t local)
{
	const struct tile_loop *l = body->loop;
	sync_time it, pos, e;

	if (t == SYNC_NEVER)
		return t;
	it = floor_div(t, s->base);
	pos = t - it * s->base;
	it += local;
	e = floor_div(it, l->count);
	if (e < 0 && l->parent == NULL)
		return SYNC_NEVER;
	/* Only in the last iteration "complete" means the same outside. */
	if (it - e * l->count != l->count - 1)
		pos = 2 * (sync_time)s->order.span[l->node->order].first;
	return e * s->base + pos;
}

static void
lift(const struct sync_pass *s, const struct sync_body *body,
    struct sync_clock *c, int64_t local)
{
	for (int q = 0; q < Q_COUNT; q++)
		c->at[q] = outward(s, body, c->at[q], local);
}

void
tile_sync_lift(struct sync_pass *s, const struct sync_body *body,
    struct sync_clock *exit)
{
	struct sync_body *b = NEW(s->a, struct sync_body);
	struct reducer r;
	/* Knowledge from more than a few iterations back never helps. */
	sync_time stop = -4 * s->base;

	*b = *body;
	start_reducer(&r, s, b);
	for (uint32_t y = b->child[0].span.first;
	     y < b->child[b->nchildren - 1].span.end; y++) {
		enum queue q = s->order.leaf[y]->insn->queue;
		const struct sync_child *c =
		    &b->child[tile_sync_child(b, y)];
		struct sync_clock *k = &s->entry[y];
		k->at[q] = 2 * (sync_time)c->span.first;
		close_clock(&r, k, stop, -1, 0);
		lift(s, b, k, 0);
	}
	for (int q = 0; q < Q_COUNT; q++) {
		nothing(&exit[q]);
		if (r.nevents[q] == 0)
			continue;
		exit[q].at[q] = r.event[q][r.nevents[q] - 1].done;
		close_clock(&r, &exit[q], stop, -1, 0);
		lift(s, b, &exit[q], body->loop->count - 1);
		exit[q].at[q] = SYNC_NEVER;
	}
}
