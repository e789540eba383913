/* wavecc: compiles a model ahead of time to an object for the accelerator. */
#include <stdio.h>
#include <string.h>

#include "backend/isa/asm.h"
#include "backend/object.h"
#include "ir/text.h"
#include "support/file.h"
#include "tools/driver.h"

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
	const struct graph *g = dr->o.entry_eval && dr->eval != NULL ?
	    dr->eval : dr->graph;
	if (dr->o.stage == STAGE_DOT)
		graph_dot(&s, g);
	else
		graph_print(&s, g, true);
	return write_text(dr, path, &s);
}

static bool
write_tile(struct driver *dr, const char *path)
{
	struct strbuf s = {0};
	tile_print(&s, dr->o.entry_eval && dr->eval_tile != NULL ?
	    dr->eval_tile : dr->tile);
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

static bool
emit_graph(struct driver *dr)
{
	if (driver_is_graph(dr))
		return write_graph(dr, dr->o.output);
	diag_error(&dr->diag, NULL, "%s holds no graph", dr->o.input);
	return false;
}

static bool
emit_onnx(struct driver *dr)
{
	if (!driver_is_graph(dr)) {
		diag_error(&dr->diag, NULL, "%s holds no graph", dr->o.input);
		return false;
	}
	if (!driver_read(dr) || !driver_train(dr) || !driver_model_passes(dr))
		return false;
	driver_say(dr, "write ONNX");
	return driver_write_onnx(dr, dr->eval != NULL ? dr->eval : dr->graph,
	    dr->o.output, NULL);
}

static bool
compile(struct driver *dr)
{
	bool graph = driver_is_graph(dr), temps = dr->o.save_temps;
	enum wavecc_stage stage = dr->o.stage;
	if (stage == STAGE_ONNX)
		return emit_onnx(dr);
	if (!driver_read(dr) ||
	    (graph && (!driver_train(dr) || !driver_passes(dr))))
		return false;
	if (stage == STAGE_GRAPH || stage == STAGE_DOT)
		return emit_graph(dr);
	if (graph && temps && !write_graph(dr, beside(dr, ".wgr")))
		return false;
	if (!driver_has_suffix(dr->o.input, ".ws")) {
		if (!driver_tile(dr))
			return false;
		if (stage == STAGE_TILE)
			return write_tile(dr, dr->o.output);
		if (temps && !write_tile(dr, beside(dr, ".wtl")))
			return false;
	}
	dr->pieces = stage == STAGE_OBJECT && !temps;
	if (!driver_code(dr))
		return false;
	if (stage == STAGE_SYNTAX)
		return true;
	if (stage == STAGE_ASM)
		return write_asm(dr, dr->o.output);
	if (temps && !write_asm(dr, beside(dr, ".ws")))
		return false;
	driver_say(dr, "write object");
	return object_write(&dr->diag, dr->o.output, dr->program);
}

/* -###: the steps from the input to the output, as -v names them. */
static void
show_plan(const struct driver *dr)
{
	const char *in = dr->o.input;
	enum wavecc_stage stage = dr->o.stage;
	bool ws = driver_has_suffix(in, ".ws");
	bool wtl = driver_has_suffix(in, ".wtl");
	fprintf(stderr, "wavecc: %s -> %s for %s\n", in,
	    stage == STAGE_SYNTAX ? "nothing" : dr->o.output,
	    dr->target->name);
	driver_say(dr, ws ? "assemble" : wtl ? "parse tile IR" :
	    driver_has_suffix(in, ".wgr") ? "parse graph IR" :
	    driver_has_suffix(in, ".net") ? "read network" : "import ONNX");
	if (dr->o.train.on)
		driver_say(dr, "derive the training step");
	if (!ws && !wtl)
		driver_say(dr, "run passes");
	if (stage == STAGE_ONNX)
		driver_say(dr, "write ONNX");
	if (stage == STAGE_GRAPH || stage == STAGE_DOT || stage == STAGE_ONNX)
		return;
	if (!ws && !wtl)
		driver_say(dr, "lower");
	if (!ws && stage != STAGE_TILE)
		driver_say(dr, "synchronise and encode");
	if (stage == STAGE_OBJECT)
		driver_say(dr, "write object");
}

static int
run(struct driver *dr)
{
	if (!driver_check(dr) || !driver_target(dr))
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
	driver_start(&dr, "wavecc");
	int status = 0;
	switch (wavecc_parse(&dr.o, argc, argv)) {
	case WAVECC_COMPILE: status = run(&dr); break;
	case WAVECC_DONE: break;
	case WAVECC_BAD: status = 1; break;
	case WAVECC_USAGE: status = 2; break;
	}
	driver_end(&dr);
	return status;
}
