/* Every broken model under tests/models/bad gives its one diagnostic. */
#include "tests/lib/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/onnx.h"
#include "support/file.h"

#define BAD "tests/models/bad/"

static const struct bad {
	const char *name;
	const char *text; /* as printed, after the file's path */
} bad[] = {
	{"attribute_kind",
	    "node #0 (Flatten): error: attribute 'axis' is a string, not an "
	    "integer"},
	{"axis_range",
	    "node #0 (Concat): error: axis 4 is out of range for rank 4"},
	{"broadcast",
	    "node 'sum' (Add): error: add: rule broadcast: the shapes do not "
	    "broadcast; operands f32[1,3,8,8], f32[4,3,3,3]"},
	{"channels",
	    "node 'conv1' (Conv): error: conv: rule conv: the weight has 3 "
	    "input channels per group, operand 0 gives 5; operands "
	    "f32[1,5,8,8], f32[4,3,3,3]"},
	{"control_flow",
	    "node #0 (If): error: operator If (domain ai.onnx, opset 13) is "
	    "not supported: control flow with subgraphs has no static "
	    "schedule; export the model without it"},
	{"conv_rank",
	    "node 'conv1' (Conv): error: weights have rank 4 where the data "
	    "has rank 3"},
	{"custom_domain",
	    "node 'q0' (Quant): error: operator Quant of domain 'my.ops' is "
	    "not supported: export the model with standard ONNX operators "
	    "only"},
	{"cycle",
	    "node 'two' (Relu): error: lies on a cycle: input 0 'b' depends "
	    "on the node's own result"},
	{"dtype_input",
	    "input 'x': error: element type string (8) is not supported"},
	{"dynamic_input",
	    "input 'x': error: dimension 2 ('H') has no fixed extent: give "
	    "-finput=x:SHAPE"},
	{"early_op",
	    "node #0 (HardSwish): error: operator HardSwish exists from "
	    "opset 14 on, but the model declares opset 11"},
	{"empty",
	    "error: not a valid ONNX file: it is empty"},
	{"empty_input",
	    "node 'conv1' (Conv): error: input 1 is required but left out"},
	{"external_absolute",
	    "initializer 'w': error: tensor: external data '/etc/passwd': "
	    "absolute paths are refused"},
	{"external_dotdot",
	    "initializer 'w': error: tensor: external data '../empty.onnx': "
	    "may not leave the model's folder"},
	{"external_folder",
	    "initializer 'w': error: tensor: external data '.': not a "
	    "regular file"},
	{"external_inner_dotdot",
	    "initializer 'w': error: tensor: external data "
	    "'sub/../../x.bin': may not leave the model's folder"},
	{"external_length",
	    "initializer 'w': error: tensor: external data 'text.onnx': "
	    "length 8 where the tensor needs 4 bytes"},
	{"external_missing",
	    "initializer 'w': error: tensor: external data 'nowhere.bin': No "
	    "such file or directory"},
	{"external_none",
	    "initializer 'w': error: tensor: external data without a location"},
	{"external_offset",
	    "initializer 'w': error: tensor: external data has offset '-4'"},
	{"external_range",
	    "initializer 'w': error: tensor: external data 'text.onnx': 4 "
	    "bytes at offset 100 exceed the file's 19"},
	{"flipped",
	    "error: not a valid ONNX file: field of the wrong kind at byte 0"},
	{"future_op",
	    "node 'relu' (Relu): error: operator Relu of opset 21 is not "
	    "known: export the model with opset 20 or earlier"},
	{"gather_range",
	    "node 'g' (Gather): error: index 7 is out of range for extent 1"},
	{"gemm",
	    "node 'fc' (Gemm): error: gemm: rule gemm: the inner extents 4 "
	    "and 5 differ; operands f32[1,4], f32[5,2]"},
	{"group0",
	    "node 'conv1' (Conv): error: group is 0"},
	{"group2",
	    "node 'conv1' (Conv): error: conv: rule conv: 2 groups do not "
	    "divide the 3 input and 4 output channels; operands "
	    "f32[1,3,8,8], f32[4,3,3,3]"},
	{"huge_constant",
	    "node 'fill' (ConstantOfShape): error: makes a constant "
	    "f32[1048576,1048576] of more than 1 GiB"},
	{"huge_dim",
	    "initializer 'w': error: tensor: dimension 0 is "
	    "4611686018427387904"},
	{"huge_expand",
	    "node 'grow' (Expand): error: makes a constant "
	    "f32[1048576,1024] of more than 1 GiB"},
	{"kernel0",
	    "node 'pool' (MaxPool): error: attribute 'kernel_shape' holds 0"},
	{"kernel_shape",
	    "node 'conv1' (Conv): error: kernel_shape is 5 where the weights "
	    "have 3"},
	{"kernel_too_big",
	    "node 'pool' (MaxPool): error: max_pool: rule pool: a window of "
	    "9 does not fit into the padded extent 8 of spatial axis 0; "
	    "operands f32[1,3,8,8]"},
	{"missing_input",
	    "node 'conv1' (Conv): error: takes 2 to 3 inputs, has 1"},
	{"missing_output",
	    "output 'z': error: 'z' is not defined: no node, input or "
	    "initializer has this name"},
	{"missing_tensor",
	    "node 'sum' (Add): error: input 1 'w' is not defined: no node, "
	    "input or initializer has this name"},
	{"negative_dim",
	    "initializer 'w': error: tensor: dimension 1 is -1"},
	{"negative_input",
	    "input 'x': error: dimension 1 is -7"},
	{"negative_pad",
	    "node 'conv1' (Conv): error: attribute 'pads' holds -1"},
	{"nested",
	    "error: not a valid ONNX file: messages nested too deeply at "
	    "byte 195"},
	{"no_dtype",
	    "initializer 'w': error: tensor: element type undefined (0) is "
	    "not supported"},
	{"no_graph",
	    "error: the model has no graph"},
	{"no_opset",
	    "error: the model declares no opset"},
	{"no_outputs",
	    "error: the graph has no outputs"},
	{"no_shape",
	    "input 'x': error: has no shape: give -finput=x:SHAPE"},
	{"overflow_dims",
	    "initializer 'w': error: tensor: the dimensions multiply to more "
	    "than 2^40 elements"},
	{"pads3",
	    "node 'conv1' (Conv): error: attribute 'pads' has 3 entries for "
	    "2 spatial axes"},
	{"pool_indices",
	    "node 'pool' (MaxPool): error: its second result (indices) is "
	    "used, which is not supported"},
	{"quantized",
	    "node 'quant' (QuantizeLinear): error: operator QuantizeLinear "
	    "(domain ai.onnx, opset 13) is not supported: quantized "
	    "operators come later; use the float model"},
	{"rank9",
	    "initializer 'w': error: tensor: rank 9 exceeds the limit of 8"},
	{"rank9_input",
	    "input 'x': error: shape: rank 9 exceeds the limit of 8"},
	{"reshape_count",
	    "node 'r' (Reshape): error: f32[1,3,8,8] cannot take the shape "
	    "[1,100]"},
	{"reshape_runtime",
	    "node 'r' (Reshape): error: input 1 (shape) must be known at "
	    "compile time, but 's' depends on input 'x': bind it with "
	    "-fconst=x=FILE.npy"},
	{"reshape_twice",
	    "node 'r' (Reshape): error: the target shape holds -1 twice"},
	{"short_data",
	    "initializer 'w': error: tensor: 8 bytes of data where "
	    "f32[1,3,8,8] needs 768"},
	{"short_typed",
	    "initializer 'w': error: tensor: 3 elements of data where f32[4] "
	    "needs 4"},
	{"slice_step0",
	    "node #0 (Slice): error: the step of axis 1 is 0"},
	{"stride0",
	    "node 'conv1' (Conv): error: attribute 'strides' holds 0"},
	{"string_tensor",
	    "initializer 'w': error: tensor: element type string (8) is not "
	    "supported"},
	{"text",
	    "error: not a valid ONNX file: unknown kind of field at byte 1"},
	{"training_output",
	    "node 'use' (Relu): error: reads result 'm' of node 'bn' "
	    "(BatchNormalization), which exists only in training"},
	{"transpose_perm",
	    "node #0 (Transpose): error: axis 1 is given twice"},
	{"truncated",
	    "error: not a valid ONNX file: truncated number at byte 97"},
	{"twice_defined",
	    "node 'b' (Neg): error: result 'y' is already defined by node "
	    "'a' (Relu)"},
	{"two_initializers",
	    "error: two initializers have the name 'w'"},
	{"unknown_attribute",
	    "node #0 (Relu): error: attribute 'slope' is not known for this "
	    "operator in opset 13"},
	{"unknown_op",
	    "node #0 (Frobnicate): error: operator Frobnicate (domain "
	    "ai.onnx, opset 13) is not known: replace it by operators of "
	    "opset 1 to 20"},
	{"zero_kernel",
	    "node 'sum' (Conv): error: the kernel is empty"},
};

#define COUNT (sizeof bad / sizeof *bad)

static struct graph *
import_file(struct unit *u, const char *path)
{
	char *data;
	size_t n;

	if (!file_read(u->arena, &u->diag, path, 0, &data, &n))
		fail_msg("%s", u->last);
	return onnx_import(u->arena, &u->diag, path, data, n, NULL);
}

static void
each_broken_model(void **state)
{
	struct unit *u = *state;

	for (size_t i = 0; i < COUNT; i++) {
		char *path = arena_printf(u->arena, BAD "%s.onnx",
		    bad[i].name);
		char *want = arena_printf(u->arena, "%s: %s", path,
		    bad[i].text);
		assert_null(import_file(u, path));
		if (u->count[DIAG_ERROR] != 1)
			fail_msg("%s: %u errors", path,
			    u->count[DIAG_ERROR]);
		assert_string_equal(u->last, want);
		u->count[DIAG_ERROR] = 0;
		u->diag.errors = 0;
	}
}

/* No broken model lies there without its line above. */
static void
table_is_complete(void **state)
{
	DIR *d = opendir(BAD);
	size_t files = 0;

	(void)state;
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		size_t len = strlen(e->d_name), i = 0;
		if (len < 5 || strcmp(e->d_name + len - 5, ".onnx") != 0)
			continue;
		files++;
		while (i < COUNT &&
		    (strlen(bad[i].name) != len - 5 ||
		    memcmp(bad[i].name, e->d_name, len - 5) != 0))
			i++;
		if (i == COUNT)
			fail_msg("%s has no line", e->d_name);
	}
	closedir(d);
	assert_int_equal(files, COUNT);
}

/* External data behind a symbolic link, as the file and as a folder. */
static void
links_are_refused(void **state)
{
	struct unit *u = *state;
	char *data;
	size_t n;
	char *dir = unit_path(u, "model");
	char *link = arena_printf(u->arena, "%s-weights.bin", dir);

	assert_true(file_read(u->arena, &u->diag,
	    "tests/models/onnx/external/model.onnx", 0, &data, &n));
	/* The file's location, ./weights.bin, beside another model path. */
	char *folder = arena_printf(u->arena, "%s-dir", dir);
	char *model = arena_printf(u->arena, "%s/model.onnx", folder);
	char *inside = arena_printf(u->arena, "%s/weights.bin", folder);
	char byte = 'x';
	assert_true(file_write(&u->diag, link, &byte, 1));
	assert_int_equal(mkdir(folder, 0777), 0);
	assert_int_equal(symlink(link, inside), 0);
	assert_null(onnx_import(u->arena, &u->diag, model, data, n, NULL));
	unit_expect_error(u, "initializer 'w': error: tensor: external data "
	    "'./weights.bin': symbolic links are not followed");
	assert_int_equal(unlink(inside), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_null(onnx_import(u->arena, &u->diag, "-", data, n, NULL));
	unit_expect_error(u, "a model from standard input has no folder");
}

/* Every prefix of a model is refused in one line, at a byte of the file. */
static void
every_truncation(void **state)
{
	struct unit *u = *state;
	char *data;
	size_t n;

	assert_true(file_read(u->arena, &u->diag,
	    "tests/models/onnx/unsorted/model.onnx", 0, &data, &n));
	assert_non_null(onnx_import(u->arena, &u->diag, "m", data, n, NULL));
	for (size_t k = 0; k < n; k++) {
		/* A block of its own, so that an overrun is seen. */
		char *part = arena_memdup(u->arena, data, k);
		assert_null(onnx_import(u->arena, &u->diag, "m", part, k,
		    NULL));
		unit_expect_error(u, "m: error: ");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(each_broken_model),
		UNIT_TEST(table_is_complete),
		UNIT_TEST(links_are_refused),
		UNIT_TEST(every_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
