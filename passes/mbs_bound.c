/* The bound that whole tiles put on the utilization of the array: a contraction
 * streams its rows once for each tile of the array's size that its depth and
 * columns take, full or not. */
#include "passes/mbs.h"

#include "passes/rewrite.h"

/* groups products of m x k by k x n. */
struct gemm {
	double m, k, n;
	int64_t groups;
};

static double
up(double x, int64_t step)
{
	return (double)ceil_div((int64_t)x, step);
}

/* Cycles of a wave of m rows over k rows of weights, whose shift its second
 * weight register hides behind the wave before. */
static double
wave(double m, double k)
{
	return m > k ? m : k;
}

/* Cycles of `packed` groups side by side on the diagonal of the array: full
 * slices of k and a partial one, as in the cycle model that the papers' file
 * derives for WaveCore (A7; the paper's own is not known in detail). */
static double
packed_cycles(const struct mbs_options *o, const struct gemm *g,
    int64_t packed)
{
	double k = (double)packed * g->k, n = (double)packed * g->n;
	double rows = (double)o->rows, rest = k - rows *
	    (double)((int64_t)k / o->rows);
	double tile = (k - rest) / rows * wave(g->m, rows) +
	    (rest > 0 ? wave(g->m, rest) : 0);

	return up((double)g->groups, packed) * up(n, o->cols) * tile;
}

static double
one_way(const struct mbs_options *o, const struct gemm *g)
{
	double best = packed_cycles(o, g, 1);

	for (int64_t p = 2; p <= g->groups && p <= o->cols; p++) {
		double x = packed_cycles(o, g, p);

		best = x < best ? x : best;
	}
	return best;
}

/* Either operand stationary. */
static double
cycles(const struct mbs_options *o, const struct gemm *g)
{
	struct gemm swapped = {g->n, g->k, g->m, g->groups};
	double a = one_way(o, g), b = one_way(o, &swapped);

	return a < b ? a : b;
}

static void
add(const struct mbs_options *o, struct mbs_array *sum, const struct gemm *g,
    int times)
{
	sum->cycles += times * cycles(o, g);
	sum->products += times * (double)g->groups * g->m * g->k * g->n;
}

/* A convolution between the wide image, which its windows slide over, and the
 * strided one, a pixel of which is a window: the result of conv, the operand of
 * conv_transpose. */
struct sliding {
	const struct node *node;
	const struct tensor_type *wide, *strided, *weights;
	double samples;
	int64_t groups;
	double channels[2]; /* of a group: wide, strided */
};

static struct sliding
sliding_of(const struct mbs_plan *p, const struct node *n)
{
	bool back = n->op == OP_conv_transpose;
	const struct tensor_type *x = &n->in[0]->type, *y = &n->out[0]->type;
	struct sliding s = {n, back ? y : x, back ? x : y, &n->in[1]->type,
	    (double)p->batch, node_int(n, ATTR_groups), {0, 0}};

	s.channels[0] = (double)s.weights->dim[1];
	s.channels[1] = (double)(s.weights->dim[0] / s.groups);
	return s;
}

static double
pixels(const struct tensor_type *image)
{
	double n = 1;

	for (int i = 2; i < image->rank; i++)
		n *= (double)image->dim[i];
	return n;
}

/* From the wide image to the strided one. */
static struct gemm
gather(const struct sliding *s)
{
	struct gemm g = {s->samples * pixels(s->strided),
	    s->channels[0] * pixels(s->weights), s->channels[1], s->groups};

	return g;
}

/* Their weight gradient: the pixels are its depth. */
static struct gemm
weight_gradient(const struct sliding *s)
{
	struct gemm g = gather(s), r = {g.k, g.m, g.n, s->groups};

	return r;
}

/* Along axis i, of the wide image's positions r + j * stride: how many there
 * are, and how many taps meet a pixel of the strided one there. */
static void
residue(const struct sliding *s, int i, int64_t r, double *positions,
    double *taps)
{
	size_t k = (size_t)i;
	int64_t stride = ints_at(s->node, ATTR_strides, k, 1);
	int64_t from = r + ints_at(s->node, ATTR_pads_begin, k, 0), meet = 0;

	*positions *= up((double)(s->wide->dim[i + 2] - r), stride);
	for (int64_t t = 0; t < s->weights->dim[i + 2]; t++)
		meet += (from - t * ints_at(s->node, ATTR_dilations, k, 1)) %
		    stride == 0;
	*taps *= (double)meet;
}

/* From the strided image to the wide one: over an image with zeros between its
 * pixels, or for each phase of positions what meets a pixel. */
static void
scatter(const struct mbs_plan *p, struct mbs_array *sum,
    const struct sliding *s, int times)
{
	int64_t phases = 1, axes[MAX_RANK];

	for (int i = 0; i + 2 < s->wide->rank; i++) {
		int64_t stride = ints_at(s->node, ATTR_strides, (size_t)i, 1);

		axes[i] = p->o->zeros ? 1 : stride < s->wide->dim[i + 2] ?
		    stride : s->wide->dim[i + 2];
		phases *= axes[i];
	}
	for (int64_t at = 0; at < phases; at++) {
		double positions = s->samples, taps = 1;
		int64_t rest = at;

		for (int i = 0; i + 2 < s->wide->rank && !p->o->zeros; i++) {
			residue(s, i, rest % axes[i], &positions, &taps);
			rest /= axes[i];
		}
		if (p->o->zeros) {
			positions *= pixels(s->wide);
			taps = pixels(s->weights);
		}
		if (taps > 0)
			add(p->o, sum, &(struct gemm){positions,
			    s->channels[1] * taps, s->channels[0],
			    s->groups}, times);
	}
}

static void
sliding_layer(const struct mbs_plan *p, const struct mbs_layer *l,
    struct mbs_array *sum)
{
	struct sliding s = sliding_of(p, l->node);
	struct gemm g = gather(&s), w = weight_gradient(&s);
	int forward = l->again ? 2 : 1, back = l->first ? 0 : 1;
	bool transposed = l->node->op == OP_conv_transpose;

	add(p->o, sum, &g, transposed ? back : forward);
	scatter(p, sum, &s, transposed ? forward : back);
	add(p->o, sum, &w, 1);
}

/* The rows of all samples by the weights, and the two gradients. */
static void
product_layer(const struct mbs_plan *p, const struct mbs_layer *l,
    struct mbs_array *sum)
{
	const struct tensor_type *y = &l->node->out[0]->type;
	double n = (double)y->dim[y->rank - 1], k = l->weight / n;
	double m = l->out / (double)p->o->elem * (double)p->batch / n;
	struct gemm all[3] = {{m, k, n, 1}, {k, m, n, 1}, {m, n, k, 1}};

	for (int i = 0; i < (l->first ? 2 : 3); i++)
		add(p->o, sum, &all[i], 1);
}

double
mbs_conv_cycles(const struct mbs_plan *p, const struct mbs_layer *l)
{
	struct sliding s = sliding_of(p, l->node);
	struct gemm g = gather(&s);

	return cycles(p->o, &g);
}

struct mbs_array
mbs_array_bound(const struct mbs_plan *p)
{
	struct mbs_array sum = {0, 0};

	for (size_t i = 0; i < p->layers.len; i++) {
		const struct mbs_layer *l = &p->layers.data[i];

		if (l->kind != MBS_CONV)
			continue;
		if (l->node->op == OP_conv || l->node->op == OP_conv_transpose)
			sliding_layer(p, l, &sum);
		else
			product_layer(p, l, &sum);
	}
	return sum;
}
