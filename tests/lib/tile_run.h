/* Compiling tile programs in tests and running them beside their meaning. */
#ifndef WAVE_TESTS_LIB_TILE_RUN_H
#define WAVE_TESTS_LIB_TILE_RUN_H

#include "backend/tile.h"
#include "tests/lib/unit.h"

/* Verified, planned, synchronised and translated; NULL after a diagnostic. */
struct wave_program *tile_compile(struct unit *u, struct tile_program *p,
    bool serial);

/* Runs code under the simulator's checker with random inputs and compares all
 * outputs with the sequential meaning of p, and what was counted with
 * tile_cost(p). False with *why in the arena. */
bool tile_run_same(struct unit *u, struct arena *a, struct tile_program *p,
    const struct wave_program *code, uint64_t seed, const char **why);

/* Runs code on the simulator; false when its checker objects. */
bool tile_run_clean(struct unit *u, const struct wave_program *code);

/* A copy of code in which one instruction of a queue is a NOP. */
struct wave_program *tile_without(struct arena *a,
    const struct wave_program *code, int queue, uint32_t pc);

#endif
