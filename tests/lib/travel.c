#include "tests/lib/travel.h"

#include <string.h>

#include "backend/isa/asm.h"
#include "backend/object.h"
#include "ir/text.h"
#include "runtime/program.h"
#include "support/str.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

static bool
same(const struct bytes *a, const struct bytes *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* Moves the text into the arena. */
static struct bytes
keep(struct arena *a, struct strbuf *s)
{
	struct bytes b = {arena_memdup(a, s->data, s->len + 1), s->len};

	strbuf_free(s);
	return b;
}

static bool
object_of(struct arena *a, struct diag *d, const struct wave_program *p,
    struct bytes *b)
{
	return object_write_memory(a, d, p, &b->data, &b->size);
}

static struct bytes
graph_text(struct arena *a, const struct graph *g)
{
	struct strbuf s = {0};

	graph_print(&s, g, true);
	return keep(a, &s);
}

static const char *
graph_travels(struct arena *a, struct diag *d, const struct graph *g)
{
	struct bytes text = graph_text(a, g), again;
	struct graph *back = graph_parse(a, d, "g.wgr",
	    (const char *)text.data, text.size);

	if (back == NULL)
		return "the graph's text is not read";
	again = graph_text(a, back);
	return same(&text, &again) ? NULL : "the graph's text changes";
}

static struct bytes
tile_text(struct arena *a, const struct tile_program *p)
{
	struct strbuf s = {0};

	tile_print(&s, p);
	return keep(a, &s);
}

static const char *
tile_travels(struct arena *a, struct diag *d, const struct tile_program *p,
    const struct bytes *object)
{
	struct bytes text = tile_text(a, p), again;
	struct backend_options opt = {.serialize = false};
	struct tile_program *back = tile_parse(a, d, "p.wtl",
	    (const char *)text.data, text.size);
	struct wave_program *code;

	if (back == NULL)
		return "the tile text is not read";
	if (!tile_verify(back, d, "parse") || !tile_plan(back, d))
		return "the tile text is not planned";
	again = tile_text(a, back);
	if (!same(&text, &again))
		return "the tile text changes";
	code = backend_code(a, d, back, &opt);
	if (code == NULL || !object_of(a, d, code, &again))
		return "the tile text gives no code";
	return same(object, &again) ? NULL :
	    "the tile text gives another object";
}

static struct bytes
asm_text(struct arena *a, const struct wave_program *p)
{
	struct strbuf s = {0};

	asm_print(&s, p);
	return keep(a, &s);
}

static const char *
asm_travels(struct arena *a, struct diag *d, const struct wave_program *p,
    const struct bytes *object)
{
	struct bytes text = asm_text(a, p), again;
	struct wave_program *back = asm_parse(a, d, "p.ws",
	    (const char *)text.data, text.size);

	if (back == NULL)
		return "the assembly is not read";
	again = asm_text(a, back);
	if (!same(&text, &again))
		return "the assembly changes";
	if (!object_of(a, d, back, &again))
		return "the assembly gives no object";
	return same(object, &again) ? NULL :
	    "the assembly gives another object";
}

const char *
compiled_travels(struct arena *a, struct diag *d, const struct compiled *m)
{
	struct wave_program *back;
	struct bytes object, again;
	const char *why;

	if (!object_of(a, d, m->code, &object))
		return "no object";
	back = program_load(a, d, "p.wo", object.data, object.size);
	if (back == NULL)
		return "the object does not load";
	if (!object_of(a, d, back, &again) || !same(&object, &again))
		return "the object changes";
	why = graph_travels(a, d, m->graph);
	if (why == NULL)
		why = tile_travels(a, d, m->tile, &object);
	return why != NULL ? why : asm_travels(a, d, m->code, &object);
}

bool
compiled_equal(struct arena *a, struct diag *d, const struct compiled *x,
    const struct compiled *y)
{
	struct bytes ox, oy;

	return object_of(a, d, x->code, &ox) && object_of(a, d, y->code, &oy) &&
	    same(&ox, &oy);
}
