/* Layer groups: the loop over sub-batches. */
#include "backend/group.h"

#include <string.h>

#include "backend/place.h"

/* What others made and several nodes read is loaded before the first of
 * them. */
static void
load_guests(struct lower *lw, const struct node *n)
{
	for (int i = 0; i < n->nin; i++) {
		if (n->in[i] == NULL)
			continue;
		if (lw->res->info[n->in[i]->id].inlined) {
			load_guests(lw, n->in[i]->def);
			continue;
		}
		struct info *root = place_root(lw, n->in[i]);
		if (!lw->region->local[root->v->id] || root->local != NULL ||
		    (lw->chain != NULL &&
		    lw->region->strip[root->v->id] > 0))
			continue;
		struct place from = group_slice(lw,
		    place_whole(lw, root->v));
		lower_copy(lw, &from, group_place(lw, root->v));
	}
}

/* Stores what was computed on chip and is read elsewhere. */
static void
store_escape(struct lower *lw, const struct value *v)
{
	struct info *in = place_resolve(lw, v), *root = place_root(lw, v);
	if (!in->escapes || !lw->region->local[root->v->id] ||
	    (in->into != NULL && lw->res->info[in->into->id].escapes))
		return;
	struct place to = group_slice(lw, place_whole(lw, v));
	lower_copy(lw, group_place(lw, v), &to);
}

static void
store_outputs(struct lower *lw, const struct value *v)
{
	const struct info *in = place_resolve(lw, v);
	struct place whole = *place_whole(lw, v);
	for (size_t i = 0; i < lw->g->outputs.len; i++) {
		if (lw->g->outputs.data[i] != v || type_elems(&v->type) == 0)
			continue;
		struct place *out = place_output(lw, i);
		if (place_same(&whole, out) && (in->escapes ||
		    !lw->region->local[place_root(lw, v)->v->id]))
			continue; /* it is there */
		struct place to = group_slice(lw, out);
		lower_copy(lw, group_place(lw, v), &to);
	}
}

/* ---- sums ---- */

/* Calls fn for each sum of the region. */
static void
each_sum(struct lower *lw, struct region *r, void (*fn)(struct lower *lw,
    struct region *r, const struct node *n))
{
	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *n = lw->sched->node[i];
		if (lw->sched->part[n->id] != PART_SUM)
			continue;
		lw->loc = &n->loc;
		lw->p->cur_op = lw->op_of[i];
		fn(lw, r, n);
	}
}

/* Sums that are added to where they are start from 0. */
static void
clear_sum(struct lower *lw, struct region *r, const struct node *n)
{
	const struct value *v = n->out[0];
	if (r->local[v->id])
		group_sum_buffer(lw, v);
	if (r->full == 1)
		return;
	if (r->local[v->id])
		lower_fill(lw, group_place(lw, v), 0);
	else if (group_sum_is_big(lw, n))
		lower_fill(lw, place_whole(lw, v), 0);
}

static void
store_sum(struct lower *lw, struct region *r, const struct node *n)
{
	const struct value *v = n->out[0];
	if (!r->local[v->id])
		return;
	lower_copy(lw, group_place(lw, v), place_whole(lw, v));
}

/* ---- the loop ---- */

static void
lower_part(struct lower *lw, int64_t at, int64_t count)
{
	lw->part_at = at;
	lw->part_count = count;
}

/* Before the node at position i, beside `live` bytes of values. */
static void
prepare_node(struct lower *lw, const struct region *r, uint32_t i,
    int64_t live)
{
	lw->gbuf_free = r->room - live;
	lw->gbuf_free -= lw->gbuf_free / lw->holes;
	lw->region_pos = i - r->loop;
	lw->loc = &lw->sched->node[i]->loc;
	lw->p->cur_op = lw->op_of[i];
}

static void
store_results(struct lower *lw, const struct node *n)
{
	if (lw->sched->part[n->id] != PART_SPLIT)
		return;
	for (int k = 0; k < n->nout; k++) {
		if (n->out[k] == NULL)
			continue;
		if (!place_is_view(lw, n))
			store_escape(lw, n->out[k]);
		store_outputs(lw, n->out[k]);
	}
}

/* The node at position i, for the current part. */
static bool
looped_node(struct lower *lw, const struct region *r, uint32_t i, int64_t live,
    bool (*node)(struct lower *lw, uint32_t at))
{
	const struct node *n = lw->sched->node[i];
	int64_t at = lw->part_at, count = lw->part_count;
	prepare_node(lw, r, i, live);
	if (place_inlined(lw, n))
		return true;
	if (!place_is_view(lw, n)) {
		lower_part(lw, 0, lw->region_count);
		load_guests(lw, n);
		lower_part(lw, at, count);
		if (!node(lw, i))
			return false;
	}
	store_results(lw, n);
	return true;
}

/* A run of vector nodes for one half of the samples, then for the other. */
static bool
halved_run(struct lower *lw, const struct region *r, uint32_t from,
    uint32_t end, int64_t live, bool (*node)(struct lower *lw, uint32_t at))
{
	int64_t half = GROUP_HALF(lw->region_count);
	bool ok = true;
	for (int k = 0; k < 2; k++) {
		lower_part(lw, k * half, k == 0 ? half :
		    lw->region_count - half);
		for (uint32_t i = from; i < end && ok; i++)
			ok = looped_node(lw, r, i, live, node);
	}
	lower_part(lw, 0, lw->region_count);
	return ok;
}

/* Whether c's nodes are those from position i on, and what passes between them
 * is on chip. */
static bool
is_ready(const struct lower *lw, const struct region *r, const struct chain *c,
    uint32_t i)
{
	for (int k = 0; k < c->n; k++)
		if (lw->sched->node[i + (uint32_t)k] != c->node[k] ||
		    (k + 1 < c->n && !r->local[c->node[k]->out[0]->id]))
			return false;
	return true;
}

/* The nodes of a chain from position i on, for the channels of one strip after
 * the other. */
static bool
looped_chain(struct lower *lw, const struct region *r, const struct chain *c,
    uint32_t i, bool (*node)(struct lower *lw, uint32_t at))
{
	int64_t live = 0;
	bool ok = true;
	lw->chain = c;
	for (int k = 0; k < c->n; k++) {
		live = max64(live, r->live[i + (uint32_t)k - r->loop]);
		prepare_node(lw, r, i + (uint32_t)k, live);
		load_guests(lw, c->node[k]);
	}
	diag_remark(lw->diag, &c->node[0]->loc, "lower: %d nodes for %lld of "
	    "%lld channels at a time", c->n, (long long)c->strip,
	    (long long)c->channels);
	for (lw->chain_at = 0; lw->chain_at < c->channels && ok;
	     lw->chain_at += c->strip) {
		for (int k = 0; k + 1 < c->n; k++)
			lw->res->info[c->node[k]->out[0]->id].local = NULL;
		for (int k = 0; k < c->n && ok; k++) {
			prepare_node(lw, r, i + (uint32_t)k, live);
			ok = node(lw, i + (uint32_t)k);
		}
	}
	lw->chain = NULL;
	if (ok)
		store_results(lw, c->node[c->n - 1]);
	return ok;
}

static bool
iteration(struct lower *lw, struct region *r, bool (*node)(struct lower *lw,
    uint32_t at))
{
	bool ok = true, halved = false;
	lower_part(lw, 0, lw->region_count);
	for (uint32_t i = 0; i < lw->g->nvalues; i++)
		if (lw->sched->split[i])
			lw->res->info[i].local = NULL;
	for (uint32_t i = r->loop; i < r->after && ok;) {
		int64_t live = 0;
		const struct chain *c = group_chain(r, lw->sched->node[i]);
		if (c != NULL && is_ready(lw, r, c, i)) {
			ok = looped_chain(lw, r, c, i, node);
			i += (uint32_t)c->n;
			halved = false;
			continue;
		}
		uint32_t end = group_halves(lw, r, i + 1, &live);
		lw->halves = halved || end > i + 1;
		ok = looped_node(lw, r, i, r->live[i - r->loop], node);
		halved = end > i + 1;
		if (halved && ok)
			ok = halved_run(lw, r, i + 1, end, live, node);
		i = end;
	}
	lw->halves = false;
	return ok;
}

static void
add_layers(struct lower *lw, const struct region *r)
{
	struct wave_layer_group g = {0};
	struct strbuf names = {0};
	for (uint32_t i = r->loop; i < r->after; i++) {
		if (i > r->loop)
			strbuf_add(&names, ",");
		strbuf_add(&names, lw->p->ops.data[lw->op_of[i]].name);
	}
	g.ops = arena_strdup(lw->p->arena,
	    names.data != NULL ? names.data : "");
	strbuf_free(&names);
	g.sub_batch = r->sub;
	g.iterations = r->full + (r->rest > 0);
	VEC_PUSH(lw->p->arena, &lw->p->layer_groups, g);
}

static void
remark(struct lower *lw, const struct region *r)
{
	const struct node *n = lw->sched->node[r->loop];
	diag_remark(lw->diag, &n->loc, "lower: layer group %u, %s: %lld "
	    "samples at a time, %lld times%s; up to %lld of %lld bytes of the "
	    "global buffer hold values", r->group, r->phase,
	    (long long)r->sub, (long long)r->full,
	    r->rest > 0 ? " and a partial one" : "", (long long)r->peak,
	    (long long)r->room);
	if (r->overlap)
		diag_remark(lw->diag, &n->loc, "lower: layer group %u, %s: "
		    "branches run beside each other", r->group, r->phase);
	if (r->sub < r->wanted)
		diag_remark(lw->diag, &n->loc, "lower: layer group %u, %s: "
		    "the %lld samples asked for do not fit", r->group,
		    r->phase, (long long)r->wanted);
}

/* The planner is to tell what the loop uses. */
static void
watch(struct lower *lw, const struct region *r)
{
	struct tile_watch w = {.loop = lw->region_loop,
	    .name = arena_printf(lw->p->arena, "layer group %u, %s", r->group,
	    r->phase), .loc = &lw->sched->node[r->loop]->loc};
	VEC_PUSH(lw->p->arena, &lw->p->watches, w);
}

bool
group_lower(struct lower *lw, struct region *r,
    bool (*node)(struct lower *lw, uint32_t at))
{
	bool ok = true;
	if (r->after == r->loop)
		return true;
	if (!r->sweep) {
		remark(lw, r);
		add_layers(lw, r);
		lw->p->moves.weights += r->moves.weights;
		lw->p->moves.sums += r->moves.sums;
		lw->p->moves.left += r->moves.left;
	}
	lw->gbuf_free = r->room;
	lw->region = r;
	each_sum(lw, r, clear_sum);
	lw->region_at = 0;
	lw->region_count = r->sub;
	lw->carry = r->full > 1 ? CARRY_LOOP : CARRY_NEW;
	if (r->full > 1) {
		lw->region_loop = tile_loop_open(lw->p, "sub", r->full);
		lw->region_loop->overlap = r->overlap;
		if (!r->sweep)
			watch(lw, r);
	}
	ok = iteration(lw, r, node);
	if (r->full > 1)
		tile_loop_close(lw->p);
	lw->region_loop = NULL;
	if (ok && r->rest > 0) {
		lw->region_at = r->full * r->sub;
		lw->region_count = r->rest;
		lw->carry = CARRY_ADD;
		ok = iteration(lw, r, node);
	}
	lw->gbuf_free = r->room;
	each_sum(lw, r, store_sum);
	lw->region = NULL;
	lw->carry = CARRY_NEW;
	return ok;
}
