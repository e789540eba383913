/* Who used which unit when: joined spans, and the division of the run's cycles
 * among source ops. */
#include "runtime/sim/core.h"

#include <stdlib.h>

#define MAX_SPANS ((size_t)1 << 20) /* of a unit, then they are joined */

/* Joins neighbours of one op that are at most slack apart. */
static void
join_spans(struct span_list *l)
{
	size_t n = 0;

	for (size_t i = 1; i < l->len; i++) {
		struct sim_span *last = &l->span[n], *x = &l->span[i];

		if (x->op == last->op && x->start - last->end <= l->slack) {
			last->end = x->end;
			last->count += x->count;
		} else {
			l->span[++n] = *x;
		}
	}
	l->len = l->len > 0 ? n + 1 : 0;
}

static void
add_span(struct span_list *l, int64_t start, int64_t end, uint32_t op)
{
	struct sim_span *last = l->len > 0 ? &l->span[l->len - 1] : NULL;

	if (last != NULL && last->op == op &&
	    start - last->end <= l->slack) {
		last->end = end;
		last->count++;
		return;
	}
	while (l->len >= MAX_SPANS) {
		l->slack = 2 * l->slack + 16;
		join_spans(l);
		if (l->slack > INT64_MAX / 4)
			return;
	}
	if (l->len == l->cap) {
		l->cap = l->cap > 0 ? 2 * l->cap : 256;
		l->span = realloc(l->span, l->cap * sizeof *l->span);
		if (l->span == NULL)
			ice("sim", "out of memory for %zu spans", l->cap);
	}
	l->span[l->len++] = (struct sim_span){ start, end, op, 1 };
}

int64_t
sim_busy(struct sim *s, struct sim_group *g, enum sim_unit u, int64_t start,
    int64_t end, uint32_t source)
{
	bool keep = u == UNIT_LD || u == UNIT_ST || u == UNIT_ARRAY ||
	    u == UNIT_VE || s->options.record;

	start = later(start, g->until[u]);
	if (end <= start)
		return 0;
	g->until[u] = end;
	g->busy[u] += end - start;
	if (keep)
		add_span(&g->spans[u], start, end, source);
	return end - start;
}

/* The units in whose favour a cycle is decided, first one wins. */
static const enum sim_unit rank[] = { UNIT_ARRAY, UNIT_VE, UNIT_LD, UNIT_ST };
#define RANKS 4

struct cursor {
	const struct span_list *list;
	size_t at;
};

/* Moves the cursors past spans that ended by t. Returns the rank of the unit
 * busy at t, else -1; *next is the first cycle after t at which the answer may
 * change, INT64_MAX when nothing follows, and *op whose span it is: the one
 * busy, or the next to start. */
static int
who_at(struct cursor *c, int64_t t, int64_t *next, uint32_t *op)
{
	int busy = -1;

	*next = INT64_MAX;
	for (int i = 0; i < RANKS; i++) {
		const struct span_list *l = c[i].list;

		while (c[i].at < l->len && l->span[c[i].at].end <= t)
			c[i].at++;
		if (c[i].at == l->len)
			continue;
		const struct sim_span *x = &l->span[c[i].at];

		if (x->start <= t) {
			if (x->end < *next)
				*next = x->end;
			*op = x->op;
			busy = i;
			break;
		}
		if (x->start < *next) {
			*next = x->start;
			*op = x->op;
		}
	}
	return busy;
}

void
sim_attribute(const struct sim *s, const struct sim_group *g,
    int64_t cycles, int64_t *share)
{
	struct cursor c[RANKS];
	uint32_t op = s->program->nops;
	int64_t next;

	for (int i = 0; i < RANKS; i++)
		c[i] = (struct cursor){ &g->spans[rank[i]], 0 };
	for (int64_t t = 0; t < cycles; t = next) {
		(void)who_at(c, t, &next, &op);
		if (next > cycles)
			next = cycles;
		share[op] += next - t;
	}
}
