/* The built-in data set: ten kinds of drawn shapes, deformed and noisy. */
#ifndef WAVE_RUNTIME_SHAPES_H
#define WAVE_RUNTIME_SHAPES_H

#include "runtime/dataset.h"

#define SHAPES_SIZE 20
#define SHAPES_CLASSES 10
#define SHAPES_TRAIN 4000
#define SHAPES_TEST 1000

extern const char *const shapes_names[SHAPES_CLASSES];

/* Draws sample number i of a part, SHAPES_SIZE x SHAPES_SIZE bytes, and gives
 * its class. The same on every host. */
int shapes_draw(enum dataset_part part, int64_t i, uint8_t *pixels);

bool dataset_shapes(struct arena *a, enum dataset_part part,
    struct dataset *s);

#endif
