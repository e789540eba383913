/* The format is written down in NumPy's "NEP 1: A simple file format for
 * NumPy arrays" and the docstring of numpy.lib.format. */
#include "support/npy.h"

#include <stdio.h>
#include <string.h>

#include "support/file.h"
#include "support/str.h"

#define HEADER_ALIGN 64
/* far above what 16 dimensions need */
#define MAX_HEADER ((size_t)64 * 1024)

static const struct {
	const char *descr; /* without the byte order */
	enum dtype type;
} types[] = {
	{"f4", DT_F32 },
	{"f2", DT_F16 },
	{"V2", DT_BF16},
	{"f8", DT_F64 },
	{"i1", DT_I8  },
	{"u1", DT_U8  },
	{"i2", DT_I16 },
	{"u2", DT_U16 },
	{"i4", DT_I32 },
	{"u4", DT_U32 },
	{"i8", DT_I64 },
	{"u8", DT_U64 },
	{"b1", DT_BOOL},
};

/* A cursor over the header, a Python dictionary literal. */
struct reader {
	const char *p, *end;
	struct diag *d;
	struct loc loc;
	bool fortran, have_descr, have_order, have_shape;
	struct npy *out;
};

__attribute__((format(printf, 2, 3))) static bool
bad(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(r->d, DIAG_ERROR, &r->loc, fmt, ap);
	va_end(ap);
	return false;
}

static bool
malformed(struct reader *r, const char *what)
{
	return bad(r, "malformed .npy header: expected %s", what);
}

static void
skip_space(struct reader *r)
{
	while (r->p < r->end &&
	    (*r->p == ' ' || *r->p == '\n' || *r->p == '\t'))
		r->p++;
}

/* Takes text if it is next. */
static bool
accept(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	skip_space(r);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* A quoted string without escapes into buf. */
static bool
string(struct reader *r, char *buf, size_t size)
{
	size_t n = 0;
	char quote;

	skip_space(r);
	if (r->p == r->end || (*r->p != '\'' && *r->p != '"'))
		return false;
	quote = *r->p++;
	while (r->p < r->end && *r->p != quote) {
		if (*r->p == '\0' || *r->p == '\\' || n + 1 >= size)
			return false;
		buf[n++] = *r->p++;
	}
	buf[n] = '\0';
	return accept(r, quote == '"' ? "\"" : "'");
}

static bool
set_descr(struct reader *r, const char *text)
{
	const char *kind = text;
	char order = '|';

	if (*kind != '\0' && strchr("<>|=", *kind) != NULL)
		order = *kind++;
	if (*kind == 'O')
		return bad(r, "arrays of Python objects ('%s') are not "
		    "supported", text);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(kind, types[i].descr) != 0)
			continue;
		r->out->dtype = types[i].type;
		if (dtype_size(types[i].type) == 1)
			return true;
		if (order == '>')
			return bad(r, "big-endian data ('%s') is not "
			    "supported: save it with .astype('<%s')",
			    text, kind);
		if (order == '<' || types[i].type == DT_BF16)
			return true;
	}
	return bad(r, "unsupported element type '%s'", text);
}

/* One dimension: a decimal number; Python 2 wrote longs with an L. */
static bool
dimension(struct reader *r, int64_t *out)
{
	char text[24];
	size_t n = 0;

	skip_space(r);
	if (r->p < r->end && *r->p == '-')
		return bad(r, "negative dimension in the .npy header");
	while (r->p < r->end && *r->p >= '0' && *r->p <= '9') {
		if (n + 1 >= sizeof text)
			return bad(r, "dimension too large");
		text[n++] = *r->p++;
	}
	text[n] = '\0';
	if (n == 0)
		return malformed(r, "a dimension");
	if (!parse_int64(text, out))
		return bad(r, "dimension too large");
	if (r->p < r->end && *r->p == 'L')
		r->p++;
	return true;
}

/* "()" "(3,)" "(2, 3)" "(2, 3,)"; "(3)" would be a number in Python. */
static bool
shape(struct reader *r)
{
	struct npy *out = r->out;
	bool comma = true;

	if (!accept(r, "("))
		return malformed(r, "a shape");
	while (!accept(r, ")")) {
		if (!comma)
			return malformed(r, "',' or ')' in the shape");
		if (out->rank == NPY_MAX_RANK)
			return bad(r, "more than %d dimensions", NPY_MAX_RANK);
		if (!dimension(r, &out->dim[out->rank]))
			return false;
		out->rank++;
		comma = accept(r, ",");
	}
	if (out->rank == 1 && !comma)
		return malformed(r, "',' in a shape of one dimension");
	return true;
}

static bool
entry(struct reader *r, const char *key)
{
	char text[32];

	if (strcmp(key, "descr") == 0 && !r->have_descr) {
		r->have_descr = true;
		if (accept(r, "["))
			return bad(r, "structured arrays are not supported");
		if (!string(r, text, sizeof text))
			return malformed(r, "an element type");
		return set_descr(r, text);
	}
	if (strcmp(key, "fortran_order") == 0 && !r->have_order) {
		r->have_order = true;
		r->fortran = accept(r, "True");
		return r->fortran || accept(r, "False") ||
		    malformed(r, "True or False");
	}
	if (strcmp(key, "shape") == 0 && !r->have_shape) {
		r->have_shape = true;
		return shape(r);
	}
	return bad(r, "malformed .npy header: unexpected key '%s'", key);
}

static bool
dictionary(struct reader *r)
{
	char key[32];

	if (!accept(r, "{"))
		return malformed(r, "'{'");
	while (!accept(r, "}")) {
		if (!string(r, key, sizeof key))
			return malformed(r, "a key");
		if (!accept(r, ":"))
			return malformed(r, "':'");
		if (!entry(r, key))
			return false;
		if (accept(r, "}"))
			break;
		if (!accept(r, ","))
			return malformed(r, "',' or '}'");
	}
	skip_space(r);
	if (r->p != r->end)
		return malformed(r, "nothing after '}'");
	if (!r->have_descr || !r->have_order || !r->have_shape)
		return bad(r, "malformed .npy header: no '%s'",
		    !r->have_descr       ? "descr"
			: !r->have_order ? "fortran_order"
					 : "shape");
	return true;
}

/* Checks the size of the data against the shape before anything is
 * multiplied into a size_t. */
static bool
check_size(struct reader *r, size_t have)
{
	int64_t n = (int64_t)dtype_size(r->out->dtype);
	bool empty = false;

	for (int i = 0; i < r->out->rank; i++)
		empty |= r->out->dim[i] == 0;
	for (int i = 0; i < r->out->rank && !empty; i++) {
		if (!mul_int64(n, r->out->dim[i], &n))
			return bad(r, "shape too large");
	}
	if (empty)
		n = 0;
	if ((uint64_t)n > have)
		return bad(r, "truncated: the shape needs %lld bytes of data, "
		    "the file has %zu", (long long)n, have);
	if ((uint64_t)n < have)
		return bad(r, "%zu bytes too many: the shape needs %lld bytes "
		    "of data", have - (size_t)n, (long long)n);
	r->out->bytes = (size_t)n;
	return true;
}

/* Column-major data of n in row-major order. */
static void *
from_fortran(struct arena *a, const struct npy *n, const char *src)
{
	size_t size = dtype_size(n->dtype), count = n->bytes / size;
	size_t index[NPY_MAX_RANK] = {0}, stride[NPY_MAX_RANK], from = 0;
	char *to = arena_try_alloc(a, n->bytes);

	if (to == NULL || count == 0)
		return to;
	for (int i = 0; i < n->rank; i++)
		stride[i] = i == 0
		    ? size
		    : stride[i - 1] * (size_t)n->dim[i - 1];
	for (size_t k = 0; k < count; k++) {
		memcpy(to + k * size, src + from, size);
		for (int i = n->rank - 1; i >= 0; i--) {
			from += stride[i];
			if (++index[i] < (size_t)n->dim[i])
				break;
			from -= stride[i] * index[i];
			index[i] = 0;
		}
	}
	return to;
}

/* Finds the header: magic, version, length. */
static bool
preamble(struct reader *r, const char *file, size_t size, size_t *data)
{
	const unsigned char *b = (const unsigned char *)file;
	size_t len, at;

	if (size < 10)
		return bad(r, "truncated: no .npy header");
	if (memcmp(file, "\x93NUMPY", 6) != 0)
		return bad(r, "not a .npy file");
	if (b[6] < 1 || b[6] > 3 || b[7] != 0)
		return bad(r, "unsupported .npy version %d.%d", b[6], b[7]);
	len = (size_t)(b[8] | b[9] << 8);
	at = 10;
	if (b[6] > 1) {
		at = 12;
		if (size < at)
			return bad(r, "truncated: no .npy header");
		len |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
	}
	if (len > MAX_HEADER)
		return bad(r, "malformed .npy header: its length is %zu", len);
	if (len > size - at)
		return bad(r, "truncated: .npy header of %zu bytes, %zu there",
		    len, size - at);
	r->p = file + at;
	r->end = r->p + len;
	*data = at + len;
	return true;
}

bool
npy_parse(struct arena *a, struct diag *d, const char *name, char *file,
    size_t size, struct npy *out)
{
	struct npy n = {0};
	struct reader r = {.d = d, .loc = {.file = name}, .out = &n};
	size_t at = 0;

	if (!preamble(&r, file, size, &at) || !dictionary(&r) ||
	    !check_size(&r, size - at))
		return false;
	if (r.fortran && n.rank > 1)
		n.data = from_fortran(a, &n, file + at);
	else if ((uintptr_t)(file + at) % 16 == 0)
		n.data = file + at; /* aligned for any element type */
	else if ((n.data = arena_try_alloc(a, n.bytes)) != NULL)
		memcpy(n.data, file + at, n.bytes);
	if (n.data == NULL)
		return bad(&r, "not enough memory for %zu bytes", n.bytes);
	*out = n;
	return true;
}

bool
npy_read(struct arena *a, struct diag *d, const char *path, struct npy *out)
{
	size_t size;
	char *file;

	return file_read(a, d, path, 0, &file, &size) &&
	    npy_parse(a, d, path, file, size, out);
}

static const char *
descr(enum dtype t)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (types[i].type == t)
			return types[i].descr;
	}
	ice("npy_write", "no .npy type for dtype %d", (int)t);
}

bool
npy_write(struct diag *d, const char *path, const struct npy *n)
{
	struct strbuf s = {0};
	struct file_part part[2];
	size_t len;
	bool ok;

	strbuf_addn(&s, "\x93NUMPY\1\0\0\0", 10);
	strbuf_addf(&s, "{'descr': '%s%s', 'fortran_order': False, 'shape': (",
	    dtype_size(n->dtype) == 1 ? "|" : "<", descr(n->dtype));
	for (int i = 0; i < n->rank; i++)
		strbuf_addf(&s, "%s%lld%s", i == 0 ? "" : " ",
		    (long long)n->dim[i],
		    i + 1 < n->rank || i == 0 ? "," : "");
	strbuf_add(&s, "), }");
	while ((s.len + 1) % HEADER_ALIGN != 0)
		strbuf_add(&s, " ");
	strbuf_add(&s, "\n");
	/* at most 16 dimensions of 20 characters: below 64 KiB */
	len = s.len - 10;
	s.data[8] = (char)(len & 0xff);
	s.data[9] = (char)(len >> 8);
	part[0] = (struct file_part){s.data, s.len};
	part[1] = (struct file_part){n->data, n->bytes};
	ok = file_write_parts(d, path, part, 2);
	strbuf_free(&s);
	return ok;
}
