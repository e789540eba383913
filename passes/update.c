/* The optimizer as ops of the graph. Every state is assigned once; a step
 * that must not count assigns the old value by select. */
#include "passes/update.h"

#include "passes/rewrite.h"

#include <float.h>
#include <string.h>

struct update {
	struct graph *g;
	const struct train_options *o;
	struct value *lr;
	struct value *apply; /* bool: the update counts; NULL: it does */
	struct value *full;  /* bool: the last micro-step; NULL: all are */
	struct value *c1, *c2; /* adam: 1 - beta^t of this step */
};

static struct value *
bin(struct update *u, enum op op, struct value *x, struct value *y)
{
	return build_binary(u->g, op, x, y, DT_NONE, NULL);
}

/* The update computes in f32 at least, whatever gradients and states are
 * stored in. */
static struct value *
wide(struct update *u, struct value *v)
{
	if (v->type.dtype != DT_F16 && v->type.dtype != DT_BF16)
		return v;
	return mk_cast(u->g, v, DT_F32, NULL);
}

/* state := to, rounded to what it is stored in. */
static void
store(struct update *u, struct value *state, struct value *to)
{
	if (to->type.dtype != state->type.dtype)
		to = mk_cast(u->g, to, state->type.dtype, NULL);
	graph_assign(u->g, state, to);
}

/* Constant with the dtype of like. */
static struct value *
k(struct update *u, const struct value *like, double v)
{
	return build_scalar(u->g, like->type.dtype, v);
}

static struct value *
times(struct update *u, struct value *x, double v)
{
	return v == 1 ? x : bin(u, OP_mul, x, k(u, x, v));
}

static struct value *
choose(struct update *u, struct value *c, struct value *x, struct value *y)
{
	struct value *in[3] = {c, x, y};

	if (c == NULL)
		return x;
	return build_op(u->g, OP_select, in, 3, NULL, 0, DT_NONE, NULL);
}

/* A state of this type, zero at first. */
static struct value *
zero_state(struct update *u, const char *name, const struct tensor_type *t)
{
	void *data = arena_calloc(u->g->arena,
	    (size_t)type_elems(t) + 1, dtype_size(t->dtype));

	return graph_state(u->g, name, t, data, false);
}

static struct value *
state_of(struct update *u, const struct value *p, const char *what)
{
	const char *name = arena_printf(u->g->arena, "%s.%s", p->name, what);

	return zero_state(u, name, &p->type);
}

/* state := to, where the update counts. */
static void
assign(struct update *u, struct value *state, struct value *to)
{
	if (to->type.dtype != state->type.dtype)
		to = choose(u, u->apply, to, wide(u, state));
	else
		to = choose(u, u->apply, to, state);
	store(u, state, to);
}

/* v as the state stores it: what follows reads that, so that v itself need
 * not be kept. */
static struct value *
rounded(struct update *u, const struct value *state, struct value *v)
{
	return state->type.dtype == v->type.dtype ? v :
	    mk_cast(u->g, v, state->type.dtype, NULL);
}

/* The gradient of weight decay goes into g. */
static struct value *
decayed(struct update *u, struct value *p, struct value *g)
{
	bool takes = u->o->decay_vectors || p->type.rank > 1;

	if (u->o->weight_decay == 0 || !takes || u->o->decoupled)
		return g;
	return bin(u, OP_add, g, times(u, wide(u, p), u->o->weight_decay));
}

static void
sgd(struct update *u, struct value *p, struct value *g)
{
	double momentum = u->o->momentum;
	struct value *buf, *v;

	g = decayed(u, p, g);
	if (momentum != 0) {
		buf = state_of(u, p, "momentum");
		v = bin(u, OP_add, times(u, wide(u, buf), momentum), g);
		v = rounded(u, buf, v);
		assign(u, buf, v);
		v = wide(u, v);
		g = u->o->nesterov
		    ? bin(u, OP_add, g, times(u, v, momentum)) : v;
	}
	assign(u, p, bin(u, OP_sub, wide(u, p), bin(u, OP_mul, g, u->lr)));
}

/* 1 - beta^t: c := beta c + (1 - beta), which loses no digits. */
static struct value *
correction(struct update *u, const char *name, double beta)
{
	struct tensor_type t = type_make(DT_F32, 0, NULL);
	struct value *c = zero_state(u, name, &t), *next;

	next = bin(u, OP_add, times(u, c, beta), k(u, c, 1 - beta));
	assign(u, c, next);
	return next;
}

static void
adam(struct update *u, struct value *p, struct value *g)
{
	const struct train_options *o = u->o;
	struct value *m = state_of(u, p, "adam_m");
	struct value *v = state_of(u, p, "adam_v"), *q = wide(u, p), *s;
	bool decay = o->decoupled && o->weight_decay != 0 &&
	    (o->decay_vectors || p->type.rank > 1);

	g = decayed(u, p, g);
	s = times(u, bin(u, OP_mul, g, g), 1 - o->beta2);
	g = bin(u, OP_add, times(u, wide(u, m), o->beta1),
	    times(u, g, 1 - o->beta1));
	s = bin(u, OP_add, times(u, wide(u, v), o->beta2), s);
	assign(u, m, g);
	assign(u, v, s);
	s = build_unary(u->g, OP_sqrt, s, DT_NONE, NULL);
	s = bin(u, OP_div, s,
	    build_unary(u->g, OP_sqrt, u->c2, DT_NONE, NULL));
	s = bin(u, OP_div, g, bin(u, OP_add, s, k(u, s, o->epsilon)));
	s = bin(u, OP_mul, s, bin(u, OP_div, u->lr, u->c1));
	if (decay)
		q = bin(u, OP_sub, q, bin(u, OP_mul, q,
		    times(u, u->lr, o->weight_decay)));
	assign(u, p, bin(u, OP_sub, q, s));
}

/* true where all elements of g are finite. */
static struct value *
finite(struct update *u, struct value *g)
{
	double most = g->type.dtype == DT_F64 ? DBL_MAX : (double)FLT_MAX;

	g = build_unary(u->g, OP_abs, g, DT_NONE, NULL);
	if (g->type.rank > 0)
		g = mk_reduce(u->g, OP_reduce_max, g, NULL, 0, false, DT_NONE,
		    NULL);
	return bin(u, OP_less_equal, g, k(u, g, most));
}

/* Adds up micro-steps: NAME.sum and the number of steps so far. */
static void
accumulate(struct update *u, struct value *const *params,
    struct value **grads, size_t n)
{
	struct tensor_type t = type_make(DT_I64, 0, NULL);
	struct value *count = zero_state(u, "train.micro_step", &t), *next;

	next = bin(u, OP_add, count, k(u, count, 1));
	u->full = bin(u, OP_equal, next,
	    k(u, next, (double)u->o->accumulate));
	graph_assign(u->g, count, choose(u, u->full, k(u, next, 0), next));
	for (size_t i = 0; i < n; i++) {
		struct value *sum;

		if (grads[i] == NULL)
			continue;
		sum = state_of(u, params[i], "sum");
		grads[i] = bin(u, OP_add, wide(u, sum), grads[i]);
		store(u, sum, choose(u, u->full, k(u, grads[i], 0),
		    grads[i]));
	}
}

static void
keep(struct update *u, const struct value *p, struct value *g)
{
	if (g->kind != VALUE_NODE)
		g = build_unary(u->g, OP_identity, g, DT_NONE, NULL);
	graph_output(u->g, g,
	    arena_printf(u->g->arena, "grad.%s", p->name));
}

static void
guard(struct update *u, struct value **grads, size_t n)
{
	u->apply = u->full;
	for (size_t i = 0; i < n && u->o->loss_scale != 1; i++) {
		struct value *ok;

		if (grads[i] == NULL)
			continue;
		ok = finite(u, grads[i]);
		u->apply = u->apply == NULL ? ok
		                            : bin(u, OP_and, u->apply, ok);
	}
}

void
append_update(struct graph *g, const struct train_options *o,
    struct value *const *params, struct value **grads, size_t n)
{
	struct tensor_type scalar = type_make(DT_F32, 0, NULL);
	struct update u = {.g = g, .o = o};
	struct node *mark = g->last;

	u.lr = graph_input(g, "lr", &scalar);
	for (size_t i = 0; i < n; i++)
		if (grads[i] != NULL)
			grads[i] = wide(&u, grads[i]);
	if (o->accumulate > 1)
		accumulate(&u, params, grads, n);
	guard(&u, grads, n);
	if (o->optimizer == OPTIMIZER_ADAM) {
		u.c1 = correction(&u, "adam.correction1", o->beta1);
		u.c2 = correction(&u, "adam.correction2", o->beta2);
	}
	for (size_t i = 0; i < n; i++) {
		if (grads[i] == NULL)
			continue;
		grads[i] = times(&u, grads[i], 1 / o->loss_scale);
		if (o->keep_gradients)
			keep(&u, params[i], grads[i]);
		if (o->optimizer == OPTIMIZER_ADAM)
			adam(&u, params[i], grads[i]);
		else
			sgd(&u, params[i], grads[i]);
	}
	for (mark = mark->next; mark != NULL; mark = mark->next)
		mark->phase = "update";
}
