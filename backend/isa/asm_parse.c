#include "backend/isa/asm_parse.h"

#include <stdarg.h>
#include <string.h>

#include "backend/isa/asm.h"
#include "backend/isa/asm.tab.h"
#include "backend/isa/asm.lex.h"
#include "support/target.h"

#define MAX_ERRORS 20
#define MAX_DATA (UINT64_C(2) << 30) /* bytes that a text may ask for */
#define MAX_SEMS 65536

void
asm_error(struct asm_state *s, int line, int col, const char *fmt, ...)
{
	struct loc loc = { s->file, line, col, NULL };
	va_list ap;

	if (s->errors++ >= MAX_ERRORS)
		return;
	va_start(ap, fmt);
	diag_vreport(s->d, DIAG_ERROR, &loc, fmt, ap);
	va_end(ap);
}

/* ---- fields of a statement ---- */

static bool
get_uint64(struct asm_state *s, struct asm_stmt *t, const char *name,
    uint64_t *out)
{
	struct asm_pair *p = asm_take(t, name);

	if (p == NULL) {
		asm_error(s, t->line, t->col, "%s: %s is missing", t->name,
		    name);
		return false;
	}
	return asm_uint64(s, p->value, out);
}

static bool
get_int64(struct asm_state *s, struct asm_stmt *t, const char *name,
    int64_t *out)
{
	struct asm_pair *p = asm_take(t, name);

	if (p == NULL) {
		asm_error(s, t->line, t->col, "%s: %s is missing", t->name,
		    name);
		return false;
	}
	return p->value->next == NULL && asm_int64(s, p->value, out);
}

static const char *
get_string(struct asm_state *s, struct asm_stmt *t, const char *name)
{
	struct asm_pair *p = asm_take(t, name);

	if (p == NULL)
		asm_error(s, t->line, t->col, "%s: %s is missing", t->name,
		    name);
	else if (p->value->kind != ASM_STRING || p->value->next != NULL)
		asm_error(s, p->line, p->col, "%s is not a string", name);
	else
		return p->value->text;
	return "";
}

/* The number of an enum's name in field name. */
static uint64_t
get_enum(struct asm_state *s, struct asm_stmt *t, const char *name,
    enum desc_type type)
{
	struct asm_pair *p = asm_take(t, name);
	uint64_t v = 0;

	if (p == NULL)
		asm_error(s, t->line, t->col, "%s: %s is missing", t->name,
		    name);
	else if (p->value->kind != ASM_WORD || p->value->next != NULL ||
	    !desc_value_parse(type, p->value->text, &v))
		asm_error(s, p->value->line, p->value->col,
		    "'%s' is not a %s", p->value->text, name);
	return v;
}

/* The only argument, a string. */
static const char *
get_title(struct asm_state *s, struct asm_stmt *t)
{
	if (t->arg != NULL && t->arg->kind == ASM_STRING &&
	    t->arg->next == NULL)
		return t->arg->text;
	asm_error(s, t->line, t->col, "%s takes one string", t->name);
	return "";
}

static void
once(struct asm_state *s, struct asm_stmt *t, bool *flag)
{
	if (*flag)
		asm_error(s, t->line, t->col, "%s is given twice", t->name);
	*flag = true;
}

/* ---- directives ---- */

static void
do_isa(struct asm_state *s, struct asm_stmt *t)
{
	once(s, t, &s->has_isa);
	if (t->arg == NULL)
		asm_error(s, t->line, t->col, ".isa takes a number");
	else
		(void)asm_uint32(s, t->arg, &s->p->isa_version);
}

static void
do_accumulation(struct asm_state *s, struct asm_stmt *t)
{
	once(s, t, &s->has_accumulation);
	s->p->accumulation = get_title(s, t);
}

static void
do_memory(struct asm_state *s, struct asm_stmt *t)
{
	once(s, t, &s->has_memory);
	(void)(get_uint64(s, t, "dram", &s->p->dram_size) &&
	    get_uint64(s, t, "gbuf", &s->p->gbuf_size) &&
	    get_uint64(s, t, "wbuf", &s->p->wbuf_size));
}

static void
do_target(struct asm_state *s, struct asm_stmt *t)
{
	const char *why;

	once(s, t, &s->has_target);
	target_defaults(&s->p->target, get_title(s, t));
	for (unsigned i = 0; i < target_nkeys; i++) {
		struct asm_pair *p = asm_take(t, target_keys[i].name);

		if (p != NULL && (p->value->kind != ASM_NUMBER ||
			p->value->next != NULL ||
			!target_set(&s->p->target, p->name,
			    p->value->text, &why)))
			asm_error(s, p->line, p->col, "%s: '%s' is no value "
			    "for it", p->name, p->value->text);
	}
}

/* An index that must be the next of its table. */
static void
next_index(struct asm_state *s, struct asm_stmt *t, char letter, size_t have)
{
	uint32_t i;

	if (t->arg == NULL) {
		asm_error(s, t->line, t->col, "%s: expected %c%zu", t->name,
		    letter, have);
	} else {
		struct asm_value v = *t->arg;

		v.next = NULL;
		if (asm_index(s, &v, letter, &i) && i != have)
			asm_error(s, v.line, v.col,
			    "%s, but the next one is %c%zu", v.text, letter,
			    have);
	}
}

static void
do_sem(struct asm_state *s, struct asm_stmt *t)
{
	const struct asm_value *v = t->arg != NULL ? t->arg->next : NULL;

	next_index(s, t, 's', s->sems.len);
	if (v == NULL || v->kind != ASM_STRING || v->next != NULL)
		asm_error(s, t->line, t->col, "expected .sem sN \"name\"");
	else
		VEC_PUSH(s->arena, &s->sems, v->text);
}

static void
do_op(struct asm_state *s, struct asm_stmt *t)
{
	struct wave_op o = { 0 };

	next_index(s, t, 'o', s->ops.len);
	o.name = get_string(s, t, "name");
	o.op = get_string(s, t, "op");
	o.phase = get_string(s, t, "phase");
	o.loc = get_string(s, t, "loc");
	(void)get_int64(s, t, "macs", &o.macs);
	(void)get_int64(s, t, "macs_paper", &o.macs_paper);
	VEC_PUSH(s->arena, &s->ops, o);
}

static void
do_group(struct asm_state *s, struct asm_stmt *t)
{
	struct wave_layer_group g = { 0 };

	uint64_t entry = 0;

	g.ops = get_string(s, t, "ops");
	(void)get_uint64(s, t, "entry", &entry);
	g.entry = entry < UINT32_MAX ? (uint32_t)entry : UINT32_MAX;
	(void)get_int64(s, t, "sub_batch", &g.sub_batch);
	(void)get_int64(s, t, "iterations", &g.iterations);
	VEC_PUSH(s->arena, &s->groups, g);
}

static enum wave_bind_kind
get_bind_kind(struct asm_state *s, struct asm_stmt *t)
{
	struct asm_pair *p = asm_take(t, "kind");

	if (p != NULL && strcmp(p->value->text, "input") == 0)
		return WAVE_BIND_INPUT;
	if (p != NULL && strcmp(p->value->text, "output") == 0)
		return WAVE_BIND_OUTPUT;
	if (p != NULL && strcmp(p->value->text, "state") == 0)
		return WAVE_BIND_STATE;
	asm_error(s, t->line, t->col,
	    ".bind: kind is not input, output or state");
	return WAVE_BIND_INPUT;
}

static int
get_extents(struct asm_state *s, struct asm_stmt *t, const char *name,
    int64_t *out)
{
	struct asm_pair *p = asm_take(t, name);
	int n = 0;

	if (p == NULL)
		return 0;
	for (struct asm_value *v = p->value; v != NULL; v = v->next) {
		if (n == WAVE_MAX_RANK) {
			asm_error(s, v->line, v->col, "more than %d numbers",
			    WAVE_MAX_RANK);
			return n;
		}
		(void)asm_int64(s, v, &out[n++]);
	}
	return n;
}

static void
do_bind(struct asm_state *s, struct asm_stmt *t)
{
	struct wave_binding b = { 0 };

	b.name = get_title(s, t);
	b.kind = get_bind_kind(s, t);
	b.dtype = (enum dtype)get_enum(s, t, "dtype", DESC_DTYPE);
	(void)get_uint64(s, t, "address", &b.address);
	b.rank = get_extents(s, t, "dim", b.dim);
	if (get_extents(s, t, "stride", b.stride) != b.rank)
		asm_error(s, t->line, t->col,
		    ".bind: dim and stride differ in length");
	VEC_PUSH(s->arena, &s->bindings, b);
}

static void
do_sym(struct asm_state *s, struct asm_stmt *t)
{
	struct wave_symbol y = { 0 };

	y.name = get_title(s, t);
	y.space = (int)get_enum(s, t, "space", DESC_SPACE);
	y.dtype = (enum dtype)get_enum(s, t, "dtype", DESC_DTYPE);
	(void)get_uint64(s, t, "address", &y.address);
	(void)get_uint64(s, t, "size", &y.size);
	y.shape = get_string(s, t, "shape");
	VEC_PUSH(s->arena, &s->symbols, y);
}

static void
do_entry(struct asm_state *s, struct asm_stmt *t)
{
	struct wave_entry e = { 0 };
	uint64_t groups = 1, sems = 0;

	e.name = get_title(s, t);
	(void)get_uint64(s, t, "groups", &groups);
	(void)get_uint64(s, t, "sems", &sems);
	if (groups > INT32_MAX || sems > MAX_SEMS) {
		asm_error(s, t->line, t->col,
		    "more than %d groups or %d semaphores", INT32_MAX,
		    MAX_SEMS);
		groups = sems = 0;
	}
	e.groups = (int)groups;
	e.nsems = (uint32_t)sems;
	s->exits = NEW_ARRAY(s->arena, uint32_t, sems > 0 ? sems : 1);
	e.sem_exit = s->exits;
	for (int q = 0; q < WAVE_QUEUES; q++)
		e.first[q] = (uint32_t)(s->code[q].len / 16);
	VEC_PUSH(s->arena, &s->entries, e);
	s->entry = &s->entries.data[s->entries.len - 1];
	s->queue = -1;
	s->queues_seen = 0;
}

static void
do_exit(struct asm_state *s, struct asm_stmt *t)
{
	if (s->entry == NULL) {
		asm_error(s, t->line, t->col, ".exit outside .entry");
		return;
	}
	for (struct asm_pair *p = t->pair; p != NULL; p = p->next) {
		struct asm_value name = { ASM_WORD, p->name, p->line, p->col,
			NULL };
		uint32_t i, v;

		p->used = true;
		if (!asm_index(s, &name, 's', &i) ||
		    !asm_uint32(s, p->value, &v))
			return;
		if (i < s->entry->nsems)
			s->exits[i] = v;
		else
			asm_error(s, p->line, p->col,
			    "s%u of %u semaphores", i, s->entry->nsems);
	}
}

static void
do_queue(struct asm_state *s, struct asm_stmt *t)
{
	const char *name = t->arg != NULL ? t->arg->text : "";

	if (s->entry == NULL) {
		asm_error(s, t->line, t->col, ".queue outside .entry");
		return;
	}
	s->op = UINT32_MAX;
	for (int q = 0; q < WAVE_QUEUES; q++) {
		if (strcmp(name, queue_name((enum queue)q)) != 0)
			continue;
		if ((s->queues_seen >> q & 1) != 0)
			asm_error(s, t->line, t->col,
			    "queue %s is given twice", name);
		s->queues_seen |= 1u << q;
		s->queue = q;
		return;
	}
	asm_error(s, t->line, t->col, "'%s' is not a queue", name);
}

static void
do_source(struct asm_state *s, struct asm_stmt *t)
{
	uint32_t i;

	if (t->arg == NULL) {
		asm_error(s, t->line, t->col, "expected .source oN or none");
	} else if (strcmp(t->arg->text, "none") == 0) {
		s->op = UINT32_MAX;
	} else if (asm_index(s, t->arg, 'o', &i)) {
		if (i < s->ops.len)
			s->op = i;
		else
			asm_error(s, t->arg->line, t->arg->col,
			    "o%u of %zu ops", i, s->ops.len);
	}
}

static void
do_data(struct asm_state *s, struct asm_stmt *t)
{
	once(s, t, &s->has_data);
	s->queue = -1;
	s->entry = NULL;
}

static bool
room_for(struct asm_state *s, uint64_t n, int line, int col)
{
	if (!s->has_data) {
		asm_error(s, line, col, "bytes before .data");
		return false;
	}
	if (n > MAX_DATA - s->data.len) {
		asm_error(s, line, col, "more than 2 GiB of data");
		return false;
	}
	return true;
}

static void
do_zero(struct asm_state *s, struct asm_stmt *t)
{
	uint64_t n;

	if (t->arg == NULL)
		asm_error(s, t->line, t->col, ".zero takes a number");
	else if (asm_uint64(s, t->arg, &n) &&
	    room_for(s, n, t->arg->line, t->arg->col))
		asm_append(s, &s->data, NULL, (size_t)n);
}

static uint8_t
nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

void
asm_hex(struct asm_state *s, const char *digits, size_t n, int line, int col)
{
	uint8_t *out;

	if (n % 2 != 0) {
		asm_error(s, line, col, "an odd number of digits");
		return;
	}
	if (!room_for(s, n / 2, line, col))
		return;
	asm_append(s, &s->data, NULL, n / 2);
	out = s->data.data + s->data.len - n / 2;
	for (size_t i = 0; i < n; i += 2)
		*out++ = (uint8_t)(nibble(digits[i]) << 4 |
		    nibble(digits[i + 1]));
}

static const struct {
	const char *name;
	void (*fn)(struct asm_state *s, struct asm_stmt *t);
	bool body; /* may have one */
} directives[] = {
	{ ".isa", do_isa, false },
	{ ".accumulation", do_accumulation, false },
	{ ".memory", do_memory, false },
	{ ".target", do_target, true },
	{ ".sem", do_sem, false },
	{ ".op", do_op, true },
	{ ".group", do_group, true },
	{ ".bind", do_bind, true },
	{ ".sym", do_sym, true },
	{ ".entry", do_entry, false },
	{ ".exit", do_exit, false },
	{ ".queue", do_queue, false },
	{ ".source", do_source, false },
	{ ".data", do_data, false },
	{ ".zero", do_zero, false },
};

static bool
directive(struct asm_state *s, struct asm_stmt *t)
{
	for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
		if (strcmp(directives[i].name, t->name) != 0)
			continue;
		if (t->has_body && !directives[i].body)
			asm_error(s, t->line, t->col, "%s has no body",
			    t->name);
		directives[i].fn(s, t);
		return true;
	}
	return false;
}

void
asm_statement(struct asm_state *s, struct asm_stmt *t)
{
	unsigned before = s->errors;

	if (!directive(s, t) && !asm_descriptor(s, t) &&
	    !asm_instruction(s, t)) {
		asm_error(s, t->line, t->col, "unknown %s '%s'",
		    t->name[0] == '.' ? "directive" : "instruction", t->name);
		return;
	}
	for (struct asm_pair *p = t->pair; p != NULL; p = p->next)
		if (!p->used && s->errors == before)
			asm_error(s, p->line, p->col,
			    "%s has no field %s, or it is given twice",
			    t->name, p->name);
}

/* ---- the whole ---- */

static void
finish(struct asm_state *s)
{
	struct wave_program *p = s->p;

	for (int q = 0; q < WAVE_QUEUES; q++) {
		p->code[q].data = s->code[q].data;
		p->code[q].size = s->code[q].len;
	}
	for (int k = 0; k < WAVE_DESC_KINDS; k++) {
		p->desc[k].data = s->desc[k].data;
		p->desc[k].size = s->desc[k].len;
	}
	p->data.data = s->data.data;
	p->data.size = s->data.len;
	p->entries = s->entries.data;
	p->nentries = (uint32_t)s->entries.len;
	p->bindings = s->bindings.data;
	p->nbindings = (uint32_t)s->bindings.len;
	p->symbols = s->symbols.data;
	p->nsymbols = (uint32_t)s->symbols.len;
	p->sources = s->sources.data;
	p->nsources = (uint32_t)s->sources.len;
	p->ops = s->ops.data;
	p->nops = (uint32_t)s->ops.len;
	p->layer_groups = s->groups.data;
	p->nlayer_groups = (uint32_t)s->groups.len;
	p->sem_names = s->sems.data;
	p->nsem_names = (uint32_t)s->sems.len;
}

static void
check_complete(struct asm_state *s)
{
	const struct {
		bool has;
		const char *name;
	} need[] = {
		{ s->has_isa, ".isa" },
		{ s->has_accumulation, ".accumulation" },
		{ s->has_memory, ".memory" },
		{ s->has_target, ".target" },
		{ s->entries.len > 0, ".entry" },
	};
	struct loc loc = { s->file, 0, 0, NULL };

	if (s->errors > 0)
		return;
	for (size_t i = 0; i < sizeof need / sizeof *need; i++)
		if (!need[i].has)
			asm_error(s, 0, 0, "%s is missing", need[i].name);
	if (s->errors == 0 && !target_check(s->d, &loc, &s->p->target))
		s->errors++;
	if (s->errors == 0 && s->data.len > s->p->dram_size)
		asm_error(s, 0, 0, "more data than the DRAM of .memory");
}

static void
parse_text(struct asm_state *s, const char *text, size_t len)
{
	yyscan_t scanner;
	YY_BUFFER_STATE buffer;

	if (len > INT32_MAX) {
		asm_error(s, 0, 0, "more than 2 GiB of text");
		return;
	}
	if (asm_yylex_init_extra(s, &scanner) != 0)
		ice("asm_parse", "out of memory");
	buffer = asm_yy_scan_bytes(text, (int)len, scanner);
	asm_yyset_lineno(1, scanner);
	asm_yyset_column(1, scanner);
	if (asm_yyparse(scanner, s) == 2)
		asm_error(s, 0, 0, "nested too deeply");
	asm_yy_delete_buffer(buffer, scanner);
	asm_yylex_destroy(scanner);
}

struct wave_program *
asm_parse(struct arena *a, struct diag *d, const char *name, const char *text,
    size_t len)
{
	struct asm_state *s = NEW(a, struct asm_state);
	uint8_t none[512] = { 0 };

	s->arena = a;
	s->d = d;
	s->file = name;
	s->queue = -1;
	s->op = UINT32_MAX;
	s->p = NEW(a, struct wave_program);
	for (int k = 0; k < DESC_COUNT; k++)
		asm_append(s, &s->desc[k], none,
		    desc_record_size((enum desc_kind)k));
	parse_text(s, text, len);
	check_complete(s);
	if (s->errors > 0)
		return NULL;
	finish(s);
	return s->p;
}
