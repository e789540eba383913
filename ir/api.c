/* Public entry points of the graph IR. */
#include <wave/compiler.h>

#include "ir/text.h"
#include "support/context.h"

struct wave_graph *
wave_parse_graph(struct wave_context *c, const char *name, const char *text,
    size_t size)
{
	return (struct wave_graph *)graph_parse(c->arena, &c->diag, name,
	    text, size);
}

const char *
wave_print_graph(struct wave_context *c, const struct wave_graph *g)
{
	struct strbuf s = {0};
	graph_print(&s, (const struct graph *)g, true);
	const char *text = arena_strndup(c->arena, s.data, s.len);
	strbuf_free(&s);
	return text;
}
