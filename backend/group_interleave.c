/* Branches of a module beside each other. Within a branch the array waits for
 * the norm behind a convolution, and the vector unit for the convolution. A
 * list schedule of the loop, for both in estimated cycles, lets the array take
 * a convolution of another branch meanwhile. Values stay longer for that, but
 * no more of them at a time than the order of the graph has at its worst
 * place. */
#include "backend/group.h"

#include <math.h>
#include <string.h>

#include "backend/place.h"

#define WORTH .99 /* of the cycles before, at most */
#define WINDOW 48 /* units behind the first that waits that are looked at */

/* What is scheduled at once: a contraction, or vector nodes between two of them
 * of which one reads what another makes. */
struct unit {
	uint32_t first, last; /* positions, linked by `next` */
	bool array, done;
	uint32_t waits;       /* units it depends on that are not done */
	double cycles, ready;
	VEC(uint32_t) then;   /* units that depend on it */
};

struct weave {
	struct lower *lw;
	struct region *r;
	uint32_t n;            /* positions of the loop */
	uint32_t *pos;         /* by node id: position + 1; 0: not in it */
	uint32_t *unit_of;     /* by position */
	uint32_t *next;        /* by position: the next of its unit; n: none */
	struct unit *unit;
	uint32_t nunits;
	uint32_t *touches;     /* by value id: of the root, to come */
	uint32_t *now;         /* the same: of the unit being looked at */
	bool *there;           /* by value id: the root is on chip */
	int64_t live, limit;   /* bytes */
	int64_t comes, goes;   /* the same: with that unit */
	double free[2];        /* when vector unit and array have nothing */
};

static const struct node *
node_at(const struct weave *w, uint32_t at)
{
	return w->lw->sched->node[w->r->loop + at];
}

static bool
is_matrix(const struct node *n)
{
	return op_info(n->op)->lowering == LOWER_MATRIX;
}

/* ---- units ---- */

static uint32_t
head(uint32_t *up, uint32_t i)
{
	while (up[i] != i)
		i = up[i] = up[up[i]];
	return i;
}

/* Position + 1 of v's maker in the loop; 0: it has none. */
static uint32_t
made_at(const struct weave *w, const struct value *v)
{
	return v != NULL && v->kind == VALUE_NODE ? w->pos[v->def->id] : 0;
}

/* Joins vector nodes of [from, to) that read each other's results. */
static void
join_run(const struct weave *w, uint32_t *up, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		const struct node *n = node_at(w, i);
		for (int k = 0; k < n->nin; k++) {
			uint32_t d = made_at(w, n->in[k]);
			if (d > from && d <= to)
				up[head(up, i)] = head(up, d - 1);
		}
	}
}

/* A contraction of m rows, n columns and k: whole tiles of the array. */
static double
array_cycles(const struct weave *w, const struct node *x)
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

/* Steps of the vector unit read two values and write one. */
static double
vector_cycles(const struct weave *w, const struct node *x)
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
estimate(const struct weave *w, const struct node *n)
{
	return is_matrix(n) ? array_cycles(w, n) : vector_cycles(w, n);
}

static void
add_to_unit(struct weave *w, uint32_t u, uint32_t at)
{
	struct unit *x = &w->unit[u];
	const struct node *n = node_at(w, at);
	if (x->last == w->n)
		x->first = at;
	else
		w->next[x->last] = at;
	x->last = at;
	x->array = is_matrix(n);
	x->cycles += estimate(w, n);
	w->unit_of[at] = u;
}

static void
find_units(struct weave *w)
{
	struct arena *a = w->lw->arena;
	uint32_t *up = NEW_ARRAY(a, uint32_t, w->n + 1), from = 0;
	uint32_t *of = NEW_ARRAY(a, uint32_t, w->n + 1); /* head: unit + 1 */
	for (uint32_t i = 0; i < w->n; i++)
		up[i] = i;
	for (uint32_t i = 0; i <= w->n; i++) {
		if (i < w->n && !is_matrix(node_at(w, i)))
			continue;
		join_run(w, up, from, i);
		from = i + 1;
	}
	for (uint32_t i = 0; i < w->n; i++) {
		uint32_t h = head(up, i);
		w->next[i] = w->n;
		if (of[h] == 0) {
			w->unit[w->nunits].first = w->n;
			w->unit[w->nunits].last = w->n;
			of[h] = ++w->nunits;
		}
		add_to_unit(w, of[h] - 1, i);
	}
}

static void
depend(struct weave *w, uint32_t before, uint32_t after)
{
	uint32_t a = w->unit_of[before], b = w->unit_of[after];
	if (a == b)
		return;
	VEC_PUSH(w->lw->arena, &w->unit[a].then, b);
	w->unit[b].waits++;
}

/* A contraction that is computed over what it adds comes behind all other
 * readers of that. */
static void
depend_over(struct weave *w, uint32_t at)
{
	const struct node *n = node_at(w, at);
	const struct value *v = w->lw->res->info[n->out[0]->id].over;
	for (size_t i = 0; v != NULL && i < v->uses.len; i++) {
		uint32_t u = w->pos[v->uses.data[i].node->id];
		if (u > 0 && u - 1 < at)
			depend(w, u - 1, at);
	}
}

static void
find_dependences(struct weave *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct node *n = node_at(w, i);
		for (int k = 0; k < n->nin; k++) {
			uint32_t d = made_at(w, n->in[k]);
			if (d > 0)
				depend(w, d - 1, i);
		}
		if (is_matrix(n))
			depend_over(w, i);
	}
}

/* ---- memory ---- */

/* Calls fn for each root on chip that n touches, once for each touch. */
static void
each_touch(struct weave *w, const struct value *v,
    void (*fn)(struct weave *w, const struct info *root))
{
	const struct info *root;
	if (v == NULL)
		return;
	if (w->lw->res->info[v->id].inlined) {
		for (int i = 0; i < v->def->nin; i++)
			each_touch(w, v->def->in[i], fn);
		return;
	}
	root = place_root(w->lw, v);
	if (w->lw->sched->split[root->v->id] && w->r->local[root->v->id])
		fn(w, root);
}

static void
touch_unit(struct weave *w, const struct unit *u,
    void (*fn)(struct weave *w, const struct info *root))
{
	for (uint32_t at = u->first; at != w->n; at = w->next[at]) {
		const struct node *n = node_at(w, at);
		if (place_is_view(w->lw, n) || place_inlined(w->lw, n))
			continue;
		for (int i = 0; i < n->nin; i++)
			each_touch(w, n->in[i], fn);
		for (int i = 0; i < n->nout; i++)
			each_touch(w, n->out[i], fn);
	}
}

static int64_t
bytes_of(const struct weave *w, const struct info *root)
{
	return root->bytes / w->lw->sched->batch * w->r->sub;
}

static void
expect(struct weave *w, const struct info *root)
{
	w->touches[root->v->id]++;
}

static void
touch(struct weave *w, const struct info *root)
{
	w->now[root->v->id]++;
}

/* Adds what one root of a unit changes, once. */
static void
weigh(struct weave *w, const struct info *root)
{
	uint32_t id = root->v->id;
	bool stays = w->touches[id] > w->now[id];
	if (w->now[id] == 0)
		return;
	if (!w->there[id])
		w->comes += bytes_of(w, root);
	if (!stays)
		w->goes += bytes_of(w, root);
	w->now[id] = 0;
}

static void
take(struct weave *w, const struct info *root)
{
	uint32_t id = root->v->id;
	if (w->now[id] == 0)
		return;
	w->touches[id] -= w->now[id];
	w->now[id] = 0;
	w->there[id] = w->touches[id] > 0;
}

/* Whether u keeps what is on chip within the limit. Vector nodes write over
 * what they read. */
static bool
fits(struct weave *w, const struct unit *u)
{
	w->comes = w->goes = 0;
	touch_unit(w, u, touch);
	touch_unit(w, u, weigh);
	return w->live + w->comes - (u->array ? 0 : w->goes) <= w->limit;
}

/* ---- the schedule ---- */

static double
start_of(const struct weave *w, const struct unit *u)
{
	return u->ready > w->free[u->array] ? u->ready : w->free[u->array];
}

/* The unit of one machine that comes next: the first in the order of the graph,
 * or one that can be half done before that starts. */
static struct unit *
next_of(struct weave *w, uint32_t from, bool array)
{
	struct unit *best = NULL;
	uint32_t end = from + WINDOW < w->nunits ? from + WINDOW : w->nunits;
	for (uint32_t i = from; i < end; i++) {
		struct unit *u = &w->unit[i];
		if (u->done || u->waits > 0 || u->array != array)
			continue;
		if (best != NULL && start_of(w, u) + u->cycles / 2 >=
		    start_of(w, best))
			continue;
		if (i == from || fits(w, u))
			best = u;
	}
	return best;
}

static struct unit *
next_unit(struct weave *w, uint32_t from)
{
	struct unit *v = next_of(w, from, false), *a = next_of(w, from, true);
	if (v == NULL || a == NULL)
		return v != NULL ? v : a;
	if (start_of(w, v) != start_of(w, a))
		return start_of(w, v) < start_of(w, a) ? v : a;
	return v < a ? v : a;
}

static void
schedule_unit(struct weave *w, struct unit *u)
{
	double end = start_of(w, u) + u->cycles;
	fits(w, u);
	w->live += w->comes - w->goes;
	touch_unit(w, u, touch);
	touch_unit(w, u, take);
	u->done = true;
	w->free[u->array] = end;
	for (size_t i = 0; i < u->then.len; i++) {
		struct unit *x = &w->unit[u->then.data[i]];
		x->waits--;
		x->ready = x->ready > end ? x->ready : end;
	}
}

static double
last_of(const double *free)
{
	return free[0] > free[1] ? free[0] : free[1];
}

/* Cycles until both machines are done in the order of the graph. */
static double
plain_cycles(const struct weave *w)
{
	double *ready = NEW_ARRAY(w->lw->arena, double, w->nunits + 1);
	double free[2] = {0, 0};
	for (uint32_t i = 0; i < w->nunits; i++) {
		const struct unit *u = &w->unit[i];
		double *f = &free[u->array];
		*f = (ready[i] > *f ? ready[i] : *f) + u->cycles;
		for (size_t k = 0; k < u->then.len; k++)
			if (ready[u->then.data[k]] < *f)
				ready[u->then.data[k]] = *f;
	}
	return last_of(free);
}

/* Puts the nodes of the loop in their new order at `to`. */
static void
order(struct weave *w, const struct node **to)
{
	uint32_t from = 0, at = 0;
	while (at < w->n) {
		struct unit *u;
		while (w->unit[from].done)
			from++;
		u = next_unit(w, from);
		schedule_unit(w, u);
		for (uint32_t i = u->first; i != w->n; i = w->next[i])
			to[at++] = node_at(w, i);
	}
}

static void
start(struct weave *w)
{
	struct arena *a = w->lw->arena;
	const struct graph *g = w->lw->g;
	w->pos = NEW_ARRAY(a, uint32_t, g->nnodes + 1);
	w->unit_of = NEW_ARRAY(a, uint32_t, w->n + 1);
	w->next = NEW_ARRAY(a, uint32_t, w->n + 1);
	w->unit = NEW_ARRAY(a, struct unit, w->n + 1);
	w->touches = NEW_ARRAY(a, uint32_t, g->nvalues + 1);
	w->now = NEW_ARRAY(a, uint32_t, g->nvalues + 1);
	w->there = NEW_ARRAY(a, bool, g->nvalues + 1);
	for (uint32_t i = 0; i < w->n; i++)
		w->pos[node_at(w, i)->id] = i + 1;
	find_units(w);
	find_dependences(w);
	for (uint32_t i = 0; i < w->nunits; i++)
		touch_unit(w, &w->unit[i], expect);
}

bool
group_interleave(struct lower *lw, struct region *r, int64_t limit)
{
	struct weave w = {.lw = lw, .r = r, .n = r->after - r->loop,
	    .limit = limit};
	const struct node **to = NEW_ARRAY(lw->arena, const struct node *,
	    w.n + 1);
	start(&w);
	order(&w, to);
	if (last_of(w.free) > WORTH * plain_cycles(&w))
		return false;
	memcpy(&lw->sched->node[r->loop], to, w.n * sizeof *to);
	group_number(lw, r);
	return true;
}
