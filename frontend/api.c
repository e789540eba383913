/* Public entry points of the frontend. */
#include <wave/compiler.h>

#include "frontend/onnx.h"
#include "support/context.h"

struct wave_graph *
wave_import_onnx(struct wave_context *c, const char *path, const void *bytes,
    size_t size, int64_t batch)
{
	struct onnx_options opt = {.batch = batch};
	return (struct wave_graph *)onnx_import(c->arena, &c->diag, path,
	    bytes, size, &opt);
}
