#include <stdlib.h>
#include <string.h>

#include "backend/tile_code.h"
#include "support/dtype.h"
#include "support/str.h"

/* Initial memory from address 0 to the last byte that is given. */
static void
image(struct tile_program *p, struct wave_program *out)
{
	int64_t end = 0;
	uint8_t *data;

	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		if (b->space == SPACE_DRAM && b->data != NULL &&
		    b->address + b->bytes > end)
			end = b->address + b->bytes;
	}
	data = arena_alloc(p->arena, (size_t)end);
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		if (b->space == SPACE_DRAM && b->data != NULL)
			memcpy(data + b->address, b->data, (size_t)b->bytes);
	}
	out->data.data = data;
	out->data.size = (size_t)end;
	out->dram_size = (uint64_t)p->dram_used;
	out->gbuf_size = (uint64_t)p->gbuf_used;
	out->wbuf_size = (uint64_t)p->wbuf_used;
}

static bool
is_bound(const struct tile_buffer *b)
{
	return b->space == SPACE_DRAM && b->bind_name != NULL &&
	    (b->role == ROLE_INPUT || b->role == ROLE_OUTPUT ||
		b->role == ROLE_STATE);
}

static void
bindings(struct tile_program *p, struct wave_program *out)
{
	struct wave_binding *w = NEW_ARRAY(p->arena, struct wave_binding,
	    p->buffers.len + 1);

	out->bindings = w;
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		if (!is_bound(b))
			continue;
		w->name = b->bind_name;
		w->kind = b->role == ROLE_INPUT ? WAVE_BIND_INPUT :
		    b->role == ROLE_OUTPUT      ? WAVE_BIND_OUTPUT :
						  WAVE_BIND_STATE;
		w->dtype = b->dtype;
		w->rank = b->rank;
		memcpy(w->dim, b->dim, sizeof w->dim);
		memcpy(w->stride, b->stride, sizeof w->stride);
		w->address = (uint64_t)b->address;
		w++;
		out->nbindings++;
	}
}

/* "f16[1,56,56,64]": dimensions in the order of memory, outermost first;
 * without a known shape the bytes. */
static const char *
shape_text(struct tile_program *p, const struct tile_buffer *b)
{
	struct strbuf s = { 0 };
	int order[WAVE_MAX_RANK];
	const char *text;

	if (b->dtype == DT_NONE || b->rank <= 0 || b->rank > WAVE_MAX_RANK)
		return arena_printf(p->arena, "u8[%lld]",
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
	text = arena_strdup(p->arena, s.data);
	strbuf_free(&s);
	return text;
}

static void
symbols(struct tile_program *p, struct wave_program *out)
{
	struct wave_symbol *w = NEW_ARRAY(p->arena, struct wave_symbol,
	    p->buffers.len + 1);

	out->symbols = w;
	for (size_t i = 0; i < p->buffers.len; i++) {
		const struct tile_buffer *b = p->buffers.data[i];
		if (b->name == NULL || b->name[0] == '\0' ||
		    (b->space != SPACE_DRAM && b->space != SPACE_GBUF &&
			b->space != SPACE_WBUF))
			continue;
		w->name = b->name;
		w->space = (int)b->space;
		w->dtype = b->dtype;
		w->address = (uint64_t)b->address;
		w->size = (uint64_t)(b->depth > 1 ? b->pitch * b->depth :
						    b->bytes);
		w->shape = shape_text(p, b);
		w++;
		out->nsymbols++;
	}
}

void
tile_object(struct tile_program *p, struct wave_program *out)
{
	out->target = *p->target;
	out->isa_version = ISA_VERSION;
	out->accumulation = "ascending-k";
	image(p, out);
	bindings(p, out);
	symbols(p, out);
	out->ops = p->ops.data;
	out->nops = (uint32_t)p->ops.len;
	out->layer_groups = p->layer_groups.data;
	out->nlayer_groups = (uint32_t)p->layer_groups.len;
}
