#include "frontend/init.h"

#include <math.h>
#include <string.h>

#include "support/diag.h"
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

/* ln x of a normal positive x: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and
 * ln m = 2 artanh((m - 1) / (m + 1)) by its series, below 2^-50. */
static double
plain_log(double x)
{
	int e;
	double m = frexp(x, &e), s, s2, sum = 0;

	if (m < 0.70710678118654752) {
		m *= 2;
		e--;
	}
	s = (m - 1) / (m + 1);
	s2 = s * s;
	for (int k = 21; k >= 1; k -= 2)
		sum = sum * s2 + 1.0 / k;
	return e * 0.69314718055994531 + 2 * s * sum;
}

/* Sine and cosine of 2 pi t, 0 <= t < 1, by their series within an eighth of
 * a turn of the nearest quarter. */
static void
plain_sincos(double t, double *sine, double *cosine)
{
	int quarter = (int)(t * 4 + 0.5);
	double x = (t - quarter * 0.25) * 6.2831853071795865, x2 = x * x;
	double s = 1, c = 1;

	for (int k = 16; k >= 2; k -= 2) {
		c = 1 - c * x2 / (k * (k - 1));
		s = 1 - s * x2 / (k * (k + 1));
	}
	s *= x;
	switch (quarter & 3) {
	case 0: *sine = s; *cosine = c; break;
	case 1: *sine = c; *cosine = -s; break;
	case 2: *sine = -s; *cosine = -c; break;
	case 3: *sine = -c; *cosine = s; break;
	}
}

static double
unit(uint32_t word)
{
	return ((double)word + 0.5) / 4294967296.0;
}

static void
normal_pair(const uint32_t w[2], double v[2])
{
	double r = sqrt(-2 * plain_log(unit(w[0])));

	plain_sincos(unit(w[1]), &v[1], &v[0]);
	v[0] *= r;
	v[1] *= r;
}

void
init_fill(void *data, enum dtype t, int64_t n, const struct init *i,
    uint64_t seed, const char *name)
{
	uint64_t hash = hash_bytes(WAVE_HASH_SEED, name, strlen(name)) +
	    seed * 0x9e3779b97f4a7c15u;
	uint32_t key[2] = {(uint32_t)hash, (uint32_t)(hash >> 32)};
	uint32_t counter[4] = {0}, w[4];
	double v[4];

	if (i->kind > INIT_NORMAL)
		ice("init_fill", "fans are not resolved");
	for (int64_t at = 0; at < n; at += 4) {
		counter[0] = (uint32_t)(at / 4);
		counter[1] = (uint32_t)((uint64_t)at / 4 >> 32);
		if (i->kind != INIT_CONSTANT)
			philox4x32(counter, key, w);
		if (i->kind == INIT_NORMAL) {
			normal_pair(w, v);
			normal_pair(w + 2, v + 2);
		}
		for (int64_t k = 0; k < 4 && at + k < n; k++) {
			double x = i->a;

			if (i->kind == INIT_UNIFORM)
				x += (i->b - i->a) * unit(w[k]);
			else if (i->kind == INIT_NORMAL)
				x += i->b * v[k];
			dtype_set(data, t, (size_t)(at + k), x);
		}
	}
}
