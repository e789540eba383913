/* What every call of the libraries works in: memory and diagnostics. */
#ifndef WAVE_CONTEXT_H
#define WAVE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum wave_level { WAVE_ERROR, WAVE_WARNING, WAVE_REMARK, WAVE_NOTE };

/* One message, complete with its place in the model, without a newline. */
typedef void wave_message_fn(void *user, enum wave_level level,
    const char *text);

/* A context owns everything that calls with it return. Contexts are
 * independent: threads may each use their own. */
struct wave_context;

/* fn NULL drops messages. */
struct wave_context *wave_context_new(wave_message_fn *fn, void *user);
void wave_context_free(struct wave_context *c);

/* Errors reported in this context so far. */
unsigned wave_context_errors(const struct wave_context *c);

#ifdef __cplusplus
}
#endif

#endif
