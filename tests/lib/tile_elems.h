/* What one execution of a tile instruction touches, element by element,
 * straight from the definitions in DESIGN.md: slow, exact and independent of
 * the compiler's own closed forms. */
#ifndef WAVE_TESTS_LIB_TILE_ELEMS_H
#define WAVE_TESTS_LIB_TILE_ELEMS_H

#include "backend/tile.h"

/* A place in a buffer. buffer NULL: no memory is touched (padding). */
struct place {
	struct tile_buffer *buffer;
	int64_t version, offset;
};

/* Value of an affine expression at loop indices by depth, without buffer. */
int64_t tile_aff_value(const struct tile_aff *a, const int64_t *idx);

/* Where an affine address points. */
struct place tile_aff_place(const struct tile_aff *a, const int64_t *idx);

/* Version of b that the indices select. */
int64_t tile_version(const struct tile_buffer *b, const int64_t *idx);

/* Element (row p, column q) of a view: its place, and its channel digit. */
struct place tile_view_place(const struct tile_view *t, const int64_t *idx,
    int64_t p, int64_t q, int64_t *channel);

/* The row and column of the view for outer index i and k index j of a block or
 * tile. */
void tile_view_index(const struct tile_view *t, const int64_t *idx,
    int64_t i, int64_t j, int64_t *p, int64_t *q);

/* Residual of a drain at row p, column q. */
struct place tile_residual_place(const struct tile_insn *in,
    const int64_t *idx, int64_t p, int64_t q);

/* DRAM side of a DMA at coordinates coord (in 0..size-1 of each dimension);
 * only without index list. */
struct place tile_dma_place(const struct tile_dma *m, const int64_t *idx,
    const int64_t *coord);

/* Input of VWIN at output coordinates and taps o[0..7]. */
struct place tile_window_place(const struct tile_vec *t, int src,
    const int64_t *idx, const int64_t *o);

/* Next coordinates below size[0..rank-1], last fastest; false at the end. */
bool next_coord(int64_t *coord, const int64_t *size, int rank);

/* Calls fn for every element that the instruction reads or writes. Banks and
 * the registers of the PEs (buffer NULL, offset 0) are elements of one byte. */
typedef void elem_fn(void *user, struct place at, int64_t size, bool write);
void tile_elems(const struct tile_insn *in, const int64_t *idx, elem_fn *fn,
    void *user);

/* Calls fn for every execution in sequential order; idx by loop depth. */
typedef void step_fn(void *user, struct tile_node *n, const int64_t *idx);
void tile_steps(const struct tile_program *p, step_fn *fn, void *user);

#endif
