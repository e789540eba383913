/* Closed forms of time: how long each instruction occupies its unit and when
 * its result is there. One function per rule; the PE-by-PE model under tests/
 * measures the same quantities independently. All results are cycles. */
#ifndef WAVE_RUNTIME_SIM_TIME_H
#define WAVE_RUNTIME_SIM_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include <wave/target.h>

#include "backend/isa/isa.h"

/* Occupancy of a port that moves bw bytes per cycle; bw 0 is no limit. */
int64_t time_port(int64_t bytes, int64_t bw);

/* LdLBUF_V and LdLBUF_H: occupancy and latency of the loader. */
int64_t time_load(const struct wave_target *t, bool stationary,
    int64_t bytes);

/* StLBUF and LdOBUF: occupancy and latency of the drain. */
int64_t time_drain(const struct wave_target *t, int64_t bytes);

/* ShiftV of k rows: occupancy of the weight shift path and latency to the
 * tile being in place. */
int64_t time_shift(const struct wave_target *t, int64_t k);

/* ExecGEMM of m rows. shift is time_shift of its tile when it is the first
 * ExecGEMM after a ShiftV, else 0.
 *
 * Occupancy: the array's interval from this ExecGEMM to the next one of the
 * same shape. Latency: from the start of its tile's shift (without weight
 * double buffering) or of its first row (with it) to the last sum. */
int64_t time_exec_occupancy(const struct wave_target *t, int64_t m,
    int64_t shift);
int64_t time_exec_latency(const struct wave_target *t, int64_t m,
    int64_t shift);

/* From the first row entering to the last sum of m rows leaving. */
int64_t time_stream_latency(const struct wave_target *t, int64_t m);

/* From the first row of an ExecGEMM to the first cycle in which an ExecGEMM
 * that continues the same sums may start: a sum leaves its column after
 * `rows` PEs and enters at the top again. */
int64_t time_sum_latency(const struct wave_target *t);

/* Cycles a DRAM transfer holds the DRAM server. */
int64_t time_dram(const struct wave_target *t, int64_t bytes);

/* Vector operations per cycle for an operand set; 0: no limit. */
int64_t time_lanes(const struct wave_target *t, const struct vec *v);

/* Occupancy and latency of a vector instruction: ops = elements * steps. */
int64_t time_vec(const struct wave_target *t, int64_t lanes, int64_t ops,
    int64_t bytes);

/* ---- the array as a state machine ----
 *
 * Without weight double buffering the tile shifts through the registers that
 * multiply, so a shift starts when the last row has entered. With it the next
 * tile shifts into shadow registers from the cycle in which the previous tile
 * was swapped in, and ExecGEMM starts when the tile is complete. Hence the
 * interval between two ExecGEMM is max(m of the first, shift of the second)
 * with double buffering, their sum without. */
struct array_time {
	int64_t shift_free;  /* the shift path is free and its tile complete */
	int64_t stream_free; /* the last row of the last ExecGEMM is in */
	int64_t last;        /* start of the last ExecGEMM: the array works in
	                        order, and that swapped its tile in */
	bool fresh;          /* a complete tile waits for its swap */
};

/* Both return the start, at or after ready, and advance the state. */
int64_t array_shift(struct array_time *a, const struct wave_target *t,
    int64_t ready, int64_t k);
int64_t array_exec(struct array_time *a, int64_t ready, int64_t m);

#endif
