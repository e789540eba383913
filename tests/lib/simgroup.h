/* A group of the simulated machine for tests of the kernels: memories of any
 * size full of random bytes, and a table of constant addresses. Each memory
 * lies between pages that cannot be touched, so close to the upper or the
 * lower one that any step outside on that side ends the test. */
#ifndef WAVE_TESTS_LIB_SIMGROUP_H
#define WAVE_TESTS_LIB_SIMGROUP_H

#include <wave/target.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/pool.h"

#define SIMGROUP_AFFS 64

struct simgroup {
	struct exec_group g;
	struct isa_tables tables;
	struct aff aff[SIMGROUP_AFFS];
	struct wave_target target;
	struct mem dram;
	uint64_t seed;
};

void simgroup_init(struct simgroup *s, uint64_t seed, size_t dram,
    size_t gbuf, size_t wbuf);
void simgroup_free(struct simgroup *s);

/* New random bytes in all three memories. */
void simgroup_scramble(struct simgroup *s);

/* An index whose value is base; forgets all with simgroup_reset. */
uint32_t simgroup_aff(struct simgroup *s, int64_t base);
void simgroup_reset(struct simgroup *s);

/* Loop indices, all 0. */
extern const int64_t simgroup_idx[ISA_MAX_LOOPS];

/* Uniform in lo..hi. */
int64_t random_int(uint64_t *seed, int64_t lo, int64_t hi);

/* A float: mostly of moderate size, sometimes anything at all. */
float random_float(uint64_t *seed);

/* The bits of v; every NaN as the canonical quiet one. */
uint32_t float_bits(float v);

/* Byte strides for a box of elements of elem bytes that do not overlap: dense
 * in some order, some with gaps, some reversed. Addresses from the box's first
 * element reach down to *low and up to *high, its last byte. */
struct extent {
	int64_t low, high;
};
struct extent random_strides(uint64_t *seed, int rank, const int64_t *size,
    int64_t elem, int64_t *stride);

/* A number that is good at making 64-bit arithmetic overflow. */
int64_t hostile_int(uint64_t *seed);

/* The builds of the loops that this host runs. */
int usable_loops(const struct sim_loops *out[3]);

#endif
