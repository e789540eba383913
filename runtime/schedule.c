#include "runtime/schedule.h"

#include <math.h>
#include <string.h>

static bool
bad(struct diag *d, const char *text, const char *why)
{
	diag_error(d, NULL, "learning rate '%s': %s", text, why);
	return false;
}

/* "N+M+...", ascending from 1. */
static bool
parse_epochs(struct arena *a, const char *text, struct schedule *s)
{
	s->nat = 0;
	while (*text != '\0') {
		size_t n = strcspn(text, "+");
		int64_t v;

		if (s->nat == SCHEDULE_MAX_AT ||
		    !parse_int64(arena_strndup(a, text, n), &v) || v < 1 ||
		    (s->nat > 0 && v <= s->at[s->nat - 1]))
			return false;
		s->at[s->nat++] = v;
		text += n;
		if (*text == '+' && *++text == '\0')
			return false;
	}
	return s->nat > 0;
}

static bool
set(struct arena *a, struct schedule *s, const char *key, const char *value)
{
	bool step = s->kind == SCHEDULE_STEP;

	if (strcmp(key, "warmup") == 0)
		return parse_int64(value, &s->warmup) && s->warmup >= 0;
	if (step && strcmp(key, "gamma") == 0)
		return parse_double(value, &s->gamma) && s->gamma >= 0 &&
		    s->gamma <= 1;
	if (step && strcmp(key, "every") == 0)
		return parse_int64(value, &s->every) && s->every >= 1;
	if (step && strcmp(key, "at") == 0)
		return parse_epochs(a, value, s);
	return s->kind == SCHEDULE_COSINE && strcmp(key, "final") == 0 &&
	    parse_double(value, &s->final) && s->final >= 0 &&
	    s->final <= s->lr;
}

/* What follows "KIND:LR". */
static bool
parse_settings(struct arena *a, struct diag *d, const char *whole,
    const char *text, struct schedule *s)
{
	while (*text == ',') {
		size_t n = strcspn(text + 1, ",");
		char *one = arena_strndup(a, text + 1, n);
		char *eq = strchr(one, '=');

		if (eq != NULL)
			*eq = '\0';
		if (eq == NULL || !set(a, s, one, eq + 1))
			return bad(d, whole, arena_printf(a, "'%s' is no "
			    "setting of it, or its value is out of range",
			    one));
		text += 1 + n;
	}
	if (s->kind == SCHEDULE_STEP && (s->every > 0) == (s->nat > 0))
		return bad(d, whole, "step wants either every=EPOCHS or "
		    "at=EPOCH+EPOCH...");
	return true;
}

bool
schedule_parse(struct arena *a, struct diag *d, const char *text,
    struct schedule *out)
{
	static const char *const kinds[] = { "constant", "step", "cosine" };
	struct schedule s = { .gamma = 0.1 };
	const char *colon = strchr(text, ':'), *rate = text;
	size_t n;

	if (colon != NULL) {
		int k = 0;

		n = (size_t)(colon - text);
		while (k < 3 && (strlen(kinds[k]) != n ||
		    strncmp(kinds[k], text, n) != 0))
			k++;
		if (k == 3)
			return bad(d, text, "a schedule is a number, "
			    "constant:, step: or cosine:");
		s.kind = (enum schedule_kind)k;
		rate = colon + 1;
	}
	n = strcspn(rate, ",");
	if (!parse_double(arena_strndup(a, rate, n), &s.lr) || !(s.lr > 0) ||
	    !isfinite(s.lr))
		return bad(d, text, "the rate is no positive number");
	if (!parse_settings(a, d, text, rate + n, &s))
		return false;
	*out = s;
	return true;
}

void
schedule_print(struct strbuf *out, const struct schedule *s)
{
	static const char *const kinds[] = { "constant:", "step:",
		"cosine:" };

	strbuf_add(out, kinds[s->kind]);
	strbuf_add_double(out, s->lr);
	if (s->kind == SCHEDULE_STEP) {
		strbuf_add(out, ",gamma=");
		strbuf_add_double(out, s->gamma);
		if (s->every > 0)
			strbuf_addf(out, ",every=%lld", (long long)s->every);
		for (int i = 0; i < s->nat; i++)
			strbuf_addf(out, "%s%lld", i == 0 ? ",at=" : "+",
			    (long long)s->at[i]);
	}
	if (s->kind == SCHEDULE_COSINE && s->final > 0) {
		strbuf_add(out, ",final=");
		strbuf_add_double(out, s->final);
	}
	if (s->warmup > 0)
		strbuf_addf(out, ",warmup=%lld", (long long)s->warmup);
}

/* cos(pi t) for t in [0, 1] by its series around 1/2, the same on every host
 * (libm differs in the last digit). */
static double
cos_pi(double t)
{
	double x = 3.14159265358979323846 * (0.5 - t), x2 = x * x;
	double term = x, sum = x; /* of sin x, |x| <= pi / 2 */

	for (int k = 1; k < 14; k++) {
		term *= -x2 / (2.0 * k * (2.0 * k + 1));
		sum += term;
	}
	return sum;
}

static double
stepped(const struct schedule *s, int64_t epoch)
{
	int64_t passed = s->every > 0 ? epoch / s->every : 0;
	double lr = s->lr;

	for (int i = 0; i < s->nat; i++)
		passed += epoch >= s->at[i];
	while (passed-- > 0)
		lr *= s->gamma;
	return lr;
}

double
schedule_at(const struct schedule *s, int64_t epoch, int64_t index,
    int64_t steps, int64_t epochs)
{
	double done = (double)epoch * (double)steps + (double)index;
	double warm = (double)s->warmup * (double)steps, rest, t;

	if (done < warm)
		return s->lr * (done + 1) / warm;
	if (s->kind == SCHEDULE_CONSTANT)
		return s->lr;
	if (s->kind == SCHEDULE_STEP)
		return stepped(s, epoch);
	rest = (double)epochs * (double)steps - warm;
	t = rest > 0 ? (done - warm) / rest : 1;
	t = t > 1 ? 1 : t;
	return s->final + (s->lr - s->final) * (1 + cos_pi(t)) / 2;
}
