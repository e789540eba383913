/* String building and exact number text. */
#ifndef WAVE_SUPPORT_STR_H
#define WAVE_SUPPORT_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing heap string; {0} is empty. */
struct strbuf {
	char *data; /* NUL-terminated once something was added */
	size_t len, cap;
};

void strbuf_add(struct strbuf *s, const char *text);
void strbuf_addn(struct strbuf *s, const char *text, size_t n);
void strbuf_addf(struct strbuf *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *s, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
void strbuf_free(struct strbuf *s);

/* Adds text in double quotes with \" \\ \n \t \xNN escapes. */
void strbuf_add_quoted(struct strbuf *s, const char *text);

/* Adds the decimal text with the fewest digits that reads back as the same
 * double (as the same float, directly or by way of a double). Independent of
 * the locale; "0.1" "1" "1e-7" "-0" "inf" "-inf" "nan". */
void strbuf_add_double(struct strbuf *s, double v);
void strbuf_add_float(struct strbuf *s, float v);

/* Parses all of text, independent of the locale. False when malformed or
 * out of range, and *out is untouched. Integers are decimal with an optional
 * sign; doubles are decimal, or inf or nan with an optional sign, and those
 * that would read as infinity, or as zero without being it, are out of range.
 * Sizes are not negative and take K M G KiB MiB GiB suffixes (1024). */
bool parse_int64(const char *text, int64_t *out);
bool parse_double(const char *text, double *out);
bool parse_size(const char *text, int64_t *out);

/* a * b, a + b and the rounded-up quotient; false on overflow. */
bool mul_int64(int64_t a, int64_t b, int64_t *out);
bool add_int64(int64_t a, int64_t b, int64_t *out);

static inline int64_t
ceil_div(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

static inline int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t
max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* FNV-1a over n bytes, to be seeded with WAVE_HASH_SEED. */
#define WAVE_HASH_SEED 14695981039346656037u
uint64_t hash_bytes(uint64_t seed, const void *p, size_t n);

#endif
