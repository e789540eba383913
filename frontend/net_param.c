/* Nodes and parameters of layers. */
#include "frontend/net_run.h"

#include <string.h>

#include "support/str.h"

struct captured {
	struct call *c;
};

/* graph_add's message with the notes on the blocks around the layer. */
static void
forward_error(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct captured *x = user;

	(void)loc;
	if (level == DIAG_ERROR)
		run_error(x->c->r, x->c->pos, "%s", text);
}

static struct value *
add_node(struct call *c, const char *name, enum op op, struct value **in,
    int nin, const struct attr *attrs, int nattrs)
{
	struct captured x = {c};
	struct diag d = {.fn = forward_error, .user = &x};
	struct node_spec s = {.op = op, .in = in, .nin = nin, .attrs = attrs,
	    .nattrs = nattrs, .name = name,
	    .loc = {c->pos.file, c->pos.line, c->pos.col, c->path}};
	struct node *n = graph_add(c->r->g, &d, &s);

	return n != NULL ? n->out[0] : NULL;
}

struct value *
layer_node(struct call *c, enum op op, struct value **in, int nin,
    const struct attr *attrs, int nattrs)
{
	return add_node(c, c->path, op, in, nin, attrs, nattrs);
}

struct value *
layer_part(struct call *c, const char *suffix, enum op op, struct value **in,
    int nin, const struct attr *attrs, int nattrs)
{
	const char *name = arena_printf(c->r->arena, "%s.%s", c->path,
	    suffix);

	return add_node(c, name, op, in, nin, attrs, nattrs);
}

struct value *
layer_const(struct call *c, enum dtype t, double v)
{
	return build_scalar(c->r->g, t, v);
}

/* The data of a parameter; false when there is no memory for it. */
static bool
make_data(struct call *c, const struct param_spec *p, const char *name,
    const struct tensor_type *type, void **data)
{
	struct run *r = c->r;
	struct init init = init_resolve(&p->init, p->fan_in, p->fan_out);
	int64_t bytes = type_bytes(type);

	*data = NULL;
	if (bytes > r->max_bytes - r->bytes) {
		call_error(c, "with %s the parameters take more than %lld "
		    "bytes", name, (long long)r->max_bytes);
		return false;
	}
	r->bytes += bytes;
	if (r->opt->no_weights)
		return true;
	*data = arena_try_alloc(r->arena, (size_t)bytes + 1);
	if (*data == NULL) {
		call_error(c, "no memory for the %lld bytes of %s",
		    (long long)bytes, name);
		return false;
	}
	init_fill(*data, type->dtype, type_elems(type), &init, r->opt->seed,
	    name);
	return true;
}

struct value *
layer_param(struct call *c, const struct param_spec *p, enum dtype t)
{
	struct run *r = c->r;
	struct tensor_type type = type_make(t, p->rank, p->dim);
	const char *name = arena_printf(r->arena, "%s.%s", c->path, p->name);
	char buf[TYPE_STR_MAX];
	void *data;

	if (!type_valid(&type)) {
		call_error(c, "its %s would have the invalid shape %s",
		    p->name, type_str(&type, buf, sizeof buf));
		return NULL;
	}
	if (graph_find(r->g, name) != NULL) {
		call_error(c, "the name '%s' is taken", name);
		return NULL;
	}
	if (!make_data(c, p, name, &type, &data))
		return NULL;
	struct value *v = graph_state(r->g, name, &type, data,
	    !p->statistic);
	v->loc = (struct loc){c->pos.file, c->pos.line, c->pos.col, c->path};
	return v;
}

void
layer_hint(struct call *c, enum net_hint_kind kind, struct value *v,
    double number)
{
	struct net_hint h = {kind, v, number};

	if (v != NULL)
		VEC_PUSH(c->r->arena, &c->r->train->hints, h);
}

struct val
layer_result(struct value *v)
{
	return v != NULL ? val_tensor(v) : val_error();
}
