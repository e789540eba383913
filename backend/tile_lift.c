/* What the waits of a body tell about the body around it. */
#include "backend/tile_sync.h"

#include <string.h>

/* Walks over the body; what an iteration inherits from those before it has
 * settled after this many. */
#define WALKS 3

/* For each event of each queue what is known when it starts and when it is
 * through, relative to its own iteration. */
struct lift {
	struct sync_events e;
	struct sync_clock *enter[Q_COUNT], *done[Q_COUNT];
};

/* Adds to c that queue q has reached t, and what follows. */
static void
follow(const struct lift *l, struct sync_clock *c, int q, sync_time t)
{
	sync_time base = l->e.s->base, it, pos;
	long i;

	if (t == SYNC_NEVER || l->e.nevents[q] == 0)
		return;
	if (t > c->at[q])
		c->at[q] = t;
	it = sync_floor_div(t, base);
	pos = t - it * base;
	i = sync_event_at(&l->e, q, pos);
	if (i < 0) {
		it--;
		pos = base;
		i = (long)l->e.nevents[q] - 1;
	}
	sync_learn(c, pos >= l->e.event[q][i].done ? &l->done[q][i] :
	    &l->enter[q][i], it * base);
}

static void
follow_all(const struct lift *l, struct sync_clock *c,
    const struct sync_clock *from)
{
	for (int q = 0; q < Q_COUNT; q++)
		follow(l, c, q, from->at[q]);
}

static void
walk(struct lift *l, size_t *next)
{
	const struct sync_body *b = l->e.body;

	for (uint32_t i = 0; i < b->nchildren; i++) {
		const struct sync_child *k = &b->child[i];
		for (int q = 0; q < Q_COUNT; q++) {
			size_t n = l->e.nevents[q], at = next[q];
			struct sync_clock c;
			if ((k->span.queues & 1u << q) == 0)
				continue;
			sync_nothing(&c);
			if (at > 0)
				c = l->done[q][at - 1];
			else
				sync_learn(&c, &l->done[q][n - 1],
				    -l->e.s->base);
			follow_all(l, &c, &k->edge[q]);
			l->enter[q][at] = c;
			follow_all(l, &c, &k->exit[q]);
			l->done[q][at] = c;
			next[q]++;
		}
	}
}

static void
settle(struct lift *l)
{
	for (int q = 0; q < Q_COUNT; q++) {
		size_t n = l->e.nevents[q];
		l->enter[q] = NEW_ARRAY(l->e.s->a, struct sync_clock, n + 1);
		l->done[q] = NEW_ARRAY(l->e.s->a, struct sync_clock, n + 1);
		for (size_t i = 0; i < n; i++) {
			sync_nothing(&l->enter[q][i]);
			sync_nothing(&l->done[q][i]);
		}
	}
	for (int i = 0; i < WALKS; i++) {
		size_t next[Q_COUNT] = { 0 };
		walk(l, next);
	}
}

/* t, known in local iteration `local` of the loop, as a time of the parent. */
static sync_time
outward(const struct lift *k, sync_time t, int64_t local)
{
	const struct sync_pass *s = k->e.s;
	const struct tile_loop *l = k->e.body->loop;
	sync_time it, pos, e;

	if (t == SYNC_NEVER)
		return t;
	it = sync_floor_div(t, s->base);
	pos = t - it * s->base;
	it += local;
	e = sync_floor_div(it, l->count);
	if (e < 0 && l->parent == NULL)
		return SYNC_NEVER;
	/* Only in the last iteration "complete" means the same outside. */
	if (it - e * l->count != l->count - 1)
		pos = 2 * (sync_time)s->order.span[l->node->order].first;
	return e * s->base + pos;
}

static struct sync_clock
lifted(const struct lift *l, const struct sync_clock *c, int64_t local)
{
	struct sync_clock out;

	for (int q = 0; q < Q_COUNT; q++)
		out.at[q] = outward(l, c->at[q], local);
	return out;
}

void
tile_sync_lift(struct sync_pass *s, struct sync_body *body,
    struct sync_clock *exit)
{
	const struct tile_span *span =
	    &s->order.span[body->loop->node->order];
	struct lift l;

	sync_events(&l.e, s, body);
	settle(&l);
	for (uint32_t y = span->first; y < span->end; y++) {
		int q = (int)s->order.leaf[y]->insn->queue;
		long i = sync_event_at(&l.e, q, 2 * (sync_time)y);
		struct sync_clock c = l.enter[q][i];
		follow_all(&l, &c, &s->entry[y]);
		s->entry[y] = lifted(&l, &c, 0);
	}
	for (int q = 0; q < Q_COUNT; q++) {
		size_t n = l.e.nevents[q];
		sync_nothing(&exit[q]);
		if (n > 0)
			exit[q] = lifted(&l, &l.done[q][n - 1],
			    body->loop->count - 1);
		exit[q].at[q] = SYNC_NEVER;
	}
}
