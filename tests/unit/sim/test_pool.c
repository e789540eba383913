#include "runtime/sim/pool.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/unit.h"

struct count {
	unsigned char *hits;
	int64_t n, unit;
};

static void
mark(void *ctx, int64_t from, int64_t to)
{
	struct count *c = ctx;

	assert_true(from >= 0 && from < to && to <= c->n);
	assert_int_equal(from % c->unit, 0);
	assert_true(to % c->unit == 0 || to == c->n);
	for (int64_t i = from; i < to; i++)
		c->hits[i]++;
}

static void
covers_once(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 4; threads++) {
		struct pool *p = pool_new(threads);

		for (int64_t n = 0; n < 200; n++) {
			for (int64_t unit = 1; unit < 30; unit += 7) {
				unsigned char hits[200] = {0};
				struct count c = {hits, n, unit};

				if (n > 0)
					pool_run(p, n, unit, mark, &c);
				for (int64_t i = 0; i < n; i++)
					assert_int_equal(hits[i], 1);
			}
		}
		pool_free(p);
	}
}

static void
add(void *ctx, int64_t from, int64_t to)
{
	long *sum = ctx;

	for (int64_t i = from; i < to; i++)
		sum[i]++;
}

/* What one job wrote, the next one sees, also after a pause. */
static void
many_jobs(void **state)
{
	struct pool *p = pool_new(2);
	long sum[64] = {0};

	(void)state;
	for (int i = 0; i < 20000; i++)
		pool_run(p, 64, 1, add, sum);
	for (int i = 0; i < 64; i++)
		assert_int_equal(sum[i], 20000);
	pool_free(p);
}

static void
born_and_gone(void **state)
{
	(void)state;
	assert_null(pool_new(1));
	assert_null(pool_new(0));
	assert_null(pool_new(-3));
	pool_free(NULL);
	for (int i = 0; i < 200; i++)
		pool_free(pool_new(3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_once),
		cmocka_unit_test(many_jobs),
		cmocka_unit_test(born_and_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
