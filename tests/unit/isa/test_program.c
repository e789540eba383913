/* Validation of machine code: each rule broken once, from assembly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "support/target.h"
#include "tests/lib/program.h"

static void
keep_text(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	diag_format(user, 512, "t", level, loc, text);
}

/* Descriptors for the code under test: v1 in gbuf, v2 f32 in gbuf, v3 in
 * wbuf; d1 in gbuf, d2 in wbuf; f1 a map, f2 a reduction, f3 a window. */
static const char tables[] =
    "wave.asm 1\n.isa 1\n.accumulation \"ascending-k\"\n"
    ".memory dram=64 gbuf=128 wbuf=64\n"
    ".aff a1 = 3\n"
    ".view v1 { space=gbuf dtype=f16 n=1 c=4\n"
    " d: out=1 kernel=1 up=1 extent=1\n h: out=1 kernel=1 up=1 extent=1\n"
    " w: out=1 kernel=1 up=1 extent=1 }\n"
    ".view v2 { space=gbuf dtype=f32 n=1 c=4\n"
    " d: out=1 kernel=1 up=1 extent=1\n h: out=1 kernel=1 up=1 extent=1\n"
    " w: out=1 kernel=1 up=1 extent=1 }\n"
    ".view v3 { space=wbuf dtype=f32 n=1 c=4\n"
    " d: out=1 kernel=1 up=1 extent=1\n h: out=1 kernel=1 up=1 extent=1\n"
    " w: out=1 kernel=1 up=1 extent=1 }\n"
    ".dma d1 { space=gbuf dram_dtype=f32 chip_dtype=f32 rank=1\n"
    " dim0: size=4 dram=4 chip=4 }\n"
    ".dma d2 { space=wbuf dram_dtype=f32 chip_dtype=f32 rank=1\n"
    " dim0: size=4 dram=4 chip=4 }\n"
    ".vec f1 { func=neg rank=1 size=4\n dst: space=gbuf dtype=f32\n"
    " x: space=gbuf dtype=f32 }\n"
    ".vec f2 { func=rsum rank=1 nred=1 size=4\n"
    " dst: space=gbuf dtype=f32\n x: space=gbuf dtype=f32 }\n"
    ".entry \"main\" groups=1 sems=2\n.queue ";

static struct wave_program *
assemble(struct arena *a, struct diag *d, const char *code)
{
	struct wave_target t;
	struct strbuf s = { 0 };
	struct wave_program *p;

	target_defaults(&t, "x");
	strbuf_add(&s, tables);
	strbuf_add(&s, code);
	strbuf_add(&s, "\n.target \"x\" {\n");
	target_add(&s, &t, "");
	strbuf_add(&s, "}\n");
	p = asm_parse(a, d, "p.ws", s.data, s.len);
	strbuf_free(&s);
	return p;
}

static const struct {
	const char *code, *message; /* NULL: valid */
} rows[] = {
	{ "ld\nDLOAD dma=d1\nDLOAD dma=d2\nHALT", NULL },
	{ "st\nDSTORE dma=d1\nHALT", NULL },
	{ "mx\nLdLBUF_V k=128 outer=128 view=v3\nLdLBUF_H k=128 outer=256 "
	  "view=v1\nShiftV k=128 n=128\nExecGEMM k=128 n=128 m=256 first=i7\n"
	  "StLBUF m=256 stn=128 stview=v1\nLdOBUF m=1 stn=1 stview=v2\nHALT",
	    NULL },
	{ "ve\nVMAP vec=f1\nVRED vec=f2\nHALT", NULL },
	{ "co\nLOOP count=1\nLOOP count=1\nLOOP count=1\nLOOP count=1\n"
	  "LOOP count=1\nLOOP count=1\nLOOP count=1\nLOOP count=1\n"
	  "ENDLOOP\nENDLOOP\nENDLOOP\nENDLOOP\nENDLOOP\nENDLOOP\nENDLOOP\n"
	  "ENDLOOP\nHALT",
	    NULL },
	{ "co\nLOOP count=1\nLOOP count=1\nLOOP count=1\nLOOP count=1\n"
	  "LOOP count=1\nLOOP count=1\nLOOP count=1\nLOOP count=1\n"
	  "LOOP count=1\nHALT",
	    "8: error: more than 8 loops are open" },
	{ "ld\nNOP", "queue ld, instruction 0: error: the entry does not end "
		     "with HALT" },
	{ "ld\nHALT\nHALT",
	    "0: error: HALT before the end of the entry" },
	{ "ld\nENDLOOP\nHALT", "0: error: ENDLOOP without a loop" },
	{ "ld\nLOOP count=2\nHALT", "1: error: HALT inside a loop" },
	{ "ld\nLOOP\nHALT", "0: error: count is 0, must be positive" },
	{ "st\nDLOAD dma=d1\nHALT", "0: error: DLOAD is not for this queue" },
	{ "mx\nVMAP vec=f1\nHALT", "0: error: VMAP is not for this queue" },
	{ "ld\nDLOAD dma=d3\nHALT",
	    "0: error: dma refers to dma 3 of a table of 3" },
	{ "ld\nDLOAD\nHALT", "0: error: dma is missing" },
	{ "ld\nWAIT sem=s2\nHALT", "0: error: semaphore 2 of 2" },
	{ "ld\nSIGNAL sem=s1\nHALT", "0: error: by is 0, must be positive" },
	{ "ld\nWAIT sem=s1 vaff=a2\nHALT",
	    "0: error: vaff refers to aff 2 of a table of 2" },
	{ "mx\nShiftV k=129 n=1\nHALT",
	    "0: error: k is 129, must be 1 to 128" },
	{ "mx\nShiftV k=1 n=129\nHALT",
	    "0: error: n is 129, must be 1 to 128" },
	{ "mx\nShiftV n=1\nHALT", "0: error: k is 0, must be 1 to 128" },
	{ "mx\nShiftV k=1 n=1 mode=VSW\nHALT",
	    "0: error: the target does not have this array mode" },
	{ "mx\nExecGEMM k=1 n=1 m=257\nHALT",
	    "0: error: m is 257, must be 1 to 256" },
	{ "mx\nExecGEMM k=1 n=1 m=1 first=10\nHALT",
	    "0: error: first names a loop level beyond 7" },
	{ "mx\nLdLBUF_V k=1 outer=129 view=v1\nHALT",
	    "0: error: outer is 129, must be 1 to 128" },
	{ "mx\nLdLBUF_H k=1 outer=257 view=v1\nHALT",
	    "0: error: outer is 257, must be 1 to 256" },
	{ "mx\nLdLBUF_H k=1 outer=1\nHALT", "0: error: view is missing" },
	{ "mx\nStLBUF m=1 stn=1 stview=v3\nHALT",
	    "0: error: StLBUF writes to gbuf only" },
	{ "mx\nStLBUF m=1 stn=1 stview=v1 epi=e1\nHALT",
	    "0: error: epi refers to epi 1 of a table of 1" },
	{ "mx\nLdOBUF m=1 stn=1 stview=v3\nHALT",
	    "0: error: LdOBUF reads from gbuf only" },
	{ "st\nDSTORE dma=d2\nHALT",
	    "0: error: DSTORE reads from gbuf only" },
	{ "ve\nVMAP vec=f2\nHALT",
	    "0: error: the function is not for this instruction" },
	{ "ve\nNOP\n.word 0x99 0\nHALT", "1: error: unknown opcode" },
	{ "ve\nNOP\n.word 0 1\nHALT",
	    "1: error: a bit that must be zero is set" },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		char text[512] = "";
		struct diag d = { keep_text, text, 0 };
		struct wave_program *p = assemble(a, &d, rows[i].code);
		struct isa_tables t = { 0 };
		bool ok;

		if (p == NULL)
			fail_msg("row %d: %s", (int)i, text);
		ok = program_validate(a, &d, "p.ws", p, &t);
		if (ok != (rows[i].message == NULL))
			fail_msg("row %d: %s", (int)i, text);
		assert_int_equal(d.errors, ok ? 0 : 1);
		if (!ok && strstr(text, rows[i].message) == NULL)
			fail_msg("row %d: %s", (int)i, text);
		if (!ok)
			assert_memory_equal(text,
			    "p.ws: entry 'main', queue ", 26);
		arena_free(a);
	}
}

static void
test_program_rules(void **state)
{
	struct arena *a = arena_new();
	char text[512] = "";
	struct diag d = { keep_text, text, 0 };
	struct wave_program *p = assemble(a, &d, "ld\nNOP\nHALT");
	struct wave_entry e = p->entries[0];
	struct isa_tables t = { 0 };

	(void)state;
	p->entries = &e;
	e.groups = 2;
	assert_false(program_validate(a, &d, "p.ws", p, &t));
	assert_string_equal(text, "p.ws: error: entry 'main' runs on 2 "
				  "groups; the target has 1");
	e.groups = 1;
	e.nsems = 5000;
	assert_false(program_validate(a, &d, "p.ws", p, &t));
	assert_string_equal(text, "p.ws: error: entry 'main' has 5000 "
				  "semaphores; the target has 4096");
	e.nsems = 2;
	e.count[Q_LD] = 3;
	assert_false(program_validate(a, &d, "p.ws", p, &t));
	assert_non_null(strstr(text, "the slice reaches beyond the code"));
	e.count[Q_LD] = 2;
	e.first[Q_LD] = UINT32_MAX;
	assert_false(program_validate(a, &d, "p.ws", p, &t));
	e.first[Q_LD] = 0;
	p->isa_version = 7;
	assert_false(program_validate(a, &d, "p.ws", p, &t));
	assert_string_equal(text, "p.ws: error: code for ISA version 7; this "
				  "is version 1");
	arena_free(a);
}

/* Normal form of the source map: later rows win, neighbours are joined. */
static void
test_sources(void **state)
{
	static const struct wave_source map[] = {
		{ Q_ST, 0, 4, 1 },
		{ Q_LD, 0, 10, 1 },
		{ Q_LD, 2, 2, 0 },
		{ Q_LD, 4, 1, 0 },
		{ Q_LD, 8, 100, 2 },
		{ Q_LD, 3, 0, 2 },
	};
	static const struct wave_source want[] = {
		{ Q_LD, 0, 2, 1 },
		{ Q_LD, 2, 3, 0 },
		{ Q_LD, 5, 3, 1 },
		{ Q_LD, 8, 2, 2 },
	};
	struct arena *a = arena_new();
	struct wave_program p = { 0 };
	static const uint8_t code[160];
	const struct wave_source *got;
	uint32_t n;

	(void)state;
	p.code[Q_LD].data = code;
	p.code[Q_LD].size = sizeof code;
	p.sources = map;
	p.nsources = sizeof map / sizeof *map;
	got = program_sources(a, &p, &n);
	assert_int_equal(n, sizeof want / sizeof *want);
	assert_memory_equal(got, want, sizeof want);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_program_rules),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests_name("isa/program", tests, NULL, NULL);
}
