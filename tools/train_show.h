/* What a person sees of a training: a bar on a terminal, lines otherwise, and
 * a row of a table for each epoch. */
#ifndef WAVE_TOOLS_TRAIN_SHOW_H
#define WAVE_TOOLS_TRAIN_SHOW_H

#include <stdio.h>

#include "runtime/train.h"

struct train_show {
	FILE *out;
	bool terminal; /* a bar that is redrawn */
	int64_t epochs, batches, samples; /* of an epoch; of a batch */
	int64_t tests;                    /* batches of an evaluation */
	double begin, epoch_begin; /* seconds */
	double next;               /* when the bar may be drawn again */
	int64_t first_step;        /* of this run of the command */
	int64_t epoch_first;       /* first step seen of the epoch */
	bool header;               /* of the table was shown */
	bool drawn;                /* a bar stands in the line */
	double speed;              /* steps a second, a running mean */
	double last;               /* time of the last step */
	double test_time;          /* seconds the last evaluation took */
};

void show_begin(struct train_show *s, FILE *out, bool terminal,
    const struct trainer_position *at);
/* accuracy of the epoch so far, NaN: unknown */
void show_step(struct train_show *s, const struct trainer_step_done *e,
    double accuracy);
void show_test(struct train_show *s, int64_t done, int64_t batches);
/* cycles of a step on the machine, 0: unknown */
void show_epoch(struct train_show *s, const struct trainer_epoch_done *e,
    int64_t cycles);
/* Removes the bar, so that other text can follow. */
void show_clear(struct train_show *s);

/* Seconds since some moment; only differences mean something. */
double show_clock(void);

/* "1:02" or "3:00:12"; "152,331"; both into buf of at least 32 bytes. */
const char *show_time(double seconds, char *buf);
const char *show_count(int64_t n, char *buf);

#endif
