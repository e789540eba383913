/* Damaged models never crash the importer: whatever it accepts verifies, and
 * whatever it refuses gave an error. Runs under the sanitizers in SAN=1. */
#include "tests/lib/unit.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/onnx.h"
#include "ir/text.h"
#include "support/file.h"

#define MUTANTS 20000

static const char *const seeds[] = {
	"add6_axis", "avgpool_ceil_1", "batch_reshape", "batchnorm14_train",
	"conv1d", "conv_same_upper", "convtranspose_same", "gelu20",
	"groupnorm18", "pad18_axes", "prelu6", "raw_bool", "resize18_axes",
	"shape_arithmetic", "slice9", "softmax11_flat", "split18_uneven",
	"squeeze11", "sum11_axes", "typed_float", "typed_half", "typed_int8",
	"unsorted", "upsample7",
};

#define COUNT (sizeof seeds / sizeof *seeds)

/* Changes 1 to 4 places: a bit, a byte, an insertion, a cut, a copy. */
static size_t
mutate(uint64_t *rng, unsigned char *p, size_t n, size_t cap)
{
	int times = 1 + (int)(unit_random(rng) % 4);

	while (times-- > 0 && n > 1) {
		size_t at = unit_random(rng) % n;
		size_t to = unit_random(rng) % n;
		switch (unit_random(rng) % 6) {
		case 0:
			p[at] ^= (unsigned char)(1u << unit_random(rng) % 8);
			break;
		case 1:
			p[at] = (unsigned char)unit_random(rng);
			break;
		case 2:
			p[at] = unit_random(rng) % 2 == 0 ? 0xff : 0;
			break;
		case 3:
			if (n == cap)
				break;
			memmove(p + at + 1, p + at, n - at);
			n++;
			break;
		case 4:
			memmove(p + at, p + at + 1, n - at - 1);
			n--;
			break;
		default:
			p[at] = p[to];
			break;
		}
	}
	return n;
}

static void
mutants(void **state)
{
	struct unit *u = *state;
	uint64_t rng = 20240613;
	size_t accepted = 0;

	for (int i = 0; i < MUTANTS; i++) {
		struct arena *a = arena_new();
		struct diag d = {0};
		char *path = arena_printf(a, "tests/models/onnx/%s/model.onnx",
		    seeds[(size_t)i % COUNT]);
		char *data;
		size_t n;
		assert_true(file_read(a, &u->diag, path, 0, &data, &n));
		size_t cap = n + 8;
		unsigned char *p = arena_alloc(a, cap);
		memcpy(p, data, n);
		n = mutate(&rng, p, n, cap);
		/* A block of the exact size, so that an overrun is seen. */
		p = arena_memdup(a, p, n);
		struct graph *g = onnx_import(a, &d, path, p, n, NULL);
		if (g != NULL) {
			accepted++;
			assert_int_equal(d.errors, 0);
			assert_true(graph_verify(g, &d, "import"));
		} else {
			assert_true(d.errors > 0);
		}
		arena_free(a);
	}
	print_message("%zu of %d mutants were accepted\n", accepted, MUTANTS);
	/* Both answers occur, so the test sees more than the first check. */
	assert_true(accepted > MUTANTS / 50);
	assert_true(accepted < MUTANTS * 49 / 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(mutants)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
