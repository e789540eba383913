/* Entries of a training object: init, step, steps and eval. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/program.h"
#include "runtime/sim/sim.h"
#include "tests/lib/stepped.h"
#include "tools/driver.h"

#define STEPS 3
#define BATCH 4

static const char net[] =
    "network tiny() {\n"
    "	input x : f32[N, 2, 6, 6] where N = 4\n"
    "	y = x -> conv(5, 3, pad=1) -> batch_norm -> relu\n"
    "	y = y -> max_pool(2) -> dropout(0.25) -> flatten -> linear(3)\n"
    "	output logits = y\n"
    "}\n"
    "train {\n"
    "	loss cross_entropy(smoothing=0.1)\n"
    "	optimizer sgd(momentum=0.9, weight_decay=0.001)\n"
    "	schedule constant(lr=0.1)\n"
    "}\n";

static struct device *
open_program(struct unit *u, const struct wave_program *p)
{
	struct sim_options o = {.check = true, .threads = 1};
	struct device *dev = sim_open(p, &o, &u->diag);

	if (dev == NULL)
		fail_msg("%s", u->last);
	return dev;
}

static void
run(struct unit *u, struct device *dev, const char *entry)
{
	if (!dev->ops->run(dev, entry, &u->diag))
		fail_msg("%s: %s", entry, u->last);
}

static void
compile(struct unit *u, struct driver *dr, const char *const *args, int n)
{
	const char *path = unit_path(u, "tiny.net");
	char *argv[16] = {(char *)(uintptr_t)"wavecc"};
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(net, f);
	fclose(f);
	for (int i = 0; i < n; i++)
		argv[1 + i] = (char *)(uintptr_t)args[i];
	argv[1 + n] = (char *)(uintptr_t)path;
	driver_start(dr, "test");
	assert_int_equal(wavecc_parse(&dr->o, n + 2, argv),
	    WAVECC_COMPILE);
	assert_true(driver_target(dr) && driver_compile(dr));
}

struct data {
	float x[STEPS][BATCH * 72];
	int64_t labels[STEPS][BATCH];
	float lr;
};

static void
fill(struct data *t)
{
	uint64_t r = 7;

	for (int s = 0; s < STEPS; s++) {
		for (int i = 0; i < BATCH * 72; i++)
			t->x[s][i] = (float)(unit_random(&r) >> 40) /
			    8388608.0f - 1;
		for (int i = 0; i < BATCH; i++)
			t->labels[s][i] = (int64_t)(unit_random(&r) >> 33) % 3;
	}
	t->lr = 0.125f;
}

static size_t
state_bytes(const struct wave_binding *b)
{
	size_t n = dtype_size(b->dtype);

	for (int i = 0; i < b->rank; i++)
		n *= (size_t)b->dim[i];
	return n;
}

/* All states of two devices are equal to the bit. */
static void
same_states(struct unit *u, const struct wave_program *p, struct device *a,
    struct device *b)
{
	int n = 0;

	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *s = &p->bindings[i];
		uint8_t *x, *y;

		if (s->kind != WAVE_BIND_STATE)
			continue;
		x = arena_alloc(u->arena, state_bytes(s) + 1);
		y = arena_alloc(u->arena, state_bytes(s) + 1);
		stepped_read(u, a, p, s->name, x);
		stepped_read(u, b, p, s->name, y);
		if (memcmp(x, y, state_bytes(s)) != 0)
			fail_msg("state '%s' differs", s->name);
		n++;
	}
	assert_true(n >= 12); /* weights, momentum, statistics, counter */
}

static void
steps_equal(struct unit *u, const char *groups)
{
	const char *const one[] = {"-ftrain", "-march=tiny", groups};
	const char *const all[] = {"-ftrain", "-march=tiny", groups,
	    "-fsamples=12"};
	struct driver single, looped;
	struct data *t = NEW(u->arena, struct data);
	struct device *a, *b;
	float loss[STEPS], want[STEPS];

	fill(t);
	compile(u, &single, one, 3);
	compile(u, &looped, all, 4);
	a = open_program(u, single.program);
	b = open_program(u, looped.program);
	run(u, a, "init");
	for (int s = 0; s < STEPS; s++) {
		stepped_write(u, a, single.program, "x", t->x[s]);
		stepped_write(u, a, single.program, "labels", t->labels[s]);
		stepped_write(u, a, single.program, "lr", &t->lr);
		run(u, a, "step");
		stepped_read(u, a, single.program, "loss", &want[s]);
		assert_true(want[s] > 0 && want[s] < 10);
	}
	stepped_write(u, b, looped.program, "x", t->x);
	stepped_write(u, b, looped.program, "labels", t->labels);
	stepped_write(u, b, looped.program, "lr", &t->lr);
	run(u, b, "steps");
	stepped_read(u, b, looped.program, "loss", loss);
	assert_memory_equal(loss, want, sizeof loss);
	same_states(u, single.program, a, b);
	assert_true(loss[0] != loss[1] && loss[1] != loss[2]);
	a->ops->close(a);
	b->ops->close(b);
	driver_end(&single);
	driver_end(&looped);
}

static void
steps_in_a_loop_equal_single_steps(void **state)
{
	steps_equal(*state, "-mgroups=1");
	steps_equal(*state, "-mgroups=2");
	steps_equal(*state, "-mgroups=4");
}

/* Groups that share the batch learn the same, and what they sum up is
 * recorded. */
static void
groups_learn_alike(void **state)
{
	struct unit *u = *state;
	const char *args[] = {"-ftrain", "-march=tiny", "-mgroups=1"};
	static const char *const sets[] = {"-mgroups=1", "-mgroups=2",
	    "-mgroups=4"};
	struct data *t = NEW(u->arena, struct data);
	float want[STEPS], loss;

	fill(t);
	for (size_t i = 0; i < 3; i++) {
		struct driver dr;
		struct device *a;

		args[2] = sets[i];
		compile(u, &dr, args, 3);
		assert_int_equal(dr.tile->groups, 1 << i);
		assert_int_equal(dr.eval_tile->groups, 1 << i);
		assert_string_equal(dr.program->accumulation, i == 0 ?
		    "ascending-k" : "ascending-k, then groups");
		a = open_program(u, dr.program);
		for (int s = 0; s < STEPS; s++) {
			stepped_write(u, a, dr.program, "x", t->x[s]);
			stepped_write(u, a, dr.program, "labels",
			    t->labels[s]);
			stepped_write(u, a, dr.program, "lr", &t->lr);
			run(u, a, "step");
			stepped_read(u, a, dr.program, "loss", &loss);
			want[s] = i == 0 ? loss : want[s];
			assert_true(fabsf(loss - want[s]) <
			    1e-4f * want[s]);
		}
		a->ops->close(a);
		driver_end(&dr);
	}
}

/* Layer groups change no bit, in one group of the chip or in several. */
static void
serialized_alike(void **state)
{
	struct unit *u = *state;
	static const char *const sets[] = {"-mgroups=1", "-mgroups=2"};
	struct data *t = NEW(u->arena, struct data);

	fill(t);
	for (size_t i = 0; i < 2; i++) {
		const char *args[] = {"-ftrain", "-march=tiny", "-fbatch=12",
		    "-mgbuf_bytes=4096", sets[i], "-fmbs=mbs1"};
		struct driver plain, mbs;
		struct device *a, *b;

		compile(u, &plain, args, 5);
		compile(u, &mbs, args, 6);
		assert_true(mbs.graph->groups.len > 0);
		assert_true(mbs.graph->groups.data[0].sub_batch < 12 >> i);
		assert_int_equal(mbs.tile->groups, 1 + i);
		a = open_program(u, plain.program);
		b = open_program(u, mbs.program);
		for (int s = 0; s < 4; s++) {
			struct device *d = s % 2 == 0 ? a : b;
			const struct wave_program *p = s % 2 == 0 ?
			    plain.program : mbs.program;

			stepped_write(u, d, p, "x", t->x);
			stepped_write(u, d, p, "labels", t->labels);
			stepped_write(u, d, p, "lr", &t->lr);
			run(u, d, "step");
		}
		same_states(u, plain.program, a, b);
		a->ops->close(a);
		b->ops->close(b);
		driver_end(&plain);
		driver_end(&mbs);
	}
}

static void
init_starts_over(void **state)
{
	struct unit *u = *state;
	static const char *const args[] = {"-ftrain", "-march=tiny"};
	struct driver dr;
	struct data *t = NEW(u->arena, struct data);
	struct device *a, *fresh;

	fill(t);
	compile(u, &dr, args, 2);
	a = open_program(u, dr.program);
	fresh = open_program(u, dr.program);
	stepped_write(u, a, dr.program, "x", t->x[0]);
	stepped_write(u, a, dr.program, "labels", t->labels[0]);
	stepped_write(u, a, dr.program, "lr", &t->lr);
	run(u, a, "step");
	run(u, a, "step");
	run(u, a, "init");
	same_states(u, dr.program, a, fresh);
	a->ops->close(a);
	fresh->ops->close(fresh);
	driver_end(&dr);
}

/* eval has no dropout and takes the running statistics, which one step with
 * another batch has moved. */
static void
eval_agrees(struct unit *u, const char *groups)
{
	const char *const args[] = {"-ftrain", "-march=tiny", groups};
	struct eval_options o = {.bounds = true, .round = true};
	struct driver dr;
	struct data *t = NEW(u->arena, struct data);
	struct device *a;
	struct eval_tensor in = {0}, out = {0}, *states;
	float logits[BATCH * 3];

	fill(t);
	compile(u, &dr, args, 3);
	a = open_program(u, dr.program);
	stepped_write(u, a, dr.program, "x", t->x[0]);
	stepped_write(u, a, dr.program, "labels", t->labels[0]);
	stepped_write(u, a, dr.program, "lr", &t->lr);
	run(u, a, "step");
	stepped_write(u, a, dr.program, "x", t->x[1]);
	run(u, a, "eval");
	stepped_read(u, a, dr.program, "logits", logits);

	states = NEW_ARRAY(u->arena, struct eval_tensor,
	    dr.eval->states.len + 1);
	for (size_t i = 0; i < dr.eval->states.len; i++) {
		const struct value *v = dr.eval->states.data[i];

		states[i].type = v->type;
		states[i].data = arena_alloc(u->arena,
		    (size_t)type_bytes(&v->type) + 1);
		stepped_read(u, a, dr.program, v->name, states[i].data);
	}
	in.type = dr.eval->inputs.data[0]->type;
	in.data = t->x[1];
	o.states = states;
	assert_true(eval_graph(u->arena, &u->diag, dr.eval, &o, &in, &out,
	    NULL));
	for (size_t i = 0; i < BATCH * 3; i++)
		assert_true(eval_within(dtype_get(out.data, DT_F32, i),
		    (double)logits[i], out.bound[i]));
	a->ops->close(a);
	driver_end(&dr);
}

static void
eval_agrees_with_the_reference(void **state)
{
	eval_agrees(*state, "-mgroups=1");
	eval_agrees(*state, "-mgroups=2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(steps_in_a_loop_equal_single_steps),
		UNIT_TEST(groups_learn_alike),
		UNIT_TEST(serialized_alike),
		UNIT_TEST(init_starts_over),
		UNIT_TEST(eval_agrees_with_the_reference),
	};

	return cmocka_run_group_tests_name("tools/entries", tests, NULL,
	    NULL);
}
