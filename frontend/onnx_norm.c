#include "frontend/onnx_imp.h"

#include <math.h>

bool
onnx_op_batch_norm(struct opx *c)
{
	struct attr a[] = {
		attr_make_float(ATTR_epsilon,
		    attr_f(c, "epsilon", (double)1e-5f)),
		/* the decimal that the float in the file stands for */
		attr_make_float(ATTR_momentum,
		    round(attr_f(c, "momentum", 0.9) * 1e6) / 1e6),
	};
	bool trains = false;

	if (c->opset < 9 && attr_i(c, "spatial", 1) == 0)
		return op_error(c, "spatial = 0 (statistics for each "
		    "position) is not supported");
	if (c->opset < 7)
		trains = attr_i(c, "is_test", 0) == 0;
	if (c->opset >= 14)
		trains = attr_i(c, "training_mode", 0) != 0;
	for (int i = 1; i < c->nout; i++)
		trains = trains || op_wants(c, i);
	if (trains)
		diag_remark(c->m->diag, &c->loc, "training mode: imported in "
		    "its inference form");
	c->absent = "which exists only in training";
	return op_result(c, 0, OP_batch_norm, c->in, 5, a, 2);
}

bool
onnx_op_instance_norm(struct opx *c)
{
	struct attr a = attr_make_float(ATTR_epsilon,
	    attr_f(c, "epsilon", (double)1e-5f));

	return op_result(c, 0, OP_instance_norm, c->in, 3, &a, 1);
}

/* Opset 18 has one scale and bias per group: repeat them per channel. */
static struct value *
per_channel(struct opx *c, int i, int64_t groups, int64_t channels)
{
	struct value *v = c->in[i];
	int64_t column[] = {groups, 1};
	int64_t full[] = {groups, channels / groups};

	if (v->type.rank != 1 || v->type.dim[0] != groups) {
		op_error(c, "input %d (%s) must have one entry per group", i,
		    i == 1 ? "scale" : "bias");
		return NULL;
	}
	v = op_expand(c, op_reshape(c, v, column, 2), full, 2);
	return op_reshape(c, v, &channels, 1);
}

bool
onnx_op_group_norm(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	int64_t g = attr_i(c, "num_groups", 0);
	double eps = attr_f(c, "epsilon", (double)1e-5f);

	attr_ignore(c, "stash_type");
	if (t->rank < 2 || g < 1 || g > 1 << 20 || t->dim[1] % g != 0)
		return op_error(c, "num_groups %lld does not divide the "
		    "channels", (long long)g);
	int64_t ch = t->dim[1];
	struct value *in[] = {c->in[0], per_channel(c, 1, g, ch),
	    per_channel(c, 2, g, ch)};
	if (in[1] == NULL || in[2] == NULL)
		return false;
	int64_t *first = NEW_ARRAY(c->m->arena, int64_t, (size_t)g);
	int64_t *end = NEW_ARRAY(c->m->arena, int64_t, (size_t)g);
	for (int64_t i = 0; i < g; i++) {
		first[i] = i * (ch / g);
		end[i] = (i + 1) * (ch / g);
	}
	struct attr a[] = {
		attr_make_ints(ATTR_channel_starts, first, (size_t)g),
		attr_make_ints(ATTR_channel_ends, end, (size_t)g),
		attr_make_float(ATTR_epsilon, eps),
	};
	return op_result(c, 0, OP_group_norm, in, 3, a, 3);
}

static struct value *
mean_over(struct opx *c, struct value *x, const int64_t *axes, int n)
{
	struct attr a[] = {
		attr_make_ints(ATTR_axes,
		    imp_ints(c->m, axes, (size_t)n), (size_t)n),
		attr_make_int(ATTR_keepdims, 1),
	};

	return x != NULL ? op_emit(c, OP_reduce_mean, &x, 1, a, 2) : NULL;
}

/* The second and third result: mean and inverse deviation. */
static bool
layer_norm_statistics(struct opx *c, int axis, double eps)
{
	struct value *x = c->in[0];
	int64_t axes[MAX_RANK];
	int n = 0;

	for (int i = axis; i < x->type.rank; i++)
		axes[n++] = i;
	struct value *mean = mean_over(c, x, axes, n);
	struct value *d = op_binary(c, OP_sub, x, mean);
	struct value *var = mean_over(c, op_binary(c, OP_mul, d, d), axes,
	    n);
	if (var == NULL)
		return false;
	var = op_binary(c, OP_add, var,
	    op_scalar(c, var->type.dtype, eps));
	var = op_unary(c, OP_sqrt, var);
	if (var == NULL)
		return false;
	if (c->nout > 1)
		c->out[1] = mean;
	return c->nout < 3 ||
	    op_result(c, 2, OP_reciprocal, &var, 1, NULL, 0);
}

bool
onnx_op_layer_norm(struct opx *c)
{
	const struct tensor_type *t = &c->in[0]->type;
	double eps = attr_f(c, "epsilon", (double)1e-5f);
	struct value *in[3] = {c->in[0]};
	int axis, n = 1;

	attr_ignore(c, "stash_type");
	if (!arg_axis(c, attr_i(c, "axis", -1), t->rank, &axis))
		return false;
	for (int i = 1; i < 3 && c->in[i] != NULL; i++) {
		in[n] = op_expand(c, c->in[i], t->dim + axis,
		    t->rank - axis);
		if (in[n++] == NULL)
			return false;
	}
	struct attr a[] = {
		attr_make_int(ATTR_axis, axis),
		attr_make_float(ATTR_epsilon, eps),
	};
	if (!op_result(c, 0, OP_layer_norm, in, n, a, 2))
		return false;
	return (!op_wants(c, 1) && !op_wants(c, 2)) ||
	    layer_norm_statistics(c, axis, eps);
}

/* (x - E x) / (sqrt(E x^2 - (E x)^2) + 1e-9) */
bool
onnx_op_mvn(struct opx *c)
{
	static const int64_t dflt[] = {0, 2, 3};
	struct ints v = {dflt, 3};
	struct value *x = c->in[0];
	int pos[MAX_RANK];
	int64_t axes[MAX_RANK];
	int n = 0;

	if (attr_present(c, "axes"))
		(void)attr_is(c, "axes", &v);
	if (v.n < 1 || v.n > (size_t)x->type.rank)
		return op_error(c, "has %zu axes for rank %d", v.n,
		    x->type.rank);
	if (!arg_axes(c, &v, x->type.rank, pos))
		return false;
	for (int d = 0; d < x->type.rank; d++)
		for (size_t i = 0; i < v.n; i++)
			if (pos[i] == d)
				axes[n++] = d;
	struct value *mean = mean_over(c, x, axes, n);
	struct value *square = mean_over(c, op_binary(c, OP_mul, x, x),
	    axes, n);
	struct value *var = op_binary(c, OP_sub, square,
	    op_binary(c, OP_mul, mean, mean));
	struct value *in[] = {op_binary(c, OP_sub, x, mean),
	    op_unary(c, OP_sqrt, var)};
	if (in[0] == NULL || in[1] == NULL)
		return false;
	in[1] = op_binary(c, OP_add, in[1],
	    op_scalar(c, x->type.dtype, 1e-9));
	return in[1] != NULL && op_result(c, 0, OP_div, in, 2, NULL, 0);
}

bool
onnx_op_lrn(struct opx *c)
{
	int64_t size = attr_i(c, "size", 0);
	struct attr a[] = {
		attr_make_int(ATTR_size, size),
		attr_make_float(ATTR_alpha,
		    attr_f(c, "alpha", (double)1e-4f)),
		attr_make_float(ATTR_beta, attr_f(c, "beta", 0.75)),
		attr_make_float(ATTR_bias, attr_f(c, "bias", 1)),
	};

	if (size < 1 || size > MAX_DIM)
		return op_error(c, "size is %lld", (long long)size);
	return op_result(c, 0, OP_lrn, c->in, 1, a, 4);
}
