/* Shared by the parts of the tile verifier: tile_verify.c (structure),
 * tile_check.c (instructions). */
#ifndef WAVE_BACKEND_TILE_VERIFY_H
#define WAVE_BACKEND_TILE_VERIFY_H

#include "backend/tile_access.h"

#define TILE_MAX_BYTES ((int64_t)1 << 46)      /* of a buffer */
#define TILE_MAX_ITERATIONS ((int64_t)1 << 40) /* of a nest */

struct tile_verifier {
	const struct tile_program *p;
	struct diag *d;
	const char *pass;
	const struct tile_node *node; /* under examination */
	uint32_t number;              /* its place in preorder */
	int left;                     /* errors still to report */
	bool ok;
};

/* Reports a broken rule of the node under examination. */
void tile_broken(struct tile_verifier *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Checks the instruction v->node. */
void tile_check_insn(struct tile_verifier *v);

#endif
