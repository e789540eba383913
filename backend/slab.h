/* The part of an image operand that one tile of a windowed op reads. */
#ifndef WAVE_BACKEND_SLAB_H
#define WAVE_BACKEND_SLAB_H

#include "backend/lower.h"

/* A windowed op on images: axes d, h, w; along each
 * position = out * stride + k * dil - pad, stored element position / up. */
struct window {
	int64_t n, c;
	int64_t out[3], kernel[3], stride[3], dil[3], pad[3], up[3],
	    extent[3];
	/* Byte strides of the stored image. */
	int64_t n_addr, axis_addr[3], c_addr;
};

/* An image operand as one tile sees it. */
struct slab {
	struct tile_aff base;
	struct tile_aff outer0; /* row of the view where the tile starts */
	int64_t out[3], stride[3], pad[3], extent[3];
	int64_t n, n_addr, axis_addr[3], c_addr;
};

/* Takes grid dimensions n, d, h, w, c of box. A place on chip is used where it
 * is; one in DRAM is loaded into a new buffer, positions outside the image
 * becoming fill where an axis is cut. shift (may be NULL) is added to the
 * address: the batch of a batched product. */
void slab_make(struct lower *lw, const struct place *x,
    const struct tile_aff *shift, const struct window *w,
    const struct box *b, double fill, const char *what, struct slab *out);

/* Bytes of the slab for a tile of the given extents (n, d, h, w). */
int64_t slab_bytes(const struct window *w, const int64_t *tile,
    enum dtype dtype);

/* Fills out the spatial part of w from a conv or pool node's attributes and
 * the place of its input. pads_end is implied by the output extents. */
void window_from_node(const struct node *n, const struct place *x,
    const struct tensor_type *y, const int64_t *kernel, struct window *w);

#endif
