/* Loading, binding and running programs. */
#ifndef WAVE_RUNTIME_H
#define WAVE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include <wave/object.h>

#ifdef __cplusplus
extern "C" {
#endif

struct arena;
struct diag;

/* Reads an object file's bytes. What cannot be proven well-formed is refused
 * with one diagnostic; NULL then. The program lives in the arena and refers
 * to bytes, which must stay. name is for diagnostics. */
struct wave_program *wave_program_load(struct arena *a, struct diag *d,
    const char *name, const void *bytes, size_t size);

/* The binding called name, or NULL. */
const struct wave_binding *wave_program_binding(
    const struct wave_program *p, const char *name);

#ifdef __cplusplus
}
#endif

#endif
