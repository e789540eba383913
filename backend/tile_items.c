/* Items of a statement: taking them by key, turning them into values. */
#include <string.h>

#include "backend/tile_reader.h"
#include "support/dtype.h"
#include "support/str.h"

#define MAX_ID (1 << 22) /* keeps a wrong number from filling the memory */

struct tile_value *
tile_take(struct tile_reader *r, const char *key)
{
	for (struct tile_item *i = r->items; i != NULL; i = i->next) {
		if (!i->used && i->key.text != NULL &&
		    strcmp(i->key.text, key) == 0) {
			i->used = true;
			return i->value;
		}
	}
	return NULL;
}

struct tile_value *
tile_take_plain(struct tile_reader *r, enum tile_value_kind kind)
{
	for (struct tile_item *i = r->items; i != NULL; i = i->next) {
		if (!i->used && i->key.text == NULL &&
		    i->value->kind == kind) {
			i->used = true;
			return i->value;
		}
	}
	return NULL;
}

void
tile_no_more(struct tile_reader *r)
{
	for (struct tile_item *i = r->items; i != NULL; i = i->next) {
		if (i->used)
			continue;
		if (i->key.text != NULL)
			tile_reader_error(r, i->key.pos,
			    "'%s' is unknown here or given twice",
			    i->key.text);
		else
			tile_reader_error(r, i->value->word.pos,
			    "this does not belong here");
		return;
	}
}

/* A number with its sign and factor 1, into *out. */
static bool
plain_number(struct tile_reader *r, const struct tile_sum *t, int64_t *out)
{
	const char *text = t->number.text != NULL ? t->number.text : "1";

	if (parse_int64(arena_printf(r->line, "%s%s", t->minus ? "-" : "",
		text), out))
		return true;
	tile_reader_error(r, t->number.text != NULL ? t->number.pos :
	    t->id.pos, "'%s' is not a 64-bit integer", text);
	*out = 0;
	return false;
}

int64_t
tile_read_int(struct tile_reader *r, const struct tile_value *v)
{
	int64_t n = 0;

	if (v->kind != VAL_SUM || v->sum->next != NULL ||
	    v->sum->kind != TERM_NUMBER)
		tile_reader_error(r, v->word.pos, "expected an integer");
	else
		plain_number(r, v->sum, &n);
	return n;
}

int64_t
tile_read_id(struct tile_reader *r, struct tile_word w, size_t skip)
{
	int64_t n;

	if (parse_int64(w.text + skip, &n) && n < MAX_ID)
		return n;
	tile_reader_error(r, w.pos, "'%s' is too large a number", w.text);
	return -1;
}

struct tile_loop *
tile_read_loop(struct tile_reader *r, struct tile_word w)
{
	int64_t id = tile_read_id(r, w, 2);

	if (id < 0)
		return NULL;
	for (struct tile_loop *l = r->p->cur; l != NULL; l = l->parent) {
		if (l->id == id)
			return l;
	}
	tile_reader_error(r, w.pos, "%s is not a loop around this", w.text);
	return NULL;
}

static struct tile_buffer *
read_buffer(struct tile_reader *r, struct tile_word w)
{
	int64_t id = tile_read_id(r, w, 2);

	if (id >= 0 && id < (int64_t)r->p->buffers.len)
		return r->p->buffers.data[id];
	if (id >= 0)
		tile_reader_error(r, w.pos, "there is no buffer %s", w.text);
	return NULL;
}

static void
add_loop(struct tile_reader *r, struct tile_aff *a, const struct tile_sum *t)
{
	struct tile_loop *l = tile_read_loop(r, t->id);
	int64_t n;

	if (l == NULL || !plain_number(r, t, &n))
		return;
	if (a->nterms == ISA_MAX_LOOPS) {
		tile_reader_error(r, t->id.pos, "more than %d loops",
		    ISA_MAX_LOOPS);
		return;
	}
	a->term[a->nterms].loop = l;
	a->term[a->nterms++].stride = n;
}

struct tile_aff
tile_read_aff(struct tile_reader *r, const struct tile_value *v)
{
	struct tile_aff a = taff_num(0);
	int64_t n;

	if (v->kind != VAL_SUM) {
		tile_reader_error(r, v->word.pos,
		    "expected an address or number");
		return a;
	}
	for (const struct tile_sum *t = v->sum; t != NULL; t = t->next) {
		switch (t->kind) {
		case TERM_LOOP:
			add_loop(r, &a, t);
			continue;
		case TERM_BUFFER:
			if (a.buffer != NULL || t->minus)
				tile_reader_error(r, t->id.pos,
				    "one buffer can be added, no more");
			a.buffer = read_buffer(r, t->id);
			continue;
		case TERM_GROUP:
			if (!plain_number(r, t, &n) ||
			    !add_int64(a.gstride, n, &a.gstride))
				tile_reader_error(r, t->id.pos,
				    "the sum overflows");
			continue;
		case TERM_NUMBER:
			if (!plain_number(r, t, &n) ||
			    !add_int64(a.offset, n, &a.offset))
				tile_reader_error(r, t->number.pos,
				    "the sum overflows");
			continue;
		}
	}
	return a;
}

enum dtype
tile_read_type(struct tile_reader *r, const struct tile_value *v)
{
	enum dtype t = DT_NONE;

	if (v->kind == VAL_WORD)
		t = dtype_parse(v->word.text);
	if (t == DT_NONE && (v->kind != VAL_WORD ||
				strcmp(v->word.text, "none") != 0))
		tile_reader_error(r, v->word.pos, "unknown element type");
	return t;
}

int64_t
tile_take_int(struct tile_reader *r, const char *key, int64_t dflt)
{
	struct tile_value *v = tile_take(r, key);

	return v != NULL ? tile_read_int(r, v) : dflt;
}

double
tile_take_real(struct tile_reader *r, const char *key)
{
	struct tile_value *v = tile_take(r, key);
	double x = 0;

	if (v == NULL)
		return 0;
	if (v->kind != VAL_SUM || v->sum->next != NULL ||
	    v->sum->kind != TERM_NUMBER ||
	    !parse_double(arena_printf(r->line, "%s%s",
		v->sum->minus ? "-" : "", v->sum->number.text), &x))
		tile_reader_error(r, v->word.pos, "expected a number");
	return x;
}

const char *
tile_take_string(struct tile_reader *r, const char *key)
{
	struct tile_value *v = tile_take(r, key);

	if (v != NULL && v->kind != VAL_STRING)
		tile_reader_error(r, v->word.pos, "expected a string");
	return v != NULL && v->kind == VAL_STRING ? v->word.text : NULL;
}

enum dtype
tile_take_type(struct tile_reader *r, const char *key, enum dtype dflt)
{
	struct tile_value *v = tile_take(r, key);

	return v != NULL ? tile_read_type(r, v) : dflt;
}

struct tile_aff
tile_take_aff(struct tile_reader *r, const char *key, bool required)
{
	struct tile_value *v = tile_take(r, key);

	if (v != NULL)
		return tile_read_aff(r, v);
	if (required)
		tile_reader_error(r, r->head, "'%s' is missing", key);
	return taff_num(0);
}

struct tile_buffer *
tile_take_buffer(struct tile_reader *r, const char *key)
{
	struct tile_value *v = tile_take(r, key);

	if (v == NULL)
		return NULL;
	if (v->kind == VAL_SUM && v->sum->kind == TERM_BUFFER &&
	    v->sum->next == NULL && !v->sum->minus)
		return read_buffer(r, v->sum->id);
	tile_reader_error(r, v->word.pos, "expected a buffer");
	return NULL;
}

int
tile_take_name(struct tile_reader *r, const char *key,
    const char *const *names, int n, int dflt)
{
	struct tile_value *v = tile_take(r, key);

	if (v == NULL)
		return dflt;
	for (int i = 0; v->kind == VAL_WORD && i < n; i++) {
		if (strcmp(v->word.text, names[i]) == 0)
			return i;
	}
	tile_reader_error(r, v->word.pos, "unknown value of '%s'", key);
	return dflt;
}

int
tile_take_ints(struct tile_reader *r, const char *key, int64_t *out, int min,
    int max)
{
	struct tile_value *v = tile_take(r, key);
	int n = 0;

	if (v == NULL)
		return 0;
	for (struct tile_value *e = v->list; e != NULL; e = e->next) {
		if (n < max)
			out[n] = tile_read_int(r, e);
		n++;
	}
	if (v->kind == VAL_LIST && n >= min && n <= max)
		return n;
	if (min == max)
		tile_reader_error(r, v->word.pos,
		    "'%s' needs (...) of %d numbers", key, max);
	else
		tile_reader_error(r, v->word.pos,
		    "'%s' needs (...) of at most %d numbers", key, max);
	return n < max ? n : max;
}
