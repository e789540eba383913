/* wrap: calloc */
#include "support/arena.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/unit.h"

/* calloc fails when this has counted down to 0; negative: never. */
static int calls_left = -1;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	if (calls_left == 0)
		return NULL;
	if (calls_left > 0)
		calls_left--;
	return __real_calloc(n, size);
}

static void
zeroed_aligned_disjoint(void **state)
{
	struct unit *u = *state;
	enum { N = 3000 };
	static unsigned char *p[N];
	static size_t size[N];
	uint64_t seed = 1;

	for (int i = 0; i < N; i++) {
		/* mostly small, some as large as a chunk and larger */
		size[i] = (size_t)(unit_random(&seed) %
		    (i % 100 == 0 ? 200000 : 300));
		p[i] = arena_alloc(u->arena, size[i]);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(p[i][k], 0);
		memset(p[i], i & 0xff, size[i]);
	}
	for (int i = 0; i < N; i++) {
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(p[i][k], i & 0xff);
	}
}

static void
used_counts(void **state)
{
	struct unit *u = *state;
	size_t before = arena_used(u->arena);

	arena_alloc(u->arena, 100);
	assert_in_range(arena_used(u->arena) - before, 100, 128);
	before = arena_used(u->arena);
	arena_alloc(u->arena, 1000000);
	assert_in_range(arena_used(u->arena) - before, 1000000, 1000032);
}

static void
empty_objects_differ(void **state)
{
	struct unit *u = *state;

	assert_ptr_not_equal(arena_alloc(u->arena, 0),
	    arena_alloc(u->arena, 0));
}

static void
copies(void **state)
{
	struct unit *u = *state;
	static const char text[] = "a longer text than n";
	char *p;

	assert_string_equal(arena_strdup(u->arena, text), text);
	assert_string_equal(arena_strdup(u->arena, ""), "");
	assert_string_equal(arena_strndup(u->arena, text, 8), "a longer");
	assert_string_equal(arena_strndup(u->arena, text, 1000), text);
	p = arena_memdup(u->arena, text, sizeof text);
	assert_memory_equal(p, text, sizeof text);
	assert_non_null(arena_memdup(u->arena, NULL, 0));
	p = arena_printf(u->arena, "%s-%d-%1000d", "x", 7, 1);
	assert_int_equal(strlen(p), 4 + 1000);
	assert_memory_equal(p, "x-7-   ", 7);
}

static void
free_null(void **state)
{
	(void)state;
	arena_free(NULL);
}

struct request {
	struct arena *arena;
	size_t count, size;
};

static void
take(void *arg)
{
	struct request *r = arg;

	arena_calloc(r->arena, r->count, r->size);
}

static void
sizes_overflow(void **state)
{
	struct unit *u = *state;
	struct request r[] = {
		{u->arena, SIZE_MAX,         1          },
		{u->arena, SIZE_MAX - 15,    1          },
		{u->arena, PTRDIFF_MAX,      1          },
		{u->arena, SIZE_MAX / 2 + 1, 2          },
		{u->arena, 2,                SIZE_MAX   },
		{u->arena, (size_t)1 << 32,  (size_t)1 << 32},
	};

	for (size_t i = 0; i < sizeof r / sizeof *r; i++)
		assert_true(unit_runs_out(take, &r[i]));
	assert_null(arena_try_alloc(u->arena, SIZE_MAX));
	assert_null(arena_try_alloc(u->arena, PTRDIFF_MAX));
	r[0].count = 0;
	assert_false(unit_runs_out(take, &r[0]));
}

static void
one_new(void *arg)
{
	*(struct arena **)arg = arena_new();
}

/* Every calloc may fail, and the arena stays whole. */
static void
each_failure(void **state)
{
	struct unit *u = *state;
	struct arena *a = NULL;
	struct request small = {u->arena, 1, 40000}, big = {u->arena, 1, 99999};

	calls_left = 0;
	assert_true(unit_runs_out(one_new, &a));
	assert_null(a);
	assert_true(unit_runs_out(take, &small));
	assert_true(unit_runs_out(take, &big));
	assert_null(arena_try_alloc(u->arena, 40000));
	calls_left = -1;
	assert_int_equal(arena_used(u->arena), 0);
	memset(arena_alloc(u->arena, 40000), 1, 40000);
	memset(arena_alloc(u->arena, 16), 1, 16);
	assert_non_null(arena_try_alloc(u->arena, 40000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(zeroed_aligned_disjoint),
		UNIT_TEST(used_counts),
		UNIT_TEST(empty_objects_differ),
		UNIT_TEST(copies),
		UNIT_TEST(free_null),
		UNIT_TEST(sizes_overflow),
		UNIT_TEST(each_failure),
	};

	return cmocka_run_group_tests_name("support/arena", tests, NULL, NULL);
}
