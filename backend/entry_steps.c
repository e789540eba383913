/* Entry `steps`: a planned step as the body of a hardware loop. */
#include "backend/entry.h"

#include <string.h>

/* The tensors of which each step has its own part. */
static bool
advances(const struct tile_buffer *b, const char *const *each)
{
	if (b == NULL || b->space != SPACE_DRAM || b->bind_name == NULL ||
	    (b->role != ROLE_INPUT && b->role != ROLE_OUTPUT))
		return false;
	for (; *each != NULL; each++)
		if (strcmp(*each, b->bind_name) == 0)
			return true;
	return false;
}

bool
entry_stretch(struct tile_program *p, struct diag *d, int64_t n,
    const char *const *each)
{
	for (size_t i = 0; i < p->buffers.len && n > 1; i++) {
		struct tile_buffer *b = p->buffers.data[i];

		if (!advances(b, each))
			continue;
		if (b->rank == 0) {
			b->rank = 1;
			b->dim[0] = 1;
			b->stride[0] = b->bytes;
		}
		if (b->stride[0] * b->dim[0] != b->bytes ||
		    b->bytes > INT64_MAX / n || b->dim[0] > INT64_MAX / n) {
			diag_error(d, NULL, "'%s' cannot hold %lld steps",
			    b->bind_name, (long long)n);
			return false;
		}
		b->dim[0] *= n;
		b->bytes *= n;
	}
	return true;
}

/* ---- addresses ---- */

struct wrap {
	struct tile_loop *loop;
	const char *const *each;
};

static void
advance(const struct wrap *w, struct tile_aff *a)
{
	if (advances(a->buffer, w->each))
		taff_add(a, w->loop, a->buffer->bytes / w->loop->count);
}

static void
advance_insn(const struct wrap *w, struct tile_insn *t)
{
	switch (t->kind) {
	case TILE_LOAD:
	case TILE_STORE: advance(w, &t->dma->dram); break;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		advance(w, &t->vec->dst);
		for (int i = 0; i < VEC_MAX_SRC; i++)
			advance(w, &t->vec->src[i]);
		break;
	case TILE_LDV:
	case TILE_LDH:
	case TILE_DRAIN:
	case TILE_LDOBUF: advance(w, &t->mx.view->base); break;
	case TILE_SHIFT:
	case TILE_EXEC:
	case TILE_BARRIER:
	case TILE_KIND_COUNT: break;
	}
	if (t->kind == TILE_DRAIN && t->mx.epi != NULL) {
		advance(w, &t->mx.epi->scale);
		advance(w, &t->mx.epi->bias);
		advance(w, &t->mx.epi->residual);
	}
}

static void
advance_body(const struct wrap *w, struct tile_node *n)
{
	for (; n != NULL; n = n->next) {
		if (n->kind == TILE_NODE_LOOP) {
			n->loop->depth++;
			advance_body(w, n->loop->first);
		} else {
			advance_insn(w, n->insn);
		}
	}
}

bool
entry_repeat(struct tile_program *p, struct diag *d, int64_t n,
    const char *const *each)
{
	struct tile_node *first = p->first, *last = p->last;
	struct wrap w = {.each = each};

	p->entry = "steps";
	p->first = p->last = NULL;
	p->cur = NULL;
	p->cur_op = 0;
	w.loop = tile_loop_open(p, "step", n);
	w.loop->first = first;
	w.loop->last = last;
	if (p->groups > 1) /* the next step reads what all groups wrote */
		tile_emit(p, TILE_BARRIER, Q_CO);
	tile_loop_close(p);
	for (struct tile_node *c = first; c != NULL; c = c->next) {
		c->parent = w.loop;
		if (c->kind == TILE_NODE_LOOP)
			c->loop->parent = w.loop;
	}
	advance_body(&w, first);
	for (size_t i = 0; i < p->ops.len; i++) {
		p->ops.data[i].macs *= n;
		p->ops.data[i].macs_paper *= n;
	}
	return tile_verify(p, d, "steps");
}
