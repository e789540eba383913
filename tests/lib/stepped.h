/* Training steps on the simulator against the reference evaluator: outputs
 * and the states that a step leaves. */
#ifndef WAVE_TESTS_LIB_STEPPED_H
#define WAVE_TESTS_LIB_STEPPED_H

#include "runtime/device.h"
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

/* Elements of a binding in row-major order, from or to the device. */
void stepped_read(struct unit *u, struct device *dev,
    const struct wave_program *p, const char *name, void *out);
void stepped_write(struct unit *u, struct device *dev,
    const struct wave_program *p, const char *name, const void *data);

/* Floats from -2 to 2, exact in f16; small integers. */
void *stepped_random(struct unit *u, const struct tensor_type *t,
    uint64_t *seed);

#endif
