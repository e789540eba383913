/* Editing a graph: operands, replacement, removal, use lists. */
#include "ir/graph.h"

#include <string.h>

#include "ir/check.h"

void
use_add(struct graph *g, struct node *n, int i, struct value *v)
{
	struct use u = {n, i};

	n->in[i] = v;
	n->slot[i] = (uint32_t)v->uses.len;
	VEC_PUSH(g->arena, &v->uses, u);
}

/* The last use moves into the gap, so that dropping one of many uses costs
 * the same as one of few. */
void
use_drop(struct node *n, int i)
{
	struct value *v = n->in[i];
	struct use last = v->uses.data[--v->uses.len];

	v->uses.data[n->slot[i]] = last;
	last.node->slot[last.index] = n->slot[i];
	n->in[i] = NULL;
}

void
node_set_in(struct graph *g, struct node *n, int i, struct value *v)
{
	const struct op_info *info = op_info(n->op);

	if (i < 0 || (i >= n->nin && i >= info->in_max))
		ice("node_set_in", "%s has no operand %d", info->name, i);
	if (n->in[i] != NULL)
		use_drop(n, i);
	if (v != NULL)
		use_add(g, n, i, v);
	if (i >= n->nin)
		n->nin = i + 1;
	while (n->nin > info->in_min && n->in[n->nin - 1] == NULL)
		n->nin--;
}

void
value_replace(struct graph *g, struct value *from, struct value *to)
{
	if (from == to)
		return;
	for (size_t i = 0; i < from->uses.len; i++) {
		struct use u = from->uses.data[i];

		use_add(g, u.node, u.index, to);
	}
	from->uses.len = 0;
	for (size_t i = 0; i < g->outputs.len && from->nends > 0; i++)
		if (g->outputs.data[i] == from)
			graph_set_output(g, i, to);
	for (size_t i = 0; i < g->assigns.len && from->nends > 0; i++)
		if (g->assigns.data[i].to == from)
			graph_set_assign(g, i, to);
}

void
graph_remove(struct graph *g, struct node *n)
{
	for (int i = 0; i < n->nout; i++) {
		struct value *v = n->out[i];

		if (v == NULL)
			continue;
		if (value_nuses(g, v) != 0)
			ice("graph_remove", "result %d of node %u (%s) is "
			    "used", i, n->id, op_info(n->op)->name);
		value_set_name(g, v, NULL);
	}
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL)
			use_drop(n, i);
	*(n->prev == NULL ? &g->first : &n->prev->next) = n->next;
	*(n->next == NULL ? &g->last : &n->next->prev) = n->prev;
	n->prev = n->next = NULL;
}

bool
graph_trains(const struct graph *g)
{
	graph_foreach_node(g, n)
		if (strcmp(n->phase, "forward") != 0)
			return true;
	return false;
}

bool
value_is_output(const struct graph *g, const struct value *v)
{
	for (size_t i = 0; i < g->outputs.len && v->nends > 0; i++)
		if (g->outputs.data[i] == v)
			return true;
	return false;
}

size_t
value_nuses(const struct graph *g, const struct value *v)
{
	(void)g;
	return v->uses.len + v->nends;
}
