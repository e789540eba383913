/* Public entry points of the backend. */
#include <wave/compiler.h>

#include "backend/backend.h"
#include "backend/object.h"
#include "backend/target.h"
#include "support/context.h"

struct wave_target *
wave_load_target(struct wave_context *c, const char *spec)
{
	return target_load(c->arena, &c->diag, spec);
}

bool
wave_set_target(struct wave_context *c, struct wave_target *t,
    const char *assignment)
{
	return target_override(t, &c->diag, assignment);
}

const struct wave_program *
wave_compile(struct wave_context *c, const struct wave_graph *g,
    const struct wave_target *t)
{
	struct backend_options opt = {0};
	if (!target_validate(&c->diag, t))
		return NULL;
	struct tile_program *p = backend_tile(c->arena, &c->diag,
	    (const struct graph *)g, t, 1, &opt);
	return p != NULL ? backend_code(c->arena, &c->diag, p, &opt) : NULL;
}

bool
wave_write_object(struct wave_context *c, const struct wave_program *p,
    const char *path)
{
	return object_write(&c->diag, path, p);
}
