/* Diagnostics: libraries report through a callback, mains print. */
#ifndef WAVE_SUPPORT_DIAG_H
#define WAVE_SUPPORT_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_REMARK, DIAG_NOTE };

/* Where something came from. Unknown parts are NULL or 0. */
struct loc {
	const char *file; /* path as the user gave it */
	int line, col;    /* 1-based, for text inputs */
	const char *node; /* ONNX node or DSL layer, for example
	                     "node 'conv1' (Conv)" */
};

typedef void diag_fn(void *user, enum diag_level level,
    const struct loc *loc, const char *text);

struct diag {
	diag_fn *fn;     /* NULL drops messages but still counts */
	void *user;
	unsigned errors; /* DIAG_ERROR seen so far */
};

/* Reports one message; text is one line without a final newline. */
void diag_error(struct diag *d, const struct loc *loc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void diag_warning(struct diag *d, const struct loc *loc, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void diag_remark(struct diag *d, const struct loc *loc, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void diag_vreport(struct diag *d, enum diag_level level,
    const struct loc *loc, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

/* The printed form "file:line:col: node: error: text" into buf, cut to n
 * bytes. For mains and tests. */
void diag_format(char *buf, size_t n, const char *tool,
    enum diag_level level, const struct loc *loc, const char *text);

/* A diag_fn that prints diag_format's line to stderr; for a text file with
 * a known line it adds the source line and a caret. user is the tool name. */
void diag_print_stderr(void *user, enum diag_level level,
    const struct loc *loc, const char *text);

/* Broken invariant of ours: prints "internal error: ..." and aborts. */
_Noreturn void ice(const char *where, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
