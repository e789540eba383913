/* What the files of the ONNX importer share. */
#ifndef WAVE_FRONTEND_ONNX_IMP_H
#define WAVE_FRONTEND_ONNX_IMP_H

#include <stdbool.h>

#include "frontend/onnx.h"
#include "onnx/onnx.pb-c.h"
#include "support/vec.h"

#define ONNX_LAST_OPSET 20 /* newest opset whose changes are known here */
#define ONNX_SPATIAL 3     /* spatial axes of convolutions and windows */

struct ints {
	const int64_t *v;
	size_t n;
};

/* A tensor name of the model and what stands behind it. */
struct onnx_sym {
	const char *name;
	struct value *value;           /* once known */
	const Onnx__TensorProto *init; /* turned into a constant on first use */
	int64_t node;                  /* producing node, -1: none */
	size_t readers;                /* live nodes and outputs reading it */
	const char *absent;            /* why a known result has no value */
	bool output;                   /* already an output of the graph */
};

struct onnx_splat;

struct imp {
	struct arena *arena;
	struct diag *diag;
	struct graph *graph;
	const char *path;
	const struct onnx_options *opt;
	const Onnx__ModelProto *model;
	const Onnx__GraphProto *src;
	int opset; /* of the default domain */
	struct onnx_sym **slots; /* hash table of names */
	size_t nslots, nsyms;
	bool *live;        /* per node: an output depends on it */
	size_t *order;     /* live nodes in a topological order */
	size_t norder;
	bool reshaped;     /* an input has another shape than the model's */
	int64_t old_batch; /* first dimension before -fbatch, 0: no change */
	int64_t new_batch;
	bool fixed_batch;  /* the model itself spells the old one */
	int64_t fold_work; /* operations left for constant folding */
	int64_t const_left; /* bytes left for constants made here */
	int64_t load_left;  /* bytes left for external data */
	struct onnx_splat *splats;
	size_t ndead, nfolded;
};

/* One node being imported. */
struct opx {
	struct imp *m;
	const Onnx__NodeProto *node;
	const struct onnx_row *row;
	int opset;
	struct loc loc;
	int nin, nout;
	struct value **in;  /* NULL: left out */
	struct value **out; /* to be set by the handler; NULL: see absent */
	const char *absent; /* why results stay NULL */
	uint64_t used;      /* attributes looked at, by position */
	bool failed;        /* an attribute getter reported an error */
};

/* A handler sets c->out[] and returns true, or reports one error. */
typedef bool onnx_fn(struct opx *c);

struct onnx_row {
	const char *type;
	onnx_fn *fn;
	int since;         /* first opset that has the operator */
	int in_min, in_max; /* in_max -1: any number */
	int out_max;
	enum op op; /* graph op, where one stands for the operator */
};

/* The handlers that onnx_ops.def names. */
onnx_fn onnx_op_unary, onnx_op_activation, onnx_op_gelu, onnx_op_clip,
    onnx_op_shrink, onnx_op_is_nan, onnx_op_is_inf, onnx_op_cast,
    onnx_op_cast_like, onnx_op_identity, onnx_op_dropout, onnx_op_binary,
    onnx_op_greater, onnx_op_pow, onnx_op_mod, onnx_op_prelu,
    onnx_op_variadic, onnx_op_mean, onnx_op_where, onnx_op_matmul,
    onnx_op_gemm, onnx_op_conv, onnx_op_conv_transpose, onnx_op_max_pool,
    onnx_op_average_pool, onnx_op_global_pool, onnx_op_batch_norm,
    onnx_op_instance_norm, onnx_op_group_norm, onnx_op_layer_norm,
    onnx_op_mvn, onnx_op_lrn, onnx_op_softmax, onnx_op_hardmax,
    onnx_op_reduce, onnx_op_arg_reduce, onnx_op_reshape, onnx_op_flatten,
    onnx_op_squeeze, onnx_op_unsqueeze, onnx_op_expand, onnx_op_shape,
    onnx_op_size, onnx_op_constant, onnx_op_constant_of_shape,
    onnx_op_range, onnx_op_eye_like, onnx_op_one_hot, onnx_op_trilu,
    onnx_op_transpose, onnx_op_concat, onnx_op_split, onnx_op_slice,
    onnx_op_pad, onnx_op_tile, onnx_op_gather, onnx_op_depth_to_space,
    onnx_op_space_to_depth, onnx_op_resize, onnx_op_upsample;

/* onnx_unpack.c: checks the wire format, then unpacks into the arena. */
const Onnx__ModelProto *onnx_unpack(struct arena *a, struct diag *d,
    const char *path, const void *bytes, size_t n);

/* onnx_sym.c */
struct onnx_sym *onnx_sym_find(const struct imp *m, const char *name);
struct onnx_sym *onnx_sym_add(struct imp *m, const char *name);
bool onnx_collect(struct imp *m); /* all names; duplicates, undefined */
/* The value behind a name: constants are made here. NULL with an error. */
struct value *onnx_sym_value(struct imp *m, const struct loc *loc,
    const char *name);

/* onnx_order.c: liveness, readers and m->order; false on a cycle. */
bool onnx_order(struct imp *m);

/* onnx_io.c */
bool onnx_inputs(struct imp *m);
bool onnx_outputs(struct imp *m);

/* onnx_tensor.c */
enum dtype onnx_dtype(int32_t type); /* DT_NONE: not supported */
const char *onnx_dtype_name(int32_t type);
/* Checked tensor type; reports "WHAT: ..." at loc. */
bool onnx_type(struct imp *m, const struct loc *loc, const char *what,
    enum dtype t, const int64_t *dim, size_t rank, struct tensor_type *out);
bool onnx_tensor(struct imp *m, const struct loc *loc, const char *what,
    const Onnx__TensorProto *t, struct tensor_type *type, const void **data);

/* onnx_external.c: the n bytes of t's external data, NULL with an error. */
const void *onnx_external(struct imp *m, const struct loc *loc,
    const char *what, const Onnx__TensorProto *t, int64_t n);

/* onnx_node.c */
bool onnx_supported(struct imp *m); /* every live operator is known */
bool onnx_node(struct imp *m, size_t i);
struct loc onnx_node_loc(struct imp *m, size_t i);
bool op_error(struct opx *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "input 1 'name'" */
const char *op_in_name(struct opx *c, int i);
/* Is result i read by anything? */
bool op_wants(const struct opx *c, int i);

/* onnx_emit.c: nodes, folded to constants when all operands are. */
struct value *op_emit(struct opx *c, enum op op, struct value *const *in,
    int nin, const struct attr *attrs, int nattrs);
/* As op_emit, result i of the operator and named like it. */
bool op_result(struct opx *c, int i, enum op op, struct value *const *in,
    int nin, const struct attr *attrs, int nattrs);
/* Room for a constant that the model does not store: at most 1 GiB each and
 * 16 GiB together. */
bool op_reserve(struct opx *c, const struct tensor_type *type);
/* Constant result i; data is referenced. */
bool op_const(struct opx *c, int i, const struct tensor_type *type,
    const void *data);
bool op_const_ints(struct opx *c, int i, const int64_t *v, size_t n);
/* Data of n elements equal to the element at elem, shared where possible. */
const void *onnx_splat(struct imp *m, enum dtype t, const void *elem,
    int64_t n);
struct value *op_unary(struct opx *c, enum op op, struct value *x);
struct value *op_binary(struct opx *c, enum op op, struct value *x,
    struct value *y);
struct value *op_scalar(struct opx *c, enum dtype t, double v);
struct value *op_reshape(struct opx *c, struct value *x, const int64_t *dim,
    int rank);
/* x broadcast to exactly dim; x itself when it has that shape. */
struct value *op_expand(struct opx *c, struct value *x, const int64_t *dim,
    int rank);
bool op_reshape_result(struct opx *c, int i, struct value *x,
    const int64_t *dim, int rank);

/* onnx_attr.c: getters mark the attribute as used; a wrong kind is
 * reported and sets c->failed. */
bool attr_present(struct opx *c, const char *name);
int64_t attr_i(struct opx *c, const char *name, int64_t dflt);
double attr_f(struct opx *c, const char *name, double dflt);
const char *attr_s(struct opx *c, const char *name, const char *dflt);
bool attr_is(struct opx *c, const char *name, struct ints *out);
bool attr_fs(struct opx *c, const char *name, const double **v, size_t *n);
const Onnx__TensorProto *attr_t(struct opx *c, const char *name);
void attr_ignore(struct opx *c, const char *name);
bool attr_all_used(struct opx *c); /* reports the first unknown one */

/* onnx_arg.c: operands that must be constant, axes. */
bool arg_const(struct opx *c, int i, const char *what);
bool arg_ints(struct opx *c, int i, const char *what, struct ints *out);
bool arg_floats(struct opx *c, int i, const char *what, const double **v,
    size_t *n);
bool arg_scalar(struct opx *c, int i, const char *what, double *out);
/* -rank..rank-1 to 0..rank-1 */
bool arg_axis(struct opx *c, int64_t axis, int rank, int *out);
/* Axes made non-negative, checked for doubles, in the given order. */
bool arg_axes(struct opx *c, const struct ints *axes, int rank, int *out);
int64_t *imp_ints(struct imp *m, const int64_t *v, size_t n); /* copy */

#endif
