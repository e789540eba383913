/* Any text as a target file: errors, or numbers that describe a machine. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "backend/target.h"

void
fuzz_one(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diag d = { 0 };
	const char *text = arena_memdup(a, data, size);
	struct wave_target *t =
	    target_parse_ini(a, &d, "input.ini", text, size);

	if ((t == NULL) != (d.errors > 0))
		abort();
	if (t != NULL && !target_validate(&d, t))
		abort();
	arena_free(a);
}
