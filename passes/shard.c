#include "passes/shard.h"

#include <string.h>

#include "passes/rewrite.h"
#include "passes/shard_rules.h"

/* Nodes are copied in their order, but for what follows from sums over the
 * batch and for the update: that waits until a node which the batch divides
 * needs it, or for the end, so that groups meet as seldom as possible. */

/* ---- values ---- */

static struct value *
gather(struct shard *s, struct value *v)
{
	struct attr a = attr_make_int(ATTR_size, s->parts);

	v = build_op(s->to, OP_group_gather, &v, 1, &a, 1, DT_NONE, NULL);
	v->def->phase = s->phase;
	v->common = true;
	return v;
}

/* This group's part of v, before the node `at` (NULL: at the end). */
static struct value *
part_at(struct shard *s, struct value *v, struct node *at)
{
	struct attr a = attr_make_int(ATTR_size, s->parts);

	v = build_op(s->to, OP_group_part, &v, 1, &a, 1, DT_NONE, at);
	v->def->phase = s->phase;
	v->def->group = 0;
	return v;
}

static struct value *
part(struct shard *s, struct value *v)
{
	return part_at(s, v, NULL);
}

static struct value *
reshape(struct shard *s, struct value *v, const struct tensor_type *like)
{
	v = mk_reshape(s->to, v, like->rank, like->dim, NULL);
	v->def->phase = s->phase;
	v->common = true;
	return v;
}

/* What group i gave to the gathered value v, with the shape of like. */
static struct value *
given(struct shard *s, struct value *v, int i, const struct tensor_type *like)
{
	int64_t start[MAX_RANK] = {0}, step[MAX_RANK], size[MAX_RANK];

	for (int d = 0; d < v->type.rank; d++) {
		step[d] = 1;
		size[d] = v->type.dim[d];
	}
	size[0] = 1;
	start[0] = i;
	v = mk_slice(s->to, v, start, step, size, NULL);
	v->def->phase = s->phase;
	v->common = true;
	return reshape(s, v, like);
}

/* The sum over the groups in their order, whole or this group's part. */
static struct value *
combine(struct shard *s, const struct value *v, bool whole)
{
	const struct held *h = &s->held[v->id];
	struct value *sum = NULL;
	enum dtype t = h->combine != OP_add ||
	    !dtype_is_float(v->type.dtype) || v->type.dtype == DT_F64 ?
	    DT_NONE : DT_F32;

	for (int i = 0; i < s->parts; i++) {
		struct value *x = given(s, h->gathered, i, &v->type);

		if (!whole)
			x = part(s, x);
		if (sum == NULL) {
			sum = x;
			continue;
		}
		sum = build_binary(s->to, h->combine, sum, x, t, NULL);
		sum->def->phase = s->phase;
		sum->def->loc = v->def->loc;
		sum->common = whole;
	}
	return sum;
}

static bool
is_summed(const struct held *h)
{
	return h->combine != OP_NONE;
}

struct value *
shard_whole(struct shard *s, const struct value *v)
{
	struct held *h = &s->held[v->id];

	if (h->whole == NULL && is_summed(h))
		h->whole = combine(s, v, true);
	if (h->whole == NULL && h->share != NULL)
		h->whole = reshape(s, gather(s, h->share), &v->type);
	return h->whole;
}

struct value *
shard_share(struct shard *s, const struct value *v)
{
	struct held *h = &s->held[v->id];

	if (h->share == NULL && is_summed(h))
		h->share = combine(s, v, false);
	if (h->share == NULL && h->whole != NULL)
		h->share = part(s, h->whole);
	return h->share;
}

bool
shard_split(const struct shard *s, const struct value *v)
{
	const struct held *h = &s->held[v->id];

	return h->share != NULL && h->whole == NULL && !is_summed(h);
}

static bool
divisible(const struct shard *s, const struct tensor_type *t)
{
	return t->rank > 0 && t->dim[0] > 0 && t->dim[0] % s->parts == 0;
}

/* ---- leaves ---- */

static void
copy_leaf(struct shard *s, const struct value *v)
{
	struct held *h = &s->held[v->id];

	if (h->whole != NULL || v->kind == VALUE_NODE ||
	    v->kind == VALUE_INPUT)
		return;
	h->whole = v->kind == VALUE_STATE ?
	    graph_state(s->to, v->name, &v->type, v->data, v->trainable) :
	    graph_const(s->to, v->name, &v->type, v->data);
	h->whole->loc = v->loc;
	h->whole->common = true;
}

/* Scalars are the same for all groups, other inputs are divided. */
static bool
copy_inputs(struct shard *s)
{
	bool any = false;

	for (size_t i = 0; i < s->from->inputs.len; i++) {
		const struct value *v = s->from->inputs.data[i];
		struct tensor_type t = v->type;
		struct value *w;

		if (t.rank > 0 && !divisible(s, &t)) {
			s->why = arena_printf(s->arena, "input '%s' has a "
			    "first dimension that %d does not divide",
			    v->name, s->parts);
			return false;
		}
		if (t.rank > 0)
			t.dim[0] /= s->parts;
		w = graph_input(s->to, v->name, &t);
		w->loc = v->loc;
		w->common = t.rank == 0;
		*(t.rank > 0 ? &s->held[v->id].share :
		    &s->held[v->id].whole) = w;
		any = any || t.rank > 0;
	}
	return any;
}

/* ---- nodes ---- */

/* Attributes that spell the first extent are divided with it. */
static struct attr *
share_attrs(struct shard *s, const struct node *n)
{
	struct attr *at = arena_memdup(s->arena, n->attrs,
	    (size_t)n->nattrs * sizeof *at);
	for (int i = 0; i < n->nattrs; i++) {
		if (at[i].id != ATTR_shape && at[i].id != ATTR_sizes)
			continue;
		int64_t *v = arena_memdup(s->arena, at[i].ints,
		    at[i].n * sizeof *v);
		v[0] /= s->parts;
		at[i].ints = v;
	}
	return at;
}

static void
hold(struct shard *s, const struct value *v, struct value *c,
    enum shard_rule rule, enum op combine_by)
{
	struct held *h = &s->held[v->id];

	c->keep = v->keep;
	c->loc = v->loc;
	c->common = rule == SHARD_WHOLE;
	if (rule == SHARD_WHOLE) {
		h->whole = c;
		return;
	}
	h->share = c;
	if (rule == SHARD_SPLIT)
		return;
	h->combine = combine_by;
	h->partial = c;
	h->share = NULL;
	VEC_PUSH(s->arena, &s->pending, v);
}

/* The operands of n's copy; false where one cannot be shared. */
static bool
operands(struct shard *s, const struct node *n, const struct shard_use *use,
    struct value **in)
{
	for (int i = 0; i < n->nin; i++) {
		int k = i < SHARD_OPERANDS ? i : SHARD_OPERANDS - 1;
		const struct value *v = n->in[i];

		if (v == NULL)
			continue;
		if (use[k].share && !divisible(s, &v->type))
			return shard_refuse(s, n, "an operand broadcasts "
			    "along the batch");
		in[i] = use[k].share ? shard_share(s, v) :
		    shard_whole(s, v);
	}
	return true;
}

/* Random numbers for the batch: a group needs those of its part. */
static bool
is_noise(const struct shard *s, const struct node *n)
{
	const struct value *v = n->out[0];
	const struct graph *g = s->from;

	return n->op == OP_random_bits && divisible(s, &v->type) &&
	    g->inputs.len > 0 && g->inputs.data[0]->type.rank > 0 &&
	    g->inputs.data[0]->type.dim[0] == v->type.dim[0];
}

/* The first copy of the layer group that n belongs to: what is the same for all
 * groups of the chip goes before it, as in between it would divide it. */
static struct node *
group_start(const struct shard *s, const struct node *n)
{
	struct node *r = s->run;

	return r != NULL && n->group > 0 && !s->waiting &&
	    r->group == n->group && strcmp(r->phase, n->phase) == 0 ? r : NULL;
}

static void
follow_run(struct shard *s, struct node *c)
{
	const struct node *r = s->run;

	if (r == NULL || r->group != c->group ||
	    strcmp(r->phase, c->phase) != 0)
		s->run = c;
}

static bool
copy_node(struct shard *s, const struct node *n)
{
	struct shard_use use[SHARD_OPERANDS];
	enum op combine_by = OP_NONE;
	enum shard_rule rule;
	struct value **in = NEW_ARRAY(s->arena, struct value *,
	    (size_t)n->nin + 1);
	struct diag quiet = {0};
	bool noise = is_noise(s, n);
	struct node *c;

	s->phase = n->phase;
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL)
			copy_leaf(s, n->in[i]);
	if (!shard_rule(s, n, use, &rule, &combine_by) ||
	    !operands(s, n, use, in))
		return false;
	struct node_spec spec = {.op = n->op, .in = in, .nin = n->nin,
	    .nout = n->nout, .nattrs = n->nattrs, .loc = n->loc,
	    .name = n->out[0]->name,
	    .attrs = rule == SHARD_SPLIT ? share_attrs(s, n) : n->attrs,
	    .out_dtype = n->out[0]->type.dtype};
	if (noise)
		spec.before = group_start(s, n);
	c = graph_add(s->to, &quiet, &spec);
	if (c == NULL)
		return shard_refuse(s, n, "its share has no valid shape");
	c->phase = n->phase;
	c->group = s->waiting || noise ? 0 : n->group;
	if (noise) {
		s->held[n->out[0]->id].share = part_at(s, c->out[0],
		    spec.before);
		return true;
	}
	follow_run(s, c);
	for (int i = 0; i < n->nout; i++) {
		if (n->out[i] == NULL)
			continue;
		if (type_elems(&c->out[i]->type) *
		    (rule == SHARD_SPLIT ? s->parts : 1) !=
		    type_elems(&n->out[i]->type))
			return shard_refuse(s, n, "its share has another "
			    "size");
		hold(s, n->out[i], c->out[i], rule, combine_by);
	}
	return true;
}

/* ---- order ---- */

/* Partial sums that were computed since go to all groups. */
static void
meet(struct shard *s)
{
	for (size_t i = 0; i < s->pending.len; i++) {
		const struct value *v = s->pending.data[i];
		struct held *h = &s->held[v->id];

		s->phase = v->def->phase;
		h->gathered = gather(s, h->partial);
		h->gathered->def->loc = v->def->loc;
	}
	s->pending.len = 0;
}

/* Whether n cannot be copied yet. */
static bool
is_late(const struct shard *s, const struct node *n)
{
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		const struct held *h = v != NULL ? &s->held[v->id] : NULL;

		if (h != NULL && v->kind == VALUE_NODE && (is_summed(h) ?
		    h->gathered == NULL : h->whole == NULL &&
		    h->share == NULL))
			return true;
	}
	return false;
}

static bool
is_update(const struct node *n)
{
	return strcmp(n->phase, "update") == 0;
}

/* Copies what can be copied of the nodes in the waiting list: the update
 * only at the end. */
static bool
copy_waiting(struct shard *s, bool update)
{
	size_t left = 0;
	bool ok = true;

	s->waiting = true;
	for (size_t i = 0; i < s->list.len; i++) {
		const struct node *n = s->list.data[i];

		if (!ok || is_late(s, n) || (is_update(n) && !update))
			s->list.data[left++] = n;
		else
			ok = copy_node(s, n);
	}
	s->waiting = false;
	s->list.len = left;
	return ok;
}

static bool
reads_split(const struct shard *s, const struct node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && shard_split(s, n->in[i]))
			return true;
	return false;
}

static bool
copy_nodes(struct shard *s)
{
	for (const struct node *n = s->from->first; n != NULL; n = n->next) {
		if (is_update(n) || (is_late(s, n) && !reads_split(s, n))) {
			VEC_PUSH(s->arena, &s->list, n);
			continue;
		}
		if (is_late(s, n)) {
			meet(s);
			if (!copy_waiting(s, false))
				return false;
		}
		if (is_late(s, n))
			return shard_refuse(s, n, "it follows from the "
			    "update");
		if (!copy_node(s, n))
			return false;
	}
	s->last_read = s->to->nnodes;
	while (s->list.len > 0 || s->pending.len > 0) {
		size_t before = s->list.len + s->pending.len;

		meet(s);
		if (!copy_waiting(s, true))
			return false;
		if (s->list.len + s->pending.len == before)
			return shard_refuse(s, s->list.data[0],
			    "it follows from itself");
	}
	return true;
}

/* ---- ends ---- */

static void
copy_outputs(struct shard *s)
{
	for (size_t i = 0; i < s->from->outputs.len; i++) {
		const struct value *v = s->from->outputs.data[i];

		copy_leaf(s, v);
		graph_output(s->to, shard_split(s, v) ?
		    s->held[v->id].share : shard_whole(s, v),
		    s->from->output_names.data[i]);
	}
}

/* Whether other groups may still read all of the state when this one has its
 * part of the new value: nothing orders that. */
static bool
read_late(struct shard *s, const struct value *state)
{
	/* only what came since the last call: assignments add gathers */
	for (const struct node *n = s->scanned == NULL ? s->to->first :
	    s->scanned->next; n != NULL; n = n->next) {
		s->gathers = s->gathers || (n->op == OP_group_gather &&
		    n->id >= s->last_read);
		s->scanned = n;
	}
	if (!s->gathers)
		return true;
	for (size_t i = 0; i < state->uses.len; i++) {
		const struct node *n = state->uses.data[i].node;

		if (n->id >= s->last_read && n->op != OP_group_part)
			return true;
	}
	return false;
}

static void
copy_assigns(struct shard *s)
{
	s->phase = "update";
	for (size_t i = 0; i < s->from->assigns.len; i++) {
		const struct assign *a = &s->from->assigns.data[i];
		struct value *state;

		copy_leaf(s, a->state);
		copy_leaf(s, a->to);
		state = s->held[a->state->id].whole;
		graph_assign(s->to, state, shard_split(s, a->to) &&
		    !read_late(s, state) ? s->held[a->to->id].share :
		    shard_whole(s, a->to));
	}
}

struct graph *
graph_shard(struct arena *a, const struct graph *g, int parts,
    const char **why)
{
	struct shard s = {.arena = a, .from = g, .parts = parts};
	bool ok;

	s.why = "it has no inputs";
	s.to = graph_new(a, g->name);
	s.to->source = g->source;
	s.to->groups = g->groups;
	s.to->free_groups = g->free_groups;
	s.held = NEW_ARRAY(a, struct held, g->nvalues + 1);
	s.trains = graph_trains(g);
	ok = copy_inputs(&s);
	for (size_t i = 0; i < g->states.len; i++)
		copy_leaf(&s, g->states.data[i]);
	ok = ok && copy_nodes(&s);
	if (ok) {
		copy_outputs(&s);
		copy_assigns(&s);
	}
	*why = s.why;
	return ok ? s.to : NULL;
}
