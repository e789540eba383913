/* Scores of outputs against labels and targets. */
#include "runtime/score.h"

#include <math.h>
#include <string.h>

#include "support/dtype.h"
#include "tests/lib/unit.h"

static void
classes(void **state)
{
	float o[12] = {1, 3, 2, 0, 0, 0, NAN, -5, -6, 9, 9, 9};
	int64_t y[4] = {1, 1, 1, 0};
	struct npy output = {.dtype = DT_F32, .rank = 2, .dim = {4, 3},
	    .data = o};
	struct npy labels = {.dtype = DT_I64, .rank = 1, .dim = {4},
	    .data = y};
	struct score s = {0};
	double want;

	(void)state;
	assert_true(score_fits(&output, &labels));
	assert_true(isnan(score_accuracy(&s)));
	assert_int_equal(score_answer(&output, 0, 3, 1), 1);
	assert_int_equal(score_answer(&output, 6, 3, 1), 1);
	score_add(&s, &output, &labels, 2);
	assert_int_equal(s.right, 1); /* equal scores: the first is said */
	assert_int_equal(s.answers, 2);
	want = (log(exp(1) + exp(3) + exp(2)) - 3 + log(3)) / 2;
	assert_true(fabs(score_loss(&s) - want) < 1e-12);
	score_add(&s, &output, &labels, 4);
	assert_int_equal(s.right, 1 + 3);
	assert_true(score_accuracy(&s) == 4.0 / 6);
	labels.dim[0] = 3;
	assert_false(score_fits(&output, &labels));
}

static void
probabilities(void **state)
{
	float o[6] = {0.25f, 0.5f, 0.25f, 0, 1, 0};
	int64_t y[2] = {1, 0};
	struct npy output = {.dtype = DT_F32, .rank = 2, .dim = {2, 3},
	    .data = o};
	struct npy labels = {.dtype = DT_I64, .rank = 1, .dim = {2},
	    .data = y};
	struct score s = {.probabilities = true};

	(void)state;
	score_add(&s, &output, &labels, 1);
	assert_true(score_loss(&s) == log(2));
	score_add(&s, &output, &labels, 2);
	assert_int_equal(s.right, 2);
	assert_true(fabs(score_loss(&s) - (2 + 126) * log(2) / 3) < 1e-12);
}

/* Labels that depend on a place: the classes lie along dimension 1. */
static void
places(void **state)
{
	float o[8] = {1, 5, 2, 4, -1, -1, 0, -2}; /* [2, 2, 2] */
	int64_t y[4] = {1, 0, 1, 1};
	struct npy output = {.dtype = DT_F32, .rank = 3, .dim = {2, 2, 2},
	    .data = o};
	struct npy labels = {.dtype = DT_I64, .rank = 2, .dim = {2, 2},
	    .data = y};
	struct score s = {0};

	(void)state;
	assert_true(score_fits(&output, &labels));
	score_add(&s, &output, &labels, 2);
	assert_int_equal(s.answers, 4);
	assert_int_equal(s.right, 3);
}

static void
targets(void **state)
{
	float o[4] = {1, 2, 3, 4}, y[4] = {1, 0, 3, 9};
	struct npy output = {.dtype = DT_F32, .rank = 2, .dim = {2, 2},
	    .data = o};
	struct npy wanted = output;
	struct score s = {0};

	(void)state;
	wanted.data = y;
	assert_true(score_fits(&output, &wanted));
	score_add(&s, &output, &wanted, 1);
	assert_true(score_loss(&s) == 2);
	assert_true(isnan(score_accuracy(&s)));
	score_add(&s, &output, &wanted, 2);
	assert_true(score_loss(&s) == (4 + 4 + 25) / 6.0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(classes),
		UNIT_TEST(probabilities),
		UNIT_TEST(places),
		UNIT_TEST(targets),
	};

	return cmocka_run_group_tests_name("runtime/score", tests, NULL, NULL);
}
