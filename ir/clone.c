/* Copies of whole graphs. */
#include "ir/clone.h"

#include "support/diag.h"

struct clone {
	struct graph *to;
	struct value **map; /* by value id of the original */
};

static struct value *
leaf(struct clone *c, const struct value *v)
{
	struct value *w;

	if (c->map[v->id] != NULL)
		return c->map[v->id];
	if (v->kind == VALUE_INPUT)
		w = graph_input(c->to, v->name, &v->type);
	else if (v->kind == VALUE_STATE)
		w = graph_state(c->to, v->name, &v->type, v->data,
		    v->trainable);
	else
		w = graph_const(c->to, v->name, &v->type, v->data);
	w->loc = v->loc;
	return c->map[v->id] = w;
}

static void
copy_node(struct clone *c, struct diag *d, const struct node *n)
{
	struct value **in = NEW_ARRAY(c->to->arena, struct value *,
	    (size_t)n->nin + 1);
	struct node_spec spec = {.op = n->op, .in = in, .nin = n->nin,
	    .nout = n->nout, .attrs = n->attrs, .nattrs = n->nattrs,
	    .out_dtype = n->out[0]->type.dtype, .name = n->out[0]->name,
	    .loc = n->loc};
	struct node *m;

	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL)
			in[i] = n->in[i]->kind == VALUE_NODE ?
			    c->map[n->in[i]->id] : leaf(c, n->in[i]);
	m = graph_add(c->to, d, &spec);
	if (m == NULL)
		ice("graph_clone", "'%s' has no copy", op_info(n->op)->name);
	m->phase = n->phase;
	m->group = n->group;
	for (int i = 0; i < n->nout; i++) {
		if (n->out[i] == NULL)
			continue;
		c->map[n->out[i]->id] = m->out[i];
		m->out[i]->loc = n->out[i]->loc;
		m->out[i]->keep = n->out[i]->keep;
		m->out[i]->rebuild = n->out[i]->rebuild;
		if (i > 0 && n->out[i]->name != NULL)
			value_set_name(c->to, m->out[i], n->out[i]->name);
	}
}

struct graph *
graph_clone(struct arena *a, const struct graph *g)
{
	struct diag quiet = {0};
	struct clone c = {.to = graph_new(a, g->name),
	    .map = NEW_ARRAY(a, struct value *, g->nvalues + 1)};

	c.to->source = g->source;
	c.to->from_text = g->from_text;
	c.to->free_groups = g->free_groups;
	for (size_t i = 0; i < g->groups.len; i++)
		VEC_PUSH(a, &c.to->groups, g->groups.data[i]);
	for (size_t i = 0; i < g->inputs.len; i++)
		leaf(&c, g->inputs.data[i]);
	for (size_t i = 0; i < g->states.len; i++)
		leaf(&c, g->states.data[i]);
	graph_foreach_node(g, n)
		copy_node(&c, &quiet, n);
	for (size_t i = 0; i < g->outputs.len; i++) {
		const struct value *v = g->outputs.data[i];

		graph_output(c.to, v->kind == VALUE_NODE ? c.map[v->id] :
		    leaf(&c, v), g->output_names.data[i]);
	}
	for (size_t i = 0; i < g->assigns.len; i++) {
		const struct assign *s = &g->assigns.data[i];

		graph_assign(c.to, c.map[s->state->id],
		    s->to->kind == VALUE_NODE ? c.map[s->to->id] :
		    leaf(&c, s->to));
	}
	return c.to;
}
