/* Statistics of a finished run. */
#include "runtime/sim/core.h"

#include <string.h>

const char *
unit_name(enum sim_unit u)
{
	static const char *const names[UNIT_COUNT] = {
		[UNIT_LD] = "load DMA",
		[UNIT_ST] = "store DMA",
		[UNIT_VLOAD] = "V loader",
		[UNIT_HLOAD] = "H loader",
		[UNIT_ARRAY] = "array",
		[UNIT_DRAIN] = "drain",
		[UNIT_VE] = "vector",
		[UNIT_ML_VLOAD] = "V loader (ml)",
		[UNIT_ML_HLOAD] = "H loader (ml)",
		[UNIT_ML_DRAIN] = "drain (ml)",
	};

	return (unsigned)u < UNIT_COUNT ? names[u] : "?";
}

int64_t
sim_dram_bytes(const struct sim_counters *n, bool write)
{
	int64_t bytes = 0;

	for (int t = 0; t < TRAFFIC_COUNT; t++)
		bytes += write ? n->dram_write[t] : n->dram_read[t];
	return bytes;
}

struct sim_energy
sim_energy(const struct wave_target *t, const struct sim_counters *n,
    int64_t cycles)
{
	const double pj = 1e-12;
	double dram = (double)(sim_dram_bytes(n, false) +
	    sim_dram_bytes(n, true));
	struct sim_energy e = {
		.mac = pj * ((double)n->macs[MAC_F32] * t->pj_mac_f32 +
		    (double)n->macs[MAC_16] * t->pj_mac_16 +
		    (double)n->macs[MAC_I8] * t->pj_mac_i8),
		.lbuf = pj * (double)n->lbuf_bytes * t->pj_lbuf_byte,
		.gbuf = pj *
		    ((double)(n->gbuf_read + n->gbuf_write) *
			    t->pj_gbuf_byte +
			(double)(n->wbuf_read + n->wbuf_write) *
			    t->pj_wbuf_byte),
		.dram = pj * dram * t->pj_dram_byte,
		.vector = pj * (double)n->vector_ops * t->pj_vector_op,
	};

	if (t->clock_hz > 0)
		e.static_ = t->static_w * (double)cycles / t->clock_hz;
	e.total = e.mac + e.lbuf + e.gbuf + e.dram + e.vector + e.link +
	    e.static_;
	return e;
}

static void
add_counters(struct sim_counters *to, const struct sim_counters *n)
{
	to->instructions += n->instructions;
	to->array_busy += n->array_busy;
	to->steady += n->steady;
	for (int i = 0; i < MAC_COUNT; i++)
		to->macs[i] += n->macs[i];
	to->lbuf_bytes += n->lbuf_bytes;
	to->gbuf_read += n->gbuf_read;
	to->gbuf_write += n->gbuf_write;
	to->wbuf_read += n->wbuf_read;
	to->wbuf_write += n->wbuf_write;
	for (int i = 0; i < TRAFFIC_COUNT; i++) {
		to->dram_read[i] += n->dram_read[i];
		to->dram_write[i] += n->dram_write[i];
	}
	to->vector_ops += n->vector_ops;
}

/* The object says how many products an op has; it may say anything. */
static int64_t
sum(int64_t a, int64_t b)
{
	return add_int64(a, b, &a) ? a : INT64_MAX;
}

/* Marks the ops that own an instruction of the entry. */
static bool *
ops_of_entry(const struct sim *s)
{
	bool *in = NEW_ARRAY(s->run_arena, bool,
	    (size_t)s->program->nops + 1);

	for (int q = 0; q < Q_COUNT; q++)
		for (uint32_t i = 0; i < s->entry->count[q]; i++)
			in[s->code[q][i].source] = true;
	return in;
}

/* The group that determines the time, the first of them. */
static struct sim_group *
last_group(const struct sim *s)
{
	struct sim_group *g = &s->groups[0];

	for (int i = 1; i < s->ngroups; i++)
		if (s->groups[i].finish > g->finish)
			g = &s->groups[i];
	return g;
}

static void
fill_ops(struct sim *s)
{
	struct sim_stats *st = &s->stats;
	uint32_t n = s->program->nops;
	bool *in = ops_of_entry(s);
	int64_t *share = NEW_ARRAY(s->run_arena, int64_t, (size_t)n + 1);
	uint32_t *to = NEW_ARRAY(s->run_arena, uint32_t, (size_t)n + 1);

	sim_attribute(s, last_group(s), st->cycles, share);
	st->ops = NEW_ARRAY(s->run_arena, struct sim_op, (size_t)n + 1);
	for (uint32_t i = 0; i <= n; i++) {
		if (i == n ? share[i] == 0 && s->ops[i].instructions == 0 :
			     !in[i])
			continue;
		struct sim_op *op = &st->ops[st->nops];

		to[i] = st->nops++;
		op->op = i < n ? &s->program->ops[i] : NULL;
		op->cycles = share[i];
		op->n = s->ops[i];
		op->energy = sim_energy(s->target, &op->n, op->cycles);
		add_counters(&st->total, &op->n);
		if (i < n) {
			st->macs_useful = sum(st->macs_useful, op->op->macs);
			st->macs_paper = sum(st->macs_paper,
			    op->op->macs_paper);
		}
	}
	for (int g = 0; g < s->ngroups; g++)
		for (int u = 0; u < UNIT_COUNT; u++)
			for (size_t i = 0; i < s->groups[g].spans[u].len; i++) {
				struct sim_span *x =
				    &s->groups[g].spans[u].span[i];

				x->op = to[x->op];
			}
}

static void
fill_queues(struct sim *s)
{
	struct sim_stats *st = &s->stats;

	for (int g = 0; g < s->ngroups; g++) {
		const struct sim_group *x = &s->groups[g];

		for (int q = 0; q < Q_COUNT; q++) {
			st->queue[q].busy += x->queue[q].stats.busy;
			st->queue[q].instructions +=
			    x->queue[q].stats.instructions;
		}
		for (int u = 0; u < UNIT_COUNT; u++)
			st->unit_busy[u] += x->busy[u];
	}
	for (int q = 0; q < Q_COUNT; q++)
		st->code_bytes += 16 * (int64_t)s->entry->count[q];
}

static void
fill_rates(struct sim *s)
{
	struct sim_stats *st = &s->stats;
	const struct wave_target *t = s->target;
	double pes = (double)t->rows * (double)t->cols *
	    (double)later(t->arrays, 1);
	double groups = (double)later(t->groups, s->ngroups);
	int64_t busy = st->unit_busy[UNIT_ARRAY];

	for (int i = 0; i < MAC_COUNT; i++)
		st->macs_issued += st->total.macs[i];
	if (t->clock_hz > 0)
		st->time_s = (double)st->cycles / t->clock_hz;
	if (st->cycles > 0 && pes > 0)
		st->utilization = (double)st->macs_useful /
		    ((double)st->cycles * pes * groups);
	if (busy > 0 && pes > 0)
		st->matrix_utilization = (double)st->macs_useful /
		    ((double)busy * pes);
	st->energy = sim_energy(t, &st->total, st->cycles);
}

static void
fill_record(struct sim *s)
{
	struct sim_track *track = NEW_ARRAY(s->run_arena, struct sim_track,
	    (size_t)s->ngroups * UNIT_COUNT);

	for (int g = 0; g < s->ngroups; g++)
		for (int u = 0; u < UNIT_COUNT; u++)
			track[g * UNIT_COUNT + u] = (struct sim_track){
				s->groups[g].spans[u].span,
				s->groups[g].spans[u].len };
	s->record.groups = s->ngroups;
	s->record.track = track;
}

void
sim_finish(struct sim *s, double wall)
{
	struct sim_stats *st = &s->stats;

	memset(st, 0, sizeof *st);
	st->program = s->program;
	st->entry = s->entry;
	for (int i = 0; i < s->ngroups; i++)
		st->cycles = later(st->cycles, s->groups[i].finish);
	st->peak_gbuf = s->peak_gbuf;
	st->peak_wbuf = s->peak_wbuf;
	fill_ops(s);
	fill_queues(s);
	fill_rates(s);
	fill_record(s);
	st->host_wall_s = wall;
}
