/* SplitMix64 (Steele, Lea and Flood 2014): numbers from a counter. */
#ifndef WAVE_RUNTIME_MIX_H
#define WAVE_RUNTIME_MIX_H

#include <stdint.h>

static inline uint64_t
mix64(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* The next number of a stream. */
static inline uint64_t
mix_next(uint64_t *state)
{
	uint64_t v = mix64(*state);

	*state += UINT64_C(0x9e3779b97f4a7c15);
	return v;
}

/* 0 to n - 1, n below 2^32: the high half of a product (Lemire 2019), without
 * its rejection; the bias is below n / 2^32. */
static inline uint32_t
mix_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((mix_next(state) >> 32) * n >> 32);
}

#endif
