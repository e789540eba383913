/* Lowering: graph IR to tile IR. What its parts share; see LOWERING.md. */
#ifndef WAVE_BACKEND_LOWER_H
#define WAVE_BACKEND_LOWER_H

#include "backend/backend.h"
#include "backend/tile.h"
#include "ir/graph.h"

struct weight_cache;
struct schedule;
struct chain;
struct region;

#define PLACE_LOOPS 2

/* Where the elements of a value are: a strided box in a buffer. Transposes,
 * slices, expansions and most reshapes are other places of the same bytes. */
struct place {
	struct tile_buffer *buf;
	enum dtype dtype;
	int rank;
	int64_t dim[MAX_RANK];    /* logical */
	int64_t stride[MAX_RANK]; /* bytes; 0 broadcasts */
	int64_t offset;           /* bytes from the start of a version */
	int64_t gstep;            /* the same for each group before this one */
	bool first_group;         /* group 0 alone stores to it */
	/* It moves on by step bytes in each iteration; NULL: it does not. */
	struct tile_loop *loop[PLACE_LOOPS];
	int64_t step[PLACE_LOOPS];
};

/* Samples in the first half of so many. */
#define GROUP_HALF(count) (((count) + 1) / 2)

struct lower {
	struct arena *arena;
	struct diag *diag;
	const struct graph *g;
	const struct wave_target *target;
	struct tile_program *p;
	struct place **place; /* by value id; NULL: not placed yet */
	struct residency *res;
	struct weight_cache *weights;
	int64_t gbuf_free; /* bytes for the working buffers of this node */
	int64_t wbuf_free; /* the same of the weight staging buffer */
	int holes;         /* of struct lower_budget */
	int depth;         /* versions of staged tiles, 2 unless said */
	enum dgrad dgrad;
	enum partial_k partial_k;
	double bw;         /* DRAM bytes per cycle of one group; 0: no limit */
	const struct loc *loc; /* of what is being lowered */
	uint32_t node_index;
	struct schedule *sched;
	/* The region whose loop is being lowered, its loop (NULL: there is
	 * only one iteration), and the samples of this iteration: [at, at +
	 * count), in the loop count more each time. */
	struct region *region;
	struct tile_loop *region_loop;
	int64_t region_at, region_count;
	bool halves; /* a run beside this node is lowered in halves */
	int64_t part_at, part_count; /* those of the iteration that are being
	                                lowered: all, or half of them */
	int64_t region_pos; /* of the node, in the loop */
	const struct chain *chain; /* that is lowered by strips of channels, or
	                              NULL, and the first of the strip */
	int64_t chain_at;
	const struct value *beside; /* the next node computes it, too */
	int carry; /* enum carry */
	uint32_t *op_of; /* index into ops, by position in the schedule */
};

/* ---- lower.c ---- */
/* Mathematical products of a contraction, border padding included; paper also
 * counts the zeros that a strided data gradient inserts. */
int64_t lower_macs(const struct node *n, bool paper);

/* ---- place.c: layouts, aliases, residency ---- */
struct lower_budget;
bool place_values(struct lower *lw, struct lower_budget *budget);
/* Bytes that resident values occupy while node i runs. */
int64_t place_live_at(const struct lower *lw, uint32_t node_index);
/* In a region's loop: of the current iteration. */
struct place *place_of(struct lower *lw, const struct value *v);
/* The whole value. */
struct place *place_whole(struct lower *lw, const struct value *v);
/* The address of the first element. */
struct tile_aff place_base(const struct place *pl);
/* Moves pl on by step bytes in each iteration of l. */
void place_advance(struct place *pl, struct tile_loop *l, int64_t step);
bool place_on_chip(const struct place *pl);
int64_t place_bytes(const struct place *pl); /* dense size */
bool place_same(const struct place *a, const struct place *b);
/* The same element lies at the same place of buffers of their own. */
bool place_same_layout(const struct place *a, const struct place *b);
/* True when node n only renames memory: its results are already placed as
 * views of its operands. */
bool place_is_view(const struct lower *lw, const struct node *n);
/* True when the readers of node n's result compute it: see vec_tree.c. */
bool place_inlined(const struct lower *lw, const struct node *n);
/* A place of the same elements in row-major order of dim. */
struct place place_dense(enum dtype t, int rank, const int64_t *dim);
/* The place of pl seen with another shape; false when no strides do it. */
bool place_reshape(const struct place *pl, int rank, const int64_t *dim,
    struct place *out);
/* The index of the node after which assignment i is made: the last that reads
 * the old value; the number of nodes for what comes at the end. */
int64_t place_assign_at(const struct lower *lw, size_t i);
/* Where assignment i puts its value. */
struct place place_assigned(struct lower *lw, size_t i);
/* The DRAM buffer of an output. */
struct place *place_output(struct lower *lw, size_t i);

/* ---- affine helpers (stage.c) ---- */
/* a += b * mul, b a plain number. */
void taff_add_scaled(struct tile_aff *a, const struct tile_aff *b,
    int64_t mul);

/* ---- grid.c: tile loops ---- */
#define GRID_RANK 8

struct box { /* one tile: where it starts and how large it is */
	struct tile_aff origin[GRID_RANK];
	int64_t size[GRID_RANK];
};

/* Calls body for every combination of full and partial tiles, inside the loops
 * that iterate over the full ones, outermost dimension first. */
void grid_emit(struct lower *lw, int rank, const int64_t *extent,
    const int64_t *tile, const char *const *names,
    void (*body)(void *ctx, const struct box *b), void *ctx);

/* ---- stage.c: DMA between DRAM places and working buffers ---- */

/* One dimension of a box copy. */
struct stage_dim {
	int64_t size;
	int64_t dram, chip;     /* byte strides */
	bool clip;              /* start may lie outside [0, bound) */
	struct tile_aff start;  /* of the DRAM coordinate, when clip */
	int64_t bound;
};

/* Emits loads (stores) that copy the box; more than six dimensions become
 * loops. dram is the address of coordinate 0 in clipped dimensions and of the
 * box's first element in the others. */
void stage_copy(struct lower *lw, bool load, const struct stage_dim *dims,
    int rank, const struct tile_aff *dram, enum dtype dram_dtype,
    const struct tile_aff *chip, enum dtype chip_dtype, double fill,
    enum traffic traffic);

/* A new working buffer of the current innermost loop: depth versions. */
struct tile_buffer *stage_buffer(struct lower *lw, const char *what,
    enum space space, int64_t bytes, int depth);

/* ---- one entry for each lowering class ---- */
bool lower_matrix(struct lower *lw, const struct node *n);
bool lower_map(struct lower *lw, const struct node *n);
bool lower_reduce(struct lower *lw, const struct node *n);
bool lower_window(struct lower *lw, const struct node *n);
bool lower_move(struct lower *lw, const struct node *n);
/* Copies src to dst, converting; shapes equal. */
void lower_copy(struct lower *lw, const struct place *src,
    const struct place *dst);
/* dst = dst + src. */
void lower_add(struct lower *lw, const struct place *src,
    const struct place *dst);
/* dst = the sum of src over the dimensions marked in red, 1 in dst, each by the
 * machine's tree in their order. */
void lower_sum(struct lower *lw, const struct place *src,
    const struct place *dst, const bool *red);
void lower_fill(struct lower *lw, const struct place *dst, double v);

/* Reports that one tile of the current op does not fit. */
void lower_no_room(struct lower *lw, int64_t need);

/* Reports that the op cannot be lowered; false. */
bool lower_refuse(struct lower *lw, const struct node *n);

/* Shares, in (0,1], of the memories that lowering counts on: the driver
 * retries with less when the planner finds no room. A region's is of what it
 * has of the global buffer; regions are filled in by the first attempt. */
struct lower_region_budget {
	double share;
	uint32_t first_op, end_op; /* as last lowered */
};

struct lower_budget {
	struct arena *arena; /* that outlives the attempts */
	double all;
	int holes; /* this part of what is free in an iteration of a region
	              lies in holes between values */
	VEC(struct lower_region_budget) regions; /* in schedule order */
};

/* Lowers a legalized graph. Returns NULL after a diagnostic. groups of them
 * run it, each on its share of the batch (g is one share). cache is kept
 * between attempts. */
struct tile_program *lower_graph(struct arena *a, struct diag *d,
    const struct graph *g, const struct wave_target *t, int groups,
    const struct backend_options *opt, struct lower_budget *budget,
    struct weight_cache *cache);

/* The innermost loop at the cursor, NULL at top level. */
#define CUR_LOOP(lw) ((lw)->p->cur)

#endif
