#include <math.h>
#include <string.h>

#include "frontend/onnx_imp.h"

/* Constants, given or generated. */

static bool
constant_ints(struct opx *c)
{
	struct ints v;
	struct tensor_type t = type_make(DT_I64, 0, NULL);

	if (attr_present(c, "value_int")) {
		int64_t i = attr_i(c, "value_int", 0);
		return op_const(c, 0, &t, imp_ints(c->m, &i, 1));
	}
	(void)attr_is(c, "value_ints", &v);
	return op_const_ints(c, 0, v.v, v.n);
}

static bool
constant_floats(struct opx *c)
{
	double one = attr_f(c, "value_float", 0);
	const double *v = &one;
	size_t n = 1;
	bool list = attr_present(c, "value_floats");

	if (list && !attr_fs(c, "value_floats", &v, &n))
		return false;
	int64_t dim = (int64_t)n;
	float *p = NEW_ARRAY(c->m->arena, float, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = (float)v[i];
	struct tensor_type t = type_make(DT_F32, list ? 1 : 0, &dim);
	return op_const(c, 0, &t, p);
}

bool
onnx_op_constant(struct opx *c)
{
	struct tensor_type t;
	const void *data;

	if (c->node->n_attribute != 1)
		return op_error(c, "needs exactly one attribute, has %zu",
		    c->node->n_attribute);
	if (attr_present(c, "value_int") || attr_present(c, "value_ints"))
		return constant_ints(c);
	if (attr_present(c, "value_float") ||
	    attr_present(c, "value_floats"))
		return constant_floats(c);
	if (attr_present(c, "sparse_value"))
		return op_error(c, "sparse constants are not supported: "
		    "store the tensor densely");
	if (attr_present(c, "value_string") ||
	    attr_present(c, "value_strings"))
		return op_error(c, "strings are not supported");
	const Onnx__TensorProto *p = attr_t(c, "value");
	if (p == NULL)
		return c->failed ? false
				 : op_error(c, "attribute 'value' is "
				       "missing");
	return onnx_tensor(c->m, &c->loc, "attribute 'value'", p, &t,
		   &data) &&
	    op_const(c, 0, &t, data);
}

bool
onnx_op_constant_of_shape(struct opx *c)
{
	struct ints v;
	struct tensor_type elem = type_make(DT_F32, 0, NULL), t;
	static const float zero = 0;
	const void *value = &zero;

	if (!arg_ints(c, 0, "shape", &v))
		return false;
	const Onnx__TensorProto *p = attr_t(c, "value");
	if (p != NULL && !onnx_tensor(c->m, &c->loc, "attribute 'value'", p,
		&elem, &value))
		return false;
	if (type_elems(&elem) != 1)
		return op_error(c, "attribute 'value' must hold one "
		    "element");
	if (!onnx_type(c->m, &c->loc, "input 0 (shape)", elem.dtype, v.v,
		v.n, &t) ||
	    !op_reserve(c, &t))
		return false;
	return op_const(c, 0, &t,
	    onnx_splat(c->m, t.dtype, value, type_elems(&t)));
}

static bool
range_ints(struct opx *c, enum dtype t)
{
	int64_t k[3];

	for (int i = 0; i < 3; i++)
		k[i] = dtype_get_i64(c->in[i]->data, t, 0);
	if (k[2] == 0)
		return op_error(c, "delta is 0");
	double n = ceil(((double)k[1] - (double)k[0]) / (double)k[2]);
	int64_t count = n > 0 ? (int64_t)fmin(n, 1e12) : 0;
	struct tensor_type type = type_make(t, 1, &count);
	if (!op_reserve(c, &type))
		return false;
	void *p = arena_calloc(c->m->arena, (size_t)count + 1,
	    dtype_size(t));
	for (int64_t i = 0; i < count; i++)
		dtype_set_i64(p, t, (size_t)i, (int64_t)((uint64_t)k[0] +
		    (uint64_t)i * (uint64_t)k[2]));
	return op_const(c, 0, &type, p);
}

static bool
range_floats(struct opx *c, enum dtype t)
{
	double k[3];

	for (int i = 0; i < 3; i++)
		k[i] = dtype_get(c->in[i]->data, t, 0);
	double n = ceil((k[1] - k[0]) / k[2]);
	if (k[2] == 0 || isnan(n))
		return op_error(c, "start, limit and delta make no range");
	int64_t count = n > 0 ? (int64_t)fmin(n, 1e12) : 0;
	struct tensor_type type = type_make(t, 1, &count);
	if (!op_reserve(c, &type))
		return false;
	void *p = arena_calloc(c->m->arena, (size_t)count + 1,
	    dtype_size(t));
	for (int64_t i = 0; i < count; i++)
		dtype_set(p, t, (size_t)i, k[0] + (double)i * k[2]);
	return op_const(c, 0, &type, p);
}

bool
onnx_op_range(struct opx *c)
{
	static const char *const names[] = {"start", "limit", "delta"};
	enum dtype t = c->in[0]->type.dtype;
	double unused;

	for (int i = 0; i < 3; i++) {
		if (!arg_scalar(c, i, names[i], &unused))
			return false;
		if (c->in[i]->type.dtype != t)
			return op_error(c, "start, limit and delta differ "
			    "in type");
	}
	return dtype_is_float(t) ? range_floats(c, t) : range_ints(c, t);
}

bool
onnx_op_eye_like(struct opx *c)
{
	const struct tensor_type *x = &c->in[0]->type;
	int64_t k = attr_i(c, "k", 0);
	enum dtype dt = x->dtype;

	if (attr_present(c, "dtype")) {
		int64_t to = attr_i(c, "dtype", 0);
		dt = onnx_dtype(to > 0 && to < 64 ? (int32_t)to : 0);
	}
	if (dt == DT_NONE || x->rank != 2)
		return op_error(c, "needs a matrix and a known dtype");
	struct tensor_type t = type_make(dt, 2, x->dim);
	if (!op_reserve(c, &t))
		return false;
	void *p = arena_calloc(c->m->arena, (size_t)type_elems(&t) + 1,
	    dtype_size(dt));
	int64_t first = k < 0 ? -(k < -x->dim[0] ? -x->dim[0] : k) : 0;
	for (int64_t i = first; i < x->dim[0]; i++)
		if (k <= x->dim[1] && i + k < x->dim[1])
			dtype_set(p, dt, (size_t)(i * x->dim[1] + i + k), 1);
	return op_const(c, 0, &t, p);
}

/* Shape of the indices with one more dimension of extent n at axis. */
static int
hot_shape(const struct tensor_type *x, int axis, int64_t n, int64_t *dim)
{
	for (int i = 0; i <= x->rank; i++)
		dim[i] = i == axis ? n : x->dim[i < axis ? i : i - 1];
	return x->rank + 1;
}

/* Element i (off, on) of the operand values. */
static struct value *
hot_value(struct opx *c, int64_t i)
{
	int64_t one = 1;
	struct attr a[] = {
		attr_make_ints(ATTR_starts, imp_ints(c->m, &i, 1), 1),
		attr_make_ints(ATTR_steps, imp_ints(c->m, &one, 1), 1),
		attr_make_ints(ATTR_sizes, imp_ints(c->m, &one, 1), 1),
	};

	return op_emit(c, OP_slice, &c->in[2], 1, a, 3);
}

bool
onnx_op_one_hot(struct opx *c)
{
	const struct tensor_type *x = &c->in[0]->type;
	double depth;
	int axis;
	int64_t dim[MAX_RANK + 1] = {0};

	if (!arg_scalar(c, 1, "depth", &depth))
		return false;
	if (!(depth >= 1 && depth <= 1e7) || x->rank >= MAX_RANK)
		return op_error(c, "depth %g or rank %d is out of range",
		    depth, x->rank + 1);
	if (!arg_axis(c, attr_i(c, "axis", -1), x->rank + 1, &axis))
		return false;
	if (c->in[2]->type.rank != 1 || c->in[2]->type.dim[0] != 2)
		return op_error(c, "input 2 (values) must hold two values");
	int64_t n = (int64_t)depth;
	void *p = arena_calloc(c->m->arena, (size_t)n,
	    dtype_size(x->dtype));
	for (int64_t i = 0; i < n; i++)
		dtype_set(p, x->dtype, (size_t)i, (double)i);
	int rank = hot_shape(x, axis, 1, dim);
	struct value *idx = op_reshape(c, c->in[0], dim, rank);
	for (int i = 0; i < rank; i++)
		dim[i] = i == axis ? n : 1;
	struct tensor_type t = type_make(x->dtype, rank, dim);
	struct value *iota = graph_const(c->m->graph, NULL, &t, p);
	/* Negative indices count from the end: they match i - depth. */
	struct value *neg = op_binary(c, OP_sub, iota,
	    op_scalar(c, x->dtype, (double)n));
	struct value *in[] = {op_binary(c, OP_equal, idx, iota),
	    op_binary(c, OP_equal, idx, neg), NULL};
	in[0] = op_binary(c, OP_or, in[0], in[1]);
	in[1] = hot_value(c, 1);
	in[2] = hot_value(c, 0);
	return in[0] != NULL && in[1] != NULL && in[2] != NULL &&
	    op_result(c, 0, OP_select, in, 3, NULL, 0);
}

bool
onnx_op_trilu(struct opx *c)
{
	const struct tensor_type *x = &c->in[0]->type;
	bool upper = attr_i(c, "upper", 1) != 0;
	double k = 0;

	if (c->in[1] != NULL && !arg_scalar(c, 1, "k", &k))
		return false;
	if (x->rank < 2)
		return op_error(c, "needs rank 2 or more");
	const int64_t *dim = x->dim + x->rank - 2;
	struct tensor_type t = type_make(DT_BOOL, 2, dim);
	if (!op_reserve(c, &t))
		return false;
	unsigned char *keep =
	    arena_alloc(c->m->arena, (size_t)type_elems(&t) + 1);
	for (int64_t i = 0; i < dim[0]; i++)
		for (int64_t j = 0; j < dim[1]; j++)
			keep[i * dim[1] + j] = upper
			    ? (double)(j - i) >= k : (double)(j - i) <= k;
	struct value *in[] = {graph_const(c->m->graph, NULL, &t, keep),
	    c->in[0], op_scalar(c, x->dtype, 0)};
	return op_result(c, 0, OP_select, in, 3, NULL, 0);
}
