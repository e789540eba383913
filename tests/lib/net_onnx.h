/* Graphs of net_build as ONNX models, so that measurements of the importer
 * need no file from outside. */
#ifndef WAVE_TESTS_LIB_NET_ONNX_H
#define WAVE_TESTS_LIB_NET_ONNX_H

#include "ir/graph.h"

/* Writes g, of ops that net_build uses and f32 only, as opset 13 to path.
 * False after a diagnostic. */
bool net_write_onnx(struct arena *a, struct diag *d, const struct graph *g,
    const char *path);

#endif
