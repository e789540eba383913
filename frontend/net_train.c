/* The train section. */
#include "frontend/net_run.h"

#include <math.h>
#include <string.h>

static struct val
done(void)
{
	return (struct val){.kind = VAL_NONE};
}

/* False after a report when v is outside of lo to hi (hi itself only where
 * closed). */
static bool
between(struct call *c, const char *name, double v, double lo, double hi,
    bool closed)
{
	if (v >= lo && (v < hi || (closed && v <= hi)))
		return true;
	call_error(c, "'%s' must be at least %g and %s %g", name, lo,
	    closed ? "at most" : "below", hi);
	return false;
}

static struct val
set_cross_entropy(struct call *c)
{
	struct net_train *t = c->r->train;

	t->loss = NET_CROSS_ENTROPY;
	t->smoothing = call_float(c, "smoothing");
	return between(c, "smoothing", t->smoothing, 0, 1, false) ? done() :
	    val_error();
}

static struct val
set_mse(struct call *c)
{
	c->r->train->loss = NET_MSE;
	return done();
}

/* What all optimizers have. */
static bool
set_decay(struct call *c)
{
	struct net_train *t = c->r->train;

	t->weight_decay = call_float(c, "weight_decay");
	t->decay_norms = call_bool(c, "decay_norms");
	return between(c, "weight_decay", t->weight_decay, 0, 1e6, true);
}

static struct val
set_sgd(struct call *c)
{
	struct net_train *t = c->r->train;

	t->optimizer = NET_SGD;
	t->momentum = call_float(c, "momentum");
	t->nesterov = call_bool(c, "nesterov");
	if (!set_decay(c) || !between(c, "momentum", t->momentum, 0, 1,
	    false))
		return val_error();
	if (t->nesterov && !(t->momentum > 0))
		return call_error(c, "nesterov needs a momentum");
	return done();
}

static struct val
set_adam(struct call *c)
{
	struct net_train *t = c->r->train;

	t->optimizer = NET_ADAM;
	t->beta1 = call_float(c, "beta1");
	t->beta2 = call_float(c, "beta2");
	t->epsilon = call_float(c, "epsilon");
	if (!set_decay(c) || !between(c, "beta1", t->beta1, 0, 1, false) ||
	    !between(c, "beta2", t->beta2, 0, 1, false) ||
	    !between(c, "epsilon", t->epsilon, 0, 1, true))
		return val_error();
	return done();
}

/* Learning rate and warm-up. */
static bool
set_rate(struct call *c, enum net_schedule kind)
{
	struct net_train *t = c->r->train;

	t->schedule = kind;
	t->lr = call_float(c, "lr");
	t->warmup = call_int(c, "warmup");
	if (!(t->lr > 0) || !isfinite(t->lr)) {
		call_error(c, "'lr' must be positive");
		return false;
	}
	return between(c, "warmup", (double)t->warmup, 0, 1e6, true);
}

static struct val
set_constant(struct call *c)
{
	return set_rate(c, NET_CONSTANT) ? done() : val_error();
}

static struct val
set_cosine(struct call *c)
{
	struct net_train *t = c->r->train;

	if (!set_rate(c, NET_COSINE))
		return val_error();
	t->final = call_float(c, "final");
	return between(c, "final", t->final, 0, t->lr, true) ? done() :
	    val_error();
}

/* Ascending positive epochs. */
static bool
set_epochs(struct call *c, struct val l)
{
	struct net_train *t = c->r->train;
	size_t n = l.kind == VAL_LIST ? l.l->n : 1;
	int64_t *at = NEW_ARRAY(c->r->arena, int64_t, n + 1);

	for (size_t i = 0; i < n; i++) {
		at[i] = l.kind == VAL_LIST ? l.l->v[i].i : l.i;
		if (at[i] < 1 || (i > 0 && at[i] <= at[i - 1])) {
			call_error(c, "'at' must be ascending epochs from "
			    "1 on");
			return false;
		}
	}
	t->at = at;
	t->nat = n;
	return true;
}

static struct val
set_step(struct call *c)
{
	struct net_train *t = c->r->train;
	struct val at = call_arg(c, "at");

	if (!set_rate(c, NET_STEP))
		return val_error();
	t->gamma = call_float(c, "gamma");
	if (!between(c, "gamma", t->gamma, 0, 1, true))
		return val_error();
	if (call_given(c, "every") == call_given(c, "at"))
		return call_error(c, "give either 'every' or 'at'");
	if (call_given(c, "at"))
		return set_epochs(c, at) ? done() : val_error();
	t->every = call_int(c, "every");
	return between(c, "every", (double)t->every, 1, 1e6, true) ? done() :
	    val_error();
}

/* A setting that takes one of several words with arguments. */
struct choice {
	const char *key;
	struct builtin b;
};

#define DECAY "weight_decay:f=0 decay_norms:b=true"
static const struct choice choices[] = {
	{"loss", {"cross_entropy", "smoothing:f=0", "", set_cross_entropy,
	    false, 0}},
	{"loss", {"mse", "", "", set_mse, false, 0}},
	{"optimizer", {"sgd", "momentum:f=0 nesterov:b=false " DECAY, "",
	    set_sgd, false, 0}},
	{"optimizer", {"adam", "beta1:f=0.9 beta2:f=0.999 epsilon:f=1e-8 "
	    DECAY, "", set_adam, false, 0}},
	{"schedule", {"constant", "lr:f warmup:i=0", "", set_constant, false,
	    0}},
	{"schedule", {"step", "lr:f gamma:f=0.1 every:i=none at:l=none "
	    "warmup:i=0", "", set_step, false, 0}},
	{"schedule", {"cosine", "lr:f final:f=0 warmup:i=0", "", set_cosine,
	    false, 0}},
};

#define NCHOICES (sizeof choices / sizeof *choices)

/* "a, b or c" of what key takes. */
static const char *
words_of(struct run *r, const char *key)
{
	const char *s = NULL;

	for (size_t i = 0; i < NCHOICES; i++)
		if (strcmp(choices[i].key, key) == 0)
			s = s == NULL ? choices[i].b.name :
			    arena_printf(r->arena, "%s or %s", s,
				choices[i].b.name);
	return s;
}

static void
set_choice(struct run *r, const struct setting *s)
{
	const struct expr *e = s->value;
	bool word = e->kind == EXPR_CALL || e->kind == EXPR_NAME;

	for (size_t i = 0; word && i < NCHOICES; i++)
		if (strcmp(choices[i].key, s->key) == 0 &&
		    strcmp(choices[i].b.name, e->s) == 0) {
			run_builtin(r, e, &choices[i].b);
			return;
		}
	run_error(r, e->pos, "%s is %s, not %s", s->key,
	    words_of(r, s->key), word ? e->s : "a value");
}

static void
set_count(struct run *r, const struct setting *s, int64_t *out)
{
	struct val v = run_expr(r, s->value);

	if (v.kind == VAL_ERROR)
		return;
	if (v.kind != VAL_INT || v.i < 1 || v.i > MAX_DIM)
		run_error(r, s->value->pos, "%s must be a positive integer, "
		    "not %s", s->key, val_text(r, v));
	else
		*out = v.i;
}

void
run_train(struct run *r, const struct settings *list)
{
	struct net_train *t = r->train;

	t->given = true;
	for (size_t i = 0; i < list->list.len && !r->stopped; i++) {
		const struct setting *s = &list->list.data[i];
		bool twice = false;

		for (size_t k = 0; k < i; k++)
			twice = twice ||
			    strcmp(list->list.data[k].key, s->key) == 0;
		if (twice)
			run_error(r, s->pos, "%s is given twice", s->key);
		else if (strcmp(s->key, "batch") == 0)
			set_count(r, s, &t->batch);
		else if (strcmp(s->key, "epochs") == 0)
			set_count(r, s, &t->epochs);
		else if (words_of(r, s->key) != NULL)
			set_choice(r, s);
		else
			run_error(r, s->pos, "a train section has loss, "
			    "optimizer, schedule, batch and epochs, not "
			    "'%s'", s->key);
	}
}
