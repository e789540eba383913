/* Any bytes as a network: errors, or a graph that verifies. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "frontend/net.h"
#include "ir/text.h"

void
fuzz_one(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diag d = {0};
	struct net_options opt = {.max_bytes = 1 << 16};
	struct net_train train;
	const char *text = arena_memdup(a, data, size);
	struct graph *g =
	    net_parse(a, &d, "none/input.net", text, size, &opt, &train);

	if ((g == NULL) != (d.errors > 0))
		abort();
	if (g != NULL && !graph_verify(g, &d, "net"))
		abort();
	arena_free(a);
}
