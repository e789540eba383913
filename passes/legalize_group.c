/* legalize: group norm with explicit channel ranges. The large tensor is
 * only reduced over its spatial axes and scaled per channel; groups are
 * formed on the [N,C] sums, so ragged groups cost the same as even ones. */
#include "passes/legalize.h"

struct groups {
	const struct lg *l;
	int64_t n, channels, pixels;
	const int64_t *lo, *hi;
	size_t count;
	bool even;
};

static struct groups
get_groups(const struct lg *l, const struct node *gn)
{
	const struct tensor_type *t = &gn->in[0]->type;
	struct groups k = {.l = l, .n = t->dim[0], .channels = t->dim[1],
	    .pixels = 1, .even = true};

	for (int i = 2; i < t->rank; i++)
		k.pixels *= t->dim[i];
	k.lo = node_ints(gn, ATTR_channel_starts, &k.count);
	k.hi = node_ints(gn, ATTR_channel_ends, &k.count);
	for (size_t i = 0; i < k.count; i++)
		k.even = k.even && k.hi[i] - k.lo[i] == k.hi[0] - k.lo[0];
	return k;
}

/* The mean of a group of `width` channels from sums [.., width], over the
 * last axis, spread over the width again. */
static struct value *
mean_of(const struct groups *k, struct value *sums, int64_t width)
{
	const struct lg *l = k->l;
	int64_t axis = sums->type.rank - 1;
	struct value *v = mk_reduce(l->g, OP_reduce_sum, sums, &axis, 1, true,
	    l->w, l->n);

	v = lg_bin(l, OP_mul, v,
	    lg_k(l, 1 / ((double)width * (double)k->pixels)));
	return mk_expand(l->g, v, sums->type.rank, sums->type.dim, l->n);
}

static struct value *
ragged_means(const struct groups *k, struct value *sums)
{
	const struct lg *l = k->l;
	struct value **part = NEW_ARRAY(l->c->scratch, struct value *,
	    k->count);

	for (size_t i = 0; i < k->count; i++) {
		int64_t starts[2] = {0, k->lo[i]}, steps[2] = {1, 1};
		int64_t sizes[2] = {k->n, k->hi[i] - k->lo[i]};
		struct value *v = mk_slice(l->g, sums, starts, steps, sizes,
		    l->n);

		part[i] = mean_of(k, v, sizes[1]);
	}
	return mk_concat(l->g, part, (int)k->count, 1, l->n);
}

/* x over spatial axes and groups: the mean for each channel, [N,C,1,..]. */
static struct value *
group_means(const struct groups *k, struct value *x)
{
	const struct lg *l = k->l;
	int64_t axes[MAX_RANK], dim[MAX_RANK], nc[2] = {k->n, k->channels};
	int64_t ngc[3];
	int naxes = 0, rank = x->type.rank;
	struct value *v = x;

	for (int i = 2; i < rank; i++)
		axes[naxes++] = i;
	for (int i = 0; i < rank; i++)
		dim[i] = i < 2 ? x->type.dim[i] : 1;
	if (naxes > 0)
		v = lg_reduce(l, OP_reduce_sum, x, axes, naxes, true, l->w);
	if (k->even) {
		ngc[0] = k->n;
		ngc[1] = (int64_t)k->count;
		ngc[2] = k->channels / ngc[1];
		v = mk_reshape(l->g, v, 3, ngc, l->n);
		v = mean_of(k, v, ngc[2]);
	} else {
		v = mk_reshape(l->g, v, 2, nc, l->n);
		v = ragged_means(k, v);
	}
	return mk_reshape(l->g, v, rank, dim, l->n);
}

struct value *
lg_group_means(const struct lg *l, const struct node *gn, struct value *x)
{
	struct groups k = get_groups(l, gn);

	return group_means(&k, x);
}

/* Mean and 1 / sqrt(variance + epsilon) for each sample and channel. */
static void
statistics(const struct groups *k, const struct node *n, struct value **mean,
    struct value **r)
{
	const struct lg *l = k->l;
	struct value *d, *v;

	*mean = group_means(k, l->x);
	d = lg_bin(l, OP_sub, l->x, *mean);
	v = group_means(k, lg_bin(l, OP_mul, d, d));
	v = lg_bin(l, OP_add, v, lg_k(l, node_float(n, ATTR_epsilon)));
	*r = lg_un(l, OP_rsqrt, v);
}

static struct value *
scaled(const struct lg *l, const struct node *n, struct value *mean,
    struct value *r)
{
	r = lg_bin(l, OP_mul, r, lg_per_channel(l, n->in[1]));
	return lg_scaled(l, r, mean, lg_per_channel(l, n->in[2]));
}

struct value *
legalize_group_norm(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct groups k = get_groups(&l, n);
	struct value *mean, *r;

	if (k.count == 0) /* no channels */
		return mk_cast(c->g, l.x, l.t, n);
	statistics(&k, n, &mean, &r);
	return scaled(&l, n, mean, r);
}

struct value *
legalize_group_norm_train(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct groups k = get_groups(&l, n);
	struct value *mean, *r;

	statistics(&k, n, &mean, &r);
	lg_put_result(&l, 1, mean);
	lg_put_result(&l, 2, r);
	return scaled(&l, n, mean, r);
}
