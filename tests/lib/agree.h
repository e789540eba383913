/* Graphs in tests: from text, fed with random numbers, compared. */
#ifndef WAVE_TESTS_LIB_AGREE_H
#define WAVE_TESTS_LIB_AGREE_H

#include "ir/graph.h"
#include "tests/lib/unit.h"

/* The graph with these lines between its braces; the test fails when they do
 * not parse. */
struct graph *graph_from(struct unit *u, const char *body);

/* The printed graph without its first two lines and last one. */
char *graph_body(struct unit *u, const struct graph *g);

/* How far two graphs may be apart. */
struct agreement {
	uint64_t seed;
	double relative; /* to the largest magnitude of an output */
	size_t elements; /* compared */
	size_t open;     /* of them without a finite error bound: not judged */
};

/* Evaluates a and b, which have the same inputs and states, on the same random
 * numbers. Each element of each output and assignment must agree within the
 * error bounds of both plus the relative term. False with the first difference
 * in why. */
bool graphs_agree(struct unit *u, const struct graph *a,
    const struct graph *b, struct agreement *how, char why[256]);

/* |a - b| / |a| in the Euclidean norm over all outputs together, where an
 * element counts at least 1 in |a|: inputs are of that size, and cancellation
 * may leave less. Elements not finite in both are left out. */
double graphs_distance(struct unit *u, const struct graph *a,
    const struct graph *b, uint64_t seed);

#endif
