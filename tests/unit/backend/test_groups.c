/* Layer groups: training steps in sub-batches give the bits of the whole
 * batch. */
#include <stdio.h>
#include <string.h>

#include "frontend/net.h"
#include "passes/train.h"
#include "runtime/sim/stats.h"
#include "tests/lib/stepped.h"

struct net {
	const char *name, *text;
	/* The forward nodes that end a group, by what their names end with. */
	const char *cut[4];
};

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
};

static struct graph *
build(struct unit *u, const struct net *k)
{
	struct net_options o = {.seed = 3};
	struct train_options t;
	struct graph *g = net_parse(u->arena, &u->diag, "t.net", k->text,
	    strlen(k->text), &o, NULL);

	train_options_init(&t);
	t.momentum = 0.875;
	t.weight_decay = 0.0625;
	t.keep_gradients = true;
	if (g == NULL || !train_step(g, &u->diag, &t))
		fail_msg("%s: %s", k->name, u->last);
	return g;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = s == NULL ? 0 : strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Forward nodes go to the group that the cuts give them; backward nodes to
 * that of the deepest forward value they read, or an earlier one. */
static void
tag(struct graph *g, const struct net *k, const int64_t *sub)
{
	uint32_t at = 1, groups = 1;

	while (groups < 4 && k->cut[groups - 1] != NULL)
		groups++;
	for (uint32_t i = 0; i < groups; i++) {
		struct layer_group lg = {sub[i]};

		VEC_PUSH(g->arena, &g->groups, lg);
	}
	graph_foreach_node(g, n) {
		uint32_t from = 0;

		if (strcmp(n->phase, "forward") == 0) {
			n->group = at;
			if (at < groups && ends_with(n->out[0]->name,
			    k->cut[at - 1]))
				at++;
			continue;
		}
		if (strcmp(n->phase, "backward") != 0)
			continue;
		for (int i = 0; i < n->nin; i++)
			if (n->in[i] != NULL && n->in[i]->def != NULL &&
			    strcmp(n->in[i]->def->phase, "forward") == 0 &&
			    n->in[i]->def->group > from)
				from = n->in[i]->def->group;
		if (from > 0 && from < at)
			at = from;
		n->group = at;
	}
	assert_int_equal(at, 1);
}

static void
retag(struct graph *g, const struct net *k, const int64_t *sub)
{
	g->groups.len = 0;
	graph_foreach_node(g, n)
		n->group = 0;
	if (sub != NULL)
		tag(g, k, sub);
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

static void
check(struct unit *u, const struct net *k, const struct compile_how *how)
{
	static const int64_t subs[][4] = {{3, 3, 3, 3}, {1, 2, 7, 4},
	    {7, 7, 7, 7}, {2, 3, 4, 1}, {1, 1, 1, 1}};
	struct graph *g = build(u, k);
	struct stepped_set want, plain, got;
	struct stepped s = {0};
	struct compiled m;
	struct eval_tensor *in;
	const char *name = arena_printf(u->arena, "%s, %s", k->name,
	    compile_name(u->arena, how));

	if (!compiled_make(u->arena, &u->diag, g, how, &m))
		fail_msg("%s: %s", name, u->last);
	in = inputs(u, g);
	if (!stepped_evaluate(u, g, in, &want) ||
	    !stepped_run(u, &m, m.code, in, &plain, NULL) ||
	    !stepped_within(u, name, &want, &plain, &s))
		fail_msg("%s: %s", name, u->last);
	for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
		retag(g, k, subs[i]);
		m.tile = backend_tile(u->arena, &u->diag, g, m.target, 1);
		if (m.tile == NULL)
			fail_msg("%s, case %zu: %s", name, i, u->last);
		m.code = compiled_code(u->arena, &u->diag, &m, false);
		if (m.code == NULL || !stepped_run(u, &m, m.code, in, &got,
		    NULL) || !stepped_same(u, name, &plain, &got))
			fail_msg("%s, case %zu: %s", name, i, u->last);
	}
}

static void
test_bits(void **state)
{
	static const char *const sets[] = {"", "gbuf_bytes=16384"};

	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		for (int k = 0; k < 4; k++) {
			struct compile_how how = {.level = 2,
			    .target = k < 2 ? "tiny" : "wavecore"};

			snprintf(how.set[0], sizeof how.set[0], "%s",
			    sets[k % 2]);
			check(*state, &nets[i], &how);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
