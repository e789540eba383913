/* cse: of equal nodes in one phase, and of equal small constants, the first
 * stays. Of different phases only what is small, such as the statistics of a
 * norm, is computed once: keeping a large value for the backward pass costs
 * more than computing it again. */
#include <string.h>

#include "passes/rewrite.h"
#include "support/str.h"

#define MAX_CONST 65536 /* bytes of a constant worth comparing */

/* Open addressing; insertion only, so the outcome depends on the order of
 * the graph alone. */
struct slot {
	uint64_t hash;
	void *item; /* struct node or struct value */
};

struct table {
	struct slot *slots;
	size_t mask;
};

static void
table_init(struct table *t, struct arena *a, size_t items)
{
	size_t size = 16;

	while (size < 2 * items)
		size *= 2;
	t->slots = NEW_ARRAY(a, struct slot, size);
	t->mask = size - 1;
}

/* The item equal to `item`, which is inserted when there is none. */
static void *
table_unique(struct table *t, uint64_t hash, void *item,
    bool (*equal)(const void *a, const void *b))
{
	size_t i = (size_t)hash & t->mask;

	for (;; i = (i + 1) & t->mask) {
		struct slot *s = &t->slots[i];

		if (s->item == NULL) {
			s->hash = hash;
			s->item = item;
			return item;
		}
		if (s->hash == hash && equal(s->item, item))
			return s->item;
	}
}

static uint64_t
hash_type(uint64_t h, const struct tensor_type *t)
{
	h = hash_bytes(h, &t->dtype, sizeof t->dtype);
	h = hash_bytes(h, &t->rank, sizeof t->rank);
	return hash_bytes(h, t->dim, (size_t)t->rank * sizeof t->dim[0]);
}

static bool
const_equal(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	return type_equal(&x->type, &y->type) &&
	    memcmp(x->data, y->data, (size_t)type_bytes(&x->type)) == 0;
}

static void
unify_const(struct pass_ctx *c, struct table *t, struct node *n, int i)
{
	struct value *v = n->in[i], *first;
	int64_t bytes;
	uint64_t h;

	if (v == NULL || v->kind != VALUE_CONST)
		return;
	bytes = type_bytes(&v->type);
	if (bytes == 0 || bytes > MAX_CONST)
		return;
	h = hash_type(WAVE_HASH_SEED, &v->type);
	h = hash_bytes(h, v->data, (size_t)bytes);
	first = table_unique(t, h, v, const_equal);
	if (first == v)
		return;
	node_set_in(c->g, n, i, first);
	c->changed = true;
}

/* What a node computes, whatever its phase: operands stand for all values
 * equal to them. */
struct form {
	struct node *node;        /* the first */
	const struct value **in;  /* the two of a commutative op by their ids */
	struct form *next;        /* of another phase */
};

struct cse {
	struct pass_ctx *c;
	const struct value **equal; /* by value id: the first equal one */
	bool *small;                /* by value id */
	uint32_t nvalues;           /* when it started */
	struct table forms, consts;
};

static const struct value *
first_equal(const struct cse *x, const struct value *v)
{
	return v == NULL || v->id >= x->nvalues || x->equal[v->id] == NULL ?
	    v : x->equal[v->id];
}

static struct form *
form_of(struct cse *x, struct node *n)
{
	struct form *f = NEW(x->c->scratch, struct form);
	size_t count = (size_t)n->nin;

	f->node = n;
	f->in = NEW_ARRAY(x->c->scratch, const struct value *, count + 2);
	for (int i = 0; i < n->nin; i++)
		f->in[i] = first_equal(x, n->in[i]);
	if ((op_info(n->op)->flags & OPF_COMMUTES) != 0 &&
	    f->in[0]->id > f->in[1]->id) {
		const struct value *t = f->in[0];

		f->in[0] = f->in[1];
		f->in[1] = t;
	}
	return f;
}

static uint64_t
hash_attr(uint64_t h, const struct attr *a)
{
	h = hash_bytes(h, &a->id, sizeof a->id);
	h = hash_bytes(h, &a->i, sizeof a->i);
	h = hash_bytes(h, &a->f, sizeof a->f);
	if (a->ints != NULL)
		h = hash_bytes(h, a->ints, a->n * sizeof *a->ints);
	if (a->floats != NULL)
		h = hash_bytes(h, a->floats, a->n * sizeof *a->floats);
	return h;
}

static uint64_t
hash_form(const struct form *f)
{
	const struct node *n = f->node;
	uint64_t h = hash_bytes(WAVE_HASH_SEED, &n->op, sizeof n->op);

	for (int i = 0; i < n->nin; i++)
		h = hash_bytes(h, &f->in[i], sizeof f->in[i]);
	for (int i = 0; i < n->nattrs; i++)
		h = hash_attr(h, &n->attrs[i]);
	if (n->out[0] != NULL)
		h = hash_type(h, &n->out[0]->type);
	return h;
}

static bool
same_results(const struct node *x, const struct node *y)
{
	if (x->nout != y->nout)
		return false;
	for (int i = 0; i < x->nout; i++) {
		if ((x->out[i] == NULL) != (y->out[i] == NULL))
			return false;
		if (x->out[i] != NULL &&
		    !type_equal(&x->out[i]->type, &y->out[i]->type))
			return false;
	}
	return true;
}

static bool
same_phase(const struct node *x, const struct node *y)
{
	if (x->group != y->group)
		return false;
	if (x->phase == NULL || y->phase == NULL)
		return x->phase == y->phase;
	return strcmp(x->phase, y->phase) == 0;
}

static bool
form_equal(const void *a, const void *b)
{
	const struct form *f = a, *g = b;
	const struct node *x = f->node, *y = g->node;

	if (x->op != y->op || x->nin != y->nin || !same_results(x, y))
		return false;
	for (int i = 0; i < x->nin; i++)
		if (f->in[i] != g->in[i])
			return false;
	for (int i = 0; i < x->nattrs; i++)
		if (!attr_equal(&x->attrs[i], &y->attrs[i]))
			return false;
	return true;
}

static bool
has_end(const struct node *n)
{
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL && value_is_end(n->out[i]))
			return true;
	return false;
}

static void
merge(struct pass_ctx *c, struct node *first, struct node *n)
{
	pass_remark(c, &n->loc, "%s is the same as %s", node_label(c, n),
	    node_label(c, first));
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL)
			value_replace(c->g, n->out[i], first->out[i]);
	graph_remove(c->g, n);
	c->changed = true;
}

/* ---- what is small ---- */

#define SMALL 16 /* times smaller than what it was reduced from */

/* What repeats elements takes more memory than it takes time. */
static bool
repeats(const struct node *n)
{
	return n->op == OP_expand && type_elems(&n->out[0]->type) >
	    type_elems(&n->in[0]->type);
}

/* A reduction, or what element-wise ops and data movement make of some. */
static bool
is_small(const struct cse *x, const struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;
	int64_t elems = type_elems(&n->out[0]->type);
	bool any = false;

	if (n->nout != 1 || (l != LOWER_REDUCE && l != LOWER_MAP &&
	    l != LOWER_MOVE) || repeats(n))
		return false;
	if (l == LOWER_REDUCE &&
	    type_elems(&n->in[0]->type) / SMALL >= elems)
		return true;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];

		if (v == NULL || v->kind == VALUE_CONST ||
		    v->kind == VALUE_STATE)
			continue;
		if (v->id >= x->nvalues || !x->small[v->id])
			return false;
		any = any || type_elems(&v->type) * SMALL >= elems;
	}
	return any;
}

/* ---- the pass ---- */

/* The node that n may give way to, or n. */
static struct node *
find_first(struct cse *x, struct node *n)
{
	struct form *f = form_of(x, n), *first, *at;

	first = table_unique(&x->forms, hash_form(f), f, form_equal);
	if (first == f)
		return n;
	for (at = first; at != NULL; at = at->next)
		if (same_phase(at->node, n))
			return at->node;
	if (is_small(x, n))
		return first->node;
	f->next = first->next;
	first->next = f;
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] != NULL)
			x->equal[n->out[i]->id] = first_equal(x,
			    first->node->out[i]);
	return n;
}

bool
pass_cse(struct pass_ctx *c)
{
	struct cse x = {.c = c, .nvalues = c->g->nvalues};
	size_t nnodes = 0, nins = 0;

	graph_foreach_node(c->g, n) {
		nnodes++;
		nins += (size_t)n->nin;
	}
	x.equal = NEW_ARRAY(c->scratch, const struct value *, x.nvalues + 1);
	x.small = NEW_ARRAY(c->scratch, bool, x.nvalues + 1);
	table_init(&x.forms, c->scratch, nnodes);
	table_init(&x.consts, c->scratch, nins);
	graph_foreach_node_safe(c->g, n, next) {
		struct node *first;

		for (int i = 0; i < n->nin; i++)
			unify_const(c, &x.consts, n, i);
		if (n->out[0] != NULL)
			x.small[n->out[0]->id] = is_small(&x, n);
		/* Two outputs keep two nodes. */
		if (has_end(n))
			continue;
		first = find_first(&x, n);
		if (first != n)
			merge(c, first, n);
	}
	return true;
}
