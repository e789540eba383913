/* How good the generated code is: executed cycles of well-known networks beside
 * what no schedule can beat.
 *
 *   bench_quality [-v] [-b BATCH] [-t TARGET] [-mKEY=VALUE]... [NETWORK]...
 *
 * bound   sum over layers of the larger of: steady matrix cycles of the whole
 *         layer with the better stationary operand; the DRAM bytes that its
 *         schedule moves, at full bandwidth
 * MAC     useful products / PEs
 * traffic network inputs, outputs and weights, moved once
 * The executed cycles are MAC plus what is lost to tiles (layers that do not
 * fill rows, columns or blocks), memory (layers bound by DRAM), the vector
 * unit (layers without products, beyond their traffic) and the rest (filling
 * and draining at layer borders, waiting). -v lists the layers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/target.h"
#include "passes/pass.h"
#include "runtime/sim/sim.h"
#include "support/str.h"
#include "tests/lib/nets.h"

struct bench {
	struct arena *arena;
	struct diag diag;
	struct wave_target *target;
	int64_t batch;
	bool verbose;
};

struct layer {
	int64_t matrix, dram, macs;
	bool array; /* on the matrix unit */
};

struct sums {
	int64_t executed, bound, mac, traffic, tiles, memory, vector;
};

static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	static char tool[] = "bench_quality";
	(void)user;
	if (level != DIAG_REMARK)
		diag_print_stderr(tool, level, loc, text);
}

/* ---- the matrix bound ---- */

/* Most rows of a moving tile: what block_m, LBUF_H and OBUF allow. */
static int64_t
most_rows(const struct wave_target *t, int64_t elem)
{
	int64_t m = t->block_m > 0 ? t->block_m : INT32_MAX;
	if (t->lbuf_h_bytes > 0)
		m = min64(m, t->lbuf_h_bytes / t->lbuf_banks /
		    (t->rows * elem));
	if (t->obuf_bytes > 0)
		m = min64(m, t->obuf_bytes / t->obuf_banks / (t->cols * 4));
	return max64(m, 1);
}

/* Occupancy of all ExecGEMM of one moving block against one column tile. */
static int64_t
one_block(const struct wave_target *t, int64_t rows, int64_t k)
{
	int64_t sum = 0;
	for (; k > 0; k -= t->rows) {
		int64_t shift = t->shift_full ? t->rows :
		    min64(k, t->rows);
		sum += t->weight_double_buffer ? max64(rows, shift) :
		    rows + shift;
	}
	return sum;
}

static int64_t
occupancy(const struct wave_target *t, int64_t moving, int64_t still,
    int64_t k, int64_t elem)
{
	int64_t most = most_rows(t, elem);
	int64_t columns = ceil_div(still, t->cols);
	int64_t blocks = ceil_div(moving, most), rest = moving % most;
	int64_t even = moving / blocks, more = moving % blocks;
	int64_t full = (moving / most) * one_block(t, most, k) +
	    (rest > 0 ? one_block(t, rest, k) : 0);
	int64_t equal = more * one_block(t, even + 1, k) +
	    (blocks - more) * one_block(t, even, k);
	return columns * min64(full, equal);
}

/* m pixels, g groups of k x n each: the best of both stationary operands and
 * of all numbers of groups that share a tile. */
static int64_t
best_occupancy(const struct wave_target *t, int64_t m, int64_t g, int64_t k,
    int64_t n, int64_t elem)
{
	int64_t best = INT64_MAX;
	for (int64_t pack = 1; pack <= g; pack++) {
		if (pack > 1 && pack * n > t->cols)
			break;
		int64_t times = ceil_div(g, pack);
		best = min64(best, times *
		    occupancy(t, m, pack * n, pack * k, elem));
		best = min64(best, times *
		    occupancy(t, pack * n, m, pack * k, elem));
	}
	return best;
}

static int64_t
matrix_bound(const struct wave_target *t, const struct node *n)
{
	const struct tensor_type *x = &n->in[0]->type, *y = &n->out[0]->type;
	const struct tensor_type *w = &n->in[1]->type;
	int64_t elem = (int64_t)dtype_size(x->dtype);
	if (n->op == OP_conv) {
		int64_t g = node_int(n, ATTR_groups), co = y->dim[1];
		return best_occupancy(t, type_elems(y) / co, g,
		    type_elems(w) / w->dim[0], co / g, elem);
	}
	if (n->op == OP_matmul && w->rank == 2) {
		int64_t co = y->dim[y->rank - 1];
		return best_occupancy(t, type_elems(y) / co, 1,
		    type_elems(w) / co, co, elem);
	}
	return 0;
}

/* ---- compiling and running ---- */

static struct wave_program *
compile(struct bench *b, struct graph *g)
{
	struct pass_options po;
	struct backend_options bo = {0};
	pass_options_init(&po);
	po.precision = DT_F16;
	if (!passes_run(g, &b->diag, &po))
		return NULL;
	struct tile_program *p = backend_tile(b->arena, &b->diag, g,
	    b->target, 1, &bo);
	return p == NULL ? NULL : backend_code(b->arena, &b->diag, p, &bo);
}

static int64_t
cycles_of_bytes(const struct wave_target *t, int64_t bytes)
{
	if (t->dram_bw <= 0)
		return 0;
	return (int64_t)((double)bytes * t->clock_hz / t->dram_bw);
}

static void
print_layer(const struct sim_op *op, const struct layer *l)
{
	int64_t bound = max64(l->matrix, l->dram);
	printf("  %-28.28s %-9.9s %9" PRId64 " %9" PRId64 " %6.1f%% %9" PRId64
	    " %9" PRId64 " %9" PRId64 "\n", op->op->name, op->op->op,
	    op->cycles, bound, 100.0 * (double)bound /
	    (double)max64(op->cycles, 1), l->matrix, l->dram, op->n.steady);
}

static void
add_layer(struct sums *s, const struct sim_op *op, const struct layer *l,
    const struct wave_target *t)
{
	int64_t bound = max64(l->matrix, l->dram);
	int64_t mac = ceil_div(l->macs, t->rows * t->cols);
	s->bound += bound;
	s->memory += bound - l->matrix;
	if (l->array) {
		s->mac += mac;
		s->tiles += l->matrix - mac;
	} else if (op->cycles > bound) {
		s->vector += op->cycles - bound;
	}
}

/* Layers in order of the graph are the program's ops in the same order. */
static void
add_layers(struct bench *b, const struct graph *g,
    const struct wave_program *w, const struct sim_stats *st, struct sums *s)
{
	const struct wave_target *t = b->target;
	uint32_t at = 0, i = 0;
	if (b->verbose)
		printf("  %-28s %-9s %9s %9s %7s %9s %9s %9s\n", "layer", "op",
		    "cycles", "bound", "", "matrix", "DRAM", "steady");
	graph_foreach_node(g, n) {
		const struct wave_op *op = &w->ops[at++];
		while (i < st->nops && st->ops[i].op < op)
			i++;
		if (i == st->nops || st->ops[i].op != op)
			continue; /* a view: no instructions */
		struct layer l = {.matrix = matrix_bound(t, n),
		    .macs = op->macs};
		l.array = l.matrix > 0;
		l.dram = cycles_of_bytes(t,
		    sim_dram_bytes(&st->ops[i].n, false) +
		    sim_dram_bytes(&st->ops[i].n, true));
		add_layer(s, &st->ops[i], &l, t);
		if (b->verbose)
			print_layer(&st->ops[i], &l);
	}
}

static void
add_compulsory(const struct graph *g, const struct wave_target *t,
    struct sums *s)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < g->inputs.len; i++)
		bytes += type_bytes(&g->inputs.data[i]->type);
	for (size_t i = 0; i < g->outputs.len; i++)
		bytes += type_bytes(&g->outputs.data[i]->type);
	graph_foreach_node(g, n)
		for (int i = 0; i < n->nin; i++)
			if (n->in[i] != NULL && n->in[i]->kind == VALUE_CONST)
				bytes += type_bytes(&n->in[i]->type);
	s->traffic = cycles_of_bytes(t, bytes);
}

static double
percent(int64_t part, int64_t of)
{
	return 100.0 * (double)part / (double)max64(of, 1);
}

static void
print_row(const char *name, const struct sums *s)
{
	int64_t e = s->executed;
	int64_t rest = e - s->mac - s->tiles - s->memory - s->vector;
	printf("%-13s %10" PRId64 " %10" PRId64 " %6.1f%% |%10" PRId64
	    " %9" PRId64 " |%6.1f %6.1f %6.1f %6.1f %6.1f\n", name, e,
	    s->bound, percent(s->bound, e), s->mac, s->traffic,
	    percent(s->mac, e), percent(s->tiles, e), percent(s->memory, e),
	    percent(s->vector, e), percent(rest, e));
	fflush(stdout);
}

static bool
run(struct bench *b, const char *name)
{
	struct graph *g = net_build(b->arena, name, b->batch);
	struct sim_options so = {.timing_only = true};
	struct sums s = {0};
	if (g == NULL) {
		fprintf(stderr, "bench_quality: no network '%s'\n", name);
		return false;
	}
	struct wave_program *w = compile(b, g);
	struct device *dev = w == NULL ? NULL : sim_open(w, &so, &b->diag);
	if (dev == NULL)
		return false;
	bool ok = dev->ops->run(dev, "main", &b->diag);
	if (ok) {
		const struct sim_stats *st = sim_stats(dev);
		s.executed = st->cycles;
		add_layers(b, g, w, st, &s);
		add_compulsory(g, b->target, &s);
		print_row(name, &s);
	}
	dev->ops->close(dev);
	return ok;
}

static bool
run_all(struct bench *b, char **names)
{
	bool ok = true;
	printf("%-13s %10s %10s %7s |%10s %9s | %% of executed:\n"
	    "%-13s %10s %10s %7s |%10s %9s |%6s %6s %6s %6s %6s\n", "network",
	    "executed", "bound", "ratio", "MAC", "traffic", "", "cycles",
	    "cycles", "", "cycles", "cycles", "MAC", "tiles", "memory",
	    "vector", "rest");
	for (int i = 0; names[i] != NULL; i++) {
		b->arena = arena_new();
		ok = run(b, names[i]) && ok;
		arena_free(b->arena);
	}
	return ok;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct bench b = {.arena = a, .diag = {.fn = report}, .batch = 32};
	const char *target = "wavecore";
	bool ok = true;
	int i;
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-v") == 0)
			b.verbose = true;
		else if (strcmp(argv[i], "-b") == 0 && i + 1 < argc)
			b.batch = strtoll(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
			target = argv[++i];
		else if (argv[i][1] != 'm')
			return 2;
	}
	b.target = target_load(a, &b.diag, target);
	if (b.target == NULL)
		return 1;
	for (int j = 1; j < i; j++)
		if (argv[j][0] == '-' && argv[j][1] == 'm')
			ok = target_override(b.target, &b.diag, argv[j] + 2) &&
			    ok;
	char *const *all = argv + i;
	char **names = calloc(64, sizeof *names);
	if (names == NULL || !ok)
		return 1;
	for (int j = 0; i < argc && j < 63 && all[j] != NULL; j++)
		names[j] = all[j];
	for (int j = 0; i == argc && net_names[j] != NULL; j++)
		names[j] = arena_strdup(a, net_names[j]);
	ok = run_all(&b, names);
	free(names);
	arena_free(a);
	return ok ? 0 : 1;
}
