/* Writing object files; see OBJECT.md. Reading is <wave/runtime.h>'s
 * program_load. */
#ifndef WAVE_BACKEND_OBJECT_H
#define WAVE_BACKEND_OBJECT_H

#include <wave/object.h>

#include "support/arena.h"
#include "support/diag.h"

/* Writes p to path in one step: nothing is left behind on failure. The same
 * program gives the same bytes. One diagnostic when it cannot be written or
 * does not hold together (entries that do not tile the code, data larger than
 * DRAM); what the code says is program_validate's. */
bool object_write(struct diag *d, const char *path,
    const struct wave_program *p);

/* The same bytes in the arena. */
bool object_write_memory(struct arena *a, struct diag *d,
    const struct wave_program *p, uint8_t **bytes, size_t *size);

#endif
