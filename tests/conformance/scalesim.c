/* SCALE-Sim's cycles from executed programs: the 54 layers of its ResNet-50
 * table on target scalesim.
 *
 *   scalesim [TOPOLOGY.csv RESULT.csv]
 *
 * With arguments compares the table below with SCALE-Sim's own files.
 *
 * Its closed form for weight-stationary arrays of R x C (stall-free): a layer
 * is ceil(K / R) * ceil(N / C) folds of 2R + C + M - 2 cycles, less 1; M output
 * pixels, K products an output, N filters. On a machine without a second weight
 * register an ExecGEMM of M rows occupies the array R + M cycles, its first
 * result takes R + C - 2 more, and folds do not overlap in SCALE-Sim. So, for
 * every layer,
 *
 *   SCALE-Sim's cycles = matrix_steady_cycles + waves * (R + C - 2) - 1
 *
 * with matrix_steady_cycles and waves (ExecGEMM executed) of the run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/target.h"
#include "passes/pass.h"
#include "runtime/sim/sim.h"
#include "support/file.h"

/* Square layers without padding: extents of input and filter, channels,
 * filters, stride; the cycles that SCALE-Sim prints for a 128 x 128
 * weight-stationary array. Facts from its MIT-licensed repository
 * (topologies/conv_nets/Resnet50.csv) and a run of it. */
struct layer {
	const char *name;
	int64_t size, kernel, channels, filters, stride, cycles;
};

static const struct layer layers[] = {
	{"Conv1", 224, 7, 3, 64, 2, 24963},
	{"CB2a_1", 56, 1, 64, 64, 1, 3517},
	{"CB2a_2", 56, 3, 64, 64, 1, 16489},
	{"CB2a_3", 56, 1, 64, 256, 1, 7035},
	{"CB2s", 56, 1, 64, 256, 1, 7035},
	{"IB2b_1", 56, 1, 256, 64, 1, 7035},
	{"IB2b_2", 56, 3, 64, 64, 1, 16489},
	{"IB2b_3", 56, 1, 64, 256, 1, 7035},
	{"IB2c_1", 56, 1, 256, 64, 1, 7035},
	{"IB2c_2", 56, 3, 64, 64, 1, 16489},
	{"IB2c_3", 56, 1, 64, 256, 1, 7035},
	{"CB3a_1", 56, 1, 256, 128, 2, 2445},
	{"CB3a_2", 28, 3, 128, 128, 1, 9521},
	{"CB3a_3", 28, 1, 128, 512, 1, 4663},
	{"CB3s", 56, 1, 256, 512, 2, 9783},
	{"IB3b_1", 28, 1, 512, 128, 1, 4663},
	{"IB3b_2", 28, 3, 128, 128, 1, 9521},
	{"IB3b_3", 28, 1, 128, 512, 1, 4663},
	{"IB3c_1", 28, 1, 512, 128, 1, 4663},
	{"IB3c_2", 28, 3, 128, 128, 1, 9521},
	{"IB3c_3", 28, 1, 128, 512, 1, 4663},
	{"IB3d_1", 28, 1, 512, 128, 1, 4663},
	{"IB3d_2", 28, 3, 128, 128, 1, 9521},
	{"IB3d_3", 28, 1, 128, 512, 1, 4663},
	{"CB4a_1", 28, 1, 512, 256, 2, 4855},
	{"CB4a_2", 14, 3, 256, 256, 1, 18935},
	{"CB4a_3", 14, 1, 256, 1024, 1, 9247},
	{"CB4s", 28, 1, 512, 1024, 2, 19423},
	{"IB4b_1", 14, 1, 1024, 256, 1, 9247},
	{"IB4b_2", 14, 3, 256, 256, 1, 18935},
	{"IB4b_3", 14, 1, 256, 1024, 1, 9247},
	{"IB4c_1", 14, 1, 1024, 256, 1, 9247},
	{"IB4c_2", 14, 3, 256, 256, 1, 18935},
	{"IB4c_3", 14, 1, 256, 1024, 1, 9247},
	{"IB4d_1", 14, 1, 1024, 256, 1, 9247},
	{"IB4d_2", 14, 3, 256, 256, 1, 18935},
	{"IB4d_3", 14, 1, 256, 1024, 1, 9247},
	{"IB4e_1", 14, 1, 1024, 256, 1, 9247},
	{"IB4e_2", 14, 3, 256, 256, 1, 18935},
	{"IB4e_3", 14, 1, 256, 1024, 1, 9247},
	{"IB4f_1", 14, 1, 1024, 256, 1, 9247},
	{"IB4f_2", 14, 3, 256, 256, 1, 18935},
	{"IB4f_3", 14, 1, 256, 1024, 1, 9247},
	{"CB5a_1", 14, 1, 1024, 512, 2, 14271},
	{"CB5a_2", 7, 3, 512, 512, 1, 58607},
	{"CB5a_3", 7, 1, 512, 2048, 1, 27583},
	{"CB5s", 14, 1, 1024, 2048, 2, 57087},
	{"IB5b_1", 7, 1, 2048, 512, 1, 27583},
	{"IB5b_2", 7, 3, 512, 512, 1, 58607},
	{"IB5b_3", 7, 1, 512, 2048, 1, 27583},
	{"IB5c_1", 7, 1, 2048, 512, 1, 27583},
	{"IB5c_2", 7, 3, 512, 512, 1, 58607},
	{"IB5c_3", 7, 1, 512, 2048, 1, 27583},
	{"FC6", 1, 1, 2048, 1000, 1, 49023},
};

#define NLAYERS (sizeof layers / sizeof *layers)
#define TOTAL 876832

static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	static char tool[] = "scalesim";
	(void)user;
	if (level != DIAG_REMARK)
		diag_print_stderr(tool, level, loc, text);
}

/* ---- running a layer ---- */

/* SCALE-Sim rounds the number of windows up: the last may overhang, which we
 * pad at the end. */
static struct graph *
build(struct arena *a, const struct layer *l)
{
	struct graph *g = graph_new(a, l->name);
	int64_t xdim[4] = {1, l->channels, l->size, l->size};
	int64_t wdim[4] = {l->filters, l->channels, l->kernel, l->kernel};
	int64_t out = ceil_div(l->size - l->kernel + l->stride, l->stride);
	int64_t over = (out - 1) * l->stride + l->kernel - l->size;
	int64_t stride[2] = {l->stride, l->stride};
	int64_t end[2] = {over > 0 ? over : 0, over > 0 ? over : 0};
	struct tensor_type xt = type_make(DT_F32, 4, xdim);
	struct tensor_type wt = type_make(DT_F32, 4, wdim);
	struct attr at[2] = {attr_make_ints(ATTR_strides, stride, 2),
	    attr_make_ints(ATTR_pads_end, end, 2)};
	struct value *in[2] = {graph_input(g, "x", &xt), graph_const(g, "w",
	    &wt, arena_alloc(a, (size_t)type_bytes(&wt)))};
	graph_output(g, build_op(g, OP_conv, in, 2, at, 2, DT_NONE, NULL),
	    "y");
	return g;
}

static struct wave_program *
compile(struct arena *a, struct diag *d, const struct layer *l,
    const struct wave_target *t)
{
	struct graph *g = build(a, l);
	struct pass_options po;
	struct backend_options bo = {0};
	pass_options_init(&po);
	if (!passes_run(g, d, &po))
		return NULL;
	struct tile_program *p = backend_tile(a, d, g, t, 1, &bo);
	return p == NULL ? NULL : backend_code(a, d, p, &bo);
}

/* ExecGEMM that queue mx executes, loops counted. */
static int64_t
count_waves(const struct wave_program *w)
{
	const struct wave_bytes *code = &w->code[Q_MX];
	int64_t times[ISA_MAX_LOOPS + 1] = {1}, waves = 0;
	int depth = 0;
	for (size_t i = 0; i < code->size / 16; i++) {
		struct insn_word word = insn_load(code->data, i);
		struct insn in;
		const char *why;
		if (!insn_decode(&word, &in, &why))
			return -1;
		if (in.op == INSN_LOOP && depth < ISA_MAX_LOOPS) {
			times[depth + 1] = times[depth] *
			    in.field[FIELD_count];
			depth++;
		} else if (in.op == INSN_ENDLOOP && depth > 0) {
			depth--;
		} else if (in.op == INSN_ExecGEMM) {
			waves += times[depth];
		}
	}
	return waves;
}

/* Cycles by the rule; -1 when the layer does not run. */
static int64_t
execute(struct arena *a, struct diag *d, const struct layer *l,
    const struct wave_target *t)
{
	struct sim_options so = {.timing_only = true};
	struct wave_program *w = compile(a, d, l, t);
	struct device *dev = w == NULL ? NULL : sim_open(w, &so, d);
	int64_t cycles = -1;
	if (dev == NULL)
		return -1;
	if (dev->ops->run(dev, "main", d)) {
		const struct sim_stats *st = sim_stats(dev);
		cycles = st->total.steady +
		    count_waves(w) * (t->rows + t->cols - 2) - 1;
		if (st->macs_issued != st->macs_useful)
			cycles = -1; /* products that no output needs */
	}
	dev->ops->close(dev);
	return cycles;
}

static bool
check_layers(struct diag *d, const struct wave_target *t)
{
	int64_t sum = 0;
	unsigned wrong = 0;
	for (size_t i = 0; i < NLAYERS; i++) {
		struct arena *a = arena_new();
		int64_t got = execute(a, d, &layers[i], t);
		if (got != layers[i].cycles) {
			printf("  layer %s: %" PRId64 " cycles, SCALE-Sim %"
			    PRId64 "\n", layers[i].name, got,
			    layers[i].cycles);
			wrong++;
		}
		sum += got;
		arena_free(a);
	}
	if (wrong == 0 && sum == TOTAL)
		printf("ok scalesim: %zu layers, %" PRId64
		    " cycles in total\n", NLAYERS, sum);
	else
		printf("not ok scalesim: %u layers differ, %" PRId64
		    " cycles in total, not %d\n", wrong, sum, TOTAL);
	return wrong == 0 && sum == TOTAL;
}

/* ---- its own files ---- */

/* The next line that starts with a name or number and has a comma, and moves
 * on; NULL at the end. */
static char *
next_line(char **at)
{
	while (**at != '\0') {
		char *line = *at;
		size_t n = strcspn(line, "\n");
		*at += n + (line[n] != '\0');
		line[n] = '\0';
		if (n > 0 && line[0] != ',' && strchr(line, ',') != NULL)
			return line;
	}
	return NULL;
}

/* One layer from a line of each file. */
static bool
same_layer(const struct layer *l, const char *topology, const char *result)
{
	char name[32];
	long long h, w, r, s, c, n, stride, id, cycles;
	if (sscanf(topology, "%31[^,],%lld,%lld,%lld,"
	    "%lld,%lld,%lld,%lld", name,
	    &h, &w, &r, &s, &c, &n, &stride) != 8 ||
	    sscanf(result, "%lld, %lld", &id, &cycles) != 2)
		return false;
	return strcmp(name, l->name) == 0 && h == l->size && w == h &&
	    r == l->kernel && s == r && c == l->channels &&
	    n == l->filters && stride == l->stride && cycles == l->cycles;
}

static bool
check_files(struct arena *a, struct diag *d, char **files)
{
	char *topology, *result;
	size_t size, same = 0;
	if (!file_read(a, d, files[0], 1 << 20, &topology, &size) ||
	    !file_read(a, d, files[1], 1 << 20, &result, &size))
		return false;
	char *t = next_line(&topology), *r = next_line(&result); /* titles */
	while (t != NULL && r != NULL) {
		t = next_line(&topology);
		r = next_line(&result);
		if (t == NULL || r == NULL || same == NLAYERS ||
		    !same_layer(&layers[same], t, r))
			break;
		same++;
	}
	bool ok = same == NLAYERS && t == NULL && r == NULL;
	printf("%s the table equals SCALE-Sim's files\n", ok ? "ok" :
	    "not ok");
	return ok;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct diag d = {.fn = report};
	struct wave_target *t = target_load(a, &d, "scalesim");
	bool ok = t != NULL && check_layers(&d, t);
	if (argc == 3)
		ok = check_files(a, &d, argv + 1) && ok;
	arena_free(a);
	return ok ? 0 : 1;
}
