/* Damaged networks never crash the reader: what it accepts verifies, and what
 * it refuses gave an error. Runs under the sanitizers in SAN=1. */
#include "tests/lib/unit.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/net.h"
#include "ir/text.h"
#include "support/file.h"

#define MUTANTS 3000

static const char *const seeds[] = {
	"examples/lenet5.net", "examples/fm-a.net", "examples/resnet20.net",
	"examples/resnet-cifar.net", "examples/mobilenet_v2.net",
	"tests/fuzz/corpus/net/all.net",
};

#define COUNT (sizeof seeds / sizeof *seeds)

/* What a mistake is likely made of. */
static const char *const pieces[] = {
	"->", "(", ")", "[", "]", "{", "}", "\n", "\"", "..", "=", ",", "0",
	"-1", "99999999", "none", "x", "repeat i in 0..9 {", "if true {",
	"name=\"a\"", "x -> conv(3, 3)", "-> relu", "add(x, x)", " + ",
	"input y : f32[2]", "output z = x", "return x", "where", "include",
	"block b(x) {", "1e300", "//", "**", "[1, 2]", "#",
};

#define PIECES (sizeof pieces / sizeof *pieces)

static size_t
mutate(char *s, size_t n, size_t room, uint64_t *rng)
{
	size_t times = 1 + unit_random(rng) % 4;

	while (times-- > 0 && n > 0) {
		size_t at = unit_random(rng) % n;
		size_t len = 1 + unit_random(rng) % 12;
		const char *p = pieces[unit_random(rng) % PIECES];

		len = len < n - at ? len : n - at;
		switch (unit_random(rng) % 4) {
		case 0: s[at] = (char)unit_random(rng); break;
		case 1: /* cut */
			memmove(s + at, s + at + len, n - at - len);
			n -= len;
			break;
		case 2: /* insert */
			len = strlen(p);
			if (n + len > room)
				break;
			memmove(s + at + len, s + at, n - at);
			memcpy(s + at, p, len);
			n += len;
			break;
		default: /* copy from elsewhere */
			memmove(s + at, s + unit_random(rng) % (n - len + 1),
			    len);
			break;
		}
	}
	return n;
}

static void
mutants_do_not_crash(void **state)
{
	struct unit *u = *state;
	uint64_t rng = 20240611;
	unsigned accepted = 0;

	for (size_t i = 0; i < MUTANTS; i++) {
		const char *path = seeds[i % COUNT];
		struct arena *a = arena_new();
		struct diag d = {0};
		struct net_options opt = {.max_bytes = 1 << 20,
		    .no_weights = true};
		char *seed;
		size_t n;

		if (!file_read(a, &u->diag, path, 0, &seed, &n))
			fail_msg("%s", u->last);
		char *s = arena_alloc(a, n + 200);
		memcpy(s, seed, n);
		n = mutate(s, n, n + 200, &rng);
		/* a block of its own, so that overruns are seen */
		struct graph *g = net_parse(a, &d, path,
		    arena_memdup(a, s, n), n, &opt, NULL);
		if ((g == NULL) != (d.errors > 0))
			fail_msg("mutant %zu: %u errors", i, d.errors);
		if (g != NULL && !graph_verify(g, &u->diag, "net"))
			fail_msg("mutant %zu: %s", i, u->last);
		accepted += g != NULL;
		arena_free(a);
	}
	assert_in_range(accepted, MUTANTS / 50, MUTANTS / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(mutants_do_not_crash),
	};

	return cmocka_run_group_tests_name("frontend/net_mutate", tests,
	    NULL, NULL);
}
