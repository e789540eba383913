/* Which bytes an instruction touches, as strided boxes whose position is
 * affine in the enclosing loops. Used by the verifier (bounds) and by the
 * dependence analysis. */
#ifndef WAVE_BACKEND_TILE_ACCESS_H
#define WAVE_BACKEND_TILE_ACCESS_H

#include "backend/tile.h"

#define TILE_MAX_ACCESS 6  /* of one instruction */
#define TILE_MAX_DIMS 16   /* of a box: those of an operand and loops */

struct tile_dim {
	int64_t stride, count; /* stride > 0, count > 1 */
};

/* Bytes offset + sum idx*loop + sum i_d*dim[d].stride + 0..len-1 of a version
 * of the buffer; of LBUF and OBUF buffers a version is one byte. The set may be
 * larger than what is touched, never smaller. */
struct tile_access {
	struct tile_buffer *buffer;
	bool write;
	int64_t lo, hi;  /* lowest byte and one past the highest, over all
	                    iterations, ring and the buffer's own slices left
	                    out */
	int64_t offset, len;
	int ndims;
	struct tile_dim dim[TILE_MAX_DIMS]; /* ascending stride */
	int64_t loop[ISA_MAX_LOOPS];        /* by depth of the loop */
	int64_t gstride; /* of the address: the box holds all groups' bytes */
};

/* Fills out[] with the accesses of in, of a program that `groups` run, and
 * returns how many there are. A barrier has none of its own. Fields of in may
 * be anything: sums saturate. */
int tile_accesses(const struct tile_insn *in, int groups,
    struct tile_access *out);

/* Adds a dimension and keeps the canonical form: dense dimensions go into len,
 * the others are sorted. */
void tile_access_dim(struct tile_access *x, int64_t stride, int64_t count);

/* Least and greatest value of the affine part of a, the buffer's address left
 * out; saturating. */
void tile_aff_range(const struct tile_aff *a, int64_t *lo, int64_t *hi);

/* a*b and a+b clamped to the range of int64_t. */
int64_t sat_mul(int64_t a, int64_t b);
int64_t sat_add(int64_t a, int64_t b);

#endif
