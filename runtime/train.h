/* The training loop over a device: batches go in, entry `step` runs, the loss
 * comes out. TRAINING.md describes it. */
#ifndef WAVE_RUNTIME_TRAIN_H
#define WAVE_RUNTIME_TRAIN_H

#include <signal.h>

#include "runtime/device.h"
#include "runtime/score.h"
#include "runtime/states.h"
#include "support/npy.h"

/* One call's worth of samples. The loop owns the arrays; x is f32 in the shape
 * of the model's input, y i64 labels or f32 targets. */
struct trainer_batch {
	struct npy x, y;
	int64_t valid; /* leading samples that count; the others are padding */
};

enum trainer_part { TRAINER_TRAIN, TRAINER_TEST };

/* Where batches come from. fill must be a function of its arguments only:
 * then training can go on at any step. */
struct trainer_data {
	bool (*fill)(void *user, struct diag *d, enum trainer_part part,
	    int64_t epoch, int64_t index, struct trainer_batch *b);
	void *user;
	int64_t train_batches; /* of an epoch, at least 1 */
	int64_t test_batches;  /* 0: no evaluation */
};

struct trainer_position {
	int64_t epoch; /* complete ones */
	int64_t index; /* batches done of the epoch that runs */
	int64_t step;  /* done since the beginning */
	double loss_sum; /* over the epoch that runs */
	int64_t right, answers; /* of training, likewise; answers 0: unknown */
};

struct trainer_step_done {
	struct trainer_position at; /* with this step */
	double loss, lr;
};

struct trainer_epoch_done {
	int64_t epoch, step; /* complete ones */
	double loss;         /* mean over the epoch's steps */
	double accuracy;     /* of training; NaN: unknown */
	double lr;           /* of its last step */
	struct score test;   /* answers 0: none */
};

/* A step whose loss, or a state after it, is not finite. */
struct trainer_diverged {
	int64_t step, epoch, index; /* of that step, from 0 */
	double loss, lr;
	const char *state; /* the first that is not finite, or NULL: the loss */
	const struct trainer_batch *batch;
	const struct checkpoint_tensor *before; /* the states before it */
	size_t nstates;
};

/* Any of them may be NULL. */
struct trainer_events {
	void (*step)(void *user, const struct trainer_step_done *e);
	void (*test)(void *user, int64_t done, int64_t batches);
	void (*epoch)(void *user, const struct trainer_epoch_done *e);
	void (*diverged)(void *user, const struct trainer_diverged *e);
	void (*saved)(void *user, const struct trainer_position *at);
	void *user;
};

struct trainer_options {
	int64_t epochs;
	double (*lr)(void *user, int64_t epoch, int64_t index);
	void *lr_user;
	bool step_output; /* the step yields the model's output, too */
	bool probabilities; /* that is what outputs are, not logits */
	const char *checkpoint; /* written after each epoch; NULL: never */
	int64_t save_every;     /* and after each so many steps; 0: not */
	uint64_t seed;          /* for the checkpoint */
	const char *options;    /* likewise */
	const volatile sig_atomic_t *cancel; /* not 0: stop after the step */
};

struct trainer {
	struct arena *arena;
	struct diag *diag;
	const struct wave_program *program;
	struct device *dev;
	struct trainer_data data;
	struct trainer_events events;
	struct trainer_options opt;
	struct wave_binding x, y; /* those of one step */
	const struct wave_binding *lr, *loss, *output;
	struct trainer_batch batch;
	struct states states;
	struct states_image before, now; /* of the states, around a step */
	struct trainer_position at;
	double last_lr;
	bool unsaved; /* the last attempt to write the checkpoint failed */
};

enum trainer_end {
	TRAINER_DONE,
	TRAINER_CANCELLED,
	TRAINER_DIVERGED,
	TRAINER_FAILED, /* after a diagnostic */
};

/* Share of right answers in training so far in this epoch; NaN: unknown. */
double trainer_accuracy(const struct trainer_position *at);

/* Finds entries and bindings of the program in t and makes room; t->arena,
 * diag, program and dev are set, all else is zero. output names the
 * model's output that is judged, NULL: the first. False after one error: no
 * training object, more than one input. */
bool trainer_open(struct trainer *t, const char *output);

/* Runs entry `init`: states to their initial values, position 0. */
bool trainer_init(struct trainer *t);

/* Takes states and position from a checkpoint read from path, after init. One
 * error when it is of another model, or of data with another number of
 * batches in an epoch; nothing is changed then. */
bool trainer_resume(struct trainer *t, const char *path,
    const struct checkpoint *c);

/* Trains from the present position to the end of the last epoch, with data,
 * events and opt as set in t. A checkpoint that cannot be written is an error
 * each time, and training goes on. */
enum trainer_end trainer_run(struct trainer *t);

/* The score on the test data. False after a diagnostic, and, without one,
 * when cancelled. */
bool trainer_test(struct trainer *t, struct score *s);

/* The model's output for the batch that t->batch holds; it lives in a. */
bool trainer_predict(struct trainer *t, struct arena *a, struct npy *output);

/* Dense copies of the states as they are now; NULL after a diagnostic. */
struct checkpoint_tensor *trainer_states(struct trainer *t, struct arena *a);

#endif
