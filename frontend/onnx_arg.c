#include <string.h>

#include "frontend/onnx_imp.h"

int64_t *
imp_ints(struct imp *m, const int64_t *v, size_t n)
{
	int64_t *p = NEW_ARRAY(m->arena, int64_t, n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = v[i];
	return p;
}

/* A run-time input that v is computed from. */
static const struct value *
root_input(const struct value *v)
{
	while (v->kind == VALUE_NODE) {
		const struct node *n = v->def;
		for (int i = 0; i < n->nin; i++)
			if (n->in[i] != NULL &&
			    n->in[i]->kind != VALUE_CONST) {
				v = n->in[i];
				break;
			}
		if (v->def == n) /* constants only, too large to fold */
			return NULL;
	}
	return v;
}

bool
arg_const(struct opx *c, int i, const char *what)
{
	const struct value *v = c->in[i];

	if (v->kind == VALUE_CONST)
		return true;
	if (v->kind == VALUE_INPUT)
		return op_error(c, "input %d (%s) must be known at compile "
		    "time: bind it with -fconst=%s=FILE.npy", i, what,
		    v->name);
	const struct value *root = root_input(v);
	if (root == NULL)
		return op_error(c, "input %d (%s) must be known at compile "
		    "time, but is too large to compute there", i, what);
	return op_error(c, "input %d (%s) must be known at compile time, "
	    "but '%s' depends on input '%s': bind it with "
	    "-fconst=%s=FILE.npy", i, what, c->node->input[i], root->name,
	    root->name);
}

bool
arg_ints(struct opx *c, int i, const char *what, struct ints *out)
{
	const struct value *v = c->in[i];

	if (!arg_const(c, i, what))
		return false;
	if (!dtype_is_int(v->type.dtype) || v->type.rank > 1)
		return op_error(c, "input %d (%s) must be a list of "
		    "integers", i, what);
	out->n = (size_t)type_elems(&v->type);
	int64_t *p = NEW_ARRAY(c->m->arena, int64_t, out->n + 1);
	for (size_t k = 0; k < out->n; k++)
		p[k] = dtype_get_i64(v->data, v->type.dtype, k);
	out->v = p;
	return true;
}

bool
arg_floats(struct opx *c, int i, const char *what, const double **out,
    size_t *n)
{
	const struct value *v = c->in[i];

	if (!arg_const(c, i, what))
		return false;
	if (!dtype_is_float(v->type.dtype) || v->type.rank > 1)
		return op_error(c, "input %d (%s) must be a list of floats",
		    i, what);
	*n = (size_t)type_elems(&v->type);
	double *p = NEW_ARRAY(c->m->arena, double, *n + 1);
	for (size_t k = 0; k < *n; k++)
		p[k] = dtype_get(v->data, v->type.dtype, k);
	*out = p;
	return true;
}

bool
arg_scalar(struct opx *c, int i, const char *what, double *out)
{
	const struct value *v = c->in[i];

	if (!arg_const(c, i, what))
		return false;
	if (type_elems(&v->type) != 1)
		return op_error(c, "input %d (%s) must be a scalar", i,
		    what);
	*out = dtype_get(v->data, v->type.dtype, 0);
	return true;
}

bool
arg_axis(struct opx *c, int64_t axis, int rank, int *out)
{
	if (axis < -rank || axis >= rank)
		return op_error(c, "axis %lld is out of range for rank %d",
		    (long long)axis, rank);
	*out = (int)(axis < 0 ? axis + rank : axis);
	return true;
}

bool
arg_axes(struct opx *c, const struct ints *axes, int rank, int *out)
{
	unsigned seen = 0;

	for (size_t i = 0; i < axes->n; i++) {
		int a = 0;
		if (!arg_axis(c, axes->v[i], rank, &a))
			return false;
		if ((seen >> a & 1) != 0)
			return op_error(c, "axis %d is given twice", a);
		seen |= 1u << a;
		out[i] = a;
	}
	return true;
}
