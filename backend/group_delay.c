/* Weight gradients wait for convolutions that are computed again. The norm
 * before a layer needs the gradient of the layer's input and, where it was not
 * stored, its own input computed again. With the weight gradient of the layer
 * behind that convolution, the gradient of the norm runs beside it. */
#include "backend/group.h"

static bool
is_matrix(const struct node *n)
{
	return op_info(n->op)->lowering == LOWER_MATRIX;
}

/* The position of the convolution that comes next after w, before any other
 * contraction; w: there is none. */
static uint32_t
next_conv(const struct schedule *s, const struct region *r, uint32_t w)
{
	uint32_t i = w + 1;

	while (i < r->after && !is_matrix(s->node[i]))
		i++;
	return i < r->after && s->node[i]->op == OP_conv &&
	    s->part[s->node[i]->id] == PART_SPLIT ? i : w;
}

bool
group_delay(struct lower *lw, struct region *r)
{
	struct schedule *s = lw->sched;
	bool any = false;

	for (uint32_t w = r->after; w-- > r->loop;) {
		const struct node *n = s->node[w];
		uint32_t to;

		if (!is_matrix(n) || s->part[n->id] != PART_SUM ||
		    group_chain(r, n) != NULL)
			continue;
		to = next_conv(s, r, w);
		for (uint32_t i = w; i < to; i++)
			s->node[i] = s->node[i + 1];
		s->node[to] = n;
		any = any || to > w;
	}
	group_number(lw, r);
	return any;
}
