/* Bounds of ops that are linear in operand 0: the weights are taken from the
 * op itself, one unit operand after the other, and rounded to f32; the
 * device's result is their sum of products in f32 and random order. */
#include "ir/eval.h"

#include <math.h>
#include <string.h>

#include "tests/lib/unit.h"
#include "tests/lib/vectors.h"

#define FILE_NAME "tests/unit/ir/data/eval.bin.gz"
#define LARGEST   300 /* elements of operand 0 */

static bool
is_linear(const struct vector *v)
{
	switch (v->op) {
	case OP_conv:
	case OP_conv_transpose:
	case OP_matmul: return node_int(v->node, ATTR_act) == ACT_NONE;
	case OP_gemm:
	case OP_avg_pool:
	case OP_sum_pool:
	case OP_channel_sum: return true;
	case OP_resize: return node_int(v->node, ATTR_mode) != 0;
	case OP_reduce_sum:
	case OP_reduce_mean: return dtype_is_float(v->want.type.dtype);
	default: return false;
	}
}

/* The op in double, operand 0 replaced by x. */
static const double *
exact(struct unit *u, struct arena *a, const struct vector *v, const double *x)
{
	struct eval_options opt = {.round = false};
	struct eval_tensor in[VECTOR_OPERANDS], out;
	int n = 0;

	for (int i = 0; i < v->node->nin; i++) {
		if (v->node->in[i] != NULL)
			in[n++] = v->in[i];
	}
	in[0].type.dtype = DT_F64;
	memcpy(&in[0].data, &x, sizeof x);
	if (!eval_graph(a, &u->diag, v->graph, &opt, in, &out, NULL))
		fail_msg("%s: %s", v->label, u->last);
	return out.data;
}

/* A random tree over n terms, in f32. */
static float
sum(float *t, size_t n, uint64_t *seed)
{
	for (; n > 1; n--) {
		size_t i = (size_t)(unit_random(seed) % n);
		float s = t[i];

		t[i] = t[n - 1];
		t[unit_random(seed) % (n - 1)] += s;
	}
	return n == 1 ? t[0] : 0;
}

/* Result element k as a device computes it: sum of w x, then the constant
 * part (bias, residual). */
static double
device(const double *const *w, const double *x, size_t nx, const double *zero,
    size_t k, enum dtype t, uint64_t *seed)
{
	float term[LARGEST];
	size_t n = 0;
	char cell[8];

	for (size_t i = 0; i < nx; i++) {
		double weight = w[i][k] - zero[k];

		if (fabs(weight) > 1e-14)
			term[n++] = (float)weight * (float)x[i];
	}
	dtype_set(cell, t, 0, (double)(sum(term, n, seed) + (float)zero[k]));
	return dtype_get(cell, t, 0);
}

static double
one_case(struct unit *u, const struct vector *v, uint64_t *seed)
{
	struct arena *a = arena_new();
	size_t nx = (size_t)type_elems(&v->in[0].type);
	size_t ny = (size_t)type_elems(&v->want.type);
	enum dtype t = v->want.type.dtype;
	double *x = NEW_ARRAY(a, double, nx + 1), *bound = NULL, worst = 0;
	const double **w = NEW_ARRAY(a, const double *, nx + 1), *zero;
	struct eval_options opt = {.round = true};
	struct eval_tensor in[VECTOR_OPERANDS], out;
	int n = 0;

	zero = exact(u, a, v, x);
	for (size_t i = 0; i < nx; i++) {
		x[i] = 1;
		w[i] = exact(u, a, v, x);
		x[i] = 0;
	}
	for (int i = 0; i < v->node->nin; i++) {
		if (v->node->in[i] != NULL)
			in[n++] = v->in[i];
	}
	if (!eval_graph(a, &u->diag, v->graph, &opt, in, &out, &bound))
		fail_msg("%s: %s", v->label, u->last);
	for (size_t i = 0; i < nx; i++)
		x[i] = dtype_get(v->in[0].data, v->in[0].type.dtype, i);
	for (size_t k = 0; k < ny; k++) {
		double want = dtype_get(out.data, t, k);
		double got = device(w, x, nx, zero, k, t, seed);

		if (!eval_within(want, got, bound[k]))
			fail_msg("%s: element %zu: %.9g, device %.9g, bound %g",
			    v->label, k, want, got, bound[k]);
		assert_true(isfinite(bound[k]));
		if (want != got)
			worst = fmax(worst, fabs(want - got) / bound[k]);
	}
	arena_free(a);
	return worst;
}

static void
linear_ops(void **state)
{
	struct unit *u = *state;
	size_t count = 0, tried[OP_COUNT] = {0};
	double worst[OP_COUNT] = {0};
	uint64_t seed = 4711;
	struct vector *v = vectors_read(u->arena, &u->diag, FILE_NAME, &count);

	if (v == NULL)
		fail_msg("%s", u->last);
	for (size_t i = 0; i < count; i++) {
		double r;

		/* 16 bits: the one ulp is all of the bound */
		if (!is_linear(&v[i]) || v[i].want.type.dtype != DT_F32 ||
		    type_elems(&v[i].in[0].type) > LARGEST)
			continue;
		r = one_case(u, &v[i], &seed);
		worst[v[i].op] = fmax(worst[v[i].op], r);
		tried[v[i].op]++;
	}
	for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
		if (tried[op] == 0)
			continue;
		print_message("%-16s %3zu cases, worst ratio %.3f\n",
		    op_info(op)->name, tried[op], worst[op]);
		assert_true(worst[op] > 0.01);
	}
	assert_true(tried[OP_conv] >= 5 && tried[OP_resize] >= 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(linear_ops),
	};

	return cmocka_run_group_tests_name("ir/eval_linear", tests, NULL, NULL);
}
