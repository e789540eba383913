/* Planning, synchronisation and code generation against brute force. */
#include "backend/tile.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/tile_gen.h"
#include "tests/lib/tile_hb.h"
#include "tests/lib/unit.h"

static struct wave_program *
compile(struct unit *u, struct tile_program *p, bool serial)
{
	struct tile_syncs syncs;

	assert_true(tile_verify(p, &u->diag, "gen"));
	assert_true(tile_plan(p, &u->diag));
	assert_true(tile_verify(p, &u->diag, "plan"));
	assert_true(tile_sync(p, &u->diag, serial, &syncs));
	return tile_codegen(p, &u->diag, &syncs);
}

/* Every required order follows from the code, for random programs. */
static void
orders(struct unit *u, bool serial)
{
	unsigned long idle = 0, waits = 0;

	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct arena *a = arena_new();
		struct wave_target t;
		struct tile_program *p;
		struct wave_program *code;
		const struct hb_site *site;
		const char *why;
		struct hb *h;
		size_t n;

		tile_gen_target(&t);
		p = tile_gen(a, &t, seed, 4 + (int)(seed % 24));
		code = compile(u, p, serial);
		assert_non_null(code);
		h = hb_new(a, p, code);
		if (hb_judge(h, NULL, serial, &why) != HB_OK)
			fail_msg("seed %d: %s", (int)seed, why);
		n = hb_waits(h, &site);
		for (size_t i = 0; i < n; i++) {
			waits++;
			if (hb_judge(h, &site[i], serial, &why) == HB_OK) {
				idle++;
				if (getenv("SHOW"))
					printf("seed %d size %zu: wait %s %u idle\n", (int)seed, hb_size(h), queue_name((enum queue)site[i].queue), site[i].pc);
			}
		}
		n = hb_signals(h, &site);
		for (size_t i = 0; i < n; i++) {
			if (hb_judge(h, &site[i], serial, &why) == HB_OK)
				fail_msg("seed %d: a signal is idle",
				    (int)seed);
		}
		arena_free(a);
	}
	printf("%lu waits, %lu idle\n", waits, idle);
}

static void
normal_programs_are_ordered(void **state)
{
	orders(*state, false);
}

static void
serial_programs_are_in_sequence(void **state)
{
	orders(*state, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(normal_programs_are_ordered),
		UNIT_TEST(serial_programs_are_in_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
