#include "tests/lib/stepped.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/program.h"
#include "runtime/sim/sim.h"

void *
stepped_random(struct unit *u, const struct tensor_type *t, uint64_t *seed)
{
	size_t n = (size_t)type_elems(t);
	void *data = arena_calloc(u->arena, n + 1, dtype_size(t->dtype));

	for (size_t i = 0; i < n; i++) {
		uint64_t r = unit_random(seed) >> 20;

		if (dtype_is_float(t->dtype))
			dtype_set(data, t->dtype, i,
			    ((double)(r % 1024) - 511.5) / 256);
		else
			dtype_set_i64(data, t->dtype, i, (int64_t)(r % 4));
	}
	return data;
}

/* Moves the elements of b between its place in span and row-major order. */
static void
walk(const struct wave_binding *b, uint8_t *span, uint8_t *dense, bool out)
{
	size_t size = dtype_size(b->dtype);
	int64_t n = 1, at[WAVE_MAX_RANK] = {0};

	for (int i = 0; i < b->rank; i++)
		n *= b->dim[i];
	for (int64_t e = 0; e < n; e++) {
		int64_t off = 0;

		for (int i = 0; i < b->rank; i++)
			off += at[i] * b->stride[i];
		if (out)
			memcpy(dense + (size_t)e * size, span + off, size);
		else
			memcpy(span + off, dense + (size_t)e * size, size);
		for (int i = b->rank - 1; i >= 0; i--) {
			if (++at[i] < b->dim[i])
				break;
			at[i] = 0;
		}
	}
}

static const struct wave_binding *
find(const struct wave_program *p, const char *name, size_t *bytes)
{
	const struct wave_binding *b = program_binding(p, name);

	if (b == NULL)
		fail_msg("'%s' is not bound", name);
	*bytes = dtype_size(b->dtype);
	for (int i = 0; i < b->rank; i++)
		*bytes *= (size_t)b->dim[i];
	return b;
}

void
stepped_read(struct unit *u, struct device *dev,
    const struct wave_program *p, const char *name, void *out)
{
	size_t n;
	const struct wave_binding *b = find(p, name, &n);
	uint8_t *span = arena_alloc(u->arena, n + 1);

	if (n > 0)
		assert_true(dev->ops->read(dev, b->address, span, n));
	walk(b, span, out, true);
}

void
stepped_write(struct unit *u, struct device *dev,
    const struct wave_program *p, const char *name, const void *data)
{
	size_t n;
	const struct wave_binding *b = find(p, name, &n);
	uint8_t *span = arena_alloc(u->arena, n + 1);
	uint8_t *copy = arena_memdup(u->arena, data, n + 1);

	walk(b, span, copy, false);
	if (n > 0)
		assert_true(dev->ops->write(dev, b->address, span, n));
}

/* ---- one graph ---- */

static bool
fail_with(struct unit *u, const char *what, size_t i, size_t e, double got,
    double want, double limit)
{
	snprintf(u->last, sizeof u->last, "%s: result %zu[%zu] is %.9g, not "
	    "%.9g +- %.3g", what, i, e, got, want, limit);
	return false;
}

bool
stepped_within(struct unit *u, const char *what, const struct stepped_set *want,
    const struct stepped_set *got, struct stepped *s)
{
	for (size_t i = 0; i < want->n; i++) {
		enum dtype dt = want->t[i].type.dtype;
		size_t n = (size_t)type_elems(&want->t[i].type);

		for (size_t e = 0; e < n; e++) {
			double x = dtype_get(want->t[i].data, dt, e);
			double y = dtype_get(got->t[i].data, dt, e);
			double limit = want->t[i].bound == NULL ? 0 :
			    want->t[i].bound[e];

			s->elements++;
			s->open += isfinite(limit) ? 0 : 1;
			if (!eval_within(x, y, limit))
				return fail_with(u, what, i, e, y, x, limit);
		}
	}
	return true;
}

bool
stepped_same(struct unit *u, const char *what, const struct stepped_set *a,
    const struct stepped_set *b)
{
	for (size_t i = 0; i < a->n; i++) {
		enum dtype dt = a->t[i].type.dtype;
		size_t size = dtype_size(dt);
		size_t n = (size_t)type_elems(&a->t[i].type);
		const uint8_t *x = a->t[i].data, *y = b->t[i].data;

		for (size_t e = 0; e < n; e++)
			if (memcmp(x + e * size, y + e * size, size) != 0)
				return fail_with(u, what, i, e,
				    dtype_get(y, dt, e), dtype_get(x, dt, e),
				    0);
	}
	return true;
}

bool
stepped_run(struct unit *u, const struct compiled *m,
    const struct wave_program *p, const struct eval_tensor *in,
    struct stepped_set *out, struct sim_stats *stats)
{
	struct sim_options o = {.check = true, .threads = 1};
	struct device *dev = sim_open(p, &o, &u->diag);
	const struct graph *g = m->graph;
	unsigned before = u->diag.errors;
	size_t k = 0;
	bool ok;

	if (dev == NULL)
		return false;
	for (size_t i = 0; i < g->inputs.len; i++)
		stepped_write(u, dev, p, g->inputs.data[i]->name, in[i].data);
	ok = dev->ops->run(dev, "main", &u->diag) && u->diag.errors == before;
	out->n = g->outputs.len + g->assigns.len;
	out->t = NEW_ARRAY(u->arena, struct eval_tensor, out->n + 1);
	for (size_t i = 0; i < out->n && ok; i++, k++) {
		bool state = i >= g->outputs.len;
		const struct value *v = state ?
		    g->assigns.data[i - g->outputs.len].state :
		    g->outputs.data[i];

		out->t[i].type = v->type;
		out->t[i].data = arena_alloc(u->arena,
		    (size_t)type_bytes(&v->type) + 1);
		stepped_read(u, dev, p, state ? v->name :
		    g->output_names.data[i], out->t[i].data);
	}
	if (ok && stats != NULL)
		*stats = *sim_stats(dev);
	dev->ops->close(dev);
	return ok;
}

bool
stepped_evaluate(struct unit *u, const struct graph *g,
    const struct eval_tensor *in, struct stepped_set *want)
{
	struct eval_options o = {.bounds = true, .round = true};

	want->n = g->outputs.len + g->assigns.len;
	want->t = NEW_ARRAY(u->arena, struct eval_tensor, want->n + 1);
	o.assigned = want->t + g->outputs.len;
	return eval_graph(u->arena, &u->diag, g, &o, in, want->t, NULL);
}

bool
stepped_agrees(struct unit *u, stepped_fn *fn, uint64_t seed,
    const struct compile_how *how, struct stepped *s)
{
	struct graph *g = fn(u, seed);
	struct compiled m;
	struct eval_tensor *in = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->inputs.len + 1);
	struct stepped_set want, got, again;
	uint64_t r = seed * 2 + 1;

	for (size_t i = 0; i < g->inputs.len; i++) {
		in[i].type = g->inputs.data[i]->type;
		in[i].data = stepped_random(u, &in[i].type, &r);
	}
	if (!compiled_make(u->arena, &u->diag, g, how, &m) ||
	    !stepped_evaluate(u, g, in, &want) ||
	    !stepped_run(u, &m, m.code, in, &got, NULL) ||
	    !stepped_within(u, "normal", &want, &got, s))
		return false;
	s->runs++;
	s->tiled += compiled_tiles(&m);
	return stepped_run(u, &m, compiled_code(u->arena, &u->diag, &m,
	    true), in, &again, NULL) &&
	    stepped_same(u, "serialized", &got, &again);
}
