/* Graphs for tests: from short texts, and a valid sample of every op. */
#ifndef WAVE_TESTS_LIB_GRAPHS_H
#define WAVE_TESTS_LIB_GRAPHS_H

#include "ir/graph.h"
#include "support/str.h"

/* An arena and the diagnostics reported so far, one per line: "text", or
 * "LINE:COL: text" where the position is known. */
struct lab {
	struct arena *arena;
	struct diag diag;
	struct strbuf log;
};

void lab_open(struct lab *l);
void lab_close(struct lab *l);
void lab_clear(struct lab *l); /* forgets the diagnostics */
const char *lab_log(const struct lab *l); /* "" when there were none */

/* The graph of these statement lines, NULL with diagnostics in the log. The
 * first line of body is line 3 of the text. */
struct graph *lab_graph(struct lab *l, const char *body);

/* A graph of one node of op on inputs of the given types, separated by
 * blanks: "f32[1,2] _ i64[2]=[1,2]", the last of them a constant. attrs as in
 * the text form, without braces, may be "". Result 0 is output "y". */
struct graph *lab_node(struct lab *l, const char *op, const char *types,
    const char *attrs);

/* A valid graph of one node, of this op; NULL when the table has no
 * sample for the op's shape rule, which is a fault of the table. */
struct graph *lab_sample(struct lab *l, enum op op);

#endif
