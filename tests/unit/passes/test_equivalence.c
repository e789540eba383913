/* The pipeline keeps the meaning of graphs: every composite op alone in many
 * variants, and random graphs over the whole op table, before and after, at
 * each -O level, in f32 and 16 bits. */
#include "passes/pass.h"

#include <stdlib.h>
#include <string.h>

#include "ir/text.h"
#include "tests/lib/agree.h"
#include "tests/lib/randgraph.h"

/* Two copies of a graph: printed and parsed again. */
static struct graph *
copy(struct unit *u, const struct graph *g)
{
	return graph_from(u, graph_body(u, g));
}

static void
compile(struct unit *u, struct graph *g, int level, enum dtype precision)
{
	struct pass_options o;

	pass_options_init(&o);
	o.level = level;
	o.precision = precision;
	if (!passes_run(g, &u->diag, &o))
		fail_msg("-O%d: %s", level, u->last);
}

static void
same_at(struct unit *u, const struct graph *g, int level, enum dtype t,
    struct agreement *how)
{
	struct graph *c = copy(u, g);
	char why[256];

	compile(u, c, level, t);
	if (!graphs_agree(u, g, c, how, why))
		fail_msg("-O%d %s: %s\n%s\nbecomes\n%s", level,
		    t == DT_NONE ? "f32" : dtype_name(t), why,
		    graph_body(u, g), graph_body(u, c));
}

static void
same_everywhere(struct unit *u, const struct graph *g, struct agreement *how)
{
	for (int level = 0; level <= 3; level++)
		same_at(u, g, level, DT_NONE, how);
}

/* relative L2 distance of 16-bit results, as for whole models */
static void
close_in_16_bits(struct unit *u, const struct graph *g, enum dtype t,
    struct agreement *how)
{
	struct graph *c = copy(u, g);
	double limit = t == DT_F16 ? 1e-2 : 5e-2, far;

	compile(u, c, 2, t);
	far = graphs_distance(u, g, c, how->seed);
	if (!(far <= limit))
		fail_msg("%s: relative distance %g\n%s\nbecomes\n%s",
		    dtype_name(t), far, graph_body(u, g),
		    graph_body(u, c));
}

/* Rounding the input can change what these answer. */
static bool
discontinuous(enum op op)
{
	return op == OP_thresholded_relu;
}

#define VARIANTS 40

/* Ops after this one are of training: test_grad.c has their graphs. */
#define LAST_OP OP_log_softmax

/* VARIANTS graphs with this op in dtype t, -mprecision too where t is f32. */
static void
check_op(struct unit *u, enum op op, enum dtype t, uint64_t *seed,
    struct agreement *how)
{
	int done = 0;

	for (int tries = 0; done < VARIANTS && tries < 400; tries++) {
		struct random_graph r;

		random_start(&r, u, seed, t);
		if (random_node(&r, op) == NULL)
			continue;
		random_finish(&r);
		how->seed = *seed | 1;
		same_everywhere(u, r.g, how);
		if (t == DT_F32 && !discontinuous(op)) {
			close_in_16_bits(u, r.g, DT_F16, how);
			close_in_16_bits(u, r.g, DT_BF16, how);
		}
		done++;
	}
	if (done < VARIANTS)
		fail_msg("%s: only %d graphs", op_info(op)->name, done);
}

/* Each composite op, and the movement that legalize rewrites. */
static void
composite_ops(void **state)
{
	static const enum dtype dtypes[] = {DT_F32, DT_F16, DT_BF16, DT_F64};
	struct unit *u = *state;
	struct agreement how = {.relative = 1e-5};
	uint64_t seed = 11;

	for (int i = 1; i <= LAST_OP; i++) {
		enum op op = (enum op)i;

		if (op_info(op)->lowering != LOWER_COMPOSITE &&
		    op != OP_pad && op != OP_gather)
			continue;
		for (size_t k = 0; k < 4; k++) {
			struct arena *keep = u->arena;

			u->arena = arena_new();
			check_op(u, op, dtypes[k], &seed, &how);
			arena_free(u->arena);
			u->arena = keep;
		}
	}
	print_message("%zu elements compared, %zu without a bound\n",
	    how.elements, how.open);
	assert_true(how.open * 20 < how.elements);
}

static struct graph *
random_mix(struct unit *u, uint64_t *seed, int *counts)
{
	struct random_graph r;

	random_start(&r, u, seed, DT_F32);
	for (int64_t i = random_between(&r, 3, 12); i > 0; i--) {
		enum op op = (enum op)random_between(&r, 1, LAST_OP);
		struct node *n;

		/* Contractions are what most passes look for. */
		if (random_between(&r, 0, 3) == 0)
			op = (enum op)random_between(&r, OP_conv, OP_gemm);
		n = random_node(&r, op);
		if (n != NULL)
			counts[op]++;
	}
	random_finish(&r);
	return r.g;
}

static int
graph_count(int normal)
{
	const char *more = getenv("WAVE_TEST_GRAPHS");

	return more != NULL ? atoi(more) : normal;
}

static void
random_graphs(void **state)
{
	struct unit *u = *state;
	struct agreement how = {.relative = 2e-5};
	int counts[OP_COUNT] = {0};
	uint64_t seed = 5;

	for (int i = graph_count(300); i > 0; i--) {
		struct arena *keep = u->arena;
		struct graph *g;

		u->arena = arena_new();
		g = random_mix(u, &seed, counts);
		how.seed = seed | 1;
		if (g->outputs.len > 0)
			same_everywhere(u, g, &how);
		arena_free(u->arena);
		u->arena = keep;
	}
	for (int op = 1; op <= LAST_OP; op++)
		if (counts[op] == 0 && strstr("not and or xor",
		    op_info((enum op)op)->name) == NULL)
			fail_msg("no %s in the random graphs",
			    op_info((enum op)op)->name);
	print_message("%zu elements compared, %zu without a bound\n",
	    how.elements, how.open);
	assert_true(how.open * 3 < how.elements);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(composite_ops),
	    UNIT_TEST(random_graphs),
	};

	return cmocka_run_group_tests_name("passes/equivalence", tests, NULL,
	    NULL);
}
