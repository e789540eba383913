/* Weights of contractions: where their output channels lie, and their
 * rounding to 16 bits.
 *
 * Behind a ReLU every input of a channel is positive with much the same mean,
 * so the error sum(dw x) of rounded weights is mostly mean(x) sum(dw): the
 * shift of the output's mean that Nagel et al., Data-Free Quantization Through
 * Weight Equalization and Bias Correction (ICCV 2019), correct afterwards.
 * Carrying the rounding error on, as Floyd and Steinberg do between pixels
 * (1976), keeps sum(dw) below one unit in the last place from the start. */
#include "passes/weights.h"

#include <math.h>
#include <string.h>

#define MAX_DEPTH 16 /* of the search for a sign */

struct weight_map
weight_map(const struct node *n)
{
	const struct tensor_type *w = &n->in[1]->type;
	struct weight_map k = {1, w->dim[0], 0};

	if (n->op == OP_matmul || n->op == OP_gemm) {
		bool t = node_int(n, ATTR_trans_b) != 0;

		k.inner = t ? w->dim[w->rank - 1] : 1;
		k.per = w->dim[w->rank - (t ? 2 : 1)];
		return k;
	}
	if (n->op == OP_batch_norm)
		return k; /* a vector */
	for (int i = n->op == OP_conv ? 1 : 2; i < w->rank; i++)
		k.inner *= w->dim[i];
	if (n->op == OP_conv_transpose) {
		k.per = w->dim[1];
		k.span = w->dim[0] / node_int(n, ATTR_groups) * k.per *
		    k.inner;
	}
	return k;
}

int64_t
weight_channel(const struct weight_map *k, int64_t i)
{
	int64_t group = k->span > 0 ? i / k->span : 0;

	return group * k->per + i / k->inner % k->per;
}

static bool never_negative(const struct value *v, int depth);

static bool
const_positive(const struct value *v)
{
	size_t n = (size_t)type_elems(&v->type);

	for (size_t i = 0; i < n; i++)
		if (!(dtype_get(v->data, v->type.dtype, i) >= 0))
			return false;
	return true;
}

/* The activation of a contraction gives nothing negative. */
static bool
positive_act(const struct node *n)
{
	switch ((enum act)node_int(n, ATTR_act)) {
	case ACT_RELU:
	case ACT_SIGMOID:
	case ACT_HARD_SIGMOID: return true;
	case ACT_CLIP: return node_float(n, ATTR_act_alpha) >= 0;
	default: return false;
	}
}

static bool
all_positive(const struct node *n, int depth)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && !never_negative(n->in[i], depth - 1))
			return false;
	return true;
}

static bool
positive_node(const struct node *n, int depth)
{
	switch (n->op) {
	case OP_relu:
	case OP_sigmoid:
	case OP_hard_sigmoid:
	case OP_exp:
	case OP_abs:
	case OP_softmax: return true;
	case OP_clip: return node_float(n, ATTR_min) >= 0;
	case OP_conv:
	case OP_conv_transpose:
	case OP_matmul: return positive_act(n);
	case OP_pad:
		return node_float(n, ATTR_value) >= 0 && all_positive(n,
		    depth);
	case OP_gather:
		return never_negative(n->in[0], depth - 1);
	case OP_identity:
	case OP_cast:
	case OP_add:
	case OP_mul:
	case OP_max:
	case OP_min:
	case OP_sqrt:
	case OP_reduce_sum:
	case OP_reduce_mean:
	case OP_reduce_max:
	case OP_max_pool:
	case OP_avg_pool:
	case OP_sum_pool:
	case OP_reshape:
	case OP_transpose:
	case OP_slice:
	case OP_concat:
	case OP_expand: return all_positive(n, depth);
	default: return false;
	}
}

static bool
never_negative(const struct value *v, int depth)
{
	if (depth == 0)
		return false;
	if (v->kind == VALUE_CONST)
		return type_elems(&v->type) < 65536 && const_positive(v);
	return v->kind == VALUE_NODE && positive_node(v->def, depth);
}

/* What rounding needs to know of a 16-bit dtype: the bits that f32 has more,
 * and the magnitudes between which its numbers lie as f32's do. */
struct grid {
	enum dtype t;
	uint32_t more;
	float least, most;
};

static struct grid
grid_of(enum dtype t)
{
	if (t == DT_F16)
		return (struct grid){t, 0x1fff, 0x1p-14f, 65472.0f};
	return (struct grid){t, 0xffff, 0x1p-126f, 0x1.fcp127f};
}

static uint16_t
nearest(const struct grid *k, float v)
{
	return k->t == DT_F16 ? f32_to_f16(v) : f32_to_bf16(v);
}

/* The bits of v, a normal number of the dtype. */
static uint16_t
exact_bits(const struct grid *k, uint32_t v)
{
	if (k->t == DT_BF16)
		return (uint16_t)(v >> 16);
	return (uint16_t)((v >> 16 & 0x8000) |
	    (((v & 0x7fffffff) >> 13) - (112 << 10)));
}

/* Of the two neighbours of w, the one nearer to w + *carry; what is left goes
 * to *carry. */
static uint16_t
round_carrying(const struct grid *k, float w, float *carry)
{
	uint32_t bits, up;
	float low, high, want = w + *carry;

	memcpy(&bits, &w, sizeof bits);
	if (!(fabsf(w) >= k->least && fabsf(w) <= k->most) ||
	    (bits & k->more) == 0)
		return nearest(k, w); /* exact, or no such neighbours */
	bits &= ~k->more;
	memcpy(&low, &bits, sizeof low);
	up = bits + k->more + 1;
	memcpy(&high, &up, sizeof high);
	/* As likely up as down: no branch that would be predicted wrongly. */
	bits += fabsf(want - low) < fabsf(want - high) ? 0 : k->more + 1;
	memcpy(&w, &bits, sizeof w);
	*carry = want - w;
	return exact_bits(k, bits);
}

struct value *
weights_narrow(struct graph *g, const struct node *n, enum dtype t)
{
	const struct value *w = n->in[1];
	struct weight_map k = weight_map(n);
	struct grid grid = grid_of(t);
	struct tensor_type type = w->type;
	int64_t count = type_elems(&type), channels;
	const float *from = w->data;
	uint16_t *to;
	float *carry;
	struct arena *a;

	if (w->type.dtype != DT_F32 || !never_negative(n->in[0], MAX_DEPTH))
		return const_cast_to(g, w, t);
	type.dtype = t;
	to = arena_calloc(g->arena, (size_t)count, sizeof *to);
	channels = k.span > 0 ? count / k.span * k.per : k.per;
	a = arena_new();
	carry = NEW_ARRAY(a, float, (size_t)channels);
	for (int64_t i = 0; i < count; i += k.inner) {
		float *c = &carry[weight_channel(&k, i)];

		for (int64_t j = i; j < i + k.inner; j++)
			to[j] = round_carrying(&grid, from[j], c);
	}
	arena_free(a);
	return graph_const(g, NULL, &type, to);
}
