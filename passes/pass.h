/* The pass manager: graph to graph passes as rows of passes.def. */
#ifndef WAVE_PASSES_PASS_H
#define WAVE_PASSES_PASS_H

#include "ir/graph.h"
#include "support/str.h"

enum pass_id {
#define PASS(id, ...) PASS_##id,
#include "passes/passes.def"
	PASS_COUNT
};

/* Properties of a graph. The manager checks those that hold after every
 * pass when verify_each is set. */
#define PROP_PRECISE 1u /* no f64 operand on the matrix unit */
#define PROP_LEGAL 2u   /* no composite op, constant pads only, constant
                           non-negative gather indices */

#define PASS_REQUIRED 1u   /* -fno-PASS is refused */
#define PASS_IDEMPOTENT 2u /* a second run at once changes nothing */

/* Row of passes.def. */
struct pass_info {
	const char *name;
	int level;
	unsigned flags;
	unsigned requires, establishes, breaks; /* PROP_* */
	const char *args;
	const char *summary;
};

/* -fPASS, -fPASS=ARGS or -fno-PASS; later ones win. */
struct pass_override {
	enum pass_id pass;
	bool on;
	const char *args; /* NULL: none given */
};

struct pass_timing {
	const char *pass;
	int sequence; /* 1 for the first pass run */
	double seconds;
	unsigned nodes; /* nodes after it */
	bool changed;
};

struct pass_options {
	int level;            /* -O0 .. -O3 */
	enum dtype precision; /* -mprecision: DT_NONE keeps the model's,
	                         DT_F32, DT_F16, DT_BF16 */
	bool verify_each;
	VEC(struct pass_override) overrides;
	VEC(const char *) print_after; /* names of passes */
	bool print_after_all;
	bool print_changed; /* only passes that changed something */
	/* Called after each pass selected by the three above. */
	void (*dump)(void *user, const char *pass, int sequence,
	    const struct graph *g);
	void *user;
	bool time;          /* fill timings */
	VEC(struct pass_timing) timings;
	const char *remarks; /* -Rpass=: extended regular expression over
	                        pass names; NULL: no remarks */
};

/* Defaults: level 2, the model's precision, verify_each. */
void pass_options_init(struct pass_options *o);

/* Takes the text after -f: "PASS", "PASS=ARGS" or "no-PASS". Returns false
 * when no pass has that name; *ok is false, with a diagnostic, when the pass
 * cannot be disabled or takes no arguments. */
bool pass_options_flag(struct pass_options *o, struct arena *a,
    struct diag *d, const char *text, bool *ok);

const struct pass_info *pass_info(enum pass_id id);

/* PASS_COUNT when no pass has that name. */
enum pass_id pass_parse(const char *name);

/* Runs the pipeline of o->level over g. On return true g is verified, holds
 * no composite op, and may be lowered. False after at least one diagnostic;
 * g is then in no defined state. */
bool passes_run(struct graph *g, struct diag *d, struct pass_options *o);

/* Runs the named passes instead, in that order, without the pipeline's level
 * rules (-passes=, tests). Returns whether all succeeded; *changed, where not
 * NULL, says whether one of them changed the graph. */
bool passes_run_list(struct graph *g, struct diag *d, struct pass_options *o,
    const enum pass_id *ids, size_t n, bool *changed);

/* The table of passes, for --help-passes. */
void passes_help(struct strbuf *out);

/* The timings of the last run as a table, slowest first, for -time-passes. */
void passes_print_timings(struct strbuf *out, const struct pass_options *o);

/* The pipeline and its constraints, for tests and documentation. */
struct pass_step {
	int group;
	enum pass_id pass;
};
const struct pass_step *pass_pipeline(size_t *n);

enum pass_order_kind { ORDER_BEFORE, ORDER_NEEDS, ORDER_AFTER };
struct pass_order {
	enum pass_order_kind kind;
	enum pass_id a, b; /* as in order.def */
	const char *reason;
};
const struct pass_order *pass_orders(size_t *n);

/* Whether the steps obey the constraint. */
bool pass_order_holds(const struct pass_order *o,
    const struct pass_step *steps, size_t n);

#endif
