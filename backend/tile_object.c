#include <stdlib.h>
#include <string.h>

#include "backend/tile_code.h"
#include "support/dtype.h"
#include "support/str.h"

static void
add_pieces(struct tile_objects *o, const struct tile_program *p)
{
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		struct tile_piece x = { b->address, b->bytes, b->data };

		if (b->space == SPACE_DRAM && b->data != NULL)
			VEC_PUSH(o->arena, &o->pieces, x);
	}
}

/* The last byte that is given, + 1. */
static int64_t
image_end(const struct tile_objects *o)
{
	int64_t end = 0;

	for (size_t i = 0; i < o->pieces.len; i++) {
		const struct tile_piece *x = &o->pieces.data[i];
		if (x->address + x->bytes > end)
			end = x->address + x->bytes;
	}
	return end;
}

/* Initial memory from address 0. */
static const uint8_t *
image(struct tile_objects *o, int64_t end)
{
	uint8_t *data = arena_alloc(o->arena, (size_t)end);

	for (size_t i = 0; i < o->pieces.len; i++) {
		const struct tile_piece *x = &o->pieces.data[i];
		memcpy(data + x->address, x->data, (size_t)x->bytes);
	}
	return data;
}

static int
by_address(const void *pa, const void *pb)
{
	const struct tile_piece *a = pa, *b = pb;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->bytes > b->bytes ? -1 : a->bytes < b->bytes;
}

/* The same without copies. What starts where another piece does is that piece:
 * entries share states, and equal constants are stored once. */
static void
list_pieces(struct tile_objects *o, struct wave_program *out)
{
	struct wave_piece *list = NEW_ARRAY(o->arena, struct wave_piece,
	    o->pieces.len + 1);
	uint64_t end = 0;
	uint32_t n = 0;

	if (o->pieces.len > 0)
		qsort(o->pieces.data, o->pieces.len, sizeof *o->pieces.data,
		    by_address);
	for (size_t i = 0; i < o->pieces.len; i++) {
		const struct tile_piece *x = &o->pieces.data[i];
		struct wave_piece y = { (uint64_t)x->address,
			{ x->data, (size_t)x->bytes } };

		if (x->bytes == 0 || y.address < end)
			continue;
		end = y.address + y.bytes.size;
		list[n++] = y;
	}
	out->pieces = list;
	out->npieces = n;
}

static bool
is_bound(const struct tile_buffer *b)
{
	return b->space == SPACE_DRAM && b->bind_name != NULL &&
	    (b->role == ROLE_INPUT || b->role == ROLE_OUTPUT ||
		b->role == ROLE_STATE);
}

/* Tensors bound in an entry before are not bound again. */
static bool
is_known(const struct tile_objects *o, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(o->bindings.data[i].name, name) == 0)
			return true;
	return false;
}

static void
add_bindings(struct tile_objects *o, const struct tile_program *p)
{
	size_t before = o->bindings.len;

	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		struct wave_binding w = { .name = b->bind_name };

		if (!is_bound(b) || is_known(o, before, b->bind_name))
			continue;
		w.kind = b->role == ROLE_INPUT ? WAVE_BIND_INPUT :
		    b->role == ROLE_OUTPUT     ? WAVE_BIND_OUTPUT :
						 WAVE_BIND_STATE;
		w.dtype = b->dtype;
		w.rank = b->rank;
		memcpy(w.dim, b->dim, sizeof w.dim);
		memcpy(w.stride, b->stride, sizeof w.stride);
		w.address = (uint64_t)b->address;
		VEC_PUSH(o->arena, &o->bindings, w);
	}
}

/* "f16[1,56,56,64]": dimensions in the order of memory, outermost first;
 * without a known shape the bytes. */
static const char *
shape_text(struct arena *a, const struct tile_buffer *b)
{
	struct strbuf s = { 0 };
	int order[WAVE_MAX_RANK];
	const char *text;

	if (b->dtype == DT_NONE || b->rank <= 0 || b->rank > WAVE_MAX_RANK)
		return arena_printf(a, "u8[%lld]",
		    (long long)b->bytes);
	for (int i = 0; i < b->rank; i++) {
		int j = i;
		while (j > 0 && b->stride[order[j - 1]] < b->stride[i]) {
			order[j] = order[j - 1];
			j--;
		}
		order[j] = i;
	}
	strbuf_addf(&s, "%s[", dtype_name(b->dtype));
	for (int i = 0; i < b->rank; i++)
		strbuf_addf(&s, "%s%lld", i > 0 ? "," : "",
		    (long long)b->dim[order[i]]);
	strbuf_add(&s, "]");
	text = arena_strdup(a, s.data);
	strbuf_free(&s);
	return text;
}

static bool
has_symbol(const struct tile_buffer *b)
{
	return b->name != NULL && b->name[0] != '\0' &&
	    (b->space == SPACE_DRAM || b->space == SPACE_GBUF ||
		b->space == SPACE_WBUF);
}

/* Of the first entry all; of others what is not shared with one before. */
static void
add_symbols(struct tile_objects *o, const struct tile_program *p)
{
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		struct wave_symbol w = { .name = b->name };

		if (!has_symbol(b) ||
		    (o->entries > 0 && b->role != ROLE_TEMP &&
			is_known(o, o->bindings.len, b->name)))
			continue;
		w.space = (int)b->space;
		w.dtype = b->dtype;
		w.address = (uint64_t)b->address;
		w.size = (uint64_t)(b->depth > 1 ? b->pitch * b->depth :
						   b->bytes);
		w.shape = shape_text(o->arena, b);
		VEC_PUSH(o->arena, &o->symbols, w);
	}
}

static uint64_t
larger(uint64_t a, int64_t b)
{
	return (uint64_t)b > a ? (uint64_t)b : a;
}

void
tile_objects_add(struct tile_objects *o, const struct tile_program *p)
{
	o->target = p->target;
	add_pieces(o, p);
	add_symbols(o, p);
	add_bindings(o, p);
	for (size_t i = 0; i < p->ops.len; i++)
		VEC_PUSH(o->arena, &o->ops, p->ops.data[i]);
	for (size_t i = 0; i < p->layer_groups.len; i++) {
		struct wave_layer_group g = p->layer_groups.data[i];

		g.entry = o->entries;
		VEC_PUSH(o->arena, &o->layer_groups, g);
	}
	o->dram_size = larger(o->dram_size, p->dram_used);
	o->gbuf_size = larger(o->gbuf_size, p->gbuf_used);
	o->wbuf_size = larger(o->wbuf_size, p->wbuf_used);
	o->entries++;
	for (const struct tile_node *n = p->first; n != NULL;
	     n = tile_next(n))
		o->meets = o->meets || (n->kind == TILE_NODE_INSN &&
		    n->insn->kind == TILE_BARRIER);
}

void
tile_objects_finish(struct tile_objects *o, bool pieces,
    struct wave_program *out)
{
	int64_t end = image_end(o);

	out->target = *o->target;
	out->isa_version = ISA_VERSION;
	out->accumulation = o->meets ? "ascending-k, then groups" :
	    "ascending-k";
	out->data.size = (size_t)end;
	if (pieces)
		list_pieces(o, out);
	if (out->npieces == 0)
		out->data.data = image(o, end);
	out->dram_size = o->dram_size;
	out->gbuf_size = o->gbuf_size;
	out->wbuf_size = o->wbuf_size;
	out->bindings = o->bindings.data;
	out->nbindings = (uint32_t)o->bindings.len;
	out->symbols = o->symbols.data;
	out->nsymbols = (uint32_t)o->symbols.len;
	out->ops = o->ops.data;
	out->nops = (uint32_t)o->ops.len;
	out->layer_groups = o->layer_groups.data;
	out->nlayer_groups = (uint32_t)o->layer_groups.len;
}
