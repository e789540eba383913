/* DMA engines, the DRAM they share, and the vector unit. */
#include "runtime/sim/core.h"

#include "runtime/sim/check.h"

static int64_t
count_bytes(const struct box *b)
{
	int64_t n = b->elem;

	for (int d = 0; d < b->rank; d++)
		n *= b->size[d];
	return n;
}

static const char *
dma_bounds(struct sim *s, const struct dma *d, const struct access_dma *a)
{
	const struct box *box[3] = { &a->dram, &a->chip, &a->index };
	const enum space space[3] = { SPACE_DRAM, d->space, SPACE_DRAM };

	for (int i = 0; i < 3; i++) {
		struct range r;

		if (!box_bounds(box[i], &r))
			return "an address overflows";
		const char *why = sim_bounds(s, space[i], &r);

		if (why != NULL)
			return why;
	}
	return NULL;
}

static void
count_dma(struct sim *s, const struct sim_insn *in, const struct dma *d,
    const struct access_dma *a, bool load)
{
	struct sim_counters *n = sim_count(s, in);
	int64_t chip = a->filled * (int64_t)dtype_size(d->chip_dtype);

	if (load) {
		n->dram_read[d->traffic] += a->dram_bytes;
	} else {
		int64_t list = box_empty(&a->index) ? 0 :
		    count_bytes(&a->index);

		n->dram_write[d->traffic] += a->dram_bytes - list;
		n->dram_read[d->traffic] += list;
	}
	if (!load)
		n->gbuf_read += chip;
	else if (d->space == SPACE_GBUF)
		n->gbuf_write += chip;
	else
		n->wbuf_write += chip;
}

/* The engine sets a transfer up, then asks for the DRAM; it takes the next
 * one when this one has begun. */
static const char *
dma_request(struct sim *s, struct sim_queue *q, const struct sim_insn *in,
    bool load)
{
	const struct dma *d = &s->tables.dma[in->desc];
	const char *why = NULL;

	if (!access_dma(&s->tables, d, q->idx, q->group->id, load, &q->dma,
		&why))
		return why;
	if (q->dma.dram_bytes > (int64_t)1 << 44 ||
	    q->dma.filled > (int64_t)1 << 40)
		return "the transfer is too large";
	why = dma_bounds(s, d, &q->dma);
	if (why != NULL)
		return why;
	q->dispatch = q->time;
	q->time += s->target->dma_startup;
	q->state = QUEUE_GRANT;
	return NULL;
}

const char *
step_DLOAD(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	return dma_request(s, q, in, true);
}

const char *
step_DSTORE(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	return dma_request(s, q, in, false);
}

const char *
sim_dma_grant(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	const struct dma *d = &s->tables.dma[in->desc];
	bool load = in->op == INSN_DLOAD;
	int64_t bytes = q->dma.dram_bytes;
	int64_t begin = q->time;
	const char *why = NULL;

	if (bytes > 0)
		begin = later(begin, s->dram_free);
	int64_t end = begin + time_dram(s->target, bytes);

	if (bytes > 0)
		s->dram_free = end;
	sim_busy(s, q->group, load ? UNIT_LD : UNIT_ST, begin, end,
	    in->source);
	q->stats.busy += end - begin;
	sim_complete(q, end + (bytes > 0 ? s->target->dram_latency : 0));
	count_dma(s, in, d, &q->dma, load);
	if (s->check != NULL)
		check_dma(s->check, q, d, &q->dma, load);
	if (!s->options.timing_only &&
	    !exec_dma(q->ex, d, q->idx, load, &why))
		return why;
	q->state = QUEUE_READY;
	q->time = q->dispatch;
	sim_next(s, q);
	q->time = later(q->time, begin);
	return NULL;
}

static const char *
vec_bounds(struct sim *s, const struct sim_queue *q, const struct vec *v,
    const struct vec_info *info)
{
	for (int i = 0; i <= VEC_MAX_SRC; i++) {
		const struct vec_operand *o = i < VEC_MAX_SRC ? &v->src[i] :
								&v->dst;
		struct range r;

		if (o->space == SPACE_NONE)
			continue;
		int64_t base = aff_eval(&s->tables.aff[o->base], q->idx,
		    q->group->id);

		if (!add_int64(info->range[i].lo, base, &r.lo) ||
		    !add_int64(info->range[i].hi, base, &r.hi))
			return "an address overflows";
		const char *why = sim_bounds(s, o->space, &r);

		if (why != NULL)
			return why;
	}
	return NULL;
}

static const char *
vector(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	const struct vec *v = &s->tables.vec[in->desc];
	const struct vec_info *info = &s->vecs[in->desc];
	struct sim_counters *n = sim_count(s, in);
	const char *why = vec_bounds(s, q, v, info);
	int64_t start = later(q->time, q->unit_free);

	if (why != NULL)
		return why;
	q->unit_free = start + in->occupancy;
	sim_busy(s, q->group, UNIT_VE, start, q->unit_free, in->source);
	q->stats.busy += in->occupancy;
	sim_complete(q, q->unit_free);
	n->vector_ops += info->ops;
	n->gbuf_write += info->bytes[VEC_MAX_SRC];
	for (int i = 0; i < VEC_MAX_SRC; i++)
		*(v->src[i].space == SPACE_WBUF ? &n->wbuf_read :
						  &n->gbuf_read) +=
		    info->bytes[i];
	if (s->check != NULL)
		check_vec(s->check, q, in->op, v);
	if (!s->options.timing_only &&
	    !exec_vec(q->ex, in->op, v, q->idx, &why))
		return why;
	sim_next(s, q);
	return NULL;
}

const char *
step_VMAP(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	return vector(s, q, in);
}

const char *
step_VRED(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	return vector(s, q, in);
}

const char *
step_VWIN(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	return vector(s, q, in);
}
