/* The pass manager: which passes run, in what order, checked and timed. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ir/text.h"
#include "passes/pass.h"
#include "passes/property.h"
#include "passes/rewrite.h"

static pass_fn *const functions[PASS_COUNT] = {
#define PASS(id, ...) [PASS_##id] = pass_##id,
#include "passes/passes.def"
};

/* State of one run of the manager. */
struct run {
	struct graph *g;
	struct diag *d;
	struct pass_options *o;
	regex_t remarks;
	bool have_remarks;
	unsigned props; /* properties that hold */
	int sequence;
	bool changed; /* by the last pass */
};

static bool
run_start(struct run *r)
{
	char text[128];
	int err;

	if (r->o->remarks != NULL) {
		err = regcomp(&r->remarks, r->o->remarks,
		    REG_EXTENDED | REG_NOSUB);
		if (err != 0) {
			regerror(err, &r->remarks, text, sizeof text);
			diag_error(r->d, NULL, "-Rpass=%s: %s", r->o->remarks,
			    text);
			return false;
		}
		r->have_remarks = true;
	}
	memset(&r->o->timings, 0, sizeof r->o->timings);
	return !r->o->verify_each || graph_verify(r->g, r->d, "input");
}

static void
run_end(struct run *r)
{
	if (r->have_remarks)
		regfree(&r->remarks);
}

static const struct pass_override *
find_override(const struct pass_options *o, enum pass_id id)
{
	for (size_t i = o->overrides.len; i-- > 0;)
		if (o->overrides.data[i].pass == id)
			return &o->overrides.data[i];
	return NULL;
}

static bool
enabled(const struct pass_options *o, enum pass_id id)
{
	const struct pass_override *v = find_override(o, id);

	return v != NULL ? v->on : o->level >= pass_info(id)->level;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static bool
wants_dump(const struct run *r, const struct pass_info *p)
{
	const struct pass_options *o = r->o;

	if (o->dump == NULL)
		return false;
	if (o->print_after_all || (o->print_changed && r->changed))
		return true;
	for (size_t i = 0; i < o->print_after.len; i++)
		if (strcmp(o->print_after.data[i], p->name) == 0)
			return true;
	return false;
}

static void
note_timing(struct run *r, const struct pass_info *p, double seconds)
{
	struct pass_timing t = {p->name, r->sequence, seconds, 0, r->changed};

	graph_foreach_node(r->g, n)
		t.nodes++;
	VEC_PUSH(r->g->arena, &r->o->timings, t);
}

/* The graph after a pass: verified, its properties checked. */
static bool
check_after(struct run *r, const struct pass_info *p)
{
	r->props = (r->props & ~p->breaks) | p->establishes;
	if (!r->o->verify_each)
		return true;
	return graph_verify(r->g, r->d, p->name) &&
	    property_check(r->g, r->d, r->props, p->name);
}

static bool
run_pass(struct run *r, enum pass_id id)
{
	const struct pass_info *p = pass_info(id);
	const struct pass_override *v = find_override(r->o, id);
	struct pass_ctx c = {
	    .g = r->g,
	    .d = r->d,
	    .opt = r->o,
	    .pass = p,
	    .args = v != NULL ? v->args : NULL,
	};
	double start = r->o->time ? now() : 0;
	unsigned errors = r->d->errors;
	bool ok;

	if ((p->requires & ~r->props) != 0) {
		diag_error(r->d, NULL, "pass %s needs the property '%s', "
		    "which no pass before it establishes", p->name,
		    property_name(p->requires & ~r->props));
		return false;
	}
	c.remarks = r->have_remarks &&
	    regexec(&r->remarks, p->name, 0, NULL, 0) == 0;
	c.scratch = arena_new();
	ok = functions[id](&c);
	arena_free(c.scratch);
	r->sequence++;
	r->changed = c.changed;
	if (!ok && r->d->errors == errors)
		ice(p->name, "the pass failed without a diagnostic");
	if (ok && r->o->time)
		note_timing(r, p, now() - start);
	if (ok && wants_dump(r, p))
		r->o->dump(r->o->user, p->name, r->sequence, r->g);
	return ok && check_after(r, p);
}

/* Runs steps [from, to), one group, until it changes nothing. */
static bool
run_group(struct run *r, const struct pass_step *steps, size_t from,
    size_t to)
{
	static const int rounds[] = {1, 1, 2, 8};
	int level = r->o->level < 0 ? 0 : r->o->level > 3 ? 3 : r->o->level;
	int max = to - from > 1 ? rounds[level] : 1;

	for (int round = 0; round < max; round++) {
		bool changed = false;

		for (size_t i = from; i < to; i++) {
			if (!enabled(r->o, steps[i].pass))
				continue;
			if (!run_pass(r, steps[i].pass))
				return false;
			changed = changed || r->changed;
		}
		if (!changed)
			break;
	}
	return true;
}

static bool
run_pipeline(struct run *r)
{
	size_t n, to;
	const struct pass_step *s = pass_pipeline(&n);

	for (size_t from = 0; from < n; from = to) {
		for (to = from + 1; to < n && s[to].group == s[from].group;)
			to++;
		if (!run_group(r, s, from, to))
			return false;
	}
	return property_check(r->g, r->d, PROP_PRECISE | PROP_LEGAL,
	    "the pipeline");
}

bool
passes_run(struct graph *g, struct diag *d, struct pass_options *o)
{
	struct run r = {.g = g, .d = d, .o = o};
	bool ok = run_start(&r) && run_pipeline(&r);

	run_end(&r);
	return ok;
}

bool
passes_run_list(struct graph *g, struct diag *d, struct pass_options *o,
    const enum pass_id *ids, size_t n, bool *changed)
{
	struct run r = {.g = g, .d = d, .o = o};
	bool ok = run_start(&r);

	if (changed != NULL)
		*changed = false;
	r.props = ok ? property_find(g) : 0;
	for (size_t i = 0; ok && i < n; i++) {
		ok = run_pass(&r, ids[i]);
		if (changed != NULL)
			*changed = *changed || r.changed;
	}
	run_end(&r);
	return ok;
}

static int
by_seconds(const void *a, const void *b)
{
	const struct pass_timing *x = a, *y = b;

	if (x->seconds != y->seconds)
		return x->seconds < y->seconds ? 1 : -1;
	return x->sequence - y->sequence;
}

void
passes_print_timings(struct strbuf *out, const struct pass_options *o)
{
	size_t n = o->timings.len;
	struct arena *a = arena_new();
	struct pass_timing *t = NEW_ARRAY(a, struct pass_timing, n);
	double total = 0;

	for (size_t i = 0; i < n; i++) {
		t[i] = o->timings.data[i];
		total += t[i].seconds;
	}
	if (n > 0)
		qsort(t, n, sizeof *t, by_seconds);
	strbuf_addf(out, "%10s  %4s  %7s  pass\n", "seconds", "run", "nodes");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(out, "%10.6f  %4d  %7u  %s%s\n", t[i].seconds,
		    t[i].sequence, t[i].nodes, t[i].pass,
		    t[i].changed ? "" : " (no change)");
	strbuf_addf(out, "%10.6f  %4zu           total\n", total, n);
	arena_free(a);
}
