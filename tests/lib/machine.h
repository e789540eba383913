/* Programs for the simulator, put together instruction by instruction. */
#ifndef WAVE_TESTS_LIB_MACHINE_H
#define WAVE_TESTS_LIB_MACHINE_H

#include "backend/isa/isa.h"
#include "runtime/sim/sim.h"
#include "support/vec.h"
#include "tests/lib/unit.h"

struct machine {
	struct unit *u;
	struct wave_program p;
	VEC(struct aff) aff;
	VEC(struct view) view;
	VEC(struct epi) epi;
	VEC(struct dma) dma;
	VEC(struct vec) vec;
	VEC(struct insn_word) code[Q_COUNT];
	VEC(struct wave_source) source;
	VEC(struct wave_op) op;
	VEC(struct wave_binding) binding;
	struct wave_entry entry;
	bool count_exit; /* declare the exits that the signals add up to */
	uint32_t exits[64];
	struct sim_options options;
	struct device *dev;
};

/* A 4x4 machine without limits or latencies: memory of 64 KiB each, one
 * group, timing only; change m->p.target, sizes and options as needed. */
struct machine *machine_new(struct unit *u);

/* Descriptors; each returns its index. */
uint32_t m_aff(struct machine *m, struct aff a);
uint32_t m_const(struct machine *m, int64_t v);
uint32_t m_view(struct machine *m, struct view v);
/* rows x cols elements of dtype at base, row_bytes apart. */
uint32_t m_matrix(struct machine *m, enum space space, int64_t base,
    enum dtype dtype, int64_t rows, int64_t cols, int64_t row_bytes);
uint32_t m_epi(struct machine *m, struct epi e);
uint32_t m_dma(struct machine *m, struct dma d);
/* A plain copy of bytes between dram and on-chip addresses. */
uint32_t m_copy(struct machine *m, enum space space, int64_t dram,
    int64_t chip, int64_t bytes);
uint32_t m_vec(struct machine *m, struct vec v);
/* n f32 elements from src to dst in the GBUF. */
uint32_t m_move(struct machine *m, int64_t src, int64_t dst, int64_t n);

/* Code. */
void m_insn(struct machine *m, enum queue q, struct insn in);
void m_nop(struct machine *m, enum queue q);
void m_loop(struct machine *m, enum queue q, int64_t count);
void m_endloop(struct machine *m, enum queue q);
void m_signal(struct machine *m, enum queue q, int64_t sem, int64_t by);
void m_wait(struct machine *m, enum queue q, int64_t sem, int64_t value);
void m_load(struct machine *m, uint32_t dma);
void m_store(struct machine *m, uint32_t dma);
void m_vmap(struct machine *m, uint32_t vec);
void m_ldv(struct machine *m, uint32_t view, int64_t k, int64_t n,
    uint32_t bank);
void m_ldh(struct machine *m, uint32_t view, int64_t rows, int64_t k,
    uint32_t bank);
void m_shift(struct machine *m, int64_t k, int64_t n, uint32_t bank);
void m_exec(struct machine *m, int64_t first, int64_t rows, int64_t k,
    int64_t n, uint32_t bank, uint32_t obuf);
void m_drain(struct machine *m, uint32_t view, int64_t rows, int64_t n,
    uint32_t epi, uint32_t obuf);

/* From here on instructions belong to a new op; returns its index. */
uint32_t m_source(struct machine *m, const char *name, int64_t macs);

/* Ends all queues, opens the device. Then runs; false after a diagnostic. */
void machine_open(struct machine *m);
bool machine_run(struct machine *m);
/* Both, expecting success, and the statistics. */
const struct sim_stats *machine_stats(struct machine *m);
void machine_free(struct machine *m);

#endif
