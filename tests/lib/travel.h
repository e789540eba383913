/* Every form that a program can be written in, there and back. */
#ifndef WAVE_TESTS_LIB_TRAVEL_H
#define WAVE_TESTS_LIB_TRAVEL_H

#include "tests/lib/compiled.h"

/* The graph's text, the tile program's text, the assembly and the object file
 * of m read back and written again: each time the same bytes, and each time
 * the same object. NULL, or what differs; d has the reader's message. */
const char *compiled_travels(struct arena *a, struct diag *d,
    const struct compiled *m);

/* Whether both would be the same object file. */
bool compiled_equal(struct arena *a, struct diag *d,
    const struct compiled *x, const struct compiled *y);

#endif
