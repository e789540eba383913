#include "runtime/normalise.h"

#include <math.h>
#include <string.h>

#include "support/str.h"

#define MAX_NUMBERS 64

int64_t
normalise_channels(const struct dataset *s)
{
	return s->rank == 3 ? s->dim[0] : 1;
}

/* How often each byte occurs in a channel. */
static void
count_bytes(const struct dataset *s, int64_t channel, int64_t count[256])
{
	int64_t elems = dataset_elems(s);
	int64_t inner = elems / normalise_channels(s);

	memset(count, 0, 256 * sizeof *count);
	for (int64_t i = 0; i < s->count; i++) {
		const uint8_t *p = (const uint8_t *)s->data + i * elems +
		    channel * inner;

		for (int64_t k = 0; k < inner; k++)
			count[p[k]]++;
	}
}

static void
measure_bytes(const struct dataset *s, int64_t channel, double n, double *mean,
    double *variance)
{
	int64_t count[256];

	count_bytes(s, channel, count);
	*mean = *variance = 0;
	for (int b = 0; b < 256; b++)
		*mean += (double)count[b] * (b / 255.0);
	*mean /= n;
	for (int b = 0; b < 256; b++) {
		double v = b / 255.0 - *mean;

		*variance += (double)count[b] * (v * v);
	}
	*variance /= n;
}

/* The sum over a channel of (v - mean) or of its square. */
static double
sum_floats(const struct dataset *s, int64_t channel, double mean, bool square)
{
	int64_t elems = dataset_elems(s);
	int64_t inner = elems / normalise_channels(s);
	double sum = 0;

	for (int64_t i = 0; i < s->count; i++) {
		const float *p = (const float *)s->data + i * elems +
		    channel * inner;

		for (int64_t k = 0; k < inner; k++) {
			double v = (double)p[k] - mean;

			sum += square ? v * v : v;
		}
	}
	return sum;
}

struct normalise
normalise_measure(struct arena *a, const struct dataset *s)
{
	int64_t channels = normalise_channels(s);
	double n = (double)s->count * (double)(dataset_elems(s) / channels);
	double *mean = NEW_ARRAY(a, double, (size_t)channels);
	double *deviation = NEW_ARRAY(a, double, (size_t)channels);

	for (int64_t c = 0; c < channels; c++) {
		double variance;

		if (s->dtype == DT_U8) {
			measure_bytes(s, c, n, &mean[c], &variance);
		} else {
			mean[c] = sum_floats(s, c, 0, false) / n;
			variance = sum_floats(s, c, mean[c], true) / n;
		}
		deviation[c] = variance > 0 ? sqrt(variance) : 1;
	}
	return (struct normalise){channels, mean, deviation};
}

double *
normalise_parse(struct arena *a, const char *text, int64_t *n)
{
	double *out = NEW_ARRAY(a, double, MAX_NUMBERS);

	for (*n = 0; *n < MAX_NUMBERS; text++) {
		/* the + of an exponent does not divide */
		size_t len = strcspn(text, "+");

		while (len > 0 && text[len] == '+' &&
		    (text[len - 1] == 'e' || text[len - 1] == 'E'))
			len += 1 + strcspn(text + len + 1, "+");
		if (!parse_double(arena_strndup(a, text, len), &out[*n]) ||
		    !isfinite(out[*n]))
			return NULL;
		++*n;
		text += len;
		if (*text == '\0')
			return out;
	}
	return NULL;
}
