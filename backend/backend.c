#include "backend/backend.h"

#include <string.h>

#include "backend/entry.h"
#include "backend/lower.h"
#include "backend/weights.h"

/* Keeps the first error of an attempt that may be repeated. */
struct attempt {
	struct diag *outer;
	struct arena *arena; /* that outlives the attempt */
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
	if (loc != NULL) {
		at->loc = *loc;
		if (loc->node != NULL)
			at->loc.node = arena_strdup(at->arena, loc->node);
	}
	size_t n = strlen(text);
	if (n >= sizeof at->text)
		n = sizeof at->text - 1;
	memcpy(at->text, text, n);
	at->text[n] = '\0';
}

/* That a plan was found proves that every layer group fits. */
static void
report_slack(const struct tile_program *p, struct diag *d)
{
	for (size_t i = 0; i < p->watches.len; i++) {
		const struct tile_watch *w = &p->watches.data[i];
		int64_t size = p->target->gbuf_bytes;
		diag_remark(d, w->loc, "lower: %s: the plan uses %lld bytes "
		    "of the global buffer, %lld of %lld are left", w->name,
		    (long long)w->gbuf_used,
		    (long long)(size > 0 ? size - w->gbuf_used : 0),
		    (long long)size);
	}
}

#define REGION_TRIES 10
#define REGION_STEP 0.95
#define REGION_LEAST 0.6

/* Takes memory from the region that had no room in p, once more; false when
 * it was none, or often enough. */
static bool
tighten_region(struct lower_budget *b, const struct tile_program *p, int *tries)
{
	if (p == NULL || p->full_op == UINT32_MAX || *tries == REGION_TRIES)
		return false;
	for (size_t i = 0; i < b->regions.len; i++) {
		struct lower_region_budget *r = &b->regions.data[i];
		if (p->full_op < r->first_op || p->full_op >= r->end_op)
			continue;
		if (r->share < REGION_LEAST)
			return false;
		r->share *= REGION_STEP;
		++*tries;
		return true;
	}
	return false;
}

/* The next share of all; regions have all of it again. */
static void
set_share(struct lower_budget *b, double share, int holes)
{
	b->all = share;
	b->holes = holes;
	for (size_t i = 0; i < b->regions.len; i++)
		b->regions.data[i].share = 1;
}

/* Lowering counts on a share of the buffers; fragmentation may need it to be
 * smaller than all: first in the region where there is no room, then
 * everywhere. */
struct tile_program *
backend_tile(struct arena *a, struct diag *d, const struct graph *g,
    const struct wave_target *t, int groups,
    const struct backend_options *opt)
{
	static const struct {
		double share;
		int holes;
	} shares[] = {{1.0, 8}, {1.0, 2}, {0.93, 8}, {0.85, 8}, {0.7, 8},
	    {0.5, 8}, {0.35, 8}, {0.2, 8}, {0.1, 8}};
	struct weight_cache own = {.arena = a}, *cache = opt->weights != NULL ?
	    opt->weights : &own;
	struct lower_budget budget = {.arena = a, .all = 1, .holes = 8};
	struct attempt first = {0};
	int tries = 0;
	for (size_t i = 0; i < sizeof shares / sizeof *shares;) {
		struct attempt at = {.outer = d, .arena = a};
		struct diag quiet = {.fn = keep_first, .user = &at};
		struct arena *own_arena = arena_new();
		struct tile_program *p = lower_graph(own_arena, &quiet, g, t,
		    groups, opt, &budget, cache);
		bool sound = p == NULL || tile_verify(p, d, "lower");
		if (p != NULL && (!sound || tile_plan(p, &quiet))) {
			arena_join(a, own_arena);
			p->arena = a;
			if (sound)
				report_slack(p, d);
			return sound ? p : NULL;
		}
		if (!first.failed)
			first = at;
		diag_remark(d, &at.loc, "lower: with %.0f %% of the "
		    "memories: %s", 100 * shares[i].share, at.text);
		if (i > 0 || !tighten_region(&budget, p, &tries)) {
			if (++i < sizeof shares / sizeof *shares)
				set_share(&budget, shares[i].share,
				    shares[i].holes);
		}
		arena_free(own_arena);
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

static bool
add_entry(struct arena *a, struct diag *d, struct tile_link *l,
    struct tile_program *p, const struct backend_options *opt)
{
	struct tile_syncs *syncs = NEW(a, struct tile_syncs);

	return tile_sync(p, d, opt->serialize, syncs) &&
	    tile_link_add(l, p, syncs);
}

struct wave_program *
backend_train(struct arena *a, struct diag *d,
    const struct backend_training *t, const struct backend_options *opt)
{
	struct tile_program *p[3] = {entry_init(a, d, t->step), t->step,
	    t->eval};
	struct tile_link *l;
	struct wave_program *out;
	bool ok;

	p[1]->entry = "step";
	p[2]->entry = "eval";
	if (p[0] == NULL || !entry_stretch(p[1], d, t->steps, t->each) ||
	    !entry_stretch(p[2], d, t->steps, t->each) ||
	    !tile_plan_shared(p, 3, d))
		return NULL;
	l = tile_link_new(a, d);
	ok = add_entry(a, d, l, p[0], opt) && add_entry(a, d, l, p[1], opt) &&
	    entry_repeat(p[1], d, t->steps, t->each) &&
	    add_entry(a, d, l, p[1], opt) && add_entry(a, d, l, p[2], opt);
	out = tile_link_finish(l, opt->pieces);
	return ok ? out : NULL;
}
