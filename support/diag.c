#include "support/diag.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/str.h"

static const char *
level_name(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR: return "error";
	case DIAG_WARNING: return "warning";
	case DIAG_REMARK: return "remark";
	case DIAG_NOTE: return "note";
	}
	return "error";
}

/* Names out of a model may hold anything: keep a message on one line and
 * free of terminal controls. */
static void
clean(char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}

void
diag_vreport(struct diag *d, enum diag_level level, const struct loc *loc,
    const char *fmt, va_list ap)
{
	struct strbuf s = {0};

	if (level == DIAG_ERROR && d->errors != UINT32_MAX)
		d->errors++;
	if (d->fn == NULL)
		return;
	strbuf_vaddf(&s, fmt, ap);
	clean(s.data);
	d->fn(d->user, level, loc, s.data);
	strbuf_free(&s);
}

void
diag_error(struct diag *d, const struct loc *loc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(d, DIAG_ERROR, loc, fmt, ap);
	va_end(ap);
}

void
diag_warning(struct diag *d, const struct loc *loc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(d, DIAG_WARNING, loc, fmt, ap);
	va_end(ap);
}

void
diag_remark(struct diag *d, const struct loc *loc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(d, DIAG_REMARK, loc, fmt, ap);
	va_end(ap);
}

/* "file:line:col: node: error: text"; the tool's name stands in for a
 * missing file. */
static void
add_message(struct strbuf *s, const char *tool, enum diag_level level,
    const struct loc *loc, const char *text)
{
	if (loc != NULL && loc->file != NULL) {
		strbuf_add(s, loc->file);
		if (loc->line > 0)
			strbuf_addf(s, ":%d", loc->line);
		if (loc->line > 0 && loc->col > 0)
			strbuf_addf(s, ":%d", loc->col);
		strbuf_add(s, ": ");
	} else if (tool != NULL) {
		strbuf_addf(s, "%s: ", tool);
	}
	if (loc != NULL && loc->node != NULL)
		strbuf_addf(s, "%s: ", loc->node);
	strbuf_addf(s, "%s: %s", level_name(level), text);
	clean(s->data);
}

void
diag_format(char *buf, size_t n, const char *tool, enum diag_level level,
    const struct loc *loc, const char *text)
{
	struct strbuf s = {0};

	if (n == 0)
		return;
	add_message(&s, tool, level, loc, text);
	snprintf(buf, n, "%s", s.data);
	strbuf_free(&s);
}

#define SHOWN_LINE 400 /* longer source lines are not shown */

/* Adds line number line of a regular file, without its newline. False when
 * there is no such line or it is long or not text. */
static bool
add_source_line(struct strbuf *s, const char *path, int line)
{
	struct stat st;
	FILE *f;
	int c = EOF, at = 1;
	bool ok = true;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	while (at < line && (c = getc(f)) != EOF)
		at += c == '\n';
	while (at == line && ok && (c = getc(f)) != EOF && c != '\n') {
		char ch = (char)c;

		if (c == '\r')
			continue;
		ok = s->len < SHOWN_LINE && (c >= 0x20 || c == '\t') &&
		    c != 0x7f;
		strbuf_addn(s, &ch, 1);
	}
	fclose(f);
	return ok && at == line && s->len != 0;
}

/* The source line and below it a caret under column col (bytes, from 1).
 * Tabs are kept, so that the caret lines up whatever their width. */
static void
add_caret(struct strbuf *out, const struct loc *loc)
{
	struct strbuf src = {0};

	if (loc->file == NULL || loc->line <= 0 ||
	    !add_source_line(&src, loc->file, loc->line)) {
		strbuf_free(&src);
		return;
	}
	strbuf_addf(out, "  %s\n", src.data);
	if (loc->col > 0 && (size_t)loc->col <= src.len + 1) {
		strbuf_add(out, "  ");
		for (size_t i = 0; i + 1 < (size_t)loc->col; i++) {
			unsigned char c = (unsigned char)src.data[i];

			if (c == '\t')
				strbuf_add(out, "\t");
			else if ((c & 0xc0) != 0x80) /* UTF-8 head */
				strbuf_add(out, " ");
		}
		strbuf_add(out, "^\n");
	}
	strbuf_free(&src);
}

void
diag_print_stderr(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct strbuf s = {0};

	add_message(&s, user, level, loc, text);
	strbuf_add(&s, "\n");
	if (loc != NULL)
		add_caret(&s, loc);
	/* One write, so that messages of threads do not mix. */
	fwrite(s.data, 1, s.len, stderr);
	strbuf_free(&s);
}

_Noreturn void
ice(const char *where, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "internal error: %s: ", where);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(stderr); /* may be a file */
	abort();
}
