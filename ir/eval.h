/* The reference evaluator: plain loops, double accumulation, rounding to the
 * dtype of each value where the compiled program rounds. */
#ifndef WAVE_IR_EVAL_H
#define WAVE_IR_EVAL_H

#include "ir/graph.h"

struct eval_tensor {
	struct tensor_type type;
	void *data;    /* row-major, in type.dtype */
	double *bound; /* with bounds: limit of each element's error; NULL:
	                  exact. Integers and bools have 0 or infinity. */
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
 * stated error, operand errors propagate through the op's derivative bound.
 * eps is 2^-24, half the spacing of f32 at 1 (2^-53 where a double takes
 * part). A transcendental function may be off by 4 ulp of the compute type, erf
 * and pow in f64 by more (IR.md).
 * A bound is infinite where nothing can be promised: a decision (comparison,
 * argmax, conversion to an integer) within the error of its operands, a
 * divisor that may be 0, a number that may overflow. */
struct eval_options {
	bool bounds; /* also on when the argument bounds is not NULL */
	bool round;  /* false: everything in double, no rounding to dtypes;
	                float results are then held in f64 */
	/* States at the start of the step, parallel to g->states; NULL, or data
	 * NULL in one: the initial value. New values of the assignments,
	 * parallel to g->assigns, go to assigned unless that is NULL. */
	const struct eval_tensor *states;
	struct eval_tensor *assigned;
	/* Sees inputs, states, then each node's result with its bound. */
	void (*observe)(void *user, const struct value *v,
	    const struct eval_tensor *t);
	void *user;
};
bool eval_graph(struct arena *a, struct diag *d, const struct graph *g,
    const struct eval_options *opt, const struct eval_tensor *inputs,
    struct eval_tensor *outputs, double **bounds);

/* Whether got may come from a device whose reference value is want. */
bool eval_within(double want, double got, double bound);

#endif
