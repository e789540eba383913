/* cse: of equal nodes in one phase, and of equal small constants, the first
 * stays. */
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

static bool
swapped(const struct node *n)
{
	return (op_info(n->op)->flags & OPF_COMMUTES) != 0 &&
	    n->in[0]->id > n->in[1]->id;
}

/* Operand i, the two of a commutative op in the order of their ids. */
static const struct value *
ordered_in(const struct node *n, int i)
{
	return i < 2 && swapped(n) ? n->in[1 - i] : n->in[i];
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
hash_node(const struct node *n)
{
	uint64_t h = hash_bytes(WAVE_HASH_SEED, &n->op, sizeof n->op);

	for (int i = 0; i < n->nin; i++) {
		const struct value *v = ordered_in(n, i);

		h = hash_bytes(h, &v, sizeof v);
	}
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
node_equal(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->op != y->op || x->nin != y->nin || !same_results(x, y) ||
	    !same_phase(x, y))
		return false;
	for (int i = 0; i < x->nin; i++)
		if (ordered_in(x, i) != ordered_in(y, i))
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

bool
pass_cse(struct pass_ctx *c)
{
	struct table nodes, consts;
	size_t nnodes = 0, nins = 0;

	graph_foreach_node(c->g, n) {
		nnodes++;
		nins += (size_t)n->nin;
	}
	table_init(&nodes, c->scratch, nnodes);
	table_init(&consts, c->scratch, nins);
	graph_foreach_node_safe(c->g, n, next) {
		struct node *first;

		for (int i = 0; i < n->nin; i++)
			unify_const(c, &consts, n, i);
		/* Two outputs keep two nodes. */
		if (has_end(n))
			continue;
		first = table_unique(&nodes, hash_node(n), n, node_equal);
		if (first != n)
			merge(c, first, n);
	}
	return true;
}
