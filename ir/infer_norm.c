/* Shape rules of normalisations. */
#include "ir/infer.h"

/* Operands 1 to last are vectors, one element per channel. */
static bool
channel_vectors(struct infer *x, const char *const *what, int last)
{
	const struct tensor_type *t = infer_in(x, 0);

	if (t->rank < 2)
		return infer_fail(x, "operand 0 has no channel axis");
	for (int i = 1; i <= last; i++)
		if (!infer_vector(x, i, what[i - 1], t->dim[1]))
			return false;
	return infer_result(x, t, infer_widest(x));
}

bool
infer_batch_norm(struct infer *x)
{
	static const char *const what[] = {"scale", "bias", "mean",
	    "variance"};

	return channel_vectors(x, what, 4);
}

/* The ranges of group_norm cover each channel once, in order. */
static bool
check_ranges(struct infer *x)
{
	const struct attr *lo = infer_attr(x, ATTR_channel_starts);
	const struct attr *hi = infer_attr(x, ATTR_channel_ends);
	int64_t channels = infer_in(x, 0)->dim[1], at = 0;

	if (lo->n != hi->n)
		return infer_fail(x, "there are %zu channel_starts and %zu "
		    "channel_ends", lo->n, hi->n);
	for (size_t i = 0; i < lo->n; i++) {
		if (lo->ints[i] != at || hi->ints[i] <= at)
			return infer_fail(x, "channel range %zu is empty or "
			    "does not follow the one before", i);
		at = hi->ints[i];
	}
	if (at != channels)
		return infer_fail(x, "the channel ranges end at %lld of %lld "
		    "channels", (long long)at, (long long)channels);
	return true;
}

bool
infer_channel_norm(struct infer *x)
{
	static const char *const what[] = {"scale", "bias"};

	return channel_vectors(x, what, 2) &&
	    (x->op != OP_group_norm || check_ranges(x));
}

bool
infer_group_norm_train(struct infer *x)
{
	static const char *const what[] = {"scale", "bias"};
	enum dtype s = infer_widest(x) == DT_F64 ? DT_F64 : DT_F32;
	int64_t dim[2];

	if (!channel_vectors(x, what, 2) || !check_ranges(x))
		return false;
	if (type_elems(infer_in(x, 0)) == 0)
		return infer_fail(x, "there is nothing to normalise");
	dim[0] = infer_in(x, 0)->dim[0];
	dim[1] = (int64_t)infer_attr(x, ATTR_channel_starts)->n;
	for (int i = 1; i < 3; i++)
		x->out[i] = type_make(s, 2, dim);
	return true;
}

bool
infer_layer_norm(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	struct tensor_type tail = {.rank = 0}, all;
	int axis;

	if (!infer_axis(x, t->rank, &axis))
		return false;
	for (int i = axis; i < t->rank; i++)
		tail.dim[tail.rank++] = t->dim[i];
	for (int i = 1; i < x->nin; i++) {
		const struct tensor_type *u = infer_in(x, i);

		if (!type_broadcast(&tail, u, &all) ||
		    !shape_equal(&tail, &all))
			return infer_fail(x, "operand %d does not broadcast "
			    "to the normalised axes", i);
	}
	return infer_result(x, t, infer_widest(x));
}
