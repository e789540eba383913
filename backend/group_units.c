/* Units of a group's loop. */
#include "backend/group_units.h"

const struct node *
units_node(const struct units *w, uint32_t at)
{
	return w->lw->sched->node[w->r->loop + at];
}

static bool
is_matrix(const struct node *n)
{
	return op_info(n->op)->lowering == LOWER_MATRIX;
}

static uint32_t
head(uint32_t *up, uint32_t i)
{
	while (up[i] != i)
		i = up[i] = up[up[i]];
	return i;
}

/* Position + 1 of v's maker in the loop; 0: it has none. */
static uint32_t
made_at(const struct units *w, const struct value *v)
{
	return v != NULL && v->kind == VALUE_NODE ? w->pos[v->def->id] : 0;
}

/* Joins vector nodes of [from, to) that read each other's results. A pool is
 * the start of a branch. */
static void
join_run(const struct units *w, uint32_t *up, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		const struct node *n = units_node(w, i);
		if (op_info(n->op)->lowering == LOWER_WINDOW)
			continue;
		for (int k = 0; k < n->nin; k++) {
			uint32_t d = made_at(w, n->in[k]);
			if (d > from && d <= to)
				up[head(up, i)] = head(up, d - 1);
		}
	}
}

/* Whether two positions have nodes of one chain. */
static bool
in_chain(const struct units *w, uint32_t i, uint32_t k)
{
	const struct chain *c = group_chain(w->r, units_node(w, i));
	return c != NULL && c == group_chain(w->r, units_node(w, k));
}

static void
add_to_unit(struct units *w, uint32_t u, uint32_t at)
{
	struct unit *x = &w->unit[u];
	if (x->last == w->n)
		x->first = at;
	else
		w->next[x->last] = at;
	x->last = at;
	x->array = x->array || is_matrix(units_node(w, at));
	x->chain = in_chain(w, at, at);
	w->unit_of[at] = u;
}

static void
find_units(struct units *w)
{
	struct arena *a = w->lw->arena;
	uint32_t *up = NEW_ARRAY(a, uint32_t, w->n + 1), from = 0;
	uint32_t *of = NEW_ARRAY(a, uint32_t, w->n + 1); /* head: unit + 1 */
	for (uint32_t i = 0; i < w->n; i++)
		up[i] = i;
	for (uint32_t i = 0; i <= w->n; i++) {
		if (i < w->n && !is_matrix(units_node(w, i)))
			continue;
		join_run(w, up, from, i);
		from = i + 1;
	}
	for (uint32_t i = 1; i < w->n; i++)
		if (in_chain(w, i, i - 1))
			up[head(up, i)] = head(up, i - 1);
	for (uint32_t i = 0; i < w->n; i++) {
		uint32_t h = head(up, i);
		w->next[i] = w->n;
		if (of[h] == 0) {
			w->unit[w->count].first = w->n;
			w->unit[w->count].last = w->n;
			of[h] = ++w->count;
		}
		add_to_unit(w, of[h] - 1, i);
	}
}

static void
depend(struct units *w, uint32_t before, uint32_t after)
{
	uint32_t a = w->unit_of[before], b = w->unit_of[after];
	if (a != b)
		VEC_PUSH(w->lw->arena, &w->unit[a].then, b);
}

/* A contraction that is computed over what it adds comes behind all other
 * readers of that. */
static void
depend_over(struct units *w, uint32_t at)
{
	const struct node *n = units_node(w, at);
	const struct value *v = w->lw->res->info[n->out[0]->id].over;
	for (size_t i = 0; v != NULL && i < v->uses.len; i++) {
		uint32_t u = w->pos[v->uses.data[i].node->id];
		if (u > 0 && u - 1 < at)
			depend(w, u - 1, at);
	}
}

static void
find_dependences(struct units *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct node *n = units_node(w, i);
		for (int k = 0; k < n->nin; k++) {
			uint32_t d = made_at(w, n->in[k]);
			if (d > 0)
				depend(w, d - 1, i);
		}
		if (is_matrix(n))
			depend_over(w, i);
	}
}

void
units_find(struct units *w, struct lower *lw, struct region *r)
{
	struct arena *a = lw->arena;
	*w = (struct units){.lw = lw, .r = r, .n = r->after - r->loop};
	w->pos = NEW_ARRAY(a, uint32_t, lw->g->nnodes + 1);
	w->unit_of = NEW_ARRAY(a, uint32_t, w->n + 1);
	w->next = NEW_ARRAY(a, uint32_t, w->n + 1);
	w->unit = NEW_ARRAY(a, struct unit, w->n + 1);
	for (uint32_t i = 0; i < w->n; i++)
		w->pos[units_node(w, i)->id] = i + 1;
	find_units(w);
	find_dependences(w);
}

static void
touch(const struct units *w, const struct value *v,
    void (*fn)(void *ctx, const struct info *root), void *ctx)
{
	const struct info *root;
	if (v == NULL)
		return;
	if (w->lw->res->info[v->id].inlined) {
		for (int i = 0; i < v->def->nin; i++)
			touch(w, v->def->in[i], fn, ctx);
		return;
	}
	root = place_root(w->lw, v);
	if (w->lw->sched->split[root->v->id] && w->r->local[root->v->id])
		fn(ctx, root);
}

void
units_touched(const struct units *w, uint32_t at,
    void (*fn)(void *ctx, const struct info *root), void *ctx)
{
	const struct node *n = units_node(w, at);
	if (place_is_view(w->lw, n) || place_inlined(w->lw, n))
		return;
	for (int i = 0; i < n->nin; i++)
		touch(w, n->in[i], fn, ctx);
	for (int i = 0; i < n->nout; i++)
		touch(w, n->out[i], fn, ctx);
}
