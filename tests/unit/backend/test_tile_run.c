/* Compiled tile programs on the simulator: outputs equal the sequential
 * meaning, the checker is content, and finds what was left out. */
#include "backend/tile.h"

#include <stdio.h>
#include <string.h>

#include "runtime/sim/sim.h"
#include "support/file.h"
#include "support/str.h"
#include "tests/lib/tile_gen.h"
#include "tests/lib/tile_hb.h"
#include "tests/lib/tile_run.h"

#define PROGRAMS 400
#define MUTATED 100

static void
run_random(struct unit *u, uint64_t seed, bool serial, int semaphores)
{
	struct arena *a = arena_new();
	struct wave_target t;
	struct tile_program *p;
	struct wave_program *code;
	const char *why = "";

	tile_gen_target(&t);
	p = tile_gen(a, &t, seed, 4 + (int)(seed % 24));
	if (semaphores > 0)
		t.semaphores = semaphores;
	code = tile_compile(u, p, serial);
	if (code != NULL && !tile_run_same(u, a, p, code, seed, &why))
		fail_msg("seed %d: %s", (int)seed, why);
	if (semaphores == 0)
		assert_non_null(code);
	arena_free(a);
}

static void
random_programs_compute_their_meaning(void **state)
{
	for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
		run_random(*state, seed, false, 0);
		run_random(*state, seed, true, 0);
		run_random(*state, seed, false, 6 + (int)(seed % 9));
	}
}

/* The smallest GBUF that the planner accepts, where addresses are reused
 * most. */
static void
tight_memory_computes_the_same(void **state)
{
	struct unit *u = *state;
	int tight = 0;

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
		struct arena *a = arena_new();
		struct wave_target t;
		struct tile_program *p;
		struct wave_program *code;
		const char *why = "";
		int64_t wide;

		tile_gen_target(&t);
		p = tile_gen(a, &t, seed, 4 + (int)(seed % 24));
		assert_true(tile_plan(p, &u->diag));
		wide = p->gbuf_used;
		for (t.gbuf_bytes = 64; !tile_plan(p, &u->diag);)
			t.gbuf_bytes += 64;
		assert_true(p->gbuf_used <= t.gbuf_bytes);
		tight += p->gbuf_used < wide;
		code = tile_compile(u, p, false);
		assert_non_null(code);
		if (!tile_run_same(u, a, p, code, seed, &why))
			fail_msg("seed %d: %s", (int)seed, why);
		arena_free(a);
	}
	print_message("%d programs got smaller\n", tight);
	assert_true(tight > 20);
}

/* ---- by hand ---- */

static struct tile_program *
read_program(struct unit *u, struct arena *a, const char *name)
{
	struct strbuf s = { 0 };
	struct tile_program *p;
	size_t size;
	char *text;

	if (!file_read(a, &u->diag, arena_printf(a,
		"tests/unit/backend/data/%s", name), 0, &text, &size))
		fail_msg("%s", u->last);
	p = tile_parse(a, &u->diag, name, text, size);
	if (p == NULL)
		fail_msg("%s", u->last);
	tile_print(&s, p);
	assert_string_equal(s.data, text);
	strbuf_free(&s);
	return p;
}

static void
all_sites_matter(struct unit *u, struct arena *a, struct hb *h,
    const struct wave_program *code)
{
	const struct hb_site *site[2];
	size_t n[2] = { hb_waits(h, &site[0]), hb_signals(h, &site[1]) };

	for (int kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < n[kind]; i++) {
			const struct hb_site *x = &site[kind][i];
			const char *why;
			assert_int_not_equal(hb_judge(h, x, false, &why),
			    HB_OK);
			assert_false(tile_run_clean(u, tile_without(a, code,
			    x->queue, x->pc)));
		}
	}
	print_message("%zu waits, %zu signals\n", n[0], n[1]);
}

static void
by_hand(struct unit *u, const char *name)
{
	for (int serial = 0; serial < 2; serial++) {
		struct arena *a = arena_new();
		struct tile_program *p = read_program(u, a, name);
		struct wave_program *code = tile_compile(u, p, serial);
		const char *why = "";
		struct hb *h;

		assert_non_null(code);
		if (!tile_run_same(u, a, p, code, 5, &why))
			fail_msg("%s: %s", name, why);
		h = hb_new(a, p, code);
		assert_int_equal(hb_judge(h, NULL, serial, &why), HB_OK);
		if (!serial)
			all_sites_matter(u, a, h, code);
		arena_free(a);
	}
}

static void
a_stream_through_three_loops(void **state)
{
	by_hand(*state, "stream.wtl");
}

static void
a_product_with_a_ring_of_weights(void **state)
{
	by_hand(*state, "gemm.wtl");
}

static void
an_odd_inner_loop(void **state)
{
	by_hand(*state, "odd.wtl");
}

/* Each group works on its slice of the bound tensors and in its own
 * temporaries. */
static void
groups_work_on_their_slices(void **state)
{
	struct unit *u = *state;
	struct tile_program *p = read_program(u, u->arena, "groups.wtl");
	struct sim_options o = { .check = true };
	float x[144], y[144];

	for (int i = 0; i < 144; i++)
		x[i] = (float)i - 70;
	for (int serial = 0; serial < 2; serial++) {
		struct wave_program *code = tile_compile(u, p, serial);
		struct device *dev;

		assert_non_null(code);
		dev = sim_open(code, &o, &u->diag);
		assert_non_null(dev);
		assert_true(dev->ops->write(dev, code->bindings[0].address, x,
		    sizeof x));
		if (!dev->ops->run(dev, "main", &u->diag))
			fail_msg("%s", u->last);
		assert_true(dev->ops->read(dev, code->bindings[1].address, y,
		    sizeof y));
		for (int i = 0; i < 144; i++)
			assert_true(y[i] == x[i] * x[i]);
		dev->ops->close(dev);
	}
}

/* ---- the checker's judgement and ours ---- */

/* Two independent judges of each program with one wait or signal left out. The
 * simulator's does not look into the banks that both matrix queues use, so
 * programs with both are left to the other one. */
static void
the_checker_agrees(void **state)
{
	struct unit *u = *state;
	unsigned long found = 0, idle = 0;

	for (uint64_t seed = 1; seed <= MUTATED; seed++) {
		struct arena *a = arena_new();
		struct wave_target t;
		const struct hb_site *site[2];
		struct tile_program *p;
		struct wave_program *code;
		const char *why;
		struct hb *h;
		size_t n[2];

		tile_gen_target(&t);
		p = tile_gen(a, &t, seed, 4 + (int)(seed % 24));
		code = tile_compile(u, p, false);
		assert_non_null(code);
		if (code->entries->count[Q_ML] > 1 &&
		    code->entries->count[Q_MX] > 1) {
			arena_free(a);
			continue;
		}
		h = hb_new(a, p, code);
		n[0] = hb_waits(h, &site[0]);
		n[1] = hb_signals(h, &site[1]);
		for (size_t i = 0; i < n[0] + n[1]; i++) {
			const struct hb_site *x = i < n[0] ? &site[0][i] :
			    &site[1][i - n[0]];
			bool ok = hb_judge(h, x, false, &why) == HB_OK;
			if (tile_run_clean(u, tile_without(a, code,
				x->queue, x->pc)) != ok)
				fail_msg("seed %d, %s %u: checker '%s', "
				    "here '%s'", (int)seed,
				    queue_name((enum queue)x->queue), x->pc,
				    u->last, why);
			found += !ok;
			idle += ok;
		}
		arena_free(a);
	}
	print_message("%lu found, %lu idle\n", found, idle);
	assert_true(found > 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(a_stream_through_three_loops),
		UNIT_TEST(a_product_with_a_ring_of_weights),
		UNIT_TEST(an_odd_inner_loop),
		UNIT_TEST(groups_work_on_their_slices),
		UNIT_TEST(random_programs_compute_their_meaning),
		UNIT_TEST(tight_memory_computes_the_same),
		UNIT_TEST(the_checker_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
