/* wrap: calloc */
#include "support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/unit.h"

#define BIG ((size_t)100000)

static bool big_fails; /* whether callocs of BIG or more return NULL */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	return big_fails && n * size >= BIG ? NULL : __real_calloc(n, size);
}

/* The number of files in the scratch folder whose name starts like path. */
static int
files_like(struct unit *u, const char *path)
{
	char *cmd = arena_printf(u->arena, "exit $(ls -d '%s'* | wc -l)",
	    path);
	int status = system(cmd);

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
expect_content(struct unit *u, const char *path, const void *want, size_t n)
{
	size_t size = 77;
	char *data = NULL;

	assert_true(file_read(u->arena, &u->diag, path, 0, &data, &size));
	assert_int_equal(size, n);
	assert_memory_equal(data, want, n);
	assert_int_equal(data[size], 0);
}

static void
write_and_read(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "plain");
	char *big = arena_alloc(u->arena, 3 * BIG);

	assert_true(file_write(&u->diag, path, "a\0b", 3));
	expect_content(u, path, "a\0b", 3);
	/* a second time: replaced, nothing left beside it */
	for (size_t i = 0; i < 3 * BIG; i++)
		big[i] = (char)(i * 7);
	assert_true(file_write(&u->diag, path, big, 3 * BIG));
	expect_content(u, path, big, 3 * BIG);
	assert_true(file_write(&u->diag, path, NULL, 0));
	expect_content(u, path, "", 0);
	assert_int_equal(files_like(u, path), 1);
	assert_int_equal(u->diag.errors, 0);
	unlink(path);
}

static void
parts_are_joined(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "parts");
	struct file_part part[] = {{"ab", 2}, {NULL, 0}, {"c", 1}};

	assert_true(file_write_parts(&u->diag, path, part, 3));
	expect_content(u, path, "abc", 3);
	unlink(path);
}

static void
mode_follows_umask(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "mode");
	mode_t old = umask(027);
	struct stat st;

	assert_true(file_write(&u->diag, path, "x", 1));
	umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	unlink(path);
}

static void
link_is_followed(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "target"), *name = unit_path(u, "link");
	struct stat st;

	assert_true(file_write(&u->diag, path, "old", 3));
	assert_int_equal(symlink(path, name), 0);
	assert_true(file_write(&u->diag, name, "new", 3));
	assert_int_equal(lstat(name, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_content(u, path, "new", 3);
	unlink(name);
	unlink(path);
}

static void
read_errors(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "r"), *data = NULL;
	size_t size = 0;

	assert_false(file_read(u->arena, &u->diag, path, 0, &data, &size));
	unit_expect_error(u, "cannot open: No such file or directory");
	assert_non_null(strstr(u->last, path));
	assert_false(file_read(u->arena, &u->diag, "/", 0, &data, &size));
	unit_expect_error(u, "cannot read: Is a directory");
	assert_true(file_write(&u->diag, path, "123456", 6));
	assert_true(file_read(u->arena, &u->diag, path, 6, &data, &size));
	assert_false(file_read(u->arena, &u->diag, path, 5, &data, &size));
	unit_expect_error(u, "larger than the limit of 5 bytes");
	/* a stream that never ends */
	assert_false(
	    file_read(u->arena, &u->diag, "/dev/zero", BIG, &data, &size));
	unit_expect_error(u, "larger than the limit of 100000 bytes");
	/* a path below a file */
	path = arena_printf(u->arena, "%s/x", path);
	assert_false(file_read(u->arena, &u->diag, path, 0, &data, &size));
	unit_expect_error(u, "cannot open: Not a directory");
	assert_false(file_write(&u->diag, path, "x", 1));
	unit_expect_error(u, "cannot write: Not a directory");
	unlink(unit_path(u, "r"));
}

static void
no_memory(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "big"), *data = NULL;
	size_t size = 0;

	assert_true(file_write(&u->diag, path,
	    arena_alloc(u->arena, BIG), BIG));
	big_fails = true;
	assert_false(file_read(u->arena, &u->diag, path, 0, &data, &size));
	big_fails = false;
	unit_expect_error(u, "cannot read: Cannot allocate memory");
	unlink(path);
}

static void
write_errors(void **state)
{
	struct unit *u = *state;
	char *dir = unit_path(u, "dir");

	assert_int_equal(mkdir(dir, 0777), 0);
	assert_false(file_write(&u->diag, dir, "x", 1));
	unit_expect_error(u, "cannot write: Is a directory");
	assert_int_equal(files_like(u, dir), 1);
	rmdir(dir);
	assert_false(file_write(&u->diag, arena_printf(u->arena, "%s/x", dir),
	    "x", 1));
	unit_expect_error(u, "cannot write: No such file or directory");
	assert_false(file_write(&u->diag, "", "x", 1));
	unit_expect_error(u, "cannot write: No such file or directory");
}

/* A folder that even root may not write in. */
static void
unwritable_folder(void **state)
{
	struct unit *u = *state;

	if (access("/proc/self/fd", F_OK) != 0)
		skip();
	assert_false(file_write(&u->diag, "/proc/self/wave-test", "x", 1));
	unit_expect_error(u, "/proc/self/wave-test: error: cannot write: ");
}

static void
devices_stay(void **state)
{
	struct unit *u = *state;
	struct stat st;

	assert_true(file_write(&u->diag, "/dev/null", "x", 1));
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	if (access("/dev/full", F_OK) != 0)
		skip();
	assert_false(file_write(&u->diag, "/dev/full", "x", 1));
	unit_expect_error(u, "cannot write: No space left on device");
}

/* Running out of room half way: the old file stays, nothing new. */
static void
failure_keeps_old(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "full");
	struct rlimit old, small;

	assert_true(file_write(&u->diag, path, "old", 3));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 1000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(file_write(&u->diag, path,
	    arena_alloc(u->arena, BIG), BIG));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	unit_expect_error(u, "cannot write: File too large");
	expect_content(u, path, "old", 3);
	assert_int_equal(files_like(u, path), 1);
	unlink(path);
}

/* fd 0 or 1 replaced by a pipe. */
static void
standard_streams(void **state)
{
	struct unit *u = *state;
	int fd[2], saved;
	char *data, text[8] = "";
	size_t size;

	assert_int_equal(pipe(fd), 0);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fd[1], STDOUT_FILENO);
	close(fd[1]);
	assert_true(file_write(&u->diag, "-", "hello", 5));
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(read(fd[0], text, sizeof text), 5);
	assert_string_equal(text, "hello");
	close(fd[0]);

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "stream", 6), 6);
	close(fd[1]);
	saved = dup(STDIN_FILENO);
	dup2(fd[0], STDIN_FILENO);
	close(fd[0]);
	assert_true(file_read(u->arena, &u->diag, "-", 0, &data, &size));
	assert_int_equal(size, 6);
	assert_string_equal(data, "stream");
	dup2(saved, STDIN_FILENO);
	close(saved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(write_and_read),
		UNIT_TEST(parts_are_joined),
		UNIT_TEST(mode_follows_umask),
		UNIT_TEST(link_is_followed),
		UNIT_TEST(read_errors),
		UNIT_TEST(no_memory),
		UNIT_TEST(write_errors),
		UNIT_TEST(unwritable_folder),
		UNIT_TEST(devices_stay),
		UNIT_TEST(failure_keeps_old),
		UNIT_TEST(standard_streams),
	};

	return cmocka_run_group_tests_name("support/file", tests, NULL, NULL);
}
