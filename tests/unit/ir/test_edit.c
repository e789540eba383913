/* Names, use lists under random edits, topological order. */
#include "ir/text.h"
#include "tests/lib/graphs.h"
#include "tests/lib/unit.h"

#include <stdio.h>
#include <string.h>

/* High bits of the seeded generator. */
static uint32_t
next(uint64_t *s)
{
	return (uint32_t)(unit_random(s) >> 32);
}

static void
assert_valid(struct lab *l, const struct graph *g)
{
	if (!graph_verify(g, &l->diag, "edit"))
		fail_msg("%s", lab_log(l));
}

static void
test_names(void **state)
{
	struct tensor_type t = type_make(DT_F32, 0, NULL);
	struct value *a, *b, *c;
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = graph_new(l.arena, "names");
	a = graph_input(g, "x", &t);
	b = graph_input(g, "x", &t);
	c = graph_input(g, "x.1", &t);
	assert_string_equal(a->name, "x");
	assert_string_equal(b->name, "x.1");
	assert_string_equal(c->name, "x.1.1");
	assert_ptr_equal(graph_find(g, "x.1"), b);
	assert_null(graph_find(g, "y"));
	value_set_name(g, a, NULL);
	assert_null(graph_find(g, "x"));
	value_take_name(g, a, b);
	assert_string_equal(a->name, "x.1");
	assert_null(b->name);
	value_set_name(g, b, "x");
	assert_string_equal(b->name, "x");
	assert_valid(&l, g);
	lab_close(&l);
}

/* A name stays findable among thousands. */
static void
test_many_names(void **state)
{
	struct tensor_type t = type_make(DT_F32, 0, NULL);
	struct graph *g;
	struct lab l;
	char name[32];

	(void)state;
	lab_open(&l);
	g = graph_new(l.arena, "names");
	for (int i = 0; i < 20000; i++)
		graph_input(g, i % 2 == 0 ? "same" : NULL, &t);
	for (int i = 1; i < 10000; i++) {
		snprintf(name, sizeof name, "same.%d", i);
		assert_ptr_equal(graph_find(g, name),
		    g->inputs.data[2 * i]);
	}
	lab_close(&l);
}

/* Values that node n may use: leaves and results of nodes before it. */
static struct value *
random_value(struct graph *g, const struct node *n, uint64_t *s)
{
	struct value *pool[64];
	size_t len = 0;

	for (size_t i = 0; i < g->inputs.len && len < 32; i++)
		pool[len++] = g->inputs.data[i];
	for (struct node *p = n == NULL ? g->last : n->prev;
	     p != NULL && len < 64; p = p->prev)
		pool[len++] = p->out[0];
	return pool[next(s) % len];
}

static struct node *
random_node(struct graph *g, uint32_t count, uint64_t *s)
{
	struct node *n = g->first;

	for (uint32_t i = next(s) % count; i > 0; i--)
		n = n->next;
	return n;
}

struct edit {
	struct graph *g;
	uint32_t count; /* nodes in the list */
	uint64_t seed;
};

static void
edit_add(struct edit *e)
{
	struct node *before = next(&e->seed) % 2 == 0 || e->count == 0
	    ? NULL : random_node(e->g, e->count, &e->seed);
	struct value *x = random_value(e->g, before, &e->seed);
	struct value *y = random_value(e->g, before, &e->seed);

	build_binary(e->g, next(&e->seed) % 2 ? OP_add : OP_mul, x, y,
	    DT_NONE, before);
	e->count++;
}

static void
edit_remove(struct edit *e)
{
	struct node *n = random_node(e->g, e->count, &e->seed);

	value_replace(e->g, n->out[0], random_value(e->g, n, &e->seed));
	graph_remove(e->g, n);
	e->count--;
}

static void
edit_operand(struct edit *e)
{
	struct node *n = random_node(e->g, e->count, &e->seed);

	node_set_in(e->g, n, (int)(next(&e->seed) % 2),
	    random_value(e->g, n, &e->seed));
}

static void
edit_ends(struct edit *e)
{
	struct graph *g = e->g;
	struct value *v = random_value(g, NULL, &e->seed);
	char name[32];

	snprintf(name, sizeof name, "out%zu", g->outputs.len);
	if (g->outputs.len < 10)
		graph_output(g, v, name);
	else
		graph_set_output(g, next(&e->seed) % 10, v);
	if (g->assigns.len > 0 && next(&e->seed) % 2 == 0)
		graph_remove_assign(g, 0);
	else if (g->assigns.len > 0)
		graph_set_assign(g, 0, v);
	else
		graph_assign(g, g->states.data[0], v);
}

/* Moving a node behind the last definition it needs is always right. */
static void
edit_move(struct edit *e)
{
	struct node *n = random_node(e->g, e->count, &e->seed), *at = n;

	while (at->prev != NULL && at->prev != n->in[0]->def &&
	    at->prev != n->in[1]->def)
		at = at->prev;
	graph_move_before(e->g, n, at);
}

static void
test_random_edits(void **state)
{
	int64_t dim[] = {2, 3};
	struct tensor_type t = type_make(DT_F32, 2, dim);

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct edit e = {.seed = seed * 7919};
		struct lab l;

		lab_open(&l);
		e.g = graph_new(l.arena, "edits");
		for (int i = 0; i < 3; i++)
			graph_input(e.g, "x", &t);
		graph_state(e.g, "w", &t, NULL, true);
		for (int i = 0; i < 400; i++) {
			switch (e.count == 0 ? 0 : next(&e.seed) % 6) {
			case 0:
			case 1: edit_add(&e); break;
			case 2: edit_remove(&e); break;
			case 3: edit_operand(&e); break;
			case 4: edit_ends(&e); break;
			default: edit_move(&e); break;
			}
			assert_valid(&l, e.g);
		}
		lab_close(&l);
	}
}

/* An operand that was left out can come and go. */
static void
test_optional_operand(void **state)
{
	struct graph *g;
	struct node *n;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = lab_graph(&l, "input %x : f32[1,2,3]\ninput %w : f32[2,2,1]\n"
	    "input %b : f32[2]\n%y = conv %x, %w, _, _\n"
	    "output %y \"y\"\n");
	assert_non_null(g);
	n = g->first;
	assert_int_equal(n->nin, 2);
	assert_null(n->in[2]);
	assert_null(n->in[3]);
	node_set_in(g, n, 3, g->inputs.data[0]);
	assert_int_equal(n->nin, 4);
	assert_valid(&l, g);
	node_set_in(g, n, 2, g->inputs.data[2]);
	assert_valid(&l, g);
	node_set_in(g, n, 3, NULL);
	assert_int_equal(n->nin, 3);
	assert_valid(&l, g);
	assert_int_equal(value_nuses(g, g->inputs.data[0]), 1);
	assert_int_equal(value_nuses(g, n->out[0]), 1);
	assert_true(value_is_output(g, n->out[0]));
	assert_false(value_is_output(g, g->inputs.data[0]));
	lab_close(&l);
}

static void
test_attrs(void **state)
{
	int64_t kernel[] = {2, 2};
	const struct attr *a;
	struct graph *g;
	struct node *n;
	struct lab l;
	size_t len;

	(void)state;
	lab_open(&l);
	g = lab_node(&l, "max_pool", "f32[1,1,4,4]",
	    "kernel = [3,3], strides = [1,1]");
	n = g->first;
	assert_int_equal(node_ints(n, ATTR_kernel, &len)[1], 3);
	node_set_ints(g, n, ATTR_kernel, kernel, 2);
	kernel[0] = 9; /* the node has its own copy */
	assert_int_equal(node_ints(n, ATTR_kernel, &len)[0], 2);
	assert_int_equal(len, 2);
	a = node_attr(n, ATTR_strides);
	assert_false(attr_equal(a, attr_default(ATTR_strides)));
	assert_true(attr_equal(node_attr(n, ATTR_dilations),
	    attr_default(ATTR_dilations)));
	g = lab_node(&l, "lrn", "f32[1,4]", "size = 3, alpha = 0.5");
	assert_int_equal(node_int(g->first, ATTR_size), 3);
	assert_true(node_float(g->first, ATTR_alpha) == 0.5);
	node_set_int(g, g->first, ATTR_size, 5);
	node_set_float(g, g->first, ATTR_alpha, 0.25);
	assert_int_equal(node_int(g->first, ATTR_size), 5);
	assert_true(node_float(g->first, ATTR_alpha) == 0.25);
	lab_close(&l);
}

/* Nodes of passes take location and phase of what they stand before. */
static void
test_build(void **state)
{
	int64_t perm[] = {1, 0};
	struct attr attr = attr_make_ints(ATTR_perm, perm, 2);
	struct value *v, *k;
	struct graph *g;
	struct node *n;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = lab_graph(&l, "input %x : f16[2,3]\n%y = exp %x phase \"update\" "
	    "@ \"m.onnx\" \"node 'e'\"\noutput %y \"y\"\n");
	assert_non_null(g);
	n = g->first;
	v = build_op(g, OP_transpose, n->in, 1, &attr, 1, DT_NONE, n);
	assert_int_equal(v->type.dim[0], 3);
	assert_ptr_equal(v->def, g->first);
	assert_string_equal(v->def->phase, "update");
	assert_string_equal(v->def->loc.node, "node 'e'");
	v = build_binary(g, OP_mul, v, build_scalar(g, DT_BF16, 2.5), DT_F32,
	    n);
	assert_int_equal(v->type.dtype, DT_F32);
	assert_true(dtype_get(v->def->in[1]->data, DT_BF16, 0) == 2.5);
	node_set_in(g, n, 0, build_unary(g, OP_neg, v, DT_F16, n));
	n->out[0]->type = v->type;
	perm[0] = 7;
	k = build_ints(g, perm, 2);
	perm[0] = 1;
	assert_int_equal(dtype_get_i64(k->data, DT_I64, 0), 7);
	assert_int_equal(k->type.dim[0], 2);
	assert_int_equal(build_ints(g, NULL, 0)->type.dim[0], 0);
	assert_valid(&l, g);
	lab_close(&l);
}

/* A chain x -> n0 -> n1 ... where node i also uses a random earlier one. */
static struct graph *
chain(struct lab *l, int n, uint64_t *seed)
{
	int64_t dim[] = {4};
	struct tensor_type t = type_make(DT_F32, 1, dim);
	struct graph *g = graph_new(l->arena, "chain");
	struct value **v = NEW_ARRAY(l->arena, struct value *,
	    (size_t)n + 1);

	v[0] = graph_input(g, "x", &t);
	for (int i = 0; i < n; i++)
		v[i + 1] = build_binary(g, OP_add, v[i],
		    v[next(seed) % (uint32_t)(i + 1)], DT_NONE, NULL);
	graph_output(g, v[n], "y");
	return g;
}

static void
shuffle(struct graph *g, uint32_t count, uint64_t *seed)
{
	for (uint32_t i = 0; i < 2 * count; i++)
		graph_move_before(g, random_node(g, count, seed),
		    random_node(g, count, seed));
}

static void
test_sort_shuffled(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t s = seed;
		uint32_t id = 0;
		struct graph *g;
		struct lab l;

		lab_open(&l);
		g = chain(&l, 50, &s);
		shuffle(g, 50, &s);
		assert_true(graph_sort(g, &l.diag));
		assert_valid(&l, g);
		/* a chain has one order only */
		graph_foreach_node(g, n)
			assert_int_equal(n->id, id++);
		lab_close(&l);
	}
}

/* What is sorted stays as it is, ties included. */
static void
test_sort_stable(void **state)
{
	struct strbuf before = {0}, after = {0};
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = lab_graph(&l, "input %x : f32[2]\n%d = exp %x\n%c = log %x\n"
	    "%b = add %c, %x\n%a = neg %d\n%e = sub %a, %b\n"
	    "%f = sqrt %x\noutput %e \"e\"\n");
	assert_non_null(g);
	graph_print(&before, g, true);
	assert_true(graph_sort(g, &l.diag));
	graph_print(&after, g, true);
	assert_string_equal(before.data, after.data);
	strbuf_free(&before);
	strbuf_free(&after);
	lab_close(&l);
}

static void
test_sort_cycle(void **state)
{
	struct strbuf before = {0}, after = {0};
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = lab_graph(&l, "input %x : f32[2]\n%a \"first\" = exp %x\n"
	    "%b = log %a\n%c = sin %b\noutput %c \"c\"\n");
	assert_non_null(g);
	node_set_in(g, g->first, 0, g->last->out[0]);
	graph_print(&before, g, true);
	assert_false(graph_sort(g, &l.diag));
	assert_string_equal(lab_log(&l), "4:14: node 0 (exp, result "
	    "\"first\") depends on its own result\n");
	graph_print(&after, g, true);
	assert_string_equal(before.data, after.data);
	strbuf_free(&before);
	strbuf_free(&after);
	lab_close(&l);
}

/* Big graphs take time in proportion: one value with 100,000 uses, all
 * replaced and dropped; a chain sorted from its reverse without deep
 * recursion; text both ways. */
static void
test_big(void **state)
{
	enum { N = 100000 };
	int64_t dim[] = {4};
	struct tensor_type t = type_make(DT_F32, 1, dim);
	struct strbuf text = {0};
	struct value *x, *y, *v;
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = graph_new(l.arena, "big");
	x = graph_input(g, "x", &t);
	v = y = graph_input(g, "y", &t);
	for (int i = 0; i < N; i++)
		v = build_binary(g, OP_add, v, x, DT_NONE, NULL);
	graph_output(g, v, "v");
	value_replace(g, x, y);
	assert_int_equal(value_nuses(g, y), N + 1);
	for (struct node *n = g->first, *nx; n != NULL; n = nx) {
		nx = n->next;
		graph_move_before(g, n, g->first);
	}
	assert_true(graph_sort(g, &l.diag));
	assert_valid(&l, g);
	graph_print(&text, g, true);
	assert_non_null(graph_parse(l.arena, &l.diag, "big", text.data,
	    text.len));
	value_replace(g, v, x);
	for (struct node *n = g->last, *p; n != NULL; n = p) {
		p = n->prev;
		graph_remove(g, n);
	}
	assert_int_equal(y->uses.len, 0);
	assert_valid(&l, g);
	strbuf_free(&text);
	lab_close(&l);
}

static void
test_types(void **state)
{
	int64_t big[] = {1048576, 1048576}, zero[] = {0, MAX_DIM, MAX_DIM};
	struct tensor_type t = type_make(DT_F64, 2, big);
	char buf[TYPE_STR_MAX];

	(void)state;
	assert_true(type_valid(&t));
	assert_int_equal(type_bytes(&t), INT64_C(1) << 43);
	t.dim[0]++;
	assert_false(type_valid(&t));
	assert_int_equal(type_elems(&t), -1);
	t = type_make(DT_I8, 3, zero);
	assert_false(type_valid(&t)); /* strides would overflow */
	t.rank = 2;
	assert_true(type_valid(&t));
	assert_int_equal(type_elems(&t), 0);
	assert_string_equal(type_str(&t, buf, sizeof buf),
	    "i8[0,2147483647]");
	assert_string_equal(type_str(&t, buf, 6), "i8[0,");
	t.rank = 8;
	for (int i = 0; i < 8; i++)
		t.dim[i] = MAX_DIM;
	t.dtype = DT_BF16;
	assert_int_equal(strlen(type_str(&t, buf, sizeof buf)),
	    strlen("bf16[]") + 8 * 10 + 7);
	t.dim[0] = -1;
	assert_false(type_valid(&t));
	t.rank = 0;
	assert_true(type_valid(&t));
	assert_int_equal(type_elems(&t), 1);
	t.dtype = DT_NONE;
	assert_false(type_valid(&t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_random_edits),
		cmocka_unit_test(test_optional_operand),
		cmocka_unit_test(test_attrs),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_sort_shuffled),
		cmocka_unit_test(test_sort_stable),
		cmocka_unit_test(test_sort_cycle),
		cmocka_unit_test(test_big),
	};

	return cmocka_run_group_tests_name("ir/edit", tests, NULL, NULL);
}
