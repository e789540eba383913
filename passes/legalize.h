/* Parts of the legalize pass. A rule builds, before node n, the ops that
 * compute n's result 0 and returns that value, of the same type. It returns
 * NULL after reporting a diagnostic. Intermediate floats are f32, or f64
 * where n touches f64. */
#ifndef WAVE_PASSES_LEGALIZE_H
#define WAVE_PASSES_LEGALIZE_H

#include "passes/rewrite.h"

typedef struct value *legalize_fn(struct pass_ctx *c, struct node *n);

/* legalize.c: replaces n by its parts where it has a rule. False after a
 * diagnostic. */
bool legalize_node(struct pass_ctx *c, struct node *n);

/* legalize_act.c */
legalize_fn legalize_elu, legalize_selu, legalize_celu,
    legalize_thresholded_relu, legalize_softplus, legalize_softsign,
    legalize_gelu, legalize_mish;
/* legalize_reduce.c */
legalize_fn legalize_reduction, legalize_reduce_mean, legalize_reduce_l1,
    legalize_reduce_l2, legalize_reduce_sum_square, legalize_reduce_log_sum,
    legalize_reduce_log_sum_exp, legalize_softmax, legalize_log_softmax;
/* legalize_norm.c, legalize_group.c */
legalize_fn legalize_batch_norm, legalize_instance_norm, legalize_group_norm,
    legalize_layer_norm, legalize_lrn;
/* legalize_pool.c */
legalize_fn legalize_avg_pool;
/* legalize_empty.c */
legalize_fn legalize_matmul;
/* legalize_gemm.c */
legalize_fn legalize_gemm;
/* legalize_move.c */
legalize_fn legalize_pad, legalize_gather, legalize_tile,
    legalize_depth_to_space, legalize_space_to_depth;
/* legalize_train.c */
legalize_fn legalize_batch_norm_train, legalize_group_norm_train,
    legalize_softmax_cross_entropy,
    legalize_dropout;
/* legalize_resize.c */
legalize_fn legalize_resize;

/* Products of reduced extents above this are reduced axis by axis, so that
 * the order of additions does not depend on how the tensor is tiled. */
#define MAX_JOINT_REDUCE 16384

/* What the rules build with: w is the dtype in between, t the result's. The
 * builders add before n, at the end where that is NULL. */
struct lg {
	struct pass_ctx *c;
	struct graph *g;
	struct node *n;
	struct value *x; /* operand 0 */
	enum dtype w, t;
};

struct lg lg_start(struct pass_ctx *c, struct node *n);
struct value *lg_un(const struct lg *l, enum op op, struct value *x);
struct value *lg_bin(const struct lg *l, enum op op, struct value *x,
    struct value *y);
struct value *lg_fma(const struct lg *l, struct value *x, struct value *y,
    struct value *z);
struct value *lg_k(const struct lg *l, double v); /* scalar constant */
/* The same as the last op of a rule: result dtype t. */
struct value *lg_un_out(const struct lg *l, enum op op, struct value *x);
struct value *lg_bin_out(const struct lg *l, enum op op, struct value *x,
    struct value *y);
struct value *lg_fma_out(const struct lg *l, struct value *x,
    struct value *y, struct value *z);
/* x over axes; axis by axis from the last where that is large. */
struct value *lg_reduce(const struct lg *l, enum op op, struct value *x,
    const int64_t *axes, int naxes, bool keepdims, enum dtype t);
/* The mean over axes, kept as 1, in w. */
struct value *lg_mean(const struct lg *l, struct value *x,
    const int64_t *axes, int naxes);
/* x less its maximum along the axis; *e is its exponential, *sum that one's
 * sum, the axis kept as 1. */
struct value *lg_shifted(const struct lg *l, struct value *x, int64_t axis,
    struct value **e, struct value **sum);
/* labels [N,..] against the classes: bool [N,C,..]. */
struct value *lg_one_hot(const struct lg *l, struct value *labels,
    int64_t classes);
/* x [N,C,..]: the mean over pixels and the group of channels that gn, a
 * group_norm, has, as [N,C,1,..]. */
struct value *lg_group_means(const struct lg *l, const struct node *gn,
    struct value *x);
/* v [N,G], one value for each range of gn's channels, for each channel,
 * [N,C,1,..]. */
struct value *lg_group_spread(const struct lg *l, const struct node *gn,
    struct value *v);
/* The vector v of channels as [C,1,..,1], against operand 0's rank. */
/* x k + (bias - mean k) in the result's dtype: x is read once. */
struct value *lg_scaled(const struct lg *l, struct value *k,
    struct value *mean, struct value *bias);
/* Result i of n becomes v, of any shape with its elements. */
void lg_put_result(const struct lg *l, int i, struct value *v);
struct value *lg_per_channel(const struct lg *l, struct value *v);

#endif
