/* legalize: reductions and softmax. */
#include <float.h>
#include <math.h>

#include "passes/legalize.h"

static int64_t
reduced(const struct value *x, const int64_t *axes, int naxes)
{
	int64_t n = 1;

	for (int i = 0; i < naxes; i++)
		n *= x->type.dim[axes[i]];
	return n;
}

static bool
is_large(const struct value *x, const int64_t *axes, int naxes)
{
	return naxes > 1 && reduced(x, axes, naxes) > MAX_JOINT_REDUCE;
}

struct value *
lg_reduce(const struct lg *l, enum op op, struct value *x,
    const int64_t *axes, int naxes, bool keepdims, enum dtype t)
{
	if (naxes == 0) { /* of a scalar; an empty list would be all axes */
		return build_unary(l->g, OP_identity, x, t, l->n);
	}
	if (!is_large(x, axes, naxes))
		return mk_reduce(l->g, op, x, axes, (size_t)naxes, keepdims,
		    t, l->n);
	/* From the last axis on, so that the others keep their numbers. */
	while (naxes-- > 1)
		x = mk_reduce(l->g, op, x, &axes[naxes], 1, keepdims, l->w,
		    l->n);
	return mk_reduce(l->g, op, x, axes, 1, keepdims, t, l->n);
}

struct value *
lg_mean(const struct lg *l, struct value *x, const int64_t *axes, int naxes)
{
	double n = (double)reduced(x, axes, naxes);
	struct value *v = lg_reduce(l, OP_reduce_sum, x, axes, naxes, true,
	    l->w);

	return lg_bin(l, OP_mul, v, lg_k(l, 1 / n));
}

/* The reduction of v over n's axes, with dtype t. */
static struct value *
over(const struct lg *l, enum op op, struct value *v, bool keepdims,
    enum dtype t)
{
	int64_t axes[MAX_RANK];
	int naxes = reduce_axes(l->n, axes);

	return lg_reduce(l, op, v, axes, naxes, keepdims, t);
}

static bool
keepdims(const struct node *n)
{
	return node_int(n, ATTR_keepdims) != 0;
}

/* Sums, products and extremes: only their extent is limited. */
struct value *
legalize_reduction(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	int64_t axes[MAX_RANK];
	int naxes = reduce_axes(n, axes);

	if (!is_large(l.x, axes, naxes))
		return n->out[0];
	if (!dtype_is_float(l.t))
		l.w = l.t;
	return lg_reduce(&l, n->op, l.x, axes, naxes, keepdims(n), l.t);
}

struct value *
legalize_reduce_mean(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	int64_t axes[MAX_RANK];
	int naxes = reduce_axes(n, axes);
	double count = (double)reduced(l.x, axes, naxes);
	struct value *v = over(&l, OP_reduce_sum, l.x, keepdims(n), l.w);

	return lg_bin_out(&l, OP_mul, v, lg_k(&l, 1 / count));
}

struct value *
legalize_reduce_l1(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);

	return over(&l, OP_reduce_sum, lg_un(&l, OP_abs, l.x), keepdims(n),
	    l.t);
}

struct value *
legalize_reduce_sum_square(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);

	return over(&l, OP_reduce_sum, lg_bin(&l, OP_mul, l.x, l.x),
	    keepdims(n), l.t);
}

struct value *
legalize_reduce_l2(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *v = over(&l, OP_reduce_sum,
	    lg_bin(&l, OP_mul, l.x, l.x), keepdims(n), l.w);

	return lg_un_out(&l, OP_sqrt, v);
}

struct value *
legalize_reduce_log_sum(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);

	return lg_un_out(&l, OP_log, over(&l, OP_reduce_sum, l.x,
	    keepdims(n), l.w));
}

/* m + log sum e^(x - m) with m the maximum, limited to finite numbers so
 * that x - m is not inf - inf. */
struct value *
legalize_reduce_log_sum_exp(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	double big = l.w == DT_F64 ? DBL_MAX : (double)FLT_MAX;
	struct value *m, *v;

	if (type_elems(&l.x->type) == 0) { /* no maximum: log 0 */
		v = lg_un(&l, OP_exp, l.x);
		v = over(&l, OP_reduce_sum, v, keepdims(n), l.w);
		return lg_un_out(&l, OP_log, v);
	}
	m = over(&l, OP_reduce_max, l.x, true, l.w);
	m = mk_clip(c->g, m, -big, big, l.w, n);
	v = lg_un(&l, OP_exp, lg_bin(&l, OP_sub, l.x, m));
	v = over(&l, OP_reduce_sum, v, keepdims(n), l.w);
	v = lg_un(&l, OP_log, v);
	m = mk_reshape(c->g, m, v->type.rank, v->type.dim, n);
	return lg_bin_out(&l, OP_add, v, m);
}

struct value *
lg_shifted(const struct lg *l, struct value *x, int64_t axis,
    struct value **e, struct value **sum)
{
	struct value *v = mk_reduce(l->g, OP_reduce_max, x, &axis, 1, true,
	    l->w, l->n);

	v = lg_bin(l, OP_sub, x, v);
	*e = lg_un(l, OP_exp, v);
	*sum = mk_reduce(l->g, OP_reduce_sum, *e, &axis, 1, true, l->w, l->n);
	return v;
}

struct value *
legalize_softmax(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *e, *sum;

	if (type_elems(&l.x->type) == 0)
		return mk_cast(c->g, l.x, l.t, n);
	lg_shifted(&l, l.x, node_int(n, ATTR_axis), &e, &sum);
	return lg_bin_out(&l, OP_mul, e, lg_un(&l, OP_reciprocal, sum));
}

struct value *
legalize_log_softmax(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *e, *sum, *v;

	if (type_elems(&l.x->type) == 0)
		return mk_cast(c->g, l.x, l.t, n);
	v = lg_shifted(&l, l.x, node_int(n, ATTR_axis), &e, &sum);
	return lg_bin_out(&l, OP_sub, v, lg_un(&l, OP_log, sum));
}
