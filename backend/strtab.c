#include "backend/strtab.h"

#include <string.h>

#include "support/str.h"

#define FIRST_SLOTS 64 /* a power of 2, as all sizes after it */

static void
append(struct strtab *t, const char *s, size_t n)
{
	while (t->cap - t->len < n) {
		size_t cap = t->cap > 0 ? 2 * t->cap : 256;
		char *data = arena_alloc(t->arena, cap);

		if (t->len > 0)
			memcpy(data, t->data, t->len);
		t->data = data;
		t->cap = cap;
	}
	memcpy(t->data + t->len, s, n);
	t->len += n;
}

/* The slot of s, or the free one where it belongs. */
static uint32_t *
find(const struct strtab *t, const char *s, size_t n)
{
	size_t i = (size_t)hash_bytes(WAVE_HASH_SEED, s, n);

	for (;; i++) {
		uint32_t *slot = &t->slot[i & (t->nslots - 1)];

		if (*slot == 0 || strcmp(t->data + *slot - 1, s) == 0)
			return slot;
	}
}

static void
grow(struct strtab *t)
{
	uint32_t *old = t->slot;
	size_t n = t->nslots;

	t->nslots = n > 0 ? 2 * n : FIRST_SLOTS;
	t->slot = NEW_ARRAY(t->arena, uint32_t, t->nslots);
	for (size_t i = 0; i < n; i++)
		if (old[i] != 0) {
			const char *s = t->data + old[i] - 1;

			*find(t, s, strlen(s)) = old[i];
		}
}

void
strtab_init(struct strtab *t, struct arena *a)
{
	memset(t, 0, sizeof *t);
	t->arena = a;
	(void)strtab_add(t, "");
}

uint32_t
strtab_add(struct strtab *t, const char *s)
{
	const char *text = s != NULL ? s : "";
	size_t n = strlen(text);
	uint32_t *slot;

	if (2 * t->used >= t->nslots)
		grow(t);
	slot = find(t, text, n);
	if (*slot == 0) {
		*slot = (uint32_t)t->len + 1;
		append(t, text, n + 1);
		t->used++;
	}
	return *slot - 1;
}
