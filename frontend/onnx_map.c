#include <math.h>
#include <string.h>

#include "frontend/onnx_imp.h"

/* Element-wise operators of one operand, and those that change only types. */

bool
onnx_op_unary(struct opx *c)
{
	return op_result(c, 0, c->row->op, c->in, 1, NULL, 0);
}

/* Operators with float attributes alpha and perhaps beta. */
bool
onnx_op_activation(struct opx *c)
{
	struct attr a[2];
	int n = 1;
	bool old = c->opset < 6; /* Selu's constants were shorter */

	switch ((int)c->row->op) {
	case OP_leaky_relu:
		a[0] = attr_make_float(ATTR_alpha, attr_f(c, "alpha",
		    (double)0.01f));
		break;
	case OP_hard_sigmoid:
		a[0] = attr_make_float(ATTR_alpha, attr_f(c, "alpha",
		    (double)0.2f));
		a[n++] = attr_make_float(ATTR_beta, attr_f(c, "beta", 0.5));
		break;
	case OP_selu:
		a[0] = attr_make_float(ATTR_alpha, attr_f(c, "alpha",
		    old ? (double)1.6732f : (double)1.67326319217681884766f));
		a[n++] = attr_make_float(ATTR_beta, attr_f(c, "gamma",
		    old ? (double)1.0507f : (double)1.05070102214813232422f));
		break;
	default: /* Elu, Celu, ThresholdedRelu */
		a[0] = attr_make_float(ATTR_alpha, attr_f(c, "alpha", 1));
		break;
	}
	return op_result(c, 0, c->row->op, c->in, 1, a, n);
}

bool
onnx_op_gelu(struct opx *c)
{
	const char *s = attr_s(c, "approximate", "none");
	bool tanh_form = strcmp(s, "tanh") == 0;

	if (!tanh_form && strcmp(s, "none") != 0)
		return op_error(c, "approximate '%s' is not known", s);
	struct attr a = attr_make_int(ATTR_approximate, tanh_form);
	return op_result(c, 0, OP_gelu, c->in, 1, &a, 1);
}

/* Bounds that are only known at run time. */
static bool
clip_dynamic(struct opx *c)
{
	struct value *in[2] = {c->in[0], c->in[1]};

	if (c->in[2] == NULL)
		return op_result(c, 0, OP_max, in, 2, NULL, 0);
	if (c->in[1] != NULL)
		in[0] = op_binary(c, OP_max, c->in[0], c->in[1]);
	in[1] = c->in[2];
	return in[0] != NULL && op_result(c, 0, OP_min, in, 2, NULL, 0);
}

bool
onnx_op_clip(struct opx *c)
{
	double lo = -HUGE_VAL, hi = HUGE_VAL;

	if (c->opset < 11) {
		if (c->nin > 1)
			return op_error(c, "has bounds as inputs, which "
			    "opset 11 introduced");
		lo = attr_f(c, "min", lo);
		hi = attr_f(c, "max", hi);
	}
	for (int i = 1; i < 3; i++) {
		if (c->in[i] == NULL)
			continue;
		if (type_elems(&c->in[i]->type) != 1)
			return op_error(c, "input %d (%s) must be a scalar",
			    i, i == 1 ? "min" : "max");
		if (c->in[i]->type.dtype != c->in[0]->type.dtype)
			return op_error(c, "input %d (%s) is %s where input "
			    "0 is %s", i, i == 1 ? "min" : "max",
			    dtype_name(c->in[i]->type.dtype),
			    dtype_name(c->in[0]->type.dtype));
		if (c->in[i]->kind != VALUE_CONST)
			return clip_dynamic(c);
	}
	if (c->in[1] != NULL && !arg_scalar(c, 1, "min", &lo))
		return false;
	if (c->in[2] != NULL && !arg_scalar(c, 2, "max", &hi))
		return false;
	struct attr a[] = {attr_make_float(ATTR_min, lo),
	    attr_make_float(ATTR_max, hi)};
	return op_result(c, 0, OP_clip, c->in, 1, a, 2);
}

/* x < -lambd ? x + bias : x > lambd ? x - bias : 0 */
bool
onnx_op_shrink(struct opx *c)
{
	struct value *x = c->in[0];
	enum dtype t = x->type.dtype;
	double lambd = attr_f(c, "lambd", 0.5), bias = attr_f(c, "bias", 0);
	struct value *b = op_scalar(c, t, bias);
	struct value *above =
	    op_binary(c, OP_less, op_scalar(c, t, lambd), x);
	struct value *in[] = {above, op_binary(c, OP_sub, x, b),
	    op_scalar(c, t, 0)};
	if (in[0] == NULL || in[1] == NULL)
		return false;
	in[2] = op_emit(c, OP_select, in, 3, NULL, 0);
	in[0] = op_binary(c, OP_less, x, op_scalar(c, t, -lambd));
	in[1] = op_binary(c, OP_add, x, b);
	return in[0] != NULL && in[1] != NULL && in[2] != NULL &&
	    op_result(c, 0, OP_select, in, 3, NULL, 0);
}

bool
onnx_op_is_nan(struct opx *c)
{
	struct value *same = op_binary(c, OP_equal, c->in[0], c->in[0]);

	return same != NULL && op_result(c, 0, OP_not, &same, 1, NULL, 0);
}

bool
onnx_op_is_inf(struct opx *c)
{
	bool neg = attr_i(c, "detect_negative", 1) != 0;
	bool pos = attr_i(c, "detect_positive", 1) != 0;
	struct value *x = c->in[0];
	enum dtype t = x->type.dtype;

	if (!dtype_is_float(t))
		return op_error(c, "input 0 must be a float tensor");
	if (neg && pos)
		x = op_unary(c, OP_abs, x);
	/* With neither: a comparison that never holds. */
	struct value *in[] = {x, op_scalar(c, t, pos ? HUGE_VAL
	    : neg ? -HUGE_VAL : (double)NAN)};
	return x != NULL && op_result(c, 0, OP_equal, in, 2, NULL, 0);
}

static bool
cast_to(struct opx *c, enum dtype t)
{
	struct attr a = attr_make_int(ATTR_to, (int64_t)t);

	if (c->in[0]->type.dtype == t) {
		c->out[0] = c->in[0];
		return true;
	}
	return op_result(c, 0, OP_cast, c->in, 1, &a, 1);
}

/* Opset 1 to 5 spell the type as a string. */
static int32_t
cast_target(struct opx *c)
{
	if (c->opset >= 6) {
		int64_t to = attr_i(c, "to", 0);
		return to > 0 && to < 64 ? (int32_t)to : 0;
	}
	const char *s = attr_s(c, "to", "");
	const ProtobufCEnumValue *v =
	    protobuf_c_enum_descriptor_get_value_by_name(
		&onnx__tensor_proto__data_type__descriptor, s);
	return v != NULL ? v->value : 0;
}

bool
onnx_op_cast(struct opx *c)
{
	int32_t to = cast_target(c);

	attr_ignore(c, "saturate"); /* 8-bit floats only */
	if (onnx_dtype(to) == DT_NONE)
		return op_error(c, "conversion to element type %s (%d) is "
		    "not supported", onnx_dtype_name(to), (int)to);
	return cast_to(c, onnx_dtype(to));
}

bool
onnx_op_cast_like(struct opx *c)
{
	attr_ignore(c, "saturate");
	return cast_to(c, c->in[1]->type.dtype);
}

bool
onnx_op_identity(struct opx *c)
{
	c->out[0] = c->in[0];
	return true;
}

static bool
dropout_trains(struct opx *c, bool *trains)
{
	double mode = 0, ratio = 0.5;

	*trains = false;
	if (c->opset < 7) {
		*trains = attr_i(c, "is_test", 0) == 0;
		return true;
	}
	if (c->opset < 12 || c->in[2] == NULL)
		return true;
	if (!arg_scalar(c, 2, "training_mode", &mode))
		return false;
	if (mode != 0 && c->in[1] != NULL &&
	    !arg_scalar(c, 1, "ratio", &ratio))
		return false;
	*trains = mode != 0 && ratio != 0;
	return true;
}

bool
onnx_op_dropout(struct opx *c)
{
	bool trains;

	attr_ignore(c, "ratio");
	attr_ignore(c, "seed");
	if (!dropout_trains(c, &trains))
		return false;
	if (trains)
		diag_remark(c->m->diag, &c->loc, "training mode: imported in "
		    "its inference form");
	c->out[0] = c->in[0];
	c->absent = "which is a mask of training";
	if (!op_wants(c, 1) || trains || c->opset < 10)
		return true;
	struct tensor_type t = c->in[0]->type;
	t.dtype = DT_BOOL;
	if (!op_reserve(c, &t))
		return false;
	unsigned char one = 1;
	return op_const(c, 1, &t,
	    onnx_splat(c->m, DT_BOOL, &one, type_elems(&t)));
}
