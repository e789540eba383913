/* Training steps: gradients, loss and update as ops of the graph.
 * See passes/AUTODIFF.md. */
#ifndef WAVE_PASSES_TRAIN_H
#define WAVE_PASSES_TRAIN_H

#include "ir/graph.h"
#include "passes/pass.h"

/* Appends the gradient of output number `loss`, a float scalar, times `seed`
 * for each of the leaves wrt[0..n): grads[i] has the type of wrt[i], or is NULL
 * where the loss does not depend on it. Ops without a rule of their own are
 * legalized on the way. False after a diagnostic, with the graph in no
 * defined state. */
bool autodiff(struct graph *g, struct diag *d, size_t loss, double seed,
    struct value *const *wrt, size_t n, struct value **grads);

#endif
