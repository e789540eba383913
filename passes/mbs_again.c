/* Which convolutions the backward pass computes again, with `optimal`: those
 * in front of a group norm, where storing and loading the result would take
 * longer than the array needs for it. The operand is there in any case, as the
 * weight gradient reads it. */
#include "passes/mbs.h"

#include <stdlib.h>

/* Seconds of DRAM that one of the array must spare: the array is the busier of
 * the two. */
#define WORTH 1.5

struct search {
	struct mbs_layer **of; /* by node id: the layer of a convolution */
	bool *is_source;       /* by node id: one that is computed again needs
	                          its result for that */
};

/* The group norm that alone reads v, NULL: none. */
static const struct node *
norm_behind(const struct value *v)
{
	const struct node *n = v->uses.len == 1 ? v->uses.data[0].node : NULL;

	return n != NULL && v->uses.data[0].index == 0 &&
	    mbs_is_group_norm(n) ? n : NULL;
}

/* The array's seconds for a sample: partly used tiles take as long as full
 * ones. */
static double
array_seconds(const struct mbs_plan *p, const struct mbs_layer *l)
{
	const struct tensor_type *w = &l->node->in[1]->type;
	int64_t groups = node_int(l->node, ATTR_groups);
	int64_t n = w->dim[0] / groups, k = type_elems(w) / w->dim[0];
	double full = (double)(ceil_div(k, p->o->rows) * p->o->rows) *
	    (double)(ceil_div(n, p->o->cols) * p->o->cols);

	return l->products * full / ((double)k * (double)n) / p->o->macs;
}

/* Seconds of DRAM that a sample of l spares when it is computed again, less
 * those of the array. */
static double
gain(const struct mbs_plan *p, const struct mbs_unit *u,
    const struct mbs_layer *l)
{
	double weights = l->weight * (double)p->o->elem /
	    (double)u->samples[1];

	return (2 * l->out - weights) / p->o->bandwidth -
	    WORTH * array_seconds(p, l);
}

/* The convolution from whose result the operand of l is computed again. */
static struct mbs_layer *
source(const struct search *s, const struct mbs_layer *l)
{
	const struct node *norm = mbs_rebuilt_from(l->node->in[0]);
	const struct value *y = norm != NULL ? norm->in[0] : NULL;

	return y != NULL && y->kind == VALUE_NODE ? s->of[y->def->id] : NULL;
}

static int
by_gain(const void *a, const void *b)
{
	const struct mbs_layer *x = *(struct mbs_layer *const *)a;
	const struct mbs_layer *y = *(struct mbs_layer *const *)b;

	if (x->gain != y->gain)
		return x->gain > y->gain ? -1 : 1;
	return (x > y) - (x < y);
}

/* Convolutions in front of group norms that are worth it; how many. */
static size_t
find_worthy(struct mbs_plan *p, struct search *s, struct mbs_layer **all)
{
	size_t n = 0;

	for (size_t i = 0; i < p->units.len; i++) {
		const struct mbs_unit *u = &p->units.data[i];

		for (size_t k = u->first; k < u->first + u->count; k++) {
			struct mbs_layer *l = &p->layers.data[k];

			if (l->node->op != OP_conv ||
			    norm_behind(l->node->out[0]) == NULL)
				continue;
			s->of[l->node->id] = l;
			l->gain = gain(p, u, l);
			if (l->gain > 0)
				all[n++] = l;
		}
	}
	return n;
}

/* The best first, but none from the result of another: both would have to be on
 * chip at the same time. */
static void
choose(struct search *s, struct mbs_layer **all, size_t n)
{
	qsort(all, n, sizeof(*all), by_gain);
	for (size_t i = 0; i < n; i++) {
		const struct mbs_layer *from = source(s, all[i]);

		all[i]->again = (from == NULL || !from->again) &&
		    !s->is_source[all[i]->node->id];
		if (all[i]->again && from != NULL)
			s->is_source[from->node->id] = true;
	}
}

void
mbs_again(struct mbs_plan *p, const struct graph *g)
{
	struct search s = {NEW_ARRAY(p->arena, struct mbs_layer *,
	    g->nnodes + 1), NEW_ARRAY(p->arena, bool, g->nnodes + 1)};
	struct mbs_layer **all = NEW_ARRAY(p->arena, struct mbs_layer *,
	    p->layers.len + 1);

	if (p->o->bandwidth <= 0 || p->o->macs <= 0)
		return;
	choose(&s, all, find_worthy(p, &s, all));
	for (size_t i = 0; i < p->units.len; i++) {
		struct mbs_unit *u = &p->units.data[i];

		for (size_t k = u->first; k < u->first + u->count; k++)
			if (p->layers.data[k].again)
				u->again += p->layers.data[k].out;
	}
}
