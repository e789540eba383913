#include "backend/isa/asm.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backend/isa/program.h"
#include "backend/isa/table.h"
#include "support/target.h"

#define HEX_BYTES 32 /* of one .hex line */
#define NO_OP UINT32_MAX

static void
add_text(struct strbuf *s, const char *text)
{
	strbuf_add_quoted(s, text != NULL ? text : "");
}

/* ---- affine values ---- */

/* " + " or " - ", or "" or "-" in front of the first term; then |v|. */
static void
add_sign(struct strbuf *s, bool *first, int64_t v)
{
	if (*first)
		strbuf_add(s, v < 0 ? "-" : "");
	else
		strbuf_add(s, v < 0 ? " - " : " + ");
	*first = false;
}

static uint64_t
magnitude(int64_t v)
{
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* Adds "what*v" with its sign; nothing for 0. */
static void
add_term(struct strbuf *s, bool *first, const char *what, int64_t v)
{
	if (v == 0)
		return;
	add_sign(s, first, v);
	strbuf_add(s, what);
	if (magnitude(v) != 1)
		strbuf_addf(s, "*%" PRIu64, magnitude(v));
}

/* base + sum of indices; "0" when there is nothing. */
static void
add_linear(struct strbuf *s, bool *first, int64_t base, const int64_t *coef)
{
	if (base != 0) {
		add_sign(s, first, base);
		strbuf_addf(s, "%" PRIu64, magnitude(base));
	}
	for (int l = 0; l < ISA_MAX_LOOPS; l++) {
		char name[8] = { 'i', (char)('0' + l), '\0' };

		add_term(s, first, name, coef[l]);
	}
}

static bool
has_ring(const struct aff *a)
{
	if (a->rbase != 0 || a->rcount != 0 || a->rstep != 0)
		return true;
	for (int l = 0; l < ISA_MAX_LOOPS; l++)
		if (a->rcoef[l] != 0)
			return true;
	return false;
}

static void
add_ring(struct strbuf *s, bool *first, const struct aff *a)
{
	bool inner = true;

	strbuf_add(s, *first ? "((" : " + ((");
	*first = false;
	add_linear(s, &inner, a->rbase, a->rcoef);
	if (inner)
		strbuf_add(s, "0");
	strbuf_addf(s, ") %% %" PRId64 ")", a->rcount);
	if (a->rstep != 1)
		strbuf_addf(s, "*%" PRId64, a->rstep);
}

static void
add_aff(struct strbuf *s, const struct aff *a)
{
	bool first = true;

	add_linear(s, &first, a->base, a->stride);
	if (has_ring(a))
		add_ring(s, &first, a);
	add_term(s, &first, "g", a->gstride);
	if (first)
		strbuf_add(s, "0");
}

/* ---- descriptors ---- */

static void
add_real(struct strbuf *s, unsigned bytes, uint64_t bits)
{
	uint32_t low = (uint32_t)bits;
	double d;
	float f;

	memcpy(&d, &bits, sizeof d);
	memcpy(&f, &low, sizeof f);
	if (bytes == 4 ? isnan(f) : isnan(d)) /* keep the payload */
		strbuf_addf(s, "0x%0*" PRIx64, (int)bytes * 2, bits);
	else if (bytes == 4)
		strbuf_add_float(s, f);
	else
		strbuf_add_double(s, d);
}

static void
add_value(struct strbuf *s, const struct desc_field *f, uint64_t v)
{
	const char *name = desc_value_name(f->type, v);
	uint64_t sign = UINT64_C(1) << (8 * f->bytes - 1);

	if (name != NULL)
		strbuf_add(s, name);
	else if (f->type == DESC_IDX)
		strbuf_addf(s, "a%" PRIu64, v);
	else if (f->type == DESC_REAL)
		add_real(s, f->bytes, v);
	else if (f->type == DESC_DIM)
		strbuf_addf(s, "%" PRIu64, v - 1);
	else if (f->type == DESC_INT)
		strbuf_addf(s, "%" PRId64, (int64_t)((v ^ sign) - sign));
	else
		strbuf_addf(s, "%" PRIu64, v);
}

/* Length of the part of a field's name that opens a group; 0: none. */
static size_t
group_length(const struct desc_field *f)
{
	const char *dot = strchr(f->name, '.');

	return dot != NULL ? (size_t)(dot - f->name) : 0;
}

/* Starts a new line for each group. */
static void
add_name(struct strbuf *s, const struct desc_field *f,
    const struct desc_field *prev)
{
	size_t n = group_length(f);

	if (prev == NULL || group_length(prev) != n ||
	    strncmp(prev->name, f->name, n) != 0) {
		strbuf_add(s, "\n\t");
		if (n > 0)
			strbuf_addf(s, "%.*s: ", (int)n, f->name);
	} else {
		strbuf_add(s, " ");
	}
	strbuf_addf(s, "%s=", f->name + (n > 0 ? n + 1 : 0));
}

/* Values up to the last one that is not 0. */
static bool
add_field(struct strbuf *s, const struct desc_field *f,
    const struct desc_field *prev, const uint8_t *rec)
{
	unsigned n = f->count;

	while (n > 0 && desc_get(f, rec, n - 1) == 0)
		n--;
	if (n == 0)
		return false;
	add_name(s, f, prev);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			strbuf_add(s, ",");
		add_value(s, f, desc_get(f, rec, i));
	}
	return true;
}

/* Fields of one group stand together in the text although the records may
 * keep their addresses apart: a group is printed where it first appears. */
static bool
same_group(const struct desc_field *x, const struct desc_field *y)
{
	size_t n = group_length(x);

	return n == group_length(y) && strncmp(x->name, y->name, n) == 0;
}

static bool
group_done(const struct desc_field *fields, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (same_group(&fields[k], &fields[i]))
			return true;
	return false;
}

void
asm_print_desc(struct strbuf *s, int kind, uint32_t index, const uint8_t *rec)
{
	enum desc_kind k = (enum desc_kind)kind;
	const struct desc_field *prev = NULL, *f;
	struct aff a;
	unsigned n;

	strbuf_addf(s, ".%s %c%" PRIu32, desc_name(k), desc_letter(k), index);
	if (k == DESC_AFF) {
		desc_decode_record(k, rec, &a);
		strbuf_add(s, " = ");
		add_aff(s, &a);
		strbuf_add(s, "\n");
		return;
	}
	strbuf_add(s, " {");
	f = desc_fields(k, &n);
	for (unsigned i = 0; i < n; i++) {
		if (group_done(f, i))
			continue;
		for (unsigned j = i; j < n; j++)
			if (same_group(&f[i], &f[j]) &&
			    add_field(s, &f[j], prev, rec))
				prev = &f[j];
	}
	strbuf_add(s, "\n}\n");
}

static void
print_tables(struct strbuf *s, const struct wave_program *p)
{
	for (int k = 0; k < DESC_COUNT; k++) {
		size_t record = desc_record_size((enum desc_kind)k);
		size_t n = p->desc[k].size / record;

		for (size_t i = 1; i < n; i++) {
			if (i == 1)
				strbuf_add(s, "\n");
			asm_print_desc(s, k, (uint32_t)i,
			    p->desc[k].data + i * record);
		}
	}
}

/* ---- the rest ---- */

static void
print_head(struct strbuf *s, const struct wave_program *p)
{
	strbuf_add(s, "wave.asm 1\n\n");
	strbuf_addf(s, ".isa %" PRIu32 "\n.accumulation ", p->isa_version);
	add_text(s, p->accumulation);
	strbuf_addf(s,
	    "\n.memory dram=%" PRIu64 " gbuf=%" PRIu64 " wbuf=%" PRIu64
	    "\n\n.target ",
	    p->dram_size, p->gbuf_size, p->wbuf_size);
	add_text(s, p->target.name);
	strbuf_add(s, " {\n");
	target_add(s, &p->target, "\t");
	strbuf_add(s, "}\n");
}

static void
print_debug(struct strbuf *s, const struct wave_program *p)
{
	for (uint32_t i = 0; i < p->nsem_names; i++) {
		strbuf_addf(s, "%s.sem s%" PRIu32 " ", i == 0 ? "\n" : "", i);
		add_text(s, p->sem_names[i]);
		strbuf_add(s, "\n");
	}
	for (uint32_t i = 0; i < p->nops; i++) {
		const struct wave_op *o = &p->ops[i];

		strbuf_addf(s, "%s.op o%" PRIu32 " {\n\tname=",
		    i == 0 ? "\n" : "", i);
		add_text(s, o->name);
		strbuf_add(s, " op=");
		add_text(s, o->op);
		strbuf_add(s, " phase=");
		add_text(s, o->phase);
		strbuf_add(s, "\n\tloc=");
		add_text(s, o->loc);
		strbuf_addf(s, "\n\tmacs=%" PRId64 " macs_paper=%" PRId64
		    "\n}\n", o->macs, o->macs_paper);
	}
	for (uint32_t i = 0; i < p->nlayer_groups; i++) {
		const struct wave_layer_group *g = &p->layer_groups[i];

		strbuf_addf(s, "%s.group {\n\tops=", i == 0 ? "\n" : "");
		add_text(s, g->ops);
		strbuf_addf(s, "\n\tentry=%" PRIu32 " sub_batch=%" PRId64
		    " iterations=%" PRId64 "\n}\n", g->entry,
		    g->sub_batch, g->iterations);
	}
}

static void
add_list(struct strbuf *s, const char *name, const int64_t *v, int n)
{
	for (int i = 0; i < n; i++)
		strbuf_addf(s, "%s%" PRId64, i == 0 ? name : ",", v[i]);
}

static const char *
dtype_text(enum dtype t)
{
	const char *name = desc_value_name(DESC_DTYPE, (uint64_t)t);

	return name != NULL ? name : "none";
}

static void
print_bindings(struct strbuf *s, const struct wave_program *p)
{
	static const char *const kinds[] = { "input", "output", "state" };

	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *b = &p->bindings[i];

		strbuf_addf(s, "%s.bind ", i == 0 ? "\n" : "");
		add_text(s, b->name);
		strbuf_addf(s, " {\n\tkind=%s dtype=%s address=%" PRIu64,
		    kinds[b->kind], dtype_text(b->dtype), b->address);
		add_list(s, "\n\tdim=", b->dim, b->rank);
		add_list(s, "\n\tstride=", b->stride, b->rank);
		strbuf_add(s, "\n}\n");
	}
	for (uint32_t i = 0; i < p->nsymbols; i++) {
		const struct wave_symbol *y = &p->symbols[i];

		strbuf_addf(s, "%s.sym ", i == 0 ? "\n" : "");
		add_text(s, y->name);
		strbuf_addf(s,
		    " {\n\tspace=%s dtype=%s address=%" PRIu64
		    " size=%" PRIu64 "\n\tshape=",
		    space_name((enum space)y->space), dtype_text(y->dtype),
		    y->address, y->size);
		add_text(s, y->shape);
		strbuf_add(s, "\n}\n");
	}
}

struct code_printer {
	struct strbuf *s;
	const struct wave_program *p;
	const struct wave_source *source; /* first that ends beyond pc */
	uint32_t nsources;
	uint32_t op; /* of the instruction before */
	int depth;
};

static void
indent(struct code_printer *c)
{
	strbuf_add(c->s, "\t\t");
	for (int i = 0; i < c->depth && i < ISA_MAX_LOOPS; i++)
		strbuf_add(c->s, "\t");
}

/* A .source line where the op changes. */
static void
print_source(struct code_printer *c, uint32_t q, uint32_t pc)
{
	uint32_t op = NO_OP;

	while (c->nsources > 0 &&
	    (c->source->queue < q ||
		(c->source->queue == q &&
		    c->source->first + c->source->count <= pc))) {
		c->source++;
		c->nsources--;
	}
	if (c->nsources > 0 && c->source->queue == q &&
	    c->source->first <= pc)
		op = c->source->op;
	if (op == c->op)
		return;
	indent(c);
	if (op == NO_OP)
		strbuf_add(c->s, ".source none\n");
	else
		strbuf_addf(c->s, ".source o%" PRIu32 "\n", op);
	c->op = op;
}

static void
print_insn(struct code_printer *c, struct insn_word w)
{
	struct insn in;
	const char *why;

	if (!insn_decode(&w, &in, &why)) {
		indent(c);
		strbuf_addf(c->s, ".word 0x%016" PRIx64 " 0x%016" PRIx64 "\n",
		    w.lo, w.hi);
		return;
	}
	if (in.op == INSN_ENDLOOP && c->depth > 0)
		c->depth--;
	indent(c);
	insn_print(c->s, &in);
	strbuf_add(c->s, "\n");
	if (in.op == INSN_LOOP)
		c->depth++;
}

static void
print_entry(struct code_printer *c, const struct wave_entry *e)
{
	unsigned shown = 0;

	strbuf_add(c->s, "\n.entry ");
	add_text(c->s, e->name);
	strbuf_addf(c->s, " groups=%d sems=%" PRIu32 "\n", e->groups,
	    e->nsems);
	for (uint32_t i = 0; i < e->nsems; i++) {
		if (e->sem_exit[i] == 0)
			continue;
		strbuf_addf(c->s, "%s s%" PRIu32 "=%" PRIu32,
		    shown % 8 > 0     ? "" :
			shown > 0 ? "\n\t.exit" :
				    "\t.exit",
		    i, e->sem_exit[i]);
		shown++;
	}
	strbuf_add(c->s, shown > 0 ? "\n" : "");
	for (uint32_t q = 0; q < Q_COUNT; q++) {
		uint32_t n = program_insns(c->p, (enum queue)q);

		if (e->count[q] == 0)
			continue;
		strbuf_addf(c->s, "\t.queue %s\n",
		    queue_name((enum queue)q));
		c->op = NO_OP;
		c->depth = 0;
		for (uint32_t i = 0; i < e->count[q]; i++) {
			uint64_t pc = (uint64_t)e->first[q] + i;

			if (pc >= n)
				break;
			print_source(c, q, (uint32_t)pc);
			print_insn(c, insn_load(c->p->code[q].data,
			    (size_t)pc));
		}
	}
}

/* The map is ordered by queue, entries are not: each looks from the start. */
static void
print_entries(struct strbuf *s, const struct wave_program *p)
{
	struct arena *a = arena_new();
	uint32_t n;
	const struct wave_source *source = program_sources(a, p, &n);

	for (uint32_t i = 0; i < p->nentries; i++) {
		struct code_printer c = { s, p, source, n, NO_OP, 0 };

		print_entry(&c, &p->entries[i]);
	}
	arena_free(a);
}

static size_t
zeros_at(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] == 0)
		i++;
	return i;
}

/* Lines of bytes; whole lines of zeros as one .zero. */
static void
print_data(struct strbuf *s, const struct wave_bytes *data)
{
	static const char digit[] = "0123456789abcdef";
	size_t at = 0;

	if (data->size > 0)
		strbuf_add(s, "\n.data\n");
	while (at < data->size) {
		size_t left = data->size - at;
		size_t n = left < HEX_BYTES ? left : HEX_BYTES;
		size_t zeros = zeros_at(data->data + at, left);
		char line[2 * HEX_BYTES];

		if (zeros < left)
			zeros -= zeros % HEX_BYTES;
		if (zeros >= HEX_BYTES) {
			strbuf_addf(s, "\t.zero %zu\n", zeros);
			at += zeros;
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			line[2 * i] = digit[data->data[at + i] >> 4];
			line[2 * i + 1] = digit[data->data[at + i] & 15];
		}
		strbuf_add(s, "\t.hex ");
		strbuf_addn(s, line, 2 * n);
		strbuf_add(s, "\n");
		at += n;
	}
}

void
asm_print(struct strbuf *s, const struct wave_program *p)
{
	print_head(s, p);
	print_debug(s, p);
	print_bindings(s, p);
	print_tables(s, p);
	print_entries(s, p);
	print_data(s, &p->data);
}
