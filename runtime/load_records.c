/* Notes and records of an object file into the program they describe. */
#include "runtime/load.h"

#include <stdlib.h>
#include <string.h>

#include "support/dtype.h"
#include "support/str.h"
#include "support/target.h"

/* enum space of the instruction set, which the runtime does not include. */
enum { SPACE_DRAM_ = 1, SPACE_GBUF_ = 2, SPACE_WBUF_ = 3, SPACES_ = 7 };

/* ---- notes ---- */

static uint32_t
word(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static uint64_t
long_word(const uint8_t *p)
{
	return word(p) | (uint64_t)word(p + 4) << 32;
}

/* The next note; they have a fixed order. */
static bool
next_note(struct load *l, uint64_t *at, uint32_t type, const uint8_t **desc,
    uint32_t *size)
{
	const uint8_t *p = l->section[OBJ_S_NOTE].data + *at;
	uint64_t left = l->section[OBJ_S_NOTE].size - *at, padded;

	if (left < 20 || word(p) != 5 || word(p + 8) != type ||
	    memcmp(p + 12, "wave\0\0\0", 8) != 0)
		return load_fail(l, ".note.wave: note 0x%x is missing",
		    (unsigned)type);
	*size = word(p + 4);
	padded = ((uint64_t)*size + 3) / 4 * 4;
	if (padded > left - 20)
		return load_fail(l, ".note.wave: note 0x%x is cut off",
		    (unsigned)type);
	*desc = p + 20;
	*at += 20 + padded;
	return true;
}

static bool
note_text(struct load *l, uint64_t *at, uint32_t type, const char **text)
{
	const uint8_t *desc;
	uint32_t size;

	if (!next_note(l, at, type, &desc, &size))
		return false;
	if (memchr(desc, '\0', size) != NULL)
		return load_fail(l, ".note.wave: note 0x%x is not text",
		    (unsigned)type);
	*text = arena_strndup(l->arena, (const char *)desc, size);
	return true;
}

static bool
note_version(struct load *l, uint64_t *at)
{
	const uint8_t *desc;
	uint32_t size;

	if (!next_note(l, at, OBJ_NOTE_VERSION, &desc, &size))
		return false;
	if (size != 8 || word(desc + 4) != OBJ_FORMAT_VERSION)
		return load_fail(l, ".note.wave: unknown format");
	l->p->isa_version = word(desc);
	if (l->p->isa_version != OBJ_ISA_VERSION)
		return load_fail(l,
		    "code for ISA version %u; this is version %d",
		    (unsigned)l->p->isa_version, OBJ_ISA_VERSION);
	return true;
}

static bool
note_target(struct load *l, uint64_t *at)
{
	struct wave_target *t = &l->p->target;
	const char *name, *text;

	if (!note_text(l, at, OBJ_NOTE_TARGET, &name) ||
	    !note_text(l, at, OBJ_NOTE_PARAMETERS, &text))
		return false;
	if (strlen(name) >= sizeof t->name)
		return load_fail(l, "the target's name is longer than %zu",
		    sizeof t->name - 1);
	memcpy(t->name, name, strlen(name) + 1);
	return target_parse(l->d, &l->loc, text, strlen(text), t) &&
	    target_check(l->d, &l->loc, t);
}

static bool
check_memory(struct load *l, const char *what, uint64_t used, int64_t have)
{
	if (used > OBJ_MAX_DRAM || (have > 0 && used > (uint64_t)have))
		return load_fail(l, "%llu bytes of %s; the target has %lld",
		    (unsigned long long)used, what, (long long)have);
	return true;
}

static bool
note_memory(struct load *l, uint64_t *at)
{
	struct wave_program *p = l->p;
	uint64_t data = l->section[OBJ_S_DATA].size;
	const uint8_t *desc;
	uint32_t size;

	if (!next_note(l, at, OBJ_NOTE_MEMORY, &desc, &size))
		return false;
	if (size != 24)
		return load_fail(l, ".note.wave: the memory note has %u bytes",
		    (unsigned)size);
	p->dram_size = long_word(desc);
	p->gbuf_size = long_word(desc + 8);
	p->wbuf_size = long_word(desc + 16);
	if (!check_memory(l, "DRAM", p->dram_size, p->target.dram_bytes) ||
	    !check_memory(l, "GBUF", p->gbuf_size, p->target.gbuf_bytes) ||
	    !check_memory(l, "WBUF", p->wbuf_size, p->target.wbuf_bytes))
		return false;
	if (l->section[OBJ_S_BSS].size > OBJ_MAX_DRAM ||
	    data + l->section[OBJ_S_BSS].size != p->dram_size)
		return load_fail(l, ".data and .bss are not the %llu bytes "
		    "of DRAM", (unsigned long long)p->dram_size);
	if (l->section[OBJ_S_DATA].address != 0 ||
	    l->section[OBJ_S_BSS].address != data)
		return load_fail(l, ".data or .bss has a wrong address");
	return true;
}

bool
load_notes(struct load *l)
{
	uint64_t at = 0;

	if (!note_version(l, &at) || !note_target(l, &at) ||
	    !note_text(l, &at, OBJ_NOTE_ACCUMULATION, &l->p->accumulation) ||
	    !note_memory(l, &at))
		return false;
	if (at != l->section[OBJ_S_NOTE].size)
		return load_fail(l, ".note.wave: bytes after the last note");
	return true;
}

/* ---- records ---- */

/* The records of a section and their number. */
static bool
records(struct load *l, enum obj_section s, const uint8_t **rec, uint32_t *n)
{
	uint64_t count = l->section[s].size / obj_sections[s].record;

	*rec = l->section[s].data;
	*n = (uint32_t)count;
	if (count > INT32_MAX)
		return load_fail(l, "section %s has %llu records",
		    obj_sections[s].name, (unsigned long long)count);
	return true;
}

static bool
string(struct load *l, const uint8_t *rec, enum obj_field f, const char **out)
{
	uint64_t at = obj_get(rec, f, 0);

	if (at >= l->section[OBJ_S_STR].size)
		return load_fail(l, "section %s: a %s lies outside .wave.str",
		    obj_sections[obj_fields[f].section].name,
		    obj_fields[f].name);
	*out = (const char *)l->section[OBJ_S_STR].data + at;
	return true;
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Names are not empty and differ. Sorts the array. */
static bool
check_names(struct load *l, const char *what, const char **name, uint32_t n)
{
	qsort(name, n, sizeof *name, by_text);
	if (n > 0 && name[0][0] == '\0')
		return load_fail(l, "%s without a name", what);
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(name[i], name[i - 1]) == 0)
			return load_fail(l, "two are called %s '%.60s'",
			    what, name[i]);
	return true;
}

static bool
load_code(struct load *l)
{
	int64_t most = l->p->target.code_words;

	for (int q = 0; q < WAVE_QUEUES; q++) {
		enum obj_section s = (enum obj_section)(OBJ_S_LD + q);
		const uint8_t *data;
		uint32_t n;

		if (!records(l, s, &data, &n))
			return false;
		if (most > 0 && n > most)
			return load_fail(l,
			    "%s has %u instructions; the target holds %lld",
			    obj_sections[s].name, n, (long long)most);
		l->p->code[q].data = data;
		l->p->code[q].size = (size_t)n * 16;
	}
	for (int k = 0; k < WAVE_DESC_KINDS; k++) {
		l->p->desc[k].data = l->section[OBJ_S_AFF + k].data;
		l->p->desc[k].size = (size_t)l->section[OBJ_S_AFF + k].size;
	}
	l->p->data.data = l->section[OBJ_S_DATA].data;
	l->p->data.size = (size_t)l->section[OBJ_S_DATA].size;
	return true;
}

static bool
load_exits(struct load *l, const uint8_t *rec, struct wave_entry *e)
{
	uint64_t total = l->section[OBJ_S_EXIT].size / 4;
	uint64_t first = obj_get(rec, OBJ_F_ENTRY_exit, 0);
	uint32_t *v;

	e->nsems = (uint32_t)obj_get(rec, OBJ_F_ENTRY_nsems, 0);
	if (e->nsems > l->p->target.semaphores)
		return load_fail(l,
		    "entry '%.60s' has %u semaphores; the target has %lld",
		    e->name, e->nsems,
		    (long long)l->p->target.semaphores);
	if (first > total || e->nsems > total - first)
		return load_fail(l,
		    "entry '%.60s': exit values lie outside .wave.exit",
		    e->name);
	v = NEW_ARRAY(l->arena, uint32_t, e->nsems > 0 ? e->nsems : 1);
	for (uint32_t i = 0; i < e->nsems; i++)
		v[i] = word(l->section[OBJ_S_EXIT].data + 4 * (first + i));
	e->sem_exit = v;
	return true;
}

static bool
load_entry(struct load *l, const uint8_t *rec, struct wave_entry *e,
    uint64_t *next)
{
	uint64_t groups = obj_get(rec, OBJ_F_ENTRY_groups, 0);

	if (!string(l, rec, OBJ_F_ENTRY_name, &e->name))
		return false;
	if (groups < 1 || groups > (uint64_t)l->p->target.groups)
		return load_fail(l,
		    "entry '%.60s' runs on %llu groups; the target has %lld",
		    e->name, (unsigned long long)groups,
		    (long long)l->p->target.groups);
	e->groups = (int)groups;
	for (unsigned q = 0; q < WAVE_QUEUES; q++) {
		e->first[q] =
		    (uint32_t)obj_get(rec, OBJ_F_ENTRY_first, q);
		e->count[q] =
		    (uint32_t)obj_get(rec, OBJ_F_ENTRY_count, q);
		if (e->first[q] != next[q])
			return load_fail(l, "entry '%.60s' does not follow "
			    "the one before it in %s", e->name,
			    obj_sections[OBJ_S_LD + q].name);
		next[q] += e->count[q];
		if (next[q] * 16 > l->p->code[q].size)
			return load_fail(l, "entry '%.60s' reaches beyond %s",
			    e->name, obj_sections[OBJ_S_LD + q].name);
	}
	return load_exits(l, rec, e);
}

static bool
load_entries(struct load *l)
{
	uint64_t next[WAVE_QUEUES] = { 0 };
	const uint8_t *rec;
	struct wave_entry *e;
	const char **name;
	uint32_t n;

	if (!records(l, OBJ_S_ENTRY, &rec, &n))
		return false;
	e = NEW_ARRAY(l->arena, struct wave_entry, n > 0 ? n : 1);
	name = NEW_ARRAY(l->arena, const char *, n > 0 ? n : 1);
	for (uint32_t i = 0; i < n; i++) {
		if (!load_entry(l, rec, &e[i], next))
			return false;
		name[i] = e[i].name;
		rec += obj_sections[OBJ_S_ENTRY].record;
	}
	for (int q = 0; q < WAVE_QUEUES; q++)
		if (next[q] * 16 != l->p->code[q].size)
			return load_fail(l, "%s has code of no entry",
			    obj_sections[OBJ_S_LD + q].name);
	l->p->entries = e;
	l->p->nentries = n;
	return check_names(l, "entry", name, n);
}

/* The last byte of the tensor lies in DRAM, and no two elements of it are
 * in one place only because a stride is 0. */
static bool
check_binding_bytes(struct load *l, const struct wave_binding *b)
{
	int64_t last = (int64_t)dtype_size(b->dtype), span;
	bool empty = false;

	for (int k = 0; k < b->rank; k++) {
		if (b->dim[k] < 0)
			return load_fail(l,
			    "binding '%.60s': dimension %d is %lld", b->name,
			    k, (long long)b->dim[k]);
		empty = empty || b->dim[k] == 0;
	}
	for (int k = 0; k < b->rank && !empty; k++) {
		if (b->dim[k] > 1 && b->stride[k] < 1)
			return load_fail(l,
			    "binding '%.60s': stride %d is %lld", b->name, k,
			    (long long)b->stride[k]);
		if (b->dim[k] == 1)
			continue;
		if (!mul_int64(b->dim[k] - 1, b->stride[k], &span) ||
		    !add_int64(last, span, &last))
			return load_fail(l,
			    "binding '%.60s': its size overflows", b->name);
	}
	if (empty)
		last = 0;
	if (b->address > l->p->dram_size ||
	    (uint64_t)last > l->p->dram_size - b->address)
		return load_fail(l,
		    "binding '%.60s': %lld bytes at %llu lie outside %llu "
		    "bytes of DRAM", b->name, (long long)last,
		    (unsigned long long)b->address,
		    (unsigned long long)l->p->dram_size);
	return true;
}

static bool
load_binding(struct load *l, const uint8_t *rec, struct wave_binding *b)
{
	uint64_t kind = obj_get(rec, OBJ_F_BIND_kind, 0);
	uint64_t dtype = obj_get(rec, OBJ_F_BIND_dtype, 0);
	uint64_t rank = obj_get(rec, OBJ_F_BIND_rank, 0);

	if (!string(l, rec, OBJ_F_BIND_name, &b->name))
		return false;
	if (kind > WAVE_BIND_STATE)
		return load_fail(l, "binding '%.60s': kind %llu", b->name,
		    (unsigned long long)kind);
	if (dtype == DT_NONE || dtype >= DT_COUNT)
		return load_fail(l, "binding '%.60s': dtype %llu", b->name,
		    (unsigned long long)dtype);
	if (rank > WAVE_MAX_RANK)
		return load_fail(l, "binding '%.60s': rank %llu", b->name,
		    (unsigned long long)rank);
	b->kind = (enum wave_bind_kind)kind;
	b->dtype = (enum dtype)dtype;
	b->rank = (int)rank;
	b->address = obj_get(rec, OBJ_F_BIND_address, 0);
	for (unsigned k = 0; k < rank; k++) {
		b->dim[k] = (int64_t)obj_get(rec, OBJ_F_BIND_dim, k);
		b->stride[k] = (int64_t)obj_get(rec, OBJ_F_BIND_stride, k);
	}
	return check_binding_bytes(l, b);
}

static bool
load_bindings(struct load *l)
{
	const uint8_t *rec;
	struct wave_binding *b;
	const char **name;
	uint32_t n;

	if (!records(l, OBJ_S_BIND, &rec, &n))
		return false;
	b = NEW_ARRAY(l->arena, struct wave_binding, n > 0 ? n : 1);
	name = NEW_ARRAY(l->arena, const char *, n > 0 ? n : 1);
	for (uint32_t i = 0; i < n; i++) {
		if (!load_binding(l, rec, &b[i]))
			return false;
		name[i] = b[i].name;
		rec += obj_sections[OBJ_S_BIND].record;
	}
	l->p->bindings = b;
	l->p->nbindings = n;
	return check_names(l, "binding", name, n);
}

static bool
load_symbol(struct load *l, const uint8_t *rec, struct wave_symbol *s)
{
	const struct wave_program *p = l->p;
	uint64_t space = obj_get(rec, OBJ_F_SYM_space, 0);
	uint64_t dtype = obj_get(rec, OBJ_F_SYM_dtype, 0);
	uint64_t end = UINT64_MAX;

	if (!string(l, rec, OBJ_F_SYM_name, &s->name) ||
	    !string(l, rec, OBJ_F_SYM_shape, &s->shape))
		return false;
	if (space == 0 || space >= SPACES_ || dtype >= DT_COUNT)
		return load_fail(l, "symbol '%.60s': space %llu, dtype %llu",
		    s->name, (unsigned long long)space,
		    (unsigned long long)dtype);
	s->space = (int)space;
	s->dtype = (enum dtype)dtype;
	s->address = obj_get(rec, OBJ_F_SYM_address, 0);
	s->size = obj_get(rec, OBJ_F_SYM_size, 0);
	if (space == SPACE_DRAM_)
		end = p->dram_size;
	else if (space == SPACE_GBUF_)
		end = p->gbuf_size;
	else if (space == SPACE_WBUF_)
		end = p->wbuf_size;
	if (s->address > end || s->size > end - s->address)
		return load_fail(l,
		    "symbol '%.60s': %llu bytes at %llu lie outside its "
		    "memory", s->name, (unsigned long long)s->size,
		    (unsigned long long)s->address);
	return true;
}

static bool
load_symbols(struct load *l)
{
	const uint8_t *rec;
	struct wave_symbol *s;
	uint32_t n;

	if (!records(l, OBJ_S_SYM, &rec, &n))
		return false;
	s = NEW_ARRAY(l->arena, struct wave_symbol, n > 0 ? n : 1);
	for (uint32_t i = 0; i < n; i++) {
		if (!load_symbol(l, rec, &s[i]))
			return false;
		rec += obj_sections[OBJ_S_SYM].record;
	}
	l->p->symbols = s;
	l->p->nsymbols = n;
	return true;
}

static bool
load_ops(struct load *l)
{
	const uint8_t *rec;
	struct wave_op *o;
	uint32_t n;

	if (!records(l, OBJ_S_OPS, &rec, &n))
		return false;
	o = NEW_ARRAY(l->arena, struct wave_op, n > 0 ? n : 1);
	for (uint32_t i = 0; i < n; i++) {
		if (!string(l, rec, OBJ_F_OPS_name, &o[i].name) ||
		    !string(l, rec, OBJ_F_OPS_op, &o[i].op) ||
		    !string(l, rec, OBJ_F_OPS_phase, &o[i].phase) ||
		    !string(l, rec, OBJ_F_OPS_loc, &o[i].loc))
			return false;
		o[i].macs = (int64_t)obj_get(rec, OBJ_F_OPS_macs, 0);
		o[i].macs_paper =
		    (int64_t)obj_get(rec, OBJ_F_OPS_macs_paper, 0);
		if (o[i].macs < 0 || o[i].macs_paper < 0)
			return load_fail(l, "op '%.60s': negative products",
			    o[i].name);
		rec += obj_sections[OBJ_S_OPS].record;
	}
	l->p->ops = o;
	l->p->nops = n;
	return true;
}

/* Rows are ordered, disjoint, and joined where they could be. */
static bool
check_source(struct load *l, const struct wave_source *s,
    const struct wave_source *prev)
{
	uint64_t end = (uint64_t)s->first + s->count;

	if (s->queue >= WAVE_QUEUES || s->count == 0 ||
	    end * 16 > l->p->code[s->queue].size)
		return load_fail(l,
		    ".wave.srcmap: a range lies outside the code");
	if (s->op >= l->p->nops)
		return load_fail(l, ".wave.srcmap: op %u of %u", s->op,
		    l->p->nops);
	if (prev == NULL || prev->queue < s->queue)
		return true;
	end = (uint64_t)prev->first + prev->count;
	if (prev->queue > s->queue || s->first < end ||
	    (s->first == end && s->op == prev->op))
		return load_fail(l, ".wave.srcmap: ranges are out of order");
	return true;
}

static bool
load_sources(struct load *l)
{
	const uint8_t *rec;
	struct wave_source *s;
	uint32_t n;

	if (!records(l, OBJ_S_SRCMAP, &rec, &n))
		return false;
	s = NEW_ARRAY(l->arena, struct wave_source, n > 0 ? n : 1);
	for (uint32_t i = 0; i < n; i++) {
		s[i].queue = (uint32_t)obj_get(rec, OBJ_F_SRCMAP_queue, 0);
		s[i].first = (uint32_t)obj_get(rec, OBJ_F_SRCMAP_first, 0);
		s[i].count = (uint32_t)obj_get(rec, OBJ_F_SRCMAP_count, 0);
		s[i].op = (uint32_t)obj_get(rec, OBJ_F_SRCMAP_op, 0);
		if (!check_source(l, &s[i], i > 0 ? &s[i - 1] : NULL))
			return false;
		rec += obj_sections[OBJ_S_SRCMAP].record;
	}
	l->p->sources = s;
	l->p->nsources = n;
	return true;
}

static bool
load_groups(struct load *l)
{
	const uint8_t *rec;
	struct wave_layer_group *g;
	uint32_t n;

	if (!records(l, OBJ_S_GROUPS, &rec, &n))
		return false;
	g = NEW_ARRAY(l->arena, struct wave_layer_group, n > 0 ? n : 1);
	for (uint32_t i = 0; i < n; i++) {
		if (!string(l, rec, OBJ_F_GROUPS_ops, &g[i].ops))
			return false;
		g[i].sub_batch =
		    (int64_t)obj_get(rec, OBJ_F_GROUPS_sub_batch, 0);
		g[i].iterations =
		    (int64_t)obj_get(rec, OBJ_F_GROUPS_iterations, 0);
		g[i].entry = (uint32_t)obj_get(rec, OBJ_F_GROUPS_entry, 0);
		if (g[i].sub_batch < 1 || g[i].iterations < 1 ||
		    g[i].entry >= l->p->nentries)
			return load_fail(l, ".wave.groups: sub-batch %lld, "
			    "%lld iterations, entry %u",
			    (long long)g[i].sub_batch,
			    (long long)g[i].iterations, g[i].entry);
		rec += obj_sections[OBJ_S_GROUPS].record;
	}
	l->p->layer_groups = g;
	l->p->nlayer_groups = n;
	return true;
}

static bool
load_sems(struct load *l)
{
	const uint8_t *rec;
	const char **name;
	uint32_t n;

	if (!records(l, OBJ_S_SEMS, &rec, &n))
		return false;
	name = NEW_ARRAY(l->arena, const char *, n > 0 ? n : 1);
	for (uint32_t i = 0; i < n; i++) {
		if (!string(l, rec, OBJ_F_SEMS_name, &name[i]))
			return false;
		rec += obj_sections[OBJ_S_SEMS].record;
	}
	l->p->sem_names = name;
	l->p->nsem_names = n;
	return true;
}

bool
load_records(struct load *l)
{
	const uint8_t *str = l->section[OBJ_S_STR].data;
	uint64_t n = l->section[OBJ_S_STR].size;

	if (n == 0 || str[n - 1] != '\0')
		return load_fail(l, "section .wave.str does not end in NUL");
	return load_code(l) && load_entries(l) && load_bindings(l) &&
	    load_symbols(l) && load_ops(l) && load_sources(l) &&
	    load_groups(l) && load_sems(l);
}
