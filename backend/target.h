/* Machine descriptions: built-in ones and INI files. Keys, defaults and units
 * are the rows of wave/target.def; see TARGETS.md. */
#ifndef WAVE_BACKEND_TARGET_H
#define WAVE_BACKEND_TARGET_H

#include <wave/target.h>

#include "support/arena.h"
#include "support/diag.h"
#include "support/str.h"

/* A built-in target (one of target_help's names) or, when spec has a '/' or
 * ends in ".ini", a file. NULL after one or more diagnostics. */
struct wave_target *target_load(struct arena *a, struct diag *d,
    const char *spec);

/* As target_load for text already in memory; file is for diagnostics and,
 * without folder and ".ini", the target's name. */
struct wave_target *target_parse_ini(struct arena *a, struct diag *d,
    const char *file, const char *text, size_t len);

/* Applies "KEY=VALUE" as of -mKEY=VALUE. The result is to be validated once
 * all overrides are in. */
bool target_override(struct wave_target *t, struct diag *d,
    const char *assignment);

/* Reports the first inconsistency of a target's numbers. */
bool target_validate(struct diag *d, const struct wave_target *t);

/* Adds the built-in targets and the table of keys, for --help-targets. */
void target_help(struct strbuf *s);

/* Adds the same as Markdown, for TARGETS.md. */
void target_doc(struct strbuf *s);

/* The built-in files, embedded by the build (targets/embed.sh); ends
 * with a NULL name. The text ends with a NUL that size does not count. */
struct target_builtin {
	const char *name;
	const unsigned char *text;
	size_t size;
};
extern const struct target_builtin target_builtins[];

#endif
