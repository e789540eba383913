/* Addresses of the simulated machine: arithmetic modulo 2^64, as aff_eval
 * does it, so that no descriptor is undefined behaviour; and the one place that
 * decides whether an access lies inside a memory. */
#ifndef WAVE_RUNTIME_SIM_MEM_H
#define WAVE_RUNTIME_SIM_MEM_H

#include "runtime/sim/exec.h"

/* a + b, a - b and a * b modulo 2^64. */
static inline int64_t
wrap_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t
wrap_sub(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t
wrap_mul(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a * (uint64_t)b);
}

/* a + i * b modulo 2^64. */
static inline int64_t
wrap_step(int64_t a, int64_t i, int64_t b)
{
	return wrap_add(a, wrap_mul(i, b));
}

/* Do all elements of size bytes at addr + i * step, 0 <= i < n, lie in m? A
 * step that leaves [0, 2^63) left the memory before. */
static inline bool
mem_holds(const struct mem *m, int64_t addr, int64_t n, int64_t step,
    int64_t size)
{
	int64_t room = (int64_t)m->size - size, last;

	if (n <= 0)
		return true;
	if (addr < 0 || addr > room)
		return false;
	return n == 1 || (!__builtin_mul_overflow(n - 1, step, &last) &&
	    !__builtin_add_overflow(addr, last, &last) && last >= 0 &&
	    last <= room);
}

/* The same for a matrix of n0 x n1 elements. */
static inline bool
mem_holds2(const struct mem *m, int64_t addr, int64_t n0, int64_t step0,
    int64_t n1, int64_t step1, int64_t size)
{
	return n0 <= 0 || n1 <= 0 ||
	    (mem_holds(m, addr, n0, step0, size) &&
	    mem_holds(m, addr, n1, step1, size) &&
	    mem_holds(m, addr + (n0 - 1) * step0, n1, step1, size));
}

/* Bytes [low, high) that a box of elements touches, relative to its first
 * element. */
struct mem_range {
	int64_t low, high;
};

/* False when they are beyond 64 bits. Empty boxes touch nothing: 0, 0. */
bool mem_box(int rank, const int64_t *size, const int64_t *stride,
    int64_t elem, struct mem_range *out);

/* Does a box with this range, first element at addr, lie in m? */
static inline bool
mem_holds_range(const struct mem *m, int64_t addr, const struct mem_range *r)
{
	int64_t low, high;

	return r->low == r->high ||
	    (!__builtin_add_overflow(addr, r->low, &low) &&
	    !__builtin_add_overflow(addr, r->high, &high) && low >= 0 &&
	    high <= (int64_t)m->size);
}

/* True when no two elements of a box share a byte (false also where that is
 * not plain to see), so threads may share the box. */
bool mem_apart(int rank, const int64_t *size, const int64_t *stride,
    int64_t elem);

/* Do [a + r, ...) and [b + s, ...) share a byte? */
static inline bool
mem_meet(int64_t a, const struct mem_range *r, int64_t b,
    const struct mem_range *s)
{
	return wrap_add(a, r->low) < wrap_add(b, s->high) &&
	    wrap_add(b, s->low) < wrap_add(a, r->high);
}

#endif
