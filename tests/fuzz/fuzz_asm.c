/* Any text as assembly: errors, or a program whose text is stable. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "backend/isa/asm.h"
#include "backend/isa/program.h"

void
fuzz_one(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diag d = { 0 };
	struct isa_tables t = { 0 };
	struct strbuf x = { 0 }, y = { 0 };
	const char *text = arena_memdup(a, data, size);
	struct wave_program *p = asm_parse(a, &d, "input", text, size);

	if ((p == NULL) != (d.errors > 0) || d.errors > 20)
		abort();
	if (p != NULL) {
		asm_print(&x, p);
		(void)program_validate(a, &d, "input", p, &t);
		p = asm_parse(a, &d, "again", x.data, x.len);
		if (p == NULL)
			abort();
		asm_print(&y, p);
		if (strcmp(x.data, y.data) != 0)
			abort();
	}
	strbuf_free(&x);
	strbuf_free(&y);
	arena_free(a);
}
