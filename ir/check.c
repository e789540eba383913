/* Operand counts and attributes against the op's row. */
#include "ir/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

bool
check_counts(enum op op, struct value *const *in, int nin, int nout,
    char *msg, size_t size)
{
	const struct op_info *info = op_info(op);

	if (nin < info->in_min || (info->in_max >= 0 && nin > info->in_max)) {
		if (info->in_max < 0)
			snprintf(msg, size, "has %d operands, needs %d or "
			    "more", nin, info->in_min);
		else if (info->in_min == info->in_max)
			snprintf(msg, size, "has %d operands, needs %d", nin,
			    info->in_min);
		else
			snprintf(msg, size, "has %d operands, needs %d to %d",
			    nin, info->in_min, info->in_max);
		return false;
	}
	for (int i = 0; i < nin; i++)
		if (in[i] == NULL && (i < info->in_min || info->in_max < 0)) {
			snprintf(msg, size, "operand %d cannot be left out",
			    i);
			return false;
		}
	if (nout < info->out_min || nout > info->out_max) {
		snprintf(msg, size, "has %d results, gives %d%s", nout,
		    info->out_max, info->out_min < info->out_max
		    ? " at most" : "");
		return false;
	}
	return true;
}

static bool
int_in_range(const struct attr *a, int64_t v, char *msg, size_t size)
{
	int64_t lo, hi;

	attr_range(a->id, &lo, &hi);
	if (v >= lo && v <= hi)
		return true;
	snprintf(msg, size, "attribute %s: %" PRId64 " is outside %" PRId64
	    " to %" PRId64, attr_name(a->id), v, lo, hi);
	return false;
}

static bool
float_ok(const struct attr *a, double v, char *msg, size_t size)
{
	if (!isnan(v) || a->id == ATTR_value)
		return true;
	snprintf(msg, size, "attribute %s is not a number",
	    attr_name(a->id));
	return false;
}

static bool
check_attr(const struct attr *a, char *msg, size_t size)
{
	switch (attr_kind(a->id)) {
	case ATTR_INT:
	case ATTR_ENUM:
		return int_in_range(a, a->i, msg, size);
	case ATTR_FLOAT:
		return float_ok(a, a->f, msg, size);
	case ATTR_INTS:
		for (size_t i = 0; i < a->n; i++)
			if (!int_in_range(a, a->ints[i], msg, size))
				return false;
		return true;
	case ATTR_FLOATS:
		for (size_t i = 0; i < a->n; i++)
			if (!float_ok(a, a->floats[i], msg, size))
				return false;
		return true;
	}
	return false;
}

bool
check_attrs(enum op op, const struct attr *attrs, int nattrs, char *msg,
    size_t size)
{
	const enum attr_id *ids = op_info(op)->attrs;
	int i = 0;

	for (; ids[i] != ATTR_NONE; i++) {
		if (i >= nattrs || attrs[i].id != ids[i]) {
			snprintf(msg, size, "attribute %s is missing",
			    attr_name(ids[i]));
			return false;
		}
		if (!check_attr(&attrs[i], msg, size))
			return false;
	}
	if (i != nattrs) {
		snprintf(msg, size, "has %d attributes, its row %d", nattrs,
		    i);
		return false;
	}
	return true;
}
