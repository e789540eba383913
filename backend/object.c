/* Object files: the sections of support/objfile.def laid out as ELF64. */
#include "backend/object.h"

#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

#include "backend/isa/program.h"
#include "backend/strtab.h"
#include "support/file.h"
#include "support/objfile.h"
#include "support/target.h"
#include "support/vec.h"

_Static_assert(OBJ_ISA_VERSION == ISA_VERSION, "the loader knows this ISA");

/* Section numbers in the file: the null section, ours, ELF's. */
enum {
	SHN_OF_FIRST = 1,
	SHN_OF_SYMTAB = SHN_OF_FIRST + OBJ_SECTIONS,
	SHN_OF_STRTAB,
	SHN_OF_SHSTRTAB,
	SHN_TOTAL
};

/* Parts of the file: each section may be preceded by padding. */
#define MAX_PARTS (2 * SHN_TOTAL + 3)
#define FILE_ALIGN 64

struct writer {
	struct arena *arena;
	struct diag *d;
	struct loc loc;
	const struct wave_program *p;
	struct wave_bytes section[SHN_TOTAL];
	struct strtab str;    /* .wave.str */
	struct strtab strtab; /* .strtab */
	uint32_t nlocal;      /* symbols before the first global one */
	Elf64_Ehdr ehdr;
	Elf64_Shdr shdr[SHN_TOTAL];
	struct file_part *part;
	size_t nparts;
	uint64_t size;
};

static bool fail(struct writer *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool
fail(struct writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(w->d, DIAG_ERROR, &w->loc, fmt, ap);
	va_end(ap);
	return false;
}

/* ---- does the program hold together ---- */

static bool
check_entries(struct writer *w)
{
	const struct wave_program *p = w->p;

	for (int q = 0; q < WAVE_QUEUES; q++) {
		uint64_t next = 0;

		for (uint32_t i = 0; i < p->nentries; i++) {
			const struct wave_entry *e = &p->entries[i];

			if (e->count[q] > 0 && e->first[q] != next)
				return fail(w, "entry '%s' does not follow "
				    "the one before it in queue %s", e->name,
				    queue_name((enum queue)q));
			next += e->count[q];
		}
		if (next * 16 != p->code[q].size)
			return fail(w, "queue %s has %zu bytes of code, its "
			    "entries cover %" PRIu64,
			    queue_name((enum queue)q), p->code[q].size,
			    next * 16);
	}
	return true;
}

static bool
check_program(struct writer *w)
{
	const struct wave_program *p = w->p;

	for (int k = 0; k < WAVE_DESC_KINDS; k++)
		if (p->desc[k].size %
			desc_record_size((enum desc_kind)k) != 0)
			return fail(w, "descriptor table %d is no whole "
			    "number of records", k);
	if (p->dram_size > OBJ_MAX_DRAM)
		return fail(w, "%" PRIu64 " bytes of DRAM, at most %" PRIu64
		    " fit an object", p->dram_size, (uint64_t)OBJ_MAX_DRAM);
	if (p->data.size > p->dram_size)
		return fail(w, "%zu bytes of data in %" PRIu64
		    " bytes of DRAM", p->data.size, p->dram_size);
	return check_entries(w);
}

/* ---- records ---- */

/* A section of n records of s. */
static uint8_t *
new_records(struct writer *w, enum obj_section s, size_t n)
{
	unsigned record = obj_sections[s].record;
	uint8_t *data = arena_calloc(w->arena, n > 0 ? n : 1, record);

	w->section[SHN_OF_FIRST + s].data = data;
	w->section[SHN_OF_FIRST + s].size = n * record;
	return data;
}

static void
put_entries(struct writer *w)
{
	const struct wave_program *p = w->p;
	uint32_t nexits = 0, next[WAVE_QUEUES] = { 0 };
	uint8_t *rec = new_records(w, OBJ_S_ENTRY, p->nentries), *exits;

	for (uint32_t i = 0; i < p->nentries; i++)
		nexits += p->entries[i].nsems;
	exits = new_records(w, OBJ_S_EXIT, nexits);
	nexits = 0;
	for (uint32_t i = 0; i < p->nentries; i++) {
		const struct wave_entry *e = &p->entries[i];

		obj_put(rec, OBJ_F_ENTRY_name, 0,
		    strtab_add(&w->str, e->name));
		obj_put(rec, OBJ_F_ENTRY_groups, 0, (uint64_t)e->groups);
		obj_put(rec, OBJ_F_ENTRY_nsems, 0, e->nsems);
		obj_put(rec, OBJ_F_ENTRY_exit, 0, nexits);
		for (unsigned q = 0; q < WAVE_QUEUES; q++) {
			obj_put(rec, OBJ_F_ENTRY_first, q, next[q]);
			obj_put(rec, OBJ_F_ENTRY_count, q, e->count[q]);
			next[q] += e->count[q];
		}
		for (uint32_t s = 0; s < e->nsems; s++, exits += 4)
			obj_put(exits, OBJ_F_EXIT_value, 0, e->sem_exit[s]);
		nexits += e->nsems;
		rec += obj_sections[OBJ_S_ENTRY].record;
	}
}

static void
put_bindings(struct writer *w)
{
	const struct wave_program *p = w->p;
	uint8_t *rec = new_records(w, OBJ_S_BIND, p->nbindings);

	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *b = &p->bindings[i];

		obj_put(rec, OBJ_F_BIND_name, 0,
		    strtab_add(&w->str, b->name));
		obj_put(rec, OBJ_F_BIND_kind, 0, (uint64_t)b->kind);
		obj_put(rec, OBJ_F_BIND_dtype, 0, (uint64_t)b->dtype);
		obj_put(rec, OBJ_F_BIND_rank, 0, (uint64_t)b->rank);
		obj_put(rec, OBJ_F_BIND_address, 0, b->address);
		for (unsigned k = 0; k < WAVE_MAX_RANK; k++) {
			if ((int)k >= b->rank)
				break;
			obj_put(rec, OBJ_F_BIND_dim, k, (uint64_t)b->dim[k]);
			obj_put(rec, OBJ_F_BIND_stride, k,
			    (uint64_t)b->stride[k]);
		}
		rec += obj_sections[OBJ_S_BIND].record;
	}
}

static void
put_symbols(struct writer *w)
{
	const struct wave_program *p = w->p;
	uint8_t *rec = new_records(w, OBJ_S_SYM, p->nsymbols);

	for (uint32_t i = 0; i < p->nsymbols; i++) {
		const struct wave_symbol *s = &p->symbols[i];

		obj_put(rec, OBJ_F_SYM_name, 0, strtab_add(&w->str, s->name));
		obj_put(rec, OBJ_F_SYM_shape, 0,
		    strtab_add(&w->str, s->shape));
		obj_put(rec, OBJ_F_SYM_space, 0, (uint64_t)s->space);
		obj_put(rec, OBJ_F_SYM_dtype, 0, (uint64_t)s->dtype);
		obj_put(rec, OBJ_F_SYM_address, 0, s->address);
		obj_put(rec, OBJ_F_SYM_size, 0, s->size);
		rec += obj_sections[OBJ_S_SYM].record;
	}
}

static void
put_ops(struct writer *w)
{
	const struct wave_program *p = w->p;
	uint8_t *rec = new_records(w, OBJ_S_OPS, p->nops);

	for (uint32_t i = 0; i < p->nops; i++) {
		const struct wave_op *o = &p->ops[i];

		obj_put(rec, OBJ_F_OPS_name, 0, strtab_add(&w->str, o->name));
		obj_put(rec, OBJ_F_OPS_op, 0, strtab_add(&w->str, o->op));
		obj_put(rec, OBJ_F_OPS_phase, 0,
		    strtab_add(&w->str, o->phase));
		obj_put(rec, OBJ_F_OPS_loc, 0, strtab_add(&w->str, o->loc));
		obj_put(rec, OBJ_F_OPS_macs, 0, (uint64_t)o->macs);
		obj_put(rec, OBJ_F_OPS_macs_paper, 0,
		    (uint64_t)o->macs_paper);
		rec += obj_sections[OBJ_S_OPS].record;
	}
}

static void
put_sources(struct writer *w)
{
	uint32_t n;
	const struct wave_source *s =
	    program_sources(w->arena, w->p, &n);
	uint8_t *rec = new_records(w, OBJ_S_SRCMAP, n);

	for (uint32_t i = 0; i < n; i++, s++) {
		obj_put(rec, OBJ_F_SRCMAP_queue, 0, s->queue);
		obj_put(rec, OBJ_F_SRCMAP_first, 0, s->first);
		obj_put(rec, OBJ_F_SRCMAP_count, 0, s->count);
		obj_put(rec, OBJ_F_SRCMAP_op, 0, s->op);
		rec += obj_sections[OBJ_S_SRCMAP].record;
	}
}

static void
put_groups_and_sems(struct writer *w)
{
	const struct wave_program *p = w->p;
	uint8_t *rec = new_records(w, OBJ_S_GROUPS, p->nlayer_groups);

	for (uint32_t i = 0; i < p->nlayer_groups; i++) {
		const struct wave_layer_group *g = &p->layer_groups[i];

		obj_put(rec, OBJ_F_GROUPS_ops, 0,
		    strtab_add(&w->str, g->ops));
		obj_put(rec, OBJ_F_GROUPS_entry, 0, g->entry);
		obj_put(rec, OBJ_F_GROUPS_sub_batch, 0,
		    (uint64_t)g->sub_batch);
		obj_put(rec, OBJ_F_GROUPS_iterations, 0,
		    (uint64_t)g->iterations);
		rec += obj_sections[OBJ_S_GROUPS].record;
	}
	rec = new_records(w, OBJ_S_SEMS, p->nsem_names);
	for (uint32_t i = 0; i < p->nsem_names; i++) {
		obj_put(rec, OBJ_F_SEMS_name, 0,
		    strtab_add(&w->str, p->sem_names[i]));
		rec += obj_sections[OBJ_S_SEMS].record;
	}
}

static void
put_code_and_data(struct writer *w)
{
	const struct wave_program *p = w->p;

	for (int q = 0; q < WAVE_QUEUES; q++)
		w->section[SHN_OF_FIRST + OBJ_S_LD + q] = p->code[q];
	for (int k = 0; k < WAVE_DESC_KINDS; k++) {
		struct wave_bytes *s =
		    &w->section[SHN_OF_FIRST + OBJ_S_AFF + k];

		*s = p->desc[k];
		if (s->size > 0)
			continue;
		/* every table has its entry 0 */
		s->size = desc_record_size((enum desc_kind)k);
		s->data = arena_alloc(w->arena, s->size);
	}
	w->section[SHN_OF_FIRST + OBJ_S_DATA] = p->data;
	w->section[SHN_OF_FIRST + OBJ_S_BSS].size =
	    (size_t)(p->dram_size - p->data.size);
}

/* ---- notes ---- */

static void
add_word(struct strbuf *s, uint64_t v, unsigned bytes)
{
	char b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (char)(v >> 8 * i & 0xff);
	strbuf_addn(s, b, bytes);
}

static void
add_note(struct strbuf *s, enum obj_note type, const char *desc, size_t n)
{
	add_word(s, 5, 4);
	add_word(s, n, 4);
	add_word(s, type, 4);
	strbuf_addn(s, "wave\0\0\0", 8); /* the name, padded to 4 bytes */
	strbuf_addn(s, desc, n);
	strbuf_addn(s, "\0\0\0", (4 - n % 4) % 4);
}

static void
put_notes(struct writer *w)
{
	const struct wave_program *p = w->p;
	struct strbuf s = { 0 }, text = { 0 };
	struct wave_bytes *out = &w->section[SHN_OF_FIRST + OBJ_S_NOTE];

	add_word(&text, p->isa_version, 4);
	add_word(&text, OBJ_FORMAT_VERSION, 4);
	add_note(&s, OBJ_NOTE_VERSION, text.data, text.len);
	add_note(&s, OBJ_NOTE_TARGET, p->target.name,
	    strlen(p->target.name));
	text.len = 0;
	target_add(&text, &p->target, "");
	add_note(&s, OBJ_NOTE_PARAMETERS, text.data, text.len);
	add_note(&s, OBJ_NOTE_ACCUMULATION,
	    p->accumulation != NULL ? p->accumulation : "",
	    p->accumulation != NULL ? strlen(p->accumulation) : 0);
	text.len = 0;
	add_word(&text, p->dram_size, 8);
	add_word(&text, p->gbuf_size, 8);
	add_word(&text, p->wbuf_size, 8);
	add_note(&s, OBJ_NOTE_MEMORY, text.data, text.len);
	out->data = arena_memdup(w->arena, s.data, s.len);
	out->size = s.len;
	strbuf_free(&text);
	strbuf_free(&s);
}

/* ---- ELF ---- */

typedef VEC(Elf64_Sym) sym_vec;

static void
add_symbol(struct writer *w, sym_vec *v, const char *name, int bind, int type,
    uint64_t shndx, uint64_t value, uint64_t size)
{
	Elf64_Sym s = { 0 };

	s.st_name = strtab_add(&w->strtab, name);
	s.st_info = (unsigned char)ELF64_ST_INFO(bind, type);
	s.st_shndx = (Elf64_Half)shndx;
	s.st_value = value;
	s.st_size = size;
	VEC_PUSH(w->arena, v, s);
}

/* main.ld, main.mx ... per queue, then main for the first of them. */
static void
add_entry_symbols(struct writer *w, sym_vec *v, bool global)
{
	const struct wave_program *p = w->p;
	uint64_t next[WAVE_QUEUES] = { 0 };

	for (uint32_t i = 0; i < p->nentries; i++) {
		const struct wave_entry *e = &p->entries[i];
		bool named = false;

		for (int q = 0; q < WAVE_QUEUES; q++) {
			uint64_t at = next[q], n = e->count[q];
			const char *name = e->name;

			next[q] += n;
			if (n == 0 || (global && named))
				continue;
			if (!global)
				name = arena_printf(w->arena, "%s.%s",
				    e->name, queue_name((enum queue)q));
			add_symbol(w, v, name,
			    global ? STB_GLOBAL : STB_LOCAL, STT_FUNC,
			    (uint64_t)(SHN_OF_FIRST + OBJ_S_LD + q), at * 16,
			    n * 16);
			named = true;
		}
	}
}

static void
add_tensor_symbols(struct writer *w, sym_vec *v)
{
	const struct wave_program *p = w->p;

	for (uint32_t i = 0; i < p->nsymbols; i++) {
		const struct wave_symbol *s = &p->symbols[i];
		uint64_t shndx = SHN_ABS;

		if (s->space == SPACE_DRAM)
			shndx = SHN_OF_FIRST +
			    (s->address < p->data.size ? OBJ_S_DATA :
							 OBJ_S_BSS);
		add_symbol(w, v, s->name, STB_GLOBAL, STT_OBJECT, shndx,
		    s->address, s->size);
	}
}

/* Host structs to their bytes in the file. */
static struct wave_bytes
encode(struct writer *w, Elf_Type type, void *host, size_t n)
{
	struct wave_bytes out = { NULL, n };
	Elf_Data src = { .d_buf = host, .d_type = type,
		.d_version = EV_CURRENT, .d_size = n };
	Elf_Data dst = src;

	dst.d_buf = arena_alloc(w->arena, n > 0 ? n : 1);
	if (elf64_xlatetof(&dst, &src, ELFDATA2LSB) == NULL)
		ice("object_write", "%s", elf_errmsg(-1));
	out.data = dst.d_buf;
	return out;
}

static void
put_elf_tables(struct writer *w)
{
	struct strtab names;
	sym_vec v = { 0 };

	add_symbol(w, &v, "", STB_LOCAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
	add_entry_symbols(w, &v, false);
	w->nlocal = (uint32_t)v.len;
	add_entry_symbols(w, &v, true);
	add_tensor_symbols(w, &v);
	w->section[SHN_OF_SYMTAB] =
	    encode(w, ELF_T_SYM, v.data, v.len * sizeof *v.data);
	strtab_init(&names, w->arena);
	for (int s = 0; s < OBJ_SECTIONS; s++)
		w->shdr[SHN_OF_FIRST + s].sh_name =
		    strtab_add(&names, obj_sections[s].name);
	w->shdr[SHN_OF_SYMTAB].sh_name = strtab_add(&names, ".symtab");
	w->shdr[SHN_OF_STRTAB].sh_name = strtab_add(&names, ".strtab");
	w->shdr[SHN_OF_SHSTRTAB].sh_name = strtab_add(&names, ".shstrtab");
	w->section[SHN_OF_SHSTRTAB].data = (const uint8_t *)names.data;
	w->section[SHN_OF_SHSTRTAB].size = names.len;
	w->section[SHN_OF_FIRST + OBJ_S_STR].data =
	    (const uint8_t *)w->str.data;
	w->section[SHN_OF_FIRST + OBJ_S_STR].size = w->str.len;
	w->section[SHN_OF_STRTAB].data = (const uint8_t *)w->strtab.data;
	w->section[SHN_OF_STRTAB].size = w->strtab.len;
}

static void
describe_ours(struct writer *w, int s)
{
	static const Elf64_Xword flags[] = {
		[OBJ_CODE] = SHF_ALLOC | SHF_EXECINSTR,
		[OBJ_DESC] = SHF_ALLOC,
		[OBJ_DATA] = SHF_ALLOC | SHF_WRITE,
		[OBJ_BSS] = SHF_ALLOC | SHF_WRITE,
		[OBJ_META] = 0,
		[OBJ_STR] = 0,
		[OBJ_NOTE] = 0,
	};
	Elf64_Shdr *h = &w->shdr[SHN_OF_FIRST + s];
	enum obj_kind kind = obj_sections[s].kind;

	h->sh_type = kind == OBJ_BSS ? SHT_NOBITS :
	    kind == OBJ_STR          ? SHT_STRTAB :
	    kind == OBJ_NOTE         ? SHT_NOTE :
				       SHT_PROGBITS;
	h->sh_flags = flags[kind];
	h->sh_addralign = kind == OBJ_DATA ? FILE_ALIGN :
	    kind == OBJ_CODE               ? 16 :
	    kind == OBJ_NOTE               ? 4 :
	    kind == OBJ_STR || kind == OBJ_BSS ? 1 :
					     8;
	h->sh_entsize = obj_sections[s].record;
	if (kind == OBJ_DESC)
		h->sh_entsize =
		    desc_record_size((enum desc_kind)(s - OBJ_S_AFF));
	if (kind == OBJ_BSS)
		h->sh_addr = w->p->data.size;
}

static void
describe_sections(struct writer *w)
{
	Elf64_Shdr *h = &w->shdr[SHN_OF_SYMTAB];

	for (int s = 0; s < OBJ_SECTIONS; s++)
		describe_ours(w, s);
	h->sh_type = SHT_SYMTAB;
	h->sh_link = SHN_OF_STRTAB;
	h->sh_info = w->nlocal;
	h->sh_entsize = sizeof(Elf64_Sym);
	h->sh_addralign = 8;
	w->shdr[SHN_OF_STRTAB].sh_type = SHT_STRTAB;
	w->shdr[SHN_OF_STRTAB].sh_addralign = 1;
	w->shdr[SHN_OF_SHSTRTAB].sh_type = SHT_STRTAB;
	w->shdr[SHN_OF_SHSTRTAB].sh_addralign = 1;
}

static void
add_part(struct writer *w, const void *data, size_t size)
{
	if (size == 0)
		return;
	w->part[w->nparts].data = data;
	w->part[w->nparts].size = size;
	w->nparts++;
	w->size += size;
}

/* The initial contents of DRAM, whole or in pieces. */
static void
add_data(struct writer *w)
{
	const struct wave_program *p = w->p;
	uint64_t at = 0;

	add_part(w, p->data.data, p->npieces > 0 ? 0 : p->data.size);
	for (uint32_t i = 0; i < p->npieces; i++) {
		const struct wave_piece *x = &p->pieces[i];
		size_t gap = (size_t)(x->address - at);

		if (gap > 0)
			add_part(w, arena_alloc(w->arena, gap), gap);
		add_part(w, x->bytes.data, x->bytes.size);
		at = x->address + x->bytes.size;
	}
}

static void
align_file(struct writer *w, uint64_t align)
{
	static const char zeros[FILE_ALIGN];

	add_part(w, zeros, (size_t)((align - w->size % align) % align));
}

static void
describe_file(struct writer *w)
{
	Elf64_Ehdr *h = &w->ehdr;

	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	h->e_ident[EI_OSABI] = ELFOSABI_NONE;
	h->e_type = ET_EXEC;
	h->e_machine = EM_NONE;
	h->e_version = EV_CURRENT;
	h->e_flags = OBJ_FORMAT_VERSION;
	h->e_ehsize = sizeof *h;
	h->e_shentsize = sizeof(Elf64_Shdr);
	h->e_shnum = SHN_TOTAL;
	h->e_shstrndx = SHN_OF_SHSTRTAB;
}

static void
lay_out(struct writer *w)
{
	struct wave_bytes b;

	w->part = NEW_ARRAY(w->arena, struct file_part,
	    MAX_PARTS + 2 * (size_t)w->p->npieces);
	add_part(w, "", sizeof(Elf64_Ehdr)); /* its bytes come last */
	for (int s = 1; s < SHN_TOTAL; s++) {
		Elf64_Shdr *h = &w->shdr[s];

		align_file(w, h->sh_addralign);
		h->sh_offset = w->size;
		h->sh_size = w->section[s].size;
		if (s == SHN_OF_FIRST + OBJ_S_DATA)
			add_data(w);
		else if (h->sh_type != SHT_NOBITS)
			add_part(w, w->section[s].data, w->section[s].size);
	}
	align_file(w, 8);
	describe_file(w);
	w->ehdr.e_shoff = w->size;
	b = encode(w, ELF_T_SHDR, w->shdr, sizeof w->shdr);
	add_part(w, b.data, b.size);
	w->part[0].data =
	    encode(w, ELF_T_EHDR, &w->ehdr, sizeof w->ehdr).data;
}

static bool
build(struct writer *w)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return fail(w, "libelf is too old: %s", elf_errmsg(-1));
	if (!check_program(w))
		return false;
	strtab_init(&w->str, w->arena);
	strtab_init(&w->strtab, w->arena);
	put_code_and_data(w);
	put_entries(w);
	put_bindings(w);
	put_symbols(w);
	put_sources(w);
	put_ops(w);
	put_groups_and_sems(w);
	put_notes(w);
	put_elf_tables(w);
	if (w->str.len > UINT32_MAX || w->strtab.len > UINT32_MAX)
		return fail(w, "more than 4 GiB of names");
	describe_sections(w);
	lay_out(w);
	return true;
}

bool
object_write(struct diag *d, const char *path, const struct wave_program *p)
{
	struct arena *a = arena_new();
	struct writer *w = NEW(a, struct writer);
	bool ok;

	w->arena = a;
	w->d = d;
	w->loc.file = path;
	w->p = p;
	ok = build(w) && file_write_parts(d, path, w->part, w->nparts);
	arena_free(a);
	return ok;
}

bool
object_write_memory(struct arena *a, struct diag *d,
    const struct wave_program *p, uint8_t **bytes, size_t *size)
{
	struct writer *w = NEW(a, struct writer);
	uint8_t *out;

	w->arena = a;
	w->d = d;
	w->p = p;
	if (!build(w))
		return false;
	*bytes = out = arena_alloc(a, (size_t)w->size);
	*size = (size_t)w->size;
	for (size_t i = 0; i < w->nparts; i++) {
		memcpy(out, w->part[i].data, w->part[i].size);
		out += w->part[i].size;
	}
	return true;
}
