/* Batches and schedules. */
#include "runtime/batch.h"

#include <math.h>
#include <string.h>

#include "runtime/mix.h"
#include "runtime/picture.h"
#include "runtime/schedule.h"
#include "tests/lib/unit.h"

#define COUNT 10

/* Sample i is an image of 1 x 2 x 2 bytes i, class i % 3. */
static struct dataset *
little(struct unit *u)
{
	struct dataset *s = NEW(u->arena, struct dataset);
	uint8_t *data = arena_alloc(u->arena, COUNT * 4);
	int32_t *labels = NEW_ARRAY(u->arena, int32_t, COUNT);

	for (int i = 0; i < COUNT; i++) {
		memset(data + 4 * i, 51 * (i / 2), 4);
		data[4 * i] = (uint8_t)(i + 1);
		labels[i] = i;
	}
	*s = (struct dataset){ .source = "little", .count = COUNT,
		.rank = 3, .dim = { 1, 2, 2 }, .dtype = DT_U8, .data = data,
		.classes = COUNT, .labels = labels };
	return s;
}

static struct batcher *
opened(struct unit *u, struct dataset *s, struct batch_options o)
{
	struct batcher *b = batcher_open(u->arena, &u->diag, s, &o);

	if (b == NULL)
		fail_msg("%s", u->last);
	return b;
}

static void
covers_every_sample_once(void **state)
{
	struct unit *u = *state;
	struct batch_options o = { .batch = 4, .seed = 3, .shuffle = true };
	struct batcher *b = opened(u, little(u), o);
	float x[16];
	int64_t y[4], valid, first[2][COUNT];

	assert_int_equal(batcher_count(b), 3);
	for (int e = 0; e < 2; e++) {
		int n = 0, sum = 0;

		for (int i = 0; i < 3; i++) {
			batch_fill(b, e, i, x, y, NULL, &valid);
			assert_int_equal(valid, i < 2 ? 4 : 2);
			for (int k = 0; k < valid; k++) {
				first[e][n++] = y[k];
				sum += 1 << y[k];
				assert_true(x[4 * k] ==
				    (float)((double)(y[k] + 1) / 255.0));
			}
		}
		assert_int_equal(sum, (1 << COUNT) - 1);
		assert_int_equal(y[3], y[1]); /* padding repeats the last */
	}
	assert_memory_not_equal(first[0], first[1], sizeof first[0]);
	o.drop_last = true;
	assert_int_equal(batcher_count(opened(u, little(u), o)), 2);
}

static void
depends_on_seed_epoch_and_index_only(void **state)
{
	struct unit *u = *state;
	struct batch_options o = { .batch = 3, .seed = 5, .shuffle = true,
		.crop = 1, .flip = true };
	struct batcher *a = opened(u, little(u), o);
	struct batcher *b = opened(u, little(u), o);
	struct batcher *c;
	float x[2][12];
	int64_t y[2][3], valid;

	batch_fill(a, 0, 0, x[0], y[0], NULL, &valid);
	batch_fill(a, 7, 2, x[0], y[0], NULL, &valid);
	batch_fill(b, 7, 2, x[1], y[1], NULL, &valid);
	assert_memory_equal(x[0], x[1], sizeof x[0]);
	assert_memory_equal(y[0], y[1], sizeof y[0]);
	o.seed = 6;
	c = opened(u, little(u), o);
	batch_fill(c, 7, 2, x[1], y[1], NULL, &valid);
	assert_memory_not_equal(y[0], y[1], sizeof y[0]);
}

static void
normalises_and_augments(void **state)
{
	struct unit *u = *state;
	static const double mean[] = { 0.5 }, deviation[] = { 0.25 };
	struct dataset *s = little(u);
	struct batch_options o = { .batch = 1, .crop = 1, .flip = true };
	struct batcher *b;
	float x[4];
	int64_t y, valid;
	bool seen[3] = { false };

	s->mean = mean;
	s->deviation = deviation;
	b = opened(u, s, (struct batch_options){ .batch = 1 });
	batch_fill(b, 0, 5, x, &y, NULL, &valid);
	assert_true(x[1] == (float)((102 / 255.0 - 0.5) / 0.25));
	b = opened(u, s, o);
	/* the marked corner is seen in both columns, and outside */
	for (int e = 0; e < 60; e++) {
		float mark = (float)((6 / 255.0 - 0.5) / 0.25);
		int at = -1;

		batch_fill(b, e, 5, x, &y, NULL, &valid);
		for (int i = 0; i < 4; i++)
			at = x[i] == mark ? i % 2 : at;
		seen[at + 1] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	assert_null(batch_augment(&o, u->arena, "crop=4,flip,plain"));
	assert_int_equal(o.crop, 4);
	assert_true(o.plain);
	assert_non_null(batch_augment(&o, u->arena, "crop=-1"));
	assert_non_null(batch_augment(&o, u->arena, "blur"));
}

/* The order as a program of its own computes it from mix.h's description,
 * whose generator gives the numbers published for the seed 1234567. */
static void
order_is_fixed(void **state)
{
	struct unit *u = *state;
	static const int64_t want[2][COUNT] = {{8, 6, 2, 4, 5, 0, 3, 7, 9, 1},
	    {3, 9, 1, 5, 0, 8, 2, 7, 6, 4}};
	struct batch_options o = {.batch = COUNT, .seed = 3, .shuffle = true};
	struct batcher *b = opened(u, little(u), o);
	uint64_t seed = 1234567;
	int64_t y[COUNT], valid;
	float x[4 * COUNT];

	assert_true(mix_next(&seed) == UINT64_C(6457827717110365317));
	assert_true(mix_next(&seed) == UINT64_C(3203168211198807973));
	for (int e = 0; e < 2; e++) {
		batch_fill(b, e, 0, x, y, NULL, &valid);
		assert_memory_equal(y, want[e], sizeof y);
	}
}

/* What a batch is normalised by: measured or given, and the same for the test
 * part, whose own numbers are others. */
static void
measures_the_training_part(void **state)
{
	struct unit *u = *state;
	struct dataset *s = little(u), t = *little(u);
	struct batch_options o = {.batch = COUNT, .shuffle = true};
	struct batcher *b, *e;
	float x[4 * COUNT], z[4 * COUNT];
	double sum = 0, squares = 0;
	int64_t y[COUNT], valid;

	assert_null(batch_augment(&o, u->arena, "measure,crop=0"));
	b = opened(u, s, o);
	batch_fill(b, 0, 0, x, y, NULL, &valid);
	for (int i = 0; i < 4 * COUNT; i++) {
		sum += (double)x[i];
		squares += (double)x[i] * (double)x[i];
	}
	assert_true(fabs(sum) < 1e-5);
	assert_true(fabs(squares - 4 * COUNT) < 1e-4);
	t.count = 3;
	e = batcher_open_test(u->arena, &u->diag, &t, b);
	assert_non_null(e);
	assert_int_equal(batcher_count(e), 1);
	batch_fill(e, 0, 0, z, y, NULL, &valid);
	assert_int_equal(valid, 3);
	for (int64_t i = 0; i < 3; i++)
		assert_int_equal(y[i], i);
	batch_fill(b, 0, 0, x, y, NULL, &valid);
	for (int i = 0; i < COUNT; i++)
		if (y[i] == 2)
			assert_memory_equal(x + 4 * i, z + 8, 4 * sizeof *x);
}

/* Floats are left alone unless they shall be normalised; channel by channel. */
static void
normalises_floats(void **state)
{
	struct unit *u = *state;
	static const float data[] = {1, 3, 10, 10, 3, 5, 10, 10};
	static const int32_t labels[] = {0, 0};
	struct dataset s = {.source = "floats", .count = 2, .rank = 3,
	    .dim = {2, 1, 2}, .dtype = DT_F32, .data = data, .classes = 1,
	    .labels = labels};
	struct batch_options o = {.batch = 2};
	struct normalise n = normalise_measure(u->arena, &s);
	int64_t y[2], valid;
	float x[8];

	assert_int_equal(n.channels, 2);
	assert_true(n.mean[0] == 3 && n.deviation[0] == sqrt(2));
	assert_true(n.mean[1] == 10 && n.deviation[1] == 1); /* constant */
	batch_fill(opened(u, &s, o), 0, 0, x, y, NULL, &valid);
	assert_memory_equal(x, data, sizeof x);
	assert_null(batch_augment(&o, u->arena, "mean=1+1e+1,deviation=2+5"));
	batch_fill(opened(u, &s, o), 0, 0, x, y, NULL, &valid);
	assert_true(x[0] == 0 && x[1] == 1 && x[2] == 0 && x[5] == 2);
	o = (struct batch_options){.batch = 2, .measure = true};
	batch_fill(opened(u, &s, o), 0, 0, x, y, NULL, &valid);
	assert_true(x[0] == (float)(-2 / sqrt(2)) && x[2] == 0);
}

static void
refuses_bad_normalisation(void **state)
{
	struct unit *u = *state;
	static const char *const bad[] = {"mean=1", "deviation=1",
	    "mean=1+2,deviation=1", "mean=,deviation=1", "mean=1+,deviation=1",
	    "mean=nan,deviation=1", "measure,plain", "measure,mean=1,"
	    "deviation=1", "plain,mean=1,deviation=1", "crop=257", "crop=x"};
	struct dataset *s = little(u);
	struct batch_options o;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		o = (struct batch_options){.batch = 1};
		if (batch_augment(&o, u->arena, bad[i]) == NULL)
			fail_msg("'%s' was taken", bad[i]);
	}
	o = (struct batch_options){.batch = 1};
	assert_null(batch_augment(&o, u->arena, "mean=1+2,deviation=1+1"));
	assert_null(batcher_open(u->arena, &u->diag, s, &o));
	unit_expect_error(u, "have 2 channels, the samples 1");
	o = (struct batch_options){.batch = 1};
	assert_null(batch_augment(&o, u->arena, "mean=1,deviation=0"));
	assert_null(batcher_open(u->arena, &u->diag, s, &o));
	unit_expect_error(u, "must be positive");
	o = (struct batch_options){.batch = 0};
	assert_null(batcher_open(u->arena, &u->diag, s, &o));
	unit_expect_error(u, "at least one sample");
}

static void
refuses_too_few_samples(void **state)
{
	struct unit *u = *state;
	struct batch_options o = { .batch = 11, .drop_last = true };
	struct dataset *s = little(u);

	assert_null(batcher_open(u->arena, &u->diag, s, &o));
	unit_expect_error(u, "10 samples are less than one batch of 11");
	o = (struct batch_options){ .batch = 1, .flip = true };
	s->rank = 2;
	assert_null(batcher_open(u->arena, &u->diag, s, &o));
	unit_expect_error(u, "only images can be cropped");
}

/* Against torch.optim.lr_scheduler of PyTorch 1.13 (StepLR, MultiStepLR;
 * CosineAnnealingLR of 40 steps). */
static void
schedules_are_those_of_pytorch(void **state)
{
	struct unit *u = *state;
	struct schedule s;
	static const struct {
		const char *text;
		int64_t epoch, index;
		double want;
	} rows[] = {
		{ "0.05", 3, 2, 0.05 },
		{ "constant:0.05,warmup=1", 0, 4, 0.025 },
		{ "constant:0.05,warmup=1", 1, 0, 0.05 },
		{ "step:0.1,every=2", 1, 9, 0.1 },
		{ "step:0.1,every=2", 2, 0, 0.01 },
		{ "step:0.1,gamma=0.5,at=1+3", 0, 0, 0.1 },
		{ "step:0.1,gamma=0.5,at=1+3", 2, 0, 0.05 },
		{ "step:0.1,gamma=0.5,at=1+3", 3, 0, 0.025 },
		{ "cosine:0.1", 0, 0, 0.1 },
		{ "cosine:0.1", 1, 0, 0.08535533905932738 },
		{ "cosine:0.1", 2, 0, 0.05 },
		{ "cosine:0.1", 3, 9, 0.00015413331334360182 },
		{ "cosine:0.1,final=0.02", 2, 5, 0.04469266270539642 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!schedule_parse(u->arena, &u->diag, rows[i].text, &s))
			fail_msg("%s", u->last);
		assert_true(fabs(schedule_at(&s, rows[i].epoch,
		    rows[i].index, 10, 4) - rows[i].want) < 1e-15);
	}
}

static void
schedules_print_and_parse_back(void **state)
{
	struct unit *u = *state;
	static const char *const good[] = { "constant:0.05",
		"step:0.1,gamma=0.5,every=3", "step:0.1,gamma=0.1,at=1+5",
		"cosine:0.3,final=0.001,warmup=2" };
	static const char *const bad[] = { "", "0", "-1", "abc", "cosine",
		"cosine:", "cosine:0.1,final=0.2", "step:0.1",
		"step:0.1,every=2,at=3", "step:0.1,at=3+2", "step:0.1,at=",
		"linear:0.1", "0.1,gamma=0.1", "0.1,warmup=-1", "0.1,",
		"inf", "step:0.1,at=1+" };
	struct schedule s;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct strbuf out = { 0 };

		assert_true(schedule_parse(u->arena, &u->diag, good[i], &s));
		schedule_print(&out, &s);
		assert_string_equal(out.data, good[i]);
		strbuf_free(&out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (schedule_parse(u->arena, &u->diag, bad[i], &s))
			fail_msg("'%s' was read", bad[i]);
		unit_expect_error(u, "learning rate '");
	}
}

static void
pictures(void **state)
{
	static const float pixels[] = { 0, 1, 0, 1, 0.5f, 0.5f };
	struct strbuf s = { 0 };

	(void)state;
	picture_add(&s, pixels, 2, 3, true);
	assert_string_equal(s.data, " @\n++\n");
	strbuf_free(&s);
	picture_add(&s, pixels, 2, 3, false);
	assert_non_null(strstr(s.data, "\033[38;5;255;48;5;255m"));
	strbuf_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(covers_every_sample_once),
		UNIT_TEST(depends_on_seed_epoch_and_index_only),
		UNIT_TEST(normalises_and_augments),
		UNIT_TEST(order_is_fixed),
		UNIT_TEST(measures_the_training_part),
		UNIT_TEST(normalises_floats),
		UNIT_TEST(refuses_bad_normalisation),
		UNIT_TEST(refuses_too_few_samples),
		UNIT_TEST(schedules_are_those_of_pytorch),
		UNIT_TEST(schedules_print_and_parse_back),
		UNIT_TEST(pictures),
	};

	return cmocka_run_group_tests_name("runtime/batch", tests, NULL,
	    NULL);
}
