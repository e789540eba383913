#include <string.h>

#include "frontend/onnx_imp.h"
#include "support/str.h"

enum dtype
onnx_dtype(int32_t type)
{
	switch (type) {
	case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: return DT_F32;
	case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16: return DT_F16;
	case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: return DT_BF16;
	case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: return DT_F64;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT8: return DT_I8;
	case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8: return DT_U8;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT16: return DT_I16;
	case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16: return DT_U16;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: return DT_I32;
	case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32: return DT_U32;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return DT_I64;
	case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64: return DT_U64;
	case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL: return DT_BOOL;
	default: return DT_NONE;
	}
}

const char *
onnx_dtype_name(int32_t type)
{
	enum dtype t = onnx_dtype(type);

	if (t != DT_NONE)
		return dtype_name(t);
	switch (type) {
	case ONNX__TENSOR_PROTO__DATA_TYPE__UNDEFINED: return "undefined";
	case ONNX__TENSOR_PROTO__DATA_TYPE__STRING: return "string";
	case ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64: return "complex64";
	case ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128: return "complex128";
	default: return "unknown";
	}
}

bool
onnx_type(struct imp *m, const struct loc *loc, const char *what,
    enum dtype t, const int64_t *dim, size_t rank, struct tensor_type *out)
{
	int64_t elems = 1;

	if (rank > MAX_RANK) {
		diag_error(m->diag, loc, "%s: rank %zu exceeds the limit of "
		    "%d", what, rank, MAX_RANK);
		return false;
	}
	for (size_t i = 0; i < rank; i++) {
		if (dim[i] < 0 || dim[i] > MAX_DIM) {
			diag_error(m->diag, loc, "%s: dimension %zu is %lld",
			    what, i, (long long)dim[i]);
			return false;
		}
	}
	/* A zero makes the whole product zero, whatever the others are. */
	for (size_t i = 0; i < rank; i++)
		if (dim[i] != 0 && (!mul_int64(elems, dim[i], &elems) ||
		    elems > MAX_ELEMS)) {
			diag_error(m->diag, loc, "%s: the dimensions "
			    "multiply to more than 2^40 elements", what);
			return false;
		}
	*out = type_make(t, (int)rank, dim);
	return true;
}

/* Elements in the typed fields; the field that holds the dtype's values. */
static size_t
typed_count(const Onnx__TensorProto *t, enum dtype dt)
{
	switch (dt) {
	case DT_F32: return t->n_float_data;
	case DT_F64: return t->n_double_data;
	case DT_I64: return t->n_int64_data;
	case DT_U32:
	case DT_U64: return t->n_uint64_data;
	default: return t->n_int32_data;
	}
}

/* The schema keeps small types in wider fields: narrow by dropping bits. */
static const void *
typed_data(struct imp *m, const Onnx__TensorProto *t, enum dtype dt,
    size_t n)
{
	if (dt == DT_F32)
		return t->float_data;
	if (dt == DT_F64)
		return t->double_data;
	if (dt == DT_I64)
		return t->int64_data;
	if (dt == DT_U64)
		return t->uint64_data;
	if (dt == DT_I32)
		return t->int32_data;
	unsigned char *p = arena_calloc(m->arena, n, dtype_size(dt));
	for (size_t i = 0; i < n; i++) {
		uint32_t v = dt == DT_U32 ? (uint32_t)t->uint64_data[i]
					  : (uint32_t)t->int32_data[i];
		if (dt == DT_BOOL)
			p[i] = v != 0;
		else /* little-endian, as the data of raw_data */
			memcpy(p + i * dtype_size(dt), &v, dtype_size(dt));
	}
	return p;
}

/* Any non-zero byte is true in a model; here only 1 is. */
static const void *
clean_bools(struct imp *m, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t i = 0;

	while (i < n && p[i] <= 1)
		i++;
	if (i == n)
		return data;
	unsigned char *q = arena_alloc(m->arena, n);
	for (i = 0; i < n; i++)
		q[i] = p[i] != 0;
	return q;
}

static bool
tensor_data(struct imp *m, const struct loc *loc, const char *what,
    const Onnx__TensorProto *t, const struct tensor_type *type,
    const void **data)
{
	char buf[128];
	size_t n = (size_t)type_elems(type);
	size_t bytes = n * dtype_size(type->dtype);

	if (t->has_data_location && t->data_location ==
	    ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
		*data = onnx_external(m, loc, what, t, (int64_t)bytes);
		if (*data == NULL)
			return false;
	} else if (t->has_raw_data) {
		if (t->raw_data.len != bytes) {
			diag_error(m->diag, loc, "%s: %zu bytes of data "
			    "where %s needs %zu", what, t->raw_data.len,
			    type_str(type, buf, sizeof buf), bytes);
			return false;
		}
		*data = t->raw_data.data;
	} else {
		if (typed_count(t, type->dtype) != n) {
			diag_error(m->diag, loc, "%s: %zu elements of data "
			    "where %s needs %zu", what,
			    typed_count(t, type->dtype),
			    type_str(type, buf, sizeof buf), n);
			return false;
		}
		*data = typed_data(m, t, type->dtype, n);
	}
	if (type->dtype == DT_BOOL)
		*data = clean_bools(m, *data, n);
	if (n == 0) /* constants always have data */
		*data = arena_alloc(m->arena, 1);
	return true;
}

bool
onnx_tensor(struct imp *m, const struct loc *loc, const char *what,
    const Onnx__TensorProto *t, struct tensor_type *type, const void **data)
{
	enum dtype dt = onnx_dtype(t->data_type);

	if (dt == DT_NONE) {
		diag_error(m->diag, loc, "%s: element type %s (%d) is not "
		    "supported", what, onnx_dtype_name(t->data_type),
		    (int)t->data_type);
		return false;
	}
	if (t->segment != NULL) {
		diag_error(m->diag, loc, "%s: tensors stored in segments are "
		    "not supported", what);
		return false;
	}
	return onnx_type(m, loc, what, dt, t->dims, t->n_dims, type) &&
	    tensor_data(m, loc, what, t, type, data);
}
