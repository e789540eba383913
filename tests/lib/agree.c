#include "tests/lib/agree.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ir/eval.h"
#include "ir/text.h"

struct graph *
graph_from(struct unit *u, const char *body)
{
	char *text = arena_printf(u->arena,
	    "wave.graph 1\ngraph \"t\" {\n%s}\n", body);
	struct graph *g = graph_parse(u->arena, &u->diag, "t.wgr", text,
	    strlen(text));

	if (g == NULL)
		fail_msg("%s\n%s", u->last, text);
	return g;
}

char *
graph_body(struct unit *u, const struct graph *g)
{
	struct strbuf s = {0};
	char *text, *end;

	graph_print(&s, g, true);
	text = strstr(s.data, "{\n");
	assert_non_null(text);
	text = arena_strdup(u->arena, text + 2);
	end = strrchr(text, '}');
	assert_non_null(end);
	*end = '\0';
	strbuf_free(&s);
	return text;
}

/* Floats from -2 to 2 with 10 random bits, exact in f16 and, mostly, not in
 * bf16; small integers; bools. */
static struct eval_tensor
random_tensor(struct unit *u, const struct tensor_type *t, uint64_t *seed)
{
	struct eval_tensor x = {.type = *t};
	size_t n = (size_t)type_elems(t);

	x.data = arena_calloc(u->arena, n + 1, dtype_size(t->dtype));
	for (size_t i = 0; i < n; i++) {
		uint64_t r = unit_random(seed) >> 20;

		if (dtype_is_float(t->dtype))
			dtype_set(x.data, t->dtype, i,
			    ((double)(r % 1024) - 511.5) / 256);
		else
			dtype_set_i64(x.data, t->dtype, i, (int64_t)(r %
			    (t->dtype == DT_BOOL ? 2 : 4)));
	}
	return x;
}

struct results {
	struct eval_tensor *outputs, *assigned;
	double **bounds;
};

static struct results
evaluate(struct unit *u, const struct graph *g, uint64_t seed)
{
	struct eval_tensor *in = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->inputs.len + 1);
	struct eval_tensor *states = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->states.len + 1);
	struct eval_options opt = {.bounds = true, .round = true};
	struct results r;

	for (size_t i = 0; i < g->inputs.len; i++)
		in[i] = random_tensor(u, &g->inputs.data[i]->type, &seed);
	for (size_t i = 0; i < g->states.len; i++)
		states[i] = random_tensor(u, &g->states.data[i]->type, &seed);
	r.outputs = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->outputs.len + 1);
	r.assigned = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->assigns.len + 1);
	r.bounds = NEW_ARRAY(u->arena, double *, g->outputs.len + 1);
	opt.states = states;
	opt.assigned = r.assigned;
	if (!eval_graph(u->arena, &u->diag, g, &opt, in, r.outputs, r.bounds))
		fail_msg("%s", u->last);
	return r;
}

static double
bound_at(const struct eval_tensor *t, size_t i)
{
	return t->bound != NULL ? t->bound[i] : 0;
}

static bool
tensors_agree(const struct eval_tensor *a, const struct eval_tensor *b,
    struct agreement *how, char why[256])
{
	size_t n = (size_t)type_elems(&a->type);
	double largest = 0;

	if (!type_equal(&a->type, &b->type)) {
		snprintf(why, 256, "the types differ");
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		double v = fabs(dtype_get(a->data, a->type.dtype, i));

		if (isfinite(v) && v > largest)
			largest = v;
	}
	for (size_t i = 0; i < n; i++) {
		double x = dtype_get(a->data, a->type.dtype, i);
		double y = dtype_get(b->data, b->type.dtype, i);
		double limit = bound_at(a, i) + bound_at(b, i) +
		    how->relative * largest;

		how->elements++;
		how->open += isfinite(limit) ? 0 : 1;
		if (eval_within(x, y, limit))
			continue;
		snprintf(why, 256, "element %zu: %.9g and %.9g, allowed "
		    "difference %.3g", i, x, y, limit);
		return false;
	}
	return true;
}

bool
graphs_agree(struct unit *u, const struct graph *a, const struct graph *b,
    struct agreement *how, char why[256])
{
	struct results x = evaluate(u, a, how->seed);
	struct results y = evaluate(u, b, how->seed);
	char inner[256] = "";

	assert_int_equal(a->outputs.len, b->outputs.len);
	assert_int_equal(a->assigns.len, b->assigns.len);
	for (size_t i = 0; i < a->outputs.len; i++) {
		x.outputs[i].bound = x.bounds[i];
		y.outputs[i].bound = y.bounds[i];
		if (tensors_agree(&x.outputs[i], &y.outputs[i], how, inner))
			continue;
		snprintf(why, 256, "output %zu, %.200s", i, inner);
		return false;
	}
	for (size_t i = 0; i < a->assigns.len; i++) {
		if (tensors_agree(&x.assigned[i], &y.assigned[i], how, inner))
			continue;
		snprintf(why, 256, "assignment %zu, %.200s", i, inner);
		return false;
	}
	return true;
}

double
graphs_distance(struct unit *u, const struct graph *a, const struct graph *b,
    uint64_t seed)
{
	struct results x = evaluate(u, a, seed), y = evaluate(u, b, seed);
	double far = 0, size = 0;

	for (size_t i = 0; i < a->outputs.len; i++) {
		const struct eval_tensor *s = &x.outputs[i];
		const struct eval_tensor *t = &y.outputs[i];
		size_t n = (size_t)type_elems(&s->type);

		for (size_t k = 0; k < n; k++) {
			double v = dtype_get(s->data, s->type.dtype, k);
			double w = dtype_get(t->data, t->type.dtype, k);

			if (!isfinite(v) && !isfinite(w))
				continue;
			far += (v - w) * (v - w);
			size += fmax(v * v, 1);
		}
	}
	return size > 0 ? sqrt(far / size) : far;
}
