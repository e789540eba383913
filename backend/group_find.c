/* Layer groups: which values the batch divides, and in which order the nodes
 * of a group are lowered. */
#include "backend/group.h"

#include <string.h>

#include "backend/place.h"

/* ---- what the batch divides ---- */

static bool
may_hold_batch(const struct schedule *s, const struct tensor_type *t)
{
	return s->batch > 0 && t->rank > 0 && t->dim[0] > 0 &&
	    t->dim[0] % s->batch == 0;
}

static bool
is_split(const struct schedule *s, const struct node *n, int i)
{
	return i < n->nin && n->in[i] != NULL && s->split[n->in[i]->id];
}

static bool
reduces_first(const struct node *n)
{
	size_t len;
	if (n->op == OP_argmax || n->op == OP_argmin)
		return node_int(n, ATTR_axis) == 0;
	const int64_t *axes = node_ints(n, ATTR_axes, &len);
	for (size_t i = 0; i < len; i++)
		if (axes[i] == 0)
			return true;
	return len == 0;
}

/* NULL, or why the samples of n's result cannot be computed one by one. */
static const char *
matrix_part(const struct schedule *s, const struct node *n,
    enum batch_part *part)
{
	bool a = is_split(s, n, 0), b = is_split(s, n, 1);
	if (n->op == OP_conv_wgrad) {
		*part = PART_SUM;
		return a && b ? NULL : "one operand is the same for all "
		    "samples";
	}
	if (n->op == OP_matmul && n->in[0]->type.rank == 2 &&
	    node_int(n, ATTR_trans_a)) {
		*part = PART_SUM;
		if (!a || !b || n->nin > 2 || node_int(n, ATTR_trans_b) ||
		    node_int(n, ATTR_act) != ACT_NONE)
			return "it is no plain sum over the batch";
		return NULL;
	}
	if (!a)
		return "only its second operand has a batch";
	if (b && n->in[1]->type.rank < 3)
		return "weights depend on the batch";
	return NULL;
}

static const char *
move_part(const struct node *n)
{
	const struct tensor_type *x = &n->in[0]->type;
	const struct tensor_type *y = &n->out[0]->type;
	size_t len;
	switch ((int)n->op) {
	case OP_transpose:
		return node_ints(n, ATTR_perm, &len)[0] == 0 ? NULL :
		    "the batch moves to another dimension";
	case OP_concat:
	case OP_gather:
	case OP_scatter_add:
		return node_int(n, ATTR_axis) != 0 ? NULL :
		    "it works along the batch";
	case OP_reshape:
		return NULL;
	default:
		return y->rank == x->rank && y->dim[0] == x->dim[0] ? NULL :
		    "it changes the batch";
	}
}

static const char *
map_part(const struct schedule *s, const struct node *n)
{
	const struct tensor_type *y = &n->out[0]->type;
	for (int i = 0; i < n->nin; i++) {
		const struct tensor_type *x = &n->in[i]->type;
		if (is_split(s, n, i) && n->op != OP_random_bits &&
		    (x->rank != y->rank || x->dim[0] != y->dim[0]))
			return "the batch of an operand is spread over "
			    "another dimension";
	}
	return NULL;
}

static const char *
node_part(const struct schedule *s, const struct node *n,
    enum batch_part *part)
{
	bool any = false;
	*part = PART_WHOLE;
	for (int i = 0; i < n->nin; i++)
		any = any || is_split(s, n, i);
	if (n->op == OP_random_bits)
		any = may_hold_batch(s, &n->out[0]->type);
	if (!any)
		return NULL;
	*part = PART_SPLIT;
	const char *why = NULL;
	switch (op_info(n->op)->lowering) {
	case LOWER_MATRIX:
		why = matrix_part(s, n, part);
		break;
	case LOWER_MOVE:
		why = move_part(n);
		break;
	case LOWER_REDUCE:
		if (!reduces_first(n))
			break;
		*part = PART_SUM;
		if (n->op != OP_reduce_sum ||
		    !dtype_is_float(n->out[0]->type.dtype) ||
		    n->out[0]->type.dtype == DT_F64)
			why = "it reduces the batch to something else than a "
			    "sum";
		break;
	case LOWER_MAP:
		why = map_part(s, n);
		break;
	default:
		break;
	}
	if (why == NULL && *part == PART_SPLIT)
		for (int i = 0; i < n->nout; i++)
			if (n->out[i] != NULL &&
			    !may_hold_batch(s, &n->out[i]->type))
				why = "its result has no batch";
	return why;
}

/* Operands without a batch of their own that are read sample by sample: a
 * constant table, say, or what another dimension became. */
static void
mark_operands(struct schedule *s, const struct node *n)
{
	const struct tensor_type *y = &n->out[0]->type;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		bool plain = op_info(n->op)->lowering == LOWER_MAP ||
		    n->op == OP_concat ||
		    (op_info(n->op)->lowering == LOWER_MATRIX && i == 3);
		if (v != NULL && plain && v->type.rank == y->rank &&
		    v->type.dim[0] == y->dim[0] && y->dim[0] > 1)
			s->split[v->id] = true;
	}
}

static bool
classify(struct lower *lw, const struct node *n)
{
	struct schedule *s = lw->sched;
	const char *why = node_part(s, n, &s->part[n->id]);
	if (why != NULL && n->group > 0) {
		diag_error(lw->diag, &n->loc, "layer group %u: '%s' cannot "
		    "run on a part of the batch: %s", n->group - 1,
		    op_info(n->op)->name, why);
		return false;
	}
	if (why != NULL)
		s->part[n->id] = PART_WHOLE;
	if (s->part[n->id] != PART_SPLIT)
		return true;
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL)
			s->split[n->out[i]->id] = true;
	mark_operands(s, n);
	return true;
}

/* ---- regions ---- */

static bool
same_run(const struct node *a, const struct node *b)
{
	const char *p = a->phase != NULL ? a->phase : "forward";
	const char *q = b->phase != NULL ? b->phase : "forward";
	return a->group == b->group && strcmp(p, q) == 0;
}

/* 0, 1, 2: before the loop, in it, after it; by what it reads. */
static int
stage_of(const struct schedule *s, const uint8_t *stage, const struct node *n)
{
	int at = s->part[n->id] == PART_WHOLE ? 0 : 1;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		if (v == NULL || v->kind != VALUE_NODE ||
		    stage[v->def->id] == 0)
			continue;
		int from = stage[v->def->id] - 1;
		/* a sum is there when the loop is done */
		if (from == 2 || s->part[v->def->id] == PART_SUM)
			return 2;
		if (from > at)
			at = from;
	}
	return at;
}

static bool
find_region(struct lower *lw, const struct node *first,
    const struct node *stop, struct region *r, uint8_t *stage)
{
	struct schedule *s = lw->sched;
	const struct node *n;
	for (n = first; n != stop; n = n->next) {
		int at = stage_of(s, stage, n);
		if (at == 2 && s->part[n->id] != PART_WHOLE) {
			diag_error(lw->diag, &n->loc, "layer group %u: '%s' "
			    "needs a sum over the whole batch of its own "
			    "group", r->group, op_info(n->op)->name);
			return false;
		}
		stage[n->id] = (uint8_t)(at + 1);
	}
	for (int at = 0; at < 3; at++) {
		if (at == 1)
			r->loop = s->n;
		if (at == 2)
			r->after = s->n;
		for (n = first; n != stop; n = n->next) {
			if (stage[n->id] != at + 1)
				continue;
			s->region[s->n] = r;
			s->node[s->n++] = n;
		}
	}
	r->end = s->n;
	/* outside of it they are as any other value */
	for (n = first; n != stop; n = n->next)
		stage[n->id] = 0;
	return true;
}

static bool
check_group(struct lower *lw, const struct node *n, struct region *r)
{
	const struct graph *g = lw->g;
	if (n->group > g->groups.len) {
		diag_error(lw->diag, &n->loc, "there is no layer group %u",
		    n->group - 1);
		return false;
	}
	r->wanted = g->groups.data[n->group - 1].sub_batch;
	r->free = g->free_groups;
	if (r->wanted >= 1 && lw->sched->batch > 0)
		return true;
	diag_error(lw->diag, &n->loc, "layer group %u: a sub-batch of %lld "
	    "of %lld samples", n->group - 1, (long long)r->wanted,
	    (long long)lw->sched->batch);
	return false;
}

/* The node behind the run that n starts. */
static const struct node *
run_end(const struct node *first)
{
	const struct node *n = first;
	while (n != NULL && same_run(first, n))
		n = n->next;
	return n;
}

static bool
order_nodes(struct lower *lw)
{
	struct schedule *s = lw->sched;
	uint8_t *stage = NEW_ARRAY(lw->arena, uint8_t, lw->g->nnodes + 1);
	for (const struct node *n = lw->g->first; n != NULL;) {
		const struct node *stop = n->group == 0 ?
		    group_sweep(lw, n) : run_end(n);
		if (stop == NULL && n->group == 0) {
			s->node[s->n++] = n;
			n = n->next;
			continue;
		}
		struct region *r = NEW(lw->arena, struct region);
		r->sweep = n->group == 0;
		r->group = n->group - 1;
		r->phase = n->phase != NULL ? n->phase : "forward";
		r->first = s->n;
		r->wanted = (s->batch + 3) / 4;
		if ((!r->sweep && !check_group(lw, n, r)) ||
		    !find_region(lw, n, stop, r, stage))
			return false;
		if (!r->sweep) {
			group_sink(lw, r);
			group_defer(lw, r);
			group_wide(lw, r);
		}
		if (r->wanted > s->batch)
			r->wanted = s->batch;
		n = stop;
	}
	return true;
}

/* The samples: the first dimension of the first input that has one. */
static int64_t
batch_of(const struct graph *g)
{
	for (size_t i = 0; i < g->inputs.len; i++)
		if (g->inputs.data[i]->type.rank > 0)
			return g->inputs.data[i]->type.dim[0];
	return 0;
}

bool
group_find(struct lower *lw)
{
	const struct graph *g = lw->g;
	struct schedule *s = NEW(lw->arena, struct schedule);
	lw->sched = s;
	s->node = NEW_ARRAY(lw->arena, const struct node *, g->nnodes + 1);
	s->region = NEW_ARRAY(lw->arena, struct region *, g->nnodes + 1);
	s->split = NEW_ARRAY(lw->arena, bool, g->nvalues + 1);
	s->part = NEW_ARRAY(lw->arena, enum batch_part, g->nnodes + 1);
	bool grouped = false;
	s->train = graph_trains(g);
	graph_foreach_node(g, n)
		grouped = grouped || n->group > 0;
	if (!s->train && !grouped) {
		graph_foreach_node(g, n)
			s->node[s->n++] = n;
		return true;
	}
	s->batch = batch_of(g);
	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct value *v = g->inputs.data[i];
		s->split[v->id] = v->type.rank > 0 && s->batch > 0 &&
		    v->type.dim[0] == s->batch;
	}
	graph_foreach_node(g, n)
		if (!classify(lw, n))
			return false;
	return order_nodes(lw);
}

void
group_number(struct lower *lw, const struct region *r)
{
	for (uint32_t i = r->loop; i < r->after; i++)
		lw->res->index[lw->sched->node[i]->id] = i;
}

struct region *
group_loop_at(const struct lower *lw, int64_t at)
{
	const struct schedule *s = lw->sched;
	if (at < 0 || at >= (int64_t)s->n || s->region[at] == NULL)
		return NULL;
	struct region *r = s->region[at];
	return at >= (int64_t)r->loop && at < (int64_t)r->after ? r : NULL;
}
