#include "runtime/sim/view.h"

#include <string.h>

#include "runtime/sim/loops.h"

/* Beyond these an axis is walked row by row: then nothing below overflows. */
#define MAX_STRIDE ((int64_t)1 << 31)
#define MAX_EXTENT ((int64_t)1 << 60)
#define MAX_SEGMENT ((int64_t)1 << 28)

/* Runs as short as this are worth joining over taps, in bytes. */
#define SHORT_RUN 256

/* a / b and the rest for a >= 0, b > 0; most numbers are short, and dividing
 * those is quicker. */
static inline int64_t
split(int64_t a, int64_t b, int64_t *rest)
{
	if ((a | b) >> 32 == 0) {
		*rest = (uint32_t)a % (uint32_t)b;
		return (uint32_t)a / (uint32_t)b;
	}
	*rest = a % b;
	return a / b;
}

struct view_row
view_row_at(const struct view *v, int64_t p)
{
	struct view_row r;

	for (int a = 2; a >= 0; a--) {
		int64_t out = v->axis[a].out;

		r.o[a] = 0;
		if (out == 1)
			continue;
		p = split(p, out, &r.o[a]);
	}
	r.n = p;
	return r;
}

bool
view_joins(const struct view *v)
{
	const struct view_axis *x = &v->axis[2];

	return v->kcg == 0 && x->kernel > 1 && x->up == 1 && x->dil > 0 &&
	    x->dil < MAX_STRIDE && x->kernel < MAX_STRIDE &&
	    v->c * view_elem(v->dtype) < SHORT_RUN &&
	    wrap_mul(x->dil, x->addr) == wrap_mul(v->c, v->c_addr);
}

struct view_run
view_run_at(const struct view *v, int64_t q, int64_t limit, bool join)
{
	struct view_run r = {.c = q};
	int64_t tap = 0;

	if (q >= v->c) {
		tap = split(q, v->c, &r.c);
	}
	for (int a = 2; a >= 0 && tap > 0; a--) {
		tap = split(tap, v->axis[a].kernel, &r.tap[a]);
	}
	r.len = v->c - r.c;
	if (join)
		r.len += (v->axis[2].kernel - 1 - r.tap[2]) * v->c;
	if (r.len > limit)
		r.len = limit;
	r.last = r.tap[2];
	if (r.c + r.len > v->c)
		r.last += (r.c + r.len - 1) / v->c;
	return r;
}

int
view_inner(const struct view *v)
{
	for (int a = 2; a >= 0; a--) {
		const struct view_axis *x = &v->axis[a];

		if (x->out == 1)
			continue;
		return x->up == 1 && x->stride > 0 &&
		    x->stride < MAX_STRIDE && x->extent < MAX_EXTENT ? a :
		    VIEW_NO_DIGIT;
	}
	return VIEW_DIGIT_N;
}

int64_t
view_segment(const struct view *v, int inner, const struct view_row *r,
    int64_t limit)
{
	int64_t n = 1;

	if (inner == VIEW_DIGIT_N)
		n = limit;
	else if (inner != VIEW_NO_DIGIT)
		n = v->axis[inner].out - r->o[inner];
	if (v->kcg > 0) { /* the diagonal block changes with p / ncg */
		int64_t p = r->n;

		for (int a = 0; a < 3; a++)
			p = p * v->axis[a].out + r->o[a];
		if (n > v->ncg - p % v->ncg)
			n = v->ncg - p % v->ncg;
	}
	if (n > limit)
		n = limit;
	return n < MAX_SEGMENT ? n : MAX_SEGMENT;
}

void
view_advance(const struct view *v, int inner, struct view_row *r,
    int64_t rows)
{
	int a = inner == VIEW_NO_DIGIT ? 2 : inner;

	for (; a != VIEW_DIGIT_N && a >= 0; a--) {
		r->o[a] += rows;
		if (r->o[a] < v->axis[a].out)
			return;
		r->o[a] = 0;
		rows = 1;
	}
	r->n += rows;
}

/* Rows t of 0..n-1 with first + t * stride >= 0 and last + t * stride <
 * extent. */
static void
stored_rows(const struct view_axis *x, int64_t first, int64_t last, int64_t n,
    struct view_place *out)
{
	out->lo = 0;
	out->hi = n;
	if (first < 0) {
		if (first < -MAX_EXTENT)
			first = -MAX_EXTENT;
		out->lo = (x->stride - 1 - first) / x->stride;
		if (out->lo > n)
			out->lo = n;
	}
	if (last > MAX_EXTENT)
		last = MAX_EXTENT;
	if (last < -MAX_EXTENT)
		last = -MAX_EXTENT;
	if (last + (n - 1) * x->stride >= x->extent) {
		out->hi = last >= x->extent ? 0 :
		    (x->extent - last + x->stride - 1) / x->stride;
		if (out->hi < out->lo)
			out->hi = out->lo;
	}
}

bool
view_place(const struct view *v, int inner, const struct view_row *r,
    const struct view_run *run, int64_t rows, struct view_place *out)
{
	int64_t taps = run->last - run->tap[2];

	out->offset = wrap_mul(r->n, v->n_addr);
	out->step = v->n_addr;
	out->lo = 0;
	out->hi = rows;
	for (int a = 0; a < 3; a++) {
		const struct view_axis *x = &v->axis[a];
		int64_t pos = wrap_sub(wrap_step(wrap_mul(r->o[a],
		    x->stride), run->tap[a], x->dil), x->pad);
		int64_t end = a == 2 ? wrap_step(pos, taps, x->dil) : pos;

		if (a == inner && rows > 1) {
			stored_rows(x, pos, end, rows, out);
			out->step = wrap_mul(x->stride, x->addr);
			out->offset = wrap_step(out->offset, pos, x->addr);
			continue;
		}
		if (pos < 0 || end < pos)
			return false;
		if (x->up != 1) {
			if (pos % x->up != 0)
				return false;
			end = pos /= x->up;
		}
		if (end >= x->extent)
			return false;
		out->offset = wrap_step(out->offset, pos, x->addr);
	}
	return out->lo < out->hi;
}

bool
view_edge(const struct view *v, int inner, const struct view_row *r,
    const struct view_run *run, int64_t rows, struct view_edge *out)
{
	const struct view_axis *x = &v->axis[2];

	if (rows > 1 && inner != 2)
		return false;
	out->pos = wrap_sub(wrap_step(wrap_mul(r->o[2], x->stride),
	    run->tap[2], x->dil), x->pad);
	if (out->pos < -MAX_EXTENT || out->pos > MAX_EXTENT ||
	    x->extent > MAX_EXTENT)
		return false;
	out->step = rows > 1 ? x->stride : 0;
	out->offset = wrap_mul(r->n, v->n_addr);
	out->outside = false;
	for (int a = 0; a < 2; a++) {
		int64_t pos, rest = 0;

		x = &v->axis[a];
		pos = wrap_sub(wrap_step(wrap_mul(r->o[a], x->stride),
		    run->tap[a], x->dil), x->pad);
		if (pos >= 0 && x->up != 1)
			pos = split(pos, x->up, &rest);
		if (pos < 0 || rest != 0 || pos >= x->extent)
			out->outside = true;
		out->offset = wrap_step(out->offset, pos, x->addr);
	}
	return true;
}

/* a / b, rounded up; both are positive. */
static int64_t
divide_up(int64_t a, int64_t b)
{
	int64_t rest;

	return b == 1 ? a : split(a + b - 1, b, &rest);
}

void
view_clip(const struct view *v, const struct view_run *run, int64_t pos,
    int64_t *from, int64_t *to)
{
	const struct view_axis *x = &v->axis[2];
	int64_t lo = pos < 0 ? divide_up(-pos, x->dil) : 0;
	int64_t hi = run->last - run->tap[2] + 1;

	if (pos >= x->extent)
		hi = 0;
	else if (pos + (hi - 1) * x->dil >= x->extent)
		hi = divide_up(x->extent - pos, x->dil);
	*from = *to = 0;
	if (lo >= hi)
		return;
	*from = lo > 0 ? lo * v->c - run->c : 0;
	*to = hi * v->c - run->c;
	if (*to > run->len)
		*to = run->len;
	if (*from > *to)
		*from = *to;
}

bool
view_part(const struct view *v, int64_t outer0, int64_t outer, int64_t k0,
    int64_t k, struct view_part *out)
{
	bool t = (v->flags & VIEW_TRANSPOSED) != 0;
	int64_t rows = v->n, cols = v->c, p_end, q_end;

	*out = t ? (struct view_part){k0, k, outer0, outer} :
	    (struct view_part){outer0, outer, k0, k};
	for (int a = 0; a < 3; a++)
		if (__builtin_mul_overflow(rows, v->axis[a].out, &rows) ||
		    __builtin_mul_overflow(cols, v->axis[a].kernel, &cols))
			return false;
	return out->p >= 0 && out->q >= 0 && out->np > 0 && out->nq > 0 &&
	    !__builtin_add_overflow(out->p, out->np, &p_end) &&
	    !__builtin_add_overflow(out->q, out->nq, &q_end) &&
	    p_end <= rows && q_end <= cols;
}

/* ---- elements ---- */

/* Transposes by way of f32 rows, a piece at a time. */
static void
load_turned(const struct sim_loops *l, enum dtype t, float *dst,
    int64_t dst_row, const uint8_t *src, int64_t src_row, int64_t rows,
    int64_t cols)
{
	enum { R = 32, C = 64 };
	float piece[R * C];
	int64_t size = view_elem(t);

	if (t == DT_F32) {
		l->transpose(dst, dst_row, src, src_row, rows, cols);
		return;
	}
	for (int64_t c = 0; c < cols; c += C) {
		int64_t nc = cols - c < C ? cols - c : C;

		for (int64_t r = 0; r < rows; r += R) {
			int64_t nr = rows - r < R ? rows - r : R;

			l->load(t, piece, nc, src + r * src_row + c * size,
			    src_row, nr, nc);
			l->transpose(dst + c * dst_row + r, dst_row,
			    (const uint8_t *)piece, nc * 4, nr, nc);
		}
	}
}

static void
load_scattered(const struct view_block *b, float *dst, const uint8_t *src)
{
	for (int64_t r = 0; r < b->rows; r++) {
		for (int64_t c = 0; c < b->cols; c++) {
			const uint8_t *p = src + r * b->row_step +
			    c * b->col_step;
			float *to = dst + r * b->dst_row + c * b->dst_col;
			uint16_t h;

			if (b->dtype == DT_F32) {
				memcpy(to, p, sizeof *to);
				continue;
			}
			memcpy(&h, p, sizeof h);
			*to = b->dtype == DT_F16 ? f16_to_f32(h) :
			    bf16_to_f32(h);
		}
	}
}

void
view_load(const struct sim_loops *l, const struct view_block *b, float *dst,
    const uint8_t *src)
{
	int64_t size = view_elem(b->dtype);
	bool cols = b->col_step == size || b->cols == 1;
	bool rows = b->row_step == size || b->rows == 1;
	bool to_cols = b->dst_col == 1, to_rows = b->dst_row == 1;

	if (cols && to_cols)
		l->load(b->dtype, dst, b->dst_row, src, b->row_step, b->rows,
		    b->cols);
	else if (rows && to_rows)
		l->load(b->dtype, dst, b->dst_col, src, b->col_step, b->cols,
		    b->rows);
	else if (cols && to_rows)
		load_turned(l, b->dtype, dst, b->dst_col, src, b->row_step,
		    b->rows, b->cols);
	else if (rows && to_cols)
		load_turned(l, b->dtype, dst, b->dst_row, src, b->col_step,
		    b->cols, b->rows);
	else
		load_scattered(b, dst, src);
}

void
view_store(const struct sim_loops *l, const struct view_block *b,
    uint8_t *dst, const float *src)
{
	int64_t size = view_elem(b->dtype);

	if (b->col_step == size || b->cols == 1) {
		l->store(b->dtype, dst, b->row_step, src, b->dst_row, b->rows,
		    b->cols);
		return;
	}
	for (int64_t r = 0; r < b->rows; r++)
		for (int64_t c = 0; c < b->cols; c++)
			l->store(b->dtype, dst + r * b->row_step +
			    c * b->col_step, 0, src + r * b->dst_row + c, 0, 1,
			    1);
}
