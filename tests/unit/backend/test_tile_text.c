/* The text form: print, parse, print gives the same bytes; errors name the line
 * and column. */
#include "backend/tile.h"

#include <stdio.h>
#include <string.h>

#include "support/file.h"
#include "support/str.h"
#include "tests/lib/tile_gen.h"
#include "tests/lib/unit.h"

static void
same_again(struct unit *u, struct arena *a, const struct tile_program *p)
{
	struct strbuf one = { 0 }, two = { 0 };
	struct tile_program *q;

	tile_print(&one, p);
	q = tile_parse(a, &u->diag, "text", one.data, one.len);
	if (q == NULL)
		fail_msg("%s", u->last);
	tile_print(&two, q);
	assert_string_equal(one.data, two.data);
	assert_true(tile_verify(q, &u->diag, "parse"));
	strbuf_free(&one);
	strbuf_free(&two);
}

static void
random_programs_round_trip(void **state)
{
	struct unit *u = *state;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct arena *a = arena_new();
		struct wave_target t;
		struct tile_program *p;

		tile_gen_target(&t);
		t.clock_hz = 1.5e9 / (double)seed;
		p = tile_gen(a, &t, seed, 20);
		same_again(u, a, p);
		assert_true(tile_plan(p, &u->diag));
		same_again(u, a, p);
		arena_free(a);
	}
}

static void
every_field_round_trips(void **state)
{
	struct unit *u = *state;
	struct strbuf out = { 0 };
	struct tile_program *p;
	size_t size;
	char *text;

	assert_true(file_read(u->arena, &u->diag,
	    "tests/unit/backend/data/everything.wtl", 0, &text, &size));
	p = tile_parse(u->arena, &u->diag, "everything", text, size);
	if (p == NULL)
		fail_msg("%s", u->last);
	tile_print(&out, p);
	assert_string_equal(out.data, text);
	assert_int_equal(p->ops.data[0].macs, 123456789012);
	assert_int_equal(p->loops.data[1]->count, 3);
	assert_ptr_equal(p->buffers.data[5]->scope, p->loops.data[1]);
	strbuf_free(&out);
}

/* ---- errors ---- */

#define HEAD "wave.tile 1\n"
#define BUFFERS                                        \
	HEAD "buffer %b0 \"d\" dram bytes=64\n"        \
	     "buffer %b1 \"g\" gbuf bytes=64\n"

static const struct bad {
	const char *text, *error;
} bad[] = {
	{ "", "bad:1:1: error: the text is empty" },
	{ "target \"x\"\n", "bad:1:1: error: the text does not start with" },
	{ "wave.tile 2\n", "bad:1:1: error: this reads version 1" },
	{ "wave.tile\n", "bad:1:1: error: this reads version 1" },
	{ HEAD HEAD, "bad:2:1: error: this reads version 1" },
	{ HEAD "bufer\n", "bad:2:1: error: unknown statement 'bufer'" },
	{ HEAD "?\n", "bad:2:1: error: unexpected character '?'" },
	{ HEAD "op \"a\n", "bad:2:4: error: this string does not end" },
	{ HEAD "op \"\\q\"\n", "bad:2:5: error: bad escape" },
	{ HEAD "op \"a\" kind=\n", "bad:2:13: error: unexpected end of line" },
	{ HEAD "op \"a\" macs=1.5\n",
	    "bad:2:13: error: '1.5' is not a 64-bit integer" },
	{ HEAD "op \"a\" macs=99999999999999999999\n",
	    "bad:2:13: error: '99999999999999999999' is not" },
	{ HEAD "op \"a\" weight=1\n",
	    "bad:2:8: error: 'weight' is unknown here or given twice" },
	{ HEAD "op \"a\" macs=1 macs=2\n",
	    "bad:2:15: error: 'macs' is unknown here or given twice" },
	{ HEAD "op \"a\" 3\n", "bad:2:8: error: this does not belong here" },
	{ HEAD "op \"a\" {\n", "bad:2:1: error: only loops have a body" },
	{ HEAD "target \"x\" rows=many\n",
	    "bad:2:12: error: 'rows' needs a number" },
	{ HEAD "target \"x\" rolls=4\n", "bad:2:12: error: rolls: " },
	{ HEAD "program groups=2\n", "bad:2:1: error: the entry has no name" },
	{ HEAD "buffer %b1 dram bytes=4\n",
	    "bad:2:1: error: the next buffer is %b0" },
	{ HEAD "buffer %b0 bytes=4\n",
	    "bad:2:1: error: the space of the buffer is missing" },
	{ HEAD "buffer %b0 moon bytes=4\n",
	    "bad:2:12: error: the space of the buffer is missing" },
	{ HEAD "buffer %b0 dram bytes=2 data=hex \"0g\"\n",
	    "bad:2:36: error: no hex digit" },
	{ HEAD "buffer %b0 dram bytes=2 data=hex \"000\"\n",
	    "bad:2:30: error: odd number of hex digits" },
	{ HEAD "buffer %b0 dram bytes=2 data=hex \"00\"\n",
	    "bad:2:30: error: data needs hex \"...\" of 2 bytes" },
	{ HEAD "buffer %b0 dram bytes=2 dims=(1) strides=(1, 2)\n",
	    "bad:2:1: error: 1 dimensions but 2 strides" },
	{ HEAD "buffer %b0 dram bytes=2 dims=(1,1,1,1,1,1,1,1,1)\n",
	    "bad:2:30: error: 'dims' needs (...) of at most 8 numbers" },
	{ HEAD "buffer %b0 gbuf bytes=2 scope=%i7\n",
	    "bad:2:31: error: there is no loop %i7" },
	{ HEAD "buffer %b0 gbuf bytes=2 scope=7\n",
	    "bad:2:31: error: scope needs a loop" },
	{ HEAD "loop %i0 \"x\" count=2\n",
	    "bad:2:1: error: a loop needs '{' at the end of its line" },
	{ HEAD "loop %i0 \"x\" count=2 {\n",
	    "bad:3:1: error: loop %i0 has no '}'" },
	{ HEAD "loop \"x\" count=2 {\n}\n",
	    "bad:2:1: error: the loop has no %i number" },
	{ HEAD "loop %i0 count=0 {\n}\n", "bad:2:1: error: 0 iterations" },
	{ HEAD "loop %i1 count=2 {\n}\n",
	    "bad:4:1: error: there is no loop %i0" },
	{ HEAD "loop %i99999999999 count=2 {\n}\n",
	    "bad:2:6: error: '%i99999999999' is too large" },
	{ HEAD "loop %i0 count=1 {\n}\nloop %i0 count=1 {\n}\n",
	    "bad:4:1: error: a second loop %i0" },
	{ HEAD "}\n", "bad:2:1: error: no loop is open" },
	{ HEAD "loop %i0 count=1 {\nloop %i1 count=1 {\n"
	       "loop %i2 count=1 {\nloop %i3 count=1 {\n"
	       "loop %i4 count=1 {\nloop %i5 count=1 {\n"
	       "loop %i6 count=1 {\nloop %i7 count=1 {\n"
	       "loop %i8 count=1 {\n",
	    "bad:10:1: error: loops nest deeper than 8" },
	{ HEAD "ld lod\n", "bad:2:4: error: no such instruction" },
	{ BUFFERS "ld load chip=%b1\n", "bad:4:1: error: 'dram' is missing" },
	{ BUFFERS "ld load dram=%b3 chip=%b1\n",
	    "bad:4:14: error: there is no buffer %b3" },
	{ BUFFERS "ld load dram=%b0+%i2*4 chip=%b1\n",
	    "bad:4:18: error: %i2 is not a loop around this" },
	{ BUFFERS "ld load dram=%b0+%b1 chip=%b1\n",
	    "bad:4:18: error: one buffer can be added" },
	{ BUFFERS "ld load dram=%b0+h*4 chip=%b1\n",
	    "bad:4:18: error: 'h' counts nothing; 'g' is the group" },
	{ BUFFERS "ld load dram=%b0+9223372036854775807+1 chip=%b1\n",
	    "bad:4:38: error: the sum overflows" },
	{ BUFFERS "ld load dram=%b0 chip=%b1 type=f31\n",
	    "bad:4:32: error: unknown element type" },
	{ BUFFERS "ld load dram=%b0 chip=%b1 dim=(1, 2)\n",
	    "bad:4:31: error: dim needs (size, dram, chip)" },
	{ BUFFERS "ld load dram=%b0 chip=%b1 traffic=heavy\n",
	    "bad:4:35: error: unknown value of 'traffic'" },
	{ BUFFERS "ve map size=(4)\n", "bad:4:1: error: 'func' is missing" },
	{ BUFFERS "ve map func=ad size=(4)\n",
	    "bad:4:13: error: unknown value of 'func'" },
	{ BUFFERS "ve map func=neg size=(4) dst=(f32, %b1)\n",
	    "bad:4:30: error: 'dst' has 0 numbers, not 1" },
	{ BUFFERS "ve map func=neg size=(4) dst=(f32, 7, 4)\n",
	    "bad:4:30: error: 'dst' has no buffer" },
	{ BUFFERS "ve map func=neg size=(4) dst=%b1\n",
	    "bad:4:30: error: 'dst' needs (type, address, ...)" },
	{ BUFFERS "mx exec first=never\n",
	    "bad:4:15: error: 'first' is 'always' or a loop" },
	{ BUFFERS "mx exec obuf=7\n", "bad:4:14: error: expected a buffer" },
	{ BUFFERS "mx ldv base=%b1 rows=(1, 2, 3)\n",
	    "bad:4:22: error: 'rows' needs (...) of 2 numbers" },
};

static void
errors_have_their_place(void **state)
{
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		u->count[DIAG_ERROR] = 0;
		assert_null(tile_parse(u->arena, &u->diag, "bad",
		    bad[i].text, strlen(bad[i].text)));
		assert_true(u->count[DIAG_ERROR] >= 1);
		if (u->count[DIAG_ERROR] > 1 ||
		    strstr(u->last, bad[i].error) == NULL)
			fail_msg("%zu: %u errors, '%s', expected '%s'", i,
			    u->count[DIAG_ERROR], u->last, bad[i].error);
	}
	u->count[DIAG_ERROR] = 0;
}

static void
several_errors_in_one_run(void **state)
{
	static const char text[] = HEAD "op 1\nnope\nbuffer %b0\n\nop \"ok\"\n";
	struct unit *u = *state;

	assert_null(tile_parse(u->arena, &u->diag, "bad", text,
	    strlen(text)));
	assert_int_equal(u->count[DIAG_ERROR], 3);
}

/* An accepted text prints to one that is accepted; where the verifier agrees
 * the rest of the backend takes it, too. */
static void
same_or_refused(struct unit *u, struct arena *a, struct tile_program *p)
{
	struct strbuf one = { 0 }, two = { 0 };
	struct tile_program *q;
	struct tile_syncs syncs;

	tile_print(&one, p);
	q = tile_parse(a, &u->diag, "again", one.data, one.len);
	if (q == NULL)
		fail_msg("%s", u->last);
	tile_print(&two, q);
	assert_string_equal(one.data, two.data);
	strbuf_free(&one);
	strbuf_free(&two);
	if (tile_verify(p, &u->diag, "damage") && tile_plan(p, &u->diag) &&
	    tile_sync(p, &u->diag, false, &syncs))
		tile_codegen(p, &u->diag, &syncs);
}

/* Every prefix, and every byte replaced: no crash, and what is accepted prints
 * and parses again. */
static void
damaged_text_is_survived(void **state)
{
	struct unit *u = *state;
	size_t size, tried = 0;
	uint64_t seed = 77;
	char *text;

	assert_true(file_read(u->arena, &u->diag,
	    "tests/unit/backend/data/everything.wtl", 0, &text, &size));
	for (size_t i = 0; i < size; i += 7) {
		struct arena *a = arena_new();
		struct tile_program *p = tile_parse(a, &u->diag, "cut", text,
		    i);
		if (p != NULL)
			same_or_refused(u, a, p);
		arena_free(a);
	}
	for (int i = 0; i < 1500; i++) {
		struct arena *a = arena_new();
		size_t at = (size_t)(unit_random(&seed) % size);
		char keep = text[at];
		struct tile_program *p;
		text[at] = "0123456789-*+%bi(),= \n\"{}az"[unit_random(&seed)
		    % 27];
		p = tile_parse(a, &u->diag, "changed", text, size);
		tried += p != NULL;
		if (p != NULL)
			same_or_refused(u, a, p);
		text[at] = keep;
		arena_free(a);
	}
	assert_true(tried > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(random_programs_round_trip),
		UNIT_TEST(every_field_round_trips),
		UNIT_TEST(errors_have_their_place),
		UNIT_TEST(several_errors_in_one_run),
		UNIT_TEST(damaged_text_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
