#include "backend/tile_code.h"

#include <stdlib.h>
#include <string.h>

#include "backend/tile_access.h"

/* Bodies within each other have semaphores of their own. */
#define NEST ISA_MAX_LOOPS
#define MAX_SEMS 65536 /* what the field of SIGNAL and WAIT can name */

/* All edges of one body that one queue signals. */
struct group {
	struct tile_loop *body;
	enum queue from;
	size_t first, end;   /* edges, sorted by `after` */
	int64_t signals;     /* per iteration of the body */
	uint32_t sem;
	struct group *next;  /* with the same semaphore */
};

struct assign {
	struct arena *a;
	struct tile_program *p;
	struct diag *d;
	const struct tile_order *o;
	struct tile_sync *edge;
	size_t nedges;
	VEC(struct group) group; /* in the order of the tree */
	struct group **first;    /* by semaphore */
	int64_t (*of_body)[Q_COUNT]; /* semaphore by loop id, -1: none */
	struct tile_sems *out;
};

static uint32_t
body_order(const struct tile_loop *l)
{
	return l != NULL ? l->node->order + 1 : 0;
}

static int
by_signal(const void *pa, const void *pb)
{
	const struct tile_sync *a = pa, *b = pb;
	uint32_t x = body_order(a->body), y = body_order(b->body);

	if (x != y)
		return x < y ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->after != b->after)
		return a->after->order < b->after->order ? -1 : 1;
	if (a->before != b->before)
		return a->before->order < b->before->order ? -1 : 1;
	return a->to < b->to ? -1 : a->to > b->to;
}

static void
make_groups(struct assign *s)
{
	for (size_t i = 0; i < s->nedges; i++) {
		const struct tile_sync *e = &s->edge[i];
		struct group *g = s->group.len > 0 ?
		    &s->group.data[s->group.len - 1] :
		    NULL;
		struct group fresh = { e->body, e->from, i, i, 0, 0, NULL };
		if (g == NULL || g->body != e->body || g->from != e->from) {
			VEC_PUSH(s->a, &s->group, fresh);
			g = &s->group.data[s->group.len - 1];
		}
		if (g->end == g->first || e[-1].after != e->after)
			g->signals++;
		g->end = i + 1;
	}
}

/* Whether a body around g's gives the semaphore to the same queue. */
static bool
taken_around(const struct assign *s, const struct group *g, uint32_t sem)
{
	for (const struct tile_loop *l = g->body->parent; l != NULL;
	     l = l->parent) {
		if (s->of_body[l->id][g->from] == (int64_t)sem)
			return true;
	}
	return false;
}

/* Next semaphore in the turn of g's queue, from base to base + n - 1. */
static bool
take_turn(struct assign *s, struct group *g, uint32_t base, uint32_t n,
    uint32_t *turn)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t sem = base + (*turn + i) % n;
		if (taken_around(s, g, sem))
			continue;
		*turn = (*turn + i + 1) % n;
		g->sem = sem;
		s->of_body[g->body->id][g->from] = sem;
		return true;
	}
	return false;
}

/* More bodies than counters: those that a queue works on one after the other
 * take turns. */
static bool
take_turns(struct assign *s, uint32_t limit)
{
	uint32_t all[Q_COUNT] = { 0 }, share[Q_COUNT], base[Q_COUNT];
	uint32_t turn[Q_COUNT] = { 0 }, loops = 0, next = 0, room, few = 0;

	for (size_t i = 0; i < s->group.len; i++) {
		struct group *g = &s->group.data[i];
		if (g->body == NULL) {
			g->sem = next++;
			continue;
		}
		all[g->from]++;
		loops++;
	}
	room = next < limit ? limit - next : 0;
	for (int q = 0; q < Q_COUNT; q++)
		few += all[q] < NEST ? all[q] : NEST;
	if (few > room)
		return false;
	for (int q = 0; q < Q_COUNT; q++) {
		base[q] = next;
		share[q] = (all[q] < NEST ? all[q] : NEST) +
		    (uint32_t)((uint64_t)(room - few) * all[q] / loops);
		next += share[q];
	}
	s->out->count = next;
	for (size_t i = 0; i < s->group.len; i++) {
		struct group *g = &s->group.data[i];
		if (g->body != NULL && !take_turn(s, g, base[g->from],
					   share[g->from], &turn[g->from]))
			return false;
	}
	return true;
}

static bool
number(struct assign *s)
{
	int64_t limit = s->p->target->semaphores;
	size_t loops = s->p->loops.len;

	if (limit <= 0 || limit > MAX_SEMS)
		limit = MAX_SEMS;
	if (s->group.len <= (size_t)limit) {
		for (size_t i = 0; i < s->group.len; i++)
			s->group.data[i].sem = (uint32_t)i;
		s->out->count = (uint32_t)s->group.len;
		return true;
	}
	s->of_body = arena_calloc(s->a, loops + 1, sizeof *s->of_body);
	memset(s->of_body, -1, (loops + 1) * sizeof *s->of_body);
	if (take_turns(s, (uint32_t)limit))
		return true;
	diag_error(s->d, NULL,
	    "tile: %zu bodies need a semaphore, too many for the target's "
	    "%lld", s->group.len, (long long)limit);
	return false;
}

static const char *
sem_name(struct assign *s, const struct group *g)
{
	const struct tile_program *p = s->p;
	const char *op = NULL, *loop;

	if (g->body == NULL)
		return arena_printf(p->arena, "%s:%s", p->entry,
		    queue_name(g->from));
	if (g->body->node->op < p->ops.len)
		op = p->ops.data[g->body->node->op].name;
	loop = g->body->name != NULL ? g->body->name : "loop";
	return arena_printf(p->arena, "%s%s%s:%s", op != NULL ? op : "",
	    op != NULL ? "." : "", loop, queue_name(g->from));
}

/* Signals of g in one iteration of `around`, a loop around its body (NULL:
 * in the whole entry). */
static int64_t
signals_in(const struct group *g, const struct tile_loop *around)
{
	int64_t n = g->signals;

	for (const struct tile_loop *l = g->body; l != around; l = l->parent)
		n = sat_mul(n, l->count);
	return n;
}

static const struct tile_loop *
common(const struct tile_loop *a, const struct tile_loop *b)
{
	while (!tile_encloses(a, b))
		a = a->parent;
	return a;
}

/* What the counter of g has when its body starts an iteration: a constant and,
 * for each loop around and the body itself, a number per iteration. Others
 * that share the semaphore count too. */
static void
count_before(const struct assign *s, const struct group *g,
    struct tile_aff *step, int64_t *start)
{
	*start = 0;
	for (const struct group *x = s->first[g->sem]; x != NULL;
	     x = x->next) {
		const struct tile_loop *around = common(x->body, g->body);
		if (x < g)
			*start += signals_in(x, around);
		if (x == g && g->body != NULL)
			taff_add(step, g->body, g->signals);
		for (struct tile_loop *l = g->body != NULL ?
		     g->body->parent : NULL; l != NULL; l = l->parent) {
			if (tile_encloses(l, around))
				taff_add(step, l, signals_in(x, l));
		}
	}
}

static bool
count(struct assign *s)
{
	struct tile_sems *out = s->out;
	struct group **last = NEW_ARRAY(s->a, struct group *, out->count + 1);

	s->first = NEW_ARRAY(s->a, struct group *, out->count + 1);
	out->exit = NEW_ARRAY(s->p->arena, uint32_t, out->count + 1);
	out->name = NEW_ARRAY(s->p->arena, const char *, out->count + 1);
	for (uint32_t i = 0; i < out->count; i++)
		out->name[i] = "";
	for (size_t i = 0; i < s->group.len; i++) {
		struct group *g = &s->group.data[i];
		int64_t n = sat_add(signals_in(g, NULL), out->exit[g->sem]);
		if (n > UINT32_MAX) {
			diag_error(s->d, NULL,
			    "tile: semaphore %s counts beyond 32 bits",
			    sem_name(s, g));
			return false;
		}
		out->exit[g->sem] = (uint32_t)n;
		if (last[g->sem] != NULL) {
			last[g->sem]->next = g;
		} else {
			s->first[g->sem] = g;
			out->name[g->sem] = sem_name(s, g);
		}
		last[g->sem] = g;
	}
	return true;
}

static void
resolve(struct assign *s, const struct group *g)
{
	struct tile_aff step = taff_num(0);
	int64_t pos = 0, start;

	count_before(s, g, &step, &start);
	for (size_t i = g->first; i < g->end; i++) {
		const struct tile_sync *e = &s->edge[i];
		struct sem_wait w = { g->sem, 0, step };
		if (i == g->first || e[-1].after != e->after)
			pos++;
		s->out->signal[e->after->order][e->from] = (int32_t)g->sem;
		/* Where the distance reaches before the loop, a sharer's
		 * later signal is waited for in place of the own: safe, as it
		 * follows and still comes first in sequence. */
		w.value = start + pos - e->distance * g->signals;
		VEC_PUSH(s->a, &s->out->wait[e->before->order][e->to], w);
	}
}

bool
tile_sems(struct arena *a, struct tile_program *p, struct diag *d,
    const struct tile_order *o, const struct tile_syncs *syncs,
    struct tile_sems *out)
{
	struct assign s;

	memset(&s, 0, sizeof s);
	memset(out, 0, sizeof *out);
	s.a = a;
	s.p = p;
	s.d = d;
	s.o = o;
	s.out = out;
	s.nedges = syncs->edges.len;
	s.edge = NEW_ARRAY(a, struct tile_sync, s.nedges + 1);
	if (s.nedges > 0)
		memcpy(s.edge, syncs->edges.data, s.nedges * sizeof *s.edge);
	qsort(s.edge, s.nedges, sizeof *s.edge, by_signal);
	out->signal = arena_calloc(a, o->nnodes + 1, sizeof *out->signal);
	out->wait = arena_calloc(a, o->nnodes + 1, sizeof *out->wait);
	for (uint32_t i = 0; i < o->nnodes; i++) {
		for (int q = 0; q < Q_COUNT; q++)
			out->signal[i][q] = -1;
	}
	make_groups(&s);
	if (!number(&s) || !count(&s))
		return false;
	for (size_t i = 0; i < s.group.len; i++)
		resolve(&s, &s.group.data[i]);
	return true;
}
