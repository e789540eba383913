#include "frontend/net_ast.h"

#include <stdarg.h>
#include <string.h>

static struct loc
loc_of(struct pos p)
{
	return (struct loc){p.file, p.line, p.col, NULL};
}

void
net_error(struct unit_text *u, struct pos pos, const char *fmt, ...)
{
	struct loc loc = loc_of(pos);
	va_list ap;

	if (u->errors++ >= NET_MAX_ERRORS)
		return;
	va_start(ap, fmt);
	diag_vreport(u->diag, DIAG_ERROR, &loc, fmt, ap);
	va_end(ap);
	if (u->errors == NET_MAX_ERRORS)
		diag_error(u->diag, NULL, "too many errors, giving up");
}

void
net_note(struct unit_text *u, struct pos pos, const char *fmt, ...)
{
	struct loc loc = loc_of(pos);
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(u->diag, DIAG_NOTE, &loc, fmt, ap);
	va_end(ap);
}

static int
depth_of(const struct expr *e)
{
	return e != NULL ? e->depth : 0;
}

static int
larger(int a, int b)
{
	return a > b ? a : b;
}

/* Cuts what lies below when it is too deep to walk. */
static struct expr *
settle(struct unit_text *u, struct expr *e)
{
	int d = larger(depth_of(e->a), larger(depth_of(e->b),
	    depth_of(e->c)));

	for (size_t i = 0; e->args != NULL && i < e->args->list.len; i++)
		d = larger(d, depth_of(e->args->list.data[i].value));
	e->depth = d + 1;
	if (e->depth > NET_MAX_DEPTH) {
		net_error(u, e->pos, "this is nested too deep");
		*e = (struct expr){.kind = EXPR_NONE, .pos = e->pos,
		    .depth = 1};
	}
	return e;
}

struct expr *
expr_new(struct unit_text *u, enum expr_kind kind, struct pos pos,
    struct expr *a, struct expr *b, struct expr *c)
{
	struct expr *e = NEW(u->arena, struct expr);

	e->kind = kind;
	e->pos = pos;
	e->a = a;
	e->b = b;
	e->c = c;
	return settle(u, e);
}

struct expr *
expr_binary(struct unit_text *u, enum binary op, struct pos pos,
    struct expr *a, struct expr *b)
{
	struct expr *e = expr_new(u, EXPR_BINARY, pos, a, b, NULL);

	e->op = op;
	return e;
}

static struct expr *
with_args(struct unit_text *u, enum expr_kind kind, struct pos pos,
    const char *name, struct args *args)
{
	struct expr *e = NEW(u->arena, struct expr);

	e->kind = kind;
	e->pos = pos;
	e->s = name;
	e->args = args;
	return settle(u, e);
}

struct expr *
expr_call(struct unit_text *u, struct pos pos, const char *name,
    struct args *args)
{
	return with_args(u, EXPR_CALL, pos, name, args);
}

struct expr *
expr_list(struct unit_text *u, struct pos pos, struct args *items)
{
	return with_args(u, EXPR_LIST, pos, NULL, items);
}

struct expr *
expr_pipe(struct unit_text *u, struct pos pos, struct expr *x,
    struct expr *call)
{
	struct args *all = args_add(u, NULL, NULL, x->pos, x);

	for (size_t i = 0; call->args != NULL && i < call->args->list.len;
	    i++)
		VEC_PUSH(u->arena, &all->list, call->args->list.data[i]);
	return with_args(u, EXPR_CALL, pos, call->s, all);
}

struct args *
args_add(struct unit_text *u, struct args *l, const char *name,
    struct pos pos, struct expr *value)
{
	struct arg a = {name, pos, value};

	if (l == NULL)
		l = NEW(u->arena, struct args);
	VEC_PUSH(u->arena, &l->list, a);
	return l;
}

struct params *
params_add(struct unit_text *u, struct params *l, const char *name,
    struct pos pos, struct expr *dflt)
{
	struct param p = {name, pos, dflt};

	if (l == NULL)
		l = NEW(u->arena, struct params);
	if (l->list.len == NET_MAX_NAMES) {
		net_error(u, pos, "more than %d arguments", NET_MAX_NAMES);
		return l;
	}
	for (size_t i = 0; i < l->list.len; i++)
		if (strcmp(l->list.data[i].name, name) == 0) {
			net_error(u, pos, "argument '%s' is declared twice",
			    name);
			return l;
		}
	VEC_PUSH(u->arena, &l->list, p);
	return l;
}

struct stmts *
stmts_add(struct unit_text *u, struct stmts *l, struct stmt *s)
{
	if (l == NULL)
		l = NEW(u->arena, struct stmts);
	VEC_PUSH(u->arena, &l->list, s);
	return l;
}

struct stmt *
stmt_new(struct unit_text *u, enum stmt_kind kind, struct pos pos,
    const char *name, struct expr *a)
{
	struct stmt *s = NEW(u->arena, struct stmt);

	s->kind = kind;
	s->pos = pos;
	s->name = name;
	s->a = a;
	return s;
}

static int
depth_of_body(const struct stmts *l)
{
	int d = 0;

	for (size_t i = 0; l != NULL && i < l->list.len; i++)
		d = larger(d, l->list.data[i]->depth);
	return d;
}

void
stmt_depth(struct unit_text *u, struct stmt *st)
{
	st->depth = 1 + larger(depth_of_body(st->body),
	    depth_of_body(st->orelse));
	if (st->depth > NET_MAX_DEPTH) {
		net_error(u, st->pos, "this is nested too deep");
		st->body = st->orelse = NULL;
		st->depth = 1;
	}
}

struct settings *
settings_add(struct unit_text *u, struct settings *l, const char *key,
    struct pos pos, struct expr *value)
{
	struct setting s = {key, pos, value};

	if (l == NULL)
		l = NEW(u->arena, struct settings);
	VEC_PUSH(u->arena, &l->list, s);
	return l;
}
