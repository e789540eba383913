/* The stages from a model to a program. */
#include "tools/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "backend/object.h"
#include "backend/target.h"
#include "ir/clone.h"
#include "ir/text.h"
#include "passes/shard.h"
#include "runtime/program.h"
#include "support/file.h"

#define MODEL_LIMIT ((size_t)16 << 30)

/* Remarks of the lowering are wanted only with -Rpass=lower; those of passes
 * come filtered. */
static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	const struct driver *dr = user;
	if (level == DIAG_REMARK && strncmp(text, "lower: ", 7) == 0 &&
	    !dr->o.lower_remarks)
		return;
	char tool[32];
	snprintf(tool, sizeof tool, "%s", dr->tool);
	diag_print_stderr(tool, level, loc, text);
}

void
driver_start(struct driver *dr, const char *tool)
{
	memset(dr, 0, sizeof *dr);
	dr->tool = tool;
	dr->arena = arena_new();
	dr->weights.arena = dr->arena;
	dr->diag.fn = report;
	dr->diag.user = dr;
	dr->o.arena = dr->arena;
	dr->o.diag = &dr->diag;
}

void
driver_end(struct driver *dr)
{
	if (dr->o.train.freeze != NULL)
		regfree(&dr->o.train.freeze_re);
	arena_free(dr->arena);
}

bool
driver_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n > m && strcmp(s + n - m, suffix) == 0;
}

bool
driver_is_graph(const struct driver *dr)
{
	return !driver_has_suffix(dr->o.input, ".wtl") &&
	    !driver_has_suffix(dr->o.input, ".ws");
}

void
driver_say(const struct driver *dr, const char *what)
{
	if (dr->o.verbose || dr->o.dry_run)
		fprintf(stderr, "%s: %s\n", dr->tool, what);
}

/* ---- checks ---- */

static const char *const input_kinds[] = {".onnx", ".net", ".wgr", ".wtl",
    ".ws"};

static bool
known_input(struct driver *dr)
{
	for (size_t i = 0; i < sizeof input_kinds / sizeof *input_kinds; i++)
		if (driver_has_suffix(dr->o.input, input_kinds[i]))
			return true;
	diag_error(&dr->diag, NULL, "%s: unknown kind of input; a model ends "
	    "in .onnx, .net, .wgr, .wtl or .ws", dr->o.input);
	return false;
}

/* What the input has already fixed cannot be chosen any more. */
static bool
options_fit(struct driver *dr)
{
	const char *in = dr->o.input;
	const char *bad = NULL;
	bool net = driver_has_suffix(in, ".net");
	bool onnx = driver_has_suffix(in, ".onnx");
	bool lowered = !driver_is_graph(dr);
	const char *idle = cc_train_idle(&dr->o.train);
	if (!net && !onnx && dr->o.batch > 0)
		bad = "-fbatch";
	else if (!onnx && dr->o.inputs.len > 0)
		bad = "-finput";
	else if (!onnx && dr->o.consts.len > 0)
		bad = "-fconst";
	else if (!net && dr->o.defines.len > 0)
		bad = "-D";
	else if (lowered && dr->o.overrides.len > 0)
		bad = "-mKEY=VALUE";
	else if (lowered && dr->o.passes.precision != DT_NONE)
		bad = "-mprecision";
	else if (lowered && dr->o.train.on)
		bad = "-ftrain";
	if (idle != NULL)
		diag_error(&dr->diag, NULL, "%s has no meaning without "
		    "-ftrain", idle);
	if (bad != NULL)
		diag_error(&dr->diag, NULL, "%s has no meaning for %s", bad,
		    in);
	return bad == NULL && idle == NULL;
}

bool
driver_check(struct driver *dr)
{
	return known_input(dr) && options_fit(dr);
}

bool
driver_target(struct driver *dr)
{
	dr->target = target_load(dr->arena, &dr->diag, dr->o.march);
	if (dr->target == NULL)
		return false;
	for (size_t i = 0; i < dr->o.overrides.len; i++)
		if (!target_override(dr->target, &dr->diag,
		    dr->o.overrides.data[i]))
			return false;
	return target_validate(&dr->diag, dr->target);
}

/* ---- graph ---- */

static struct graph *
read_net(struct driver *dr, struct net_options *net)
{
	struct net_options probe = *net;
	probe.no_weights = true;
	if (dr->o.train.on && net->batch == 0) {
		/* the train section may name the batch */
		if (net_parse(dr->arena, &dr->diag, dr->o.input, dr->data,
		    dr->size, &probe, &dr->train) == NULL)
			return NULL;
		net->batch = dr->train.batch;
		memset(&dr->train, 0, sizeof dr->train);
	}
	return net_parse(dr->arena, &dr->diag, dr->o.input, dr->data,
	    dr->size, net, &dr->train);
}

static bool
read_graph(struct driver *dr)
{
	struct onnx_options opt = {.inputs = dr->o.inputs.data,
	    .ninputs = dr->o.inputs.len, .batch = dr->o.batch,
	    .consts = dr->o.consts.data, .nconsts = dr->o.consts.len};
	if (driver_has_suffix(dr->o.input, ".wgr")) {
		driver_say(dr, "parse graph IR");
		dr->graph = graph_parse(dr->arena, &dr->diag, dr->o.input,
		    dr->data, dr->size);
	} else if (driver_has_suffix(dr->o.input, ".net")) {
		struct net_options net = {.batch = dr->o.batch,
		    .seed = (uint64_t)dr->o.seed,
		    .defines = dr->o.defines.data,
		    .ndefines = dr->o.defines.len};
		driver_say(dr, "read network");
		dr->graph = read_net(dr, &net);
	} else {
		driver_say(dr, "import ONNX");
		dr->graph = onnx_import(dr->arena, &dr->diag, dr->o.input,
		    dr->data, dr->size, &opt);
	}
	return dr->graph != NULL;
}

bool
driver_read(struct driver *dr)
{
	if (!file_read(dr->arena, &dr->diag, dr->o.input, MODEL_LIMIT,
	    &dr->data, &dr->size))
		return false;
	return !driver_is_graph(dr) || read_graph(dr);
}

static void
dump(void *user, const char *pass, int sequence, const struct graph *g)
{
	struct driver *dr = user;
	struct strbuf s = {0};
	if (dr->diag.errors > 0)
		return;
	if (dr->o.dump_dir != NULL) {
		graph_print(&s, g, true);
		char *path = arena_printf(dr->arena, "%s/%03d-%s.wgr",
		    dr->o.dump_dir, sequence, pass);
		file_write(&dr->diag, path, s.data, s.len);
	} else {
		strbuf_addf(&s, "# *** graph after %s ***\n", pass);
		graph_print(&s, g, false);
		fputs(s.data, stderr);
	}
	strbuf_free(&s);
}

static bool
make_dump_dir(struct driver *dr)
{
	const char *dir = dr->o.dump_dir;
	if (dir == NULL || mkdir(dir, 0777) == 0 || errno == EEXIST)
		return true;
	struct loc loc = {dir, 0, 0, NULL};
	diag_error(&dr->diag, &loc, "cannot make this folder: %s",
	    strerror(errno));
	return false;
}

bool
driver_run_passes(struct driver *dr, struct graph *g)
{
	return dr->o.only_given ?
	    passes_run_list(g, &dr->diag, &dr->o.passes, dr->o.only.data,
		dr->o.only.len, NULL) :
	    passes_run(g, &dr->diag, &dr->o.passes);
}

static bool
run_passes(struct driver *dr, struct graph *g)
{
	struct pass_options *p = &dr->o.passes;
	p->dump = dump;
	p->user = dr;
	p->timings.len = 0;
	bool ok = driver_run_passes(dr, g);
	if (ok && p->time) {
		struct strbuf s = {0};
		passes_print_timings(&s, p);
		fputs(s.data, stderr);
		strbuf_free(&s);
	}
	return ok && dr->diag.errors == 0; /* a dump may have failed */
}

bool
driver_passes(struct driver *dr)
{
	driver_say(dr, "run passes");
	return make_dump_dir(dr) && run_passes(dr, dr->graph) &&
	    (dr->eval == NULL || run_passes(dr, dr->eval));
}

/* ---- schedule and code ---- */

/* The variants of the MBS paper are as there: layers one after the other, and
 * the plain order of waves, for which their utilization is derived. */
static bool
as_paper(const struct driver *dr)
{
	enum mbs_variant v = dr->o.train.mbs.variant;

	return v != MBS_NONE && v != MBS_OPTIMAL;
}

static enum partial_k
partial_k(const struct driver *dr)
{
	if (dr->o.partial_k_given)
		return dr->o.partial_k;
	return as_paper(dr) ? PARTIAL_LAST : PARTIAL_FIRST;
}

static bool
overlap(const struct driver *dr)
{
	return dr->o.overlap_given ? dr->o.overlap : !as_paper(dr);
}

/* Divides the batch over the groups of the chip where the graph allows it. */
struct tile_program *
driver_lower(struct driver *dr, const struct graph *g)
{
	int groups = (int)dr->target->groups;
	const char *why = "";
	struct backend_options opt = {.dgrad = dr->o.dgrad,
	    .partial_k = partial_k(dr), .no_overlap = !overlap(dr),
	    .weights = &dr->weights};
	struct graph *share = groups > 1 ? graph_shard(dr->arena, g,
	    groups, &why) : NULL;
	if (groups > 1)
		diag_remark(&dr->diag, NULL, share != NULL ?
		    "lower: the batch is divided over %d groups%s" :
		    "lower: one of %d groups works: %s", groups,
		    share != NULL ? "" : why);
	return backend_tile(dr->arena, &dr->diag,
	    share != NULL ? share : g, dr->target,
	    share != NULL ? groups : 1, &opt);
}

/* A schedule or program is for one machine; -march may only repeat it. */
static bool
same_target(struct driver *dr, const struct wave_target *of)
{
	if (!dr->o.march_given || strcmp(of->name, dr->target->name) == 0)
		return true;
	diag_error(&dr->diag, NULL, "%s is for target '%s', not '%s'",
	    dr->o.input, of->name, dr->target->name);
	return false;
}

static bool
parse_tile(struct driver *dr)
{
	driver_say(dr, "parse tile IR");
	dr->tile = tile_parse(dr->arena, &dr->diag, dr->o.input, dr->data,
	    dr->size);
	return dr->tile != NULL && same_target(dr, dr->tile->target) &&
	    tile_verify(dr->tile, &dr->diag, "input") &&
	    tile_plan(dr->tile, &dr->diag);
}

bool
driver_tile(struct driver *dr)
{
	if (driver_has_suffix(dr->o.input, ".wtl"))
		return parse_tile(dr);
	driver_say(dr, "lower");
	dr->tile = driver_lower(dr, dr->graph);
	if (dr->tile == NULL || dr->eval == NULL)
		return dr->tile != NULL;
	if (!driver_choose(dr))
		driver_remark_moves(dr);
	dr->eval_tile = driver_lower(dr, dr->eval);
	return dr->eval_tile != NULL;
}

/* What a person wrote may be well-formed and still be no valid program. */
static struct wave_program *
assemble(struct driver *dr)
{
	struct isa_tables tables = {0};
	uint8_t *bytes;
	size_t size;
	struct wave_program *p = asm_parse(dr->arena, &dr->diag, dr->o.input,
	    dr->data, dr->size);
	if (p == NULL || !same_target(dr, &p->target) ||
	    !program_validate(dr->arena, &dr->diag, dr->o.input,
	    p, &tables) ||
	    !object_write_memory(dr->arena, &dr->diag, p, &bytes, &size) ||
	    program_load(dr->arena, &dr->diag, dr->o.input, bytes, size) ==
	    NULL)
		return NULL;
	return p;
}

bool
driver_code(struct driver *dr)
{
	struct backend_options opt = {.serialize = dr->o.serialize,
	    .pieces = dr->pieces};
	struct backend_training t = {dr->tile, dr->eval_tile, dr->each,
	    dr->steps};
	if (driver_has_suffix(dr->o.input, ".ws")) {
		driver_say(dr, "assemble");
		dr->program = assemble(dr);
		return dr->program != NULL;
	}
	driver_say(dr, "synchronise and encode");
	dr->program = dr->eval_tile != NULL ?
	    backend_train(dr->arena, &dr->diag, &t, &opt) :
	    backend_code(dr->arena, &dr->diag, dr->tile, &opt);
	return dr->program != NULL;
}

bool
driver_compile(struct driver *dr)
{
	return driver_read(dr) && (!driver_is_graph(dr) ||
	    (driver_train(dr) && driver_passes(dr))) &&
	    (driver_has_suffix(dr->o.input, ".ws") || driver_tile(dr)) &&
	    driver_code(dr);
}
