/* Planning, synchronisation and code generation against brute force. */
#include "backend/tile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sim/sim.h"
#include "tests/lib/tile_gen.h"
#include "tests/lib/tile_hb.h"
#include "tests/lib/tile_interp.h"
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

static struct device *
start(struct unit *u, const struct wave_program *code,
    const struct tile_program *p, struct tile_interp *meaning, uint64_t seed)
{
	struct sim_options o = { .check = true };
	struct device *dev = sim_open(code, &o, &u->diag);

	assert_non_null(dev);
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		float *in = (float *)(void *)tile_interp_data(meaning, b);
		if (b->role != ROLE_INPUT)
			continue;
		for (int64_t k = 0; k < b->bytes / 4; k++)
			in[k] = (float)(unit_random(&seed) >> 50) / 8192.0f -
			    1.0f;
		assert_true(dev->ops->write(dev, (uint64_t)b->address, in,
		    (size_t)b->bytes));
	}
	return dev;
}

static void
show_difference(uint64_t seed, const struct tile_buffer *b,
    const uint8_t *got, const uint8_t *want)
{
	int64_t i = 0;
	float x, y;

	while (memcmp(got + i, want + i, 4) == 0)
		i += 4;
	memcpy(&x, got + i, 4);
	memcpy(&y, want + i, 4);
	fail_msg("seed %d: %s at byte %d is %g, not %g", (int)seed,
	    b->bind_name, (int)i, (double)x, (double)y);
}

/* The simulator's outputs are those of the sequential meaning, to the bit, and
 * its checker has nothing to say. */
static void
same_outputs(struct unit *u, uint64_t seed, bool serial)
{
	struct wave_target t;
	struct arena *a = arena_new();
	struct tile_program *p;
	struct wave_program *code;
	struct tile_interp *meaning;
	struct device *dev;

	tile_gen_target(&t);
	p = tile_gen(a, &t, seed, 4 + (int)(seed % 24));
	code = compile(u, p, serial);
	assert_non_null(code);
	meaning = tile_interp_new(a, p);
	dev = start(u, code, p, meaning, seed + 99);
	tile_interp_run(meaning);
	if (!dev->ops->run(dev, "main", &u->diag))
		fail_msg("seed %d: %s", (int)seed, u->last);
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		uint8_t *got = arena_alloc(a, (size_t)b->bytes);
		if (b->role != ROLE_OUTPUT)
			continue;
		assert_true(dev->ops->read(dev, (uint64_t)b->address, got,
		    (size_t)b->bytes));
		if (memcmp(got, tile_interp_data(meaning, b),
			(size_t)b->bytes) != 0)
			show_difference(seed, b, got,
			    tile_interp_data(meaning, b));
	}
	dev->ops->close(dev);
	arena_free(a);
}

static void
simulator_computes_the_meaning(void **state)
{
	for (uint64_t seed = 1; seed <= 400; seed++) {
		same_outputs(*state, seed, false);
		same_outputs(*state, seed, true);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(normal_programs_are_ordered),
		UNIT_TEST(serial_programs_are_in_sequence),
		UNIT_TEST(simulator_computes_the_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
