/* Every build of the inner loops gives the same bits as one-line
 * definitions. */
#include "runtime/sim/loops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sim/exec.h"
#include "tests/lib/simgroup.h"
#include "tests/lib/unit.h"

struct product {
	int64_t m, n, k, lda, ldb, ldc;
	bool first;
	float *a, *b, *c;
};

static float *
numbers(int64_t n, uint64_t *seed, bool plain)
{
	float *v = malloc((size_t)n * sizeof *v);

	assert_non_null(v);
	for (int64_t i = 0; i < n; i++)
		do
			v[i] = random_float(seed);
		while (plain && !isfinite(v[i]));
	return v;
}

static float
chain(const struct product *p, int64_t i, int64_t j)
{
	float sum = p->first ? 0 : p->c[i * p->ldc + j];

	for (int64_t k = 0; k < p->k; k++)
		sum = fmaf(p->a[i * p->lda + k], p->b[k * p->ldb + j], sum);
	return sum;
}

/* Beyond column n of c nothing may change. */
static void
check_product(const struct product *p, const struct sim_loops *l)
{
	int64_t size = p->m * p->ldc;
	float *c = malloc((size_t)size * sizeof *c);

	assert_non_null(c);
	memcpy(c, p->c, (size_t)size * sizeof *c);
	l->gemm(p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb, c, p->ldc,
	    p->first);
	for (int64_t i = 0; i < p->m; i++) {
		for (int64_t j = 0; j < p->n; j++) {
			uint32_t want = float_bits(chain(p, i, j)), got;

			memcpy(&got, &c[i * p->ldc + j], sizeof got);
			if (got != want)
				fail_msg("%s %lldx%lldx%lld [%lld][%lld]: "
				    "%#x, not %#x", l->name, (long long)p->m,
				    (long long)p->n, (long long)p->k,
				    (long long)i, (long long)j, got, want);
		}
		if (memcmp(c + i * p->ldc + p->n, p->c + i * p->ldc + p->n,
		    (size_t)(p->ldc - p->n) * sizeof *c) != 0)
			fail_msg("%s writes beyond column n", l->name);
	}
	free(c);
}

static void
try_product(struct product *p, uint64_t *seed, bool plain)
{
	const struct sim_loops *l[3];
	int n = usable_loops(l);

	/* exactly as large as read: the last rows end at k and n */
	p->a = numbers((p->m - 1) * p->lda + p->k, seed, plain);
	p->b = numbers((p->k - 1) * p->ldb + p->n, seed, plain);
	p->c = numbers(p->m * p->ldc, seed, plain);
	for (int i = 0; i < n; i++)
		check_product(p, l[i]);
	free(p->a);
	free(p->b);
	free(p->c);
}

static void
gemm_tails(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int64_t m = 1; m <= 26; m++)
		for (int64_t n = 1; n <= 67; n++) {
			struct product p = {m, n, m % 7 + 1, m % 7 + 1, n, n,
			    (m + n) % 2 == 0, NULL, NULL, NULL};

			try_product(&p, &seed, n % 2 == 0);
		}
}

static void
gemm_random(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int t = 0; t < 250; t++) {
		struct product p;

		p.m = random_int(&seed, 1, 40);
		p.n = random_int(&seed, 1, 140);
		p.k = random_int(&seed, 1, 300);
		p.lda = p.k + random_int(&seed, 0, 5);
		p.ldb = p.n + random_int(&seed, 0, 5);
		p.ldc = p.n + random_int(&seed, 0, 5);
		p.first = random_int(&seed, 0, 1) != 0;
		try_product(&p, &seed, t % 3 != 0);
	}
}

/* A long chain cut in any place is the same chain. */
static void
gemm_split(void **state)
{
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	uint64_t seed = 3;
	enum { M = 13, N = 37, K = 200 };
	float *a = numbers(M * K, &seed, true);
	float *b = numbers(K * N, &seed, true);

	(void)state;
	for (int i = 0; i < n; i++) {
		float whole[M * N], parts[M * N];

		l[i]->gemm(M, N, K, a, K, b, N, whole, N, true);
		for (int64_t k = 0, step; k < K; k += step) {
			step = random_int(&seed, 1, 60);
			if (step > K - k)
				step = K - k;
			l[i]->gemm(M, N, step, a + k, K, b + k * N, N, parts,
			    N, k == 0);
		}
		assert_memory_equal(whole, parts, sizeof whole);
	}
	free(a);
	free(b);
}

static void
from_halves(void **state)
{
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	uint16_t *h = malloc(65536 * sizeof *h);
	float *v = malloc(65536 * sizeof *v);

	(void)state;
	assert_non_null(h);
	assert_non_null(v);
	for (int i = 0; i < 65536; i++)
		h[i] = (uint16_t)i;
	for (int i = 0; i < n; i++) {
		l[i]->from_f16(v, h, 65536);
		for (int j = 0; j < 65536; j++) {
			float want = f16_to_f32((uint16_t)j);

			assert_memory_equal(&v[j], &want, 4);
		}
		l[i]->from_bf16(v, h, 65536);
		for (int j = 0; j < 65536; j++) {
			float want = bf16_to_f32((uint16_t)j);

			assert_memory_equal(&v[j], &want, 4);
		}
	}
	free(h);
	free(v);
}

/* All upper halves with the lower halves where rounding turns. */
static void
to_halves(void **state)
{
	static const uint32_t low[] = {0, 1, 2, 0xfff, 0x1000, 0x1001, 0x1fff,
	    0x2000, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0xefff,
	    0xf000, 0xf001, 0xfffe, 0xffff};
	enum { LOW = sizeof low / sizeof *low, N = 4096 * LOW };
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	float *v = malloc(N * sizeof *v);
	uint16_t *f16 = malloc(N * sizeof *f16);
	uint16_t *bf16 = malloc(N * sizeof *bf16);

	(void)state;
	assert_non_null(v);
	assert_non_null(f16);
	assert_non_null(bf16);
	for (uint32_t high = 0; high < 65536; high += 4096) {
		for (uint32_t i = 0; i < N; i++) {
			uint32_t b = (high + i / LOW) << 16 | low[i % LOW];

			memcpy(&v[i], &b, sizeof b);
		}
		for (int k = 0; k < n; k++) {
			l[k]->to_f16(f16, v, N);
			l[k]->to_bf16(bf16, v, N);
			for (uint32_t i = 0; i < N; i++) {
				if (f16[i] != f32_to_f16(v[i]) ||
				    bf16[i] != f32_to_bf16(v[i]))
					fail_msg("%s %a: %#x %#x", l[k]->name,
					    (double)v[i], f16[i], bf16[i]);
			}
		}
	}
	free(v);
	free(f16);
	free(bf16);
}

/* Conversions of every length write that many elements. */
static void
conversion_lengths(void **state)
{
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	uint64_t seed = 5;

	(void)state;
	for (int64_t len = 0; len <= 70; len++) {
		/* exact sizes: sanitizers see a step beyond */
		size_t count = len > 0 ? (size_t)len : 1;
		float *f = malloc(count * sizeof *f);
		uint16_t *h = malloc(count * sizeof *h);

		assert_non_null(f);
		assert_non_null(h);
		for (int i = 0; i < n; i++) {
			for (int64_t j = 0; j < len; j++)
				f[j] = random_float(&seed);
			l[i]->to_f16(h, f, len);
			l[i]->from_f16(f, h, len);
			for (int64_t j = 0; j < len; j++)
				assert_int_equal(f32_to_f16(f[j]), h[j]);
			l[i]->to_bf16(h, f, len);
			l[i]->from_bf16(f, h, len);
			for (int64_t j = 0; j < len; j++)
				assert_int_equal(f32_to_bf16(f[j]), h[j]);
		}
		free(f);
		free(h);
	}
}

/* Element-wise functions over runs equal the scalar definition. */
static void
map_runs(void **state)
{
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	enum { N = 2000 };
	uint64_t seed = 13;
	float *x = numbers(N, &seed, false), *y = numbers(N, &seed, false);
	float *z = numbers(N, &seed, false), *out = numbers(N, &seed, false);
	const double param[2] = {-0.25, 1.75};

	(void)state;
	for (unsigned f = 0; f < VF_COUNT; f++) {
		if (vec_func_kind((enum vec_func)f) != VEC_MAP)
			continue;
		for (int i = 0; i < n; i++) {
			l[i]->map((enum vec_func)f, N, out, x, y, z, param);
			for (int j = 0; j < N; j++) {
				uint32_t want = float_bits(vecmath_f32(
				    (enum vec_func)f, x[j], y[j], z[j],
				    param)), got;

				memcpy(&got, &out[j], sizeof got);
				if (got != want)
					fail_msg("%s %s(%a, %a, %a): %#x, not "
					    "%#x", l[i]->name,
					    vec_func_name((enum vec_func)f),
					    (double)x[j], (double)y[j],
					    (double)z[j], got, want);
			}
		}
	}
	free(x);
	free(y);
	free(z);
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gemm_tails),
		cmocka_unit_test(gemm_random),
		cmocka_unit_test(gemm_split),
		cmocka_unit_test(from_halves),
		cmocka_unit_test(to_halves),
		cmocka_unit_test(conversion_lengths),
		cmocka_unit_test(map_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
