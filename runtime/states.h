/* All states of a program as a device holds them: read, written, kept. */
#ifndef WAVE_RUNTIME_STATES_H
#define WAVE_RUNTIME_STATES_H

#include "runtime/checkpoint.h"
#include "runtime/device.h"
#include "support/arena.h"
#include "support/diag.h"

/* The bindings of kind state, in the program's order. */
struct states {
	size_t n;
	const struct wave_binding **binding;
	size_t *span; /* bytes of each on the device */
};

/* A copy of the bytes of all states; image[i] has span[i] bytes. */
struct states_image {
	uint8_t **image;
};

/* False after a diagnostic: an impossible layout, or too large. */
bool states_open(struct arena *a, struct diag *d, const struct wave_program *p,
    struct states *s);
bool states_image_new(struct arena *a, struct diag *d, const struct states *s,
    struct states_image *im);

bool states_read(struct diag *d, struct device *dev, const struct states *s,
    struct states_image *im);
/* Writes dense tensors, whose types must be those of the states. The bytes
 * between elements keep their contents. */
bool states_load(struct diag *d, struct device *dev, const struct states *s,
    const struct checkpoint_tensor *t);

/* Dense copies of the image in a; with im NULL types only. n tensors. */
struct checkpoint_tensor *states_tensors(struct arena *a,
    const struct states *s, const struct states_image *im);

/* The first float state with an element that is not finite, or NULL. */
const struct wave_binding *states_not_finite(const struct states *s,
    const struct states_image *im);

#endif
