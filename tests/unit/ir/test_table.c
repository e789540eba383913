/* ops.def and attrs.def hold together. */
#include "ir/graph.h"
#include "tests/lib/unit.h"

#include <string.h>

/* The attribute lists as written, to be counted. */
static const char *const attr_texts[OP_COUNT] = {
#define ATTRS(...) #__VA_ARGS__
#define OP(name, lower, imin, imax, omin, omax, flags, rule, kernel, grad, \
    attrs, sum)                                                         \
	[OP_##name] = attrs,
#include "ir/ops.def"
};

static void
test_names(void **state)
{
	(void)state;
	for (int i = OP_NONE + 1; i < OP_COUNT; i++) {
		const char *name = op_info((enum op)i)->name;

		assert_int_equal(op_parse(name), i); /* so it is unique */
		assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456"
		    "789") == strlen(name));
	}
	assert_int_equal(op_parse("no_such_op"), OP_NONE);
	assert_int_equal(op_parse(""), OP_NONE);
}

static void
test_rows(void **state)
{
	(void)state;
	for (int i = OP_NONE + 1; i < OP_COUNT; i++) {
		const struct op_info *o = op_info((enum op)i);

		assert_true(o->in_min >= 0);
		assert_true(o->in_max == -1 || o->in_max >= o->in_min);
		assert_true(o->out_min >= 1 && o->out_max >= o->out_min);
		assert_true(o->out_max <= MAX_RESULTS);
		assert_true(strlen(o->summary) > 0);
		assert_true(strlen(o->rule) > 0);
		if (o->flags & OPF_UNARY)
			assert_true(o->in_min == 1 && o->in_max == 1);
		if (o->flags & (OPF_COMMUTES | OPF_SAME_IN))
			assert_int_equal(o->in_min, 2);
		if (strcmp(o->rule, "broadcast_bool") == 0 ||
		    strcmp(o->rule, "bool1") == 0)
			assert_int_equal((o->flags & OPF_BOOL_OUT) != 0,
			    o->in_min == 2);
	}
}

static int
count_words(const char *list)
{
	int n = list[0] != '\0';

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

/* All attributes of the text are in the row, each once. */
static void
test_op_attrs(void **state)
{
	(void)state;
	for (int i = OP_NONE + 1; i < OP_COUNT; i++) {
		const enum attr_id *ids = op_info((enum op)i)->attrs;
		bool seen[ATTR_COUNT] = {false};
		int n = 0;

		for (; ids[n] != ATTR_NONE; n++) {
			assert_true(ids[n] > ATTR_NONE &&
			    ids[n] < ATTR_COUNT);
			assert_false(seen[ids[n]]);
			seen[ids[n]] = true;
			assert_non_null(strstr(attr_texts[i],
			    attr_name(ids[n])));
		}
		assert_int_equal(n, count_words(attr_texts[i]));
	}
}

static void
test_attrs(void **state)
{
	bool used[ATTR_COUNT] = {false};

	(void)state;
	for (int i = OP_NONE + 1; i < OP_COUNT; i++)
		for (const enum attr_id *a = op_info((enum op)i)->attrs;
		     *a != ATTR_NONE; a++)
			used[*a] = true;
	for (int i = ATTR_NONE + 1; i < ATTR_COUNT; i++) {
		enum attr_id id = (enum attr_id)i;
		const struct attr *d = attr_default(id);
		int64_t lo, hi;

		assert_true(used[i]);
		assert_int_equal(d->id, id);
		assert_int_equal(d->n, 0);
		attr_range(id, &lo, &hi);
		for (int j = ATTR_NONE + 1; j < i; j++)
			assert_string_not_equal(attr_name(id),
			    attr_name((enum attr_id)j));
		switch (attr_kind(id)) {
		case ATTR_INT:
		case ATTR_ENUM:
			assert_true(lo < hi);
			assert_true(id == ATTR_to ||
			    (d->i >= lo && d->i <= hi));
			break;
		case ATTR_INTS: assert_true(lo < hi); break;
		case ATTR_FLOAT: assert_true(d->f == d->f); break;
		case ATTR_FLOATS: break;
		}
	}
}

/* Each value of an enum attribute has a word, and words read back. */
static void
test_words(void **state)
{
	int words = 0;

	(void)state;
	for (int i = OP_NONE + 1; i < OP_COUNT; i++)
		for (const enum attr_id *a = op_info((enum op)i)->attrs;
		     *a != ATTR_NONE; a++) {
			int64_t lo, hi, back;

			attr_range(*a, &lo, &hi);
			if (attr_kind(*a) != ATTR_ENUM && *a != ATTR_to)
				continue;
			for (int64_t v = lo; v <= hi; v++, words++) {
				const char *w = attr_word((enum op)i, *a, v);

				assert_non_null(w);
				assert_true(attr_word_parse((enum op)i, *a,
				    w, &back));
				assert_int_equal(back, v);
			}
			assert_null(attr_word((enum op)i, *a, hi + 1));
			assert_false(attr_word_parse((enum op)i, *a, "?",
			    &back));
		}
	assert_true(words > 40);
	assert_string_equal(act_name(ACT_HARD_SWISH), "hard_swish");
	assert_null(attr_word(OP_concat, ATTR_axis, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_op_attrs),
		cmocka_unit_test(test_attrs),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("ir/table", tests, NULL, NULL);
}
