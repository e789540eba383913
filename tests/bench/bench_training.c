/* What training costs: compiling a step of ResNet-50, running it for its time
 * only, and steps in value beside PyTorch's, where that is installed.
 *
 *   bench_training [-n RUNS] [-d FOLDER] [-b FOLDER OF COMMANDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "support/file.h"
#include "support/npy.h"

#define MOST_RUNS 99

struct bench {
	struct arena *arena;
	struct diag diag;
	const char *folder, *commands;
	int runs;
};

static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	(void)user;
	diag_print_stderr((char[]){"bench_training"}, level, loc, text);
}

struct cost {
	double seconds; /* of the processor */
	double megabytes;
};

/* A process of its own for each command: what its children used is what the
 * command used. */
static _Noreturn void
run_and_tell(char *const *argv, int to)
{
	struct rusage r;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) != NULL)
			execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ||
	    getrusage(RUSAGE_CHILDREN, &r) != 0 ||
	    write(to, &r, sizeof r) != sizeof r)
		_exit(1);
	_exit(0);
}

/* Runs a command; false when it fails. */
static bool
run_once(char *const *argv, struct cost *c)
{
	struct rusage r;
	int ends[2], status = -1;
	pid_t pid;

	fflush(stdout); /* or the child prints it again */
	if (pipe(ends) != 0)
		return false;
	pid = fork();
	if (pid == 0)
		run_and_tell(argv, ends[1]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status != 0 || read(ends[0], &r, sizeof r) != sizeof r) {
		fprintf(stderr, "bench_training: %s failed\n", argv[0]);
		status = 1;
	}
	close(ends[0]);
	close(ends[1]);
	if (status != 0)
		return false;
	c->seconds = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
	c->megabytes = (double)r.ru_maxrss * 1024 / 1e6;
	return true;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The words of a command line, without quotes, after the commands' folder. */
static char **
words(struct bench *b, const char *line)
{
	char *copy = arena_printf(b->arena, "%s/%s", b->commands, line);
	char **argv = NEW_ARRAY(b->arena, char *, 32), *rest = NULL;
	int n = 0;

	for (char *w = strtok_r(copy, " ", &rest); w != NULL && n < 31;
	     w = strtok_r(NULL, " ", &rest))
		argv[n++] = w;
	return argv;
}

/* The median of runs of it. */
static bool
measure(struct bench *b, const char *line, struct cost *c)
{
	double seconds[MOST_RUNS];
	char **argv = words(b, line);

	for (int i = 0; i < b->runs; i++) {
		if (!run_once(argv, c))
			return false;
		seconds[i] = c->seconds;
	}
	qsort(seconds, (size_t)b->runs, sizeof *seconds, by_value);
	c->seconds = seconds[b->runs / 2];
	return true;
}

static bool
bench_resnet50(struct bench *b)
{
	struct cost c;
	char *compile = arena_printf(b->arena, "wavecc examples/resnet50.net "
	    "-ftrain -fbatch=32 -mprecision=fp16 -o %s/step.wo", b->folder);
	char *time = arena_printf(b->arena, "wavesim %s/step.wo --entry step "
	    "--timing-only", b->folder);

	if (!measure(b, compile, &c))
		return false;
	printf("compile a step of ResNet-50, batch 32, fp16: %.2f s cpu "
	    "(target 4), %.0f MB\n", c.seconds, c.megabytes);
	if (!measure(b, time, &c))
		return false;
	printf("run it for its time only: %.2f s cpu (target 2), %.0f MB "
	    "(target 500)\n", c.seconds, c.megabytes);
	return true;
}

/* ---- steps in value ---- */

static bool
random_inputs(struct bench *b, int64_t n, const int64_t *image)
{
	struct npy x = {.dtype = DT_F32, .rank = 4}, y = {.dtype = DT_I64,
	    .rank = 1, .dim = {n}}, lr = {.dtype = DT_F32};
	size_t elems = 1;
	uint32_t r = 1;
	float *v, rate = 0.01f;
	int64_t *labels = NEW_ARRAY(b->arena, int64_t, (size_t)n);

	for (int i = 0; i < 4; i++)
		elems *= (size_t)(x.dim[i] = i == 0 ? n : image[i - 1]);
	v = NEW_ARRAY(b->arena, float, elems);
	for (size_t i = 0; i < elems; i++) {
		r = r * 1664525u + 1013904223u;
		v[i] = (float)(r >> 8) * 0x1p-24f;
	}
	for (int64_t i = 0; i < n; i++)
		labels[i] = i % 10;
	x.data = v;
	x.bytes = elems * sizeof *v;
	y.data = labels;
	y.bytes = (size_t)n * sizeof *labels;
	lr.data = &rate;
	lr.bytes = sizeof rate;
	return npy_write(&b->diag, arena_printf(b->arena, "%s/x.npy",
	    b->folder), &x) && npy_write(&b->diag, arena_printf(b->arena,
	    "%s/y.npy", b->folder), &y) && npy_write(&b->diag,
	    arena_printf(b->arena, "%s/lr.npy", b->folder), &lr);
}

static double
host_seconds(struct bench *b)
{
	char *text;
	size_t size;
	double v = -1;
	cJSON *root;

	if (!file_read(b->arena, &b->diag, arena_printf(b->arena,
	    "%s/step.json", b->folder), 0, &text, &size))
		return -1;
	root = cJSON_Parse(text);
	if (root != NULL)
		v = cJSON_GetNumberValue(cJSON_GetObjectItem(root,
		    "host_wall_s"));
	cJSON_Delete(root);
	return v;
}

/* The median time of a step, -1 after a failure. */
static double
step_seconds(struct bench *b, const char *net, int64_t batch, int threads)
{
	char *compile = arena_printf(b->arena, "wavecc examples/%s.net "
	    "-ftrain -fbatch=%lld -o %s/step.wo", net, (long long)batch,
	    b->folder);
	char *step = arena_printf(b->arena, "wavesim %s/step.wo --entry step "
	    "-i image=%s/x.npy -i labels=%s/y.npy -i lr=%s/lr.npy --stats "
	    "%s/step.json --threads %d", b->folder, b->folder, b->folder,
	    b->folder, b->folder, threads);
	double seconds[MOST_RUNS];
	struct cost c;

	if (!run_once(words(b, compile), &c))
		return -1;
	for (int i = 0; i < b->runs; i++) {
		if (!run_once(words(b, step), &c))
			return -1;
		seconds[i] = host_seconds(b);
	}
	qsort(seconds, (size_t)b->runs, sizeof *seconds, by_value);
	return seconds[b->runs / 2];
}

/* Seconds of a step of both networks in PyTorch; false: not installed. */
static bool
torch_seconds(double out[2], int threads)
{
	char line[128];
	FILE *f;
	int n = 0;

	snprintf(line, sizeof line, "/usr/bin/python3 "
	    "tests/bench/torch_step.py 15 %d 2>/dev/null", threads);
	f = popen(line, "r");
	if (f == NULL)
		return false;
	while (n < 2 && fgets(line, sizeof line, f) != NULL)
		out[n++] = strtod(line, NULL);
	return pclose(f) == 0 && n == 2;
}

static bool
bench_steps(struct bench *b)
{
	static const struct {
		const char *net, *title;
		int64_t batch, image[3];
	} rows[2] = {
		{"lenet5", "LeNet-5, batch 64", 64, {1, 28, 28}},
		{"resnet20", "ResNet-20, batch 32", 32, {3, 32, 32}},
	};
	double torch[2] = {0, 0};

	for (int t = 1; t <= 2; t++) {
		bool have = torch_seconds(torch, t);

		for (int i = 0; i < 2; i++) {
			double s = -1;

			if (random_inputs(b, rows[i].batch, rows[i].image))
				s = step_seconds(b, rows[i].net, rows[i].batch,
				    t);
			if (s < 0)
				return false;
			printf("step of %s, fp32, %d thread%s: %.1f ms",
			    rows[i].title, t, t > 1 ? "s" : "", s * 1e3);
			if (have)
				printf(", PyTorch %.1f ms: %.1f times "
				    "(target 4)\n", torch[i] * 1e3,
				    s / torch[i]);
			else
				printf("; python3-torch is not installed\n");
		}
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct bench b = {.diag = {.fn = report}, .folder = "/tmp",
	    .commands = "build/bin", .runs = 5};
	bool ok;
	int c;

	while ((c = getopt(argc, argv, "n:d:b:")) != -1) {
		if (c == 'n')
			b.runs = (int)strtol(optarg, NULL, 10);
		else if (c == 'd')
			b.folder = optarg;
		else if (c == 'b')
			b.commands = optarg;
		else
			return 2;
	}
	if (b.runs < 1 || b.runs > MOST_RUNS)
		return 2;
	b.arena = arena_new();
	ok = bench_resnet50(&b) && bench_steps(&b);
	arena_free(b.arena);
	return ok ? 0 : 1;
}
