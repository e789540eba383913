/* Loading object files: from bytes to a program, nothing taken on trust. */
#include "runtime/program.h"

#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/load.h"

bool
load_fail(struct load *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(l->d, DIAG_ERROR, &l->loc, fmt, ap);
	va_end(ap);
	return false;
}

/* What a reader of ELF relies on before it can look at anything else. */
static bool
check_header(struct load *l)
{
	const uint8_t *b = l->bytes;

	if (l->size < sizeof(Elf64_Ehdr))
		return load_fail(l,
		    "not an object file: %zu bytes hold no ELF header",
		    l->size);
	if (memcmp(b, ELFMAG, SELFMAG) != 0)
		return load_fail(l, "not an object file: no ELF magic");
	if (b[EI_CLASS] != ELFCLASS64)
		return load_fail(l, "not a 64-bit ELF file");
	if (b[EI_DATA] != ELFDATA2LSB)
		return load_fail(l, "not a little-endian ELF file");
	if (b[EI_VERSION] != EV_CURRENT)
		return load_fail(l, "unknown ELF version %d", b[EI_VERSION]);
	if (b[EI_OSABI] != ELFOSABI_NONE)
		return load_fail(l, "unknown ELF OS/ABI %d", b[EI_OSABI]);
	return true;
}

static bool
check_ehdr(struct load *l, const Elf64_Ehdr *h)
{
	uint64_t room;

	if (h->e_version != EV_CURRENT || h->e_type != ET_EXEC ||
	    h->e_machine != EM_NONE || h->e_phnum != 0)
		return load_fail(l, "an ELF file, but not a wave object");
	if (h->e_flags != OBJ_FORMAT_VERSION)
		return load_fail(l,
		    "object format version %u; this loader reads version %d",
		    (unsigned)h->e_flags, OBJ_FORMAT_VERSION);
	if (h->e_ehsize != sizeof *h || h->e_shentsize != sizeof(Elf64_Shdr))
		return load_fail(l, "ELF headers have unknown sizes");
	if (h->e_shoff < sizeof *h || h->e_shoff > l->size ||
	    h->e_shoff % 8 != 0)
		return load_fail(l, "truncated: section headers lie at byte "
		    "%llu of %zu", (unsigned long long)h->e_shoff, l->size);
	room = (l->size - h->e_shoff) / sizeof(Elf64_Shdr);
	if (h->e_shnum == 0 || h->e_shnum > room)
		return load_fail(l, "truncated: %u section headers, room for "
		    "%llu", h->e_shnum, (unsigned long long)room);
	if (h->e_shstrndx == 0 || h->e_shstrndx >= h->e_shnum)
		return load_fail(l, "the section of section names is missing");
	return true;
}

/* Bytes of the file that a header or section claims. */
struct extent {
	uint64_t start, end;
	unsigned section;
};

static int
by_start(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->section < y->section ? -1 : x->section > y->section;
}

static bool
check_overlap(struct load *l, struct extent *e, size_t n)
{
	qsort(e, n, sizeof *e, by_start);
	for (size_t i = 1; i < n; i++)
		if (e[i].start < e[i - 1].end)
			return load_fail(l,
			    "section %u overlaps section %u or a header",
			    e[i].section, e[i - 1].section);
	return true;
}

static bool
check_range(struct load *l, unsigned i, const Elf64_Shdr *h)
{
	if (h->sh_type == SHT_NOBITS || h->sh_type == SHT_NULL)
		return true;
	if (h->sh_offset > l->size || h->sh_size > l->size - h->sh_offset)
		return load_fail(l, "truncated: section %u ends at byte "
		    "%llu + %llu of %zu", i, (unsigned long long)h->sh_offset,
		    (unsigned long long)h->sh_size, l->size);
	return true;
}

/* All sections lie in the file and none shares bytes with another or with a
 * header. */
static bool
check_layout(struct load *l, const Elf64_Ehdr *eh, const Elf64_Shdr *h)
{
	size_t n = 0;
	struct extent *e =
	    NEW_ARRAY(l->arena, struct extent, (size_t)eh->e_shnum + 2);

	e[n].end = sizeof *eh;
	n++;
	e[n].start = eh->e_shoff;
	e[n].end = eh->e_shoff + eh->e_shnum * sizeof *h;
	n++;
	for (unsigned i = 1; i < eh->e_shnum; i++) {
		if (!check_range(l, i, &h[i]))
			return false;
		if (h[i].sh_type == SHT_NOBITS || h[i].sh_size == 0 ||
		    h[i].sh_type == SHT_NULL)
			continue;
		e[n].start = h[i].sh_offset;
		e[n].end = h[i].sh_offset + h[i].sh_size;
		e[n].section = i;
		n++;
	}
	return check_overlap(l, e, n);
}

static int
find_section(const char *name)
{
	for (int s = 0; s < OBJ_SECTIONS; s++)
		if (strcmp(obj_sections[s].name, name) == 0)
			return s;
	return -1;
}

static uint32_t
elf_type(enum obj_kind k)
{
	switch (k) {
	case OBJ_BSS: return SHT_NOBITS;
	case OBJ_STR: return SHT_STRTAB;
	case OBJ_NOTE: return SHT_NOTE;
	case OBJ_CODE:
	case OBJ_DESC:
	case OBJ_DATA:
	case OBJ_META: break;
	}
	return SHT_PROGBITS;
}

static bool
take_section(struct load *l, const char *name, const Elf64_Shdr *h)
{
	const struct obj_section_info *info;
	int s = find_section(name);

	if (s < 0) {
		/* sections of other tools may stand beside ours */
		if (strncmp(name, ".wave.", 6) != 0 &&
		    strncmp(name, ".text", 5) != 0)
			return true;
		return load_fail(l, "unknown section '%.40s'", name);
	}
	info = &obj_sections[s];
	if (l->section[s].found)
		return load_fail(l, "section %s appears twice", name);
	if (h->sh_type != elf_type(info->kind))
		return load_fail(l, "section %s has type %u", name,
		    (unsigned)h->sh_type);
	if (h->sh_flags & SHF_COMPRESSED)
		return load_fail(l, "section %s is compressed", name);
	if (info->record > 0 && h->sh_size % info->record != 0)
		return load_fail(l, "section %s: %llu bytes are no whole "
		    "number of records of %u", name,
		    (unsigned long long)h->sh_size, info->record);
	if (info->kind != OBJ_BSS)
		l->section[s].data = l->bytes + h->sh_offset;
	l->section[s].size = h->sh_size;
	l->section[s].address = h->sh_addr;
	l->section[s].found = true;
	return true;
}

static bool
take_sections(struct load *l, const Elf64_Ehdr *eh, const Elf64_Shdr *h)
{
	const Elf64_Shdr *names = &h[eh->e_shstrndx];
	const char *text = (const char *)l->bytes + names->sh_offset;

	if (names->sh_type != SHT_STRTAB || names->sh_size == 0 ||
	    text[names->sh_size - 1] != '\0')
		return load_fail(l, "the section of section names is not a "
		    "string table");
	for (unsigned i = 1; i < eh->e_shnum; i++) {
		if (h[i].sh_name >= names->sh_size)
			return load_fail(l, "section %u has no name", i);
		if (!take_section(l, text + h[i].sh_name, &h[i]))
			return false;
	}
	for (int s = 0; s < OBJ_SECTIONS; s++)
		if (!l->section[s].found)
			return load_fail(l, "section %s is missing",
			    obj_sections[s].name);
	return true;
}

/* Decoded copies of the section headers. */
static bool
read_headers(struct load *l, Elf *elf, Elf64_Shdr *h, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		Elf_Scn *scn = elf_getscn(elf, i);
		const void *s = scn != NULL ? elf64_getshdr(scn) : NULL;

		if (s == NULL)
			return load_fail(l, "section header %u: %s", i,
			    elf_errmsg(-1));
		memcpy(&h[i], s, sizeof h[i]);
	}
	return true;
}

static bool
read_elf(struct load *l, Elf *elf)
{
	const void *header = elf64_getehdr(elf);
	Elf64_Ehdr eh; /* a copy: the image need not be aligned */
	Elf64_Shdr *h;

	if (header == NULL)
		return load_fail(l, "ELF header: %s", elf_errmsg(-1));
	memcpy(&eh, header, sizeof eh);
	if (!check_ehdr(l, &eh))
		return false;
	h = NEW_ARRAY(l->arena, Elf64_Shdr, eh.e_shnum);
	return read_headers(l, elf, h, eh.e_shnum) &&
	    check_layout(l, &eh, h) && take_sections(l, &eh, h);
}

bool
load_sections(struct load *l)
{
	/* libelf wants a pointer to non-const; it only reads: no function
	 * that changes the descriptor is called. */
	char *image = (char *)(uintptr_t)l->bytes;
	Elf *elf;
	bool ok;

	if (!check_header(l))
		return false;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return load_fail(l, "libelf: %s", elf_errmsg(-1));
	elf = elf_memory(image, l->size);
	if (elf == NULL || elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		return load_fail(l, "not an ELF file");
	}
	ok = read_elf(l, elf);
	elf_end(elf);
	return ok;
}

struct wave_program *
program_load(struct arena *a, struct diag *d, const char *name,
    const void *bytes, size_t size)
{
	struct load *l = NEW(a, struct load);

	l->arena = a;
	l->d = d;
	l->loc.file = name;
	l->bytes = bytes;
	l->size = size;
	l->p = NEW(a, struct wave_program);
	if (!load_sections(l) || !load_notes(l) || !load_records(l))
		return NULL;
	return l->p;
}

const struct wave_binding *
program_binding(const struct wave_program *p, const char *name)
{
	for (uint32_t i = 0; i < p->nbindings; i++)
		if (strcmp(p->bindings[i].name, name) == 0)
			return &p->bindings[i];
	return NULL;
}
