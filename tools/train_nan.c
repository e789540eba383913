#include "tools/train_nan.h"

#include <math.h>
#include <string.h>

#include "ir/eval.h"
#include "support/str.h"

static void
observe(void *user, const struct value *v, const struct eval_tensor *t)
{
	struct not_finite *f = user;
	int64_t n = type_elems(&t->type);

	if (f->value != NULL || !dtype_is_float(t->type.dtype))
		return;
	for (int64_t i = 0; i < n; i++) {
		double x = dtype_get(t->data, t->type.dtype, (size_t)i);

		if (isfinite(x))
			continue;
		*f = (struct not_finite){v, i, x};
		return;
	}
}

/* The elements of n in the dtype of t. */
static bool
set_tensor(struct arena *a, struct eval_tensor *t, const struct npy *n)
{
	int64_t elems = type_elems(&t->type);
	size_t have = n->bytes / dtype_size(n->dtype);

	if (elems < 0 || (size_t)elems != have)
		return false;
	t->data = arena_alloc(a, (size_t)type_bytes(&t->type) + 1);
	for (size_t i = 0; i < have; i++) {
		if (dtype_is_float(n->dtype))
			dtype_set(t->data, t->type.dtype, i,
			    dtype_get(n->data, n->dtype, i));
		else
			dtype_set_i64(t->data, t->type.dtype, i,
			    dtype_get_i64(n->data, n->dtype, i));
	}
	return true;
}

static bool
set_inputs(struct arena *a, struct diag *d, const struct graph *g,
    const struct trainer_diverged *e, const char *x, const char *y,
    struct eval_tensor *in)
{
	float lr = (float)e->lr;
	struct npy rate = {.dtype = DT_F32, .bytes = sizeof lr, .data = &lr};

	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct value *v = g->inputs.data[i];
		const struct npy *n = strcmp(v->name, x) == 0 ? &e->batch->x :
		    strcmp(v->name, y) == 0 ? &e->batch->y :
		    strcmp(v->name, "lr") == 0 ? &rate : NULL;

		in[i].type = v->type;
		if (n == NULL || !set_tensor(a, &in[i], n)) {
			diag_error(d, &v->loc, "input '%s' of the step is "
			    "none of the training's", v->name);
			return false;
		}
	}
	return true;
}

static void
set_states(const struct graph *g, const struct trainer_diverged *e,
    struct eval_tensor *states)
{
	for (size_t i = 0; i < g->states.len; i++) {
		const struct value *v = g->states.data[i];

		states[i].type = v->type;
		for (size_t k = 0; k < e->nstates; k++) {
			const struct checkpoint_tensor *t = &e->before[k];

			if (strcmp(t->name, v->name) == 0 &&
			    t->dtype == v->type.dtype &&
			    (int64_t)t->bytes == type_bytes(&v->type))
				states[i].data = (void *)(uintptr_t)t->data;
		}
	}
}

bool
find_not_finite(struct diag *d, const struct graph *g,
    const struct trainer_diverged *e, const char *x, const char *y,
    struct not_finite *found)
{
	struct arena *a = arena_new();
	struct eval_tensor *in = NEW_ARRAY(a, struct eval_tensor,
	    g->inputs.len + 1);
	struct eval_tensor *states = NEW_ARRAY(a, struct eval_tensor,
	    g->states.len + 1);
	struct eval_tensor *out = NEW_ARRAY(a, struct eval_tensor,
	    g->outputs.len + 1);
	struct eval_options opt = {.round = true, .states = states,
	    .observe = observe, .user = found};
	bool ok;

	*found = (struct not_finite){0};
	set_states(g, e, states);
	ok = set_inputs(a, d, g, e, x, y, in) &&
	    eval_graph(a, d, g, &opt, in, out, NULL);
	arena_free(a);
	return ok;
}

static const char *
number_name(double v)
{
	return isnan(v) ? "NaN" : v > 0 ? "inf" : "-inf";
}

static const struct loc *
loc_of(const struct value *v)
{
	return v->def != NULL ? &v->def->loc : &v->loc;
}

void
report_not_finite(struct diag *d, const struct trainer_diverged *e,
    const struct not_finite *found)
{
	const struct value *v = found->value;
	char type[TYPE_STR_MAX];
	struct strbuf s = {0}, lr = {0};

	if (isfinite(e->loss))
		strbuf_addf(&s, "after step %lld state '%s' is not finite",
		    (long long)e->step + 1, e->state);
	else
		strbuf_addf(&s, "the loss of step %lld is %s",
		    (long long)e->step + 1, number_name(e->loss));
	strbuf_add_double(&lr, e->lr);
	if (v == NULL)
		diag_error(d, NULL, "%s; the reference evaluator finds no "
		    "value of the step that is (learning rate %s)", s.data,
		    lr.data);
	else if (v->def == NULL)
		diag_error(d, loc_of(v), "%s; it begins in '%s' %s, element "
		    "%lld of which is %s before the step (learning rate %s)",
		    s.data, v->name, type_str(&v->type, type, sizeof type),
		    (long long)found->element, number_name(found->number),
		    lr.data);
	else
		diag_error(d, loc_of(v), "%s; it begins in the %s phase with "
		    "%s%s%s%s %s: element %lld is %s (learning rate %s)",
		    s.data, v->def->phase != NULL ? v->def->phase : "forward",
		    op_info(v->def->op)->name, v->name != NULL ? " '" : "",
		    v->name != NULL ? v->name : "", v->name != NULL ? "'" : "",
		    type_str(&v->type, type, sizeof type),
		    (long long)found->element, number_name(found->number),
		    lr.data);
	strbuf_free(&s);
	strbuf_free(&lr);
}
