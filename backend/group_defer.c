/* Weight gradients of layers that read one value. Branches of a module whose
 * first convolutions share an operand compute their weight gradients one branch
 * after the other; the operand would have to stay on chip, or be loaded again,
 * through all of them. So all wait for the last: the gradients of their results
 * stay instead, where even storing and loading these moves fewer bytes. With a
 * weight gradient waits what only it reads, such as a pool of that operand. */
#include "backend/group.h"

#define AT_ONCE 4 /* ops behind each other that one weight gradient reads */

/* The weight gradients of one operand in a loop. */
struct family {
	const struct node *last;
	uint32_t members;
	int64_t waiting;    /* bytes of the gradients of all but the last */
	int64_t last_bytes; /* and of the last */
	uint32_t head, tail; /* positions of those that wait, + 1 */
};

struct defer {
	const struct schedule *s;
	uint32_t *pos; /* by node id: position in the loop + 1, 0: outside */
	struct family *family; /* by value id */
	uint32_t *next;        /* by position: the next of its family, + 1 */
};

/* The node of the loop that makes v for u alone of one split value; NULL: there
 * is none. */
static const struct node *
own_maker(const struct defer *f, const struct node *u, const struct value *v)
{
	const struct node *n = v->kind == VALUE_NODE ? v->def : NULL;
	enum lowering l;
	int split = 0;

	if (n == NULL || f->pos[n->id] == 0 || v->nends > 0 || n->nout != 1 ||
	    v->keep != KEEP_AUTO || f->s->part[n->id] != PART_SPLIT)
		return NULL;
	l = op_info(n->op)->lowering;
	for (size_t i = 0; i < v->uses.len; i++)
		if (v->uses.data[i].node != u)
			return NULL;
	for (int i = 0; i < n->nin; i++)
		split += n->in[i] != NULL && f->s->split[n->in[i]->id];
	return split == 1 && f->s->split[n->in[0]->id] &&
	    (l == LOWER_WINDOW || l == LOWER_MAP) ? n : NULL;
}

/* What is to be there for a weight gradient: its operand, or what that is made
 * of for it alone, by a chain of nodes, the last first. */
struct origin {
	const struct value *x;
	const struct node *chain[AT_ONCE];
	int len;
};

static struct origin
origin_of(const struct defer *f, const struct node *n)
{
	struct origin plain = {.x = n->in[0]}, o = plain;
	const struct node *u = n, *m;
	bool window = false;

	while (o.len < AT_ONCE && (m = own_maker(f, u, o.x)) != NULL) {
		window = window || op_info(m->op)->lowering == LOWER_WINDOW;
		o.chain[o.len++] = m;
		o.x = m->in[0];
		u = m;
	}
	return window && (o.x->kind != VALUE_NODE ||
	    f->pos[o.x->def->id] == 0) ? o : plain;
}

static struct family *
family_of(const struct defer *f, const struct node *n)
{
	const struct value *x = origin_of(f, n).x;

	/* not of what the loop makes itself */
	return x->kind == VALUE_NODE && f->pos[x->def->id] > 0 ? NULL :
	    &f->family[x->id];
}

static void
count(struct family *f, const struct node *n)
{
	if (f->members++ > 0)
		f->waiting += f->last_bytes;
	f->last_bytes = type_bytes(&n->in[1]->type);
	f->last = n;
}

/* Storing and loading what waits, against loading the operand again. */
static bool
pays(const struct defer *d, const struct family *f)
{
	return f != NULL && f->members > 1 &&
	    2 * f->waiting < (f->members - 1) *
	    type_bytes(&origin_of(d, f->last).x->type);
}

/* Puts all that wait with the last of them, old[i], behind *at. */
static void
put_family(const struct defer *d, const struct family *f,
    struct schedule *s, const struct node *const *old, uint32_t *at)
{
	for (uint32_t k = f->head; k > 0; k = d->next[k - 1]) {
		struct origin o = origin_of(d, old[k - 1]);

		while (o.len > 0)
			s->node[(*at)++] = o.chain[--o.len];
		s->node[(*at)++] = old[k - 1];
	}
}

/* Whether node n only makes the operand of a weight gradient that waits. */
static bool
goes_along(const struct defer *d, const struct node *n)
{
	const struct node *u = n;

	for (int k = 0; k <= AT_ONCE && u != NULL; k++) {
		if (u->op == OP_conv_wgrad) {
			struct origin o = origin_of(d, u);
			bool found = false;

			for (int i = 0; i < o.len; i++)
				found = found || o.chain[i] == n;
			return found && pays(d, family_of(d, u));
		}
		u = u->nout == 1 && u->out[0]->uses.len > 0 ?
		    u->out[0]->uses.data[0].node :
		    NULL;
	}
	return false;
}

static void
find(struct defer *d, const struct region *r)
{
	for (uint32_t i = r->loop; i < r->after; i++)
		d->pos[d->s->node[i]->id] = i - r->loop + 1;
	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *n = d->s->node[i];
		struct family *f = n->op == OP_conv_wgrad ?
		    family_of(d, n) : NULL;

		if (f != NULL)
			count(f, n);
	}
}

void
group_defer(struct lower *lw, struct region *r)
{
	struct schedule *s = lw->sched;
	uint32_t n = r->after - r->loop, at = r->loop;
	struct defer d = {s, NEW_ARRAY(lw->arena, uint32_t,
	    lw->g->nnodes + 1), NEW_ARRAY(lw->arena, struct family,
	    lw->g->nvalues + 1), NEW_ARRAY(lw->arena, uint32_t, n + 1)};
	const struct node **old = NEW_ARRAY(lw->arena, const struct node *,
	    n + 1);

	find(&d, r);
	for (uint32_t i = 0; i < n; i++)
		old[i] = s->node[r->loop + i];
	for (uint32_t i = 0; i < n; i++) {
		const struct node *x = old[i];
		struct family *f;

		if (x->op != OP_conv_wgrad) {
			if (!goes_along(&d, x))
				s->node[at++] = x;
			continue;
		}
		f = family_of(&d, x);
		if (!pays(&d, f)) {
			s->node[at++] = x;
			continue;
		}
		if (f->tail > 0)
			d.next[f->tail - 1] = i + 1;
		else
			f->head = i + 1;
		f->tail = i + 1;
		if (x == f->last)
			put_family(&d, f, s, old, &at);
	}
}
