/* --export: the trained model as ONNX. */
#include "tools/training.h"

#include <string.h>

#include "frontend/onnx_write.h"

struct values {
	const struct checkpoint_tensor *tensor;
	size_t n;
};

static const void *
value_of(void *user, const struct value *state)
{
	const struct values *v = user;

	for (size_t i = 0; i < v->n; i++) {
		const struct checkpoint_tensor *t = &v->tensor[i];

		if (strcmp(t->name, state->name) == 0 &&
		    t->dtype == state->type.dtype &&
		    (int64_t)t->bytes == type_bytes(&state->type))
			return t->data;
	}
	return NULL;
}

bool
training_can_export(struct training *w)
{
	struct arena *a;
	uint8_t *bytes;
	size_t size;
	bool ok;

	if (w->args.export == NULL)
		return true;
	a = arena_new();
	ok = onnx_write(a, &w->dr.diag, w->dr.model, NULL, &bytes, &size);
	arena_free(a);
	return ok;
}

bool
training_export(struct training *w)
{
	struct arena *a;
	struct values v = {.n = w->t.states.n};
	struct onnx_write_options opt = {.state = value_of, .user = &v};
	bool ok;

	if (w->args.export == NULL)
		return true;
	a = arena_new();
	v.tensor = trainer_states(&w->t, a);
	ok = v.tensor != NULL &&
	    driver_write_onnx(&w->dr, w->dr.model, w->args.export, &opt);
	arena_free(a);
	return ok;
}
