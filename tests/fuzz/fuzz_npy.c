/* Any bytes as a .npy file: one error, or data of the size it says. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "support/npy.h"

void
fuzz_one(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diag d = {0};
	char *copy = arena_memdup(a, data, size);
	struct npy n;
	unsigned sum = 0;

	if (npy_parse(a, &d, "input", copy, size, &n)) {
		for (size_t i = 0; i < n.bytes; i++)
			sum += ((unsigned char *)n.data)[i];
		if (d.errors != 0 || sum > 255 * n.bytes)
			abort();
	} else if (d.errors != 1) {
		abort();
	}
	arena_free(a);
}
