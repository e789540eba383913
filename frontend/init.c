#include "frontend/init.h"

#include <math.h>
#include <string.h>

#include "support/diag.h"
#include "support/parallel.h"
#include "support/str.h"

/* Multipliers and key increments: Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011. */
#define PHILOX_M0 0xd2511f53u
#define PHILOX_M1 0xcd9e8d57u
#define PHILOX_W0 0x9e3779b9u
#define PHILOX_W1 0xbb67ae85u

void
philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c[4], k0 = key[0], k1 = key[1];

	memcpy(c, counter, sizeof c);
	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)PHILOX_M0 * c[0];
		uint64_t p1 = (uint64_t)PHILOX_M1 * c[2];
		uint32_t h0 = (uint32_t)(p0 >> 32), h1 = (uint32_t)(p1 >> 32);

		c[0] = h1 ^ c[1] ^ k0;
		c[1] = (uint32_t)p1;
		c[2] = h0 ^ c[3] ^ k1;
		c[3] = (uint32_t)p0;
		k0 += PHILOX_W0;
		k1 += PHILOX_W1;
	}
	memcpy(out, c, sizeof c);
}

struct init
init_resolve(const struct init *i, double fan_in, double fan_out)
{
	double in = fan_in < 1 ? 1 : fan_in, out = fan_out < 1 ? 1 : fan_out;
	double fan = i->fan_out ? out : in, b = 0;
	struct init r = {.kind = INIT_UNIFORM};

	switch (i->kind) {
	case INIT_CONSTANT:
	case INIT_UNIFORM:
	case INIT_NORMAL: return *i;
	case INIT_HE_NORMAL:
		return (struct init){.kind = INIT_NORMAL, .b = sqrt(2 / fan)};
	case INIT_GLOROT_NORMAL:
		return (struct init){.kind = INIT_NORMAL,
		    .b = sqrt(2 / (in + out))};
	case INIT_HE_UNIFORM: b = sqrt(6 / fan); break;
	case INIT_GLOROT_UNIFORM: b = sqrt(6 / (in + out)); break;
	case INIT_FAN_UNIFORM: b = 1 / sqrt(fan); break;
	}
	r.a = -b;
	r.b = b;
	return r;
}

/* Random numbers are made a block at a time, each step for all of it, so that a
 * compiler can use vectors. */
#define BLOCK 256
#define PAIRS (BLOCK / 2)

/* Words 0 to BLOCK - 1 from the counter on. */
static void
random_words(uint64_t counter, const uint32_t key[2], uint32_t *word)
{
	for (uint64_t i = 0; i < BLOCK / 4; i++) {
		uint64_t at = counter + i;
		uint32_t c[4] = {(uint32_t)at, (uint32_t)(at >> 32)};

		philox4x32(c, key, word + 4 * i);
	}
}

/* (word + 0.5) / 2^32 of every second word. */
static void
units(const uint32_t *word, double *u)
{
	for (int i = 0; i < PAIRS; i++)
		u[i] = ((double)word[2 * i] + 0.5) / 4294967296.0;
}

/* x = m 2^e, 1/2 <= m < 1, of positive normal numbers x. */
static void
split(const double *x, double *m, double *e)
{
	uint64_t bits[PAIRS];
	int32_t power[PAIRS];

	memcpy(bits, x, sizeof bits);
	for (int i = 0; i < PAIRS; i++)
		power[i] = (int32_t)(bits[i] >> 52) - 1022;
	for (int i = 0; i < PAIRS; i++)
		bits[i] = (bits[i] & 0xfffffffffffffu) | 0x3fe0000000000000u;
	memcpy(m, bits, sizeof bits);
	for (int i = 0; i < PAIRS; i++)
		e[i] = power[i];
}

/* ln x of positive normal numbers x: x = m 2^e with m in [sqrt(1/2), sqrt(2)),
 * and ln m = 2 artanh((m - 1) / (m + 1)) by its series, below 2^-50. */
static void
logarithms(const double *x, double *ln)
{
	static const double series[] = {1, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9,
	    1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21};
	double m[PAIRS], e[PAIRS], s[PAIRS], sum[PAIRS] = {0};

	split(x, m, e);
	for (int i = 0; i < PAIRS; i++) {
		double low = m[i] < 0.70710678118654752 ? 1 : 0;

		m[i] += low * m[i];
		e[i] -= low;
		s[i] = (m[i] - 1) / (m[i] + 1);
	}
	for (size_t k = sizeof series / sizeof *series; k-- > 0;)
		for (int i = 0; i < PAIRS; i++)
			sum[i] = sum[i] * (s[i] * s[i]) + series[k];
	for (int i = 0; i < PAIRS; i++)
		ln[i] = e[i] * 0.69314718055994531 + 2 * s[i] * sum[i];
}

/* Sines and cosines of 2 pi t, 0 <= t < 1, by their series within an eighth of
 * a turn of the nearest quarter. */
static void
sines_cosines(const double *t, double *sine, double *cosine)
{
	/* 1 / (k (k - 1)) and 1 / (k (k + 1)) of even k */
	static const double cosines[] = {1.0 / 2, 1.0 / 12, 1.0 / 30,
	    1.0 / 56, 1.0 / 90, 1.0 / 132, 1.0 / 182, 1.0 / 240};
	static const double sines[] = {1.0 / 6, 1.0 / 20, 1.0 / 42, 1.0 / 72,
	    1.0 / 110, 1.0 / 156, 1.0 / 210, 1.0 / 272};
	int32_t quarter[PAIRS];
	double x[PAIRS], s[PAIRS], c[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		quarter[i] = (int32_t)(t[i] * 4 + 0.5);
		x[i] = (t[i] - quarter[i] * 0.25) * 6.2831853071795865;
		s[i] = c[i] = 1;
	}
	for (size_t k = sizeof cosines / sizeof *cosines; k-- > 0;)
		for (int i = 0; i < PAIRS; i++) {
			double x2 = x[i] * x[i];

			c[i] = 1 - c[i] * x2 * cosines[k];
			s[i] = 1 - s[i] * x2 * sines[k];
		}
	for (int i = 0; i < PAIRS; i++) {
		double odd = quarter[i] & 1, even = 1 - odd;
		double up = 1 - (quarter[i] & 2); /* 1, -1 */

		s[i] *= x[i];
		/* sin + k pi / 2: s, c, -s, -c; cos: c, -s, -c, s */
		sine[i] = up * (even * s[i] + odd * c[i]);
		cosine[i] = up * (even * c[i] - odd * s[i]);
	}
}

/* Normal numbers, each two of them from two words. */
static void
normal_block(const uint32_t *word, double *v)
{
	double u[PAIRS], r[PAIRS], sine[PAIRS], cosine[PAIRS];

	units(word, u);
	logarithms(u, r);
	units(word + 1, u);
	sines_cosines(u, sine, cosine);
	for (int i = 0; i < PAIRS; i++) {
		double radius = sqrt(-2 * r[i]);

		v[2 * i] = cosine[i] * radius;
		v[2 * i + 1] = sine[i] * radius;
	}
}

static void
block(const struct init *i, uint64_t counter, const uint32_t key[2],
    double *v)
{
	uint32_t word[BLOCK + 1]; /* units reads every second from 1 on */

	if (i->kind == INIT_CONSTANT) {
		for (int k = 0; k < BLOCK; k++)
			v[k] = i->a;
		return;
	}
	random_words(counter, key, word);
	if (i->kind == INIT_NORMAL) {
		normal_block(word, v);
		for (int k = 0; k < BLOCK; k++)
			v[k] = i->a + i->b * v[k];
		return;
	}
	for (int k = 0; k < BLOCK; k++)
		v[k] = i->a + (i->b - i->a) *
		    (((double)word[k] + 0.5) / 4294967296.0);
}

struct filling {
	void *data;
	enum dtype t;
	const struct init *i;
	uint32_t key[2];
};

#define THREAD_MIN (1 << 15) /* elements that are worth one */

static void
store(const struct filling *f, int64_t at, int64_t n, const double *v)
{
	float *to = f->data;

	if (f->t == DT_F32)
		for (int64_t k = 0; k < n; k++)
			to[at + k] = (float)v[k];
	else
		for (int64_t k = 0; k < n; k++)
			dtype_set(f->data, f->t, (size_t)(at + k), v[k]);
}

static void
fill(void *ctx, int64_t from, int64_t to)
{
	const struct filling *f = ctx;
	double v[BLOCK];

	for (int64_t at = from; at < to; at += BLOCK) {
		block(f->i, (uint64_t)at / 4, f->key, v);
		store(f, at, to - at < BLOCK ? to - at : BLOCK, v);
	}
}

void
init_fill(void *data, enum dtype t, int64_t n, const struct init *i,
    uint64_t seed, const char *name)
{
	uint64_t hash = hash_bytes(WAVE_HASH_SEED, name, strlen(name)) +
	    seed * 0x9e3779b97f4a7c15u;
	struct filling f = {data, t, i, {(uint32_t)hash,
	    (uint32_t)(hash >> 32)}};

	if (i->kind > INIT_NORMAL)
		ice("init_fill", "fans are not resolved");
	parallel_ranges(n, BLOCK, THREAD_MIN, fill, &f);
}
