#include "passes/pass.h"

#include <string.h>

#include "tests/lib/agree.h"

static const char conv_relu[] =
    "input %x \"x\" : f32[1,1,2,2]\n"
    "const %w : f32[2,1,1,1] = [1,2]\n"
    "%y \"conv\" = conv %x, %w : f32[1,2,2,2]\n"
    "%r \"relu\" = relu %y : f32[1,2,2,2]\n"
    "%d \"dead\" = exp %r : f32[1,2,2,2]\n"
    "%s \"soft\" = softmax %r {axis = 1} : f32[1,2,2,2]\n"
    "output %s \"out\"\n";

static void
pipeline_obeys_orders(void **state)
{
	size_t nsteps, norders;
	const struct pass_step *s = pass_pipeline(&nsteps);
	const struct pass_order *o = pass_orders(&norders);

	(void)state;
	assert_true(norders > 5);
	for (size_t i = 0; i < norders; i++)
		if (!pass_order_holds(&o[i], s, nsteps))
			fail_msg("%s, %s: %s", pass_info(o[i].a)->name,
			    pass_info(o[i].b)->name, o[i].reason);
}

/* Each constraint is broken by some order, so each says something. */
static void
orders_can_break(void **state)
{
	size_t nsteps, n;
	const struct pass_step *s = pass_pipeline(&nsteps);
	const struct pass_order *o = pass_orders(&n);
	struct pass_step back[64];

	(void)state;
	assert_true(nsteps <= 64);
	for (size_t i = 0; i < nsteps; i++)
		back[i] = s[nsteps - 1 - i];
	for (size_t i = 0; i < n; i++) {
		size_t left = 0;
		struct pass_step without[64];
		enum pass_id gone = o[i].b;

		for (size_t k = 0; k < nsteps; k++)
			if (s[k].pass != gone)
				without[left++] = s[k];
		if (pass_order_holds(&o[i], back, nsteps) &&
		    pass_order_holds(&o[i], without, left))
			fail_msg("constraint %zu cannot be broken: %s", i,
			    o[i].reason);
	}
}

static void
every_pass_has_a_step(void **state)
{
	size_t n;
	const struct pass_step *s = pass_pipeline(&n);

	(void)state;
	for (int p = 0; p < PASS_COUNT; p++) {
		bool found = false;

		for (size_t i = 0; i < n; i++)
			found = found || (int)s[i].pass == p;
		if (!found)
			fail_msg("%s never runs",
			    pass_info((enum pass_id)p)->name);
		assert_int_equal(pass_parse(pass_info((enum pass_id)p)->name),
		    p);
	}
	assert_int_equal(pass_parse("nonsense"), PASS_COUNT);
}

static void
flags(void **state)
{
	struct unit *u = *state;
	struct pass_options o;
	bool ok;

	pass_options_init(&o);
	assert_false(pass_options_flag(&o, u->arena, &u->diag, "ast-dump",
	    &ok));
	assert_true(pass_options_flag(&o, u->arena, &u->diag, "no-cse", &ok));
	assert_true(ok);
	assert_int_equal(o.overrides.data[0].pass, PASS_cse);
	assert_false(o.overrides.data[0].on);
	assert_true(pass_options_flag(&o, u->arena, &u->diag, "fold=4K",
	    &ok));
	assert_true(ok);
	assert_string_equal(o.overrides.data[1].args, "4K");
	assert_true(pass_options_flag(&o, u->arena, &u->diag, "no-legalize",
	    &ok));
	assert_false(ok);
	unit_expect_error(u, "-fno-legalize: the pass is required");
	assert_true(pass_options_flag(&o, u->arena, &u->diag, "dce=3", &ok));
	assert_false(ok);
	unit_expect_error(u, "-fdce takes no argument");
	assert_true(pass_options_flag(&o, u->arena, &u->diag, "no-fold=3",
	    &ok));
	assert_false(ok);
	assert_int_equal(o.overrides.len, 2);
}

/* The names of the passes that ran, each with a blank behind it. */
struct log {
	char text[512];
	int last;
};

static void
log_pass(void *user, const char *pass, int sequence, const struct graph *g)
{
	struct log *l = user;

	assert_non_null(g->first);
	assert_true(sequence > l->last);
	l->last = sequence;
	strcat(l->text, pass);
	strcat(l->text, " ");
}

static void
run_at(struct unit *u, struct pass_options *o, struct log *l,
    const char *expect)
{
	struct graph *g = graph_from(u, conv_relu);

	memset(l, 0, sizeof *l);
	o->dump = log_pass;
	o->user = l;
	if (!passes_run(g, &u->diag, o))
		fail_msg("%s", u->last);
	if (strcmp(l->text, expect) != 0)
		fail_msg("-O%d ran %s", o->level, l->text);
}

static void
levels_choose_passes(void **state)
{
	struct unit *u = *state;
	struct pass_options o;
	struct log l;

	pass_options_init(&o);
	o.print_after_all = true;
	o.level = 0;
	run_at(u, &o, &l, "fold set-precision legalize fold ");
	o.level = 1;
	run_at(u, &o, &l, "canonicalize fold cse dce fold-batch-norm "
	    "set-precision legalize canonicalize fold cse dce dce ");
}

static void
overrides_win(void **state)
{
	struct unit *u = *state;
	struct pass_options o;
	struct log l;
	bool ok;

	pass_options_init(&o);
	o.print_after_all = true;
	o.level = 0;
	pass_options_flag(&o, u->arena, &u->diag, "no-cse", &ok);
	pass_options_flag(&o, u->arena, &u->diag, "cse", &ok);
	pass_options_flag(&o, u->arena, &u->diag, "dce", &ok);
	pass_options_flag(&o, u->arena, &u->diag, "no-dce", &ok);
	run_at(u, &o, &l, "fold cse set-precision legalize fold cse ");
}

static void
dumps_are_selected(void **state)
{
	struct unit *u = *state;
	struct pass_options o;
	struct log l;

	pass_options_init(&o);
	VEC_PUSH(u->arena, &o.print_after, "legalize");
	run_at(u, &o, &l, "legalize ");
	o.print_after.len = 0;
	o.print_changed = true;
	run_at(u, &o, &l, "canonicalize legalize fuse-epilogue ");
	o.print_changed = false;
	run_at(u, &o, &l, "");
}

static void
remarks_are_selected(void **state)
{
	struct unit *u = *state;
	struct pass_options o;
	struct graph *g = graph_from(u, conv_relu);

	pass_options_init(&o);
	o.remarks = "fuse.*";
	assert_true(passes_run(g, &u->diag, &o));
	assert_int_equal(u->count[DIAG_REMARK], 1);
	assert_non_null(strstr(u->last, "[fuse-epilogue] relu 'relu' fused "
	    "into conv 'conv'"));
	g = graph_from(u, conv_relu);
	o.remarks = "^cse$";
	assert_true(passes_run(g, &u->diag, &o));
	assert_int_equal(u->count[DIAG_REMARK], 1);
	o.remarks = "(";
	assert_false(passes_run(g, &u->diag, &o));
	unit_expect_error(u, "-Rpass=(");
}

static void
timings(void **state)
{
	struct unit *u = *state;
	struct pass_options o;
	struct graph *g = graph_from(u, conv_relu);
	struct strbuf s = {0};

	pass_options_init(&o);
	o.time = true;
	assert_true(passes_run(g, &u->diag, &o));
	assert_true(o.timings.len > 8);
	assert_int_equal(o.timings.data[0].sequence, 1);
	assert_true(o.timings.data[0].changed);
	passes_print_timings(&s, &o);
	assert_non_null(strstr(s.data, "fuse-epilogue"));
	assert_non_null(strstr(s.data, "total"));
	strbuf_free(&s);
}

static void
help_lists_all(void **state)
{
	struct strbuf s = {0};

	(void)state;
	passes_help(&s);
	for (int p = 0; p < PASS_COUNT; p++) {
		assert_non_null(strstr(s.data,
		    pass_info((enum pass_id)p)->name));
		assert_non_null(strstr(s.data,
		    pass_info((enum pass_id)p)->summary));
	}
	strbuf_free(&s);
}

static void
missing_property_is_named(void **state)
{
	struct unit *u = *state;
	enum pass_id fuse = PASS_fuse_epilogue;
	struct graph *g = graph_from(u, conv_relu);
	struct pass_options o;

	pass_options_init(&o);
	assert_false(passes_run_list(g, &u->diag, &o, &fuse, 1, NULL));
	unit_expect_error(u, "pass fuse-epilogue needs the property 'legal'");
}

/* A broken graph is noticed before the first pass, by name. */
static void
verifies_input(void **state)
{
	struct unit *u = *state;
	struct graph *g = graph_from(u, conv_relu);
	struct pass_options o;

	pass_options_init(&o);
	g->first->out[0]->type.dim[1] = 3;
	assert_false(passes_run(g, &u->diag, &o));
	assert_non_null(strstr(u->last, "after input"));
}

static void
bad_inputs(void **state)
{
	static const char gather[] =
	    "input %x \"x\" : f32[4]\n"
	    "input %i \"where\" : i64[2]\n"
	    "%y \"pick\" = gather %x, %i {axis = 0} : f32[2]\n"
	    "output %y \"y\"\n";
	struct unit *u = *state;
	struct pass_options o;
	bool ok;

	pass_options_init(&o);
	assert_false(passes_run(graph_from(u, gather), &u->diag, &o));
	unit_expect_error(u, "gather 'pick': the indices 'where' are not "
	    "known at compile time");
	pass_options_flag(&o, u->arena, &u->diag, "fold=lots", &ok);
	assert_true(ok);
	assert_false(passes_run(graph_from(u, gather), &u->diag, &o));
	unit_expect_error(u, "-ffold=lots: not a number of bytes");
}

static void
overflow_warns(void **state)
{
	static const char big[] =
	    "input %x \"x\" : f32[1,2]\n"
	    "const %w : f32[2,1] = [1,70000]\n"
	    "%y \"fc\" = matmul %x, %w : f32[1,1]\n"
	    "output %y \"y\"\n";
	struct unit *u = *state;
	struct pass_options o;

	pass_options_init(&o);
	o.precision = DT_BF16;
	assert_true(passes_run(graph_from(u, big), &u->diag, &o));
	assert_int_equal(u->count[DIAG_WARNING], 0);
	o.precision = DT_F16;
	assert_true(passes_run(graph_from(u, big), &u->diag, &o));
	assert_int_equal(u->count[DIAG_WARNING], 1);
	assert_non_null(strstr(u->last, "a constant operand of matmul 'fc' "
	    "does not fit f16 and becomes infinite"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pipeline_obeys_orders),
	    cmocka_unit_test(orders_can_break),
	    cmocka_unit_test(every_pass_has_a_step),
	    UNIT_TEST(flags),
	    UNIT_TEST(levels_choose_passes),
	    UNIT_TEST(overrides_win),
	    UNIT_TEST(dumps_are_selected),
	    UNIT_TEST(remarks_are_selected),
	    UNIT_TEST(timings),
	    cmocka_unit_test(help_lists_all),
	    UNIT_TEST(missing_property_is_named),
	    UNIT_TEST(verifies_input),
	    UNIT_TEST(bad_inputs),
	    UNIT_TEST(overflow_warns),
	};

	return cmocka_run_group_tests_name("passes/manager", tests, NULL,
	    NULL);
}
