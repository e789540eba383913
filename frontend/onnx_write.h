/* Graph IR to ONNX; frontend/ONNX.md says what becomes what. */
#ifndef WAVE_FRONTEND_ONNX_WRITE_H
#define WAVE_FRONTEND_ONNX_WRITE_H

#include "ir/graph.h"

struct onnx_write_options {
	/* The present value of a state in row-major order of its dtype, or
	 * NULL: its initial value. NULL: initial values for all. */
	const void *(*state)(void *user, const struct value *state);
	void *user;
};

/* Writes g as an ONNX model of opset 17: inputs and outputs keep their names,
 * constants and states become initializers. The same graph gives the same
 * bytes, which live in a. False after one error that names the node that ONNX
 * has no words for. opt may be NULL. */
bool onnx_write(struct arena *a, struct diag *d, const struct graph *g,
    const struct onnx_write_options *opt, uint8_t **bytes, size_t *size);

#endif
