#include "backend/isa/table.h"

#include <string.h>

const struct field_info isa_fields[FIELD_COUNT] = {
#define FIELD(name, lsb, width, kind, text) \
	[FIELD_##name] = { #name, text, lsb, width, FIELD_##kind,          \
	    "value of field " #name " does not fit its " #width " bits" },
#include "backend/isa/fields.def"
};

/* Rows of insns.def name fields and queues bare. */
enum {
#define FIELD(name, lsb, width, kind, text) name = FIELD_##name,
#include "backend/isa/fields.def"
	LD = 1 << Q_LD,
	ST = 1 << Q_ST,
	MX = 1 << Q_MX,
	ML = 1 << Q_ML,
	VE = 1 << Q_VE,
	CO = 1 << Q_CO,
	ANY = (1 << Q_COUNT) - 1
};

#define FIELDS(...) \
	sizeof((unsigned char[]){ __VA_ARGS__ }), { __VA_ARGS__ }

const struct insn_info isa_insns[] = {
#define INSN(name, code, queues, fields, summary) \
	{ #name, summary, code, queues, fields },
#include "backend/isa/insns.def"
};
const unsigned isa_ninsns = sizeof isa_insns / sizeof *isa_insns;

/* Row numbers plus 1 by opcode, so that decoding needs no search. */
enum {
#define INSN(name, code, queues, fields, summary) ROW_##name,
#include "backend/isa/insns.def"
	ROW_COUNT
};
static const unsigned char row_of[256] = {
#define INSN(name, code, queues, fields, summary) [code] = ROW_##name + 1,
#include "backend/isa/insns.def"
};
_Static_assert(ROW_COUNT < 255, "row numbers fit a byte");

const struct insn_info *
insn_info(unsigned code)
{
	if (code >= sizeof row_of || row_of[code] == 0)
		return NULL;
	return &isa_insns[row_of[code] - 1];
}

const struct insn_info *
insn_lookup(const char *mnemonic)
{
	for (unsigned i = 0; i < isa_ninsns; i++)
		if (strcmp(isa_insns[i].name, mnemonic) == 0)
			return &isa_insns[i];
	return NULL;
}

int
field_desc_kind(enum field_kind kind)
{
	switch (kind) {
	case FIELD_AFF: return DESC_AFF;
	case FIELD_VIEW: return DESC_VIEW;
	case FIELD_EPI: return DESC_EPI;
	case FIELD_DMA: return DESC_DMA;
	case FIELD_VEC: return DESC_VEC;
	case FIELD_UINT:
	case FIELD_SINT:
	case FIELD_MODE:
	case FIELD_FIRST:
	case FIELD_SEM: break;
	}
	return -1;
}
