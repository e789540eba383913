/* A binary heap of events, earliest first. At equal times signals come before
 * queues, signals in the order of their sending (a queue's own never overtake
 * each other), queues by key. */
#include "runtime/sim/core.h"

#include <stdlib.h>

static bool
before(const struct sim_event *a, const struct sim_event *b)
{
	if (a->time != b->time)
		return a->time < b->time;
	if ((a->key & EVENT_QUEUE) == 0 && (b->key & EVENT_QUEUE) == 0)
		return a->order < b->order;
	return a->key < b->key;
}

void
heap_push(struct sim_heap *h, int64_t time, uint64_t key)
{
	struct sim_event e = { time, key, h->pushed++ };
	size_t i = h->len++;

	if (h->len > h->cap) {
		h->cap = h->cap > 0 ? 2 * h->cap : 64;
		h->at = realloc(h->at, h->cap * sizeof *h->at);
		if (h->at == NULL)
			ice("sim", "out of memory for %zu events", h->cap);
	}
	for (; i > 0 && before(&e, &h->at[(i - 1) / 2]); i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = e;
}

void
heap_pop(struct sim_heap *h)
{
	struct sim_event e = h->at[--h->len];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < h->len; i = child) {
		if (child + 1 < h->len &&
		    before(&h->at[child + 1], &h->at[child]))
			child++;
		if (!before(&h->at[child], &e))
			break;
		h->at[i] = h->at[child];
	}
	if (h->len > 0)
		h->at[i] = e;
}
