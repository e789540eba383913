#include "tests/lib/nets.h"

#include <string.h>

/* A network under construction. */
struct net {
	struct graph *g;
	struct arena *arena;
	float *noise; /* NOISE random numbers, weights are made of */
	size_t at;
};

#define NOISE 65536

static void
make_noise(struct net *n)
{
	uint64_t s = 88172645463325252u; /* xorshift64, Marsaglia 2003 */
	n->noise = NEW_ARRAY(n->arena, float, NOISE);
	for (size_t i = 0; i < NOISE; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		n->noise[i] = (float)((double)(s >> 11) / 9007199254740992.0 -
		    0.5);
	}
}

/* A constant with numbers in base +- spread / 2. */
static struct value *
weights(struct net *n, int rank, const int64_t *dim, float base, float spread)
{
	struct tensor_type t = type_make(DT_F32, rank, dim);
	size_t count = (size_t)type_elems(&t);
	float *data = arena_alloc(n->arena, count * sizeof *data);
	for (size_t i = 0; i < count; i++)
		data[i] = base + spread * n->noise[(n->at + i) % NOISE];
	n->at = (n->at + count * 7 + 12345) % NOISE;
	return graph_const(n->g, NULL, &t, data);
}

static struct value *
vector(struct net *n, int64_t len, float base, float spread)
{
	return weights(n, 1, &len, base, spread);
}

static struct attr
both(enum attr_id id, const int64_t *two)
{
	return attr_make_ints(id, two, 2);
}

/* Window attributes, square. */
static int
window_attrs(struct net *n, struct attr *at, int64_t stride, int64_t pad)
{
	int64_t *v = NEW_ARRAY(n->arena, int64_t, 4);
	v[0] = v[1] = stride;
	v[2] = v[3] = pad;
	at[0] = both(ATTR_strides, v);
	at[1] = both(ATTR_pads_begin, v + 2);
	at[2] = both(ATTR_pads_end, v + 2);
	return 3;
}

static struct value *
conv(struct net *n, struct value *x, int64_t co, int64_t k, int64_t stride,
    int64_t pad, int64_t groups, bool bias)
{
	int64_t dim[4] = {co, x->type.dim[1] / groups, k, k};
	float scale = 2.0f / (float)(dim[1] * k * k);
	struct attr at[4];
	int nat = window_attrs(n, at, stride, pad);
	at[nat++] = attr_make_int(ATTR_groups, groups);
	struct value *in[3] = {x, weights(n, 4, dim, 0, scale * 4), NULL};
	if (bias)
		in[2] = vector(n, co, 0, 0.1f);
	return build_op(n->g, OP_conv, in, bias ? 3 : 2, at, nat, DT_NONE,
	    NULL);
}

static struct value *
relu(struct net *n, struct value *x)
{
	return build_unary(n->g, OP_relu, x, DT_NONE, NULL);
}

static struct value *
relu6(struct net *n, struct value *x)
{
	struct attr at[2] = {{.id = ATTR_min, .f = 0},
	    {.id = ATTR_max, .f = 6}};
	return build_op(n->g, OP_clip, &x, 1, at, 2, DT_NONE, NULL);
}

static struct value *
norm(struct net *n, struct value *x)
{
	int64_t c = x->type.dim[1];
	struct value *in[5] = {x, vector(n, c, 1, 0.5f),
	    vector(n, c, 0, 0.2f), vector(n, c, 0, 0.2f),
	    vector(n, c, 1, 0.5f)};
	return build_op(n->g, OP_batch_norm, in, 5, NULL, 0, DT_NONE, NULL);
}

static struct value *
conv_norm(struct net *n, struct value *x, int64_t co, int64_t k,
    int64_t stride, int64_t groups)
{
	return norm(n, conv(n, x, co, k, stride, (k - 1) / 2, groups, false));
}

static struct value *
pool(struct net *n, enum op op, struct value *x, int64_t k, int64_t stride,
    int64_t pad)
{
	struct attr at[4];
	int64_t *kernel = NEW_ARRAY(n->arena, int64_t, 2);
	kernel[0] = kernel[1] = k;
	int nat = window_attrs(n, at, stride, pad);
	at[nat++] = both(ATTR_kernel, kernel);
	return build_op(n->g, op, &x, 1, at, nat, DT_NONE, NULL);
}

static struct value *
add(struct net *n, struct value *x, struct value *y)
{
	return build_binary(n->g, OP_add, x, y, DT_NONE, NULL);
}

static struct value *
concat(struct net *n, struct value **x, int count)
{
	struct attr axis = attr_make_int(ATTR_axis, 1);
	return build_op(n->g, OP_concat, x, count, &axis, 1, DT_NONE, NULL);
}

static struct value *
flatten(struct net *n, struct value *x)
{
	int64_t *shape = NEW_ARRAY(n->arena, int64_t, 2);
	shape[0] = x->type.dim[0];
	shape[1] = type_elems(&x->type) / shape[0];
	struct attr at = both(ATTR_shape, shape);
	return build_op(n->g, OP_reshape, &x, 1, &at, 1, DT_NONE, NULL);
}

static struct value *
dense(struct net *n, struct value *x, int64_t out)
{
	int64_t dim[2] = {x->type.dim[1], out};
	struct value *in[3] = {x, weights(n, 2, dim, 0,
	    4.0f / (float)dim[0]), vector(n, out, 0, 0.1f)};
	return build_op(n->g, OP_matmul, in, 3, NULL, 0, DT_NONE, NULL);
}

static struct value *
global_mean(struct net *n, struct value *x)
{
	static const int64_t axes[] = {2, 3};
	struct attr at = both(ATTR_axes, axes);
	return flatten(n, build_op(n->g, OP_reduce_mean, &x, 1, &at, 1,
	    DT_NONE, NULL));
}

/* ---- residual networks: He et al., arXiv 1512.03385, table 1 ---- */

static struct value *
shortcut(struct net *n, struct value *x, int64_t co, int64_t stride)
{
	if (x->type.dim[1] == co && stride == 1)
		return x;
	return conv_norm(n, x, co, 1, stride, 1);
}

static struct value *
basic_block(struct net *n, struct value *x, int64_t co, int64_t stride)
{
	struct value *y = relu(n, conv_norm(n, x, co, 3, stride, 1));
	y = conv_norm(n, y, co, 3, 1, 1);
	return relu(n, add(n, y, shortcut(n, x, co, stride)));
}

/* The stride is in the 3x3 layer, as in torchvision. */
static struct value *
bottleneck(struct net *n, struct value *x, int64_t co, int64_t stride)
{
	struct value *y = relu(n, conv_norm(n, x, co, 1, 1, 1));
	y = relu(n, conv_norm(n, y, co, 3, stride, 1));
	y = conv_norm(n, y, 4 * co, 1, 1, 1);
	return relu(n, add(n, y, shortcut(n, x, 4 * co, stride)));
}

static struct value *
resnet(struct net *n, struct value *x, bool deep, const int *blocks)
{
	x = relu(n, conv_norm(n, x, 64, 7, 2, 1));
	x = pool(n, OP_max_pool, x, 3, 2, 1);
	for (int s = 0; s < 4; s++) {
		for (int b = 0; b < blocks[s]; b++) {
			int64_t co = (int64_t)64 << s;
			int64_t stride = b == 0 && s > 0 ? 2 : 1;
			x = deep ? bottleneck(n, x, co, stride) :
			    basic_block(n, x, co, stride);
		}
	}
	return dense(n, global_mean(n, x), 1000);
}

static struct value *
resnet18(struct net *n, struct value *x)
{
	return resnet(n, x, false, (const int[]){2, 2, 2, 2});
}

static struct value *
resnet50(struct net *n, struct value *x)
{
	return resnet(n, x, true, (const int[]){3, 4, 6, 3});
}

static struct value *
resnet101(struct net *n, struct value *x)
{
	return resnet(n, x, true, (const int[]){3, 4, 23, 3});
}

/* ---- plain networks ---- */

static struct value *
conv_relu(struct net *n, struct value *x, int64_t co, int64_t k,
    int64_t stride, int64_t pad)
{
	return relu(n, conv(n, x, co, k, stride, pad, 1, true));
}

/* Simonyan and Zisserman, arXiv 1409.1556: configurations D and E. */
static struct value *
vgg(struct net *n, struct value *x, const int *layers)
{
	for (int s = 0; s < 5; s++) {
		for (int i = 0; i < layers[s]; i++)
			x = conv_relu(n, x, s < 4 ? (int64_t)64 << s : 512, 3,
			    1, 1);
		x = pool(n, OP_max_pool, x, 2, 2, 0);
	}
	x = relu(n, dense(n, flatten(n, x), 4096));
	x = relu(n, dense(n, x, 4096));
	return dense(n, x, 1000);
}

static struct value *
vgg16(struct net *n, struct value *x)
{
	return vgg(n, x, (const int[]){2, 2, 3, 3, 3});
}

static struct value *
vgg19(struct net *n, struct value *x)
{
	return vgg(n, x, (const int[]){2, 2, 4, 4, 4});
}

/* Krizhevsky, arXiv 1404.5997, as in torchvision. */
static struct value *
alexnet(struct net *n, struct value *x)
{
	x = pool(n, OP_max_pool, conv_relu(n, x, 64, 11, 4, 2), 3, 2, 0);
	x = pool(n, OP_max_pool, conv_relu(n, x, 192, 5, 1, 2), 3, 2, 0);
	x = conv_relu(n, x, 384, 3, 1, 1);
	x = conv_relu(n, x, 256, 3, 1, 1);
	x = pool(n, OP_max_pool, conv_relu(n, x, 256, 3, 1, 1), 3, 2, 0);
	x = relu(n, dense(n, flatten(n, x), 4096));
	x = relu(n, dense(n, x, 4096));
	return dense(n, x, 1000);
}

/* ---- depth-wise networks ---- */

/* Howard et al., arXiv 1704.04861, table 1. */
static struct value *
mobilenet_v1(struct net *n, struct value *x)
{
	static const int64_t out[] = {64, 128, 128, 256, 256, 512, 512, 512,
	    512, 512, 512, 1024, 1024};
	static const int64_t stride[] = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2,
	    1};
	x = relu(n, conv_norm(n, x, 32, 3, 2, 1));
	for (int i = 0; i < 13; i++) {
		int64_t c = x->type.dim[1];
		x = relu(n, conv_norm(n, x, c, 3, stride[i], c));
		x = relu(n, conv_norm(n, x, out[i], 1, 1, 1));
	}
	return dense(n, global_mean(n, x), 1000);
}

static struct value *
inverted_residual(struct net *n, struct value *x, int64_t expand, int64_t co,
    int64_t stride)
{
	int64_t c = x->type.dim[1];
	struct value *y = x;
	if (expand > 1)
		y = relu6(n, conv_norm(n, y, c * expand, 1, 1, 1));
	y = relu6(n, conv_norm(n, y, c * expand, 3, stride, c * expand));
	y = conv_norm(n, y, co, 1, 1, 1);
	return stride == 1 && c == co ? add(n, x, y) : y;
}

/* Sandler et al., arXiv 1801.04381, table 2. */
static struct value *
mobilenet_v2(struct net *n, struct value *x)
{
	static const int64_t rows[7][4] = { /* expand, channels, n, stride */
	    {1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2},
	    {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
	x = relu6(n, conv_norm(n, x, 32, 3, 2, 1));
	for (int i = 0; i < 7; i++)
		for (int64_t b = 0; b < rows[i][2]; b++)
			x = inverted_residual(n, x, rows[i][0], rows[i][1],
			    b == 0 ? rows[i][3] : 1);
	x = relu6(n, conv_norm(n, x, 1280, 1, 1, 1));
	return dense(n, global_mean(n, x), 1000);
}

/* ---- networks with concatenation ---- */

static struct value *
inception(struct net *n, struct value *x, const int64_t *c)
{
	struct value *b[4];
	b[0] = conv_relu(n, x, c[0], 1, 1, 0);
	b[1] = conv_relu(n, conv_relu(n, x, c[1], 1, 1, 0), c[2], 3, 1, 1);
	b[2] = conv_relu(n, conv_relu(n, x, c[3], 1, 1, 0), c[4], 5, 1, 2);
	b[3] = conv_relu(n, pool(n, OP_max_pool, x, 3, 1, 1), c[5], 1, 1, 0);
	return concat(n, b, 4);
}

/* Szegedy et al., arXiv 1409.4842, table 1, without auxiliary heads and local
 * response normalisation; pools padded to its output sizes. */
static struct value *
inception_v1(struct net *n, struct value *x)
{
	static const int64_t rows[9][6] = {{64, 96, 128, 16, 32, 32},
	    {128, 128, 192, 32, 96, 64}, {192, 96, 208, 16, 48, 64},
	    {160, 112, 224, 24, 64, 64}, {128, 128, 256, 24, 64, 64},
	    {112, 144, 288, 32, 64, 64}, {256, 160, 320, 32, 128, 128},
	    {256, 160, 320, 32, 128, 128}, {384, 192, 384, 48, 128, 128}};
	x = pool(n, OP_max_pool, conv_relu(n, x, 64, 7, 2, 3), 3, 2, 1);
	x = conv_relu(n, conv_relu(n, x, 64, 1, 1, 0), 192, 3, 1, 1);
	x = pool(n, OP_max_pool, x, 3, 2, 1);
	for (int i = 0; i < 9; i++) {
		x = inception(n, x, rows[i]);
		if (i == 1 || i == 6)
			x = pool(n, OP_max_pool, x, 3, 2, 1);
	}
	return dense(n, global_mean(n, x), 1000);
}

/* Huang et al., arXiv 1608.06993, table 1: growth 32, bottleneck 4. */
static struct value *
densenet121(struct net *n, struct value *x)
{
	static const int layers[] = {6, 12, 24, 16};
	x = relu(n, conv_norm(n, x, 64, 7, 2, 1));
	x = pool(n, OP_max_pool, x, 3, 2, 1);
	for (int s = 0; s < 4; s++) {
		for (int i = 0; i < layers[s]; i++) {
			struct value *y = relu(n, norm(n, x));
			y = relu(n, conv_norm(n, y, 128, 1, 1, 1));
			y = conv(n, y, 32, 3, 1, 1, 1, false);
			x = concat(n, (struct value *[]){x, y}, 2);
		}
		x = relu(n, norm(n, x));
		if (s == 3)
			break;
		x = conv(n, x, x->type.dim[1] / 2, 1, 1, 0, 1, false);
		x = pool(n, OP_avg_pool, x, 2, 2, 0);
	}
	return dense(n, global_mean(n, x), 1000);
}

static const struct {
	const char *name;
	struct value *(*build)(struct net *n, struct value *x);
} rows[] = {
	{"resnet18", resnet18}, {"resnet50", resnet50},
	{"resnet101", resnet101}, {"vgg16", vgg16}, {"vgg19", vgg19},
	{"alexnet", alexnet}, {"mobilenet_v1", mobilenet_v1},
	{"mobilenet_v2", mobilenet_v2}, {"inception_v1", inception_v1},
	{"densenet121", densenet121},
};

const char *const net_names[] = {"resnet18", "resnet50", "resnet101",
    "vgg16", "vgg19", "alexnet", "mobilenet_v1", "mobilenet_v2",
    "inception_v1", "densenet121", NULL};

struct graph *
net_build(struct arena *a, const char *name, int64_t batch)
{
	int64_t dim[4] = {batch, 3, 224, 224};
	struct tensor_type t = type_make(DT_F32, 4, dim);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		struct net n = {.arena = a, .g = graph_new(a, name)};
		make_noise(&n);
		struct value *x = graph_input(n.g, "x", &t);
		graph_output(n.g, rows[i].build(&n, x), "y");
		return n.g;
	}
	return NULL;
}
