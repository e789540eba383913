/* Cases of one op with operands and expected result, from a file that
 * tests/models/make_eval_vectors.py wrote. */
#ifndef WAVE_TESTS_LIB_VECTORS_H
#define WAVE_TESTS_LIB_VECTORS_H

#include "ir/eval.h"
#include "ir/graph.h"

#define VECTOR_OPERANDS 8

struct vector {
	enum op op;
	const char *label;
	struct graph *graph; /* of the one node; its result is the output */
	const struct node *node;
	struct eval_tensor in[VECTOR_OPERANDS]; /* data NULL: left out */
	struct eval_tensor want;
};

/* Reads every case, each as a graph of its own; all lives in a. A defect of
 * the file or a node that graph_add refuses is a message in d and NULL. */
struct vector *vectors_read(
    struct arena *a, struct diag *d, const char *path, size_t *count);

#endif
