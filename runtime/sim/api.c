/* Public entry points of the simulator. */
#include <wave/runtime.h>

#include "runtime/sim/sim.h"
#include "support/context.h"

struct device *
wave_open_simulator(struct wave_context *c, const struct wave_program *p,
    const struct wave_sim_options *o)
{
	struct sim_options opt = {.timing_only = o->timing_only,
	    .check = o->check, .threads = o->threads};
	return sim_open(p, &opt, &c->diag);
}

const char *
wave_statistics(struct wave_context *c, struct device *d)
{
	const struct sim_stats *st = sim_stats(d);
	struct strbuf s = {0};
	if (st == NULL)
		return NULL;
	sim_stats_json(&s, st);
	const char *text = arena_strndup(c->arena, s.data, s.len);
	strbuf_free(&s);
	return text;
}
