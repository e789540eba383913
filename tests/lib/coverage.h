/* What a set of graphs covers: forms of ops by dtype. */
#ifndef WAVE_TESTS_LIB_COVERAGE_H
#define WAVE_TESTS_LIB_COVERAGE_H

#include "ir/graph.h"
#include "support/str.h"

enum cover_column {
	COVER_F32, COVER_F16, COVER_BF16, COVER_F64, COVER_INT, COVER_BOOL,
	COVER_COLUMNS
};

struct coverage {
	int64_t *count; /* rows by columns */
	int64_t *ops;   /* by enum op: nodes of composite ops */
};

void coverage_init(struct arena *a, struct coverage *c);

/* Counts a graph as it is given and as it is after the passes. */
void coverage_model(struct coverage *c, const struct graph *g);
void coverage_legal(struct coverage *c, const struct graph *g);

/* Adds b to a. */
void coverage_add(struct coverage *a, const struct coverage *b);

/* The table; returns how many cells that must not be empty are. */
int coverage_print(struct strbuf *s, const struct coverage *c);

#endif
