/* legalize: alpha A B + beta C as a matmul. */
#include "passes/legalize.h"

/* k v in dtype w: no second rounding to 16 bits. */
static struct value *
scaled_const(const struct lg *l, const struct value *v, double k)
{
	struct tensor_type t = v->type;
	size_t n = (size_t)type_elems(&t);
	double *d = NEW_ARRAY(l->c->scratch, double, n);

	t.dtype = l->w;
	for (size_t i = 0; i < n; i++)
		d[i] = k * dtype_get(v->data, v->type.dtype, i);
	return const_from(l->g, v->name, &t, d);
}

static struct value *
scaled(const struct lg *l, struct value *v, double k)
{
	if (k == 1)
		return v;
	if (v->kind == VALUE_CONST)
		return scaled_const(l, v, k);
	return lg_bin(l, OP_mul, v, lg_k(l, k));
}

/* C, already scaled, as a vector of N when all rows are equal, else NULL. */
static struct value *
as_bias(const struct lg *l, struct value *v)
{
	int64_t n = l->n->out[0]->type.dim[1];
	int64_t width = v->type.rank == 0 ? 1 : v->type.dim[v->type.rank - 1];

	if (v->type.rank == 2 && v->type.dim[0] != 1)
		return NULL;
	v = mk_reshape(l->g, v, 1, &width, l->n);
	return mk_expand(l->g, v, 1, &n, l->n);
}

struct value *
legalize_gemm(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	double alpha = node_float(n, ATTR_alpha);
	double beta = node_float(n, ATTR_beta);
	struct value *in[4] = {n->in[0], n->in[1], NULL, NULL}, *v, *r;
	struct value *add = beta == 0 ? NULL : node_in(n, 2);
	struct attr a[2] = {*node_attr(n, ATTR_trans_a),
	    *node_attr(n, ATTR_trans_b)};

	if (add != NULL)
		add = scaled(&l, add, beta);
	if (alpha != 1 && in[1]->kind == VALUE_CONST &&
	    in[1]->type.dtype == l.w) {
		in[1] = scaled(&l, in[1], alpha);
		alpha = 1;
	}
	r = add != NULL ? as_bias(&l, add) : NULL;
	if (alpha == 1 && r != NULL) {
		in[2] = r;
		add = NULL;
	} else if (alpha == 1 && add != NULL &&
	    shape_equal(&add->type, &n->out[0]->type)) {
		in[3] = add;
		add = NULL;
	}
	v = build_op(c->g, OP_matmul, in, 4, a, 2,
	    alpha == 1 && add == NULL ? l.t : l.w, n);
	legalize_matmul(c, v->def);
	if (alpha != 1 && add != NULL)
		return lg_fma_out(&l, v, lg_k(&l, alpha), add);
	if (alpha != 1)
		return lg_bin_out(&l, OP_mul, v, lg_k(&l, alpha));
	return add != NULL ? lg_bin_out(&l, OP_add, v, add) : v;
}
