#include "tests/lib/coverage.h"

#include <string.h>

/* Which columns a row must have: f32 f16 bf16 f64 int bool. */
#define MATRIX 7u
#define FLOATS 15u
#define NUMBERS 31u
#define ALL 63u

#define ROWS(X)                                              \
	X(conv_1d, MATRIX, "conv, 1 axis")                   \
	X(conv_2d, MATRIX, "conv, 2 axes")                   \
	X(conv_3d, MATRIX, "conv, 3 axes")                   \
	X(conv_1x1, MATRIX, "conv 1x1")                      \
	X(conv_stride, MATRIX, "conv strided")               \
	X(conv_dilation, MATRIX, "conv dilated")             \
	X(conv_groups, MATRIX, "conv grouped")               \
	X(conv_depthwise, MATRIX, "conv depthwise")          \
	X(conv_pads, MATRIX, "conv, unequal pads")           \
	X(tconv, MATRIX, "conv_transpose")                   \
	X(tconv_stride, MATRIX, "conv_transpose strided")    \
	X(tconv_pads, MATRIX, "conv_transpose, output pads") \
	X(tconv_groups, MATRIX, "conv_transpose grouped")    \
	X(tconv_dilation, MATRIX, "conv_transpose dilated")  \
	X(matmul, MATRIX, "matmul")                          \
	X(matmul_batch, MATRIX, "matmul batched")            \
	X(matmul_broadcast, MATRIX, "matmul, batch broadcast") \
	X(matmul_trans, MATRIX, "matmul transposed")         \
	X(matmul_vector, MATRIX, "matmul, 1 row or column")  \
	X(dynamic, MATRIX, "weights not constant")           \
	X(mixed, MATRIX, "operands of two dtypes")           \
	X(bias, MATRIX, "epilogue bias")                     \
	X(residual, MATRIX, "epilogue residual")             \
	X(act, MATRIX, "epilogue activation")                \
	X(map1, ALL, "map of 1")                             \
	X(map2, ALL, "map of 2")                             \
	X(map3, ALL, "map of 3")                             \
	X(map_broadcast, ALL, "map broadcasting")            \
	X(cast, ALL, "cast")                                 \
	X(reduce, NUMBERS, "reduction")                      \
	X(arg, NUMBERS, "argmax, argmin")                    \
	X(max_pool, NUMBERS, "max_pool")                     \
	X(sum_pool, FLOATS, "sum_pool")                      \
	X(channel_sum, FLOATS, "channel_sum")                \
	X(reshape, ALL, "reshape")                           \
	X(transpose, ALL, "transpose")                       \
	X(slice, ALL, "slice")                               \
	X(slice_back, ALL, "slice, negative step")           \
	X(concat, ALL, "concat")                             \
	X(pad, NUMBERS, "pad")                               \
	X(expand, ALL, "expand")                             \
	X(gather, ALL, "gather")                             \
	X(composite, FLOATS, "composite")                    \
	X(shared, FLOATS, "value read twice")                \
	X(zero, 0, "empty tensor")

enum row {
#define X(id, need, text) ROW_##id,
	ROWS(X)
#undef X
	    ROW_COUNT
};

static const struct {
	unsigned need;
	const char *text;
} rows[] = {
#define X(id, need, text) {need, text},
    ROWS(X)
#undef X
};

/* Graphs, not nodes. */
static const char *const graph_rows[] = {
    "several outputs", "input handed through", "constant output"};
#define GRAPH_ROWS 3

void
coverage_init(struct arena *a, struct coverage *c)
{
	c->count = NEW_ARRAY(a, int64_t,
	    (ROW_COUNT + GRAPH_ROWS) * COVER_COLUMNS);
	c->ops = NEW_ARRAY(a, int64_t, OP_COUNT);
}

static enum cover_column
column(enum dtype t)
{
	switch (t) {
	case DT_F32: return COVER_F32;
	case DT_F16: return COVER_F16;
	case DT_BF16: return COVER_BF16;
	case DT_F64: return COVER_F64;
	case DT_BOOL: return COVER_BOOL;
	default: return COVER_INT;
	}
}

static void
mark(struct coverage *c, enum row r, enum dtype t)
{
	c->count[(int)r * COVER_COLUMNS + (int)column(t)]++;
}

static bool
any_above(const struct node *n, enum attr_id id, int64_t limit)
{
	size_t len;
	const int64_t *v = node_ints(n, id, &len);

	for (size_t i = 0; i < len; i++)
		if (v[i] > limit)
			return true;
	return false;
}

static bool
any_negative(const struct node *n, enum attr_id id)
{
	size_t len;
	const int64_t *v = node_ints(n, id, &len);

	for (size_t i = 0; i < len; i++)
		if (v[i] < 0)
			return true;
	return false;
}

static bool
lists_differ(const struct node *n, enum attr_id a, enum attr_id b)
{
	size_t na, nb;
	const int64_t *va = node_ints(n, a, &na), *vb = node_ints(n, b, &nb);

	for (size_t i = 0; i < na && i < nb; i++)
		if (va[i] != vb[i])
			return true;
	return na != nb;
}

static void
mark_conv(struct coverage *c, const struct node *n, enum dtype t)
{
	const struct tensor_type *w = &n->in[1]->type;
	int64_t groups = node_int(n, ATTR_groups), taps = 1;

	for (int i = 2; i < w->rank; i++)
		taps *= w->dim[i];
	if (w->rank >= 3 && w->rank <= 5)
		mark(c, (enum row)(ROW_conv_1d + w->rank - 3), t);
	if (taps == 1)
		mark(c, ROW_conv_1x1, t);
	if (any_above(n, ATTR_strides, 1))
		mark(c, ROW_conv_stride, t);
	if (any_above(n, ATTR_dilations, 1) && taps > 1)
		mark(c, ROW_conv_dilation, t);
	if (groups > 1)
		mark(c, w->dim[1] == 1 ? ROW_conv_depthwise :
		    ROW_conv_groups, t);
	if (lists_differ(n, ATTR_pads_begin, ATTR_pads_end))
		mark(c, ROW_conv_pads, t);
}

static void
mark_tconv(struct coverage *c, const struct node *n, enum dtype t)
{
	mark(c, ROW_tconv, t);
	if (any_above(n, ATTR_strides, 1))
		mark(c, ROW_tconv_stride, t);
	if (any_above(n, ATTR_dilations, 1))
		mark(c, ROW_tconv_dilation, t);
	if (any_above(n, ATTR_output_pads, 0))
		mark(c, ROW_tconv_pads, t);
	if (node_int(n, ATTR_groups) > 1)
		mark(c, ROW_tconv_groups, t);
}

static void
mark_matmul(struct coverage *c, const struct node *n, enum dtype t)
{
	const struct tensor_type *a = &n->in[0]->type, *b = &n->in[1]->type;
	int64_t na = 1, nb = 1;

	mark(c, ROW_matmul, t);
	if (node_int(n, ATTR_trans_a) != 0 || node_int(n, ATTR_trans_b) != 0)
		mark(c, ROW_matmul_trans, t);
	if (n->out[0]->type.dim[n->out[0]->type.rank - 1] == 1 ||
	    n->out[0]->type.dim[n->out[0]->type.rank - 2] == 1)
		mark(c, ROW_matmul_vector, t);
	for (int i = 0; i + 2 < a->rank; i++)
		na *= a->dim[i];
	for (int i = 0; i + 2 < b->rank; i++)
		nb *= b->dim[i];
	if (nb > 1)
		mark(c, ROW_matmul_batch, t);
	if (na != nb)
		mark(c, ROW_matmul_broadcast, t);
}

static void
mark_matrix(struct coverage *c, const struct node *n)
{
	enum dtype t = n->in[0]->type.dtype;

	if (n->op == OP_conv)
		mark_conv(c, n, t);
	else if (n->op == OP_conv_transpose)
		mark_tconv(c, n, t);
	else
		mark_matmul(c, n, t);
	if (n->in[1]->kind != VALUE_CONST)
		mark(c, ROW_dynamic, t);
	if (n->in[1]->type.dtype != t || n->out[0]->type.dtype != t)
		mark(c, ROW_mixed, t);
	if (n->nin > 2 && n->in[2] != NULL)
		mark(c, ROW_bias, t);
	if (n->nin > 3 && n->in[3] != NULL)
		mark(c, ROW_residual, t);
	if (node_int(n, ATTR_act) != ACT_NONE)
		mark(c, ROW_act, t);
}

static void
mark_map(struct coverage *c, const struct node *n)
{
	/* select's first operand is the mask */
	enum dtype t = n->in[n->op == OP_select]->type.dtype;

	mark(c, (enum row)(ROW_map1 + n->nin - 1), t);
	for (int i = 0; i < n->nin; i++) {
		if (shape_equal(&n->in[i]->type, &n->out[0]->type))
			continue;
		mark(c, ROW_map_broadcast, t);
		break;
	}
	if (n->op == OP_cast)
		mark(c, ROW_cast, t);
}

static void
mark_other(struct coverage *c, const struct node *n)
{
	enum dtype t = n->in[0]->type.dtype;

	switch (n->op) {
	case OP_argmax:
	case OP_argmin: mark(c, ROW_arg, t); break;
	case OP_max_pool: mark(c, ROW_max_pool, t); break;
	case OP_sum_pool: mark(c, ROW_sum_pool, t); break;
	case OP_channel_sum: mark(c, ROW_channel_sum, t); break;
	case OP_reshape: mark(c, ROW_reshape, t); break;
	case OP_transpose: mark(c, ROW_transpose, t); break;
	case OP_concat: mark(c, ROW_concat, t); break;
	case OP_pad: mark(c, ROW_pad, t); break;
	case OP_expand: mark(c, ROW_expand, t); break;
	case OP_gather: mark(c, ROW_gather, t); break;
	case OP_slice:
		mark(c, ROW_slice, t);
		if (any_negative(n, ATTR_steps))
			mark(c, ROW_slice_back, t);
		break;
	default: mark(c, ROW_reduce, t); break;
	}
}

void
coverage_model(struct coverage *c, const struct graph *g)
{
	int64_t *tail = c->count + ROW_COUNT * COVER_COLUMNS;
	bool through = false, fixed = false;

	graph_foreach_node(g, n) {
		if (op_info(n->op)->lowering != LOWER_COMPOSITE)
			continue;
		mark(c, ROW_composite, n->in[0]->type.dtype);
		c->ops[n->op]++;
	}
	for (size_t i = 0; i < g->outputs.len; i++) {
		through = through || g->outputs.data[i]->kind == VALUE_INPUT;
		fixed = fixed || g->outputs.data[i]->kind == VALUE_CONST;
	}
	tail[0] += g->outputs.len > 1;
	tail[COVER_COLUMNS] += through;
	tail[2 * COVER_COLUMNS] += fixed;
}

void
coverage_legal(struct coverage *c, const struct graph *g)
{
	graph_foreach_node(g, n) {
		const struct value *y = n->out[0];

		c->ops[n->op]++;
		if (type_elems(&y->type) == 0)
			mark(c, ROW_zero, y->type.dtype);
		if (y->uses.len > 1)
			mark(c, ROW_shared, y->type.dtype);
		switch (op_info(n->op)->lowering) {
		case LOWER_MATRIX: mark_matrix(c, n); break;
		case LOWER_MAP: mark_map(c, n); break;
		case LOWER_REDUCE:
		case LOWER_WINDOW:
		case LOWER_MOVE: mark_other(c, n); break;
		case LOWER_COMPOSITE:
		case LOWER_FOLD: break;
		}
	}
}

void
coverage_add(struct coverage *a, const struct coverage *b)
{
	for (int i = 0; i < (ROW_COUNT + GRAPH_ROWS) * COVER_COLUMNS; i++)
		a->count[i] += b->count[i];
	for (int i = 0; i < OP_COUNT; i++)
		a->ops[i] += b->ops[i];
}

/* Not what training adds. */
static bool
op_counts(enum op op)
{
	return op != OP_NONE && op <= OP_log_softmax &&
	    op_info(op)->lowering != LOWER_FOLD;
}

int
coverage_print(struct strbuf *s, const struct coverage *c)
{
	const int64_t *v = c->count;
	int missing = 0;

	strbuf_addf(s, "%-30s%8s%8s%8s%8s%8s%8s\n", "", "f32", "f16", "bf16",
	    "f64", "int", "bool");
	for (int r = 0; r < ROW_COUNT; r++) {
		strbuf_addf(s, "%-30s", rows[r].text);
		for (unsigned k = 0; k < COVER_COLUMNS; k++, v++) {
			bool need = rows[r].need >> k & 1;

			if (*v == 0 && !need)
				strbuf_addf(s, "%8s", "-");
			else
				strbuf_addf(s, "%8lld", (long long)*v);
			missing += need && *v == 0;
		}
		strbuf_add(s, "\n");
	}
	for (int r = 0; r < GRAPH_ROWS; r++, v += COVER_COLUMNS) {
		strbuf_addf(s, "%-30s%8lld graphs\n", graph_rows[r],
		    (long long)v[0]);
		missing += v[0] == 0;
	}
	for (int op = 0; op < OP_COUNT; op++) {
		if (!op_counts((enum op)op) || c->ops[op] > 0)
			continue;
		strbuf_addf(s, "op %s never occurs\n",
		    op_info((enum op)op)->name);
		missing++;
	}
	return missing;
}
