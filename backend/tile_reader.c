/* Statements of the text form other than instructions. */
#include "backend/tile_reader.h"

#include <string.h>

#include "backend/tile_text.h"
#include "support/dtype.h"
#include "support/str.h"
#include "support/target.h"

#define MAX_ERRORS 20

void
tile_reader_error(struct tile_reader *r, struct tile_pos pos,
    const char *fmt, ...)
{
	struct loc loc;
	va_list ap;

	memset(&loc, 0, sizeof loc);
	loc.file = r->name;
	loc.line = pos.line;
	loc.col = pos.col;
	r->errors++;
	if (r->errors == MAX_ERRORS)
		r->stop = true;
	va_start(ap, fmt);
	diag_vreport(r->diag, DIAG_ERROR, &loc, fmt, ap);
	va_end(ap);
}

struct tile_value *
tile_reader_value(struct tile_reader *r, enum tile_value_kind kind,
    struct tile_word word)
{
	struct tile_value *v = NEW(r->line, struct tile_value);

	v->kind = kind;
	v->word = word;
	return v;
}

struct tile_sum *
tile_reader_term(struct tile_reader *r, enum tile_term_kind kind,
    struct tile_word id, struct tile_word number)
{
	struct tile_sum *t = NEW(r->line, struct tile_sum);

	t->kind = kind;
	t->id = id;
	t->number = number;
	if (kind == TERM_GROUP && strcmp(id.text, "g") != 0)
		tile_reader_error(r, id.pos,
		    "'%s' counts nothing; 'g' is the group", id.text);
	return t;
}

/* ---- the head ---- */

static void
read_version(struct tile_reader *r, struct tile_word head)
{
	struct tile_value *v = tile_take_plain(r, VAL_SUM);

	if (r->started || v == NULL || tile_read_int(r, v) !=
	    TILE_TEXT_VERSION) {
		tile_reader_error(r, head.pos, "this reads version %d",
		    TILE_TEXT_VERSION);
		r->stop = true;
	}
	r->started = true;
}

/* The text of a number with its sign. */
static const char *
number_text(struct tile_reader *r, const struct tile_value *v)
{
	if (v->kind != VAL_SUM || v->sum->next != NULL ||
	    v->sum->kind != TERM_NUMBER)
		return NULL;
	return arena_printf(r->line, "%s%s", v->sum->minus ? "-" : "",
	    v->sum->number.text);
}

static void
read_target(struct tile_reader *r)
{
	struct tile_value *name = tile_take_plain(r, VAL_STRING);

	target_defaults(r->target, name != NULL ? name->word.text : "");
	for (struct tile_item *i = r->items; i != NULL; i = i->next) {
		const char *why = NULL, *text;
		if (i->key.text == NULL)
			continue;
		i->used = true;
		text = number_text(r, i->value);
		if (text == NULL)
			tile_reader_error(r, i->key.pos,
			    "'%s' needs a number", i->key.text);
		else if (!target_set(r->target, i->key.text, text, &why))
			tile_reader_error(r, i->key.pos, "%s: %s",
			    i->key.text, why);
	}
}

static bool
read_overlap(struct tile_reader *r, struct tile_word head)
{
	int64_t overlap = tile_take_int(r, "overlap", 0);

	if (overlap < 0 || overlap > 1)
		tile_reader_error(r, head.pos, "overlap=%lld is not 0 or 1",
		    (long long)overlap);
	return overlap != 0;
}

static void
read_program(struct tile_reader *r, struct tile_word head)
{
	struct tile_value *name = tile_take_plain(r, VAL_STRING);
	int64_t groups = tile_take_int(r, "groups", 1);

	if (name == NULL)
		tile_reader_error(r, head.pos, "the entry has no name");
	else
		r->p->entry = name->word.text;
	if (groups < 1 || groups > INT32_MAX)
		tile_reader_error(r, head.pos, "%lld groups",
		    (long long)groups);
	r->p->groups = (int)groups;
	r->p->overlap = read_overlap(r, head);
	r->p->gbuf_used = tile_take_int(r, "gbuf", 0);
	r->p->wbuf_used = tile_take_int(r, "wbuf", 0);
	r->p->dram_used = tile_take_int(r, "dram", 0);
}

static void
read_op(struct tile_reader *r)
{
	struct tile_value *name = tile_take_plain(r, VAL_STRING);
	struct wave_op op;

	memset(&op, 0, sizeof op);
	op.name = name != NULL ? name->word.text : "";
	op.op = tile_take_string(r, "kind");
	op.phase = tile_take_string(r, "phase");
	op.loc = tile_take_string(r, "loc");
	op.macs = tile_take_int(r, "macs", 0);
	op.macs_paper = tile_take_int(r, "macs_paper", 0);
	VEC_PUSH(r->arena, &r->p->ops, op);
}

static void
read_layers(struct tile_reader *r)
{
	struct tile_value *name = tile_take_plain(r, VAL_STRING);
	struct wave_layer_group g;

	g.ops = name != NULL ? name->word.text : "";
	g.sub_batch = tile_take_int(r, "sub_batch", 0);
	g.iterations = tile_take_int(r, "iterations", 0);
	VEC_PUSH(r->arena, &r->p->layer_groups, g);
}

/* ---- buffers ---- */

static enum space
read_space(struct tile_reader *r, struct tile_word head)
{
	struct tile_value *v = tile_take_plain(r, VAL_WORD);

	for (int s = SPACE_DRAM; v != NULL && s < SPACE_COUNT; s++) {
		if (strcmp(v->word.text, space_name((enum space)s)) == 0)
			return (enum space)s;
	}
	tile_reader_error(r, v != NULL ? v->word.pos : head.pos,
	    "the space of the buffer is missing or unknown");
	return SPACE_NONE;
}

static void
read_binding(struct tile_reader *r, struct tile_buffer *b,
    struct tile_word head)
{
	int n;

	b->bind_name = tile_take_string(r, "bind");
	b->dtype = tile_take_type(r, "type", DT_NONE);
	b->rank = tile_take_ints(r, "dims", b->dim, 0, WAVE_MAX_RANK);
	n = tile_take_ints(r, "strides", b->stride, 0, WAVE_MAX_RANK);
	if (n != b->rank && r->errors == r->errors_before)
		tile_reader_error(r, head.pos,
		    "%d dimensions but %d strides", b->rank, n);
}

static void
read_data(struct tile_reader *r, struct tile_buffer *b)
{
	struct tile_value *v = tile_take(r, "data");

	if (v == NULL)
		return;
	if (v->kind != VAL_HEX || (int64_t)v->nbytes != b->bytes)
		tile_reader_error(r, v->word.pos,
		    "data needs hex \"...\" of %lld bytes",
		    (long long)b->bytes);
	else
		b->data = v->bytes;
}

static void
read_scope(struct tile_reader *r, struct tile_buffer *b)
{
	struct tile_value *v = tile_take(r, "scope");
	struct tile_scope_ref ref = { b, -1, { 0, 0 } };

	if (v == NULL)
		return;
	ref.pos = v->word.pos;
	if (v->kind == VAL_SUM && v->sum->kind == TERM_LOOP &&
	    v->sum->number.text == NULL && v->sum->next == NULL)
		ref.id = tile_read_id(r, v->sum->id, 2);
	else
		tile_reader_error(r, v->word.pos, "scope needs a loop");
	VEC_PUSH(r->arena, &r->scope, ref);
}

static void
read_buffer(struct tile_reader *r, struct tile_word head)
{
	struct tile_value *id = tile_take_plain(r, VAL_SUM);
	struct tile_value *name = tile_take_plain(r, VAL_STRING);
	enum space space = read_space(r, head);
	int64_t bytes = tile_take_int(r, "bytes", -1);
	int64_t depth = tile_take_int(r, "depth", 1), n = -1;
	struct tile_buffer *b;

	if (id != NULL && id->sum->kind == TERM_BUFFER)
		n = tile_read_id(r, id->sum->id, 2);
	if (n != (int64_t)r->p->buffers.len)
		tile_reader_error(r, head.pos,
		    "the next buffer is %%b%zu", r->p->buffers.len);
	if (depth < 1 || depth > INT32_MAX)
		tile_reader_error(r, head.pos, "%lld versions",
		    (long long)depth);
	b = tile_buffer(r->p, name != NULL ? name->word.text : NULL, space,
	    bytes, (int)depth, NULL);
	read_scope(r, b);
	b->role = (enum tile_role)tile_take_name(r, "role", tile_role_names,
	    ROLE_STATE + 1, ROLE_TEMP);
	b->traffic = (enum traffic)tile_take_name(r, "traffic",
	    tile_traffic_names, TRAFFIC_COUNT, TRAFFIC_OTHER);
	read_binding(r, b, head);
	b->per_group = tile_take_int(r, "per_group", 0) != 0;
	b->group_stride = tile_take_int(r, "group_stride", 0);
	b->address = tile_take_int(r, "at", 0);
	b->pitch = tile_take_int(r, "pitch", 0);
	read_data(r, b);
}

/* ---- the tree ---- */

static uint32_t
read_op_index(struct tile_reader *r)
{
	struct tile_value *v = tile_take_plain(r, VAL_OP);
	int64_t n = v != NULL ? tile_read_id(r, v->word, 1) : 0;

	return n < 0 ? 0 : (uint32_t)n;
}

static void
read_loop(struct tile_reader *r, struct tile_word head)
{
	struct tile_value *id = tile_take_plain(r, VAL_SUM);
	struct tile_value *name = tile_take_plain(r, VAL_STRING);
	int64_t count = tile_take_int(r, "count", 0), n = -1;
	bool overlap = read_overlap(r, head);
	struct tile_loop *l;

	if (id != NULL && id->sum->kind == TERM_LOOP)
		n = tile_read_id(r, id->sum->id, 2);
	else
		tile_reader_error(r, head.pos, "the loop has no %%i number");
	if (r->p->cur != NULL && r->p->cur->depth >= ISA_MAX_LOOPS - 1) {
		tile_reader_error(r, head.pos,
		    "loops nest deeper than %d", ISA_MAX_LOOPS);
		r->stop = true;
		return;
	}
	if (count < 1)
		tile_reader_error(r, head.pos, "%lld iterations",
		    (long long)count);
	r->p->cur_op = read_op_index(r);
	l = tile_loop_open(r->p, name != NULL ? name->word.text : NULL,
	    count);
	l->overlap = overlap;
	if (n < 0)
		return;
	while ((int64_t)r->loop.len <= n)
		VEC_PUSH(r->arena, &r->loop, NULL);
	if (r->loop.data[n] != NULL)
		tile_reader_error(r, head.pos, "a second loop %%i%lld",
		    (long long)n);
	l->id = (uint32_t)n;
	r->loop.data[n] = l;
}

void
tile_reader_close(struct tile_reader *r, struct tile_pos pos)
{
	if (r->p->cur == NULL)
		tile_reader_error(r, pos, "no loop is open");
	else
		tile_loop_close(r->p);
}

static int
name_index(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	return -1;
}

/* "QUEUE KIND ..."; false when head is no queue. */
static bool
read_instruction(struct tile_reader *r, struct tile_word head)
{
	struct tile_value *kind;
	int q, k;

	for (q = 0; q < Q_COUNT; q++) {
		if (strcmp(head.text, queue_name((enum queue)q)) == 0)
			break;
	}
	if (q == Q_COUNT)
		return false;
	kind = tile_take_plain(r, VAL_WORD);
	k = kind == NULL ? -1 :
	    name_index(kind->word.text, tile_kind_names, TILE_KIND_COUNT);
	if (k < 0) {
		tile_reader_error(r, kind != NULL ? kind->word.pos : head.pos,
		    "no such instruction");
		return true;
	}
	r->p->cur_op = read_op_index(r);
	tile_read_insn(r, tile_emit(r->p, (enum tile_kind)k,
	    (enum queue)q));
	return true;
}

void
tile_reader_statement(struct tile_reader *r, struct tile_word head,
    struct tile_item *items, bool opens)
{
	bool loop = strcmp(head.text, "loop") == 0;

	r->items = items;
	r->head = head.pos;
	if (strcmp(head.text, "wave.tile") == 0) {
		read_version(r, head);
	} else if (!r->started) {
		tile_reader_error(r, head.pos,
		    "the text does not start with 'wave.tile %d'",
		    TILE_TEXT_VERSION);
		r->stop = true;
		return;
	} else if (loop && !opens) {
		tile_reader_error(r, head.pos,
		    "a loop needs '{' at the end of its line");
		return;
	} else if (loop) {
		read_loop(r, head);
	} else if (strcmp(head.text, "target") == 0) {
		read_target(r);
	} else if (strcmp(head.text, "program") == 0) {
		read_program(r, head);
	} else if (strcmp(head.text, "op") == 0) {
		read_op(r);
	} else if (strcmp(head.text, "layers") == 0) {
		read_layers(r);
	} else if (strcmp(head.text, "buffer") == 0) {
		read_buffer(r, head);
	} else if (!read_instruction(r, head)) {
		tile_reader_error(r, head.pos, "unknown statement '%s'",
		    head.text);
		return;
	}
	if (opens && !loop)
		tile_reader_error(r, head.pos, "only loops have a body");
	if (r->errors == r->errors_before)
		tile_no_more(r);
}

bool
tile_reader_end_line(struct tile_reader *r)
{
	arena_free(r->line);
	r->line = arena_new();
	r->errors_before = r->errors;
	return !r->stop;
}

/* ---- all ---- */

/* Loops by id, buffers' scopes. */
static void
finish(struct tile_reader *r, struct tile_pos end)
{
	if (!r->started)
		tile_reader_error(r, end, "the text is empty");
	if (r->p->cur != NULL)
		tile_reader_error(r, end, "loop %%i%u has no '}'",
		    r->p->cur->id);
	for (size_t i = 0; i < r->loop.len && !r->stop; i++) {
		if (r->loop.data[i] == NULL)
			tile_reader_error(r, end, "there is no loop %%i%zu",
			    i);
	}
	for (size_t i = 0; i < r->scope.len && !r->stop; i++) {
		const struct tile_scope_ref *s = &r->scope.data[i];
		if (s->id < 0)
			continue;
		if (s->id >= (int64_t)r->loop.len)
			tile_reader_error(r, s->pos,
			    "there is no loop %%i%lld", (long long)s->id);
		else
			s->buffer->scope = r->loop.data[s->id];
	}
	if (r->errors > 0)
		return;
	for (size_t i = 0; i < r->loop.len; i++)
		r->p->loops.data[i] = r->loop.data[i];
}

struct tile_program *
tile_parse(struct arena *a, struct diag *d, const char *name,
    const char *text, size_t len)
{
	struct tile_reader r;

	memset(&r, 0, sizeof r);
	r.arena = a;
	r.line = arena_new();
	r.diag = d;
	r.name = name;
	r.target = NEW(a, struct wave_target);
	target_defaults(r.target, "");
	r.p = tile_new(a, r.target);
	tile_reader_run(&r, text, len);
	if (!r.stop)
		finish(&r, (struct tile_pos){ r.at_line, r.at_col });
	arena_free(r.line);
	return r.errors == 0 ? r.p : NULL;
}
