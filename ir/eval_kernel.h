/* Inside the reference evaluator: what the kernels in ir/eval_*.c share.
 *
 * Values are computed in double and rounded once to the result's dtype. With
 * bounds, each element carries an error e: a limit on |device - reference|,
 * where the device computes in f32 (f64 where a double takes part), in any
 * order of summation, and rounds once on store. */
#ifndef WAVE_IR_EVAL_KERNEL_H
#define WAVE_IR_EVAL_KERNEL_H

#include "ir/eval.h"

/* One evaluation of one node. */
struct ev {
	struct arena *tmp; /* dies with this evaluation */
	struct diag *d;
	const struct node *n;
	const struct eval_tensor *in;
	struct eval_tensor *out; /* result 0; data and bound are allocated */
	int64_t len;             /* elements of result 0 */
	bool bounds;
	enum dtype dtype; /* of result 0 on the device; out->type.dtype is f64
	                     for floats where rounding is off */
	bool fits;        /* that dtype holds every operand's values exactly */
	double u;         /* unit roundoff of the compute type */
};

/* A computed number and the limit of its error. */
struct num {
	double v, e;
};

/* The kernels: one for each name in the reference column of ops.def. False
 * after a diagnostic. */
#define OP(name, lower, imin, imax, omin, omax, flags, rule, kernel, ...) \
	bool eval_##kernel(struct ev *ev);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include "ir/ops.def"
#pragma GCC diagnostic pop

/* eval_value.c: reading operands, storing results. */

/* n elements from offset off as doubles. */
void load_doubles(
    const void *data, enum dtype t, int64_t off, int64_t n, double *dst);
/* Operand i as doubles; as integers (64 bits, u64 as its bit pattern). */
const double *ev_doubles(struct ev *ev, int i);
int64_t *ev_ints(struct ev *ev, int i);
/* Errors of operand i, NULL where exact or bounds are off. */
const double *ev_errors(const struct ev *ev, int i);
bool ev_has(const struct ev *ev, int i); /* operand i is present */

/* Stores element i of the result after an operation that the device rounds:
 * adds the rounding to the bound. The exact form is for operations that only
 * pick or convert: without an operand error they add none. */
void ev_put(struct ev *ev, int64_t i, struct num y);
void ev_put_exact(struct ev *ev, int64_t i, struct num y);
/* y after the device rounded it to the result's dtype without storing it. */
struct num ev_rounded(const struct ev *ev, struct num y);
/* The evaluation of result i of the node, for ev_put. */
struct ev ev_result(const struct ev *ev, int i);
/* Stores the low bits of an integer; unsure where the device's may differ. */
void ev_put_int(struct ev *ev, int64_t i, uint64_t v, bool unsure);

/* Attributes of lists per axis: element k, or dflt where the list is empty. */
int64_t ev_list(const struct ev *ev, enum attr_id id, int k, int64_t dflt);
/* One diagnostic at the node; always false. */
bool ev_fail(struct ev *ev, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Row-major strides of t; returns the number of elements. */
int64_t strides_of(const struct tensor_type *t, int64_t stride[MAX_RANK]);
double *new_doubles(struct ev *ev, int64_t n);

/* Product of dim[from .. to-1]. */
int64_t span_elems(const struct tensor_type *t, int from, int to);

/* Half an ulp of the compute type, times k, at v; with a floor for
 * subnormals. 0 where v is not finite: no rounding there. */
double ev_slack(const struct ev *ev, double k, double v);
/* Largest magnitude the compute type holds. */
double ev_limit(const struct ev *ev);

/* eval_walk.c: element offsets under NumPy broadcasting. */
struct walk {
	int rank, nin;
	int64_t dim[MAX_RANK], at[MAX_RANK];
	int64_t stride[3][MAX_RANK];
	int64_t off[3]; /* of the current element, per operand */
};
void walk_init(struct walk *w, const struct tensor_type *out,
    const struct eval_tensor *in, int nin);
void walk_next(struct walk *w);

/* eval_map1.c: functions of one number, also as epilogue activation. */
struct map1 {
	enum op op;
	double a, b;  /* alpha, beta; limits of clip */
	bool variant; /* gelu: tanh form */
};
double map1_value(const struct map1 *f, double x);
struct num map1_apply(const struct ev *ev, const struct map1 *f, struct num x);
struct map1 map1_of_act(const struct node *n);
/* e of f over [x - e, x + e], f monotone there, v = f(x). */
double map1_spread(const struct map1 *f, struct num x, double v);

/* eval_int.c: integers of a dtype, held in 64 bits. */
uint64_t int_load(const void *data, enum dtype t, int64_t i);
void int_store(void *data, enum dtype t, int64_t i, uint64_t v);
bool int_less(enum dtype t, uint64_t a, uint64_t b);
uint64_t int_map1(const struct map1 *f, enum dtype t, uint64_t x);
uint64_t int_map2(enum op op, enum dtype t, uint64_t a, uint64_t b);
/* a^b, or 1 / a^b towards zero (inverse; b's parity counts). */
uint64_t int_power(uint64_t a, uint64_t b, bool inverse);
bool int_negative(enum dtype t, uint64_t v);
uint64_t int_lowest(enum dtype t);
uint64_t int_highest(enum dtype t);
bool dtype_is_signed(enum dtype t);

/* eval_geometry.c: windows over spatial axes (convolution, pools). */
struct window {
	int rank;                        /* spatial axes */
	int64_t taps, positions, pixels; /* kernel, result, operand elements */
	int64_t in[MAX_RANK], out[MAX_RANK], kernel[MAX_RANK];
	int64_t stride[MAX_RANK], dilation[MAX_RANK], pad[MAX_RANK];
	bool transposed;
};
bool window_init(
    struct window *w, struct ev *ev, const int64_t *kernel, bool transposed);
/* The same from planes of x to planes of y. */
bool window_between(struct window *w, struct ev *ev,
    const struct tensor_type *x, const struct tensor_type *y,
    const int64_t *kernel, bool transposed);
/* off[t] = offset of tap t in the operand's plane at result position pos, or
 * -1 outside. */
void window_offsets(const struct window *w, int64_t pos, int64_t *off);

#endif
