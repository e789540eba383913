/* What loads, waves and drains share. */
#ifndef WAVE_RUNTIME_SIM_BANK_H
#define WAVE_RUNTIME_SIM_BANK_H

#include "runtime/sim/mem.h"

/* Causes of traps. */
#define outside_memory "address outside the memory"
#define outside_view "tile outside its view"

/* Room for rows x cols values, which become its extents. */
bool bank_reserve(struct bank *b, int64_t rows, int64_t cols,
    const char **why);

/* The memory that matrix instructions address; NULL for other spaces. */
const struct mem *bank_memory(const struct exec_group *g, enum space s);

/* Element types of the matrix unit. */
static inline bool
bank_dtype(enum dtype t)
{
	return t == DT_F32 || t == DT_F16 || t == DT_BF16;
}

#endif
