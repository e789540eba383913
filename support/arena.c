/* madvise, where there is one */
#define _DEFAULT_SOURCE

#include "support/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support/vec.h"

#if defined(__SANITIZE_ADDRESS__)
#define BLOCK_PER_OBJECT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_PER_OBJECT 1
#endif
#endif
#ifndef BLOCK_PER_OBJECT
#define BLOCK_PER_OBJECT 0
#endif

#define ALIGN ((size_t)16)
#define CHUNK ((size_t)64 * 1024)
#define HUGE_PAGE ((size_t)2 << 20)

/* Header of one malloc; the memory handed out follows it. */
struct block {
	alignas(16) struct block *next;
};

struct arena {
	struct block *blocks;
	char *cur;   /* next free byte of the current chunk */
	size_t left; /* free bytes behind cur */
	size_t used;
};

/* The one process-wide setting of the library: there is nobody to report an
 * exhausted heap to, so it is chosen once by the main. */
static _Atomic(void (*)(size_t)) oom_handler;

void
wave_set_oom_handler(void (*fn)(size_t size))
{
	atomic_store(&oom_handler, fn);
}

_Noreturn void
wave_oom(size_t size)
{
	void (*fn)(size_t) = atomic_load(&oom_handler);

	if (fn != NULL)
		fn(size);
	fprintf(stderr, "out of memory (%zu bytes wanted)\n", size);
	abort();
}

struct arena *
arena_new(void)
{
	struct arena *a = calloc(1, sizeof *a);

	if (a == NULL)
		wave_oom(sizeof *a);
	return a;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	while (a->blocks != NULL) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	free(a);
}

void
arena_join(struct arena *a, struct arena *from)
{
	struct block **end = &from->blocks;

	while (*end != NULL)
		end = &(*end)->next;
	*end = a->blocks;
	a->blocks = from->blocks;
	a->used += from->used;
	free(from);
}

/* Tensors of many megabytes cost a fault for each page they touch: large pages
 * make them few. Only a hint. */
static void
want_huge_pages(char *p, size_t size)
{
#ifdef MADV_HUGEPAGE
	size_t lead = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;

	(void)madvise(p + lead, (size - lead) / HUGE_PAGE * HUGE_PAGE,
	    MADV_HUGEPAGE);
#else
	(void)p;
	(void)size;
#endif
}

/* A zeroed malloc of size bytes behind a block header, or NULL. */
static char *
add_block(struct arena *a, size_t size)
{
	struct block *b = calloc(1, sizeof *b + size);

	if (b == NULL)
		return NULL;
	if (size >= 2 * HUGE_PAGE)
		want_huge_pages((char *)(b + 1), size);
	b->next = a->blocks;
	a->blocks = b;
	return (char *)(b + 1);
}

void *
arena_try_alloc(struct arena *a, size_t size)
{
	size_t need = (size + ALIGN - 1) & ~(ALIGN - 1);
	char *p;

	if (size > PTRDIFF_MAX - CHUNK)
		return NULL;
	if (need == 0)
		need = ALIGN; /* distinct addresses for empty objects */
	if (BLOCK_PER_OBJECT) {
		/* The exact size, so that one byte too far is seen. */
		p = add_block(a, size);
	} else if (need > CHUNK / 4) {
		p = add_block(a, need);
	} else {
		if (need > a->left) {
			p = add_block(a, CHUNK);
			if (p == NULL)
				return NULL;
			a->cur = p;
			a->left = CHUNK;
		}
		p = a->cur;
		a->cur += need;
		a->left -= need;
	}
	if (p != NULL)
		a->used += need;
	return p;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	void *p = arena_try_alloc(a, size);

	if (p == NULL)
		wave_oom(size);
	return p;
}

void *
arena_calloc(struct arena *a, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		wave_oom(SIZE_MAX);
	return arena_alloc(a, count * size);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_memdup(a, s, strlen(s) + 1);
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p;

	if (len == SIZE_MAX)
		wave_oom(len);
	p = arena_alloc(a, len + 1);
	memcpy(p, s, len);
	return p;
}

void *
arena_memdup(struct arena *a, const void *p, size_t n)
{
	void *q = arena_alloc(a, n);

	if (n != 0)
		memcpy(q, p, n);
	return q;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		wave_oom(SIZE_MAX); /* longer than INT_MAX */
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

void *
vec_grow(struct arena *a, const void *data, size_t *cap, size_t len,
    size_t size)
{
	size_t n = *cap < 4 ? 8 : *cap * 2;
	void *p;

	if (*cap > SIZE_MAX / 2)
		wave_oom(SIZE_MAX);
	p = arena_calloc(a, n, size);
	if (len != 0)
		memcpy(p, data, len * size);
	*cap = n;
	return p;
}
