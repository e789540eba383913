/* Results move to where they are needed. The gradients of a module's input, one
 * from each branch, are added up: each would be there, as large as the input,
 * from its branch to the next. Their contractions wait until the sum is formed
 * where what they read takes less room, so that branches keep the gradients of
 * their first layers instead. */
#include "backend/group.h"
#include "backend/place.h"

#define AT_ONCE 8 /* ops behind each other that are looked at together */

struct sink {
	const struct schedule *s;
	uint32_t *pos; /* by node id: position + 1, 0: not in the loop */
};

/* Position + 1 of the last reader of v, or of a view of it, in the loop. */
static uint32_t
last_reader(const struct sink *k, const struct value *v)
{
	uint32_t last = 0;
	for (size_t i = 0; i < v->uses.len; i++) {
		const struct node *u = v->uses.data[i].node;
		uint32_t at = place_is_view_op(u->op) ?
		    last_reader(k, u->out[0]) : k->pos[u->id];
		if (at > last)
			last = at;
	}
	return last;
}

/* A function of v alone, such as a pool's division. */
static bool
is_scaling(const struct schedule *s, const struct node *n)
{
	int count = 0;
	for (int i = 0; i < n->nin; i++)
		count += n->in[i] != NULL && s->split[n->in[i]->id];
	return op_info(n->op)->lowering == LOWER_MAP && count == 1;
}

/* Whether u adds v to other gradients, or brings it through a pool to where
 * that is done. */
static bool
waits(const struct sink *k, const struct node *u, const struct value *v)
{
	enum lowering l = op_info(u->op)->lowering;
	return u->op == OP_add || l == LOWER_WINDOW || is_scaling(k->s, u) ||
	    (l == LOWER_MATRIX && u->nin > 3 && u->in[3] == v);
}

/* The one node that reads n's result, in the loop; NULL: there is none. */
static const struct node *
only_reader(const struct sink *k, const struct node *n)
{
	const struct value *v = n->out[0];
	const struct node *u = v->uses.len > 0 ? v->uses.data[0].node : NULL;
	if (u == NULL || v->nends > 0 || v->keep != KEEP_AUTO)
		return NULL;
	for (size_t i = 1; i < v->uses.len; i++)
		if (v->uses.data[i].node != u)
			return NULL;
	return k->pos[u->id] > 0 && waits(k, u, v) ? u : NULL;
}

static bool
may_sink(const struct sink *k, const struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;
	return k->s->part[n->id] == PART_SPLIT && n->nout == 1 &&
	    (l == LOWER_MATRIX || l == LOWER_WINDOW || is_scaling(k->s, n));
}

/* Bytes of what n reads and nobody would read later than n right before u. What
 * only n reads may be made that late, too, by one of `ops` before it. */
static int64_t
kept_longer(const struct sink *k, const struct node *n, const struct node *u,
    int ops)
{
	const struct value *x = n->in[0];
	int64_t sum = 0;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		if (v == NULL || !k->s->split[v->id] || (i > 0 && v == x))
			continue;
		while (v->kind == VALUE_NODE && place_is_view_op(v->def->op))
			v = v->def->in[0];
		if (v->kind != VALUE_NODE || k->pos[v->def->id] == 0 ||
		    last_reader(k, v) > k->pos[u->id])
			continue;
		int64_t own = type_bytes(&v->type), before = own;
		if (ops > 0 && may_sink(k, v->def) &&
		    only_reader(k, v->def) == n)
			before = kept_longer(k, v->def, u, ops - 1);
		sum += before < own ? before : own;
	}
	return sum;
}

void
group_sink(struct lower *lw, struct region *r)
{
	struct schedule *s = lw->sched;
	struct sink k = {s, NEW_ARRAY(lw->arena, uint32_t,
	    lw->g->nnodes + 1)};
	for (uint32_t i = r->loop; i < r->after; i++)
		k.pos[s->node[i]->id] = i + 1;
	for (uint32_t i = r->after; i-- > r->loop;) {
		const struct node *n = s->node[i];
		const struct node *u = may_sink(&k, n) ? only_reader(&k, n) :
		    NULL;
		if (u == NULL ||
		    type_bytes(&n->out[0]->type) <=
		    kept_longer(&k, n, u, AT_ONCE))
			continue;
		uint32_t to = k.pos[u->id] - 2; /* right before u */
		for (uint32_t at = i; at < to; at++) {
			s->node[at] = s->node[at + 1];
			k.pos[s->node[at]->id] = at + 1;
		}
		s->node[to] = n;
		k.pos[n->id] = to + 1;
	}
}
