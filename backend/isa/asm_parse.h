/* Inside the assembler: what the grammar hands to the statements. */
#ifndef WAVE_BACKEND_ISA_ASM_PARSE_H
#define WAVE_BACKEND_ISA_ASM_PARSE_H

#include <wave/object.h>

#include "backend/isa/table.h"
#include "support/vec.h"

struct asm_value {
	enum { ASM_NUMBER, ASM_WORD, ASM_STRING } kind;
	const char *text; /* of a string: without quotes and escapes */
	int line, col;
	struct asm_value *next; /* of a list */
};

struct asm_pair { /* name=value,value */
	const char *name; /* with its group: "x.base" */
	int line, col;
	struct asm_value *value;
	struct asm_pair *next;
	bool used;
};

struct asm_stmt { /* a directive or an instruction with its operands */
	const char *name; /* directives start with a dot */
	int line, col;
	struct asm_value *arg, **arg_end;
	struct asm_pair *pair, **pair_end;
	bool has_body;
	const char *prefix; /* group of the pairs that follow */
};

/* A term of an affine expression. */
struct asm_term {
	const char *name; /* "i0" ... "i7" "g"; NULL: a constant */
	uint64_t factor;
	bool negative; /* of the factor */
	struct aff *ring; /* not NULL: only its ring part */
	int line, col;
};

typedef VEC(uint8_t) byte_vec;

struct asm_state {
	struct arena *arena;
	struct diag *d;
	const char *file;
	unsigned errors;
	struct wave_program *p;
	byte_vec code[WAVE_QUEUES], desc[WAVE_DESC_KINDS], data;
	VEC(struct wave_entry) entries;
	VEC(struct wave_binding) bindings;
	VEC(struct wave_symbol) symbols;
	VEC(struct wave_source) sources;
	VEC(struct wave_op) ops;
	VEC(struct wave_layer_group) groups;
	VEC(const char *) sems;
	struct wave_entry *entry; /* being read */
	uint32_t *exits;          /* its exit values */
	int queue;                /* being read; -1: none */
	uint32_t op;              /* of the instructions that follow */
	unsigned queues_seen;     /* of the entry, as a bit set */
	bool has_isa, has_accumulation, has_memory, has_target, has_data;
};

void asm_error(struct asm_state *s, int line, int col, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* One statement is complete. */
void asm_statement(struct asm_state *s, struct asm_stmt *t);

/* .aff NAME = expression */
void asm_affine(struct asm_state *s, struct asm_value name,
    const struct aff *a);

/* Adds a term to an affine value. */
void asm_add_term(struct asm_state *s, struct aff *a,
    const struct asm_term *t);

/* .hex DIGITS */
void asm_hex(struct asm_state *s, const char *digits, size_t n, int line,
    int col);

/* ---- used among the statements ---- */

/* The value of a pair, marked as used; NULL when it is not there. */
struct asm_pair *asm_take(struct asm_stmt *t, const char *name);

/* Numbers of operands; false after an error. */
bool asm_int64(struct asm_state *s, const struct asm_value *v, int64_t *out);
bool asm_uint64(struct asm_state *s, const struct asm_value *v,
    uint64_t *out);
bool asm_uint32(struct asm_state *s, const struct asm_value *v,
    uint32_t *out);
/* "a12" with letter 'a' gives 12. */
bool asm_index(struct asm_state *s, const struct asm_value *v, char letter,
    uint32_t *out);

/* Descriptors and instructions; false when the name is neither. */
bool asm_descriptor(struct asm_state *s, struct asm_stmt *t);
bool asm_instruction(struct asm_state *s, struct asm_stmt *t);

/* Adds one record; name must be its table's next index. */
void asm_add_record(struct asm_state *s, enum desc_kind k,
    const struct asm_value *name, const uint8_t *rec);

/* Appends n bytes (zeros when p is NULL). */
void asm_append(struct asm_state *s, byte_vec *v, const void *p, size_t n);

#endif
