/* Phases of a transposed convolution: the outputs at positions of one residue
 * modulo the stride, which meet the same taps. */
#ifndef WAVE_BACKEND_PHASE_H
#define WAVE_BACKEND_PHASE_H

#include "backend/slab.h"

/* More phases than this are not unrolled: zeros are inserted instead. */
#define PHASE_MAX 64

/* A dense window over the stored image for the outputs at[a] + i * by[a]. */
struct phase {
	int64_t at[3], by[3]; /* first output and step along each axis */
	int64_t out[3];       /* outputs of the tile along each axis */
	int64_t rows;         /* all of them, images included */
	/* taps first + j * step, j in [0, kernel), meet stored elements;
	 * position = i + j * dil - pad, stored element position / up. */
	int64_t first[3], step[3], kernel[3], dil[3], pad[3], up[3];
	int64_t taps;         /* 0: no tap meets it, the sums are 0 */
};

/* How many phases w has; 1 where no zeros are inserted. */
int64_t phase_count(const struct window *w);

/* Which phases a tile of size (n, d, h, w) has: those from 0 on along each
 * axis that start inside the tile. Starts at phase 0, then moves on; false
 * after the last. split: whether the window is cut into phases at all;
 * otherwise the only one is the window itself. pad is that of the slab. */
void phase_first(const struct window *w, const int64_t *pad,
    const int64_t *size, bool split, struct phase *p);
bool phase_next(const struct window *w, const int64_t *pad,
    const int64_t *size, struct phase *p);

/* Whether p and q have no taps and the same extents: their sums, +0, serve
 * both. */
bool phase_same_zeros(const struct phase *p, const struct phase *q);

/* Whether an earlier phase of the tile has the zeros of p. */
bool phase_repeats(const struct window *w, const int64_t *pad,
    const int64_t *size, const struct phase *p);

/* Outputs of p along axis a among `out` of them. */
int64_t phase_extent(const struct phase *p, int a, int64_t out);

#endif
