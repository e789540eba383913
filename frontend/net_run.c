/* Statements and expressions. */
#include "frontend/net_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTES 3 /* blocks named below an error */

static bool
same_place(struct pos a, struct pos b)
{
	return a.file == b.file && a.line == b.line && a.col == b.col;
}

struct val
run_error(struct run *r, struct pos pos, const char *fmt, ...)
{
	const size_t size = sizeof r->last / sizeof *r->last;
	char text[600];
	va_list ap;
	int notes = 0;

	for (size_t i = 0; i < size && i < r->nlast; i++)
		if (same_place(r->last[i], pos))
			return val_error();
	r->last[r->nlast++ % size] = pos;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->u->errors < NET_MAX_ERRORS) {
		net_error(r->u, pos, "%s", text);
		for (const struct frame *f = r->top; f != NULL && !f->network
		    && f->block != NULL && notes++ < NOTES; f = f->up)
			net_note(r->u, f->call, "in block '%s', used here",
			    f->block->name);
	}
	if (r->u->errors >= NET_MAX_ERRORS)
		r->stopped = true;
	return val_error();
}

bool
run_step(struct run *r, struct pos pos, int64_t n)
{
	if (r->stopped)
		return false;
	r->steps += n;
	if (r->steps <= RUN_STEPS)
		return true;
	run_error(r, pos, "this takes more than %d steps", RUN_STEPS);
	r->stopped = true;
	return false;
}

/* One level deeper, to be left by --r->depth. */
static bool
descend(struct run *r, struct pos pos)
{
	if (r->depth >= RUN_DEPTH) {
		run_error(r, pos, "blocks and expressions are nested too "
		    "deep here; does a block use itself?");
		r->stopped = true;
		return false;
	}
	r->depth++;
	return true;
}

/* ---- variables ---- */

static struct val *
find(const struct run *r, const char *name)
{
	struct frame *f = r->top;

	for (size_t i = 0; f != NULL && i < f->vars.len; i++)
		if (strcmp(f->vars.data[i].name, name) == 0)
			return &f->vars.data[i].v;
	return NULL;
}

const struct val *
run_get(const struct run *r, const char *name)
{
	const struct val *v = find(r, name);

	for (size_t i = 0; v == NULL && i < r->globals.len; i++)
		if (strcmp(r->globals.data[i].name, name) == 0)
			v = &r->globals.data[i].v;
	return v;
}

void
run_set(struct run *r, const char *name, struct val v)
{
	struct val *old = find(r, name);
	struct var var = {name, v};

	if (old != NULL) {
		*old = v;
	} else if (r->top->vars.len == NET_MAX_NAMES) {
		run_error(r, r->top->block->pos, "'%s' has more than %d names",
		    r->top->block->name, NET_MAX_NAMES);
		r->stopped = true;
	} else {
		VEC_PUSH(r->arena, &r->top->vars, var);
	}
}

/* ---- expressions ---- */

static struct val
name_value(struct run *r, const struct expr *e)
{
	const struct val *v = run_get(r, e->s);
	const struct builtin *b = v == NULL ? builtin_find(e->s) : NULL;

	if (v != NULL)
		return *v;
	if (b != NULL && b->fn == builtin_initialiser)
		return run_call(r, e);
	if (b != NULL || names_get(r->blocks, e->s) != NULL)
		return run_error(r, e->pos, "'%s' needs (...) here", e->s);
	return run_error(r, e->pos, "nothing is called '%s' here", e->s);
}

static struct val
list_value(struct run *r, const struct expr *e)
{
	size_t n = e->args != NULL ? e->args->list.len : 0;
	bool bad = false;

	if (n > RUN_LIST)
		return run_error(r, e->pos, "a list of more than %d "
		    "elements", RUN_LIST);
	struct val *v = NEW_ARRAY(r->arena, struct val, n > 0 ? n : 1);
	for (size_t i = 0; i < n; i++) {
		v[i] = run_expr(r, e->args->list.data[i].value);
		bad = bad || v[i].kind == VAL_ERROR;
	}
	return bad ? val_error() : val_list(r, v, n);
}

static struct val
index_value(struct run *r, const struct expr *e)
{
	struct val l = run_expr(r, e->a), i = run_expr(r, e->b);

	if (l.kind == VAL_ERROR || i.kind == VAL_ERROR)
		return val_error();
	if (l.kind != VAL_LIST || i.kind != VAL_INT)
		return run_error(r, e->pos, "[] takes a list and an integer, "
		    "not %s and %s", val_text(r, l), val_text(r, i));
	int64_t n = (int64_t)l.l->n, at = i.i < 0 ? i.i + n : i.i;
	if (at < 0 || at >= n)
		return run_error(r, e->pos, "there is no element %lld in %s",
		    (long long)i.i, val_text(r, l));
	return l.l->v[at];
}

static struct val
unary_value(struct run *r, const struct expr *e)
{
	struct val v = run_expr(r, e->a);

	if (v.kind == VAL_ERROR)
		return v;
	if (e->kind == EXPR_NOT)
		return val_bool(!val_condition(r, e->pos, v));
	if (v.kind == VAL_FLOAT)
		return val_float(-v.f);
	return val_binary(r, v.kind == VAL_TENSOR ? BIN_MUL : BIN_SUB,
	    e->pos, v.kind == VAL_TENSOR ? v : val_int(0),
	    v.kind == VAL_TENSOR ? val_int(-1) : v);
}

/* and, or, if: not all operands run. */
static struct val
lazy_value(struct run *r, const struct expr *e)
{
	struct val a = run_expr(r, e->a);

	if (a.kind == VAL_ERROR)
		return a;
	bool yes = val_condition(r, e->a->pos, a);
	if (a.kind != VAL_BOOL)
		return val_error();
	if (e->kind == EXPR_IF)
		return run_expr(r, yes ? e->b : e->c);
	if (yes == (e->kind == EXPR_OR))
		return a;
	struct val b = run_expr(r, e->b);
	if (b.kind == VAL_ERROR)
		return b;
	yes = val_condition(r, e->b->pos, b);
	return b.kind == VAL_BOOL ? val_bool(yes) : val_error();
}

static struct val
expr_value(struct run *r, const struct expr *e)
{
	struct val a;

	switch (e->kind) {
	case EXPR_INT: return val_int(e->i);
	case EXPR_FLOAT: return val_float(e->f);
	case EXPR_BOOL: return val_bool(e->i != 0);
	case EXPR_STRING: return val_string(e->s);
	case EXPR_NONE: return (struct val){.kind = VAL_NONE};
	case EXPR_NAME: return name_value(r, e);
	case EXPR_LIST: return list_value(r, e);
	case EXPR_NOT:
	case EXPR_NEG: return unary_value(r, e);
	case EXPR_BINARY:
		a = run_expr(r, e->a);
		return val_binary(r, e->op, e->pos, a, run_expr(r, e->b));
	case EXPR_AND:
	case EXPR_OR:
	case EXPR_IF: return lazy_value(r, e);
	case EXPR_INDEX: return index_value(r, e);
	case EXPR_CALL: return run_call(r, e);
	}
	return val_error();
}

struct val
run_expr(struct run *r, const struct expr *e)
{
	struct val v;

	if (!run_step(r, e->pos, 1) || !descend(r, e->pos))
		return val_error();
	v = expr_value(r, e);
	r->depth--;
	return v;
}

/* ---- statements ---- */

static void
repeat_range(struct run *r, const struct stmt *s)
{
	struct val a = run_expr(r, s->a), b = run_expr(r, s->b);

	if (a.kind == VAL_ERROR || b.kind == VAL_ERROR)
		return;
	if (a.kind != VAL_INT || b.kind != VAL_INT) {
		run_error(r, s->a->pos, "repeat counts with integers, not "
		    "from %s to %s", val_text(r, a), val_text(r, b));
		return;
	}
	for (int64_t i = a.i; i < b.i && !r->stopped && !r->top->returned;
	    i++) {
		if (!run_step(r, s->pos, 1))
			return;
		run_set(r, s->name, val_int(i));
		run_body(r, s->body);
	}
}

static void
repeat_list(struct run *r, const struct stmt *s)
{
	struct val l = run_expr(r, s->a);

	if (l.kind == VAL_ERROR)
		return;
	if (l.kind != VAL_LIST) {
		run_error(r, s->a->pos, "repeat goes over a list or a range "
		    "as 0..3, not over %s", val_text(r, l));
		return;
	}
	for (size_t i = 0; i < l.l->n && !r->stopped && !r->top->returned;
	    i++) {
		run_set(r, s->name, l.l->v[i]);
		run_body(r, s->body);
	}
}

/* Whether the network may have an input or output of that name here. */
static bool
may_declare(struct run *r, const struct stmt *s, const char *what)
{
	if (r->top->network)
		return true;
	run_error(r, s->pos, "%s belongs into the network, not into a block",
	    what);
	return false;
}

static void
run_output(struct run *r, const struct stmt *s)
{
	struct val v = run_expr(r, s->a);

	if (!may_declare(r, s, "an output") || v.kind == VAL_ERROR)
		return;
	if (v.kind != VAL_TENSOR) {
		run_error(r, s->a->pos, "an output is a tensor, not %s",
		    val_text(r, v));
		return;
	}
	for (size_t i = 0; i < r->g->output_names.len; i++)
		if (strcmp(r->g->output_names.data[i], s->name) == 0) {
			run_error(r, s->pos, "there is an output '%s' "
			    "already", s->name);
			return;
		}
	if (r->g->outputs.len == NET_MAX_NAMES) {
		run_error(r, s->pos, "more than %d outputs", NET_MAX_NAMES);
		r->stopped = true;
		return;
	}
	graph_output(r->g, v.t, s->name);
}

static void
run_alone(struct run *r, const struct stmt *s)
{
	struct val v = run_expr(r, s->a);

	if (v.kind != VAL_ERROR && v.kind != VAL_NONE)
		run_error(r, s->a->pos, "the result is not used; give it a "
		    "name or return it");
}

static void
run_return(struct run *r, const struct stmt *s)
{
	struct val v = run_expr(r, s->a);

	if (r->top->network) {
		run_error(r, s->pos, "a network has outputs, it returns "
		    "nothing");
		return;
	}
	r->top->returned = true;
	r->top->result = v;
}

static void
run_stmt(struct run *r, const struct stmt *s)
{
	struct val v;

	switch (s->kind) {
	case STMT_EXPR: run_alone(r, s); break;
	case STMT_ASSIGN: run_set(r, s->name, run_expr(r, s->a)); break;
	case STMT_RETURN: run_return(r, s); break;
	case STMT_IF:
		v = run_expr(r, s->a);
		if (v.kind == VAL_ERROR)
			break;
		if (val_condition(r, s->a->pos, v))
			run_body(r, s->body);
		else if (v.kind == VAL_BOOL)
			run_body(r, s->orelse);
		break;
	case STMT_REPEAT:
		if (s->b != NULL)
			repeat_range(r, s);
		else
			repeat_list(r, s);
		break;
	case STMT_INPUT:
		if (may_declare(r, s, "an input"))
			run_input(r, s);
		break;
	case STMT_OUTPUT: run_output(r, s); break;
	}
}

void
run_body(struct run *r, const struct stmts *body)
{
	for (size_t i = 0; body != NULL && i < body->list.len; i++) {
		const struct stmt *s = body->list.data[i];

		if (r->stopped || r->top->returned || !run_step(r, s->pos, 1)
		    || !descend(r, s->pos))
			return;
		run_stmt(r, s);
		r->depth--;
	}
}
