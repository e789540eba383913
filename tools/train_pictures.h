/* Some test images with what a network says of them, for a terminal. */
#ifndef WAVE_TOOLS_TRAIN_PICTURES_H
#define WAVE_TOOLS_TRAIN_PICTURES_H

#include <stdio.h>

#include "support/npy.h"
#include "tools/train_data.h"

/* Prints the first n images of the test data, a few side by side, and below
 * each the class that the scores [N, C] give it (logits, or probabilities), how
 * sure that is, and the right one where it is another. Nothing where samples
 * are no images. */
void train_pictures(FILE *out, const struct train_data *t,
    const struct npy *scores, bool probabilities, int64_t n);

#endif
