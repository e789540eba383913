/* Timing rules, one program each. The machine is 4x4 without limits; each test
 * sets the one number it is about. */
#include <string.h>

#include "runtime/sim/time.h"
#include "tests/lib/machine.h"

/* A V tile and an H tile of up to 64 rows, loads that cost nothing. */
struct tiles {
	uint32_t v, h, out;
};

static struct tiles
tiles(struct machine *m)
{
	struct tiles t = {
		m_matrix(m, SPACE_GBUF, 0, DT_F32, 64, 4, 16),
		m_matrix(m, SPACE_GBUF, 1024, DT_F32, 64, 4, 16),
		m_matrix(m, SPACE_GBUF, 2048, DT_F32, 64, 4, 16),
	};

	return t;
}

static void
test_issue(void **state)
{
	struct machine *m = machine_new(*state);

	m->p.target.issue_cycles = 3;
	m_nop(m, Q_CO);
	m_loop(m, Q_CO, 5);
	m_nop(m, Q_CO);
	m_endloop(m, Q_CO);
	const struct sim_stats *s = machine_stats(m);

	/* NOP, LOOP, 5 (NOP, ENDLOOP), HALT */
	assert_int_equal(s->queue[Q_CO].instructions, 13);
	assert_int_equal(s->cycles, 39);
	assert_int_equal(s->total.instructions, 13 + 5);
	machine_free(m);
}

static void
test_nested_loops(void **state)
{
	struct machine *m = machine_new(*state);

	for (int i = 0; i < ISA_MAX_LOOPS; i++)
		m_loop(m, Q_LD, 2);
	m_nop(m, Q_LD);
	for (int i = 0; i < ISA_MAX_LOOPS; i++)
		m_endloop(m, Q_LD);
	const struct sim_stats *s = machine_stats(m);

	/* 256 NOPs, 2 + 4 + .. + 256 ENDLOOPs, 1 + 2 + .. + 128 LOOPs, HALT */
	assert_int_equal(s->queue[Q_LD].instructions, 256 + 510 + 255 + 1);
	machine_free(m);
}

static void
test_dma(void **state)
{
	struct machine *m = machine_new(*state);

	m->p.target.dram_bw = 3e9; /* 3 bytes per cycle */
	m->p.target.dram_latency = 20;
	m->p.target.dma_startup = 5;
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 100));
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 5 + 34 + 20);
	assert_int_equal(s->queue[Q_LD].busy, 34);
	assert_int_equal(sim_dram_bytes(&s->total, false), 100);
	machine_free(m);
}

/* Transfers of one queue follow each other; set-up overlaps the transfer
 * before. */
static void
test_dma_pipelined(void **state)
{
	struct machine *m = machine_new(*state);
	uint32_t d = m_copy(m, SPACE_GBUF, 0, 0, 100);

	m->p.target.dram_bw = 1e9;
	m->p.target.dram_latency = 20;
	m->p.target.dma_startup = 5;
	for (int i = 0; i < 3; i++)
		m_load(m, d);
	assert_int_equal(machine_stats(m)->cycles, 5 + 300 + 20);
	machine_free(m);
}

/* The load asks at 10, the store at 12 and is served after it; the load that
 * follows asks at 20 and waits for the store. */
static void
test_dram_shared(void **state)
{
	struct machine *m = machine_new(*state);

	m->p.target.dram_bw = 1e9;
	m->p.target.dma_startup = 10;
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 100));
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 40));
	m_nop(m, Q_ST);
	m_nop(m, Q_ST);
	m_store(m, m_copy(m, SPACE_GBUF, 1000, 1000, 50));
	m_signal(m, Q_ST, 1, 1);
	m_wait(m, Q_VE, 1, 1);
	m_nop(m, Q_VE);
	m->options.log = NULL;
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 10 + 100 + 50 + 40);
	assert_int_equal(s->queue[Q_ST].busy, 50);
	machine_free(m);
}

static void
test_two_groups_share_dram(void **state)
{
	struct machine *m = machine_new(*state);

	m->p.target.groups = m->entry.groups = 2;
	m->p.target.dram_bw = 1e9;
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 100));
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 200);
	assert_int_equal(s->queue[Q_LD].busy, 200);
	assert_int_equal(s->queue[Q_LD].instructions, 4);
	machine_free(m);
}

/* Out of the bounds nothing touches DRAM: coordinates -2..7 of 5. */
static void
test_dma_bounds(void **state)
{
	struct machine *m = machine_new(*state);
	struct dma d = { .space = SPACE_WBUF, .dram_dtype = DT_F16,
		.chip_dtype = DT_F32, .dram_base = m_const(m, 64),
		.chip_base = m_const(m, 0), .rank = 1, .index_dim = -1,
		.traffic = TRAFFIC_WEIGHT };

	d.dim[0] = (struct dma_dim){ .size = 10, .dram = 2, .chip = 4,
		.start = m_const(m, -2), .bound = 5 };
	m_load(m, m_dma(m, d));
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->total.dram_read[TRAFFIC_WEIGHT], 10);
	assert_int_equal(s->total.wbuf_write, 40);
	assert_int_equal(s->peak_wbuf, 40);
	machine_free(m);
}

static void
test_vector(void **state)
{
	struct machine *m = machine_new(*state);

	m->p.target.vector_lanes = 8;
	m->p.target.vector_bw = 16;
	m->p.target.vector_startup = 7;
	m_vmap(m, m_move(m, 0, 4096, 100)); /* 800 bytes: 50 cycles */
	m_vmap(m, m_move(m, 0, 4096, 1));   /* 1 cycle of 8 bytes */
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 57 + 8);
	assert_int_equal(s->total.vector_ops, 101);
	assert_int_equal(s->total.gbuf_read, 404);
	assert_int_equal(s->total.gbuf_write, 404);
	machine_free(m);
}

/* Chained operands move no bytes. */
static void
test_vector_chain(void **state)
{
	struct machine *m = machine_new(*state);
	struct vec v[2];

	m->p.target.vector_lanes = 8;
	m->p.target.vector_bw = 4;
	m->p.target.vector_startup = 7;
	for (int i = 0; i < 2; i++) {
		v[i] = m->vec.data[m_move(m, i * 4096, 4096 + i * 4096,
		    100)];
		v[i].chain = i == 0 ? VEC_CHAIN_DST : 1;
		m_vmap(m, m_vec(m, v[i])); /* 400 bytes: 100 cycles */
	}
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 2 * (7 + 100));
	assert_int_equal(s->total.gbuf_read, 400);
	assert_int_equal(s->total.gbuf_write, 400);
	machine_free(m);
}

static void
test_vector_rates(void **state)
{
	struct wave_target t = { .vector_lanes = 8, .vector_lanes_16 = 16,
		.vector_lanes_64 = 2 };
	struct vec v = { .dst = { .space = SPACE_GBUF, .dtype = DT_F32 },
		.src = { { .space = SPACE_GBUF, .dtype = DT_F16 } } };

	(void)state;
	assert_int_equal(time_lanes(&t, &v), 8);
	v.dst.dtype = DT_BF16;
	assert_int_equal(time_lanes(&t, &v), 16);
	v.src[1] = (struct vec_operand){ .space = SPACE_WBUF,
		.dtype = DT_I64 };
	assert_int_equal(time_lanes(&t, &v), 2);
	assert_int_equal(time_vec(&t, 0, 1000, 1000), 0);
	assert_int_equal(time_vec(&t, 8, 17, 1000), 3);
}

/* A window reads each input byte once: 8x8 input, 3x3 taps, 6x6 output. */
static void
test_window(void **state)
{
	struct machine *m = machine_new(*state);
	struct vec v = { .func = VF_wmax, .rank = 8,
		.size = { 1, 1, 6, 6, 1, 1, 3, 3 } };

	v.dst = (struct vec_operand){ SPACE_GBUF, DT_F32, m_const(m, 4096),
		{ 0, 0, 24, 4, 4 } };
	v.src[0] = (struct vec_operand){ SPACE_GBUF, DT_F32, 0,
		{ 0, 0, 32, 4, 4 } };
	v.axis[0] = (struct vec_axis){ 1, 1, 0, 1, 0 };
	v.axis[1] = v.axis[2] = (struct vec_axis){ 1, 1, 0, 8, 0 };
	m->p.target.vector_lanes = 4;
	m->p.target.vector_bw = 1;
	m_insn(m, Q_VE, (struct insn){ .op = INSN_VWIN,
	    .field[FIELD_vec] = m_vec(m, v) });
	const struct sim_stats *s = machine_stats(m);

	/* 324 operations on 4 lanes; 256 + 144 bytes */
	assert_int_equal(s->total.vector_ops, 324);
	assert_int_equal(s->cycles, 400);
	machine_free(m);
}

/* ---- matrix ---- */

static void
test_one_wave(void **state)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);

	m_ldv(m, t.v, 3, 2, 0);
	m_ldh(m, t.h, 10, 3, 0);
	m_shift(m, 3, 2, 0);
	m_exec(m, FIRST_ALWAYS, 10, 3, 2, 0, 0);
	m_drain(m, t.out, 10, 2, 0, 0);
	const struct sim_stats *s = machine_stats(m);

	/* dispatch of the shift at 2, rows from 5 on, sums 10 + 4 + 4 - 2
	 * later; the drain takes no time */
	assert_int_equal(s->cycles, 2 + 3 + 16);
	assert_int_equal(s->total.steady, 10);
	assert_int_equal(s->total.array_busy, 13);
	assert_int_equal(s->macs_issued, 60);
	assert_int_equal(s->total.lbuf_bytes, 3 * 2 * 4 /* write V */ +
	    10 * 3 * 4 /* write H */ + 3 * 2 * 4 /* shift */ +
	    10 * 3 * 4 /* rows */ + 10 * 2 * 4 /* sums */ +
	    10 * 2 * 4 /* drain */);
	assert_int_equal(s->total.gbuf_read, 24 + 120);
	assert_int_equal(s->total.gbuf_write, 80);
	machine_free(m);
}

static int64_t
waves(void **state, bool db, int64_t rows, int64_t k, int n, int64_t *steady)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);

	m->p.target.weight_double_buffer = db;
	m->p.target.issue_cycles = 0;
	m_ldh(m, t.h, rows, k, 0);
	for (int i = 0; i < n; i++) {
		m_ldv(m, t.v, k, 4, (uint32_t)0);
		m_shift(m, k, 4, 0);
		m_exec(m, FIRST_ALWAYS, rows, k, 4, 0, 0);
	}
	const struct sim_stats *s = machine_stats(m);
	int64_t cycles = s->cycles;

	*steady = s->total.steady;
	machine_free(m);
	return cycles;
}

/* With double buffering a wave costs max(m, shift), else their sum. */
static void
test_shift_hidden(void **state)
{
	int64_t steady;

	assert_int_equal(waves(state, true, 10, 4, 5, &steady),
	    4 + 5 * 10 + 6);
	assert_int_equal(steady, 50);
	assert_int_equal(waves(state, true, 2, 4, 5, &steady),
	    4 + 4 * 4 + 2 + 6);
	assert_int_equal(steady, 20);
	assert_int_equal(waves(state, false, 10, 4, 5, &steady),
	    5 * 14 + 6);
	assert_int_equal(steady, 70);
}

/* Banks: the second load into a bank waits for its reader. */
static void
test_banks(void **state)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);
	uint32_t one = m_const(m, 1);

	m->p.target.issue_cycles = 0;
	m->p.target.lbuf_h_bw = 4; /* 16 rows x 4: 64 cycles */
	m_ldv(m, t.v, 4, 4, 0);
	m_shift(m, 4, 4, 0);
	m_ldh(m, t.h, 16, 4, 0);            /* 0..64 */
	m_ldh(m, t.h, 16, 4, one);          /* 64..128 */
	m_exec(m, FIRST_ALWAYS, 16, 4, 4, 0, 0);   /* 64..80 */
	m_ldh(m, t.h, 16, 4, 0);            /* 128..192 */
	m_exec(m, FIRST_ALWAYS, 16, 4, 4, one, 0); /* 128..144 */
	m_exec(m, FIRST_ALWAYS, 16, 4, 4, 0, 0);   /* 192..208 */
	m_ldh(m, t.h, 16, 4, 0);            /* waits for 208: 208..272 */
	m_exec(m, FIRST_ALWAYS, 16, 4, 4, 0, 0);   /* 272..288, + 6 */
	assert_int_equal(machine_stats(m)->cycles, 294);
	machine_free(m);
}

/* The drain reads a bank when its sums are complete; sums may go into it
 * again when it was drained. */
static void
test_obuf(void **state)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);

	m->p.target.issue_cycles = 0;
	m->p.target.drain_bw = 8;
	m_ldv(m, t.v, 4, 4, 0);
	m_ldh(m, t.h, 8, 4, 0);
	m_shift(m, 4, 4, 0);
	m_exec(m, FIRST_ALWAYS, 8, 4, 4, 0, 0); /* 4..12, sums at 18 */
	m_drain(m, t.out, 8, 4, 0, 0);          /* 18..34 */
	m_exec(m, FIRST_ALWAYS, 8, 4, 4, 0, 0); /* 34..42, sums at 48 */
	m_drain(m, t.out, 8, 4, 0, 0);          /* 48..64 */
	assert_int_equal(machine_stats(m)->cycles, 64);
	machine_free(m);
}

/* Sums that continue enter the top of the column R cycles after. */
static void
test_sum_chain(void **state)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);

	m->p.target.issue_cycles = 0;
	m_ldv(m, t.v, 1, 1, 0);
	m_ldh(m, t.h, 1, 1, 0);
	m_shift(m, 1, 1, 0);
	m_exec(m, FIRST_ALWAYS, 1, 1, 1, 0, 0); /* 1 */
	m_exec(m, FIRST_NEVER, 1, 1, 1, 0, 0);  /* 5 */
	m_exec(m, FIRST_NEVER, 1, 1, 1, 0, 0);  /* 9, + 7 */
	assert_int_equal(machine_stats(m)->cycles, 16);
	machine_free(m);
}

/* first = 2 + l: sums start anew when loop index l is 0. */
static void
test_first_in_loop(void **state)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);

	m_ldv(m, t.v, 4, 4, 0);
	m_ldh(m, t.h, 8, 4, 0);
	m_shift(m, 4, 4, 0);
	m_loop(m, Q_MX, 3);
	m_exec(m, FIRST_LOOP(0), 8, 4, 4, 0, 0);
	m_endloop(m, Q_MX);
	const struct sim_stats *s = machine_stats(m);

	/* three writes of sums, two reads */
	assert_int_equal(s->total.lbuf_bytes, 2 * 64 + 128 + 3 * 128 +
	    5 * 128);
	machine_free(m);
}

/* mx and ml share the array: no cycle is counted twice, mx goes first, and a
 * displaced tile is shifted in again. */
static void
ml(struct machine *m, struct insn in)
{
	m_insn(m, Q_ML, in);
}

static void
test_shared_array(void **state)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);

	m->p.target.issue_cycles = 0;
	m->p.target.weight_double_buffer = 0;
	ml(m, (struct insn){ .op = INSN_LdLBUF_V, .field[FIELD_view] = t.v,
	    .field[FIELD_k] = 4, .field[FIELD_outer] = 4 });
	ml(m, (struct insn){ .op = INSN_LdLBUF_H, .field[FIELD_view] = t.h,
	    .field[FIELD_k] = 4, .field[FIELD_outer] = 8 });
	ml(m, (struct insn){ .op = INSN_ShiftV, .field[FIELD_k] = 4,
	    .field[FIELD_n] = 4 });
	for (int i = 0; i < 2; i++)
		ml(m, (struct insn){ .op = INSN_ExecGEMM,
		    .field[FIELD_k] = 4, .field[FIELD_n] = 4,
		    .field[FIELD_m] = 8, .field[FIELD_first] = 1 });
	m_ldv(m, t.v, 4, 4, 0);
	m_ldh(m, t.h, 8, 4, 0);
	m_shift(m, 4, 4, 0);
	m_exec(m, FIRST_ALWAYS, 8, 4, 4, 0, 0);
	const struct sim_stats *s = machine_stats(m);

	/* shift mx 0..4, rows 4..12; ml 12..16, 16..24, 24..32; + 6. The
	 * shift of ml waits because mx asks first each time. */
	assert_int_equal(s->unit_busy[UNIT_ARRAY], 32);
	assert_int_equal(s->cycles, 38);
	assert_int_equal(s->queue[Q_MX].busy, 12);
	assert_int_equal(s->queue[Q_ML].busy, 20);
	machine_free(m);
}

/* ---- semaphores ---- */

/* The signal fires when everything before it is complete, the queue goes on;
 * the wait passes in the cycle of the signal. */
static void
test_signal_wait(void **state)
{
	struct machine *m = machine_new(*state);

	m->p.target.vector_startup = 10;
	m->p.target.issue_cycles = 2;
	m_vmap(m, m_move(m, 0, 0, 1)); /* 0..10 */
	m_signal(m, Q_VE, 3, 2);       /* at 10 */
	m_nop(m, Q_VE);                /* dispatched at 4 */
	m_wait(m, Q_CO, 3, 2);         /* 0..10, next at 12 */
	m_nop(m, Q_CO);                /* 12..14; HALT 14..16 */
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 16);
	machine_free(m);
}

/* The awaited value is affine in the loop indices; values up to 0 pass. */
static void
test_affine_wait(void **state)
{
	struct machine *m = machine_new(*state);
	uint32_t v = m_aff(m, (struct aff){ .stride = { 1 } });

	m->p.target.vector_startup = 100;
	m_loop(m, Q_VE, 4);
	m_vmap(m, m_move(m, 0, 0, 1));
	m_signal(m, Q_VE, 0, 1);
	m_endloop(m, Q_VE);
	m_loop(m, Q_CO, 4);
	m_insn(m, Q_CO, (struct insn){ .op = INSN_WAIT,
	    .field[FIELD_value] = -1, .field[FIELD_vaff] = v });
	m_nop(m, Q_CO);
	m_endloop(m, Q_CO);
	m_loop(m, Q_CO, 300);
	m_nop(m, Q_CO);
	m_endloop(m, Q_CO);
	/* waits for -1, 0, 1, 2; signals at 101, 201, 301, 401. From 201 on:
	 * WAIT, NOP, ENDLOOP, LOOP, 600, HALT */
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 201 + 4 + 600 + 1);
	machine_free(m);
}

/* ---- sums ---- */

static void
test_parts_add_up(void **state)
{
	struct machine *m = machine_new(*state);
	struct tiles t = tiles(m);
	struct wave_target *g = &m->p.target;
	int64_t cycles = 0, bytes = 0, insns = 0, queues = 0, busy = 0;
	double energy = 0;

	g->dram_bw = 5e9;
	g->dram_latency = 11;
	g->lbuf_v_bw = g->lbuf_h_bw = g->drain_bw = 16;
	g->pj_mac_f32 = 3;
	g->pj_lbuf_byte = 0.5;
	g->pj_gbuf_byte = 1.5;
	g->pj_dram_byte = 60;
	g->pj_vector_op = 2;
	g->static_w = 0.01;
	g->vector_lanes = 4;
	m_nop(m, Q_CO);
	m_source(m, "load", 0);
	m_load(m, m_copy(m, SPACE_GBUF, 0, 0, 4096));
	m_signal(m, Q_LD, 0, 1);
	m_source(m, "gemm", 128);
	m_wait(m, Q_MX, 0, 1);
	m_ldv(m, t.v, 4, 4, 0);
	m_ldh(m, t.h, 8, 4, 0);
	m_shift(m, 4, 4, 0);
	m_exec(m, FIRST_ALWAYS, 8, 4, 4, 0, 0);
	m_drain(m, t.out, 8, 4, 0, 0);
	m_signal(m, Q_MX, 1, 1);
	m_source(m, "copy", 0);
	m_wait(m, Q_VE, 1, 1);
	m_vmap(m, m_move(m, 2048, 4096, 32));
	m_signal(m, Q_VE, 2, 1);
	m_source(m, "store", 0);
	m_wait(m, Q_ST, 2, 1);
	m_store(m, m_copy(m, SPACE_GBUF, 8192, 4096, 128));
	const struct sim_stats *s = machine_stats(m);

	for (uint32_t i = 0; i < s->nops; i++) {
		const struct sim_op *x = &s->ops[i];

		cycles += x->cycles;
		bytes += sim_dram_bytes(&x->n, false) +
		    sim_dram_bytes(&x->n, true);
		insns += x->n.instructions;
		busy += x->n.array_busy;
		energy += x->energy.total;
		if (x->op != NULL)
			assert_true(x->cycles > 0);
	}
	for (int q = 0; q < Q_COUNT; q++)
		queues += s->queue[q].instructions;
	assert_int_equal(s->nops, 5); /* and the rest */
	assert_int_equal(cycles, s->cycles);
	assert_int_equal(bytes, 4096 + 128);
	assert_int_equal(bytes, sim_dram_bytes(&s->total, false) +
	    sim_dram_bytes(&s->total, true));
	assert_int_equal(insns, s->total.instructions);
	assert_int_equal(queues, s->total.instructions);
	assert_int_equal(busy, s->unit_busy[UNIT_ARRAY]);
	assert_int_equal(busy, s->queue[Q_MX].busy + s->queue[Q_ML].busy);
	assert_int_equal(s->macs_useful, 128);
	assert_float_equal((float)energy, (float)s->energy.total, 1e-15f);
	const struct sim_energy *e = &s->energy;

	assert_float_equal((float)(e->mac + e->lbuf + e->gbuf + e->dram +
	    e->vector + e->link + e->static_), (float)e->total, 1e-15f);
	assert_true(e->mac > 0 && e->lbuf > 0 && e->gbuf > 0 &&
	    e->dram > 0 && e->vector > 0 && e->static_ > 0);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_issue),
		UNIT_TEST(test_nested_loops),
		UNIT_TEST(test_dma),
		UNIT_TEST(test_dma_pipelined),
		UNIT_TEST(test_dram_shared),
		UNIT_TEST(test_two_groups_share_dram),
		UNIT_TEST(test_dma_bounds),
		UNIT_TEST(test_vector),
		UNIT_TEST(test_vector_chain),
		UNIT_TEST(test_vector_rates),
		UNIT_TEST(test_window),
		UNIT_TEST(test_one_wave),
		UNIT_TEST(test_shift_hidden),
		UNIT_TEST(test_banks),
		UNIT_TEST(test_obuf),
		UNIT_TEST(test_sum_chain),
		UNIT_TEST(test_first_in_loop),
		UNIT_TEST(test_shared_array),
		UNIT_TEST(test_signal_wait),
		UNIT_TEST(test_affine_wait),
		UNIT_TEST(test_parts_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
