/* Element-wise ops, activations and reductions as ONNX. */
#include "frontend/onnx_out.h"

#include <math.h>

/* Ops that ONNX has under another name, without attributes. */
static const char *const plain_ops[OP_COUNT] = {
    [OP_identity] = "Identity", [OP_neg] = "Neg", [OP_abs] = "Abs",
    [OP_sign] = "Sign", [OP_floor] = "Floor", [OP_ceil] = "Ceil",
    [OP_round] = "Round", [OP_reciprocal] = "Reciprocal",
    [OP_sqrt] = "Sqrt", [OP_exp] = "Exp", [OP_log] = "Log",
    [OP_sin] = "Sin", [OP_cos] = "Cos", [OP_erf] = "Erf",
    [OP_tanh] = "Tanh", [OP_sigmoid] = "Sigmoid", [OP_relu] = "Relu",
    [OP_hard_swish] = "HardSwish", [OP_not] = "Not",
    [OP_softplus] = "Softplus", [OP_softsign] = "Softsign",
    [OP_add] = "Add", [OP_sub] = "Sub", [OP_mul] = "Mul",
    [OP_div] = "Div", [OP_pow] = "Pow", [OP_min] = "Min",
    [OP_max] = "Max", [OP_prelu] = "PRelu", [OP_equal] = "Equal",
    [OP_less] = "Less", [OP_less_equal] = "LessOrEqual",
    [OP_and] = "And", [OP_or] = "Or", [OP_xor] = "Xor",
    [OP_select] = "Where",
};

static const char *
with_all(struct out *o, const char *op)
{
	const char *in[3];

	for (int i = 0; i < o->n->nin; i++)
		in[i] = out_in(o, i);
	return out_node(o, op, in, o->n->nin);
}

/* An op of one operand and the float attributes alpha and second. */
static const char *
with_alpha(struct out *o, const char *op, const char *second)
{
	const char *y = with_all(o, op);

	out_float(o, "alpha", node_float(o->n, ATTR_alpha));
	if (second != NULL)
		out_float(o, second, node_float(o->n, ATTR_beta));
	return y;
}

/* ONNX has it for single precision only. */
static const char *
celu(struct out *o)
{
	const char *x, *y, *a, *zero;

	if (o->t == DT_F32)
		return with_alpha(o, "Celu", NULL);
	x = out_in(o, 0);
	a = out_scalar(o, node_float(o->n, ATTR_alpha));
	zero = out_scalar(o, 0);
	y = out_1(o, "Exp", out_2(o, "Div", x, a));
	y = out_2(o, "Mul", a, out_2(o, "Sub", y, out_scalar(o, 1)));
	y = out_2(o, "Min", zero, y);
	return out_2(o, "Add", out_2(o, "Max", zero, x), y);
}

static const char *
clip(struct out *o, const char *x, double lo, double hi)
{
	const char *in[3] = {x, "", ""};

	if (!isinf(lo))
		in[1] = out_scalar(o, lo);
	if (!isinf(hi))
		in[2] = out_scalar(o, hi);
	return out_node(o, "Clip", in, isinf(hi) ? isinf(lo) ? 1 : 2 : 3);
}

/* x times a half of 1 + y. */
static const char *
half_gate(struct out *o, const char *x, const char *y)
{
	y = out_2(o, "Add", y, out_scalar(o, 1));
	y = out_2(o, "Mul", y, out_scalar(o, 0.5));
	return out_2(o, "Mul", x, y);
}

/* Hendrycks and Gimpel 2016, both forms. */
static const char *
gelu(struct out *o)
{
	const char *x = out_in(o, 0), *y;

	if (node_int(o->n, ATTR_approximate) == 0) {
		y = out_2(o, "Mul", x, out_scalar(o, sqrt(0.5)));
		return half_gate(o, x, out_1(o, "Erf", y));
	}
	y = out_2(o, "Mul", x, out_2(o, "Mul", x, x));
	y = out_2(o, "Add", x, out_2(o, "Mul", y, out_scalar(o, 0.044715)));
	y = out_2(o, "Mul", y, out_scalar(o, 0.79788456080286535588));
	return half_gate(o, x, out_1(o, "Tanh", y));
}

/* The remainder with the sign of y; ONNX has that for integers only. */
static const char *
modulo(struct out *o)
{
	const char *x = out_in(o, 0), *y = out_in(o, 1), *q;

	if (!dtype_is_float(o->n->out[0]->type.dtype))
		return out_2(o, "Mod", x, y);
	q = out_1(o, "Floor", out_2(o, "Div", x, y));
	return out_2(o, "Sub", x, out_2(o, "Mul", q, y));
}

static const char *
cast(struct out *o)
{
	const char *y = out_1(o, "Cast", out_raw(o, 0));

	out_int(o, "to", out_dtype(o->n->out[0]->type.dtype));
	return y;
}

const char *
out_map(struct out *o)
{
	const char *y;

	if (plain_ops[o->n->op] != NULL)
		return with_all(o, plain_ops[o->n->op]);
	switch (o->n->op) {
	case OP_cast: return cast(o);
	case OP_rsqrt:
		return out_1(o, "Reciprocal", out_1(o, "Sqrt", out_in(o, 0)));
	case OP_leaky_relu: return with_alpha(o, "LeakyRelu", NULL);
	case OP_elu: return with_alpha(o, "Elu", NULL);
	case OP_celu: return celu(o);
	case OP_selu: return with_alpha(o, "Selu", "gamma");
	case OP_thresholded_relu:
		return with_alpha(o, "ThresholdedRelu", NULL);
	case OP_hard_sigmoid: return with_alpha(o, "HardSigmoid", "beta");
	case OP_clip:
		return clip(o, out_in(o, 0), node_float(o->n, ATTR_min),
		    node_float(o->n, ATTR_max));
	case OP_gelu: return gelu(o);
	case OP_mish:
		y = out_1(o, "Tanh", out_1(o, "Softplus", out_in(o, 0)));
		return out_2(o, "Mul", out_in(o, 0), y);
	case OP_mod: return modulo(o);
	case OP_fma:
		y = out_2(o, "Mul", out_in(o, 0), out_in(o, 1));
		return out_2(o, "Add", y, out_in(o, 2));
	case OP_dropout: return out_1(o, "Dropout", out_in(o, 0));
	default: return out_refuse(o, "it has no word for this op");
	}
}

const char *
out_act(struct out *o, const char *x)
{
	double alpha = node_float(o->n, ATTR_act_alpha);
	double beta = node_float(o->n, ATTR_act_beta);

	switch ((enum act)node_int(o->n, ATTR_act)) {
	case ACT_RELU: return out_1(o, "Relu", x);
	case ACT_SIGMOID: return out_1(o, "Sigmoid", x);
	case ACT_TANH: return out_1(o, "Tanh", x);
	case ACT_HARD_SWISH: return out_1(o, "HardSwish", x);
	case ACT_CLIP: return clip(o, x, alpha, beta);
	case ACT_LEAKY_RELU:
		x = out_1(o, "LeakyRelu", x);
		out_float(o, "alpha", alpha);
		return x;
	case ACT_HARD_SIGMOID:
		x = out_1(o, "HardSigmoid", x);
		out_float(o, "alpha", alpha);
		out_float(o, "beta", beta);
		return x;
	default: return x;
	}
}

/* ---- reductions ---- */

static const char *
reduce_name(enum op op)
{
	switch (op) {
	case OP_reduce_sum: return "ReduceSum";
	case OP_reduce_mean: return "ReduceMean";
	case OP_reduce_max: return "ReduceMax";
	case OP_reduce_min: return "ReduceMin";
	case OP_reduce_prod: return "ReduceProd";
	case OP_reduce_l1: return "ReduceL1";
	case OP_reduce_l2: return "ReduceL2";
	case OP_reduce_sum_square: return "ReduceSumSquare";
	case OP_reduce_log_sum: return "ReduceLogSum";
	case OP_reduce_log_sum_exp: return "ReduceLogSumExp";
	case OP_argmax: return "ArgMax";
	case OP_argmin: return "ArgMin";
	default: return NULL;
	}
}

/* Of these only ReduceSum takes its axes as an operand in opset 17. */
const char *
out_reduce(struct out *o)
{
	const char *op = reduce_name(o->n->op), *y;
	bool arg = o->n->op == OP_argmax || o->n->op == OP_argmin;
	size_t naxes = 0;
	const int64_t *axes = arg ? NULL : node_ints(o->n, ATTR_axes, &naxes);

	if (op == NULL)
		return out_refuse(o, "it has no word for this op");
	if (o->n->op == OP_reduce_sum && naxes > 0)
		y = out_2(o, op, out_in(o, 0), out_const_ints(o, axes, naxes));
	else
		y = out_1(o, op, out_in(o, 0));
	if (o->n->op != OP_reduce_sum && naxes > 0)
		out_ints(o, "axes", axes, naxes);
	out_int(o, "keepdims", node_int(o->n, ATTR_keepdims));
	if (arg) {
		out_int(o, "axis", node_int(o->n, ATTR_axis));
		out_int(o, "select_last_index",
		    node_int(o->n, ATTR_select_last));
	}
	return y;
}
