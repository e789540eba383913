/* Chains in strips of channels. A mean over windows is as large as what it is
 * taken of, and so is its gradient; but one convolution alone reads it, or
 * makes it, and the pool treats each channel by itself. So the three - data
 * gradient, scale, gradient of the pool; or pool, scale, weight gradient - are
 * lowered for some channels after the other, and only two strips of what passes
 * between them are on chip at a time. The contraction is cut along columns or
 * rows of its result: no weight is loaded twice and no bit depends on it. */
#include "backend/group.h"
#include "backend/place.h"

#define LEAST_PART 4 /* of the array's columns that a strip fills, at least */

static bool
is_link(struct lower *lw, const struct node *n, const struct value *v)
{
	const struct info *in = place_resolve(lw, v);
	for (size_t i = 0; i < v->uses.len; i++)
		if (v->uses.data[i].node != n)
			return false;
	return v->nends == 0 && v->keep == KEEP_AUTO && in->is_root &&
	    in->over == NULL && !in->inlined && !in->converted &&
	    v->type.rank > 2 && lw->sched->split[v->id] &&
	    !value_is_output(lw->g, v);
}

/* Whether t, spread over images of that rank, is the same for all samples and
 * channels. */
static bool
is_same_for_channels(const struct tensor_type *t, int rank)
{
	for (int i = 0; i < t->rank; i++)
		if (i + rank - t->rank < 2 && t->dim[i] != 1)
			return false;
	return true;
}

/* A function of v alone, element by element. */
static bool
is_scale(struct lower *lw, const struct node *n, const struct value *v)
{
	if (op_info(n->op)->lowering != LOWER_MAP || n->nout != 1 ||
	    !type_equal(&n->out[0]->type, &v->type) ||
	    place_is_view(lw, n))
		return false;
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != v && n->in[i] != NULL &&
		    !is_same_for_channels(&n->in[i]->type, v->type.rank))
			return false;
	return true;
}

/* Constant weights are stored in an order of their own, all columns of a row
 * together: see set_weights in lower_matrix.c. */
static bool
starts(const struct lower *lw, const struct node *n)
{
	if (lw->sched->part[n->id] != PART_SPLIT)
		return false;
	if (n->op == OP_conv_transpose)
		return node_int(n, ATTR_groups) == 1 &&
		    (n->nin < 3 || n->in[2] == NULL) &&
		    (n->nin < 4 || n->in[3] == NULL) &&
		    n->in[1]->kind != VALUE_CONST &&
		    !lw->sched->split[n->in[1]->id];
	return n->op == OP_sum_pool;
}

static bool
ends(const struct node *first, const struct node *n, const struct value *v)
{
	return n->in[0] == v && (first->op == OP_sum_pool ?
	    n->op == OP_conv_wgrad && node_int(n, ATTR_groups) == 1 &&
	    n->in[1] != v : n->op == OP_sum_pool_grad);
}

/* The most channels that divide all of them evenly and fill no more than the
 * array's columns; 0: there are no such. */
static int64_t
strip_of(const struct lower *lw, int64_t channels)
{
	int64_t n = lw->target->cols;
	if (n > channels / 2)
		n = channels / 2;
	while (n > 0 && channels % n != 0)
		n--;
	return n * LEAST_PART >= lw->target->cols ? n : 0;
}

static bool
find_chain(struct lower *lw, const struct region *r, const struct node *n,
    struct chain *c)
{
	const struct value *v = n->out[0];
	if (!starts(lw, n))
		return false;
	c->node[0] = n;
	for (c->n = 1; c->n < CHAIN && v->uses.len > 0; c->n++) {
		const struct node *u = v->uses.data[0].node;
		int64_t at = lw->res->index[u->id];
		if (at < (int64_t)r->loop || at >= (int64_t)r->after ||
		    !is_link(lw, u, v))
			return false;
		c->node[c->n] = u;
		if (ends(n, u, v)) {
			c->n++;
			c->channels = v->type.dim[1];
			c->strip = strip_of(lw, c->channels);
			return c->strip > 0;
		}
		if (!is_scale(lw, u, v))
			return false;
		v = u->out[0];
	}
	return false;
}

/* Whether a node of positions (from, to) computes its result over what n
 * reads. */
static bool
written_over(const struct lower *lw, const struct node *n, uint32_t from,
    uint32_t to)
{
	for (uint32_t i = from + 1; i < to; i++) {
		const struct value *y = lw->sched->node[i]->out[0];
		const struct value *v = y != NULL ?
		    lw->res->info[y->id].over : NULL;
		for (int k = 0; v != NULL && k < n->nin; k++)
			if (n->in[k] == v)
				return true;
	}
	return false;
}

/* Moves the nodes of a chain to the last of them; false where that cannot
 * be. */
static bool
gather(struct lower *lw, struct region *r, const struct chain *c)
{
	struct schedule *s = lw->sched;
	const int64_t *index = lw->res->index;
	uint32_t to = (uint32_t)index[c->node[c->n - 1]->id];
	for (int k = 0; k < c->n; k++)
		if (written_over(lw, c->node[k],
		    (uint32_t)index[c->node[k]->id], to))
			return false;
	for (int k = c->n - 1; k-- > 0;) {
		uint32_t at = (uint32_t)index[c->node[k]->id];
		for (to--; at < to; at++)
			s->node[at] = s->node[at + 1];
		s->node[to] = c->node[k];
		group_number(lw, r);
	}
	return true;
}

void
group_strips(struct lower *lw, struct region *r)
{
	struct chain c;
	r->chain.len = 0;
	r->chain_of = NEW_ARRAY(lw->arena, uint32_t, lw->g->nnodes + 1);
	r->strip = NEW_ARRAY(lw->arena, int64_t, lw->g->nvalues + 1);
	if (!r->free || r->sweep || !lw->p->overlap)
		return;
	group_number(lw, r);
	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *n = lw->sched->node[i];
		if (r->chain_of[n->id] > 0 || !find_chain(lw, r, n, &c) ||
		    !gather(lw, r, &c))
			continue;
		VEC_PUSH(lw->arena, &r->chain, c);
		for (int k = 0; k < c.n; k++) {
			const struct value *v = c.node[k]->out[0];
			r->chain_of[c.node[k]->id] = (uint32_t)r->chain.len;
			if (k + 1 < c.n)
				r->strip[v->id] = c.strip;
		}
		if (lw->sched->node[i] != n)
			i--; /* it has moved on */
	}
}

const struct chain *
group_chain(const struct region *r, const struct node *n)
{
	uint32_t i = r->chain_of != NULL ? r->chain_of[n->id] : 0;
	return i > 0 ? &r->chain.data[i - 1] : NULL;
}

int64_t
group_strip_bytes(const struct region *r, const struct value *v, int64_t bytes)
{
	return r->strip[v->id] > 0 ?
	    bytes / v->type.dim[1] * r->strip[v->id] : bytes;
}

int64_t
group_bytes(const struct lower *lw, const struct region *r,
    const struct value *v, int64_t samples)
{
	int64_t all = lw->res->info[v->id].bytes / lw->sched->batch * samples;

	return group_strip_bytes(r, v, all) *
	    (r->strip[v->id] > 0 ? STRIPS : 1);
}

/* ---- lowering ---- */

/* The strip's part of pl: what passes along the chain is there by strips, its
 * ends as a whole. */
struct place *
group_strip_place(struct lower *lw, const struct value *v, struct place *pl)
{
	const struct chain *c = lw->chain;
	const struct node *first = c->node[0], *last = c->node[c->n - 1];
	struct place *part;
	bool inner = lw->region->strip[v->id] > 0;
	bool wide = v == last->out[0] ||
	    v == (first->op == OP_sum_pool ? first->in[0] : first->in[1]);
	if (!inner && !wide)
		return pl;
	part = NEW(lw->arena, struct place);
	*part = *pl;
	part->dim[1] = c->strip;
	if (!inner) {
		part->offset += lw->chain_at * pl->stride[1];
		return part;
	}
	for (int i = 0; i < part->rank; i++)
		if (i != 1)
			part->stride[i] = part->stride[i] / c->channels *
			    c->strip;
	return part;
}
