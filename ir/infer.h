/* Shape rules: result types from operand types and attributes. Inside ir/
 * only; a rule is infer_NAME for the name in the rule column of ops.def. */
#ifndef WAVE_IR_INFER_H
#define WAVE_IR_INFER_H

#include "ir/graph.h"

struct infer {
	enum op op;
	struct value *const *in; /* counts and attributes are checked */
	int nin;
	const struct attr *attrs;
	int nattrs;
	int nout;
	struct tensor_type out[MAX_RESULTS];
	char error[640];
};

/* Fills out, or says in error which rule is broken and by which shapes. */
bool infer_types(struct infer *x);

/* What the rules are written with. Operand i's type, NULL when left out. */
const struct tensor_type *infer_in(const struct infer *x, int i);
const struct attr *infer_attr(const struct infer *x, enum attr_id id);
int64_t infer_int(const struct infer *x, enum attr_id id);

/* Formats error and returns false. */
bool infer_fail(struct infer *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Integer list of exactly n elements into v; an empty list means n times
 * dflt unless dflt is INFER_REQUIRED. */
#define INFER_REQUIRED INT64_MIN
bool infer_list(struct infer *x, enum attr_id id, int n, int64_t dflt,
    int64_t *v);

/* The attribute axis, below rank. */
bool infer_axis(struct infer *x, int rank, int *axis);

/* Sets result 0 to shape with dtype t; checks the shape. */
bool infer_result(struct infer *x, const struct tensor_type *shape,
    enum dtype t);

/* Widest dtype of all operands present: f64 > f32 > f16 = bf16, both of the
 * last give f32. Integers agree by then. */
enum dtype infer_widest(const struct infer *x);

/* Operand i (may be left out) is a vector of n elements. */
bool infer_vector(struct infer *x, int i, const char *what, int64_t n);

/* Operand i (may be left out) has the shape of result 0. */
bool infer_residual(struct infer *x, int i);

bool infer_same(struct infer *x);
bool infer_cast(struct infer *x);
bool infer_bool1(struct infer *x);
bool infer_broadcast(struct infer *x);
bool infer_broadcast_left(struct infer *x);
bool infer_broadcast_bool(struct infer *x);
bool infer_broadcast3(struct infer *x);
bool infer_select(struct infer *x);
bool infer_conv(struct infer *x);
bool infer_conv_transpose(struct infer *x);
bool infer_matmul(struct infer *x);
bool infer_gemm(struct infer *x);
bool infer_reduce(struct infer *x);
bool infer_argreduce(struct infer *x);
bool infer_pool(struct infer *x);
bool infer_channel_sum(struct infer *x);
bool infer_channel_same(struct infer *x);
bool infer_axis_same(struct infer *x);
bool infer_reshape(struct infer *x);
bool infer_transpose(struct infer *x);
bool infer_slice(struct infer *x);
bool infer_concat(struct infer *x);
bool infer_pad(struct infer *x);
bool infer_expand(struct infer *x);
bool infer_tile(struct infer *x);
bool infer_gather(struct infer *x);
bool infer_depth_to_space(struct infer *x);
bool infer_space_to_depth(struct infer *x);
bool infer_resize(struct infer *x);
bool infer_batch_norm(struct infer *x);
bool infer_channel_norm(struct infer *x);
bool infer_layer_norm(struct infer *x);
bool infer_conv_wgrad(struct infer *x);
bool infer_max_pool_index(struct infer *x);
bool infer_max_pool_grad(struct infer *x);
bool infer_sum_pool_grad(struct infer *x);
bool infer_slice_grad(struct infer *x);
bool infer_scatter_add(struct infer *x);
bool infer_mask_pack(struct infer *x);
bool infer_mask_select(struct infer *x);
bool infer_random_bits(struct infer *x);
bool infer_group_gather(struct infer *x);
bool infer_group_part(struct infer *x);
bool infer_dropout(struct infer *x);
bool infer_batch_norm_train(struct infer *x);
bool infer_group_norm_train(struct infer *x);
bool infer_softmax_cross_entropy(struct infer *x);

/* infer_conv.c: whether a window with x's attributes over planes of `in`
 * has the positions of `out`, or fewer where `some`; both have the rank of
 * an image. */
bool infer_slides(struct infer *x, const struct tensor_type *in,
    const int64_t *kernel, const struct tensor_type *out, bool some);

#endif
