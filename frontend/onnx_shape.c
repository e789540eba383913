#include "frontend/onnx_imp.h"
#include "support/str.h"

/* The Reshape family, and shapes as data. */

/* Target of a Reshape with 0 and -1 resolved against x. False, without a
 * report, when the element counts contradict. */
static bool
resolve(const struct tensor_type *x, const int64_t *want, int n,
    bool allowzero, int64_t *dim)
{
	int64_t known = 1, total = type_elems(x);
	int open = -1;

	for (int i = 0; i < n; i++) {
		dim[i] = want[i];
		if (want[i] == 0 && !allowzero && i < x->rank)
			dim[i] = x->dim[i];
		if (want[i] == -1)
			open = i;
		else if (!mul_int64(known, dim[i], &known))
			return false;
	}
	if (open >= 0) {
		if (known == 0 || total % known != 0)
			return false;
		dim[open] = total / known;
		return true;
	}
	return known == total;
}

/* With -fbatch a target that spells the old batch in front means the new one
 * (see onnx.h). */
static bool
resolve_batch(struct opx *c, const struct tensor_type *x,
    const int64_t *want, int n, bool allowzero, int64_t *dim)
{
	int64_t again[MAX_RANK];
	int64_t old = c->m->old_batch;
	bool open = false;
	bool fits = resolve(x, want, n, allowzero, dim);

	for (int i = 0; i < n; i++)
		open = open || want[i] == -1;
	if (old == 0 || n == 0 || want[0] != old || (fits && !open) ||
	    x->rank == 0 || c->in[0]->kind == VALUE_CONST)
		return fits;
	/* With an open dimension the count fits any batch: adapt only what
	 * surely is one. */
	if (open && (!c->m->fixed_batch || x->dim[0] != c->m->new_batch))
		return fits;
	for (int i = 1; i < n; i++)
		again[i] = want[i];
	again[0] = open ? c->m->new_batch : -1;
	if (again[0] == old || !resolve(x, again, n, allowzero, dim))
		return resolve(x, want, n, allowzero, dim);
	diag_remark(c->m->diag, &c->loc, "the target's first dimension %lld "
	    "becomes %lld for the new batch", (long long)old,
	    (long long)dim[0]);
	return true;
}

static const char *
shape_text(struct imp *m, const struct ints *v)
{
	const char *s = "";

	for (size_t i = 0; i < v->n; i++)
		s = arena_printf(m->arena, "%s%s%lld", s, i > 0 ? "," : "",
		    (long long)v->v[i]);
	return arena_printf(m->arena, "[%s]", s);
}

static bool
check_target(struct opx *c, const struct ints *v, bool allowzero)
{
	int open = 0;

	if (v->n > MAX_RANK)
		return op_error(c, "the target has rank %zu, the limit is "
		    "%d", v->n, MAX_RANK);
	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i] < -1 || v->v[i] > MAX_DIM)
			return op_error(c, "the target shape holds %lld",
			    (long long)v->v[i]);
		if (v->v[i] == 0 && !allowzero &&
		    i >= (size_t)c->in[0]->type.rank)
			return op_error(c, "dimension %zu of the target "
			    "copies one that the input lacks", i);
		open += v->v[i] == -1;
	}
	return open < 2 || op_error(c, "the target shape holds -1 twice");
}

bool
onnx_op_reshape(struct opx *c)
{
	const struct tensor_type *x = &c->in[0]->type;
	int64_t dim[MAX_RANK];
	struct ints v;
	char buf[128];
	bool allowzero = false;

	if (c->opset >= 14)
		allowzero = attr_i(c, "allowzero", 0) != 0;
	if (c->opset < 5) {
		(void)attr_is(c, "shape", &v);
	} else if (c->in[1] == NULL) {
		return op_error(c, "input 1 (shape) is missing");
	} else if (!arg_ints(c, 1, "shape", &v)) {
		return false;
	}
	if (!check_target(c, &v, allowzero))
		return false;
	if (!resolve_batch(c, x, v.v, (int)v.n, allowzero, dim))
		return op_error(c, "%s cannot take the shape %s",
		    type_str(x, buf, sizeof buf), shape_text(c->m, &v));
	return op_reshape_result(c, 0, c->in[0], dim, (int)v.n);
}

bool
onnx_op_flatten(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	int64_t axis = attr_i(c, "axis", 1), dim[2] = {1, 1};

	if (axis < -t->rank || axis > t->rank)
		return op_error(c, "axis %lld is out of range for rank %d",
		    (long long)axis, t->rank);
	if (axis < 0)
		axis += t->rank;
	for (int i = 0; i < t->rank; i++)
		dim[i >= axis] *= t->dim[i];
	return op_reshape_result(c, 0, c->in[0], dim, 2);
}

/* Axes as attribute (before opset 13) or as input 1. */
static bool
axes_arg(struct opx *c, struct ints *v)
{
	*v = (struct ints){NULL, 0};
	if (c->opset < 13) {
		if (c->nin > 1)
			return op_error(c, "has axes as an input, which "
			    "opset 13 introduced");
		(void)attr_is(c, "axes", v);
		return true;
	}
	return c->in[1] == NULL || arg_ints(c, 1, "axes", v);
}

bool
onnx_op_squeeze(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	bool drop[MAX_RANK] = {false};
	int pos[MAX_RANK], n = 0;
	int64_t dim[MAX_RANK];
	struct ints v;

	if (!axes_arg(c, &v))
		return false;
	if (v.n > (size_t)t->rank)
		return op_error(c, "has %zu axes for rank %d", v.n, t->rank);
	if (!arg_axes(c, &v, t->rank, pos))
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (t->dim[pos[i]] != 1)
			return op_error(c, "axis %d has extent %lld, not 1",
			    pos[i], (long long)t->dim[pos[i]]);
		drop[pos[i]] = true;
	}
	for (int i = 0; i < t->rank; i++)
		if (v.n == 0 ? t->dim[i] != 1 : !drop[i])
			dim[n++] = t->dim[i];
	return op_reshape_result(c, 0, c->in[0], dim, n);
}

bool
onnx_op_unsqueeze(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	bool added[2 * MAX_RANK] = {false};
	int pos[MAX_RANK], from = 0;
	int64_t dim[MAX_RANK];
	struct ints v;

	if (!axes_arg(c, &v))
		return false;
	if (v.n == 0)
		return op_error(c, "has no axes");
	if (v.n + (size_t)t->rank > MAX_RANK)
		return op_error(c, "the result has rank %zu, the limit is "
		    "%d", v.n + (size_t)t->rank, MAX_RANK);
	int rank = t->rank + (int)v.n;
	if (!arg_axes(c, &v, rank, pos))
		return false;
	for (size_t i = 0; i < v.n; i++)
		added[pos[i]] = true;
	for (int i = 0; i < rank; i++)
		dim[i] = added[i] ? 1 : t->dim[from++];
	return op_reshape_result(c, 0, c->in[0], dim, rank);
}

bool
onnx_op_expand(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	struct tensor_type target, to;
	struct ints v;
	char a[128];

	if (!arg_ints(c, 1, "shape", &v) ||
	    !onnx_type(c->m, &c->loc, "input 1 (shape)", t->dtype, v.v, v.n,
		&target))
		return false;
	if (!type_broadcast(t, &target, &to))
		return op_error(c, "%s does not broadcast to %s",
		    type_str(t, a, sizeof a), shape_text(c->m, &v));
	if (shape_equal(t, &to)) {
		c->out[0] = c->in[0];
		return true;
	}
	struct attr at = attr_make_ints(ATTR_shape,
	    imp_ints(c->m, to.dim, (size_t)to.rank), (size_t)to.rank);
	return op_result(c, 0, OP_expand, c->in, 1, &at, 1);
}

static int64_t
clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

bool
onnx_op_shape(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	int64_t rank = t->rank, start = 0, end = rank;

	if (c->opset >= 15) {
		start = attr_i(c, "start", 0);
		end = attr_i(c, "end", rank);
	}
	start = clamp(start < 0 ? start + rank : start, 0, rank);
	end = clamp(end < 0 ? end + rank : end, start, rank);
	return op_const_ints(c, 0, t->dim + start, (size_t)(end - start));
}

bool
onnx_op_size(struct opx *c)
{
	int64_t n = type_elems(&c->in[0]->type);
	struct tensor_type t = type_make(DT_I64, 0, NULL);

	return op_const(c, 0, &t, imp_ints(c->m, &n, 1));
}
