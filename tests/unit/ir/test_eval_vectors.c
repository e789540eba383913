/* The reference evaluator against results of outside frameworks. */
#include "ir/eval.h"

#include <math.h>
#include <string.h>

#include "tests/lib/unit.h"
#include "tests/lib/vectors.h"

#define FILE_NAME "tests/unit/ir/data/eval.bin.gz"

/* Both sides compute in double and round once, so they differ by at most one
 * rounding: 1 ulp, and what double leaves on the scale of the tensor. */
static double
tolerance(enum dtype t, double want, double scale)
{
	double floor_of = t == DT_F16 ? 0x1p-24 : t == DT_F64 ? 0 : 0x1p-133;

	return dtype_eps(t) * fabs(want) + floor_of + 1e-13 * scale;
}

static double
largest(const struct eval_tensor *t)
{
	double m = 0;

	for (int64_t i = 0; i < type_elems(&t->type); i++) {
		double v = fabs(dtype_get(t->data, t->type.dtype, (size_t)i));

		if (isfinite(v) && v > m)
			m = v;
	}
	return m;
}

static void
compare(const struct vector *v, const struct eval_tensor *got)
{
	enum dtype t = v->want.type.dtype;
	double scale = largest(&v->want);
	char a[TYPE_STR_MAX], b[TYPE_STR_MAX];

	if (!type_equal(&got->type, &v->want.type))
		fail_msg("%s: result %s, not %s", v->label,
		    type_str(&got->type, a, sizeof a),
		    type_str(&v->want.type, b, sizeof b));
	for (int64_t i = 0; i < type_elems(&got->type); i++) {
		double x = dtype_get(got->data, t, (size_t)i);
		double y = dtype_get(v->want.data, t, (size_t)i);
		double limit = tolerance(t, y, scale);

		if (!dtype_is_float(t)) {
			size_t n = dtype_size(t);

			if (memcmp((const char *)got->data + (size_t)i * n,
				(const char *)v->want.data + (size_t)i * n,
				n) != 0)
				fail_msg("%s: element %lld is %.17g, not %.17g",
				    v->label, (long long)i, x, y);
		} else if (!eval_within(y, x, limit)) {
			fail_msg("%s: element %lld is %.17g, not %.17g",
			    v->label, (long long)i, x, y);
		}
	}
}

static void
all_cases(void **state)
{
	struct unit *u = *state;
	size_t count = 0, cases[OP_COUNT] = {0};
	struct vector *v = vectors_read(u->arena, &u->diag, FILE_NAME, &count);

	if (v == NULL)
		fail_msg("%s", u->last);
	for (size_t i = 0; i < count; i++) {
		struct eval_tensor out[MAX_RESULTS];

		if (!eval_node(u->arena, &u->diag, v[i].node, v[i].in, out))
			fail_msg("%s: %s", v[i].label, u->last);
		compare(&v[i], &out[0]);
		cases[v[i].op]++;
	}
	for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
		if (cases[op] == 0)
			fail_msg("no case of %s", op_info(op)->name);
	}
	print_message("%zu cases of %d ops\n", count, OP_COUNT - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(all_cases),
	};

	return cmocka_run_group_tests_name(
	    "ir/eval_vectors", tests, NULL, NULL);
}
