/* The MBS pass: chooses groups, marks the graph, says what it did. */
#include "passes/mbs.h"

#include <math.h>
#include <string.h>

const char *const mbs_names[MBS_VARIANTS] = {"none", "baseline", "archopt",
    "il", "fs", "mbs1", "mbs2", "optimal"};

enum mbs_variant
mbs_parse(const char *name)
{
	for (int i = MBS_BASELINE; i < MBS_VARIANTS; i++)
		if (strcmp(mbs_names[i], name) == 0)
			return (enum mbs_variant)i;
	return MBS_NONE;
}

/* ---- marks ---- */

/* Results of layers go through DRAM; with fusion, not those that only the
 * ReLU behind reads. */
static void
store_layer(const struct mbs_plan *p, const struct mbs_layer *l)
{
	struct value *v = l->node->out[0];
	const struct node *u = v->uses.len == 1 ? v->uses.data[0].node : NULL;

	if (l->kind == MBS_VIEW)
		return;
	if (p->o->fused && u != NULL && (u->op == OP_relu || u->op == OP_add))
		return;
	v->keep = KEEP_DRAM;
}

/* Whether v is what the first branch of an addition gives: it waits for the
 * others. */
static bool
is_first_operand(const struct value *v)
{
	const struct node *add = v->uses.len == 1 ? v->uses.data[0].node :
	    NULL;

	if (add == NULL || add->op != OP_add)
		return false;
	for (int i = 0; i < add->nin; i++) {
		const struct value *x = add->in[i];

		if (x->kind == VALUE_NODE && x->uses.len == 1 &&
		    x->def->id < v->def->id)
			return false;
	}
	return true;
}

/* Branches on their own: only the first of several layers finds a value on
 * chip, and operands of concatenations and the first of an addition go through
 * DRAM. */
static void
store_branches(const struct mbs_layer *l)
{
	struct value *v = l->node->out[0];

	if (l->kind == MBS_VIEW)
		return;
	if (v->uses.len > 1)
		v->keep = KEEP_FIRST;
	if (is_first_operand(v))
		v->keep = KEEP_DRAM;
	for (size_t i = 0; i < v->uses.len; i++)
		if (v->uses.data[i].node->op == OP_concat)
			v->keep = KEEP_DRAM;
}

/* A run of layers that leave their results on chip is a group that takes the
 * whole batch: what its layers pass on stays, whether or not it is stored for
 * the backward pass. */
static void
mark_runs(const struct mbs_plan *p, struct graph *g)
{
	for (size_t k = 0; k < p->layers.len; k++) {
		const struct mbs_layer *l = &p->layers.data[k];

		while (g->groups.len < l->run)
			VEC_PUSH(g->arena, &g->groups,
			    (struct layer_group){p->batch});
		if (l->run > 0)
			l->node->group = l->run;
	}
}

/* The gradient of a layer's weights goes the way of the weights: through DRAM
 * to the update. */
static void
store_weights(const struct mbs_layer *l)
{
	if (l->kind == MBS_CONV && l->node->in[1]->kind == VALUE_STATE)
		l->node->in[1]->keep = KEEP_DRAM;
}

void
mbs_mark(struct mbs_plan *p, struct graph *g)
{
	enum mbs_variant v = p->o->variant;

	for (size_t k = 0; k < p->groups.len; k++) {
		struct layer_group lg = {p->groups.data[k].sub_batch};

		VEC_PUSH(g->arena, &g->groups, lg);
	}
	g->free_groups = v == MBS_OPTIMAL;
	for (size_t i = 0; i < p->units.len; i++) {
		const struct mbs_unit *u = &p->units.data[i];

		for (size_t k = u->first; k < u->first + u->count; k++) {
			const struct mbs_layer *l = &p->layers.data[k];

			l->node->group = u->group;
			if (v <= MBS_IL)
				store_weights(l);
			if (v == MBS_BASELINE || v == MBS_ARCHOPT ||
			    (v == MBS_IL && !mbs_stays(p, l)))
				store_layer(p, l);
			else if (v == MBS_1)
				store_branches(l);
			l->node->out[0]->rebuild = v == MBS_OPTIMAL &&
			    ((l->kind != MBS_CONV &&
				l->kind != MBS_AVG_POOL) || l->again);
		}
	}
	if (v == MBS_IL)
		mark_runs(p, g);
}

/* ---- the report ---- */

static const char *
unit_name(const struct mbs_plan *p, const struct mbs_unit *u, bool last)
{
	const struct mbs_layer *l = &p->layers.data[last ?
	    u->first + u->count - 1 : u->first];
	const char *name = l->node->out[0]->name;

	return name != NULL ? name : op_info(l->node->op)->name;
}

static void
report_groups(const struct mbs_plan *p, struct strbuf *s)
{
	for (size_t k = 0; k < p->groups.len; k++) {
		const struct mbs_group *g = &p->groups.data[k];
		int64_t rest = p->batch - (g->iterations - 1) * g->sub_batch;

		strbuf_addf(s, "mbs: group %zu: %s to %s, %lld x %lld", k,
		    unit_name(p, &p->units.data[g->first], false),
		    unit_name(p, &p->units.data[g->first + g->count - 1],
			true),
		    (long long)(g->iterations - (rest != g->sub_batch)),
		    (long long)g->sub_batch);
		if (rest != g->sub_batch)
			strbuf_addf(s, " + %lld", (long long)rest);
		strbuf_addf(s, " samples, %.0f bytes of the buffer to "
		    "spare\n", g->slack);
	}
	for (size_t i = 0; i < p->units.len; i++)
		if (p->units.data[i].whole_batch &&
		    p->o->variant >= MBS_FS)
			strbuf_addf(s, "mbs: %s needs statistics of the whole "
			    "batch: it runs by itself, and no group crosses "
			    "it\n", unit_name(p, &p->units.data[i], false));
}

void
mbs_report_traffic(const struct mbs_traffic *t, const char *what,
    struct strbuf *report)
{
	strbuf_addf(report, "mbs: %s in GB: activations "
	    "%.3f, gradients %.3f, masks %.3f, weights %.3f, weight gradients "
	    "%.3f, update %.3f: %.3f\n", what, t->activation / 1e9,
	    t->gradient / 1e9, t->mask / 1e9, t->weight / 1e9,
	    t->weight_gradient / 1e9, t->update / 1e9, mbs_total(t) / 1e9);
}

static void
report_traffic(const struct mbs_plan *p, struct strbuf *s)
{
	struct mbs_traffic t = mbs_plan_traffic(p);
	double bound = mbs_lower_bound(p), total = mbs_total(&t);

	mbs_report_traffic(&t, "traffic of one group and step", s);
	strbuf_addf(s, "mbs: lower bound %.3f GB, %.1f %% %s it\n",
	    bound / 1e9, 100 * fabs(total / bound - 1),
	    total < bound ? "below" : "above");
}

static void
report_array(const struct mbs_plan *p, struct strbuf *s)
{
	struct mbs_array a;

	if (p->o->rows < 1 || p->o->cols < 1)
		return;
	a = mbs_array_bound(p);
	if (a.cycles > 0)
		strbuf_addf(s, "mbs: tile quantisation bounds the utilization "
		    "of the array to %.2f %%: %.3f M cycles\n", 100 *
		    a.products / a.cycles /
		    (double)(p->o->rows * p->o->cols), a.cycles / 1e6);
}

static void
report_again(const struct mbs_plan *p, struct strbuf *s)
{
	double bytes = 0, products = 0, all = 0;
	int count[2] = {0};

	for (size_t i = 0; i < p->layers.len; i++) {
		const struct mbs_layer *l = &p->layers.data[i];

		all += (l->first ? 2 : 3) * l->products;
		if (!l->again)
			continue;
		bytes += (2 * l->out - (l->first ? l->image : 0)) *
		    (double)p->batch;
		products += l->products;
		count[l->kind == MBS_AVG_POOL]++;
	}
	if (count[0] + count[1] > 0)
		strbuf_addf(s, "mbs: the backward pass computes %d "
		    "convolutions and %d means over windows again: %.3f GB "
		    "less for %.1f %% more products\n", count[0], count[1],
		    bytes / 1e9, 100 * products / all);
}

/* Bytes that groups by the paper's rules move. The plan has no groups after
 * it. */
static double
greedy_total(struct mbs_plan *p)
{
	const struct mbs_options *o = p->o;
	struct mbs_options rules = *o;
	struct mbs_traffic t;

	rules.variant = MBS_2;
	p->o = &rules;
	mbs_choose(p);
	t = mbs_plan_traffic(p);
	p->o = o;
	p->groups.len = 0;
	for (size_t i = 0; i < p->units.len; i++)
		p->units.data[i].group = 0;
	return mbs_total(&t);
}

static bool
is_tight(const struct mbs_plan *p)
{
	for (size_t k = 0; k < p->groups.len && p->o->buffer > 0; k++)
		if (p->groups.data[k].slack < 0)
			return true;
	return false;
}

bool
mbs_schedule(struct graph *g, struct diag *d, const struct mbs_options *o,
    struct strbuf *report, struct mbs_outcome *out)
{
	struct mbs_plan p = {.o = o, .arena = g->arena};

	if (!mbs_units(&p, g, d))
		return false;
	if (o->variant == MBS_OPTIMAL) {
		out->greedy = greedy_total(&p);
		mbs_again(&p, g);
	}
	mbs_choose(&p);
	mbs_mark(&p, g);
	out->fixed = mbs_plan_fixed(&p);
	out->tight = is_tight(&p);
	if (report != NULL) {
		report_groups(&p, report);
		report_again(&p, report);
		report_traffic(&p, report);
		report_array(&p, report);
	}
	return true;
}
