/* Which values stay on chip between the ops that touch them. */
#include "backend/group.h"
#include "backend/place.h"
#include "backend/vec.h"

#include <string.h>

/* Working space a node needs for operands that are not resident. */
static int64_t
work_bytes(struct lower *lw, const struct node *n, int64_t cap)
{
	int64_t sum = 4096;
	for (int i = 0; i < n->nin + n->nout; i++) {
		const struct value *v = i < n->nin ? n->in[i] :
		    n->out[i - n->nin];
		if (v == NULL || (i == 1 && v->kind == VALUE_CONST &&
		    op_info(n->op)->lowering == LOWER_MATRIX))
			continue; /* weights have the WBUF */
		if (lw->res->info[v->id].inlined)
			continue;
		const struct info *r = &lw->res->info[
		    lw->res->info[v->id].root->id];
		if (!r->resident)
			sum += 2 * type_bytes(&v->type);
	}
	int64_t limit = cap / 6, least = place_tree_bytes(lw, n);
	if (sum > limit)
		sum = limit;
	return sum > least ? sum : least;
}

/* Bytes for what the nodes of a sweep read and write of a sample. */
static int64_t
sweep_bytes(struct lower *lw, struct region *r)
{
	uint32_t *seen_by = lw->res->seen_by;
	if (r->wish > 0)
		return r->wish;
	for (uint32_t at = r->loop; at < r->after; at++) {
		const struct node *n = lw->sched->node[at];
		for (int i = 0; i < n->nin + n->nout; i++) {
			const struct value *v = i < n->nin ? n->in[i] :
			    n->out[i - n->nin];
			if (v == NULL || lw->res->info[v->id].inlined ||
			    !lw->sched->split[v->id])
				continue;
			v = lw->res->info[v->id].root;
			if (seen_by[v->id] != r->after)
				r->wish += SWEEP_DEPTH * type_bytes(&v->type) /
				    lw->sched->batch;
			seen_by[v->id] = r->after;
		}
	}
	return r->wish;
}

#define SWEEP_PART(cap) ((cap) / 8 * 7)

/* What node at a position needs beside residents: sweeps spare more than
 * those. */
static int64_t
needed_at(struct lower *lw, int64_t at, int64_t cap)
{
	struct region *r = group_loop_at(lw, at);
	int64_t work = work_bytes(lw, lw->sched->node[at], cap), all;
	if (r == NULL || !r->sweep)
		return work;
	all = sweep_bytes(lw, r);
	if (all > SWEEP_PART(cap))
		all = SWEEP_PART(cap);
	return all > work ? all : work;
}

/* Of the resident roots alive at node i, the one that gains least by staying:
 * few touches for the time it occupies memory, then the largest. */
static struct info *
pick_victim(struct residency *res, struct info **roots, size_t nroots,
    int64_t i)
{
	struct info *worst = NULL;
	double worst_gain = 0;
	(void)res;
	for (size_t r = 0; r < nroots; r++) {
		struct info *in = roots[r];
		if (!in->resident || in->first > i || in->last < i)
			continue;
		double gain = (double)(1 + in->uses) /
		    (double)(in->last - in->first + 1);
		if (worst == NULL || gain < worst_gain ||
		    (gain == worst_gain && in->bytes > worst->bytes)) {
			worst = in;
			worst_gain = gain;
		}
	}
	return worst;
}

static int64_t
round_up(int64_t v, int64_t to)
{
	return to > 1 ? ceil_div(v, to) * to : v;
}

static void
count_live(struct lower *lw, struct info **roots, size_t nroots)
{
	struct residency *res = lw->res;
	int64_t align = lw->target->sram_align;
	memset(res->live, 0, (size_t)(res->nnodes + 1) * sizeof *res->live);
	for (size_t r = 0; r < nroots; r++) {
		struct info *in = roots[r];
		if (!in->resident)
			continue;
		res->live[in->first] += round_up(in->bytes, align);
		res->live[in->last + 1] -= round_up(in->bytes, align);
	}
	for (int64_t i = 1; i <= res->nnodes; i++)
		res->live[i] += res->live[i - 1];
}

static bool
is_sum(const struct lower *lw, const struct value *v)
{
	return v->kind == VALUE_NODE &&
	    lw->sched->part[v->def->id] == PART_SUM;
}

/* Whether it is small and passes from a sweep of a layer to what follows in
 * that layer. */
static bool
is_passed_on(const struct lower *lw, const struct info *in)
{
	const struct schedule *s = lw->sched;
	return !in->grouped && s->split[in->v->id] &&
	    in->bytes <= lw->target->gbuf_bytes / LARGE_PART &&
	    in->last < lw->res->nnodes &&
	    group_same_layer(s->node[in->first], s->node[in->last]);
}

/* What loops touch lives in DRAM as a whole, unless it is said to stay or
 * small; its parts may be on chip within an iteration. */
static bool
may_stay(const struct lower *lw, const struct info *in)
{
	if (in->v->keep == KEEP_DRAM ||
	    in->v->def->op == OP_group_gather)
		return false;
	if (!in->looped)
		return true;
	if (is_sum(lw, in->v))
		return false;
	return is_passed_on(lw, in) || (in->v->keep == KEEP_CHIP &&
	    !lw->sched->split[in->v->id]);
}

/* What a group neither makes nor reads does not take its room, unless it is
 * small: its own values are read sooner. */
static void
leave_groups(struct lower *lw, struct info **roots, size_t nroots)
{
	const struct schedule *s = lw->sched;
	int64_t small = lw->target->gbuf_bytes / SMALL_PART;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct region *r = s->region[i];
		if (r == NULL)
			continue;
		for (size_t k = 0; k < nroots && !r->sweep; k++) {
			struct info *in = roots[k];
			if (in->bytes > small && in->v->keep != KEEP_CHIP &&
			    in->first < r->loop && in->last >= r->after)
				in->resident = false;
		}
		i = r->end - 1;
	}
}

static void
choose_residents(struct lower *lw, double budget)
{
	struct residency *res = lw->res;
	struct info **roots = NEW_ARRAY(lw->arena, struct info *,
	    res->nvalues + 1);
	size_t nroots = 0;
	for (uint32_t i = 0; i < res->nvalues; i++) {
		struct info *in = &res->info[i];
		if (!in->is_root || in->v->kind != VALUE_NODE ||
		    in->first > in->last || in->bytes == 0)
			continue;
		/* what only an assignment takes goes there at once */
		in->resident = (in->state == NULL || in->v->uses.len > 0) &&
		    may_stay(lw, in) && !vop_wants_beside(lw, in->v);
		roots[nroots++] = in;
	}
	if (lw->target->gbuf_bytes > 0)
		leave_groups(lw, roots, nroots);
	count_live(lw, roots, nroots);
	if (lw->target->gbuf_bytes == 0)
		return;
	int64_t cap = (int64_t)((double)lw->target->gbuf_bytes * budget);
	bool again = true;
	while (again) {
		again = false;
		for (int64_t i = 0; i < res->nnodes; i++) {
			while (res->live[i] + needed_at(lw, i, cap) > cap) {
				struct info *in = pick_victim(res, roots,
				    nroots, i);
				if (in == NULL)
					break;
				in->resident = false;
				again = true;
				int64_t b = round_up(in->bytes,
				    lw->target->sram_align);
				for (int64_t k = in->first; k <= in->last; k++)
					res->live[k] -= b;
			}
		}
	}
}

/* On chip within an iteration of the region that computes it. */
static bool
is_local(const struct lower *lw, const struct value *v)
{
	const struct region *r = v->kind != VALUE_NODE ? NULL :
	    group_loop_at(lw, lw->res->index[v->def->id]);
	return r != NULL && r->local[v->id];
}

bool
place_give_up_over(struct lower *lw)
{
	struct residency *res = lw->res;
	bool any = false;
	for (uint32_t i = 0; i < res->nvalues; i++) {
		struct info *in = &res->info[i];
		if (in->over == NULL || res->info[in->root->id].resident ||
		    is_local(lw, in->root))
			continue;
		in->over = NULL;
		any = true;
	}
	for (uint32_t i = 0; any && i < res->nvalues; i++) {
		struct info *in = &res->info[i];
		in->seen = in->is_root = in->resident = false;
		in->uses = 0;
	}
	return any;
}

/* Divides what residents leave among the values inside regions. */
static void
fit_regions(struct lower *lw, struct lower_budget *budget)
{
	size_t at = 0;
	const struct schedule *s = lw->sched;
	int64_t cap = lw->target->gbuf_bytes == 0 ? INT64_MAX / 4 :
	    (int64_t)((double)lw->target->gbuf_bytes * budget->all);
	for (uint32_t i = 0; i < s->n; i++) {
		struct region *r = s->region[i];
		if (r == NULL)
			continue;
		int64_t most = 0;
		for (uint32_t k = r->loop; k < r->after; k++)
			if (lw->res->live[k] > most)
				most = lw->res->live[k];
		if (at == budget->regions.len)
			VEC_PUSH(budget->arena, &budget->regions,
			    ((struct lower_region_budget){.share = 1}));
		group_fit(lw, r, (int64_t)((double)(cap - most) *
		    budget->regions.data[at++].share));
		i = r->end - 1;
	}
}

void
place_choose(struct lower *lw, struct lower_budget *budget)
{
	choose_residents(lw, budget->all);
	fit_regions(lw, budget);
}
