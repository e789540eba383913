/* The training loop, over a device that learns by hand. */
#include "runtime/train.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"
#include "tests/lib/learner.h"
#include "tests/lib/unit.h"

#define EPOCHS 4
#define BATCHES 5
#define TESTS 3

struct run {
	struct unit *u;
	struct learner l;
	struct trainer t;
	volatile sig_atomic_t cancel;
	int64_t cancel_at; /* step after which it is set */
	int64_t cancel_test;
	double lr;
	int64_t steps, epochs, saves; /* events seen */
	double loss[EPOCHS * BATCHES], epoch_loss[EPOCHS];
	struct score test[EPOCHS];
	struct trainer_diverged diverged;
	float weight_before;
};

/* Sample number n of a part: y = (x0 - x1, 2 x2 + 1). */
static bool
fill(void *user, struct diag *d, enum trainer_part part, int64_t epoch,
    int64_t index, struct trainer_batch *b)
{
	uint64_t seed = (uint64_t)(1 + index + 100 * epoch +
	    (part == TRAINER_TEST ? 5000 : 0));
	float *x = b->x.data, *y = b->y.data;

	(void)user;
	(void)d;
	for (int n = 0; n < LEARNER_N; n++, x += LEARNER_IN,
	    y += LEARNER_OUT) {
		for (int i = 0; i < LEARNER_IN; i++)
			x[i] = (float)(unit_random(&seed) >> 40) /
			    (float)(1 << 24);
		y[0] = x[0] - x[1];
		y[1] = 2 * x[2] + 1;
	}
	b->valid = part == TRAINER_TEST && index == TESTS - 1 ? 1 : LEARNER_N;
	return true;
}

static double
rate(void *user, int64_t epoch, int64_t index)
{
	const struct run *r = user;

	return r->lr / (double)(1 + epoch) + 1e-6 * (double)index;
}

static void
on_step(void *user, const struct trainer_step_done *e)
{
	struct run *r = user;

	r->loss[e->at.step - 1] = e->loss;
	r->steps++;
	if (e->at.step == r->cancel_at)
		r->cancel = 1;
}

static void
on_test(void *user, int64_t done, int64_t batches)
{
	struct run *r = user;

	assert_int_equal(batches, TESTS);
	if (done == r->cancel_test)
		r->cancel = 1;
}

static void
on_epoch(void *user, const struct trainer_epoch_done *e)
{
	struct run *r = user;

	r->epoch_loss[e->epoch - 1] = e->loss;
	r->test[e->epoch - 1] = e->test;
	r->epochs++;
}

static void
on_diverged(void *user, const struct trainer_diverged *e)
{
	struct run *r = user;

	r->diverged = *e;
	assert_string_equal(e->before[0].name, "W");
	r->weight_before = ((const float *)e->before[0].data)[1];
}

static void
on_saved(void *user, const struct trainer_position *at)
{
	struct run *r = user;

	assert_true(at->step > 0);
	r->saves++;
}

static struct run *
opened(struct unit *u, const char *checkpoint)
{
	struct run *r = NEW(u->arena, struct run);

	r->u = u;
	r->lr = 0.05;
	learner_open(&r->l);
	r->t = (struct trainer){.arena = u->arena, .diag = &u->diag,
	    .program = &r->l.program, .dev = &r->l.dev,
	    .data = {.fill = fill, .train_batches = BATCHES,
		.test_batches = TESTS},
	    .events = {on_step, on_test, on_epoch, on_diverged, on_saved, r},
	    .opt = {.epochs = EPOCHS, .lr = rate, .lr_user = r,
		.checkpoint = checkpoint, .cancel = &r->cancel, .seed = 7,
		.options = "by hand"}};
	assert_true(trainer_open(&r->t, NULL));
	assert_string_equal(r->t.x.name, "x");
	assert_string_equal(r->t.output->name, "y");
	assert_int_equal(r->t.states.n, 4);
	return r;
}

static struct run *
whole(struct unit *u, const char *checkpoint)
{
	struct run *r = opened(u, checkpoint);

	assert_true(trainer_init(&r->t));
	assert_int_equal(trainer_run(&r->t), TRAINER_DONE);
	return r;
}

static void
learns(void **state)
{
	struct unit *u = *state;
	struct run *r = whole(u, NULL);

	assert_int_equal(r->steps, EPOCHS * BATCHES);
	assert_int_equal(r->epochs, EPOCHS);
	assert_int_equal(r->saves, 0);
	assert_int_equal(r->l.evals, EPOCHS * TESTS);
	assert_true(r->epoch_loss[EPOCHS - 1] < r->epoch_loss[0] / 4);
	for (int i = 0; i < EPOCHS; i++) {
		double sum = 0;

		for (int k = 0; k < BATCHES; k++)
			sum += r->loss[BATCHES * i + k];
		assert_true(r->epoch_loss[i] == sum / BATCHES);
		/* the last batch of the test has one sample */
		assert_int_equal(r->test[i].answers,
		    LEARNER_OUT * (LEARNER_N * (TESTS - 1) + 1));
		assert_true(!!isnan(score_accuracy(&r->test[i])));
	}
	assert_true(score_loss(&r->test[3]) < score_loss(&r->test[0]));
}

/* Reads a checkpoint and goes on from it to the end. */
static struct run *
resumed(struct unit *u, const char *from, const char *to)
{
	struct run *r = opened(u, to);
	struct checkpoint c;

	assert_true(trainer_init(&r->t));
	assert_true(checkpoint_read(u->arena, &u->diag, from, &c));
	assert_true(trainer_resume(&r->t, from, &c));
	assert_int_equal(r->t.at.step, c.step);
	assert_int_equal(trainer_run(&r->t), TRAINER_DONE);
	return r;
}

static void
same_file(struct unit *u, const char *one, const char *two)
{
	char *x, *y;
	size_t n, m;

	assert_true(file_read(u->arena, &u->diag, one, 0, &x, &n));
	assert_true(file_read(u->arena, &u->diag, two, 0, &y, &m));
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
}

/* Stopped after any step and continued: the bits of a run without a break. */
static void
resumes_anywhere(void **state)
{
	struct unit *u = *state;
	char *full = unit_path(u, "full"), *part = unit_path(u, "part");
	struct run *want = whole(u, full), *r;

	assert_int_equal(want->saves, EPOCHS);
	for (int64_t i = 1; i <= EPOCHS * BATCHES; i++) {
		r = opened(u, part);
		r->cancel_at = i;
		assert_true(trainer_init(&r->t));
		assert_int_equal(trainer_run(&r->t), TRAINER_CANCELLED);
		assert_int_equal(r->steps, i);
		assert_int_equal(r->epochs, (i - 1) / BATCHES);
		r = resumed(u, part, part);
		assert_int_equal(r->steps, EPOCHS * BATCHES - i);
		same_file(u, full, part);
		assert_true(r->epoch_loss[EPOCHS - 1] ==
		    want->epoch_loss[EPOCHS - 1]);
		if (i > BATCHES && i <= 2 * BATCHES)
			assert_true(r->epoch_loss[1] == want->epoch_loss[1]);
	}
	assert_int_equal(u->diag.errors, 0);
	unlink(full);
	unlink(part);
}

/* Cancelled while the second epoch is evaluated: evaluated again. */
static void
cancelled_in_test(void **state)
{
	struct unit *u = *state;
	char *full = unit_path(u, "full"), *part = unit_path(u, "part");
	struct run *want = whole(u, full), *r = opened(u, part);

	r->cancel_test = 2;
	assert_true(trainer_init(&r->t));
	assert_int_equal(trainer_run(&r->t), TRAINER_CANCELLED);
	assert_int_equal(r->epochs, 0);
	r = resumed(u, part, part);
	assert_int_equal(r->epochs, EPOCHS);
	assert_true(r->epoch_loss[0] == want->epoch_loss[0]);
	assert_memory_equal(&r->test[0], &want->test[0], sizeof r->test[0]);
	same_file(u, full, part);
	unlink(full);
	unlink(part);
}

static void
saves_between(void **state)
{
	struct unit *u = *state;
	char *part = unit_path(u, "part");
	struct run *r = opened(u, part);
	struct checkpoint c;

	r->t.opt.save_every = 3;
	r->l.fails_at = 14;
	assert_true(trainer_init(&r->t));
	assert_int_equal(trainer_run(&r->t), TRAINER_FAILED);
	unit_expect_error(u, "the machine is broken");
	assert_int_equal(r->saves, 2 + 4);
	assert_true(checkpoint_read(u->arena, &u->diag, part, &c));
	assert_int_equal(c.step, 12);
	assert_int_equal(c.epoch, 2);
	assert_int_equal(c.index, 2);
	unlink(part);
}

static void
stops_when_not_finite(void **state)
{
	struct unit *u = *state;
	char *part = unit_path(u, "part");
	struct run *r = opened(u, part);
	struct checkpoint c;

	r->t.opt.save_every = 1;
	r->lr = 1e37;
	assert_true(trainer_init(&r->t));
	assert_int_equal(trainer_run(&r->t), TRAINER_DIVERGED);
	/* the second step overflows; the first was saved */
	assert_int_equal(r->steps, 1);
	assert_int_equal(r->diverged.step, 1);
	assert_true(!isfinite(r->diverged.loss));
	assert_null(r->diverged.state);
	assert_true(!!isfinite(r->weight_before));
	assert_true(fabsf(r->weight_before) > 1e30f);
	assert_true(checkpoint_read(u->arena, &u->diag, part, &c));
	assert_int_equal(c.step, 1);
	unlink(part);
}

static void
state_not_finite(void **state)
{
	struct unit *u = *state;
	struct run *r = opened(u, NULL);

	r->lr = (double)INFINITY;
	assert_true(trainer_init(&r->t));
	assert_int_equal(trainer_run(&r->t), TRAINER_DIVERGED);
	assert_int_equal(r->diverged.step, 0);
	assert_true(!!isfinite(r->diverged.loss));
	assert_string_equal(r->diverged.state, "W");
	assert_true(r->weight_before == 0.25f);
}

/* A checkpoint that cannot be written is reported, and training goes on. */
static void
unsaved(void **state)
{
	struct unit *u = *state;
	char *path = arena_printf(u->arena, "%s/none/c", unit_path(u, "d"));
	struct run *r = opened(u, path);

	assert_true(trainer_init(&r->t));
	assert_int_equal(trainer_run(&r->t), TRAINER_DONE);
	assert_true(r->t.unsaved);
	assert_int_equal(r->steps, EPOCHS * BATCHES);
	assert_int_equal(u->diag.errors, EPOCHS);
}

static void
refuses_others(void **state)
{
	struct unit *u = *state;
	char *part = unit_path(u, "part");
	struct run *r = whole(u, part);
	uint8_t before[LEARNER_MEMORY];
	struct checkpoint c;

	assert_true(checkpoint_read(u->arena, &u->diag, part, &c));
	r = opened(u, part);
	r->t.data.train_batches++;
	memcpy(before, r->l.memory, sizeof before);
	assert_false(trainer_resume(&r->t, part, &c));
	unit_expect_error(u, "of epochs of 5 batches, not 6");
	r->t.data.train_batches--;
	c.ntensors--;
	assert_false(trainer_resume(&r->t, part, &c));
	unit_expect_error(u, "it lacks tensor 'W.momentum'");
	assert_memory_equal(before, r->l.memory, sizeof before);
	unlink(part);
}

static void
no_training_object(void **state)
{
	struct unit *u = *state;
	struct learner l;
	struct trainer t = {.arena = u->arena, .diag = &u->diag,
	    .program = &l.program, .dev = &l.dev};
	struct wave_binding b[16];

	learner_open(&l);
	l.program.nentries = 2;
	assert_false(trainer_open(&t, NULL));
	unit_expect_error(u, "it has no entry 'eval'");
	l.program.nentries = 3;
	assert_false(trainer_open(&t, "z"));
	unit_expect_error(u, "the model has no output 'z'");
	memcpy(b, l.program.bindings, l.program.nbindings * sizeof *b);
	l.program.bindings = b;
	t.output = NULL;
	b[5].kind = WAVE_BIND_INPUT;
	assert_false(trainer_open(&t, NULL));
	unit_expect_error(u, "the inputs 'x' and 'W'; a data set feeds one");
	b[5].kind = WAVE_BIND_STATE;
	b[4].dim[0] = 3;
	t.output = NULL;
	assert_false(trainer_open(&t, NULL));
	unit_expect_error(u, "do not hold the same samples");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(learns),
		UNIT_TEST(resumes_anywhere),
		UNIT_TEST(cancelled_in_test),
		UNIT_TEST(saves_between),
		UNIT_TEST(stops_when_not_finite),
		UNIT_TEST(state_not_finite),
		UNIT_TEST(unsaved),
		UNIT_TEST(refuses_others),
		UNIT_TEST(no_training_object),
	};

	return cmocka_run_group_tests_name("runtime/train", tests, NULL, NULL);
}
