#include "support/target.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const struct target_key target_keys[] = {
#define TARGET_INT(key, dflt, unit, text) \
	{ #key, unit, text, offsetof(struct wave_target, key), false, dflt },
#define TARGET_REAL(key, dflt, unit, text) \
	{ #key, unit, text, offsetof(struct wave_target, key), true, dflt },
#include <wave/target.def>
};
const unsigned target_nkeys = sizeof target_keys / sizeof *target_keys;

const struct target_key *
target_key(const char *name)
{
	for (unsigned i = 0; i < target_nkeys; i++)
		if (strcmp(target_keys[i].name, name) == 0)
			return &target_keys[i];
	return NULL;
}

#define NAME_MAX_LEN 32

/* Levenshtein distance of two short words; large when one is long. */
static unsigned
distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned row[NAME_MAX_LEN + 1];

	if (na > NAME_MAX_LEN || nb > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (unsigned j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned swap = corner + (a[i - 1] != b[j - 1]);
			unsigned best = row[j] < row[j - 1] ? row[j] :
							      row[j - 1];

			corner = row[j];
			row[j] = best + 1 < swap ? best + 1 : swap;
		}
	}
	return row[nb];
}

const char *
target_key_suggest(const char *name)
{
	const char *best = NULL;
	unsigned least = (unsigned)strlen(name) / 3 + 1;

	for (unsigned i = 0; i < target_nkeys; i++) {
		unsigned d = distance(name, target_keys[i].name);

		if (d <= least && (best == NULL || d < least)) {
			best = target_keys[i].name;
			least = d;
		}
	}
	return best;
}

static void
put_int(struct wave_target *t, const struct target_key *k, int64_t v)
{
	memcpy((char *)t + k->member, &v, sizeof v);
}

static void
put_real(struct wave_target *t, const struct target_key *k, double v)
{
	memcpy((char *)t + k->member, &v, sizeof v);
}

static int64_t
get_int(const struct wave_target *t, const struct target_key *k)
{
	int64_t v;

	memcpy(&v, (const char *)t + k->member, sizeof v);
	return v;
}

static double
get_real(const struct wave_target *t, const struct target_key *k)
{
	double v;

	memcpy(&v, (const char *)t + k->member, sizeof v);
	return v;
}

void
target_defaults(struct wave_target *t, const char *name)
{
	char copy[sizeof t->name]; /* name may be t's own */

	snprintf(copy, sizeof copy, "%s", name);
	memset(t, 0, sizeof *t);
	memcpy(t->name, copy, strlen(copy));
	for (unsigned i = 0; i < target_nkeys; i++) {
		const struct target_key *k = &target_keys[i];

		if (k->real)
			put_real(t, k, k->dflt);
		else
			put_int(t, k, (int64_t)k->dflt);
	}
}

/* A number with an optional 1024-based suffix: "300GiB", "0.7e9". */
static bool
parse_real(const char *text, double *out)
{
	static const struct {
		const char *suffix;
		double factor;
	} suffixes[] = {
		{ "KiB", 1024.0 },
		{ "MiB", 1048576.0 },
		{ "GiB", 1073741824.0 },
		{ "K", 1024.0 },
		{ "M", 1048576.0 },
		{ "G", 1073741824.0 },
	};
	size_t len = strlen(text);
	char head[64];

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		size_t n = strlen(suffixes[i].suffix);

		if (len <= n || len - n >= sizeof head ||
		    strcmp(text + len - n, suffixes[i].suffix) != 0)
			continue;
		memcpy(head, text, len - n);
		head[len - n] = '\0';
		if (!parse_double(head, out))
			return false;
		*out *= suffixes[i].factor;
		return true;
	}
	return parse_double(text, out);
}

bool
target_set(struct wave_target *t, const char *key, const char *value,
    const char **why)
{
	const struct target_key *k = target_key(key);
	int64_t i;
	double r;

	if (k == NULL) {
		*why = "unknown key";
		return false;
	}
	if (k->real) {
		if (!parse_real(value, &r) || !isfinite(r)) {
			*why = "not a number";
			return false;
		}
		put_real(t, k, r);
		return true;
	}
	if (!parse_size(value, &i) && !parse_int64(value, &i)) {
		*why = "not an integer";
		return false;
	}
	put_int(t, k, i);
	return true;
}

void
target_add_value(struct strbuf *s, const struct wave_target *t,
    const struct target_key *k)
{
	if (k->real)
		strbuf_add_double(s, get_real(t, k));
	else
		strbuf_addf(s, "%lld", (long long)get_int(t, k));
}

void
target_add(struct strbuf *s, const struct wave_target *t, const char *indent)
{
	for (unsigned i = 0; i < target_nkeys; i++) {
		strbuf_addf(s, "%s%s = ", indent, target_keys[i].name);
		target_add_value(s, t, &target_keys[i]);
		strbuf_add(s, "\n");
	}
}

static bool
parse_fail(struct diag *d, const struct loc *loc, const char *what,
    const char *line)
{
	diag_error(d, loc, "target parameters: %s: '%s'", what, line);
	return false;
}

/* One "key = value" line, cut into its parts in place. */
static bool
parse_line(struct diag *d, const struct loc *loc, char *line,
    struct wave_target *t, bool *seen)
{
	char *eq = strstr(line, " = ");
	const struct target_key *k;
	const char *why;

	if (eq == NULL)
		return parse_fail(d, loc, "expected 'key = value'", line);
	*eq = '\0';
	if (!target_set(t, line, eq + 3, &why))
		return parse_fail(d, loc, why, line);
	k = target_key(line);
	if (seen[k - target_keys])
		return parse_fail(d, loc, "given twice", line);
	seen[k - target_keys] = true;
	return true;
}

bool
target_parse(struct diag *d, const struct loc *loc, const char *text,
    size_t len, struct wave_target *t)
{
	bool seen[sizeof target_keys / sizeof *target_keys] = { false };
	const char *end = text + len;
	char line[128];

	target_defaults(t, t->name);
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl != NULL ? nl : end) - text);

		if (nl == NULL || n >= sizeof line ||
		    memchr(text, '\0', n) != NULL)
			return parse_fail(d, loc, "malformed line", "");
		memcpy(line, text, n);
		line[n] = '\0';
		if (!parse_line(d, loc, line, t, seen))
			return false;
		text = nl + 1;
	}
	for (unsigned i = 0; i < target_nkeys; i++)
		if (!seen[i])
			return parse_fail(d, loc, "missing",
			    target_keys[i].name);
	return true;
}

/* Largest extents that the instruction fields can hold (16 and 24 bits), and
 * bounds that keep sums of a few of these numbers far from overflow. */
#define MAX_EDGE 65535
#define MAX_ROWS ((1 << 24) - 1)
#define MAX_SMALL 65536
#define MAX_BYTES (INT64_C(1) << 50)
#define MAX_REAL 1e18

static const char *
check_machine(const struct wave_target *t)
{
	if (t->groups < 1 || t->groups > MAX_SMALL)
		return "groups must be 1 to 65536";
	if (t->arrays < 1 || t->arrays > MAX_SMALL)
		return "arrays must be 1 to 65536";
	if (t->rows < 1 || t->rows > MAX_EDGE)
		return "rows must be 1 to 65535";
	if (t->cols < 1 || t->cols > MAX_EDGE)
		return "cols must be 1 to 65535";
	if (t->flexsa > 1 || t->weight_double_buffer > 1 ||
	    t->shift_full > 1 || t->weight_stationary > 1)
		return "flexsa, weight_double_buffer, shift_full and "
		       "weight_stationary must be 0 or 1";
	if (t->flexsa == 1 && (t->rows % 2 != 0 || t->cols % 2 != 0))
		return "a FlexSA needs even rows and cols";
	if (!(t->clock_hz > 0))
		return "clock_hz must be positive";
	if (t->block_m > MAX_ROWS)
		return "block_m must be at most 16777215";
	if (t->lbuf_banks < 1 || t->lbuf_banks > MAX_SMALL)
		return "lbuf_banks must be 1 to 65536";
	if (t->obuf_banks < 1 || t->obuf_banks > MAX_SMALL)
		return "obuf_banks must be 1 to 65536";
	if (t->sram_align < 1 || t->sram_align > MAX_SMALL ||
	    (t->sram_align & (t->sram_align - 1)) != 0)
		return "sram_align must be a power of 2 up to 65536";
	if (t->semaphores < 1 || t->semaphores > MAX_SMALL)
		return "semaphores must be 1 to 65536";
	return NULL;
}

/* The local buffers hold at least one f32 tile per bank. */
static const char *
check_local(const struct wave_target *t)
{
	int64_t tile = t->rows * t->cols * 4 * t->lbuf_banks;

	if (t->lbuf_v_bytes > 0 && t->lbuf_v_bytes < tile)
		return "lbuf_v_bytes is less than lbuf_banks tiles of rows x "
		       "cols f32";
	if (t->block_m == 0 && (t->lbuf_h_bytes > 0 || t->obuf_bytes > 0))
		return "a limit of lbuf_h_bytes or obuf_bytes needs block_m";
	if (t->lbuf_h_bytes > 0 &&
	    t->lbuf_h_bytes < t->block_m * t->rows * 4 * t->lbuf_banks)
		return "lbuf_h_bytes is less than lbuf_banks tiles of "
		       "block_m x rows f32";
	if (t->obuf_bytes > 0 &&
	    t->obuf_bytes < t->block_m * t->cols * 4 * t->obuf_banks)
		return "obuf_bytes is less than obuf_banks blocks of "
		       "block_m x cols f32";
	return NULL;
}

bool
target_check(struct diag *d, const struct loc *loc,
    const struct wave_target *t)
{
	const char *why;

	for (unsigned i = 0; i < target_nkeys; i++) {
		const struct target_key *k = &target_keys[i];
		double v = k->real ? get_real(t, k) : (double)get_int(t, k);
		double most = k->real ? MAX_REAL : (double)MAX_BYTES;

		if (v >= 0 && v <= most)
			continue;
		diag_error(d, loc, "target '%s': %s must be 0 to %g", t->name,
		    k->name, most);
		return false;
	}
	why = check_machine(t);
	if (why == NULL)
		why = check_local(t);
	if (why == NULL)
		return true;
	diag_error(d, loc, "target '%s': %s", t->name, why);
	return false;
}
