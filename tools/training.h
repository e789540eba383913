/* A run of wavetrain: what its parts share. */
#ifndef WAVE_TOOLS_TRAINING_H
#define WAVE_TOOLS_TRAINING_H

#include "tools/driver.h"
#include "tools/train_args.h"
#include "tools/train_data.h"
#include "tools/train_figures.h"
#include "tools/train_log.h"
#include "tools/train_show.h"

struct training {
	struct train_args args;
	struct driver dr;
	struct checkpoint from; /* --resume: where it goes on */
	bool resumed;
	uint64_t seed;
	bool probabilities; /* that is what the model's first output is */
	struct train_data data;
	struct train_rate *rate; /* the schedule */
	struct trainer t;
	struct train_show show;
	struct train_log log;
	struct train_figures figures;
	double began; /* of training, on show_clock */
	struct score test; /* the last one */
	bool saved;        /* the checkpoint is of this training */
	int64_t saved_step;
	diag_fn *report; /* prints messages; they come between bars */
	void *report_user;
};

/* For --export: whether ONNX has words for the model; writes it with the
 * present values of its states. Nothing without --export. */
bool training_can_export(struct training *w);
bool training_export(struct training *w);

/* What the numbers depend on beside model, seed and data, in one line:
 * "batch 64, lr 0.05, loss cross_entropy, sgd, momentum 0.9". */
const char *training_text(struct training *w);

/* The events of the loop: bar, table, log. */
struct trainer_events training_events(struct training *w);

/* The records of the log at both ends. */
void training_log_run(struct training *w, int argc, char **argv);
void training_log_end(struct training *w, enum trainer_end end);

/* After the last epoch: some predictions, and the machine's figures. */
bool training_show_end(struct training *w);

#endif
