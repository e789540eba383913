/* Contractions: describes conv, conv_transpose and matmul as one problem. */
#include "backend/contract.h"

#include <string.h>

#include "backend/group.h"
#include "backend/weights.h"

/* ---- weights ---- */

/* Describes the weights to the contraction. Constants are stored in DRAM as
 * rows k = (kd, kh, kw, ci) of all output channels, so that a tile is a
 * rectangle. */
static void
set_weights(struct contraction *c, const struct weight_order *o)
{
	struct lower *lw = c->lw;
	int64_t size = (int64_t)dtype_size(o->v->type.dtype);
	int64_t columns = o->groups * o->co;
	c->w_bytes = type_bytes(&o->v->type);
	if (o->v->kind == VALUE_CONST) {
		struct tile_buffer *b = tile_buffer(lw->p,
		    o->v->name != NULL ? o->v->name : "weight", SPACE_DRAM,
		    c->w_bytes, 1, NULL);
		b->role = ROLE_CONST;
		b->traffic = TRAFFIC_WEIGHT;
		b->dtype = o->v->type.dtype;
		b->rank = 2;
		b->dim[0] = c->k;
		b->dim[1] = columns;
		b->stride[0] = columns * size;
		b->stride[1] = size;
		b->data = weights_reorder(lw->weights, o);
		c->w = place_dense(b->dtype, 2, b->dim);
		c->w.buf = b;
		c->canonical = c->packable = true;
		c->w_n = size;
		c->w_c = columns * size;
		c->w_group = o->co * size;
		int64_t step = c->w_c * o->ci;
		for (int i = 2; i >= 0; i--) {
			c->w_tap[i] = step;
			step *= o->tap[i];
		}
		return;
	}
	c->w = *place_of(lw, o->v);
	for (int a = 0; a < 3; a++)
		c->flip[a] = o->flip[a] && o->tap[a] > 1;
}

/* Byte strides of weights that are computed, bound or trained. */
static void
dynamic_weights(struct contraction *c, bool transposed, int spatial)
{
	int ci = transposed ? 0 : 1, co = transposed ? 1 : 0;
	if (c->canonical)
		return;
	c->w_c = c->w.stride[ci];
	c->w_n = c->w.stride[co];
	c->w_group = transposed ? c->cig * c->w_c : c->cog * c->w_n;
	if (c->cog == 1) /* the columns are the groups */
		c->w_n = c->w_group;
	c->packable = c->w_group == c->cog * c->w_n;
	c->canonical = !c->flip[0] && !c->flip[1] && !c->flip[2];
	int64_t step = c->cig * c->w_c;
	for (int a = 2; a >= 0; a--) {
		int i = a - (3 - spatial);
		c->w_tap[a] = i < 0 ? 0 : c->w.stride[2 + i];
		if (i < 0)
			continue;
		if (c->w.dim[2 + i] > 1 && c->w_tap[a] != step)
			c->canonical = false;
		step *= c->w.dim[2 + i];
	}
}

/* ---- epilogue and result ---- */

static void
set_epilogue(struct contraction *c, const struct node *n)
{
	if (n->nin > 2 && n->in[2] != NULL) {
		c->has_bias = true;
		c->bias = *place_of(c->lw, n->in[2]);
	}
	if (n->nin > 3 && n->in[3] != NULL) {
		c->has_res = true;
		c->res = *place_of(c->lw, n->in[3]);
	}
	if (node_int(n, ATTR_stepwise) != 0)
		c->round = n->out[0]->type.dtype;
	c->act = (enum act)node_int(n, ATTR_act);
	c->alpha = node_float(n, ATTR_act_alpha);
	c->beta = node_float(n, ATTR_act_beta);
}

static void
image_strides(const struct place *pl, int64_t *addr, int64_t *channel)
{
	int spatial = pl->rank - 2;
	addr[0] = pl->stride[0];
	*channel = pl->stride[1];
	for (int a = 0; a < 3; a++) {
		int i = a - (3 - spatial);
		addr[1 + a] = i < 0 ? 0 : pl->stride[2 + i];
	}
}

static void
set_result(struct contraction *c)
{
	image_strides(&c->y, c->y_addr, &c->y_c);
	if (c->has_res)
		image_strides(&c->res, c->res_addr, &c->res_c);
}

/* ---- convolution ---- */

static void
describe_conv(struct contraction *c, const struct node *n)
{
	bool transposed = n->op == OP_conv_transpose;
	const struct tensor_type *wt = &n->in[1]->type;
	int spatial = wt->rank - 2;
	window_from_node(n, &c->x, &n->out[0]->type, wt->dim + 2, &c->win);
	c->groups = node_int(n, ATTR_groups);
	c->cig = c->x.dim[1] / c->groups;
	c->cog = c->y.dim[1] / c->groups;
	c->k = c->cig;
	struct weight_order o = {.v = n->in[1], .ci = c->cig,
	    .groups = c->groups, .co = c->cog};
	int64_t taps = 1;
	for (int a = 2; a >= 0; a--) {
		int i = a - (3 - spatial);
		o.tap[a] = i < 0 ? 1 : wt->dim[2 + i];
		o.stride_tap[a] = taps;
		taps *= o.tap[a];
		if (!transposed)
			continue;
		/* x scattered with stride s is x with s - 1 zeros between its
		 * elements under the flipped window */
		o.flip[a] = true;
		c->win.up[a] = c->win.stride[a];
		c->win.stride[a] = 1;
		c->win.pad[a] = c->win.dil[a] * (o.tap[a] - 1) -
		    c->win.pad[a];
	}
	c->k *= taps;
	if (transposed) { /* (Ci, Co/groups, ...) */
		o.stride_co = taps;
		o.stride_ci = taps * c->cog;
		o.stride_group = o.stride_ci * c->cig;
	} else { /* (Co, Ci/groups, ...) */
		o.stride_ci = taps;
		o.stride_co = taps * c->cig;
		o.stride_group = o.stride_co * c->cog;
	}
	c->win.c = c->cig;
	set_weights(c, &o);
	dynamic_weights(c, transposed, spatial);
}

/* ---- matrix product ---- */

struct mat { /* one operand as batches of a matrix */
	struct place pl;
	int64_t rows, cols, row_addr, col_addr;
	int nbatch;
	const int64_t *bdim, *bstride;
};

static void
as_matrix(struct mat *m, bool trans)
{
	const struct place *pl = &m->pl;
	int r = pl->rank - 2, k = pl->rank - 1;
	if (trans) {
		r = pl->rank - 1;
		k = pl->rank - 2;
	}
	m->rows = pl->dim[r];
	m->cols = pl->dim[k];
	m->row_addr = pl->stride[r];
	m->col_addr = pl->stride[k];
	m->nbatch = pl->rank - 2;
	m->bdim = pl->dim;
	m->bstride = pl->stride;
}

/* Byte stride of batch dimension i (of rank nb) in m: 0 where it broadcasts. */
static int64_t
batch_stride(const struct mat *m, int i, int nb)
{
	int j = i - (nb - m->nbatch);
	return j < 0 || m->bdim[j] == 1 ? 0 : m->bstride[j];
}

/* a (..., M, K) times a plain matrix is one product with all rows. */
static bool
flatten_rows(struct contraction *c, int64_t k, int64_t n)
{
	if (c->x.rank <= 2)
		return false;
	int64_t rows = place_bytes(&c->x) /
	    (int64_t)dtype_size(c->x.dtype) / k;
	int64_t xd[2] = {rows, k}, yd[2] = {rows, n};
	struct place x, y, r;
	if (!place_reshape(&c->x, 2, xd, &x) ||
	    !place_reshape(&c->y, 2, yd, &y))
		return false;
	if (c->has_res) {
		if (!place_reshape(&c->res, 2, yd, &r))
			return false;
		c->res = r;
	}
	c->x = x;
	c->y = y;
	return true;
}

static bool
set_batch(struct contraction *c, const struct mat *a, const struct mat *b,
    int nb)
{
	c->nbatch = 0;
	for (int i = 0; i < nb; i++) {
		if (c->y.dim[i] == 1)
			continue;
		if (c->nbatch == MAX_BATCH) {
			diag_error(c->lw->diag, &c->node->loc,
			    "matmul with more than %d batch dimensions",
			    MAX_BATCH);
			return false;
		}
		int j = c->nbatch++;
		c->batch[j] = c->y.dim[i];
		c->x_batch[j] = batch_stride(a, i, nb);
		c->w_batch[j] = batch_stride(b, i, nb);
		c->y_batch[j] = c->y.stride[i];
		c->res_batch[j] = c->has_res ? c->res.stride[i] : 0;
	}
	return true;
}

static bool
describe_matmul(struct contraction *c, const struct node *n)
{
	bool ta = node_int(n, ATTR_trans_a), tb = node_int(n, ATTR_trans_b);
	const struct tensor_type *wt = &n->in[1]->type;
	struct mat a = {0}, b = {0};
	int64_t wk = wt->dim[wt->rank - (tb ? 1 : 2)];
	int64_t wn = wt->dim[wt->rank - (tb ? 2 : 1)];
	if (wt->rank == 2 && !ta)
		flatten_rows(c, wk, wn);
	a.pl = c->x;
	as_matrix(&a, ta);
	c->groups = 1;
	c->cig = c->k = wk;
	c->cog = wn;
	struct weight_order o = {.v = n->in[1], .tap = {1, 1, 1}, .ci = wk,
	    .groups = 1, .co = wn, .stride_ci = tb ? 1 : wn,
	    .stride_co = tb ? wk : 1};
	if (wt->rank == 2) {
		set_weights(c, &o);
	} else {
		c->w = *place_of(c->lw, n->in[1]);
		c->w_bytes = wk * wn * (int64_t)dtype_size(c->w.dtype);
	}
	b.pl = c->canonical ? place_dense(wt->dtype, wt->rank, wt->dim) : c->w;
	as_matrix(&b, tb);
	if (!c->canonical) {
		c->w_c = b.row_addr;
		c->w_n = b.col_addr;
	}
	c->win = (struct window){.n = a.rows, .c = wk, .out = {1, 1, 1},
	    .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dil = {1, 1, 1},
	    .up = {1, 1, 1}, .extent = {1, 1, 1}, .n_addr = a.row_addr,
	    .c_addr = a.col_addr};
	int nb = c->y.rank - 2;
	c->y_addr[0] = c->y.stride[nb];
	c->y_c = c->y.stride[nb + 1];
	if (c->has_res) {
		c->res_addr[0] = c->res.stride[nb];
		c->res_c = c->res.stride[nb + 1];
	}
	return set_batch(c, &a, &b, nb);
}

static void
remark(struct lower *lw, const struct node *n, const struct contract_plan *p,
    const struct contract_plan *second)
{
	int64_t cycles = p->cycles + (second != NULL ? second->cycles : 0);
	static const char *const modes[] = {[W_RESIDENT] = "resident",
	    [W_WHOLE] = "whole in ", [W_CHUNK] = "by columns in ",
	    [W_PANEL] = "by columns, outermost, in ",
	    [W_STREAM] = "streamed through "};
	diag_remark(lw->diag, &n->loc, "lower: %s stationary, tile "
	    "%lldx%lldx%lldx%lld, block %lldx%lld, weights %s%s, %lld "
	    "groups a wave, %lld matrix cycles, %lld DRAM bytes%s",
	    p->pixels_stationary ? "activations" : "weights",
	    (long long)p->tile[0], (long long)p->tile[1],
	    (long long)p->tile[2], (long long)p->tile[3],
	    (long long)p->rowblk, (long long)p->colblk, modes[p->wmode],
	    p->wmode == W_RESIDENT ? "" : space_name(p->wspace),
	    (long long)p->pack, (long long)cycles, (long long)p->traffic,
	    second != NULL ? ", in two halves" : "");
}

/* Phases where zeros would be inserted, unless that cannot be done. */
static bool
plan_lowering(struct contraction *c, struct contract_plan *p)
{
	struct diag *d = c->lw->diag;
	const struct loc *loc = &c->node->loc;
	int64_t phases = phase_count(&c->win);
	c->split = c->lw->dgrad == DGRAD_PHASE && phases > 1 &&
	    phases <= PHASE_MAX;
	if (c->split && contract_plan(c, p)) {
		diag_remark(d, loc, "lower: %lld phases of the output",
		    (long long)phases);
		return true;
	}
	bool tried = c->split;
	c->split = false;
	if (!contract_plan(c, p)) {
		contract_no_room(c);
		return false;
	}
	if (tried)
		diag_remark(d, loc, "lower: inserts zeros: no schedule of "
		    "the phases fits");
	else if (c->lw->dgrad == DGRAD_PHASE && phases > 1)
		diag_remark(d, loc, "lower: inserts zeros: the output has "
		    "more than %d phases", PHASE_MAX);
	return true;
}

/* A plan for n of the samples in one tile, all weights on chip. */
static bool
plan_part(const struct contraction *c, int64_t n, struct contract_plan *p)
{
	struct contraction part = *c;
	part.win.n = n;
	if (!contract_plan(&part, p) || p->tile[0] != n ||
	    (p->wmode != W_RESIDENT && p->wmode != W_WHOLE))
		return false;
	for (int i = 0; i < 3; i++)
		if (p->tile[1 + i] != c->win.out[i])
			return false;
	return true;
}

#define HALVES_COST 1.02 /* what dividing may add to the array's work */

#define RUN_STEPS 6      /* operations of a norm on an element, about */
#define HIDDEN_PART 32   /* or what part of the vector unit's */

/* Whether hiding the run is worth the cycles that dividing adds. */
static bool
worth_halves(const struct contraction *c, int64_t whole, int64_t halves)
{
	const struct wave_target *t = c->lw->target;
	double elems = (double)place_bytes(&c->y) /
	    (double)dtype_size(c->y.dtype);
	double lanes = dtype_size(c->y.dtype) == 2 ?
	    (double)t->vector_lanes_16 : (double)t->vector_lanes;
	double added = (double)(halves - whole);
	return (double)halves <= HALVES_COST * (double)whole || (lanes > 0 &&
	    added * HIDDEN_PART <= RUN_STEPS * elems / lanes);
}

/* Beside a run of vector nodes in halves (group_halves.c): the convolution in
 * two parts, too, where both find their operands and all weights on chip. The
 * plan of the second part, or NULL. */
static const struct contract_plan *
plan_halves(const struct contraction *c, struct contract_plan *p,
    struct contract_plan *second)
{
	struct contract_plan first;
	int64_t n = c->win.n, half = GROUP_HALF(n);
	if (n < 2 || c->nbatch > 0 || !place_on_chip(&c->x) ||
	    !place_on_chip(&c->y) || !plan_part(c, half, &first) ||
	    !plan_part(c, n - half, second) ||
	    first.wmode != second->wmode || first.wspace != second->wspace ||
	    first.pack != second->pack ||
	    !worth_halves(c, p->cycles, first.cycles + second->cycles))
		return NULL;
	*p = first;
	return second;
}

bool
lower_matrix(struct lower *lw, const struct node *n)
{
	struct contraction c;
	if (n->op != OP_conv && n->op != OP_conv_transpose &&
	    n->op != OP_matmul)
		return lower_refuse(lw, n);
	memset(&c, 0, sizeof c);
	c.lw = lw;
	c.node = n;
	c.x = *place_of(lw, n->in[0]);
	c.y = *place_of(lw, n->out[0]);
	set_epilogue(&c, n);
	if (n->op == OP_matmul) {
		if (!describe_matmul(&c, n))
			return false;
	} else {
		describe_conv(&c, n);
		set_result(&c);
	}
	struct contract_plan plan;
	memset(&plan, 0, sizeof plan);
	if (!plan_lowering(&c, &plan))
		return false;
	struct contract_plan other;
	const struct contract_plan *second = lw->halves && n->op == OP_conv ?
	    plan_halves(&c, &plan, &other) : NULL;
	remark(lw, n, &plan, second);
	contract_emit(&c, &plan, second);
	return true;
}
