#include "tests/lib/graphs.h"

#include "ir/text.h"

#include <string.h>

static void
log_line(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct strbuf *log = user;

	(void)level;
	if (loc != NULL && loc->line > 0)
		strbuf_addf(log, "%d:%d: ", loc->line, loc->col);
	strbuf_addf(log, "%s\n", text);
}

void
lab_open(struct lab *l)
{
	*l = (struct lab){.arena = arena_new()};
	l->diag.fn = log_line;
	l->diag.user = &l->log;
}

void
lab_close(struct lab *l)
{
	arena_free(l->arena);
	strbuf_free(&l->log);
}

void
lab_clear(struct lab *l)
{
	strbuf_free(&l->log);
	l->diag.errors = 0;
}

const char *
lab_log(const struct lab *l)
{
	return l->log.data == NULL ? "" : l->log.data;
}

struct graph *
lab_graph(struct lab *l, const char *body)
{
	const char *text = arena_printf(l->arena,
	    "wave.graph 1\ngraph \"lab\" {\n%s}\n", body);

	return graph_parse(l->arena, &l->diag, "lab.wgr", text,
	    strlen(text));
}

/* Declares operand i of the type in text ("f32[2]", "i64[1]=[3]", "_"). */
static void
declare(struct strbuf *body, struct strbuf *operands, int i, const char *type,
    size_t n)
{
	const char *eq = memchr(type, '=', n);
	int len = (int)(eq == NULL ? n : (size_t)(eq - type));

	strbuf_add(operands, i == 0 ? " " : ", ");
	if (n == 1 && type[0] == '_') {
		strbuf_add(operands, "_");
		return;
	}
	strbuf_addf(operands, "%%%d", i);
	if (eq == NULL)
		strbuf_addf(body, "input %%%d : %.*s\n", i, len, type);
	else
		strbuf_addf(body, "const %%%d : %.*s = %.*s\n", i, len, type,
		    (int)n - len - 1, eq + 1);
}

struct graph *
lab_node(struct lab *l, const char *op, const char *types, const char *attrs)
{
	struct strbuf body = {0}, operands = {0};
	struct graph *g;

	for (int i = 0; *types != '\0'; i++) {
		size_t n = strcspn(types, " ");

		declare(&body, &operands, i, types, n);
		types += n;
		types += strspn(types, " ");
	}
	strbuf_addf(&body, "%%y%s = %s%s {%s}\noutput %%y \"y\"\n",
	    op_info(op_parse(op))->out_min == 3 ? ", %y1, %y2" : "", op,
	    operands.data == NULL ? "" : operands.data, attrs);
	g = lab_graph(l, body.data);
	strbuf_free(&body);
	strbuf_free(&operands);
	return g;
}

/* By shape rule, or by op where ops of a rule need different ones. */
static const struct {
	const char *rule, *op, *types, *attrs;
} samples[] = {
	{NULL, "group_norm", "f32[2,3,4] f32[3] f32[3]",
	    "channel_starts = [0,1], channel_ends = [1,3]"},
	{NULL, "and", "bool[2,3] bool[3]", ""},
	{NULL, "or", "bool[2,3] bool[3]", ""},
	{NULL, "xor", "bool[2,3] bool[3]", ""},
	{"conv", NULL, "f32[1,4,8,9] f32[6,2,3,2] f32[6] f32[1,6,4,9]",
	    "groups = 2, strides = [2,1], dilations = [1,1], "
	    "pads_begin = [1,0], pads_end = [1,1], act = clip, "
	    "act_beta = 6"},
	{"conv_transpose", NULL, "f32[1,4,3,3] f32[4,2,2,2] f32[4]",
	    "groups = 2, strides = [2,2], output_pads = [1,0]"},
	{"matmul", NULL, "f32[5,2,3] f32[4,3] f32[4] f32[5,2,4]",
	    "trans_b = 1, act = relu"},
	{"gemm", NULL, "f32[3,2] f32[3,4] f32[4]", "trans_a = 1"},
	{"same", NULL, "f32[2,3]", ""},
	{"cast", NULL, "f32[2,3]", "to = u8"},
	{"bool1", NULL, "bool[2,3]", ""},
	{"broadcast", NULL, "f32[2,1,3] f32[4,1]", ""},
	{"broadcast_left", NULL, "f32[2,4,3] f32[4,1]", ""},
	{"broadcast_bool", NULL, "i32[2,1] i32[3]", ""},
	{"select", NULL, "bool[2,1] f32[3] f32[]", ""},
	{"broadcast3", NULL, "f32[2,1] f32[3] f32[]", ""},
	{"reduce", NULL, "f32[2,3,4]", "axes = [0,2], keepdims = 0"},
	{"argreduce", NULL, "f32[2,3]", "axis = 1, select_last = 1"},
	{"pool", NULL, "f32[1,2,7,7]",
	    "kernel = [3,3], strides = [2,2], pads_begin = [1,1]"},
	{"channel_sum", NULL, "f32[1,5,2]", "size = 3"},
	{"channel_same", NULL, "f32[1,5,2]", "size = 3"},
	{"reshape", NULL, "f32[2,6]", "shape = [3,4]"},
	{"transpose", NULL, "f32[2,3,4]", "perm = [2,0,1]"},
	{"slice", NULL, "f32[5,6]",
	    "starts = [4,1], steps = [-2,1], sizes = [3,4]"},
	{"concat", NULL, "f32[2,3] f32[2,1] f32[2,0]", "axis = 1"},
	{"pad", NULL, "f32[3,4]",
	    "pads_begin = [1,-1], pads_end = [0,2], value = 2.5"},
	{"expand", NULL, "f32[3,1]", "shape = [2,3,4]"},
	{"tile", NULL, "f32[2,3] i64[2]=[2,1]", ""},
	{"gather", NULL, "f32[4,3] i32[2]=[3,-1]", "axis = 0"},
	{"depth_to_space", NULL, "f32[1,8,2,3]", "blocksize = 2, dcr = 0"},
	{"space_to_depth", NULL, "f32[1,2,4,6]", "blocksize = 2"},
	{"resize", NULL, "f32[1,2,3,3]",
	    "shape = [1,2,6,6], scales = [1,1,2,2], mode = linear, "
	    "coord = asymmetric, rounding = ceil"},
	{"batch_norm", NULL, "f32[2,3,4] f32[3] f32[3] f32[3] f32[3]", ""},
	{"channel_norm", NULL, "f32[2,3,4] f32[3] f32[3]", ""},
	{"layer_norm", NULL, "f32[2,3,4] f32[3,4] f32[4]", "axis = 1"},
	{"axis_same", NULL, "f32[2,3]", "axis = 1"},
	{"conv_wgrad", NULL, "f32[2,4,8,9] f32[2,6,4,9]",
	    "groups = 2, kernel = [3,2], strides = [2,1], "
	    "pads_begin = [1,0], pads_end = [1,1]"},
	{"max_pool_index", NULL, "f32[1,2,7,7]",
	    "kernel = [3,3], strides = [2,2], pads_begin = [1,1]"},
	{"max_pool_grad", NULL, "f32[1,2,3,3] u8[1,2,3,3]",
	    "kernel = [3,3], strides = [2,2], pads_begin = [1,1], "
	    "shape = [1,2,7,7]"},
	{"sum_pool_grad", NULL, "f32[1,2,3,3]",
	    "kernel = [3,3], strides = [2,2], pads_begin = [1,1], "
	    "shape = [1,2,7,7]"},
	{"slice_grad", NULL, "f32[3,4]",
	    "starts = [4,1], steps = [-2,1], shape = [5,6]"},
	{"scatter_add", NULL, "f32[2,3] i32[2]=[3,-1]",
	    "axis = 0, size = 4"},
	{"mask_pack", NULL, "f32[2,11,3]", "axis = 1"},
	{"mask_select", NULL, "u8[2,2,3] f32[2,11,3]", "axis = 1"},
	{"random_bits", NULL, "i64[]", "shape = [3,5], seed = 7"},
	{"dropout", NULL, "f32[3,5] i64[]", "ratio = 0.25, stream = 2"},
	{"batch_norm_train", NULL, "f32[2,3,4] f32[3] f32[3]", ""},
	{"group_norm_train", NULL, "f32[2,3,4] f32[3] f32[3]",
	    "channel_starts = [0,1], channel_ends = [1,3]"},
	{"softmax_cross_entropy", NULL, "f32[3,5] i64[3]",
	    "smoothing = 0.1"},
	{"group_gather", NULL, "f32[2,3]", "size = 3"},
	{"group_part", NULL, "f32[4,3]", "size = 2"},
};

struct graph *
lab_sample(struct lab *l, enum op op)
{
	const struct op_info *info = op_info(op);

	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
		if (samples[i].op != NULL
		        ? strcmp(samples[i].op, info->name) == 0
		        : strcmp(samples[i].rule, info->rule) == 0)
			return lab_node(l, info->name, samples[i].types,
			    samples[i].attrs);
	return NULL;
}
