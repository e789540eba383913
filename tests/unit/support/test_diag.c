#include "support/diag.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/file.h"
#include "tests/lib/unit.h"

static void
format_table(void **state)
{
	static const struct {
		struct loc loc;
		enum diag_level level;
		const char *want;
	} rows[] = {
		{{0}, DIAG_ERROR, "tool: error: text"},
		{{"a.net", 0, 0, NULL}, DIAG_ERROR, "a.net: error: text"},
		{{"a.net", 3, 0, NULL}, DIAG_WARNING,
		 "a.net:3: warning: text"},
		{{"a.net", 3, 7, NULL}, DIAG_NOTE, "a.net:3:7: note: text"},
		{{"a.net", 0, 7, NULL}, DIAG_NOTE, "a.net: note: text"},
		{{"m.onnx", 0, 0, "node 'c' (Conv)"}, DIAG_REMARK,
		 "m.onnx: node 'c' (Conv): remark: text"},
		{{NULL, 4, 4, "node 'c'"}, DIAG_ERROR,
		 "tool: node 'c': error: text"},
		{{"a\nb\x1b[2J", 0, 0, "n\tm"}, DIAG_ERROR,
		 "a?b?[2J: n?m: error: text"},
	};
	char buf[200], small[8];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		diag_format(buf, sizeof buf, "tool", rows[i].level,
		    &rows[i].loc, "text");
		assert_string_equal(buf, rows[i].want);
	}
	diag_format(buf, sizeof buf, NULL, DIAG_ERROR, NULL, "text");
	assert_string_equal(buf, "error: text");
	diag_format(small, sizeof small, NULL, DIAG_ERROR, NULL, "text");
	assert_string_equal(small, "error: ");
	small[0] = 'x';
	diag_format(small, 0, NULL, DIAG_ERROR, NULL, "text");
	assert_int_equal(small[0], 'x');
}

static void
levels_and_counts(void **state)
{
	struct unit *u = *state;
	struct diag silent = {0};

	diag_warning(&u->diag, NULL, "w%d", 1);
	diag_remark(&u->diag, NULL, "r");
	assert_int_equal(u->diag.errors, 0);
	diag_error(&u->diag, NULL, "%s", "e\nf");
	assert_string_equal(u->last, "test: error: e?f");
	diag_error(&u->diag, NULL, "again");
	assert_int_equal(u->diag.errors, 2);
	assert_int_equal(u->count[DIAG_ERROR], 2);
	assert_int_equal(u->count[DIAG_WARNING], 1);
	assert_int_equal(u->count[DIAG_REMARK], 1);
	diag_error(&silent, NULL, "dropped");
	assert_int_equal(silent.errors, 1);
}

static void
long_message(void **state)
{
	struct unit *u = *state;
	char *text = arena_printf(u->arena, "%10000d", 1);

	diag_error(&u->diag, NULL, "%s", text);
	assert_int_equal(strlen(u->last), sizeof u->last - 1);
}

/* What diag_print_stderr writes, caught through a file. */
static char *
printed(struct unit *u, const struct loc *loc)
{
	char *path = unit_path(u, "stderr"), *data;
	int saved = dup(STDERR_FILENO);
	size_t size;
	FILE *f;

	fflush(stderr);
	f = fopen(path, "w");
	assert_non_null(f);
	dup2(fileno(f), STDERR_FILENO);
	diag_print_stderr(arena_strdup(u->arena, "wavecc"), DIAG_ERROR, loc,
	    "bad");
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	fclose(f);
	assert_true(file_read(u->arena, &u->diag, path, 0, &data, &size));
	unlink(path);
	return data;
}

static void
source_and_caret(void **state)
{
	static const struct {
		int line, col;
		const char *want; /* behind the message */
	} rows[] = {
		{1, 1, "  first line\n  ^\n"},
		{1, 7, "  first line\n        ^\n"},
		{1, 11, "  first line\n            ^\n"},
		{1, 12, "  first line\n"}, /* past the end */
		{1, 0, "  first line\n"},
		{2, 3, "  \t\tx\n  \t\t^\n"},
		{3, 4, "  \xc3\xa4 y\n    ^\n"}, /* two bytes, one column */
		{4, 1, ""},                      /* empty */
		{5, 1, "  crlf\n  ^\n"},
		{6, 2, "  no newline\n   ^\n"},
		{7, 1, ""},
		{1000000, 1, ""},
		{0, 0, ""},
	};
	static const char text[] =
	    "first line\n\t\tx\n\xc3\xa4 y\n\ncrlf\r\nno newline";
	struct unit *u = *state;
	char *path = unit_path(u, "src.net");

	assert_true(file_write(&u->diag, path, text, sizeof text - 1));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct loc loc = {path, rows[i].line, rows[i].col, NULL};
		char *got = printed(u, &loc), *end = strchr(got, '\n');

		assert_non_null(end);
		assert_string_equal(end + 1, rows[i].want);
		*end = '\0';
		assert_string_equal(end - strlen("error: bad"), "error: bad");
	}
	unlink(path);
}

/* No source line for binary, very long or missing files and folders. */
static void
no_source_line(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "src.bin");
	struct loc loc = {path, 1, 1, NULL};
	char *wide = arena_printf(u->arena, "%5000d", 1);
	char *want = arena_printf(u->arena, "%s:1:1: error: bad\n", path);

	assert_string_equal(printed(u, &loc), want);
	assert_true(file_write(&u->diag, path, "a\x1b[31m\n", 7));
	assert_string_equal(printed(u, &loc), want);
	assert_true(file_write(&u->diag, path, "a\0b\n", 4));
	assert_string_equal(printed(u, &loc), want);
	assert_true(file_write(&u->diag, path, wide, 5000));
	assert_string_equal(printed(u, &loc), want);
	unlink(path);
	loc.file = "/tmp";
	assert_string_equal(printed(u, &loc), "/tmp:1:1: error: bad\n");
	assert_string_equal(printed(u, NULL), "wavecc: error: bad\n");
}

static void
ice_aborts(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "ice"), *data;
	size_t size;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (freopen(path, "w", stderr) == NULL)
			_exit(3);
		signal(SIGABRT, SIG_DFL);
		ice("verify", "op %d has %s", 3, "no users");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_true(file_read(u->arena, &u->diag, path, 0, &data, &size));
	assert_string_equal(data,
	    "internal error: verify: op 3 has no users\n");
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(format_table),
		UNIT_TEST(levels_and_counts),
		UNIT_TEST(long_message),
		UNIT_TEST(source_and_caret),
		UNIT_TEST(no_source_line),
		UNIT_TEST(ice_aborts),
	};

	return cmocka_run_group_tests_name("support/diag", tests, NULL, NULL);
}
