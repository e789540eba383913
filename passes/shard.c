#include "passes/shard.h"

#include <string.h>

/* Each value of the copy is either the same for all groups, or `split`: its
 * elements are 1/parts of the original's in row-major order, so the first
 * dimension is divided. */
struct shard {
	struct arena *arena;
	const struct graph *from;
	struct graph *to;
	int parts;
	struct value **map; /* by value id of from */
	bool *split;
	const char *why;
};

static bool
refuse(struct shard *s, const struct node *n, const char *rule)
{
	const char *name = n->out[0]->name;
	s->why = arena_printf(s->arena, "%s '%s': %s", op_info(n->op)->name,
	    name != NULL ? name : "", rule);
	return false;
}

static bool
in_split(const struct shard *s, const struct node *n, int i)
{
	return i < n->nin && n->in[i] != NULL && s->split[n->in[i]->id];
}

/* ---- rules: may the op run on a share of its split operands? ---- */

static bool
rule_map(struct shard *s, const struct node *n)
{
	const struct tensor_type *y = &n->out[0]->type;
	for (int i = 0; i < n->nin; i++) {
		const struct tensor_type *x = &n->in[i]->type;
		bool spans = x->rank == y->rank && x->rank > 0 &&
		    x->dim[0] == y->dim[0] && y->dim[0] != 1;
		if (s->split[n->in[i]->id] != spans)
			return refuse(s, n, "an operand broadcasts along the "
			    "batch or holds it as a constant");
	}
	return true;
}

static bool
rule_conv(struct shard *s, const struct node *n)
{
	if (in_split(s, n, 1) || in_split(s, n, 2) || !in_split(s, n, 0))
		return refuse(s, n, "weights depend on the batch");
	if (n->nin > 3 && n->in[3] != NULL && !in_split(s, n, 3))
		return refuse(s, n, "the residual holds the batch as a "
		    "constant");
	return true;
}

static bool
rule_matmul(struct shard *s, const struct node *n)
{
	const struct tensor_type *a = &n->in[0]->type, *b = &n->in[1]->type;
	const struct tensor_type *y = &n->out[0]->type;
	bool batched = y->rank > 2 && a->rank == y->rank;
	if (!in_split(s, n, 0) || in_split(s, n, 2))
		return refuse(s, n, "only the first operand may be split");
	if (a->rank < 2 || (!batched && node_int(n, ATTR_trans_a)))
		return refuse(s, n, "the batch is summed over");
	if (in_split(s, n, 1) && (!batched || b->rank != y->rank))
		return refuse(s, n, "the second operand is split elsewhere");
	if (!in_split(s, n, 1) && b->rank == y->rank && y->rank > 2 &&
	    b->dim[0] != 1)
		return refuse(s, n, "an operand holds the batch as a "
		    "constant");
	if (n->nin > 3 && n->in[3] != NULL && !in_split(s, n, 3))
		return refuse(s, n, "the residual is not split");
	return true;
}

static bool
rule_axes(struct shard *s, const struct node *n)
{
	size_t len;
	if (n->op == OP_argmax || n->op == OP_argmin)
		return node_int(n, ATTR_axis) != 0 ||
		    refuse(s, n, "the batch is searched");
	const int64_t *axes = node_ints(n, ATTR_axes, &len);
	if (len == 0)
		return refuse(s, n, "the batch is reduced");
	for (size_t i = 0; i < len; i++)
		if (axes[i] == 0)
			return refuse(s, n, "the batch is reduced");
	return true;
}

static bool
rule_move(struct shard *s, const struct node *n)
{
	size_t len;
	const struct tensor_type *x = &n->in[0]->type;
	switch ((int)n->op) {
	case OP_reshape:
		if (n->out[0]->type.rank == 0 ||
		    n->out[0]->type.dim[0] % s->parts != 0)
			return refuse(s, n, "the first dimension is not "
			    "divisible");
		return true;
	case OP_transpose:
		return node_ints(n, ATTR_perm, &len)[0] == 0 ||
		    refuse(s, n, "the batch moves to another dimension");
	case OP_slice:
		if (node_ints(n, ATTR_sizes, &len)[0] != x->dim[0] ||
		    node_ints(n, ATTR_starts, &len)[0] != 0)
			return refuse(s, n, "the batch is cut");
		return true;
	case OP_concat:
		if (node_int(n, ATTR_axis) == 0)
			return refuse(s, n, "joins along the batch");
		for (int i = 0; i < n->nin; i++)
			if (!in_split(s, n, i))
				return refuse(s, n, "an operand holds the "
				    "batch as a constant");
		return true;
	case OP_pad:
		return n->out[0]->type.dim[0] == x->dim[0] ||
		    refuse(s, n, "the batch is padded");
	case OP_expand:
		return (n->out[0]->type.rank == x->rank &&
		    n->out[0]->type.dim[0] == x->dim[0]) ||
		    refuse(s, n, "the batch is expanded");
	case OP_gather:
		return (node_int(n, ATTR_axis) != 0 && !in_split(s, n, 1)) ||
		    refuse(s, n, "the batch is gathered");
	default:
		return refuse(s, n, "no rule for this op");
	}
}

static bool
may_split(struct shard *s, const struct node *n)
{
	if (n->op >= OP_conv_wgrad)
		return refuse(s, n, "an op of training");
	switch (op_info(n->op)->lowering) {
	case LOWER_MATRIX:
		return n->op == OP_matmul ? rule_matmul(s, n) :
		    rule_conv(s, n);
	case LOWER_MAP: return rule_map(s, n);
	case LOWER_REDUCE: return rule_axes(s, n);
	case LOWER_WINDOW: return true;
	case LOWER_MOVE: return rule_move(s, n);
	case LOWER_COMPOSITE:
	case LOWER_FOLD: break;
	}
	return refuse(s, n, "not legalized");
}

/* ---- the copy ---- */

/* Attributes that spell the first extent are divided with it. */
static struct attr *
share_attrs(struct shard *s, const struct node *n)
{
	struct attr *at = arena_memdup(s->arena, n->attrs,
	    (size_t)n->nattrs * sizeof *at);
	for (int i = 0; i < n->nattrs; i++) {
		if (at[i].id != ATTR_shape && at[i].id != ATTR_sizes)
			continue;
		int64_t *v = arena_memdup(s->arena, at[i].ints,
		    at[i].n * sizeof *v);
		v[0] /= s->parts;
		at[i].ints = v;
	}
	return at;
}

static bool
copy_node(struct shard *s, const struct node *n)
{
	bool split = false;
	for (int i = 0; i < n->nin; i++)
		split = split || in_split(s, n, i);
	if (split && !may_split(s, n))
		return false;
	struct value **in = NEW_ARRAY(s->arena, struct value *,
	    (size_t)n->nin + 1);
	for (int i = 0; i < n->nin; i++)
		in[i] = n->in[i] != NULL ? s->map[n->in[i]->id] : NULL;
	struct node_spec spec = {.op = n->op, .in = in, .nin = n->nin,
	    .nout = n->nout, .nattrs = n->nattrs, .loc = n->loc,
	    .name = n->out[0]->name,
	    .attrs = split ? share_attrs(s, n) : n->attrs};
	spec.out_dtype = n->out[0]->type.dtype;
	struct diag quiet = {0};
	struct node *c = graph_add(s->to, &quiet, &spec);
	if (c == NULL)
		return refuse(s, n, "its share has no valid shape");
	c->phase = n->phase;
	c->group = n->group;
	for (int i = 0; i < n->nout; i++) {
		if (n->out[i] == NULL)
			continue;
		int64_t want = type_elems(&n->out[i]->type) /
		    (split ? s->parts : 1);
		if (type_elems(&c->out[i]->type) != want)
			return refuse(s, n, "its share has another size");
		s->map[n->out[i]->id] = c->out[i];
		s->split[n->out[i]->id] = split;
	}
	return true;
}

static bool
copy_inputs(struct shard *s)
{
	for (size_t i = 0; i < s->from->inputs.len; i++) {
		const struct value *v = s->from->inputs.data[i];
		struct tensor_type t = v->type;
		if (t.rank == 0 || t.dim[0] % s->parts != 0 || t.dim[0] == 0) {
			s->why = arena_printf(s->arena, "input '%s' has a "
			    "first dimension that %d does not divide",
			    v->name, s->parts);
			return false;
		}
		t.dim[0] /= s->parts;
		s->map[v->id] = graph_input(s->to, v->name, &t);
		s->split[v->id] = true;
	}
	return s->from->inputs.len > 0;
}

/* Constants are copied when a node needs them first. */
static void
copy_constants(struct shard *s, const struct node *n)
{
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		if (v != NULL && v->kind == VALUE_CONST &&
		    s->map[v->id] == NULL)
			s->map[v->id] = graph_const(s->to, v->name, &v->type,
			    v->data);
	}
}

static bool
copy_outputs(struct shard *s)
{
	for (size_t i = 0; i < s->from->outputs.len; i++) {
		const struct value *v = s->from->outputs.data[i];
		if (s->map[v->id] == NULL || !s->split[v->id]) {
			s->why = arena_printf(s->arena, "output '%s' is not "
			    "divided by the batch",
			    s->from->output_names.data[i]);
			return false;
		}
		graph_output(s->to, s->map[v->id],
		    s->from->output_names.data[i]);
	}
	return true;
}

struct graph *
graph_shard(struct arena *a, const struct graph *g, int parts,
    const char **why)
{
	struct shard s = {.arena = a, .from = g, .parts = parts};
	s.why = "it has no inputs";
	s.to = graph_new(a, g->name);
	s.to->source = g->source;
	s.map = NEW_ARRAY(a, struct value *, g->nvalues + 1);
	s.split = NEW_ARRAY(a, bool, g->nvalues + 1);
	bool ok = g->states.len == 0;
	if (!ok)
		s.why = "it has state";
	ok = ok && copy_inputs(&s);
	for (const struct node *n = g->first; ok && n != NULL; n = n->next) {
		copy_constants(&s, n);
		ok = copy_node(&s, n);
	}
	ok = ok && copy_outputs(&s);
	*why = s.why;
	return ok ? s.to : NULL;
}
