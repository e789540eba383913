/* Constants as passes read and make them. */
#include <string.h>

#include "passes/rewrite.h"
#include "support/dtype.h"
#include "support/parallel.h"

bool
const_splat(const struct value *v, double *out)
{
	size_t size, n;
	const char *p;

	if (v == NULL || v->kind != VALUE_CONST)
		return false;
	n = (size_t)type_elems(&v->type);
	if (n == 0)
		return false;
	size = dtype_size(v->type.dtype);
	p = v->data;
	for (size_t i = 1; i < n; i++)
		if (memcmp(p, p + i * size, size) != 0)
			return false;
	*out = dtype_get(v->data, v->type.dtype, 0);
	return true;
}

int64_t
const_i64(const struct value *v, size_t i)
{
	return dtype_get_i64(v->data, v->type.dtype, i);
}

struct value *
const_from(struct graph *g, const char *name, const struct tensor_type *t,
    const double *v)
{
	size_t n = (size_t)type_elems(t);
	void *data = arena_calloc(g->arena, n, dtype_size(t->dtype));

	for (size_t i = 0; i < n; i++)
		dtype_set(data, t->dtype, i, v[i]);
	return graph_const(g, name, t, data);
}

struct conversion {
	void *to;
	const void *from;
	enum dtype t, u;
};

#define THREAD_MIN (1 << 17) /* elements that are worth one */

/* The common conversions of weights without a call for each element. */
static void
convert(void *ctx, int64_t from, int64_t to)
{
	const struct conversion *c = ctx;
	uint16_t *h = c->to;
	const float *f = c->from;

	if (c->u == DT_F32 && c->t == DT_F16)
		for (int64_t i = from; i < to; i++)
			h[i] = f32_to_f16(f[i]);
	else if (c->u == DT_F32 && c->t == DT_BF16)
		for (int64_t i = from; i < to; i++)
			h[i] = f32_to_bf16(f[i]);
	else
		for (int64_t i = from; i < to; i++)
			dtype_set(c->to, c->t, (size_t)i,
			    dtype_get(c->from, c->u, (size_t)i));
}

void *
const_data_as(struct arena *a, const struct value *v, enum dtype t)
{
	int64_t n = type_elems(&v->type);
	struct conversion c = {arena_calloc(a, (size_t)n + 1, dtype_size(t)),
	    v->data, t, v->type.dtype};

	parallel_ranges(n, 64, THREAD_MIN, convert, &c);
	return c.to;
}

struct value *
const_cast_to(struct graph *g, const struct value *v, enum dtype t)
{
	struct tensor_type type = v->type;

	type.dtype = t;
	return graph_const(g, NULL, &type, const_data_as(g->arena, v, t));
}

struct value *
const_reshape(struct graph *g, const struct value *v, int rank,
    const int64_t *dim)
{
	struct tensor_type t = type_make(v->type.dtype, rank, dim);

	return graph_const(g, NULL, &t, v->data);
}
