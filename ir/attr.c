/* Attributes of nodes. */
#include "ir/graph.h"

#include <string.h>

static struct attr *
find_attr(const struct node *n, enum attr_id id)
{
	for (int i = 0; i < n->nattrs; i++)
		if (n->attrs[i].id == id)
			return &n->attrs[i];
	ice("node_attr", "%s has no attribute %s", op_info(n->op)->name,
	    attr_name(id));
}

static struct attr *
find_kind(const struct node *n, enum attr_id id, enum attr_kind kind)
{
	struct attr *a = find_attr(n, id);
	enum attr_kind is = attr_kind(id) == ATTR_ENUM ? ATTR_INT
	                                               : attr_kind(id);

	if (is != kind)
		ice("node_attr", "attribute %s has another kind",
		    attr_name(id));
	return a;
}

const struct attr *
node_attr(const struct node *n, enum attr_id id)
{
	return find_attr(n, id);
}

int64_t
node_int(const struct node *n, enum attr_id id)
{
	return find_kind(n, id, ATTR_INT)->i;
}

double
node_float(const struct node *n, enum attr_id id)
{
	return find_kind(n, id, ATTR_FLOAT)->f;
}

const int64_t *
node_ints(const struct node *n, enum attr_id id, size_t *len)
{
	const struct attr *a = find_kind(n, id, ATTR_INTS);

	*len = a->n;
	return a->ints;
}

void
node_set_int(struct graph *g, struct node *n, enum attr_id id, int64_t v)
{
	(void)g;
	find_kind(n, id, ATTR_INT)->i = v;
}

void
node_set_float(struct graph *g, struct node *n, enum attr_id id, double v)
{
	(void)g;
	find_kind(n, id, ATTR_FLOAT)->f = v;
}

void
node_set_ints(struct graph *g, struct node *n, enum attr_id id,
    const int64_t *v, size_t len)
{
	struct attr *a = find_kind(n, id, ATTR_INTS);

	a->n = len;
	a->ints = len == 0 ? NULL
	                   : arena_memdup(g->arena, v, len * sizeof *v);
}

struct attr
attr_make_int(enum attr_id id, int64_t v)
{
	return (struct attr){.id = id, .i = v};
}

struct attr
attr_make_float(enum attr_id id, double v)
{
	return (struct attr){.id = id, .f = v};
}

struct attr
attr_make_ints(enum attr_id id, const int64_t *v, size_t n)
{
	return (struct attr){.id = id, .ints = v, .n = n};
}

struct attr
attr_make_floats(enum attr_id id, const double *v, size_t n)
{
	return (struct attr){.id = id, .floats = v, .n = n};
}

bool
attr_equal(const struct attr *a, const struct attr *b)
{
	if (a->id != b->id)
		return false;
	switch (attr_kind(a->id)) {
	case ATTR_INT:
	case ATTR_ENUM: return a->i == b->i;
	case ATTR_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0;
	case ATTR_INTS:
		return a->n == b->n && (a->n == 0 ||
		    memcmp(a->ints, b->ints, a->n * sizeof *a->ints) == 0);
	case ATTR_FLOATS:
		return a->n == b->n && (a->n == 0 ||
		    memcmp(a->floats, b->floats, a->n * sizeof *a->floats)
		    == 0);
	}
	return false;
}
