/* Operands: numbers, indices, affine terms, descriptor fields. */
#include "backend/isa/asm_parse.h"

#include <inttypes.h>
#include <string.h>

struct asm_pair *
asm_take(struct asm_stmt *t, const char *name)
{
	for (struct asm_pair *p = t->pair; p != NULL; p = p->next)
		if (!p->used && strcmp(p->name, name) == 0) {
			p->used = true;
			return p;
		}
	return NULL;
}

void
asm_append(struct asm_state *s, byte_vec *v, const void *p, size_t n)
{
	if (n == 0)
		return;
	while (v->cap - v->len < n)
		v->data = vec_grow(s->arena, v->data, &v->cap, v->len, 1);
	if (p != NULL)
		memcpy(v->data + v->len, p, n);
	else
		memset(v->data + v->len, 0, n);
	v->len += n;
}

/* Decimal or 0x digits, no sign. */
static bool
parse_magnitude(const char *text, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = base;

		if (*text >= '0' && *text <= '9')
			digit = (unsigned)(*text - '0');
		else if ((*text | 32) >= 'a' && (*text | 32) <= 'f')
			digit = (unsigned)((*text | 32) - 'a' + 10);
		if (digit >= base || v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
	}
	*out = v;
	return true;
}

static bool
not_a(struct asm_state *s, const struct asm_value *v, const char *what)
{
	asm_error(s, v->line, v->col, "'%s' is not %s", v->text, what);
	return false;
}

bool
asm_uint64(struct asm_state *s, const struct asm_value *v, uint64_t *out)
{
	const char *text = v->text + (v->text[0] == '+');

	if (v->kind != ASM_NUMBER || v->next != NULL ||
	    !parse_magnitude(text, out))
		return not_a(s, v, "a number from 0 to 2^64-1");
	return true;
}

bool
asm_uint32(struct asm_state *s, const struct asm_value *v, uint32_t *out)
{
	uint64_t u;

	if (v->kind != ASM_NUMBER || v->next != NULL ||
	    !parse_magnitude(v->text, &u) || u > UINT32_MAX)
		return not_a(s, v, "a number from 0 to 2^32-1");
	*out = (uint32_t)u;
	return true;
}

bool
asm_int64(struct asm_state *s, const struct asm_value *v, int64_t *out)
{
	bool minus = v->text[0] == '-', plus = v->text[0] == '+';
	uint64_t u;

	if (v->kind != ASM_NUMBER ||
	    !parse_magnitude(v->text + (minus || plus), &u) ||
	    u > (uint64_t)INT64_MAX + minus)
		return not_a(s, v, "a 64-bit integer");
	u = minus ? 0 - u : u;
	memcpy(out, &u, sizeof *out);
	return true;
}

bool
asm_index(struct asm_state *s, const struct asm_value *v, char letter,
    uint32_t *out)
{
	uint64_t u;
	char what[] = "an index '?N'";

	what[10] = letter;
	if (v->kind != ASM_WORD || v->next != NULL || v->text[0] != letter ||
	    strchr(v->text, 'x') != NULL ||
	    !parse_magnitude(v->text + 1, &u) || u > UINT32_MAX)
		return not_a(s, v, what);
	*out = (uint32_t)u;
	return true;
}

/* ---- affine values ---- */

static void
add_coefficient(struct asm_state *s, const struct asm_term *t, int64_t *to,
    int64_t v)
{
	if (*to != 0)
		asm_error(s, t->line, t->col, "%s appears twice",
		    t->name != NULL ? t->name : "the constant");
	*to = v;
}

void
asm_add_term(struct asm_state *s, struct aff *a, const struct asm_term *t)
{
	uint64_t u = t->negative ? 0 - t->factor : t->factor;
	int64_t v;

	if (t->factor > (uint64_t)INT64_MAX + t->negative) {
		asm_error(s, t->line, t->col,
		    "a factor does not fit 64 bits");
		return;
	}
	memcpy(&v, &u, sizeof v);
	if (t->ring != NULL) {
		if (a->rcount != 0 || a->rstep != 0)
			asm_error(s, t->line, t->col, "more than one ring");
		a->rbase = t->ring->rbase;
		memcpy(a->rcoef, t->ring->rcoef, sizeof a->rcoef);
		a->rcount = t->ring->rcount;
		a->rstep = v;
	} else if (t->name == NULL) {
		add_coefficient(s, t, &a->base, v);
	} else if (strcmp(t->name, "g") == 0) {
		add_coefficient(s, t, &a->gstride, v);
	} else if (t->name[0] == 'i' && t->name[1] >= '0' &&
	    t->name[1] < '0' + ISA_MAX_LOOPS && t->name[2] == '\0') {
		add_coefficient(s, t, &a->stride[t->name[1] - '0'], v);
	} else {
		asm_error(s, t->line, t->col,
		    "'%s' is neither a loop index i0 to i7 nor g", t->name);
	}
}

void
asm_affine(struct asm_state *s, struct asm_value name, const struct aff *a)
{
	uint8_t rec[512];

	desc_encode_record(DESC_AFF, a, rec);
	asm_add_record(s, DESC_AFF, &name, rec);
}

/* ---- descriptors ---- */

void
asm_add_record(struct asm_state *s, enum desc_kind k,
    const struct asm_value *name, const uint8_t *rec)
{
	size_t record = desc_record_size(k);
	byte_vec *v = &s->desc[k];
	uint32_t index;

	if (!asm_index(s, name, desc_letter(k), &index))
		return;
	if (index != v->len / record)
		asm_error(s, name->line, name->col,
		    "%s, but the next %s is %c%zu", name->text, desc_name(k),
		    desc_letter(k), v->len / record);
	else if (index >= ISA_MAX_DESC)
		asm_error(s, name->line, name->col, "more than %d %ss",
		    ISA_MAX_DESC, desc_name(k));
	else
		asm_append(s, v, rec, record);
}

static bool
parse_real_value(struct asm_state *s, const struct asm_value *v,
    unsigned bytes, uint64_t *out)
{
	double d;
	float f;
	uint32_t u;

	if (strncmp(v->text, "0x", 2) == 0)
		return asm_uint64(s, v, out);
	if (v->kind != ASM_NUMBER || !parse_double(v->text, &d))
		return not_a(s, v, "a number");
	if (bytes == 8) {
		memcpy(out, &d, sizeof d);
		return true;
	}
	f = (float)d;
	memcpy(&u, &f, sizeof u);
	*out = u;
	return true;
}

/* One element of a field, as it is stored. */
static bool
parse_element(struct asm_state *s, const struct desc_field *f,
    const struct asm_value *v, uint64_t *out)
{
	struct asm_value one = *v;
	uint32_t index;
	int64_t i;

	one.next = NULL;
	switch (f->type) {
	case DESC_IDX:
		if (!asm_index(s, &one, 'a', &index))
			return false;
		*out = index;
		return true;
	case DESC_REAL:
		return parse_real_value(s, &one, f->bytes, out);
	case DESC_INT:
		if (!asm_int64(s, &one, &i))
			return false;
		memcpy(out, &i, sizeof i);
		return true;
	case DESC_DIM:
		if (!asm_uint64(s, &one, out))
			return false;
		*out += 1;
		return true;
	case DESC_FLAGS:
	case DESC_SPACE:
	case DESC_DTYPE:
	case DESC_TRAFFIC:
	case DESC_ACT:
	case DESC_FUNC:
		if (v->kind == ASM_NUMBER)
			return asm_uint64(s, &one, out);
		if (v->kind == ASM_WORD &&
		    desc_value_parse(f->type, v->text, out))
			return true;
		return not_a(s, v, "a value of this field");
	}
	return false;
}

static bool
fits(const struct desc_field *f, uint64_t v)
{
	unsigned bits = 8 * f->bytes;

	if (bits == 64)
		return true;
	if (f->type == DESC_INT) {
		uint64_t half = UINT64_C(1) << (bits - 1);

		return v + half < 2 * half;
	}
	return v >> bits == 0;
}

static void
parse_field(struct asm_state *s, const struct desc_field *f,
    struct asm_pair *p, uint8_t *rec)
{
	const struct asm_value *v = p->value;
	uint64_t u;

	for (unsigned i = 0; v != NULL; v = v->next, i++) {
		if (i >= f->count) {
			asm_error(s, v->line, v->col,
			    "%s has at most %u values", f->name, f->count);
			return;
		}
		if (!parse_element(s, f, v, &u))
			return;
		if (!fits(f, u)) {
			asm_error(s, v->line, v->col,
			    "'%s' does not fit the %u bytes of %s", v->text,
			    f->bytes, f->name);
			return;
		}
		desc_put(f, rec, i, u);
	}
}

bool
asm_descriptor(struct asm_state *s, struct asm_stmt *t)
{
	const struct desc_field *f;
	uint8_t rec[512] = { 0 };
	int k = DESC_VIEW;
	unsigned n;

	while (k < DESC_COUNT &&
	    strcmp(t->name + 1, desc_name((enum desc_kind)k)) != 0)
		k++;
	if (k == DESC_COUNT)
		return false;
	f = desc_fields((enum desc_kind)k, &n);
	for (; n > 0; n--, f++) {
		struct asm_pair *p = asm_take(t, f->name);

		if (p != NULL)
			parse_field(s, f, p, rec);
	}
	if (t->arg == NULL || t->arg->next != NULL)
		asm_error(s, t->line, t->col, "expected %s %cN { ... }",
		    t->name, desc_letter((enum desc_kind)k));
	else
		asm_add_record(s, (enum desc_kind)k, t->arg, rec);
	return true;
}

/* ---- instructions ---- */

static bool
parse_first(struct asm_state *s, const struct asm_value *v, int64_t *out)
{
	uint32_t level;

	if (v->kind == ASM_NUMBER)
		return asm_int64(s, v, out);
	if (strcmp(v->text, "always") == 0) {
		*out = FIRST_ALWAYS;
		return true;
	}
	if (!asm_index(s, v, 'i', &level))
		return false;
	*out = FIRST_LOOP((int64_t)level);
	return true;
}

static bool
parse_mode(struct asm_state *s, const struct asm_value *v, int64_t *out)
{
	if (v->kind == ASM_NUMBER)
		return asm_int64(s, v, out);
	for (int64_t m = 0; mode_name(m) != NULL; m++)
		if (strcmp(mode_name(m), v->text) == 0) {
			*out = m;
			return true;
		}
	return not_a(s, v, "an array mode");
}

static bool
parse_operand(struct asm_state *s, const struct field_info *f,
    const struct asm_value *v, int64_t *out)
{
	int kind = field_desc_kind(f->kind);
	uint32_t index;
	char letter = 's';

	if (v->next != NULL)
		return not_a(s, v, "a single value");
	if (kind < 0 && f->kind == FIELD_FIRST)
		return parse_first(s, v, out);
	if (kind < 0 && f->kind == FIELD_MODE)
		return parse_mode(s, v, out);
	if (kind < 0 && f->kind != FIELD_SEM)
		return asm_int64(s, v, out);
	if (kind >= 0)
		letter = desc_letter((enum desc_kind)kind);
	if (!asm_index(s, v, letter, &index))
		return false;
	*out = index;
	return true;
}

static bool
raw_word(struct asm_state *s, struct asm_stmt *t, struct insn_word *w)
{
	struct asm_value lo, hi;

	if (t->arg == NULL || t->arg->next == NULL ||
	    t->arg->next->next != NULL) {
		asm_error(s, t->line, t->col, "expected .word LOW HIGH");
		return false;
	}
	lo = *t->arg;
	hi = *t->arg->next;
	lo.next = NULL;
	return asm_uint64(s, &lo, &w->lo) && asm_uint64(s, &hi, &w->hi);
}

static bool
build_word(struct asm_state *s, struct asm_stmt *t,
    const struct insn_info *info, struct insn_word *w)
{
	struct insn in = { 0 };
	const char *why;

	in.op = (enum opcode)info->code;
	for (unsigned i = 0; i < info->nfields; i++) {
		unsigned id = info->field[i];
		struct asm_pair *p = id == FIELD_opcode ?
		    NULL :
		    asm_take(t, isa_fields[id].name);

		if (p != NULL && !parse_operand(s, &isa_fields[id], p->value,
				     &in.field[id]))
			return false;
	}
	if (t->arg != NULL) {
		asm_error(s, t->arg->line, t->arg->col,
		    "operands are written name=value");
		return false;
	}
	if (!insn_encode(&in, w, &why)) {
		asm_error(s, t->line, t->col, "%s: %s", t->name, why);
		return false;
	}
	return true;
}

static void
note_source(struct asm_state *s)
{
	uint32_t at = (uint32_t)(s->code[s->queue].len / 16);
	struct wave_source *last = s->sources.len > 0 ?
	    &s->sources.data[s->sources.len - 1] :
	    NULL;
	struct wave_source row = { (uint32_t)s->queue, at, 1, s->op };

	if (s->op == UINT32_MAX)
		return;
	if (last != NULL && last->queue == row.queue && last->op == row.op &&
	    last->first + last->count == at)
		last->count++;
	else
		VEC_PUSH(s->arena, &s->sources, row);
}

bool
asm_instruction(struct asm_state *s, struct asm_stmt *t)
{
	const struct insn_info *info = insn_lookup(t->name);
	struct insn_word w = { 0, 0 };
	uint8_t bytes[16];
	bool raw = strcmp(t->name, ".word") == 0;

	if (info == NULL && !raw)
		return false;
	if (s->queue < 0) {
		asm_error(s, t->line, t->col,
		    "an instruction outside .entry and .queue");
		return true;
	}
	if (raw ? !raw_word(s, t, &w) : !build_word(s, t, info, &w))
		return true;
	note_source(s);
	insn_store(bytes, 0, w);
	asm_append(s, &s->code[s->queue], bytes, sizeof bytes);
	s->entry->count[s->queue]++;
	return true;
}
