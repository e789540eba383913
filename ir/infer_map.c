/* Shape rules of element-wise ops. */
#include "ir/infer.h"

bool
infer_same(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);

	if (t->dtype == DT_BOOL && x->op != OP_identity)
		return infer_fail(x, "operand 0 is bool");
	return infer_result(x, t, t->dtype);
}

bool
infer_cast(struct infer *x)
{
	return infer_result(x, infer_in(x, 0),
	    (enum dtype)infer_int(x, ATTR_to));
}

bool
infer_bool1(struct infer *x)
{
	if (infer_in(x, 0)->dtype != DT_BOOL)
		return infer_fail(x, "operand 0 is not bool");
	return infer_result(x, infer_in(x, 0), DT_BOOL);
}

/* Common shape of all operands into shape. */
static bool
broadcast(struct infer *x, struct tensor_type *shape)
{
	*shape = *infer_in(x, 0);
	for (int i = 1; i < x->nin; i++)
		if (!type_broadcast(shape, infer_in(x, i), shape))
			return infer_fail(x, "the shapes do not broadcast");
	return true;
}

static bool
no_bool(struct infer *x)
{
	for (int i = 0; i < x->nin; i++)
		if (infer_in(x, i)->dtype == DT_BOOL)
			return infer_fail(x, "operand %d is bool", i);
	return true;
}

bool
infer_broadcast(struct infer *x)
{
	struct tensor_type shape;

	return no_bool(x) && broadcast(x, &shape) &&
	    infer_result(x, &shape, infer_widest(x));
}

/* Operand 1 broadcasts to operand 0, which also gives the dtype. */
bool
infer_broadcast_left(struct infer *x)
{
	const struct tensor_type *t = infer_in(x, 0);
	struct tensor_type shape;

	if (!no_bool(x) || !broadcast(x, &shape))
		return false;
	if (x->op != OP_pow && !shape_equal(&shape, t))
		return infer_fail(x, "operand 1 does not broadcast to the "
		    "shape of operand 0");
	return infer_result(x, &shape, t->dtype);
}

bool
infer_broadcast_bool(struct infer *x)
{
	struct tensor_type shape;
	bool logic = !(op_info(x->op)->flags & OPF_SAME_IN);

	for (int i = 0; i < x->nin && logic; i++)
		if (infer_in(x, i)->dtype != DT_BOOL)
			return infer_fail(x, "operand %d is not bool", i);
	if (!logic && x->op != OP_equal && !no_bool(x))
		return false;
	return broadcast(x, &shape) && infer_result(x, &shape, DT_BOOL);
}

bool
infer_broadcast3(struct infer *x)
{
	return infer_broadcast(x);
}

bool
infer_select(struct infer *x)
{
	enum dtype a = infer_in(x, 1)->dtype, b = infer_in(x, 2)->dtype;
	struct infer two = {.op = x->op, .in = x->in + 1, .nin = 2};
	struct tensor_type shape;

	if (infer_in(x, 0)->dtype != DT_BOOL)
		return infer_fail(x, "operand 0 is not bool");
	if (a != b && !(dtype_is_float(a) && dtype_is_float(b)))
		return infer_fail(x, "operands 1 and 2 differ in dtype");
	return broadcast(x, &shape) &&
	    infer_result(x, &shape, infer_widest(&two));
}
