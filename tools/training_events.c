/* What happens in a training reaches the screen and the log. */
#include "tools/training.h"

#include <math.h>
#include <string.h>

#include "runtime/sim/sim.h"
#include "tools/train_nan.h"

/* ---- steps ---- */

static void
log_step(struct training *w, const struct trainer_step_done *e)
{
	cJSON *o = train_log_record("step");

	(void)cJSON_AddNumberToObject(o, "step", (double)e->at.step);
	(void)cJSON_AddNumberToObject(o, "epoch", (double)(e->at.epoch + 1));
	(void)cJSON_AddNumberToObject(o, "loss", e->loss);
	(void)cJSON_AddNumberToObject(o, "lr", e->lr);
	train_log_put(&w->log, o);
}

static void
on_step(void *user, const struct trainer_step_done *e)
{
	struct training *w = user;

	train_figures_take(&w->figures, sim_stats(w->t.dev));
	show_step(&w->show, e, trainer_accuracy(&e->at));
	if (w->log.file != NULL && e->at.step % w->args.log_every == 0)
		log_step(w, e);
}

static void
on_test(void *user, int64_t done, int64_t batches)
{
	struct training *w = user;

	show_test(&w->show, done, batches);
}

/* ---- epochs ---- */

/* A training that was killed between an epoch's last step and its record goes
 * on with the record and has run no step: what one takes is known without. */
static void
need_figures(struct training *w)
{
	struct sim_options o = {.timing_only = true};
	struct device *dev;

	if (w->figures.steps > 0)
		return;
	dev = sim_open(w->dr.program, &o, &w->dr.diag);
	if (dev == NULL)
		return;
	if (dev->ops->run(dev, "step", &w->dr.diag))
		train_figures_take(&w->figures, sim_stats(dev));
	dev->ops->close(dev);
}

static void
on_epoch(void *user, const struct trainer_epoch_done *e)
{
	struct training *w = user;
	cJSON *o = train_log_record("epoch");

	need_figures(w);
	w->test = e->test;
	(void)cJSON_AddNumberToObject(o, "epoch", (double)e->epoch);
	(void)cJSON_AddNumberToObject(o, "step", (double)e->step);
	(void)cJSON_AddNumberToObject(o, "train_loss", e->loss);
	if (!isnan(e->accuracy))
		(void)cJSON_AddNumberToObject(o, "train_accuracy",
		    e->accuracy);
	train_log_score(o, &e->test);
	(void)cJSON_AddNumberToObject(o, "lr", e->lr);
	if (w->figures.steps > 0)
		(void)cJSON_AddNumberToObject(o, "cycles_per_step",
		    (double)w->figures.cycles);
	(void)cJSON_AddNumberToObject(o, "seconds",
	    show_clock() - w->show.epoch_begin);
	train_log_put(&w->log, o);
	show_epoch(&w->show, e, w->figures.cycles);
}

/* ---- a loss that is not finite ---- */

static void
on_diverged(void *user, const struct trainer_diverged *e)
{
	struct training *w = user;
	struct not_finite found;
	struct diag *d = &w->dr.diag;

	show_clear(&w->show);
	printf("step %lld is not finite: computing it again to find where "
	    "that began\n", (long long)e->step + 1);
	(void)fflush(stdout);
	if (!find_not_finite(d, w->dr.graph, e, w->t.x.name, w->t.y.name,
	    &found))
		return;
	report_not_finite(d, e, &found);
	if (w->saved)
		fprintf(stderr, "wavetrain: note: %s holds the state after "
		    "step %lld\n", w->args.checkpoint,
		    (long long)w->saved_step);
}

static void
on_saved(void *user, const struct trainer_position *at)
{
	struct training *w = user;

	w->saved = true;
	w->saved_step = at->step;
}

struct trainer_events
training_events(struct training *w)
{
	return (struct trainer_events){.step = on_step, .test = on_test,
	    .epoch = on_epoch, .diverged = on_diverged, .saved = on_saved,
	    .user = w};
}

/* ---- both ends of the log ---- */

static int64_t
parameters(const struct training *w)
{
	int64_t n = 0;

	for (size_t i = 0; i < w->dr.graph->states.len; i++) {
		const struct value *v = w->dr.graph->states.data[i];

		if (v->trainable)
			n += type_elems(&v->type);
	}
	return n;
}

void
training_log_run(struct training *w, int argc, char **argv)
{
	cJSON *o = train_log_record("run");
	cJSON *command = cJSON_AddArrayToObject(o, "command");
	const struct trainer *t = &w->t;

	for (int i = 0; i < argc; i++)
		(void)cJSON_AddItemToArray(command,
		    cJSON_CreateString(argv[i]));
	(void)cJSON_AddNumberToObject(o, "step", (double)t->at.step);
	(void)cJSON_AddStringToObject(o, "model", w->dr.o.input);
	(void)cJSON_AddStringToObject(o, "target",
	    w->dr.program->target.name);
	(void)cJSON_AddStringToObject(o, "data", w->args.data);
	(void)cJSON_AddNumberToObject(o, "seed", (double)w->seed);
	(void)cJSON_AddNumberToObject(o, "epochs", (double)t->opt.epochs);
	(void)cJSON_AddNumberToObject(o, "batch", (double)t->x.dim[0]);
	(void)cJSON_AddNumberToObject(o, "steps_per_epoch",
	    (double)t->data.train_batches);
	(void)cJSON_AddNumberToObject(o, "parameters",
	    (double)parameters(w));
	(void)cJSON_AddStringToObject(o, "options", t->opt.options);
	train_log_put(&w->log, o);
}

void
training_log_end(struct training *w, enum trainer_end end)
{
	static const char *const status[] = {[TRAINER_DONE] = "done",
	    [TRAINER_CANCELLED] = "interrupted",
	    [TRAINER_DIVERGED] = "not finite", [TRAINER_FAILED] = "failed"};
	cJSON *o = train_log_record("end");

	(void)cJSON_AddStringToObject(o, "status", status[end]);
	(void)cJSON_AddNumberToObject(o, "step", (double)w->t.at.step);
	train_log_score(o, &w->test);
	train_figures_log(o, &w->figures, w->t.x.dim[0]);
	(void)cJSON_AddNumberToObject(o, "seconds",
	    show_clock() - w->began);
	train_log_put(&w->log, o);
}
