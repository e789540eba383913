/* Transcendental functions that the loops evaluate over whole runs: sequences
 * of IEEE f64 operations without branches, so that they vectorise; the scalar
 * forms call the same code. isa_math.md states them; the polynomials come from
 * tests/unit/sim/make_vecmath.py. */
#ifndef WAVE_RUNTIME_SIM_VECMATH_H
#define WAVE_RUNTIME_SIM_VECMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define VM_LOG2E 0x1.71547652b82fep+0
#define VM_LN2_HI 0x1.62e42fefa3800p-1 /* 42 bits: its multiples are exact */
#define VM_LN2_LO 0x1.ef35793c76730p-45

static inline double
vm_from_bits(uint64_t u)
{
	double d;

	memcpy(&d, &u, sizeof d);
	return d;
}

static inline uint64_t
vm_bits(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof u);
	return u;
}

/* 2^n for a whole n, -1022 <= n <= 1023: added to 1.5 * 2^52 + 1023, n + 1023
 * stands in the lowest bits. */
static inline double
vm_pow2(double n)
{
	return vm_from_bits(vm_bits(n + (0x1.8p52 + 1023)) << 52);
}

/* v * 2^n, -1200 <= n <= 1100, in two steps that round once together. */
static inline double
vm_scale(double v, double n)
{
	double half = floor(n * 0.5);

	return v * vm_pow2(half) * vm_pow2(n - half);
}

/* (e^r - 1 - r) / r^2, |r| <= ln2 / 2. */
static inline double
vm_exp_poly(double r)
{
	double p = 0x1.61bfaa228dde5p-33;

	p = fma(p, r, 0x1.1f7f2776cfaf2p-29);
	p = fma(p, r, 0x1.ae642c82e33d5p-26);
	p = fma(p, r, 0x1.27e4d41966f2fp-22);
	p = fma(p, r, 0x1.71de3a5aa7bb7p-19);
	p = fma(p, r, 0x1.a01a01a9e991bp-16);
	p = fma(p, r, 0x1.a01a01a0196acp-13);
	p = fma(p, r, 0x1.6c16c16c15a68p-10);
	p = fma(p, r, 0x1.1111111111111p-7);
	p = fma(p, r, 0x1.5555555555557p-5);
	p = fma(p, r, 0x1.5555555555555p-3);
	return fma(p, r, 0.5);
}

/* x = n ln2 + r; returns n. */
static inline double
vm_exp_reduce(double x, double *r)
{
	double n = rint(x * VM_LOG2E);

	*r = fma(-n, VM_LN2_LO, fma(-n, VM_LN2_HI, x));
	return n;
}

static inline double
vm_clamp(double x, double lo, double hi)
{
	x = x < lo ? lo : x;
	return x > hi ? hi : x;
}

static inline double
vm_exp(double x)
{
	double r, n = vm_exp_reduce(vm_clamp(x, -746, 710), &r);

	return vm_scale(1 + fma(r * r, vm_exp_poly(r), r), n);
}

/* (e - 1) / (e + 1) with e = e^2|x|. */
static inline double
vm_tanh(double x)
{
	double r, n = vm_exp_reduce(vm_clamp(2 * fabs(x), 0, 40), &r);
	double scale = vm_pow2(n);
	double e = fma(scale, fma(r * r, vm_exp_poly(r), r), scale - 1);

	return copysign(e / (e + 2), x);
}

/* Of e^-|x|, which does not overflow. */
static inline double
vm_sigmoid(double x)
{
	double e = vm_exp(-fabs(x));

	return (x < 0 ? e : 1) / (1 + e);
}

/* erf(x) / x of s = x^2, |x| <= 1/2. */
static inline double
vm_erf_poly(double s)
{
	double p = 0x1.c60ae6747e9bcp-27;

	p = fma(p, s, -0x1.5d7686c510032p-23);
	p = fma(p, s, 0x1.b9d19f664b4c1p-20);
	p = fma(p, s, -0x1.f4d1cff2cac2fp-17);
	p = fma(p, s, 0x1.f9a324a327ab3p-14);
	p = fma(p, s, -0x1.c02db3f9d6c71p-11);
	p = fma(p, s, 0x1.565bcd0e5f5a0p-8);
	p = fma(p, s, -0x1.b82ce312889f2p-6);
	p = fma(p, s, 0x1.ce2f21a042be0p-4);
	p = fma(p, s, -0x1.812746b0379e7p-2);
	return fma(p, s, 0x1.20dd750429b6dp+0);
}

/* erfc(a) e^(a^2) (a + 2) of t = (a - 2) / (a + 2), 1/2 <= a <= 6. */
static inline double
vm_erfc_poly(double t)
{
	double p = -0x1.a44b47eab7a77p-23;

	p = fma(p, t, -0x1.1ce3efe6598bcp-21);
	p = fma(p, t, -0x1.200bdf73cae8bp-24);
	p = fma(p, t, 0x1.08ac543453c9cp-19);
	p = fma(p, t, 0x1.ec0173d1354b4p-19);
	p = fma(p, t, -0x1.2b4fe4ee8ab6ap-20);
	p = fma(p, t, -0x1.0e8a6777649ecp-16);
	p = fma(p, t, -0x1.6c09f7e56f2d5p-16);
	p = fma(p, t, 0x1.1e7795ea060d1p-15);
	p = fma(p, t, 0x1.2efa4b6fbec91p-13);
	p = fma(p, t, 0x1.2053f6cf86867p-15);
	p = fma(p, t, -0x1.5ba438edba9b0p-11);
	p = fma(p, t, -0x1.b6fbf983367bdp-11);
	p = fma(p, t, 0x1.9517bb7237dddp-9);
	p = fma(p, t, 0x1.a89eaff8573f9p-8);
	p = fma(p, t, -0x1.606e41552ae87p-6);
	p = fma(p, t, -0x1.2a88e6107d4d8p-5);
	p = fma(p, t, 0x1.1e2deea6b1176p-2);
	p = fma(p, t, -0x1.5fd386754eff9p-1);
	return fma(p, t, 0x1.058671b52c776p+0);
}

static inline double
vm_erf(double x)
{
	double a = vm_clamp(fabs(x), 0.5, 6), b = a + 2;
	double tail = vm_exp(-a * a) * vm_erfc_poly((a - 2) / b) / b;
	double near = x * vm_erf_poly(vm_clamp(x * x, 0, 0.25));

	return fabs(x) < 0.5 ? near : copysign(1 - tail, x);
}

#endif
