/* Random tile programs that only read what was written, for small arrays. */
#ifndef WAVE_TESTS_LIB_TILE_GEN_H
#define WAVE_TESTS_LIB_TILE_GEN_H

#include "backend/tile.h"

/* A 4 x 4 array without limits on memory. */
void tile_gen_target(struct wave_target *t);

/* A program that depends on the seed only; size is about how many statements
 * it has. Its inputs are f32 tensors. */
struct tile_program *tile_gen(struct arena *a, const struct wave_target *t,
    uint64_t seed, int size);

#endif
