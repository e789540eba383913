#include "backend/tile_order.h"

struct tile_node *
tile_next(const struct tile_node *n)
{
	if (n->kind == TILE_NODE_LOOP && n->loop->first != NULL)
		return n->loop->first;
	while (n->next == NULL) {
		if (n->parent == NULL)
			return NULL;
		n = n->parent->node;
	}
	return n->next;
}

int64_t
tile_iterations(const struct tile_loop *l)
{
	int64_t n = 1;

	for (; l != NULL; l = l->parent)
		n *= l->count;
	return n;
}

struct tile_node *
tile_body(const struct tile_program *p, const struct tile_loop *l)
{
	return l != NULL ? l->first : p->first;
}

struct tile_node *
tile_child(const struct tile_loop *l, struct tile_node *n)
{
	while (n != NULL && n->parent != l)
		n = n->parent != NULL ? n->parent->node : NULL;
	return n;
}

bool
tile_encloses(const struct tile_loop *a, const struct tile_loop *b)
{
	if (a == NULL)
		return true;
	while (b != NULL && b != a)
		b = b->parent;
	return b == a;
}

static void
number(struct tile_program *p, struct tile_order *o)
{
	uint32_t leaf = 0, order = 0;

	for (struct tile_node *n = p->first; n != NULL; n = tile_next(n)) {
		struct tile_span *s = &o->span[order];
		n->order = order;
		o->node[order++] = n;
		s->first = s->end = leaf;
		if (n->kind == TILE_NODE_INSN) {
			o->leaf[leaf++] = n;
			s->end = leaf;
			s->queues = 1u << n->insn->queue;
		}
	}
}

void
tile_order(struct arena *a, struct tile_program *p, struct tile_order *out)
{
	uint32_t nodes = 0, leaves = 0;

	for (struct tile_node *n = p->first; n != NULL; n = tile_next(n)) {
		nodes++;
		if (n->kind == TILE_NODE_INSN)
			leaves++;
	}
	out->nnodes = nodes;
	out->nleaves = leaves;
	out->node = NEW_ARRAY(a, struct tile_node *, nodes + 1);
	out->span = NEW_ARRAY(a, struct tile_span, nodes + 1);
	out->leaf = NEW_ARRAY(a, struct tile_node *, leaves + 1);
	number(p, out);
	/* Children come after their loop, so going backwards completes each
	 * loop before it is added to its parent. */
	for (uint32_t i = nodes; i-- > 0;) {
		const struct tile_node *n = out->node[i];
		struct tile_span *up;
		if (n->parent == NULL)
			continue;
		up = &out->span[n->parent->node->order];
		up->queues |= out->span[i].queues;
		if (up->end < out->span[i].end)
			up->end = out->span[i].end;
	}
}
