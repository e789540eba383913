#include "backend/isa/program.h"

#include "support/vec.h"

#define NO_OP UINT32_MAX

uint32_t
program_insns(const struct wave_program *p, enum queue q)
{
	return (uint32_t)(p->code[q].size / 16);
}

/* Which op each instruction of a queue comes from; NULL without code. */
static uint32_t *
paint(struct arena *a, const struct wave_program *p, enum queue q)
{
	uint32_t n = program_insns(p, q);
	uint32_t *op = NEW_ARRAY(a, uint32_t, n > 0 ? n : 1);

	for (uint32_t i = 0; i < n; i++)
		op[i] = NO_OP;
	for (uint32_t s = 0; s < p->nsources; s++) {
		const struct wave_source *r = &p->sources[s];
		uint64_t end = (uint64_t)r->first + r->count;

		if (r->queue != (uint32_t)q)
			continue;
		for (uint64_t i = r->first; i < end && i < n; i++)
			op[i] = r->op;
	}
	return op;
}

const struct wave_source *
program_sources(struct arena *a, const struct wave_program *p,
    uint32_t *count)
{
	VEC(struct wave_source) v = { 0 };

	for (uint32_t q = 0; q < Q_COUNT; q++) {
		uint32_t n = program_insns(p, (enum queue)q), i = 0;
		uint32_t *op = paint(a, p, (enum queue)q);

		while (i < n) {
			struct wave_source s = { q, i, 0, op[i] };

			while (i < n && op[i] == s.op)
				i++;
			s.count = i - s.first;
			if (s.op != NO_OP)
				VEC_PUSH(a, &v, s);
		}
	}
	*count = (uint32_t)v.len;
	return v.data;
}
