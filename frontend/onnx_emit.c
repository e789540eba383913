#include <string.h>

#include "frontend/onnx_imp.h"
#include "ir/eval.h"
#include "support/str.h"

/* Adding nodes to the graph. A node whose operands are all constant is
 * evaluated at once, so shape arithmetic and prepared weights vanish. */

/* More than this many operations stay in the graph: a pass may fold them,
 * a hostile file cannot keep the importer busy. */
#define FOLD_WORK_NODE ((int64_t)1 << 28)

static int64_t
mul_sat(int64_t a, int64_t b)
{
	int64_t r;

	return mul_int64(a, b, &r) ? r : INT64_MAX;
}

/* Rough number of operations to evaluate n. */
static int64_t
work_of(const struct node *n)
{
	int64_t work = type_elems(&n->out[0]->type);
	size_t len;

	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL)
			work += type_elems(&n->in[i]->type);
	if (op_info(n->op)->lowering == LOWER_MATRIX || n->op == OP_gemm)
		return mul_sat(work, type_elems(&n->in[1]->type));
	if (n->op == OP_max_pool || n->op == OP_avg_pool ||
	    n->op == OP_sum_pool) {
		const int64_t *k = node_ints(n, ATTR_kernel, &len);
		for (size_t i = 0; i < len; i++)
			work = mul_sat(work, k[i]);
	}
	if (n->op == OP_lrn || n->op == OP_channel_sum)
		work = mul_sat(work, node_int(n, ATTR_size));
	return n->op == OP_resize ? mul_sat(work, 64) : work;
}

/* Replaces n, all of whose operands are constant, by a constant. */
static struct value *
fold(struct opx *c, struct node *n, const char *name)
{
	struct imp *m = c->m;
	struct eval_tensor out = {.data = NULL};
	struct eval_tensor *in =
	    NEW_ARRAY(m->arena, struct eval_tensor, (size_t)n->nin);

	for (int i = 0; i < n->nin; i++) {
		if (n->in[i] == NULL)
			continue;
		in[i].type = n->in[i]->type;
		memcpy(&in[i].data, &n->in[i]->data, sizeof in[i].data);
	}
	bool done = eval_node(m->arena, m->diag, n, in, &out);
	graph_remove(m->graph, n);
	if (!done)
		return NULL;
	m->nfolded++;
	struct value *v = graph_const(m->graph, name, &out.type, out.data);
	v->loc = c->loc;
	return v;
}

#define CONST_BYTES ((int64_t)1 << 30)

bool
op_reserve(struct opx *c, const struct tensor_type *type)
{
	char buf[128];
	int64_t bytes = type_bytes(type);

	if (bytes > CONST_BYTES)
		return op_error(c, "makes a constant %s of more than 1 GiB",
		    type_str(type, buf, sizeof buf));
	if (bytes > c->m->const_left)
		return op_error(c, "makes a constant %s with which all "
		    "computed constants exceed 16 GiB",
		    type_str(type, buf, sizeof buf));
	c->m->const_left -= bytes;
	return true;
}

static bool
all_const(struct value *const *in, int nin)
{
	for (int i = 0; i < nin; i++)
		if (in[i] != NULL && in[i]->kind != VALUE_CONST)
			return false;
	return true;
}

static struct value *
emit(struct opx *c, const char *name, enum op op, struct value *const *in,
    int nin, const struct attr *attrs, int nattrs)
{
	struct imp *m = c->m;
	struct node_spec spec = {
		.op = op,
		.in = in,
		.nin = nin,
		.attrs = attrs,
		.nattrs = nattrs,
		.name = name,
		.loc = c->loc,
	};
	if (!all_const(in, nin)) {
		struct node *n = graph_add(m->graph, m->diag, &spec);
		return n != NULL ? n->out[0] : NULL;
	}
	spec.name = NULL; /* kept free for the constant */
	struct node *n = graph_add(m->graph, m->diag, &spec);
	if (n == NULL)
		return NULL;
	int64_t work = work_of(n);
	if (!op_reserve(c, &n->out[0]->type))
		return NULL;
	if (work <= FOLD_WORK_NODE && work <= m->fold_work) {
		m->fold_work -= work;
		return fold(c, n, name);
	}
	graph_remove(m->graph, n);
	spec.name = name;
	n = graph_add(m->graph, m->diag, &spec);
	return n != NULL ? n->out[0] : NULL;
}

struct value *
op_emit(struct opx *c, enum op op, struct value *const *in, int nin,
    const struct attr *attrs, int nattrs)
{
	return emit(c, NULL, op, in, nin, attrs, nattrs);
}

/* Name of result i, NULL when nothing reads it. */
static const char *
result_name(const struct opx *c, int i)
{
	return c->node->output[i][0] != '\0' ? c->node->output[i] : NULL;
}

bool
op_result(struct opx *c, int i, enum op op, struct value *const *in,
    int nin, const struct attr *attrs, int nattrs)
{
	c->out[i] = emit(c, result_name(c, i), op, in, nin, attrs, nattrs);
	return c->out[i] != NULL;
}

bool
op_const(struct opx *c, int i, const struct tensor_type *type,
    const void *data)
{
	c->out[i] = graph_const(c->m->graph, result_name(c, i), type, data);
	c->out[i]->loc = c->loc;
	return true;
}

bool
op_const_ints(struct opx *c, int i, const int64_t *v, size_t n)
{
	int64_t dim = (int64_t)n;
	struct tensor_type t = type_make(DT_I64, 1, &dim);

	return op_const(c, i, &t, imp_ints(c->m, v, n));
}

struct value *
op_unary(struct opx *c, enum op op, struct value *x)
{
	return x != NULL ? op_emit(c, op, &x, 1, NULL, 0) : NULL;
}

struct value *
op_binary(struct opx *c, enum op op, struct value *x, struct value *y)
{
	struct value *in[] = {x, y};

	return x != NULL && y != NULL ? op_emit(c, op, in, 2, NULL, 0)
				      : NULL;
}

struct value *
op_scalar(struct opx *c, enum dtype t, double v)
{
	struct tensor_type type = type_make(t, 0, NULL);
	void *p = arena_alloc(c->m->arena, 8);

	dtype_set(p, t, 0, v);
	struct value *k = graph_const(c->m->graph, NULL, &type, p);
	k->loc = c->loc;
	return k;
}

/* A constant needs no copy for another shape. */
static struct value *
reshape(struct opx *c, const char *name, struct value *x,
    const int64_t *dim, int rank)
{
	struct imp *m = c->m;
	struct tensor_type type;

	if (!onnx_type(m, &c->loc, "result", x->type.dtype, dim,
		(size_t)rank, &type))
		return NULL;
	if (x->kind == VALUE_CONST &&
	    type_elems(&type) == type_elems(&x->type)) {
		struct value *v = graph_const(m->graph, name, &type, x->data);
		v->loc = c->loc;
		m->nfolded++;
		return v;
	}
	struct attr a = attr_make_ints(ATTR_shape,
	    imp_ints(m, dim, (size_t)rank), (size_t)rank);
	return emit(c, name, OP_reshape, &x, 1, &a, 1);
}

struct value *
op_reshape(struct opx *c, struct value *x, const int64_t *dim, int rank)
{
	if (x == NULL)
		return NULL;
	struct tensor_type want = type_make(x->type.dtype, rank, dim);
	return shape_equal(&want, &x->type) ? x
					    : reshape(c, NULL, x, dim, rank);
}

bool
op_reshape_result(struct opx *c, int i, struct value *x, const int64_t *dim,
    int rank)
{
	if (x == NULL)
		return false;
	c->out[i] = reshape(c, result_name(c, i), x, dim, rank);
	return c->out[i] != NULL;
}

struct value *
op_expand(struct opx *c, struct value *x, const int64_t *dim, int rank)
{
	struct tensor_type want;

	if (x == NULL || !onnx_type(c->m, &c->loc, "result", x->type.dtype,
		dim, (size_t)rank, &want))
		return NULL;
	if (shape_equal(&want, &x->type))
		return x;
	struct attr a = attr_make_ints(ATTR_shape,
	    imp_ints(c->m, dim, (size_t)rank), (size_t)rank);
	return op_emit(c, OP_expand, &x, 1, &a, 1);
}

struct onnx_splat {
	struct onnx_splat *next;
	size_t size; /* of an element */
	unsigned char elem[8];
	int64_t n;
	const void *data;
};

/* n copies of elem in zeroed memory, by doubling. */
static void
fill(unsigned char *p, const void *elem, size_t size, size_t n)
{
	static const unsigned char zero[8];
	size_t done = size, all = n * size;

	if (n == 0 || memcmp(elem, zero, size) == 0)
		return;
	memcpy(p, elem, size);
	while (done < all) {
		size_t part = done < all - done ? done : all - done;
		memcpy(p + done, p, part);
		done += part;
	}
}

const void *
onnx_splat(struct imp *m, enum dtype t, const void *elem, int64_t n)
{
	size_t size = dtype_size(t);

	for (struct onnx_splat *s = m->splats; s != NULL; s = s->next)
		if (s->size == size && s->n >= n &&
		    memcmp(s->elem, elem, size) == 0)
			return s->data;
	struct onnx_splat *s = NEW(m->arena, struct onnx_splat);
	unsigned char *p =
	    arena_calloc(m->arena, n > 0 ? (size_t)n : 1, size);
	memcpy(s->elem, elem, size);
	fill(p, elem, size, (size_t)n);
	s->size = size;
	s->n = n;
	s->data = p;
	s->next = m->splats;
	m->splats = s;
	return p;
}
