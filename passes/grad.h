/* Parts of autodiff: the gradient rules named in ir/ops.def. A rule reads dy,
 * the gradient of result 0 of n, builds at the end of the graph, and gives
 * each operand that wants one its contribution. False after a diagnostic. */
#ifndef WAVE_PASSES_GRAD_H
#define WAVE_PASSES_GRAD_H

#include "passes/legalize.h"

struct ad {
	struct graph *g;
	struct diag *d;
	struct pass_ctx c;
	struct lg l;         /* builders at the end; w as n's parts have it */
	struct value **grad; /* by id of a forward value: the sum so far */
	bool *needs;         /* by id: depends on what is differentiated for */
	uint32_t count;      /* forward values */
};

typedef bool grad_fn(struct ad *a, struct node *n, struct value *dy);

#define OP(name, lower, imin, imax, omin, omax, flags, rule, kernel, grad, \
    attrs, sum)                                                            \
	grad_fn grad_##grad;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include "ir/ops.def"
#pragma GCC diagnostic pop

/* Operand i of n is there and needs a gradient. */
bool ad_wants(const struct ad *a, const struct node *n, int i);

/* Adds v to the gradient of operand i: summed over what the operand was
 * broadcast along, or broadcast to it, in the operand's dtype. Does nothing
 * when the operand wants none. */
void ad_give(struct ad *a, const struct node *n, int i, struct value *v);

/* What the backward pass keeps of src in its place: op of it, made right
 * behind src in the forward pass. */
struct value *ad_kept(struct ad *a, enum op op, struct value *src,
    const struct attr *at, int nat);

/* Operand i of n as the backward pass reads it: computed again from the input
 * and the statistics of the group norm before a ReLU, where the value says so,
 * to the same bits. */
struct value *ad_operand(struct ad *a, const struct node *n, int i);

/* The input of a group norm as the backward pass reads it: its convolution
 * computed again, where the value says so, to the same bits. */
struct value *ad_norm_input(struct ad *a, const struct node *norm);

/* Elements of y where src > 0, else 0, through a packed mask of src. */
struct value *ad_masked(struct ad *a, struct value *src, struct value *y);

/* v [C] or [C,1,..] along the channels of an image of this rank. */
struct value *ad_channels(struct ad *a, struct value *v, int rank);

/* The sum of v over all axes but `axis`, as a vector. */
struct value *ad_sum_to_axis(struct ad *a, struct value *v, int axis);

/* Whether the backward pass keeps two positions of a max_pool's maxima in a
 * byte: windows of up to 16 elements and an even number of channels. */
bool ad_packs_maxima(const struct node *max_pool);

/* Scalar constant; x op y; f(x): in the dtype of intermediate values. */
struct value *ad_k(struct ad *a, double v);
struct value *ad_bin(struct ad *a, enum op op, struct value *x,
    struct value *y);
struct value *ad_un(struct ad *a, enum op op, struct value *x);
struct value *ad_select(struct ad *a, struct value *c, struct value *x,
    struct value *y);
/* x < y, both of intermediate dtype or as they are. */
struct value *ad_less(struct ad *a, struct value *x, struct value *y);

/* A node of op with these attributes at the end, dtype by rule. */
struct value *ad_op(struct ad *a, enum op op, struct value **in, int nin,
    const struct attr *attrs, int nattrs);

#endif
