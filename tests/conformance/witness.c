/* Random networks compiled, run on the simulator and judged by independent
 * witnesses: the reference evaluator with its error bounds, serialized code,
 * two threads, other machines and other tilings, the program checker. Every
 * third goes through its text and object forms and back.
 *
 *   witness [-n COUNT] [-s FIRST_SEED] [-j THREADS] [-p] [-k] [FILE.wgr ...]
 *
 * Files are judged at each -O level. -p prints the graphs before and after the
 * passes. -k keeps going after 20 failures. Prints what was covered; status 1
 * on any failure, an empty cell of the table or too few tiled programs. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ir/text.h"
#include "support/file.h"
#include "tests/lib/coverage.h"
#include "tests/lib/compiled.h"
#include "tests/lib/random_net.h"
#include "tests/lib/travel.h"

#define MAX_WORKERS 16
#define MIN_TILED 30 /* percent of the graphs */

/* How contractions were scheduled, by a part of the lowering's remark. */
static const char *const plans[] = {"weights stationary",
    "activations stationary", "weights resident", "weights whole in wbuf",
    "weights whole in gbuf", "weights by columns", "weights streamed"};
#define PLANS (sizeof plans / sizeof *plans)

struct options {
	uint64_t first, count;
	int workers;
	bool print, keep_going;
	char **files;
	int nfiles;
};

struct tally {
	struct coverage cover;
	long graphs, tiled, runs, refused, failures;
	long sharded; /* over two groups */
	long elements, open; /* outputs compared; without a finite bound */
	long plan[PLANS], packed;
};

struct worker {
	const struct options *opt;
	uint64_t first; /* seeds first, first + workers, ... */
	struct tally tally;
	struct unit base; /* lives as long as the worker */
	pthread_t thread;
};

/* One seed. */
struct trial {
	struct worker *w;
	struct unit u;
	uint64_t seed;
	const char *file; /* or NULL: random */
	struct compile_how build[2];
	struct compiled m[2];
	struct eval_tensor *in;
	struct eval_tensor *out[2]; /* normal code on each machine */
	struct eval_tensor *ref;
	size_t nout;
	bool failed;
};

static void
wrong(struct trial *t, int k, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One line that a person can repeat. */
static void
wrong(struct trial *t, int k, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (t->file != NULL)
		printf("WRONG %s, ", t->file);
	else
		printf("WRONG seed %llu, ", (unsigned long long)t->seed);
	printf("%s: %s\n", compile_name(t->u.arena, &t->build[k]), text);
	t->failed = true;
}

/* Keeps the last message; counts what remarks say of schedules. */
static void
listen(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct trial *t = user;

	if (level != DIAG_REMARK) {
		diag_format(t->u.last, sizeof t->u.last, "test", level, loc,
		    text);
		return;
	}
	for (size_t i = 0; i < PLANS; i++)
		t->w->tally.plan[i] += strstr(text, plans[i]) != NULL;
	t->w->tally.packed += strstr(text, "groups a wave") != NULL &&
	    strstr(text, " 1 groups a wave") == NULL;
}

/* ---- what to build ---- */

static enum net_kind
kind_of(const struct trial *t)
{
	return t->seed % 5 == 0 ? NET_CONTRACTIONS :
	    t->seed % 5 == 1 ? NET_BATCH : NET_ANY;
}

static void
set_bytes(struct compile_how *b, int at, const char *key, int64_t v)
{
	snprintf(b->set[at], sizeof b->set[at], "%s=%lld", key, (long long)v);
}

/* Two machines with small memories, one -O level. */
static void
choose_builds(struct trial *t)
{
	static const int64_t gbuf[] = {8192, 8192, 12288, 16384, 32768, 65536};
	static const int64_t wbuf[] = {2048, 4096, 8192, 32768};
	static const char *const machines[] = {"wavecore", "wavecore",
	    "wavecore", "scalesim", "ideal"};
	uint64_t r = (t->seed + 7) * UINT64_C(0xd1342543de82ef95);

	for (int i = 0; i < 4; i++)
		unit_random(&r);
	memset(t->build, 0, sizeof t->build);
	t->build[0].target = "tiny";
	t->build[1].target = kind_of(t) == NET_BATCH ? "wavecore" :
	    machines[(unit_random(&r) >> 30) % 5];
	t->build[1].shard = kind_of(t) == NET_BATCH;
	for (int k = 0; k < 2; k++) {
		struct compile_how *b = &t->build[k];

		b->level = (int)(t->seed % 4);
		/* the other machine has the other lowering */
		b->dgrad = (t->seed / 8 + (uint64_t)k) % 2 == 0 ?
		    DGRAD_PHASE : DGRAD_ZEROS;
		b->partial_k = (t->seed / 16 + (uint64_t)k) % 2 == 0 ?
		    PARTIAL_FIRST : PARTIAL_LAST;
		b->no_overlap = (t->seed / 32 + (uint64_t)k) % 2 == 0;
		set_bytes(b, 0, "gbuf_bytes",
		    gbuf[(unit_random(&r) >> 30) % 6] << k);
		set_bytes(b, 1, "wbuf_bytes",
		    wbuf[(unit_random(&r) >> 30) % 4] << (3 * k));
	}
	if ((unit_random(&r) >> 30) % 6 == 0)
		t->build[0].set[0][0] = '\0';
	if ((unit_random(&r) >> 30) % 4 == 0)
		t->build[1].set[0][0] = t->build[1].set[1][0] = '\0';
	if ((unit_random(&r) >> 30) % 6 == 0)
		t->build[0].precision = t->build[1].precision =
		    (unit_random(&r) >> 30) % 2 ? DT_F16 : DT_BF16;
}

static struct graph *
make_graph(struct trial *t)
{
	struct graph *g;
	char *data;
	size_t size;

	if (t->file == NULL)
		return random_net(&t->u, t->seed, kind_of(t));
	g = !file_read(t->u.arena, &t->u.diag, t->file, 0, &data, &size) ?
	    NULL : graph_parse(t->u.arena, &t->u.diag, t->file, data, size);
	if (g == NULL) {
		printf("%s\n", t->u.last);
		exit(1);
	}
	return g;
}

static void
make_inputs(struct trial *t, const struct graph *g)
{
	uint64_t r = t->seed * 2 + 1;

	t->in = NEW_ARRAY(t->u.arena, struct eval_tensor, g->inputs.len + 1);
	for (size_t i = 0; i < g->inputs.len; i++) {
		struct eval_tensor *x = &t->in[i];
		size_t n;

		x->type = g->inputs.data[i]->type;
		n = (size_t)type_elems(&x->type);
		x->data = arena_calloc(t->u.arena, n + 1,
		    dtype_size(x->type.dtype));
		for (size_t e = 0; e < n; e++) {
			int64_t v = (int64_t)(unit_random(&r) >> 40) % 4096;

			if (dtype_is_float(x->type.dtype))
				dtype_set(x->data, x->type.dtype, e,
				    (double)(v - 2048) / 1024);
			else
				dtype_set_i64(x->data, x->type.dtype, e, v %
				    (x->type.dtype == DT_BOOL ? 2 : 9));
		}
	}
}

/* A working buffer that no tile fits is refused with a diagnostic: the next
 * larger one must do. */
static bool
compile(struct trial *t, int k)
{
	for (int64_t gbuf = 65536; gbuf <= 4 << 20; gbuf *= 8) {
		struct graph *g = make_graph(t);
		unsigned had = t->u.diag.errors;

		if (compiled_make(t->u.arena, &t->u.diag, g, &t->build[k],
		    &t->m[k]))
			return true;
		if (t->u.diag.errors != had + 1 ||
		    (strstr(t->u.last, "does not fit") == NULL &&
		    strstr(t->u.last, "are free") == NULL &&
		    strstr(t->u.last, "bytes") == NULL))
			break;
		t->w->tally.refused++;
		if (t->w->opt->print)
			printf("%s: refused: %s\n", compile_name(t->u.arena,
			    &t->build[k]), t->u.last);
		set_bytes(&t->build[k], 0, "gbuf_bytes", gbuf);
	}
	wrong(t, k, "does not compile: %s", t->u.last);
	return false;
}

/* ---- judging ---- */

static bool
within(struct trial *t, int k, const struct graph *g,
    const struct eval_tensor *want, double *const *bounds,
    const struct eval_tensor *got)
{
	for (size_t i = 0; i < t->nout; i++) {
		enum dtype dt = got[i].type.dtype;
		size_t n = (size_t)type_elems(&got[i].type);

		if (!type_equal(&want[i].type, &got[i].type)) {
			wrong(t, k, "output %zu has another type", i);
			return false;
		}
		for (size_t e = 0; e < n; e++) {
			double x = dtype_get(want[i].data, dt, e);
			double y = dtype_get(got[i].data, dt, e);
			double limit = bounds[i] != NULL ? bounds[i][e] : 0;

			t->w->tally.elements++;
			t->w->tally.open += isfinite(limit) ? 0 : 1;
			if (eval_within(x, y, limit))
				continue;
			wrong(t, k, "%s[%zu of %zu] is %.9g, not %.9g +- %.3g",
			    g->output_names.data[i], e, n, y, x, limit);
			return false;
		}
	}
	return true;
}

static bool
same_bits(struct trial *t, int k, const char *what,
    const struct eval_tensor *a, const struct eval_tensor *b)
{
	for (size_t i = 0; i < t->nout; i++) {
		size_t size = dtype_size(a[i].type.dtype);
		size_t n = (size_t)type_elems(&a[i].type);
		const char *x = a[i].data, *y = b[i].data;

		if (memcmp(x, y, n * size) == 0)
			continue;
		for (size_t e = 0; e < n; e++) {
			if (memcmp(x + e * size, y + e * size, size) == 0)
				continue;
			wrong(t, k, "%s: output %zu[%zu of %zu] is %.9g, "
			    "not %.9g", what, i, e, n,
			    dtype_get(y, b[i].type.dtype, e),
			    dtype_get(x, a[i].type.dtype, e));
			return false;
		}
	}
	return true;
}

/* Runs other code or another way; the bits are those of the normal run. */
static void
repeat(struct trial *t, int k, const char *what,
    const struct wave_program *code, int threads, bool check)
{
	struct run_how how = {.check = check, .threads = threads};
	struct eval_tensor *out = NEW_ARRAY(t->u.arena, struct eval_tensor,
	    t->nout + 1);

	t->w->tally.runs++;
	if (code == NULL || !compiled_run(t->u.arena, &t->u.diag, &t->m[k],
	    code, t->in, &how, out, NULL))
		wrong(t, k, "%s: %s", what, t->u.last);
	else
		same_bits(t, k, what, t->out[k], out);
}

static bool
evaluate(struct trial *t, int k, const struct graph *g,
    struct eval_tensor **out, double ***bounds)
{
	struct eval_options o = {.bounds = true, .round = true};

	*out = NEW_ARRAY(t->u.arena, struct eval_tensor, t->nout + 1);
	*bounds = NEW_ARRAY(t->u.arena, double *, t->nout + 1);
	if (eval_graph(t->u.arena, &t->u.diag, g, &o, t->in, *out, *bounds))
		return true;
	wrong(t, k, "the evaluator: %s", t->u.last);
	return false;
}

/* Relative to the largest magnitude of an output: passes may fold constants
 * into 16-bit weights, which rounds elsewhere. */
static double
looseness(const struct graph *g)
{
	double most = 1e-4;

	graph_foreach_node(g, n) {
		for (int i = 0; i < n->nin; i++) {
			enum dtype dt = n->in[i] == NULL ? DT_NONE :
			    n->in[i]->type.dtype;

			if (dt == DT_F16 && most < 4e-3)
				most = 4e-3;
			if (dt == DT_BF16)
				most = 3e-2;
		}
	}
	return most;
}

/* The graph before the passes, roughly. */
static void
compare_model(struct trial *t, int k, const struct eval_tensor *got,
    double *const *bounds)
{
	struct graph *g = make_graph(t);
	double loose = looseness(g), **own;
	struct eval_tensor *want;

	if (t->build[k].precision != DT_NONE ||
	    !evaluate(t, k, g, &want, &own))
		return;
	for (size_t i = 0; i < t->nout; i++) {
		size_t n = (size_t)type_elems(&want[i].type);
		double largest = 0;

		own[i] = arena_memdup(t->u.arena, own[i], n * sizeof **own);
		for (size_t e = 0; e < n; e++)
			largest = fmax(largest, fabs(dtype_get(want[i].data,
			    want[i].type.dtype, e)));
		for (size_t e = 0; e < n; e++)
			own[i][e] += (bounds[i] != NULL ? bounds[i][e] : 0) +
			    loose * largest;
	}
	within(t, k, g, want, own, got);
}

static void
print_graph(const struct graph *g, const char *title)
{
	struct strbuf s = {0};

	graph_print(&s, g, true);
	printf("--- %s\n%s", title, s.data);
	strbuf_free(&s);
}

/* Through all its forms and back; and compiled once more to the same. */
static void
travel(struct trial *t, int k)
{
	struct compiled again;
	const char *why;

	if (!compiled_make(t->u.arena, &t->u.diag, make_graph(t),
	    &t->build[k], &again) ||
	    !compiled_equal(t->u.arena, &t->u.diag, &t->m[k], &again))
		wrong(t, k, "compiles to another object the second time");
	t->u.last[0] = '\0';
	why = compiled_travels(t->u.arena, &t->u.diag, &t->m[k]);
	if (why != NULL)
		wrong(t, k, "%s: %s", why, t->u.last);
}

static void
judge(struct trial *t, int k)
{
	struct compiled *m = &t->m[k];
	struct run_how how = {.check = true};
	double **bounds;

	if (t->w->opt->print)
		print_graph(m->graph, compile_name(t->u.arena, &t->build[k]));
	t->nout = m->graph->outputs.len;
	t->out[k] = NEW_ARRAY(t->u.arena, struct eval_tensor, t->nout + 1);
	t->w->tally.runs++;
	if (!compiled_run(t->u.arena, &t->u.diag, m, m->code, t->in, &how,
	    t->out[k], NULL)) {
		wrong(t, k, "run: %s", t->u.last);
		return;
	}
	if (k == 0) {
		if (!evaluate(t, k, m->graph, &t->ref, &bounds) ||
		    !within(t, k, m->graph, t->ref, bounds, t->out[0]))
			return;
		compare_model(t, k, t->out[0], bounds);
		if (t->seed % 3 == 0)
			travel(t, k);
	} else {
		same_bits(t, k, "other machine", t->out[0], t->out[1]);
	}
	if ((int)(t->seed / 4 % 2) == k)
		repeat(t, k, "serialized", compiled_code(t->u.arena,
		    &t->u.diag, m, true), 1, true);
	else
		repeat(t, k, "two threads", m->code, 2, false);
}

static void
run_trial(struct worker *w, uint64_t seed, const char *file)
{
	struct trial t = {.w = w, .seed = seed, .file = file};
	void *unit = NULL;
	struct graph *g;

	unit_setup(&unit);
	t.u = *(struct unit *)unit;
	t.u.diag.fn = listen;
	t.u.diag.user = &t;
	choose_builds(&t);
	g = make_graph(&t);
	make_inputs(&t, g);
	coverage_model(&w->tally.cover, g);
	if (w->opt->print)
		print_graph(g, "model");
	w->tally.graphs++;
	for (int k = 0; k < 2 && !t.failed; k++)
		if (compile(&t, k))
			judge(&t, k);
	if (!t.failed) {
		coverage_legal(&w->tally.cover, t.m[0].graph);
		w->tally.sharded += t.m[1].groups > 1;
		w->tally.tiled += compiled_tiles(&t.m[0]) ||
		    compiled_tiles(&t.m[1]);
	}
	w->tally.failures += t.failed;
	unit_teardown(&unit);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	const struct options *o = w->opt;

	for (uint64_t i = w->first; i < o->count; i += (uint64_t)o->workers) {
		run_trial(w, o->first + i, NULL);
		if (w->tally.failures >= 20 && !o->keep_going)
			break;
	}
	/* the files with every kind of machine and level */
	for (int i = (int)w->first; i < o->nfiles * 20; i += o->workers)
		run_trial(w, (uint64_t)(i % 20), o->files[i / 20]);
	return NULL;
}

/* ---- the program ---- */

static bool
parse(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.first = 1, .count = 2000, .workers = 2};
	while ((c = getopt(argc, argv, "n:s:j:pk")) != -1) {
		switch (c) {
		case 'n': o->count = strtoull(optarg, NULL, 10); break;
		case 's': o->first = strtoull(optarg, NULL, 10); break;
		case 'j': o->workers = atoi(optarg); break;
		case 'p': o->print = true; break;
		case 'k': o->keep_going = true; break;
		default: return false;
		}
	}
	o->files = argv + optind;
	o->nfiles = argc - optind;
	return o->workers >= 1 && o->workers <= MAX_WORKERS;
}

static void
add(struct tally *a, const struct tally *b)
{
	coverage_add(&a->cover, &b->cover);
	a->graphs += b->graphs;
	a->tiled += b->tiled;
	a->runs += b->runs;
	a->refused += b->refused;
	a->failures += b->failures;
	a->elements += b->elements;
	a->open += b->open;
	a->sharded += b->sharded;
	for (size_t i = 0; i < PLANS; i++)
		a->plan[i] += b->plan[i];
	a->packed += b->packed;
}

/* Prints everything; whether all must-haves are there. */
static bool
report(const struct tally *t)
{
	struct strbuf s = {0};
	int missing = coverage_print(&s, &t->cover);
	double tiled = 100.0 * (double)t->tiled / (double)t->graphs;

	for (size_t i = 0; i < PLANS; i++) {
		strbuf_addf(&s, "%-30s%8ld contractions\n", plans[i],
		    t->plan[i]);
		missing += t->plan[i] == 0;
	}
	strbuf_addf(&s, "%-30s%8ld contractions\n", "groups packed in waves",
	    t->packed);
	strbuf_addf(&s, "%-30s%8ld graphs\n", "sharded over groups",
	    t->sharded);
	missing += (t->packed == 0) + (t->sharded == 0);
	fputs(s.data, stdout);
	strbuf_free(&s);
	printf("%ld graphs, %ld wrong, %ld tiled (%.0f %%), %ld runs, %ld "
	    "larger buffers, %ld elements, %.1f %% without a bound, "
	    "%d cells empty\n", t->graphs, t->failures, t->tiled, tiled,
	    t->runs, t->refused, t->elements, 100.0 * (double)t->open /
	    (double)t->elements, missing);
	return t->failures == 0 && missing == 0 && tiled >= MIN_TILED;
}

int
main(int argc, char **argv)
{
	struct worker *w;
	struct arena *a = arena_new();
	struct options o;
	bool ok;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr, "usage: witness [-n COUNT] [-s SEED] "
		    "[-j THREADS] [-pk] [FILE.wgr ...]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	w = NEW_ARRAY(a, struct worker, (size_t)o.workers);
	for (int i = 0; i < o.workers; i++) {
		w[i].opt = &o;
		w[i].first = (uint64_t)i;
		coverage_init(a, &w[i].tally.cover);
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			return 2;
	}
	for (int i = 0; i < o.workers; i++)
		pthread_join(w[i].thread, NULL);
	for (int i = 1; i < o.workers; i++)
		add(&w[0].tally, &w[i].tally);
	ok = report(&w[0].tally);
	arena_free(a);
	return !ok;
}
