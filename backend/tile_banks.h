/* Banks of the local memories: which one a version of an LBUF or OBUF buffer
 * lies in. Only one version is in use at a time, so any would do; versions take
 * the banks in turn, in the order of execution, so that the next tile is
 * loaded while this one is read. */
#ifndef WAVE_BACKEND_TILE_BANKS_H
#define WAVE_BACKEND_TILE_BANKS_H

#include "backend/tile.h"

struct tile_banks;

/* Counts the turns of all buffers of p. */
struct tile_banks *tile_banks(struct arena *a, const struct tile_program *p);

/* Fills the ring of out (rcount, rstep, rbase, rcoef by depth of the loop) so
 * that it counts the turns of b; rcount 0: always bank 0. */
void tile_bank_ring(const struct tile_banks *k, const struct tile_buffer *b,
    struct aff *out);

#endif
