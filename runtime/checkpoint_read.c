/* Reading checkpoints: nothing is used before everything is verified. */
#include "runtime/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/checkpoint_format.h"
#include "support/dtype.h"
#include "support/file.h"
#include "support/str.h"

#define LIMIT ((size_t)1 << 40)

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

	if (size < 8 || memcmp(p, CK_MAGIC, 8) != 0)
		return fail(r, "no checkpoint of wavetrain");
	if (size < AT_TENSORS)
		return fail(r, "the checkpoint is truncated");
	if (ck_get(p + AT_VERSION, 4) != CHECKPOINT_VERSION) {
		diag_error(r->d, &r->loc, "a checkpoint of version %" PRIu64
		    "; this program reads version %d",
		    ck_get(p + AT_VERSION, 4), CHECKPOINT_VERSION);
		return false;
	}
	if (size < CK_HEADER + CK_TRAILER)
		return fail(r, "the checkpoint is truncated");
	text = ck_get(p + AT_TEXT, 4);
	if (text > size - CK_HEADER - CK_TRAILER ||
	    ck_crc(ck_crc(0, p, AT_CRC), p + CK_HEADER, (size_t)text) !=
	    ck_get(p + AT_CRC, 4))
		return fail(r, "the checkpoint is damaged: the checksum of "
		    "its header is wrong");
	want = ck_get(p + AT_SIZE, 8);
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
	uint64_t bits = ck_get(p + AT_LOSS, 8);

	c->step = (int64_t)ck_get(p + AT_STEP, 8);
	c->epoch = (int64_t)ck_get(p + AT_EPOCH, 8);
	c->index = (int64_t)ck_get(p + AT_INDEX, 8);
	c->batches = (int64_t)ck_get(p + AT_BATCHES, 8);
	c->seed = ck_get(p + AT_SEED, 8);
	memcpy(&c->loss_sum, &bits, sizeof bits);
	c->right = (int64_t)ck_get(p + AT_RIGHT, 8);
	c->answers = (int64_t)ck_get(p + AT_ANSWERS, 8);
	if (c->step < 0 || c->epoch < 0 || c->index < 0 || c->batches < 1 ||
	    c->index > c->batches || c->right < 0 || c->right > c->answers)
		return fail(r, "the checkpoint's position is impossible");
	c->options = arena_strndup(r->arena, (const char *)p + CK_HEADER,
	    (size_t)ck_get(p + AT_TEXT, 4));
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
	uint64_t dtype = ck_get(p + 4, 4), rank = ck_get(p + 8, 4);
	uint64_t bytes = ck_get(p + 16, 8);
	const uint8_t *dims;
	int64_t n;

	if (dtype == DT_NONE || dtype >= DT_COUNT || rank > WAVE_MAX_RANK ||
	    (dims = take(r, 8 * rank)) == NULL)
		return false;
	t->dtype = (enum dtype)dtype;
	t->rank = (int)rank;
	n = (int64_t)dtype_size(t->dtype);
	for (int i = 0; i < t->rank; i++) {
		t->dim[i] = (int64_t)ck_get(dims + 8 * i, 8);
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
	len = ck_get(p, 4);
	name = take(r, len);
	if (name == NULL || memchr(name, 0, (size_t)len) != NULL ||
	    take(r, ck_pad((size_t)(r->p - start))) == NULL)
		return false;
	t->name = arena_strndup(r->arena, (const char *)name, (size_t)len);
	t->data = take(r, t->bytes);
	if (t->data == NULL || take(r, ck_pad(t->bytes)) == NULL ||
	    (tail = take(r, 8)) == NULL)
		return false;
	return ck_crc(0, start, (size_t)((const uint8_t *)t->data - start) +
	    t->bytes) == ck_get(tail, 4);
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
	head = CK_HEADER + (size_t)ck_get(p + AT_TEXT, 4);
	head += ck_pad(head);
	if (head > size - CK_TRAILER)
		return fail(&r, "the checkpoint is damaged: no room for its "
		    "options");
	r.p = p + head;
	r.end = p + size - CK_TRAILER;
	if (!read_position(&r, p, c) ||
	    !read_records(&r, c, ck_get(p + AT_TENSORS, 4)))
		return false;
	if (memcmp(r.end + 4, CK_END, 4) != 0 ||
	    ck_crc(0, p, size - CK_TRAILER) != ck_get(r.end, 4))
		return fail(&r, "the checkpoint is damaged: its checksum is "
		    "wrong");
	if (checkpoint_fingerprint(c->tensor, c->ntensors) !=
	    ck_get(p + AT_MODEL, 8))
		return fail(&r, "the checkpoint is damaged: its model's "
		    "fingerprint is wrong");
	return true;
}
