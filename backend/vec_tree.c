/* Values that are not kept: element-wise results that their readers compute
 * again, tile by tile. */
#include "backend/group.h"
#include "backend/place.h"
#include "backend/vec.h"

#include <string.h>

/* ---- emission ---- */

static int
operand_of(struct vop *o, const struct value *v, const struct tensor_type *y,
    const int *at)
{
	struct place pl = *place_of(o->lw, v);
	int k;
	for (k = 1; k < o->nops; k++)
		if (o->seen[k] == v)
			return k;
	if (o->nops == MAX_OPERANDS)
		return 0;
	o->seen[o->nops] = v;
	o->pl[o->nops] = pl;
	for (int i = 0; i < y->rank; i++) {
		int j = i - (y->rank - pl.rank);
		int64_t *stride = &o->dim[at != NULL ? at[i] : i].stride[k];
		*stride = j >= 0 && pl.dim[j] > 1 ? pl.stride[j] : 0;
	}
	return o->nops++;
}

int
vop_source(struct vop *o, const struct value *v, const struct tensor_type *y,
    const int *at)
{
	struct vstep s = {.dtype = v->type.dtype};
	bool beside = v == o->lw->beside;
	if (!o->lw->res->info[v->id].inlined && !beside)
		return operand_of(o, v, y, at);
	for (int j = 0; j < o->nsteps; j++)
		if (o->step_of[j] == v)
			return beside ? o->step[j].to : -1 - j;
	const struct node *n = v->def;
	if (!vop_func(n, &s.func, s.param))
		return 0;
	s.nsrc = vec_func_sources(s.func);
	for (int i = 0; i < s.nsrc; i++) {
		s.src[i] = vop_source(o, n->in[i], &v->type, at);
		if (s.src[i] == 0)
			return 0;
	}
	if (o->nsteps == MAX_STEPS)
		return 0;
	if (beside) {
		s.to = operand_of(o, v, y, at);
		if (s.to == 0)
			return 0;
		o->made[s.to] = true;
	}
	o->step_of[o->nsteps] = v;
	o->step[o->nsteps] = s;
	o->nsteps++;
	return s.to > 0 ? s.to : -o->nsteps;
}

/* ---- which values ---- */

/* What computing a value again takes. */
struct tree {
	const struct value *leaf[MAX_OPERANDS];
	int leaves, steps;
	int large; /* leaves of its own size */
};

static void
grow(struct lower *lw, const struct value *v, int64_t elems, struct tree *t)
{
	if (!lw->res->info[v->id].inlined) {
		for (int i = 0; i < t->leaves && i < MAX_OPERANDS; i++)
			if (t->leaf[i] == v)
				return;
		if (t->leaves < MAX_OPERANDS)
			t->leaf[t->leaves] = v;
		t->leaves++;
		t->large += type_elems(&v->type) == elems;
		return;
	}
	t->steps++;
	for (int i = 0; i < v->def->nin; i++)
		grow(lw, v->def->in[i], elems, t);
}

/* Whether n can take a tree in place of operand i, whose shape v has. */
static bool
takes_tree(const struct lower *lw, const struct node *n, const struct value *v)
{
	enum vec_func f;
	double param[2];
	if (lw->sched->part[n->id] == PART_SUM)
		return false;
	if (op_info(n->op)->lowering == LOWER_REDUCE)
		return n->op != OP_argmax && n->op != OP_argmin;
	return op_info(n->op)->lowering == LOWER_MAP &&
	    vop_func(n, &f, param) &&
	    shape_equal(&n->out[0]->type, &v->type);
}

static bool
same_time(const struct lower *lw, const struct node *a, const struct node *b)
{
	const struct region *x = group_loop_at(lw, lw->res->index[a->id]);
	const struct region *y = group_loop_at(lw, lw->res->index[b->id]);
	/* a sweep and what is behind it are one layer */
	return x == y || ((x == NULL || x->sweep) && (y == NULL ||
	    y->sweep) && strcmp(a->phase, b->phase) == 0);
}

static bool
may_inline(struct lower *lw, const struct value *v)
{
	const struct node *n = v->def;
	enum vec_func f;
	double param[2];
	struct tree t = {0};
	if (v->keep != KEEP_AUTO || v->nends > 0 || v->uses.len == 0 ||
	    n->nout != 1 || n->op == OP_identity ||
	    op_info(n->op)->lowering != LOWER_MAP ||
	    !vop_func(n, &f, param) || v->type.rank == 0 ||
	    v->type.rank > VEC_MAX_RANK || type_elems(&v->type) == 0)
		return false;
	for (size_t i = 0; i < v->uses.len; i++) {
		const struct node *u = v->uses.data[i].node;
		if (!takes_tree(lw, u, v) || !same_time(lw, n, u))
			return false;
	}
	for (int i = 0; i < n->nin; i++)
		grow(lw, n->in[i], type_elems(&v->type), &t);
	/* readers of one value must not read several instead of it */
	const struct node *first = v->uses.data[0].node;
	bool once = true;
	for (size_t i = 1; i < v->uses.len; i++)
		once = once && v->uses.data[i].node == first;
	return t.steps + 1 <= MAX_STEPS - 2 && t.leaves <= MAX_OPERANDS - 3 &&
	    (once || t.large <= 1);
}

/* A reader whose trees are too large keeps its operands. */
static void
limit_trees(struct lower *lw, const struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;
	while (l == LOWER_MAP || l == LOWER_REDUCE) {
		struct tree t = {0};
		const struct value *drop = NULL;
		for (int i = 0; i < n->nin; i++) {
			if (n->in[i] == NULL)
				return;
			grow(lw, n->in[i], 0, &t);
			if (lw->res->info[n->in[i]->id].inlined)
				drop = n->in[i];
		}
		if (drop == NULL || (t.steps <= MAX_STEPS &&
		    t.leaves < MAX_OPERANDS))
			return;
		lw->res->info[drop->id].inlined = false;
	}
}

void
place_find_inlined(struct lower *lw)
{
	if (!lw->sched->train)
		return;
	for (uint32_t i = 0; i < lw->sched->n; i++) {
		const struct node *n = lw->sched->node[i];
		for (int k = 0; k < n->nout; k++) {
			const struct value *v = n->out[k];
			if (v != NULL)
				lw->res->info[v->id].inlined =
				    may_inline(lw, v);
		}
	}
	for (uint32_t i = 0; i < lw->sched->n; i++)
		limit_trees(lw, lw->sched->node[i]);
}

bool
place_inlined(const struct lower *lw, const struct node *n)
{
	return n->nout > 0 && n->out[0] != NULL &&
	    lw->res->info[n->out[0]->id].inlined;
}

/* ---- values that are made beside what reads them ---- */

/* Whether only u reads v, itself or through what it computes. */
static bool
read_by(const struct lower *lw, const struct value *v, const struct node *u)
{
	for (size_t i = 0; i < v->uses.len; i++) {
		const struct node *r = v->uses.data[i].node;
		if (r != u && (!place_inlined(lw, r) ||
		    !read_by(lw, r->out[0], u)))
			return false;
	}
	return v->uses.len > 0;
}

/* Operands of the tree of n that lie where `to` does are read element by
 * element before it is written. */
static bool
in_step(struct lower *lw, const struct node *n, const struct place *to)
{
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		const struct place *pl;
		if (lw->res->info[v->id].inlined) {
			if (!in_step(lw, v->def, to))
				return false;
			continue;
		}
		pl = place_of(lw, v);
		if (pl->buf == to->buf && !place_same(pl, to))
			return false;
	}
	return true;
}

/* A plain element-wise op on the whole of what it computes. */
static bool
is_plain(const struct lower *lw, const struct node *n)
{
	enum vec_func f;
	double param[2];
	return op_info(n->op)->lowering == LOWER_MAP && n->nout == 1 &&
	    lw->sched->part[n->id] == PART_WHOLE &&
	    n->op != OP_random_bits && n->op != OP_mask_pack &&
	    n->op != OP_mask_select && vop_func(n, &f, param);
}

/* The node that is lowered after position at, outside of regions. */
static const struct node *
next_node(const struct lower *lw, uint32_t at)
{
	const struct schedule *s = lw->sched;
	while (++at < s->n && s->region[at] == NULL) {
		const struct node *n = s->node[at];
		if (!place_is_view(lw, n) && !place_inlined(lw, n))
			return n;
	}
	return NULL;
}

/* Whether what is assigned after position at is v alone, and in its place. */
static bool
assigned_in_place(struct lower *lw, uint32_t at, const struct value *v)
{
	for (size_t i = 0; i < lw->g->assigns.len; i++) {
		struct place to;
		if (place_assign_at(lw, i) != at)
			continue;
		to = place_assigned(lw, i);
		if (lw->g->assigns.data[i].to != v ||
		    !place_same(place_of(lw, v), &to))
			return false;
	}
	return true;
}

/* The node behind position at, which alone reads what the one there computes,
 * if both are plain and of one shape; else NULL. */
static const struct node *
alone_behind(const struct lower *lw, uint32_t at)
{
	const struct node *n = lw->sched->node[at];
	const struct node *u = next_node(lw, at);
	const struct value *v = n->out[0];
	if (u == NULL || !is_plain(lw, n) || !is_plain(lw, u) ||
	    !shape_equal(&v->type, &u->out[0]->type) || !read_by(lw, v, u) ||
	    value_is_output(lw->g, v))
		return NULL;
	return u;
}

bool
vop_wants_beside(const struct lower *lw, const struct value *v)
{
	uint32_t at = (uint32_t)lw->res->index[v->def->id];
	const struct info *in = &lw->res->info[v->id];
	return in->state != NULL && in->is_root && !in->looped &&
	    lw->sched->region[at] == NULL && alone_behind(lw, at) != NULL;
}

bool
vop_beside(struct lower *lw, uint32_t at)
{
	const struct node *n = lw->sched->node[at];
	const struct node *u = alone_behind(lw, at);
	const struct value *v = n->out[0];
	const struct place *pl, *to;
	struct tree t = {0};
	if (u == NULL)
		return false;
	pl = place_of(lw, v);
	to = place_of(lw, u->out[0]);
	if (pl->buf->role != ROLE_STATE || pl->buf == to->buf ||
	    pl->dtype != v->type.dtype || place_on_chip(pl) ||
	    !assigned_in_place(lw, at, v) ||
	    !in_step(lw, n, pl) || !in_step(lw, n, to) ||
	    !in_step(lw, u, pl) || !in_step(lw, u, to))
		return false;
	for (int i = 0; i < n->nin; i++)
		grow(lw, n->in[i], 0, &t);
	for (int i = 0; i < u->nin; i++)
		grow(lw, u->in[i], 0, &t);
	return t.steps < MAX_STEPS && t.leaves + 1 < MAX_OPERANDS;
}

int64_t
place_tree_bytes(struct lower *lw, const struct node *n)
{
	struct tree t = {0};
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL)
			grow(lw, n->in[i], 0, &t);
	/* two versions of each operand and the result */
	return t.steps == 0 ? 0 : (2 * (t.leaves + 1) + t.steps + 1) *
	    lw->target->sram_align;
}
