/* Training steps of imported models against the reference steps in
 * ../shared/assets/refs_train, where that folder is there. */
#include "passes/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "frontend/onnx.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "support/file.h"
#include "tests/lib/tensorfile.h"
#include "tests/lib/unit.h"

#define ASSETS "../shared/assets/"

struct ref {
	const char *name, *model;
	int steps;       /* losses to follow */
	double gradient; /* relative L2 per tensor, at most */
	double loss;     /* relative, at most */
	double state;    /* as gradient, of the weights after all steps;
	                    running statistics after one are within 1e-6 */
};

static const struct ref refs[] = {
    {"lenet5_mnist16", "lenet5", 5, 1e-4, 1e-4, 1e-4},
    {"lenet5_mnist16_f64", "lenet5", 5, 1e-4, 1e-4, 1e-4},
    /* PyTorch's float32 and float64 are 4.7e-3, 3.6e-3 and 3.6e-2 apart
       here, one relu input near zero falls on either side */
    {"cifar_resnet20_b8", "cifar_resnet20", 3, 1e-2, 1e-2, 7e-2},
    {"cifar_resnet20_b8_f64", "cifar_resnet20", 3, 1e-5, 1e-3, 3e-2},
};

struct refrun {
	struct unit *u;
	const struct ref *ref;
	struct graph *g;
	struct eval_tensor in[3], *out, *states, *assigned;
	struct npy losses;
};

static bool
read_npy(struct unit *u, const char *path, struct npy *out)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		return false;
	fclose(f);
	if (!tensor_read(u->arena, &u->diag, path, out))
		fail_msg("%s", u->last);
	return true;
}

static struct npy
ref_file(struct refrun *r, const char *name)
{
	struct npy t;
	char *path = arena_printf(r->u->arena, ASSETS "refs_train/%s/%s.npy",
	    r->ref->name, name);

	if (!read_npy(r->u, path, &t))
		fail_msg("no file %s", path);
	return t;
}

static struct graph *
import(struct refrun *r, int64_t batch)
{
	struct onnx_options opt = {.batch = batch};
	struct parameter_options p = {.unbiased = false}; /* as ONNX */
	struct unit *u = r->u;
	char *path = arena_printf(u->arena, ASSETS "models/train/%s.onnx",
	    r->ref->model);
	struct train_options o;
	struct graph *g;
	size_t n;
	char *bytes;

	if (!file_read(u->arena, &u->diag, path, 0, &bytes, &n))
		fail_msg("%s", u->last);
	g = onnx_import(u->arena, &u->diag, path, bytes, n, &opt);
	train_options_init(&o);
	o.momentum = 0.9;
	o.weight_decay = 1e-4;
	o.keep_gradients = true;
	if (g == NULL || !train_parameters(g, &u->diag, &p) ||
	    !train_step(g, &u->diag, &o) ||
	    !graph_verify(g, &u->diag, "train_step"))
		fail_msg("%s: %s", r->ref->name, u->last);
	return g;
}

static struct eval_tensor
operand(const struct value *v, const struct npy *t)
{
	struct eval_tensor x = {.type = v->type};

	x.type.dtype = t->dtype;
	x.data = t->data;
	return x;
}

/* Element i of a file against one of the evaluator, for an L2 distance. */
static double
far(struct refrun *r, const struct eval_tensor *got, const char *file)
{
	struct npy want = ref_file(r, file);
	double d = 0, s = 0;

	for (int64_t i = 0; i < type_elems(&got->type); i++) {
		double x = dtype_get(got->data, got->type.dtype, (size_t)i);
		double y = dtype_get(want.data, want.dtype, (size_t)i);

		d += (x - y) * (x - y);
		s += y * y;
	}
	return sqrt(d) / (sqrt(s) > 1e-5 ? sqrt(s) : 1);
}

static void
prepare(struct refrun *r)
{
	static const float lr = 0.05F;
	struct npy x = ref_file(r, "x"), y = ref_file(r, "y");
	struct arena *a = r->u->arena;

	r->losses = ref_file(r, "losses");
	r->g = import(r, x.dim[0]);
	assert_int_equal(r->g->inputs.len, 3);
	assert_string_equal(r->g->inputs.data[1]->name, "labels");
	r->in[0] = operand(r->g->inputs.data[0], &x);
	r->in[1] = operand(r->g->inputs.data[1], &y);
	r->in[2].type = r->g->inputs.data[2]->type;
	r->in[2].data = arena_memdup(a, &lr, sizeof lr);
	r->out = NEW_ARRAY(a, struct eval_tensor, r->g->outputs.len);
	r->states = NEW_ARRAY(a, struct eval_tensor, r->g->states.len);
	r->assigned = NEW_ARRAY(a, struct eval_tensor, r->g->assigns.len);
}

static void
check_step(struct refrun *r, int k, double *worst)
{
	struct eval_options opt = {.round = true, .states = r->states,
	    .assigned = r->assigned};
	struct graph *g = r->g;

	if (!eval_graph(r->u->arena, &r->u->diag, g, &opt, r->in, r->out,
	        NULL))
		fail_msg("%s", r->u->last);
	for (size_t i = 0; i < g->outputs.len; i++) {
		const char *name = g->output_names.data[i];
		double d, want;

		if (strncmp(name, "grad.", 5) == 0 && k == 0) {
			d = far(r, &r->out[i], arena_printf(r->u->arena,
			    "grad/%s", name + 5));
			worst[0] = fmax(worst[0], d);
			if (!(d <= r->ref->gradient))
				fail_msg("%s: %s is off by %g", r->ref->name,
				    name, d);
		}
		if (strcmp(name, "loss") != 0)
			continue;
		want = dtype_get(r->losses.data, r->losses.dtype, (size_t)k);
		d = fabs(dtype_get(r->out[i].data, r->out[i].type.dtype, 0) /
		        want - 1);
		worst[1] = fmax(worst[1], d);
		if (!(d <= r->ref->loss))
			fail_msg("%s: loss %d is off by %g", r->ref->name, k,
			    d);
	}
	for (size_t i = 0; i < g->assigns.len; i++)
		for (size_t s = 0; s < g->states.len; s++)
			if (g->states.data[s] == g->assigns.data[i].state)
				r->states[s] = r->assigned[i];
}

/* The trainable states, or the others, against the files of a folder. */
static void
check_states(struct refrun *r, bool trainable, double *worst)
{
	const char *folder = trainable ? "new" : "running";

	for (size_t i = 0; i < r->g->states.len; i++) {
		const struct value *v = r->g->states.data[i];
		double d;

		if (v->trainable != trainable ||
		    strstr(v->name, ".momentum") != NULL)
			continue;
		d = far(r, &r->states[i], arena_printf(r->u->arena, "%s/%s",
		    folder, v->name));
		*worst = fmax(*worst, d);
		if (!(d <= (trainable ? r->ref->state : 1e-6)))
			fail_msg("%s: %s after the steps is off by %g",
			    r->ref->name, v->name, d);
	}
}

static void
run_ref(struct unit *u, const struct ref *ref)
{
	struct refrun r = {.u = u, .ref = ref};
	double worst[4] = {0, 0, 0, 0};

	prepare(&r);
	for (int k = 0; k < ref->steps; k++) {
		check_step(&r, k, worst);
		if (k == 0)
			check_states(&r, false, &worst[3]);
	}
	check_states(&r, true, &worst[2]);
	print_message("%-22s gradients %.1e, losses %.1e, weights %.1e, "
	    "statistics %.1e\n", ref->name, worst[0], worst[1], worst[2],
	    worst[3]);
}

static void
references(void **state)
{
	struct unit *u = *state;
	FILE *f = fopen(ASSETS "README.md", "rb");

	if (f == NULL)
		skip();
	fclose(f);
	for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
		struct arena *keep = u->arena;

		u->arena = arena_new();
		run_ref(u, &refs[i]);
		arena_free(u->arena);
		u->arena = keep;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(references),
	};

	return cmocka_run_group_tests_name("passes/train_refs", tests, NULL,
	    NULL);
}
