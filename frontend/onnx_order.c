#include "frontend/onnx_imp.h"

enum mark { WHITE, OPEN, DONE };

struct frame {
	size_t node;
	size_t next; /* operand to look at next */
};

struct order {
	struct imp *m;
	unsigned char *mark;
	struct frame *stack;
	size_t depth;
};

/* The node that produces operand k of node i, or -1. */
static int64_t
producer(const struct imp *m, size_t i, size_t k)
{
	const char *name = m->src->node[i]->input[k];
	const struct onnx_sym *s =
	    name[0] != '\0' ? onnx_sym_find(m, name) : NULL;

	return s != NULL ? s->node : -1;
}

static bool
push(struct order *o, size_t node)
{
	o->mark[node] = OPEN;
	o->stack[o->depth++] = (struct frame){node, 0};
	return true;
}

static bool
cycle_error(struct order *o, size_t from, size_t k)
{
	struct loc loc = onnx_node_loc(o->m, from);

	diag_error(o->m->diag, &loc, "lies on a cycle: input %zu '%s' "
	    "depends on the node's own result", k,
	    o->m->src->node[from]->input[k]);
	return false;
}

/* Depth first from one node: producers before their readers, otherwise in
 * the order of the file. */
static bool
visit(struct order *o, size_t root)
{
	struct imp *m = o->m;

	push(o, root);
	while (o->depth > 0) {
		struct frame *f = &o->stack[o->depth - 1];
		if (f->next == m->src->node[f->node]->n_input) {
			o->mark[f->node] = DONE;
			m->order[m->norder++] = f->node;
			o->depth--;
			continue;
		}
		int64_t p = producer(m, f->node, f->next);
		if (p >= 0 && o->mark[p] == OPEN)
			return cycle_error(o, f->node, f->next);
		f->next++;
		if (p >= 0 && o->mark[p] == WHITE)
			push(o, (size_t)p);
	}
	return true;
}

/* Marks what the outputs need. Works on cyclic graphs too. */
static void
mark_live(struct imp *m, size_t *work)
{
	size_t n = 0;

	for (size_t i = 0; i < m->src->n_output; i++) {
		const char *name = m->src->output[i]->name;
		struct onnx_sym *s =
		    name != NULL ? onnx_sym_find(m, name) : NULL;
		if (s == NULL)
			continue;
		s->readers++;
		if (s->node >= 0 && !m->live[s->node]) {
			m->live[s->node] = true;
			work[n++] = (size_t)s->node;
		}
	}
	while (n > 0) {
		size_t i = work[--n];
		for (size_t k = 0; k < m->src->node[i]->n_input; k++) {
			const char *name = m->src->node[i]->input[k];
			if (name[0] == '\0')
				continue;
			struct onnx_sym *s = onnx_sym_find(m, name);
			s->readers++;
			if (s->node < 0 || m->live[s->node])
				continue;
			m->live[s->node] = true;
			work[n++] = (size_t)s->node;
		}
	}
}

bool
onnx_order(struct imp *m)
{
	size_t n = m->src->n_node;
	struct order o = {.m = m};

	m->live = NEW_ARRAY(m->arena, bool, n + 1);
	m->order = NEW_ARRAY(m->arena, size_t, n + 1);
	o.mark = NEW_ARRAY(m->arena, unsigned char, n + 1);
	o.stack = NEW_ARRAY(m->arena, struct frame, n + 1);
	mark_live(m, m->order);
	for (size_t i = 0; i < n; i++) {
		if (!m->live[i])
			m->ndead++;
		else if (o.mark[i] == WHITE && !visit(&o, i))
			return false;
	}
	return true;
}
