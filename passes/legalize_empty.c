/* legalize: a product over nothing becomes one over a single zero, so that
 * machines need not know the empty sum. Its epilogue stays. */
#include "passes/legalize.h"

/* Zeros of v's shape, with extent 1 along dimension i. */
static struct value *
zeros(struct pass_ctx *c, const struct value *v, int i)
{
	struct tensor_type t = v->type;
	void *data;

	t.dim[i] = 1;
	data = arena_calloc(c->g->arena, (size_t)type_elems(&t) + 1,
	    dtype_size(t.dtype));
	return graph_const(c->g, NULL, &t, data);
}

/* The dimension of operand i that the sum runs over. */
static int
summed_dim(const struct node *n, int i)
{
	int rank = n->in[i]->type.rank;
	bool trans = node_int(n, i == 0 ? ATTR_trans_a : ATTR_trans_b) != 0;

	return (i == 0) == trans ? rank - 2 : rank - 1;
}

struct value *
legalize_matmul(struct pass_ctx *c, struct node *n)
{
	int k = summed_dim(n, 0);

	if (n->in[0]->type.dim[k] != 0)
		return n->out[0];
	node_set_in(c->g, n, 0, zeros(c, n->in[0], k));
	node_set_in(c->g, n, 1, zeros(c, n->in[1], summed_dim(n, 1)));
	c->changed = true;
	return n->out[0];
}
