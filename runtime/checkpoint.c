#include "runtime/checkpoint.h"

#include <string.h>

#include "runtime/bind.h"
#include "runtime/checkpoint_format.h"
#include "support/file.h"
#include "support/str.h"

/* ---- the model ---- */

uint64_t
checkpoint_fingerprint(const struct checkpoint_tensor *t, size_t n)
{
	uint64_t h = WAVE_HASH_SEED;
	uint8_t b[8];

	for (size_t i = 0; i < n; i++) {
		h = hash_bytes(h, t[i].name, strlen(t[i].name) + 1);
		ck_put(b, (uint64_t)t[i].dtype, 4);
		ck_put(b + 4, (uint64_t)t[i].rank, 4);
		h = hash_bytes(h, b, 8);
		for (int k = 0; k < t[i].rank; k++) {
			ck_put(b, (uint64_t)t[i].dim[k], 8);
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

static void
add_number(struct strbuf *s, uint64_t v, int bytes)
{
	uint8_t b[8];

	ck_put(b, v, bytes);
	strbuf_addn(s, (const char *)b, (size_t)bytes);
}

static void
add_padding(struct strbuf *s)
{
	strbuf_addn(s, "\0\0\0\0\0\0\0", ck_pad(s->len));
}

static size_t
record_size(const struct checkpoint_tensor *t)
{
	size_t name = strlen(t->name), head = 24 + 8 * (size_t)t->rank + name;

	return head + ck_pad(head) + t->bytes + ck_pad(t->bytes) + 8;
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
	uint8_t h[CK_HEADER] = CK_MAGIC;
	size_t text = strlen(c->options);
	size_t size = CK_HEADER + text + ck_pad(text);
	uint64_t bits;

	for (size_t i = 0; i < c->ntensors; i++)
		size += record_size(&c->tensor[i]);
	memcpy(&bits, &c->loss_sum, sizeof bits);
	ck_put(h + AT_VERSION, CHECKPOINT_VERSION, 4);
	ck_put(h + AT_TENSORS, c->ntensors, 4);
	ck_put(h + AT_SIZE, size + CK_TRAILER, 8);
	ck_put(h + AT_MODEL, checkpoint_fingerprint(c->tensor, c->ntensors), 8);
	ck_put(h + AT_STEP, (uint64_t)c->step, 8);
	ck_put(h + AT_EPOCH, (uint64_t)c->epoch, 8);
	ck_put(h + AT_INDEX, (uint64_t)c->index, 8);
	ck_put(h + AT_BATCHES, (uint64_t)c->batches, 8);
	ck_put(h + AT_SEED, c->seed, 8);
	ck_put(h + AT_LOSS, bits, 8);
	ck_put(h + AT_RIGHT, (uint64_t)c->right, 8);
	ck_put(h + AT_ANSWERS, (uint64_t)c->answers, 8);
	ck_put(h + AT_TEXT, text, 4);
	ck_put(h + AT_CRC, ck_crc(ck_crc(0, h, AT_CRC), c->options, text), 4);
	strbuf_addn(s, (const char *)h, CK_HEADER);
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
	w->crc = ck_crc(w->crc, data, size);
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
	sum = ck_crc(ck_crc(0, head.data, head.len), t->data, t->bytes);
	strbuf_addn(&tail, "\0\0\0\0\0\0\0", ck_pad(t->bytes));
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
	strbuf_add(&trailer, CK_END);
	add_text(&w, trailer);
	ok = file_write_durable(d, path, w.part, w.nparts);
	for (size_t i = 0; i < w.ntexts; i++)
		strbuf_free(&w.text[i]);
	arena_free(a);
	return ok;
}
