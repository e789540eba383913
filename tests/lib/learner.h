/* A device that learns by hand: y = W x + b by stochastic gradient descent
 * with momentum on the mean squared error, for tests of the training loop. */
#ifndef WAVE_TESTS_LIB_LEARNER_H
#define WAVE_TESTS_LIB_LEARNER_H

#include "runtime/device.h"

#define LEARNER_N 4   /* samples of a batch */
#define LEARNER_IN 3
#define LEARNER_OUT 2
#define LEARNER_MEMORY 512

struct learner {
	struct device dev;
	uint8_t memory[LEARNER_MEMORY];
	struct wave_program program;
	long steps, evals;
	long fails_at; /* this step does not run; 0: all do */
};

/* Fills in the program and the operations. The weight lies transposed and with
 * gaps, in which other states lie. */
void learner_open(struct learner *l);

#endif
