/* The sequential meaning of a tile program, executed: one instruction after the
 * other, every version of every buffer in memory of its own. f32 only, and the
 * vector functions and activations that tile_gen.c uses. */
#ifndef WAVE_TESTS_LIB_TILE_INTERP_H
#define WAVE_TESTS_LIB_TILE_INTERP_H

#include "backend/tile.h"

struct tile_interp;

struct tile_interp *tile_interp_new(struct arena *a,
    const struct tile_program *p);

/* Contents of version 0 of b: to set inputs and read outputs. */
uint8_t *tile_interp_data(struct tile_interp *t, const struct tile_buffer *b);

void tile_interp_run(struct tile_interp *t);

#endif
