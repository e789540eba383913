/* Dropout of a training step. */
#include "passes/train.h"

#include "passes/rewrite.h"

/* Counts the steps, from 0 on. */
static struct value *
step_counter(struct graph *g)
{
	struct tensor_type t = type_make(DT_I64, 0, NULL);
	struct value *s = graph_find(g, TRAIN_STEP), *one;

	if (s != NULL)
		return s;
	s = graph_state(g, TRAIN_STEP, &t, NEW(g->arena, int64_t), false);
	one = build_binary(g, OP_add, s, build_scalar(g, DT_I64, 1), DT_NONE,
	    NULL);
	one->def->phase = "update";
	graph_assign(g, s, one);
	return s;
}

void
train_dropout(struct graph *g, struct value *v, double ratio, uint64_t seed,
    int64_t stream)
{
	struct node *n = v->def;
	struct attr a[3] = {
	    attr_make_float(ATTR_ratio, ratio),
	    attr_make_int(ATTR_seed, (int64_t)(seed & INT64_MAX)),
	    attr_make_int(ATTR_stream, stream),
	};
	struct value *in[2] = {n->in[0], step_counter(g)}, *d;

	d = build_op(g, OP_dropout, in, 2, a, 3, DT_NONE, n);
	value_replace(g, v, d);
	value_take_name(g, d, v);
	graph_remove(g, n);
}
