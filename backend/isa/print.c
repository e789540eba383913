/* Names of enum values and the assembly of one instruction. */
#include "backend/isa/table.h"

#include <inttypes.h>
#include <string.h>

static const char *const act_names[EPI_ACT_COUNT] = {
	[EPI_NONE] = "none",
	[EPI_RELU] = "relu",
	[EPI_LEAKY_RELU] = "leaky_relu",
	[EPI_CLIP] = "clip",
	[EPI_SIGMOID] = "sigmoid",
	[EPI_TANH] = "tanh",
	[EPI_HARD_SIGMOID] = "hard_sigmoid",
	[EPI_HARD_SWISH] = "hard_swish",
};

static const char *const mode_names[] = { "FW", "VSW", "HSW", "ISW" };

const char *
epi_act_name(enum epi_act act)
{
	return (unsigned)act < EPI_ACT_COUNT ? act_names[act] : "?";
}

const char *
desc_value_name(enum desc_type t, uint64_t v)
{
	switch (t) {
	case DESC_FLAGS:
		return v == 0 ? "none" :
		    v == VIEW_TRANSPOSED ? "transposed" : NULL;
	case DESC_SPACE:
		return v < SPACE_COUNT ? space_name((enum space)v) : NULL;
	case DESC_DTYPE:
		return v == DT_NONE ? "none" :
		    v < DT_COUNT ? dtype_name((enum dtype)v) : NULL;
	case DESC_TRAFFIC:
		return v < TRAFFIC_COUNT ? traffic_name((enum traffic)v) :
					   NULL;
	case DESC_ACT:
		return v < EPI_ACT_COUNT ? act_names[v] : NULL;
	case DESC_FUNC:
		return v < VF_COUNT ? vec_func_name((enum vec_func)v) : NULL;
	case DESC_INT:
	case DESC_IDX:
	case DESC_DIM:
	case DESC_REAL:
		break;
	}
	return NULL;
}

bool
desc_value_parse(enum desc_type t, const char *name, uint64_t *v)
{
	const char *s;

	for (uint64_t i = 0; (s = desc_value_name(t, i)) != NULL; i++)
		if (strcmp(s, name) == 0) {
			*v = i;
			return true;
		}
	return false;
}

const char *
mode_name(int64_t mode)
{
	return mode >= 0 && mode < 4 ? mode_names[mode] : NULL;
}

static void
print_field(struct strbuf *s, const struct field_info *f, int64_t v)
{
	int kind = field_desc_kind(f->kind);

	strbuf_addf(s, " %s=", f->name);
	if (kind >= 0)
		strbuf_addf(s, "%c%" PRId64, desc_letter((enum desc_kind)kind),
		    v);
	else if (f->kind == FIELD_SEM)
		strbuf_addf(s, "s%" PRId64, v);
	else if (f->kind == FIELD_MODE && mode_name(v) != NULL)
		strbuf_add(s, mode_name(v));
	else if (f->kind == FIELD_FIRST && v == FIRST_ALWAYS)
		strbuf_add(s, "always");
	else if (f->kind == FIELD_FIRST && v >= FIRST_LOOP(0))
		strbuf_addf(s, "i%" PRId64, v - FIRST_LOOP(0));
	else
		strbuf_addf(s, "%" PRId64, v);
}

void
insn_print(struct strbuf *s, const struct insn *in)
{
	const struct insn_info *info = insn_info((unsigned)in->op);

	if (info == NULL) {
		strbuf_addf(s, "? opcode 0x%02x", (unsigned)in->op);
		return;
	}
	strbuf_add(s, info->name);
	for (unsigned i = 0; i < info->nfields; i++) {
		unsigned id = info->field[i];
		const struct field_info *f = &isa_fields[id];

		/* s0 is a semaphore like any other and always shown */
		if (id != FIELD_opcode &&
		    (in->field[id] != 0 || f->kind == FIELD_SEM))
			print_field(s, f, in->field[id]);
	}
}

struct insn_word
insn_load(const uint8_t *code, size_t i)
{
	struct insn_word w = { le_get(code + 16 * i, 8),
		le_get(code + 16 * i + 8, 8) };

	return w;
}

void
insn_store(uint8_t *code, size_t i, struct insn_word w)
{
	le_put(code + 16 * i, 8, w.lo);
	le_put(code + 16 * i + 8, 8, w.hi);
}
