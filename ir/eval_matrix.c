/* Contractions: convolution, transposed convolution, matmul, gemm.
 *
 * All are c = a * b with a row-major and b in panels of WIDTH columns, built
 * on the fly: a panel holds K rows of the WIDTH operand elements that WIDTH
 * neighbouring results read. Each result is one sum in ascending k.
 *
 * The error analysis needs two more sums over the same products: of
 * magnitudes, and of their upper ends |a| + e_a, |b| + e_b. The contraction
 * is simply run again on those. */
#include "ir/eval_kernel.h"

#include <math.h>

#define WIDTH 8

/* Which numbers of the operands to contract. */
enum form { VALUE, MAGNITUDE, UPPER };

/* Sums per result element. Without operand errors, upper is magnitude. */
struct sums {
	double *value, *magnitude, *upper;
};

/* n elements of operand i from offset off, in the form. */
static void
load(const struct ev *ev, int i, enum form form, int64_t off, int64_t n,
    double *dst)
{
	const struct eval_tensor *t = &ev->in[i];

	load_doubles(t->data, t->type.dtype, off, n, dst);
	if (form == VALUE)
		return;
	for (int64_t k = 0; k < n; k++)
		dst[k] = fabs(dst[k]);
	if (form != UPPER || t->bound == NULL)
		return;
	for (int64_t k = 0; k < n; k++)
		dst[k] += t->bound[off + k];
}

/* c0[j] += sum over k of a0[k] panel[k][j], and the same for row 1. */
static void
two_rows(const double *a0, const double *a1, const double *panel, int64_t nk,
    double *c0, double *c1)
{
	double s0[WIDTH] = {0}, s1[WIDTH] = {0};

	for (int64_t k = 0; k < nk; k++, panel += WIDTH) {
		double x0 = a0[k], x1 = a1[k];

		for (int j = 0; j < WIDTH; j++) {
			s0[j] += x0 * panel[j];
			s1[j] += x1 * panel[j];
		}
	}
	for (int j = 0; j < WIDTH; j++) {
		c0[j] += s0[j];
		c1[j] += s1[j];
	}
}

/* Columns [0, cols) of c, m rows of stride ldc, from a (m x nk). */
static void
contract(const double *a, int64_t m, int64_t nk, const double *panel, double *c,
    int64_t ldc, int64_t cols)
{
	for (int64_t i = 0; i < m; i += 2) {
		bool pair = i + 1 < m;
		const double *a0 = a + i * nk, *a1 = pair ? a0 + nk : a0;
		double r0[WIDTH] = {0}, r1[WIDTH] = {0};

		two_rows(a0, a1, panel, nk, r0, r1);
		for (int64_t j = 0; j < cols; j++) {
			c[i * ldc + j] = r0[j];
			if (pair)
				c[(i + 1) * ldc + j] = r1[j];
		}
	}
}

/* Calls fn for each form needed, with the array to fill. */
typedef void contraction(
    struct ev *ev, const void *shape, enum form form, double *c);

static struct sums
run_forms(struct ev *ev, contraction *fn, const void *shape)
{
	struct sums s;

	s.value = new_doubles(ev, ev->len);
	s.magnitude = s.upper = s.value;
	fn(ev, shape, VALUE, s.value);
	if (!ev->bounds)
		return s;
	s.magnitude = s.upper = new_doubles(ev, ev->len);
	fn(ev, shape, MAGNITUDE, s.magnitude);
	if (ev->in[0].bound == NULL && ev->in[1].bound == NULL)
		return s;
	s.upper = new_doubles(ev, ev->len);
	fn(ev, shape, UPPER, s.upper);
	return s;
}

/* Result element i of a sum of nk products, with its error. */
static struct num
product(const struct ev *ev, const struct sums *s, int64_t i, double nk)
{
	struct num y = {s->value[i], 0};

	if (!ev->bounds)
		return y;
	y.e = s->upper[i] - s->magnitude[i];
	y.e += ev_slack(ev, 2 * (nk + 4), s->upper[i]);
	if (!(s->upper[i] < ev_limit(ev)))
		y.e = HUGE_VAL;
	return y;
}

static struct num
operand(const struct ev *ev, int i, int64_t k)
{
	const struct eval_tensor *t = &ev->in[i];
	const double *e = ev_errors(ev, i);

	return (struct num){
	    dtype_get(t->data, t->type.dtype, (size_t)k), e != NULL ? e[k] : 0};
}

/* Adds operand i's element k in the accumulator's precision. */
static struct num
add_term(const struct ev *ev, struct num y, double scale, int i, int64_t k,
    double nk)
{
	struct num t = operand(ev, i, k);

	y.v += scale * t.v;
	if (!ev->bounds)
		return y;
	y.e += fabs(scale) * t.e;
	y.e += ev_slack(ev, 2 * (nk + 4), fabs(scale) * (fabs(t.v) + t.e));
	return y;
}

/* The epilogue: act(y + bias + residual), rounded once or after each step.
 * Result i belongs to
 * column (output channel) i / inner % channels. */
static void
epilogue(struct ev *ev, const struct sums *s, double nk, int64_t channels,
    int64_t inner)
{
	struct map1 act = map1_of_act(ev->n);
	bool stepwise = node_int(ev->n, ATTR_stepwise) != 0;

	for (int64_t i = 0; i < ev->len; i++) {
		struct num y = product(ev, s, i, nk);

		if (ev_has(ev, 2))
			y = add_term(ev, y, 1, 2, i / inner % channels, nk);
		if (stepwise)
			y = ev_rounded(ev, y);
		if (ev_has(ev, 3))
			y = add_term(ev, y, 1, 3, i, nk);
		if (stepwise && ev_has(ev, 3))
			y = ev_rounded(ev, y);
		ev_put(ev, i, map1_apply(ev, &act, y));
	}
}

/* A convolution of one group: co results from ci * taps products. */
struct conv {
	struct window w;
	int64_t groups, ci, co; /* channels per group */
};

/* Panel of result positions [pos, pos + WIDTH) of one plane stack x. */
static void
image_panel(const struct conv *c, const double *x, int64_t pos, int64_t *off,
    double *panel)
{
	int64_t taps = c->w.taps;

	for (int j = 0; j < WIDTH; j++) {
		if (pos + j < c->w.positions)
			window_offsets(&c->w, pos + j, off + j * taps);
		else
			for (int64_t t = 0; t < taps; t++)
				off[j * taps + t] = -1;
	}
	for (int64_t i = 0; i < c->ci; i++, x += c->w.pixels) {
		for (int64_t t = 0; t < taps; t++, panel += WIDTH) {
			for (int j = 0; j < WIDTH; j++) {
				int64_t o = off[j * taps + t];

				panel[j] = o < 0 ? 0 : x[o];
			}
		}
	}
}

/* Rows of group g: results by (channel, tap). The weight of a transposed
 * convolution is (Ci, Co / groups, taps). */
static void
load_rows(
    struct ev *ev, const struct conv *c, enum form form, int64_t g, double *a)
{
	int64_t taps = c->w.taps, nk = c->ci * taps, block = c->co * nk;
	double *raw = a;

	if (c->w.transposed)
		raw = new_doubles(ev, block);
	load(ev, 1, form, g * block, block, raw);
	for (int64_t k = 0; k < block && c->w.transposed; k++) {
		int64_t i = k / (c->co * taps), o = k / taps % c->co;

		a[o * nk + i * taps + k % taps] = raw[k];
	}
}

static void
conv_sums(struct ev *ev, const void *shape, enum form form, double *c)
{
	const struct conv *s = shape;
	int64_t taps = s->w.taps, nk = s->ci * taps;
	int64_t plane = s->ci * s->w.pixels, places = s->w.positions;
	int64_t *off = NEW_ARRAY(ev->tmp, int64_t, (size_t)(taps * WIDTH));
	double *panel = new_doubles(ev, nk * WIDTH);
	double *a = new_doubles(ev, s->co * nk), *x = new_doubles(ev, plane);

	for (int64_t g = 0; g < s->groups; g++) {
		load_rows(ev, s, form, g, a);
		for (int64_t n = 0; n < ev->out->type.dim[0]; n++) {
			int64_t at = n * s->groups + g;

			load(ev, 0, form, at * plane, plane, x);
			for (int64_t p = 0; p < places; p += WIDTH) {
				int64_t cols = places - p;

				image_panel(s, x, p, off, panel);
				contract(a, s->co, nk, panel,
				    c + at * s->co * places + p, places,
				    cols < WIDTH ? cols : WIDTH);
			}
		}
	}
}

static bool
convolve(struct ev *ev, bool transposed)
{
	const struct tensor_type *x = &ev->in[0].type, *k = &ev->in[1].type;
	struct conv c = {.groups = node_int(ev->n, ATTR_groups)};
	struct sums s;

	if (!window_init(&c.w, ev, k->dim + 2, transposed))
		return false;
	if (c.groups < 1)
		return ev_fail(ev, "%lld groups", (long long)c.groups);
	c.ci = x->dim[1] / c.groups;
	c.co = ev->out->type.dim[1] / c.groups;
	s = run_forms(ev, conv_sums, &c);
	epilogue(ev, &s, (double)(c.ci * c.w.taps), ev->out->type.dim[1],
	    c.w.positions);
	return true;
}

bool
eval_conv(struct ev *ev)
{
	return convolve(ev, false);
}

bool
eval_conv_transpose(struct ev *ev)
{
	return convolve(ev, true);
}

/* One m x nk by nk x n product, read with or without transposition. */
struct matrices {
	int64_t m, n, nk;
	bool trans_a, trans_b;
};

/* Matrix of a from element offset base, as rows of nk. */
static void
load_left(struct ev *ev, const struct matrices *s, enum form form, int64_t base,
    double *raw, double *a)
{
	load(ev, 0, form, base, s->m * s->nk, s->trans_a ? raw : a);
	if (!s->trans_a)
		return;
	for (int64_t k = 0; k < s->nk; k++) {
		for (int64_t i = 0; i < s->m; i++)
			a[i * s->nk + k] = raw[k * s->m + i];
	}
}

/* Panel of columns [col, col + cols); columns beyond are never stored. */
static void
matrix_panel(struct ev *ev, const struct matrices *s, enum form form,
    int64_t base, int64_t col, int64_t cols, double *row, double *panel)
{
	if (!s->trans_b) {
		for (int64_t k = 0; k < s->nk; k++)
			load(ev, 1, form, base + k * s->n + col, cols,
			    panel + k * WIDTH);
		return;
	}
	for (int64_t j = 0; j < cols; j++) {
		load(ev, 1, form, base + (col + j) * s->nk, s->nk, row);
		for (int64_t k = 0; k < s->nk; k++)
			panel[k * WIDTH + j] = row[k];
	}
}

static void
matmul_sums(struct ev *ev, const void *shape, enum form form, double *c)
{
	const struct matrices *s = shape;
	double *raw = s->trans_a ? new_doubles(ev, s->m * s->nk) : NULL;
	double *a = new_doubles(ev, s->m * s->nk);
	double *panel = new_doubles(ev, s->nk * WIDTH);
	double *row = new_doubles(ev, s->nk);
	struct eval_tensor batch[2] = {ev->in[0], ev->in[1]};
	struct tensor_type out = ev->out->type;
	int64_t count;
	struct walk w;

	out.rank -= 2;
	batch[0].type.rank -= 2;
	batch[1].type.rank -= 2;
	walk_init(&w, &out, batch, 2);
	count = type_elems(&out);
	for (int64_t b = 0; b < count; b++, walk_next(&w)) {
		load_left(ev, s, form, w.off[0] * s->m * s->nk, raw, a);
		for (int64_t j = 0; j < s->n; j += WIDTH) {
			int64_t cols = s->n - j < WIDTH ? s->n - j : WIDTH;

			matrix_panel(ev, s, form, w.off[1] * s->nk * s->n, j,
			    cols, row, panel);
			contract(a, s->m, s->nk, panel, c + b * s->m * s->n + j,
			    s->n, cols);
		}
	}
}

static struct matrices
matrices_of(const struct ev *ev)
{
	const struct tensor_type *y = &ev->out->type, *a = &ev->in[0].type;
	struct matrices s;

	s.trans_a = node_int(ev->n, ATTR_trans_a) != 0;
	s.trans_b = node_int(ev->n, ATTR_trans_b) != 0;
	s.m = y->dim[y->rank - 2];
	s.n = y->dim[y->rank - 1];
	s.nk = a->dim[a->rank - (s.trans_a ? 2 : 1)];
	return s;
}

bool
eval_matmul(struct ev *ev)
{
	struct matrices m = matrices_of(ev);
	struct sums s = run_forms(ev, matmul_sums, &m);

	epilogue(ev, &s, (double)m.nk, m.n, 1);
	return true;
}

/* alpha * A * B + beta * C: the scalings count as two roundings more. */
bool
eval_gemm(struct ev *ev)
{
	double alpha = node_float(ev->n, ATTR_alpha);
	double beta = node_float(ev->n, ATTR_beta);
	struct matrices m = matrices_of(ev);
	struct sums s = run_forms(ev, matmul_sums, &m);
	double nk = (double)m.nk + 4;
	struct walk w;

	walk_init(&w, &ev->out->type, ev_has(ev, 2) ? ev->in + 2 : NULL,
	    ev_has(ev, 2));
	for (int64_t i = 0; i < ev->len; i++, walk_next(&w)) {
		struct num y = product(ev, &s, i, nk);

		y.v *= alpha;
		y.e *= fabs(alpha);
		if (ev_has(ev, 2))
			y = add_term(ev, y, beta, 2, w.off[0], nk);
		ev_put(ev, i, y);
	}
	return true;
}
