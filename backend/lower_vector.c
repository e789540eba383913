/* Element-wise ops, reductions and copies. */
#include "backend/group.h"
#include "backend/place.h"
#include "backend/vec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- entry points ---- */

struct func_row {
	enum op op;
	enum vec_func func;
	enum attr_id p, q;
};

static const struct func_row func_rows[] = {
    {OP_identity, VF_copy, 0, 0},
    {OP_cast, VF_copy, 0, 0},
    {OP_neg, VF_neg, 0, 0},
    {OP_abs, VF_abs, 0, 0},
    {OP_sign, VF_sign, 0, 0},
    {OP_floor, VF_floor, 0, 0},
    {OP_ceil, VF_ceil, 0, 0},
    {OP_round, VF_round, 0, 0},
    {OP_reciprocal, VF_reciprocal, 0, 0},
    {OP_sqrt, VF_sqrt, 0, 0},
    {OP_rsqrt, VF_rsqrt, 0, 0},
    {OP_exp, VF_exp, 0, 0},
    {OP_log, VF_log, 0, 0},
    {OP_sin, VF_sin, 0, 0},
    {OP_cos, VF_cos, 0, 0},
    {OP_erf, VF_erf, 0, 0},
    {OP_tanh, VF_tanh, 0, 0},
    {OP_sigmoid, VF_sigmoid, 0, 0},
    {OP_relu, VF_relu, 0, 0},
    {OP_leaky_relu, VF_leaky_relu, ATTR_alpha, 0},
    {OP_clip, VF_clip, ATTR_min, ATTR_max},
    {OP_hard_sigmoid, VF_hard_sigmoid, ATTR_alpha, ATTR_beta},
    {OP_hard_swish, VF_hard_swish, 0, 0},
    {OP_not, VF_not, 0, 0},
    {OP_add, VF_add, 0, 0},
    {OP_sub, VF_sub, 0, 0},
    {OP_mul, VF_mul, 0, 0},
    {OP_div, VF_div, 0, 0},
    {OP_pow, VF_pow, 0, 0},
    {OP_min, VF_min, 0, 0},
    {OP_max, VF_max, 0, 0},
    {OP_mod, VF_mod, 0, 0},
    {OP_prelu, VF_prelu, 0, 0},
    {OP_equal, VF_equal, 0, 0},
    {OP_less, VF_less, 0, 0},
    {OP_less_equal, VF_less_equal, 0, 0},
    {OP_and, VF_and, 0, 0},
    {OP_or, VF_or, 0, 0},
    {OP_xor, VF_xor, 0, 0},
    {OP_select, VF_select, 0, 0},
    {OP_fma, VF_fma, 0, 0},
};

/* Quotient and remainder by a power of two, of numbers without a sign and of
 * up to 32 bits, take bits. */
static void
use_field(const struct node *n, enum vec_func *f, double *param)
{
	enum dtype t = n->out[0]->type.dtype;
	uint64_t y = 0, most;

	if ((n->op != OP_div && n->op != OP_mod) ||
	    (t != DT_U8 && t != DT_U16 && t != DT_U32) ||
	    n->in[1]->kind != VALUE_CONST || n->in[1]->data == NULL ||
	    type_elems(&n->in[1]->type) != 1)
		return;
	memcpy(&y, n->in[1]->data, dtype_size(t));
	if (y == 0 || (y & (y - 1)) != 0)
		return;
	most = ((uint64_t)1 << 8 * dtype_size(t)) - 1;
	*f = VF_field;
	param[0] = param[1] = 0;
	if (n->op == OP_mod)
		param[1] = (double)(y - 1);
	for (; n->op == OP_div && y > 1; y /= 2)
		param[0]++;
	if (n->op == OP_div)
		param[1] = (double)most;
}

bool
vop_func(const struct node *n, enum vec_func *f, double *param)
{
	const struct func_row *r = NULL;
	for (size_t i = 0; i < sizeof func_rows / sizeof *func_rows; i++)
		if (func_rows[i].op == n->op)
			r = &func_rows[i];
	if (r == NULL)
		return false;
	*f = r->func;
	param[0] = r->p != ATTR_NONE ? node_float(n, r->p) : 0;
	param[1] = r->q != ATTR_NONE ? node_float(n, r->q) : 0;
	use_field(n, f, param);
	return true;
}

/* ---- masks and random numbers ---- */

/* A constant vector along one dimension, as a place. */
static struct place
constant(struct lower *lw, enum dtype t, int rank, const int64_t *dim,
    const void *data)
{
	struct place pl = place_dense(t, rank, dim);
	pl.buf = tile_buffer(lw->p, "table", SPACE_DRAM, place_bytes(&pl), 1,
	    NULL);
	pl.buf->role = ROLE_CONST;
	pl.buf->traffic = TRAFFIC_OTHER;
	pl.buf->dtype = t;
	pl.buf->data = data;
	return pl;
}

/* pl with dimension axis, or its elements from `at` on, split in (count, 8);
 * packed: into (count, 1 repeated). */
static void
split_axis(struct vop *o, int k, const struct place *pl, int axis, int64_t at,
    bool packed)
{
	o->pl[k] = *pl;
	o->pl[k].offset += (packed ? at / 8 : at) * pl->stride[axis];
	for (int i = 0, d = 0; i < pl->rank; i++, d++) {
		int64_t step = pl->stride[i];
		if (i != axis) {
			o->dim[d].stride[k] = step;
			continue;
		}
		o->dim[d++].stride[k] = packed ? step : 8 * step;
		o->dim[d].stride[k] = packed ? 0 : step;
	}
}

/* Channels [at, at + count * each) of a mask op; each is 8 or what is left. */
static bool
mask_part(struct lower *lw, const struct node *n, int64_t at, int64_t count,
    int64_t each)
{
	static const uint8_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
	bool select = n->op == OP_mask_select;
	const struct place *y = place_of(lw, n->in[select ? 1 : 0]);
	int axis = (int)node_int(n, ATTR_axis);
	struct vop o = {0};
	o.lw = lw;
	o.kind = select ? TILE_MAP : TILE_RED;
	o.func = select ? VF_bitsel : VF_rbits;
	for (int i = 0; i < y->rank; i++) {
		vop_dim(&o, i == axis ? count : y->dim[i], false);
		if (i == axis)
			vop_dim(&o, each, !select);
	}
	if (!select) {
		o.nops = 2;
		split_axis(&o, 0, place_of(lw, n->out[0]), axis, at, true);
		split_axis(&o, 1, y, axis, at, false);
		/* the reduced dimension goes last */
		for (int i = axis + 1; i + 1 < o.rank; i++) {
			struct vdim t = o.dim[i];
			o.dim[i] = o.dim[i + 1];
			o.dim[i + 1] = t;
		}
		return vop_run(&o);
	}
	o.nops = 4;
	split_axis(&o, 0, place_of(lw, n->out[0]), axis, at, false);
	split_axis(&o, 1, place_of(lw, n->in[0]), axis, at, true);
	split_axis(&o, 2, y, axis, at, false);
	o.pl[3] = constant(lw, DT_U8, 1, &(int64_t){8}, bit);
	o.dim[axis + 1].stride[3] = 1;
	return vop_run(&o);
}

static bool
lower_mask(struct lower *lw, const struct node *n)
{
	const struct tensor_type *t = &n->in[n->nin - 1]->type;
	int64_t dim = t->dim[node_int(n, ATTR_axis)];
	return (dim < 8 || mask_part(lw, n, 0, dim / 8, 8)) &&
	    (dim % 8 == 0 || mask_part(lw, n, dim / 8 * 8, 1, dim % 8));
}

/* Row-major numbers of the elements over dimensions [from, to), as one of
 * two summands. */
static struct place
numbers(struct lower *lw, const struct tensor_type *t, int from, int to)
{
	int64_t count = 1, step = 1;
	for (int i = from; i < to; i++)
		count *= t->dim[i];
	for (int i = to; i < t->rank; i++)
		step *= t->dim[i];
	int64_t *v = NEW_ARRAY(lw->p->arena, int64_t, (size_t)count + 1);
	for (int64_t i = 0; i < count; i++)
		v[i] = i * step;
	struct place pl = constant(lw, DT_I64, to - from, t->dim + from, v);
	/* over all dimensions of t */
	struct place all = pl;
	all.rank = t->rank;
	for (int i = 0; i < t->rank; i++) {
		bool in = i >= from && i < to;
		all.dim[i] = in ? t->dim[i] : 1;
		all.stride[i] = in ? pl.stride[i - from] : 8;
	}
	return all;
}

/* The number of leading dimensions, at least one, whose table is as small as
 * the other's. */
static int
halfway(const struct tensor_type *t)
{
	int64_t outer = 1, total = type_elems(t), least = INT64_MAX;
	int cut = t->rank;
	for (int i = 0; i < t->rank; i++) {
		outer *= t->dim[i];
		if (outer > 0 && outer + total / outer < least) {
			least = outer + total / outer;
			cut = i + 1;
		}
	}
	return cut;
}

/* Whether groups read nothing but their parts of v. */
static bool
read_in_parts(const struct value *v)
{
	for (size_t i = 0; i < v->uses.len; i++)
		if (v->uses.data[i].node->op != OP_group_part)
			return false;
	return v->uses.len > 0 && v->nends == 0;
}

/* The words' numbers are sums of two small tables, so that any tile of any
 * layout finds its own. */
static bool
lower_random(struct lower *lw, const struct node *n)
{
	const struct tensor_type *t = &n->out[0]->type;
	struct place y = *place_of(lw, n->out[0]);
	int cut = halfway(t);
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_philox;
	o.param[0] = (double)node_int(n, ATTR_seed);
	o.param[1] = (double)node_int(n, ATTR_stream);
	o.nops = 4;
	struct place a = numbers(lw, t, 0, cut);
	if (lw->region != NULL && lw->sched->split[n->out[0]->id])
		a = group_slice(lw, &a);
	else if (read_in_parts(n->out[0])) {
		y = place_part(lw, &y);
		a = place_part(lw, &a);
	}
	struct place b = numbers(lw, t, cut, t->rank);
	vop_map_space(&o, &y);
	vop_broadcast(&o, 1, place_of(lw, n->in[0]), y.rank);
	vop_broadcast(&o, 2, &a, y.rank);
	vop_broadcast(&o, 3, &b, y.rank);
	return vop_run(&o);
}

bool
lower_map(struct lower *lw, const struct node *n)
{
	if (n->op == OP_mask_pack || n->op == OP_mask_select)
		return lower_mask(lw, n);
	if (n->op == OP_random_bits)
		return lower_random(lw, n);
	struct vop o = {0};
	if (!vop_func(n, &o.func, o.param))
		return lower_refuse(lw, n);
	o.lw = lw;
	o.kind = TILE_MAP;
	vop_map_space(&o, place_of(lw, n->out[0]));
	o.nops = 1;
	o.nlast = vec_func_sources(o.func);
	for (int i = 0; i < o.nlast; i++) {
		o.last[i] = vop_source(&o, n->in[i], &n->out[0]->type, NULL);
		if (o.last[i] == 0)
			ice("lower", "too large a tree");
	}
	o.copy = o.func == VF_copy && o.nsteps == 0;
	return vop_run(&o);
}

void
lower_copy(struct lower *lw, const struct place *src, const struct place *dst)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_copy;
	o.copy = true;
	o.nops = 2;
	vop_map_space(&o, dst);
	vop_broadcast(&o, 1, src, dst->rank);
	vop_run(&o);
}

void
lower_add(struct lower *lw, const struct place *src, const struct place *dst)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_add;
	o.nops = 3;
	vop_map_space(&o, dst);
	vop_broadcast(&o, 1, dst, dst->rank);
	vop_broadcast(&o, 2, src, dst->rank);
	vop_run(&o);
}

void
lower_fill(struct lower *lw, const struct place *dst, double v)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_MAP;
	o.func = VF_fill;
	o.param[0] = dst->dtype == DT_BOOL ? v != 0 : v;
	o.nops = 1;
	vop_map_space(&o, dst);
	vop_run(&o);
}

void
lower_sum(struct lower *lw, const struct place *src, const struct place *dst,
    const bool *red)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_RED;
	o.func = VF_rsum;
	o.nops = 2;
	o.pl[0] = *dst;
	o.pl[1] = *src;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < src->rank; i++) {
			if (red[i] != (pass == 1))
				continue;
			vop_dim(&o, src->dim[i], red[i]);
			struct vdim *d = &o.dim[o.rank - 1];
			d->stride[1] = src->stride[i];
			if (!red[i])
				d->stride[0] = dst->stride[i];
		}
	}
	vop_run(&o);
}

static enum vec_func
reduce_func(enum op op)
{
	switch ((int)op) {
	case OP_reduce_sum: return VF_rsum;
	case OP_reduce_max: return VF_rmax;
	case OP_reduce_min: return VF_rmin;
	case OP_reduce_prod: return VF_rprod;
	case OP_argmax: return VF_rargmax;
	case OP_argmin: return VF_rargmin;
	default: ice("lower", "'%s' is no reduction", op_info(op)->name);
	}
}

bool
lower_reduce(struct lower *lw, const struct node *n)
{
	struct vop o = {0};
	o.lw = lw;
	o.kind = TILE_RED;
	o.func = reduce_func(n->op);
	bool red[MAX_RANK] = {false}, arg = o.func == VF_rargmax ||
	    o.func == VF_rargmin;
	const struct tensor_type *x = &n->in[0]->type;
	struct tensor_type seen = *x;
	const struct place *y = place_of(lw, n->out[0]);
	int at[MAX_RANK];
	if (lw->region != NULL && lw->sched->split[n->in[0]->id])
		seen.dim[0] = seen.dim[0] / lw->sched->batch *
		    lw->part_count;
	if (arg) {
		red[node_int(n, ATTR_axis)] = true;
		o.param[0] = (double)node_int(n, ATTR_select_last);
	} else {
		size_t len;
		const int64_t *axes = node_ints(n, ATTR_axes, &len);
		for (size_t i = 0; i < len; i++)
			red[axes[i]] = true;
		for (int i = 0; i < x->rank && len == 0; i++)
			red[i] = true;
	}
	bool keep = node_int(n, ATTR_keepdims) != 0;
	o.pl[0] = *y;
	for (int pass = 0; pass < 2; pass++) {
		int j = 0; /* dimension of y */
		for (int i = 0; i < x->rank; i++) {
			if (red[i] == (pass == 1)) {
				at[i] = o.rank;
				vop_dim(&o, seen.dim[i], red[i]);
				if (!red[i])
					o.dim[at[i]].stride[0] = y->stride[j];
			}
			j += keep || !red[i];
		}
	}
	o.nops = o.nlast = 1;
	o.last[0] = vop_source(&o, n->in[0], &seen, at);
	return vop_run(&o);
}
