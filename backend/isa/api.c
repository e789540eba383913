/* Public entry points of the assembly language. */
#include <wave/isa.h>

#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "support/context.h"

const struct wave_program *
wave_assemble(struct wave_context *c, const char *name, const char *text,
    size_t size)
{
	struct isa_tables t;
	const struct wave_program *p = asm_parse(c->arena, &c->diag, name,
	    text, size);
	if (p == NULL || !program_validate(c->arena, &c->diag, name, p, &t))
		return NULL;
	return p;
}

const char *
wave_disassemble(struct wave_context *c, const struct wave_program *p)
{
	struct strbuf s = {0};
	asm_print(&s, p);
	const char *text = arena_strndup(c->arena, s.data, s.len);
	strbuf_free(&s);
	return text;
}

bool
wave_disassemble_one(const uint8_t bytes[16], char *out, size_t size)
{
	struct insn in;
	struct insn_word w = insn_load(bytes, 0);
	const char *why;
	if (size == 0 || !insn_decode(&w, &in, &why))
		return false;
	struct strbuf s = {0};
	insn_print(&s, &in);
	size_t n = s.len < size ? s.len : size - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = s.data[i];
	out[n] = '\0';
	strbuf_free(&s);
	return true;
}
