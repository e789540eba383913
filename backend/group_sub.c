/* Layer groups: how many samples an iteration takes, and the order of its
 * nodes. */
#include <math.h>
#include <string.h>

#include "backend/group_fit.h"

static void
set_iterations(const struct lower *lw, struct region *r, int64_t sub)
{
	r->sub = sub;
	r->full = lw->sched->batch / sub;
	r->rest = lw->sched->batch % sub;
}

/* Bytes of the weights that each iteration loads. */
static double
weight_bytes(const struct fit *f)
{
	const struct schedule *s = f->lw->sched;
	double sum = 0;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = s->node[i];
		if (op_info(n->op)->lowering == LOWER_MATRIX &&
		    s->part[n->id] != PART_SUM && !s->split[n->in[1]->id])
			sum += (double)type_bytes(&n->in[1]->type);
	}
	return sum;
}

/* Bytes of weight gradients: of those whose partial sums go through DRAM,
 * away, or of all others. */
static double
gradient_bytes(const struct fit *f, bool away)
{
	const struct schedule *s = f->lw->sched;
	double sum = 0;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = s->node[i];
		if (op_info(n->op)->lowering == LOWER_MATRIX &&
		    s->part[n->id] == PART_SUM &&
		    f->r->local[n->out[0]->id] != away)
			sum += (double)type_bytes(&n->out[0]->type);
	}
	return sum;
}

/* Bytes that guests which left move, in all iterations. */
static double
left_bytes(const struct fit *f)
{
	double sum = 0;
	for (size_t i = 0; i < f->n; i++)
		if (!f->r->local[f->guest[i].root->v->id])
			sum += fit_spared(&f->guest[i]) *
			    (double)f->guest[i].root->bytes;
	return sum;
}

/* Room for the sums of a weight gradient: beside two samples of its operand, or
 * tiles of them that take most of it. */
static double
sums_room(double room, double sample)
{
	double left = room - 2 * sample;
	if (left < room / 4)
		left = room / 4;
	return left > 1 ? left : 1;
}

/* Bytes of one sample of v that a node streams; 0 where v is on chip. */
static double
streamed(const struct fit *f, const struct value *v)
{
	const struct info *root = place_root(f->lw, v);
	return root->resident || f->r->local[root->v->id] ? 0 :
	    (double)type_bytes(&v->type) / (double)f->lw->sched->batch;
}

static double
room_at(const struct fit *f, uint32_t i)
{
	return (double)(f->cap - f->r->live[i - f->r->loop]);
}

/* Bytes that weight gradients load of their operand again, where the values of
 * `sub` samples leave no room for it: once for each part of their sums that
 * finds room, roughly as wgrad_plan.c will choose. Two parts are let pass, as
 * the array gains by longer iterations. */
static double
again_bytes(const struct fit *f, int64_t sub)
{
	const struct schedule *s = f->lw->sched;
	double sum = 0;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = s->node[i];
		double room = room_at(f, i), x, parts;
		if (n->op != OP_conv_wgrad || f->r->local[n->out[0]->id])
			continue;
		x = streamed(f, n->in[0]);
		if (x * (double)sub <= .9 * room)
			continue;
		parts = ceil(4 * (double)type_elems(&n->out[0]->type) /
		    sums_room(room, x + streamed(f, n->in[1])));
		sum += fmax(parts - 2, 0) * x * (double)s->batch;
	}
	return sum;
}

/* Pixels of a sample of n: those that its sums go over, or its result has. */
static double
pixels_of(const struct node *n)
{
	const struct tensor_type *t = n->op == OP_conv_wgrad ?
	    &n->in[1]->type : &n->out[0]->type;
	double sum = 1;
	for (int i = 2; i < t->rank; i++)
		sum *= (double)t->dim[i];
	return sum;
}

/* Pixels that a tile needs for the array not to wait: a wave's shift takes as
 * long as it has rows, and sums of a weight gradient that go on with the next
 * tile are loaded and drained meanwhile. */
static double
pixels_needed(const struct wave_target *t, const struct node *n)
{
	double turn = n->op == OP_conv_wgrad && t->drain_bw > 0 ?
	    8 * (double)t->cols / (double)t->drain_bw : 0;
	return (double)t->rows * fmax(turn, 1);
}

/* What DRAM could move while the array waits, as two tiles of what a
 * convolution streams find room for too few pixels. */
static double
starved_bytes(const struct fit *f)
{
	const struct schedule *s = f->lw->sched;
	const struct wave_target *t = f->lw->target;
	double sum = 0;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = s->node[i];
		double pixel, part;
		if (n->op != OP_conv && n->op != OP_conv_transpose &&
		    n->op != OP_conv_wgrad)
			continue;
		pixel = streamed(f, n->in[0]) + (n->op == OP_conv_wgrad ?
		    streamed(f, n->in[1]) : streamed(f, n->out[0]));
		part = pixels_needed(t, n) * 2 * pixel / pixels_of(n) /
		    fmax(room_at(f, i), 1);
		if (part > 1)
			sum += (part - 1) * (double)lower_macs(n, true) /
			    (double)(t->rows * t->cols) * f->lw->bw;
	}
	return sum;
}

/* What so many iterations move, with what they need not; -1: their samples do
 * not fit. */
static double
iterations_move(struct fit *f, int64_t cap, int64_t n)
{
	int64_t sub = ceil_div(f->lw->sched->batch, n);
	if (!fit_attempt(f, cap, sub, false))
		return -1;
	return (double)n * (weight_bytes(f) + 2 * gradient_bytes(f, true)) +
	    left_bytes(f) + again_bytes(f, sub) + starved_bytes(f);
}

/* Fewer iterations than n that move least, or n. */
static int64_t
fewer(struct fit *f, int64_t cap, int64_t n, double *least)
{
	int64_t batch = f->lw->sched->batch, best = n;
	while (--n > 0) {
		double bytes;
		if (ceil_div(batch, ceil_div(batch, n)) != n)
			continue; /* fewer iterations take as many */
		bytes = iterations_move(f, cap, n);
		if (bytes < 0 || left_bytes(f) > *least)
			break; /* as with every larger sub-batch */
		if (bytes < *least) {
			*least = bytes;
			best = n;
		}
	}
	return best;
}

/* The same with more of them, while values leave. */
static int64_t
more(struct fit *f, int64_t cap, int64_t n, double *least)
{
	int64_t batch = f->lw->sched->batch, best = n;
	while (n < batch && left_bytes(f) > 0) {
		double bytes;
		n = ceil_div(batch, ceil_div(batch, n) - 1);
		bytes = iterations_move(f, cap, n);
		if (bytes < 0 || (double)n * weight_bytes(f) > *least)
			break;
		if (bytes < *least) {
			*least = bytes;
			best = n;
		}
	}
	return best;
}

/* The sub-batch that moves least. */
static int64_t
best_sub(struct fit *f, int64_t cap, double *least)
{
	int64_t batch = f->lw->sched->batch, n = ceil_div(batch, f->r->wanted);
	int64_t small, large;
	*least = iterations_move(f, cap, n);
	if (*least < 0)
		return f->r->wanted;
	small = more(f, cap, n, least);
	large = fewer(f, cap, n, least);
	return ceil_div(batch, large != n ? large : small);
}

/* An order of the loop, and what its best sub-batch moves. */
struct choice {
	int64_t sub;
	double bytes;
};

/* An order in which values need less room; false when it is as it was. */
static bool
narrow(struct fit *f)
{
	for (size_t i = 0; i < f->n; i++)
		f->r->local[f->guest[i].root->v->id] = true;
	return group_order(f->lw, f->r, 0);
}

/* One in which array and vector unit have more to do beside each other. */
static bool
delay(struct fit *f)
{
	bool delayed = group_delay(f->lw, f->r);
	bool pools = group_pools(f->lw, f->r);
	return delayed || pools;
}

static const struct node **
copy_order(const struct fit *f)
{
	const struct region *r = f->r;
	return arena_memdup(f->lw->arena, &f->lw->sched->node[r->loop],
	    (r->after - r->loop) * sizeof(const struct node *));
}

static void
put_back(struct fit *f, const struct node *const *old)
{
	const struct region *r = f->r;
	memcpy(&f->lw->sched->node[r->loop], old,
	    (r->after - r->loop) * sizeof(*old));
	group_number(f->lw, r);
	fit_collect(f);
}

/* Takes another order where it moves less by that many bytes than c; else the
 * order is as before. */
static void
try_order(struct fit *f, int64_t cap, bool (*order)(struct fit *f),
    double less, struct choice *c)
{
	const struct node **old = copy_order(f);
	struct choice new;
	if (!order(f))
		return;
	fit_collect(f);
	new.sub = best_sub(f, cap, &new.bytes);
	if (new.bytes >= 0 && new.bytes + less <= c->bytes)
		*c = new;
	else
		put_back(f, old);
}

/* Values that need less room leave array and vector unit less to do beside each
 * other: DRAM is to be spared this part of the time that the array takes. */
#define NARROW_PART .03

static double
narrow_bytes(const struct fit *f)
{
	const struct wave_target *t = f->lw->target;
	double macs = 0;
	for (uint32_t i = f->r->loop; i < f->r->after; i++)
		macs += (double)lower_macs(f->lw->sched->node[i], true);
	return NARROW_PART * f->lw->bw * macs / (double)(t->rows * t->cols);
}

static int64_t
best_order(struct fit *f, int64_t cap)
{
	struct choice c;
	double least = narrow_bytes(f);
	c.sub = best_sub(f, cap, &c.bytes);
	if (c.bytes < 0)
		return c.sub;
	if (f->lw->bw > 0 && c.bytes > least)
		try_order(f, cap, narrow, least, &c);
	if (f->lw->p->overlap)
		try_order(f, cap, delay, 0, &c);
	return c.sub;
}

static int64_t
peak(const struct region *r)
{
	int64_t most = 0;
	for (uint32_t i = 0; i < r->after - r->loop; i++)
		if (r->live[i] > most)
			most = r->live[i];
	return most;
}

/* Whether what the values on chip are depends on the order of their readers. */
static bool
keeps_first(const struct fit *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->guest[i].root->v->keep == KEEP_FIRST)
			return true;
	return false;
}

#define ROOMY .6 /* of the room, at most, if values are to take more of it */

/* Where a few samples leave much room, an order with more to do beside each
 * other, if it moves no more and values need no more room than they did at the
 * worst place. */
static void
spread(struct fit *f, int64_t cap)
{
	struct region *r = f->r;
	int64_t sub = r->sub, most = peak(r);
	double left = left_bytes(f);
	const struct node **old;
	if (r->sweep || r->free || keeps_first(f) || most < sub ||
	    (double)most > ROOMY * (double)f->cap)
		return;
	old = copy_order(f);
	if (!group_order(f->lw, r, most / sub))
		return;
	fit_collect(f);
	r->overlap = fit_attempt(f, cap, sub, false) && left_bytes(f) <= left &&
	    peak(r) <= most;
	if (r->overlap)
		return;
	put_back(f, old);
	fit_attempt(f, cap, sub, false);
}

static struct tile_moves
moves(const struct fit *f)
{
	double n = (double)(f->r->full + (f->r->rest > 0));
	struct tile_moves m = {.weights = n * weight_bytes(f),
	    .sums = (2 * n - 1) * gradient_bytes(f, true) +
	    gradient_bytes(f, false), .left = left_bytes(f)};
	return m;
}

void
group_fit(struct lower *lw, struct region *r, int64_t cap)
{
	struct fit f = {.lw = lw, .r = r};
	int64_t sub = r->wanted;
	r->local = NEW_ARRAY(lw->arena, bool, lw->g->nvalues + 1);
	r->until = NEW_ARRAY(lw->arena, uint32_t, lw->g->nvalues + 1);
	r->takes = NEW_ARRAY(lw->arena, const struct value *,
	    lw->g->nvalues + 1);
	r->live = NEW_ARRAY(lw->arena, int64_t, r->after - r->loop + 2);
	group_strips(lw, r);
	fit_collect(&f);
	if (r->free)
		sub = best_order(&f, cap);
	while (sub > 1 && !fit_attempt(&f, cap, sub, false))
		sub--;
	/* where not even one fits the node says what it needs */
	if (sub == 1 && !fit_attempt(&f, cap, 1, false))
		fit_attempt(&f, cap, 1, true);
	else
		spread(&f, cap);
	set_iterations(lw, r, sub);
	r->moves = moves(&f);
	fit_remark(&f);
	r->room = f.cap;
	r->peak = peak(r);
}
