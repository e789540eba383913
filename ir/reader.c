/* Reading the text form: from lines to the graph. */
#include "ir/reader.h"

#include "ir/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_ERRORS 20
#define MAX_LIST ((size_t)1 << 20)
#define LINE_BYTES ((size_t)1 << 20)

void
reader_error(struct reader *r, struct pos pos, const char *fmt, ...)
{
	struct loc l = {.file = r->file, .line = pos.line, .col = pos.col};
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(r->diag, DIAG_ERROR, &l, fmt, ap);
	va_end(ap);
	r->errors++;
	r->reported++;
}

/* --- lists --- */

/* Room for one more item, or one report. */
static bool
list_room(struct reader *r, size_t len)
{
	if (len == MAX_LIST && r->errors == r->errors_before)
		reader_error(r, (struct pos){r->at_line, r->at_col},
		    "this list is longer than %zu items", MAX_LIST);
	return len < MAX_LIST;
}

struct words *
words_add(struct reader *r, struct words *l, struct word w)
{
	if (l == NULL)
		l = NEW(r->line, struct words);
	if (list_room(r, l->list.len))
		VEC_PUSH(r->line, &l->list, w);
	return l;
}

struct results_text *
results_add(struct reader *r, struct results_text *l, struct word value,
    struct word name)
{
	struct result_text t = {value, name};

	if (l == NULL)
		l = NEW(r->line, struct results_text);
	if (list_room(r, l->list.len))
		VEC_PUSH(r->line, &l->list, t);
	return l;
}

struct attrs_text *
attrs_add(struct reader *r, struct attrs_text *l, struct word name,
    struct word value, struct words *list)
{
	struct attr_text t = {name, value, list};

	if (l == NULL)
		l = NEW(r->line, struct attrs_text);
	if (list_room(r, l->list.len))
		VEC_PUSH(r->line, &l->list, t);
	return l;
}

struct types_text *
types_add(struct reader *r, struct types_text *l, struct type_text t)
{
	if (l == NULL)
		l = NEW(r->line, struct types_text);
	if (list_room(r, l->list.len))
		VEC_PUSH(r->line, &l->list, t);
	return l;
}

/* --- symbols --- */

void
reader_define(struct reader *r, const char *name, int line, struct value *v)
{
	struct symbol *s = NEW(r->keep, struct symbol);

	s->value = v;
	s->line = line;
	names_put(r->symbols, arena_strdup(r->keep, name), s);
}

/* Reports when w is defined already. */
bool
reader_is_new(struct reader *r, struct word w)
{
	const struct symbol *s = names_get(r->symbols, w.text);

	if (s == NULL)
		return true;
	if (s->value != NULL)
		reader_error(r, w.pos, "%s is defined twice, first in line "
		    "%d", w.text, s->line);
	else
		r->errors++; /* that error was reported */
	return false;
}

/* NULL with a report, unless there was one for the definition. */
struct symbol *
reader_lookup(struct reader *r, struct word w)
{
	struct symbol *s = names_get(r->symbols, w.text);

	if (s == NULL)
		reader_error(r, w.pos, "%s is not defined here", w.text);
	else if (s->value == NULL)
		r->errors++;
	return s == NULL || s->value == NULL ? NULL : s;
}

bool
reader_name_is_free(struct reader *r, struct word name)
{
	if (name.text == NULL || graph_find(r->g, name.text) == NULL)
		return true;
	reader_error(r, name.pos, "the name \"%s\" is taken", name.text);
	return false;
}

bool
reader_end_line(struct reader *r)
{
	bool bad = r->errors != r->errors_before;

	for (size_t i = 0; i < r->line_values.len && bad; i++) {
		struct word w = r->line_values.data[i];

		if (names_get(r->symbols, w.text) == NULL)
			reader_define(r, w.text, w.pos.line, NULL);
	}
	r->line_values.data = NULL;
	r->line_values.len = r->line_values.cap = 0;
	if (arena_used(r->line) > LINE_BYTES) {
		arena_free(r->line);
		r->line = arena_new();
	}
	r->errors_before = r->errors;
	if (r->reported < MAX_ERRORS)
		return true;
	reader_error(r, (struct pos){r->at_line, r->at_col},
	    "too many errors, the rest is not read");
	return false;
}

/* --- parts of a line --- */

bool
reader_int(struct reader *r, struct word w, int64_t lo, int64_t hi, int64_t *v)
{
	if (parse_int64(w.text, v) && *v >= lo && *v <= hi)
		return true;
	reader_error(r, w.pos, "'%.40s' is no integer from %lld to %lld",
	    w.text, (long long)lo, (long long)hi);
	return false;
}

struct loc
read_loc(struct reader *r, struct word file, struct word line,
    struct word col, struct word node)
{
	int64_t n = 0, c = 0;
	struct loc l = {0};

	if (line.text != NULL && (!reader_int(r, line, 1, INT32_MAX, &n) ||
	        !reader_int(r, col, 0, INT32_MAX, &c)))
		return l;
	l.line = (int)n;
	l.col = (int)c;
	if (node.text != NULL)
		l.node = arena_strdup(r->arena, node.text);
	if (file.text[0] == '\0')
		return l;
	if (r->loc_file == NULL || strcmp(r->loc_file, file.text) != 0)
		r->loc_file = arena_strdup(r->arena, file.text);
	l.file = r->loc_file;
	return l;
}

/* Without a location of its own an object comes from this text. */
struct loc
reader_own_loc(const struct reader *r, const struct loc *l, struct pos pos)
{
	if (l->file != NULL || l->node != NULL)
		return *l;
	return (struct loc){.file = r->file, .line = pos.line,
	    .col = pos.col};
}

/* --- lines --- */

void
read_version(struct reader *r, struct word version)
{
	if (strcmp(version.text, "1") != 0)
		reader_error(r, version.pos, "version %.20s is not known, "
		    "this is 1", version.text);
}

void
read_graph(struct reader *r, struct word name)
{
	r->g = graph_new(r->arena, name.text);
	r->g->source = r->file;
	r->g->from_text = true;
}

/* sub_batches behind the word "groups"; NULL after a report. */
struct words *
expect_groups(struct reader *r, struct word word, struct words *sub_batches)
{
	r->free_groups = strcmp(word.text, "free_groups") == 0;
	if (r->free_groups || strcmp(word.text, "groups") == 0)
		return sub_batches;
	reader_error(r, word.pos, "unexpected word '%.40s', expected 'groups', "
	    "'free_groups' or '{'", word.text);
	return NULL;
}

void
read_groups(struct reader *r, const struct words *sub_batches)
{
	size_t n = sub_batches != NULL ? sub_batches->list.len : 0;

	r->g->free_groups = r->free_groups;
	for (size_t i = 0; i < n; i++) {
		struct layer_group lg;

		if (reader_int(r, sub_batches->list.data[i], 1, MAX_DIM,
		        &lg.sub_batch))
			VEC_PUSH(r->arena, &r->g->groups, lg);
	}
}

void
read_leaf(struct reader *r, enum value_kind kind, const struct leaf_text *t)
{
	const char *name = t->name.text;
	bool flag = t->flag.text != NULL;
	const void *data = NULL;
	struct tensor_type type;
	struct value *v = NULL;

	if (flag && strcmp(t->flag.text, "trainable") != 0) {
		reader_error(r, t->flag.pos, "unexpected word '%.40s', "
		    "expected 'trainable' or ':'", t->flag.text);
		return;
	}
	if (!reader_is_new(r, t->value) || !reader_type(r, &t->type, &type) ||
	    !reader_name_is_free(r, t->name) ||
	    (kind != VALUE_INPUT &&
	        !reader_data(r, &t->data, &type, kind, &data)))
		return;
	if (kind == VALUE_INPUT)
		v = graph_input(r->g, name, &type);
	else if (kind == VALUE_CONST)
		v = graph_const(r->g, name, &type, data);
	else
		v = graph_state(r->g, name, &type, data, flag);
	v->loc = reader_own_loc(r, &t->loc, t->value.pos);
	reader_define(r, t->value.text, t->value.pos.line, v);
}

void
read_assign(struct reader *r, struct word state, struct word to)
{
	struct symbol *s = reader_lookup(r, state), *v = reader_lookup(r, to);

	if (s == NULL || v == NULL)
		return;
	if (s->value->kind != VALUE_STATE)
		reader_error(r, state.pos, "%s is no state", state.text);
	else if (s->assigned)
		reader_error(r, state.pos, "%s is assigned twice",
		    state.text);
	else if (!type_equal(&s->value->type, &v->value->type))
		reader_error(r, to.pos, "%s and %s differ in type",
		    state.text, to.text);
	else
		graph_assign(r->g, s->value, v->value);
	s->assigned = true;
}

void
read_output(struct reader *r, struct word value, struct word name)
{
	struct symbol *s = reader_lookup(r, value);

	if (s == NULL)
		return;
	if (!names_put(r->outputs, arena_strdup(r->keep, name.text), s))
		reader_error(r, name.pos, "there are two outputs \"%s\"",
		    name.text);
	else
		graph_output(r->g, s->value, name.text);
}

struct graph *
graph_parse(struct arena *a, struct diag *d, const char *name,
    const char *text, size_t len)
{
	struct reader r = {.arena = a, .diag = d};

	r.file = arena_strdup(a, name);
	r.line = arena_new();
	r.keep = arena_new();
	r.symbols = names_new(r.keep);
	r.outputs = names_new(r.keep);
	reader_run(&r, text, len);
	arena_free(r.line);
	arena_free(r.keep);
	return r.errors == 0 ? r.g : NULL;
}
