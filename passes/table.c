/* The tables of passes, steps and order constraints as data. */
#include <string.h>

#include "passes/pass.h"

static const struct pass_info infos[PASS_COUNT] = {
#define PASS(id, name, level, flags, requires, establishes, breaks, args,   \
    summary)                                                                \
	[PASS_##id] = {name, level, flags, requires, establishes, breaks,   \
	    args, summary},
#include "passes/passes.def"
};

static const struct pass_step steps[] = {
#define STEP(group, pass) {group, PASS_##pass},
#include "passes/pipeline.def"
};

static const struct pass_order orders[] = {
#define BEFORE(a, b, reason) {ORDER_BEFORE, PASS_##a, PASS_##b, reason},
#define NEEDS(a, b, reason) {ORDER_NEEDS, PASS_##a, PASS_##b, reason},
#define AFTER(a, b, reason) {ORDER_AFTER, PASS_##a, PASS_##b, reason},
#include "passes/order.def"
};

const struct pass_info *
pass_info(enum pass_id id)
{
	return &infos[id];
}

enum pass_id
pass_parse(const char *name)
{
	for (int i = 0; i < PASS_COUNT; i++)
		if (strcmp(infos[i].name, name) == 0)
			return (enum pass_id)i;
	return PASS_COUNT;
}

const struct pass_step *
pass_pipeline(size_t *n)
{
	*n = sizeof steps / sizeof steps[0];
	return steps;
}

const struct pass_order *
pass_orders(size_t *n)
{
	*n = sizeof orders / sizeof orders[0];
	return orders;
}

/* A step of pass p with index in [from, to). */
static bool
has_step(const struct pass_step *s, size_t from, size_t to, enum pass_id p)
{
	for (size_t i = from; i < to; i++)
		if (s[i].pass == p)
			return true;
	return false;
}

bool
pass_order_holds(const struct pass_order *o, const struct pass_step *s,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (o->kind == ORDER_BEFORE && s[i].pass == o->b &&
		    has_step(s, i + 1, n, o->a))
			return false;
		if (o->kind == ORDER_NEEDS && s[i].pass == o->a &&
		    !has_step(s, 0, i, o->b))
			return false;
		if (o->kind == ORDER_AFTER && s[i].pass == o->a &&
		    !has_step(s, i + 1, n, o->b))
			return false;
	}
	return true;
}

static void
help_row(struct strbuf *out, const struct pass_info *p)
{
	char head[64];
	size_t len;

	strbuf_addf(out, "  %s", p->name);
	if (p->args[0] != '\0')
		strbuf_addf(out, "[=%s]", p->args);
	len = strlen(p->name) + (p->args[0] ? strlen(p->args) + 3 : 0);
	memset(head, ' ', sizeof head);
	head[len < 22 ? 22 - len : 1] = '\0';
	strbuf_add(out, head);
	strbuf_addf(out, "-O%d%s  %s\n", p->level,
	    p->flags & PASS_REQUIRED ? "  required" : "          ",
	    p->summary);
}

void
passes_help(struct strbuf *out)
{
	strbuf_add(out, "Passes over the graph, by -fPASS[=ARGS] and "
	    "-fno-PASS, with the first -O level\nthat runs them:\n");
	for (int i = 0; i < PASS_COUNT; i++)
		help_row(out, &infos[i]);
	strbuf_add(out, "Pipeline:");
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		strbuf_addf(out, " %s", infos[steps[i].pass].name);
	strbuf_add(out, "\n");
}
