#include <string.h>

#include "frontend/onnx_imp.h"

typedef Onnx__AttributeProto Attr;

static const char *
kind_name(int type)
{
	static const char *const names[] = {"undefined", "a float",
	    "an integer", "a string", "a tensor", "a graph", "floats",
	    "integers", "strings", "tensors", "graphs"};

	return type >= 0 && type < 11 ? names[type] : "of another kind";
}

/* Files before IR version 2 do not say the kind. */
static int
attr_type(const Attr *a)
{
	if (a->has_type &&
	    a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
		return (int)a->type;
	if (a->has_f)
		return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
	if (a->has_i)
		return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
	if (a->has_s)
		return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
	if (a->t != NULL)
		return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
	if (a->n_floats > 0)
		return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
	if (a->n_ints > 0)
		return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
	if (a->n_strings > 0)
		return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS;
	return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED;
}

static const Attr *
find(struct opx *c, const char *name)
{
	for (size_t i = 0; i < c->node->n_attribute && i < 64; i++) {
		const Attr *a = c->node->attribute[i];
		if (a->name != NULL && strcmp(a->name, name) == 0) {
			c->used |= (uint64_t)1 << i;
			return a;
		}
	}
	return NULL;
}

static const Attr *
get(struct opx *c, const char *name, int type)
{
	const Attr *a = find(c, name);

	if (a == NULL)
		return NULL;
	if (a->ref_attr_name != NULL && a->ref_attr_name[0] != '\0') {
		op_error(c, "attribute '%s' refers to an attribute of a "
		    "function", name);
	} else if (attr_type(a) == type) {
		return a;
	} else if (attr_type(a) == 0 &&
	    (type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS ||
	    type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS)) {
		return a; /* an empty list of an old file */
	} else {
		op_error(c, "attribute '%s' is %s, not %s", name,
		    kind_name(attr_type(a)), kind_name(type));
	}
	c->failed = true;
	return NULL;
}

bool
attr_present(struct opx *c, const char *name)
{
	return find(c, name) != NULL;
}

void
attr_ignore(struct opx *c, const char *name)
{
	(void)find(c, name);
}

int64_t
attr_i(struct opx *c, const char *name, int64_t dflt)
{
	const Attr *a =
	    get(c, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

	return a != NULL ? a->i : dflt;
}

double
attr_f(struct opx *c, const char *name, double dflt)
{
	const Attr *a =
	    get(c, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

	return a != NULL ? (double)a->f : dflt;
}

const char *
attr_s(struct opx *c, const char *name, const char *dflt)
{
	const Attr *a =
	    get(c, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

	if (a == NULL)
		return dflt;
	return a->s.len == 0 ? "" : arena_strndup(c->m->arena,
	    (const char *)a->s.data, a->s.len);
}

bool
attr_is(struct opx *c, const char *name, struct ints *out)
{
	const Attr *a =
	    get(c, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

	*out = (struct ints){NULL, 0};
	if (a == NULL)
		return false;
	*out = (struct ints){a->ints, a->n_ints};
	return true;
}

bool
attr_fs(struct opx *c, const char *name, const double **v, size_t *n)
{
	const Attr *a =
	    get(c, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS);

	if (a == NULL)
		return false;
	double *p = NEW_ARRAY(c->m->arena, double, a->n_floats + 1);
	for (size_t i = 0; i < a->n_floats; i++)
		p[i] = (double)a->floats[i];
	*v = p;
	*n = a->n_floats;
	return true;
}

const Onnx__TensorProto *
attr_t(struct opx *c, const char *name)
{
	const Attr *a =
	    get(c, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);

	if (a == NULL)
		return NULL;
	if (a->t == NULL) {
		op_error(c, "attribute '%s' holds no tensor", name);
		c->failed = true;
	}
	return a->t;
}

bool
attr_all_used(struct opx *c)
{
	for (size_t i = 0; i < c->node->n_attribute; i++) {
		const Attr *a = c->node->attribute[i];
		if (i < 64 && (c->used >> i & 1) != 0)
			continue;
		/* Opset 1 to 5: a memory hint without meaning here. */
		if (a->name != NULL && strcmp(a->name, "consumed_inputs") == 0)
			continue;
		return op_error(c, "attribute '%s' is %s for this operator "
		    "in opset %d",
		    a->name != NULL ? a->name : "",
		    i < 64 ? "not known" : "given twice or not known",
		    c->opset);
	}
	return true;
}
