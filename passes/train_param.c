/* The constants of an imported model become states. */
#include "passes/train.h"

#include "passes/rewrite.h"

struct params {
	struct graph *g;
	const struct parameter_options *o;
	struct arena *tmp;
	struct value **state; /* by id of the constant: what readers take */
	uint32_t count;
	unsigned unnamed;
};

/* The state in place of constant v, or v when it is none. */
static struct value *
state_for(struct params *p, struct value *v, bool trains)
{
	struct tensor_type t = v->type;
	const char *name = v->name;
	struct value *s;

	if (v->kind != VALUE_CONST || v->id >= p->count ||
	    !dtype_is_float(t.dtype))
		return v;
	if (p->state[v->id] != NULL)
		return p->state[v->id];
	if (name == NULL)
		name = arena_printf(p->g->arena, "param.%u", p->unnamed++);
	else
		value_set_name(p->g, v, NULL);
	if (trains && p->o->learns != NULL)
		trains = p->o->learns(p->o->user, name);
	if (t.dtype != DT_F64)
		t.dtype = DT_F32;
	s = graph_state(p->g, name, &t,
	    t.dtype == v->type.dtype
	        ? v->data : const_cast_to(p->g, v, t.dtype)->data,
	    trains);
	s->loc = v->loc;
	return p->state[v->id] =
	    mk_cast(p->g, s, v->type.dtype, p->g->first);
}

static void
take(struct params *p, struct node *n, int from, int to, bool trains)
{
	for (int i = from; i <= to && i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->kind == VALUE_CONST)
			node_set_in(p->g, n, i,
			    state_for(p, n->in[i], trains));
}

static bool
is_contraction(const struct value *v)
{
	return def_of(v, OP_conv) || def_of(v, OP_conv_transpose) ||
	    def_of(v, OP_matmul) || def_of(v, OP_gemm);
}

/* A bias that the model adds behind a contraction. */
static void
take_bias(struct params *p, struct node *n)
{
	for (int i = 0; i < 2; i++)
		if (is_contraction(n->in[1 - i]))
			take(p, n, i, i, true);
}

/* s := momentum s + (1 - momentum) batch */
static void
run_average(struct params *p, struct node *n, struct value *s,
    struct value *batch, double factor)
{
	struct graph *g = p->g;
	double m = node_float(n, ATTR_momentum);
	enum dtype t = s->type.dtype;
	struct value *v, *u;

	/* shared between norms: each would overwrite the other */
	for (size_t i = 0; i < g->assigns.len; i++)
		if (g->assigns.data[i].state == s)
			return;
	v = build_binary(g, OP_mul, s, build_scalar(g, t, m), t, NULL);
	u = build_binary(g, OP_mul, batch,
	    build_scalar(g, t, (1 - m) * factor), t, NULL);
	v->def->loc = u->def->loc = n->loc;
	v->def->phase = u->def->phase = "update";
	v = build_binary(g, OP_add, v, u, t, NULL);
	v->def->loc = n->loc;
	v->def->phase = "update";
	graph_assign(g, s, v);
}

/* The state behind a conversion. */
static struct value *
bare(struct value *v)
{
	return def_of(v, OP_cast) != NULL ? v->def->in[0] : v;
}

static bool
train_norm(struct params *p, struct diag *d, struct node *n)
{
	const struct tensor_type *t = &n->in[0]->type;
	struct attr eps = *node_attr(n, ATTR_epsilon);
	struct node_spec s = {.op = OP_batch_norm_train, .in = n->in,
	    .nin = 3, .attrs = &eps, .nattrs = 1, .loc = n->loc,
	    .out_dtype = n->out[0]->type.dtype, .before = n};
	struct value *mean = bare(n->in[3]), *var = bare(n->in[4]);
	double count = 1, factor = 1;
	struct node *m = graph_add(p->g, d, &s);

	if (m == NULL)
		return false;
	m->phase = n->phase;
	m->group = n->group;
	m->out[0]->keep = n->out[0]->keep;
	for (int i = 0; i < t->rank; i++)
		count *= i == 1 ? 1 : (double)t->dim[i];
	if (p->o->unbiased && count > 1)
		factor = count / (count - 1);
	if (mean->kind == VALUE_STATE)
		run_average(p, n, mean, m->out[1], 1);
	if (var->kind == VALUE_STATE)
		run_average(p, n, var, m->out[2], factor);
	value_replace(p->g, n->out[0], m->out[0]);
	value_take_name(p->g, m->out[0], n->out[0]);
	graph_remove(p->g, n);
	return true;
}

static bool
visit(struct params *p, struct diag *d, struct node *n)
{
	switch (n->op) {
	case OP_conv:
	case OP_conv_transpose:
		take(p, n, 1, 2, true);
		break;
	case OP_matmul:
	case OP_gemm:
		take(p, n, 0, 2, true);
		break;
	case OP_add: take_bias(p, n); break;
	case OP_prelu:
	case OP_group_norm:
	case OP_instance_norm:
	case OP_layer_norm: take(p, n, 1, 2, true); break;
	case OP_batch_norm:
		take(p, n, 1, 2, true);
		take(p, n, 3, 4, false);
		return p->o->inference || train_norm(p, d, n);
	default: break;
	}
	return true;
}

/* The data of v as t, which another graph may have had converted. */
static void *
converted(struct graph *g, struct parameter_cache *c, const struct value *v,
    enum dtype t)
{
	struct converted_parameter fresh = {.from = v->data};

	for (size_t i = 0; c != NULL && i < c->done.len; i++) {
		size_t at = (c->next + i) % c->done.len;

		if (c->done.data[at].from == v->data) {
			c->next = at + 1;
			return c->done.data[at].to;
		}
	}
	fresh.to = const_data_as(g->arena, v, t);
	if (c != NULL)
		VEC_PUSH(g->arena, &c->done, fresh);
	return fresh.to;
}

/* The f32 state v is stored in t; its readers take what that widens to. */
static void
store_in(struct graph *g, struct parameter_cache *c, struct value *v,
    enum dtype t)
{
	struct value *wide;

	if (v->data != NULL)
		v->data = converted(g, c, v, t);
	v->type.dtype = t;
	if (v->uses.len == 0)
		return;
	wide = mk_cast(g, v, DT_F32, g->first);
	wide->def->loc = v->loc;
	for (size_t i = v->uses.len; i-- > 0;) {
		struct use u = v->uses.data[i];

		if (u.node != wide->def)
			node_set_in(g, u.node, u.index, wide);
	}
}

/* What learns by this call, whether or not the graph at hand trains. */
static void
store_parameters(struct graph *g, const struct parameter_options *o)
{
	for (size_t i = 0; i < g->states.len; i++) {
		struct value *v = g->states.data[i];

		if (v->trainable && v->type.dtype == DT_F32 &&
		    (o->learns == NULL || o->learns(o->user, v->name)))
			store_in(g, o->cache, v, o->stored);
	}
}

bool
train_parameters(struct graph *g, struct diag *d,
    const struct parameter_options *o)
{
	struct params p = {.g = g, .o = o, .tmp = arena_new(),
	    .count = g->nvalues};
	bool ok = true;

	p.state = NEW_ARRAY(p.tmp, struct value *, p.count + 1);
	graph_foreach_node_safe(g, n, next)
		ok = ok && visit(&p, d, n);
	arena_free(p.tmp);
	if (ok && o->stored != DT_NONE)
		store_parameters(g, o);
	return ok;
}
