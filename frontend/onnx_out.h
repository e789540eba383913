/* Parts of the ONNX writer. A node is written by the function of its kind,
 * which adds ONNX nodes and returns the name of the result. */
#ifndef WAVE_FRONTEND_ONNX_OUT_H
#define WAVE_FRONTEND_ONNX_OUT_H

#include "frontend/onnx_write.h"
#include "ir/names.h"
#include "onnx/onnx.pb-c.h"

struct out {
	struct arena *arena;
	struct diag *diag;
	const struct graph *g;
	const struct onnx_write_options *opt;
	const struct node *n;  /* that is being written */
	const char **name;     /* by value id; NULL: not written yet */
	struct names *taken;
	enum dtype t;          /* float type that n computes in */
	VEC(Onnx__NodeProto *) nodes;
	VEC(Onnx__TensorProto *) inits;
};

/* Operand i of out.n in the type that it computes in (floats only are
 * converted); "" when it is left out. */
const char *out_in(struct out *o, int i);
/* The same as it is. */
const char *out_raw(struct out *o, int i);

/* A node of one result with a new name made of base. */
const char *out_node(struct out *o, const char *op, const char *const *in,
    int nin);
/* Shorthands. */
const char *out_1(struct out *o, const char *op, const char *x);
const char *out_2(struct out *o, const char *op, const char *x,
    const char *y);
const char *out_cast(struct out *o, const char *x, enum dtype from,
    enum dtype to);
const char *out_reshape(struct out *o, const char *x, const int64_t *dim,
    int rank);

/* Attributes of the node added last. */
void out_int(struct out *o, const char *name, int64_t v);
void out_float(struct out *o, const char *name, double v);
void out_text(struct out *o, const char *name, const char *v);
void out_ints(struct out *o, const char *name, const int64_t *v, size_t n);

/* Initializers: i64, f32; one number or n equal ones of out.t. */
const char *out_const_ints(struct out *o, const int64_t *v, size_t n);
const char *out_const_floats(struct out *o, const double *v, size_t n);
const char *out_scalar(struct out *o, double v);
const char *out_filled(struct out *o, double v, int64_t n);

/* One error at out.n; NULL. */
const char *out_refuse(struct out *o, const char *why);

int out_dtype(enum dtype t); /* ONNX's number */

/* One for each kind of op; NULL after an error. */
typedef const char *out_fn(struct out *o);
out_fn out_map, out_reduce, out_contraction, out_window, out_norm, out_move,
    out_resize;

/* act of out.n applied to x. */
const char *out_act(struct out *o, const char *x);

#endif
