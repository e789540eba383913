/* Gradients of normalisations in closed form. With d = x - mean, r = 1 /
 * sqrt(var + epsilon), h = d r, g = dy scale and m() the mean over what shares
 * a mean: dx = r (g - m(g) - h m(g h)). Ioffe and Szegedy 2015, Wu and He
 * 2018 in this form. */
#include "passes/grad.h"

static struct value *
inverse_root(struct ad *a, const struct node *n, struct value *var)
{
	var = ad_bin(a, OP_add, var, ad_k(a, node_float(n, ATTR_epsilon)));
	return ad_un(a, OP_rsqrt, var);
}

static struct value *
times(struct ad *a, struct value *x, struct value *y)
{
	return ad_bin(a, OP_mul, x, y);
}

/* All axes of n's operand but the channels. */
static int
batch_axes(const struct node *n, int64_t axes[MAX_RANK])
{
	int count = 0;

	for (int i = 0; i < n->in[0]->type.rank; i++)
		if (i != 1)
			axes[count++] = i;
	return count;
}

/* v summed over all axes but the channels, [C,1,..]. */
static struct value *
channel_sums(struct ad *a, const struct node *n, struct value *v)
{
	return ad_channels(a, ad_sum_to_axis(a, v, 1), n->in[0]->type.rank);
}

/* dx of a norm in two multiplications and additions of whole images: r (g - s
 * - h t) = dy (scale r) + (x b - (mean b + s r)), b = - r r t. s and t are the
 * means of g and g h. */
static struct value *
through_norm(struct ad *a, struct value *x, struct value *dy,
    struct value *scale, struct value *r, struct value *mean,
    struct value *s, struct value *t)
{
	struct value *b = ad_un(a, OP_neg, times(a, r, times(a, r, t)));
	struct value *c = ad_bin(a, OP_add, times(a, mean, b),
	    times(a, s, r));

	x = mk_fma(a->g, x, b, ad_un(a, OP_neg, c), a->l.w, NULL);
	return mk_fma(a->g, dy, times(a, scale, r), x, a->l.w, NULL);
}

/* The two sums are those of bias and scale. */
bool
grad_batch_norm_train(struct ad *a, struct node *n, struct value *dy)
{
	int rank = n->in[0]->type.rank;
	struct value *mean = ad_channels(a, n->out[1], rank);
	struct value *var = ad_channels(a, n->out[2], rank);
	struct value *r = inverse_root(a, n, var), *h, *s, *t, *k;
	int64_t axes[MAX_RANK];
	double count = 1;

	for (int i = batch_axes(n, axes); i-- > 0;)
		count *= (double)n->in[0]->type.dim[axes[i]];
	h = ad_bin(a, OP_sub, n->in[0], mean);
	s = channel_sums(a, n, dy);
	t = times(a, channel_sums(a, n, times(a, dy, h)), r);
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, ad_sum_to_axis(a, t, 0));
	if (ad_wants(a, n, 2))
		ad_give(a, n, 2, ad_sum_to_axis(a, s, 0));
	if (!ad_wants(a, n, 0))
		return true;
	k = ad_k(a, 1 / count);
	s = times(a, s, k);
	t = times(a, t, k);
	k = lg_per_channel(&a->l, n->in[1]);
	ad_give(a, n, 0, through_norm(a, n->in[0], dy, k, r, mean,
	    times(a, s, k), times(a, t, k)));
	return true;
}

/* Inference form: an affine function of x with constant statistics, unless
 * these want a gradient as well. */
bool
grad_batch_norm(struct ad *a, struct node *n, struct value *dy)
{
	struct value *scale = lg_per_channel(&a->l, n->in[1]);
	struct value *mean = lg_per_channel(&a->l, n->in[3]);
	struct value *r, *s, *t, *d, *k;

	r = inverse_root(a, n, lg_per_channel(&a->l, n->in[4]));
	k = times(a, scale, r);
	if (ad_wants(a, n, 0))
		ad_give(a, n, 0, times(a, dy, k));
	s = channel_sums(a, n, dy);
	if (ad_wants(a, n, 2))
		ad_give(a, n, 2, ad_sum_to_axis(a, s, 0));
	if (ad_wants(a, n, 3))
		ad_give(a, n, 3, ad_sum_to_axis(a,
		    ad_un(a, OP_neg, times(a, s, k)), 0));
	if (!ad_wants(a, n, 1) && !ad_wants(a, n, 4))
		return true;
	d = ad_bin(a, OP_sub, n->in[0], mean);
	t = times(a, channel_sums(a, n, times(a, dy, d)), r);
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, ad_sum_to_axis(a, t, 0));
	t = times(a, times(a, t, k), times(a, r, ad_k(a, -0.5)));
	if (ad_wants(a, n, 4))
		ad_give(a, n, 4, ad_sum_to_axis(a, t, 0));
	return true;
}

/* The mean over what shares one with each element of v, which may be summed
 * over pixels already. */
static struct value *
shared_mean(struct ad *a, const struct node *n, struct value *v)
{
	const struct tensor_type *t = &n->in[0]->type;
	int64_t axes[MAX_RANK];
	double pixels = 1;
	int naxes = 0;

	if (n->op == OP_group_norm)
		return lg_group_means(&a->l, n, v);
	for (int i = 2; i < t->rank; i++) {
		axes[naxes++] = i;
		pixels *= (double)t->dim[i];
	}
	v = lg_reduce(&a->l, OP_reduce_sum, v, axes, naxes, true, a->l.w);
	return times(a, v, ad_k(a, 1 / pixels));
}

/* v summed over pixels, [N,C,1,..]. */
static struct value *
pixel_sums(struct ad *a, struct value *v)
{
	int64_t axes[MAX_RANK];
	int naxes = 0;

	for (int i = 2; i < v->type.rank; i++)
		axes[naxes++] = i;
	if (naxes == 0)
		return v;
	return lg_reduce(&a->l, OP_reduce_sum, v, axes, naxes, true, a->l.w);
}

/* group_norm and instance_norm: only [N,C] sums are formed per channel. */
bool
grad_channel_norm(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0], *d, *r, *h, *s, *t, *scale;

	if (type_elems(&x->type) == 0)
		return true;
	if (x->type.rank == 2 && n->op == OP_instance_norm) {
		if (ad_wants(a, n, 2)) /* one element each: y is the bias */
			ad_give(a, n, 2, ad_sum_to_axis(a, dy, 1));
		return true;
	}
	d = ad_bin(a, OP_sub, x, shared_mean(a, n, x));
	r = inverse_root(a, n, shared_mean(a, n, times(a, d, d)));
	h = times(a, d, r);
	s = pixel_sums(a, dy);
	t = pixel_sums(a, times(a, dy, h));
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, ad_sum_to_axis(a, t, 1));
	if (ad_wants(a, n, 2))
		ad_give(a, n, 2, ad_sum_to_axis(a, s, 1));
	if (!ad_wants(a, n, 0))
		return true;
	scale = lg_per_channel(&a->l, n->in[1]);
	s = shared_mean(a, n, times(a, s, scale));
	t = shared_mean(a, n, times(a, t, scale));
	dy = ad_bin(a, OP_sub, times(a, dy, scale), s);
	dy = ad_bin(a, OP_sub, dy, times(a, h, t));
	ad_give(a, n, 0, times(a, dy, r));
	return true;
}

/* The statistics are results of n: x is not reduced again. */
bool
grad_group_norm_train(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = ad_norm_input(a, n), *s, *t, *scale;
	struct value *mean, *r;

	s = pixel_sums(a, dy);
	mean = lg_group_spread(&a->l, n, n->out[1]);
	t = pixel_sums(a, times(a, dy, ad_bin(a, OP_sub, x, mean)));
	r = lg_group_spread(&a->l, n, n->out[2]);
	t = times(a, t, r);
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, ad_sum_to_axis(a, t, 1));
	if (ad_wants(a, n, 2))
		ad_give(a, n, 2, ad_sum_to_axis(a, s, 1));
	if (!ad_wants(a, n, 0))
		return true;
	scale = lg_per_channel(&a->l, n->in[1]);
	s = lg_group_means(&a->l, n, times(a, s, scale));
	t = lg_group_means(&a->l, n, times(a, t, scale));
	ad_give(a, n, 0, through_norm(a, x, dy, scale, r, mean, s, t));
	return true;
}

bool
grad_layer_norm(struct ad *a, struct node *n, struct value *dy)
{
	struct value *x = n->in[0], *d, *r, *h, *m, *k;
	int64_t axes[MAX_RANK];
	int naxes = 0;

	for (int i = (int)node_int(n, ATTR_axis); i < x->type.rank; i++)
		axes[naxes++] = i;
	d = ad_bin(a, OP_sub, x, lg_mean(&a->l, x, axes, naxes));
	r = lg_mean(&a->l, times(a, d, d), axes, naxes);
	r = inverse_root(a, n, r);
	h = times(a, d, r);
	if (ad_wants(a, n, 1))
		ad_give(a, n, 1, times(a, dy, h));
	ad_give(a, n, 2, dy);
	if (!ad_wants(a, n, 0))
		return true;
	dy = times(a, dy, n->in[1]);
	m = lg_mean(&a->l, dy, axes, naxes);
	k = lg_mean(&a->l, times(a, dy, h), axes, naxes);
	dy = ad_bin(a, OP_sub, ad_bin(a, OP_sub, dy, m), times(a, h, k));
	ad_give(a, n, 0, times(a, dy, r));
	return true;
}
