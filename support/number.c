/* Numbers as text, the same in every locale: the C library is only given
 * text without a radix character ("12345e-3"), and only asked for digits. */
#include "support/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIGITS 17 /* enough for every double (IEEE 754, 5.12.2) */

/* digits x 10^exp, the value of a positive number */
struct decimal {
	char digit[MAX_DIGITS + 1];
	int n, exp;
};

static struct decimal
to_decimal(double v, int digits)
{
	struct decimal d = {0};
	char text[64];
	const char *p = text;

	snprintf(text, sizeof text, "%.*e", digits - 1, v);
	for (; *p != 'e'; p++) {
		if (*p >= '0' && *p <= '9' && d.n < MAX_DIGITS)
			d.digit[d.n++] = *p;
	}
	d.exp = (int)strtol(p + 1, NULL, 10) - (d.n - 1);
	return d;
}

static bool
reads_back(const struct decimal *d, double v, bool single)
{
	char text[64];
	double r;

	snprintf(text, sizeof text, "%se%d", d->digit, d->exp);
	r = strtod(text, NULL);
	if (!single)
		return r == v;
	/* Both ways to get a float must agree; by way of a double there
	 * are two roundings. */
	return (double)(float)r == v && (double)strtof(text, NULL) == v;
}

/* The neighbour of d with the same number of digits, one unit up or down in
 * its last place. False when that would take another digit. */
static bool
step(struct decimal *d, bool up)
{
	for (int i = d->n - 1; i >= 0; i--) {
		if (d->digit[i] != (up ? '9' : '0')) {
			d->digit[i] = (char)(d->digit[i] + (up ? 1 : -1));
			return d->digit[0] != '0';
		}
		d->digit[i] = up ? '0' : '9';
	}
	return false;
}

/* Fewest digits that read back. The nearest decimal of a length is not
 * always inside the rounding interval where another one of that length is:
 * below a power of two the interval is half as wide. So try neighbours. */
static struct decimal
shortest(double v, bool single)
{
	for (int n = 1; n < MAX_DIGITS; n++) {
		struct decimal d = to_decimal(v, n), e = d;

		if (reads_back(&d, v, single))
			return d;
		if (step(&e, true) && reads_back(&e, v, single))
			return e;
		e = d;
		if (step(&e, false) && reads_back(&e, v, single))
			return e;
	}
	return to_decimal(v, MAX_DIGITS);
}

static void
add_decimal(struct strbuf *s, const struct decimal *d)
{
	int point = d->n + d->exp; /* digits in front of the radix point */

	if (point > 16 || point < -4) {
		strbuf_addn(s, d->digit, 1);
		if (d->n > 1)
			strbuf_addf(s, ".%s", d->digit + 1);
		strbuf_addf(s, "e%d", point - 1);
	} else if (point <= 0) {
		strbuf_addf(s, "0.%.*s%s", -point, "0000", d->digit);
	} else if (point >= d->n) {
		strbuf_addf(s, "%s%.*s", d->digit, point - d->n,
		    "0000000000000000");
	} else {
		strbuf_addf(s, "%.*s.%s", point, d->digit,
		    d->digit + point);
	}
}

static void
add_number(struct strbuf *s, double v, bool single)
{
	struct decimal d;

	if (isnan(v)) {
		strbuf_add(s, "nan");
		return;
	}
	if (signbit(v))
		strbuf_add(s, "-");
	v = fabs(v);
	if (isinf(v)) {
		strbuf_add(s, "inf");
		return;
	}
	if (v == 0) {
		strbuf_add(s, "0");
		return;
	}
	d = shortest(v, single);
	while (d.n > 1 && d.digit[d.n - 1] == '0') {
		d.digit[--d.n] = '\0';
		d.exp++;
	}
	add_decimal(s, &d);
}

void
strbuf_add_double(struct strbuf *s, double v)
{
	add_number(s, v, false);
}

void
strbuf_add_float(struct strbuf *s, float v)
{
	add_number(s, (double)v, true);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *p as a number up to limit; moves *p behind them. */
static bool
scan_digits(const char **p, uint64_t limit, uint64_t *out)
{
	uint64_t v = 0;

	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++) {
		uint64_t c = (uint64_t)(**p - '0');

		if (c > limit || v > (limit - c) / 10)
			return false;
		v = v * 10 + c;
	}
	*out = v;
	return true;
}

bool
parse_int64(const char *text, int64_t *out)
{
	bool neg = *text == '-';
	uint64_t v;

	if (*text == '-' || *text == '+')
		text++;
	if (!scan_digits(&text, (uint64_t)INT64_MAX + neg, &v) ||
	    *text != '\0')
		return false;
	if (neg && v != 0)
		*out = -(int64_t)(v - 1) - 1;
	else
		*out = (int64_t)v;
	return true;
}

bool
parse_size(const char *text, int64_t *out)
{
	static const struct {
		const char *suffix;
		int shift;
	} unit[] = {
		{"", 0},
		{"K", 10},
		{"KiB", 10},
		{"M", 20},
		{"MiB", 20},
		{"G", 30},
		{"GiB", 30},
	};
	uint64_t v;

	if (!scan_digits(&text, INT64_MAX, &v))
		return false;
	for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
		if (strcmp(text, unit[i].suffix) == 0)
			return mul_int64((int64_t)v,
			    (int64_t)1 << unit[i].shift, out);
	}
	return false;
}

/* Adds the digits at *p to s without a radix point and counts those behind
 * it. False when there is no digit. */
static bool
scan_mantissa(const char **p, struct strbuf *s, int64_t *fraction)
{
	bool any = false, point = false;

	for (;; (*p)++) {
		if (**p == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(**p))
			return any;
		any = true;
		*fraction += point;
		strbuf_addn(s, *p, 1);
	}
}

/* "e-12" at *p, or nothing. An exponent too large to count is cut: the
 * number is out of range whatever its digits are. */
static bool
scan_exponent(const char **p, int64_t *exp)
{
	bool neg;

	*exp = 0;
	if (**p != 'e' && **p != 'E')
		return true;
	(*p)++;
	neg = **p == '-';
	if (**p == '-' || **p == '+')
		(*p)++;
	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++) {
		if (*exp < INT64_MAX / 100)
			*exp = *exp * 10 + (**p - '0');
	}
	if (neg)
		*exp = -*exp;
	return true;
}

static bool
parse_special(const char *text, bool neg, double *out)
{
	if (strcmp(text, "inf") == 0)
		*out = (double)(neg ? -INFINITY : INFINITY);
	else if (strcmp(text, "nan") == 0)
		*out = (double)NAN;
	else
		return false;
	return true;
}

bool
parse_double(const char *text, double *out)
{
	struct strbuf s = {0};
	int64_t fraction = 0, exp;
	bool neg = *text == '-', ok, zero;
	double v;

	if (*text == '-' || *text == '+')
		text++;
	if (parse_special(text, neg, out))
		return true;
	ok = scan_mantissa(&text, &s, &fraction) &&
	    scan_exponent(&text, &exp) && *text == '\0';
	if (ok) {
		zero = strspn(s.data, "0") == s.len;
		strbuf_addf(&s, "e%lld", (long long)(exp - fraction));
		v = strtod(s.data, NULL);
		ok = !isinf(v) && (v != 0 || zero);
		if (ok)
			*out = neg ? -v : v;
	}
	strbuf_free(&s);
	return ok;
}
