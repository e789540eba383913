/* Vector instructions as loops over single elements. */
#ifndef WAVE_TESTS_LIB_VEC_NAIVE_H
#define WAVE_TESTS_LIB_VEC_NAIVE_H

#include "tests/lib/simgroup.h"

struct vec_case {
	struct vec v;
	int nops; /* destination and sources */
	int64_t base[1 + VEC_MAX_SRC];
	int64_t gbuf, wbuf; /* bytes */
};

struct vec_operand *vec_case_operand(struct vec *v, int i);

/* What the global buffer holds afterwards goes to want, a copy of it before;
 * false where an element lies outside. */
bool naive_map(const struct simgroup *s, const struct vec_case *c,
    uint8_t *want);
bool naive_reduce(const struct simgroup *s, const struct vec_case *c,
    uint8_t *want);
bool naive_window(const struct simgroup *s, const struct vec_case *c,
    uint8_t *want);

#endif
