/* The error bounds: operands moved within their errors, and device-like f32
 * arithmetic in random order, must stay within them; and the bounds must not
 * be so wide that they would hide a fault. */
#include "ir/eval.h"

#include <math.h>
#include <string.h>

#include "tests/lib/unit.h"
#include "tests/lib/vectors.h"

#define FILE_NAME "tests/unit/ir/data/eval.bin.gz"

static double
uniform(uint64_t *seed)
{
	return (double)(unit_random(seed) >> 11) * 0x1p-53 * 2 - 1;
}

static double
element(const struct eval_tensor *t, int64_t i)
{
	return dtype_get(t->data, t->type.dtype, (size_t)i);
}

/* v as the device stores it in t. */
static double
stored(enum dtype t, double v)
{
	char cell[8];

	dtype_set(cell, t, 0, v);
	return dtype_get(cell, t, 0);
}

/* x with errors, and the same operand moved within them, held in f64. How
 * far: a relative size for all, at random, to the ends, or all one way. */
static void
perturb(struct arena *a, struct eval_tensor *x, struct eval_tensor *moved,
    int way, double size, uint64_t *seed)
{
	int64_t n = type_elems(&x->type);
	double *v = NEW_ARRAY(a, double, (size_t)n + 1);

	*moved = *x;
	if (!dtype_is_float(x->type.dtype))
		return;
	x->bound = NEW_ARRAY(a, double, (size_t)n + 1);
	for (int64_t i = 0; i < n; i++) {
		double u = way == 0   ? uniform(seed)
			   : way == 1 ? (uniform(seed) < 0 ? -1 : 1)
				      : 3 - 2 * (way - 1);

		v[i] = element(x, i);
		if (!isfinite(v[i]))
			continue;
		x->bound[i] = size * (fabs(v[i]) + 0.01) * 1.001;
		v[i] = stored(x->type.dtype, v[i] + u * x->bound[i] / 1.001);
		x->bound[i] = fmax(x->bound[i], fabs(v[i] - element(x, i)));
	}
	moved->type.dtype = DT_F64;
	moved->data = v;
}

/* Largest |device - reference| / bound seen, per op. */
struct ratios {
	double worst[OP_COUNT];
	size_t finite[OP_COUNT], all[OP_COUNT];
};

static void
check(const char *what, enum op op, const struct eval_tensor *want,
    const double *bound, const struct eval_tensor *got, struct ratios *r)
{
	enum dtype t = want->type.dtype;

	for (int64_t i = 0; i < type_elems(&want->type); i++) {
		double w = element(want, i), g = element(got, i), ratio;

		if (dtype_is_float(t))
			g = stored(t, g);
		r->all[op]++;
		if (!eval_within(w, g, bound[i]))
			fail_msg("%s: element %lld: reference %.9g, device "
				 "%.9g, difference %g, bound %g",
			    what, (long long)i, w, g, fabs(g - w), bound[i]);
		if (isinf(bound[i]) || isnan(w))
			continue;
		r->finite[op]++;
		ratio = bound[i] > 0 && w != g ? fabs(g - w) / bound[i] : 0;
		if (ratio > r->worst[op])
			r->worst[op] = ratio;
	}
}

static void
perturb_case(struct unit *u, const struct vector *v, int way, double size,
    struct ratios *r, uint64_t *seed)
{
	struct arena *a = arena_new();
	struct eval_tensor x[VECTOR_OPERANDS], moved[VECTOR_OPERANDS];
	struct eval_options ref = {.round = true}, dev = {.round = false};
	struct eval_tensor want, got;
	double *bound = NULL;
	size_t n = 0;

	for (int i = 0; i < VECTOR_OPERANDS; i++) {
		if (i >= v->node->nin || v->node->in[i] == NULL ||
		    v->node->in[i]->kind != VALUE_INPUT)
			continue;
		x[n] = v->in[i];
		perturb(a, &x[n], &moved[n], way, size, seed);
		n++;
	}
	if (!eval_graph(a, &u->diag, v->graph, &ref, x, &want, &bound) ||
	    !eval_graph(a, &u->diag, v->graph, &dev, moved, &got, NULL))
		fail_msg("%s: %s", v->label, u->last);
	check(v->label, v->op, &want, bound, &got, r);
	arena_free(a);
}

/* Bounds far from what worst-case operands do would hide faults. */
static void
report(const char *what, const struct ratios *r, double least)
{
	for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
		if (r->all[op] == 0)
			continue;
		print_message("%s %-20s worst ratio %.3f, finite %3.0f %%\n",
		    what, op_info(op)->name, r->worst[op],
		    100 * (double)r->finite[op] / (double)r->all[op]);
		if (r->finite[op] == 0)
			fail_msg("%s: no finite bound", op_info(op)->name);
		if (r->worst[op] > 0 && r->worst[op] < least)
			fail_msg("%s: bounds too wide", op_info(op)->name);
	}
}

static void
moved_operands(void **state)
{
	static const double sizes[] = {0x1p-6, 0x1p-11, 0x1p-18};
	struct unit *u = *state;
	struct ratios *r = NEW(u->arena, struct ratios);
	size_t count = 0;
	uint64_t seed = 12345;
	struct vector *v = vectors_read(u->arena, &u->diag, FILE_NAME, &count);

	if (v == NULL)
		fail_msg("%s", u->last);
	for (size_t i = 0; i < count; i++) {
		for (int way = 0; way < 4; way++)
			perturb_case(u, &v[i], way,
			    sizes[(i + (size_t)way) % 3], r, &seed);
	}
	report("moved", r, 0.05);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(moved_operands),
	};

	return cmocka_run_group_tests_name("ir/eval_bounds", tests, NULL, NULL);
}
