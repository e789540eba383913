/* fold-batch-norm: a constant scale and shift per output channel behind a
 * contraction goes into its weights and bias, behind a batch norm into its
 * scale and bias:
 *
 *   s (w x + b) + t = (s w) x + (s b + t)
 *
 * Source: Jacob et al., Quantization and Training of Neural Networks
 * (CVPR 2018), section 3.2. Computed in double, rounded once. */
#include <math.h>

#include "passes/legalize.h"
#include "passes/rewrite.h"
#include "passes/weights.h"

/* s x + t per channel of a contraction's result. */
struct affine {
	struct node *m; /* the contraction, or a batch norm */
	int64_t channels;
	double *scale, *shift;
	bool scaled;  /* some scale is not 1 */
	bool shifted; /* some shift is not 0 */
};

static double
channel(const struct value *v, int64_t i)
{
	size_t k = type_elems(&v->type) == 1 ? 0 : (size_t)i;

	return dtype_get(v->data, v->type.dtype, k);
}

static bool
all_const(const struct node *n, int from)
{
	for (int i = from; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->kind != VALUE_CONST)
			return false;
	return true;
}

static bool
match_batch_norm(const struct node *u, struct affine *f)
{
	double eps = node_float(u, ATTR_epsilon);

	if (channel_axis(f->m) != 1 || !all_const(u, 1))
		return false;
	for (int64_t i = 0; i < f->channels; i++) {
		f->scale[i] = channel(u->in[1], i) /
		    sqrt(channel(u->in[4], i) + eps);
		f->shift[i] = channel(u->in[2], i) -
		    channel(u->in[3], i) * f->scale[i];
	}
	f->scaled = f->shifted = true;
	return true;
}

/* x op k, or k op x where op commutes; k is constant along the channels. */
static bool
match_map(const struct node *u, struct affine *f)
{
	const struct value *x = f->m->out[0];
	bool swap = u->in[1] == x;
	const struct value *k = u->in[swap ? 0 : 1];

	if (k->kind != VALUE_CONST || (swap && u->op != OP_mul &&
	    u->op != OP_add) || !shape_equal(&u->out[0]->type, &x->type) ||
	    !along_axis(k, &x->type, channel_axis(f->m)))
		return false;
	for (int64_t i = 0; i < f->channels; i++) {
		double v = channel(k, i);

		f->scale[i] = u->op == OP_mul ? v : u->op == OP_div ? 1 / v
		    : 1;
		f->shift[i] = u->op == OP_add ? v : u->op == OP_sub ? -v : 0;
		f->scaled = f->scaled || f->scale[i] != 1;
		f->shifted = f->shifted || f->shift[i] != 0;
	}
	return true;
}

/* The contraction whose result u scales or shifts, when u is its only
 * reader and no activation or residual stands between. */
static struct node *
contraction(const struct node *u)
{
	for (int i = 0; i < 2 && i < u->nin; i++) {
		struct node *m;

		if (u->in[i] == NULL || u->in[i]->kind != VALUE_NODE ||
		    !single_use(u->in[i]))
			continue;
		m = u->in[i]->def;
		if (m->op == OP_gemm || m->op == OP_batch_norm)
			return m;
		if (has_epilogue(m) &&
		    node_int(m, ATTR_act) == ACT_NONE &&
		    node_in(m, 3) == NULL)
			return m;
	}
	return NULL;
}

static bool
match(struct pass_ctx *c, const struct node *u, struct affine *f)
{
	const struct node *m = f->m;

	f->channels = m->out[0]->type.dim[channel_axis(m)];
	f->scale = NEW_ARRAY(c->scratch, double, (size_t)f->channels);
	f->shift = NEW_ARRAY(c->scratch, double, (size_t)f->channels);
	f->scaled = f->shifted = false;
	if (u->op == OP_batch_norm)
		return match_batch_norm(u, f);
	return match_map(u, f);
}

/* n elements from element i on, times k. */
static void
scale_run(void *to, const void *from, enum dtype t, size_t i, size_t n,
    double k)
{
	float *f = to;
	const float *g = from;

	if (t != DT_F32) {
		for (size_t end = i + n; i < end; i++)
			dtype_set(to, t, i, k * dtype_get(from, t, i));
		return;
	}
	for (size_t end = i + n; i < end; i++)
		f[i] = (float)(k * (double)g[i]);
}

static struct value *
scaled_weights(struct pass_ctx *c, const struct affine *f)
{
	const struct value *w = f->m->in[1];
	struct weight_map k = weight_map(f->m);
	int64_t n = type_elems(&w->type);
	enum dtype t = w->type.dtype;
	void *data = arena_calloc(c->g->arena, (size_t)n, dtype_size(t));

	for (int64_t i = 0; i < n; i += k.inner)
		scale_run(data, w->data, t, (size_t)i, (size_t)k.inner,
		    f->scale[weight_channel(&k, i)]);
	return graph_const(c->g, NULL, &w->type, data);
}

static struct value *
shifted_bias(struct pass_ctx *c, const struct affine *f)
{
	const struct value *b = node_in(f->m, 2);
	struct tensor_type t = type_make(work_dtype(f->m), 1, &f->channels);
	double *v = NEW_ARRAY(c->scratch, double, (size_t)f->channels);

	for (int64_t i = 0; i < f->channels; i++)
		v[i] = (b != NULL ? f->scale[i] * channel(b, i) : 0) +
		    f->shift[i];
	return const_from(c->g, NULL, &t, v);
}

/* Operand i of m becomes v, which keeps the name when m was its last user. */
static void
put_operand(struct pass_ctx *c, struct node *m, int i, struct value *v)
{
	struct value *old = node_in(m, i);

	node_set_in(c->g, m, i, v);
	if (old != NULL && old->name != NULL && old->uses.len == 0)
		value_take_name(c->g, v, old);
}

static void
apply(struct pass_ctx *c, struct node *u, const struct affine *f)
{
	struct node *m = f->m;

	pass_remark(c, &u->loc, "%s folded into %s", node_label(c, u),
	    node_label(c, m));
	if (f->scaled)
		put_operand(c, m, 1, scaled_weights(c, f));
	if (f->shifted || node_in(m, 2) != NULL)
		put_operand(c, m, 2, shifted_bias(c, f));
	m->out[0]->type.dtype = u->out[0]->type.dtype;
	replace_node(c, u, m->out[0]);
}

/* The weights and bias of m are constants that can take the scale. */
static bool
foldable(const struct node *m)
{
	return m->in[1]->kind == VALUE_CONST && all_const(m, 1) &&
	    dtype_is_float(m->in[1]->type.dtype);
}

static void
visit(struct pass_ctx *c, struct node *u)
{
	struct affine f = {.m = contraction(u)};
	struct value *v;

	if (f.m == NULL || !dtype_is_float(u->out[0]->type.dtype))
		return;
	if (f.m->op == OP_gemm) {
		/* Only a gemm that is about to be folded becomes a matmul. */
		if (!foldable(f.m) || !match(c, u, &f))
			return;
		v = legalize_gemm(c, f.m);
		if (!replace_node(c, f.m, v))
			return;
		f.m = contraction(u);
		if (f.m == NULL || f.m->op != OP_matmul)
			return;
	}
	if (!foldable(f.m)) {
		if (u->op == OP_batch_norm)
			pass_remark(c, &u->loc, "%s not folded into %s: its "
			    "weights or bias are not constant",
			    node_label(c, u), node_label(c, f.m));
		return;
	}
	if (match(c, u, &f))
		apply(c, u, &f);
}

bool
pass_fold_batch_norm(struct pass_ctx *c)
{
	graph_foreach_node_safe(c->g, u, next) {
		switch (u->op) {
		case OP_batch_norm:
		case OP_mul:
		case OP_add:
		case OP_div:
		case OP_sub: visit(c, u); break;
		default: break;
		}
	}
	return true;
}
