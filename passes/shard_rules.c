/* Which ops run on a share of the batch, or of a parameter. */
#include <string.h>

#include "passes/rewrite.h"
#include "passes/shard_rules.h"

bool
shard_refuse(struct shard *s, const struct node *n, const char *rule)
{
	const char *name = n->out[0]->name;

	s->why = arena_printf(s->arena, "%s '%s': %s", op_info(n->op)->name,
	    name != NULL ? name : "", rule);
	return false;
}

static bool
in_split(const struct shard *s, const struct node *n, int i)
{
	return i < n->nin && n->in[i] != NULL && shard_split(s, n->in[i]);
}

/* Operand i holds dimension 0 of the result. */
static bool
spans(const struct node *n, int i)
{
	const struct tensor_type *x = &n->in[i]->type;
	const struct tensor_type *y = &n->out[0]->type;

	return x->rank == y->rank && x->rank > 0 && x->dim[0] == y->dim[0] &&
	    y->dim[0] != 1;
}

static bool
rule_map(struct shard *s, const struct node *n, struct shard_use *use)
{
	for (int i = 0; i < n->nin; i++) {
		use[i].share = spans(n, i);
		if (in_split(s, n, i) && !use[i].share)
			return shard_refuse(s, n, "an operand broadcasts "
			    "along the batch");
	}
	return true;
}

static bool
is_sum(const struct node *n)
{
	return n->op == OP_conv_wgrad || (n->op == OP_matmul &&
	    n->in[0]->type.rank == 2 && node_int(n, ATTR_trans_a));
}

/* A product that sums over the batch. */
static bool
rule_sum(struct shard *s, const struct node *n, struct shard_use *use)
{
	use[0].share = use[1].share = true;
	if (!in_split(s, n, 0) || !in_split(s, n, 1))
		return shard_refuse(s, n, "one operand is the same for all "
		    "samples");
	if (n->op == OP_matmul && (n->nin > 2 ||
	    node_int(n, ATTR_trans_b) || node_int(n, ATTR_act) != ACT_NONE))
		return shard_refuse(s, n, "it is no plain sum over the "
		    "batch");
	return true;
}

static bool
rule_conv(struct shard *s, const struct node *n, struct shard_use *use)
{
	if (in_split(s, n, 1) || in_split(s, n, 2) || !in_split(s, n, 0))
		return shard_refuse(s, n, "weights depend on the batch");
	use[0].share = use[3].share = true;
	return true;
}

static bool
rule_matmul(struct shard *s, const struct node *n, struct shard_use *use)
{
	const struct tensor_type *a = &n->in[0]->type, *b = &n->in[1]->type;
	const struct tensor_type *y = &n->out[0]->type;
	bool batched = y->rank > 2 && a->rank == y->rank;

	if (!in_split(s, n, 0) || in_split(s, n, 2))
		return shard_refuse(s, n, "only the first operand may be "
		    "split");
	if (a->rank < 2 || (!batched && node_int(n, ATTR_trans_a)))
		return shard_refuse(s, n, "the batch is summed over");
	if (in_split(s, n, 1) && (!batched || b->rank != y->rank))
		return shard_refuse(s, n, "the second operand is split "
		    "elsewhere");
	use[0].share = use[3].share = true;
	use[1].share = b->rank == y->rank && y->rank > 2 && b->dim[0] != 1;
	return true;
}

static bool
reduces_first(const struct node *n)
{
	int64_t axes[MAX_RANK];
	int count;

	if (n->op == OP_argmax || n->op == OP_argmin)
		return node_int(n, ATTR_axis) == 0;
	count = reduce_axes(n, axes);
	for (int i = 0; i < count; i++)
		if (axes[i] == 0)
			return true;
	return false;
}

static bool
rule_reduce(struct shard *s, const struct node *n, enum shard_rule *rule,
    enum op *combine_by)
{
	if (!reduces_first(n))
		return true;
	*rule = SHARD_SUM;
	switch ((int)n->op) {
	case OP_reduce_sum: *combine_by = OP_add; return true;
	case OP_reduce_max: *combine_by = OP_max; return true;
	case OP_reduce_min: *combine_by = OP_min; return true;
	case OP_reduce_prod: *combine_by = OP_mul; return true;
	default: return shard_refuse(s, n, "the batch is searched");
	}
}

static bool
rule_slice(struct shard *s, const struct node *n)
{
	bool grad = n->op == OP_slice_grad;
	const struct tensor_type *x = &n->in[0]->type;
	const struct tensor_type *y = &n->out[0]->type;
	size_t len;

	return (x->dim[0] == y->dim[0] &&
	    node_ints(n, ATTR_starts, &len)[0] == 0 &&
	    ints_at(n, ATTR_steps, 0, 1) == 1) ||
	    shard_refuse(s, n, grad ? "the batch grows" :
	    "the batch is cut");
}

static bool
rule_move(struct shard *s, const struct node *n, struct shard_use *use)
{
	const struct tensor_type *x = &n->in[0]->type;
	const struct tensor_type *y = &n->out[0]->type;
	size_t len;

	use[0].share = true;
	switch ((int)n->op) {
	case OP_reshape:
		return (y->rank > 0 && y->dim[0] % s->parts == 0) ||
		    shard_refuse(s, n, "the first dimension is not "
		    "divisible");
	case OP_transpose:
		return node_ints(n, ATTR_perm, &len)[0] == 0 ||
		    shard_refuse(s, n, "the batch moves to another "
		    "dimension");
	case OP_slice:
	case OP_slice_grad: return rule_slice(s, n);
	case OP_concat:
		for (int i = 0; i < SHARD_OPERANDS; i++)
			use[i].share = true;
		return node_int(n, ATTR_axis) != 0 ||
		    shard_refuse(s, n, "joins along the batch");
	case OP_pad:
		return y->dim[0] == x->dim[0] ||
		    shard_refuse(s, n, "the batch is padded");
	case OP_expand:
		return (y->rank == x->rank && y->dim[0] == x->dim[0]) ||
		    shard_refuse(s, n, "the batch is expanded");
	case OP_gather:
	case OP_scatter_add:
		return (node_int(n, ATTR_axis) != 0 && !in_split(s, n, 1)) ||
		    shard_refuse(s, n, "it works along the batch");
	default:
		return shard_refuse(s, n, "no rule for this op");
	}
}

static bool
rule_window(const struct node *n, struct shard_use *use)
{
	use[0].share = true;
	use[1].share = n->op == OP_max_pool_grad;
	return true;
}

/* Masks and random numbers are no plain element-wise ops. */
static bool
rule_bits(struct shard *s, const struct node *n, struct shard_use *use)
{
	if (n->op == OP_random_bits)
		return shard_refuse(s, n, "a counter depends on the batch");
	use[0].share = use[1].share = true;
	return node_int(n, ATTR_axis) != 0 ||
	    shard_refuse(s, n, "bits of the batch are packed");
}

/* The update of a parameter, or of what the optimizer keeps of it, is divided
 * along the parameter's first dimension: other operands are scalars. */
static bool
shares_update(const struct shard *s, const struct node *n)
{
	const struct tensor_type *y = &n->out[0]->type;
	bool any = false;

	if (strcmp(n->phase, "update") != 0 ||
	    op_info(n->op)->lowering != LOWER_MAP || y->rank == 0 ||
	    y->dim[0] == 0 || y->dim[0] % s->parts != 0)
		return false;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		bool same = shape_equal(&v->type, y);

		if (!same && type_elems(&v->type) != 1)
			return false;
		any = any || (same && (v->kind == VALUE_STATE ||
		    s->held[v->id].combine != OP_NONE));
	}
	return any;
}

static bool
reads_split(const struct shard *s, const struct node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (in_split(s, n, i))
			return true;
	return false;
}

/* In the update even what shares of parameters make up may be read whole. */
static bool
whole_update(const struct shard *s, const struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;

	if (strcmp(n->phase, "update") != 0 || l == LOWER_REDUCE)
		return false;
	for (int i = 0; l == LOWER_MAP && i < n->nin; i++)
		if (in_split(s, n, i) && !spans(n, i))
			return true;
	return l != LOWER_MAP || n->out[0]->type.dim[0] % s->parts != 0;
}

static bool
rule_class(struct shard *s, const struct node *n, struct shard_use *use,
    enum shard_rule *rule, enum op *combine_by)
{
	switch (op_info(n->op)->lowering) {
	case LOWER_MATRIX:
		if (is_sum(n)) {
			*rule = SHARD_SUM;
			*combine_by = OP_add;
			return rule_sum(s, n, use);
		}
		return n->op == OP_matmul ? rule_matmul(s, n, use) :
		    rule_conv(s, n, use);
	case LOWER_MAP:
		return n->op == OP_mask_pack || n->op == OP_mask_select ||
		    n->op == OP_random_bits ? rule_bits(s, n, use) :
		    rule_map(s, n, use);
	case LOWER_REDUCE:
		use[0].share = true;
		return rule_reduce(s, n, rule, combine_by);
	case LOWER_WINDOW: return rule_window(n, use);
	case LOWER_MOVE: return rule_move(s, n, use);
	case LOWER_COMPOSITE:
	case LOWER_FOLD: break;
	}
	return shard_refuse(s, n, "not legalized");
}

bool
shard_rule(struct shard *s, const struct node *n, struct shard_use *use,
    enum shard_rule *rule, enum op *combine_by)
{
	memset(use, 0, SHARD_OPERANDS * sizeof *use);
	*rule = SHARD_WHOLE;
	if (!shares_update(s, n) &&
	    (!reads_split(s, n) || whole_update(s, n)))
		return true;
	*rule = SHARD_SPLIT;
	if (!rule_class(s, n, use, rule, combine_by))
		return false;
	return *rule != SHARD_SUM || s->trains ||
	    shard_refuse(s, n, "the batch is reduced");
}
