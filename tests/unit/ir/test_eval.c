/* The evaluator's driver: graphs, states, rounding, bounds, bad operands. */
#include "ir/eval.h"

#include <math.h>
#include <string.h>

#include "tests/lib/graphs.h"
#include "tests/lib/unit.h"

static struct tensor_type
type1(enum dtype t, int64_t n)
{
	return type_make(t, 1, &n);
}

static struct eval_tensor
floats(struct unit *u, enum dtype t, int64_t n, const double *v)
{
	struct eval_tensor x = {.type = type1(t, n)};

	x.data = arena_alloc(u->arena, (size_t)n * 8 + 1);
	for (int64_t i = 0; i < n; i++)
		dtype_set(x.data, t, (size_t)i, v[i]);
	return x;
}

static double
get(const struct eval_tensor *t, size_t i)
{
	return dtype_get(t->data, t->type.dtype, i);
}

static struct value *
binary(struct unit *u, struct graph *g, enum op op, struct value *x,
    struct value *y)
{
	struct value *in[2] = {x, y};
	struct node_spec spec = {.op = op, .in = in, .nin = 2};
	struct node *n = graph_add(g, &u->diag, &spec);

	if (n == NULL)
		fail_msg("%s", u->last);
	return n->out[0];
}

struct seen {
	const struct value *value[16];
	double first[16];
	double bound[16]; /* -1: none */
	size_t n;
};

static void
see(void *user, const struct value *v, const struct eval_tensor *t)
{
	struct seen *s = user;

	assert_true(s->n < 16);
	assert_true(shape_equal(&t->type, &v->type));
	s->value[s->n] = v;
	s->first[s->n] = get(t, 0);
	s->bound[s->n++] = t->bound != NULL ? t->bound[0] : -1;
}

/* p := p + x * x; y = p - x; x itself is an output too. */
static void
states_and_order(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "step");
	const float start[2] = {10, 20};
	struct tensor_type t = type1(DT_F32, 2);
	struct value *x = graph_input(g, "x", &t);
	struct value *p = graph_state(g, "p", &t, start, true);
	struct value *sq = binary(u, g, OP_mul, x, x);
	struct value *next = binary(u, g, OP_add, p, sq);
	struct value *unused = binary(u, g, OP_sub, next, sq);
	struct value *y = binary(u, g, OP_sub, p, x);
	struct eval_tensor in = floats(u, DT_F32, 2, (double[]){3, 4});
	struct eval_tensor out[2], assigned[1], states[1];
	struct seen s = {.n = 0};
	struct eval_options opt = {
	    .round = true, .assigned = assigned, .observe = see, .user = &s};

	graph_output(g, y, "y");
	graph_output(g, x, "same");
	graph_assign(g, p, next);
	assert_true(eval_graph(u->arena, &u->diag, g, &opt, &in, out, NULL));
	assert_true(get(&out[0], 0) == 7 && get(&out[0], 1) == 16);
	assert_true(get(&out[1], 0) == 3 && get(&out[1], 1) == 4);
	assert_true(get(&assigned[0], 0) == 19 && get(&assigned[0], 1) == 36);
	assert_int_equal(s.n, 6);
	assert_ptr_equal(s.value[0], x);
	assert_ptr_equal(s.value[1], p);
	assert_ptr_equal(s.value[4], unused);
	assert_true(s.first[4] == 10 && s.bound[4] == -1);

	/* another step, from where the first one ended */
	states[0] = assigned[0];
	opt.states = states;
	opt.observe = NULL;
	assert_true(eval_graph(u->arena, &u->diag, g, &opt, &in, out, NULL));
	assert_true(get(&out[0], 0) == 16 && get(&assigned[0], 0) == 28);
}

static void
state_without_value(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F32, 2);
	struct eval_options opt = {.round = true};
	struct eval_tensor out;

	graph_output(g, graph_state(g, "p", &t, NULL, true), "y");
	assert_false(eval_graph(u->arena, &u->diag, g, &opt, NULL, &out, NULL));
	unit_expect_error(u, "'p' has no data");
}

static void
wrong_input(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F32, 2);
	struct eval_tensor in = floats(u, DT_F32, 3, (double[]){1, 2, 3}), out;
	struct eval_options opt = {.round = true};

	graph_output(g, graph_input(g, "x", &t), "y");
	assert_false(eval_graph(u->arena, &u->diag, g, &opt, &in, &out, NULL));
	unit_expect_error(u, "'x' is f32[3], not f32[2]");
	in = floats(u, DT_I32, 2, (double[]){1, 2});
	assert_false(eval_graph(u->arena, &u->diag, g, &opt, &in, &out, NULL));
	unit_expect_error(u, "'x' is i32[2], not f32[2]");
}

static void
rounding_on_and_off(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F16, 1);
	struct value *x = graph_input(g, "x", &t);
	struct eval_tensor in = floats(u, DT_F16, 1, (double[]){1 + 0x1p-10});
	struct eval_options on = {.round = true}, off = {.round = false};
	struct eval_tensor out;
	double v = get(&in, 0), *bound = NULL;

	graph_output(g, binary(u, g, OP_mul, x, x), "y");
	assert_true(eval_graph(u->arena, &u->diag, g, &on, &in, &out, NULL));
	assert_int_equal(out.type.dtype, DT_F16);
	assert_true(get(&out, 0) == 1 + 0x1p-9);
	assert_true(eval_graph(u->arena, &u->diag, g, &off, &in, &out, &bound));
	assert_int_equal(out.type.dtype, DT_F64);
	assert_true(get(&out, 0) == v * v);
	/* the device still rounds to f16 */
	assert_true(bound[0] >= 0x1p-10 && bound[0] < 0x1.1p-10);
}

/* The contract: 2 (K + 4) 2^-24 sum|a b| + 1 ulp. */
static void
contraction_bound(void **state)
{
	struct unit *u = *state;
	enum { K = 37 };
	const int64_t da[2] = {1, K}, db[2] = {K, 1};
	struct tensor_type ta = type_make(DT_F32, 2, da);
	struct tensor_type tb = type_make(DT_F32, 2, db);
	struct graph *g = graph_new(u->arena, "g");
	struct value *a, *b;
	double v[K], sum = 0, dot = 0, want, *bound = NULL;
	struct eval_options opt = {.round = true};
	struct eval_tensor in[2], out;
	int e;

	for (int i = 0; i < K; i++) {
		v[i] = i % 3 == 0 ? -i : i;
		sum += v[i] * v[i];
		dot += v[i] * v[i];
	}
	in[0] = in[1] = floats(u, DT_F32, K, v);
	in[0].type = ta;
	in[1].type = tb;
	a = graph_input(g, "a", &ta);
	b = graph_input(g, "b", &tb);
	graph_output(g, binary(u, g, OP_matmul, a, b), "y");
	assert_true(eval_graph(u->arena, &u->diag, g, &opt, in, &out, &bound));
	assert_true(get(&out, 0) == dot);
	frexp(dot, &e);
	want = 2 * (K + 4) * 0x1p-24 * sum + ldexp(1, e - 24);
	assert_true(fabs(bound[0] - want) < 1e-6 * want);
}

static void
overflow_bounds(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F16, 3);
	struct value *x = graph_input(g, "x", &t), *y = graph_input(g, "y", &t);
	struct eval_tensor in[2], out;
	struct eval_options opt = {.round = true};
	double *bound = NULL, err[3] = {1, 32, 32};

	/* far from, beyond and around the largest f16, 65504 */
	in[0] = floats(u, DT_F16, 3, (double[]){1000, 60000, 65472});
	in[1] = floats(u, DT_F16, 3, (double[]){1000, 60000, 32});
	in[1].bound = err;
	graph_output(g, binary(u, g, OP_add, x, y), "z");
	assert_true(eval_graph(u->arena, &u->diag, g, &opt, in, &out, &bound));
	assert_true(get(&out, 0) == 2000 && bound[0] > 1 && bound[0] < 4);
	assert_true(isinf(get(&out, 1)) && bound[1] == 0);
	assert_true(get(&out, 2) == 65504 && isinf(bound[2]));
}

/* Decisions within the error promise nothing, others are exact. */
static void
decision_bounds(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F32, 4);
	struct value *x = graph_input(g, "x", &t), *y = graph_input(g, "y", &t);
	struct eval_tensor in[2], out[2];
	struct eval_options opt = {.round = true};
	double *bound[2] = {NULL, NULL}, err[4] = {0.25, 0.25, 0, 0};
	struct attr to = attr_make_int(ATTR_to, DT_I32);
	struct node_spec cast = {
	    .op = OP_cast, .in = &x, .nin = 1, .attrs = &to, .nattrs = 1};

	in[0] = floats(u, DT_F32, 4, (double[]){1, 2.5, 3, 4});
	in[1] = floats(u, DT_F32, 4, (double[]){1.1, 3, 3, 5});
	in[0].bound = err;
	graph_output(g, binary(u, g, OP_less, x, y), "less");
	graph_output(g, graph_add(g, &u->diag, &cast)->out[0], "int");
	assert_true(eval_graph(u->arena, &u->diag, g, &opt, in, out, bound));
	assert_true(isinf(bound[0][0]) && bound[0][1] == 0 && bound[0][2] == 0);
	assert_true(isinf(bound[1][0]) && bound[1][1] == 0 && bound[1][3] == 0);
	assert_true(get(&out[1], 1) == 2);
}

/* argmax is sure when no other range reaches the winner's. */
static void
argmax_bounds(void **state)
{
	static const struct {
		double x[3], e[3];
		bool sure;
	} row[] = {
	    {{1, 5, 4}, {0, 0, 0},       true },
	    {{5, 5, 4}, {0, 0, 0},       true }, /* a tie, the same for both */
	    {{1, 5, 4}, {0, 0.4, 0.5},   true },
	    {{1, 5, 4}, {0, 0.5, 0.625}, false},
	    {{4, 5, 1}, {1.5, 0, 0},     false},
	    {{5, 5, 4}, {0.1, 0, 0},     false},
	};
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F32, 3);
	struct value *x = graph_input(g, "x", &t);
	struct node_spec spec = {.op = OP_argmax, .in = &x, .nin = 1};
	struct eval_options opt = {.round = true};

	graph_output(g, graph_add(g, &u->diag, &spec)->out[0], "y");
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct eval_tensor in = floats(u, DT_F32, 3, row[i].x), out;
		double err[3], *bound = NULL;

		memcpy(err, row[i].e, sizeof err);
		in.bound = err;
		assert_true(
		    eval_graph(u->arena, &u->diag, g, &opt, &in, &out, &bound));
		assert_int_equal(get(&out, 0), row[i].x[0] == 5 ? 0 : 1);
		assert_int_equal(bound[0] == 0, row[i].sure);
	}
}

/* Operand ranges that reach a pole or leave the domain. */
static void
domain_bounds(void **state)
{
	static const struct {
		enum op op;
		double x, e;
		bool finite;
	} row[] = {
	    {OP_reciprocal, 2,    1,   true },
	    {OP_reciprocal, 2,    2.5, false},
	    {OP_reciprocal, -2,   2,   false},
	    {OP_log,        2,    1,   true },
	    {OP_log,        2,    2,   false},
	    {OP_sqrt,       2,    2,   true },
	    {OP_sqrt,       2,    2.5, false},
	    {OP_rsqrt,      2,    1,   true },
	    {OP_rsqrt,      2,    2,   false},
	    {OP_exp,        80,   1,   true },
	    {OP_exp,        80,   9,   false}, /* beyond the largest f32 */
	    {OP_relu,       -100, 1,   true },
	};
	struct unit *u = *state;
	struct tensor_type t = type1(DT_F32, 1);
	struct eval_options opt = {.round = true};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct graph *g = graph_new(u->arena, "g");
		struct value *x = graph_input(g, "x", &t);
		struct node_spec spec = {.op = row[i].op, .in = &x, .nin = 1};
		struct eval_tensor in = floats(u, DT_F32, 1, &row[i].x), out;
		double err = row[i].e, *bound = NULL;

		graph_output(g, graph_add(g, &u->diag, &spec)->out[0], "y");
		in.bound = &err;
		assert_true(
		    eval_graph(u->arena, &u->diag, g, &opt, &in, &out, &bound));
		if (isfinite(bound[0]) != row[i].finite)
			fail_msg("%s(%g +- %g): bound %g",
			    op_info(row[i].op)->name, row[i].x, row[i].e,
			    bound[0]);
	}
}

static void
within(void **state)
{
	(void)state;
	assert_true(eval_within(1, 1.5, 0.5));
	assert_false(eval_within(1, 1.5, 0.4));
	assert_true(eval_within(1, (double)NAN, HUGE_VAL));
	assert_false(eval_within(1, (double)NAN, 5));
	assert_false(eval_within((double)NAN, 1, 5));
	assert_true(eval_within((double)NAN, (double)NAN, 0));
	assert_true(eval_within(HUGE_VAL, HUGE_VAL, 0));
	assert_false(eval_within(HUGE_VAL, 1, 5));
}

static void
gather_outside(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F32, 3), k = type1(DT_I64, 1);
	struct value *in[2] = {
	    graph_input(g, "x", &t), graph_input(g, "i", &k)};
	struct node_spec spec = {
	    .op = OP_gather,
	    .in = in,
	    .nin = 2,
	    .loc = {.file = "m.onnx", .node = "node 'g' (Gather)"}
        };
	struct node *n = graph_add(g, &u->diag, &spec);
	struct eval_tensor x[2], out;

	x[0] = floats(u, DT_F32, 3, (double[]){1, 2, 3});
	for (int64_t i = -5; i < 6; i++) {
		x[1] = floats(u, DT_I64, 1, (double[]){(double)i});
		if (i >= -3 && i < 3) {
			assert_true(eval_node(u->arena, &u->diag, n, x, &out));
			assert_true(get(&out, 0) == (double)((i + 3) % 3 + 1));
			continue;
		}
		assert_false(eval_node(u->arena, &u->diag, n, x, &out));
		unit_expect_error(u, "node 'g' (Gather)");
		assert_non_null(strstr(u->last, "is outside the extent 3"));
	}
}

static void
bad_operands(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_new(u->arena, "g");
	struct tensor_type t = type1(DT_F32, 3);
	struct value *x = graph_input(g, "x", &t);
	struct value *y = binary(u, g, OP_add, x, x);
	struct eval_tensor in[2], out;

	in[0] = floats(u, DT_F32, 3, (double[]){1, 2, 3});
	in[1] = floats(u, DT_F32, 2, (double[]){1, 2});
	assert_false(eval_node(u->arena, &u->diag, y->def, in, &out));
	unit_expect_error(u, "'add': operand 1 is f32[2], not f32[3]");
	in[1] = in[0];
	in[1].data = NULL;
	assert_false(eval_node(u->arena, &u->diag, y->def, in, &out));
	unit_expect_error(u, "operand 1 has no data");
}

/* --- random nodes: whatever graph_add lets in must evaluate or be refused. */

static uint64_t
below(uint64_t *seed, uint64_t n)
{
	return unit_random(seed) % n;
}

static struct tensor_type
random_type(uint64_t *seed)
{
	static const int64_t dims[] = {0, 1, 1, 2, 2, 3, 4, 4};
	static const enum dtype common[] = {DT_F32, DT_F32, DT_F16, DT_I64};
	struct tensor_type t = {.rank = (int)below(seed, 6)};

	if (below(seed, 30) == 0)
		t.rank = MAX_RANK;
	for (int d = 0; d < t.rank; d++)
		t.dim[d] = dims[below(seed, 8)];
	t.dtype = below(seed, 2) ? common[below(seed, 4)]
				 : (enum dtype)(1 + below(seed, DT_COUNT - 1));
	return t;
}

static int64_t
random_int(enum attr_id id, uint64_t *seed)
{
	int64_t lo, hi, v = (int64_t)below(seed, 5) - 1;

	attr_range(id, &lo, &hi);
	return v < lo ? lo : v > hi ? hi : v;
}

static struct attr
random_attr(struct arena *a, enum attr_id id, int rank, uint64_t *seed)
{
	size_t n = below(seed, 3) == 0 ? (size_t)below(seed, 6)
		   : below(seed, 2)    ? (size_t)rank
				       : (size_t)(rank > 2 ? rank - 2 : 0);
	int64_t *ints = NEW_ARRAY(a, int64_t, n + 1);
	double *reals = NEW_ARRAY(a, double, n + 1);

	for (size_t i = 0; i < n; i++) {
		ints[i] = random_int(id, seed);
		reals[i] = (double)(1 + below(seed, 8)) / 4;
		if (id == ATTR_axes || id == ATTR_perm)
			ints[i] = (int64_t)i;
	}
	switch (attr_kind(id)) {
	case ATTR_FLOAT:
		return attr_make_float(id, (double)below(seed, 9) / 2 - 1);
	case ATTR_INTS: return attr_make_ints(id, ints, n);
	case ATTR_FLOATS: return attr_make_floats(id, reals, n);
	case ATTR_INT:
	case ATTR_ENUM: break;
	}
	return attr_make_int(id, random_int(id, seed));
}

static struct eval_tensor
random_tensor(struct arena *a, const struct tensor_type *t, uint64_t *seed)
{
	size_t n = (size_t)type_bytes(t);
	struct eval_tensor x = {.type = *t, .data = arena_alloc(a, n + 1)};
	unsigned char *p = x.data;
	bool small = below(seed, 2) == 0;

	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)unit_random(seed);
	for (int64_t i = 0; i < type_elems(t) && small; i++)
		dtype_set(
		    p, t->dtype, (size_t)i, (double)below(seed, 9) / 2 - 2);
	if (t->dtype == DT_BOOL) {
		for (size_t i = 0; i < n; i++)
			p[i] &= 1;
	}
	if (below(seed, 2) == 0) {
		size_t len = (size_t)type_elems(t);

		x.bound = NEW_ARRAY(a, double, len + 1);
		for (size_t i = 0; i < len && dtype_is_float(t->dtype); i++)
			x.bound[i] = ldexp(1, (int)below(seed, 40) - 30);
	}
	return x;
}

static bool
random_node(struct arena *a, struct diag *d, enum op op, uint64_t *seed)
{
	const struct op_info *info = op_info(op);
	struct graph *g = graph_new(a, "random");
	struct value *in[8] = {NULL};
	struct attr attrs[16];
	struct eval_tensor x[8], out[MAX_RESULTS];
	struct eval_options opt = {.round = true};
	struct node_spec spec = {.op = op, .in = in, .attrs = attrs};
	int most = info->in_max < 0 ? 4 : info->in_max, n = 0;
	struct tensor_type first = random_type(seed), t = first;
	struct node *node;
	double *bound = NULL;

	spec.nin = info->in_min +
		   (int)below(seed, (uint64_t)(most - info->in_min) + 1);
	for (int i = 0; i < spec.nin; i++) {
		struct tensor_type any = random_type(seed);

		if (below(seed, 3) == 0)
			t = any;
		else if (i > 0 && below(seed, 2))
			t = type_make(first.dtype, 1, &first.dim[1]);
		else
			t = first;
		x[i] = random_tensor(a, &t, seed);
		if (i > 0 && below(seed, 4) == 0)
			in[i] = graph_const(g, NULL, &t, x[i].data);
		else
			in[i] = graph_input(g, NULL, &t);
	}
	for (const enum attr_id *id = info->attrs; *id != ATTR_NONE; id++) {
		if (below(seed, 4) != 0)
			attrs[spec.nattrs++] =
			    random_attr(a, *id, first.rank, seed);
	}
	node = graph_add(g, d, &spec);
	if (node == NULL || type_elems(&node->out[0]->type) > 100000)
		return false;
	eval_node(a, d, node, x, out);
	graph_output(g, node->out[0], "y");
	for (int i = 0; i < spec.nin; i++) {
		if (in[i]->kind == VALUE_INPUT)
			x[n++] = x[i];
	}
	opt.round = below(seed, 2) == 0;
	if (eval_graph(a, d, g, &opt, x, out, &bound)) {
		for (int64_t i = 0; i < type_elems(&out[0].type); i++)
			assert_true(bound[i] >= 0);
	}
	return true;
}

/* A sample of lab_sample on random numbers, for ops whose rule random types
 * hardly ever meet. */
static void
random_sample(enum op op, uint64_t *seed)
{
	struct eval_options opt = {.round = below(seed, 2) == 0};
	struct eval_tensor x[8], out[MAX_RESULTS];
	double *bound = NULL;
	struct graph *g;
	struct lab l;

	lab_open(&l);
	g = lab_sample(&l, op);
	assert_non_null(g);
	for (size_t i = 0; i < g->inputs.len; i++)
		x[i] = random_tensor(
		    l.arena, &g->inputs.data[i]->type, seed);
	if (!eval_graph(l.arena, &l.diag, g, &opt, x, out, &bound))
		fail_msg("%s: %s", op_info(op)->name, lab_log(&l));
	for (int64_t i = 0; i < type_elems(&out[0].type); i++)
		assert_true(bound[i] >= 0);
	lab_close(&l);
}

static void
random_nodes(void **state)
{
	struct diag quiet = {.fn = NULL};
	uint64_t seed = 99;
	size_t done = 0;

	(void)state;
	for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
		size_t good = 0, tries = 0;

		for (; tries < 10000 && good < 60; tries++) {
			struct arena *a = arena_new();

			good += random_node(a, &quiet, op, &seed);
			arena_free(a);
		}
		done += good;
		for (; good < 60; good++)
			random_sample(op, &seed);
	}
	print_message("%zu random nodes evaluated\n", done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(states_and_order),
	    UNIT_TEST(state_without_value),
	    UNIT_TEST(wrong_input),
	    UNIT_TEST(rounding_on_and_off),
	    UNIT_TEST(contraction_bound),
	    UNIT_TEST(overflow_bounds),
	    UNIT_TEST(decision_bounds),
	    UNIT_TEST(argmax_bounds),
	    UNIT_TEST(domain_bounds),
	    UNIT_TEST(within),
	    UNIT_TEST(gather_outside),
	    UNIT_TEST(bad_operands),
	    UNIT_TEST(random_nodes),
	};

	return cmocka_run_group_tests_name("ir/eval", tests, NULL, NULL);
}
