#include "tests/lib/tile_run.h"

#include <string.h>

#include "runtime/sim/sim.h"
#include "tests/lib/tile_interp.h"

struct wave_program *
tile_compile(struct unit *u, struct tile_program *p, bool serial)
{
	struct tile_syncs syncs;

	if (!tile_verify(p, &u->diag, "test") || !tile_plan(p, &u->diag) ||
	    !tile_verify(p, &u->diag, "plan") ||
	    !tile_sync(p, &u->diag, serial, &syncs))
		return NULL;
	return tile_codegen(p, &u->diag, &syncs);
}

static struct device *
open_checked(struct unit *u, const struct wave_program *code)
{
	struct sim_options o = { .check = true };
	struct device *dev = sim_open(code, &o, &u->diag);

	if (dev == NULL)
		ice("tile_run", "%s", u->last);
	return dev;
}

/* The same numbers for the device and for the meaning. */
static void
fill_inputs(struct device *dev, const struct tile_program *p,
    struct tile_interp *meaning, uint64_t seed)
{
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		float *in = (float *)(void *)tile_interp_data(meaning, b);
		if (b->role != ROLE_INPUT)
			continue;
		for (int64_t k = 0; k < b->bytes / 4; k++)
			in[k] = (float)(unit_random(&seed) >> 50) / 8192.0f -
			    1.0f;
		dev->ops->write(dev, (uint64_t)b->address, in,
		    (size_t)b->bytes);
	}
}

static bool
same_bytes(struct arena *a, const struct tile_buffer *b, const uint8_t *got,
    const uint8_t *want, const char **why)
{
	float x, y;

	for (int64_t i = 0; i < b->bytes; i += 4) {
		if (memcmp(got + i, want + i, 4) == 0)
			continue;
		memcpy(&x, got + i, 4);
		memcpy(&y, want + i, 4);
		*why = arena_printf(a, "%s at byte %d is %g, not %g",
		    b->bind_name, (int)i, (double)x, (double)y);
		return false;
	}
	return true;
}

/* What is known of the cost beforehand is what the run has counted. */
static bool
same_cost(struct arena *a, const struct tile_program *p,
    const struct sim_stats *s, const char **why)
{
	struct tile_cost c = tile_cost(p);
	double dram = 0, array = (double)s->total.steady / p->groups;

	for (int i = 0; i < TRAFFIC_COUNT; i++)
		dram += (double)(s->total.dram_read[i] +
		    s->total.dram_write[i]) / p->groups;
	if (c.dram == dram && c.array == array)
		return true;
	*why = arena_printf(a, "%.17g bytes and %.17g cycles of the array, "
	    "not %.17g and %.17g", dram, array, c.dram, c.array);
	return false;
}

bool
tile_run_same(struct unit *u, struct arena *a, struct tile_program *p,
    const struct wave_program *code, uint64_t seed, const char **why)
{
	struct tile_interp *meaning = tile_interp_new(a, p);
	struct device *dev = open_checked(u, code);
	bool ok;

	fill_inputs(dev, p, meaning, seed + 99);
	tile_interp_run(meaning);
	ok = dev->ops->run(dev, "main", &u->diag);
	if (!ok)
		*why = arena_strdup(a, u->last);
	for (size_t i = 0; ok && i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		uint8_t *got = arena_alloc(a, (size_t)b->bytes);
		if (b->role != ROLE_OUTPUT)
			continue;
		dev->ops->read(dev, (uint64_t)b->address, got,
		    (size_t)b->bytes);
		ok = same_bytes(a, b, got, tile_interp_data(meaning, b),
		    why);
	}
	ok = ok && same_cost(a, p, sim_stats(dev), why);
	dev->ops->close(dev);
	return ok;
}

bool
tile_run_clean(struct unit *u, const struct wave_program *code)
{
	struct device *dev = open_checked(u, code);
	bool ok = dev->ops->run(dev, "main", &u->diag);

	dev->ops->close(dev);
	return ok;
}

struct wave_program *
tile_without(struct arena *a, const struct wave_program *code, int queue,
    uint32_t pc)
{
	struct wave_program *out = arena_memdup(a, code, sizeof *code);
	const struct wave_bytes *from = &code->code[queue];
	uint8_t *bytes = arena_memdup(a, from->data, from->size);

	memset(bytes + 16 * (size_t)pc, 0, 16);
	out->code[queue].data = bytes;
	return out;
}
