/* Well-known networks with random weights, built from nothing: for measuring
 * compiler and machine. Layer tables as published, see nets.c. */
#ifndef WAVE_TESTS_LIB_NETS_H
#define WAVE_TESTS_LIB_NETS_H

#include "ir/graph.h"

/* Names of all networks, ends with NULL. */
extern const char *const net_names[];

/* The inference graph of a network as a framework exports it: f32, batch
 * images of 3 x 224 x 224 (input "x"), separate convolutions, batch norms and
 * activations, class scores (output "y"). NULL when no network has this
 * name. */
struct graph *net_build(struct arena *a, const char *name,
    int64_t batch);

#endif
