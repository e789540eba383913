/* Programs as a whole: is the machine code valid, and which op does an
 * instruction come from. */
#ifndef WAVE_BACKEND_ISA_PROGRAM_H
#define WAVE_BACKEND_ISA_PROGRAM_H

#include <wave/object.h>

#include "backend/isa/isa.h"

/* Decodes the descriptor tables into t and checks all code: encodings, queues,
 * descriptors, loops balanced and at most 8 deep, one HALT at the end of
 * each slice, semaphores declared, extents within the target. name is for the
 * one diagnostic. What it accepts can only fail at run time by an address
 * outside a memory or a deadlock. */
bool program_validate(struct arena *a, struct diag *d, const char *name,
    const struct wave_program *p, struct isa_tables *t);

/* Instructions in a queue's code. */
uint32_t program_insns(const struct wave_program *p, enum queue q);

/* The map of sources in normal form: ordered by queue and first instruction,
 * disjoint, neighbours of one op joined; where rows overlap the last one
 * holds. Rows outside the code are dropped. */
const struct wave_source *program_sources(struct arena *a,
    const struct wave_program *p, uint32_t *count);

#endif
