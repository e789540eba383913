/* Shape rules of ops on the pixels of images. */
#include "ir/infer.h"

#include <math.h>

bool
infer_depth_to_space(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int64_t b = infer_int(x, ATTR_blocksize);
	struct tensor_type out = *t;

	if (t->rank != 4)
		return infer_fail(x, "operand 0 has rank %d, needs 4",
		    t->rank);
	if (t->dim[1] % (b * b) != 0)
		return infer_fail(x, "%lld channels are no multiple of "
		    "blocksize^2", (long long)t->dim[1]);
	out.dim[1] /= b * b;
	out.dim[2] *= b;
	out.dim[3] *= b;
	return infer_result(x, &out, t->dtype);
}

bool
infer_space_to_depth(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int64_t b = infer_int(x, ATTR_blocksize);
	struct tensor_type out = *t;

	if (t->rank != 4)
		return infer_fail(x, "operand 0 has rank %d, needs 4",
		    t->rank);
	if (t->dim[2] % b != 0 || t->dim[3] % b != 0)
		return infer_fail(x, "%lld x %lld pixels are no multiple of "
		    "the blocksize", (long long)t->dim[2],
		    (long long)t->dim[3]);
	out.dim[2] /= b;
	out.dim[3] /= b;
	/* checked in two steps: C b^2 may exceed 64 bits */
	out.dim[1] *= b;
	if (out.dim[1] <= MAX_DIM)
		out.dim[1] *= b;
	return infer_result(x, &out, t->dtype);
}

bool
infer_resize(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	const struct attr *scales = infer_attr(x, ATTR_scales);
	int64_t shape[MAX_RANK];
	struct tensor_type out;

	if (!infer_list(x, ATTR_shape, t->rank, INFER_REQUIRED, shape))
		return false;
	if (scales->n != 0 && scales->n != (size_t)t->rank)
		return infer_fail(x, "attribute scales has %zu elements, "
		    "needs 0 or %d", scales->n, t->rank);
	for (size_t i = 0; i < scales->n; i++)
		if (!(scales->floats[i] > 0) || !isfinite(scales->floats[i]))
			return infer_fail(x, "scale of axis %d is not "
			    "positive and finite", (int)i);
	if (infer_int(x, ATTR_mode) != 0 && !dtype_is_float(t->dtype))
		return infer_fail(x, "mode %s needs floats",
		    attr_word(x->op, ATTR_mode, infer_int(x, ATTR_mode)));
	for (int i = 0; i < t->rank; i++)
		if ((t->dim[i] == 0) != (shape[i] == 0))
			return infer_fail(x, "axis %d cannot go from %lld to "
			    "%lld elements", i, (long long)t->dim[i],
			    (long long)shape[i]);
	out = type_make(t->dtype, t->rank, shape);
	return infer_result(x, &out, t->dtype);
}
