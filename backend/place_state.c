/* Values of a training step: the layout of weights, what states become, and
 * when. */
#include "backend/group.h"
#include "backend/place.h"

#include <string.h>

#include "backend/weights.h"

/* Weights of convolutions: taps, input channels, output channels innermost, so
 * that rows k of some columns are a rectangle. */
struct place
place_weight(enum dtype t, int rank, const int64_t *dim)
{
	struct place pl = {0};
	int64_t step = (int64_t)dtype_size(t);
	pl.dtype = t;
	pl.rank = rank;
	for (int i = 0; i < rank; i++) {
		int a = i < 2 ? i : rank + 1 - i;
		pl.dim[a] = dim[a];
		pl.stride[a] = step;
		step *= dim[a];
	}
	return pl;
}

/* ---- weights ---- */

static bool
mark_weight(struct lower *lw, const struct value *v)
{
	struct info *in = &lw->res->info[v->id];
	if (in->weight || v->kind == VALUE_INPUT || v->type.rank < 3 ||
	    type_elems(&v->type) == 0 ||
	    (v->kind == VALUE_NODE && value_is_output(lw->g, v)))
		return false;
	in->weight = true;
	return true;
}

static bool
is_weight(const struct lower *lw, const struct value *v)
{
	return lw->res->info[v->id].weight;
}

/* One step of spreading the layout over element-wise ops. */
static bool
spread_weight(struct lower *lw, const struct node *n)
{
	bool any = is_weight(lw, n->out[0]), changed = false;
	for (int i = 0; i < n->nin; i++)
		any = any || (n->in[i] != NULL && is_weight(lw, n->in[i]) &&
		    shape_equal(&n->in[i]->type, &n->out[0]->type));
	if (!any)
		return false;
	changed = mark_weight(lw, n->out[0]);
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL &&
		    shape_equal(&n->in[i]->type, &n->out[0]->type))
			changed = mark_weight(lw, n->in[i]) || changed;
	return changed;
}

/* Weights of convolutions, their gradients and what an optimizer keeps of
 * them have one layout. */
void
place_find_weights(struct lower *lw)
{
	bool again = true;
	graph_foreach_node(lw->g, n) {
		if ((n->op == OP_conv || n->op == OP_conv_transpose) &&
		    n->in[1]->kind != VALUE_CONST)
			mark_weight(lw, n->in[1]);
		else if (n->op == OP_conv_wgrad)
			mark_weight(lw, n->out[0]);
	}
	while (again) {
		again = false;
		graph_foreach_node(lw->g, n)
			if (op_info(n->op)->lowering == LOWER_MAP)
				again = spread_weight(lw, n) || again;
		for (size_t i = 0; i < lw->g->assigns.len; i++) {
			const struct assign *s = &lw->g->assigns.data[i];
			if (is_weight(lw, s->to))
				again = mark_weight(lw, s->state) || again;
			if (is_weight(lw, s->state))
				again = mark_weight(lw, s->to) || again;
		}
	}
}

static bool
all_zero(const struct value *v)
{
	const char *p = v->data;
	int64_t n = type_bytes(&v->type);
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, (size_t)n - 1) == 0);
}

/* Contents of a constant or state in the order of its place. NULL for a state
 * of zeros: memory holds them from the start, and the object need not. */
const void *
place_data(struct lower *lw, const struct info *in)
{
	const struct value *v = in->v;
	const struct tensor_type *t = &v->type;
	if (v->data == NULL || (v->kind == VALUE_STATE && all_zero(v)))
		return NULL;
	if (!in->weight)
		return v->data;
	struct weight_order o = {.v = v, .tap = {1, 1, 1}, .ci = t->dim[1],
	    .groups = 1, .co = t->dim[0]};
	int64_t step = 1;
	for (int a = 2, i = t->rank - 1; i >= 2; i--, a--) {
		o.tap[a] = t->dim[i];
		o.stride_tap[a] = step;
		step *= t->dim[i];
	}
	o.stride_ci = step;
	o.stride_co = step * t->dim[1];
	return weights_reorder(lw->weights, &o);
}

/* ---- assignments ---- */

static int64_t
last_touch(const struct info *in)
{
	return in->first > in->last ? -1 : in->last;
}

/* Whether n, with what it computes of its operands, reads the state only
 * element by element where it writes. */
static bool
reads_in_place(struct lower *lw, const struct node *n, const struct place *y,
    const struct value *state)
{
	if (op_info(n->op)->lowering != LOWER_MAP || n->op == OP_mask_pack ||
	    n->op == OP_mask_select)
		return false;
	for (int i = 0; i < n->nin; i++) {
		if (n->in[i] == NULL)
			continue;
		if (lw->res->info[n->in[i]->id].inlined) {
			if (!reads_in_place(lw, n->in[i]->def, y, state))
				return false;
			continue;
		}
		struct info *x = place_resolve(lw, n->in[i]);
		if (x->root == state && (!place_same(&x->rel, y) ||
		    !shape_equal(&n->in[i]->type, &n->out[0]->type)))
			return false;
	}
	return true;
}

/* Whether some reader sees the memory of v. */
static bool
has_views(const struct value *v)
{
	for (size_t i = 0; i < v->uses.len; i++)
		if (op_info(v->uses.data[i].node->op)->lowering ==
		    LOWER_MOVE || v->uses.data[i].node->op == OP_identity ||
		    v->uses.data[i].node->op == OP_cast)
			return true;
	return false;
}

/* Lets the new value of assignment i be computed in the state's own memory,
 * where nothing reads the old one any more. */
static void
claim_state(struct lower *lw, size_t i)
{
	const struct assign *s = &lw->g->assigns.data[i];
	struct info *to = place_resolve(lw, s->to);
	struct info *st = place_root(lw, s->state);
	int64_t last = last_touch(st);
	bool part = place_assigns_part(lw, i);
	struct place at = part ? place_part(lw, &st->rel) : to->rel;
	if (!to->is_root || s->to->kind != VALUE_NODE || to->state != NULL ||
	    s->to->type.dtype != s->state->type.dtype ||
	    value_is_output(lw->g, s->to) || last > to->first)
		return;
	if (part ? has_views(s->to) : lw->p->groups > 1 ||
	    !place_same(&to->rel, &st->rel))
		return;
	if (last == to->first && (s->to->def->nout != 1 ||
	    lw->res->index[s->to->def->id] != last ||
	    !reads_in_place(lw, s->to->def, &at, s->state)))
		return;
	to->state = s->state;
	to->part = part;
}

bool
place_assigns_part(const struct lower *lw, size_t i)
{
	const struct assign *s = &lw->g->assigns.data[i];
	return !shape_equal(&s->to->type, &s->state->type);
}

struct place
place_assigned(struct lower *lw, size_t i)
{
	struct place pl = *place_of(lw, lw->g->assigns.data[i].state);
	if (place_assigns_part(lw, i))
		return place_part(lw, &pl);
	pl.first_group = lw->p->groups > 1;
	return pl;
}

/* Assignments happen after the last read of the old value. Those of leaves,
 * which may be other states, wait for the end. */
void
place_find_assigns(struct lower *lw)
{
	struct residency *res = lw->res;
	const struct graph *g = lw->g;
	res->assign_at = NEW_ARRAY(lw->arena, int64_t, g->assigns.len + 1);
	for (size_t i = 0; i < g->assigns.len; i++) {
		struct info *to = place_root(lw, g->assigns.data[i].to);
		place_root(lw, g->assigns.data[i].state);
		if (to->v->kind != VALUE_NODE)
			place_touch(lw, to, res->nnodes, true);
	}
	for (size_t i = 0; i < g->assigns.len; i++) {
		const struct assign *s = &g->assigns.data[i];
		struct info *to = place_root(lw, s->to);
		int64_t at = last_touch(place_root(lw, s->state));
		claim_state(lw, i);
		if (to->v->kind != VALUE_NODE ||
		    (lw->p->groups > 1 && !place_assigns_part(lw, i)))
			at = res->nnodes;
		else if (res->index[s->to->def->id] > at)
			at = res->index[s->to->def->id];
		/* a region's sums are there at its end */
		if (group_loop_at(lw, at) != NULL)
			at = lw->sched->region[at]->end - 1;
		res->assign_at[i] = at;
		place_escape(lw, s->to, res->nnodes);
		place_touch(lw, to, at, true);
	}
}

int64_t
place_assign_at(const struct lower *lw, size_t i)
{
	return lw->res->assign_at[i];
}

/* What v is another form of: a weight in 16 bits is a weight. */
static const struct value *
source_of(const struct value *v)
{
	while (v->kind == VALUE_NODE && v->def->nin == 1 &&
	    (v->def->op == OP_cast || v->def->op == OP_identity ||
	    v->def->op == OP_reshape || v->def->op == OP_transpose))
		v = v->def->in[0];
	return v;
}

/* The gradient of a product's weight. */
static bool
is_product_grad(const struct node *n)
{
	return n->op == OP_matmul && node_int(n, ATTR_trans_a) != 0 &&
	    n->in[0]->type.rank == 2 && n->phase != NULL &&
	    strcmp(n->phase, "backward") == 0;
}

/* Positions of a pool's maxima, or two of them in a byte. */
static bool
is_index(const struct value *v)
{
	if (v->kind != VALUE_NODE)
		return false;
	return v->def->op == OP_max_pool_index || (v->type.dtype == DT_U8 &&
	    (v->def->op == OP_add || v->def->op == OP_slice) &&
	    is_index(v->def->in[0]));
}

enum traffic
place_traffic(const struct value *v)
{
	if (source_of(v)->kind == VALUE_STATE)
		v = source_of(v);
	if (v->kind == VALUE_NODE && v->def->op == OP_group_gather)
		return place_traffic(v->def->in[0]);
	if (v->kind == VALUE_CONST)
		return TRAFFIC_WEIGHT;
	if (v->kind == VALUE_STATE)
		return v->trainable ? TRAFFIC_WEIGHT : TRAFFIC_OPTIMIZER;
	if (v->kind == VALUE_INPUT)
		return TRAFFIC_ACTIVATION;
	if (v->def->op == OP_mask_pack || is_index(v))
		return TRAFFIC_MASK;
	if (v->def->op == OP_conv_wgrad || is_product_grad(v->def))
		return TRAFFIC_WEIGHT_GRADIENT;
	if (v->def->phase != NULL && strcmp(v->def->phase, "update") == 0)
		return TRAFFIC_OPTIMIZER;
	if (v->def->phase != NULL && strcmp(v->def->phase, "backward") == 0)
		return TRAFFIC_GRADIENT;
	return TRAFFIC_ACTIVATION;
}
