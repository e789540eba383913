#include "frontend/onnx_imp.h"

/* NumPy's rule for vectors: a row on the left, a column on the right, and
 * the added dimension leaves the result. */
bool
onnx_op_matmul(struct opx *c)
{
	struct value *in[] = {c->in[0], c->in[1]};
	bool row = in[0]->type.rank == 1, col = in[1]->type.rank == 1;
	int64_t dim[MAX_RANK];
	int n = 0;

	if (in[0]->type.rank == 0 || in[1]->type.rank == 0)
		return op_error(c, "input %d is a scalar",
		    in[0]->type.rank == 0 ? 0 : 1);
	if (!row && !col)
		return op_result(c, 0, OP_matmul, in, 2, NULL, 0);
	if (row) {
		dim[0] = 1;
		dim[1] = in[0]->type.dim[0];
		in[0] = op_reshape(c, in[0], dim, 2);
	}
	if (col) {
		dim[0] = in[1]->type.dim[0];
		dim[1] = 1;
		in[1] = op_reshape(c, in[1], dim, 2);
	}
	if (in[0] == NULL || in[1] == NULL)
		return false;
	struct value *y = op_emit(c, OP_matmul, in, 2, NULL, 0);
	if (y == NULL)
		return false;
	for (int i = 0; i < y->type.rank; i++)
		if (!(row && i == y->type.rank - 2) &&
		    !(col && i == y->type.rank - 1))
			dim[n++] = y->type.dim[i];
	return op_reshape_result(c, 0, y, dim, n);
}

bool
onnx_op_gemm(struct opx *c)
{
	double beta = attr_f(c, "beta", 1);
	struct attr a[] = {
		attr_make_int(ATTR_trans_a, attr_i(c, "transA", 0) != 0),
		attr_make_int(ATTR_trans_b, attr_i(c, "transB", 0) != 0),
		attr_make_float(ATTR_alpha, attr_f(c, "alpha", 1)),
		attr_make_float(ATTR_beta, beta),
	};

	if (c->opset < 7)
		attr_ignore(c, "broadcast"); /* shapes decide */
	return op_result(c, 0, OP_gemm, c->in, c->in[2] != NULL ? 3 : 2, a,
	    4);
}
