#include "tests/lib/simgroup.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/unit.h"

const int64_t simgroup_idx[ISA_MAX_LOOPS];

static void
scramble(struct mem *m, uint64_t *seed)
{
	for (uint64_t i = 0; i < m->size; i++)
		m->data[i] = (uint8_t)(unit_random(seed) >> 40);
}

#define PAGE 4096

/* Bytes of a memory with a page on either side. */
static size_t
mapped(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE + 2 * PAGE;
}

static void
make(struct mem *m, size_t size, bool high)
{
	int fd = open("/dev/zero", O_RDWR);
	uint8_t *p = mmap(NULL, mapped(size), PROT_NONE, MAP_PRIVATE, fd, 0);
	size_t inner = mapped(size) - 2 * PAGE;

	assert_true(p != MAP_FAILED);
	close(fd);
	if (inner > 0)
		assert_int_equal(mprotect(p + PAGE, inner,
		    PROT_READ | PROT_WRITE), 0);
	m->data = p + PAGE + (high ? inner - size : 0);
	m->size = size;
}

static void
unmake(struct mem *m)
{
	uint8_t *p = m->data - (uintptr_t)m->data % PAGE - PAGE;

	assert_int_equal(munmap(p, mapped(m->size)), 0);
}

void
simgroup_init(struct simgroup *s, uint64_t seed, size_t dram, size_t gbuf,
    size_t wbuf)
{
	memset(s, 0, sizeof *s);
	s->seed = seed * 2 + 1;
	make(&s->dram, dram, unit_random(&s->seed) >> 40 & 1);
	make(&s->g.gbuf, gbuf, unit_random(&s->seed) >> 40 & 1);
	make(&s->g.wbuf, wbuf, unit_random(&s->seed) >> 40 & 1);
	s->tables.aff = s->aff;
	s->g.dram = &s->dram;
	s->g.tables = &s->tables;
	s->g.target = &s->target;
	simgroup_reset(s);
	simgroup_scramble(s);
}

void
simgroup_free(struct simgroup *s)
{
	unmake(&s->dram);
	unmake(&s->g.gbuf);
	unmake(&s->g.wbuf);
	free(s->g.array.pe.data);
	pool_free(s->g.pool);
}

void
simgroup_scramble(struct simgroup *s)
{
	scramble(&s->dram, &s->seed);
	scramble(&s->g.gbuf, &s->seed);
	scramble(&s->g.wbuf, &s->seed);
}

uint32_t
simgroup_aff(struct simgroup *s, int64_t base)
{
	uint32_t i = s->tables.naff++;

	assert_in_range(i, 1, SIMGROUP_AFFS - 1);
	s->aff[i] = (struct aff){.base = base};
	return i;
}

void
simgroup_reset(struct simgroup *s)
{
	s->tables.naff = 1;
}

int64_t
random_int(uint64_t *seed, int64_t lo, int64_t hi)
{
	uint64_t n = (uint64_t)(hi - lo) + 1;

	return lo + (int64_t)((unit_random(seed) >> 16) % n);
}

float
random_float(uint64_t *seed)
{
	static const float special[] = {0.0f, -0.0f, 1, -1, 0x1p-149f,
	    -0x1p-149f, 0x1.fffffcp-127f, 0x1p-126f, 0x1.fffffep127f,
	    -0x1.fffffep127f, INFINITY, -INFINITY, NAN, 0.5f, 2, 1e20f};
	uint32_t bits = (uint32_t)(unit_random(seed) >> 20);
	float v;

	switch (random_int(seed, 0, 39)) {
	case 0:
		return special[bits % (sizeof special / sizeof *special)];
	case 1:
		memcpy(&v, &bits, sizeof v);
		return v;
	case 2:
		return (float)random_int(seed, -4, 4);
	default:
		return ldexpf((float)random_int(seed, -0xffffff, 0xffffff),
		    (int)random_int(seed, -26, -20));
	}
}

uint32_t
float_bits(float v)
{
	uint32_t b;

	memcpy(&b, &v, sizeof b);
	return isnan(v) ? 0x7fc00000u : b;
}

struct extent
random_strides(uint64_t *seed, int rank, const int64_t *size, int64_t elem,
    int64_t *stride)
{
	struct extent e = {0, elem};
	int order[16], tidy = random_int(seed, 0, 2) != 0;
	int64_t step = elem;

	assert_in_range(rank, 1, 16);
	for (int i = 0; i < rank; i++)
		order[i] = rank - 1 - i;
	for (int i = rank - 1; i > 0 && !tidy; i--) {
		int j = (int)random_int(seed, 0, i), k = order[i];

		order[i] = order[j];
		order[j] = k;
	}
	for (int i = 0; i < rank; i++) {
		int d = order[i];
		bool back = random_int(seed, 0, 7) == 0;

		stride[d] = back ? -step : step;
		*(back ? &e.low : &e.high) += stride[d] * (size[d] - 1);
		step *= size[d];
		if (random_int(seed, 0, 7) == 0)
			step += random_int(seed, 1, 9);
	}
	return e;
}

int64_t
hostile_int(uint64_t *seed)
{
	static const int64_t v[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, 2,
	    4, INT64_MAX, INT64_MAX - 1, (int64_t)1 << 62, -((int64_t)1 << 62),
	    (int64_t)1 << 40, 0x5555555555555555, 1024, -1024};

	return random_int(seed, 0, 2) ? random_int(seed, -8, 40) :
	    v[random_int(seed, 0, sizeof v / sizeof *v - 1)];
}

int
usable_loops(const struct sim_loops *out[3])
{
	int n = 0;

	out[n++] = &sim_loops_portable;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		out[n++] = &sim_loops_avx2;
	if (sim_loops_best() == &sim_loops_avx512)
		out[n++] = &sim_loops_avx512;
#endif
	return n;
}
