/* Shape rules of data movement. */
#include "ir/infer.h"

/* The attribute shape as a type; empty is a scalar. */
static bool
shape_attr(struct infer *x, struct tensor_type *out)
{
	const struct attr *a = infer_attr(x, ATTR_shape);

	if (a->n > MAX_RANK)
		return infer_fail(x, "attribute shape has rank %zu, at most "
		    "%d is possible", a->n, MAX_RANK);
	*out = type_make(infer_in(x, 0)->dtype, (int)a->n, a->ints);
	return true;
}

bool
infer_reshape(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	struct tensor_type out;

	if (!shape_attr(x, &out) || !infer_result(x, &out, t->dtype))
		return false;
	if (type_elems(&out) != type_elems(t))
		return infer_fail(x, "%lld elements cannot become %lld",
		    (long long)type_elems(t), (long long)type_elems(&out));
	return true;
}

bool
infer_transpose(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int64_t perm[MAX_RANK];
	bool seen[MAX_RANK] = {false};
	struct tensor_type out = *t;

	if (!infer_list(x, ATTR_perm, t->rank, INFER_REQUIRED, perm))
		return false;
	for (int i = 0; i < t->rank; i++) {
		if (perm[i] >= t->rank || seen[perm[i]])
			return infer_fail(x, "perm is no permutation of %d "
			    "axes", t->rank);
		seen[perm[i]] = true;
		out.dim[i] = t->dim[perm[i]];
	}
	return infer_result(x, &out, t->dtype);
}

bool
infer_slice(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int64_t start[MAX_RANK], step[MAX_RANK], size[MAX_RANK];
	struct tensor_type out = *t;

	if (!infer_list(x, ATTR_starts, t->rank, INFER_REQUIRED, start) ||
	    !infer_list(x, ATTR_steps, t->rank, INFER_REQUIRED, step) ||
	    !infer_list(x, ATTR_sizes, t->rank, INFER_REQUIRED, size))
		return false;
	for (int i = 0; i < t->rank; i++) {
		int64_t last = start[i] + (size[i] - 1) * step[i];

		if (step[i] == 0)
			return infer_fail(x, "step of axis %d is 0", i);
		if (size[i] > 0 && (start[i] >= t->dim[i] || last < 0 ||
		        last >= t->dim[i]))
			return infer_fail(x, "elements %lld to %lld of axis "
			    "%d are outside its extent %lld",
			    (long long)start[i], (long long)last, i,
			    (long long)t->dim[i]);
		out.dim[i] = size[i];
	}
	return infer_result(x, &out, t->dtype);
}

bool
infer_concat(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	struct tensor_type out = *t;
	int axis;

	if (!infer_axis(x, t->rank, &axis))
		return false;
	for (int k = 1; k < x->nin; k++) {
		const struct tensor_type *u = infer_in(x, k);

		if (u->dtype != t->dtype || u->rank != t->rank)
			return infer_fail(x, "operand %d has another dtype "
			    "or rank than operand 0", k);
		for (int i = 0; i < t->rank; i++)
			if (i != axis && u->dim[i] != t->dim[i])
				return infer_fail(x, "operand %d differs "
				    "from operand 0 in axis %d", k, i);
		out.dim[axis] += u->dim[axis];
		if (out.dim[axis] > MAX_DIM)
			return infer_fail(x, "axis %d grows beyond 2^31 - 1",
			    axis);
	}
	return infer_result(x, &out, t->dtype);
}

/* Padding repeats elements that must be there. */
static bool
pad_axis(struct infer *x, int i, int64_t begin, int64_t end)
{
	static const char *const names[] = {"constant", "reflect", "edge"};
	int64_t mode = infer_int(x, ATTR_mode), dim = infer_in(x, 0)->dim[i];
	int64_t most = begin > end ? begin : end;
	int64_t limit = mode == 1 ? dim - 1 : dim > 0 ? MAX_DIM : 0;

	if (mode != 0 && (begin < 0 || end < 0))
		return infer_fail(x, "mode %s cannot pad axis %d by a "
		    "negative count", names[mode], i);
	if (mode != 0 && most > 0 && most > limit)
		return infer_fail(x, "mode %s cannot pad axis %d of %lld "
		    "elements by %lld", names[mode], i, (long long)dim,
		    (long long)most);
	if (dim + begin < 0 || dim + end < 0 || dim + begin + end < 0)
		return infer_fail(x, "axis %d would have a negative extent",
		    i);
	return true;
}

bool
infer_pad(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int64_t begin[MAX_RANK], end[MAX_RANK];
	struct tensor_type out = *t;

	if (!infer_list(x, ATTR_pads_begin, t->rank, 0, begin) ||
	    !infer_list(x, ATTR_pads_end, t->rank, 0, end))
		return false;
	for (int i = 0; i < t->rank; i++) {
		if (!pad_axis(x, i, begin[i], end[i]))
			return false;
		out.dim[i] += begin[i] + end[i];
	}
	return infer_result(x, &out, t->dtype);
}

bool
infer_expand(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	struct tensor_type out, all;

	if (!shape_attr(x, &out))
		return false;
	if (!type_broadcast(t, &out, &all) || !shape_equal(&all, &out))
		return infer_fail(x, "operand 0 does not broadcast to the "
		    "attribute shape");
	return infer_result(x, &out, t->dtype);
}

bool
infer_tile(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0), *r = infer_in(x, 1);
	const void *data = x->in[1]->data;
	struct tensor_type out = *t;

	if (!dtype_is_int(r->dtype) || r->rank != 1 ||
	    r->dim[0] != t->rank)
		return infer_fail(x, "repeats must be %d integers", t->rank);
	if (x->in[1]->kind != VALUE_CONST || data == NULL)
		return infer_fail(x, "repeats are not constant");
	for (int i = 0; i < t->rank; i++) {
		int64_t n = dtype_get_i64(data, r->dtype, (size_t)i);

		if (n < 0 || n > MAX_DIM)
			return infer_fail(x, "axis %d cannot repeat %lld "
			    "times", i, (long long)n);
		out.dim[i] *= n; /* both below 2^31 */
	}
	return infer_result(x, &out, t->dtype);
}

/* Constant indices lie in [-extent, extent). */
static bool
check_indices(struct infer *x, int64_t extent)
{
	const struct value *v = x->in[1];
	int64_t n = type_elems(&v->type);

	if (v->kind != VALUE_CONST || v->data == NULL)
		return true;
	for (int64_t i = 0; i < n; i++) {
		int64_t k = dtype_get_i64(v->data, v->type.dtype, (size_t)i);

		if (k < -extent || k >= extent)
			return infer_fail(x, "index %lld (number %lld) is "
			    "outside the extent %lld", (long long)k,
			    (long long)i, (long long)extent);
	}
	return true;
}

bool
infer_gather(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0), *k = infer_in(x, 1);
	struct tensor_type out = {.rank = 0};
	int axis;

	if (!infer_axis(x, t->rank, &axis))
		return false;
	if (!dtype_is_int(k->dtype))
		return infer_fail(x, "indices are no integers");
	if (t->rank - 1 + k->rank > MAX_RANK)
		return infer_fail(x, "the result would have rank %d",
		    t->rank - 1 + k->rank);
	for (int i = 0; i < axis; i++)
		out.dim[out.rank++] = t->dim[i];
	for (int i = 0; i < k->rank; i++)
		out.dim[out.rank++] = k->dim[i];
	for (int i = axis + 1; i < t->rank; i++)
		out.dim[out.rank++] = t->dim[i];
	return infer_result(x, &out, t->dtype) &&
	    check_indices(x, t->dim[axis]);
}

bool
infer_group_gather(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	int64_t dim[MAX_RANK];
	struct tensor_type out;

	if (t->rank == MAX_RANK)
		return infer_fail(x, "operand 0 has rank %d already",
		    MAX_RANK);
	dim[0] = infer_attr(x, ATTR_size)->i;
	for (int i = 0; i < t->rank; i++)
		dim[1 + i] = t->dim[i];
	out = type_make(t->dtype, 1 + t->rank, dim);
	return infer_result(x, &out, out.dtype);
}

bool
infer_group_part(struct infer *x)
{
	struct tensor_type out = *infer_in(x, 0);
	int64_t size = infer_attr(x, ATTR_size)->i;

	if (out.rank == 0 || out.dim[0] % size != 0)
		return infer_fail(x, "%lld groups cannot share the first "
		    "dimension", (long long)size);
	out.dim[0] /= size;
	return infer_result(x, &out, out.dtype);
}
