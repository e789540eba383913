/* Entries of a training object; see passes/AUTODIFF.md, "Entries". */
#ifndef WAVE_BACKEND_ENTRY_H
#define WAVE_BACKEND_ENTRY_H

#include "backend/tile.h"

/* A planned program that writes the initial value of each state of `of` from
 * a constant of its own; zeros where it has none. NULL after a diagnostic. */
struct tile_program *entry_init(struct arena *a, struct diag *d,
    const struct tile_program *of);

/* Makes the bound tensors of p that each[] names (ends with NULL) n steps long:
 * n times the first extent, or a new one of n for a scalar. False after a
 * diagnostic where they are not laid out step after step. */
bool entry_stretch(struct tile_program *p, struct diag *d, int64_t n,
    const char *const *each);

/* Turns p, one planned step, into entry `steps`: n of them in a hardware loop,
 * in which the tensors of each[], stretched before, advance by a step. */
bool entry_repeat(struct tile_program *p, struct diag *d, int64_t n,
    const char *const *each);

#endif
