/* What the writer and the loader of object files agree on. */
#ifndef WAVE_SUPPORT_OBJFILE_H
#define WAVE_SUPPORT_OBJFILE_H

#include <stddef.h>
#include <stdint.h>

#define OBJ_FORMAT_VERSION 1 /* e_flags of the ELF header */
#define OBJ_ISA_VERSION 1    /* ISA_VERSION of backend/isa/isa.h */
#define OBJ_MAX_DRAM (UINT64_C(1) << 48) /* bytes; keeps sums exact */

/* Notes of .note.wave, in this order, all with the name "wave". */
enum obj_note {
	OBJ_NOTE_VERSION = 0x101,      /* u32 ISA, u32 format */
	OBJ_NOTE_TARGET = 0x102,       /* name of the target */
	OBJ_NOTE_PARAMETERS = 0x103,   /* "key = value" lines */
	OBJ_NOTE_ACCUMULATION = 0x104, /* "ascending-k" */
	OBJ_NOTE_MEMORY = 0x105       /* u64 DRAM, GBUF, WBUF bytes used */
};

enum obj_kind {
	OBJ_CODE,
	OBJ_DESC,
	OBJ_DATA,
	OBJ_BSS,
	OBJ_META,
	OBJ_STR,
	OBJ_NOTE
};

enum obj_section { /* the section's number in the file, less 1 */
#define OBJ_SECTION(id, name, kind, record) OBJ_S_##id,
#include "support/objfile.def"
	OBJ_SECTIONS
};

struct obj_section_info {
	const char *name;
	enum obj_kind kind;
	unsigned record;
};
extern const struct obj_section_info obj_sections[OBJ_SECTIONS];

enum obj_field { /* ENTRY_name ... */
#define OBJ_FIELD(section, name, offset, bytes, count, text) \
	OBJ_F_##section##_##name,
#include "support/objfile.def"
	OBJ_FIELDS
};

struct obj_field_info {
	enum obj_section section;
	const char *name, *text;
	unsigned offset, bytes, count;
};
extern const struct obj_field_info obj_fields[OBJ_FIELDS];

/* Element i of a field of a record. */
uint64_t obj_get(const uint8_t *rec, enum obj_field f, unsigned i);
void obj_put(uint8_t *rec, enum obj_field f, unsigned i, uint64_t v);

#endif
