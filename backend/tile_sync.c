/* The walk over the tree: inner bodies first, each from the accesses of its
 * children. */
#include "backend/tile_sync.h"

#include <stdlib.h>
#include <string.h>

/* Accesses of one kind that a loop hands to the body around it; more are
 * joined into one range. */
#define MAX_ALIKE 24

static void
set_never(struct sync_clock *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int q = 0; q < Q_COUNT; q++)
			c[i].at[q] = SYNC_NEVER;
	}
}

/* Last leaf of each queue in each node. */
static void
last_leaves(struct sync_pass *s)
{
	const struct tile_order *o = &s->order;
	uint32_t none = o->nleaves;

	s->last = arena_calloc(s->a, o->nnodes + 1, sizeof *s->last);
	for (uint32_t i = 0; i < o->nnodes; i++) {
		for (int q = 0; q < Q_COUNT; q++)
			s->last[i][q] = none;
	}
	for (uint32_t i = o->nleaves; i-- > 0;) {
		const struct tile_node *n = o->leaf[i];
		enum queue q = n->insn->queue;
		while (n != NULL && s->last[n->order][q] == none) {
			s->last[n->order][q] = i;
			n = n->parent != NULL ? n->parent->node : NULL;
		}
	}
}

static void
add_access(struct sync_pass *s, struct sync_body *body,
    const struct tile_access *box, enum queue q, uint32_t child,
    uint32_t leaf)
{
	struct sync_access *x = NEW(s->a, struct sync_access);

	x->box = *box;
	x->queue = q;
	x->child = child;
	x->first = x->last = leaf;
	VEC_PUSH(s->a, &body->access, x);
}

/* What groups share, whole: a barrier comes after all that a group did to it
 * before, and before all that it does to it later. */
static void
barrier_accesses(struct sync_pass *s, struct sync_body *body, uint32_t child)
{
	uint32_t leaf = body->child[child].span.first;

	for (size_t i = 0; i < s->p->buffers.len; i++) {
		struct tile_buffer *b = s->p->buffers.data[i];
		struct tile_access x;

		if (b->space != SPACE_DRAM || b->role == ROLE_CONST ||
		    b->role == ROLE_INPUT || b->per_group)
			continue;
		memset(&x, 0, sizeof x);
		x.buffer = b;
		x.write = true;
		x.len = x.hi = b->bytes;
		add_access(s, body, &x, Q_CO, child, leaf);
	}
}

/* Accesses of an instruction; ShiftV and ExecGEMM also meet in the registers
 * of the PEs. */
static void
leaf_accesses(struct sync_pass *s, struct sync_body *body, uint32_t child)
{
	const struct tile_insn *in = body->child[child].node->insn;
	uint32_t leaf = body->child[child].span.first;
	struct tile_access acc[TILE_MAX_ACCESS + 1];
	int n = tile_accesses(in, s->p->groups, acc);

	if (in->kind == TILE_BARRIER) {
		barrier_accesses(s, body, child);
		return;
	}
	if (in->kind == TILE_SHIFT || in->kind == TILE_EXEC) {
		memset(&acc[n], 0, sizeof acc[n]);
		acc[n].buffer = s->pe;
		acc[n].write = in->kind == TILE_SHIFT;
		acc[n].len = acc[n].hi = 1;
		n++;
	}
	for (int i = 0; i < n; i++)
		add_access(s, body, &acc[i], in->queue, child, leaf);
}

/* x, an access of the body of l, as the body around l sees it. */
static void
hoist(struct sync_access *x, const struct tile_loop *l)
{
	int64_t step = x->box.loop[l->depth];

	x->box.loop[l->depth] = 0;
	if (x->foreign)
		return;
	if (x->box.buffer->scope == l) {
		x->foreign = true;
		x->box.ndims = 0;
		memset(x->box.loop, 0, sizeof x->box.loop);
		return;
	}
	tile_access_dim(&x->box, step, l->count);
}

static int
by_kind(const void *pa, const void *pb)
{
	const struct sync_access *a = *(struct sync_access *const *)pa;
	const struct sync_access *b = *(struct sync_access *const *)pb;

	if (a->box.buffer->id != b->box.buffer->id)
		return a->box.buffer->id < b->box.buffer->id ? -1 : 1;
	if (a->queue != b->queue)
		return a->queue < b->queue ? -1 : 1;
	if (a->box.write != b->box.write)
		return a->box.write ? 1 : -1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

static bool
alike(const struct sync_access *a, const struct sync_access *b)
{
	return a->box.buffer == b->box.buffer && a->queue == b->queue &&
	    a->box.write == b->box.write;
}

/* Joins n accesses of one kind into the range over all of them. */
static void
join(struct sync_access *const *x, size_t n)
{
	struct sync_access *r = x[0];

	for (size_t i = 1; i < n; i++) {
		if (x[i]->first < r->first)
			r->first = x[i]->first;
		if (x[i]->last > r->last)
			r->last = x[i]->last;
		if (x[i]->box.lo < r->box.lo)
			r->box.lo = x[i]->box.lo;
		if (x[i]->box.hi > r->box.hi)
			r->box.hi = x[i]->box.hi;
	}
	r->box.offset = r->box.lo;
	r->box.len = r->box.hi - r->box.lo;
	r->box.ndims = 0;
	memset(r->box.loop, 0, sizeof r->box.loop);
}

/* Keeps the number of accesses that go outward small. */
static void
compact(sync_access_vec *v)
{
	size_t n = 0, from = 0;

	if (v->len == 0)
		return;
	qsort(v->data, v->len, sizeof *v->data, by_kind);
	for (size_t i = 1; i <= v->len; i++) {
		size_t count = i - from;
		if (i < v->len && alike(v->data[i], v->data[from]))
			continue;
		if (count > MAX_ALIKE || v->data[from]->foreign) {
			join(&v->data[from], count);
			count = 1;
		}
		memmove(&v->data[n], &v->data[from],
		    count * sizeof *v->data);
		n += count;
		from = i;
	}
	v->len = n;
}

static void
emit_edges(struct sync_pass *s, const struct sync_body *body,
    struct arena *a, struct tile_syncs *out)
{
	for (uint32_t i = 0; i < body->nchildren; i++) {
		for (int to = 0; to < Q_COUNT; to++) {
			for (int from = 0; from < Q_COUNT; from++) {
				sync_time t = body->child[i].edge[to].at[from];
				struct tile_sync e;
				int64_t back;
				if (t == SYNC_NEVER)
					continue;
				back = t < 0 ? (-t - 1) / s->base + 1 : 0;
				t += back * s->base;
				e.body = body->loop;
				e.from = (enum queue)from;
				e.to = (enum queue)to;
				e.after = body->child[tile_sync_child(body,
				    (uint32_t)(t / 2))].node;
				e.before = body->child[i].node;
				e.distance = back;
				VEC_PUSH(a, &out->edges, e);
			}
		}
	}
}

/* Children with instructions in them. */
static void
list_children(struct sync_pass *s, struct sync_body *body)
{
	uint32_t n = 0;

	for (struct tile_node *c = tile_body(s->p, body->loop); c != NULL;
	     c = c->next)
		n++;
	body->child = NEW_ARRAY(s->a, struct sync_child, n + 1);
	for (struct tile_node *c = tile_body(s->p, body->loop); c != NULL;
	     c = c->next) {
		struct sync_child *k = &body->child[body->nchildren];
		k->span = s->order.span[c->order];
		if (k->span.queues == 0)
			continue;
		k->node = c;
		memcpy(k->last, s->last[c->order], sizeof k->last);
		set_never(k->exit, Q_COUNT);
		set_never(k->edge, Q_COUNT);
		body->nchildren++;
	}
}

/* Analyses the body of loop (NULL: top level); what it accesses goes to
 * *access and what its end implies to exit, for the body around it. */
static void
work(struct sync_pass *s, struct tile_loop *loop, struct arena *a,
    struct tile_syncs *out, sync_access_vec *access, struct sync_clock *exit)
{
	struct sync_body *body = NEW(s->a, struct sync_body);

	body->loop = loop;
	body->depth = loop != NULL ? loop->depth : -1;
	body->iterations = tile_iterations(loop);
	list_children(s, body);
	for (uint32_t i = 0; i < body->nchildren; i++) {
		struct sync_child *c = &body->child[i];
		sync_access_vec inner = { 0 };
		if (c->node->kind == TILE_NODE_INSN) {
			leaf_accesses(s, body, i);
			continue;
		}
		work(s, c->node->loop, a, out, &inner, c->exit);
		for (size_t k = 0; k < inner.len; k++) {
			inner.data[k]->child = i;
			VEC_PUSH(s->a, &body->access, inner.data[k]);
		}
	}
	tile_sync_needs(s, body);
	tile_sync_reduce(s, body);
	emit_edges(s, body, a, out);
	if (loop == NULL)
		return;
	tile_sync_lift(s, body, exit);
	for (size_t i = 0; i < body->access.len; i++)
		hoist(body->access.data[i], loop);
	compact(&body->access);
	*access = body->access;
}

bool
tile_sync(struct tile_program *p, struct diag *d, bool serialize,
    struct tile_syncs *out)
{
	struct sync_pass s;

	(void)d;
	memset(&s, 0, sizeof s);
	memset(out, 0, sizeof *out);
	s.p = p;
	s.a = arena_new();
	s.serialize = serialize;
	tile_order(s.a, p, &s.order);
	s.base = 2 * ((sync_time)s.order.nleaves + 1);
	s.pe = NEW(s.a, struct tile_buffer);
	s.pe->id = (uint32_t)p->buffers.len;
	s.pe->name = "PEs";
	s.pe->bytes = 1;
	s.pe->depth = 1;
	s.entry = NEW_ARRAY(s.a, struct sync_clock, s.order.nleaves + 1);
	set_never(s.entry, s.order.nleaves + 1);
	last_leaves(&s);
	tile_sync_shared(&s);
	if (s.order.nleaves > 0)
		work(&s, NULL, p->arena, out, NULL, NULL);
	arena_free(s.a);
	return true;
}
