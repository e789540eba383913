#include "tests/lib/random_net.h"

#include <string.h>

#define MAX_NET_ELEMS 6000 /* of one tensor */

int64_t
net_between(struct net *n, int64_t lo, int64_t hi)
{
	return random_between(&n->of[DT_F32], lo, hi);
}

bool
net_chance(struct net *n, int percent)
{
	return net_between(n, 1, 100) <= percent;
}

struct value *
net_leaf(struct net *n, enum dtype t, int rank, const int64_t *dim,
    double limit, bool constant)
{
	struct tensor_type type = type_make(t, rank, dim);
	size_t count = (size_t)type_elems(&type);
	void *data;

	if (!constant && (n->batch == 0 || (rank > 0 && dim[0] == n->batch)))
		return graph_input(n->g, arena_printf(n->unit->arena, "x%zu",
		    n->g->inputs.len), &type);
	data = arena_calloc(n->unit->arena, count + 1, dtype_size(t));
	for (size_t i = 0; i < count; i++) {
		int64_t r = net_between(n, -1024, 1024);

		if (dtype_is_float(t))
			dtype_set(data, t, i, limit * (double)r / 1024);
		else
			dtype_set_i64(data, t, i, t == DT_BOOL ? r & 1 :
			    r % 8);
	}
	return graph_const(n->g, NULL, &type, data);
}

void
net_offer(struct net *n, struct value *v)
{
	if (type_elems(&v->type) > MAX_NET_ELEMS ||
	    (type_elems(&v->type) == 0 && !n->zero_size))
		return;
	VEC_PUSH(n->unit->arena, &n->of[v->type.dtype].pool, v);
}

/* Extents for a tensor of that rank; images have channels in dimension 1. */
static void
random_shape(struct net *n, int rank, int64_t *dim)
{
	int64_t room = MAX_NET_ELEMS / 2;

	for (int i = 0; i < rank; i++) {
		int64_t hi = rank > 4 ? 8 : rank > 3 ? 14 : 40;

		if (i == 0 && rank > 2)
			hi = 3;
		if (hi > room)
			hi = room;
		dim[i] = net_chance(n, 8) ? 1 : net_between(n, 1, hi);
		if (i == 1 && rank > 2 && net_chance(n, 60))
			dim[i] = 4 * net_between(n, 1, 5);
		if (dim[i] > room)
			dim[i] = room;
		if (i == 0 && n->batch > 0)
			dim[i] = n->batch;
		room /= dim[i];
	}
	if (n->zero_size && rank > 0 && net_chance(n, 50))
		dim[net_between(n, 0, rank - 1)] = 0;
}

static struct value *
new_input(struct net *n, enum dtype t, int rank)
{
	int64_t dim[MAX_RANK];
	struct value *v;

	random_shape(n, rank, dim);
	v = net_leaf(n, t, rank, dim, 2, false);
	net_offer(n, v);
	return v;
}

struct value *
net_pick(struct net *n, enum dtype t, int lo, int hi)
{
	struct random_graph *r = &n->of[t];

	for (int tries = 0; tries < 8 && r->pool.len > 0; tries++) {
		size_t i = (size_t)net_between(n, 0,
		    (int64_t)r->pool.len - 1);
		struct value *v;

		/* the newest ones more often, for chains */
		if (net_chance(n, 50))
			i = r->pool.len - 1;
		v = r->pool.data[i];
		if (v->type.rank >= lo && v->type.rank <= hi)
			return v;
	}
	return new_input(n, t, (int)net_between(n, lo, hi));
}

struct value *
net_add(struct net *n, const struct node_spec *spec)
{
	struct diag quiet = {0};
	struct node *node = graph_add(n->g, &quiet, spec);

	if (node == NULL)
		return NULL;
	node->phase = "forward";
	net_offer(n, node->out[0]);
	return node->out[0];
}

/* ---- element-wise on integers and bools ---- */

static struct value *
int_companion(struct net *n, const struct value *x)
{
	int64_t dim[MAX_RANK];
	int drop = (int)net_between(n, 0, x->type.rank);
	int rank = x->type.rank - drop;

	for (int i = 0; i < rank; i++)
		dim[i] = net_chance(n, 30) ? 1 : x->type.dim[i + drop];
	return net_leaf(n, x->type.dtype, rank, dim, 0, net_chance(n, 60));
}

static struct value *
int_map(struct net *n, enum dtype t)
{
	static const enum op ops[] = {OP_add, OP_sub, OP_mul, OP_min, OP_max,
	    OP_neg, OP_abs, OP_relu, OP_equal, OP_less, OP_less_equal, OP_div,
	    OP_mod, OP_sign};
	static const enum op bools[] = {OP_and, OP_or, OP_xor, OP_not,
	    OP_equal};
	enum op op = t == DT_BOOL ? bools[net_between(n, 0, 4)] :
	    ops[net_between(n, 0, 13)];
	struct value *in[2] = {net_pick(n, t, 0, 5), NULL};
	struct node_spec s = {.op = op, .in = in, .nin = 1};

	if (op_info(op)->in_min == 2) {
		in[1] = net_chance(n, 30) ? in[0] : int_companion(n, in[0]);
		s.nin = 2;
	}
	return net_add(n, &s);
}

static struct value *
select_map(struct net *n, enum dtype t)
{
	struct value *x = net_pick(n, t, 0, 5);
	struct value *mask = NULL;
	struct random_graph *b = &n->of[DT_BOOL];

	if (b->pool.len > 0 && net_chance(n, 50))
		mask = b->pool.data[b->pool.len - 1];
	else
		mask = net_leaf(n, DT_BOOL, x->type.rank, x->type.dim, 0,
		    net_chance(n, 50));
	struct value *in[3] = {mask, x, int_companion(n, x)};
	struct node_spec s = {.op = OP_select, .in = in, .nin = 3};
	return net_add(n, &s);
}

static struct value *
cast_to(struct net *n, enum dtype from, enum dtype to)
{
	struct value *x = net_pick(n, from, 0, 5);
	struct attr a = attr_make_int(ATTR_to, to);
	struct node_spec s = {.op = OP_cast, .in = &x, .nin = 1, .attrs = &a,
	    .nattrs = 1};

	return net_add(n, &s);
}

/* Element-wise on floats of several dtypes, result of any. */
static struct value *
mixed_map(struct net *n, enum dtype t)
{
	static const enum dtype floats[] = {DT_F32, DT_F16, DT_BF16, DT_F64};
	static const enum op ops[] = {OP_add, OP_sub, OP_mul, OP_max, OP_fma};
	struct value *x = net_pick(n, t, 0, 5), *y, *z;
	enum dtype other = floats[net_between(n, 0, 3)];

	y = net_leaf(n, other, x->type.rank, x->type.dim, 2,
	    net_chance(n, 50));
	z = net_leaf(n, t, 0, NULL, 2, true);
	struct value *in[3] = {x, y, z};
	struct node_spec s = {.op = ops[net_between(n, 0, 4)], .in = in};
	s.nin = op_info(s.op)->in_min;
	if (net_chance(n, 50))
		s.out_dtype = floats[net_between(n, 0, 3)];
	return net_add(n, &s);
}

/* ---- structure ---- */

/* The borrowed generator falls back on the first value of its pool, which must
 * do for every op. */
static void
first_image(struct net *n, enum dtype t)
{
	struct random_graph *r = &n->of[t];
	bool zero = n->zero_size;

	if (r->pool.len > 0 && r->pool.data[0]->type.rank == 4 &&
	    type_elems(&r->pool.data[0]->type) > 0)
		return;
	n->zero_size = false;
	new_input(n, t, 4);
	n->zero_size = zero;
	struct value *v = r->pool.data[r->pool.len - 1];
	r->pool.data[r->pool.len - 1] = r->pool.data[0];
	r->pool.data[0] = v;
}

static struct value *
by_table(struct net *n, enum dtype t, enum lowering want)
{
	for (int tries = 0; tries < 40; tries++) {
		enum op op = (enum op)net_between(n, 1, NET_LAST_OP);
		struct random_graph *r = &n->of[t];
		struct node *node;

		if (op_info(op)->lowering != want ||
		    (t == DT_BOOL && op == OP_reduce_prod))
			continue;
		first_image(n, t);
		size_t had = r->pool.len;
		node = random_node(r, op);
		if (node == NULL)
			continue;
		/* random_node offers results of its dtype only */
		if (r->pool.len == had)
			net_offer(n, node->out[0]);
		return node->out[0];
	}
	return NULL;
}

/* x + y where both exist with one shape: residuals. */
static struct value *
residual(struct net *n, enum dtype t)
{
	struct random_graph *r = &n->of[t];
	struct value *in[2] = {net_pick(n, t, 0, 5), NULL};
	struct node_spec s = {.op = OP_add, .in = in, .nin = 2};

	for (size_t i = 0; i < r->pool.len; i++)
		if (shape_equal(&r->pool.data[i]->type, &in[0]->type) &&
		    r->pool.data[i] != in[0])
			in[1] = r->pool.data[i];
	if (in[1] == NULL)
		in[1] = net_leaf(n, t, in[0]->type.rank, in[0]->type.dim, 2,
		    false);
	return net_add(n, &s);
}

/* Branches of one value side by side again. */
static struct value *
branches(struct net *n, enum dtype t)
{
	struct value *x = net_pick(n, t, 3, 5), *in[3];
	int64_t axis = net_chance(n, 70) ? 1 :
	    net_between(n, 0, x->type.rank - 1);
	struct attr a = attr_make_int(ATTR_axis, axis);
	struct node_spec s = {.op = OP_concat, .in = in, .attrs = &a,
	    .nattrs = 1};

	for (s.nin = 0; s.nin < 3; s.nin++) {
		struct node_spec one = {.op = OP_relu, .in = &x, .nin = 1};

		if (s.nin == 1)
			one.op = OP_neg;
		in[s.nin] = s.nin == 2 ? x : net_add(n, &one);
		if (in[s.nin] == NULL || (s.nin > 0 && net_chance(n, 20)))
			break;
	}
	return s.nin == 0 ? NULL : net_add(n, &s);
}

static bool
is_matrix_dtype(enum dtype t)
{
	return t == DT_F32 || t == DT_F16 || t == DT_BF16;
}

static struct value *
contraction(struct net *n, enum dtype t)
{
	int64_t dice = net_between(n, 1, 100);

	if (dice <= 45)
		return net_conv(n, t, false);
	if (dice <= 55)
		return net_block(n, t);
	return dice <= 70 ? net_conv(n, t, true) : net_matmul(n, t);
}

static struct value *
one_node(struct net *n, enum dtype t)
{
	static const enum dtype casts[] = {DT_F32, DT_F16, DT_BF16, DT_F64,
	    DT_I8, DT_U8, DT_I16, DT_U16, DT_I32, DT_U32, DT_I64, DT_U64,
	    DT_BOOL};
	int64_t dice = net_between(n, 1, 100);

	if (n->contractions)
		return dice <= 70 ? contraction(n, t) :
		    by_table(n, t, LOWER_MOVE);
	if (!dtype_is_float(t))
		return dice <= 40 ? int_map(n, t) :
		    dice <= 50 ? select_map(n, t) :
		    dice <= 60 ? cast_to(n, t, casts[dice % 13]) :
		    by_table(n, t, dice <= 70 ? LOWER_REDUCE :
		    dice <= 75 ? LOWER_WINDOW : LOWER_MOVE);
	if (dice <= 30 && is_matrix_dtype(t))
		return contraction(n, t);
	return dice <= 45 ? by_table(n, t, LOWER_MAP) :
	    dice <= 49 ? mixed_map(n, t) :
	    dice <= 52 ? select_map(n, t) :
	    dice <= 56 ? cast_to(n, t, casts[net_between(n, 0, 12)]) :
	    dice <= 60 ? residual(n, t) :
	    dice <= 64 ? branches(n, t) :
	    dice <= 71 ? by_table(n, t, LOWER_REDUCE) :
	    dice <= 78 ? by_table(n, t, LOWER_WINDOW) :
	    dice <= 90 ? by_table(n, t, LOWER_MOVE) :
	    by_table(n, t, LOWER_COMPOSITE);
}

/* Outputs: what nobody reads, some of the rest, sometimes a leaf. */
static void
finish(struct net *n)
{
	struct arena *a = n->unit->arena;

	graph_foreach_node(n->g, node) {
		for (int i = 0; i < node->nout; i++) {
			struct value *v = node->out[i];

			if (v == NULL || (value_nuses(n->g, v) > 0 &&
			    !net_chance(n, 12)))
				continue;
			graph_output(n->g, v, arena_printf(a, "y%zu",
			    n->g->outputs.len));
		}
	}
	if (n->g->inputs.len > 0 && net_chance(n, 6))
		graph_output(n->g, n->g->inputs.data[0], "through");
	if (net_chance(n, 2)) {
		int64_t dim[2] = {3, 5};

		graph_output(n->g, net_leaf(n, DT_F16, 2, dim, 1, true),
		    "fixed");
	}
	/* Inputs of the borrowed generator have no names. */
	for (size_t i = 0; i < n->g->inputs.len; i++)
		if (n->g->inputs.data[i]->name == NULL)
			value_set_name(n->g, n->g->inputs.data[i],
			    arena_printf(a, "in%zu", i));
}

static enum dtype
main_dtype(struct net *n)
{
	static const enum dtype ints[] = {DT_I8, DT_U8, DT_I16, DT_U16,
	    DT_I32, DT_U32, DT_I64, DT_U64, DT_BOOL};
	int64_t dice = net_between(n, 1, 100);

	if (n->contractions)
		return (enum dtype)net_between(n, DT_F32, DT_BF16);
	return dice <= 40 ? DT_F32 : dice <= 62 ? DT_F16 :
	    dice <= 84 ? DT_BF16 : dice <= 88 ? DT_F64 :
	    ints[net_between(n, 0, 8)];
}

struct graph *
random_net(struct unit *u, uint64_t seed, enum net_kind kind)
{
	struct net n = {.unit = u, .contractions = kind == NET_CONTRACTIONS};
	enum dtype t;

	/* spread neighbouring seeds */
	n.seed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	n.g = graph_new(u->arena, "net");
	for (int i = 0; i < DT_COUNT; i++) {
		n.of[i].unit = u;
		n.of[i].seed = &n.seed;
		n.of[i].dtype = (enum dtype)i;
		n.of[i].g = n.g;
		n.of[i].max_elems = MAX_NET_ELEMS;
	}
	for (int i = 0; i < 4; i++)
		unit_random(&n.seed);
	if (kind == NET_BATCH)
		n.batch = 2 * net_between(&n, 1, 2);
	n.zero_size = kind == NET_ANY && net_chance(&n, 4);
	t = main_dtype(&n);
	for (int64_t todo = net_between(&n, 1, 8); todo > 0; todo--) {
		struct value *v = one_node(&n, t);

		/* mostly on with what came out */
		if (v != NULL && net_chance(&n, 70) && (!n.contractions ||
		    is_matrix_dtype(v->type.dtype)))
			t = v->type.dtype;
	}
	finish(&n);
	return n.g;
}
