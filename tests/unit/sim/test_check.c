/* The checker: for each rule a program that breaks it and one that does not.
 * A race must be found although the simulated schedule happened to be right.
 */
#include <string.h>

#include "tests/lib/machine.h"

static struct machine *
checked(void **state)
{
	struct machine *m = machine_new(*state);
	struct wave_binding b = { .name = "x", .kind = WAVE_BIND_STATE,
		.dtype = DT_U8, .rank = 1, .dim = { 4096 }, .stride = { 1 } };

	VEC_PUSH(m->u->arena, &m->binding, b); /* DRAM 0..4095 holds data */
	m->options.check = true;
	return m;
}

static void
expect_clean(struct machine *m)
{
	machine_stats(m);
	machine_free(m);
}

static void
expect(struct machine *m, const char *part)
{
	machine_open(m);
	if (machine_run(m))
		fail_msg("nothing was found");
	unit_expect_error(m->u, part);
	machine_free(m);
}

/* ---- initialised before read ---- */

static void
test_uninitialised(void **state)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 100));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_VE, 0, 1);
	m_source(m, "relu", 0);
	m_vmap(m, m_move(m, 0, 4096, 26)); /* 104 bytes */
	expect(m, "uninitialised: group 0 queue ve pc 1 VMAP (relu, Test) "
		  "reads gbuf bytes 100..103");
}

static void
test_initialised(void **state)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 100));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_VE, 0, 1);
	m_vmap(m, m_move(m, 0, 4096, 25));
	expect_clean(m);
}

/* DRAM beyond inputs and data holds nothing until it is stored to. */
static void
test_dram_uninitialised(void **state)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 4000, 0, 100));
	expect(m, "reads dram bytes 4096..4099");
}

/* GBUF contents do not outlive an entry, DRAM contents do. */
static void
test_two_runs(void **state)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_ST, 0, 1);
	m_store(m, m_copy(m, SPACE_GBUF, 8192, 0, 64));
	machine_open(m);
	assert_true(machine_run(m));
	assert_true(machine_run(m));
	machine_free(m);
}

/* ---- races ---- */

enum race { RAW, WAR, WAW };

/* ld writes GBUF and ve uses it; a wait orders them or not. ve is slow enough
 * to come second in simulated time. */
static struct machine *
race(void **state, enum race kind, bool order)
{
	struct machine *m = checked(state);
	uint32_t in = m_copy(m, SPACE_GBUF, 0, 0, 128);

	m_load(m, in);
	m_signal(m, Q_LD, 5, 1);
	m_wait(m, Q_VE, 5, 1);
	if (kind == WAR) {
		/* ve reads, ld writes again */
		m_vmap(m, m_move(m, 0, 4096, 32));
		m_signal(m, Q_VE, 6, 1);
		for (int i = 0; i < 20; i++)
			m_nop(m, Q_LD);
		if (order)
			m_wait(m, Q_LD, 6, 1);
		m_load(m, in);
		return m;
	}
	m_load(m, m_copy(m, SPACE_GBUF, 0, 1024, 128));
	m_signal(m, Q_LD, 5, 1);
	for (int i = 0; i < 20; i++)
		m_nop(m, Q_VE);
	if (order)
		m_wait(m, Q_VE, 5, 2);
	m_vmap(m, kind == RAW ? m_move(m, 1024, 4096, 32) :
				m_move(m, 0, 1024, 32));
	return m;
}

static void
test_races(void **state)
{
	expect(race(state, RAW, false),
	    "race: group 0 queue ve pc 21 VMAP reads gbuf bytes 1024..1151, "
	    "written by group 0 queue ld pc 2 DLOAD");
	expect(race(state, WAR, false),
	    "race: group 0 queue ld pc 22 DLOAD writes gbuf bytes 0..127, "
	    "read by group 0 queue ve pc 1 VMAP");
	expect(race(state, WAW, false),
	    "race: group 0 queue ve pc 21 VMAP writes gbuf bytes 1024..1151, "
	    "written by group 0 queue ld pc 2 DLOAD");
}

static void
test_ordered(void **state)
{
	expect_clean(race(state, RAW, true));
	expect_clean(race(state, WAR, true));
	expect_clean(race(state, WAW, true));
}

/* Two readers are no race; disjoint bytes are none either. */
static void
test_no_race(void **state)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 256));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_VE, 0, 1);
	m_wait(m, Q_ST, 0, 1);
	m_vmap(m, m_move(m, 0, 4096, 64));
	m_store(m, m_copy(m, SPACE_GBUF, 8192, 0, 256));
	m_load(m, m_copy(m, SPACE_GBUF, 0, 256, 256));
	expect_clean(m);
}

/* One byte of overlap is enough, in DRAM as well. */
static void
test_dram_race(void **state)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_ST, 0, 1);
	m_store(m, m_copy(m, SPACE_GBUF, 1000, 0, 64));
	for (int i = 0; i < 100; i++)
		m_nop(m, Q_LD);
	m_load(m, m_copy(m, SPACE_GBUF, 1063, 512, 64));
	expect(m, "race: group 0 queue ld pc 102 DLOAD reads dram bytes "
		  "1063..1063, written by group 0 queue st pc 1 DSTORE");
}

/* Groups have no order between them: a shared buffer in DRAM races, slices by
 * group do not. */
static void
groups(void **state, int64_t gstride, const char *part)
{
	struct machine *m = checked(state);
	uint32_t d = m_copy(m, SPACE_GBUF, 8192, 0, 64);
	uint32_t base = m->dma.data[d].dram_base;

	m->p.target.groups = m->entry.groups = 2;
	m->aff.data[base].gstride = gstride;
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_ST, 0, 1);
	m_store(m, d);
	if (part != NULL)
		expect(m, part);
	else
		expect_clean(m);
}

static void
test_groups(void **state)
{
	groups(state, 0, "race: group 1 queue st pc 1 DSTORE writes dram bytes "
			 "8192..8255, written by group 0 queue st");
	groups(state, 64, NULL);
}

/* In each of n rounds every group stores its slice, then loads all of them. */
static void
exchange(void **state, int64_t ngroups, int64_t n, bool before, bool after,
    bool clean)
{
	struct machine *m = checked(state);
	uint32_t d = m_copy(m, SPACE_GBUF, 8192, 0, 64);

	m->p.target.groups = m->entry.groups = (int32_t)ngroups;
	m->aff.data[m->dma.data[d].dram_base].gstride = 64;
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_ST, 0, 1);
	for (int64_t i = 1; i <= n; i++) {
		m_store(m, d);
		m_signal(m, Q_ST, 1, 1);
		m_wait(m, Q_CO, 1, i);
		if (before)
			m_insn(m, Q_CO, (struct insn){ .op = INSN_BARRIER });
		m_signal(m, Q_CO, 2, 1);
		m_wait(m, Q_LD, 2, i);
		m_load(m, m_copy(m, SPACE_GBUF, 8192, 1024, 64 * ngroups));
		m_signal(m, Q_LD, 3, 1);
		m_wait(m, Q_CO, 3, i);
		if (after)
			m_insn(m, Q_CO, (struct insn){ .op = INSN_BARRIER });
		m_signal(m, Q_CO, 4, 1);
		m_wait(m, Q_ST, 4, i);
	}
	machine_open(m);
	assert_true(machine_run(m) == clean);
	assert_true(clean || strstr(m->u->last, "race: ") != NULL);
	machine_free(m);
}

/* A barrier orders what groups do before and after it. */
static void
test_barrier(void **state)
{
	exchange(state, 2, 1, true, false, true);
	exchange(state, 4, 5, true, true, true);
	exchange(state, 2, 1, false, false, false);
	exchange(state, 2, 2, false, true, false);
	exchange(state, 2, 2, true, false, false);
}

/* Order goes on through a third queue. */
static void
test_transitive(void **state)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_CO, 0, 1);
	m_signal(m, Q_CO, 1, 1);
	m_wait(m, Q_VE, 1, 1);
	m_vmap(m, m_move(m, 0, 64, 16));
	expect_clean(m);
}

/* A signal covers what was issued before it, not what comes after. */
static void
test_signal_too_early(void **state)
{
	struct machine *m = checked(state);

	m_signal(m, Q_LD, 0, 1);
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_wait(m, Q_VE, 0, 1);
	for (int i = 0; i < 10; i++)
		m_nop(m, Q_VE);
	m_vmap(m, m_move(m, 0, 64, 16));
	expect(m, "race: group 0 queue ve pc 11 VMAP reads gbuf bytes 0..63");
}

/* A ring of two buffers, ld ahead of ve: right with credits for two, a race
 * with three. */
static void
ring(void **state, int64_t credit, const char *part)
{
	struct machine *m = checked(state);
	struct aff slot = { .rcoef = { 1 }, .rcount = 2, .rstep = 64 };
	uint32_t in = m_copy(m, SPACE_GBUF, 0, 0, 64);
	uint32_t out = m_move(m, 0, 1024, 16);
	uint32_t i = m_aff(m, (struct aff){ .stride = { 1 } });

	m->dma.data[in].chip_base = m_aff(m, slot);
	m->vec.data[out].src[0].base = m_aff(m, slot);
	m->p.target.dram_latency = 50; /* ld never runs ahead in time */
	m_loop(m, Q_LD, 10);
	m_insn(m, Q_LD, (struct insn){ .op = INSN_WAIT,
	    .field[FIELD_sem] = 1, .field[FIELD_value] = 1 - credit,
	    .field[FIELD_vaff] = i });
	m_load(m, in);
	m_signal(m, Q_LD, 0, 1);
	m_endloop(m, Q_LD);
	m_loop(m, Q_VE, 10);
	m_insn(m, Q_VE, (struct insn){ .op = INSN_WAIT,
	    .field[FIELD_sem] = 0, .field[FIELD_value] = 1,
	    .field[FIELD_vaff] = i });
	m_vmap(m, out);
	m_signal(m, Q_VE, 1, 1);
	m_endloop(m, Q_VE);
	if (part == NULL) {
		expect_clean(m);
		return;
	}
	machine_open(m);
	assert_false(machine_run(m));
	assert_non_null(strstr(m->u->last, part));
	m->u->diag.errors = m->u->count[DIAG_ERROR] = 0;
	machine_free(m);
}

static void
test_ring(void **state)
{
	ring(state, 2, NULL);
	ring(state, 3, "queue ld pc 2 DLOAD");
}

/* A wait that two queues can satisfy: fine when both are awaited, ambiguous
 * when the one that came first in simulated time might have come second. */
static void
two_signallers(void **state, int64_t want, const char *part)
{
	struct machine *m = checked(state);

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_signal(m, Q_LD, 0, 1);
	for (int i = 0; i < 10; i++)
		m_nop(m, Q_CO);
	m_signal(m, Q_CO, 0, 1);
	m_wait(m, Q_VE, 0, want);
	m_vmap(m, m_move(m, 0, 64, 16));
	if (part == NULL)
		expect_clean(m);
	else
		expect(m, part);
}

static void
test_two_signallers(void **state)
{
	two_signallers(state, 2, NULL);
	two_signallers(state, 1,
	    "ambiguous: group 0 queue ve pc 0 WAIT may pass on a signal of "
	    "semaphore s0 from group 0 queue co instead");
}

/* ---- matrix operands ---- */

/* An im2col view: 3x3 taps over a 4x4 image with padding; only the last row of
 * the image is loaded too late. */
static struct machine *
conv(void **state, bool order)
{
	struct machine *m = checked(state);
	struct view v = { .space = SPACE_GBUF, .dtype = DT_F32, .n = 1,
		.c = 1, .n_addr = 64, .c_addr = 4 };

	v.axis[0] = (struct view_axis){ 1, 1, 1, 1, 0, 1, 1, 0 };
	v.axis[1] = (struct view_axis){ 4, 3, 1, 1, 1, 1, 4, 16 };
	v.axis[2] = (struct view_axis){ 4, 3, 1, 1, 1, 1, 4, 4 };
	m->p.target.rows = 9;
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 48));
	m_signal(m, Q_LD, 0, 1);
	m_load(m, m_copy(m, SPACE_GBUF, 48, 48, 16));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_MX, 0, order ? 2 : 1);
	uint32_t x = m_view(m, v);

	m_ldh(m, x, 8, 9, 0); /* two rows of output: three of input */
	if (order)
		m_ldh(m, x, 16, 9, 0);
	return m;
}

static void
test_im2col(void **state)
{
	struct machine *m = conv(state, false);

	expect_clean(m);
	m = conv(state, false);
	m_ldh(m, (uint32_t)m->view.len - 1, 16, 9, 0);
	expect(m, "queue mx pc 2 LdLBUF_H reads gbuf bytes 48..59, written by "
		  "group 0 queue ld pc 2");
	expect_clean(conv(state, true));
}

/* A drain reads its bias and residual. */
static void
drain(void **state, int64_t bias, int64_t res, const char *part)
{
	struct machine *m = checked(state);
	uint32_t a = m_matrix(m, SPACE_GBUF, 0, DT_F32, 4, 4, 16);
	uint32_t out = m_matrix(m, SPACE_GBUF, 256, DT_F32, 4, 4, 16);
	struct epi e = { .bias = { SPACE_WBUF, DT_F32, m_const(m, bias) },
		.res_space = SPACE_GBUF, .res_dtype = DT_F32,
		.res_base = m_const(m, res), .res_n = 16, .res_c = 4 };

	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 64));
	m_load(m, m_copy(m, SPACE_WBUF, 0, 0, 16));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_MX, 0, 1);
	m_ldv(m, a, 4, 4, 0);
	m_ldh(m, a, 4, 4, 0);
	m_shift(m, 4, 4, 0);
	m_exec(m, FIRST_ALWAYS, 4, 4, 4, 0, 0);
	m_drain(m, out, 4, 4, m_epi(m, e), 0);
	if (part != NULL)
		expect(m, part);
	else
		expect_clean(m);
}

static void
test_drain(void **state)
{
	drain(state, 0, 0, NULL);
	drain(state, 4, 0, "StLBUF reads wbuf bytes 16..19");
	drain(state, 0, 16, "StLBUF reads gbuf bytes 64..79");
}

/* ---- many epochs: the table of histories is collected ---- */

static void
test_long_run(void **state)
{
	struct machine *m = checked(state);

	for (int64_t i = 0; i < 8; i++)
		m_load(m, m_copy(m, SPACE_GBUF, 0, 512 * i, 512));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_VE, 0, 1);
	m_loop(m, Q_VE, 200000);
	m_vmap(m, m_move(m, 4, 4096, 3));
	m_signal(m, Q_VE, 1, 1);
	m_vmap(m, m_move(m, 512, 4112, 7));
	m_endloop(m, Q_VE);
	m_wait(m, Q_ST, 1, 200000);
	m_store(m, m_copy(m, SPACE_GBUF, 8192, 4096, 12));
	expect_clean(m);
}

/* A copy of n floats whose result (VEC_CHAIN_DST) or source (1) is chained. */
static uint32_t
chained(struct machine *m, int64_t src, int64_t dst, int64_t n, int chain)
{
	struct vec v = m->vec.data[m_move(m, src, dst, n)];

	v.chain = chain;
	return m_vec(m, v);
}

static void
chain(struct machine *m, int64_t at, int64_t n)
{
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 256));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_VE, 0, 1);
	m_source(m, "relu", 0);
	m_vmap(m, chained(m, 0, 4096, 16, VEC_CHAIN_DST));
	m_vmap(m, m_move(m, 0, 8192, 16));
	m_vmap(m, chained(m, at, 12288, n, 1));
}

static void
test_chain(void **state)
{
	struct machine *m = checked(state);

	chain(m, 4096, 16);
	expect_clean(m);
	m = checked(state);
	chain(m, 8192, 16); /* written, but not left in the unit */
	expect(m, "for the chained source of group 0 queue ve pc 3");
	m = checked(state);
	chain(m, 4096, 15);
	expect(m, "no result was left in the vector unit");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_uninitialised),
		UNIT_TEST(test_initialised),
		UNIT_TEST(test_dram_uninitialised),
		UNIT_TEST(test_two_runs),
		UNIT_TEST(test_races),
		UNIT_TEST(test_ordered),
		UNIT_TEST(test_no_race),
		UNIT_TEST(test_dram_race),
		UNIT_TEST(test_groups),
		UNIT_TEST(test_barrier),
		UNIT_TEST(test_transitive),
		UNIT_TEST(test_signal_too_early),
		UNIT_TEST(test_ring),
		UNIT_TEST(test_two_signallers),
		UNIT_TEST(test_im2col),
		UNIT_TEST(test_drain),
		UNIT_TEST(test_long_run),
		UNIT_TEST(test_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
