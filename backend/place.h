/* What place.c and place_state.c know of the values while they place them. */
#ifndef WAVE_BACKEND_PLACE_H
#define WAVE_BACKEND_PLACE_H

#include "backend/lower.h"

/* What is known of one value before it has a buffer. */
struct info {
	const struct value *v;
	bool seen;              /* rel is computed */
	const struct value *root; /* whose buffer it lives in */
	struct place rel;       /* place in the root's buffer, buf NULL */
	/* Concatenated in place: a slice of another value. */
	const struct value *into;
	int64_t into_axis, into_at;
	bool weight;            /* laid out as the weight of a convolution */
	/* Computed over the residual it adds to, which nothing reads later. */
	const struct value *over;
	/* Roots only. */
	const struct value *state; /* whose buffer it takes when not resident */
	bool part;              /* this group's part of it */
	const struct value *gather; /* the same: its slice of what the groups
	                               gather */
	/* Where it lies in DRAM: a slice of a concatenation. On chip, in an
	 * iteration, it is by itself. */
	const struct value *within;
	int64_t within_axis, within_at;
	bool is_root, resident;
	int64_t bytes;
	int64_t first, last; /* node indices; first > last: untouched */
	int64_t uses;
	struct tile_buffer *buf;
	bool inlined; /* its readers compute it: it has no memory */
	/* Where region loops touch it. */
	bool looped;    /* one does */
	bool grouped;   /* one that is not a sweep does */
	bool escapes;   /* computed in a loop, read outside of it */
	bool converted; /* some view sees another dtype */
	struct tile_buffer *local; /* in the iteration being lowered */
};

struct residency {
	struct info *info;     /* by value id */
	uint32_t nvalues;
	int64_t *live;         /* resident bytes while node i runs */
	int64_t *index;        /* node id to node index */
	int64_t nnodes;
	struct place **outputs; /* DRAM places of graph outputs */
	int64_t *assign_at;     /* by assignment: see place_assign_at */
	uint32_t *seen_by;      /* by value id: the last that counted it */
};

/* Computes root and rel of v; operands come before, concatenations after, so
 * both directions are followed until something owns its memory. */
struct info *place_resolve(struct lower *lw, const struct value *v);
struct info *place_root(struct lower *lw, const struct value *v);
/* Position `at` reads (use) or writes the root; inside a region's loop that
 * touches it in every iteration. */
void place_touch(struct lower *lw, struct info *root, int64_t at, bool use);

/* Whether results of op may be views of operand 0: see place_is_view. */
bool place_is_view_op(enum op op);

/* The value whose memory v sees: v, unless it is a view. */
const struct value *place_behind(struct lower *lw, const struct value *v);

/* ---- place_stay.c ---- */
/* Chooses what is resident, and what is on chip inside of regions. budget as
 * in lower_graph. */
void place_choose(struct lower *lw, struct lower_budget *budget);
/* Writing over a residual saves room on chip; in DRAM it saves nothing and
 * orders stores behind loads. True when a value had to give it up: places are
 * to be found again. */
bool place_give_up_over(struct lower *lw);

/* ---- vec_tree.c ---- */
/* Finds the values that their readers compute. */
void place_find_inlined(struct lower *lw);
/* The least that n's tiles take when its operands are computed in it; 0 when
 * none is. */
int64_t place_tree_bytes(struct lower *lw, const struct node *n);

/* Position `at` reads v, which a loop may have computed. */
void place_escape(struct lower *lw, const struct value *v, int64_t at);

/* ---- place_state.c ---- */
/* Weights of convolutions: taps, input channels, output channels innermost, so
 * that rows k of some columns are a rectangle. */
struct place place_weight(enum dtype t, int rank, const int64_t *dim);
/* Marks the weights of convolutions, their gradients and what an optimizer
 * keeps of them: they have that one layout. */
void place_find_weights(struct lower *lw);
/* Contents of a constant or state in the order of its place. */
const void *place_data(struct lower *lw, const struct info *in);
/* Decides after which node each assignment is made, and lets new values be
 * computed in the state's own memory where nothing reads the old one. */
void place_find_assigns(struct lower *lw);
enum traffic place_traffic(const struct value *v);
/* This group's part of dimension 0 of whole. */
struct place place_part(const struct lower *lw, const struct place *whole);
/* Whether assignment i gives this group's part of the state. */
bool place_assigns_part(const struct lower *lw, size_t i);

#endif
