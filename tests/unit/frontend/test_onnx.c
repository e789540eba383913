/* What the importer makes of good models: names, order, folding, options.
 * Values are checked by tests/suites/onnx_nodes.sh. */
#include "tests/lib/unit.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/onnx.h"
#include "ir/text.h"
#include "support/file.h"

static struct graph *
import(struct unit *u, const char *name, const struct onnx_options *opt)
{
	char *path = arena_printf(u->arena, "tests/models/onnx/%s/model.onnx",
	    name);
	char *data;
	size_t n;

	if (!file_read(u->arena, &u->diag, path, 0, &data, &n))
		fail_msg("%s", u->last);
	struct graph *g =
	    onnx_import(u->arena, &u->diag, path, data, n, opt);
	if (g != NULL && !graph_verify(g, &u->diag, "import"))
		fail_msg("%s", u->last);
	return g;
}

static size_t
count_nodes(const struct graph *g)
{
	size_t n = 0;

	graph_foreach_node(g, node)
		n++;
	return n;
}

static const char *
dims(struct unit *u, const struct value *v)
{
	char *buf = arena_alloc(u->arena, 128);

	return type_str(&v->type, buf, 128);
}

static void
keeps_names_and_places(void **state)
{
	struct unit *u = *state;
	struct graph *g = import(u, "unsorted", NULL);

	assert_non_null(g);
	assert_string_equal(g->name, "g");
	assert_string_equal(g->inputs.data[0]->name, "x");
	assert_string_equal(g->output_names.data[0], "y");
	/* File order: Relu, Add, Neg, Exp; each reads a later one. */
	static const enum op order[] = {OP_exp, OP_neg, OP_add, OP_relu};
	static const char *const names[] = {"a", "b", "c", "y"};
	static const char *const places[] = {"node #3 (Exp)",
	    "node #2 (Neg)", "node #1 (Add)", "node #0 (Relu)"};
	size_t i = 0;
	graph_foreach_node(g, n) {
		assert_true(i < 4);
		assert_int_equal(n->op, order[i]);
		assert_string_equal(n->out[0]->name, names[i]);
		assert_string_equal(n->loc.node, places[i]);
		assert_string_equal(n->loc.file,
		    "tests/models/onnx/unsorted/model.onnx");
		i++;
	}
	assert_int_equal(i, 4);
}

static void
folds_shape_arithmetic(void **state)
{
	struct unit *u = *state;
	struct graph *g = import(u, "shape_arithmetic", NULL);

	assert_non_null(g);
	assert_int_equal(count_nodes(g), 1);
	assert_int_equal(g->first->op, OP_reshape);
	assert_string_equal(dims(u, g->outputs.data[0]), "f32[1,12]");
	assert_int_equal(u->count[DIAG_REMARK], 1);
	assert_non_null(strstr(u->last, "input 'x': remark: dimension 0 "
	    "('N') has no fixed extent and becomes 1"));
}

static void
folds_constants_to_outputs(void **state)
{
	struct unit *u = *state;
	struct graph *g = import(u, "all_constant", NULL);

	assert_non_null(g);
	assert_int_equal(count_nodes(g), 1); /* the Relu of the input */
	const struct value *y = g->outputs.data[0];
	assert_int_equal(y->kind, VALUE_CONST);
	assert_string_equal(y->name, "y");
	static const double want[] = {3.5, 4.5, 5.5, 3.5, 4.5, 5.5};
	for (size_t i = 0; i < 6; i++)
		assert_true(dtype_get(y->data, DT_F32, i) == want[i]);
}

static void
drops_what_no_output_needs(void **state)
{
	struct unit *u = *state;

	assert_non_null(import(u, "dead_nodes", NULL));
	assert_int_equal(u->count[DIAG_ERROR], 0);
	assert_non_null(strstr(u->last, "remark: 1 nodes that no output "
	    "needs"));
}

static void
says_what_training_becomes(void **state)
{
	struct unit *u = *state;
	struct graph *g = import(u, "batchnorm14_train", NULL);

	assert_non_null(g);
	assert_int_equal(g->first->op, OP_batch_norm);
	assert_int_equal(count_nodes(g), 1);
	assert_non_null(strstr(u->last, "node #0 (BatchNormalization): "
	    "remark: training mode: imported in its inference form"));
}

static void
batch_replaces_the_first_dimension(void **state)
{
	struct unit *u = *state;
	struct onnx_options opt = {.batch = 5};
	struct graph *g = import(u, "batch_symbolic", &opt);

	assert_non_null(g);
	assert_string_equal(dims(u, g->inputs.data[0]), "f32[5,2,4,4]");
	assert_string_equal(dims(u, g->outputs.data[0]), "f32[5,32]");
	assert_int_equal(u->count[DIAG_REMARK], 0);

	/* Static batch, constant Reshape targets: both are adapted. */
	g = import(u, "batch_reshape", &opt);
	assert_non_null(g);
	assert_string_equal(dims(u, g->outputs.data[0]), "f32[5,32]");
	assert_int_equal(u->count[DIAG_REMARK], 2);
	assert_non_null(strstr(u->last, "the target's first dimension 1 "
	    "becomes 5 for the new batch"));
	assert_int_equal(u->count[DIAG_WARNING], 0);

	/* The same value as in the model changes nothing. */
	opt.batch = 1;
	u->count[DIAG_REMARK] = 0;
	g = import(u, "batch_reshape", &opt);
	assert_string_equal(dims(u, g->outputs.data[0]), "f32[1,32]");
	assert_int_equal(u->count[DIAG_REMARK], 0);
}

static void
input_shapes(void **state)
{
	struct unit *u = *state;
	struct onnx_input_shape s = {"x", 3, {7, 3, 4}};
	struct onnx_options opt = {.inputs = &s, .ninputs = 1};
	struct graph *g = import(u, "shape_arithmetic", &opt);

	assert_non_null(g);
	assert_string_equal(dims(u, g->outputs.data[0]), "f32[7,12]");
	assert_int_equal(u->count[DIAG_REMARK], 0);

	s.rank = 2;
	assert_null(import(u, "shape_arithmetic", &opt));
	unit_expect_error(u, "input 'x': error: -finput gives 2 dimensions, "
	    "the model 3");
	s = (struct onnx_input_shape){"x", 3, {7, -1, 4}};
	assert_null(import(u, "shape_arithmetic", &opt));
	unit_expect_error(u, "input 'x': error: -finput: dimension 1 is -1");
	s.name = "axis0"; /* an initializer */
	assert_null(import(u, "shape_arithmetic", &opt));
	unit_expect_error(u, "error: -finput: 'axis0' is not a run-time "
	    "input of the model");
}

static void
bound_inputs(void **state)
{
	struct unit *u = *state;
	float data[6] = {1, 2, 3, 4, 5, 6};
	struct npy npy = {.dtype = DT_F32, .rank = 2, .dim = {2, 3},
	    .bytes = sizeof data, .data = data};
	struct onnx_input_const c = {"x", &npy};
	struct onnx_options opt = {.consts = &c, .nconsts = 1};
	struct graph *g = import(u, "typed_int8", &opt);

	assert_non_null(g);
	assert_int_equal(g->inputs.len, 0);
	assert_int_equal(count_nodes(g), 0);
	const struct value *y = g->outputs.data[0];
	static const double want[] = {-128, 10, 381, -512, 25, 762};
	for (size_t i = 0; i < 6; i++)
		assert_true(dtype_get(y->data, DT_F32, i) == want[i]);

	npy.dim[0] = 3;
	assert_null(import(u, "typed_int8", &opt));
	unit_expect_error(u, "input 'x': error: -fconst gives f32[3,3], "
	    "which is not the model's shape");
	npy.dim[0] = 2;
	npy.dtype = DT_I32;
	assert_null(import(u, "typed_int8", &opt));
	unit_expect_error(u, "-fconst gives i32, the model expects f32");
	c.name = "nobody";
	assert_null(import(u, "typed_int8", &opt));
	unit_expect_error(u, "-fconst: 'nobody' is not an input");
}

static void
initializers_may_be_inputs(void **state)
{
	struct unit *u = *state;
	struct graph *g = import(u, "init_as_input", NULL);

	assert_non_null(g);
	assert_int_equal(g->inputs.len, 1);
	assert_int_equal(g->first->in[1]->kind, VALUE_CONST);
	assert_string_equal(g->first->in[1]->name, "w");
}

/* No operator is listed twice, nor both supported and refused. */
static void
table_has_no_doubles(void **state)
{
	static const char *const types[] = {
#define ONNX_OP(type, ...) type,
#define ONNX_REFUSED(type, why) type,
#include "frontend/onnx_ops.def"
	};
	size_t n = sizeof types / sizeof *types;

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(types[i], types[k]) == 0)
				fail_msg("%s is listed twice", types[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(keeps_names_and_places),
		UNIT_TEST(folds_shape_arithmetic),
		UNIT_TEST(folds_constants_to_outputs),
		UNIT_TEST(drops_what_no_output_needs),
		UNIT_TEST(says_what_training_becomes),
		UNIT_TEST(batch_replaces_the_first_dimension),
		UNIT_TEST(input_shapes),
		UNIT_TEST(bound_inputs),
		UNIT_TEST(initializers_may_be_inputs),
		UNIT_TEST(table_has_no_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
