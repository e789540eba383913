/* Entry `init`: states to their initial values. */
#include "backend/entry.h"

#include "backend/lower.h"
#include "support/dtype.h"

/* The bytes of b as a vector of its elements. */
static struct place
flat(struct tile_buffer *b)
{
	int64_t n = b->bytes / (int64_t)dtype_size(b->dtype);
	struct place pl = place_dense(b->dtype, 1, &n);

	pl.buf = b;
	return pl;
}

static struct tile_buffer *
same_state(struct tile_program *p, const struct tile_buffer *of)
{
	struct tile_buffer *b = tile_buffer(p, of->name, SPACE_DRAM,
	    of->bytes, 1, NULL);
	uint32_t id = b->id;

	*b = *of;
	b->id = id;
	return b;
}

static struct tile_buffer *
initial(struct tile_program *p, const struct tile_buffer *state)
{
	struct tile_buffer *b = tile_buffer(p, arena_printf(p->arena,
	    "%s.initial", state->bind_name), SPACE_DRAM, state->bytes, 1,
	    NULL);

	b->role = ROLE_CONST;
	b->traffic = state->traffic;
	b->dtype = state->dtype;
	b->rank = state->rank;
	for (int i = 0; i < state->rank; i++) {
		b->dim[i] = state->dim[i];
		b->stride[i] = state->stride[i];
	}
	b->data = state->data;
	return b;
}

static void
one_state(struct lower *lw, const struct tile_buffer *of)
{
	struct tile_buffer *b = same_state(lw->p, of);
	struct wave_op op = {.name = of->bind_name, .op = "init",
	    .phase = "init", .loc = ""};
	struct place to = flat(b), from;

	VEC_PUSH(lw->p->arena, &lw->p->ops, op);
	lw->p->cur_op = (uint32_t)lw->p->ops.len - 1;
	if (of->data == NULL) {
		lower_fill(lw, &to, 0);
		return;
	}
	from = flat(initial(lw->p, of));
	lower_copy(lw, &from, &to);
}

struct tile_program *
entry_init(struct arena *a, struct diag *d, const struct tile_program *of)
{
	const struct wave_target *t = of->target;
	struct lower *lw = NEW(a, struct lower);
	unsigned before = d->errors;

	lw->arena = a;
	lw->diag = d;
	lw->target = t;
	lw->depth = 2;
	lw->p = tile_new(a, t);
	lw->p->entry = "init";
	lw->bw = t->dram_bw > 0 ? t->dram_bw / t->clock_hz : 0;
	lw->gbuf_free = t->gbuf_bytes == 0 ? INT64_MAX / 4 : t->gbuf_bytes;
	lw->wbuf_free = t->wbuf_bytes == 0 ? INT64_MAX / 4 : t->wbuf_bytes;
	for (size_t i = 0; i < of->buffers.len; i++)
		if (of->buffers.data[i]->role == ROLE_STATE)
			one_state(lw, of->buffers.data[i]);
	return d->errors == before && tile_verify(lw->p, d, "init") &&
	    tile_plan(lw->p, d) ? lw->p : NULL;
}
