#include "backend/tile_verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backend/tile_order.h"
#include "backend/tile_text.h"
#include "support/dtype.h"

#define MAX_ERRORS 20

static void
report(struct tile_verifier *v, const char *object, const char *rule)
{
	struct loc loc;

	v->ok = false;
	memset(&loc, 0, sizeof loc);
	if (v->node != NULL && v->node->op < v->p->ops.len)
		loc.node = v->p->ops.data[v->node->op].name;
	if (v->left-- > 0)
		diag_error(v->d, &loc, "after %s: %s: %s", v->pass, object,
		    rule);
}

void
tile_broken(struct tile_verifier *v, const char *fmt, ...)
{
	char object[160], rule[200];
	const struct tile_node *n = v->node;
	va_list ap;

	if (n->kind == TILE_NODE_LOOP)
		snprintf(object, sizeof object, "loop %%i%u", n->loop->id);
	else
		snprintf(object, sizeof object, "node %u (%s %s)", v->number,
		    n->insn->queue < Q_COUNT ? queue_name(n->insn->queue) :
					       "?",
		    n->insn->kind < TILE_KIND_COUNT ?
			tile_kind_names[n->insn->kind] :
			"?");
	va_start(ap, fmt);
	vsnprintf(rule, sizeof rule, fmt, ap);
	va_end(ap);
	report(v, object, rule);
}

/* ---- buffers ---- */

static void
bad_buffer(struct tile_verifier *v, const struct tile_buffer *b,
    const char *rule)
{
	char object[160];

	snprintf(object, sizeof object, "buffer %%b%u '%.80s'", b->id,
	    b->name != NULL ? b->name : "");
	report(v, object, rule);
}

static bool
is_bound(const struct tile_buffer *b)
{
	return b->role == ROLE_INPUT || b->role == ROLE_OUTPUT ||
	    b->role == ROLE_STATE;
}

static const char *
check_binding(const struct tile_buffer *b)
{
	int64_t end = (int64_t)dtype_size(b->dtype);

	if (b->bind_name == NULL || b->bind_name[0] == '\0')
		return "a bound tensor needs a name";
	if (b->dtype == DT_NONE)
		return "a bound tensor needs an element type";
	if (b->scope != NULL || b->depth != 1)
		return "a bound tensor exists once";
	for (int i = 0; i < b->rank; i++) {
		if (b->stride[i] < 0)
			return "negative stride of a bound tensor";
		end = sat_add(end, sat_mul(b->dim[i] - 1, b->stride[i]));
	}
	return end > b->bytes ? "the shape exceeds the bytes" : NULL;
}

static const char *
check_dram(const struct tile_buffer *b)
{
	if (b->role == ROLE_CONST && b->data == NULL)
		return "a constant needs data";
	if (b->role == ROLE_CONST && (b->scope != NULL || b->depth != 1))
		return "a constant exists once";
	if (b->data != NULL && b->role != ROLE_CONST && b->role != ROLE_STATE)
		return "only constants and state have data";
	if (b->group_stride < 0 || b->group_stride > TILE_MAX_BYTES)
		return "group_stride out of range";
	if ((unsigned)b->traffic >= TRAFFIC_COUNT)
		return "unknown traffic class";
	return is_bound(b) ? check_binding(b) : NULL;
}

static const char *
check_chip(const struct tile_program *p, const struct tile_buffer *b)
{
	int64_t banks = b->space == SPACE_OBUF ? p->target->obuf_banks :
						 p->target->lbuf_banks;

	if (b->role != ROLE_TEMP || b->data != NULL || b->per_group ||
	    b->group_stride != 0)
		return "only DRAM holds data or bound tensors";
	if (b->space != SPACE_GBUF && b->space != SPACE_WBUF &&
	    b->depth > banks)
		return "more versions than the target has banks";
	return NULL;
}

static const char *
check_buffer(const struct tile_program *p, const struct tile_buffer *b)
{
	if (b->space <= SPACE_NONE || b->space >= SPACE_COUNT)
		return "unknown space";
	if ((unsigned)b->role > ROLE_STATE)
		return "unknown role";
	if (b->bytes < 1 || b->bytes > TILE_MAX_BYTES)
		return "size out of range";
	if (b->depth < 1 || sat_mul(b->depth, b->bytes) > TILE_MAX_BYTES)
		return "number of versions out of range";
	if (b->depth > 1 && b->scope == NULL)
		return "several versions but no scope";
	if (b->scope != NULL &&
	    (b->scope->id >= p->loops.len ||
		p->loops.data[b->scope->id] != b->scope))
		return "its scope is not a loop of the program";
	if (b->rank < 0 || b->rank > WAVE_MAX_RANK)
		return "rank out of range";
	for (int i = 0; i < b->rank; i++) {
		if (b->dim[i] < 0)
			return "a dimension is negative";
	}
	return b->space == SPACE_DRAM ? check_dram(b) : check_chip(p, b);
}

static void
check_buffers(struct tile_verifier *v)
{
	const struct tile_program *p = v->p;

	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		const char *rule = b->id != i ? "ids are not in order" :
						check_buffer(p, b);
		if (rule != NULL)
			bad_buffer(v, b, rule);
	}
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		for (size_t k = 0; k < i && is_bound(b); k++) {
			const struct tile_buffer *c = p->buffers.data[k];
			if (is_bound(c) && b->bind_name != NULL &&
			    c->bind_name != NULL &&
			    strcmp(b->bind_name, c->bind_name) == 0) {
				bad_buffer(v, b, "bound under a name in use");
				break;
			}
		}
	}
}

/* ---- the tree ---- */

static void
check_loop(struct tile_verifier *v)
{
	const struct tile_loop *l = v->node->loop;
	int64_t n = 1;

	if (l->id >= v->p->loops.len || v->p->loops.data[l->id] != l ||
	    l->node != v->node || l->parent != v->node->parent ||
	    l->depth != (l->parent != NULL ? l->parent->depth + 1 : 0))
		tile_broken(v, "its links are inconsistent");
	if (l->count < 1 || l->count > UINT32_MAX)
		tile_broken(v, "%lld iterations", (long long)l->count);
	for (; l != NULL; l = l->parent)
		n = sat_mul(n, l->count);
	if (n > TILE_MAX_ITERATIONS)
		tile_broken(v, "the nest iterates too often");
}

static void
check_node(struct tile_verifier *v)
{
	const struct tile_node *n = v->node;
	const struct tile_program *p = v->p;

	if (p->ops.len > 0 && n->op >= p->ops.len)
		tile_broken(v, "op %u does not exist", n->op);
	if (n->kind == TILE_NODE_LOOP) {
		check_loop(v);
		return;
	}
	if (n->parent != NULL && n->parent->depth >= ISA_MAX_LOOPS) {
		tile_broken(v, "lies in more than %d loops", ISA_MAX_LOOPS);
		return;
	}
	tile_check_insn(v);
}

bool
tile_verify(const struct tile_program *p, struct diag *d, const char *pass)
{
	struct tile_verifier v = { p, d, pass, NULL, 0, MAX_ERRORS, true };

	if (p->groups < 1 || (p->target->groups > 0 &&
				 p->groups > p->target->groups))
		report(&v, "program", "more groups than the target has");
	if (p->entry == NULL || p->entry[0] == '\0')
		report(&v, "program", "no name of the entry");
	check_buffers(&v);
	/* Broken buffers would only be reported again by their users. */
	for (const struct tile_node *n = v.ok ? p->first : NULL;
	     n != NULL && v.left > 0; n = tile_next(n)) {
		v.node = n;
		check_node(&v);
		v.number++;
	}
	return v.ok;
}
