/* Random contractions. */
#include <math.h>
#include <string.h>

#include "tests/lib/random_net.h"

struct draft {
	struct net *n;
	struct node_spec spec;
	struct value *in[4];
	struct attr attrs[12];
};

static void
attr(struct draft *d, struct attr a)
{
	d->attrs[d->spec.nattrs++] = a;
}

static void
list(struct draft *d, enum attr_id id, const int64_t *v, int n)
{
	int64_t *copy = arena_memdup(d->n->unit->arena, v,
	    (size_t)n * sizeof *v);

	attr(d, attr_make_ints(id, copy, (size_t)n));
}

/* The dtype of an operand beside one of dtype t: mostly the same. */
static enum dtype
beside(struct net *n, enum dtype t, int percent_other)
{
	return net_chance(n, percent_other) ?
	    (enum dtype)net_between(n, DT_F32, DT_BF16) : t;
}

static void
activation(struct draft *d)
{
	struct net *n = d->n;
	enum act act = (enum act)net_between(n, 0, ACT_COUNT - 1);

	if (net_chance(n, 70) || n->contractions)
		return;
	attr(d, attr_make_int(ATTR_act, act));
	if (act == ACT_LEAKY_RELU || act == ACT_HARD_SIGMOID)
		attr(d, attr_make_float(ATTR_act_alpha, 0.125));
	if (act == ACT_HARD_SIGMOID)
		attr(d, attr_make_float(ATTR_act_beta, 0.5));
	if (act == ACT_CLIP) {
		attr(d, attr_make_float(ATTR_act_alpha, -1));
		attr(d, attr_make_float(ATTR_act_beta, 1.5));
	}
}

/* A weight: constant, fed, or computed from something fed. */
static struct value *
weight(struct net *n, enum dtype t, int rank, const int64_t *dim, double limit)
{
	int64_t dice = net_between(n, 1, 100);
	struct value *w;

	if (dice <= 72 || n->batch > 0)
		return net_leaf(n, t, rank, dim, limit, true);
	w = net_leaf(n, t, rank, dim, limit, false);
	if (dice <= 86)
		return w;
	if (dice <= 92) {
		int64_t perm[MAX_RANK], back[MAX_RANK];
		struct attr a;

		for (int i = 0; i < rank; i++) {
			perm[i] = rank - 1 - i;
			back[i] = dim[rank - 1 - i];
		}
		w = net_leaf(n, t, rank, back, limit, false);
		a = attr_make_ints(ATTR_perm, arena_memdup(n->unit->arena,
		    perm, sizeof perm), (size_t)rank);
		return build_op(n->g, OP_transpose, &w, 1, &a, 1, DT_NONE,
		    NULL);
	}
	return build_unary(n->g, OP_neg, w, DT_NONE, NULL);
}

/* Adds the node, then perhaps a residual, which has the result's shape. */
static struct value *
add_contraction(struct draft *d, enum dtype t, int64_t channels)
{
	struct net *n = d->n;
	bool residual = net_chance(n, 15);
	struct value *y, *r;

	if (net_chance(n, 50))
		d->in[2] = net_leaf(n, beside(n, t, 30), 1, &channels, 1,
		    net_chance(n, 80));
	d->spec.nin = d->in[2] != NULL ? 3 : 2;
	activation(d);
	d->spec.in = d->in;
	d->spec.attrs = d->attrs;
	if (net_chance(n, 15))
		d->spec.out_dtype = (enum dtype)net_between(n, DT_F32,
		    DT_BF16);
	y = net_add(n, &d->spec);
	if (y == NULL || !residual)
		return y;
	r = net_leaf(n, beside(n, y->type.dtype, 30), y->type.rank,
	    y->type.dim, 1, false);
	/* the node's line must come after the leaf's in the text only */
	node_set_in(n->g, y->def, 3, r);
	return y;
}

static int64_t
divisor(struct net *n, int64_t v)
{
	int64_t d = net_between(n, 1, v);

	while (v % d != 0)
		d--;
	return d;
}

static int64_t
choose_groups(struct net *n, int64_t c)
{
	int64_t dice = net_between(n, 1, 100);

	if (c == 0 || dice <= 60)
		return 1;
	return dice <= 80 ? c : divisor(n, c);
}

struct value *
net_conv(struct net *n, enum dtype t, bool transposed)
{
	struct draft d = {.n = n};
	struct value *x = net_pick(n, t, 3, 5);
	int spatial = x->type.rank - 2;
	int64_t c = x->type.dim[1], groups = choose_groups(n, c);
	int64_t cog = net_between(n, 1, groups > 4 ? 2 : groups > 1 ? 6 : 20);
	int64_t kernel[3], stride[3], dil[3], pb[3], pe[3], op[3];
	int64_t wdim[5], k = groups > 0 ? c / groups : 0;
	bool pointwise = net_chance(n, 25), strided = net_chance(n, 40);
	bool dilated = net_chance(n, 20), padded = net_chance(n, 60);
	int most = spatial == 3 ? 3 : net_chance(n, 15) ? 7 : 4;

	d.in[0] = x;
	d.spec.op = transposed ? OP_conv_transpose : OP_conv;
	wdim[0] = transposed ? c : groups * cog;
	wdim[1] = transposed ? cog : c / groups;
	for (int i = 0; i < spatial; i++) {
		kernel[i] = pointwise ? 1 : net_between(n, 1, most);
		stride[i] = strided ? net_between(n, 1, 3) : 1;
		dil[i] = dilated ? net_between(n, 1, 3) : 1;
		pb[i] = padded ? net_between(n, 0, kernel[i]) : 0;
		pe[i] = padded ? net_between(n, 0, kernel[i]) : 0;
		op[i] = transposed && stride[i] > 1 ?
		    net_between(n, 0, stride[i] - 1) : 0;
		wdim[2 + i] = kernel[i];
		k *= kernel[i];
	}
	d.in[1] = weight(n, beside(n, t, 10), spatial + 2, wdim,
	    2 / sqrt((double)k + 1));
	attr(&d, attr_make_int(ATTR_groups, groups));
	list(&d, ATTR_strides, stride, spatial);
	list(&d, ATTR_dilations, dil, spatial);
	list(&d, ATTR_pads_begin, pb, spatial);
	list(&d, ATTR_pads_end, pe, spatial);
	if (transposed)
		list(&d, ATTR_output_pads, op, spatial);
	return add_contraction(&d, t, groups * cog);
}

/* b's shape for a: batch dimensions equal, 1 or left out. */
static int
matrix_shape(struct net *n, const struct value *a, int64_t k, int64_t cols,
    bool trans, int64_t *dim)
{
	int lead = a->type.rank > 2 && net_chance(n, 50) ?
	    (int)net_between(n, 0, a->type.rank - 2) : 0;
	int skip = a->type.rank - 2 - lead;

	for (int i = 0; i < lead; i++)
		dim[i] = net_chance(n, 30) ? 1 : a->type.dim[skip + i];
	dim[lead] = trans ? cols : k;
	dim[lead + 1] = trans ? k : cols;
	return lead + 2;
}

struct value *
net_matmul(struct net *n, enum dtype t)
{
	struct draft d = {.n = n};
	struct value *x = net_pick(n, t, 2, 4);
	bool ta = net_chance(n, 30);
	bool tb = net_chance(n, 40);
	int64_t k = x->type.dim[x->type.rank - (ta ? 2 : 1)];
	int64_t cols = net_between(n, 1, 24), dim[MAX_RANK];
	double limit = 2 / sqrt((double)k + 1);
	int rank;

	d.spec.op = OP_matmul;
	d.in[0] = x;
	if (net_chance(n, 10))
		cols = 1;
	rank = matrix_shape(n, x, k, cols, tb, dim);
	/* a's batch may be the one that broadcasts */
	if (x->type.rank == 2 && net_chance(n, 20)) {
		memmove(dim + 1, dim, 2 * sizeof *dim);
		dim[0] = net_between(n, 1, 4);
		rank = 3;
	}
	d.in[1] = weight(n, beside(n, t, 10), rank, dim, limit);
	attr(&d, attr_make_int(ATTR_trans_a, ta));
	attr(&d, attr_make_int(ATTR_trans_b, tb));
	return add_contraction(&d, t, cols);
}

/* x through a convolution that keeps its shape, then perhaps a norm. */
static struct value *
same_conv(struct net *n, struct value *x, struct value *residual)
{
	static const enum op acts[] = {OP_relu, OP_sigmoid, OP_clip,
	    OP_hard_swish};
	struct draft d = {.n = n};
	int64_t c = x->type.dim[1], k = net_chance(n, 70) ? 3 : 1;
	int64_t one[3] = {1, 1, 1}, pad[3], dim[5] = {c, c};
	int spatial = x->type.rank - 2;
	struct value *y;

	for (int i = 0; i < spatial; i++) {
		pad[i] = k / 2;
		dim[2 + i] = k;
	}
	d.spec.op = OP_conv;
	d.in[0] = x;
	d.in[1] = weight(n, x->type.dtype, spatial + 2, dim,
	    1 / sqrt((double)(c * k * k)));
	d.in[2] = net_chance(n, 60) ?
	    net_leaf(n, x->type.dtype, 1, &c, 1, true) : NULL;
	d.spec.nin = d.in[2] != NULL ? 3 : 2;
	list(&d, ATTR_strides, one, spatial);
	list(&d, ATTR_pads_begin, pad, spatial);
	list(&d, ATTR_pads_end, pad, spatial);
	d.spec.in = d.in;
	d.spec.attrs = d.attrs;
	y = net_add(n, &d.spec);
	if (y == NULL)
		return x;
	if (residual != NULL) {
		struct value *both[2] = {y, residual};
		struct node_spec add = {.op = OP_add, .in = both, .nin = 2};

		if (net_chance(n, 30)) {
			node_set_in(n->g, y->def, 3, residual);
		} else {
			y = net_add(n, &add);
		}
	}
	if (net_chance(n, 60) && !n->contractions) {
		struct node_spec act = {.op = acts[net_between(n, 0, 3)],
		    .in = &y, .nin = 1};

		y = net_add(n, &act);
	}
	return y;
}

struct value *
net_block(struct net *n, enum dtype t)
{
	struct value *x = net_pick(n, t, 3, 4), *y;

	y = same_conv(n, x, NULL);
	if (net_chance(n, 50))
		y = same_conv(n, y, NULL);
	return same_conv(n, y, x);
}
