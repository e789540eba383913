#include "frontend/onnx_imp.h"

/* protobuf-c unpacks recursively and trusts the schema only. Walking the wire
 * format first bounds the nesting and the number of messages, and says at
 * which byte a damaged file breaks. Wire format:
 * https://protobuf.dev/programming-guides/encoding/ */

#define MAX_NESTING 64
#define MAX_MESSAGES (4u << 20)

struct walk {
	struct diag *diag;
	struct loc loc;
	const uint8_t *bytes;
	size_t pos;
	size_t messages;
};

static bool
walk_error(struct walk *w, const char *what)
{
	diag_error(w->diag, &w->loc, "not a valid ONNX file: %s at byte %zu",
	    what, w->pos);
	return false;
}

static bool
walk_varint(struct walk *w, size_t end, uint64_t *out)
{
	uint64_t v = 0;
	size_t p = w->pos;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (p >= end)
			return walk_error(w, "truncated number");
		uint8_t b = w->bytes[p++];
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			w->pos = p;
			*out = v;
			return true;
		}
	}
	return walk_error(w, "overlong number");
}

/* Wire type of one (not packed) element of a field. */
static unsigned
wire_type(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return 5;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 1;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return 2;
	default: /* integers, enumerations, booleans */
		return 0;
	}
}

static bool
field_ok(const ProtobufCFieldDescriptor *f, unsigned wire)
{
	unsigned want = wire_type(f);

	return wire == want ||
	    (wire == 2 && want != 2 && f->label == PROTOBUF_C_LABEL_REPEATED);
}

static bool
walk_skip(struct walk *w, size_t end, unsigned wire)
{
	uint64_t v;
	size_t n = wire == 1 ? 8 : 4;

	if (wire == 0)
		return walk_varint(w, end, &v);
	if (wire != 1 && wire != 5)
		return walk_error(w, "unknown kind of field");
	if (end - w->pos < n)
		return walk_error(w, "truncated field");
	w->pos += n;
	return true;
}

static bool walk_message(struct walk *w, size_t end,
    const ProtobufCMessageDescriptor *desc, int depth);

static bool
walk_field(struct walk *w, size_t end,
    const ProtobufCMessageDescriptor *desc, uint64_t *seen, int depth)
{
	uint64_t tag, len;
	size_t start = w->pos;

	if (!walk_varint(w, end, &tag))
		return false;
	unsigned wire = (unsigned)(tag & 7);
	if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
		w->pos = start;
		return walk_error(w, "impossible field number");
	}
	const ProtobufCFieldDescriptor *f =
	    protobuf_c_message_descriptor_get_field(desc,
		(unsigned)(tag >> 3));
	if (f != NULL && !field_ok(f, wire)) {
		w->pos = start;
		return walk_error(w, "field of the wrong kind");
	}
	if (wire != 2)
		return walk_skip(w, end, wire);
	if (!walk_varint(w, end, &len))
		return false;
	if (len > end - w->pos)
		return walk_error(w, "field longer than the file");
	if (f == NULL || f->type != PROTOBUF_C_TYPE_MESSAGE) {
		w->pos += (size_t)len;
		return true;
	}
	/* Merging two halves of one message is never used by exporters. */
	uint64_t bit = (uint64_t)1 << ((f - desc->fields) & 63);
	if (f->label != PROTOBUF_C_LABEL_REPEATED && (*seen & bit) != 0) {
		w->pos = start;
		return walk_error(w, "single field given twice");
	}
	*seen |= bit;
	return walk_message(w, w->pos + (size_t)len, f->descriptor,
	    depth + 1);
}

static bool
walk_message(struct walk *w, size_t end,
    const ProtobufCMessageDescriptor *desc, int depth)
{
	uint64_t seen = 0;

	if (depth > MAX_NESTING)
		return walk_error(w, "messages nested too deeply");
	if (++w->messages > MAX_MESSAGES)
		return walk_error(w, "too many messages");
	while (w->pos < end)
		if (!walk_field(w, end, desc, &seen, depth))
			return false;
	return true;
}

static void *
unpack_alloc(void *user, size_t size)
{
	return arena_alloc(user, size != 0 ? size : 1);
}

static void
unpack_free(void *user, void *p)
{
	(void)user;
	(void)p; /* lives as long as the arena */
}

const Onnx__ModelProto *
onnx_unpack(struct arena *a, struct diag *d, const char *path,
    const void *bytes, size_t n)
{
	struct walk w = {
		.diag = d,
		.loc = {.file = path},
		.bytes = bytes,
	};
	ProtobufCAllocator alloc = {unpack_alloc, unpack_free, a};

	if (n == 0) {
		diag_error(d, &w.loc, "not a valid ONNX file: it is empty");
		return NULL;
	}
	if (!walk_message(&w, n, &onnx__model_proto__descriptor, 0))
		return NULL;
	const Onnx__ModelProto *m =
	    onnx__model_proto__unpack(&alloc, n, bytes);
	if (m == NULL)
		diag_error(d, &w.loc,
		    "not a valid ONNX file: protobuf decoding fails");
	return m;
}
