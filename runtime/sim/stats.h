/* What a run did: counters per source op, which sum to all totals, and the
 * forms people and scripts read. */
#ifndef WAVE_RUNTIME_SIM_STATS_H
#define WAVE_RUNTIME_SIM_STATS_H

#include <wave/object.h>

#include "backend/isa/isa.h"
#include "support/arena.h"
#include "support/str.h"

/* Places where instructions spend time; one row of a timeline each. */
enum sim_unit {
	UNIT_LD,     /* load transfers holding the DRAM */
	UNIT_ST,     /* store transfers holding the DRAM */
	UNIT_VLOAD,  /* V loader of mx */
	UNIT_HLOAD,  /* H loader of mx */
	UNIT_ARRAY,  /* shifting or streaming, mx and ml */
	UNIT_DRAIN,  /* drain of mx */
	UNIT_VE,     /* vector unit */
	UNIT_ML_VLOAD,
	UNIT_ML_HLOAD,
	UNIT_ML_DRAIN,
	UNIT_COUNT
};
const char *unit_name(enum sim_unit u);

enum mac_class { MAC_F32, MAC_16, MAC_I8, MAC_COUNT };

/* Events that cost energy or bandwidth. */
struct sim_counters {
	int64_t instructions;
	int64_t array_busy;      /* cycles, summed over groups */
	int64_t steady;          /* sum of ExecGEMM occupancies */
	int64_t macs[MAC_COUNT]; /* m * k * n executed */
	int64_t lbuf_bytes;      /* LBUF_V, LBUF_H, OBUF reads and writes */
	int64_t gbuf_read, gbuf_write, wbuf_read, wbuf_write;
	int64_t dram_read[TRAFFIC_COUNT], dram_write[TRAFFIC_COUNT];
	int64_t vector_ops;
};

struct sim_energy { /* joules */
	double mac, lbuf, gbuf, dram, vector, link, static_, total;
};

struct sim_op {
	const struct wave_op *op; /* NULL: instructions without a source */
	int64_t cycles;           /* its share; all shares sum to cycles */
	struct sim_counters n;
	struct sim_energy energy; /* static power by its cycles */
};

struct sim_queue_stats {
	int64_t busy, instructions; /* summed over groups */
};

struct sim_stats {
	const struct wave_program *program;
	const struct wave_entry *entry;
	int64_t cycles;
	double time_s, host_wall_s;
	int64_t code_bytes;
	int64_t macs_useful, macs_paper;
	int64_t macs_issued;
	double utilization, matrix_utilization;
	int64_t peak_gbuf, peak_wbuf;
	struct sim_counters total;
	struct sim_energy energy;
	struct sim_queue_stats queue[Q_COUNT];
	int64_t unit_busy[UNIT_COUNT]; /* summed over groups */
	struct sim_op *ops; /* those of the entry, in order of the program */
	uint32_t nops;
};

/* Energy of the counters and of cycles of static power. */
struct sim_energy sim_energy(const struct wave_target *t,
    const struct sim_counters *n, int64_t cycles);

int64_t sim_dram_bytes(const struct sim_counters *n, bool write);

/* The JSON document of design.md section 5. */
void sim_stats_json(struct strbuf *out, const struct sim_stats *s);

/* Summary, top layers, and where cycles, bytes and joules went. */
void sim_stats_text(struct strbuf *out, const struct sim_stats *s);

/* Contiguous activity of a unit on behalf of one op. */
struct sim_span {
	int64_t start, end;
	uint32_t op;    /* index into sim_stats.ops */
	uint32_t count; /* instructions joined */
};

struct sim_track {
	struct sim_span *span;
	size_t len;
};

struct sim_record {
	int groups;
	const struct sim_track *track; /* groups x UNIT_COUNT */
};

/* Chrome trace-event JSON, Perfetto reads it; and one self-contained page. */
void sim_trace_json(struct strbuf *out, const struct sim_stats *s,
    const struct sim_record *r);
void sim_report_html(struct strbuf *out, const struct sim_stats *s,
    const struct sim_record *r);

#endif
