/* Weight gradients with many sums. A layer's data gradient comes before its
 * weight gradient. Where the sums of that find no room beside the data
 * gradient, but would without, it comes first: else it would load its operand
 * once for each part of the sums. */
#include "backend/group.h"

#define ROOM(bytes) ((bytes) / 10 * 9) /* there are other values */

/* Bytes of one of `sub` samples at a time that v takes. */
static int64_t
part_bytes(const struct schedule *s, const struct value *v, int64_t sub)
{
	return type_bytes(&v->type) / s->batch * sub;
}

/* Whether d and w are the data and the weight gradient of one layer. */
static bool
are_pair(const struct schedule *s, const struct node *d, const struct node *w)
{
	return w->op == OP_conv_wgrad && s->part[w->id] == PART_SUM &&
	    d->op == OP_conv_transpose && d->in[0] == w->in[1] &&
	    s->split[w->in[0]->id] && s->split[d->out[0]->id];
}

/* Whether weight gradient w is better off before data gradient d. */
static bool
goes_first(const struct lower *lw, const struct node *d, const struct node *w,
    int64_t sub)
{
	const struct schedule *s = lw->sched;
	const struct value *x = w->in[0];
	int64_t room = ROOM(lw->target->gbuf_bytes) -
	    part_bytes(s, w->in[1], sub);
	int64_t data = part_bytes(s, d->out[0], sub), needed;
	if (part_bytes(s, x, sub) <= room - data)
		return false;
	/* two samples of the operand beside the sums, in 32 bits */
	needed = 4 * type_elems(&w->out[0]->type) + 2 * part_bytes(s, x, 1);
	return needed > (room - data) / 4 * 5 && needed <= room;
}

void
group_wide(struct lower *lw, struct region *r)
{
	const struct node **node = lw->sched->node;
	if (lw->target->gbuf_bytes == 0 || r->wanted < 1)
		return;
	for (uint32_t i = r->loop; i + 1 < r->after; i++) {
		const struct node *d = node[i];
		if (!are_pair(lw->sched, d, node[i + 1]) ||
		    !goes_first(lw, d, node[i + 1], r->wanted))
			continue;
		node[i] = node[i + 1];
		node[++i] = d;
	}
}
