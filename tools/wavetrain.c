/* wavetrain: trains a model on the simulated accelerator. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/sim/sim.h"
#include "tools/train_rate.h"
#include "tools/training.h"

#define DEFAULT_BATCH 64 /* of an ONNX model; a .net says it */

static volatile sig_atomic_t stop; /* the signal that came */

static void
on_signal(int sig)
{
	stop = sig;
}

/* The first signal ends the training after its step, the second at once. A
 * full disk is an error of the write, not a signal. */
static void
catch_signals(void)
{
	struct sigaction once = {.sa_handler = on_signal,
	    .sa_flags = (int)SA_RESETHAND};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)sigaction(SIGINT, &once, NULL);
	(void)sigaction(SIGTERM, &once, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL);
}

/* Messages come between two drawings of the bar. */
static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct training *w = user;

	if (w->show.drawn)
		show_clear(&w->show);
	w->report(w->report_user, level, loc, text);
}

/* ---- before training ---- */

/* The checkpoint to go on from. One that is not there yet is none. */
static bool
read_checkpoint(struct training *w)
{
	const char *path = w->args.checkpoint;
	struct diag *d = &w->dr.diag;

	if (path == NULL)
		return true;
	if (access(path, F_OK) != 0) {
		if (w->args.resume)
			printf("no checkpoint %s yet: training begins\n",
			    path);
		return true;
	}
	if (!w->args.resume) {
		printf("%s will be replaced; --resume would go on from it\n",
		    path);
		return true;
	}
	if (!checkpoint_read(w->dr.arena, d, path, &w->from))
		return false;
	w->resumed = true;
	if (w->args.seed >= 0 && (uint64_t)w->args.seed != w->from.seed) {
		diag_error(d, &(struct loc){.file = path}, "the checkpoint "
		    "is of seed %llu, not %lld",
		    (unsigned long long)w->from.seed,
		    (long long)w->args.seed);
		return false;
	}
	w->dr.o.seed = (int64_t)w->from.seed;
	return true;
}

/* A softmax at the end, which the loss takes off, gives probabilities. */
static bool
is_softmax(const struct node *n)
{
	return n != NULL && n->op == OP_softmax;
}

static bool
compile(struct training *w)
{
	struct driver *dr = &w->dr;

	if (!driver_check(dr) || !driver_target(dr))
		return false;
	if (!driver_is_graph(dr)) {
		diag_error(&dr->diag, NULL, "%s is no model that can be "
		    "trained; one ends in .net, .onnx or .wgr", dr->o.input);
		return false;
	}
	if (dr->o.batch == 0 && driver_has_suffix(dr->o.input, ".onnx"))
		dr->o.batch = DEFAULT_BATCH;
	if (!driver_read(dr))
		return false;
	w->probabilities = is_softmax(dr->graph->outputs.len > 0 ?
	    dr->graph->outputs.data[0]->def : NULL);
	if (!driver_train(dr))
		return false;
	return training_can_export(w) && driver_passes(dr) &&
	    driver_tile(dr) && driver_code(dr) && dr->diag.errors == 0;
}

/* Whether entry `step` yields the output, too. */
static bool
step_yields(const struct training *w, const char *output)
{
	const struct graph *g = w->dr.graph;

	for (size_t i = 0; i < g->outputs.len; i++)
		if (strcmp(g->output_names.data[i], output) == 0)
			return true;
	return false;
}

static bool
open_machine(struct training *w)
{
	struct sim_options opt = {.check = w->args.check,
	    .threads = w->args.threads};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct trainer *t = &w->t;

	if (opt.threads == 0)
		opt.threads = cores > 0 && cores < 256 ? (int)cores : 1;
	t->arena = w->dr.arena;
	t->diag = &w->dr.diag;
	t->program = w->dr.program;
	t->dev = sim_open(t->program, &opt, t->diag);
	return t->dev != NULL && trainer_open(t, NULL);
}

static bool
prepare_loop(struct training *w)
{
	const struct net_train *net = &w->dr.train;
	struct trainer *t = &w->t;
	int64_t epochs = w->args.epochs > 0 ? w->args.epochs :
	    net->epochs > 0 ? net->epochs : 1;

	w->rate = train_rate_open(w->dr.arena, &w->dr.diag, w->args.lr, net,
	    epochs, w->data.source.train_batches);
	if (w->rate == NULL)
		return false;
	t->data = w->data.source;
	t->events = training_events(w);
	t->opt = (struct trainer_options){.epochs = epochs,
	    .lr = train_rate_at, .lr_user = w->rate, .seed = w->seed,
	    .checkpoint = w->args.checkpoint,
	    .save_every = w->args.save_every, .cancel = &stop,
	    .probabilities = w->probabilities,
	    .step_output = step_yields(w, t->output->name)};
	t->opt.options = training_text(w);
	w->show.epochs = epochs;
	w->show.batches = t->data.train_batches;
	w->show.tests = t->data.test_batches;
	w->show.samples = t->x.dim[0];
	return true;
}

static bool
begin(struct training *w)
{
	struct trainer *t = &w->t;

	if (!trainer_init(t))
		return false;
	if (!w->resumed)
		return true;
	if (!trainer_resume(t, w->args.checkpoint, &w->from))
		return false;
	w->saved = true;
	w->saved_step = t->at.step;
	if (strcmp(w->from.options, t->opt.options) != 0)
		diag_warning(t->diag, NULL, "so far it was trained with: %s; "
		    "now: %s", w->from.options, t->opt.options);
	printf("going on after step %lld, epoch %lld\n",
	    (long long)t->at.step, (long long)t->at.epoch + 1);
	return true;
}

static bool
prepare(struct training *w)
{
	struct diag *d = &w->dr.diag;

	if (!train_data_open(&w->data, w->dr.arena, d, w->args.data) ||
	    !read_checkpoint(w) || !compile(w) || !open_machine(w))
		return false;
	w->seed = (uint64_t)w->dr.o.seed;
	return train_data_fits(&w->data, d, &w->t) &&
	    train_data_divide(&w->data, w->dr.arena, d, w->t.x.dim[0],
	    w->seed, w->args.augment) && prepare_loop(w) && begin(w) &&
	    train_log_open(&w->log, d, w->args.log,
	    w->resumed ? &w->t.at : NULL);
}

/* ---- the training ---- */

static void
print_head(const struct training *w)
{
	const struct trainer *t = &w->t;

	printf("%s on %s: %lld samples, %lld for tests; %lld epoch%s of "
	    "%lld steps of %lld\n%s\n", w->dr.o.input, t->program->target.name,
	    (long long)w->data.train->count, (long long)w->data.test->count,
	    (long long)t->opt.epochs, t->opt.epochs == 1 ? "" : "s",
	    (long long)t->data.train_batches, (long long)t->x.dim[0],
	    t->opt.options);
	(void)fflush(stdout);
}

static int
finish(struct training *w, enum trainer_end end)
{
	const struct trainer *t = &w->t;
	bool ok = !t->unsaved && !(end == TRAINER_DONE &&
	    t->diag->errors > 0 && t->opt.checkpoint == NULL);

	show_clear(&w->show);
	if (end == TRAINER_CANCELLED)
		printf("interrupted after step %lld, epoch %lld%s%s\n",
		    (long long)t->at.step, (long long)t->at.epoch + 1,
		    t->opt.checkpoint == NULL ? "" : t->unsaved ?
		    ": not saved" : ": saved; --resume goes on from ",
		    t->opt.checkpoint == NULL || t->unsaved ? "" :
		    t->opt.checkpoint);
	else if (end == TRAINER_DONE)
		ok = training_show_end(w) && training_export(w) && ok;
	training_log_end(w, end);
	ok = train_log_close(&w->log) && ok;
	if (fflush(stdout) != 0) {
		diag_error(&w->dr.diag, NULL, "cannot write to standard "
		    "output");
		ok = false;
	}
	return ok && (end == TRAINER_DONE || end == TRAINER_CANCELLED) ? 0 :
	    1;
}

static int
train(struct training *w, int argc, char **argv)
{
	enum trainer_end end;
	int status;

	if (!prepare(w))
		return 1;
	print_head(w);
	training_log_run(w, argc, argv);
	catch_signals();
	w->began = show_clock();
	show_begin(&w->show, stdout, isatty(STDOUT_FILENO) != 0, &w->t.at);
	end = trainer_run(&w->t);
	/* nothing was left to train: say how good it is all the same */
	if (end == TRAINER_DONE && w->test.answers == 0 &&
	    !trainer_test(&w->t, &w->test))
		end = stop != 0 ? TRAINER_CANCELLED : TRAINER_FAILED;
	status = finish(w, end);
	return end == TRAINER_CANCELLED && status == 0 ? 128 + stop : status;
}

static int
run(struct training *w, int argc, char **argv)
{
	switch (train_args_parse(&w->args, w->dr.arena, argc, argv)) {
	case TRAIN_ANSWERED: return 0;
	case TRAIN_USAGE: return 2;
	case TRAIN_GO: break;
	}
	switch (wavecc_parse(&w->dr.o, (int)w->args.compiler.len,
	    w->args.compiler.data)) {
	case WAVECC_DONE: return 0;
	case WAVECC_BAD: return 1;
	case WAVECC_USAGE: return 2;
	case WAVECC_COMPILE: break;
	}
	return train(w, argc, argv);
}

int
main(int argc, char **argv)
{
	struct training *w = calloc(1, sizeof *w);
	int status;

	if (w == NULL)
		wave_oom(sizeof *w);
	driver_start(&w->dr, "wavetrain");
	w->report = w->dr.diag.fn;
	w->report_user = w->dr.diag.user;
	w->dr.diag.fn = report;
	w->dr.diag.user = w;
	status = run(w, argc, argv);
	if (w->t.dev != NULL)
		w->t.dev->ops->close(w->t.dev);
	driver_end(&w->dr);
	free(w);
	return status;
}
