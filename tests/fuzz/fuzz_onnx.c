/* Any bytes as a model: errors, or a graph that verifies. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "frontend/onnx.h"
#include "ir/text.h"

void
fuzz_one(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diag d = {0};
	void *copy = arena_memdup(a, data, size);
	struct graph *g =
	    onnx_import(a, &d, "none/input.onnx", copy, size, NULL);

	if ((g == NULL) != (d.errors > 0))
		abort();
	if (g != NULL && !graph_verify(g, &d, "import"))
		abort();
	arena_free(a);
}
