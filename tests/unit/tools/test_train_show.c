/* What a person sees where there is no terminal. */
#include "tools/train_show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"
#include "tests/lib/unit.h"

static void
numbers(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(show_time(0.4, buf), "0:00");
	assert_string_equal(show_time(61.5, buf), "1:02");
	assert_string_equal(show_time(3599.4, buf), "59:59");
	assert_string_equal(show_time(36061, buf), "10:01:01");
	assert_string_equal(show_time((double)NAN, buf), "0:00");
	assert_string_equal(show_time((double)INFINITY, buf), "0:00");
	assert_string_equal(show_count(0, buf), "0");
	assert_string_equal(show_count(999, buf), "999");
	assert_string_equal(show_count(1000, buf), "1,000");
	assert_string_equal(show_count(-123456, buf), "-123,456");
	assert_string_equal(show_count(INT64_MAX, buf),
	    "9,223,372,036,854,775,807");
}

static int
lines_with(const char *text, const char *word)
{
	int n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

/* Ten lines and a row for each epoch, however many steps it has. */
static void
plain_lines(void **state)
{
	static const int64_t batches[] = {3, 10, 937};
	struct unit *u = *state;
	char *path = unit_path(u, "show"), *text;
	size_t len;

	for (int k = 0; k < 3; k++) {
		struct train_show s = {.epochs = 1, .batches = batches[k],
		    .samples = 8};
		struct trainer_step_done e = {0};
		struct trainer_epoch_done done = {.epoch = 1, .loss = 0.5,
		    .lr = 0.1, .test = {.loss = 3, .right = 2, .answers = 4,
		    .classes = true}};
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		show_begin(&s, f, false, &e.at);
		for (int64_t i = 1; i <= batches[k]; i++) {
			e.at.index = e.at.step = i;
			e.at.loss_sum = 0.25 * (double)i;
			show_step(&s, &e, 0.75);
			show_test(&s, i, batches[k]);
		}
		show_epoch(&s, &done, 1234567);
		fclose(f);
		assert_true(file_read(u->arena, &u->diag, path, 0, &text,
		    &len));
		assert_int_equal(lines_with(text, "epoch 1/1 "),
		    batches[k] < 10 ? (int)batches[k] : 10);
		assert_int_equal(lines_with(text, "loss 0.2500"),
		    batches[k] < 10 ? (int)batches[k] : 10);
		assert_int_equal(lines_with(text, "accuracy 75.00 %"),
		    batches[k] < 10 ? (int)batches[k] : 10);
		assert_int_equal(lines_with(text, "     1      0.5000      "
		    "0.7500    50.00 %        0.1      1,234,567  "), 1);
		assert_null(strchr(text, '\033'));
	}
	unlink(path);
}

/* A terminal sees few bars, and the last one is wiped away. */
static void
bar_is_bounded(void **state)
{
	struct unit *u = *state;
	char *path = unit_path(u, "show"), *text;
	struct train_show s = {.epochs = 1, .batches = 1000, .samples = 8};
	struct trainer_step_done e = {0};
	FILE *f = fopen(path, "w");
	double begin = show_clock(), took;
	size_t len;

	assert_non_null(f);
	show_begin(&s, f, true, &e.at);
	for (int64_t i = 1; i <= 1000; i++) {
		e.at.index = e.at.step = i;
		show_step(&s, &e, 0.5);
	}
	took = show_clock() - begin;
	show_clear(&s);
	fclose(f);
	assert_true(file_read(u->arena, &u->diag, path, 0, &text, &len));
	assert_true(lines_with(text, "\repoch 1/1 ") >= 1);
	assert_true(lines_with(text, "\repoch 1/1 ") <= 2 + (int)(took * 10));
	assert_string_equal(text + len - 4, "\r\033[K");
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(numbers),
		UNIT_TEST(plain_lines),
		UNIT_TEST(bar_is_bounded),
	};

	return cmocka_run_group_tests_name("tools/train_show", tests, NULL,
	    NULL);
}
