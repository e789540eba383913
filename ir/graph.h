/* The graph IR: SSA over tensors with static shapes. See ir/IR.md. */
#ifndef WAVE_IR_GRAPH_H
#define WAVE_IR_GRAPH_H

#include "support/arena.h"
#include "support/diag.h"
#include "support/dtype.h"
#include "support/vec.h"

#define MAX_RANK 8
#define MAX_DIM INT32_MAX /* one extent */
#define MAX_ELEMS (INT64_C(1) << 40)
#define MAX_RESULTS 4 /* of one node */

struct tensor_type {
	enum dtype dtype;
	int rank;
	int64_t dim[MAX_RANK];
};

/* How an op reaches machine code (column LOWER of ops.def). */
enum lowering {
	LOWER_MATRIX,    /* contraction on the systolic array */
	LOWER_MAP,       /* element-wise with broadcasting, vector unit */
	LOWER_REDUCE,    /* reduction over axes, vector unit */
	LOWER_WINDOW,    /* sliding window reduction, vector unit */
	LOWER_MOVE,      /* data movement only: DMA or vector copy */
	LOWER_COMPOSITE, /* the legalize pass rewrites it to the above */
	LOWER_FOLD,      /* must be constant after import */
};

enum op {
	OP_NONE,
#define OP(name, ...) OP_##name,
#include "ir/ops.def"
	OP_COUNT
};

enum attr_kind { ATTR_INT, ATTR_FLOAT, ATTR_INTS, ATTR_FLOATS, ATTR_ENUM };

enum attr_id {
	ATTR_NONE,
#define ATTR(name, ...) ATTR_##name,
#include "ir/attrs.def"
	ATTR_COUNT
};

struct attr {
	enum attr_id id;
	int64_t i;          /* ATTR_INT, ATTR_ENUM (value of the enum) */
	double f;           /* ATTR_FLOAT */
	size_t n;           /* ATTR_INTS, ATTR_FLOATS */
	const int64_t *ints;
	const double *floats;
};

/* Activations an epilogue can carry (attribute act). */
enum act {
	ACT_NONE,
	ACT_RELU,
	ACT_LEAKY_RELU, /* act_alpha: slope below zero */
	ACT_CLIP,       /* act_alpha .. act_beta: lower and upper limit */
	ACT_SIGMOID,
	ACT_TANH,
	ACT_HARD_SIGMOID, /* max(0, min(1, act_alpha * x + act_beta)) */
	ACT_HARD_SWISH,
	ACT_COUNT
};
const char *act_name(enum act a); /* "none" "relu" ... */

enum value_kind {
	VALUE_INPUT, /* fed at run time */
	VALUE_CONST, /* data known at compile time */
	VALUE_STATE, /* named variable: parameter, optimizer state, statistic;
	                read here, assigned at most once per step */
	VALUE_NODE,  /* result of a node */
};

enum keep {
	KEEP_AUTO, /* as the backend finds best */
	KEEP_CHIP, /* in the global buffer, from its node to its last reader in
	              the same layer group and phase */
	KEEP_DRAM, /* every reader loads it */
	KEEP_FIRST, /* in a layer group: on chip for the layer that makes it and
	               the first other one that reads it (nodes with one
	               description in their location); later ones load it */
};

extern const char *const keep_names[]; /* "auto" "chip" "dram" "first" */

struct use {
	struct node *node;
	int index; /* operand position */
};

struct value {
	uint32_t id;      /* dense, in creation order */
	const char *name; /* as in the model; unique when not NULL */
	enum value_kind kind;
	struct tensor_type type;
	struct node *def; /* VALUE_NODE */
	int def_index;    /* which result of def */
	const void *data; /* VALUE_CONST; VALUE_STATE: initial value or NULL;
	                     row-major */
	bool trainable;   /* VALUE_STATE: receives a gradient */
	VEC(struct use) uses; /* nodes only; graph outputs and assignments
	                         are in struct graph */
	uint32_t nends;   /* outputs and assignments that take this value */
	enum keep keep;
	bool common; /* in the share of a group: the same for all groups */
	bool rebuild;     /* autodiff computes it again, where it can, instead
	                     of reading it in the backward pass */
	struct loc loc;
};

/* Where a schedule by layer groups keeps a value; see backend/GROUPS.md. */
struct layer_group {
	int64_t sub_batch; /* samples that one group of the chip takes through
	                      the layers in an iteration */
};

struct node {
	uint32_t id;
	enum op op;
	int nin, nout;
	struct value **in;  /* NULL: optional operand left out; in[nin] up to
	                       the row's in_max exist and are NULL, and
	                       in[nin - 1] is never NULL */
	uint32_t *slot;     /* in[i]->uses.data[slot[i]] is this use */
	struct value **out; /* NULL: optional result left out */
	struct attr *attrs; /* in the order of the op's row, all present */
	int nattrs;
	struct loc loc;     /* the source op it came from */
	const char *phase;  /* "forward", later "backward", "update" */
	uint32_t group;     /* 1 + index in graph.groups; 0: none */
	struct node *prev, *next; /* schedule order: a topological order */
};

struct assign { /* end-of-step write of a state variable */
	struct value *state;
	struct value *to; /* in the share of a group perhaps only this group's
	                     part of dimension 0 */
};

struct graph {
	struct arena *arena;
	const char *name;
	const char *source; /* path of the model, for diagnostics */
	VEC(struct value *) inputs;
	VEC(struct value *) outputs;
	VEC(const char *) output_names; /* parallel to outputs */
	VEC(struct value *) states;
	VEC(struct assign) assigns;
	VEC(struct layer_group) groups;
	bool free_groups; /* each pass may take more samples than its group
	                     says, as many as move least */
	struct node *first, *last;
	uint32_t nvalues, nnodes; /* ids handed out */
	struct names *names;      /* names of values taken so far */
	bool from_text; /* parsed from .wgr: locations whose file is the
	                   pointer `source` are positions in that text and are
	                   not printed */
};

/* Row of ops.def. */
struct op_info {
	const char *name;
	enum lowering lowering;
	int in_min, in_max; /* in_max -1: any number */
	int out_min, out_max;
	unsigned flags;
	const char *rule; /* shape rule */
	const char *grad; /* gradient rule, "parts", "zero" or "none" */
	const enum attr_id *attrs; /* ends with ATTR_NONE */
	const char *summary;
};

#define OPF_COMMUTES 1u /* operands 0 and 1 may be swapped */
#define OPF_BOOL_OUT 2u /* result is DT_BOOL */
#define OPF_UNARY 4u    /* LOWER_MAP of one operand */
#define OPF_SAME_IN 8u  /* integer operands must have one dtype; float
                           operands may mix, see IR.md */
#define OPF_FLOAT 16u   /* defined on floating point only */
#define OPF_PURE_VIEW 32u /* reshape-like: same elements in row-major order */

const struct op_info *op_info(enum op op);
enum op op_parse(const char *name); /* OP_NONE when unknown */
const char *attr_name(enum attr_id id);
enum attr_kind attr_kind(enum attr_id id);
const struct attr *attr_default(enum attr_id id);
/* Inclusive limits of an integer, enum or list element. */
void attr_range(enum attr_id id, int64_t *lo, int64_t *hi);
/* The word that stands for value v of attribute id of op in text ("relu",
 * "f16", "edge"), NULL where the value is a plain number; and back. */
const char *attr_word(enum op op, enum attr_id id, int64_t v);
bool attr_word_parse(enum op op, enum attr_id id, const char *word,
    int64_t *v);

struct graph *graph_new(struct arena *a, const char *name);

/* Leaves. data of a constant is referenced, not copied. name may be NULL;
 * a taken name gets a suffix. */
struct value *graph_input(struct graph *g, const char *name,
    const struct tensor_type *type);
struct value *graph_const(struct graph *g, const char *name,
    const struct tensor_type *type, const void *data);
struct value *graph_state(struct graph *g, const char *name,
    const struct tensor_type *type, const void *data, bool trainable);
void graph_output(struct graph *g, struct value *v, const char *name);
void graph_assign(struct graph *g, struct value *state, struct value *to);

/* Edits of the ends; i counts in g->outputs or g->assigns. Writing these
 * vectors directly would leave value.nends wrong. */
void graph_set_output(struct graph *g, size_t i, struct value *v);
void graph_set_assign(struct graph *g, size_t i, struct value *to);
void graph_remove_assign(struct graph *g, size_t i); /* keeps the order */

/* Names. The value of that name or NULL; v takes name (copied, NULL: none),
 * with a suffix when it is taken; to takes over the name of from. */
struct value *graph_find(const struct graph *g, const char *name);
void value_set_name(struct graph *g, struct value *v, const char *name);
void value_take_name(struct graph *g, struct value *to, struct value *from);

/* Building a node: fill a node_spec, then graph_add. Missing attributes take
 * their defaults. Shapes and dtypes of the results are inferred by the op's
 * rule; out_dtype overrides the dtype of result 0 where op_overrides says so.
 * Operands left out at the end are dropped. On a rule violation reports one
 * diagnostic at spec->loc, names the rule and the shapes, and returns NULL. */
struct node_spec {
	enum op op;
	struct value *const *in;
	int nin;
	int nout; /* results wanted; 0 means the row's out_min */
	const struct attr *attrs;
	int nattrs;
	enum dtype out_dtype; /* DT_NONE: by rule */
	const char *name;     /* of result 0, may be NULL */
	struct loc loc;
	struct node *before;  /* insert before this node; NULL: at the end */
};
struct node *graph_add(struct graph *g, struct diag *d,
    const struct node_spec *spec);

/* Whether result 0 may have dtype want where the shape rule gives rule:
 * between floats on LOWER_MAP, _REDUCE, _WINDOW, _MATRIX (the vector and
 * matrix units convert on store) and on float LOWER_COMPOSITE ops; never on
 * data movement. */
bool op_overrides(enum op op, enum dtype rule, enum dtype want);

/* Shorthands for passes: result 0 of a new node before `before` (NULL: at the
 * end) with its location and phase. The caller guarantees validity: a
 * violation is an internal error. out DT_NONE: dtype by rule. */
struct value *build_unary(struct graph *g, enum op op, struct value *x,
    enum dtype out, struct node *before);
struct value *build_binary(struct graph *g, enum op op, struct value *x,
    struct value *y, enum dtype out, struct node *before);
struct value *build_op(struct graph *g, enum op op, struct value **in,
    int nin, const struct attr *attrs, int nattrs, enum dtype out,
    struct node *before);
/* Constants: a scalar, and a vector of i64. */
struct value *build_scalar(struct graph *g, enum dtype t, double v);
struct value *build_ints(struct graph *g, const int64_t *v, size_t n);

/* Attributes by id; asking for one that the op lacks is an internal error. */
const struct attr *node_attr(const struct node *n, enum attr_id id);
int64_t node_int(const struct node *n, enum attr_id id);
double node_float(const struct node *n, enum attr_id id);
const int64_t *node_ints(const struct node *n, enum attr_id id, size_t *len);
void node_set_int(struct graph *g, struct node *n, enum attr_id id,
    int64_t v);
void node_set_float(struct graph *g, struct node *n, enum attr_id id,
    double v);
void node_set_ints(struct graph *g, struct node *n, enum attr_id id,
    const int64_t *v, size_t len);

struct attr attr_make_int(enum attr_id id, int64_t v);
struct attr attr_make_float(enum attr_id id, double v);
struct attr attr_make_ints(enum attr_id id, const int64_t *v, size_t n);
struct attr attr_make_floats(enum attr_id id, const double *v, size_t n);
bool attr_equal(const struct attr *a, const struct attr *b); /* to the bit */

/* Editing; all keep use lists right. node_set_in takes i up to the row's
 * in_max, so it also adds an operand left out before; NULL leaves it out. */
void node_set_in(struct graph *g, struct node *n, int i, struct value *v);
/* Every use of from, outputs and assigned values included, becomes to. Where
 * the node of to itself uses from, give it back with node_set_in. */
void value_replace(struct graph *g, struct value *from, struct value *to);
void graph_remove(struct graph *g, struct node *n); /* results unused */
void graph_move_before(struct graph *g, struct node *n, struct node *before);
/* Topological order that keeps the present one where it is valid already;
 * false and a diagnostic naming a node on a cycle, order unchanged. */
bool graph_sort(struct graph *g, struct diag *d);
bool value_is_output(const struct graph *g, const struct value *v);
/* Whether g is a training step: some node is of another phase than forward. */
bool graph_trains(const struct graph *g);
size_t value_nuses(const struct graph *g, const struct value *v); /* with
    outputs and assignments */

/* Types. A valid type has a dtype, a rank up to MAX_RANK, extents from 0 to
 * MAX_DIM and at most MAX_ELEMS elements, zero extents counted as 1: then no
 * product of extents overflows. type_elems and type_bytes give -1 for an
 * invalid one. Leaves must have valid types: check untrusted ones first. */
bool type_valid(const struct tensor_type *t);
int64_t type_elems(const struct tensor_type *t);
int64_t type_bytes(const struct tensor_type *t);
bool type_equal(const struct tensor_type *a, const struct tensor_type *b);
bool shape_equal(const struct tensor_type *a, const struct tensor_type *b);
/* Not checked: see type_valid. */
struct tensor_type type_make(enum dtype t, int rank, const int64_t *dim);
/* "f32[1,3,224,224]" into buf; TYPE_STR_MAX bytes hold any valid type. */
#define TYPE_STR_MAX 104
const char *type_str(const struct tensor_type *t, char *buf, size_t n);
/* NumPy broadcasting of shapes; false when impossible. */
bool type_broadcast(const struct tensor_type *a, const struct tensor_type *b,
    struct tensor_type *out);

#define graph_foreach_node(g, n) \
	for (struct node *n = (g)->first; n != NULL; n = n->next)
/* n may be removed in the body. */
#define graph_foreach_node_safe(g, n, nx)                              \
	for (struct node *n = (g)->first, *nx = n ? n->next : NULL;    \
	     n != NULL; n = nx, nx = n ? n->next : NULL)

#endif
