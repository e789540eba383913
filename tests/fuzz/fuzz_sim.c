/* Any valid program simulates to an end: statistics, or an error. Input is
 * assembly, which mutates better than objects. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "backend/isa/asm.h"
#include "runtime/sim/sim.h"

#define MAX_MEMORY ((uint64_t)1 << 26)

static void
simulate(const struct wave_program *p, const char *entry)
{
	struct sim_options o = { .timing_only = true, .check = true,
		.record = true, .max_instructions = 3000 };
	struct diag d = { 0 };
	struct device *dev = sim_open(p, &o, &d);
	struct strbuf b = { 0 };

	if (d.errors > 0 && dev != NULL)
		abort();
	if (dev == NULL)
		return;
	bool ok = dev->ops->run(dev, entry, &d);

	if (ok != (d.errors == 0))
		abort();
	if (ok) {
		sim_stats_json(&b, sim_stats(dev));
		sim_stats_text(&b, sim_stats(dev));
		sim_trace_json(&b, sim_stats(dev), sim_record(dev));
		sim_report_html(&b, sim_stats(dev), sim_record(dev));
	}
	strbuf_free(&b);
	dev->ops->close(dev);
}

void
fuzz_one(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diag d = { 0 };
	struct wave_program *p = asm_parse(a, &d, "input",
	    (const char *)data, size);

	for (uint32_t i = 0; p != NULL && i < p->nentries; i++)
		if (p->dram_size < MAX_MEMORY && p->gbuf_size < MAX_MEMORY &&
		    p->wbuf_size < MAX_MEMORY && p->entries[i].groups < 8)
			simulate(p, p->entries[i].name);
	arena_free(a);
}
