/* String tables of object files: each text once, by offset. */
#ifndef WAVE_BACKEND_STRTAB_H
#define WAVE_BACKEND_STRTAB_H

#include "support/arena.h"

struct strtab {
	struct arena *arena;
	char *data; /* texts with their NULs; starts with an empty one */
	size_t len, cap;
	uint32_t *slot; /* hash table of offset + 1 */
	size_t nslots, used;
};

void strtab_init(struct strtab *t, struct arena *a);

/* The offset of s (NULL is ""), added when new. Offsets wrap beyond 4 GiB:
 * check len before writing. */
uint32_t strtab_add(struct strtab *t, const char *s);

#endif
