/* Graphviz output. */
#include "ir/text.h"

#include <inttypes.h>

static const char *
color(enum lowering l)
{
	switch (l) {
	case LOWER_MATRIX: return "#f4b183";
	case LOWER_MAP: return "#c5e0b4";
	case LOWER_REDUCE: return "#ffe699";
	case LOWER_WINDOW: return "#bdd7ee";
	case LOWER_MOVE: return "#dbdbdb";
	case LOWER_COMPOSITE: return "#d9c3e8";
	case LOWER_FOLD: return "#ffffff";
	}
	return "#ffffff";
}

/* A label line: quotes and backslashes escaped, "\n" at its end. */
static void
add_line(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			strbuf_add(out, "\\");
		strbuf_addn(out, *text == '\n' ? " " : text, 1);
	}
	strbuf_add(out, "\\n");
}

static void
add_type(struct strbuf *out, const struct tensor_type *t)
{
	char buf[TYPE_STR_MAX];

	add_line(out, type_str(t, buf, sizeof buf));
}

static void
add_loc(struct strbuf *out, const struct loc *l)
{
	struct strbuf s = {0};

	if (l->node != NULL)
		strbuf_add(&s, l->node);
	else if (l->file != NULL && l->line > 0)
		strbuf_addf(&s, "%s:%d:%d", l->file, l->line, l->col);
	if (s.len > 0)
		add_line(out, s.data);
	strbuf_free(&s);
}

static void
dot_leaf(struct strbuf *out, const struct value *v, const char *shape)
{
	strbuf_addf(out, "  v%" PRIu32 " [shape=%s, label=\"", v->id, shape);
	if (v->name != NULL)
		add_line(out, v->name);
	add_type(out, &v->type);
	strbuf_add(out, "\"];\n");
}

static void
dot_node(struct strbuf *out, const struct node *n)
{
	const struct op_info *info = op_info(n->op);

	strbuf_addf(out, "  n%" PRIu32 " [fillcolor=\"%s\", label=\"", n->id,
	    color(info->lowering));
	add_line(out, info->name);
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL)
			add_type(out, &n->out[i]->type);
	add_loc(out, &n->loc);
	strbuf_add(out, "\"];\n");
}

/* An edge from where v is defined. */
static void
dot_edge(struct strbuf *out, const struct value *v, const char *to,
    uint32_t id, const char *style)
{
	if (v->def != NULL)
		strbuf_addf(out, "  n%" PRIu32, v->def->id);
	else
		strbuf_addf(out, "  v%" PRIu32, v->id);
	strbuf_addf(out, " -> %s%" PRIu32 "%s;\n", to, id, style);
}

/* Constants appear as they are first used: seen is by value id. */
static void
dot_operand(struct strbuf *out, const struct value *v, bool *seen)
{
	if (v->kind != VALUE_CONST || seen[v->id])
		return;
	seen[v->id] = true;
	dot_leaf(out, v, "note");
}

static void
dot_ends(struct strbuf *out, const struct graph *g, bool *seen)
{
	for (size_t i = 0; i < g->outputs.len; i++) {
		strbuf_addf(out, "  o%zu [shape=ellipse, label=\"", i);
		add_line(out, g->output_names.data[i]);
		strbuf_add(out, "\"];\n");
		dot_operand(out, g->outputs.data[i], seen);
		dot_edge(out, g->outputs.data[i], "o", (uint32_t)i, "");
	}
	for (size_t i = 0; i < g->assigns.len; i++) {
		const struct assign *a = &g->assigns.data[i];

		dot_operand(out, a->to, seen);
		dot_edge(out, a->to, "v", a->state->id, " [style=dashed]");
	}
}

void
graph_dot(struct strbuf *out, const struct graph *g)
{
	struct arena *tmp = arena_new();
	bool *seen = NEW_ARRAY(tmp, bool, g->nvalues);

	strbuf_add(out, "digraph \"");
	add_line(out, g->name);
	out->len -= 2; /* a graph's name is one line */
	out->data[out->len] = '\0';
	strbuf_add(out, "\" {\n  node [shape=box, style=filled, "
	    "fillcolor=white, fontname=monospace];\n");
	for (size_t i = 0; i < g->inputs.len; i++)
		dot_leaf(out, g->inputs.data[i], "ellipse");
	for (size_t i = 0; i < g->states.len; i++)
		dot_leaf(out, g->states.data[i], "cylinder");
	graph_foreach_node(g, n) {
		dot_node(out, n);
		for (int i = 0; i < n->nin; i++) {
			if (n->in[i] == NULL)
				continue;
			dot_operand(out, n->in[i], seen);
			dot_edge(out, n->in[i], "n", n->id, "");
		}
	}
	dot_ends(out, g, seen);
	strbuf_add(out, "}\n");
	arena_free(tmp);
}
