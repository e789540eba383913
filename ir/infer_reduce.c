/* Shape rules of reductions and of ops along one axis. */
#include "ir/infer.h"

#include <string.h>

/* Drops or keeps as 1 the axes marked in gone. */
static void
reduce_shape(const struct infer *x, const bool *gone, struct tensor_type *out)
{
	const struct tensor_type *t = infer_in(x, 0);
	bool keep = infer_int(x, ATTR_keepdims) != 0;

	memset(out, 0, sizeof *out);
	for (int i = 0; i < t->rank; i++)
		if (!gone[i])
			out->dim[out->rank++] = t->dim[i];
		else if (keep)
			out->dim[out->rank++] = 1;
}

static bool
no_extreme(struct infer *x, int axis)
{
	return infer_fail(x, "axis %d is empty and has no extreme", axis);
}

bool
infer_reduce(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	const struct attr *axes = infer_attr(x, ATTR_axes);
	bool extreme = x->op == OP_reduce_max || x->op == OP_reduce_min;
	bool gone[MAX_RANK] = {false};
	struct tensor_type out;

	if (t->dtype == DT_BOOL)
		return infer_fail(x, "operand 0 is bool");
	for (size_t i = 0; i < axes->n; i++) {
		if (axes->ints[i] >= t->rank)
			return infer_fail(x, "axis %d is not below the rank "
			    "%d", (int)axes->ints[i], t->rank);
		if (i > 0 && axes->ints[i] <= axes->ints[i - 1])
			return infer_fail(x, "axes are not in ascending "
			    "order");
		gone[axes->ints[i]] = true;
	}
	for (int i = 0; i < t->rank; i++) {
		gone[i] = gone[i] || axes->n == 0;
		if (gone[i] && t->dim[i] == 0 && extreme)
			return no_extreme(x, i);
	}
	reduce_shape(x, gone, &out);
	return infer_result(x, &out, t->dtype);
}

bool
infer_argreduce(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	bool gone[MAX_RANK] = {false};
	struct tensor_type out;
	int axis;

	if (t->dtype == DT_BOOL)
		return infer_fail(x, "operand 0 is bool");
	if (!infer_axis(x, t->rank, &axis))
		return false;
	if (t->dim[axis] == 0)
		return no_extreme(x, axis);
	gone[axis] = true;
	reduce_shape(x, gone, &out);
	return infer_result(x, &out, DT_I64);
}

bool
infer_axis_same(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int axis;

	return infer_axis(x, t->rank, &axis) && infer_result(x, t, t->dtype);
}

/* Same type, with a channel axis. */
bool
infer_channel_same(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);

	if (t->rank < 2)
		return infer_fail(x, "operand 0 has no channel axis");
	return infer_result(x, t, t->dtype);
}

bool
infer_channel_sum(struct infer *x)
{
	return infer_channel_same(x);
}
