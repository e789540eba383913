/* Layer groups: training steps in sub-batches give the bits of the whole
 * batch. */
#include <stdio.h>
#include <string.h>

#include "frontend/net.h"
#include "ir/text.h"
#include "passes/train.h"
#include "runtime/sim/sim.h"
#include "runtime/sim/stats.h"
#include "tests/lib/stepped.h"

struct net {
	const char *name, *text;
	/* The forward nodes that end a group, by what their names end with. */
	const char *cut[4];
};

#define GROUPS 4

static const struct net nets[] = {
    {"chain", "network chain() {\n"
	"input x : f32[N, 3, 9, 8] where N = 7\n"
	"y = x -> conv(5, 3, pad=1) -> relu -> conv(6, 3, stride=2, pad=1)\n"
	"    -> relu -> max_pool(2) -> flatten\n"
	"output z = y -> linear(9) -> relu -> linear(4)\n}\n",
	{"relu1", "flatten1"}},
    {"residual", "block norm(x) { return x -> group_norm(channels=2) }\n"
	"block basic(x, c, s) {\n"
	"y = x -> conv(c, 3, stride=s, pad=1, bias=false) -> norm -> relu\n"
	"    -> conv(c, 3, pad=1, bias=false) -> norm\n"
	"if s != 1 { x = x -> conv(c, 1, stride=s, bias=false) -> norm }\n"
	"return add(y, x) -> relu\n}\n"
	"network residual() {\n"
	"input x : f32[N, 2, 8, 6] where N = 7\n"
	"y = x -> conv(4, 3, pad=1, bias=false) -> norm -> relu\n"
	"    -> basic(4, 1) -> basic(8, 2) -> basic(8, 1)\n"
	"output z = y -> global_avg_pool -> linear(5)\n}\n",
	{"basic1.relu2", "basic2.relu2"}},
    {"inception", "block mixed(x) {\n"
	"a = x -> conv(4, 1) -> relu\n"
	"b = x -> conv(3, 1) -> relu -> conv(5, 3, pad=1) -> relu\n"
	"c = x -> avg_pool(3, stride=1, pad=1) -> conv(3, 1) -> relu\n"
	"return concat([a, b, c], axis=1)\n}\n"
	"network inception() {\n"
	"input x : f32[N, 3, 7, 7] where N = 7\n"
	"y = x -> conv(6, 3, pad=1) -> group_norm(groups=2) -> relu\n"
	"    -> mixed -> max_pool(3, stride=2) -> mixed\n"
	"output z = y -> global_avg_pool -> linear(5)\n}\n",
	{"max_pool1"}},
    {"dense", "block grow(x) {\n"
	"y = x -> group_norm(groups=1) -> relu -> conv(4, 3, pad=1)\n"
	"return concat([x, y], axis=1)\n}\n"
	"network dense() {\n"
	"input x : f32[N, 2, 6, 6] where N = 7\n"
	"y = x -> conv(4, 3, pad=1) -> grow -> grow -> avg_pool(2) -> grow\n"
	"output z = y -> relu -> global_avg_pool -> linear(3)\n}\n",
	{"avg_pool1"}},
    /* a value and a view of it, with its elements elsewhere, in one op */
    {"mirror", "block mirror(x) {\n"
	"y = x -> conv(4, 3, pad=1) -> relu\n"
	"return add(y, y -> transpose([0, 1, 3, 2])) -> relu\n}\n"
	"network mirror() {\n"
	"input x : f32[N, 2, 6, 6] where N = 7\n"
	"y = x -> mirror -> mirror\n"
	"output z = y -> global_avg_pool -> linear(3)\n}\n",
	{"mirror1.relu2"}},
    /* many ops whose results only the next one reads */
    {"pools", "network pools() {\n"
	"input x : f32[N, 2, 5, 5] where N = 7\n"
	"y = x -> conv(4, 3, pad=1) -> relu\n"
	"z = y\n"
	"repeat i in 0..20 { z = z -> avg_pool(3, stride=1, pad=1) }\n"
	"output o = add(y, z -> conv(4, 1)) -> global_avg_pool -> linear(3)"
	"\n}\n",
	{"relu1"}},
};

#define NNETS (sizeof nets / sizeof *nets)

static struct graph *
build(struct unit *u, const char *name, const char *text, bool adam,
    bool gradients)
{
	struct net_options o = {.seed = 3};
	struct train_options t;
	struct graph *g = net_parse(u->arena, &u->diag, "t.net", text,
	    strlen(text), &o, NULL);

	train_options_init(&t);
	t.momentum = 0.875;
	t.weight_decay = 0.0625;
	t.keep_gradients = gradients;
	if (adam)
		t.optimizer = OPTIMIZER_ADAM;
	if (g == NULL || !train_step(g, &u->diag, &t))
		fail_msg("%s: %s", name, u->last);
	return g;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = s == NULL ? 0 : strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void
untag(struct graph *g)
{
	g->groups.len = 0;
	graph_foreach_node(g, n) {
		n->group = 0;
		for (int i = 0; i < n->nout; i++)
			if (n->out[i] != NULL)
				n->out[i]->keep = KEEP_AUTO;
	}
}

/* The latest group of a forward value that n reads, 0: none. */
static uint32_t
reads_from(const struct node *n)
{
	uint32_t from = 0;

	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->def != NULL &&
		    strcmp(n->in[i]->def->phase, "forward") == 0 &&
		    n->in[i]->def->group > from)
			from = n->in[i]->def->group;
	return from;
}

/* Forward nodes go to the group whose turn it is, backward nodes to that of
 * the latest forward value they read, or an earlier one. */
static void
tag(struct graph *g, const int64_t *sub, uint32_t groups,
    bool (*ends)(const void *how, const struct node *n, uint32_t at),
    const void *how)
{
	uint32_t at = 1;

	untag(g);
	for (uint32_t i = 0; i < groups; i++) {
		struct layer_group lg = {.sub_batch = sub[i]};

		VEC_PUSH(g->arena, &g->groups, lg);
	}
	graph_foreach_node(g, n) {
		if (strcmp(n->phase, "forward") == 0) {
			n->group = at;
			if (at < groups && ends(how, n, at))
				at++;
		} else if (strcmp(n->phase, "backward") == 0) {
			uint32_t from = reads_from(n);

			if (from > 0 && from < at)
				at = from;
			n->group = at;
		}
	}
}

static bool
ends_at_cut(const void *how, const struct node *n, uint32_t at)
{
	const struct net *k = how;

	return ends_with(n->out[0]->name, k->cut[at - 1]);
}

static void
tag_net(struct graph *g, const struct net *k, const int64_t *sub)
{
	uint32_t groups = 1;

	while (groups < GROUPS && k->cut[groups - 1] != NULL)
		groups++;
	tag(g, sub, groups, ends_at_cut, k);
	assert_int_equal(g->last->group, 0); /* the update */
}

static struct eval_tensor *
inputs(struct unit *u, const struct graph *g)
{
	struct eval_tensor *in = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->inputs.len + 1);
	uint64_t seed = 99;

	for (size_t i = 0; i < g->inputs.len; i++) {
		in[i].type = g->inputs.data[i]->type;
		in[i].data = stepped_random(u, &in[i].type, &seed);
	}
	return in;
}

/* One training step, compiled for the whole batch and run. */
struct trial {
	struct unit *u;
	const char *name;
	struct compiled m;
	struct eval_tensor *in;
	struct stepped_set plain;
	struct sim_stats stats; /* of the last run */
};

static void
start(struct trial *t, struct unit *u, const char *name, struct graph *g,
    const struct compile_how *how)
{
	struct stepped s = {0};
	struct stepped_set want;

	t->u = u;
	t->name = arena_printf(u->arena, "%s, %s", name,
	    compile_name(u->arena, how));
	if (!compiled_make(u->arena, &u->diag, g, how, &t->m))
		fail_msg("%s: %s", t->name, u->last);
	t->in = inputs(u, g);
	if (!stepped_evaluate(u, g, t->in, &want) ||
	    !stepped_run(u, &t->m, t->m.code, t->in, &t->plain, &t->stats) ||
	    !stepped_within(u, t->name, &want, &t->plain, &s))
		fail_msg("%s: %s", t->name, u->last);
}

/* The same as the graph is tagged now; false where memory does not do. */
static bool
again(struct trial *t, const char *what)
{
	struct unit *u = t->u;
	struct stepped_set got;

	u->last[0] = '\0';
	t->m.tile = backend_tile(u->arena, &u->diag, t->m.graph, t->m.target,
	    1, &(struct backend_options){0});
	if (t->m.tile == NULL && (strstr(u->last, "fit") != NULL ||
	    strstr(u->last, "are free") != NULL ||
	    strstr(u->last, "bytes needed") != NULL))
		return false;
	if (t->m.tile == NULL)
		fail_msg("%s, %s: %s", t->name, what, u->last);
	t->m.code = compiled_code(u->arena, &u->diag, &t->m, false);
	if (t->m.code == NULL || !stepped_run(u, &t->m, t->m.code, t->in,
	    &got, &t->stats) || !stepped_same(u, t->name, &t->plain, &got))
		fail_msg("%s, %s: %s", t->name, what, u->last);
	return true;
}

/* ---- bits ---- */

static void
check(struct unit *u, const struct net *k, const struct compile_how *how)
{
	static const int64_t subs[][GROUPS] = {{3, 3, 3, 3}, {1, 2, 7, 4},
	    {7, 7, 7, 7}, {2, 3, 4, 1}, {1, 1, 1, 1}};
	struct graph *g = build(u, k->name, k->text, false, true);
	struct trial t;

	start(&t, u, k->name, g, how);
	for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
		tag_net(g, k, subs[i]);
		for (int f = 0; f < 2; f++) {
			g->free_groups = f == 1;
			assert_true(again(&t, arena_printf(u->arena,
			    "case %zu%s", i, f == 1 ? ", free" : "")));
		}
	}
}

static void
test_bits(void **state)
{
	static const char *const sets[] = {"", "gbuf_bytes=16384"};

	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		for (int k = 0; k < 5; k++) {
			struct compile_how how = {.level = 2,
			    .target = k < 2 ? "tiny" : "wavecore",
			    .precision = k == 4 ? DT_BF16 : DT_NONE};

			snprintf(how.set[0], sizeof how.set[0], "%s",
			    sets[k % 2]);
			check(*state, &nets[i], &how);
		}
	}
}

/* ---- any cut, any choice of what to keep ---- */

struct dice {
	uint64_t state;
	uint32_t one_in; /* forward nodes a group */
};

static uint32_t
roll(struct dice *d, uint32_t n)
{
	return (uint32_t)((unit_random(&d->state) >> 33) % n);
}

static bool
ends_anywhere(const void *how, const struct node *n, uint32_t at)
{
	struct dice d = *(const struct dice *)how;

	(void)at;
	d.state ^= (n->id + 1) * UINT64_C(0x9e3779b97f4a7c15);
	roll(&d, 2);
	return roll(&d, d.one_in) == 0;
}

static void
test_any(void **state)
{
	static const char *const sets[] = {"", "gbuf_bytes=12288",
	    "gbuf_bytes=40960"};
	static const enum keep keeps[] = {KEEP_AUTO, KEEP_AUTO, KEEP_CHIP,
	    KEEP_DRAM, KEEP_FIRST, KEEP_FIRST};
	int done = 0;

	for (uint64_t seed = 1; seed <= 48; seed++) {
		const struct net *k = &nets[seed % NNETS];
		struct dice d = {.state = seed * 77 + 1};
		struct compile_how how = {.level = (int)roll(&d, 3),
		    .target = roll(&d, 3) > 0 ? "tiny" : "wavecore"};
		struct graph *g = build(*state, k->name, k->text,
		    roll(&d, 2) == 0, true);
		int64_t sub[GROUPS];
		struct trial t;

		snprintf(how.set[0], sizeof how.set[0], "%s",
		    sets[roll(&d, 3)]);
		start(&t, *state, k->name, g, &how);
		for (int i = 0; i < GROUPS; i++)
			sub[i] = 1 + roll(&d, 7);
		d.one_in = 2 + roll(&d, 40);
		tag(g, sub, GROUPS, ends_anywhere, &d);
		g->free_groups = roll(&d, 2) == 0;
		for (struct node *n = g->first; n != NULL; n = n->next)
			n->out[0]->keep = keeps[roll(&d, 6)];
		done += again(&t, arena_printf(t.u->arena, "seed %d",
		    (int)seed));
	}
	print_message("%d of 48\n", done);
	assert_true(done >= 32);
}

/* ---- layer by layer ---- */

static bool
same_layer(const struct node *a, const struct node *b)
{
	return a->loc.node != NULL && b->loc.node != NULL &&
	    strcmp(a->loc.node, b->loc.node) == 0 &&
	    strcmp(a->phase, b->phase) == 0;
}

/* What layers hand on goes through DRAM. */
static void
store_layers(struct graph *g)
{
	graph_foreach_node(g, n) {
		struct value *v = n->out[0];

		for (size_t i = 0; i < v->uses.len; i++)
			if (!same_layer(n, v->uses.data[i].node))
				v->keep = KEEP_DRAM;
	}
}

/* Layers that read a value several times load it once for each sample. */
static void
test_sweeps(void **state)
{
	static const char *const sets[] = {"", "gbuf_bytes=16384",
	    "gbuf_bytes=49152"};
	size_t loops = 0;

	for (int i = 0; i < 12; i++) {
		const struct net *k = &nets[i % 4];
		struct compile_how how = {.level = 1 + i % 2,
		    .target = i % 5 > 0 ? "tiny" : "wavecore"};
		struct graph *g = build(*state, k->name, k->text, false,
		    true);
		struct trial t;

		snprintf(how.set[0], sizeof how.set[0], "%s", sets[i / 4]);
		start(&t, *state, k->name, g, &how);
		store_layers(g);
		assert_true(again(&t, "layer by layer"));
		for (size_t m = 0; m < t.m.tile->loops.len; m++)
			loops += strcmp(t.m.tile->loops.data[m]->name,
			    "sub") == 0;
	}
	assert_true(loops >= 12);
}

/* ---- traffic ---- */

static int64_t
traffic(const struct trial *t, enum traffic class, bool write)
{
	const struct sim_counters *c = &t->stats.total;

	return write ? c->dram_write[class] : c->dram_read[class];
}

static bool
within(int64_t v, int64_t least, int64_t more)
{
	if (v < least || v > least + more)
		print_message("%lld is not in [%lld, %lld]\n", (long long)v,
		    (long long)least, (long long)(least + more));
	return v >= least && v <= least + more;
}

/* A stack of convolutions whose values fit by the sub-batch: what the gradient
 * needs goes out once and comes back once for all that read it; weights come
 * once for each layer and iteration; sums of weight gradients go out in
 * each iteration and come back in each but the first, and for the update;
 * gradients stay. Vectors and constants make the small differences. */
static void
test_traffic(void **state)
{
	static const char *const text = "network stack() {\n"
	    "input x : f32[N, 8, 8, 8] where N = 6\n"
	    "y = x -> conv(8, 3, pad=1, bias=false) -> sigmoid\n"
	    "    -> conv(8, 3, pad=1, bias=false) -> sigmoid\n"
	    "    -> conv(8, 3, pad=1, bias=false) -> sigmoid\n"
	    "output z = y -> global_avg_pool -> linear(4, bias=false)\n}\n";
	const int64_t sub[GROUPS] = {2}, times = 3, few = 512;
	const int64_t conv = 8 * 8 * 9 * 4, fc = 8 * 4 * 4;
	const int64_t image = 6 * 8 * 8 * 8 * 4;
	struct compile_how how = {.level = 2, .target = "wavecore",
	    .set = {"gbuf_bytes=1048576"}};
	struct graph *g = build(*state, "stack", text, false, false);
	struct trial t;
	int64_t weights;

	start(&t, *state, "stack", g, &how);
	weights = traffic(&t, TRAFFIC_WEIGHT, false);
	tag(g, sub, 1, NULL, NULL);
	assert_true(again(&t, "grouped"));
	/* forward, and the gradient of all but the first's input */
	assert_true(within(traffic(&t, TRAFFIC_WEIGHT, false) - weights,
	    (times - 1) * (3 * conv + fc + 2 * conv + fc), few));
	assert_true(within(traffic(&t, TRAFFIC_WEIGHT_GRADIENT, true),
	    times * 3 * conv, few));
	assert_true(within(traffic(&t, TRAFFIC_WEIGHT_GRADIENT, false),
	    times * 3 * conv, few));
	assert_true(within(traffic(&t, TRAFFIC_ACTIVATION, true), 3 * image,
	    few));
	/* the input twice, for the first layer and its weight gradient */
	assert_true(within(traffic(&t, TRAFFIC_ACTIVATION, false), 5 * image,
	    few));
	assert_true(within(traffic(&t, TRAFFIC_GRADIENT, false), 0, few));
	assert_true(within(traffic(&t, TRAFFIC_GRADIENT, true), 0, few));
	assert_int_equal(t.m.tile->layer_groups.len, 2);
	for (int i = 0; i < 2; i++) {
		const struct wave_layer_group *lg =
		    &t.m.tile->layer_groups.data[i];

		assert_int_equal(lg->sub_batch, 2);
		assert_int_equal(lg->iterations, times);
	}
	/* without reuse between layers every value goes through DRAM */
	untag(g);
	graph_foreach_node(g, n)
		n->out[0]->keep = KEEP_DRAM;
	assert_true(again(&t, "baseline"));
	assert_true(traffic(&t, TRAFFIC_GRADIENT, true) >= 5 * image);
	assert_true(traffic(&t, TRAFFIC_ACTIVATION, true) >= 3 * image);
	assert_true(traffic(&t, TRAFFIC_ACTIVATION, false) >= 10 * image);
}

/* Code does not grow with the iterations. */
static void
test_size(void **state)
{
	const struct net *k = &nets[1];
	size_t loops[2], buffers[2];

	for (int i = 0; i < 2; i++) {
		struct net_options o = {.seed = 3, .batch = i == 0 ? 9 : 300};
		struct compile_how how = {.level = 2, .target = "wavecore"};
		struct graph *g = net_parse(((struct unit *)*state)->arena,
		    &((struct unit *)*state)->diag, "t.net", k->text,
		    strlen(k->text), &o, NULL);
		const int64_t sub[GROUPS] = {3, 3, 3, 3};
		struct train_options t;
		struct compiled m;
		struct unit *u = *state;

		train_options_init(&t);
		if (g == NULL || !train_step(g, &u->diag, &t) ||
		    !compiled_make(u->arena, &u->diag, g, &how, &m))
			fail_msg("%s", u->last);
		tag_net(g, k, sub);
		m.tile = backend_tile(u->arena, &u->diag, g, m.target, 1,
	    &(struct backend_options){0});
		assert_non_null(m.tile);
		loops[i] = m.tile->loops.len;
		buffers[i] = m.tile->buffers.len;
	}
	assert_int_equal(loops[0], loops[1]);
	assert_int_equal(buffers[0], buffers[1]);
}

/* ---- entries ---- */

/* A training object whose entry steps runs two steps. */
static struct wave_program *
two_steps(struct trial *t)
{
	static const char *const each[] = {"x", "labels", "loss", NULL};
	struct backend_options o = {0};
	struct unit *u = t->u;
	struct backend_training b = {.steps = 2, .each = each};
	struct wave_program *p;

	b.step = backend_tile(u->arena, &u->diag, t->m.graph, t->m.target, 1,
	    &o);
	b.eval = backend_tile(u->arena, &u->diag, t->m.graph, t->m.target, 1,
	    &o);
	if (b.step == NULL || b.eval == NULL)
		fail_msg("%s", u->last);
	p = backend_train(u->arena, &u->diag, &b, &o);
	if (p == NULL)
		fail_msg("%s", u->last);
	return p;
}

/* All states after the two steps, one after the other. */
static uint8_t *
run_steps(struct trial *t, size_t *size)
{
	const struct graph *g = t->m.graph;
	struct sim_options o = {.check = true, .threads = 1};
	struct wave_program *p = two_steps(t);
	struct device *dev = sim_open(p, &o, &t->u->diag);
	uint8_t *out;

	if (dev == NULL || !dev->ops->run(dev, "init", &t->u->diag))
		fail_msg("%s", t->u->last);
	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct value *v = g->inputs.data[i];
		struct tensor_type type = v->type;
		uint64_t seed = 5 + i;

		if (type.rank > 0) /* lr is the same for all steps */
			type.dim[0] *= 2;
		stepped_write(t->u, dev, p, v->name,
		    stepped_random(t->u, &type, &seed));
	}
	if (!dev->ops->run(dev, "steps", &t->u->diag))
		fail_msg("%s", t->u->last);
	*size = 0;
	for (size_t i = 0; i < g->states.len; i++)
		*size += (size_t)type_bytes(&g->states.data[i]->type);
	out = arena_alloc(t->u->arena, *size + 1);
	for (size_t i = 0, at = 0; i < g->states.len; i++) {
		const struct value *v = g->states.data[i];

		stepped_read(t->u, dev, p, v->name, out + at);
		at += (size_t)type_bytes(&v->type);
	}
	dev->ops->close(dev);
	return out;
}

static void
test_steps(void **state)
{
	const int64_t sub[GROUPS] = {3, 2, 7, 1};

	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		struct compile_how how = {.level = 2, .target = "tiny"};
		struct graph *g = build(*state, nets[i].name, nets[i].text,
		    false, false);
		struct trial t;
		uint8_t *whole, *parts;
		size_t n, m;

		start(&t, *state, nets[i].name, g, &how);
		whole = run_steps(&t, &n);
		tag_net(g, &nets[i], sub);
		parts = run_steps(&t, &m);
		assert_int_equal(n, m);
		assert_memory_equal(whole, parts, n);
	}
}

/* ---- refusals ---- */

static void
refused(struct unit *u, const char *text, int64_t sub, const char *why)
{
	struct graph *g = graph_parse(u->arena, &u->diag, "t.wgr", text,
	    strlen(text));
	const int64_t subs[GROUPS] = {sub};
	struct compile_how how = {.target = "tiny", .level = 1};
	struct compiled m;

	if (g == NULL || !compiled_make(u->arena, &u->diag, g, &how, &m))
		fail_msg("%s", u->last);
	tag(g, subs, 1, NULL, NULL);
	assert_null(backend_tile(u->arena, &u->diag, g, m.target, 1,
	    &(struct backend_options){0}));
	unit_expect_error(u, why);
}

static void
test_refusals(void **state)
{
	struct unit *u = *state;

	refused(u, "wave.graph 1\ngraph \"t\" {\n"
	    "input %x \"x\" : f32[4,3]\n%m = reduce_sum %x {axes = [0]}\n"
	    "%y = sub %x, %m\noutput %y \"y\"\n}\n", 2,
	    "layer group 0: 'sub' needs a sum over the whole batch");
	refused(u, "wave.graph 1\ngraph \"t\" {\n"
	    "input %x \"x\" : f32[4,3]\n%y = reduce_max %x {axes = [0]}\n"
	    "output %y \"y\"\n}\n", 2, "something else than a sum");
	refused(u, "wave.graph 1\ngraph \"t\" {\n"
	    "input %x \"x\" : f32[4,3]\n%t = transpose %x {perm = [1,0]}\n"
	    "%y = neg %t\noutput %y \"y\"\n}\n", 2,
	    "the batch moves to another dimension");
	refused(u, "wave.graph 1\ngraph \"t\" {\n"
	    "input %x \"x\" : f32[4,3]\n%y = neg %x\n"
	    "output %y \"y\"\n}\n", 0, "a sub-batch of 0 of 4 samples");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_bits),
		UNIT_TEST(test_any),
		UNIT_TEST(test_sweeps),
		UNIT_TEST(test_traffic),
		UNIT_TEST(test_size),
		UNIT_TEST(test_steps),
		UNIT_TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
