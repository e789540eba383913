/* Target parameters by name: the rows of wave/target.def as data. Target
 * files, object files, assembly and the command line all go through here. */
#ifndef WAVE_SUPPORT_TARGET_H
#define WAVE_SUPPORT_TARGET_H

#include <wave/target.h>

#include "support/diag.h"
#include "support/str.h"

struct target_key {
	const char *name, *unit, *text;
	size_t member;
	bool real;   /* double, else int64_t */
	double dflt;
};

extern const struct target_key target_keys[];
extern const unsigned target_nkeys;

/* The row of a key; NULL when unknown. */
const struct target_key *target_key(const char *name);

/* The key whose spelling is nearest, for "did you mean"; NULL when none is. */
const char *target_key_suggest(const char *name);

/* The defaults of the table under a name, which is cut to fit. */
void target_defaults(struct wave_target *t, const char *name);

/* Sets one key from text. Numbers take the suffixes of parse_size. False
 * with *why set to a static text when the key or the number is not one. */
bool target_set(struct wave_target *t, const char *key, const char *value,
    const char **why);

/* Adds the value of one key; reads back as the same number. */
void target_add_value(struct strbuf *s, const struct wave_target *t,
    const struct target_key *k);

/* Adds "key = value" lines for all keys, each after indent. */
void target_add(struct strbuf *s, const struct wave_target *t,
    const char *indent);

/* Reads back target_add's text, in which each key stands exactly once. The
 * name is not part of it. Reports one error at loc. */
bool target_parse(struct diag *d, const struct loc *loc, const char *text,
    size_t len, struct wave_target *t);

/* Checks that the numbers describe a machine; one error at loc otherwise. */
bool target_check(struct diag *d, const struct loc *loc,
    const struct wave_target *t);

#endif
