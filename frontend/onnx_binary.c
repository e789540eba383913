#include "frontend/onnx_imp.h"

/* Element-wise operators of several operands. */

/* Before opset 7 the right operand matched a run of the left one's axes,
 * starting at `axis` (default: the last ones), if `broadcast` was set. */
static struct value *
right_operand(struct opx *c)
{
	struct value *x = c->in[0], *y = c->in[1];
	int64_t dim[MAX_RANK];
	int rank = y->type.rank, axis;

	if (c->opset >= 7)
		return y;
	bool given = attr_present(c, "axis");
	if (attr_i(c, "broadcast", 0) == 0 || rank >= x->type.rank)
		return y;
	int64_t start = attr_i(c, "axis", x->type.rank - rank);
	if (!given || rank == 0)
		return y;
	if (!arg_axis(c, start, x->type.rank, &axis))
		return NULL;
	int end = axis + rank;
	if (end > x->type.rank) {
		op_error(c, "axis %d leaves no room for the %d dimensions "
		    "of input 1", axis, rank);
		return NULL;
	}
	for (int i = 0; i < x->type.rank - axis; i++)
		dim[i] = i < rank ? y->type.dim[i] : 1;
	return op_reshape(c, y, dim, x->type.rank - axis);
}

bool
onnx_op_binary(struct opx *c)
{
	struct value *in[] = {c->in[0], right_operand(c)};

	return in[1] != NULL && op_result(c, 0, c->row->op, in, 2, NULL, 0);
}

/* x > y is y < x. */
bool
onnx_op_greater(struct opx *c)
{
	struct value *in[] = {right_operand(c), c->in[0]};

	return in[0] != NULL && op_result(c, 0, c->row->op, in, 2, NULL, 0);
}

/* The graph's pow has the shape of its left operand. */
bool
onnx_op_pow(struct opx *c)
{
	struct value *in[] = {c->in[0], right_operand(c)};
	struct tensor_type t;
	char a[128], b[128];

	if (in[1] == NULL)
		return false;
	if (!type_broadcast(&in[0]->type, &in[1]->type, &t))
		return op_error(c, "shapes %s and %s do not broadcast",
		    type_str(&in[0]->type, a, sizeof a),
		    type_str(&in[1]->type, b, sizeof b));
	in[0] = op_expand(c, in[0], t.dim, t.rank);
	return in[0] != NULL && op_result(c, 0, OP_pow, in, 2, NULL, 0);
}

/* fmod = 1 takes the sign of the dividend: the remainder of the magnitudes,
 * which is exact, with that sign. */
bool
onnx_op_mod(struct opx *c)
{
	struct value *x = c->in[0], *y = c->in[1];

	if (attr_i(c, "fmod", 0) == 0) {
		if (dtype_is_float(x->type.dtype))
			return op_error(c, "needs fmod = 1 on floats");
		return op_result(c, 0, OP_mod, c->in, 2, NULL, 0);
	}
	struct value *in[] = {op_binary(c, OP_mod, op_unary(c, OP_abs, x),
	    op_unary(c, OP_abs, y)), op_unary(c, OP_sign, x)};
	return in[0] != NULL && in[1] != NULL &&
	    op_result(c, 0, OP_mul, in, 2, NULL, 0);
}

bool
onnx_op_prelu(struct opx *c)
{
	struct value *x = c->in[0], *in[] = {x, c->in[1]};
	int64_t dim[MAX_RANK];

	/* Before opset 7 a list of slopes belonged to the channels. */
	if (c->opset < 7 && in[1]->type.rank == 1 && x->type.rank > 2 &&
	    in[1]->type.dim[0] > 1) {
		for (int i = 0; i < x->type.rank - 1; i++)
			dim[i] = i == 0 ? in[1]->type.dim[0] : 1;
		in[1] = op_reshape(c, in[1], dim, x->type.rank - 1);
	}
	return in[1] != NULL && op_result(c, 0, OP_prelu, in, 2, NULL, 0);
}

bool
onnx_op_variadic(struct opx *c)
{
	struct value *in[] = {c->in[0], NULL};

	for (int i = 0; i < c->nin; i++)
		if (c->in[i] == NULL)
			return op_error(c, "input %d is left out", i);
	for (int i = 1; i < c->nin; i++) {
		in[1] = c->in[i];
		if (i == c->nin - 1)
			return op_result(c, 0, c->row->op, in, 2, NULL, 0);
		in[0] = op_emit(c, c->row->op, in, 2, NULL, 0);
		if (in[0] == NULL)
			return false;
	}
	c->out[0] = c->in[0];
	return true;
}

bool
onnx_op_mean(struct opx *c)
{
	struct value *sum = c->in[0];

	for (int i = 1; i < c->nin; i++) {
		if (c->in[i] == NULL)
			return op_error(c, "input %d is left out", i);
		sum = op_binary(c, OP_add, sum, c->in[i]);
	}
	if (sum == NULL)
		return false;
	if (!dtype_is_float(sum->type.dtype))
		return op_error(c, "needs float operands");
	struct value *in[] = {sum, op_scalar(c, sum->type.dtype, c->nin)};
	return op_result(c, 0, OP_div, in, 2, NULL, 0);
}

bool
onnx_op_where(struct opx *c)
{
	return op_result(c, 0, OP_select, c->in, 3, NULL, 0);
}
