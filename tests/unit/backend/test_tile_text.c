/* The text form: print, parse, print gives the same bytes; errors name the line
 * and column. */
#include "backend/tile.h"

#include <string.h>

#include "support/str.h"
#include "tests/lib/tile_gen.h"
#include "tests/lib/unit.h"

static void
same_again(struct unit *u, const struct tile_program *p)
{
	struct strbuf one = { 0 }, two = { 0 };
	struct tile_program *q;

	tile_print(&one, p);
	q = tile_parse(u->arena, &u->diag, "text", one.data, one.len);
	if (q == NULL)
		fail_msg("%s", u->last);
	tile_print(&two, q);
	assert_string_equal(one.data, two.data);
	assert_true(tile_verify(q, &u->diag, "parse"));
	strbuf_free(&one);
	strbuf_free(&two);
}

static void
random_programs_round_trip(void **state)
{
	struct unit *u = *state;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct wave_target t;
		struct tile_program *p;

		tile_gen_target(&t);
		t.clock_hz = 1.5e9 / (double)seed;
		p = tile_gen(u->arena, &t, seed, 20);
		same_again(u, p);
		assert_true(tile_plan(p, &u->diag));
		same_again(u, p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(random_programs_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
