/* The text form, written. */
#include "ir/text.h"

#include "ir/data.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NO_NUMBER UINT32_MAX

struct printer {
	struct strbuf *out;
	const struct graph *g;
	struct arena *tmp;
	uint32_t *number; /* printed number by value id */
	uint32_t next;
	VEC(const struct value *) consts;
	bool full;
};

static bool
numbered(const struct printer *p, const struct value *v)
{
	return v->id < p->g->nvalues && p->number[v->id] != NO_NUMBER;
}

static void
number_value(struct printer *p, const struct value *v)
{
	if (v != NULL && v->id < p->g->nvalues && !numbered(p, v))
		p->number[v->id] = p->next++;
}

/* Constants are in no list of the graph: those in use are printed. */
static void
collect_const(struct printer *p, const struct value *v)
{
	if (v == NULL || v->kind != VALUE_CONST || v->id >= p->g->nvalues ||
	    numbered(p, v))
		return;
	p->number[v->id] = 0; /* seen; the number follows */
	VEC_PUSH(p->tmp, &p->consts, v);
}

static int
by_id(const void *a, const void *b)
{
	const struct value *const *x = a, *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static void
number_consts(struct printer *p)
{
	const struct graph *g = p->g;

	graph_foreach_node(g, n)
		for (int i = 0; i < n->nin; i++)
			collect_const(p, n->in[i]);
	for (size_t i = 0; i < g->assigns.len; i++)
		collect_const(p, g->assigns.data[i].to);
	for (size_t i = 0; i < g->outputs.len; i++)
		collect_const(p, g->outputs.data[i]);
	if (p->consts.len > 1)
		qsort(p->consts.data, p->consts.len,
		    sizeof *p->consts.data, by_id);
	for (size_t i = 0; i < p->consts.len; i++)
		p->number[p->consts.data[i]->id] = p->next++;
}

static void
number_all(struct printer *p)
{
	const struct graph *g = p->g;

	p->number = NEW_ARRAY(p->tmp, uint32_t, g->nvalues);
	for (uint32_t i = 0; i < g->nvalues; i++)
		p->number[i] = NO_NUMBER;
	for (size_t i = 0; i < g->inputs.len; i++)
		number_value(p, g->inputs.data[i]);
	number_consts(p);
	for (size_t i = 0; i < g->states.len; i++)
		number_value(p, g->states.data[i]);
	graph_foreach_node(g, n)
		for (int i = 0; i < n->nout; i++)
			number_value(p, n->out[i]);
}

/* %N; a value that is nowhere in the graph, which only a broken graph has,
 * shows its id. */
static void
print_value(struct printer *p, const struct value *v)
{
	if (v == NULL)
		strbuf_add(p->out, "_");
	else if (numbered(p, v))
		strbuf_addf(p->out, "%%%" PRIu32, p->number[v->id]);
	else
		strbuf_addf(p->out, "%%?%" PRIu32, v->id);
}

static void
print_name(struct printer *p, const char *name)
{
	if (name == NULL)
		return;
	strbuf_add(p->out, " ");
	strbuf_add_quoted(p->out, name);
}

static void
print_type(struct printer *p, const struct tensor_type *t)
{
	char buf[TYPE_STR_MAX];

	strbuf_add(p->out, type_str(t, buf, sizeof buf));
}

static void
print_loc(struct printer *p, const struct loc *l)
{
	if (l->file == NULL && l->node == NULL)
		return;
	if (p->g->from_text && l->file == p->g->source && l->node == NULL)
		return;
	strbuf_add(p->out, " @ ");
	strbuf_add_quoted(p->out, l->file == NULL ? "" : l->file);
	if (l->line > 0)
		strbuf_addf(p->out, ":%d:%d", l->line, l->col);
	print_name(p, l->node);
}

static void
print_leaf(struct printer *p, const char *word, const struct value *v)
{
	strbuf_addf(p->out, "  %-6s ", word);
	print_value(p, v);
	print_name(p, v->name);
	if (v->kind == VALUE_STATE && v->trainable)
		strbuf_add(p->out, " trainable");
	strbuf_add(p->out, " : ");
	print_type(p, &v->type);
	if (v->kind != VALUE_INPUT)
		strbuf_add(p->out, " = ");
	if (v->kind != VALUE_INPUT && v->data == NULL)
		strbuf_add(p->out, "none");
	else if (v->kind != VALUE_INPUT)
		data_print(p->out, &v->type, v->data, p->full);
	print_loc(p, &v->loc);
	strbuf_add(p->out, "\n");
}

static void
print_attr(struct printer *p, enum op op, const struct attr *a)
{
	const char *word;

	strbuf_addf(p->out, "%s = ", attr_name(a->id));
	switch (attr_kind(a->id)) {
	case ATTR_INT:
	case ATTR_ENUM:
		word = attr_word(op, a->id, a->i);
		if (word != NULL)
			strbuf_add(p->out, word);
		else
			strbuf_addf(p->out, "%" PRId64, a->i);
		break;
	case ATTR_FLOAT:
		strbuf_add_double(p->out, a->f);
		break;
	case ATTR_INTS:
		for (size_t i = 0; i < a->n; i++)
			strbuf_addf(p->out, "%s%" PRId64, i == 0 ? "[" : ",",
			    a->ints[i]);
		strbuf_add(p->out, a->n == 0 ? "[]" : "]");
		break;
	case ATTR_FLOATS:
		strbuf_add(p->out, "[");
		for (size_t i = 0; i < a->n; i++) {
			strbuf_add(p->out, i == 0 ? "" : ",");
			strbuf_add_double(p->out, a->floats[i]);
		}
		strbuf_add(p->out, "]");
		break;
	}
}

static void
print_attrs(struct printer *p, const struct node *n)
{
	const char *sep = " {";

	for (int i = 0; i < n->nattrs; i++) {
		const struct attr *a = &n->attrs[i];

		if (attr_equal(a, attr_default(a->id)))
			continue;
		strbuf_add(p->out, sep);
		print_attr(p, n->op, a);
		sep = ", ";
	}
	if (sep[0] == ',')
		strbuf_add(p->out, "}");
}

/* keep "dram,auto rebuild": one for each result. */
static void
print_keep(struct printer *p, const struct node *n)
{
	bool any = false;

	for (int i = 0; i < n->nout; i++)
		any = any || (n->out[i] != NULL &&
		    (n->out[i]->keep != KEEP_AUTO || n->out[i]->rebuild));
	for (int i = 0; i < n->nout && any; i++) {
		const struct value *v = n->out[i];

		strbuf_add(p->out, i == 0 ? " keep \"" : ",");
		strbuf_add(p->out, keep_names[v == NULL ? KEEP_AUTO :
		    v->keep]);
		if (v != NULL && v->rebuild)
			strbuf_add(p->out, " rebuild");
	}
	if (any)
		strbuf_add(p->out, "\"");
}

static void
print_groups(struct printer *p)
{
	for (size_t i = 0; i < p->g->groups.len; i++)
		strbuf_addf(p->out, "%s%" PRId64, i > 0 ? "," :
		    p->g->free_groups ? " free_groups [" : " groups [",
		    p->g->groups.data[i].sub_batch);
	if (p->g->groups.len > 0)
		strbuf_add(p->out, "]");
}

static void
print_node(struct printer *p, const struct node *n)
{
	strbuf_add(p->out, "  ");
	for (int i = 0; i < n->nout; i++) {
		strbuf_add(p->out, i == 0 ? "" : ", ");
		print_value(p, n->out[i]);
		if (n->out[i] != NULL)
			print_name(p, n->out[i]->name);
	}
	strbuf_addf(p->out, " = %s", op_info(n->op)->name);
	for (int i = 0; i < n->nin; i++) {
		strbuf_add(p->out, i == 0 ? " " : ", ");
		print_value(p, n->in[i]);
	}
	print_attrs(p, n);
	for (int i = 0; i < n->nout; i++) {
		strbuf_add(p->out, i == 0 ? " : " : ", ");
		if (n->out[i] == NULL)
			strbuf_add(p->out, "_");
		else
			print_type(p, &n->out[i]->type);
	}
	if (strcmp(n->phase, "forward") != 0) {
		strbuf_add(p->out, " phase");
		print_name(p, n->phase);
	}
	if (n->group > 0)
		strbuf_addf(p->out, " group %" PRIu32, n->group);
	print_keep(p, n);
	print_loc(p, &n->loc);
	strbuf_add(p->out, "\n");
}

static void
print_ends(struct printer *p)
{
	const struct graph *g = p->g;

	for (size_t i = 0; i < g->assigns.len; i++) {
		strbuf_add(p->out, "  assign ");
		print_value(p, g->assigns.data[i].state);
		strbuf_add(p->out, " := ");
		print_value(p, g->assigns.data[i].to);
		strbuf_add(p->out, "\n");
	}
	for (size_t i = 0; i < g->outputs.len; i++) {
		strbuf_add(p->out, "  output ");
		print_value(p, g->outputs.data[i]);
		print_name(p, g->output_names.data[i]);
		strbuf_add(p->out, "\n");
	}
}

void
graph_print(struct strbuf *out, const struct graph *g, bool constants)
{
	struct printer p = {.out = out, .g = g, .full = constants};

	p.tmp = arena_new();
	number_all(&p);
	strbuf_add(out, "wave.graph 1\ngraph ");
	strbuf_add_quoted(out, g->name);
	print_groups(&p);
	strbuf_add(out, " {\n");
	for (size_t i = 0; i < g->inputs.len; i++)
		print_leaf(&p, "input", g->inputs.data[i]);
	for (size_t i = 0; i < p.consts.len; i++)
		print_leaf(&p, "const", p.consts.data[i]);
	for (size_t i = 0; i < g->states.len; i++)
		print_leaf(&p, "state", g->states.data[i]);
	graph_foreach_node(g, n)
		print_node(&p, n);
	print_ends(&p);
	strbuf_add(out, "}\n");
	arena_free(p.tmp);
}
