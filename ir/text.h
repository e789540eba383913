/* Text form of the graph IR (.wgr), DOT output, and the verifier. */
#ifndef WAVE_IR_TEXT_H
#define WAVE_IR_TEXT_H

#include "ir/graph.h"
#include "support/str.h"

/* Prints g; graph_parse of the result prints to the same bytes. Constants are
 * printed in full when constants is true, else as "..." with a hash (for
 * dumps, which do not parse back). */
void graph_print(struct strbuf *out, const struct graph *g, bool constants);

/* Parses .wgr text. Several errors are reported, each with line and column;
 * NULL when there was any. name is the path for diagnostics. */
struct graph *graph_parse(struct arena *a, struct diag *d, const char *name,
    const char *text, size_t len);

/* Graphviz DOT: nodes with op, shape and location. */
void graph_dot(struct strbuf *out, const struct graph *g);

/* Checks every rule of IR.md: def before use, use lists, shapes re-inferred,
 * attributes, unique names, single assignment. Reports each violation as
 * "after PASS: OBJECT: RULE" and returns false. */
bool graph_verify(const struct graph *g, struct diag *d, const char *pass);

#endif
