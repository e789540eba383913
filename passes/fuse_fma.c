/* fuse-fma: x*y + z as one vector op that rounds once, when nobody else
 * reads the product. */
#include "passes/rewrite.h"

/* The product among the operands of n, an add. */
static struct node *
product(const struct node *n, int *at)
{
	for (int i = 0; i < 2; i++) {
		struct node *m = def_of(n->in[i], OP_mul);

		*at = i;
		if (m != NULL && single_use(n->in[i]) &&
		    dtype_is_float(m->out[0]->type.dtype) &&
		    shape_equal(&m->out[0]->type, &n->out[0]->type))
			return m;
	}
	return NULL;
}

/* The product was computed in the type that the add computes in. */
static bool
same_compute(const struct node *m, const struct node *n)
{
	return work_dtype(m) == work_dtype(n);
}

bool
pass_fuse_fma(struct pass_ctx *c)
{
	graph_foreach_node_safe(c->g, n, next) {
		struct node *m;
		struct value *v;
		int at;

		if (n->op != OP_add)
			continue;
		m = product(n, &at);
		if (m == NULL || !same_compute(m, n))
			continue;
		pass_remark(c, &n->loc, "%s and %s are one fma",
		    node_label(c, m), node_label(c, n));
		v = mk_fma(c->g, m->in[0], m->in[1], n->in[1 - at],
		    n->out[0]->type.dtype, n);
		replace_node(c, n, v);
	}
	return true;
}
