/* Which needs get a wait: the others follow from the program order of the
 * queues and from waits that are there anyway. */
#include "backend/tile_sync.h"

#include <stdlib.h>
#include <string.h>

/* Questions asked per body to find waits that became idle. */
#define MAX_CHECKS 200000

sync_time
sync_floor_div(sync_time a, sync_time b)
{
	return a / b - (a % b != 0 && a < 0);
}

void
sync_events(struct sync_events *r, struct sync_pass *s,
    struct sync_body *body)
{
	const struct sync_body *b = body;

	memset(r, 0, sizeof *r);
	r->s = s;
	r->body = body;
	for (int q = 0; q < Q_COUNT; q++) {
		r->event[q] = NEW_ARRAY(s->a, struct sync_event,
		    b->nchildren + 1);
		for (uint32_t i = 0; i < b->nchildren; i++) {
			struct sync_event *e = &r->event[q][r->nevents[q]];
			if ((b->child[i].span.queues & 1u << q) == 0)
				continue;
			e->child = i;
			e->enter = 2 * (sync_time)b->child[i].span.first;
			e->done = 2 * (sync_time)b->child[i].last[q] + 1;
			r->nevents[q]++;
		}
	}
}

long
sync_event_at(const struct sync_events *r, int q, sync_time pos)
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

void
sync_learn(struct sync_clock *c, const struct sync_clock *add, sync_time by)
{
	for (int q = 0; q < Q_COUNT; q++) {
		if (add->at[q] != SYNC_NEVER && add->at[q] + by > c->at[q])
			c->at[q] = add->at[q] + by;
	}
}

void
sync_nothing(struct sync_clock *c)
{
	for (int q = 0; q < Q_COUNT; q++)
		c->at[q] = SYNC_NEVER;
}

/* Closes c under everything that progress implies until queue `aim` is known
 * to have reached `target`. What lies before that cannot matter: queues know
 * of the past only. */
static void
close_clock(const struct sync_known *k, struct sync_clock *c, int aim,
    sync_time target)
{
	struct sync_clock old;
	bool more = true;

	sync_nothing(&old);
	while (more) {
		more = false;
		for (int q = 0; q < Q_COUNT; q++) {
			sync_time now = c->at[q];
			if (now <= old.at[q] || now <= target)
				continue;
			old.at[q] = now;
			sync_known_at(k, c, q, now);
			more = true;
			if (c->at[aim] >= target)
				return;
		}
	}
}

static bool
implied(const struct sync_known *k, const struct sync_need *n)
{
	const struct sync_child *b = &k->r->body->child[n->b];
	sync_time target = 2 * (sync_time)n->x + 1 -
	    n->distance * k->r->s->base;
	struct sync_clock c;

	if (b->edge[n->to].at[n->from] >= target)
		return true;
	sync_nothing(&c);
	if (b->node->kind == TILE_NODE_LOOP)
		c = k->r->s->entry[n->y];
	c.at[n->to] = 2 * (sync_time)b->span.first;
	if (c.at[n->from] >= target)
		return true;
	close_clock(k, &c, (int)n->from, target);
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
signal_time(const struct sync_events *r, enum queue from, uint32_t child,
    int64_t distance)
{
	return 2 * (sync_time)r->body->child[child].last[from] + 1 -
	    distance * r->s->base;
}

/* A wait that was chosen: where it is and the need that asked for it last. */
struct choice {
	uint32_t child;
	enum queue to, from;
	size_t need;
};

/* Whether a way from x to y of the need can lead over a wait before child i,
 * which reaches back d iterations to leaf x0. */
static bool
may_use(const struct sync_need *n, uint32_t i, int64_t d, uint32_t x0)
{
	if (n->distance != d)
		return n->distance > d;
	return n->x <= x0 && n->b >= i;
}

static void
set_edge(struct sync_known *k, struct sync_child *b, const struct choice *c,
    sync_time t)
{
	b->edge[c->to].at[c->from] = t;
	sync_known_edge(k, b, c->to, c->from);
}

/* Whether everything still follows without a wait that was just removed. */
static bool
idle(const struct sync_known *k, const struct choice *c, sync_time removed,
    long *left)
{
	const struct sync_body *b = k->r->body;
	sync_time base = k->r->s->base, it = sync_floor_div(removed, base);
	uint32_t x0 = (uint32_t)((removed - it * base) / 2);

	if (!implied(k, &b->need.data[c->need]))
		return false;
	for (size_t i = 0; i < b->need.len; i++) {
		if (!may_use(&b->need.data[i], c->child, -it, x0))
			continue;
		if ((*left)-- <= 0 || !implied(k, &b->need.data[i]))
			return false;
	}
	return true;
}

/* Takes away waits that later choices made idle. */
static void
drop_idle(struct sync_known *k, const struct choice *c, size_t n)
{
	long left = MAX_CHECKS;

	for (size_t i = 0; i < n; i++) {
		struct sync_child *b = &k->r->body->child[c[i].child];
		sync_time keep = b->edge[c[i].to].at[c[i].from];

		set_edge(k, b, &c[i], SYNC_NEVER);
		if (!idle(k, &c[i], keep, &left))
			set_edge(k, b, &c[i], keep);
	}
}

void
tile_sync_reduce(struct sync_pass *s, struct sync_body *body)
{
	VEC(struct choice) chosen = { 0 };
	struct sync_events r;
	struct sync_known known;

	if (body->need.len == 0)
		return;
	sync_events(&r, s, body);
	sync_known(&known, &r);
	qsort(body->need.data, body->need.len, sizeof *body->need.data,
	    by_urgency);
	for (size_t i = 0; i < body->need.len; i++) {
		const struct sync_need *n = &body->need.data[i];
		sync_time *t = &body->child[n->b].edge[n->to].at[n->from];
		struct choice c = { n->b, n->to, n->from, i };
		if (implied(&known, n))
			continue;
		/* One that an earlier need asked for becomes stronger. */
		for (size_t k = chosen.len; *t != SYNC_NEVER && k-- > 0;) {
			if (chosen.data[k].child != c.child ||
			    chosen.data[k].to != c.to ||
			    chosen.data[k].from != c.from)
				continue;
			chosen.data[k].need = i;
			break;
		}
		if (*t == SYNC_NEVER)
			VEC_PUSH(s->a, &chosen, c);
		set_edge(&known, &body->child[n->b], &c,
		    signal_time(&r, n->from, n->a, n->distance));
	}
	drop_idle(&known, chosen.data, chosen.len);
}
