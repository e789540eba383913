/* Parts of the canonicalize pass, by lowering class. Each looks at one node
 * and returns a value that equals its result 0, or NULL; a change in place
 * sets c->changed. */
#ifndef WAVE_PASSES_CANONICALIZE_H
#define WAVE_PASSES_CANONICALIZE_H

#include "passes/rewrite.h"

struct value *canon_unary(struct pass_ctx *c, struct node *n);
struct value *canon_binary(struct pass_ctx *c, struct node *n);
struct value *canon_cast(struct pass_ctx *c, struct node *n);
struct value *canon_move(struct pass_ctx *c, struct node *n);
struct value *canon_concat(struct pass_ctx *c, struct node *n);
struct value *canon_gather(struct pass_ctx *c, struct node *n);
struct value *canon_reduce(struct pass_ctx *c, struct node *n);
struct value *canon_sink(struct pass_ctx *c, struct node *n);
struct value *canon_matrix(struct pass_ctx *c, struct node *n);
struct value *canon_window(struct pass_ctx *c, struct node *n);

/* The value x of relu(x) or clip(x) of floats and its limits. */
struct value *as_clip(const struct node *n, double *lo, double *hi);

#endif
