#include "backend/isa/isa.h"

#include "backend/isa/table.h"

struct vec_func_info {
	const char *name, *text;
	enum vec_kind kind;
	int nsrc, steps;
};

static const struct vec_func_info funcs[VF_COUNT] = {
#define VEC_FUNC(name, kind, nsrc, steps, text) \
	[VF_##name] = { #name, text, VEC_##kind, nsrc, steps },
#include "backend/isa/vecfuncs.def"
};

const char *
vec_func_name(enum vec_func f)
{
	return (unsigned)f < VF_COUNT ? funcs[f].name : "?";
}

enum vec_kind
vec_func_kind(enum vec_func f)
{
	return (unsigned)f < VF_COUNT ? funcs[f].kind : VEC_MAP;
}

int
vec_func_sources(enum vec_func f)
{
	return (unsigned)f < VF_COUNT ? funcs[f].nsrc : 0;
}

int
vec_func_steps(enum vec_func f)
{
	return (unsigned)f < VF_COUNT ? funcs[f].steps : 0;
}

const char *
vec_func_text(enum vec_func f)
{
	return (unsigned)f < VF_COUNT ? funcs[f].text : "?";
}

enum opcode
vec_func_opcode(enum vec_func f)
{
	switch (vec_func_kind(f)) {
	case VEC_RED: return INSN_VRED;
	case VEC_WIN: return INSN_VWIN;
	case VEC_MAP: break;
	}
	return INSN_VMAP;
}

int64_t
vec_elements(const struct vec *v)
{
	int64_t n = 1;

	for (int i = 0; i < v->rank && i < VEC_MAX_RANK; i++)
		if (!mul_int64(n, v->size[i], &n))
			return INT64_MAX;
	return n;
}
