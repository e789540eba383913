#include "frontend/onnx_imp.h"

/* Before opset 13 softmax saw its operand as a matrix: the dimensions before
 * axis are rows, the others one long column axis. */

/* The operand in the form in which one axis suffices. */
static bool
softmax_view(struct opx *c, struct value **x, int *axis)
{
	const struct tensor_type *t = &c->in[0]->type;
	int64_t dflt = c->opset < 13 ? 1 : -1, dim[2] = {1, 1};

	*x = c->in[0];
	if (c->opset < 13 && t->rank == 1 && !attr_present(c, "axis"))
		dflt = 0;
	int64_t a = attr_i(c, "axis", dflt);
	if (!arg_axis(c, a, t->rank, axis))
		return false;
	if (c->opset >= 13 || *axis == t->rank - 1)
		return true;
	for (int i = 0; i < t->rank; i++)
		dim[i >= *axis] *= t->dim[i];
	if (dim[1] == t->dim[*axis]) /* only ones behind axis */
		return true;
	*x = op_reshape(c, *x, dim, 2);
	*axis = 1;
	return *x != NULL;
}

/* Result 0 from y, which has the shape of the view. */
static bool
softmax_unview(struct opx *c, struct value *y)
{
	const struct tensor_type *t = &c->in[0]->type;

	return op_reshape_result(c, 0, y, t->dim, t->rank);
}

bool
onnx_op_softmax(struct opx *c)
{
	struct value *x;
	int axis;

	if (!softmax_view(c, &x, &axis))
		return false;
	struct attr a = attr_make_int(ATTR_axis, axis);
	if (x == c->in[0])
		return op_result(c, 0, c->row->op, &x, 1, &a, 1);
	return softmax_unview(c, op_emit(c, c->row->op, &x, 1, &a, 1));
}

/* 1 at the first maximum along axis, else 0. */
bool
onnx_op_hardmax(struct opx *c)
{
	struct value *x;
	int axis;

	if (!softmax_view(c, &x, &axis))
		return false;
	struct attr a[] = {
		attr_make_int(ATTR_axis, axis),
		attr_make_int(ATTR_keepdims, 1),
	};
	struct value *best = op_emit(c, OP_argmax, &x, 1, a, 2);
	int64_t n = x->type.dim[axis], dim[MAX_RANK];
	struct tensor_type t = type_make(DT_I64, 1, &n);
	if (best == NULL || !op_reserve(c, &t))
		return false;
	int64_t *count = NEW_ARRAY(c->m->arena, int64_t, (size_t)n + 1);
	for (int64_t i = 0; i < n; i++)
		count[i] = i;
	for (int i = axis; i < x->type.rank; i++)
		dim[i - axis] = i == axis ? n : 1;
	t = type_make(DT_I64, x->type.rank - axis, dim);
	struct value *iota = graph_const(c->m->graph, NULL, &t, count);
	struct value *hot = op_binary(c, OP_equal, iota, best);
	if (hot == NULL)
		return false;
	struct attr to =
	    attr_make_int(ATTR_to, (int64_t)x->type.dtype);
	if (x == c->in[0])
		return op_result(c, 0, OP_cast, &hot, 1, &to, 1);
	return softmax_unview(c, op_emit(c, OP_cast, &hot, 1, &to, 1));
}
