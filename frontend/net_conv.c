/* Convolutions and products. */
#include "frontend/net_window.h"

/* A weight with its bias, and where they go. */
struct weights {
	struct value *in[3]; /* x, weight, bias */
	int n;
};

/* Adds bias= to the operands; PyTorch's default takes the fan of the
 * weight. */
static bool
add_bias(struct call *c, struct weights *w, int64_t channels, double fan_in,
    double fan_out)
{
	struct val init = call_arg(c, "bias_init");
	struct param_spec p = {.name = "bias", .rank = 1, .dim = &channels,
	    .init.kind = INIT_FAN_UNIFORM, .fan_in = fan_in,
	    .fan_out = fan_out};

	if (!call_bool(c, "bias"))
		return true;
	/* With another initialiser of the weight the bias starts at 0. */
	if (call_given(c, "init"))
		p.init = (struct init){.kind = INIT_CONSTANT};
	if (init.kind == VAL_INIT)
		p.init = init.init;
	w->in[w->n] = layer_param(c, &p, w->in[0]->type.dtype);
	return w->in[w->n++] != NULL;
}

static bool
positive(struct call *c, const char *name, int64_t v)
{
	if (v >= 1 && v <= MAX_DIM)
		return true;
	call_error(c, "'%s' is %lld, it must be 1 to %d", name, (long long)v,
	    MAX_DIM);
	return false;
}

/* Groups must divide both channel counts; both shapes stand in the text. */
static bool
groups_fit(struct call *c, const struct value *x, int64_t co, int64_t groups)
{
	char buf[TYPE_STR_MAX];

	if (!positive(c, "channels", co) || !positive(c, "groups", groups))
		return false;
	if (x->type.dim[1] % groups == 0 && co % groups == 0)
		return true;
	call_error(c, "%lld groups do not divide the channels of %s and the "
	    "%lld output channels", (long long)groups,
	    type_str(&x->type, buf, sizeof buf), (long long)co);
	return false;
}

static int
window_attrs(const struct window *w, int64_t groups, struct attr *a)
{
	size_t n = (size_t)w->n;

	a[0] = attr_make_ints(ATTR_strides, w->stride, n);
	a[1] = attr_make_ints(ATTR_dilations, w->dilation, n);
	a[2] = attr_make_ints(ATTR_pads_begin, w->before, n);
	a[3] = attr_make_ints(ATTR_pads_end, w->after, n);
	a[4] = attr_make_int(ATTR_groups, groups);
	return 5;
}

/* Weight [first, second, kernel...]; for conv first is Co, transposed Ci. */
static bool
add_weight(struct call *c, const struct window *w, struct weights *ws,
    int64_t first, int64_t second, double fans[2])
{
	int64_t dim[2 + MAX_SPATIAL] = {first, second};
	double area = 1;

	for (int i = 0; i < w->n; i++) {
		dim[i + 2] = w->kernel[i];
		area *= (double)w->kernel[i];
	}
	/* PyTorch counts dimension 1 as fan in and 0 as fan out, always */
	fans[0] = (double)second * area;
	fans[1] = (double)first * area;
	struct param_spec p = {.name = "weight", .rank = w->n + 2,
	    .dim = dim, .init = call_arg(c, "init").init, .fan_in = fans[0],
	    .fan_out = fans[1]};
	ws->in[1] = layer_param(c, &p, ws->in[0]->type.dtype);
	ws->n = 2;
	return ws->in[1] != NULL;
}

static struct val
convolve(struct call *c, int64_t channels, int64_t groups)
{
	struct weights ws = {.in = {call_tensor(c, "x")}, .n = 1};
	struct window w;
	struct attr a[5];
	double fans[2];

	if (!net_window_read(c, &w, true) ||
	    !groups_fit(c, ws.in[0], channels, groups) ||
	    !add_weight(c, &w, &ws, channels,
	    ws.in[0]->type.dim[1] / groups, fans) ||
	    !add_bias(c, &ws, channels, fans[0], fans[1]))
		return val_error();
	return layer_result(layer_node(c, OP_conv, ws.in, ws.n, a,
	    window_attrs(&w, groups, a)));
}

struct val
builtin_conv(struct call *c)
{
	return convolve(c, call_int(c, "channels"), call_int(c, "groups"));
}

struct val
builtin_depthwise(struct call *c)
{
	const struct value *x = call_tensor(c, "x");
	int64_t m = call_int(c, "multiplier");

	if (spatial_axes(c, x) == 0 || !positive(c, "multiplier", m))
		return val_error();
	return convolve(c, m * x->type.dim[1], x->type.dim[1]);
}

struct val
builtin_conv_transpose(struct call *c)
{
	struct weights ws = {.in = {call_tensor(c, "x")}, .n = 1};
	int64_t channels = call_int(c, "channels");
	int64_t groups = call_int(c, "groups"), out[MAX_SPATIAL];
	struct window w;
	struct attr a[6];
	double fans[2];

	if (!net_window_read(c, &w, true) ||
	    !call_ints(c, "output_pad", w.n, 0, MAX_DIM, out) ||
	    !groups_fit(c, ws.in[0], channels, groups) ||
	    !add_weight(c, &w, &ws, ws.in[0]->type.dim[1], channels / groups,
	    fans) || !add_bias(c, &ws, channels, fans[0], fans[1]))
		return val_error();
	int n = window_attrs(&w, groups, a);
	a[n++] = attr_make_ints(ATTR_output_pads, out, (size_t)w.n);
	return layer_result(layer_node(c, OP_conv_transpose, ws.in, ws.n, a,
	    n));
}

struct val
builtin_linear(struct call *c)
{
	struct weights ws = {.in = {call_tensor(c, "x")}, .n = 1};
	const struct tensor_type *t = &ws.in[0]->type;
	struct attr a = attr_make_int(ATTR_trans_b, 1);
	int64_t features = call_int(c, "features");
	char buf[TYPE_STR_MAX];

	if (!positive(c, "features", features))
		return val_error();
	if (t->rank < 2 || t->rank == 4 || t->rank == 5)
		return call_error(c, "x is %s; linear works on the last axis "
		    "of [N, K]: flatten it first",
		    type_str(t, buf, sizeof buf));
	int64_t dim[] = {features, t->dim[t->rank - 1]};
	struct param_spec p = {.name = "weight", .rank = 2, .dim = dim,
	    .init = call_arg(c, "init").init, .fan_in = (double)dim[1],
	    .fan_out = (double)dim[0]};
	ws.in[1] = layer_param(c, &p, t->dtype);
	ws.n = 2;
	if (ws.in[1] == NULL || !add_bias(c, &ws, features, p.fan_in,
	    p.fan_out))
		return val_error();
	return layer_result(layer_node(c, OP_matmul, ws.in, ws.n, &a, 1));
}

struct val
builtin_matmul(struct call *c)
{
	struct value *in[] = {call_tensor(c, "a"), call_tensor(c, "b")};
	struct attr a[] = {
	    attr_make_int(ATTR_trans_a, call_bool(c, "trans_a")),
	    attr_make_int(ATTR_trans_b, call_bool(c, "trans_b"))};

	return layer_result(layer_node(c, OP_matmul, in, 2, a, 2));
}
