/* realpath */
#define _XOPEN_SOURCE 700

/* The top level of .net texts: definitions and include files. */
#include "frontend/net_ast.h"

#include <stdlib.h>
#include <string.h>

#include "support/file.h"

#define INCLUDE_DEPTH 16
#define INCLUDE_LIMIT ((size_t)16 << 20)

void
unit_block(struct unit_text *u, struct block *b)
{
	if (u->blocks.len == NET_MAX_NAMES) {
		net_error(u, b->pos, "more than %d blocks", NET_MAX_NAMES);
		return;
	}
	for (size_t i = 0; i < u->blocks.len; i++) {
		const struct block *o = u->blocks.data[i];

		if (strcmp(o->name, b->name) == 0) {
			net_error(u, b->pos, "block '%s' is defined twice",
			    b->name);
			net_note(u, o->pos, "the first one is here");
			return;
		}
	}
	VEC_PUSH(u->arena, &u->blocks, b);
}

void
unit_network(struct unit_text *u, struct block *b)
{
	if (u->network != NULL) {
		net_error(u, b->pos, "there is a network already; make "
		    "'%s' a block", b->name);
		net_note(u, u->network->pos, "it is here");
		return;
	}
	u->network = b;
}

void
unit_global(struct unit_text *u, struct stmt *s)
{
	if (u->globals.len == NET_MAX_NAMES)
		net_error(u, s->pos, "more than %d named values",
		    NET_MAX_NAMES);
	else
		VEC_PUSH(u->arena, &u->globals, s);
}

void
unit_train(struct unit_text *u, struct settings *s, struct pos pos)
{
	if (s == NULL)
		s = NEW(u->arena, struct settings);
	s->pos = pos;
	if (u->train != NULL) {
		net_error(u, pos, "there is a train section already");
		net_note(u, u->train->pos, "it is here");
		return;
	}
	u->train = s;
}

/* Whether the name steps out of the folder by its letters. */
static bool
steps_out(const char *name)
{
	const char *p = name;

	if (*p == '/')
		return true;
	while (p != NULL) {
		if (strncmp(p, "..", 2) == 0 &&
		    (p[2] == '/' || p[2] == '\0'))
			return true;
		p = strchr(p, '/');
		p = p != NULL ? p + 1 : NULL;
	}
	return false;
}

/* The path without links when it lies below the folder, in the arena. */
static const char *
resolve(struct unit_text *u, const char *folder, const char *path)
{
	char *base = realpath(folder, NULL), *full = realpath(path, NULL);
	const char *found = NULL;

	if (base != NULL && full != NULL) {
		size_t n = strlen(base);
		bool root = strcmp(base, "/") == 0;

		if (root || (strncmp(full, base, n) == 0 && full[n] == '/'))
			found = arena_strdup(u->arena, full);
	}
	free(base);
	free(full);
	return found;
}

/* Scans one more text; the folder is that of the path. */
static void
scan_file(struct unit_text *u, const char *path, int depth,
    const char *text, size_t len)
{
	const char *slash = strrchr(path, '/');
	struct scan in = {.u = u, .file = path, .depth = depth};

	in.folder = slash == NULL ? "." : slash == path ? "/" :
	    arena_strndup(u->arena, path, (size_t)(slash - path));
	net_scan_text(&in, text, len);
}

void
unit_include(struct scan *s, const char *name, struct pos pos)
{
	struct unit_text *u = s->u;
	struct diag quiet = {0};
	char *text;
	size_t len;

	if (steps_out(name)) {
		net_error(u, pos, "include: '%s' leaves the folder of this "
		    "file", name);
		return;
	}
	if (s->depth == INCLUDE_DEPTH) {
		net_error(u, pos, "include: more than %d files deep",
		    INCLUDE_DEPTH);
		return;
	}
	const char *path = strcmp(s->folder, ".") == 0 ?
	    arena_strdup(u->arena, name) :
	    arena_printf(u->arena, "%s/%s", s->folder, name);
	const char *full = resolve(u, s->folder, path);
	if (full == NULL || !file_read(u->arena, &quiet, full, INCLUDE_LIMIT,
	    &text, &len)) {
		net_error(u, pos, "include: cannot read '%s' in the folder "
		    "of this file", name);
		return;
	}
	for (size_t i = 0; i < u->files.len; i++)
		if (strcmp(u->files.data[i], full) == 0)
			return; /* read once */
	VEC_PUSH(u->arena, &u->files, full);
	scan_file(u, path, s->depth + 1, text, len);
}

void
unit_read(struct unit_text *u, const char *path, const char *text,
    size_t len)
{
	char *full = realpath(path, NULL);

	if (full != NULL)
		VEC_PUSH(u->arena, &u->files, arena_strdup(u->arena, full));
	free(full);
	scan_file(u, path, 0, text, len);
}
