/* fuse-epilogue: act(x * w + bias + residual) in one contraction. The ops
 * behind a contraction move into it one by one, as long as its result has
 * no other reader. */
#include "passes/epilogue.h"

#include <string.h>

/* One contraction. */
struct attempt {
	bool trains; /* the graph is a training step */
	/* Why the last fusion failed, for the remark. */
	const char *why;
};

/* The activation that u computes. */
static bool
as_act(const struct node *u, enum act *act, double *alpha, double *beta)
{
	*alpha = *beta = 0;
	switch (u->op) {
	case OP_relu: *act = ACT_RELU; return true;
	case OP_sigmoid: *act = ACT_SIGMOID; return true;
	case OP_tanh: *act = ACT_TANH; return true;
	case OP_hard_swish: *act = ACT_HARD_SWISH; return true;
	case OP_leaky_relu:
		*act = ACT_LEAKY_RELU;
		*alpha = node_float(u, ATTR_alpha);
		return true;
	case OP_clip:
		*act = ACT_CLIP;
		*alpha = node_float(u, ATTR_min);
		*beta = node_float(u, ATTR_max);
		return true;
	case OP_hard_sigmoid:
		*act = ACT_HARD_SIGMOID;
		*alpha = node_float(u, ATTR_alpha);
		*beta = node_float(u, ATTR_beta);
		return true;
	default: return false;
	}
}

/* May u become a step of m's epilogue? In a training step of 16 bits fusing
 * must not change a bit, as schedules by sub-batches fuse less or more: then m
 * rounds after each step. */
static bool
keeps_bits(const struct attempt *a, struct pass_ctx *c, struct node *m,
    const struct node *u)
{
	enum dtype t = m->out[0]->type.dtype;

	if (!a->trains || (t != DT_F16 && t != DT_BF16))
		return true;
	if (u->out[0]->type.dtype != t)
		return false;
	node_set_int(c->g, m, ATTR_stepwise, 1);
	return true;
}

static bool
fuse_act(struct pass_ctx *c, struct node *m, struct node *u,
    const struct attempt *a)
{
	enum act act;
	double alpha, beta;

	if (!as_act(u, &act, &alpha, &beta) || !keeps_bits(a, c, m, u))
		return false;
	node_set_int(c->g, m, ATTR_act, (int64_t)act);
	node_set_float(c->g, m, ATTR_act_alpha, alpha);
	node_set_float(c->g, m, ATTR_act_beta, beta);
	pass_remark(c, &u->loc, "%s fused into %s", node_label(c, u),
	    node_label(c, m));
	epilogue_take(c, m, u);
	return true;
}

static bool
defined_before(const struct value *v, const struct node *n)
{
	if (v->kind != VALUE_NODE)
		return true;
	for (const struct node *k = n->prev; k != NULL; k = k->prev)
		if (k == v->def)
			return true;
	return false;
}

static bool
fuse_residual(struct pass_ctx *c, struct node *m, struct node *u,
    struct attempt *a)
{
	struct value *x = m->out[0], *r;

	if (u->op != OP_add)
		return false;
	r = u->in[0] == x ? u->in[1] : u->in[0];
	if (r == x || !dtype_is_float(r->type.dtype) ||
	    !shape_equal(&r->type, &x->type) ||
	    !shape_equal(&u->out[0]->type, &x->type))
		return false;
	if (node_in(m, 3) != NULL) {
		a->why = "it has a residual already";
		return false;
	}
	if (!defined_before(r, m)) {
		/* A later contraction may take this one as its residual. */
		if (epilogue_open(r)) {
			a->why = "the other operand is a contraction that "
			    "comes later";
			return false;
		}
	}
	if (!keeps_bits(a, c, m, u))
		return false;
	if (!defined_before(r, m))
		graph_move_before(c->g, m, u);
	node_set_in(c->g, m, 3, r);
	pass_remark(c, &u->loc, "%s fused into %s as residual",
	    node_label(c, u), node_label(c, m));
	epilogue_take(c, m, u);
	return true;
}

/* The gradient of a weight: a sum over the batch, which a schedule by
 * sub-batches forms in parts. An epilogue would apply to each. */
static bool
sums_batch(const struct node *m)
{
	return m->op == OP_matmul && m->in[0]->type.rank == 2 &&
	    node_int(m, ATTR_trans_a) && strcmp(m->phase, "forward") != 0;
}

/* Fuses the reader of m's result; false when there is nothing to do. */
static bool
fuse_next(struct pass_ctx *c, struct node *m, struct attempt *a)
{
	struct value *x = m->out[0];
	struct node *u;

	if (x->uses.len == 0)
		return false;
	u = x->uses.data[0].node;
	if (!single_use(x)) {
		a->why = value_is_end(x) ? "its result leaves the graph"
		    : "its result has several readers";
		return false;
	}
	if (sums_batch(m)) {
		a->why = "it is a sum over the batch";
		return false;
	}
	if (node_int(m, ATTR_act) != ACT_NONE) {
		a->why = "it has an activation already";
		return false;
	}
	if (!dtype_is_float(u->out[0]->type.dtype) ||
	    u->out[0]->type.dtype == DT_F64)
		return false;
	for (int i = 0; i < u->nin; i++)
		if (u->in[i] != NULL && u->in[i]->type.dtype == DT_F64)
			return false;
	if (epilogue_bias(c, m, u, false))
		return true;
	if (x->keep == KEEP_DRAM) {
		a->why = "the schedule stores its result";
		return false;
	}
	return fuse_residual(c, m, u, a) || fuse_act(c, m, u, a);
}

/* Whether u could have been fused, so that a remark is worth its line. */
static bool
candidate(const struct node *u)
{
	enum act act;
	double alpha, beta;

	return u->op == OP_add || as_act(u, &act, &alpha, &beta);
}

static void
fuse_into(struct pass_ctx *c, struct node *m, bool trains)
{
	struct attempt a = {trains, NULL};
	struct node *u;

	while (fuse_next(c, m, &a))
		;
	if (a.why == NULL)
		return;
	u = m->out[0]->uses.data[0].node;
	if (candidate(u))
		pass_remark(c, &u->loc, "%s not fused into %s: %s",
		    node_label(c, u), node_label(c, m), a.why);
}

bool
pass_fuse_epilogue(struct pass_ctx *c)
{
	struct node_stack list = {0};
	bool trains = graph_trains(c->g);

	/* Contractions move while they fuse: walk a copy of the order. */
	graph_foreach_node(c->g, n)
		if (has_epilogue(n))
			VEC_PUSH(c->scratch, &list, n);
	for (size_t i = 0; i < list.len; i++)
		fuse_into(c, list.data[i], trains);
	return true;
}
