/* legalize: normalisations. Statistics are two-pass (mean, then the mean of
 * squared deviations) and f32. */
#include <math.h>

#include "passes/legalize.h"

static bool
params_const(const struct node *n)
{
	for (int i = 1; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->kind != VALUE_CONST)
			return false;
	return true;
}

/* scale / sqrt(var + epsilon) and bias - mean * that, in double. */
static void
constant_affine(const struct lg *l, struct value **s, struct value **t)
{
	struct value *const *in = l->n->in;
	struct tensor_type type = in[1]->type;
	size_t n = (size_t)type_elems(&type);
	double *a = NEW_ARRAY(l->c->scratch, double, n);
	double *b = NEW_ARRAY(l->c->scratch, double, n);
	double eps = node_float(l->n, ATTR_epsilon), p[5];

	for (size_t i = 0; i < n; i++) {
		for (int k = 1; k < 5; k++)
			p[k] = dtype_get(in[k]->data, in[k]->type.dtype, i);
		a[i] = p[1] / sqrt(p[4] + eps);
		b[i] = p[2] - p[3] * a[i];
	}
	type.dtype = l->w;
	*s = const_from(l->g, NULL, &type, a);
	*t = const_from(l->g, NULL, &type, b);
}

static void
runtime_affine(const struct lg *l, struct value **s, struct value **t)
{
	struct value *const *in = l->n->in;
	struct value *v = lg_bin(l, OP_add, in[4],
	    lg_k(l, node_float(l->n, ATTR_epsilon)));

	*s = lg_bin(l, OP_mul, in[1], lg_un(l, OP_rsqrt, v));
	v = lg_bin(l, OP_mul, in[3], *s);
	*t = lg_bin(l, OP_sub, in[2], v);
}

struct value *
legalize_batch_norm(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *s, *t;

	if (params_const(n))
		constant_affine(&l, &s, &t);
	else
		runtime_affine(&l, &s, &t);
	return lg_fma_out(&l, l.x, lg_per_channel(&l, s),
	    lg_per_channel(&l, t));
}

/* x less its mean over axes; *r is 1 / sqrt(variance + epsilon). */
static struct value *
centred(const struct lg *l, const int64_t *axes, int naxes, struct value **r)
{
	struct value *d, *v;

	d = lg_bin(l, OP_sub, l->x, lg_mean(l, l->x, axes, naxes));
	v = lg_mean(l, lg_bin(l, OP_mul, d, d), axes, naxes);
	v = lg_bin(l, OP_add, v, lg_k(l, node_float(l->n, ATTR_epsilon)));
	*r = lg_un(l, OP_rsqrt, v);
	return d;
}

struct value *
legalize_instance_norm(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	int64_t axes[MAX_RANK];
	int naxes = 0;
	struct value *d, *r;

	for (int i = 2; i < l.x->type.rank; i++)
		axes[naxes++] = i;
	if (naxes == 0) { /* one element each: no deviation */
		int64_t perm[2] = {1, l.x->type.dim[1]};

		r = mk_reshape(c->g, n->in[2], 2, perm, n);
		r = mk_expand(c->g, r, 2, l.x->type.dim, n);
		return mk_cast(c->g, r, l.t, n);
	}
	d = centred(&l, axes, naxes, &r);
	r = lg_bin(&l, OP_mul, r, lg_per_channel(&l, n->in[1]));
	return lg_fma_out(&l, d, r, lg_per_channel(&l, n->in[2]));
}

struct value *
legalize_layer_norm(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	int64_t axes[MAX_RANK];
	int naxes = 0;
	struct value *d, *r;

	for (int i = (int)node_int(n, ATTR_axis); i < l.x->type.rank; i++)
		axes[naxes++] = i;
	d = centred(&l, axes, naxes, &r);
	d = lg_bin(&l, OP_mul, d, r);
	if (node_in(n, 2) != NULL)
		return lg_fma_out(&l, d, n->in[1], n->in[2]);
	return lg_bin_out(&l, OP_mul, d, n->in[1]);
}

/* v^-beta for v > 0; the usual 3/4 and 1/2 by square roots. */
static struct value *
negative_power(const struct lg *l, struct value *v, double beta)
{
	struct value *r;

	if (beta == 1)
		return lg_un(l, OP_reciprocal, v);
	if (beta == 0.5)
		return lg_un(l, OP_rsqrt, v);
	if (beta == 0.75) {
		r = lg_un(l, OP_rsqrt, v);
		return lg_bin(l, OP_mul, r, lg_un(l, OP_sqrt, r));
	}
	r = lg_bin(l, OP_mul, lg_un(l, OP_log, v), lg_k(l, -beta));
	return lg_un(l, OP_exp, r);
}

struct value *
legalize_lrn(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	int64_t size = node_int(n, ATTR_size);
	struct attr a = attr_make_int(ATTR_size, size);
	struct value *v = lg_bin(&l, OP_mul, l.x, l.x);

	v = build_op(c->g, OP_channel_sum, &v, 1, &a, 1, l.w, n);
	v = lg_fma(&l, v, lg_k(&l, node_float(n, ATTR_alpha) /
	    (double)size), lg_k(&l, node_float(n, ATTR_bias)));
	v = negative_power(&l, v, node_float(n, ATTR_beta));
	return lg_bin_out(&l, OP_mul, l.x, v);
}
