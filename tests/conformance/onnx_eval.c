/* Conformance of the ONNX importer and the reference evaluator.
 *
 *   onnx_eval [-v] [-i] [-r RTOL] [-m MAXREL] PATH...
 *
 * Each PATH is a folder with model.onnx and test_data_set_N/{input,output}_K.pb
 * (as in ONNX's own backend tests) or in_NAME.npy and out_NAME.npy beside it,
 * a folder of such folders, or an .onnx file, which is only imported. Prints
 * one line each, `pass`, `import`, `refused`, `inference` (a training form was
 * imported in its inference form, so vectors do not apply) or `WRONG`, then a
 * summary. Elements pass when |got - want| <= ATOL + RTOL |want|, or with -m
 * when the largest difference is within MAXREL of the largest |want|.
 * An input that the importer wants at compile time is bound to the file's
 * value. -i: only import. Exit status 1 when anything was wrong. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "frontend/onnx_imp.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "support/file.h"
#include "tests/lib/tensorfile.h"

#define MAX_IO 64
#define ATOL 1e-7

enum outcome { PASS, IMPORTED, REFUSED, INFERENCE, WRONG, OUTCOMES };

struct tool {
	bool verbose, import_only;
	double rtol, maxrel;
	size_t count[OUTCOMES];
};

/* One model with one set of tensors. */
struct run {
	struct tool *tool;
	struct arena *arena;
	struct diag diag;
	char message[1024]; /* the first error */
	bool inference;     /* a remark said so */
	char model[4096];
	const char *bytes;
	size_t size;
	struct npy in[MAX_IO];
	const char *in_name[MAX_IO]; /* graph inputs, in model order */
	bool bound[MAX_IO];
	size_t nin;
	struct onnx_input_const consts[MAX_IO];
	struct onnx_input_shape shapes[MAX_IO];
	struct onnx_options opt;
	double worst; /* largest relative difference */
};

static void
on_diag(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct run *r = user;

	if (r->tool->verbose)
		diag_print_stderr(NULL, level, loc, text);
	if (level == DIAG_ERROR && r->message[0] == '\0')
		snprintf(r->message, sizeof r->message, "%s%s%s",
		    loc != NULL && loc->node != NULL ? loc->node : "",
		    loc != NULL && loc->node != NULL ? ": " : "", text);
	if (level == DIAG_REMARK &&
	    strstr(text, "imported in its inference form") != NULL)
		r->inference = true;
}

static bool
exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static const char *
npy_path(struct run *r, const char *kind, const char *name)
{
	const char *slash = strrchr(r->model, '/');

	return arena_printf(r->arena, "%.*s/%s_%s.npy",
	    (int)(slash - r->model), r->model, kind,
	    tensor_file_name(r->arena, name));
}

/* in_NAME.npy or test_data_set_N/input_K.pb. */
static bool
read_tensor(struct run *r, const char *set, const char *kind, size_t k,
    const char *name, struct npy *out)
{
	if (set[0] == '\0')
		return npy_read(r->arena, &r->diag, npy_path(r, kind, name),
		    out);
	return tensor_read(r->arena, &r->diag, arena_printf(r->arena,
	    "%s/%sput_%zu.pb", set, kind, k), out);
}

/* Names of the run-time inputs, from the file itself. */
static bool
list_inputs(struct run *r)
{
	const Onnx__ModelProto *m = onnx_unpack(r->arena, &r->diag, r->model,
	    r->bytes, r->size);

	if (m == NULL || m->graph == NULL)
		return false;
	for (size_t i = 0; i < m->graph->n_input; i++) {
		const char *name = m->graph->input[i]->name;
		bool init = false;
		for (size_t k = 0; k < m->graph->n_initializer; k++)
			init = init ||
			    strcmp(m->graph->initializer[k]->name, name) == 0;
		if (!init && r->nin < MAX_IO)
			r->in_name[r->nin++] = name;
	}
	return true;
}

static size_t
find_input(const struct run *r, const char *name, size_t len)
{
	for (size_t i = 0; i < r->nin; i++)
		if (strlen(r->in_name[i]) == len &&
		    memcmp(r->in_name[i], name, len) == 0)
			return i;
	return MAX_IO;
}

static void
bind_const(struct run *r, size_t i)
{
	r->bound[i] = true;
	r->consts[r->opt.nconsts++] =
	    (struct onnx_input_const){r->in_name[i], &r->in[i]};
}

static void
set_shape(struct run *r, size_t i)
{
	struct onnx_input_shape *sh = &r->shapes[r->opt.ninputs++];

	sh->name = r->in_name[i];
	sh->rank = r->in[i].rank;
	memcpy(sh->dim, r->in[i].dim, sizeof sh->dim);
}

/* Does what the first error asks for; false when it asks for nothing. */
static bool
obey(struct run *r)
{
	const char *s = strstr(r->message, "-fconst=");
	const char *f = strstr(r->message, "-finput=");
	size_t i;

	if (s != NULL) {
		s += strlen("-fconst=");
		i = find_input(r, s, strcspn(s, "="));
		if (i == MAX_IO || r->bound[i])
			return false;
		bind_const(r, i);
		return true;
	}
	if (f == NULL)
		return false;
	f += strlen("-finput=");
	i = find_input(r, f, strcspn(f, ":"));
	if (i == MAX_IO || r->opt.ninputs == MAX_IO)
		return false;
	set_shape(r, i);
	return true;
}

/* Files of another batch than the model's ask for -finput. */
static bool
resize_inputs(struct run *r, const struct graph *g)
{
	bool any = false;

	for (size_t i = 0; i < g->inputs.len && r->opt.ninputs == 0; i++) {
		const struct value *v = g->inputs.data[i];
		size_t k = find_input(r, v->name, strlen(v->name));
		if (k < MAX_IO && r->in[k].rank == v->type.rank &&
		    v->type.rank > 1 && value_nuses(g, v) > 0 &&
		    r->in[k].dim[0] != v->type.dim[0]) {
			set_shape(r, k);
			any = true;
		}
	}
	return any;
}

static struct graph *
import(struct run *r, bool only)
{
	for (;;) {
		r->message[0] = '\0';
		r->inference = false;
		struct graph *g = onnx_import(r->arena, &r->diag, r->model,
		    r->bytes, r->size, &r->opt);
		if (g == NULL ? only || !obey(r)
			      : only || !resize_inputs(r, g))
			return g;
	}
}

/* ONNX's vectors keep bf16 as the bits in u16. */
static void
fix_bf16(struct npy *n, enum dtype expected)
{
	if (n->dtype == DT_U16 && expected == DT_BF16)
		n->dtype = DT_BF16;
}

static bool
compare(struct run *r, const char *name, const struct eval_tensor *got,
    const struct npy *want)
{
	size_t n = (size_t)type_elems(&got->type);
	double largest = 0, diff = 0;
	bool same = got->type.dtype == want->dtype &&
	    got->type.rank == want->rank;

	for (int i = 0; same && i < want->rank; i++)
		same = got->type.dim[i] == want->dim[i];
	if (!same) {
		char buf[128];
		snprintf(r->message, sizeof r->message, "output '%s' is %s",
		    name, type_str(&got->type, buf, sizeof buf));
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		double g = dtype_get(got->data, got->type.dtype, i);
		double w = dtype_get(want->data, want->dtype, i);
		double d = fabs(g - w);
		if (g == w || (isnan(g) && isnan(w)))
			d = 0;
		largest = fmax(largest, fabs(w));
		if (isnan(d) || d > diff)
			diff = isnan(d) ? HUGE_VAL : d;
		/* The vectors cut floats to bf16 where rounding is due. */
		double rtol = want->dtype == DT_BF16 ? 0x1p-7 : r->tool->rtol;
		if (r->tool->maxrel > 0 || d == 0 ||
		    d <= ATOL + rtol * fabs(w))
			continue;
		snprintf(r->message, sizeof r->message, "output '%s'[%zu] "
		    "is %.9g, expected %.9g", name, i, g, w);
		return false;
	}
	double rel = largest > 0 ? diff / largest : diff;
	r->worst = fmax(r->worst, rel);
	if (r->tool->maxrel <= 0 || rel <= r->tool->maxrel)
		return true;
	snprintf(r->message, sizeof r->message, "output '%s' differs by %.3g "
	    "of its largest value", name, rel);
	return false;
}

/* Fills in[] from the files. An input that nothing reads may be any. */
static bool
feed(struct run *r, const struct graph *g, struct eval_tensor *in)
{
	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct value *v = g->inputs.data[i];
		size_t k = find_input(r, v->name, strlen(v->name));
		in[i].type = v->type;
		if (value_nuses(g, v) == 0) {
			in[i].data = arena_alloc(r->arena,
			    (size_t)type_bytes(&v->type) + 1);
			continue;
		}
		if (k < MAX_IO)
			fix_bf16(&r->in[k], v->type.dtype);
		if (k == MAX_IO || v->type.dtype != r->in[k].dtype ||
		    (size_t)type_bytes(&v->type) != r->in[k].bytes) {
			snprintf(r->message, sizeof r->message, "input '%s' "
			    "does not fit its file", v->name);
			return false;
		}
		in[i].data = r->in[k].data;
	}
	return true;
}

static enum outcome
evaluate(struct run *r, const char *set, struct graph *g)
{
	struct eval_tensor in[MAX_IO], out[MAX_IO];
	struct eval_options opt = {.round = true};

	memset(in, 0, sizeof in);
	memset(out, 0, sizeof out);
	if (!feed(r, g, in))
		return WRONG;
	if (!eval_graph(r->arena, &r->diag, g, &opt, in, out, NULL))
		return WRONG;
	for (size_t i = 0; i < g->outputs.len; i++) {
		struct npy want;
		const char *name = g->output_names.data[i];
		if (!read_tensor(r, set, "out", i, name, &want))
			return WRONG;
		fix_bf16(&want, out[i].type.dtype);
		if (!compare(r, name, &out[i], &want))
			return WRONG;
	}
	return PASS;
}

/* The graph must verify, and print and parse back to the same bytes. */
static bool
check_text(struct run *r, struct graph *g)
{
	struct strbuf a = {0}, b = {0};

	if (!graph_verify(g, &r->diag, "import"))
		return false;
	if (r->size > 4u << 20) /* the text would be large */
		return true;
	graph_print(&a, g, true);
	struct graph *h =
	    graph_parse(r->arena, &r->diag, "dump", a.data, a.len);
	bool same = h != NULL;
	if (same) {
		graph_print(&b, h, true);
		same = a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
		if (!same)
			snprintf(r->message, sizeof r->message,
			    "text form does not come back to the same bytes");
	}
	strbuf_free(&a);
	strbuf_free(&b);
	return same;
}

static enum outcome
run_set(struct run *r, const char *set, double *seconds)
{
	struct timespec t0, t1;

	bool only = r->tool->import_only || (set[0] == '\0' &&
	    r->nin > 0 && !exists(npy_path(r, "in", r->in_name[0])));
	for (size_t i = 0; !only && i < r->nin; i++)
		if (!read_tensor(r, set, "in", i, r->in_name[i], &r->in[i])) {
			/* A sequence, say: refused for a better reason. */
			r->in[i] = (struct npy){.dtype = DT_NONE};
		}
	clock_gettime(CLOCK_MONOTONIC, &t0);
	struct graph *g = import(r, only);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	*seconds = (double)(t1.tv_sec - t0.tv_sec) +
	    1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
	if (g == NULL)
		return REFUSED;
	if (!check_text(r, g))
		return WRONG;
	if (only)
		return IMPORTED;
	return r->inference && set[0] != '\0' ? INFERENCE : evaluate(r, set, g);
}

static const char *
label(enum outcome o)
{
	static const char *const names[] = {"pass", "import", "refused",
	    "inference", "WRONG"};

	return names[o];
}

static void
run_model(struct tool *tool, const char *model, const char *set)
{
	struct run *r = calloc(1, sizeof *r);
	enum outcome o = WRONG;
	double seconds = 0;
	char *bytes;

	r->tool = tool;
	r->arena = arena_new();
	r->diag = (struct diag){.fn = on_diag, .user = r};
	r->opt.inputs = r->shapes;
	r->opt.consts = r->consts;
	snprintf(r->model, sizeof r->model, "%s", model);
	if (file_read(r->arena, &r->diag, model, 0, &bytes, &r->size)) {
		r->bytes = bytes;
		o = list_inputs(r) ? run_set(r, set, &seconds) : REFUSED;
	}
	tool->count[o]++;
	printf("%-9s %s", label(o), model);
	if (set[0] != '\0' && strstr(set, "set_0") == NULL)
		printf(" %s", strrchr(set, '/') + 1);
	if (o == REFUSED || o == WRONG)
		printf(": %s", r->message);
	else
		printf(": %.0f ms, difference %.2g%s", seconds * 1e3,
		    r->worst, r->opt.nconsts > 0 ? ", inputs bound" : "");
	printf("\n");
	arena_free(r->arena);
	free(r);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void visit(struct tool *tool, const char *path);

/* The entries of a folder in order. */
static void
visit_folder(struct tool *tool, const char *path)
{
	DIR *d = opendir(path);
	char **names = NULL;
	size_t n = 0;

	if (d == NULL) {
		printf("WRONG     %s: cannot be opened\n", path);
		tool->count[WRONG]++;
		return;
	}
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		if (e->d_name[0] == '.')
			continue;
		size_t size = strlen(path) + strlen(e->d_name) + 2;
		names = realloc(names, (n + 1) * sizeof *names);
		names[n] = malloc(size);
		snprintf(names[n++], size, "%s/%s", path, e->d_name);
	}
	closedir(d);
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++) {
		visit(tool, names[i]);
		free(names[i]);
	}
	free(names);
}

static void
visit(struct tool *tool, const char *path)
{
	char model[4096], set[4200];
	struct stat st;
	size_t len = strlen(path);

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		bool old = tool->import_only;
		tool->import_only = true;
		if (len > 5 && strcmp(path + len - 5, ".onnx") == 0)
			run_model(tool, path, "");
		tool->import_only = old;
		return;
	}
	snprintf(model, sizeof model, "%s/model.onnx", path);
	if (!exists(model)) {
		visit_folder(tool, path);
		return;
	}
	for (int i = 0; i < 100; i++) {
		snprintf(set, sizeof set, "%s/test_data_set_%d", path, i);
		if (exists(set))
			run_model(tool, model, set);
		else if (i == 0)
			run_model(tool, model, "");
		else
			break;
	}
}

int
main(int argc, char **argv)
{
	struct tool tool = {.rtol = 1e-3};
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-v") == 0)
			tool.verbose = true;
		else if (strcmp(argv[i], "-i") == 0)
			tool.import_only = true;
		else if (strcmp(argv[i], "-r") == 0 && i + 1 < argc)
			tool.rtol = atof(argv[++i]);
		else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
			tool.maxrel = atof(argv[++i]);
		else
			return 2;
	}
	for (; i < argc; i++)
		visit(&tool, argv[i]);
	for (int k = 0; k < OUTCOMES; k++)
		printf("%s %zu%s", label((enum outcome)k), tool.count[k],
		    k + 1 < OUTCOMES ? ", " : "\n");
	return tool.count[WRONG] > 0;
}
