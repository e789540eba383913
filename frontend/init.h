/* Initial weights: the same bits on every host for the same seed and name. */
#ifndef WAVE_FRONTEND_INIT_H
#define WAVE_FRONTEND_INIT_H

#include <stdint.h>

#include "support/dtype.h"

/* How a parameter starts. The fan kinds depend on its fans: the inputs one
 * output sums over (in) and the outputs one input reaches (out). */
enum init_kind {
	INIT_CONSTANT,       /* a */
	INIT_UNIFORM,        /* [a, b) */
	INIT_NORMAL,         /* mean a, deviation b */
	INIT_HE_NORMAL,      /* deviation sqrt(2 / fan); He et al. 2015 */
	INIT_HE_UNIFORM,     /* +-sqrt(6 / fan) */
	INIT_GLOROT_NORMAL,  /* deviation sqrt(2 / (in + out)); Glorot 2010 */
	INIT_GLOROT_UNIFORM, /* +-sqrt(6 / (in + out)) */
	INIT_FAN_UNIFORM,    /* +-1 / sqrt(fan): PyTorch's default */
};

struct init {
	enum init_kind kind;
	double a, b;
	bool fan_out; /* fan: out instead of in */
};

/* The same without fans: INIT_CONSTANT, INIT_UNIFORM or INIT_NORMAL. A fan
 * below 1 counts as 1. */
struct init init_resolve(const struct init *i, double fan_in, double fan_out);

/* Fills n elements. i is resolved. The random numbers are Philox 4x32-10 with
 * the key hash(name) + seed * 0x9e3779b97f4a7c15 mod 2^64 (low word first; hash
 * is FNV-1a) and the counter (e / 4, 0) for element e, which takes word e mod 4.
 * Uniform: u = (word + 0.5) / 2^32, a + (b - a) u. Normal: Box and Muller's
 * transform, elements 2j and 2j + 1 from their two words. Only +, -, *, / and
 * sqrt of doubles are used, so no host's libm shows. */
void init_fill(void *data, enum dtype t, int64_t n, const struct init *i,
    uint64_t seed, const char *name);

/* Ten rounds of Philox 4x32; Salmon et al., SC 2011. */
void philox4x32(const uint32_t counter[4], const uint32_t key[2],
    uint32_t out[4]);

#endif
