/* Public entry point of the passes. */
#include <wave/compiler.h>

#include "passes/pass.h"
#include "support/context.h"

bool
wave_run_passes(struct wave_context *c, struct wave_graph *g, int level,
    enum dtype precision)
{
	struct pass_options o;
	pass_options_init(&o);
	o.level = level < 0 ? 0 : level > 3 ? 3 : level;
	o.precision = precision;
	return passes_run((struct graph *)g, &c->diag, &o);
}
