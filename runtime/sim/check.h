/* The program checker: every byte read was written before, and of any two
 * accesses to a byte by different queues, one of them writing, one is ordered
 * before the other by the code's semaphores. What the simulated schedule
 * happened to do does not matter: the order is that of vector clocks, which a
 * SIGNAL sends and a WAIT receives. */
#ifndef WAVE_RUNTIME_SIM_CHECK_H
#define WAVE_RUNTIME_SIM_CHECK_H

#include "runtime/sim/core.h"

struct check;

struct check *check_new(struct sim *s);
void check_free(struct check *c);

/* An entry starts: nothing before it is unordered, on-chip memory holds
 * nothing, DRAM what the program and earlier entries put there. */
void check_begin(struct check *c);
/* Reports what is left to report; false when the run was not clean. */
bool check_end(struct check *c);

/* A queue executes SIGNAL; the ticket stands for its clock. The signal
 * arrives and brings the semaphore to value. A queue passes WAIT sem >= want
 * (want > 0). */
uint32_t check_signal(struct check *c, int group, enum queue q);
void check_fire(struct check *c, int group, uint32_t sem, uint32_t ticket,
    int64_t value);
void check_wait(struct check *c, int group, enum queue q, uint32_t sem,
    int64_t want);

/* Queue co of every group is at a barrier: what one knows, all know. */
void check_barrier(struct check *c);

/* The accesses of the instruction at q->pc. */
void check_dma(struct check *c, const struct sim_queue *q,
    const struct dma *d, const struct access_dma *a, bool load);
void check_vec(struct check *c, const struct sim_queue *q, enum opcode op,
    const struct vec *v);
void check_view(struct check *c, const struct sim_queue *q,
    const struct sim_insn *in, bool store);

#endif
