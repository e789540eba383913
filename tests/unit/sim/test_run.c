/* Whole runs: values, traps, deadlocks, exit states, limits. */
#include <math.h>
#include <string.h>

#include "tests/lib/machine.h"

static void
expect_trap(struct machine *m, const char *part)
{
	machine_open(m);
	assert_false(machine_run(m));
	unit_expect_error(m->u, part);
	assert_null(sim_stats(m->dev));
	machine_free(m);
}

/* ---- values ---- */

/* C = A x B by K tiles of 4 in a loop, from DRAM and back, with every queue at
 * work: A is 8 x 12, B 12 x 4. */
static struct machine *
matmul(void **state)
{
	struct machine *m = machine_new(*state);
	uint32_t a = m_matrix(m, SPACE_GBUF, 0, DT_F32, 8, 12, 48);
	uint32_t b = m_matrix(m, SPACE_WBUF, 0, DT_F32, 12, 4, 16);
	uint32_t c = m_matrix(m, SPACE_GBUF, 1024, DT_F32, 8, 4, 16);
	uint32_t k0 = m_aff(m, (struct aff){ .stride = { 4 } });
	uint32_t bank = m_aff(m, (struct aff){ .stride = { 1 } });

	m->view.data[a].k0 = k0;
	m->view.data[b].k0 = k0;
	m->view.data[b].flags = VIEW_TRANSPOSED;
	m->options.timing_only = false;
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 384));
	m_load(m, m_copy(m, SPACE_WBUF, 512, 0, 192));
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_MX, 0, 1);
	m_loop(m, Q_MX, 3);
	m_ldv(m, b, 4, 4, bank);
	m_ldh(m, a, 8, 4, bank);
	m_shift(m, 4, 4, bank);
	m_exec(m, FIRST_LOOP(0), 8, 4, 4, bank, 0);
	m_endloop(m, Q_MX);
	m_drain(m, c, 8, 4, 0, 0);
	m_signal(m, Q_MX, 1, 1);
	m_wait(m, Q_VE, 1, 1);
	m_vmap(m, m_move(m, 1024, 2048, 32));
	m_signal(m, Q_VE, 2, 1);
	m_wait(m, Q_ST, 2, 1);
	m_store(m, m_copy(m, SPACE_GBUF, 1024, 2048, 128));
	return m;
}

static void
fill(float *a, float *b)
{
	uint64_t seed = 99;

	for (int i = 0; i < 96; i++)
		a[i] = (float)(int)(unit_random(&seed) % 2000) / 77.0f;
	for (int i = 0; i < 48; i++)
		b[i] = (float)(int)(unit_random(&seed) % 2000) / 33.0f - 30;
}

/* B is read transposed: rows of the view are k. */
static void
test_matmul(void **state)
{
	struct machine *m = matmul(state);
	float a[96], b[48], c[32];

	fill(a, b);
	m->options.check = true;
	struct wave_binding bind = { .name = "ab", .kind = WAVE_BIND_INPUT,
		.dtype = DT_F32, .rank = 1, .dim = { 256 }, .stride = { 4 } };

	VEC_PUSH(m->u->arena, &m->binding, bind);
	machine_open(m);
	assert_true(m->dev->ops->write(m->dev, 0, a, sizeof a));
	assert_true(m->dev->ops->write(m->dev, 512, b, sizeof b));
	if (!machine_run(m))
		fail_msg("%s", m->u->last);
	assert_true(m->dev->ops->read(m->dev, 1024, c, sizeof c));
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 4; j++) {
			float v = 0;

			for (int k = 0; k < 12; k++)
				v = fmaf(a[12 * i + k], b[4 * k + j], v);
			assert_memory_equal(&v, &c[4 * i + j], 4);
		}
	machine_free(m);
}

/* Values do not change the time. */
static void
test_timing_only_equal(void **state)
{
	int64_t cycles[2];

	for (int i = 0; i < 2; i++) {
		struct machine *m = matmul(state);

		m->p.target.dram_bw = 2e9;
		m->p.target.lbuf_h_bw = 7;
		m->p.target.drain_bw = 3;
		m->options.timing_only = i == 1;
		cycles[i] = machine_stats(m)->cycles;
		machine_free(m);
	}
	assert_int_equal(cycles[0], cycles[1]);
	assert_true(cycles[0] > 100);
}

static void
test_repeat(void **state)
{
	struct machine *m = matmul(state);
	int64_t cycles = machine_stats(m)->cycles;

	assert_true(machine_run(m));
	assert_int_equal(sim_stats(m->dev)->cycles, cycles);
	assert_false(m->dev->ops->run(m->dev, "nosuch", &m->u->diag));
	unit_expect_error(m->u, "no entry 'nosuch'");
	machine_free(m);
}

/* ---- traps ---- */

static void
test_outside_memory(void **state)
{
	struct machine *m = machine_new(*state);

	m_source(m, "conv1", 0);
	m_load(m, m_copy(m, SPACE_GBUF, 65500, 0, 37));
	expect_trap(m, "entry 'main': trap in group 0, queue ld, pc 0 DLOAD "
		       "(conv1, Test) at cycle 0: dram bytes 65500..65536 are "
		       "outside its 65536 bytes");
	m = machine_new(*state);
	m_vmap(m, m_move(m, 65532, 0, 2));
	expect_trap(m, "gbuf bytes 65532..65539 are outside");
	m = machine_new(*state);
	m_vmap(m, m_move(m, 0, -4, 2));
	expect_trap(m, "gbuf bytes -4..3 are outside");
	m = machine_new(*state);
	m_ldh(m, m_matrix(m, SPACE_WBUF, 65520, DT_F32, 2, 4, 16), 2, 4, 0);
	expect_trap(m, "wbuf bytes 65520..65551 are outside");
}

/* Only the tile counts, not the view around it. */
static void
test_tile_inside(void **state)
{
	struct machine *m = machine_new(*state);
	uint32_t v = m_matrix(m, SPACE_GBUF, 65520, DT_F32, 2, 4, 16);

	m_ldh(m, v, 1, 4, 0);
	machine_stats(m);
	machine_free(m);
	m = machine_new(*state);
	v = m_matrix(m, SPACE_GBUF, 0, DT_F32, 2, 4, 16);
	m->view.data[v].outer0 = m_const(m, 1);
	m_ldh(m, v, 2, 4, 0);
	expect_trap(m, "the tile leaves its view");
}

static void
test_loop_traps(void **state)
{
	struct machine *m = machine_new(*state);

	for (int i = 0; i < 9; i++)
		m_loop(m, Q_CO, 1);
	expect_trap(m, "queue co, pc 8 LOOP at cycle 8: a ninth loop level");
	m = machine_new(*state);
	m_endloop(m, Q_CO);
	expect_trap(m, "ENDLOOP without LOOP");
	m = machine_new(*state);
	m_loop(m, Q_CO, 2);
	expect_trap(m, "HALT inside a loop");
}

/* Code that the encoder would not make. */
static void
test_bad_code(void **state)
{
	struct machine *m = machine_new(*state);

	VEC_PUSH(m->u->arena, &m->code[Q_VE],
	    ((struct insn_word){ 0xee, 0 }));
	expect_trap(m, "queue ve, pc 0");
	m = machine_new(*state);
	VEC_PUSH(m->u->arena, &m->code[Q_VE],
	    ((struct insn_word){ 0, 1 })); /* NOP with a stray bit */
	expect_trap(m, "queue ve, pc 0");
	m = machine_new(*state);
	m_insn(m, Q_VE, (struct insn){ .op = INSN_DLOAD,
	    .field[FIELD_dma] = m_copy(m, SPACE_GBUF, 0, 0, 1) });
	expect_trap(m, "the queue does not run this instruction");
	m = machine_new(*state);
	m_load(m, 77);
	expect_trap(m, "no such DMA descriptor");
	m = machine_new(*state);
	machine_open(m);
	m->entry.count[Q_LD] = 0; /* HALT is not part of the entry */
	m->entry.count[Q_CO] = 2;
	assert_false(machine_run(m));
	unit_expect_error(m->u, "its code of queue co is outside");
	machine_free(m);
}

static void
test_end_of_code(void **state)
{
	struct machine *m = machine_new(*state);

	m_nop(m, Q_ST);
	machine_open(m);
	m->entry.count[Q_ST] = 1;
	assert_false(machine_run(m));
	unit_expect_error(m->u, "queue st, pc 1 - at cycle 1: the end of the "
				"code");
	machine_free(m);
}

static void
test_matrix_traps(void **state)
{
	struct machine *m = machine_new(*state);
	uint32_t v = m_matrix(m, SPACE_GBUF, 0, DT_F32, 64, 8, 32);

	m_ldv(m, v, 5, 4, 0);
	expect_trap(m, "the tile is larger than the array");
	m = machine_new(*state);
	m_shift(m, 4, 4, 0);
	expect_trap(m, "the bank of LBUF_V holds 0 x 0, not 4 x 4");
	m = machine_new(*state);
	v = m_matrix(m, SPACE_GBUF, 0, DT_F32, 64, 4, 16);
	m_ldv(m, v, 4, 4, 0);
	m_ldh(m, v, 8, 4, 0);
	m_exec(m, FIRST_ALWAYS, 8, 4, 4, 0, 0);
	expect_trap(m, "the array holds 0 x 0, not 4 x 4");
	m = machine_new(*state);
	v = m_matrix(m, SPACE_GBUF, 0, DT_F32, 64, 4, 16);
	m_ldv(m, v, 4, 4, 0);
	m_ldh(m, v, 8, 4, 0);
	m_shift(m, 4, 4, 0);
	m_exec(m, FIRST_NEVER, 8, 4, 4, 0, 0);
	expect_trap(m, "the bank of the OBUF holds 0 x 0, not 8 x 4");
	m = machine_new(*state);
	m->p.target.lbuf_h_bytes = 256;
	v = m_matrix(m, SPACE_GBUF, 0, DT_F32, 64, 4, 16);
	m_ldh(m, v, 9, 4, 0);
	expect_trap(m, "the tile is larger than a bank of LBUF_H");
	m = machine_new(*state);
	m->p.target.block_m = 16;
	v = m_matrix(m, SPACE_GBUF, 0, DT_F32, 64, 4, 16);
	m_drain(m, v, 17, 4, 0, 0);
	expect_trap(m, "more rows than block_m");
}

static void
test_limit(void **state)
{
	struct machine *m = machine_new(*state);

	m->options.max_instructions = 1000;
	for (int i = 0; i < 8; i++)
		m_loop(m, Q_CO, 1000000);
	m_nop(m, Q_CO);
	for (int i = 0; i < 8; i++)
		m_endloop(m, Q_CO);
	m->count_exit = false;
	expect_trap(m, "the limit of instructions is reached");
}

/* ---- deadlock ---- */

static void
add(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct strbuf *b = user;

	(void)loc;
	strbuf_addf(b, "%s%s\n", level == DIAG_NOTE ? "  " : "", text);
}

static void
test_deadlock(void **state)
{
	struct machine *m = machine_new(*state);
	static const char *const names[] = { "conv1.y:ld", "conv1.y:mx" };
	struct strbuf b = { 0 };

	m->p.sem_names = names;
	m->p.nsem_names = 2;
	m_source(m, "conv1", 0);
	m_nop(m, Q_LD);
	m_wait(m, Q_LD, 1, 3);
	m_signal(m, Q_LD, 0, 2);
	m_signal(m, Q_MX, 1, 1);
	m_wait(m, Q_MX, 0, 2);
	m_signal(m, Q_MX, 1, 2);
	m_wait(m, Q_VE, 7, 1);
	machine_open(m);
	m->u->diag = (struct diag){ .fn = add, .user = &b };
	assert_false(machine_run(m));
	assert_string_equal(b.data,
	    "entry 'main': deadlock at cycle 1: 3 queues wait for signals "
	    "that cannot come\n"
	    "  group 0 queue ld pc 1 (conv1, Test) waits for s1 "
	    "'conv1.y:mx' >= 3, it is 1; could still be signalled by mx at "
	    "pc 1\n"
	    "  group 0 queue mx pc 1 (conv1, Test) waits for s0 "
	    "'conv1.y:ld' >= 2, it is 0; could still be signalled by ld at "
	    "pc 1\n"
	    "  group 0 queue ve pc 0 (conv1, Test) waits for s7 >= 1, it is "
	    "0; no queue signals it any more\n");
	strbuf_free(&b);
	machine_free(m);
}

/* One group does not come to the second barrier. */
static void
test_barrier_deadlock(void **state)
{
	struct machine *m = machine_new(*state);
	struct insn in = { .op = INSN_WAIT };
	struct strbuf b = { 0 };

	m->p.target.groups = m->entry.groups = 3;
	m_nop(m, Q_CO);
	m_insn(m, Q_CO, (struct insn){ .op = INSN_BARRIER });
	in.field[FIELD_sem] = 5;
	in.field[FIELD_value] = -1;
	in.field[FIELD_vaff] = m_aff(m, (struct aff){ .gstride = 1 });
	m_insn(m, Q_CO, in); /* group 2 alone waits for 1 */
	m_insn(m, Q_CO, (struct insn){ .op = INSN_BARRIER });
	machine_open(m);
	m->u->diag = (struct diag){ .fn = add, .user = &b };
	assert_false(machine_run(m));
	assert_string_equal(b.data,
	    "entry 'main': deadlock at cycle 3: 3 queues wait for signals "
	    "that cannot come\n"
	    "  group 0 queue co pc 3 waits at barrier 2 for group 2\n"
	    "  group 1 queue co pc 3 waits at barrier 2 for group 2\n"
	    "  group 2 queue co pc 2 waits for s5 >= 1, it is 0; no queue "
	    "signals it any more\n");
	strbuf_free(&b);
	machine_free(m);
}

static void
test_exit_state(void **state)
{
	struct machine *m = machine_new(*state);

	m_signal(m, Q_CO, 4, 3);
	machine_open(m);
	m->exits[4] = 2;
	assert_false(machine_run(m));
	unit_expect_error(m->u, "group 0 halts with semaphore s4 at 3, "
				"declared 2");
	machine_free(m);
}

static void
test_open_refusals(void **state)
{
	struct machine *m = machine_new(*state);

	m->p.target.gbuf_bytes = 1000;
	machine_open(m);
	assert_null(m->dev);
	unit_expect_error(m->u, "needs 65536 bytes of GBUF, the target has "
				"1000");
	m = machine_new(*state);
	m->entry.groups = 2;
	machine_open(m);
	assert_null(m->dev);
	unit_expect_error(m->u, "runs on 2 groups, the target has 1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_matmul),
		UNIT_TEST(test_timing_only_equal),
		UNIT_TEST(test_repeat),
		UNIT_TEST(test_outside_memory),
		UNIT_TEST(test_tile_inside),
		UNIT_TEST(test_loop_traps),
		UNIT_TEST(test_bad_code),
		UNIT_TEST(test_end_of_code),
		UNIT_TEST(test_matrix_traps),
		UNIT_TEST(test_limit),
		UNIT_TEST(test_deadlock),
		UNIT_TEST(test_barrier_deadlock),
		UNIT_TEST(test_exit_state),
		UNIT_TEST(test_open_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
