/* Element-wise layers. */
#include "frontend/net_run.h"

#include <math.h>

struct val
builtin_plain(struct call *c)
{
	struct value *x = call_tensor(c, "x");

	return layer_result(layer_node(c, c->builtin->op, &x, 1, NULL, 0));
}

struct val
builtin_plain_alpha(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct attr a = attr_make_float(ATTR_alpha, call_float(c, "alpha"));

	return layer_result(layer_node(c, c->builtin->op, &x, 1, &a, 1));
}

static struct val
clipped(struct call *c, double lo, double hi)
{
	struct value *x = call_tensor(c, "x");
	struct attr a[] = {attr_make_float(ATTR_min, lo),
	    attr_make_float(ATTR_max, hi)};

	return layer_result(layer_node(c, OP_clip, &x, 1, a, 2));
}

struct val
builtin_clip(struct call *c)
{
	double lo = call_float(c, "min"), hi = call_float(c, "max");

	if (lo > hi)
		return call_error(c, "'min' is above 'max'");
	return clipped(c, lo, hi);
}

struct val
builtin_relu6(struct call *c)
{
	return clipped(c, 0, 6);
}

struct val
builtin_hard_sigmoid(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct attr a[] = {
	    attr_make_float(ATTR_alpha, call_float(c, "alpha")),
	    attr_make_float(ATTR_beta, call_float(c, "beta"))};

	return layer_result(layer_node(c, OP_hard_sigmoid, &x, 1, a, 2));
}

/* Constants of Klambauer et al. 2017. */
struct val
builtin_selu(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct attr a[] = {attr_make_float(ATTR_alpha, 1.6732632423543772),
	    attr_make_float(ATTR_beta, 1.0507009873554805)};

	return layer_result(layer_node(c, OP_selu, &x, 1, a, 2));
}

struct val
builtin_gelu(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct attr a = attr_make_int(ATTR_approximate,
	    call_bool(c, "approximate"));

	return layer_result(layer_node(c, OP_gelu, &x, 1, &a, 1));
}

struct val
builtin_silu(struct call *c)
{
	struct value *in[2] = {call_tensor(c, "x")};

	in[1] = layer_part(c, "gate", OP_sigmoid, in, 1, NULL, 0);
	if (in[1] == NULL)
		return val_error();
	return layer_result(layer_node(c, OP_mul, in, 2, NULL, 0));
}

/* One slope for each channel, as PReLU with num_parameters = C. */
struct val
builtin_prelu(struct call *c)
{
	struct value *in[2] = {call_tensor(c, "x")};
	const struct tensor_type *t = &in[0]->type;
	int64_t dim[MAX_RANK] = {0};
	struct param_spec p = {.name = "weight", .rank = t->rank - 1,
	    .dim = dim, .init = {.kind = INIT_CONSTANT,
	    .a = call_float(c, "init")}};

	if (t->rank < 2)
		return call_error(c, "x has no channel axis");
	for (int i = 0; i < p.rank; i++)
		dim[i] = i == 0 ? t->dim[1] : 1;
	in[1] = layer_param(c, &p, t->dtype);
	if (in[1] == NULL)
		return val_error();
	return layer_result(layer_node(c, OP_prelu, in, 2, NULL, 0));
}

/* Inference form; the hint tells what training does. */
struct val
builtin_dropout(struct call *c)
{
	struct value *x = call_tensor(c, "x"), *v;
	double p = call_float(c, "p");

	if (!(p >= 0 && p < 1))
		return call_error(c, "'p' must be at least 0 and below 1");
	v = layer_node(c, OP_identity, &x, 1, NULL, 0);
	layer_hint(c, NET_DROPOUT, v, p);
	return layer_result(v);
}

/* From left to right; all but the last node get a name of their own. */
struct val
builtin_fold_all(struct call *c)
{
	struct value *v = c->in[0];

	if (c->nin < 2)
		return call_error(c, "needs at least two tensors");
	for (int i = 1; i < c->nin && v != NULL; i++) {
		struct value *in[] = {v, c->in[i]};

		v = i + 1 == c->nin ?
		    layer_node(c, c->builtin->op, in, 2, NULL, 0) :
		    layer_part(c, arena_printf(c->r->arena, "%d", i),
			c->builtin->op, in, 2, NULL, 0);
	}
	return layer_result(v);
}

struct val
builtin_two(struct call *c)
{
	if (c->nin != 2)
		return call_error(c, "needs two tensors, not %d", c->nin);
	return layer_result(layer_node(c, c->builtin->op, c->in, 2, NULL,
	    0));
}
