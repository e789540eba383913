#include "frontend/onnx_imp.h"

/* Axes as attribute or, from a certain opset on, as an operand. */
static bool
reduce_axes(struct opx *c, struct ints *v)
{
	int as_input = c->row->op == OP_reduce_sum ? 13 : 18;

	*v = (struct ints){NULL, 0};
	if (c->opset < as_input) {
		if (c->nin > 1)
			return op_error(c, "has axes as an input, which "
			    "opset %d introduced", as_input);
		(void)attr_is(c, "axes", v);
		return true;
	}
	return c->in[1] == NULL || arg_ints(c, 1, "axes", v);
}

/* A scalar has no axis to reduce: give it one. */
static bool
reduce_scalar(struct opx *c)
{
	int64_t one = 1, zero = 0;
	struct value *x = op_reshape(c, c->in[0], &one, 1);
	struct attr a[] = {
		attr_make_ints(ATTR_axes, imp_ints(c->m, &zero, 1), 1),
		attr_make_int(ATTR_keepdims, 0),
	};

	return x != NULL && op_result(c, 0, c->row->op, &x, 1, a, 2);
}

bool
onnx_op_reduce(struct opx *c)
{
	int rank = c->in[0]->type.rank;
	bool keep = attr_i(c, "keepdims", 1) != 0, noop = false;
	bool seen[MAX_RANK] = {false};
	int pos[MAX_RANK], n = 0;
	int64_t axes[MAX_RANK];
	struct ints v;

	if (!reduce_axes(c, &v))
		return false;
	if (c->opset >= 13)
		noop = attr_i(c, "noop_with_empty_axes", 0) != 0;
	if (v.n > (size_t)rank)
		return op_error(c, "has %zu axes for rank %d", v.n, rank);
	if (v.n == 0 && noop) {
		c->out[0] = c->in[0];
		return true;
	}
	if (rank == 0)
		return reduce_scalar(c);
	if (!arg_axes(c, &v, rank, pos))
		return false;
	for (size_t i = 0; i < v.n; i++)
		seen[pos[i]] = true;
	for (int i = 0; i < rank; i++)
		if (seen[i] || v.n == 0)
			axes[n++] = i;
	struct attr a[] = {
		attr_make_ints(ATTR_axes,
		    imp_ints(c->m, axes, (size_t)n), (size_t)n),
		attr_make_int(ATTR_keepdims, keep),
	};
	return op_result(c, 0, c->row->op, c->in, 1, a, 2);
}

bool
onnx_op_arg_reduce(struct opx *c)
{
	int axis;

	if (!arg_axis(c, attr_i(c, "axis", 0), c->in[0]->type.rank, &axis))
		return false;
	struct attr a[] = {
		attr_make_int(ATTR_axis, axis),
		attr_make_int(ATTR_keepdims, attr_i(c, "keepdims", 1) != 0),
		attr_make_int(ATTR_select_last, c->opset >= 12 &&
		    attr_i(c, "select_last_index", 0) != 0),
	};
	return op_result(c, 0, c->row->op, c->in, 1, a, 3);
}
