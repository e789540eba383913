/* The rows of the .def files as data, for the encoder, the assembler, the
 * documentation and the tests. */
#ifndef WAVE_BACKEND_ISA_TABLE_H
#define WAVE_BACKEND_ISA_TABLE_H

#include "backend/isa/isa.h"

/* ---- instructions ---- */

enum field_kind {
	FIELD_UINT,
	FIELD_SINT,
	FIELD_MODE,
	FIELD_FIRST,
	FIELD_SEM,
	FIELD_AFF,
	FIELD_VIEW,
	FIELD_EPI,
	FIELD_DMA,
	FIELD_VEC
};

struct field_info {
	const char *name, *text;
	unsigned lsb, width;
	enum field_kind kind;
	const char *misfit; /* message for a value that does not fit */
};

extern const struct field_info isa_fields[FIELD_COUNT];

#define INSN_MAX_FIELDS 8

struct insn_info {
	const char *name, *summary;
	unsigned code;
	unsigned queues; /* bit 1 << enum queue */
	unsigned nfields;
	unsigned char field[INSN_MAX_FIELDS]; /* enum field_id */
};

extern const struct insn_info isa_insns[];
extern const unsigned isa_ninsns;

/* The row of an opcode or a mnemonic; NULL when unknown. */
const struct insn_info *insn_info(unsigned code);
const struct insn_info *insn_lookup(const char *name);

/* The descriptor table a field of this kind indexes; -1: none. */
int field_desc_kind(enum field_kind k);

/* ---- descriptors ---- */

enum desc_type {
	DESC_INT,
	DESC_FLAGS,
	DESC_IDX, /* AFF in the table */
	DESC_SPACE,
	DESC_DTYPE,
	DESC_TRAFFIC,
	DESC_ACT,
	DESC_FUNC,
	DESC_DIM,
	DESC_REAL
};

struct desc_field {
	enum desc_kind kind;
	const char *name, *text;
	unsigned offset, bytes, count; /* in the record */
	enum desc_type type;
	size_t member, member_size; /* in the struct; size of one element */
};

extern const struct desc_field isa_desc_fields[];
extern const unsigned isa_ndesc_fields;

/* The fields of one kind, which stand together in the table. */
const struct desc_field *desc_fields(enum desc_kind k, unsigned *count);

/* Element i of a field of a record, as the number that is stored. */
uint64_t desc_get(const struct desc_field *f, const uint8_t *rec,
    unsigned i);
void desc_put(const struct desc_field *f, uint8_t *rec, unsigned i,
    uint64_t v);

/* "aff" "view" "epi" "dma" "vec", and the letter before its indices. */
const char *desc_name(enum desc_kind k);
char desc_letter(enum desc_kind k);

/* Name of value v of an enum-typed field; NULL when it has none. */
const char *desc_value_name(enum desc_type t, uint64_t v);
/* Its number; false when unknown. */
bool desc_value_parse(enum desc_type t, const char *name, uint64_t *v);

const char *epi_act_name(enum epi_act act);
const char *mode_name(int64_t mode); /* "FW" ...; NULL when unknown */

/* One record, without checks. */
void desc_decode_record(enum desc_kind k, const uint8_t *rec, void *out);
void desc_encode_record(enum desc_kind k, const void *in, uint8_t *rec);

/* desc_decode with the place that messages name. */
bool desc_decode_at(struct arena *a, struct diag *d, const struct loc *loc,
    enum desc_kind k, const uint8_t *bytes, size_t size,
    struct isa_tables *t);

/* NULL, or what is wrong with a decoded entry other than entry 0. */
const char *aff_check(const struct aff *a);
const char *view_check(const struct view *v);
const char *epi_check(const struct epi *e);
const char *dma_check(const struct dma *m);
const char *vec_check(const struct vec *v);

/* ---- bits ---- */

uint64_t bits_get(const struct insn_word *w, unsigned lsb, unsigned width);
void bits_put(struct insn_word *w, unsigned lsb, unsigned width, uint64_t v);

uint64_t le_get(const uint8_t *p, unsigned bytes);
void le_put(uint8_t *p, unsigned bytes, uint64_t v);

#endif
