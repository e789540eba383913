/* legalize: composite ops become ops that one device unit computes; padding
 * by copies becomes a gather, cropping a slice; indices are constant. */
#include "passes/legalize.h"

#include <assert.h>

static legalize_fn *const rules[OP_COUNT] = {
    [OP_matmul] = legalize_matmul,
    [OP_gemm] = legalize_gemm,
    [OP_elu] = legalize_elu,
    [OP_selu] = legalize_selu,
    [OP_celu] = legalize_celu,
    [OP_thresholded_relu] = legalize_thresholded_relu,
    [OP_softplus] = legalize_softplus,
    [OP_softsign] = legalize_softsign,
    [OP_gelu] = legalize_gelu,
    [OP_mish] = legalize_mish,
    [OP_reduce_sum] = legalize_reduction,
    [OP_reduce_prod] = legalize_reduction,
    [OP_reduce_max] = legalize_reduction,
    [OP_reduce_min] = legalize_reduction,
    [OP_reduce_mean] = legalize_reduce_mean,
    [OP_reduce_l1] = legalize_reduce_l1,
    [OP_reduce_l2] = legalize_reduce_l2,
    [OP_reduce_sum_square] = legalize_reduce_sum_square,
    [OP_reduce_log_sum] = legalize_reduce_log_sum,
    [OP_reduce_log_sum_exp] = legalize_reduce_log_sum_exp,
    [OP_avg_pool] = legalize_avg_pool,
    [OP_pad] = legalize_pad,
    [OP_gather] = legalize_gather,
    [OP_tile] = legalize_tile,
    [OP_depth_to_space] = legalize_depth_to_space,
    [OP_space_to_depth] = legalize_space_to_depth,
    [OP_resize] = legalize_resize,
    [OP_batch_norm] = legalize_batch_norm,
    [OP_instance_norm] = legalize_instance_norm,
    [OP_group_norm] = legalize_group_norm,
    [OP_layer_norm] = legalize_layer_norm,
    [OP_lrn] = legalize_lrn,
    [OP_softmax] = legalize_softmax,
    [OP_log_softmax] = legalize_log_softmax,
    [OP_batch_norm_train] = legalize_batch_norm_train,
    [OP_group_norm_train] = legalize_group_norm_train,
    [OP_softmax_cross_entropy] = legalize_softmax_cross_entropy,
    [OP_dropout] = legalize_dropout,
};

struct lg
lg_start(struct pass_ctx *c, struct node *n)
{
	struct lg l = {c, c->g, n, n->in[0], work_dtype(n),
	    n->out[0]->type.dtype};

	return l;
}

struct value *
lg_un(const struct lg *l, enum op op, struct value *x)
{
	return build_unary(l->g, op, x, l->w, l->n);
}

struct value *
lg_bin(const struct lg *l, enum op op, struct value *x, struct value *y)
{
	return build_binary(l->g, op, x, y, l->w, l->n);
}

struct value *
lg_fma(const struct lg *l, struct value *x, struct value *y,
    struct value *z)
{
	return mk_fma(l->g, x, y, z, l->w, l->n);
}

struct value *
lg_k(const struct lg *l, double v)
{
	return build_scalar(l->g, l->w, v);
}

struct value *
lg_un_out(const struct lg *l, enum op op, struct value *x)
{
	return build_unary(l->g, op, x, l->t, l->n);
}

struct value *
lg_bin_out(const struct lg *l, enum op op, struct value *x,
    struct value *y)
{
	return build_binary(l->g, op, x, y, l->t, l->n);
}

struct value *
lg_fma_out(const struct lg *l, struct value *x, struct value *y,
    struct value *z)
{
	return mk_fma(l->g, x, y, z, l->t, l->n);
}

struct value *
lg_per_channel(const struct lg *l, struct value *v)
{
	int64_t dim[MAX_RANK];
	int rank = l->x->type.rank - 1;

	assert(rank >= 1 && v->type.rank == 1);
	for (int i = 0; i < rank; i++)
		dim[i] = 1;
	dim[0] = v->type.dim[0];
	return mk_reshape(l->g, v, rank, dim, l->n);
}

struct value *
lg_scaled(const struct lg *l, struct value *k, struct value *mean,
    struct value *bias)
{
	struct value *shift = lg_bin(l, OP_sub, bias,
	    lg_bin(l, OP_mul, mean, k));

	return lg_fma_out(l, l->x, k, shift);
}

/* v in place of n's result; an output stays the result of a node. */
static void
put(struct pass_ctx *c, struct node *n, struct value *v)
{
	if (v == n->out[0])
		return;
	if (v->kind != VALUE_NODE && value_is_end(n->out[0]))
		v = build_unary(c->g, OP_identity, v, DT_NONE, n);
	replace_node(c, n, v);
}

bool
legalize_node(struct pass_ctx *c, struct node *n)
{
	legalize_fn *rule = rules[n->op];
	struct value *v;

	if (rule == NULL) {
		if (op_info(n->op)->lowering == LOWER_COMPOSITE)
			ice("legalize", "no rule for %s",
			    op_info(n->op)->name);
		return true;
	}
	v = rule(c, n);
	if (v == NULL)
		return false;
	put(c, n, v);
	return true;
}

bool
pass_legalize(struct pass_ctx *c)
{
	graph_foreach_node_safe(c->g, n, next)
		if (!legalize_node(c, n))
			return false;
	return true;
}
