/* Weight gradients of layers that read one value. Branches of a module whose
 * first convolutions share an operand compute their weight gradients one branch
 * after the other; the operand would have to stay on chip, or be loaded again,
 * through all of them. So all wait for the last: the gradients of their results
 * stay instead, where even storing and loading these moves fewer bytes. */
#include "backend/group.h"

/* The weight gradients of one operand in a loop. */
struct family {
	const struct node *last;
	uint32_t members;
	int64_t waiting;    /* bytes of the gradients of all but the last */
	int64_t last_bytes; /* and of the last */
	uint32_t head, tail; /* positions of those that wait, + 1 */
};

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
pays(const struct family *f, const struct value *x)
{
	return f->members > 1 &&
	    2 * f->waiting < (f->members - 1) * type_bytes(&x->type);
}

/* Finds the family of each operand that the loop does not make itself. */
static struct family *
find(const struct lower *lw, const struct region *r)
{
	const struct schedule *s = lw->sched;
	struct family *f = NEW_ARRAY(lw->arena, struct family,
	    lw->g->nvalues + 1);
	bool *made = NEW_ARRAY(lw->arena, bool, lw->g->nvalues + 1);
	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *n = s->node[i];
		for (int k = 0; k < n->nout; k++)
			if (n->out[k] != NULL)
				made[n->out[k]->id] = true;
		if (n->op == OP_conv_wgrad && !made[n->in[0]->id])
			count(&f[n->in[0]->id], n);
	}
	return f;
}

void
group_defer(struct lower *lw, struct region *r)
{
	struct schedule *s = lw->sched;
	uint32_t n = r->after - r->loop, at = r->loop;
	struct family *family = find(lw, r);
	const struct node **old = NEW_ARRAY(lw->arena, const struct node *,
	    n + 1);
	uint32_t *next = NEW_ARRAY(lw->arena, uint32_t, n + 1);
	for (uint32_t i = 0; i < n; i++)
		old[i] = s->node[r->loop + i];
	for (uint32_t i = 0; i < n; i++) {
		const struct node *x = old[i];
		struct family *f = x->op == OP_conv_wgrad ?
		    &family[x->in[0]->id] : NULL;
		if (f == NULL || !pays(f, x->in[0])) {
			s->node[at++] = x;
			continue;
		}
		if (f->tail > 0)
			next[f->tail - 1] = i + 1;
		else
			f->head = i + 1;
		f->tail = i + 1;
		for (uint32_t k = f->head; x == f->last && k > 0;
		     k = next[k - 1])
			s->node[at++] = old[k - 1];
	}
}
