/* Normalisations. */
#include "frontend/net_run.h"

/* A vector of the channels, or a parameter of another shape. */
static struct value *
param(struct call *c, const char *name, int rank, const int64_t *dim,
    double start, bool statistic)
{
	struct param_spec p = {.name = name, .rank = rank, .dim = dim,
	    .init = {.kind = INIT_CONSTANT, .a = start},
	    .statistic = statistic};

	return layer_param(c, &p, call_tensor(c, "x")->type.dtype);
}

/* x, scale and bias over the channel axis. */
static bool
scaled(struct call *c, struct value **in)
{
	struct value *x = call_tensor(c, "x");
	char buf[TYPE_STR_MAX];

	if (x->type.rank < 2) {
		call_error(c, "x must be [N, C, ...], not %s",
		    type_str(&x->type, buf, sizeof buf));
		return false;
	}
	in[0] = x;
	in[1] = param(c, "weight", 1, &x->type.dim[1], 1, false);
	in[2] = param(c, "bias", 1, &x->type.dim[1], 0, false);
	return in[1] != NULL && in[2] != NULL;
}

/* The epsilon as an attribute; false when it is no positive number. */
static bool
epsilon(struct call *c, struct attr *a)
{
	double v = call_float(c, "epsilon");

	*a = attr_make_float(ATTR_epsilon, v);
	if (v > 0)
		return true;
	call_error(c, "'epsilon' must be positive");
	return false;
}

struct val
builtin_batch_norm(struct call *c)
{
	double momentum = call_float(c, "momentum");
	struct value *in[5], *v;
	struct attr a;

	if (!(momentum >= 0 && momentum <= 1))
		return call_error(c, "'momentum' must be 0 to 1");
	if (!epsilon(c, &a) || !scaled(c, in))
		return val_error();
	in[3] = param(c, "running_mean", 1, &in[0]->type.dim[1], 0, true);
	in[4] = param(c, "running_var", 1, &in[0]->type.dim[1], 1, true);
	if (in[3] == NULL || in[4] == NULL)
		return val_error();
	v = layer_node(c, OP_batch_norm, in, 5, &a, 1);
	layer_hint(c, NET_BATCH_NORM, v, momentum);
	return layer_result(v);
}

/* The number of groups, 0 after a report. */
static int64_t
group_count(struct call *c, int64_t channels)
{
	bool by_groups = call_given(c, "groups");
	bool by_size = call_given(c, "channels");
	int64_t v = by_groups ? call_int(c, "groups") :
	    by_size ? call_int(c, "channels") : 0;

	if (by_groups == by_size) {
		call_error(c, "give either 'groups' or 'channels' (per "
		    "group)");
		return 0;
	}
	if (v < 1 || channels % v != 0) {
		call_error(c, "%lld %s do not divide the %lld channels",
		    (long long)v, by_groups ? "groups" :
		    "channels per group", (long long)channels);
		return 0;
	}
	return by_groups ? v : channels / v;
}

struct val
builtin_group_norm(struct call *c)
{
	struct value *in[3];
	struct attr a[3];

	if (!epsilon(c, &a[0]) || !scaled(c, in))
		return val_error();
	int64_t channels = in[0]->type.dim[1];
	int64_t n = group_count(c, channels);
	if (n == 0)
		return val_error();
	int64_t *lo = NEW_ARRAY(c->r->arena, int64_t, (size_t)n);
	int64_t *hi = NEW_ARRAY(c->r->arena, int64_t, (size_t)n);
	for (int64_t i = 0; i < n; i++) {
		lo[i] = i * (channels / n);
		hi[i] = lo[i] + channels / n;
	}
	a[1] = attr_make_ints(ATTR_channel_starts, lo, (size_t)n);
	a[2] = attr_make_ints(ATTR_channel_ends, hi, (size_t)n);
	return layer_result(layer_node(c, OP_group_norm, in, 3, a, 3));
}

struct val
builtin_instance_norm(struct call *c)
{
	struct value *in[3];
	struct attr a;

	if (!epsilon(c, &a) || !scaled(c, in))
		return val_error();
	return layer_result(layer_node(c, OP_instance_norm, in, 3, &a, 1));
}

struct val
builtin_layer_norm(struct call *c)
{
	struct value *x = call_tensor(c, "x"), *in[3] = {x};
	struct attr a[2];
	int64_t axis;

	if (!epsilon(c, &a[0]) || !call_axis(c, "axis", x->type.rank, &axis))
		return val_error();
	in[1] = param(c, "weight", x->type.rank - (int)axis,
	    x->type.dim + axis, 1, false);
	in[2] = param(c, "bias", x->type.rank - (int)axis,
	    x->type.dim + axis, 0, false);
	if (in[1] == NULL || in[2] == NULL)
		return val_error();
	a[1] = attr_make_int(ATTR_axis, axis);
	return layer_result(layer_node(c, OP_layer_norm, in, 3, a, 2));
}

struct val
builtin_lrn(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct attr a[] = {attr_make_int(ATTR_size, call_int(c, "size")),
	    attr_make_float(ATTR_alpha, call_float(c, "alpha")),
	    attr_make_float(ATTR_beta, call_float(c, "beta")),
	    attr_make_float(ATTR_bias, call_float(c, "bias"))};

	return layer_result(layer_node(c, OP_lrn, &x, 1, a, 4));
}

struct val
builtin_softmax(struct call *c)
{
	struct value *x = call_tensor(c, "x");
	struct attr a;
	int64_t axis;

	if (!call_axis(c, "axis", x->type.rank, &axis))
		return val_error();
	a = attr_make_int(ATTR_axis, axis);
	return layer_result(layer_node(c, c->builtin->op, &x, 1, &a, 1));
}
