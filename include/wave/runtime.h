/* Loading programs and running them on a device. */
#ifndef WAVE_RUNTIME_H
#define WAVE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include <wave/context.h>
#include <wave/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads an object file's bytes, which must stay. Everything that cannot be
 * proven well-formed is refused with one message; NULL then. */
const struct wave_program *wave_load(struct wave_context *c, const char *name,
    const void *bytes, size_t size);

/* The tensor bound as name, or NULL. */
const struct wave_binding *wave_find_binding(const struct wave_program *p,
    const char *name);

/* ---- devices ---- */

struct device;

/* The ISA simulator (libwavesim). */
struct wave_sim_options {
	bool timing_only; /* cycles, traffic and energy without values */
	bool check;       /* races, uninitialised reads, deadlocks */
	int threads;      /* host threads; 0: 1 */
};
struct device *wave_open_simulator(struct wave_context *c,
    const struct wave_program *p, const struct wave_sim_options *o);

/* A tensor by name, dense and row-major in the binding's dtype; size is
 * checked against it. */
bool wave_write_tensor(struct wave_context *c, struct device *d,
    const struct wave_program *p, const char *name, const void *data,
    size_t size);
bool wave_read_tensor(struct wave_context *c, struct device *d,
    const struct wave_program *p, const char *name, void *data, size_t size);

/* Runs one entry ("main") to its end. */
bool wave_run(struct wave_context *c, struct device *d, const char *entry);

/* Statistics of the last run as JSON (keys: the contract of `wavesim
 * --stats`), in the context; NULL when nothing ran. */
const char *wave_statistics(struct wave_context *c, struct device *d);

void wave_close(struct device *d);

#ifdef __cplusplus
}
#endif

#endif
