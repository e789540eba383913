#include "ir/data.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 16 /* elements of a printed list */

/* Elements lie in memory as the text form wants their bytes. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "tensor data is little-endian");

void
data_print_element(struct strbuf *out, const void *data, enum dtype t,
    size_t i)
{
	if (t == DT_F64)
		strbuf_add_double(out, dtype_get(data, t, i));
	else if (dtype_is_float(t))
		strbuf_add_float(out, (float)dtype_get(data, t, i));
	else
		strbuf_addf(out, "%" PRId64, dtype_get_i64(data, t, i));
}

bool
data_parse_real(const char *text, double *v)
{
	bool minus = text[0] == '-';

	if (strcmp(text + minus, "inf") == 0) {
		*v = minus ? -(double)INFINITY : (double)INFINITY;
		return true;
	}
	if (strcmp(text, "nan") == 0) {
		*v = (double)NAN;
		return true;
	}
	return parse_double(text, v);
}

/* Range of the integer dtypes and bool; u64 as far as int64_t goes. */
static void
int_range(enum dtype t, int64_t *lo, int64_t *hi)
{
	int bits = (int)dtype_size(t) * 8;
	bool is_signed = t == DT_I8 || t == DT_I16 || t == DT_I32 ||
	    t == DT_I64;

	if (t == DT_BOOL) {
		*lo = 0;
		*hi = 1;
		return;
	}
	*hi = bits == 64 ? INT64_MAX : (INT64_C(1) << bits) - 1;
	if (is_signed && bits < 64)
		*hi >>= 1;
	*lo = is_signed ? -*hi - 1 : 0;
}

bool
data_parse_element(const char *text, void *data, enum dtype t, size_t i)
{
	int64_t n, lo, hi;
	double v;

	if (dtype_is_float(t)) {
		if (!data_parse_real(text, &v))
			return false;
		dtype_set(data, t, i, v);
		return true;
	}
	int_range(t, &lo, &hi);
	if (!parse_int64(text, &n) || n < lo || n > hi)
		return false;
	dtype_set_i64(data, t, i, n);
	return true;
}

/* Adds the text of an element when that reads back to the same bytes. */
static bool
print_exact(struct strbuf *out, const void *data, enum dtype t, size_t i)
{
	unsigned char back[8];
	size_t size = dtype_size(t), at = out->len;

	data_print_element(out, data, t, i);
	return data_parse_element(out->data + at, back, t, 0) &&
	    memcmp(back, (const char *)data + i * size, size) == 0;
}

static bool
print_list(struct strbuf *out, const void *data, enum dtype t, size_t n)
{
	struct strbuf s = {0};
	bool exact = n <= LIST_MAX;

	strbuf_add(&s, "[");
	for (size_t i = 0; i < n && exact; i++) {
		exact = print_exact(&s, data, t, i);
		strbuf_add(&s, i + 1 < n ? "," : "]");
	}
	if (exact)
		strbuf_addn(out, s.data, s.len);
	strbuf_free(&s);
	return exact;
}

static bool
print_splat(struct strbuf *out, const void *data, enum dtype t, size_t n)
{
	size_t size = dtype_size(t);
	struct strbuf s = {0};
	bool exact;

	/* all elements equal the one before */
	if (n < 2 || memcmp(data, (const char *)data + size,
	                 (n - 1) * size) != 0)
		return false;
	strbuf_add(&s, "splat ");
	exact = print_exact(&s, data, t, 0);
	if (exact)
		strbuf_addn(out, s.data, s.len);
	strbuf_free(&s);
	return exact;
}

static void
print_hex(struct strbuf *out, const unsigned char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char buf[512];
	size_t len = 0;

	strbuf_add(out, "hex \"");
	for (size_t i = 0; i < n; i++) {
		buf[len++] = digits[p[i] >> 4];
		buf[len++] = digits[p[i] & 15];
		if (len == sizeof buf) {
			strbuf_addn(out, buf, len);
			len = 0;
		}
	}
	strbuf_addn(out, buf, len);
	strbuf_add(out, "\"");
}

static bool
all_zero(const unsigned char *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

void
data_print(struct strbuf *out, const struct tensor_type *type,
    const void *data, bool full)
{
	size_t n = (size_t)type_elems(type), bytes = (size_t)type_bytes(type);

	if (all_zero(data, bytes)) {
		strbuf_add(out, "zero");
		return;
	}
	if (print_splat(out, data, type->dtype, n) ||
	    print_list(out, data, type->dtype, n))
		return;
	if (full)
		print_hex(out, data, bytes);
	else
		strbuf_addf(out, "... # %zu bytes, hash %016" PRIx64, bytes,
		    hash_bytes(WAVE_HASH_SEED, data, bytes));
}
