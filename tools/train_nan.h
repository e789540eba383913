/* Where a step that ended in a loss that is not finite went wrong. */
#ifndef WAVE_TOOLS_TRAIN_NAN_H
#define WAVE_TOOLS_TRAIN_NAN_H

#include "ir/graph.h"
#include "runtime/train.h"

/* The first value of a step that is not finite. */
struct not_finite {
	const struct value *value; /* NULL: there is none */
	int64_t element;           /* the first such element */
	double number;             /* and what it is */
};

/* Evaluates the graph of the step on the states and the batch it began with,
 * by the reference evaluator. x and y are the names of the inputs that take
 * the batch. False after a diagnostic. */
bool find_not_finite(struct diag *d, const struct graph *g,
    const struct trainer_diverged *e, const char *x, const char *y,
    struct not_finite *found);

/* The error that a person reads, at the layer where it began. */
void report_not_finite(struct diag *d, const struct trainer_diverged *e,
    const struct not_finite *found);

#endif
