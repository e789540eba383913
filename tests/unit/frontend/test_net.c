/* Networks of the .net language: sizes equal the published ones, outputs equal
 * PyTorch's, options and the train section arrive. */
#include "tests/lib/unit.h"

#include <math.h>
#include <string.h>

#include "frontend/init.h"
#include "frontend/net.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "support/file.h"
#include "support/npy.h"

static struct graph *
read_net(struct unit *u, const char *path, const struct net_options *opt,
    struct net_train *train)
{
	char *text;
	size_t len;

	if (!file_read(u->arena, &u->diag, path, 0, &text, &len))
		fail_msg("%s", u->last);
	struct graph *g = net_parse(u->arena, &u->diag, path, text, len, opt,
	    train);
	if (g == NULL || !graph_verify(g, &u->diag, "net"))
		fail_msg("%s", u->last);
	return g;
}

static struct graph *
read_text(struct unit *u, const char *text, const struct net_options *opt,
    struct net_train *train)
{
	struct graph *g = net_parse(u->arena, &u->diag, "t.net", text,
	    strlen(text), opt, train);

	if (g == NULL || !graph_verify(g, &u->diag, "net"))
		fail_msg("%s", u->last);
	return g;
}

/* ---- sizes ---- */

static int64_t
count_params(const struct graph *g)
{
	int64_t n = 0;

	for (size_t i = 0; i < g->states.len; i++)
		if (g->states.data[i]->trainable)
			n += type_elems(&g->states.data[i]->type);
	return n;
}

/* Products of convolutions and matrix products, padding included. */
static int64_t
count_macs(const struct graph *g)
{
	int64_t n = 0;

	graph_foreach_node(g, node) {
		const struct tensor_type *w;

		if (node->op != OP_conv && node->op != OP_matmul)
			continue;
		w = &node->in[1]->type; /* outputs first in both */
		n += type_elems(&node->out[0]->type) *
		    (type_elems(w) / w->dim[0]);
	}
	return n;
}

/* Counts of tests/models/make_net_vectors.py (torchvision 0.14). FM-A: five
 * convolutions without bias 278048 with the last layer's weight, 10 biases and
 * 2 numbers for each of 416 normalised channels. Inception-v4: the parameters of
 * the public models, whose products are known as 12.25 G. */
static void
sizes_are_the_published_ones(void **state)
{
	static const struct { const char *name; int64_t params, macs; }
	    nets[] = {{"lenet5", 61706, 416520},
	    {"fm-a", 278048 + 10 + 832, 21903104},
	    {"resnet20", 272474, 40813184}, {"resnet32", 466906, 69124736},
	    {"resnet50", 25557032, 4089184256},
	    {"resnet101", 44549160, 7801405440},
	    {"resnet152", 60192808, 11513626624},
	    {"inception_v3", 23834568, 5713216096},
	    {"inception_v4", 42679816, 12253974624},
	    {"alexnet", 61100840, 714188480},
	    {"mobilenet_v2", 3504872, 300774272},
	    {"densenet121", 7978856, 2834161664}};
	struct net_options opt = {.batch = 1, .no_weights = true};
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		char *path = arena_printf(u->arena, "examples/%s.net",
		    nets[i].name);
		struct net_train train;
		struct graph *g = read_net(u, path, &opt, &train);

		if (count_params(g) != nets[i].params ||
		    count_macs(g) != nets[i].macs)
			fail_msg("%s: %lld parameters, %lld products",
			    nets[i].name, (long long)count_params(g),
			    (long long)count_macs(g));
		assert_true(train.given);
		assert_int_not_equal(train.batch, 0);
	}
}

static void
arguments_choose_the_norm(void **state)
{
	struct net_define d[] = {{"norm", "group"}, {"classes", "7"},
	    {"N", "3"}};
	struct net_options opt = {.defines = d, .ndefines = 3,
	    .no_weights = true};
	struct unit *u = *state;
	struct graph *g = read_net(u, "examples/resnet50.net", &opt, NULL);

	graph_foreach_node(g, n)
		assert_true(n->op != OP_batch_norm);
	assert_int_equal(g->outputs.data[0]->type.dim[0], 3);
	assert_int_equal(g->outputs.data[0]->type.dim[1], 7);
	assert_non_null(graph_find(g, "net.layer1.0.bn1.weight"));
}

/* ---- outputs ---- */

/* Word e of the initial weights' stream of that name, as in (0, 1). */
static double
draw(uint64_t seed, const char *name, int64_t e)
{
	struct init i = {.kind = INIT_UNIFORM, .a = 0, .b = 1};
	double v[4096];

	assert_true(e < 4096);
	init_fill(v, DT_F64, e + 1, &i, seed, name);
	return v[e];
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* As start() of make_net_vectors.py: norms that are not trivial. */
static void
set_norms(struct unit *u, struct graph *g)
{
	graph_foreach_node(g, n)
		for (int i = 1; n->op == OP_batch_norm && i < 5; i++) {
			struct value *v = n->in[i];
			int64_t len = type_elems(&v->type);
			float *data = NEW_ARRAY(u->arena, float, (size_t)len);
			double by = ends_with(v->name, "running_mean") ||
			    ends_with(v->name, "bias") ? -0.5 : 0.5;

			for (int64_t e = 0; e < len; e++)
				data[e] = (float)(draw(1, v->name, e) + by);
			v->data = data;
		}
}

static void
agrees(struct unit *u, const char *name)
{
	struct net_options opt = {.batch = 2, .seed = 7};
	char *net = arena_printf(u->arena, "examples/%s.net", name);
	char *path = arena_printf(u->arena,
	    "tests/unit/frontend/data/%s.npy", name);
	struct graph *g = read_net(u, net, &opt, NULL);
	struct eval_options eval = {.round = false};
	struct eval_tensor in = {.type = g->inputs.data[0]->type}, out;
	struct init fill = {.kind = INIT_UNIFORM, .a = -1, .b = 1};
	struct npy want;

	set_norms(u, g);
	if (!npy_read(u->arena, &u->diag, path, &want))
		fail_msg("%s", u->last);
	in.data = arena_alloc(u->arena, (size_t)type_bytes(&in.type));
	init_fill(in.data, in.type.dtype, type_elems(&in.type), &fill, 1,
	    "image");
	if (!eval_graph(u->arena, &u->diag, g, &eval, &in, &out, NULL))
		fail_msg("%s", u->last);
	for (size_t i = 0; i < 20; i++) {
		double a = dtype_get(want.data, want.dtype, i);
		double b = dtype_get(out.data, out.type.dtype, i);

		if (!(fabs(a - b) <= 2e-6 * (1 + fabs(a))))
			fail_msg("%s: element %zu: %.9g, not %.9g", name, i,
			    b, a);
	}
}

static void
outputs_are_pytorchs(void **state)
{
	agrees(*state, "lenet5");
	agrees(*state, "resnet20");
}

/* ---- initial weights ---- */

/* Known answers of the authors' Random123 library, kat_vectors. */
static void
philox_is_philox(void **state)
{
	static const struct { uint32_t ctr[4], key[2], out[4]; } kat[] = {
	    {{0, 0, 0, 0}, {0, 0},
		{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
	    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
		{0xffffffff, 0xffffffff},
		{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
	    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
		{0xa4093822, 0x299f31d0},
		{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
	uint32_t out[4];

	(void)state;
	for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
		philox4x32(kat[i].ctr, kat[i].key, out);
		assert_memory_equal(out, kat[i].out, sizeof out);
	}
}

static void
normals_are_box_and_mullers(void **state)
{
	struct unit *u = *state;
	struct init i = {.kind = INIT_NORMAL, .a = 0, .b = 1};
	double v[4097], sum = 0, square = 0;
	struct npy want;

	if (!npy_read(u->arena, &u->diag,
	    "tests/unit/frontend/data/normal.npy", &want))
		fail_msg("%s", u->last);
	init_fill(v, DT_F64, 4097, &i, 7, "n");
	for (size_t k = 0; k < 4097; k++) {
		double w = dtype_get(want.data, want.dtype, k);

		assert_true(fabs(v[k] - w) <= 1e-13 * (1 + fabs(w)));
		sum += v[k];
		square += v[k] * v[k];
	}
	assert_true(fabs(sum / 4097) < 0.06);
	assert_true(fabs(square / 4097 - 1) < 0.08);
}

/* The spread of a weight follows its initialiser. */
static void
fans_set_the_spread(void **state)
{
	static const struct { const char *init; double deviation; } kinds[] = {
	    {"he_normal", 0.0833333}, {"he_normal(fan=\"out\")", 0.0589256},
	    {"he_uniform", 0.0833333}, {"glorot_normal", 0.0481125},
	    {"glorot_uniform", 0.0481125}, {"fan_uniform", 0.0340207},
	    {"normal(std=0.01)", 0.01}, {"uniform(-1, 1)", 0.5773503},
	    {"zeros", 0}, {"ones", 1}, {"constant(-0.25)", 0.25}};
	struct unit *u = *state;

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct graph *g = read_text(u, arena_printf(u->arena,
		    "network n { input x : f32[1, 32, 8, 8]\n"
		    "output y = x -> conv(64, 3, init=%s, name=\"c\") }",
		    kinds[k].init), NULL, NULL);
		const struct value *w = graph_find(g, "c.weight");
		int64_t n = type_elems(&w->type);
		double square = 0;

		for (int64_t i = 0; i < n; i++)
			square += pow(dtype_get(w->data, DT_F32, (size_t)i),
			    2);
		square = sqrt(square / (double)n);
		if (!(fabs(square - kinds[k].deviation) <=
		    0.02 * kinds[k].deviation))
			fail_msg("%s: %g", kinds[k].init, square);
	}
}

/* ---- the language ---- */

static void
arithmetic_and_control(void **state)
{
	static const char text[] =
	    "widths = [4, 8]  # global\n"
	    "block twice(x, c, deep = c > 4 and not false) {\n"
	    "	if deep { x = x -> linear(2 * c) } else if c == 4 {\n"
	    "		x = x -> linear(-(-c))\n"
	    "	} else { check(false, \"never\") }\n"
	    "	return x -> linear(c * 7 // 2 % 5 + 2 ** 3 - 1)\n"
	    "}\n"
	    "network n(k = 3) {\n"
	    "	input x : f32[N, k + 1] where N = 2\n"
	    "	repeat w in widths + [k] { if w != 3 {\n"
	    "		x = x -> twice(w) } }\n"
	    "	repeat i in 0..2 { x = x + i * 0.5 -> relu }\n"
	    "	output y = if len(widths) == 2 then x else (x)\n"
	    "	output z = maximum([x, x * 2, -x]) / 2\n"
	    "	output w = min(1, 2) - (x -> slice(1, 0, -1))\n"
	    "}\n";
	struct unit *u = *state;
	struct graph *g = read_text(u, text, NULL, NULL);
	char buf[TYPE_STR_MAX];

	assert_string_equal(type_str(&g->outputs.data[0]->type, buf,
	    sizeof buf), "f32[2,10]");
	assert_string_equal(type_str(&g->outputs.data[2]->type, buf,
	    sizeof buf), "f32[2,9]");
	assert_non_null(graph_find(g, "twice1.linear1.weight"));
	assert_int_equal(graph_find(g, "twice1.linear1.weight")->type.dim[0],
	    4);
	assert_int_equal(graph_find(g, "twice2.linear1.weight")->type.dim[0],
	    16);
}

static void
training_settings_arrive(void **state)
{
	static const char text[] =
	    "network n { input x : f32[2, 4]\n"
	    "	output y = x -> dropout(0.25) -> linear(2)\n"
	    "	    -> batch_norm(momentum=0.2) }\n"
	    "train {\n"
	    "	loss cross_entropy(smoothing=0.1)\n"
	    "	optimizer sgd(momentum=0.9, nesterov=true,\n"
	    "	    weight_decay=1e-4, decay_norms=false)\n"
	    "	schedule step(lr=0.1, gamma=0.2, at=[3, 5], warmup=1)\n"
	    "	batch 32; epochs 10\n"
	    "}\n";
	struct net_train t;
	struct graph *g = read_text(*state, text, NULL, &t);

	assert_true(t.given && t.nesterov && !t.decay_norms);
	assert_int_equal(t.loss, NET_CROSS_ENTROPY);
	assert_int_equal(t.optimizer, NET_SGD);
	assert_int_equal(t.schedule, NET_STEP);
	assert_true(fabs(t.smoothing - 0.1) + fabs(t.momentum - 0.9) +
	    fabs(t.weight_decay - 1e-4) + fabs(t.lr - 0.1) +
	    fabs(t.gamma - 0.2) < 1e-15);
	assert_int_equal(t.nat, 2);
	assert_int_equal(t.at[1], 5);
	assert_int_equal(t.warmup + t.batch + t.epochs, 1 + 32 + 10);
	assert_int_equal(t.hints.len, 2);
	assert_int_equal(t.hints.data[0].kind, NET_DROPOUT);
	assert_ptr_equal(t.hints.data[1].value, g->outputs.data[0]);
	assert_true(fabs(t.hints.data[1].number - 0.2) < 1e-15);
}

/* Every layer of the table is built at least once in this file or there. */
static void
layers_have_their_shapes(void **state)
{
	static const struct { const char *layer, *shape; } cases[] = {
	    {"conv(6, [3, 1], stride=2, pad=[1, 0, 0, 0])", "f32[2,6,4,4]"},
	    {"conv(4, 3, pad=\"same\", groups=2, dilation=2)",
		"f32[2,4,8,8]"},
	    {"conv_transpose(6, 3, stride=2, pad=1, output_pad=1)",
		"f32[2,6,16,16]"},
	    {"depthwise(3, pad=1, multiplier=2)", "f32[2,8,8,8]"},
	    {"instance_norm", "f32[2,4,8,8]"},
	    {"group_norm(2)", "f32[2,4,8,8]"},
	    {"layer_norm(axis=1)", "f32[2,4,8,8]"},
	    {"lrn(5)", "f32[2,4,8,8]"}, {"softmax(1)", "f32[2,4,8,8]"},
	    {"max_pool(3, stride=2, ceil=true)", "f32[2,4,4,4]"},
	    {"avg_pool(2)", "f32[2,4,4,4]"},
	    {"global_max_pool(keepdims=true)", "f32[2,4,1,1]"},
	    {"relu6", "f32[2,4,8,8]"}, {"leaky_relu(0.1)", "f32[2,4,8,8]"},
	    {"prelu", "f32[2,4,8,8]"}, {"elu", "f32[2,4,8,8]"},
	    {"selu", "f32[2,4,8,8]"}, {"silu", "f32[2,4,8,8]"},
	    {"gelu", "f32[2,4,8,8]"}, {"hard_swish", "f32[2,4,8,8]"},
	    {"clip(0, 1)", "f32[2,4,8,8]"},
	    {"flatten(2)", "f32[8,64]"},
	    {"reshape([0, -1, 16])", "f32[2,16,16]"},
	    {"transpose([0, 2, 3, 1])", "f32[2,8,8,4]"},
	    {"slice(2, 1, 8, step=3)", "f32[2,4,3,8]"},
	    {"pad([0, 0, 1, 2], [0, 1, 0, 0])", "f32[2,5,9,10]"},
	    {"upsample(2)", "f32[2,4,16,16]"},
	    {"upsample(3, \"linear\")", "f32[2,4,24,24]"},
	    {"mean([3, 2])", "f32[2,4]"}, {"sum(-1, keepdims=true)",
		"f32[2,4,8,1]"},
	    {"concat(image)", "f32[2,8,8,8]"},
	    {"sub(image)", "f32[2,4,8,8]"},
	    {"matmul(image, trans_b=true)", "f32[2,4,8,8]"}};
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct graph *g = read_text(u, arena_printf(u->arena,
		    "network n { input image : f32[2, 4, 8, 8]\n"
		    "output y = image -> %s }", cases[i].layer), NULL, NULL);
		char buf[TYPE_STR_MAX];

		type_str(&g->outputs.data[0]->type, buf, sizeof buf);
		if (strcmp(buf, cases[i].shape) != 0)
			fail_msg("%s: %s", cases[i].layer, buf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(sizes_are_the_published_ones),
		UNIT_TEST(arguments_choose_the_norm),
		UNIT_TEST(outputs_are_pytorchs),
		UNIT_TEST(philox_is_philox),
		UNIT_TEST(normals_are_box_and_mullers),
		UNIT_TEST(fans_set_the_spread),
		UNIT_TEST(arithmetic_and_control),
		UNIT_TEST(training_settings_arrive),
		UNIT_TEST(layers_have_their_shapes),
	};

	return cmocka_run_group_tests_name("frontend/net", tests, NULL, NULL);
}
