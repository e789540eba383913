/* canonicalize: contractions and windows take over what is in front of
 * them: transposes and explicit padding. */
#include <math.h>

#include "passes/canonicalize.h"

/* The operand's transpose of its last two axes becomes a flag. */
static void
take_transpose(struct pass_ctx *c, struct node *n, int i, enum attr_id flag)
{
	struct node *k = def_of(n->in[i], OP_transpose);
	int rank = n->in[i]->type.rank;

	if (k == NULL || rank < 2)
		return;
	for (int d = 0; d < rank; d++) {
		int want = d < rank - 2 ? d : 2 * rank - 3 - d;

		if (ints_at(k, ATTR_perm, (size_t)d, -1) != want)
			return;
	}
	node_set_in(c->g, n, i, k->in[0]);
	node_set_int(c->g, n, flag, !node_int(n, flag));
	c->changed = true;
}

/* k pads spatial axes only, with `value`, and crops nothing. */
static bool
spatial_pad(const struct node *k, double value)
{
	if (k == NULL || node_int(k, ATTR_mode) != 0 ||
	    node_float(k, ATTR_value) != value ||
	    !dtype_is_float(k->in[0]->type.dtype))
		return false;
	for (size_t i = 0; i < (size_t)k->in[0]->type.rank; i++) {
		int64_t b = ints_at(k, ATTR_pads_begin, i, 0);
		int64_t e = ints_at(k, ATTR_pads_end, i, 0);

		if (b < 0 || e < 0 || (i < 2 && b + e > 0))
			return false;
	}
	return true;
}

/* Adds the padding of k to that of n and reads k's operand. */
static void
merge_pad(struct pass_ctx *c, struct node *n, const struct node *k)
{
	size_t spatial = (size_t)k->in[0]->type.rank - 2;
	int64_t b[MAX_RANK], e[MAX_RANK];

	for (size_t i = 0; i < spatial; i++) {
		b[i] = ints_at(n, ATTR_pads_begin, i, 0) +
		    ints_at(k, ATTR_pads_begin, i + 2, 0);
		e[i] = ints_at(n, ATTR_pads_end, i, 0) +
		    ints_at(k, ATTR_pads_end, i + 2, 0);
	}
	node_set_ints(c->g, n, ATTR_pads_begin, b, spatial);
	node_set_ints(c->g, n, ATTR_pads_end, e, spatial);
	node_set_in(c->g, n, 0, k->in[0]);
	c->changed = true;
}

struct value *
canon_matrix(struct pass_ctx *c, struct node *n)
{
	struct node *k = def_of(n->in[0], OP_pad);

	if (n->op == OP_matmul) {
		take_transpose(c, n, 0, ATTR_trans_a);
		take_transpose(c, n, 1, ATTR_trans_b);
	} else if (n->op == OP_conv && spatial_pad(k, 0)) {
		merge_pad(c, n, k);
	}
	return NULL;
}

static bool
has_pads(const struct node *n)
{
	for (size_t i = 0; i + 2 < (size_t)n->in[0]->type.rank; i++)
		if (ints_at(n, ATTR_pads_begin, i, 0) != 0 ||
		    ints_at(n, ATTR_pads_end, i, 0) != 0)
			return true;
	return false;
}

/* A window of one element at every position. */
static bool
trivial_window(const struct node *n)
{
	if (has_pads(n) || !type_equal(&n->in[0]->type, &n->out[0]->type))
		return false;
	for (size_t i = 0; i + 2 < (size_t)n->in[0]->type.rank; i++)
		if (ints_at(n, ATTR_kernel, i, 1) != 1 ||
		    ints_at(n, ATTR_strides, i, 1) != 1)
			return false;
	return true;
}

/* Padding stays smaller than the window, so that none holds padding only. */
static bool
pads_fit(const struct node *n, const struct node *k)
{
	for (size_t i = 0; i + 2 < (size_t)n->in[0]->type.rank; i++) {
		int64_t reach = (ints_at(n, ATTR_kernel, i, 1) - 1) *
		    ints_at(n, ATTR_dilations, i, 1);

		if (ints_at(n, ATTR_pads_begin, i, 0) +
		    ints_at(k, ATTR_pads_begin, i + 2, 0) > reach ||
		    ints_at(n, ATTR_pads_end, i, 0) +
		    ints_at(k, ATTR_pads_end, i + 2, 0) > reach)
			return false;
	}
	return true;
}

struct value *
canon_window(struct pass_ctx *c, struct node *n)
{
	struct node *k = def_of(n->in[0], OP_pad);

	if (n->op == OP_channel_sum)
		return NULL;
	if (trivial_window(n))
		return n->in[0];
	if (k == NULL || !pads_fit(n, k))
		return NULL;
	if (n->op == OP_max_pool && spatial_pad(k, -HUGE_VAL)) {
		merge_pad(c, n, k);
	} else if (n->op == OP_sum_pool && spatial_pad(k, 0)) {
		merge_pad(c, n, k);
	} else if (n->op == OP_avg_pool && spatial_pad(k, 0) &&
	    !has_pads(n)) {
		node_set_int(c->g, n, ATTR_count_include_pad, 1);
		merge_pad(c, n, k);
	}
	return NULL;
}
