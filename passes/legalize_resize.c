/* legalize: resize, axis by axis: gathers at constant source positions,
 * weighted by constants. Formulas: ONNX operator specification, Resize. */
#include <math.h>

#include "passes/legalize.h"

#define MAX_TAPS 4

enum { NEAREST, LINEAR, CUBIC };
enum { HALF_PIXEL, ASYMMETRIC, ALIGN_CORNERS, PYTORCH_HALF_PIXEL };
enum { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL };

/* How one axis is read. */
struct taps {
	int count;
	int64_t size; /* positions of the result */
	int64_t *index[MAX_TAPS];
	double *weight[MAX_TAPS];
};

/* Position in the source of position o of the result. */
static double
source(const struct node *n, int axis, int64_t o)
{
	double in = (double)n->in[0]->type.dim[axis], x = (double)o;
	double out = (double)n->out[0]->type.dim[axis];
	const struct attr *s = node_attr(n, ATTR_scales);
	double scale = s->n > 0 ? s->floats[axis] : out / in;
	double length = s->n > 0 ? in * scale : out; /* before truncation */

	switch (node_int(n, ATTR_coord)) {
	case ASYMMETRIC: return x / scale;
	case ALIGN_CORNERS:
		if (out == 1 || length == 1)
			return 0;
		return x * (in - 1) / (length - 1);
	case PYTORCH_HALF_PIXEL:
		return out > 1 ? (x + 0.5) / scale - 0.5 : 0;
	default: return (x + 0.5) / scale - 0.5;
	}
}

static int64_t
clamp_index(double v, int64_t extent)
{
	if (v < 0)
		return 0;
	return v >= (double)extent ? extent - 1 : (int64_t)v;
}

static double
nearest(const struct node *n, double x)
{
	switch (node_int(n, ATTR_rounding)) {
	case PREFER_CEIL: return floor(x + 0.5);
	case FLOOR: return floor(x);
	case CEIL: return ceil(x);
	default: return ceil(x - 0.5);
	}
}

/* Keys' cubic convolution kernel with parameter a at distance d. */
static double
cubic(double a, double d)
{
	d = fabs(d);
	if (d <= 1)
		return ((a + 2) * d - (a + 3)) * d * d + 1;
	return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static void
fill_position(const struct node *n, int axis, struct taps *t, int64_t o)
{
	int64_t extent = n->in[0]->type.dim[axis];
	int64_t mode = node_int(n, ATTR_mode);
	double x = source(n, axis, o), at = floor(x), f = x - at;

	if (mode == NEAREST) {
		t->index[0][o] = clamp_index(nearest(n, x), extent);
		t->weight[0][o] = 1;
		return;
	}
	for (int k = 0; k < t->count; k++) {
		int d = mode == CUBIC ? k - 1 : k;

		t->index[k][o] = clamp_index(at + d, extent);
		t->weight[k][o] = mode == CUBIC
		    ? cubic(node_float(n, ATTR_cubic_coeff), f - d)
		    : 1 - fabs(f - d);
	}
}

static struct taps
get_taps(struct pass_ctx *c, const struct node *n, int axis)
{
	static const int counts[] = {1, 2, 4};
	struct taps t = {.count = counts[node_int(n, ATTR_mode)],
	    .size = n->out[0]->type.dim[axis]};

	for (int k = 0; k < t.count; k++) {
		t.index[k] = NEW_ARRAY(c->scratch, int64_t, (size_t)t.size);
		t.weight[k] = NEW_ARRAY(c->scratch, double, (size_t)t.size);
	}
	for (int64_t o = 0; o < t.size; o++)
		fill_position(n, axis, &t, o);
	return t;
}

/* Every weight of tap k equals w. */
static bool
all_weights(const struct taps *t, int k, double w)
{
	for (int64_t o = 0; o < t->size; o++)
		if (t->weight[k][o] != w)
			return false;
	return true;
}

static bool
identity_index(const struct taps *t, int k, int64_t extent)
{
	for (int64_t o = 0; o < t->size; o++)
		if (t->index[k][o] != o)
			return false;
	return t->size == extent;
}

/* Drops taps without weight. */
static void
prune(struct taps *t)
{
	int kept = 0;

	for (int k = 0; k < t->count; k++) {
		if (all_weights(t, k, 0))
			continue;
		t->index[kept] = t->index[k];
		t->weight[kept++] = t->weight[k];
	}
	t->count = kept;
}

static struct value *
resize_axis(const struct lg *l, struct value *x, int axis,
    const struct taps *t, enum dtype last)
{
	int64_t dim[MAX_RANK];
	int rank = x->type.rank - axis;
	struct tensor_type type;
	struct value *sum = NULL;

	for (int i = 0; i < rank; i++)
		dim[i] = i == 0 ? t->size : 1;
	type = type_make(l->w, rank, dim);
	if (t->count == 1 && all_weights(t, 0, 1))
		return mk_gather(l->g, x, axis, t->index[0],
		    (size_t)t->size, l->n);
	for (int k = 0; k < t->count; k++) {
		enum dtype d = k == t->count - 1 ? last : l->w;
		struct value *w = const_from(l->g, NULL, &type, t->weight[k]);
		struct value *v = x;

		if (!identity_index(t, k, x->type.dim[axis]))
			v = mk_gather(l->g, x, axis, t->index[k],
			    (size_t)t->size, l->n);
		sum = sum == NULL ? build_binary(l->g, OP_mul, v, w, d, l->n)
		    : mk_fma(l->g, v, w, sum, d, l->n);
	}
	return sum;
}

struct value *
legalize_resize(struct pass_ctx *c, struct node *n)
{
	struct lg l = lg_start(c, n);
	struct value *v = l.x;
	struct taps t[MAX_RANK];
	int last = -1;

	if (type_elems(&l.x->type) == 0)
		return graph_const(c->g, NULL, &n->out[0]->type,
		    arena_alloc(c->g->arena, 1));
	for (int i = 0; i < l.x->type.rank; i++) {
		t[i] = get_taps(c, n, i);
		prune(&t[i]);
		if (t[i].count == 1 && all_weights(&t[i], 0, 1) &&
		    identity_index(&t[i], 0, l.x->type.dim[i]))
			t[i].count = 0;
		else
			last = i;
	}
	for (int i = 0; i <= last; i++)
		if (t[i].count > 0)
			v = resize_axis(&l, v, i, &t[i],
			    i == last ? l.t : l.w);
	return mk_cast(c->g, v, l.t, n);
}
