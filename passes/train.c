/* A forward graph becomes a training step. */
#include "passes/train.h"

#include "passes/rewrite.h"
#include "passes/update.h"

#include <math.h>

void
train_options_init(struct train_options *o)
{
	*o = (struct train_options){.beta1 = 0.9, .beta2 = 0.999,
	    .epsilon = 1e-8, .loss_scale = 1, .accumulate = 1,
	    .decay_vectors = true};
}

static bool
in_range(struct diag *d, const char *name, bool ok)
{
	if (!ok)
		diag_error(d, NULL, "training option %s is out of range",
		    name);
	return ok;
}

static bool
check_options(const struct graph *g, struct diag *d,
    const struct train_options *o)
{
	static const char *const taken[] = {"loss", "lr"};

	if (o->output >= g->outputs.len) {
		diag_error(d, NULL, "there is no output %zu to train",
		    o->output);
		return false;
	}
	for (size_t i = 0; i < 2; i++)
		if (graph_find(g, taken[i]) != NULL) {
			diag_error(d, &graph_find(g, taken[i])->loc,
			    "a value is named '%s' already, which training "
			    "needs", taken[i]);
			return false;
		}
	return in_range(d, "smoothing", o->smoothing >= 0 &&
	           o->smoothing <= 1) &&
	    in_range(d, "momentum", o->momentum >= 0 && o->momentum < 1) &&
	    in_range(d, "beta1", o->beta1 >= 0 && o->beta1 < 1) &&
	    in_range(d, "beta2", o->beta2 >= 0 && o->beta2 < 1) &&
	    in_range(d, "epsilon", o->epsilon >= 0) &&
	    in_range(d, "weight decay", o->weight_decay >= 0 &&
	        isfinite(o->weight_decay)) &&
	    in_range(d, "loss scale", o->loss_scale > 0 &&
	        isfinite(o->loss_scale)) &&
	    in_range(d, "accumulate", o->accumulate >= 1 &&
	        o->accumulate <= MAX_DIM);
}

/* The operand of a softmax over classes at the end, or y itself. */
static struct value *
logits_of(struct value *y)
{
	struct node *n = def_of(y, OP_softmax);

	if (n == NULL)
		n = def_of(y, OP_log_softmax);
	if (n == NULL || node_int(n, ATTR_axis) != 1)
		return y;
	return n->in[0];
}

static struct value *
cross_entropy(struct graph *g, struct diag *d, const struct train_options *o,
    struct value *y)
{
	struct attr a = attr_make_float(ATTR_smoothing, o->smoothing);
	struct tensor_type t = {.dtype = DT_I64};
	struct value *in[2] = {logits_of(y), NULL};
	struct node_spec spec = {.op = OP_softmax_cross_entropy, .in = in,
	    .nin = 2, .attrs = &a, .nattrs = 1, .loc = y->loc};
	int64_t nc[2];
	struct node *n;

	t = in[0]->type;
	if (t.rank >= 2 && type_elems(&t) == t.dim[0] * t.dim[1]) {
		nc[0] = t.dim[0];
		nc[1] = t.dim[1];
		in[0] = mk_reshape(g, in[0], t.rank = 2, nc, NULL);
	}
	for (int i = 1; i + 1 < t.rank; i++)
		t.dim[i] = t.dim[i + 1];
	t.rank -= t.rank > 0;
	t.dtype = DT_I64;
	in[1] = graph_input(g, "labels", &t);
	n = graph_add(g, d, &spec);
	return n != NULL ? n->out[0] : NULL;
}

static struct value *
mean_squares(struct graph *g, struct value *y)
{
	struct attr a = attr_make_int(ATTR_keepdims, 0);
	enum dtype t = y->type.dtype == DT_F64 ? DT_F64 : DT_F32;
	struct value *target = graph_input(g, "target", &y->type);

	y = build_binary(g, OP_sub, y, target, t, NULL);
	y = build_binary(g, OP_mul, y, y, t, NULL);
	return build_op(g, OP_reduce_mean, &y, 1, &a, 1, t, NULL);
}

/* The loss as output `loss`. */
static bool
append_loss(struct graph *g, struct diag *d, const struct train_options *o)
{
	struct value *y = g->outputs.data[o->output], *loss;

	if (!dtype_is_float(y->type.dtype)) {
		diag_error(d, &y->loc, "output %zu is no float: it cannot be "
		    "trained", o->output);
		return false;
	}
	loss = o->loss == LOSS_MSE ? mean_squares(g, y)
	                           : cross_entropy(g, d, o, y);
	if (loss == NULL)
		return false;
	value_set_name(g, loss, "loss");
	graph_output(g, loss, "loss");
	return true;
}

/* Group norms that also give their statistics, which the gradient reads. */
static bool
keep_statistics(struct graph *g, struct diag *d)
{
	graph_foreach_node_safe(g, n, next) {
		struct node_spec s = {.op = OP_group_norm_train, .in = n->in,
		    .nin = 3, .nout = 3, .attrs = n->attrs,
		    .nattrs = n->nattrs, .loc = n->loc, .before = n,
		    .out_dtype = n->out[0]->type.dtype};
		struct node *m;

		if (n->op != OP_group_norm ||
		    type_elems(&n->in[0]->type) == 0)
			continue;
		m = graph_add(g, d, &s);
		if (m == NULL)
			return false;
		m->phase = n->phase;
		m->group = n->group;
		m->out[0]->keep = n->out[0]->keep;
		value_replace(g, n->out[0], m->out[0]);
		value_take_name(g, m->out[0], n->out[0]);
		graph_remove(g, n);
	}
	return true;
}

bool
train_step(struct graph *g, struct diag *d, const struct train_options *o)
{
	struct value **params, **grads;
	size_t n = 0, found = 0;

	if (!check_options(g, d, o) || !keep_statistics(g, d) ||
	    !append_loss(g, d, o))
		return false;
	params = NEW_ARRAY(g->arena, struct value *, g->states.len + 1);
	grads = NEW_ARRAY(g->arena, struct value *, g->states.len + 1);
	for (size_t i = 0; i < g->states.len; i++)
		if (g->states.data[i]->trainable)
			params[n++] = g->states.data[i];
	if (!autodiff(g, d, g->outputs.len - 1,
	        o->loss_scale / (double)o->accumulate, params, n, grads))
		return false;
	for (size_t i = 0; i < n; i++)
		found += grads[i] != NULL;
	if (found == 0) {
		diag_error(d, NULL, "there is nothing to train: the loss "
		    "depends on no trainable state");
		return false;
	}
	append_update(g, o, params, grads, n);
	return true;
}
