/* -ftrain: a model becomes the graphs of the entries step and eval. */
#include "tools/driver.h"

#include <string.h>

#include "ir/clone.h"

static bool
learns(void *user, const char *name)
{
	const struct cc_train *t = user;

	return t->freeze == NULL ||
	    regexec(&t->freeze_re, name, 0, NULL, 0) != 0;
}

/* What layers of a .net mean in training. */
static void
apply_hints(struct driver *dr)
{
	const struct net_train *t = &dr->train;
	int64_t stream = 0;

	for (size_t i = 0; i < t->hints.len; i++) {
		const struct net_hint *h = &t->hints.data[i];

		if (h->kind == NET_BATCH_NORM)
			node_set_float(dr->graph, h->value->def,
			    ATTR_momentum, 1 - h->number);
		else
			train_dropout(dr->graph, h->value, h->number,
			    (uint64_t)dr->o.seed, stream++);
	}
}

static void
freeze_states(struct driver *dr)
{
	for (size_t i = 0; i < dr->graph->states.len; i++) {
		struct value *v = dr->graph->states.data[i];

		if (v->trainable && !learns(&dr->o.train, v->name))
			v->trainable = false;
	}
}

/* The tensors of which every step has its own: the model's inputs, what the
 * result is judged by, and the loss. */
static void
list_each(struct driver *dr, size_t ninputs)
{
	const struct graph *g = dr->graph;
	size_t n = 0;

	dr->each = NEW_ARRAY(dr->arena, const char *, ninputs + 3);
	for (size_t i = 0; i <= ninputs && i < g->inputs.len; i++)
		dr->each[n++] = g->inputs.data[i]->name;
	dr->each[n++] = "loss";
}

static bool
count_steps(struct driver *dr)
{
	const struct graph *g = dr->graph;
	int64_t batch, samples = dr->o.train.samples;

	dr->steps = 1;
	if (samples == 0)
		return true;
	batch = g->inputs.len > 0 && g->inputs.data[0]->type.rank > 0 ?
	    g->inputs.data[0]->type.dim[0] : 1;
	if (batch < 1 || samples % batch != 0) {
		diag_error(&dr->diag, NULL, "-fsamples=%lld is no multiple of "
		    "the batch of %lld", (long long)samples,
		    (long long)batch);
		return false;
	}
	dr->steps = samples / batch;
	return true;
}

static bool
options(struct driver *dr)
{
	const char *why;
	bool fp16 = dr->o.passes.precision == DT_F16;

	if (!cc_train_options(&dr->o.train, dr->arena, &dr->train,
	    &dr->train_options, &why)) {
		diag_error(&dr->diag, NULL, "%s", why);
		return false;
	}
	if (dr->o.train.paper && !fp16 && dr->o.passes.precision != DT_BF16) {
		diag_error(&dr->diag, NULL, "-fstate=paper stores parameters "
		    "in 16 bits: it needs -mprecision=fp16 or bf16");
		return false;
	}
	if (dr->o.train.loss_scale == 0 && fp16)
		dr->train_options.loss_scale = 1024;
	return true;
}

/* What -Rpass=mbs asks for, line by line. */
static void
remark(struct driver *dr, const struct strbuf *s)
{
	const char *line = s->data;

	while (line != NULL && *line != '\0') {
		size_t n = strcspn(line, "\n");

		diag_remark(&dr->diag, NULL, "%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

bool
driver_wants_groups(const struct driver *dr)
{
	return cc_remarks_match(dr->o.passes.remarks, "mbs");
}

/* The groups of the chip that will divide the batch. */
static int64_t
sharing_groups(const struct driver *dr)
{
	const struct graph *g = dr->graph;
	int64_t n = dr->target->groups;

	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct tensor_type *t = &g->inputs.data[i]->type;

		if (t->rank > 0 && t->dim[0] % n != 0)
			return 1;
	}
	return n;
}

bool
driver_serialize_batch(struct driver *dr)
{
	struct mbs_options o = dr->o.train.mbs;
	const struct wave_target *t = dr->target;
	enum dtype p = dr->o.passes.precision;
	struct strbuf s = {0};
	bool ok;

	if (o.variant == MBS_NONE)
		return true;
	if (o.variant == MBS_BASELINE)
		dr->target->weight_double_buffer = 0;
	o.buffer = t->gbuf_bytes;
	o.parts = sharing_groups(dr);
	o.elem = p == DT_F16 || p == DT_BF16 ? 2 : 4;
	o.state = dr->o.train.paper ? 2 : 4;
	o.bandwidth = t->dram_bw / (double)o.parts;
	o.macs = t->clock_hz * (double)(t->rows * t->cols);
	o.rows = t->rows;
	o.cols = t->cols;
	o.zeros = dr->o.dgrad == DGRAD_ZEROS;
	ok = mbs_schedule(dr->graph, &dr->diag, &o,
	    driver_wants_groups(dr) ? &s : NULL, &dr->groups);
	remark(dr, &s);
	strbuf_free(&s);
	return ok;
}

void
driver_remark_moves(struct driver *dr)
{
	const struct tile_moves *m = &dr->tile->moves;
	struct mbs_traffic t = dr->groups.fixed;
	struct strbuf s = {0};

	if (dr->o.train.mbs.variant != MBS_OPTIMAL || !driver_wants_groups(dr))
		return;
	t.activation += m->left;
	t.weight += m->weights;
	t.weight_gradient += m->sums;
	mbs_report_traffic(&t, "with the sub-batches that were taken, traffic",
	    &s);
	remark(dr, &s);
	strbuf_free(&s);
}

bool
driver_train(struct driver *dr)
{
	struct parameter_options eval = {.inference = true, .learns = learns,
	    .user = &dr->o.train}, step = {.unbiased = dr->o.train.unbiased,
	    .learns = learns, .user = &dr->o.train};
	struct parameter_cache cache = {0};
	size_t ninputs;

	eval.cache = step.cache = &cache;
	if (!dr->o.train.on)
		return true;
	driver_say(dr, "derive the training step");
	ninputs = dr->graph->inputs.len;
	if (!options(dr) || !count_steps(dr))
		return false;
	if (dr->o.train.paper)
		eval.stored = step.stored = dr->o.passes.precision;
	dr->eval = graph_clone(dr->arena, dr->graph);
	apply_hints(dr);
	freeze_states(dr);
	if (!train_parameters(dr->eval, &dr->diag, &eval) ||
	    !train_parameters(dr->graph, &dr->diag, &step))
		return false;
	if (dr->o.train.mbs.variant == MBS_OPTIMAL)
		dr->plain = graph_clone(dr->arena, dr->graph);
	if (!driver_serialize_batch(dr) ||
	    !train_step(dr->graph, &dr->diag, &dr->train_options))
		return false;
	dr->model = graph_clone(dr->arena, dr->eval);
	list_each(dr, ninputs);
	return true;
}
