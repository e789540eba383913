/* The tile verifier: one broken rule at a time, in a text that is fine
 * otherwise. */
#include "backend/tile.h"

#include <string.h>

#include "support/file.h"
#include "support/str.h"
#include "tests/lib/unit.h"

#define DATA "tests/unit/backend/data/"

/* Replaces the first `from` in the file by `to`; the error that follows. */
static const struct rule {
	const char *file, *from, *to, *error;
} rules[] = {
	{ "stream", "\"main\"", "\"main\" groups=2", "more groups than" },
	{ "stream", "count=3", "count=5000000000", "5000000000 iterations" },
	{ "stream", "bytes=384 role=in", "bytes=0 role=in",
	    "size out of range" },
	{ "stream", "bytes=384 role=in", "bytes=300 role=in",
	    "the shape exceeds the bytes" },
	{ "stream", "bind=\"x\"", "", "a bound tensor needs a name" },
	{ "stream", "bind=\"y\"", "bind=\"x\"", "bound under a name in use" },
	{ "stream", "role=input", "role=const", "a constant needs data" },
	{ "stream", "role=input", "role=input depth=2",
	    "several versions but no scope" },
	{ "stream", "dims=(2, 6, 8)", "dims=(2, -6, 8)",
	    "a dimension is negative" },
	{ "stream", "gbuf bytes=32", "gbuf bytes=32 role=input",
	    "only DRAM holds data or bound tensors" },
	{ "stream", "gbuf bytes=32", "gbuf bytes=31",
	    "writes bytes 0 to 32 of %b2, which has 31" },
	{ "stream", "scope=%i2\nbuffer", "\nbuffer",
	    "several versions but no scope" },
	{ "stream", "ld load", "st load", "the queue does not run this" },
	{ "stream", "ld load", "ld store", "the queue does not run this" },
	{ "stream", "ld load", "ld load @1", "op 1 does not exist" },
	{ "stream", "chip=%b2", "chip=%b1", "chip is in dram" },
	{ "stream", "chip=%b2", "chip=4", "chip has no buffer" },
	{ "groups", "dram=%b0", "dram=%b0+g*4", "which has" },
	{ "stream", "loop %i0", "ve barrier\nloop %i0",
	    "the queue does not run this" },
	{ "stream", "dram=%b1", "dram=%b0",
	    "stores to a tensor that is only read" },
	{ "stream", "type=f32 traffic=activation dim",
	    "type=f32 chip_type=i32 traffic=activation dim",
	    "no conversion between its element types" },
	{ "stream", "dim=(2, 32, 16)", "dim=(3, 32, 16)",
	    "writes bytes 0 to 48 of %b2" },
	{ "stream", "dim=(2, 32, 16)", "dim=(0, 32, 16)",
	    "size of a dimension is 0" },
	{ "stream", "dim=(2, 32, 16)", "dim=(2, 32, 16, %b0, 4)",
	    "start is an address" },
	{ "stream", "dim=(2, 32, 16)", "dim=(2, 32, 16, 0, -4)",
	    "bound of a dimension out of range" },
	{ "stream", "dim=(2, 32, 16)", "dim=(2, 90000000000000000, 16)",
	    "a stride or coordinate is out of range" },
	{ "stream", "dim=(2, 32, 16)",
	    "dim=(2, 32, 16) index_dim=0 index=%b0",
	    "the indexed dimension has no bound" },
	{ "stream", "%i0*192", "%i0*193", "reads bytes 0 to 385 of %b0" },
	{ "stream", "%i0*192", "%i0*192-4", "reads bytes -4 to 380 of %b0" },
	{ "stream", "func=mul", "func=rsum", "its function is of another" },
	{ "stream", "func=mul", "func=neg", "more sources than neg reads" },
	{ "stream", "func=mul", "func=select", "a source has no buffer" },
	{ "stream", "size=(8)", "size=(8) nred=1",
	    "rank 1 with 1 reduced dimensions" },
	{ "stream", "size=(8)", "size=(9)", "reads bytes 0 to 36 of %b2" },
	{ "stream", "dst=(f32,", "dst=(none,", "dst has no type" },
	{ "gemm", "lbuf_v bytes=1 depth=2", "lbuf_v bytes=1 depth=3",
	    "more versions than the target has banks" },
	{ "gemm", "ldv lbuf_v=%b5", "ldv lbuf_v=%b6",
	    "lbuf_v is in lbuf_h" },
	{ "gemm", "ldv lbuf_v=%b5 k=4", "ldv lbuf_v=%b5 k=5",
	    "k is 5, not 1 to 4" },
	{ "gemm", "exec lbuf_h=%b6", "exec", "lbuf_h is missing" },
	{ "gemm", "m=4 k=4 n=4 first", "m=9 k=4 n=4 first",
	    "m is 9, not 1 to 8" },
	{ "gemm", "first=%i2", "first=always mode=1", "array mode 1" },
	{ "gemm", "k0=%i2*4", "k0=%i2*5", "k0 reaches 0 to 14 of 12" },
	{ "gemm", "k0=%i2*4", "outer0=1", "outer0 reaches 1 to 5 of 4" },
	{ "gemm", "cols=(12, 4)", "cols=(12, 8)",
	    "reads bytes 0 to 236 of %b3" },
	{ "gemm", "base=%b8 type=f32", "base=%b8 type=i32",
	    "wrong element type or flags" },
	{ "gemm", "base=%b8", "base=%b4", "base is in wbuf" },
	{ "gemm", "mx drain", "ve drain", "the queue does not run this" },
	{ "gemm", "obuf=%b7 m=4 n=4 base", "obuf=%b7 m=4 n=5 base",
	    "n is 5, not 1 to 4" },
	{ "gemm", "rows=(4, 16)", "rows=(4, 16) blocks=(2, 0)",
	    "kcg and ncg must be both positive" },
	{ "gemm", "rows=(4, 16)", "rows=(0, 16)",
	    "n of the view is 0" },
	{ "gemm", "epi=clip", "epi=clip bias=(i32, %b8)",
	    "wrong element type in the epilogue" },
	{ "gemm", "epi=clip", "epi=clip bias=(f32, %b2)", "bias is in dram" },
	{ "gemm", "epi=clip", "epi=clip bias=(f32, %b8+56)",
	    "reads bytes 56 to 72 of %b8" },
	{ "gemm", "block_m=8", "block_m=8 lbuf_h_bytes=64",
	    "64 bytes exceed a bank of lbuf_h" },
	{ "gemm", "block_m=8", "block_m=8 obuf_bytes=100",
	    "64 bytes exceed a bank of obuf" },
	{ "gemm", "buffer %b8 \"fc.c\" gbuf bytes=64 depth=2 scope=%i1",
	    "buffer %b8 \"fc.c\" gbuf bytes=64 depth=2 scope=%i2",
	    "base is used outside the scope of %b8" },
};

static struct tile_program *
edited(struct unit *u, const struct rule *r)
{
	struct strbuf s = { 0 };
	struct tile_program *p;
	const char *at;
	size_t size;
	char *text;

	assert_true(file_read(u->arena, &u->diag, arena_printf(u->arena,
	    DATA "%s.wtl", r->file), 0, &text, &size));
	at = strstr(text, r->from);
	if (at == NULL)
		fail_msg("no '%s' in %s", r->from, r->file);
	strbuf_addn(&s, text, (size_t)(at - text));
	strbuf_add(&s, r->to);
	strbuf_add(&s, at + strlen(r->from));
	p = tile_parse(u->arena, &u->diag, r->file, s.data, s.len);
	if (p == NULL)
		fail_msg("%s -> %s: %s", r->from, r->to, u->last);
	strbuf_free(&s);
	return p;
}

static void
collect(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	(void)level;
	(void)loc;
	strbuf_addf(user, "%s\n", text);
}

static void
each_rule_is_enforced(void **state)
{
	size_t good = 0;
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct tile_program *p = edited(u, &rules[i]);
		struct strbuf all = { 0 };
		struct diag d = { collect, &all, 0 };
		assert_int_equal(tile_verify(p, &d, "edit"), false);
		assert_true(d.errors > 0);
		if (strstr(all.data, rules[i].error) == NULL)
			print_error("%zu: '%s', expected '%s'\n", i,
			    all.data, rules[i].error);
		else
			good++;
		strbuf_free(&all);
	}
	assert_int_equal(good, sizeof rules / sizeof *rules);
}

/* The message names pass, object and rule, and the op. */
static void
messages_name_the_place(void **state)
{
	static const struct rule r = { "stream", "%i0*192", "%i0*193", "" };
	struct unit *u = *state;

	assert_false(tile_verify(edited(u, &r), &u->diag, "lower"));
	unit_expect_error(u, "square: error: after lower: node 3 (ld load): "
	    "reads bytes 0 to 385 of %b0, which has 384");
}

static void
links_are_checked(void **state)
{
	static const struct rule same = { "gemm", "", "", "" };
	struct unit *u = *state;
	struct tile_program *p = edited(u, &same);
	struct tile_insn *exec;

	assert_true(tile_verify(p, &u->diag, "x"));
	p->loops.data[1]->depth = 5;
	assert_false(tile_verify(p, &u->diag, "x"));
	assert_non_null(strstr(u->last, "its links are inconsistent"));
	p = edited(u, &same);
	p->buffers.data[2]->id = 7;
	assert_false(tile_verify(p, &u->diag, "x"));
	assert_non_null(strstr(u->last, "ids are not in order"));
	p = edited(u, &same);
	exec = p->loops.data[2]->last->insn;
	exec->mx.first_loop = NULL;
	assert_false(tile_verify(p, &u->diag, "x"));
	assert_non_null(strstr(u->last, "first names a loop"));
	u->count[DIAG_ERROR] = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(each_rule_is_enforced),
		UNIT_TEST(messages_name_the_place),
		UNIT_TEST(links_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
