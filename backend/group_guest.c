/* Layer groups: the values that may be on chip within an iteration. */
#include <string.h>

#include "backend/group_fit.h"

/* ---- who is there ---- */

static bool
same_layer(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* KEEP_FIRST and KEEP_DRAM: whether the reader at a position comes too late to
 * find it on chip. */
static bool
late(const struct fit *f, struct guest *g, uint32_t at, bool made)
{
	const char *layer = f->lw->sched->node[f->r->loop + at]->loc.node;
	enum keep keep = g->root->v->keep;
	if (keep != KEEP_FIRST && (keep != KEEP_DRAM || f->r->sweep))
		return false;
	if (made) {
		g->maker = layer;
		return false;
	}
	if (!g->made || same_layer(layer, g->maker))
		return false;
	if (g->layer == NULL && keep == KEEP_FIRST)
		g->layer = layer;
	g->over = g->over || keep == KEEP_DRAM || !same_layer(layer, g->layer);
	return g->over;
}

/* How much n reads of root by v, a part of it or all: where a contraction's
 * window of one element moves in steps, that part again. */
static double
part_read(const struct node *n, const struct value *v,
    const struct value *root)
{
	const struct tensor_type *w = n->op == OP_conv ? &n->in[1]->type :
	    n->op == OP_conv_wgrad ? &n->out[0]->type : NULL;
	const int64_t *strides;
	double part = (double)type_elems(&v->type) /
	    (double)type_elems(&root->type);
	size_t axes;
	if (part > 1)
		part = 1;
	if (w == NULL || n->in[0] != v)
		return part;
	strides = node_ints(n, ATTR_strides, &axes);
	for (size_t i = 0; i < axes; i++)
		if (w->dim[2 + i] == 1)
			part /= (double)strides[i];
	return part;
}

static void
note(struct fit *f, size_t *slot, const struct value *v, uint32_t at,
    bool made)
{
	struct info *root;
	if (f->lw->res->info[v->id].inlined) {
		for (int i = 0; i < v->def->nin && !made; i++)
			note(f, slot, v->def->in[i], at, false);
		return;
	}
	root = place_root(f->lw, v);
	if (!f->lw->sched->split[root->v->id] || root->bytes == 0 ||
	    root->resident)
		return;
	if (slot[root->v->id] == 0) {
		f->guest[f->n] = (struct guest){.root = root, .first = at};
		slot[root->v->id] = ++f->n;
	}
	struct guest *g = &f->guest[slot[root->v->id] - 1];
	if (late(f, g, at, made))
		return;
	g->last = at;
	g->made = g->made || made;
	g->part = g->part || (!made &&
	    f->lw->res->info[place_behind(f->lw, v)->id].into != NULL);
	if (!made && g->counted != at + 1) {
		g->counted = at + 1;
		g->readers++;
		g->reads += part_read(f->lw->sched->node[f->r->loop + at], v,
		    root->v);
	}
}

/* Values made here stay for their readers; what others made is loaded once
 * where several read it, or ahead where it is small. */
static bool
wants_chip(const struct fit *f, const struct guest *g, bool sweep)
{
	bool small = g->root->bytes / f->lw->sched->batch <=
	    f->lw->target->gbuf_bytes / (16 * SMALL_PART);
	if (g->root->converted || (g->part && !g->made))
		return false;
	if (sweep)
		return g->made ? g->readers > 0 : g->readers > 1;
	return g->readers > (!g->made && !small);
}

/* How many values n reads and writes, with those of trees it computes. */
static size_t
most_guests(const struct lower *lw, const struct node *n)
{
	size_t sum = (size_t)(n->nin + n->nout);
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && lw->res->info[n->in[i]->id].inlined)
			sum += most_guests(lw, n->in[i]->def);
	return sum;
}

/* ---- who computes into whose buffer ---- */

/* Whether n, or an element-wise op that it computes, reads a view of root: that
 * is another element of it than the one that n writes. */
static bool
reads_view(struct lower *lw, const struct node *n, const struct info *root)
{
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		if (v == NULL || v == root->v)
			continue;
		if (lw->res->info[v->id].inlined ?
		    reads_view(lw, v->def, root) : place_root(lw, v) == root)
			return true;
	}
	return false;
}

/* Whether the root holds an output, which may be stored after its readers. */
static bool
holds_output(struct lower *lw, const struct info *root)
{
	for (size_t i = 0; i < lw->g->outputs.len; i++)
		if (place_root(lw, lw->g->outputs.data[i]) == root)
			return true;
	return false;
}

/* An operand of n, maybe of an element-wise op that n computes, which lies as
 * y does and which nobody reads later. */
static struct guest *
dying_operand(struct fit *f, const size_t *slot, const struct node *n,
    const struct value *y, int64_t at)
{
	struct lower *lw = f->lw;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		struct guest *g = NULL;
		if (v == NULL)
			continue;
		if (lw->res->info[v->id].inlined)
			g = dying_operand(f, slot, v->def, y, at);
		else if (slot[v->id] > 0)
			g = &f->guest[slot[v->id] - 1];
		if (g != NULL && g->last == at && !g->over &&
		    type_equal(&g->root->v->type, &y->type) &&
		    place_same_layout(&g->root->rel,
		    &place_resolve(lw, y)->rel))
			return g;
	}
	return NULL;
}

/* Lets the result of an element-wise op take the buffer of an operand: what
 * is stored in it has been stored, what is read of it is read element by
 * element before the result is written. */
static void
find_reuse(struct fit *f, size_t *slot)
{
	struct lower *lw = f->lw;
	memset(slot, 0, lw->g->nvalues * sizeof *slot);
	for (size_t i = 0; i < f->n; i++)
		slot[f->guest[i].root->v->id] = i + 1;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = lw->sched->node[i];
		const struct value *y = n->out[0];
		if (op_info(n->op)->lowering != LOWER_MAP || n->nout != 1 ||
		    place_is_view(lw, n) || place_inlined(lw, n) ||
		    slot[y->id] == 0 || !place_resolve(lw, y)->is_root)
			continue;
		struct guest *from = dying_operand(f, slot, n, y,
		    i - f->r->loop);
		if (from != NULL && !reads_view(lw, n, from->root) &&
		    !holds_output(lw, from->root))
			f->guest[slot[y->id] - 1].takes = from;
	}
}

/* The ends of a chain are there for all of its strips. */
static void
stay_for_chain(struct fit *f, const size_t *slot, const struct chain *c)
{
	const int64_t *index = f->lw->res->index;
	int64_t from = index[c->node[0]->id] - f->r->loop;
	for (int k = 0; k < c->n; k++) {
		const struct node *n = c->node[k];
		for (int i = 0; i < n->nin + n->nout; i++) {
			const struct value *v = i < n->nin ? n->in[i] :
			    n->out[i - n->nin];
			const struct info *root = v != NULL ?
			    place_root(f->lw, v) : NULL;
			struct guest *g;
			if (root == NULL || slot[root->v->id] == 0 ||
			    f->r->strip[root->v->id] > 0)
				continue;
			g = &f->guest[slot[root->v->id] - 1];
			if (g->first > from)
				g->first = from;
			if (g->last < from + c->n - 1)
				g->last = from + c->n - 1;
		}
	}
}

void
fit_collect(struct fit *f)
{
	struct lower *lw = f->lw;
	const struct schedule *s = lw->sched;
	size_t *slot = NEW_ARRAY(lw->arena, size_t, lw->g->nvalues + 1);
	size_t most = 0, kept = 0;
	f->n = 0;
	for (uint32_t i = f->r->loop; i < f->r->after; i++)
		most += most_guests(lw, s->node[i]);
	f->guest = NEW_ARRAY(lw->arena, struct guest, most + 1);
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = s->node[i];
		bool view = place_is_view(lw, n) || place_inlined(lw, n);
		for (int k = 0; k < n->nin && !view; k++)
			if (n->in[k] != NULL)
				note(f, slot, n->in[k], i - f->r->loop, false);
		for (int k = 0; k < n->nout && !view; k++)
			if (n->out[k] != NULL)
				note(f, slot, n->out[k], i - f->r->loop, true);
	}
	for (size_t i = 0; i < f->r->chain.len; i++)
		stay_for_chain(f, slot, &f->r->chain.data[i]);
	for (size_t i = 0; i < f->n; i++) {
		if (!wants_chip(f, &f->guest[i], f->r->sweep))
			continue;
		f->guest[kept] = f->guest[i];
		f->guest[kept].hard = f->r->sweep || (f->guest[i].made &&
		    f->guest[i].root->v->keep == KEEP_CHIP);
		kept++;
	}
	f->n = kept;
	for (size_t i = 0; i < kept; i++) {
		struct guest *g = &f->guest[i];
		f->r->until[g->root->v->id] = g->over ? (uint32_t)g->last : 0;
		g->root->escapes = g->root->escapes || g->over;
	}
	if (!f->r->sweep)
		find_reuse(f, slot);
}
