/* The verifier finds each kind of violation and passes every sample. */
#include "ir/text.h"
#include "tests/lib/graphs.h"
#include "tests/lib/unit.h"

#include <string.h>

static const char body[] =
    "input %x \"x\" : f32[1,2,4]\n"
    "const %w \"w\" : f32[2,2,1] = splat 2\n"
    "state %s \"s\" trainable : f32[1,2,4] = zero\n"
    "state %t \"t\" : f32[1,2,4] = none\n"
    "%a \"a\" = conv %x, %w\n"
    "%b \"b\" = add %a, %s\n"
    "%c \"c\" = mul %b, %b\n"
    "assign %s := %c\n"
    "output %b \"out\"\n"
    "output %c \"out2\"\n";

static struct node *
node_at(struct graph *g, int i)
{
	struct node *n = g->first;

	while (i-- > 0)
		n = n->next;
	return n;
}

/* Each plants one violation in the graph above. */
static void
bad_operand_later(struct graph *g)
{
	graph_move_before(g, node_at(g, 2), node_at(g, 1));
}

static void
bad_operand_foreign(struct graph *g)
{
	struct graph *h = graph_new(g->arena, "other");
	struct value *x = g->inputs.data[0];

	node_set_in(g, g->first, 0, graph_input(h, "x", &x->type));
}

static void
bad_operand_removed(struct graph *g)
{
	struct value *v = build_unary(g, OP_exp, g->inputs.data[0], DT_NONE,
	    g->first);

	graph_remove(g, g->first);
	node_set_in(g, g->first, 0, v);
}

static void
bad_use_missing(struct graph *g)
{
	g->inputs.data[0]->uses.len = 0;
}

static void
bad_use_extra(struct graph *g)
{
	struct use u = {g->first, 0};

	VEC_PUSH(g->arena, &g->inputs.data[0]->uses, u);
}

static void
bad_use_swapped(struct graph *g)
{
	node_at(g, 2)->slot[0] = 1;
}

static void
bad_operand_written(struct graph *g)
{
	node_at(g, 1)->in[1] = g->states.data[1];
}

static void
bad_count(struct graph *g)
{
	node_at(g, 1)->nin = 1;
	g->states.data[0]->uses.len = 0;
}

static void
bad_trailing(struct graph *g)
{
	node_at(g, 0)->nin = 3;
}

static void
bad_attr_missing(struct graph *g)
{
	g->first->nattrs--;
}

static void
bad_attr_order(struct graph *g)
{
	g->first->attrs[0].id = ATTR_dilations;
}

static void
bad_attr_range(struct graph *g)
{
	node_set_int(g, g->first, ATTR_act, ACT_COUNT);
}

static void
bad_attr_list(struct graph *g)
{
	int64_t strides[] = {0};

	node_set_ints(g, g->first, ATTR_strides, strides, 1);
}

static void
bad_rule(struct graph *g)
{
	int64_t strides[] = {1, 1};

	node_set_ints(g, g->first, ATTR_strides, strides, 2);
}

static void
bad_shape(struct graph *g)
{
	g->first->out[0]->type.dim[2] = 5;
}

static void
bad_dtype(struct graph *g)
{
	g->last->out[0]->type.dtype = DT_I32;
}

static void
bad_type(struct graph *g)
{
	g->inputs.data[0]->type.dim[0] = -1;
}

static void
bad_name(struct graph *g)
{
	g->last->out[0]->name = "x";
}

static void
bad_output_name(struct graph *g)
{
	g->output_names.data[1] = "out";
}

static void
bad_output_names(struct graph *g)
{
	g->output_names.len--;
}

static void
bad_output_foreign(struct graph *g)
{
	struct graph *h = graph_new(g->arena, "other");

	graph_set_output(g, 0, graph_input(h, "z",
	    &g->inputs.data[0]->type));
}

static void
bad_ends(struct graph *g)
{
	g->outputs.data[0] = g->inputs.data[0]; /* past graph_set_output */
}

static void
bad_assign_twice(struct graph *g)
{
	graph_assign(g, g->states.data[0], g->inputs.data[0]);
}

static void
bad_assign_type(struct graph *g)
{
	graph_set_assign(g, 0, g->first->in[1]);
}

static void
bad_assign_state(struct graph *g)
{
	g->assigns.data[0].state = g->inputs.data[0];
}

static void
bad_const(struct graph *g)
{
	g->first->in[1]->data = NULL;
}

static void
bad_id(struct graph *g)
{
	g->last->out[0]->id = 100;
}

static void
bad_id_shared(struct graph *g)
{
	g->last->out[0]->id = 0;
}

static void
bad_node_id(struct graph *g)
{
	g->last->id = 0;
}

static void
bad_op(struct graph *g)
{
	g->last->op = OP_COUNT;
}

static void
bad_links(struct graph *g)
{
	g->last->prev = g->first;
}

static void
bad_last(struct graph *g)
{
	g->last = g->first;
}

static void
bad_loop(struct graph *g)
{
	g->last->next = g->first;
}

static void
bad_def(struct graph *g)
{
	g->last->out[0]->def = g->first;
}

static void
bad_result(struct graph *g)
{
	g->last->out[0] = NULL;
}

static void
bad_kind(struct graph *g)
{
	g->inputs.data[0]->kind = VALUE_STATE;
}

static void
bad_phase(struct graph *g)
{
	g->first->phase = NULL;
}

static void
bad_group(struct graph *g)
{
	g->first->group = 1;
}

static const struct {
	void (*plant)(struct graph *g);
	const char *want; /* part of the log */
} plants[] = {
	{bad_operand_later, "after plant: node 2 (mul) \"c\": operand 0 "
	    "(value 5 \"b\") is defined later"},
	{bad_operand_foreign, "after plant: node 0 (conv) \"a\": operand 0 "
	    "(input 0 \"x\") does not belong to the graph"},
	{bad_operand_removed, "does not belong to the graph"},
	{bad_use_missing, "operand 0 (input 0 \"x\") is not in the use list"},
	{bad_use_extra, "after plant: input 0 \"x\": its use list has 2 "
	    "entries, 1 operands use it"},
	{bad_use_swapped, "node 2 (mul) \"c\": operand 0 (value 5 \"b\") is "
	    "not in the use list"},
	{bad_operand_written, "operand 1 (state 3 \"t\") is not in the use "
	    "list"},
	{bad_count, "node 1 (add) \"b\": has 1 operands, needs 2"},
	{bad_trailing, "its last operand is left out but counted"},
	{bad_attr_missing, "attribute stepwise is missing"},
	{bad_attr_order, "attribute strides is missing"},
	{bad_attr_range, "attribute act: 8 is outside 0 to 7"},
	{bad_attr_list, "attribute strides: 0 is outside 1 to"},
	{bad_rule, "rule conv: attribute strides has 2 elements, needs 1"},
	{bad_shape, "result 0 is f32[1,2,5], rule conv gives f32[1,2,4]"},
	{bad_dtype, "result 0 is i32[1,2,4], rule broadcast gives "
	    "f32[1,2,4]"},
	{bad_type, "input 0 \"x\": type is not valid"},
	{bad_name, "value 6 \"x\": its name is taken"},
	{bad_output_name, "output \"out\": its name is missing or taken"},
	{bad_output_names, "outputs and their names differ in number"},
	{bad_output_foreign, "output \"out\": its value does not belong"},
	{bad_ends, "value 5 \"b\": counts 1 outputs and assignments, it has "
	    "0"},
	{bad_assign_twice, "assignment to state 2 \"s\": is the second one"},
	{bad_assign_type, "assignment to state 2 \"s\": state and value "
	    "differ in type"},
	{bad_assign_state, "is to no state of the graph"},
	{bad_const, "const 1 \"w\": constant data is missing"},
	{bad_id, "value 100 \"c\": id is not below the counter 7"},
	{bad_id_shared, "value 0 \"c\": shares its id with another value"},
	{bad_node_id, "node 0 (mul) \"c\": id is taken"},
	{bad_op, "after plant: node 2: there is no op"},
	{bad_links, "node 2 (mul) \"c\": its prev link is wrong"},
	{bad_last, "graph: its last link is wrong"},
	{bad_loop, "node 0 (conv) \"a\": id is taken"},
	{bad_def, "result 0 does not name this node as its definition"},
	{bad_result, "node 2 (mul): result 0 is missing"},
	{bad_kind, "is in the inputs but of another kind"},
	{bad_phase, "node 0 (conv) \"a\": has no phase"},
	{bad_group, "node 0 (conv) \"a\": its group 1 is not one of 0"},
};

static void
test_plants(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
		struct strbuf dump = {0};
		struct graph *g;
		struct lab l;

		lab_open(&l);
		g = lab_graph(&l, body);
		assert_non_null(g);
		assert_true(graph_verify(g, &l.diag, "before"));
		plants[i].plant(g);
		if (graph_verify(g, &l.diag, "plant") ||
		    strstr(lab_log(&l), plants[i].want) == NULL)
			fail_msg("plant %zu: wanted %s, got %s", i,
			    plants[i].want, lab_log(&l));
		/* dumps show broken graphs, too */
		if (plants[i].plant != bad_op &&
		    plants[i].plant != bad_loop &&
		    plants[i].plant != bad_phase &&
		    plants[i].plant != bad_output_names &&
		    plants[i].plant != bad_type) {
			graph_print(&dump, g, false);
			assert_true(dump.len > 100);
		}
		strbuf_free(&dump);
		lab_close(&l);
	}
}

static void
test_samples(void **state)
{
	(void)state;
	for (int i = OP_NONE + 1; i < OP_COUNT; i++) {
		const char *name = op_info((enum op)i)->name;
		struct graph *g;
		struct lab l;

		lab_open(&l);
		g = lab_sample(&l, (enum op)i);
		if (g == NULL)
			fail_msg("no sample of %s: %s", name, lab_log(&l));
		assert_int_equal(g->first->op, i);
		if (!graph_verify(g, &l.diag, "sample"))
			fail_msg("%s: %s", name, lab_log(&l));
		/* without its result type it is no longer valid */
		g->first->out[0]->type.rank ^= 1;
		assert_false(graph_verify(g, &l.diag, "sample"));
		lab_close(&l);
	}
}

/* A graph without anything is valid. */
static void
test_empty(void **state)
{
	struct lab l;
	struct graph *g;

	(void)state;
	lab_open(&l);
	g = lab_graph(&l, "");
	assert_non_null(g);
	assert_true(graph_verify(g, &l.diag, "empty"));
	assert_string_equal(lab_log(&l), "");
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plants),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests_name("ir/verify", tests, NULL, NULL);
}
