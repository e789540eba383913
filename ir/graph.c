/* The graph: leaves, ends, names and adding nodes. */
#include "ir/graph.h"

#include "ir/check.h"
#include "ir/infer.h"
#include "ir/names.h"

#include <stdio.h>
#include <string.h>

struct graph *
graph_new(struct arena *a, const char *name)
{
	struct graph *g = NEW(a, struct graph);

	g->arena = a;
	g->name = arena_strdup(a, name == NULL ? "" : name);
	g->names = names_new(a);
	return g;
}

struct value *
graph_find(const struct graph *g, const char *name)
{
	return names_get(g->names, name);
}

void
value_set_name(struct graph *g, struct value *v, const char *name)
{
	if (v->name != NULL)
		names_drop(g->names, v->name);
	v->name = name == NULL ? NULL : names_unique(g->names, name);
	if (v->name != NULL)
		names_put(g->names, v->name, v);
}

void
value_take_name(struct graph *g, struct value *to, struct value *from)
{
	const char *name = from->name;

	if (to == from || name == NULL)
		return;
	value_set_name(g, from, NULL);
	value_set_name(g, to, name);
}

static struct value *
value_new(struct graph *g, enum value_kind kind, const char *name,
    const struct tensor_type *type)
{
	struct value *v;
	char buf[TYPE_STR_MAX];

	if (!type_valid(type))
		ice("graph", "value %s has invalid type %s",
		    name == NULL ? "" : name,
		    type_str(type, buf, sizeof buf));
	if (g->nvalues == UINT32_MAX)
		ice("graph", "too many values");
	v = NEW(g->arena, struct value);
	v->id = g->nvalues++;
	v->kind = kind;
	v->type = *type;
	value_set_name(g, v, name);
	return v;
}

struct value *
graph_input(struct graph *g, const char *name, const struct tensor_type *type)
{
	struct value *v = value_new(g, VALUE_INPUT, name, type);

	VEC_PUSH(g->arena, &g->inputs, v);
	return v;
}

struct value *
graph_const(struct graph *g, const char *name, const struct tensor_type *type,
    const void *data)
{
	struct value *v = value_new(g, VALUE_CONST, name, type);

	v->data = data;
	return v;
}

struct value *
graph_state(struct graph *g, const char *name, const struct tensor_type *type,
    const void *data, bool trainable)
{
	struct value *v = value_new(g, VALUE_STATE, name, type);

	v->data = data;
	v->trainable = trainable;
	VEC_PUSH(g->arena, &g->states, v);
	return v;
}

void
graph_output(struct graph *g, struct value *v, const char *name)
{
	VEC_PUSH(g->arena, &g->outputs, v);
	VEC_PUSH(g->arena, &g->output_names, arena_strdup(g->arena, name));
	v->nends++;
}

void
graph_assign(struct graph *g, struct value *state, struct value *to)
{
	struct assign a = {state, to};

	if (state->kind != VALUE_STATE)
		ice("graph_assign", "value %u is no state", state->id);
	VEC_PUSH(g->arena, &g->assigns, a);
	to->nends++;
}

void
graph_set_output(struct graph *g, size_t i, struct value *v)
{
	if (i >= g->outputs.len)
		ice("graph_set_output", "no output %zu", i);
	g->outputs.data[i]->nends--;
	g->outputs.data[i] = v;
	v->nends++;
}

void
graph_set_assign(struct graph *g, size_t i, struct value *to)
{
	if (i >= g->assigns.len)
		ice("graph_set_assign", "no assignment %zu", i);
	g->assigns.data[i].to->nends--;
	g->assigns.data[i].to = to;
	to->nends++;
}

void
graph_remove_assign(struct graph *g, size_t i)
{
	struct assign *a = g->assigns.data;

	if (i >= g->assigns.len)
		ice("graph_remove_assign", "no assignment %zu", i);
	a[i].to->nends--;
	memmove(a + i, a + i + 1, (g->assigns.len - i - 1) * sizeof *a);
	g->assigns.len--;
}

/* A deep copy of the list of an attribute. */
static struct attr
attr_copy(struct arena *a, const struct attr *from)
{
	struct attr t = *from;

	if (attr_kind(t.id) == ATTR_INTS && t.n > 0)
		t.ints = arena_memdup(a, t.ints, t.n * sizeof *t.ints);
	else if (attr_kind(t.id) == ATTR_FLOATS && t.n > 0)
		t.floats = arena_memdup(a, t.floats, t.n * sizeof *t.floats);
	else
		t.n = 0;
	return t;
}

/* Every attribute of the spec belongs to the row and comes once. The loop
 * ends after at most one more than the row has. */
static bool
spec_attrs_ok(const struct node_spec *s, char *msg, size_t size)
{
	const enum attr_id *ids = op_info(s->op)->attrs;

	for (int i = 0; i < s->nattrs; i++) {
		enum attr_id id = s->attrs[i].id;
		int k = 0;

		while (ids[k] != ATTR_NONE && ids[k] != id)
			k++;
		if (ids[k] == ATTR_NONE) {
			snprintf(msg, size, "there is no attribute %s here",
			    attr_name(id));
			return false;
		}
		for (int j = 0; j < i; j++)
			if (s->attrs[j].id == id) {
				snprintf(msg, size, "attribute %s is given "
				    "twice", attr_name(id));
				return false;
			}
	}
	return true;
}

/* All attributes of the row in its order, from the spec or their defaults. */
static struct attr *
complete_attrs(struct graph *g, const struct node_spec *s, int *n)
{
	const enum attr_id *ids = op_info(s->op)->attrs;
	struct attr *list;

	for (*n = 0; ids[*n] != ATTR_NONE; )
		++*n;
	list = NEW_ARRAY(g->arena, struct attr, (size_t)*n);
	for (int i = 0; i < *n; i++) {
		list[i] = *attr_default(ids[i]);
		for (int j = 0; j < s->nattrs; j++)
			if (s->attrs[j].id == ids[i])
				list[i] = attr_copy(g->arena, &s->attrs[j]);
	}
	return list;
}

static void
link_before(struct graph *g, struct node *n, struct node *before)
{
	n->next = before;
	n->prev = before == NULL ? g->last : before->prev;
	*(n->prev == NULL ? &g->first : &n->prev->next) = n;
	*(before == NULL ? &g->last : &before->prev) = n;
}

/* Takes n out of the list and puts it before another one (NULL: last). */
void
graph_move_before(struct graph *g, struct node *n, struct node *before)
{
	if (n == before)
		return;
	*(n->prev == NULL ? &g->first : &n->prev->next) = n->next;
	*(n->next == NULL ? &g->last : &n->next->prev) = n->prev;
	link_before(g, n, before);
}

/* Operands, results and list membership of a checked node. */
static struct node *
make_node(struct graph *g, const struct node_spec *s, const struct infer *x)
{
	const struct op_info *info = op_info(s->op);
	struct node *n = NEW(g->arena, struct node);
	size_t room = (size_t)(x->nin > info->in_max ? x->nin : info->in_max);

	if (g->nnodes == UINT32_MAX)
		ice("graph", "too many nodes");
	n->id = g->nnodes++;
	n->op = s->op;
	n->loc = s->loc;
	n->phase = "forward";
	n->nin = x->nin;
	n->in = NEW_ARRAY(g->arena, struct value *, room);
	n->slot = NEW_ARRAY(g->arena, uint32_t, room);
	for (int i = 0; i < n->nin; i++)
		if (x->in[i] != NULL)
			use_add(g, n, i, x->in[i]);
	n->nout = x->nout;
	n->out = NEW_ARRAY(g->arena, struct value *, (size_t)n->nout);
	for (int i = 0; i < n->nout; i++) {
		struct value *v = value_new(g, VALUE_NODE,
		    i == 0 ? s->name : NULL, &x->out[i]);

		v->def = n;
		v->def_index = i;
		v->loc = s->loc;
		n->out[i] = v;
	}
	link_before(g, n, s->before);
	return n;
}

/* The dtype the spec asks for; false with a message when not allowed. */
static bool
override_dtype(const struct node_spec *s, struct infer *x)
{
	enum dtype rule = x->out[0].dtype, want = s->out_dtype;

	if (want == DT_NONE || want == rule)
		return true;
	if (!op_overrides(s->op, rule, want)) {
		snprintf(x->error, sizeof x->error,
		    "the result is %s, %s is not possible",
		    dtype_name(rule), dtype_name(want));
		return false;
	}
	x->out[0].dtype = want;
	return true;
}

struct node *
graph_add(struct graph *g, struct diag *d, const struct node_spec *s)
{
	const struct op_info *info = op_info(s->op);
	struct infer x = {.op = s->op, .in = s->in, .nin = s->nin};
	struct attr *attrs = NULL;
	struct node *n;

	while (x.nin > 0 && x.in[x.nin - 1] == NULL)
		x.nin--;
	x.nout = s->nout == 0 ? info->out_min : s->nout;
	if (check_counts(s->op, x.in, x.nin, x.nout, x.error,
	        sizeof x.error) &&
	    spec_attrs_ok(s, x.error, sizeof x.error))
		attrs = complete_attrs(g, s, &x.nattrs);
	x.attrs = attrs;
	if (attrs == NULL ||
	    !check_attrs(s->op, attrs, x.nattrs, x.error, sizeof x.error) ||
	    !infer_types(&x) || !override_dtype(s, &x)) {
		diag_error(d, &s->loc, "%s: %s", info->name, x.error);
		return NULL;
	}
	n = make_node(g, s, &x);
	n->attrs = attrs;
	n->nattrs = x.nattrs;
	return n;
}

bool
op_overrides(enum op op, enum dtype rule, enum dtype want)
{
	const struct op_info *info = op_info(op);

	if (!dtype_is_float(rule) || !dtype_is_float(want) || op == OP_cast)
		return false;
	switch (info->lowering) {
	case LOWER_MATRIX:
	case LOWER_MAP:
	case LOWER_REDUCE:
	case LOWER_WINDOW:
		return true;
	case LOWER_COMPOSITE:
		/* their other operand is an integer */
		return (info->flags & OPF_FLOAT) != 0 || op == OP_dropout ||
		    op == OP_softmax_cross_entropy;
	case LOWER_MOVE:
	case LOWER_FOLD:
		break;
	}
	return false;
}
