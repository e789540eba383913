#include "backend/tile.h"

#include <string.h>

struct tile_program *
tile_new(struct arena *a, const struct wave_target *t)
{
	struct tile_program *p = NEW(a, struct tile_program);

	p->arena = a;
	p->target = t;
	p->groups = 1;
	p->entry = "main";
	return p;
}

struct tile_buffer *
tile_buffer(struct tile_program *p, const char *name, enum space space,
    int64_t bytes, int depth, struct tile_loop *scope)
{
	struct tile_buffer *b = NEW(p->arena, struct tile_buffer);

	b->id = (uint32_t)p->buffers.len;
	b->name = name;
	b->space = space;
	b->bytes = bytes;
	b->depth = depth;
	b->scope = scope;
	b->traffic = TRAFFIC_OTHER;
	VEC_PUSH(p->arena, &p->buffers, b);
	return b;
}

/* A node at the end of the cursor's body. */
static struct tile_node *
append(struct tile_program *p, enum tile_node_kind kind)
{
	struct tile_node *n = NEW(p->arena, struct tile_node);
	struct tile_node **first = p->cur != NULL ? &p->cur->first : &p->first;
	struct tile_node **last = p->cur != NULL ? &p->cur->last : &p->last;

	n->kind = kind;
	n->parent = p->cur;
	n->op = p->cur_op;
	if (*last != NULL)
		(*last)->next = n;
	else
		*first = n;
	*last = n;
	return n;
}

struct tile_loop *
tile_loop_open(struct tile_program *p, const char *name, int64_t count)
{
	struct tile_node *n = append(p, TILE_NODE_LOOP);
	struct tile_loop *l = NEW(p->arena, struct tile_loop);

	l->id = (uint32_t)p->loops.len;
	l->name = name;
	l->count = count;
	l->parent = p->cur;
	l->depth = p->cur != NULL ? p->cur->depth + 1 : 0;
	l->node = n;
	n->loop = l;
	VEC_PUSH(p->arena, &p->loops, l);
	p->cur = l;
	return l;
}

void
tile_loop_close(struct tile_program *p)
{
	if (p->cur == NULL)
		ice("tile", "loop closed that was not opened");
	p->cur = p->cur->parent;
}

struct tile_insn *
tile_emit(struct tile_program *p, enum tile_kind kind, enum queue queue)
{
	struct tile_node *n = append(p, TILE_NODE_INSN);
	struct tile_insn *in = NEW(p->arena, struct tile_insn);

	n->insn = in;
	in->kind = kind;
	in->queue = queue;
	switch (kind) {
	case TILE_LOAD:
	case TILE_STORE:
		in->dma = NEW(p->arena, struct tile_dma);
		in->dma->d.index_dim = -1;
		break;
	case TILE_LDV:
	case TILE_LDH:
	case TILE_DRAIN:
	case TILE_LDOBUF:
		in->mx.view = NEW(p->arena, struct tile_view);
		break;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		in->vec = NEW(p->arena, struct tile_vec);
		break;
	case TILE_SHIFT:
	case TILE_EXEC:
	case TILE_BARRIER:
	case TILE_KIND_COUNT:
		break;
	}
	return in;
}

struct tile_aff
taff(struct tile_buffer *b, int64_t offset)
{
	struct tile_aff a;

	memset(&a, 0, sizeof a);
	a.buffer = b;
	a.offset = offset;
	return a;
}

struct tile_aff
taff_num(int64_t v)
{
	return taff(NULL, v);
}

void
taff_add(struct tile_aff *a, struct tile_loop *l, int64_t stride)
{
	if (stride == 0)
		return;
	for (int i = 0; i < a->nterms; i++) {
		if (a->term[i].loop == l) {
			a->term[i].stride += stride;
			return;
		}
	}
	if (a->nterms == ISA_MAX_LOOPS)
		ice("tile", "an affine value over more than %d loops",
		    ISA_MAX_LOOPS);
	a->term[a->nterms].loop = l;
	a->term[a->nterms].stride = stride;
	a->nterms++;
}
