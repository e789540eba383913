/* Is the machine code of a program valid? */
#include "backend/isa/program.h"

#include <inttypes.h>
#include <stdio.h>

#include "backend/isa/table.h"

struct check {
	struct diag *d;
	const char *file;
	const struct wave_program *p;
	const struct isa_tables *t;
	const struct wave_entry *entry;
	enum queue q;
	uint32_t pc; /* within the queue's code */
	unsigned depth;
};

static bool
reject(const struct check *c, const char *what)
{
	char node[160];
	struct loc loc = { c->file, 0, 0, node };

	snprintf(node, sizeof node, "entry '%.60s', queue %s, instruction %"
	    PRIu32, c->entry->name, queue_name(c->q), c->pc);
	diag_error(c->d, &loc, "%s", what);
	return false;
}

static uint32_t
table_size(const struct isa_tables *t, int kind)
{
	switch (kind) {
	case DESC_AFF: return t->naff;
	case DESC_VIEW: return t->nview;
	case DESC_EPI: return t->nepi;
	case DESC_DMA: return t->ndma;
	case DESC_VEC: return t->nvec;
	default: return 0;
	}
}

/* Affine values and epilogues may be absent. */
static bool
may_be_none(int kind)
{
	return kind == DESC_AFF || kind == DESC_EPI;
}

static bool
check_reference(const struct check *c, const struct field_info *f, int64_t v)
{
	int kind = field_desc_kind(f->kind);
	char what[96];

	if (kind < 0)
		return true;
	if (v >= table_size(c->t, kind)) {
		snprintf(what, sizeof what,
		    "%s refers to %s %" PRId64 " of a table of %" PRIu32,
		    f->name, desc_name((enum desc_kind)kind), v,
		    table_size(c->t, kind));
		return reject(c, what);
	}
	if (v == 0 && !may_be_none(kind)) {
		snprintf(what, sizeof what, "%s is missing", f->name);
		return reject(c, what);
	}
	return true;
}

/* The largest value of an extent field on this target; 0: no limit. */
static int64_t
extent_limit(const struct check *c, const struct insn *in, unsigned id)
{
	const struct wave_target *t = &c->p->target;

	switch (id) {
	case FIELD_k: return t->rows;
	case FIELD_n:
	case FIELD_stn: return t->cols;
	case FIELD_m: return t->block_m;
	case FIELD_outer:
		return in->op == INSN_LdLBUF_V ? t->cols : t->block_m;
	default: return 0;
	}
}

static bool
check_number(const struct check *c, const struct insn *in, unsigned id)
{
	int64_t v = in->field[id], limit = extent_limit(c, in, id);
	char what[96];

	switch (id) {
	case FIELD_k:
	case FIELD_n:
	case FIELD_m:
	case FIELD_outer:
	case FIELD_stn:
	case FIELD_count:
	case FIELD_by:
		if (v >= 1 && (limit == 0 || v <= limit))
			return true;
		snprintf(what, sizeof what,
		    "%s is %" PRId64 ", must be 1 to %" PRId64,
		    isa_fields[id].name, v, limit);
		if (limit == 0)
			snprintf(what, sizeof what,
			    "%s is %" PRId64 ", must be positive",
			    isa_fields[id].name, v);
		return reject(c, what);
	case FIELD_sem:
		if (v < c->entry->nsems)
			return true;
		snprintf(what, sizeof what,
		    "semaphore %" PRId64 " of %" PRIu32, v, c->entry->nsems);
		return reject(c, what);
	case FIELD_mode:
		if (v == 0 || (c->p->target.flexsa == 1 && v < 4))
			return true;
		return reject(c, "the target does not have this array mode");
	case FIELD_first:
		if (v < FIRST_LOOP(ISA_MAX_LOOPS))
			return true;
		return reject(c, "first names a loop level beyond 7");
	default:
		return true;
	}
}

/* Rules that tie an instruction to what its descriptor says. */
static bool
check_descriptor(const struct check *c, const struct insn *in)
{
	const struct view *v = &c->t->view[in->field[FIELD_stview]];
	const struct dma *m = &c->t->dma[in->field[FIELD_dma]];
	const struct vec *x = &c->t->vec[in->field[FIELD_vec]];

	switch (in->op) {
	case INSN_StLBUF:
		if (v->space != SPACE_GBUF)
			return reject(c, "StLBUF writes to gbuf only");
		break;
	case INSN_LdOBUF:
		if (v->space != SPACE_GBUF)
			return reject(c, "LdOBUF reads from gbuf only");
		break;
	case INSN_DSTORE:
		if (m->space != SPACE_GBUF)
			return reject(c, "DSTORE reads from gbuf only");
		break;
	case INSN_VMAP:
	case INSN_VRED:
	case INSN_VWIN:
		if (vec_func_opcode((enum vec_func)x->func) != in->op)
			return reject(c,
			    "the function is not for this instruction");
		break;
	default:
		break;
	}
	return true;
}

/* Loops, and HALT as the last instruction of the slice. */
static bool
check_control(struct check *c, const struct insn *in, bool last)
{
	if (in->op == INSN_LOOP && ++c->depth > ISA_MAX_LOOPS)
		return reject(c, "more than 8 loops are open");
	if (in->op == INSN_ENDLOOP && c->depth-- == 0)
		return reject(c, "ENDLOOP without a loop");
	if (in->op == INSN_HALT && c->depth > 0)
		return reject(c, "HALT inside a loop");
	if (in->op == INSN_HALT && !last)
		return reject(c, "HALT before the end of the entry");
	if (in->op != INSN_HALT && last)
		return reject(c, "the entry does not end with HALT");
	return true;
}

static bool
check_insn(struct check *c, const struct insn_word *w, bool last)
{
	const struct insn_info *info;
	struct insn in;
	const char *why;

	if (!insn_decode(w, &in, &why))
		return reject(c, why);
	info = insn_info((unsigned)in.op);
	if (!insn_allowed(in.op, c->q)) {
		char what[96];

		snprintf(what, sizeof what, "%s is not for this queue",
		    info->name);
		return reject(c, what);
	}
	for (unsigned i = 0; i < info->nfields; i++) {
		unsigned id = info->field[i];

		if (!check_reference(c, &isa_fields[id], in.field[id]) ||
		    !check_number(c, &in, id))
			return false;
	}
	return check_descriptor(c, &in) && check_control(c, &in, last);
}

static bool
check_slice(struct check *c)
{
	uint32_t first = c->entry->first[c->q], n = c->entry->count[c->q];
	uint32_t have = program_insns(c->p, c->q);

	c->pc = first;
	c->depth = 0;
	if (n == 0)
		return true;
	if (first > have || n > have - first)
		return reject(c, "the slice reaches beyond the code");
	for (uint32_t i = 0; i < n; i++) {
		struct insn_word w =
		    insn_load(c->p->code[c->q].data, first + i);

		c->pc = first + i;
		if (!check_insn(c, &w, i + 1 == n))
			return false;
	}
	return true;
}

static bool
check_entry(struct check *c)
{
	const struct wave_target *t = &c->p->target;
	struct loc loc = { c->file, 0, 0, NULL };

	if (c->entry->groups < 1 || c->entry->groups > t->groups) {
		diag_error(c->d, &loc,
		    "entry '%s' runs on %d groups; the target has %" PRId64,
		    c->entry->name, c->entry->groups, t->groups);
		return false;
	}
	if (c->entry->nsems > t->semaphores) {
		diag_error(c->d, &loc,
		    "entry '%s' has %" PRIu32
		    " semaphores; the target has %" PRId64,
		    c->entry->name, c->entry->nsems, t->semaphores);
		return false;
	}
	for (int q = 0; q < Q_COUNT; q++) {
		c->q = (enum queue)q;
		if (!check_slice(c))
			return false;
	}
	return true;
}

bool
program_validate(struct arena *a, struct diag *d, const char *name,
    const struct wave_program *p, struct isa_tables *t)
{
	struct check c = { .d = d, .file = name, .p = p, .t = t };
	struct loc loc = { name, 0, 0, NULL };

	_Static_assert(WAVE_QUEUES == (int)Q_COUNT, "queues agree");
	_Static_assert(WAVE_DESC_KINDS == (int)DESC_COUNT, "kinds agree");
	if (p->isa_version != ISA_VERSION) {
		diag_error(d, &loc, "code for ISA version %" PRIu32
		    "; this is version %d", p->isa_version, ISA_VERSION);
		return false;
	}
	for (int k = 0; k < DESC_COUNT; k++)
		if (!desc_decode_at(a, d, &loc, (enum desc_kind)k,
			p->desc[k].data, p->desc[k].size, t))
			return false;
	for (uint32_t i = 0; i < p->nentries; i++) {
		c.entry = &p->entries[i];
		if (!check_entry(&c))
			return false;
	}
	return true;
}
