/* Opening a program to train: its entries and the tensors of a step. */
#include "runtime/train.h"

#include <string.h>

#include "runtime/bind.h"
#include "runtime/program.h"
#include "support/dtype.h"
#include "support/str.h"

static bool
fail(struct trainer *t, const char *what)
{
	diag_error(t->diag, NULL, "%s", what);
	return false;
}

static bool
has_entries(struct trainer *t)
{
	static const char *const want[] = {"init", "step", "eval"};
	const struct wave_program *p = t->program;

	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		uint32_t k = 0;

		while (k < p->nentries &&
		    strcmp(p->entries[k].name, want[i]) != 0)
			k++;
		if (k == p->nentries) {
			diag_error(t->diag, NULL, "the program cannot be "
			    "trained: it has no entry '%s'", want[i]);
			return false;
		}
	}
	return true;
}

/* The input that labels or targets go to. */
static bool
find_wanted(struct trainer *t)
{
	const struct wave_binding *y = program_binding(t->program, "labels");

	if (y == NULL)
		y = program_binding(t->program, "target");
	if (y == NULL)
		return fail(t, "the program cannot be trained: it has no "
		    "input labels or target");
	t->y = *y;
	return true;
}

/* The one input that holds samples. */
static bool
find_input(struct trainer *t)
{
	const struct wave_program *p = t->program;
	const struct wave_binding *x = NULL;

	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *b = &p->bindings[i];

		if (b->kind != WAVE_BIND_INPUT || b == t->lr ||
		    strcmp(b->name, t->y.name) == 0)
			continue;
		if (x != NULL) {
			diag_error(t->diag, NULL, "the model has the inputs "
			    "'%s' and '%s'; a data set feeds one", x->name,
			    b->name);
			return false;
		}
		x = b;
	}
	if (x == NULL)
		return fail(t, "the model has no input");
	t->x = *x;
	return true;
}

static bool
find_output(struct trainer *t, const char *name)
{
	const struct wave_program *p = t->program;

	for (uint32_t i = 0; i < p->nbindings && t->output == NULL; i++) {
		const struct wave_binding *b = &p->bindings[i];

		if (b->kind == WAVE_BIND_OUTPUT && b != t->loss &&
		    (name != NULL ? strcmp(b->name, name) == 0 :
		    strncmp(b->name, "grad.", 5) != 0))
			t->output = b;
	}
	if (t->output != NULL)
		return true;
	diag_error(t->diag, NULL, "the model has no output%s%s%s",
	    name != NULL ? " '" : "", name != NULL ? name : "",
	    name != NULL ? "'" : "");
	return false;
}

static bool
is_number(struct trainer *t, const struct wave_binding *b, int max_rank,
    const char *name)
{
	if (b != NULL && b->rank <= max_rank && b->dtype == DT_F32)
		return true;
	diag_error(t->diag, NULL, "the program cannot be trained: it has no "
	    "%s f32[]", name);
	return false;
}

static bool
array_new(struct trainer *t, const struct wave_binding *b, enum dtype dtype,
    struct npy *n)
{
	int64_t bytes = (int64_t)dtype_size(dtype);

	*n = (struct npy){.dtype = dtype, .rank = b->rank};
	memcpy(n->dim, b->dim, (size_t)b->rank * sizeof *n->dim);
	for (int i = 0; i < b->rank; i++)
		if (!mul_int64(bytes, b->dim[i], &bytes))
			return fail(t, "the batch is too large");
	n->bytes = (size_t)bytes;
	n->data = arena_try_alloc(t->arena, n->bytes + 1);
	return n->data != NULL || fail(t, "no memory for the batch");
}

/* Samples lie along the first dimension of all three. Inputs may hold those
 * of several steps, for entry `steps`; step and eval take the first. */
static bool
one_batch(struct trainer *t)
{
	int64_t n = t->output->rank > 0 ? t->output->dim[0] : 0;

	if (n > 0 && t->x.rank > 0 && t->y.rank > 0 &&
	    t->x.dim[0] >= n && t->x.dim[0] % n == 0 &&
	    t->x.dim[0] == t->y.dim[0]) {
		t->x.dim[0] = t->y.dim[0] = n;
		return true;
	}
	diag_error(t->diag, NULL, "input '%s', output '%s' and '%s' do not "
	    "hold the same samples along their first dimension", t->x.name,
	    t->output->name, t->y.name);
	return false;
}

static bool
shapes_fit(struct trainer *t)
{
	struct npy o = {.dtype = t->output->dtype, .rank = t->output->rank};

	memcpy(o.dim, t->output->dim, sizeof t->output->dim);
	if (dtype_is_float(t->x.dtype) && score_fits(&o, &t->batch.y))
		return true;
	diag_error(t->diag, NULL, "output '%s' and '%s' do not fit together",
	    t->output->name, t->y.name);
	return false;
}

bool
trainer_open(struct trainer *t, const char *output)
{
	const struct wave_program *p = t->program;

	t->lr = program_binding(p, "lr");
	t->loss = program_binding(p, "loss");
	return has_entries(t) && is_number(t, t->lr, 0, "input lr") &&
	    is_number(t, t->loss, 1, "output loss") && find_wanted(t) &&
	    find_input(t) && find_output(t, output) && one_batch(t) &&
	    array_new(t, &t->x, DT_F32, &t->batch.x) &&
	    array_new(t, &t->y, dtype_is_int(t->y.dtype) ? DT_I64 : DT_F32,
	    &t->batch.y) && shapes_fit(t) &&
	    states_open(t->arena, t->diag, p, &t->states) &&
	    states_image_new(t->arena, t->diag, &t->states, &t->before) &&
	    states_image_new(t->arena, t->diag, &t->states, &t->now);
}
