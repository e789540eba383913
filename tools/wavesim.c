/* wavesim: runs a compiled program on the simulated accelerator. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/program.h"

#include "backend/isa/program.h"
#include "runtime/bind.h"
#include "runtime/sim/sim.h"
#include "support/file.h"
#include "support/npy.h"
#include "support/vec.h"

#define WAVE_VERSION "0.1"
#define OBJECT_LIMIT ((size_t)16 << 30)

static const char help_text[] =
    "Usage: wavesim [options] PROGRAM.wo\n"
    "\n"
    "Runs a program made by wavecc on the simulated accelerator: values,\n"
    "cycles, memory traffic and energy. Without --stats it prints a summary.\n"
    "\n"
    "  wavesim net.wo -i x=image.npy -o y=scores.npy   run, keep the result\n"
    "  wavesim net.wo --timing-only                    how long would it take\n"
    "  wavesim net.wo --timing-only --report net.html  see it in a browser\n"
    "  wavesim net.wo --check -i x=image.npy           look for races\n"
    "\n"
    "Data (NumPy .npy; names and shapes as in the model, --list shows them):\n"
    "  -i NAME=FILE.npy   input or state before the run; may be repeated\n"
    "  -o NAME=FILE.npy   output or state after the run; may be repeated\n"
    "\n"
    "Running:\n"
    "  --entry NAME       main; init, step, steps or eval of a trained model\n"
    "  --timing-only      move no data: needs no inputs, gives no outputs\n"
    "  --threads N        host threads, default all; same results for any\n"
    "  --check            find races, reads of nothing, overruns, deadlocks,\n"
    "                     wrong exit states; any finding fails the run\n"
    "  --instructions N   stop with an error after N instructions\n"
    "\n"
    "Looking (- is standard output):\n"
    "  --stats FILE.json  all figures, for scripts\n"
    "  --trace FILE.json  timeline for ui.perfetto.dev or chrome://tracing\n"
    "  --report FILE.html one page: timeline, layers, bytes, energy, roofline\n"
    "  --log FILE         each instruction: when dispatched and complete,\n"
    "                     queue, pc, assembly, op; kept when the run fails\n"
    "  --list             entries, inputs, outputs and state of the program\n"
    "\n"
    "  --help --version\n"
    "\n"
    "Exit status: 0 done, 1 bad input or a failed run (no output is written),\n"
    "2 usage.\n";

struct binding_arg {
	const char *name, *file;
};

struct wavesim {
	const char *program, *entry, *stats, *trace, *report, *log;
	VEC(struct binding_arg) in, out;
	struct sim_options sim;
	bool list;
	struct arena *arena;
	struct diag diag;
	struct wave_program *p;
	struct device *dev;
};

static void
report_fn(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	(void)user;
	diag_print_stderr((char[]){ "wavesim" }, level, loc, text);
}

/* ---- options ---- */

static int
usage(const char *what, const char *arg)
{
	fprintf(stderr, "wavesim: %s%s\n"
	    "usage: wavesim [options] PROGRAM.wo (--help explains)\n", what,
	    arg);
	return 2;
}

static int
add_binding(struct wavesim *w, bool input, const char *arg)
{
	const char *eq = strrchr(arg, '=');
	struct binding_arg b;

	if (eq == NULL || eq == arg || eq[1] == '\0')
		return usage("expected NAME=FILE.npy, not ", arg);
	b.name = arena_strndup(w->arena, arg, (size_t)(eq - arg));
	b.file = eq + 1;
	if (input)
		VEC_PUSH(w->arena, &w->in, b);
	else
		VEC_PUSH(w->arena, &w->out, b);
	return 0;
}

static int
set_number(const char *arg, int64_t lo, int64_t hi, int64_t *out)
{
	if (!parse_int64(arg, out) || *out < lo || *out > hi)
		return usage("not a possible number: ", arg);
	return 0;
}

static int
set_option(struct wavesim *w, const char *name, const char *arg)
{
	const struct {
		const char *name;
		const char **to;
	} text[] = {
		{ "--entry", &w->entry },
		{ "--stats", &w->stats },
		{ "--trace", &w->trace },
		{ "--report", &w->report },
		{ "--log", &w->log },
	};
	int64_t n = 0;
	int status;

	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		if (strcmp(name, text[i].name) == 0) {
			*text[i].to = arg;
			return 0;
		}
	if (strcmp(name, "-i") == 0 || strcmp(name, "-o") == 0)
		return add_binding(w, name[1] == 'i', arg);
	if (strcmp(name, "--threads") == 0) {
		status = set_number(arg, 1, 1024, &n);
		w->sim.threads = (int)n;
		return status;
	}
	if (strcmp(name, "--instructions") == 0)
		return set_number(arg, 1, INT64_MAX,
		    &w->sim.max_instructions);
	return -1;
}

static bool
set_flag(struct wavesim *w, const char *name)
{
	if (strcmp(name, "--timing-only") == 0)
		w->sim.timing_only = true;
	else if (strcmp(name, "--check") == 0)
		w->sim.check = true;
	else if (strcmp(name, "--list") == 0)
		w->list = true;
	else
		return false;
	return true;
}

static bool
takes_argument(const char *name)
{
	static const char *const with[] = { "-i", "-o", "--entry", "--stats",
		"--trace", "--report", "--log", "--threads",
		"--instructions" };

	for (size_t i = 0; i < sizeof with / sizeof *with; i++)
		if (strcmp(name, with[i]) == 0)
			return true;
	return false;
}

/* 0: go on; other: the exit status plus 1. */
static int
parse_options(struct wavesim *w, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *arg = argv[i];
		char *eq = strncmp(arg, "--", 2) == 0 ? strchr(arg, '=') :
							NULL;

		if (arg[0] != '-' || arg[1] == '\0') {
			if (w->program != NULL)
				return 1 + usage("more than one program: ",
				    arg);
			w->program = arg;
			continue;
		}
		if (strcmp(arg, "--help") == 0) {
			fputs(help_text, stdout);
			return 1;
		}
		if (strcmp(arg, "--version") == 0) {
			printf("wavesim %s, instruction set %d\n",
			    WAVE_VERSION, ISA_VERSION);
			return 1;
		}
		if (set_flag(w, arg))
			continue;
		const char *name = eq == NULL ? arg :
		    arena_strndup(w->arena, arg, (size_t)(eq - arg));

		if (!takes_argument(name))
			return 1 + usage("unknown option ", arg);
		if (eq == NULL && i + 1 == argc)
			return 1 + usage("missing argument of ", arg);
		int status = set_option(w, name,
		    eq != NULL ? eq + 1 : argv[++i]);

		if (status != 0)
			return 1 + status;
	}
	return w->program == NULL ? 1 + usage("no program", "") : 0;
}

/* ---- the program ---- */

static bool
load_program(struct wavesim *w)
{
	char *data;
	size_t size;

	if (!file_read(w->arena, &w->diag, w->program, OBJECT_LIMIT, &data,
		&size))
		return false;
	w->p = program_load(w->arena, &w->diag, w->program, data, size);
	return w->p != NULL &&
	    program_validate(w->arena, &w->diag, w->program, w->p,
		&(struct isa_tables){ 0 });
}

static void
add_entries(struct strbuf *s, const struct wave_program *p)
{
	for (uint32_t i = 0; i < p->nentries; i++)
		strbuf_addf(s, "%s%s", i > 0 ? ", " : "",
		    p->entries[i].name);
}

static bool
choose_entry(struct wavesim *w)
{
	const struct wave_program *p = w->p;
	const char *want = w->entry != NULL ? w->entry : "main";
	struct strbuf s = { 0 };

	if (w->entry == NULL && p->nentries == 1)
		want = p->entries[0].name;
	for (uint32_t i = 0; i < p->nentries; i++)
		if (strcmp(p->entries[i].name, want) == 0) {
			w->entry = p->entries[i].name;
			return true;
		}
	add_entries(&s, p);
	diag_error(&w->diag, &(struct loc){ .file = w->program },
	    "no entry '%s'; there are: %s", want,
	    s.data != NULL ? s.data : "none");
	strbuf_free(&s);
	return false;
}

static void
print_list(const struct wavesim *w)
{
	const struct wave_program *p = w->p;
	struct strbuf s = { 0 };
	static const char *const title[] = { "input", "output", "state" };

	strbuf_addf(&s, "%s for %s\n  entries  ", w->program,
	    p->target.name);
	add_entries(&s, p);
	strbuf_add(&s, "\n");
	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *b = &p->bindings[i];

		strbuf_addf(&s, "  %-8s %s ", title[b->kind], b->name);
		bind_shape(&s, b->dtype, b->rank, b->dim);
		strbuf_add(&s, "\n");
	}
	fputs(s.data, stdout);
	strbuf_free(&s);
}

/* ---- tensors ---- */

static const struct wave_binding *
find_binding(struct wavesim *w, const char *name, unsigned kinds,
    const char *what)
{
	const struct wave_binding *b = program_binding(w->p, name);
	struct strbuf s = { 0 };

	if (b != NULL && (kinds >> b->kind & 1) != 0)
		return b;
	bind_list(&s, w->p, kinds);
	diag_error(&w->diag, &(struct loc){ .file = w->program },
	    "no %s '%s'; there are: %s", what, name, s.data);
	strbuf_free(&s);
	return NULL;
}

#define KIND(k) (1u << WAVE_BIND_##k)

static bool
is_given(const struct wavesim *w, const char *name)
{
	for (size_t i = 0; i < w->in.len; i++)
		if (strcmp(w->in.data[i].name, name) == 0)
			return true;
	return false;
}

/* Whether the entry reads the input: init reads none, eval judges nothing. */
static bool
entry_reads(const char *entry, const char *input)
{
	static const char *const judging[] = { "labels", "target", "lr" };

	if (strcmp(entry, "init") == 0)
		return false;
	for (size_t i = 0; i < 3 && strcmp(entry, "eval") == 0; i++)
		if (strcmp(input, judging[i]) == 0)
			return false;
	return true;
}

static bool
inputs_complete(struct wavesim *w)
{
	struct strbuf s = { 0 };
	int missing = 0;

	for (uint32_t i = 0; i < w->p->nbindings; i++) {
		const struct wave_binding *b = &w->p->bindings[i];

		if (b->kind != WAVE_BIND_INPUT || is_given(w, b->name) ||
		    !entry_reads(w->entry, b->name))
			continue;
		strbuf_addf(&s, "%s -i %s=FILE.npy ",
		    missing++ > 0 ? "," : "", b->name);
		bind_shape(&s, b->dtype, b->rank, b->dim);
	}
	if (missing > 0)
		diag_error(&w->diag, &(struct loc){ .file = w->program },
		    "missing input%s:%s (or run with --timing-only)",
		    missing > 1 ? "s" : "", s.data);
	strbuf_free(&s);
	return missing == 0;
}

static bool
write_inputs(struct wavesim *w)
{
	for (size_t i = 0; i < w->in.len; i++) {
		const struct binding_arg *arg = &w->in.data[i];
		const struct wave_binding *b = program_binding(w->p,
		    arg->name);
		struct arena *a = arena_new();
		struct npy n;
		bool ok = npy_read(a, &w->diag, arg->file, &n) &&
		    (w->sim.timing_only ||
			bind_write(a, &w->diag, w->dev, b, &n, arg->file));

		arena_free(a);
		if (!ok)
			return false;
	}
	return true;
}

/* Names are checked before the run, so that a long one is not in vain. */
static bool
check_names(struct wavesim *w)
{
	for (size_t i = 0; i < w->in.len; i++)
		if (find_binding(w, w->in.data[i].name,
			KIND(INPUT) | KIND(STATE), "input or state") == NULL)
			return false;
	for (size_t i = 0; i < w->out.len; i++)
		if (find_binding(w, w->out.data[i].name,
			KIND(OUTPUT) | KIND(STATE) | KIND(INPUT),
			"output or state") == NULL)
			return false;
	if (w->sim.timing_only && w->out.len > 0) {
		diag_error(&w->diag, NULL,
		    "--timing-only computes no values to write to '%s'",
		    w->out.data[0].file);
		return false;
	}
	return true;
}

static bool
write_output(struct wavesim *w, const struct binding_arg *arg)
{
	const struct wave_binding *b = program_binding(w->p, arg->name);
	struct arena *a = arena_new();
	struct npy n;
	bool ok = bind_read(a, &w->diag, w->dev, b, &n) &&
	    npy_write(&w->diag, arg->file, &n);

	arena_free(a);
	return ok;
}

/* ---- documents ---- */

struct document {
	const char *file;
	struct strbuf text;
};

static bool
write_all(struct wavesim *w)
{
	const struct sim_stats *s = sim_stats(w->dev);
	const struct sim_record *r = sim_record(w->dev);
	struct document doc[3] = { { .file = w->stats }, { .file = w->trace },
		{ .file = w->report } };
	size_t done = 0;
	int docs = 0;
	bool ok = true;

	if (w->stats != NULL)
		sim_stats_json(&doc[0].text, s);
	if (w->trace != NULL)
		sim_trace_json(&doc[1].text, s, r);
	if (w->report != NULL)
		sim_report_html(&doc[2].text, s, r);
	for (; ok && done < w->out.len; done += ok)
		ok = write_output(w, &w->out.data[done]);
	for (; ok && docs < 3; docs += ok)
		ok = doc[docs].file == NULL ||
		    file_write(&w->diag, doc[docs].file, doc[docs].text.data,
			doc[docs].text.len);
	if (!ok) { /* all or nothing */
		for (size_t i = 0; i < done; i++)
			(void)remove(w->out.data[i].file);
		for (int i = 0; i < docs; i++)
			if (doc[i].file != NULL &&
			    strcmp(doc[i].file, "-") != 0)
				(void)remove(doc[i].file);
	}
	for (int i = 0; i < 3; i++)
		strbuf_free(&doc[i].text);
	return ok;
}

static void
print_summary(const struct wavesim *w)
{
	struct strbuf s = { 0 };

	sim_stats_text(&s, sim_stats(w->dev));
	fputs(s.data, stdout);
	strbuf_free(&s);
}

static bool
open_log(struct wavesim *w)
{
	if (w->log == NULL)
		return true;
	w->sim.log = strcmp(w->log, "-") == 0 ? stdout :
						fopen(w->log, "w");
	if (w->sim.log == NULL) {
		diag_error(&w->diag, &(struct loc){ .file = w->log },
		    "cannot be written");
		return false;
	}
	fputs("# dispatch       done queue    pc  instruction\n", w->sim.log);
	return true;
}

static bool
close_log(struct wavesim *w)
{
	bool ok = true;

	if (w->sim.log != NULL && w->sim.log != stdout) {
		ok = ferror(w->sim.log) == 0;
		ok = fclose(w->sim.log) == 0 && ok;
	}
	if (!ok)
		diag_error(&w->diag, &(struct loc){ .file = w->log },
		    "cannot be written");
	return ok;
}

static bool
run(struct wavesim *w)
{
	if (!load_program(w))
		return false;
	if (w->list) {
		print_list(w);
		return true;
	}
	if (!choose_entry(w) || !check_names(w) ||
	    (!w->sim.timing_only && !inputs_complete(w)) || !open_log(w))
		return false;
	w->dev = sim_open(w->p, &w->sim, &w->diag);
	bool ok = w->dev != NULL && write_inputs(w) &&
	    w->dev->ops->run(w->dev, w->entry, &w->diag);

	ok = close_log(w) && ok && write_all(w);
	if (ok && w->stats == NULL)
		print_summary(w);
	if (ok && fflush(stdout) != 0) {
		diag_error(&w->diag, NULL, "cannot write to standard output");
		ok = false;
	}
	return ok;
}

int
main(int argc, char **argv)
{
	struct wavesim w = { .arena = arena_new(),
		.diag = { .fn = report_fn } };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	w.sim.threads = cores > 0 && cores < 256 ? (int)cores : 1;
	int status = parse_options(&w, argc, argv);

	w.sim.record = w.trace != NULL || w.report != NULL;
	if (status != 0)
		status--;
	else
		status = run(&w) ? 0 : 1;
	if (w.dev != NULL)
		w.dev->ops->close(w.dev);
	arena_free(w.arena);
	return status;
}
