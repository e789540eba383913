#include "tools/cc_train.h"

#include <math.h>
#include <string.h>

#include "support/str.h"

/* One "key=value", "key" or "no-key" of a comma-separated list. */
struct setting {
	const char *key, *value; /* NULL: none */
};

static bool
next_setting(struct arena *a, const char **text, struct setting *s)
{
	size_t n = strcspn(*text, ",");
	char *one, *eq;

	if (**text == '\0')
		return false;
	one = arena_strndup(a, *text, n);
	*text += n;
	*text += **text == ',';
	eq = strchr(one, '=');
	if (eq != NULL)
		*eq = '\0';
	s->key = one;
	s->value = eq != NULL ? eq + 1 : NULL;
	return true;
}

/* A setting that is a number or a switch. */
struct key {
	const char *name;
	double *number;
	bool *flag;
};

static bool
read_flag(const char *value, bool *out)
{
	if (value == NULL || strcmp(value, "1") == 0 ||
	    strcmp(value, "true") == 0)
		*out = true;
	else if (strcmp(value, "0") == 0 || strcmp(value, "false") == 0)
		*out = false;
	else
		return false;
	return true;
}

static bool
apply(struct arena *a, const char *what, const char *text,
    const struct key *keys, size_t n, const char **why)
{
	struct setting s;

	while (next_setting(a, &text, &s)) {
		const struct key *k = keys;

		while (k < keys + n && strcmp(k->name, s.key) != 0)
			k++;
		if (k == keys + n) {
			*why = arena_printf(a, "%s has no setting '%s'", what,
			    s.key);
			return false;
		}
		if (k->flag != NULL ? !read_flag(s.value, k->flag) :
		    s.value == NULL || !parse_double(s.value, k->number)) {
			*why = arena_printf(a, "%s: '%s' wants a %s", what,
			    s.key, k->flag != NULL ? "truth value" :
			    "number");
			return false;
		}
	}
	return true;
}

static bool
set_loss(struct arena *a, const char *text, struct train_options *o,
    const char **why)
{
	size_t n = strcspn(text, ",");
	const struct key keys[] = {{"smoothing", &o->smoothing, NULL}};
	bool ce = n == 13 && strncmp(text, "cross_entropy", n) == 0;

	if (!ce && !(n == 3 && strncmp(text, "mse", n) == 0)) {
		*why = "-floss wants cross_entropy or mse";
		return false;
	}
	o->loss = ce ? LOSS_SOFTMAX_CROSS_ENTROPY : LOSS_MSE;
	o->smoothing = 0;
	text += n;
	return apply(a, ce ? "cross_entropy" : "mse", text + (*text == ','),
	    keys, ce ? 1 : 0, why);
}

static bool
set_optimizer(struct arena *a, const char *text, struct train_options *o,
    const char **why)
{
	size_t n = strcspn(text, ",");
	const struct key sgd[] = {
	    {"weight_decay", &o->weight_decay, NULL},
	    {"decay_norms", NULL, &o->decay_vectors},
	    {"momentum", &o->momentum, NULL},
	    {"nesterov", NULL, &o->nesterov}};
	const struct key adam[] = {
	    {"weight_decay", &o->weight_decay, NULL},
	    {"decay_norms", NULL, &o->decay_vectors},
	    {"decoupled", NULL, &o->decoupled},
	    {"beta1", &o->beta1, NULL}, {"beta2", &o->beta2, NULL},
	    {"epsilon", &o->epsilon, NULL}};
	bool is_sgd = n == 3 && strncmp(text, "sgd", n) == 0;
	struct train_options fresh;

	if (!is_sgd && !(n == 4 && strncmp(text, "adam", n) == 0)) {
		*why = "-foptimizer wants sgd or adam";
		return false;
	}
	train_options_init(&fresh);
	o->optimizer = is_sgd ? OPTIMIZER_SGD : OPTIMIZER_ADAM;
	o->momentum = fresh.momentum;
	o->nesterov = fresh.nesterov;
	o->weight_decay = fresh.weight_decay;
	o->decay_vectors = fresh.decay_vectors;
	o->beta1 = fresh.beta1;
	o->beta2 = fresh.beta2;
	o->epsilon = fresh.epsilon;
	o->decoupled = fresh.decoupled;
	text += n;
	return is_sgd ? apply(a, "sgd", text + (*text == ','), sgd,
		sizeof sgd / sizeof *sgd, why) :
	    apply(a, "adam", text + (*text == ','), adam,
		sizeof adam / sizeof *adam, why);
}

static void
from_net(const struct net_train *net, struct train_options *o)
{
	if (net->loss != NET_LOSS_NONE)
		o->loss = net->loss == NET_MSE ? LOSS_MSE :
		    LOSS_SOFTMAX_CROSS_ENTROPY;
	o->smoothing = net->smoothing;
	if (net->optimizer == NET_OPTIMIZER_NONE)
		return;
	o->optimizer = net->optimizer == NET_ADAM ? OPTIMIZER_ADAM :
	    OPTIMIZER_SGD;
	o->momentum = net->momentum;
	o->nesterov = net->nesterov;
	o->weight_decay = net->weight_decay;
	o->decay_vectors = net->decay_norms;
	if (net->optimizer == NET_ADAM) {
		o->beta1 = net->beta1;
		o->beta2 = net->beta2;
		o->epsilon = net->epsilon;
	}
}

bool
cc_train_options(const struct cc_train *t, struct arena *a,
    const struct net_train *net, struct train_options *out, const char **why)
{
	*why = NULL;
	train_options_init(out);
	if (net != NULL && net->given)
		from_net(net, out);
	out->keep_gradients = t->keep_gradients;
	if (t->loss_scale > 0)
		out->loss_scale = t->loss_scale;
	if (t->accumulate > 0)
		out->accumulate = t->accumulate;
	return (t->loss == NULL || set_loss(a, t->loss, out, why)) &&
	    (t->optimizer == NULL || set_optimizer(a, t->optimizer, out, why));
}

/* ---- the command line ---- */

static const char *
after(const char *arg, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(arg, prefix, n) == 0 ? arg + n : NULL;
}

const char *
cc_train_idle(const struct cc_train *t)
{
	return t->on ? NULL : t->loss != NULL ? "-floss" :
	    t->optimizer != NULL ? "-foptimizer" :
	    t->freeze != NULL ? "-ffreeze" :
	    t->loss_scale > 0 ? "-floss-scale" :
	    t->accumulate > 0 ? "-faccumulate" :
	    t->samples > 0 ? "-fsamples" :
	    t->keep_gradients ? "-fkeep-gradients" :
	    t->paper ? "-fstate=paper" :
	    t->mbs.variant != MBS_NONE ? "-fmbs" : NULL;
}

static const char *
positive(const char *text, int64_t *out, const char *what)
{
	return parse_int64(text, out) && *out >= 1 && *out <= MAX_DIM ? NULL :
	    what;
}

static const char *
set_freeze(struct cc_train *t, const char *text)
{
	t->freeze = text;
	return regcomp(&t->freeze_re, text, REG_EXTENDED | REG_NOSUB) == 0 ?
	    NULL : "-ffreeze wants a regular expression over names of "
	    "parameters";
}

static const char *
set_texts(struct cc_train *t, struct arena *a)
{
	struct train_options o;
	const char *why;

	cc_train_options(t, a, NULL, &o, &why);
	return why;
}

static const char *
set_mbs(struct cc_train *t, struct arena *a, const char *text)
{
	size_t n = strcspn(text, ",");

	t->mbs.variant = mbs_parse(arena_strndup(a, text, n));
	t->mbs.fused = strcmp(text + n, ",fused") == 0;
	if (t->mbs.variant == MBS_NONE ||
	    (text[n] != '\0' && !t->mbs.fused) ||
	    (t->mbs.fused && t->mbs.variant > MBS_IL))
		return "-fmbs wants baseline, archopt, il (each perhaps with "
		    ",fused), fs, mbs1, mbs2 or optimal";
	return NULL;
}

static bool
take_switch(struct cc_train *t, const char *arg)
{
	if (strcmp(arg, "-ftrain") == 0)
		t->on = true;
	else if (strcmp(arg, "-fno-train") == 0)
		t->on = false;
	else if (strcmp(arg, "-fkeep-gradients") == 0)
		t->keep_gradients = true;
	else if (strcmp(arg, "-fno-keep-gradients") == 0)
		t->keep_gradients = false;
	else if (strcmp(arg, "-fstate=paper") == 0)
		t->paper = true;
	else if (strcmp(arg, "-fstate=mixed") == 0)
		t->paper = false;
	else if (strcmp(arg, "-fbn-variance=unbiased") == 0)
		t->unbiased = true;
	else if (strcmp(arg, "-fbn-variance=population") == 0)
		t->unbiased = false;
	else
		return false;
	return true;
}

bool
cc_train_option(struct cc_train *t, struct arena *a, const char *arg,
    const char **why)
{
	const char *v;

	*why = NULL;
	if (take_switch(t, arg))
		return true;
	if ((v = after(arg, "-floss=")) != NULL) {
		t->loss = v;
		*why = set_texts(t, a);
	} else if ((v = after(arg, "-foptimizer=")) != NULL) {
		t->optimizer = v;
		*why = set_texts(t, a);
	} else if ((v = after(arg, "-ffreeze=")) != NULL) {
		*why = set_freeze(t, v);
	} else if ((v = after(arg, "-floss-scale=")) != NULL) {
		if (!parse_double(v, &t->loss_scale) ||
		    !(t->loss_scale > 0) || !isfinite(t->loss_scale))
			*why = "-floss-scale wants a positive number";
	} else if ((v = after(arg, "-faccumulate=")) != NULL) {
		*why = positive(v, &t->accumulate, "-faccumulate wants a "
		    "positive number of steps");
	} else if ((v = after(arg, "-fsamples=")) != NULL) {
		*why = positive(v, &t->samples, "-fsamples wants a positive "
		    "number of samples");
	} else if ((v = after(arg, "-fmbs=")) != NULL) {
		*why = set_mbs(t, a, v);
	} else if ((v = after(arg, "-fmbs-objective=")) != NULL) {
		t->mbs.objective = strcmp(v, "time") == 0 ? MBS_TIME :
		    MBS_TRAFFIC;
		if (strcmp(v, "time") != 0 && strcmp(v, "traffic") != 0)
			*why = "-fmbs-objective wants traffic or time";
	} else if (after(arg, "-fstate=") != NULL) {
		*why = "-fstate wants mixed or paper";
	} else if (after(arg, "-fbn-variance=") != NULL) {
		*why = "-fbn-variance wants population or unbiased";
	} else {
		return false;
	}
	return true;
}
