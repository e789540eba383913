/* Built-in targets, INI files, overrides and their diagnostics. */
#include "backend/target.h"

#include <stdio.h>
#include <string.h>

#include "support/file.h"
#include "support/target.h"
#include "tests/lib/unit.h"

struct messages {
	char text[2048];
};

static void
keep(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct messages *m = user;
	size_t n = strlen(m->text);

	diag_format(m->text + n, sizeof m->text - n, "t", level, loc, text);
	n = strlen(m->text);
	snprintf(m->text + n, sizeof m->text - n, "|");
}

static struct wave_target *
builtin(struct arena *a, const char *name)
{
	struct messages m = { "" };
	struct diag d = { keep, &m, 0 };
	struct wave_target *t = target_load(a, &d, name);

	if (t == NULL)
		fail_msg("%s", m.text);
	assert_string_equal(t->name, name);
	return t;
}

static void
test_builtins(void **state)
{
	static const char *const names[] = { "tiny", "ideal", "scalesim",
		"wavecore", "wavecore-hbm2x2", "wavecore-gddr5",
		"wavecore-lpddr4" };
	struct arena *a = arena_new();
	struct wave_target *w, *t;
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)builtin(a, names[i]);
	while (target_builtins[n].name != NULL)
		n++;
	assert_int_equal(n, sizeof names / sizeof *names);
	w = builtin(a, "wavecore");
	assert_int_equal(w->groups, 2);
	assert_int_equal(w->gbuf_bytes, 10 << 20);
	assert_true(w->dram_bw == 300.0 * (1 << 30));
	/* 45.9 TFLOPS */
	assert_true((double)(2 * w->groups * w->rows * w->cols) *
		w->clock_hz / 1e12 > 45.8);
	t = builtin(a, "wavecore-lpddr4");
	assert_int_equal(t->block_m, w->block_m);
	assert_true(t->pj_dram_byte == 48 && w->pj_dram_byte == 31.2);
	t = builtin(a, "scalesim");
	assert_int_equal(t->weight_double_buffer, 0);
	assert_int_equal(t->shift_full, 1);
	assert_int_equal(t->weight_stationary, 1);
	assert_int_equal(t->block_m, 0);
	assert_int_equal(builtin(a, "ideal")->issue_cycles, 0);
	assert_int_equal(builtin(a, "tiny")->rows, 4);
	arena_free(a);
}

static const struct {
	const char *ini, *message;
} broken[] = {
	{ "[target]\nrow = 4\n",
	    "my.ini:2: error: unknown key 'row'; did you mean 'rows'?|" },
	{ "[target]\nfrobnicate_level = 4\n",
	    "my.ini:2: error: unknown key 'frobnicate_level'|" },
	{ "[target]\nrows = four\n",
	    "my.ini:2: error: rows: 'four' is not an integer|" },
	{ "[target]\n\nrows = 4\nclock_hz = fast\n",
	    "my.ini:4: error: clock_hz: 'fast' is not a number|" },
	{ "[target]\nclock_hz = nan\n",
	    "my.ini:2: error: clock_hz: 'nan' is not a number|" },
	{ "[target]\nrows = 4\nrows = 4\n",
	    "my.ini:3: error: rows is given twice|" },
	{ "[target]\nrows = 4\n  rows = 5\n",
	    "my.ini:3: error: rows is given twice|" },
	{ "[target]\nrows\n", "my.ini:2: error: expected 'key = value'|" },
	{ "[target\nrows = 4\n", NULL },
	{ "[machine]\nrows = 4\n",
	    "my.ini:2: error: 'rows' is not in section [target]|" },
	{ "rows = 4\n",
	    "my.ini:1: error: 'rows' is not in section [target]|" },
	{ "", "my.ini: error: no key in section [target]|" },
	{ "[target]\nrows = 0\n",
	    "my.ini: error: target 'my': rows must be 1 to 65535|" },
	{ "[target]\nrows = -3\n",
	    "my.ini: error: target 'my': rows must be 0 to 1.1259e+15|" },
	{ "[target]\nrows = 65536\n",
	    "my.ini: error: target 'my': rows must be 1 to 65535|" },
	{ "[target]\nclock_hz = 0\n",
	    "my.ini: error: target 'my': clock_hz must be positive|" },
	{ "[target]\nlbuf_banks = 0\n",
	    "my.ini: error: target 'my': lbuf_banks must be 1 to 65536|" },
	{ "[target]\nflexsa = 2\n", NULL },
	{ "[target]\nlbuf_v_bytes = 100\n",
	    "my.ini: error: target 'my': lbuf_v_bytes is less than "
	    "lbuf_banks tiles of rows x cols f32|" },
	{ "[target]\nblock_m = 0\nobuf_bytes = 1MiB\n",
	    "my.ini: error: target 'my': a limit of lbuf_h_bytes or "
	    "obuf_bytes needs block_m|" },
	{ "[target]\nrows = 4\nbase = tiny\n",
	    "my.ini:3: error: base must be the first key|" },
	{ "[target]\nbase = nowhere\n", NULL },
	{ "[target]\nbase = /nonexistent/x.ini\n", NULL },
	{ "[target]\ndram_bw = 1e300\n", NULL },
	{ "[target]\nrow = 4\ncolls = 4\n",
	    "my.ini:2: error: unknown key 'row'; did you mean 'rows'?|"
	    "my.ini:3: error: unknown key 'colls'; did you mean 'cols'?|" },
};

static void
test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct arena *a = arena_new();
		struct messages m = { "" };
		struct diag d = { keep, &m, 0 };

		assert_null(target_parse_ini(a, &d, "my.ini", broken[i].ini,
		    strlen(broken[i].ini)));
		assert_true(d.errors > 0);
		if (broken[i].message != NULL)
			assert_string_equal(m.text, broken[i].message);
		arena_free(a);
	}
}

static void
test_long_line_and_nul(void **state)
{
	struct arena *a = arena_new();
	struct messages m = { "" };
	struct diag d = { keep, &m, 0 };
	char text[600];

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "[target]\nrows = 4 ;", 19);
	assert_null(target_parse_ini(a, &d, "l.ini", text, sizeof text));
	assert_string_equal(m.text,
	    "l.ini:2: error: line is longer than 198 characters|");
	m.text[0] = '\0';
	assert_null(target_parse_ini(a, &d, "n.ini", "[target]\0", 9));
	assert_string_equal(m.text, "n.ini: error: not a text file|");
	arena_free(a);
}

/* A file that names itself as its base ends. */
static void
test_base_of_itself(void **state)
{
	struct unit *u = *state;
	struct messages m = { "" };
	struct diag d = { keep, &m, 0 };
	char *path = unit_path(u, "self.ini");
	char *text = arena_printf(u->arena, "[target]\nbase = %s\n",
	    strrchr(path, '/') + 1);

	if (!file_write(&d, path, text, strlen(text)))
		fail_msg("%s", m.text);
	assert_null(target_load(u->arena, &d, path));
	assert_non_null(strstr(m.text, "inherit from one another"));
	remove(path);
}

static void
test_load_errors(void **state)
{
	struct arena *a = arena_new();
	struct messages m = { "" };
	struct diag d = { keep, &m, 0 };

	(void)state;
	assert_null(target_load(a, &d, "tinny"));
	assert_non_null(strstr(m.text, "unknown target 'tinny'; there are:"));
	m.text[0] = '\0';
	assert_null(target_load(a, &d, "no/such/file"));
	assert_int_equal(d.errors, 2);
	arena_free(a);
}

static void
test_override(void **state)
{
	static const struct {
		const char *arg, *message;
	} bad[] = {
		{ "rows", "t: error: -mrows: expected -mKEY=VALUE|" },
		{ "=3", "t: error: -m=3: expected -mKEY=VALUE|" },
		{ "rovs=3",
		    "t: error: -mrovs=3: unknown key; did you mean 'rows'?|" },
		{ "rows=", "t: error: -mrows=: not an integer|" },
		{ "rows=1x", "t: error: -mrows=1x: not an integer|" },
		{ "dram_bw=xGiB", "t: error: -mdram_bw=xGiB: not a number|" },
		{ "rows=99999999999999999999",
		    "t: error: -mrows=99999999999999999999: not an "
		    "integer|" },
	};
	struct arena *a = arena_new();
	struct messages m = { "" };
	struct diag d = { keep, &m, 0 };
	struct wave_target *t = builtin(a, "wavecore");

	(void)state;
	assert_true(target_override(t, &d, "gbuf_bytes=20MiB"));
	assert_int_equal(t->gbuf_bytes, 20 << 20);
	assert_true(target_override(t, &d, "dram_bw=150GiB"));
	assert_true(t->dram_bw == 150.0 * (1 << 30));
	assert_true(target_override(t, &d, "dram_bw=2.5e9"));
	assert_true(t->dram_bw == 2.5e9);
	assert_true(target_validate(&d, t));
	assert_true(target_override(t, &d, "rows=-1"));
	assert_false(target_validate(&d, t));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		m.text[0] = '\0';
		assert_false(target_override(t, &d, bad[i].arg));
		assert_string_equal(m.text, bad[i].message);
	}
	arena_free(a);
}

/* The note of object files gives back each number. */
static void
test_text_round_trip(void **state)
{
	struct arena *a = arena_new();
	struct messages m = { "" };
	struct diag d = { keep, &m, 0 };
	struct wave_target *t = builtin(a, "wavecore-lpddr4"), r;
	struct strbuf s = { 0 };

	(void)state;
	t->pj_mac_16 = 0.1;
	target_add(&s, t, "");
	memcpy(&r, t, sizeof r);
	r.rows = 1;
	assert_true(target_parse(&d, NULL, s.data, s.len, &r));
	for (unsigned i = 0; i < target_nkeys; i++)
		assert_memory_equal((char *)&r + target_keys[i].member,
		    (char *)t + target_keys[i].member, 8);
	assert_false(target_parse(&d, NULL, s.data, s.len - 1, &r));
	assert_false(target_parse(&d, NULL, s.data, s.len - 20, &r));
	assert_false(target_parse(&d, NULL, "rows = 1\nrows = 1\n", 18, &r));
	assert_false(target_parse(&d, NULL, "rows = 1\n", 9, &r));
	strbuf_free(&s);
	arena_free(a);
}

static void
test_help(void **state)
{
	struct strbuf s = { 0 };

	(void)state;
	target_help(&s);
	for (unsigned i = 0; i < target_nkeys; i++)
		assert_non_null(strstr(s.data, target_keys[i].name));
	for (int i = 0; target_builtins[i].name != NULL; i++)
		assert_non_null(strstr(s.data, target_builtins[i].name));
	strbuf_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtins),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_long_line_and_nul),
		UNIT_TEST(test_base_of_itself),
		cmocka_unit_test(test_load_errors),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_text_round_trip),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests_name("backend/target", tests, NULL,
	    NULL);
}
