/* Replacement, inspection and remarks, shared by the passes. */
#include "passes/rewrite.h"

#include <stdio.h>

#include "support/arena.h"

void
pass_remark(const struct pass_ctx *c, const struct loc *loc, const char *fmt,
    ...)
{
	char text[512];
	va_list ap;

	if (!c->remarks)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	diag_remark(c->d, loc, "[%s] %s", c->pass->name, text);
}

const char *
node_label(const struct pass_ctx *c, const struct node *n)
{
	const struct value *v = n->out[0];

	if (v != NULL && v->name != NULL)
		return arena_printf(c->scratch, "%s '%s'", op_info(n->op)->name,
		    v->name);
	return arena_printf(c->scratch, "%s (node %u)", op_info(n->op)->name,
	    (unsigned)n->id);
}

struct value *
node_in(const struct node *n, int i)
{
	return i < n->nin ? n->in[i] : NULL;
}

bool
value_is_end(const struct value *v)
{
	return v->nends > 0;
}

struct node *
def_of(const struct value *v, enum op op)
{
	if (v == NULL || v->kind != VALUE_NODE || v->def->op != op)
		return NULL;
	return v->def;
}

bool
single_use(const struct value *v)
{
	return v->kind == VALUE_NODE && v->uses.len == 1 && v->nends == 0;
}

static bool
node_dead(const struct graph *g, const struct node *n)
{
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL && value_nuses(g, n->out[i]) > 0)
			return false;
	return true;
}

static bool
stack_has(const struct node_stack *s, const struct node *n)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->data[i] == n)
			return true;
	return false;
}

bool
remove_if_dead(struct pass_ctx *c, struct node *n)
{
	struct node_stack todo = {0}, gone = {0};

	if (!node_dead(c->g, n))
		return false;
	VEC_PUSH(c->scratch, &todo, n);
	while (todo.len > 0) {
		struct node *m = todo.data[--todo.len];

		if (stack_has(&gone, m) || !node_dead(c->g, m))
			continue;
		for (int i = 0; i < m->nin; i++)
			if (m->in[i] != NULL && m->in[i]->kind == VALUE_NODE)
				VEC_PUSH(c->scratch, &todo, m->in[i]->def);
		graph_remove(c->g, m);
		VEC_PUSH(c->scratch, &gone, m);
	}
	c->changed = true;
	return true;
}

bool
replace_node(struct pass_ctx *c, struct node *n, struct value *v)
{
	struct value *old = n->out[0];

	if (v == old || (v->kind != VALUE_NODE && value_is_end(old)))
		return false;
	if (!type_equal(&v->type, &old->type))
		ice(c->pass->name, "a %s would change its type",
		    op_info(n->op)->name);
	value_replace(c->g, old, v);
	if (v->keep == KEEP_AUTO && v->kind == VALUE_NODE)
		v->keep = old->keep;
	if (old->rebuild && v->kind == VALUE_NODE)
		v->rebuild = true;
	if (v->name == NULL && old->name != NULL && v->kind == VALUE_NODE)
		value_take_name(c->g, v, old);
	remove_if_dead(c, n);
	c->changed = true;
	return true;
}

int64_t
ints_at(const struct node *n, enum attr_id id, size_t i, int64_t dflt)
{
	size_t len;
	const int64_t *p = node_ints(n, id, &len);

	return i < len ? p[i] : dflt;
}

int
reduce_axes(const struct node *n, int64_t axes[MAX_RANK])
{
	size_t len;
	const int64_t *p = node_ints(n, ATTR_axes, &len);
	int count = 0;

	if (len == 0)
		for (int i = 0; i < n->in[0]->type.rank; i++)
			axes[count++] = i;
	for (size_t i = 0; i < len; i++)
		axes[count++] = p[i];
	return count;
}

bool
dtype_overridable(const struct node *n)
{
	enum dtype t = n->out[0]->type.dtype;

	return dtype_is_float(t) && op_overrides(n->op, t, DT_F16) &&
	    op_overrides(n->op, t, DT_F32);
}

enum dtype
work_dtype(const struct node *n)
{
	if (n->out[0]->type.dtype == DT_F64)
		return DT_F64;
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->type.dtype == DT_F64)
			return DT_F64;
	return DT_F32;
}

bool
along_axis(const struct value *v, const struct tensor_type *type, int axis)
{
	int lead = type->rank - v->type.rank;

	if (lead < 0 || axis < 0)
		return false;
	for (int i = 0; i < v->type.rank; i++) {
		if (v->type.dim[i] == 1)
			continue;
		if (i + lead != axis || v->type.dim[i] != type->dim[axis])
			return false;
	}
	return true;
}

bool
has_epilogue(const struct node *n)
{
	return n->op == OP_conv || n->op == OP_conv_transpose ||
	    n->op == OP_matmul;
}

int
channel_axis(const struct node *n)
{
	if (n->op == OP_matmul || n->op == OP_gemm)
		return n->out[0]->type.rank - 1;
	return 1;
}
