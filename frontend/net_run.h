/* Running a .net: from the syntax tree to a graph. Inside frontend/ only. */
#ifndef WAVE_FRONTEND_NET_RUN_H
#define WAVE_FRONTEND_NET_RUN_H

#include "frontend/init.h"
#include "frontend/net.h"
#include "frontend/net_ast.h"
#include "ir/names.h"

/* Bounds, so that no text runs for long. */
#define RUN_STEPS 500000  /* statements, calls and list elements */
#define RUN_LAYERS 20000
#define RUN_DEPTH 1000    /* expressions and statements within each other */
#define RUN_LIST 4096     /* elements */
#define RUN_STRING 200    /* characters */

enum val_kind {
	VAL_ERROR, /* something reported already */
	VAL_NONE,
	VAL_INT,
	VAL_FLOAT,
	VAL_BOOL,
	VAL_STRING,
	VAL_LIST,
	VAL_TENSOR,
	VAL_INIT,
};

struct val {
	enum val_kind kind;
	union {
		int64_t i; /* INT, BOOL */
		double f;
		const char *s;
		const struct list *l;
		struct value *t;
		struct init init;
	};
};

struct list {
	size_t n;
	const struct val *v;
};

struct var {
	const char *name;
	struct val v;
};

struct counter {
	const char *base;
	int64_t n;
};

/* One running block. */
struct frame {
	struct frame *up;
	const struct block *block;
	struct pos call;
	const char *prefix; /* of layer names, "" or "layer1.0." */
	VEC(struct var) vars;
	VEC(struct counter) counters;
	bool network, returned;
	bool name_used; /* a layer has the block's own name */
	struct val result;
};

struct run {
	struct unit_text *u;
	struct arena *arena;
	struct graph *g;
	const struct net_options *opt;
	struct net_train *train;
	struct names *blocks; /* name -> struct block */
	struct names *paths;  /* of layers, taken */
	VEC(struct var) globals;
	struct frame *top;
	bool *used; /* parallel to opt->defines */
	int depth;
	int64_t steps, layers, bytes, max_bytes;
	bool stopped; /* a bound was met */
	struct pos last[8]; /* where the last errors were */
	unsigned nlast;
};

/* Reports, once for each place, with notes on the blocks around it. Returns
 * the value that later uses pass on silently. */
struct val run_error(struct run *r, struct pos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Counts n steps; false once too many were taken, which is reported. */
bool run_step(struct run *r, struct pos pos, int64_t n);

struct val run_expr(struct run *r, const struct expr *e);
void run_body(struct run *r, const struct stmts *body);
void run_set(struct run *r, const char *name, struct val v);
/* NULL: there is no such variable. */
const struct val *run_get(const struct run *r, const char *name);
/* The value of -DNAME, or v. */
struct val run_define(struct run *r, struct pos pos, const char *name,
    struct val v);
void run_input(struct run *r, const struct stmt *s);
void run_train(struct run *r, const struct settings *s);

/* Values; net_value.c. */
struct val val_int(int64_t i);
struct val val_float(double f);
struct val val_bool(bool b);
struct val val_string(const char *s);
struct val val_tensor(struct value *t);
struct val val_error(void);
bool val_is_number(struct val v);
double val_number(struct val v);
/* "the integer 3", "a tensor f32[1,2]"; lives in the arena. */
const char *val_text(struct run *r, struct val v);
struct val val_binary(struct run *r, enum binary op, struct pos pos,
    struct val a, struct val b);
struct val val_list(struct run *r, const struct val *v, size_t n);
/* The condition's value; a wrong kind is reported and false. */
bool val_condition(struct run *r, struct pos pos, struct val v);

/* Calls; net_call.c. */
#define CALL_ARGS 16

struct call;
typedef struct val call_fn(struct call *c);

/* A built-in. Its signature lists the arguments as name:kind[=default]; kinds
 * t tensor, T any number of tensors, i integer, f number, b true or false,
 * s string, l integer or list of integers, w initialiser, a anything. */
struct builtin {
	const char *name, *signature, *summary;
	call_fn *fn;
	bool layer; /* counts as a layer and takes name= */
	enum op op; /* for functions that serve several */
};

struct call {
	struct run *r;
	const struct builtin *builtin;
	struct pos pos;
	const char *path; /* of a layer */
	const char *arg_name[CALL_ARGS];
	struct val arg[CALL_ARGS];
	bool given[CALL_ARGS];
	struct pos arg_pos[CALL_ARGS];
	int nargs;
	struct value **in; /* of a T argument */
	int nin;
};

const struct builtin *builtin_find(const char *name);
/* All of them; returns the number. */
size_t builtin_all(const struct builtin **list);
struct val run_call(struct run *r, const struct expr *e);
struct val run_builtin(struct run *r, const struct expr *e,
    const struct builtin *b);
/* A layer made by an operator. */
struct val run_operator(struct run *r, const char *name, struct pos pos,
    struct val a, struct val b);

/* What the functions of built-ins use; kinds are checked already. */
struct val call_arg(const struct call *c, const char *name);
bool call_given(const struct call *c, const char *name);
int64_t call_int(const struct call *c, const char *name);
double call_float(const struct call *c, const char *name);
bool call_bool(const struct call *c, const char *name);
const char *call_string(const struct call *c, const char *name);
struct value *call_tensor(const struct call *c, const char *name);
struct val call_error(struct call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* n integers from lo to hi out of one integer or a list of n. */
bool call_ints(struct call *c, const char *name, int n, int64_t lo,
    int64_t hi, int64_t *v);
/* An axis, negative ones counted from the end. */
bool call_axis(struct call *c, const char *name, int rank, int64_t *axis);

/* Nodes and parameters; net_param.c. */
struct value *layer_node(struct call *c, enum op op, struct value **in,
    int nin, const struct attr *attrs, int nattrs);
/* The same where several nodes make a layer: suffix tells them apart. */
struct value *layer_part(struct call *c, const char *suffix, enum op op,
    struct value **in, int nin, const struct attr *attrs, int nattrs);
struct value *layer_const(struct call *c, enum dtype t, double v);
struct param_spec {
	const char *name; /* "weight" */
	int rank;
	const int64_t *dim;
	struct init init;
	double fan_in, fan_out;
	bool statistic; /* not trainable */
};
struct value *layer_param(struct call *c, const struct param_spec *p,
    enum dtype t);
void layer_hint(struct call *c, enum net_hint_kind kind, struct value *v,
    double number);
/* NULL (reported) or a value as the result of a built-in. */
struct val layer_result(struct value *v);

/* Functions of built-ins, by file. */
#define BUILTIN(name) call_fn builtin_##name;
BUILTIN(conv) BUILTIN(conv_transpose) BUILTIN(depthwise) BUILTIN(linear)
BUILTIN(matmul)
BUILTIN(batch_norm) BUILTIN(group_norm) BUILTIN(instance_norm)
BUILTIN(layer_norm) BUILTIN(lrn) BUILTIN(softmax)
BUILTIN(max_pool) BUILTIN(avg_pool) BUILTIN(global_pool)
BUILTIN(plain) BUILTIN(plain_alpha) BUILTIN(clip) BUILTIN(relu6)
BUILTIN(hard_sigmoid) BUILTIN(selu) BUILTIN(gelu) BUILTIN(silu)
BUILTIN(prelu) BUILTIN(dropout) BUILTIN(fold_all) BUILTIN(two)
BUILTIN(flatten) BUILTIN(reshape) BUILTIN(concat) BUILTIN(slice)
BUILTIN(pad) BUILTIN(upsample) BUILTIN(transpose) BUILTIN(reduce)
BUILTIN(dim) BUILTIN(rank) BUILTIN(len) BUILTIN(least) BUILTIN(most)
BUILTIN(whole) BUILTIN(check) BUILTIN(initialiser)
#undef BUILTIN

#endif
