/* The ISA simulator: a device that runs programs, event-driven over queues.
 * Values, cycles, traffic and energy; see backend/isa/DESIGN.md. */
#ifndef WAVE_RUNTIME_SIM_SIM_H
#define WAVE_RUNTIME_SIM_SIM_H

#include <stdio.h>

#include <wave/object.h>

#include "runtime/device.h"
#include "runtime/sim/stats.h"

struct sim_options {
	bool timing_only; /* move no data */
	bool check;       /* find races, uninitialised reads, wrong exits */
	bool record;      /* keep what trace and report need */
	int threads;      /* host threads of the value kernels; 0: 1 */
	FILE *log;        /* each instruction as it is dispatched, or NULL */
	int64_t max_instructions; /* trap beyond; 0: no limit */
};

/* A simulated machine with the program's initial DRAM. The program must
 * outlive it. NULL after one diagnostic: a descriptor table that does not
 * decode, memory that the target or the host does not have. */
struct device *sim_open(const struct wave_program *p,
    const struct sim_options *o, struct diag *d);

/* Statistics of the last run that succeeded, else NULL. They live until the
 * next run. */
const struct sim_stats *sim_stats(const struct device *dev);

/* The recorded activity of the last run (option record), else NULL. */
const struct sim_record *sim_record(const struct device *dev);

#endif
