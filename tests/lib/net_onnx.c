#include "tests/lib/net_onnx.h"

#include <string.h>

#include "onnx/onnx.pb-c.h"
#include "support/file.h"

struct writer {
	struct arena *arena;
	const struct graph *g;
	Onnx__GraphProto out;
	size_t nconst; /* constants made up for operands */
};

static char *
text(struct writer *w, const char *s)
{
	return arena_strdup(w->arena, s);
}

static char *
value_text(struct writer *w, const struct value *v)
{
	return arena_printf(w->arena, "v%u", v->id);
}

/* ---- tensors ---- */

static void
add_tensor(struct writer *w, char *name, enum dtype t, int rank,
    const int64_t *dim, const void *data, size_t bytes)
{
	Onnx__TensorProto *p = NEW(w->arena, Onnx__TensorProto);
	onnx__tensor_proto__init(p);
	p->name = name;
	p->has_data_type = 1;
	p->data_type = t == DT_I64 ? 7 : 1; /* INT64, FLOAT */
	p->n_dims = (size_t)rank;
	p->dims = arena_memdup(w->arena, dim, (size_t)rank * sizeof *dim);
	p->has_raw_data = 1;
	p->raw_data.len = bytes;
	memcpy(&p->raw_data.data, &data, sizeof data); /* only read */
	w->out.initializer[w->out.n_initializer++] = p;
}

static char *
add_ints(struct writer *w, const int64_t *v, size_t n)
{
	char *name = arena_printf(w->arena, "k%zu", w->nconst++);
	int64_t dim = (int64_t)n;
	add_tensor(w, name, DT_I64, 1, &dim, v, n * sizeof *v);
	return name;
}

static char *
add_scalar(struct writer *w, double v)
{
	char *name = arena_printf(w->arena, "k%zu", w->nconst++);
	float *f = NEW(w->arena, float);
	*f = (float)v;
	add_tensor(w, name, DT_F32, 0, NULL, f, sizeof *f);
	return name;
}

static Onnx__ValueInfoProto *
value_info(struct writer *w, char *name, const struct tensor_type *t)
{
	Onnx__ValueInfoProto *v = NEW(w->arena, Onnx__ValueInfoProto);
	Onnx__TypeProto *type = NEW(w->arena, Onnx__TypeProto);
	Onnx__TypeProto__Tensor *tensor = NEW(w->arena,
	    Onnx__TypeProto__Tensor);
	Onnx__TensorShapeProto *shape = NEW(w->arena,
	    Onnx__TensorShapeProto);
	onnx__value_info_proto__init(v);
	onnx__type_proto__init(type);
	onnx__type_proto__tensor__init(tensor);
	onnx__tensor_shape_proto__init(shape);
	v->name = name;
	v->type = type;
	type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	type->tensor_type = tensor;
	tensor->has_elem_type = 1;
	tensor->elem_type = 1;
	tensor->shape = shape;
	shape->n_dim = (size_t)t->rank;
	shape->dim = NEW_ARRAY(w->arena, Onnx__TensorShapeProto__Dimension *,
	    shape->n_dim);
	for (size_t i = 0; i < shape->n_dim; i++) {
		shape->dim[i] = NEW(w->arena,
		    Onnx__TensorShapeProto__Dimension);
		onnx__tensor_shape_proto__dimension__init(shape->dim[i]);
		shape->dim[i]->value_case =
		    ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		shape->dim[i]->dim_value = t->dim[i];
	}
	return v;
}

/* ---- nodes ---- */

static Onnx__NodeProto *
add_node(struct writer *w, const char *op, char *const *in, size_t nin,
    char *out)
{
	Onnx__NodeProto *n = NEW(w->arena, Onnx__NodeProto);
	onnx__node_proto__init(n);
	n->op_type = text(w, op);
	n->name = arena_printf(w->arena, "n%zu", w->out.n_node);
	n->n_input = nin;
	n->input = arena_memdup(w->arena, in, nin * sizeof *in);
	n->n_output = 1;
	n->output = arena_memdup(w->arena, &out, sizeof out);
	n->attribute = NEW_ARRAY(w->arena, Onnx__AttributeProto *, 8);
	w->out.node[w->out.n_node++] = n;
	return n;
}

static Onnx__AttributeProto *
add_attr(struct writer *w, Onnx__NodeProto *n, const char *name,
    Onnx__AttributeProto__AttributeType type)
{
	Onnx__AttributeProto *a = NEW(w->arena, Onnx__AttributeProto);
	onnx__attribute_proto__init(a);
	a->name = text(w, name);
	a->has_type = 1;
	a->type = type;
	n->attribute[n->n_attribute++] = a;
	return a;
}

static void
attr_int(struct writer *w, Onnx__NodeProto *n, const char *name, int64_t v)
{
	Onnx__AttributeProto *a = add_attr(w, n, name,
	    ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
	a->has_i = 1;
	a->i = v;
}

static void
attr_ints(struct writer *w, Onnx__NodeProto *n, const char *name,
    const int64_t *v, size_t len)
{
	Onnx__AttributeProto *a = add_attr(w, n, name,
	    ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
	a->n_ints = len;
	a->ints = arena_memdup(w->arena, v, len * sizeof *v);
}

static void
window_attrs(struct writer *w, Onnx__NodeProto *out, const struct node *n)
{
	size_t np, ne, ns;
	const int64_t *begin = node_ints(n, ATTR_pads_begin, &np);
	const int64_t *end = node_ints(n, ATTR_pads_end, &ne);
	const int64_t *stride = node_ints(n, ATTR_strides, &ns);
	int64_t pads[4] = {0};
	if (np == 2 && ne == 2) {
		memcpy(pads, begin, sizeof *begin * 2);
		memcpy(pads + 2, end, sizeof *end * 2);
	}
	attr_ints(w, out, "pads", pads, 4);
	if (ns > 0)
		attr_ints(w, out, "strides", stride, ns);
}

/* ONNX's name of an op whose operands and result stay as they are. */
static const char *
plain_name(enum op op)
{
	switch ((int)op) {
	case OP_conv: return "Conv";
	case OP_batch_norm: return "BatchNormalization";
	case OP_relu: return "Relu";
	case OP_max_pool: return "MaxPool";
	case OP_avg_pool: return "AveragePool";
	case OP_add: return "Add";
	case OP_concat: return "Concat";
	case OP_matmul: return "Gemm";
	case OP_reduce_mean: return "ReduceMean";
	case OP_clip: return "Clip";
	case OP_reshape: return "Reshape";
	default: return NULL;
	}
}

static void
node_attrs(struct writer *w, Onnx__NodeProto *out, const struct node *n)
{
	size_t len;
	const int64_t *v;
	switch ((int)n->op) {
	case OP_conv:
		window_attrs(w, out, n);
		attr_int(w, out, "group", node_int(n, ATTR_groups));
		break;
	case OP_max_pool:
	case OP_avg_pool:
		window_attrs(w, out, n);
		v = node_ints(n, ATTR_kernel, &len);
		attr_ints(w, out, "kernel_shape", v, len);
		break;
	case OP_concat:
		attr_int(w, out, "axis", node_int(n, ATTR_axis));
		break;
	case OP_reduce_mean:
		v = node_ints(n, ATTR_axes, &len);
		attr_ints(w, out, "axes", v, len);
		attr_int(w, out, "keepdims", node_int(n, ATTR_keepdims));
		break;
	default:
		break;
	}
}

static bool
add_op(struct writer *w, struct diag *d, const struct node *n)
{
	const char *op = plain_name(n->op);
	char **in = NEW_ARRAY(w->arena, char *, (size_t)n->nin + 2);
	size_t nin = (size_t)n->nin, len;
	if (op == NULL) {
		diag_error(d, NULL, "no ONNX form of '%s'",
		    op_info(n->op)->name);
		return false;
	}
	for (size_t i = 0; i < nin; i++)
		in[i] = value_text(w, n->in[i]);
	if (n->op == OP_clip) {
		in[nin++] = add_scalar(w, node_float(n, ATTR_min));
		in[nin++] = add_scalar(w, node_float(n, ATTR_max));
	} else if (n->op == OP_reshape) {
		const int64_t *v = node_ints(n, ATTR_shape, &len);
		in[nin++] = add_ints(w, v, len);
	}
	node_attrs(w, add_node(w, op, in, nin, value_text(w, n->out[0])), n);
	return true;
}

static void
add_constants(struct writer *w, const struct node *n)
{
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		if (v->kind == VALUE_CONST)
			add_tensor(w, value_text(w, v), v->type.dtype,
			    v->type.rank, v->type.dim, v->data,
			    (size_t)type_bytes(&v->type));
	}
}

/* ---- the model ---- */

static void
start(struct writer *w)
{
	size_t nodes = (size_t)w->g->nnodes + 1;
	size_t values = (size_t)w->g->nvalues + 2 * nodes;
	onnx__graph_proto__init(&w->out);
	w->out.name = text(w, w->g->name);
	w->out.node = NEW_ARRAY(w->arena, Onnx__NodeProto *, nodes);
	w->out.initializer = NEW_ARRAY(w->arena, Onnx__TensorProto *, values);
	w->out.input = NEW_ARRAY(w->arena, Onnx__ValueInfoProto *, values);
	w->out.output = NEW_ARRAY(w->arena, Onnx__ValueInfoProto *, values);
}

static bool
put(struct writer *w, struct diag *d, const char *path)
{
	Onnx__ModelProto m;
	Onnx__OperatorSetIdProto opset, *one = &opset;
	onnx__model_proto__init(&m);
	onnx__operator_set_id_proto__init(&opset);
	opset.has_version = m.has_ir_version = 1;
	opset.version = 13;
	m.ir_version = 8;
	m.graph = &w->out;
	m.n_opset_import = 1;
	m.opset_import = &one;
	uint8_t *bytes = arena_alloc(w->arena,
	    onnx__model_proto__get_packed_size(&m));
	return file_write(d, path, bytes, onnx__model_proto__pack(&m, bytes));
}

bool
net_write_onnx(struct arena *a, struct diag *d, const struct graph *g,
    const char *path)
{
	struct writer *w = NEW(a, struct writer);
	w->arena = a;
	w->g = g;
	start(w);
	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct value *v = g->inputs.data[i];
		w->out.input[w->out.n_input++] = value_info(w,
		    value_text(w, v), &v->type);
	}
	graph_foreach_node(g, n) {
		add_constants(w, n);
		if (!add_op(w, d, n))
			return false;
	}
	for (size_t i = 0; i < g->outputs.len; i++) {
		const struct value *v = g->outputs.data[i];
		w->out.output[w->out.n_output++] = value_info(w,
		    value_text(w, v), &v->type);
	}
	return put(w, d, path);
}
