/* What the backward pass computes again, with `optimal`: means over windows,
 * which the vector unit makes beside the array's work, and convolutions: those
 * in front of a group norm, where storing and loading the result would take
 * long enough beside what the array needs for it. The operand is there in any
 * case, as the weight gradient reads it; only the network's input, which is
 * converted as it is loaded, is loaded once more. */
#include "passes/mbs.h"

#include <stdlib.h>

/* Seconds of DRAM that one of the array must spare. Up to 2.5 of them made no
 * step of ResNet-50 faster; for less traffic the array may give back some of
 * the time that the schedule gains elsewhere, up to a part of what it takes
 * anyway. Chosen by trial on ResNet-50, ResNet-101 and both Inceptions. */
#define WORTH_TIME 3.0
#define WORTH_TRAFFIC 0.45
#define PART_TRAFFIC 0.03

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

static double
seconds_of(const struct mbs_plan *p, double cycles)
{
	return cycles * (double)(p->o->rows * p->o->cols) / p->o->macs;
}

/* The array's seconds for the result of l, all samples. */
static double
array_seconds(const struct mbs_plan *p, const struct mbs_layer *l)
{
	return seconds_of(p, mbs_conv_cycles(p, l));
}

/* Seconds of DRAM that are spared when l is computed again, for each of the
 * array. */
static double
gain(const struct mbs_plan *p, const struct mbs_unit *u,
    const struct mbs_layer *l)
{
	double n = (double)p->batch;
	double weights = l->weight * (double)p->o->elem /
	    (double)u->samples[1];

	return n * (2 * l->out - weights - (l->first ? l->image : 0)) /
	    p->o->bandwidth / array_seconds(p, l);
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
	double worth = p->o->objective == MBS_TIME ? WORTH_TIME :
	    WORTH_TRAFFIC;
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
			if (l->gain > worth)
				all[n++] = l;
		}
	}
	return n;
}

/* The best first, as long as the array's seconds last, but none from the result
 * of another: both would have to be on chip at the same time. */
static void
choose(const struct mbs_plan *p, struct search *s, struct mbs_layer **all,
    size_t n, double seconds)
{
	qsort(all, n, sizeof(*all), by_gain);
	for (size_t i = 0; i < n; i++) {
		const struct mbs_layer *from = source(s, all[i]);
		double more = array_seconds(p, all[i]);

		if ((from != NULL && from->again) || more > seconds ||
		    s->is_source[all[i]->node->id])
			continue;
		all[i]->again = true;
		seconds -= more;
		if (from != NULL)
			s->is_source[from->node->id] = true;
	}
}

/* Means over windows that a contraction reads, of what is there in the backward
 * pass anyway: as other contractions read it, too, or computed again. They take
 * little room: the backend makes them for some channels after the other. */
static void
choose_pools(struct mbs_plan *p, const struct mbs_unit *u, struct search *s)
{
	for (size_t k = u->first; k < u->first + u->count; k++) {
		struct mbs_layer *l = &p->layers.data[k];
		const struct value *x = l->node->in[0];
		const struct mbs_layer *from;

		if (l->node->op != OP_avg_pool ||
		    !mbs_is_saved(l->node->out[0]) || !mbs_is_saved(x))
			continue;
		l->again = true;
		from = source(s, l);
		if (from != NULL)
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
	double seconds;
	size_t n;

	if (p->o->bandwidth <= 0 || p->o->macs <= 0)
		return;
	seconds = seconds_of(p, mbs_array_bound(p).cycles);
	if (p->o->objective == MBS_TRAFFIC)
		seconds *= PART_TRAFFIC;
	n = find_worthy(p, &s, all);
	for (size_t i = 0; i < p->units.len; i++)
		if (p->o->objective == MBS_TRAFFIC)
			choose_pools(p, &p->units.data[i], &s);
	choose(p, &s, all, n, seconds);
	for (size_t i = 0; i < p->units.len; i++) {
		struct mbs_unit *u = &p->units.data[i];

		for (size_t k = u->first; k < u->first + u->count; k++)
			if (p->layers.data[k].again)
				u->again += p->layers.data[k].out;
	}
}
