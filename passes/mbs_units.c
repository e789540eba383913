/* Layers and units of a forward graph, and the space they take. */
#include "passes/mbs.h"

#include "passes/rewrite.h"

struct finder {
	struct mbs_plan *p;
	struct graph *g;
	struct arena *tmp;
	int64_t batch;    /* of the graph */
	size_t *last;     /* by value id: last layer that reads it, + 1 */
	bool *split;      /* by value id: has samples */
	bool *concat;     /* by value id: goes into a concatenation */
	size_t entering;  /* layer whose result enters the unit, + 1 */
};

static bool
is_norm(enum op op)
{
	return op == OP_group_norm || op == OP_batch_norm ||
	    op == OP_batch_norm_train || op == OP_group_norm_train ||
	    op == OP_instance_norm || op == OP_layer_norm;
}

static bool
has_samples(const struct finder *f, const struct value *v)
{
	return v != NULL && f->split[v->id];
}

static int
sample_operands(const struct finder *f, const struct node *n)
{
	int count = 0;

	for (int i = 0; i < n->nin; i++)
		count += has_samples(f, n->in[i]);
	return count;
}

static enum mbs_kind
kind_of(const struct finder *f, const struct node *n)
{
	switch (n->op) {
	case OP_conv:
	case OP_conv_transpose:
	case OP_matmul:
	case OP_gemm: return MBS_CONV;
	case OP_relu:
	case OP_clip:
	case OP_leaky_relu: return MBS_RELU;
	case OP_max_pool: return MBS_MAX_POOL;
	case OP_avg_pool:
	case OP_sum_pool:
	case OP_reduce_mean:
	case OP_reduce_sum: return MBS_AVG_POOL;
	case OP_concat: return MBS_CONCAT;
	default: break;
	}
	if (is_norm(n->op))
		return MBS_NORM;
	if (op_info(n->op)->lowering == LOWER_MOVE || n->op == OP_identity ||
	    n->op == OP_cast)
		return MBS_VIEW;
	return sample_operands(f, n) > 1 ? MBS_ADD : MBS_MAP;
}

/* Bytes of one sample of v. */
static double
bytes(const struct finder *f, const struct value *v)
{
	return (double)type_elems(&v->type) / (double)f->batch *
	    (double)f->p->o->elem;
}

/* Mean and deviation of each sample and range of channels, or of the batch. */
static void
measure_norm(const struct finder *f, struct mbs_layer *l)
{
	size_t ranges = (size_t)l->node->out[0]->type.dim[1];

	l->channels = (double)ranges;
	if (mbs_is_group_norm(l->node))
		node_ints(l->node, ATTR_channel_starts, &ranges);
	l->statistics = 2 * 4 * (double)ranges;
	if (l->node->op == OP_batch_norm || l->node->op == OP_batch_norm_train)
		l->statistics /= (double)f->batch;
}

static void
add_layer(struct finder *f, struct node *n)
{
	struct mbs_layer l = {.node = n, .kind = kind_of(f, n)};

	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i];

		if (!has_samples(f, v))
			continue;
		l.in += bytes(f, v);
		l.first = l.first || v->kind == VALUE_INPUT;
		if (v->kind == VALUE_INPUT)
			l.image += bytes(f, v) / (double)f->p->o->elem *
			    (double)dtype_size(v->type.dtype);
		f->last[v->id] = f->p->layers.len + 1;
	}
	l.out = bytes(f, n->out[0]);
	if (l.kind == MBS_NORM && n->out[0]->type.rank > 1)
		measure_norm(f, &l);
	if (l.kind == MBS_CONV) {
		const struct tensor_type *w = &n->in[1]->type;
		bool back = n->op == OP_conv_transpose;

		l.weight = (double)type_elems(w);
		l.products = l.weight * (back ? l.in : l.out) /
		    (double)f->p->o->elem;
		if (n->op == OP_conv || back)
			l.products /= (double)w->dim[0];
		else
			l.products = l.weight;
	}
	f->split[n->out[0]->id] = true;
	f->p->made[n->out[0]->id] = f->p->layers.len + 1;
	VEC_PUSH(f->p->arena, &f->p->layers, l);
}

static bool
find_batch(struct finder *f, struct diag *d)
{
	for (size_t i = 0; i < f->g->inputs.len; i++) {
		const struct value *v = f->g->inputs.data[i];

		if (v->type.rank == 0 || v->type.dim[0] < 1)
			continue;
		if (f->batch == 0)
			f->batch = v->type.dim[0];
		f->split[v->id] = v->type.dim[0] == f->batch;
	}
	if (f->batch > 0)
		return true;
	diag_error(d, NULL, "mbs: no input has a batch");
	return false;
}

/* ---- cut points ---- */

/* Whether one value alone goes from layer i to those behind. */
static bool *
find_cuts(struct finder *f)
{
	size_t n = f->p->layers.len;
	bool *cut = NEW_ARRAY(f->tmp, bool, n + 1);
	int64_t *open = NEW_ARRAY(f->tmp, int64_t, n + 2), sum = 0;

	for (size_t i = 0; i < f->g->inputs.len; i++) {
		const struct value *v = f->g->inputs.data[i];

		if (f->split[v->id] && f->last[v->id] > 0) {
			open[0]++;
			open[f->last[v->id] - 1]--;
		}
	}
	for (size_t i = 0; i < n; i++) {
		size_t id = f->p->layers.data[i].node->out[0]->id;

		if (f->last[id] > 0) {
			open[i]++;
			open[f->last[id] - 1]--;
		}
	}
	for (size_t i = 0; i < n; i++) {
		sum += open[i];
		cut[i] = sum <= 1;
	}
	return cut;
}

/* ---- space ---- */

static double
larger(double a, double b)
{
	return a > b ? a : b;
}

/* The concatenation that layers [lo, hi) end in, 0: none. */
static double
concat_bytes(const struct finder *f, size_t lo, size_t hi)
{
	double most = 0;

	for (size_t i = lo; i < hi; i++)
		if (f->p->layers.data[i].kind == MBS_CONCAT)
			most = larger(most, f->p->layers.data[i].out);
	return most;
}

/* What layers of [lo, hi) still need while layer i runs, beside its operands
 * and result. A concatenation's buffer is there from the first branch on, and
 * so is what all branches read (A3.2). */
static double
others(const struct finder *f, size_t lo, size_t hi, size_t i)
{
	const struct mbs_layer *l = &f->p->layers.data[i];
	double sum = 0, joined = concat_bytes(f, lo, hi);

	for (size_t k = f->entering > 0 ? f->entering - 1 : lo; k < i;
	    k = k < lo ? lo : k + 1) {
		const struct value *v = f->p->layers.data[k].node->out[0];
		bool operand = false, enters = k < lo;

		if (f->last[v->id] <= lo || f->concat[v->id] ||
		    (k >= lo && f->last[v->id] <= i + 1) ||
		    (enters && f->last[v->id] <= i + 1 && joined == 0))
			continue;
		for (int j = 0; j < l->node->nin; j++)
			operand = operand || l->node->in[j] == v;
		if (!operand)
			sum += f->p->layers.data[k].out;
	}
	return f->concat[l->node->out[0]->id] ? sum : sum + joined;
}

static double
layer_space(const struct mbs_layer *l)
{
	switch (l->kind) {
	case MBS_VIEW:
	case MBS_CONCAT: return 0;
	case MBS_RELU:
	case MBS_MAP: return l->out; /* in place */
	case MBS_ADD: return 2 * l->out;
	default: return l->in + l->out;
	}
}

static void
measure(struct finder *f, struct mbs_unit *u)
{
	size_t hi = u->first + u->count;

	for (size_t i = u->first; i < hi; i++) {
		struct mbs_layer *l = &f->p->layers.data[i];
		double own = layer_space(l);

		if (own == 0)
			continue;
		l->space = own;
		u->space_apart = larger(u->space_apart, own);
		u->space = larger(u->space, own + others(f, u->first, hi, i));
		u->whole_batch = u->whole_batch ||
		    l->node->op == OP_batch_norm_train;
	}
	if (f->entering > 0 && f->last[f->p->layers.data[f->entering -
	        1].node->out[0]->id] <= hi)
		f->entering = 0;
	for (size_t i = u->first; i < hi; i++)
		if (f->last[f->p->layers.data[i].node->out[0]->id] > hi)
			f->entering = i + 1;
}

bool
mbs_is_group_norm(const struct node *n)
{
	return n->op == OP_group_norm || n->op == OP_group_norm_train;
}

const struct node *
mbs_rebuilt_from(const struct value *v)
{
	const struct node *r = v->kind == VALUE_NODE ? v->def : NULL;

	return r != NULL && r->op == OP_relu &&
	    r->in[0]->kind == VALUE_NODE &&
	    mbs_is_group_norm(r->in[0]->def) ? r->in[0]->def : NULL;
}

bool
mbs_is_saved(const struct value *v)
{
	for (size_t i = 0; i < v->uses.len; i++) {
		const struct use *u = &v->uses.data[i];

		if (u->index == 0 && (is_norm(u->node->op) ||
		    u->node->op == OP_conv || u->node->op == OP_matmul ||
		    u->node->op == OP_gemm ||
		    u->node->op == OP_conv_transpose))
			return true;
		/* views are the same bytes */
		if ((u->node->op == OP_reshape || u->node->op == OP_identity) &&
		    mbs_is_saved(u->node->out[0]))
			return true;
	}
	return false;
}

static void
count_saved(const struct finder *f, struct mbs_unit *u)
{
	size_t hi = u->first + u->count;
	const struct mbs_layer *last = &f->p->layers.data[hi - 1];

	for (size_t i = u->first; i < hi; i++) {
		const struct mbs_layer *l = &f->p->layers.data[i];
		const struct value *v = l->node->out[0];

		if (l->kind == MBS_VIEW || f->concat[v->id] ||
		    !mbs_is_saved(v))
			continue;
		u->saved += l->out;
		if (mbs_rebuilt_from(v) != NULL)
			u->rebuilt += l->out;
	}
	u->boundary = last->out;
	u->boundary_saved = mbs_is_saved(last->node->out[0]);
}

static int64_t
fitting(const struct mbs_plan *p, double space)
{
	double n = p->o->buffer == 0 || space == 0 ? (double)p->batch :
	    (double)p->o->buffer / space;

	return n < 1 ? 1 : n > (double)p->batch ? p->batch : (int64_t)n;
}

static bool
starts_unit(const struct mbs_plan *p, size_t first, size_t count)
{
	enum mbs_kind k = p->layers.data[first].kind;

	return count > 1 || p->units.len == 0 || k == MBS_CONV ||
	    k == MBS_MAX_POOL || k == MBS_AVG_POOL || k == MBS_CONCAT;
}

bool
mbs_units(struct mbs_plan *p, struct graph *g, struct diag *d)
{
	struct finder f = {.p = p, .g = g, .tmp = arena_new()};
	bool *cut, ok;
	size_t first = 0;

	p->made = NEW_ARRAY(p->arena, size_t, g->nvalues + 1);
	f.last = NEW_ARRAY(f.tmp, size_t, g->nvalues + 1);
	f.split = NEW_ARRAY(f.tmp, bool, g->nvalues + 1);
	f.concat = NEW_ARRAY(f.tmp, bool, g->nvalues + 1);
	ok = find_batch(&f, d);
	p->batch = ok ? ceil_div(f.batch, p->o->parts) : 0;
	graph_foreach_node(g, n) {
		if (!ok || sample_operands(&f, n) == 0)
			continue;
		add_layer(&f, n);
		for (int i = 0; n->op == OP_concat && i < n->nin; i++)
			f.concat[n->in[i]->id] = true;
	}
	cut = find_cuts(&f);
	for (size_t i = 0; i < p->layers.len; i++) {
		struct mbs_unit u = {.first = first, .count = i + 1 - first};

		if (!cut[i] && i + 1 < p->layers.len)
			continue;
		if (starts_unit(p, first, u.count))
			VEC_PUSH(p->arena, &p->units, u);
		else
			p->units.data[p->units.len - 1].count += u.count;
		first = i + 1;
	}
	for (size_t i = 0; i < p->units.len; i++) {
		struct mbs_unit *u = &p->units.data[i];

		measure(&f, u);
		count_saved(&f, u);
		u->samples[0] = fitting(p, u->space_apart);
		u->samples[1] = fitting(p, u->space);
	}
	arena_free(f.tmp);
	return ok;
}
