/* Layers that move data. */
#include "frontend/net_run.h"

#include <string.h>

struct val
builtin_concat(struct call *c)
{
	struct attr a;
	int64_t axis;

	if (!call_axis(c, "axis", c->in[0]->type.rank, &axis))
		return val_error();
	a = attr_make_int(ATTR_axis, axis);
	return layer_result(layer_node(c, OP_concat, c->in, c->nin, &a, 1));
}

static struct val
reshaped(struct call *c, struct value *x, const int64_t *dim, size_t n)
{
	struct attr a = attr_make_ints(ATTR_shape, dim, n);

	return layer_result(layer_node(c, OP_reshape, &x, 1, &a, 1));
}

struct val
builtin_flatten(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	int64_t axis, dim[2] = {1, 1};

	if (!call_axis(c, "axis", x->type.rank, &axis))
		return val_error();
	for (int i = 0; i < x->type.rank; i++) /* fits: see type_valid */
		dim[i >= axis] *= x->type.dim[i];
	return reshaped(c, x, dim, 2);
}

/* Replaces -1, at `at`, by what is left of the elements of x. */
static bool
fill_rest(struct call *c, const struct value *x, int64_t *dim, int n, int at)
{
	int64_t all = type_elems(&x->type), known = 1;

	for (int i = 0; i < n; i++)
		if (i != at && dim[i] > 0 && known <= all)
			known *= dim[i];
		else if (i != at)
			known = 0;
	if (known > 0 && all % known == 0 && all / known <= MAX_DIM) {
		dim[at] = all / known;
		return true;
	}
	call_error(c, "-1 has no solution for %lld elements",
	    (long long)all);
	return false;
}

struct val
builtin_reshape(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct val l = call_arg(c, "shape");
	int n = l.kind == VAL_LIST ? (int)l.l->n : 1, rest = -1;
	int64_t dim[MAX_RANK];

	if (n < 1 || n > MAX_RANK)
		return call_error(c, "'shape' has %d extents, it may have 1 "
		    "to %d", n, MAX_RANK);
	if (!call_ints(c, "shape", n, -1, MAX_DIM, dim))
		return val_error();
	for (int i = 0; i < n; i++) {
		if (dim[i] == -1 && rest >= 0)
			return call_error(c, "'shape' has two -1");
		if (dim[i] == -1)
			rest = i;
		if (dim[i] == 0 && i < x->type.rank)
			dim[i] = x->type.dim[i];
	}
	if (rest >= 0 && !fill_rest(c, x, dim, n, rest))
		return val_error();
	return reshaped(c, x, dim, (size_t)n);
}

struct val
builtin_transpose(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	int64_t perm[MAX_RANK];
	int rank = x->type.rank;

	if (!call_ints(c, "perm", rank, 0, rank - 1, perm))
		return val_error();
	struct attr a = attr_make_ints(ATTR_perm, perm, (size_t)rank);
	return layer_result(layer_node(c, OP_transpose, &x, 1, &a, 1));
}

/* Position v of an extent n, counted from the end when negative. */
static int64_t
position(int64_t v, int64_t n)
{
	v = v < 0 ? v + n : v;
	return v < 0 ? 0 : v > n ? n : v;
}

struct val
builtin_slice(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	int64_t start[MAX_RANK] = {0}, step[MAX_RANK], size[MAX_RANK], axis;
	int64_t by = call_int(c, "step");
	int rank = x->type.rank;

	if (!call_axis(c, "axis", rank, &axis))
		return val_error();
	if (by < 1 || by > MAX_DIM)
		return call_error(c, "'step' is %lld, it must be 1 to %d",
		    (long long)by, MAX_DIM);
	for (int i = 0; i < rank; i++) {
		step[i] = 1;
		size[i] = x->type.dim[i];
	}
	int64_t n = size[axis], from = position(call_int(c, "start"), n);
	int64_t to = call_given(c, "end") ?
	    position(call_int(c, "end"), n) : n;
	if (from >= to)
		return call_error(c, "elements %lld to %lld of %lld are "
		    "none", (long long)from, (long long)to, (long long)n);
	start[axis] = from;
	step[axis] = by;
	size[axis] = (to - from + by - 1) / by;
	struct attr a[] = {attr_make_ints(ATTR_starts, start, (size_t)rank),
	    attr_make_ints(ATTR_steps, step, (size_t)rank),
	    attr_make_ints(ATTR_sizes, size, (size_t)rank)};
	return layer_result(layer_node(c, OP_slice, &x, 1, a, 3));
}

/* The position of s in names, -1 after a report. */
static int64_t
choose(struct call *c, const char *arg, const char *const *names, int n)
{
	const char *s = call_string(c, arg);

	for (int i = 0; i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return i;
	call_error(c, "'%s' cannot be \"%s\"", arg, s);
	return -1;
}

struct val
builtin_pad(struct call *c)
{
	static const char *const modes[] = {"constant", "reflect", "edge"};
	struct value *x = call_tensor(c, "x");
	int64_t before[MAX_RANK], after[MAX_RANK];
	int64_t mode = choose(c, "mode", modes, 3);
	int rank = x->type.rank;

	if (mode < 0 || !call_ints(c, "before", rank, 0, MAX_DIM, before) ||
	    !call_ints(c, "after", rank, 0, MAX_DIM, after))
		return val_error();
	struct attr a[] = {
	    attr_make_ints(ATTR_pads_begin, before, (size_t)rank),
	    attr_make_ints(ATTR_pads_end, after, (size_t)rank),
	    attr_make_int(ATTR_mode, mode),
	    attr_make_float(ATTR_value, call_float(c, "value"))};
	return layer_result(layer_node(c, OP_pad, &x, 1, a, 4));
}

/* As PyTorch's Upsample: nearest copies, linear has half-pixel centres. */
struct val
builtin_upsample(struct call *c)
{
	static const char *const modes[] = {"nearest", "linear"};
	struct value *x = call_tensor(c, "x");
	int64_t mode = choose(c, "mode", modes, 2), k = call_int(c, "scale");
	int64_t shape[MAX_RANK];
	double scales[MAX_RANK];
	size_t rank = (size_t)x->type.rank;

	if (mode < 0)
		return val_error();
	if (k < 1 || k > 1024 || rank < 3)
		return call_error(c, "'scale' must be 1 to 1024 and x have "
		    "spatial axes");
	for (size_t i = 0; i < rank; i++) {
		scales[i] = i < 2 ? 1 : (double)k;
		shape[i] = x->type.dim[i] * (i < 2 ? 1 : k);
		if (shape[i] > MAX_DIM)
			return call_error(c, "the result is too large");
	}
	/* coord: asymmetric with floor for nearest, half_pixel for linear */
	struct attr a[] = {attr_make_ints(ATTR_shape, shape, rank),
	    attr_make_floats(ATTR_scales, scales, rank),
	    attr_make_int(ATTR_mode, mode),
	    attr_make_int(ATTR_coord, mode == 0 ? 1 : 0),
	    attr_make_int(ATTR_rounding, mode == 0 ? 2 : 0)};
	return layer_result(layer_node(c, OP_resize, &x, 1, a, 5));
}
