/* fold: nodes whose operands are all constant are evaluated now, with the
 * reference kernels. -O0 evaluates integers and booleans only: what shapes,
 * axes and indices are computed from. */
#include "ir/eval.h"
#include "passes/rewrite.h"
#include "support/str.h"

#define DEFAULT_GROWTH (1 << 20) /* bytes */
#define MAX_WORK 1e8             /* scalar operations of one node */

struct limits {
	int64_t growth;
	bool integers;
};

static bool
all_const(const struct node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->kind != VALUE_CONST)
			return false;
	return n->nin > 0;
}

static bool
integer_result(const struct node *n)
{
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL &&
		    dtype_is_float(n->out[i]->type.dtype))
			return false;
	return true;
}

/* Bytes of the results less those of constants that only n reads. */
static int64_t
growth(const struct node *n)
{
	int64_t bytes = 0;

	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL)
			bytes += type_bytes(&n->out[i]->type);
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->uses.len == 1)
			bytes -= type_bytes(&n->in[i]->type);
	return bytes;
}

/* An upper estimate: each result element reads each operand element of its
 * window or chain. */
static double
work(const struct node *n)
{
	double elems = (double)type_elems(&n->out[0]->type);
	double chain = 1;

	switch (op_info(n->op)->lowering) {
	case LOWER_MATRIX:
		chain = (double)type_elems(&n->in[1]->type);
		break;
	case LOWER_WINDOW:
	case LOWER_REDUCE:
	case LOWER_COMPOSITE:
		chain = (double)type_elems(&n->in[0]->type) / (elems + 1) + 1;
		if (n->op == OP_gemm)
			chain = (double)type_elems(&n->in[1]->type);
		for (size_t i = 0; i < 3 && n->op != OP_gemm &&
		    (n->op == OP_max_pool || n->op == OP_avg_pool ||
		    n->op == OP_sum_pool); i++)
			chain *= (double)ints_at(n, ATTR_kernel, i, 1);
		break;
	case LOWER_MAP:
	case LOWER_MOVE:
	case LOWER_FOLD: break;
	}
	return elems * chain;
}

static bool
worthwhile(struct pass_ctx *c, const struct node *n, const struct limits *l)
{
	if (l->integers && !integer_result(n))
		return false;
	if (growth(n) > l->growth) {
		pass_remark(c, &n->loc, "%s not evaluated: its result is "
		    "%lld bytes larger than its operands",
		    node_label(c, n), (long long)growth(n));
		return false;
	}
	if (work(n) > MAX_WORK) {
		pass_remark(c, &n->loc, "%s not evaluated: too much work",
		    node_label(c, n));
		return false;
	}
	return true;
}

/* Readers take the constant v; an output or assigned value stays the result
 * of a node, an identity. */
static void
bind_result(struct pass_ctx *c, struct node *n, struct value *old,
    struct value *v)
{
	while (old->uses.len > 0) {
		struct use u = old->uses.data[old->uses.len - 1];

		node_set_in(c->g, u.node, u.index, v);
	}
	if (value_is_end(old) && n->op != OP_identity) {
		struct value *id = build_unary(c->g, OP_identity, v, DT_NONE,
		    n);

		value_replace(c->g, old, id);
		value_take_name(c->g, id, old);
	} else if (old->name != NULL && !value_is_end(old)) {
		value_take_name(c->g, v, old);
	}
	c->changed = true;
}

static bool
fold_node(struct pass_ctx *c, struct node *n)
{
	struct eval_tensor *out = NEW_ARRAY(c->scratch, struct eval_tensor,
	    MAX_RESULTS);
	struct eval_tensor *in = NEW_ARRAY(c->scratch, struct eval_tensor,
	    (size_t)n->nin);

	for (int i = 0; i < n->nin; i++) {
		if (n->in[i] == NULL)
			continue;
		in[i].type = n->in[i]->type;
		/* Operands are only read. */
		in[i].data = (void *)(uintptr_t)n->in[i]->data;
	}
	if (!eval_node(c->g->arena, c->d, n, in, out))
		return false;
	for (int i = 0; i < n->nout; i++) {
		struct value *v;

		if (n->out[i] == NULL)
			continue;
		v = graph_const(c->g, NULL, &n->out[i]->type, out[i].data);
		v->loc = n->loc;
		bind_result(c, n, n->out[i], v);
	}
	remove_if_dead(c, n);
	return true;
}

static bool
get_limits(struct pass_ctx *c, struct limits *l)
{
	l->growth = DEFAULT_GROWTH;
	l->integers = c->opt->level == 0 && c->args == NULL;
	if (c->args == NULL || parse_size(c->args, &l->growth))
		return true;
	diag_error(c->d, NULL, "-ffold=%s: not a number of bytes", c->args);
	return false;
}

bool
pass_fold(struct pass_ctx *c)
{
	struct limits l;

	if (!get_limits(c, &l))
		return false;
	graph_foreach_node_safe(c->g, n, next) {
		if (n->op == OP_identity && all_const(n) &&
		    n->out[0]->uses.len == 0)
			continue; /* a constant output */
		if (all_const(n) && worthwhile(c, n, &l) && !fold_node(c, n))
			return false;
	}
	return true;
}
