/* The log of a training: one JSON object a line. runtime/TRAINING.md lists
 * the records. */
#ifndef WAVE_TOOLS_TRAIN_LOG_H
#define WAVE_TOOLS_TRAIN_LOG_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "runtime/train.h"

struct train_log {
	struct diag *diag;
	const char *path; /* NULL: no log */
	FILE *file;
	bool failed;
};

/* Begins the log at path ("-" is standard output; NULL: none). With at, an
 * existing one is continued: records of steps and epochs beyond at and the one
 * of the end are taken out. False after a diagnostic. */
bool train_log_open(struct train_log *l, struct diag *d, const char *path,
    const struct trainer_position *at);

/* A new record of this type, for numbers and texts to be added. */
cJSON *train_log_record(const char *type);

/* Writes the record and frees it. The first failure is reported, and the log
 * ends with it. */
void train_log_put(struct train_log *l, cJSON *record);

/* Adds the score of a test, where there is one. */
void train_log_score(cJSON *record, const struct score *s);

/* False when the log, at any time, could not be written. */
bool train_log_close(struct train_log *l);

#endif
