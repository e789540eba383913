/* Any bytes as an object: one error, or a program that assembly can carry
 * without loss. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/program.h"

#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "backend/object.h"

static void
through_assembly(struct arena *a, struct diag *d,
    const struct wave_program *p)
{
	struct strbuf text = { 0 };
	struct wave_program *q;
	uint8_t *x, *y;
	size_t nx, ny;

	asm_print(&text, p);
	q = asm_parse(a, d, "text", text.data, text.len);
	if (q == NULL || !object_write_memory(a, d, p, &x, &nx) ||
	    !object_write_memory(a, d, q, &y, &ny) || nx != ny ||
	    memcmp(x, y, nx) != 0)
		abort();
	strbuf_free(&text);
}

/* waveobjdump shows invalid code too. */
static void
print_only(const struct wave_program *p)
{
	struct strbuf text = { 0 };

	asm_print(&text, p);
	strbuf_free(&text);
}

void
fuzz_one(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diag d = { 0 };
	struct isa_tables t = { 0 };
	const uint8_t *copy = arena_memdup(a, data, size);
	struct wave_program *p =
	    program_load(a, &d, "input", copy, size);

	if (d.errors != (p == NULL))
		abort();
	if (p != NULL) {
		bool ok = program_validate(a, &d, "input", p, &t);

		if (d.errors != !ok)
			abort();
		if (ok)
			through_assembly(a, &d, p);
		else
			print_only(p);
	}
	arena_free(a);
}
