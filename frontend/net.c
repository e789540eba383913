#include "frontend/net.h"

#include <string.h>

#include "frontend/net_run.h"
#include "support/str.h"

#define DEFAULT_MAX_BYTES (INT64_C(8) << 30)

/* ---- definitions from the command line ---- */

static struct val
text_value(const char *s)
{
	int64_t i;
	double f;

	if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
		return val_bool(*s == 't');
	if (parse_int64(s, &i))
		return val_int(i);
	if (parse_double(s, &f))
		return val_float(f);
	return val_string(s);
}

struct val
run_define(struct run *r, struct pos pos, const char *name, struct val v)
{
	for (size_t i = 0; i < r->opt->ndefines; i++) {
		const struct net_define *d = &r->opt->defines[i];

		if (strcmp(d->name, name) != 0)
			continue;
		struct val new = text_value(d->value);
		r->used[i] = true;
		if (new.kind == VAL_INT && v.kind == VAL_FLOAT)
			new = val_float((double)new.i);
		if (v.kind == VAL_ERROR || new.kind == v.kind)
			return new;
		return run_error(r, pos, "-D%s=%s does not fit: here is %s",
		    name, d->value, val_text(r, v));
	}
	return v;
}

/* Every -D must have met its name. */
static void
check_defines(struct run *r)
{
	for (size_t i = 0; i < r->opt->ndefines; i++)
		if (!r->used[i])
			run_error(r, r->u->network->pos, "network '%s' has "
			    "no argument or dimension '%s' for -D",
			    r->u->network->name, r->opt->defines[i].name);
}

/* ---- inputs ---- */

/* Names after `where`. The one that is the first dimension follows -fbatch. */
static bool
bind_where(struct run *r, const struct stmt *s, const struct expr *first)
{
	for (size_t i = 0; s->where != NULL && i < s->where->list.len; i++) {
		const struct arg *a = &s->where->list.data[i];
		struct val v = run_expr(r, a->value);

		if (v.kind != VAL_INT && v.kind != VAL_ERROR)
			v = run_error(r, a->value->pos, "the extent %s must "
			    "be an integer, not %s", a->name,
			    val_text(r, v));
		if (v.kind == VAL_INT)
			v = run_define(r, a->pos, a->name, v);
		if (v.kind == VAL_ERROR)
			return false;
		if (run_get(r, a->name) != NULL) {
			run_error(r, a->pos, "'%s' has a value already",
			    a->name);
			return false;
		}
		if (r->opt->batch > 0 && first != NULL &&
		    first->kind == EXPR_NAME &&
		    strcmp(first->s, a->name) == 0)
			v = val_int(r->opt->batch);
		run_set(r, a->name, v);
	}
	return true;
}

static bool
input_type(struct run *r, const struct stmt *s, struct tensor_type *t)
{
	size_t n = s->dims != NULL ? s->dims->list.len : 0;
	enum dtype dtype = dtype_parse(s->dtype);
	char buf[TYPE_STR_MAX];

	if (dtype == DT_NONE) {
		run_error(r, s->dtype_pos, "there is no dtype '%s'; f32 is "
		    "usual", s->dtype);
		return false;
	}
	if (n > MAX_RANK) {
		run_error(r, s->pos, "input '%s' has %zu dimensions, at most "
		    "%d are possible", s->name, n, MAX_RANK);
		return false;
	}
	*t = (struct tensor_type){.dtype = dtype, .rank = (int)n};
	for (size_t i = 0; i < n; i++) {
		const struct expr *e = s->dims->list.data[i].value;
		struct val v = run_expr(r, e);

		if (v.kind == VAL_INT && i == 0 && r->opt->batch > 0)
			v.i = r->opt->batch;
		if (v.kind == VAL_INT && v.i >= 1 && v.i <= MAX_DIM) {
			t->dim[i] = v.i;
			continue;
		}
		if (v.kind != VAL_ERROR)
			run_error(r, e->pos, "an extent is a positive "
			    "integer, not %s", val_text(r, v));
		return false;
	}
	if (type_valid(t))
		return true;
	run_error(r, s->pos, "input '%s' is too large: %s", s->name,
	    type_str(t, buf, sizeof buf));
	return false;
}

void
run_input(struct run *r, const struct stmt *s)
{
	const struct expr *first = s->dims != NULL ?
	    s->dims->list.data[0].value : NULL;
	struct tensor_type t;
	struct val v = val_error();

	if (names_get(r->paths, s->name) != NULL)
		run_error(r, s->pos, "the name '%s' is taken", s->name);
	else if (bind_where(r, s, first) && input_type(r, s, &t)) {
		names_put(r->paths, s->name, r->paths);
		v = val_tensor(graph_input(r->g, s->name, &t));
		v.t->loc = (struct loc){s->pos.file, s->pos.line, s->pos.col,
		    NULL};
	}
	run_set(r, s->name, v);
}

/* ---- the network ---- */

static void
run_network(struct run *r)
{
	const struct block *b = r->u->network;
	struct frame f = {.block = b, .call = b->pos, .prefix = "",
	    .network = true};
	size_t n = b->params != NULL ? b->params->list.len : 0;

	r->top = &f;
	for (size_t i = 0; i < n && !r->stopped; i++) {
		const struct param *p = &b->params->list.data[i];
		struct val v = p->dflt != NULL ? run_expr(r, p->dflt) :
		    val_error();

		v = run_define(r, p->pos, p->name, v);
		if (p->dflt == NULL && v.kind == VAL_ERROR)
			run_error(r, p->pos, "argument '%s' of the network "
			    "needs a default or -D%s=...", p->name, p->name);
		run_set(r, p->name, v);
	}
	if (r->u->errors == 0)
		run_body(r, b->body);
	r->top = NULL;
	if (r->u->errors > 0)
		return;
	check_defines(r);
	if (r->g->inputs.len == 0)
		run_error(r, b->pos, "network '%s' has no input", b->name);
	else if (r->g->outputs.len == 0)
		run_error(r, b->pos, "network '%s' has no output", b->name);
}

static void
run_globals(struct run *r)
{
	for (size_t i = 0; i < r->u->globals.len; i++) {
		const struct stmt *s = r->u->globals.data[i];
		struct var var = {s->name, run_expr(r, s->a)};

		if (run_get(r, s->name) != NULL)
			run_error(r, s->pos, "'%s' has a value already",
			    s->name);
		else
			VEC_PUSH(r->arena, &r->globals, var);
	}
}

static void
run_unit(struct run *r)
{
	for (size_t i = 0; i < r->u->blocks.len; i++) {
		struct block *b = r->u->blocks.data[i];

		names_put(r->blocks, b->name, b);
	}
	run_globals(r);
	if (r->u->errors == 0)
		run_network(r);
	if (r->u->train != NULL && !r->stopped)
		run_train(r, r->u->train);
}

struct graph *
net_parse(struct arena *a, struct diag *d, const char *path,
    const char *text, size_t len, const struct net_options *opt,
    struct net_train *train)
{
	static const struct net_options none;
	struct unit_text u = {.arena = a, .diag = d};
	struct net_train ignored;
	struct run r = {.u = &u, .arena = a, .opt = opt != NULL ? opt :
	    &none, .train = train != NULL ? train : &ignored};

	memset(r.train, 0, sizeof *r.train);
	path = arena_strdup(a, path);
	unit_read(&u, path, text, len);
	if (u.network == NULL && u.errors == 0)
		net_error(&u, (struct pos){path, 0, 0}, "there is no network "
		    "in this file");
	if (u.errors > 0)
		return NULL;
	r.blocks = names_new(a);
	r.paths = names_new(a);
	r.used = NEW_ARRAY(a, bool, r.opt->ndefines + 1);
	r.max_bytes = r.opt->max_bytes > 0 ? r.opt->max_bytes :
	    DEFAULT_MAX_BYTES;
	r.g = graph_new(a, u.network->name);
	r.g->source = path;
	run_unit(&r);
	return u.errors == 0 ? r.g : NULL;
}
