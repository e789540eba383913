/* Layer groups: what stays on chip within an iteration. */
#include "backend/group_fit.h"

#include <stdlib.h>
#include <string.h>

#include "backend/vec.h"

static int64_t
round_up(int64_t v, int64_t to)
{
	return to > 1 ? ceil_div(v, to) * to : v;
}

static int64_t
guest_bytes(const struct fit *f, const struct guest *g, int64_t sub)
{
	return round_up(group_bytes(f->lw, f->r, g->root->v, sub),
	    f->lw->target->sram_align) * (f->r->sweep ? SWEEP_DEPTH : 1);
}

/* The least that steps of a reduction leave: all of what it sums. */
static int64_t
tree_bytes(const struct node *n)
{
	int64_t in = type_elems(&n->in[0]->type);
	int64_t out = type_elems(&n->out[0]->type);
	return in > out && out > 0 ? in / out * 4 * 3 : 0;
}

/* What the node at position at (of the loop) needs beside values on chip. */
static int64_t
work_bytes(const struct fit *f, const struct node *n, int64_t sub)
{
	struct lower *lw = f->lw;
	int64_t sum = 4096, limit = f->cap / 8, least = 0;
	bool matrix = op_info(n->op)->lowering == LOWER_MATRIX;
	if (place_is_view(lw, n) || place_inlined(lw, n))
		return 0;
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && lw->res->info[n->in[i]->id].inlined) {
			least = tree_bytes(n) + 4 * lw->target->sram_align;
			sum = vop_step_limit(lw) + tree_bytes(n);
		}
	for (int i = 0; i < n->nin + n->nout; i++) {
		const struct value *v = i < n->nin ? n->in[i] :
		    n->out[i - n->nin];
		if (v == NULL || (matrix && n->op != OP_conv_wgrad && i == 1))
			continue; /* weights have the WBUF */
		if (lw->res->info[v->id].inlined)
			continue;
		const struct info *root = place_root(lw, v);
		if (root->resident || f->r->local[root->v->id])
			continue;
		int64_t bytes = type_bytes(&v->type);
		sum += lw->sched->split[v->id] ?
		    2 * (bytes / lw->sched->batch * sub) : bytes;
	}
	if (sum > limit)
		sum = limit;
	return sum > least ? sum : least;
}

/* The positions in which g has room of its own: in a sweep, whose iterations
 * overlap, all. */
static int64_t
starts(const struct fit *f, const struct guest *g)
{
	bool takes = g->takes != NULL &&
	    f->r->local[g->takes->root->v->id];
	return f->r->sweep ? 0 : g->first + takes;
}

static int64_t
ends(const struct fit *f, const struct guest *g)
{
	return f->r->sweep ? f->r->after - f->r->loop - 1 : g->last;
}

/* Bytes alive at each position; false when it is too much somewhere, *at. */
static bool
count(struct fit *f, int64_t sub, bool hard, int64_t *at)
{
	struct region *r = f->r;
	int64_t n = r->after - r->loop;
	memset(r->live, 0, (size_t)(n + 1) * sizeof *r->live);
	for (size_t i = 0; i < f->n; i++) {
		const struct guest *g = &f->guest[i];
		if (!r->local[g->root->v->id] || (hard && !g->hard))
			continue;
		int64_t b = guest_bytes(f, g, sub);
		r->live[starts(f, g)] += b;
		r->live[ends(f, g) + 1] -= b;
	}
	for (int64_t i = 1; i < n; i++)
		r->live[i] += r->live[i - 1];
	for (*at = 0; *at < n; (*at)++) {
		const struct node *x = f->lw->sched->node[r->loop + *at];
		if (r->live[*at] + work_bytes(f, x, sub) > f->cap)
			return false;
	}
	return true;
}

double
fit_spared(const struct guest *g)
{
	return g->reads + (g->made ? !g->root->escapes : -1);
}

/* The same for the time it occupies memory. */
static double
gain_of(const struct guest *g)
{
	return fit_spared(g) / (double)(g->last - g->first + 1);
}

/* The guest at position at that gains least by staying. */
static struct guest *
pick_victim(struct fit *f, int64_t at, bool hard)
{
	struct guest *worst = NULL;
	double least = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct guest *g = &f->guest[i];
		if (!f->r->local[g->root->v->id] || (!f->r->sweep &&
		    (g->first > at || g->last < at)) || (g->hard && !hard))
			continue;
		double gain = gain_of(g);
		if (worst == NULL || gain < least || (gain == least &&
		    g->root->bytes > worst->root->bytes)) {
			worst = g;
			least = gain;
		}
	}
	return worst;
}

/* Small sums, such as those of a bias, take less room than their transfers
 * take time. */

static int64_t
sum_bytes(const struct fit *f, const struct value *v)
{
	return round_up(type_elems(&v->type) * 4, f->lw->target->sram_align);
}

/* Sums that stay on chip from one iteration to the next: small ones, or those
 * that must. */
static void
collect_sums(struct fit *f, int64_t sub)
{
	struct lower *lw = f->lw;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = lw->sched->node[i];
		const struct value *v = n->out[0];
		if (lw->sched->part[n->id] != PART_SUM)
			continue;
		f->r->local[v->id] = false;
		if (sub == lw->sched->batch ||
		    !place_resolve(lw, v)->is_root || v->keep == KEEP_DRAM ||
		    (v->keep == KEEP_AUTO && sum_bytes(f, v) * SMALL_PART >
		    lw->target->gbuf_bytes))
			continue;
		f->r->local[v->id] = true;
		f->cap -= sum_bytes(f, v);
	}
}

/* The largest sum leaves; false when there is none. */
static bool
drop_sum(struct fit *f)
{
	struct lower *lw = f->lw;
	const struct value *worst = NULL;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = lw->sched->node[i];
		if (lw->sched->part[n->id] == PART_SUM &&
		    f->r->local[n->out[0]->id] && (worst == NULL ||
		    sum_bytes(f, n->out[0]) > sum_bytes(f, worst)))
			worst = n->out[0];
	}
	if (worst == NULL)
		return false;
	f->r->local[worst->id] = false;
	f->cap += sum_bytes(f, worst);
	return true;
}

/* What every position of the loop leaves free. */
static int64_t
free_bytes(const struct fit *f)
{
	const struct region *r = f->r;
	int64_t room = f->cap;
	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *n = f->lw->sched->node[i];
		int64_t left = f->cap - r->live[i - r->loop] -
		    work_bytes(f, n, r->sub);
		room = left < room ? left : room;
	}
	return room;
}

static int
by_elems(const void *a, const void *b)
{
	const struct value *x = *(const struct value *const *)a;
	const struct value *y = *(const struct value *const *)b;
	int64_t dx = type_elems(&x->type), dy = type_elems(&y->type);
	if (dx != dy)
		return dx < dy ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

#define TILES_PART 10 /* of the buffer that larger sums leave to tiles */

/* Larger sums, where all of the loop leaves room, the smallest first. */
static void
admit_sums(struct fit *f)
{
	struct lower *lw = f->lw;
	struct region *r = f->r;
	const struct value **sums = NEW_ARRAY(lw->arena, const struct value *,
	    r->after - r->loop + 1);
	int64_t room = free_bytes(f) - f->cap / TILES_PART;
	size_t n = 0;
	for (uint32_t i = r->loop; i < r->after; i++) {
		const struct node *x = lw->sched->node[i];
		const struct value *v = x->out[0];
		if (lw->sched->part[x->id] == PART_SUM && !r->local[v->id] &&
		    v->keep == KEEP_AUTO && place_resolve(lw, v)->is_root)
			sums[n++] = v;
	}
	qsort(sums, n, sizeof(*sums), by_elems);
	for (size_t i = 0; i < n && sum_bytes(f, sums[i]) <= room; i++) {
		r->local[sums[i]->id] = true;
		room -= sum_bytes(f, sums[i]);
		f->cap -= sum_bytes(f, sums[i]);
	}
}

/* Whether a guest that had to leave fits between those that stayed. */
static bool
fits_again(const struct fit *f, const struct guest *g)
{
	const struct region *r = f->r;
	int64_t b = guest_bytes(f, g, r->sub);
	for (int64_t i = starts(f, g); i <= ends(f, g); i++) {
		const struct node *x = f->lw->sched->node[r->loop + i];
		if (r->live[i] + b + work_bytes(f, x, r->sub) > f->cap)
			return false;
	}
	return true;
}

static int
by_gain(const void *a, const void *b)
{
	const struct guest *x = *(struct guest *const *)a;
	const struct guest *y = *(struct guest *const *)b;
	double dx = gain_of(x), dy = gain_of(y);
	if (dx != dy)
		return dx > dy ? -1 : 1;
	return x->first != y->first ? (x->first < y->first ? -1 : 1) :
	    (x > y) - (x < y);
}

/* Others that left later may have made room for those that left first. */
static void
readmit(struct fit *f)
{
	struct region *r = f->r;
	struct guest **out = NEW_ARRAY(f->lw->arena, struct guest *, f->n + 1);
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++)
		if (!r->local[f->guest[i].root->v->id])
			out[n++] = &f->guest[i];
	qsort(out, n, sizeof *out, by_gain);
	for (size_t i = 0; i < n; i++) {
		const struct guest *g = out[i];
		r->local[g->root->v->id] = true;
		if (!fits_again(f, g)) {
			r->local[g->root->v->id] = false;
			continue;
		}
		for (int64_t k = starts(f, g); k <= ends(f, g); k++)
			r->live[k] += guest_bytes(f, g, r->sub);
	}
}

bool
fit_attempt(struct fit *f, int64_t cap, int64_t sub, bool last)
{
	struct region *r = f->r;
	int64_t at;
	f->cap = cap;
	for (size_t i = 0; i < f->n; i++)
		r->local[f->guest[i].root->v->id] = true;
	collect_sums(f, sub);
	if (!last && !count(f, sub, true, &at) && !drop_sum(f))
		return false;
	while (!count(f, sub, false, &at)) {
		struct guest *g = pick_victim(f, at, last);
		if (g != NULL)
			r->local[g->root->v->id] = false;
		else if (!drop_sum(f))
			return false;
	}
	r->sub = sub;
	readmit(f);
	if (r->free && sub < f->lw->sched->batch)
		admit_sums(f);
	for (size_t i = 0; i < f->n; i++) {
		const struct guest *g = &f->guest[i];
		const struct value *from = g->takes != NULL ?
		    g->takes->root->v : NULL;
		r->takes[g->root->v->id] = from != NULL && r->local[from->id] ?
		    from : NULL;
	}
	return true;
}

void
fit_remark(const struct fit *f)
{
	const struct region *r = f->r;
	for (size_t i = 0; i < f->n; i++) {
		const struct guest *g = &f->guest[i];
		const struct value *v = g->root->v;
		if (r->local[v->id])
			continue;
		const struct node *n = v->kind == VALUE_NODE ? v->def : NULL;
		diag_remark(f->lw->diag, n != NULL ? &n->loc : &v->loc,
		    "lower: layer group %u, %s: %s %s, %lld bytes of a "
		    "sub-batch, %s and read by %lld nodes, does not stay on "
		    "chip", r->group, r->phase,
		    n != NULL ? "the result of" : "input",
		    n != NULL ? op_info(n->op)->name : v->name,
		    (long long)guest_bytes(f, g, r->sub),
		    g->made ? "made here" : "loaded",
		    (long long)g->readers);
	}
}
