/* The fixed part of DRAM: constants and bound tensors, which the programs of
 * one object share. */
#include <stdlib.h>
#include <string.h>

#include "backend/tile_plan.h"
#include "support/str.h"

#define SAMPLED 1024 /* bytes of a constant that are hashed */

/* The fixed buffers of all programs, in order. */
struct fixed {
	struct arena *a;
	struct diag *d;
	VEC(struct tile_buffer *) all;
	struct tile_buffer **same; /* by index in all: where it lies, too */
	int64_t used;
};

struct hashed {
	uint64_t hash;
	size_t index;
};

static int
by_hash(const void *pa, const void *pb)
{
	const struct hashed *a = pa, *b = pb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

/* A hash of length and first bytes: enough to keep weights apart without
 * reading all of them. */
static uint64_t
sample(const struct tile_buffer *b)
{
	size_t n = b->bytes < SAMPLED ? (size_t)b->bytes : SAMPLED;

	return hash_bytes((uint64_t)b->bytes ^ WAVE_HASH_SEED, b->data, n);
}

static bool
same_data(const struct tile_buffer *a, const struct tile_buffer *b)
{
	return a->bytes == b->bytes && (a->data == b->data ||
	    memcmp(a->data, b->data, (size_t)a->bytes) == 0);
}

/* Constants lie where the first with the same data does. */
static void
share_constants(struct fixed *f)
{
	struct hashed *h = NEW_ARRAY(f->a, struct hashed, f->all.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < f->all.len; i++) {
		if (f->all.data[i]->role != ROLE_CONST ||
		    f->all.data[i]->data == NULL)
			continue;
		h[n].index = i;
		h[n++].hash = sample(f->all.data[i]);
	}
	qsort(h, n, sizeof *h, by_hash);
	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j > 0 && h[j - 1].hash == h[i].hash; j--) {
			if (same_data(f->all.data[h[j - 1].index],
			    f->all.data[h[i].index])) {
				size_t k = h[j - 1].index;

				f->same[h[i].index] = f->same[k] != NULL ?
				    f->same[k] : f->all.data[k];
				break;
			}
		}
	}
}

static bool
same_layout(const struct tile_buffer *a, const struct tile_buffer *b)
{
	return a->role == b->role && a->dtype == b->dtype &&
	    a->rank == b->rank && a->bytes == b->bytes &&
	    memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0 &&
	    memcmp(a->stride, b->stride,
		(size_t)a->rank * sizeof *a->stride) == 0;
}

/* Tensors bound under one name are one. */
static bool
share_bound(struct fixed *f)
{
	for (size_t i = 0; i < f->all.len; i++) {
		const struct tile_buffer *b = f->all.data[i];

		if (b->bind_name == NULL || b->role == ROLE_CONST)
			continue;
		for (size_t k = 0; k < i && f->same[i] == NULL; k++) {
			struct tile_buffer *c = f->all.data[k];

			if (c->bind_name == NULL || f->same[k] != NULL ||
			    strcmp(c->bind_name, b->bind_name) != 0)
				continue;
			if (!same_layout(b, c)) {
				diag_error(f->d, NULL, "tile: entries "
				    "disagree on the layout of '%s'",
				    b->bind_name);
				return false;
			}
			f->same[i] = c;
		}
	}
	return true;
}

/* Order of the fixed part: constants, state with contents, the rest. */
static int
fixed_class(const struct tile_buffer *b)
{
	if (b->role == ROLE_CONST)
		return 0;
	return b->data != NULL ? 1 : 2;
}

static void
collect(struct fixed *f, struct tile_program *const *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < p[i]->buffers.len; k++) {
			struct tile_buffer *b = p[i]->buffers.data[k];

			if (b->space == SPACE_DRAM && b->role != ROLE_TEMP)
				VEC_PUSH(f->a, &f->all, b);
		}
	f->same = NEW_ARRAY(f->a, struct tile_buffer *, f->all.len + 1);
}

static void
append(struct fixed *f, struct tile_buffer *b)
{
	b->address = f->used;
	b->pitch = ceil_div(b->bytes, TILE_DRAM_ALIGN) * TILE_DRAM_ALIGN;
	f->used += b->pitch * b->depth;
}

bool
tile_plan_fixed(struct arena *a, struct tile_program *const *p, size_t n,
    struct diag *d)
{
	struct fixed f = {.a = a, .d = d};
	int64_t limit = p[0]->target->dram_bytes;

	collect(&f, p, n);
	share_constants(&f);
	if (!share_bound(&f))
		return false;
	for (int class = 0; class < 3; class++)
		for (size_t i = 0; i < f.all.len; i++)
			if (fixed_class(f.all.data[i]) == class &&
			    f.same[i] == NULL)
				append(&f, f.all.data[i]);
	for (size_t i = 0; i < f.all.len; i++) {
		if (f.same[i] == NULL)
			continue;
		f.all.data[i]->address = f.same[i]->address;
		f.all.data[i]->pitch = f.same[i]->pitch;
	}
	for (size_t i = 0; i < n; i++)
		p[i]->dram_used = f.used;
	if (limit > 0 && f.used > limit) {
		diag_error(d, NULL,
		    "dram is too small: constants and bound tensors need "
		    "%lld bytes, %lld there", (long long)f.used,
		    (long long)limit);
		return false;
	}
	return true;
}
