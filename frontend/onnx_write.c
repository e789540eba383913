/* The model around the nodes; initializers. */
#include "frontend/onnx_out.h"

#include <string.h>

#include "support/str.h"

#define OPSET 17
#define IR_VERSION 8

int
out_dtype(enum dtype t)
{
	static const int number[DT_COUNT] = {
	    [DT_F32] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
	    [DT_F16] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16,
	    [DT_BF16] = ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16,
	    [DT_F64] = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE,
	    [DT_I8] = ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
	    [DT_U8] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
	    [DT_I16] = ONNX__TENSOR_PROTO__DATA_TYPE__INT16,
	    [DT_U16] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT16,
	    [DT_I32] = ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
	    [DT_U32] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT32,
	    [DT_I64] = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
	    [DT_U64] = ONNX__TENSOR_PROTO__DATA_TYPE__UINT64,
	    [DT_BOOL] = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL,
	};

	return number[t];
}

/* Protobuf-c's structs have no const; nothing writes through these. */
static char *
plain(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* ---- nodes ---- */

const char *
out_node(struct out *o, const char *op, const char *const *in, int nin)
{
	Onnx__NodeProto *p = NEW(o->arena, Onnx__NodeProto);
	const struct value *y = o->n->out[0];
	const char *base = y->name != NULL ? y->name : op_info(o->n->op)->name;

	onnx__node_proto__init(p);
	p->op_type = plain(op);
	p->n_input = (size_t)nin;
	p->input = NEW_ARRAY(o->arena, char *, (size_t)nin + 1);
	for (int i = 0; i < nin; i++)
		p->input[i] = plain(in[i]);
	p->n_output = 1;
	p->output = NEW(o->arena, char *);
	p->output[0] = plain(names_unique(o->taken,
	    arena_printf(o->arena, "%s.%s", base, op)));
	names_put(o->taken, p->output[0], p);
	p->name = p->output[0];
	VEC_PUSH(o->arena, &o->nodes, p);
	return p->output[0];
}

const char *
out_1(struct out *o, const char *op, const char *x)
{
	return out_node(o, op, &x, 1);
}

const char *
out_2(struct out *o, const char *op, const char *x, const char *y)
{
	const char *in[2] = {x, y};

	return out_node(o, op, in, 2);
}

const char *
out_cast(struct out *o, const char *x, enum dtype from, enum dtype to)
{
	if (from == to)
		return x;
	x = out_1(o, "Cast", x);
	out_int(o, "to", out_dtype(to));
	return x;
}

const char *
out_reshape(struct out *o, const char *x, const int64_t *dim, int rank)
{
	x = out_2(o, "Reshape", x, out_const_ints(o, dim, (size_t)rank));
	out_int(o, "allowzero", 1);
	return x;
}

static Onnx__AttributeProto *
attribute(struct out *o, const char *name, int type)
{
	Onnx__NodeProto *n = o->nodes.data[o->nodes.len - 1];
	Onnx__AttributeProto *a = NEW(o->arena, Onnx__AttributeProto);
	Onnx__AttributeProto **all = NEW_ARRAY(o->arena,
	    Onnx__AttributeProto *, n->n_attribute + 1);

	onnx__attribute_proto__init(a);
	a->name = plain(name);
	a->has_type = 1;
	a->type = (Onnx__AttributeProto__AttributeType)type;
	if (n->n_attribute > 0)
		memcpy(all, n->attribute, n->n_attribute * sizeof *all);
	all[n->n_attribute++] = a;
	n->attribute = all;
	return a;
}

void
out_int(struct out *o, const char *name, int64_t v)
{
	Onnx__AttributeProto *a = attribute(o, name,
	    ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

	a->has_i = 1;
	a->i = v;
}

void
out_float(struct out *o, const char *name, double v)
{
	Onnx__AttributeProto *a = attribute(o, name,
	    ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

	a->has_f = 1;
	a->f = (float)v;
}

void
out_text(struct out *o, const char *name, const char *v)
{
	Onnx__AttributeProto *a = attribute(o, name,
	    ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

	a->has_s = 1;
	a->s.data = (uint8_t *)plain(v);
	a->s.len = strlen(v);
}

void
out_ints(struct out *o, const char *name, const int64_t *v, size_t n)
{
	Onnx__AttributeProto *a = attribute(o, name,
	    ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

	a->n_ints = n;
	a->ints = arena_memdup(o->arena, v, n * sizeof *v);
}

/* ---- initializers ---- */

static void
initializer(struct out *o, const char *name, const struct tensor_type *t,
    const void *data)
{
	Onnx__TensorProto *p = NEW(o->arena, Onnx__TensorProto);

	onnx__tensor_proto__init(p);
	p->name = plain(name);
	p->n_dims = (size_t)t->rank;
	p->dims = arena_memdup(o->arena, t->dim,
	    (size_t)t->rank * sizeof *t->dim);
	p->has_data_type = 1;
	p->data_type = out_dtype(t->dtype);
	p->has_raw_data = 1;
	p->raw_data.len = (size_t)type_bytes(t);
	p->raw_data.data = (uint8_t *)plain(data);
	VEC_PUSH(o->arena, &o->inits, p);
}

static const char *
new_name(struct out *o, const char *base)
{
	const char *name = names_unique(o->taken, base);

	names_put(o->taken, name, &o->taken);
	return name;
}

const char *
out_const_ints(struct out *o, const int64_t *v, size_t n)
{
	struct tensor_type t = {.dtype = DT_I64, .rank = 1,
	    .dim = {(int64_t)n}};
	const char *name = new_name(o, "ints");

	initializer(o, name, &t, arena_memdup(o->arena, v, n * sizeof *v));
	return name;
}

const char *
out_const_floats(struct out *o, const double *v, size_t n)
{
	struct tensor_type t = {.dtype = DT_F32, .rank = 1,
	    .dim = {(int64_t)n}};
	const char *name = new_name(o, "factors");
	float *data = NEW_ARRAY(o->arena, float, n + 1);

	for (size_t i = 0; i < n; i++)
		data[i] = (float)v[i];
	initializer(o, name, &t, data);
	return name;
}

static const char *
numbers(struct out *o, const struct tensor_type *t, double v)
{
	const char *name = new_name(o, "number");
	size_t n = (size_t)type_elems(t);
	void *data = arena_calloc(o->arena, n + 1, dtype_size(t->dtype));

	for (size_t i = 0; i < n; i++)
		dtype_set(data, t->dtype, i, v);
	initializer(o, name, t, data);
	return name;
}

const char *
out_scalar(struct out *o, double v)
{
	struct tensor_type t = {.dtype = o->t};

	return numbers(o, &t, v);
}

const char *
out_filled(struct out *o, double v, int64_t n)
{
	struct tensor_type t = {.dtype = o->t, .rank = 1, .dim = {n}};

	return numbers(o, &t, v);
}

/* ---- operands ---- */

static const char *
leaf(struct out *o, const struct value *v)
{
	const void *data = v->data;

	if (o->name[v->id] != NULL)
		return o->name[v->id];
	if (v->kind == VALUE_STATE && o->opt != NULL && o->opt->state != NULL) {
		data = o->opt->state(o->opt->user, v);
		data = data != NULL ? data : v->data;
	}
	if (data == NULL)
		data = arena_calloc(o->arena, (size_t)type_bytes(&v->type) + 1,
		    1);
	o->name[v->id] = new_name(o, v->name != NULL ? v->name : "constant");
	initializer(o, o->name[v->id], &v->type, data);
	return o->name[v->id];
}

static const char *
value_text(struct out *o, const struct value *v)
{
	return v->kind == VALUE_NODE || v->kind == VALUE_INPUT ?
	    o->name[v->id] : leaf(o, v);
}

const char *
out_raw(struct out *o, int i)
{
	return i < o->n->nin && o->n->in[i] != NULL ?
	    value_text(o, o->n->in[i]) : "";
}

const char *
out_in(struct out *o, int i)
{
	const char *x = out_raw(o, i);

	if (x[0] == '\0' || !dtype_is_float(o->n->in[i]->type.dtype))
		return x;
	return out_cast(o, x, o->n->in[i]->type.dtype, o->t);
}

const char *
out_refuse(struct out *o, const char *why)
{
	const struct value *y = o->n->out[0];

	diag_error(o->diag, &o->n->loc, "'%s' (%s) cannot be written as "
	    "ONNX: %s", y->name != NULL ? y->name : "", op_info(o->n->op)->name,
	    why);
	return NULL;
}

/* ---- the graph ---- */

/* t, or float32 where opset 17 does not have n for t: it knows bfloat16 in
 * few places but where data only moves. */
static enum dtype
known_type(const struct node *n, enum dtype t)
{
	bool moves = op_info(n->op)->lowering == LOWER_MOVE;

	switch (n->op) {
	case OP_identity:
	case OP_cast:
	case OP_select:
	case OP_tile:
	case OP_depth_to_space:
	case OP_space_to_depth:
	case OP_dropout: moves = true; break;
	case OP_celu: return t == DT_F16 || t == DT_BF16 ? DT_F32 : t;
	default: break;
	}
	return t == DT_BF16 && !moves ? DT_F32 : t;
}

/* The widest float among operands and result: what mixed ones meet in. */
static enum dtype
compute_type(const struct node *n)
{
	enum dtype t = DT_NONE;

	for (int i = -1; i < n->nin; i++) {
		const struct value *v = i < 0 ? n->out[0] : n->in[i];
		enum dtype u = v != NULL ? v->type.dtype : DT_NONE;

		if (u == DT_NONE || !dtype_is_float(u) || u == t)
			continue;
		if (t == DT_NONE)
			t = u;
		else
			t = t == DT_F64 || u == DT_F64 ? DT_F64 : DT_F32;
	}
	return t == DT_NONE ? n->out[0]->type.dtype : known_type(n, t);
}

static const char *
dispatch(struct out *o)
{
	switch (o->n->op) {
	case OP_resize: return out_resize(o);
	case OP_gemm: return out_contraction(o);
	case OP_avg_pool:
	case OP_lrn: return out_window(o);
	case OP_batch_norm:
	case OP_instance_norm:
	case OP_group_norm:
	case OP_layer_norm:
	case OP_softmax:
	case OP_log_softmax: return out_norm(o);
	case OP_tile:
	case OP_depth_to_space:
	case OP_space_to_depth: return out_move(o);
	default: break;
	}
	if (strncmp(op_info(o->n->op)->name, "reduce_", 7) == 0)
		return out_reduce(o);
	switch (op_info(o->n->op)->lowering) {
	case LOWER_MATRIX: return out_contraction(o);
	case LOWER_REDUCE: return out_reduce(o);
	case LOWER_WINDOW: return out_window(o);
	case LOWER_MOVE: return out_move(o);
	default: return out_map(o);
	}
}

/* The name of the first output that takes y, its own, or NULL where others
 * have these. */
static const char *
chosen_name(const struct out *o, const struct value *y)
{
	const struct graph *g = o->g;

	for (size_t i = 0; i < g->outputs.len && y->nends > 0; i++)
		if (g->outputs.data[i] == y && names_get(o->taken,
		    g->output_names.data[i]) == o)
			return g->output_names.data[i];
	return y->name != NULL && names_get(o->taken, y->name) == NULL ?
	    y->name : NULL;
}

/* The result gets the value's name: the last ONNX node is renamed, or an
 * Identity follows where that is no new value. */
static bool
write_node(struct out *o, const struct node *n)
{
	const struct value *y = n->out[0];
	size_t before = o->nodes.len;
	const char *r, *name;
	bool made;

	o->n = n;
	o->t = compute_type(n);
	r = dispatch(o);
	if (r == NULL)
		return false;
	/* comparisons give bool, argmax i64, whatever they read */
	if (dtype_is_float(y->type.dtype) && n->op != OP_cast)
		r = out_cast(o, r, o->t, y->type.dtype);
	made = o->nodes.len > before &&
	    strcmp(o->nodes.data[o->nodes.len - 1]->output[0], r) == 0;
	if (!made)
		r = out_1(o, "Identity", r);
	name = chosen_name(o, y);
	if (name != NULL) {
		Onnx__NodeProto *last = o->nodes.data[o->nodes.len - 1];

		names_put(o->taken, name, last);
		last->output[0] = plain(name);
		r = name;
	}
	o->name[y->id] = r;
	return true;
}

static Onnx__ValueInfoProto *
value_info(struct out *o, const char *name, const struct tensor_type *t)
{
	Onnx__ValueInfoProto *v = NEW(o->arena, Onnx__ValueInfoProto);
	Onnx__TypeProto *type = NEW(o->arena, Onnx__TypeProto);
	Onnx__TypeProto__Tensor *tensor = NEW(o->arena,
	    Onnx__TypeProto__Tensor);
	Onnx__TensorShapeProto *shape = NEW(o->arena, Onnx__TensorShapeProto);

	onnx__value_info_proto__init(v);
	onnx__type_proto__init(type);
	onnx__type_proto__tensor__init(tensor);
	onnx__tensor_shape_proto__init(shape);
	v->name = plain(name);
	v->type = type;
	type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	type->tensor_type = tensor;
	tensor->has_elem_type = 1;
	tensor->elem_type = out_dtype(t->dtype);
	tensor->shape = shape;
	shape->n_dim = (size_t)t->rank;
	shape->dim = NEW_ARRAY(o->arena, Onnx__TensorShapeProto__Dimension *,
	    (size_t)t->rank + 1);
	for (int i = 0; i < t->rank; i++) {
		Onnx__TensorShapeProto__Dimension *d = NEW(o->arena,
		    Onnx__TensorShapeProto__Dimension);

		onnx__tensor_shape_proto__dimension__init(d);
		d->value_case =
		    ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		d->dim_value = t->dim[i];
		shape->dim[i] = d;
	}
	return v;
}

static bool
take_inputs(struct out *o, Onnx__GraphProto *p)
{
	const struct graph *g = o->g;

	p->n_input = g->inputs.len;
	p->input = NEW_ARRAY(o->arena, Onnx__ValueInfoProto *,
	    g->inputs.len + 1);
	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct value *v = g->inputs.data[i];

		o->name[v->id] = new_name(o, v->name != NULL ? v->name :
		    "input");
		p->input[i] = value_info(o, o->name[v->id], &v->type);
	}
	/* outputs have their names before anything else may take them */
	for (size_t i = 0; i < g->outputs.len; i++) {
		const struct value *v = g->outputs.data[i];
		const char *name = g->output_names.data[i];

		if (names_get(o->taken, name) == NULL) {
			names_put(o->taken, name, o);
		} else if (v->kind != VALUE_INPUT ||
		    strcmp(o->name[v->id], name) != 0) {
			diag_error(o->diag, &v->loc, "output '%s' cannot be "
			    "written as ONNX: another input or output has "
			    "this name", name);
			return false;
		}
	}
	return true;
}

static void
give_outputs(struct out *o, Onnx__GraphProto *p)
{
	const struct graph *g = o->g;

	p->n_output = g->outputs.len;
	p->output = NEW_ARRAY(o->arena, Onnx__ValueInfoProto *,
	    g->outputs.len + 1);
	for (size_t i = 0; i < g->outputs.len; i++) {
		const struct value *v = g->outputs.data[i];
		const char *name = g->output_names.data[i];
		const char *from = value_text(o, v);
		struct node self = {.op = OP_identity, .nout = 1};
		struct value *y[1] = {g->outputs.data[i]};

		p->output[i] = value_info(o, name, &v->type);
		if (strcmp(from, name) == 0)
			continue;
		self.out = y;
		self.loc = v->loc;
		o->n = &self;
		out_1(o, "Identity", from);
		o->nodes.data[o->nodes.len - 1]->output[0] = plain(name);
	}
}

static void
pack(struct arena *a, const Onnx__GraphProto *graph, uint8_t **bytes,
    size_t *size)
{
	Onnx__ModelProto m;
	Onnx__OperatorSetIdProto set, *sets[1] = {&set};
	Onnx__GraphProto copy = *graph;

	onnx__model_proto__init(&m);
	onnx__operator_set_id_proto__init(&set);
	set.domain = plain("");
	set.has_version = 1;
	set.version = OPSET;
	m.has_ir_version = 1;
	m.ir_version = IR_VERSION;
	m.producer_name = plain("wave");
	m.n_opset_import = 1;
	m.opset_import = sets;
	m.graph = &copy;
	*size = onnx__model_proto__get_packed_size(&m);
	*bytes = arena_alloc(a, *size + 1);
	onnx__model_proto__pack(&m, *bytes);
}

bool
onnx_write(struct arena *a, struct diag *d, const struct graph *g,
    const struct onnx_write_options *opt, uint8_t **bytes, size_t *size)
{
	struct out o = {.arena = a, .diag = d, .g = g, .opt = opt,
	    .taken = names_new(a),
	    .name = NEW_ARRAY(a, const char *, g->nvalues + 1)};
	Onnx__GraphProto p;

	onnx__graph_proto__init(&p);
	p.name = plain(g->name != NULL && g->name[0] != '\0' ? g->name :
	    "graph");
	if (g->assigns.len > 0) {
		diag_error(d, &g->assigns.data[0].state->loc, "a graph that "
		    "assigns states (as '%s') cannot be written as ONNX",
		    g->assigns.data[0].state->name);
		return false;
	}
	if (!take_inputs(&o, &p))
		return false;
	graph_foreach_node(g, n)
		if (!write_node(&o, n))
			return false;
	give_outputs(&o, &p);
	p.n_node = o.nodes.len;
	p.node = o.nodes.data;
	p.n_initializer = o.inits.len;
	p.initializer = o.inits.data;
	pack(a, &p, bytes, size);
	return true;
}
