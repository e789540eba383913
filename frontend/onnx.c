#include "frontend/onnx.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/onnx_imp.h"

#define FOLD_WORK_TOTAL ((int64_t)1 << 30)
#define CONST_TOTAL ((int64_t)1 << 34)
#define LOAD_TOTAL ((int64_t)1 << 35)

static bool
model_error(struct imp *m, const char *text)
{
	struct loc loc = {.file = m->path};

	diag_error(m->diag, &loc, "%s", text);
	return false;
}

/* The declared version of the default domain. Other domains need none: their
 * operators are refused by name. */
static bool
find_opset(struct imp *m)
{
	const Onnx__ModelProto *p = m->model;
	int64_t version = 0;

	for (size_t i = 0; i < p->n_opset_import; i++) {
		const char *domain = p->opset_import[i]->domain;
		if (domain != NULL && domain[0] != '\0' &&
		    strcmp(domain, "ai.onnx") != 0)
			continue;
		if (version != 0)
			return model_error(m, "the model declares two opsets "
			    "for the default domain");
		version = p->opset_import[i]->version;
		if (version < 1 || version > INT32_MAX)
			return model_error(m, "the model declares an "
			    "impossible opset");
	}
	if (version == 0 && p->ir_version >= 3 && p->n_opset_import == 0)
		return model_error(m, "the model declares no opset");
	m->opset = version != 0 ? (int)version : 1;
	return true;
}

static bool
check_model(struct imp *m)
{
	if (m->model->graph == NULL)
		return model_error(m, "the model has no graph");
	m->src = m->model->graph;
	if (m->src->n_output == 0)
		return model_error(m, "the graph has no outputs");
	return find_opset(m);
}

static bool
run(struct imp *m)
{
	if (!check_model(m) || !onnx_collect(m) || !onnx_order(m) ||
	    !onnx_supported(m))
		return false;
	for (size_t i = 0; i < m->norder; i++)
		if (!onnx_node(m, m->order[i]))
			return false;
	if (!onnx_outputs(m))
		return false;
	struct loc loc = {.file = m->path};
	if (m->ndead > 0)
		diag_remark(m->diag, &loc, "%zu nodes that no output needs "
		    "are left out", m->ndead);
	return true;
}

struct graph *
onnx_import(struct arena *a, struct diag *d, const char *path,
    const void *bytes, size_t n, const struct onnx_options *opt)
{
	static const struct onnx_options none;
	struct imp m = {
		.arena = a,
		.diag = d,
		.path = arena_strdup(a, path),
		.opt = opt != NULL ? opt : &none,
		.fold_work = FOLD_WORK_TOTAL,
		.const_left = CONST_TOTAL,
		.load_left = LOAD_TOTAL,
	};

	m.model = onnx_unpack(a, d, m.path, bytes, n);
	if (m.model == NULL)
		return NULL;
	const char *name =
	    m.model->graph != NULL ? m.model->graph->name : NULL;
	m.graph = graph_new(a, name != NULL && name[0] ? name : "main");
	m.graph->source = m.path;
	return run(&m) ? m.graph : NULL;
}
