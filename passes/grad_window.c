/* Gradients of pools and of the channel window. */
#include "passes/grad.h"

static const enum attr_id pool_ids[] = {ATTR_kernel, ATTR_strides,
    ATTR_dilations, ATTR_pads_begin, ATTR_pads_end};

/* The attributes of the pool and, as the last, the shape of its operand. */
static void
pool_attrs(const struct node *n, struct attr at[6])
{
	const struct tensor_type *x = &n->in[0]->type;

	for (int i = 0; i < 5; i++)
		at[i] = *node_attr(n, pool_ids[i]);
	at[5] = attr_make_ints(ATTR_shape, x->dim, (size_t)x->rank);
}

/* Where the maxima are: found with what makes the operand, while that is at
 * hand; of a concatenation, which makes nothing, behind the pool, which has the
 * operand as well. */
static struct value *
maxima(struct ad *a, struct node *n, const struct attr *at)
{
	struct value *x = n->in[0], *v;

	if (x->kind != VALUE_NODE || x->def->op != OP_concat)
		return ad_kept(a, OP_max_pool_index, x, at, 5);
	v = build_op(a->g, OP_max_pool_index, &x, 1, at, 5, DT_NONE, n->next);
	v->def->loc = n->loc;
	v->def->phase = n->phase;
	v->def->group = n->group;
	return v;
}

/* Half of the channels of x. */
static struct value *
half(struct ad *a, struct value *x, bool upper, struct node *before)
{
	int64_t starts[MAX_RANK] = {0}, steps[MAX_RANK], sizes[MAX_RANK];

	for (int i = 0; i < x->type.rank; i++) {
		steps[i] = 1;
		sizes[i] = x->type.dim[i] / (i == 1 ? 2 : 1);
	}
	starts[1] = upper ? sizes[1] : 0;
	return mk_slice(a->g, x, starts, steps, sizes, before);
}

static struct value *
with_16(struct ad *a, enum op op, struct value *x, struct node *before)
{
	static const uint8_t sixteen = 16;
	struct tensor_type t = {.dtype = DT_U8};
	struct value *in[2] = {x, graph_const(a->g, NULL, &t, &sixteen)};

	return build_op(a->g, op, in, 2, NULL, 0, DT_NONE, before);
}

static void
like(const struct node *n, struct node *from, const struct node *end)
{
	for (; from != end; from = from->next) {
		from->loc = n->loc;
		from->phase = n->phase;
		from->group = n->group;
	}
}

/* Positions below 16 as the backward pass keeps them: the second half of the
 * channels in the upper four bits of the bytes of the first. */
static struct value *
packed(struct ad *a, struct value *v)
{
	struct node *n = v->def, *end = n->next;
	struct value *in[2];

	in[0] = half(a, v, false, end);
	in[1] = with_16(a, OP_mul, half(a, v, true, end), end);
	v = build_op(a->g, OP_add, in, 2, NULL, 0, DT_NONE, end);
	like(n, n->next, end);
	return v;
}

static struct value *
unpacked(struct ad *a, struct value *v)
{
	struct value *in[2] = {with_16(a, OP_mod, v, NULL),
	    with_16(a, OP_div, v, NULL)};

	return mk_concat(a->g, in, 2, 1, NULL);
}

/* Elements of the window; UINT16_MAX + 1 when there are more. */
static int64_t
taps_of(const struct node *n)
{
	int64_t taps = 1;

	for (size_t i = 0; i + 2 < (size_t)n->out[0]->type.rank; i++) {
		taps *= ints_at(n, ATTR_kernel, i, 1);
		if (taps > UINT16_MAX)
			return UINT16_MAX + 1;
	}
	return taps;
}

bool
ad_packs_maxima(const struct node *max_pool)
{
	const struct tensor_type *t = &max_pool->out[0]->type;

	return taps_of(max_pool) <= 16 && t->dim[1] > 0 && t->dim[1] % 2 == 0;
}

bool
grad_max_pool(struct ad *a, struct node *n, struct value *dy)
{
	struct value *in[2];
	struct attr at[6];

	if (taps_of(n) > UINT16_MAX) {
		diag_error(a->d, &n->loc, "%s has no gradient: its window "
		    "has more than 65535 elements", node_label(&a->c, n));
		return false;
	}
	pool_attrs(n, at);
	in[0] = dy;
	in[1] = maxima(a, n, at);
	if (ad_packs_maxima(n))
		in[1] = unpacked(a, packed(a, in[1]));
	ad_give(a, n, 0, ad_op(a, OP_max_pool_grad, in, 2, at, 6));
	return true;
}

bool
grad_sum_pool(struct ad *a, struct node *n, struct value *dy)
{
	struct attr at[6];

	pool_attrs(n, at);
	ad_give(a, n, 0, ad_op(a, OP_sum_pool_grad, &dy, 1, at, 6));
	return true;
}

/* x with its channels in reverse order. */
static struct value *
flip(struct ad *a, struct value *x)
{
	int64_t starts[MAX_RANK] = {0}, steps[MAX_RANK];

	for (int i = 0; i < x->type.rank; i++)
		steps[i] = i == 1 ? -1 : 1;
	starts[1] = x->type.dim[1] - 1;
	return mk_slice(a->g, x, starts, steps, x->type.dim, NULL);
}

/* A window of even size reaches one channel further up: its adjoint one
 * further down. */
bool
grad_channel_sum(struct ad *a, struct node *n, struct value *dy)
{
	bool odd = node_int(n, ATTR_size) % 2 != 0;
	struct value *v = odd || dy->type.dim[1] == 0 ? dy : flip(a, dy);

	if (dy->type.dim[1] == 0)
		return true;
	v = ad_op(a, OP_channel_sum, &v, 1, node_attr(n, ATTR_size), 1);
	ad_give(a, n, 0, odd ? v : flip(a, v));
	return true;
}
