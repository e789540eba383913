#include "backend/backend.h"

#include <string.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/lower.h"
#include "backend/weights.h"

/* Keeps the first error of an attempt that may be repeated. */
struct attempt {
	struct diag *outer;
	char text[1024];
	struct loc loc;
	bool failed;
};

static void
keep_first(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct attempt *at = user;
	if (level != DIAG_ERROR) {
		if (at->outer->fn != NULL)
			at->outer->fn(at->outer->user, level, loc, text);
		return;
	}
	if (at->failed)
		return;
	at->failed = true;
	if (loc != NULL)
		at->loc = *loc;
	size_t n = strlen(text);
	if (n >= sizeof at->text)
		n = sizeof at->text - 1;
	memcpy(at->text, text, n);
	at->text[n] = '\0';
}

/* Lowering counts on a share of the buffers; fragmentation may need it to be
 * smaller than all. */
struct tile_program *
backend_tile(struct arena *a, struct diag *d, const struct graph *g,
    const struct wave_target *t, int groups)
{
	static const double budgets[] = {1.0, 0.85, 0.7, 0.5, 0.35, 0.2, 0.1};
	struct weight_cache cache = {0};
	struct attempt first = {0};
	for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
		struct attempt at = {.outer = d};
		struct diag quiet = {.fn = keep_first, .user = &at};
		struct tile_program *p = lower_graph(a, &quiet, g, t, groups,
		    budgets[i], &cache);
		if (p != NULL && !tile_verify(p, d, "lower"))
			return NULL;
		if (p != NULL && tile_plan(p, &quiet))
			return p;
		if (i == 0)
			first = at;
		if (getenv("DBG")) fprintf(stderr, "budget %g: %s: %s\n", budgets[i], at.loc.node, at.text);
	}
	diag_error(d, &first.loc, "%s", first.text);
	return NULL;
}

struct wave_program *
backend_code(struct arena *a, struct diag *d, struct tile_program *p,
    const struct backend_options *opt)
{
	struct tile_syncs *syncs = NEW(a, struct tile_syncs);
	if (!tile_sync(p, d, opt->serialize, syncs))
		return NULL;
	return tile_codegen(p, d, syncs);
}
