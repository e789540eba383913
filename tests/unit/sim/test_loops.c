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
load_run(const struct sim_loops *l, enum dtype t, float *dst, const void *src,
    int64_t n)
{
	l->load(t, dst, 0, src, 0, 1, n);
}

static void
store_run(const struct sim_loops *l, enum dtype t, void *dst,
    const float *src, int64_t n)
{
	l->store(t, dst, 0, src, 0, 1, n);
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
		load_run(l[i], DT_F16, v, h, 65536);
		for (int j = 0; j < 65536; j++) {
			float want = f16_to_f32((uint16_t)j);

			assert_memory_equal(&v[j], &want, 4);
		}
		load_run(l[i], DT_BF16, v, h, 65536);
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
			store_run(l[k], DT_F16, f16, v, N);
			store_run(l[k], DT_BF16, bf16, v, N);
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
			store_run(l[i], DT_F16, h, f, len);
			load_run(l[i], DT_F16, f, h, len);
			for (int64_t j = 0; j < len; j++)
				assert_int_equal(f32_to_f16(f[j]), h[j]);
			store_run(l[i], DT_BF16, h, f, len);
			load_run(l[i], DT_BF16, f, h, len);
			for (int64_t j = 0; j < len; j++)
				assert_int_equal(f32_to_bf16(f[j]), h[j]);
		}
		free(f);
		free(h);
	}
}

/* Rows with gaps, every type, every width, addresses without alignment. */
static void
rows_with_gaps(void **state)
{
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	uint64_t seed = 9;

	(void)state;
	for (int t = 0; t < 1500; t++) {
		enum dtype type = types[t % 3];
		int64_t size = (int64_t)dtype_size(type);
		int64_t rows = random_int(&seed, 1, 9);
		int64_t cols = random_int(&seed, 1, 70);
		int64_t row = cols * size + random_int(&seed, 0, 3);
		int64_t gap = cols + random_int(&seed, 0, 2);
		uint8_t mem[10 * 300], back[10 * 300], want[10 * 300];
		float v[9 * 80], w[9 * 80];

		for (size_t i = 0; i < sizeof mem; i++)
			mem[i] = (uint8_t)unit_random(&seed);
		memset(w, 0x11, sizeof w);
		for (int64_t r = 0; r < rows; r++)
			for (int64_t c = 0; c < cols; c++)
				w[r * gap + c] = type == DT_F32 ? 0 :
				    (float)dtype_get(mem + r * row +
					c * size, type, 0);
		for (int i = 0; i < n; i++) {
			memset(v, 0x11, sizeof v);
			l[i]->load(type, v, gap, mem, row, rows, cols);
			for (int64_t k = 0; k < rows * cols; k++) {
				int64_t r = k / cols, c = k % cols;
				const uint8_t *p = mem + r * row + c * size;

				if (type == DT_F32) /* to the bit */
					memcpy(&w[r * gap + c], p, 4);
				else if (type == DT_BF16 || !isnan(
				    w[r * gap + c]))
					w[r * gap + c] = type == DT_F16 ?
					    f16_to_f32((uint16_t)(p[0] |
						p[1] << 8)) :
					    bf16_to_f32((uint16_t)(p[0] |
						p[1] << 8));
				else
					w[r * gap + c] = v[r * gap + c];
			}
			assert_memory_equal(v, w, sizeof v);
			memset(back, 0x22, sizeof back);
			memset(want, 0x22, sizeof want);
			l[i]->store(type, back, row, v, gap, rows, cols);
			for (int64_t k = 0; k < rows * cols; k++) {
				float x = v[k / cols * gap + k % cols];

				dtype_set(want + k / cols * row +
				    k % cols * size, type, 0,
				    isnan(x) ? (double)NAN : (double)x);
			}
			assert_memory_equal(back, want, sizeof back);
		}
	}
}

static void
transpositions(void **state)
{
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	uint64_t seed = 19;

	(void)state;
	for (int t = 0; t < 600; t++) {
		int64_t rows = random_int(&seed, 1, 40);
		int64_t cols = random_int(&seed, 1, 40);
		int64_t row = cols * 4 + random_int(&seed, 0, 5);
		int64_t to = rows + random_int(&seed, 0, 3);
		/* exactly as large as read and written */
		size_t from_size = (size_t)((rows - 1) * row + cols * 4);
		size_t to_size = (size_t)((cols - 1) * to + rows);
		uint8_t *src = malloc(from_size);
		float *dst = malloc(to_size * sizeof *dst);

		assert_non_null(src);
		assert_non_null(dst);
		for (size_t i = 0; i < from_size; i++)
			src[i] = (uint8_t)unit_random(&seed);
		for (int i = 0; i < n; i++) {
			memset(dst, 0, to_size * sizeof *dst);
			l[i]->transpose(dst, to, src, row, rows, cols);
			for (int64_t r = 0; r < rows; r++)
				for (int64_t c = 0; c < cols; c++)
					assert_memory_equal(&dst[c * to + r],
					    src + r * row + c * 4, 4);
			for (int64_t c = 0; c + 1 < cols; c++)
				for (int64_t r = rows; r < to; r++)
					assert_true(dst[c * to + r] == 0);
		}
		free(src);
		free(dst);
	}
}

/* Reductions in every length, continued in any place that is a multiple of
 * 16. */
static void
reductions(void **state)
{
	static const enum vec_func funcs[] = {VF_rsum, VF_rprod, VF_rmax,
	    VF_rmin};
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	uint64_t seed = 29;

	(void)state;
	for (int t = 0; t < 2000; t++) {
		enum vec_func f = funcs[t % 4];
		int64_t len = random_int(&seed, 1, 200);
		int64_t cut = random_int(&seed, 0, len / 16) * 16;
		float *x = numbers(len, &seed, t % 3 != 0);
		float want[16], acc[16];

		for (int j = 0; j < 16; j++)
			want[j] = (float)j;
		for (int64_t e = 0; e < len; e++) {
			float a = want[e % 16], b = x[e];

			want[e % 16] = f == VF_rsum ? a + b :
			    f == VF_rprod ? a * b :
			    isnan(a) ? a : isnan(b) ? b :
			    f == VF_rmax ? (a > b ? a : b) :
			    (a < b ? a : b);
		}
		for (int i = 0; i < n; i++) {
			for (int j = 0; j < 16; j++)
				acc[j] = (float)j;
			l[i]->reduce(f, cut, acc, x);
			l[i]->reduce(f, len - cut, acc, x + cut);
			for (int j = 0; j < 16; j++)
				assert_int_equal(float_bits(acc[j]),
				    float_bits(want[j]));
		}
		free(x);
	}
}

/* What one element of a window is after another tap. */
static void
naive_tap(float x, float y, float tap, float *best, float *arg, float *sum)
{
	if (*arg < 0 || x > *best || (isnan(x) && !isnan(*best))) {
		*best = x;
		*arg = tap;
	}
	if (y == tap)
		*sum += x;
}

/* Maxima with their taps, and sums of what belongs to a tap, in every
 * length. */
static void
window_taps(void **state)
{
	enum { N = 70, TAPS = 6 };
	const struct sim_loops *l[3];
	int n = usable_loops(l);
	uint64_t seed = 23;

	(void)state;
	for (int t = 0; t < 300; t++) {
		int len = t % N + 1;
		float best[3][N], arg[3][N], sum[3][N], want[3][N];

		for (int j = 0; j < N; j++) {
			want[0][j] = want[2][j] = 0;
			want[1][j] = -1;
		}
		for (int i = 0; i < n; i++) {
			memcpy(best[i], want[0], sizeof best[i]);
			memcpy(arg[i], want[1], sizeof arg[i]);
			memcpy(sum[i], want[2], sizeof sum[i]);
		}
		for (int tap = 0; tap < TAPS; tap++) {
			float *x = numbers((size_t)len, &seed, t % 3 == 0);
			float y[N];

			for (int j = 0; j < len; j++) {
				if (random_int(&seed, 0, 3) == 0)
					x[j] = random_int(&seed, 0, 1) ?
					    -INFINITY : -0.0f;
				y[j] = (float)random_int(&seed, 0, TAPS);
				naive_tap(x[j], y[j], (float)tap, &want[0][j],
				    &want[1][j], &want[2][j]);
			}
			for (int i = 0; i < n; i++) {
				l[i]->first_max(len, best[i], arg[i], x,
				    (float)tap);
				l[i]->add_where(len, sum[i], x, y,
				    (float)tap);
			}
			free(x);
		}
		for (int i = 0; i < n; i++)
			for (int j = 0; j < len; j++) {
				assert_int_equal(arg[i][j], want[1][j]);
				assert_true(isnan(best[i][j]) ?
				    isnan(want[0][j]) :
				    best[i][j] == want[0][j]);
				assert_true(isnan(sum[i][j]) ?
				    isnan(want[2][j]) :
				    float_bits(sum[i][j]) ==
				    float_bits(want[2][j]));
			}
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
		cmocka_unit_test(rows_with_gaps),
		cmocka_unit_test(transpositions),
		cmocka_unit_test(reductions),
		cmocka_unit_test(window_taps),
		cmocka_unit_test(map_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
