/* Public entry points of the runtime: programs and tensors by name. */
#include <wave/runtime.h>

#include <string.h>

#include "runtime/bind.h"
#include "runtime/program.h"
#include "support/context.h"

const struct wave_program *
wave_load(struct wave_context *c, const char *name, const void *bytes,
    size_t size)
{
	return program_load(c->arena, &c->diag, name, bytes, size);
}

const struct wave_binding *
wave_find_binding(const struct wave_program *p, const char *name)
{
	return program_binding(p, name);
}

static const struct wave_binding *
find(struct wave_context *c, const struct wave_program *p, const char *name,
    size_t size)
{
	const struct wave_binding *b = program_binding(p, name);
	if (b == NULL) {
		diag_error(&c->diag, NULL, "the program binds no tensor '%s'",
		    name);
		return NULL;
	}
	size_t want = dtype_size(b->dtype);
	for (int i = 0; i < b->rank; i++)
		want *= (size_t)b->dim[i];
	if (want == size)
		return b;
	diag_error(&c->diag, NULL, "tensor '%s' has %zu bytes, not %zu", name,
	    want, size);
	return NULL;
}

static struct npy
as_npy(const struct wave_binding *b, size_t size)
{
	struct npy n = {.dtype = b->dtype, .rank = b->rank, .bytes = size};
	memcpy(n.dim, b->dim, (size_t)b->rank * sizeof *n.dim);
	return n;
}

bool
wave_write_tensor(struct wave_context *c, struct device *d,
    const struct wave_program *p, const char *name, const void *data,
    size_t size)
{
	const struct wave_binding *b = find(c, p, name, size);
	if (b == NULL)
		return false;
	struct npy n = as_npy(b, size);
	n.data = arena_memdup(c->arena, data, size);
	return bind_write(c->arena, &c->diag, d, b, &n, name);
}

bool
wave_read_tensor(struct wave_context *c, struct device *d,
    const struct wave_program *p, const char *name, void *data, size_t size)
{
	const struct wave_binding *b = find(c, p, name, size);
	struct npy n;
	if (b == NULL || !bind_read(c->arena, &c->diag, d, b, &n))
		return false;
	if (n.dtype == b->dtype) {
		memcpy(data, n.data, size);
		return true;
	}
	for (size_t i = 0; i < size / dtype_size(b->dtype); i++)
		dtype_set(data, b->dtype, i, dtype_get(n.data, n.dtype, i));
	return true;
}

bool
wave_run(struct wave_context *c, struct device *d, const char *entry)
{
	return d->ops->run(d, entry, &c->diag);
}

void
wave_close(struct device *d)
{
	if (d != NULL)
		d->ops->close(d);
}
