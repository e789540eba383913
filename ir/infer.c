/* Running shape rules, and what they share. */
#include "ir/infer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef bool rule_fn(struct infer *x);

static rule_fn *const rules[OP_COUNT] = {
#define OP(name, lower, imin, imax, omin, omax, flags, rule, ...) \
	[OP_##name] = infer_##rule,
#include "ir/ops.def"
};

const struct tensor_type *
infer_in(const struct infer *x, int i)
{
	return i < x->nin && x->in[i] != NULL ? &x->in[i]->type : NULL;
}

const struct attr *
infer_attr(const struct infer *x, enum attr_id id)
{
	for (int i = 0; i < x->nattrs; i++)
		if (x->attrs[i].id == id)
			return &x->attrs[i];
	ice("infer", "%s has no attribute %s", op_info(x->op)->name,
	    attr_name(id));
}

int64_t
infer_int(const struct infer *x, enum attr_id id)
{
	return infer_attr(x, id)->i;
}

bool
infer_fail(struct infer *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->error, sizeof x->error, fmt, ap);
	va_end(ap);
	return false;
}

bool
infer_list(struct infer *x, enum attr_id id, int n, int64_t dflt, int64_t *v)
{
	const struct attr *a = infer_attr(x, id);

	if (a->n == 0 && dflt != INFER_REQUIRED) {
		for (int i = 0; i < n; i++)
			v[i] = dflt;
		return true;
	}
	if (a->n != (size_t)n)
		return infer_fail(x, "attribute %s has %zu elements, needs "
		    "%d", attr_name(id), a->n, n);
	for (int i = 0; i < n; i++)
		v[i] = a->ints[i];
	return true;
}

bool
infer_axis(struct infer *x, int rank, int *axis)
{
	int64_t v = infer_int(x, ATTR_axis);

	if (v >= rank)
		return infer_fail(x, "axis %d is not below the rank %d",
		    (int)v, rank);
	*axis = (int)v;
	return true;
}

bool
infer_result(struct infer *x, const struct tensor_type *shape, enum dtype t)
{
	char buf[TYPE_STR_MAX];

	x->out[0] = *shape;
	x->out[0].dtype = t;
	if (type_valid(&x->out[0]))
		return true;
	return infer_fail(x, "result %s has an invalid extent or more than "
	    "2^40 elements", type_str(&x->out[0], buf, sizeof buf));
}

static enum dtype
wider(enum dtype a, enum dtype b)
{
	if (a == b || a == DT_F64)
		return a;
	if (b == DT_F64)
		return b;
	return DT_F32; /* f32 with anything, f16 with bf16 */
}

enum dtype
infer_widest(const struct infer *x)
{
	enum dtype t = DT_NONE;

	for (int i = 0; i < x->nin; i++) {
		const struct tensor_type *in = infer_in(x, i);

		if (in != NULL)
			t = t == DT_NONE ? in->dtype : wider(t, in->dtype);
	}
	return t;
}

bool
infer_vector(struct infer *x, int i, const char *what, int64_t n)
{
	const struct tensor_type *t = infer_in(x, i);

	if (t == NULL || (t->rank == 1 && t->dim[0] == n))
		return true;
	return infer_fail(x, "%s (operand %d) must have shape [%lld]", what,
	    i, (long long)n);
}

bool
infer_residual(struct infer *x, int i)
{
	const struct tensor_type *t = infer_in(x, i);
	char buf[TYPE_STR_MAX];

	if (t == NULL || shape_equal(t, &x->out[0]))
		return true;
	return infer_fail(x, "residual (operand %d) must have the shape of "
	    "the result %s", i, type_str(&x->out[0], buf, sizeof buf));
}

/* What the flags of the row ask of the operand dtypes. */
static bool
check_dtypes(struct infer *x)
{
	unsigned flags = op_info(x->op)->flags;
	const struct tensor_type *a = infer_in(x, 0);

	for (int i = 0; i < x->nin; i++) {
		const struct tensor_type *t = infer_in(x, i);

		if (t == NULL)
			continue;
		if (!type_valid(t))
			return infer_fail(x, "operand %d has an invalid type",
			    i);
		if ((flags & OPF_FLOAT) && !dtype_is_float(t->dtype))
			return infer_fail(x, "operand %d is no float", i);
		if ((flags & OPF_SAME_IN) && t->dtype != a->dtype &&
		    !(dtype_is_float(t->dtype) && dtype_is_float(a->dtype)))
			return infer_fail(x, "operands 0 and %d differ in "
			    "dtype", i);
	}
	return true;
}

/* Adds the rule and the operand types around the message. */
static void
explain(struct infer *x)
{
	char msg[sizeof x->error], type[TYPE_STR_MAX];
	size_t size = sizeof x->error, len;

	memcpy(msg, x->error, sizeof msg);
	/* cut, so that there is room for the operands */
	snprintf(x->error, size, "rule %s: %.160s", op_info(x->op)->rule,
	    msg);
	for (int i = 0; i < x->nin && i < 4; i++) {
		const struct tensor_type *t = infer_in(x, i);

		len = strlen(x->error);
		snprintf(x->error + len, size - len, "%s%s",
		    i == 0 ? "; operands " : ", ",
		    t == NULL ? "_" : type_str(t, type, sizeof type));
	}
	len = strlen(x->error);
	if (x->nin > 4)
		snprintf(x->error + len, size - len, ", ...");
}

bool
infer_types(struct infer *x)
{
	if (check_dtypes(x) && rules[x->op](x))
		return true;
	explain(x);
	return false;
}
