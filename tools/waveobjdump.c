/* waveobjdump: shows what is in an object, with GNU objdump's letters. */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/program.h"

#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "support/dtype.h"
#include "support/file.h"
#include "support/target.h"

#define WAVE_VERSION "0.1"

static const char help_text[] =
    "Usage: waveobjdump -d|-h|-t|-s|-x|-S FILE.wo...\n"
    "\n"
    "Shows what is in objects of wavecc and waveas.\n"
    "\n"
    "  -d    disassembly, with the ops the instructions come from\n"
    "  -h    section headers\n"
    "  -t    symbols: entries and tensors\n"
    "  -s    contents of all sections\n"
    "  -x    all headers: -h, -t, target, entries, bindings, semaphores, ops\n"
    "  -S    the whole program as assembly that waveas reads\n"
    "  --help --version\n"
    "\n"
    "Letters may be joined: -hd.\n";

struct dump {
	struct arena *arena;
	struct diag diag;
	const char *file;
	const uint8_t *bytes;
	size_t size;
	struct wave_program *p;
	struct strbuf out;
	bool letter[128];
};

static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	char tool[] = "waveobjdump";

	(void)user;
	diag_print_stderr(tool, level, loc, text);
}

/* Text goes out piece by piece: dumps of weights are large. */
static void
flush(struct dump *m)
{
	if (m->out.len > 0)
		fwrite(m->out.data, 1, m->out.len, stdout);
	m->out.len = 0;
}

/* A name from the file without control characters. */
static const char *
shown(struct dump *m, const char *name)
{
	char *copy = arena_strdup(m->arena, name);

	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return copy;
}

/* ---- sections ---- */

static unsigned
section_count(const struct dump *m)
{
	Elf64_Ehdr e;

	memcpy(&e, m->bytes, sizeof e);
	return e.e_shnum;
}

/* The loader has proven that headers and names lie in the file. */
static const char *
section(const struct dump *m, unsigned i, Elf64_Shdr *h)
{
	Elf64_Ehdr e;
	Elf64_Shdr names;
	const uint8_t *table;

	memcpy(&e, m->bytes, sizeof e);
	table = m->bytes + e.e_shoff;
	memcpy(&names, table + e.e_shstrndx * sizeof names, sizeof names);
	memcpy(h, table + i * sizeof *h, sizeof *h);
	return (const char *)m->bytes + names.sh_offset + h->sh_name;
}

static void
show_sections(struct dump *m)
{
	static const struct {
		Elf64_Xword flag;
		const char *name;
	} flags[] = {
		{ SHF_ALLOC, "ALLOC" },
		{ SHF_WRITE, "WRITE" },
		{ SHF_EXECINSTR, "CODE" },
	};

	strbuf_add(&m->out, "Sections:\nIdx Name           Size      "
			    "Address   File off  Algn  Flags\n");
	for (unsigned i = 1; i < section_count(m); i++) {
		Elf64_Shdr h;
		const char *name = section(m, i, &h);
		bool stored = h.sh_type != SHT_NOBITS;

		strbuf_addf(&m->out,
		    "%3u %-14s %08" PRIx64 "  %08" PRIx64 "  %08" PRIx64
		    "  %4" PRIu64 " ",
		    i - 1, shown(m, name), h.sh_size, h.sh_addr, h.sh_offset,
		    h.sh_addralign);
		strbuf_add(&m->out, stored ? " CONTENTS" : "");
		for (size_t f = 0; f < sizeof flags / sizeof *flags; f++)
			if ((h.sh_flags & flags[f].flag) != 0)
				strbuf_addf(&m->out, " %s", flags[f].name);
		strbuf_add(&m->out, "\n");
	}
	strbuf_add(&m->out, "\n");
}

static void
show_row(struct dump *m, uint64_t address, const uint8_t *p, size_t n)
{
	strbuf_addf(&m->out, " %04" PRIx64, address);
	for (size_t i = 0; i < 16; i++) {
		if (i % 4 == 0)
			strbuf_add(&m->out, " ");
		if (i < n)
			strbuf_addf(&m->out, "%02x", p[i]);
		else
			strbuf_add(&m->out, "  ");
	}
	strbuf_add(&m->out, "  ");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&m->out, "%c",
		    p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.');
	strbuf_add(&m->out, "\n");
}

static void
show_contents(struct dump *m)
{
	for (unsigned i = 1; i < section_count(m); i++) {
		Elf64_Shdr h;
		const char *name = section(m, i, &h);

		if (h.sh_type == SHT_NOBITS || h.sh_size == 0)
			continue;
		strbuf_addf(&m->out, "Contents of section %s:\n",
			    shown(m, name));
		for (uint64_t at = 0; at < h.sh_size; at += 16) {
			uint64_t left = h.sh_size - at;

			show_row(m, h.sh_addr + at,
			    m->bytes + h.sh_offset + at,
			    left < 16 ? (size_t)left : 16);
			if (m->out.len > 1 << 16)
				flush(m);
		}
	}
	strbuf_add(&m->out, "\n");
}

/* ---- symbols ---- */

static void
show_symbols(struct dump *m)
{
	const struct wave_program *p = m->p;

	strbuf_add(&m->out, "SYMBOL TABLE:\n");
	for (uint32_t i = 0; i < p->nentries; i++)
		for (int q = 0; q < WAVE_QUEUES; q++) {
			const struct wave_entry *e = &p->entries[i];

			if (e->count[q] == 0)
				continue;
			strbuf_addf(&m->out,
			    "%016" PRIx64 " F .text.%s %08" PRIx64 " %s\n",
			    (uint64_t)e->first[q] * 16,
			    queue_name((enum queue)q),
			    (uint64_t)e->count[q] * 16, shown(m, e->name));
		}
	for (uint32_t i = 0; i < p->nsymbols; i++) {
		const struct wave_symbol *s = &p->symbols[i];

		strbuf_addf(&m->out,
		    "%016" PRIx64 " O %-8s %08" PRIx64 " %s%s%s\n",
		    s->address, space_name((enum space)s->space), s->size,
		    shown(m, s->name), s->shape[0] != '\0' ? " " : "",
		    shown(m, s->shape));
	}
	strbuf_add(&m->out, "\n");
}

/* ---- all headers ---- */

static void
show_extents(struct dump *m, const char *what, const int64_t *v, int n)
{
	strbuf_addf(&m->out, " %s[", what);
	for (int i = 0; i < n; i++)
		strbuf_addf(&m->out, "%s%" PRId64, i > 0 ? "," : "", v[i]);
	strbuf_add(&m->out, "]");
}

static void
show_bindings(struct dump *m)
{
	static const char *const kinds[] = { "input", "output", "state" };
	const struct wave_program *p = m->p;

	strbuf_add(&m->out, "Bindings:\n");
	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *b = &p->bindings[i];

		strbuf_addf(&m->out, "%016" PRIx64 " %-6s %s %s", b->address,
		    kinds[b->kind], shown(m, b->name), dtype_name(b->dtype));
		show_extents(m, "", b->dim, b->rank);
		show_extents(m, "strides", b->stride, b->rank);
		strbuf_add(&m->out, "\n");
	}
	strbuf_add(&m->out, "\n");
}

static void
show_entries(struct dump *m)
{
	const struct wave_program *p = m->p;

	strbuf_add(&m->out, "Entries:\n");
	for (uint32_t i = 0; i < p->nentries; i++) {
		const struct wave_entry *e = &p->entries[i];

		strbuf_addf(&m->out,
		    "%s: %d groups, %" PRIu32 " semaphores, instructions:",
		    shown(m, e->name), e->groups, e->nsems);
		for (int q = 0; q < WAVE_QUEUES; q++)
			strbuf_addf(&m->out, " %s %" PRIu32,
			    queue_name((enum queue)q), e->count[q]);
		strbuf_add(&m->out, "\n  exit:");
		for (uint32_t s = 0; s < e->nsems; s++)
			if (e->sem_exit[s] != 0)
				strbuf_addf(&m->out, " s%" PRIu32 "=%" PRIu32,
				    s, e->sem_exit[s]);
		strbuf_add(&m->out, "\n");
	}
	strbuf_add(&m->out, "\n");
}

static void
show_debug(struct dump *m)
{
	const struct wave_program *p = m->p;

	uint32_t first = 0, entry = 0;

	strbuf_add(&m->out, "Semaphores:\n");
	for (uint32_t i = 0; i < p->nsem_names; i++) {
		while (entry + 1 < p->nentries &&
		    i - first >= p->entries[entry].nsems)
			first += p->entries[entry++].nsems;
		strbuf_addf(&m->out, "s%" PRIu32 " %s\n", i - first,
		    shown(m, p->sem_names[i]));
	}
	strbuf_add(&m->out, "\nOps:\n");
	for (uint32_t i = 0; i < p->nops; i++) {
		const struct wave_op *o = &p->ops[i];

		strbuf_addf(&m->out,
		    "o%" PRIu32 " %s (%s) %s, %" PRId64 " products; %s\n", i,
		    shown(m, o->name), shown(m, o->op), shown(m, o->phase),
		    o->macs, shown(m, o->loc));
	}
	strbuf_add(&m->out, "\nLayer groups:\n");
	for (uint32_t i = 0; i < p->nlayer_groups; i++)
		strbuf_addf(&m->out,
		    "%" PRId64 " samples x %" PRId64 ": %s\n",
		    p->layer_groups[i].sub_batch,
		    p->layer_groups[i].iterations,
		    shown(m, p->layer_groups[i].ops));
	strbuf_add(&m->out, "\n");
}

static void
show_headers(struct dump *m)
{
	const struct wave_program *p = m->p;

	strbuf_addf(&m->out,
	    "Accumulation: %s\nMemory used: DRAM %" PRIu64 ", GBUF %" PRIu64
	    ", WBUF %" PRIu64 " bytes\nTarget %s:\n",
	    shown(m, p->accumulation), p->dram_size, p->gbuf_size, p->wbuf_size,
	    shown(m, p->target.name));
	target_add(&m->out, &p->target, "  ");
	strbuf_add(&m->out, "\n");
	show_entries(m);
	show_bindings(m);
	show_debug(m);
}

/* ---- disassembly ---- */

/* The op of an instruction: a line where it changes. */
static void
show_source(struct dump *m, const struct wave_source **s, uint32_t *n,
    uint32_t q, uint32_t pc)
{
	while (*n > 0 &&
	    ((*s)->queue < q ||
		((*s)->queue == q && (*s)->first + (*s)->count <= pc))) {
		(*s)++;
		(*n)--;
	}
	if (*n > 0 && (*s)->queue == q && (*s)->first == pc) {
		const struct wave_op *o = &m->p->ops[(*s)->op];

		strbuf_addf(&m->out, "; %s (%s) %s; %s\n",
		    shown(m, o->name), shown(m, o->op), shown(m, o->phase),
		    shown(m, o->loc));
	}
}

/* The name of a counter of entry e, where it has one. */
static void
show_sem(struct dump *m, const struct wave_entry *e, int64_t sem)
{
	const struct wave_program *p = m->p;
	uint64_t at = (uint64_t)sem;

	for (const struct wave_entry *f = p->entries; f < e; f++)
		at += f->nsems;
	if (at < p->nsem_names && p->sem_names[at][0] != '\0')
		strbuf_addf(&m->out, "  ; %s", shown(m, p->sem_names[at]));
}

static void
show_insn(struct dump *m, const struct wave_entry *e, uint32_t pc,
    struct insn_word w, int *depth)
{
	struct insn in;
	const char *why;
	bool ok = insn_decode(&w, &in, &why);

	if (ok && in.op == INSN_ENDLOOP && *depth > 0)
		--*depth;
	strbuf_addf(&m->out, "%6" PRIx32 ":  %016" PRIx64 " %016" PRIx64
	    "  %*s", pc * 16, w.hi, w.lo,
	    2 * (*depth < ISA_MAX_LOOPS ? *depth : ISA_MAX_LOOPS), "");
	if (!ok) {
		strbuf_addf(&m->out, "(bad: %s)\n", why);
		return;
	}
	insn_print(&m->out, &in);
	if (in.op == INSN_SIGNAL || in.op == INSN_WAIT)
		show_sem(m, e, in.field[FIELD_sem]);
	strbuf_add(&m->out, "\n");
	if (in.op == INSN_LOOP)
		++*depth;
}

static void
show_slice(struct dump *m, const struct wave_entry *e, uint32_t q)
{
	const struct wave_source *s = m->p->sources;
	uint32_t n = m->p->nsources;
	int depth = 0;

	strbuf_addf(&m->out, "%08" PRIx64 " <%s.%s>:\n",
	    (uint64_t)e->first[q] * 16, shown(m, e->name),
	    queue_name((enum queue)q));
	for (uint32_t i = 0; i < e->count[q]; i++) {
		uint32_t pc = e->first[q] + i;

		show_source(m, &s, &n, q, pc);
		show_insn(m, e, pc, insn_load(m->p->code[q].data, pc),
		    &depth);
		if (m->out.len > 1 << 16)
			flush(m);
	}
	strbuf_add(&m->out, "\n");
}

static void
show_descriptors(struct dump *m)
{
	for (int k = 0; k < WAVE_DESC_KINDS; k++) {
		size_t record = desc_record_size((enum desc_kind)k);
		const struct wave_bytes *t = &m->p->desc[k];

		for (size_t i = 1; i < t->size / record; i++) {
			asm_print_desc(&m->out, k, (uint32_t)i,
			    t->data + i * record);
			if (m->out.len > 1 << 16)
				flush(m);
		}
	}
	strbuf_add(&m->out, "\n");
}

static void
show_code(struct dump *m)
{
	const struct wave_program *p = m->p;

	for (uint32_t q = 0; q < WAVE_QUEUES; q++) {
		if (p->code[q].size == 0)
			continue;
		strbuf_addf(&m->out,
		    "Disassembly of section .text.%s:\n\n",
		    queue_name((enum queue)q));
		for (uint32_t i = 0; i < p->nentries; i++)
			if (p->entries[i].count[q] > 0)
				show_slice(m, &p->entries[i], q);
	}
	strbuf_add(&m->out, "Descriptors:\n\n");
	show_descriptors(m);
}

/* ---- main ---- */

static bool
dump_file(struct dump *m, const char *file)
{
	struct isa_tables tables = { 0 };
	char *data;

	m->file = file;
	if (!file_read(m->arena, &m->diag, file, 0, &data, &m->size))
		return false;
	m->bytes = (const uint8_t *)data;
	m->p = program_load(m->arena, &m->diag, file, data, m->size);
	if (m->p == NULL)
		return false;
	if (!m->letter['S'])
		strbuf_addf(&m->out,
		    "\n%s:     file format elf64-wave, target %s, ISA %" PRIu32
		    "\n\n",
		    file, shown(m, m->p->target.name), m->p->isa_version);
	if (m->letter['h'] || m->letter['x'])
		show_sections(m);
	if (m->letter['x'])
		show_headers(m);
	if (m->letter['t'] || m->letter['x'])
		show_symbols(m);
	if (m->letter['s'])
		show_contents(m);
	if (m->letter['d'])
		show_code(m);
	if (m->letter['S'])
		asm_print(&m->out, m->p);
	flush(m);
	/* shown above all the same, since one wants to see what is wrong */
	return program_validate(m->arena, &m->diag, file, m->p, &tables);
}

static int
misuse(const char *what, const char *arg)
{
	fprintf(stderr, "waveobjdump: %s%s\nTry 'waveobjdump --help'\n", what,
	    arg);
	return 2;
}

/* Sets the letters; -1 to go on, else the exit status. */
static int
parse_options(struct dump *m, int argc, char **argv, int *files)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (strcmp(arg, "--help") == 0) {
			fputs(help_text, stdout);
			return 0;
		}
		if (strcmp(arg, "--version") == 0) {
			puts("waveobjdump " WAVE_VERSION);
			return 0;
		}
		if (arg[0] != '-' || arg[1] == '\0') {
			argv[1 + (*files)++] = argv[i];
			continue;
		}
		for (const char *c = arg + 1; *c != '\0'; c++) {
			if (strchr("dhtsxS", *c) == NULL)
				return misuse("unknown option ", arg);
			m->letter[(unsigned char)*c] = any = true;
		}
	}
	if (!any)
		return misuse("one of -d -h -t -s -x -S is needed", "");
	if (*files == 0)
		return misuse("no input", "");
	if (m->letter['S'] && *files > 1)
		return misuse("-S takes one file", "");
	return -1;
}

int
main(int argc, char **argv)
{
	struct dump m = { .diag = { report, NULL, 0 } };
	int files = 0, status = parse_options(&m, argc, argv, &files);

	if (status >= 0)
		return status;
	status = 0;
	for (int i = 0; i < files; i++) {
		m.arena = arena_new();
		if (!dump_file(&m, argv[1 + i]))
			status = 1;
		flush(&m);
		arena_free(m.arena);
	}
	strbuf_free(&m.out);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		diag_error(&m.diag, NULL, "cannot write standard output");
		status = 1;
	}
	return status;
}
