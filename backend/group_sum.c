/* Sums over the batch. Each is one chain over the samples, so that the
 * iterations of a loop over sub-batches continue it. */
#include "backend/group.h"

#include <string.h>

bool
carry_on(const struct lower *lw)
{
	return lw->carry != CARRY_NEW;
}

/* In the loop's first iteration the coordinate of a dimension of one element
 * lies before it: the load gives zeros and touches no memory. */
static void
load_later(struct lower *lw, const struct place *acc,
    const struct place *part)
{
	struct stage_dim d[MAX_RANK + 1];
	struct tile_aff dram = place_base(acc), chip = place_base(part);
	memset(d, 0, sizeof d);
	d[0].size = 1;
	d[0].clip = true;
	d[0].start = taff_num(-1);
	taff_add(&d[0].start, lw->region_loop, 1);
	d[0].bound = lw->region_loop->count;
	for (int i = 0; i < acc->rank; i++)
		d[1 + i] = (struct stage_dim){.size = acc->dim[i],
		    .dram = acc->stride[i], .chip = part->stride[i]};
	stage_copy(lw, true, d, 1 + acc->rank, &dram, acc->dtype, &chip,
	    part->dtype, 0, acc->buf->traffic);
}

void
carry_load(struct lower *lw, const struct place *acc,
    const struct place *part)
{
	if (lw->carry == CARRY_NEW)
		lower_fill(lw, part, 0);
	else if (acc->buf == part->buf)
		return;
	else if (place_on_chip(acc) || lw->carry == CARRY_ADD)
		lower_copy(lw, acc, part);
	else
		load_later(lw, acc, part);
}

/* ---- sums of values ---- */

/* A sum of more than this part of the global buffer is added to in DRAM. */
#define BIG_SUM 8

static bool
is_big(const struct lower *lw, const struct place *y)
{
	int64_t elems = place_bytes(y) / (int64_t)dtype_size(y->dtype);
	int64_t gbuf = lw->target->gbuf_bytes;
	return gbuf > 0 && elems * 4 > gbuf / BIG_SUM;
}

bool
group_sum_is_big(struct lower *lw, const struct node *n)
{
	const struct place *y = place_whole(lw, n->out[0]);
	return n->op == OP_reduce_sum && !place_on_chip(y) && is_big(lw, y);
}

struct batch_sum {
	struct lower *lw;
	int64_t samples;
	bool red[MAX_RANK]; /* of x */
	struct place x;     /* (samples, rows of one, the other dimensions) */
	struct place y;     /* as one sample of x, 1 where it is reduced */
	struct place each;  /* as x, 1 where it is reduced: the samples' sums */
};

static void
describe(struct batch_sum *b, struct lower *lw, const struct node *n)
{
	const struct place *x = place_of(lw, n->in[0]);
	const struct place *y = place_of(lw, n->out[0]);
	bool keep = node_int(n, ATTR_keepdims) != 0;
	size_t len;
	const int64_t *axes = node_ints(n, ATTR_axes, &len);
	b->lw = lw;
	b->samples = lw->region != NULL ? lw->part_count : lw->sched->batch;
	for (int i = 0; i < x->rank; i++)
		b->red[i] = len == 0;
	for (size_t i = 0; i < len; i++)
		b->red[axes[i]] = true;
	b->x = b->y = *x;
	b->y = *y;
	b->y.rank = x->rank;
	b->x.rank = x->rank + 1;
	b->x.dim[0] = b->samples;
	b->x.stride[0] = x->stride[0] * (x->dim[0] / b->samples);
	for (int i = 0, j = 0; i < x->rank; i++) {
		b->x.dim[1 + i] = i == 0 ? x->dim[0] / b->samples : x->dim[i];
		b->x.stride[1 + i] = x->stride[i];
		b->y.dim[i] = b->red[i] ? 1 : x->dim[i];
		b->y.stride[i] = b->red[i] ? 4 : y->stride[j];
		j += keep || !b->red[i];
	}
}

/* The sums of the samples, each by the tree of the machine; returns the bytes
 * of the global buffer that they take. */
static int64_t
sum_samples(struct batch_sum *b)
{
	struct lower *lw = b->lw;
	bool red[MAX_RANK + 1] = {false}, any = false;
	int64_t dim[MAX_RANK + 1];
	b->each = b->x;
	for (int i = 0; i < b->x.rank; i++) {
		red[i] = i > 0 && b->red[i - 1];
		dim[i] = red[i] ? 1 : b->x.dim[i];
		any = any || (red[i] && b->x.dim[i] > 1);
	}
	if (!any)
		return 0;
	b->each = place_dense(DT_F32, b->x.rank, dim);
	int64_t bytes = place_bytes(&b->each);
	bool chip = bytes <= lw->gbuf_free / 4;
	b->each.buf = tile_buffer(lw->p, "sums", chip ? SPACE_GBUF :
	    SPACE_DRAM, bytes, 1, chip ? CUR_LOOP(lw) : NULL);
	b->each.buf->traffic = TRAFFIC_GRADIENT;
	b->each.buf->per_group = !chip && lw->p->groups > 1;
	lw->gbuf_free -= chip ? bytes : 0;
	lower_sum(lw, &b->x, &b->each, red);
	return chip ? bytes : 0;
}

/* to = to + each sample in turn. */
static void
chain(struct batch_sum *b, const struct place *to)
{
	struct place one = b->each;
	one.rank--;
	for (int i = 0; i < one.rank; i++) {
		one.dim[i] = b->each.dim[1 + i];
		one.stride[i] = b->each.stride[1 + i];
	}
	if (b->samples > 1) {
		struct tile_loop *l = tile_loop_open(b->lw->p, "n",
		    b->samples);
		place_advance(&one, l, b->each.stride[0]);
		lower_add(b->lw, &one, to);
		tile_loop_close(b->lw->p);
	} else {
		lower_add(b->lw, &one, to);
	}
}

bool
lower_batch_sum(struct lower *lw, const struct node *n)
{
	struct batch_sum b;
	memset(&b, 0, sizeof b);
	if (lw->sched->batch == 1 || n->in[0]->type.rank == MAX_RANK)
		return lower_reduce(lw, n);
	describe(&b, lw, n);
	int64_t free = lw->gbuf_free;
	sum_samples(&b);
	struct place part = b.y;
	bool chip = place_on_chip(&b.y);
	if (chip ? b.y.dtype != DT_F32 : !group_sum_is_big(lw, n)) {
		part = place_dense(DT_F32, b.y.rank, b.y.dim);
		part.buf = stage_buffer(lw, "part", SPACE_GBUF,
		    place_bytes(&part), 1);
		lw->gbuf_free -= place_bytes(&part);
		carry_load(lw, &b.y, &part);
	} else if (lw->carry == CARRY_NEW) {
		lower_fill(lw, &part, 0);
	}
	chain(&b, &part);
	if (part.buf != b.y.buf)
		lower_copy(lw, &part, &b.y);
	lw->gbuf_free = free;
	return lw->diag->errors == 0;
}
