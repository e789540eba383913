/* The tile IR: the schedule, without addresses. See TILE.md. */
#ifndef WAVE_BACKEND_TILE_H
#define WAVE_BACKEND_TILE_H

#include <wave/object.h>
#include <wave/target.h>

#include "backend/isa/isa.h"
#include "support/vec.h"

struct loc;
struct tile_loop;
struct tile_link;

/* What a DRAM buffer is to the outside. */
enum tile_role {
	ROLE_TEMP,   /* scratch; also every on-chip buffer */
	ROLE_CONST,  /* initial data in the object, never written */
	ROLE_INPUT,  /* bound by name */
	ROLE_OUTPUT,
	ROLE_STATE,  /* bound by name, may have initial data, keeps its value */
};

struct tile_buffer {
	uint32_t id;      /* dense, in creation order; prints as %bN */
	const char *name; /* for people: "conv1.in", may repeat */
	enum space space;
	int64_t bytes;    /* of one version */
	int depth;        /* versions in the ring, at least 1 */
	struct tile_loop *scope; /* each iteration of this loop starts a new
	                            version; NULL: the whole entry. Of LBUF and
	                            OBUF buffers depth is the number of banks */
	enum tile_role role;
	enum traffic traffic;   /* DRAM */
	const void *data;       /* DRAM: initial contents, `bytes` long */
	bool per_group;         /* DRAM: each group has its own slice,
	                           group_stride apart */
	int64_t group_stride;   /* DRAM: added per group index; 0: shared. Set
	                           by the planner for TEMP per_group */
	/* Binding, ROLE_INPUT/OUTPUT/STATE. */
	const char *bind_name;
	enum dtype dtype;       /* element type, also for symbols */
	int rank;
	int64_t dim[WAVE_MAX_RANK], stride[WAVE_MAX_RANK]; /* logical, bytes */
	/* Set by the memory planner. */
	int64_t address;        /* version 0; banks: always 0 */
	int64_t pitch;          /* bytes between versions */
};

/* An affine value over the enclosing loops. With a buffer it is an address in
 * that buffer's space, and the ring term of the buffer's current version is
 * added by code generation. Without, it is a plain number. */
struct tile_term {
	struct tile_loop *loop;
	int64_t stride;
};
struct tile_aff {
	struct tile_buffer *buffer;
	int64_t offset;
	int nterms;
	struct tile_term term[ISA_MAX_LOOPS];
	int64_t gstride; /* per group index */
};

enum tile_kind {
	TILE_LOAD, TILE_STORE,                   /* DMA */
	TILE_LDV, TILE_LDH, TILE_SHIFT, TILE_EXEC, /* matrix */
	TILE_DRAIN, TILE_LDOBUF,
	TILE_MAP, TILE_RED, TILE_WIN,            /* vector */
	TILE_BARRIER, /* of the groups; orders all access to what they share */
	TILE_KIND_COUNT
};

/* The descriptors of isa.h with symbolic addresses: the aff index fields of
 * the embedded ISA struct are ignored, the tile_aff beside it count. Space and
 * per-operand presence follow from the buffers. */
struct tile_dma {
	struct dma d;
	struct tile_aff dram, chip;
	struct tile_aff start[DMA_MAX_RANK]; /* used where d.dim[i].bound > 0 */
	struct tile_aff index;               /* when d.index_dim >= 0 */
};

struct tile_view {
	struct view v;
	struct tile_aff base, outer0, k0;
};

struct tile_epi {
	struct epi e;
	struct tile_aff scale, bias, residual; /* buffer NULL: absent */
};

struct tile_vec {
	struct vec v;
	struct tile_aff dst, src[VEC_MAX_SRC]; /* buffer NULL: absent */
};

/* When ExecGEMM starts from +0. */
enum tile_first { TFIRST_NEVER, TFIRST_ALWAYS, TFIRST_LOOP };

struct tile_insn {
	enum tile_kind kind;
	enum queue queue;
	union {
		struct tile_dma *dma;
		struct tile_vec *vec;
		struct { /* LDV, LDH, SHIFT, EXEC, DRAIN, LDOBUF */
			struct tile_view *view; /* LDV LDH DRAIN LDOBUF */
			struct tile_epi *epi;   /* DRAIN; NULL: none */
			struct tile_buffer *lbuf_v; /* LDV SHIFT */
			struct tile_buffer *lbuf_h; /* LDH EXEC */
			struct tile_buffer *obuf;   /* EXEC DRAIN LDOBUF */
			int64_t m, k, n; /* LDV: k x n(outer); LDH: m(outer) x
			                    k; EXEC: all; DRAIN: m x n */
			enum tile_first first;
			struct tile_loop *first_loop;
			int mode;
		} mx;
	};
};

enum tile_node_kind { TILE_NODE_LOOP, TILE_NODE_INSN };

struct tile_node {
	enum tile_node_kind kind;
	struct tile_node *next;
	struct tile_loop *parent; /* NULL: top level */
	uint32_t op;              /* index into ops: where it came from */
	uint32_t order;           /* preorder number, set by tile_order */
	struct tile_insn *insn;
	struct tile_loop *loop;
};

struct tile_loop {
	uint32_t id;      /* prints as %iN */
	const char *name; /* "n" "y" "k" ... */
	int64_t count;    /* at least 1 */
	struct tile_loop *parent;
	int depth;        /* 0 at top level */
	bool overlap;     /* as that of the program, for what is in it */
	struct tile_node *first, *last;
	struct tile_node *node; /* this loop in its parent's body */
};

/* A loop whose use of the global buffer the planner tells. */
struct tile_watch {
	struct tile_loop *loop;
	const char *name; /* "layer group 0, forward" */
	const struct loc *loc;
	int64_t gbuf_used; /* highest address in use while it runs */
};

/* Bytes of DRAM that the loops of layer groups are planned to move beside what
 * every schedule of them moves. */
struct tile_moves {
	double weights; /* in each iteration */
	double sums;    /* partial sums of weight gradients */
	double left;    /* values that do not stay on chip, operands of weight
	                   gradients that are loaded several times */
};

struct tile_program {
	struct arena *arena;
	const struct wave_target *target;
	int groups; /* that run it */
	bool overlap; /* the planner lets array and vector unit run ahead of
	                 each other, too, not only loads */
	VEC(struct tile_buffer *) buffers;
	VEC(struct tile_loop *) loops;
	VEC(struct wave_op) ops;
	VEC(struct wave_layer_group) layer_groups;
	VEC(struct tile_watch) watches;
	struct tile_moves moves;
	uint32_t full_op; /* tile_plan: where the global buffer has no room */
	struct tile_node *first, *last; /* top-level body */
	const char *entry;              /* "main" */
	/* Set by the memory planner. */
	int64_t gbuf_used, wbuf_used, dram_used;
	/* Cursor of the builder. */
	struct tile_loop *cur;
	uint32_t cur_op;
};

/* ---- building (tile.c) ---- */

struct tile_program *tile_new(struct arena *a, const struct wave_target *t);

/* A buffer of `space`; the caller fills role, binding and so on. */
struct tile_buffer *tile_buffer(struct tile_program *p, const char *name,
    enum space space, int64_t bytes, int depth, struct tile_loop *scope);

/* Opens a loop at the cursor and moves into it; returns it. count 1 opens a
 * real loop too: callers avoid it where they can. */
struct tile_loop *tile_loop_open(struct tile_program *p, const char *name,
    int64_t count);
void tile_loop_close(struct tile_program *p);

/* Appends an instruction at the cursor for op cur_op. */
struct tile_insn *tile_emit(struct tile_program *p, enum tile_kind kind,
    enum queue queue);

/* Affine helpers. */
struct tile_aff taff(struct tile_buffer *b, int64_t offset);
struct tile_aff taff_num(int64_t v);
void taff_add(struct tile_aff *a, struct tile_loop *l, int64_t stride);

/* ---- text (tile_print.c, tile_parse.y) ---- */
void tile_print(struct strbuf *out, const struct tile_program *p);
struct tile_program *tile_parse(struct arena *a, struct diag *d,
    const char *name, const char *text, size_t len);

/* ---- cost (tile_cost.c) ----
 * Bytes of DRAM that the first group moves in one run of the entry, and the
 * cycles in which its array starts no other wave: the sum of ExecGEMM
 * occupancies, each with a shift of its own, as the lowering has it. Both are
 * then what the simulator will count. */
struct tile_cost { double dram, array; };
struct tile_cost tile_cost(const struct tile_program *p);

/* ---- checks (tile_verify.c): "after PASS: OBJECT: RULE" ---- */
bool tile_verify(const struct tile_program *p, struct diag *d,
    const char *pass);

/* ---- memory planning (tile_plan.c) ----
 * Gives every buffer its address and pitch. False with a diagnostic that names
 * the buffers alive at the tightest point, the space needed and had. */
bool tile_plan(struct tile_program *p, struct diag *d);

/* Plans the DRAM of n planned programs that become entries of one object anew:
 * they share constants and bound tensors, and each has its temporaries behind
 * them. */
bool tile_plan_shared(struct tile_program *const *p, size_t n,
    struct diag *d);

/* ---- synchronisation (tile_sync.c) and code (tile_code.c) ---- */

/* One end of a dependence made explicit: queue `from` signals after child
 * `after`, queue `to` waits before child `before`. Result of the analysis,
 * printed by -Rpass=sync and used by code generation. */
struct tile_sync {
	struct tile_loop *body; /* NULL: top level */
	enum queue from, to;
	struct tile_node *after, *before;
	int64_t distance; /* iterations of body */
};
struct tile_syncs {
	VEC(struct tile_sync) edges;
};
bool tile_sync(struct tile_program *p, struct diag *d, bool serialize,
    struct tile_syncs *out);

/* Machine code of the planned program. */
struct wave_program *tile_codegen(struct tile_program *p, struct diag *d,
    const struct tile_syncs *syncs);

/* The same of several programs of one target, each an entry: their DRAM was
 * planned together (tile_plan_shared). Every new link must be finished, which
 * gives the program or NULL when adding failed, after a diagnostic. */
struct tile_link *tile_link_new(struct arena *out, struct diag *d);
bool tile_link_add(struct tile_link *l, struct tile_program *p,
    const struct tile_syncs *syncs);
/* pieces: initial contents are not joined, see struct wave_program. */
struct wave_program *tile_link_finish(struct tile_link *l, bool pieces);

#endif
