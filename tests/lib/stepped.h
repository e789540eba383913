/* Training steps on the simulator against the reference evaluator: outputs
 * and the states that a step leaves. */
#ifndef WAVE_TESTS_LIB_STEPPED_H
#define WAVE_TESTS_LIB_STEPPED_H

#include "runtime/device.h"
#include "runtime/sim/stats.h"
#include "tests/lib/compiled.h"
#include "tests/lib/unit.h"

/* Builds the same graph for the same seed. */
typedef struct graph *stepped_fn(struct unit *u, uint64_t seed);

/* What was compared. */
struct stepped {
	long runs, tiled, elements, open; /* open: no finite bound */
};

/* Compiles and runs the graph under the checker and compares every output and
 * assigned state with the evaluator within its bounds; then serialized code,
 * which must give the same bits. False with the reason in u->last. */
bool stepped_agrees(struct unit *u, stepped_fn *fn, uint64_t seed,
    const struct compile_how *how, struct stepped *s);

/* Results of a step: outputs, then assigned states. */
struct stepped_set {
	struct eval_tensor *t;
	size_t n;
};

/* One run of p, code of m, under the checker; stats may be NULL. */
bool stepped_run(struct unit *u, const struct compiled *m,
    const struct wave_program *p, const struct eval_tensor *in,
    struct stepped_set *out, struct sim_stats *stats);
/* The same by the evaluator, with bounds. */
bool stepped_evaluate(struct unit *u, const struct graph *g,
    const struct eval_tensor *in, struct stepped_set *want);
/* Whether got is within the bounds of want, and whether two are equal; the
 * reason goes to u->last with `what` in front. */
bool stepped_within(struct unit *u, const char *what,
    const struct stepped_set *want, const struct stepped_set *got,
    struct stepped *s);
bool stepped_same(struct unit *u, const char *what,
    const struct stepped_set *a, const struct stepped_set *b);

/* Elements of a binding in row-major order, from or to the device. */
void stepped_read(struct unit *u, struct device *dev,
    const struct wave_program *p, const char *name, void *out);
void stepped_write(struct unit *u, struct device *dev,
    const struct wave_program *p, const char *name, const void *data);

/* Floats from -2 to 2, exact in f16; small integers. */
void *stepped_random(struct unit *u, const struct tensor_type *t,
    uint64_t *seed);

#endif
