/* legalize: data movement in terms of slice, concat, gather, reshape,
 * transpose and expand. */
#include "passes/legalize.h"

/* Crops what negative padding takes away, then pads by the rest. */
static struct value *
crop_and_pad(struct pass_ctx *c, struct node *n)
{
	const struct tensor_type *t = &n->in[0]->type;
	int64_t starts[MAX_RANK], steps[MAX_RANK], sizes[MAX_RANK];
	int64_t lo[MAX_RANK], hi[MAX_RANK];
	struct attr a[3];
	struct value *v;
	bool crop = false;

	for (int i = 0; i < t->rank; i++) {
		lo[i] = ints_at(n, ATTR_pads_begin, (size_t)i, 0);
		hi[i] = ints_at(n, ATTR_pads_end, (size_t)i, 0);
		crop = crop || lo[i] < 0 || hi[i] < 0;
		starts[i] = lo[i] < 0 ? -lo[i] : 0;
		steps[i] = 1;
		sizes[i] = t->dim[i] - starts[i] + (hi[i] < 0 ? hi[i] : 0);
		lo[i] = lo[i] < 0 ? 0 : lo[i];
		hi[i] = hi[i] < 0 ? 0 : hi[i];
	}
	if (!crop)
		return n->out[0];
	v = mk_slice(c->g, n->in[0], starts, steps, sizes, n);
	a[0] = attr_make_ints(ATTR_pads_begin, lo, (size_t)t->rank);
	a[1] = attr_make_ints(ATTR_pads_end, hi, (size_t)t->rank);
	a[2] = *node_attr(n, ATTR_value);
	return build_op(c->g, OP_pad, &v, 1, a, 3, DT_NONE, n);
}

/* The source of position i - begin: mirrored without repeating the border
 * (reflect), or the nearest element (edge). */
static int64_t
pad_source(int64_t i, int64_t extent, bool reflect)
{
	if (reflect && i < 0)
		i = -i;
	if (reflect && i >= extent)
		i = 2 * (extent - 1) - i;
	return i < 0 ? 0 : i >= extent ? extent - 1 : i;
}

struct value *
legalize_pad(struct pass_ctx *c, struct node *n)
{
	struct value *v = n->in[0];
	int64_t mode = node_int(n, ATTR_mode);

	if (mode == 0)
		return crop_and_pad(c, n);
	for (int i = 0; i < n->in[0]->type.rank; i++) {
		int64_t size = n->out[0]->type.dim[i];
		int64_t extent = n->in[0]->type.dim[i];
		int64_t lo = ints_at(n, ATTR_pads_begin, (size_t)i, 0);
		int64_t *idx;

		if (size == extent)
			continue;
		idx = NEW_ARRAY(c->scratch, int64_t, (size_t)size);
		for (int64_t k = 0; k < size; k++)
			idx[k] = pad_source(k - lo, extent, mode == 1);
		v = mk_gather(c->g, v, i, idx, (size_t)size, n);
	}
	return v;
}

struct value *
legalize_gather(struct pass_ctx *c, struct node *n)
{
	struct value *idx = n->in[1];
	int64_t count = type_elems(&idx->type);
	int64_t extent = n->in[0]->type.dim[node_int(n, ATTR_axis)];
	struct tensor_type t = idx->type;
	bool negative = false;
	int64_t *v;

	if (idx->kind != VALUE_CONST) {
		diag_error(c->d, &n->loc, "%s: the indices%s%s%s are not "
		    "known at compile time; bind the input they come from "
		    "with -fconst", node_label(c, n), idx->name ? " '" : "",
		    idx->name ? idx->name : "", idx->name ? "'" : "");
		return NULL;
	}
	t.dtype = DT_I64;
	v = NEW_ARRAY(c->g->arena, int64_t, (size_t)count);
	for (int64_t i = 0; i < count; i++) {
		v[i] = const_i64(idx, (size_t)i);
		negative = negative || v[i] < 0;
		v[i] += v[i] < 0 ? extent : 0;
	}
	if (negative) {
		node_set_in(c->g, n, 1, graph_const(c->g, NULL, &t, v));
		c->changed = true;
	}
	return n->out[0];
}

#define MAX_COPIES 8 /* in one concat; above, a gather */

static struct value *
tile_axis(struct pass_ctx *c, struct node *n, struct value *x, int axis,
    int64_t times)
{
	struct value *in[MAX_COPIES];
	int64_t dim[MAX_RANK], extent = x->type.dim[axis], *idx;

	if (extent == 1) {
		for (int i = 0; i < x->type.rank; i++)
			dim[i] = i == axis ? times : x->type.dim[i];
		return mk_expand(c->g, x, x->type.rank, dim, n);
	}
	if (times <= MAX_COPIES) {
		for (int64_t i = 0; i < times; i++)
			in[i] = x;
		return mk_concat(c->g, in, (int)times, axis, n);
	}
	idx = NEW_ARRAY(c->scratch, int64_t, (size_t)(extent * times));
	for (int64_t i = 0; i < extent * times; i++)
		idx[i] = i % extent;
	return mk_gather(c->g, x, axis, idx, (size_t)(extent * times), n);
}

struct value *
legalize_tile(struct pass_ctx *c, struct node *n)
{
	struct value *x = n->in[0];
	const struct tensor_type *t = &n->out[0]->type;

	if (type_elems(t) == 0)
		return graph_const(c->g, NULL, t, arena_alloc(c->g->arena, 1));
	for (int i = 0; i < t->rank; i++) {
		int64_t times = const_i64(n->in[1], (size_t)i);

		if (times != 1)
			x = tile_axis(c, n, x, i, times);
	}
	return x;
}

/* reshape, transpose, reshape to n's result shape. */
static struct value *
shuffle(struct pass_ctx *c, struct node *n, const int64_t *dim,
    const int64_t *perm)
{
	const struct tensor_type *t = &n->out[0]->type;
	struct value *v = mk_reshape(c->g, n->in[0], 6, dim, n);

	v = mk_transpose(c->g, v, perm, n);
	return mk_reshape(c->g, v, t->rank, t->dim, n);
}

/* ONNX operator specification, DepthToSpace, modes DCR and CRD. */
struct value *
legalize_depth_to_space(struct pass_ctx *c, struct node *n)
{
	static const int64_t dcr[6] = {0, 3, 4, 1, 5, 2};
	static const int64_t crd[6] = {0, 1, 4, 2, 5, 3};
	const int64_t *d = n->in[0]->type.dim;
	int64_t b = node_int(n, ATTR_blocksize), rest = d[1] / (b * b);
	int64_t first[6] = {d[0], b, b, rest, d[2], d[3]};
	int64_t last[6] = {d[0], rest, b, b, d[2], d[3]};

	if (node_int(n, ATTR_dcr) != 0)
		return shuffle(c, n, first, dcr);
	return shuffle(c, n, last, crd);
}

struct value *
legalize_space_to_depth(struct pass_ctx *c, struct node *n)
{
	static const int64_t perm[6] = {0, 3, 5, 1, 2, 4};
	const int64_t *d = n->in[0]->type.dim;
	int64_t b = node_int(n, ATTR_blocksize);
	int64_t dim[6] = {d[0], d[1], d[2] / b, b, d[3] / b, b};

	return shuffle(c, n, dim, perm);
}
