/* The tables of ops and attributes, expanded from ops.def and attrs.def. */
#include "ir/graph.h"

#include <math.h>
#include <string.h>

/* A row names its attributes bare: ATTRS(strides, groups). Empty arguments
 * fill the list up to a fixed length; an empty one pastes to ATTR_. */
#define MAX_OP_ATTRS 10
#define ATTR_ ATTR_NONE
#define ATTR_LIST(a, b, c, d, e, f, g, h, i, j, ...)                      \
	{                                                                 \
		ATTR_##a, ATTR_##b, ATTR_##c, ATTR_##d, ATTR_##e,         \
		    ATTR_##f, ATTR_##g, ATTR_##h, ATTR_##i, ATTR_##j,     \
		    ATTR_NONE                                             \
	}
#define ATTRS(...) ATTR_LIST(__VA_ARGS__, , , , , , , , , , , )

static const enum attr_id op_attrs[OP_COUNT][MAX_OP_ATTRS + 1] = {
#define OP(name, lower, imin, imax, omin, omax, flags, rule, kernel, grad, \
    attrs, sum)                                                         \
	[OP_##name] = attrs,
#include "ir/ops.def"
};

static const struct op_info ops[OP_COUNT] = {
	[OP_NONE] = {"none", LOWER_FOLD, 0, 0, 0, 0, 0, "none", "none",
	    op_attrs[0], "no operation"},
#define OP(name, lower, imin, imax, omin, omax, flags, rule, kernel, grad, \
    attrs, sum)                                                         \
	[OP_##name] = {#name, LOWER_##lower, imin, imax, omin, omax, flags, \
	    #rule, #grad, op_attrs[OP_##name], sum},
#include "ir/ops.def"
};

struct attr_row {
	const char *name;
	enum attr_kind kind;
	struct attr dflt;
	int64_t lo, hi;
};

/* The field that holds the default of each kind. */
#define DFLT_INT(v) .i = (v)
#define DFLT_ENUM(v) .i = (v)
#define DFLT_FLOAT(v) .f = (double)(v)
#define DFLT_INTS(v) .n = (v)
#define DFLT_FLOATS(v) .n = (v)

static const struct attr_row attr_rows[ATTR_COUNT] = {
	[ATTR_NONE] = {"none", ATTR_INT, {.id = ATTR_NONE}, 0, 0},
#define ATTR(nm, kind, dflt, lo, hi)                                  \
	[ATTR_##nm] = {#nm, ATTR_##kind,                              \
	    {.id = ATTR_##nm, DFLT_##kind(dflt)}, lo, hi},
#include "ir/attrs.def"
};

static const char *const act_names[ACT_COUNT] = {
	[ACT_NONE] = "none",
	[ACT_RELU] = "relu",
	[ACT_LEAKY_RELU] = "leaky_relu",
	[ACT_CLIP] = "clip",
	[ACT_SIGMOID] = "sigmoid",
	[ACT_TANH] = "tanh",
	[ACT_HARD_SIGMOID] = "hard_sigmoid",
	[ACT_HARD_SWISH] = "hard_swish",
};

const char *const keep_names[] = {"auto", "chip", "dram", "first"};

/* Words of the enum attributes; op OP_NONE: for every op. */
static const struct {
	enum attr_id id;
	enum op op;
	const char *words[4];
} enum_words[] = {
	{ATTR_mode, OP_pad, {"constant", "reflect", "edge", NULL}},
	{ATTR_mode, OP_resize, {"nearest", "linear", "cubic", NULL}},
	{ATTR_coord, OP_NONE,
	    {"half_pixel", "asymmetric", "align_corners",
	     "pytorch_half_pixel"}},
	{ATTR_rounding, OP_NONE,
	    {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}},
};

const struct op_info *
op_info(enum op op)
{
	if ((unsigned)op >= OP_COUNT)
		ice("op_info", "no op %d", (int)op);
	return &ops[op];
}

enum op
op_parse(const char *name)
{
	for (int i = OP_NONE + 1; i < OP_COUNT; i++)
		if (strcmp(ops[i].name, name) == 0)
			return (enum op)i;
	return OP_NONE;
}

static const struct attr_row *
attr_row(enum attr_id id)
{
	if ((unsigned)id >= ATTR_COUNT)
		ice("attr_row", "no attribute %d", (int)id);
	return &attr_rows[id];
}

const char *
attr_name(enum attr_id id)
{
	return attr_row(id)->name;
}

enum attr_kind
attr_kind(enum attr_id id)
{
	return attr_row(id)->kind;
}

const struct attr *
attr_default(enum attr_id id)
{
	return &attr_row(id)->dflt;
}

void
attr_range(enum attr_id id, int64_t *lo, int64_t *hi)
{
	*lo = attr_row(id)->lo;
	*hi = attr_row(id)->hi;
}

const char *
act_name(enum act a)
{
	return (unsigned)a < ACT_COUNT ? act_names[a] : "?";
}

const char *
attr_word(enum op op, enum attr_id id, int64_t v)
{
	if (v < attr_row(id)->lo || v > attr_row(id)->hi)
		return NULL;
	if (id == ATTR_act)
		return act_names[v];
	if (id == ATTR_to)
		return dtype_name((enum dtype)v);
	for (size_t i = 0; i < sizeof enum_words / sizeof *enum_words; i++)
		if (enum_words[i].id == id &&
		    (enum_words[i].op == OP_NONE || enum_words[i].op == op))
			return enum_words[i].words[v];
	return NULL;
}

bool
attr_word_parse(enum op op, enum attr_id id, const char *word, int64_t *v)
{
	for (int64_t i = attr_row(id)->lo; i <= attr_row(id)->hi; i++) {
		const char *w = attr_word(op, id, i);

		if (w == NULL) /* a plain number: no words at all */
			return false;
		if (strcmp(w, word) == 0) {
			*v = i;
			return true;
		}
	}
	return false;
}
