/* Deletes each wait and each signal of compiled programs in turn: the program
 * checker must find every one that matters.
 *
 *   mutants [-n PROGRAMS] [-s FIRST_SEED] [-v] [FILE.wgr ...]
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
#include "ir/text.h"
#include "support/file.h"
#include "tests/lib/compiled.h"
#include "tests/lib/random_net.h"
#include "tests/lib/tile_hb.h"

#define INSN_BYTES 16
#define MAX_STEPS 4000 /* of a program that is judged */

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

static void
try_site(struct victim *v, struct hb *h, const struct hb_site *site,
    bool is_wait)
{
	struct count *c = is_wait ? &v->t->wait : &v->t->signal;
	struct run_how how = {.check = true, .max_instructions = 10000000};
	struct eval_tensor *out = NEW_ARRAY(v->u->arena, struct eval_tensor,
	    v->m.graph->outputs.len + 1);
	struct finding f = {.any = false};
	struct diag d = {.fn = keep_first, .user = &f};
	const char *why;

	c->tried++;
	if (!compiled_run(v->u->arena, &d, &v->m, without(v, site), v->in,
	    &how, out, NULL)) {
		classify(c, f.text);
		return;
	}
	if (hb_judge(h, site, false, &why) == HB_OK) {
		bool implied = hb_implied(h, site);

		c->implied += implied;
		c->apart += !implied;
		if (v->t->verbose)
			printf("%s: %s: %s of queue %s at %u\n", implied ?
			    "implied" : "apart", v->name, is_wait ? "wait" :
			    "signal", queue_name((enum queue)site->queue),
			    site->pc);
		return;
	}
	c->missed++;
	printf("MISSED %s: %s of queue %s at %u: %s\n", v->name,
	    is_wait ? "wait" : "signal",
	    queue_name((enum queue)site->queue), site->pc, why);
}

static void
try_program(struct victim *v)
{
	struct run_how how = {.check = true};
	struct eval_tensor *out;
	const struct hb_site *site;
	const char *why;
	struct hb *h;
	size_t n;

	make_inputs(v);
	out = NEW_ARRAY(v->u->arena, struct eval_tensor,
	    v->m.graph->outputs.len + 1);
	if (!compiled_run(v->u->arena, &v->u->diag, &v->m, v->m.code, v->in,
	    &how, out, NULL)) {
		printf("MISSED %s: the program itself: %s\n", v->name,
		    v->u->last);
		v->t->wait.missed++;
		return;
	}
	h = hb_new(v->u->arena, v->m.tile, v->m.code);
	if (hb_size(h) > MAX_STEPS) {
		v->t->skipped++;
		return;
	}
	v->t->programs++;
	if (hb_judge(h, NULL, false, &why) != HB_OK) {
		printf("MISSED %s: the program itself: %s\n", v->name, why);
		v->t->wait.missed++;
		return;
	}
	n = hb_waits(h, &site);
	for (size_t i = 0; i < n; i++)
		try_site(v, h, &site[i], true);
	n = hb_signals(h, &site);
	for (size_t i = 0; i < n; i++)
		try_site(v, h, &site[i], false);
}

/* fn makes the graph anew: compiling changes it. */
static void
try_graph(struct tally *t, size_t build, const char *file, uint64_t seed)
{
	void *unit = NULL;
	struct victim v = {.t = t};
	struct graph *g;

	unit_setup(&unit);
	v.u = unit;
	if (file != NULL) {
		char *data;
		size_t size;

		g = !file_read(v.u->arena, &v.u->diag, file, 0, &data, &size)
		    ? NULL : graph_parse(v.u->arena, &v.u->diag, file, data,
		    size);
		if (g == NULL) {
			printf("%s\n", v.u->last);
			exit(1);
		}
	} else {
		g = random_net(v.u, seed, false);
	}
	v.name = arena_printf(v.u->arena, "%s%s%llu %s", file != NULL ? file :
	    "", file != NULL ? "" : "seed ", (unsigned long long)seed,
	    compile_name(v.u->arena, &builds[build]));
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
