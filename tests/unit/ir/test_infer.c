/* Shape rules: result types, and what a violation says. */
#include "ir/text.h"
#include "tests/lib/graphs.h"
#include "tests/lib/unit.h"

#include <string.h>

struct row {
	const char *op, *types, *attrs;
	const char *want; /* the type of result 0, or part of the message */
};

static const struct row conv_rows[] = {
	{"conv", "f32[1,3,224,224] f32[64,3,7,7] f32[64]",
	    "strides = [2,2], pads_begin = [3,3], pads_end = [3,3]",
	    "f32[1,64,112,112]"},
	{"conv", "f32[2,8,10] f32[8,1,3]", "groups = 8, dilations = [2]",
	    "f32[2,8,6]"},
	{"conv", "f32[1,1,4,5,6] f32[2,1,2,2,2]", "", "f32[1,2,3,4,5]"},
	{"conv", "f16[1,1,4,4] f32[2,1,1,1]", "", "f32[1,2,4,4]"},
	{"conv", "f16[1,1,4,4] bf16[2,1,1,1]", "", "f32[1,2,4,4]"},
	{"conv", "bf16[0,1,4,4] bf16[2,1,1,1]", "", "bf16[0,2,4,4]"},
	{"conv", "f32[1,1,4,4] f32[2,1,1,1] _ f16[1,2,4,4]", "",
	    "f32[1,2,4,4]"},
	{"conv", "f32[1,3,8,8] f32[6,4,3,3]", "",
	    "conv: rule conv: the weight has 4 input channels per group, "
	    "operand 0 gives 3; operands f32[1,3,8,8], f32[6,4,3,3]"},
	{"conv", "f32[1,3,8,8] f32[6,3,9,3]", "",
	    "a window of 9 does not fit into the padded extent 8 of spatial "
	    "axis 0"},
	{"conv", "f32[1,3,8,8] f32[6,3,3]", "", "rank"},
	{"conv", "f32[1,3] f32[6,3]", "", "rank 2, needs 3 to 5"},
	{"conv", "f32[1,3,1,1,1,1] f32[6,3,1,1,1,1]", "", "needs 3 to 5"},
	{"conv", "f32[1,3,8,8] f32[6,3,3,3]", "strides = [2]",
	    "attribute strides has 1 elements, needs 2"},
	{"conv", "f32[1,3,8,8] f32[6,3,3,3]", "pads_begin = [-1,0]",
	    "padding of spatial axis 0 is negative"},
	{"conv", "f32[1,4,8,8] f32[6,1,3,3]", "groups = 4",
	    "4 groups do not divide the 4 input and 6 output"},
	{"conv", "f32[1,0,8,8] f32[6,0,3,3]", "", "there are no channels"},
	{"conv", "f32[1,3,0,8] f32[6,3,1,1]", "", "does not fit"},
	{"conv", "f32[1,3,8,8] f32[6,3,0,1]", "", "does not fit"},
	{"conv", "f32[1,3,8,8] f32[6,3,3,3] f32[5]", "",
	    "bias (operand 2) must have shape [6]"},
	{"conv", "f32[1,3,8,8] f32[6,3,3,3] _ f32[1,6,6,5]", "",
	    "residual (operand 3) must have the shape of the result "
	    "f32[1,6,6,6]"},
	{"conv", "i8[1,3,8,8] i8[6,3,3,3]", "", "operand 0 is no float"},
	{"conv", "f32[1048576,1,1024,1024] f32[9,1,1,1]", "",
	    "more than 2^40 elements"},
	{"conv", "f32[1,1,2] f32[1,1,2]",
	    "pads_begin = [2147483647], pads_end = [2147483647]",
	    "invalid extent"},
	{"conv", "_ f32[6,3,3,3]", "", "operand 0 cannot be left out"},
	{"conv", "f32[1,3,8,8]", "", "has 1 operands, needs 2 to 4"},
	{"conv_transpose", "f32[1,16,4,4] f32[16,8,3,3]",
	    "strides = [2,2], pads_begin = [1,1], pads_end = [1,1], "
	    "output_pads = [1,1]", "f32[1,8,8,8]"},
	{"conv_transpose", "f32[1,4,5] f32[4,3,2] f32[6]", "groups = 2",
	    "f32[1,6,6]"},
	{"conv_transpose", "f32[1,4,5] f32[3,3,2]", "",
	    "the weight has 3 input channels, operand 0 has 4"},
	{"conv_transpose", "f32[1,4,5] f32[4,3,2]", "output_pads = [1]",
	    "output padding 1 is not below stride or dilation"},
	{"conv_transpose", "f32[1,4,1] f32[4,3,2]", "pads_begin = [2]",
	    "would have 0 elements"},
	{"conv_transpose", "f32[1,4,5] f32[4,3,2]", "groups = 3",
	    "3 groups do not divide"},
	{"conv_transpose", "f32[1,1,2147483647] f32[1,1,2147483647]",
	    "strides = [2147483647], dilations = [2147483647]",
	    "invalid extent"},
	{"max_pool", "i8[1,2,7,7]",
	    "kernel = [3,3], strides = [2,2], pads_begin = [1,1], "
	    "pads_end = [1,1]", "i8[1,2,4,4]"},
	{"max_pool", "f32[1,2,7,7]", "",
	    "attribute kernel has 0 elements, needs 2"},
	{"max_pool", "f32[1,2,7]", "kernel = [2], pads_begin = [2]",
	    "wholly in the padding"},
	{"avg_pool", "i32[1,2,7]", "kernel = [2]", "is no float"},
	{"max_pool", "bool[1,2,7]", "kernel = [2]", "operand 0 is bool"},
	{"sum_pool", "f32[1,2,7]", "kernel = [7]", "f32[1,2,1]"},
	{"channel_sum", "f32[3]", "size = 3", "no channel axis"},
	{"lrn", "f32[3]", "size = 3", "no channel axis"},
};

static const struct row map_rows[] = {
	{"add", "f32[2,1,3] f32[4,1]", "", "f32[2,4,3]"},
	{"add", "f32[] f32[0,3]", "", "f32[0,3]"},
	{"add", "f16[2] f64[2]", "", "f64[2]"},
	{"add", "u8[2] u8[1]", "", "u8[2]"},
	{"add", "f32[2] f32[3]", "",
	    "add: rule broadcast: the shapes do not broadcast; operands "
	    "f32[2], f32[3]"},
	{"add", "i32[2] i64[2]", "", "operands 0 and 1 differ in dtype"},
	{"add", "i32[2] f32[2]", "", "operands 0 and 1 differ in dtype"},
	{"add", "bool[2] bool[2]", "", "operand 0 is bool"},
	{"add", "f32[2]", "", "has 1 operands, needs 2"},
	{"add", "f32[2] f32[2] f32[2]", "", "has 3 operands, needs 2"},
	{"pow", "i32[2] f32[3,1]", "", "i32[3,2]"},
	{"pow", "bool[2] f32[2]", "", "operand 0 is bool"},
	{"prelu", "f16[2,3,4] f32[3,1]", "", "f16[2,3,4]"},
	{"prelu", "f32[3,1] f32[2,3,4]", "",
	    "operand 1 does not broadcast to the shape of operand 0"},
	{"equal", "bool[2] bool[]", "", "bool[2]"},
	{"less", "i64[2] i64[]", "", "bool[2]"},
	{"less", "bool[2] bool[]", "", "operand 0 is bool"},
	{"and", "bool[2] bool[2,1]", "", "bool[2,2]"},
	{"and", "bool[2] u8[2]", "", "operand 1 is not bool"},
	{"not", "bool[2]", "", "bool[2]"},
	{"not", "f32[2]", "", "operand 0 is not bool"},
	{"neg", "i8[2]", "", "i8[2]"},
	{"neg", "bool[2]", "", "operand 0 is bool"},
	{"identity", "bool[2]", "", "bool[2]"},
	{"exp", "i32[2]", "", "operand 0 is no float"},
	{"cast", "bool[2]", "to = bf16", "bf16[2]"},
	{"cast", "f32[2]", "", "attribute to: 0 is outside 1 to 13"},
	{"cast", "f32[2]", "to = 14", "'14' is no integer from 1 to 13"},
	{"select", "bool[2,1] f16[3] f32[]", "", "f32[2,3]"},
	{"select", "bool[] i64[3] i64[]", "", "i64[3]"},
	{"select", "f32[3] f32[3] f32[3]", "", "operand 0 is not bool"},
	{"select", "bool[3] f32[3] i32[3]", "",
	    "operands 1 and 2 differ in dtype"},
	{"fma", "f16[2,1] f16[3] f32[]", "", "f32[2,3]"},
	{"fma", "i32[2] i32[2] i32[2]", "", "is no float"},
	{"clip", "u8[3]", "min = 1, max = 2", "u8[3]"},
	{"clip", "f32[3]", "min = nan", "attribute min is not a number"},
};

static const struct row reduce_rows[] = {
	{"reduce_sum", "f32[2,3,4]", "axes = [0,2], keepdims = 0", "f32[3]"},
	{"reduce_sum", "f32[2,3,4]", "axes = [1]", "f32[2,1,4]"},
	{"reduce_sum", "i32[2,3]", "", "i32[1,1]"},
	{"reduce_sum", "f32[2,3]", "keepdims = 0", "f32[]"},
	{"reduce_sum", "f32[]", "", "f32[]"},
	{"reduce_sum", "f32[2,3]", "axes = [1,0]", "ascending"},
	{"reduce_sum", "f32[2,3]", "axes = [1,1]", "ascending"},
	{"reduce_sum", "f32[2,3]", "axes = [2]",
	    "reduce_sum: rule reduce: axis 2 is not below the rank 2; "
	    "operands f32[2,3]"},
	{"reduce_sum", "f32[2,3]", "axes = [-1]", "no integer from 0 to 7"},
	{"reduce_sum", "bool[2,3]", "", "operand 0 is bool"},
	{"reduce_max", "f32[2,0]", "axes = [1]",
	    "axis 1 is empty and has no extreme"},
	{"reduce_max", "f32[2,0]", "axes = [0]", "f32[1,0]"},
	{"reduce_mean", "i32[2,3]", "", "is no float"},
	{"argmax", "f32[2,3]", "axis = 1", "i64[2,1]"},
	{"argmin", "u8[2,3]", "axis = 0, keepdims = 0", "i64[3]"},
	{"argmax", "f32[2,0]", "axis = 1", "no extreme"},
	{"argmax", "f32[2,3]", "axis = 2", "axis 2 is not below the rank 2"},
	{"softmax", "f32[2,3]", "axis = 1", "f32[2,3]"},
	{"softmax", "f32[]", "", "axis 0 is not below the rank 0"},
	{"matmul", "f32[2,3] f32[3,4]", "", "f32[2,4]"},
	{"matmul", "f32[5,1,2,3] f16[7,3,4] f32[4]", "", "f32[5,7,2,4]"},
	{"matmul", "f32[3,2] f32[4,3]", "trans_a = 1, trans_b = 1",
	    "f32[2,4]"},
	{"matmul", "f32[2,0] f32[0,4]", "", "f32[2,4]"},
	{"matmul", "f32[2,3] f32[4,3]", "",
	    "the inner extents 3 and 4 differ"},
	{"matmul", "f32[3] f32[3,4]", "", "rank 2 or more"},
	{"matmul", "f32[2,2,3] f32[3,3,4]", "",
	    "the batch dimensions do not broadcast"},
	{"matmul", "f32[2,3] f32[3,4] f32[2]", "", "must have shape [4]"},
	{"matmul", "f32[2,3] f32[3,4] _ f32[4]", "", "residual"},
	{"gemm", "f32[2,3] f32[3,4] f32[2,1]", "", "f32[2,4]"},
	{"gemm", "f32[2,3] f32[3,4] f32[1,2,4]", "",
	    "operand 2 does not broadcast to [2,4]"},
	{"gemm", "f32[2,3] f32[3,4] f32[3]", "", "does not broadcast"},
	{"gemm", "f32[1,2,3] f32[3,4]", "", "need rank 2"},
};

static const struct row move_rows[] = {
	{"reshape", "f32[2,6]", "shape = [3,4]", "f32[3,4]"},
	{"reshape", "f32[1]", "shape = []", "f32[]"},
	{"reshape", "f32[0,6]", "shape = [4,0]", "f32[4,0]"},
	{"reshape", "f32[2,6]", "shape = [3,5]", "12 elements cannot become "
	    "15"},
	{"reshape", "f32[1]", "shape = [1,1,1,1,1,1,1,1,1]",
	    "rank 9, at most 8"},
	{"reshape", "f32[1]", "shape = [2147483647,2147483647,2147483647]",
	    "2^40"},
	{"reshape", "f32[2]", "shape = [-1]", "no integer from 0"},
	{"transpose", "f32[2,3,4]", "perm = [2,0,1]", "f32[4,2,3]"},
	{"transpose", "f32[]", "", "f32[]"},
	{"transpose", "f32[2,3]", "", "perm has 0 elements, needs 2"},
	{"transpose", "f32[2,3]", "perm = [0,0]",
	    "perm is no permutation of 2 axes"},
	{"transpose", "f32[2,3]", "perm = [0,2]", "no permutation"},
	{"slice", "f32[5,6]",
	    "starts = [4,1], steps = [-2,1], sizes = [3,4]", "f32[3,4]"},
	{"slice", "f32[5]", "starts = [5], steps = [1], sizes = [0]",
	    "f32[0]"},
	{"slice", "f32[5]", "starts = [1], steps = [2], sizes = [3]",
	    "elements 1 to 5 of axis 0 are outside its extent 5"},
	{"slice", "f32[5]", "starts = [1], steps = [-1], sizes = [3]",
	    "elements 1 to -1"},
	{"slice", "f32[5]", "starts = [1], steps = [0], sizes = [1]",
	    "step of axis 0 is 0"},
	{"slice", "f32[5]",
	    "starts = [4], steps = [2147483647], sizes = [2147483647]",
	    "outside its extent"},
	{"slice", "f32[5,5]", "starts = [1], steps = [1], sizes = [1]",
	    "needs 2"},
	{"concat", "f32[2,3] f32[2,1] f32[2,0]", "axis = 1", "f32[2,4]"},
	{"concat", "bool[1]", "", "bool[1]"},
	{"concat", "f32[2] f16[2]", "", "operand 1 has another dtype"},
	{"concat", "f32[2,3] f32[3,3]", "axis = 1",
	    "operand 1 differs from operand 0 in axis 0"},
	{"concat", "f32[2147483647] f32[1]", "", "beyond 2^31 - 1"},
	{"concat", "f32[2] _ f32[2]", "", "operand 1 cannot be left out"},
	{"concat", "", "", "has 0 operands, needs 1 or more"},
	{"pad", "f32[3,4]", "pads_begin = [1,-1], pads_end = [0,2]",
	    "f32[4,5]"},
	{"pad", "f32[3]", "pads_begin = [2], mode = reflect", "f32[5]"},
	{"pad", "f32[3]", "pads_begin = [3], mode = reflect",
	    "mode reflect cannot pad axis 0 of 3 elements by 3"},
	{"pad", "f32[0]", "pads_end = [1], mode = edge",
	    "mode edge cannot pad axis 0 of 0 elements by 1"},
	{"pad", "f32[0]", "mode = reflect", "f32[0]"},
	{"pad", "f32[3]", "pads_end = [-1], mode = edge",
	    "by a negative count"},
	{"pad", "f32[3]", "pads_begin = [-2], pads_end = [-2]",
	    "axis 0 would have a negative extent"},
	{"pad", "f32[3]", "pads_begin = [-4], pads_end = [8]",
	    "negative extent"},
	{"pad", "f32[3]", "pads_begin = [2147483647]", "invalid extent"},
	{"expand", "f32[3,1]", "shape = [2,3,4]", "f32[2,3,4]"},
	{"expand", "f32[3,1]", "shape = [1]", "does not broadcast"},
	{"expand", "f32[3]", "shape = [2]", "does not broadcast"},
	{"tile", "f32[2,3] i64[2]=[2,0]", "", "f32[4,0]"},
	{"tile", "f32[2,3] i64[2]", "", "repeats are not constant"},
	{"tile", "f32[2,3] i64[1]=[2]", "", "repeats must be 2 integers"},
	{"tile", "f32[2,3] f32[2]=[2,1]", "", "repeats must be 2 integers"},
	{"tile", "f32[2] i32[1]=[-1]", "", "axis 0 cannot repeat -1 times"},
	{"tile", "f32[2147483647] i64[1]=[2147483647]", "",
	    "invalid extent"},
	{"gather", "f32[4,3] i32[2,1]=[3,-4]", "axis = 0", "f32[2,1,3]"},
	{"gather", "f32[4,3] i64[]=[2]", "axis = 1", "f32[4]"},
	{"gather", "f32[4,3] u8[5]", "axis = 1", "f32[4,5]"},
	{"gather", "f32[4,3] i32[2]=[0,4]", "axis = 0",
	    "index 4 (number 1) is outside the extent 4"},
	{"gather", "f32[4,3] f32[2]", "", "indices are no integers"},
	{"gather", "f32[4] i32[1,1,1,1,1,1,1,1]", "", "f32[1,1,1,1,1,1,1,1]"},
	{"gather", "f32[4,2] i32[1,1,1,1,1,1,1,1]", "",
	    "the result would have rank 9"},
	{"gather", "f32[] i32[1]", "", "axis 0 is not below the rank 0"},
};

static const struct row norm_rows[] = {
	{"depth_to_space", "f32[1,8,2,3]", "blocksize = 2", "f32[1,2,4,6]"},
	{"depth_to_space", "f32[1,6,2,3]", "blocksize = 2",
	    "6 channels are no multiple of blocksize^2"},
	{"depth_to_space", "f32[1,8,2]", "blocksize = 2", "needs 4"},
	{"space_to_depth", "f32[1,2,4,6]", "blocksize = 2", "f32[1,8,2,3]"},
	{"space_to_depth", "f32[1,2,4,5]", "blocksize = 2",
	    "4 x 5 pixels are no multiple"},
	{"space_to_depth", "f32[1,2147483647,0,0]",
	    "blocksize = 2147483647", "invalid extent"},
	{"resize", "f32[1,2,3,3]", "shape = [1,2,6,6], mode = cubic",
	    "f32[1,2,6,6]"},
	{"resize", "u8[1,2,3,3]", "shape = [1,2,6,6]", "u8[1,2,6,6]"},
	{"resize", "u8[1,2,3,3]", "shape = [1,2,6,6], mode = linear",
	    "mode linear needs floats"},
	{"resize", "f32[1,2,3,3]", "shape = [1,2,6]", "needs 4"},
	{"resize", "f32[1,2]", "shape = [1,2], scales = [1]",
	    "scales has 1 elements"},
	{"resize", "f32[1,2]", "shape = [1,2], scales = [1,0]",
	    "scale of axis 1 is not positive"},
	{"resize", "f32[1,2]", "shape = [1,2], scales = [1,inf]",
	    "scale of axis 1 is not positive"},
	{"resize", "f32[1,0]", "shape = [1,2]",
	    "axis 1 cannot go from 0 to 2 elements"},
	{"batch_norm", "f16[2,3,4] f16[3] f16[3] f16[3] f16[3]", "",
	    "f16[2,3,4]"},
	{"batch_norm", "f32[2,3,4] f32[3] f32[3] f32[2] f32[3]", "",
	    "mean (operand 3) must have shape [3]"},
	{"batch_norm", "f32[2] f32[3] f32[3] f32[3] f32[3]", "",
	    "no channel axis"},
	{"instance_norm", "f32[2,3,4] f32[3] f32[4]", "",
	    "bias (operand 2) must have shape [3]"},
	{"group_norm", "f32[2,5] f32[5] f32[5]",
	    "channel_starts = [0,1], channel_ends = [1,5]", "f32[2,5]"},
	{"group_norm", "f32[2,5] f32[5] f32[5]",
	    "channel_starts = [0,2], channel_ends = [1,5]",
	    "channel range 1 is empty or does not follow"},
	{"group_norm", "f32[2,5] f32[5] f32[5]",
	    "channel_starts = [0,1], channel_ends = [1,4]",
	    "the channel ranges end at 4 of 5 channels"},
	{"group_norm", "f32[2,5] f32[5] f32[5]",
	    "channel_starts = [0], channel_ends = [1,5]",
	    "1 channel_starts and 2 channel_ends"},
	{"group_norm", "f32[2,5] f32[5] f32[5]", "", "end at 0 of 5"},
	{"layer_norm", "f32[2,3,4] f32[3,4] f32[4]", "axis = 1",
	    "f32[2,3,4]"},
	{"layer_norm", "f32[2,3,4] f32[2,3,4]", "axis = 1",
	    "operand 1 does not broadcast to the normalised axes"},
	{"layer_norm", "f32[2,3,4] f32[4] f32[3]", "axis = 1",
	    "operand 2 does not broadcast"},
};

static void
check_row(const struct row *r)
{
	char type[TYPE_STR_MAX];
	struct graph *g;
	struct lab l;
	bool type_wanted = r->want[strlen(r->want) - 1] == ']' &&
	    strchr(r->want, ' ') == NULL;

	lab_open(&l);
	g = lab_node(&l, r->op, r->types, r->attrs);
	if ((g != NULL) != type_wanted ||
	    (g == NULL && strstr(lab_log(&l), r->want) == NULL))
		fail_msg("%s %s {%s}: wanted %s, got %s", r->op, r->types,
		    r->attrs, r->want, lab_log(&l));
	if (g != NULL) {
		type_str(&g->outputs.data[0]->type, type, sizeof type);
		if (strcmp(type, r->want) != 0)
			fail_msg("%s %s {%s}: wanted %s, got %s", r->op,
			    r->types, r->attrs, r->want, type);
		assert_true(graph_verify(g, &l.diag, "test"));
	} else {
		/* one diagnostic, of one line */
		assert_int_equal(l.diag.errors, 1);
		assert_ptr_equal(strchr(l.log.data, '\n'),
		    l.log.data + l.log.len - 1);
	}
	lab_close(&l);
}

#define CHECK_ROWS(rows)                                            \
	for (size_t i_ = 0; i_ < sizeof(rows) / sizeof *(rows); i_++) \
		check_row(&(rows)[i_])

static void
test_conv(void **state)
{
	(void)state;
	CHECK_ROWS(conv_rows);
}

static void
test_map(void **state)
{
	(void)state;
	CHECK_ROWS(map_rows);
}

static void
test_reduce(void **state)
{
	(void)state;
	CHECK_ROWS(reduce_rows);
}

static void
test_move(void **state)
{
	(void)state;
	CHECK_ROWS(move_rows);
}

static void
test_norm(void **state)
{
	(void)state;
	CHECK_ROWS(norm_rows);
}

/* Which results may have another float dtype than the rule's. */
static void
test_override(void **state)
{
	static const struct {
		const char *line, *error;
	} rows[] = {
		{"%y = exp %x : f32[2]", ""},
		{"%y = softmax %x : bf16[2]", ""},
		{"%y = reduce_sum %x : f64[1]", ""},
		{"%y = identity %x : f32[2]", ""},
		{"%y = reshape %x {shape = [2,1]} : f32[2,1]",
		    "the result is f16, f32 is not possible"},
		{"%y = cast %x {to = f32} : f16[2]",
		    "the result is f32, f16 is not possible"},
		{"%y = exp %x : i32[2]",
		    "the result is f16, i32 is not possible"},
		{"%y = neg %i : i64[2]",
		    "the result is i32, i64 is not possible"},
		{"%y = less %x, %x : f16[2]",
		    "the result is bool, f16 is not possible"},
		{"%y = exp %x : f16[3]", "result 0 is f16[2], not f16[3]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab l;
		struct graph *g;
		const char *body;

		lab_open(&l);
		body = arena_printf(l.arena, "input %%x : f16[2]\n"
		    "input %%i : i32[2]\n%s\noutput %%y \"y\"\n",
		    rows[i].line);
		g = lab_graph(&l, body);
		if ((g == NULL) != (rows[i].error[0] != '\0') ||
		    strstr(lab_log(&l), rows[i].error) == NULL)
			fail_msg("%s: %s", rows[i].line, lab_log(&l));
		if (g != NULL)
			assert_true(graph_verify(g, &l.diag, "test"));
		lab_close(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conv),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_norm),
		cmocka_unit_test(test_override),
	};

	return cmocka_run_group_tests_name("ir/infer", tests, NULL, NULL);
}
