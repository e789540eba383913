#include "tests/lib/passcase.h"

#include <string.h>

#include "tests/lib/agree.h"

static void
run(struct unit *u, const struct pass_case *k, struct graph *g, bool *changed)
{
	struct pass_options o;

	pass_options_init(&o);
	o.level = k->level;
	o.precision = k->precision;
	if (!passes_run_list(g, &u->diag, &o, &k->pass, 1, changed))
		fail_msg("%s: %s", k->name, u->last);
}

static void
same_text(const char *name, const char *want, const char *got)
{
	if (strcmp(want, got) != 0)
		fail_msg("%s: expected\n%sgot\n%s", name, want, got);
}

static void
same_meaning(struct unit *u, const struct pass_case *k,
    const struct graph *before, const struct graph *after)
{
	/* 16 bits: rounded at every value on one side. */
	double rel = k->precision == DT_F16 ? 4e-3
	    : k->precision == DT_BF16 ? 3e-2 : 1e-5;
	struct agreement how = {.seed = 7, .relative = rel};
	char why[256];

	if (!graphs_agree(u, before, after, &how, why))
		fail_msg("%s computes something else: %s", k->name, why);
}

void
pass_case_run(struct unit *u, const struct pass_case *k)
{
	struct graph *before = graph_from(u, k->in);
	struct graph *g = graph_from(u, k->in);
	bool changed;

	run(u, k, g, &changed);
	same_text(k->name, k->out != NULL ? k->out : graph_body(u, before),
	    graph_body(u, g));
	if (changed != (k->out != NULL))
		fail_msg("%s: the pass says it changed %s", k->name,
		    changed ? "something" : "nothing");
	same_meaning(u, k, before, g);
	run(u, k, g, &changed);
	if (changed && (pass_info(k->pass)->flags & PASS_IDEMPOTENT) != 0)
		fail_msg("%s: a second run changes the graph again", k->name);
}
