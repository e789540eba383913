/* Topological order of the nodes. */
#include "ir/graph.h"

#include <stdio.h>

enum { NEW_NODE, OPEN, DONE };

/* One level of the depth-first walk: a node and its next operand. */
struct frame {
	struct node *node;
	int next;
};

struct walk {
	unsigned char *state; /* by node id */
	struct frame *stack;  /* holds each node at most once */
	size_t depth;
	struct node **order;
	size_t count;
};

static void
report_cycle(struct diag *d, const struct node *n)
{
	char name[64] = "";

	if (n->nout > 0 && n->out[0] != NULL && n->out[0]->name != NULL)
		snprintf(name, sizeof name, ", result \"%.40s\"",
		    n->out[0]->name);
	diag_error(d, &n->loc, "node %u (%s%s) depends on its own result",
	    n->id, op_info(n->op)->name, name);
}

/* Appends n after the nodes it depends on. */
static bool
visit(struct walk *w, struct node *n, struct diag *d)
{
	w->stack[w->depth++] = (struct frame){n, 0};
	w->state[n->id] = OPEN;
	while (w->depth > 0) {
		struct frame *f = &w->stack[w->depth - 1];
		struct value *v;

		if (f->next == f->node->nin) {
			w->state[f->node->id] = DONE;
			w->order[w->count++] = f->node;
			w->depth--;
			continue;
		}
		v = f->node->in[f->next++];
		if (v == NULL || v->def == NULL ||
		    w->state[v->def->id] == DONE)
			continue;
		if (w->state[v->def->id] == OPEN) {
			report_cycle(d, v->def);
			return false;
		}
		w->state[v->def->id] = OPEN;
		w->stack[w->depth++] = (struct frame){v->def, 0};
	}
	return true;
}

/* Visiting the nodes in list order emits a node that is in place already
 * right when its turn comes: a valid order does not change. */
bool
graph_sort(struct graph *g, struct diag *d)
{
	struct arena *tmp = arena_new();
	struct walk w = {.state = NEW_ARRAY(tmp, unsigned char, g->nnodes),
	    .stack = NEW_ARRAY(tmp, struct frame, g->nnodes),
	    .order = NEW_ARRAY(tmp, struct node *, g->nnodes)};
	bool ok = true;

	for (struct node *n = g->first; n != NULL && ok; n = n->next)
		if (w.state[n->id] == NEW_NODE)
			ok = visit(&w, n, d);
	for (size_t i = 0; i < w.count && ok; i++) {
		w.order[i]->prev = i == 0 ? NULL : w.order[i - 1];
		w.order[i]->next = i + 1 == w.count ? NULL : w.order[i + 1];
	}
	if (ok && w.count > 0) {
		g->first = w.order[0];
		g->last = w.order[w.count - 1];
	}
	arena_free(tmp);
	return ok;
}
