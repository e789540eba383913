#include "runtime/sim/clocks.h"

#include <stdlib.h>
#include <string.h>

#include "support/diag.h"

/* Room for one more of count items. */
static void *
grow(void *p, size_t count, size_t *cap, size_t item)
{
	if (count < *cap)
		return p;
	*cap = *cap > 0 ? 2 * *cap : 16;
	p = realloc(p, *cap * item);
	if (p == NULL)
		ice("checker", "out of memory for %zu items", *cap);
	return p;
}

static void *
grow32(void *p, uint32_t count, uint32_t *cap, size_t item)
{
	size_t c = *cap;

	p = grow(p, count, &c, item);
	*cap = (uint32_t)c;
	return p;
}

void
clocks_init(struct clocks *c, uint32_t groups, uint32_t nsems)
{
	memset(c, 0, sizeof *c);
	c->threads = groups * Q_COUNT;
	c->nsems = nsems;
	c->now = calloc((size_t)c->threads * c->threads, sizeof *c->now);
	c->sem = calloc((size_t)groups * nsems + 1, sizeof *c->sem);
	if (c->now == NULL || c->sem == NULL)
		ice("checker", "out of memory for %u clocks", c->threads);
	for (uint32_t t = 0; t < c->threads; t++)
		c->now[(size_t)t * c->threads + t] = 1;
	for (size_t i = 0; i < (size_t)groups * nsems; i++)
		c->sem[i].ordered = true;
}

void
clocks_free(struct clocks *c)
{
	size_t nsems = c->sem != NULL ?
	    (size_t)(c->threads / Q_COUNT) * c->nsems : 0;

	for (size_t i = 0; i < nsems; i++) {
		free(c->sem[i].event);
		free(c->sem[i].wait);
	}
	free(c->sem);
	free(c->now);
	free(c->pool);
	free(c->sender);
	memset(c, 0, sizeof *c);
}

/* An unfilled clock. */
static uint32_t
new_ticket(struct clocks *c, uint32_t sender)
{
	size_t cap = c->ticket_cap;

	if (c->ntickets == cap) {
		cap = cap > 0 ? 2 * cap : 64;
		c->pool = realloc(c->pool,
		    cap * c->threads * sizeof *c->pool);
		c->sender = realloc(c->sender, cap * sizeof *c->sender);
		if (c->pool == NULL || c->sender == NULL)
			ice("checker", "out of memory for %zu clocks", cap);
		c->ticket_cap = cap;
	}
	c->sender[c->ntickets] = sender;
	return (uint32_t)c->ntickets++;
}

static uint32_t *
clock_of(const struct clocks *c, uint32_t ticket)
{
	return &c->pool[(size_t)ticket * c->threads];
}

static void
join(const struct clocks *c, uint32_t *into, const uint32_t *from)
{
	for (uint32_t i = 0; i < c->threads; i++)
		if (from[i] > into[i])
			into[i] = from[i];
}

uint32_t
clocks_signal(struct clocks *c, uint32_t t)
{
	uint32_t ticket = new_ticket(c, t);
	uint32_t *own = &c->now[(size_t)t * c->threads];

	memcpy(clock_of(c, ticket), own, c->threads * sizeof *own);
	own[t]++;
	return ticket;
}

/* Whether event e follows every event up to and including number last. */
static bool
follows_all(const struct clocks *c, const struct clock_sem *s,
    const struct clock_event *e, uint32_t last)
{
	const uint32_t *clock = clock_of(c, e->own);

	for (uint32_t i = last + 1; i-- > 0;) {
		const struct clock_event *x = &s->event[i];

		if (x->thread != e->thread && clock[x->thread] < x->epoch)
			return false;
	}
	return true;
}

/* Whether event number k could have let wait w pass in place of one of the
 * events it is meant for. */
static bool
may_replace(const struct clocks *c, const struct clock_sem *s, uint32_t k,
    const struct clock_wait *w)
{
	const struct clock_event *e = &s->event[k];

	return clock_of(c, e->own)[w->thread] < w->epoch &&
	    !follows_all(c, s, e, w->event);
}

static bool
find_victim(const struct clocks *c, const struct clock_sem *s, uint32_t k,
    struct clock_wait *victim)
{
	for (uint32_t i = s->nwaits; i-- > 0;)
		if (may_replace(c, s, k, &s->wait[i])) {
			*victim = s->wait[i];
			return true;
		}
	return false;
}

bool
clocks_fire(struct clocks *c, uint32_t sem, uint32_t ticket, int64_t value,
    struct clock_wait *victim)
{
	struct clock_sem *s = &c->sem[sem];
	uint32_t t = c->sender[ticket], k = s->nevents;
	struct clock_event e = { value, t, clock_of(c, ticket)[t], ticket,
		ticket };

	if (k > 0) {
		const struct clock_event *last = &s->event[k - 1];

		s->shared |= last->thread != t;
		if (s->shared && clock_of(c, ticket)[last->thread] <
		    last->epoch && last->thread != t)
			s->ordered = false;
		if (s->shared) {
			e.all = new_ticket(c, t);
			memcpy(clock_of(c, e.all), clock_of(c, last->all),
			    c->threads * sizeof *c->pool);
			join(c, clock_of(c, e.all), clock_of(c, ticket));
		}
	}
	s->event = grow32(s->event, k, &s->event_cap, sizeof *s->event);
	s->event[s->nevents++] = e;
	return s->ordered || !find_victim(c, s, k, victim);
}

bool
clocks_wait(struct clocks *c, uint32_t t, uint32_t sem, int64_t want,
    uint32_t pc, uint32_t *other)
{
	struct clock_sem *s = &c->sem[sem];
	uint32_t lo = 0, hi = s->nevents;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s->event[mid].value >= want)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == s->nevents)
		return true; /* not satisfied: the caller does not pass */
	struct clock_wait w = { t, clocks_epoch(c, t), pc, lo };

	join(c, &c->now[(size_t)t * c->threads],
	    clock_of(c, s->event[lo].all));
	s->wait = grow32(s->wait, s->nwaits, &s->wait_cap, sizeof *s->wait);
	s->wait[s->nwaits++] = w;
	if (s->ordered)
		return true;
	for (uint32_t k = lo + 1; k < s->nevents; k++)
		if (may_replace(c, s, k, &w)) {
			*other = s->event[k].thread;
			return false;
		}
	return true;
}

void
clocks_barrier(struct clocks *c, enum queue queue)
{
	uint32_t first = (uint32_t)queue;
	uint32_t *all = &c->now[(size_t)first * c->threads];

	for (uint32_t t = first; t < c->threads; t += Q_COUNT)
		join(c, all, &c->now[(size_t)t * c->threads]);
	for (uint32_t t = first; t < c->threads; t += Q_COUNT)
		join(c, &c->now[(size_t)t * c->threads], all);
}
