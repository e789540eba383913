/* Arena allocation: objects live until their arena dies. */
#ifndef WAVE_SUPPORT_ARENA_H
#define WAVE_SUPPORT_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena;

/* A new, empty arena. Out of memory calls the handler below. */
struct arena *arena_new(void);

/* Releases the arena and everything allocated from it. NULL is allowed. */
void arena_free(struct arena *a);

/* Hands all of `from` over to a and ends it: what was allocated from it lives
 * as long as a. */
void arena_join(struct arena *a, struct arena *from);

/* size bytes, zeroed, aligned to 16. Never returns NULL. In sanitizer
 * builds each block is its own malloc, so overruns are seen. */
void *arena_alloc(struct arena *a, size_t size);

/* As arena_alloc, but NULL when the memory is not there: for sizes that
 * come from the outside, so that the caller can report them. */
void *arena_try_alloc(struct arena *a, size_t size);

/* As arena_alloc for count objects of size bytes; the product is checked. */
void *arena_calloc(struct arena *a, size_t count, size_t size);

/* Copy of a string, of n bytes of a string, of a block. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
void *arena_memdup(struct arena *a, const void *p, size_t n);

/* printf into the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

/* Called when malloc fails; the default aborts. Must not return. NULL sets
 * the default again. */
void wave_set_oom_handler(void (*fn)(size_t size));

/* Calls that handler. For the other allocating parts of support/. */
_Noreturn void wave_oom(size_t size);

#define NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define NEW_ARRAY(a, T, n) ((T *)arena_calloc((a), (n), sizeof(T)))

#endif
