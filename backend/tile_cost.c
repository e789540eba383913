/* What a schedule moves and computes, without running it. */
#include "backend/tile_order.h"

#include "support/str.h"

/* Dimensions [first, end) of a transfer, the loops on which their bounds
 * depend, and where these are. */
struct walk {
	const struct tile_dma *dma;
	int first, end;
	const struct tile_loop *loop[DMA_MAX_RANK * ISA_MAX_LOOPS];
	int64_t index[DMA_MAX_RANK * ISA_MAX_LOOPS];
	int n;
};

static int
place_of(const struct walk *w, const struct tile_loop *l)
{
	int i = 0;

	while (i < w->n && w->loop[i] != l)
		i++;
	return i;
}

static bool
is_bounded(const struct tile_dma *dma, int dim)
{
	return dma->d.dim[dim].bound > 0;
}

/* Whether no loop moves two of the dimensions. */
static bool
find_loops(struct walk *w)
{
	bool apart = true;

	w->n = 0;
	for (int i = w->first; i < w->end; i++) {
		const struct tile_aff *start = &w->dma->start[i];

		for (int k = 0; is_bounded(w->dma, i) && k < start->nterms;
		     k++)
			if (place_of(w, start->term[k].loop) == w->n) {
				w->index[w->n] = 0;
				w->loop[w->n++] = start->term[k].loop;
			} else {
				apart = false;
			}
	}
	return apart;
}

/* Elements along a dimension that lie within its bounds. */
static int64_t
elements_along(const struct walk *w, int dim)
{
	const struct dma_dim *x = &w->dma->d.dim[dim];
	const struct tile_aff *start = &w->dma->start[dim];
	int64_t from = start->offset, to;

	if (!is_bounded(w->dma, dim))
		return x->size;
	for (int k = 0; k < start->nterms; k++)
		from += start->term[k].stride *
		    w->index[place_of(w, start->term[k].loop)];
	to = min64(from + x->size, x->bound);
	from = max64(from, 0);
	return to > from ? to - from : 0;
}

static int64_t
elements(const struct walk *w)
{
	int64_t n = 1;

	for (int i = w->first; i < w->end; i++)
		n *= elements_along(w, i);
	return n;
}

/* The next iteration of the loops; false after the last. */
static bool
step(struct walk *w)
{
	for (int i = 0; i < w->n; i++) {
		if (++w->index[i] < w->loop[i]->count)
			return true;
		w->index[i] = 0;
	}
	return false;
}

/* Elements of all iterations of w's loops, and their number. */
static double
elements_of_all(struct walk *w, double *iterations)
{
	double sum = 0;

	find_loops(w);
	*iterations = 0;
	do {
		sum += (double)elements(w);
		++*iterations;
	} while (step(w));
	return sum;
}

/* Bytes of `times` runs, in which all iterations are equally frequent. */
static double
dma_bytes(const struct tile_dma *dma, double times)
{
	const struct dma *d = &dma->d;
	struct walk w = {.dma = dma, .end = d->rank};
	bool apart = find_loops(&w);
	double bytes = (double)dtype_size(d->dram_dtype), n;
	double list = d->index_dim < 0 ? 0 :
	    4 * times * (double)d->dim[d->index_dim].size;

	if (!apart) {
		bytes *= elements_of_all(&w, &n);
		return times / n * bytes + list;
	}
	for (w.first = 0; w.first < d->rank; w.first++) {
		w.end = w.first + 1;
		bytes *= elements_of_all(&w, &n);
		times /= n;
	}
	return times * bytes + list;
}

/* Occupancy of ExecGEMM (isa/DESIGN.md). */
static int64_t
exec_cycles(const struct wave_target *t, const struct tile_insn *x)
{
	int64_t shift = t->shift_full ? t->rows : x->mx.k;

	return t->weight_double_buffer ? max64(x->mx.m, shift) :
	    x->mx.m + shift;
}

struct tile_cost
tile_cost(const struct tile_program *p)
{
	struct tile_cost c = {0, 0};

	for (struct tile_node *n = p->first; n != NULL; n = tile_next(n)) {
		const struct tile_insn *x = n->insn;
		double times = (double)tile_iterations(n->parent);

		if (n->kind != TILE_NODE_INSN)
			continue;
		if (x->kind == TILE_LOAD || x->kind == TILE_STORE)
			c.dram += dma_bytes(x->dma, times);
		else if (x->kind == TILE_EXEC)
			c.array += times * (double)exec_cycles(p->target, x);
	}
	return c;
}
