/* What a queue knows of the others at a point of a body, from all waits up to
 * there: for each queue a tree over its events with the latest times below
 * each node, so that neither a question nor a new wait walks over the body. */
#include "backend/tile_sync.h"

#include <string.h>

static sync_time
later(sync_time a, sync_time b)
{
	return a > b ? a : b;
}

void
sync_known(struct sync_known *k, const struct sync_events *r)
{
	k->r = r;
	for (int q = 0; q < Q_COUNT; q++) {
		size_t n = 1;

		while (n < r->nevents[q])
			n *= 2;
		k->leaves[q] = n;
		k->node[q] = NEW_ARRAY(r->s->a, struct sync_clock, 2 * n);
		for (size_t i = 0; i < 2 * n; i++)
			sync_nothing(&k->node[q][i]);
		for (size_t i = 0; i < r->nevents[q]; i++) {
			const struct sync_child *c =
			    &r->body->child[r->event[q][i].child];

			k->node[q][n + i] = c->edge[q];
			sync_learn(&k->node[q][n + i], &c->exit[q], 0);
		}
		for (size_t i = n; i-- > 1;) {
			k->node[q][i] = k->node[q][2 * i];
			sync_learn(&k->node[q][i], &k->node[q][2 * i + 1], 0);
		}
	}
}

void
sync_known_edge(struct sync_known *k, const struct sync_child *c,
    enum queue to, enum queue from)
{
	struct sync_clock *node = k->node[to];
	size_t i = k->leaves[to] + (size_t)sync_event_at(k->r, (int)to,
	    2 * (sync_time)c->span.first);
	sync_time t = later(c->edge[to].at[from], c->exit[to].at[from]);

	while (node[i].at[from] != t) {
		node[i].at[from] = t;
		i /= 2;
		if (i == 0)
			return;
		t = later(node[2 * i].at[from], node[2 * i + 1].at[from]);
	}
}

/* Times are ordered as they are passed: what a queue knew before, or an
 * iteration before, it knows now. */
void
sync_known_at(const struct sync_known *k, struct sync_clock *c, int q,
    sync_time now)
{
	const struct sync_events *r = k->r;
	sync_time base = r->s->base, it = sync_floor_div(now, base);
	long i = sync_event_at(r, q, now - it * base);
	const struct sync_event *e;
	const struct sync_child *child;

	sync_learn(c, &k->node[q][1], (it - 1) * base);
	if (i < 0)
		return;
	e = &r->event[q][i];
	child = &r->body->child[e->child];
	for (size_t n = k->leaves[q] + (size_t)i; n > 1; n /= 2) {
		if (n % 2 != 0)
			sync_learn(c, &k->node[q][n - 1], it * base);
	}
	sync_learn(c, &child->edge[q], it * base);
	if (now >= it * base + e->done)
		sync_learn(c, &child->exit[q], it * base);
}
