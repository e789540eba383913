/* Copies of whole graphs. */
#ifndef WAVE_IR_CLONE_H
#define WAVE_IR_CLONE_H

#include "ir/graph.h"

/* A copy of g in arena a with the same names, order, locations and phases. The
 * data of constants and states is shared; g must outlive it. */
struct graph *graph_clone(struct arena *a, const struct graph *g);

#endif
