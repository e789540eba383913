#include "tests/lib/vectors.h"

#include <string.h>

#include <zlib.h>

#define LIMIT ((size_t)8 << 20)

struct reader {
	struct arena *a;
	const unsigned char *p, *end;
	bool bad; /* ran over the end */
};

static const void *
take(struct reader *r, size_t n)
{
	const void *p = r->p;

	if (r->bad || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return arena_alloc(r->a, n < LIMIT ? n : 1);
	}
	r->p += n;
	return p;
}

static unsigned
number(struct reader *r, size_t size)
{
	uint32_t v = 0;

	memcpy(&v, take(r, size), size);
	return v;
}

static const char *
string(struct reader *r)
{
	size_t n = number(r, 1);

	return arena_strndup(r->a, take(r, n), n);
}

static enum attr_id
attr_find(const char *name)
{
	for (enum attr_id id = ATTR_NONE + 1; id < ATTR_COUNT; id++) {
		if (strcmp(attr_name(id), name) == 0)
			return id;
	}
	return ATTR_NONE;
}

static struct attr
attribute(struct reader *r)
{
	struct attr a = {.id = attr_find(string(r))};
	unsigned kind = number(r, 1);
	size_t n = number(r, 2);
	const void *values = arena_memdup(r->a, take(r, 8 * n), 8 * n);

	if (a.id == ATTR_NONE)
		r->bad = true;
	if (kind == 0)
		memcpy(&a.i, values, 8);
	else if (kind == 1)
		memcpy(&a.f, values, 8);
	else if (kind == 2)
		a.ints = values;
	else
		a.floats = values;
	a.n = kind < 2 ? 0 : n;
	return a;
}

static struct eval_tensor
tensor(struct reader *r)
{
	struct eval_tensor t = {.type.dtype = (enum dtype)number(r, 1)};
	size_t n;

	if (t.type.dtype == DT_NONE)
		return t;
	t.type.rank = (int)number(r, 1);
	if (t.type.rank > MAX_RANK)
		r->bad = true;
	for (int d = 0; d < t.type.rank && !r->bad; d++)
		t.type.dim[d] = number(r, 4);
	if (r->bad || !type_valid(&t.type)) {
		r->bad = true;
		return t;
	}
	n = (size_t)type_bytes(&t.type);
	t.data = arena_alloc(r->a, n + 1);
	memcpy(t.data, take(r, n), n);
	return t;
}

/* The graph of one node; integers that a rule wants to know are constants. */
static bool
build(struct reader *r, struct diag *d, struct vector *v,
    const struct attr *attrs, int nattrs, int nin)
{
	struct value *in[VECTOR_OPERANDS] = {NULL};
	struct node_spec spec = {.op = v->op,
	    .in = in,
	    .nin = nin,
	    .attrs = attrs,
	    .nattrs = nattrs};

	v->graph = graph_new(r->a, v->label);
	for (int i = 0; i < nin; i++) {
		if (v->in[i].type.dtype == DT_NONE)
			continue;
		if (v->op == OP_tile && i == 1)
			in[i] = graph_const(
			    v->graph, NULL, &v->in[i].type, v->in[i].data);
		else
			in[i] = graph_input(v->graph, NULL, &v->in[i].type);
	}
	if (dtype_is_float(v->want.type.dtype) && v->op != OP_cast)
		spec.out_dtype = v->want.type.dtype;
	v->node = graph_add(v->graph, d, &spec);
	if (v->node == NULL)
		return false;
	graph_output(v->graph, v->node->out[0], "y");
	return true;
}

static bool
one(struct reader *r, struct diag *d, struct vector *v)
{
	const char *name = string(r);
	struct attr attrs[16];
	int nattrs, nin;

	v->op = op_parse(name);
	v->label = arena_printf(r->a, "%s %s", name, string(r));
	nattrs = (int)number(r, 1);
	for (int i = 0; i < nattrs && i < 16; i++)
		attrs[i] = attribute(r);
	nin = (int)number(r, 1);
	for (int i = 0; i < nin && i < VECTOR_OPERANDS; i++)
		v->in[i] = tensor(r);
	v->want = tensor(r);
	if (r->bad || v->op == OP_NONE || nattrs > 16 ||
	    nin > VECTOR_OPERANDS) {
		diag_error(d, NULL, "bad record '%s'", v->label);
		return false;
	}
	if (build(r, d, v, attrs, nattrs, nin))
		return true;
	diag_error(d, NULL, "'%s' does not build", v->label);
	return false;
}

struct vector *
vectors_read(struct arena *a, struct diag *d, const char *path, size_t *count)
{
	unsigned char *data = arena_alloc(a, LIMIT);
	gzFile f = gzopen(path, "rb");
	struct reader r = {a, data, data, false};
	struct vector *v;
	int n;

	if (f == NULL) {
		diag_error(d, NULL, "cannot open %s", path);
		return NULL;
	}
	n = gzread(f, data, (unsigned)LIMIT);
	gzclose(f);
	r.end = data + (n > 0 ? n : 0);
	if (memcmp(take(&r, 4), "WEV1", 4) != 0) {
		diag_error(d, NULL, "%s is not of this format", path);
		return NULL;
	}
	*count = number(&r, 4);
	v = NEW_ARRAY(a, struct vector, *count);
	for (size_t i = 0; i < *count; i++) {
		if (!one(&r, d, &v[i]))
			return NULL;
	}
	return v;
}
