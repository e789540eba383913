/* What the tools cost: compiling networks from ONNX files, phase by phase, and
 * running ResNet-50 on the simulator.
 *
 *   bench_tools [-n REPETITIONS] [-d FOLDER] [-q]
 *
 * Each repetition is a process of its own; the figures are medians. Phases are
 * processor time, which other work on the machine hardly changes; wall is what
 * a clock shows. Files go to FOLDER. -q: ResNet-50 only. The input files are in
 * the page cache, as they were just written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/object.h"
#include "backend/target.h"
#include "frontend/onnx.h"
#include "passes/pass.h"
#include "runtime/program.h"
#include "runtime/sim/sim.h"
#include "support/file.h"
#include "tests/lib/net_onnx.h"
#include "tests/lib/nets.h"

#define MOST_RUNS 101
#define LIMIT ((size_t)16 << 30)

enum phase { READ, IMPORT, PASSES, LOWER, ENCODE, WRITE, LOAD, RUN, TOTAL,
	PHASES };

/* One run, handed through a pipe. */
struct sample {
	bool ok;
	double seconds[PHASES]; /* of processor time */
	double wall;
	double code, peak; /* bytes of code and descriptors, of memory */
	double cycles;
};

struct job {
	const char *model, *object;
	int64_t batch;
	enum dtype precision;
	bool timing_only;
	int threads;
};

struct bench {
	struct arena *arena;
	struct diag diag;
	const char *folder;
	int runs;
};

static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	static char tool[] = "bench_tools";
	(void)user;
	if (level != DIAG_REMARK && level != DIAG_WARNING)
		diag_print_stderr(tool, level, loc, text);
}

static double
now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Notes the time since *t as that of a phase. */
static void
lap(struct sample *s, enum phase p, double *t)
{
	double at = now(CLOCK_PROCESS_CPUTIME_ID);
	s->seconds[p] = at - *t;
	s->seconds[TOTAL] += at - *t;
	*t = at;
}

/* ---- one run ---- */

static double
code_bytes(const struct wave_program *w)
{
	size_t n = 0;
	for (int q = 0; q < Q_COUNT; q++)
		n += w->code[q].size;
	for (int k = 0; k < DESC_COUNT; k++)
		n += w->desc[k].size;
	return (double)n;
}

static bool
compile(const struct job *j, struct diag *d, struct sample *s)
{
	struct arena *a = arena_new();
	struct wave_target *t = target_load(a, d, "wavecore");
	struct onnx_options oo = {.batch = j->batch};
	struct backend_options bo = {0};
	struct pass_options po;
	char *data;
	size_t size;
	double at = now(CLOCK_PROCESS_CPUTIME_ID);
	pass_options_init(&po);
	po.precision = j->precision;
	if (t == NULL || !target_override(t, d, "groups=1") ||
	    !file_read(a, d, j->model, LIMIT, &data, &size))
		return false;
	lap(s, READ, &at);
	struct graph *g = onnx_import(a, d, j->model, data, size, &oo);
	lap(s, IMPORT, &at);
	if (g == NULL || !passes_run(g, d, &po))
		return false;
	lap(s, PASSES, &at);
	struct tile_program *p = backend_tile(a, d, g, t, 1,
	    &(struct backend_options){0});
	lap(s, LOWER, &at);
	if (p == NULL)
		return false;
	struct wave_program *w = backend_code(a, d, p, &bo);
	lap(s, ENCODE, &at);
	if (w == NULL || !object_write(d, j->object, w))
		return false;
	lap(s, WRITE, &at);
	s->code = code_bytes(w);
	arena_free(a);
	return true;
}

static bool
simulate(const struct job *j, struct diag *d, struct sample *s)
{
	struct arena *a = arena_new();
	struct sim_options so = {.timing_only = j->timing_only,
	    .threads = j->threads};
	char *data;
	size_t size;
	double at = now(CLOCK_PROCESS_CPUTIME_ID);
	if (!file_read(a, d, j->object, LIMIT, &data, &size))
		return false;
	struct wave_program *w = program_load(a, d, j->object, data, size);
	struct device *dev = w == NULL ? NULL : sim_open(w, &so, d);
	lap(s, LOAD, &at);
	bool ok = dev != NULL && dev->ops->run(dev, "main", d);
	lap(s, RUN, &at);
	if (ok)
		s->cycles = (double)sim_stats(dev)->cycles;
	if (dev != NULL)
		dev->ops->close(dev);
	arena_free(a);
	return ok;
}

/* ---- repetitions ---- */

static bool
in_child(struct bench *b, const struct job *j,
    bool (*fn)(const struct job *j, struct diag *d, struct sample *s),
    struct sample *out)
{
	int fd[2], status = 0;
	memset(out, 0, sizeof *out);
	fflush(stdout);
	if (pipe(fd) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		struct sample s = {0};
		struct rusage u;
		double start = now(CLOCK_MONOTONIC);
		s.ok = fn(j, &b->diag, &s);
		s.wall = now(CLOCK_MONOTONIC) - start;
		getrusage(RUSAGE_SELF, &u);
		s.peak = (double)u.ru_maxrss * 1024;
		_exit(write(fd[1], &s, sizeof s) == (ssize_t)sizeof s ? 0 :
		    1);
	}
	close(fd[1]);
	ssize_t got = read(fd[0], out, sizeof *out);
	close(fd[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 &&
	    got == (ssize_t)sizeof *out && out->ok;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double
median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, ascending);
	return v[n / 2];
}

/* Medians of all figures. */
static bool
measure(struct bench *b, const struct job *j,
    bool (*fn)(const struct job *j, struct diag *d, struct sample *s),
    struct sample *out)
{
	struct sample s[MOST_RUNS];
	double v[MOST_RUNS];
	for (int i = 0; i < b->runs; i++)
		if (!in_child(b, j, fn, &s[i]))
			return false;
	*out = s[0];
	for (int p = 0; p < PHASES; p++) {
		for (int i = 0; i < b->runs; i++)
			v[i] = s[i].seconds[p];
		out->seconds[p] = median(v, b->runs);
	}
	for (int i = 0; i < b->runs; i++)
		v[i] = s[i].wall;
	out->wall = median(v, b->runs);
	for (int i = 0; i < b->runs; i++)
		v[i] = s[i].peak;
	out->peak = median(v, b->runs);
	return true;
}

/* ---- tables ---- */

static double
file_megabytes(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
}

static bool
bench_compile(struct bench *b, const char *name, struct job *j,
    struct sample *s)
{
	if (!measure(b, j, compile, s))
		return false;
	printf("%-12s %4s %5lld %7.0f |%6.2f %6.2f %6.2f %6.2f %6.2f %6.2f |"
	    "%6.2f %6.2f %6.0f %6.0f\n", name, dtype_name(j->precision),
	    (long long)j->batch, file_megabytes(j->model), s->seconds[READ],
	    s->seconds[IMPORT], s->seconds[PASSES], s->seconds[LOWER],
	    s->seconds[ENCODE], s->seconds[WRITE], s->seconds[TOTAL],
	    s->wall, s->peak / 1e6, s->code / 1e3);
	return true;
}

static bool
write_model(struct bench *b, const char *name, const char *path)
{
	struct arena *a = arena_new();
	struct graph *g = net_build(a, name, 1);
	bool ok = g != NULL && net_write_onnx(a, &b->diag, g, path);
	arena_free(a);
	return ok;
}

static bool
bench_network(struct bench *b, const char *name)
{
	struct sample one, many;
	struct job j = {.precision = DT_F16, .batch = 1};
	j.model = arena_printf(b->arena, "%s/%s.onnx", b->folder, name);
	j.object = arena_printf(b->arena, "%s/%s.wo", b->folder, name);
	if (!write_model(b, name, j.model) ||
	    !bench_compile(b, name, &j, &one))
		return false;
	j.batch = 32;
	bool ok = bench_compile(b, name, &j, &many);
	if (ok)
		printf("%-12s batch 32 to 1: time %.2f, code %.2f\n", "",
		    many.seconds[TOTAL] / one.seconds[TOTAL],
		    many.code / one.code);
	if (strcmp(name, "resnet50") != 0) {
		remove(j.model);
		remove(j.object);
	}
	return ok;
}

static bool
bench_timing(struct bench *b)
{
	struct sample s;
	struct job j = {.timing_only = true,
	    .object = arena_printf(b->arena, "%s/resnet50.wo", b->folder)};
	if (!measure(b, &j, simulate, &s))
		return false;
	printf("timing only, fp16, batch 32: %.3f s cpu (load %.3f, run "
	    "%.3f), %.3f s wall, %.0f MB\n", s.seconds[TOTAL],
	    s.seconds[LOAD], s.seconds[RUN], s.wall, s.peak / 1e6);
	return true;
}

static bool
bench_values(struct bench *b)
{
	struct sample s;
	struct job j = {.batch = 1, .precision = DT_F32,
	    .model = arena_printf(b->arena, "%s/resnet50.onnx", b->folder),
	    .object = arena_printf(b->arena, "%s/resnet50.wo", b->folder)};
	if (!in_child(b, &j, compile, &s))
		return false;
	for (j.threads = 1; j.threads <= 2; j.threads++) {
		if (!measure(b, &j, simulate, &s))
			return false;
		printf("values, fp32, batch 1, %d thread%s: %.3f s cpu (load "
		    "%.3f, run %.3f), %.3f s wall, %.0f MB\n", j.threads,
		    j.threads > 1 ? "s" : "", s.seconds[TOTAL],
		    s.seconds[LOAD], s.seconds[RUN], s.wall, s.peak / 1e6);
	}
	return true;
}

static bool
bench_all(struct bench *b, bool quick)
{
	static const char *const names[] = {"resnet50", "resnet18",
	    "mobilenet_v2", "densenet121", "vgg19"};
	size_t n = quick ? 1 : sizeof names / sizeof *names;
	printf("compiling, median of %d runs\n%-12s %4s %5s %7s |%6s %6s %6s "
	    "%6s %6s %6s |%6s %6s %6s %6s\n", b->runs, "network", "", "batch",
	    "MB", "read", "import", "passes", "lower", "encode", "write",
	    "cpu s", "wall s", "MB", "KB");
	bool ok = true;
	for (size_t i = 0; i < n; i++)
		ok = bench_network(b, names[i]) && ok;
	printf("simulating ResNet-50, median of %d runs\n", b->runs);
	return bench_timing(b) && bench_values(b) && ok;
}

int
main(int argc, char **argv)
{
	struct bench b = {.diag = {.fn = report}, .folder = "/tmp",
	    .runs = 5};
	bool quick = false;
	int c;
	while ((c = getopt(argc, argv, "n:d:q")) != -1) {
		if (c == 'n')
			b.runs = (int)strtol(optarg, NULL, 10);
		else if (c == 'd')
			b.folder = optarg;
		else if (c == 'q')
			quick = true;
		else
			return 2;
	}
	if (b.runs < 1 || b.runs > MOST_RUNS)
		return 2;
	b.arena = arena_new();
	bool ok = bench_all(&b, quick);
	arena_free(b.arena);
	return ok ? 0 : 1;
}
