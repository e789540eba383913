/* legalize: average pooling as a sum and the reciprocal of its count. */
#include "passes/legalize.h"

/* Elements of the window at position o along spatial axis i that the mean
 * counts. */
static int64_t
window_count(const struct node *n, int i, int64_t o)
{
	size_t k = (size_t)i;
	int64_t kernel = ints_at(n, ATTR_kernel, k, 1), count = 0;
	int64_t at = o * ints_at(n, ATTR_strides, k, 1) -
	    ints_at(n, ATTR_pads_begin, k, 0);

	if (node_int(n, ATTR_count_include_pad) != 0)
		return kernel;
	for (int64_t j = 0; j < kernel; j++) {
		if (at >= 0 && at < n->in[0]->type.dim[i + 2])
			count++;
		at += ints_at(n, ATTR_dilations, k, 1);
	}
	return count;
}

/* 1 / count: a scalar where all windows count the same, else a constant
 * over the spatial axes. */
static struct value *
reciprocal_counts(const struct lg *l)
{
	const struct tensor_type *t = &l->n->out[0]->type;
	int spatial = t->rank - 2;
	struct tensor_type type = type_make(l->w, spatial, t->dim + 2);
	size_t size = (size_t)type_elems(&type);
	double *v = NEW_ARRAY(l->c->scratch, double, size + 1);
	bool same = true;

	for (size_t i = 0; i < size; i++) {
		size_t rest = i;
		int64_t count = 1;

		for (int k = spatial - 1; k >= 0; k--) {
			size_t extent = (size_t)type.dim[k];

			count *= window_count(l->n, k,
			    (int64_t)(rest % extent));
			rest /= extent;
		}
		v[i] = 1 / (double)count;
		same = same && v[i] == v[0];
	}
	return same ? lg_k(l, v[0]) : const_from(l->g, NULL, &type, v);
}

/* One window over the whole of each spatial axis. */
static bool
global_window(const struct node *n)
{
	const struct tensor_type *t = &n->in[0]->type;

	for (int i = 0; i + 2 < t->rank; i++) {
		size_t k = (size_t)i;

		if (ints_at(n, ATTR_kernel, k, 1) != t->dim[i + 2] ||
		    n->out[0]->type.dim[i + 2] != 1 ||
		    ints_at(n, ATTR_dilations, k, 1) != 1 ||
		    ints_at(n, ATTR_pads_begin, k, 0) != 0 ||
		    ints_at(n, ATTR_pads_end, k, 0) != 0)
			return false;
	}
	return true;
}

struct value *
legalize_avg_pool(struct pass_ctx *c, struct node *n)
{
	static const enum attr_id copied[] = {ATTR_kernel, ATTR_strides,
	    ATTR_dilations, ATTR_pads_begin, ATTR_pads_end};
	struct lg l = lg_start(c, n);
	struct attr a[5];
	int64_t axes[MAX_RANK];
	int naxes = 0;
	struct value *v;

	if (global_window(n)) {
		for (int i = 2; i < l.x->type.rank; i++)
			axes[naxes++] = i;
		v = lg_reduce(&l, OP_reduce_sum, l.x, axes, naxes, true, l.w);
	} else {
		for (size_t i = 0; i < 5; i++)
			a[i] = *node_attr(n, copied[i]);
		v = build_op(c->g, OP_sum_pool, &l.x, 1, a, 5, l.w, n);
	}
	return lg_bin_out(&l, OP_mul, v, reciprocal_counts(&l));
}
