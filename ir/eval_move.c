/* Data movement. Every op here reads, for the result element at coordinates
 * (o0, o1, ...), the operand element at the sum of one table entry per axis;
 * a negative entry means the fill value. */
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

#define FILL INT64_MIN

struct box {
	int rank;
	int64_t dim[MAX_RANK];
	int64_t *from[MAX_RANK]; /* per coordinate: operand offset or FILL */
	char fill[8];
};

static void
box_axis(struct ev *ev, struct box *b, int64_t dim)
{
	b->from[b->rank] =
	    NEW_ARRAY(ev->tmp, int64_t, (size_t)(dim > 0 ? dim : 1));
	b->dim[b->rank++] = dim;
}

/* An axis whose coordinate o reads offset o * stride. */
static void
box_stride(struct ev *ev, struct box *b, int64_t dim, int64_t stride)
{
	box_axis(ev, b, dim);
	for (int64_t i = 0; i < dim; i++)
		b->from[b->rank - 1][i] = i * stride;
}

/* n elements of the result from `to`, the operand at `at` plus the table. */
static void
copy_row(struct ev *ev, const struct box *b, const int64_t *table, int64_t n,
    int64_t to, int64_t at)
{
	const struct eval_tensor *x = &ev->in[0];
	size_t size = dtype_size(x->type.dtype);
	char *dst = (char *)ev->out->data + (size_t)to * size;
	const double *e = ev_errors(ev, 0);

	for (int64_t i = 0; i < n; i++, dst += size) {
		int64_t k =
		    at == FILL || table[i] == FILL ? FILL : at + table[i];
		const char *src = b->fill;

		if (k != FILL)
			src = (const char *)x->data + (size_t)k * size;
		memcpy(dst, src, size);
		if (e != NULL && k != FILL)
			ev->out->bound[to + i] = e[k];
	}
}

/* Moves keep the dtype; where rounding is off both sides are held alike, but
 * a constant operand is not. */
static bool
same_dtype(struct ev *ev)
{
	struct eval_tensor *wide, *in;
	int64_t n;

	if (ev->in[0].type.dtype == ev->out->type.dtype)
		return true;
	if (ev->n->in[0]->type.dtype != ev->dtype)
		return ev_fail(ev, "changes the dtype");
	n = type_elems(&ev->in[0].type);
	in = NEW_ARRAY(ev->tmp, struct eval_tensor, (size_t)ev->n->nin);
	memcpy(in, ev->in, (size_t)ev->n->nin * sizeof *in);
	wide = &in[0];
	wide->data = new_doubles(ev, n);
	load_doubles(ev->in[0].data, ev->in[0].type.dtype, 0, n, wide->data);
	wide->type.dtype = DT_F64;
	ev->in = in;
	return true;
}

/* Does the table stay within the operand? */
static bool
inside(struct ev *ev, const struct box *b)
{
	int64_t low = 0, high = 0;

	for (int d = 0; d < b->rank; d++) {
		int64_t lo = INT64_MAX, hi = -1;

		for (int64_t i = 0; i < b->dim[d]; i++) {
			int64_t k = b->from[d][i];

			if (k == FILL)
				continue;
			lo = k < lo ? k : lo;
			hi = k > hi ? k : hi;
		}
		if (hi < lo) /* nothing is read at all */
			return true;
		low += lo;
		high += hi;
	}
	if (low >= 0 && high < type_elems(&ev->in[0].type))
		return true;
	return ev_fail(ev, "reads outside its operand");
}

static bool
box_copy(struct ev *ev, struct box *b)
{
	int64_t o[MAX_RANK] = {0}, n;

	if (b->rank == 0)
		box_stride(ev, b, 1, 0);
	if (!same_dtype(ev) || !inside(ev, b))
		return false;
	n = b->dim[b->rank - 1];
	for (int64_t to = 0; to < ev->len; to += n) {
		int64_t at = 0;

		for (int d = 0; d + 1 < b->rank && at != FILL; d++) {
			int64_t k = b->from[d][o[d]];

			at = k == FILL ? FILL : at + k;
		}
		copy_row(ev, b, b->from[b->rank - 1], n, to, at);
		for (int d = b->rank - 1; d-- > 0;) {
			if (++o[d] < b->dim[d])
				break;
			o[d] = 0;
		}
	}
	return true;
}

bool
eval_transpose(struct ev *ev)
{
	int64_t stride[MAX_RANK];
	struct box b = {.rank = 0};

	strides_of(&ev->in[0].type, stride);
	for (int d = 0; d < ev->out->type.rank; d++)
		box_stride(ev, &b, ev->out->type.dim[d],
		    stride[ev_list(ev, ATTR_perm, d, d)]);
	return box_copy(ev, &b);
}

bool
eval_slice(struct ev *ev)
{
	int64_t stride[MAX_RANK];
	struct box b = {.rank = 0};

	strides_of(&ev->in[0].type, stride);
	for (int d = 0; d < ev->out->type.rank; d++) {
		int64_t start = ev_list(ev, ATTR_starts, d, 0);
		int64_t step = ev_list(ev, ATTR_steps, d, 1);

		box_axis(ev, &b, ev->out->type.dim[d]);
		for (int64_t i = 0; i < b.dim[d]; i++)
			b.from[d][i] = (start + i * step) * stride[d];
	}
	return box_copy(ev, &b);
}

/* Axis d of the result over an operand of extent dim, both ways of reading
 * outside; reflect bounces between the first and the last element. */
static int64_t
padded(int64_t i, int64_t dim, int64_t mode)
{
	int64_t period = 2 * (dim - 1);

	if (i >= 0 && i < dim)
		return i;
	if (mode == 0 || dim == 0)
		return FILL;
	if (mode == 2)
		return i < 0 ? 0 : dim - 1;
	if (period == 0)
		return 0;
	i = (i % period + period) % period;
	return i < dim ? i : period - i;
}

bool
eval_pad(struct ev *ev)
{
	int64_t mode = node_int(ev->n, ATTR_mode), stride[MAX_RANK];
	struct box b = {.rank = 0};

	strides_of(&ev->in[0].type, stride);
	for (int d = 0; d < ev->out->type.rank; d++) {
		int64_t begin = ev_list(ev, ATTR_pads_begin, d, 0);

		box_axis(ev, &b, ev->out->type.dim[d]);
		for (int64_t i = 0; i < b.dim[d]; i++) {
			int64_t k =
			    padded(i - begin, ev->in[0].type.dim[d], mode);

			b.from[d][i] = k == FILL ? FILL : k * stride[d];
		}
	}
	dtype_set(
	    b.fill, ev->out->type.dtype, 0, node_float(ev->n, ATTR_value));
	box_copy(ev, &b);
	return true;
}

/* expand and tile: coordinates wrap around the operand's extent. */
static bool
repeat(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int lead = ev->out->type.rank - t->rank;
	int64_t stride[MAX_RANK];
	struct box b = {.rank = 0};

	strides_of(t, stride);
	for (int d = 0; d < ev->out->type.rank; d++) {
		box_axis(ev, &b, ev->out->type.dim[d]);
		for (int64_t i = 0; i < b.dim[d] && d >= lead; i++)
			b.from[d][i] = i % t->dim[d - lead] * stride[d - lead];
	}
	return box_copy(ev, &b);
}

bool
eval_expand(struct ev *ev)
{
	return repeat(ev);
}

bool
eval_tile(struct ev *ev)
{
	return repeat(ev);
}

/* One group stands for all: they are as if their shares were equal. */
bool
eval_group_gather(struct ev *ev)
{
	return repeat(ev);
}

/* That of group 0. */
bool
eval_group_part(struct ev *ev)
{
	int64_t stride[MAX_RANK];
	struct box b = {.rank = 0};

	strides_of(&ev->in[0].type, stride);
	for (int d = 0; d < ev->out->type.rank; d++)
		box_stride(ev, &b, ev->out->type.dim[d], stride[d]);
	return box_copy(ev, &b);
}

bool
eval_gather(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t axis = node_int(ev->n, ATTR_axis), inner, outer, n, dim;
	const int64_t *index = ev_ints(ev, 1);
	const double *e = ev_errors(ev, 1);
	struct box b = {.rank = 0};

	if (axis < 0 || axis >= t->rank)
		return ev_fail(ev, "axis %lld", (long long)axis);
	dim = t->dim[axis];
	outer = span_elems(t, 0, (int)axis);
	inner = span_elems(t, (int)axis + 1, t->rank);
	n = type_elems(&ev->in[1].type);
	box_stride(ev, &b, outer, dim * inner);
	box_axis(ev, &b, n);
	for (int64_t i = 0; i < n; i++) {
		int64_t k = index[i] < 0 ? index[i] + dim : index[i];

		if (index[i] < -dim || k >= dim)
			return ev_fail(ev,
			    "index %lld is outside the extent %lld",
			    (long long)index[i], (long long)dim);
		b.from[1][i] = k * inner;
	}
	box_stride(ev, &b, inner, 1);
	if (!box_copy(ev, &b))
		return false;
	for (int64_t i = 0; i < ev->len && e != NULL; i++) {
		if (e[i / inner % n] != 0)
			ev->out->bound[i] = HUGE_VAL;
	}
	return true;
}

/* Pixel (h * b + i, w * b + j) of channel c is pixel (h, w) of channel
 * (i b + j) C + c (DCR) or c b^2 + i b + j (CRD). */
bool
eval_depth_to_space(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t bs = node_int(ev->n, ATTR_blocksize);
	int64_t c = ev->out->type.dim[1], hw = t->dim[2] * t->dim[3];
	bool dcr = node_int(ev->n, ATTR_dcr) != 0;
	struct box b = {.rank = 0};

	box_stride(ev, &b, t->dim[0], t->dim[1] * hw);
	box_stride(ev, &b, c, dcr ? hw : bs * bs * hw);
	box_stride(ev, &b, t->dim[2], t->dim[3]);
	box_stride(ev, &b, bs, dcr ? bs * c * hw : bs * hw);
	box_stride(ev, &b, t->dim[3], 1);
	box_stride(ev, &b, bs, dcr ? c * hw : hw);
	return box_copy(ev, &b);
}

/* The inverse of DCR: channel (i b + j) C + c. */
bool
eval_space_to_depth(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t bs = node_int(ev->n, ATTR_blocksize), w = t->dim[3];
	int64_t hw = t->dim[2] * w;
	struct box b = {.rank = 0};

	box_stride(ev, &b, t->dim[0], t->dim[1] * hw);
	box_stride(ev, &b, bs, w);
	box_stride(ev, &b, bs, 1);
	box_stride(ev, &b, t->dim[1], hw);
	box_stride(ev, &b, ev->out->type.dim[2], bs * w);
	box_stride(ev, &b, ev->out->type.dim[3], bs);
	return box_copy(ev, &b);
}

/* Rows of operand k: outer of them, row elements each, placed at column at
 * of rows of total elements. */
static void
place(
    struct ev *ev, int k, int64_t outer, int64_t row, int64_t at, int64_t total)
{
	const struct eval_tensor *x = &ev->in[k];
	enum dtype t = ev->out->type.dtype;
	size_t size = dtype_size(t);
	const double *e = ev_errors(ev, k);

	for (int64_t o = 0; o < outer && row > 0; o++) {
		int64_t to = o * total + at;
		char *dst = (char *)ev->out->data + (size_t)to * size;

		if (x->type.dtype != t)
			load_doubles(x->data, x->type.dtype, o * row, row,
			    (double *)ev->out->data + to);
		else
			memcpy(dst,
			    (const char *)x->data + (size_t)(o * row) * size,
			    (size_t)row * size);
		if (e != NULL)
			memcpy(ev->out->bound + to, e + o * row,
			    (size_t)row * sizeof *e);
	}
}

bool
eval_concat(struct ev *ev)
{
	const struct tensor_type *y = &ev->out->type;
	int64_t axis = node_int(ev->n, ATTR_axis), at = 0, inner, total;

	if (axis < 0 || axis >= y->rank)
		return ev_fail(ev, "axis %lld", (long long)axis);
	inner = span_elems(y, (int)axis + 1, y->rank);
	total = y->dim[axis] * inner;
	for (int k = 0; k < ev->n->nin; k++) {
		const struct tensor_type *t = &ev->in[k].type;
		int64_t row = t->dim[axis] * inner;

		/* f64 holds what it does not equal: rounding is off */
		if (t->dtype != y->dtype && y->dtype != DT_F64)
			return ev_fail(
			    ev, "operand %d is %s", k, dtype_name(t->dtype));
		if (at + row > total)
			return ev_fail(ev, "operands exceed the result");
		place(ev, k, span_elems(y, 0, (int)axis), row, at, total);
		at += row;
	}
	return true;
}
