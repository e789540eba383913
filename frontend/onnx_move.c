#include <string.h>

#include "frontend/onnx_window.h"

/* Data movement. */

bool
onnx_op_transpose(struct opx *c)
{
	int rank = c->in[0]->type.rank;
	int64_t perm[MAX_RANK];
	int pos[MAX_RANK];
	struct ints v;

	for (int i = 0; i < rank; i++)
		perm[i] = rank - 1 - i;
	if (attr_is(c, "perm", &v)) {
		if (v.n != (size_t)rank)
			return op_error(c, "perm has %zu entries for rank "
			    "%d", v.n, rank);
		if (!arg_axes(c, &v, rank, pos))
			return false;
		for (int i = 0; i < rank; i++)
			perm[i] = pos[i];
	}
	struct attr a = window_attr(c, ATTR_perm, perm, rank);
	return op_result(c, 0, OP_transpose, c->in, 1, &a, 1);
}

bool
onnx_op_concat(struct opx *c)
{
	int axis;

	if (c->opset >= 4 && !attr_present(c, "axis"))
		return op_error(c, "attribute 'axis' is missing");
	for (int i = 0; i < c->nin; i++)
		if (c->in[i] == NULL)
			return op_error(c, "input %d is left out", i);
	if (!arg_axis(c, attr_i(c, "axis", 1), c->in[0]->type.rank, &axis))
		return false;
	if (c->nin == 1) {
		c->out[0] = c->in[0];
		return true;
	}
	struct attr a = attr_make_int(ATTR_axis, axis);
	return op_result(c, 0, OP_concat, c->in, c->nin, &a, 1);
}

/* Result i: the box of x that starts[], steps[] and sizes[] describe. */
static bool
slice_result(struct opx *c, int i, const int64_t *starts,
    const int64_t *steps, const int64_t *sizes)
{
	int rank = c->in[0]->type.rank;
	struct attr a[] = {
		window_attr(c, ATTR_starts, starts, rank),
		window_attr(c, ATTR_steps, steps, rank),
		window_attr(c, ATTR_sizes, sizes, rank),
	};

	return op_result(c, i, OP_slice, c->in, 1, a, 3);
}

/* Part sizes from the attribute, the input, or equal parts. */
static bool
split_sizes(struct opx *c, int64_t extent, struct ints *v)
{
	int64_t n = c->nout;

	*v = (struct ints){NULL, 0};
	if (c->opset < 13)
		(void)attr_is(c, "split", v);
	if (c->in[1] != NULL && !arg_ints(c, 1, "split", v))
		return false;
	if (c->opset >= 18 && attr_present(c, "num_outputs") &&
	    attr_i(c, "num_outputs", 0) != n)
		return op_error(c, "num_outputs is not the number of "
		    "results, %lld", (long long)n);
	if (v->v != NULL && v->n != (size_t)n)
		return op_error(c, "has %zu part sizes for %lld results",
		    v->n, (long long)n);
	if (v->v != NULL)
		return true;
	if (c->opset < 18 && extent % n != 0)
		return op_error(c, "extent %lld does not split into %lld "
		    "equal parts", (long long)extent, (long long)n);
	int64_t part = (extent + n - 1) / n, left = extent;
	int64_t *p = NEW_ARRAY(c->m->arena, int64_t, (size_t)n);
	for (int64_t i = 0; i < n; i++) {
		p[i] = left < part ? left : part;
		left -= p[i];
	}
	*v = (struct ints){p, (size_t)n};
	return true;
}

bool
onnx_op_split(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	int64_t starts[MAX_RANK] = {0}, steps[MAX_RANK], sizes[MAX_RANK];
	struct ints v;
	int axis;

	if (!arg_axis(c, attr_i(c, "axis", 0), t->rank, &axis) ||
	    !split_sizes(c, t->dim[axis], &v))
		return false;
	for (int i = 0; i < t->rank; i++) {
		steps[i] = 1;
		sizes[i] = t->dim[i];
	}
	int64_t left = t->dim[axis];
	for (size_t i = 0; i < v.n; i++) {
		if (v.v[i] < 0 || v.v[i] > left)
			return op_error(c, "the parts do not add up to the "
			    "extent %lld", (long long)t->dim[axis]);
		left -= v.v[i];
	}
	if (left != 0)
		return op_error(c, "the parts do not add up to the extent "
		    "%lld", (long long)t->dim[axis]);
	for (int i = 0; i < c->nout; i++) {
		sizes[axis] = v.v[i];
		if (op_wants(c, i) &&
		    !slice_result(c, i, starts, steps, sizes))
			return false;
		starts[axis] += v.v[i];
	}
	return true;
}

struct slice_args {
	struct ints starts, ends, axes, steps;
};

static bool
read_slice(struct opx *c, struct slice_args *s)
{
	*s = (struct slice_args){{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
	if (c->opset < 10) {
		if (c->nin > 1)
			return op_error(c, "has bounds as inputs, which "
			    "opset 10 introduced");
		return attr_is(c, "starts", &s->starts) &&
		    attr_is(c, "ends", &s->ends)
			? attr_is(c, "axes", &s->axes) || !c->failed
			: op_error(c, "starts or ends are missing");
	}
	if (c->in[1] == NULL || c->in[2] == NULL)
		return op_error(c, "input 1 (starts) and input 2 (ends) are "
		    "required");
	return arg_ints(c, 1, "starts", &s->starts) &&
	    arg_ints(c, 2, "ends", &s->ends) &&
	    (c->in[3] == NULL || arg_ints(c, 3, "axes", &s->axes)) &&
	    (c->in[4] == NULL || arg_ints(c, 4, "steps", &s->steps));
}

static int64_t
clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* One dimension: NumPy's reading of start:end:step, clamped. */
static void
slice_dim(int64_t dim, int64_t start, int64_t end, int64_t step,
    int64_t *out_start, int64_t *out_step, int64_t *out_size)
{
	/* Longer steps than the dimension select one element, too. */
	step = clamp(step, -MAX_DIM, MAX_DIM);
	if (start < 0)
		start += dim;
	if (end < 0)
		end += dim;
	int64_t n;
	if (step > 0) {
		start = clamp(start, 0, dim);
		end = clamp(end, 0, dim);
		n = (end - start + step - 1) / step;
	} else {
		start = clamp(start, -1, dim - 1);
		end = clamp(end, -1, dim - 1);
		n = (start - end - step - 1) / -step;
	}
	*out_size = n > 0 ? n : 0;
	*out_start = n > 0 ? start : 0;
	*out_step = step;
}

bool
onnx_op_slice(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	int64_t starts[MAX_RANK] = {0}, steps[MAX_RANK], sizes[MAX_RANK];
	int pos[MAX_RANK];
	struct slice_args s;

	if (!read_slice(c, &s))
		return false;
	size_t n = s.starts.n;
	if (n > (size_t)t->rank || s.ends.n != n ||
	    (s.axes.v != NULL && s.axes.n != n) ||
	    (s.steps.v != NULL && s.steps.n != n))
		return op_error(c, "starts, ends, axes and steps must have "
		    "one entry per sliced dimension of rank %d", t->rank);
	for (int i = 0; i < t->rank; i++) {
		pos[i] = i;
		steps[i] = 1;
		sizes[i] = t->dim[i];
	}
	if (s.axes.v != NULL && !arg_axes(c, &s.axes, t->rank, pos))
		return false;
	for (size_t i = 0; i < n; i++) {
		int d = pos[i];
		int64_t step = s.steps.v != NULL ? s.steps.v[i] : 1;
		if (step == 0)
			return op_error(c, "the step of axis %d is 0", d);
		slice_dim(t->dim[d], s.starts.v[i], s.ends.v[i], step,
		    &starts[d], &steps[d], &sizes[d]);
	}
	return slice_result(c, 0, starts, steps, sizes);
}

struct pad_args {
	struct ints pads;
	double value;
	int64_t mode;
	int64_t begin[MAX_RANK], end[MAX_RANK];
};

static bool
read_pad_mode(struct opx *c, struct pad_args *p)
{
	const char *s = attr_s(c, "mode", "constant");

	p->mode = strcmp(s, "constant") == 0 ? 0
	    : strcmp(s, "reflect") == 0      ? 1
	    : strcmp(s, "edge") == 0         ? 2
					     : -1;
	return p->mode >= 0 ||
	    op_error(c, "mode '%s' is not supported: constant, reflect and "
		"edge are", s);
}

static bool
read_pad(struct opx *c, struct pad_args *p)
{
	p->value = 0;
	p->pads = (struct ints){NULL, 0};
	if (!read_pad_mode(c, p))
		return false;
	if (c->opset < 11) {
		if (c->nin > 1)
			return op_error(c, "has pads as an input, which "
			    "opset 11 introduced");
		p->value = attr_f(c, "value", 0);
		return attr_is(c, c->opset < 2 ? "paddings" : "pads",
			   &p->pads) ||
		    op_error(c, "attribute 'pads' is missing");
	}
	if (c->in[1] == NULL)
		return op_error(c, "input 1 (pads) is missing");
	return arg_ints(c, 1, "pads", &p->pads) &&
	    (c->in[2] == NULL ||
		arg_scalar(c, 2, "constant_value", &p->value));
}

/* Spreads pads (begins, then ends, of the named axes) over all axes. */
static bool
place_pads(struct opx *c, struct pad_args *p)
{
	int rank = c->in[0]->type.rank, pos[MAX_RANK];
	struct ints axes = {NULL, 0};

	for (int i = 0; i < rank; i++) {
		pos[i] = i;
		p->begin[i] = p->end[i] = 0;
	}
	size_t n = (size_t)rank;
	if (c->in[3] != NULL) {
		if (c->opset < 18 || !arg_ints(c, 3, "axes", &axes))
			return c->opset < 18 ? op_error(c, "has axes as an "
			    "input, which opset 18 introduced") : false;
		if (axes.n > n || !arg_axes(c, &axes, rank, pos))
			return axes.n > n ? op_error(c, "has too many axes")
					  : false;
		n = axes.n;
	}
	if (p->pads.n != 2 * n)
		return op_error(c, "has %zu pads for %zu axes", p->pads.n,
		    n);
	for (size_t i = 0; i < 2 * n; i++) {
		int64_t v = p->pads.v[i];
		if (v < -MAX_DIM || v > MAX_DIM)
			return op_error(c, "pads hold %lld", (long long)v);
		*(i < n ? &p->begin[pos[i]] : &p->end[pos[i - n]]) = v;
	}
	return true;
}

bool
onnx_op_pad(struct opx *c)
{
	int rank = c->in[0]->type.rank;
	struct pad_args p;
	bool any = false;

	if (!read_pad(c, &p) || !place_pads(c, &p))
		return false;
	for (int i = 0; i < rank; i++)
		any = any || p.begin[i] != 0 || p.end[i] != 0;
	if (!any) {
		c->out[0] = c->in[0];
		return true;
	}
	struct attr a[] = {
		window_attr(c, ATTR_pads_begin, p.begin, rank),
		window_attr(c, ATTR_pads_end, p.end, rank),
		attr_make_int(ATTR_mode, p.mode),
		attr_make_float(ATTR_value, p.value),
	};
	return op_result(c, 0, OP_pad, c->in, 1, a, 4);
}

bool
onnx_op_tile(struct opx *c)
{
	struct ints v;

	if (!arg_ints(c, 1, "repeats", &v))
		return false;
	if (v.n != (size_t)c->in[0]->type.rank)
		return op_error(c, "has %zu repeats for rank %d", v.n,
		    c->in[0]->type.rank);
	for (size_t i = 0; i < v.n; i++)
		if (v.v[i] < 0 || v.v[i] > MAX_DIM)
			return op_error(c, "repeats hold %lld",
			    (long long)v.v[i]);
	return op_result(c, 0, OP_tile, c->in, 2, NULL, 0);
}

/* Constant indices are checked and made non-negative. */
static struct value *
gather_indices(struct opx *c, int64_t extent)
{
	struct value *v = c->in[1];

	if (v->kind != VALUE_CONST || !dtype_is_int(v->type.dtype))
		return v;
	size_t n = (size_t)type_elems(&v->type);
	int64_t *p = NEW_ARRAY(c->m->arena, int64_t, n + 1);
	bool changed = false;
	for (size_t i = 0; i < n; i++) {
		p[i] = dtype_get_i64(v->data, v->type.dtype, i);
		if (p[i] < -extent || p[i] >= extent) {
			op_error(c, "index %lld is out of range for extent "
			    "%lld", (long long)p[i], (long long)extent);
			return NULL;
		}
		if (p[i] < 0) {
			p[i] += extent;
			changed = true;
		}
	}
	if (!changed)
		return v;
	struct tensor_type t = type_make(DT_I64, v->type.rank, v->type.dim);
	v = graph_const(c->m->graph, NULL, &t, p);
	v->loc = c->loc;
	return v;
}

bool
onnx_op_gather(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	int axis;

	if (!arg_axis(c, attr_i(c, "axis", 0), t->rank, &axis))
		return false;
	struct value *in[] = {c->in[0], gather_indices(c, t->dim[axis])};
	struct attr a = attr_make_int(ATTR_axis, axis);
	return in[1] != NULL && op_result(c, 0, OP_gather, in, 2, &a, 1);
}

static bool
block_size(struct opx *c, struct attr *a)
{
	int64_t b = attr_i(c, "blocksize", 0);

	*a = attr_make_int(ATTR_blocksize, b);
	return (b >= 1 && b <= MAX_DIM) ||
	    op_error(c, "blocksize is %lld", (long long)b);
}

bool
onnx_op_depth_to_space(struct opx *c)
{
	struct attr a[2];

	if (!block_size(c, &a[0]))
		return false;
	const char *mode = c->opset >= 11 ? attr_s(c, "mode", "DCR") : "DCR";
	if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
		return op_error(c, "mode '%s' is not known", mode);
	a[1] = attr_make_int(ATTR_dcr, mode[0] == 'D');
	return op_result(c, 0, OP_depth_to_space, c->in, 1, a, 2);
}

bool
onnx_op_space_to_depth(struct opx *c)
{
	struct attr a;

	return block_size(c, &a) &&
	    op_result(c, 0, OP_space_to_depth, c->in, 1, &a, 1);
}
