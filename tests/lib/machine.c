#include "tests/lib/machine.h"

#include <string.h>

#define ARENA(m) ((m)->u->arena)

struct machine *
machine_new(struct unit *u)
{
	struct machine *m = NEW(u->arena, struct machine);
	struct wave_target *t = &m->p.target;

	m->u = u;
	strcpy(t->name, "test");
	t->groups = 1;
	t->arrays = 1;
	t->rows = t->cols = 4;
	t->weight_double_buffer = 1;
	t->clock_hz = 1e9;
	t->lbuf_banks = t->obuf_banks = 2;
	t->issue_cycles = 1;
	t->semaphores = 64;
	m->p.isa_version = ISA_VERSION;
	m->p.accumulation = "ascending-k";
	m->p.dram_size = m->p.gbuf_size = m->p.wbuf_size = 65536;
	m->entry.name = "main";
	m->entry.groups = 1;
	m->count_exit = true;
	m->options.timing_only = true;
	VEC_PUSH(ARENA(m), &m->aff, (struct aff){ 0 });
	VEC_PUSH(ARENA(m), &m->view, (struct view){ 0 });
	VEC_PUSH(ARENA(m), &m->epi, (struct epi){ 0 });
	VEC_PUSH(ARENA(m), &m->dma, (struct dma){ .index_dim = -1 });
	VEC_PUSH(ARENA(m), &m->vec, (struct vec){ 0 });
	return m;
}

uint32_t
m_aff(struct machine *m, struct aff a)
{
	VEC_PUSH(ARENA(m), &m->aff, a);
	return (uint32_t)m->aff.len - 1;
}

uint32_t
m_const(struct machine *m, int64_t v)
{
	return m_aff(m, (struct aff){ .base = v });
}

uint32_t
m_view(struct machine *m, struct view v)
{
	VEC_PUSH(ARENA(m), &m->view, v);
	return (uint32_t)m->view.len - 1;
}

uint32_t
m_matrix(struct machine *m, enum space space, int64_t base,
    enum dtype dtype, int64_t rows, int64_t cols, int64_t row_bytes)
{
	struct view v = { .space = space, .dtype = dtype,
		.base = m_const(m, base), .n = rows, .c = cols,
		.n_addr = row_bytes,
		.c_addr = (int64_t)dtype_size(dtype) };

	for (int a = 0; a < 3; a++)
		v.axis[a] = (struct view_axis){ 1, 1, 1, 1, 0, 1, 1, 0 };
	return m_view(m, v);
}

uint32_t
m_epi(struct machine *m, struct epi e)
{
	VEC_PUSH(ARENA(m), &m->epi, e);
	return (uint32_t)m->epi.len - 1;
}

uint32_t
m_dma(struct machine *m, struct dma d)
{
	VEC_PUSH(ARENA(m), &m->dma, d);
	return (uint32_t)m->dma.len - 1;
}

uint32_t
m_copy(struct machine *m, enum space space, int64_t dram, int64_t chip,
    int64_t bytes)
{
	struct dma d = { .space = space, .dram_dtype = DT_U8,
		.chip_dtype = DT_U8, .dram_base = m_const(m, dram),
		.chip_base = m_const(m, chip), .rank = 1, .index_dim = -1 };

	d.dim[0] = (struct dma_dim){ .size = bytes, .dram = 1, .chip = 1 };
	return m_dma(m, d);
}

uint32_t
m_vec(struct machine *m, struct vec v)
{
	VEC_PUSH(ARENA(m), &m->vec, v);
	return (uint32_t)m->vec.len - 1;
}

uint32_t
m_move(struct machine *m, int64_t src, int64_t dst, int64_t n)
{
	struct vec v = { .func = VF_copy, .rank = 1, .size = { n } };

	v.dst = (struct vec_operand){ SPACE_GBUF, DT_F32, m_const(m, dst),
		{ 4 } };
	v.src[0] = (struct vec_operand){ SPACE_GBUF, DT_F32,
		m_const(m, src), { 4 } };
	return m_vec(m, v);
}

void
m_insn(struct machine *m, enum queue q, struct insn in)
{
	struct insn_word w;
	const char *why = NULL;

	if (!insn_encode(&in, &w, &why))
		fail_msg("%s: %s", insn_name(in.op), why);
	VEC_PUSH(ARENA(m), &m->code[q], w);
	if (m->op.len > 0)
		VEC_PUSH(ARENA(m), &m->source,
		    ((struct wave_source){ (uint32_t)q,
			(uint32_t)m->code[q].len - 1, 1,
			(uint32_t)m->op.len - 1 }));
}

void
m_nop(struct machine *m, enum queue q)
{
	m_insn(m, q, (struct insn){ .op = INSN_NOP });
}

void
m_loop(struct machine *m, enum queue q, int64_t count)
{
	m_insn(m, q, (struct insn){ .op = INSN_LOOP,
	    .field[FIELD_count] = count });
}

void
m_endloop(struct machine *m, enum queue q)
{
	m_insn(m, q, (struct insn){ .op = INSN_ENDLOOP });
}

void
m_signal(struct machine *m, enum queue q, int64_t sem, int64_t by)
{
	m_insn(m, q, (struct insn){ .op = INSN_SIGNAL,
	    .field[FIELD_sem] = sem, .field[FIELD_by] = by });
}

void
m_wait(struct machine *m, enum queue q, int64_t sem, int64_t value)
{
	m_insn(m, q, (struct insn){ .op = INSN_WAIT,
	    .field[FIELD_sem] = sem, .field[FIELD_value] = value });
}

void
m_load(struct machine *m, uint32_t dma)
{
	m_insn(m, Q_LD, (struct insn){ .op = INSN_DLOAD,
	    .field[FIELD_dma] = dma });
}

void
m_store(struct machine *m, uint32_t dma)
{
	m_insn(m, Q_ST, (struct insn){ .op = INSN_DSTORE,
	    .field[FIELD_dma] = dma });
}

void
m_vmap(struct machine *m, uint32_t vec)
{
	m_insn(m, Q_VE, (struct insn){ .op = INSN_VMAP,
	    .field[FIELD_vec] = vec });
}

void
m_ldv(struct machine *m, uint32_t view, int64_t k, int64_t n, uint32_t bank)
{
	m_insn(m, Q_MX, (struct insn){ .op = INSN_LdLBUF_V,
	    .field[FIELD_view] = view, .field[FIELD_k] = k,
	    .field[FIELD_outer] = n, .field[FIELD_bank] = bank });
}

void
m_ldh(struct machine *m, uint32_t view, int64_t rows, int64_t k,
    uint32_t bank)
{
	m_insn(m, Q_MX, (struct insn){ .op = INSN_LdLBUF_H,
	    .field[FIELD_view] = view, .field[FIELD_k] = k,
	    .field[FIELD_outer] = rows, .field[FIELD_bank] = bank });
}

void
m_shift(struct machine *m, int64_t k, int64_t n, uint32_t bank)
{
	m_insn(m, Q_MX, (struct insn){ .op = INSN_ShiftV,
	    .field[FIELD_k] = k, .field[FIELD_n] = n,
	    .field[FIELD_bank] = bank });
}

void
m_exec(struct machine *m, int64_t first, int64_t rows, int64_t k, int64_t n,
    uint32_t bank, uint32_t obuf)
{
	m_insn(m, Q_MX, (struct insn){ .op = INSN_ExecGEMM,
	    .field[FIELD_first] = first, .field[FIELD_m] = rows,
	    .field[FIELD_k] = k, .field[FIELD_n] = n,
	    .field[FIELD_bank] = bank, .field[FIELD_obuf] = obuf });
}

void
m_drain(struct machine *m, uint32_t view, int64_t rows, int64_t n,
    uint32_t epi, uint32_t obuf)
{
	m_insn(m, Q_MX, (struct insn){ .op = INSN_StLBUF,
	    .field[FIELD_stview] = view, .field[FIELD_m] = rows,
	    .field[FIELD_stn] = n, .field[FIELD_epi] = epi,
	    .field[FIELD_obuf] = obuf });
}

uint32_t
m_source(struct machine *m, const char *name, int64_t macs)
{
	struct wave_op op = { .name = name, .op = "Test",
		.phase = "forward", .loc = "test", .macs = macs,
		.macs_paper = macs };

	VEC_PUSH(ARENA(m), &m->op, op);
	return (uint32_t)m->op.len - 1;
}

/* What the signals of the code add up to, loops counted. */
static void
declare_exits(struct machine *m)
{
	for (int q = 0; q < Q_COUNT; q++) {
		uint32_t times[ISA_MAX_LOOPS + 1] = { 1 };
		int depth = 0;

		for (size_t i = 0; i < m->code[q].len; i++) {
			struct insn in;
			const char *why;

			if (!insn_decode(&m->code[q].data[i], &in, &why))
				continue;
			if (in.op == INSN_LOOP && depth < ISA_MAX_LOOPS) {
				times[depth + 1] = times[depth] *
				    (uint32_t)in.field[FIELD_count];
				depth++;
			}
			if (in.op == INSN_ENDLOOP && depth > 0)
				depth--;
			if (in.op == INSN_SIGNAL &&
			    in.field[FIELD_sem] < 64)
				m->exits[in.field[FIELD_sem]] += times[depth] *
				    (uint32_t)in.field[FIELD_by];
		}
	}
}

static struct wave_bytes
encode(struct machine *m, enum desc_kind k, const struct isa_tables *t,
    size_t n)
{
	size_t size = n * desc_record_size(k);
	uint8_t *bytes = arena_alloc(ARENA(m), size);

	desc_encode(k, t, bytes);
	return (struct wave_bytes){ bytes, size };
}

static void
encode_all(struct machine *m)
{
	struct isa_tables t = { m->aff.data, m->view.data, m->epi.data,
		m->dma.data, m->vec.data, (uint32_t)m->aff.len,
		(uint32_t)m->view.len, (uint32_t)m->epi.len,
		(uint32_t)m->dma.len, (uint32_t)m->vec.len };
	const size_t n[DESC_COUNT] = { m->aff.len, m->view.len, m->epi.len,
		m->dma.len, m->vec.len };

	for (int k = 0; k < DESC_COUNT; k++)
		m->p.desc[k] = encode(m, (enum desc_kind)k, &t, n[k]);
	for (int q = 0; q < Q_COUNT; q++) {
		size_t len = m->code[q].len;
		uint8_t *code = arena_alloc(ARENA(m), 16 * len);

		for (size_t i = 0; i < len; i++)
			insn_store(code, i, m->code[q].data[i]);
		m->p.code[q] = (struct wave_bytes){ code, 16 * len };
		m->entry.count[q] = (uint32_t)len;
	}
}

void
machine_open(struct machine *m)
{
	for (int q = 0; q < Q_COUNT; q++)
		m_insn(m, (enum queue)q, (struct insn){ .op = INSN_HALT });
	if (m->count_exit)
		declare_exits(m);
	m->entry.sem_exit = m->exits;
	m->entry.nsems = 64;
	encode_all(m);
	m->p.entries = &m->entry;
	m->p.nentries = 1;
	m->p.sources = m->source.data;
	m->p.nsources = (uint32_t)m->source.len;
	m->p.ops = m->op.data;
	m->p.nops = (uint32_t)m->op.len;
	m->p.bindings = m->binding.data;
	m->p.nbindings = (uint32_t)m->binding.len;
	m->dev = sim_open(&m->p, &m->options, &m->u->diag);
}

bool
machine_run(struct machine *m)
{
	if (m->dev == NULL)
		fail_msg("no device: %s", m->u->last);
	return m->dev->ops->run(m->dev, "main", &m->u->diag);
}

const struct sim_stats *
machine_stats(struct machine *m)
{
	machine_open(m);
	if (!machine_run(m))
		fail_msg("run failed: %s", m->u->last);
	return sim_stats(m->dev);
}

void
machine_free(struct machine *m)
{
	if (m->dev != NULL)
		m->dev->ops->close(m->dev);
}
