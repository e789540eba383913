#include "backend/target.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "support/file.h"
#include "support/target.h"

#define MAX_FILE (1 << 20)
#define MAX_BASES 8 /* files that inherit from one another */

/* State of one file under the INI reader. */
struct reading {
	struct arena *arena;
	struct diag *d;
	struct wave_target *t;
	bool *seen;
	const char *file;
	const char *next, *end; /* text not yet handed out */
	int line;               /* of the last line handed out */
	int depth;              /* files above this one */
	bool any, failed;
	int failed_line;
};

static void fail(struct reading *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
fail(struct reading *r, const char *fmt, ...)
{
	struct loc loc = { r->file, r->line, 0, NULL };
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(r->d, DIAG_ERROR, &loc, fmt, ap);
	va_end(ap);
	r->failed = true;
	r->failed_line = r->line;
}

/* inih's reader: one line at a time. It would take an indented line for the
 * continuation of a value and would split a long one, so indentation is
 * dropped and long lines are refused. */
static char *
next_line(char *buf, int num, void *user)
{
	struct reading *r = user;
	size_t n = 0, skip = 0;
	const char *nl;

	if (r->next >= r->end || num < 2)
		return NULL;
	r->line++;
	nl = memchr(r->next, '\n', (size_t)(r->end - r->next));
	n = (size_t)((nl != NULL ? nl : r->end) - r->next);
	while (skip < n && (r->next[skip] == ' ' || r->next[skip] == '\t'))
		skip++;
	if (n - skip > (size_t)num - 2) {
		fail(r, "line is longer than %d characters", num - 2);
		skip = n;
	}
	memcpy(buf, r->next + skip, n - skip);
	buf[n - skip] = '\n';
	buf[n - skip + 1] = '\0';
	r->next = nl != NULL ? nl + 1 : r->end;
	return buf;
}

static struct wave_target *load(struct arena *a, struct diag *d,
    const char *spec, int depth);

static bool
is_path(const char *spec)
{
	size_t n = strlen(spec);

	return strchr(spec, '/') != NULL ||
	    (n > 4 && strcmp(spec + n - 4, ".ini") == 0);
}

/* A path in a file is relative to the folder of that file. */
static const char *
beside(struct reading *r, const char *spec)
{
	const char *slash = strrchr(r->file, '/');

	if (!is_path(spec) || spec[0] == '/' || slash == NULL)
		return spec;
	return arena_printf(r->arena, "%.*s%s", (int)(slash + 1 - r->file),
	    r->file, spec);
}

/* base = NAME: everything of another target that this one does not change. */
static void
inherit(struct reading *r, const char *value)
{
	struct wave_target *base;
	char name[sizeof r->t->name];

	if (r->any) {
		fail(r, "base must be the first key");
		return;
	}
	if (r->depth >= MAX_BASES) {
		fail(r, "more than %d targets inherit from one another",
		    MAX_BASES);
		return;
	}
	base = load(r->arena, r->d, beside(r, value), r->depth + 1);
	if (base == NULL) {
		fail(r, "base target '%s' could not be read", value);
		return;
	}
	memcpy(name, r->t->name, sizeof name);
	*r->t = *base;
	memcpy(r->t->name, name, sizeof name);
}

static void
unknown_key(struct reading *r, const char *key)
{
	const char *near = target_key_suggest(key);

	if (near != NULL)
		fail(r, "unknown key '%s'; did you mean '%s'?", key, near);
	else
		fail(r, "unknown key '%s'", key);
}

static void
assign(struct reading *r, const char *key, const char *value)
{
	const struct target_key *k = target_key(key);
	const char *why;

	if (strcmp(key, "base") == 0) {
		inherit(r, value);
	} else if (k == NULL) {
		unknown_key(r, key);
	} else if (r->seen[k - target_keys]) {
		fail(r, "%s is given twice", key);
	} else if (!target_set(r->t, key, value, &why)) {
		fail(r, "%s: '%s' is %s", key, value, why);
	} else {
		r->seen[k - target_keys] = true;
	}
	r->any = true;
}

/* inih's handler; 0 would only repeat what fail has said. */
static int
handle(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;

	if (strcmp(section, "target") != 0)
		fail(r, "'%s' is not in section [target]", key);
	else
		assign(r, key, value);
	return 1;
}

/* "dir/my.ini" -> "my" */
static void
stem(const char *file, char *out, size_t size)
{
	const char *slash = strrchr(file, '/');
	const char *start = slash != NULL ? slash + 1 : file;
	size_t n = strlen(start);

	if (n > 4 && strcmp(start + n - 4, ".ini") == 0)
		n -= 4;
	snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), start);
	for (char *c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = '_';
}

static struct wave_target *
read_ini(struct arena *a, struct diag *d, const char *file, const char *text,
    size_t len, int depth)
{
	struct reading r = { .arena = a, .d = d, .file = file, .next = text,
		.end = text + len, .depth = depth };
	struct loc loc = { file, 0, 0, NULL };
	char name[sizeof r.t->name];
	int line;

	if (memchr(text, '\0', len) != NULL) {
		diag_error(d, &loc, "not a text file");
		return NULL;
	}
	r.t = NEW(a, struct wave_target);
	r.seen = NEW_ARRAY(a, bool, target_nkeys);
	stem(file, name, sizeof name);
	target_defaults(r.t, name);
	line = ini_parse_stream(next_line, &r, handle, &r);
	if (line != 0 && line != r.failed_line) {
		r.line = line > 0 ? line : 0;
		fail(&r, "expected 'key = value'");
	}
	if (!r.failed && !r.any)
		fail(&r, "no key in section [target]");
	if (r.failed || !target_check(d, &loc, r.t))
		return NULL;
	return r.t;
}

static const struct target_builtin *
find_builtin(const char *name)
{
	for (const struct target_builtin *b = target_builtins;
	     b->name != NULL; b++)
		if (strcmp(b->name, name) == 0)
			return b;
	return NULL;
}

static void
unknown_target(struct diag *d, const char *spec)
{
	struct strbuf s = { 0 };

	for (const struct target_builtin *b = target_builtins;
	     b->name != NULL; b++)
		strbuf_addf(&s, "%s%s", b == target_builtins ? "" : " ",
		    b->name);
	diag_error(d, NULL,
	    "unknown target '%s'; there are: %s; or a file NAME.ini", spec,
	    s.data);
	strbuf_free(&s);
}

static struct wave_target *
load(struct arena *a, struct diag *d, const char *spec, int depth)
{
	const struct target_builtin *b = find_builtin(spec);
	char *text;
	size_t len;

	if (b != NULL)
		return read_ini(a, d, arena_printf(a, "%s.ini", spec),
		    (const char *)b->text, b->size, depth);
	if (!is_path(spec)) {
		unknown_target(d, spec);
		return NULL;
	}
	if (!file_read(a, d, spec, MAX_FILE, &text, &len))
		return NULL;
	return read_ini(a, d, spec, text, len, depth);
}

struct wave_target *
target_load(struct arena *a, struct diag *d, const char *spec)
{
	return load(a, d, spec, 0);
}

struct wave_target *
target_parse_ini(struct arena *a, struct diag *d, const char *file,
    const char *text, size_t len)
{
	return read_ini(a, d, file, text, len, 0);
}

bool
target_override(struct wave_target *t, struct diag *d, const char *assignment)
{
	const char *eq = strchr(assignment, '='), *why, *near;
	char key[64];

	if (eq == NULL || eq == assignment ||
	    (size_t)(eq - assignment) >= sizeof key) {
		diag_error(d, NULL, "-m%s: expected -mKEY=VALUE", assignment);
		return false;
	}
	memcpy(key, assignment, (size_t)(eq - assignment));
	key[eq - assignment] = '\0';
	if (target_set(t, key, eq + 1, &why))
		return true;
	near = target_key(key) == NULL ? target_key_suggest(key) : NULL;
	if (near != NULL)
		diag_error(d, NULL, "-m%s: %s; did you mean '%s'?",
		    assignment, why, near);
	else
		diag_error(d, NULL, "-m%s: %s", assignment, why);
	return false;
}

bool
target_validate(struct diag *d, const struct wave_target *t)
{
	return target_check(d, NULL, t);
}

/* The comment on a built-in's first line says what it is. */
static void
add_summary(struct strbuf *s, const struct target_builtin *b)
{
	const char *text = (const char *)b->text;

	while (*text == ';' || *text == ' ')
		text++;
	strbuf_addn(s, text, strcspn(text, "\n"));
}

void
target_help(struct strbuf *s)
{
	strbuf_add(s, "Targets (-march=NAME or -march=FILE.ini):\n");
	for (const struct target_builtin *b = target_builtins;
	     b->name != NULL; b++) {
		strbuf_addf(s, "  %-18s ", b->name);
		add_summary(s, b);
		strbuf_add(s, "\n");
	}
	strbuf_add(s,
	    "\nParameters (-mKEY=VALUE), 0 is no limit or no time:\n");
	for (unsigned i = 0; i < target_nkeys; i++) {
		const struct target_key *k = &target_keys[i];

		strbuf_addf(s, "  %-21s %s", k->name, k->text);
		if (k->unit[0] != '\0')
			strbuf_addf(s, " (%s)", k->unit);
		strbuf_add(s, "\n");
	}
}

void
target_doc(struct strbuf *s)
{
	strbuf_add(s, "| name | what it is |\n|---|---|\n");
	for (const struct target_builtin *b = target_builtins;
	     b->name != NULL; b++) {
		strbuf_addf(s, "| `%s` | ", b->name);
		add_summary(s, b);
		strbuf_add(s, " |\n");
	}
	strbuf_add(s,
	    "\n## Keys\n\n0 is \"no limit\" for sizes and rates, \"no time\" "
	    "for latencies.\n\n"
	    "| key | unit | default | meaning |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < target_nkeys; i++) {
		const struct target_key *k = &target_keys[i];

		strbuf_addf(s, "| `%s` | %s | ", k->name, k->unit);
		strbuf_add_double(s, k->dflt);
		strbuf_addf(s, " | %s |\n", k->text);
	}
}
