/* Inside checkpoints: the format that the writer and the reader share. */
#ifndef WAVE_RUNTIME_CHECKPOINT_FORMAT_H
#define WAVE_RUNTIME_CHECKPOINT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

#define CK_MAGIC "WAVECKPT"
#define CK_END "END\n"
#define CK_HEADER 104 /* bytes before the options text */
#define CK_TRAILER 8

/* Offsets in the header. */
enum {
	AT_VERSION = 8,
	AT_TENSORS = 12,
	AT_SIZE = 16,
	AT_MODEL = 24,
	AT_STEP = 32,
	AT_EPOCH = 40,
	AT_INDEX = 48,
	AT_BATCHES = 56,
	AT_SEED = 64,
	AT_LOSS = 72,
	AT_RIGHT = 80,
	AT_ANSWERS = 88,
	AT_TEXT = 96,
	AT_CRC = 100
};

/* Little-endian numbers of so many bytes. */
static inline void
ck_put(uint8_t *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static inline uint64_t
ck_get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = bytes - 1; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* Zeros that follow n bytes, up to a multiple of 8. */
static inline size_t
ck_pad(size_t n)
{
	return (8 - n % 8) % 8;
}

/* CRC-32, going on from the sum of the bytes before (0: none). */
static inline uint32_t
ck_crc(uint32_t seed, const void *p, size_t n)
{
	return n > 0 ? (uint32_t)crc32_z(seed, p, n) : seed;
}

#endif
