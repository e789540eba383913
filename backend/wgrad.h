/* The weight gradient of a convolution on the array:
 * dw[tap, ci, co] = sum over p of x[p, (tap, ci)] dy[p, co], p = (n, pixel)
 * ascending, one chain of sums whatever the tiles. */
#ifndef WAVE_BACKEND_WGRAD_H
#define WAVE_BACKEND_WGRAD_H

#include "backend/slab.h"

struct wgrad {
	struct lower *lw;
	const struct node *node;
	struct place x, dy, dw;
	struct window xw, yw; /* c counts all channels */
	int64_t groups, cig, cog, taps;
	int64_t rows; /* taps * cig */
};

#define WGRAD_AHEAD 6 /* blocks emitted together, at most */

struct wgrad_plan {
	bool swap;       /* dy moves, x is stationary */
	int64_t tile[4]; /* n, d, h, w of dy */
	int64_t tiles;
	int64_t chunk;   /* output channels whose sums are on chip at a time;
	                    whole groups where there are several */
	int64_t move_ahead, still_ahead; /* blocks of the array, of moving and
	                    stationary side, that are emitted together */
	double cost;     /* cycles */
	int64_t traffic;
};

/* Chooses tiles and chunks by estimated time; false after a diagnostic. */
bool wgrad_plan(const struct wgrad *w, struct wgrad_plan *p);

/* Whether sums of other tiles or iterations come first. */
bool wgrad_continues(const struct wgrad *w, const struct wgrad_plan *p);

/* Rows of the moving side in a block, of chunks of so many channels. */
int64_t wgrad_moving_step(const struct wgrad *w, bool swap, int64_t chunk);

/* Whether x is on chip through all chunks: its one tile is all of it. */
bool wgrad_keeps_x(const struct wgrad *w, const struct wgrad_plan *p);

/* The type of sums on chip: f32 where several tiles add to them. */
enum dtype wgrad_part_dtype(const struct wgrad *w,
    const struct wgrad_plan *p);

/* Bytes of the sums of one chunk. */
int64_t wgrad_part_bytes(const struct wgrad *w, const struct wgrad_plan *p);

/* conv_wgrad, and matmul with the first operand transposed: the weight
 * gradient of a product. */
bool lower_wgrad(struct lower *lw, const struct node *n);

#endif
