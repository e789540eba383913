#include "backend/weights.h"

#include <string.h>

#include "support/parallel.h"

/* Elements of a block on each side: what one side reads by rows and the other
 * writes by rows stays in the first-level cache, taps included. */
#define BLOCK 64

struct weight_entry {
	struct weight_order o;
	const void *data;
};

/* n elements, every stride-th of src. */
static void
gather(uint8_t *dst, const uint8_t *src, int64_t n, int64_t stride,
    size_t size)
{
	if (size == 2) {
		for (int64_t i = 0; i < n; i++)
			memcpy(dst + 2 * i, src + 2 * i * stride, 2);
	} else if (size == 4) {
		for (int64_t i = 0; i < n; i++)
			memcpy(dst + 4 * i, src + 4 * i * stride, 4);
	} else {
		for (int64_t i = 0; i < n; i++)
			memcpy(dst + (size_t)i * size,
			    src + (size_t)(i * stride) * size, size);
	}
}

/* Where tap t starts in the source, in elements. */
static int64_t
tap_at(const struct weight_order *o, int64_t t)
{
	int64_t at = 0;
	for (int i = 2; i >= 0; i--) {
		int64_t k = t % o->tap[i];
		t /= o->tap[i];
		at += (o->flip[i] ? o->tap[i] - 1 - k : k) *
		    o->stride_tap[i];
	}
	return at;
}

/* Input channels [c, c + nc) and output channels [n, n + nn) of group g. */
static void
copy_block(uint8_t *out, const struct weight_order *o, int64_t g, int64_t c,
    int64_t nc, int64_t n, int64_t nn)
{
	size_t size = dtype_size(o->v->type.dtype);
	const uint8_t *in = o->v->data;
	int64_t columns = o->groups * o->co;
	int64_t taps = o->tap[0] * o->tap[1] * o->tap[2];
	in += (size_t)(g * o->stride_group + n * o->stride_co) * size;
	for (int64_t t = 0; t < taps; t++) {
		const uint8_t *from = in + (size_t)tap_at(o, t) * size;
		int64_t row = t * o->ci;
		for (int64_t i = c; i < c + nc; i++)
			gather(out + (size_t)((row + i) * columns +
			    g * o->co + n) * size,
			    from + (size_t)(i * o->stride_ci) * size, nn,
			    o->stride_co, size);
	}
}

static int64_t
part(int64_t total, int64_t at)
{
	return total - at < BLOCK ? total - at : BLOCK;
}

struct reordering {
	uint8_t *out;
	const struct weight_order *o;
};

#define THREAD_MIN (1 << 17) /* elements that are worth one */

/* Output channels [from, to). */
static void
reorder_columns(void *ctx, int64_t from, int64_t to)
{
	const struct reordering *r = ctx;
	const struct weight_order *o = r->o;
	for (int64_t g = 0; g < o->groups; g++)
		for (int64_t n = from; n < to; n += BLOCK)
			for (int64_t c = 0; c < o->ci; c += BLOCK)
				copy_block(r->out, o, g, c, part(o->ci, c), n,
				    part(to, n));
}

static void *
reorder(struct arena *a, const struct weight_order *o)
{
	struct reordering r = {arena_alloc(a,
	    (size_t)type_bytes(&o->v->type)), o};
	int64_t each = type_elems(&o->v->type) / (o->co > 0 ? o->co : 1);
	parallel_ranges(o->co, BLOCK, THREAD_MIN / (each > 0 ? each : 1) + 1,
	    reorder_columns, &r);
	return r.out;
}

static bool
same_order(const struct weight_order *a, const struct weight_order *b)
{
	return a->v->data == b->v->data &&
	    a->v->type.dtype == b->v->type.dtype &&
	    a->ci == b->ci && a->co == b->co &&
	    a->groups == b->groups && a->stride_ci == b->stride_ci &&
	    a->stride_co == b->stride_co &&
	    a->stride_group == b->stride_group &&
	    memcmp(a->tap, b->tap, sizeof a->tap) == 0 &&
	    memcmp(a->stride_tap, b->stride_tap, sizeof a->stride_tap) == 0 &&
	    memcmp(a->flip, b->flip, sizeof a->flip) == 0;
}

/* Depth-wise: one input and output channel of each group. A block is then the
 * groups instead. */
static struct weight_order
turned(const struct weight_order *o)
{
	struct weight_order t = *o;
	if (o->ci > 1 || o->co > 1)
		return t;
	t.co = o->groups;
	t.stride_co = o->stride_group;
	t.groups = 1;
	t.stride_group = 0;
	return t;
}

const void *
weights_reorder(struct weight_cache *cache, const struct weight_order *o)
{
	struct arena *a = cache->arena;
	struct weight_order t = turned(o);
	for (size_t i = 0; i < cache->entries.len; i++)
		if (same_order(&cache->entries.data[i]->o, &t))
			return cache->entries.data[i]->data;
	struct weight_entry *e = NEW(a, struct weight_entry);
	e->o = t;
	e->data = reorder(a, &t);
	VEC_PUSH(a, &cache->entries, e);
	return e->data;
}
