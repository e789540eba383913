/* The instruction set: words, descriptors and what they mean to both the
 * compiler and the simulator. See DESIGN.md and the generated ISA.md. */
#ifndef WAVE_BACKEND_ISA_ISA_H
#define WAVE_BACKEND_ISA_ISA_H

#include "support/arena.h"
#include "support/diag.h"
#include "support/dtype.h"
#include "support/str.h"

#define ISA_VERSION 1
#define ISA_MAX_LOOPS 8
#define ISA_MAX_DESC (1 << 20) /* entries of a descriptor table */

enum queue { Q_LD, Q_ST, Q_MX, Q_ML, Q_VE, Q_CO, Q_COUNT };
const char *queue_name(enum queue q); /* "ld" "st" "mx" "ml" "ve" "co" */

enum space {
	SPACE_NONE,
	SPACE_DRAM,
	SPACE_GBUF,
	SPACE_WBUF,
	SPACE_LBUF_V,
	SPACE_LBUF_H,
	SPACE_OBUF,
	SPACE_COUNT
};
const char *space_name(enum space s); /* "dram" "gbuf" ... */

enum traffic { /* order of dram_by_class in the statistics */
	TRAFFIC_WEIGHT,
	TRAFFIC_ACTIVATION,
	TRAFFIC_GRADIENT,
	TRAFFIC_WEIGHT_GRADIENT,
	TRAFFIC_MASK,
	TRAFFIC_OPTIMIZER,
	TRAFFIC_OTHER,
	TRAFFIC_COUNT
};
const char *traffic_name(enum traffic t);

/* Instructions: rows of insns.def, fields of fields.def. */
enum opcode {
#define INSN(name, code, queues, fields, summary) INSN_##name = code,
#include "backend/isa/insns.def"
};

enum field_id {
#define FIELD(name, lsb, width, kind, text) FIELD_##name,
#include "backend/isa/fields.def"
	FIELD_COUNT
};

/* A decoded instruction: one slot per field; absent fields are 0. */
struct insn {
	enum opcode op;
	int64_t field[FIELD_COUNT];
};

struct insn_word {
	uint64_t lo, hi;
};

/* False for an unknown opcode, a set bit that no field owns, or a value that
 * does not fit; *why says which. */
bool insn_decode(const struct insn_word *w, struct insn *out,
    const char **why);
bool insn_encode(const struct insn *in, struct insn_word *out,
    const char **why);
bool insn_allowed(enum opcode op, enum queue q);
const char *insn_name(enum opcode op);

/* Instruction number i of a queue's code, 16 bytes little-endian. */
struct insn_word insn_load(const uint8_t *code, size_t i);
void insn_store(uint8_t *code, size_t i, struct insn_word w);

/* Adds the assembly of one instruction: mnemonic, then field=value for each
 * field that is not 0. */
void insn_print(struct strbuf *s, const struct insn *in);

/* When ExecGEMM starts its sums from +0 (field first). */
#define FIRST_NEVER 0
#define FIRST_ALWAYS 1
#define FIRST_LOOP(level) (2 + (level)) /* when that loop index is 0 */

/* ---- descriptors ---- */

struct aff {
	int64_t base;
	int64_t stride[ISA_MAX_LOOPS];
	int64_t rbase;
	int64_t rcoef[ISA_MAX_LOOPS];
	int64_t rcount; /* 0: no ring term */
	int64_t rstep;
	int64_t gstride;
};

/* Value at loop indices idx (ISA_MAX_LOOPS entries) in group. */
int64_t aff_eval(const struct aff *a, const int64_t *idx, int64_t group);

#define VIEW_TRANSPOSED 1u

struct view_axis { /* one spatial axis */
	int64_t out;    /* OD, OH, OW */
	int64_t kernel; /* KD, KH, KW */
	int64_t stride, dil, pad, up;
	int64_t extent; /* of the stored tensor */
	int64_t addr;   /* bytes between neighbours */
};

struct view {
	enum space space;
	enum dtype dtype;
	uint32_t flags;
	uint32_t base, outer0, k0; /* aff indices: bytes, elements, elements */
	int64_t n, c;              /* extents of digits n and c */
	int64_t n_addr, c_addr;    /* bytes between neighbours */
	struct view_axis axis[3];  /* d, h, w */
	int64_t kcg, ncg;          /* block-diagonal when > 0 */
};

enum epi_act { /* same meaning and order as the graph's enum act */
	EPI_NONE,
	EPI_RELU,
	EPI_LEAKY_RELU,
	EPI_CLIP,
	EPI_SIGMOID,
	EPI_TANH,
	EPI_HARD_SIGMOID,
	EPI_HARD_SWISH,
	EPI_ACT_COUNT
};

struct epi_vector { /* indexed by the drain view's channel digit */
	enum space space; /* SPACE_NONE: absent */
	enum dtype dtype;
	uint32_t base; /* aff, bytes */
};

struct epi {
	struct epi_vector scale, bias;
	enum space res_space; /* residual; SPACE_NONE: absent */
	enum dtype res_dtype;
	uint32_t res_base;    /* aff, bytes */
	int64_t res_n, res_axis[3], res_c; /* bytes per digit of the view */
	enum dtype round; /* of v after bias and residual; DT_NONE: f32 only */
	enum epi_act act;
	float alpha, beta;
};

#define DMA_MAX_RANK 6

struct dma_dim {
	int64_t size;
	int64_t dram, chip; /* byte strides */
	uint32_t start;     /* aff: coordinate of element 0; 0: none */
	int64_t bound;      /* with start: valid coordinates 0..bound-1 */
};

struct dma {
	enum space space; /* SPACE_GBUF or SPACE_WBUF */
	enum dtype dram_dtype, chip_dtype;
	uint32_t dram_base, chip_base; /* aff, bytes. dram_base is the address
	                                  of coordinate 0 in started dims */
	int rank;
	struct dma_dim dim[DMA_MAX_RANK]; /* outermost first */
	double fill;
	enum traffic traffic;
	int index_dim;       /* -1: none; its coordinate comes from a list */
	uint32_t index_base; /* aff: DRAM address of i32 entries */
};

#define VEC_MAX_RANK 8
#define VEC_MAX_SRC 3
#define VEC_CHAIN_DST (1 << VEC_MAX_SRC)

struct vec_operand {
	enum space space; /* SPACE_NONE: absent */
	enum dtype dtype;
	uint32_t base; /* aff, bytes */
	int64_t stride[VEC_MAX_RANK]; /* bytes */
};

struct vec_axis { /* VWIN only: d, h, w */
	int64_t stride, dil, pad, extent;
	int64_t up; /* zeros inserted: factor; 0 as 1: none */
};

struct vec {
	uint32_t func; /* enum vec_func */
	int rank;
	int nred; /* VRED: trailing reduced dimensions */
	/* Operands that stay in the unit: bit i source i, VEC_CHAIN_DST. */
	int chain;
	int64_t size[VEC_MAX_RANK];
	struct vec_operand dst, src[VEC_MAX_SRC];
	struct vec_axis axis[3];
	double param[2]; /* alpha, beta of the function */
};

/* Vector functions: rows of vecfuncs.def. */
enum vec_func {
#define VEC_FUNC(name, kind, nsrc, steps, text) VF_##name,
#include "backend/isa/vecfuncs.def"
	VF_COUNT
};
const char *vec_func_name(enum vec_func f);

enum vec_kind { VEC_MAP, VEC_RED, VEC_WIN };
enum vec_kind vec_func_kind(enum vec_func f);
int vec_func_sources(enum vec_func f); /* operands it reads */
int vec_func_steps(enum vec_func f);   /* vector operations per element */
const char *vec_func_text(enum vec_func f);
enum opcode vec_func_opcode(enum vec_func f); /* VMAP, VRED or VWIN */

/* Descriptor tables, decoded. Index 0 of each is the "none" entry. */
struct isa_tables {
	struct aff *aff;
	struct view *view;
	struct epi *epi;
	struct dma *dma;
	struct vec *vec;
	uint32_t naff, nview, nepi, ndma, nvec;
};

/* Fixed-size little-endian records for the object file; sizes in bytes. The
 * record layouts come from one field table per kind (desc.def). Decoding
 * checks every enum, count and index and says what is wrong. Indices are
 * checked against t->naff, so DESC_AFF comes first. Entry 0 must be all 0; an
 * empty table decodes to entry 0 alone. desc_encode writes all entries of a
 * table, n x desc_record_size bytes. */
enum desc_kind { DESC_AFF, DESC_VIEW, DESC_EPI, DESC_DMA, DESC_VEC,
	DESC_COUNT };
size_t desc_record_size(enum desc_kind k);
void desc_encode(enum desc_kind k, const struct isa_tables *t, uint8_t *out);
bool desc_decode(struct arena *a, struct diag *d, enum desc_kind k,
    const uint8_t *bytes, size_t size, struct isa_tables *t);

/* Bytes of one element of t for time and traffic accounting are
 * dtype_size(t). Closed forms of DESIGN.md shared by cost models: */
int64_t vec_elements(const struct vec *v); /* element operations, steps not
                                              counted */

#endif
