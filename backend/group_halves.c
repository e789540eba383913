/* A sub-batch in two halves. Between two convolutions of a chain stand a norm
 * and an activation: the array would wait for all of that, and the vector unit
 * for all of the convolution. Such runs of vector nodes are lowered for the
 * first half of the samples and then for the second, and the convolutions
 * around them in two parts, so that each half of one runs beside the other half
 * of the other. No bit depends on it. */
#include "backend/group.h"
#include "backend/place.h"

#define ROOM_PART 8 /* of the buffer that tiles of a run have */

static bool
is_array(const struct lower *lw, uint32_t at)
{
	const struct node *n = lw->sched->node[at];

	return op_info(n->op)->lowering == LOWER_MATRIX &&
	    lw->sched->part[n->id] == PART_SPLIT;
}

static bool
in_run(const struct lower *lw, uint32_t at)
{
	const struct node *n = lw->sched->node[at];

	return op_info(n->op)->lowering != LOWER_MATRIX &&
	    lw->sched->part[n->id] == PART_SPLIT;
}

/* Bytes of values that the run makes or may load, each counted once. */
struct run_values {
	struct lower *lw;
	const struct region *r;
	uint32_t at;
	VEC(const struct info *) seen;
	int64_t bytes;
};

/* Made in the loop before the run: it is there already. */
static bool
is_there(const struct run_values *s, const struct value *v)
{
	int64_t made = v->kind == VALUE_NODE ?
	    s->lw->res->index[v->def->id] : -1;

	return made >= s->r->loop && made < s->at;
}

static void
touch(struct run_values *s, const struct value *v)
{
	struct lower *lw = s->lw;
	const struct info *root;

	if (lw->res->info[v->id].inlined) {
		for (int i = 0; i < v->def->nin; i++)
			if (v->def->in[i] != NULL)
				touch(s, v->def->in[i]);
		return;
	}
	root = place_root(lw, v);
	if (!lw->sched->split[root->v->id] || !s->r->local[root->v->id] ||
	    s->r->takes[root->v->id] != NULL || is_there(s, v))
		return;
	for (size_t i = 0; i < s->seen.len; i++)
		if (s->seen.data[i] == root)
			return;
	VEC_PUSH(lw->arena, &s->seen, root);
	s->bytes += root->bytes / lw->sched->batch * s->r->sub +
	    lw->target->sram_align;
}

uint32_t
group_halves(struct lower *lw, const struct region *r, uint32_t at,
    int64_t *live)
{
	struct run_values s = {.lw = lw, .r = r, .at = at};
	uint32_t end = at;

	if (!r->free || r->sweep || !lw->p->overlap || lw->region_count < 2 ||
	    !is_array(lw, at - 1))
		return at;
	while (end < r->after && in_run(lw, end))
		end++;
	if (end == r->after || !is_array(lw, end))
		return at;
	for (uint32_t i = at; i < end; i++) {
		const struct node *n = lw->sched->node[i];

		for (int k = 0; k < n->nin; k++)
			if (n->in[k] != NULL)
				touch(&s, n->in[k]);
		for (int k = 0; k < n->nout; k++)
			if (n->out[k] != NULL)
				touch(&s, n->out[k]);
	}
	*live = r->live[at - 1 - r->loop] + s.bytes;
	return *live + r->room / ROOM_PART <= r->room ? end : at;
}
