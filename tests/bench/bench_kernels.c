/* Speed of the simulator's kernels: the best of several short runs each, so
 * that a busy machine shows little. OpenBLAS stands beside the waves when its
 * shared library is there. An argument picks one part: waves, threads, memcpy,
 * loads, drains, tiny, dma or vec. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wave/target.h>

#include "runtime/sim/exec.h"
#include "runtime/sim/loops.h"
#include "runtime/sim/pool.h"

#define RUNS 15
#define RUN_SECONDS 0.01

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call of fn. */
static double
measure(void (*fn)(void *), void *arg)
{
	double best = 1e30;
	long batch = 1; /* calls between two looks at the clock */

	for (int r = 0; r < RUNS; r++) {
		double start = seconds(), time;
		long n = 0;

		do {
			for (long i = 0; i < batch; i++)
				fn(arg);
			n += batch;
			time = seconds() - start;
		} while (time < RUN_SECONDS);
		if (time / (double)n < best)
			best = time / (double)n;
		batch = n < 64 ? 1 : n / 64;
	}
	return best;
}

static void *
memory(size_t n)
{
	void *p = calloc(n, 1);

	if (p == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

static float *
numbers(size_t n)
{
	float *v = memory(n * sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = (float)(i * 7919 % 1000) * 0.001f - 0.5f;
	return v;
}

/* ---- waves ---- */

struct product {
	const struct sim_loops *l;
	int64_t m, n, k;
	float *a, *b, *c;
	bool first;
};

static void
product(void *arg)
{
	struct product *p = arg;

	p->l->gemm(p->m, p->n, p->k, p->a, p->k, p->b, p->n, p->c, p->n,
	    p->first);
}

typedef void sgemm_fn(int order, int ta, int tb, int m, int n, int k,
    float alpha, const float *a, int lda, const float *b, int ldb, float beta,
    float *c, int ldc);

struct blas {
	sgemm_fn *sgemm;
	void (*threads)(int n);
	char *(*core)(void);
	struct product *p;
};

static void
blas_product(void *arg)
{
	const struct blas *b = arg;
	const struct product *p = b->p;
	int m = (int)p->m, n = (int)p->n, k = (int)p->k;

	b->sgemm(101, 111, 111, m, n, k, 1, p->a, k, p->b, n,
	    p->first ? 0 : 1, p->c, n);
}

/* A function's address comes out of a library as an object's. */
static void
symbol(void *lib, const char *name, void *fn)
{
	void *p = dlsym(lib, name);

	memcpy(fn, &p, sizeof p);
}

static struct blas
open_blas(void)
{
	struct blas b = {0};
	/* libraries older than the processor may take it for an old one */
	if (sim_loops_best() != &sim_loops_portable)
		setenv("OPENBLAS_CORETYPE", strcmp(sim_loops_best()->name,
		    "avx512") == 0 ? "SkylakeX" : "Haswell", 0);

	void *lib = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);

	if (lib == NULL)
		return b;
	symbol(lib, "cblas_sgemm", &b.sgemm);
	symbol(lib, "openblas_set_num_threads", &b.threads);
	symbol(lib, "openblas_get_corename", &b.core);
	return b;
}

struct wave_run {
	struct exec_group g;
	struct bank h, o;
	int64_t m, n, k;
};

static void
wave(void *arg)
{
	struct wave_run *w = arg;
	const char *why;

	exec_gemm(&w->g, &w->h, &w->o, w->m, w->k, w->n, false, &why);
}

static void
bench_waves(void)
{
	static const int64_t shape[][3] = {{256, 128, 128}, {128, 128, 128},
	    {1024, 128, 128}, {49, 128, 128}, {256, 64, 64}, {16, 4, 4}};
	struct blas blas = open_blas();
	const struct sim_loops *l[3] = {&sim_loops_portable};
	int n = 1;

#if defined(__x86_64__)
	if (sim_loops_best() != &sim_loops_portable)
		l[n++] = &sim_loops_avx2;
	if (sim_loops_best() == &sim_loops_avx512)
		l[n++] = &sim_loops_avx512;
#endif
	printf("waves, GFLOP/s, m x n x k; OpenBLAS at 1 thread, core %s\n",
	    blas.core != NULL ? blas.core() : "unknown");
	for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
		struct product p = {NULL, shape[s][0], shape[s][1],
		    shape[s][2], NULL, NULL, NULL, false};
		double flop = 2e-9 * (double)(p.m * p.n * p.k);

		p.a = numbers((size_t)(p.m * p.k));
		p.b = numbers((size_t)(p.k * p.n));
		p.c = numbers((size_t)(p.m * p.n));
		printf("  %4ldx%ldx%-4ld", (long)p.m, (long)p.n, (long)p.k);
		for (int i = 0; i < n; i++) {
			p.l = l[i];
			printf(" %s %.1f", p.l->name,
			    flop / measure(product, &p));
		}
		if (blas.sgemm != NULL) {
			blas.p = &p;
			blas.threads(1);
			printf(" openblas %.1f",
			    flop / measure(blas_product, &blas));
		}
		printf("\n");
		free(p.a);
		free(p.b);
		free(p.c);
	}
}

static void
bench_threads(void)
{
	struct wave_run w = {.m = 512, .n = 128, .k = 128};

	w.h = (struct bank){numbers(512 * 128), 512 * 128, 512, 128, DT_F32};
	w.o = (struct bank){numbers(512 * 128), 512 * 128, 512, 128, DT_F32};
	w.g.array.pe = (struct bank){numbers(128 * 128), 128 * 128, 128, 128,
	    DT_F32};
	for (int threads = 1; threads <= 2; threads++) {
		w.g.pool = pool_new(threads);
		printf("  exec_gemm 512x128x128, %d threads: %.1f\n", threads,
		    2e-9 * 512 * 128 * 128 / measure(wave, &w));
		pool_free(w.g.pool);
	}
	free(w.h.data);
	free(w.o.data);
	free(w.g.array.pe.data);
}

/* ---- views ---- */

struct load {
	struct exec_group g;
	struct isa_tables t;
	struct aff aff[4];
	struct view v;
	struct epi e;
	struct bank b;
	int64_t outer, k, step;
	bool stationary, drain;
};

static const int64_t no_idx[ISA_MAX_LOOPS];

/* All of the view, k columns at a time. */
static void
run_load(void *arg)
{
	struct load *l = arg;
	const char *why = NULL;

	for (int64_t k = 0; k < l->k; k += l->step) {
		int64_t n = l->k - k < l->step ? l->k - k : l->step;

		l->aff[1].base = k;
		if (l->drain) {
			l->b.cols = n;
			exec_drain(&l->g, &l->v, &l->e, no_idx, &l->b,
			    l->outer, n, &why);
		} else {
			exec_ldlbuf(&l->g, &l->v, no_idx, &l->b, l->outer, n,
			    l->stationary, &why);
		}
		if (why != NULL) {
			fprintf(stderr, "%s\n", why);
			exit(1);
		}
	}
}

/* A 3x3 or 1x1 convolution over c channels of hw x hw. */
static void
set_conv(struct load *l, enum dtype t, int64_t hw, int64_t c, int64_t kernel)
{
	int64_t size = (int64_t)dtype_size(t);
	struct view_axis a = {hw, kernel, 1, 1, kernel / 2, 1, hw, 0};

	memset(l, 0, sizeof *l);
	l->g.gbuf.size = (uint64_t)(hw * hw * c * size + 4 * 4096);
	l->g.gbuf.data = memory(l->g.gbuf.size);
	l->t.aff = l->aff;
	l->g.tables = &l->t;
	l->v = (struct view){.space = SPACE_GBUF, .dtype = t, .k0 = 1,
	    .n = 1, .c = c, .n_addr = hw * hw * c * size, .c_addr = size};
	l->v.axis[0] = (struct view_axis){1, 1, 1, 1, 0, 1, 1, 0};
	l->v.axis[1] = l->v.axis[2] = a;
	l->v.axis[1].addr = hw * c * size;
	l->v.axis[2].addr = c * size;
	l->outer = hw * hw;
	l->k = c * kernel * kernel;
	l->step = 128;
}

static double
gigabytes(const struct load *l)
{
	return 1e-9 * (double)(l->outer * l->k *
	    (int64_t)dtype_size(l->v.dtype));
}

struct bytes {
	char *to, *from;
	size_t n;
};

static void
copy_bytes(void *arg)
{
	struct bytes *b = arg;

	memcpy(b->to, b->from, b->n);
}

static void
bench_memcpy(void)
{
	static const size_t sizes[] = {64 << 10, 1 << 20, 64 << 20};

	printf("memcpy, GB/s:");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct bytes b = {memory(sizes[i]), memory(sizes[i]),
		    sizes[i]};

		memset(b.from, 1, b.n);
		printf(" %zu KiB %.1f", sizes[i] >> 10,
		    1e-9 * (double)b.n / measure(copy_bytes, &b));
		free(b.to);
		free(b.from);
	}
	printf("\n");
}

static void
bench_loads(void)
{
	static const struct {
		int64_t hw, c, kernel;
	} conv[] = {{28, 64, 3}, {14, 256, 3}, {28, 256, 1}, {56, 3, 7}};
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};

	printf("exec_ldlbuf, GB/s of elements read, all of k in steps of 128\n"
	    "  moving, then the same elements transposed\n");
	for (size_t i = 0; i < sizeof conv / sizeof *conv; i++) {
		printf("  %ldx%ld c%-3ld hw%-3ld", (long)conv[i].kernel,
		    (long)conv[i].kernel, (long)conv[i].c, (long)conv[i].hw);
		for (int t = 0; t < 3; t++) {
			struct load l;

			set_conv(&l, types[t], conv[i].hw, conv[i].c,
			    conv[i].kernel);
			printf(" %s %.1f", dtype_name(types[t]),
			    gigabytes(&l) / measure(run_load, &l));
			l.stationary = true;
			printf(" / %.1f",
			    gigabytes(&l) / measure(run_load, &l));
			free(l.b.data);
			free(l.g.gbuf.data);
		}
		printf("\n");
	}
}

static void
bench_drains(void)
{
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};

	printf("exec_drain 784 x 128 of 256 channels, GB/s written: plain, "
	    "scale bias residual relu\n ");
	for (int t = 0; t < 3; t++) {
		for (int full = 0; full < 2; full++) {
			struct load l;
			int64_t size = (int64_t)dtype_size(types[t]);

			set_conv(&l, types[t], 28, 256, 1);
			l.drain = true;
			l.b.rows = l.outer;
			l.b.cap = (size_t)l.outer * 128;
			l.b.data = numbers(l.b.cap);
			if (full) {
				l.aff[2].base = 28 * 28 * 256 * size;
				l.e.scale = (struct epi_vector){SPACE_GBUF,
				    DT_F32, 2};
				l.e.bias = l.e.scale;
				l.e.res_space = SPACE_GBUF;
				l.e.res_dtype = types[t];
				l.e.res_axis[1] = 28 * 256 * size;
				l.e.res_axis[2] = 256 * size;
				l.e.res_c = size;
				l.e.act = EPI_RELU;
			}
			printf(" %s %.1f", dtype_name(types[t]),
			    gigabytes(&l) / measure(run_load, &l));
			free(l.b.data);
			free(l.g.gbuf.data);
		}
	}
	printf("\n");
}

/* ---- one wave of a small array ---- */

struct tiny {
	struct load h, v, o;
	struct bank sums;
};

static void
tiny_wave(void *arg)
{
	struct tiny *t = arg;
	const char *why;

	exec_ldlbuf(&t->h.g, &t->v.v, no_idx, &t->v.b, 4, 4, true, &why);
	exec_shift(&t->h.g, &t->v.b, 4, 4, &why);
	exec_ldlbuf(&t->h.g, &t->h.v, no_idx, &t->h.b, 16, 4, false, &why);
	exec_gemm(&t->h.g, &t->h.b, &t->sums, 16, 4, 4, true, &why);
	exec_drain(&t->h.g, &t->o.v, &t->o.e, no_idx, &t->sums, 16, 4, &why);
}

static void
bench_tiny(void)
{
	struct tiny t;

	memset(&t, 0, sizeof t);
	set_conv(&t.h, DT_F32, 14, 16, 3);
	set_conv(&t.o, DT_F32, 14, 16, 1);
	set_conv(&t.v, DT_F32, 1, 144, 1); /* weights 16 x 144 */
	t.v.v.n = 16;
	t.v.v.n_addr = 4;
	t.v.v.c_addr = 64;
	t.v.v.axis[1].kernel = t.v.v.axis[2].kernel = 1;
	t.o.e.act = EPI_RELU;
	printf("LdLBUF_V, ShiftV, LdLBUF_H, ExecGEMM, StLBUF of 4x4x16: "
	    "%.0f ns\n", 1e9 * measure(tiny_wave, &t));
	free(t.h.g.gbuf.data);
	free(t.v.g.gbuf.data);
	free(t.o.g.gbuf.data);
	free(t.h.b.data);
	free(t.v.b.data);
	free(t.sums.data);
	free(t.h.g.array.pe.data);
}

/* ---- DMA and vector unit ---- */

struct group_run {
	struct exec_group g;
	struct mem dram;
	struct isa_tables t;
	struct aff aff[6];
	struct dma d;
	struct vec v;
	enum opcode op;
};

static void
init_group(struct group_run *r, size_t dram, size_t gbuf)
{
	memset(r, 0, sizeof *r);
	r->dram = (struct mem){memory(dram), dram};
	r->g.gbuf = (struct mem){memory(gbuf), gbuf};
	memset(r->dram.data, 0x3c, dram);
	memset(r->g.gbuf.data, 0x3c, gbuf);
	r->g.dram = &r->dram;
	r->t.aff = r->aff;
	r->g.tables = &r->t;
}

static void
free_group(struct group_run *r)
{
	free(r->dram.data);
	free(r->g.gbuf.data);
}

static void
check(bool ok, const char *const *why)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", *why);
	exit(1);
}

static void
run_dma(void *arg)
{
	struct group_run *r = arg;
	const char *why = "";

	check(exec_dma(&r->g, &r->d, no_idx, true, &why), &why);
}

static void
run_vec(void *arg)
{
	struct group_run *r = arg;
	const char *why = "";

	check(exec_vec(&r->g, r->op, &r->v, no_idx, &why), &why);
}

/* A box of 3 dimensions whose DRAM order is given, innermost last. */
static void
one_dma(const char *name, enum dtype from, enum dtype to,
    const int64_t *size, const int *order)
{
	struct group_run r;
	int64_t total = size[0] * size[1] * size[2], at, chip;
	struct dma *d;

	init_group(&r, (size_t)total * 4, (size_t)total * 4);
	d = &r.d;
	*d = (struct dma){.space = SPACE_GBUF, .dram_dtype = from,
	    .chip_dtype = to, .rank = 3, .index_dim = -1};
	at = (int64_t)dtype_size(from);
	chip = (int64_t)dtype_size(to);
	for (int i = 2; i >= 0; i--) {
		d->dim[i].size = size[i];
		d->dim[i].chip = chip;
		chip *= size[i];
	}
	for (int i = 2; i >= 0; i--) {
		d->dim[order[i]].dram = at;
		at *= size[order[i]];
	}
	printf("  %s %.1f", name, 1e-9 * (double)(total *
	    (int64_t)dtype_size(from)) / measure(run_dma, &r));
	free_group(&r);
}

static void
bench_dma(void)
{
	static const int64_t even[3] = {64, 64, 128}, image[3] = {112, 112, 3};
	static const int straight[3] = {0, 1, 2}, turned[3] = {2, 0, 1};

	printf("exec_dma, GB/s read\n");
	one_dma("f32", DT_F32, DT_F32, even, straight);
	one_dma("f32 to f16", DT_F32, DT_F16, even, straight);
	one_dma("f16 to f32", DT_F16, DT_F32, even, straight);
	one_dma("c first to c last", DT_F32, DT_F32, even, turned);
	one_dma("of 3 channels", DT_F32, DT_F32, image, turned);
	one_dma("to f16", DT_F32, DT_F16, image, turned);
	printf("\n");
}

/* func on n elements of type t; bytes moved per second. */
static void
one_map(enum vec_func f, enum dtype t, int64_t n)
{
	struct group_run r;
	int64_t size = (int64_t)dtype_size(t);
	int nsrc = vec_func_sources(f);

	init_group(&r, 64, (size_t)(4 * n * size));
	r.op = INSN_VMAP;
	r.v = (struct vec){.func = f, .rank = 1, .size = {n}};
	r.v.dst = (struct vec_operand){SPACE_GBUF, t, 1, {size}};
	for (int i = 0; i < nsrc; i++) {
		r.v.src[i] = r.v.dst;
		r.v.src[i].base = (uint32_t)i + 2;
		r.aff[i + 2].base = (i + 1) * n * size;
	}
	printf(" %s %.1f", vec_func_name(f), 1e-9 *
	    (double)((nsrc + 1) * n * size) / measure(run_vec, &r));
	free_group(&r);
}

static void
one_reduction(const char *name, enum dtype t, int64_t rows, int64_t cols,
    bool columns)
{
	struct group_run r;
	int64_t size = (int64_t)dtype_size(t), n = rows * cols;

	init_group(&r, 64, (size_t)(2 * n * size));
	r.op = INSN_VRED;
	r.v = (struct vec){.func = VF_rsum, .rank = 2, .nred = 1,
	    .size = {rows, cols}};
	r.aff[1].base = n * size;
	r.v.dst = (struct vec_operand){SPACE_GBUF, t, 1, {size, 0}};
	r.v.src[0] = (struct vec_operand){SPACE_GBUF, t, 0,
	    {cols * size, size}};
	if (columns) {
		r.v.src[0].stride[0] = size;
		r.v.src[0].stride[1] = rows * size;
	}
	printf("  %s %.1f", name, 1e-9 * (double)(n * size) /
	    measure(run_vec, &r));
	free_group(&r);
}

static void
one_window(enum vec_func f, int64_t hw, int64_t c)
{
	struct group_run r;
	int64_t n = hw * hw * c * 4;

	init_group(&r, 64, (size_t)(2 * n));
	r.op = INSN_VWIN;
	r.v = (struct vec){.func = f, .rank = 8,
	    .size = {1, 1, hw / 2, hw / 2, c, 1, 3, 3}};
	r.aff[1].base = n;
	r.v.src[0] = (struct vec_operand){SPACE_GBUF, DT_F32, 0,
	    {n, n, hw * c * 4, c * 4, 4}};
	r.v.dst = (struct vec_operand){SPACE_GBUF, DT_F32, 1,
	    {n / 4, n / 4, hw / 2 * c * 4, c * 4, 4}};
	r.v.axis[0] = (struct vec_axis){1, 1, 0, 1, 1};
	r.v.axis[1] = r.v.axis[2] = (struct vec_axis){2, 1, 1, hw, 1};
	printf("  %s c%ld %.1f", vec_func_name(f), (long)c,
	    1e-9 * (double)(n / 4 * 9) / measure(run_vec, &r));
	free_group(&r);
}

static void
bench_vec(void)
{
	static const enum vec_func fast[] = {VF_copy, VF_relu, VF_add, VF_mul,
	    VF_max, VF_clip, VF_hard_swish, VF_fma};
	static const enum vec_func slow[] = {VF_sqrt, VF_rsqrt, VF_exp,
	    VF_sigmoid, VF_tanh, VF_erf, VF_log, VF_sin, VF_pow};
	static const enum dtype types[] = {DT_F32, DT_F16, DT_I64};

	for (int t = 0; t < 3; t++) {
		printf("vmap %s, GB/s read and written:",
		    dtype_name(types[t]));
		for (size_t i = 0; i < sizeof fast / sizeof *fast; i++)
			one_map(fast[i], types[t], 200000);
		printf("\n");
	}
	printf("vmap f32:");
	for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
		one_map(slow[i], DT_F32, 50000);
	printf("\nvred sum, GB/s read:");
	one_reduction("rows f32", DT_F32, 256, 784, false);
	one_reduction("rows f16", DT_F16, 256, 784, false);
	one_reduction("columns f32", DT_F32, 256, 784, true);
	one_reduction("columns f16", DT_F16, 256, 784, true);
	printf("\nvwin 3x3 stride 2, GB/s under the window:");
	one_window(VF_wmax, 56, 64);
	one_window(VF_wsum, 28, 256);
	one_window(VF_wmax, 112, 8);
	printf("\n");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} parts[] = {
		{"waves", bench_waves}, {"threads", bench_threads},
		{"memcpy", bench_memcpy}, {"loads", bench_loads},
		{"drains", bench_drains}, {"tiny", bench_tiny},
		{"dma", bench_dma}, {"vec", bench_vec},
	};

	printf("loops: %s\n", sim_loops_best()->name);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (argc < 2 || strcmp(argv[1], parts[i].name) == 0)
			parts[i].fn();
	return 0;
}
