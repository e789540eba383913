/* Broken objects: each is refused with the line that names its defect, and
 * no byte that is flipped makes the loader or the validator crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "runtime/program.h"

#include "backend/isa/program.h"
#include "backend/object.h"
#include "support/objfile.h"
#include "tests/lib/program.h"

static void
keep_text(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	diag_format(user, 512, "t", level, loc, text);
}

/* A program with fixed tensors, so that their records can be aimed at. */
static uint8_t *
sample(struct arena *a, size_t *size)
{
	static const struct wave_binding b[2] = {
		{ "x", WAVE_BIND_INPUT, DT_F32, 2, { 2, 3 }, { 12, 4 }, 0 },
		{ "y", WAVE_BIND_OUTPUT, DT_F32, 1, { 4 }, { 4 }, 32 },
	};
	static const struct wave_symbol s[2] = {
		{ "x", 1, DT_F32, 0, 24, "f32[2,3]" },
		{ "t", 2, DT_F16, 16, 16, "f16[8]" },
	};
	static const struct wave_layer_group g[1] = { { .ops = "a,b",
		.sub_batch = 2, .iterations = 4 } };
	static const char *const sems[1] = { "full" };
	struct wave_program *p = random_program(a, 1);
	struct diag d = { diag_print_stderr, NULL, 0 };
	static const struct wave_source map[2] = {
		{ Q_VE, 0, 1, 0 },
		{ Q_VE, 2, 1, 0 },
	};
	uint8_t *bytes;

	for (uint64_t seed = 2; p->code[Q_VE].size < 3 * 16; seed++)
		p = random_program(a, seed);
	p->sources = map;
	p->nsources = 2;
	p->bindings = b;
	p->nbindings = 2;
	p->symbols = s;
	p->nsymbols = 2;
	p->gbuf_size = 32;
	p->layer_groups = g;
	p->nlayer_groups = 1;
	p->sem_names = sems;
	p->nsem_names = 1;
	assert_true(object_write_memory(a, &d, p, &bytes, size));
	return bytes;
}

/* The place of a section's header; aborts the test when it is not there. */
static Elf64_Shdr *
header_of(uint8_t *bytes, const char *name)
{
	Elf64_Ehdr *e = (Elf64_Ehdr *)(void *)bytes;
	Elf64_Shdr *h = (Elf64_Shdr *)(void *)(bytes + e->e_shoff);
	const char *names =
	    (const char *)bytes + h[e->e_shstrndx].sh_offset;

	for (int i = 1; i < e->e_shnum; i++)
		if (strcmp(names + h[i].sh_name, name) == 0)
			return &h[i];
	fail_msg("no section %s", name);
	return NULL;
}

#define SHDR(member) offsetof(Elf64_Shdr, member)
#define EHDR(member) offsetof(Elf64_Ehdr, member)

static const struct {
	const char *where; /* "": ELF header; "#x": header of x; "x": data */
	unsigned offset, bytes;
	uint64_t value;
	const char *message;
} broken[] = {
	{ "", 0, 1, 'X', "not an object file: no ELF magic" },
	{ "", EI_CLASS, 1, ELFCLASS32, "not a 64-bit ELF file" },
	{ "", EI_DATA, 1, ELFDATA2MSB, "not a little-endian ELF file" },
	{ "", EI_VERSION, 1, 2, "unknown ELF version 2" },
	{ "", EI_OSABI, 1, 3, "unknown ELF OS/ABI 3" },
	{ "", EHDR(e_machine), 2, 62, "not a wave object" },
	{ "", EHDR(e_type), 2, ET_DYN, "not a wave object" },
	{ "", EHDR(e_flags), 4, 2,
	    "object format version 2; this loader reads version 1" },
	{ "", EHDR(e_shoff), 8, UINT64_C(1) << 40, NULL },
	{ "", EHDR(e_shoff), 8, 8, NULL },
	{ "", EHDR(e_shnum), 2, 60000, NULL },
	{ "", EHDR(e_shnum), 2, 5, "the section of section names is missing" },
	{ "", EHDR(e_shstrndx), 2, 1, "is not a string table" },
	{ "", EHDR(e_shentsize), 2, 32, NULL },
	{ "#.data", SHDR(sh_offset), 8, 1 << 30, "truncated: section 12" },
	{ "#.data", SHDR(sh_size), 8, UINT64_MAX, "truncated: section 12" },
	{ "#.data", SHDR(sh_offset), 8, 64, "overlaps" },
	{ "#.data", SHDR(sh_name), 4, 100000, "section 12 has no name" },
	{ "#.data", SHDR(sh_type), 4, SHT_NOBITS,
	    "section .data has type 8" },
	{ "#.data", SHDR(sh_flags), 8, SHF_COMPRESSED,
	    "section .data is compressed" },
	{ "#.data", SHDR(sh_addr), 8, 64,
	    ".data or .bss has a wrong address" },
	{ "#.bss", SHDR(sh_size), 8, 3, ".data and .bss are not the" },
	{ "#.wave.bind", SHDR(sh_size), 8, 100,
	    "section .wave.bind: 100 bytes are no whole number of records" },
	{ "#.wave.sems", SHDR(sh_size), 8, 3, "no whole number of records" },
	{ ".shstrtab", 7, 1, 'X', "unknown section '.text.Xd'" },
	{ ".shstrtab", 2, 1, 'X', "section .text.ld is missing" },
	{ "#.text.st", SHDR(sh_name), 4, 1, "section .text.ld appears twice" },
	{ ".note.wave", 4, 4, 400000, "note 0x101 is cut off" },
	{ ".note.wave", 8, 4, 9, "note 0x101 is missing" },
	{ ".note.wave", 20, 4, 9, "code for ISA version 9" },
	{ ".note.wave", 24, 4, 9, ".note.wave: unknown format" },
	{ ".note.wave", 76, 1, 'X', "target parameters: unknown key" },
	{ ".wave.str", UINT32_MAX, 1, 'x', "does not end in NUL" },
	{ ".wave.entry", 0, 4, 1 << 20, "a name lies outside .wave.str" },
	{ ".wave.entry", 0, 4, 0, "entry without a name" },
	{ ".wave.entry", 4, 4, 0, "runs on 0 groups" },
	{ ".wave.entry", 4, 4, 3, "runs on 3 groups; the target has 2" },
	{ ".wave.entry", 8, 4, 5000, "has 5000 semaphores" },
	{ ".wave.entry", 8, 4, 4000, "exit values lie outside .wave.exit" },
	{ ".wave.entry", 12, 4, UINT32_MAX, "exit values lie outside" },
	{ ".wave.entry", 16, 4, 1, "does not follow the one before it" },
	{ ".wave.entry", 40, 4, 1 << 20, "reaches beyond .text.ld" },
	{ ".wave.entry", 40, 4, UINT32_MAX, "reaches beyond .text.ld" },
	{ ".wave.bind", 0, 4, 0, "binding without a name" },
	{ ".wave.bind", 4, 4, 3, "binding 'x': kind 3" },
	{ ".wave.bind", 8, 4, 14, "binding 'x': dtype 14" },
	{ ".wave.bind", 8, 4, 0, "binding 'x': dtype 0" },
	{ ".wave.bind", 12, 4, 9, "binding 'x': rank 9" },
	{ ".wave.bind", 16, 8, 1 << 20, "lie outside" },
	{ ".wave.bind", 16, 8, UINT64_MAX, "lie outside" },
	{ ".wave.bind", 24, 8, UINT64_MAX, "binding 'x': dimension 0 is -1" },
	{ ".wave.bind", 24, 8, INT64_MAX, "binding 'x': its size overflows" },
	{ ".wave.bind", 88, 8, 0, "binding 'x': stride 0 is 0" },
	{ ".wave.bind", 88, 8, UINT64_MAX, "binding 'x': stride 0 is -1" },
	{ ".wave.bind", 88, 8, 1 << 20, "lie outside" },
	{ ".wave.sym", 8, 4, 7, "symbol 'x': space 7, dtype 1" },
	{ ".wave.sym", 12, 4, 99, "symbol 'x': space 1, dtype 99" },
	{ ".wave.sym", 16, 8, UINT64_MAX, "lie outside its memory" },
	{ ".wave.sym", 56, 8, 17, "symbol 't': 17 bytes at 16 lie outside" },
	{ ".wave.srcmap", 0, 4, 6, "a range lies outside the code" },
	{ ".wave.srcmap", 8, 4, 0, "a range lies outside the code" },
	{ ".wave.srcmap", 8, 4, UINT32_MAX, "a range lies outside the code" },
	{ ".wave.srcmap", 12, 4, 1000, ".wave.srcmap: op 1000 of" },
	{ ".wave.srcmap", 16, 4, 0, ".wave.srcmap: ranges are out of order" },
	{ ".wave.srcmap", 20, 4, 0, ".wave.srcmap: ranges are out of order" },
	{ ".wave.srcmap", 20, 4, 1, ".wave.srcmap: ranges are out of order" },
	{ ".wave.ops", 16, 8, UINT64_MAX, "negative products" },
	{ ".wave.ops", 12, 4, 1 << 20, "a loc lies outside .wave.str" },
	{ ".wave.groups", 8, 8, 0, ".wave.groups: sub-batch 0" },
	{ ".wave.groups", 4, 4, 9, "entry 9" },
	{ ".wave.sems", 0, 4, 1 << 20, "a name lies outside .wave.str" },
};

static void
put(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void
test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct arena *a = arena_new();
		char text[512] = "";
		struct diag d = { keep_text, text, 0 };
		size_t size, offset = broken[i].offset;
		uint8_t *bytes = sample(a, &size);
		const char *where = broken[i].where;
		uint8_t *at = bytes;

		assert_non_null(program_load(a, &d, "b.wo", bytes,
		    size));
		if (where[0] == '#') {
			at = (uint8_t *)header_of(bytes, where + 1);
		} else if (where[0] != '\0') {
			Elf64_Shdr *h = header_of(bytes, where);

			at = bytes + h->sh_offset;
			if (offset == UINT32_MAX)
				offset = h->sh_size - 1;
			assert_true(offset + broken[i].bytes <= h->sh_size);
		}
		put(at + offset, broken[i].bytes, broken[i].value);
		if (program_load(a, &d, "b.wo", bytes, size) != NULL)
			fail_msg("row %d (%s + %u) is accepted", (int)i,
			    where, broken[i].offset);
		assert_int_equal(d.errors, 1);
		assert_memory_equal(text, "b.wo: error: ", 13);
		if (broken[i].message != NULL &&
		    strstr(text, broken[i].message) == NULL)
			fail_msg("row %d: %s", (int)i, text);
		arena_free(a);
	}
}

/* Cut anywhere, it is refused. */
static void
test_truncated(void **state)
{
	struct arena *a = arena_new();
	size_t size;
	uint8_t *bytes = sample(a, &size);

	(void)state;
	for (size_t n = 0; n < size; n += n < 200 ? 1 : 37) {
		struct arena *b = arena_new();
		struct diag d = { 0 };
		uint8_t *copy = arena_memdup(b, bytes, n);

		assert_null(program_load(b, &d, "c.wo", copy, n));
		assert_int_equal(d.errors, 1);
		arena_free(b);
	}
	arena_free(a);
}

/* 20,000 objects with up to four bytes changed. */
static void
test_flips(void **state)
{
	struct arena *a = arena_new();
	uint64_t seed = 4711;
	size_t size;
	uint8_t *bytes = sample(a, &size);
	unsigned loaded = 0, valid = 0;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		struct arena *b = arena_new();
		struct diag d = { 0 };
		struct isa_tables t = { 0 };
		struct wave_program *p;
		size_t at[4];
		uint8_t old[4];
		int flips = 1 + n % 4;

		for (int i = 0; i < flips; i++) {
			seed = seed * 6364136223846793005u +
			    1442695040888963407u;
			at[i] = (size_t)(seed >> 24) % size;
			old[i] = bytes[at[i]];
			bytes[at[i]] ^= (uint8_t)(1u << (seed >> 60) % 8);
		}
		p = program_load(b, &d, "f.wo", bytes, size);
		assert_int_equal(d.errors, p == NULL);
		loaded += p != NULL;
		if (p != NULL && program_validate(b, &d, "f.wo", p, &t))
			valid++;
		else
			assert_int_equal(d.errors, 1);
		for (int i = flips - 1; i >= 0; i--)
			bytes[at[i]] = old[i];
		arena_free(b);
	}
	assert_true(loaded > 100 && loaded < 20000);
	assert_true(valid > 10 && valid < loaded);
	arena_free(a);
}

/* The bytes need no alignment. */
static void
test_unaligned(void **state)
{
	struct arena *a = arena_new();
	struct diag d = { 0 };
	size_t size;
	uint8_t *bytes = sample(a, &size), *copy = arena_alloc(a, size + 1);

	(void)state;
	memcpy(copy + 1, bytes, size);
	assert_non_null(program_load(a, &d, "u.wo", copy + 1, size));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_unaligned),
	};

	return cmocka_run_group_tests_name("runtime/load", tests, NULL, NULL);
}
