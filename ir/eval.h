/* The reference evaluator: plain loops, double accumulation, rounding to the
 * dtype of each value where the compiled program rounds. */
#ifndef WAVE_IR_EVAL_H
#define WAVE_IR_EVAL_H

#include "ir/graph.h"

struct eval_tensor {
	struct tensor_type type;
	void *data; /* row-major, in type.dtype */
};

/* Evaluates one node on tensors (constant folding, tests). in[i].data NULL
 * for left-out operands. Results are allocated in a. False with a diagnostic
 * when the node cannot be evaluated (never a crash). */
bool eval_node(struct arena *a, struct diag *d, const struct node *n,
    const struct eval_tensor *in, struct eval_tensor *out);

/* Evaluates the graph. inputs[i] belongs to g->inputs.data[i]; outputs[i]
 * receives g->outputs.data[i]. With bounds not NULL, bounds[i] receives for
 * each output an array of doubles: a proven limit on |device - reference| per
 * element by running error analysis: every contraction of length K adds
 * 2 (K + 4) eps sum|a b| + 1 ulp of the result's dtype, every map op its
 * stated error, operand errors propagate through the op's derivative bound. */
struct eval_options {
	bool bounds;
	bool round; /* false: everything in double, no rounding to dtypes */
	void (*observe)(void *user, const struct value *v,
	    const struct eval_tensor *t);
	void *user;
};
bool eval_graph(struct arena *a, struct diag *d, const struct graph *g,
    const struct eval_options *opt, const struct eval_tensor *inputs,
    struct eval_tensor *outputs, double **bounds);

#endif
