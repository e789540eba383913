/* Lowering driver: places every value, then lowers node after node. */
#include "backend/lower.h"

#include <string.h>

#include "backend/group.h"
#include "backend/vec.h"
#include "backend/wgrad.h"

/* Without the folder: the same model gives the same bytes wherever it lies. */
static const char *
op_location(struct lower *lw, const struct loc *loc)
{
	if (loc->file == NULL)
		return loc->node != NULL ? loc->node : "";
	const char *slash = strrchr(loc->file, '/');
	const char *file = slash != NULL ? slash + 1 : loc->file;
	if (loc->node != NULL)
		return arena_printf(lw->arena, "%s: %s", file, loc->node);
	return arena_printf(lw->arena, "%s:%d:%d", file, loc->line, loc->col);
}

int64_t
lower_macs(const struct node *n, bool paper)
{
	const struct value *w = n->nin > 1 ? n->in[1] : NULL;
	const struct value *y = n->out[0];
	if (n->op == OP_conv) {
		int64_t k = type_elems(&w->type) / w->type.dim[0];
		return type_elems(&y->type) * k;
	}
	if (n->op == OP_conv_wgrad)
		return type_elems(&n->in[1]->type) *
		    (type_elems(&y->type) / y->type.dim[0]);
	if (n->op == OP_conv_transpose) {
		int64_t taps = type_elems(&w->type) / w->type.dim[0];
		int64_t pixels = type_elems(&n->in[0]->type);
		if (!paper)
			return pixels * taps;
		int64_t per_out = type_elems(&w->type) / w->type.dim[1] /
		    node_int(n, ATTR_groups);
		return type_elems(&y->type) * per_out;
	}
	if (n->op == OP_matmul) {
		const struct tensor_type *a = &n->in[0]->type;
		int ki = node_int(n, ATTR_trans_a) ? a->rank - 2 : a->rank - 1;
		return type_elems(&y->type) * a->dim[a->rank == 1 ? 0 : ki];
	}
	return 0;
}

static void
add_op(struct lower *lw, const struct node *n)
{
	const struct value *y = n->out[0];
	struct wave_op op = {0};
	/* By its place, not its id, which depends on what passes removed. */
	op.name = y->name != NULL ? y->name :
	    arena_printf(lw->arena, "%s.%zu", op_info(n->op)->name,
	    lw->p->ops.len);
	op.op = op_info(n->op)->name;
	op.phase = n->phase != NULL ? n->phase : "forward";
	op.loc = op_location(lw, &n->loc);
	op.macs = lower_macs(n, false) * lw->p->groups;
	op.macs_paper = lower_macs(n, true) * lw->p->groups;
	VEC_PUSH(lw->p->arena, &lw->p->ops, op);
	lw->p->cur_op = (uint32_t)lw->p->ops.len - 1;
}

void
lower_no_room(struct lower *lw, int64_t need)
{
	diag_error(lw->diag, lw->loc,
	    "'%s' needs %lld bytes of the global buffer for one tile; %lld "
	    "are free", lw->p->ops.data[lw->p->cur_op].op, (long long)need,
	    (long long)lw->gbuf_free);
}

bool
lower_refuse(struct lower *lw, const struct node *n)
{
	diag_error(lw->diag, &n->loc, "no lowering for op '%s'",
	    op_info(n->op)->name);
	return false;
}

static bool
lower_node(struct lower *lw, const struct node *n)
{
	if (type_elems(&n->out[0]->type) == 0)
		return true;
	switch (op_info(n->op)->lowering) {
	case LOWER_MATRIX:
		return n->op == OP_conv_wgrad || (n->op == OP_matmul &&
		    lw->region != NULL &&
		    lw->sched->part[n->id] == PART_SUM) ?
		    lower_wgrad(lw, n) : lower_matrix(lw, n);
	case LOWER_MAP: return lower_map(lw, n);
	case LOWER_REDUCE:
		return lw->sched->part[n->id] == PART_SUM ?
		    lower_batch_sum(lw, n) : lower_reduce(lw, n);
	case LOWER_WINDOW: return lower_window(lw, n);
	case LOWER_MOVE: return lower_move(lw, n);
	case LOWER_COMPOSITE:
	case LOWER_FOLD: break;
	}
	diag_error(lw->diag, &n->loc,
	    "op '%s' reached the backend: run the legalize pass first",
	    op_info(n->op)->name);
	return false;
}

/* Writes the outputs that v is to their DRAM buffers, unless v lives there. */
static void
store_outputs(struct lower *lw, const struct value *v)
{
	for (size_t i = 0; i < lw->g->outputs.len; i++) {
		if (lw->g->outputs.data[i] != v || type_elems(&v->type) == 0)
			continue;
		struct place *out = place_output(lw, i);
		struct place *src = place_of(lw, v);
		if (!place_same(src, out))
			lower_copy(lw, src, out);
	}
}

static void
one_layer_group(struct lower *lw)
{
	struct wave_layer_group grp = {0};
	int64_t batch = 1;
	if (lw->g->inputs.len > 0 && lw->g->inputs.data[0]->type.rank > 0)
		batch = lw->g->inputs.data[0]->type.dim[0];
	struct strbuf names = {0};
	for (size_t i = 0; i < lw->p->ops.len; i++) {
		if (i > 0)
			strbuf_add(&names, ",");
		strbuf_add(&names, lw->p->ops.data[i].name);
	}
	grp.ops = arena_strdup(lw->p->arena,
	    names.data != NULL ? names.data : "");
	strbuf_free(&names);
	grp.sub_batch = batch > 0 ? batch : 1; /* empty */
	grp.iterations = 1;
	VEC_PUSH(lw->p->arena, &lw->p->layer_groups, grp);
}

/* Outputs that no node computes: an input or a constant handed through. */
static void
store_leaf_outputs(struct lower *lw)
{
	for (size_t i = 0; i < lw->g->outputs.len; i++) {
		const struct value *v = lw->g->outputs.data[i];
		if (v->kind == VALUE_NODE)
			continue;
		lw->loc = &v->loc;
		struct wave_op op = {0};
		op.name = v->name != NULL ? v->name : "output";
		op.op = "copy";
		op.phase = "forward";
		op.loc = op_location(lw, &v->loc);
		VEC_PUSH(lw->p->arena, &lw->p->ops, op);
		lw->p->cur_op = (uint32_t)lw->p->ops.len - 1;
		if (type_elems(&v->type) > 0)
			lower_copy(lw, place_of(lw, v), place_output(lw, i));
	}
}

/* ---- assignments ---- */

static void
begin_assign(struct lower *lw, const struct value *state)
{
	struct wave_op op = {0};
	lw->loc = &state->loc;
	op.name = state->name != NULL ? state->name : "state";
	op.op = "assign";
	op.phase = "update";
	op.loc = op_location(lw, &state->loc);
	VEC_PUSH(lw->p->arena, &lw->p->ops, op);
	lw->p->cur_op = (uint32_t)lw->p->ops.len - 1;
}

/* Makes the assignments that follow node `at`; old (may be NULL) has the
 * places of values that were put aside. */
static void
assign_after(struct lower *lw, int64_t at, struct place *const *old)
{
	for (size_t i = 0; i < lw->g->assigns.len; i++) {
		const struct assign *s = &lw->g->assigns.data[i];
		if (place_assign_at(lw, i) != at ||
		    type_elems(&s->state->type) == 0)
			continue;
		const struct place *from = place_of(lw, s->to);
		struct place to = place_assigned(lw, i);
		if (place_same(from, &to))
			continue;
		begin_assign(lw, s->state);
		if (old != NULL && old[i] != NULL)
			from = old[i];
		lower_copy(lw, from, &to);
	}
}

/* Whether assignments are made after node `at`. */
static bool
any_at(const struct lower *lw, int64_t at)
{
	for (size_t i = 0; i < lw->g->assigns.len; i++)
		if (place_assign_at(lw, i) == at)
			return true;
	return false;
}

/* The assignments at the end, after all groups have read the old values. States
 * among their values keep the old version in a temporary until all are read. */
static void
assign_rest(struct lower *lw)
{
	const struct graph *g = lw->g;
	int64_t at = (int64_t)lw->node_index;
	struct place **old = NEW_ARRAY(lw->arena, struct place *,
	    g->assigns.len + 1);
	for (size_t i = 0; i < g->assigns.len; i++) {
		const struct assign *s = &g->assigns.data[i];
		struct place *from = place_of(lw, s->to);
		if (place_assign_at(lw, i) != at ||
		    from->buf->role != ROLE_STATE ||
		    place_same(from, place_of(lw, s->state)) ||
		    type_elems(&s->state->type) == 0)
			continue;
		struct place *t = NEW(lw->arena, struct place);
		*t = place_dense(from->dtype, from->rank, from->dim);
		t->buf = tile_buffer(lw->p, "old", SPACE_DRAM,
		    place_bytes(t), 1, NULL);
		t->buf->traffic = TRAFFIC_OPTIMIZER;
		t->buf->per_group = lw->p->groups > 1;
		begin_assign(lw, s->state);
		lower_copy(lw, from, t);
		old[i] = t;
	}
	if (lw->p->groups > 1 && any_at(lw, at))
		tile_emit(lw->p, TILE_BARRIER, Q_CO);
	assign_after(lw, at, old);
}

/* In a region's loop. */
static bool
lower_looped(struct lower *lw, uint32_t at)
{
	return lower_node(lw, lw->sched->node[at]);
}

static bool
lower_at(struct lower *lw, uint32_t at, int64_t gbuf)
{
	const struct node *n = lw->sched->node[at];
	lw->loc = &n->loc;
	lw->node_index = at;
	add_op(lw, n);
	lw->op_of[at] = lw->p->cur_op;
	lw->gbuf_free = gbuf - place_live_at(lw, at);
	if (place_is_view(lw, n) || place_inlined(lw, n))
		return true;
	if (lw->beside == NULL && vop_beside(lw, at)) {
		lw->beside = n->out[0];
		return true;
	}
	if (!lower_node(lw, n))
		return false;
	lw->beside = NULL;
	return true;
}

/* What follows the node at a position: outputs and assignments. */
static void
finish_at(struct lower *lw, uint32_t at)
{
	const struct node *n = lw->sched->node[at];
	lw->loc = &n->loc;
	lw->p->cur_op = lw->op_of[at];
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL)
			store_outputs(lw, n->out[i]);
	assign_after(lw, at, NULL);
}

static bool
lower_region(struct lower *lw, struct region *r, int64_t gbuf)
{
	for (uint32_t i = r->first; i < r->loop; i++) {
		if (!lower_at(lw, i, gbuf))
			return false;
		finish_at(lw, i);
	}
	for (uint32_t i = r->loop; i < r->after; i++) {
		add_op(lw, lw->sched->node[i]);
		lw->op_of[i] = lw->p->cur_op;
	}
	if (!group_lower(lw, r, lower_looped))
		return false;
	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *n = lw->sched->node[i];
		lw->gbuf_free = gbuf - place_live_at(lw, i);
		if (lw->sched->part[n->id] == PART_SUM)
			finish_at(lw, i);
		else
			assign_after(lw, i, NULL);
	}
	for (uint32_t i = r->after; i < r->end; i++) {
		if (!lower_at(lw, i, gbuf))
			return false;
		finish_at(lw, i);
	}
	return true;
}

static bool
lower_all(struct lower *lw, struct lower_budget *budget, int64_t gbuf)
{
	const struct schedule *s = lw->sched;
	size_t k = 0;
	for (uint32_t i = 0; i < s->n;) {
		struct region *r = s->region[i];
		if (r != NULL) {
			struct lower_region_budget *b =
			    &budget->regions.data[k++];
			b->first_op = (uint32_t)lw->p->ops.len;
			if (!lower_region(lw, r, gbuf))
				return false;
			b->end_op = (uint32_t)lw->p->ops.len;
			i = r->end;
			continue;
		}
		if (!lower_at(lw, i, gbuf))
			return false;
		finish_at(lw, i);
		i++;
	}
	lw->node_index = s->n;
	return true;
}

struct tile_program *
lower_graph(struct arena *a, struct diag *d, const struct graph *g,
    const struct wave_target *t, int groups,
    const struct backend_options *opt, struct lower_budget *budget,
    struct weight_cache *cache)
{
	struct lower *lw = NEW(a, struct lower);
	lw->arena = a;
	lw->diag = d;
	lw->g = g;
	lw->target = t;
	lw->weights = cache;
	lw->dgrad = opt->dgrad;
	lw->partial_k = opt->partial_k;
	lw->depth = 2;
	lw->holes = budget->holes;
	lw->p = tile_new(a, t);
	lw->p->entry = "main";
	lw->p->groups = groups;
	lw->p->overlap = !opt->no_overlap;
	lw->bw = t->dram_bw > 0 ? t->dram_bw / t->clock_hz /
	    (double)lw->p->groups : 0;
	lw->wbuf_free = t->wbuf_bytes == 0 ? INT64_MAX / 4 :
	    (int64_t)((double)t->wbuf_bytes * budget->all);
	lw->place = NEW_ARRAY(a, struct place *, g->nvalues + 1);
	lw->op_of = NEW_ARRAY(a, uint32_t, g->nnodes + 1);
	if (!group_find(lw) || !place_values(lw, budget))
		return NULL;
	int64_t gbuf = t->gbuf_bytes == 0 ? INT64_MAX / 4 :
	    (int64_t)((double)t->gbuf_bytes * budget->all);
	if (!lower_all(lw, budget, gbuf))
		return NULL;
	lw->gbuf_free = gbuf - place_live_at(lw, lw->node_index);
	store_leaf_outputs(lw);
	assign_rest(lw);
	if (lw->p->layer_groups.len == 0)
		one_layer_group(lw);
	return d->errors > 0 ? NULL : lw->p;
}
