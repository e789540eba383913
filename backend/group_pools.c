/* Pools go before the convolution that precedes them. In a module with branches
 * the pool of one of them stands behind the last convolution of another, of
 * which it does not depend: before that, it runs beside it. */
#include "backend/group.h"

static bool
reads(const struct node *n, const struct node *of)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->kind == VALUE_NODE &&
		    n->in[i]->def == of)
			return true;
	return false;
}

/* Whether n reads a result of positions [from, to). */
static bool
depends(const struct schedule *s, const struct node *n, uint32_t from,
    uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if (reads(n, s->node[i]))
			return true;
	return false;
}

/* Moves the node at position i up to position to. */
static void
move_up(struct schedule *s, uint32_t i, uint32_t to)
{
	const struct node *n = s->node[i];

	for (; i > to; i--)
		s->node[i] = s->node[i - 1];
	s->node[to] = n;
}

bool
group_pools(struct lower *lw, struct region *r)
{
	struct schedule *s = lw->sched;
	const struct node *pool = NULL;
	uint32_t a = r->after; /* the contraction before; none yet */
	bool any = false;

	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *n = s->node[i];
		enum lowering l = op_info(n->op)->lowering;

		if (l == LOWER_MATRIX) {
			/* nothing waits for a weight gradient */
			a = s->part[n->id] == PART_SPLIT ? i : r->after;
			pool = NULL;
			continue;
		}
		if (a == r->after || s->part[n->id] != PART_SPLIT ||
		    group_chain(r, n) != NULL)
			continue;
		/* with the scaling of a mean behind it */
		if ((l == LOWER_WINDOW ||
		    (l == LOWER_MAP && pool != NULL && reads(n, pool))) &&
		    !depends(s, n, a, i)) {
			pool = n;
			move_up(s, i, a++);
			any = true;
		}
	}
	group_number(lw, r);
	return any;
}
