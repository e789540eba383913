/* Where values live: physical layouts, views, concatenation in place, and which
 * values stay on chip between the ops that touch them. */
#include "backend/group.h"
#include "backend/place.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct place
place_dense(enum dtype t, int rank, const int64_t *dim)
{
	struct place pl = {0};
	pl.dtype = t;
	pl.rank = rank;
	int64_t step = (int64_t)dtype_size(t);
	for (int i = rank - 1; i >= 0; i--) {
		pl.dim[i] = dim[i];
		pl.stride[i] = step;
		step *= dim[i];
	}
	return pl;
}

/* Channels-last: N, spatial..., C with C innermost. */
static struct place
place_nhwc(enum dtype t, int rank, const int64_t *dim)
{
	struct place pl = {0};
	pl.dtype = t;
	pl.rank = rank;
	int64_t step = (int64_t)dtype_size(t);
	pl.stride[1] = step;
	step *= dim[1];
	for (int i = rank - 1; i >= 0; i--) {
		pl.dim[i] = dim[i];
		if (i == 1)
			continue;
		pl.stride[i] = step;
		step *= dim[i];
	}
	return pl;
}

int64_t
place_bytes(const struct place *pl)
{
	int64_t n = (int64_t)dtype_size(pl->dtype);
	for (int i = 0; i < pl->rank; i++)
		n *= pl->dim[i];
	return n;
}

bool
place_on_chip(const struct place *pl)
{
	return pl->buf->space != SPACE_DRAM;
}

bool
place_same(const struct place *a, const struct place *b)
{
	if (a->buf != b->buf || a->offset != b->offset ||
	    a->gstep != b->gstep || a->rank != b->rank)
		return false;
	for (int i = 0; i < PLACE_LOOPS; i++)
		if (a->loop[i] != b->loop[i] || a->step[i] != b->step[i])
			return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] > 1 && a->stride[i] != b->stride[i])
			return false;
	return true;
}

bool
place_same_layout(const struct place *a, const struct place *b)
{
	if (a->dtype != b->dtype || a->rank != b->rank ||
	    a->offset != b->offset)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i] ||
		    (a->dim[i] > 1 && a->stride[i] != b->stride[i]))
			return false;
	return true;
}

bool
place_reshape(const struct place *pl, int rank, const int64_t *dim,
    struct place *out)
{
	int64_t od[MAX_RANK], os[MAX_RANK];
	int n = 0;
	for (int i = 0; i < pl->rank; i++) {
		if (pl->dim[i] == 1)
			continue;
		od[n] = pl->dim[i];
		os[n++] = pl->stride[i];
	}
	*out = *pl;
	out->rank = rank;
	int i = 0, j = 0;
	while (j < rank) {
		int64_t have = i < n ? od[i] : 1, want = dim[j];
		int i1 = i < n ? i + 1 : i, j1 = j + 1;
		if (want == 1) { /* a unit dimension matches nothing */
			out->dim[j] = 1;
			out->stride[j] = (int64_t)dtype_size(pl->dtype);
			j++;
			continue;
		}
		while (have != want) {
			if (have < want) {
				if (i1 >= n)
					return false;
				have *= od[i1++];
			} else {
				if (j1 >= rank)
					return false;
				want *= dim[j1++];
			}
		}
		for (int k = i; k + 1 < i1; k++)
			if (os[k] != os[k + 1] * od[k + 1])
				return false;
		int64_t step = i < n ? os[i1 - 1] : 0;
		for (int k = j1 - 1; k >= j; k--) {
			out->dim[k] = dim[k];
			out->stride[k] = step;
			step *= dim[k];
		}
		i = i1;
		j = j1;
	}
	return true;
}

static bool
is_spatial_op(enum op op)
{
	return op == OP_conv || op == OP_conv_transpose || op == OP_max_pool ||
	    op == OP_sum_pool;
}

/* Channels-last for images; rank 3 only next to a 1-D convolution or pool. */
static bool
wants_nhwc(const struct lower *lw, const struct value *v)
{
	if (v->kind != VALUE_NODE || value_is_output(lw->g, v))
		return false;
	if (v->type.rank == 4 || v->type.rank == 5)
		return true;
	if (v->type.rank != 3)
		return false;
	if (is_spatial_op(v->def->op))
		return true;
	for (size_t i = 0; i < v->uses.len; i++)
		if (is_spatial_op(v->uses.data[i].node->op))
			return true;
	return false;
}

static struct place own_layout(const struct lower *lw, const struct value *v);

/* What each group gives lies as it would on its own, one behind the other. */
static struct place
gather_layout(const struct lower *lw, const struct node *n)
{
	struct place x = own_layout(lw, n->in[0]), y = x;
	y.rank = 1 + x.rank;
	y.dim[0] = n->out[0]->type.dim[0];
	y.stride[0] = place_bytes(&x);
	for (int i = 0; i < x.rank; i++) {
		y.dim[1 + i] = x.dim[i];
		y.stride[1 + i] = x.stride[i];
	}
	return y;
}

static struct place
own_layout(const struct lower *lw, const struct value *v)
{
	const struct tensor_type *t = &v->type;
	if (v->kind == VALUE_NODE && v->def->op == OP_group_gather)
		return gather_layout(lw, v->def);
	if (lw->res->info[v->id].weight)
		return place_weight(t->dtype, t->rank, t->dim);
	if (wants_nhwc(lw, v))
		return place_nhwc(t->dtype, t->rank, t->dim);
	return place_dense(t->dtype, t->rank, t->dim);
}

/* A cast of a float input that only ops with slabs read: their loads convert.
 * (Others may have operands that are not loaded, or are loaded as they are.) */
static bool
converts_on_load(const struct lower *lw, const struct node *n)
{
	const struct value *x = n->in[0], *y = n->out[0];
	if (x->kind != VALUE_INPUT || !dtype_is_float(x->type.dtype) ||
	    !dtype_is_float(y->type.dtype) || value_is_output(lw->g, y))
		return false;
	for (size_t i = 0; i < y->uses.len; i++) {
		const struct use *u = &y->uses.data[i];
		enum lowering l = op_info(u->node->op)->lowering;
		if (u->index != 0 || (l != LOWER_MATRIX && l != LOWER_WINDOW))
			return false;
	}
	return true;
}

struct place
place_part(const struct lower *lw, const struct place *whole)
{
	struct place p = *whole;
	p.dim[0] /= lw->p->groups;
	p.gstep += p.dim[0] * p.stride[0];
	return p;
}

/* The place of a view op's result in its operand's buffer. */
static bool
view_place(const struct lower *lw, const struct node *n,
    const struct place *in, struct place *out)
{
	const struct tensor_type *t = &n->out[0]->type;
	size_t len;
	*out = *in;
	switch (n->op) {
	case OP_identity:
		return true;
	case OP_cast: /* the DMA that loads an input converts it */
		out->dtype = t->dtype;
		return converts_on_load(lw, n);
	case OP_reshape:
		return place_reshape(in, t->rank, t->dim, out);
	case OP_transpose: {
		const int64_t *perm = node_ints(n, ATTR_perm, &len);
		for (int i = 0; i < t->rank; i++) {
			out->dim[i] = in->dim[perm[i]];
			out->stride[i] = in->stride[perm[i]];
		}
		return true;
	}
	case OP_slice: {
		const int64_t *start = node_ints(n, ATTR_starts, &len);
		const int64_t *step = node_ints(n, ATTR_steps, &len);
		for (int i = 0; i < t->rank; i++) {
			int64_t s = len > (size_t)i ? step[i] : 1;
			out->offset += start[i] * in->stride[i];
			out->dim[i] = t->dim[i];
			out->stride[i] = in->stride[i] * s;
		}
		return true;
	}
	case OP_group_part:
		*out = place_part(lw, in);
		return true;
	case OP_expand: {
		int pad = t->rank - in->rank;
		out->rank = t->rank;
		for (int i = t->rank - 1; i >= 0; i--) {
			bool had = i >= pad && in->dim[i - pad] == t->dim[i];
			out->stride[i] = had ? in->stride[i - pad] : 0;
			out->dim[i] = t->dim[i];
		}
		return true;
	}
	default:
		return false;
	}
}

bool
place_is_view_op(enum op op)
{
	return op == OP_identity || op == OP_reshape || op == OP_transpose ||
	    op == OP_slice || op == OP_expand || op == OP_cast ||
	    op == OP_group_part;
}

struct info *
place_resolve(struct lower *lw, const struct value *v)
{
	struct info *in = &lw->res->info[v->id];
	if (in->seen)
		return in;
	in->seen = true;
	in->v = v;
	if (in->into != NULL) {
		struct info *to = place_resolve(lw, in->into);
		in->root = to->root;
		in->rel = to->rel;
		int64_t axis = in->into_axis;
		in->rel.dim[axis] = v->type.dim[axis];
		in->rel.offset += in->into_at * to->rel.stride[axis];
		return in;
	}
	if (in->over != NULL) {
		struct info *from = place_resolve(lw, in->over);
		in->root = from->root;
		in->rel = from->rel;
		return in;
	}
	if (v->kind == VALUE_NODE && place_is_view_op(v->def->op) &&
	    type_elems(&v->type) > 0) {
		struct info *from = place_resolve(lw, v->def->in[0]);
		if (view_place(lw, v->def, &from->rel, &in->rel)) {
			in->root = from->root;
			return in;
		}
	}
	in->root = v;
	in->is_root = true;
	in->rel = own_layout(lw, v);
	in->bytes = place_bytes(&in->rel);
	return in;
}

/* Whether two nodes run in the same loop over sub-batches, or in none. */
static bool
same_loop(const struct lower *lw, const struct node *a, const struct node *b)
{
	return group_loop_at(lw, lw->res->index[a->id]) ==
	    group_loop_at(lw, lw->res->index[b->id]);
}

/* In a group, what is to go through DRAM on its own. */
static bool
goes_apart(const struct lower *lw, const struct value *v)
{
	return (v->keep == KEEP_DRAM || v->keep == KEEP_FIRST) &&
	    group_loop_at(lw, lw->res->index[v->def->id]) != NULL;
}

static bool
has_view_readers(const struct value *v)
{
	for (size_t i = 0; i < v->uses.len; i++)
		if (place_is_view_op(v->uses.data[i].node->op))
			return true;
	return false;
}

/* Whether loops store their results within v, a concatenation. */
static bool
is_stored_to(const struct lower *lw, const struct value *v)
{
	if (v->kind != VALUE_NODE || v->def->op != OP_concat)
		return false;
	for (int i = 0; i < v->def->nin; i++) {
		const struct value *x = v->def->in[i];
		if (lw->res->info[x->id].within == v ||
		    (lw->res->info[x->id].into == v && is_stored_to(lw, x)))
			return true;
	}
	return false;
}

/* Whether o, which a loop makes and stores, may be stored where the
 * concatenation n, outside of loops, wants it. */
static bool
stored_within(const struct lower *lw, const struct value *o,
    const struct node *n)
{
	const struct info *in = &lw->res->info[o->id];
	const struct region *r = o->kind != VALUE_NODE ? NULL :
	    group_loop_at(lw, lw->res->index[o->def->id]);
	return r != NULL && (!r->sweep || o->keep == KEEP_DRAM) &&
	    n->out[0]->keep == KEEP_DRAM && in->into == NULL &&
	    in->within == NULL && !place_is_view_op(o->def->op) &&
	    group_loop_at(lw, lw->res->index[n->id]) == NULL &&
	    !has_view_readers(o) && !value_is_output(lw->g, o);
}

/* Lets operands of concatenations be computed in place. */
static void
claim_concat(struct lower *lw)
{
	graph_foreach_node(lw->g, n) {
		if (n->op != OP_concat)
			continue;
		int64_t axis = node_int(n, ATTR_axis), at = 0;
		for (int i = 0; i < n->nin; i++) {
			const struct value *o = n->in[i];
			struct info *in = &lw->res->info[o->id];
			if (o->kind == VALUE_NODE && in->into == NULL &&
			    !place_is_view_op(o->def->op) &&
			    same_loop(lw, o->def, n) &&
			    !goes_apart(lw, o) &&
			    (n->out[0]->keep == KEEP_DRAM ||
			    !is_stored_to(lw, o)) &&
			    !value_is_output(lw->g, o)) {
				in->into = n->out[0];
				in->into_axis = axis;
				in->into_at = at;
			} else if (stored_within(lw, o, n)) {
				in->within = n->out[0];
				in->within_axis = axis;
				in->within_at = at;
			}
			at += o->type.dim[axis];
		}
	}
}

/* r is alive for n only to be added, and n's result lies as r does. */
static bool
can_go_over(const struct lower *lw, const struct node *n)
{
	const struct value *r = n->nin > 3 ? n->in[3] : NULL, *y = n->out[0];
	const struct residency *res = lw->res;
	if (r == NULL || r->kind != VALUE_NODE ||
	    place_is_view_op(r->def->op) ||
	    !same_loop(lw, r->def, n) || goes_apart(lw, r) ||
	    goes_apart(lw, y) ||
	    !type_equal(&r->type, &y->type) ||
	    wants_nhwc(lw, r) != wants_nhwc(lw, y) ||
	    res->info[r->id].into != NULL || res->info[y->id].into != NULL ||
	    res->info[r->id].weight != res->info[y->id].weight ||
	    r->nends > 0 || value_is_output(lw->g, y))
		return false;
	for (size_t i = 0; i < r->uses.len; i++) {
		const struct use *u = &r->uses.data[i];
		if (place_is_view_op(u->node->op) ||
		    place_inlined(lw, u->node) ||
		    (u->node == n && u->index != 3) ||
		    res->index[u->node->id] > res->index[n->id])
			return false;
	}
	return true;
}

/* Lets contractions write over the residual they add. */
static void
claim_residuals(struct lower *lw)
{
	graph_foreach_node(lw->g, n)
		if (op_info(n->op)->lowering == LOWER_MATRIX &&
		    can_go_over(lw, n))
			lw->res->info[n->out[0]->id].over = n->in[3];
}

/* Lets what the groups gather be computed where it is gathered. */
static void
claim_gathers(struct lower *lw)
{
	graph_foreach_node(lw->g, n)
		if (n->op == OP_group_gather &&
		    n->in[0]->kind == VALUE_NODE)
			lw->res->info[n->in[0]->id].gather = n->out[0];
}

static void
touch_at(struct info *root, int64_t at, bool use)
{
	if (root->first > root->last) {
		root->first = at;
		root->last = at;
	}
	if (at < root->first)
		root->first = at;
	if (at > root->last)
		root->last = at;
	if (use)
		root->uses++;
}

void
place_touch(struct lower *lw, struct info *root, int64_t at, bool use)
{
	const struct region *r = group_loop_at(lw, at);
	if (r == NULL) {
		touch_at(root, at, use);
		return;
	}
	root->looped = true;
	root->grouped = root->grouped || !r->sweep;
	touch_at(root, r->loop, use);
	touch_at(root, r->after - 1, false);
}

struct info *
place_root(struct lower *lw, const struct value *v)
{
	return &lw->res->info[place_resolve(lw, v)->root->id];
}

const struct value *
place_behind(struct lower *lw, const struct value *v)
{
	while (v->kind == VALUE_NODE && place_is_view_op(v->def->op) &&
	    !place_resolve(lw, v)->is_root)
		v = v->def->in[0];
	return v;
}

void
place_escape(struct lower *lw, const struct value *v, int64_t at)
{
	v = place_behind(lw, v);
	if (v->kind != VALUE_NODE)
		return;
	struct info *in = &lw->res->info[v->id];
	const struct region *r = group_loop_at(lw,
	    lw->res->index[v->def->id]);
	if (r == NULL || r == group_loop_at(lw, at))
		return;
	/* the concatenation it lies in is stored as a whole */
	in->escapes = true;
	if (in->into != NULL)
		lw->res->info[in->into->id].escapes = true;
}

static void
read_by(struct lower *lw, const struct value *v, int64_t at)
{
	if (lw->res->info[v->id].inlined) {
		for (int i = 0; i < v->def->nin; i++)
			read_by(lw, v->def->in[i], at);
		return;
	}
	struct info *in = place_resolve(lw, v), *root = place_root(lw, v);
	place_touch(lw, root, at, true);
	place_escape(lw, v, at);
	if (in->rel.dtype != root->rel.dtype)
		root->converted = true;
}

static void
find_lifetimes(struct lower *lw)
{
	struct residency *res = lw->res;
	for (uint32_t i = 0; i < res->nvalues; i++) {
		res->info[i].first = 1;
		res->info[i].last = 0;
		res->info[i].state = NULL;
		res->info[i].part = false;
		res->info[i].looped = res->info[i].escapes = false;
		res->info[i].grouped = false;
		res->info[i].converted = false;
		res->info[i].uses = 0;
	}
	int64_t at;
	for (at = 0; at < res->nnodes; at++) {
		const struct node *n = lw->sched->node[at];
		if (place_inlined(lw, n))
			continue;
		for (int i = 0; i < n->nin; i++)
			if (n->in[i] != NULL)
				read_by(lw, n->in[i], at);
		for (int i = 0; i < n->nout; i++)
			if (n->out[i] != NULL)
				place_touch(lw, place_root(lw, n->out[i]), at,
				    false);
	}
	for (size_t i = 0; i < lw->g->outputs.len; i++) {
		const struct value *v = lw->g->outputs.data[i];
		if (v->kind == VALUE_NODE)
			place_resolve(lw, v);
		else /* handed through at the end */
			place_touch(lw, place_root(lw, v), at, true);
	}
}

bool
place_values(struct lower *lw, struct lower_budget *budget)
{
	struct residency *res = NEW(lw->arena, struct residency);
	lw->res = res;
	res->nvalues = lw->g->nvalues;
	res->info = NEW_ARRAY(lw->arena, struct info, res->nvalues + 1);
	res->index = NEW_ARRAY(lw->arena, int64_t, lw->g->nnodes + 1);
	for (uint32_t i = 0; i < lw->sched->n; i++)
		res->index[lw->sched->node[i]->id] = res->nnodes++;
	res->live = NEW_ARRAY(lw->arena, int64_t, (size_t)res->nnodes + 2);
	res->seen_by = NEW_ARRAY(lw->arena, uint32_t, lw->g->nvalues + 1);
	res->outputs = NEW_ARRAY(lw->arena, struct place *,
	    lw->g->outputs.len + 1);
	place_find_inlined(lw);
	place_find_weights(lw);
	claim_concat(lw);
	claim_residuals(lw);
	claim_gathers(lw);
	do {
		find_lifetimes(lw);
		place_find_assigns(lw);
		place_choose(lw, budget);
	} while (place_give_up_over(lw));
	/* Bound tensors exist even when nothing reads them. */
	for (size_t i = 0; i < lw->g->inputs.len; i++)
		place_of(lw, lw->g->inputs.data[i]);
	for (size_t i = 0; i < lw->g->states.len; i++)
		place_of(lw, lw->g->states.data[i]);
	for (size_t i = 0; i < lw->g->outputs.len; i++)
		place_output(lw, i);
	return true;
}

int64_t
place_live_at(const struct lower *lw, uint32_t node_index)
{
	return lw->res->live[node_index];
}

bool
place_is_view(const struct lower *lw, const struct node *n)
{
	if (n->nout == 0 || !place_is_view_op(n->op))
		return false;
	return !lw->res->info[n->out[0]->id].is_root;
}

static void
bind_buffer(struct tile_buffer *b, const char *name, const struct place *pl)
{
	b->bind_name = name;
	b->dtype = pl->dtype;
	b->rank = pl->rank;
	memcpy(b->dim, pl->dim, sizeof b->dim);
	memcpy(b->stride, pl->stride, sizeof b->stride);
}

/* A bound tensor that the groups divide along its first dimension: the buffer
 * holds all shares, each group addresses its own. */
static void
share_buffer(const struct lower *lw, struct tile_buffer *b)
{
	if (lw->p->groups == 1)
		return;
	b->group_stride = b->bytes;
	b->bytes *= lw->p->groups;
	b->dim[0] *= lw->p->groups;
}

static const char *
value_name(struct lower *lw, const struct value *v)
{
	return v->name != NULL ? v->name :
	    arena_printf(lw->arena, "v%u", v->id);
}

/* The output that v may be computed into directly, or -1. */
static int64_t
own_output(const struct lower *lw, const struct value *v)
{
	for (size_t i = 0; i < lw->g->outputs.len; i++)
		if (lw->g->outputs.data[i] == v &&
		    (lw->p->groups == 1 || !v->common))
			return (int64_t)i;
	return -1;
}

/* Gives a root its buffer on first use. */
static struct tile_buffer *
materialize(struct lower *lw, struct info *in)
{
	const struct value *v = in->v;
	if (in->buf != NULL)
		return in->buf;
	int64_t bytes = in->bytes > 0 ? in->bytes : 1;
	const char *name = value_name(lw, v);
	if (in->resident) {
		in->buf = tile_buffer(lw->p, name, SPACE_GBUF, bytes, 1, NULL);
	} else if (in->state != NULL) {
		in->buf = place_of(lw, in->state)->buf;
		return in->buf;
	} else if (in->gather != NULL) {
		in->buf = place_whole(lw, in->gather)->buf;
		return in->buf;
	} else if (v->kind == VALUE_NODE && own_output(lw, v) >= 0) {
		in->buf = place_output(lw,
		    (size_t)own_output(lw, v))->buf;
		return in->buf;
	} else {
		in->buf = tile_buffer(lw->p, name, SPACE_DRAM, bytes, 1, NULL);
	}
	struct tile_buffer *b = in->buf;
	b->traffic = place_traffic(v);
	bind_buffer(b, NULL, &in->rel);
	if (v->kind == VALUE_NODE && b->space == SPACE_DRAM)
		b->per_group = lw->p->groups > 1 &&
		    v->def->op != OP_group_gather;
	if (v->kind == VALUE_INPUT && !v->common)
		share_buffer(lw, b);
	if (v->kind == VALUE_INPUT) {
		b->role = ROLE_INPUT;
		b->bind_name = name;
	} else if (v->kind == VALUE_CONST) {
		b->role = ROLE_CONST;
		b->data = place_data(lw, in);
	} else if (v->kind == VALUE_STATE) {
		b->role = ROLE_STATE;
		b->bind_name = name;
		b->data = place_data(lw, in);
	}
	return b;
}

struct place *
place_of(struct lower *lw, const struct value *v)
{
	struct place *pl = lw->region != NULL ? group_place(lw, v) :
	    place_whole(lw, v);
	return lw->chain != NULL ? group_strip_place(lw, v, pl) : pl;
}

struct place *
place_whole(struct lower *lw, const struct value *v)
{
	if (lw->place[v->id] != NULL)
		return lw->place[v->id];
	struct info *in = place_resolve(lw, v);
	struct place *pl = NEW(lw->arena, struct place);
	struct info *root = &lw->res->info[in->root->id];
	if (in == root && in->within != NULL) {
		int64_t axis = in->within_axis;
		*pl = *place_whole(lw, in->within);
		pl->dim[axis] = v->type.dim[axis];
		pl->offset += in->within_at * pl->stride[axis];
		lw->place[v->id] = pl;
		return pl;
	}
	*pl = in->rel;
	pl->buf = materialize(lw, root);
	if (in == root && root->part && !root->resident)
		*pl = place_part(lw, place_whole(lw, root->state));
	else if (root->gather != NULL && root->state == NULL &&
	    !root->resident)
		pl->gstep += root->bytes;
	lw->place[v->id] = pl;
	return pl;
}

struct place *
place_output(struct lower *lw, size_t i)
{
	struct residency *res = lw->res;
	if (res->outputs[i] != NULL)
		return res->outputs[i];
	const struct value *v = lw->g->outputs.data[i];
	struct place *pl = NEW(lw->arena, struct place);
	*pl = place_dense(v->type.dtype, v->type.rank, v->type.dim);
	int64_t bytes = place_bytes(pl);
	const char *name = lw->g->output_names.data[i];
	pl->buf = tile_buffer(lw->p, name, SPACE_DRAM, bytes > 0 ? bytes : 1,
	    1, NULL);
	pl->buf->role = ROLE_OUTPUT;
	pl->buf->traffic = TRAFFIC_ACTIVATION;
	bind_buffer(pl->buf, name, pl);
	if (!v->common)
		share_buffer(lw, pl->buf);
	pl->first_group = v->common && lw->p->groups > 1;
	res->outputs[i] = pl;
	return pl;
}
