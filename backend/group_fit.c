/* Layer groups: what stays on chip within an iteration, and how many samples
 * one takes. */
#include "backend/group.h"

#include <stdlib.h>
#include <string.h>

#include "backend/place.h"
#include "backend/vec.h"

/* A root as one region's loop sees it; positions count from the loop's
 * first. */
struct guest {
	struct info *root;
	int64_t first, last;
	int64_t readers;  /* nodes that read it */
	double reads;     /* how much of it they read, all together */
	const char *layer; /* KEEP_FIRST: the first to read it */
	const char *maker; /* and the one that makes it */
	bool over;         /* later layers load it */
	bool part;         /* read before all of a concatenation is there */
	uint32_t counted; /* the last of them, + 1 */
	struct guest *takes; /* dies where this one starts: see reuse */
	bool made;        /* computed here */
	bool hard;        /* must be on chip */
};

struct fit {
	struct lower *lw;
	struct region *r;
	int64_t cap;
	struct guest *guest; /* those that may be on chip */
	size_t n;
	int64_t *fixed; /* working bytes by position, for one sample */
	int64_t *extra; /* and whatever the sub-batch */
};

static int64_t
round_up(int64_t v, int64_t to)
{
	return to > 1 ? ceil_div(v, to) * to : v;
}

static int64_t
guest_bytes(const struct fit *f, const struct guest *g, int64_t sub)
{
	return round_up(g->root->bytes / f->lw->sched->batch * sub,
	    f->lw->target->sram_align) * (f->r->sweep ? SWEEP_DEPTH : 1);
}

/* ---- who is there ---- */

static bool
same_layer(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* KEEP_FIRST and KEEP_DRAM: whether the reader at a position comes too late to
 * find it on chip. */
static bool
late(const struct fit *f, struct guest *g, uint32_t at, bool made)
{
	const char *layer = f->lw->sched->node[f->r->loop + at]->loc.node;
	enum keep keep = g->root->v->keep;
	if (keep != KEEP_FIRST && (keep != KEEP_DRAM || f->r->sweep))
		return false;
	if (made) {
		g->maker = layer;
		return false;
	}
	if (!g->made || same_layer(layer, g->maker))
		return false;
	if (g->layer == NULL && keep == KEEP_FIRST)
		g->layer = layer;
	g->over = g->over || keep == KEEP_DRAM || !same_layer(layer, g->layer);
	return g->over;
}

/* How much n reads of v: where a contraction's window of one element moves in
 * steps, that part of it. */
static double
part_read(const struct node *n, const struct value *v)
{
	const struct tensor_type *w = n->op == OP_conv ? &n->in[1]->type :
	    n->op == OP_conv_wgrad ? &n->out[0]->type : NULL;
	const int64_t *strides;
	double part = 1;
	size_t axes;
	if (w == NULL || n->in[0] != v)
		return 1;
	strides = node_ints(n, ATTR_strides, &axes);
	for (size_t i = 0; i < axes; i++)
		if (w->dim[2 + i] == 1)
			part /= (double)strides[i];
	return part;
}

static void
note(struct fit *f, size_t *slot, const struct value *v, uint32_t at,
    bool made)
{
	struct info *root;
	if (f->lw->res->info[v->id].inlined) {
		for (int i = 0; i < v->def->nin && !made; i++)
			note(f, slot, v->def->in[i], at, false);
		return;
	}
	root = place_root(f->lw, v);
	if (!f->lw->sched->split[root->v->id] || root->bytes == 0)
		return;
	if (slot[root->v->id] == 0) {
		f->guest[f->n] = (struct guest){.root = root, .first = at};
		slot[root->v->id] = ++f->n;
	}
	struct guest *g = &f->guest[slot[root->v->id] - 1];
	if (late(f, g, at, made))
		return;
	g->last = at;
	g->made = g->made || made;
	g->part = g->part || (!made &&
	    f->lw->res->info[place_behind(f->lw, v)->id].into != NULL);
	if (!made && g->counted != at + 1) {
		g->counted = at + 1;
		g->readers++;
		g->reads += part_read(f->lw->sched->node[f->r->loop + at], v);
	}
}

/* Values made here stay for their readers; what others made is loaded once
 * where several read it. */
static bool
wants_chip(const struct guest *g, bool sweep)
{
	if (g->root->converted || (g->part && !g->made))
		return false;
	if (sweep)
		return g->made ? g->readers > 0 : g->readers > 1;
	return g->readers > !g->made;
}

/* How many values n reads and writes, with those of trees it computes. */
static size_t
most_guests(const struct lower *lw, const struct node *n)
{
	size_t sum = (size_t)(n->nin + n->nout);
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && lw->res->info[n->in[i]->id].inlined)
			sum += most_guests(lw, n->in[i]->def);
	return sum;
}

/* ---- who computes into whose buffer ---- */

/* Whether n, or an element-wise op that it computes, reads a view of root: that
 * is another element of it than the one that n writes. */
static bool
reads_view(struct lower *lw, const struct node *n, const struct info *root)
{
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		if (v == NULL || v == root->v)
			continue;
		if (lw->res->info[v->id].inlined ?
		    reads_view(lw, v->def, root) : place_root(lw, v) == root)
			return true;
	}
	return false;
}

/* Whether the root holds an output, which may be stored after its readers. */
static bool
holds_output(struct lower *lw, const struct info *root)
{
	for (size_t i = 0; i < lw->g->outputs.len; i++)
		if (place_root(lw, lw->g->outputs.data[i]) == root)
			return true;
	return false;
}

/* An operand of n, maybe of an element-wise op that n computes, which lies as
 * y does and which nobody reads later. */
static struct guest *
dying_operand(struct fit *f, const size_t *slot, const struct node *n,
    const struct value *y, int64_t at)
{
	struct lower *lw = f->lw;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];
		struct guest *g = NULL;
		if (v == NULL)
			continue;
		if (lw->res->info[v->id].inlined)
			g = dying_operand(f, slot, v->def, y, at);
		else if (slot[v->id] > 0)
			g = &f->guest[slot[v->id] - 1];
		if (g != NULL && g->last == at && !g->over &&
		    type_equal(&g->root->v->type, &y->type) &&
		    place_same_layout(&g->root->rel,
		    &place_resolve(lw, y)->rel))
			return g;
	}
	return NULL;
}

/* Lets the result of an element-wise op take the buffer of an operand: what
 * is stored in it has been stored, what is read of it is read element by
 * element before the result is written. */
static void
find_reuse(struct fit *f, size_t *slot)
{
	struct lower *lw = f->lw;
	memset(slot, 0, lw->g->nvalues * sizeof *slot);
	for (size_t i = 0; i < f->n; i++)
		slot[f->guest[i].root->v->id] = i + 1;
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = lw->sched->node[i];
		const struct value *y = n->out[0];
		if (op_info(n->op)->lowering != LOWER_MAP || n->nout != 1 ||
		    place_is_view(lw, n) || place_inlined(lw, n) ||
		    slot[y->id] == 0 || !place_resolve(lw, y)->is_root)
			continue;
		struct guest *from = dying_operand(f, slot, n, y,
		    i - f->r->loop);
		if (from != NULL && !reads_view(lw, n, from->root) &&
		    !holds_output(lw, from->root))
			f->guest[slot[y->id] - 1].takes = from;
	}
}

static void
collect(struct fit *f)
{
	struct lower *lw = f->lw;
	const struct schedule *s = lw->sched;
	size_t *slot = NEW_ARRAY(lw->arena, size_t, lw->g->nvalues + 1);
	size_t most = 0, kept = 0;
	f->n = 0;
	for (uint32_t i = f->r->loop; i < f->r->after; i++)
		most += most_guests(lw, s->node[i]);
	f->guest = NEW_ARRAY(lw->arena, struct guest, most + 1);
	for (uint32_t i = f->r->loop; i < f->r->after; i++) {
		const struct node *n = s->node[i];
		bool view = place_is_view(lw, n) || place_inlined(lw, n);
		for (int k = 0; k < n->nin && !view; k++)
			if (n->in[k] != NULL)
				note(f, slot, n->in[k], i - f->r->loop, false);
		for (int k = 0; k < n->nout && !view; k++)
			if (n->out[k] != NULL)
				note(f, slot, n->out[k], i - f->r->loop, true);
	}
	for (size_t i = 0; i < f->n; i++) {
		if (!wants_chip(&f->guest[i], f->r->sweep))
			continue;
		f->guest[kept] = f->guest[i];
		f->guest[kept].hard = f->r->sweep || (f->guest[i].made &&
		    f->guest[i].root->v->keep == KEEP_CHIP);
		kept++;
	}
	f->n = kept;
	for (size_t i = 0; i < kept; i++) {
		struct guest *g = &f->guest[i];
		f->r->until[g->root->v->id] = g->over ? (uint32_t)g->last : 0;
		g->root->escapes = g->root->escapes || g->over;
	}
	if (!f->r->sweep)
		find_reuse(f, slot);
}

/* ---- how much ---- */

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

/* The position from which g has room of its own. */
static int64_t
starts(const struct fit *f, const struct guest *g)
{
	bool takes = g->takes != NULL &&
	    f->r->local[g->takes->root->v->id];
	return g->first + takes;
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
		r->live[g->last + 1] -= b;
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

/* Transfers that a guest spares by staying: what is loaded has to be read once
 * anyway, and what is made here and read elsewhere is stored anyway. */
static double
spared(const struct guest *g)
{
	return g->reads + (g->made ? !g->root->escapes : -1);
}

/* The same for the time it occupies memory. */
static double
gain_of(const struct guest *g)
{
	return spared(g) / (double)(g->last - g->first + 1);
}

/* The guest at position at that gains least by staying. */
static struct guest *
pick_victim(struct fit *f, int64_t at, bool hard)
{
	struct guest *worst = NULL;
	double least = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct guest *g = &f->guest[i];
		if (!f->r->local[g->root->v->id] || g->first > at ||
		    g->last < at || (g->hard && !hard))
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

static void
set_iterations(const struct lower *lw, struct region *r, int64_t sub)
{
	r->sub = sub;
	r->full = lw->sched->batch / sub;
	r->rest = lw->sched->batch % sub;
}

/* Small sums, such as those of a bias, take less room than their transfers
 * take time. */
#define SMALL_PART 1024 /* of the global buffer */

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
	for (int64_t i = starts(f, g); i <= g->last; i++) {
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
		for (int64_t k = starts(f, g); k <= g->last; k++)
			r->live[k] += guest_bytes(f, g, r->sub);
	}
}

/* Lets what gains least leave until sub samples fit; last: also what was to
 * stay. False when they do not. */
static bool
attempt(struct fit *f, int64_t cap, int64_t sub, bool last)
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

/* What the region would have kept. */
static void
remark_left(const struct fit *f)
{
	const struct region *r = f->r;
	for (size_t i = 0; i < f->n; i++) {
		const struct guest *g = &f->guest[i];
		const struct value *v = g->root->v;
		if (r->local[v->id])
			continue;
		diag_remark(f->lw->diag, &v->def->loc, "lower: layer group "
		    "%u, %s: the result of %s, %lld bytes of a sub-batch, "
		    "%s and read by %lld nodes, does not stay on chip",
		    r->group, r->phase, op_info(v->def->op)->name,
		    (long long)guest_bytes(f, g, r->sub),
		    g->made ? "made here" : "loaded",
		    (long long)g->readers);
	}
}

/* ---- how many samples ---- */

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
			sum += spared(&f->guest[i]) *
			    (double)f->guest[i].root->bytes;
	return sum;
}

/* What so many iterations move, with what they need not; -1: their samples do
 * not fit. */
static double
iterations_move(struct fit *f, int64_t cap, int64_t n)
{
	if (!attempt(f, cap, ceil_div(f->lw->sched->batch, n), false))
		return -1;
	return (double)n * (weight_bytes(f) + 2 * gradient_bytes(f, true)) +
	    left_bytes(f);
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

/* An order in which array and vector unit have more to do beside each other;
 * false when it is as it was. */
static bool
reorder(struct lower *lw, struct region *r)
{
	bool delayed = group_delay(lw, r), pools = group_pools(lw, r);
	return delayed || pools;
}

/* The same in that order, where it moves no more; else the order is as
 * before. */
static int64_t
best_order(struct fit *f, int64_t cap)
{
	struct region *r = f->r;
	struct schedule *s = f->lw->sched;
	size_t n = r->after - r->loop;
	double plain, changed;
	int64_t sub = best_sub(f, cap, &plain), other;
	const struct node **old = NEW_ARRAY(f->lw->arena,
	    const struct node *, n + 1);
	if (!f->lw->p->overlap || plain < 0)
		return sub;
	memcpy(old, &s->node[r->loop], n * sizeof(*old));
	if (!reorder(f->lw, r))
		return sub;
	collect(f);
	other = best_sub(f, cap, &changed);
	if (changed >= 0 && changed <= plain)
		return other;
	memcpy(&s->node[r->loop], old, n * sizeof(*old));
	group_number(f->lw, r);
	collect(f);
	return sub;
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
	collect(&f);
	if (r->free)
		sub = best_order(&f, cap);
	while (sub > 1 && !attempt(&f, cap, sub, false))
		sub--;
	/* where not even one fits the node says what it needs */
	if (sub == 1 && !attempt(&f, cap, 1, false))
		attempt(&f, cap, 1, true);
	set_iterations(lw, r, sub);
	r->moves = moves(&f);
	remark_left(&f);
	r->room = f.cap;
	r->peak = 0;
	for (uint32_t i = 0; i < r->after - r->loop; i++)
		if (r->live[i] > r->peak)
			r->peak = r->live[i];
}
