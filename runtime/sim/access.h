/* What one instruction reads and writes, in closed form: boxes of bytes per
 * operand. Bounds checks, traffic and the program checker all use these. */
#ifndef WAVE_RUNTIME_SIM_ACCESS_H
#define WAVE_RUNTIME_SIM_ACCESS_H

#include "backend/isa/isa.h"
#include "runtime/sim/box.h"

/* One operand's box. */
typedef void access_fn(void *user, enum space space, bool write,
    const struct box *box);

/* ---- DMA ---- */

/* A transfer with its start coordinates evaluated: the part inside the
 * bounds, and on a load the whole box on the chip's side, fill included. */
struct access_dma {
	struct box dram, chip; /* dram: what is touched */
	struct box index;      /* the list of indices; empty without */
	int64_t elements;      /* moved to or from DRAM */
	int64_t filled;        /* elements written on chip by a load, read by
	                          a store */
	int64_t dram_bytes;    /* traffic, index list included */
};

/* False with *why when sizes overflow. Dimensions that take their coordinate
 * from an index list count as touching the whole bound. */
bool access_dma(const struct isa_tables *t, const struct dma *d,
    const int64_t *idx, int64_t group, bool load, struct access_dma *out,
    const char **why);

/* ---- matrix views ---- */

/* A tile of a view with its origin evaluated. */
struct access_tile {
	const struct view *view;
	int64_t base;             /* byte address */
	int64_t outer0, k0;       /* origin */
	int64_t outer, k;         /* extents */
};

/* False with *why when the tile leaves the rows or columns of its view. */
bool access_tile_fits(const struct access_tile *a, const char **why);

/* The boxes of the stored elements the tile touches; padding and inserted
 * zeros are left out. The tile must fit. False when an address overflows; such
 * boxes are left out. */
typedef void box_fn(void *user, const struct box *box);
bool access_tile_boxes(const struct access_tile *a, box_fn *fn, void *user);

/* Range of the tile relative to nothing: absolute addresses. False when an
 * address overflows. */
bool access_tile_bounds(const struct access_tile *a, struct range *out);

/* Range of every tile of the view relative to its base; false on overflow. */
bool access_view_bounds(const struct view *v, struct range *out);

/* Rows (p) and columns (q) of the view; false on overflow. */
bool access_view_extents(const struct view *v, int64_t *p, int64_t *q);

/* The view through which a drain reads its residual, and those of scale and
 * bias: they share the tile's digits but not the addresses. */
struct view access_residual_view(const struct view *v, const struct epi *e);
struct view access_channel_view(const struct view *v,
    const struct epi_vector *c);

/* ---- vector ---- */

/* Boxes of operand number src (0..2), or of the destination when src is -1,
 * around byte address base. False as above. */
bool access_vec_boxes(enum opcode op, const struct vec *v, int src,
    int64_t base, box_fn *fn, void *user);

/* Bytes the operand moves for time and energy: each stored element once; -1
 * on overflow. */
int64_t access_vec_bytes(enum opcode op, const struct vec *v, int src);

/* Range of the operand relative to its base. */
bool access_vec_bounds(enum opcode op, const struct vec *v, int src,
    struct range *out);

#endif
