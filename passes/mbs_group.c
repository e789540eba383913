/* Groups of units: greedy merging as the paper has it, and the best contiguous
 * groups by dynamic programming. */
#include "passes/mbs.h"

static int64_t
iterations(const struct mbs_plan *p, const struct mbs_unit *u)
{
	int64_t fit = u->samples[p->o->variant != MBS_1];

	return ceil_div(p->batch, fit);
}

/* Bytes of units [first, first + count) as one group of so many iterations. */
static double
cost(const struct mbs_plan *p, size_t first, size_t count, int64_t n)
{
	const struct mbs_cost *from = &p->cost[first], *to = from + count;

	return to->once - from->once +
	    (double)n * (to->again - from->again);
}

/* Traffic of a unit is linear in the iterations of its group: sums over the
 * units before each, so that every group has its cost at once. */
static void
sum_costs(struct mbs_plan *p)
{
	p->cost = NEW_ARRAY(p->arena, struct mbs_cost, p->units.len + 1);
	for (size_t i = 0; i < p->units.len; i++) {
		const struct mbs_unit *u = &p->units.data[i];
		struct mbs_traffic one = mbs_unit_grouped(p, u, 1);
		struct mbs_traffic two = mbs_unit_grouped(p, u, 2);
		double again = mbs_total(&two) - mbs_total(&one);

		p->cost[i + 1].once = p->cost[i].once + mbs_total(&one) -
		    again;
		p->cost[i + 1].again = p->cost[i].again + again;
	}
}

static void
append(struct mbs_plan *p, size_t first, size_t count, int64_t n)
{
	struct mbs_group g = {.first = first, .count = count,
	    .iterations = n};

	g.traffic = cost(p, first, count, n);
	VEC_PUSH(p->arena, &p->groups, g);
}

/* Runs of neighbours that need equally many iterations (A3.3, step 1). */
static void
initial_groups(struct mbs_plan *p)
{
	for (size_t i = 0; i < p->units.len; i++) {
		const struct mbs_unit *u = &p->units.data[i];
		struct mbs_group *g = p->groups.len > 0 ?
		    &p->groups.data[p->groups.len - 1] : NULL;

		if (u->whole_batch)
			continue;
		if (g != NULL && g->first + g->count == i &&
		    g->iterations == iterations(p, u)) {
			g->count++;
			g->traffic = cost(p, g->first, g->count,
			    g->iterations);
		} else {
			append(p, i, 1, iterations(p, u));
		}
	}
}

/* What one group of g and h saves, h following g. */
static double
gain(const struct mbs_plan *p, const struct mbs_group *g,
    const struct mbs_group *h)
{
	int64_t n = g->iterations > h->iterations ? g->iterations :
	    h->iterations;

	if (g->first + g->count != h->first)
		return -1;
	return g->traffic + h->traffic +
	    mbs_boundary(p, &p->units.data[h->first - 1]) -
	    cost(p, g->first, g->count + h->count, n);
}

/* Merges the pair that gains most until none gains (step 2). */
static void
merge_greedily(struct mbs_plan *p)
{
	for (;;) {
		double best = 0;
		size_t at = 0;
		struct mbs_group *g;

		for (size_t i = 0; i + 1 < p->groups.len; i++) {
			double x = gain(p, &p->groups.data[i],
			    &p->groups.data[i + 1]);

			if (x > best) {
				best = x;
				at = i;
			}
		}
		if (best <= 0)
			return;
		g = &p->groups.data[at];
		g->count += g[1].count;
		if (g[1].iterations > g->iterations)
			g->iterations = g[1].iterations;
		g->traffic = cost(p, g->first, g->count, g->iterations);
		for (size_t i = at + 1; i + 1 < p->groups.len; i++)
			p->groups.data[i] = p->groups.data[i + 1];
		p->groups.len--;
	}
}

/* Seconds of a group that moves so many bytes: DRAM and array, one after the
 * other, as the vector unit's work is between what a layer loads and what it
 * computes. */
static double
seconds(const struct mbs_plan *p, size_t first, size_t count, double traffic)
{
	double products = 0, dram, array;

	for (size_t i = first; i < first + count; i++) {
		const struct mbs_unit *u = &p->units.data[i];

		for (size_t k = u->first; k < u->first + u->count; k++)
			products += 3 * p->layers.data[k].products *
			    (double)p->batch;
	}
	dram = p->o->bandwidth > 0 ? traffic / p->o->bandwidth : 0;
	array = p->o->macs > 0 ? products / p->o->macs : 0;
	return dram + array;
}

/* Cheapest division of the units before each, by the group that ends there. */
static void
best_groups(struct mbs_plan *p)
{
	size_t n = p->units.len;
	double *least = NEW_ARRAY(p->arena, double, n + 1);
	size_t *from = NEW_ARRAY(p->arena, size_t, n + 1);

	for (size_t end = 1; end <= n; end++) {
		int64_t most = 1;

		least[end] = -1;
		for (size_t first = end; first-- > 0;) {
			const struct mbs_unit *u = &p->units.data[first];
			double c;

			if (u->whole_batch && first + 1 < end)
				break;
			if (iterations(p, u) > most)
				most = iterations(p, u);
			c = u->whole_batch ? 0 :
			    cost(p, first, end - first, most);
			if (first > 0)
				c += mbs_boundary(p,
				    &p->units.data[first - 1]);
			if (p->o->objective == MBS_TIME)
				c = seconds(p, first, end - first, c);
			c += least[first];
			if (least[end] < 0 || c < least[end]) {
				least[end] = c;
				from[end] = first;
			}
			if (u->whole_batch)
				break;
		}
	}
	for (size_t end = n; end > 0; end = from[end]) {
		int64_t most = 1;

		if (p->units.data[from[end]].whole_batch)
			continue;
		for (size_t i = from[end]; i < end; i++)
			if (iterations(p, &p->units.data[i]) > most)
				most = iterations(p, &p->units.data[i]);
		append(p, from[end], end - from[end], most);
	}
	for (size_t i = 0; i < p->groups.len / 2; i++) {
		struct mbs_group t = p->groups.data[i];

		p->groups.data[i] = p->groups.data[p->groups.len - 1 - i];
		p->groups.data[p->groups.len - 1 - i] = t;
	}
}

static void
one_group(struct mbs_plan *p)
{
	int64_t most = 1;
	size_t first = 0;

	for (size_t i = 0; i < p->units.len; i++)
		if (!p->units.data[i].whole_batch &&
		    iterations(p, &p->units.data[i]) > most)
			most = iterations(p, &p->units.data[i]);
	for (size_t i = 0; i <= p->units.len; i++) {
		if (i < p->units.len && !p->units.data[i].whole_batch)
			continue;
		if (i > first)
			append(p, first, i - first, most);
		first = i + 1;
	}
}

static void
finish(struct mbs_plan *p)
{
	for (size_t k = 0; k < p->groups.len; k++) {
		struct mbs_group *g = &p->groups.data[k];
		double space = 0;

		g->sub_batch = ceil_div(p->batch, g->iterations);
		g->iterations = ceil_div(p->batch, g->sub_batch);
		for (size_t i = g->first; i < g->first + g->count; i++) {
			struct mbs_unit *u = &p->units.data[i];
			double s = p->o->variant == MBS_1 ? u->space_apart :
			    u->space;

			u->group = (uint32_t)k + 1;
			space = s > space ? s : space;
		}
		g->slack = (double)p->o->buffer -
		    space * (double)g->sub_batch;
	}
}

void
mbs_choose(struct mbs_plan *p)
{
	sum_costs(p);
	switch (p->o->variant) {
	case MBS_IL: mbs_find_runs(p); break;
	case MBS_FS: one_group(p); break;
	case MBS_1:
	case MBS_2:
		initial_groups(p);
		merge_greedily(p);
		break;
	case MBS_OPTIMAL: best_groups(p); break;
	default: break;
	}
	finish(p);
}
