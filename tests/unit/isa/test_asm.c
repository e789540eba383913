/* Assembly: text to program and back, objects through text, and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "runtime/program.h"

#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "backend/object.h"
#include "support/target.h"
#include "tests/lib/program.h"

static void
keep_text(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	size_t n = strlen(user);

	diag_format((char *)user + n, 4096 - n, "t", level, loc, text);
	n = strlen(user);
	snprintf((char *)user + n, 4096 - n, "|");
}

/* program -> text -> program -> text, and both ways to the object. */
static void
test_random_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct arena *a = arena_new();
		char text[4096] = "";
		struct diag d = { keep_text, text, 0 };
		struct wave_program *p = random_program(a, seed), *q;
		struct isa_tables t = { 0 };
		struct strbuf x = { 0 }, y = { 0 };
		uint8_t *bx, *by;
		size_t nx, ny;

		asm_print(&x, p);
		q = asm_parse(a, &d, "x.ws", x.data, x.len);
		if (q == NULL)
			fail_msg("seed %d: %s", (int)seed, text);
		assert_true(program_validate(a, &d, "x.ws", q, &t));
		asm_print(&y, q);
		assert_string_equal(x.data, y.data);
		assert_true(object_write_memory(a, &d, p, &bx, &nx));
		assert_true(object_write_memory(a, &d, q, &by, &ny));
		assert_int_equal(nx, ny);
		assert_memory_equal(bx, by, nx);
		q = program_load(a, &d, "x.wo", bx, nx);
		assert_non_null(q);
		strbuf_free(&y);
		memset(&y, 0, sizeof y);
		asm_print(&y, q);
		assert_string_equal(x.data, y.data);
		strbuf_free(&x);
		strbuf_free(&y);
		arena_free(a);
	}
}

/* Any bytes of code and descriptors come back, valid or not. */
static void
test_garbage_round_trip(void **state)
{
	uint64_t seed = 77;

	(void)state;
	for (int n = 0; n < 100; n++) {
		struct arena *a = arena_new();
		char text[4096] = "";
		struct diag d = { keep_text, text, 0 };
		struct wave_program *p = random_program(a, (uint64_t)n + 1);
		struct strbuf x = { 0 };
		struct wave_program *q;

		for (int i = 0; i < 60; i++) {
			struct wave_bytes *b =
			    i % 2 ? &p->desc[i / 2 % WAVE_DESC_KINDS] :
				    &p->code[i / 2 % WAVE_QUEUES];
			size_t head = i % 2 ?
			    desc_record_size(
				(enum desc_kind)(i / 2 % WAVE_DESC_KINDS)) :
			    0;
			uint8_t *w = (uint8_t *)(uintptr_t)b->data;

			seed = seed * 6364136223846793005u +
			    1442695040888963407u;
			if (b->size > head)
				w[head + (seed >> 33) % (b->size - head)] =
				    (uint8_t)(seed >> 20);
		}
		asm_print(&x, p);
		q = asm_parse(a, &d, "x.ws", x.data, x.len);
		if (q == NULL)
			fail_msg("%d: %s", n, text);
		for (int i = 0; i < WAVE_QUEUES; i++)
			if (p->code[i].size > 0)
				assert_memory_equal(p->code[i].data,
				    q->code[i].data, p->code[i].size);
		for (int i = 0; i < WAVE_DESC_KINDS; i++)
			assert_memory_equal(p->desc[i].data, q->desc[i].data,
			    p->desc[i].size);
		strbuf_free(&x);
		arena_free(a);
	}
}

static const char head_text[] =
    "; comment\n"
    "wave.asm 1 # another\n"
    ".isa 1\n.accumulation \"ascending-k\"\n"
    ".memory dram=64 gbuf=128 wbuf=0\n";

/* The head, text from line 6 on, then all target keys. */
static char *
complete(struct arena *a, const char *text)
{
	struct wave_target t;
	struct strbuf s = { 0 };
	char *out;

	target_defaults(&t, "x");
	strbuf_add(&s, head_text);
	strbuf_add(&s, text);
	strbuf_add(&s, ".target \"x\" {\n");
	target_add(&s, &t, "");
	strbuf_add(&s, "}\n");
	out = arena_strdup(a, s.data);
	strbuf_free(&s);
	return out;
}

static void
test_by_hand(void **state)
{
	static const char text[] =
	    ".sem s0 \"full\"\n"
	    ".op o0 { name=\"c\\x41\" op=\"conv\" phase=\"forward\" loc=\"\"\n"
	    "  macs=1 macs_paper=2 }\n"
	    ".aff a1 = 128 + i0*64 + ((i0 + 2*i1) % 2)*4096\n"
	    ".aff a2 = -g*8 - i7*-3 + ((5 - i2) % 3) - 1\n"
	    ".view v1 { space=gbuf dtype=f16 flags=transposed base=a1\n"
	    "  n=1 c=4\n"
	    "  d: out=1 kernel=1 up=1 extent=1\n"
	    "  h: out=1 kernel=1 up=1 extent=1\n"
	    "  w: out=1 kernel=3 up=1 extent=5 dil=-1 }\n"
	    ".vec f1 { func=clip rank=1 size=4 param=-inf,0.5\n"
	    "dst: space=gbuf dtype=f32\nx: space=gbuf dtype=f32 stride=4\n}\n"
	    ".entry \"main\" groups=1 sems=2\n\t.exit s1=3\n"
	    ".queue mx\nLOOP count=3\nLdLBUF_V k=4 outer=2 bank=a1 view=v1\n"
	    ".source o0\nExecGEMM first=i0 k=1 n=2 m=3\nENDLOOP\n"
	    "SIGNAL sem=s1 by=1\nHALT\n"
	    ".queue ve\nWAIT sem=s1 value=-1 vaff=a2\nVMAP vec=f1\nHALT\n"
	    ".data\n.hex 00ffAb\n.zero 40\n";
	struct arena *a = arena_new();
	char messages[4096] = "";
	struct diag d = { keep_text, messages, 0 };
	char *all = complete(a, text);
	struct wave_program *p = asm_parse(a, &d, "h.ws", all, strlen(all));
	struct isa_tables t = { 0 };
	int64_t idx[8] = { 1, 1, 7, 0, 0, 0, 0, 2 };

	(void)state;
	if (p == NULL)
		fail_msg("%s", messages);
	assert_true(program_validate(a, &d, "h.ws", p, &t));
	assert_int_equal(t.naff, 3);
	assert_int_equal(aff_eval(&t.aff[1], idx, 0), 128 + 64 + 4096);
	/* -8 + 6 + (5 - 7) mod 3 - 1 */
	assert_int_equal(aff_eval(&t.aff[2], idx, 1), -8 + 6 + 1 - 1);
	assert_int_equal(t.view[1].axis[2].dil, -1);
	assert_int_equal(t.view[1].flags, VIEW_TRANSPOSED);
	assert_true(t.vec[1].param[1] == 0.5 && t.vec[1].param[0] < -1e308);
	assert_int_equal(p->code[Q_MX].size, 6 * 16);
	assert_int_equal(p->entries[0].sem_exit[1], 3);
	assert_string_equal(p->ops[0].name, "cA");
	assert_int_equal(p->nsources, 1);
	assert_int_equal(p->sources[0].first, 2);
	assert_int_equal(p->sources[0].count, 4);
	assert_int_equal(p->data.size, 43);
	assert_int_equal(p->data.data[2], 0xab);
	arena_free(a);
}

static const struct {
	const char *text, *messages;
} broken[] = {
	{ "FOO k=1\n", "e.ws:6:1: error: unknown instruction 'FOO'|" },
	{ ".foo\n", "e.ws:6:1: error: unknown directive '.foo'|" },
	{ "NOP\n",
	    "e.ws:6:1: error: an instruction outside .entry and .queue|" },
	{ ".entry \"m\" groups=1 sems=1\n.queue zz\n",
	    "e.ws:7:1: error: 'zz' is not a queue|" },
	{ ".entry \"m\" groups=1 sems=1\n.queue mx\nLOOP count=x\n",
	    "e.ws:8:12: error: 'x' is not a 64-bit integer|" },
	{ ".entry \"m\" groups=1 sems=1\n.queue mx\nLOOP count=4294967296\n",
	    "e.ws:8:1: error: LOOP: value of field count does not fit its "
	    "32 bits|" },
	{ ".entry \"m\" groups=1 sems=1\n.queue mx\nLOOP k=1\n",
	    "e.ws:8:6: error: LOOP has no field k, or it is given twice|" },
	{ ".entry \"m\" groups=1 sems=1\n.queue mx\nSIGNAL sem=3\n",
	    "e.ws:8:12: error: '3' is not an index 'sN'|" },
	{ ".entry \"m\" groups=1 sems=1\n.exit s1=2\n",
	    "e.ws:7:7: error: s1 of 1 semaphores|" },
	{ ".entry \"m\" groups=1 sems=1\n.queue mx\n.source o4\n",
	    "e.ws:8:9: error: o4 of 0 ops|" },
	{ ".entry \"m\" groups=1\n", "e.ws:6:1: error: .entry: sems is "
				     "missing|" },
	{ ".aff a2 = 1\n",
	    "e.ws:6:6: error: a2, but the next aff is a1|" },
	{ ".aff a1 = i8\n", "e.ws:6:11: error: 'i8' is neither a loop index "
			    "i0 to i7 nor g|" },
	{ ".aff a1 = i0 + i0\n", "e.ws:6:16: error: i0 appears twice|" },
	{ ".aff a1 = ((i0 + g) % 2)\n", "e.ws:6:13: error: a ring takes "
					"loop indices and a constant only|" },
	{ ".aff a1 = 9223372036854775808\n",
	    "e.ws:6:11: error: a factor does not fit 64 bits|" },
	{ ".view v1 { space=moon }\n",
	    "e.ws:6:18: error: 'moon' is not a value of this field|" },
	{ ".view v1 { base=3 }\n",
	    "e.ws:6:17: error: '3' is not an index 'aN'|" },
	{ ".vec f1 { rank=70000 }\n", "e.ws:6:16: error: '70000' does not "
				      "fit the 1 bytes of rank|" },
	{ ".vec f1 { param=1,2,3 }\n",
	    "e.ws:6:21: error: param has at most 2 values|" },
	{ ".bind \"x\" { kind=input dtype=f99 address=0 }\n",
	    "e.ws:6:30: error: 'f99' is not a dtype|" },
	{ ".bind \"x\" { kind=input dtype=f32 address=0 dim=1 }\n",
	    "e.ws:6:1: error: .bind: dim and stride differ in length|" },
	{ ".data\n.hex 123\n",
	    "e.ws:7:6: error: an odd number of digits|" },
	{ ".data\n.zero 99999999999\n",
	    "e.ws:7:7: error: more than 2 GiB of data|" },
	{ ".zero 1\n", "e.ws:6:7: error: bytes before .data|" },
	{ ".isa 1\n", "e.ws:6:1: error: .isa is given twice|" },
	{ ".sem s0 \"a\\x00b\"\n",
	    "e.ws:6:9: error: a string holds a NUL|" },
	{ "NOP @\n", "e.ws:6:5: error: unexpected character 0x40|" },
	{ ".entry \"m\" groups=1 sems=0\n.data\n.zero 65\n",
	    "e.ws: error: more data than the DRAM of .memory|" },
	{ "", "e.ws: error: .entry is missing|" },
	/* several in one run */
	{ "FOO\n.aff a1 = = 2\nBAR\n",
	    "e.ws:6:1: error: unknown instruction 'FOO'|"
	    "e.ws:7:11: error: syntax error, unexpected '=', expecting "
	    "number or name or '-' or '('|"
	    "e.ws:8:1: error: unknown instruction 'BAR'|" },
};

static void
test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct arena *a = arena_new();
		char messages[4096] = "";
		struct diag d = { keep_text, messages, 0 };
		char *all = complete(a, broken[i].text);

		assert_null(asm_parse(a, &d, "e.ws", all, strlen(all)));
		assert_string_equal(messages, broken[i].messages);
		arena_free(a);
	}
}

/* 20 errors at most; and texts that end anywhere do not crash. */
static void
test_limits(void **state)
{
	struct arena *a = arena_new();
	char messages[4096] = "";
	struct diag d = { keep_text, messages, 0 };
	struct wave_program *p = random_program(a, 5);
	struct strbuf s = { 0 };

	(void)state;
	strbuf_add(&s, "wave.asm 1\n");
	for (int i = 0; i < 100; i++)
		strbuf_add(&s, "FOO\n");
	assert_null(asm_parse(a, &d, "l.ws", s.data, s.len));
	assert_int_equal(d.errors, 20);
	strbuf_free(&s);
	memset(&s, 0, sizeof s);
	asm_print(&s, p);
	d.fn = NULL;
	for (size_t n = 0; n < s.len; n += 7) {
		struct arena *b = arena_new();

		(void)asm_parse(b, &d, "l.ws", s.data, n);
		arena_free(b);
	}
	strbuf_free(&s);
	assert_null(asm_parse(a, &d, "v.ws", "wave.asm 2\n", 11));
	arena_free(a);
}

/* One byte of the text changed: an error or a program, never a crash. */
static void
test_mutated(void **state)
{
	struct arena *a = arena_new();
	struct wave_program *p = random_program(a, 11);
	struct diag d = { 0 };
	struct strbuf s = { 0 };
	uint64_t seed = 1;

	(void)state;
	asm_print(&s, p);
	for (int n = 0; n < 2000; n++) {
		struct arena *b = arena_new();
		size_t at;
		char old;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		at = (size_t)(seed >> 20) % s.len;
		old = s.data[at];
		s.data[at] = (char)(seed >> 12);
		(void)asm_parse(b, &d, "m.ws", s.data, s.len);
		s.data[at] = old;
		arena_free(b);
	}
	strbuf_free(&s);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_round_trip),
		cmocka_unit_test(test_garbage_round_trip),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests_name("isa/asm", tests, NULL, NULL);
}
