/* Moving ops into the epilogue of a contraction. */
#ifndef WAVE_PASSES_EPILOGUE_H
#define WAVE_PASSES_EPILOGUE_H

#include "passes/rewrite.h"

/* Contractions with an epilogue: all but weight gradients. */
bool epilogue_op(enum op op);

/* u adds a vector along the channels of m's result, which only u reads: m
 * takes it as its bias. only_const: constants only. */
bool epilogue_bias(struct pass_ctx *c, struct node *m, struct node *u,
    bool only_const);

/* m takes the place of u, its only reader: dtype, name and readers. */
void epilogue_take(struct pass_ctx *c, struct node *m, struct node *u);

/* v is the result of a contraction that could still take its reader. */
bool epilogue_open(const struct value *v);

#endif
