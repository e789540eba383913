#include <string.h>

#include "frontend/onnx_imp.h"
#include "support/str.h"

/* Where name lies in the table, or the free slot where it would. */
static struct onnx_sym **
slot_of(struct onnx_sym **slots, size_t nslots, const char *name)
{
	size_t i = hash_bytes(WAVE_HASH_SEED, name, strlen(name));

	for (;; i++) {
		struct onnx_sym **s = &slots[i & (nslots - 1)];
		if (*s == NULL || strcmp((*s)->name, name) == 0)
			return s;
	}
}

struct onnx_sym *
onnx_sym_find(const struct imp *m, const char *name)
{
	return m->nslots == 0 ? NULL : *slot_of(m->slots, m->nslots, name);
}

static void
table_grow(struct imp *m)
{
	size_t n = m->nslots == 0 ? 256 : m->nslots * 2;
	struct onnx_sym **slots = NEW_ARRAY(m->arena, struct onnx_sym *, n);

	for (size_t i = 0; i < m->nslots; i++)
		if (m->slots[i] != NULL)
			*slot_of(slots, n, m->slots[i]->name) = m->slots[i];
	m->slots = slots;
	m->nslots = n;
}

struct onnx_sym *
onnx_sym_add(struct imp *m, const char *name)
{
	if (2 * m->nsyms >= m->nslots)
		table_grow(m);
	struct onnx_sym **s = slot_of(m->slots, m->nslots, name);
	if (*s == NULL) {
		*s = NEW(m->arena, struct onnx_sym);
		(*s)->name = name;
		(*s)->node = -1;
		m->nsyms++;
	}
	return *s;
}

static bool
imp_error(struct imp *m, const char *text, const char *name)
{
	struct loc loc = {.file = m->path};

	diag_error(m->diag, &loc, "%s '%s'", text, name);
	return false;
}

static bool
collect_initializers(struct imp *m)
{
	for (size_t i = 0; i < m->src->n_initializer; i++) {
		const Onnx__TensorProto *t = m->src->initializer[i];
		if (t->name == NULL || t->name[0] == '\0')
			return imp_error(m, "an initializer has no name:",
			    "");
		struct onnx_sym *s = onnx_sym_add(m, t->name);
		if (s->init != NULL)
			return imp_error(m, "two initializers have the name",
			    t->name);
		s->init = t;
	}
	if (m->src->n_sparse_initializer > 0) {
		const Onnx__SparseTensorProto *t =
		    m->src->sparse_initializer[0];
		const char *name =
		    t->values != NULL ? t->values->name : NULL;
		return imp_error(m, "sparse initializers are not supported, "
		    "store it densely:", name != NULL ? name : "");
	}
	return true;
}

/* Results of node i; a name may be defined once. */
static bool
collect_results(struct imp *m, size_t i)
{
	const Onnx__NodeProto *n = m->src->node[i];
	struct loc loc = onnx_node_loc(m, i);

	for (size_t k = 0; k < n->n_output; k++) {
		if (n->output[k][0] == '\0')
			continue;
		struct onnx_sym *s = onnx_sym_add(m, n->output[k]);
		if (s->node >= 0) {
			struct loc other = onnx_node_loc(m, (size_t)s->node);
			diag_error(m->diag, &loc, "result '%s' is already "
			    "defined by %s", s->name, other.node);
			return false;
		}
		if (s->init != NULL || s->value != NULL) {
			diag_error(m->diag, &loc, "result '%s' has the name "
			    "of an %s", s->name,
			    s->init != NULL ? "initializer" : "input");
			return false;
		}
		s->node = (int64_t)i;
	}
	return true;
}

static bool
check_operands(struct imp *m, size_t i)
{
	const Onnx__NodeProto *n = m->src->node[i];

	for (size_t k = 0; k < n->n_input; k++) {
		if (n->input[k][0] == '\0' ||
		    onnx_sym_find(m, n->input[k]) != NULL)
			continue;
		struct loc loc = onnx_node_loc(m, i);
		diag_error(m->diag, &loc, "input %zu '%s' is not defined: no "
		    "node, input or initializer has this name", k,
		    n->input[k]);
		return false;
	}
	return true;
}

bool
onnx_collect(struct imp *m)
{
	if (!collect_initializers(m) || !onnx_inputs(m))
		return false;
	for (size_t i = 0; i < m->src->n_node; i++)
		if (!collect_results(m, i))
			return false;
	for (size_t i = 0; i < m->src->n_node; i++)
		if (!check_operands(m, i))
			return false;
	return true;
}

static struct value *
make_initializer(struct imp *m, struct onnx_sym *s)
{
	struct tensor_type type;
	const void *data;
	struct loc loc = {.file = m->path};

	loc.node = arena_printf(m->arena, "initializer '%s'", s->name);
	if (!onnx_tensor(m, &loc, "tensor", s->init, &type, &data))
		return NULL;
	s->value = graph_const(m->graph, s->name, &type, data);
	s->value->loc = loc;
	return s->value;
}

struct value *
onnx_sym_value(struct imp *m, const struct loc *loc, const char *name)
{
	struct onnx_sym *s = onnx_sym_find(m, name);

	if (s == NULL) {
		diag_error(m->diag, loc, "'%s' is not defined: no node, "
		    "input or initializer has this name", name);
		return NULL;
	}
	if (s->value != NULL)
		return s->value;
	if (s->init != NULL)
		return make_initializer(m, s);
	struct loc from = onnx_node_loc(m, (size_t)s->node);
	diag_error(m->diag, loc, "reads result '%s' of %s, %s", name,
	    from.node, s->absent != NULL ? s->absent : "which has no value");
	return NULL;
}
