/* Command line of wavetrain. */
#ifndef WAVE_TOOLS_TRAIN_ARGS_H
#define WAVE_TOOLS_TRAIN_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "support/arena.h"
#include "support/vec.h"

struct train_args {
	const char *data, *augment, *lr, *checkpoint, *export, *log;
	int64_t epochs, batch, seed; /* -1: not given */
	int64_t save_every, log_every;
	int threads;
	bool resume, check;
	VEC(char *) compiler; /* arguments for wavecc_parse, with its name */
};

enum train_action { TRAIN_GO, TRAIN_ANSWERED, TRAIN_USAGE };

/* Parses the arguments; what it does not know itself is left to the compiler.
 * Answers --help and --version on standard output; misuse is reported. */
enum train_action train_args_parse(struct train_args *t, struct arena *a,
    int argc, char **argv);

/* Reports misuse: what and the argument it is about. */
enum train_action train_usage(const char *what, const char *arg);

#endif
