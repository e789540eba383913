/* The verifier: every rule of IR.md on a graph that may be broken anywhere.
 * Nothing is followed before it is known to be there. */
#include "ir/text.h"

#include "ir/check.h"
#include "ir/infer.h"
#include "ir/names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct verifier {
	const struct graph *g;
	struct diag *d;
	const char *pass;
	struct arena *tmp;
	const struct node **nodes;   /* in the list, by id */
	const struct value **values; /* defined so far, by id */
	size_t *nuses, *nends;       /* counted, by value id */
	VEC(const struct value *) all;
	bool ok;
};

static void fail(struct verifier *v, const struct loc *l, const char *object,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
fail(struct verifier *v, const struct loc *l, const char *object,
    const char *fmt, ...)
{
	char msg[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	diag_error(v->d, l, "after %s: %s: %s", v->pass, object, msg);
	v->ok = false;
}

#define OBJECT_MAX 160

static const char *
value_str(const struct value *v, char *buf)
{
	static const char *const kinds[] = {"input", "const", "state",
	    "value"};
	const char *kind = (unsigned)v->kind <= VALUE_NODE ? kinds[v->kind]
	                                                   : "value";

	if (v->name != NULL)
		snprintf(buf, OBJECT_MAX, "%s %" PRIu32 " \"%.80s\"", kind,
		    v->id, v->name);
	else
		snprintf(buf, OBJECT_MAX, "%s %" PRIu32, kind, v->id);
	return buf;
}

static const char *
node_str(const struct node *n, char *buf)
{
	const char *name = NULL;

	if (n->nout > 0 && n->out != NULL && n->out[0] != NULL)
		name = n->out[0]->name;
	snprintf(buf, OBJECT_MAX, "node %" PRIu32 " (%s)%s%.80s%s", n->id,
	    op_info(n->op)->name, name == NULL ? "" : " \"",
	    name == NULL ? "" : name, name == NULL ? "" : "\"");
	return buf;
}

static bool
is_defined(const struct verifier *v, const struct value *x)
{
	return x->id < v->g->nvalues && v->values[x->id] == x;
}

/* Records a value at its definition. */
static void
define_value(struct verifier *v, const struct value *x)
{
	char buf[OBJECT_MAX];

	if (x->id >= v->g->nvalues) {
		fail(v, &x->loc, value_str(x, buf), "id is not below the "
		    "counter %" PRIu32, v->g->nvalues);
		return;
	}
	if (v->values[x->id] != NULL) {
		fail(v, &x->loc, value_str(x, buf), v->values[x->id] == x
		    ? "is defined twice" : "shares its id with another value");
		return;
	}
	if (!type_valid(&x->type))
		fail(v, &x->loc, value_str(x, buf), "type is not valid");
	v->values[x->id] = x;
	VEC_PUSH(v->tmp, &v->all, x);
}

/* A value is used here: constants are defined by their first use. */
static bool
use_value(struct verifier *v, const struct value *x)
{
	char buf[OBJECT_MAX];

	if (x->kind == VALUE_CONST && !is_defined(v, x)) {
		define_value(v, x);
		if (x->data == NULL)
			fail(v, &x->loc, value_str(x, buf),
			    "constant data is missing");
	}
	return is_defined(v, x);
}

static void
check_leaves(struct verifier *v)
{
	const struct graph *g = v->g;
	char buf[OBJECT_MAX];

	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct value *x = g->inputs.data[i];

		define_value(v, x);
		if (x->kind != VALUE_INPUT)
			fail(v, &x->loc, value_str(x, buf),
			    "is in the inputs but of another kind");
	}
	for (size_t i = 0; i < g->states.len; i++) {
		const struct value *x = g->states.data[i];

		define_value(v, x);
		if (x->kind != VALUE_STATE)
			fail(v, &x->loc, value_str(x, buf),
			    "is in the states but of another kind");
	}
}

/* Links, ops and ids. False when the list cannot be walked or indexed. */
static bool
check_list(struct verifier *v)
{
	const struct graph *g = v->g;
	const struct node *prev = NULL;
	size_t count = 0;
	char buf[OBJECT_MAX];

	for (const struct node *n = g->first; n != NULL; n = n->next) {
		if ((unsigned)n->op >= OP_COUNT || n->op == OP_NONE) {
			snprintf(buf, sizeof buf, "node %" PRIu32, n->id);
			fail(v, &n->loc, buf, "there is no op %d",
			    (int)n->op);
			return false;
		}
		if (n->id >= g->nnodes || v->nodes[n->id] != NULL ||
		    ++count > g->nnodes) {
			fail(v, &n->loc, node_str(n, buf), "id is taken or "
			    "not below the counter %" PRIu32, g->nnodes);
			return false;
		}
		v->nodes[n->id] = n;
		if (n->prev != prev)
			fail(v, &n->loc, node_str(n, buf),
			    "its prev link is wrong");
		prev = n;
	}
	if (g->last != prev)
		fail(v, NULL, "graph", "its last link is wrong");
	return true;
}

/* Operand i has one entry in its value's use list. */
static void
check_operand(struct verifier *v, const struct node *n, int i)
{
	const struct value *x = n->in[i];
	uint32_t slot = n->slot[i];
	char buf[OBJECT_MAX], what[OBJECT_MAX];

	if (!use_value(v, x)) {
		const struct node *def = x->def;
		bool later = x->kind == VALUE_NODE && def != NULL &&
		    def->id < v->g->nnodes && v->nodes[def->id] == def;

		fail(v, &n->loc, node_str(n, buf), later
		    ? "operand %d (%s) is defined later"
		    : "operand %d (%s) does not belong to the graph", i,
		    value_str(x, what));
		return;
	}
	if (slot >= x->uses.len || x->uses.data[slot].node != n ||
	    x->uses.data[slot].index != i) {
		fail(v, &n->loc, node_str(n, buf),
		    "operand %d (%s) is not in the use list", i,
		    value_str(x, what));
		return;
	}
	v->nuses[x->id]++;
}

static void
check_results(struct verifier *v, const struct node *n)
{
	char buf[OBJECT_MAX];

	for (int i = 0; i < n->nout; i++) {
		const struct value *x = n->out[i];

		if (x == NULL && i < op_info(n->op)->out_min)
			fail(v, &n->loc, node_str(n, buf),
			    "result %d is missing", i);
		if (x == NULL)
			continue;
		define_value(v, x);
		if (x->kind != VALUE_NODE || x->def != n ||
		    x->def_index != i)
			fail(v, &n->loc, node_str(n, buf), "result %d does "
			    "not name this node as its definition", i);
	}
}

/* The result types are what the shape rule gives. */
static void
check_types(struct verifier *v, const struct node *n)
{
	struct infer x = {.op = n->op, .in = n->in, .nin = n->nin,
	    .attrs = n->attrs, .nattrs = n->nattrs, .nout = n->nout};
	char buf[OBJECT_MAX], is[TYPE_STR_MAX], rule[TYPE_STR_MAX];

	if (!check_counts(n->op, n->in, n->nin, n->nout, x.error,
	        sizeof x.error) ||
	    !check_attrs(n->op, n->attrs, n->nattrs, x.error,
	        sizeof x.error) ||
	    !infer_types(&x)) {
		fail(v, &n->loc, node_str(n, buf), "%s", x.error);
		return;
	}
	for (int i = 0; i < n->nout; i++) {
		const struct tensor_type *t, *want = &x.out[i];

		if (n->out[i] == NULL)
			continue;
		t = &n->out[i]->type;
		if (shape_equal(t, want) && (t->dtype == want->dtype ||
		        (i == 0 &&
		            op_overrides(n->op, want->dtype, t->dtype))))
			continue;
		fail(v, &n->loc, node_str(n, buf),
		    "result %d is %s, rule %s gives %s", i,
		    type_str(t, is, sizeof is), op_info(n->op)->rule,
		    type_str(want, rule, sizeof rule));
	}
}

static void
check_node(struct verifier *v, const struct node *n)
{
	bool before = v->ok;
	char buf[OBJECT_MAX];

	v->ok = true;
	if (n->phase == NULL)
		fail(v, &n->loc, node_str(n, buf), "has no phase");
	if (n->group > v->g->groups.len)
		fail(v, &n->loc, node_str(n, buf), "its group %" PRIu32
		    " is not one of %zu", n->group, v->g->groups.len);
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL)
			check_operand(v, n, i);
	if (n->nin > 0 && n->in[n->nin - 1] == NULL)
		fail(v, &n->loc, node_str(n, buf),
		    "its last operand is left out but counted");
	check_results(v, n);
	if (v->ok)
		check_types(v, n);
	v->ok = v->ok && before;
}

static void
check_end(struct verifier *v, const struct value *x, const char *object)
{
	if (x == NULL || !use_value(v, x))
		fail(v, NULL, object, "its value does not belong to the "
		    "graph");
	else
		v->nends[x->id]++;
}

static void
check_outputs(struct verifier *v)
{
	const struct graph *g = v->g;
	struct names *seen = names_new(v->tmp);
	char buf[OBJECT_MAX];

	if (g->output_names.len != g->outputs.len) {
		fail(v, NULL, "graph", "outputs and their names differ in "
		    "number");
		return;
	}
	for (size_t i = 0; i < g->outputs.len; i++) {
		const char *name = g->output_names.data[i];

		snprintf(buf, sizeof buf, "output \"%.80s\"",
		    name == NULL ? "" : name);
		check_end(v, g->outputs.data[i], buf);
		if (name == NULL || !names_put(seen, name, v))
			fail(v, NULL, buf, "its name is missing or taken");
	}
}

static void
check_assigns(struct verifier *v)
{
	const struct graph *g = v->g;
	bool *assigned = NEW_ARRAY(v->tmp, bool, g->nvalues);
	char buf[OBJECT_MAX], object[OBJECT_MAX + 16];

	for (size_t i = 0; i < g->assigns.len; i++) {
		const struct value *s = g->assigns.data[i].state;
		const struct value *x = g->assigns.data[i].to;

		snprintf(object, sizeof object, "assignment to %s",
		    value_str(s, buf));
		if (s->kind != VALUE_STATE || !is_defined(v, s)) {
			fail(v, &s->loc, object, "is to no state of the "
			    "graph");
			continue;
		}
		if (assigned[s->id])
			fail(v, &s->loc, object, "is the second one");
		assigned[s->id] = true;
		check_end(v, x, object);
		if (x != NULL && !type_equal(&s->type, &x->type))
			fail(v, &s->loc, object, "state and value differ in "
			    "type");
	}
}

/* Once every use is counted: nothing but uses in the lists, and each name
 * once. */
static void
check_values(struct verifier *v)
{
	struct names *seen = names_new(v->tmp);
	char buf[OBJECT_MAX];

	for (size_t i = 0; i < v->all.len; i++) {
		const struct value *x = v->all.data[i];

		if (x->uses.len != v->nuses[x->id])
			fail(v, &x->loc, value_str(x, buf), "its use list "
			    "has %zu entries, %zu operands use it",
			    x->uses.len, v->nuses[x->id]);
		if (x->nends != v->nends[x->id])
			fail(v, &x->loc, value_str(x, buf), "counts %" PRIu32
			    " outputs and assignments, it has %zu", x->nends,
			    v->nends[x->id]);
		if (x->name != NULL && !names_put(seen, x->name, v))
			fail(v, &x->loc, value_str(x, buf),
			    "its name is taken");
	}
}

bool
graph_verify(const struct graph *g, struct diag *d, const char *pass)
{
	struct verifier v = {.g = g, .d = d, .pass = pass, .ok = true};

	v.tmp = arena_new();
	v.nodes = NEW_ARRAY(v.tmp, const struct node *, g->nnodes);
	v.values = NEW_ARRAY(v.tmp, const struct value *, g->nvalues);
	v.nuses = NEW_ARRAY(v.tmp, size_t, g->nvalues);
	v.nends = NEW_ARRAY(v.tmp, size_t, g->nvalues);
	check_leaves(&v);
	if (check_list(&v)) {
		graph_foreach_node(g, n)
			check_node(&v, n);
		check_outputs(&v);
		check_assigns(&v);
		check_values(&v);
	}
	arena_free(v.tmp);
	return v.ok;
}
