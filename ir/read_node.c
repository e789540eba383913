/* Reading the text form: node lines. */
#include "ir/reader.h"

#include "ir/data.h"

#include <stdio.h>
#include <string.h>

static enum attr_id
find_attr(enum op op, const char *name)
{
	const enum attr_id *ids = op_info(op)->attrs;

	while (*ids != ATTR_NONE && strcmp(attr_name(*ids), name) != 0)
		ids++;
	return *ids;
}

static bool
read_ints(struct reader *r, const struct words *l, struct attr *a)
{
	int64_t *v = NEW_ARRAY(r->line, int64_t, l->list.len), lo, hi;

	attr_range(a->id, &lo, &hi);
	for (size_t i = 0; i < l->list.len; i++)
		if (!reader_int(r, l->list.data[i], lo, hi, &v[i]))
			return false;
	a->ints = v;
	a->n = l->list.len;
	return true;
}

static bool
read_real(struct reader *r, struct word w, double *v)
{
	if (data_parse_real(w.text, v))
		return true;
	reader_error(r, w.pos, "'%.40s' is no number", w.text);
	return false;
}

static bool
read_floats(struct reader *r, const struct words *l, struct attr *a)
{
	double *v = NEW_ARRAY(r->line, double, l->list.len);

	for (size_t i = 0; i < l->list.len; i++)
		if (!read_real(r, l->list.data[i], &v[i]))
			return false;
	a->floats = v;
	a->n = l->list.len;
	return true;
}

static bool
read_attr(struct reader *r, enum op op, const struct attr_text *t,
    struct attr *a)
{
	enum attr_kind kind;
	int64_t lo, hi;

	*a = (struct attr){.id = find_attr(op, t->name.text)};
	if (a->id == ATTR_NONE) {
		reader_error(r, t->name.pos, "%s has no attribute '%.40s'",
		    op_info(op)->name, t->name.text);
		return false;
	}
	kind = attr_kind(a->id);
	if ((kind == ATTR_INTS || kind == ATTR_FLOATS) !=
	    (t->list != NULL)) {
		reader_error(r, t->name.pos, "attribute %s %s a list",
		    t->name.text, t->list == NULL ? "needs" : "is not");
		return false;
	}
	if (kind == ATTR_INTS)
		return read_ints(r, t->list, a);
	if (kind == ATTR_FLOATS)
		return read_floats(r, t->list, a);
	if (kind == ATTR_FLOAT)
		return read_real(r, t->value, &a->f);
	if (attr_word_parse(op, a->id, t->value.text, &a->i))
		return true;
	attr_range(a->id, &lo, &hi);
	return reader_int(r, t->value, lo, hi, &a->i);
}

/* Attributes of the line in spec; false after a report. */
static bool
read_attrs(struct reader *r, const struct attrs_text *t,
    struct node_spec *spec)
{
	size_t n = t == NULL ? 0 : t->list.len;
	struct attr *attrs = NEW_ARRAY(r->line, struct attr, n);

	for (size_t i = 0; i < n; i++)
		if (!read_attr(r, spec->op, &t->list.data[i], &attrs[i]))
			return false;
	spec->attrs = attrs;
	spec->nattrs = (int)n;
	return true;
}

static bool
read_operands(struct reader *r, const struct words *t,
    struct node_spec *spec)
{
	size_t n = t == NULL ? 0 : t->list.len;
	struct value **in = NEW_ARRAY(r->line, struct value *, n);
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		const struct symbol *s;

		if (t->list.data[i].text == NULL)
			continue;
		s = reader_lookup(r, t->list.data[i]);
		ok = ok && s != NULL;
		if (s != NULL)
			in[i] = s->value;
	}
	spec->in = in;
	spec->nin = (int)n;
	return ok;
}

static bool
check_results(struct reader *r, const struct node_text *t)
{
	const struct results_text *l = t->results;

	for (size_t i = 0; i < l->list.len; i++) {
		const struct result_text *a = &l->list.data[i];

		if (a->value.text == NULL)
			continue;
		if (!reader_is_new(r, a->value) ||
		    !reader_name_is_free(r, a->name))
			return false;
	}
	if (t->types == NULL || t->types->list.len == l->list.len)
		return true;
	reader_error(r, t->op.pos, "%zu results, but %zu types",
	    l->list.len, t->types->list.len);
	return false;
}

/* The stated types; those left out have DT_NONE. */
static struct tensor_type *
read_types(struct reader *r, const struct node_text *t)
{
	size_t n = t->results->list.len;
	struct tensor_type *types = NEW_ARRAY(r->line, struct tensor_type,
	    n);

	for (size_t i = 0; i < n && t->types != NULL; i++) {
		const struct type_text *tt = &t->types->list.data[i];

		if ((tt->dims == NULL) !=
		    (t->results->list.data[i].value.text == NULL)) {
			reader_error(r, t->op.pos, "result %zu needs a type "
			    "exactly if it is there", i);
			return NULL;
		}
		if (tt->dims != NULL && !reader_type(r, tt, &types[i]))
			return NULL;
	}
	return types;
}

/* Names and symbols of the results; their types are as stated. */
static void
finish_results(struct reader *r, const struct node_text *t, struct node *n,
    const struct tensor_type *types)
{
	char is[TYPE_STR_MAX], stated[TYPE_STR_MAX];

	for (int i = 0; i < n->nout; i++) {
		const struct result_text *a = &t->results->list.data[i];
		struct value *v = n->out[i];

		if (a->value.text == NULL) {
			n->out[i] = NULL;
			if (i < op_info(n->op)->out_min)
				reader_error(r, t->op.pos, "result %d cannot "
				    "be left out", i);
			continue;
		}
		if (types[i].dtype != DT_NONE &&
		    !type_equal(&types[i], &v->type))
			reader_error(r, t->op.pos, "result %d is %s, not %s",
			    i, type_str(&v->type, is, sizeof is),
			    type_str(&types[i], stated, sizeof stated));
		if (!reader_is_new(r, a->value) ||
		    !reader_name_is_free(r, a->name))
			continue;
		v->loc = n->loc;
		value_set_name(r->g, v, a->name.text);
		reader_define(r, a->value.text, a->value.pos.line, v);
	}
}

void
read_mark(struct reader *r, struct marks_text *m, struct word word,
    struct word value, bool string)
{
	struct word *w = strcmp(word.text, "phase") == 0 ? &m->phase :
	    strcmp(word.text, "keep") == 0 ? &m->keep :
	    strcmp(word.text, "group") == 0 ? &m->group : NULL;

	if (w == NULL || (w == &m->group) == string)
		reader_error(r, word.pos, "unexpected word '%.40s', "
		    "expected 'phase', 'group', 'keep' or '@'", word.text);
	else if (w->text != NULL)
		reader_error(r, word.pos, "%s is there twice", word.text);
	else
		*w = value;
}

/* What the word that begins at *p says of v, *p behind it; false: nothing. */
static bool
keep_word(struct value *v, const char **p)
{
	size_t n = strcspn(*p, " ,");
	int k = -1;

	for (int i = KEEP_AUTO; i <= KEEP_FIRST; i++)
		if (strlen(keep_names[i]) == n &&
		    strncmp(keep_names[i], *p, n) == 0)
			k = i;
	if (k < 0)
		return false;
	*p += n;
	if (v != NULL)
		v->keep = (enum keep)k;
	if (strncmp(*p, " rebuild", 8) == 0) {
		*p += 8;
		if (v != NULL)
			v->rebuild = true;
	}
	return true;
}

static void
read_keep(struct reader *r, const struct word *w, struct node *n)
{
	const char *p = w->text;
	bool ok = true;

	for (int i = 0; i < n->nout && ok; i++) {
		ok = keep_word(n->out[i], &p);
		if (i + 1 < n->nout)
			ok = ok && *p++ == ',';
	}
	if (!ok || *p != '\0')
		reader_error(r, w->pos, "'%.40s' does not say for each result "
		    "auto, chip, dram or first, and perhaps rebuild", w->text);
}

static void
read_marks(struct reader *r, const struct marks_text *m, struct node *n)
{
	int64_t group;

	if (m->phase.text != NULL)
		n->phase = arena_strdup(r->arena, m->phase.text);
	if (m->group.text != NULL && reader_int(r, m->group, 1,
	        (int64_t)r->g->groups.len, &group))
		n->group = (uint32_t)group;
	if (m->keep.text != NULL)
		read_keep(r, &m->keep, n);
}

void
read_node(struct reader *r, const struct node_text *t)
{
	struct loc here = {.file = r->file, .line = t->op.pos.line,
	    .col = t->op.pos.col};
	struct node_spec spec = {.op = op_parse(t->op.text), .loc = here,
	    .nout = (int)t->results->list.len};
	struct tensor_type *types;
	struct node *n;

	if (spec.op == OP_NONE) {
		reader_error(r, t->op.pos, "there is no op '%.40s'",
		    t->op.text);
		return;
	}
	types = check_results(r, t) ? read_types(r, t) : NULL;
	if (types == NULL || !read_operands(r, t->in, &spec) ||
	    !read_attrs(r, t->attrs, &spec))
		return;
	spec.out_dtype = types[0].dtype;
	n = graph_add(r->g, r->diag, &spec);
	if (n == NULL) {
		r->errors++;
		return;
	}
	n->loc = reader_own_loc(r, &t->loc, t->op.pos);
	finish_results(r, t, n, types);
	read_marks(r, &t->marks, n);
}
