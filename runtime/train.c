#include "runtime/train.h"

#include <math.h>
#include <string.h>

#include "runtime/bind.h"
#include "support/dtype.h"

bool
trainer_init(struct trainer *t)
{
	t->at = (struct trainer_position){0};
	return t->dev->ops->run(t->dev, "init", t->diag);
}

/* ---- states ---- */

bool
trainer_resume(struct trainer *t, const char *path,
    const struct checkpoint *c)
{
	struct arena *a = arena_new();
	bool ok = checkpoint_matches(t->diag, path, c,
	    states_tensors(a, &t->states, NULL), t->states.n);

	arena_free(a);
	if (ok && c->batches != t->data.train_batches) {
		diag_error(t->diag, &(struct loc){.file = path}, "the "
		    "checkpoint is of epochs of %lld batches, not %lld: other "
		    "data or another batch", (long long)c->batches,
		    (long long)t->data.train_batches);
		ok = false;
	}
	if (!ok || !states_load(t->diag, t->dev, &t->states, c->tensor))
		return false;
	t->at = (struct trainer_position){c->epoch, c->index, c->step,
	    c->loss_sum, c->right, c->answers};
	return true;
}

struct checkpoint_tensor *
trainer_states(struct trainer *t, struct arena *a)
{
	if (!states_read(t->diag, t->dev, &t->states, &t->now))
		return NULL;
	return states_tensors(a, &t->states, &t->now);
}

/* Writes the states of t->now. */
static void
save(struct trainer *t)
{
	struct arena *a;
	struct checkpoint c = {.step = t->at.step, .epoch = t->at.epoch,
	    .index = t->at.index, .batches = t->data.train_batches,
	    .seed = t->opt.seed, .loss_sum = t->at.loss_sum,
	    .right = t->at.right, .answers = t->at.answers,
	    .options = t->opt.options != NULL ? t->opt.options : "",
	    .ntensors = t->states.n};

	if (t->opt.checkpoint == NULL)
		return;
	a = arena_new();
	c.tensor = states_tensors(a, &t->states, &t->now);
	t->unsaved = !checkpoint_write(t->diag, t->opt.checkpoint, &c);
	arena_free(a);
	if (!t->unsaved && t->events.saved != NULL)
		t->events.saved(t->events.user, &t->at);
}

/* ---- a step ---- */

static bool
cancelled(const struct trainer *t)
{
	return t->opt.cancel != NULL && *t->opt.cancel != 0;
}

static bool
write_batch(struct trainer *t, bool labels)
{
	struct arena *a = arena_new();
	bool ok = bind_write(a, t->diag, t->dev, &t->x, &t->batch.x, "data") &&
	    (!labels ||
	    bind_write(a, t->diag, t->dev, &t->y, &t->batch.y, "data"));

	arena_free(a);
	return ok;
}

static bool
write_lr(struct trainer *t, double lr)
{
	struct arena *a = arena_new();
	float v = (float)lr;
	struct npy n = {.dtype = DT_F32, .bytes = sizeof v, .data = &v};
	bool ok = bind_write(a, t->diag, t->dev, t->lr, &n, "schedule");

	arena_free(a);
	return ok;
}

static bool
read_loss(struct trainer *t, double *loss)
{
	float v;

	if (!t->dev->ops->read(t->dev, t->loss->address, &v, sizeof v)) {
		diag_error(t->diag, NULL, "'loss' lies outside the device's "
		    "memory");
		return false;
	}
	*loss = (double)v;
	return true;
}

/* Counts the right answers among the step's outputs. */
static bool
count_right(struct trainer *t)
{
	struct arena *a;
	struct npy output;
	struct score s = {0};
	bool ok;

	if (!t->opt.step_output || !dtype_is_int(t->y.dtype))
		return true;
	a = arena_new();
	ok = bind_read(a, t->diag, t->dev, t->output, &output);
	if (ok)
		score_add(&s, &output, &t->batch.y, t->batch.valid);
	arena_free(a);
	t->at.right += s.right;
	t->at.answers += s.answers;
	return ok;
}

double
trainer_accuracy(const struct trainer_position *at)
{
	return at->answers > 0 ? (double)at->right / (double)at->answers :
	    (double)NAN;
}

static void
tell_diverged(struct trainer *t, double loss, double lr, const char *state)
{
	struct arena *a = arena_new();
	struct trainer_diverged e = {.step = t->at.step,
	    .epoch = t->at.epoch, .index = t->at.index, .loss = loss,
	    .lr = lr, .state = state, .batch = &t->batch,
	    .before = states_tensors(a, &t->states, &t->before),
	    .nstates = t->states.n};

	if (t->events.diverged != NULL)
		t->events.diverged(t->events.user, &e);
	arena_free(a);
}

/* t->now, the states before the step, becomes those after it. */
static enum trainer_end
one_step(struct trainer *t)
{
	double lr = t->opt.lr(t->opt.lr_user, t->at.epoch, t->at.index);
	struct states_image swap = t->before;
	const struct wave_binding *bad;
	struct trainer_step_done e;
	double loss;

	t->before = t->now;
	t->now = swap;
	if (!t->data.fill(t->data.user, t->diag, TRAINER_TRAIN, t->at.epoch,
	        t->at.index, &t->batch) || !write_batch(t, true) ||
	    !write_lr(t, lr) || !t->dev->ops->run(t->dev, "step", t->diag) ||
	    !read_loss(t, &loss) ||
	    !states_read(t->diag, t->dev, &t->states, &t->now))
		return TRAINER_FAILED;
	bad = states_not_finite(&t->states, &t->now);
	if (!isfinite(loss) || bad != NULL) {
		tell_diverged(t, loss, lr, isfinite(loss) ? bad->name : NULL);
		return TRAINER_DIVERGED;
	}
	if (!count_right(t))
		return TRAINER_FAILED;
	t->at.step++;
	t->at.index++;
	t->at.loss_sum += loss;
	t->last_lr = lr;
	e = (struct trainer_step_done){t->at, loss, lr};
	if (t->events.step != NULL)
		t->events.step(t->events.user, &e);
	return TRAINER_DONE;
}

/* ---- evaluation ---- */

bool
trainer_predict(struct trainer *t, struct arena *a, struct npy *output)
{
	return write_batch(t, false) &&
	    t->dev->ops->run(t->dev, "eval", t->diag) &&
	    bind_read(a, t->diag, t->dev, t->output, output);
}

bool
trainer_test(struct trainer *t, struct score *s)
{
	*s = (struct score){.probabilities = t->opt.probabilities};
	for (int64_t i = 0; i < t->data.test_batches; i++) {
		struct arena *a;
		struct npy output;
		bool ok;

		if (cancelled(t) || !t->data.fill(t->data.user, t->diag,
		    TRAINER_TEST, 0, i, &t->batch))
			return false;
		a = arena_new();
		ok = trainer_predict(t, a, &output);
		if (ok)
			score_add(s, &output, &t->batch.y, t->batch.valid);
		arena_free(a);
		if (!ok)
			return false;
		if (t->events.test != NULL)
			t->events.test(t->events.user, i + 1,
			    t->data.test_batches);
	}
	return true;
}

/* ---- the loop ---- */

static enum trainer_end
end_epoch(struct trainer *t)
{
	unsigned errors = t->diag->errors;
	struct trainer_epoch_done e = {.epoch = t->at.epoch + 1,
	    .step = t->at.step, .lr = t->last_lr,
	    .loss = t->at.loss_sum / (double)t->data.train_batches,
	    .accuracy = trainer_accuracy(&t->at)};

	if (!trainer_test(t, &e.test)) {
		if (t->diag->errors > errors)
			return TRAINER_FAILED;
		save(t); /* to be evaluated when training goes on */
		return TRAINER_CANCELLED;
	}
	t->at = (struct trainer_position){.epoch = t->at.epoch + 1,
	    .step = t->at.step};
	/* First told, then saved: who keeps a log and is cut in between finds
	 * the epoch twice, not never. */
	if (t->events.epoch != NULL)
		t->events.epoch(t->events.user, &e);
	save(t);
	return TRAINER_DONE;
}

static enum trainer_end
one_epoch(struct trainer *t)
{
	while (t->at.index < t->data.train_batches) {
		enum trainer_end end;

		if (cancelled(t)) {
			save(t);
			return TRAINER_CANCELLED;
		}
		end = one_step(t);
		if (end != TRAINER_DONE)
			return end;
		if (t->opt.save_every > 0 &&
		    t->at.step % t->opt.save_every == 0)
			save(t);
	}
	return end_epoch(t);
}

enum trainer_end
trainer_run(struct trainer *t)
{
	enum trainer_end end = TRAINER_DONE;

	if (!states_read(t->diag, t->dev, &t->states, &t->now))
		return TRAINER_FAILED;
	t->last_lr = t->opt.lr(t->opt.lr_user, t->at.epoch,
	    t->at.index > 0 ? t->at.index - 1 : 0);
	while (end == TRAINER_DONE && t->at.epoch < t->opt.epochs)
		end = one_epoch(t);
	return end;
}
