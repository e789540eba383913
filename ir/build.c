/* Shorthands for passes: they know that what they build is valid. */
#include "ir/graph.h"

#include <stdio.h>

/* Keeps the first message for the internal error. */
static void
keep_message(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	char *msg = user;

	(void)level;
	(void)loc;
	if (msg[0] == '\0')
		snprintf(msg, 512, "%s", text);
}

struct value *
build_op(struct graph *g, enum op op, struct value **in, int nin,
    const struct attr *attrs, int nattrs, enum dtype out, struct node *before)
{
	char msg[512] = "";
	struct diag d = {.fn = keep_message, .user = msg};
	struct node_spec s = {.op = op, .in = in, .nin = nin, .attrs = attrs,
	    .nattrs = nattrs, .out_dtype = out, .before = before};
	struct node *n;

	if (before != NULL)
		s.loc = before->loc;
	n = graph_add(g, &d, &s);
	if (n == NULL)
		ice("build_op", "%s", msg);
	if (before != NULL) {
		n->phase = before->phase;
		n->group = before->group;
	}
	return n->out[0];
}

struct value *
build_unary(struct graph *g, enum op op, struct value *x, enum dtype out,
    struct node *before)
{
	return build_op(g, op, &x, 1, NULL, 0, out, before);
}

struct value *
build_binary(struct graph *g, enum op op, struct value *x, struct value *y,
    enum dtype out, struct node *before)
{
	struct value *in[] = {x, y};

	return build_op(g, op, in, 2, NULL, 0, out, before);
}

struct value *
build_scalar(struct graph *g, enum dtype t, double v)
{
	struct tensor_type type = type_make(t, 0, NULL);
	void *data = arena_alloc(g->arena, dtype_size(t));

	dtype_set(data, t, 0, v);
	return graph_const(g, NULL, &type, data);
}

struct value *
build_ints(struct graph *g, const int64_t *v, size_t n)
{
	int64_t dim = (int64_t)n;
	struct tensor_type type = type_make(DT_I64, 1, &dim);
	void *data = n == 0 ? arena_alloc(g->arena, sizeof *v)
	                    : arena_memdup(g->arena, v, n * sizeof *v);

	return graph_const(g, NULL, &type, data);
}
