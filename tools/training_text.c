/* The settings of a training in one line. */
#include "tools/training.h"

#include "tools/train_rate.h"

/* ", NAME V" where V is not what goes without saying. */
static void
add_number(struct strbuf *s, const char *name, double v, double usual)
{
	if (v == usual)
		return;
	strbuf_addf(s, ", %s ", name);
	strbuf_add_double(s, v);
}

static void
add_optimizer(struct strbuf *s, const struct train_options *o)
{
	if (o->optimizer == OPTIMIZER_ADAM) {
		strbuf_add(s, ", adam");
		add_number(s, "beta1", o->beta1, 0.9);
		add_number(s, "beta2", o->beta2, 0.999);
		add_number(s, "epsilon", o->epsilon, 1e-8);
	} else {
		strbuf_add(s, ", sgd");
		add_number(s, "momentum", o->momentum, 0);
		if (o->nesterov)
			strbuf_add(s, ", nesterov");
	}
	add_number(s, "weight decay", o->weight_decay, 0);
	if (o->weight_decay != 0 && o->decoupled)
		strbuf_add(s, ", decoupled");
	if (o->weight_decay != 0 && !o->decay_vectors)
		strbuf_add(s, ", not on norms and biases");
}

const char *
training_text(struct training *w)
{
	const struct train_options *o = &w->dr.train_options;
	struct strbuf s = {0};
	const char *text;

	strbuf_addf(&s, "batch %lld, lr ", (long long)w->t.x.dim[0]);
	train_rate_print(w->rate, &s);
	strbuf_addf(&s, ", loss %s", o->loss == LOSS_MSE ? "mse" :
	    "cross_entropy");
	add_number(&s, "smoothing", o->smoothing, 0);
	add_optimizer(&s, o);
	add_number(&s, "loss scale", o->loss_scale, 1);
	add_number(&s, "accumulate", (double)o->accumulate, 1);
	if (w->args.augment != NULL)
		strbuf_addf(&s, ", augment %s", w->args.augment);
	if (w->dr.o.passes.precision != DT_NONE)
		strbuf_addf(&s, ", %s",
		    dtype_name(w->dr.o.passes.precision));
	if (w->dr.o.train.freeze != NULL)
		strbuf_addf(&s, ", frozen %s", w->dr.o.train.freeze);
	text = arena_strndup(w->dr.arena, s.data, s.len);
	strbuf_free(&s);
	return text;
}
