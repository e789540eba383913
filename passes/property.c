/* Checks of the properties that passes require and establish. */
#include "passes/property.h"

#include "passes/pass.h"
#include "passes/rewrite.h"

const char *
property_name(unsigned props)
{
	return props & PROP_PRECISE ? "precise" : "legal";
}

/* NULL when n keeps the rule, else the rule it breaks. */
static const char *
precise_rule(const struct node *n)
{
	if (op_info(n->op)->lowering != LOWER_MATRIX && n->op != OP_gemm)
		return NULL;
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] != NULL && n->in[i]->type.dtype == DT_F64)
			return "the matrix unit takes no f64 operand";
	return NULL;
}

static const char *
gather_rule(const struct node *n)
{
	const struct value *idx = n->in[1];
	int64_t elems;

	if (idx->kind != VALUE_CONST)
		return "gather indices must be constant";
	elems = type_elems(&idx->type);
	for (int64_t i = 0; i < elems; i++)
		if (const_i64(idx, (size_t)i) < 0)
			return "gather indices must not be negative";
	return NULL;
}

static const char *
legal_rule(const struct node *n)
{
	enum lowering l = op_info(n->op)->lowering;
	const int64_t *p;
	size_t len;

	if (l == LOWER_COMPOSITE || l == LOWER_FOLD)
		return "no composite op may be left";
	if (n->op == OP_gather)
		return gather_rule(n);
	if (n->op != OP_pad)
		return NULL;
	if (node_int(n, ATTR_mode) != 0)
		return "pad must have mode constant";
	for (int end = 0; end < 2; end++) {
		p = node_ints(n, end ? ATTR_pads_end : ATTR_pads_begin, &len);
		for (size_t i = 0; i < len; i++)
			if (p[i] < 0)
				return "pad must not crop";
	}
	return NULL;
}

static const char *
broken_rule(const struct node *n, unsigned props)
{
	const char *rule = NULL;

	if ((props & PROP_PRECISE) != 0)
		rule = precise_rule(n);
	if (rule == NULL && (props & PROP_LEGAL) != 0)
		rule = legal_rule(n);
	return rule;
}

bool
property_check(const struct graph *g, struct diag *d, unsigned props,
    const char *pass)
{
	if (props == 0)
		return true;
	graph_foreach_node(g, n) {
		const char *rule = broken_rule(n, props);
		const struct value *v = n->out[0];

		if (rule == NULL)
			continue;
		diag_error(d, &n->loc, "after %s: %s %s: %s", pass,
		    op_info(n->op)->name,
		    v != NULL && v->name != NULL ? v->name : "(unnamed)",
		    rule);
		return false;
	}
	return true;
}

unsigned
property_find(const struct graph *g)
{
	unsigned props = PROP_PRECISE | PROP_LEGAL;

	graph_foreach_node(g, n)
		for (unsigned p = PROP_PRECISE; p <= PROP_LEGAL; p <<= 1)
			if (broken_rule(n, p) != NULL)
				props &= ~p;
	return props;
}
