#include "backend/tile_banks.h"

#include "backend/tile_access.h"

enum { MEM_V, MEM_H, MEM_O, MEM_COUNT };

/* Turns of each memory; the two matrix queues have banks of their own. */
struct turns {
	int64_t n[MEM_COUNT][2];
};

struct tile_banks {
	const struct tile_program *p;
	struct turns top;     /* of the entry */
	struct turns *each;   /* of one iteration, by loop id */
	struct turns *before; /* in the iteration around it, before a loop */
	int64_t *turn;        /* in the iteration of its scope, by buffer */
	bool *seen, *low;     /* by buffer; low: of queue ml */
};

static int
memory(enum space s)
{
	switch ((int)s) {
	case SPACE_LBUF_V: return MEM_V;
	case SPACE_LBUF_H: return MEM_H;
	case SPACE_OBUF: return MEM_O;
	default: return -1;
	}
}

static struct turns *
turns_of(struct tile_banks *k, const struct tile_loop *l)
{
	return l != NULL ? &k->each[l->id] : &k->top;
}

/* Buffers that the leaf is the first to use take their turns. */
static void
first_uses(struct tile_banks *k, const struct tile_node *leaf)
{
	struct tile_access acc[TILE_MAX_ACCESS];
	int n = tile_accesses(leaf->insn, 1, acc);
	bool low = leaf->insn->queue == Q_ML;

	for (int i = 0; i < n; i++) {
		const struct tile_buffer *b = acc[i].buffer;
		int m = memory(b->space);

		if (m < 0 || k->seen[b->id])
			continue;
		k->seen[b->id] = true;
		k->low[b->id] = low;
		k->turn[b->id] = turns_of(k, b->scope)->n[m][low]++;
	}
}

static void
count(struct tile_banks *k, const struct tile_node *body,
    const struct tile_loop *around)
{
	for (const struct tile_node *n = body; n != NULL; n = n->next) {
		if (n->kind == TILE_NODE_INSN) {
			first_uses(k, n);
			continue;
		}
		struct turns *t = turns_of(k, around);

		k->before[n->loop->id] = *t;
		count(k, n->loop->first, n->loop);
		for (int m = 0; m < MEM_COUNT; m++)
			for (int q = 0; q < 2; q++)
				t->n[m][q] = sat_add(t->n[m][q],
				    sat_mul(n->loop->count,
					k->each[n->loop->id].n[m][q]));
	}
}

struct tile_banks *
tile_banks(struct arena *a, const struct tile_program *p)
{
	struct tile_banks *k = NEW(a, struct tile_banks);

	k->p = p;
	k->each = NEW_ARRAY(a, struct turns, p->loops.len + 1);
	k->before = NEW_ARRAY(a, struct turns, p->loops.len + 1);
	k->turn = NEW_ARRAY(a, int64_t, p->buffers.len + 1);
	k->seen = NEW_ARRAY(a, bool, p->buffers.len + 1);
	k->low = NEW_ARRAY(a, bool, p->buffers.len + 1);
	count(k, p->first, NULL);
	return k;
}

void
tile_bank_ring(const struct tile_banks *k, const struct tile_buffer *b,
    struct aff *out)
{
	int m = memory(b->space);
	int64_t banks = m == MEM_O ? k->p->target->obuf_banks :
				     k->p->target->lbuf_banks;
	int64_t base = k->turn[b->id];
	bool low = k->low[b->id], moves = false;

	if (m < 0 || banks < 2)
		return;
	for (const struct tile_loop *l = b->scope; l != NULL; l = l->parent) {
		out->rcoef[l->depth] = k->each[l->id].n[m][low] % banks;
		moves = moves || out->rcoef[l->depth] != 0;
		base = (base + k->before[l->id].n[m][low]) % banks;
	}
	out->rbase = base % banks;
	if (!moves && out->rbase == 0)
		return;
	out->rcount = banks;
	out->rstep = 1;
}
