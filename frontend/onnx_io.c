#include <string.h>

#include "frontend/onnx_imp.h"

/* Inputs and outputs of the model, and what the command line says of them. */

static const struct onnx_input_shape *
shape_option(const struct imp *m, const char *name)
{
	for (size_t i = 0; i < m->opt->ninputs; i++)
		if (strcmp(m->opt->inputs[i].name, name) == 0)
			return &m->opt->inputs[i];
	return NULL;
}

static const struct npy *
const_option(const struct imp *m, const char *name)
{
	for (size_t i = 0; i < m->opt->nconsts; i++)
		if (strcmp(m->opt->consts[i].name, name) == 0)
			return m->opt->consts[i].npy;
	return NULL;
}

static const Onnx__TypeProto__Tensor *
tensor_of(const Onnx__ValueInfoProto *v)
{
	if (v->type == NULL ||
	    v->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
		return NULL;
	return v->type->tensor_type;
}

/* Extent of dimension i, or -1 when the model leaves it open. */
static int64_t
static_dim(const Onnx__TensorShapeProto *s, size_t i)
{
	const Onnx__TensorShapeProto__Dimension *d = s->dim[i];

	if (d->value_case !=
	    ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
		return -1;
	return d->dim_value; /* exporters also write -1 for open */
}

static const char *
dim_name(struct imp *m, const Onnx__TensorShapeProto *s, size_t i)
{
	const Onnx__TensorShapeProto__Dimension *d = s->dim[i];

	if (d->value_case ==
		ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM &&
	    d->dim_param != NULL && d->dim_param[0] != '\0')
		return arena_printf(m->arena, " ('%s')", d->dim_param);
	return "";
}

/* Fills dim[] from the declared shape; dynamic extents by the rules of
 * onnx.h. */
static bool
declared_shape(struct imp *m, const struct loc *loc,
    const Onnx__TensorShapeProto *s, const char *name, int64_t *dim)
{
	for (size_t i = 0; i < s->n_dim; i++) {
		dim[i] = static_dim(s, i);
		if (dim[i] >= 0)
			continue;
		if (dim[i] < -1) {
			diag_error(m->diag, loc, "dimension %zu is %lld", i,
			    (long long)dim[i]);
			return false;
		}
		if (i > 0) {
			diag_error(m->diag, loc, "dimension %zu%s has no "
			    "fixed extent: give -finput=%s:SHAPE", i,
			    dim_name(m, s, i), name);
			return false;
		}
		dim[i] = 1;
		if (m->opt->batch == 0)
			diag_remark(m->diag, loc, "dimension 0%s has no "
			    "fixed extent and becomes 1: -fbatch=N or "
			    "-finput=%s:SHAPE choose another",
			    dim_name(m, s, i), name);
	}
	return true;
}

/* The first input whose batch changes tells what constants may spell. */
static void
note_batch(struct imp *m, int64_t old, int64_t batch)
{
	if (m->old_batch != 0 || old == batch)
		return;
	m->fixed_batch = old > 0;
	m->old_batch = old > 0 ? old : 1;
	m->new_batch = batch;
}

static bool
shape_from_option(struct imp *m, const struct loc *loc,
    const Onnx__TensorShapeProto *s, const struct onnx_input_shape *o,
    enum dtype t, struct tensor_type *type)
{
	if (s != NULL && s->n_dim != (size_t)o->rank) {
		diag_error(m->diag, loc, "-finput gives %d dimensions, the "
		    "model %zu", o->rank, s->n_dim);
		return false;
	}
	for (int i = 0; s != NULL && i < o->rank; i++)
		if (static_dim(s, (size_t)i) != o->dim[i])
			m->reshaped = true;
	if (s != NULL && o->rank > 0)
		note_batch(m, static_dim(s, 0), o->dim[0]);
	return onnx_type(m, loc, "-finput", t, o->dim, (size_t)o->rank,
	    type);
}

static void
apply_batch(struct imp *m, const Onnx__TensorShapeProto *s, int64_t *dim)
{
	if (m->opt->batch == 0 || s->n_dim < 2 || dim[0] == m->opt->batch)
		return;
	note_batch(m, static_dim(s, 0), m->opt->batch);
	dim[0] = m->opt->batch;
	m->reshaped = true;
}

static bool
input_type(struct imp *m, const struct loc *loc,
    const Onnx__ValueInfoProto *v, struct tensor_type *type)
{
	const Onnx__TypeProto__Tensor *tt = tensor_of(v);
	const struct onnx_input_shape *o = shape_option(m, v->name);
	int64_t dim[MAX_RANK] = {0};

	if (tt == NULL) {
		diag_error(m->diag, loc, "is not a tensor: sequences, maps "
		    "and optional values are not supported");
		return false;
	}
	enum dtype t = onnx_dtype(tt->elem_type);
	if (t == DT_NONE) {
		diag_error(m->diag, loc, "element type %s (%d) is not "
		    "supported", onnx_dtype_name(tt->elem_type),
		    (int)tt->elem_type);
		return false;
	}
	if (o != NULL)
		return shape_from_option(m, loc, tt->shape, o, t, type);
	if (tt->shape == NULL) {
		diag_error(m->diag, loc, "has no shape: give "
		    "-finput=%s:SHAPE", v->name);
		return false;
	}
	if (tt->shape->n_dim > MAX_RANK)
		return onnx_type(m, loc, "shape", t, dim, tt->shape->n_dim,
		    type);
	if (!declared_shape(m, loc, tt->shape, v->name, dim))
		return false;
	apply_batch(m, tt->shape, dim);
	return onnx_type(m, loc, "shape", t, dim, tt->shape->n_dim, type);
}

/* -fconst: the file must fit what the model declares. */
static bool
bind_input(struct imp *m, const struct loc *loc,
    const Onnx__ValueInfoProto *v, const struct npy *npy,
    struct onnx_sym *s)
{
	const Onnx__TypeProto__Tensor *tt = tensor_of(v);
	struct tensor_type type;

	if (tt == NULL || onnx_dtype(tt->elem_type) != npy->dtype) {
		diag_error(m->diag, loc, "-fconst gives %s, the model "
		    "expects %s", dtype_name(npy->dtype),
		    tt != NULL ? onnx_dtype_name(tt->elem_type)
			       : "no tensor");
		return false;
	}
	if (!onnx_type(m, loc, "-fconst", npy->dtype, npy->dim,
		(size_t)npy->rank, &type))
		return false;
	const Onnx__TensorShapeProto *shape = tt->shape;
	bool fits = shape == NULL || shape->n_dim == (size_t)npy->rank;
	for (size_t i = 0; fits && shape != NULL && i < shape->n_dim; i++) {
		int64_t want = static_dim(shape, i);
		fits = want < 0 || want == npy->dim[i];
	}
	if (!fits) {
		char buf[128];
		diag_error(m->diag, loc, "-fconst gives %s, which is not the "
		    "model's shape", type_str(&type, buf, sizeof buf));
		return false;
	}
	s->value = graph_const(m->graph, v->name, &type, npy->data);
	s->value->loc = *loc;
	s->init = NULL;
	return true;
}

static bool
add_input(struct imp *m, const Onnx__ValueInfoProto *v)
{
	struct loc loc = {.file = m->path};
	struct tensor_type type;

	if (v->name == NULL || v->name[0] == '\0') {
		diag_error(m->diag, &loc, "an input has no name");
		return false;
	}
	loc.node = arena_printf(m->arena, "input '%s'", v->name);
	struct onnx_sym *s = onnx_sym_add(m, v->name);
	if (s->value != NULL) {
		diag_error(m->diag, &loc, "two inputs have this name");
		return false;
	}
	const struct npy *npy = const_option(m, v->name);
	if (npy != NULL)
		return bind_input(m, &loc, v, npy, s);
	if (s->init != NULL)
		return true; /* an input with a default: a constant */
	if (!input_type(m, &loc, v, &type))
		return false;
	s->value = graph_input(m->graph, v->name, &type);
	s->value->loc = loc;
	return true;
}

/* Every name on the command line must be an input of the right kind. */
static bool
check_options(struct imp *m)
{
	struct loc loc = {.file = m->path};

	for (size_t i = 0; i < m->opt->ninputs; i++) {
		const char *name = m->opt->inputs[i].name;
		const struct onnx_sym *s = onnx_sym_find(m, name);
		if (s == NULL || s->value == NULL ||
		    s->value->kind != VALUE_INPUT) {
			diag_error(m->diag, &loc, "-finput: '%s' is not a "
			    "run-time input of the model", name);
			return false;
		}
	}
	for (size_t i = 0; i < m->opt->nconsts; i++) {
		const char *name = m->opt->consts[i].name;
		const struct onnx_sym *s = onnx_sym_find(m, name);
		if (s == NULL || s->value == NULL) {
			diag_error(m->diag, &loc, "-fconst: '%s' is not an "
			    "input of the model", name);
			return false;
		}
	}
	return true;
}

bool
onnx_inputs(struct imp *m)
{
	for (size_t i = 0; i < m->src->n_input; i++)
		if (!add_input(m, m->src->input[i]))
			return false;
	return check_options(m);
}

/* Declared output types are advice: exporters get them wrong. */
static void
check_output(struct imp *m, const struct loc *loc,
    const Onnx__ValueInfoProto *v, const struct value *val)
{
	const Onnx__TypeProto__Tensor *tt = tensor_of(v);
	char buf[128];

	if (tt == NULL || m->reshaped)
		return;
	bool same = onnx_dtype(tt->elem_type) == val->type.dtype;
	const Onnx__TensorShapeProto *s = tt->shape;
	if (s != NULL && s->n_dim > 0) {
		same = same && s->n_dim == (size_t)val->type.rank;
		for (size_t i = 0; same && i < s->n_dim; i++)
			same = static_dim(s, i) <= 0 ||
			    static_dim(s, i) == val->type.dim[i];
	}
	if (!same)
		diag_warning(m->diag, loc, "the model declares another type "
		    "than the computed %s",
		    type_str(&val->type, buf, sizeof buf));
}

bool
onnx_outputs(struct imp *m)
{
	for (size_t i = 0; i < m->src->n_output; i++) {
		const Onnx__ValueInfoProto *v = m->src->output[i];
		struct loc loc = {.file = m->path};
		if (v->name == NULL || v->name[0] == '\0') {
			diag_error(m->diag, &loc, "an output has no name");
			return false;
		}
		loc.node = arena_printf(m->arena, "output '%s'", v->name);
		struct onnx_sym *s = onnx_sym_find(m, v->name);
		if (s != NULL && s->output) {
			diag_warning(m->diag, &loc, "is listed twice and "
			    "kept once");
			continue;
		}
		struct value *val = onnx_sym_value(m, &loc, v->name);
		if (val == NULL)
			return false;
		onnx_sym_find(m, v->name)->output = true;
		check_output(m, &loc, v, val);
		graph_output(m->graph, val, v->name);
	}
	return true;
}
