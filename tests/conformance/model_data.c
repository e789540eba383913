/* Inputs and reference outputs of an ONNX model as .npy files.
 *
 *   model_data MODEL.onnx FOLDER
 *
 * Prints lines of tab-separated words:
 *   option TEXT             an option that wavecc needs for these inputs
 *   in SET NAME FILE        one for each run-time input
 *   out SET NAME FILE FROM  one for each output; FROM is stored or evaluator
 * Stored are in_NAME.npy and out_NAME.npy beside model.onnx, the folders
 * test_data_set_N, and MODEL_output_0.pb beside MODEL.onnx, for which ONNX's
 * own test runner feeds a ramp: element i of n is i / n. For any other model
 * inputs are drawn from a normal distribution, and the reference evaluator
 * says what comes out. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frontend/onnx.h"
#include "ir/eval.h"
#include "support/file.h"
#include "tests/lib/tensorfile.h"
#include "tests/lib/unit.h"

#define MAX_IO 16

struct job {
	struct arena *arena;
	struct diag *d;
	const char *model, *folder; /* folder: where the files go */
	char *bytes;
	size_t size;
	struct graph *graph;
	struct onnx_input_shape shape[MAX_IO];
	struct onnx_options opt;
};

static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	if (level == DIAG_ERROR)
		diag_print_stderr(user, level, loc, text);
}

/* A file beside the model. */
static const char *
beside(struct job *j, const char *name)
{
	const char *slash = strrchr(j->model, '/');
	int n = slash != NULL ? (int)(slash - j->model) + 1 : 0;

	return arena_printf(j->arena, "%.*s%s", n, j->model, name);
}

static bool
exists(const char *path)
{
	return access(path, R_OK) == 0;
}

/* in_NAME.npy, or test_data_set_N/input_N.pb when the model has sets. */
static const char *
stored_path(struct job *j, int set, const char *kind, size_t k,
    const char *name)
{
	const char *pb = beside(j, arena_printf(j->arena,
	    "test_data_set_%d/%sput_%zu.pb", set, kind, k));

	if (exists(pb))
		return pb;
	const char *npy = beside(j, arena_printf(j->arena, "%s_%s.npy", kind,
	    tensor_file_name(j->arena, name)));
	return set == 0 && exists(npy) ? npy : NULL;
}

static bool
write_line(struct job *j, const char *kind, int set, size_t k,
    const char *name, const struct npy *n, const char *from)
{
	const char *file = arena_printf(j->arena, "%s/%s_%d_%zu.npy",
	    j->folder, kind, set, k);

	if (!npy_write(j->d, file, n))
		return false;
	printf("%s\t%d\t%s\t%s%s%s\n", kind, set, name, file,
	    from[0] != '\0' ? "\t" : "", from);
	return true;
}

static struct npy
npy_of(const struct tensor_type *t, void *data)
{
	struct npy n = {.dtype = t->dtype, .rank = t->rank,
	    .bytes = (size_t)type_bytes(t), .data = data};

	memcpy(n.dim, t->dim, sizeof t->dim);
	return n;
}

static bool
import(struct job *j)
{
	j->graph = onnx_import(j->arena, j->d, j->model, j->bytes, j->size,
	    &j->opt);
	return j->graph != NULL && j->graph->inputs.len <= MAX_IO &&
	    j->graph->outputs.len <= MAX_IO;
}

/* Where the first stored input has another shape than the model says, the
 * model is compiled for the stored one. */
static bool
fit_shapes(struct job *j)
{
	j->opt.inputs = j->shape;
	for (size_t k = 0; k < j->graph->inputs.len; k++) {
		const struct value *v = j->graph->inputs.data[k];
		const char *path = stored_path(j, 0, "in", k, v->name);
		struct onnx_input_shape *s = &j->shape[j->opt.ninputs];
		struct npy n;
		if (path == NULL)
			continue;
		if (!tensor_read(j->arena, j->d, path, &n))
			return false;
		bool same = n.rank == v->type.rank;
		for (int i = 0; same && i < n.rank; i++)
			same = n.dim[i] == v->type.dim[i];
		if (same || n.rank > MAX_RANK)
			continue;
		*s = (struct onnx_input_shape){v->name, n.rank, {0}};
		printf("option\t-finput=%s:", v->name);
		for (int i = 0; i < n.rank; i++) {
			s->dim[i] = n.dim[i];
			printf("%s%lld", i > 0 ? "x" : "",
			    (long long)n.dim[i]);
		}
		printf("\n");
		j->opt.ninputs++;
	}
	return j->opt.ninputs == 0 || import(j);
}

static bool
stored_set(struct job *j, int set)
{
	const struct graph *g = j->graph;

	for (size_t k = 0; k < g->inputs.len; k++) {
		const char *name = g->inputs.data[k]->name;
		const char *path = stored_path(j, set, "in", k, name);
		struct npy n;
		if (path == NULL || !tensor_read(j->arena, j->d, path, &n) ||
		    !write_line(j, "in", set, k, name, &n, ""))
			return false;
	}
	for (size_t k = 0; k < g->outputs.len; k++) {
		const char *name = g->output_names.data[k];
		const char *path = stored_path(j, set, "out", k, name);
		struct npy n;
		if (path == NULL || !tensor_read(j->arena, j->d, path, &n) ||
		    !write_line(j, "out", set, k, name, &n, "stored"))
			return false;
	}
	return true;
}

/* Sum of twelve uniform numbers: mean 0, variance 1. */
static double
normal(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(unit_random(state) >> 11) * 0x1p-53;
	return sum;
}

static bool
make_inputs(struct job *j, bool ramp, struct eval_tensor *in)
{
	uint64_t state = 20240611;

	for (size_t k = 0; k < j->graph->inputs.len; k++) {
		const struct value *v = j->graph->inputs.data[k];
		size_t n = (size_t)type_elems(&v->type);
		in[k].type = v->type;
		in[k].data = arena_alloc(j->arena,
		    (size_t)type_bytes(&v->type) + 1);
		for (size_t i = 0; i < n; i++)
			dtype_set(in[k].data, v->type.dtype, i,
			    ramp ? (double)i / (double)n : normal(&state));
		struct npy file = npy_of(&v->type, in[k].data);
		if (!write_line(j, "in", 0, k, v->name, &file, ""))
			return false;
	}
	return true;
}

static bool
evaluate(struct job *j, const struct eval_tensor *in)
{
	struct eval_tensor out[MAX_IO];
	struct eval_options opt = {.round = true};

	memset(out, 0, sizeof out);
	if (!eval_graph(j->arena, j->d, j->graph, &opt, in, out, NULL))
		return false;
	for (size_t k = 0; k < j->graph->outputs.len; k++) {
		struct npy n = npy_of(&out[k].type, out[k].data);
		if (!write_line(j, "out", 0, k,
		    j->graph->output_names.data[k], &n, "evaluator"))
			return false;
	}
	return true;
}

static bool
made_set(struct job *j)
{
	struct eval_tensor in[MAX_IO];
	size_t stem = strlen(j->model) - strlen(".onnx");
	const char *pb = arena_printf(j->arena, "%.*s_output_0.pb", (int)stem,
	    j->model);
	bool light = exists(pb) && j->graph->outputs.len == 1;
	struct npy n;

	memset(in, 0, sizeof in);
	if (!make_inputs(j, light, in))
		return false;
	if (!light)
		return evaluate(j, in);
	return tensor_read(j->arena, j->d, pb, &n) &&
	    write_line(j, "out", 0, 0, j->graph->output_names.data[0], &n,
		"stored");
}

static bool
run(struct job *j)
{
	if (!file_read(j->arena, j->d, j->model, 0, &j->bytes, &j->size) ||
	    !import(j) || !fit_shapes(j))
		return false;
	const char *first = j->graph->inputs.len > 0 ?
	    j->graph->inputs.data[0]->name : "";
	int set = 0;
	while (stored_path(j, set, "in", 0, first) != NULL)
		if (!stored_set(j, set++))
			return false;
	return set > 0 || made_set(j);
}

int
main(int argc, char **argv)
{
	char tool[] = "model_data";
	struct diag d = {.fn = report, .user = tool};
	struct job j = {.d = &d};

	if (argc != 3 || strlen(argv[1]) < strlen(".onnx"))
		return 2;
	j.model = argv[1];
	j.folder = argv[2];
	j.arena = arena_new();
	bool ok = run(&j);
	arena_free(j.arena);
	return !ok;
}
