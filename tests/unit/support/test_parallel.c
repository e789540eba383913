/* Ranges that run at the same time: every element once, in whole units, and no
 * more of them than the work is worth. */
#include "support/parallel.h"

#include <pthread.h>
#include <string.h>

#include "tests/lib/unit.h"

struct seen {
	pthread_mutex_t lock;
	unsigned char count[5000];
	int64_t n, unit, shortest;
	int calls;
};

static void
see(void *ctx, int64_t from, int64_t to)
{
	struct seen *s = ctx;

	pthread_mutex_lock(&s->lock);
	assert_true(from < to && to <= s->n);
	assert_int_equal(from % s->unit, 0);
	assert_true(to == s->n || to % s->unit == 0);
	if (to < s->n && to - from < s->shortest)
		s->shortest = to - from;
	for (int64_t i = from; i < to; i++)
		s->count[i]++;
	s->calls++;
	pthread_mutex_unlock(&s->lock);
}

static void
ranges_are_all_once(void **state)
{
	static const int64_t sizes[] = {0, 1, 63, 64, 65, 1000, 4096, 5000};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int64_t unit = 1; unit <= 64; unit *= 8)
			for (int64_t least = 1; least < 9000; least *= 20) {
				struct seen s = {.n = sizes[i], .unit = unit,
				    .shortest = INT64_MAX};

				pthread_mutex_init(&s.lock, NULL);
				parallel_ranges(s.n, unit, least, see, &s);
				pthread_mutex_destroy(&s.lock);
				for (int64_t k = 0; k < 5000; k++)
					assert_int_equal(s.count[k],
					    k < s.n);
				assert_true(s.shortest >= least);
				if (least >= s.n)
					assert_in_range(s.calls, 0, 1);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(ranges_are_all_once),
	};

	return cmocka_run_group_tests_name("support/parallel", tests, NULL,
	    NULL);
}
