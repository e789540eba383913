/* Calls: binding arguments of blocks and built-ins, naming layers. */
#include "frontend/net_run.h"

#include <stdlib.h>
#include <string.h>

#include "support/str.h"

#define ARG_NAME 24 /* of a built-in's argument */
#define WORD 24     /* longest name that is compared with others */
#define BLOCKS 64   /* running within each other */

/* ---- names of layers ---- */

/* "conv1", "conv2", ... within the running block. */
static const char *
automatic_name(struct run *r, const char *base)
{
	struct frame *f = r->top;
	struct counter fresh = {base, 0};
	size_t i = 0;

	while (i < f->counters.len &&
	    strcmp(f->counters.data[i].base, base) != 0)
		i++;
	if (i == f->counters.len)
		VEC_PUSH(r->arena, &f->counters, fresh);
	return arena_printf(r->arena, "%s%s%lld", f->prefix, base,
	    (long long)++f->counters.data[i].n);
}

static bool
name_is_plain(const char *s)
{
	const char *ok = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_.-";

	return *s != '\0' && s[strspn(s, ok)] == '\0';
}

/* name="": the layer is what its block is for and takes the block's name. */
static const char *
own_path(struct run *r, struct pos pos, const char *base)
{
	const char *prefix = r->top->prefix;

	if (r->top->name_used) {
		run_error(r, pos, "%s: only one layer of a block can have "
		    "the block's name", base);
		return NULL;
	}
	r->top->name_used = true;
	return arena_strndup(r->arena, prefix, strlen(prefix) - 1);
}

/* The full name of a layer or block; NULL after a report. */
static const char *
layer_path(struct run *r, struct pos pos, const char *base, struct val name)
{
	const char *path;

	if (name.kind == VAL_ERROR)
		return NULL;
	if (name.kind == VAL_NONE) {
		do
			path = automatic_name(r, base);
		while (names_get(r->paths, path) != NULL);
	} else if (name.kind == VAL_STRING && *name.s == '\0' &&
	    *r->top->prefix != '\0') {
		return own_path(r, pos, base);
	} else if (name.kind != VAL_STRING || !name_is_plain(name.s)) {
		run_error(r, pos, "%s: a name is a string of letters, digits "
		    "and _ . -, not %s", base, val_text(r, name));
		return NULL;
	} else {
		path = arena_printf(r->arena, "%s%s", r->top->prefix, name.s);
	}
	if (strlen(path) > 4 * RUN_STRING) {
		run_error(r, pos, "%s: its full name is longer than %d "
		    "characters", base, 4 * RUN_STRING);
		return NULL;
	}
	if (!names_put(r->paths, path, r->paths)) {
		run_error(r, pos, "%s: the name '%s' is taken", base, path);
		return NULL;
	}
	return path;
}

/* The argument name=, which is no argument of the callee. */
static struct val
name_argument(struct run *r, const struct expr *e)
{
	for (size_t i = 0; e->args != NULL && i < e->args->list.len; i++) {
		const struct arg *a = &e->args->list.data[i];

		if (a->name != NULL && strcmp(a->name, "name") == 0)
			return run_expr(r, a->value);
	}
	return (struct val){.kind = VAL_NONE};
}

static size_t
count_args(const struct expr *e)
{
	return e->args != NULL ? e->args->list.len : 0;
}

/* ---- blocks ---- */

static const char *
param_list(struct run *r, const struct block *b)
{
	const char *s = "no arguments";

	for (size_t i = 0; b->params != NULL && i < b->params->list.len; i++)
		s = i == 0 ? b->params->list.data[i].name :
		    arena_printf(r->arena, "%s, %s", s,
			b->params->list.data[i].name);
	return s;
}

/* The parameter that argument a at position `at` means; -1 after a report. */
static int
match_param(struct run *r, const struct block *b, const struct expr *e,
    const struct arg *a, size_t at)
{
	size_t n = b->params != NULL ? b->params->list.len : 0;

	if (a->name == NULL && at < n)
		return (int)at;
	if (a->name == NULL) {
		run_error(r, e->pos, "%s: too many arguments; it takes %s",
		    e->s, param_list(r, b));
		return -1;
	}
	for (size_t k = 0; k < n; k++)
		if (strcmp(b->params->list.data[k].name, a->name) == 0)
			return (int)k;
	run_error(r, a->pos, "%s: there is no argument '%s'; it takes %s",
	    e->s, a->name, param_list(r, b));
	return -1;
}

/* Evaluates the arguments in the caller's frame into v; NULL kinds stay
 * absent. */
static bool
bind_block(struct run *r, const struct block *b, const struct expr *e,
    struct val *v, bool *given)
{
	size_t at = 0;
	bool ok = true;

	for (size_t i = 0; i < count_args(e); i++) {
		const struct arg *a = &e->args->list.data[i];
		int k;

		if (a->name != NULL && strcmp(a->name, "name") == 0)
			continue;
		k = match_param(r, b, e, a, at);
		at += a->name == NULL;
		if (k < 0)
			return false;
		if (given[k]) {
			run_error(r, a->pos, "%s: argument '%s' is given "
			    "twice", e->s, b->params->list.data[k].name);
			return false;
		}
		given[k] = true;
		v[k] = run_expr(r, a->value);
		ok = ok && v[k].kind != VAL_ERROR;
	}
	return ok;
}

/* Defaults see the arguments before them. */
static bool
bind_defaults(struct run *r, const struct block *b, const struct expr *e,
    struct val *v, const bool *given)
{
	size_t n = b->params != NULL ? b->params->list.len : 0;

	for (size_t k = 0; k < n; k++) {
		const struct param *p = &b->params->list.data[k];

		if (!given[k] && p->dflt == NULL) {
			run_error(r, e->pos, "%s: argument '%s' is missing",
			    e->s, p->name);
			return false;
		}
		if (!given[k])
			v[k] = run_expr(r, p->dflt);
		if (v[k].kind == VAL_ERROR)
			return false;
		run_set(r, p->name, v[k]);
	}
	return true;
}

static struct val
call_block(struct run *r, const struct expr *e, const struct block *b)
{
	size_t n = b->params != NULL ? b->params->list.len : 0;
	struct val *v = NEW_ARRAY(r->arena, struct val, n + 1);
	bool *given = NEW_ARRAY(r->arena, bool, n + 1);
	struct frame *f = NEW(r->arena, struct frame);

	struct val name = name_argument(r, e);
	if (!bind_block(r, b, e, v, given))
		return val_error();
	const char *path = layer_path(r, e->pos, b->name, name);
	if (path == NULL)
		return val_error();
	f->up = r->top;
	f->block = b;
	f->call = e->pos;
	f->prefix = arena_printf(r->arena, "%s.", path);
	f->result.kind = VAL_NONE;
	r->top = f;
	if (bind_defaults(r, b, e, v, given))
		run_body(r, b->body);
	else
		f->result = val_error();
	if (f->result.kind == VAL_NONE && !f->returned && !r->stopped)
		f->result = run_error(r, b->pos, "block '%s' returns nothing",
		    b->name);
	r->top = f->up;
	return r->stopped ? val_error() : f->result;
}

/* Recursion may end, so depth is what counts. */
static bool
blocks_fit(struct run *r, const struct expr *e)
{
	int n = 0;

	for (const struct frame *f = r->top; f != NULL; f = f->up)
		n++;
	if (n <= BLOCKS)
		return true;
	run_error(r, e->pos, "more than %d blocks within each other; does "
	    "'%s' use itself?", BLOCKS, e->s);
	r->stopped = true;
	return false;
}

/* ---- built-ins ---- */

struct sig_arg {
	char name[ARG_NAME];
	char kind;
	const char *dflt; /* up to the next blank; NULL: must be given */
};

static size_t
read_signature(const char *s, struct sig_arg *out)
{
	size_t n = 0;

	while (*s != '\0') {
		size_t len = strcspn(s, " "), colon = strcspn(s, ":");
		struct sig_arg *a = &out[n++];

		if (n > CALL_ARGS || colon >= ARG_NAME || colon >= len)
			ice("net", "bad signature '%s'", s);
		memcpy(a->name, s, colon);
		a->name[colon] = '\0';
		a->kind = s[colon + 1];
		a->dflt = s[colon + 2] == '=' ? s + colon + 3 : NULL;
		s += len;
		s += *s == ' ';
	}
	return n;
}

/* A default of a signature as a value. */
static struct val
default_value(struct run *r, const struct sig_arg *a)
{
	const char *s = arena_strndup(r->arena, a->dflt,
	    strcspn(a->dflt, " "));
	double f;
	int64_t i;

	if (strcmp(s, "none") == 0)
		return (struct val){.kind = VAL_NONE};
	if (a->kind == 'w') /* the only one in the table */
		return (struct val){.kind = VAL_INIT,
		    .init.kind = INIT_FAN_UNIFORM};
	if (a->kind == 'b')
		return val_bool(strcmp(s, "true") == 0);
	if (parse_int64(s, &i))
		return a->kind == 'f' ? val_float((double)i) : val_int(i);
	if (parse_double(s, &f))
		return val_float(f);
	return val_string(s);
}

static const char *
kind_text(char kind)
{
	switch (kind) {
	case 't':
	case 'T': return "a tensor";
	case 'i': return "an integer";
	case 'f': return "a number";
	case 'b': return "true or false";
	case 's': return "a string";
	case 'l': return "an integer or a list of integers";
	case 'w': return "an initialiser such as zeros or he_normal";
	default: return "a value";
	}
}

static bool
is_int_list(struct val v)
{
	for (size_t i = 0; v.kind == VAL_LIST && i < v.l->n; i++)
		if (v.l->v[i].kind != VAL_INT)
			return false;
	return v.kind == VAL_LIST;
}

static bool
kind_fits(char kind, struct val *v)
{
	switch (kind) {
	case 't': return v->kind == VAL_TENSOR;
	case 'i': return v->kind == VAL_INT;
	case 'b': return v->kind == VAL_BOOL;
	case 's': return v->kind == VAL_STRING;
	case 'l': return v->kind == VAL_INT || is_int_list(*v);
	case 'w': return v->kind == VAL_INIT;
	case 'f':
		if (v->kind == VAL_INT)
			*v = val_float((double)v->i);
		return v->kind == VAL_FLOAT;
	default: return true;
	}
}

static const char *
signature_names(struct run *r, const struct sig_arg *sig, size_t n)
{
	const char *s = "no arguments";

	for (size_t i = 0; i < n; i++)
		s = i == 0 ? arena_strdup(r->arena, sig[i].name) :
		    arena_printf(r->arena, "%s, %s", s, sig[i].name);
	return s;
}

/* Where argument a at position `at` goes; -1 after a report. */
static int
match_builtin(struct call *c, const struct sig_arg *sig, const struct arg *a,
    size_t at)
{
	size_t n = (size_t)c->nargs;

	if (a->name == NULL && at < n)
		return (int)at;
	if (a->name == NULL) {
		call_error(c, "too many arguments; it takes %s",
		    signature_names(c->r, sig, n));
		return -1;
	}
	for (size_t k = 0; k < n; k++)
		if (strcmp(sig[k].name, a->name) == 0)
			return (int)k;
	run_error(c->r, a->pos, "%s: there is no argument '%s'; it takes %s",
	    c->builtin->name, a->name, signature_names(c->r, sig, n));
	return -1;
}

static bool
push_tensor(struct call *c, struct pos pos, struct val v)
{
	if (v.kind != VAL_TENSOR) {
		if (v.kind != VAL_ERROR)
			run_error(c->r, pos, "%s: needs tensors, not %s",
			    c->builtin->name, val_text(c->r, v));
		return false;
	}
	c->in[c->nin++] = v.t;
	return true;
}

/* All arguments by position and their lists, for kind T. */
static bool
gather_tensors(struct call *c, const struct expr *e)
{
	size_t n = count_args(e), room = 0;
	struct val *v = NEW_ARRAY(c->r->arena, struct val, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct arg *a = &e->args->list.data[i];

		if (a->name != NULL)
			continue;
		v[i] = run_expr(c->r, a->value);
		room += v[i].kind == VAL_LIST ? v[i].l->n : 1;
	}
	if (!run_step(c->r, c->pos, (int64_t)room))
		return false;
	c->in = NEW_ARRAY(c->r->arena, struct value *, room + 1);
	for (size_t i = 0; i < n; i++) {
		const struct arg *a = &e->args->list.data[i];
		size_t k = 0, len = v[i].kind == VAL_LIST ? v[i].l->n : 1;

		for (; a->name == NULL && k < len; k++)
			if (!push_tensor(c, a->pos, v[i].kind == VAL_LIST ?
			    v[i].l->v[k] : v[i]))
				return false;
	}
	if (c->nin == 0) {
		call_error(c, "needs at least one tensor");
		return false;
	}
	return true;
}

/* One argument into its place. */
static bool
bind_one(struct call *c, const struct sig_arg *sig, const struct arg *a,
    size_t at)
{
	int k = match_builtin(c, sig, a, at);

	if (k < 0)
		return false;
	if (c->given[k]) {
		run_error(c->r, a->pos, "%s: argument '%s' is given twice",
		    c->builtin->name, sig[k].name);
		return false;
	}
	struct val v = run_expr(c->r, a->value);
	if (v.kind == VAL_ERROR)
		return false;
	bool absent = v.kind == VAL_NONE && sig[k].dflt != NULL &&
	    strncmp(sig[k].dflt, "none", 4) == 0;
	if (!absent && !kind_fits(sig[k].kind, &v)) {
		run_error(c->r, a->pos, "%s: '%s' must be %s, not %s",
		    c->builtin->name, sig[k].name, kind_text(sig[k].kind),
		    val_text(c->r, v));
		return false;
	}
	c->given[k] = !absent;
	c->arg[k] = v;
	c->arg_pos[k] = a->pos;
	return true;
}

static bool
bind_builtin(struct call *c, const struct sig_arg *sig, const struct expr *e)
{
	bool many = c->nargs > 0 && sig[0].kind == 'T';
	size_t at = 0;

	if (many && !gather_tensors(c, e))
		return false;
	for (size_t i = 0; i < count_args(e); i++) {
		const struct arg *a = &e->args->list.data[i];

		if ((many && a->name == NULL) || (c->builtin->layer &&
		    a->name != NULL && strcmp(a->name, "name") == 0))
			continue;
		if (!bind_one(c, sig, a, at))
			return false;
		at += a->name == NULL;
	}
	for (int k = many; k < c->nargs; k++) {
		if (c->given[k])
			continue;
		if (sig[k].dflt == NULL) {
			call_error(c, "argument '%s' is missing",
			    sig[k].name);
			return false;
		}
		c->arg[k] = default_value(c->r, &sig[k]);
		c->arg_pos[k] = c->pos;
	}
	return true;
}

/* Counts and names a layer. */
static bool
enter_layer(struct call *c, struct val name)
{
	struct run *r = c->r;

	if (r->layers++ >= RUN_LAYERS) {
		run_error(r, c->pos, "more than %d layers", RUN_LAYERS);
		r->stopped = true;
		return false;
	}
	c->path = layer_path(r, c->pos, c->builtin->name, name);
	return c->path != NULL;
}

struct val
run_builtin(struct run *r, const struct expr *e, const struct builtin *b)
{
	struct sig_arg sig[CALL_ARGS] = {0};
	struct call *c = NEW(r->arena, struct call);
	struct val name = {.kind = VAL_NONE};

	*c = (struct call){.r = r, .builtin = b, .pos = e->pos};
	c->nargs = (int)read_signature(b->signature, sig);
	for (int i = 0; i < c->nargs; i++)
		c->arg_name[i] = arena_strdup(r->arena, sig[i].name);
	if (b->layer)
		name = name_argument(r, e);
	if (!bind_builtin(c, sig, e) || (b->layer && !enter_layer(c, name)))
		return val_error();
	return b->fn(c);
}

struct val
run_operator(struct run *r, const char *name, struct pos pos, struct val a,
    struct val b)
{
	const struct builtin *f = builtin_find(name);
	struct call *c = NEW(r->arena, struct call);
	struct val v[2] = {a, b};

	*c = (struct call){.r = r, .builtin = f, .pos = pos};
	c->in = NEW_ARRAY(r->arena, struct value *, 2);
	if (r->top == NULL || r->g == NULL)
		return run_error(r, pos, "there are no layers out here");
	if (!enter_layer(c, (struct val){.kind = VAL_NONE}))
		return val_error();
	enum dtype t = a.kind == VAL_TENSOR ? a.t->type.dtype :
	    b.t->type.dtype;
	for (int i = 0; i < 2; i++)
		c->in[c->nin++] = v[i].kind == VAL_TENSOR ? v[i].t :
		    layer_const(c, t, val_number(v[i]));
	return f->fn(c);
}

/* Insertions, deletions, changes and swaps of neighbours from a to b. */
static size_t
distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), d[WORD + 1][WORD + 1];

	if (n > WORD || m > WORD)
		return WORD;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			size_t best = i == 0 ? j : j == 0 ? i :
			    d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (i > 0 && d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (j > 0 && d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[n][m];
}

/* "; did you mean ...?" or "". */
static const char *
suggestion(struct run *r, const char *name)
{
	const struct builtin *all;
	const char *near = NULL;
	size_t n = builtin_all(&all), least = strlen(name) > 3 ? 3 : 2;

	for (size_t i = 0; i < n + r->u->blocks.len; i++) {
		const char *b = i < n ? all[i].name :
		    r->u->blocks.data[i - n]->name;
		size_t d = distance(name, b);

		if (d < least) {
			least = d;
			near = b;
		}
	}
	return near == NULL ? "" :
	    arena_printf(r->arena, "; did you mean '%s'?", near);
}

struct val
run_call(struct run *r, const struct expr *e)
{
	const struct block *b = names_get(r->blocks, e->s);
	const struct builtin *f = b == NULL ? builtin_find(e->s) : NULL;

	if (b == NULL && f == NULL)
		return run_error(r, e->pos, "there is no layer or block "
		    "'%s'%s", e->s, suggestion(r, e->s));
	if (r->top == NULL && (b != NULL || f->layer))
		return run_error(r, e->pos, "'%s' belongs into a block or "
		    "the network", e->s);
	if (b != NULL && !blocks_fit(r, e))
		return val_error();
	return b != NULL ? call_block(r, e, b) : run_builtin(r, e, f);
}

/* ---- for the functions of built-ins ---- */

static int
arg_index(const struct call *c, const char *name)
{
	for (int i = 0; i < c->nargs; i++)
		if (strcmp(c->arg_name[i], name) == 0)
			return i;
	ice("net", "%s has no argument %s", c->builtin->name, name);
}

struct val
call_arg(const struct call *c, const char *name)
{
	return c->arg[arg_index(c, name)];
}

bool
call_given(const struct call *c, const char *name)
{
	return c->given[arg_index(c, name)];
}

int64_t
call_int(const struct call *c, const char *name)
{
	return call_arg(c, name).i;
}

double
call_float(const struct call *c, const char *name)
{
	return call_arg(c, name).f;
}

bool
call_bool(const struct call *c, const char *name)
{
	return call_arg(c, name).i != 0;
}

const char *
call_string(const struct call *c, const char *name)
{
	return call_arg(c, name).s;
}

struct value *
call_tensor(const struct call *c, const char *name)
{
	return call_arg(c, name).t;
}

struct val
call_error(struct call *c, const char *fmt, ...)
{
	struct strbuf s = {0};
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	run_error(c->r, c->pos, "%s: %s", c->builtin->name, s.data);
	strbuf_free(&s);
	return val_error();
}

bool
call_ints(struct call *c, const char *name, int n, int64_t lo, int64_t hi,
    int64_t *v)
{
	int k = arg_index(c, name);
	struct val a = c->arg[k];

	if (a.kind == VAL_LIST && a.l->n != (size_t)n) {
		run_error(c->r, c->arg_pos[k], "%s: '%s' has %zu elements, "
		    "%d are needed", c->builtin->name, name, a.l->n, n);
		return false;
	}
	for (int i = 0; i < n; i++) {
		v[i] = a.kind == VAL_LIST ? a.l->v[i].i : a.i;
		if (v[i] >= lo && v[i] <= hi)
			continue;
		run_error(c->r, c->arg_pos[k], "%s: '%s' is %lld, it must be "
		    "%lld to %lld", c->builtin->name, name, (long long)v[i],
		    (long long)lo, (long long)hi);
		return false;
	}
	return true;
}

bool
call_axis(struct call *c, const char *name, int rank, int64_t *axis)
{
	int k = arg_index(c, name);
	int64_t v = c->arg[k].i;

	*axis = v < 0 ? v + rank : v;
	if (*axis >= 0 && *axis < rank)
		return true;
	run_error(c->r, c->arg_pos[k], "%s: '%s' is %lld, but the rank is %d",
	    c->builtin->name, name, (long long)v, rank);
	return false;
}
