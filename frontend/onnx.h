/* ONNX models to graph IR.
 *
 * Supported: opsets 1 to 20 of the default domain, operators as listed in
 * frontend/onnx_ops.def, nodes in any order, initializers in the model or in
 * external data files. Whatever only computes with constants and shapes is
 * evaluated during the import. Models are untrusted input: each defect is
 * reported once, in one line that names the node, the tensor or the byte. */
#ifndef WAVE_FRONTEND_ONNX_H
#define WAVE_FRONTEND_ONNX_H

#include "ir/graph.h"
#include "support/npy.h"

struct onnx_input_shape { /* -finput=NAME:SHAPE */
	const char *name;
	int rank;
	int64_t dim[MAX_RANK];
};

struct onnx_input_const { /* -fconst=NAME=FILE.npy */
	const char *name;
	const struct npy *npy; /* data is referenced, not copied */
};

struct onnx_options {
	const struct onnx_input_shape *inputs;
	size_t ninputs;
	/* -fbatch: first dimension of every run-time input of rank 2 or
	 * more, also where the model fixes another one; constant Reshape
	 * and Resize targets that spell the old batch are adapted with a
	 * remark. 0: as the model says. */
	int64_t batch;
	const struct onnx_input_const *consts;
	size_t nconsts;
};

/* Imports the n bytes of a model. path names the model in diagnostics; its
 * folder is where external data may lie. The result lives in a, refers to
 * nothing outside of it (other than the data of opt->consts), and keeps the
 * tensor names of the model. A dynamic first dimension of an input becomes
 * opt->batch or else 1, with a remark. opt may be NULL.
 * NULL after at least one error was reported. */
struct graph *onnx_import(struct arena *a, struct diag *d, const char *path,
    const void *bytes, size_t n, const struct onnx_options *opt);

#endif
