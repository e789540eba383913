#include "support/vec.h"

#include "tests/lib/unit.h"

static void
push_keeps_all(void **state)
{
	struct unit *u = *state;
	VEC(int) v = {0};

	for (int i = 0; i < 100000; i++) {
		VEC_PUSH(u->arena, &v, i * 3);
		assert_int_equal(v.len, i + 1);
		assert_true(v.cap >= v.len);
	}
	for (int i = 0; i < 100000; i++)
		assert_int_equal(v.data[i], i * 3);
}

/* Storage at least doubles, so that n pushes copy O(n) items. */
static void
growth_is_geometric(void **state)
{
	struct unit *u = *state;
	VEC(char) v = {0};
	size_t cap = 0;

	for (int i = 0; i < 5000; i++) {
		VEC_PUSH(u->arena, &v, 'x');
		if (v.cap != cap) {
			assert_true(v.cap >= 2 * cap);
			cap = v.cap;
		}
	}
}

static void
structs(void **state)
{
	struct unit *u = *state;
	struct pair {
		int a;
		double b;
	};
	VEC(struct pair) v = {0};

	for (int i = 0; i < 20; i++)
		VEC_PUSH(u->arena, &v, ((struct pair){i, i / 2.0}));
	assert_int_equal(v.data[19].a, 19);
	assert_true(v.data[19].b == 9.5);
}

struct growth {
	struct arena *arena;
	size_t cap;
};

static void
grow(void *arg)
{
	struct growth *g = arg;
	size_t cap = g->cap;

	vec_grow(g->arena, NULL, &cap, 0, 8);
}

static void
capacity_overflow(void **state)
{
	struct unit *u = *state;
	struct growth g[] = {
		{u->arena, SIZE_MAX        },
		{u->arena, SIZE_MAX / 2 + 1},
		{u->arena, SIZE_MAX / 2    },
		{u->arena, SIZE_MAX / 16   },
	};

	for (size_t i = 0; i < sizeof g / sizeof *g; i++)
		assert_true(unit_runs_out(grow, &g[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(push_keeps_all),
		UNIT_TEST(growth_is_geometric),
		UNIT_TEST(structs),
		UNIT_TEST(capacity_overflow),
	};

	return cmocka_run_group_tests_name("support/vec", tests, NULL, NULL);
}
