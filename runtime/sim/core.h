/* The simulator's insides, shared by its files. */
#ifndef WAVE_RUNTIME_SIM_CORE_H
#define WAVE_RUNTIME_SIM_CORE_H

#include "runtime/sim/access.h"
#include "runtime/sim/exec.h"
#include "runtime/sim/sim.h"
#include "runtime/sim/time.h"

struct check;

/* An instruction ready to run: fields as numbers, static costs. */
struct sim_insn {
	enum opcode op;
	const char *trap; /* why it cannot run, or NULL */
	int64_t m, n, k;  /* LdLBUF: m is the outer extent */
	uint32_t desc;    /* view, dma or vec */
	uint32_t epi, bank, obuf, vaff, sem;
	int64_t value;    /* WAIT; SIGNAL: by; LOOP: count */
	int64_t occupancy;
	int64_t bytes;    /* moved by a loader or the drain, residual too */
	uint32_t source;  /* op, nops for none */
	uint8_t first;
};

/* What is worth computing once per descriptor. */
struct view_info {
	struct range range; /* of the whole view, relative to its base */
	bool bounded;
};
struct vec_info {
	struct range range[VEC_MAX_SRC + 1]; /* dst last */
	int64_t bytes[VEC_MAX_SRC + 1];
	int64_t ops, occupancy;
	const char *trap;
};

/* When a bank can be written again and read. */
struct bank_time {
	int64_t written, read; /* ends of the last write and read */
	int64_t started;       /* OBUF: start of the last ExecGEMM on it */
};

/* A matrix queue's own side of the array. */
struct matrix {
	struct bank_time *v, *h, *obuf;
	struct bank *vb, *hb, *ob; /* those of its exec_group */
	int64_t v_free, h_free, drain_free;
	int64_t shift_k;           /* rows of its current tile */
	int64_t shift_time;        /* not yet charged to an ExecGEMM */
};

enum queue_state { QUEUE_READY, QUEUE_GRANT, QUEUE_BLOCKED, QUEUE_HALTED };

struct sim_queue {
	enum queue id;
	enum queue_state state;
	struct sim_group *group;
	const struct sim_insn *code;
	uint32_t count, pc, base; /* base: index of code[0] in the object */
	int64_t time;  /* of the next dispatch; GRANT: of the request */
	int64_t done;  /* everything before is complete */
	int64_t end;   /* of the last instruction, for the log */
	int64_t idx[ISA_MAX_LOOPS], left[ISA_MAX_LOOPS];
	uint32_t body[ISA_MAX_LOOPS];
	int depth;
	int64_t want;      /* BLOCKED: value of semaphore code[pc].sem; at a
	                      barrier INT64_MAX */
	int64_t arrived;   /* barriers reached, and passed by all */
	int64_t barriers;
	int64_t unit_free; /* vector unit, DMA engine */
	int64_t dispatch;  /* GRANT: when the instruction was dispatched */
	struct access_dma dma; /* GRANT */
	struct matrix mat;
	struct exec_group *ex;
	struct sim_queue_stats stats;
};

struct span_list {
	struct sim_span *span;
	size_t len, cap;
	int64_t slack; /* joins spans of one op this far apart */
};

/* One change of a semaphore, kept only where queues look back in time. */
struct sem_event {
	int64_t time, value;
};
struct sem_history {
	struct sem_event *event;
	size_t len, cap;
};

struct sim_group {
	int id;
	struct exec_group ex, ex_ml; /* share dram, gbuf and wbuf */
	struct sim_queue queue[Q_COUNT];
	int64_t *sem;
	struct sem_history *history; /* NULL: not kept */
	struct array_time array;
	enum queue array_owner;      /* whose tile is in the array */
	struct span_list spans[UNIT_COUNT];
	int64_t busy[UNIT_COUNT], until[UNIT_COUNT];
	int64_t finish;
};

/* Pending signals and queue steps in order of time, then class, group and
 * queue. */
struct sim_event {
	int64_t time;
	uint64_t key;
	uint64_t order; /* among signals */
};
struct sim_heap {
	struct sim_event *at;
	size_t len, cap;
	uint64_t pushed;
};

struct sim_signal {
	uint32_t group, sem;
	enum queue queue;
	int64_t by;
	uint32_t ticket; /* of the checker */
};

struct sim {
	struct device dev; /* first: the device is the simulator */
	const struct wave_program *program;
	const struct wave_target *target;
	struct sim_options options;
	struct arena *arena;     /* as long as the device */
	struct arena *run_arena; /* one run: statistics, checker */
	struct diag *diag;       /* of the run */
	struct isa_tables tables;
	struct view_info *views;
	struct vec_info *vecs;
	struct mem dram;
	int groups_made;
	struct sim_group *groups;
	struct check *check;
	struct pool *pool; /* host threads of the kernels */

	/* One run. */
	const struct wave_entry *entry;
	struct sim_insn *code[Q_COUNT];
	int ngroups;
	int64_t now;
	int64_t dram_free;
	struct sim_heap heap;
	struct sim_signal *signals;
	uint32_t *free_signals;
	uint32_t nsignals, nfree;
	int64_t executed;
	struct sim_counters *ops; /* nops + 1 */
	int64_t peak_gbuf, peak_wbuf;
	bool shared_array; /* mx and ml both use the array */
	int64_t arrivals;  /* of groups at barriers */
	bool failed;

	struct sim_stats stats;
	bool have_stats;
	struct sim_record record;
	char why[256]; /* text of a trap made on the spot */
};

/* ---- code.c ---- */

/* Decodes the entry's code and computes static costs. */
void sim_decode(struct sim *s);
/* Per-descriptor costs, once. */
void sim_prepare_tables(struct sim *s);

/* ---- steps.c, units.c, matrix.c: one function per instruction ---- */

/* Runs the instruction at q->pc, dispatched at q->time. Returns NULL or why
 * it traps. */
typedef const char *step_fn(struct sim *s, struct sim_queue *q,
    const struct sim_insn *in);
#define INSN(name, code, queues, fields, summary) step_fn step_##name;
#include "backend/isa/insns.def"

/* Ends an instruction: the next one dispatches issue_cycles later. */
void sim_next(struct sim *s, struct sim_queue *q);
/* Notes that the instruction completes at end. */
void sim_complete(struct sim_queue *q, int64_t end);

/* An instruction whose turn for the DRAM or the array has come. */
step_fn sim_dma_grant, sim_array_grant;

/* ---- event.c ---- */

void heap_push(struct sim_heap *h, int64_t time, uint64_t key);
void heap_pop(struct sim_heap *h);

#define EVENT_SIGNAL ((uint64_t)0 << 56)
#define EVENT_QUEUE ((uint64_t)1 << 56)

/* ---- sem.c ---- */

void sim_signal_at(struct sim *s, struct sim_queue *q,
    const struct sim_insn *in, int64_t time);
void sim_signal_fire(struct sim *s, uint32_t slot);
/* True when the wait passes; *time is then the cycle it was satisfied. */
bool sim_wait(struct sim *s, struct sim_queue *q, uint32_t sem,
    int64_t want, int64_t *time);
bool sim_check_exit(struct sim *s);
const char *sim_sem_name(const struct sim *s, uint32_t sem, char *buf,
    size_t size);

/* Counters of a group; at least 1. */
int64_t sim_semaphores(const struct sim *s);

/* ---- deadlock.c ---- */

void sim_deadlock(struct sim *s);

/* ---- spans.c ---- */

/* Adds busy time of a unit and returns how much of it is new: spans of a unit
 * come in order of their starts, overlap counts once. */
int64_t sim_busy(struct sim *s, struct sim_group *g, enum sim_unit u,
    int64_t start, int64_t end, uint32_t source);
/* Divides the cycles of group g among ops. share has nops + 1 entries. */
void sim_attribute(const struct sim *s, const struct sim_group *g,
    int64_t cycles, int64_t *share);

/* ---- bounds.c ---- */

/* NULL, or why an access of range lies outside its memory. */
const char *sim_bounds(struct sim *s, enum space space,
    const struct range *r);
struct access_tile sim_tile(const struct sim *s, const struct sim_queue *q,
    const struct view *v, int64_t outer, int64_t k);
const char *sim_tile_bounds(struct sim *s, const struct sim_queue *q,
    uint32_t view, int64_t outer, int64_t k);
const char *sim_epi_bounds(struct sim *s, const struct sim_queue *q,
    uint32_t view, uint32_t epi, int64_t m, int64_t n);

/* ---- finish.c ---- */

/* Statistics of the run. */
void sim_finish(struct sim *s, double wall);

/* ---- sim.c ---- */

/* " (conv1, Conv)": the source op of an instruction, or nothing. */
const char *sim_op_text(const struct sim *s, const struct sim_insn *in,
    char *buf, size_t size);

/* Counters of the instruction's source op. */
static inline struct sim_counters *
sim_count(struct sim *s, const struct sim_insn *in)
{
	return &s->ops[in->source];
}

/* Order of queues among events of the same cycle. */
static inline uint64_t
sim_queue_key(const struct sim_queue *q)
{
	return EVENT_QUEUE | (uint64_t)q->group->id << 8 | (uint64_t)q->id;
}

static inline int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

#endif
