#include "support/context.h"

#include <stdlib.h>

#define MESSAGE_MAX 2048

static void
forward(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	static const enum wave_level levels[] = {[DIAG_ERROR] = WAVE_ERROR,
	    [DIAG_WARNING] = WAVE_WARNING, [DIAG_REMARK] = WAVE_REMARK,
	    [DIAG_NOTE] = WAVE_NOTE};
	const struct wave_context *c = user;
	char line[MESSAGE_MAX];
	if (c->fn == NULL)
		return;
	diag_format(line, sizeof line, "wave", level, loc, text);
	c->fn(c->user, levels[level], line);
}

struct wave_context *
wave_context_new(wave_message_fn *fn, void *user)
{
	struct wave_context *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->arena = arena_new();
	c->fn = fn;
	c->user = user;
	c->diag.fn = forward;
	c->diag.user = c;
	return c;
}

void
wave_context_free(struct wave_context *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c);
}

unsigned
wave_context_errors(const struct wave_context *c)
{
	return c->diag.errors;
}
