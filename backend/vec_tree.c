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
	if (!o->lw->res->info[v->id].inlined)
		return operand_of(o, v, y, at);
	for (int j = 0; j < o->nsteps; j++)
		if (o->step_of[j] == v)
			return -1 - j;
	const struct node *n = v->def;
	if (!vop_func(n, &s.func, s.param))
		return 0;
	s.nsrc = n->nin;
	for (int i = 0; i < n->nin; i++) {
		s.src[i] = vop_source(o, n->in[i], &v->type, at);
		if (s.src[i] == 0)
			return 0;
	}
	if (o->nsteps == MAX_STEPS)
		return 0;
	o->step_of[o->nsteps] = v;
	o->step[o->nsteps] = s;
	return -1 - o->nsteps++;
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
