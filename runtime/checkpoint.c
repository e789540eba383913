#include "runtime/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "runtime/bind.h"
#include "support/dtype.h"
#include "support/file.h"
#include "support/str.h"

#define MAGIC "WAVECKPT"
#define END_MARK "END\n"
#define HEADER 104 /* bytes before the options text */
#define TRAILER 8
#define LIMIT ((size_t)1 << 40)

/* Offsets in the header. */
enum {
	AT_VERSION = 8,
	AT_TENSORS = 12,
	AT_SIZE = 16,
	AT_MODEL = 24,
	AT_STEP = 32,
	AT_EPOCH = 40,
	AT_INDEX = 48,
	AT_BATCHES = 56,
	AT_SEED = 64,
	AT_LOSS = 72,
	AT_RIGHT = 80,
	AT_ANSWERS = 88,
	AT_TEXT = 96,
	AT_CRC = 100
};

/* ---- bytes ---- */

static void
put(uint8_t *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t
get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = bytes - 1; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static size_t
pad8(size_t n)
{
	return (8 - n % 8) % 8;
}

static void
add_number(struct strbuf *s, uint64_t v, int bytes)
{
	uint8_t b[8];

	put(b, v, bytes);
	strbuf_addn(s, (const char *)b, (size_t)bytes);
}

static void
add_padding(struct strbuf *s)
{
	strbuf_addn(s, "\0\0\0\0\0\0\0", pad8(s->len));
}

static uint32_t
crc(uint32_t seed, const void *p, size_t n)
{
	return n > 0 ? (uint32_t)crc32_z(seed, p, n) : seed;
}

/* ---- the model ---- */

uint64_t
checkpoint_fingerprint(const struct checkpoint_tensor *t, size_t n)
{
	uint64_t h = WAVE_HASH_SEED;
	uint8_t b[8];

	for (size_t i = 0; i < n; i++) {
		h = hash_bytes(h, t[i].name, strlen(t[i].name) + 1);
		put(b, (uint64_t)t[i].dtype, 4);
		put(b + 4, (uint64_t)t[i].rank, 4);
		h = hash_bytes(h, b, 8);
		for (int k = 0; k < t[i].rank; k++) {
			put(b, (uint64_t)t[i].dim[k], 8);
			h = hash_bytes(h, b, 8);
		}
	}
	return h;
}

static bool
same_type(const struct checkpoint_tensor *x, const struct checkpoint_tensor *y)
{
	return x->dtype == y->dtype && x->rank == y->rank &&
	    memcmp(x->dim, y->dim, (size_t)x->rank * sizeof *x->dim) == 0;
}

static void
types_differ(struct diag *d, const char *path,
    const struct checkpoint_tensor *have, const struct checkpoint_tensor *want)
{
	struct strbuf h = {0}, w = {0};

	bind_shape(&h, have->dtype, have->rank, have->dim);
	bind_shape(&w, want->dtype, want->rank, want->dim);
	diag_error(d, &(struct loc){.file = path}, "a checkpoint of another "
	    "model: tensor '%s' is %s, the model has %s", want->name, h.data,
	    w.data);
	strbuf_free(&h);
	strbuf_free(&w);
}

bool
checkpoint_matches(struct diag *d, const char *path,
    const struct checkpoint *c, const struct checkpoint_tensor *t, size_t n)
{
	struct loc loc = {.file = path};

	for (size_t i = 0; i < n || i < c->ntensors; i++) {
		if (i == c->ntensors)
			diag_error(d, &loc, "a checkpoint of another model: "
			    "it lacks tensor '%s'", t[i].name);
		else if (i == n)
			diag_error(d, &loc, "a checkpoint of another model: "
			    "the model has no tensor '%s'", c->tensor[i].name);
		else if (strcmp(c->tensor[i].name, t[i].name) != 0)
			diag_error(d, &loc, "a checkpoint of another model: "
			    "tensor %zu is '%s', the model has '%s'", i,
			    c->tensor[i].name, t[i].name);
		else if (!same_type(&c->tensor[i], &t[i]))
			types_differ(d, path, &c->tensor[i], &t[i]);
		else
			continue;
		return false;
	}
	return true;
}

/* ---- writing ---- */

static size_t
record_size(const struct checkpoint_tensor *t)
{
	size_t name = strlen(t->name), head = 24 + 8 * (size_t)t->rank + name;

	return head + pad8(head) + t->bytes + pad8(t->bytes) + 8;
}

/* All of a record but its data and what follows them. */
static void
add_record_head(struct strbuf *s, const struct checkpoint_tensor *t)
{
	add_number(s, strlen(t->name), 4);
	add_number(s, (uint64_t)t->dtype, 4);
	add_number(s, (uint64_t)t->rank, 4);
	add_number(s, 0, 4);
	add_number(s, t->bytes, 8);
	for (int i = 0; i < t->rank; i++)
		add_number(s, (uint64_t)t->dim[i], 8);
	strbuf_add(s, t->name);
	add_padding(s);
}

static void
add_header(struct strbuf *s, const struct checkpoint *c)
{
	uint8_t h[HEADER] = MAGIC;
	size_t text = strlen(c->options), size = HEADER + text + pad8(text);
	uint64_t bits;

	for (size_t i = 0; i < c->ntensors; i++)
		size += record_size(&c->tensor[i]);
	memcpy(&bits, &c->loss_sum, sizeof bits);
	put(h + AT_VERSION, CHECKPOINT_VERSION, 4);
	put(h + AT_TENSORS, c->ntensors, 4);
	put(h + AT_SIZE, size + TRAILER, 8);
	put(h + AT_MODEL, checkpoint_fingerprint(c->tensor, c->ntensors), 8);
	put(h + AT_STEP, (uint64_t)c->step, 8);
	put(h + AT_EPOCH, (uint64_t)c->epoch, 8);
	put(h + AT_INDEX, (uint64_t)c->index, 8);
	put(h + AT_BATCHES, (uint64_t)c->batches, 8);
	put(h + AT_SEED, c->seed, 8);
	put(h + AT_LOSS, bits, 8);
	put(h + AT_RIGHT, (uint64_t)c->right, 8);
	put(h + AT_ANSWERS, (uint64_t)c->answers, 8);
	put(h + AT_TEXT, text, 4);
	put(h + AT_CRC, crc(crc(0, h, AT_CRC), c->options, text), 4);
	strbuf_addn(s, (const char *)h, HEADER);
	strbuf_add(s, c->options);
	add_padding(s);
}

/* What the writer keeps: the file as parts, and the texts they point to. */
struct writer {
	struct file_part *part;
	size_t nparts;
	struct strbuf *text;
	size_t ntexts;
	uint32_t crc; /* of all parts */
};

static void
add_part(struct writer *w, const void *data, size_t size)
{
	w->part[w->nparts++] = (struct file_part){data, size};
	w->crc = crc(w->crc, data, size);
}

static void
add_text(struct writer *w, struct strbuf s)
{
	w->text[w->ntexts++] = s;
	add_part(w, s.data, s.len);
}

static void
add_record(struct writer *w, const struct checkpoint_tensor *t)
{
	struct strbuf head = {0}, tail = {0};
	uint32_t sum;

	add_record_head(&head, t);
	sum = crc(crc(0, head.data, head.len), t->data, t->bytes);
	strbuf_addn(&tail, "\0\0\0\0\0\0\0", pad8(t->bytes));
	add_number(&tail, sum, 4);
	add_number(&tail, 0, 4);
	add_text(w, head);
	add_part(w, t->data, t->bytes);
	add_text(w, tail);
}

bool
checkpoint_write(struct diag *d, const char *path,
    const struct checkpoint *c)
{
	struct arena *a = arena_new();
	struct writer w = {
	    .part = NEW_ARRAY(a, struct file_part, 3 * c->ntensors + 2),
	    .text = NEW_ARRAY(a, struct strbuf, 2 * c->ntensors + 2)};
	struct strbuf header = {0}, trailer = {0};
	bool ok;

	add_header(&header, c);
	add_text(&w, header);
	for (size_t i = 0; i < c->ntensors; i++)
		add_record(&w, &c->tensor[i]);
	add_number(&trailer, w.crc, 4);
	strbuf_add(&trailer, END_MARK);
	add_text(&w, trailer);
	ok = file_write_durable(d, path, w.part, w.nparts);
	for (size_t i = 0; i < w.ntexts; i++)
		strbuf_free(&w.text[i]);
	arena_free(a);
	return ok;
}

/* ---- reading ---- */

struct reader {
	struct arena *arena;
	struct diag *d;
	struct loc loc;
	const uint8_t *p, *end; /* what is left of the records */
};

static bool
fail(struct reader *r, const char *what)
{
	diag_error(r->d, &r->loc, "%s", what);
	return false;
}

/* The file as a whole: kind, version, size, header checksum. */
static bool
check_header(struct reader *r, const uint8_t *p, size_t size)
{
	uint64_t want, text;

	if (size < 8 || memcmp(p, MAGIC, 8) != 0)
		return fail(r, "no checkpoint of wavetrain");
	if (size < AT_TENSORS)
		return fail(r, "the checkpoint is truncated");
	if (get(p + AT_VERSION, 4) != CHECKPOINT_VERSION) {
		diag_error(r->d, &r->loc, "a checkpoint of version %" PRIu64
		    "; this program reads version %d", get(p + AT_VERSION, 4),
		    CHECKPOINT_VERSION);
		return false;
	}
	if (size < HEADER + TRAILER)
		return fail(r, "the checkpoint is truncated");
	text = get(p + AT_TEXT, 4);
	if (text > size - HEADER - TRAILER ||
	    crc(crc(0, p, AT_CRC), p + HEADER, (size_t)text) !=
	    get(p + AT_CRC, 4))
		return fail(r, "the checkpoint is damaged: the checksum of "
		    "its header is wrong");
	want = get(p + AT_SIZE, 8);
	if (want != size) {
		diag_error(r->d, &r->loc, "the checkpoint is %s: %zu bytes, "
		    "not %" PRIu64, size < want ? "truncated" : "damaged",
		    size, want);
		return false;
	}
	return true;
}

static bool
read_position(struct reader *r, const uint8_t *p, struct checkpoint *c)
{
	uint64_t bits = get(p + AT_LOSS, 8);

	c->step = (int64_t)get(p + AT_STEP, 8);
	c->epoch = (int64_t)get(p + AT_EPOCH, 8);
	c->index = (int64_t)get(p + AT_INDEX, 8);
	c->batches = (int64_t)get(p + AT_BATCHES, 8);
	c->seed = get(p + AT_SEED, 8);
	memcpy(&c->loss_sum, &bits, sizeof bits);
	c->right = (int64_t)get(p + AT_RIGHT, 8);
	c->answers = (int64_t)get(p + AT_ANSWERS, 8);
	if (c->step < 0 || c->epoch < 0 || c->index < 0 || c->batches < 1 ||
	    c->index > c->batches || c->right < 0 || c->right > c->answers)
		return fail(r, "the checkpoint's position is impossible");
	c->options = arena_strndup(r->arena, (const char *)p + HEADER,
	    (size_t)get(p + AT_TEXT, 4));
	return true;
}

/* The n next bytes, or NULL. */
static const uint8_t *
take(struct reader *r, uint64_t n)
{
	const uint8_t *p = r->p;

	if (n > (uint64_t)(r->end - p))
		return NULL;
	r->p += n;
	return p;
}

static bool
read_type(struct reader *r, const uint8_t *p, struct checkpoint_tensor *t)
{
	uint64_t dtype = get(p + 4, 4), rank = get(p + 8, 4);
	uint64_t bytes = get(p + 16, 8);
	const uint8_t *dims;
	int64_t n;

	if (dtype == DT_NONE || dtype >= DT_COUNT || rank > WAVE_MAX_RANK ||
	    (dims = take(r, 8 * rank)) == NULL)
		return false;
	t->dtype = (enum dtype)dtype;
	t->rank = (int)rank;
	n = (int64_t)dtype_size(t->dtype);
	for (int i = 0; i < t->rank; i++) {
		t->dim[i] = (int64_t)get(dims + 8 * i, 8);
		if (t->dim[i] < 0 || !mul_int64(n, t->dim[i], &n))
			return false;
	}
	t->bytes = (size_t)n;
	return bytes == (uint64_t)n;
}

static bool
read_record(struct reader *r, struct checkpoint_tensor *t)
{
	const uint8_t *start = r->p, *p = take(r, 24), *name, *tail;
	uint64_t len;

	if (p == NULL || !read_type(r, p, t))
		return false;
	len = get(p, 4);
	name = take(r, len);
	if (name == NULL || memchr(name, 0, (size_t)len) != NULL ||
	    take(r, pad8((size_t)(r->p - start))) == NULL)
		return false;
	t->name = arena_strndup(r->arena, (const char *)name, (size_t)len);
	t->data = take(r, t->bytes);
	if (t->data == NULL || take(r, pad8(t->bytes)) == NULL ||
	    (tail = take(r, 8)) == NULL)
		return false;
	return crc(0, start, (size_t)((const uint8_t *)t->data - start) +
	    t->bytes) == get(tail, 4);
}

static bool
read_records(struct reader *r, struct checkpoint *c, uint64_t n)
{
	struct checkpoint_tensor *t;

	if (n > (uint64_t)(r->end - r->p) / 32)
		return fail(r, "the checkpoint is damaged: it cannot hold so "
		    "many tensors");
	c->tensor = t = NEW_ARRAY(r->arena, struct checkpoint_tensor,
	    (size_t)n + 1);
	c->ntensors = (size_t)n;
	for (size_t i = 0; i < n; i++) {
		if (read_record(r, &t[i]))
			continue;
		diag_error(r->d, &r->loc, "the checkpoint is damaged: "
		    "record %zu, tensor '%s', does not read or its checksum "
		    "is wrong", i, t[i].name != NULL ? t[i].name : "?");
		return false;
	}
	return r->p == r->end || fail(r, "the checkpoint is damaged: bytes "
	    "after the last tensor");
}

bool
checkpoint_read(struct arena *a, struct diag *d, const char *path,
    struct checkpoint *c)
{
	struct reader r = {.arena = a, .d = d, .loc = {.file = path}};
	const uint8_t *p;
	char *data;
	size_t size, head;

	*c = (struct checkpoint){0};
	if (!file_read(a, d, path, LIMIT, &data, &size))
		return false;
	p = (const uint8_t *)data;
	if (!check_header(&r, p, size))
		return false;
	head = HEADER + (size_t)get(p + AT_TEXT, 4);
	head += pad8(head);
	if (head > size - TRAILER)
		return fail(&r, "the checkpoint is damaged: no room for its "
		    "options");
	r.p = p + head;
	r.end = p + size - TRAILER;
	if (!read_position(&r, p, c) ||
	    !read_records(&r, c, get(p + AT_TENSORS, 4)))
		return false;
	if (memcmp(r.end + 4, END_MARK, 4) != 0 ||
	    crc(0, p, size - TRAILER) != get(r.end, 4))
		return fail(&r, "the checkpoint is damaged: its checksum is "
		    "wrong");
	return checkpoint_fingerprint(c->tensor, c->ntensors) ==
	    get(p + AT_MODEL, 8) || fail(&r, "the checkpoint is damaged: its "
	    "model's fingerprint is wrong");
}
