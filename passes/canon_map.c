/* canonicalize: element-wise ops. */
#include <math.h>
#include <stdlib.h>

#include "passes/canonicalize.h"

struct value *
as_clip(const struct node *n, double *lo, double *hi)
{
	if (n == NULL || !dtype_is_float(n->out[0]->type.dtype) ||
	    n->in[0]->type.dtype != n->out[0]->type.dtype)
		return NULL;
	if (n->op == OP_relu) {
		*lo = 0;
		*hi = HUGE_VAL;
		return n->in[0];
	}
	if (n->op != OP_clip)
		return NULL;
	*lo = node_float(n, ATTR_min);
	*hi = node_float(n, ATTR_max);
	return n->in[0];
}

/* min(max(x, lo), hi) in its shortest form. */
static struct value *
make_clip(struct graph *g, struct value *x, double lo, double hi,
    enum dtype t, struct node *at)
{
	if (lo == -HUGE_VAL && hi == HUGE_VAL && x->type.dtype == t)
		return x;
	if (lo == 0 && hi == HUGE_VAL)
		return build_unary(g, OP_relu, x, t, at);
	return mk_clip(g, x, lo, hi, t, at);
}

static struct value *
canon_clip(struct pass_ctx *c, struct node *n)
{
	double lo, hi, a, b;
	struct value *x = as_clip(n, &lo, &hi), *y = NULL;
	enum dtype t = n->out[0]->type.dtype;

	if (x == NULL)
		return NULL;
	if (x->kind == VALUE_NODE)
		y = as_clip(x->def, &a, &b);
	if (y != NULL)
		return make_clip(c->g, y, fmin(fmax(a, lo), hi),
		    fmin(fmax(b, lo), hi), t, n);
	if (n->op == OP_clip && ((lo == 0 && hi == HUGE_VAL) ||
	    (lo == -HUGE_VAL && hi == HUGE_VAL)))
		return make_clip(c->g, x, lo, hi, t, n);
	return NULL;
}

struct value *
canon_unary(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	struct node *k;

	switch (n->op) {
	case OP_identity:
		if (x->type.dtype == n->out[0]->type.dtype)
			return x;
		return mk_cast(c->g, x, n->out[0]->type.dtype, n);
	case OP_neg:
	case OP_not:
		k = def_of(x, n->op);
		if (k != NULL && type_equal(&k->in[0]->type, &x->type) &&
		    type_equal(&x->type, &n->out[0]->type))
			return k->in[0];
		return NULL;
	case OP_relu:
	case OP_clip: return canon_clip(c, n);
	case OP_leaky_relu:
		if (node_float(n, ATTR_alpha) == 0)
			return build_unary(c->g, OP_relu, x,
			    n->out[0]->type.dtype, n);
		return NULL;
	default: return NULL;
	}
}

/* Every value of dtype a is one of dtype b, both floats or both not. */
static bool
lossless(enum dtype a, enum dtype b)
{
	bool sa = a == DT_I8 || a == DT_I16 || a == DT_I32 || a == DT_I64;
	bool sb = b == DT_I8 || b == DT_I16 || b == DT_I32 || b == DT_I64;

	if (a == b)
		return true;
	if (dtype_is_float(a) && dtype_is_float(b))
		return b == DT_F64 || (b == DT_F32 && a != DT_F64);
	if (!dtype_is_int(b) || dtype_is_float(a))
		return false;
	if (a == DT_BOOL)
		return true;
	return (sa == sb || sb) && dtype_size(a) < dtype_size(b);
}

/* The producer rounds to the narrower dtype at once: it computes in f32, so
 * rounding to f32 in between loses nothing. */
static bool
narrow_producer(struct value *x, enum dtype to)
{
	struct node *p;

	if (!single_use(x) || x->type.dtype != DT_F32 ||
	    (to != DT_F16 && to != DT_BF16))
		return false;
	p = x->def;
	if (!dtype_overridable(p) || work_dtype(p) == DT_F64 ||
	    op_info(p->op)->lowering == LOWER_COMPOSITE)
		return false;
	x->type.dtype = to;
	return true;
}

struct value *
canon_cast(struct pass_ctx *c, struct node *n)
{
	enum dtype to = n->out[0]->type.dtype;
	struct value *x = n->in[0];
	struct node *k = def_of(x, OP_cast);

	if (x->type.dtype == to)
		return x;
	if (k != NULL && lossless(k->in[0]->type.dtype, x->type.dtype))
		return mk_cast(c->g, k->in[0], to, n);
	return narrow_producer(x, to) ? x : NULL;
}

/* The elements of the float constant v under fn, or NULL where fn refuses
 * one (returns false). */
static struct value *
map_const(struct pass_ctx *c, const struct value *v,
    bool (*fn)(double x, enum dtype t, double *y))
{
	size_t n = (size_t)type_elems(&v->type);
	double *d = NEW_ARRAY(c->scratch, double, n);

	for (size_t i = 0; i < n; i++)
		if (!fn(dtype_get(v->data, v->type.dtype, i), v->type.dtype,
		    &d[i]))
			return NULL;
	return const_from(c->g, NULL, &v->type, d);
}

static bool
negate(double x, enum dtype t, double *y)
{
	(void)t;
	*y = -x;
	return true;
}

/* 1/x where x is a power of two of moderate size: then x/c is exactly
 * x*(1/c). */
static bool
exact_reciprocal(double x, enum dtype t, double *y)
{
	int e, limit = t == DT_F16 ? 13 : 120;

	*y = 1 / x;
	return isfinite(x) && fabs(frexp(x, &e)) == 0.5 && abs(e) < limit;
}

static struct value *
canon_pow(struct pass_ctx *c, struct node *n, double y)
{
	struct value *x = n->in[0];
	enum dtype t = n->out[0]->type.dtype;

	if (!shape_equal(&x->type, &n->out[0]->type))
		return NULL;
	if (y == 1 && x->type.dtype == t)
		return x;
	if (y == 2)
		return build_binary(c->g, OP_mul, x, x, t, n);
	if (!dtype_is_float(x->type.dtype))
		return NULL;
	if (y == 0.5)
		return build_unary(c->g, OP_sqrt, x, t, n);
	if (y == -0.5)
		return build_unary(c->g, OP_rsqrt, x, t, n);
	if (y == -1)
		return build_unary(c->g, OP_reciprocal, x, t, n);
	return NULL;
}

/* max and min with a constant: a limit. */
static struct value *
canon_limit(struct pass_ctx *c, struct node *n, double y)
{
	struct value *x = n->in[0];
	enum dtype t = n->out[0]->type.dtype;

	if (!dtype_is_float(x->type.dtype) || isnan(y) ||
	    !shape_equal(&x->type, &n->out[0]->type) ||
	    (n->in[1]->type.dtype == DT_F64 && x->type.dtype != DT_F64))
		return NULL;
	if (n->op == OP_max)
		return make_clip(c->g, x, y, HUGE_VAL, t, n);
	return make_clip(c->g, x, -HUGE_VAL, y, t, n);
}

/* Operand 1 is a constant with all elements equal to y. */
static struct value *
canon_splat(struct pass_ctx *c, struct node *n, double y)
{
	struct value *x = n->in[0];
	bool same = type_equal(&x->type, &n->out[0]->type);

	switch (n->op) {
	case OP_add:
	case OP_sub: return same && y == 0 ? x : NULL;
	case OP_mul:
	case OP_div: return same && y == 1 ? x : NULL;
	case OP_pow: return canon_pow(c, n, y);
	case OP_max:
	case OP_min: return canon_limit(c, n, y);
	case OP_prelu: {
		struct attr a = attr_make_float(ATTR_alpha, y);

		return build_op(c->g, OP_leaky_relu, &x, 1, &a, 1,
		    n->out[0]->type.dtype, n);
	}
	default: return NULL;
	}
}

/* x * hard_sigmoid(x) with slope 1/6. */
static struct value *
canon_hard_swish(struct pass_ctx *c, struct node *n)
{
	for (int i = 0; i < 2; i++) {
		struct node *h = def_of(n->in[1 - i], OP_hard_sigmoid);

		if (h != NULL && h->in[0] == n->in[i] &&
		    fabs(node_float(h, ATTR_alpha) * 6 - 1) < 1e-6 &&
		    node_float(h, ATTR_beta) == 0.5)
			return build_unary(c->g, OP_hard_swish, n->in[i],
			    n->out[0]->type.dtype, n);
	}
	return NULL;
}

static struct value *
canon_select(const struct node *n)
{
	struct value *v;
	double cond;

	if (!const_splat(n->in[0], &cond))
		return NULL;
	v = cond != 0 ? n->in[1] : n->in[2];
	return type_equal(&v->type, &n->out[0]->type) ? v : NULL;
}

struct value *
canon_binary(struct pass_ctx *c, struct node *n)
{
	struct value *y, *v = NULL;
	enum dtype t = n->out[0]->type.dtype;
	double k;

	if (n->op == OP_select)
		return canon_select(n);
	if (n->nin != 2)
		return NULL;
	y = n->in[1];
	if (y->kind != VALUE_CONST)
		return n->op == OP_mul ? canon_hard_swish(c, n) : NULL;
	if (const_splat(y, &k))
		v = canon_splat(c, n, k);
	if (v != NULL || !dtype_is_float(y->type.dtype))
		return v;
	if (n->op == OP_sub) {
		y = map_const(c, y, negate);
		return build_binary(c->g, OP_add, n->in[0], y, t, n);
	}
	if (n->op == OP_div && n->in[0]->kind != VALUE_CONST) {
		y = map_const(c, y, exact_reciprocal);
		if (y != NULL)
			return build_binary(c->g, OP_mul, n->in[0], y, t, n);
	}
	return NULL;
}
