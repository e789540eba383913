/* Checks that adding a node and verifying it share, and the use lists. Inside
 * ir/ only. */
#ifndef WAVE_IR_CHECK_H
#define WAVE_IR_CHECK_H

#include "ir/graph.h"

/* Operand and result counts, and which operands may be left out. False with
 * a message in msg. */
bool check_counts(enum op op, struct value *const *in, int nin, int nout,
    char *msg, size_t size);

/* The attributes are those of the row, in its order, in range. */
bool check_attrs(enum op op, const struct attr *attrs, int nattrs, char *msg,
    size_t size);

/* Operand i of n, which is unset, becomes v; and the reverse. */
void use_add(struct graph *g, struct node *n, int i, struct value *v);
void use_drop(struct node *n, int i);

#endif
