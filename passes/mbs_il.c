/* IL: layers whose operands and result fit on chip for the whole batch leave
 * there what they pass on (papers' file, A5). Such layers that follow each
 * other are a run; what it spares is counted value by value. */
#include "passes/mbs.h"

#define MUCH 8
#define ROOM .9 /* of the buffer, beside what a layer works with */

static bool
fits(const struct mbs_plan *p, double space)
{
	return p->o->buffer == 0 ||
	    (double)p->batch * space <= (double)p->o->buffer;
}

bool
mbs_stays(const struct mbs_plan *p, const struct mbs_layer *l)
{
	return fits(p, l->in + l->out);
}

/* Whether weights are what l moves: what it passes on makes no difference, but
 * on its own its weights are loaded ahead. */
static bool
is_weighty(const struct mbs_plan *p, const struct mbs_layer *l)
{
	return l->weight * (double)p->o->elem >
	    MUCH * (double)p->batch * (l->in + l->out);
}

void
mbs_find_runs(struct mbs_plan *p)
{
	uint32_t run = 0;
	bool goes_on = false;

	for (size_t i = 0; i < p->units.len; i++) {
		const struct mbs_unit *u = &p->units.data[i];

		for (size_t k = u->first; k < u->first + u->count; k++) {
			struct mbs_layer *l = &p->layers.data[k];
			bool stay = mbs_stays(p, l) && !u->whole_batch &&
			    !is_weighty(p, l);

			run += stay && !goes_on;
			l->run = stay ? run : 0;
			goes_on = stay;
		}
	}
}

/* The layer that makes v, NULL: none. */
static const struct mbs_layer *
maker(const struct mbs_plan *p, const struct value *v)
{
	return v == NULL || v->kind != VALUE_NODE || p->made[v->id] == 0 ?
	    NULL : &p->layers.data[p->made[v->id] - 1];
}

static bool
reads(const struct mbs_layer *l, const struct value *v)
{
	for (int i = 0; i < l->node->nin; i++)
		if (l->node->in[i] == v)
			return true;
	return false;
}

/* Whether what layer a makes is on chip until b, behind it, reads it: layers in
 * between find room beside it. */
static bool
passes_on(const struct mbs_plan *p, const struct mbs_layer *a,
    const struct mbs_layer *b)
{
	if (a->run == 0 || a->run != b->run)
		return false;
	for (const struct mbs_layer *l = a + 1; l < b; l++)
		if (l->space > 0 && !reads(l, a->node->out[0]) &&
		    !fits(p, l->space + a->out))
			return false;
	return true;
}

static bool
is_moved(const struct mbs_layer *l)
{
	return l->kind == MBS_VIEW || l->kind == MBS_CONCAT;
}

/* Whether all layers that read what l makes, as a part of something else,
 * too, find it on chip. */
static bool
all_find(const struct mbs_plan *p, const struct mbs_layer *l)
{
	const struct value *v = l->node->out[0];

	for (size_t i = 0; i < v->uses.len; i++) {
		const struct mbs_layer *r = maker(p,
		    v->uses.data[i].node->out[0]);

		if (r == NULL || !passes_on(p, l, r) ||
		    (is_moved(r) && !all_find(p, r)))
			return false;
	}
	return v->uses.len > 0;
}

/* Whether l finds v, or all parts of it, on chip. */
static bool
finds(const struct mbs_plan *p, const struct mbs_layer *l,
    const struct value *v)
{
	const struct mbs_layer *m = maker(p, v);

	if (m == NULL || !passes_on(p, m, l))
		return false;
	for (int i = 0; is_moved(m) && i < m->node->nin; i++)
		if (maker(p, m->node->in[i]) != NULL &&
		    !finds(p, m, m->node->in[i]))
			return false;
	return true;
}

/* Operands that are there are not read, and the gradients of those stay; what
 * several passes of a layer read is read once. */
static void
spare_operands(const struct mbs_plan *p, const struct mbs_layer *l,
    struct mbs_traffic *t)
{
	int passes = l->kind == MBS_NORM && !p->o->fused ? 2 : 1;

	for (int i = 0; i < l->node->nin; i++) {
		const struct mbs_layer *m = maker(p, l->node->in[i]);
		bool here = m != NULL && finds(p, l, l->node->in[i]);

		if (m == NULL)
			continue;
		t->activation += (passes - !here) * m->out;
		if (here && l->kind != MBS_ADD)
			t->gradient += m->out;
	}
	if (passes == 2 && fits(p, (l->in + l->out) / ROOM))
		t->activation += l->in; /* in the backward pass */
}

/* The result is stored for the backward pass alone; its gradient is loaded
 * once, or there. */
static void
spare_result(const struct mbs_plan *p, const struct mbs_layer *l,
    struct mbs_traffic *t)
{
	int passes = l->kind == MBS_CONV || l->kind == MBS_NORM ? 2 :
	    l->kind == MBS_ADD ? 0 : 1;
	bool there = all_find(p, l);

	if (there && !mbs_is_saved(l->node->out[0]))
		t->activation += l->out;
	t->gradient += (there || passes == 0 ? passes : passes - 1) * l->out;
}

/* Readers of one run add up their gradients of what l makes on chip; only the
 * sum leaves it. */
static void
spare_sums(const struct mbs_plan *p, const struct mbs_layer *l,
    struct mbs_traffic *t)
{
	const struct value *v = l->node->out[0];

	for (size_t i = 1; i < v->uses.len; i++) {
		const struct mbs_layer *b = maker(p,
		    v->uses.data[i].node->out[0]);
		const struct mbs_layer *a = maker(p,
		    v->uses.data[i - 1].node->out[0]);

		if (a == NULL || b == NULL || a->run == 0 || a->run != b->run)
			continue;
		t->gradient += 3 * l->out;
		if (l->run != a->run)
			t->gradient += l->out;
	}
}

struct mbs_traffic
mbs_run_spares(const struct mbs_plan *p, const struct mbs_layer *l)
{
	struct mbs_traffic t = {0};

	spare_sums(p, l, &t);
	if (l->run > 0 && !is_moved(l) && !(p->o->fused &&
	    (l->kind == MBS_RELU || l->kind == MBS_MAP))) {
		spare_operands(p, l, &t);
		spare_result(p, l, &t);
	}
	t.activation *= (double)p->batch;
	t.gradient *= (double)p->batch;
	return t;
}
