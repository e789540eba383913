/* The reference evaluator's driver: one node, and a graph in list order. */
#include "ir/eval.h"

#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

/* The kernel of each op. */
typedef bool kernel_fn(struct ev *ev);
static kernel_fn *const kernels[OP_COUNT] = {
#define OP(name, lower, imin, imax, omin, omax, flags, rule, kernel, ...) \
	[OP_##name] = eval_##kernel,
#include "ir/ops.def"
};

/* A float operand may be held in f64 where rounding is off. */
static bool
fits_type(const struct eval_tensor *t, const struct tensor_type *want)
{
	bool held_wide = t->type.dtype == DT_F64 && dtype_is_float(want->dtype);

	return shape_equal(&t->type, want) &&
	       (t->type.dtype == want->dtype || held_wide);
}

static bool
check_operands(
    struct diag *d, const struct node *n, const struct eval_tensor *in)
{
	char have[96], want[96];

	if (n->op <= OP_NONE || n->op >= OP_COUNT)
		ice("eval", "op %d", (int)n->op);
	for (int i = 0; i < n->nin; i++) {
		if (n->in[i] == NULL)
			continue;
		if (!fits_type(&in[i], &n->in[i]->type)) {
			diag_error(d, &n->loc,
			    "cannot evaluate '%s': operand %d is %s, not %s",
			    op_info(n->op)->name, i,
			    type_str(&in[i].type, have, sizeof have),
			    type_str(&n->in[i]->type, want, sizeof want));
			return false;
		}
		if (in[i].data == NULL && type_elems(&in[i].type) > 0) {
			diag_error(d, &n->loc,
			    "cannot evaluate '%s': operand %d has no data",
			    op_info(n->op)->name, i);
			return false;
		}
	}
	return true;
}

/* The device's compute type and whether the result holds all operands. */
static void
set_precision(struct ev *ev)
{
	const struct node *n = ev->n;
	bool wide = ev->dtype == DT_F64;

	ev->fits = true;
	for (int i = 0; i < n->nin; i++) {
		enum dtype t =
		    n->in[i] != NULL ? n->in[i]->type.dtype : DT_NONE;

		if (!dtype_is_float(t))
			continue;
		wide = wide || t == DT_F64;
		/* f16 and bf16 do not hold each other */
		if (t != ev->dtype && dtype_size(t) >= dtype_size(ev->dtype))
			ev->fits = false;
	}
	ev->u = wide ? 0x1p-53 : 0x1p-24;
}

static void
new_result(struct arena *a, const struct value *v,
    const struct eval_options *opt, struct eval_tensor *out)
{
	int64_t len = type_elems(&v->type);
	size_t room = (size_t)(len > 0 ? len : 1);

	*out = (struct eval_tensor){.type = v->type};
	if (!opt->round && dtype_is_float(v->type.dtype))
		out->type.dtype = DT_F64;
	out->data = arena_calloc(a, room, dtype_size(out->type.dtype));
	if (opt->bounds)
		out->bound = NEW_ARRAY(a, double, room);
}

/* Result i goes to arena home[i]. */
static bool
run_node(struct arena *const *home, struct diag *d,
    const struct eval_options *opt, const struct node *n,
    const struct eval_tensor *in, struct eval_tensor *out)
{
	struct ev ev = {.d = d, .n = n, .in = in, .out = out};
	bool ok;

	if (!check_operands(d, n, in))
		return false;
	for (int i = 0; i < n->nout; i++) {
		if (n->out[i] != NULL)
			new_result(home[i], n->out[i], opt, &out[i]);
		else
			out[i] = (struct eval_tensor){.type = {.rank = 0}};
	}
	if (n->nout < 1 || n->out[0] == NULL)
		return true;
	ev.len = type_elems(&out[0].type);
	ev.bounds = opt->bounds;
	ev.dtype = n->out[0]->type.dtype;
	set_precision(&ev);
	ev.tmp = arena_new();
	ok = kernels[n->op](&ev);
	arena_free(ev.tmp);
	return ok;
}

bool
eval_node(struct arena *a, struct diag *d, const struct node *n,
    const struct eval_tensor *in, struct eval_tensor *out)
{
	const struct eval_options opt = {.round = true};
	struct arena *home[MAX_RESULTS];

	for (int i = 0; i < MAX_RESULTS; i++)
		home[i] = a;
	return run_node(home, d, &opt, n, in, out);
}

/* A value during the evaluation of a graph. Results live in an arena of
 * their own until the last node that reads them has run. */
struct slot {
	struct eval_tensor t;
	struct arena *arena;
	size_t reads; /* still to come; outputs and assignments never end */
	bool ready;
};

struct run {
	struct arena *a;
	struct diag *d;
	const struct graph *g;
	const struct eval_options *opt;
	struct slot *slots; /* by value id */
};

static void
observe(const struct run *r, const struct value *v)
{
	if (r->opt->observe != NULL)
		r->opt->observe(r->opt->user, v, &r->slots[v->id].t);
}

static bool
set_leaf(struct run *r, const struct value *v, const struct eval_tensor *t)
{
	struct slot *s = &r->slots[v->id];
	const char *name = v->name != NULL ? v->name : "?";
	char have[96], want[96];

	if (!fits_type(t, &v->type)) {
		diag_error(r->d, &v->loc, "value '%s' is %s, not %s", name,
		    type_str(&t->type, have, sizeof have),
		    type_str(&v->type, want, sizeof want));
		return false;
	}
	if (t->data == NULL && type_elems(&v->type) > 0) {
		diag_error(r->d, &v->loc, "value '%s' has no data", name);
		return false;
	}
	s->t = *t;
	if (!r->opt->bounds)
		s->t.bound = NULL;
	s->ready = true;
	observe(r, v);
	return true;
}

/* Data known in the graph: constants and initial values of states. The
 * kernels only read operands. */
static struct eval_tensor
known_data(const struct value *v)
{
	struct eval_tensor t = {.type = v->type};

	memcpy(&t.data, &v->data, sizeof t.data);
	return t;
}

static bool
set_leaves(struct run *r, const struct eval_tensor *inputs)
{
	const struct graph *g = r->g;

	for (size_t i = 0; i < g->inputs.len; i++) {
		if (!set_leaf(r, g->inputs.data[i], &inputs[i]))
			return false;
	}
	for (size_t i = 0; i < g->states.len; i++) {
		struct eval_tensor t = known_data(g->states.data[i]);

		if (r->opt->states != NULL && r->opt->states[i].data != NULL)
			t = r->opt->states[i];
		if (!set_leaf(r, g->states.data[i], &t))
			return false;
	}
	return true;
}

static void
keep(struct run *r, const struct value *v)
{
	r->slots[v->id].reads++; /* nothing takes this one back */
}

static void
count_reads(struct run *r)
{
	const struct graph *g = r->g;

	graph_foreach_node(g, n) {
		for (int i = 0; i < n->nin; i++) {
			if (n->in[i] != NULL)
				r->slots[n->in[i]->id].reads++;
		}
	}
	for (size_t i = 0; i < g->outputs.len; i++)
		keep(r, g->outputs.data[i]);
	for (size_t i = 0; i < g->assigns.len && r->opt->assigned != NULL; i++)
		keep(r, g->assigns.data[i].to);
}

static void
drop(struct slot *s)
{
	arena_free(s->arena);
	s->arena = NULL;
}

static bool
read_value(struct run *r, const struct value *v, struct eval_tensor *t)
{
	struct slot *s = &r->slots[v->id];

	if (!s->ready && v->kind == VALUE_CONST) {
		s->t = known_data(v);
		s->ready = true;
	}
	if (!s->ready) {
		diag_error(r->d, &v->loc, "value %u is read before it is set",
		    (unsigned)v->id);
		return false;
	}
	*t = s->t;
	return true;
}

static bool
step(struct run *r, const struct node *n)
{
	struct arena *a = arena_new(), *home[MAX_RESULTS] = {NULL};
	size_t nin = (size_t)(n->nin > 0 ? n->nin : 1);
	size_t nout = (size_t)(n->nout > 0 ? n->nout : 1);
	struct eval_tensor *in = NEW_ARRAY(a, struct eval_tensor, nin);
	struct eval_tensor *out = NEW_ARRAY(a, struct eval_tensor, nout);
	bool ok = true;

	for (int i = 0; i < n->nout; i++)
		home[i] = arena_new();
	for (int i = 0; i < n->nin && ok; i++)
		ok = n->in[i] == NULL || read_value(r, n->in[i], &in[i]);
	ok = ok && run_node(home, r->d, r->opt, n, in, out);
	for (int i = 0; i < n->nout && ok; i++) {
		struct slot *s;

		if (n->out[i] == NULL)
			continue;
		s = &r->slots[n->out[i]->id];
		*s = (struct slot){out[i], home[i], s->reads, true};
		home[i] = NULL;
		observe(r, n->out[i]);
	}
	for (int i = 0; i < n->nout; i++)
		arena_free(home[i]);
	arena_free(a);
	return ok;
}

static void
release_read(struct run *r, const struct node *n)
{
	for (int i = 0; i < n->nin; i++) {
		if (n->in[i] != NULL && --r->slots[n->in[i]->id].reads == 0)
			drop(&r->slots[n->in[i]->id]);
	}
	for (int i = 0; i < n->nout; i++) {
		if (n->out[i] != NULL && r->slots[n->out[i]->id].reads == 0)
			drop(&r->slots[n->out[i]->id]);
	}
}

/* Copies a value out to the caller's arena. */
static bool
deliver(
    struct run *r, const struct value *v, struct eval_tensor *t, double **bound)
{
	size_t n = (size_t)type_elems(&v->type), room = n > 0 ? n : 1;
	struct eval_tensor from;

	if (!read_value(r, v, &from))
		return false;
	*t = from;
	t->data = arena_calloc(r->a, room, dtype_size(from.type.dtype));
	if (n > 0)
		memcpy(t->data, from.data, n * dtype_size(from.type.dtype));
	t->bound = NULL;
	if (!r->opt->bounds)
		return true;
	t->bound = NEW_ARRAY(r->a, double, room);
	if (from.bound != NULL && n > 0)
		memcpy(t->bound, from.bound, n * sizeof *t->bound);
	if (bound != NULL)
		*bound = t->bound;
	return true;
}

static bool
deliver_all(struct run *r, struct eval_tensor *outputs, double **bounds)
{
	const struct graph *g = r->g;

	for (size_t i = 0; i < g->outputs.len; i++) {
		if (!deliver(r, g->outputs.data[i], &outputs[i],
			bounds != NULL ? &bounds[i] : NULL))
			return false;
	}
	for (size_t i = 0; i < g->assigns.len && r->opt->assigned != NULL;
	     i++) {
		if (!deliver(
			r, g->assigns.data[i].to, &r->opt->assigned[i], NULL))
			return false;
	}
	return true;
}

bool
eval_graph(struct arena *a, struct diag *d, const struct graph *g,
    const struct eval_options *opt, const struct eval_tensor *inputs,
    struct eval_tensor *outputs, double **bounds)
{
	struct arena *own = arena_new();
	struct eval_options o = *opt;
	struct run r = {a, d, g, &o, NULL};
	bool ok;

	o.bounds = opt->bounds || bounds != NULL;
	r.slots = NEW_ARRAY(own, struct slot, g->nvalues > 0 ? g->nvalues : 1);
	count_reads(&r);
	ok = set_leaves(&r, inputs);
	for (const struct node *n = g->first; n != NULL && ok; n = n->next) {
		ok = step(&r, n);
		if (ok)
			release_read(&r, n);
	}
	ok = ok && deliver_all(&r, outputs, bounds);
	for (uint32_t i = 0; i < g->nvalues; i++)
		drop(&r.slots[i]);
	arena_free(own);
	return ok;
}

bool
eval_within(double want, double got, double bound)
{
	if (isinf(bound) || want == got)
		return true;
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got);
	return fabs(got - want) <= bound;
}
