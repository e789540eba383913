/* Synchronisation and code of random tile programs against brute force: every
 * execution, every byte, every order. */
#include "backend/tile.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/tile_gen.h"
#include "tests/lib/tile_hb.h"
#include "tests/lib/tile_run.h"

#define PROGRAMS 400

/* What happened to the waits and signals that were left out one by one. */
struct tally {
	unsigned long waits, idle, signals;
};

static void
leave_out_each(struct hb *h, bool serial, uint64_t seed, struct tally *t)
{
	const struct hb_site *site;
	const char *why;
	size_t n = hb_waits(h, &site);

	for (size_t i = 0; i < n; i++)
		t->idle += hb_judge(h, &site[i], serial, &why) == HB_OK;
	t->waits += n;
	n = hb_signals(h, &site);
	for (size_t i = 0; i < n; i++) {
		if (hb_judge(h, &site[i], serial, &why) == HB_OK)
			fail_msg("seed %d: a signal is idle", (int)seed);
	}
	t->signals += n;
}

/* semaphores: 0 for as many as the program wants. */
static void
judge(struct unit *u, uint64_t seed, bool serial, int semaphores,
    struct tally *tally)
{
	struct arena *a = arena_new();
	struct wave_target t;
	struct tile_program *p;
	struct wave_program *code;
	const char *why;
	struct hb *h;

	tile_gen_target(&t);
	p = tile_gen(a, &t, seed, 4 + (int)(seed % 24));
	if (semaphores > 0)
		t.semaphores = semaphores;
	code = tile_compile(u, p, serial);
	if (code == NULL && semaphores > 0) {
		assert_non_null(strstr(u->last, "too many"));
		arena_free(a);
		return;
	}
	assert_non_null(code);
	h = hb_new(a, p, code);
	if (hb_judge(h, NULL, serial, &why) != HB_OK)
		fail_msg("seed %d: %s", (int)seed, why);
	if (tally != NULL && semaphores == 0)
		leave_out_each(h, serial, seed, tally);
	else if (tally != NULL)
		tally->waits++;
	arena_free(a);
}

/* Every required order follows from the code. Each signal is needed. A wait may
 * be idle where the analysis cannot know: it takes the accesses of a nest as
 * boxes and counts on the last iteration of a loop only; these programs with
 * their arbitrary strides are full of such cases. */
static void
normal_programs_are_ordered(void **state)
{
	struct tally t = { 0, 0, 0 };

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++)
		judge(*state, seed, false, 0, &t);
	print_message("%lu waits left out, %lu idle; %lu signals\n", t.waits,
	    t.idle, t.signals);
	assert_true(t.waits > 4000 && t.signals > 3000);
	assert_true(t.idle * 25 < t.waits);
}

static void
serial_programs_are_in_sequence(void **state)
{
	struct tally t = { 0, 0, 0 };

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++)
		judge(*state, seed, true, 0, &t);
	print_message("%lu waits left out, %lu idle; %lu signals\n", t.waits,
	    t.idle, t.signals);
	assert_true(t.waits > 4000 && t.idle * 50 < t.waits);
}

/* With few semaphores bodies share them. */
static void
shared_semaphores_keep_order(void **state)
{
	struct tally t = { 0, 0, 0 };

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
		int n = 6 + (int)(seed % 9);
		judge(*state, seed, false, n, &t);
		judge(*state, seed, true, n, &t);
	}
	print_message("%lu programs fit\n", t.waits);
	assert_true(t.waits > PROGRAMS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(normal_programs_are_ordered),
		UNIT_TEST(serial_programs_are_in_sequence),
		UNIT_TEST(shared_semaphores_keep_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
