/* Built-in functions that make no layer. */
#include "frontend/net_run.h"

#include <math.h>
#include <string.h>

struct val
builtin_dim(struct call *c)
{
	const struct value *x = call_tensor(c, "x");
	int64_t axis;

	if (!call_axis(c, "axis", x->type.rank, &axis))
		return val_error();
	return val_int(x->type.dim[axis]);
}

struct val
builtin_rank(struct call *c)
{
	return val_int(call_tensor(c, "x")->type.rank);
}

struct val
builtin_len(struct call *c)
{
	struct val v = call_arg(c, "x");

	if (v.kind == VAL_LIST)
		return val_int((int64_t)v.l->n);
	if (v.kind == VAL_STRING)
		return val_int((int64_t)strlen(v.s));
	return call_error(c, "takes a list or a string, not %s",
	    val_text(c->r, v));
}

static struct val
chosen(struct call *c, bool larger)
{
	struct val a = call_arg(c, "a"), b = call_arg(c, "b");

	if (!val_is_number(a) || !val_is_number(b))
		return call_error(c, "takes two numbers, not %s and %s",
		    val_text(c->r, a), val_text(c->r, b));
	if (a.kind == VAL_INT && b.kind == VAL_INT)
		return (a.i > b.i) == larger ? a : b;
	return (val_number(a) > val_number(b)) == larger ? a : b;
}

struct val
builtin_least(struct call *c)
{
	return chosen(c, false);
}

struct val
builtin_most(struct call *c)
{
	return chosen(c, true);
}

struct val
builtin_whole(struct call *c)
{
	double v = trunc(call_float(c, "x"));

	if (!(fabs(v) < 9e15)) /* exact in a double */
		return call_error(c, "the number is too large");
	return val_int((int64_t)v);
}

struct val
builtin_check(struct call *c)
{
	if (!call_bool(c, "condition")) {
		run_error(c->r, c->pos, "%s", call_string(c, "message"));
		return val_error();
	}
	return (struct val){.kind = VAL_NONE};
}

static bool
finite_args(const struct call *c)
{
	for (int i = 0; i < c->nargs; i++)
		if (c->arg[i].kind == VAL_FLOAT && !isfinite(c->arg[i].f))
			return false;
	return true;
}

struct val
builtin_initialiser(struct call *c)
{
	static const struct { const char *name; enum init_kind kind; }
	    table[] = {{"zeros", INIT_CONSTANT}, {"ones", INIT_CONSTANT},
	    {"constant", INIT_CONSTANT}, {"uniform", INIT_UNIFORM},
	    {"normal", INIT_NORMAL}, {"he_normal", INIT_HE_NORMAL},
	    {"he_uniform", INIT_HE_UNIFORM},
	    {"glorot_normal", INIT_GLOROT_NORMAL},
	    {"glorot_uniform", INIT_GLOROT_UNIFORM},
	    {"fan_uniform", INIT_FAN_UNIFORM}};
	const char *name = c->builtin->name;
	struct val v = {.kind = VAL_INIT};
	size_t k = 0;

	while (strcmp(table[k].name, name) != 0)
		k++;
	v.init.kind = table[k].kind;
	if (!finite_args(c))
		return call_error(c, "its arguments must be finite");
	if (strcmp(name, "ones") == 0)
		v.init.a = 1;
	if (strcmp(name, "constant") == 0)
		v.init.a = call_float(c, "value");
	if (v.init.kind == INIT_UNIFORM) {
		v.init.a = call_float(c, "low");
		v.init.b = call_float(c, "high");
	} else if (v.init.kind == INIT_NORMAL) {
		v.init.a = call_float(c, "mean");
		v.init.b = call_float(c, "std");
	} else if (c->nargs == 1 && strcmp(c->arg_name[0], "fan") == 0) {
		v.init.fan_out = strcmp(call_string(c, "fan"), "out") == 0;
		if (!v.init.fan_out && strcmp(call_string(c, "fan"), "in"))
			return call_error(c, "'fan' is \"in\" or \"out\"");
	}
	return v;
}
