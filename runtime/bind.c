#include "runtime/bind.h"

#include <inttypes.h>
#include <string.h>

#include "support/dtype.h"
#include "support/str.h"

void
bind_shape(struct strbuf *s, enum dtype dtype, int rank, const int64_t *dim)
{
	strbuf_addf(s, "%s[", dtype_name(dtype));
	for (int i = 0; i < rank; i++)
		strbuf_addf(s, "%s%" PRId64, i > 0 ? "," : "", dim[i]);
	strbuf_add(s, "]");
}

static const char *
kind_name(enum wave_bind_kind k)
{
	switch (k) {
	case WAVE_BIND_INPUT: return "input";
	case WAVE_BIND_OUTPUT: return "output";
	case WAVE_BIND_STATE: return "state";
	}
	return "?";
}

void
bind_list(struct strbuf *s, const struct wave_program *p, unsigned kinds)
{
	int n = 0;

	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *b = &p->bindings[i];

		if ((kinds >> b->kind & 1) == 0)
			continue;
		strbuf_addf(s, "%s%s '%s' ", n++ > 0 ? ", " : "",
		    kind_name(b->kind), b->name);
		bind_shape(s, b->dtype, b->rank, b->dim);
	}
	if (n == 0)
		strbuf_add(s, "none");
}

/* Whether values of one type may go into the other. */
static bool
convertible(enum dtype from, enum dtype to)
{
	bool bytes = (from == DT_BOOL || from == DT_U8) &&
	    (to == DT_BOOL || to == DT_U8);

	return from == to || bytes ||
	    (dtype_is_float(from) && dtype_is_float(to)) ||
	    (dtype_is_int(from) && dtype_is_int(to));
}

bool
bind_span(struct diag *d, const struct wave_binding *b, int64_t *count,
    size_t *span)
{
	int64_t bytes = (int64_t)dtype_size(b->dtype), n = 1, reach;
	bool ok = b->rank >= 0 && b->rank <= WAVE_MAX_RANK && bytes > 0;

	for (int i = 0; ok && i < b->rank; i++)
		ok = b->dim[i] >= 0 && b->stride[i] >= 0 &&
		    mul_int64(n, b->dim[i], &n) &&
		    mul_int64(b->dim[i] > 0 ? b->dim[i] - 1 : 0,
			b->stride[i], &reach) &&
		    add_int64(bytes, reach, &bytes);
	if (!ok || bytes > (int64_t)1 << 44) {
		diag_error(d, NULL, "binding '%s' has an impossible layout",
		    b->name);
		return false;
	}
	*count = n;
	*span = n > 0 ? (size_t)bytes : 0;
	return true;
}

static int64_t
elements(const struct wave_binding *b)
{
	int64_t n = 1;

	for (int i = 0; i < b->rank; i++)
		n *= b->dim[i];
	return n;
}

/* Walks the elements in C order; at is the byte offset of the current one. */
struct walk {
	const struct wave_binding *b;
	int64_t idx[WAVE_MAX_RANK];
	int64_t at;
};

static void
walk_next(struct walk *w)
{
	for (int i = w->b->rank - 1; i >= 0; i--) {
		w->at += w->b->stride[i];
		if (++w->idx[i] < w->b->dim[i])
			return;
		w->at -= w->b->stride[i] * w->b->dim[i];
		w->idx[i] = 0;
	}
}

void
bind_pack(const struct wave_binding *b, const void *image, void *dense)
{
	size_t size = dtype_size(b->dtype);
	struct walk w = { .b = b };
	uint8_t *to = dense;

	for (int64_t n = elements(b); n > 0; n--, to += size) {
		memcpy(to, (const uint8_t *)image + w.at, size);
		walk_next(&w);
	}
}

void
bind_unpack(const struct wave_binding *b, const void *dense, void *image)
{
	size_t size = dtype_size(b->dtype);
	struct walk w = { .b = b };
	const uint8_t *from = dense;

	for (int64_t n = elements(b); n > 0; n--, from += size) {
		memcpy((uint8_t *)image + w.at, from, size);
		walk_next(&w);
	}
}

/* Element i of src into dst[0]; false when an integer does not fit. */
static bool
convert(const void *src, enum dtype st, size_t i, uint8_t *dst,
    enum dtype dt)
{
	if (dtype_is_float(st)) {
		dtype_set(dst, dt, 0, dtype_get(src, st, i));
		return true;
	}
	int64_t v = dtype_get_i64(src, st, i);

	dtype_set_i64(dst, dt, 0, v);
	return (st != DT_U64 || v >= 0) && dtype_get_i64(dst, dt, 0) == v;
}

static bool
scatter(struct diag *d, const struct wave_binding *b, const struct npy *n,
    int64_t count, uint8_t *image, const char *where)
{
	size_t size = dtype_size(b->dtype);
	struct walk w = { .b = b };

	for (int64_t i = 0; i < count; i++) {
		if (n->dtype == b->dtype) {
			memcpy(image + w.at,
			    (const uint8_t *)n->data + (size_t)i * size,
			    size);
		} else if (!convert(n->data, n->dtype, (size_t)i,
			       image + w.at, b->dtype)) {
			diag_error(d, &(struct loc){ .file = where },
			    "element %" PRId64 " does not fit %s of '%s'", i,
			    dtype_name(b->dtype), b->name);
			return false;
		}
		walk_next(&w);
	}
	return true;
}

static bool
shapes_agree(struct diag *d, const struct wave_binding *b,
    const struct npy *n, const char *where)
{
	struct strbuf want = { 0 }, have = { 0 };
	bool same = n->rank == b->rank && convertible(n->dtype, b->dtype);

	for (int i = 0; same && i < b->rank; i++)
		same = n->dim[i] == b->dim[i];
	if (!same) {
		bind_shape(&want, b->dtype, b->rank, b->dim);
		bind_shape(&have, n->dtype, n->rank, n->dim);
		diag_error(d, &(struct loc){ .file = where },
		    "the array is %s, %s '%s' is %s", have.data,
		    kind_name(b->kind), b->name, want.data);
	}
	strbuf_free(&want);
	strbuf_free(&have);
	return same;
}

bool
bind_write(struct arena *a, struct diag *d, struct device *dev,
    const struct wave_binding *b, const struct npy *n, const char *where)
{
	int64_t count;
	size_t span;

	if (!shapes_agree(d, b, n, where) || !bind_span(d, b, &count, &span))
		return false;
	if (count == 0)
		return true;
	uint8_t *image = arena_alloc(a, span);

	if (!dev->ops->read(dev, b->address, image, span)) {
		diag_error(d, NULL, "'%s' lies outside the device's memory",
		    b->name);
		return false;
	}
	return scatter(d, b, n, count, image, where) &&
	    dev->ops->write(dev, b->address, image, span);
}

bool
bind_read(struct arena *a, struct diag *d, struct device *dev,
    const struct wave_binding *b, struct npy *out)
{
	int64_t count;
	size_t span;

	if (!bind_span(d, b, &count, &span))
		return false;
	uint8_t *image = arena_alloc(a, span + 1);

	if (span > 0 && !dev->ops->read(dev, b->address, image, span)) {
		diag_error(d, NULL, "'%s' lies outside the device's memory",
		    b->name);
		return false;
	}
	memset(out, 0, sizeof *out);
	out->dtype = b->dtype == DT_BF16 ? DT_F32 : b->dtype;
	out->rank = b->rank;
	for (int i = 0; i < b->rank; i++)
		out->dim[i] = b->dim[i];
	size_t size = dtype_size(out->dtype);
	struct walk w = { .b = b };

	out->bytes = (size_t)count * size;
	out->data = arena_alloc(a, out->bytes + 1);
	for (int64_t i = 0; i < count; i++) {
		uint8_t *to = (uint8_t *)out->data + (size_t)i * size;

		if (out->dtype == b->dtype)
			memcpy(to, image + w.at, size);
		else
			(void)convert(image + w.at, b->dtype, 0, to,
			    out->dtype);
		walk_next(&w);
	}
	return true;
}
