#include "tests/lib/compiled.h"

#include <stdio.h>
#include <string.h>

#include "backend/target.h"
#include "passes/pass.h"
#include "passes/shard.h"
#include "runtime/device.h"
#include "runtime/sim/sim.h"
#include "support/str.h"

static struct wave_target *
load_target(struct arena *a, struct diag *d, const struct compile_how *b)
{
	struct wave_target *t = target_load(a, d, b->target);

	if (t == NULL)
		return NULL;
	for (size_t i = 0; i < COMPILE_SETTINGS; i++)
		if (b->set[i][0] != '\0' && !target_override(t, d, b->set[i]))
			return NULL;
	return target_validate(d, t) ? t : NULL;
}

bool
compiled_make(struct arena *a, struct diag *d, struct graph *g,
    const struct compile_how *b, struct compiled *m)
{
	struct pass_options o;
	struct graph *share = NULL;
	struct backend_options lowering = {.dgrad = b->dgrad,
	    .partial_k = b->partial_k, .no_overlap = b->no_overlap};
	const char *why;

	memset(m, 0, sizeof *m);
	m->target = load_target(a, d, b);
	if (m->target == NULL)
		return false;
	pass_options_init(&o);
	o.level = b->level;
	o.precision = b->precision;
	if (!passes_run(g, d, &o))
		return false;
	m->graph = g;
	m->groups = 1;
	if (b->shard && m->target->groups > 1)
		share = graph_shard(a, g, (int)m->target->groups, &why);
	if (share != NULL)
		m->groups = (int)m->target->groups;
	m->tile = backend_tile(a, d, share != NULL ? share : g, m->target,
	    m->groups, &lowering);
	if (m->tile == NULL)
		return false;
	m->code = compiled_code(a, d, m, b->serialize);
	return m->code != NULL;
}

struct wave_program *
compiled_code(struct arena *a, struct diag *d, const struct compiled *m,
    bool serialize)
{
	struct backend_options o = {.serialize = serialize};

	return backend_code(a, d, m->tile, &o);
}

static const struct wave_binding *
binding(const struct wave_program *p, enum wave_bind_kind kind,
    const char *name)
{
	for (uint32_t i = 0; i < p->nbindings; i++)
		if (p->bindings[i].kind == kind &&
		    strcmp(p->bindings[i].name, name) == 0)
			return &p->bindings[i];
	return NULL;
}

static bool
write_inputs(struct device *dev, struct diag *d, const struct compiled *m,
    const struct wave_program *code, const struct eval_tensor *in)
{
	for (size_t i = 0; i < m->graph->inputs.len; i++) {
		const struct value *v = m->graph->inputs.data[i];
		const struct wave_binding *b = v->name == NULL ? NULL :
		    binding(code, WAVE_BIND_INPUT, v->name);

		if (b == NULL) {
			diag_error(d, NULL, "input %zu is not bound", i);
			return false;
		}
		if (!dev->ops->write(dev, b->address, in[i].data,
		    (size_t)type_bytes(&v->type))) {
			diag_error(d, NULL, "input %zu: no such memory", i);
			return false;
		}
	}
	return true;
}

static bool
read_outputs(struct arena *a, struct device *dev, struct diag *d,
    const struct compiled *m, const struct wave_program *code,
    struct eval_tensor *out)
{
	for (size_t i = 0; i < m->graph->outputs.len; i++) {
		const struct wave_binding *b = binding(code,
		    WAVE_BIND_OUTPUT, m->graph->output_names.data[i]);
		size_t size;

		out[i].type = m->graph->outputs.data[i]->type;
		out[i].bound = NULL;
		size = (size_t)type_bytes(&out[i].type);
		out[i].data = arena_alloc(a, size + 1);
		if (b == NULL) {
			diag_error(d, NULL, "output %zu is not bound", i);
			return false;
		}
		if (!dev->ops->read(dev, b->address, out[i].data, size)) {
			diag_error(d, NULL, "output %zu: no such memory", i);
			return false;
		}
	}
	return true;
}

bool
compiled_run(struct arena *a, struct diag *d, const struct compiled *m,
    const struct wave_program *code, const struct eval_tensor *in,
    const struct run_how *how, struct eval_tensor *out,
    struct run_stats *stats)
{
	struct sim_options o = {.check = how->check,
	    .threads = how->threads,
	    .max_instructions = how->max_instructions};
	struct device *dev = sim_open(code, &o, d);
	unsigned before = d->errors;
	bool ok;

	if (dev == NULL)
		return false;
	ok = write_inputs(dev, d, m, code, in) &&
	    dev->ops->run(dev, "main", d) && d->errors == before &&
	    read_outputs(a, dev, d, m, code, out);
	if (ok && stats != NULL) {
		stats->cycles = sim_stats(dev)->cycles;
		stats->instructions = sim_stats(dev)->total.instructions;
	}
	dev->ops->close(dev);
	return ok;
}

const char *
compile_name(struct arena *a, const struct compile_how *b)
{
	struct strbuf s = {0};
	const char *text;

	strbuf_addf(&s, "%s -O%d", b->target, b->level);
	if (b->precision != DT_NONE)
		strbuf_addf(&s, " -mprecision=%s", dtype_name(b->precision));
	if (b->dgrad == DGRAD_ZEROS)
		strbuf_add(&s, " -fdgrad=zeros");
	if (b->partial_k == PARTIAL_LAST)
		strbuf_add(&s, " -fpartial-k=last");
	if (b->no_overlap)
		strbuf_add(&s, " -fno-overlap");
	if (b->shard)
		strbuf_add(&s, " sharded");
	for (size_t i = 0; i < COMPILE_SETTINGS; i++)
		if (b->set[i][0] != '\0')
			strbuf_addf(&s, " -m%s", b->set[i]);
	text = arena_strdup(a, s.data);
	strbuf_free(&s);
	return text;
}

/* Working buffers are made anew in each iteration of a tile loop. */
bool
compiled_tiles(const struct compiled *m)
{
	for (size_t i = 0; i < m->tile->buffers.len; i++) {
		const struct tile_buffer *b = m->tile->buffers.data[i];

		if (b->space == SPACE_GBUF && b->scope != NULL)
			return true;
	}
	return false;
}
