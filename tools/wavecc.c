/* wavecc: compiles a model ahead of time to an object for the accelerator. */
#include "tools/cc_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/backend.h"
#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "backend/object.h"
#include "backend/target.h"
#include "ir/text.h"
#include "runtime/program.h"
#include "passes/shard.h"
#include "support/file.h"

#define MODEL_LIMIT ((size_t)16 << 30)

struct driver {
	struct wavecc_options o;
	struct arena *arena;
	struct diag diag;
	char *data; /* the input file */
	size_t size;
	struct graph *graph;
	struct tile_program *tile;
	struct wave_program *program;
	struct wave_target *target;
};

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
	static const char tool[] = "wavecc";
	char name[sizeof tool];
	memcpy(name, tool, sizeof tool);
	diag_print_stderr(name, level, loc, text);
}

static bool
has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n > m && strcmp(s + n - m, suffix) == 0;
}

static void
step(const struct driver *dr, const char *what)
{
	if (dr->o.verbose || dr->o.dry_run)
		fprintf(stderr, "wavecc: %s\n", what);
}

/* ---- graph ---- */

static bool
read_graph(struct driver *dr)
{
	struct onnx_options opt = {.inputs = dr->o.inputs.data,
	    .ninputs = dr->o.inputs.len, .batch = dr->o.batch,
	    .consts = dr->o.consts.data, .nconsts = dr->o.consts.len};
	if (has_suffix(dr->o.input, ".wgr")) {
		step(dr, "parse graph IR");
		dr->graph = graph_parse(dr->arena, &dr->diag, dr->o.input,
		    dr->data, dr->size);
	} else if (has_suffix(dr->o.input, ".net")) {
		struct net_options net = {.batch = dr->o.batch,
		    .seed = (uint64_t)dr->o.seed,
		    .defines = dr->o.defines.data,
		    .ndefines = dr->o.defines.len};
		step(dr, "read network");
		dr->graph = net_parse(dr->arena, &dr->diag, dr->o.input,
		    dr->data, dr->size, &net, NULL);
	} else {
		step(dr, "import ONNX");
		dr->graph = onnx_import(dr->arena, &dr->diag, dr->o.input,
		    dr->data, dr->size, &opt);
	}
	return dr->graph != NULL;
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

static bool
run_passes(struct driver *dr)
{
	struct pass_options *p = &dr->o.passes;
	p->dump = dump;
	p->user = dr;
	step(dr, "run passes");
	if (!make_dump_dir(dr))
		return false;
	bool ok = dr->o.only_given ?
	    passes_run_list(dr->graph, &dr->diag, p, dr->o.only.data,
		dr->o.only.len, NULL) :
	    passes_run(dr->graph, &dr->diag, p);
	if (ok && p->time) {
		struct strbuf s = {0};
		passes_print_timings(&s, p);
		fputs(s.data, stderr);
		strbuf_free(&s);
	}
	return ok && dr->diag.errors == 0; /* a dump may have failed */
}

/* ---- output ---- */

static bool
write_text(struct driver *dr, const char *path, struct strbuf *s)
{
	bool ok = file_write(&dr->diag, path, s->data != NULL ? s->data : "",
	    s->len);
	strbuf_free(s);
	return ok;
}

static bool
write_graph(struct driver *dr, const char *path)
{
	struct strbuf s = {0};
	if (dr->o.stage == STAGE_DOT)
		graph_dot(&s, dr->graph);
	else
		graph_print(&s, dr->graph, true);
	return write_text(dr, path, &s);
}

static bool
write_tile(struct driver *dr, const char *path)
{
	struct strbuf s = {0};
	tile_print(&s, dr->tile);
	return write_text(dr, path, &s);
}

static bool
write_asm(struct driver *dr, const char *path)
{
	struct strbuf s = {0};
	asm_print(&s, dr->program);
	return write_text(dr, path, &s);
}

/* OUT without its suffix, with another one. */
static const char *
beside(struct driver *dr, const char *suffix)
{
	const char *out = dr->o.output, *dot = strrchr(out, '.');
	const char *slash = strrchr(out, '/');
	size_t n = dot != NULL && (slash == NULL || dot > slash) ?
	    (size_t)(dot - out) : strlen(out);
	return arena_printf(dr->arena, "%.*s%s", (int)n, out, suffix);
}

/* ---- the pipeline ---- */

static bool
load_target(struct driver *dr)
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

/* Divides the batch over the groups of the chip where the graph allows it. */
static struct tile_program *
lower(struct driver *dr)
{
	int groups = (int)dr->target->groups;
	const char *why = "";
	step(dr, "lower");
	struct graph *share = groups > 1 ? graph_shard(dr->arena, dr->graph,
	    groups, &why) : NULL;
	if (groups > 1)
		diag_remark(&dr->diag, NULL, share != NULL ?
		    "lower: the batch is divided over %d groups%s" :
		    "lower: one of %d groups works: %s", groups,
		    share != NULL ? "" : why);
	return backend_tile(dr->arena, &dr->diag,
	    share != NULL ? share : dr->graph, dr->target,
	    share != NULL ? groups : 1);
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
make_tile(struct driver *dr)
{
	if (has_suffix(dr->o.input, ".wtl")) {
		step(dr, "parse tile IR");
		dr->tile = tile_parse(dr->arena, &dr->diag, dr->o.input,
		    dr->data, dr->size);
		return dr->tile != NULL &&
		    same_target(dr, dr->tile->target) &&
		    tile_verify(dr->tile, &dr->diag, "input") &&
		    tile_plan(dr->tile, &dr->diag);
	}
	dr->tile = lower(dr);
	return dr->tile != NULL;
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

static bool
make_program(struct driver *dr)
{
	struct backend_options opt = {.serialize = dr->o.serialize};
	if (has_suffix(dr->o.input, ".ws")) {
		step(dr, "assemble");
		dr->program = assemble(dr);
	} else {
		step(dr, "synchronise and encode");
		dr->program = backend_code(dr->arena, &dr->diag, dr->tile,
		    &opt);
	}
	return dr->program != NULL;
}

static bool
compile(struct driver *dr)
{
	bool graph = !has_suffix(dr->o.input, ".wtl") &&
	    !has_suffix(dr->o.input, ".ws");
	enum wavecc_stage stage = dr->o.stage;
	bool temps = dr->o.save_temps;
	if (!file_read(dr->arena, &dr->diag, dr->o.input, MODEL_LIMIT,
	    &dr->data, &dr->size))
		return false;
	if (graph && (!read_graph(dr) || !run_passes(dr)))
		return false;
	if (stage == STAGE_GRAPH || stage == STAGE_DOT) {
		if (graph)
			return write_graph(dr, dr->o.output);
		diag_error(&dr->diag, NULL, "%s holds no graph", dr->o.input);
		return false;
	}
	if (graph && temps && !write_graph(dr, beside(dr, ".wgr")))
		return false;
	if (!has_suffix(dr->o.input, ".ws")) {
		if (!make_tile(dr))
			return false;
		if (stage == STAGE_TILE)
			return write_tile(dr, dr->o.output);
		if (temps && !write_tile(dr, beside(dr, ".wtl")))
			return false;
	}
	if (!make_program(dr))
		return false;
	if (stage == STAGE_SYNTAX)
		return true;
	if (stage == STAGE_ASM)
		return write_asm(dr, dr->o.output);
	if (temps && !write_asm(dr, beside(dr, ".ws")))
		return false;
	step(dr, "write object");
	return object_write(&dr->diag, dr->o.output, dr->program);
}

static const char *const input_kinds[] = {".onnx", ".net", ".wgr", ".wtl",
    ".ws"};

static bool
known_input(struct driver *dr)
{
	for (size_t i = 0; i < sizeof input_kinds / sizeof *input_kinds; i++)
		if (has_suffix(dr->o.input, input_kinds[i]))
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
	bool net = has_suffix(in, ".net"), onnx = has_suffix(in, ".onnx");
	bool lowered = has_suffix(in, ".wtl") || has_suffix(in, ".ws");
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
	if (bad != NULL)
		diag_error(&dr->diag, NULL, "%s has no meaning for %s", bad,
		    in);
	return bad == NULL;
}

/* -###: the steps from the input to the output, as -v names them. */
static void
show_plan(const struct driver *dr)
{
	const char *in = dr->o.input;
	enum wavecc_stage stage = dr->o.stage;
	bool ws = has_suffix(in, ".ws"), wtl = has_suffix(in, ".wtl");
	fprintf(stderr, "wavecc: %s -> %s for %s\n", in,
	    stage == STAGE_SYNTAX ? "nothing" : dr->o.output,
	    dr->target->name);
	step(dr, ws ? "assemble" : wtl ? "parse tile IR" :
	    has_suffix(in, ".wgr") ? "parse graph IR" :
	    has_suffix(in, ".net") ? "read network" : "import ONNX");
	if (!ws && !wtl)
		step(dr, "run passes");
	if (stage == STAGE_GRAPH || stage == STAGE_DOT)
		return;
	if (!ws && !wtl)
		step(dr, "lower");
	if (!ws && stage != STAGE_TILE)
		step(dr, "synchronise and encode");
	if (stage == STAGE_OBJECT)
		step(dr, "write object");
}

static int
run(struct driver *dr)
{
	if (!known_input(dr) || !options_fit(dr) || !load_target(dr))
		return 1;
	if (dr->o.dry_run) {
		show_plan(dr);
		return 0;
	}
	return compile(dr) && dr->diag.errors == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct driver dr;
	memset(&dr, 0, sizeof dr);
	dr.arena = arena_new();
	dr.diag.fn = report;
	dr.diag.user = &dr;
	dr.o.arena = dr.arena;
	dr.o.diag = &dr.diag;
	int status = 0;
	switch (wavecc_parse(&dr.o, argc, argv)) {
	case WAVECC_COMPILE: status = run(&dr); break;
	case WAVECC_DONE: break;
	case WAVECC_BAD: status = 1; break;
	case WAVECC_USAGE: status = 2; break;
	}
	arena_free(dr.arena);
	return status;
}
