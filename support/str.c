#include "support/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

/* Makes room for n more bytes and the NUL. */
static void
reserve(struct strbuf *s, size_t n)
{
	size_t want, cap;
	char *p;

	if (n >= PTRDIFF_MAX - s->len)
		wave_oom(SIZE_MAX);
	want = s->len + n + 1;
	if (want <= s->cap)
		return;
	cap = s->cap < 32 ? 64 : s->cap + s->cap / 2;
	if (cap < want)
		cap = want;
	p = realloc(s->data, cap);
	if (p == NULL)
		wave_oom(cap);
	s->data = p;
	s->cap = cap;
}

void
strbuf_addn(struct strbuf *s, const char *text, size_t n)
{
	reserve(s, n);
	if (n != 0)
		memcpy(s->data + s->len, text, n);
	s->len += n;
	s->data[s->len] = '\0';
}

void
strbuf_add(struct strbuf *s, const char *text)
{
	strbuf_addn(s, text, strlen(text));
}

void
strbuf_vaddf(struct strbuf *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		wave_oom(SIZE_MAX); /* longer than INT_MAX */
	reserve(s, (size_t)n);
	vsnprintf(s->data + s->len, (size_t)n + 1, fmt, ap);
	s->len += (size_t)n;
}

void
strbuf_addf(struct strbuf *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(s, fmt, ap);
	va_end(ap);
}

void
strbuf_free(struct strbuf *s)
{
	free(s->data);
	*s = (struct strbuf){0};
}

void
strbuf_add_quoted(struct strbuf *s, const char *text)
{
	strbuf_add(s, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			strbuf_addf(s, "\\%c", c);
		else if (c == '\n')
			strbuf_add(s, "\\n");
		else if (c == '\t')
			strbuf_add(s, "\\t");
		else if (c < 0x20 || c == 0x7f)
			strbuf_addf(s, "\\x%02x", c);
		else
			strbuf_addn(s, text, 1);
	}
	strbuf_add(s, "\"");
}

bool
mul_int64(int64_t a, int64_t b, int64_t *out)
{
	bool neg = (a < 0) != (b < 0);
	uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
	uint64_t y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
	uint64_t limit = (uint64_t)INT64_MAX + (neg ? 1 : 0);

	if (x != 0 && y > limit / x)
		return false;
	x *= y;
	if (!neg)
		*out = (int64_t)x;
	else
		*out = x == 0 ? 0 : -(int64_t)(x - 1) - 1;
	return true;
}

bool
add_int64(int64_t a, int64_t b, int64_t *out)
{
	if (b >= 0 ? a > INT64_MAX - b : a < INT64_MIN - b)
		return false;
	*out = a + b;
	return true;
}

/* FNV-1a, 64 bits: Fowler, Noll, Vo; prime 2^40 + 2^8 + 0xb3. */
uint64_t
hash_bytes(uint64_t seed, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		seed = (seed ^ b[i]) * 1099511628211u;
	return seed;
}
