#include "tests/lib/randgraph.h"

#include <math.h>
#include <string.h>

/* A node being put together. */
struct draft {
	struct random_graph *r;
	struct node_spec spec;
	struct value *in[8];
	struct attr attrs[16];
};

int64_t
random_between(struct random_graph *r, int64_t lo, int64_t hi)
{
	uint64_t n = hi > lo ? (uint64_t)(hi - lo + 1) : 1;

	return lo + (int64_t)((unit_random(r->seed) >> 24) % n);
}

static bool
chance(struct random_graph *r, int percent)
{
	return random_between(r, 1, 100) <= percent;
}

static double
random_double(struct random_graph *r, double lo, double hi)
{
	return lo + (hi - lo) * (double)random_between(r, 0, 1024) / 1024;
}

/* An input, or a constant with elements from lo to hi. */
static struct value *
leaf(struct random_graph *r, int rank, const int64_t *dim, double lo,
    double hi, bool constant)
{
	struct tensor_type t = type_make(r->dtype, rank, dim);
	size_t n = (size_t)type_elems(&t);
	void *data;

	if (!constant)
		return graph_input(r->g, NULL, &t);
	data = arena_calloc(r->unit->arena, n + 1, dtype_size(t.dtype));
	for (size_t i = 0; i < n; i++)
		dtype_set(data, t.dtype, i, random_double(r, lo, hi));
	return graph_const(r->g, NULL, &t, data);
}

void
random_start(struct random_graph *r, struct unit *u, uint64_t *seed,
    enum dtype t)
{
	memset(r, 0, sizeof *r);
	r->unit = u;
	r->seed = seed;
	r->dtype = t;
	r->max_elems = 2000;
	r->g = graph_new(u->arena, "random");
	for (int64_t i = random_between(r, 1, 3); i > 0; i--) {
		int64_t dim[4] = {random_between(r, 1, 2),
		    4 * random_between(r, 1, 3), 2 * random_between(r, 1, 4),
		    2 * random_between(r, 1, 4)};

		VEC_PUSH(u->arena, &r->pool, leaf(r, 4, dim, 0, 0, false));
	}
}

static struct value *
pick(struct random_graph *r)
{
	size_t n = r->pool.len;

	/* the newest ones more often, for deep graphs */
	if (n > 3 && chance(r, 50))
		return r->pool.data[n - (size_t)random_between(r, 1, 3)];
	return r->pool.data[random_between(r, 0, (int64_t)n - 1)];
}

static struct value *
pick_rank(struct random_graph *r, int lo, int hi)
{
	for (int tries = 0; tries < 20; tries++) {
		struct value *v = pick(r);

		if (v->type.rank >= lo && v->type.rank <= hi &&
		    type_elems(&v->type) > 0)
			return v;
	}
	return r->pool.data[0];
}

static void
operand(struct draft *d, struct value *v)
{
	d->in[d->spec.nin++] = v;
}

static void
attr(struct draft *d, struct attr a)
{
	d->attrs[d->spec.nattrs++] = a;
}

static void
attr_i(struct draft *d, enum attr_id id, int64_t v)
{
	attr(d, attr_make_int(id, v));
}

static void
attr_f(struct draft *d, enum attr_id id, double lo, double hi)
{
	attr(d, attr_make_float(id, random_double(d->r, lo, hi)));
}

/* The list is copied: the graph keeps a reference to it or a copy. */
static void
attr_l(struct draft *d, enum attr_id id, const int64_t *v, int n)
{
	struct arena *a = d->r->unit->arena;
	int64_t *copy = NEW_ARRAY(a, int64_t, (size_t)n + 1);

	memcpy(copy, v, (size_t)n * sizeof *v);
	attr(d, attr_make_ints(id, copy, (size_t)n));
}

/* A list of n numbers from lo to hi. */
static void
attr_list(struct draft *d, enum attr_id id, int n, int64_t lo, int64_t hi)
{
	int64_t v[MAX_RANK];

	for (int i = 0; i < n; i++)
		v[i] = random_between(d->r, lo, hi);
	attr_l(d, id, v, n);
}

static struct value *
vector(struct draft *d, int64_t n, double lo, double hi)
{
	return leaf(d->r, 1, &n, lo, hi, chance(d->r, 70));
}

/* x within [lo, hi]: for functions that are steep elsewhere. */
static struct value *
tamed(struct random_graph *r, struct value *x, double lo, double hi)
{
	struct attr a[2] = {attr_make_float(ATTR_min, lo),
	    attr_make_float(ATTR_max, hi)};

	return build_op(r->g, OP_clip, &x, 1, a, 2, DT_NONE, NULL);
}

static void
draft_unary(struct draft *d, enum op op)
{
	struct value *x = pick(d->r);

	switch (op) {
	case OP_reciprocal:
	case OP_sqrt:
	case OP_rsqrt:
	case OP_log: x = tamed(d->r, x, 0.25, 8); break;
	case OP_exp:
	case OP_sin:
	case OP_cos: x = tamed(d->r, x, -3, 3); break;
	case OP_leaky_relu:
	case OP_elu:
	case OP_celu:
	case OP_thresholded_relu: attr_f(d, ATTR_alpha, 0.125, 2); break;
	case OP_hard_sigmoid:
	case OP_selu:
		attr_f(d, ATTR_alpha, 0.125, 2);
		attr_f(d, ATTR_beta, 0.25, 1);
		break;
	case OP_clip:
		attr_f(d, ATTR_min, -2, 0);
		attr_f(d, ATTR_max, 0, 4);
		break;
	case OP_gelu:
		attr_i(d, ATTR_approximate, random_between(d->r, 0, 1));
		break;
	case OP_cast: attr_i(d, ATTR_to, DT_F32); break;
	default: break;
	}
	operand(d, x);
}

/* An operand that broadcasts against x. */
static struct value *
companion(struct draft *d, const struct value *x, double lo, double hi)
{
	int64_t dim[MAX_RANK];
	int drop = (int)random_between(d->r, 0, x->type.rank);
	int rank = x->type.rank - drop;

	if (chance(d->r, 30))
		return leaf(d->r, 0, NULL, lo, hi, true);
	for (int i = 0; i < rank; i++)
		dim[i] = chance(d->r, 50) ? 1 : x->type.dim[i + drop];
	return leaf(d->r, rank, dim, lo, hi, chance(d->r, 80));
}

static struct value *
comparison(struct draft *d, struct value *x, struct value *y)
{
	return build_binary(d->r->g, OP_less, x, y, DT_NONE, NULL);
}

static void
draft_map(struct draft *d, enum op op)
{
	static const double special[] = {0, 1, 2, 0.5, -1};
	struct value *x = pick(d->r), *y;

	if (op == OP_select)
		operand(d, comparison(d, x, companion(d, x, -1, 1)));
	if (op == OP_pow) {
		x = tamed(d->r, x, 0.25, 3);
		y = build_scalar(d->r->g, d->r->dtype,
		    special[random_between(d->r, 1, 4)]);
	} else if (chance(d->r, 20) && op != OP_div && op != OP_mod) {
		y = build_scalar(d->r->g, d->r->dtype,
		    special[random_between(d->r, 0, 2)]);
	} else if (chance(d->r, 30) && op != OP_div && op != OP_mod) {
		y = pick(d->r);
	} else {
		y = companion(d, x, 0.25, 4);
		if (y->kind != VALUE_CONST && (op == OP_div || op == OP_mod))
			y = tamed(d->r, y, 0.5, 4);
	}
	if (op != OP_pow && op != OP_prelu && chance(d->r, 20)) {
		struct value *t = x;

		x = op == OP_div || op == OP_mod ? x : y;
		y = x == t ? y : t;
	}
	operand(d, x);
	operand(d, y);
	if (op == OP_fma)
		operand(d, companion(d, x, -2, 2));
}

static void
draft_window(struct draft *d, enum op op)
{
	struct value *x = pick_rank(d->r, 3, 5);
	int n = x->type.rank - 2;

	operand(d, x);
	if (op == OP_channel_sum || op == OP_lrn) {
		attr_i(d, ATTR_size, random_between(d->r, 1, 5));
		if (op == OP_channel_sum)
			return;
		attr_f(d, ATTR_alpha, 0, 0.5);
		attr_f(d, ATTR_bias, 1, 2);
		attr(d, attr_make_float(ATTR_beta,
		    0.25 * (double)random_between(d->r, 1, 4)));
		return;
	}
	attr_list(d, ATTR_kernel, n, 1, 3);
	attr_list(d, ATTR_strides, n, 1, 2);
	attr_list(d, ATTR_dilations, n, 1, chance(d->r, 20) ? 2 : 1);
	attr_list(d, ATTR_pads_begin, n, 0, chance(d->r, 50) ? 1 : 0);
	attr_list(d, ATTR_pads_end, n, 0, chance(d->r, 50) ? 1 : 0);
	if (op == OP_avg_pool)
		attr_i(d, ATTR_count_include_pad,
		    random_between(d->r, 0, 1));
}

/* A bias, then a residual of type t, each perhaps. */
static void
epilogue(struct draft *d, int64_t channels)
{
	if (chance(d->r, 50))
		operand(d, vector(d, channels, -1, 1));
}

static void
draft_conv(struct draft *d, enum op op)
{
	struct value *x = pick_rank(d->r, 3, 5);
	int n = x->type.rank - 2;
	int64_t groups = chance(d->r, 30) && x->type.dim[1] % 2 == 0 ? 2 : 1;
	int64_t k = random_between(d->r, 1, 4), dim[MAX_RANK];

	dim[0] = op == OP_conv ? k * groups : x->type.dim[1];
	dim[1] = op == OP_conv ? x->type.dim[1] / groups : k;
	for (int i = 0; i < n; i++)
		dim[i + 2] = random_between(d->r, 1, 3);
	operand(d, x);
	operand(d, leaf(d->r, n + 2, dim, -0.5, 0.5, chance(d->r, 90)));
	epilogue(d, k * groups);
	attr_i(d, ATTR_groups, groups);
	attr_list(d, ATTR_strides, n, 1, 2);
	attr_list(d, ATTR_dilations, n, 1, chance(d->r, 20) ? 2 : 1);
	attr_list(d, ATTR_pads_begin, n, 0, 1);
	attr_list(d, ATTR_pads_end, n, 0, 1);
}

static void
draft_matmul(struct draft *d, enum op op)
{
	struct random_graph *r = d->r;
	struct value *x = pick_rank(r, 2, op == OP_gemm ? 2 : 4);
	int64_t ta = random_between(r, 0, 1), tb = random_between(r, 0, 1);
	int64_t n = random_between(r, 1, 5), k, m, dim[2];
	struct value *w;

	if (op == OP_gemm && x->type.rank != 2) {
		dim[0] = x->type.dim[0];
		dim[1] = type_elems(&x->type) / dim[0];
		attr_l(d, ATTR_shape, dim, 2);
		x = build_op(r->g, OP_reshape, &x, 1, d->attrs, 1, DT_NONE,
		    NULL);
		d->spec.nattrs = 0;
	}
	k = x->type.dim[x->type.rank - (ta ? 2 : 1)];
	m = x->type.dim[x->type.rank - (ta ? 1 : 2)];
	dim[0] = tb ? n : k;
	dim[1] = tb ? k : n;
	w = leaf(r, 2, dim, -0.5, 0.5, chance(r, 80));
	operand(d, x);
	operand(d, w);
	attr_i(d, ATTR_trans_a, ta);
	attr_i(d, ATTR_trans_b, tb);
	if (op == OP_matmul) {
		epilogue(d, n);
		return;
	}
	dim[0] = chance(r, 50) ? 1 : m;
	dim[1] = chance(r, 70) ? n : 1;
	if (chance(r, 80))
		operand(d, chance(r, 40) ? vector(d, dim[1], -1, 1)
		    : leaf(r, 2, dim, -1, 1, chance(r, 70)));
	attr(d, attr_make_float(ATTR_alpha, chance(r, 60) ? 1 : 0.3));
	attr(d, attr_make_float(ATTR_beta, chance(r, 60) ? 1
	    : 0.5 * (double)random_between(r, 0, 3)));
}

static void
draft_reduce(struct draft *d, enum op op)
{
	struct value *x = pick_rank(d->r, 1, MAX_RANK);
	int64_t axes[MAX_RANK];
	int n = 0;

	for (int i = 0; i < x->type.rank; i++)
		if (chance(d->r, 50))
			axes[n++] = i;
	if (op == OP_reduce_log_sum)
		x = tamed(d->r, x, 0.25, 4);
	if (op == OP_reduce_prod)
		x = tamed(d->r, x, 0.9, 1.1);
	operand(d, x);
	attr_i(d, ATTR_keepdims, random_between(d->r, 0, 1));
	attr_l(d, ATTR_axes, axes, n);
}

static void
draft_arg(struct draft *d)
{
	struct value *x = pick_rank(d->r, 1, MAX_RANK);

	operand(d, x);
	attr_i(d, ATTR_axis, random_between(d->r, 0, x->type.rank - 1));
	attr_i(d, ATTR_keepdims, random_between(d->r, 0, 1));
	attr_i(d, ATTR_select_last, random_between(d->r, 0, 1));
}

/* Ranges of ragged groups over the channels. */
static void
channel_ranges(struct draft *d, int64_t channels)
{
	int64_t lo[64], hi[64], at = 0;
	bool even = channels % 2 == 0 && chance(d->r, 50);
	int n = 0;

	while (at < channels && n < 64) {
		int64_t left = channels - at;

		lo[n] = at;
		at += even ? channels / 2 : n == 63 ? left
		    : random_between(d->r, 1, left);
		hi[n++] = at;
	}
	attr_l(d, ATTR_channel_starts, lo, n);
	attr_l(d, ATTR_channel_ends, hi, n);
}

static void
draft_norm(struct draft *d, enum op op)
{
	struct value *x = pick_rank(d->r, 2, 5);
	int64_t channels = x->type.dim[1];
	int axis = (int)random_between(d->r, 0, x->type.rank - 1);

	operand(d, x);
	/* Large: a variance near 0 makes the result a matter of rounding. */
	attr_f(d, ATTR_epsilon, 0.25, 0.5);
	if (op == OP_layer_norm) {
		int n = x->type.rank - axis;
		bool c = chance(d->r, 80);

		attr_i(d, ATTR_axis, axis);
		operand(d, leaf(d->r, n, x->type.dim + axis, -1, 1, c));
		if (chance(d->r, 60))
			operand(d, leaf(d->r, n, x->type.dim + axis, -1, 1,
			    c));
		return;
	}
	operand(d, vector(d, channels, -1, 1));
	operand(d, vector(d, channels, -1, 1));
	if (op == OP_group_norm)
		channel_ranges(d, channels);
	if (op != OP_batch_norm)
		return;
	operand(d, vector(d, channels, -1, 1));
	operand(d, leaf(d->r, 1, &channels, 0.5, 2, true));
}

static void
draft_axis(struct draft *d)
{
	struct value *x = pick_rank(d->r, 1, MAX_RANK);

	operand(d, tamed(d->r, x, -6, 6));
	attr_i(d, ATTR_axis, random_between(d->r, 0, x->type.rank - 1));
}

static void
draft_reshape(struct draft *d, const struct value *x)
{
	int64_t dim[MAX_RANK], rest = type_elems(&x->type);
	int n = 0;

	while (rest > 1 && n < 5) {
		int64_t f = random_between(d->r, 1, 6);

		if (rest % f != 0)
			f = 1;
		dim[n++] = f;
		rest /= f;
	}
	dim[n++] = rest;
	attr_l(d, ATTR_shape, dim, n);
}

static void
draft_slice(struct draft *d, const struct value *x)
{
	int64_t starts[MAX_RANK], steps[MAX_RANK], sizes[MAX_RANK];
	int n = x->type.rank;

	for (int i = 0; i < n; i++) {
		int64_t extent = x->type.dim[i];
		int64_t step = chance(d->r, 60) ? 1
		    : random_between(d->r, -2, 2);
		int64_t room;

		steps[i] = step == 0 ? 1 : step;
		starts[i] = chance(d->r, 50) && steps[i] > 0 ? 0
		    : random_between(d->r, 0, extent - 1);
		room = steps[i] > 0 ? (extent - 1 - starts[i]) / steps[i]
		    : starts[i] / -steps[i];
		sizes[i] = chance(d->r, 50) ? room + 1
		    : random_between(d->r, 1, room + 1);
	}
	attr_l(d, ATTR_starts, starts, n);
	attr_l(d, ATTR_steps, steps, n);
	attr_l(d, ATTR_sizes, sizes, n);
}

static void
draft_pad(struct draft *d, const struct value *x)
{
	int64_t mode = random_between(d->r, 0, 2), lo = mode == 0 ? -1 : 0;
	int n = x->type.rank;

	attr_i(d, ATTR_mode, mode);
	if (mode == 0 && chance(d->r, 50))
		attr(d, attr_make_float(ATTR_value, 0.5));
	attr_list(d, ATTR_pads_begin, n, chance(d->r, 70) ? 0 : lo, 1);
	attr_list(d, ATTR_pads_end, n, chance(d->r, 70) ? 0 : lo, 2);
}

static struct value *
indices(struct draft *d, int n, int64_t lo, int64_t hi)
{
	int64_t v[8];

	for (int i = 0; i < n; i++)
		v[i] = random_between(d->r, lo, hi);
	return build_ints(d->r->g, v, (size_t)n);
}

static void
draft_concat(struct draft *d, struct value *x)
{
	int axis = (int)random_between(d->r, 0, x->type.rank - 1);
	int64_t dim[MAX_RANK];

	attr_i(d, ATTR_axis, axis);
	for (int64_t n = random_between(d->r, 0, 2); n > 0; n--) {
		memcpy(dim, x->type.dim, sizeof dim);
		dim[axis] = random_between(d->r, 0, 3);
		operand(d, chance(d->r, 40) ? x : leaf(d->r, x->type.rank,
		    dim, -1, 1, chance(d->r, 50)));
	}
}

static void
draft_transpose(struct draft *d, const struct value *x)
{
	int64_t perm[MAX_RANK];
	int n = x->type.rank;

	for (int i = 0; i < n; i++)
		perm[i] = i;
	for (int i = n - 1; i > 0; i--) {
		int64_t j = random_between(d->r, 0, i), t = perm[i];

		perm[i] = perm[j];
		perm[j] = t;
	}
	attr_l(d, ATTR_perm, perm, n);
}

static void
draft_expand(struct draft *d, const struct value *x)
{
	int64_t dim[MAX_RANK];
	int more = chance(d->r, 30) && x->type.rank < 5 ? 1 : 0;

	for (int i = 0; i < x->type.rank + more; i++) {
		dim[i] = i < more ? 2 : x->type.dim[i - more];
		if (dim[i] == 1)
			dim[i] = random_between(d->r, 1, 3);
	}
	attr_l(d, ATTR_shape, dim, x->type.rank + more);
}

static void
draft_resize(struct draft *d, const struct value *x)
{
	int64_t dim[MAX_RANK];
	int n = x->type.rank;

	for (int i = 0; i < n; i++)
		dim[i] = i < 2 && chance(d->r, 90) ? x->type.dim[i]
		    : random_between(d->r, 1, 2 * x->type.dim[i]);
	attr_l(d, ATTR_shape, dim, n);
	attr_i(d, ATTR_mode, random_between(d->r, 0, 2));
	attr_i(d, ATTR_coord, random_between(d->r, 0, 3));
	attr_i(d, ATTR_rounding, random_between(d->r, 0, 3));
}

static void
draft_move(struct draft *d, enum op op)
{
	struct value *x = pick_rank(d->r, 1, 6);
	int64_t axis = random_between(d->r, 0, x->type.rank - 1), k;

	if (op == OP_depth_to_space || op == OP_space_to_depth)
		x = pick_rank(d->r, 4, 4);
	operand(d, x);
	switch (op) {
	case OP_reshape: draft_reshape(d, x); break;
	case OP_transpose: draft_transpose(d, x); break;
	case OP_slice: draft_slice(d, x); break;
	case OP_concat: draft_concat(d, x); break;
	case OP_pad: draft_pad(d, x); break;
	case OP_expand: draft_expand(d, x); break;
	case OP_tile:
		operand(d, indices(d, x->type.rank, 1, chance(d->r, 10) ? 9
		    : 2));
		break;
	case OP_gather:
		k = x->type.dim[axis];
		operand(d, indices(d, (int)random_between(d->r, 1, 4), -k,
		    k - 1));
		attr_i(d, ATTR_axis, axis);
		break;
	case OP_resize: draft_resize(d, x); break;
	default:
		attr_i(d, ATTR_blocksize, 2);
		if (op == OP_depth_to_space)
			attr_i(d, ATTR_dcr, random_between(d->r, 0, 1));
		break;
	}
}

/* Chooses operands and attributes; false for ops that random graphs of one
 * float dtype do not hold. */
static bool
draft_op(struct draft *d, enum op op)
{
	const struct op_info *info = op_info(op);

	switch (op) {
	case OP_not:
	case OP_and:
	case OP_or:
	case OP_xor: return false;
	case OP_conv:
	case OP_conv_transpose: draft_conv(d, op); return true;
	case OP_matmul:
	case OP_gemm: draft_matmul(d, op); return true;
	case OP_argmax:
	case OP_argmin: draft_arg(d); return true;
	case OP_avg_pool:
	case OP_lrn: draft_window(d, op); return true;
	case OP_softmax:
	case OP_log_softmax: draft_axis(d); return true;
	case OP_batch_norm:
	case OP_instance_norm:
	case OP_group_norm:
	case OP_layer_norm: draft_norm(d, op); return true;
	case OP_tile:
	case OP_depth_to_space:
	case OP_space_to_depth:
	case OP_resize: draft_move(d, op); return true;
	default: break;
	}
	if (strncmp(info->name, "reduce_", 7) == 0)
		draft_reduce(d, op);
	else if (info->flags & OPF_UNARY)
		draft_unary(d, op);
	else if (info->lowering == LOWER_MAP)
		draft_map(d, op);
	else if (info->lowering == LOWER_WINDOW)
		draft_window(d, op);
	else
		draft_move(d, op);
	return true;
}

struct node *
random_node(struct random_graph *r, enum op op)
{
	struct draft d = {.r = r};
	struct diag quiet = {0};
	struct node *n;

	d.spec.op = op;
	if (!draft_op(&d, op))
		return NULL;
	d.spec.in = d.in;
	d.spec.attrs = d.attrs;
	n = graph_add(r->g, &quiet, &d.spec);
	if (n == NULL)
		return NULL;
	n->phase = "forward";
	if (n->out[0]->type.dtype == r->dtype &&
	    type_elems(&n->out[0]->type) <= r->max_elems &&
	    type_elems(&n->out[0]->type) > 0)
		VEC_PUSH(r->unit->arena, &r->pool, n->out[0]);
	return n;
}

void
random_finish(struct random_graph *r)
{
	graph_foreach_node(r->g, n)
		if (value_nuses(r->g, n->out[0]) == 0)
			graph_output(r->g, n->out[0],
			    arena_printf(r->unit->arena, "y%u",
			    (unsigned)n->id));
}
