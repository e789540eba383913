/* legalize: batch statistics, the loss and dropout of a training step. */
#include "passes/legalize.h"

#include <math.h>

void
lg_put_result(const struct lg *l, int i, struct value *v)
{
	struct value *old = l->n->out[i];

	v = mk_reshape(l->g, v, old->type.rank, old->type.dim, l->n);
	v = mk_cast(l->g, v, old->type.dtype, l->n);
	value_replace(l->g, old, v);
	if (v->name == NULL && old->name != NULL)
		value_take_name(l->g, v, old);
}

/* Mean and population variance of each channel in two passes, as the norms
 * of inference do. */
struct value *
legalize_batch_norm_train(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	int64_t axes[MAX_RANK];
	int naxes = 0;
	struct value *mean, *var, *d, *k;

	for (int i = 0; i < l.x->type.rank; i++)
		if (i != 1)
			axes[naxes++] = i;
	mean = lg_mean(&l, l.x, axes, naxes);
	d = lg_bin(&l, OP_sub, l.x, mean);
	var = lg_mean(&l, lg_bin(&l, OP_mul, d, d), axes, naxes);
	k = lg_bin(&l, OP_add, var, lg_k(&l, node_float(n, ATTR_epsilon)));
	k = lg_un(&l, OP_rsqrt, k);
	k = lg_bin(&l, OP_mul, k, lg_per_channel(&l, n->in[1]));
	k = lg_scaled(&l, k, mean, lg_per_channel(&l, n->in[2]));
	lg_put_result(&l, 1, mean);
	lg_put_result(&l, 2, var);
	return k;
}

struct value *
lg_one_hot(const struct lg *l, struct value *labels, int64_t classes)
{
	const struct tensor_type *t = &labels->type;
	int64_t dim[MAX_RANK], column[MAX_RANK];
	struct tensor_type type = *t;
	struct value *iota;
	double *v = NEW_ARRAY(l->c->scratch, double, (size_t)classes);

	for (int64_t i = 0; i < classes; i++)
		v[i] = (double)i;
	for (int i = 0; i <= t->rank; i++) {
		dim[i] = i == 0 ? t->dim[0] : i == 1 ? 1 : t->dim[i - 1];
		column[i] = i == 1 ? classes : 1;
	}
	type.rank = t->rank;
	for (int i = 0; i < t->rank; i++)
		type.dim[i] = column[i + 1];
	iota = const_from(l->g, NULL, &type, v);
	labels = mk_reshape(l->g, labels, t->rank + 1, dim, l->n);
	return build_binary(l->g, OP_equal, labels, iota, DT_NONE, l->n);
}

/* The mean over rows of sum of target * (log sum e^t - t), t = x - max. */
struct value *
legalize_softmax_cross_entropy(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	double smoothing = node_float(n, ATTR_smoothing), share;
	struct value *t, *e, *sum, *hot, *sel[3];
	int64_t classes = l.x->type.dim[1], axes[MAX_RANK];
	double rows = (double)type_elems(&n->in[1]->type);

	t = lg_shifted(&l, l.x, 1, &e, &sum);
	t = lg_bin(&l, OP_sub, lg_un(&l, OP_log, sum), t);
	hot = lg_one_hot(&l, n->in[1], classes);
	share = smoothing / (double)classes;
	sel[0] = hot;
	sel[1] = smoothing == 0 ? t : lg_k(&l, 1 - smoothing + share);
	sel[2] = lg_k(&l, share);
	sel[1] = build_op(c->g, OP_select, sel, 3, NULL, 0, l.w, n);
	if (smoothing != 0)
		sel[1] = lg_bin(&l, OP_mul, sel[1], t);
	for (int i = 0; i < l.x->type.rank; i++)
		axes[i] = i;
	t = lg_reduce(&l, OP_reduce_sum, sel[1], axes, l.x->type.rank,
	    false, l.w);
	return lg_bin_out(&l, OP_mul, t, lg_k(&l, 1 / rows));
}

struct value *
legalize_dropout(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	const struct tensor_type *t = &l.x->type;
	double ratio = node_float(n, ATTR_ratio);
	double limit = floor(ratio * 0x1p32);
	struct attr a[3] = {
	    attr_make_ints(ATTR_shape, t->dim, (size_t)t->rank),
	    *node_attr(n, ATTR_seed),
	    *node_attr(n, ATTR_stream),
	};
	struct value *v, *sel[3];

	if (limit == 0)
		return mk_cast(c->g, l.x, l.t, n);
	v = build_op(c->g, OP_random_bits, &n->in[1], 1, a, 3, DT_NONE, n);
	sel[0] = build_binary(c->g, OP_less, v,
	    build_scalar(c->g, DT_U32, limit), DT_NONE, n);
	sel[1] = build_scalar(c->g, l.t, 0);
	sel[2] = lg_bin_out(&l, OP_mul, l.x, lg_k(&l, 1 / (1 - ratio)));
	return build_op(c->g, OP_select, sel, 3, NULL, 0, l.t, n);
}
