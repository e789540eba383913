/* Tensors between .npy arrays and a device's DRAM. */
#ifndef WAVE_RUNTIME_BIND_H
#define WAVE_RUNTIME_BIND_H

#include "runtime/device.h"
#include "support/arena.h"
#include "support/npy.h"
#include "support/str.h"

/* Adds "f32[1,3,224,224]". */
void bind_shape(struct strbuf *s, enum dtype dtype, int rank,
    const int64_t *dim);

/* Writes an array to where the binding lies. Shapes must be equal. Float types
 * convert with one rounding, integers when every value fits, bool and u8 into
 * each other; anything else is refused. where names the array's file. The
 * bytes between elements keep their contents. */
bool bind_write(struct arena *a, struct diag *d, struct device *dev,
    const struct wave_binding *b, const struct npy *n, const char *where);

/* Reads a binding into out, whose data lives in the arena. A bf16 tensor comes
 * as f32, which NumPy knows. */
bool bind_read(struct arena *a, struct diag *d, struct device *dev,
    const struct wave_binding *b, struct npy *out);

/* How many elements a binding has, and the bytes from its address to the end
 * of its last element. One error where its layout is impossible. */
bool bind_span(struct diag *d, const struct wave_binding *b, int64_t *count,
    size_t *span);

/* Between the span of a binding's bytes as they lie on the device and a dense
 * row-major array of the same dtype. bind_span must have accepted it. */
void bind_pack(const struct wave_binding *b, const void *image, void *dense);
void bind_unpack(const struct wave_binding *b, const void *dense,
    void *image);

/* "input 'x' f32[1,3,224,224], state 'w' f32[8]": the bindings of the kinds
 * in the set (bits 1 << enum wave_bind_kind), comma-separated. */
void bind_list(struct strbuf *s, const struct wave_program *p,
    unsigned kinds);

#endif
