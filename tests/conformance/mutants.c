/* Deletes each wait and each signal of compiled programs in turn: the program
 * checker must find every one that matters.
 *
 *   mutants [-n PROGRAMS] [-s FIRST_SEED] [-v] [FILE.wgr|FILE.onnx ...]
 *
 * A mutant that runs clean is judged by brute force (tests/lib/tile_hb.h),
 * execution by execution and byte by byte. It is harmless when every order
 * that the schedule needs still follows from the rest of the code: because
 * other waits imply it, or because the two sides touch no common byte though
 * the boxes of their addresses overlap. Status 1 when a mutant is neither
 * found nor harmless. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/isa/isa.h"
#include "frontend/onnx.h"
#include "ir/text.h"
#include "support/file.h"
#include "tests/lib/compiled.h"
#include "tests/lib/random_net.h"
#include "tests/lib/tile_hb.h"

#define INSN_BYTES 16

struct count {
	long tried, race, deadlock, exit, uninitialised, other;
	long implied; /* the order follows from other waits */
	long apart;   /* no byte is touched by both sides */
	long missed;
};

struct tally {
	struct count wait, signal;
	long programs, skipped;
	bool verbose;
};

/* The first error of a run; notes may follow it. */
struct finding {
	bool any;
	char text[256];
};

/* One program under test. */
struct victim {
	struct tally *t;
	struct unit *u;
	const char *name;
	struct compiled m;
	struct eval_tensor *in;
	struct hb *hb; /* NULL: not needed so far */
};

static const struct compile_how builds[] = {
    {.target = "tiny", .set = {"gbuf_bytes=8192", "wbuf_bytes=4096"},
	.level = 2},
    {.target = "tiny", .set = {"gbuf_bytes=16384"}, .level = 2},
    {.target = "wavecore", .set = {"gbuf_bytes=16384",
	"wbuf_bytes=16384"}, .level = 2},
    {.target = "tiny", .level = 0},
};

static void
make_inputs(struct victim *v)
{
	const struct graph *g = v->m.graph;
	uint64_t r = 12345;

	v->in = NEW_ARRAY(v->u->arena, struct eval_tensor, g->inputs.len + 1);
	for (size_t i = 0; i < g->inputs.len; i++) {
		struct eval_tensor *x = &v->in[i];
		size_t n;

		x->type = g->inputs.data[i]->type;
		n = (size_t)type_elems(&x->type);
		x->data = arena_calloc(v->u->arena, n + 1,
		    dtype_size(x->type.dtype));
		for (size_t e = 0; e < n; e++)
			dtype_set(x->data, x->type.dtype, e,
			    (double)(unit_random(&r) >> 61));
	}
}

/* The program with a NOP at that place. */
static struct wave_program *
without(struct victim *v, const struct hb_site *site)
{
	struct wave_program *p = arena_memdup(v->u->arena, v->m.code,
	    sizeof *p);
	struct wave_bytes *code = &p->code[site->queue];
	size_t at = (p->entries->first[site->queue] + site->pc) *
	    INSN_BYTES;
	uint8_t *data = arena_memdup(v->u->arena, code->data, code->size);

	memset(data + at, 0, INSN_BYTES); /* NOP */
	code->data = data;
	return p;
}

static void
keep_first(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct finding *f = user;

	(void)loc;
	if (level != DIAG_ERROR || f->any)
		return;
	f->any = true;
	snprintf(f->text, sizeof f->text, "%s", text);
}

static bool
contains(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void
classify(struct count *c, const char *text)
{
	if (contains(text, "race"))
		c->race++;
	else if (contains(text, "deadlock"))
		c->deadlock++;
	else if (contains(text, "exit") || contains(text, "semaphore"))
		c->exit++;
	else if (contains(text, "initialised"))
		c->uninitialised++;
	else
		c->other++;
}

/* A mutant that ran clean. */
static void
judge(struct victim *v, struct count *c, const struct hb_site *site,
    const char *what)
{
	const char *why;
	bool implied;

	if (v->hb == NULL)
		v->hb = hb_new(v->u->arena, v->m.tile, v->m.code);
	if (hb_judge(v->hb, site, false, &why) != HB_OK) {
		c->missed++;
		printf("MISSED %s: %s of queue %s at %u: %s\n", v->name, what,
		    queue_name((enum queue)site->queue), site->pc, why);
		return;
	}
	implied = hb_implied(v->hb, site);
	c->implied += implied;
	c->apart += !implied;
	if (v->t->verbose)
		printf("%s: %s: %s of queue %s at %u\n", implied ?
		    "implied" : "apart", v->name, what,
		    queue_name((enum queue)site->queue), site->pc);
}

static void
try_site(struct victim *v, const struct hb_site *site, bool is_wait)
{
	struct count *c = is_wait ? &v->t->wait : &v->t->signal;
	struct run_how how = {.check = true, .max_instructions = 10000000};
	struct eval_tensor *out = NEW_ARRAY(v->u->arena, struct eval_tensor,
	    v->m.graph->outputs.len + 1);
	struct finding f = {.any = false};
	struct diag d = {.fn = keep_first, .user = &f};

	c->tried++;
	if (compiled_run(v->u->arena, &d, &v->m, without(v, site), v->in,
	    &how, out, NULL))
		judge(v, c, site, is_wait ? "wait" : "signal");
	else
		classify(c, f.text);
}

static void
try_queue(struct victim *v, int q)
{
	const struct wave_entry *e = v->m.code->entries;

	for (uint32_t i = 0; i < e->count[q]; i++) {
		struct insn_word w = insn_load(v->m.code->code[q].data,
		    e->first[q] + i);
		struct hb_site site = {q, i};
		const char *why;
		struct insn in;

		if (insn_decode(&w, &in, &why) &&
		    (in.op == INSN_WAIT || in.op == INSN_SIGNAL))
			try_site(v, &site, in.op == INSN_WAIT);
	}
}

static void
try_program(struct victim *v)
{
	struct run_how how = {.check = true};
	struct eval_tensor *out;

	make_inputs(v);
	out = NEW_ARRAY(v->u->arena, struct eval_tensor,
	    v->m.graph->outputs.len + 1);
	v->t->programs++;
	if (!compiled_run(v->u->arena, &v->u->diag, &v->m, v->m.code, v->in,
	    &how, out, NULL)) {
		printf("MISSED %s: the program itself: %s\n", v->name,
		    v->u->last);
		v->t->wait.missed++;
		return;
	}
	for (int q = 0; q < Q_COUNT; q++)
		try_queue(v, q);
}

static struct graph *
read_graph(struct unit *u, const char *file)
{
	const char *dot = strrchr(file, '.');
	struct graph *g = NULL;
	char *data;
	size_t size;

	if (file_read(u->arena, &u->diag, file, 0, &data, &size))
		g = dot != NULL && strcmp(dot, ".onnx") == 0 ?
		    onnx_import(u->arena, &u->diag, file, data, size, NULL) :
		    graph_parse(u->arena, &u->diag, file, data, size);
	if (g == NULL) {
		printf("%s\n", u->last);
		exit(1);
	}
	return g;
}

/* The graph of the file or, where that is NULL, of the seed. */
static void
try_graph(struct tally *t, size_t build, const char *file, uint64_t seed)
{
	void *unit = NULL;
	struct victim v = {.t = t};
	struct graph *g;
	const char *how;

	unit_setup(&unit);
	v.u = unit;
	g = file != NULL ? read_graph(v.u, file) :
	    random_net(v.u, seed, NET_ANY);
	how = compile_name(v.u->arena, &builds[build]);
	v.name = file != NULL ?
	    arena_printf(v.u->arena, "%s, %s", file, how) :
	    arena_printf(v.u->arena, "seed %llu, %s",
		(unsigned long long)seed, how);
	if (compiled_make(v.u->arena, &v.u->diag, g, &builds[build], &v.m))
		try_program(&v);
	else
		t->skipped++;
	unit_teardown(&unit);
}

static void
report(const char *what, const struct count *c)
{
	printf("%s: %ld tried, %ld races, %ld deadlocks, %ld wrong exits, "
	    "%ld uninitialised, %ld other, %ld implied by others, %ld of "
	    "disjoint bytes, %ld missed\n", what, c->tried, c->race,
	    c->deadlock, c->exit, c->uninitialised, c->other, c->implied,
	    c->apart, c->missed);
}

int
main(int argc, char **argv)
{
	struct tally t = {.programs = 0};
	uint64_t first = 1, count = 60;
	int c;

	while ((c = getopt(argc, argv, "n:s:v")) != -1) {
		switch (c) {
		case 'n': count = strtoull(optarg, NULL, 10); break;
		case 's': first = strtoull(optarg, NULL, 10); break;
		case 'v': t.verbose = true; break;
		default: return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t i = 0; i < count; i++)
		try_graph(&t, (size_t)(i % 4), NULL, first + i);
	for (int i = optind; i < argc; i++)
		for (size_t b = 0; b < 4; b++)
			try_graph(&t, b, argv[i], 0);
	report("waits", &t.wait);
	report("signals", &t.signal);
	printf("%ld programs, %ld left out, %ld mutants missed\n",
	    t.programs, t.skipped, t.wait.missed + t.signal.missed);
	return t.wait.missed + t.signal.missed > 0;
}
