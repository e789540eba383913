/* Records of the descriptor tables to structs and back, driven by desc.def. */
#include "backend/isa/table.h"

#include <assert.h>
#include <string.h>

/* desc.def writes AFF for the type of an affine index; DESC_AFF is the kind of
 * descriptor. */
#define DESC_TYPE_INT DESC_INT
#define DESC_TYPE_FLAGS DESC_FLAGS
#define DESC_TYPE_AFF DESC_IDX
#define DESC_TYPE_SPACE DESC_SPACE
#define DESC_TYPE_DTYPE DESC_DTYPE
#define DESC_TYPE_TRAFFIC DESC_TRAFFIC
#define DESC_TYPE_ACT DESC_ACT
#define DESC_TYPE_FUNC DESC_FUNC
#define DESC_TYPE_DIM DESC_DIM
#define DESC_TYPE_REAL DESC_REAL

#define STRUCT_AFF struct aff
#define STRUCT_VIEW struct view
#define STRUCT_EPI struct epi
#define STRUCT_DMA struct dma
#define STRUCT_VEC struct vec

#define MEMBER_SIZE(kind, member, count) \
	(sizeof ((STRUCT_##kind *)NULL)->member / (count))

const struct desc_field isa_desc_fields[] = {
#define DESC_FIELD(kind, member, name, offset, bytes, type, count, text)     \
	{ DESC_##kind, name, text, offset, bytes, count, DESC_TYPE_##type,   \
	    offsetof(STRUCT_##kind, member),                                 \
	    MEMBER_SIZE(kind, member, count) },
#include "backend/isa/desc.def"
};
const unsigned isa_ndesc_fields =
    sizeof isa_desc_fields / sizeof *isa_desc_fields;

static const struct {
	size_t record, size; /* bytes in the object and of the struct */
} kinds[DESC_COUNT] = {
#define DESC_FIELD(kind, member, name, offset, bytes, type, count, text)
#define DESC_RECORD(kind, bytes) \
	[DESC_##kind] = { bytes, sizeof(STRUCT_##kind) },
#include "backend/isa/desc.def"
};

static const char *const kind_names[DESC_COUNT] = { "aff", "view", "epi",
	"dma", "vec" };

size_t
desc_record_size(enum desc_kind k)
{
	return (unsigned)k < DESC_COUNT ? kinds[k].record : 0;
}

const char *
desc_name(enum desc_kind k)
{
	return (unsigned)k < DESC_COUNT ? kind_names[k] : "?";
}

char
desc_letter(enum desc_kind k)
{
	return (unsigned)k < DESC_COUNT ? "avedf"[k] : '?';
}

uint64_t
le_get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

void
le_put(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

uint64_t
desc_get(const struct desc_field *f, const uint8_t *rec, unsigned i)
{
	assert(i < f->count);
	return le_get(rec + f->offset + (size_t)i * f->bytes, f->bytes);
}

void
desc_put(const struct desc_field *f, uint8_t *rec, unsigned i, uint64_t v)
{
	assert(i < f->count);
	le_put(rec + f->offset + (size_t)i * f->bytes, f->bytes, v);
}

const struct desc_field *
desc_fields(enum desc_kind k, unsigned *count)
{
	unsigned first = 0, end;

	while (first < isa_ndesc_fields && isa_desc_fields[first].kind != k)
		first++;
	for (end = first; end < isa_ndesc_fields; end++)
		if (isa_desc_fields[end].kind != k)
			break;
	*count = end - first;
	return &isa_desc_fields[first];
}

/* The 64-bit two's complement of the number in the low bytes of v. */
static uint64_t
widen(uint64_t v, unsigned bytes)
{
	uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

	return (v ^ sign) - sign;
}

static bool
is_signed(const struct desc_field *f)
{
	return f->type == DESC_INT;
}

/* A stored number into the member at dst. */
static void
store_member(const struct desc_field *f, void *dst, uint64_t v)
{
	uint32_t v32;

	if (is_signed(f))
		v = widen(v, f->bytes);
	if (f->type == DESC_DIM)
		v--;
	v32 = (uint32_t)v;
	if (f->member_size == sizeof v)
		memcpy(dst, &v, sizeof v);
	else
		memcpy(dst, &v32, sizeof v32);
}

static uint64_t
fetch_member(const struct desc_field *f, const void *src)
{
	uint64_t v;
	uint32_t v32;

	if (f->member_size == sizeof v) {
		memcpy(&v, src, sizeof v);
	} else {
		memcpy(&v32, src, sizeof v32);
		v = v32;
	}
	if (f->type == DESC_DIM)
		v++;
	return v;
}

void
desc_decode_record(enum desc_kind k, const uint8_t *rec, void *out)
{
	unsigned n;
	const struct desc_field *f = desc_fields(k, &n);

	memset(out, 0, kinds[k].size);
	for (; n > 0; n--, f++) {
		char *dst = (char *)out + f->member;

		for (unsigned i = 0; i < f->count; i++)
			store_member(f, dst + i * f->member_size,
			    desc_get(f, rec, i));
	}
}

void
desc_encode_record(enum desc_kind k, const void *in, uint8_t *rec)
{
	unsigned n;
	const struct desc_field *f = desc_fields(k, &n);

	memset(rec, 0, kinds[k].record);
	for (; n > 0; n--, f++) {
		const char *src = (const char *)in + f->member;

		for (unsigned i = 0; i < f->count; i++)
			desc_put(f, rec, i,
			    fetch_member(f, src + i * f->member_size));
	}
}

/* The array and length of a kind in the tables. */
static const void *
table_of(enum desc_kind k, const struct isa_tables *t, uint32_t *n)
{
	switch (k) {
	case DESC_AFF: *n = t->naff; return t->aff;
	case DESC_VIEW: *n = t->nview; return t->view;
	case DESC_EPI: *n = t->nepi; return t->epi;
	case DESC_DMA: *n = t->ndma; return t->dma;
	case DESC_VEC: *n = t->nvec; return t->vec;
	case DESC_COUNT: break;
	}
	*n = 0;
	return NULL;
}

static void
set_table(enum desc_kind k, struct isa_tables *t, void *p, uint32_t n)
{
	switch (k) {
	case DESC_AFF: t->aff = p; t->naff = n; break;
	case DESC_VIEW: t->view = p; t->nview = n; break;
	case DESC_EPI: t->epi = p; t->nepi = n; break;
	case DESC_DMA: t->dma = p; t->ndma = n; break;
	case DESC_VEC: t->vec = p; t->nvec = n; break;
	case DESC_COUNT: break;
	}
}

void
desc_encode(enum desc_kind k, const struct isa_tables *t, uint8_t *out)
{
	uint32_t n;
	const char *entry = table_of(k, t, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (i == 0) /* "none", whatever the struct holds */
			memset(out, 0, kinds[k].record);
		else
			desc_encode_record(k, entry, out);
		entry += kinds[k].size;
		out += kinds[k].record;
	}
}

/* Values of enum-typed fields lie below this. */
static uint64_t
value_limit(enum desc_type t, const struct isa_tables *tables)
{
	switch (t) {
	case DESC_FLAGS: return VIEW_TRANSPOSED + 1;
	case DESC_IDX: return tables->naff;
	case DESC_SPACE: return SPACE_COUNT;
	case DESC_DTYPE: return DT_COUNT;
	case DESC_TRAFFIC: return TRAFFIC_COUNT;
	case DESC_ACT: return EPI_ACT_COUNT;
	case DESC_FUNC: return VF_COUNT;
	case DESC_DIM: return DMA_MAX_RANK + 1;
	case DESC_INT:
	case DESC_REAL: break;
	}
	return UINT64_MAX;
}

static bool
check_values(struct diag *d, const struct loc *loc, enum desc_kind k,
    uint32_t index, const uint8_t *rec, const struct isa_tables *t)
{
	unsigned n;
	const struct desc_field *f = desc_fields(k, &n);

	for (; n > 0; n--, f++) {
		uint64_t limit = value_limit(f->type, t);

		if (limit == UINT64_MAX)
			continue;
		for (unsigned i = 0; i < f->count; i++) {
			uint64_t v = desc_get(f, rec, i);

			if (v < limit)
				continue;
			diag_error(d, loc,
			    "%s %u: %s is %llu, must be below %llu",
			    desc_name(k), index, f->name,
			    (unsigned long long)v, (unsigned long long)limit);
			return false;
		}
	}
	return true;
}

static const char *
check_entry(enum desc_kind k, const void *entry)
{
	switch (k) {
	case DESC_AFF: return aff_check(entry);
	case DESC_VIEW: return view_check(entry);
	case DESC_EPI: return epi_check(entry);
	case DESC_DMA: return dma_check(entry);
	case DESC_VEC: return vec_check(entry);
	case DESC_COUNT: break;
	}
	return NULL;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static bool
decode_entry(struct diag *d, const struct loc *loc, enum desc_kind k,
    uint32_t index, const uint8_t *rec, void *out, struct isa_tables *t)
{
	const char *why;

	if (!check_values(d, loc, k, index, rec, t))
		return false;
	desc_decode_record(k, rec, out);
	why = check_entry(k, out);
	if (why == NULL)
		return true;
	diag_error(d, loc, "%s %u: %s", desc_name(k), index, why);
	return false;
}

bool
desc_decode_at(struct arena *a, struct diag *d, const struct loc *loc,
    enum desc_kind k, const uint8_t *bytes, size_t size,
    struct isa_tables *t)
{
	size_t record = kinds[k].record, n = size / record;
	char *table;

	if (size % record != 0 || n > ISA_MAX_DESC) {
		diag_error(d, loc,
		    "%s table of %zu bytes: not up to %d records of %zu",
		    desc_name(k), size, ISA_MAX_DESC, record);
		return false;
	}
	if (n > 0 && !all_zero(bytes, record)) {
		diag_error(d, loc, "%s 0 is reserved and must be zero",
		    desc_name(k));
		return false;
	}
	table = arena_calloc(a, n > 0 ? n : 1, kinds[k].size);
	set_table(k, t, table, n > 0 ? (uint32_t)n : 1);
	for (uint32_t i = 1; i < n; i++)
		if (!decode_entry(d, loc, k, i, bytes + i * record,
			table + i * kinds[k].size, t))
			return false;
	return true;
}

bool
desc_decode(struct arena *a, struct diag *d, enum desc_kind k,
    const uint8_t *bytes, size_t size, struct isa_tables *t)
{
	return desc_decode_at(a, d, NULL, k, bytes, size, t);
}
