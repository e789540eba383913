/* What the simulated machine did in a step of training. */
#ifndef WAVE_TOOLS_TRAIN_FIGURES_H
#define WAVE_TOOLS_TRAIN_FIGURES_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "runtime/sim/stats.h"

struct train_figures {
	int64_t steps;  /* counted; 0: nothing below is set */
	int64_t cycles; /* all of one step */
	double time_s, utilization, matrix_utilization;
	int64_t dram_read, dram_write, macs;
	double energy_j;
};

/* Takes the figures of the device's last run. */
void train_figures_take(struct train_figures *f, const struct sim_stats *s);

/* A few lines for a person; a step has that many samples. */
void train_figures_print(FILE *out, const struct train_figures *f,
    const char *target, int64_t samples);

/* Adds them to a record of the log. */
void train_figures_log(cJSON *record, const struct train_figures *f,
    int64_t samples);

#endif
