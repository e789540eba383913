/* A map from names to objects, in insertion order: unique value names,
 * symbols of the text form. */
#ifndef WAVE_IR_NAMES_H
#define WAVE_IR_NAMES_H

#include "support/arena.h"

#include <stdbool.h>

struct names;

struct names *names_new(struct arena *a);

/* The object of that name, NULL when the name is free. */
void *names_get(const struct names *t, const char *name);

/* Binds name (referenced, not copied) to object, which is not NULL; false
 * when the name is taken. */
bool names_put(struct names *t, const char *name, void *object);

/* Frees the name; nothing happens when it is free already. */
void names_drop(struct names *t, const char *name);

/* base itself or base.N with the smallest N not handed out before: a free
 * name, copied into the arena. */
const char *names_unique(struct names *t, const char *base);

#endif
