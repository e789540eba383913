/* DRAM traffic by the accounting of the MBS paper, as the papers' file derives
 * it (A5): bytes of one group of the chip and training step. */
#include "passes/grad.h"
#include "passes/mbs.h"

double
mbs_total(const struct mbs_traffic *t)
{
	return t->activation + t->gradient + t->mask + t->weight +
	    t->weight_gradient + t->update;
}

static void
add(struct mbs_traffic *sum, const struct mbs_traffic *t)
{
	sum->activation += t->activation;
	sum->gradient += t->gradient;
	sum->mask += t->mask;
	sum->weight += t->weight;
	sum->weight_gradient += t->weight_gradient;
	sum->update += t->update;
}

/* What the update moves, in weights: gradient, weight and momentum read, weight
 * and momentum written. Groups of the chip share it: each reads of all
 * gradients the part of the weights that it updates. */
static double
update_weights(const struct mbs_plan *p)
{
	return 1 + 4 / (double)p->o->parts;
}

/* Weights of a contraction over `iterations`: read by forward and data
 * gradient, partial sums written each time and read but the first. */
static void
weights(const struct mbs_plan *p, const struct mbs_layer *l,
    int64_t iterations, struct mbs_traffic *t)
{
	double w = l->weight * (double)p->o->elem;
	double s = l->weight * (double)p->o->state, n = (double)iterations;

	t->weight += (l->first ? 1 : 2) * n * w;
	t->weight_gradient += (2 * n - 1) * s;
	t->update += update_weights(p) * s;
}

/* Scale and shift of a norm's channels: read by the forward pass in each of the
 * iterations, the scale by its gradient; what is computed again from the norm's
 * input reads both once more. Sums of their gradients stay on chip. */
static void
norm_parameters(const struct mbs_plan *p, const struct mbs_layer *l,
    int64_t iterations, struct mbs_traffic *t)
{
	double c = l->channels, n = (double)iterations;
	double reads = p->o->variant == MBS_OPTIMAL ? 5 : 3;
	double s = c * (double)p->o->state;

	t->weight += reads * n * c * (double)p->o->elem;
	t->weight_gradient += 2 * s;
	t->update += 2 * update_weights(p) * s;
}

/* Bytes of masks at one bit and of a pool's indices at 4 or 8; masks of
 * dropout, which are made again for the backward pass, have 8. */
static double
kept_bits(const struct mbs_plan *p, const struct mbs_layer *l)
{
	double elems = l->out / (double)p->o->elem;

	if (l->node->op == OP_dropout)
		return 2 * elems;
	return l->kind == MBS_RELU ? elems / 8 :
	    l->kind != MBS_MAX_POOL ? 0 :
	    ad_packs_maxima(l->node) ? elems / 2 : elems;
}

static bool
feeds_in_place(const struct mbs_plan *p, const struct mbs_layer *l)
{
	return p->o->fused && (l->kind == MBS_RELU || l->kind == MBS_MAP);
}

/* One layer with all its tensors in DRAM; I and O of the whole batch. */
static void
plain_layer(const struct mbs_plan *p, const struct mbs_layer *l,
    struct mbs_traffic *t)
{
	double n = (double)p->batch, in = n * l->in, out = n * l->out;

	t->mask += 2 * n * kept_bits(p, l);
	if (feeds_in_place(p, l))
		return;
	switch (l->kind) {
	case MBS_VIEW:
	case MBS_CONCAT: break;
	case MBS_CONV:
		weights(p, l, 1, t);
		/* wgrad reads it again */
		t->activation += 2 * (l->first ? n * l->image : in) + out;
		t->gradient += l->first ? out : 2 * out + in;
		break;
	case MBS_NORM:
		t->activation += (p->o->fused ? 2 : 4) * in + out +
		    2 * n * l->statistics;
		t->gradient += 2 * out + in;
		break;
	case MBS_RELU:
	case MBS_MAP:
	case MBS_MAX_POOL:
	case MBS_AVG_POOL:
		t->activation += in + out;
		t->gradient += out + in;
		break;
	case MBS_ADD:
		t->activation += in + out;
		break;
	}
}

/* Times that layers of u read the result of another unit or of one of their
 * own beyond the first: each sums up one more gradient. */
static double
forks(const struct mbs_plan *p, const struct mbs_unit *u)
{
	double sum = 0;

	for (size_t i = u->first; i < u->first + u->count; i++) {
		const struct mbs_layer *l = &p->layers.data[i];

		for (int k = 0; k < l->node->nin; k++) {
			const struct value *v = l->node->in[k];
			size_t uses = v != NULL ? v->uses.len : 0;

			if (v != NULL && v->kind == VALUE_NODE && uses > 1 &&
			    v->uses.data[0].node == l->node)
				sum += (double)(uses - 1) *
				    (double)type_elems(&v->type) /
				    (double)p->o->parts *
				    (double)p->o->elem;
		}
	}
	return sum;
}

struct mbs_traffic
mbs_unit_plain(const struct mbs_plan *p, const struct mbs_unit *u)
{
	struct mbs_traffic t = {0};

	for (size_t i = u->first; i < u->first + u->count; i++) {
		const struct mbs_layer *l = &p->layers.data[i];
		struct mbs_traffic one = {0}, spared = {0};

		plain_layer(p, l, &one);
		if (p->o->variant == MBS_IL)
			spared = mbs_run_spares(p, l);
		one.activation -= spared.activation;
		one.gradient -= spared.gradient;
		add(&t, &one);
	}
	t.gradient += 3 * forks(p, u);
	return t;
}

/* How often a branch that ends with v reads its gradient: a norm for its sums
 * and for what it passes on, also through the activation behind it; nothing
 * that has other readers, whose gradients are added up. */
static double
branch_reads(const struct value *v)
{
	const struct node *n = v->kind == VALUE_NODE ? v->def : NULL;

	/* parts of a concatenation within another read theirs */
	if (n == NULL || v->uses.len > 1 || n->op == OP_concat)
		return 0;
	if (n->op == OP_relu && n->in[0]->kind == VALUE_NODE)
		n = n->in[0]->def;
	return mbs_is_group_norm(n) ? 2 : 1;
}

/* Bytes of the operands of l as often as their branches read the gradient. */
static double
gradient_parts(const struct mbs_plan *p, const struct mbs_layer *l)
{
	double sum = 0;

	for (int i = 0; i < l->node->nin; i++) {
		const struct value *v = l->node->in[i];

		if (v != NULL)
			sum += branch_reads(v) *
			    (double)type_elems(&v->type) /
			    (double)p->o->parts * (double)p->o->elem;
	}
	return sum;
}

/* Whether l is a concatenation within another: what its branches make goes
 * straight to that. */
/* Whether a mean over whole images alone reads v, or what it is a part of: its
 * gradient is one element of each channel. */
static bool
is_averaged(const struct value *v)
{
	const struct node *u = v->uses.len == 1 ? v->uses.data[0].node : NULL;

	if (u != NULL && u->op == OP_concat)
		return is_averaged(u->out[0]);
	return u != NULL && v->type.rank > 2 && u->nout == 1 &&
	    (u->op == OP_reduce_mean || u->op == OP_reduce_sum) &&
	    type_elems(&u->out[0]->type) ==
	    v->type.dim[0] * v->type.dim[1];
}

static bool
is_part(const struct mbs_layer *l)
{
	const struct value *v = l->node->out[0];

	return v->uses.len == 1 && v->uses.data[0].node->op == OP_concat;
}

/* What branches of a module cost that do not share what is on chip: the input
 * read again, partial gradients and one operand of each add written and
 * read, concatenations through DRAM. */
static double
apart(const struct mbs_plan *p, const struct mbs_unit *u)
{
	double n = (double)p->batch, sum = 3 * forks(p, u);

	for (size_t i = u->first; i < u->first + u->count; i++) {
		const struct mbs_layer *l = &p->layers.data[i];

		if (l->kind == MBS_ADD)
			sum += (2 + 1) * n * l->out + /* operand; dO */
			    gradient_parts(p, l);
		else if (l->kind == MBS_CONCAT)
			sum += (is_part(l) ? 0 : 2 * n * l->out) +
			    (is_averaged(l->node->out[0]) ? 0 :
			    gradient_parts(p, l));
	}
	return sum;
}

/* As weights, with what computing again reads. */
static void
grouped_weights(const struct mbs_plan *p, const struct mbs_layer *l,
    int64_t iterations, bool again, struct mbs_traffic *t)
{
	weights(p, l, iterations, t);
	if (again && l->again)
		t->weight += (double)iterations * l->weight *
		    (double)p->o->elem;
}

/* again: as the plan has it, convolutions are computed again. */
static struct mbs_traffic
grouped(const struct mbs_plan *p, const struct mbs_unit *u,
    int64_t iterations, bool again)
{
	struct mbs_traffic t = {0};
	double n = (double)p->batch, stored = u->saved;

	for (size_t i = u->first; i < u->first + u->count; i++) {
		const struct mbs_layer *l = &p->layers.data[i];

		t.mask += 2 * n * kept_bits(p, l);
		t.activation += 2 * n * l->statistics;
		norm_parameters(p, l, iterations, &t);
		if (l->kind != MBS_CONV)
			continue;
		grouped_weights(p, l, iterations, again, &t);
		if (l->first) /* the network's input, forward and backward */
			t.activation += (again && l->again ? 3 : 2) * n *
			    l->image;
	}
	if (p->o->variant == MBS_OPTIMAL)
		stored -= u->rebuilt + (again ? u->again : 0);
	t.activation += 2 * n * stored;
	if (p->o->variant == MBS_1)
		t.activation += apart(p, u);
	return t;
}

struct mbs_traffic
mbs_unit_grouped(const struct mbs_plan *p, const struct mbs_unit *u,
    int64_t iterations)
{
	return grouped(p, u, iterations, true);
}

double
mbs_boundary(const struct mbs_plan *p, const struct mbs_unit *u)
{
	return (double)p->batch * u->boundary * (u->boundary_saved ? 3 : 4);
}

struct mbs_traffic
mbs_plan_traffic(const struct mbs_plan *p)
{
	struct mbs_traffic t = {0};

	for (size_t i = 0; i < p->units.len; i++) {
		const struct mbs_unit *u = &p->units.data[i];
		struct mbs_traffic one;

		if (u->group == 0)
			one = mbs_unit_plain(p, u);
		else
			one = mbs_unit_grouped(p, u,
			    p->groups.data[u->group - 1].iterations);
		add(&t, &one);
		if (i + 1 < p->units.len && u->group > 0 &&
		    p->units.data[i + 1].group != u->group)
			t.activation += mbs_boundary(p, u);
	}
	return t;
}

struct mbs_traffic
mbs_plan_fixed(const struct mbs_plan *p)
{
	struct mbs_traffic t = mbs_plan_traffic(p);

	for (size_t i = 0; i < p->units.len; i++) {
		const struct mbs_unit *u = &p->units.data[i];
		struct mbs_traffic w = {0};

		for (size_t k = u->first; k < u->first + u->count &&
		     u->group > 0; k++)
			if (p->layers.data[k].kind == MBS_CONV)
				grouped_weights(p, &p->layers.data[k],
				    p->groups.data[u->group - 1].iterations,
				    true, &w);
		t.weight -= w.weight;
		t.weight_gradient -= w.weight_gradient;
	}
	return t;
}

double
mbs_lower_bound(const struct mbs_plan *p)
{
	double sum = 0;

	for (size_t i = 0; i < p->units.len; i++) {
		struct mbs_traffic t = grouped(p, &p->units.data[i], 1,
		    false);

		sum += mbs_total(&t);
	}
	return sum;
}
