/* The order of a loop. Between two places where one value alone is on chip, as
 * between modules, lie few units: sets of them that may be done first are
 * tried, those of one size after the other, the best of each. The way through
 * them is taken whose worst place needs least room or, of all that need no more
 * than there is, the one in which array and vector unit have least to wait for
 * each other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/group_units.h"

#define BRANCHES 3   /* at least, for an order that saves time */
#define UNITS 64     /* of a stretch, at most: bits of a set */
#define SETS 128     /* of one size that are gone on from */
#define SLOTS (2 * SETS * UNITS)
#define WORTH .99    /* of the cycles before, at most */

/* A root on chip. */
struct tenant {
	const struct info *root;
	int64_t bytes;        /* of a sample */
	uint32_t first, last; /* units that touch it */
	uint64_t users;       /* units of the stretch that do */
	size_t entry;         /* the last in the list of touches */
};

/* A node reads or writes a tenant. */
struct touch {
	uint32_t tenant;
	bool first, last; /* of its unit */
};

/* A set of units that are done, in some order. */
struct done {
	uint64_t units;
	int64_t live, peak;   /* bytes then, and at the worst place before */
	int64_t held;         /* of what is done with */
	int64_t cost;         /* the latter, where it is more than there is */
	double free[2];       /* when vector unit and array have nothing */
	double finish[UNITS]; /* when each unit is done */
	size_t trace;         /* how it came about */
	uint32_t unit;        /* what was added last */
};

/* A set that others were made of: the one before it, and what was added. */
struct trace {
	size_t from;
	uint32_t unit;
};

struct stretch {
	uint32_t from, end; /* units */
	bool other;         /* an order of its own */
	int64_t live;       /* bytes before it */
	int64_t peak;       /* and at the worst place */
	int64_t plain;      /* the same in the order of the graph */
};

struct search {
	struct units u;
	int64_t room;          /* bytes of a sample that may be taken */
	uint32_t unit, at;     /* being looked at */
	VEC(struct tenant) tenant;
	uint32_t *id;          /* by value id: tenant + 1 */
	VEC(struct touch) touch;
	size_t *touches, *end; /* by position: of them */
	VEC(struct stretch) stretch;
	uint64_t *needs;       /* by unit: those of its stretch before it */
	double *cycles;        /* by unit */
	struct done *layer;    /* sets of one size */
	size_t nlayer;
	struct done *reached;  /* with one unit more */
	size_t nreached;
	uint32_t *slot;        /* hash of these: index + 1 */
	VEC(struct trace) trace;
	uint32_t *order;       /* units in the new order */
};

/* ---- cycles ---- */

/* A contraction of m rows, n columns and k: whole tiles of the array. */
static double
array_cycles(const struct units *w, const struct node *x)
{
	const struct wave_target *t = w->lw->target;
	const struct tensor_type *y = &x->out[0]->type;
	double part = (double)w->r->sub / (double)w->lw->sched->batch;
	bool sum = w->lw->sched->part[x->id] == PART_SUM;
	int64_t elems = type_elems(y), n = y->dim[x->op == OP_conv_wgrad ? 0 :
	    y->rank > 1 ? 1 : 0];
	double k = elems > 0 ? (double)(lower_macs(x, true) / elems) : 0;
	double m = n > 0 ? (double)(elems / n) : 0;
	if (sum)
		k *= part;
	else
		m *= part;
	return ceil(k / (double)t->rows) *
	    (double)ceil_div(n, t->cols) * m;
}

/* A step of the vector unit for each element of the largest operand. */
static double
vector_cycles(const struct units *w, const struct node *x)
{
	const struct wave_target *t = w->lw->target;
	double part = (double)w->r->sub / (double)w->lw->sched->batch;
	int64_t lanes = t->vector_lanes_16 > 0 ? t->vector_lanes_16 :
	    t->vector_lanes, elems = 0;
	if (lanes == 0 || place_is_view(w->lw, x))
		return 0;
	for (int i = 0; i < x->nin; i++)
		if (x->in[i] != NULL && type_elems(&x->in[i]->type) > elems)
			elems = type_elems(&x->in[i]->type);
	return part * (double)elems / (double)lanes;
}

static double
estimate(const struct units *w, const struct node *n)
{
	return op_info(n->op)->lowering == LOWER_MATRIX ?
	    array_cycles(w, n) : vector_cycles(w, n);
}

/* ---- tenants ---- */

static void
list(void *ctx, const struct info *root)
{
	struct search *w = ctx;
	uint32_t *id = &w->id[root->v->id];
	struct arena *a = w->u.lw->arena;
	struct touch new = {.first = true, .last = true};
	struct tenant *t;
	bool is_new = *id == 0;
	if (is_new) {
		VEC_PUSH(a, &w->tenant, ((struct tenant){.root = root,
		    .first = w->unit, .bytes = group_bytes(w->u.lw, w->u.r,
		    root->v, 1)}));
		*id = (uint32_t)w->tenant.len;
	}
	t = &w->tenant.data[*id - 1];
	if (!is_new && t->last == w->unit) {
		if (t->entry >= w->touches[w->at])
			return; /* the same node */
		new.first = false;
		w->touch.data[t->entry].last = false;
	}
	new.tenant = *id - 1;
	t->last = w->unit;
	t->entry = w->touch.len;
	VEC_PUSH(a, &w->touch, new);
}

static void
find_tenants(struct search *w)
{
	for (w->unit = 0; w->unit < w->u.count; w->unit++) {
		w->at = w->u.unit[w->unit].first;
		for (; w->at != w->u.n; w->at = w->u.next[w->at]) {
			w->touches[w->at] = w->touch.len;
			units_touched(&w->u, w->at, list, w);
			w->end[w->at] = w->touch.len;
		}
	}
}

/* ---- stretches ---- */

static void
find_stretches(struct search *w)
{
	struct arena *a = w->u.lw->arena;
	int64_t *change = NEW_ARRAY(a, int64_t, w->u.count + 1);
	int64_t *bytes = NEW_ARRAY(a, int64_t, w->u.count + 1);
	struct stretch s = {0};
	int64_t alive = 0, live = 0;
	for (size_t i = 0; i < w->tenant.len; i++) {
		const struct tenant *t = &w->tenant.data[i];
		change[t->first]++;
		change[t->last]--;
		bytes[t->first] += t->bytes;
		bytes[t->last] -= t->bytes;
	}
	for (uint32_t i = 0; i < w->u.count; i++) {
		alive += change[i];
		live += bytes[i];
		if (alive > 1 && i + 1 < w->u.count)
			continue;
		s.end = i + 1;
		VEC_PUSH(a, &w->stretch, s);
		s = (struct stretch){.from = s.end, .live = live};
	}
}

static void
find_needs(struct search *w, const struct stretch *s)
{
	for (uint32_t i = s->from; i < s->end; i++) {
		const struct unit *x = &w->u.unit[i];
		for (size_t k = 0; k < x->then.len; k++)
			if (x->then.data[k] < s->end)
				w->needs[x->then.data[k]] |=
				    (uint64_t)1 << (i - s->from);
	}
}

/* Whether x is a contraction of samples, not a sum over them. */
static bool
is_link(const struct search *w, uint32_t x)
{
	const struct unit *u = &w->u.unit[x];
	const struct node *n = units_node(&w->u, u->first);
	return u->array && w->u.lw->sched->part[n->id] == PART_SPLIT;
}

/* The most contractions of the stretch of which each may be the next one. */
static int
width(const struct search *w, const struct stretch *s)
{
	uint64_t before[UNITS] = {0}, done = 0; /* contractions */
	int most = 0;
	for (uint32_t i = 0; i < s->end - s->from; i++)
		for (uint32_t k = 0; k < i; k++)
			if ((w->needs[s->from + i] >> k & 1) != 0)
				before[i] |= before[k] |
				    (uint64_t)is_link(w, s->from + k) << k;
	for (uint32_t i = 0; i < s->end - s->from; i++) {
		int count = 0;
		for (uint32_t k = i; k < s->end - s->from; k++)
			count += is_link(w, s->from + k) &&
			    (before[k] & ~done) == 0;
		most = count > most ? count : most;
		done |= (uint64_t)is_link(w, s->from + i) << i;
	}
	return most;
}

/* Notes which units of the stretch touch each tenant, or forgets it. */
static void
mark_users(struct search *w, const struct stretch *s, bool mark)
{
	for (uint32_t i = s->from; i < s->end; i++) {
		uint64_t bit = mark ? (uint64_t)1 << (i - s->from) : 0;
		for (uint32_t at = w->u.unit[i].first; at != w->u.n;
		     at = w->u.next[at])
			for (size_t k = w->touches[at]; k < w->end[at]; k++) {
				struct tenant *t = &w->tenant.data[
				    w->touch.data[k].tenant];
				t->users = mark ? t->users | bit : 0;
			}
	}
}

/* ---- one unit more ---- */

/* Whether an element-wise node writes `to` over what dies there. */
static bool
takes(const struct search *w, uint32_t at, const struct tenant *from,
    const struct tenant *to)
{
	const struct node *n = units_node(&w->u, at);
	return op_info(n->op)->lowering == LOWER_MAP && n->nout == 1 &&
	    to->root->v == n->out[0] && from != to &&
	    type_equal(&from->root->v->type, &to->root->v->type);
}

/* The node at position at runs when the units of a set are done; its own is in
 * `done`. */
static void
add_node(const struct search *w, const struct stretch *s, uint64_t before,
    uint64_t done, uint32_t at, struct done *to)
{
	int64_t comes = 0, goes = 0, over = 0;
	const struct tenant *new = NULL;
	for (size_t k = w->touches[at]; k < w->end[at]; k++) {
		const struct touch *c = &w->touch.data[k];
		const struct tenant *t = &w->tenant.data[c->tenant];
		if (!c->first || t->first < s->from ||
		    (t->users & before) != 0)
			continue;
		comes += t->bytes;
		new = t;
	}
	for (size_t k = w->touches[at]; k < w->end[at]; k++) {
		const struct touch *c = &w->touch.data[k];
		const struct tenant *t = &w->tenant.data[c->tenant];
		if (!c->last || t->last >= s->end || (t->users & ~done) != 0)
			continue;
		goes += t->bytes;
		if (new != NULL && takes(w, at, t, new))
			over = t->bytes;
	}
	if (to->live + to->held + comes - over > to->peak)
		to->peak = to->live + to->held + comes - over;
	to->live += comes - goes;
	if (w->u.unit[w->u.unit_of[at]].chain)
		to->held += goes; /* until all strips are done */
}

static void
add_cycles(const struct search *w, const struct stretch *s, struct done *to,
    uint32_t x)
{
	uint32_t bit = x - s->from;
	double *free = &to->free[w->u.unit[x].array], start = *free;
	for (uint64_t n = w->needs[x]; n != 0; n &= n - 1) {
		double end = to->finish[__builtin_ctzll(n)];
		start = end > start ? end : start;
	}
	*free = to->finish[bit] = start + w->cycles[x];
}

static void
add_unit(const struct search *w, const struct stretch *s, struct done *to,
    uint32_t x)
{
	uint64_t before = to->units, bit = (uint64_t)1 << (x - s->from);
	for (uint32_t at = w->u.unit[x].first; at != w->u.n;
	     at = w->u.next[at])
		add_node(w, s, before, before | bit, at, to);
	to->held = 0;
	add_cycles(w, s, to, x);
	to->units |= bit;
	to->unit = x;
	to->cost = to->peak > w->room ? to->peak : w->room;
}

/* ---- sets ---- */

/* Less than 0: a is the better way to do as many units. */
static int
compare(const struct done *a, const struct done *b)
{
	double x = a->free[0] + a->free[1], y = b->free[0] + b->free[1];
	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int
by_merit(const void *a, const void *b)
{
	const struct done *x = a, *y = b;
	int c = compare(x, y);
	return c != 0 ? c : x->units < y->units ? -1 : x->units > y->units;
}

/* Notes that d can be reached. */
static void
reach(struct search *w, const struct done *d)
{
	size_t h = (size_t)((d->units * 0x9e3779b97f4a7c15u) >> 40) % SLOTS;
	for (; w->slot[h] != 0; h = (h + 1) % SLOTS) {
		struct done *old = &w->reached[w->slot[h] - 1];
		if (old->units != d->units)
			continue;
		if (compare(d, old) < 0)
			*old = *d;
		return;
	}
	w->reached[w->nreached] = *d;
	w->slot[h] = (uint32_t)++w->nreached;
}

/* The sets of the layer with one unit more, the best of them. */
static void
extend(struct search *w, const struct stretch *s)
{
	memset(w->slot, 0, SLOTS * sizeof *w->slot);
	w->nreached = 0;
	for (size_t i = 0; i < w->nlayer; i++) {
		const struct done *from = &w->layer[i];
		for (uint32_t x = s->from; x < s->end; x++) {
			struct done d;
			if ((from->units >> (x - s->from) & 1) != 0 ||
			    (w->needs[x] & ~from->units) != 0)
				continue;
			d = *from;
			add_unit(w, s, &d, x);
			reach(w, &d);
		}
	}
	qsort(w->reached, w->nreached, sizeof *w->reached, by_merit);
	w->nlayer = w->nreached < SETS ? w->nreached : SETS;
	for (size_t i = 0; i < w->nlayer; i++) {
		struct done *d = &w->layer[i];
		struct trace t;
		*d = w->reached[i];
		t = (struct trace){d->trace, d->unit};
		VEC_PUSH(w->u.lw->arena, &w->trace, t);
		d->trace = w->trace.len;
	}
}

static double
cycles_of(const struct done *d)
{
	return d->free[0] > d->free[1] ? d->free[0] : d->free[1];
}

/* Finds an order of a stretch that is worth it, into w->order. */
static void
search(struct search *w, struct stretch *s)
{
	struct done plain = {.live = s->live, .peak = s->live};
	struct done *best = w->layer;
	size_t at;
	*best = plain;
	for (uint32_t x = s->from; x < s->end; x++)
		add_unit(w, s, &plain, x);
	s->plain = s->peak = plain.peak;
	w->nlayer = 1;
	w->trace.len = 0;
	for (uint32_t k = s->from; k < s->end; k++)
		extend(w, s);
	if (best->cost > plain.cost || (best->cost == plain.cost &&
	    cycles_of(best) > WORTH * cycles_of(&plain)))
		return;
	s->peak = best->peak;
	s->other = true;
	at = best->trace;
	for (uint32_t x = s->end; x-- > s->from;) {
		w->order[x] = w->trace.data[at - 1].unit;
		at = w->trace.data[at - 1].from;
	}
}

static void
search_all(struct search *w)
{
	for (size_t i = 0; i < w->stretch.len; i++) {
		struct stretch *s = &w->stretch.data[i];
		if (s->end - s->from > UNITS)
			continue;
		find_needs(w, s);
		if (w->room > 0 && width(w, s) < BRANCHES)
			continue;
		mark_users(w, s, true);
		search(w, s);
		mark_users(w, s, false);
	}
}

static void
keep_order(struct search *w, struct stretch *s)
{
	s->other = false;
	for (uint32_t x = s->from; x < s->end; x++)
		w->order[x] = x;
}

/* Stretches that need no more room than the worst of all does at its best keep
 * their order. */
static void
keep_small(struct search *w)
{
	int64_t worst = 0;
	for (size_t i = 0; i < w->stretch.len; i++)
		if (w->stretch.data[i].peak > worst)
			worst = w->stretch.data[i].peak;
	for (size_t i = 0; i < w->stretch.len; i++)
		if (w->stretch.data[i].plain <= worst)
			keep_order(w, &w->stretch.data[i]);
}

/* Units of the largest stretch that is looked at. */
static size_t
most_units(const struct search *w)
{
	uint32_t most = 0;
	for (size_t i = 0; i < w->stretch.len; i++) {
		const struct stretch *s = &w->stretch.data[i];
		uint32_t units = s->end - s->from;
		most = units <= UNITS && units > most ? units : most;
	}
	return most;
}

static void
start(struct search *w)
{
	struct arena *a = w->u.lw->arena;
	w->id = NEW_ARRAY(a, uint32_t, w->u.lw->g->nvalues + 1);
	w->touches = NEW_ARRAY(a, size_t, w->u.n + 1);
	w->end = NEW_ARRAY(a, size_t, w->u.n + 1);
	w->needs = NEW_ARRAY(a, uint64_t, w->u.count + 1);
	w->cycles = NEW_ARRAY(a, double, w->u.count + 1);
	w->order = NEW_ARRAY(a, uint32_t, w->u.count + 1);
	w->layer = NEW_ARRAY(a, struct done, SETS);
	w->slot = NEW_ARRAY(a, uint32_t, SLOTS);
	for (uint32_t i = 0; i < w->u.count; i++)
		w->order[i] = i;
	for (uint32_t i = 0; i < w->u.n; i++)
		w->cycles[w->u.unit_of[i]] +=
		    estimate(&w->u, units_node(&w->u, i));
	find_tenants(w);
	find_stretches(w);
	w->reached = NEW_ARRAY(a, struct done, SETS * most_units(w) + 1);
}

static void
put(struct search *w)
{
	struct region *r = w->u.r;
	const struct node **to = NEW_ARRAY(w->u.lw->arena,
	    const struct node *, w->u.n + 1);
	uint32_t at = 0;
	for (uint32_t i = 0; i < w->u.count; i++)
		for (uint32_t k = w->u.unit[w->order[i]].first; k != w->u.n;
		     k = w->u.next[k])
			to[at++] = units_node(&w->u, k);
	memcpy(&w->u.lw->sched->node[r->loop], to, w->u.n * sizeof *to);
	group_number(w->u.lw, r);
}

bool
group_order(struct lower *lw, struct region *r, int64_t room)
{
	struct search w = {.room = room};
	bool any = false;
	units_find(&w.u, lw, r);
	start(&w);
	search_all(&w);
	if (room == 0)
		keep_small(&w);
	for (size_t i = 0; i < w.stretch.len; i++)
		any = any || w.stretch.data[i].other;
	if (any)
		put(&w);
	return any;
}
