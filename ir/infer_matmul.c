/* Shape rules of matrix products. */
#include "ir/infer.h"

/* Rows and columns of operand i after its transpose attribute. */
static void
matrix(const struct infer *x, int i, enum attr_id trans, int64_t *rows,
    int64_t *cols)
{
	const struct tensor_type *t = infer_in(x, i);
	bool swap = infer_int(x, trans) != 0;

	*rows = t->dim[t->rank - (swap ? 1 : 2)];
	*cols = t->dim[t->rank - (swap ? 2 : 1)];
}

/* M and N; the inner extents must agree. */
static bool
product(struct infer *x, int64_t *m, int64_t *n)
{
	int64_t ka, kb;

	matrix(x, 0, ATTR_trans_a, m, &ka);
	matrix(x, 1, ATTR_trans_b, &kb, n);
	if (ka != kb)
		return infer_fail(x, "the inner extents %lld and %lld differ",
		    (long long)ka, (long long)kb);
	return true;
}

bool
infer_matmul(struct infer *x)
{
	struct tensor_type a = *infer_in(x, 0), b = *infer_in(x, 1), out;
	int64_t m, n;

	if (a.rank < 2 || b.rank < 2)
		return infer_fail(x, "operands 0 and 1 need rank 2 or more");
	if (!product(x, &m, &n))
		return false;
	a.rank -= 2;
	b.rank -= 2;
	if (!type_broadcast(&a, &b, &out))
		return infer_fail(x, "the batch dimensions do not broadcast");
	out.dim[out.rank++] = m;
	out.dim[out.rank++] = n;
	return infer_result(x, &out, infer_widest(x)) &&
	    infer_vector(x, 2, "bias", n) && infer_residual(x, 3);
}

bool
infer_gemm(struct infer *x)
{
	const struct tensor_type *a = infer_in(x, 0), *b = infer_in(x, 1);
	const struct tensor_type *c = infer_in(x, 2);
	struct tensor_type out = {.rank = 2}, all;

	if (a->rank != 2 || b->rank != 2)
		return infer_fail(x, "operands 0 and 1 need rank 2");
	if (!product(x, &out.dim[0], &out.dim[1]))
		return false;
	if (c != NULL && (!type_broadcast(&out, c, &all) ||
	        !shape_equal(&out, &all)))
		return infer_fail(x, "operand 2 does not broadcast to "
		    "[%lld,%lld]", (long long)out.dim[0],
		    (long long)out.dim[1]);
	return infer_result(x, &out, infer_widest(x));
}
