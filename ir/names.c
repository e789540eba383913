/* Open addressing over an entry vector, so that nothing depends on hash
 * order. A dropped name keeps its entry with a NULL object. */
#include "ir/names.h"

#include "support/str.h"
#include "support/vec.h"

#include <string.h>

struct entry {
	const char *name;
	uint64_t hash;
	void *object;
	unsigned suffix; /* last one tried for this base */
};

struct names {
	struct arena *arena;
	VEC(struct entry) entries;
	uint32_t *slots; /* index + 1 of the entry, 0: empty */
	size_t nslots;   /* a power of two */
};

struct names *
names_new(struct arena *a)
{
	struct names *t = NEW(a, struct names);

	t->arena = a;
	t->nslots = 16;
	t->slots = NEW_ARRAY(a, uint32_t, t->nslots);
	return t;
}

/* The slot of name, or the empty slot where it belongs. */
static uint32_t *
find_slot(const struct names *t, const char *name, uint64_t hash)
{
	size_t i = (size_t)hash & (t->nslots - 1);

	while (t->slots[i] != 0) {
		const struct entry *e = &t->entries.data[t->slots[i] - 1];

		if (e->hash == hash && strcmp(e->name, name) == 0)
			break;
		i = (i + 1) & (t->nslots - 1);
	}
	return &t->slots[i];
}

static uint64_t
hash_name(const char *name)
{
	uint64_t h = hash_bytes(WAVE_HASH_SEED, name, strlen(name));

	return h ^ h >> 32; /* the low bits index the slots */
}

static struct entry *
find(const struct names *t, const char *name)
{
	uint32_t at = *find_slot(t, name, hash_name(name));

	return at == 0 ? NULL : &t->entries.data[at - 1];
}

static void
grow(struct names *t)
{
	t->nslots *= 2;
	t->slots = NEW_ARRAY(t->arena, uint32_t, t->nslots);
	for (size_t i = 0; i < t->entries.len; i++) {
		const struct entry *e = &t->entries.data[i];

		*find_slot(t, e->name, e->hash) = (uint32_t)(i + 1);
	}
}

static struct entry *
find_or_add(struct names *t, const char *name)
{
	struct entry e = {.name = name, .hash = hash_name(name)};
	uint32_t *slot = find_slot(t, name, e.hash);

	if (*slot != 0)
		return &t->entries.data[*slot - 1];
	VEC_PUSH(t->arena, &t->entries, e);
	*slot = (uint32_t)t->entries.len;
	if (t->entries.len * 2 > t->nslots)
		grow(t);
	return &t->entries.data[t->entries.len - 1];
}

void *
names_get(const struct names *t, const char *name)
{
	const struct entry *e = find(t, name);

	return e == NULL ? NULL : e->object;
}

bool
names_put(struct names *t, const char *name, void *object)
{
	struct entry *e = find_or_add(t, name);

	if (e->object != NULL)
		return false;
	e->object = object;
	return true;
}

void
names_drop(struct names *t, const char *name)
{
	struct entry *e = find(t, name);

	if (e != NULL)
		e->object = NULL;
}

const char *
names_unique(struct names *t, const char *base)
{
	const char *name = arena_strdup(t->arena, base);

	while (names_get(t, name) != NULL) {
		/* names_get has found base, so this adds nothing */
		struct entry *e = find_or_add(t, base);

		name = arena_printf(t->arena, "%s.%u", base, ++e->suffix);
	}
	return name;
}
