/* Programs made up for tests of objects, assembly and the simulator's front
 * door: valid, with something of everything, of no use. */
#ifndef WAVE_TESTS_LIB_PROGRAM_H
#define WAVE_TESTS_LIB_PROGRAM_H

#include <wave/object.h>

#include "support/arena.h"

/* The same seed gives the same program. */
struct wave_program *random_program(struct arena *a, uint64_t seed);

#endif
