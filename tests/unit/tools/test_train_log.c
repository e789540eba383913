/* The log of a training: records, and going on without doubles. */
#include "tools/train_log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"
#include "tests/lib/unit.h"

static void
put(struct train_log *l, const char *type, int step, int epoch)
{
	cJSON *o = train_log_record(type);

	(void)cJSON_AddNumberToObject(o, "step", step);
	(void)cJSON_AddNumberToObject(o, "epoch", epoch);
	train_log_put(l, o);
}

static void
expect_file(struct unit *u, const char *path, const char *want)
{
	char *text;
	size_t n;

	assert_true(file_read(u->arena, &u->diag, path, 0, &text, &n));
	assert_string_equal(text, want);
}

/* Two epochs of two steps, then interrupted in the third. */
static void
write_log(struct unit *u, const char *path)
{
	struct train_log l;

	assert_true(train_log_open(&l, &u->diag, path, NULL));
	put(&l, "run", 0, 0);
	for (int i = 1; i <= 5; i++) {
		put(&l, "step", i, (i + 1) / 2);
		if (i % 2 == 0)
			put(&l, "epoch", i, i / 2);
	}
	put(&l, "end", 5, 3);
	assert_true(train_log_close(&l));
}

static void
continues(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "log");
	struct trainer_position at = {.epoch = 1, .index = 1, .step = 3};
	struct train_log l;
	FILE *f;

	write_log(u, path);
	f = fopen(path, "a"); /* and the next one was cut */
	assert_non_null(f);
	fputs("{\"type\":\"st", f);
	fclose(f);
	assert_true(train_log_open(&l, &u->diag, path, &at));
	put(&l, "run", 3, 1);
	assert_true(train_log_close(&l));
	expect_file(u, path,
	    "{\"type\":\"run\",\"step\":0,\"epoch\":0}\n"
	    "{\"type\":\"step\",\"step\":1,\"epoch\":1}\n"
	    "{\"type\":\"step\",\"step\":2,\"epoch\":1}\n"
	    "{\"type\":\"epoch\",\"step\":2,\"epoch\":1}\n"
	    "{\"type\":\"step\",\"step\":3,\"epoch\":2}\n"
	    "{\"type\":\"run\",\"step\":3,\"epoch\":1}\n");
	/* an epoch whose evaluation is still to come is not complete */
	at = (struct trainer_position){.epoch = 0, .index = 2, .step = 2};
	assert_true(train_log_open(&l, &u->diag, path, &at));
	assert_true(train_log_close(&l));
	expect_file(u, path,
	    "{\"type\":\"run\",\"step\":0,\"epoch\":0}\n"
	    "{\"type\":\"step\",\"step\":1,\"epoch\":1}\n"
	    "{\"type\":\"step\",\"step\":2,\"epoch\":1}\n");
	unlink(path);
}

static void
other_files(void **state)
{
	static const char text[] = "{\"type\":\"run\"}\nmy notes\n";
	struct unit *u = *state;
	char *path = unit_path(u, "log");
	struct trainer_position at = {.step = 3};
	struct train_log l;

	/* a file that is no log is not harmed */
	assert_true(file_write(&u->diag, path, text, sizeof text - 1));
	assert_false(train_log_open(&l, &u->diag, path, &at));
	unit_expect_error(u, "log:2: error: no record of a log");
	expect_file(u, path, text);
	unlink(path);
	/* none yet: it begins */
	assert_true(train_log_open(&l, &u->diag, path, &at));
	assert_true(train_log_close(&l));
	expect_file(u, path, "");
	unlink(path);
	assert_true(train_log_open(&l, &u->diag, NULL, &at));
	put(&l, "step", 1, 1);
	assert_true(train_log_close(&l));
	path = arena_printf(u->arena, "%s/none/log", unit_path(u, "d"));
	assert_false(train_log_open(&l, &u->diag, path, NULL));
	unit_expect_error(u, "cannot write the log: No such file");
}

static void
full_disk(void **state)
{
	struct unit *u = *state;
	struct train_log l;

	assert_true(train_log_open(&l, &u->diag, "/dev/full", NULL));
	put(&l, "step", 1, 1);
	unit_expect_error(u, "cannot write the log: No space left");
	put(&l, "step", 2, 1);
	assert_int_equal(u->count[DIAG_ERROR], 0);
	assert_false(train_log_close(&l));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(continues),
		UNIT_TEST(other_files),
		UNIT_TEST(full_disk),
	};

	return cmocka_run_group_tests_name("tools/train_log", tests, NULL,
	    NULL);
}
