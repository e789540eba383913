/* Training ops and states: compiled code against the evaluator. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/stepped.h"

struct draft {
	struct unit *u;
	struct graph *g;
	uint64_t seed;
	enum dtype t;
};

static int64_t
between(struct draft *d, int64_t lo, int64_t hi)
{
	return lo + (int64_t)(unit_random(&d->seed) >> 33) % (hi - lo + 1);
}

static struct draft
start(struct unit *u, uint64_t seed)
{
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};
	struct draft d = {u, graph_new(u->arena, "step"), seed * 77 + 5,
	    DT_F32};

	for (int i = 0; i < 4; i++)
		unit_random(&d.seed);
	d.t = types[seed % 3];
	return d;
}

static struct value *
input(struct draft *d, enum dtype t, int rank, const int64_t *dim)
{
	struct tensor_type type = type_make(t, rank, dim);

	return graph_input(d->g, arena_printf(d->u->arena, "x%zu",
	    d->g->inputs.len), &type);
}

static struct value *
state(struct draft *d, enum dtype t, int rank, const int64_t *dim)
{
	struct tensor_type type = type_make(t, rank, dim);

	return graph_state(d->g, arena_printf(d->u->arena, "s%zu",
	    d->g->states.len), &type, stepped_random(d->u, &type, &d->seed),
	    true);
}

static struct value *
op(struct draft *d, enum op o, struct value **in, int nin,
    const struct attr *attrs, int nattrs)
{
	struct value *v = build_op(d->g, o, in, nin, attrs, nattrs, DT_NONE,
	    NULL);

	v->def->phase = "backward";
	return v;
}

/* Runs seeds over machines and buffer sizes. */
static void
sweep(struct unit *u, stepped_fn *fn, int seeds)
{
	static const char *const gbuf[] = {"", "gbuf_bytes=8192",
	    "gbuf_bytes=24576"};
	struct stepped s = {0};

	for (int i = 1; i <= seeds; i++) {
		struct compile_how how = {.target = i % 4 == 3 ? "wavecore" :
		    "tiny", .level = i % 3};

		for (int k = 0; k < 3; k++) {
			snprintf(how.set[0], sizeof how.set[0], "%s",
			    gbuf[k]);
			if (stepped_agrees(u, fn, (uint64_t)i, &how, &s))
				continue;
			/* a machine on which no tile fits says so */
			if (k == 1 && (strstr(u->last, "fit") != NULL ||
			    strstr(u->last, "are free") != NULL ||
			    strstr(u->last, "bytes needed") != NULL))
				continue;
			fail_msg("seed %d, %s: %s", i,
			    compile_name(u->arena, &how), u->last);
		}
	}
	print_message("%ld runs, %ld tiled, %ld elements, %ld open\n", s.runs,
	    s.tiled, s.elements, s.open);
	assert_true(s.tiled > 0 || seeds < 8);
	assert_true(s.open * 5 <= s.elements);
}

/* ---- states ---- */

/* Momentum on the weight of a convolution whose result is an output. */
static struct graph *
momentum(struct unit *u, uint64_t seed)
{
	struct draft d = start(u, seed);
	int64_t groups = between(&d, 1, 3), ci = between(&d, 1, 9);
	int64_t co = groups * between(&d, 1, 7), k = between(&d, 1, 3);
	int64_t xd[4] = {between(&d, 1, 3), groups * ci, between(&d, 4, 12),
	    between(&d, 4, 12)};
	int64_t wd[4] = {co, ci, k, k};
	struct value *w = state(&d, DT_F32, 4, wd), *wl, *v2, *in[4];
	struct value *v = state(&d, DT_F32, 4, wd);
	struct value *g = input(&d, d.t, 4, wd);
	struct value *x = input(&d, d.t, 4, xd);
	struct attr a = attr_make_int(ATTR_groups, groups);

	wl = build_unary(d.g, OP_identity, w, d.t, NULL);
	in[0] = x;
	in[1] = wl;
	graph_output(d.g, op(&d, OP_conv, in, 2, &a, 1), "y");
	in[0] = v;
	in[1] = build_scalar(d.g, DT_F32, 0.875);
	in[2] = g;
	v2 = op(&d, OP_fma, in, 3, NULL, 0);
	if (v2->type.dtype != DT_F32)
		v2 = build_unary(d.g, OP_identity, v2, DT_F32, NULL);
	in[0] = v2;
	in[1] = build_scalar(d.g, DT_F32, -0.125);
	in[2] = w;
	graph_assign(d.g, v, v2);
	graph_assign(d.g, w, op(&d, OP_fma, in, 3, NULL, 0));
	return d.g;
}

/* Two states change places, a third takes a transposed one, a fourth a
 * constant; one is handed out as it was. */
static struct graph *
exchange(struct unit *u, uint64_t seed)
{
	struct draft d = start(u, seed);
	int64_t n = between(&d, 3, 60), dim[2] = {n, n}, perm[2] = {1, 0};
	struct value *a = state(&d, d.t, 2, dim), *b = state(&d, d.t, 2, dim);
	struct value *c = state(&d, d.t, 2, dim), *e = state(&d, d.t, 2, dim);
	struct attr p = attr_make_ints(ATTR_perm, perm, 2);
	struct value *in[2] = {a, b};
	struct value *s = op(&d, OP_add, in, 2, NULL, 0);

	graph_assign(d.g, a, b);
	graph_assign(d.g, b, a);
	graph_assign(d.g, c, op(&d, OP_transpose, &a, 1, &p, 1));
	graph_assign(d.g, e, s);
	graph_output(d.g, e, "old");
	return d.g;
}

/* ---- weight gradients ---- */

static struct graph *
wgrad(struct unit *u, uint64_t seed)
{
	struct draft d = start(u, seed);
	int spatial = (int)between(&d, 1, 3), rank = 2 + spatial;
	int64_t groups = between(&d, 1, 10) > 6 ? between(&d, 2, 6) : 1;
	int64_t deep = groups > 1 && between(&d, 0, 1);
	int64_t xd[5], yd[5], k[3], st[3], dl[3], pb[3], pe[3];
	struct value *in[2], *y;
	struct attr a[6];

	xd[0] = yd[0] = between(&d, 1, 4);
	xd[1] = groups * (deep ? 1 : between(&d, 1, 9));
	yd[1] = groups * (deep ? 1 : between(&d, 1, 9));
	for (int i = 0; i < spatial; i++) {
		int64_t reach;

		k[i] = between(&d, 1, 3);
		st[i] = between(&d, 1, 2);
		dl[i] = between(&d, 1, 2);
		pb[i] = between(&d, 0, 2);
		pe[i] = between(&d, 0, 2);
		reach = (k[i] - 1) * dl[i] + 1;
		xd[2 + i] = reach + between(&d, 0, spatial > 2 ? 3 : 9);
		yd[2 + i] = (xd[2 + i] + pb[i] + pe[i] - reach) / st[i] + 1;
	}
	a[0] = attr_make_ints(ATTR_kernel, k, (size_t)spatial);
	a[1] = attr_make_ints(ATTR_strides, st, (size_t)spatial);
	a[2] = attr_make_ints(ATTR_dilations, dl, (size_t)spatial);
	a[3] = attr_make_ints(ATTR_pads_begin, pb, (size_t)spatial);
	a[4] = attr_make_ints(ATTR_pads_end, pe, (size_t)spatial);
	a[5] = attr_make_int(ATTR_groups, groups);
	in[0] = input(&d, d.t, rank, xd);
	in[1] = input(&d, between(&d, 0, 3) > 0 ? d.t : DT_F32, rank, yd);
	if (between(&d, 0, 1)) /* perhaps on chip */
		in[0] = op(&d, OP_neg, in, 1, NULL, 0);
	y = op(&d, OP_conv_wgrad, in, 2, a, 6);
	if (between(&d, 0, 1))
		y = op(&d, OP_abs, &y, 1, NULL, 0);
	graph_output(d.g, y, "dw");
	return d.g;
}

/* ---- pools ---- */

/* A pool, its index, and both gradients. */
static struct graph *
pools(struct unit *u, uint64_t seed)
{
	struct draft d = start(u, seed);
	int spatial = (int)between(&d, 1, 3), rank = 2 + spatial;
	int64_t xd[5], yd[5], k[3], st[3], dl[3], pb[3], pe[3];
	struct value *x, *in[2];
	struct attr a[6];

	xd[0] = yd[0] = between(&d, 1, 3);
	xd[1] = yd[1] = between(&d, 1, 20);
	for (int i = 0; i < spatial; i++) {
		int64_t reach;

		k[i] = between(&d, 1, 3);
		st[i] = between(&d, 1, 3);
		dl[i] = between(&d, 1, 5) == 1 ? 2 : 1;
		reach = (k[i] - 1) * dl[i] + 1;
		pb[i] = between(&d, 0, reach - 1);
		pe[i] = between(&d, 0, reach - 1);
		xd[2 + i] = reach + between(&d, 0, spatial > 2 ? 3 : 9);
		yd[2 + i] = (xd[2 + i] + pb[i] + pe[i] - reach) / st[i] + 1;
	}
	a[0] = attr_make_ints(ATTR_kernel, k, (size_t)spatial);
	a[1] = attr_make_ints(ATTR_strides, st, (size_t)spatial);
	a[2] = attr_make_ints(ATTR_dilations, dl, (size_t)spatial);
	a[3] = attr_make_ints(ATTR_pads_begin, pb, (size_t)spatial);
	a[4] = attr_make_ints(ATTR_pads_end, pe, (size_t)spatial);
	a[5] = attr_make_ints(ATTR_shape, xd, (size_t)rank);
	x = input(&d, d.t, rank, xd);
	in[0] = input(&d, d.t, rank, yd);
	if (between(&d, 0, 1)) {
		x = op(&d, OP_neg, &x, 1, NULL, 0);
		in[0] = op(&d, OP_neg, in, 1, NULL, 0);
	}
	graph_output(d.g, op(&d, OP_sum_pool_grad, in, 1, a, 6), "ds");
	in[1] = op(&d, OP_max_pool_index, &x, 1, a, 5);
	graph_output(d.g, op(&d, OP_max_pool_grad, in, 2, a, 6), "dm");
	if (between(&d, 0, 1))
		graph_output(d.g, in[1], "index");
	return d.g;
}

/* ---- quotients ---- */

/* Quotient and remainder of integers by a constant, mostly a power of two. */
static struct graph *
quotients(struct unit *u, uint64_t seed)
{
	static const enum dtype types[] = {DT_U8, DT_U16, DT_U32, DT_I32,
	    DT_I64, DT_U64};
	struct draft d = start(u, seed);
	enum dtype t = types[between(&d, 0, 5)];
	int64_t dim[2] = {between(&d, 1, 9), between(&d, 1, 70)};
	double y = between(&d, 0, 4) == 0 ? (double)between(&d, 0, 100) :
	    ldexp(1, (int)between(&d, 0, t == DT_U8 ? 7 : 15));
	struct value *in[2] = {input(&d, t, 2, dim), NULL};

	in[1] = build_scalar(d.g, t, y);
	graph_output(d.g, op(&d, OP_div, in, 2, NULL, 0), "quotient");
	in[0] = op(&d, OP_mod, in, 2, NULL, 0);
	graph_output(d.g, op(&d, OP_add, in, 2, NULL, 0), "remainder");
	return d.g;
}

/* ---- masks, random numbers, adjoints of data movement ---- */

static struct graph *
masks(struct unit *u, uint64_t seed)
{
	struct draft d = start(u, seed);
	int rank = (int)between(&d, 1, 4);
	int64_t dim[4], axis = between(&d, 0, rank - 1);
	struct attr a[3];
	struct value *in[2];
	double ratio = (double)between(&d, 1, 9) / 10;

	for (int i = 0; i < rank; i++)
		dim[i] = between(&d, 1, rank > 2 ? 12 : 60);
	if (between(&d, 0, 1))
		dim[axis] = 8 * between(&d, 1, 4);
	a[0] = attr_make_int(ATTR_axis, axis);
	in[0] = input(&d, d.t, rank, dim);
	in[0] = op(&d, OP_mask_pack, in, 1, a, 1);
	in[1] = input(&d, d.t, rank, dim);
	if (between(&d, 0, 1))
		graph_output(d.g, in[0], "bits");
	graph_output(d.g, op(&d, OP_mask_select, in, 2, a, 1), "y");
	a[0] = attr_make_float(ATTR_ratio, ratio);
	a[1] = attr_make_int(ATTR_seed, between(&d, 0, UINT32_MAX));
	a[2] = attr_make_int(ATTR_stream, between(&d, 0, 9));
	in[0] = in[1];
	in[1] = input(&d, DT_I64, 0, NULL);
	graph_output(d.g, op(&d, OP_dropout, in, 2, a, 3), "drop");
	a[0] = attr_make_ints(ATTR_shape, dim, (size_t)rank);
	graph_output(d.g, op(&d, OP_random_bits, &in[1], 1, a, 3), "words");
	return d.g;
}

static struct graph *
adjoints(struct unit *u, uint64_t seed)
{
	struct draft d = start(u, seed);
	int rank = (int)between(&d, 1, 4), axis;
	int64_t dim[5], out[4], from[4], step[4], n, wide;
	int64_t *rows;
	struct attr a[3];
	struct value *in[2];
	struct tensor_type t;

	for (int i = 0; i < rank; i++) {
		dim[i] = between(&d, 1, 9);
		step[i] = between(&d, 1, 3);
		from[i] = between(&d, 0, 2);
		out[i] = from[i] + (dim[i] - 1) * step[i] + 1 +
		    between(&d, 0, 2);
		if (between(&d, 0, 3) == 0) {
			from[i] += (dim[i] - 1) * step[i];
			step[i] = -step[i];
		}
	}
	a[0] = attr_make_ints(ATTR_starts, from, (size_t)rank);
	a[1] = attr_make_ints(ATTR_steps, step, (size_t)rank);
	a[2] = attr_make_ints(ATTR_shape, out, (size_t)rank);
	in[0] = input(&d, d.t, rank, dim);
	graph_output(d.g, op(&d, OP_slice_grad, in, 1, a, 3), "ds");
	axis = (int)between(&d, 0, rank - 1);
	wide = between(&d, 1, 12);
	n = dim[axis];
	rows = NEW_ARRAY(u->arena, int64_t, (size_t)n);
	for (int64_t i = 0; i < n; i++)
		rows[i] = between(&d, -wide, wide - 1);
	t = type_make(DT_I64, 1, &n);
	in[1] = graph_const(d.g, NULL, &t, rows);
	a[0] = attr_make_int(ATTR_axis, axis);
	a[1] = attr_make_int(ATTR_size, wide);
	graph_output(d.g, op(&d, OP_scatter_add, in, 2, a, 2), "da");
	return d.g;
}

static void
test_pools(void **state_)
{
	sweep(*state_, pools, 60);
}

static void
test_masks(void **state_)
{
	sweep(*state_, masks, 40);
}

static void
test_quotients(void **state_)
{
	sweep(*state_, quotients, 60);
}

static void
test_adjoints(void **state_)
{
	sweep(*state_, adjoints, 40);
}

static void
test_wgrad(void **state_)
{
	sweep(*state_, wgrad, 60);
}

static void
test_states(void **state_)
{
	sweep(*state_, momentum, 24);
	sweep(*state_, exchange, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_states),
		UNIT_TEST(test_wgrad),
		UNIT_TEST(test_pools),
		UNIT_TEST(test_quotients),
		UNIT_TEST(test_masks),
		UNIT_TEST(test_adjoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
