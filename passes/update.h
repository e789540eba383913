/* Parts of train_step: the update of the parameters. */
#ifndef WAVE_PASSES_UPDATE_H
#define WAVE_PASSES_UPDATE_H

#include "passes/train.h"

/* Appends the update of params[i] by grads[i] (NULL: none), the gradients
 * being loss_scale / accumulate times those of the loss. */
void append_update(struct graph *g, const struct train_options *o,
    struct value *const *params, struct value **grads, size_t n);

#endif
