/* Moving ops into the epilogue of a contraction. */
#include "passes/epilogue.h"

void
epilogue_take(struct pass_ctx *c, struct node *m, struct node *u)
{
	m->out[0]->type.dtype = u->out[0]->type.dtype;
	if (u->out[0]->name != NULL)
		value_take_name(c->g, m->out[0], u->out[0]);
	replace_node(c, u, m->out[0]);
}

bool
epilogue_open(const struct value *v)
{
	return v->kind == VALUE_NODE &&
	    has_epilogue(v->def) && single_use(v) &&
	    node_int(v->def, ATTR_act) == ACT_NONE &&
	    node_in(v->def, 3) == NULL;
}

/* The sum of two constant vectors, where one may be a single element. */
static struct value *
sum_const(struct pass_ctx *c, const struct value *a, const struct value *b)
{
	struct tensor_type t = a->type;
	size_t n = (size_t)type_elems(&t);
	double *v = NEW_ARRAY(c->scratch, double, n);

	t.dtype = DT_F32;
	for (size_t i = 0; i < n; i++)
		v[i] = dtype_get(a->data, a->type.dtype, i) +
		    dtype_get(b->data, b->type.dtype, i);
	return const_from(c->g, a->name, &t, v);
}

/* The operand v of `add` as a vector of n elements. */
static struct value *
as_vector(struct pass_ctx *c, struct value *v, int64_t n, struct node *at)
{
	int64_t elems = type_elems(&v->type);

	v = mk_reshape(c->g, v, 1, &elems, at);
	if (elems == n)
		return v;
	if (v->kind == VALUE_CONST) {
		struct tensor_type t = type_make(v->type.dtype, 1, &n);
		double *d = NEW_ARRAY(c->scratch, double, (size_t)n);

		for (int64_t i = 0; i < n; i++)
			d[i] = dtype_get(v->data, v->type.dtype, 0);
		return const_from(c->g, v->name, &t, d);
	}
	return mk_expand(c->g, v, 1, &n, at);
}

static bool
node_before(const struct node *a, const struct node *b)
{
	for (const struct node *k = b->prev; k != NULL; k = k->prev)
		if (k == a)
			return true;
	return false;
}

bool
epilogue_bias(struct pass_ctx *c, struct node *m, struct node *u,
    bool only_const)
{
	struct value *x = m->out[0], *k, *old = node_in(m, 2);
	int axis = channel_axis(m);

	if (u->op != OP_add || x->type.dtype == DT_F64 || !single_use(x) ||
	    node_int(m, ATTR_act) != ACT_NONE)
		return false;
	k = u->in[0] == x ? u->in[1] : u->in[0];
	if (!dtype_is_float(k->type.dtype) || k->type.dtype == DT_F64 ||
	    !along_axis(k, &x->type, axis) ||
	    !shape_equal(&u->out[0]->type, &x->type))
		return false;
	if (k->kind != VALUE_CONST && (only_const || old != NULL ||
	    type_elems(&k->type) == type_elems(&x->type)))
		return false;
	if (old != NULL && old->kind != VALUE_CONST)
		return false;
	if (k->kind == VALUE_NODE && !node_before(k->def, m))
		graph_move_before(c->g, m, u);
	k = as_vector(c, k, x->type.dim[axis], m);
	if (old != NULL)
		k = sum_const(c, old, k);
	node_set_in(c->g, m, 2, k);
	pass_remark(c, &u->loc, "%s fused into %s as bias", node_label(c, u),
	    node_label(c, m));
	epilogue_take(c, m, u);
	return true;
}
