/* -emit-onnx and the export of trained models. */
#include "support/file.h"
#include "tools/driver.h"

/* What the level asks for, up to the passes that prepare lowering. */
static size_t
choose_passes(const struct pass_options *p, enum pass_id *ids)
{
	static const enum pass_id clean[] = {PASS_canonicalize, PASS_fold,
	    PASS_cse, PASS_dce};
	size_t n = 0;

	for (size_t i = 0; i < 4 && p->level >= 1; i++)
		ids[n++] = clean[i];
	if (p->level >= 2)
		ids[n++] = PASS_fold_batch_norm;
	if (p->precision != DT_NONE)
		ids[n++] = PASS_set_precision;
	if (p->level >= 1)
		ids[n++] = PASS_dce;
	return n;
}

bool
driver_model_passes(struct driver *dr)
{
	struct pass_options *p = &dr->o.passes;
	enum pass_id ids[8];
	struct graph *g = dr->eval != NULL ? dr->eval : dr->graph;

	driver_say(dr, "run passes");
	return dr->o.only_given ?
	    passes_run_list(g, &dr->diag, p, dr->o.only.data, dr->o.only.len,
		NULL) :
	    passes_run_list(g, &dr->diag, p, ids, choose_passes(p, ids), NULL);
}

bool
driver_write_onnx(struct driver *dr, const struct graph *g, const char *path,
    const struct onnx_write_options *opt)
{
	uint8_t *bytes;
	size_t size;

	return onnx_write(dr->arena, &dr->diag, g, opt, &bytes, &size) &&
	    file_write(&dr->diag, path, bytes, size);
}
