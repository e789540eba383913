/* Sliding windows: the attributes that convolutions and pools share. */
#ifndef WAVE_FRONTEND_ONNX_WINDOW_H
#define WAVE_FRONTEND_ONNX_WINDOW_H

#include "frontend/onnx_imp.h"

enum auto_pad { PAD_NOTSET, PAD_SAME_UPPER, PAD_SAME_LOWER, PAD_VALID };

struct window {
	int n; /* spatial axes */
	enum auto_pad auto_pad;
	int64_t in[ONNX_SPATIAL]; /* extents of the operand */
	int64_t kernel[ONNX_SPATIAL];
	int64_t stride[ONNX_SPATIAL];
	int64_t dilation[ONNX_SPATIAL];
	int64_t begin[ONNX_SPATIAL], end[ONNX_SPATIAL]; /* padding */
};

/* Reads strides, dilations, pads and auto_pad for the operand x. Windows come
 * from kernel, or from the attribute kernel_shape when it is NULL; given
 * both, they must agree. auto_pad is not resolved. */
bool window_read(struct opx *c, const struct value *x, const int64_t *kernel,
    struct window *w);

/* Resolves auto_pad for convolutions and pools: as many results as
 * ceil(in / stride). */
void window_auto_pad(struct window *w);

/* (kernel - 1) * dilation + 1 */
int64_t window_span(const struct window *w, int i);

/* Integers of attribute name, one per spatial axis, each at least lo. */
bool window_list(struct opx *c, const char *name, int n, int64_t lo,
    int64_t dflt, int64_t *out);

/* attr_make_ints of a copy. */
struct attr window_attr(struct opx *c, enum attr_id id, const int64_t *v,
    int n);

#endif
