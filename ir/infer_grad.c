/* Shape rules of the ops that training adds. */
#include "ir/infer.h"

#define MAX_SPATIAL 3
#define MAX_TAPS 65536 /* an index of 16 bits */

bool
infer_conv_wgrad(struct infer *x)
{
	const struct tensor_type *a = infer_in(x, 0), *dy = infer_in(x, 1);
	int64_t groups = infer_int(x, ATTR_groups), kernel[MAX_SPATIAL];
	struct tensor_type out = *a;

	if (a->rank < 3 || a->rank - 2 > MAX_SPATIAL)
		return infer_fail(x, "operand 0 has rank %d, needs 3 to 5",
		    a->rank);
	if (!infer_list(x, ATTR_kernel, a->rank - 2, INFER_REQUIRED,
	        kernel) ||
	    !infer_slides(x, a, kernel, dy, true))
		return false;
	if (a->dim[0] != dy->dim[0])
		return infer_fail(x, "%lld images and %lld gradients",
		    (long long)a->dim[0], (long long)dy->dim[0]);
	if (a->dim[1] < 1 || dy->dim[1] < 1 || a->dim[1] % groups != 0 ||
	    dy->dim[1] % groups != 0)
		return infer_fail(x, "%lld groups do not divide the %lld "
		    "input and %lld output channels", (long long)groups,
		    (long long)a->dim[1], (long long)dy->dim[1]);
	out.dim[0] = dy->dim[1];
	out.dim[1] = a->dim[1] / groups;
	for (int i = 2; i < out.rank; i++)
		out.dim[i] = kernel[i - 2];
	return infer_result(x, &out, infer_widest(x));
}

/* The kernel of a pool over rank axes and how many taps it has. */
static bool
pool_taps(struct infer *x, int rank, int64_t kernel[MAX_SPATIAL],
    int64_t *taps)
{
	*taps = 1;
	if (rank < 3 || rank - 2 > MAX_SPATIAL)
		return infer_fail(x, "an image has rank %d, needs 3 to 5",
		    rank);
	if (!infer_list(x, ATTR_kernel, rank - 2, INFER_REQUIRED, kernel))
		return false;
	for (int i = 0; i < rank - 2; i++) {
		*taps *= kernel[i];
		if (*taps > MAX_TAPS)
			return infer_fail(x, "the window has more than %d "
			    "elements", MAX_TAPS);
	}
	return true;
}

static enum dtype
index_dtype(int64_t taps)
{
	return taps <= 256 ? DT_U8 : DT_U16;
}

bool
infer_max_pool_index(struct infer *x)
{
	int64_t kernel[MAX_SPATIAL], taps;

	return infer_pool(x) &&
	    pool_taps(x, x->out[0].rank, kernel, &taps) &&
	    infer_result(x, &x->out[0], index_dtype(taps));
}

/* The attribute shape: an image whose pool has the shape of operand 0. */
static bool
unpooled(struct infer *x, const int64_t *kernel, struct tensor_type *out)
{
	const struct tensor_type *dy = infer_in(x, 0);

	*out = *dy;
	if (!infer_list(x, ATTR_shape, dy->rank, INFER_REQUIRED, out->dim))
		return false;
	if (out->dim[0] != dy->dim[0] || out->dim[1] != dy->dim[1])
		return infer_fail(x, "operand 0 has other batches or "
		    "channels than the attribute shape");
	return infer_slides(x, out, kernel, dy, false);
}

bool
infer_sum_pool_grad(struct infer *x)
{
	int64_t kernel[MAX_SPATIAL], taps;
	struct tensor_type out;

	return pool_taps(x, infer_in(x, 0)->rank, kernel, &taps) &&
	    unpooled(x, kernel, &out) && infer_result(x, &out, out.dtype);
}

bool
infer_max_pool_grad(struct infer *x)
{
	const struct tensor_type *index = infer_in(x, 1);
	int64_t kernel[MAX_SPATIAL], taps;
	struct tensor_type out;

	if (!dtype_is_float(infer_in(x, 0)->dtype))
		return infer_fail(x, "operand 0 is no float");
	if (!pool_taps(x, infer_in(x, 0)->rank, kernel, &taps) ||
	    !unpooled(x, kernel, &out))
		return false;
	if (index->dtype != index_dtype(taps) ||
	    !shape_equal(index, infer_in(x, 0)))
		return infer_fail(x, "the index must have the shape of "
		    "operand 0 and dtype %s", dtype_name(index_dtype(taps)));
	return infer_result(x, &out, out.dtype);
}

bool
infer_slice_grad(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int64_t start[MAX_RANK], step[MAX_RANK];
	struct tensor_type out = *t;

	if (t->dtype == DT_BOOL)
		return infer_fail(x, "operand 0 is bool");
	if (!infer_list(x, ATTR_starts, t->rank, INFER_REQUIRED, start) ||
	    !infer_list(x, ATTR_steps, t->rank, INFER_REQUIRED, step) ||
	    !infer_list(x, ATTR_shape, t->rank, INFER_REQUIRED, out.dim))
		return false;
	for (int i = 0; i < t->rank; i++) {
		int64_t last = start[i] + (t->dim[i] - 1) * step[i];

		if (step[i] == 0)
			return infer_fail(x, "step of axis %d is 0", i);
		if (t->dim[i] > 0 && (start[i] >= out.dim[i] || last < 0 ||
		        last >= out.dim[i]))
			return infer_fail(x, "elements %lld to %lld of axis "
			    "%d are outside its extent %lld",
			    (long long)start[i], (long long)last, i,
			    (long long)out.dim[i]);
	}
	return infer_result(x, &out, t->dtype);
}

bool
infer_scatter_add(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0), *k = infer_in(x, 1);
	int64_t axis = infer_int(x, ATTR_axis);
	struct tensor_type out = {.rank = 0};

	if (!dtype_is_float(t->dtype))
		return infer_fail(x, "operand 0 is no float");
	if (k->dtype != DT_I32 && k->dtype != DT_I64)
		return infer_fail(x, "the indices are neither i32 nor i64");
	if (axis + k->rank > t->rank || t->rank - k->rank + 1 > MAX_RANK)
		return infer_fail(x, "operand 0 has rank %d, %d index axes "
		    "from %d do not fit", t->rank, k->rank, (int)axis);
	for (int i = 0; i < k->rank; i++)
		if (t->dim[axis + i] != k->dim[i])
			return infer_fail(x, "axis %d of operand 0 is not "
			    "that of the indices", (int)axis + i);
	for (int i = 0; i < (int)axis; i++)
		out.dim[out.rank++] = t->dim[i];
	out.dim[out.rank++] = infer_int(x, ATTR_size);
	for (int i = (int)axis + k->rank; i < t->rank; i++)
		out.dim[out.rank++] = t->dim[i];
	return infer_result(x, &out, t->dtype);
}

bool
infer_mask_pack(struct infer *x)
{
	struct tensor_type out = *infer_in(x, 0);
	int axis;

	if (!infer_axis(x, out.rank, &axis))
		return false;
	out.dim[axis] = out.dim[axis] / 8 + (out.dim[axis] % 8 != 0);
	return infer_result(x, &out, DT_U8);
}

bool
infer_mask_select(struct infer *x)
{
	const struct tensor_type *m = infer_in(x, 0), *y = infer_in(x, 1);
	struct tensor_type packed = *y;
	int axis;

	if (!infer_axis(x, y->rank, &axis))
		return false;
	if (!dtype_is_float(y->dtype))
		return infer_fail(x, "operand 1 is no float");
	packed.dim[axis] = y->dim[axis] / 8 + (y->dim[axis] % 8 != 0);
	if (m->dtype != DT_U8 || !shape_equal(m, &packed))
		return infer_fail(x, "the mask is not u8 with an eighth of "
		    "axis %d of operand 1", axis);
	return infer_result(x, y, y->dtype);
}

/* Operand i is the number of the step. */
static bool
step_operand(struct infer *x, int i)
{
	const struct tensor_type *t = infer_in(x, i);

	if (t->rank == 0 && t->dtype == DT_I64)
		return true;
	return infer_fail(x, "the step (operand %d) is not i64[]", i);
}

bool
infer_random_bits(struct infer *x)
{
	const struct attr *a = infer_attr(x, ATTR_shape);
	struct tensor_type out;

	if (a->n > MAX_RANK)
		return infer_fail(x, "attribute shape has rank %zu, at most "
		    "%d is possible", a->n, MAX_RANK);
	out = type_make(DT_U32, (int)a->n, a->ints);
	return step_operand(x, 0) && infer_result(x, &out, DT_U32);
}

bool
infer_dropout(struct infer *x)
{
	double ratio = infer_attr(x, ATTR_ratio)->f;
	const struct tensor_type *t = infer_in(x, 0);

	if (!dtype_is_float(t->dtype))
		return infer_fail(x, "operand 0 is no float");
	if (!(ratio >= 0 && ratio < 1))
		return infer_fail(x, "ratio %g is not in [0, 1)", ratio);
	return step_operand(x, 1) && infer_result(x, t, t->dtype);
}

/* Statistics are f32, or f64 where the image is. */
bool
infer_batch_norm_train(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	enum dtype s = infer_widest(x) == DT_F64 ? DT_F64 : DT_F32;

	if (t->rank < 2)
		return infer_fail(x, "operand 0 has no channel axis");
	if (t->dim[0] < 1)
		return infer_fail(x, "the batch is empty");
	for (int i = 2; i < t->rank; i++)
		if (t->dim[i] < 1)
			return infer_fail(x, "the images are empty");
	if (!infer_vector(x, 1, "scale", t->dim[1]) ||
	    !infer_vector(x, 2, "bias", t->dim[1]))
		return false;
	for (int i = 1; i < 3; i++)
		x->out[i] = type_make(s, 1, &t->dim[1]);
	return infer_result(x, t, infer_widest(x));
}

bool
infer_softmax_cross_entropy(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0), *k = infer_in(x, 1);
	double smoothing = infer_attr(x, ATTR_smoothing)->f;
	struct tensor_type scalar = {.rank = 0};

	if (!dtype_is_float(t->dtype) || t->rank < 2)
		return infer_fail(x, "the logits are no floats of [N,C,..]");
	if (k->dtype != DT_I32 && k->dtype != DT_I64)
		return infer_fail(x, "the labels are neither i32 nor i64");
	if (!(smoothing >= 0 && smoothing <= 1))
		return infer_fail(x, "smoothing %g is not in [0, 1]",
		    smoothing);
	if (k->rank != t->rank - 1 || k->dim[0] != t->dim[0])
		return infer_fail(x, "the labels are not one for each row");
	for (int i = 2; i < t->rank; i++)
		if (k->dim[i - 1] != t->dim[i])
			return infer_fail(x, "the labels are not one for "
			    "each row");
	for (int i = 0; i < t->rank; i++)
		if (t->dim[i] < 1)
			return infer_fail(x, "the logits are empty");
	return infer_result(x, &scalar,
	    t->dtype == DT_F64 ? DT_F64 : DT_F32);
}
