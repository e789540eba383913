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

/* The means of groups of `width` channels from sums [.., width], [.., 1]. */
static struct value *
mean_of(const struct groups *k, struct value *sums, int64_t width)
{
	const struct lg *l = k->l;
	int64_t axis = sums->type.rank - 1;
	struct value *v = mk_reduce(l->g, OP_reduce_sum, sums, &axis, 1, true,
	    l->w, l->n);

	return lg_bin(l, OP_mul, v,
	    lg_k(l, 1 / ((double)width * (double)k->pixels)));
}

/* Columns [at, at + width) of v [N,..]. */
static struct value *
columns(const struct groups *k, struct value *v, int64_t at, int64_t width)
{
	int64_t starts[2] = {0, at}, steps[2] = {1, 1};
	int64_t sizes[2] = {k->n, width};

	return mk_slice(k->l->g, v, starts, steps, sizes, k->l->n);
}

/* Of sums [N,C] the means [N,G]. */
static struct value *
even_means(const struct groups *k, struct value *sums)
{
	const struct lg *l = k->l;
	int64_t width = k->hi[0] - k->lo[0], ng[2] = {k->n, (int64_t)k->count};
	int64_t ngc[3] = {k->n, (int64_t)k->count, width};
	struct value *v = mk_reshape(l->g, sums, 3, ngc, l->n);

	return mk_reshape(l->g, mean_of(k, v, width), 2, ng, l->n);
}

static struct value *
ragged_means(const struct groups *k, struct value *sums)
{
	const struct lg *l = k->l;
	struct value **part = NEW_ARRAY(l->c->scratch, struct value *,
	    k->count);

	for (size_t i = 0; i < k->count; i++) {
		int64_t width = k->hi[i] - k->lo[i];

		part[i] = mean_of(k, columns(k, sums, k->lo[i], width), width);
	}
	return mk_concat(l->g, part, (int)k->count, 1, l->n);
}

/* x [N,C,..] over spatial axes and groups: the means [N,G]. */
static struct value *
group_means(const struct groups *k, struct value *x)
{
	const struct lg *l = k->l;
	int64_t axes[MAX_RANK], nc[2] = {k->n, k->channels};
	int naxes = 0, rank = x->type.rank;
	struct value *v = x;

	for (int i = 2; i < rank; i++)
		axes[naxes++] = i;
	if (naxes > 0)
		v = lg_reduce(l, OP_reduce_sum, x, axes, naxes, true, l->w);
	v = mk_reshape(l->g, v, 2, nc, l->n);
	return k->even ? even_means(k, v) : ragged_means(k, v);
}

static struct value *
spread_even(const struct groups *k, struct value *v)
{
	const struct lg *l = k->l;
	int64_t ng1[3] = {k->n, (int64_t)k->count, 1};
	int64_t ngc[3] = {k->n, (int64_t)k->count, k->hi[0] - k->lo[0]};

	v = mk_reshape(l->g, v, 3, ng1, l->n);
	return mk_expand(l->g, v, 3, ngc, l->n);
}

static struct value *
spread_ragged(const struct groups *k, struct value *v)
{
	const struct lg *l = k->l;
	struct value **part = NEW_ARRAY(l->c->scratch, struct value *,
	    k->count);

	for (size_t i = 0; i < k->count; i++) {
		int64_t dim[2] = {k->n, k->hi[i] - k->lo[i]};

		part[i] = mk_expand(l->g, columns(k, v, (int64_t)i, 1), 2, dim,
		    l->n);
	}
	return mk_concat(l->g, part, (int)k->count, 1, l->n);
}

/* v [N,G] for each channel of tensors of a rank, [N,C,1,..]. */
static struct value *
spread(const struct groups *k, struct value *v, int rank)
{
	int64_t dim[MAX_RANK] = {k->n, k->channels};

	v = k->even ? spread_even(k, v) : spread_ragged(k, v);
	for (int i = 2; i < rank; i++)
		dim[i] = 1;
	return mk_reshape(k->l->g, v, rank, dim, k->l->n);
}

struct value *
lg_group_means(const struct lg *l, const struct node *gn, struct value *x)
{
	struct groups k = get_groups(l, gn);

	return spread(&k, group_means(&k, x), x->type.rank);
}

struct value *
lg_group_spread(const struct lg *l, const struct node *gn, struct value *v)
{
	struct groups k = get_groups(l, gn);

	return spread(&k, v, gn->in[0]->type.rank);
}

/* Mean and 1 / sqrt(variance + epsilon) for each sample and group; the mean for
 * each channel as well. */
static void
statistics(const struct groups *k, const struct node *n, struct value **mean,
    struct value **r, struct value **center)
{
	const struct lg *l = k->l;
	struct value *d, *v;

	*mean = group_means(k, l->x);
	*center = spread(k, *mean, l->x->type.rank);
	d = lg_bin(l, OP_sub, l->x, *center);
	v = group_means(k, lg_bin(l, OP_mul, d, d));
	v = lg_bin(l, OP_add, v, lg_k(l, node_float(n, ATTR_epsilon)));
	*r = lg_un(l, OP_rsqrt, v);
}

static struct value *
scaled(const struct groups *k, const struct node *n, struct value *center,
    struct value *r)
{
	const struct lg *l = k->l;

	r = spread(k, r, l->x->type.rank);
	r = lg_bin(l, OP_mul, r, lg_per_channel(l, n->in[1]));
	return lg_scaled(l, r, center, lg_per_channel(l, n->in[2]));
}

struct value *
legalize_group_norm(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct groups k = get_groups(&l, n);
	struct value *mean, *r, *center;

	if (k.count == 0) /* no channels */
		return mk_cast(c->g, l.x, l.t, n);
	statistics(&k, n, &mean, &r, &center);
	return scaled(&k, n, center, r);
}

struct value *
legalize_group_norm_train(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct groups k = get_groups(&l, n);
	struct value *mean, *r, *center;

	statistics(&k, n, &mean, &r, &center);
	lg_put_result(&l, 1, mean);
	lg_put_result(&l, 2, r);
	return scaled(&k, n, center, r);
}
