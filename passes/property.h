/* Checks of the properties that passes require and establish. */
#ifndef WAVE_PASSES_PROPERTY_H
#define WAVE_PASSES_PROPERTY_H

#include "ir/graph.h"

/* Name of the lowest property in the set. */
const char *property_name(unsigned props);

/* Checks each property of the set, reporting the first node that breaks one
 * as "after PASS: NODE: RULE". */
bool property_check(const struct graph *g, struct diag *d, unsigned props,
    const char *pass);

/* The properties that g has. */
unsigned property_find(const struct graph *g);

#endif
