/* Data movement that no view expresses: concatenation, padding, gather, and
 * reshapes across the physical order. */
#include "backend/lower.h"

#include <string.h>

static struct place
sub_place(const struct place *pl, int axis, int64_t at, int64_t size,
    int64_t step)
{
	struct place s = *pl;
	s.offset += at * pl->stride[axis];
	s.dim[axis] = size;
	s.stride[axis] = pl->stride[axis] * step;
	return s;
}

static bool
move_concat(struct lower *lw, const struct node *n)
{
	struct place *y = place_of(lw, n->out[0]);
	int axis = (int)node_int(n, ATTR_axis);
	int64_t at = 0;
	for (int i = 0; i < n->nin; i++) {
		struct place *x = place_of(lw, n->in[i]);
		struct place to = sub_place(y, axis, at, x->dim[axis], 1);
		if (!place_same(x, &to) && place_bytes(x) > 0)
			lower_copy(lw, x, &to);
		at += x->dim[axis];
	}
	return true;
}

static bool
move_pad(struct lower *lw, const struct node *n)
{
	struct place src = *place_of(lw, n->in[0]);
	struct place dst = *place_of(lw, n->out[0]);
	size_t nb, ne;
	const int64_t *pb = node_ints(n, ATTR_pads_begin, &nb);
	const int64_t *pe = node_ints(n, ATTR_pads_end, &ne);
	bool grows = false;
	struct place whole = dst;
	for (int i = 0; i < src.rank; i++) {
		int64_t b = (size_t)i < nb ? pb[i] : 0;
		int64_t e = (size_t)i < ne ? pe[i] : 0;
		grows = grows || b > 0 || e > 0;
		if (b < 0)
			src = sub_place(&src, i, -b, src.dim[i] + b, 1);
		if (e < 0)
			src.dim[i] += e;
		if (b > 0)
			dst.offset += b * dst.stride[i];
		dst.dim[i] = src.dim[i];
	}
	if (grows)
		lower_fill(lw, &whole, node_float(n, ATTR_value));
	if (place_bytes(&src) > 0)
		lower_copy(lw, &src, &dst);
	return true;
}

/* ---- reshape ---- */

/* The coarsest dimensions that both shapes are made of; -1 when a boundary
 * of one lies inside a dimension of the other unevenly. */
static int
common_dims(const struct place *a, const struct place *b, int64_t *dim)
{
	int64_t ra = 1, rb = 1; /* what is left of the current dimensions */
	int i = 0, j = 0, n = 0;
	for (;;) {
		while (ra == 1 && i < a->rank)
			ra = a->dim[i++];
		while (rb == 1 && j < b->rank)
			rb = b->dim[j++];
		if (ra == 1 && rb == 1)
			return n;
		/* take the innermost-compatible outer part */
		int64_t lo = ra < rb ? ra : rb, hi = ra < rb ? rb : ra;
		if (hi % lo != 0 || n == MAX_RANK)
			return -1;
		dim[n++] = lo;
		ra /= lo;
		rb /= lo;
	}
}

static bool
move_reshape(struct lower *lw, const struct node *n)
{
	struct place *src = place_of(lw, n->in[0]);
	struct place *dst = place_of(lw, n->out[0]);
	int64_t dim[MAX_RANK];
	int rank = common_dims(src, dst, dim);
	struct place s, d;
	if (rank >= 0 && place_reshape(src, rank, dim, &s) &&
	    place_reshape(dst, rank, dim, &d)) {
		lower_copy(lw, &s, &d);
		return true;
	}
	struct place t = place_dense(src->dtype, src->rank, src->dim);
	int64_t bytes = place_bytes(&t);
	enum space space = bytes <= lw->gbuf_free / 2 ? SPACE_GBUF :
	    SPACE_DRAM;
	t.buf = tile_buffer(lw->p, "reshape", space, bytes, 1,
	    space == SPACE_GBUF ? CUR_LOOP(lw) : NULL);
	t.buf->traffic = TRAFFIC_ACTIVATION;
	t.buf->per_group = space == SPACE_DRAM && lw->p->groups > 1;
	int64_t had = lw->gbuf_free;
	if (space == SPACE_GBUF)
		lw->gbuf_free -= bytes;
	lower_copy(lw, src, &t);
	if (!place_reshape(&t, dst->rank, dst->dim, &s))
		ice("lower", "a dense place has every shape");
	lower_copy(lw, &s, dst);
	lw->gbuf_free = had;
	return true;
}

/* ---- gather ---- */

static int64_t
index_at(const struct value *v, int64_t i, int64_t extent)
{
	int64_t x = dtype_get_i64(v->data, v->type.dtype, (size_t)i);
	return x < 0 ? x + extent : x;
}

/* Repetition: idx[i] = first + (i / f) * s, as nearest upsampling gives. */
static bool
gather_repeat(struct lower *lw, const struct place *x, const struct place *y,
    int axis, const int64_t *idx, int64_t count)
{
	int64_t f = 1;
	while (f < count && idx[f] == idx[0])
		f++;
	if (f == 1 || f == count || count % f != 0 || y->rank == MAX_RANK)
		return false;
	int64_t s = idx[f] - idx[0];
	for (int64_t i = 0; i < count; i++)
		if (idx[i] != idx[0] + i / f * s)
			return false;
	struct place src = sub_place(x, axis, idx[0], count / f, s);
	struct place dst = *y;
	for (int i = y->rank; i > axis + 1; i--) {
		src.dim[i] = src.dim[i - 1];
		src.stride[i] = src.stride[i - 1];
		dst.dim[i] = dst.dim[i - 1];
		dst.stride[i] = dst.stride[i - 1];
	}
	src.rank++;
	dst.rank++;
	src.dim[axis + 1] = f;
	src.stride[axis + 1] = 0;
	dst.dim[axis] = count / f;
	dst.stride[axis] = y->stride[axis] * f;
	dst.dim[axis + 1] = f;
	dst.stride[axis + 1] = y->stride[axis];
	lower_copy(lw, &src, &dst);
	return true;
}

/* y and x of equal rank; one copy for each arithmetic progression. */
static void
gather_axis(struct lower *lw, const struct place *x, const struct place *y,
    int axis, const int64_t *idx, int64_t count)
{
	if (gather_repeat(lw, x, y, axis, idx, count))
		return;
	for (int64_t i = 0; i < count;) {
		int64_t step = i + 1 < count ? idx[i + 1] - idx[i] : 1;
		int64_t len = 1;
		while (i + len < count &&
		    idx[i + len] == idx[i] + len * step)
			len++;
		struct place src = sub_place(x, axis, idx[i], len, step);
		struct place dst = sub_place(y, axis, i, len, 1);
		lower_copy(lw, &src, &dst);
		i += len;
	}
}

static bool
move_gather(struct lower *lw, const struct node *n)
{
	const struct value *iv = n->in[1];
	struct place *x = place_of(lw, n->in[0]);
	struct place *y = place_of(lw, n->out[0]);
	int axis = (int)node_int(n, ATTR_axis);
	if (iv->kind != VALUE_CONST) {
		diag_error(lw->diag, &n->loc,
		    "gather with indices computed at run time is not "
		    "supported; bind them with -fconst");
		return false;
	}
	int64_t total = type_elems(&iv->type);
	int64_t last = iv->type.rank > 0 ? iv->type.dim[iv->type.rank - 1] : 1;
	int64_t *idx = NEW_ARRAY(lw->arena, int64_t, (size_t)total + 1);
	for (int64_t i = 0; i < total; i++)
		idx[i] = index_at(iv, i, x->dim[axis]);
	/* All index dimensions but the last are fixed in turn. */
	int extra = iv->type.rank > 0 ? iv->type.rank - 1 : 0;
	for (int64_t o = 0; o < total; o += last) {
		struct place d = *y;
		int64_t rest = o / last;
		for (int k = extra - 1; k >= 0; k--) {
			int64_t e = iv->type.dim[k];
			d.offset += rest % e * y->stride[axis + k];
			rest /= e;
		}
		int64_t dim[MAX_RANK], stride[MAX_RANK];
		for (int i = 0; i < x->rank; i++) {
			/* x axis i of the result with the fixed ones gone */
			int j = i <= axis ? i : i + iv->type.rank - 1;
			j = i == axis ? axis + extra : j;
			dim[i] = i == axis ? last : y->dim[j];
			stride[i] = i == axis && iv->type.rank == 0 ?
			    (int64_t)dtype_size(y->dtype) : y->stride[j];
		}
		d.rank = x->rank;
		memcpy(d.dim, dim, sizeof(int64_t) * (size_t)x->rank);
		memcpy(d.stride, stride, sizeof(int64_t) * (size_t)x->rank);
		gather_axis(lw, x, &d, axis, idx + o, last);
	}
	return true;
}

/* ---- adjoints ---- */

static bool
move_slice_grad(struct lower *lw, const struct node *n)
{
	const struct place *dy = place_of(lw, n->in[0]);
	struct place to = *place_of(lw, n->out[0]);
	size_t len;
	const int64_t *start = node_ints(n, ATTR_starts, &len);
	const int64_t *step = node_ints(n, ATTR_steps, &len);
	lower_fill(lw, &to, 0);
	for (int i = 0; i < to.rank; i++)
		to = sub_place(&to, i, start[i], dy->dim[i], step[i]);
	if (place_bytes(dy) > 0)
		lower_copy(lw, dy, &to);
	return true;
}

/* Adds dy to rows idx of y along axis; one addition for each arithmetic
 * progression of different rows. */
static void
scatter_axis(struct lower *lw, const struct place *dy, const struct place *y,
    int axis, const int64_t *idx, int64_t count)
{
	for (int64_t i = 0; i < count;) {
		int64_t step = i + 1 < count ? idx[i + 1] - idx[i] : 1;
		int64_t len = 1;
		while (step != 0 && i + len < count &&
		    idx[i + len] == idx[i] + len * step)
			len++;
		struct place src = sub_place(dy, axis, i, len, 1);
		struct place dst = sub_place(y, axis, idx[i], len, step);
		lower_add(lw, &src, &dst);
		i += len;
	}
}

/* Sums of 16-bit values are kept in f32. */
static bool
move_scatter_add(struct lower *lw, const struct node *n)
{
	const struct value *iv = n->in[1];
	const struct place *y = place_of(lw, n->out[0]);
	struct place dy = *place_of(lw, n->in[0]), acc = *y;
	int axis = (int)node_int(n, ATTR_axis), irank = iv->type.rank;
	int64_t count = type_elems(&iv->type);
	if (iv->kind != VALUE_CONST) {
		diag_error(lw->diag, &n->loc, "scatter_add with indices "
		    "computed at run time is not supported");
		return false;
	}
	if (y->dtype == DT_F16 || y->dtype == DT_BF16) {
		acc = place_dense(DT_F32, y->rank, y->dim);
		acc.buf = tile_buffer(lw->p, "sums", SPACE_DRAM,
		    place_bytes(&acc), 1, NULL);
		acc.buf->traffic = TRAFFIC_GRADIENT;
		acc.buf->per_group = lw->p->groups > 1;
	}
	int64_t *idx = NEW_ARRAY(lw->arena, int64_t, (size_t)count + 1);
	for (int64_t i = 0; i < count; i++)
		idx[i] = index_at(iv, i, y->dim[axis]);
	lower_fill(lw, &acc, 0);
	int64_t last = irank > 0 ? iv->type.dim[irank - 1] : 1;
	for (int64_t o = 0; o < count; o += last) {
		struct place part = dy; /* one row of the indices */
		int64_t rest = o / last;
		for (int k = irank - 2; k >= 0; k--) {
			part.offset += rest % iv->type.dim[k] *
			    dy.stride[axis + k];
			rest /= iv->type.dim[k];
		}
		part.rank = y->rank;
		for (int i = 0; i < y->rank; i++) {
			int j = i < axis ? i : i + irank - 1;
			bool none = i == axis && irank == 0;
			part.dim[i] = none ? 1 : dy.dim[j];
			part.stride[i] = none ? 0 : dy.stride[j];
		}
		if (place_bytes(&part) > 0)
			scatter_axis(lw, &part, &acc, axis, idx + o, last);
	}
	if (acc.buf != y->buf)
		lower_copy(lw, &acc, y);
	return true;
}

/* Each group stores its own; behind the last of a row of such nodes they
 * meet. */
static bool
move_group_gather(struct lower *lw, const struct node *n)
{
	const struct place *x = place_of(lw, n->in[0]);
	const struct place *y = place_of(lw, n->out[0]);
	struct place to = *y;
	to.rank = y->rank - 1;
	for (int i = 0; i < to.rank; i++) {
		to.dim[i] = y->dim[1 + i];
		to.stride[i] = y->stride[1 + i];
	}
	to.gstep += y->stride[0];
	if (!place_same(x, &to))
		lower_copy(lw, x, &to);
	if (n->next == NULL || n->next->op != OP_group_gather)
		tile_emit(lw->p, TILE_BARRIER, Q_CO);
	return true;
}

bool
lower_move(struct lower *lw, const struct node *n)
{
	switch ((int)n->op) {
	case OP_concat: return move_concat(lw, n);
	case OP_pad: return move_pad(lw, n);
	case OP_reshape: return move_reshape(lw, n);
	case OP_gather: return move_gather(lw, n);
	case OP_slice_grad: return move_slice_grad(lw, n);
	case OP_scatter_add: return move_scatter_add(lw, n);
	case OP_group_gather: return move_group_gather(lw, n);
	case OP_transpose:
	case OP_slice:
	case OP_expand: break; /* always views */
	default: break;
	}
	return lower_refuse(lw, n);
}
