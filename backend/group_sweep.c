/* Sweeps: the nodes of one layer that read one large value from DRAM several
 * times. A loop over samples loads it once for all of them, as the passes of a
 * machine's norm do. What sums a layer's result behind it, as the gradient of a
 * bias, belongs to it. */
#include "backend/group.h"

#include <string.h>

#define MAX_VALUES 8

struct sweep {
	const struct schedule *s;
	int64_t gbuf;
	const struct value *value[MAX_VALUES];
	int touches[MAX_VALUES], n;
};

static bool
is_large(const struct sweep *w, const struct value *v)
{
	return v != NULL && v->keep == KEEP_DRAM && w->s->split[v->id] &&
	    type_bytes(&v->type) > w->gbuf / LARGE_PART;
}

static void
touch(struct sweep *w, const struct value *v)
{
	int i = 0;
	while (i < w->n && w->value[i] != v)
		i++;
	if (i == MAX_VALUES)
		return;
	if (i == w->n) {
		w->value[w->n] = v;
		w->touches[w->n++] = 0;
	}
	w->touches[i]++;
}

static bool
same_phase(const struct node *a, const struct node *b)
{
	return a->group == 0 && b->group == 0 && a->phase != NULL &&
	    b->phase != NULL && strcmp(a->phase, b->phase) == 0;
}

bool
group_same_layer(const struct node *a, const struct node *b)
{
	return same_phase(a, b) && a->loc.node != NULL &&
	    b->loc.node != NULL && strcmp(a->loc.node, b->loc.node) == 0;
}

static bool
fits_in(const struct sweep *w, const struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;
	return (l == LOWER_MAP || l == LOWER_REDUCE || l == LOWER_WINDOW ||
	    (l == LOWER_MOVE && n->op != OP_concat)) &&
	    w->s->part[n->id] == PART_SPLIT && n->nout == 1;
}

/* Whether n sums over the batch, which may wait until the sweep is done. */
static bool
may_wait(const struct sweep *w, const struct node *n)
{
	return w->s->part[n->id] == PART_SUM &&
	    op_info(n->op)->lowering == LOWER_REDUCE;
}

/* Whether n sums over the batch, or is a step of such a sum. */
static bool
is_batch_sum(const struct sweep *w, const struct node *n)
{
	const struct value *v = n->out[0];
	if (op_info(n->op)->lowering != LOWER_REDUCE)
		return false;
	return w->s->part[n->id] == PART_SUM || (v->uses.len == 1 &&
	    is_batch_sum(w, v->uses.data[0].node));
}

/* Whether n, a layer's bias gradient or a step of it, sums what first makes. */
static bool
sums_result(const struct sweep *w, const struct node *first,
    const struct node *n)
{
	const struct node *from;
	if (!same_phase(first, n) || !is_batch_sum(w, n) ||
	    n->in[0]->kind != VALUE_NODE)
		return false;
	from = n->in[0]->def;
	return from == first || sums_result(w, first, from);
}

/* Whether n alone reads what first makes, a large value of the layer's own: an
 * average pool and its scale, in either direction. */
static bool
is_window_pair(const struct sweep *w, const struct node *first,
    const struct node *n)
{
	const struct value *v = first->nout == 1 ? first->out[0] : NULL;
	bool window = op_info(first->op)->lowering == LOWER_WINDOW;
	if (v == NULL || n == NULL || v->uses.len != 1 ||
	    v->uses.data[0].node != n || v->keep != KEEP_AUTO ||
	    v->nends > 0 || !group_same_layer(first, n))
		return false;
	return fits_in(w, first) && fits_in(w, n) &&
	    type_bytes(&v->type) > w->gbuf / LARGE_PART &&
	    op_info(n->op)->lowering == (window ? LOWER_MAP : LOWER_WINDOW) &&
	    (window || op_info(first->op)->lowering == LOWER_MAP);
}

/* The gradient of a maximum pool, where first starts what makes its large index
 * of a smaller value; NULL otherwise. */
static const struct node *
unpacked_for(const struct sweep *w, const struct node *first)
{
	const struct node *n = first;
	while (n != NULL && n->op != OP_max_pool_grad &&
	    group_same_layer(first, n) && n->nout == 1 &&
	    w->s->part[n->id] == PART_SPLIT && n->out[0]->nends == 0 &&
	    n->out[0]->uses.len == 1 && (fits_in(w, n) || n->op == OP_concat))
		n = n->next;
	return n != NULL && n != first && n->op == OP_max_pool_grad &&
	    group_same_layer(first, n) && n->prev->out[0] == n->in[1] &&
	    type_bytes(&n->in[1]->type) > w->gbuf / LARGE_PART ? n : NULL;
}

const struct node *
group_sweep(const struct lower *lw, const struct node *first)
{
	struct sweep w = {.s = lw->sched, .gbuf = lw->target->gbuf_bytes};
	const struct node *n;
	if (!lw->sched->train || lw->sched->batch < 2 || w.gbuf == 0 ||
	    first->phase == NULL)
		return NULL;
	if (is_window_pair(&w, first, first->next))
		return first->next->next;
	n = unpacked_for(&w, first);
	if (n != NULL)
		return n->next;
	for (n = first; n != NULL && (group_same_layer(first, n) ||
	    sums_result(&w, first, n)); n = n->next) {
		if (!fits_in(&w, n) && !may_wait(&w, n))
			break;
		/* a result that is stored ends one sweep and may start
		 * another */
		if (n != first && is_large(&w, n->out[0]))
			break;
		if (is_large(&w, n->out[0]))
			touch(&w, n->out[0]);
		for (int i = 0; i < n->nin; i++)
			if (is_large(&w, n->in[i]) &&
			    (i == 0 || n->in[i] != n->in[0]))
				touch(&w, n->in[i]);
	}
	for (int i = 0; i < w.n; i++)
		if (w.touches[i] > 1)
			return n;
	return NULL;
}
