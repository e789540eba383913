#include "support/objfile.h"

#include <assert.h>

const struct obj_section_info obj_sections[OBJ_SECTIONS] = {
#define OBJ_SECTION(id, name, kind, record) \
	[OBJ_S_##id] = { name, OBJ_##kind, record },
#include "support/objfile.def"
};

const struct obj_field_info obj_fields[OBJ_FIELDS] = {
#define OBJ_FIELD(section, name, offset, bytes, count, text)             \
	[OBJ_F_##section##_##name] = { OBJ_S_##section, #name, text,     \
	    offset, bytes, count },
#include "support/objfile.def"
};

uint64_t
obj_get(const uint8_t *rec, enum obj_field f, unsigned i)
{
	const struct obj_field_info *x = &obj_fields[f];
	const uint8_t *p = rec + x->offset + (size_t)i * x->bytes;
	uint64_t v = 0;

	assert(i < x->count);
	for (unsigned b = 0; b < x->bytes; b++)
		v |= (uint64_t)p[b] << 8 * b;
	return v;
}

void
obj_put(uint8_t *rec, enum obj_field f, unsigned i, uint64_t v)
{
	const struct obj_field_info *x = &obj_fields[f];
	uint8_t *p = rec + x->offset + (size_t)i * x->bytes;

	assert(i < x->count);
	for (unsigned b = 0; b < x->bytes; b++)
		p[b] = (uint8_t)(v >> 8 * b);
}
