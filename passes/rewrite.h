/* What passes share: their context, remarks, constants, replacement. */
#ifndef WAVE_PASSES_REWRITE_H
#define WAVE_PASSES_REWRITE_H

#include "ir/graph.h"
#include "passes/pass.h"

/* One run of one pass. */
struct pass_ctx {
	struct graph *g;
	struct diag *d;
	const struct pass_options *opt;
	const struct pass_info *pass;
	const char *args;      /* of -fPASS=ARGS, or NULL */
	struct arena *scratch; /* freed after the run */
	bool remarks;          /* -Rpass selects this pass */
	bool changed;          /* set by the pass */
};

struct node_stack {
	struct node **data;
	size_t len, cap;
};

typedef bool pass_fn(struct pass_ctx *c);

#define PASS(id, ...) pass_fn pass_##id;
#include "passes/passes.def"

/* A remark "[PASS] text" at loc, when selected. */
void pass_remark(const struct pass_ctx *c, const struct loc *loc,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* "conv 'name'" or "conv %12" for messages, in the scratch arena. */
const char *node_label(const struct pass_ctx *c, const struct node *n);

/* Operand i, NULL when left out or beyond the last. */
struct value *node_in(const struct node *n, int i);

/* v is an output of the graph or assigned to a state. */
bool value_is_end(const struct value *v);

/* The node that defines v when its op is `op`, else NULL. */
struct node *def_of(const struct value *v, enum op op);

/* v has exactly one reader, a node, and is no end. */
bool single_use(const struct value *v);

/* All elements of the constant v are equal: the element. */
bool const_splat(const struct value *v, double *out);

/* v is a constant of integers: element i. */
int64_t const_i64(const struct value *v, size_t i);

/* A constant of type t from doubles, each rounded once. */
struct value *const_from(struct graph *g, const char *name,
    const struct tensor_type *t, const double *v);

/* The elements of v, which has data, converted to dtype t. */
void *const_data_as(struct arena *a, const struct value *v, enum dtype t);
/* v (a constant) converted to dtype t. */
struct value *const_cast_to(struct graph *g, const struct value *v,
    enum dtype t);

/* v as a constant with the same bytes and another shape. */
struct value *const_reshape(struct graph *g, const struct value *v, int rank,
    const int64_t *dim);

/* Replaces result 0 of n by v in all uses and removes n, and what only n
 * read; the name goes over when v has none. Refused (false) when n's result
 * is an end and v a leaf: an output must be computed by a node. */
bool replace_node(struct pass_ctx *c, struct node *n, struct value *v);

/* Removes n, and what only n read, when nobody reads its results. */
bool remove_if_dead(struct pass_ctx *c, struct node *n);

/* Element i of a list attribute, dflt where the list is shorter. */
int64_t ints_at(const struct node *n, enum attr_id id, size_t i,
    int64_t dflt);

/* The axes of a reduction, all when its list is empty; their number. */
int reduce_axes(const struct node *n, int64_t axes[MAX_RANK]);

/* Result 0 of n is a float whose dtype may be chosen freely. */
bool dtype_overridable(const struct node *n);

/* dtype of intermediate values: f64 when n touches f64, else f32. */
enum dtype work_dtype(const struct node *n);

/* A per-channel operand: v broadcasts against `type` and varies only along
 * axis (or not at all). */
bool along_axis(const struct value *v, const struct tensor_type *type,
    int axis);

/* n is a contraction with the epilogue operands and attributes. */
bool has_epilogue(const struct node *n);

/* The axis of output channels of a contraction's result. */
int channel_axis(const struct node *n);

/* Builders before `at`, result dtype t. */
struct value *mk_reshape(struct graph *g, struct value *x, int rank,
    const int64_t *dim, struct node *at);
struct value *mk_transpose(struct graph *g, struct value *x,
    const int64_t *perm, struct node *at);
struct value *mk_slice(struct graph *g, struct value *x,
    const int64_t *starts, const int64_t *steps, const int64_t *sizes,
    struct node *at);
struct value *mk_gather(struct graph *g, struct value *x, int axis,
    const int64_t *idx, size_t n, struct node *at);
struct value *mk_expand(struct graph *g, struct value *x, int rank,
    const int64_t *dim, struct node *at);
struct value *mk_concat(struct graph *g, struct value **x, int n, int axis,
    struct node *at);
struct value *mk_reduce(struct graph *g, enum op op, struct value *x,
    const int64_t *axes, size_t n, bool keepdims, enum dtype t,
    struct node *at);
struct value *mk_clip(struct graph *g, struct value *x, double lo, double hi,
    enum dtype t, struct node *at);
struct value *mk_fma(struct graph *g, struct value *x, struct value *y,
    struct value *z, enum dtype t, struct node *at);
struct value *mk_cast(struct graph *g, struct value *x, enum dtype t,
    struct node *at);

#endif
