/* canonicalize: data movement and reductions without effect. */
#include "passes/canonicalize.h"

static struct value *
canon_reshape(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	struct node *k = def_of(x, OP_reshape);
	const struct tensor_type *t = &n->out[0]->type;

	if (type_equal(&x->type, t))
		return x;
	if (k != NULL)
		return mk_reshape(c->g, k->in[0], t->rank, t->dim, n);
	return NULL;
}

static struct value *
canon_transpose(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	const struct tensor_type *t = &n->out[0]->type;
	struct node *k = def_of(x, OP_transpose);
	int64_t last = -1, perm[MAX_RANK];
	bool identity = true, view = true;
	size_t len;
	const int64_t *p = node_ints(n, ATTR_perm, &len);

	for (size_t i = 0; i < len; i++) {
		identity = identity && p[i] == (int64_t)i;
		if (x->type.dim[p[i]] == 1)
			continue;
		view = view && p[i] > last;
		last = p[i];
	}
	if (identity)
		return x;
	if (view)
		return mk_reshape(c->g, x, t->rank, t->dim, n);
	if (k == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		perm[i] = ints_at(k, ATTR_perm, (size_t)p[i], 0);
	return mk_transpose(c->g, k->in[0], perm, n);
}

struct box {
	int64_t starts[MAX_RANK], steps[MAX_RANK], sizes[MAX_RANK];
};

static void
get_box(const struct node *n, struct box *b)
{
	for (int i = 0; i < n->in[0]->type.rank; i++) {
		size_t k = (size_t)i;

		b->starts[i] = ints_at(n, ATTR_starts, k, 0);
		b->steps[i] = ints_at(n, ATTR_steps, k, 1);
		b->sizes[i] = ints_at(n, ATTR_sizes, k, 0);
	}
}

/* The slice lies within one operand of a concat. */
static struct value *
slice_of_concat(struct pass_ctx *c, struct node *n, const struct box *b)
{
	struct node *k = def_of(n->in[0], OP_concat);
	struct box in = *b;
	int64_t axis, lo, hi, from = 0;

	if (k == NULL || type_elems(&n->out[0]->type) == 0)
		return NULL;
	axis = node_int(k, ATTR_axis);
	lo = b->starts[axis];
	hi = lo + (b->sizes[axis] - 1) * b->steps[axis];
	if (lo > hi) {
		int64_t t = lo;

		lo = hi;
		hi = t;
	}
	for (int i = 0; i < k->nin; i++) {
		int64_t to = from + k->in[i]->type.dim[axis];

		if (lo >= from && hi < to) {
			in.starts[axis] -= from;
			return mk_slice(c->g, k->in[i], in.starts, in.steps,
			    in.sizes, n);
		}
		from = to;
	}
	return NULL;
}

static struct value *
canon_slice(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	struct node *k = def_of(x, OP_slice);
	struct box b, o;
	bool full = type_equal(&x->type, &n->out[0]->type);

	get_box(n, &b);
	for (int i = 0; i < x->type.rank; i++)
		full = full && b.starts[i] == 0 &&
		    (b.steps[i] == 1 || b.sizes[i] <= 1);
	if (full)
		return x;
	if (k == NULL)
		return slice_of_concat(c, n, &b);
	if (type_elems(&n->out[0]->type) == 0)
		return NULL;
	get_box(k, &o);
	for (int i = 0; i < x->type.rank; i++) {
		b.starts[i] = o.starts[i] + b.starts[i] * o.steps[i];
		b.steps[i] *= o.steps[i];
		/* The step of a single element is free; 1 keeps it small. */
		if (b.sizes[i] == 1)
			b.steps[i] = 1;
	}
	return mk_slice(c->g, k->in[0], b.starts, b.steps, b.sizes, n);
}

static struct value *
canon_pad(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	struct node *k = def_of(x, OP_pad);
	int64_t lo[MAX_RANK], hi[MAX_RANK];
	struct attr a[4];
	bool none = true, merge = k != NULL;
	size_t rank = (size_t)x->type.rank;

	for (size_t i = 0; i < rank; i++) {
		lo[i] = ints_at(n, ATTR_pads_begin, i, 0);
		hi[i] = ints_at(n, ATTR_pads_end, i, 0);
		none = none && lo[i] == 0 && hi[i] == 0;
		merge = merge && lo[i] >= 0 && hi[i] >= 0;
		if (merge) {
			int64_t b = ints_at(k, ATTR_pads_begin, i, 0);
			int64_t e = ints_at(k, ATTR_pads_end, i, 0);

			merge = b >= 0 && e >= 0;
			lo[i] += b;
			hi[i] += e;
		}
	}
	if (none)
		return x;
	if (!merge || node_int(n, ATTR_mode) != 0 ||
	    node_int(k, ATTR_mode) != 0 ||
	    node_float(n, ATTR_value) != node_float(k, ATTR_value))
		return NULL;
	a[0] = attr_make_ints(ATTR_pads_begin, lo, rank);
	a[1] = attr_make_ints(ATTR_pads_end, hi, rank);
	a[2] = attr_make_float(ATTR_value, node_float(n, ATTR_value));
	return build_op(c->g, OP_pad, &k->in[0], 1, a, 3, DT_NONE, n);
}

static struct value *
canon_expand(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	const struct tensor_type *t = &n->out[0]->type;
	struct node *k = def_of(x, OP_expand);

	if (type_equal(&x->type, t))
		return x;
	if (k != NULL)
		return mk_expand(c->g, k->in[0], t->rank, t->dim, n);
	if (type_elems(&x->type) == type_elems(t))
		return mk_reshape(c->g, x, t->rank, t->dim, n);
	return NULL;
}

struct value *
canon_move(struct pass_ctx *c, struct node *n)
{
	switch (n->op) {
	case OP_reshape: return canon_reshape(c, n);
	case OP_transpose: return canon_transpose(c, n);
	case OP_slice: return canon_slice(c, n);
	case OP_pad: return canon_pad(c, n);
	case OP_expand: return canon_expand(c, n);
	default: return NULL;
	}
}

struct value *
canon_concat(struct pass_ctx *c, struct node *n)
{
	VEC(struct value *) in = {0};
	int64_t axis = node_int(n, ATTR_axis);
	bool change = false;

	for (int i = 0; i < n->nin; i++) {
		struct node *k = def_of(n->in[i], OP_concat);

		if (k != NULL && node_int(k, ATTR_axis) == axis) {
			for (int j = 0; j < k->nin; j++)
				VEC_PUSH(c->scratch, &in, k->in[j]);
			change = true;
		} else if (n->in[i]->type.dim[axis] == 0 && n->nin > 1) {
			change = true;
		} else {
			VEC_PUSH(c->scratch, &in, n->in[i]);
		}
	}
	if (in.len == 1)
		return in.data[0];
	if (!change || in.len == 0)
		return NULL;
	return mk_concat(c->g, in.data, (int)in.len, (int)axis, n);
}

/* A gather of evenly spaced constant indices is a slice. */
struct value *
canon_gather(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0], *idx = n->in[1], *v;
	int64_t axis = node_int(n, ATTR_axis), step = 1, i0 = 0;
	int64_t extent = x->type.dim[axis];
	const struct tensor_type *t = &n->out[0]->type;
	int64_t count = type_elems(&idx->type);
	struct box b;

	if (idx->kind != VALUE_CONST || count == 0)
		return NULL;
	for (int64_t i = 0; i < count; i++) {
		int64_t k = const_i64(idx, (size_t)i);

		k = k < 0 ? k + extent : k;
		if (k < 0 || k >= extent)
			return NULL;
		if (i == 0)
			i0 = k;
		else if (i == 1)
			step = k - i0;
		if (step == 0 || k != i0 + i * step)
			return NULL;
	}
	for (int i = 0; i < x->type.rank; i++) {
		b.starts[i] = 0;
		b.steps[i] = 1;
		b.sizes[i] = x->type.dim[i];
	}
	b.starts[axis] = i0;
	b.steps[axis] = step;
	b.sizes[axis] = count;
	v = mk_slice(c->g, x, b.starts, b.steps, b.sizes, n);
	return mk_reshape(c->g, v, t->rank, t->dim, n);
}

/* A reduction over axes of extent 1 only. */
struct value *
canon_reduce(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	const struct tensor_type *t = &n->out[0]->type;
	int64_t axes[MAX_RANK];
	int count;

	if (n->op == OP_argmax || n->op == OP_argmin)
		return NULL;
	count = reduce_axes(n, axes);
	for (int i = 0; i < count; i++)
		if (x->type.dim[axes[i]] != 1)
			return NULL;
	x = mk_cast(c->g, x, t->dtype, n);
	return mk_reshape(c->g, x, t->rank, t->dim, n);
}
