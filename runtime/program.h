/* Programs read from object files. */
#ifndef WAVE_RUNTIME_PROGRAM_H
#define WAVE_RUNTIME_PROGRAM_H

#include <wave/object.h>

#include "support/arena.h"
#include "support/diag.h"

/* Reads an object file's bytes. Everything that cannot be proven well-formed is
 * refused with one diagnostic; NULL then. The program lives in the arena and
 * refers to bytes, which must stay. name is for diagnostics. */
struct wave_program *program_load(struct arena *a, struct diag *d,
    const char *name, const void *bytes, size_t size);

/* The binding called name, or NULL. */
const struct wave_binding *program_binding(const struct wave_program *p,
    const char *name);

#endif
