/* Constant data as text: elements, and the short forms of whole tensors.
 * Inside ir/ only. */
#ifndef WAVE_IR_DATA_H
#define WAVE_IR_DATA_H

#include "ir/graph.h"
#include "support/str.h"

/* Adds element i as a number that data_parse_element turns into the same
 * bytes, where the dtype has such a number (not every NaN does). */
void data_print_element(struct strbuf *out, const void *data, enum dtype t,
    size_t i);

/* Sets element i from a number; false when text is none or, for integers
 * and bool, out of the dtype's range. Floats round to nearest even. */
bool data_parse_element(const char *text, void *data, enum dtype t,
    size_t i);

/* Adds "zero", "splat V", "[V,...]" or the bytes in hex, the first that is
 * exact; without full the hex form is cut to a size and a hash. */
void data_print(struct strbuf *out, const struct tensor_type *type,
    const void *data, bool full);

/* A number as printed by strbuf_add_double, inf and nan included. */
bool data_parse_real(const char *text, double *v);

#endif
