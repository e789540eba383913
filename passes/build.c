/* Short builders over build_op, for rewriting. */
#include "passes/rewrite.h"

struct value *
mk_reshape(struct graph *g, struct value *x, int rank, const int64_t *dim,
    struct node *at)
{
	struct attr a = attr_make_ints(ATTR_shape, dim, (size_t)rank);
	struct tensor_type t = type_make(x->type.dtype, rank, dim);

	if (shape_equal(&t, &x->type))
		return x;
	if (x->kind == VALUE_CONST)
		return const_reshape(g, x, rank, dim);
	return build_op(g, OP_reshape, &x, 1, &a, 1, DT_NONE, at);
}

struct value *
mk_transpose(struct graph *g, struct value *x, const int64_t *perm,
    struct node *at)
{
	struct attr a =
	    attr_make_ints(ATTR_perm, perm, (size_t)x->type.rank);

	return build_op(g, OP_transpose, &x, 1, &a, 1, DT_NONE, at);
}

struct value *
mk_slice(struct graph *g, struct value *x, const int64_t *starts,
    const int64_t *steps, const int64_t *sizes, struct node *at)
{
	size_t n = (size_t)x->type.rank;
	struct attr a[3] = {
	    attr_make_ints(ATTR_starts, starts, n),
	    attr_make_ints(ATTR_steps, steps, n),
	    attr_make_ints(ATTR_sizes, sizes, n),
	};

	return build_op(g, OP_slice, &x, 1, a, 3, DT_NONE, at);
}

struct value *
mk_gather(struct graph *g, struct value *x, int axis, const int64_t *idx,
    size_t n, struct node *at)
{
	struct value *in[2] = {x, build_ints(g, idx, n)};
	struct attr a = attr_make_int(ATTR_axis, axis);

	return build_op(g, OP_gather, in, 2, &a, 1, DT_NONE, at);
}

struct value *
mk_expand(struct graph *g, struct value *x, int rank, const int64_t *dim,
    struct node *at)
{
	struct attr a = attr_make_ints(ATTR_shape, dim, (size_t)rank);
	struct tensor_type t = type_make(x->type.dtype, rank, dim);

	if (shape_equal(&t, &x->type))
		return x;
	return build_op(g, OP_expand, &x, 1, &a, 1, DT_NONE, at);
}

struct value *
mk_concat(struct graph *g, struct value **x, int n, int axis,
    struct node *at)
{
	struct attr a = attr_make_int(ATTR_axis, axis);

	return build_op(g, OP_concat, x, n, &a, 1, DT_NONE, at);
}

struct value *
mk_reduce(struct graph *g, enum op op, struct value *x, const int64_t *axes,
    size_t n, bool keepdims, enum dtype t, struct node *at)
{
	struct attr a[2] = {
	    attr_make_ints(ATTR_axes, axes, n),
	    attr_make_int(ATTR_keepdims, keepdims),
	};

	return build_op(g, op, &x, 1, a, 2, t, at);
}

struct value *
mk_clip(struct graph *g, struct value *x, double lo, double hi, enum dtype t,
    struct node *at)
{
	struct attr a[2] = {
	    attr_make_float(ATTR_min, lo),
	    attr_make_float(ATTR_max, hi),
	};

	return build_op(g, OP_clip, &x, 1, a, 2, t, at);
}

struct value *
mk_fma(struct graph *g, struct value *x, struct value *y, struct value *z,
    enum dtype t, struct node *at)
{
	struct value *in[3] = {x, y, z};

	return build_op(g, OP_fma, in, 3, NULL, 0, t, at);
}

struct value *
mk_cast(struct graph *g, struct value *x, enum dtype t, struct node *at)
{
	struct attr a = attr_make_int(ATTR_to, (int64_t)t);

	if (x->type.dtype == t)
		return x;
	return build_op(g, OP_cast, &x, 1, &a, 1, DT_NONE, at);
}
