#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frontend/onnx_imp.h"

/* The dispatch table, and what goes around every handler. */

static const struct onnx_row rows[] = {
#define ONNX_OP(type, fn, since, in_min, in_max, out_max, op) \
	{type, onnx_op_##fn, since, in_min, in_max, out_max, OP_##op},
#define ONNX_REFUSED(type, why)
#include "frontend/onnx_ops.def"
};

static const struct refusal {
	const char *type;
	const char *why;
} refusals[] = {
#define ONNX_OP(...)
#define ONNX_REFUSED(type, why) {type, why},
#include "frontend/onnx_ops.def"
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct onnx_row *
find_row(const char *type)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].type, type) == 0)
			return &rows[i];
	return NULL;
}

static const char *
find_refusal(const char *type)
{
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (strcmp(refusals[i].type, type) == 0)
			return refusals[i].why;
	return NULL;
}

static const char *
op_type(const Onnx__NodeProto *n)
{
	return n->op_type != NULL ? n->op_type : "";
}

static bool
default_domain(const char *domain)
{
	return domain == NULL || domain[0] == '\0' ||
	    strcmp(domain, "ai.onnx") == 0;
}

struct loc
onnx_node_loc(struct imp *m, size_t i)
{
	const Onnx__NodeProto *n = m->src->node[i];
	struct loc loc = {.file = m->path};

	if (n->name != NULL && n->name[0] != '\0')
		loc.node = arena_printf(m->arena, "node '%s' (%s)", n->name,
		    op_type(n));
	else
		loc.node = arena_printf(m->arena, "node #%zu (%s)", i,
		    op_type(n));
	return loc;
}

bool
op_error(struct opx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(c->m->diag, DIAG_ERROR, &c->loc, fmt, ap);
	va_end(ap);
	return false;
}

bool
op_wants(const struct opx *c, int i)
{
	if (i >= c->nout || c->node->output[i][0] == '\0')
		return false;
	return onnx_sym_find(c->m, c->node->output[i])->readers > 0;
}

/* Reports why the operator of node i cannot be imported. */
static void
refuse(struct imp *m, size_t i, const char *domain)
{
	const char *type = op_type(m->src->node[i]);
	const struct onnx_row *row = find_row(type);
	const char *why = find_refusal(type);
	struct loc loc = onnx_node_loc(m, i);

	if (!default_domain(domain))
		diag_error(m->diag, &loc, "operator %s of domain '%s' is not "
		    "supported: export the model with standard ONNX "
		    "operators only", type, domain);
	else if (why != NULL)
		diag_error(m->diag, &loc, "operator %s (domain ai.onnx, "
		    "opset %d) is not supported: %s", type, m->opset, why);
	else if (row == NULL)
		diag_error(m->diag, &loc, "operator %s (domain ai.onnx, "
		    "opset %d) is not known: replace it by operators of "
		    "opset 1 to %d", type, m->opset, ONNX_LAST_OPSET);
	else if (m->opset < row->since)
		diag_error(m->diag, &loc, "operator %s exists from opset %d "
		    "on, but the model declares opset %d", type, row->since,
		    m->opset);
	else
		diag_error(m->diag, &loc, "operator %s of opset %d is not "
		    "known: export the model with opset %d or earlier",
		    type, m->opset, ONNX_LAST_OPSET);
}

static bool
node_supported(const struct imp *m, const Onnx__NodeProto *n)
{
	const struct onnx_row *row = find_row(op_type(n));

	return default_domain(n->domain) && row != NULL &&
	    m->opset >= row->since && m->opset <= ONNX_LAST_OPSET;
}

bool
onnx_supported(struct imp *m)
{
	const Onnx__NodeProto *told[16];
	size_t ntold = 0;

	for (size_t i = 0; i < m->src->n_node; i++) {
		const Onnx__NodeProto *n = m->src->node[i];
		size_t k = 0;
		if (!m->live[i] || node_supported(m, n))
			continue;
		while (k < ntold && strcmp(op_type(told[k]), op_type(n)) != 0)
			k++;
		if (k < ntold || ntold == COUNT(told))
			continue; /* each operator once */
		told[ntold++] = n;
		refuse(m, i, n->domain);
	}
	return ntold == 0;
}

static bool
check_counts(struct opx *c)
{
	const struct onnx_row *r = c->row;

	/* Trailing empty names are inputs left out. */
	while (c->nin > r->in_min &&
	    c->node->input[c->nin - 1][0] == '\0')
		c->nin--;
	if (c->nin < r->in_min || (r->in_max >= 0 && c->nin > r->in_max))
		return r->in_min == r->in_max
		    ? op_error(c, "takes %d inputs, has %d", r->in_min,
			c->nin)
		    : r->in_max < 0
		    ? op_error(c, "takes at least %d inputs, has %d",
			r->in_min, c->nin)
		    : op_error(c, "takes %d to %d inputs, has %d",
			r->in_min, r->in_max, c->nin);
	if (c->nout < 1 || (r->out_max >= 0 && c->nout > r->out_max))
		return op_error(c, "gives 1 to %d results, has %d",
		    r->out_max, c->nout);
	return true;
}

static bool
resolve_inputs(struct opx *c)
{
	for (int i = 0; i < c->nin; i++) {
		const char *name = c->node->input[i];
		if (name[0] == '\0') {
			if (i < c->row->in_min)
				return op_error(c, "input %d is required but "
				    "left out", i);
			continue;
		}
		c->in[i] = onnx_sym_value(c->m, &c->loc, name);
		if (c->in[i] == NULL)
			return false;
	}
	return true;
}

static void
bind_results(struct opx *c)
{
	for (int i = 0; i < c->nout; i++) {
		const char *name = c->node->output[i];
		if (name[0] == '\0')
			continue;
		struct onnx_sym *s = onnx_sym_find(c->m, name);
		s->value = c->out[i];
		if (s->value == NULL)
			s->absent = c->absent;
	}
}

bool
onnx_node(struct imp *m, size_t i)
{
	const Onnx__NodeProto *n = m->src->node[i];
	struct opx c = {
		.m = m,
		.node = n,
		.row = find_row(op_type(n)),
		.opset = m->opset,
		.loc = onnx_node_loc(m, i),
	};

	if (n->n_input > INT32_MAX / 2 || n->n_output > INT32_MAX / 2)
		return op_error(&c, "has too many inputs or results");
	c.nin = (int)n->n_input;
	c.nout = (int)n->n_output;
	if (!check_counts(&c))
		return false;
	/* Room for every operand of the row: handlers test in[i] alone. */
	c.in = NEW_ARRAY(m->arena, struct value *, n->n_input + 8);
	c.out = NEW_ARRAY(m->arena, struct value *, n->n_output + 1);
	if (!resolve_inputs(&c) || !c.row->fn(&c) || c.failed ||
	    !attr_all_used(&c))
		return false;
	bind_results(&c);
	return true;
}
