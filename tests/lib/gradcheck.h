/* Gradients against central differences, in double on the evaluator. */
#ifndef WAVE_TESTS_LIB_GRADCHECK_H
#define WAVE_TESTS_LIB_GRADCHECK_H

#include "ir/graph.h"
#include "tests/lib/unit.h"

struct grad_case {
	const char *name;
	const char *body; /* graph text; differentiated for all its float
	                     inputs and trainable states */
	double lo, hi;    /* numbers of the leaves; both 0: -2 to 2 */
};

struct grad_stats {
	size_t elements; /* compared */
	double worst;    /* error relative to the largest derivative */
};

/* The loss is the sum of output 0 times random weights. Each leaf's gradient
 * must be that of central differences, and the same after passes_run, with
 * no composite op left. */
void grad_check(struct unit *u, const struct grad_case *k,
    struct grad_stats *s);

#endif
